//! Voxels out of NRRD files.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use super::axes::{self, AxisKind, Order};
use super::header::HeaderText;
use super::space::{self, Space};
use crate::io::stored::{
    DataFiles, Encoding, FilePacking, Skip, StoredSource, VoxelLayout, beside, broken, listed, numbered, numbers,
};
use crate::io::{Limits, OpenOptions, Source};
use crate::volume::{Dtype, Header, Shape, Unit};
use crate::{Error, Result};

/// The names of the types (teem's `nrrdType`): the first of each is written.
pub(super) const TYPES: [(Dtype, &[&str]); 10] = [
    (Dtype::I8, &["signed char", "int8", "int8_t"]),
    (Dtype::U8, &["unsigned char", "uchar", "uint8", "uint8_t"]),
    (Dtype::I16, &["short", "short int", "signed short", "signed short int", "int16", "int16_t"]),
    (Dtype::U16, &["unsigned short", "ushort", "unsigned short int", "uint16", "uint16_t"]),
    (Dtype::I32, &["int", "signed int", "int32", "int32_t"]),
    (Dtype::U32, &["unsigned int", "uint", "uint32", "uint32_t"]),
    (Dtype::I64, &["long long int", "longlong", "long long", "signed long long", "signed long long int", "int64", "int64_t"]),
    (Dtype::U64, &["unsigned long long int", "ulonglong", "unsigned long long", "uint64", "uint64_t"]),
    (Dtype::F32, &["float"]),
    (Dtype::F64, &["double"]),
];

/// Components of one place that are believed: their bytes are read together.
const MOST_COMPONENTS: u64 = 1 << 16;

