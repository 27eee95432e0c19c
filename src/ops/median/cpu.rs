//! The median on one thread of the CPU: that of all ranks, which sorts windows as small as these by networks.

use std::ops::Range;

use crate::ops::rank::{self, Footprint};
use crate::volume::Dtype;

/// Writes the medians of the voxels of `inner`, ranges of x, y and z, to `out`, little-endian. `tile` holds the voxels of `shape`, x fastest.
///
/// # Panics
/// If `inner` is not inside of `shape`, or `tile` or `out` has another length.
pub fn cpu(dtype: Dtype, tile: &[u8], shape: [usize; 3], inner: &[Range<usize>; 3], out: &mut [u8]) {
    rank::cpu(dtype, tile, shape, inner, &Footprint::nearest_27(), 13, out);
}
