//! One file's attributes as numbers: geometry, time and rescale of each frame, and how it was acquired.

use std::path::{Path, PathBuf};

use super::bytes::Bytes;
use super::elements::{self, Dataset, PixelElement, Scan};
use super::layout::PixelLayout;
use super::pixels::Pixels;
use super::syntax::Compression;
use super::{OpenOptions, decode, fragments, tags};
use crate::io::codecs::codestream;
use crate::volume::{Acquisition, Padding, Rescale, VoiLut, Window, WindowFunction};
use crate::{Error, Result};

/// One file that holds an image.
pub(super) struct Image {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    pub(super) has_magic: bool,
    /// Where the data set begins, for deflated files.
    pub(super) dataset_at: u64,
    pub(super) series: String,
    pub(super) instance: String,
    pub(super) modality: Option<String>,
    pub(super) pixels: Pixels,
    pub(super) frames: Vec<ImageFrame>,
    /// Milliseconds from frame to frame, where frames are a film.
    pub(super) frame_time: Option<f64>,
    pub(super) acquisition: Acquisition,
    pub(super) windows: Vec<Window>,
    pub(super) voi_luts: Vec<VoiLut>,
    pub(super) padding: Option<Padding>,
    /// Rescaled values are Hounsfield units.
    pub(super) hounsfield: bool,
    pub(super) labels: bool,
    pub(super) burned_in_text: bool,
    pub(super) modality_lut: bool,
}

/// Where, when and on which scale one frame was taken.
#[derive(Debug, Clone, Default)]
pub(super) struct ImageFrame {
    pub(super) position: Option<[f64; 3]>,
    /// Unit vectors along which columns and rows are counted.
    pub(super) orientation: Option<[[f64; 3]; 2]>,
    /// Along x and y in mm.
    pub(super) spacing: Option<[f64; 2]>,
    pub(super) thickness: Option<f64>,
    pub(super) between: Option<f64>,
    pub(super) rescale: FrameRescale,
    /// By [`TIMES`].
    pub(super) times: [Option<f64>; TIMES.len()],
    pub(super) instance: Option<f64>,
}

/// The rescale, and whether the file gives one.
#[derive(Debug, Clone, Copy)]
pub(super) struct FrameRescale {
    pub(super) rescale: Rescale,
    pub(super) given: bool,
    pub(super) flawed: bool,
}

impl Default for FrameRescale {
    fn default() -> Self {
        Self { rescale: Rescale::IDENTITY, given: false, flawed: false }
    }
}

/// What may order frames of one place in time, most telling first: tag, name, seconds in one unit of it.
pub(super) const TIMES: [(u32, &str, Option<f64>); 5] = [
    (tags::TEMPORAL_INDEX, "TemporalPositionIndex", None),
    (tags::TEMPORAL_POSITION, "TemporalPositionIdentifier", None),
    (tags::TRIGGER_TIME, "TriggerTime", Some(1e-3)),
    (tags::FRAME_REFERENCE_TIME, "FrameReferenceTime", Some(1e-3)),
    (tags::ACQUISITION_TIME, "AcquisitionTime", Some(1.0)),
];

/// What one file is.
pub(super) enum DicomFile {
    Image(Box<Image>),
    /// An image of this series that we cannot take. It matters only if its series is wanted.
    Flawed {
        series: String,
        error: Error,
    },
    NoPixels,
}

impl DicomFile {
    /// The identifier of the series it belongs to: never shown, only compared.
    pub(super) fn series(&self) -> &str {
        match self {
            Self::Image(image) => &image.series,
            Self::Flawed { series, .. } => series,
            Self::NoPixels => "",
        }
    }
}

/// Reads a file's header.
pub(super) fn read(path: &Path, options: &OpenOptions) -> Result<DicomFile> {
    let file = Bytes::open(path)?;
    let scan = elements::scan(&file)?;
    let Some(element) = scan.pixels else { return Ok(DicomFile::NoPixels) };
    let series = scan.dataset.text(tags::SERIES).unwrap_or_default().to_string();
    Ok(match image(path, &file, scan, element, options) {
        Ok(image) => DicomFile::Image(Box::new(image)),
        Err(error) => DicomFile::Flawed { series, error },
    })
}

