//! Voxels under their model, on the CPU: in memory where they fit it, else slab by slab from a scratch file. The bits are the same.

use std::ops::Range;

use super::channels::Channels;
use super::rounds::{Rounds, SweepCounts, SweepModel};
use super::shape::BoxShape;
use crate::io::ScratchFile;
use crate::ops::bias::{add_block_sums, correct};
use crate::ops::hmrf::{OUTSIDE, SoftWeights, class_histograms, sweep};
use crate::pipelines::{Run, ScratchPlace};
use crate::{Error, Hint, Result};

/// Slices of the box with what a sweep reads and writes of them.
#[derive(Debug)]
pub(super) struct VoxelSlab {
    /// Slices whose weights are there: its own, and one on either side.
    pub held: Range<usize>,
    pub own: Range<usize>,
    /// Of its own slices, by channel.
    pub working: Vec<Vec<u16>>,
    /// Of all slices that are held; those that are not its own take no part.
    pub levels: Vec<u16>,
    pub weights: SoftWeights,
    swept: SoftWeights,
    pub labels: Vec<u8>,
}

/// All slabs.
#[derive(Debug)]
pub(super) struct Slabs {
    pub of: BoxShape,
    /// The one that is in memory: all there is, without a file.
    pub slab: VoxelSlab,
    disk: Option<SlabFile>,
    /// Most slices of a slab.
    thickness: usize,
    /// The nodes that the levels of the slab are of.
    under: Vec<Vec<i32>>,
}

/// Where the numbers of each slice lie in a scratch file, plane by plane.
#[derive(Debug)]
struct SlabFile {
    file: ScratchFile,
    of: BoxShape,
    /// Which of two planes a class has its weights in; a sweep writes the other.
    second: bool,
}

impl VoxelSlab {
    fn new(of: &BoxShape, own: Range<usize>, held: Range<usize>) -> Self {
        let voxels = held.len() * of.slice();
        let weights = SoftWeights::new(of.classes, voxels);
        let swept = weights.clone();
        Self {
            own,
            held,
            working: vec![Vec::new(); of.space.channels()],
            levels: vec![OUTSIDE; voxels],
            weights,
            swept,
            labels: vec![0; voxels],
        }
    }

    /// Voxels of its own slices among those that are held.
    fn inner(&self, slice: usize) -> Range<usize> {
        (self.own.start - self.held.start) * slice..(self.own.end - self.held.start) * slice
    }

    fn level(&mut self, of: &BoxShape, nodes: &[Vec<i32>]) {
        let inner = self.inner(of.slice());
        for (channel, (working, nodes)) in self.working.iter().zip(nodes).enumerate() {
            correct((working, self.own.start), (nodes, &of.grid), (of.space, channel), &mut self.levels[inner.clone()]);
        }
    }
}

impl Slabs {
    /// Takes the working values of all voxels.
    ///
    /// # Errors
    /// [`Error::Usage`] if not even one slice and its neighbours fit the memory of the run; what reading and a scratch file give; [`Error::Interrupted`].
    pub fn new(channels: &Channels, of: BoxShape, scratch: &ScratchPlace, run: &Run<'_>) -> Result<Self> {
        let (depth, slice_bytes) = (of.shape[2], of.slice() as u64 * of.bytes());
        // A part stays for what is read and written.
        let fit = (run.memory_bytes / 4 * 3 / slice_bytes.max(1)) as usize;
        if fit >= depth {
            let mut slab = VoxelSlab::new(&of, 0..depth, 0..depth);
            channels.fill(0..depth, &mut slab.working)?;
            return Ok(Self { of, slab, disk: None, thickness: depth, under: Vec::new() });
        }
        let Some(thickness) = fit.checked_sub(2).filter(|slices| *slices > 0) else {
            let what =
                format!("{} MiB for three slices, which are held while classes are learnt", (3 * slice_bytes).div_ceil(1 << 20));
            return Err(Error::usage(what, Hint::MoreMemory));
        };
        let disk = SlabFile { file: ScratchFile::new(&scratch.folder, SlabFile::bytes(&of), scratch.beside)?, of, second: false };
        let mut working = vec![Vec::new(); of.space.channels()];
        let nothing = vec![0; of.slice()];
        for z in 0..depth {
            run.stop()?;
            channels.fill(z..z + 1, &mut working)?;
            for (channel, own) in working.iter().enumerate() {
                disk.file.write(disk.working(channel, z), bytemuck::cast_slice(own))?;
            }
            // No class has a weight yet, and no voxel a label.
            (0..of.classes).try_for_each(|class| disk.file.write(disk.weights(class, false, z), &nothing))?;
            disk.file.write(disk.labels(z), &nothing)?;
        }
        Ok(Self { of, slab: VoxelSlab::new(&of, 0..0, 0..0), disk: Some(disk), thickness, under: Vec::new() })
    }

    /// Whether all is in memory.
    pub fn in_memory(&self) -> bool {
        self.disk.is_none()
    }

    /// Looks at all slabs under these nodes, in order.
    pub fn each(&self, nodes: &[Vec<i32>], mut look: impl FnMut(&VoxelSlab) -> Result<()>) -> Result<()> {
        let mut reader = SlabReader::new(self, nodes);
        let mut z = 0;
        while z < self.of.shape[2] {
            let slab = reader.at(z)?;
            look(slab)?;
            z = slab.own.end;
        }
        Ok(())
    }

