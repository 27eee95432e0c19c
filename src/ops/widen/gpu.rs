//! Chunks to bricks and back on the GPU.

use crate::engine::{Brick, Call, Chunk, Gpu, GpuError, Shader, UNIT_VOXELS};
use crate::volume::{Dtype, keys};

/// The kernel.
pub const SHADER: Shader = Shader { name: "widen", wgsl: include_str!("../../../shaders/widen.wgsl") };

/// Enough invocations to fill any GPU while each still has several units to do.
const GROUPS: u32 = 16_384;

impl Brick {
    /// Records: the keys of a chunk's voxels, which are those of this brick in their order, into it.
    ///
    /// # Errors
    /// [`GpuError::Input`] if the chunk has another number of voxels or its type another number of bits, or if a buffer is too small.
    pub fn encode_from(
        &self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        dtype: Dtype,
        chunk: &Chunk,
    ) -> Result<(), GpuError> {
        if chunk.voxels != self.voxels() {
            return Err(input(format!("a chunk of {} voxels for a brick of {:?}", chunk.voxels, self.shape)));
        }
        self.encode(gpu, encoder, dtype, "widen", [("voxels", &chunk.buffer), ("widened", &self.buffer)])
    }

    /// Records: the stored values of this brick's keys into `narrowed`, packed as in a chunk, in whole units of [`UNIT_VOXELS`].
    ///
    /// # Errors
    /// [`GpuError::Input`] if the type has another number of bits than the keys or the buffer is too small.
    pub fn encode_into(
        &self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        dtype: Dtype,
        narrowed: &wgpu::Buffer,
    ) -> Result<(), GpuError> {
        self.encode(gpu, encoder, dtype, "narrow", [("narrowed", narrowed), ("keys", &self.buffer)])
    }

    /// The first buffer holds stored values, the second keys.
    fn encode(
        &self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        dtype: Dtype,
        entry: &str,
        buffers: [(&str, &wgpu::Buffer); 2],
    ) -> Result<(), GpuError> {
        let bytes = dtype.bytes() as u64;
        if u64::from(self.bits) != 8 * bytes {
            return Err(input(format!("{dtype} voxels for a brick of {} bits", self.bits)));
        }
        let units = u64::from(self.voxels()).div_ceil(UNIT_VOXELS);
        let sizes = buffers.map(|(_, buffer)| buffer.size());
        if sizes[0] < units * UNIT_VOXELS * bytes || sizes[1] < units * UNIT_VOXELS * 4 {
            let what = format!("{} and {} bytes for {:?} {dtype} voxels and their keys", sizes[0], sizes[1], self.shape);
            return Err(input(what));
        }
        gpu.encode(
            encoder,
            &Call {
                shader: &SHADER,
                entry,
                constants: &[("BITS", self.bits), ("FLOATS", u32::from(!dtype.is_integer()))],
                params: &[("voxels", self.voxels().into()), ("sign", (keys::sign_bit(dtype) as u32).into())],
                buffers: &buffers,
                elements: units.into(),
                groups_wanted: GROUPS,
            },
        )
    }
}

fn input(what: String) -> GpuError {
    GpuError::Input { kernel: SHADER.name, what }
}
