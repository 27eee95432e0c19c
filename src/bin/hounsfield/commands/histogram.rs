//! `hounsfield histogram`: normalised histogram and cumulative curve, as a figure or as numbers.

use std::fmt::Write;
use std::sync::Arc;

use hounsfield::analysis::statistics;
use hounsfield::io::output::{self, Target};
use hounsfield::ops::histogram::Edges;
use hounsfield::pipelines::{self, Census, Mask, Resolved};
use hounsfield::report::{self, Plot, figure};
use hounsfield::volume::{Header, Rescale};
use hounsfield::{Error, Result};
use serde_json::{Value, json};

use crate::args::{Histogram, Shared};
use crate::progress::Progress;
use crate::text::print_json;
use crate::{job, picture};

/// Bins of true floats unless --bins says otherwise.
const FLOAT_BINS: usize = 256;

/// Voxels between two real values; both ends are the value itself where every value has its bin.
struct Bin {
    low: f64,
    high: f64,
    count: u64,
}

struct Table {
    bins: Vec<Bin>,
    /// The histogram as a figure draws it.
    drawn: report::Histogram,
}

pub fn run(shared: &Shared, command: &Histogram) -> Result<()> {
    let target = job::targets(shared, &command.input, Some(&command.region), [])?.add(&command.output)?;
    let kind = picture::extension(&target);
    if !matches!(kind.as_str(), "csv" | "json" | "png" | "svg") {
        let what = format!("a histogram has no such format ({})", target.path().display());
        return Err(Error::usage(what, "end the name in .png, .svg, .csv or .json"));
    }
    let input = job::resolve(shared, &command.input)?.as_float32();
    let mask = job::mask(&command.region, input.header())?;
    let table = match &input {
        Resolved::Exact(_) => exact(shared, command, &input, mask.as_ref())?,
        Resolved::Floats(_, census) => floats(shared, command, &input, census, mask.as_ref())?,
    };
    let staged = match kind.as_str() {
        "csv" => target.stage_bytes(as_csv(&table).as_bytes())?,
        "json" => target.stage_bytes(format!("{:#}\n", as_json(input.header(), &table)).as_bytes())?,
        _ => draw(&target, table.drawn.clone())?,
    };
    output::publish(vec![staged])?;
    if shared.json { print_json(&as_json(input.header(), &table)) } else { Ok(()) }
}

fn draw(target: &Target, histogram: report::Histogram) -> Result<output::Staged> {
    let svg = figure::histogram("", &Plot::from(histogram));
    picture::stage(target, &svg, None)
}

fn exact(shared: &Shared, command: &Histogram, input: &Resolved, mask: Option<&Mask>) -> Result<Table> {
    let header = input.header();
    let watch = Progress::new(shared, "count", header.bytes());
    let groups = pipelines::count(input.source(), mask, &job::device(shared)?, None, &watch)?;
    watch.finish();
    let selected = pipelines::select(groups, header.padding, &job::region(&command.region));
    let groups: Vec<(Rescale, _)> = selected.groups.iter().map(|g| (g.rescale, &g.counts)).collect();
    let values = statistics::distribution(&groups);
    let (Some(first), Some(last)) = (values.first(), values.last()) else { return Err(nothing()) };
    let drawn = report::Histogram::of(&groups, header.unit);
    let Some(bins) = command.bins else {
        let bins = values.iter().map(|(v, n)| Bin { low: *v, high: *v, count: *n }).collect();
        return Ok(Table { bins, drawn });
    };
    // As numpy.histogram: equal widths from the smallest to the largest value, which belongs to the last bin.
    let (low, high) = if first.0 < last.0 { (first.0, last.0) } else { (first.0 - 0.5, first.0 + 0.5) };
    let number = bins.get();
    let edge = |i: usize| if i == number { high } else { low + (high - low) * i as f64 / number as f64 };
    let mut bins: Vec<Bin> = (0..number).map(|i| Bin { low: edge(i), high: edge(i + 1), count: 0 }).collect();
    for (value, n) in values {
        let at = bins.partition_point(|b| b.low <= value).saturating_sub(1);
        bins[at].count += n;
    }
    let drawn = binned(&bins, drawn.unit);
    Ok(Table { bins, drawn })
}

