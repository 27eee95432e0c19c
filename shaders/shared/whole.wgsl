// Keys as whole numbers that are not below 0, and back. Keys of 8 and 16 bits are such numbers. Keys of float32 come here of levels alone, whole numbers
// below 2^24 in size, which count from -2^24 here, and of NaN.

override LEVELS: bool = false;

// In place of a whole number: there is none. No sum that fits reaches it.
const NONE: u32 = 0xffffffffu;
const ZERO: u32 = 0x1000000u;

// Of float32: the keys of both infinities, and that of the canonical NaN.
const LEAST_NUMBER: u32 = 0x007fffffu;
const MOST_NUMBER: u32 = 0xff800000u;
const NAN_KEY: u32 = 0xffc00000u;

fn whole_of(key: u32) -> u32 {
    if (!LEVELS) {
        return key;
    }
    if (key < LEAST_NUMBER || key > MOST_NUMBER) {
        return NONE;
    }
    let negative = key < 0x80000000u;
    let bits = select(key ^ 0x80000000u, ~key, negative) & 0x7fffffffu;
    let exponent = bits >> 23u;
    if (exponent < 127u) {
        return ZERO;
    }
    let size = ((bits & 0x7fffffu) | 0x800000u) >> (150u - min(exponent, 150u));
    return select(ZERO + size, ZERO - size, negative);
}

fn key_of(whole: u32) -> u32 {
    if (!LEVELS) {
        return whole;
    }
    if (whole == NONE) {
        return NAN_KEY;
    }
    return level_key(i32(whole) - i32(ZERO));
}

// The key of a level as float32, whatever the keys that were read.
fn level_key(level: i32) -> u32 {
    if (level == 0) {
        return 0x80000000u;
    }
    let size = u32(abs(level));
    let top = firstLeadingBit(size);
    let bits = ((top + 127u) << 23u) | ((size << (23u - top)) & 0x7fffffu);
    return select(bits | 0x80000000u, ~(bits | 0x80000000u), level < 0);
}

// floor(a * b / 2^shift + 1/2), for a of at most 28 bits, b of at most 2^15 and shifts from 12 on, which two words would hold.
fn product(a: u32, b: u32, shift: u32) -> u32 {
    let low = (a & 4095u) * b + (1u << (shift - 1u));
    return ((a >> 12u) * b + (low >> 12u)) >> (shift - 12u);
}
