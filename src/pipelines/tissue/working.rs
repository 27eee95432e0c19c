//! Voxels as whole numbers of 14 bits, in the box around those that take part.

use std::ops::Range;
use std::sync::Arc;

use crate::io::Source;
use crate::ops::hmrf::OUTSIDE;
use crate::pipelines::hold::read_all;
use crate::pipelines::{Mask, Run};
use crate::views::RealValues;
use crate::volume::{Dtype, Header};
use crate::{Error, Hint, Result};

/// Highest working value.
const TOP: f64 = 16383.0;

/// The 99.9th percentile lies so much below: room for a gain, and for what is brighter.
const ROOM: f64 = 1.7;

/// Working values of a level.
const PER_LEVEL: f64 = 16.0;

/// So many thousandths of the values lie above the brightest that counts, or below no signal.
const TAIL: f64 = 0.001;

/// Bytes of a voxel of the file while working values are made: its value, whether it takes part, and a copy to find percentiles in.
const READING: u64 = 9;

/// The voxels that take part.
#[derive(Debug)]
pub(super) struct Working {
    /// The box around them, along x, y and z.
    pub place: [Range<u64>; 3],
    /// By voxel of the box, [`OUTSIDE`] where one takes no part.
    pub values: Vec<u16>,
    /// The real value of a working value of 0.
    pub origin: f64,
    /// Working values in a real unit.
    scale: f64,
    pub voxels: u64,
    pub not_finite: u64,
}

impl Working {
    /// Reads the voxels.
    pub fn new(source: Arc<dyn Source>, mask: Option<&Mask>, classes: usize, run: &Run<'_>) -> Result<Self> {
        let header = source.header().clone();
        check_room(header.grid.shape.voxels() * READING, run)?;
        let real = read_all(Arc::new(RealValues::new(source, Dtype::F32)), run)?.into_parts().1;
        let mut values: Vec<f32> = real.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        drop(real);
        let mut inside = match mask {
            Some(mask) => read_all(mask.clone().into_labels().into_source(), &run.quiet())?.into_parts().1,
            None => values.iter().map(|value| u8::from(*value != 0.0)).collect(),
        };
        leave_out_padding(&header, &values, &mut inside);
        let mut not_finite = 0;
        for (own, value) in inside.iter_mut().zip(&mut values) {
            if *own != 0 && !value.is_finite() {
                (*own, not_finite) = (0, not_finite + 1);
            }
        }
        let [nx, ny, nz] = header.grid.shape.xyz();
        let Some(place) = bounds(&inside, [nx, ny, nz]) else {
            return Err(Error::usage("no voxel takes part", Hint::WidenSelection));
        };
        let mut found: Vec<f32> = values.iter().zip(&inside).filter(|(_, own)| **own != 0).map(|(value, _)| *value).collect();
        let voxels = found.len() as u64;
        let [low, high] = [TAIL, 1.0 - TAIL].map(|part| {
            let rank = (part * (found.len() - 1) as f64).round() as usize;
            f64::from(*found.select_nth_unstable_by(rank, f32::total_cmp).1)
        });
        drop(found);
        let origin = low.min(0.0);
        let scale = TOP / ROOM / (high - origin);
        if !(scale.is_finite() && scale > 0.0) {
            return Err(too_few(1, classes));
        }
        let mut working = Vec::with_capacity(place.iter().map(|range| (range.end - range.start) as usize).product());
        for z in place[2].clone() {
            for y in place[1].clone() {
                let row = ((z * ny + y) * nx) as usize;
                let range = row + place[0].start as usize..row + place[0].end as usize;
                working.extend(values[range.clone()].iter().zip(&inside[range]).map(|(value, own)| match own {
                    0 => OUTSIDE,
                    // Casts of floats stop at the limits of the type.
                    _ => ((f64::from(*value) - origin) * scale).round().clamp(0.0, TOP) as u16,
                }));
            }
        }
        Ok(Self { place, values: working, origin, scale, voxels, not_finite })
    }

    /// Voxels of the box along x, y and z.
    pub fn shape(&self) -> [usize; 3] {
        self.place.clone().map(|range| (range.end - range.start) as usize)
    }

    /// A level in real units.
    pub fn per_level(&self) -> f64 {
        PER_LEVEL / self.scale
    }
}

/// Said where there is nothing to tell apart.
pub(super) fn too_few(values: usize, classes: usize) -> Error {
    Error::usage(
        format!("the voxels that take part have {values} different levels, which {classes} classes cannot share"),
        "let more voxels count, or ask for fewer classes",
    )
}

/// # Errors
/// [`Error::Usage`] naming the bytes, if these do not fit the memory of the run.
pub(super) fn check_room(bytes: u64, run: &Run<'_>) -> Result<()> {
    if bytes <= run.memory_bytes {
        return Ok(());
    }
    Err(Error::usage(
        format!("{} MiB for the voxels, which are held while classes are learnt", bytes.div_ceil(1 << 20)),
        Hint::MoreMemory,
    ))
}

/// Padding takes no part, where all slices say the same of it.
fn leave_out_padding(header: &Header, values: &[f32], inside: &mut [u8]) {
    let (Some(padding), Some(rescale)) = (header.meaning.padding, header.meaning.rescale.uniform()) else { return };
    let ends = [padding.low, padding.high].map(|stored| rescale.real(stored) as f32);
    let (low, high) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
    for (own, value) in inside.iter_mut().zip(values) {
        if (low..=high).contains(value) {
            *own = 0;
        }
    }
}

/// The box around all that is not 0.
fn bounds(inside: &[u8], [nx, ny, _]: [u64; 3]) -> Option<[Range<u64>; 3]> {
    let mut found: Option<[Range<u64>; 3]> = None;
    for (row, voxels) in (0u64..).zip(inside.chunks_exact(nx as usize)) {
        let Some(first) = voxels.iter().position(|own| *own != 0) else { continue };
        let last = voxels.iter().rposition(|own| *own != 0).unwrap_or(first);
        let (y, z) = (row % ny, row / ny);
        let own = [first as u64..last as u64 + 1, y..y + 1, z..z + 1];
        found = Some(match found {
            None => own,
            Some(all) => std::array::from_fn(|a| all[a].start.min(own[a].start)..all[a].end.max(own[a].end)),
        });
    }
    found
}
