//! One file's attributes as numbers: what its image is, the frames it holds, and how it was acquired.

use std::path::{Path, PathBuf};

use super::bytes::Bytes;
use super::dataset::Dataset;
use super::display::{voi_luts, windows};
use super::elements::{self, PixelElement, Scan};
use super::frames::{FrameReader, ImageFrame};
use super::layout::{Colour, PixelLayout, left_out};
use super::numbers::Unreadable;
use super::pixels::Pixels;
use super::syntax::Compression;
use super::{OpenOptions, broken, decode, fragments, mosaic, tags};
use crate::io::Role;
use crate::volume::{Acquisition, Padding, VoiLut, Window};
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
    pub(super) description: Option<String>,
    pub(super) pixels: Pixels,
    pub(super) frames: Vec<ImageFrame>,
    /// Milliseconds from frame to frame, where frames are a film.
    pub(super) frame_time: Option<f64>,
    /// Frames without a place are a film, not a stack.
    pub(super) film: bool,
    pub(super) acquisition: Acquisition,
    pub(super) windows: Vec<Window>,
    pub(super) voi_luts: Vec<VoiLut>,
    pub(super) padding: Option<Padding>,
    /// Rescaled values are Hounsfield units.
    pub(super) hounsfield: bool,
    pub(super) labels: bool,
    /// The segments of a segmentation do not overlap.
    pub(super) segments_apart: bool,
    pub(super) burned_in_text: Option<bool>,
    /// What was assumed in reading it.
    pub(super) remarks: Vec<String>,
}

/// What one file is.
pub(super) enum DicomFile {
    Image(Box<Image>),
    /// An image that we cannot take, of this series if that much could be read. It matters only if its series is wanted.
    Flawed {
        path: PathBuf,
        series: Option<String>,
        error: Error,
    },
    NoPixels,
}

/// Reads a file's header.
///
/// # Errors
/// What is wrong with the disk; what is wrong with the file is [`DicomFile::Flawed`].
pub(super) fn read(path: &Path, options: &OpenOptions) -> Result<DicomFile> {
    let flawed = |series, error| DicomFile::Flawed { path: path.into(), series, error };
    let scanned = Bytes::open(path).and_then(|file| Ok((elements::scan(&file, options.show_text)?, file)));
    let (scan, file) = match scanned {
        Ok(scanned) => scanned,
        Err(error) => return Ok(flawed(None, error)),
    };
    let Some(element) = scan.pixels else { return Ok(DicomFile::NoPixels) };
    let series = scan.dataset.text(tags::SERIES).unwrap_or_default().to_string();
    Ok(match image(path, &file, scan, element, options) {
        Ok(image) => DicomFile::Image(Box::new(image)),
        Err(error) => flawed(Some(series), error),
    })
}

fn image(path: &Path, file: &Bytes, scan: Scan, element: PixelElement, options: &OpenOptions) -> Result<Image> {
    let set = &scan.dataset;
    decode::check(path, &scan.syntax)?;
    let mut remarks = Vec::new();
    let mut layout = PixelLayout::read(path, set, &element, &scan.syntax, &mut remarks)?;
    if options.role != Role::Image && matches!(layout.colour, Colour::Palette(_)) {
        layout.colour = Colour::Grey;
        remarks.push("the numbers of the palette's colours count, not the colours".into());
    }
    layout.check_size(path, &element, &scan.syntax, file.len(), options)?;
    let mut fragments = Vec::new();
    if scan.syntax.compression == Compression::None {
        layout.settle_bits(path, file, &element, &scan, &mut remarks)?;
        remarks.extend(layout.left_over(&element));
    } else {
        let extended: Vec<u64> = set
            .bytes(tags::EXTENDED_OFFSETS)
            .map(|b| b.as_chunks::<8>().0.iter().map(|w| u64::from_le_bytes(*w)).collect())
            .unwrap_or_default();
        let found = fragments::index(file, &element, layout.frames, &extended)?;
        if found.frames > layout.frames {
            remarks.push(left_out(found.frames, layout.frames));
        }
        fragments = found.fragments;
    }
    let modality = set.text(tags::MODALITY).filter(|m| MODALITIES.contains(m)).map(str::to_string);
    let frame_time = positive(set.number(tags::FRAME_TIME));
    let film = frame_time.is_some() || matches!(modality.as_deref(), Some("US" | "XA" | "RF" | "ES" | "GM" | "XC"));
    let refused = |flaw: Unreadable| broken(path, flaw.to_string());
    let mut reader = FrameReader::new(set, layout.frames, film, options.trust_geometry).map_err(refused)?;
    let mut frames = (0..layout.frames as usize).map(|i| reader.frame(i)).collect::<Result<Vec<_>, _>>().map_err(refused)?;
    remarks.append(&mut reader.remarks);
    if mosaic::is_one(set) {
        (layout.mosaic, frames) = mosaic::split(path, set, [layout.columns, layout.rows], &frames)?;
        remarks
            .push(format!("a Siemens mosaic was split into its {} slices, in the direction of the image normal", layout.tiles()));
    }
    if let Colour::ModalityLut(_) = layout.colour {
        frames.iter_mut().for_each(|frame| frame.rescale = super::frames::FrameRescale::default());
        remarks.push("the file's Modality LUT is applied: values are its entries".into());
    }
    let rescaled = frames.iter().all(|f| f.rescale.given && !f.rescale.flat);
    let hounsfield = match &layout.colour {
        Colour::ModalityLut(lut) => lut.hounsfield,
        _ => modality.as_deref() == Some("CT") && rescaled && set.text(tags::RESCALE_TYPE).is_none_or(|t| t == "HU" || t == "US"),
    };
    remarks.extend(real_world(set, &frames));
    let segmentation = set.text(tags::SOP_CLASS) == Some("1.2.840.10008.5.1.4.1.1.66.4");
    Ok(Image {
        path: path.into(),
        bytes: file.len(),
        has_magic: scan.has_magic,
        dataset_at: scan.dataset_at,
        series: set.text(tags::SERIES).unwrap_or_default().to_string(),
        instance: set.text(tags::SOP_INSTANCE).unwrap_or_default().to_string(),
        burned_in_text: match set.text(tags::BURNED_IN) {
            Some("YES") => Some(true),
            Some("NO") => Some(false),
            _ => None,
        },
        modality,
        description: options.show_text.then(|| set.text(tags::SERIES_DESCRIPTION).map(harmless)).flatten(),
        frame_time,
        film,
        acquisition: acquisition(set),
        windows: windows(set),
        voi_luts: voi_luts(set, layout.signed || frames.iter().any(|f| f.rescale.rescale.intercept < 0.0)),
        padding: padding(set, &layout),
        hounsfield,
        labels: segmentation && set.text(tags::SEGMENTATION_TYPE) != Some("FRACTIONAL"),
        segments_apart: set.text(tags::SEGMENTS_OVERLAP) == Some("NO"),
        remarks,
        frames,
        pixels: Pixels { syntax: scan.syntax, layout, element, frames: fragments, grey: options.grey },
    })
}

