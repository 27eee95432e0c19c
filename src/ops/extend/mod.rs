//! Voxels beyond the ends of a box, by a border rule: so that a kernel finds a full halo, and knows of no rule.
//!
//! For the voxels a b c d, SciPy's names: `nearest` goes on with a a | a b c d | d d, `reflect` with b a | a b c d | d c, `mirror` with c b | a b c d | c b, `constant` with one value.
//!
//! - **Input**: any type; voxels to add before and behind along x, y and z.
//! - **Output**: a larger box of the same type.
//! - **Border**: the rule; reflections go to and fro where more is added than there are voxels.
//! - **NaN/Inf**: moved as they are.
//! - **Exactness**: Exact: voxels are moved.
//! - **Cost**: one read and one write of the larger box.
//! - **Errors**: `cpu` panics at an empty box, or an input or output of another length.
//! - **Agrees with**: `numpy.pad` with `edge`, `symmetric`, `reflect` and `constant`, in this order; the `mode` of `scipy.ndimage` filters.

mod case;
mod cpu;
mod gpu;
#[cfg(test)]
mod tests;

pub(crate) use case::cases;
pub use cpu::cpu;
pub use gpu::{SHADER, encode};

/// What lies beyond the ends of a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Border {
    /// The outermost voxel goes on.
    Nearest,
    /// The voxels again, backwards, the outermost twice.
    Reflect,
    /// The voxels again, backwards, the outermost once.
    Mirror,
    /// One value: the bits of a stored one.
    Constant(u64),
}

impl Border {
    /// The place in a row of `count` voxels that is seen at a place inside or outside of it; none where it is a constant.
    fn place(self, at: isize, count: usize) -> Option<usize> {
        let n = count as isize;
        let found = match self {
            Self::Nearest => at.clamp(0, n - 1),
            Self::Reflect => {
                let there = at.rem_euclid(2 * n);
                there.min(2 * n - 1 - there)
            }
            Self::Mirror => {
                let there = at.rem_euclid((2 * n - 2).max(1));
                there.min(2 * n - 2 - there)
            }
            Self::Constant(_) => return usize::try_from(at).ok().filter(|at| *at < count),
        };
        Some(found as usize)
    }
}
