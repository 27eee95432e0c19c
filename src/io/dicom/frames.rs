//! Where one frame lies, on which scale its values are, and what tells it apart from others.
//!
//! Numbers that decide about values or places are read exactly or the file is refused: nothing unreadable becomes a default.

use super::dataset::Dataset;
use super::marks::{self, Facts, Marks};
use super::numbers::Unreadable;
use super::tags;
use crate::volume::Rescale;

/// Where, when and on which scale one frame was taken.
#[derive(Debug, Clone, Default)]
pub(super) struct ImageFrame {
    pub(super) position: Option<[f64; 3]>,
    /// The step of the last decimal that the position is written with, in mm.
    pub(super) position_step: f64,
    /// Unit vectors along which columns and rows are counted.
    pub(super) orientation: Option<[[f64; 3]; 2]>,
    /// Along x and y in mm.
    pub(super) spacing: Option<[f64; 2]>,
    pub(super) thickness: Option<f64>,
    pub(super) between: Option<f64>,
    pub(super) rescale: FrameRescale,
    pub(super) marks: Marks,
    pub(super) instance: Option<f64>,
}

/// The rescale, and what the file gives of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct FrameRescale {
    pub(super) rescale: Rescale,
    pub(super) given: bool,
    /// The slope was zero and is taken for one.
    pub(super) flat: bool,
}

impl Default for FrameRescale {
    fn default() -> Self {
        Self { rescale: Rescale::IDENTITY, given: false, flat: false }
    }
}

/// Frames of one file: what holds for all of them, and which a reader should know.
pub(super) struct FrameReader<'a> {
    set: &'a Dataset,
    frames: usize,
    /// GridFrameOffsetVector of RT doses.
    offsets: Option<Vec<f64>>,
    /// Frames are a film: they do not lie behind each other.
    film: bool,
    /// Only a caller who trusts the geometry anyway gets frames without the place that cannot be read.
    trusting: bool,
    /// What was assumed.
    pub(super) remarks: Vec<String>,
}

/// Why a frame cannot be taken.
pub(super) type FrameResult<T> = Result<T, Unreadable>;

impl<'a> FrameReader<'a> {
    pub(super) fn new(set: &'a Dataset, frames: u64, film: bool, trusting: bool) -> FrameResult<Self> {
        let mut reader = Self { set, frames: frames as usize, offsets: None, film, trusting, remarks: Vec::new() };
        reader.offsets = reader.place(set.exact(tags::FRAME_OFFSETS))?.map(|numbers| numbers.values);
        if frames > 1 && reader.offsets.as_ref().is_some_and(|offsets| offsets.len() != reader.frames) {
            let count = reader.offsets.take().map_or(0, |offsets| offsets.len());
            reader.place::<()>(Err(Unreadable::count(tags::FRAME_OFFSETS, count, reader.frames)))?;
        }
        Ok(reader)
    }

    /// A number about places that may be missing only where the caller trusts the geometry anyway.
    fn place<T>(&mut self, read: FrameResult<Option<T>>) -> FrameResult<Option<T>> {
        match read {
            Err(flaw) if self.trusting => {
                self.remark(format!("{flaw}; taken for unknown"));
                Ok(None)
            }
            read => read,
        }
    }

    fn remark(&mut self, text: impl Into<String>) {
        let text = text.into();
        if !self.remarks.contains(&text) {
            self.remarks.push(text);
        }
    }

