//! Embedding the engine in a renderer: from raw voxels to an equalised picture without the host ever looking at a voxel.
//!
//! The host program has its own wgpu device. It records into **one** command encoder: counting, the prefix sum, the table that
//! equalises, the remap, and then its own render pass, which draws the result. One submit, no read-back in between.
//!
//!     cargo run --example embed --no-default-features [picture.pgm]

use hounsfield::engine::{Gpu, GpuError, GpuVolume};
use hounsfield::ops::histogram::{Binning, PrivateWindow};
use hounsfield::ops::{equalize, histogram, lut, scan};
use hounsfield::volume::{Block, Dtype};
use hounsfield::wgpu;

/// The renderer's own shader: one big triangle, and for each pixel the voxel under it. Voxels of 16 bits lie packed in 32-bit words,
/// the lower half first. The upper eight bits are the grey.
const DRAW: &str = "
@group(0) @binding(0) var<storage, read> voxels: array<u32>;
override WIDTH: u32;

@vertex
fn corner(@builtin(vertex_index) i: u32) -> @builtin(position) vec4<f32> {
    return vec4(f32(i & 1u) * 4.0 - 1.0, f32(i >> 1u) * 4.0 - 1.0, 0.0, 1.0);
}

@fragment
fn grey(@builtin(position) at: vec4<f32>) -> @location(0) vec4<f32> {
    let i = u32(at.y) * WIDTH + u32(at.x);
    let voxel = (voxels[i / 2u] >> (16u * (i % 2u))) & 0xffffu;
    let level = f32(voxel >> 8u) / 255.0;
    return vec4(level, level, level, 1.0);
}
";

/// Equalises an image of int16 voxels and draws it: the greys of the picture, row by row.
pub fn equalized_picture(
    device: &wgpu::Device,
    queue: &wgpu::Queue,
    [width, height]: [u32; 2],
    voxels: &[i16],
) -> Result<Vec<u8>, GpuError> {
    // The engine works on the host's device and keeps its kernels there: make it once, use it for every frame.
    let gpu = Gpu::from_device(device.clone(), queue.clone());
    let bytes: Vec<u8> = voxels.iter().flat_map(|v| v.to_le_bytes()).collect();
    let image = GpuVolume::upload(&gpu, Block { dtype: Dtype::I16, bytes: &bytes })?;

    // What lies between the steps. A renderer makes these once, too.
    let values = Dtype::I16.values();
    let counts = histogram::counts_buffer(&gpu, values)?;
    let cumulative = gpu.storage("host", 4 * values as u64)?;
    let entries = gpu.storage("host", 4 * values as u64)?;
    let table = lut::GpuTable::from_buffer(Dtype::I16, Dtype::U16, entries.clone())?;
    let equalized = GpuVolume::empty(&gpu, Dtype::U16, voxels.len() as u64)?;

    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    histogram::encode(&gpu, &mut encoder, &image, None, &Binning::Exact(PrivateWindow::of(Dtype::I16)), &counts)?;
    scan::encode(&gpu, &mut encoder, values, &counts, &cumulative)?;
    equalize::encode(&gpu, &mut encoder, &equalize::Settings::of(Dtype::I16), &cumulative, &entries)?;
    lut::encode(&gpu, &mut encoder, &image, &table, &equalized)?;

    // From here on it is the renderer's own business: the voxels are a storage buffer like any other.
    let target = draw(device, &mut encoder, &equalized.chunks()[0].buffer, [width, height]);
    let pitch = (4 * width).next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT);
    let staging = device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("picture"),
        size: u64::from(pitch * height),
        usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::COPY_SRC,
        mapped_at_creation: false,
    });
    encoder.copy_texture_to_buffer(
        target.as_image_copy(),
        wgpu::TexelCopyBufferInfo {
            buffer: &staging,
            layout: wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(pitch), rows_per_image: None },
        },
        target.size(),
    );
    queue.submit([encoder.finish()]);

    // A window would present the texture; this example looks at it. Rows are padded to what copies need.
    let rows = gpu.download("picture", &staging, staging.size())?;
    let red = |row: &[u8]| row[..4 * width as usize].chunks_exact(4).map(|pixel| pixel[0]).collect::<Vec<_>>();
    Ok(rows.chunks_exact(pitch as usize).flat_map(red).collect())
}

