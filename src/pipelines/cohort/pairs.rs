//! Two rows of one subject.

use std::collections::HashMap;

use super::Missing;
use super::levels::TwoGroups;
use crate::io::TextTable;
use crate::{Error, Result};

/// Rows of both groups that belong to one subject, in the order of the first group's, and how many subjects have rows in one group only.
pub(super) fn of(table: &TextTable, column: usize, rows: &TwoGroups, missing: &mut Missing) -> Result<(TwoGroups, usize)> {
    let mut places: [HashMap<&str, usize>; 2] = Default::default();
    for (rows, places) in rows.iter().zip(&mut places) {
        for row in rows {
            let Some(subject) = table.text(column, *row) else {
                missing.add(column, *row);
                continue;
            };
            if let Some(other) = places.insert(subject, *row) {
                let what = format!("lines {} and {} are the same subject in the same group", table.line(other), table.line(*row));
                return Err(Error::format(
                    table.path(),
                    what,
                    "pairs need one row of each subject in each group: choose one by a condition",
                ));
            }
        }
    }
    let [first, second] = &places;
    let subject = |row: &usize| table.text(column, *row);
    let both: Vec<(usize, usize)> = rows[0].iter().filter_map(|row| Some((*row, *second.get(subject(row)?)?))).collect();
    let single = first.len() + second.len() - 2 * both.len();
    let (firsts, seconds) = both.into_iter().unzip();
    Ok(([firsts, seconds], single))
}
