//! The header of a .npy file: a Python dictionary of three keys, read by a parser that knows nothing else. Nothing is evaluated.

use std::path::Path;

use crate::io::stored::broken;
use crate::volume::Dtype;
use crate::{Error, Result};

/// What a header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ArrayText {
    pub(super) big_endian: bool,
    pub(super) number: Number,
    /// The first axis is the fastest.
    pub(super) fortran_order: bool,
    pub(super) shape: Vec<u64>,
}

/// Types of numbers that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    Of(Dtype),
    /// Read as float32.
    Half,
}

/// numpy's codes of the types.
pub(super) const CODES: [(Dtype, &str); 10] = [
    (Dtype::I8, "i1"),
    (Dtype::U8, "u1"),
    (Dtype::I16, "i2"),
    (Dtype::U16, "u2"),
    (Dtype::I32, "i4"),
    (Dtype::U32, "u4"),
    (Dtype::I64, "i8"),
    (Dtype::U64, "u8"),
    (Dtype::F32, "f4"),
    (Dtype::F64, "f8"),
];

impl ArrayText {
    /// Reads the text of a header.
    ///
    /// # Errors
    /// [`Error::Format`] and [`Error::Unsupported`], with the path.
    pub(super) fn parse(path: &Path, text: &[u8]) -> Result<Self> {
        let dictionary = Parser { rest: text }
            .dictionary()
            .ok_or_else(|| broken(path, "the header is no dictionary of descr, fortran_order and shape"))?;
        let (big_endian, number) = match &dictionary.descr {
            Descr::Plain(code) => number(path, code)?,
            Descr::Structured => return Err(unsupported(path, "a structured array (several numbers with names)")),
        };
        Ok(Self { big_endian, number, fortran_order: dictionary.fortran_order, shape: dictionary.shape })
    }
}

fn number(path: &Path, code: &[u8]) -> Result<(bool, Number)> {
    let unknown = || broken(path, "the type of the array is none of numpy's");
    let (order, code) = code.split_first().ok_or_else(unknown)?;
    let code = std::str::from_utf8(code).map_err(|_| unknown())?;
    let big_endian = match order {
        b'<' | b'|' | b'=' => false,
        b'>' => true,
        _ => return Err(unknown()),
    };
    // Booleans are bytes of 0 and 1.
    let dtype =
        if code == "b1" { Some(Dtype::U8) } else { CODES.iter().find(|(_, known)| *known == code).map(|(dtype, _)| *dtype) };
    match (dtype, code.as_bytes().first()) {
        // Written by no numpy, and nobody knows by which machine.
        (Some(dtype), _) if dtype.bytes() > 1 && !matches!(order, b'<' | b'>') => {
            Err(broken(path, "the order of bytes is not stated"))
        }
        (Some(dtype), _) => Ok((big_endian, Number::Of(dtype))),
        (None, _) if code == "f2" && matches!(order, b'<' | b'>') => Ok((big_endian, Number::Half)),
        (None, Some(b'O')) => Err(unsupported(path, "an array of Python objects, which can run code")),
        (None, Some(b'c')) => Err(unsupported(path, "complex numbers")),
        (None, Some(b'f' | b'g')) => Err(unsupported(path, "floats of more than 64 bits")),
        (None, Some(b'S' | b'U' | b'a' | b'V')) => Err(unsupported(path, "an array of text or of raw bytes")),
        (None, Some(b'm' | b'M')) => Err(unsupported(path, "an array of times")),
        _ => Err(unknown()),
    }
}

fn unsupported(path: &Path, what: &str) -> Error {
    Error::unsupported(path, what, "save an array of integers or floats")
}

struct Parser<'a> {
    rest: &'a [u8],
}

enum Descr<'a> {
    Plain(&'a [u8]),
    Structured,
}

struct Dictionary<'a> {
    descr: Descr<'a>,
    fortran_order: bool,
    shape: Vec<u64>,
}

/// More axes than numpy has.
const MOST_AXES: usize = 64;

