//! The CPU, with one thread and with all.

use hounsfield::analysis::{equalization, statistics};
use hounsfield::pipelines::{self, Device, Equalization, Equalize, Resolved, Silent};
use hounsfield::volume::{Dtype, Table, Volume};
use hounsfield::{Error, Result};

use super::files::Files;
use super::measure::Samples;
use super::rows::Row;

/// The table that `remap` uses: 12 bits of a CT to 8, the commonest thing done to one.
pub fn remap_table(from: Dtype) -> Table {
    Table::from_fn(from, Dtype::U8, |v| (f64::from(v) + 1024.0) / 16.0)
}

/// All rows of the CPU with `threads` threads.
pub fn rows(volume: &Volume, files: &Files, threads: usize, repeats: usize) -> Result<Vec<Row>> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let pool = pool.map_err(|e| Error::usage(format!("{threads} threads cannot be started: {e}"), "use fewer with --threads"))?;
    pool.install(|| measured(volume, files, threads, repeats))
}

fn measured(volume: &Volume, files: &Files, threads: usize, repeats: usize) -> Result<Vec<Row>> {
    let device = if threads == 1 { "CPU, 1 thread".to_owned() } else { format!("CPU, {threads} threads") };
    let bytes = volume.bytes().len() as u64;
    let bandwidth = 2.0 * bytes as f64 / copy(volume, repeats)?.median();
    let count = || pipelines::count(volume, None, &Device::Cpu, None, &Silent);
    let row = |operation, compute, bytes, hash, file| Row {
        operation,
        device: device.clone(),
        compute,
        by_device: false,
        transfer: None,
        file,
        bytes,
        bandwidth,
        hash,
    };

    let groups = count()?;
    let hash = super::hash_counts(&groups);
    let compute = Samples::of(repeats, || count().map(|_| ()))?;
    let file = Samples::of(repeats, || files.count(&Device::Cpu).map(|_| ()))?;
    let mut rows = vec![row("histogram", compute, bytes, hash, Some(file))];

    let statistics = |groups: &[pipelines::Group]| {
        let groups: Vec<_> = groups.iter().map(|g| (g.rescale, &g.counts)).collect();
        statistics::of(&groups)
    };
    let hash = crc32fast::hash(format!("{:?}", statistics(&groups)).as_bytes());
    let compute = Samples::of(repeats, || count().map(|g| std::hint::black_box(statistics(&g))).map(|_| ()))?;
    let file = Samples::of(repeats, || files.count(&Device::Cpu).map(|g| std::hint::black_box(statistics(&g))).map(|_| ()))?;
    rows.push(row("statistics", compute, bytes, hash, Some(file)));

    let table = remap_table(volume.header().dtype);
    let tables = vec![table; groups.len()];
    let derived = volume.header().derived(Dtype::U8);
    let remap = || pipelines::map_volume(volume, &tables, derived.clone());
    let hash = crc32fast::hash(remap()?.bytes());
    let compute = Samples::of(repeats, || remap().map(|_| ()))?;
    let file = Samples::of(repeats, || files.remap(&tables, &Device::Cpu))?;
    let moved = bytes + volume.block().len() as u64;
    rows.push(row("remap", compute, moved, hash, Some(file)));

    let to = if volume.header().dtype.bytes() == 1 { Dtype::U8 } else { Dtype::U16 };
    let equalized = || -> Result<Volume> {
        let groups = count()?;
        let groups: Vec<_> = groups
            .iter()
            .map(|g| equalization::Group { rescale: g.rescale, counts: &g.counts, padding: volume.header().padding })
            .collect();
        pipelines::map_volume(volume, &equalization::decide(&groups, to, None).tables, volume.header().derived(to))
    };
    let hash = crc32fast::hash(equalized()?.bytes());
    let compute = Samples::of(repeats, || equalized().map(|_| ()))?;
    let file = Samples::of(repeats, || files.equalize(&Device::Cpu))?;
    rows.push(row("equalize", compute, 3 * bytes, hash, Some(file)));
    Ok(rows)
}

/// A plain copy by all threads into memory that is there already, as a kernel's output on a device is.
fn copy(volume: &Volume, repeats: usize) -> Result<Samples> {
    use rayon::prelude::*;
    const BLOCK: usize = 1 << 20;
    let mut out = vec![0u8; volume.bytes().len()];
    Samples::of(repeats, || {
        out.par_chunks_mut(BLOCK).zip(volume.bytes().par_chunks(BLOCK)).for_each(|(o, i)| o.copy_from_slice(i));
        Ok(())
    })
}

/// For callers that want the whole job on a resolved source.
pub fn plan(source: Box<dyn hounsfield::io::Source>, device: &Device) -> Result<Equalization> {
    Equalization::new(Resolved::Exact(source), None, &Equalize::default(), device, None, &Silent)
}
