//! The first pass: COUNT.

use std::sync::Arc;

use super::Observer;
use super::cuts::Groups;
use super::device::{Device, Watch, with_fallback};
use super::lanes::{self, Pass};
use super::select::Mask;
use super::workers::{self, Input};
use crate::Result;
use crate::io::Source;
use crate::ops::histogram::{self, Bins, Edges, Tally, Window};
use crate::volume::{Block, Counts, Dtype, Rescale};

/// The voxels that share a rescale, counted.
#[derive(Debug, Clone)]
pub struct Group {
    /// Their rescale.
    pub rescale: Rescale,
    /// Their exact histogram.
    pub counts: Counts,
}

/// Counts the voxels of a volume of 8- or 16-bit integers by stored value, one histogram for each distinct rescale.
///
/// `observer` sees every block that is read, so that pictures need no pass of their own.
///
/// # Errors
/// What reading gives, or [`crate::Error::Interrupted`]. A failing GPU is no error: the CPU finishes.
pub fn count(
    source: &dyn Source,
    mask: Option<&Mask>,
    device: &Device,
    observer: Option<Observer<'_>>,
    watch: &dyn Watch,
) -> Result<Vec<Group>> {
    let dtype = source.header().dtype;
    count_with(source, mask, device, observer, watch, &Kind::Exact(dtype))
}

/// Counts f32 voxels between edges; all rescales together, for edges are stored values.
///
/// # Errors
/// As [`count`].
pub fn count_floats(
    source: &dyn Source,
    mask: Option<&Mask>,
    edges: &Arc<Edges>,
    device: &Device,
    watch: &dyn Watch,
) -> Result<Counts> {
    let groups = count_with(source, mask, device, None, watch, &Kind::Edges(edges.clone()))?;
    let mut sum = Counts::binned(Dtype::F32, edges.bins());
    for group in groups {
        sum.merge(&group.counts);
    }
    Ok(sum)
}

enum Kind {
    Exact(Dtype),
    Edges(Arc<Edges>),
}

impl Kind {
    fn tally(&self) -> Tally {
        match self {
            Self::Exact(dtype) => Tally::exact(*dtype),
            Self::Edges(edges) => Tally::binned(edges.clone()),
        }
    }

    fn bins(&self) -> usize {
        match self {
            Self::Exact(dtype) => dtype.values(),
            Self::Edges(edges) => edges.bins(),
        }
    }
}

fn count_with(
    source: &dyn Source,
    mask: Option<&Mask>,
    device: &Device,
    observer: Option<Observer<'_>>,
    watch: &dyn Watch,
    kind: &Kind,
) -> Result<Vec<Group>> {
    let header = source.header();
    let dtype = header.dtype;
    let groups = Groups::of(header);
    let input = Input { source, mask: mask.map(Mask::source), observer };
    let mut sums: Vec<Counts> = groups.rescales.iter().map(|_| Counts::binned(dtype, kind.bins())).collect();
    // The two ways take turns, never at once.
    let cell = std::cell::RefCell::new(&mut sums);

    let mut bins: Option<Bins> = None;
    with_fallback(
        device,
        lanes::unit(watch, &input, 0),
        watch,
        |gpu, from, unit, done| {
            let bins = match kind {
                Kind::Edges(edges) => bins.insert(Bins::upload(gpu, edges)?),
                Kind::Exact(_) => bins.insert(Bins::Exact(sampled_window(input, from)?)),
            };
            let size = 4 * (kind.bins() as u64 + 3);
            let mut pass = Pass {
                kernel: "histogram",
                output_bytes: &|_| size,
                record: &|gpu, encoder, chunk, mask, _, counts| {
                    encoder.clear_buffer(counts, 0, None);
                    histogram::encode_chunk(gpu, encoder, dtype, chunk, mask, bins, counts)
                },
                drain: &mut |unit, bytes| {
                    cell.borrow_mut()[unit.group].merge(&histogram::counts_from(dtype, bytes));
                    Ok(())
                },
            };
            lanes::run(gpu, input, from, unit, watch, &mut pass, done)
        },
        |from| {
            let states = workers::each(
                input,
                from,
                watch,
                || groups.rescales.iter().map(|_| kind.tally()).collect::<Vec<_>>(),
                |tallies, part| {
                    let size = dtype.bytes() as u64;
                    let end = part.at + part.bytes.len() as u64 / size;
                    let mut at = part.at;
                    while at < end {
                        let (next, group) = groups.run(at, end);
                        let run = |unit: u64| ((at - part.at) * unit) as usize..((next - part.at) * unit) as usize;
                        let block = Block { dtype, bytes: &part.bytes[run(size)] };
                        tallies[group].add(block, part.mask.map(|m| &m[run(1)]));
                        at = next;
                    }
                    Ok(())
                },
            )?;
            let mut sums = cell.borrow_mut();
            for tally in states.into_iter().flat_map(|tallies| tallies.into_iter().enumerate()) {
                sums[tally.0].merge(&tally.1.finish());
            }
            Ok(())
        },
    )?;
    Ok(groups.rescales.iter().zip(sums).map(|(rescale, counts)| Group { rescale: *rescale, counts }).collect())
}

/// A window for the private bins from the first voxels that will be counted: for speed alone.
fn sampled_window(input: Input<'_>, from: u64) -> Result<Window> {
    let header = input.source.header();
    // The middle of a volume says more of its tissue than its first slice; a source that dislikes jumps is not made to.
    let voxels = header.shape.slice_voxels().min(1 << 20).min(header.shape.voxels() - from);
    let middle = header.shape.voxels() / 2;
    let at = if input.source.sequential() { from } else { middle.min(header.shape.voxels() - voxels) };
    let (mut buffer, mut unused) = (Vec::new(), Vec::new());
    let bytes = Input::of(input.source).read(at, voxels, &mut buffer, &mut unused)?;
    Ok(Window::from_sample(Block { dtype: header.dtype, bytes }))
}
