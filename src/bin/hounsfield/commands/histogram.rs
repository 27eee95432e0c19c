//! `hounsfield histogram`: normalised histogram and cumulative curve, as a figure or as numbers.

use std::fmt::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use hounsfield::pipelines::{Bins, Counted};
use hounsfield::report::{self, Plot, figure};
use hounsfield::volume::Header;
use hounsfield::{Error, Result};
use serde_json::{Value, json};

use crate::args::{FileArgs, RegionArgs, Shared};
use crate::job::{self, Job};
use crate::picture;
use crate::text::print_json;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub input: FileArgs,
    /// File to write: .png or .svg for a figure, .csv or .json for numbers
    #[arg(long, short, value_name = "OUT")]
    pub output: PathBuf,
    /// Bins of equal width [default: one for each stored value; 256 for true floats]
    #[arg(long, value_name = "N")]
    pub bins: Option<NonZeroUsize>,
    #[command(flatten)]
    pub region: RegionArgs,
}

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

pub fn run(shared: &Shared, args: &Args) -> Result<()> {
    let mut job = Job::new(shared, &args.input, &args.region.mask)?;
    let target = job.output(&args.output)?;
    let kind = picture::extension(&target);
    if !matches!(kind.as_str(), "csv" | "json" | "png" | "svg") {
        let what = format!("a histogram has no such format ({})", target.path().display());
        return Err(Error::usage(what, "end the name in .png, .svg, .csv or .json"));
    }
    let input = job.resolve()?;
    let mask = job.mask(&args.region, input.header())?;
    let input = input.masked(mask);
    let header = input.header();
    let even = Bins::Even(args.bins.map_or(FLOAT_BINS, NonZeroUsize::get));
    let counted = job.pass("count", header.bytes(), |run| Counted::of(&input, &job::region(&args.region), even, run))?;
    let table = Table::new(&counted, header, args.bins)?;
    match kind.as_str() {
        "csv" => job.stage(target.stage_bytes(as_csv(&table).as_bytes())?),
        "json" => job.stage(target.stage_bytes(format!("{:#}\n", as_json(header, &table)).as_bytes())?),
        _ => job.draw(&target, &figure::histogram("", &Plot::from(table.drawn.clone())))?,
    }
    job.publish()?;
    if shared.json { print_json(&as_json(header, &table)) } else { Ok(()) }
}

impl Table {
    fn new(counted: &Counted, header: &Header, bins: Option<NonZeroUsize>) -> Result<Self> {
        match (&counted.edges, bins) {
            (Some(_), _) => Ok(Self::between(counted, header)),
            (None, None) => Self::exact(counted, header),
            (None, Some(bins)) => Self::even(counted, header, bins.get()),
        }
    }

    /// Every value has its bin.
    fn exact(counted: &Counted, header: &Header) -> Result<Self> {
        let entries = counted.values.entries();
        if entries.is_empty() {
            return Err(Error::no_voxel());
        }
        let bins = entries.iter().map(|e| Bin { low: e.value, high: e.value, count: e.count }).collect();
        Ok(Self { bins, drawn: report::Histogram::of(&counted.pairs(), header.meaning.unit) })
    }

    /// As numpy.histogram: equal widths from the smallest to the largest value, which belongs to the last bin.
    fn even(counted: &Counted, header: &Header, number: usize) -> Result<Self> {
        let (first, last) = counted.values.ends().ok_or_else(Error::no_voxel)?;
        let (low, high) = if first < last { (first, last) } else { (first - 0.5, first + 0.5) };
        let edge = |i: usize| if i == number { high } else { low + (high - low) * i as f64 / number as f64 };
        let mut bins: Vec<Bin> = (0..number).map(|i| Bin { low: edge(i), high: edge(i + 1), count: 0 }).collect();
        for entry in counted.values.entries() {
            let at = bins.partition_point(|b| b.low <= entry.value).saturating_sub(1);
            bins[at].count += entry.count;
        }
        let drawn = binned(&bins, report::Histogram::of(&counted.pairs(), header.meaning.unit).unit);
        Ok(Self { bins, drawn })
    }

    /// True floats between the edges that they were counted in.
    fn between(counted: &Counted, header: &Header) -> Self {
        let group = &counted.groups[0];
        let edges = counted.edges.iter().flat_map(|edges| edges.values().windows(2));
        let bin = |(ends, n): (&[f32], &u64)| {
            let (a, b) = (group.rescale.real(f64::from(ends[0])), group.rescale.real(f64::from(ends[1])));
            Bin { low: a.min(b), high: a.max(b), count: *n }
        };
        let mut bins: Vec<Bin> = edges.zip(&group.counts.bins).map(bin).collect();
        bins.sort_by(|a, b| a.low.total_cmp(&b.low));
        let unit = if header.meaning.unit.symbol().is_empty() { "value" } else { header.meaning.unit.symbol() };
        let drawn = binned(&bins, unit.into());
        Self { bins, drawn }
    }
}

fn binned(bins: &[Bin], unit: String) -> report::Histogram {
    let values = bins.iter().filter(|b| b.count > 0).map(|b| (f64::midpoint(b.low, b.high), b.count)).collect();
    report::Histogram { values, step: bins[0].high - bins[0].low, unit }
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
        "unit": header.meaning.unit.symbol(),
        "low": column(&|(b, ..)| json!(b.low)),
        "high": column(&|(b, ..)| json!(b.high)),
        "count": column(&|(b, ..)| json!(b.count)),
        "share": column(&|(_, share, _)| json!(share)),
        "cdf": column(&|(.., cdf)| json!(cdf)),
    })
}
