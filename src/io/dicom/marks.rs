//! What may tell apart the images of one place: parameters, times, parts of a complex image.
//!
//! In enhanced files these lie in the functional groups of a frame (PS3.3 C.7.6.16.2, C.8.13.5), in classic ones at the top.

use super::dataset::Dataset;
use super::tags;
use super::time;
use MarkKind::{Count, Setting, Sort, Time};

/// What kind of thing a mark is: it says how images that differ in it belong together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum MarkKind {
    /// Their values mean different things (magnitude and phase): never one volume.
    Sort,
    /// Settings of the scanner, the same at every place.
    Setting,
    /// Numbers by which the file itself counts times.
    Count,
    /// Times, in seconds after this factor.
    Time(f64),
}

/// One thing that may tell images apart.
#[derive(Debug)]
pub(super) struct Mark {
    /// As people call it.
    pub(super) name: &'static str,
    /// Of its values; empty where they have none or are codes.
    pub(super) unit: &'static str,
    pub(super) kind: MarkKind,
    /// Its values are codes: only which are alike counts.
    pub(super) coded: bool,
    read: fn(&Facts) -> Option<f64>,
}

/// Values by [`MARKS`].
pub(super) type Marks = [Option<f64>; MARKS.len()];

/// What one frame is made of: the top level, and the functional groups that hold for it.
pub(super) struct Facts<'a> {
    pub(super) set: &'a Dataset,
    /// The frame's own groups, then those of all frames.
    pub(super) groups: [Option<&'a Dataset>; 2],
    pub(super) index: usize,
}

impl<'a> Facts<'a> {
    /// The item of a group that holds for the frame; without one the top level.
    pub(super) fn group(&self, tag: u32) -> &'a Dataset {
        self.grouped(tag).unwrap_or(self.set)
    }

    pub(super) fn grouped(&self, tag: u32) -> Option<&'a Dataset> {
        self.groups.into_iter().flatten().find_map(|groups| groups.items(tag).first())
    }

    /// A number of a group or, where groups say nothing, of the top level.
    fn number(&self, group: u32, tag: u32) -> Option<f64> {
        self.group(group).number(tag).or_else(|| self.set.number(tag))
    }

    /// The entry of a vector that has one for each frame (nuclear medicine).
    fn of_vector(&self, tag: u32) -> Option<f64> {
        self.set.word(tag, self.index)
    }
}

/// All of them: what is surest to tell images apart first. Times come behind settings, for images of different settings also have
/// different times.
pub(super) const MARKS: &[Mark] = &[
    mark("image type", "", Sort, image_type).coded(),
    mark("segment", "", Setting, |f| f.grouped(tags::SEGMENT_GROUP)?.number(tags::SEGMENT_NUMBER)),
    mark("energy window", "", Sort, |f| f.of_vector(tags::ENERGY_VECTOR)),
    mark("detector", "", Sort, |f| f.of_vector(tags::DETECTOR_VECTOR)),
    mark("rotation", "", Sort, |f| f.of_vector(tags::ROTATION_VECTOR)),
    mark("angular view", "", Setting, |f| f.of_vector(tags::ANGULAR_VECTOR)),
    mark("b-value", "s/mm²", Setting, b_value),
    mark("gradient direction", "", Setting, gradient).coded(),
    mark("echo time", "ms", Setting, echo_time),
    mark("echo", "", Setting, |f| f.set.number(tags::ECHO_NUMBER)),
    mark("inversion time", "ms", Setting, |f| f.set.number(tags::INVERSION_TIME)),
    mark("flip angle", "°", Setting, |f| f.set.number(tags::FLIP_ANGLE)),
    mark("RR interval", "", Setting, |f| f.of_vector(tags::RR_VECTOR)),
    mark("phase", "", Setting, |f| f.of_vector(tags::PHASE_VECTOR)),
    mark("TemporalPositionIndex", "", Count, |f| f.grouped(tags::FRAME_CONTENT_GROUP)?.number(tags::TEMPORAL_INDEX)),
    mark("TemporalPositionTimeOffset", "s", Time(1.0), |f| f.grouped(tags::TEMPORAL_GROUP)?.number(tags::TEMPORAL_OFFSET)),
    mark("TemporalPositionIdentifier", "", Count, |f| f.set.number(tags::TEMPORAL_POSITION)),
    mark("TimeSlotVector", "", Count, |f| f.of_vector(tags::TIME_SLOT_VECTOR)),
    mark("TimeSliceVector", "", Count, |f| f.of_vector(tags::TIME_SLICE_VECTOR)),
    mark("NominalCardiacTriggerDelayTime", "ms", Time(1e-3), |f| f.number(tags::CARDIAC_GROUP, tags::TRIGGER_DELAY)),
    mark("TriggerTime", "ms", Time(1e-3), trigger_time),
    mark("FrameReferenceTime", "ms", Time(1e-3), |f| f.set.number(tags::FRAME_REFERENCE_TIME)),
    mark("AcquisitionTime", "s", Time(1.0), acquisition_time),
    mark("dimension index", "", Setting, dimensions).coded(),
    mark("AcquisitionNumber", "", Setting, |f| f.set.number(tags::ACQUISITION_NUMBER)),
];

