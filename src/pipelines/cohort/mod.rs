//! Whether a group matters: a table with a row for each scan or subject, one or several values, the column that tells the groups apart, and what is asked of them.
//!
//! Each value takes the rows that have all it needs (value, group, covariates, conditions); what is left out is counted by column. With covariates the difference is the coefficient of
//! the first group in a linear model; covariates that are no numbers become a column for each text but the first.

mod answer;
mod condition;
mod confounders;
mod covariates;
mod levels;
mod pairs;
mod quantity;
mod question;
mod subjects;

pub use answer::{GroupAnswer, GroupOutcome};
pub use condition::Condition;
pub use confounders::Confounder;
pub use covariates::Covariate;
pub use question::{GroupQuestion, GroupTest};
pub use subjects::Repeated;

use crate::analysis::groups::{benjamini_hochberg, holm};
use crate::io::TextTable;
use crate::{Error, Result};
use answer::Answering;
use quantity::Quantity;

/// What a table says about two groups.
#[derive(Debug, Clone)]
pub struct GroupStudy {
    /// What was asked.
    pub question: GroupQuestion,
    /// The first group and the second: differences are first minus second.
    pub groups: [String; 2],
    /// Rows of the table.
    pub rows: usize,
    /// Rows that meet the conditions and are of one of the two groups.
    pub taken: usize,
    /// Of the rows that the conditions leave and of these in the two groups, how many lack the value of a column, by column; only those of which some do.
    pub missing: Vec<(String, usize)>,
    /// Covariates as they entered the model.
    pub covariates: Vec<Covariate>,
    /// The answer for each value, in the order asked.
    pub answers: Vec<GroupAnswer>,
    /// Subjects with several rows.
    pub repeated: Repeated,
    /// Subjects without a row in the other group, left out of pairs.
    pub single: usize,
    /// Other columns of numbers that differ strongly between the groups, the strongest first.
    pub confounders: Vec<Confounder>,
}

/// Answers a question about the groups of a table.
///
/// # Errors
/// [`Error::Usage`] for columns that are not there, groups that are not two, or a question that contradicts itself; [`Error::Format`] with the line for cells that are no numbers
/// where numbers are needed, and for pairs that are none. What has no answer for lack of values is an answer with its reason.
pub fn compare_groups(table: &TextTable, question: &GroupQuestion) -> Result<GroupStudy> {
    question.check()?;
    let by = table.column(&question.by)?;
    let subject = question.subject.as_deref().map(|name| table.column(name)).transpose()?;
    let values = question.values.iter().map(|text| Quantity::of(table, text)).collect::<Result<Vec<_>>>()?;
    let mut missing = Missing::default();
    let rows = condition::rows(table, &question.conditions, &mut missing)?;
    let (groups, rows) = levels::split(table, (by, &rows), question.groups.as_ref(), &mut missing)?;
    let covariates = covariates::read(table, &question.covariates, &rows)?;

    let answering = Answering { table, question, rows: &rows, covariates: &covariates, subject };
    let (mut answers, mut single) = (Vec::new(), 0);
    for value in &values {
        let (answer, alone) = answering.answer(value, &mut missing)?;
        single = single.max(alone);
        answers.push(answer);
    }
    adjust(&mut answers);

    let used = values.iter().flat_map(Quantity::columns).chain([by]).chain(subject);
    let used: Vec<usize> = used.chain(covariates.iter().map(|covariate| covariate.column)).collect();
    Ok(GroupStudy {
        question: question.clone(),
        groups,
        rows: table.rows(),
        taken: rows[0].len() + rows[1].len(),
        missing: missing.named(table),
        answers,
        repeated: subject.map(|column| Repeated::of(table, column, &rows)).unwrap_or_default(),
        single,
        confounders: confounders::find(table, &rows, &used),
        covariates,
    })
}

/// Adds the p that account for all values that have one.
fn adjust(answers: &mut [GroupAnswer]) {
    let p: Vec<f64> = answers.iter().filter_map(GroupAnswer::p).collect();
    let mut adjusted = holm(&p).into_iter().zip(benjamini_hochberg(&p));
    for answer in answers.iter_mut().filter(|answer| answer.p().is_some()) {
        (answer.p_holm, answer.p_bh) = adjusted.next().unzip();
    }
}

/// Rows without a value, by column.
#[derive(Debug, Default)]
struct Missing(std::collections::BTreeMap<usize, std::collections::BTreeSet<usize>>);

impl Missing {
    /// A row that has no value in a column.
    fn add(&mut self, column: usize, row: usize) {
        self.0.entry(column).or_default().insert(row);
    }

    /// How many of each column, in the order of the table.
    fn named(&self, table: &TextTable) -> Vec<(String, usize)> {
        self.0.iter().map(|(column, rows)| (table.names()[*column].clone(), rows.len())).collect()
    }
}

/// A question that cannot be asked.
fn refuse<T>(what: impl Into<String>, hint: impl Into<crate::Hint>) -> Result<T> {
    Err(Error::usage(what, hint))
}
