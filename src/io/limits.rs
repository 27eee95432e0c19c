//! How much a file may claim to hold before anything is allocated for it.

use std::path::Path;

use crate::volume::Header;
use crate::{Error, Hint, Result};

/// The largest size that is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all voxels together, decoded.
    pub max_bytes: u64,
}

impl Limits {
    /// For volumes of any format, which are read block by block: 1 TiB.
    pub const VOLUME: Self = Self { max_bytes: 1 << 40 };
    /// For what is decoded as a whole, images and pages: 2 GiB.
    pub const IMAGE: Self = Self { max_bytes: 2 << 30 };

    /// Refuses what is larger.
    ///
    /// # Errors
    /// [`Error::Limit`] with the path and both sizes.
    pub fn check(&self, path: &Path, bytes: u64) -> Result<()> {
        if bytes <= self.max_bytes {
            return Ok(());
        }
        let what = format!("{} MiB of voxels, the limit is {} MiB", mib(bytes), mib(self.max_bytes));
        Err(Error::limit(path, what, Hint::RaiseLimit))
    }

    /// Refuses a volume that is larger.
    ///
    /// # Errors
    /// As [`Limits::check`].
    pub fn check_volume(&self, path: &Path, header: &Header) -> Result<()> {
        // A header may claim 2^62 voxels of eight bytes.
        self.check(path, header.grid.shape.voxels().saturating_mul(header.meaning.dtype.bytes() as u64))
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::VOLUME
    }
}

/// Whole MiB, rounded up.
pub(super) fn mib(bytes: u64) -> u64 {
    bytes.div_ceil(1 << 20)
}
