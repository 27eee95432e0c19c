//! The answer for one value.

use super::covariates::Covariate;
use super::levels::TwoGroups;
use super::quantity::Quantity;
use super::question::{GroupQuestion, GroupTest};
use super::{Missing, pairs};
use crate::Result;
use crate::analysis::groups::{
    Difference, GroupSummary, LeastSquares, MannWhitney, TwoSampleTest, Undefined, mann_whitney, paired, student, welch,
};
use crate::io::TextTable;

/// The answer for one value.
#[derive(Debug, Clone)]
pub struct GroupAnswer {
    /// The value as it was asked for.
    pub value: String,
    /// What each group looks like; none without values.
    pub groups: [Option<GroupSummary>; 2],
    /// The values of each group that took part, in the order of the table; of pairs in the order of the pairs.
    pub values: [Vec<f64>; 2],
    /// Rows of each group that were left out because something is missing.
    pub left_out: [usize; 2],
    /// The answer, or why there is none.
    pub outcome: Result<GroupOutcome, String>,
    /// Holm's adjusted p.
    pub p_holm: Option<f64>,
    /// Benjamini and Hochberg's adjusted p.
    pub p_bh: Option<f64>,
}

/// What a test gave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum GroupOutcome {
    /// A difference of means, adjusted or not.
    Means {
        /// With its t and p.
        test: Difference,
        /// Where it lies with the confidence asked for.
        interval: [f64; 2],
    },
    /// A test of ranks.
    Ranks(MannWhitney),
}

impl GroupAnswer {
    /// The probability of a difference as large if the group did not matter.
    pub fn p(&self) -> Option<f64> {
        match self.outcome.as_ref().ok()? {
            GroupOutcome::Means { test, .. } => Some(test.p),
            GroupOutcome::Ranks(test) => Some(test.p),
        }
    }

    /// First minus second: of the means, adjusted if the model has covariates; of the medians where ranks were tested.
    pub fn difference(&self) -> Option<f64> {
        match self.outcome.as_ref().ok()? {
            GroupOutcome::Means { test, .. } => Some(test.difference),
            GroupOutcome::Ranks(_) => Some(self.groups[0]?.median - self.groups[1]?.median),
        }
    }
}

/// What all answers to a question share.
pub(super) struct Answering<'a> {
    pub table: &'a TextTable,
    pub question: &'a GroupQuestion,
    pub rows: &'a TwoGroups,
    pub covariates: &'a [Covariate],
    pub subject: Option<usize>,
}

impl Answering<'_> {
    /// The answer for one value, and how many subjects were left out of pairs.
    pub fn answer(&self, value: &Quantity, missing: &mut Missing) -> Result<(GroupAnswer, usize)> {
        let mut kept: TwoGroups = Default::default();
        let mut values: [Vec<f64>; 2] = Default::default();
        let mut model = vec![Vec::new(); 1 + self.covariates.iter().map(Covariate::width).sum::<usize>()];
        for group in 0..2 {
            for row in &self.rows[group] {
                let own = value.value(self.table, *row, missing)?;
                let covariates = self.covariates.iter().map(|covariate| covariate.values(self.table, *row, missing));
                // All are read, so that all that is missing is counted.
                let covariates = covariates.collect::<Result<Vec<_>>>()?.into_iter().collect::<Option<Vec<_>>>();
                let (Some(own), Some(covariates)) = (own, covariates) else { continue };
                kept[group].push(*row);
                values[group].push(own);
                let line = std::iter::once(f64::from(u8::from(group == 0))).chain(covariates.into_iter().flatten());
                model.iter_mut().zip(line).for_each(|(column, v)| column.push(v));
            }
        }
        let mut single = 0;
        let by = self.question.answered_by();
        if by == GroupTest::TwoSamples(TwoSampleTest::Paired)
            && let Some(subject) = self.subject
        {
            let own = |group: usize| -> std::collections::HashMap<usize, f64> {
                kept[group].iter().copied().zip(values[group].iter().copied()).collect()
            };
            let own = [own(0), own(1)];
            let (both, alone) = pairs::of(self.table, subject, &kept, missing)?;
            single = alone;
            values = [0, 1].map(|group| both[group].iter().filter_map(|row| own[group].get(row).copied()).collect());
        }
        let left_out = [0, 1].map(|group| self.rows[group].len() - kept[group].len());
        let groups = values.each_ref().map(|values| GroupSummary::of(values));
        let outcome = self.outcome(by, &values, &model);
        let value = value.name.clone();
        Ok((GroupAnswer { value, groups, values, left_out, outcome, p_holm: None, p_bh: None }, single))
    }

    fn outcome(&self, by: GroupTest, [first, second]: &[Vec<f64>; 2], model: &[Vec<f64>]) -> Result<GroupOutcome, String> {
        let said = |why: Undefined| why.to_string();
        let test = match by {
            GroupTest::TwoSamples(TwoSampleTest::MannWhitney) => {
                return mann_whitney(first, second).map(GroupOutcome::Ranks).map_err(said);
            }
            GroupTest::TwoSamples(TwoSampleTest::Welch) => welch(first, second),
            GroupTest::TwoSamples(TwoSampleTest::Student) => student(first, second),
            GroupTest::TwoSamples(TwoSampleTest::Paired) => paired(first, second),
            GroupTest::LeastSquares => {
                let values: Vec<f64> = first.iter().chain(second).copied().collect();
                if first.is_empty() || second.is_empty() {
                    return Err(said(Undefined::TooFew { first: first.len(), second: second.len() }));
                }
                if values.iter().all(|value| *value == values[0]) {
                    return Err(said(Undefined::AllEqual));
                }
                if values.len() <= model.len() + 1 {
                    return Err(said(Undefined::NoFreedom { rows: values.len(), coefficients: model.len() + 1 }));
                }
                LeastSquares::fit(&values, model).map_err(|which| self.dependent(which.column))?.coefficient(0)
            }
        };
        test.map(|test| GroupOutcome::Means { test, interval: test.interval(self.question.confidence) }).map_err(said)
    }

    /// Why a column of the model cannot stand in it.
    fn dependent(&self, column: usize) -> String {
        let mut end = 0;
        let named = self.covariates.iter().find(|covariate| {
            end += covariate.width();
            column <= end
        });
        let name = named.map_or(self.question.by.as_str(), |covariate| covariate.name.as_str());
        format!("{name} is constant, or follows from the group and the covariates before it")
    }
}
