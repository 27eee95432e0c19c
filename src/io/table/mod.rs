//! Tables of text: CSV and TSV with a line of names above, each cell with the line that it stands in.
//!
//! Fields may be quoted (RFC 4180). What lies between fields is a tab in files that end in `.tsv`, else what the first line has most of: tab, semicolon or comma. Cells are trimmed. Text is
//! UTF-8, with or without a byte order mark.

mod cells;
#[cfg(test)]
mod tests;

use std::io::Read;
use std::path::{Path, PathBuf};

use super::STREAM;
use crate::{Error, Result};

pub use cells::NumberCell;

/// The most bytes of a table: it is held in memory.
const MOST_BYTES: u64 = 1 << 30;

/// A table of text with named columns.
#[derive(Debug, Clone)]
pub struct TextTable {
    path: PathBuf,
    names: Vec<String>,
    /// Of each row.
    lines: Vec<u64>,
    /// Of each column, a text for each row.
    columns: Vec<Vec<String>>,
}

impl TextTable {
    /// Reads a file, or standard input for `-`.
    ///
    /// # Errors
    /// [`Error::Read`]; [`Error::Limit`] beyond 1 GiB; [`Error::Format`] with the line for what is no table: no text, no rows, a row with more or fewer fields than there are names.
    pub fn read(path: &Path) -> Result<Self> {
        let mut bytes = Vec::new();
        let read = |from: &mut dyn Read, into: &mut Vec<u8>| from.take(MOST_BYTES + 1).read_to_end(into);
        match path == Path::new(STREAM) {
            true => read(&mut std::io::stdin().lock(), &mut bytes),
            false => std::fs::File::open(path).and_then(|mut file| read(&mut file, &mut bytes)),
        }
        .map_err(Error::read(path))?;
        if bytes.len() as u64 > MOST_BYTES {
            return Err(Error::limit(path, "the table has more than 1 GiB", "leave out columns that are not needed"));
        }
        Self::parse(path, &bytes)
    }

