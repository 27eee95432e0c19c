//! What a pass reads: voxels as kernels take them, what selects among them, and who looks on.

use std::sync::Arc;

use super::census::Census;
use super::labels::{Labels, Mask};
use super::ways::cuts::Groups;
use crate::Result;
use crate::io::Source;
use crate::volume::{Block, Dtype, Header, Observe, Padding, Rescale, Tile};

/// A volume to be read, with all that goes with it. Cheap to clone.
#[derive(Clone)]
pub struct Input<'a> {
    /// As the file has it.
    stored: Arc<dyn Source>,
    /// As kernels take it, then further channels on its grid.
    channels: Vec<Arc<dyn Source>>,
    /// What a look at all voxels said, where they are real numbers, or whole ones that span too much.
    census: Option<Census>,
    labels: Option<Labels>,
    selection: Option<Selection>,
    observer: Option<&'a dyn Observe>,
    groups: Arc<Groups>,
}

impl std::fmt::Debug for Input<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { channels, labels, .. } = self;
        f.debug_struct("Input").field("channels", &channels.len()).field("labels", labels).finish_non_exhaustive()
    }
}

impl<'a> Input<'a> {
    /// A volume as it is stored: what is copied, masked, or known to be of 8- or 16-bit integers.
    pub fn of(source: Arc<dyn Source>) -> Self {
        let groups = Arc::new(Groups::of(source.header()));
        Self {
            stored: source.clone(),
            channels: vec![source],
            census: None,
            labels: None,
            selection: None,
            observer: None,
            groups,
        }
    }

    /// The voxels of `stored` as kernels take them, with what a look at them said.
    pub(super) fn resolved(stored: Arc<dyn Source>, voxels: Arc<dyn Source>, census: Option<Census>) -> Self {
        Self { stored, census, ..Self::of(voxels) }
    }

    /// The same voxels as the file has them, for what needs no kernel.
    #[must_use]
    pub fn as_stored(&self) -> Self {
        let groups = Arc::new(Groups::of(self.stored.header()));
        Self { channels: vec![self.stored.clone()], groups, ..self.clone() }
    }

    /// Only voxels that the mask selects; all of them without one.
    #[must_use]
    pub fn masked(self, mask: Option<Mask>) -> Self {
        Self { labels: mask.map(Mask::into_labels), ..self }
    }

    /// The voxels by label.
    #[must_use]
    pub fn labelled(self, labels: Labels) -> Self {
        Self { labels: Some(labels), ..self }
    }

    /// The same voxels as another input selects.
    #[must_use]
    pub(super) fn selecting_as(self, other: &Input<'_>) -> Self {
        Self { labels: other.labels.clone(), ..self }
    }

    /// Seen by somebody as it is read; by nobody if none.
    #[must_use]
    pub fn observed<'b>(self, observer: Option<&'b dyn Observe>) -> Input<'b> {
        let Self { stored, channels, census, labels, selection, groups, .. } = self;
        Input { stored, channels, census, labels, selection, observer, groups }
    }

    /// With further channels, on the same grid, and what selects among the voxels of all.
    #[must_use]
    pub(super) fn joined(mut self, others: &[Input<'_>], selection: Selection) -> Self {
        self.channels.extend(others.iter().map(|other| other.channels[0].clone()));
        Self { selection: Some(selection), ..self }
    }

    /// The same with its voxels from another source, of the same header: from memory.
    #[must_use]
    pub(super) fn reading(self, source: Arc<dyn Source>) -> Self {
        Self { channels: vec![source], ..self }
    }

    /// What the voxels mean, as kernels take them.
    pub fn header(&self) -> &Header {
        self.channels[0].header()
    }

    /// The voxels as kernels take them.
    pub fn source(&self) -> &Arc<dyn Source> {
        &self.channels[0]
    }

    /// What was found of real numbers; none where every value has a bin of its own.
    pub fn census(&self) -> Option<&Census> {
        self.census.as_ref()
    }

    /// Whether voxels are counted one by one: 8- or 16-bit integers, as they are or narrowed.
    pub fn is_exact(&self) -> bool {
        self.census.is_none()
    }

    /// The mask or the labels.
    pub fn labels(&self) -> Option<&Labels> {
        self.labels.as_ref()
    }

    /// The voxels that share a rescale.
    pub(super) fn groups(&self) -> &Groups {
        &self.groups
    }

    /// All that is read: channels, then labels.
    fn sources(&self) -> impl Iterator<Item = &dyn Source> {
        self.channels.iter().map(AsRef::as_ref).chain(self.labels.iter().map(Labels::source))
    }

    /// Bytes read of each voxel, mask included.
    pub(super) fn voxel_bytes(&self) -> u64 {
        let selects = u64::from(self.selects() && self.labels.is_none());
        self.sources().map(|s| s.header().meaning.dtype.bytes() as u64).sum::<u64>() + selects
    }

    /// Types of the channels.
    pub(super) fn dtypes(&self) -> impl Iterator<Item = Dtype> {
        self.channels.iter().map(|c| c.header().meaning.dtype)
    }

    /// Whether voxels may be left out.
    pub(super) fn selects(&self) -> bool {
        self.labels.is_some() || self.selection.as_ref().is_some_and(Selection::selects)
    }

    /// The stored bytes of a tile, where they lie beside each other in memory.
    pub(super) fn in_memory(&self, tile: &Tile) -> Option<&[u8]> {
        let header = self.header();
        let (size, mut runs) = (header.meaning.dtype.bytes(), tile.runs(&header.grid.shape));
        let (all, (at, n)) = (self.source().in_memory()?, runs.next()?);
        runs.next().is_none().then(|| &all[at as usize * size..(at + n) as usize * size])
    }

    /// Whether reading in order is much cheaper than jumping about.
    pub(super) fn sequential(&self) -> bool {
        self.sources().any(Source::sequential)
    }

    /// Shows a block to who looks on.
    pub(super) fn show(&self, at: u64, block: Block<'_>) {
        if let Some(observer) = self.observer {
            observer.see(at, block);
        }
    }

    /// Reads voxels and mask into the buffers by `read`. Voxels that lie in memory are not copied.
    pub(super) fn read_with<'b>(
        &'b self,
        (at, voxels): (u64, u64),
        buffers: &'b mut Buffers,
        read: impl Fn(&dyn Source, u64, &mut [u8]) -> Result<()>,
    ) -> Result<Part<'b>> {
        buffers.channels.resize_with(self.channels.len(), Vec::new);
        for (source, buffer) in self.channels.iter().zip(&mut buffers.channels) {
            if source.in_memory().is_none() {
                room(buffer, voxels * source.header().meaning.dtype.bytes() as u64)?;
                read(source.as_ref(), at, buffer)?;
            }
        }
        if let Some(labels) = &self.labels {
            room(&mut buffers.mask, voxels * labels.source().header().meaning.dtype.bytes() as u64)?;
            read(labels.source(), at, &mut buffers.mask)?;
        }
        let block = |(source, buffer): (&'b Arc<dyn Source>, &'b Vec<u8>)| {
            let dtype = source.header().meaning.dtype;
            let own = |all: &'b [u8]| &all[at as usize * dtype.bytes()..(at + voxels) as usize * dtype.bytes()];
            Block { dtype, bytes: source.in_memory().map_or(buffer.as_slice(), own) }
        };
        let blocks: Vec<Block<'b>> = self.channels.iter().zip(&buffers.channels).map(block).collect();
        if let Some(selection) = &self.selection {
            selection.apply(&blocks, self.labels.is_some(), &mut buffers.mask);
        }
        Ok(Part { at, blocks, mask: self.selects().then_some(buffers.mask.as_slice()) })
    }
}

