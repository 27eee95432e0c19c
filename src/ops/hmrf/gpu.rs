//! Sweeps and histograms on the GPU.

use super::cpu::SoftWeights;
use super::model::{Energies, FaceWeights, exponentials};
use crate::analysis::tissue::LevelSpace;
use crate::engine::{Call, Gpu, GpuError, Shader};

/// The kernel.
pub const SHADER: Shader = Shader { name: "hmrf", wgsl: include_str!("../../../shaders/hmrf.wgsl") };

/// Enough for any GPU, and few enough that a workgroup's histogram is worth its flush.
const GROUPS: u32 = 1024;

/// Most voxels: a workgroup's sums of weights, and a sweep's changes, fit 32 bits.
const MOST_VOXELS: u64 = 1 << 31;

/// What a sweep reads and writes, in device memory.
#[derive(Debug)]
pub struct GpuClasses {
    shape: [u32; 3],
    space: LevelSpace,
    classes: usize,
    /// Two levels a word, [`OUTSIDE`](super::OUTSIDE) where a voxel takes no part.
    pub levels: wgpu::Buffer,
    /// Weights, then those that the next sweep writes: a byte for each class, four in a word.
    weights: [wgpu::Buffer; 2],
    /// Four a word.
    pub labels: wgpu::Buffer,
    changed: wgpu::Buffer,
    tables: wgpu::Buffer,
    histogram: wgpu::Buffer,
}

impl GpuClasses {
    /// For a volume of this shape and so many classes in these levels; `levels` are those of all voxels, two in a word.
    ///
    /// # Errors
    /// [`GpuError::Input`] for buffers of another size or too many voxels; any other of an allocation.
    pub fn new(
        gpu: &Gpu,
        shape: [u32; 3],
        (classes, space): (usize, LevelSpace),
        levels: wgpu::Buffer,
    ) -> Result<Self, GpuError> {
        let voxels = shape.iter().map(|n| u64::from(*n)).product::<u64>();
        if voxels == 0 || voxels > MOST_VOXELS || levels.size() < 4 * voxels.div_ceil(2) {
            return Err(input(format!("{} bytes of levels for {shape:?}", levels.size())));
        }
        let words = 4 * voxels * classes.div_ceil(4) as u64;
        let storage = |bytes| gpu.storage(SHADER.name, bytes);
        let made = Self {
            shape,
            space,
            classes,
            levels,
            weights: [storage(words)?, storage(words)?],
            labels: storage(4 * voxels.div_ceil(4))?,
            changed: storage(4)?,
            tables: storage(4 * (classes * space.levels() + exponentials().len()) as u64)?,
            histogram: storage(8 * (classes * space.levels()) as u64)?,
        };
        // No class has a weight yet.
        let mut encoder = gpu.encoder();
        made.weights.iter().chain([&made.labels]).for_each(|buffer| encoder.clear_buffer(buffer, 0, None));
        gpu.submit(SHADER.name, encoder)?;
        Ok(made)
    }

    fn voxels(&self) -> u64 {
        self.shape.iter().map(|n| u64::from(*n)).product()
    }

    /// The weights after the last sweep: a byte for each class, four classes in a word.
    pub fn weights(&self) -> &wgpu::Buffer {
        &self.weights[0]
    }

    /// Records a sweep; afterwards [`weights`](Self::weights) and labels are new.
    ///
    /// # Errors
    /// [`GpuError::Input`] for another number of classes; what an upload gives.
    pub fn encode_sweep(
        &mut self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        energies: &Energies,
        faces: FaceWeights,
    ) -> Result<(), GpuError> {
        if (energies.classes(), energies.space()) != (self.classes, self.space) {
            return Err(input(format!("energies of {} classes for {}, or of other levels", energies.classes(), self.classes)));
        }
        let own = (0..self.classes).flat_map(|class| energies.of_class(class).iter().map(|e| u32::from(*e)));
        let words: Vec<u32> = own.chain(exponentials().iter().copied()).collect();
        let staged = gpu.storage_with(SHADER.name, bytemuck::cast_slice(&words), 4)?;
        gpu.copy(SHADER.name, encoder, (&staged, 0), (&self.tables, 0), 4 * words.len() as u64)?;
        encoder.clear_buffer(&self.changed, 0, None);
        let buffers = [
            ("levels", &self.levels),
            ("tables", &self.tables),
            ("weights", &self.weights[0]),
            ("swept", &self.weights[1]),
            ("labels", &self.labels),
            ("changed", &self.changed),
        ];
        let work = ("sweep", &buffers[..], self.voxels().div_ceil(4));
        self.encode(gpu, encoder, work, (energies.strength(), faces, 0))?;
        self.weights.swap(0, 1);
        Ok(())
    }

