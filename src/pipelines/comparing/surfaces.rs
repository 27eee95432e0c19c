//! How far the surfaces of the same label in two maps lie apart.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rayon::prelude::*;

use super::{LabelMaps, LabelOverlaps, VoxelBox};
use crate::analysis::surface_distance::{DirectedDistances, PiecesAt, SurfaceDistances, SurfaceRule};
use crate::analysis::surfels::SurfelAreas;
use crate::io::Source;
use crate::ops::distance::{Searched, Units, squared};
use crate::ops::surface;
use crate::pipelines::Run;
use crate::pipelines::distance::measures;
use crate::volume::{Dtype, Tile};
use crate::{Error, Hint, Result};

/// What is asked of surfaces.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SurfaceSettings {
    /// What a surface is, and a percentile.
    pub rule: SurfaceRule,
    /// The percentile, from 0 to 100.
    pub percent: f64,
    /// Surfaces within this distance of each other agree: mm, or voxels where the spacing is not known.
    pub tolerance: f64,
}

/// The distances of each label that both maps hold: in mm, or in voxels, each 1 long, where the spacing is not known. Each label is looked at in the box around it in both.
///
/// # Errors
/// [`Error::Usage`] for several volumes, axes that are not at right angles, and a label that takes more than the memory of the run; what reading gives, or
/// [`Error::Interrupted`].
pub fn surfaces(
    maps: &LabelMaps,
    overlaps: &LabelOverlaps,
    settings: &SurfaceSettings,
    run: &Run<'_>,
) -> Result<BTreeMap<u32, SurfaceDistances>> {
    let grid = &maps.header().grid;
    if grid.shape.volumes() > 1 {
        return Err(Error::usage(format!("surfaces of {} volumes at once", grid.shape.volumes()), Hint::ChooseVolume));
    }
    let shape = grid.shape.xyz().map(|n| n as usize);
    let by_cells = settings.rule == SurfaceRule::Surface;
    let (spacing, units) = measures(grid, if by_cells { surface::cell_shape(shape) } else { shape })?;
    let spacing = spacing.unwrap_or([1.0; 3]);
    let areas = match (by_cells, shape[2]) {
        (false, _) => SurfelAreas::alike(),
        (true, 1) => SurfelAreas::of_squares([spacing[0], spacing[1]]),
        (true, _) => SurfelAreas::of_cells(spacing),
    };
    let job = SurfaceJob { maps, settings, areas, units, flat: shape[2] == 1 };
    let shared = overlaps.pairs.labels().into_iter().filter(|label| overlaps.pairs.of(*label).absence().is_none());
    shared
        .map(|label| {
            run.stop()?;
            let around = overlaps.around(label).unwrap_or(VoxelBox { low: [0; 3], high: [0; 3] });
            let found =
                if job.units.fits_u32() { job.label::<u32>(label, around, run) } else { job.label::<u64>(label, around, run) };
            let (judged, reference) = (overlaps.pairs.of(label).found(), overlaps.pairs.of(label).truth());
            run.advance(judged + reference);
            Ok((label, found?))
        })
        .collect()
}

struct SurfaceJob<'a> {
    maps: &'a LabelMaps,
    settings: &'a SurfaceSettings,
    areas: SurfelAreas,
    units: Units,
    /// Of one slice, where a box of one slice in a volume of more has cells on either side.
    flat: bool,
}

