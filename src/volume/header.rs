//! All that is known about a volume besides its voxels.

use super::{Dtype, Grid, Rescale, Rescales, Shape};

/// All that is known about a volume, in four parts. Holds only an allow-list of technical attributes: never patient text.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// Where the voxels lie.
    pub grid: Grid,
    /// What their numbers mean.
    pub meaning: Meaning,
    /// How they are meant to be shown.
    pub display: Display,
    /// Where they come from.
    pub origin: Origin,
}

/// What stored numbers mean.
#[derive(Debug, Clone, PartialEq)]
pub struct Meaning {
    /// Type of the stored values.
    pub dtype: Dtype,
    /// Stored values to real ones.
    pub rescale: Rescales,
    /// Unit of the real values.
    pub unit: Unit,
    /// Stored values that mean "no data here".
    pub padding: Option<Padding>,
    /// The voxels are labels, not intensities.
    pub labels: bool,
}

/// How a file wants its voxels shown.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Display {
    /// Display windows, in real units.
    pub windows: Vec<Window>,
    /// Display tables; alternatives to the windows, not to be combined with them.
    pub voi_luts: Vec<VoiLut>,
    /// Low values are bright (MONOCHROME1). Pictures invert; stored values never change.
    pub inverted: bool,
}

impl Header {
    /// A header that says nothing but shape and type.
    pub fn new(shape: Shape, dtype: Dtype) -> Self {
        Self { grid: Grid::new(shape), meaning: Meaning::new(dtype), display: Display::default(), origin: Origin::default() }
    }

    /// The same, changed.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// Bytes of all voxels.
    pub fn bytes(&self) -> u64 {
        self.grid.shape.voxels() * self.meaning.dtype.bytes() as u64
    }

    /// The header of a volume derived from this one voxel by voxel: same grid, new values that are no longer in the unit
    /// of the input (equalised, labels). Keeps where voxels lie and whether low ones are bright; drops what the old numbers meant, how they were shown
    /// and where they came from.
    pub fn derived(&self, dtype: Dtype) -> Self {
        Self {
            grid: self.grid.clone(),
            meaning: Meaning::new(dtype),
            display: Display { inverted: self.display.inverted, ..Display::default() },
            origin: Origin::default(),
        }
    }
}

impl Meaning {
    /// The stored value of what no voxel covers: padding, where there is such; else that of air in CT, else that of 0, or the nearest that the type holds.
    pub fn outside(&self) -> f64 {
        /// Air, of what is in Hounsfield units.
        const AIR_HU: f64 = -1000.0;
        if let Some(padding) = self.padding {
            return padding.low;
        }
        let real = if self.unit == Unit::Hounsfield { AIR_HU } else { 0.0 };
        let (low, high) = self.dtype.limits();
        let stored = self.rescale.of_slice(0).stored(real).clamp(low, high);
        if self.dtype.is_integer() { stored.round() } else { stored }
    }

    /// Numbers of which nothing is known but their type.
    pub fn new(dtype: Dtype) -> Self {
        Self { dtype, rescale: Rescales::Uniform(Rescale::IDENTITY), unit: Unit::Unknown, padding: None, labels: false }
    }
}

/// Unit of real values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Hounsfield units: water 0, air -1000.
    Hounsfield,
    /// Not stated.
    Unknown,
}

impl Unit {
    /// As written behind a number; empty if unknown.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Hounsfield => "HU",
            Self::Unknown => "",
        }
    }
}

/// An inclusive range of stored values that mark voxels without data (PixelPaddingValue … PixelPaddingRangeLimit).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Padding {
    /// Smallest.
    pub low: f64,
    /// Largest.
    pub high: f64,
}

/// A display window in real units (DICOM PS3.3 C.11.2.1.2).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    /// Middle.
    pub center: f64,
    /// Width, positive.
    pub width: f64,
    /// The function between the ends.
    pub function: WindowFunction,
}

/// VOI LUT Function (0028,1056).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "the standard's own names")]
pub enum WindowFunction {
    #[default]
    Linear,
    LinearExact,
    Sigmoid,
}

/// A display table in real units (VOI LUT Sequence, DICOM PS3.3 C.11.2.1.1).
#[derive(Debug, Clone, PartialEq)]
pub struct VoiLut {
    /// The real value of the first entry. Values below take the first entry, values beyond the table the last one.
    pub first: f64,
    /// One for each whole number from `first` on; at least one, none above `top`.
    pub entries: Vec<u16>,
    /// White: the largest number of as many bits as an entry has. 0 is black.
    pub top: u16,
}

/// Acquisition parameters, from the allow-list; absent ones are `None`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Acquisition {
    /// X-ray tube voltage in kV.
    pub tube_voltage_kvp: Option<f64>,
    /// Exposure in mAs.
    pub exposure_mas: Option<f64>,
    /// CT reconstruction kernel, a code such as `B30f`.
    pub convolution_kernel: Option<String>,
    /// MR repetition time in ms.
    pub repetition_time_ms: Option<f64>,
    /// MR echo time in ms.
    pub echo_time_ms: Option<f64>,
    /// MR inversion time in ms.
    pub inversion_time_ms: Option<f64>,
    /// MR flip angle in degrees.
    pub flip_angle_deg: Option<f64>,
    /// MR field strength in tesla.
    pub field_strength_t: Option<f64>,
    /// Nominal slice thickness in mm.
    pub slice_thickness_mm: Option<f64>,
}

/// Which file a volume came from, and how it was made.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Origin {
    /// DICOM modality code such as `CT`: two to sixteen capitals, digits or underscores.
    pub modality: Option<String>,
    /// How the image was acquired.
    pub acquisition: Acquisition,
    /// What a reader should know: assumptions made, oddities seen.
    pub notes: Vec<String>,
    /// Such as `NIfTI-1`, `DICOM series`; empty for volumes made in memory.
    pub format: String,
    /// DICOM transfer syntax, UID and name.
    pub transfer_syntax: Option<String>,
    /// Files read.
    pub files: u64,
    /// Bits of each stored value that carry data (DICOM BitsStored).
    pub bits_stored: Option<u16>,
    /// The type in the file where [`Meaning::dtype`] is a narrowed one.
    pub file_dtype: Option<Dtype>,
    /// Header extensions, if the caller asked for them.
    pub extensions: Extensions,
    /// What the file says of patient text burnt into its pixels (DICOM BurnedInAnnotation); none where it says nothing: nobody knows.
    pub burned_in_text: Option<bool>,
    /// The file's colours and the rule by which they became grey, such as `RGB, read as grey by Rec. 601`.
    pub colour: Option<String>,
}

/// Modalities (DICOM CS 3.3 C.7.3.1.1.1) whose pictures come with text on them more often than not: ultrasound, endoscopy, photographs, and screens.
const WRITTEN_ON: [&str; 8] = ["US", "IVUS", "ES", "GM", "XC", "OP", "OT", "DOC"];

impl Origin {
    /// Whether text is burnt into the pixels as the file says, or, where it says nothing, as its kind suggests.
    pub fn may_show_text(&self) -> bool {
        self.burned_in_text.unwrap_or_else(|| self.modality.as_deref().is_some_and(|code| WRITTEN_ON.contains(&code)))
    }
}

/// Bytes that a NIfTI file has behind its header, only ever passed on to another: they may hold names, so they are not shown.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Extensions(pub Vec<u8>);

impl std::fmt::Debug for Extensions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}