/// The place of the segment in [`MARKS`].
pub(super) const SEGMENT: usize = 1;

/// The place of AcquisitionTime in [`MARKS`]: the time of day at which a slice was taken, which need not run as volumes follow each other.
pub(super) const ACQUISITION_TIME: usize = 22;

const fn mark(name: &'static str, unit: &'static str, kind: MarkKind, read: fn(&Facts) -> Option<f64>) -> Mark {
    Mark { name, unit, kind, coded: false, read }
}

impl Mark {
    const fn coded(self) -> Self {
        Self { coded: true, ..self }
    }
}

/// The marks of a frame.
pub(super) fn read(facts: &Facts) -> Marks {
    std::array::from_fn(|i| (MARKS[i].read)(facts))
}

fn b_value(f: &Facts) -> Option<f64> {
    f.number(tags::DIFFUSION_GROUP, tags::B_VALUE)
        .or_else(|| f.set.number(tags::SIEMENS_B_VALUE).filter(|_| is_siemens(f.set)))
        .or_else(|| f.set.number(tags::PHILIPS_B_VALUE))
}

/// The private elements of group 0019 are Siemens' only under this creator.
pub(super) fn is_siemens(set: &Dataset) -> bool {
    set.text(tags::SIEMENS_CREATOR) == Some("SIEMENS MR HEADER")
}

/// A direction as one number: its components to four decimals, side by side.
fn gradient(f: &Facts) -> Option<f64> {
    let group = f.grouped(tags::DIFFUSION_GROUP).and_then(|group| group.items(tags::GRADIENT_GROUP).first());
    let [x, y, z] = group.unwrap_or(f.set).exact_vector::<3>(tags::GRADIENT).ok()??;
    let digits = |c: f64| (c.clamp(-1.0, 1.0) * 1e4).round() + 1e4;
    Some((digits(x) * 20001.0 + digits(y)) * 20001.0 + digits(z))
}

fn echo_time(f: &Facts) -> Option<f64> {
    f.grouped(tags::ECHO_GROUP)
        .and_then(|group| group.number(tags::EFFECTIVE_ECHO_TIME))
        .or_else(|| f.set.number(tags::ECHO_TIME))
}

/// The frames of a classic film follow each other by FrameTime.
fn trigger_time(f: &Facts) -> Option<f64> {
    let film = || f.set.has(tags::FRAMES).then(|| f.set.number(tags::FRAME_TIME)).flatten();
    f.set.number(tags::TRIGGER_TIME).or_else(|| film().map(|step| step * f.index as f64))
}

fn acquisition_time(f: &Facts) -> Option<f64> {
    let own = f.grouped(tags::FRAME_CONTENT_GROUP).and_then(|group| group.text(tags::FRAME_DATETIME));
    let whole = own.or_else(|| f.set.text(tags::ACQUISITION_DATETIME)).and_then(time::of_datetime);
    let day = || f.set.text(tags::ACQUISITION_DATE).and_then(time::of_date).unwrap_or(0.0);
    whole.or_else(|| Some(day() + time::of_day(f.set.text(tags::ACQUISITION_TIME)?)?))
}

