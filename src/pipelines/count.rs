//! The first pass: COUNT.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::device::with_fallback;
use super::ways::blocks::Blocks;
use super::ways::lanes::{self, Pass};
use super::{Input, Run};
use crate::Result;
use crate::ops::histogram::{self, Binning, Edges, PrivateWindow, Tally};
use crate::volume::{Block, Counts, Dtype, Rescale};

/// Voxels that share a label and a rescale, counted.
#[derive(Debug, Clone)]
pub struct Group {
    /// Their label; 0 where there are no labels, 1 for what a mask selects.
    pub label: u16,
    /// Their rescale.
    pub rescale: Rescale,
    /// Their histogram.
    pub counts: Counts,
}

/// Counts the voxels of 8- or 16-bit integers by stored value, one histogram for each distinct rescale; only those with a label other than 0, if
/// there are labels.
///
/// # Errors
/// What reading gives, or [`crate::Error::Interrupted`]. A failing GPU is no error: the CPU finishes.
pub fn count(input: &Input<'_>, run: &Run<'_>) -> Result<Vec<Group>> {
    let counts = tally(input, &Kind::Exact(input.header().meaning.dtype), run)?;
    let label = u16::from(input.labels().is_some());
    let rescales = &input.groups().rescales;
    Ok(rescales.iter().zip(counts).map(|(rescale, counts)| Group { label, rescale: *rescale, counts }).collect())
}

/// Counts f32 voxels between edges; all rescales together, for edges are stored values.
///
/// # Errors
/// As [`count`].
pub fn count_between(input: &Input<'_>, edges: &Arc<Edges>, run: &Run<'_>) -> Result<Counts> {
    let mut sum = Counts::binned(Dtype::F32, edges.bins());
    tally(input, &Kind::Edges(edges.clone()), run)?.iter().for_each(|counts| sum.merge(counts));
    Ok(sum)
}

/// Counts the voxels of 8- or 16-bit integers by label, rescale and stored value, in one pass; without labels all have label 0. Groups come by
/// label, then by rescale; labels that no voxel has are left out.
///
/// Done by the CPU on any device: it is bound by reading, and a kernel would need as many histograms as there are labels.
///
/// # Errors
/// As [`count`].
pub fn count_by_label(input: &Input<'_>, run: &Run<'_>) -> Result<Vec<Group>> {
    let dtype = input.header().meaning.dtype;
    let groups = input.groups();
    type Tallies = BTreeMap<(u16, usize), Tally>;
    let states = Blocks::of(input, run).each(Tallies::new, |tallies, part| {
        let label_bytes = input.labels().map_or(1, |labels| labels.source().header().meaning.dtype.bytes());
        let label = |i: usize| match part.mask {
            None => 0,
            Some(all) if label_bytes == 1 => u16::from(all[i]),
            Some(all) => u16::from_le_bytes([all[2 * i], all[2 * i + 1]]),
        };
        groups.each(part.at, part.voxels(), |at, group| {
            // Labels lie in runs, but for noise.
            let mut start = at.start;
            while start < at.end {
                let own = label(start);
                let end = (start + 1..at.end).find(|i| label(*i) != own).unwrap_or(at.end);
                let bytes = &part.bytes()[start * dtype.bytes()..end * dtype.bytes()];
                let tally = tallies.entry((own, group)).or_insert_with(|| Tally::exact(dtype));
                tally.add(Block { dtype, bytes }, None);
                start = end;
            }
        });
        Ok(())
    })?;
    let mut sums: BTreeMap<(u16, usize), Counts> = BTreeMap::new();
    for (key, tally) in states.into_iter().flatten() {
        let counts = tally.finish();
        sums.entry(key).and_modify(|sum| sum.merge(&counts)).or_insert(counts);
    }
    let group = |((label, group), counts): ((u16, usize), Counts)| Group { label, rescale: groups.rescales[group], counts };
    Ok(sums.into_iter().map(group).collect())
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

/// One histogram for each rescale.
fn tally(input: &Input<'_>, kind: &Kind, run: &Run<'_>) -> Result<Vec<Counts>> {
    let dtype = input.header().meaning.dtype;
    let groups = input.groups();
    let mut sums: Vec<Counts> = groups.rescales.iter().map(|_| Counts::binned(dtype, kind.bins())).collect();
    // The two ways take turns, never at once.
    let cell = RefCell::new(&mut sums);

    let mut bins: Option<Binning> = None;
    with_fallback(
        run,
        lanes::unit(input, 0, run),
        |attempt| {
            let bins = match kind {
                Kind::Edges(edges) => bins.insert(Binning::upload(attempt.gpu, edges)?),
                Kind::Exact(_) => bins.insert(Binning::Exact(sampled_window(input, *attempt.done)?)),
            };
            let size = 4 * (kind.bins() as u64 + 3);
            let mut pass = Pass {
                kernel: "histogram",
                output_bytes: &|_| size,
                record: &|to| {
                    to.encoder.clear_buffer(to.output, 0, None);
                    histogram::encode_chunk(to.gpu, to.encoder, dtype, &to.channels[0].1, to.mask, bins, to.output)
                },
                again: false,
                drain: &mut |unit, bytes| {
                    cell.borrow_mut()[unit.group].merge(&histogram::counts_from(dtype, bytes));
                    Ok(())
                },
            };
            lanes::pass(input, attempt, &mut pass, run)
        },
        |from| {
            let tallies = || groups.rescales.iter().map(|_| kind.tally()).collect::<Vec<_>>();
            let states = Blocks::of(input, run).from(from).each(tallies, |tallies, part| {
                groups.each(part.at, part.voxels(), |at, group| {
                    let bytes = &part.bytes()[at.start * dtype.bytes()..at.end * dtype.bytes()];
                    tallies[group].add(Block { dtype, bytes }, part.mask.map(|m| &m[at]));
                });
                Ok(())
            })?;
            let mut sums = cell.borrow_mut();
            for (group, tally) in states.into_iter().flat_map(|tallies| tallies.into_iter().enumerate()) {
                sums[group].merge(&tally.finish());
            }
            Ok(())
        },
    )?;
    Ok(sums)
}

/// A window for the private bins from the first voxels that will be counted: for speed alone.
fn sampled_window(input: &Input<'_>, from: u64) -> Result<PrivateWindow> {
    let (source, header) = (input.source(), input.header());
    // The middle of a volume says more of its tissue than its first slice; a source that dislikes jumps is not made to.
    let voxels = header.grid.shape.slice_voxels().min(1 << 20).min(header.grid.shape.voxels() - from);
    let middle = header.grid.shape.voxels() / 2;
    let at = if source.sequential() { from } else { middle.min(header.grid.shape.voxels() - voxels) };
    let mut bytes = vec![0; voxels as usize * header.meaning.dtype.bytes()];
    source.read(at, &mut bytes)?;
    Ok(PrivateWindow::from_sample(Block { dtype: header.meaning.dtype, bytes: &bytes }))
}
