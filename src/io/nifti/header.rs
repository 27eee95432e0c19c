//! From the fields of a NIfTI header to a checked [`Header`] and the layout of the voxels behind it, and back.

use std::path::Path;

use super::affine;
use super::fields::{Fields, Version};
use crate::io::Grey;
use crate::io::stored::{Encoding, VoxelLayout};
use crate::volume::{Dtype, Header, Rescale, Rescales, Shape};
use crate::{Error, Result};

const CODES: [(i32, Dtype); 10] = [
    (2, Dtype::U8),
    (4, Dtype::I16),
    (8, Dtype::I32),
    (16, Dtype::F32),
    (64, Dtype::F64),
    (256, Dtype::I8),
    (512, Dtype::U16),
    (768, Dtype::U32),
    (1024, Dtype::I64),
    (1280, Dtype::U64),
];

const LABELS: i32 = 1002;

/// Checks a header by itself; whether the file is long enough, the caller knows. `bytes` is the beginning of the uncompressed
/// file.
pub(super) fn interpret(path: &Path, bytes: &[u8], grey: Grey) -> Result<(Header, VoxelLayout)> {
    let format = |what: String| Err(Error::format(path, what, "write it again with the program that made it"));
    let Some(fields) = Fields::read(bytes) else {
        return match Version::sniff(bytes) {
            Some((version, _)) => {
                format(format!("truncated: the header has {} bytes, needs {}", bytes.len(), version.header_len()))
            }
            None => Err(Error::format(path, "not a NIfTI file", "check that the name says what the file is")),
        };
    };
    match &fields.magic[..3] {
        b"n+1" | b"n+2" => {}
        b"ni1" | b"ni2" => {
            return Err(Error::unsupported(path, "a NIfTI pair (.hdr and .img)", "convert it to one .nii or .nii.gz file"));
        }
        _ => return format("the NIfTI magic is missing (an Analyze 7.5 file has none)".into()),
    }
    let shape = shape(path, &fields)?;
    let (dtype, encoding) = encoding(path, &fields, grey)?;
    let first = fields.version.first_voxel();
    // The flag bytes behind the header may be missing where no extension follows.
    if !(fields.vox_offset >= fields.version.header_len() as f64 && fields.vox_offset < (1u64 << 62) as f64) {
        return format(format!("the voxels begin at byte {}, before byte {first} where the header ends", fields.vox_offset));
    }
    let layout = VoxelLayout { big_endian: fields.big_endian, offset: fields.vox_offset as u64, encoding };

    let mut header = Header::new(shape, dtype);
    header.origin.format = fields.version.name().into();
    header.origin.files = 1;
    header.meaning.labels = fields.intent == LABELS;
    if let Encoding::Colour { .. } = encoding {
        header.origin.notes.push("the colour voxels were turned to grey".into());
    } else {
        header.meaning.rescale = Rescales::Uniform(rescale(path, &fields)?);
    }
    let mm_per_unit = match fields.units & 7 {
        1 => 1000.0,
        3 => 0.001,
        2 => 1.0,
        _ => {
            header.origin.notes.push("the unit of length is not stated; millimetres are assumed".into());
            1.0
        }
    };
    header.grid.geometry = affine::read(&fields, mm_per_unit, &mut header.origin.notes);
    header.grid.time_step_s = time_step(&fields, &mut header.origin.notes);
    Ok((header, layout))
}

fn shape(path: &Path, fields: &Fields) -> Result<Shape> {
    let broken = |what: String| Error::format(path, what, "the header is damaged; get the file again");
    let axes = match fields.dim[0] {
        n @ 1..=7 => &fields.dim[1..=n as usize],
        n => return Err(broken(format!("{n} axes, a NIfTI file has 1 to 7"))),
    };
    let mut sizes = Vec::with_capacity(7);
    for (i, &n) in axes.iter().enumerate() {
        match u64::try_from(n) {
            Ok(n) if n > 0 => sizes.push(n),
            _ => return Err(broken(format!("axis {} has size {n}", i + 1))),
        }
    }
    while sizes.len() > 3 && sizes.last() == Some(&1) {
        sizes.pop();
    }
    Shape::new(&sizes).ok_or_else(|| broken("more than 2^62 voxels".into()))
}

