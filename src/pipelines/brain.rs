//! The brain in a T1-weighted image of a head, by threshold, distance and what hangs together.

use std::sync::Arc;

use rayon::prelude::*;

use super::hold::read_all;
use super::{Input, Run};
use crate::analysis::tissue::{LevelSpace, start};
use crate::ops::components::{self, Connectivity, Rules};
use crate::ops::distance::{self, Units};
use crate::views::RealValues;
use crate::volume::{Dtype, Header, Volume};
use crate::{Error, Hint, Result};

/// How the brain is parted from what lies around it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BrainOptions {
    /// A voxel may be brain if it is brighter than so much of what is bright around it.
    pub threshold: f64,
    /// What is joined to the brain by bridges thinner than twice this is none of it.
    pub erosion_mm: f64,
    /// The brain grows back by the erosion and so much more, over the fluid around it.
    pub growth_mm: f64,
    /// Gaps and furrows narrower than twice this are closed.
    pub closing_mm: f64,
}

impl Default for BrainOptions {
    fn default() -> Self {
        Self { threshold: 0.6, erosion_mm: 4.0, growth_mm: 2.0, closing_mm: 8.0 }
    }
}

/// Full width at half maximum of what is bright around a voxel.
const AROUND_MM: f64 = 60.0;

/// Bytes of a voxel: its value, what is around it and its weight, a mask, a squared distance, labels.
const BYTES: u64 = 4 + 8 + 4 + 4 + 1 + 8 + 4;

/// Bins for Otsu's threshold.
const BINS: usize = 256;

/// The mask of the brain as uint8, 0 and 1, on the grid of the image.
///
/// # Errors
/// [`Error::Usage`] for a time series, a spacing that is not known, a picture without contrast, what does not fit the memory of the run, or if nothing is left; what reading gives; [`Error::Interrupted`].
pub fn brain(input: &Input<'_>, options: BrainOptions, run: &Run<'_>) -> Result<Volume> {
    let source = input.as_stored().source().clone();
    let header = source.header().clone();
    let (shape, spacing_mm) = check(&header, options, run)?;
    let bytes = read_all(Arc::new(RealValues::new(source, Dtype::F32)), run)?.into_parts().1;
    let finite = |b: &[u8]| f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
    let values: Vec<f32> = bytes.chunks_exact(4).map(finite).map(|v| if v.is_finite() { v } else { 0.0 }).collect();
    drop(bytes);
    let head = Head { shape, spacing_mm, units: units(spacing_mm, shape)? };
    let bright = otsu(&values)?;
    run.stop()?;
    let around = head.around(&values, bright);
    let may = |(value, around): (&f32, &f32)| {
        u8::from(*value > 0.5 * bright && f64::from(*value) > options.threshold * f64::from(*around))
    };
    let mut mask: Vec<u8> = values.par_iter().zip(&around).map(may).collect();
    drop(around);
    run.stop()?;
    head.erode(&mut mask, options.erosion_mm);
    let mut labels = vec![0u32; mask.len()];
    let mut found = components::label(&mask, shape, Rules::mask(Connectivity::Faces), &mut labels)
        .map_err(|error| Error::usage(error.to_string(), "smooth the image first"))?;
    found.keep_largest(1);
    if found.table().is_empty() {
        return Err(Error::usage("nothing in the image is as thick as a brain", "let less be taken off it"));
    }
    found.write_labels(0..shape[2], &mut mask[..]);
    drop(labels);
    run.stop()?;
    head.dilate(&mut mask, options.erosion_mm + options.growth_mm);
    head.dilate(&mut mask, options.closing_mm);
    head.erode(&mut mask, options.closing_mm);
    components::fill(&mut mask, shape).map_err(|error| Error::usage(error.to_string(), "smooth the image first"))?;
    let own = header.derived(Dtype::U8).with(|h| (h.display.inverted, h.meaning.labels) = (false, true));
    Volume::new(own, mask)
}

