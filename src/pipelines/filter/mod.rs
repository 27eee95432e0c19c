//! Whole jobs of steps that look at neighbours: read by tiles, computed, written.

mod recorder;

use std::cell::RefCell;
use std::collections::VecDeque;

use self::recorder::{Kernels, NAME, OnDevice, Recorder};
use super::device::{Attempt, with_fallback};
use super::ways::tiles::Tiles;
use super::{Input, Run};
use crate::engine::{CHUNK_VOXELS, Gpu, GpuError, Pooled, STORAGE, Timing, UNIT_VOXELS};
use crate::io::Sink;
use crate::ops::stages::{Scratch, Stages};
use crate::volume::{Dtype, Shape, Tile};
use crate::{Error, Result};

/// Writes every voxel as the steps make it of its neighbours. Beyond the ends of the volume its outermost voxels go on, where no stage says otherwise.
///
/// Types that bricks do not hold (64 bits), and differences of floats, are computed by the CPU on any device. A volume of several times is filtered time by time.
///
/// # Errors
/// [`Error::Usage`] for slices of different rescale, or if not even a row fits the memory; what reading and writing give; [`Error::Interrupted`]. A
/// failing GPU is no error: the CPU finishes.
pub fn filter(input: &Input<'_>, stages: &Stages, sink: &dyn Sink, run: &Run<'_>) -> Result<()> {
    let header = input.header();
    if header.meaning.rescale.uniform().is_none() {
        return Err(Error::usage(
            "neighbours in slices of different rescale",
            "convert the volume first: real values are written",
        ));
    }
    let dtype = header.meaning.dtype;
    let run = &if stages.has_kernels(dtype) { *run } else { run.on_cpu() };
    let tiles = Tiles::of(input, stages.halo(), stages.widest(dtype), run);
    let work = TileWork { tiles: &tiles, stages, dtype, shape: &header.grid.shape, sink, run };
    // Tiles that are not written yet, in order.
    let rest = RefCell::new(None);
    with_fallback(
        run,
        most_on_device(stages, dtype, run),
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
                None => tiles.for_threads()?,
            };
            let size = stages.result(dtype).bytes();
            tiles.each(left, Default::default, |(scratch, out): &mut (Scratch, Vec<u8>), tile, read| {
                out.resize(tile.voxels(work.shape) as usize * size, 0);
                let outer = tile.grown(stages.halo(), work.shape);
                stages.cpu(dtype, work.shape, (&outer, read), tile, scratch, out);
                work.write(tile, out)
            })
        },
    )
}

/// What is done to every tile.
struct TileWork<'a> {
    tiles: &'a Tiles<'a>,
    stages: &'a Stages,
    dtype: Dtype,
    shape: &'a Shape,
    sink: &'a dyn Sink,
    run: &'a Run<'a>,
}

/// Tiles on the device at a time: one computes while another is read or written.
const FLIGHTS: u64 = 2;

/// Reads of one submission: what any device does in a second or so, for drivers end what takes longer.
const MOST_LOOKS: u64 = 1 << 38;

/// Most voxels of a tile with its halo, so that all that is made of it fits: on the way up and down, packed on the device and as bricks.
fn most_on_device(stages: &Stages, dtype: Dtype, run: &Run<'_>) -> u64 {
    let size = stages.widest(dtype) as u64;
    let fits = run.memory_bytes / (FLIGHTS * (4 * size + 8) + 2 * size);
    let quick = MOST_LOOKS / stages.looks(dtype).max(1);
    // What takes more than a word goes into one buffer, too.
    fits.min(quick).clamp(1 << 12, CHUNK_VOXELS * 4 / size.max(4))
}

/// A tile that is computed, and the buffers that go back to the pool when its results have arrived.
struct TileFlight {
    submission: wgpu::SubmissionIndex,
    readback: Pooled,
    _held: Vec<Pooled>,
}

