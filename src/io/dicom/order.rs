//! Frames to slices: doubles dropped, kinds told apart, places and volumes sorted, the grid judged.

use std::collections::HashMap;
use std::path::Path;

use super::OpenOptions;
use super::attributes::Image;
use super::axis::{self, FrameIndex};
use super::frames::{ImageFrame, dot};
use super::geometry::{self, PositionRounding};
use super::regrid::Places;
use super::segments::{self, LabelSlices};
use super::{kinds, places, time};
use crate::volume::{Geometry, VolumeMark};
use crate::{Error, Flaw, Result};

/// The slices of a volume in their order.
pub(super) struct SliceOrder {
    /// (file, frame) of each slice, through all volumes.
    pub(super) slices: Vec<FrameIndex>,
    pub(super) depth: u64,
    pub(super) volumes: u64,
    pub(super) geometry: Option<Geometry>,
    pub(super) time_step_s: Option<f64>,
    pub(super) marks: Vec<VolumeMark>,
    /// Where the slices of a volume lie, if they are to be put onto a regular grid.
    pub(super) places: Option<Places>,
    /// Slices are made of segments, not of single frames.
    pub(super) labels: Option<LabelSlices>,
    pub(super) notes: Vec<String>,
}

impl SliceOrder {
    /// Slices of which nothing else is known.
    fn one_volume(slices: Vec<FrameIndex>, depth: u64) -> Self {
        Self {
            slices,
            depth,
            volumes: 1,
            geometry: None,
            time_step_s: None,
            marks: Vec::new(),
            places: None,
            labels: None,
            notes: Vec::new(),
        }
    }
}

/// What is known about the order so far.
#[derive(Default)]
struct Remarks {
    notes: Vec<String>,
    /// What makes the geometry untrustworthy.
    flaws: Vec<Flaw>,
}

/// Orders the frames of a series.
pub(super) fn order(path: &Path, images: Vec<Image>, options: &OpenOptions) -> Result<(Vec<Image>, SliceOrder)> {
    let mut found = Remarks::default();
    let mut images = drop_doubles(images, &mut found)?;
    if over_midnight(&mut images) {
        found.notes.push("times of day pass midnight: the later ones are taken for the next day's".into());
    }
    let all: Vec<FrameIndex> =
        images.iter().enumerate().flat_map(|(i, image)| (0..image.frames.len()).map(move |f| (i, f))).collect();
    let (all, chosen) = kinds::choose(path, &images, all, options)?;
    found.notes.extend(chosen.note);
    if let Some(map) = segments::map(&images, &all, options.volume) {
        found.notes.extend(map.notes);
        let depth = map.slices.len();
        // Facts of the whole are taken from frames: any of them speaks for an empty slice.
        let slices = map.slices.iter().map(|frames| frames.first().map_or(all[0], |(s, _)| *s)).collect();
        let ordered = SliceOrder {
            geometry: map.geometry,
            labels: Some(map.slices),
            notes: found.notes,
            ..SliceOrder::one_volume(slices, depth as u64)
        };
        return Ok((images, ordered));
    }
    let placed = all.iter().filter(|s| is_placed(frame(&images, s))).count();
    if placed > 0 && placed < all.len() {
        found.flaws.push(Flaw::Unplaced { slices: (all.len() - placed) as u64, of: all.len() as u64 });
    }
    let mut ordered =
        if placed == all.len() { by_place(&images, all, options, &mut found) } else { without_place(&images, all, &mut found) };
    if let Some(n) = options.volume.filter(|_| !chosen.by_kind) {
        one_volume(path, &mut ordered, n, &mut found)?;
    }
    if ordered.geometry.is_none() {
        found.notes.push("the file gives no usable pixel spacing: sizes in mm are not known".into());
    }
    if options.allow_gaps {
        let (gaps, others): (Vec<Flaw>, Vec<Flaw>) = found.flaws.into_iter().partition(Flaw::is_gap);
        if !gaps.is_empty() {
            found.notes.push(format!("{}; the slices that there are were stacked at the usual distance", Flaw::list(&gaps)));
        }
        found.flaws = others;
    }
    if !options.regrid || found.flaws.is_empty() {
        ordered.places = None;
    } else if found.flaws.iter().all(Flaw::is_of_steps) {
        found.notes.push(Flaw::list(&found.flaws));
        found.flaws.clear();
    }
    if !found.flaws.is_empty() {
        if !options.trust_geometry {
            return Err(Error::Geometry { path: path.into(), flaws: found.flaws });
        }
        found.notes.push(format!("geometry trusted although {}", Flaw::list(&found.flaws)));
    }
    ordered.notes = found.notes;
    Ok((images, ordered))
}

fn frame<'a>(images: &'a [Image], slice: &FrameIndex) -> &'a ImageFrame {
    &images[slice.0].frames[slice.1]
}

fn is_placed(frame: &ImageFrame) -> bool {
    frame.position.is_some() && geometry::normal(frame).is_some()
}