pub(super) fn open(path: &Path, options: &OpenOptions) -> Result<Box<dyn Source>> {
    let file = File::open(path).map_err(Error::read(path))?;
    let text = HeaderText::read(path, BufReader::new(file))?;
    let (mut header, layout) = interpret(path, &text, options)?;
    options.limits(super::FORMAT.limits).check_volume(path, &header)?;
    let (files, written) = data_files(path, &text, &header)?;
    header.origin.files = files.files.len() as u64;
    let bytes = layout.end(&header.grid.shape);
    let notes = &mut header.origin.notes;
    let bytes = match written {
        DataForm::Binary => files.open(path, bytes, notes)?,
        DataForm::Text => {
            // These are held as a whole.
            options.limits(Limits::IMAGE).check(path, bytes)?;
            let (dtype, given) = (header.meaning.dtype, files.text(path, Limits::IMAGE.max_bytes)?);
            Box::new(numbers(path, &given, (dtype, bytes / dtype.bytes() as u64), notes)?)
        }
    };
    let layout = VoxelLayout { big_endian: layout.big_endian && written == DataForm::Binary, ..layout };
    Ok(Box::new(StoredSource { header, layout, bytes }))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DataForm {
    Binary,
    Text,
}

/// Checks a header by itself; whether the data are there, nobody has looked.
fn interpret(path: &Path, text: &HeaderText, options: &OpenOptions) -> Result<(Header, VoxelLayout)> {
    let dtype = dtype(path, text)?;
    let mut notes = Vec::new();
    let mut file_axes = axes::read(path, text)?;
    let space = Space::of(path, text)?;
    let directed = text.get("spacedirections").is_some();
    match space {
        Some(space) => space::split_time(path, text, space, &mut file_axes)?,
        None if directed => return Err(broken(path, "space directions without a space")),
        None => {}
    }
    let order = axes::order(path, file_axes, directed, &mut notes)?;
    let (shape, encoding) = shape(path, &order, (dtype, options), &mut notes)?;
    let mut header = Header::new(shape, dtype);
    header.origin.format = "NRRD".into();
    header.origin.notes = notes;
    if let Encoding::Colour { grey, .. } = encoding {
        header.origin.colour = Some(grey.of("RGB"));
    }
    if text.get("sampleunits").is_some_and(|unit| matches!(unit.trim_matches('"'), "HU" | "Hounsfield units" | "hounsfield")) {
        header.meaning.unit = Unit::Hounsfield;
    }
    space::place(path, text, space, &order, &mut header)?;
    if ["oldmin", "oldmax"].iter().any(|name| text.get(name).is_some()) {
        header.origin.notes.push("old min and old max (of a quantisation) are not applied".into());
    }
    if text.unknown > 0 {
        let what =
            if text.unknown == 1 { "1 field of the header is" } else { &format!("{} fields of the header are", text.unknown) };
        header.origin.notes.push(format!("{what} none of the format's and not read"));
    }
    let big_endian = big_endian(path, text, dtype)?;
    Ok((header, VoxelLayout { big_endian, offset: 0, encoding }))
}

fn dtype(path: &Path, text: &HeaderText) -> Result<Dtype> {
    // Any number of blanks between words.
    let name = text.required(path, "type")?.to_ascii_lowercase().split_whitespace().collect::<Vec<_>>().join(" ");
    match TYPES.iter().find(|(_, names)| names.contains(&name.as_str())) {
        Some((dtype, _)) => Ok(*dtype),
        None if name == "block" => Err(Error::unsupported(path, "voxels that are blocks of bytes", "convert it to numbers")),
        None => Err(broken(path, "the type is none of the format's")),
    }
}

fn big_endian(path: &Path, text: &HeaderText, dtype: Dtype) -> Result<bool> {
    match text.get("endian").map(str::to_ascii_lowercase).as_deref() {
        Some("little") => Ok(false),
        Some("big") => Ok(true),
        Some(_) => Err(broken(path, "endian is neither little nor big")),
        None if dtype.bytes() == 1 || is_text(text) => Ok(false),
        None => Err(broken(path, format!("the header has no field endian for {dtype} voxels"))),
    }
}

fn is_text(text: &HeaderText) -> bool {
    text.get("encoding").is_some_and(|e| ["ascii", "text", "txt"].iter().any(|name| e.eq_ignore_ascii_case(name)))
}

fn shape(
    path: &Path,
    order: &Order,
    (dtype, options): (Dtype, &OpenOptions),
    notes: &mut Vec<String>,
) -> Result<(Shape, Encoding)> {
    let mut sizes: Vec<u64> = order.space.iter().map(|axis| axis.size).collect();
    let mut encoding = Encoding::Number(dtype);
    let mut beyond: Vec<u64> = order.beyond.iter().map(|axis| axis.size).collect();
    match &order.within {
        Some(axis) if axis.kind == AxisKind::Colour => {
            if !matches!(dtype, Dtype::U8 | Dtype::U16) {
                return Err(Error::unsupported(path, format!("colours of {dtype}"), "convert them to 8 or 16 bits"));
            }
            options.role.check_colours(path)?;
            encoding = Encoding::Colour { channels: axis.size as usize, dtype, grey: options.grey, role: options.role };
            notes.push("the colour voxels were turned to grey".into());
        }
        Some(axis) => {
            if axis.size > MOST_COMPONENTS {
                let what = format!("{} numbers in each place, up to {MOST_COMPONENTS} are read", axis.size);
                return Err(Error::unsupported(path, what, "reorder the axes: those of space first"));
            }
            encoding = Encoding::Interleaved { components: axis.size as usize, dtype };
            notes.push(format!("the {} numbers in each place are read as volumes, one behind the other", axis.size));
            beyond.push(axis.size);
        }
        None => {}
    }
    if !beyond.is_empty() {
        sizes.resize(3, 1);
        sizes.extend(beyond);
    }
    let bad = format!("{} axes, or more than 2^62 voxels", sizes.len());
    let shape = Shape::new(&sizes).ok_or_else(|| Error::unsupported(path, bad, "write volumes of up to seven axes"))?;
    Ok((shape, encoding))
}

/// Where the voxels are, and whether as text.
fn data_files(path: &Path, text: &HeaderText, header: &Header) -> Result<(DataFiles, DataForm)> {
    let (packing, written) = match text.required(path, "encoding")?.to_ascii_lowercase().as_str() {
        "raw" => (None, DataForm::Binary),
        "gzip" | "gz" => (Some(FilePacking::Gzip), DataForm::Binary),
        "bzip2" | "bz2" => (Some(FilePacking::Bzip2), DataForm::Binary),
        "hex" => return Err(Error::unsupported(path, "voxels written in hexadecimal", "write them raw")),
        _ if is_text(text) => (None, DataForm::Text),
        _ => return Err(broken(path, "the encoding is none of the format's")),
    };
    let lines = text.integer(path, "lineskip")?.unwrap_or(0);
    let lines = u64::try_from(lines).map_err(|_| broken(path, format!("{lines} lines to be skipped")))?;
    let skip = match text.integer(path, "byteskip")?.unwrap_or(0) {
        -1 => Skip::ToTheEnd,
        n => Skip::Bytes(u64::try_from(n).map_err(|_| {
            Error::unsupported(path, format!("a byte skip of {n} (-1 and more are known)"), "let the header count from the front")
        })?),
    };
    let detached = match text.get("datafile") {
        Some(value) => Some(named(path, text, value, header)?),
        None => None,
    };
    match (detached, text.attached) {
        (Some(files), _) => Ok((DataFiles { files, start: 0, lines, skip, packing }, written)),
        (None, true) => Ok((DataFiles { files: vec![path.into()], start: text.length, lines, skip, packing }, written)),
        (None, false) => Err(broken(path, "truncated: the header does not end, and names no data file")),
    }
}

/// The files of `data file: NAME`, `PATTERN MIN MAX STEP [SUBDIM]` or `LIST [SUBDIM]`. SUBDIM, how many axes each file has, says nothing that
/// the number of files does not: each holds an equal share.
fn named(path: &Path, text: &HeaderText, value: &str, header: &Header) -> Result<Vec<PathBuf>> {
    let words: Vec<&str> = value.split_whitespace().collect();
    let files = match words.as_slice() {
        ["LIST"] | ["LIST", _] => listed(path, &text.list)?,
        [pattern, range @ ..] if pattern.contains('%') && !range.is_empty() => {
            let number = |i: usize| range.get(i).and_then(|word| word.parse::<i64>().ok());
            let names = match (number(0), number(1), number(2), range.len()) {
                (Some(first), Some(last), Some(step), 3 | 4) => numbered(pattern, (first, last, step)),
                _ => None,
            };
            let names = names.ok_or_else(|| {
                Error::unsupported(path, "data files by another pattern than one %d and three numbers", "list the data files")
            })?;
            listed(path, &names)?
        }
        _ => return Ok(vec![beside(path, value, 1)?]),
    };
    // Each file is a slab of the slowest axes.
    let (count, slices) = (files.len() as u64, header.grid.shape.voxels());
    if slices.is_multiple_of(count) {
        return Ok(files);
    }
    Err(broken(path, format!("{slices} voxels do not divide among {count} data files")))
}
