//! Convolutions on the GPU.

use super::activations::{ActivationShape, Activations, ChannelSlot};
use super::layer::Convolution;
use crate::engine::{Call, Gpu, GpuError, Shader};

/// The kernel.
pub const SHADER: Shader = Shader { name: "conv2d", wgsl: include_str!("../../../shaders/conv2d.wgsl") };

/// Enough for any GPU.
const GROUPS: u32 = 65_535;

/// A convolution in device memory.
#[derive(Debug)]
pub struct GpuConvolution {
    layer: Convolution,
    weights: wgpu::Buffer,
    scales: wgpu::Buffer,
}

/// Uploads activations.
///
/// # Errors
/// What an allocation gives.
pub fn upload(gpu: &Gpu, activations: &Activations) -> Result<wgpu::Buffer, GpuError> {
    gpu.storage_with(SHADER.name, bytemuck::cast_slice(&activations.values), 4)
}

impl GpuConvolution {
    /// Uploads weights and scales.
    ///
    /// # Errors
    /// What an allocation gives.
    pub fn upload(gpu: &Gpu, layer: &Convolution) -> Result<Self, GpuError> {
        let (taps, words) = (layer.side[0] * layer.side[1], layer.inputs.div_ceil(2));
        let of = |output: usize, tap: usize, input: usize| {
            let there = output < layer.outputs && input < layer.inputs;
            if there { layer.weights[(output * taps + tap) * layer.inputs + input] } else { 0 }
        };
        let mut weights = Vec::with_capacity(layer.outputs.div_ceil(2) * taps * words * 4);
        for pair in 0..layer.outputs.div_ceil(2) {
            for tap in 0..taps {
                for word in 0..words {
                    weights.extend([(0, 0), (0, 1), (1, 0), (1, 1)].map(|(o, i)| of(2 * pair + o, tap, 2 * word + i)));
                }
            }
        }
        let own = layer.bias.iter().zip(&layer.requants).flat_map(|(b, r)| [*b, i32::from(r.multiplier), i32::from(r.shift)]);
        // The empty half of a last pair stays 0.
        let scales: Vec<i32> = own.chain([0; 3]).collect();
        let with = |bytes: &[u8]| gpu.storage_with(SHADER.name, bytes, 4);
        Ok(Self {
            layer: layer.clone(),
            weights: with(bytemuck::cast_slice(&weights))?,
            scales: with(bytemuck::cast_slice(&scales))?,
        })
    }

    /// Records the scaled sums of some activations into some channels of others of this shape.
    ///
    /// # Errors
    /// [`GpuError::Input`] for shapes or buffers that do not fit.
    pub fn encode(
        &self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        (input, shape): (&wgpu::Buffer, ActivationShape),
        (results, whole, slot): (&wgpu::Buffer, ActivationShape, ChannelSlot),
    ) -> Result<(), GpuError> {
        let own = self.fits(input, shape)?;
        let fits = (own.images, own.height, own.width) == (whole.images, whole.height, whole.width)
            && slot.0.is_multiple_of(2)
            && slot.0 + own.channels <= whole.channels
            && results.size() >= 2 * whole.len() as u64;
        if !fits {
            return Err(input_error(format!("{own:?} from channel {} of {whole:?} in {} bytes", slot.0, results.size())));
        }
        self.record(gpu, encoder, ("convolve", input, shape), (results, whole, slot.0))
    }

    /// Records the sums as they are, i32 by pixel and channel.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn encode_sums(
        &self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        (input, shape): (&wgpu::Buffer, ActivationShape),
        results: &wgpu::Buffer,
    ) -> Result<(), GpuError> {
        self.fits(input, shape)?;
        let summed = self.layer.summed(&shape);
        if results.size() < 4 * (summed.pixels() * summed.channels) as u64 {
            return Err(input_error(format!("{} bytes for the sums of {summed:?}", results.size())));
        }
        self.record(gpu, encoder, ("sum", input, shape), (results, summed, 0))
    }

    fn fits(&self, input: &wgpu::Buffer, shape: ActivationShape) -> Result<ActivationShape, GpuError> {
        if shape.channels != self.layer.inputs || input.size() < 2 * shape.len() as u64 || shape.len() > 1 << 31 {
            return Err(input_error(format!("{shape:?} in {} bytes for {} channels", input.size(), self.layer.inputs)));
        }
        Ok(self.layer.output(&shape))
    }

    fn record(
        &self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        (entry, input, shape): (&str, &wgpu::Buffer, ActivationShape),
        (results, whole, first): (&wgpu::Buffer, ActivationShape, usize),
    ) -> Result<(), GpuError> {
        let layer = &self.layer;
        let summed = layer.summed(&shape);
        gpu.encode(
            encoder,
            &Call {
                shader: &SHADER,
                entry,
                constants: &[("SHUFFLE", u32::from(layer.shuffle))],
                params: &[
                    ("input_shape", shape.param().into()),
                    ("output_shape", whole.param().into()),
                    ("summed", [summed.height as u32, summed.width as u32, summed.words() as u32].into()),
                    ("side", layer.side.map(|n| n as u32).into()),
                    ("stride", (layer.stride as u32).into()),
                    ("pad", (layer.pad as u32).into()),
                    ("first_word", (first as u32 / 2).into()),
                    ("outputs", (layer.outputs as u32).into()),
                    ("low", i32::from(layer.range.0).into()),
                    ("high", i32::from(layer.range.1).into()),
                ],
                buffers: &[("input", input), ("weights", &self.weights), ("scales", &self.scales), ("results", results)],
                elements: ((summed.pixels() * summed.words()) as u64).into(),
                groups_wanted: GROUPS,
            },
        )
    }
}

fn input_error(what: String) -> GpuError {
    GpuError::Input { kernel: SHADER.name, what }
}