    /// Records the histograms of levels by class.
    ///
    /// # Errors
    /// [`GpuError`] of the engine.
    pub fn encode_histograms(&self, gpu: &Gpu, encoder: &mut wgpu::CommandEncoder) -> Result<(), GpuError> {
        encoder.clear_buffer(&self.histogram, 0, None);
        let buffers = [("levels", &self.levels), ("weights", &self.weights[0]), ("histogram", &self.histogram)];
        // Those of two channels do not fit the memory of a workgroup.
        let (entry, counted) = match self.space {
            LevelSpace::One => ("count", gpu.constant(&SHADER, "COUNTED")? as usize),
            LevelSpace::Two => ("count_joint", self.classes),
        };
        for first in (0..self.classes).step_by(counted) {
            let work = (entry, &buffers[..], self.voxels());
            self.encode(gpu, encoder, work, (0, FaceWeights([0; 3]), first as u32))?;
        }
        Ok(())
    }

    fn encode(
        &self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        (entry, buffers, elements): (&str, &[(&str, &wgpu::Buffer)], u64),
        (strength, faces, first): (u32, FaceWeights, u32),
    ) -> Result<(), GpuError> {
        gpu.encode(
            encoder,
            &Call {
                shader: &SHADER,
                entry,
                constants: &[("CLASSES", self.classes as u32), ("LEVELS", self.space.levels() as u32)],
                params: &[
                    ("shape", self.shape.into()),
                    ("faces", faces.0.into()),
                    ("strength", strength.into()),
                    ("first", first.into()),
                ],
                buffers,
                elements: elements.into(),
                groups_wanted: GROUPS,
            },
        )
    }

    /// How many labels the last sweep changed.
    ///
    /// # Errors
    /// What a download gives.
    pub fn changed(&self, gpu: &Gpu) -> Result<u64, GpuError> {
        let bytes = gpu.download(SHADER.name, &self.changed, 4)?;
        Ok(bytes.first_chunk().map_or(0, |b| u64::from(u32::from_le_bytes(*b))))
    }

    /// The histograms that were [recorded](Self::encode_histograms).
    ///
    /// # Errors
    /// What a download gives.
    pub fn histograms(&self, gpu: &Gpu) -> Result<Vec<Vec<u64>>, GpuError> {
        let bytes = gpu.download(SHADER.name, &self.histogram, 8 * (self.classes * self.space.levels()) as u64)?;
        let counts: Vec<u64> = bytemuck::pod_collect_to_vec(&bytes);
        Ok(counts.chunks(self.space.levels()).map(<[u64]>::to_vec).collect())
    }

    /// The weights of all classes and the labels, on the host.
    ///
    /// # Errors
    /// What a download gives.
    pub fn download(&self, gpu: &Gpu) -> Result<(SoftWeights, Vec<u8>), GpuError> {
        let (voxels, words) = (self.voxels() as usize, self.classes.div_ceil(4));
        let bytes = gpu.download(SHADER.name, &self.weights[0], (4 * voxels * words) as u64)?;
        let plane = |class: usize| bytes.chunks_exact(4 * words).map(|own| own[class]).collect();
        let mut labels = gpu.download(SHADER.name, &self.labels, 4 * voxels.div_ceil(4) as u64)?;
        labels.truncate(voxels);
        Ok((SoftWeights::of_planes((0..self.classes).map(plane).collect()), labels))
    }
}

fn input(what: String) -> GpuError {
    GpuError::Input { kernel: SHADER.name, what }
}
