//! One way in and one way out: the format is found from the content of a file to read, from the name of one to write.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::output::Target;
use super::{Grey, Limits, Output, Source, dicom, nifti, raster, stack};
use crate::volume::Header;
use crate::{Error, Result};

/// How to read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OpenOptions {
    /// How colour becomes grey.
    pub grey: Grey,
    /// Read a series even if its geometry cannot be trusted.
    pub trust_geometry: bool,
    /// Which of several DICOM series in a folder, counted from 1.
    pub series: Option<u32>,
    /// The most bytes of voxels to believe in; without it [`Limits::VOLUME`] and [`Limits::IMAGE`] hold.
    pub max_bytes: Option<u64>,
}

/// How to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteOptions {
    /// Effort of gzip, 1 (fast) to 9 (small).
    pub gzip_level: u32,
}

impl WriteOptions {
    /// The knee of the curve. A chest CT of 512 x 512 x 100, two threads: level 1 writes 253 MB/s and leaves 79 % of the size,
    /// 2 154 MB/s and 58 %, 3 131 MB/s and 57 %, 6 88 MB/s and 56 %. All are read at 300 MB/s.
    pub const GZIP_LEVEL: u32 = 2;
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self { gzip_level: Self::GZIP_LEVEL }
    }
}

/// Opens a volume: one file, one folder (a DICOM series, or images of one format in natural order), or several files that are
/// the slices of one volume in the order given.
///
/// # Errors
/// Every family but [`Error::Write`]; see there.
pub fn open(paths: &[PathBuf], options: &OpenOptions) -> Result<Box<dyn Source>> {
    match paths {
        [] => Err(Error::usage("no input is given", "name a file or a folder")),
        [one] => open_one(one, options),
        several => stack::open(several, options),
    }
}

/// Begins a file of the format that the name of `target` asks for.
///
/// # Errors
/// [`Error::Usage`] if the format is unknown or cannot hold such a volume, [`Error::Write`].
pub fn create(target: &Target, header: &Header, options: &WriteOptions) -> Result<Box<dyn Output>> {
    // Another format can be asked for: the caller's mistake, where it would be a file's if it were read.
    begin(target, header, options).map_err(|e| match e {
        Error::Unsupported { path, what, hint } => Error::usage(format!("{what} ({})", path.display()), hint),
        other => other,
    })
}

fn begin(target: &Target, header: &Header, options: &WriteOptions) -> Result<Box<dyn Output>> {
    let path = target.path();
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    if name.ends_with(".nii") || name.ends_with(".nii.gz") {
        return nifti::create(target, header, options);
    }
    if [".png", ".tif", ".tiff"].iter().any(|e| name.ends_with(e)) {
        return raster::create(target, header);
    }
    Err(Error::unsupported(path, "no format is known by this name", "write .nii, .nii.gz, .tif, .tiff or .png"))
}

/// What a path holds.
enum Kind {
    Folder,
    Nifti,
    Dicom,
    Raster(raster::Format),
}

/// Opens a single file or folder.
fn open_one(path: &Path, options: &OpenOptions) -> Result<Box<dyn Source>> {
    match kind(path)? {
        Kind::Folder => folder(path, options),
        Kind::Nifti => nifti::open(path, &volume_limits(options), options.grey),
        Kind::Dicom => dicom::open(path, options),
        Kind::Raster(_) => raster::open(path, &image_limits(options), &volume_limits(options), options.grey),
    }
}

/// Opens one of the slices of a stack: a file, never a folder.
pub(super) fn open_slice(path: &Path, options: &OpenOptions) -> Result<Box<dyn Source>> {
    match kind(path)? {
        Kind::Folder => {
            Err(Error::usage(format!("a folder among several inputs ({})", path.display()), "give one folder, or files only"))
        }
        _ => open_one(path, options),
    }
}

/// The header of a slice, without decoding more than it takes to know it.
pub(super) fn slice_header(path: &Path, options: &OpenOptions) -> Result<Header> {
    match kind(path)? {
        Kind::Raster(_) => raster::probe(path, &image_limits(options), options.grey),
        _ => Ok(open_slice(path, options)?.header().clone()),
    }
}

fn volume_limits(options: &OpenOptions) -> Limits {
    options.max_bytes.map_or(Limits::VOLUME, |max_bytes| Limits { max_bytes })
}

fn image_limits(options: &OpenOptions) -> Limits {
    options.max_bytes.map_or(Limits::IMAGE, |max_bytes| Limits { max_bytes })
}

