//! Voxels under their model in the memory of a device.

use super::rounds::{Rounds, SweepCounts, SweepModel};
use super::shape::BoxShape;
use super::slabs::VoxelSlab;
use crate::Result;
use crate::engine::Gpu;
use crate::ops::bias::GpuGain;
use crate::ops::hmrf::{GpuClasses, SHADER, SoftWeights};
use crate::pipelines::Run;

/// All voxels of the box on a device.
pub(super) struct DeviceVoxels<'a> {
    gpu: &'a Gpu,
    of: BoxShape,
    /// By channel.
    gains: Vec<GpuGain>,
    sums: Vec<wgpu::Buffer>,
    classes: GpuClasses,
    /// The nodes that levels are of.
    under: Vec<Vec<i32>>,
}

impl<'a> DeviceVoxels<'a> {
    /// Whether the device of the run is a GPU that may take so many voxels; says why not where it is one.
    pub fn may(of: &BoxShape, in_memory: bool, run: &Run<'_>) -> bool {
        if run.device.current().is_none() {
            return false;
        }
        let words = 4 * of.classes.div_ceil(4) as u64;
        // Working values, levels, labels, weights before and after; and all that the CPU holds.
        let bytes = of.voxels() as u64 * (2 * of.space.channels() as u64 + 2 + 1 + 2 * words + of.bytes());
        let fits = in_memory && bytes <= run.memory_bytes;
        if !fits {
            run.note("the voxels do not fit the memory of this job on the device: the CPU learns, with the same result");
        }
        fits
    }

    /// Uploads the working values of a slab that is all there is.
    pub fn new(gpu: &'a Gpu, of: BoxShape, slab: &VoxelSlab) -> Result<Self> {
        let gains: Vec<GpuGain> =
            slab.working.iter().map(|working| GpuGain::upload(gpu, working, of.grid)).collect::<Result<_, _>>()?;
        let sums = gains.iter().map(|gain| gain.sums(gpu, of.classes)).collect::<Result<_, _>>()?;
        let levels = gains[0].levels(gpu)?;
        let classes = GpuClasses::new(gpu, of.shape.map(|n| n as u32), (of.classes, of.space), levels)?;
        Ok(Self { gpu, of, gains, sums, classes, under: Vec::new() })
    }

    /// Weights and labels after the last sweep.
    pub fn download(&self) -> Result<(SoftWeights, Vec<u8>)> {
        Ok(self.classes.download(self.gpu)?)
    }
}

impl Rounds for DeviceVoxels<'_> {
    fn sweep(&mut self, model: &SweepModel<'_>) -> Result<SweepCounts> {
        let (gpu, of) = (self.gpu, &self.of);
        let mut encoder = gpu.encoder();
        if self.under != model.nodes {
            for (channel, (gain, nodes)) in self.gains.iter().zip(model.nodes).enumerate() {
                gain.encode_levels(gpu, &mut encoder, (nodes, &self.classes.levels), (of.space, channel))?;
            }
            self.under = model.nodes.to_vec();
        }
        self.classes.encode_sweep(gpu, &mut encoder, model.energies, of.faces)?;
        if model.learn {
            self.classes.encode_histograms(gpu, &mut encoder)?;
            for (gain, sums) in self.gains.iter().zip(&self.sums) {
                gain.encode_sums(gpu, &mut encoder, (self.classes.weights(), of.classes), sums)?;
            }
        }
        gpu.submit(SHADER.name, encoder)?;
        let mut counts = SweepCounts { changed: self.classes.changed(gpu)?, ..SweepCounts::none(of, false) };
        if model.learn {
            counts.histograms = self.classes.histograms(gpu)?;
            let sums = self.gains.iter().zip(&self.sums).map(|(gain, sums)| gain.download_sums(gpu, sums, of.classes));
            counts.sums = sums.collect::<Result<_, _>>()?;
        }
        Ok(counts)
    }
}