impl<'a> Parser<'a> {
    fn dictionary(mut self) -> Option<Dictionary<'a>> {
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        self.take(b'{')?;
        while !self.is_next(b'}') {
            let key = self.string()?;
            self.take(b':')?;
            let fresh = match key {
                b"descr" if self.is_next(b'[') => {
                    // Whatever else is wrong with it, it is not read.
                    return Some(Dictionary { descr: Descr::Structured, fortran_order: false, shape: Vec::new() });
                }
                b"descr" => descr.replace(Descr::Plain(self.string()?)).is_none(),
                b"fortran_order" => fortran_order.replace(self.truth()?).is_none(),
                b"shape" => shape.replace(self.tuple()?).is_none(),
                _ => false,
            };
            if !fresh || !(self.is_next(b'}') || self.take(b',').is_some()) {
                return None;
            }
        }
        self.take(b'}')?;
        self.blanks();
        self.rest.is_empty().then_some(Dictionary { descr: descr?, fortran_order: fortran_order?, shape: shape? })
    }

    fn blanks(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }

    fn is_next(&mut self, byte: u8) -> bool {
        self.blanks();
        self.rest.first() == Some(&byte)
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        self.blanks();
        self.rest = self.rest.strip_prefix(&[byte])?;
        Some(())
    }

    /// What stands between quotes; numpy escapes nothing.
    fn string(&mut self) -> Option<&'a [u8]> {
        self.blanks();
        let (quote, rest) = self.rest.split_first().filter(|(quote, _)| matches!(quote, b'\'' | b'"'))?;
        let end = rest.iter().position(|b| b == quote)?;
        self.rest = &rest[end + 1..];
        Some(&rest[..end])
    }

    fn truth(&mut self) -> Option<bool> {
        self.blanks();
        for (word, truth) in [("True", true), ("False", false)] {
            if let Some(rest) = self.rest.strip_prefix(word.as_bytes()) {
                self.rest = rest;
                return Some(truth);
            }
        }
        None
    }

    /// `()`, `(3,)`, `(3, 4)`; also `3L`, as Python 2 wrote it.
    fn tuple(&mut self) -> Option<Vec<u64>> {
        let mut numbers = Vec::new();
        self.take(b'(')?;
        while !self.is_next(b')') {
            let digits = self.rest.iter().take_while(|b| b.is_ascii_digit()).count();
            let (number, rest) = self.rest.split_at(digits);
            numbers.push(std::str::from_utf8(number).ok()?.parse().ok()?);
            self.rest = rest.strip_prefix(b"L").unwrap_or(rest);
            if numbers.len() > MOST_AXES || !(self.is_next(b')') || self.take(b',').is_some()) {
                return None;
            }
        }
        self.take(b')')?;
        Some(numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ArrayText> {
        ArrayText::parse(Path::new("a.npy"), text.as_bytes())
    }

    #[test]
    fn what_numpy_writes() {
        let found = parse("{'descr': '<i2', 'fortran_order': False, 'shape': (3, 4, 5), }   \n").unwrap();
        let want = ArrayText { big_endian: false, number: Number::Of(Dtype::I16), fortran_order: false, shape: vec![3, 4, 5] };
        assert_eq!(found, want);
        let found = parse("{\"shape\":(7L,),\"fortran_order\":True,\"descr\":\">f8\"}").unwrap();
        assert_eq!((found.big_endian, found.fortran_order, found.shape), (true, true, vec![7]));
        let number = |code: &str| parse(&format!("{{'descr': '{code}', 'fortran_order': False, 'shape': ()}}")).map(|d| d.number);
        assert_eq!(number("|b1").unwrap(), Number::Of(Dtype::U8));
        assert_eq!((number("|u1").unwrap(), number("<f2").unwrap()), (Number::Of(Dtype::U8), Number::Half));
        for (code, word) in [
            ("|O", "can run code"),
            ("<c8", "complex"),
            ("<f16", "64 bits"),
            ("<U5", "text"),
            ("|S3", "text"),
            ("|V8", "raw bytes"),
            ("<M8[ns]", "times"),
        ] {
            let error = number(code).unwrap_err();
            assert!(matches!(error, Error::Unsupported { .. }) && error.to_string().contains(word), "{error}");
        }
        for code in ["", "<", "<i3", "?i2", "|i2", "=i2", "i2", "<x4"] {
            assert!(matches!(number(code), Err(Error::Format { .. })), "{code}");
        }
        let structured = parse("{'descr': [('a', '<i2')], 'fortran_order': False, 'shape': (3,)}").unwrap_err();
        assert!(matches!(&structured, Error::Unsupported { what, .. } if what.contains("structured")), "{structured}");
    }

    #[test]
    fn nothing_else_is_a_header() {
        for bad in [
            "",
            "{",
            "{}",
            "{'descr': '<i2', 'fortran_order': False}",
            "{'descr': '<i2', 'fortran_order': False, 'shape': (3,)} x",
            "{'descr': '<i2', 'descr': '<i2', 'fortran_order': False, 'shape': (3,)}",
            "{'descr': '<i2', 'fortran_order': 0, 'shape': (3,)}",
            "{'descr': '<i2', 'fortran_order': False, 'shape': (-3,)}",
            "{'descr': '<i2', 'fortran_order': False, 'shape': (3 4)}",
            "{'descr': '<i2', 'fortran_order': False, 'shape': (99999999999999999999,)}",
            "{'descr': '<i2', 'fortran_order': False, 'shape': [3]}",
            "{'descr': '<i2', 'fortran_order': False, 'shape': (3,), 'more': '1'}",
            "__import__('os')",
        ] {
            assert!(matches!(parse(bad), Err(Error::Format { .. })), "{bad}");
        }
    }
}