/// Content first; the name only decides whose error message a file without any known beginning gets.
fn kind(path: &Path) -> Result<Kind> {
    let metadata = std::fs::metadata(path).map_err(Error::read(path))?;
    if metadata.is_dir() {
        return Ok(Kind::Folder);
    }
    let mut start = Vec::new();
    File::open(path).and_then(|f| f.take(256).read_to_end(&mut start)).map_err(Error::read(path))?;
    if start.is_empty() {
        return Err(Error::format(path, "the file is empty", "get the file again"));
    }
    // Some DICOM files begin with a TIFF header, to be both.
    if start.get(128..132) == Some(b"DICM") {
        return Ok(Kind::Dicom);
    }
    if let Some(format) = raster::Format::sniff(&start) {
        return Ok(Kind::Raster(format));
    }
    if dicom::is_dicom(path) {
        return Ok(Kind::Dicom);
    }
    if nifti::is_nifti(path) {
        return Ok(Kind::Nifti);
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let ends = |endings: &[&str]| endings.iter().any(|e| name.ends_with(e));
    if ends(&[".nii", ".nii.gz"]) {
        return Ok(Kind::Nifti);
    }
    if ends(&[".hdr", ".img", ".hdr.gz", ".img.gz"]) {
        let what = "an Analyze or NIfTI pair (.hdr and .img)";
        return Err(Error::unsupported(path, what, "convert it to one .nii or .nii.gz file"));
    }
    if ends(&[".dcm", ".dicom", ".png", ".jpg", ".jpeg", ".tif", ".tiff"]) {
        return Err(Error::format(path, "the content is not what the name says", "check where the file comes from"));
    }
    Err(Error::unsupported(path, "no known image format", "give DICOM, NIfTI, PNG, JPEG or TIFF"))
}

fn folder(path: &Path, options: &OpenOptions) -> Result<Box<dyn Source>> {
    let mut images = Vec::new();
    for entry in std::fs::read_dir(path).map_err(Error::read(path))? {
        let entry = entry.map_err(Error::read(path))?.path();
        let hidden = entry.file_name().is_some_and(|n| n.as_encoded_bytes().starts_with(b"."));
        if hidden || entry.is_dir() {
            continue;
        }
        match kind(&entry) {
            Ok(Kind::Dicom) => return dicom::open(path, options),
            Ok(Kind::Raster(format)) => images.push((entry, format)),
            // Licences, tables and the like lie about in such folders.
            _ => {}
        }
    }
    // By name, numbers by value; equal names in that sense (01 and 1) still have one order.
    let key = |p: &Path| p.file_name().unwrap_or_default().to_string_lossy().into_owned();
    images.sort_by(|(a, _), (b, _)| natord::compare(&key(a), &key(b)).then_with(|| a.cmp(b)));
    let Some((_, first)) = images.first() else {
        return Err(Error::format(path, "no images in this folder", "give a folder of DICOM, PNG, JPEG or TIFF files"));
    };
    if let Some((other, format)) = images.iter().find(|(_, f)| f != first) {
        return Err(Error::usage(
            format!("images of several formats in one folder ({} among {}: {})", format.name(), first.name(), other.display()),
            "give the files of one volume",
        ));
    }
    let paths: Vec<PathBuf> = images.into_iter().map(|(p, _)| p).collect();
    match paths.as_slice() {
        [one] => open_one(one, options),
        several => stack::open(several, options),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::output::publish;
    use crate::volume::{Dtype, Shape};

    fn png(path: &Path, axes: [u64; 2], value: u8) {
        let header = Header::new(Shape::new(&axes).unwrap(), Dtype::U8);
        let sink = create(&Target::new(path, true, &[]).unwrap(), &header, &WriteOptions::default()).unwrap();
        sink.write(0, &vec![value; header.bytes() as usize]).unwrap();
        publish(vec![sink.finish().unwrap()]).unwrap();
    }

    fn open_path(path: &Path) -> Result<Box<dyn Source>> {
        open(&[path.to_path_buf()], &OpenOptions::default())
    }

    #[test]
    fn a_folder_is_stacked_in_natural_order() {
        let folder = tempfile::tempdir().unwrap();
        for i in [10, 9, 1, 2] {
            png(&folder.path().join(format!("slice{i}.png")), [3, 2], i);
        }
        std::fs::write(folder.path().join("LICENSE.txt"), "free").unwrap();
        std::fs::write(folder.path().join(".hidden.png"), "x").unwrap();
        let source = open_path(folder.path()).unwrap();
        assert_eq!((source.header().shape.axes(), source.header().origin.files, source.unit()), ([3, 2, 4].as_slice(), 4, 6));
        let mut bytes = vec![0; 24];
        source.read(0, &mut bytes).unwrap();
        assert_eq!(bytes.chunks(6).map(|s| s[0]).collect::<Vec<_>>(), [1, 2, 9, 10]);
        png(&folder.path().join("slice11.png"), [2, 3], 0);
        let error = open_path(folder.path()).map(|_| ()).unwrap_err();
        assert!(matches!(error, Error::Usage { .. }) && error.to_string().contains("slice11.png is 2 x 3"), "{error}");
    }

    #[test]
    fn what_is_no_image_is_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, content: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, content).unwrap();
            open_path(&path).map(|_| ()).unwrap_err()
        };
        assert!(matches!(open_path(folder.path()), Err(Error::Format { .. })));
        assert!(matches!(open_path(&folder.path().join("none.nii")), Err(Error::Read { .. })));
        for name in ["empty", "empty.nii", "empty.nii.gz", "empty.png", "empty.dcm"] {
            assert!(matches!(file(name, b""), Error::Format { .. }), "{name}");
        }
        for name in ["text.dcm", "text.nii", "text.nii.gz", "text.png", "text.tiff"] {
            assert!(matches!(file(name, b"Patient went home."), Error::Format { .. }), "{name}");
        }
        assert!(matches!(file("text.txt", b"Patient went home."), Error::Unsupported { .. }));
        assert!(matches!(file("pair.hdr", &[0; 348]), Error::Unsupported { .. }));
        assert!(matches!(open(&[], &OpenOptions::default()), Err(Error::Usage { .. })));
    }

    #[test]
    fn content_decides_not_the_name() {
        let folder = tempfile::tempdir().unwrap();
        png(&folder.path().join("a.png"), [4, 4], 7);
        let renamed = folder.path().join("a.dcm");
        std::fs::rename(folder.path().join("a.png"), &renamed).unwrap();
        assert_eq!(open_path(&renamed).unwrap().header().origin.format, "PNG");
    }
}
