//! The second pass: MAP.

use rayon::prelude::*;

use super::cuts::Groups;
use super::device::{Device, Watch, with_fallback};
use super::lanes::{self, Pass};
use super::pages;
use super::workers::{self, Input};
use crate::engine::{Chunk, Gpu, GpuError, UNIT_VOXELS};
use crate::io::{Sink, Source};
use crate::ops::histogram::Edges;
use crate::ops::lut::{self, GpuTable};
use crate::ops::pointwise::{self, Curve, GpuCurve};
use crate::volume::{Block, Dtype, Table, Volume};
use crate::{Error, Result};

/// Writes every voxel of a volume of 8- or 16-bit integers through the table of its rescale group to `sink`.
///
/// `tables` has one table for each group that [`super::count`] gives, in its order.
///
/// # Errors
/// What reading and writing give, or [`Error::Interrupted`]. A failing GPU is no error: the CPU finishes.
pub fn map(source: &dyn Source, tables: &[Table], sink: &dyn Sink, device: &Device, watch: &dyn Watch) -> Result<()> {
    let dtype = source.header().dtype;
    check(source, tables)?;
    let prepared: Vec<lut::Prepared<'_>> = tables.iter().map(lut::Prepared::new).collect();
    map_with(
        source,
        tables[0].to().bytes() as u64,
        sink,
        device,
        watch,
        &Remap {
            kernel: lut::SHADER.name,
            upload: &|gpu| tables.iter().map(|t| GpuTable::upload(gpu, t)).collect(),
            cpu: &|bytes, group, out| prepared[group].map(Block { dtype, bytes }, out),
            record: &lut::encode_chunk,
        },
    )
}

/// Writes every f32 voxel through a table over the bins between `edges`; NaN becomes `nan` (bits of the output type).
///
/// # Errors
/// As [`map`].
pub fn map_floats(
    source: &dyn Source,
    edges: &Edges,
    table: &Table,
    nan: u32,
    sink: &dyn Sink,
    device: &Device,
    watch: &dyn Watch,
) -> Result<()> {
    let dtype = source.header().dtype;
    let groups = Groups::of(source.header()).rescales.len();
    map_with(
        source,
        table.to().bytes() as u64,
        sink,
        device,
        watch,
        &Remap {
            kernel: lut::SHADER.name,
            upload: &|gpu| Ok(vec![GpuTable::upload_floats(gpu, edges, table, nan)?; groups]),
            record: &lut::encode_chunk,
            cpu: &|bytes, _, out| lut::cpu_floats(Block { dtype, bytes }, edges, table, nan, out),
        },
    )
}

/// Writes every f32 voxel through straight pieces, as f32.
///
/// # Errors
/// As [`map`].
pub(super) fn map_curve(source: &dyn Source, curve: &Curve, sink: &dyn Sink, device: &Device, watch: &dyn Watch) -> Result<()> {
    let dtype = source.header().dtype;
    let groups = Groups::of(source.header()).rescales.len();
    map_with(
        source,
        Dtype::F32.bytes() as u64,
        sink,
        device,
        watch,
        &Remap {
            kernel: pointwise::SHADER.name,
            upload: &|gpu| Ok(vec![GpuCurve::upload(gpu, curve)?; groups]),
            record: &pointwise::encode_chunk,
            cpu: &|bytes, _, out| pointwise::cpu(Block { dtype, bytes }, curve, out),
        },
    )
}

/// The same for a volume in memory, to a volume in memory, on the CPU. `header` describes the result.
///
/// # Errors
/// [`Error::Usage`] if tables or header do not fit.
pub fn map_volume(volume: &Volume, tables: &[Table], header: crate::volume::Header) -> Result<Volume> {
    check(volume, tables)?;
    let mut out = pages::zeroed(volume.block().len() * tables[0].to().bytes());
    map_into(volume, tables, &mut out)?;
    Volume::new(header, out)
}