impl TileWork<'_> {
    /// Tile after tile; `left` has those whose results have not been written, also after an error.
    fn on_device(&self, left: &mut VecDeque<Tile>, attempt: Attempt<'_>) -> Result<()> {
        let Attempt { gpu, done, .. } = attempt;
        let kernels = Kernels::upload(gpu, self.stages, self.dtype)?;
        let (read_size, size) = (self.dtype.bytes() as u64, self.stages.result(self.dtype).bytes() as u64);
        let mut flights: VecDeque<TileFlight> = VecDeque::new();
        let (mut buffer, mut result) = (Vec::new(), Vec::new());
        while !left.is_empty() {
            self.run.stop()?;
            if let Some(tile) = left.get(flights.len()).filter(|_| flights.len() < FLIGHTS as usize) {
                self.tiles.read(tile, &mut buffer)?;
                flights.push_back(self.start(gpu, &kernels, tile, &buffer)?);
            } else if let (Some(flight), Some(tile)) = (flights.pop_front(), left.front()) {
                let voxels = tile.voxels(self.shape);
                result.resize((voxels * size) as usize, 0);
                gpu.read_mapped(NAME, &flight.readback, flight.submission, &mut result)?;
                self.write(tile, &result)?;
                *done += voxels;
                self.run.advance(voxels * read_size);
                left.pop_front();
            }
        }
        gpu.clear_pool();
        Ok(())
    }

    /// Uploads a tile with its halo, computes it and copies it back, in one submission.
    fn start(&self, gpu: &Gpu, kernels: &Kernels, tile: &Tile, read: &[u8]) -> Result<TileFlight, GpuError> {
        let outer = tile.grown(self.stages.halo(), self.shape);
        let staging = wgpu::BufferUsages::MAP_WRITE | wgpu::BufferUsages::COPY_SRC;
        let bytes = (read.len() as u64).next_multiple_of(UNIT_VOXELS * self.dtype.bytes() as u64);
        let mut upload = gpu.pooled(NAME, bytes, staging)?;
        let packed = gpu.pooled(NAME, bytes, STORAGE)?;
        let mut encoder = gpu.encoder();
        gpu.stage(NAME, &mut encoder, read, &upload, (&packed, 0))?;
        let (shape, place) = (outer.size(self.shape).map(|n| n as u32), OnDevice::Packed(packed));
        let mut recorder =
            Recorder { gpu, encoder: &mut encoder, held: Vec::new(), volume: self.shape, dtype: self.dtype, shape, place };
        recorder.steps(kernels, &outer, tile)?;
        let results = recorder.packed()?;
        let bytes = recorder.bytes(recorder.dtype);
        let mut readback = gpu.pooled(NAME, bytes, wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST)?;
        let Recorder { held, place, .. } = recorder;
        gpu.copy(NAME, &mut encoder, (&results, 0), (&readback, 0), bytes)?;
        let submission = gpu.submit(NAME, encoder)?;
        upload.busy_until(submission.clone());
        readback.busy_until(submission.clone());
        let last = if let OnDevice::Packed(buffer) = place { Some(buffer) } else { None };
        Ok(TileFlight { submission, readback, _held: held.into_iter().chain(last).chain([upload]).collect() })
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

/// How long a device takes for steps over a whole volume that lies there as it is stored: for benches.
///
/// # Errors
/// What reading gives; [`GpuError::Input`] if the volume is too large for one tile; any other [`GpuError`].
pub(super) fn time_kernels(gpu: &Gpu, input: &Input<'_>, stages: &Stages, run: &Run<'_>) -> Result<Timing> {
    let header = input.header();
    let (dtype, volume) = (header.meaning.dtype, &header.grid.shape);
    let tile = Tile::whole(volume, 0);
    if tile.voxels(volume) > most_on_device(stages, dtype, run) || !stages.has_kernels(dtype) {
        let what = format!("{volume} voxels of {dtype}, of which the device takes parts, or none");
        return Err(GpuError::Input { kernel: NAME, what }.into());
    }
    let mut bytes = vec![0; tile.voxels(volume) as usize * dtype.bytes()];
    input.source().read(0, &mut bytes)?;
    let kernels = Kernels::upload(gpu, stages, dtype)?;
    let packed = gpu.pooled(NAME, (bytes.len() as u64).next_multiple_of(UNIT_VOXELS * dtype.bytes() as u64), STORAGE)?;
    let mut upload = gpu.encoder();
    let staging = gpu.pooled(NAME, packed.size(), wgpu::BufferUsages::MAP_WRITE | wgpu::BufferUsages::COPY_SRC)?;
    gpu.stage(NAME, &mut upload, &bytes, &staging, (&packed, 0))?;
    gpu.wait(NAME, gpu.submit(NAME, upload)?)?;
    let (shape, mut packed, mut held) = (tile.size(volume).map(|n| n as u32), Some(packed), Vec::new());
    let timing = gpu.time(NAME, |encoder| {
        let place = OnDevice::Packed(packed.take().ok_or(GpuError::Input { kernel: NAME, what: "recorded twice".into() })?);
        let mut recorder = Recorder { gpu, encoder, held: Vec::new(), volume, dtype, shape, place };
        recorder.steps(&kernels, &tile, &tile)?;
        recorder.packed()?;
        held = recorder.held;
        held.extend(if let OnDevice::Packed(buffer) = recorder.place { Some(buffer) } else { None });
        Ok(())
    })?;
    Ok(timing)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::ops::ball::{MaskBall, Radius};
    use crate::ops::rank::{Footprint, FootprintShape};
    use crate::ops::stages::Stage;
    use crate::ops::testing::{Content, TYPES, assert_same, noise};
    use crate::pipelines::Device;
    use crate::pipelines::tests::{File, Memory, devices};
    use crate::volume::{Header, Rescale, Rescales, Table, Volume};

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

    /// Each volume of a time series as one tile, step after step over all of it.
    fn whole(volume: &Volume, stages: &Stages) -> Vec<u8> {
        let shape = &volume.header().grid.shape;
        let (mut dtype, mut bytes) = (volume.header().meaning.dtype, volume.bytes().to_vec());
        for stage in &stages.0 {
            let result = stage.result(dtype);
            let mut out = vec![0; shape.voxels() as usize * result.bytes()];
            let times = shape.volumes() as usize;
            let each = (bytes.len() / times, out.len() / times);
            for (t, (read, out)) in bytes.chunks(each.0).zip(out.chunks_mut(each.1)).enumerate() {
                let one = Stages(vec![stage.clone()]);
                let tile = Tile::whole(shape, t as u64);
                one.cpu(dtype, shape, (&tile, read), &tile, &mut Scratch::default(), out);
            }
            (dtype, bytes) = (result, out);
        }
        bytes
    }

    fn median() -> Stages {
        Stages(vec![Stage::Rank(Footprint::new([1; 3], FootprintShape::Box).unwrap(), 13)])
    }

    /// Steps of every kind, also a table between others.
    fn chains(dtype: Dtype) -> Vec<Stages> {
        let flat = Footprint::new([2, 1, 0], FootprintShape::Box).unwrap();
        let ball = Footprint::new([2; 3], FootprintShape::Ball).unwrap();
        let mut all = vec![median(), Stages(vec![Stage::Rank(ball.clone(), 5), Stage::Rank(flat.clone(), 0)])];
        let [least, greatest] = [0, 14].map(|rank| Stage::Rank(flat.clone(), rank));
        let opened = Stages(vec![least.clone(), greatest.clone()]);
        let gradient = Stage::Difference(Stages(vec![greatest]), Stages(vec![least]));
        all.push(Stages(vec![median().0[0].clone(), Stage::Difference(Stages::default(), opened), gradient]));
        if dtype.is_small_integer() {
            let table = |from: Dtype, to: Dtype| Stage::Table(Table::from_fn(from, to, |v| f64::from(v * 7 % 199)));
            let (a, b) = (table(dtype, Dtype::I16), table(Dtype::I16, Dtype::U8));
            let radius = Radius::in_mm(1.0, [0.5, 0.5, 1.0], [130, 61, 9]).unwrap();
            let [shrunk, grown] = [[0, 1], [1, 0]].map(|values| Stage::Ball(MaskBall::new(values, radius)));
            let mask = Stage::Table(Table::from_fn(dtype, Dtype::U8, |v| f64::from(u8::from(v % 40 == 0))));
            all.push(Stages(vec![mask, grown, shrunk]));
            all.push(Stages(vec![a, Stage::Rank(flat, 14), b, Stage::Rank(ball, 32), table(Dtype::U8, Dtype::F32)]));
        }
        all
    }

    /// Slabs of several slices, of one, and parts of slices: each with three budgets.
    #[test]
    fn every_tiling_memory_device_and_type_gives_the_same_bits() {
        for dtype in TYPES {
            for axes in [vec![40, 37, 9, 2], vec![130, 61], vec![1, 1, 5]] {
                let volume = volume(&axes, dtype);
                for stages in chains(dtype) {
                    let want = whole(&volume, &stages);
                    // A row with its neighbours.
                    let least = 4400 * (4 * rayon::current_num_threads() * stages.widest(dtype)) as u64;
                    for device in devices() {
                        for memory in [256 << 20, 3 * least, least] {
                            for sequential in [false, true] {
                                // A device in software takes long for what the CPU shows as well.
                                if device.name() != "CPU" && (sequential || memory == 3 * least) {
                                    continue;
                                }
                                let input = Input::of(Arc::new(File { volume: volume.clone(), unit: 1, sequential }));
                                let sink = Memory::new(volume.block().len(), stages.result(dtype));
                                let run = Run::silent(&device).with_memory(memory);
                                filter(&input, &stages, &sink, &run).unwrap();
                                let what = format!("{dtype} {axes:?} {} {memory} {stages:?}", device.name());
                                assert_same(&what, &sink.take(), &want);
                            }
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
            filter(&Input::of(Arc::new(image.clone())), &median(), &sink, &run).unwrap_err().to_string()
        };
        assert!(refused(&image, 1000).contains("a row of 100 voxels with its neighbours takes 1800 bytes"));
        let (mut header, bytes) = image.into_parts();
        let other = Rescale { slope: 2.0, intercept: 0.0 };
        header.meaning.rescale = Rescales::PerSlice(vec![Rescale::IDENTITY, other, other]);
        assert!(refused(&Volume::new(header, bytes).unwrap(), 1 << 20).contains("different rescale"));
    }
}
