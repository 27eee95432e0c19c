//! NumPy arrays in .npy files, versions 1.0 to 3.0 of the format: numbers and their shape, and nothing else.
//!
//! x is what lies closest in the file. So an array in C order has the shape (z, y, x), or (t, z, y, x), as arrays made of slices have, and one in
//! Fortran order (x, y, z) or (x, y, z, t), as nibabel's. There is no geometry, no rescale and no unit.

mod header;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use header::{ArrayText, CODES, Number};

use super::output::Target;
use super::stored::{self, DataFiles, Encoding, Skip, StoredSource, VoxelLayout, broken, fill};
use super::{Format, InFolder, Limits, Loss, OpenOptions, Output, Source, WriteOptions};
use crate::volume::{Dtype, Header, Shape};
use crate::{Error, Result};

const MAGIC: [u8; 6] = *b"\x93NUMPY";

/// Headers of a format whose own reader believes 10,000 bytes.
const MOST_HEADER: u64 = 1 << 16;

/// The voxels begin at a multiple of this.
const ALIGNMENT: usize = 64;

/// NumPy arrays.
pub(super) const FORMAT: Format = Format {
    name: "NumPy",
    read: &[".npy"],
    written: &[".npy"],
    in_folder: InFolder::Alone,
    limits: Limits::VOLUME,
    knows_better: false,
    sniff: |_, start| start.starts_with(&MAGIC),
    open,
    probe: None,
    create: Some(create),
};

/// Opens a .npy file. Its header is checked against the size of the file before anything is allocated.
///
/// # Errors
/// [`Error::Read`], [`Error::Format`], [`Error::Unsupported`] or [`Error::Limit`], with the path.
pub fn open(path: &Path, options: &OpenOptions) -> Result<Box<dyn Source>> {
    let (text, start) = header_text(path)?;
    let described = ArrayText::parse(path, &text)?;
    let (dtype, encoding) = match described.number {
        Number::Of(dtype) => (dtype, Encoding::Number(dtype)),
        Number::Half => (Dtype::F32, Encoding::Half),
    };
    let mut header = Header::new(shape(path, &described)?, dtype);
    header.origin.format = "NumPy".into();
    header.origin.files = 1;
    header.origin.notes = notes(&described);
    options.limits(FORMAT.limits).check_volume(path, &header)?;
    let layout = VoxelLayout { big_endian: described.big_endian, offset: 0, encoding };
    let files = DataFiles { files: vec![path.into()], start, lines: 0, skip: Skip::Bytes(0), packing: None };
    let bytes = files.open(path, layout.end(&header.grid.shape), &mut header.origin.notes)?;
    Ok(Box::new(StoredSource { header, layout, bytes }))
}

/// The dictionary, and the byte behind it.
fn header_text(path: &Path) -> Result<(Vec<u8>, u64)> {
    let mut file = File::open(path).map_err(Error::read(path))?;
    let mut start = [0; 12];
    let n = fill(&mut file, &mut start);
    if !start[..n].starts_with(&MAGIC) {
        return Err(broken(path, "the NumPy magic is missing"));
    }
    let (length, begin) = match start[6] {
        1 => (u64::from(u16::from_le_bytes([start[8], start[9]])), 10),
        2 | 3 => (u64::from(u32::from_le_bytes([start[8], start[9], start[10], start[11]])), 12),
        other => return Err(Error::unsupported(path, format!("version {other} of .npy (1 to 3 are known)"), "save it again")),
    };
    if length > MOST_HEADER {
        return Err(broken(path, format!("a header of {length} bytes, up to {MOST_HEADER} are believed")));
    }
    file.seek(SeekFrom::Start(begin)).map_err(Error::read(path))?;
    let mut text = Vec::new();
    file.take(length).read_to_end(&mut text).map_err(Error::read(path))?;
    if (text.len() as u64) < length {
        let what = format!("truncated: the header has {} bytes, needs {length}", text.len());
        return Err(Error::format(path, what, "get the file again"));
    }
    Ok((text, begin + length))
}

fn shape(path: &Path, described: &ArrayText) -> Result<Shape> {
    if let Some(axis) = described.shape.iter().position(|n| *n == 0) {
        return Err(Error::format(
            path,
            format!("an empty array: axis {axis} of the array has size 0"),
            "save an array of numbers",
        ));
    }
    let mut axes = described.shape.clone();
    if !described.fortran_order {
        axes.reverse();
    }
    while axes.len() > 3 && axes.last() == Some(&1) {
        axes.pop();
    }
    if axes.is_empty() {
        axes.push(1);
    }
    let what = format!("{} axes, or more than 2^62 voxels", axes.len());
    Shape::new(&axes).ok_or_else(|| Error::unsupported(path, what, "save an array of up to seven axes"))
}

fn notes(described: &ArrayText) -> Vec<String> {
    const SLOWEST_LAST: [&str; 4] = ["x", "y", "z", "t"];
    let axes = described.shape.len();
    let mut notes = Vec::new();
    if (2..=4).contains(&axes) {
        let mut names: Vec<&str> = SLOWEST_LAST[..axes].to_vec();
        if !described.fortran_order {
            names.reverse();
        }
        let order = if described.fortran_order { "Fortran" } else { "C" };
        notes.push(format!("the axes of the array, in {order} order, are taken as ({})", names.join(", ")));
    }
    let fastest = if described.fortran_order { described.shape.first() } else { described.shape.last() };
    if axes > 2 && matches!(fastest, Some(3 | 4)) {
        notes.push("the fastest axis is as long as a colour has channels; it is read as x".into());
    }
    if described.number == Number::Half {
        notes.push("float16 is read as float32".into());
    }
    notes.push("an array has no spacing and no orientation".into());
    notes
}

/// Begins a .npy file: C order, (t, z, y, x), little-endian, version 1.0. Where a rescale says what stored values mean, real ones are written.
///
/// # Errors
/// [`Error::Write`], also for a disk that is too small.
pub fn create(target: &Target, header: &Header, _: &WriteOptions) -> Result<Box<dyn Output>> {
    stored::begin(target, header, Loss::of_bare_values(header), beginning)
}

/// Magic, version and dictionary.
fn beginning(header: &Header) -> Vec<u8> {
    let dtype = header.meaning.dtype;
    let code = CODES.iter().find(|(known, _)| *known == dtype).map_or("", |(_, code)| code);
    let order = if dtype.bytes() == 1 { '|' } else { '<' };
    let mut sizes: Vec<String> = header.grid.shape.axes().iter().rev().map(u64::to_string).collect();
    if sizes.len() == 1 {
        // Else it would be a number in brackets.
        sizes.push(String::new());
    }
    let mut text = format!("{{'descr': '{order}{code}', 'fortran_order': False, 'shape': ({}), }}", sizes.join(", ").trim_end());
    let begin = MAGIC.len() + 4;
    let padded = (begin + text.len() + 1).next_multiple_of(ALIGNMENT) - begin;
    text += &" ".repeat(padded - 1 - text.len());
    text.push('\n');
    let mut start = [&MAGIC[..], &[1, 0]].concat();
    // Seven axes of twenty digits: far from 65,535.
    start.extend((text.len() as u16).to_le_bytes());
    start.extend(text.as_bytes());
    start
}
