//! The E-step on the GPU.

use super::model::{Model, Sums};
use crate::engine::{Call, Chunk, Gpu, GpuError, GpuVolume, Shader, UNIT_VOXELS};
use crate::volume::Dtype;

/// The kernel.
pub const SHADER: Shader = Shader { name: "gmm", wgsl: include_str!("../../../shaders/gmm.wgsl") };

/// Units that an invocation adds up: 64 voxels, so that f32 rounds few times.
const UNITS_EACH: u64 = 4;
/// What every device dispatches.
const MOST_GROUPS: u32 = 65_535;
/// Numbers behind the sums of each workgroup: log-likelihood, voxels, voxels not finite.
const EXTRA: usize = 3;

/// A mixture in device memory.
#[derive(Debug, Clone)]
pub struct GpuModel {
    buffer: wgpu::Buffer,
    model: Model,
}

impl GpuModel {
    /// Uploads a mixture.
    ///
    /// # Errors
    /// Any [`GpuError`] of an upload.
    pub fn upload(gpu: &Gpu, model: &Model) -> Result<Self, GpuError> {
        let buffer = gpu.storage_with("gmm", bytemuck::cast_slice(model.numbers()), 4)?;
        Ok(Self { buffer, model: model.clone() })
    }

    fn row(&self) -> usize {
        self.model.classes() * self.model.sums_each() + EXTRA
    }

    /// The sums from the bytes of a [`partials_buffer`].
    pub fn sums(&self, partials: &[u8]) -> Sums {
        let d = self.model.channels();
        let mut sums = Sums::none(d, self.model.classes());
        let words: Vec<u32> = partials.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        let number = |word: &u32| f64::from(f32::from_bits(*word));
        for row in words.chunks_exact(self.row()) {
            let (classes, extra) = row.split_at(row.len() - EXTRA);
            for (moments, own) in sums.classes.iter_mut().zip(classes.chunks_exact(self.model.sums_each())) {
                moments.voxels += number(&own[0]);
                moments.first.iter_mut().zip(&own[1..]).for_each(|(s, w)| *s += number(w));
                moments.second.iter_mut().zip(&own[1 + d..]).for_each(|(s, w)| *s += number(w));
            }
            sums.log_likelihood += number(&extra[0]);
            sums.count += u64::from(extra[1]);
            sums.not_finite += u64::from(extra[2]);
        }
        sums
    }
}

/// A buffer for the partial sums of a chunk of so many voxels.
///
/// # Errors
/// Any [`GpuError`] of an allocation.
pub fn partials_buffer(gpu: &Gpu, model: &GpuModel, voxels: u32) -> Result<wgpu::Buffer, GpuError> {
    gpu.storage("gmm", partials_bytes(gpu, model, voxels)?)
}

/// The size of such a buffer.
///
/// # Errors
/// [`GpuError::Validation`] if the shader is broken.
pub fn partials_bytes(gpu: &Gpu, model: &GpuModel, voxels: u32) -> Result<u64, GpuError> {
    let group = u64::from(gpu.constant(&SHADER, "GROUP")?);
    Ok(4 * elements(voxels).div_ceil(group) * model.row() as u64)
}

fn elements(voxels: u32) -> u64 {
    units(voxels).div_ceil(UNITS_EACH)
}

fn units(voxels: u32) -> u64 {
    u64::from(voxels).div_ceil(UNIT_VOXELS)
}

/// Records: the sums of the M-step over a chunk, one of each channel, as rows of partial sums that [`GpuModel::sums`] adds up.
///
/// # Errors
/// [`GpuError::Input`] if types, lengths or buffers do not fit.
pub fn encode(
    gpu: &Gpu,
    encoder: &mut wgpu::CommandEncoder,
    channels: &[(Dtype, &Chunk)],
    mask: Option<&Chunk>,
    model: &GpuModel,
    partials: &wgpu::Buffer,
) -> Result<(), GpuError> {
    let voxels = channels.first().map_or(0, |c| c.1.voxels);
    let group = u64::from(gpu.constant(&SHADER, "GROUP")?);
    let needs = 4 * elements(voxels).div_ceil(group) * model.row() as u64;
    if partials.size() < needs {
        return Err(input(format!("{} bytes of partial sums, {needs} needed", partials.size())));
    }
    // All rows that the buffer holds: those beyond the groups that run get zeros.
    let rows = partials.size() / (4 * model.row() as u64);
    let task = Task { entry: "statistics", out: ("partials", partials), elements: elements(voxels), rows: rows as u32, class: 0 };
    call(gpu, encoder, channels, mask, model, &task)
}