fn image(path: &Path, file: &Bytes, scan: Scan, element: PixelElement, options: &OpenOptions) -> Result<Image> {
    let set = &scan.dataset;
    decode::check(path, &scan.syntax)?;
    let layout = PixelLayout::read(path, set, &element, &scan.syntax)?;
    layout.check_size(path, &element, &scan.syntax, file.len(), options)?;
    let mut frames = Vec::new();
    if scan.syntax.compression != Compression::None {
        let extended: Vec<u64> = set
            .bytes(tags::EXTENDED_OFFSETS)
            .map(|b| b.as_chunks::<8>().0.iter().map(|w| u64::from_le_bytes(*w)).collect())
            .unwrap_or_default();
        frames = fragments::index(file, &element, layout.frames, &extended)?;
        check_depth(file, &scan.syntax.compression, &frames[0])?;
    }
    let modality = set.text(tags::MODALITY).filter(|m| is_code(m)).map(str::to_string);
    let offsets = set.numbers(tags::FRAME_OFFSETS);
    let facts = (0..layout.frames as usize).map(|i| frame(set, i, &offsets)).collect::<Vec<_>>();
    let hounsfield = modality.as_deref() == Some("CT")
        && facts.iter().all(|f| f.rescale.given)
        && set.text(tags::RESCALE_TYPE).is_none_or(|t| t == "HU" || t == "US");
    let segmentation = set.text(tags::SOP_CLASS) == Some("1.2.840.10008.5.1.4.1.1.66.4");
    Ok(Image {
        path: path.into(),
        bytes: file.len(),
        has_magic: scan.has_magic,
        dataset_at: scan.dataset_at,
        series: set.text(tags::SERIES).unwrap_or_default().to_string(),
        instance: set.text(tags::SOP_INSTANCE).unwrap_or_default().to_string(),
        burned_in_text: set.text(tags::BURNED_IN) == Some("YES") || modality.as_deref() == Some("US"),
        modality,
        frame_time: positive(set.number(tags::FRAME_TIME)),
        acquisition: acquisition(set),
        windows: windows(set),
        voi_luts: voi_luts(set, layout.signed || facts.iter().any(|f| f.rescale.rescale.intercept < 0.0)),
        padding: padding(set, &layout),
        hounsfield,
        labels: segmentation && set.text(tags::SEGMENTATION_TYPE) != Some("FRACTIONAL"),
        modality_lut: set.has(tags::MODALITY_LUT),
        frames: facts,
        pixels: Pixels { syntax: scan.syntax, layout, element, frames, grey: options.grey },
    })
}

/// Refuses JPEG of more than eight bits now rather than half-way through a volume.
fn check_depth(file: &Bytes, compression: &Compression, first: &fragments::Fragments) -> Result<()> {
    if *compression != Compression::Jpeg {
        return Ok(());
    }
    let Some(&(at, len)) = first.first() else { return Ok(()) };
    let head = file.vec(at, len.min(64 << 10))?;
    match codestream::jpeg(&head) {
        Some(facts) if facts.precision != 8 && !facts.lossless => {
            Err(Error::unsupported(file.path(), format!("JPEG of {} bits is not supported", facts.precision), super::CONVERT))
        }
        _ => Ok(()),
    }
}

