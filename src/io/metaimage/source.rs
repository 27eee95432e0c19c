//! Voxels out of MetaImage files.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::header::{Keys, unsupported};
use crate::io::stored::{
    DataFiles, Encoding, FilePacking, Skip, StoredSource, VoxelLayout, beside, broken, fill, listed, numbered, numbers,
};
use crate::io::{Limits, OpenOptions, Source};
use crate::volume::{Dtype, Geometry, Header, Shape};
use crate::{Error, Result};

/// The names of the types (MetaIO's `MET_ValueEnumType`; its long has 32 bits everywhere): the first of each is written.
pub(super) const TYPES: [(Dtype, &[&str]); 10] = [
    (Dtype::I8, &["MET_CHAR"]),
    (Dtype::U8, &["MET_UCHAR"]),
    (Dtype::I16, &["MET_SHORT"]),
    (Dtype::U16, &["MET_USHORT"]),
    (Dtype::I32, &["MET_INT", "MET_LONG"]),
    (Dtype::U32, &["MET_UINT", "MET_ULONG"]),
    (Dtype::I64, &["MET_LONG_LONG"]),
    (Dtype::U64, &["MET_ULONG_LONG"]),
    (Dtype::F32, &["MET_FLOAT"]),
    (Dtype::F64, &["MET_DOUBLE"]),
];

/// Channels that are believed: their bytes are read together.
const MOST_CHANNELS: u64 = 1 << 16;

pub(super) fn open(path: &Path, options: &OpenOptions) -> Result<Box<dyn Source>> {
    let file = File::open(path).map_err(Error::read(path))?;
    let keys = Keys::read(path, BufReader::new(file))?;
    let (mut header, mut layout) = interpret(path, &keys, options)?;
    options.limits(super::FORMAT.limits).check_volume(path, &header)?;
    let files = data_files(path, &keys, &header)?;
    header.origin.files = files.files.len() as u64;
    let (bytes, notes) = (layout.end(&header.grid.shape), &mut header.origin.notes);
    let bytes = if keys.flag(path, "BinaryData")?.unwrap_or(true) {
        files.open(path, bytes, notes)?
    } else {
        layout.big_endian = false;
        // These are held as a whole.
        options.limits(Limits::IMAGE).check(path, bytes)?;
        let (dtype, given) = (header.meaning.dtype, files.text(path, Limits::IMAGE.max_bytes)?);
        Box::new(numbers(path, &given, (dtype, bytes / dtype.bytes() as u64), notes)?)
    };
    Ok(Box::new(StoredSource { header, layout, bytes }))
}

