//! What is recorded for a tile on the device: step after step, between which it lies there packed or as keys.

use crate::engine::{Brick, Chunk, Gpu, GpuError, Pooled, STORAGE, UNIT_VOXELS};
use crate::ops::ball::MaskBall;
use crate::ops::derivative::Derivative;
use crate::ops::extend::Border;
use crate::ops::gaussian::GpuSmoothing;
use crate::ops::mean::MeanBox;
use crate::ops::rank::GpuFootprint;
use crate::ops::stages::{Stage, Stages};
use crate::ops::{ball, derivative, difference, extend, gaussian, lut, mean, median, rank};
use crate::volume::{Dtype, Shape, Tile};

/// What errors and buffers call it.
pub(super) const NAME: &str = "filter";

/// What a step needs in device memory for all tiles.
enum Kernel {
    Median,
    Rank(GpuFootprint, u32),
    Ball(MaskBall),
    Table(lut::GpuTable),
    Difference(Box<[Kernels; 2]>),
    Gaussian(GpuSmoothing),
    Mean(MeanBox),
    Derivative(Derivative),
    /// Of this stage, which says how far it looks.
    Extended(Border, Stage, Box<Kernel>),
}

/// Steps with what they need in device memory.
pub(super) struct Kernels {
    stages: Stages,
    kernels: Vec<Kernel>,
}

impl Kernel {
    /// Of a stage that takes voxels of this type.
    fn upload(gpu: &Gpu, stage: &Stage, dtype: Dtype) -> Result<Self, GpuError> {
        Ok(match stage {
            _ if stage.is_median_of_27() => Self::Median,
            Stage::Rank(footprint, rank) => Self::Rank(GpuFootprint::upload(gpu, footprint)?, *rank),
            Stage::Ball(ball) => Self::Ball(ball.clone()),
            Stage::Table(table) => Self::Table(lut::GpuTable::upload(gpu, table)?),
            Stage::Difference(upper, lower) => {
                Self::Difference(Box::new([Kernels::upload(gpu, upper, dtype)?, Kernels::upload(gpu, lower, dtype)?]))
            }
            Stage::Gaussian(gaussian) => Self::Gaussian(GpuSmoothing::upload(gpu, gaussian, dtype)?),
            Stage::Mean(mean) => Self::Mean(*mean),
            Stage::Derivative(derivative) => Self::Derivative(*derivative),
            Stage::Extended(border, stage) => {
                Self::Extended(*border, (**stage).clone(), Box::new(Self::upload(gpu, stage, dtype)?))
            }
        })
    }
}

impl Kernels {
    pub fn upload(gpu: &Gpu, stages: &Stages, dtype: Dtype) -> Result<Self, GpuError> {
        let kernels = stages.typed(dtype).map(|(stage, dtype)| Kernel::upload(gpu, stage, dtype)).collect::<Result<_, _>>()?;
        Ok(Self { stages: stages.clone(), kernels })
    }
}

/// A tile on the device: how it lies there between two steps.
pub(super) enum OnDevice {
    /// As stored.
    Packed(Pooled),
    /// As keys.
    Keys(Brick),
}

/// What is recorded for one tile.
pub(super) struct Recorder<'a> {
    pub gpu: &'a Gpu,
    pub encoder: &'a mut wgpu::CommandEncoder,
    pub held: Vec<Pooled>,
    /// Of all voxels.
    pub volume: &'a Shape,
    pub dtype: Dtype,
    /// Of what the last step made.
    pub shape: [u32; 3],
    pub place: OnDevice,
}

