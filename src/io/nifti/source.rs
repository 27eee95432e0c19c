//! Voxels out of NIfTI files.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::fields::Version;
use super::header::{Container, interpret};
use super::pair::FilePair;
use super::{LONGEST_HEADER, extensions};
use crate::io::stored::{FilePacking, PlainBytes, StoredSource, StreamBytes, VoxelLayout, fill, read_error};
use crate::io::{ExtensionPolicy, Limits, OpenOptions, Source};
use crate::volume::{Extensions, Header};
use crate::{Error, Result};

const GZIP: FilePacking = FilePacking::Gzip;

/// Opens a single file. Errors name `path`.
pub(super) fn single(path: &Path, file: &Path, options: &OpenOptions) -> Result<Box<dyn Source>> {
    let file = Opened::new(path, file)?;
    let start = file.beginning()?;
    let (mut header, layout) = interpret(path, &start, Container::Single, options)?;
    file.check(&header, &layout, &options.limits(Limits::VOLUME))?;
    file.extensions(&start, layout.offset, layout.big_endian, options)?.into_iter().for_each(|found| found.put(&mut header));
    file.source(header, layout)
}

/// Opens a pair of files; `path` is the one that was asked for.
pub(super) fn pair(path: &Path, pair: &FilePair, options: &OpenOptions) -> Result<Box<dyn Source>> {
    let open = |path: &Path| Opened::new(path, path);
    let head = open(&pair.header)?;
    let start = head.beginning()?;
    let (mut header, layout) = interpret(path, &start, Container::Pair, options)?;
    let voxels = open(&pair.voxels)?;
    voxels.check(&header, &layout, &options.limits(Limits::VOLUME))?;
    // To the end of the header's own file.
    head.extensions(&start, u64::MAX, layout.big_endian, options)?.into_iter().for_each(|found| found.put(&mut header));
    voxels.source(header, layout)
}

/// What became of header extensions.
enum Found {
    LeftOut(u64),
    Kept(Extensions),
}

impl Found {
    /// Says so in a header.
    fn put(self, header: &mut Header) {
        header.origin.notes.push(match &self {
            Self::LeftOut(bytes) => format!("{bytes} bytes of header extensions are left out"),
            Self::Kept(all) => format!("{} bytes of header extensions are kept: they may hold names", all.0.len()),
        });
        if let Self::Kept(all) = self {
            header.origin.extensions = all;
        }
    }
}

/// A file, plain or gzipped.
struct Opened {
    /// Named in errors.
    path: PathBuf,
    file: PathBuf,
    length: u64,
    gzip: bool,
}

impl Opened {
    fn new(path: &Path, file: &Path) -> Result<Self> {
        let mut opened = File::open(file).map_err(Error::read(path))?;
        let length = opened.metadata().map_err(Error::read(path))?.len();
        if length == 0 {
            return Err(Error::format(path, "the file is empty", "get the file again"));
        }
        let mut magic = [0; 2];
        let n = fill(&mut opened, &mut magic);
        Ok(Self { path: path.into(), file: file.into(), length, gzip: magic[..n] == FilePacking::GZIP_MAGIC })
    }

    /// What it holds, from its first byte on.
    fn reader(&self) -> Result<Box<dyn Read + Send>> {
        match self.gzip {
            true => GZIP.open(&self.file, 0),
            false => File::open(&self.file).map(|file| Box::new(file) as Box<dyn Read + Send>),
        }
        .map_err(Error::read(&self.path))
    }

    fn failed(&self, error: std::io::Error) -> Error {
        read_error(&self.path, if self.gzip { GZIP.name() } else { "plain" }, error)
    }

    /// The beginning of what it holds, as long as the longest header.
    fn beginning(&self) -> Result<Vec<u8>> {
        let mut start = vec![0; LONGEST_HEADER];
        let mut reader = self.reader()?;
        // Whatever comes later, a stream that breaks at once has its own message.
        let n = reader.read(&mut start).map_err(|e| self.failed(e))?;
        let n = n + fill(&mut reader, &mut start[n..]);
        start.truncate(n);
        Ok(start)
    }

    /// Whether all voxels can be there, and are not too many.
    fn check(&self, header: &Header, layout: &VoxelLayout, limits: &Limits) -> Result<()> {
        let (needs, length) = (layout.end(&header.grid.shape), self.length);
        let most = if self.gzip { length.saturating_mul(GZIP.most_expansion()) } else { length };
        if most < needs {
            let what = match self.gzip {
                true => format!("truncated: {length} bytes of gzip hold at most {most}, the header needs {needs}"),
                false => format!("truncated: the file has {length} bytes, needs {needs}"),
            };
            return Err(Error::format(&self.path, what, "get the file again"));
        }
        limits.check_volume(&self.path, header)
    }

    /// The extensions between the header, which begins with `start`, and byte `end`; none if the header says that there are none.
    fn extensions(&self, start: &[u8], end: u64, big_endian: bool, options: &OpenOptions) -> Result<Option<Found>> {
        let first = Version::sniff(start).map_or(Version::One, |(version, _)| version).first_voxel();
        if start.get(first as usize - 4).is_none_or(|flag| *flag == 0) || end <= first {
            return Ok(None);
        }
        let mut reader = self.reader()?;
        std::io::copy(&mut reader.by_ref().take(first), &mut std::io::sink()).map_err(|e| self.failed(e))?;
        let mut reader = reader.take((end - first).min(extensions::MOST + 1));
        if options.extensions == ExtensionPolicy::Drop {
            let bytes = std::io::copy(&mut reader, &mut std::io::sink()).map_err(|e| self.failed(e))?;
            return Ok((bytes > 0).then_some(Found::LeftOut(bytes)));
        }
        let mut raw = Vec::new();
        reader.read_to_end(&mut raw).map_err(|e| self.failed(e))?;
        if raw.len() as u64 > extensions::MOST {
            let what = format!("more than {} bytes of header extensions", extensions::MOST);
            return Err(Error::limit(&self.path, what, "leave the extensions out"));
        }
        let kept = extensions::tidied(&raw, big_endian).ok_or_else(|| {
            let what = "the header extensions do not follow each other as they say";
            Error::format(&self.path, what, "leave the extensions out")
        })?;
        Ok(Some(Found::Kept(kept)))
    }

    fn source(self, mut header: Header, layout: VoxelLayout) -> Result<Box<dyn Source>> {
        let Self { path, file, length, gzip } = self;
        let end = layout.end(&header.grid.shape);
        if gzip {
            header.origin.format += " (gzip)";
            let bytes = Box::new(StreamBytes::new(&path, &file, GZIP, (0, end)));
            return Ok(Box::new(StoredSource { header, layout, bytes }));
        }
        if length > end {
            header.origin.notes.push(format!("{} bytes behind the voxels are left out", length - end));
        }
        let file = File::open(&file).map_err(Error::read(&path))?;
        Ok(Box::new(StoredSource { header, layout, bytes: Box::new(PlainBytes { path, file }) }))
    }
}

/// A source whose file goes when it goes.
pub(super) struct Spooled {
    pub(super) source: Box<dyn Source>,
    pub(super) _file: tempfile::TempPath,
}

impl Source for Spooled {
    fn header(&self) -> &Header {
        self.source.header()
    }

    fn read(&self, at: u64, into: &mut [u8]) -> Result<()> {
        self.source.read(at, into)
    }

    fn sequential(&self) -> bool {
        self.source.sequential()
    }
}
