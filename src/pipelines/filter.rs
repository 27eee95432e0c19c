//! Whole jobs of neighbourhood operations: read by tiles, computed, written.

use std::cell::RefCell;
use std::collections::VecDeque;

use super::device::{Attempt, with_fallback};
use super::ways::tiles::{Piece, Tiles};
use super::{Input, Run};
use crate::engine::{Brick, CHUNK_VOXELS, Chunk, Gpu, GpuError, Pooled, STORAGE, UNIT_VOXELS};
use crate::io::Sink;
use crate::ops::median;
use crate::volume::{Dtype, Shape, Tile};
use crate::{Error, Result};

/// An operation whose result at a voxel depends on its neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// The median of the 3 x 3 x 3 voxels around each ([`median`]).
    Median,
}

impl Filter {
    /// What all of these steps are, if they are filters; none if none of them is.
    ///
    /// # Errors
    /// [`Error::Usage`] for a filter among other steps, or of a reach that there is no kernel for.
    pub fn parse(steps: &str) -> Result<Option<Self>> {
        let is_filter = |step: &str| step.split(':').next().is_some_and(|name| name.trim() == "median");
        let all: Vec<&str> = steps.split(',').collect();
        if !all.iter().any(|step| is_filter(step)) {
            return Ok(None);
        }
        let [one] = all.as_slice() else {
            return Err(Error::usage("a median among other steps", "give it alone, and the other steps on its result"));
        };
        match one.split(':').nth(1).map(str::trim) {
            Some("1") if one.split(':').count() == 2 => Ok(Some(Self::Median)),
            _ => Err(Error::usage(format!("the step {:?}", one.trim()), "give median:1, the median of 3 x 3 x 3 voxels")),
        }
    }

    /// As it is typed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Median => "median:1",
        }
    }

    /// Rows and slices that are read beyond what is computed.
    const fn halo(self) -> u64 {
        match self {
            Self::Median => 1,
        }
    }

    fn on_cpu(self, piece: &Piece<'_>, out: &mut [u8]) {
        match self {
            Self::Median => median::cpu(piece.dtype, piece.bytes, piece.shape, &piece.inner, out),
        }
    }

    fn record(self, place: &DeviceTile<'_>, encoder: &mut wgpu::CommandEncoder) -> Result<(), GpuError> {
        match self {
            Self::Median => median::encode(place.gpu, encoder, place.dtype, &place.read, place.origin, &place.computed),
        }
    }
}

/// Writes every voxel as the filter makes it of its neighbours; type and rescale stay. Beyond the ends of the volume its outermost voxels go on.
///
/// Types that bricks do not hold (64 bits) are computed by the CPU on any device. A volume of several times is filtered time by time.
///
/// # Errors
/// [`Error::Usage`] for slices of different rescale, or if not even a row fits the memory; what reading and writing give; [`Error::Interrupted`]. A
/// failing GPU is no error: the CPU finishes.
pub fn filter(input: &Input<'_>, filter: Filter, sink: &dyn Sink, run: &Run<'_>) -> Result<()> {
    let header = input.header();
    if header.meaning.rescale.uniform().is_none() {
        return Err(Error::usage(
            "neighbours in slices of different rescale",
            "convert the volume first: real values are written",
        ));
    }
    let run = &if header.meaning.dtype.bytes() > 4 { run.on_cpu() } else { *run };
    let tiles = Tiles::of(input, filter.halo(), run);
    let work = Filtering { tiles: &tiles, filter, shape: &header.grid.shape, sink, run };
    // Tiles that are not written yet, in order.
    let rest = RefCell::new(None);
    with_fallback(
        run,
        most_on_device(header.meaning.dtype, run),
        |attempt| {
            let mut rest = rest.borrow_mut();
            let left = match rest.take() {
                Some(left) => tiles.recut(left, attempt.unit),
                None => tiles.cut(attempt.unit)?,
            };
            work.on_device(rest.insert(left), attempt)
        },
        |_| {
            let left = match rest.take() {
                Some(left) => tiles.recut(left, tiles.most_on_cpu()),
                None => tiles.cut(tiles.most_on_cpu())?,
            };
            tiles.each(left, Vec::new, |out: &mut Vec<u8>, tile, piece| {
                out.resize(tile.voxels(work.shape) as usize * piece.dtype.bytes(), 0);
                filter.on_cpu(&piece, out);
                work.write(tile, out)
            })
        },
    )
}

/// What is done to every tile.
struct Filtering<'a> {
    tiles: &'a Tiles<'a>,
    filter: Filter,
    shape: &'a Shape,
    sink: &'a dyn Sink,
    run: &'a Run<'a>,
}

