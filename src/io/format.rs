//! All formats in one table: which one a file has, which one a name asks for, and what messages say of them.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::raster::{jpeg, png, tiff};
use super::{Create, Format, InFolder, Limits, STREAM, dicom, metaimage, nifti, npy, nrrd};
use crate::{Error, Result};

/// The formats, in the order in which they are looked for: some DICOM files begin with a TIFF header, to be both.
pub const FORMATS: &[Format] = &[
    dicom::FORMAT,
    nifti::FORMAT,
    nrrd::FORMAT,
    npy::FORMAT,
    png::FORMAT,
    jpeg::FORMAT,
    tiff::FORMAT,
    // Told by words of text, which is the least of all beginnings.
    metaimage::FORMAT,
    #[cfg(feature = "zarr")]
    super::zarr::FORMAT,
];

/// Bytes of a file that are enough to tell every format: the longest header is NIfTI-2's.
const BEGINNING: u64 = 544;

/// The format of a file: content first, and the name only where it decides whose message a file without any known beginning gets.
pub(super) fn of(path: &Path) -> Result<&'static Format> {
    let mut start = Vec::new();
    File::open(path).and_then(|f| f.take(BEGINNING).read_to_end(&mut start)).map_err(Error::read(path))?;
    if start.is_empty() {
        return Err(Error::format(path, "the file is empty", "get the file again"));
    }
    let by_content = FORMATS.iter().find(|format| (format.sniff)(path, &start));
    match by_content.or_else(|| FORMATS.iter().find(|format| format.reads(path))) {
        Some(format) if by_content.is_some() || format.knows_better => Ok(format),
        Some(_) => Err(Error::format(path, "the content is not what the name says", "check where the file comes from")),
        None => Err(Error::unsupported(path, "no known image format", format!("give {}", names(|_| true)))),
    }
}

/// The format of which a folder as a whole is a file.
pub(super) fn of_folder(path: &Path) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.in_folder == InFolder::Itself && (format.sniff)(path, &[]))
}

/// What begins a file of a name like this.
pub(super) fn to_write(path: &Path) -> Result<Create> {
    let stream = path == Path::new(STREAM);
    let create = FORMATS
        .iter()
        .filter(|format| if stream { format.name == nifti::FORMAT.name } else { format.writes(path) })
        .find_map(|format| format.create);
    create.ok_or_else(|| {
        // Most outputs are volumes.
        let (volumes, images): (Vec<_>, Vec<_>) = FORMATS.iter().partition(|format| format.limits == Limits::VOLUME);
        let endings: Vec<&str> = volumes.into_iter().chain(images).flat_map(|format| format.written).copied().collect();
        Error::unsupported(path, "no format is known by this name", format!("write {}", either(&endings)))
    })
}

/// The formats that may lie in a folder, in words.
pub(super) fn in_folders() -> String {
    names(|format| matches!(format.in_folder, InFolder::Series | InFolder::Slices))
}

fn names(which: impl Fn(&Format) -> bool) -> String {
    let names: Vec<&str> = FORMATS.iter().filter(|format| which(format)).map(|format| format.name).collect();
    either(&names)
}

/// One of them, in words.
fn either(all: &[&str]) -> String {
    match all {
        [] => String::new(),
        [one] => (*one).into(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_every_format() {
        let error = to_write(Path::new("out.xyz")).map(|_| ()).unwrap_err().to_string();
        let (mha, metaimage) = match cfg!(feature = "zarr") {
            true => (".mha, .zarr", "TIFF, MetaImage or OME-Zarr"),
            false => (".mha", "TIFF or MetaImage"),
        };
        assert_eq!(
            error,
            format!("no format is known by this name; write .nii, .nii.gz, .nrrd, .npy, .tif, .tiff, {mha} or .png: out.xyz")
        );
        assert_eq!(names(|_| true), format!("DICOM, NIfTI, NRRD, NumPy, PNG, JPEG, {metaimage}"));
        assert_eq!(in_folders(), "DICOM, PNG, JPEG or TIFF");
    }

    #[test]
    fn an_ending_asks_for_one_format() {
        let mut seen = std::collections::BTreeSet::new();
        for format in FORMATS {
            assert!(format.read.iter().all(|ending| seen.insert(*ending)), "{}", format.name);
            assert!(format.written.iter().all(|ending| format.read.contains(ending)), "{}", format.name);
            assert_eq!(format.written.is_empty(), format.create.is_none(), "{}", format.name);
        }
        assert!(FORMATS.iter().find(|f| f.name == "NIfTI").unwrap().writes(Path::new("A.NII.GZ")));
    }
}
