//! Connected components of a volume as a label map, each volume of a time series by itself.
//!
//! A first pass reads the voxels slab by slab and joins what hangs together, seams between slabs included; then components are chosen, their holes filled and their numbers given, from what is
//! known of them; a second pass writes. Between the passes runs are kept, or found again in another reading where they take too much: the volume may be larger than the memory.

mod choice;
mod holes;
mod write;

use std::sync::Arc;

use super::Run;
use super::label_slabs::{LabelSlabs, check_room};
use super::whole::Holes;
use crate::io::{Sink, Source};
use crate::ops::bits::LabelType;
use crate::ops::components::{ComponentFacts, Connectivity, FilledHoles, Numbered, Rules};
use crate::views::{Confined, Foreground, Patch, Zone};
use crate::volume::{Dtype, Header};
use crate::{Error, Result};

pub use choice::LeastSize;

/// In which order components are numbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LabelOrder {
    /// That of their first voxels, x fastest.
    #[default]
    Raster,
    /// The largest first, with what was filled; equally large ones in the order of their first voxels.
    Size,
}

/// What components are, which of them stay, and how they are numbered.
#[derive(Debug, Clone, PartialEq)]
pub struct Labelling {
    /// Which voxels are neighbours.
    pub connectivity: Connectivity,
    /// Only real values from one to the other, inclusive; padding and NaN are none. Without it all that is not 0.
    pub range: Option<(f64, f64)>,
    /// Only what lies there; all else is 0.
    pub within: Option<Zone>,
    /// Voxels are labels, and only those of the same label hang together.
    pub per_label: bool,
    /// Only components that hold one of these voxels, in each volume of a time series; without any all of them.
    pub seeds: Vec<[u64; 3]>,
    /// At least so large.
    pub least: Option<LeastSize>,
    /// Only so many of those, the largest, of equally large ones those whose first voxel comes first; of each label, where labels are kept apart.
    pub keep_largest: Option<usize>,
    /// Holes of the components that stay are filled.
    pub fill: Option<Holes>,
    /// How they are numbered.
    pub order: LabelOrder,
}

impl Default for Labelling {
    /// All that is not 0, of 26 neighbours, or 8.
    fn default() -> Self {
        Self {
            connectivity: Connectivity::Corners,
            range: None,
            within: None,
            per_label: false,
            seeds: Vec::new(),
            least: None,
            keep_largest: None,
            fill: None,
            order: LabelOrder::default(),
        }
    }
}

impl Labelling {
    /// What this takes of a volume: a mask, or labels.
    pub fn chosen(&self, source: Arc<dyn Source>) -> Arc<dyn Source> {
        let chosen = Foreground::of(source, self.range, self.per_label);
        match &self.within {
            Some(within) => Confined::of(chosen, within.clone()),
            None => chosen,
        }
    }

    fn rules(&self) -> Rules {
        if self.per_label { Rules::labels(self.connectivity) } else { Rules::mask(self.connectivity) }
    }
}

/// The components of one volume.
struct Connected {
    numbered: Numbered,
    /// What fills their holes, by rows of this volume.
    patch: Patch,
}

impl Connected {
    fn bytes(&self) -> u64 {
        self.numbered.bytes() as u64 + self.patch.bytes()
    }
}

/// Components that have their numbers, ready to be written.
pub struct ComponentMap {
    chosen: Arc<dyn Source>,
    header: Header,
    volumes: Vec<Connected>,
    /// Components there were before any were left out, in all volumes.
    pub found: u64,
    /// Holes that were filled, in all volumes.
    pub filled: FilledHoles,
    /// Volumes in which no component holds a [seed](Labelling::seeds), and none is left.
    pub seedless: Vec<u64>,
}

/// Bytes that a voxel of a slab takes beside its own: its number while holes are looked for, and what is written.
const BESIDE: u64 = 12;

