//! Masking whole volumes: the segmented image, and statistics inside and outside of the mask.

use super::device::{Device, Watch, with_fallback};
use super::floats::float_statistics;
use super::lanes::{self, Pass};
use super::select::{Mask, Region, select};
use super::workers::{self, Input};
use super::{Observer, Resolved, count};
use crate::analysis::statistics::{self, Statistics};
use crate::engine::UNIT_VOXELS;
use crate::io::{Sink, Source};
use crate::ops::mask::{self as op, Keep, Packing};
use crate::volume::{Block, Dtype, Header, Rescale};
use crate::{Error, Result};

/// Writes every voxel that `mask` selects to `sink` as it is, and `background` (bits of the type) for the others.
///
/// Types that kernels do not take (32-bit integers, f64) are written by the CPU on any device.
///
/// # Errors
/// What reading and writing give, or [`Error::Interrupted`]. A failing GPU is no error: the CPU finishes.
pub fn mask(
    source: &dyn Source,
    mask: &Mask,
    background: u64,
    sink: &dyn Sink,
    device: &Device,
    observer: Option<Observer<'_>>,
    watch: &dyn Watch,
) -> Result<()> {
    let dtype = source.header().dtype;
    let size = dtype.bytes() as u64;
    let input = Input { source, mask: Some(mask.source()), observer };
    let device = if dtype.is_direct() { device } else { &Device::Cpu };
    with_fallback(
        device,
        lanes::UNIT,
        watch,
        |gpu, from, unit, done| {
            let mut pass = Pass {
                kernel: "mask",
                // Kernels write whole units.
                output_bytes: &|voxels| voxels.next_multiple_of(UNIT_VOXELS) * size,
                record: &|gpu, encoder, chunk, mask, _, out| {
                    // The lanes carry a mask because the input has one.
                    let mask = mask.unwrap_or(chunk);
                    op::encode_chunk(gpu, encoder, dtype, chunk, (mask, Packing::Bytes), background as u32, out)
                },
                drain: &mut |unit, bytes| sink.write(unit.at, &bytes[..(unit.voxels * size) as usize]),
            };
            lanes::run(gpu, input, from, unit, watch, &mut pass, done)
        },
        |from| {
            workers::each(input, from, watch, Vec::new, |out: &mut Vec<u8>, part| {
                out.resize(part.bytes.len(), 0);
                op::cpu(Block { dtype, bytes: part.bytes }, Keep::Bytes(part.mask.unwrap_or_default()), background, out);
                sink.write(part.at, out)
            })
            .map(|_| ())
        },
    )
}

/// The bits that stand for the real value `real` in a volume with this header.
///
/// # Errors
/// [`Error::Usage`] if the type cannot hold it, or the rescale differs between slices.
pub fn background_bits(header: &Header, real: f64) -> Result<u64> {
    let rescale = header.rescale.uniform().ok_or_else(|| {
        Error::usage("a background value for slices of different rescale", "convert the volume first: real values are written")
    })?;
    let dtype = header.dtype;
    let exact = rescale.stored(real);
    let (low, high) = limits(dtype);
    let stored = if dtype.is_integer() { exact.round_ties_even() } else { exact };
    if !(low..=high).contains(&stored) {
        let ends = [rescale.real(low), rescale.real(high)];
        return Err(Error::usage(
            format!("a background of {real} does not fit {dtype} voxels"),
            format!("give {} to {}", ends[0].min(ends[1]), ends[0].max(ends[1])),
        ));
    }
    Ok(match dtype {
        Dtype::F32 => u64::from((stored as f32).to_bits()),
        Dtype::F64 => stored.to_bits(),
        Dtype::U64 => stored as u64,
        // Two's complement, cut to the type's width.
        _ => stored as i64 as u64 & (u64::MAX >> (64 - 8 * dtype.bytes())),
    })
}

/// The least and the greatest finite value of a type.
fn limits(dtype: Dtype) -> (f64, f64) {
    match dtype {
        Dtype::F32 => (f64::from(f32::MIN), f64::from(f32::MAX)),
        Dtype::F64 => (f64::MIN, f64::MAX),
        Dtype::U8 | Dtype::U16 | Dtype::U32 | Dtype::U64 => (0.0, 2f64.powi(8 * dtype.bytes() as i32) - 1.0),
        _ => {
            let half = 2f64.powi(8 * dtype.bytes() as i32 - 1);
            (-half, half - 1.0)
        }
    }
}

/// One side of a mask.
#[derive(Debug, Clone, PartialEq)]
pub struct Side {
    /// Voxels on this side, NaN and infinite ones too.
    pub voxels: u64,
    /// Of the finite voxels, in real units; none if there are none.
    pub statistics: Option<Statistics>,
    /// Voxels that hold padding. They take part in the statistics, as in those of a whole volume.
    pub padding: u64,
    /// NaN voxels.
    pub nan: u64,
    /// Infinite voxels.
    pub infinite: u64,
}

/// Both sides of a mask.
#[derive(Debug, Clone, PartialEq)]
pub struct Sides {
    /// Voxels that the mask selects.
    pub inside: Side,
    /// All others.
    pub outside: Side,
    /// All voxels together.
    pub all: Option<Statistics>,
}

/// Statistics inside and outside of a mask: from two histograms where values are counted one by one (outside is all less inside), from
/// two selections of true floats.
///
/// # Errors
/// What reading gives, or [`Error::Interrupted`].
pub fn sides(input: &Resolved, mask: &Mask, device: &Device, watch: &dyn Watch) -> Result<Sides> {
    match input {
        Resolved::Exact(source) => {
            let header = source.header();
            let all = count(source.as_ref(), None, device, None, watch)?;
            let inside = count(source.as_ref(), Some(mask), device, None, watch)?;
            let mut outside = all.clone();
            for (rest, part) in outside.iter_mut().zip(&inside) {
                rest.counts.bins.iter_mut().zip(&part.counts.bins).for_each(|(n, m)| *n -= m);
            }
            let region = Region { range: None, with_padding: true };
            let side = |groups| {
                let selected = select(groups, header.padding, &region);
                let pairs: Vec<(Rescale, _)> = selected.groups.iter().map(|g| (g.rescale, &g.counts)).collect();
                let voxels = pairs.iter().map(|(_, counts)| counts.total()).sum();
                Side { voxels, statistics: statistics::of(&pairs), padding: selected.padding, nan: 0, infinite: 0 }
            };
            Ok(Sides { inside: side(inside), outside: side(outside), all: side(all).statistics })
        }
        Resolved::Floats(source, _) => {
            let side = |mask: Option<&Mask>| {
                let found = float_statistics(source.as_ref(), mask, None, None, watch)?;
                let (nan, infinite) = (found.nan, found.infinite);
                let voxels = found.statistics.as_ref().map_or(0, |s| s.count) + nan + infinite;
                Ok::<_, Error>(Side { voxels, statistics: found.statistics, padding: 0, nan, infinite })
            };
            let all = side(None)?.statistics;
            let inside = side(Some(mask))?;
            Ok(Sides { inside, outside: side(Some(&mask.inverted()))?, all })
        }
    }
}
