//! The attributes that may be read: geometry, intensity and acquisition. What is not here never enters memory.

use dicom_core::Tag;
use dicom_core::dictionary::DataDictionary;
use dicom_object::StandardDataDictionary;

macro_rules! tags {
    ($($name:ident = $tag:literal $vr:literal;)*) => {
        $(pub(super) const $name: u32 = $tag;)*

        /// What to do with an element.
        pub(super) fn want(tag: u32) -> Want {
            match tag {
                $($tag => if $vr == b"SQ" { Want::Sequence } else { Want::Value },)*
                _ => Want::Skip,
            }
        }

        /// The value representation of a tag where the data set does not give it.
        pub(super) fn implicit_vr(tag: u32) -> &'static [u8; 2] {
            match tag {
                $($tag => $vr,)*
                _ => b"UN",
            }
        }
    };
}

/// The standard's name of an attribute and its tag, for messages.
pub(super) fn named(tag: u32) -> String {
    let (group, element) = ((tag >> 16) as u16, tag as u16);
    let name = StandardDataDictionary.by_tag(Tag(group, element)).map_or("attribute", |entry| entry.alias);
    format!("{name} ({group:04X},{element:04X})")
}

/// What to do with an element.
pub(super) enum Want {
    Skip,
    Value,
    Sequence,
}

/// Float Pixel Data, Double Float Pixel Data, Pixel Data.
pub(super) const PIXELS: [u32; 3] = [FLOAT_PIXELS, DOUBLE_PIXELS, 0x7FE0_0010];
pub(super) const FLOAT_PIXELS: u32 = 0x7FE0_0008;
pub(super) const DOUBLE_PIXELS: u32 = 0x7FE0_0009;

