//! Four lines of four numbers.

use std::path::Path;

use crate::volume::Affine;
use crate::{Error, Result};

/// A number that is one.
pub(super) fn number(path: &Path, word: &str) -> Result<f64> {
    let value = word.parse::<f64>().ok().filter(|v| v.is_finite());
    value.ok_or_else(|| Error::format(path, "a word in a transform that is no number", "check the file"))
}

/// The matrix whose rows a text has, the last of them 0 0 0 1; lines that begin with # are remarks.
pub(super) fn matrix(path: &Path, text: &str) -> Result<Affine> {
    let words = text.lines().filter(|line| !line.trim_start().starts_with('#')).flat_map(str::split_whitespace);
    let all: Vec<f64> = words.map(|word| number(path, word)).collect::<Result<_>>()?;
    let wrong = |what: String| Error::format(path, what, "give four lines of four numbers, or a transform of ITK or FLIRT");
    let ([rows @ .., last], []) = all.as_chunks::<4>() else {
        return Err(wrong(format!("{} numbers in a transform", all.len())));
    };
    let Ok(rows) = <[[f64; 4]; 3]>::try_from(rows) else {
        return Err(wrong(format!("{} numbers in a transform", all.len())));
    };
    if *last != [0.0, 0.0, 0.0, 1.0] {
        return Err(wrong("a matrix whose last line is not 0 0 0 1".into()));
    }
    Ok(Affine(rows))
}
