//! The second pass: MAP.

use rayon::prelude::*;

use super::device::with_fallback;
use super::ways::blocks::Blocks;
use super::ways::cuts::Groups;
use super::ways::lanes::{self, Pass};
use super::ways::pages;
use super::{Input, Run};
use crate::engine::{Chunk, Gpu, GpuError, UNIT_VOXELS};
use crate::io::Sink;
use crate::ops::histogram::Edges;
use crate::ops::lut::{self, GpuTable};
use crate::ops::pointwise::{self, GpuPolyline, Polyline};
use crate::volume::{Block, Dtype, Header, Table, Volume};
use crate::{Error, Result};

/// Writes every voxel of a volume of 8- or 16-bit integers through the table of its rescale group to `sink`; a mask changes nothing.
///
/// `tables` has one table for each group that [`super::count`] gives, in its order.
///
/// # Errors
/// What reading and writing give, or [`Error::Interrupted`]. A failing GPU is no error: the CPU finishes.
pub fn map(input: &Input<'_>, tables: &[Table], sink: &dyn Sink, run: &Run<'_>) -> Result<()> {
    let dtype = input.header().meaning.dtype;
    check(input.groups(), dtype, tables)?;
    let prepared: Vec<lut::Prepared<'_>> = tables.iter().map(lut::Prepared::new).collect();
    let remap = Remap {
        kernel: lut::SHADER.name,
        voxel_bytes: tables[0].to().bytes() as u64,
        upload: &|gpu| tables.iter().map(|t| GpuTable::upload(gpu, t)).collect(),
        cpu: &|bytes, group, out| prepared[group].map(Block { dtype, bytes }, out),
        record: &lut::encode_chunk,
    };
    remapped(input, &remap, sink, run)
}

/// A table over the bins of true floats.
#[derive(Debug, Clone, PartialEq)]
pub struct BinTable {
    /// The ends of the bins, in stored values.
    pub edges: Edges,
    /// The result of each bin.
    pub table: Table,
    /// The result of NaN: bits of the output type.
    pub nan: u32,
}

/// Writes every f32 voxel through a table over bins; values beyond the last edges as those of the bins there.
///
/// # Errors
/// As [`map`].
pub fn map_bins(input: &Input<'_>, bins: &BinTable, sink: &dyn Sink, run: &Run<'_>) -> Result<()> {
    let BinTable { edges, table, nan } = bins;
    let (dtype, groups) = (input.header().meaning.dtype, input.groups().rescales.len());
    let remap = Remap {
        kernel: lut::SHADER.name,
        voxel_bytes: table.to().bytes() as u64,
        upload: &|gpu| Ok(vec![GpuTable::upload_floats(gpu, edges, table, *nan)?; groups]),
        record: &lut::encode_chunk,
        cpu: &|bytes, _, out| lut::cpu_floats(Block { dtype, bytes }, edges, table, *nan, out),
    };
    remapped(input, &remap, sink, run)
}

/// Writes every f32 voxel through straight pieces, as f32.
///
/// # Errors
/// As [`map`].
pub(super) fn map_curve(input: &Input<'_>, curve: &Polyline, sink: &dyn Sink, run: &Run<'_>) -> Result<()> {
    let (dtype, groups) = (input.header().meaning.dtype, input.groups().rescales.len());
    let remap = Remap {
        kernel: pointwise::SHADER.name,
        voxel_bytes: Dtype::F32.bytes() as u64,
        upload: &|gpu| Ok(vec![GpuPolyline::upload(gpu, curve)?; groups]),
        record: &pointwise::encode_chunk,
        cpu: &|bytes, _, out| pointwise::cpu(Block { dtype, bytes }, curve, out),
    };
    remapped(input, &remap, sink, run)
}

/// As [`map`] for a volume in memory, to a volume in memory, on the CPU. `header` describes the result.
///
/// # Errors
/// [`Error::Usage`] if tables or header do not fit.
pub fn map_volume(volume: &Volume, tables: &[Table], header: Header) -> Result<Volume> {
    check(&Groups::of(volume.header()), volume.header().meaning.dtype, tables)?;
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
    let groups = Groups::of(volume.header());
    check(&groups, volume.header().meaning.dtype, tables)?;
    let (from, to) = (volume.header().meaning.dtype, tables[0].to());
    let needed = volume.block().len() * to.bytes();
    if out.len() != needed {
        return Err(Error::usage(format!("{} bytes for a result of {needed}", out.len()), format!("give {needed} bytes")));
    }
    let prepared: Vec<lut::Prepared<'_>> = tables.iter().map(lut::Prepared::new).collect();
    const VOXELS: usize = 1 << 19;
    out.par_chunks_mut(VOXELS * to.bytes()).zip(volume.bytes().par_chunks(VOXELS * from.bytes())).enumerate().for_each(
        |(i, (out, bytes))| {
            groups.each((i * VOXELS) as u64, (bytes.len() / from.bytes()) as u64, |at, group| {
                let block = Block { dtype: from, bytes: &bytes[at.start * from.bytes()..at.end * from.bytes()] };
                prepared[group].map(block, &mut out[at.start * to.bytes()..at.end * to.bytes()]);
            });
        },
    );
    Ok(())
}

fn check(groups: &Groups, dtype: Dtype, tables: &[Table]) -> Result<()> {
    let groups = groups.rescales.len();
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
    /// Of the result.
    voxel_bytes: u64,
    upload: &'a dyn Fn(&Gpu) -> Result<Vec<T>, GpuError>,
    record: &'a Record<'a, T>,
    cpu: &'a OnCpu<'a>,
}

fn remapped<T>(input: &Input<'_>, remap: &Remap<'_, T>, sink: &dyn Sink, run: &Run<'_>) -> Result<()> {
    // Decisions are made from what a mask selects; every voxel is mapped.
    let input = &input.clone().masked(None);
    let (size, out_bytes) = (input.header().meaning.dtype.bytes(), remap.voxel_bytes);
    with_fallback(
        run,
        lanes::unit(input, out_bytes, run),
        |attempt| {
            let tables = (remap.upload)(attempt.gpu)?;
            let mut pass = Pass {
                kernel: remap.kernel,
                // Kernels write whole units.
                output_bytes: &|voxels| voxels.next_multiple_of(UNIT_VOXELS) * out_bytes,
                record: &|to| (remap.record)(to.gpu, to.encoder, &to.channels[0].1, &tables[to.unit.group], to.output),
                again: false,
                drain: &mut |unit, bytes| sink.write(unit.at, &bytes[..(unit.voxels * out_bytes) as usize]),
            };
            lanes::pass(input, attempt, &mut pass, run)
        },
        |from| {
            let out_size = out_bytes as usize;
            let work = |out: &mut Vec<u8>, part: super::input::Part<'_>| {
                out.resize(part.voxels() as usize * out_size, 0);
                input.groups().each(part.at, part.voxels(), |at, group| {
                    let bytes = &part.bytes()[at.start * size..at.end * size];
                    (remap.cpu)(bytes, group, &mut out[at.start * out_size..at.end * out_size]);
                });
                sink.write(part.at, out)
            };
            Blocks::of(input, run).from(from).each(Vec::new, work).map(|_| ())
        },
    )
}
