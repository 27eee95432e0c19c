//! Voxels out of NIfTI files.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::header::{Encoding, VoxelLayout, interpret};
use super::{LONGEST_HEADER, fill, gzip, read_error};
use crate::io::{Grey, Limits, Source, positional};
use crate::volume::Header;
use crate::{Error, Result};

pub(super) fn open(path: &Path, limits: &Limits, grey: Grey) -> Result<Box<dyn Source>> {
    let mut file = File::open(path).map_err(Error::read(path))?;
    let length = file.metadata().map_err(Error::read(path))?.len();
    if length == 0 {
        return Err(Error::format(path, "the file is empty", "get the file again"));
    }
    let mut start = [0; LONGEST_HEADER];
    let n = fill(&mut file, &mut start);
    if !start[..n].starts_with(&gzip::MAGIC) {
        let (header, layout) = interpret(path, &start[..n], grey)?;
        let needs = layout.end(&header.grid.shape);
        if length < needs {
            let what = format!("truncated: the file has {length} bytes, needs {needs}");
            return Err(Error::format(path, what, "get the file again"));
        }
        limits.check_volume(path, &header)?;
        return Ok(Box::new(PlainSource { path: path.into(), file, header, layout }));
    }
    let mut reader = gzip::GzipReader::open(path).map_err(Error::read(path))?;
    let n = match reader.read(&mut start) {
        // Whatever comes later, a stream that breaks at once has its own message.
        Err(e) => return Err(read_error(path, e)),
        Ok(n) => n + fill(&mut reader, &mut start[n..]),
    };
    let (mut header, layout) = interpret(path, &start[..n], grey)?;
    let (needs, most) = (layout.end(&header.grid.shape), length.saturating_mul(gzip::MOST_EXPANSION));
    if most < needs {
        let what = format!("truncated: {length} bytes of gzip hold at most {most}, the header needs {needs}");
        return Err(Error::format(path, what, "get the file again"));
    }
    limits.check_volume(path, &header)?;
    header.origin.format += " (gzip)";
    let stream = Mutex::new(Stream { reader, at: n as u64 });
    Ok(Box::new(GzipSource { path: path.into(), header, layout, stream }))
}

/// A plain file: any thread reads any part.
struct PlainSource {
    path: PathBuf,
    file: File,
    header: Header,
    layout: VoxelLayout,
}

impl Source for PlainSource {
    fn header(&self) -> &Header {
        &self.header
    }

    fn read(&self, at: u64, into: &mut [u8]) -> Result<()> {
        decode(&self.layout, at, into, |byte, raw| {
            positional::read_exact_at(&self.file, raw, byte).map_err(|e| read_error(&self.path, e))
        })
    }
}

/// A gzipped file: one decoder, which can only go forward.
struct GzipSource {
    path: PathBuf,
    header: Header,
    layout: VoxelLayout,
    stream: Mutex<Stream>,
}

struct Stream {
    reader: gzip::GzipReader,
    /// Bytes taken from the reader.
    at: u64,
}

impl Source for GzipSource {
    fn header(&self) -> &Header {
        &self.header
    }

    fn read(&self, at: u64, into: &mut [u8]) -> Result<()> {
        // A reader that panicked elsewhere left the position it had counted; an inconsistent one would start again below.
        let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        decode(&self.layout, at, into, |byte, raw| {
            let result = stream
                .read_exact_at(&self.path, byte, raw)
                .and_then(|()| if stream.at == self.layout.end(&self.header.grid.shape) { stream.check_end() } else { Ok(()) });
            if result.is_err() {
                // The decoder's state after an error says nothing: the next read starts over.
                stream.at = u64::MAX;
            }
            result.map_err(|e| read_error(&self.path, e))
        })
    }

    fn sequential(&self) -> bool {
        true
    }
}

impl Stream {
    fn read_exact_at(&mut self, path: &Path, byte: u64, raw: &mut [u8]) -> std::io::Result<()> {
        if byte < self.at {
            self.reader = gzip::GzipReader::open(path)?;
            self.at = 0;
        }
        let mut scratch = [0; 1 << 14];
        while self.at < byte {
            let step = (byte - self.at).min(scratch.len() as u64) as usize;
            self.reader.read_exact(&mut scratch[..step])?;
            self.at += step as u64;
        }
        self.reader.read_exact(raw)?;
        self.at += raw.len() as u64;
        Ok(())
    }

    /// The checksum stands behind the data, so it is only compared when someone reads on. What a header does not account for
    /// is not followed beyond a MiB.
    fn check_end(&mut self) -> std::io::Result<()> {
        let mut scratch = [0; 1 << 14];
        for _ in 0..64 {
            let n = self.reader.read(&mut scratch)?;
            self.at += n as u64;
            if n == 0 {
                break;
            }
        }
        Ok(())
    }
}

/// Reads voxels from `at` on through `raw(byte, into)`, which fills a slice with the file's bytes, and gives them the form of
/// [`Source::read`].
fn decode(layout: &VoxelLayout, at: u64, into: &mut [u8], mut raw: impl FnMut(u64, &mut [u8]) -> Result<()>) -> Result<()> {
    let byte = layout.offset + at * layout.encoding.bytes() as u64;
    match layout.encoding {
        Encoding::Number(dtype) => {
            raw(byte, into)?;
            if layout.big_endian {
                reverse_each(into, dtype.bytes());
            }
        }
        Encoding::Colour { bytes, grey } => {
            let mut pixels = vec![0; bytes * into.len().min(1 << 16)];
            for (i, out) in into.chunks_mut(1 << 16).enumerate() {
                let pixels = &mut pixels[..bytes * out.len()];
                raw(byte + ((i << 16) * bytes) as u64, pixels)?;
                for (out, p) in out.iter_mut().zip(pixels.chunks_exact(bytes)) {
                    *out = grey.of_u8(p[0], p[1], p[2]);
                }
            }
        }
    }
    Ok(())
}

fn reverse_each(bytes: &mut [u8], size: usize) {
    // A length known at compile time turns each of these into a byte swap.
    match size {
        2 => bytes.as_chunks_mut::<2>().0.iter_mut().for_each(|v| v.reverse()),
        4 => bytes.as_chunks_mut::<4>().0.iter_mut().for_each(|v| v.reverse()),
        8 => bytes.as_chunks_mut::<8>().0.iter_mut().for_each(|v| v.reverse()),
        _ => {}
    }
}