/// What an image shows, as a number: the parts of the image type that say so, each letter a digit. See [`sort_name`].
fn image_type(f: &Facts) -> Option<f64> {
    let frame = f.grouped(tags::MR_FRAME_TYPE_GROUP);
    let complex = [frame, Some(f.set)].into_iter().flatten().find_map(|set| set.text(tags::COMPLEX_COMPONENT));
    let kinds = frame.and_then(|set| set.text(tags::FRAME_TYPE)).or_else(|| f.set.text(tags::IMAGE_TYPE)).unwrap_or_default();
    let mut known = 0_u64;
    for part in complex.into_iter().chain(kinds.split('\\').skip(2)).map(str::trim) {
        if let Some(i) = SORTS.iter().position(|(codes, _)| codes.contains(&part)) {
            known |= 1 << i;
        }
    }
    Some(known as f64)
}

/// Codes of ImageType, FrameType and ComplexImageComponent that say what the values are.
const SORTS: &[(&[&str], &str)] = &[
    (&["M", "MAGNITUDE", "M_FFE", "M_SE", "M_IR"], "magnitude"),
    (&["P", "PHASE", "PHASE MAP", "PHASE_MAP", "PHASE_CONTRAST"], "phase"),
    (&["R", "REAL"], "real part"),
    (&["I", "IMAGINARY"], "imaginary part"),
    (&["W", "WATER"], "water"),
    (&["F", "FAT"], "fat"),
    (&["IP", "IN_PHASE"], "in phase"),
    (&["OP", "OUT_PHASE", "OPP_PHASE"], "out of phase"),
    (&["ADC", "DIFFUSION_ADC"], "apparent diffusion coefficient"),
    (&["FA", "FRACTIONAL_ANISOTROPY"], "fractional anisotropy"),
    (&["TRACEW", "TRACE"], "trace"),
    (&["LOCALIZER"], "localizer"),
    (&["T1", "T1 MAP"], "T1 map"),
    (&["T2", "T2 MAP"], "T2 map"),
    (&["B0", "B0 MAP"], "field map"),
    (&["NUMERATOR"], "numerator"),
    (&["DENOMINATOR"], "denominator"),
];

/// The name of a value of a mark of kind [`MarkKind::Sort`].
pub(super) fn sort_name(mark: &Mark, value: f64) -> String {
    if mark.name != MARKS[0].name {
        return format!("{} {value}", mark.name);
    }
    let bits = value as u64;
    let names: Vec<&str> = SORTS.iter().enumerate().filter(|(i, _)| bits >> i & 1 == 1).map(|(_, (_, name))| *name).collect();
    if names.is_empty() { "other".into() } else { names.join(", ") }
}

/// What the file itself counts frames by, beside places (PS3.3 C.7.6.17): as one number.
fn dimensions(f: &Facts) -> Option<f64> {
    /// Position, orientation, StackID, InStackPositionNumber: where a frame lies.
    const PLACES: [u32; 4] = [tags::POSITION, tags::ORIENTATION, 0x0020_9056, 0x0020_9057];
    let values = f.grouped(tags::FRAME_CONTENT_GROUP)?.numbers(tags::DIMENSION_VALUES);
    let pointers = f.set.items(tags::DIMENSIONS);
    if values.len() != pointers.len() {
        return None;
    }
    let counted = pointers.iter().zip(values).filter(|(pointer, _)| {
        // An attribute tag is two words, group first.
        let tag = match pointer.u16s(tags::DIMENSION_POINTER).as_slice() {
            &[group, element] => u32::from(group) << 16 | u32::from(element),
            _ => 0,
        };
        !PLACES.contains(&tag)
    });
    Some(counted.fold(0.0, |number, (_, value)| number * 65536.0 + value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts_have_names() {
        assert_eq!(sort_name(&MARKS[0], 1.0), "magnitude");
        assert_eq!(sort_name(&MARKS[0], 3.0), "magnitude, phase");
        assert_eq!(sort_name(&MARKS[0], 0.0), "other");
        assert_eq!(sort_name(&MARKS[2], 2.0), "energy window 2");
        assert_eq!(MARKS[SEGMENT].name, "segment");
        assert_eq!(MARKS[ACQUISITION_TIME].name, "AcquisitionTime");
    }
}