fn check(header: &Header, options: BrainOptions, run: &Run<'_>) -> Result<([usize; 3], [f64; 3])> {
    let grid = &header.grid;
    if grid.shape.volumes() > 1 {
        return Err(Error::usage("the brain of a time series", "take one of its volumes, or their mean"));
    }
    let lengths = [options.erosion_mm, options.growth_mm, options.closing_mm];
    if !(0.0..10.0).contains(&options.threshold) || lengths.iter().any(|mm| !(0.0..=100.0).contains(mm)) {
        return Err(Error::usage(format!("a brain by {options:?}"), "give a threshold of 0 to 10 and lengths of 0 to 100 mm"));
    }
    let known = grid.geometry.as_ref().map(|geometry| geometry.spacing_mm).filter(|s| s.iter().all(|s| *s > 0.0));
    let Some(spacing_mm) = known else {
        return Err(Error::usage("a brain in an image of unknown spacing", "convert it to a format that has one"));
    };
    let needs = BYTES * grid.shape.voxels();
    if needs > run.memory_bytes {
        let what = format!("{} MiB for the image, which is held", needs.div_ceil(1 << 20));
        return Err(Error::usage(what, Hint::MoreMemory));
    }
    Ok((grid.shape.xyz().map(|n| n as usize), spacing_mm))
}

fn units(spacing_mm: [f64; 3], shape: [usize; 3]) -> Result<Units> {
    Units::new(spacing_mm, shape)
        .ok_or_else(|| Error::usage(format!("a spacing of {spacing_mm:?} mm"), "convert the image to a spacing above 0"))
}

/// The value that parts what lies above 0 best into dark and bright: Otsu's threshold.
fn otsu(values: &[f32]) -> Result<f32> {
    let most = values.iter().copied().fold(0.0, f32::max);
    let mut counts = vec![0; BINS];
    let bin = |value: f32| ((f64::from(value) / f64::from(most) * BINS as f64) as usize).min(BINS - 1);
    values.iter().filter(|value| **value > 0.0).for_each(|value| counts[bin(*value)] += 1);
    match start(&counts, 2, LevelSpace::One).as_slice() {
        [dark, bright] => Ok(((dark.mean + bright.mean + 1.0) / 2.0 * f64::from(most) / BINS as f64) as f32),
        _ => Err(Error::usage("an image without contrast", "give a T1-weighted image of a head")),
    }
}

/// The grid on which a head lies.
struct Head {
    shape: [usize; 3],
    spacing_mm: [f64; 3],
    units: Units,
}

impl Head {
    /// Takes off what is at most so far from the outside.
    fn erode(&self, mask: &mut [u8], by_mm: f64) {
        let far = self.farther(mask, by_mm);
        mask.copy_from_slice(&far);
    }

    /// Adds what is at most so far away.
    fn dilate(&self, mask: &mut [u8], by_mm: f64) {
        let outside: Vec<u8> = mask.iter().map(|own| u8::from(*own == 0)).collect();
        let far = self.farther(&outside, by_mm);
        mask.iter_mut().zip(far).for_each(|(own, far)| *own = 1 - far);
    }

    /// Voxels of the mask that are farther than this from all that is not: exact, by whole squares.
    fn farther(&self, mask: &[u8], mm: f64) -> Vec<u8> {
        let mut squares = vec![0u64; mask.len()];
        if !distance::squared(mask, self.shape, self.units.weights, &mut squares) {
            return vec![1; mask.len()];
        }
        squares.par_iter().map(|square| u8::from(f64::from(self.units.millimetres(*square)) > mm)).collect()
    }

    /// For each voxel the mean of the bright ones around it.
    fn around(&self, values: &[f32], bright: f32) -> Vec<f32> {
        let mut weight: Vec<f32> = values.iter().map(|value| f32::from(u8::from(*value > bright))).collect();
        let mut sum: Vec<f32> = values.iter().zip(&weight).map(|(value, weight)| value * weight).collect();
        for axis in 0..3 {
            self.smooth(axis, &mut weight);
            self.smooth(axis, &mut sum);
        }
        sum.iter().zip(&weight).map(|(sum, weight)| sum / weight.max(1e-3)).collect()
    }

