//! Masking whole volumes: the segmented image, and statistics inside and outside of the mask.

use super::device::with_fallback;
use super::input::Part;
use super::ways::blocks::Blocks;
use super::ways::lanes::{self, Pass};
use super::{Counted, Group, Input, Mask, Region, Run, count_by_label, float_statistics};
use crate::analysis::statistics::Statistics;
use crate::engine::UNIT_VOXELS;
use crate::io::Sink;
use crate::ops::mask::{self as op, Keep, Packing};
use crate::volume::{Block, Dtype, Header, Rescale};
use crate::{Error, Result};

/// Writes every voxel that the input's mask selects to `sink` as it is stored, and `background` (bits of the type) for the others.
///
/// Types that kernels do not take (32-bit integers, f64) are written by the CPU on any device.
///
/// # Errors
/// What reading and writing give, or [`Error::Interrupted`]. A failing GPU is no error: the CPU finishes.
pub fn mask(input: &Input<'_>, background: u64, sink: &dyn Sink, run: &Run<'_>) -> Result<()> {
    let dtype = input.header().meaning.dtype;
    let size = dtype.bytes() as u64;
    let run = &if dtype.is_direct() { *run } else { run.on_cpu() };
    with_fallback(
        run,
        lanes::unit(input, size, run),
        |attempt| {
            let mut pass = Pass {
                kernel: "mask",
                // Kernels write whole units.
                output_bytes: &|voxels| voxels.next_multiple_of(UNIT_VOXELS) * size,
                record: &|to| {
                    let chunk = &to.channels[0].1;
                    // The lanes carry a mask because the input has one.
                    let mask = (to.mask.unwrap_or(chunk), Packing::Bytes);
                    op::encode_chunk(to.gpu, to.encoder, dtype, chunk, mask, background as u32, to.output)
                },
                again: false,
                drain: &mut |unit, bytes| sink.write(unit.at, &bytes[..(unit.voxels * size) as usize]),
            };
            lanes::pass(input, attempt, &mut pass, run)
        },
        |from| {
            let work = |out: &mut Vec<u8>, part: Part<'_>| {
                out.resize(part.bytes().len(), 0);
                op::cpu(Block { dtype, bytes: part.bytes() }, Keep::Bytes(part.mask.unwrap_or_default()), background, out);
                sink.write(part.at, out)
            };
            Blocks::of(input, run).from(from).each(Vec::new, work).map(|_| ())
        },
    )
}

/// What is written outside of a mask.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Background {
    /// The bits of the stored value.
    pub bits: u64,
    /// The real value that it stands for.
    pub real: f64,
    /// Whether that is the one asked for, but for what float32 loses of slope and intercept.
    pub exact: bool,
}

impl Background {
    /// The stored value nearest to the real value `real` in a volume with this header.
    ///
    /// # Errors
    /// [`Error::Usage`] if the type cannot hold it, or slices of different rescale need different bits.
    pub fn of(header: &Header, real: f64) -> Result<Self> {
        let dtype = header.meaning.dtype;
        let (low, high) = dtype.limits();
        for rescale in header.meaning.rescale.distinct().0 {
            let exact = rescale.stored(real);
            let stored = if dtype.is_integer() { exact.round_ties_even() } else { exact };
            if !(low..=high).contains(&stored) {
                let ends = [rescale.real(low), rescale.real(high)];
                return Err(Error::usage(
                    format!("a background of {} does not fit {dtype} voxels", brief(real)),
                    format!("give {} to {}", brief(ends[0].min(ends[1])), brief(ends[0].max(ends[1]))),
                ));
            }
        }
        Self::nearest(header, real)
    }

    /// The stored value nearest to real 0: what the type can hold, wherever its range lies.
    ///
    /// # Errors
    /// [`Error::Usage`] if slices of different rescale need different bits.
    pub fn zero(header: &Header) -> Result<Self> {
        Self::nearest(header, 0.0)
    }

    /// What stands where an image has no voxel ([`Meaning::outside`](crate::volume::Meaning::outside)): padding, air of CT, or real 0.
    pub fn outside(header: &Header) -> Self {
        let (stored, rescale) = (header.meaning.outside(), header.meaning.rescale.of_slice(0));
        Self { bits: bits(header.meaning.dtype, stored), real: rescale.real(stored), exact: true }
    }