/// Checks a header by itself; whether the data are there, nobody has looked.
fn interpret(path: &Path, keys: &Keys, options: &OpenOptions) -> Result<(Header, VoxelLayout)> {
    if keys.get("ObjectType").is_some_and(|kind| kind != "Image") {
        return Err(unsupported(path, "a MetaIO object that is no image"));
    }
    let axes = match keys.integer(path, "NDims")? {
        Some(n @ 1..=7) => n as usize,
        Some(n @ 8..=10) => return Err(unsupported(path, format!("{n} axes (up to 7 are read)"))),
        Some(n) => return Err(broken(path, format!("{n} axes, a MetaImage has 1 to 10"))),
        None => return Err(broken(path, "the header has no NDims")),
    };
    let sizes: Vec<&str> = keys.required(path, "DimSize")?.split_whitespace().collect();
    if sizes.len() != axes {
        return Err(broken(path, format!("DimSize has {} numbers for {axes} axes", sizes.len())));
    }
    let size = |(i, word): (usize, &&str)| {
        let size = word.parse().ok().filter(|n| *n > 0);
        size.ok_or_else(|| broken(path, format!("the size of axis {} is no number from 1 on", i + 1)))
    };
    let mut sizes = sizes.iter().enumerate().map(size).collect::<Result<Vec<u64>>>()?;
    while sizes.len() > 3 && sizes.last() == Some(&1) {
        sizes.pop();
    }
    let dtype = dtype(path, keys.required(path, "ElementType")?)?;
    let mut notes = Vec::new();
    let channels = match keys.integer(path, "ElementNumberOfChannels")?.map(u64::try_from) {
        None => 1,
        Some(Ok(n @ 1..=MOST_CHANNELS)) => n,
        Some(_) => return Err(broken(path, format!("the number of channels is not from 1 to {MOST_CHANNELS}"))),
    };
    let encoding = match (channels, dtype) {
        (1, _) => Encoding::Number(dtype),
        (3 | 4, Dtype::U8 | Dtype::U16) => {
            notes.push(format!("the {channels} channels are taken for red, green and blue, and turned to grey"));
            options.role.check_colours(path)?;
            Encoding::Colour { channels: channels as usize, dtype, grey: options.grey, role: options.role }
        }
        _ => {
            notes.push(format!("the {channels} channels are read as volumes, one behind the other"));
            sizes.resize(sizes.len().max(3), 1);
            sizes.push(channels);
            Encoding::Interleaved { components: channels as usize, dtype }
        }
    };
    let bad = format!("{} axes, or more than 2^62 voxels", sizes.len());
    let mut header = Header::new(Shape::new(&sizes).ok_or_else(|| unsupported(path, bad))?, dtype);
    header.origin.format = "MetaImage".into();
    header.origin.notes = notes;
    if let Encoding::Colour { grey, .. } = encoding {
        header.origin.colour = Some(grey.of("RGB"));
    }
    place(path, keys, axes, &mut header)?;
    let slope = keys.numbers(path, "ElementToIntensityFunctionSlope", 1)?;
    let offset = keys.numbers(path, "ElementToIntensityFunctionOffset", 1)?;
    if slope.is_some_and(|s| s != [1.0]) || offset.is_some_and(|o| o != [0.0]) {
        header.origin.notes.push("the function from elements to intensities is not applied, as ITK does not".into());
    }
    let order = (keys.flag(path, "BinaryDataByteOrderMSB")?, keys.flag(path, "ElementByteOrderMSB")?);
    let big_endian = match order {
        (Some(one), Some(other)) if one != other => {
            return Err(broken(path, "BinaryDataByteOrderMSB and ElementByteOrderMSB say different things"));
        }
        (Some(msb), _) | (None, Some(msb)) => msb,
        (None, None) => {
            if dtype.bytes() > 1 {
                header.origin.notes.push("the order of bytes is not stated; the lowest first is assumed".into());
            }
            false
        }
    };
    Ok((header, VoxelLayout { big_endian, offset: 0, encoding }))
}

fn dtype(path: &Path, name: &str) -> Result<Dtype> {
    // Several channels used to be a type of their own.
    let plain = name.strip_suffix("_ARRAY").unwrap_or(name);
    match TYPES.iter().find(|(_, names)| names.contains(&plain)) {
        Some((dtype, _)) => Ok(*dtype),
        None if name.starts_with("MET_") => Err(unsupported(path, "elements of this type")),
        None => Err(broken(path, "the ElementType is none of the format's")),
    }
}

/// Puts geometry and time into a header. ITK's reading: LPS+, and row `a` of the matrix is the direction of axis `a`.
fn place(path: &Path, keys: &Keys, axes: usize, header: &mut Header) -> Result<()> {
    let notes = &mut header.origin.notes;
    let mm = match keys.get("DistanceUnits") {
        None | Some("mm" | "?" | "") => 1.0,
        Some("cm") => 10.0,
        Some("um") => 0.001,
        Some(_) => {
            notes.push("the unit of length is none of mm, cm and um; millimetres are assumed".into());
            1.0
        }
    };
    let spacing = match keys.numbers(path, "ElementSpacing", axes)? {
        None => keys.numbers(path, "ElementSize", axes)?,
        given => given,
    };
    let offset = keys.named(path, ["Offset", "Position", "Origin"], axes)?;
    let matrix = keys.named(path, ["TransformMatrix", "Orientation", "Rotation"], axes * axes)?;
    let Some(spacing) = spacing else {
        notes.push("the header gives no spacing".into());
        return Ok(());
    };
    if header.grid.shape.axes().len() > 3 && axes > 3 {
        // One is what programs write that know no step.
        if let Some(step) = spacing.get(3).filter(|s| s.is_finite() && **s > 0.0 && **s != 1.0) {
            header.grid.time_step_s = Some(*step);
            notes.push("the unit of the fourth axis is not stated; seconds are assumed".into());
        } else {
            notes.push("the step of the fourth axis is not stated".into());
        }
    }
    let mut spacing_mm = [1.0; 3];
    for (out, given) in spacing_mm.iter_mut().zip(&spacing) {
        *out = given.abs() * mm;
    }
    if !spacing_mm.iter().all(|s| s.is_finite() && *s > 0.0) {
        notes.push("the voxel spacing is zero or not a number; spacing unknown".into());
        return Ok(());
    }
    header.grid.geometry = Some(Geometry::spacing(spacing_mm));
    if axes < 3 {
        // A flat image lies in a plane of its own.
        return Ok(());
    }
    if matrix.is_none() && offset.is_none() {
        notes.push("the header gives no orientation".into());
        return Ok(());
    }
    if matrix.is_none() {
        notes.push("the header gives no orientation; that of the patient's axes is assumed".into());
    }
    if offset.is_none() {
        notes.push("the header gives no offset; 0, 0, 0 is assumed".into());
    }
    let cell = |axis: usize, row: usize| match &matrix {
        Some(m) => m[axis * axes + row],
        None => f64::from(u8::from(axis == row)),
    };
    if (0..axes).any(|a| (0..axes).any(|b| (a < 3) != (b < 3) && cell(a, b) != 0.0)) {
        return Err(unsupported(path, "an axis that runs through space and time at once"));
    }
    // A spacing below zero turns the axis round.
    let lps = std::array::from_fn(|row| {
        let step = |axis: usize| cell(axis, row) * spacing[axis] * mm;
        [step(0), step(1), step(2), offset.as_ref().map_or(0.0, |o| o[row] * mm)]
    });
    match Geometry::from_lps_matrix(lps) {
        Some(geometry) => header.grid.geometry = Some(geometry),
        None => notes.push("the orientation matrix is degenerate; orientation unknown".into()),
    }
    Ok(())
}

