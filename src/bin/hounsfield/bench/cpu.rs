//! The CPU, with one thread and with all.

use std::sync::Arc;

use hounsfield::analysis::{equalization, statistics};
use hounsfield::ops::gmm::{self, Model, Sums};
use hounsfield::ops::mask::{self, Keep};
use hounsfield::pipelines::{self, Device, Input, Method, Run};
use hounsfield::volume::{Block, Dtype, Table, Volume};
use hounsfield::{Error, Result};
use rayon::prelude::*;

use super::files::Files;
use super::measure::Samples;
use super::rows::Measurement;
use super::tissue;

/// The table that `remap` uses: 12 bits of a CT to 8, the commonest thing done to one.
pub fn remap_table(from: Dtype) -> Table {
    Table::from_fn(from, Dtype::U8, |v| (f64::from(v) + 1024.0) / 16.0)
}

/// Bytes that a thread takes at a time.
const BLOCK: usize = 1 << 20;

/// All rows of the CPU with `threads` threads.
pub fn rows(volume: &Arc<Volume>, files: &Files, threads: usize, repeats: usize) -> Result<Vec<Measurement>> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let pool = pool.map_err(|e| Error::usage(format!("{threads} threads cannot be started: {e}"), "use fewer with --threads"))?;
    pool.install(|| measured(volume, files, threads, repeats))
}

fn measured(volume: &Arc<Volume>, files: &Files, threads: usize, repeats: usize) -> Result<Vec<Measurement>> {
    let device = if threads == 1 { "CPU, 1 thread".to_owned() } else { format!("CPU, {threads} threads") };
    let bytes = volume.bytes().len() as u64;
    let bandwidth = 2.0 * bytes as f64 / copy(volume, repeats)?.median();
    let (cpu, input) = (Device::cpu(), Input::of(volume.clone()));
    let count = || pipelines::count(&input, &Run::silent(&cpu));
    let row = |operation, compute, bytes, hash, file| Measurement {
        operation,
        device: device.clone(),
        compute,
        by_device: false,
        transfer: None,
        file,
        bytes,
        bandwidth: Some(bandwidth),
        hash,
        predicted: None,
    };

    let groups = count()?;
    let hash = super::hash_counts(&groups);
    let compute = Samples::of(repeats, || count().map(|_| ()))?;
    let file = Samples::of(repeats, || files.count(&cpu).map(|_| ()))?;
    let mut rows = vec![row("histogram", compute, bytes, hash, Some(file))];

    let statistics = |groups: &[pipelines::Group]| {
        let groups: Vec<_> = groups.iter().map(|g| (g.rescale, &g.counts)).collect();
        statistics::of(&groups)
    };
    let hash = crc32fast::hash(format!("{:?}", statistics(&groups)).as_bytes());
    let compute = Samples::of(repeats, || count().map(|g| std::hint::black_box(statistics(&g))).map(|_| ()))?;
    let file = Samples::of(repeats, || files.count(&cpu).map(|g| std::hint::black_box(statistics(&g))).map(|_| ()))?;
    rows.push(row("statistics", compute, bytes, hash, Some(file)));

    let table = remap_table(volume.header().meaning.dtype);
    let tables = vec![table; groups.len()];
    let derived = volume.header().derived(Dtype::U8);
    let remap = || pipelines::map_volume(volume, &tables, derived.clone());
    let hash = crc32fast::hash(remap()?.bytes());
    let compute = Samples::of(repeats, || remap().map(|_| ()))?;
    let file = Samples::of(repeats, || files.remap(&tables, &cpu))?;
    let moved = bytes + volume.block().len() as u64;
    rows.push(row("remap", compute, moved, hash, Some(file)));

    let to = if volume.header().meaning.dtype.bytes() == 1 { Dtype::U8 } else { Dtype::U16 };
    let equalized = || -> Result<Volume> {
        let groups = count()?;
        let groups: Vec<_> = groups
            .iter()
            .map(|g| equalization::LevelGroup { rescale: g.rescale, counts: &g.counts, padding: volume.header().meaning.padding })
            .collect();
        pipelines::map_volume(volume, &equalization::decide(&groups, to, None).tables, volume.header().derived(to))
    };
    let hash = crc32fast::hash(equalized()?.bytes());
    let compute = Samples::of(repeats, || equalized().map(|_| ()))?;
    let file = Samples::of(repeats, || files.equalize(&cpu))?;
    rows.push(row("equalize", compute, 3 * bytes, hash, Some(file)));

    let keep = tissue::mask(volume, &groups)?;
    let mut kept = vec![0; volume.bytes().len()];
    masked(volume, &keep, &mut kept);
    let hash = crc32fast::hash(&kept);
    let compute = Samples::of(repeats, || {
        masked(volume, &keep, &mut kept);
        Ok(())
    })?;
    drop(kept);
    let file = Samples::of(repeats, || files.mask(&cpu))?;
    rows.push(row("mask", compute, 2 * bytes + keep.bytes().len() as u64, hash, Some(file)));

    // Too few values for so many classes: there is no mixture to measure.
    let Ok(mixture) = tissue::mixture(&groups) else { return Ok(rows) };
    let dtype = volume.header().meaning.dtype;
    let labelled = || -> Result<Volume> {
        let table = tissue::labels(dtype, &tissue::mixture(&count()?)?);
        pipelines::map_volume(volume, &[table], derived.clone())
    };
    let hash = crc32fast::hash(labelled()?.bytes());
    let compute = Samples::of(repeats, || labelled().map(|_| ()))?;
    let file = Samples::of(repeats, || files.segment(Method::Exact, &cpu))?;
    rows.push(row("gmm exact", compute, bytes + moved, hash, Some(file)));

    let (model, doubts) = (tissue::model(&mixture)?, tissue::doubts(dtype, &mixture));
    let doubts = pipelines::map_volume(volume, &[doubts], derived.clone())?;
    let hash = tissue::hash_sure(&voxel_labels(volume, &model), &doubts);
    drop(doubts);
    let compute = Samples::of(repeats, || {
        std::hint::black_box(sums(volume, &model));
        Ok(())
    })?;
    let file = Samples::of(repeats, || files.segment(Method::Voxel, &cpu))?;
    rows.push(row("gmm voxel", compute, bytes, hash, Some(file)));
    Ok(rows)
}

