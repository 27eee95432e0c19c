//! `hounsfield threshold`: classes by value.

use std::path::PathBuf;

use hounsfield::Result;
use hounsfield::analysis::steps::{Chain, Cuts, Step};
use serde_json::{Value, json};

use super::pointwise::{self, Done, Request};
use crate::args::{FileArgs, RegionArgs, Shared};
use crate::text::{count, number, print, print_json};
use hounsfield::findings::Size;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub input: FileArgs,
    /// Label image to write, uint8, class = number of thresholds below the value: .nii, .nii.gz, .png, .tif
    #[arg(long, short, value_name = "LABELS")]
    pub output: PathBuf,
    /// Otsu's thresholds between so many classes, 2 to 5 [default: 2]
    #[arg(long, value_name = "CLASSES", conflicts_with_all = ["at", "percentile"])]
    pub otsu: Option<usize>,
    /// These thresholds, ascending real values (HU)
    #[arg(long, value_name = "V[,V...]", value_delimiter = ',', allow_hyphen_values = true, conflicts_with = "percentile")]
    pub at: Vec<f64>,
    /// These percentiles of the voxels that count
    #[arg(long, value_name = "P[,P...]", value_delimiter = ',')]
    pub percentile: Vec<f64>,
    /// Original and classes side by side, thresholds over the histogram: .png or .svg
    #[arg(long, value_name = "F.png")]
    pub figure: Option<PathBuf>,
    #[command(flatten)]
    pub region: RegionArgs,
}

pub fn run(shared: &Shared, args: &Args) -> Result<()> {
    let cuts = match (args.at.is_empty(), args.percentile.is_empty()) {
        (false, _) => Cuts::At(args.at.clone()),
        (_, false) => Cuts::Percentiles(args.percentile.clone()),
        _ => Cuts::Otsu(args.otsu.unwrap_or(2)),
    };
    let title = if matches!(cuts, Cuts::Otsu(_)) { "Otsu's thresholds" } else { "Thresholds" };
    let request = Request {
        input: &args.input,
        output: &args.output,
        figure: args.figure.as_deref(),
        region: Some(&args.region),
        steps: Chain::new(vec![Step::Threshold(cuts)])?,
        to: None,
        title,
    };
    let done = pointwise::carry_out(shared, request)?;
    let size = Size::new(done.mapping.input());
    if shared.json { print_json(&as_json(&done, size)) } else { print(&as_text(&done, size)) }
}

fn as_text(done: &Done, size: Size) -> String {
    let mapping = &done.mapping;
    let thresholds = mapping.composed().thresholds().unwrap_or_default();
    let real_unit = mapping.input().unit.symbol();
    let listed: Vec<String> = thresholds.iter().map(|t| number(*t)).collect();
    let mut text = format!("thresholds  {} {real_unit}", listed.join(", ")).trim_end().to_owned() + "\n";
    let facts = mapping.composed().facts().iter().flat_map(|(_, facts)| facts);
    for (_, share) in facts.filter(|(name, _)| *name == "separability") {
        text += &format!("separability  {} of the variance lies between the classes\n", number(*share));
    }
    if let Some(bins) = mapping.bins() {
        text += &format!("true floats: decided over {} bins that follow the voxels\n", count(bins as u64));
    }
    let total = mapping.classes().iter().sum::<u64>().max(1) as f64;
    let names = pointwise::class_names(thresholds, real_unit);
    let longest = names.iter().map(String::len).max().unwrap_or(0);
    for (class, (name, n)) in names.iter().zip(mapping.classes()).enumerate() {
        let size = size.of(*n).map_or(String::new(), |of_class| format!("  {:>12} {}", number(of_class), size.unit));
        text +=
            &format!("class {class}  {name:<longest$}  {:>14} voxels  {:>7.3} %{size}\n", count(*n), 100.0 * *n as f64 / total);
    }
    for file in [&done.image].into_iter().chain(&done.figure) {
        text += &format!("{}\n", file.path().display());
    }
    text
}

fn as_json(done: &Done, size: Size) -> Value {
    let mapping = &done.mapping;
    let thresholds = mapping.composed().thresholds().unwrap_or_default();
    let classes: Vec<Value> = mapping
        .classes()
        .iter()
        .enumerate()
        .map(|(label, n)| {
            let above = label.checked_sub(1).map(|i| thresholds[i]);
            json!({
                "label": label,
                "above": above,
                "up_to": thresholds.get(label),
                "voxels": n,
                size.key: size.of(*n),
            })
        })
        .collect();
    let mut all = pointwise::as_json(done);
    all.insert("thresholds".into(), json!(thresholds));
    all.insert("classes".into(), json!(classes));
    Value::Object(all)
}
