//! Tiles on the GPU.

use super::{Between, Lattice, TileLevels};
use crate::engine::{Brick, Call, Gpu, GpuError, Shader};

/// The kernel.
pub const SHADER: Shader = Shader { name: "clahe", wgsl: include_str!("../../../shaders/clahe.wgsl") };

/// Slots of keys in device memory.
#[derive(Debug, Clone)]
pub struct GpuSlots {
    /// One word for each key of the type.
    buffer: wgpu::Buffer,
    /// Bits of the keys.
    bits: u32,
    /// Slots that lie in bins.
    slots: u32,
}

impl GpuSlots {
    /// The slots of all keys of a type of 8 or 16 bits, of which so many lie in bins.
    ///
    /// # Errors
    /// [`GpuError::Input`] for another number of keys; as [`Gpu::storage_with`].
    pub fn upload(gpu: &Gpu, of_keys: &[u32], slots: usize) -> Result<Self, GpuError> {
        let bits = match of_keys.len() {
            256 => 8,
            65_536 => 16,
            n => return Err(input(format!("slots of {n} keys"))),
        };
        Ok(Self { buffer: gpu.storage_with(SHADER.name, bytemuck::cast_slice(of_keys), 4)?, bits, slots: slots as u32 })
    }
}

fn input(what: String) -> GpuError {
    GpuError::Input { kernel: SHADER.name, what }
}

/// Whole slices of the lattice's image in a brick of these slots' keys.
fn check(lattice: &Lattice, brick: &Brick, slots: &GpuSlots) -> Result<(), GpuError> {
    let [nx, ny, _] = lattice.shape();
    if (brick.shape[0], brick.shape[1], brick.bits) != (nx, ny, slots.bits) || brick.buffer.size() < Brick::bytes(brick.shape)? {
        return Err(input(format!(
            "{:?} keys of {} bits of an image of {nx} x {ny} and {} bits",
            brick.shape, brick.bits, slots.bits
        )));
    }
    Ok(())
}

/// Records: the slices of a brick are added to the histograms of layers of tiles, `counts`, one word for each slot of each tile, as often as `visits` say: slice of the
/// brick, layer. Where there is a mask, only voxels whose key there is not 0.
///
/// # Errors
/// [`GpuError::Input`] if slices, layers or buffers do not fit.
pub fn encode_count(
    gpu: &Gpu,
    encoder: &mut wgpu::CommandEncoder,
    lattice: &Lattice,
    (brick, mask, slots): (&Brick, Option<&Brick>, &GpuSlots),
    (visits, counts): (&[[u32; 2]], &wgpu::Buffer),
) -> Result<(), GpuError> {
    check(lattice, brick, slots)?;
    let layers = visits.iter().map(|v| v[1] + 1).max().unwrap_or(0);
    let needs = 4 * u64::from(layers) * lattice.in_layer() as u64 * u64::from(slots.slots);
    if visits.iter().any(|v| v[0] >= brick.shape[2]) || counts.size() < needs || mask.is_some_and(|m| m.shape != brick.shape) {
        return Err(input(format!(
            "{layers} layers of {} slices in {} bytes, which take {needs}",
            brick.shape[2],
            counts.size()
        )));
    }
    if visits.is_empty() {
        return Ok(());
    }
    let (xs, ys) = (lattice.sources(0), lattice.sources(1));
    let sources: Vec<u32> = xs.iter().chain(&ys).copied().collect();
    let sources = gpu.storage_with(SHADER.name, bytemuck::cast_slice(&sources), 4)?;
    let slices = gpu.storage_with(SHADER.name, bytemuck::cast_slice(visits), 8)?;
    let size = [xs.len() as u32, ys.len() as u32, visits.len() as u32];
    let buffers = [
        ("keys", &brick.buffer),
        ("slot_of", &slots.buffer),
        ("sources", &sources),
        ("visits", &slices),
        ("counts", counts),
        // Not looked at without a mask, but bound.
        ("mask", mask.map_or(&slots.buffer, |m| &m.buffer)),
    ];
    let constants: &[(&str, u32)] = if mask.is_some() { &[("MASKED", 1)] } else { &[] };
    let call = call(lattice, brick, slots, (size, 0));
    gpu.encode(
        encoder,
        &Call {
            shader: &SHADER,
            entry: "count",
            constants,
            params: &call,
            buffers: &buffers,
            elements: size.map(u64::from).into(),
            groups_wanted: u32::MAX,
        },
    )
}