fn floats(shared: &Shared, command: &Histogram, input: &Resolved, census: &Census, mask: Option<&Mask>) -> Result<Table> {
    let header = input.header();
    let rescale =
        header.rescale.uniform().ok_or_else(|| Error::usage("float voxels with a rescale for each slice", "convert first"))?;
    let (mut low, mut high) = (census.min, census.max);
    if let Some((a, b)) = command.region.r#where {
        let (a, b) = (rescale.stored(a), rescale.stored(b));
        (low, high) = (low.max(a.min(b)), high.min(a.max(b)));
    }
    if low.partial_cmp(&high).is_none_or(std::cmp::Ordering::is_gt) {
        return Err(nothing());
    }
    if low == high {
        (low, high) = (low - 0.5, high + 0.5);
    }
    let number = command.bins.map_or(FLOAT_BINS, std::num::NonZero::get);
    let edges = Arc::new(Edges::at_most(low as f32, high as f32, number)?);
    let watch = Progress::new(shared, "count", header.bytes());
    let counts = pipelines::count_floats(input.source(), mask, &edges, &job::device(shared)?, &watch)?;
    watch.finish();
    let mut bins: Vec<Bin> = edges
        .values()
        .windows(2)
        .zip(&counts.bins)
        .map(|(ends, n)| {
            let (a, b) = (rescale.real(f64::from(ends[0])), rescale.real(f64::from(ends[1])));
            Bin { low: a.min(b), high: a.max(b), count: *n }
        })
        .collect();
    bins.sort_by(|a, b| a.low.total_cmp(&b.low));
    let unit = if header.unit.symbol().is_empty() { "value" } else { header.unit.symbol() };
    let drawn = binned(&bins, unit.into());
    Ok(Table { bins, drawn })
}

fn binned(bins: &[Bin], unit: String) -> report::Histogram {
    let values = bins.iter().filter(|b| b.count > 0).map(|b| (f64::midpoint(b.low, b.high), b.count)).collect();
    report::Histogram { values, step: bins[0].high - bins[0].low, unit }
}

fn nothing() -> Error {
    Error::no_voxel()
}

/// Each bin with its share of all voxels and the share up to and including it.
fn rows(bins: &[Bin]) -> impl Iterator<Item = (&Bin, f64, f64)> {
    let total: u64 = bins.iter().map(|b| b.count).sum();
    let mut sum = 0;
    bins.iter().map(move |b| {
        sum += b.count;
        (b, b.count as f64 / total as f64, sum as f64 / total as f64)
    })
}

fn as_csv(table: &Table) -> String {
    let exact = table.bins.iter().all(|b| b.low == b.high);
    let mut out = String::from(if exact { "value,count,share,cdf\n" } else { "low,high,count,share,cdf\n" });
    for (bin, share, cdf) in rows(&table.bins) {
        let edges = if exact { format!("{}", bin.low) } else { format!("{},{}", bin.low, bin.high) };
        let _ = writeln!(out, "{edges},{},{share},{cdf}", bin.count);
    }
    out
}

fn as_json(header: &Header, table: &Table) -> Value {
    let column = |f: &dyn Fn(&(&Bin, f64, f64)) -> Value| rows(&table.bins).map(|row| f(&row)).collect::<Vec<_>>();
    json!({
        "unit": header.unit.symbol(),
        "low": column(&|(b, ..)| json!(b.low)),
        "high": column(&|(b, ..)| json!(b.high)),
        "count": column(&|(b, ..)| json!(b.count)),
        "share": column(&|(_, share, _)| json!(share)),
        "cdf": column(&|(.., cdf)| json!(cdf)),
    })
}
