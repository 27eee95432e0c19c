//! Voxels into chunks.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

use super::array::ChunkKeys;
use super::describe::{WritePlan, losses};
use super::shard;
use crate::io::output::{Staged, Target};
use crate::io::stored::{Extent, begin_real};
use crate::io::{Loss, OmeVersion, Output, Sink, WriteOptions, write_behind};
use crate::volume::Header;
use crate::{Error, Result};

pub(super) fn create(target: &Target, header: &Header, options: &WriteOptions) -> Result<Box<dyn Output>> {
    begin_real(header, losses(header), |real, losses| ZarrOutput::begin(target, real, losses, options))
}

/// A folder of one array. Blocks come in any order; as soon as all voxels of a layer (the slices that one row of chunks holds) are there, the thread that
/// brought the last of them compresses it. So the layers that are begun are in memory, each of them at most 16 MiB or one slice.
struct ZarrOutput {
    target: Target,
    folder: tempfile::TempDir,
    plan: WritePlan,
    version: OmeVersion,
    level: u32,
    /// Bytes of a voxel.
    voxel: usize,
    extent: Extent,
    partial: Mutex<BTreeMap<u64, Arc<Mutex<PartialLayer>>>>,
    written: AtomicU64,
    files: Mutex<Vec<PathBuf>>,
    losses: Vec<Loss>,
}

/// A layer of which some bytes have come.
#[derive(Default)]
struct PartialLayer {
    bytes: Vec<u8>,
    filled: usize,
}

/// Some slices of one volume of three axes.
#[derive(Debug, Clone, Copy)]
struct WrittenLayer {
    number: u64,
    time: u64,
    /// Which row of chunks along z, and its slices.
    row: u64,
    slices: u64,
    /// Voxels of the file before it, and its own.
    begin: u64,
    voxels: u64,
}

impl ZarrOutput {
    fn begin(target: &Target, header: &Header, losses: Vec<Loss>, options: &WriteOptions) -> Result<Box<dyn Output>> {
        let (plan, folder) = (WritePlan::of(header), target.create_folder()?);
        let level = options.gzip_level.clamp(1, 9);
        let output = Self {
            target: target.clone(),
            folder,
            version: options.zarr,
            level,
            voxel: header.meaning.dtype.bytes(),
            extent: Extent::of(header),
            partial: Mutex::default(),
            written: AtomicU64::new(0),
            files: Mutex::default(),
            losses,
            plan,
        };
        for (key, json) in output.plan.metadata(header, options.zarr, level) {
            output.store(key, format!("{json:#}\n").as_bytes())?;
        }
        Ok(Box::new(output))
    }

    /// The layer that a voxel lies in.
    fn layer(&self, voxel: u64) -> WrittenLayer {
        let [nx, ny, nz] = self.plan.size;
        let (slice, deep) = (nx * ny, self.plan.chunk[2]);
        let (time, z) = (voxel / slice / nz, voxel / slice % nz);
        let row = z / deep;
        let slices = deep.min(nz - row * deep);
        let number = time * self.plan.chunks(2) + row;
        WrittenLayer { number, time, row, slices, begin: (time * nz + row * deep) * slice, voxels: slices * slice }
    }

    /// Takes bytes from voxel `at` on, all of them of one layer.
    fn take(&self, layer: WrittenLayer, at: u64, bytes: &[u8]) -> Result<()> {
        let length = layer.voxels as usize * self.voxel;
        if bytes.len() == length {
            return self.pack(layer, bytes);
        }
        let kept = self.partial.lock().unwrap_or_else(PoisonError::into_inner).entry(layer.number).or_default().clone();
        let whole = {
            let mut partial = kept.lock().unwrap_or_else(PoisonError::into_inner);
            partial.bytes.resize(length, 0);
            partial.bytes[(at - layer.begin) as usize * self.voxel..][..bytes.len()].copy_from_slice(bytes);
            partial.filled += bytes.len();
            (partial.filled >= length).then(|| std::mem::take(&mut partial.bytes))
        };
        let Some(whole) = whole else { return Ok(()) };
        self.partial.lock().unwrap_or_else(PoisonError::into_inner).remove(&layer.number);
        self.pack(layer, &whole)
    }