/// What a thread or a lane reads into.
#[derive(Default)]
pub(super) struct Buffers {
    channels: Vec<Vec<u8>>,
    mask: Vec<u8>,
}

/// A run of voxels as it was read.
pub(super) struct Part<'a> {
    pub at: u64,
    /// One for each channel.
    pub blocks: Vec<Block<'a>>,
    /// One byte a voxel, or what the labels have; none if all voxels take part.
    pub mask: Option<&'a [u8]>,
}

impl<'a> Part<'a> {
    /// The voxels of the first channel.
    pub fn bytes(&self) -> &'a [u8] {
        self.blocks[0].bytes
    }

    pub fn voxels(&self) -> u64 {
        self.blocks[0].len() as u64
    }
}

/// Makes a buffer so many bytes long; no memory is an error, not an abort.
pub(super) fn room(buffer: &mut Vec<u8>, bytes: u64) -> Result<()> {
    let missing = (bytes as usize).saturating_sub(buffer.len());
    if buffer.try_reserve_exact(missing).is_err() {
        return Err(crate::Error::usage(format!("no memory for {bytes} bytes"), crate::Hint::LessMemory));
    }
    buffer.resize(bytes as usize, 0);
    Ok(())
}

/// Which voxels of several channels take part, by their values: what a histogram selects where there is one.
#[derive(Debug, Clone)]
pub(super) struct Selection {
    /// Of the first channel.
    pub rescale: Rescale,
    /// Real values of the first channel.
    pub range: Option<(f64, f64)>,
    /// Of each channel.
    pub paddings: Vec<Option<Padding>>,
}

impl Selection {
    fn selects(&self) -> bool {
        self.range.is_some() || self.paddings.iter().any(Option::is_some)
    }

    /// Leaves out of `mask` what has no part; of all voxels if there is no mask yet.
    fn apply(&self, blocks: &[Block<'_>], masked: bool, mask: &mut Vec<u8>) {
        if !self.selects() {
            return;
        }
        if !masked {
            mask.clear();
            mask.resize(blocks[0].len(), 1);
        }
        let mut keep = |block: &Block<'_>, wanted: &dyn Fn(f64) -> bool| {
            for (own, one) in mask.iter_mut().zip(block.bytes.chunks_exact(block.dtype.bytes())) {
                *own &= u8::from(wanted(block.dtype.decode(one)));
            }
        };
        if let Some((low, high)) = self.range {
            // NaN and infinities stay selected: they are counted as such.
            keep(&blocks[0], &|v| !v.is_finite() || (low..=high).contains(&self.rescale.real(v)));
        }
        for (block, padding) in blocks.iter().zip(&self.paddings) {
            if let Some(p) = padding {
                keep(block, &|v| !(p.low..=p.high).contains(&v));
            }
        }
    }
}
