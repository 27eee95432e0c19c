//! Which rows count.

use std::fmt;
use std::str::FromStr;

use super::Missing;
use crate::Result;
use crate::io::TextTable;

/// A condition such as `age>=60` or `sex=F`.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    column: String,
    relation: Relation,
    to: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    AtLeast,
    AtMost,
    Not,
    Equal,
    Above,
    Below,
}

/// Longer ones first: the first that is found at a place is meant.
const RELATIONS: [(&str, Relation); 7] = [
    (">=", Relation::AtLeast),
    ("<=", Relation::AtMost),
    ("!=", Relation::Not),
    ("==", Relation::Equal),
    ("=", Relation::Equal),
    (">", Relation::Above),
    ("<", Relation::Below),
];

impl FromStr for Condition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || "give a column, one of > >= < <= = !=, and a number or text: age>=60".to_owned();
        let at = text.find(['>', '<', '!', '=']).ok_or_else(bad)?;
        let (sign, relation) = RELATIONS.into_iter().find(|(sign, _)| text[at..].starts_with(sign)).ok_or_else(bad)?;
        let (column, to) = (text[..at].trim(), text[at + sign.len()..].trim());
        if column.is_empty() || to.is_empty() || to.starts_with(['=', '<', '>']) {
            return Err(bad());
        }
        let condition = Self { column: column.into(), relation, to: to.into() };
        let ordered = !matches!(relation, Relation::Equal | Relation::Not);
        if ordered && condition.number().is_none() {
            return Err(format!("{to:?} is no number, and texts are not above or below each other"));
        }
        Ok(condition)
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = RELATIONS.iter().rev().find(|(_, relation)| *relation == self.relation).map_or("", |(sign, _)| sign);
        write!(f, "{}{sign}{}", self.column, self.to)
    }
}

impl Condition {
    fn number(&self) -> Option<f64> {
        self.to.parse().ok().filter(|number: &f64| number.is_finite())
    }

    /// Whether a row meets it; none if its value is missing. Numbers are compared as numbers, so that 1 is 1.0; a text that is asked for is compared as it stands.
    fn met(&self, table: &TextTable, column: usize, row: usize) -> Result<Option<bool>> {
        let Some(text) = table.text(column, row) else { return Ok(None) };
        let Some(bound) = self.number() else {
            return Ok(Some((text == self.to) == (self.relation == Relation::Equal)));
        };
        Ok(table.finite(column, row)?.map(|own| match self.relation {
            Relation::AtLeast => own >= bound,
            Relation::AtMost => own <= bound,
            Relation::Not => own != bound,
            Relation::Equal => own == bound,
            Relation::Above => own > bound,
            Relation::Below => own < bound,
        }))
    }
}

/// The rows that meet all conditions. What has no value does not, and is counted.
pub(super) fn rows(table: &TextTable, conditions: &[Condition], missing: &mut Missing) -> Result<Vec<usize>> {
    let columns = conditions.iter().map(|own| table.column(&own.column)).collect::<Result<Vec<_>>>()?;
    let mut left = Vec::new();
    for row in 0..table.rows() {
        let mut all = true;
        for (condition, column) in conditions.iter().zip(&columns) {
            let met = condition.met(table, *column, row)?;
            if met.is_none() {
                missing.add(*column, row);
            }
            all &= met == Some(true);
        }
        if all {
            left.push(row);
        }
    }
    Ok(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_as_they_are_typed() {
        for (text, shown) in
            [("age>60", "age>60"), (" age >= 60.5 ", "age>=60.5"), ("sex=F", "sex=F"), ("sex==F", "sex=F"), ("x!=-1", "x!=-1")]
        {
            assert_eq!(text.parse::<Condition>().unwrap().to_string(), shown);
        }
        for text in ["", "age", "age>", ">5", "age>x", "age=>5", "age!5", "age>nan", "a<=>b"] {
            assert!(text.parse::<Condition>().is_err(), "{text}");
        }
    }
}