    /// Compresses a layer and writes its files.
    fn pack(&self, layer: WrittenLayer, bytes: &[u8]) -> Result<()> {
        let across = self.plan.chunks(0);
        let places: Vec<[u64; 2]> = (0..self.plan.chunks(1) * across).map(|i| [i % across, i / across]).collect();
        let compress = |place: &[u64; 2]| self.compress(&self.chunk(layer, *place, bytes));
        let chunks: Vec<Vec<u8>> = places.par_iter().map(compress).collect::<std::io::Result<_>>().map_err(self.failed())?;
        let name = |lettered, [x, y]: [u64; 2]| {
            let index = self.plan.each(layer.time, [x, y, layer.row]);
            format!("0/{}", ChunkKeys { lettered, separator: '/' }.name(&index))
        };
        match self.version {
            OmeVersion::V0_4 => {
                places.par_iter().zip(&chunks).try_for_each(|(place, chunk)| self.store(&name(false, *place), chunk))
            }
            OmeVersion::V0_5 => {
                let index = shard::index(chunks.iter().map(|chunk| chunk.len() as u64));
                self.store(&name(true, [0, 0]), &[chunks.concat(), index].concat())
            }
        }
    }

    /// The voxels of one chunk, with zeros beyond the edges of the volume.
    fn chunk(&self, layer: WrittenLayer, [x, y]: [u64; 2], bytes: &[u8]) -> Vec<u8> {
        let ([nx, ny, _], [cx, cy, cz]) = (self.plan.size, self.plan.chunk);
        let (x, y) = (x * cx, y * cy);
        let (row, length) = (cx.min(nx - x) as usize * self.voxel, cx as usize * self.voxel);
        let mut chunk = vec![0; length * (cy * cz) as usize];
        for k in 0..layer.slices {
            for j in 0..cy.min(ny - y) {
                let from = ((k * ny + y + j) * nx + x) as usize * self.voxel;
                chunk[(k * cy + j) as usize * length..][..row].copy_from_slice(&bytes[from..from + row]);
            }
        }
        chunk
    }

    fn compress(&self, chunk: &[u8]) -> std::io::Result<Vec<u8>> {
        match self.version {
            OmeVersion::V0_4 => {
                let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(self.level));
                zlib.write_all(chunk)?;
                zlib.finish()
            }
            OmeVersion::V0_5 => zstd::bulk::compress(chunk, self.level as i32),
        }
    }

    /// Writes one file.
    fn store(&self, key: &str, bytes: &[u8]) -> Result<()> {
        let path = self.folder.path().join(key);
        let write = |path: &Path| {
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent)?;
            }
            let mut file = File::create(path)?;
            file.write_all(bytes)?;
            write_behind::wrote(&file, 0, bytes.len() as u64, self.extent.bytes)
        };
        write(&path).map_err(self.failed())?;
        self.files.lock().unwrap_or_else(PoisonError::into_inner).push(path);
        Ok(())
    }

    fn failed(&self) -> impl FnOnce(std::io::Error) -> Error {
        Error::write(self.target.path())
    }
}

impl Sink for ZarrOutput {
    fn write(&self, at: u64, bytes: &[u8]) -> Result<()> {
        self.extent.place(at, bytes)?;
        let end = at + (bytes.len() / self.voxel) as u64;
        let mut parts = Vec::new();
        let mut next = at;
        while next < end {
            let layer = self.layer(next);
            let last = (layer.begin + layer.voxels).min(end);
            parts.push((layer, next, last));
            next = last;
        }
        let byte = |voxel: u64| (voxel - at) as usize * self.voxel;
        parts.into_par_iter().try_for_each(|(layer, from, to)| self.take(layer, from, &bytes[byte(from)..byte(to)]))?;
        self.written.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(())
    }
}

impl Output for ZarrOutput {
    fn finish(self: Box<Self>) -> Result<Staged> {
        self.extent.complete(&self.target, self.written.load(Ordering::Relaxed))?;
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        // The disk has begun with all of them; each is waited for.
        let flush = |path: &PathBuf| File::options().write(true).open(path)?.sync_all();
        files.par_iter().try_for_each(flush).map_err(self.failed())?;
        drop(files);
        let Self { target, folder, .. } = *self;
        Ok(target.stage_folder(folder))
    }

    fn losses(&self) -> &[Loss] {
        &self.losses
    }
}
