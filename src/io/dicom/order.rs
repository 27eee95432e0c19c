//! Frames to slices: doubles dropped, places and times sorted, the grid judged.

use std::collections::HashMap;
use std::path::Path;

use super::OpenOptions;
use super::attributes::{Image, ImageFrame, TIMES, dot};
use super::geometry::{self, SAME_PLACE_MM};
use crate::volume::Geometry;
use crate::{Error, Flaw, Result};

/// The slices of a volume in their order.
pub(super) struct SliceOrder {
    /// (file, frame) of each slice, through all times.
    pub(super) slices: Vec<(usize, usize)>,
    pub(super) depth: u64,
    pub(super) times: u64,
    pub(super) geometry: Option<Geometry>,
    pub(super) time_step_s: Option<f64>,
    pub(super) notes: Vec<String>,
}

/// What is known about the order so far.
#[derive(Default)]
struct Remarks {
    notes: Vec<String>,
    /// What makes the geometry untrustworthy.
    flaws: Vec<Flaw>,
}

type FrameIndex = (usize, usize);

/// Orders the frames of a series.
pub(super) fn order(path: &Path, images: Vec<Image>, options: &OpenOptions) -> Result<(Vec<Image>, SliceOrder)> {
    same_layout(path, &images)?;
    let mut found = Remarks::default();
    let images = drop_doubles(images, &mut found)?;
    let all: Vec<FrameIndex> =
        images.iter().enumerate().flat_map(|(i, image)| (0..image.frames.len()).map(move |f| (i, f))).collect();
    let placed = all.iter().filter(|s| is_placed(frame(&images, s))).count();
    if placed > 0 && placed < all.len() {
        found.flaws.push(Flaw::Unplaced { slices: (all.len() - placed) as u64, of: all.len() as u64 });
    }
    let mut ordered =
        if placed == all.len() { by_place(&images, all, &mut found) } else { without_place(&images, all, &mut found) };
    if ordered.geometry.is_none() {
        found.notes.push("the file gives no usable pixel spacing: sizes in mm are not known".into());
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

/// Slices of different size or type make no volume, trusted or not.
fn same_layout(path: &Path, images: &[Image]) -> Result<()> {
    let first = &images[0].pixels.layout;
    for image in images {
        let layout = &image.pixels.layout;
        if (layout.rows, layout.columns, layout.dtype()) != (first.rows, first.columns, first.dtype()) {
            return Err(Error::format(
                path,
                format!(
                    "mixed images in one series: {} x {} {} and {} x {} {}",
                    first.columns,
                    first.rows,
                    first.dtype(),
                    layout.columns,
                    layout.rows,
                    layout.dtype()
                ),
                "put the images of one kind into a folder of their own",
            ));
        }
    }
    Ok(())
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
        if a.pixels.read_frame(&open_a, f)? != b.pixels.read_frame(&open_b, f)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn by_place(images: &[Image], mut all: Vec<FrameIndex>, found: &mut Remarks) -> SliceOrder {
    let first = frame(images, &all[0]);
    let normal = geometry::normal(first).unwrap_or([0.0, 0.0, 1.0]);
    mixed(images, &all, found);
    let at = |s: &FrameIndex| geometry::distance(frame(images, s), normal).unwrap_or(0.0);
    all.sort_by(|a, b| at(a).total_cmp(&at(b)));
    // Runs of slices at one place.
    let mut places: Vec<Vec<FrameIndex>> = Vec::new();
    for slice in &all {
        match places.last_mut() {
            Some(place) if at(slice) - at(&place[0]) <= SAME_PLACE_MM => place.push(*slice),
            _ => places.push(vec![*slice]),
        }
    }
    let times = places[0].len();
    let mut timed = None;
    if places.iter().any(|place| place.len() > 1) {
        if places.iter().all(|place| place.len() == times) {
            timed = in_time(images, &mut places, found);
        }
        if timed.is_none() {
            let doubled: Vec<&Vec<FrameIndex>> = places.iter().filter(|place| place.len() > 1).collect();
            found.flaws.push(Flaw::SamePlace {
                slices: doubled.iter().map(|place| place.len() as u64).sum(),
                places: doubled.len() as u64,
                at_mm: at(&doubled[0][0]),
            });
        }
    }
    let stack: Vec<&ImageFrame> = places.iter().map(|place| frame(images, &place[0])).collect();
    let verdict = geometry::stack(&stack, normal);
    found.flaws.extend(verdict.flaws);
    let geometry = first.spacing.is_some().then_some(verdict.geometry);
    if stack.len() == 1 && geometry.is_some() {
        one_slice_note(stack[0], found);
    }
    match timed {
        Some(time_step_s) => {
            let slices = (0..times).flat_map(|t| places.iter().map(move |place| place[t])).collect();
            SliceOrder { slices, depth: places.len() as u64, times: times as u64, geometry, time_step_s, notes: Vec::new() }
        }
        None => SliceOrder { depth: all.len() as u64, slices: all, times: 1, geometry, time_step_s: None, notes: Vec::new() },
    }
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
            // acos near 1 turns rounding in the files' decimals into hundredths of a degree.
            if off > 0.25 {
                turned += 1;
                degrees = degrees.max(off);
            }
        }
        let same = match (spacing, frame.spacing) {
            (Some(a), Some(b)) => (0..2).all(|i| (a[i] - b[i]).abs() <= 1e-3 * a[i]),
            (a, b) => a == b,
        };
        scaled += u64::from(!same);
    }
    if turned > 0 {
        found.flaws.push(Flaw::Turned { slices: turned, of, degrees });
    }
    if scaled > 0 {
        found.flaws.push(Flaw::OtherSpacing { slices: scaled, of });
    }
}

/// Sorts the slices of each place in time. `None`: nothing distinguishes them. Else the time step, where it is uniform.
fn in_time(images: &[Image], places: &mut [Vec<FrameIndex>], found: &mut Remarks) -> Option<Option<f64>> {
    type TimeKey<'a> = Box<dyn Fn(&FrameIndex) -> Option<f64> + 'a>;
    let by_time = TIMES.iter().enumerate().map(|(i, &(_, name, unit))| {
        let key: TimeKey = Box::new(move |s| frame(images, s).times[i]);
        (name, unit, key)
    });
    let number: TimeKey = Box::new(|s| frame(images, s).instance.map(|n| n * (1u64 << 21) as f64 + s.1 as f64));
    let keys = by_time.chain([("InstanceNumber", None, number)]);
    for (name, unit, key) in keys {
        let distinct = places.iter_mut().all(|place| {
            place.sort_by(|a, b| key(a).unwrap_or(f64::NAN).total_cmp(&key(b).unwrap_or(f64::NAN)));
            place.iter().all(|s| key(s).is_some()) && place.windows(2).all(|w| key(&w[0]) != key(&w[1]))
        });
        if !distinct {
            continue;
        }
        let values: Vec<f64> = places[0].iter().filter_map(&key).collect();
        let step = unit.and_then(|unit| uniform_step(&values, unit));
        let step = step.or_else(|| places[0].first().and_then(|s| images[s.0].frame_time).map(|ms| ms / 1000.0));
        found.notes.push(match step {
            Some(_) => format!("{} times ordered by {name}", values.len()),
            None => format!("{} times ordered by {name}; the time step is not known", values.len()),
        });
        return Some(step);
    }
    None
}

/// The step of ascending times, if all are alike to 2 % and a rounding of one unit in the file.
fn uniform_step(values: &[f64], unit: f64) -> Option<f64> {
    let steps: Vec<f64> = values.windows(2).map(|w| w[1] - w[0]).collect();
    let mean = (values[values.len() - 1] - values[0]) / steps.len() as f64;
    let rounding = if unit < 1.0 { 1.0 } else { 0.001 };
    steps.iter().all(|s| (s - mean).abs() <= 0.02 * mean + rounding).then_some(mean * unit)
}

/// Slices that do not say where they are.
fn without_place(images: &[Image], mut all: Vec<FrameIndex>, found: &mut Remarks) -> SliceOrder {
    let n = all.len();
    let film = n > 1 && images.len() == 1 && images[0].is_film();
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
    let (depth, times) = if film { (1, n as u64) } else { (n as u64, 1) };
    let time_step_s = images[0].frame_time.filter(|_| film).map(|ms| ms / 1000.0);
    SliceOrder { slices: all, depth, times, geometry, time_step_s, notes: Vec::new() }
}