    fn nearest(header: &Header, real: f64) -> Result<Self> {
        let dtype = header.meaning.dtype;
        let (low, high) = dtype.limits();
        let of = |rescale: &Rescale| {
            // Adding 0 turns -0 into 0, which is other bits.
            let stored = rescale.stored(real).clamp(low, high) + 0.0;
            let stored = match dtype {
                Dtype::F64 => stored,
                Dtype::F32 => f64::from(stored as f32),
                _ => stored.round_ties_even(),
            };
            let own = rescale.real(stored);
            let lost = f64::from(f32::EPSILON) * ((own - rescale.intercept).abs() + rescale.intercept.abs());
            Self { bits: bits(dtype, stored), real: own, exact: (own - real).abs() <= lost }
        };
        let all: Vec<Self> = header.meaning.rescale.distinct().0.iter().map(of).collect();
        match all.as_slice() {
            [first, rest @ ..] if rest.iter().all(|one| one.bits == first.bits) => {
                let farthest = |a: Self, b: &Self| if (b.real - real).abs() > (a.real - real).abs() { *b } else { a };
                Ok(all.iter().fold(*first, farthest))
            }
            _ => Err(Error::usage(
                format!("a background of {real} is stored differently in slices of different rescale"),
                "convert the volume first: real values are written",
            )),
        }
    }
}

/// A number in few digits, whatever its magnitude.
fn brief(value: f64) -> String {
    if value.abs() < 1e15 { format!("{}", (value * 1e6).round() / 1e6) } else { format!("{value:e}") }
}

