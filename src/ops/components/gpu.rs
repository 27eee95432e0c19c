//! Components on the GPU.

use std::ops::Range;

use super::joins::{Connectivity, Rules, Same};
use crate::engine::{Brick, Call, Elements, Gpu, GpuError, Param, Shader};
use crate::ops::scan;

/// The kernel.
pub const SHADER: Shader = Shader { name: "components", wgsl: include_str!("../../../shaders/components.wgsl") };

/// How much a device does before it gives up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    /// Rounds of joining.
    pub rounds: u32,
    /// Steps along trees that an invocation takes in a round.
    pub steps: u32,
}

impl Default for Effort {
    /// One round does for all but made-up volumes: a path of many thousand steps is halved each time it is walked.
    fn default() -> Self {
        Self { rounds: 64, steps: 1 << 15 }
    }
}

/// Rounds recorded at a time; those that find nothing left to do end at once.
const ROUNDS_AT_A_TIME: u32 = 4;

/// Most blocks that roots are counted in: work for all of any device, and far from what a [scan] takes.
const MOST_BLOCKS: u32 = 1 << 12;

/// What the kernels need beside voxels and labels.
#[derive(Debug)]
pub struct GpuTrees {
    rules: Rules,
    effort: Effort,
    parents: wgpu::Buffer,
    unfinished: wgpu::Buffer,
    counts: wgpu::Buffer,
    cumulative: wgpu::Buffer,
    block: u32,
    blocks: u32,
}

impl GpuTrees {
    /// For the voxels of `brick`, whose keys are stored values of types without sign, so that the key of 0 is 0.
    ///
    /// # Errors
    /// [`GpuError::OutOfMemory`], or [`GpuError::Input`] if the device binds no buffers of this size.
    pub fn new(gpu: &Gpu, brick: &Brick, rules: Rules, effort: Effort) -> Result<Self, GpuError> {
        let (kernel, voxels) = (SHADER.name, brick.voxels());
        let lanes = gpu.constant(&SHADER, "LANES")?;
        let block = voxels.div_ceil(MOST_BLOCKS).next_multiple_of(lanes);
        let blocks = voxels.div_ceil(block);
        Ok(Self {
            rules,
            effort,
            parents: gpu.storage(kernel, 4 * u64::from(voxels))?,
            unfinished: gpu.storage_with(kernel, &vec![0; 4 * effort.rounds as usize], 4)?,
            counts: gpu.storage(kernel, 4 * u64::from(blocks))?,
            cumulative: gpu.storage(kernel, 4 * u64::from(blocks))?,
            block,
            blocks,
        })
    }

    fn encode(
        &self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        (entry, buffers): (&str, &[(&str, &wgpu::Buffer)]),
        (brick, round): (&Brick, u32),
        elements: impl Into<Elements>,
    ) -> Result<(), GpuError> {
        let differ = match self.rules.connectivity {
            Connectivity::Faces => 1u32,
            Connectivity::Edges => 2,
            Connectivity::Corners => 3,
        };
        let same = match self.rules.same {
            Same::NotZero => "NOT_ZERO",
            Same::Label => "LABEL",
            Same::Zero => "ZERO",
            Same::Value => "VALUE",
        };
        let params: [(&str, Param); 5] = [
            ("shape", brick.shape.into()),
            ("differ", differ.into()),
            ("same", gpu.constant(&SHADER, same)?.into()),
            ("round", round.into()),
            ("block", self.block.into()),
        ];
        let constants = [("MOST_STEPS", self.effort.steps)];
        gpu.encode(
            encoder,
            &Call {
                shader: &SHADER,
                entry,
                constants: &constants,
                params: &params,
                buffers,
                elements: elements.into(),
                groups_wanted: u32::MAX,
            },
        )
    }