    /// A Gaussian along an axis; beyond the ends there is nothing.
    fn smooth(&self, axis: usize, values: &mut [f32]) {
        let sigma = AROUND_MM / 2.354_820_045_030_949_3 / self.spacing_mm[axis];
        let (n, step) = (self.shape[axis], self.shape[..axis].iter().product::<usize>());
        let reach = ((4.0 * sigma).ceil() as usize).min(n - 1);
        let kernel: Vec<f64> = (0..=reach).map(|i| libm::exp(-0.5 * (i as f64 / sigma) * (i as f64 / sigma))).collect();
        let all: f64 = kernel[0] + 2.0 * kernel[1..].iter().sum::<f64>();
        let kernel: Vec<f32> = kernel.iter().map(|k| (k / all) as f32).collect();
        // Rows of `step` voxels side by side, `n` of them one after another.
        values.par_chunks_mut(n * step).for_each(|plane| {
            let before = plane.to_vec();
            for (i, out) in plane.chunks_exact_mut(step).enumerate() {
                out.fill(0.0);
                for j in i.saturating_sub(reach)..=(i + reach).min(n - 1) {
                    let k = kernel[i.abs_diff(j)];
                    out.iter_mut().zip(&before[j * step..]).for_each(|(out, value)| *out += k * value);
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipelines::Device;
    use crate::volume::{Geometry, Shape};

    /// A ball of radius 40 mm of 100 in a shell from 50 to 56 mm of 120, joined to it by a thin rod; all under a gain, in voxels of 2 x 2 x 4 mm.
    fn head() -> (Volume, Vec<u8>) {
        let (shape, spacing_mm) = ([64u64, 64, 32], [2.0, 2.0, 4.0]);
        let place = |at: u64| [at % 64, at / 64 % 64, at / 4096];
        let mm =
            |at: u64| std::array::from_fn::<f64, 3, _>(|a| (place(at)[a] as f64 + 0.5 - shape[a] as f64 / 2.0) * spacing_mm[a]);
        let mut truth = Vec::new();
        let value = |at: u64| {
            let [x, y, z] = mm(at);
            let r = (x * x + y * y + z * z).sqrt();
            let rod = x > 0.0 && y.abs() < 2.5 && z.abs() < 2.5;
            let inside = r <= 40.0;
            let own = if inside {
                100.0
            } else if (50.0..56.0).contains(&r) || (rod && r < 50.0) {
                120.0
            } else {
                8.0
            };
            (inside, (own * (1.0 + 0.004 * x)) as f32)
        };
        let mut bytes = Vec::new();
        for at in 0..shape.iter().product() {
            let (inside, value) = value(at);
            truth.push(u8::from(inside));
            bytes.extend(value.to_le_bytes());
        }
        let mut header = Header::new(Shape::new(&shape).unwrap(), Dtype::F32);
        header.grid.geometry = Some(Geometry::spacing(spacing_mm));
        (Volume::new(header, bytes).unwrap(), truth)
    }

    #[test]
    fn a_ball_is_taken_out_of_its_shell() {
        let device = Device::cpu();
        let (volume, truth) = head();
        let options = BrainOptions { growth_mm: 0.0, ..BrainOptions::default() };
        let found = brain(&Input::of(Arc::new(volume.clone())), options, &Run::silent(&device)).unwrap();
        let both = found.bytes().iter().zip(&truth).filter(|(a, b)| **a == 1 && **b == 1).count() as f64;
        let count = |mask: &[u8]| mask.iter().filter(|own| **own == 1).count() as f64;
        let dice = 2.0 * both / (count(found.bytes()) + count(&truth));
        assert!(dice > 0.97, "{dice}");
        // Grown it covers all of it.
        let grown = brain(&Input::of(Arc::new(volume.clone())), BrainOptions::default(), &Run::silent(&device)).unwrap();
        assert!(count(grown.bytes()) > count(found.bytes()));
        let missed = grown.bytes().iter().zip(&truth).filter(|(a, b)| **a == 0 && **b == 1).count() as f64;
        assert!(missed < 0.01 * count(&truth), "{missed}");
        let flat = Volume::new(volume.header().clone(), vec![0; volume.bytes().len()]).unwrap();
        let said = brain(&Input::of(Arc::new(flat)), options, &Run::silent(&device)).unwrap_err().to_string();
        assert!(said.contains("without contrast"), "{said}");
        let unknown = Volume::new(Header::new(volume.header().grid.shape.clone(), Dtype::F32), volume.bytes().to_vec()).unwrap();
        assert!(brain(&Input::of(Arc::new(unknown)), options, &Run::silent(&device)).is_err());
    }
}