impl SurfaceJob<'_> {
    fn label<T: Searched>(&self, label: u32, around: VoxelBox, run: &Run<'_>) -> Result<SurfaceDistances> {
        let (by_cells, size) = (self.settings.rule == SurfaceRule::Surface, around.size());
        // A volume's label within one slice still has cells above and below it.
        let size = if size[2] == 1 && !self.flat { [size[0], size[1], 2] } else { size };
        let shape = if by_cells { surface::cell_shape(size) } else { size };
        let places: usize = shape.iter().product();
        let bytes = places as u64 * (3 + size_of::<T>() as u64);
        let held: u64 = self.maps.both().into_iter().filter_map(|map| map.in_memory()).map(|bytes| bytes.len() as u64).sum();
        if bytes + held > run.memory_bytes {
            let what = format!(
                "the surfaces of label {label}, in a box of {size:?} voxels, take {} MiB",
                (bytes + held).div_ceil(1 << 20)
            );
            return Err(Error::usage(what, Hint::MoreMemory));
        }
        let pieces = |map: &Arc<dyn Source>| -> Result<Vec<u8>> {
            let mask = inside(map, label, around, size)?;
            if !by_cells {
                return Ok(surface::borders(&mask, size));
            }
            let mut codes = surface::cells(&mask, size);
            let kinds = self.areas.kinds();
            codes.par_chunks_mut(1 << 16).for_each(|part| part.iter_mut().for_each(|code| *code = kinds[usize::from(*code)]));
            Ok(codes)
        };
        let [judged, reference] = self.maps.both();
        let (judged, reference) = (pieces(judged)?, pieces(reference)?);
        let mut squares = vec![T::default(); places];
        let there = self.directed(&judged, &reference, shape, &mut squares);
        let back = self.directed(&reference, &judged, shape, &mut squares);
        let SurfaceSettings { rule, percent, tolerance } = *self.settings;
        Ok(SurfaceDistances::new(rule, [&there, &back], percent, tolerance))
    }

    /// From each piece of one surface to the nearest of the other.
    fn directed<T: Searched>(&self, from: &[u8], to: &[u8], shape: [usize; 3], squares: &mut [T]) -> DirectedDistances {
        let mut away = vec![0u8; to.len()];
        away.par_chunks_mut(1 << 16).zip(to.par_chunks(1 << 16)).for_each(|(away, to)| {
            away.iter_mut().zip(to).for_each(|(away, kind)| *away = u8::from(*kind == 0));
        });
        squared(&away, shape, self.units.weights, squares);
        drop(away);
        let tally = |mut own: HashMap<(u64, u8), u64>, (kinds, squares): (&[u8], &[T])| {
            for (kind, square) in kinds.iter().zip(squares).filter(|(kind, _)| **kind != 0) {
                *own.entry((square.square(), *kind)).or_default() += 1;
            }
            own
        };
        let merge = |mut all: HashMap<(u64, u8), u64>, own: HashMap<(u64, u8), u64>| {
            own.into_iter().for_each(|(key, count)| *all.entry(key).or_default() += count);
            all
        };
        let counts =
            from.par_chunks(1 << 14).zip(squares.par_chunks(1 << 14)).fold(HashMap::new, tally).reduce(HashMap::new, merge);
        // Whole numbers until here, then one order of adding.
        let mut counts: Vec<((u64, u8), u64)> = counts.into_iter().collect();
        counts.sort_unstable();
        let mut pieces: Vec<PiecesAt> = Vec::new();
        for group in counts.chunk_by(|a, b| a.0.0 == b.0.0) {
            let area = group.iter().map(|((_, kind), count)| *count as f64 * self.areas.area(*kind)).sum();
            let distance = (group[0].0.0 as f64).sqrt() * self.units.unit_mm;
            pieces.push(PiecesAt { distance, count: group.iter().map(|(_, count)| count).sum(), area });
        }
        DirectedDistances::new(pieces)
    }
}

/// The voxels of a label within a box, as 0 and 1; what `size` has beyond the box is 0.
fn inside(map: &Arc<dyn Source>, label: u32, around: VoxelBox, size: [usize; 3]) -> Result<Vec<u8>> {
    let header = map.header();
    let shape = &header.grid.shape;
    let (nx, bytes) = (shape.axis(0) as usize, header.meaning.dtype.bytes());
    let (first, slice) = (around.low[0] as usize, size[0] * size[1]);
    let mut mask = vec![0u8; slice * size[2]];
    let wanted = (label as u16).to_le_bytes();
    if label > 255 && bytes == 1 {
        return Ok(mask);
    }
    let select = |rows: &[u8], out: &mut [u8]| {
        for (row, out) in rows.chunks_exact(nx * bytes).zip(out.chunks_exact_mut(size[0])) {
            let row = &row[first * bytes..][..size[0] * bytes];
            match header.meaning.dtype {
                Dtype::U8 => row.iter().zip(out).for_each(|(own, out)| *out = u8::from(*own == wanted[0])),
                _ => row.as_chunks().0.iter().zip(out).for_each(|(own, out)| *out = u8::from(*own == wanted)),
            }
        }
    };
    mask.par_chunks_exact_mut(slice).zip(0..around.size()[2]).try_for_each(|(out, z)| {
        let z = around.low[2] + z as u64;
        let tile = Tile { volume: 0, y: around.low[1]..around.high[1] + 1, z: z..z + 1 };
        let voxels = tile.voxels(shape) as usize;
        if let Some(all) = map.in_memory() {
            let at = tile.runs(shape).next().map_or(0, |(at, _)| at as usize);
            select(&all[at * bytes..][..voxels * bytes], out);
            return Ok::<(), Error>(());
        }
        let mut rows = vec![0; voxels * bytes];
        map.read_tile(&tile, &mut rows)?;
        select(&rows, out);
        Ok(())
    })?;
    Ok(mask)
}
