//! `hounsfield stats`: statistics in real units.

use hounsfield::analysis::statistics::{PERCENTILES, Statistics};
use hounsfield::pipelines::{self, Bins, Counted};
use hounsfield::volume::Header;
use hounsfield::{Error, Result};
use serde_json::{Map, Value, json};

use crate::args::{FileArgs, RegionArgs, Shared};
use crate::job::{self, Job};
use crate::text::{columns, count, number, print, print_json};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub input: FileArgs,
    #[command(flatten)]
    pub region: RegionArgs,
}

/// Statistics, and what was left out of them.
pub(super) struct Found {
    pub statistics: Statistics,
    pub padding: u64,
    pub nan: u64,
    pub infinite: u64,
}

pub fn run(shared: &Shared, args: &Args) -> Result<()> {
    let mut job = Job::new(shared, &args.input, &args.region.mask)?;
    let input = job.resolve()?;
    let mask = job.mask(&args.region, input.header())?;
    let input = input.masked(mask);
    let (region, bytes) = (job::region(&args.region), input.header().bytes());
    let found = if input.is_exact() {
        let counted = job.pass("count", bytes, |run| Counted::of(&input, &region, Bins::Following, run))?;
        counted.statistics().map(|statistics| Found { statistics, padding: counted.padding, nan: 0, infinite: 0 })
    } else {
        job::say(shared, "device: CPU (statistics of true floats have no kernel)");
        let stored = input.as_stored();
        let mut job = job.on_cpu();
        let found = job.pass("count", stored.header().bytes(), |run| pipelines::float_statistics(&stored, region.range, run))?;
        let (nan, infinite) = (found.nan, found.infinite);
        found.statistics.map(|statistics| Found { statistics, padding: 0, nan, infinite })
    };
    let header = input.header();
    let found = found.ok_or_else(Error::no_voxel)?;
    if found.padding > 0 && args.region.with_padding.is_none() {
        let share = 100.0 * found.padding as f64 / header.grid.shape.voxels() as f64;
        job::warn(
            shared,
            &format!("{} padding voxels ({share:.1} %) are counted; --padding drop leaves them out", count(found.padding)),
        );
    }
    if shared.json { print_json(&as_json(header, &found)) } else { print(&as_text(header, &found)) }
}

fn as_text(header: &Header, found: &Found) -> String {
    let s = &found.statistics;
    let unit = header.meaning.unit.symbol();
    let real = |v: f64| format!("{} {unit}", number(v)).trim_end().to_owned();
    let mut rows: Vec<(&str, String)> = vec![
        ("shape", header.grid.shape.to_string()),
        ("size", count(header.grid.shape.voxels())),
        ("dtype", header.origin.file_dtype.unwrap_or(header.meaning.dtype).to_string()),
        ("count", count(s.count)),
        ("min", real(s.min)),
        ("max", real(s.max)),
        ("mean", real(s.mean)),
        ("median", real(s.median)),
        ("variance", number(s.variance)),
        ("std", real(s.std)),
    ];
    let names: Vec<String> = PERCENTILES.iter().map(|p| format!("percentile {p}")).collect();
    rows.extend(names.iter().zip(s.percentiles).map(|(name, value)| (name.as_str(), real(value))));
    rows.extend(s.entropy_bits.map(|e| ("entropy", format!("{} bits", number(e)))));
    rows.push(("padding", count(found.padding)));
    if found.nan + found.infinite > 0 {
        rows.push(("NaN", count(found.nan)));
        rows.push(("infinite", count(found.infinite)));
    }
    columns(&rows)
}

pub(super) fn as_json(header: &Header, found: &Found) -> Value {
    let s = &found.statistics;
    let percentiles: Map<String, Value> =
        PERCENTILES.iter().zip(s.percentiles).map(|(p, value)| (p.to_string(), json!(value))).collect();
    json!({
        "shape": header.grid.shape.axes(),
        "size": header.grid.shape.voxels(),
        "dtype": header.origin.file_dtype.unwrap_or(header.meaning.dtype).name(),
        "unit": header.meaning.unit.symbol(),
        "count": s.count,
        "min": s.min,
        "max": s.max,
        "mean": s.mean,
        "median": s.median,
        "variance": s.variance,
        "std": s.std,
        "percentiles": percentiles,
        "entropy": s.entropy_bits,
        "padding": found.padding,
        "nan": found.nan,
        "infinite": found.infinite,
    })
}
