//! One image as real numbers, of any format that the library reads.

use std::ops::Range;
use std::path::{Path, PathBuf};

use hounsfield::io::{self, OpenOptions, Source};
use hounsfield::volume::Header;
use hounsfield::{Error, Result};
use sha2::{Digest, Sha256};

/// Numbers in rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Plane {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Row by row.
    pub values: Vec<f32>,
}

impl Plane {
    /// SHA-256 of size and values.
    pub fn hash(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update((self.width as u64).to_le_bytes());
        hash.update((self.height as u64).to_le_bytes());
        self.values.iter().for_each(|value| hash.update(value.to_le_bytes()));
        hash.finalize().into()
    }
}

/// The real values of a volume, x fastest; low is dark, also where a file says the contrary.
///
/// # Errors
/// What reading gives.
pub fn real_values(source: &dyn Source) -> Result<Vec<f32>> {
    let shape = &source.header().grid.shape;
    real_slices(source, 0..shape.xyz()[2] * shape.volumes())
}

/// The same of some slices.
///
/// # Errors
/// What reading gives.
pub fn real_slices(source: &dyn Source, slices: Range<u64>) -> Result<Vec<f32>> {
    let header = source.header();
    let size = header.meaning.dtype.bytes();
    let slice = header.grid.shape.xyz()[..2].iter().product::<u64>().max(1);
    let mut bytes = vec![0; ((slices.end - slices.start) * slice) as usize * size];
    source.read(slices.start * slice, &mut bytes)?;
    let sign = if header.display.inverted { -1.0 } else { 1.0 };
    let real = |(i, value): (usize, &[u8])| {
        let rescale = header.meaning.rescale.of_slice(slices.start + i as u64 / slice);
        (sign * rescale.real(header.meaning.dtype.decode(value))) as f32
    };
    Ok(bytes.chunks_exact(size).enumerate().map(real).collect())
}

/// Reads an image of one slice.
///
/// # Errors
/// What reading gives; [`Error::Format`] for several slices, and for values that are no numbers.
pub fn read_plane(path: &Path) -> Result<Plane> {
    let source = io::open(&[PathBuf::from(path)], &OpenOptions::default())?;
    let Header { grid, .. } = source.header();
    let [width, height, slices] = grid.shape.xyz().map(|n| n as usize);
    if slices * grid.shape.volumes() as usize > 1 {
        return Err(Error::format(
            path,
            format!("{} voxels where one slice is wanted", grid.shape),
            "save its slices one by one",
        ));
    }
    let values = real_values(source.as_ref())?;
    if values.iter().any(|value| !value.is_finite()) {
        return Err(Error::format(path, "pixels that are no numbers", "replace NaN and infinities first"));
    }
    Ok(Plane { width, height, values })
}