/// Records: the most likely class of each voxel of a chunk, as u8.
///
/// # Errors
/// As [`encode`].
pub fn encode_labels(
    gpu: &Gpu,
    encoder: &mut wgpu::CommandEncoder,
    channels: &[(Dtype, &Chunk)],
    mask: Option<&Chunk>,
    model: &GpuModel,
    labels: &wgpu::Buffer,
) -> Result<(), GpuError> {
    let units = units(channels.first().map_or(0, |c| c.1.voxels));
    if labels.size() < units * UNIT_VOXELS {
        return Err(input(format!("{} bytes of labels for {} voxels", labels.size(), units * UNIT_VOXELS)));
    }
    let task = Task { entry: "label", out: ("labels", labels), elements: units, rows: 0, class: 0 };
    call(gpu, encoder, channels, mask, model, &task)
}

/// Records: the posterior of a class, from 0, for each voxel of a chunk, as f32.
///
/// # Errors
/// As [`encode`]; also for a class that the model has not.
pub fn encode_posterior(
    gpu: &Gpu,
    encoder: &mut wgpu::CommandEncoder,
    channels: &[(Dtype, &Chunk)],
    mask: Option<&Chunk>,
    model: &GpuModel,
    class: usize,
    posterior: &wgpu::Buffer,
) -> Result<(), GpuError> {
    let units = units(channels.first().map_or(0, |c| c.1.voxels));
    if posterior.size() < 4 * units * UNIT_VOXELS || class >= model.model.classes() {
        return Err(input(format!("{} bytes for the posterior of class {class} of {}", posterior.size(), model.model.classes())));
    }
    let task = Task { entry: "posterior", out: ("posteriors", posterior), elements: units, rows: 0, class: class as u32 };
    call(gpu, encoder, channels, mask, model, &task)
}

/// What the three entry points do not share.
struct Task<'a> {
    entry: &'a str,
    out: (&'a str, &'a wgpu::Buffer),
    elements: u64,
    /// Rows of partial sums in the output.
    rows: u32,
    /// The class whose posterior is wanted.
    class: u32,
}

fn call(
    gpu: &Gpu,
    encoder: &mut wgpu::CommandEncoder,
    channels: &[(Dtype, &Chunk)],
    mask: Option<&Chunk>,
    model: &GpuModel,
    task: &Task<'_>,
) -> Result<(), GpuError> {
    let own = &model.model;
    if channels.len() != own.channels() {
        return Err(input(format!("{} channels for a model of {}", channels.len(), own.channels())));
    }
    let voxels = channels[0].1.voxels;
    for (dtype, chunk) in channels {
        let needs = units(voxels) * UNIT_VOXELS * dtype.bytes() as u64;
        if !dtype.is_direct() || chunk.voxels != voxels || chunk.buffer.size() < needs {
            return Err(input(format!(
                "a channel of {} {dtype} voxels in {} bytes beside one of {voxels}",
                chunk.voxels,
                chunk.buffer.size()
            )));
        }
    }
    if mask.is_some_and(|m| m.voxels != voxels || m.buffer.size() < units(voxels) * UNIT_VOXELS) {
        return Err(input(format!("a mask of another length than {voxels}")));
    }
    // Bindings of channels that there are not still need a buffer.
    let channel = |c: usize| channels.get(c).unwrap_or(&channels[0]);
    let bits = |c: usize| 8 * channel(c).0.bytes() as u32;
    let signed = |c: usize| u32::from(matches!(channel(c).0, Dtype::I8 | Dtype::I16));
    gpu.encode(
        encoder,
        &Call {
            shader: &SHADER,
            entry: task.entry,
            constants: &[
                ("CHANNELS", channels.len() as u32),
                ("CLASSES", own.classes() as u32),
                ("MASKED", u32::from(mask.is_some())),
                ("BITS_0", bits(0)),
                ("BITS_1", bits(1)),
                ("BITS_2", bits(2)),
                ("BITS_3", bits(3)),
                ("SIGNED_0", signed(0)),
                ("SIGNED_1", signed(1)),
                ("SIGNED_2", signed(2)),
                ("SIGNED_3", signed(3)),
            ],
            params: &[("voxels", voxels.into()), ("rows", task.rows.into()), ("posterior_of", task.class.into())],
            buffers: &[
                ("voxels_0", &channel(0).1.buffer),
                ("voxels_1", &channel(1).1.buffer),
                ("voxels_2", &channel(2).1.buffer),
                ("voxels_3", &channel(3).1.buffer),
                ("voxel_mask", mask.map_or(&channels[0].1.buffer, |m| &m.buffer)),
                ("model", &model.buffer),
                task.out,
            ],
            elements: task.elements.into(),
            groups_wanted: MOST_GROUPS,
        },
    )
}

