//! What a chain will do, before any voxel is read: passes, neighbours, bytes, memory, cost.

use super::chain::{FilterChain, Link};
use super::ways::tiles::Tiles;
use super::{Cost, Input, Run};
use crate::Result;
use crate::ops::stages::Stages;
use crate::volume::Dtype;

/// What a chain will do.
#[derive(Debug, Clone, PartialEq)]
pub struct ChainPlan {
    /// In their order.
    pub passes: Vec<PlannedPass>,
    /// Voxels needed on each side of a tile, along x, y and z, of all steps together.
    pub halo: [u64; 3],
    /// Voxels of a tile that a thread of the CPU computes at a time, without its halo.
    pub tile: [u64; 3],
    /// Of these.
    pub tiles: u64,
    /// Most bytes for buffers.
    pub memory_bytes: u64,
    /// Of the last pass, the only one that a device may take.
    pub cost: Cost,
}

/// What a pass is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassKind {
    /// To count values.
    Count,
    /// To find what hangs together, for the last step that it computes.
    Connect,
    /// To write the result.
    Write,
}

/// One pass over the voxels.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedPass {
    /// What it computes, in the order of the chain; a run of point-wise steps is one table.
    pub computes: Vec<String>,
    /// What it is for.
    pub kind: PassKind,
    /// Bytes of stored voxels that are read, those of halos again.
    pub read_bytes: u64,
    /// Bytes of stored voxels that are written.
    pub written_bytes: u64,
}

impl ChainPlan {
    /// What this chain will do to an input. Tables are taken for such that keep the type, for what they give is decided by the voxels.
    ///
    /// # Errors
    /// [`Error::Usage`](crate::Error::Usage) for a reach that does not fit the volume, or if not even a row fits the memory.
    pub fn of(input: &Input<'_>, chain: &FilterChain, run: &Run<'_>) -> Result<Self> {
        let mut header = input.header().clone();
        let (shape, dtype, bytes) = (header.grid.shape.clone(), header.meaning.dtype, header.bytes());
        let (mut stages, mut passes, mut computes) = (Stages::default(), Vec::new(), Vec::new());
        let read = |stages: &Stages| -> Result<(u64, [u64; 3], u64)> {
            let tiles = Tiles::of(input, stages.halo(), stages.widest(dtype), run);
            let cut = tiles.for_threads()?;
            let first = cut.front().map(|tile| tile.size(&shape)).unwrap_or_default();
            // A stream is read once, whatever the halo.
            let voxels = match input.sequential() {
                true => shape.voxels(),
                false => cut.iter().map(|tile| tile.grown(stages.halo(), &shape).voxels(&shape)).sum(),
            };
            Ok((voxels * dtype.bytes() as u64, first, cut.len() as u64))
        };
        for link in &chain.0 {
            match link {
                Link::Points(steps) => {
                    let (read_bytes, ..) = read(&stages)?;
                    passes.push(PlannedPass { computes: computes.clone(), kind: PassKind::Count, read_bytes, written_bytes: 0 });
                    computes.push(steps.to_string());
                }
                Link::Near(near) => {
                    let mut asked = false;
                    let more = near.stages(&header, || {
                        asked = true;
                        Ok([0, 1])
                    })?;
                    if asked {
                        let (read_bytes, ..) = read(&stages)?;
                        passes.push(PlannedPass {
                            computes: computes.clone(),
                            kind: PassKind::Count,
                            read_bytes,
                            written_bytes: 0,
                        });
                    }
                    header.meaning.dtype = more.result(header.meaning.dtype);
                    stages.0.extend(more.0);
                    computes.push(near.text().to_owned());
                }
                Link::Whole(step) => {
                    let (read_bytes, ..) = read(&stages)?;
                    computes.push(step.text().to_owned());
                    passes.push(PlannedPass {
                        computes: computes.clone(),
                        kind: PassKind::Connect,
                        read_bytes,
                        written_bytes: 0,
                    });
                    if !header.meaning.dtype.is_small_integer() {
                        header.meaning.dtype = Dtype::U16;
                    }
                    // What goes before is computed as it is read.
                    stages = Stages::default();
                }
            }
        }
        let (read_bytes, tile, tiles) = read(&stages)?;
        let written_bytes = shape.voxels() * header.meaning.dtype.bytes() as u64;
        passes.push(PlannedPass { computes, kind: PassKind::Write, read_bytes, written_bytes });
        let cost = Cost::of(&stages, dtype, shape.voxels(), bytes + written_bytes);
        Ok(Self { passes, halo: stages.halo(), tile, tiles, memory_bytes: run.memory_bytes, cost })
    }
}
