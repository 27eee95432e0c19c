//! What was found, as rows: a key for programs, words for people, a value and its unit. Text, JSON and CSV are made from them in `export.rs`.

use std::borrow::Cow;

use super::words::{number, number_among, with_unit};

/// One thing that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its name in JSON and CSV: a word, with the unit where it has one (`volume_ml`). Empty: for people alone.
    pub key: Cow<'static, str>,
    /// Its name in text. Empty: for programs alone, such as what people have read one row above.
    pub words: Cow<'static, str>,
    /// What was found.
    pub value: Value,
    /// Its unit as written behind a number; may be empty.
    pub unit: &'static str,
}

/// A value of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Not known, or not defined: null in JSON, no line in text, `-` in a table.
    Missing,
    /// Yes or no.
    Flag(bool),
    /// How many.
    Count(u64),
    /// A measure.
    Number(f64),
    /// A name or a word.
    Text(String),
    /// Several of a kind. In a table and in CSV: a column.
    List(Vec<Value>),
    /// Rows below this one. In text they stand in its place.
    Rows(Rows),
    /// A value that people read in other words, which hold its unit where it has one.
    Phrase(Box<Value>, String),
}

impl Value {
    /// The same, which people read as `text`.
    #[must_use]
    pub fn read_as(self, text: impl Into<String>) -> Self {
        Self::Phrase(Box::new(self), text.into())
    }

    /// A measure as a number; none for what is missing or something else.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Phrase(value, _) => value.number(),
            _ => None,
        }
    }

    /// A measure among others that spread over `spread`, which people read with as many digits as tell them apart.
    pub(super) fn among(value: f64, spread: f64, unit: &str) -> Self {
        let text = number_among(value, spread);
        if text == number(value) { Self::Number(value) } else { Self::Number(value).read_as(with_unit(&text, unit)) }
    }

    /// A count whose digits stand together, such as a number of files.
    pub fn digits(n: u64) -> Self {
        Self::Count(n).read_as(n.to_string())
    }
}

/// Rows in the order in which they are told.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rows(Vec<Row>);

impl Rows {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a row.
    pub fn add(
        &mut self,
        key: impl Into<Cow<'static, str>>,
        words: impl Into<Cow<'static, str>>,
        value: impl Into<Value>,
        unit: &'static str,
    ) {
        self.0.push(Row { key: key.into(), words: words.into(), value: value.into(), unit });
    }

    /// Adds a row for programs alone.
    pub fn key(&mut self, key: impl Into<Cow<'static, str>>, value: impl Into<Value>) {
        self.add(key, "", value, "");
    }

    /// Adds a row for programs alone, in place of one with this key if there is one.
    pub fn set(&mut self, key: &'static str, value: impl Into<Value>) {
        self.0.retain(|row| row.key != key);
        self.key(key, value);
    }

    /// Adds a row for people alone.
    pub fn words(&mut self, words: impl Into<Cow<'static, str>>, value: impl Into<Value>, unit: &'static str) {
        self.add("", words, value, unit);
    }

    /// Adds a row of which people read only if there is something to say.
    pub fn add_if(&mut self, told: bool, key: &'static str, words: &'static str, value: impl Into<Value>, unit: &'static str) {
        self.add(key, if told { words } else { "" }, value, unit);
    }

    /// The rows in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Row> {
        self.0.iter()
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.iter().find(|row| row.key == key).map(|row| &row.value)
    }

    /// Several results of a kind, such as one for each class, as one with a column for each row: the first of those that have the most says which.
    pub fn columns(lines: &[Self]) -> Self {
        let mut all = Self::new();
        for (i, row) in lines.iter().rev().max_by_key(|line| line.0.len()).into_iter().flat_map(Self::iter).enumerate() {
            let alike = |other: &&Row| other.key == row.key && other.words == row.words;
            let found =
                |line: &Self| line.0.get(i).filter(alike).or_else(|| line.iter().find(alike)).map(|row| row.value.clone());
            let same = |line: &Self| found(line).unwrap_or(Value::Missing);
            let values = lines.iter().map(same).collect();
            all.0.push(Row { value: Value::List(values), ..row.clone() });
        }
        all
    }
}

impl Extend<Row> for Rows {
    fn extend<T: IntoIterator<Item = Row>>(&mut self, rows: T) {
        self.0.extend(rows);
    }
}

impl IntoIterator for Rows {
    type Item = Row;
    type IntoIter = std::vec::IntoIter<Row>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Rows {
    type Item = &'a Row;
    type IntoIter = std::slice::Iter<'a, Row>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<u64> for Value {
    fn from(n: u64) -> Self {
        Self::Count(n)
    }
}

impl From<usize> for Value {
    fn from(n: usize) -> Self {
        Self::Count(n as u64)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Rows> for Value {
    fn from(rows: Rows) -> Self {
        Self::Rows(rows)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Missing, Into::into)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(values: Vec<T>) -> Self {
        Self::List(values.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Value>, const N: usize> From<[T; N]> for Value {
    fn from(values: [T; N]) -> Self {
        Self::List(values.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Value> + Clone> From<&[T]> for Value {
    fn from(values: &[T]) -> Self {
        Self::List(values.iter().cloned().map(Into::into).collect())
    }
}
