//! On the GPU.

use super::PixelStep;
use crate::engine::{Call, Gpu, GpuError, Shader};
use crate::ops::conv2d::{ActivationShape, ChannelSlot, Requant};

/// The kernel.
pub const SHADER: Shader = Shader { name: "pool", wgsl: include_str!("../../../shaders/pool.wgsl") };

/// Enough for any GPU.
const GROUPS: u32 = 65_535;

/// Records what `what` makes of inputs of one shape into some channels of activations of another.
///
/// # Errors
/// [`GpuError::Input`] for another number of inputs, or shapes and buffers that do not fit.
pub fn encode(
    gpu: &Gpu,
    encoder: &mut wgpu::CommandEncoder,
    what: &PixelStep,
    (inputs, shape): (&[&wgpu::Buffer], ActivationShape),
    (results, whole, slot): (&wgpu::Buffer, ActivationShape, ChannelSlot),
) -> Result<(), GpuError> {
    let own = what.output(&shape);
    let fits = inputs.len() == what.inputs()
        && inputs.iter().all(|buffer| buffer.size() >= 2 * shape.len() as u64)
        && (own.images, own.height, own.width) == (whole.images, whole.height, whole.width)
        && slot.0.is_multiple_of(2)
        && slot.0 + own.channels <= whole.channels
        && results.size() >= 2 * whole.len() as u64
        && shape.len() <= 1 << 31;
    if !fits {
        let what = format!("{what:?} of {} inputs of {shape:?} from channel {} of {whole:?}", inputs.len(), slot.0);
        return Err(GpuError::Input { kernel: SHADER.name, what });
    }
    let none = Requant { multiplier: 0, shift: 0 };
    let (entry, scales, low) = match *what {
        PixelStep::Greatest => ("greatest", [none; 2], i16::MIN),
        PixelStep::Mean(scale) => ("mean", [scale, none], i16::MIN),
        PixelStep::Copy(scale) => ("copy", [scale, none], i16::MIN),
        PixelStep::Add { scales, relu } => ("add", scales, if relu { 0 } else { i16::MIN }),
        PixelStep::Double => ("double", [none; 2], i16::MIN),
    };
    let [a, b] = scales.map(|scale| [u32::from(scale.multiplier), u32::from(scale.shift)]);
    let mut buffers = vec![("input", inputs[0])];
    buffers.extend(inputs.get(1).map(|second| ("second", *second)));
    buffers.push(("results", results));
    gpu.encode(
        encoder,
        &Call {
            shader: &SHADER,
            entry,
            constants: &[],
            params: &[
                ("input_shape", shape.param().into()),
                ("output_shape", whole.param().into()),
                ("first_word", (slot.0 as u32 / 2).into()),
                ("scales", [a[0], a[1], b[0], b[1]].into()),
                ("low", i32::from(low).into()),
            ],
            buffers: &buffers,
            elements: ((own.pixels() * own.words()) as u64).into(),
            groups_wanted: GROUPS,
        },
    )
}
