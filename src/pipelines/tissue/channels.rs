//! Which voxels take part, the box around them, and what makes whole numbers of 14 bits of their values.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::TissueOptions;
use super::ranks::RankCounts;
use crate::io::Source;
use crate::ops::hmrf::OUTSIDE;
use crate::pipelines::hold::held;
use crate::pipelines::{Input, Mask, Run};
use crate::views::RealValues;
use crate::volume::Dtype;
use crate::{Error, Hint, Result};

/// Highest working value.
const TOP: f64 = 16383.0;

/// The 99.9th percentile lies so much below: room for a gain, and for what is brighter.
const ROOM: f64 = 1.7;

/// So many thousandths of the values lie above the brightest that counts, or below no signal.
const TAIL: f64 = 0.001;

/// Voxels that are read at a time.
const PIECE: u64 = 1 << 18;

/// Passes over the file before the voxels of the box are taken.
const PASSES: u64 = 2;

/// What working values mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct WorkingScale {
    /// The real value of a working value of 0.
    pub origin: f64,
    /// Working values in a real unit.
    per_unit: f64,
}

impl WorkingScale {
    /// Real units of one working value.
    pub fn unit(&self) -> f64 {
        1.0 / self.per_unit
    }

    fn working(&self, value: f32) -> u16 {
        // Casts of floats stop at the limits of the type.
        ((f64::from(value) - self.origin) * self.per_unit).round().clamp(0.0, TOP) as u16
    }
}

/// Images of the same voxels.
pub(super) struct Channels {
    images: Vec<ChannelImage>,
    mask: Option<Arc<dyn Source>>,
    /// Without a mask: whether voxels that are 0 take part.
    zeros: bool,
    shape: [u64; 3],
    /// Of a row of the first image: progress is told by them.
    row_bytes: u64,
    /// The box around the voxels that take part, along x, y and z.
    pub place: [Range<u64>; 3],
    /// By channel.
    pub scales: Vec<WorkingScale>,
    pub voxels: u64,
    /// Of those that a mask selects.
    pub not_finite: u64,
}

/// One image of the voxels.
struct ChannelImage {
    real: RealValues,
    /// The least and the greatest real value of padding, where all slices say the same of it.
    padding: Option<(f32, f32)>,
}

/// Voxels in a row, of all channels.
#[derive(Default)]
struct VoxelPortion {
    values: Vec<Vec<f32>>,
    inside: Vec<u8>,
    not_finite: u64,
}

/// What a first pass finds.
struct VoxelSurvey {
    place: Option<[Range<u64>; 3]>,
    not_finite: u64,
    ranks: Vec<RankCounts>,
}