/// Where the voxels are.
fn data_files(path: &Path, keys: &Keys, header: &Header) -> Result<DataFiles> {
    let value = keys.required(path, "ElementDataFile")?;
    let words: Vec<&str> = value.split_whitespace().collect();
    let local = matches!(words.as_slice(), ["LOCAL" | "Local" | "local"]);
    let files: Vec<PathBuf> = match words.as_slice() {
        _ if local => vec![path.into()],
        ["LIST"] | ["LIST", _] => listed(path, &keys.list)?,
        [pattern, first, last, step] if pattern.contains('%') => {
            let range = (first.parse(), last.parse(), step.parse());
            let names = match range {
                (Ok(first), Ok(last), Ok(step)) => numbered(pattern, (first, last, step)),
                _ => None,
            };
            let what = "data files by another pattern than one %d and three numbers";
            listed(path, &names.ok_or_else(|| Error::unsupported(path, what, "list the data files"))?)?
        }
        _ => vec![beside(path, value, 1)?],
    };
    let (count, voxels) = (files.len() as u64, header.grid.shape.voxels());
    if !voxels.is_multiple_of(count) {
        return Err(broken(path, format!("{voxels} voxels do not divide among {count} data files")));
    }
    // The header's size counts from the front of the file, also where the file is the header's own.
    let (start, skip) = match (keys.integer(path, "HeaderSize")?.unwrap_or(0), local) {
        (0, true) => (keys.length, Skip::Bytes(0)),
        (-1, true) => (keys.length, Skip::ToTheEnd),
        (-1, false) => (0, Skip::ToTheEnd),
        (n, _) => {
            let n = u64::try_from(n).map_err(|_| broken(path, format!("a header of {n} bytes")))?;
            (n, Skip::Bytes(0))
        }
    };
    let packing = match keys.flag(path, "CompressedData")?.unwrap_or(false) {
        false => None,
        true if skip == Skip::ToTheEnd => {
            return Err(Error::unsupported(path, "compressed data that end with their file", "state the size of the header"));
        }
        true if files.len() > 1 => return Err(Error::unsupported(path, "compressed data in several files", "write them in one")),
        true => Some(packing(path, &files[0], start, keys)?),
    };
    Ok(DataFiles { files, start, lines: 0, skip, packing })
}

/// zlib, as MetaIO writes it, or gzip, which it reads too.
fn packing(path: &Path, file: &Path, start: u64, keys: &Keys) -> Result<FilePacking> {
    let mut file = File::open(file).map_err(Error::read(path))?;
    let length = file.metadata().map_err(Error::read(path))?.len();
    let stated = keys.integer(path, "CompressedDataSize")?.and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
    if length < start.saturating_add(stated) {
        let what = format!("truncated: the file has {length} bytes, needs {}", start.saturating_add(stated));
        return Err(Error::format(path, what, "get the file again"));
    }
    file.seek(SeekFrom::Start(start)).map_err(Error::read(path))?;
    let mut magic = [0; 2];
    let n = fill(&mut file.by_ref().take(2), &mut magic);
    Ok(if magic[..n] == FilePacking::GZIP_MAGIC { FilePacking::Gzip } else { FilePacking::Zlib })
}
