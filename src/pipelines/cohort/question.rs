//! What is asked of a table.

use super::condition::Condition;
use super::refuse;
use crate::analysis::groups::TwoSampleTest;
use crate::{Hint, Result};

/// What is asked of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupQuestion {
    /// Columns of numbers, or quotients of two, such as `brain_vol/skull_vol`.
    pub values: Vec<String>,
    /// The column that tells the groups apart.
    pub by: String,
    /// The first and the second group; if not given, there must be two, which are sorted: numbers by size, else texts.
    pub groups: Option<[String; 2]>,
    /// Which test; with covariates least squares, and this must be none.
    pub test: Option<TwoSampleTest>,
    /// Columns that the difference is adjusted for.
    pub covariates: Vec<String>,
    /// The column that says whose row it is.
    pub subject: Option<String>,
    /// Rows count that meet all of these.
    pub conditions: Vec<Condition>,
    /// How sure intervals are: between 0 and 1.
    pub confidence: f64,
}

/// How a question is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupTest {
    /// By a test of two samples.
    TwoSamples(TwoSampleTest),
    /// By the coefficient of a linear model.
    LeastSquares,
}

impl GroupTest {
    /// Its name for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::TwoSamples(TwoSampleTest::Welch) => "welch",
            Self::TwoSamples(TwoSampleTest::Student) => "student",
            Self::TwoSamples(TwoSampleTest::Paired) => "paired",
            Self::TwoSamples(TwoSampleTest::MannWhitney) => "mann-whitney",
            Self::LeastSquares => "least-squares",
        }
    }
}

impl GroupQuestion {
    /// Whether the group of a column matters for these values, by Welch's test.
    pub fn new(values: impl IntoIterator<Item = impl Into<String>>, by: impl Into<String>) -> Self {
        Self {
            values: values.into_iter().map(Into::into).collect(),
            by: by.into(),
            groups: None,
            test: None,
            covariates: Vec::new(),
            subject: None,
            conditions: Vec::new(),
            confidence: 0.95,
        }
    }

    /// How it is answered.
    pub fn answered_by(&self) -> GroupTest {
        match self.covariates.is_empty() {
            true => GroupTest::TwoSamples(self.test.unwrap_or_default()),
            false => GroupTest::LeastSquares,
        }
    }

    /// Whether it makes sense.
    pub(super) fn check(&self) -> Result<()> {
        let twice = |all: &[String]| (1..all.len()).find(|i| all[..*i].contains(&all[*i])).map(|i| all[i].clone());
        let test = self.test;
        match () {
            () if self.values.is_empty() => refuse("no value is asked for", "name a column of numbers"),
            () if !(self.confidence > 0.0 && self.confidence < 1.0) => {
                refuse("the confidence lies not between 0 and 100 %", "ask for 95 %, say")
            }
            () if test.is_some() && !self.covariates.is_empty() => {
                refuse("covariates are adjusted for by least squares, not by a test of two samples", Hint::TestOrCovariates)
            }
            () if test == Some(TwoSampleTest::Paired) && self.subject.is_none() => {
                refuse("pairs are two rows of one subject", Hint::NameSubject)
            }
            () => match (twice(&self.values), twice(&self.covariates)) {
                (Some(name), _) | (_, Some(name)) => refuse(format!("{name} is asked for twice"), "name it once"),
                _ if self.covariates.contains(&self.by) => {
                    refuse(format!("{} cannot be a covariate: it tells the groups apart", self.by), "leave it out")
                }
                _ => Ok(()),
            },
        }
    }
}
