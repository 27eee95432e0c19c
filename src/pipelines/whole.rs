//! Steps whose result at a voxel may depend on any other: holes, and what hangs together with markers.
//!
//! A label map is read once, slab by slab, and only the runs of its components are kept; if these take too much they are found again in a second reading. What comes of
//! them is a patch: runs of voxels that get another value. So no result is held, and the volume may be larger than the memory.

use std::sync::Arc;

use rayon::prelude::*;

use super::label_slabs::{LabelSlabs, check_room, too_many};
use super::rounded::as_labels;
use super::{Mask, Run};
use crate::io::Source;
use crate::ops::bits::LabelType;
use crate::ops::components::{Components, Connectivity, FilledHoles, HoleValues, Numbered, Rules, Runs, TooMany, hole_values};
use crate::views::{Patch, Patched};
use crate::volume::Dtype;
use crate::{Error, Result};

/// What is a hole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Holes {
    /// What does not reach the border of the volume.
    #[default]
    Volume,
    /// In each slice by itself what does not reach its border.
    Slices,
}

/// A label map as a step makes it: its voxels are computed when they are read.
#[derive(Clone)]
pub struct Relabelled<F> {
    /// The labels, uint8 or uint16, without a rescale.
    pub source: Arc<dyn Source>,
    /// What was found.
    pub found: F,
}

/// What hangs together with a marker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marked {
    /// Components that hold a voxel of the marker.
    pub kept: u64,
    /// All others.
    pub removed: u64,
}

/// Fills the holes of a label map, of each volume of a time series by itself. What is 0 and lies in a [hole](Holes) of a label gets this label; of holes in each other
/// the smallest counts. A hole is what hangs together, by faces, of all that is not the label; of a picture and of a volume of one slice those of
/// [slices](Holes::Slices) are filled.
///
/// # Errors
/// [`Error::Usage`] for values that are no labels (whole numbers from 0 to 65,535), if not even two slices fit the memory, or if what hangs together is so much that it
/// does not; what reading gives; [`Error::Interrupted`].
pub fn fill(labels: Arc<dyn Source>, which: Holes, run: &Run<'_>) -> Result<Relabelled<FilledHoles>> {
    let labels = labels_of("step fill", labels, run)?;
    let (source, found) = match labels.header().meaning.dtype {
        Dtype::U8 => LabelSlabs::<u8>::new(&labels, 0, run)?.fill(which)?,
        _ => LabelSlabs::<u16>::new(&labels, 0, run)?.fill(which)?,
    };
    Ok(Relabelled { source: Arc::new(Patched::new(labels, source)), found })
}

/// Keeps of a label map what hangs together with a voxel that `marker` selects, and makes all else 0: of what is not 0, whatever its label. A time series is taken volume
/// by volume.
///
/// # Errors
/// As [`fill`].
pub fn reconstruct(
    labels: Arc<dyn Source>,
    marker: &Mask,
    connectivity: Connectivity,
    run: &Run<'_>,
) -> Result<Relabelled<Marked>> {
    let labels = labels_of("step reconstruct", labels, run)?;
    let marker = marker.clone().held(run)?;
    let (source, found) = match labels.header().meaning.dtype {
        Dtype::U8 => LabelSlabs::<u8>::new(&labels, 0, run)?.reconstruct(marker.source(), connectivity)?,
        _ => LabelSlabs::<u16>::new(&labels, 0, run)?.reconstruct(marker.source(), connectivity)?,
    };
    Ok(Relabelled { source: Arc::new(Patched::new(labels, source)), found })
}

fn labels_of(what: &str, source: Arc<dyn Source>, run: &Run<'_>) -> Result<Arc<dyn Source>> {
    let source = as_labels(&format!("input of {what}"), source, run)?;
    if !matches!(source.header().meaning.dtype, Dtype::U8 | Dtype::U16) {
        return Err(Error::usage(
            format!("{what} of labels below 0 or above 65,535"),
            "it takes a mask or a label map: make one with a threshold",
        ));
    }
    Ok(source)
}

