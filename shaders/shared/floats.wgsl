// f32 values as integers that sort alike. Comparisons of floats are not used anywhere: WGSL lets drivers drop NaN, flush
// denormals and reassociate; comparisons of these keys are exact everywhere.

fn is_nan(bits: u32) -> bool {
    return (bits & 0x7fffffffu) > 0x7f800000u;
}

// -0 and +0 are one value and get one key.
fn order_key(bits: u32) -> u32 {
    if ((bits & 0x7fffffffu) == 0u) {
        return 0x80000000u;
    }
    return select(bits | 0x80000000u, ~bits, (bits >> 31u) == 1u);
}
