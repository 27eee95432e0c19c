//! One way in and one way out: the format is found from the content of a file to read, from the name of one to write.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use super::output::Target;
use super::{InFolder, OpenOptions, Output, STREAM, Source, WriteOptions, dicom, format, nifti, stack};
use crate::volume::Header;
use crate::{Error, Result};

/// Opens a volume: one file, one folder (a DICOM series, an OME-Zarr image, or images of one format in natural order), or several files: a DICOM series
/// in whatever order they come, or the slices of one volume in the order given. [`STREAM`](super::STREAM) is a NIfTI volume on standard input.
///
/// # Errors
/// Every family but [`Error::Write`]; see there.
pub fn open(paths: &[PathBuf], options: &OpenOptions) -> Result<Box<dyn Source>> {
    match paths {
        [] => Err(Error::usage("no input is given", "name a file or a folder")),
        [one] => open_one(one, options),
        several if several.iter().any(|path| dicom::is_dicom(path)) => dicom::open_as_volume(several, options),
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
    format::to_write(target.path())?(target, header, options)
}

/// Opens a single file or folder.
fn open_one(path: &Path, options: &OpenOptions) -> Result<Box<dyn Source>> {
    if path == Path::new(STREAM) {
        let input = std::io::stdin();
        if input.is_terminal() {
            return Err(Error::usage("standard input is a terminal", "pipe a NIfTI volume into it, or name a file"));
        }
        return nifti::receive(path, &mut input.lock(), options);
    }
    if std::fs::metadata(path).map_err(Error::read(path))?.is_dir() {
        return match format::of_folder(path) {
            Some(format) => (format.open)(path, options),
            None => folder(path, options),
        };
    }
    (format::of(path)?.open)(path, options)
}

fn folder(path: &Path, options: &OpenOptions) -> Result<Box<dyn Source>> {
    let mut images = Vec::new();
    for entry in std::fs::read_dir(path).map_err(Error::read(path))? {
        let entry = entry.map_err(Error::read(path))?.path();
        let hidden = entry.file_name().is_some_and(|n| n.as_encoded_bytes().starts_with(b"."));
        if hidden || entry.is_dir() {
            continue;
        }
        // Licences, tables and the like lie about in such folders.
        let Ok(format) = format::of(&entry) else { continue };
        match format.in_folder {
            InFolder::Series => return (format.open)(path, options),
            InFolder::Slices => images.push((entry, format)),
            InFolder::Alone | InFolder::Itself => {}
        }
    }
    // By name, numbers by value; equal names in that sense (01 and 1) still have one order.
    let key = |p: &Path| p.file_name().unwrap_or_default().to_string_lossy().into_owned();
    images.sort_by(|(a, _), (b, _)| natord::compare(&key(a), &key(b)).then_with(|| a.cmp(b)));
    let Some((_, first)) = images.first() else {
        let hint = format!("give a folder of {} files", format::in_folders());
        return Err(Error::format(path, "no images in this folder", hint));
    };
    if let Some((other, format)) = images.iter().find(|(_, f)| f.name != first.name) {
        return Err(Error::usage(
            format!("images of several formats in one folder ({} among {}: {})", format.name, first.name, other.display()),
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
        assert_eq!(
            (source.header().grid.shape.axes(), source.header().origin.files, source.unit()),
            ([3, 2, 4].as_slice(), 4, 6)
        );
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
        assert!(file("pair.hdr", &[0; 348]).to_string().contains("are missing: this is one of a pair"));
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
