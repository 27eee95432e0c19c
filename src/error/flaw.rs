//! Why the geometry of a series cannot be trusted, in numbers that a caller can show and match on.

use std::fmt;

use super::Hint;

/// One thing that makes slices no regular grid. Slices are counted from 1 along their normal.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Flaw {
    /// Some slices say where they are, others do not.
    Unplaced {
        /// Without a position.
        slices: u64,
        /// In all.
        of: u64,
    },
    /// Files that share an identifier, which is to be unique, but not their pixels.
    Conflicting {
        /// Files that repeat the identifier of another.
        files: u64,
    },
    /// Slices at one place that nothing tells apart.
    SamePlace {
        /// At such places.
        slices: u64,
        /// With more than one slice.
        places: u64,
        /// Where the first lies along the normal.
        at_mm: f64,
    },
    /// Slices turned against the first.
    Turned {
        /// Turned ones.
        slices: u64,
        /// In all.
        of: u64,
        /// The largest angle.
        degrees: f64,
    },
    /// Slices whose pixels have another size than the first's.
    OtherSpacing {
        /// Such slices.
        slices: u64,
        /// In all.
        of: u64,
    },
    /// Gaps of whole steps.
    Missing {
        /// How many slices would fill the gaps.
        slices: u64,
        /// The first gap.
        gap_mm: f64,
        /// The slice before that gap; the next one lies behind it.
        after: u64,
        /// The distance of most slices.
        usual_mm: f64,
    },
    /// Gaps that are no whole steps.
    Uneven {
        /// The least distance.
        low_mm: f64,
        /// The largest.
        high_mm: f64,
        /// Gaps that differ from the usual.
        odd: u64,
        /// In all.
        gaps: u64,
        /// The distance of most slices.
        usual_mm: f64,
    },
    /// Slices that are moved sideways step by step, as a tilted gantry makes them.
    Tilted {
        /// Between the line of slices and their normal.
        degrees: f64,
        /// Sideways from the first slice to the last.
        mm: f64,
    },
    /// Slices that lie on no straight line.
    Crooked {
        /// The farthest one, from the line.
        mm: f64,
    },
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unplaced { slices, of } => write!(f, "{slices} of {of} slices have no position"),
            Self::Conflicting { files } => write!(f, "{files} files have the identifier of another one but other pixels"),
            Self::SamePlace { slices, places, at_mm } => {
                write!(f, "{slices} slices share ")?;
                match places {
                    1 => f.write_str("one position")?,
                    n => write!(f, "{n} positions")?,
                }
                write!(f, " and nothing in the files tells them apart in one way: the first {at_mm:.3} mm along the normal")
            }
            Self::Turned { slices, of, degrees } => {
                write!(f, "{slices} of {of} slices are turned against the first, by up to {degrees:.1}° (mixed orientation)")
            }
            Self::OtherSpacing { slices, of } => {
                write!(f, "{slices} of {of} slices have another pixel spacing than the first")
            }
            Self::Missing { slices, gap_mm, after, usual_mm } => {
                let (noun, verb) = if *slices == 1 { ("slice", "is") } else { ("slices", "are") };
                let next = after + 1;
                write!(f, "{slices} {noun} {verb} missing: {gap_mm:.3} mm between slices {after} and {next}, ")?;
                write!(f, "where {usual_mm:.3} mm is usual")
            }
            Self::Uneven { low_mm, high_mm, odd, gaps, usual_mm } => {
                write!(f, "slices are unevenly spaced: from {low_mm:.3} to {high_mm:.3} mm, ")?;
                write!(f, "{odd} of {gaps} gaps differ from the usual {usual_mm:.3} mm")
            }
            Self::Tilted { degrees, mm } => {
                write!(f, "the slices lean by {degrees:.2}° against their normal, by {mm:.2} mm in all (tilted gantry)")
            }
            Self::Crooked { mm } => {
                write!(f, "the slices do not lie behind each other but up to {mm:.2} mm beside their common line")
            }
        }
    }
}

impl Flaw {
    /// Whether it is about the distances of slices only.
    pub(crate) fn is_gap(&self) -> bool {
        matches!(self, Self::Missing { .. } | Self::Uneven { .. })
    }

    /// Whether slices lie otherwise than step by step along their normal, but all in the order and orientation of a stack.
    pub(crate) fn is_of_steps(&self) -> bool {
        self.is_gap() || matches!(self, Self::Tilted { .. } | Self::Crooked { .. })
    }

    /// What to do about these.
    pub(crate) fn remedy(flaws: &[Self]) -> &'static Hint {
        let all = |test: fn(&Self) -> bool| flaws.iter().all(test);
        if all(Self::is_gap) {
            &Hint::AllowGaps
        } else if all(Self::is_of_steps) {
            &Hint::Regrid
        } else if all(|flaw| matches!(flaw, Self::SamePlace { .. })) {
            &Hint::FirstDuplicate
        } else if flaws.iter().any(|flaw| matches!(flaw, Self::Turned { .. } | Self::OtherSpacing { .. })) {
            &Hint::Split
        } else {
            &Hint::TrustGeometry
        }
    }

    /// All of them in one line.
    pub(crate) fn list(flaws: &[Self]) -> String {
        flaws.iter().map(Self::to_string).collect::<Vec<_>>().join("; ")
    }
}
