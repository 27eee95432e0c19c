//! The text of a NRRD header: `field: value` lines between the magic and an empty line.
//!
//! Only the fields that say how voxels lie and what they mean are kept. `content`, comments and key/value pairs (`key:=value`) may hold a
//! patient's name: they are skipped and never shown.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::path::Path;

use crate::io::stored::{HeaderLines, broken};
use crate::{Error, Result};

/// What is kept, as teem names it, without blanks: `space directions` and `spacedirections` are one.
const KNOWN: [&str; 22] = [
    "type",
    "dimension",
    "sizes",
    "encoding",
    "endian",
    "spacings",
    "axismins",
    "axismaxs",
    "units",
    "kinds",
    "space",
    "spacedimension",
    "spaceunits",
    "spaceorigin",
    "spacedirections",
    "lineskip",
    "byteskip",
    "datafile",
    "oldmin",
    "oldmax",
    "sampleunits",
    "centers",
];

/// Fields of the format that say nothing of how to read it here.
const PASSED: [&str; 10] =
    ["content", "number", "min", "max", "thicknesses", "labels", "measurementframe", "blocksize", "centerings", "spacecenters"];

/// The fields of a header, and where it ends.
#[derive(Debug, Default)]
pub(super) struct HeaderText {
    /// By name without blanks, in lower case.
    fields: BTreeMap<&'static str, String>,
    /// The names behind `data file: LIST`.
    pub(super) list: Vec<String>,
    /// Bytes up to the first of the data.
    pub(super) length: u64,
    /// An empty line ended it: data may follow.
    pub(super) attached: bool,
    /// Fields that the format does not have.
    pub(super) unknown: u64,
}

impl HeaderText {
    /// Reads up to the empty line, or to the end of the file.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Format`] and [`Error::Unsupported`], with the path.
    pub(super) fn read(path: &Path, file: impl BufRead) -> Result<Self> {
        let (mut text, mut lines) = (Self::default(), HeaderLines::new(path, file));
        let Some(magic) = lines.next()? else { return Err(broken(path, "the file is empty")) };
        match magic.strip_prefix("NRRD000").map(str::as_bytes) {
            Some([b'1'..=b'5']) => {}
            Some([digit @ b'6'..=b'9']) => {
                let what = format!("NRRD000{} (1 to 5 are known)", *digit as char);
                return Err(Error::unsupported(path, what, "write it as NRRD0005 or older"));
            }
            _ => return Err(broken(path, "the NRRD magic is missing")),
        }
        while let Some(line) = lines.next()? {
            if line.is_empty() {
                text.attached = true;
                break;
            }
            text.field(path, &line)?;
            if text.get("datafile").is_some_and(|value| value.split_whitespace().next() == Some("LIST")) {
                // All lines from here on are names.
                while let Some(name) = lines.next()?.filter(|name| !name.is_empty()) {
                    text.list.push(name);
                }
                break;
            }
        }
        text.length = lines.length();
        Ok(text)
    }

    fn field(&mut self, path: &Path, line: &str) -> Result<()> {
        if line.starts_with('#') {
            return Ok(());
        }
        let Some((name, value)) = line.split_once(':') else {
            return Err(broken(path, "a line of the header is no field"));
        };
        if value.starts_with('=') {
            return Ok(());
        }
        let name: String = name.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_lowercase()).collect();
        let Some(known) = KNOWN.into_iter().find(|known| *known == name) else {
            self.unknown += u64::from(!PASSED.contains(&name.as_str()));
            return Ok(());
        };
        if self.fields.insert(known, value.trim().to_owned()).is_some() {
            return Err(broken(path, format!("the field {known} is there twice")));
        }
        Ok(())
    }

    /// The value of a field, by its name without blanks.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }

    /// The value of a field that must be there.
    pub(super) fn required(&self, path: &Path, name: &'static str) -> Result<&str> {
        self.get(name).ok_or_else(|| broken(path, format!("the header has no field {name}")))
    }

    /// A whole number.
    pub(super) fn integer(&self, path: &Path, name: &'static str) -> Result<Option<i64>> {
        let read = |value: &str| value.parse().map_err(|_| broken(path, format!("the field {name} is no whole number")));
        self.get(name).map(read).transpose()
    }

    /// One value for each of `count` axes.
    pub(super) fn per_axis(&self, path: &Path, name: &'static str, count: usize) -> Result<Option<Vec<String>>> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let words = words(value);
        if words.len() != count {
            return Err(broken(path, format!("the field {name} has {} values for {count} axes", words.len())));
        }
        Ok(Some(words))
    }

    /// One number for each of `count` axes; NaN where there is none.
    pub(super) fn numbers(&self, path: &Path, name: &'static str, count: usize) -> Result<Option<Vec<f64>>> {
        let number = |word: &String| word.parse().map_err(|_| broken(path, format!("the field {name} holds what is no number")));
        self.per_axis(path, name, count)?.map(|words| words.iter().map(number).collect()).transpose()
    }
}

