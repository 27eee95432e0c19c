//! What a difference is adjusted for.

use std::collections::BTreeMap;

use super::levels::TwoGroups;
use super::{Missing, refuse};
use crate::Result;
use crate::io::{NumberCell, TextTable};

/// A column that a difference is adjusted for.
#[derive(Debug, Clone, PartialEq)]
pub struct Covariate {
    /// Its name.
    pub name: String,
    /// Which column of the table it is.
    pub(super) column: usize,
    /// Of texts those that occur, sorted: the first is what the others are compared with. Empty for numbers.
    pub levels: Vec<String>,
}

/// More different texts are no categories.
const MOST_LEVELS: usize = 20;

/// The covariates with these names. A column is one of numbers if at least half of its cells are; then all must be.
pub(super) fn read(table: &TextTable, names: &[String], rows: &TwoGroups) -> Result<Vec<Covariate>> {
    let one = |name: &String| {
        let column = table.column(name)?;
        let cells = || rows.iter().flatten().map(|row| (table.number(column, *row), *row));
        let known = cells().filter(|(cell, _)| *cell != NumberCell::Missing).count();
        let texts = cells().filter(|(cell, _)| *cell == NumberCell::Text).count();
        if 2 * texts <= known {
            return Ok(Covariate { name: name.clone(), column, levels: Vec::new() });
        }
        let mut levels: BTreeMap<&str, ()> = BTreeMap::new();
        rows.iter().flatten().filter_map(|row| table.text(column, *row)).for_each(|text| {
            levels.insert(text, ());
        });
        if levels.len() > MOST_LEVELS {
            let what = format!("the covariate {name} has {} different texts", levels.len());
            return refuse(what, format!("give a column of numbers, or of at most {MOST_LEVELS} texts"));
        }
        Ok(Covariate { name: name.clone(), column, levels: levels.into_keys().map(str::to_owned).collect() })
    };
    names.iter().map(one).collect()
}

impl Covariate {
    /// How many columns of the model it makes.
    pub(super) fn width(&self) -> usize {
        if self.levels.is_empty() { 1 } else { self.levels.len() - 1 }
    }

    /// Its columns in a row; none if its value is missing, which is counted.
    pub(super) fn values(&self, table: &TextTable, row: usize, missing: &mut Missing) -> Result<Option<Vec<f64>>> {
        let found = match self.levels.is_empty() {
            true => table.finite(self.column, row)?.map(|number| vec![number]),
            false => table
                .text(self.column, row)
                .map(|text| self.levels.iter().skip(1).map(|level| f64::from(u8::from(level == text))).collect()),
        };
        if found.is_none() {
            missing.add(self.column, row);
        }
        Ok(found)
    }
}