/// Records the render pass.
fn draw(
    device: &wgpu::Device,
    encoder: &mut wgpu::CommandEncoder,
    voxels: &wgpu::Buffer,
    [width, height]: [u32; 2],
) -> wgpu::Texture {
    let format = wgpu::TextureFormat::Rgba8Unorm;
    let texture = device.create_texture(&wgpu::TextureDescriptor {
        label: Some("picture"),
        size: wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format,
        usage: wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::COPY_SRC,
        view_formats: &[],
    });
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: Some("draw"),
        source: wgpu::ShaderSource::Wgsl(DRAW.into()),
    });
    let pipeline = device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
        label: Some("draw"),
        layout: None,
        vertex: wgpu::VertexState {
            module: &module,
            entry_point: Some("corner"),
            compilation_options: Default::default(),
            buffers: &[],
        },
        fragment: Some(wgpu::FragmentState {
            module: &module,
            entry_point: Some("grey"),
            compilation_options: wgpu::PipelineCompilationOptions {
                constants: &[("WIDTH", f64::from(width))],
                ..Default::default()
            },
            targets: &[Some(format.into())],
        }),
        primitive: Default::default(),
        depth_stencil: None,
        multisample: Default::default(),
        multiview_mask: None,
        cache: None,
    });
    let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some("draw"),
        layout: &pipeline.get_bind_group_layout(0),
        entries: &[wgpu::BindGroupEntry { binding: 0, resource: voxels.as_entire_binding() }],
    });
    let view = texture.create_view(&Default::default());
    let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
        label: Some("draw"),
        color_attachments: &[Some(wgpu::RenderPassColorAttachment {
            view: &view,
            depth_slice: None,
            resolve_target: None,
            ops: wgpu::Operations { load: wgpu::LoadOp::Clear(wgpu::Color::BLACK), store: wgpu::StoreOp::Store },
        })],
        ..Default::default()
    });
    pass.set_pipeline(&pipeline);
    pass.set_bind_group(0, &group, &[]);
    pass.draw(0..3, 0..1);
    drop(pass);
    texture
}

/// The host's device. Nothing here is the engine's: any device with compute shaders will do.
pub fn host_device() -> Option<(wgpu::Device, wgpu::Queue)> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let adapter = pollster::block_on(instance.request_adapter(&Default::default())).ok()?;
    pollster::block_on(adapter.request_device(&Default::default())).ok()
}

/// An image like a slice of a chest: air around, two dark lungs in a body, everything a little noisy.
pub fn made_up_slice([width, height]: [u32; 2]) -> Vec<i16> {
    let ellipse = |x: f64, y: f64, cx: f64, rx: f64, ry: f64| ((x - cx) / rx).powi(2) + (y / ry).powi(2) < 1.0;
    let mut noise = 1u32;
    let mut voxels = Vec::new();
    for row in 0..height {
        for column in 0..width {
            let x = f64::from(column) / f64::from(width) * 2.0 - 1.0;
            let y = f64::from(row) / f64::from(height) * 2.0 - 1.0;
            let hounsfield = if ellipse(x, y, -0.38, 0.25, 0.45) || ellipse(x, y, 0.38, 0.25, 0.45) {
                -850
            } else if ellipse(x, y, 0.0, 0.85, 0.7) {
                40
            } else {
                -1000
            };
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            voxels.push(hounsfield + (noise >> 26) as i16 - 32);
        }
    }
    voxels
}

#[allow(dead_code, reason = "the test that shares this file has its own")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let size = [512, 384];
    let (device, queue) = host_device().ok_or("no GPU adapter; `hounsfield devices` says what to install")?;
    let picture = equalized_picture(&device, &queue, size, &made_up_slice(size))?;
    let mean = picture.iter().map(|g| f64::from(*g)).sum::<f64>() / picture.len() as f64;
    println!("{} x {} pixels, mean grey {mean:.1} (an equalised image has about 128)", size[0], size[1]);
    if let Some(path) = std::env::args_os().nth(1) {
        let mut file = format!("P5 {} {} 255\n", size[0], size[1]).into_bytes();
        file.extend(picture);
        std::fs::write(&path, file)?;
    }
    Ok(())
}