/// A stored value as bits of its type, zero-extended.
fn bits(dtype: Dtype, stored: f64) -> u64 {
    match dtype {
        Dtype::F32 => u64::from((stored as f32).to_bits()),
        Dtype::F64 => stored.to_bits(),
        Dtype::U64 => stored as u64,
        // Two's complement, cut to the type's width.
        _ => stored as i64 as u64 & (u64::MAX >> (64 - 8 * dtype.bytes())),
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

/// Statistics inside and outside of a mask: from histograms by label, in one pass, where values are counted one by one; from three selections of true
/// floats.
///
/// # Errors
/// What reading gives, or [`Error::Interrupted`].
pub fn sides(input: &Input<'_>, mask: &Mask, run: &Run<'_>) -> Result<Sides> {
    if input.is_exact() {
        let groups = count_by_label(&input.clone().labelled(mask.clone().into_labels()), run)?;
        let side = |wanted: &dyn Fn(&Group) -> bool| {
            let own = groups.iter().filter(|g| wanted(g)).cloned().collect();
            let region = Region { range: None, with_padding: true };
            let counted = Counted::from_groups(own, input.header().meaning.padding, &region);
            Side { voxels: counted.total(), statistics: counted.statistics(), padding: counted.padding, nan: 0, infinite: 0 }
        };
        let all = by_rescale(&groups);
        let counted = Counted::from_groups(all, None, &Region { range: None, with_padding: true });
        return Ok(Sides { inside: side(&|g| g.label != 0), outside: side(&|g| g.label == 0), all: counted.statistics() });
    }
    let stored = input.as_stored();
    let run = run.one_of(3);
    let side = |mask: Option<Mask>| {
        let found = float_statistics(&stored.clone().masked(mask), None, &run)?;
        let (nan, infinite) = (found.nan, found.infinite);
        let voxels = found.statistics.as_ref().map_or(0, |s| s.count) + nan + infinite;
        Ok::<_, Error>(Side { voxels, statistics: found.statistics, padding: 0, nan, infinite })
    };
    let all = side(None)?.statistics;
    let inside = side(Some(mask.clone()))?;
    Ok(Sides { inside, outside: side(Some(mask.inverted()))?, all })
}

/// The groups of all labels together.
fn by_rescale(groups: &[Group]) -> Vec<Group> {
    let mut all: Vec<Group> = Vec::new();
    for group in groups {
        match all.iter_mut().find(|g| g.rescale == group.rescale) {
            Some(own) => own.counts.merge(&group.counts),
            None => all.push(Group { label: 0, ..group.clone() }),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::analysis::statistics::interpolated;
    use crate::ops::mask::Rule;
    use crate::ops::testing::{Content, assert_same, noise};
    use crate::pipelines::Device;
    use crate::pipelines::tests::{File, Memory, devices};
    use crate::volume::{Padding, Rescales, Shape, Volume};

    fn volume(axes: &[u64], dtype: Dtype) -> Volume {
        let header = Header::new(Shape::new(axes).unwrap(), dtype);
        let words = dtype.bytes().div_ceil(4);
        let bytes =
            Content::Noise.bytes(if words == 2 { Dtype::F32 } else { dtype }, words * header.grid.shape.voxels() as usize);
        Volume::new(header, bytes).unwrap()
    }

    fn selects(i: u64) -> bool {
        noise(i / 40).is_multiple_of(3)
    }

    fn mask_of(image: &Header) -> Mask {
        let bytes = (0..image.grid.shape.voxels()).map(|i| u8::from(selects(i)) * 255).collect();
        let mask = Volume::new(Header::new(image.grid.shape.clone(), Dtype::U8), bytes).unwrap();
        Mask::new(Arc::new(mask), None, image, &Run::silent(&Device::cpu())).unwrap()
    }

    #[test]
    fn every_way_over_a_volume_keeps_the_same_voxels() {
        for dtype in [Dtype::U8, Dtype::I16, Dtype::F32, Dtype::I32, Dtype::F64] {
            let volume = volume(&[301, 211, 37], dtype);
            let (mask, size) = (mask_of(volume.header()), dtype.bytes());
            let background = 0x8877_6655_4433_2211_u64 >> (64 - 8 * size);
            let mut want = volume.bytes().to_vec();
            for (i, one) in want.chunks_exact_mut(size).enumerate() {
                if !selects(i as u64) {
                    one.copy_from_slice(&background.to_le_bytes()[..size]);
                }
            }
            for device in devices() {
                for (unit, sequential) in [(1, false), (301 * 211, false), (7919, true)] {
                    let file = File { volume: volume.clone(), unit, sequential };
                    let sink = Memory::new(volume.block().len(), dtype);
                    let seen = Mutex::new(0);
                    let observer = |_: u64, block: Block<'_>| *seen.lock().unwrap() += block.bytes.len();
                    let input = Input::of(Arc::new(file)).masked(Some(mask.clone())).observed(Some(&observer));
                    super::mask(&input, background, &sink, &Run::silent(&device)).unwrap();
                    assert_same(&format!("{dtype} {} {unit}", device.name()), &sink.take(), &want);
                    assert_eq!(seen.into_inner().unwrap(), volume.bytes().len(), "the observer sees each voxel once");
                }
            }
        }
    }

    #[test]
    fn both_sides_have_the_statistics_of_their_voxels() {
        for dtype in [Dtype::I16, Dtype::F32] {
            let mut header = Header::new(Shape::new(&[61, 53, 7]).unwrap(), dtype);
            header.meaning.rescale = Rescales::Uniform(Rescale { slope: 0.5, intercept: -10.0 });
            header.meaning.padding = Some(Padding { low: -40.0, high: -40.0 });
            let stored = |i: u64| (noise(i) % 300) as f64 - 40.0 + if dtype == Dtype::F32 { 0.25 } else { 0.0 };
            let bytes = (0..header.grid.shape.voxels()).flat_map(|i| match dtype {
                Dtype::I16 => (stored(i) as i16).to_le_bytes().to_vec(),
                _ => (stored(i) as f32).to_le_bytes().to_vec(),
            });
            let volume = Volume::new(header.clone(), bytes.collect()).unwrap();
            let mask = mask_of(&header);
            for device in devices() {
                let run = Run::silent(&device);
                let input = Input::resolve(Arc::new(volume.clone()), &run).unwrap();
                let sides = sides(&input, &mask, &run).unwrap();
                for (side, inside) in [(&sides.inside, true), (&sides.outside, false)] {
                    let mut real: Vec<f64> = (0..header.grid.shape.voxels())
                        .filter(|i| selects(*i) == inside)
                        .map(|i| stored(i) * 0.5 - 10.0)
                        .collect();
                    real.sort_by(f64::total_cmp);
                    let (n, s) = (real.len() as u64, side.statistics.as_ref().unwrap());
                    let mean = real.iter().sum::<f64>() / n as f64;
                    assert_eq!((side.voxels, s.count, s.min, s.max), (n, n, real[0], real[real.len() - 1]));
                    assert_eq!(s.median, interpolated(n, 50.0, |r| real[r as usize]));
                    assert!((s.mean - mean).abs() <= 1e-9, "{} {mean}", s.mean);
                    let padding = real.iter().filter(|v| **v == -30.0).count() as u64;
                    assert_eq!(side.padding, if dtype == Dtype::I16 { padding } else { 0 });
                }
                assert_eq!(sides.all.unwrap().count, header.grid.shape.voxels());
            }
        }
    }

    #[test]
    fn an_empty_mask_and_nan_have_sides_too() {
        let header = Header::new(Shape::new(&[4]).unwrap(), Dtype::F32);
        let values = [f32::NAN, f32::INFINITY, 1.5, 2.5];
        let volume = Volume::new(header.clone(), bytemuck::cast_slice(&values).to_vec()).unwrap();
        let of = |bytes: [u8; 4]| {
            let mask = Volume::new(Header::new(header.grid.shape.clone(), Dtype::U8), bytes.to_vec()).unwrap();
            let device = Device::cpu();
            let run = Run::silent(&device);
            let mask = Mask::new(Arc::new(mask), None, &header, &run).unwrap();
            sides(&Input::resolve(Arc::new(volume.clone()), &run).unwrap(), &mask, &run).unwrap()
        };
        let empty = of([0; 4]);
        assert_eq!((empty.inside.voxels, empty.inside.statistics, empty.outside.voxels), (0, None, 4));
        let s = of([1, 1, 0, 0]);
        assert_eq!((s.inside.voxels, s.inside.statistics, s.inside.nan, s.inside.infinite), (2, None, 1, 1));
        assert_eq!(s.outside.statistics.unwrap().mean, 2.0);
    }

    #[test]
    fn masks_combine_and_invert() {
        let image = Header::new(Shape::new(&[4]).unwrap(), Dtype::U8);
        let device = Device::cpu();
        let mask = |bytes: [u8; 4]| {
            let volume = Volume::new(image.clone(), bytes.to_vec()).unwrap();
            Mask::new(Arc::new(volume), None, &image, &Run::silent(&device)).unwrap()
        };
        let read = |mask: &Mask| {
            let mut out = [9; 4];
            mask.source().read(0, &mut out).unwrap();
            out
        };
        let (a, b, c) = ([0, 0, 5, 5], [0, 7, 0, 7], [1, 0, 0, 0]);
        let all = |rule| read(&Mask::combined(vec![mask(a), mask(b), mask(c)], rule).unwrap());
        assert_eq!([all(Rule::AND), all(Rule::OR), all(Rule::XOR)], [[0; 4], [1; 4], [1, 1, 1, 0]]);
        assert_eq!(read(&mask(a).inverted()), [1, 1, 0, 0]);
        assert!(Mask::combined(Vec::new(), Rule::OR).is_err());
    }

    #[test]
    fn a_background_is_stored_as_the_type_has_it_or_refused() {
        let header = |dtype, slope, intercept| {
            let mut header = Header::new(Shape::new(&[1]).unwrap(), dtype);
            header.meaning.rescale = Rescales::Uniform(Rescale { slope, intercept });
            header
        };
        let bits = |dtype, real| Background::of(&header(dtype, 1.0, -1024.0), real).map(|b| b.bits);
        assert_eq!(bits(Dtype::U16, -1000.0).unwrap(), 24);
        assert_eq!(bits(Dtype::I16, -1025.0).unwrap(), 0xffff);
        assert_eq!(bits(Dtype::I32, -1026.0).unwrap(), 0xffff_fffe);
        assert_eq!(bits(Dtype::F32, -1022.5).unwrap(), u64::from(1.5f32.to_bits()));
        assert_eq!(bits(Dtype::F64, -1022.5).unwrap(), 1.5f64.to_bits());
        let text = bits(Dtype::U8, -1025.0).unwrap_err().to_string();
        assert!(text.contains("-1024 to -769"), "{text}");
        assert!(bits(Dtype::F32, f64::NAN).is_err() && bits(Dtype::U16, f64::INFINITY).is_err());
        let mut uneven = header(Dtype::U8, 1.0, 0.0);
        uneven.meaning.rescale = Rescales::PerSlice(vec![Rescale::IDENTITY, Rescale { slope: 2.0, intercept: 0.0 }]);
        assert_eq!(Background::of(&uneven, 0.0).unwrap(), Background { bits: 0, real: 0.0, exact: true });
        assert!(matches!(Background::of(&uneven, 2.0), Err(Error::Usage { .. })));
    }

    #[test]
    fn outside_is_real_zero_or_the_nearest_that_there_is() {
        let of = |dtype, slope, intercept| {
            let header = Header::new(Shape::new(&[1]).unwrap(), dtype);
            Background::zero(&header.with(|h| h.meaning.rescale = Rescales::Uniform(Rescale { slope, intercept }))).unwrap()
        };
        // As nibabel keeps 0 … 1000.
        let scaled = of(Dtype::I16, 0.015_259_021_893_143_654, 500.007_629_394_531_25);
        assert!(scaled.bits == 0x8000 && scaled.exact && scaled.real.abs() < 1e-4, "{scaled:?}");
        assert_eq!(of(Dtype::U16, 1.0, -1024.0), Background { bits: 1024, real: 0.0, exact: true });
        assert_eq!(of(Dtype::U8, 0.5, 3.0), Background { bits: 0, real: 3.0, exact: false });
        assert_eq!(of(Dtype::U8, -1.0, -3.0), Background { bits: 0, real: -3.0, exact: false });
        assert_eq!(of(Dtype::I16, 2.0, 1.0), Background { bits: 0, real: 1.0, exact: false });
        assert_eq!(of(Dtype::F32, -1.0, 0.0), Background { bits: 0, real: 0.0, exact: true });
    }
}
