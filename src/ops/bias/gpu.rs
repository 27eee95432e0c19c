//! Sums and gains on the GPU.

use super::cpu::{gains, logarithms};
use crate::analysis::tissue::{BlockGrid, BlockSums, LevelSpace};
use crate::engine::{Call, Gpu, GpuError, Param, Shader};

/// The kernel.
pub const SHADER: Shader = Shader { name: "bias", wgsl: include_str!("../../../shaders/bias.wgsl") };

/// Enough for any GPU.
const GROUPS: u32 = 4096;

/// Working values of a volume in device memory, with what turns them into levels.
#[derive(Debug)]
pub struct GpuGain {
    grid: BlockGrid,
    working: wgpu::Buffer,
    nodes: wgpu::Buffer,
    gains: wgpu::Buffer,
    logs: wgpu::Buffer,
}

impl GpuGain {
    /// Uploads the working values of a volume.
    ///
    /// # Errors
    /// [`GpuError::Input`] for another number of values; what an upload gives.
    pub fn upload(gpu: &Gpu, working: &[u16], grid: BlockGrid) -> Result<Self, GpuError> {
        if working.len() != grid.shape.iter().product::<usize>() {
            return Err(input(format!("{} values for {:?}", working.len(), grid.shape)));
        }
        let with = |bytes: &[u8]| gpu.storage_with(SHADER.name, bytes, 4);
        Ok(Self {
            grid,
            working: with(bytemuck::cast_slice(working))?,
            nodes: gpu.storage(SHADER.name, 4 * grid.len() as u64)?,
            gains: with(bytemuck::cast_slice(gains()))?,
            logs: with(bytemuck::cast_slice(logarithms()))?,
        })
    }

    /// A buffer for the levels of all voxels, two in a word.
    ///
    /// # Errors
    /// What an allocation gives.
    pub fn levels(&self, gpu: &Gpu) -> Result<wgpu::Buffer, GpuError> {
        gpu.storage(SHADER.name, 4 * (self.grid.shape.iter().product::<usize>() as u64).div_ceil(2))
    }

    /// Records the levels of all voxels under these nodes into a [buffer](Self::levels). Of two channels, `channel` 0 is recorded first and 1 is added to it.
    ///
    /// # Errors
    /// [`GpuError::Input`] for another number of nodes or a buffer too small.
    pub fn encode_levels(
        &self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        (nodes, levels): (&[i32], &wgpu::Buffer),
        (space, channel): (LevelSpace, usize),
    ) -> Result<(), GpuError> {
        let units = (self.grid.shape.iter().product::<usize>() as u64).div_ceil(2);
        if nodes.len() != self.grid.len() || levels.size() < 4 * units {
            return Err(input(format!("{} nodes, {} bytes of levels for {:?}", nodes.len(), levels.size(), self.grid.shape)));
        }
        let staged = gpu.storage_with(SHADER.name, bytemuck::cast_slice(nodes), 4)?;
        gpu.copy(SHADER.name, encoder, (&staged, 0), (&self.nodes, 0), 4 * nodes.len() as u64)?;
        let buffers = [("working", &self.working), ("nodes", &self.nodes), ("gains", &self.gains), ("levels", levels)];
        let entry = if channel == 0 { "correct" } else { "join" };
        self.encode(gpu, encoder, (entry, &buffers, units), &[("TOP", space.top()), ("BITS", 14 + space.bits())])
    }

    /// A buffer for the sums of so many classes.
    ///
    /// # Errors
    /// What an allocation gives.
    pub fn sums(&self, gpu: &Gpu, classes: usize) -> Result<wgpu::Buffer, GpuError> {
        gpu.storage(SHADER.name, 8 * (self.grid.len() * classes) as u64)
    }

    /// Records the sums over blocks of the weights of [`GpuClasses`](crate::ops::hmrf::GpuClasses) into a [buffer](Self::sums).
    ///
    /// # Errors
    /// [`GpuError::Input`] for buffers that are too small.
    pub fn encode_sums(
        &self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        (weights, classes): (&wgpu::Buffer, usize),
        sums: &wgpu::Buffer,
    ) -> Result<(), GpuError> {
        let voxels = self.grid.shape.iter().product::<usize>();
        if weights.size() < 4 * (voxels * classes.div_ceil(4)) as u64 || sums.size() < 8 * (self.grid.len() * classes) as u64 {
            return Err(input(format!("{} bytes of weights, {} of sums", weights.size(), sums.size())));
        }
        let lanes = self.grid.len() as u64 * u64::from(gpu.constant(&SHADER, "GROUP")?);
        let buffers = [("working", &self.working), ("logs", &self.logs), ("weights", weights), ("sums", sums)];
        self.encode(gpu, encoder, ("add", &buffers, lanes), &[("CLASSES", classes as u32)])
    }

    fn encode(
        &self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        (entry, buffers, elements): (&str, &[(&str, &wgpu::Buffer)], u64),
        constants: &[(&str, u32)],
    ) -> Result<(), GpuError> {
        let whole = |all: [usize; 3]| Param::from(all.map(|n| n as u32));
        let params = [("shape", whole(self.grid.shape)), ("shift", self.grid.shift.into()), ("blocks", whole(self.grid.blocks))];
        let elements = elements.into();
        gpu.encode(
            encoder,
            &Call { shader: &SHADER, entry, constants, params: &params, buffers, elements, groups_wanted: GROUPS },
        )
    }

    /// The sums from their buffer.
    ///
    /// # Errors
    /// What a download gives.
    pub fn download_sums(&self, gpu: &Gpu, sums: &wgpu::Buffer, classes: usize) -> Result<BlockSums, GpuError> {
        let bytes = gpu.download(SHADER.name, sums, 8 * (self.grid.len() * classes) as u64)?;
        let words: Vec<u32> = bytemuck::pod_collect_to_vec(&bytes);
        let every = |from: usize| words.iter().skip(from).step_by(2).copied().collect();
        Ok(BlockSums { weights: every(0), logs: every(1) })
    }
}

fn input(what: String) -> GpuError {
    GpuError::Input { kernel: SHADER.name, what }
}
