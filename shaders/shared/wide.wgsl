// Whole numbers of two words, high and low: WGSL has none of 64 bits.

// a * b for b < 2^16.
fn product(a: u32, b: u32) -> vec2<u32> {
    let low = (a & 0xffffu) * b;
    let high = (a >> 16u) * b;
    let sum = low + (high << 16u);
    return vec2((high >> 16u) + select(0u, 1u, sum < low), sum);
}

fn at_most(a: vec2<u32>, b: vec2<u32>) -> bool {
    return a.x < b.x || (a.x == b.x && a.y <= b.y);
}

// The quotient to nearest, ties to even, where it is below 2^16: found bit by bit. The divisor is not 0.
fn rounded(numerator: vec2<u32>, divisor: u32) -> u32 {
    var quotient = 0u;
    for (var bit = 32768u; bit > 0u; bit /= 2u) {
        if (at_most(product(divisor, quotient | bit), numerator)) {
            quotient |= bit;
        }
    }
    // The remainder is below the divisor, so its low word is all of it.
    let remainder = numerator.y - product(divisor, quotient).y;
    let rest = divisor - remainder;
    if (remainder > rest || (remainder == rest && (quotient & 1u) == 1u)) {
        quotient += 1u;
    }
    return quotient;
}
