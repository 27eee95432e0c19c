//! `hounsfield stats`: statistics in real units.

use hounsfield::analysis::statistics::{self, PERCENTILES, Statistics};
use hounsfield::pipelines::{self, Resolved};
use hounsfield::volume::{Header, Rescale};
use hounsfield::{Error, Result};
use serde_json::{Map, Value, json};

use crate::args::{Shared, Stats};
use crate::job;
use crate::progress::Progress;
use crate::text::{columns, count, number, print, print_json};

/// Statistics, and what was left out of them.
pub(super) struct Found {
    pub statistics: Statistics,
    pub padding: u64,
    pub nan: u64,
    pub infinite: u64,
}

pub fn run(shared: &Shared, command: &Stats) -> Result<()> {
    let input = job::resolve(shared, &command.input)?;
    let header = input.header();
    let mask = job::mask(&command.region, header)?;
    let region = job::region(&command.region);
    let watch = Progress::new(shared, "count", header.bytes());
    let found = match &input {
        Resolved::Exact(source) => {
            let device = job::device(shared)?;
            let groups = pipelines::count(source.as_ref(), mask.as_ref(), &device, None, &watch)?;
            let selected = pipelines::select(groups, header.padding, &region);
            let groups: Vec<(Rescale, _)> = selected.groups.iter().map(|g| (g.rescale, &g.counts)).collect();
            statistics::of(&groups).map(|statistics| Found { statistics, padding: selected.padding, nan: 0, infinite: 0 })
        }
        Resolved::Floats(source, _) => {
            job::say(shared, "device: CPU (statistics of true floats have no kernel)");
            let found = pipelines::float_statistics(source.as_ref(), mask.as_ref(), region.range, None, &watch)?;
            let (nan, infinite) = (found.nan, found.infinite);
            found.statistics.map(|statistics| Found { statistics, padding: 0, nan, infinite })
        }
    };
    watch.finish();
    let found = found.ok_or_else(Error::no_voxel)?;
    if found.padding > 0 && command.region.padding.is_none() {
        let share = 100.0 * found.padding as f64 / header.shape.voxels() as f64;
        job::warn(
            shared,
            &format!("{} padding voxels ({share:.1} %) are counted; --padding drop leaves them out", count(found.padding)),
        );
    }
    if shared.json { print_json(&as_json(header, &found)) } else { print(&as_text(header, &found)) }
}

fn as_text(header: &Header, found: &Found) -> String {
    let s = &found.statistics;
    let unit = header.unit.symbol();
    let real = |v: f64| format!("{} {unit}", number(v)).trim_end().to_owned();
    let mut rows: Vec<(&str, String)> = vec![
        ("shape", header.shape.to_string()),
        ("size", count(header.shape.voxels())),
        ("dtype", header.origin.file_dtype.unwrap_or(header.dtype).to_string()),
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
        "shape": header.shape.axes(),
        "size": header.shape.voxels(),
        "dtype": header.origin.file_dtype.unwrap_or(header.dtype).name(),
        "unit": header.unit.symbol(),
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
