//! Planes on the GPU.

use super::{PlaneSection, Ray};
use crate::engine::{Call, Gpu, GpuError, GpuVolume, Shader};
use crate::volume::{Dtype, keys};

/// The kernel.
pub const SHADER: Shader = Shader { name: "cut", wgsl: include_str!("../../../shaders/cut.wgsl") };

/// Records: the section of a volume into `plane`, one f32 a pixel.
///
/// # Errors
/// [`GpuError::Input`] if the section is not inside of the volume, or the plane is too small.
pub fn encode(
    gpu: &Gpu,
    encoder: &mut wgpu::CommandEncoder,
    volume: &GpuVolume,
    section: &PlaneSection,
    plane: &wgpu::Buffer,
) -> Result<(), GpuError> {
    let input = |what: String| GpuError::Input { kernel: SHADER.name, what };
    let walk = section.walk().filter(|_| volume.voxels() == section.shape.iter().product::<u64>());
    let walk = walk.ok_or_else(|| input(format!("{section:?} of {} voxels", volume.voxels())))?;
    if plane.size() < 4 * section.pixels() {
        return Err(input(format!("{} bytes for {} pixels", plane.size(), section.pixels())));
    }
    let dtype = volume.dtype();
    let sign = if dtype == Dtype::F32 { 0 } else { keys::sign_bit(dtype) as u32 };
    let how = match section.ray {
        Ray::Greatest => 0,
        Ray::Least => 1,
        Ray::Mean => 2,
    };
    let mut first = 0;
    for (i, chunk) in volume.chunks().iter().enumerate() {
        gpu.encode(
            encoder,
            &Call {
                shader: &SHADER,
                entry: "main",
                constants: &[("BITS", 8 * dtype.bytes() as u32), ("HOW", how)],
                params: &[
                    ("size", walk.size.into()),
                    ("first", first.into()),
                    ("voxels", chunk.voxels.into()),
                    ("origin", walk.origin.into()),
                    ("right", walk.right.into()),
                    ("down", walk.down.into()),
                    ("along", walk.along.into()),
                    ("steps", walk.steps.into()),
                    ("sign", sign.into()),
                    ("fresh", u32::from(i == 0).into()),
                    ("last", u32::from(i + 1 == volume.chunks().len()).into()),
                ],
                buffers: &[("voxels", &chunk.buffer), ("plane", plane)],
                elements: section.pixels().into(),
                groups_wanted: u32::MAX,
            },
        )?;
        first += chunk.voxels;
    }
    Ok(())
}
