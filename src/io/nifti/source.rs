//! Voxels out of NIfTI files.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::LONGEST_HEADER;
use super::header::interpret;
use crate::io::stored::{FilePacking, PlainBytes, StoredSource, StreamBytes, fill, read_error};
use crate::io::{Grey, Limits, Source};
use crate::{Error, Result};

pub(super) fn open(path: &Path, limits: &Limits, grey: Grey) -> Result<Box<dyn Source>> {
    let mut file = File::open(path).map_err(Error::read(path))?;
    let length = file.metadata().map_err(Error::read(path))?.len();
    if length == 0 {
        return Err(Error::format(path, "the file is empty", "get the file again"));
    }
    let mut start = [0; LONGEST_HEADER];
    let n = fill(&mut file, &mut start);
    if !start[..n].starts_with(&FilePacking::GZIP_MAGIC) {
        let (header, layout) = interpret(path, &start[..n], grey)?;
        let needs = layout.end(&header.grid.shape);
        if length < needs {
            let what = format!("truncated: the file has {length} bytes, needs {needs}");
            return Err(Error::format(path, what, "get the file again"));
        }
        limits.check_volume(path, &header)?;
        let bytes = Box::new(PlainBytes { path: path.into(), file });
        return Ok(Box::new(StoredSource { header, layout, bytes }));
    }
    let gzip = FilePacking::Gzip;
    let mut reader = gzip.open(path, 0).map_err(Error::read(path))?;
    let n = match reader.read(&mut start) {
        // Whatever comes later, a stream that breaks at once has its own message.
        Err(e) => return Err(read_error(path, gzip.name(), e)),
        Ok(n) => n + fill(&mut reader, &mut start[n..]),
    };
    let (mut header, layout) = interpret(path, &start[..n], grey)?;
    let (needs, most) = (layout.end(&header.grid.shape), length.saturating_mul(gzip.most_expansion()));
    if most < needs {
        let what = format!("truncated: {length} bytes of gzip hold at most {most}, the header needs {needs}");
        return Err(Error::format(path, what, "get the file again"));
    }
    limits.check_volume(path, &header)?;
    header.origin.format += " (gzip)";
    let bytes = Box::new(StreamBytes::new(path, path, gzip, (0, needs)).begun(reader, n as u64));
    Ok(Box::new(StoredSource { header, layout, bytes }))
}
