//! What is compared: a column, or a quotient of two.

use super::Missing;
use crate::io::TextTable;
use crate::{Error, Result};

/// A column of numbers, or a quotient of two.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Quantity {
    /// As it was asked for.
    pub name: String,
    column: usize,
    over: Option<usize>,
}

impl Quantity {
    /// A column of this very name, else the quotient of the columns on both sides of a stroke.
    pub fn of(table: &TextTable, text: &str) -> Result<Self> {
        let name = text.to_owned();
        let quotient = text.match_indices('/').map(|(at, _)| (text[..at].trim(), text[at + 1..].trim()));
        // Names may hold a stroke themselves.
        let known = quotient.clone().find(|(above, below)| table.has(above) && table.has(below));
        match known.or(quotient.into_iter().next()).filter(|_| !table.has(text)) {
            None => Ok(Self { name, column: table.column(text)?, over: None }),
            Some((above, below)) => Ok(Self { name, column: table.column(above)?, over: Some(table.column(below)?) }),
        }
    }

    /// The columns that it is made of.
    pub fn columns(&self) -> impl Iterator<Item = usize> + use<> {
        std::iter::once(self.column).chain(self.over)
    }

    /// Its value in a row; none if it is missing, which is counted.
    pub fn value(&self, table: &TextTable, row: usize, missing: &mut Missing) -> Result<Option<f64>> {
        let mut number = |column: usize| {
            let number = table.finite(column, row)?;
            if number.is_none() {
                missing.add(column, row);
            }
            Ok::<_, Error>(number)
        };
        let above = number(self.column)?;
        let Some(over) = self.over else { return Ok(above) };
        let (Some(above), Some(below)) = (above, number(over)?) else { return Ok(None) };
        let quotient = above / below;
        if quotient.is_finite() {
            return Ok(Some(quotient));
        }
        let what = format!("line {}: {} is {above} / {below}, which is no number", table.line(row), self.name);
        Err(Error::format(table.path(), what, "mend the line, or leave the cell empty if the value is missing"))
    }
}
