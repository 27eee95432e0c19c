//! Runs of voxels of all channels, with what is selected of them.

use crate::Result;
use crate::engine::{CHUNK_VOXELS, Chunk, Gpu, GpuVolume, UNIT_VOXELS};
use crate::io::Source;
use crate::pipelines::Watch;
use crate::pipelines::workers::{self, Input};
use crate::volume::{Block, Padding, Rescale};

/// The channels and what selects among their voxels.
#[derive(Clone, Copy)]
pub(super) struct Data<'a> {
    pub channels: &'a [Box<dyn Source>],
    pub mask: Option<&'a dyn Source>,
}

/// Which voxels take part.
#[derive(Clone)]
pub(super) struct Selection {
    /// Of the first channel.
    pub rescale: Rescale,
    /// Real values of the first channel.
    pub range: Option<(f64, f64)>,
    /// Of each channel.
    pub paddings: Vec<Option<Padding>>,
}

impl Selection {
    /// Whether any voxel can be left out.
    pub fn selects(&self, data: Data<'_>) -> bool {
        data.mask.is_some() || self.range.is_some() || self.paddings.iter().any(Option::is_some)
    }

    fn fill(&self, blocks: &[Block<'_>], mask: Option<&[u8]>, out: &mut Vec<u8>) {
        out.clear();
        match mask {
            Some(mask) => out.extend_from_slice(mask),
            None => out.resize(blocks[0].len(), 1),
        }
        let mut keep = |block: &Block<'_>, wanted: &dyn Fn(f64) -> bool| {
            for (own, one) in out.iter_mut().zip(block.bytes.chunks_exact(block.dtype.bytes())) {
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

/// Hands every run of voxels of all channels on to `work`, with what is selected of it.
pub(super) fn over<S: Send>(
    data: Data<'_>,
    selection: &Selection,
    watch: &dyn Watch,
    init: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, u64, &[Block<'_>], Option<&[u8]>) -> Result<()> + Sync,
) -> Result<Vec<S>> {
    let (first, others) = (&data.channels[0], &data.channels[1..]);
    let input = Input { source: first.as_ref(), mask: data.mask, observer: None };
    let selects = selection.selects(data);
    struct State<S> {
        own: S,
        others: Vec<Vec<u8>>,
        selected: Vec<u8>,
    }
    let init = || State { own: init(), others: vec![Vec::new(); others.len()], selected: Vec::new() };
    let states = workers::each(input, 0, watch, init, |state: &mut State<S>, part| {
        let voxels = part.bytes.len() / first.header().dtype.bytes();
        let mut blocks = vec![Block { dtype: first.header().dtype, bytes: part.bytes }];
        for (source, buffer) in others.iter().zip(&mut state.others) {
            let dtype = source.header().dtype;
            if let Some(all) = source.in_memory() {
                blocks.push(Block { dtype, bytes: &all[part.at as usize * dtype.bytes()..][..voxels * dtype.bytes()] });
                continue;
            }
            buffer.resize(voxels * dtype.bytes(), 0);
            source.read(part.at, buffer)?;
            blocks.push(Block { dtype, bytes: buffer });
        }
        if selects {
            selection.fill(&blocks, part.mask, &mut state.selected);
        }
        work(&mut state.own, part.at, &blocks, selects.then_some(&state.selected))
    })?;
    Ok(states.into_iter().map(|s| s.own).collect())
}

/// A channel in device memory.
pub(super) fn uploaded(gpu: &Gpu, source: &dyn Source) -> Result<GpuVolume> {
    let (dtype, voxels) = (source.header().dtype, source.header().shape.voxels());
    let mut chunks = Vec::new();
    for at in (0..voxels).step_by(CHUNK_VOXELS as usize) {
        let here = CHUNK_VOXELS.min(voxels - at);
        let mut bytes = vec![0; here as usize * dtype.bytes()];
        source.read(at, &mut bytes)?;
        let buffer = gpu.storage_with("gmm", &bytes, UNIT_VOXELS as usize * dtype.bytes())?;
        chunks.push(Chunk { buffer, voxels: here as u32 });
    }
    Ok(GpuVolume::from_chunks(dtype, chunks)?)
}