impl Recorder<'_> {
    pub fn bytes(&self, dtype: Dtype) -> u64 {
        let voxels: u64 = self.shape.iter().map(|n| u64::from(*n)).product();
        voxels.next_multiple_of(UNIT_VOXELS) * dtype.bytes() as u64
    }

    fn brick(&mut self, shape: [u32; 3]) -> Result<Brick, GpuError> {
        let buffer = self.gpu.pooled(NAME, Brick::bytes(shape)?, STORAGE)?;
        let brick = Brick::in_buffer(shape, (*buffer).clone(), 8 * self.dtype.bytes() as u32)?;
        self.held.push(buffer);
        Ok(brick)
    }

    /// The voxels as stored.
    pub fn packed(&mut self) -> Result<wgpu::Buffer, GpuError> {
        if let OnDevice::Keys(brick) = &self.place {
            let buffer = self.gpu.pooled(NAME, self.bytes(self.dtype), STORAGE)?;
            brick.encode_into(self.gpu, self.encoder, self.dtype, &buffer)?;
            self.put(OnDevice::Packed(buffer));
        }
        match &self.place {
            OnDevice::Packed(buffer) => Ok((**buffer).clone()),
            OnDevice::Keys(brick) => Ok(brick.buffer.clone()),
        }
    }

    /// The voxels as keys.
    fn keys(&mut self) -> Result<Brick, GpuError> {
        if let OnDevice::Packed(buffer) = &self.place {
            let chunk = Chunk { buffer: (**buffer).clone(), voxels: self.shape.iter().product() };
            let brick = self.brick(self.shape)?;
            brick.encode_from(self.gpu, self.encoder, self.dtype, &chunk)?;
            self.put(OnDevice::Keys(brick));
        }
        match &self.place {
            OnDevice::Keys(brick) => Ok(brick.clone()),
            OnDevice::Packed(_) => Err(GpuError::Input { kernel: NAME, what: "a tile that is not widened".into() }),
        }
    }

    fn put(&mut self, place: OnDevice) {
        if let OnDevice::Packed(buffer) = std::mem::replace(&mut self.place, place) {
            self.held.push(buffer);
        }
    }

    /// Records all steps: from the tile that is there to another one in it.
    pub fn steps(&mut self, all: &Kernels, from: &Tile, to: &Tile) -> Result<(), GpuError> {
        let mut tiles = all.stages.tiles(to, self.volume);
        tiles[0] = from.clone();
        all.kernels.iter().zip(tiles.windows(2)).try_for_each(|(kernel, pair)| self.step(kernel, &pair[0], &pair[1]))
    }

    /// Records one step: from the tile that is there to another one in it.
    fn step(&mut self, kernel: &Kernel, from: &Tile, to: &Tile) -> Result<(), GpuError> {
        let (origin, size) = (to.place_in(from).map(|n| n as u32), to.size(self.volume).map(|n| n as u32));
        match kernel {
            Kernel::Table(table) => {
                let chunk = Chunk { buffer: self.packed()?, voxels: self.shape.iter().product() };
                let mapped = self.gpu.pooled(NAME, self.bytes(table.to()), STORAGE)?;
                lut::encode_chunk(self.gpu, self.encoder, &chunk, table, &mapped)?;
                self.dtype = table.to();
                self.put(OnDevice::Packed(mapped));
            }
            Kernel::Difference(sides) => {
                let (read, shape) = (self.keys()?, self.shape);
                let mut made = Vec::new();
                for side in sides.iter() {
                    self.shape = shape;
                    self.put(OnDevice::Keys(read.clone()));
                    self.steps(side, from, to)?;
                    // Without steps the tile is as it was read.
                    made.push((self.keys()?, if side.kernels.is_empty() { origin } else { [0; 3] }));
                }
                let results = self.brick(size)?;
                let [upper, lower] = [0, 1].map(|i| (&made[i].0, made[i].1));
                difference::encode(self.gpu, self.encoder, self.dtype, [upper, lower], &results)?;
                self.shape = size;
                self.dtype = difference::result(self.dtype);
                self.put(OnDevice::Keys(results));
            }
            Kernel::Extended(border, stage, kernel) => {
                let read = self.keys()?;
                let [shape, start, end] =
                    [read.shape, origin, [0, 1, 2].map(|a| origin[a] + size[a])].map(|v| v.map(|n| n as usize));
                let margins = stage.margins(shape, &[0, 1, 2].map(|a| start[a]..end[a])).map(|m| m.map(|n| n as u32));
                let extended = self.brick([0, 1, 2].map(|a| margins[a][0] + read.shape[a] + margins[a][1]))?;
                let before = margins.map(|[before, _]| before);
                extend::encode(self.gpu, self.encoder, (self.dtype, *border), &read, before, &extended)?;
                self.near(kernel, (&extended, [0, 1, 2].map(|a| origin[a] + before[a])), size)?;
            }
            near => {
                let read = self.keys()?;
                self.near(near, (&read, origin), size)?;
            }
        }
        Ok(())
    }

    /// Records a step that looks at neighbours of voxels in one brick.
    fn near(&mut self, kernel: &Kernel, from: (&Brick, [u32; 3]), size: [u32; 3]) -> Result<(), GpuError> {
        let dtype = self.dtype;
        if matches!(kernel, Kernel::Derivative(_)) {
            self.dtype = Dtype::F32;
        }
        let results = self.brick(size)?;
        match kernel {
            Kernel::Rank(footprint, rank) => {
                let (how, scratch) = ((footprint, *rank), self.brick(size)?);
                rank::encode(self.gpu, self.encoder, dtype, from, how, [&results, &scratch])?;
            }
            Kernel::Ball(ball) => {
                let [bits, a, b] = ball::scratch_bytes(from.0.shape, ball).map(|bytes| self.gpu.pooled(NAME, bytes, STORAGE));
                let scratch = [bits?, a?, b?];
                let buffers = scratch.each_ref().map(|buffer| &**buffer);
                ball::encode(self.gpu, self.encoder, (dtype, ball), from, &results, buffers)?;
                self.held.extend(scratch);
            }
            Kernel::Gaussian(gaussian) => {
                let [a, b] = GpuSmoothing::scratch(from.0.shape, size).map(|shape| self.brick(shape));
                gaussian::encode(self.gpu, self.encoder, gaussian, from, &results, [&a?, &b?])?;
            }
            Kernel::Mean(mean) => {
                let [a, b] = mean::scratch(from.0.shape, size).map(|shape| self.brick(shape));
                mean::encode(self.gpu, self.encoder, (dtype, *mean), from, &results, [&a?, &b?])?;
            }
            Kernel::Derivative(derivative) => {
                derivative::encode(self.gpu, self.encoder, (dtype, derivative), from, &results)?;
            }
            _ => median::encode(self.gpu, self.encoder, dtype, from.0, from.1, &results)?,
        }
        self.shape = size;
        self.put(OnDevice::Keys(results));
        Ok(())
    }
}
