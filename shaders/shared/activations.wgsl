// Two numbers of 16 bits in a word.
fn both(word: u32) -> vec2<i32> {
    return vec2(i32(word << 16u) >> 16u, i32(word) >> 16u);
}

fn joined(values: vec2<i32>) -> u32 {
    return (u32(values.x) & 0xffffu) | (u32(values.y) << 16u);
}

// floor(sum * multiplier / 2^16) in two halves, then the rounded shift.
fn requant(sum: i32, multiplier: i32, shift: u32) -> i32 {
    let low = ((u32(sum) & 0xffffu) * u32(multiplier)) >> 16u;
    let product = (sum >> 16u) * multiplier + i32(low);
    return (product + i32((1u << shift) >> 1u)) >> shift;
}
