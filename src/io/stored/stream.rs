//! Bytes behind a decompressor, which can only go forward.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use flate2::bufread::ZlibDecoder;

use super::bytes::{ByteSource, read_error};
use super::members::{MemberKind, MemberReader};
use crate::Result;

/// How a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::io) enum FilePacking {
    Gzip,
    Zlib,
    Bzip2,
}

impl FilePacking {
    /// The two bytes with which gzip begins (RFC 1952).
    pub(in crate::io) const GZIP_MAGIC: [u8; 2] = MemberKind::Gzip.magic();

    /// As people call it.
    pub(in crate::io) const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zlib => "zlib",
            Self::Bzip2 => "bzip2",
        }
    }

    /// How many bytes one byte may stand for. Deflate cannot expand more than 258 bytes from two bits; bzip2 knows no such bound that would
    /// tell anything.
    pub(in crate::io) const fn most_expansion(self) -> u64 {
        match self {
            Self::Gzip | Self::Zlib => 1032,
            Self::Bzip2 => u64::MAX,
        }
    }

    /// A reader of what is compressed from byte `offset` of a file on.
    pub(in crate::io) fn open(self, path: &Path, offset: u64) -> std::io::Result<Box<dyn Read + Send>> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(offset))?;
        let file = BufReader::with_capacity(1 << 17, file);
        Ok(match self {
            Self::Gzip => Box::new(MemberReader::new(MemberKind::Gzip, file)),
            Self::Zlib => Box::new(ZlibDecoder::new(file)),
            Self::Bzip2 => Box::new(MemberReader::new(MemberKind::Bzip2, file)),
        })
    }
}

/// A compressed file: one decoder, which can only go forward and starts again where it has to go back.
pub(in crate::io) struct StreamBytes {
    /// Named in errors.
    path: PathBuf,
    file: PathBuf,
    packing: FilePacking,
    /// Where the compressed data begin in the file.
    offset: u64,
    /// The last byte that anyone asks for, and one more.
    end: u64,
    stream: Mutex<Option<Stream>>,
}

struct Stream {
    reader: Box<dyn Read + Send>,
    /// Bytes taken from the reader.
    at: u64,
}

impl StreamBytes {
    /// What is compressed from byte `offset` of `file` on, up to byte `end` of what it decompresses to. Errors name `path`.
    pub(in crate::io) fn new(path: &Path, file: &Path, packing: FilePacking, (offset, end): (u64, u64)) -> Self {
        Self { path: path.into(), file: file.into(), packing, offset, end, stream: Mutex::default() }
    }

    fn read(&self, stream: &mut Stream, byte: u64, into: &mut [u8]) -> std::io::Result<()> {
        let mut scratch = [0; 1 << 14];
        while stream.at < byte {
            let step = (byte - stream.at).min(scratch.len() as u64) as usize;
            stream.reader.read_exact(&mut scratch[..step])?;
            stream.at += step as u64;
        }
        stream.reader.read_exact(into)?;
        stream.at += into.len() as u64;
        if stream.at < self.end {
            return Ok(());
        }
        // The checksum stands behind the data, so it is only compared when someone reads on. What a header does not account for
        // is not followed beyond a MiB.
        for _ in 0..64 {
            let n = stream.reader.read(&mut scratch)?;
            stream.at += n as u64;
            if n == 0 {
                break;
            }
        }
        Ok(())
    }
}

impl ByteSource for StreamBytes {
    fn read_exact_at(&self, at: u64, into: &mut [u8]) -> Result<()> {
        let failed = |e| read_error(&self.path, self.packing.name(), e);
        let mut kept = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        // Taken out: after an error, or a panic, the decoder's state says nothing, and the next read starts over.
        let mut stream = match kept.take() {
            Some(stream) if stream.at <= at => stream,
            _ => Stream { reader: self.packing.open(&self.file, self.offset).map_err(failed)?, at: 0 },
        };
        self.read(&mut stream, at, into).map_err(failed)?;
        if stream.at < self.end {
            *kept = Some(stream);
        }
        Ok(())
    }

    fn sequential(&self) -> bool {
        true
    }
}
