//! Where squared distances lie between the passes, and how much of a mask is read at a time.

use super::layout::StripLayout;
use super::{DistanceMap, DistanceOf, DistanceOutput};
use crate::Result;
use crate::io::ScratchFile;
use crate::ops::distance::largest_axis;
use crate::pipelines::{Input, Run};

/// Voxels that a thread writes at a time where memory allows: a mebibyte of distances.
const BLOCK_VOXELS: u64 = 1 << 18;

/// Bytes of what is carried of a voxel.
const CARRIED: u64 = 2;

/// Where things lie, and in what portions.
#[derive(Debug)]
pub struct DistancePlan {
    /// Whether a GPU takes whole volumes.
    pub on_device: bool,
    /// None where a volume fits the memory.
    pub scratch: Option<ScratchFile>,
    /// Its size.
    pub scratch_bytes: u64,
    /// Most voxels that a thread reads and starts at a time.
    pub piece_voxels: u64,
    /// Whether pieces are whole slices, whose columns in y are searched at once.
    pub whole_slices: bool,
    /// Most voxels that a thread writes at a time.
    pub block_voxels: usize,
    /// How numbers lie in the file: in strips if pieces are whole slices, else as in memory.
    pub layout: StripLayout,
    /// Most bytes of columns that are in memory at a time where they come from a file that has no strips.
    pub strip_bytes: u64,
}

impl DistancePlan {
    /// For distances of `word` bytes.
    ///
    /// # Errors
    /// What [`ScratchFile::new`] gives.
    pub fn new(input: &Input<'_>, map: &DistanceMap, (to, word): (&DistanceOutput<'_>, u64), run: &Run<'_>) -> Result<Self> {
        let [nx, ny, nz] = input.header().grid.shape.xyz();
        let (slice, voxels) = (nx * ny, nx * ny * nz);
        let maps = if map.of == DistanceOf::Signed { 2 } else { 1 };
        let carried = if to.nearest.is_some() { CARRIED } else { 0 };
        let resident = voxels * (maps * word + carried);
        let memory = run.memory_bytes;
        // A quarter stays for what threads read and write.
        let fits = resident <= memory / 4 * 3;
        let spare = if fits { memory - resident } else { memory };

        // Of each voxel of a piece: as the file has it, as a mask, its distances and label, on the way to the file; and a share for the sink.
        let each = 8 + 2 + 2 * (maps * word + carried);
        let threads = rayon::current_num_threads() as u64;
        let most = (spare / 2 / threads / each).max(1 << 12);
        let whole_slices = slice <= most && nz >= threads;
        let fair = voxels.div_ceil(4 * threads);
        let piece_voxels =
            if whole_slices { most.min(fair.max(slice)) } else { most.min(slice.saturating_sub(1)).min(fair).max(nx) };
        // What takes a scratch file is too large for the device, too.
        let on_device = Self::device_takes(input, (voxels, carried > 0), voxels * (maps * word + 2 * word) + voxels / 4, run);
        // What is searched is there once more, and so is what it carries.
        let column = 2 * (word + if carried > 0 { 8 } else { 0 }) * nz;
        let width = if whole_slices { (spare / 4 / column).clamp(1, slice) } else { slice };
        let layout = StripLayout { slice: slice as usize, depth: nz as usize, width: width as usize };
        let scratch_bytes = if fits { 0 } else { resident };
        let scratch = if fits { None } else { Some(ScratchFile::new(&to.scratch.folder, scratch_bytes, to.scratch.beside)?) };
        Ok(Self {
            on_device,
            scratch,
            scratch_bytes,
            piece_voxels,
            whole_slices,
            // From the file whole slices, as many as the memory holds, so that its runs are long.
            block_voxels: if fits || !whole_slices { most.min(BLOCK_VOXELS) } else { most / slice * slice } as usize,
            layout,
            strip_bytes: spare / 4,
        })
    }

    /// Whether the device of the run is a GPU that can do it; says why not where it is one.
    fn device_takes(input: &Input<'_>, (voxels, carries): (u64, bool), bytes: u64, run: &Run<'_>) -> bool {
        if run.device.current().is_none() {
            return false;
        }
        let why = if carries {
            "labels of what is nearest have no kernel"
        } else if input.header().grid.shape.xyz().iter().any(|n| *n > largest_axis()) {
            "an axis is too long for the kernel"
        } else if bytes > run.memory_bytes || voxels > u64::from(u32::MAX) {
            "a volume does not fit the memory of this job on the device"
        } else {
            return true;
        };
        run.note(&format!("{why}: the CPU computes the distances, with the same result"));
        false
    }
}
