//! MedMNIST's archives: .npz, which is a ZIP of NumPy arrays `train_images`, `train_labels` and so on.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use hounsfield::io::{self, OpenOptions};
use hounsfield::{Error, Result};

use super::Plane;
use super::image::real_values;

/// A part of an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ArchivePart {
    /// To learn from.
    Train,
    /// To choose by.
    Val,
    /// To judge by, once.
    Test,
}

impl ArchivePart {
    /// As the names of the arrays begin.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Val => "val",
            Self::Test => "test",
        }
    }
}

/// The most bytes of one array that are believed.
const MOST_BYTES: u64 = 8 << 30;

/// Whether a file is an archive, by its name.
pub fn is_archive(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("npz"))
}

/// The images of a part, and the number of the class of each where the archive has it.
///
/// # Errors
/// [`Error::Read`]; [`Error::Format`] for what is no such archive, or has no such part.
pub fn read(path: &Path, part: ArchivePart) -> Result<Vec<(Plane, Option<u32>)>> {
    let file = File::open(path).map_err(Error::read(path))?;
    let broken =
        |e: zip::result::ZipError| Error::format(path, format!("no archive of arrays ({e})"), "give a .npz file of MedMNIST");
    let mut archive = zip::ZipArchive::new(file).map_err(broken)?;
    let images = array(&mut archive, path, &format!("{}_images", part.name()))?.ok_or_else(|| {
        let held: Vec<String> = archive.file_names().map(str::to_owned).collect();
        let hint = format!("choose another with --split; the archive holds {}", held.join(", "));
        Error::format(path, format!("there is no part {:?} in the archive", part.name()), hint)
    })?;
    let [width, height, count] = images.shape;
    let planes = images.values.chunks_exact(width * height).map(|values| Plane { width, height, values: values.to_vec() });
    let labels = match array(&mut archive, path, &format!("{}_labels", part.name()))? {
        None => vec![None; count],
        Some(labels) if labels.values.len() == count => labels.values.iter().map(|value| Some(*value as u32)).collect(),
        Some(labels) => {
            let what = format!("{} labels for {count} images", labels.values.len());
            return Err(Error::format(path, what, "give an archive with one class for each image"));
        }
    };
    Ok(planes.zip(labels).collect())
}

struct Array {
    /// Columns, rows, images.
    shape: [usize; 3],
    values: Vec<f32>,
}

/// An array of the archive, by way of a file of its own, which the library reads with all its checks.
fn array(archive: &mut zip::ZipArchive<File>, path: &Path, name: &str) -> Result<Option<Array>> {
    let broken = |what: String| Error::format(path, what, "get the archive again");
    let mut entry = match archive.by_name(&format!("{name}.npy")) {
        Ok(entry) => entry,
        Err(zip::result::ZipError::FileNotFound) => return Ok(None),
        Err(e) => return Err(broken(format!("array {name} cannot be read ({e})"))),
    };
    let mut copy = tempfile::Builder::new().suffix(".npy").tempfile().map_err(Error::write(&std::env::temp_dir()))?;
    let copied = std::io::copy(&mut entry.by_ref().take(MOST_BYTES), copy.as_file_mut())
        .map_err(|e| broken(format!("array {name} is damaged ({e})")))?;
    if copied == MOST_BYTES {
        return Err(Error::limit(path, format!("array {name} has more than 8 GiB"), "give images of fewer pixels"));
    }
    let source =
        io::open(&[copy.path().to_path_buf()], &OpenOptions::default()).map_err(|e| broken(format!("array {name}: {e}")))?;
    let shape = &source.header().grid.shape;
    if shape.volumes() > 1 {
        return Err(Error::unsupported(path, format!("array {name} of {shape}: colours"), "give images in grey"));
    }
    let shape = shape.xyz().map(|n| n as usize);
    Ok(Some(Array { shape, values: real_values(source.as_ref())? }))
}