fn frame(set: &Dataset, i: usize, offsets: &[f64]) -> ImageFrame {
    let own = set.items(tags::FRAME_GROUPS).get(i);
    let shared = set.items(tags::SHARED_GROUPS).first();
    // A frame's own groups come before those of all frames, and these before the top level.
    let group = |tag| [own, shared].into_iter().flatten().find_map(|groups| groups.items(tag).first()).unwrap_or(set);
    let measures = group(tags::MEASURES_GROUP);
    let transformation = group(tags::TRANSFORMATION_GROUP);
    let content = group(tags::FRAME_CONTENT_GROUP);
    let orientation = orientation(group(tags::ORIENTATION_GROUP));
    let mut position = group(tags::POSITION_GROUP).vector::<3>(tags::POSITION);
    if let (Some(p), Some([x, y]), Some(offset)) = (&mut position, orientation, offsets.get(i)) {
        // Offsets are relative to the first frame, or absolute in patients lying straight: their differences say it either way.
        let normal = cross(x, y);
        for axis in 0..3 {
            p[axis] += normal[axis] * (offset - offsets[0]);
        }
    }
    let mut times = TIMES.map(|(tag, _, unit)| match unit {
        None if tag == tags::TEMPORAL_INDEX => content.number(tag),
        Some(1.0) => set.text(tag).and_then(seconds),
        _ => set.number(tag),
    });
    if let Some(step) = set.number(tags::FRAME_TIME)
        && times[2].is_none()
        && set.has(tags::FRAMES)
    {
        times[2] = Some(step * i as f64);
    }
    ImageFrame {
        position,
        orientation,
        spacing: [
            (measures, tags::PIXEL_SPACING),
            (set, tags::PIXEL_SPACING),
            (set, tags::IMAGER_SPACING),
            (set, tags::NOMINAL_SPACING),
        ]
        .into_iter()
        .filter_map(|(set, tag)| set.vector::<2>(tag))
        // Between rows first, which is along y.
        .map(|[y, x]| [x, y])
        .find(|s| s.iter().all(|s| (1e-6..1e6).contains(s))),
        thickness: positive(measures.number(tags::SLICE_THICKNESS)).or(positive(set.number(tags::SLICE_THICKNESS))),
        between: positive(measures.number(tags::SPACING_BETWEEN)).or(positive(set.number(tags::SPACING_BETWEEN))),
        rescale: rescale(set, transformation),
        times,
        instance: set.number(tags::INSTANCE_NUMBER),
    }
}

fn rescale(set: &Dataset, transformation: &Dataset) -> FrameRescale {
    let slope = transformation.number(tags::SLOPE).or(set.number(tags::DOSE_SCALING));
    let intercept = transformation.number(tags::INTERCEPT);
    let rescale = Rescale { slope: slope.unwrap_or(1.0), intercept: intercept.unwrap_or(0.0) };
    let given = slope.is_some() || intercept.is_some();
    if rescale.slope == 0.0 || !rescale.slope.is_finite() || !rescale.intercept.is_finite() {
        return FrameRescale { rescale: Rescale::IDENTITY, given: false, flawed: true };
    }
    FrameRescale { rescale, given, flawed: false }
}

/// Two unit vectors at a right angle, or nothing.
fn orientation(set: &Dataset) -> Option<[[f64; 3]; 2]> {
    let [a, b, c, d, e, f] = set.vector::<6>(tags::ORIENTATION)?;
    let unit = |v: [f64; 3]| {
        let length = dot(v, v).sqrt();
        ((length - 1.0).abs() < 0.01).then(|| v.map(|c| c / length))
    };
    let (x, y) = (unit([a, b, c])?, unit([d, e, f])?);
    (dot(x, y).abs() < 0.01).then_some([x, y])
}

fn acquisition(set: &Dataset) -> Acquisition {
    let text = |tag| {
        let text = set.text(tag)?.split('\\').next()?.trim();
        let printable = text.bytes().all(|b| (0x20..0x7F).contains(&b));
        (!text.is_empty() && text.len() <= 64 && printable).then(|| text.to_string())
    };
    Acquisition {
        tube_voltage_kvp: positive(set.number(tags::KVP)),
        exposure_mas: positive(set.number(tags::EXPOSURE)),
        convolution_kernel: text(tags::KERNEL),
        repetition_time_ms: positive(set.number(tags::REPETITION_TIME)),
        echo_time_ms: positive(set.number(tags::ECHO_TIME)),
        inversion_time_ms: positive(set.number(tags::INVERSION_TIME)),
        flip_angle_deg: positive(set.number(tags::FLIP_ANGLE)),
        field_strength_t: positive(set.number(tags::FIELD_STRENGTH)),
        slice_thickness_mm: positive(set.number(tags::SLICE_THICKNESS)),
        model: text(tags::MODEL),
    }
}