impl Channels {
    /// Reads the voxels twice.
    pub fn new(inputs: &[Input<'_>], mask: Option<&Mask>, options: &TissueOptions, run: &Run<'_>) -> Result<Self> {
        let header = inputs[0].header().clone();
        // Each pass reads them again.
        let share = run.memory_bytes / 4 / inputs.len() as u64;
        let images =
            inputs.iter().map(|input| held(input.as_stored().source().clone(), share, &run.quiet()).map(ChannelImage::new));
        let mask = mask.map(|mask| mask.clone().held(&run.quiet())).transpose()?;
        let mut found = Self {
            images: images.collect::<Result<_>>()?,
            mask: mask.map(|mask| mask.into_labels().into_source()),
            zeros: options.zeros,
            shape: header.grid.shape.xyz(),
            row_bytes: header.grid.shape.xyz()[0] * header.meaning.dtype.bytes() as u64,
            place: [0..0, 0..0, 0..0],
            scales: Vec::new(),
            voxels: 0,
            not_finite: 0,
        };
        let run = &run.one_of(PASSES);
        let first =
            found.each_row_piece(run, || found.nothing(), |all, at, portion| found.survey(all, at, portion), VoxelSurvey::and)?;
        let Some(place) = first.place else { return Err(Error::usage("no voxel takes part", Hint::WidenSelection)) };
        let wanted = |ranks: &RankCounts| [TAIL, 1.0 - TAIL].map(|part| (part * (ranks.count() - 1) as f64).round() as u64);
        let halves: Vec<_> = first.ranks.iter().map(|ranks| ranks.halves(&wanted(ranks))).collect();
        let second = found.each_row_piece(
            run,
            || halves.clone(),
            |all, _, portion| {
                all.iter_mut().zip(&portion.values).for_each(|(halves, values)| halves.count(values, &portion.inside));
            },
            |all, more| all.iter_mut().zip(more).for_each(|(all, more)| all.add(&more)),
        )?;
        for halves in &second {
            let ends = halves.values();
            let origin = f64::from(ends[0]).min(0.0);
            let per_unit = TOP / ROOM / (f64::from(ends[1]) - origin);
            if !(per_unit.is_finite() && per_unit > 0.0) {
                return Err(too_few(1, options.classes));
            }
            found.scales.push(WorkingScale { origin, per_unit });
        }
        found.voxels = first.ranks[0].count();
        Ok(Self { place, not_finite: first.not_finite, ..found })
    }

    /// Voxels of the box along x, y and z.
    pub fn box_shape(&self) -> [usize; 3] {
        self.place.clone().map(|range| (range.end - range.start) as usize)
    }

    /// Writes the working values of slices of the box, counted from its first one, channel by channel; [`OUTSIDE`] where a voxel takes no part.
    pub fn fill(&self, slices: Range<usize>, working: &mut [Vec<u16>]) -> Result<()> {
        let ([xs, ys, zs], [nx, ny, _]) = (&self.place, self.shape);
        let [width, height, _] = self.box_shape();
        working.iter_mut().for_each(|own| {
            own.clear();
            own.resize(slices.len() * width * height, OUTSIDE);
        });
        let mut portion = VoxelPortion::default();
        for (slice, z) in slices.enumerate() {
            let at = ((zs.start + z as u64) * ny + ys.start) * nx;
            self.read(at, height * nx as usize, &mut portion)?;
            for y in 0..height {
                let row = y * nx as usize;
                let row = row + xs.start as usize..row + xs.end as usize;
                for ((scale, values), out) in self.scales.iter().zip(&portion.values).zip(&mut *working) {
                    let voxels = values[row.clone()].iter().zip(&portion.inside[row.clone()]);
                    let out = &mut out[(slice * height + y) * width..][..width];
                    out.iter_mut()
                        .zip(voxels)
                        .filter(|(_, (_, own))| **own != 0)
                        .for_each(|(out, (value, _))| *out = scale.working(*value));
                }
            }
        }
        Ok(())
    }

    fn nothing(&self) -> VoxelSurvey {
        VoxelSurvey { place: None, not_finite: 0, ranks: self.images.iter().map(|_| RankCounts::new()).collect() }
    }

    fn survey(&self, all: &mut VoxelSurvey, at: u64, portion: &VoxelPortion) {
        all.not_finite += portion.not_finite;
        all.ranks.iter_mut().zip(&portion.values).for_each(|(ranks, values)| ranks.count_values(values, &portion.inside));
        let [nx, ny, _] = self.shape;
        for (row, voxels) in (at / nx..).zip(portion.inside.chunks_exact(nx as usize)) {
            let Some(first) = voxels.iter().position(|own| *own != 0) else { continue };
            let last = voxels.iter().rposition(|own| *own != 0).unwrap_or(first);
            let (y, z) = (row % ny, row / ny);
            all.widen([first as u64..last as u64 + 1, y..y + 1, z..z + 1]);
        }
    }

    /// Reads all voxels in pieces of whole rows: on all threads, but in their order where that is much cheaper.
    fn each_row_piece<T: Send>(
        &self,
        run: &Run<'_>,
        none: impl Fn() -> T + Sync,
        work: impl Fn(&mut T, u64, &VoxelPortion) + Sync,
        and: impl Fn(&mut T, T) + Sync,
    ) -> Result<T> {
        let [nx, ny, nz] = self.shape;
        let rows = (PIECE / nx).clamp(1, ny * nz);
        let pieces = (ny * nz).div_ceil(rows);
        let one = |(mut all, mut portion): (T, VoxelPortion), piece: u64| {
            run.stop()?;
            let own = piece * rows..((piece + 1) * rows).min(ny * nz);
            self.read(own.start * nx, ((own.end - own.start) * nx) as usize, &mut portion)?;
            work(&mut all, own.start * nx, &portion);
            run.advance((own.end - own.start) * self.row_bytes);
            Ok((all, portion))
        };
        let begin = || (none(), VoxelPortion::default());
        if self.images.iter().any(|image| image.real.sequential()) {
            return Ok((0..pieces).try_fold(begin(), one)?.0);
        }
        let found = (0..pieces).into_par_iter().try_fold(begin, one).map(|part: Result<_>| part.map(|(all, _)| all));
        found.try_reduce(&none, |mut all, more| {
            and(&mut all, more);
            Ok(all)
        })
    }

    fn read(&self, at: u64, voxels: usize, portion: &mut VoxelPortion) -> Result<()> {
        let VoxelPortion { values, inside, not_finite } = portion;
        values.resize(self.images.len(), Vec::new());
        for (image, values) in self.images.iter().zip(&mut *values) {
            values.resize(voxels, 0.0);
            image.real.read(at, bytemuck::cast_slice_mut(values))?;
            if cfg!(target_endian = "big") {
                values.iter_mut().for_each(|value| *value = f32::from_bits(value.to_bits().swap_bytes()));
            }
        }
        inside.resize(voxels, 0);
        match &self.mask {
            Some(mask) => mask.read(at, inside)?,
            None if self.zeros => inside.fill(1),
            None => inside.iter_mut().zip(&values[0]).for_each(|(own, value)| *own = u8::from(*value != 0.0)),
        }
        *not_finite = 0;
        for (image, values) in self.images.iter().zip(&*values) {
            for (own, value) in inside.iter_mut().zip(values).filter(|(own, _)| **own != 0) {
                if image.padding.is_some_and(|(low, high)| (low..=high).contains(value)) {
                    *own = 0;
                } else if !value.is_finite() {
                    (*own, *not_finite) = (0, *not_finite + 1);
                }
            }
        }
        Ok(())
    }
}

impl ChannelImage {
    fn new(source: Arc<dyn Source>) -> Self {
        let header = source.header().clone();
        let padding = header.meaning.padding.zip(header.meaning.rescale.uniform()).map(|(padding, rescale)| {
            let ends = [padding.low, padding.high].map(|stored| rescale.real(stored) as f32);
            (ends[0].min(ends[1]), ends[0].max(ends[1]))
        });
        Self { real: RealValues::new(source, Dtype::F32), padding }
    }
}

impl VoxelSurvey {
    fn widen(&mut self, own: [Range<u64>; 3]) {
        self.place = Some(match self.place.take() {
            None => own,
            Some(all) => std::array::from_fn(|a| all[a].start.min(own[a].start)..all[a].end.max(own[a].end)),
        });
    }

    fn and(&mut self, more: Self) {
        more.place.into_iter().for_each(|place| self.widen(place));
        self.not_finite += more.not_finite;
        self.ranks.iter_mut().zip(&more.ranks).for_each(|(all, more)| all.add(more));
    }
}

/// Said where there is nothing to tell apart.
pub(super) fn too_few(values: usize, classes: usize) -> Error {
    Error::usage(
        format!("the voxels that take part have {values} different levels, which {classes} classes cannot share"),
        "let more voxels count, or ask for fewer classes",
    )
}