fn encoding(path: &Path, fields: &Fields, grey: Grey) -> Result<(Dtype, Encoding)> {
    let unsupported = |what: &str| Error::unsupported(path, what, "convert it to float32 or an integer type");
    let (dtype, encoding) = match fields.datatype {
        128 => (Dtype::U8, Encoding::Colour { channels: 3, dtype: Dtype::U8, grey }),
        2304 => (Dtype::U8, Encoding::Colour { channels: 4, dtype: Dtype::U8, grey }),
        1 => return Err(unsupported("1-bit voxels")),
        32 | 1792 | 2048 => return Err(unsupported("complex voxels")),
        1536 => return Err(unsupported("128-bit float voxels")),
        code => match CODES.iter().find(|c| c.0 == code) {
            Some(&(_, dtype)) => (dtype, Encoding::Number(dtype)),
            None => {
                return Err(Error::format(path, format!("unknown datatype {code}"), "the header is damaged; get the file again"));
            }
        },
    };
    if i64::from(fields.bitpix) != 8 * encoding.bytes() as i64 {
        let what = format!("{} bits per voxel do not fit datatype {}", fields.bitpix, fields.datatype);
        return Err(Error::format(path, what, "the header is damaged; get the file again"));
    }
    Ok((dtype, encoding))
}

/// nibabel's rule: a slope of zero, NaN or infinity says that there is no scaling, whatever the intercept.
fn rescale(path: &Path, fields: &Fields) -> Result<Rescale> {
    if fields.slope == 0.0 || !fields.slope.is_finite() {
        return Ok(Rescale::IDENTITY);
    }
    if !fields.intercept.is_finite() {
        let what = format!("the scaling has slope {} and intercept {}", fields.slope, fields.intercept);
        return Err(Error::format(path, what, "set scl_inter to a number"));
    }
    Ok(Rescale { slope: fields.slope, intercept: fields.intercept })
}

fn time_step(fields: &Fields, notes: &mut Vec<String>) -> Option<f64> {
    let step = fields.pixdim[4];
    if fields.dim[0] < 4 || fields.dim[4] < 2 || !(step.is_finite() && step > 0.0) {
        return None;
    }
    match fields.units & 0x38 {
        8 => Some(step),
        // Divided, not multiplied by 0.001: 250 ms is then exactly 0.25 s.
        16 => Some(step / 1e3),
        24 => Some(step / 1e6),
        0 => {
            notes.push("the time unit is not stated; seconds are assumed".into());
            Some(step)
        }
        // Hertz, parts per million, radians per second: the axis is not time.
        _ => None,
    }
}

/// The fields of a file to be written: NIfTI-1, or NIfTI-2 where an axis is too long for it.
pub(super) fn fields(path: &Path, header: &Header) -> Result<Fields> {
    let Some(rescale) = header.meaning.rescale.uniform() else {
        return Err(Error::unsupported(path, "NIfTI has one slope for all slices", "write real values, as float32"));
    };
    let axes = header.grid.shape.axes();
    let version = if axes.iter().all(|&n| n <= i16::MAX as u64) { Version::One } else { Version::Two };
    let mut dim = [1; 8];
    dim[0] = axes.len() as i64;
    for (d, &n) in dim[1..].iter_mut().zip(axes) {
        *d = n as i64;
    }
    let mut fields = Fields {
        version,
        big_endian: false,
        magic: if version == Version::One { *b"n+1\0" } else { *b"n+2\0" },
        dim,
        datatype: CODES.iter().find(|c| c.1 == header.meaning.dtype).map_or(0, |c| c.0),
        bitpix: 8 * header.meaning.dtype.bytes() as i32,
        pixdim: [1.0; 8],
        vox_offset: version.first_voxel() as f64,
        slope: rescale.slope,
        intercept: rescale.intercept,
        // Millimetres and seconds.
        units: 2 | 8,
        intent: if header.meaning.labels { LABELS } else { 0 },
        qform_code: 0,
        sform_code: 0,
        quaternion: [0.0; 3],
        offset: [0.0; 3],
        srow: [[0.0; 4]; 3],
    };
    affine::write(header.grid.geometry.as_ref(), &mut fields);
    if axes.len() > 3 {
        // Zero says that the step is not known; 1 would be taken for a second.
        fields.pixdim[4] = header.grid.time_step_s.unwrap_or(0.0);
    }
    Ok(fields)
}