/// Moves times of day without dates to the next day where a series passes midnight.
fn over_midnight(images: &mut [Image]) -> bool {
    let mut slots: Vec<&mut f64> = images
        .iter_mut()
        .flat_map(|image| &mut image.frames)
        .filter_map(|f| f.marks[super::marks::ACQUISITION_TIME].as_mut())
        .collect();
    let mut times: Vec<f64> = slots.iter().map(|t| **t).collect();
    let moved = time::unwrap_midnight(&mut times);
    slots.iter_mut().zip(times).for_each(|(slot, t)| **slot = t);
    moved
}

/// Leaves one of several volumes, counted from 1.
fn one_volume(path: &Path, ordered: &mut SliceOrder, n: u32, found: &mut Remarks) -> Result<()> {
    if n == 0 || u64::from(n) > ordered.volumes {
        let kinds = (1..=ordered.volumes).take(kinds::SHOWN).map(|v| describe(&ordered.marks, v as usize - 1)).collect();
        return Err(Error::SeveralVolumes { path: path.into(), kinds, count: ordered.volumes, asked: Some(n) });
    }
    found.notes.push(format!("volume {n} of {}: {}", ordered.volumes, describe(&ordered.marks, n as usize - 1)));
    let depth = ordered.depth as usize;
    ordered.slices = ordered.slices[(n as usize - 1) * depth..n as usize * depth].to_vec();
    (ordered.volumes, ordered.time_step_s, ordered.marks) = (1, None, Vec::new());
    Ok(())
}

/// One volume in words.
fn describe(marks: &[VolumeMark], volume: usize) -> String {
    let words = marks.iter().filter_map(|mark| Some(format!("{} {} {}", mark.name, mark.values.get(volume)?, mark.unit)));
    let words: Vec<String> = words.map(|text| text.trim_end().to_owned()).collect();
    if words.is_empty() { "in the order of the file".into() } else { words.join(", ") }
}

/// Drops files that are the same image twice.
fn drop_doubles(images: Vec<Image>, found: &mut Remarks) -> Result<Vec<Image>> {
    let mut by_instance: HashMap<String, Vec<usize>> = HashMap::new();
    let mut kept: Vec<Image> = Vec::with_capacity(images.len());
    let (mut doubles, mut conflicts) = (0u64, 0);
    for image in images {
        let same = by_instance.entry(image.instance.clone()).or_default();
        if !image.instance.is_empty() {
            let mut double = false;
            for &other in same.iter() {
                double |= same_pixels(&kept[other], &image)?;
            }
            if double {
                doubles += 1;
                continue;
            }
            conflicts += u64::from(!same.is_empty());
        }
        same.push(kept.len());
        kept.push(image);
    }
    if doubles > 0 {
        found.notes.push(format!("{doubles} files hold the same image as another one and were left out"));
    }
    if conflicts > 0 {
        found.flaws.push(Flaw::Conflicting { files: conflicts });
    }
    Ok(kept)
}