    fn slices_from(&self, first: usize) -> Range<usize> {
        first..(first + self.thickness).min(self.of.shape[2])
    }

    /// Takes what a device found for all voxels under these nodes.
    pub fn found(&mut self, nodes: &[Vec<i32>], weights: SoftWeights, labels: Vec<u8>) {
        (self.slab.weights, self.slab.labels) = (weights, labels);
        self.slab.level(&self.of, nodes);
        self.under = nodes.to_vec();
    }
}

impl Rounds for Slabs {
    fn sweep(&mut self, model: &SweepModel<'_>) -> Result<SweepCounts> {
        let (of, slice) = (self.of, self.of.slice());
        let mut counts = SweepCounts::none(&of, model.learn);
        let mut first = 0;
        while first < of.shape[2] {
            let own = self.slices_from(first);
            match &self.disk {
                Some(disk) => self.slab = disk.read(own.clone(), model.nodes)?,
                None if self.under != model.nodes => {
                    self.slab.level(&of, model.nodes);
                    self.under = model.nodes.to_vec();
                }
                None => {}
            }
            let VoxelSlab { held, own, working, levels, weights, swept, labels } = &mut self.slab;
            let shape = [of.shape[0], of.shape[1], held.len()];
            counts.changed += sweep((levels, shape), (model.energies, of.faces), (weights, swept), labels);
            if model.learn {
                counts.add_histograms(&class_histograms(levels, swept, of.space));
                for (working, sums) in working.iter().zip(&mut counts.sums) {
                    add_block_sums((working, own.start), (swept, own.start - held.start), &of.grid, sums);
                }
            }
            first = own.end;
            if let Some(disk) = &self.disk {
                let inner = self.slab.inner(slice);
                let at = self.slab.own.start;
                for class in 0..of.classes {
                    disk.file.write(disk.weights(class, !disk.second, at), &self.slab.swept.of_class(class)[inner.clone()])?;
                }
                disk.file.write(disk.labels(at), &self.slab.labels[inner])?;
            } else {
                std::mem::swap(&mut self.slab.weights, &mut self.slab.swept);
            }
        }
        self.disk.iter_mut().for_each(|disk| disk.second = !disk.second);
        Ok(counts)
    }
}

impl SlabFile {
    fn bytes(of: &BoxShape) -> u64 {
        of.voxels() as u64 * (of.bytes() - 2)
    }

    /// Where a slice of a plane begins that has so many bytes a voxel before it.
    fn at(&self, before: usize, each: usize, z: usize) -> u64 {
        (before * self.of.voxels() + each * z * self.of.slice()) as u64
    }

    fn working(&self, channel: usize, z: usize) -> u64 {
        self.at(2 * channel, 2, z)
    }

    fn labels(&self, z: usize) -> u64 {
        self.at(2 * self.of.space.channels(), 1, z)
    }

    fn weights(&self, class: usize, second: bool, z: usize) -> u64 {
        self.at(2 * self.of.space.channels() + 1 + 2 * class + usize::from(second), 1, z)
    }

    fn read(&self, own: Range<usize>, nodes: &[Vec<i32>]) -> Result<VoxelSlab> {
        let held = own.start.saturating_sub(1)..(own.end + 1).min(self.of.shape[2]);
        let mut slab = VoxelSlab::new(&self.of, own.clone(), held.clone());
        let inner = slab.inner(self.of.slice());
        for (channel, working) in slab.working.iter_mut().enumerate() {
            working.resize(inner.len(), OUTSIDE);
            self.file.read(self.working(channel, own.start), bytemuck::cast_slice_mut(working))?;
        }
        for class in 0..self.of.classes {
            self.file.read(self.weights(class, self.second, held.start), slab.weights.of_class_mut(class))?;
        }
        self.file.read(self.labels(own.start), &mut slab.labels[inner])?;
        slab.level(&self.of, nodes);
        Ok(slab)
    }
}

/// Gives slabs as they are after the last sweep, under these nodes.
pub(super) struct SlabReader<'a> {
    slabs: &'a Slabs,
    nodes: &'a [Vec<i32>],
    read: Option<VoxelSlab>,
}

impl<'a> SlabReader<'a> {
    pub fn new(slabs: &'a Slabs, nodes: &'a [Vec<i32>]) -> Self {
        Self { slabs, nodes, read: None }
    }

    /// The slab in which a slice of the box lies; cheap in ascending order.
    pub fn at(&mut self, z: usize) -> Result<&VoxelSlab> {
        let Some(disk) = &self.slabs.disk else { return Ok(&self.slabs.slab) };
        if self.read.as_ref().is_none_or(|slab| !slab.own.contains(&z)) {
            // The one before is gone before the next is made.
            self.read = None;
            let first = z / self.slabs.thickness * self.slabs.thickness;
            self.read = Some(disk.read(self.slabs.slices_from(first), self.nodes)?);
        }
        Ok(self.read.as_ref().unwrap_or(&self.slabs.slab))
    }
}