    /// Records rounds of joining, number 0 first; each does nothing if the one before it was enough.
    ///
    /// # Errors
    /// [`GpuError::Input`] for more rounds than the effort allows, or another brick's size.
    pub fn encode_rounds(
        &self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        brick: &Brick,
        rounds: Range<u32>,
    ) -> Result<(), GpuError> {
        if rounds.end > self.effort.rounds || self.parents.size() != 4 * u64::from(brick.voxels()) {
            let what = format!("rounds {rounds:?} of {}, voxels {:?}", self.effort.rounds, brick.shape);
            return Err(GpuError::Input { kernel: SHADER.name, what });
        }
        let (keys, parents, unfinished) = (("keys", &brick.buffer), ("parents", &self.parents), ("unfinished", &self.unfinished));
        let elements = brick.shape.map(u64::from);
        for round in rounds {
            if round == 0 {
                self.encode(gpu, encoder, ("begin", &[keys, parents]), (brick, round), elements)?;
            }
            self.encode(gpu, encoder, ("join_boxes", &[keys, parents, unfinished]), (brick, round), elements)?;
            self.encode(gpu, encoder, ("flatten", &[parents, unfinished]), (brick, round), elements)?;
        }
        Ok(())
    }

    /// Records the numbering, after rounds of which the last was enough, into `labels`, a brick of keys of 32 bits.
    ///
    /// # Errors
    /// [`GpuError::Input`] for labels of another size or of fewer bits.
    pub fn encode_numbers(
        &self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        brick: &Brick,
        labels: &Brick,
    ) -> Result<(), GpuError> {
        if labels.shape != brick.shape || labels.bits != 32 {
            let what = format!("labels {:?} of {} bits for voxels {:?}", labels.shape, labels.bits, brick.shape);
            return Err(GpuError::Input { kernel: SHADER.name, what });
        }
        let (parents, numbers) = (("parents", &self.parents), ("labels", &labels.buffer));
        // A workgroup for each block.
        let lanes = u64::from(self.blocks) * u64::from(gpu.constant(&SHADER, "LANES")?);
        self.encode(gpu, encoder, ("count", &[parents, ("counts", &self.counts)]), (brick, 0), lanes)?;
        scan::encode(gpu, encoder, self.blocks as usize, &self.counts, &self.cumulative)?;
        self.encode(gpu, encoder, ("number", &[parents, ("cumulative", &self.cumulative), numbers]), (brick, 0), lanes)?;
        self.encode(gpu, encoder, ("spread", &[parents, numbers]), (brick, 0), brick.shape.map(u64::from))
    }
}

/// The labels of a brick's components, from 1 in the order of their first voxels, as keys of uint32; and how many there are.
///
/// # Errors
/// [`GpuError::Unfinished`] if the rounds of this effort are not enough; any other [`GpuError`].
pub fn run(gpu: &Gpu, brick: &Brick, rules: Rules, effort: Effort) -> Result<(Brick, u32), GpuError> {
    let kernel = SHADER.name;
    let word = |bytes: Vec<u8>| bytes.first_chunk().map_or(0, |b| u32::from_le_bytes(*b));
    let trees = GpuTrees::new(gpu, brick, rules, effort)?;
    let mut done = 0;
    loop {
        let end = (done + ROUNDS_AT_A_TIME).min(effort.rounds);
        let mut encoder = gpu.encoder();
        trees.encode_rounds(gpu, &mut encoder, brick, done..end)?;
        let flag = gpu.storage(kernel, 4)?;
        gpu.copy(kernel, &mut encoder, (&trees.unfinished, 4 * u64::from(end - 1)), (&flag, 0), 4)?;
        gpu.submit(kernel, encoder)?;
        if word(gpu.download(kernel, &flag, 4)?) == 0 {
            break;
        }
        if end == effort.rounds {
            return Err(GpuError::Unfinished { kernel, rounds: end });
        }
        done = end;
    }
    let labels = Brick::empty(gpu, brick.shape, 32)?;
    let mut encoder = gpu.encoder();
    trees.encode_numbers(gpu, &mut encoder, brick, &labels)?;
    let last = gpu.storage(kernel, 4)?;
    gpu.copy(kernel, &mut encoder, (&trees.cumulative, 4 * u64::from(trees.blocks - 1)), (&last, 0), 4)?;
    gpu.submit(kernel, encoder)?;
    let count = word(gpu.download(kernel, &last, 4)?);
    Ok((labels, count))
}
