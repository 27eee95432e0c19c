//! Other columns that differ between the groups.

use super::levels::TwoGroups;
use crate::analysis::groups::{GroupSummary, welch};
use crate::io::{NumberCell, TextTable};

/// A column of numbers that differs strongly between the groups and that the question leaves alone.
#[derive(Debug, Clone, PartialEq)]
pub struct Confounder {
    /// Its name.
    pub name: String,
    /// Of both groups.
    pub groups: [GroupSummary; 2],
    /// The difference of the means in deviations: √((s₁² + s₂²)/2).
    pub deviations: f64,
}

/// From this many deviations on a difference is strong.
const STRONG: f64 = 0.5;
/// And it must not be such as chance makes one time in twenty.
const CHANCE: f64 = 0.05;

/// Columns that differ strongly, but for those in `used`, the strongest first.
pub(super) fn find(table: &TextTable, rows: &TwoGroups, used: &[usize]) -> Vec<Confounder> {
    let of = |column: usize| {
        let mut values: [Vec<f64>; 2] = Default::default();
        for (rows, values) in rows.iter().zip(&mut values) {
            for row in rows {
                match table.number(column, *row) {
                    NumberCell::Finite(number) => values.push(number),
                    NumberCell::Missing => {}
                    _ => return None,
                }
            }
        }
        let [first, second] = [GroupSummary::of(&values[0])?, GroupSummary::of(&values[1])?];
        let deviation = ((first.variance + second.variance) / 2.0).sqrt();
        let deviations = (first.mean - second.mean) / deviation;
        let chance = welch(&values[0], &values[1]).map_or(1.0, |test| test.p);
        // Groups that are constant, each at another value, are told apart by the column.
        let apart = deviation == 0.0 && first.mean != second.mean && first.n.min(second.n) > 1;
        let strong = apart || (deviations.abs() >= STRONG && chance < CHANCE);
        strong.then(|| Confounder { name: table.names()[column].clone(), groups: [first, second], deviations })
    };
    let mut found: Vec<Confounder> = (0..table.names().len()).filter(|column| !used.contains(column)).filter_map(of).collect();
    found.sort_by(|a, b| b.deviations.abs().total_cmp(&a.deviations.abs()));
    found
}