    /// Frame `i`.
    pub(super) fn frame(&mut self, i: usize) -> FrameResult<ImageFrame> {
        let set = self.set;
        let own = set.items(tags::FRAME_GROUPS).get(i);
        // A frame's own groups come before those of all frames, and these before the top level.
        let facts = Facts { set, groups: [own, set.items(tags::SHARED_GROUPS).first()], index: i };
        let measures = facts.group(tags::MEASURES_GROUP);
        let detector = self.detector(i);
        let planes = facts.group(tags::ORIENTATION_GROUP);
        let planes = if planes.has(tags::ORIENTATION) { planes } else { detector };
        let read = orientation(planes);
        let orientation = self.place(read)?;
        let own_place = own.and_then(|own| own.items(tags::POSITION_GROUP).first());
        let common = facts.grouped(tags::POSITION_GROUP).unwrap_or(if set.has(tags::POSITION) { set } else { detector });
        let places = own_place.unwrap_or(common);
        let read = places.exact_vector::<3>(tags::POSITION).and_then(in_range::<3>(tags::POSITION));
        let mut position = self.place(read)?;
        self.commas(places, tags::POSITION);
        let read = millimetres(measures, tags::SLICE_THICKNESS).and_then(|t| Ok(t.or(millimetres(set, tags::SLICE_THICKNESS)?)));
        let thickness = self.place(read)?.filter(|t| *t > 0.0);
        let read = millimetres(measures, tags::SPACING_BETWEEN).and_then(|t| Ok(t.or(millimetres(set, tags::SPACING_BETWEEN)?)));
        let between = self.place(read)?.filter(|b| *b != 0.0);
        if own_place.is_none()
            && self.frames > 1
            && let (Some(p), Some([x, y])) = (&mut position, orientation)
        {
            *p = self.behind_the_first(i, *p, cross(x, y), between.or(thickness))?;
        }
        let spacing = self.spacing(measures)?;
        let rescale = self.rescale(&facts)?;
        Ok(ImageFrame {
            position,
            position_step: places.resolution(tags::POSITION),
            orientation,
            spacing,
            thickness,
            between: between.map(f64::abs),
            rescale,
            marks: marks::read(&facts),
            instance: set.number(tags::INSTANCE_NUMBER),
        })
    }

    /// The detector that took a frame: nuclear medicine gives places there (PS3.3 C.8.4.11).
    fn detector(&self, i: usize) -> &'a Dataset {
        let number = self.set.word(tags::DETECTOR_VECTOR, i).unwrap_or(1.0);
        self.set.items(tags::DETECTORS).get((number as usize).saturating_sub(1)).unwrap_or(self.set)
    }

    /// The place of a frame where the file gives that of the first one only.
    fn behind_the_first(&mut self, i: usize, first: [f64; 3], normal: [f64; 3], step: Option<f64>) -> FrameResult<[f64; 3]> {
        let along = |mm: f64| std::array::from_fn(|axis| first[axis] + normal[axis] * mm);
        if let Some(offsets) = &self.offsets {
            // Relative to the first frame, or the z of each frame of a patient who lies straight (PS3.3 C.8.8.3.2).
            if offsets[0] == 0.0 {
                return Ok(along(offsets[i]));
            }
            if (offsets[0] - first[2]).abs() < 1e-3 && normal[2].abs() > 0.999 {
                return Ok([first[0], first[1], offsets[i]]);
            }
            let (from, to) = (offsets[0], offsets[i]);
            return self.place::<[f64; 3]>(Err(Unreadable::range(tags::FRAME_OFFSETS, from))).map(|_| along(to - from));
        }
        if self.film {
            return Ok(first);
        }
        let k = match self.set.word(tags::SLICE_VECTOR, i) {
            Some(number) => number - 1.0,
            // Vectors over anything else count images of one place.
            None if NO_SLICES.iter().any(|tag| self.set.has(*tag)) => return Ok(first),
            None => i as f64,
        };
        let Some(step) = step else {
            self.remark("frames have one position and no distance: they are taken for slices 1 mm apart");
            return Ok(along(k));
        };
        Ok(along(k * step))
    }

    /// Distance of pixel centres along x and y.
    fn spacing(&mut self, measures: &Dataset) -> FrameResult<Option<[f64; 2]>> {
        let of = [
            (measures, tags::PIXEL_SPACING),
            (self.set, tags::PIXEL_SPACING),
            (self.set, tags::IMAGER_SPACING),
            (self.set, tags::NOMINAL_SPACING),
        ];
        for (set, tag) in of {
            let read = set.exact_vector::<2>(tag);
            self.commas(set, tag);
            match self.place(read)? {
                // Between rows first, which is along y.
                Some([y, x]) if [x, y].iter().all(|s| (1e-6..1e6).contains(s)) => {
                    if tag == tags::IMAGER_SPACING {
                        self.remark("the pixel spacing is that at the detector: objects in the patient are smaller");
                    }
                    return Ok(Some([x, y]));
                }
                Some(_) => {
                    self.remark(format!("{} is not positive and was not used", tags::named(tag)));
                    return Ok(None);
                }
                None => {}
            }
        }
        Ok(None)
    }

    fn rescale(&mut self, facts: &Facts) -> FrameResult<FrameRescale> {
        let group = facts.group(tags::TRANSFORMATION_GROUP);
        for tag in [tags::SLOPE, tags::INTERCEPT] {
            self.commas(group, tag);
        }
        let slope = group.exact_one(tags::SLOPE)?;
        let intercept = group.exact_one(tags::INTERCEPT)?;
        let dose = self.set.exact_one(tags::DOSE_SCALING)?;
        let (slope_missing, intercept_missing) = (slope.is_none(), intercept.is_none());
        if slope_missing != intercept_missing {
            // One without the other: an empty value is a number that somebody lost, an absent one was never there.
            let lost = if slope_missing { tags::SLOPE } else { tags::INTERCEPT };
            if group.has(lost) {
                return Err(Unreadable::new(lost, ""));
            }
            self.remark(format!("{} is not in the file: {} is taken", tags::named(lost), if slope_missing { 1 } else { 0 }));
        }
        let given = slope.is_some() || intercept.is_some() || dose.is_some();
        let rescale = Rescale { slope: slope.or(dose).unwrap_or(1.0), intercept: intercept.unwrap_or(0.0) };
        for (tag, value) in [(tags::SLOPE, rescale.slope), (tags::INTERCEPT, rescale.intercept)] {
            if value.abs() > LARGEST || (value != 0.0 && value.abs() < 1.0 / LARGEST) {
                return Err(Unreadable::range(tag, value));
            }
        }
        if rescale.slope == 0.0 {
            let intercept = rescale.intercept;
            self.remark(format!(
                "{} is 0, which would make all values {intercept}: it is taken as 1, the intercept {intercept} is kept",
                tags::named(tags::SLOPE)
            ));
            return Ok(FrameRescale { rescale: Rescale { slope: 1.0, intercept }, given, flat: true });
        }
        Ok(FrameRescale { rescale, given, flat: false })
    }

    fn commas(&mut self, set: &Dataset, tag: u32) {
        if let Ok(Some(numbers)) = set.exact(tag)
            && numbers.comma
        {
            self.remark(format!("{} is written with a decimal comma, which was read as a point", tags::named(tag)));
        }
    }
}

