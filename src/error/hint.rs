//! What to do about an error, in words that fit a viewer as well as a command line.

use std::fmt;

/// What to do about an error. The variants are what a caller may have a switch, a button or an argument for: a program names it, a
/// viewer shows it. Displayed, each says in neutral words what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hint {
    /// What only a person can do, outside of this program or with another input.
    Words(String),
    /// Let more voxels count.
    WidenSelection,
    /// Leave the step out, or let more voxels count.
    OmitStep,
    /// Fewer classes, more voxels, or thresholds from the caller.
    GiveThresholds,
    /// Fewer classes, or another start of the fit.
    StartElsewhere,
    /// Fit classes over voxels: the only way for true floats and several channels.
    FitVoxels,
    /// Fit classes from the exact histogram, after another program or step gave all slices one rescale.
    FitExactly,
    /// Do not ask for classes that are cut by value, or fit them from the exact histogram.
    OmitMonotone,
    /// Write whole numbers, or clip before.
    WriteIntegers,
    /// Allow the job less memory.
    LessMemory,
    /// Allow the job more memory.
    MoreMemory,
    /// Choose one of the adapters that there are.
    ListedAdapter,
    /// Choose another adapter, or the CPU.
    OtherDevice,
    /// Do this, or take the CPU.
    OrCpu(&'static str),
    /// Replace the file that is there.
    Overwrite,
    /// Choose one of the series by its number.
    ChooseSeries,
    /// Choose one of the volumes of a series by its number.
    ChooseVolume,
    /// Read the series although its geometry cannot be trusted.
    TrustGeometry,
    /// Stack the slices that there are.
    AllowGaps,
    /// Put slices onto a regular grid.
    Regrid,
    /// Keep one of the slices of each position.
    FirstDuplicate,
    /// Believe in more voxels.
    RaiseLimit,
    /// Take images that differ in size, orientation or spacing for volumes of their own.
    Split,
    /// Write one slice only, or choose a format for volumes.
    OneSlice,
    /// Take one label of a map for the inside of a mask.
    OneLabel,
    /// Measure voxels outside of a mask, or on both sides.
    MeasureOutside,
    /// Say between which real values voxels count.
    ChooseValues,
    /// Name two of several groups.
    NameGroups,
    /// Name the column that says whose row it is.
    NameSubject,
    /// Ask for a test, or for covariates.
    TestOrCovariates,
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OrCpu(words) => return write!(f, "{words}, or use the CPU"),
            Self::ListedAdapter => "choose one of these",
            Self::OtherDevice => "choose another, or use the CPU",
            Self::Words(words) => words,
            Self::WidenSelection => "let more voxels count; NaN and infinities never do",
            Self::OmitStep => "leave the step out, or let more voxels count",
            Self::GiveThresholds => "ask for fewer classes, let more voxels count, or give the thresholds",
            Self::StartElsewhere => "ask for fewer classes, or start elsewhere",
            Self::FitVoxels => "fit the classes over voxels",
            Self::FitExactly => "convert the volume first, or fit the classes from the exact histogram",
            Self::OmitMonotone => "let the classes overlap in value, or fit them from the exact histogram",
            Self::WriteIntegers => "ask for uint16, or clip first",
            Self::LessMemory => "allow less memory or close other programs",
            Self::MoreMemory => "allow more memory",
            Self::Overwrite => "replace it only if it may be lost",
            Self::ChooseSeries => "pick one by its number",
            Self::ChooseVolume => "pick one of the volumes by its number",
            Self::RaiseLimit => "raise the limit if the file is genuine",
            Self::AllowGaps => "get the missing slices, stack those that there are, or interpolate them onto a regular grid",
            Self::Regrid => "interpolate the slices onto a regular grid, or go on all the same by trusting the geometry",
            Self::FirstDuplicate => "check the series, or keep the first slice of each position",
            Self::Split => "put the images of one kind into a folder of their own, or split the series",
            Self::TrustGeometry => "check the series, or go on all the same by trusting its geometry",
            Self::OneSlice => "use .tiff or .nii.gz, or write one slice",
            Self::OneLabel => "make a mask by a threshold, or take one label of the map for the inside",
            Self::ChooseValues => "say from which to which real value voxels count",
            Self::MeasureOutside => "measure the voxels outside, or both sides",
            Self::NameGroups => "name the two that are to be compared",
            Self::NameSubject => "name the column that says whose row it is",
            Self::TestOrCovariates => "leave the test out, or the covariates",
        })
    }
}

impl From<&str> for Hint {
    fn from(words: &str) -> Self {
        Self::Words(words.to_owned())
    }
}

impl From<String> for Hint {
    fn from(words: String) -> Self {
        Self::Words(words)
    }
}
