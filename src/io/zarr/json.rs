//! Numbers and names out of JSON, or an error that says which field is wrong and nothing of what it holds.

use std::path::Path;

use serde_json::Value;

use crate::io::stored::broken;
use crate::{Error, Result};

/// The longest name of a codec or a type that is repeated in a message.
const LONGEST_NAME: usize = 40;

/// A list of whole numbers, none negative.
///
/// # Errors
/// [`Error::Format`] with the path, as all here.
pub(super) fn integers(path: &Path, value: &Value, field: &str) -> Result<Vec<u64>> {
    let all = value.as_array().and_then(|list| list.iter().map(Value::as_u64).collect());
    all.ok_or_else(|| broken(path, format!("{field} is no list of whole numbers")))
}

/// A list of finite numbers, one for each axis.
pub(super) fn numbers(path: &Path, value: &Value, field: &str, axes: usize) -> Result<Vec<f64>> {
    let all: Option<Vec<f64>> = value.as_array().and_then(|list| list.iter().map(Value::as_f64).collect());
    let all = all.ok_or_else(|| broken(path, format!("{field} is no list of numbers")))?;
    if all.len() != axes {
        return Err(broken(path, format!("{field} has {} numbers for {axes} axes", all.len())));
    }
    Ok(all)
}

/// A text.
pub(super) fn text<'a>(path: &Path, value: &'a Value, field: &str) -> Result<&'a str> {
    value.as_str().ok_or_else(|| broken(path, format!("{field} is missing or no text")))
}

/// What is not read, by its name where that is but a name: a file may hold any text there.
pub(super) fn unknown(path: &Path, what: &str, name: &str) -> Error {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '<' | '>' | '|');
    let said = if !name.is_empty() && name.len() <= LONGEST_NAME && name.chars().all(plain) {
        format!("{what} {name}")
    } else {
        format!("{what} of another name")
    };
    Error::unsupported(path, format!("{said} is not read"), "save the array again, with zstd, gzip or Blosc and plain numbers")
}
