//! `hounsfield bench`: devices compared honestly, on this machine and on the user's file.

mod cpu;
mod data;
mod files;
mod gpu;
mod measure;
mod neighbours;
mod rows;
mod tissue;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use hounsfield::engine::adapters;
use hounsfield::findings::words::number;
use hounsfield::io::output::{Target, publish};
use hounsfield::pipelines::{DeviceChoice, Group};
use hounsfield::report::html::{self, MethodRow};
use hounsfield::report::{BarPlot, Report, figure};
use hounsfield::{Error, Result};
use serde_json::json;

use crate::args::{Shared, parse};
use crate::text::{print, print_json};
use crate::{job, rates};
use rows::Measurement;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// A volume of integers to measure on [default: a chest phantom of 512 x 512 x 256]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Runs of each measurement
    #[arg(long, value_name = "N", default_value = "5", value_parser = parse::count)]
    pub repeats: NonZeroUsize,
    /// The largest volume to hold in memory, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    pub most_mib: u64,
    /// Bar charts and figures as one HTML file
    #[arg(long, value_name = "R.html")]
    pub report: Option<PathBuf>,
}

pub fn run(shared: &Shared, args: &Args) -> Result<()> {
    let report = args.report.as_deref().map(|path| Target::new(path, shared.force, &[])).transpose()?;
    let volume = Arc::new(data::volume(shared, args)?);
    let header = volume.header();
    let one_rescale = header.meaning.rescale.uniform().is_some();
    if !one_rescale {
        return Err(Error::usage("a rescale for each slice", "bench takes volumes with one rescale"));
    }
    let files = files::Files::new(&volume)?;
    let repeats = args.repeats.get();
    let all = shared.threads.map_or_else(rayon::current_num_threads, std::num::NonZero::get);

    let mut notes = header.origin.notes.clone();
    let near = neighbours::Neighbours::new(&volume)?;
    let rates = rates::stored();
    let mut rows = Vec::new();
    for threads in [1, all].into_iter().take(if all > 1 { 2 } else { 1 }) {
        rows.extend(cpu::rows(&volume, &files, threads, repeats)?);
        rows.extend(near.on_cpu(threads, repeats, &rates)?);
        job::say(shared, &format!("measured the CPU with {threads} thread{}", if threads == 1 { "" } else { "s" }));
    }
    if shared.device != DeviceChoice::Cpu {
        for adapter in adapters().iter().filter(|a| a.usable) {
            let measured =
                gpu::rows(adapter, &volume, &files, repeats).and_then(|rows| Ok((rows, near.on_gpu(adapter, repeats, &rates)?)));
            match measured {
                Ok((points, more)) => {
                    if more.is_empty() {
                        notes.push(format!(
                            "{}: a software driver takes minutes for work that looks at neighbours, which is left out",
                            adapter.info.name
                        ));
                    }
                    rows.extend(points.into_iter().chain(more));
                }
                Err(e) => {
                    let note = format!("{}: {}", adapter.info.name, crate::words::message(&e));
                    job::warn(shared, &note);
                    notes.push(note);
                }
            }
        }
    }
    // Operation by operation, devices in the order measured.
    let mut operations: Vec<&'static str> = Vec::new();
    for row in &rows {
        if !operations.contains(&row.operation) {
            operations.push(row.operation);
        }
    }
    rows.sort_by_key(|row| operations.iter().position(|o| *o == row.operation));

    let what = format!("{} {}, {} MiB", header.grid.shape, header.meaning.dtype, volume.bytes().len() >> 20);
    if let Some(target) = &report {
        let page = page(&rows, &operations, &what, repeats)?;
        publish(vec![target.stage_bytes(page.as_bytes())?])?;
    }
    if shared.json {
        print_json(&json!({"volume": what, "repeats": repeats, "rows": rows::as_json(&rows), "notes": notes}))?;
    } else {
        print(&format!("{what}; medians of {repeats}\n\n{}", rows::as_text(&rows)))?;
    }
    if rows.iter().all(|row| rows::agrees(&rows, row)) {
        return Ok(());
    }
    Err(Error::Gpu(hounsfield::engine::GpuError::Validation {
        kernel: "bench",
        message: "a device gives another result than the CPU; run `hounsfield devices`".into(),
    }))
}

fn page(rows: &[Measurement], operations: &[&'static str], what: &str, repeats: usize) -> Result<String> {
    let groups = operations.iter().map(|o| ((*o).to_owned(), rows::bars(rows, o))).collect();
    let rates = BarPlot { unit: "GB/s".into(), groups, ..BarPlot::default() };
    let ms = |s: &measure::Samples| format!("{}{}", if s.is_noise() { "~" } else { "" }, number(1e3 * s.median()));
    let statistics = rows.iter().map(|row| {
        let optional = |s: &Option<measure::Samples>| s.as_ref().map_or("-".to_owned(), ms);
        let cells = vec![ms(&row.compute), optional(&row.transfer), optional(&row.file), format!("{:08x}", row.hash)];
        (format!("{}, {}", row.operation, row.device), cells)
    });
    html::render(&Report {
        title: "Devices compared".into(),
        summary: what.into(),
        figures: vec![(String::new(), figure::plot("Bytes read and written per second", &rates.into()))],
        columns: ["compute (ms)", "transfer (ms)", "file to file (ms)", "CRC-32 of the result"].map(String::from).to_vec(),
        statistics: statistics.collect(),
        method: vec![
            MethodRow::text(
                "Compute",
                format!(
                    "Medians of {repeats} runs after one that does not count, with the voxels where the device has them; by the GPU's own clock where it has one. ~ marks noise: the middle half of the runs spreads by more than a quarter."
                ),
            ),
            MethodRow::text(
                "Mixtures",
                "Three classes. \"gmm exact\" counts, fits to the histogram on the host and labels by a table; \"gmm voxel\" is one E-step over all voxels with the sums that the M-step needs, from file to file two iterations and the labels. Its result is that of the labels, without voxels whose two best posteriors are nearer than 0.001.",
            ),
            MethodRow::text("Transfer", "Voxels to the device, and results back where there are voxels to bring back."),
            MethodRow::text(
                "File to file",
                "From an uncompressed NIfTI file in the system's temporary folder to an answer or another file, flushed.",
            ),
        ],
        program: concat!("hounsfield ", env!("CARGO_PKG_VERSION")).into(),
        ..Report::default()
    })
}

fn hash_counts(groups: &[Group]) -> u32 {
    let mut hash = crc32fast::Hasher::new();
    for n in groups.iter().flat_map(|g| &g.counts.bins) {
        hash.update(&n.to_le_bytes());
    }
    hash.finalize()
}
