//! Linear interpolation of floats and wide integers, in f64 and rounded once.

use super::{Sampled, pair, rows};
use crate::ops::resample::positions::VOXEL;

pub(super) fn all(from: &Sampled<'_>, fill: u64, size: [usize; 3], out: &mut [u8]) {
    let [nx, ny, nz] = from.shape;
    let (dtype, width) = (from.dtype, from.dtype.bytes());
    let step = from.positions.step[0];
    rows(from, fill, size, out, |first, _, row| {
        let mut at = first;
        for one in row.chunks_exact_mut(width) {
            let share = at.map(|position| (position & (VOXEL - 1)) as f64 / VOXEL as f64);
            let ([x0, x1], ys, zs) = (pair(at[0] >> 32, nx), pair(at[1] >> 32, ny), pair(at[2] >> 32, nz));
            let value = |index: usize| dtype.decode(&from.bytes[index * width..][..width]);
            let line = |y: usize, z: usize| {
                let begin = (z * ny + y) * nx;
                between(|| value(begin + x0), || value(begin + x1), share[0])
            };
            let slice = |z: usize| between(|| line(ys[0], z), || line(ys[1], z), share[1]);
            let value = between(|| slice(zs[0]), || slice(zs[1]), share[2]);
            dtype.encode(if dtype.is_integer() { (value + 0.5).floor() } else { value }, one);
            at = std::array::from_fn(|along| at[along] + step[along]);
        }
    });
}

/// Between two numbers; one of weight 0 is not looked at, be it NaN or infinite, and equal ones stay what they are.
fn between(a: impl Fn() -> f64, b: impl Fn() -> f64, share: f64) -> f64 {
    let a = a();
    if share == 0.0 {
        return a;
    }
    let b = b();
    if a == b { a } else { a * (1.0 - share) + b * share }
}
