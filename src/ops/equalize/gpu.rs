//! The table on the GPU.

use super::Settings;
use crate::engine::{Call, Gpu, GpuError, Shader};
use crate::volume::Dtype;

/// The kernel.
pub const SHADER: Shader = Shader { name: "equalize", wgsl: include_str!("../../../shaders/equalize.wgsl") };

/// Records: the table from `cumulative` (u32 for each value) into `entries` (as many u32).
///
/// # Errors
/// [`GpuError::Input`] if types, range, padding or buffers do not fit.
pub fn encode(
    gpu: &Gpu,
    encoder: &mut wgpu::CommandEncoder,
    settings: &Settings,
    cumulative: &wgpu::Buffer,
    entries: &wgpu::Buffer,
) -> Result<(), GpuError> {
    let input = |what: &str| GpuError::Input { kernel: SHADER.name, what: what.to_owned() };
    if !settings.from.is_small_integer() || !matches!(settings.to, Dtype::U8 | Dtype::U16) {
        return Err(input("it takes 8- and 16-bit integers to uint8 or uint16"));
    }
    let bins = settings.from.values() as u32;
    if cumulative.size() < 4 * u64::from(bins) || entries.size() < 4 * u64::from(bins) {
        return Err(input("a buffer is too small for one word a value"));
    }
    let first = settings.from.first();
    let bin =
        |stored: i32| u32::try_from(stored - first).ok().filter(|b| *b < bins).ok_or_else(|| input("a value outside the type"));
    let (range_first, range_last) = (bin(settings.range.0)?, bin(settings.range.1)?);
    if range_first > range_last {
        return Err(input("an empty range"));
    }
    let (padding_first, padding_last) = match settings.padding {
        Some((low, high)) if low <= high => (bin(low)?, bin(high)?),
        _ => (1, 0),
    };
    gpu.encode(
        encoder,
        &Call {
            shader: &SHADER,
            entry: "main",
            constants: &[],
            params: &[
                ("bins", bins.into()),
                ("top", settings.top().into()),
                ("range_first", range_first.into()),
                ("range_last", range_last.into()),
                ("padding_first", padding_first.into()),
                ("padding_last", padding_last.into()),
                ("first_value", first.into()),
            ],
            buffers: &[("cumulative", cumulative), ("entries", entries)],
            elements: u64::from(bins).into(),
            groups_wanted: u32::MAX,
        },
    )
}
