//! Why an answer does not exist.

use std::fmt;

/// Why an answer does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Undefined {
    /// A group has fewer than two values, so that nothing is known about how they spread.
    TooFew {
        /// Values of the first group.
        first: usize,
        /// Values of the second group.
        second: usize,
    },
    /// Fewer than two pairs.
    TooFewPairs {
        /// How many there are.
        pairs: usize,
    },
    /// Neither group's values differ among themselves.
    Constant,
    /// All differences within pairs are the same.
    ConstantDifferences,
    /// All values of both groups are equal: they have no ranks.
    AllEqual,
    /// No more rows than coefficients, so that nothing is left to estimate the error from.
    NoFreedom {
        /// Rows.
        rows: usize,
        /// Coefficients.
        coefficients: usize,
    },
    /// The model meets every value exactly.
    NoResiduals,
    /// A result lies beyond f64's range.
    Overflow,
}

impl fmt::Display for Undefined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFew { first, second } => write!(f, "each group needs two values, there are {first} and {second}"),
            Self::TooFewPairs { pairs } => write!(f, "two pairs are needed, there are {pairs}"),
            Self::Constant => f.write_str("the values of both groups are constant"),
            Self::ConstantDifferences => f.write_str("all pairs differ by the same"),
            Self::AllEqual => f.write_str("all values are equal"),
            Self::NoFreedom { rows, coefficients } => write!(f, "{rows} rows are too few for {coefficients} coefficients"),
            Self::NoResiduals => f.write_str("the model meets every value exactly"),
            Self::Overflow => f.write_str("the values are too large"),
        }
    }
}
