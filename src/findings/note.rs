//! What a reader should know before using a result.

use std::fmt;

use super::words::{count, number};
use crate::io::Loss;
use crate::volume::{Dtype, Window};

/// What a reader should know before using a result. Displayed, each is a fact in neutral words; a program whose user can do something about
/// it adds which switch or button does it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Note {
    /// Padding voxels take part.
    PaddingCounts {
        /// How many.
        voxels: u64,
        /// Their share of all voxels.
        percent: f64,
    },
    /// Results that the type cannot hold became its ends.
    Clamped {
        /// How many.
        voxels: u64,
        /// The type.
        to: Dtype,
    },
    /// The file shows low values bright, and the result, made to be looked at, keeps them low.
    LowIsBright,
    /// A window of CT over values that are not known to be Hounsfield units.
    PresetWithoutUnit {
        /// Its name.
        name: &'static str,
    },
    /// A window in which nearly all values have one grey.
    WindowShowsNothing {
        /// The window.
        window: Window,
        /// From and to which value most voxels run.
        values: (f64, f64),
        /// How many of the voxels, in percent.
        percent: f64,
    },
    /// Some voxels have no class.
    ClassesFromOne,
    /// Padding has no class, but the number of the lowest.
    PaddingIsLowest {
        /// How many voxels.
        voxels: u64,
    },
    /// Nothing was equalised.
    Unchanged,
    /// The mask selects no voxel.
    EmptyMask,
    /// The fit stopped before it stood still.
    NotConverged {
        /// After so many iterations.
        iterations: u32,
    },
    /// A class that no voxel has.
    ClassNowhere {
        /// Its name.
        name: String,
    },
    /// A class whose values lie apart.
    ClassInParts {
        /// Its name.
        name: String,
        /// The ends of each part, in words.
        parts: Vec<String>,
    },
    /// Labels fall somewhere as the value rises.
    ClassesOutOfOrder,
    /// More voxels take part than a brain has.
    SkullLeft {
        /// Their size in mL.
        ml: f64,
    },
    /// Many values lie below 0, and this one was taken for no signal.
    BelowZero {
        /// In real units.
        value: f64,
    },
    /// Voxels that are no numbers.
    NotFinite {
        /// How many.
        voxels: u64,
    },
    /// The truth does not know a class.
    NoTruth {
        /// Its label.
        label: usize,
        /// Its name.
        name: String,
    },
    /// The file that was written does not say all that is known.
    NotKept {
        /// Its format.
        format: &'static str,
        /// What it does not say.
        loss: Loss,
    },
    /// A file without a spacing: distances count voxels.
    SpacingUnknown,
    /// The spacings have no common unit in which squared distances fit 64 bits.
    CoarseUnit {
        /// By how much distances may be off, relatively.
        error: f64,
    },
    /// The last slab is thinner than the others.
    ThinSlab {
        /// How many slices it has.
        slices: u64,
        /// How many the others have.
        of: u64,
    },
    /// The limit of an adaptive equalisation is less than the one voxel that a bin always keeps.
    ClipIsLeast {
        /// Bins of a tile.
        bins: u32,
        /// Its voxels.
        voxels: u64,
    },
    /// Cells of a table without a value.
    ValuesMissing {
        /// How many rows, by column.
        columns: Vec<(String, usize)>,
    },
    /// Subjects with several rows were tested as if each row were another subject.
    SubjectsRepeated {
        /// How many.
        subjects: usize,
        /// Of how many.
        of: usize,
        /// Their rows.
        rows: usize,
        /// Subjects that are in both groups.
        in_both: usize,
    },
    /// Subjects with a row in one group only were left out of pairs.
    SubjectsWithoutPair {
        /// How many.
        subjects: usize,
    },
    /// Other columns differ strongly between the groups.
    GroupsDifferElsewhere {
        /// Each with both groups, in words.
        columns: Vec<String>,
        /// How many more there are.
        more: usize,
    },
    /// A value has no answer.
    NoAnswer {
        /// Which one.
        value: String,
        /// Why.
        why: String,
    },
    /// Sums that no whole type was sure to hold.
    RoundedSums,
    /// Voxels that are finite in one of two images alone.
    FiniteInOne {
        /// How many.
        voxels: u64,
    },
    /// The truth holds other labels than the classes.
    StrangeTruth {
        /// In so many voxels.
        voxels: u64,
        /// The number of classes.
        classes: usize,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PaddingCounts { voxels, percent } => {
                write!(f, "{} padding voxels ({percent:.1} %) are counted", count(*voxels))
            }
            Self::Clamped { voxels, to } => write!(f, "{} results do not fit {to} and are clamped", count(*voxels)),
            Self::LowIsBright => f.write_str(
                "low values are bright in this file (MONOCHROME1), also in the result; the step invert turns that round",
            ),
            Self::PresetWithoutUnit { name } => {
                write!(
                    f,
                    "the window {name} is for Hounsfield units, which these values are not known to be: the image has no unit here"
                )
            }
            Self::WindowShowsNothing { window, values, percent } => {
                let (from, to) = (window.center - window.width / 2.0, window.center + window.width / 2.0);
                write!(f, "the window from {} to {} shows next to nothing: ", number(from), number(to))?;
                let share = if *percent < 100.0 { format!("{} % of the values", number(*percent)) } else { "the values".into() };
                write!(f, "{share} run from {} to {} and become one grey", number(values.0), number(values.1))
            }
            Self::ClassesFromOne => f.write_str("classes are numbered from 1: 0 is all that does not count"),
            Self::PaddingIsLowest { voxels } => {
                write!(f, "{} padding voxels do not count; they have label 0, as the lowest class has", count(*voxels))
            }
            Self::Unchanged => f.write_str("fewer than two values take part: the image is written unchanged"),
            Self::EmptyMask => f.write_str("the mask is empty: nothing was kept"),
            Self::NotConverged { iterations } => write!(f, "EM did not converge in {iterations} iterations"),
            Self::ClassNowhere { name } => write!(f, "{name} is nowhere the most likely class"),
            Self::ClassInParts { name, parts } => {
                write!(f, "{name} is not contiguous: it holds the values {}", parts.join(" and "))
            }
            Self::ClassesOutOfOrder => f.write_str("classes do not follow each other by value"),
            Self::SkullLeft { ml } => {
                write!(f, "{ml:.0} mL take part, more than any brain has: the skull seems to be there still")
            }
            Self::BelowZero { value } => {
                write!(f, "values lie below 0: {} is taken for no signal, to which the gain does not apply", number(*value))
            }
            Self::NotFinite { voxels } => write!(f, "{} voxels are NaN or infinite: label 0", count(*voxels)),
            Self::NoTruth { label, name } => write!(f, "the truth has no voxel of label {label}, {name}"),
            Self::NotKept { format, loss } => write!(f, "in the {format} file {loss}"),
            Self::SpacingUnknown => f.write_str("the spacing of the mask is not known: distances are in voxels, each 1 long"),
            Self::CoarseUnit { error } => {
                write!(
                    f,
                    "the spacings have no common unit that fits 64 bits: distances are off by up to {error:.1e} of themselves"
                )
            }
            Self::ThinSlab { slices, of } => {
                write!(f, "the last slab has {} of {} slices: it lies nearer than a whole one", count(*slices), count(*of))
            }
            Self::ClipIsLeast { bins, voxels } => write!(
                f,
                "tiles of {} voxels over {} bins: the limit is less than a voxel a bin, and one is kept, so that tiles hardly differ",
                count(*voxels),
                count(u64::from(*bins))
            ),
            Self::ValuesMissing { columns } => {
                let one = |(name, rows): &(String, usize)| format!("{name} in {rows}");
                write!(f, "rows without a value were left out: {}", columns.iter().map(one).collect::<Vec<_>>().join(", "))
            }
            Self::SubjectsRepeated { subjects, of, rows, in_both } => {
                write!(f, "{subjects} of {of} subjects have several rows, {rows} in all, and {in_both} are in both groups: ")?;
                f.write_str("rows of one subject are not independent, and p is smaller than it should be")
            }
            Self::SubjectsWithoutPair { subjects } => {
                write!(f, "{subjects} subjects have a row in one group only and were left out")
            }
            Self::GroupsDifferElsewhere { columns, more } => {
                let more = if *more > 0 { format!(" and {more} more columns") } else { String::new() };
                write!(f, "the groups also differ strongly in {}{more}: ", columns.join(", "))?;
                f.write_str("what bears on both group and value confounds the difference")
            }
            Self::NoAnswer { value, why } => write!(f, "{value} has no answer: {why}"),
            Self::FiniteInOne { voxels } => {
                write!(f, "{} voxels are finite in one image alone: they differ beyond any tolerance", count(*voxels))
            }
            Self::RoundedSums => f.write_str("sums are rounded to float32: no whole type is sure to hold them"),
            Self::StrangeTruth { voxels, classes } => {
                write!(f, "{} voxels of the truth hold no label from 0 to {classes}: taken as 0", count(*voxels))
            }
        }
    }
}