impl ComponentMap {
    /// Finds the components of what a [labelling](Labelling::chosen) takes of a volume.
    ///
    /// # Errors
    /// [`Error::Usage`] for values that are no labels or NaN, a seed outside of the volume, a size in millimetres where the spacing is not known, more than 2³² - 1 components, or if not even two slices fit the memory, or
    /// what is known of the components does not; what reading gives; [`Error::Interrupted`].
    pub fn new(chosen: Arc<dyn Source>, what: &Labelling, run: &Run<'_>) -> Result<Self> {
        let grid = &chosen.header().grid;
        let least = what.least.map(|least| least.voxels(grid)).transpose()?.unwrap_or(0);
        if let Some(seed) = what.seeds.iter().find(|seed| seed.iter().zip(grid.shape.xyz()).any(|(at, n)| *at >= n)) {
            return Err(Error::usage(format!("a seed at voxel {seed:?} of an image of {}", grid.shape), "give one inside of it"));
        }
        let mut made = Self {
            header: chosen.header().derived(Dtype::U8),
            chosen: chosen.clone(),
            volumes: Vec::new(),
            found: 0,
            filled: FilledHoles::default(),
            seedless: Vec::new(),
        };
        match chosen.header().meaning.dtype {
            Dtype::U8 => made.connect(LabelSlabs::<u8>::new(&chosen, BESIDE, run)?, what, least)?,
            Dtype::U16 => made.connect(LabelSlabs::<u16>::new(&chosen, BESIDE, run)?, what, least)?,
            Dtype::U32 => made.connect(LabelSlabs::<u32>::new(&chosen, BESIDE, run)?, what, least)?,
            other => return Err(Error::usage(format!("labels of {other}"), "give labels without a sign, of up to 32 bits")),
        }
        let most = made.volumes.iter().map(|one| one.numbered.table().len()).max().unwrap_or(0);
        let dtype = match most {
            0..=0xff => Dtype::U8,
            0x100..=0xffff => Dtype::U16,
            _ => Dtype::U32,
        };
        made.header = chosen.header().derived(dtype).with(|h| (h.display.inverted, h.meaning.labels) = (false, true));
        Ok(made)
    }

    fn connect<T: LabelType + bytemuck::Pod>(
        &mut self,
        mut slabs: LabelSlabs<'_, T>,
        what: &Labelling,
        least: u64,
    ) -> Result<()> {
        let run = slabs.run;
        for volume in 0..slabs.volumes() {
            slabs.run = run;
            let Some(mut numbered) = slabs.components(volume, what.rules(), |_| true)? else { continue };
            self.found += numbered.table().len() as u64;
            let mut at_seeds = vec![what.seeds.is_empty(); numbered.table().len()];
            if !what.seeds.is_empty() {
                slabs.each_with_runs(volume, &mut numbered, |first, slices, numbered| {
                    what.seeds
                        .iter()
                        .filter_map(|seed| choice::holder(numbered, first..first + slices, *seed))
                        .for_each(|label| at_seeds[label as usize - 1] = true);
                    Ok(())
                })?;
                if !at_seeds.contains(&true) {
                    self.seedless.push(volume);
                }
            }
            if least > 1 || what.keep_largest.is_some() || !what.seeds.is_empty() {
                numbered.retain(&choice::stay(numbered.table(), at_seeds, least, what.keep_largest));
            }
            let mut own = Connected { numbered, patch: Patch::default() };
            if let Some(which) = what.fill {
                self.filled = self.filled.and(holes::fill(&mut slabs, volume, &mut own, which)?);
            }
            if what.order == LabelOrder::Size {
                let new = own.numbered.order_by_size();
                own.patch.renumber(&new);
            }
            // Runs of many volumes may take too much together.
            let before: u64 = self.volumes.iter().map(Connected::bytes).sum();
            if before + own.bytes() > run.memory_bytes / 4 {
                own.numbered.forget();
            }
            check_room(before + own.bytes(), &run)?;
            self.volumes.push(own);
        }
        Ok(())
    }

    /// The header of the label map: uint8, uint16 or uint32, the least that holds all numbers.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What is known of the components of each volume, label 1 first. Of those whose holes were filled, with these.
    pub fn tables(&self) -> impl Iterator<Item = &[ComponentFacts]> {
        self.volumes.iter().map(|one| one.numbered.table())
    }

    /// Writes the label map.
    ///
    /// # Errors
    /// What reading, which is needed where runs were not kept, and writing give; [`Error::Interrupted`].
    pub fn write(&mut self, sink: &dyn Sink, run: &Run<'_>) -> Result<()> {
        let (chosen, dtype) = (self.chosen.clone(), self.header.meaning.dtype);
        match chosen.header().meaning.dtype {
            Dtype::U8 => write::volumes(LabelSlabs::<u8>::new(&chosen, BESIDE, run)?, &mut self.volumes, (dtype, sink)),
            Dtype::U16 => write::volumes(LabelSlabs::<u16>::new(&chosen, BESIDE, run)?, &mut self.volumes, (dtype, sink)),
            _ => write::volumes(LabelSlabs::<u32>::new(&chosen, BESIDE, run)?, &mut self.volumes, (dtype, sink)),
        }
    }
}

#[cfg(test)]
mod tests;
