//! A header, a layout and bytes: a source.

use super::bytes::ByteSource;
use super::layout::VoxelLayout;
use crate::Result;
use crate::io::Source;
use crate::volume::Header;

/// Voxels that lie in bytes by a layout.
pub(in crate::io) struct StoredSource {
    pub(in crate::io) header: Header,
    pub(in crate::io) layout: VoxelLayout,
    pub(in crate::io) bytes: Box<dyn ByteSource>,
}

impl Source for StoredSource {
    fn header(&self) -> &Header {
        &self.header
    }

    fn read(&self, at: u64, into: &mut [u8]) -> Result<()> {
        self.layout.decode(&self.header.grid.shape, at, into, |byte, raw| self.bytes.read_exact_at(byte, raw))
    }

    fn sequential(&self) -> bool {
        self.bytes.sequential()
    }
}