/// Tiles on the device at a time: one computes while another is read or written.
const FLIGHTS: u64 = 2;

/// Most voxels of a tile with its halo, so that all that is made of it fits: on the way up and down, packed on the device and as bricks.
fn most_on_device(dtype: Dtype, run: &Run<'_>) -> u64 {
    let size = dtype.bytes() as u64;
    (run.memory_bytes / (FLIGHTS * (4 * size + 8) + 2 * size)).clamp(1 << 12, CHUNK_VOXELS)
}

/// A tile in device memory.
struct DeviceTile<'a> {
    gpu: &'a Gpu,
    dtype: Dtype,
    upload: Pooled,
    packed: Pooled,
    read: Brick,
    /// Where in it what is computed begins.
    origin: [u32; 3],
    computed: Brick,
    narrowed: Pooled,
    readback: Pooled,
    /// Behind the two bricks, so that they go back when this does.
    _bricks: [Pooled; 2],
}

impl<'a> DeviceTile<'a> {
    fn new(gpu: &'a Gpu, name: &'static str, piece: &Piece<'_>) -> Result<Self, GpuError> {
        let size = piece.dtype.bytes() as u64;
        let bits = 8 * size as u32;
        let outer = piece.shape.map(|n| n as u32);
        let inner = piece.inner.clone().map(|r| (r.end - r.start) as u32);
        let bytes = |shape: [u32; 3]| shape.iter().map(|n| u64::from(*n)).product::<u64>().next_multiple_of(UNIT_VOXELS) * size;
        let brick = |shape| {
            let buffer = gpu.pooled(name, Brick::bytes(shape)?, STORAGE)?;
            Ok::<_, GpuError>((Brick::in_buffer(shape, (*buffer).clone(), bits)?, buffer))
        };
        let ((read, a), (computed, b)) = (brick(outer)?, brick(inner)?);
        let staging = wgpu::BufferUsages::MAP_WRITE | wgpu::BufferUsages::COPY_SRC;
        let readback = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
        Ok(Self {
            gpu,
            dtype: piece.dtype,
            upload: gpu.pooled(name, bytes(outer), staging)?,
            packed: gpu.pooled(name, bytes(outer), STORAGE)?,
            read,
            origin: piece.inner.clone().map(|r| r.start as u32),
            computed,
            narrowed: gpu.pooled(name, bytes(inner), STORAGE)?,
            readback: gpu.pooled(name, bytes(inner), readback)?,
            _bricks: [a, b],
        })
    }

    /// Uploads, computes and copies back in one submission.
    fn start(&mut self, filter: Filter, name: &'static str, piece: &Piece<'_>) -> Result<wgpu::SubmissionIndex, GpuError> {
        let gpu = self.gpu;
        let mut encoder = gpu.encoder();
        gpu.stage(name, &mut encoder, piece.bytes, &self.upload, (&self.packed, 0))?;
        let chunk = Chunk { buffer: (*self.packed).clone(), voxels: self.read.voxels() };
        self.read.encode_from(gpu, &mut encoder, self.dtype, &chunk)?;
        filter.record(self, &mut encoder)?;
        self.computed.encode_into(gpu, &mut encoder, self.dtype, &self.narrowed)?;
        let size = (u64::from(self.computed.voxels()) * self.dtype.bytes() as u64).next_multiple_of(4);
        gpu.copy(name, &mut encoder, (&self.narrowed, 0), (&self.readback, 0), size)?;
        let submission = gpu.submit(name, encoder)?;
        self.upload.busy_until(submission.clone());
        self.readback.busy_until(submission.clone());
        Ok(submission)
    }
}