fn same_pixels(a: &Image, b: &Image) -> Result<bool> {
    if a.frames.len() != b.frames.len() || a.pixels.layout != b.pixels.layout {
        return Ok(false);
    }
    let (open_a, open_b) = (a.open()?, b.open()?);
    for f in 0..a.frames.len() as u64 {
        if a.pixels.read_slice(&open_a, f)? != b.pixels.read_slice(&open_b, f)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn by_place(images: &[Image], mut all: Vec<FrameIndex>, options: &OpenOptions, found: &mut Remarks) -> SliceOrder {
    let first = frame(images, &all[0]);
    let normal = geometry::normal(first).unwrap_or([0.0, 0.0, 1.0]);
    mixed(images, &all, found);
    let at = |s: &FrameIndex| geometry::distance(frame(images, s), normal).unwrap_or(0.0);
    all.sort_by(|a, b| at(a).total_cmp(&at(b)));
    let distances: Vec<f64> = all.iter().map(at).collect();
    let mut rest = all.as_slice();
    let mut places: Vec<Vec<FrameIndex>> = Vec::new();
    for run in places::runs(&distances) {
        let (place, later) = rest.split_at(run);
        places.push(place.to_vec());
        rest = later;
    }
    let mut told_apart = None;
    if places.iter().any(|place| place.len() > 1) {
        if places.iter().all(|place| place.len() == places[0].len()) {
            told_apart = axis::distinguish(images, &mut places);
        }
        if told_apart.is_none() && options.first_duplicate {
            keep_first(images, &mut places, found);
        } else if told_apart.is_none() {
            let doubled: Vec<&Vec<FrameIndex>> = places.iter().filter(|place| place.len() > 1).collect();
            found.flaws.push(Flaw::SamePlace {
                slices: doubled.iter().map(|place| place.len() as u64).sum(),
                places: doubled.len() as u64,
                at_mm: at(&doubled[0][0]),
            });
        }
    }
    let stack: Vec<&ImageFrame> = places.iter().map(|place| frame(images, &place[0])).collect();
    let rounding = PositionRounding::of(all.iter().map(|s| frame(images, s)), normal);
    let verdict = geometry::stack(&stack, normal, &rounding);
    found.flaws.extend(verdict.flaws);
    found.notes.extend(verdict.note);
    let geometry = first.spacing.is_some().then_some(verdict.geometry);
    if stack.len() == 1 && geometry.is_some() {
        one_slice_note(stack[0], found);
    }
    let grid = Places::of(&stack, normal);
    let depth = places.len() as u64;
    match told_apart {
        Some(axis) => {
            found.notes.push(axis.note);
            let volumes = places[0].len();
            let slices = (0..volumes).flat_map(|v| places.iter().map(move |place| place[v])).collect();
            SliceOrder {
                volumes: volumes as u64,
                geometry,
                time_step_s: axis.time_step_s,
                marks: axis.marks,
                places: grid,
                ..SliceOrder::one_volume(slices, depth)
            }
        }
        None => {
            let slices: Vec<FrameIndex> = places.concat();
            let depth = slices.len() as u64;
            SliceOrder { geometry, places: grid, ..SliceOrder::one_volume(slices, depth) }
        }
    }
}

/// Leaves one image at each place: that of the lowest number.
fn keep_first(images: &[Image], places: &mut [Vec<FrameIndex>], found: &mut Remarks) {
    let before: usize = places.iter().map(Vec::len).sum();
    for place in &mut *places {
        let number = |s: &FrameIndex| frame(images, s).instance.unwrap_or(f64::INFINITY);
        place.sort_by(|a, b| number(a).total_cmp(&number(b)).then(a.cmp(b)));
        place.truncate(1);
    }
    let left_out = before - places.len();
    found.notes.push(format!(
        "{left_out} slices at the position of another one were left out: the one of the lowest InstanceNumber stays"
    ));
}

/// Without thickness and neighbours, the third spacing is made up: say so where it could matter.
fn one_slice_note(frame: &ImageFrame, found: &mut Remarks) {
    if frame.between.or(frame.thickness).is_none() {
        found.notes.push("one slice of unknown thickness: spacing along z taken as 1 mm".into());
    }
}

/// Flags slices whose orientation or pixel spacing is not that of the first.
fn mixed(images: &[Image], all: &[FrameIndex], found: &mut Remarks) {
    let first = frame(images, &all[0]);
    let (Some([x, y]), spacing) = (first.orientation, first.spacing) else { return };
    let (mut turned, mut degrees, mut scaled) = (0, 0.0_f64, 0);
    let of = all.len() as u64;
    for slice in all {
        let frame = frame(images, slice);
        if let Some([u, v]) = frame.orientation {
            let off = dot(x, u).min(dot(y, v)).clamp(-1.0, 1.0).acos().to_degrees();
            if off > geometry::TURNED_DEG {
                turned += 1;
                degrees = degrees.max(off);
            }
        }
        scaled += u64::from(!geometry::same_spacing(spacing, frame.spacing));
    }
    if turned > 0 {
        found.flaws.push(Flaw::Turned { slices: turned, of, degrees });
    }
    if scaled > 0 {
        found.flaws.push(Flaw::OtherSpacing { slices: scaled, of });
    }
}

/// Slices that do not say where they are.
fn without_place(images: &[Image], mut all: Vec<FrameIndex>, found: &mut Remarks) -> SliceOrder {
    let n = all.len();
    let film = n > 1 && images.len() == 1 && images[0].film;
    if frame(images, &all[0]).position.is_some() {
        found.notes.push("the image orientation is missing or unusable: the position in the patient is not known".into());
    }
    if images.len() > 1 {
        let number = |s: &FrameIndex| frame(images, s).instance;
        let mut numbers: Vec<f64> = images.iter().filter_map(|image| image.frames[0].instance).collect();
        numbers.sort_by(f64::total_cmp);
        numbers.dedup();
        if numbers.len() == images.len() {
            all.sort_by(|a, b| number(a).unwrap_or(0.0).total_cmp(&number(b).unwrap_or(0.0)).then(a.1.cmp(&b.1)));
            found.notes.push("slices have no position and are ordered by InstanceNumber".into());
        } else {
            found.notes.push("slices have no position and are ordered by file name".into());
        }
    } else if n > 1 && !film {
        found.notes.push("frames have no position and are taken for slices in their order".into());
    }
    let first = frame(images, &all[0]);
    let geometry = first.spacing.map(|[x, y]| {
        let z = first.between.or(first.thickness).unwrap_or_else(|| {
            if n > 1 && !film {
                found.notes.push("the distance of slices is not known: spacing along z taken as 1 mm".into());
            }
            1.0
        });
        Geometry::spacing([x, y, z])
    });
    let (depth, volumes) = if film { (1, n as u64) } else { (n as u64, 1) };
    let time_step_s = images[0].frame_time.filter(|_| film).map(|ms| ms / 1000.0);
    SliceOrder { volumes, geometry, time_step_s, ..SliceOrder::one_volume(all, depth) }
}