/// Runs of whole voxels of about [`BLOCK`] bytes.
fn blocks(volume: &Volume) -> impl IndexedParallelIterator<Item = Block<'_>> {
    let dtype = volume.header().meaning.dtype;
    volume.bytes().par_chunks(BLOCK).map(move |bytes| Block { dtype, bytes })
}

fn masked(volume: &Volume, keep: &Volume, out: &mut [u8]) {
    let masks = keep.bytes().par_chunks(BLOCK / volume.header().meaning.dtype.bytes());
    blocks(volume).zip(masks).zip(out.par_chunks_mut(BLOCK)).for_each(|((block, keep), out)| {
        mask::cpu(block, Keep::Bytes(keep), 0, out);
    });
}

/// The E-step, with the sums that the M-step needs.
fn sums(volume: &Volume, model: &Model) -> Sums {
    let none = || Sums::none(1, tissue::CLASSES);
    blocks(volume).map(|block| gmm::statistics(&[block], None, model)).reduce(none, |mut a, b| {
        a.merge(&b);
        a
    })
}

fn voxel_labels(volume: &Volume, model: &Model) -> Vec<u8> {
    let mut labels = vec![0; volume.block().len()];
    let out = labels.par_chunks_mut(BLOCK / volume.header().meaning.dtype.bytes());
    blocks(volume).zip(out).for_each(|(block, out)| gmm::labels(&[block], None, model, out));
    labels
}

/// A plain copy by all threads into memory that is there already, as a kernel's output on a device is.
fn copy(volume: &Volume, repeats: usize) -> Result<Samples> {
    let mut out = vec![0u8; volume.bytes().len()];
    Samples::of(repeats, || {
        out.par_chunks_mut(BLOCK).zip(volume.bytes().par_chunks(BLOCK)).for_each(|(o, i)| o.copy_from_slice(i));
        Ok(())
    })
}
