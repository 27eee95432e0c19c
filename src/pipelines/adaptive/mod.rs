//! The whole job of an adaptive equalisation: count the image, then the tiles, decide, write.

mod device;
mod passes;
#[cfg(test)]
mod tests;
mod tiling;

pub use tiling::Tiling;

use super::{Counted, Group, Input, Region, Run, count};
use crate::analysis::adaptive::{ClipRule, SlotValues, Slots};
use crate::io::Sink;
use crate::ops::clahe::Lattice;
use crate::volume::{Dtype, Header};
use crate::{Error, Hint, Result};

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Adaptive {
    /// Which tiles.
    pub tiling: Tiling,
    /// Most voxels that a bin keeps, in even shares of a tile; 0 for no limit.
    pub clip: f64,
    /// Bins over the range; by default one for each stored value of it.
    pub bins: Option<u32>,
    /// u8 or u16; by default 8 bits for 8-bit files and 16 for all others.
    pub to: Option<Dtype>,
    /// Real values that have bins: what lies below becomes 0, above the largest level. By default all that the type can hold, or with bins all that occur.
    pub range: Option<(f64, f64)>,
    /// Which values count. Padding never does, and becomes 0.
    pub region: Region,
}

impl Adaptive {
    /// OpenCV's: 8 x 8 tiles over each slice, a limit of 40.
    pub const USUAL: Self = Self {
        tiling: Tiling::USUAL,
        clip: 40.0,
        bins: None,
        to: None,
        range: None,
        region: Region { range: None, with_padding: false },
    };
}

/// An adaptive equalisation ready to be written.
pub struct AdaptiveMapping {
    input: Input<'static>,
    header: Header,
    counted: Counted,
    lattice: Lattice,
    by_slice: bool,
    slots: Slots,
    rule: ClipRule,
}

impl std::fmt::Debug for AdaptiveMapping {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { header, lattice, rule, .. } = self;
        f.debug_struct("AdaptiveMapping")
            .field("header", header)
            .field("lattice", lattice)
            .field("rule", rule)
            .finish_non_exhaustive()
    }
}

impl AdaptiveMapping {
    /// Counts the image: which values occur, and which of them count.
    ///
    /// # Errors
    /// [`Error::Usage`] for real numbers, for slices of different rescale, if no voxel counts, for tiles that do not fit; what reading gives;
    /// [`Error::Interrupted`].
    pub fn new(input: &Input<'_>, work: &Adaptive, run: &Run<'_>) -> Result<Self> {
        let header = input.header();
        let (dtype, lattice) = (header.meaning.dtype, work.tiling.over(header)?);
        if !input.is_exact() {
            return Err(Error::usage(
                "an adaptive equalisation of real numbers",
                "map them to whole ones of 16 bits first, such as minmax to uint16",
            ));
        }
        let Some(rescale) = header.meaning.rescale.uniform() else {
            return Err(Error::usage(
                "tiles over slices of different rescale",
                "convert the volume first: real values are written",
            ));
        };
        if !(work.clip >= 0.0 && work.clip.is_finite()) {
            return Err(Error::usage(format!("a limit of {}", work.clip), "give 0 for none, or a positive number"));
        }
        let passes = run.one_of(1 + u64::from(input.labels().is_some()));
        let groups = count(input, &passes)?;
        // All voxels are mapped, also those that do not count.
        let all = match input.labels() {
            Some(_) => count(&input.clone().masked(None).observed(None), &passes)?,
            None => groups.clone(),
        };
        let counted = Counted::from_groups(groups, header.meaning.padding, &Region { with_padding: false, ..work.region });
        let Some(ends) = counted.values.ends() else { return Err(Error::no_voxel()) };
        let range = work.range.or(work.bins.map(|_| ends));
        let values = SlotValues { dtype, rescale, padding: header.meaning.padding, range, counted: work.region.range };
        let slots = match work.bins {
            Some(bins) => Slots::binned(&values, bins)?,
            None => Slots::exact(&values, |v| occurs(&all, v))?,
        };
        let narrow = header.origin.file_dtype.unwrap_or(dtype).bytes() == 1;
        let to = work.to.unwrap_or(if narrow { Dtype::U8 } else { Dtype::U16 });
        let rule = ClipRule { bins: slots.all, clip: work.clip, top: (to.values() - 1) as u16 };
        let (lattice, by_slice) = lattice;
        let own =
            Self { header: header.derived(to), input: input.clone().observed(None), counted, lattice, by_slice, slots, rule };
        own.check(run)?;
        Ok(own)
    }

    /// Whether the tables fit.
    fn check(&self, run: &Run<'_>) -> Result<()> {
        let needs = self.table_bytes();
        if needs > run.memory_bytes / 2 {
            let tiles = self.lattice.tiles().map(|n| n.to_string()).join(" x ");
            let what = format!(
                "tables of {} values for {tiles} tiles take {} MiB, and may take half of the memory",
                self.slots.len(),
                needs.div_ceil(1 << 20)
            );
            return Err(Error::usage(what, Hint::MoreMemory));
        }
        Ok(())
    }

    /// Counts and tables of all tiles, or of those of a slice.
    fn table_bytes(&self) -> u64 {
        let tiles = u64::from(self.lattice.tiles()[2]) * self.lattice.in_layer() as u64;
        tiles * (4 * self.slots.len() as u64 + 2 * (self.slots.len() as u64 + 2))
    }

    /// What is written.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What is read: the input, as the kernels take it.
    pub fn input(&self) -> &Header {
        self.input.header()
    }

    /// The voxels that count.
    pub fn before(&self) -> &Counted {
        &self.counted
    }

    /// The tiles, of the volume or of each slice.
    pub fn lattice(&self) -> &Lattice {
        &self.lattice
    }

    /// Whether each slice has tiles of its own.
    pub fn by_slice(&self) -> bool {
        self.by_slice
    }

    /// How levels were decided.
    pub fn rule(&self) -> &ClipRule {
        &self.rule
    }

    /// Whether a full tile's bins may keep no more than the one voxel that they always may.
    pub fn limit_is_least(&self) -> bool {
        let voxels: u64 = self.lattice.size().iter().map(|n| u64::from(*n)).product();
        self.rule.clip > 0.0 && self.rule.clip * (voxels as f64) < f64::from(self.rule.bins)
    }

    /// Passes over the volume that writing takes: two where tiles reach over slices.
    pub fn passes(&self) -> u64 {
        if self.by_slice { 1 } else { 2 }
    }

    /// Counts the tiles, decides their levels, and writes those of all voxels.
    ///
    /// # Errors
    /// [`Error::Usage`] if not even a slice fits the memory; what reading and writing give; [`Error::Interrupted`]. A failing GPU is no error: the CPU
    /// finishes.
    pub fn write(&self, sink: &dyn Sink, run: &Run<'_>) -> Result<()> {
        passes::write(self, sink, run)
    }
}

/// Whether a stored value occurs.
fn occurs(groups: &[Group], stored: i32) -> bool {
    groups.iter().any(|group| group.counts.bins[(stored - group.counts.dtype.first()) as usize] > 0)
}