/// The sums of the M-step over volumes that are on the device, one for each channel.
///
/// # Errors
/// Any [`GpuError`].
pub fn run(gpu: &Gpu, channels: &[GpuVolume], mask: Option<&GpuVolume>, model: &Model) -> Result<Sums, GpuError> {
    let device_model = GpuModel::upload(gpu, model)?;
    let mut sums = Sums::none(model.channels(), model.classes());
    for (channels, mask) in paired(channels, mask)? {
        let partials = partials_buffer(gpu, &device_model, channels[0].1.voxels)?;
        let mut encoder = gpu.encoder();
        encode(gpu, &mut encoder, &channels, mask, &device_model, &partials)?;
        gpu.submit("gmm", encoder)?;
        sums.merge(&device_model.sums(&gpu.download("gmm", &partials, partials.size())?));
    }
    Ok(sums)
}

/// The labels of volumes that are on the device.
///
/// # Errors
/// Any [`GpuError`].
pub fn run_labels(gpu: &Gpu, channels: &[GpuVolume], mask: Option<&GpuVolume>, model: &Model) -> Result<GpuVolume, GpuError> {
    let device_model = GpuModel::upload(gpu, model)?;
    to_volume(gpu, channels, mask, Dtype::U8, |encoder, channels, mask, out| {
        encode_labels(gpu, encoder, channels, mask, &device_model, out)
    })
}

/// The posterior of one class, from 0, of volumes that are on the device.
///
/// # Errors
/// Any [`GpuError`].
pub fn run_posterior(
    gpu: &Gpu,
    channels: &[GpuVolume],
    mask: Option<&GpuVolume>,
    model: &Model,
    class: usize,
) -> Result<GpuVolume, GpuError> {
    let device_model = GpuModel::upload(gpu, model)?;
    to_volume(gpu, channels, mask, Dtype::F32, |encoder, channels, mask, out| {
        encode_posterior(gpu, encoder, channels, mask, &device_model, class, out)
    })
}

fn to_volume(
    gpu: &Gpu,
    channels: &[GpuVolume],
    mask: Option<&GpuVolume>,
    dtype: Dtype,
    mut record: impl FnMut(&mut wgpu::CommandEncoder, &[(Dtype, &Chunk)], Option<&Chunk>, &wgpu::Buffer) -> Result<(), GpuError>,
) -> Result<GpuVolume, GpuError> {
    let out = GpuVolume::empty(gpu, dtype, channels.first().map_or(0, GpuVolume::voxels))?;
    let mut encoder = gpu.encoder();
    for ((channels, mask), chunk) in paired(channels, mask)?.iter().zip(out.chunks()) {
        record(&mut encoder, channels, *mask, &chunk.buffer)?;
    }
    let submission = gpu.submit("gmm", encoder)?;
    gpu.wait("gmm", submission)?;
    Ok(out)
}

type Set<'a> = (Vec<(Dtype, &'a Chunk)>, Option<&'a Chunk>);

/// The chunks of all channels and the mask that belong together.
fn paired<'a>(channels: &'a [GpuVolume], mask: Option<&'a GpuVolume>) -> Result<Vec<Set<'a>>, GpuError> {
    let Some(first) = channels.first() else { return Err(input("no channels".into())) };
    let count = first.chunks().len();
    if channels.iter().chain(mask).any(|v| v.chunks().len() != count) || mask.is_some_and(|m| m.dtype() != Dtype::U8) {
        return Err(input("channels or mask of other lengths, or a mask that is not uint8".into()));
    }
    let set = |i: usize| (channels.iter().map(|v| (v.dtype(), &v.chunks()[i])).collect(), mask.map(|m| &m.chunks()[i]));
    Ok((0..count).map(set).collect())
}

fn input(what: String) -> GpuError {
    GpuError::Input { kernel: "gmm", what }
}