/// The same into memory of the caller's. Memory that was in use before spares the first touch of its pages, which takes several
/// times as long as the remap itself.
///
/// # Errors
/// [`Error::Usage`] if the tables do not fit or `out` has not exactly the bytes of the result.
pub fn map_into(volume: &Volume, tables: &[Table], out: &mut [u8]) -> Result<()> {
    check(volume, tables)?;
    let (from, to) = (volume.header().dtype, tables[0].to());
    let needed = volume.block().len() * to.bytes();
    if out.len() != needed {
        return Err(Error::usage(format!("{} bytes for a result of {needed}", out.len()), format!("give {needed} bytes")));
    }
    let groups = Groups::of(volume.header());
    let prepared: Vec<lut::Prepared<'_>> = tables.iter().map(lut::Prepared::new).collect();
    const VOXELS: usize = 1 << 19;
    out.par_chunks_mut(VOXELS * to.bytes()).zip(volume.bytes().par_chunks(VOXELS * from.bytes())).enumerate().for_each(
        |(i, (out, bytes))| {
            let start = (i * VOXELS) as u64;
            let end = start + (bytes.len() / from.bytes()) as u64;
            let mut at = start;
            while at < end {
                let (next, group) = groups.run(at, end);
                let run = |size: usize| (at - start) as usize * size..(next - start) as usize * size;
                let block = Block { dtype: from, bytes: &bytes[run(from.bytes())] };
                prepared[group].map(block, &mut out[run(to.bytes())]);
                at = next;
            }
        },
    );
    Ok(())
}

fn check(source: &dyn Source, tables: &[Table]) -> Result<()> {
    let groups = Groups::of(source.header()).rescales.len();
    let dtype = source.header().dtype;
    let fits = tables.len() == groups && tables.iter().all(|t| t.from() == dtype && t.to() == tables[0].to());
    if fits {
        return Ok(());
    }
    Err(Error::usage(
        format!("{} tables for {groups} rescales of {dtype}", tables.len()),
        "give one table for each rescale, all to one type",
    ))
}

/// Voxels, rescale group, output.
type OnCpu<'a> = dyn Fn(&[u8], usize, &mut [u8]) + Sync + 'a;

/// Records the kernel: chunk, what was uploaded for its rescale group, output.
type Record<'a, T> = dyn Fn(&Gpu, &mut wgpu::CommandEncoder, &Chunk, &T, &wgpu::Buffer) -> Result<(), GpuError> + 'a;

struct Remap<'a, T> {
    kernel: &'static str,
    upload: &'a dyn Fn(&Gpu) -> Result<Vec<T>, GpuError>,
    record: &'a Record<'a, T>,
    cpu: &'a OnCpu<'a>,
}

fn map_with<T>(
    source: &dyn Source,
    out_bytes: u64,
    sink: &dyn Sink,
    device: &Device,
    watch: &dyn Watch,
    remap: &Remap<'_, T>,
) -> Result<()> {
    let groups = Groups::of(source.header());
    let size = source.header().dtype.bytes() as u64;
    let input = Input::of(source);
    with_fallback(
        device,
        lanes::unit(watch, &input, out_bytes),
        watch,
        |gpu, from, unit, done| {
            let tables = (remap.upload)(gpu)?;
            let mut pass = Pass {
                kernel: remap.kernel,
                // Kernels write whole units.
                output_bytes: &|voxels| voxels.next_multiple_of(UNIT_VOXELS) * out_bytes,
                record: &|gpu, encoder, chunk, _, group, out| (remap.record)(gpu, encoder, chunk, &tables[group], out),
                drain: &mut |unit, bytes| sink.write(unit.at, &bytes[..(unit.voxels * out_bytes) as usize]),
            };
            lanes::run(gpu, input, from, unit, watch, &mut pass, done)
        },
        |from| {
            workers::each(input, from, watch, Vec::new, |out: &mut Vec<u8>, part| {
                let end = part.at + part.bytes.len() as u64 / size;
                out.resize(((end - part.at) * out_bytes) as usize, 0);
                let mut at = part.at;
                while at < end {
                    let (next, group) = groups.run(at, end);
                    let run = |size: u64| ((at - part.at) * size) as usize..((next - part.at) * size) as usize;
                    (remap.cpu)(&part.bytes[run(size)], group, &mut out[run(out_bytes)]);
                    at = next;
                }
                sink.write(part.at, out)
            })
            .map(|_| ())
        },
    )
}