impl Filtering<'_> {
    /// Tile after tile; `left` has those whose results have not been written, also after an error.
    fn on_device(&self, left: &mut VecDeque<Tile>, attempt: Attempt<'_>) -> Result<()> {
        let Attempt { gpu, done, .. } = attempt;
        let name = median::SHADER.name;
        let mut flights: VecDeque<(DeviceTile<'_>, wgpu::SubmissionIndex)> = VecDeque::new();
        let (mut buffer, mut result) = (Vec::new(), Vec::new());
        while !left.is_empty() {
            self.run.stop()?;
            if let Some(tile) = left.get(flights.len()).filter(|_| flights.len() < FLIGHTS as usize) {
                self.tiles.read(tile, &mut buffer)?;
                let piece = self.tiles.piece(tile, &buffer);
                let mut place = DeviceTile::new(gpu, name, &piece)?;
                let submission = place.start(self.filter, name, &piece)?;
                flights.push_back((place, submission));
            } else if let (Some((place, submission)), Some(tile)) = (flights.pop_front(), left.front()) {
                let voxels = tile.voxels(self.shape);
                let bytes = voxels * place.dtype.bytes() as u64;
                result.resize(bytes as usize, 0);
                gpu.read_mapped(name, &place.readback, submission, &mut result)?;
                self.write(tile, &result)?;
                *done += voxels;
                self.run.advance(bytes);
                left.pop_front();
            }
        }
        gpu.clear_pool();
        Ok(())
    }

    fn write(&self, tile: &Tile, mut bytes: &[u8]) -> Result<()> {
        let size = bytes.len() / tile.voxels(self.shape) as usize;
        for (at, voxels) in tile.runs(self.shape) {
            let (run, rest) = bytes.split_at(voxels as usize * size);
            self.sink.write(at, run)?;
            bytes = rest;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::ops::testing::{Content, assert_same, noise};
    use crate::pipelines::Device;
    use crate::pipelines::tests::{File, Memory, devices};
    use crate::volume::{Header, Rescale, Rescales, Volume};

    const TYPES: [Dtype; 10] =
        [Dtype::U8, Dtype::I8, Dtype::U16, Dtype::I16, Dtype::U32, Dtype::I32, Dtype::U64, Dtype::I64, Dtype::F32, Dtype::F64];

    fn volume(axes: &[u64], dtype: Dtype) -> Volume {
        let header = Header::new(Shape::new(axes).unwrap(), dtype);
        let bytes = match dtype {
            Dtype::U8 | Dtype::I8 | Dtype::U16 | Dtype::I16 | Dtype::F32 => {
                Content::Noise.bytes(dtype, header.grid.shape.voxels() as usize)
            }
            Dtype::F64 => (0..header.grid.shape.voxels()).flat_map(|i| ((noise(i) as i64) as f64 * 1e-9).to_le_bytes()).collect(),
            _ => (0..header.bytes()).map(|i| noise(i) as u8).collect(),
        };
        Volume::new(header, bytes).unwrap()
    }

    /// Each volume of a time series as one tile.
    fn whole(volume: &Volume) -> Vec<u8> {
        let (shape, dtype) = (&volume.header().grid.shape, volume.header().meaning.dtype);
        let axes = shape.xyz().map(|n| n as usize);
        let mut out = vec![0; volume.bytes().len()];
        let each = axes.iter().product::<usize>() * dtype.bytes();
        for (tile, out) in volume.bytes().chunks(each).zip(out.chunks_mut(each)) {
            median::cpu(dtype, tile, axes, &axes.map(|n| 0..n), out);
        }
        out
    }

    /// Slabs of several slices, of one, and parts of slices: each with three budgets.
    #[test]
    fn every_tiling_memory_device_and_type_gives_the_same_bits() {
        for dtype in TYPES {
            for axes in [vec![40, 37, 9, 2], vec![130, 61], vec![1, 1, 5]] {
                let volume = volume(&axes, dtype);
                let want = whole(&volume);
                for device in devices() {
                    for memory in [256 << 20, 1 << 17, 3 << 14] {
                        for sequential in [false, true] {
                            let input = Input::of(Arc::new(File { volume: volume.clone(), unit: 1, sequential }));
                            let sink = Memory::new(volume.block().len(), dtype);
                            let run = Run::silent(&device).with_memory(memory);
                            filter(&input, Filter::Median, &sink, &run).unwrap();
                            assert_same(&format!("{dtype} {axes:?} {} {memory}", device.name()), &sink.take(), &want);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn what_cannot_be_filtered_says_why() {
        let device = Device::cpu();
        let sink = Memory::new(0, Dtype::I16);
        let image = volume(&[100, 3, 3], Dtype::I16);
        let refused = |image: &Volume, memory| {
            let run = Run::silent(&device).with_memory(memory);
            filter(&Input::of(Arc::new(image.clone())), Filter::Median, &sink, &run).unwrap_err().to_string()
        };
        assert!(refused(&image, 1000).contains("a row of 100 voxels with its neighbours takes 1800 bytes"));
        let (mut header, bytes) = image.into_parts();
        let other = Rescale { slope: 2.0, intercept: 0.0 };
        header.meaning.rescale = Rescales::PerSlice(vec![Rescale::IDENTITY, other, other]);
        assert!(refused(&Volume::new(header, bytes).unwrap(), 1 << 20).contains("different rescale"));
        assert_eq!(Filter::parse("median:1").unwrap(), Some(Filter::Median));
        assert_eq!(Filter::parse("minmax,gamma:2").unwrap(), None);
        for steps in ["median", "median:2", "median:x", "median:1:1", "median:1,otsu", "clip:0:1,median:1"] {
            assert!(matches!(Filter::parse(steps), Err(Error::Usage { .. })), "{steps}");
        }
    }
}
