//! Whether results are good enough.

use super::super::rows::{Rows, Value};
use super::super::words::number;

/// What a measure must reach, by its key in a row of results.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// The key.
    pub key: String,
    /// The least that is good enough.
    pub least: f64,
}

/// A measure that is not good enough, or that there is none of.
#[derive(Debug, Clone, PartialEq)]
pub struct Shortfall {
    /// Of which row.
    pub row: String,
    /// The measure.
    pub key: String,
    /// What it is; none where it is n/a.
    pub value: Option<f64>,
    /// What it should be.
    pub bound: Bound,
}

/// Where a measure should lie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// Here or above.
    AtLeast(f64),
    /// Here or below.
    AtMost(f64),
}

impl std::fmt::Display for Shortfall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let value = self.value.map_or_else(|| "n/a".into(), number);
        let (bound, side) = match self.bound {
            Bound::AtLeast(least) => (number(least), "more"),
            Bound::AtMost(most) => (number(most), "less"),
        };
        write!(f, "{}: {} is {value}, not {bound} or {side}", self.row, self.key)
    }
}

/// What falls short in a row of results, which is called `name`. What is n/a is not good enough.
pub fn shortfalls(name: &str, row: &Rows, limits: &[Limit]) -> Vec<Shortfall> {
    let below = |limit: &Limit| {
        let value = row.get(&limit.key).and_then(Value::number);
        let good = value.is_some_and(|value| value >= limit.least);
        (!good).then(|| Shortfall { row: name.to_owned(), key: limit.key.clone(), value, bound: Bound::AtLeast(limit.least) })
    };
    limits.iter().filter_map(below).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_falls_short() {
        let mut row = Rows::new();
        row.key("dice", Value::from(0.8).read_as("0.8000"));
        row.key("iou", Value::Missing.read_as("n/a"));
        let limit = |key: &str, least| Limit { key: key.into(), least };
        assert!(shortfalls("label 1", &row, &[limit("dice", 0.8)]).is_empty());
        let all = shortfalls("label 1", &row, &[limit("dice", 0.9), limit("iou", 0.0)]);
        let said: Vec<String> = all.iter().map(ToString::to_string).collect();
        assert_eq!(said, ["label 1: dice is 0.8, not 0.9 or more", "label 1: iou is n/a, not 0 or more"]);
    }
}