/// Real world values (PS3.3 C.7.6.16.2.11) that are another scale than the rescale: said, for they are not what is read.
fn real_world(set: &Dataset, frames: &[ImageFrame]) -> Option<String> {
    let groups = [set.items(tags::FRAME_GROUPS).first(), set.items(tags::SHARED_GROUPS).first(), Some(set)];
    let mapping = groups.into_iter().flatten().find_map(|set| set.items(tags::REAL_WORLD_GROUP).first())?;
    let (slope, intercept) = (mapping.number(tags::REAL_WORLD_SLOPE), mapping.number(tags::REAL_WORLD_INTERCEPT));
    let rescale = frames.first()?.rescale.rescale;
    match (slope, intercept) {
        (Some(slope), Some(intercept)) if slope == rescale.slope && intercept == rescale.intercept => None,
        (Some(slope), Some(intercept)) => Some(format!(
            "the file also maps stored values to real world ones ({slope} * stored + {intercept}), which is not applied"
        )),
        _ => Some("the file also maps stored values to real world ones by a table, which is not applied".into()),
    }
}

fn acquisition(set: &Dataset) -> Acquisition {
    Acquisition {
        tube_voltage_kvp: positive(set.number(tags::KVP)),
        exposure_mas: positive(set.number(tags::EXPOSURE)),
        convolution_kernel: kernel(set),
        repetition_time_ms: positive(set.number(tags::REPETITION_TIME)),
        echo_time_ms: positive(set.number(tags::ECHO_TIME)),
        inversion_time_ms: positive(set.number(tags::INVERSION_TIME)),
        flip_angle_deg: positive(set.number(tags::FLIP_ANGLE)),
        field_strength_t: positive(set.number(tags::FIELD_STRENGTH)),
        slice_thickness_mm: positive(set.number(tags::SLICE_THICKNESS)),
    }
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

/// A reconstruction kernel that is one: a vendor's word, or a short code such as B30f, Br40d, FC18. Anything else could be anybody's text.
fn kernel(set: &Dataset) -> Option<String> {
    const WORDS: [&str; 14] = [
        "STANDARD", "SOFT", "LUNG", "BONE", "BONEPLUS", "DETAIL", "EDGE", "CHEST", "ULTRA", "SHARP", "SMOOTH", "BODY", "BRAIN",
        "HEAD",
    ];
    let text = set.text(tags::KERNEL)?.split('\\').next()?.trim();
    let letters = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    let digits = text.bytes().skip(letters).take_while(u8::is_ascii_digit).count();
    let rest = text.bytes().skip(letters + digits);
    let code = letters <= 2 && (1..=2).contains(&digits) && rest.len() <= 2 && rest.clone().all(|b| b.is_ascii_alphabetic());
    (code || WORDS.contains(&text)).then(|| text.to_owned())
}

/// Codes of modalities (PS3.3 C.7.3.1.1.1): what is not here could be anybody's text.
const MODALITIES: &[&str] = &[
    "ANN", "AR", "ASMT", "AU", "BDUS", "BI", "BMD", "CFM", "CR", "CT", "DG", "DMS", "DX", "ECG", "EPS", "ES", "FID", "GM", "HC",
    "HD", "IO", "IOL", "IVOCT", "IVUS", "KER", "KO", "LEN", "LS", "M3D", "MG", "MR", "NM", "OAM", "OCT", "OP", "OPM", "OPT",
    "OPTENF", "OSS", "OT", "PLAN", "PR", "PT", "PX", "REG", "RESP", "RF", "RG", "RTDOSE", "RTIMAGE", "RTPLAN", "RTSTRUCT", "SC",
    "SEG", "SM", "SR", "STAIN", "TG", "US", "VA", "XA", "XC",
];

/// Text that can be shown in a line: without what would move a cursor.
fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn positive(value: Option<f64>) -> Option<f64> {
    value.filter(|v| *v > 0.0)
}

impl Image {
    /// The file's bytes as its offsets count them.
    pub(super) fn open(&self) -> Result<Bytes> {
        let file = Bytes::open(&self.path)?;
        if !self.pixels.syntax.deflated {
            return Ok(file);
        }
        Ok(Bytes::memory(&self.path, file.inflate(self.dataset_at)?))
    }
}
