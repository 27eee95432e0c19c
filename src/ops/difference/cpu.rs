//! Differences on the CPU.

use crate::volume::Dtype;

/// Writes `upper` less `lower` to `out`, all of them little-endian, of voxels of `dtype`.
///
/// # Panics
/// If the three have different lengths.
pub fn cpu(dtype: Dtype, upper: &[u8], lower: &[u8], out: &mut [u8]) {
    assert!(upper.len() == lower.len() && upper.len() == out.len(), "{} less {} into {}", upper.len(), lower.len(), out.len());
    // As wide numbers of either sign wrap around alike.
    match dtype {
        Dtype::F32 => each(upper, lower, out, |a, b| number(f32::from_le_bytes(a) - f32::from_le_bytes(b)).to_le_bytes()),
        Dtype::F64 => {
            let number = |v: f64| if v.is_nan() { f64::NAN } else { v };
            each(upper, lower, out, |a, b| number(f64::from_le_bytes(a) - f64::from_le_bytes(b)).to_le_bytes());
        }
        _ => match dtype.bytes() {
            1 => each(upper, lower, out, |[a], [b]: [u8; 1]| [a.wrapping_sub(b)]),
            2 => each(upper, lower, out, |a, b| u16::from_le_bytes(a).wrapping_sub(u16::from_le_bytes(b)).to_le_bytes()),
            4 => each(upper, lower, out, |a, b| u32::from_le_bytes(a).wrapping_sub(u32::from_le_bytes(b)).to_le_bytes()),
            _ => each(upper, lower, out, |a, b| u64::from_le_bytes(a).wrapping_sub(u64::from_le_bytes(b)).to_le_bytes()),
        },
    }
}

/// One NaN, for CPUs differ in which they make.
fn number(value: f32) -> f32 {
    if value.is_nan() { f32::NAN } else { value }
}

fn each<const N: usize>(upper: &[u8], lower: &[u8], out: &mut [u8], less: impl Fn([u8; N], [u8; N]) -> [u8; N]) {
    let (upper, lower, out) = (upper.as_chunks().0, lower.as_chunks().0, out.as_chunks_mut().0);
    for ((to, a), b) in out.iter_mut().zip(upper).zip(lower) {
        *to = less(*a, *b);
    }
}
