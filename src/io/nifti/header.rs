//! From the fields of a NIfTI header to a checked [`Header`] and the layout of the voxels behind it, and back.

use std::path::Path;

use super::fields::{Fields, Version};
use super::{affine, axes};
use crate::io::OpenOptions;
use crate::io::stored::{Encoding, VoxelLayout};
use crate::volume::{Dtype, Header, Rescale, Rescales};
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

/// What SPM99 wrote into Analyze files for types that Analyze does not have.
const SPM_CODES: [(i32, Dtype); 3] = [(130, Dtype::I8), (132, Dtype::U16), (136, Dtype::U32)];

/// NIFTI_INTENT_LABEL.
const LABELS: i32 = 1002;

/// In what a header lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Container {
    /// One file with the voxels behind the header.
    Single,
    /// A file of its own, beside that of the voxels.
    Pair,
}

/// Checks a header by itself; whether the file is long enough, the caller knows. `bytes` is the beginning of the uncompressed
/// file.
pub(super) fn interpret(path: &Path, bytes: &[u8], container: Container, options: &OpenOptions) -> Result<(Header, VoxelLayout)> {
    let format = |what: String| Err(Error::format(path, what, "write it again with the program that made it"));
    let Some(fields) = Fields::read(bytes) else {
        return match Version::sniff(bytes) {
            Some((version, _)) => {
                format(format!("truncated: the header has {} bytes, needs {}", bytes.len(), version.header_len()))
            }
            None => Err(Error::format(path, "not a NIfTI file", "check that the name says what the file is")),
        };
    };
    let mut notes = Vec::new();
    let analyze = match (&fields.magic[..3], container) {
        (b"n+1" | b"n+2", _) => false,
        (b"ni1" | b"ni2", Container::Pair) => false,
        (b"ni1" | b"ni2", Container::Single) => {
            notes.push("the header says that the voxels are in another file (.img); those behind it are read".to_owned());
            false
        }
        (_, Container::Pair) if fields.version == Version::One => true,
        _ => {
            return format("the NIfTI magic is missing (Analyze 7.5, which has none, is read as a pair of .hdr and .img)".into());
        }
    };
    not_cifti(path, &fields)?;
    let shape = axes::shape(path, &fields, &mut notes)?;
    let (dtype, encoding) = encoding(path, &fields, (analyze, options), &mut notes)?;
    let layout = VoxelLayout { big_endian: fields.big_endian, offset: offset(path, &fields, container, &mut notes)?, encoding };

    let mut header = Header::new(shape, dtype);
    header.origin.format = match (analyze, container) {
        (true, _) => "Analyze 7.5".into(),
        (_, Container::Single) => fields.version.name().into(),
        (_, Container::Pair) => format!("{} pair", fields.version.name()),
    };
    header.origin.files = if container == Container::Pair { 2 } else { 1 };
    header.meaning.labels = !analyze && fields.intent == LABELS;
    if let Encoding::Colour { .. } = encoding {
        notes.push(format!("the colour voxels were turned to grey ({})", options.grey.name()));
        header.origin.colour = Some(options.grey.of("RGB"));
    } else {
        let rescale = rescale(path, &fields, analyze)?;
        if analyze && rescale != Rescale::IDENTITY {
            notes.push(format!("a scale factor of {} is applied, which SPM keeps where Analyze 7.5 has no use", rescale.slope));
        }
        header.meaning.rescale = Rescales::Uniform(rescale);
    }
    if analyze {
        notes.push("Analyze 7.5 does not say what is left and right: orientation unknown (many programs assume LAS)".into());
        header.grid.geometry = affine::spacing(&fields, 1.0, &mut notes);
        header.origin.notes = notes;
        return Ok((header, layout));
    }
    let mm_per_unit = match fields.units & 7 {
        1 => 1000.0,
        3 => 0.001,
        2 => 1.0,
        _ => {
            notes.push("the unit of length is not stated; millimetres are assumed".into());
            1.0
        }
    };
    header.grid.geometry = affine::read(&fields, mm_per_unit, &mut notes);
    header.grid.time_step_s = time_step(&fields, &mut notes);
    header.origin.notes = notes;
    Ok((header, layout))
}

/// CIFTI-2 keeps values of surfaces and grey matter in NIfTI-2 files whose axes of space are 1.
fn not_cifti(path: &Path, fields: &Fields) -> Result<()> {
    if !(3000..3100).contains(&fields.intent) || fields.dim[0] < 5 || fields.dim[1..5] != [1; 4] {
        return Ok(());
    }
    let what = format!("a CIFTI file (intent {}): values of surfaces and grey matter, no image", fields.intent);
    Err(Error::unsupported(path, what, "export a volume from it, with Connectome Workbench's wb_command"))
}

