//! Which voxels count: a mask is a matter of voxels, a range of values and padding are a matter of the histogram.

use std::sync::Arc;

use super::device::Quiet;
use super::grid::{Held, Turn};
use super::{Device, Group, Watch, count_floats};
use crate::io::Source;
use crate::ops::histogram::Edges;
use crate::ops::mask::{Rule, combine};
use crate::volume::{Dtype, Header, Padding, Rescale};
use crate::{Error, Result};

/// A mask on the grid of an image: one byte a voxel, 1 where the voxel counts. Cheap to clone.
#[derive(Clone)]
pub struct Mask {
    source: Arc<dyn Source>,
    reoriented: bool,
}

impl std::fmt::Debug for Mask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mask").field("shape", &self.source.header().shape).finish_non_exhaustive()
    }
}

impl Mask {
    /// Voxels of `source` that are not zero, or that equal `label`, select voxels of the image with header `image`.
    ///
    /// A mask whose axes are flipped or permuted against the image's, on the same grid, and one volume for a time series are read whole, now, and
    /// held as one bit a voxel; any other is read block by block when it is used.
    ///
    /// # Errors
    /// [`Error::Usage`] with both shapes, or both geometries, if the two do not lie on the same grid; what reading gives.
    pub fn new(source: Box<dyn Source>, label: Option<f64>, image: &Header) -> Result<Self> {
        let turn = Turn::of("mask", source.header(), image)?;
        let mut header = source.header().clone();
        header.dtype = Dtype::U8;
        let binary = Binary { inner: source, label, header };
        let source: Arc<dyn Source> =
            if turn.is_straight() { Arc::new(binary) } else { Arc::new(Held::new(&binary, turn, image)?) };
        Ok(Self { source, reoriented: turn.reorients() })
    }

    /// Several masks of one image as one: the first with the second by `rule`, the result with the third, and so on. [`Rule::NOT`] makes no sense here;
    /// see [`Mask::inverted`].
    ///
    /// # Errors
    /// [`Error::Usage`] without masks, or if they are not all of one image.
    pub fn combined(masks: Vec<Self>, rule: Rule) -> Result<Self> {
        let mut masks = masks.into_iter();
        let mut all = masks.next().ok_or_else(|| Error::usage("no mask is given", "name one"))?;
        for mask in masks {
            let (a, b) = (&all.source.header().shape, &mask.source.header().shape);
            if a.voxels() != b.voxels() {
                return Err(Error::usage(format!("masks of {a} and {b} voxels"), "combine masks of one image"));
            }
            all = Self {
                reoriented: all.reoriented || mask.reoriented,
                source: Arc::new(Combined { first: all.source, second: Some(mask.source), rule }),
            };
        }
        Ok(all)
    }

    /// The voxels that this mask leaves out.
    #[must_use]
    pub fn inverted(&self) -> Self {
        let source = Arc::new(Combined { first: self.source.clone(), second: None, rule: Rule::NOT });
        Self { source, reoriented: self.reoriented }
    }

    /// The mask as a volume of 0 and 1.
    pub fn source(&self) -> &dyn Source {
        self.source.as_ref()
    }

    /// Whether the file's axes are not the image's: it was turned to fit.
    pub fn reoriented(&self) -> bool {
        self.reoriented
    }
}

/// Two masks as one, or the opposite of one.
struct Combined {
    first: Arc<dyn Source>,
    second: Option<Arc<dyn Source>>,
    rule: Rule,
}

impl Combined {
    fn both(&self) -> impl Iterator<Item = &dyn Source> {
        [Some(self.first.as_ref()), self.second.as_deref()].into_iter().flatten()
    }
}

impl Source for Combined {
    fn header(&self) -> &Header {
        self.first.header()
    }

    fn read(&self, at: u64, into: &mut [u8]) -> Result<()> {
        self.first.read(at, into)?;
        let mut other = vec![0; into.len()];
        if let Some(second) = &self.second {
            second.read(at, &mut other)?;
        }
        combine(self.rule, into, &other);
        Ok(())
    }

    fn unit(&self) -> u64 {
        self.both().map(Source::unit).max().unwrap_or(1)
    }

    fn sequential(&self) -> bool {
        self.both().any(Source::sequential)
    }
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

/// At most 65,536 bins from `low` to `high` for decisions on true floats, narrow where voxels are many; takes a pass of its own.
///
/// # Errors
/// What reading gives; [`Error::Interrupted`]; [`Error::Usage`] unless `low < high`.
pub(super) fn float_bins(
    source: &dyn Source,
    mask: Option<&Mask>,
    low: f32,
    high: f32,
    device: &Device,
    watch: &dyn Watch,
) -> Result<Arc<Edges>> {
    let rough = Arc::new(Edges::by_magnitude(low, high)?);
    let counts = count_floats(source, mask, &rough, device, &Quiet(watch))?;
    Edges::following(&rough, &counts.bins).map(Arc::new)
}

/// The one rescale of true floats. Volumes with one for each slice are so rare that one for all is asked for.
pub(super) fn one_rescale(header: &Header) -> Result<Rescale> {
    let several = || Error::usage("float voxels with a rescale for each slice", "convert the volume first");
    header.rescale.uniform().ok_or_else(several)
}

/// The narrowest of the stored values that float voxels hold, least and largest, and of `ranges` of real ones; as stored values.
pub(super) fn narrowest(held: (f64, f64), rescale: Rescale, ranges: impl IntoIterator<Item = (f64, f64)>) -> Result<(f64, f64)> {
    let (mut low, mut high) = held;
    for (a, b) in ranges {
        let (a, b) = (rescale.stored(a), rescale.stored(b));
        (low, high) = (low.max(a.min(b)), high.min(a.max(b)));
    }
    // NaN, where nothing is finite, is no range either.
    if low <= high { Ok((low, high)) } else { Err(Error::no_voxel()) }
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