/// Rescales beyond this are damage: values of f64 must stay finite.
const LARGEST: f64 = 1e30;

/// What frames of nuclear medicine are counted by, if not by slices.
const NO_SLICES: [u32; 7] = [
    tags::ENERGY_VECTOR,
    tags::DETECTOR_VECTOR,
    tags::PHASE_VECTOR,
    tags::ROTATION_VECTOR,
    tags::TIME_SLOT_VECTOR,
    tags::ANGULAR_VECTOR,
    tags::TIME_SLICE_VECTOR,
];

/// Millimetres in a patient's reach.
fn in_range<const N: usize>(tag: u32) -> impl Fn(Option<[f64; N]>) -> FrameResult<Option<[f64; N]>> {
    move |read| match read.iter().flatten().find(|mm| mm.abs() > 1e6) {
        Some(mm) => Err(Unreadable::range(tag, *mm)),
        None => Ok(read),
    }
}

fn millimetres(set: &Dataset, tag: u32) -> FrameResult<Option<f64>> {
    let read = set.exact_one(tag)?.map(|mm| [mm]);
    Ok(in_range::<1>(tag)(read)?.map(|[mm]| mm))
}

/// Two unit vectors at a right angle.
fn orientation(set: &Dataset) -> FrameResult<Option<[[f64; 3]; 2]>> {
    let Some([a, b, c, d, e, f]) = set.exact_vector::<6>(tags::ORIENTATION)? else { return Ok(None) };
    let unit = |v: [f64; 3]| {
        let length = dot(v, v).sqrt();
        ((length - 1.0).abs() < 0.01).then(|| v.map(|c| c / length))
    };
    let (Some(x), Some(y)) = (unit([a, b, c]), unit([d, e, f])) else { return Ok(None) };
    Ok((dot(x, y).abs() < 0.01).then_some([x, y]))
}

pub(super) fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

pub(super) fn cross(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}