tags! {
    TRANSFER_SYNTAX = 0x0002_0010 b"UI";
    IMAGE_TYPE = 0x0008_0008 b"CS";
    SOP_CLASS = 0x0008_0016 b"UI";
    SOP_INSTANCE = 0x0008_0018 b"UI";
    ACQUISITION_DATE = 0x0008_0022 b"DA";
    ACQUISITION_DATETIME = 0x0008_002A b"DT";
    ACQUISITION_TIME = 0x0008_0032 b"TM";
    MODALITY = 0x0008_0060 b"CS";
    SERIES_DESCRIPTION = 0x0008_103E b"LO";
    FRAME_TYPE = 0x0008_9007 b"CS";
    COMPLEX_COMPONENT = 0x0008_9208 b"CS";
    SLICE_THICKNESS = 0x0018_0050 b"DS";
    KVP = 0x0018_0060 b"DS";
    REPETITION_TIME = 0x0018_0080 b"DS";
    ECHO_TIME = 0x0018_0081 b"DS";
    INVERSION_TIME = 0x0018_0082 b"DS";
    ECHO_NUMBER = 0x0018_0086 b"IS";
    FIELD_STRENGTH = 0x0018_0087 b"DS";
    SPACING_BETWEEN = 0x0018_0088 b"DS";
    TRIGGER_TIME = 0x0018_1060 b"DS";
    FRAME_TIME = 0x0018_1063 b"DS";
    EXPOSURE = 0x0018_1152 b"IS";
    IMAGER_SPACING = 0x0018_1164 b"DS";
    KERNEL = 0x0018_1210 b"SH";
    FLIP_ANGLE = 0x0018_1314 b"DS";
    NOMINAL_SPACING = 0x0018_2010 b"DS";
    FRAME_DATETIME = 0x0018_9074 b"DT";
    GRADIENT_GROUP = 0x0018_9076 b"SQ";
    EFFECTIVE_ECHO_TIME = 0x0018_9082 b"FD";
    B_VALUE = 0x0018_9087 b"FD";
    GRADIENT = 0x0018_9089 b"FD";
    ECHO_GROUP = 0x0018_9114 b"SQ";
    DIFFUSION_GROUP = 0x0018_9117 b"SQ";
    CARDIAC_GROUP = 0x0018_9118 b"SQ";
    MR_FRAME_TYPE_GROUP = 0x0018_9226 b"SQ";
    SIEMENS_CREATOR = 0x0019_0010 b"LO";
    MOSAIC_IMAGES = 0x0019_100A b"US";
    SIEMENS_B_VALUE = 0x0019_100C b"IS";
    SERIES = 0x0020_000E b"UI";
    ACQUISITION_NUMBER = 0x0020_0012 b"IS";
    INSTANCE_NUMBER = 0x0020_0013 b"IS";
    POSITION = 0x0020_0032 b"DS";
    ORIENTATION = 0x0020_0037 b"DS";
    TEMPORAL_POSITION = 0x0020_0100 b"IS";
    FRAME_CONTENT_GROUP = 0x0020_9111 b"SQ";
    POSITION_GROUP = 0x0020_9113 b"SQ";
    ORIENTATION_GROUP = 0x0020_9116 b"SQ";
    TEMPORAL_INDEX = 0x0020_9128 b"UL";
    TRIGGER_DELAY = 0x0020_9153 b"FD";
    DIMENSION_VALUES = 0x0020_9157 b"UL";
    DIMENSION_POINTER = 0x0020_9165 b"AT";
    DIMENSIONS = 0x0020_9222 b"SQ";
    TEMPORAL_OFFSET = 0x0020_930D b"FD";
    TEMPORAL_GROUP = 0x0020_9310 b"SQ";
    SAMPLES = 0x0028_0002 b"US";
    PHOTOMETRIC = 0x0028_0004 b"CS";
    PLANAR = 0x0028_0006 b"US";
    FRAMES = 0x0028_0008 b"IS";
    ROWS = 0x0028_0010 b"US";
    COLUMNS = 0x0028_0011 b"US";
    PIXEL_SPACING = 0x0028_0030 b"DS";
    BITS_ALLOCATED = 0x0028_0100 b"US";
    BITS_STORED = 0x0028_0101 b"US";
    HIGH_BIT = 0x0028_0102 b"US";
    SIGNED = 0x0028_0103 b"US";
    PADDING = 0x0028_0120 b"US";
    PADDING_LIMIT = 0x0028_0121 b"US";
    BURNED_IN = 0x0028_0301 b"CS";
    WINDOW_CENTER = 0x0028_1050 b"DS";
    WINDOW_WIDTH = 0x0028_1051 b"DS";
    INTERCEPT = 0x0028_1052 b"DS";
    SLOPE = 0x0028_1053 b"DS";
    RESCALE_TYPE = 0x0028_1054 b"LO";
    WINDOW_FUNCTION = 0x0028_1056 b"CS";
    PALETTE_RED = 0x0028_1101 b"US";
    PALETTE_RED_DATA = 0x0028_1201 b"OW";
    PALETTE_GREEN_DATA = 0x0028_1202 b"OW";
    PALETTE_BLUE_DATA = 0x0028_1203 b"OW";
    MODALITY_LUT = 0x0028_3000 b"SQ";
    LUT_DESCRIPTOR = 0x0028_3002 b"US";
    LUT_TYPE = 0x0028_3004 b"LO";
    LUT_DATA = 0x0028_3006 b"US";
    VOI_LUT = 0x0028_3010 b"SQ";
    MEASURES_GROUP = 0x0028_9110 b"SQ";
    VOI_GROUP = 0x0028_9132 b"SQ";
    TRANSFORMATION_GROUP = 0x0028_9145 b"SQ";
    REAL_WORLD_GROUP = 0x0040_9096 b"SQ";
    REAL_WORLD_INTERCEPT = 0x0040_9224 b"FD";
    REAL_WORLD_SLOPE = 0x0040_9225 b"FD";
    ENERGY_VECTOR = 0x0054_0010 b"US";
    DETECTOR_VECTOR = 0x0054_0020 b"US";
    DETECTORS = 0x0054_0022 b"SQ";
    PHASE_VECTOR = 0x0054_0030 b"US";
    ROTATION_VECTOR = 0x0054_0050 b"US";
    RR_VECTOR = 0x0054_0060 b"US";
    TIME_SLOT_VECTOR = 0x0054_0070 b"US";
    SLICE_VECTOR = 0x0054_0080 b"US";
    ANGULAR_VECTOR = 0x0054_0090 b"US";
    TIME_SLICE_VECTOR = 0x0054_0100 b"US";
    FRAME_REFERENCE_TIME = 0x0054_1300 b"DS";
    SEGMENTATION_TYPE = 0x0062_0001 b"CS";
    SEGMENT_GROUP = 0x0062_000A b"SQ";
    SEGMENT_NUMBER = 0x0062_000B b"US";
    SEGMENTS_OVERLAP = 0x0062_0013 b"CS";
    PHILIPS_B_VALUE = 0x2001_1003 b"FL";
    FRAME_OFFSETS = 0x3004_000C b"DS";
    DOSE_SCALING = 0x3004_000E b"DS";
    SHARED_GROUPS = 0x5200_9229 b"SQ";
    FRAME_GROUPS = 0x5200_9230 b"SQ";
    EXTENDED_OFFSETS = 0x7FE0_0001 b"OV";
}