/// Records: the levels of the voxels of a brick into another. `tables` are those of the layers that the `depth` of each of its slices names.
///
/// # Errors
/// [`GpuError::Input`] if slices, tables or bricks do not fit, or if weights are too large for the kernel.
pub fn encode_blend(
    gpu: &Gpu,
    encoder: &mut wgpu::CommandEncoder,
    lattice: &Lattice,
    (brick, slots): (&Brick, &GpuSlots),
    (tables, depth): (&TileLevels, &[Between]),
    blended: &Brick,
) -> Result<(), GpuError> {
    check(lattice, brick, slots)?;
    let entries = slots.slots as usize + 2;
    let (tiles, layers) = (tables.filled.len(), depth.iter().map(|b| b.high.max(b.low) + 1).max().unwrap_or(0) as usize);
    let fits = tables.entries == entries && tables.levels.len() == tiles * entries && tiles >= layers * lattice.in_layer();
    if !fits || depth.len() != brick.shape[2] as usize || blended.shape != brick.shape || lattice.weight() >= 1 << 31 {
        return Err(input(format!(
            "{tiles} tables of {} entries for {:?}, weights of {}",
            tables.entries,
            brick.shape,
            lattice.weight()
        )));
    }
    // Two levels a word, each table in whole words.
    let words = entries.div_ceil(2);
    let pack = |pair: &[u16]| u32::from(pair[0]) | u32::from(pair.get(1).copied().unwrap_or(0)) << 16;
    let levels: Vec<u32> = tables.levels.chunks_exact(entries).flat_map(|table| table.chunks(2).map(pack)).collect();
    let between: Vec<[u32; 4]> =
        lattice.between(0).iter().chain(&lattice.between(1)).chain(depth).map(|b| [b.low, b.high, b.near, b.far]).collect();
    let filled: Vec<u32> = tables.filled.iter().map(|f| u32::from(*f)).collect();
    let levels = gpu.storage_with(SHADER.name, bytemuck::cast_slice(&levels), 4)?;
    let between = gpu.storage_with(SHADER.name, bytemuck::cast_slice(&between), 16)?;
    let filled = gpu.storage_with(SHADER.name, bytemuck::cast_slice(&filled), 4)?;
    let top = tables.levels.get(entries - 1).copied().unwrap_or(0);
    let mut call = call(lattice, brick, slots, (brick.shape, words as u32));
    call.iter_mut().filter(|(name, _)| *name == "top").for_each(|(_, value)| *value = u32::from(top).into());
    gpu.encode(
        encoder,
        &Call {
            shader: &SHADER,
            entry: "blend",
            constants: &[],
            params: &call,
            buffers: &[
                ("keys", &brick.buffer),
                ("slot_of", &slots.buffer),
                ("between", &between),
                ("levels", &levels),
                ("filled", &filled),
                ("blended", &blended.buffer),
            ],
            elements: brick.shape.map(u64::from).into(),
            groups_wanted: u32::MAX,
        },
    )
}

/// The parameters that both kernels take.
fn call(
    lattice: &Lattice,
    brick: &Brick,
    slots: &GpuSlots,
    (size, words): ([u32; 3], u32),
) -> [(&'static str, crate::engine::Param); 7] {
    let ([tx, ty, _], [w, h, _]) = (lattice.tiles(), lattice.size());
    [
        ("shape", brick.shape.into()),
        ("slots", slots.slots.into()),
        ("size", size.into()),
        ("words", words.into()),
        ("tiles", [tx, ty].into()),
        ("tile_size", [w, h].into()),
        ("top", 0u32.into()),
    ]
}