impl<T: LabelType + bytemuck::Pod> LabelSlabs<'_, T> {
    fn fill(mut self, which: Holes) -> Result<(Patch, FilledHoles)> {
        let (mut patch, mut found) = (Patch::default(), FilledHoles::default());
        for volume in 0..self.volumes() {
            let own = match which {
                Holes::Volume if self.shape[2] > 1 => self.fill_volume(volume, &mut patch)?,
                _ => self.fill_slices(volume, &mut patch)?,
            };
            found = found.and(own);
        }
        Ok((patch, found))
    }

    fn fill_volume(&mut self, volume: u64, patch: &mut Patch) -> Result<FilledHoles> {
        let mut seen = HoleValues::None;
        // A mask needs the components of its background; that it is none is seen on the way.
        let mut numbered = self.components(volume, Rules::background(), |slab| {
            seen = seen.and(HoleValues::of(slab));
            seen != HoleValues::Several
        })?;
        let (rules, value) = seen.for_holes();
        if seen == HoleValues::Several {
            self.run = self.run.quiet();
            numbered = self.components(volume, rules, |_| true)?;
        }
        let Some(mut numbered) = numbered else { unreachable!("only masks of several values are left") };
        let values = hole_values(&numbered, value);
        let found = FilledHoles::of(&numbered, &values);
        if found.holes > 0 {
            self.patch(volume, &mut numbered, |label| Some(values[label as usize - 1]).filter(|value| *value != 0), patch)?;
        }
        Ok(found)
    }

    fn fill_slices(&mut self, volume: u64, patch: &mut Patch) -> Result<FilledHoles> {
        let ([nx, ny, nz], run) = (self.shape, self.run);
        let mut found = FilledHoles::default();
        self.each_slab(volume, |first, slab| {
            let slices = slab.par_chunks_exact(nx * ny).map(|slice| holes_of_slice(slice, [nx, ny]));
            for (z, slice) in (first..).zip(slices.collect::<Vec<_>>()) {
                let (own, runs) = slice.map_err(too_many)?;
                found = found.and(own);
                let row = (volume * nz as u64 + z as u64) * ny as u64;
                runs.into_iter().for_each(|(y, holes)| patch.push(row + y as u64, holes));
            }
            check_room(patch.bytes(), &run)
        })?;
        Ok(found)
    }

    fn reconstruct(mut self, marker: &dyn Source, connectivity: Connectivity) -> Result<(Patch, Marked)> {
        let (mut patch, mut found) = (Patch::default(), Marked { kept: 0, removed: 0 });
        for volume in 0..self.volumes() {
            let Some(mut numbered) = self.components(volume, Rules::mask(connectivity), |_| true)? else { continue };
            let mut marked = vec![false; numbered.table().len()];
            self.mark(volume, marker, &mut numbered, &mut marked)?;
            let kept = marked.iter().filter(|marked| **marked).count() as u64;
            found = Marked { kept: found.kept + kept, removed: found.removed + marked.len() as u64 - kept };
            self.patch(volume, &mut numbered, |label| (!marked[label as usize - 1]).then_some(0), &mut patch)?;
        }
        Ok((patch, found))
    }

    fn mark(&mut self, volume: u64, marker: &dyn Source, numbered: &mut Numbered, marked: &mut [bool]) -> Result<()> {
        let [nx, ny, nz] = self.shape;
        let mut bytes = Vec::new();
        self.each_with_runs(volume, numbered, |first, slices, numbered| {
            bytes.resize(slices * nx * ny, 0);
            marker.read((volume * nz as u64 + first as u64) * (nx * ny) as u64, &mut bytes)?;
            numbered.mark(first, &bytes, marked);
            Ok(())
        })
    }

    /// Adds the runs of components that get another value.
    fn patch(
        &mut self,
        volume: u64,
        numbered: &mut Numbered,
        value: impl Fn(u32) -> Option<u32> + Sync,
        patch: &mut Patch,
    ) -> Result<()> {
        let ([_, ny, nz], run) = (self.shape, self.run);
        self.each_with_runs(volume, numbered, |first, slices, numbered| {
            let of_slice = |z: usize| {
                let mut runs = Vec::new();
                numbered.runs_of(z, |y, start, end, label| {
                    runs.extend(value(label).map(|value| (y, [start as u32, end as u32, value])));
                });
                runs
            };
            let found: Vec<_> = (first..first + slices).into_par_iter().map(of_slice).collect();
            for (z, runs) in (first..).zip(found) {
                let row = (volume * nz as u64 + z as u64) * ny as u64;
                runs.into_iter().for_each(|(y, run)| patch.push(row + y as u64, run));
            }
            check_room(patch.bytes(), &run)
        })
    }
}

