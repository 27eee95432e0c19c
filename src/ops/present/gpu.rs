//! Pictures on the GPU.

use super::{EntryScale, Framing};
use crate::engine::{Call, Gpu, GpuError, Shader};

/// The kernel.
pub const SHADER: Shader = Shader { name: "present", wgsl: include_str!("../../../shaders/present.wgsl") };

/// What lies over what, in buffers of the device.
#[derive(Debug, Clone, Copy)]
pub struct Layers<'a> {
    /// One f32 a pixel.
    pub plane: &'a wgpu::Buffer,
    /// Which entry a value has.
    pub entries: EntryScale,
    /// One u32 an entry: a grey, such as [`equalize`](crate::ops::equalize) writes, or red, green and blue, red lowest.
    pub table: &'a wgpu::Buffer,
    /// Whether these are colours.
    pub coloured: bool,
    /// Labels of the same pixels, one f32 each, their palette (RGBA, red lowest; the alpha is how much of a pixel a colour takes), and how many colours there are.
    pub labels: Option<(&'a wgpu::Buffer, &'a wgpu::Buffer, u32)>,
}

/// Records: the picture into `picture`, [`Framing::bytes`] long.
///
/// # Errors
/// [`GpuError::Input`] for sides that it does not take, and for buffers that are too small.
pub fn encode(
    gpu: &Gpu,
    encoder: &mut wgpu::CommandEncoder,
    framing: &Framing,
    layers: &Layers<'_>,
    picture: &wgpu::Buffer,
) -> Result<(), GpuError> {
    let input = |what: String| GpuError::Input { kernel: SHADER.name, what };
    if let Some(flaw) = framing.flaw() {
        return Err(input(flaw));
    }
    let plane_bytes = 4 * framing.size.iter().map(|n| u64::from(*n)).product::<u64>();
    let (labels, palette, colours) = layers.labels.unwrap_or((layers.plane, layers.table, 0));
    let wanted = [
        (layers.plane, plane_bytes),
        (labels, plane_bytes),
        (layers.table, 4 * u64::from(layers.entries.count)),
        (palette, 4 * u64::from(colours)),
        (picture, framing.bytes()),
    ];
    if layers.entries.count == 0 || wanted.iter().any(|(buffer, bytes)| buffer.size() < *bytes) {
        return Err(input(format!("buffers of {:?} bytes; {framing:?} wants more", wanted.map(|(buffer, _)| buffer.size()))));
    }
    gpu.encode(
        encoder,
        &Call {
            shader: &SHADER,
            entry: "main",
            constants: &[],
            params: &[
                ("size", framing.size.into()),
                ("view", framing.view.into()),
                ("pitch", framing.pitch().into()),
                ("from_place", framing.from.into()),
                ("step", framing.step.into()),
                ("first", layers.entries.first.into()),
                ("scale", layers.entries.scale.into()),
                ("entries", layers.entries.count.into()),
                ("beyond", framing.beyond.into()),
                ("smooth_values", u32::from(framing.smooth).into()),
                ("coloured", u32::from(layers.coloured).into()),
                ("turned", (if framing.inverted { 0xff_u32 } else { 0 }).into()),
                ("colours", colours.into()),
                ("outline", u32::from(framing.outline).into()),
            ],
            buffers: &[
                ("plane", layers.plane),
                ("labels", labels),
                ("table", layers.table),
                ("palette", palette),
                ("picture", picture),
            ],
            elements: (u64::from(framing.pitch()) * u64::from(framing.view[1])).into(),
            groups_wanted: u32::MAX,
        },
    )
}

/// Records: a picture into a texture of the caller's, of four bytes a pixel, that has `COPY_DST` and is at least as large.
pub fn to_texture(encoder: &mut wgpu::CommandEncoder, framing: &Framing, picture: &wgpu::Buffer, texture: &wgpu::Texture) {
    let layout = wgpu::TexelCopyBufferLayout {
        offset: 0,
        bytes_per_row: Some(4 * framing.pitch()),
        rows_per_image: Some(framing.view[1]),
    };
    let size = wgpu::Extent3d { width: framing.view[0], height: framing.view[1], depth_or_array_layers: 1 };
    encoder.copy_buffer_to_texture(wgpu::TexelCopyBufferInfo { buffer: picture, layout }, texture.as_image_copy(), size);
}