/// Words between blanks; what stands between quotes or brackets is one, without the quotes.
fn words(value: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = value.trim_start();
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '"' => rest[1..].find('"').map(|i| i + 2),
            '(' => rest.find(')').map(|i| i + 1),
            _ => rest.find(char::is_whitespace),
        };
        let (word, later) = rest.split_at(end.unwrap_or(rest.len()));
        found.push(word.trim_matches('"').to_owned());
        rest = later.trim_start();
    }
    found
}

/// The numbers of `(a,b,c)`; none for `none` and for a vector of which nothing is a number. Any other text is an error.
pub(super) fn vector(word: &str) -> Result<Option<Vec<f64>>, ()> {
    if word.eq_ignore_ascii_case("none") {
        return Ok(None);
    }
    let inner = word.strip_prefix('(').and_then(|w| w.strip_suffix(')')).ok_or(())?;
    let numbers: Result<Vec<f64>, ()> = inner.split(',').map(|n| n.trim().parse().map_err(|_| ())).collect();
    Ok(Some(numbers?).filter(|v| !v.iter().all(|n| n.is_nan())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_vectors_and_quotes() {
        assert_eq!(words(r#" (1, 0,0) none  "mm" "" (0,1,0)"#), ["(1, 0,0)", "none", "mm", "", "(0,1,0)"]);
        assert_eq!(words("\"open é (1"), ["open é (1"]);
        assert_eq!(vector("(1, -2.5,3e1)"), Ok(Some(vec![1.0, -2.5, 30.0])));
        assert_eq!((vector("none"), vector("(nan,nan)")), (Ok(None), Ok(None)));
        assert!(vector("1,2").is_err() && vector("(a)").is_err() && vector("()").is_err() && vector("(").is_err());
    }

    #[test]
    fn pairs_comments_and_content_are_not_kept() {
        let lines = "NRRD0004\r\n# Jane Doe\ntype: short\nContent: Jane Doe\nPatient:=Jane: Doe\nspace  Origin: (1,2,3)\nJane: Doe\n\nvoxels";
        let text = HeaderText::read(Path::new("a"), lines.as_bytes()).unwrap();
        assert_eq!((text.get("type"), text.get("spaceorigin")), (Some("short"), Some("(1,2,3)")));
        assert!(text.attached && text.unknown == 1 && text.fields.len() == 2);
        assert_eq!(text.length as usize, lines.len() - 6);
        let twice = HeaderText::read(Path::new("a"), "NRRD0004\ntype: int\ntype: int\n".as_bytes()).unwrap_err();
        assert!(twice.to_string().starts_with("the field type is there twice"), "{twice}");
        let endless = "NRRD0004\n".to_owned() + &"k:=v\n".repeat(1 << 20);
        assert!(HeaderText::read(Path::new("a"), endless.as_bytes()).unwrap_err().to_string().contains("does not end"));
        let newer = HeaderText::read(Path::new("a"), "NRRD0006\n".as_bytes()).unwrap_err();
        assert!(matches!(newer, Error::Unsupported { .. }));
    }
}