/// The byte where the voxels begin, in the file that holds them.
fn offset(path: &Path, fields: &Fields, container: Container, notes: &mut Vec<String>) -> Result<u64> {
    let (stated, first) = (fields.vox_offset, fields.version.first_voxel());
    let least = match container {
        Container::Pair => 0,
        // Some writers leave it out; nifti_clib then takes the first byte that there may be.
        Container::Single if stated == 0.0 => {
            notes.push(format!("the header does not say where the voxels begin: byte {first} is taken"));
            return Ok(first);
        }
        // The flag bytes behind the header may be missing where no extension follows.
        Container::Single => fields.version.header_len() as u64,
    };
    if stated >= least as f64 && stated < (1u64 << 62) as f64 {
        return Ok(stated as u64);
    }
    let what = match container {
        Container::Single => format!("the voxels begin at byte {stated}, before byte {first} where the header ends"),
        Container::Pair => format!("the voxels begin at byte {stated}"),
    };
    Err(Error::format(path, what, "write it again with the program that made it"))
}

/// The type of the voxels: by the code of the type, whatever the number of bits says, as nibabel and ITK go.
fn encoding(
    path: &Path,
    fields: &Fields,
    (analyze, options): (bool, &OpenOptions),
    notes: &mut Vec<String>,
) -> Result<(Dtype, Encoding)> {
    let unsupported = |what: &str, hint: &str| Err(Error::unsupported(path, what, hint));
    let parts = "write their magnitude, or one part, as float32";
    let colour = |channels| (Dtype::U8, Encoding::Colour { channels, dtype: Dtype::U8, grey: options.grey, role: options.role });
    let (dtype, encoding) = match fields.datatype {
        128 => colour(3),
        2304 => colour(4),
        1 => return unsupported("1-bit voxels", "convert it to uint8"),
        32 => return unsupported("complex voxels (complex64)", parts),
        1792 => return unsupported("complex voxels (complex128)", parts),
        2048 => return unsupported("complex voxels (complex256)", parts),
        1536 => return unsupported("128-bit float voxels", "convert it to float64"),
        code => {
            let spm = SPM_CODES.iter().filter(|_| analyze);
            match CODES.iter().chain(spm).find(|c| c.0 == code) {
                Some(&(_, dtype)) => (dtype, Encoding::Number(dtype)),
                None => {
                    let what = format!("unknown datatype {code}");
                    return Err(Error::format(path, what, "the header is damaged; get the file again"));
                }
            }
        }
    };
    if let Encoding::Colour { role, .. } = encoding {
        role.check_colours(path)?;
    }
    if i64::from(fields.bitpix) != 8 * encoding.bytes() as i64 {
        notes.push(format!(
            "the header states {} bits a voxel, datatype {} has {}: the datatype is taken",
            fields.bitpix,
            fields.datatype,
            8 * encoding.bytes()
        ));
    }
    Ok((dtype, encoding))
}

/// nibabel's rule: a slope of zero, NaN or infinity says that there is no scaling, whatever the intercept. (Of Analyze files only SPM2's have an
/// intercept; nonsense there is none.)
fn rescale(path: &Path, fields: &Fields, analyze: bool) -> Result<Rescale> {
    if fields.slope == 0.0 || !fields.slope.is_finite() {
        return Ok(Rescale::IDENTITY);
    }
    if !fields.intercept.is_finite() && analyze {
        return Ok(Rescale { slope: fields.slope, intercept: 0.0 });
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
        other => {
            let unit = match other {
                32 => "hertz",
                40 => "parts per million",
                48 => "radians per second",
                _ => "a unit that NIfTI does not have",
            };
            notes.push(format!("the fourth axis is no time: its unit is {unit}"));
            None
        }
    }
}

/// Whether no number of the header becomes infinite, and no factor 0, as an f32.
fn fits_f32(header: &Header, rescale: Rescale) -> bool {
    let geometry = header.grid.geometry.as_ref();
    let factors = geometry.iter().flat_map(|g| g.spacing_mm).chain(header.grid.time_step_s).chain([rescale.slope]);
    let matrix = geometry.and_then(|g| g.lps_matrix()).unwrap_or_default();
    factors.into_iter().all(|v| v as f32 != 0.0 && (v as f32).is_finite())
        && matrix.as_flattened().iter().chain(&[rescale.intercept]).all(|v| (*v as f32).is_finite())
}

/// The fields of a file to be written: NIfTI-1, or NIfTI-2 where an axis is too long or a number too large or too small for it.
pub(super) fn fields(path: &Path, header: &Header) -> Result<Fields> {
    let Some(rescale) = header.meaning.rescale.uniform() else {
        return Err(Error::unsupported(path, "NIfTI has one slope for all slices", "write real values, as float32"));
    };
    let axes = header.grid.shape.axes();
    let narrow = axes.iter().all(|&n| n <= i16::MAX as u64) && fits_f32(header, rescale);
    let version = if narrow { Version::One } else { Version::Two };
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
        glmin: 0,
        vox_offset: (version.first_voxel() + header.origin.extensions.0.len() as u64) as f64,
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