    /// The bytes of a table; `path` is for messages and its ending.
    ///
    /// # Errors
    /// As [`TextTable::read`].
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self> {
        let broken = |what: String, hint: &str| Error::format(path, what, hint);
        let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        if text.contains(&0) {
            return Err(broken("this is no table of text".into(), "give a CSV or TSV file in UTF-8"));
        }
        if let Err(e) = std::str::from_utf8(text) {
            let line = 1 + text[..e.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
            return Err(broken(format!("line {line} is no UTF-8"), "save the table as UTF-8"));
        }
        let between = separator(path, text);
        let mut reader =
            csv::ReaderBuilder::new().delimiter(between).flexible(true).has_headers(false).trim(csv::Trim::All).from_reader(text);
        let mut table = Self { path: path.into(), names: Vec::new(), lines: Vec::new(), columns: Vec::new() };
        let mut at = TableLines { text, byte: 0, line: 1 };
        for record in reader.records() {
            let record = record.map_err(|e| broken(format!("the table cannot be read: {e}"), "check its quotes"))?;
            let line = at.of(record.position().map_or(0, csv::Position::byte) as usize);
            if table.names.is_empty() {
                table.names = record.iter().map(str::to_owned).collect();
                table.columns = vec![Vec::new(); table.names.len()];
                continue;
            }
            if record.len() != table.names.len() {
                let what = format!("line {line} has {} fields, the first line {}", record.len(), table.names.len());
                let comma = between == b',' && record.len() > table.names.len();
                let hint = if comma {
                    "quote fields that hold commas, and write decimals with a point, not a comma"
                } else {
                    "mend the line; an empty field is a missing value"
                };
                return Err(broken(what, hint));
            }
            table.lines.push(line);
            table.columns.iter_mut().zip(&record).for_each(|(column, cell)| column.push(cell.to_owned()));
        }
        match () {
            () if table.names.iter().all(String::is_empty) => {
                Err(broken("the table is empty".into(), "give one with a line of names, and a line for each row"))
            }
            () if table.lines.is_empty() => Err(broken("the table has names but no rows".into(), "give one with rows")),
            () => Ok(table),
        }
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.lines.len()
    }

    /// Names of columns in their order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The file that the table came from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The line in the file on which a row begins, from 1.
    pub fn line(&self, row: usize) -> u64 {
        self.lines[row]
    }

    /// Whether there is a column of this name.
    pub fn has(&self, name: &str) -> bool {
        self.names.iter().any(|own| own == name)
    }

    /// Which column has this name.
    ///
    /// # Errors
    /// [`Error::Usage`] if none has, with those there are, or if several have.
    pub fn column(&self, name: &str) -> Result<usize> {
        let mut found = (0..self.names.len()).filter(|i| self.names[*i] == name);
        match (found.next(), found.next()) {
            (Some(column), None) => Ok(column),
            (Some(_), Some(_)) => Err(Error::usage(format!("several columns are named {name}"), "give each a name of its own")),
            (None, _) => {
                const MOST: usize = 30;
                let mut list = self.names.iter().take(MOST).map(String::as_str).collect::<Vec<_>>().join(", ");
                if self.names.len() > MOST {
                    list += &format!(" and {} more", self.names.len() - MOST);
                }
                Err(Error::usage(format!("the table has no column {name:?}"), format!("it has {list}")))
            }
        }
    }

    /// A cell; none if its value is missing: empty, `.`, `-`, `?`, `NA`, `N/A`, `#N/A`, `NaN`, `null` or `None`, in any case.
    pub fn text(&self, column: usize, row: usize) -> Option<&str> {
        Some(self.columns[column][row].as_str()).filter(|text| !cells::is_missing(text))
    }

    /// A cell as a number.
    pub fn number(&self, column: usize, row: usize) -> NumberCell {
        self.text(column, row).map_or(NumberCell::Missing, cells::number)
    }

    /// A cell as a number; none if its value is missing.
    ///
    /// # Errors
    /// [`Error::Format`] with the line and the column of what is no finite number.
    pub fn finite(&self, column: usize, row: usize) -> Result<Option<f64>> {
        let place = || format!("line {}, column {}", self.line(row), self.names[column]);
        match self.number(column, row) {
            NumberCell::Missing => Ok(None),
            NumberCell::Finite(number) => Ok(Some(number)),
            NumberCell::Comma => {
                let what = format!("{}: a number with a comma", place());
                Err(Error::format(&self.path, what, "write decimals with a point, and no commas between thousands"))
            }
            // The text could name a person.
            NumberCell::Text => {
                let what = format!("{}: this is no finite number", place());
                Err(Error::format(&self.path, what, "mend it, or leave it empty if the value is missing"))
            }
        }
    }
}

/// What lies between fields.
fn separator(path: &Path, text: &[u8]) -> u8 {
    if path.extension().is_some_and(|end| end.eq_ignore_ascii_case("tsv") || end.eq_ignore_ascii_case("tab")) {
        return b'\t';
    }
    let mut quoted = false;
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0)];
    let first = text.iter().skip_while(|byte| byte.is_ascii_whitespace()).take_while(|byte| !matches!(byte, b'\n' | b'\r'));
    for byte in first {
        quoted ^= *byte == b'"';
        counts.iter_mut().filter(|(own, _)| own == byte && !quoted).for_each(|(_, n)| *n += 1);
    }
    // Of equally many the comma.
    counts.iter().rev().max_by_key(|(_, n)| *n).map_or(b',', |(own, _)| *own)
}

/// Finds lines by bytes, from the start on: empty lines count, and so do those within quotes.
struct TableLines<'a> {
    text: &'a [u8],
    byte: usize,
    line: u64,
}

impl TableLines<'_> {
    /// The line of the first text that begins at `byte` or behind.
    fn of(&mut self, byte: usize) -> u64 {
        let blank = self.text[byte..].iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
        let to = byte + blank;
        self.line += self.text[self.byte..to].iter().filter(|byte| **byte == b'\n').count() as u64;
        self.byte = to;
        self.line
    }
}
