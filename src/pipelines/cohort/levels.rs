//! Which rows are of which group.

use std::collections::BTreeMap;

use super::{Missing, refuse};
use crate::io::TextTable;
use crate::{Hint, Result};

/// More groups than these are counted, not named: they may be names of people.
const MOST_NAMED: usize = 12;

/// Rows of the first group and of the second.
pub(super) type TwoGroups = [Vec<usize>; 2];

/// The names of two groups and their rows, of `rows` by the texts of a column.
pub(super) fn split(
    table: &TextTable,
    (by, rows): (usize, &[usize]),
    asked: Option<&[String; 2]>,
    missing: &mut Missing,
) -> Result<([String; 2], TwoGroups)> {
    let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for row in rows {
        match table.text(by, *row) {
            Some(text) => groups.entry(text).or_default().push(*row),
            None => missing.add(by, *row),
        }
    }
    let name = &table.names()[by];
    let mut names: Vec<&str> = groups.keys().copied().collect();
    let numbers: Option<Vec<f64>> = names.iter().map(|text| text.parse().ok()).collect();
    if numbers.is_some() {
        let number = |text: &str| text.parse::<f64>().unwrap_or_default();
        names.sort_by(|a, b| number(a).total_cmp(&number(b)));
    }
    let list = || match names.len() {
        0..=MOST_NAMED => names.iter().map(|text| format!("{text} ({} rows)", groups[text].len())).collect::<Vec<_>>().join(", "),
        n => format!("{n} different texts"),
    };
    let chosen = match asked {
        Some([first, second]) if first == second => {
            return refuse(format!("both groups are {first}"), "name two different ones");
        }
        Some(both) => {
            if let Some(none) = both.iter().find(|group| !groups.contains_key(group.as_str())) {
                return refuse(format!("column {name} has no row of group {none:?} that counts"), format!("it has {}", list()));
            }
            both.clone()
        }
        None => match names.as_slice() {
            [first, second] => [(*first).to_owned(), (*second).to_owned()],
            [] => {
                return refuse(
                    format!("no row counts: column {name} has no group"),
                    "check the conditions, and that groups are not missing",
                );
            }
            [one] => {
                return refuse(
                    format!("column {name} has one group only: {one} ({} rows that count)", groups[one].len()),
                    "a second one is needed to compare with",
                );
            }
            _ => return refuse(format!("column {name} has {} groups: {}", names.len(), list()), Hint::NameGroups),
        },
    };
    let rows = chosen.each_ref().map(|group| groups.remove(group.as_str()).unwrap_or_default());
    Ok((chosen, rows))
}
