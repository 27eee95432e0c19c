//! Which voxels count: a mask is a matter of voxels, a range of values and padding are a matter of the histogram.

use super::Group;
use crate::io::Source;
use crate::volume::{Dtype, Header, Padding};
use crate::{Error, Result};

/// A mask on the grid of an image: one byte a voxel, 1 where the voxel counts.
pub struct Mask {
    source: Binary,
}

impl std::fmt::Debug for Mask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mask").field("label", &self.source.label).finish_non_exhaustive()
    }
}

impl Mask {
    /// Voxels of `source` that are not zero, or that equal `label`, select voxels of the image with header `image`.
    ///
    /// # Errors
    /// [`Error::Usage`] with both shapes, or both geometries, if the two do not lie on the same grid.
    pub fn new(source: Box<dyn Source>, label: Option<f64>, image: &Header) -> Result<Self> {
        let own = source.header();
        if own.shape != image.shape {
            return Err(Error::usage(
                format!("the mask has {} voxels, the image {}", own.shape, image.shape),
                "give a mask of the image's shape",
            ));
        }
        if let Some((a, b)) = displaced(own, image) {
            return Err(Error::usage(
                format!("mask and image lie on different grids: first voxel at {a:.2?} and {b:.2?} mm (LPS+), or other axes"),
                "resample the mask to the image",
            ));
        }
        let mut header = own.clone();
        header.dtype = Dtype::U8;
        Ok(Self { source: Binary { inner: source, label, header } })
    }

    /// The mask as a volume of 0 and 1.
    pub fn source(&self) -> &dyn Source {
        &self.source
    }
}

/// The origins, if both grids have a position and differ by more than a hundredth of a voxel over their extent.
pub(super) fn displaced(a: &Header, b: &Header) -> Option<([f64; 3], [f64; 3])> {
    let (ga, gb) = (a.geometry.as_ref()?, b.geometry.as_ref()?);
    let (ma, mb) = (ga.lps_matrix()?, gb.lps_matrix()?);
    let shape = a.shape.xyz();
    let tolerance = 0.01 * gb.spacing_mm.iter().copied().fold(f64::INFINITY, f64::min);
    let far = |row: usize| {
        let ends = (0..3).map(|axis| (ma[row][axis] - mb[row][axis]).abs() * (shape[axis] - 1) as f64);
        ends.sum::<f64>() + (ma[row][3] - mb[row][3]).abs()
    };
    (0..3).any(|row| far(row) > tolerance).then(|| ([ma[0][3], ma[1][3], ma[2][3]], [mb[0][3], mb[1][3], mb[2][3]]))
}

struct Binary {
    inner: Box<dyn Source>,
    label: Option<f64>,
    header: Header,
}

impl Source for Binary {
    fn header(&self) -> &Header {
        &self.header
    }

    fn read(&self, at: u64, into: &mut [u8]) -> Result<()> {
        let dtype = self.inner.header().dtype;
        if dtype.bytes() == 1 {
            self.inner.read(at, into)?;
            let wanted = |b: u8| self.label.map_or(b != 0, |l| dtype.decode(&[b]) == l);
            into.iter_mut().for_each(|b| *b = u8::from(wanted(*b)));
            return Ok(());
        }
        let mut wide = vec![0; into.len() * dtype.bytes()];
        self.inner.read(at, &mut wide)?;
        for (out, value) in into.iter_mut().zip(wide.chunks_exact(dtype.bytes())) {
            let value = dtype.decode(value);
            *out = u8::from(self.label.map_or(value != 0.0 && !value.is_nan(), |l| value == l));
        }
        Ok(())
    }

    fn unit(&self) -> u64 {
        self.inner.unit()
    }

    fn sequential(&self) -> bool {
        self.inner.sequential()
    }
}

/// Which values count.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Region {
    /// Real values from … to, inclusive.
    pub range: Option<(f64, f64)>,
    /// Whether padding counts.
    pub with_padding: bool,
}

/// Histograms with only the values that count.
#[derive(Debug, Clone)]
pub struct Selected {
    /// One for each rescale.
    pub groups: Vec<Group>,
    /// Voxels that hold padding, whether they count or not.
    pub padding: u64,
    /// Voxels outside of the range.
    pub outside: u64,
}

/// Takes out of histograms what does not count.
pub fn select(mut groups: Vec<Group>, padding: Option<Padding>, region: &Region) -> Selected {
    let (mut padded, mut outside) = (0, 0);
    for group in &mut groups {
        if let Some(p) = padding {
            let pads = |v: i32| (p.low..=p.high).contains(&f64::from(v));
            padded += group.counts.occupied().filter(|(v, _)| pads(*v)).map(|(_, n)| n).sum::<u64>();
            if !region.with_padding {
                group.counts.retain(|v| !pads(v));
            }
        }
        if let Some((low, high)) = region.range {
            let rescale = group.rescale;
            outside += group.counts.retain(|v| (low..=high).contains(&rescale.real(f64::from(v))));
        }
    }
    Selected { groups, padding: padded, outside }
}