fn windows(set: &Dataset) -> Vec<Window> {
    let group = [tags::FRAME_GROUPS, tags::SHARED_GROUPS]
        .into_iter()
        .find_map(|groups| set.items(groups).first()?.items(tags::VOI_GROUP).first())
        .unwrap_or(set);
    let function = match group.text(tags::WINDOW_FUNCTION) {
        Some("SIGMOID") => WindowFunction::Sigmoid,
        Some("LINEAR_EXACT") => WindowFunction::LinearExact,
        _ => WindowFunction::Linear,
    };
    group
        .numbers(tags::WINDOW_CENTER)
        .into_iter()
        .zip(group.numbers(tags::WINDOW_WIDTH))
        .filter(|(_, width)| *width > 0.0)
        .map(|(center, width)| Window { center, width, function })
        .collect()
}

/// Tables that are whole; their descriptor's second number may be negative where the values they are for may.
fn voi_luts(set: &Dataset, signed: bool) -> Vec<VoiLut> {
    let one = |item: &Dataset| {
        // 16-bit words whatever is said of them: writers mix up US and SS.
        let [entries, first, bits] = item.u16s(tags::LUT_DESCRIPTOR).try_into().ok()?;
        let count = if entries == 0 { 1 << 16 } else { usize::from(entries) };
        let first = if signed { f64::from(first as i16) } else { f64::from(first) };
        let top = match bits {
            1..=16 => (u32::from(u16::MAX) >> (16 - bits)) as u16,
            _ => return None,
        };
        let data = item.bytes(tags::LUT_DATA)?;
        // Entries of up to eight bits are also found packed, one in each byte.
        let packed = bits <= 8 && data.len() < 2 * count;
        let mut entries = if packed { data.iter().map(|b| u16::from(*b)).collect() } else { item.u16s(tags::LUT_DATA) };
        if entries.len() < count {
            return None;
        }
        entries.truncate(count);
        entries.iter_mut().for_each(|e| *e = (*e).min(top));
        Some(VoiLut { first, entries, top })
    };
    set.items(tags::VOI_LUT).iter().filter_map(one).collect()
}

/// The padding values as the pixels' own type, whatever type they are written as.
fn padding(set: &Dataset, layout: &PixelLayout) -> Option<Padding> {
    if layout.float || layout.is_colour() || layout.bits_allocated > 16 {
        return None;
    }
    let value = |tag| {
        let word = *set.u16s(tag).first()?;
        Some(match (layout.signed, layout.bits_allocated) {
            (true, 8) => f64::from(word as u8 as i8),
            (true, _) => f64::from(word as i16),
            (false, _) => f64::from(word),
        })
    };
    let first = value(tags::PADDING)?;
    let second = value(tags::PADDING_LIMIT).unwrap_or(first);
    Some(Padding { low: first.min(second), high: first.max(second) })
}

fn is_code(text: &str) -> bool {
    (1..=16).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}

fn positive(value: Option<f64>) -> Option<f64> {
    value.filter(|v| *v > 0.0)
}

/// Seconds since midnight of a DICOM time, HHMMSS.FFFFFF.
fn seconds(text: &str) -> Option<f64> {
    let (h, m) = (text.get(..2)?.parse::<f64>().ok()?, text.get(2..4)?.parse::<f64>().ok()?);
    let s = text.get(4..)?.parse::<f64>().ok().filter(|s| s.is_finite())?;
    Some(h * 3600.0 + m * 60.0 + s)
}

pub(super) fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

pub(super) fn cross(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

impl Image {
    /// Whether frames without a place are a film, not a stack.
    pub(super) fn is_film(&self) -> bool {
        self.frame_time.is_some() || matches!(self.modality.as_deref(), Some("US" | "XA" | "RF" | "ES" | "GM" | "XC"))
    }

    /// The file's bytes as its offsets count them.
    pub(super) fn open(&self) -> Result<Bytes> {
        let file = Bytes::open(&self.path)?;
        if !self.pixels.syntax.deflated {
            return Ok(file);
        }
        Ok(Bytes::memory(&self.path, file.inflate(self.dataset_at)?))
    }
}