/// Rows of a picture with the runs that fill its holes.
pub(super) type Filling = Vec<(usize, [u32; 3])>;

/// The holes of a picture by itself, and the runs that fill them.
pub(super) fn holes_of_slice<T: LabelType>(
    slice: &[T],
    [nx, ny]: [usize; 2],
) -> std::result::Result<(FilledHoles, Filling), TooMany> {
    let (rules, value) = HoleValues::of(slice).for_holes();
    let mut components = Components::new([nx, ny, 1], rules, Runs::Kept);
    components.add_slab(slice)?;
    let numbered = components.finish();
    let values = hole_values(&numbered, value);
    let mut runs = Vec::new();
    numbered.runs_of(0, |y, start, end, label| {
        let value = values[label as usize - 1];
        runs.extend((value != 0).then_some((y, [start as u32, end as u32, value])));
    });
    Ok((FilledHoles::of(&numbered, &values), runs))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::components;
    use crate::ops::testing::{assert_same, noise};
    use crate::pipelines::tests::{File, Memory, labelled, shells};
    use crate::pipelines::{Device, Input, copy};
    use crate::volume::{Header, Rescale, Rescales, Shape, Volume};

    fn written(source: &Arc<dyn Source>, run: &Run<'_>) -> Vec<u16> {
        let dtype = source.header().meaning.dtype;
        let sink = Memory::new(source.header().grid.shape.voxels() as usize, dtype);
        copy(&Input::of(source.clone()), &sink, run).unwrap();
        let bytes = sink.take();
        bytes.chunks(dtype.bytes()).map(|b| b.iter().rev().fold(0, |all, byte| all << 8 | u16::from(*byte))).collect()
    }

    const AXES: [&[u64]; 5] = [&[40, 29, 27], &[40, 29, 14, 2], &[61, 53], &[90, 1, 7], &[1]];

    #[test]
    fn holes_are_filled_in_any_memory_as_in_one_piece() {
        let device = Device::cpu();
        for axes in AXES {
            for values in [1, 3] {
                let labels = shells(axes, values);
                let shape = Shape::new(axes).unwrap();
                let [nx, ny, nz] = shape.xyz().map(|n| n as usize);
                for which in [Holes::Volume, Holes::Slices] {
                    let (mut want, mut found) = (labels.clone(), FilledHoles::default());
                    for one in want.chunks_mut(nx * ny * nz) {
                        found = found.and(match which {
                            Holes::Volume => components::fill(one, [nx, ny, nz]).unwrap(),
                            Holes::Slices => components::fill_slices(one, [nx, ny, nz]).unwrap(),
                        });
                    }
                    for (dtype, memory, sequential) in [
                        (Dtype::U8, 256 << 20, false),
                        (Dtype::U16, 1 << 20, true),
                        (Dtype::F32, 300 << 10, false),
                        (Dtype::I16, 180 << 10, true),
                    ] {
                        let file = File { volume: labelled(axes, dtype, &labels), unit: 1, sequential };
                        let run = Run::silent(&device).with_memory(memory);
                        let filled = fill(Arc::new(file), which, &run).unwrap();
                        assert_eq!(filled.found, found, "{axes:?} {values} {which:?} {dtype} {memory}");
                        assert_same(&format!("{axes:?} {which:?} {dtype} {memory}"), &written(&filled.source, &run), &want);
                    }
                }
            }
        }
    }

    #[test]
    fn what_holds_a_marker_stays_in_any_memory() {
        let device = Device::cpu();
        for axes in AXES {
            let labels = shells(axes, 2);
            let shape = Shape::new(axes).unwrap();
            let [nx, ny, nz] = shape.xyz().map(|n| n as usize);
            let marker: Vec<u8> = (0..shape.voxels()).map(|i| u8::from(noise(i << 20).is_multiple_of(700))).collect();
            for connectivity in [Connectivity::Faces, Connectivity::Corners] {
                let (mut want, mut kept) = (labels.clone(), 0);
                for (one, marker) in want.chunks_mut(nx * ny * nz).zip(marker.chunks(nx * ny * nz)) {
                    kept += components::reconstruct(one, marker, [nx, ny, nz], connectivity).unwrap();
                }
                for (memory, sequential) in [(256 << 20, false), (1 << 20, true), (200 << 10, false)] {
                    let image = labelled(axes, Dtype::U8, &labels);
                    let run = Run::silent(&device).with_memory(memory);
                    let marker = Volume::new(image.header().clone(), marker.clone()).unwrap();
                    let marker = File { volume: marker, unit: 1, sequential };
                    let mask = Mask::new(Arc::new(marker), None, image.header(), &run).unwrap();
                    let done = reconstruct(Arc::new(image), &mask, connectivity, &run).unwrap();
                    assert_eq!(done.found.kept, kept as u64);
                    assert_same(&format!("{axes:?} {connectivity:?} {memory}"), &written(&done.source, &run), &want);
                }
            }
        }
    }

    #[test]
    fn runs_that_take_too_much_are_found_again() {
        // Noise: many runs, of few components.
        let (axes, device) = ([64u64, 64, 64], Device::cpu());
        let mask: Vec<u16> = (0..1 << 18).map(|i| u16::from(noise(i) % 100 < 35)).collect();
        let mut want = mask.clone();
        components::fill(&mut want, [64; 3]).unwrap();
        assert!(want != mask);
        let image: Arc<dyn Source> = Arc::new(labelled(&axes, Dtype::U8, &mask));
        for (memory, forgets) in [(4 << 20, false), (1200 << 10, true), (700 << 10, true)] {
            let run = Run::silent(&device).with_memory(memory);
            let filled = fill(image.clone(), Holes::Volume, &run).unwrap();
            assert_same(&format!("{memory}"), &written(&filled.source, &run), &want);
            let mut step = LabelSlabs::<u8>::new(&image, 0, &run).unwrap();
            let numbered = step.components(0, Rules::background(), |_| true).unwrap().unwrap();
            assert_eq!(numbered.forgets(), forgets, "{memory}");
        }
    }

    #[test]
    fn labels_are_read_as_they_are_meant() {
        // As nibabel keeps 0 to 4 as int16; and what holds no labels.
        let rescale = Rescale { slope: 6.103_608_757_257_462e-5, intercept: 2.000_030_517_578_125 };
        let stored: Vec<u8> =
            [-32768i16, 32767, 32767, 32767, -32768, 32767, 32767, 32767, -32768].iter().flat_map(|v| v.to_le_bytes()).collect();
        let header = Header::new(Shape::new(&[3, 3]).unwrap(), Dtype::I16);
        let scaled = header.clone().with(|h| h.meaning.rescale = Rescales::Uniform(rescale));
        let device = Device::cpu();
        let run = Run::silent(&device);
        let filled = fill(Arc::new(Volume::new(scaled, stored.clone()).unwrap()), Holes::Volume, &run).unwrap();
        assert_eq!(written(&filled.source, &run), [0, 4, 4, 4, 4, 4, 4, 4, 0]);
        let refused = |volume: Volume, memory| {
            let run = Run::silent(&device).with_memory(memory);
            fill(Arc::new(volume), Holes::Volume, &run).map(|_| ()).unwrap_err().to_string()
        };
        assert!(refused(Volume::new(header, stored).unwrap(), 1 << 20).contains("below 0"));
        let floats = Header::new(Shape::new(&[2]).unwrap(), Dtype::F32);
        let bytes = [0.5f32, 1.0].iter().flat_map(|v| v.to_le_bytes()).collect();
        assert!(refused(Volume::new(floats, bytes).unwrap(), 1 << 20).contains("no whole numbers"));
        let large = labelled(&[64, 64, 4], Dtype::U8, &[1; 1 << 14]);
        assert!(refused(large, 1 << 16).contains("two slices of 4096 voxels"));
    }
}
