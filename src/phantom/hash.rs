//! Numbers that look like chance and are the same on every machine.

/// 64 well-mixed bits of three numbers (the finaliser of SplitMix64, once for each).
pub(super) fn hash(seed: u64, a: u64, b: u64) -> u64 {
    let mix = |mut x: u64| {
        x = (x ^ x >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ x >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^ x >> 31
    };
    [seed, a, b].into_iter().fold(0, |h: u64, n| mix(h.wrapping_add(n).wrapping_add(0x9E37_79B9_7F4A_7C15)))
}
