//! `hounsfield threshold`: classes by value.

use hounsfield::Result;
use hounsfield::analysis::steps::{Chain, Cuts, Step};
use hounsfield::volume::Header;
use serde_json::{Value, json};

use super::pointwise::{self, Done, Request};
use crate::args::{Shared, Threshold};
use crate::text::{count, number, print, print_json};

pub fn run(shared: &Shared, command: &Threshold) -> Result<()> {
    let cuts = match (command.at.is_empty(), command.percentile.is_empty()) {
        (false, _) => Cuts::At(command.at.clone()),
        (_, false) => Cuts::Percentiles(command.percentile.clone()),
        _ => Cuts::Otsu(command.otsu.unwrap_or(2)),
    };
    let title = if matches!(cuts, Cuts::Otsu(_)) { "Otsu's thresholds" } else { "Thresholds" };
    let request = Request {
        input: &command.input,
        output: &command.output,
        figure: command.figure.as_deref(),
        region: Some(&command.region),
        steps: Chain::new(vec![Step::Threshold(cuts)])?,
        to: None,
        title,
    };
    let done = pointwise::carry_out(shared, request)?;
    let (unit, of_voxel) = voxel_size(done.mapping.input());
    if shared.json { print_json(&as_json(&done, unit, of_voxel)) } else { print(&as_text(&done, unit, of_voxel)) }
}

/// mm² a pixel for one slice, mL a voxel for volumes; none where the spacing is not known.
fn voxel_size(header: &Header) -> (&'static str, Option<f64>) {
    let geometry = header.geometry.as_ref();
    match header.shape.axis(2) {
        1 => ("mm2", geometry.map(|g| g.spacing_mm[0] * g.spacing_mm[1])),
        _ => ("mL", geometry.map(|g| g.voxel_mm3() / 1000.0)),
    }
}

fn as_text(done: &Done, unit: &str, of_voxel: Option<f64>) -> String {
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
        text += &format!("true floats: decided over {} bins of equal width\n", count(bins as u64));
    }
    let total = mapping.classes().iter().sum::<u64>().max(1) as f64;
    let names = pointwise::class_names(thresholds, real_unit);
    let longest = names.iter().map(String::len).max().unwrap_or(0);
    for (class, (name, n)) in names.iter().zip(mapping.classes()).enumerate() {
        let size = of_voxel.map_or(String::new(), |size| format!("  {:>12} {unit}", number(size * *n as f64)));
        text +=
            &format!("class {class}  {name:<longest$}  {:>14} voxels  {:>7.3} %{size}\n", count(*n), 100.0 * *n as f64 / total);
    }
    for file in [&done.image].into_iter().chain(&done.figure) {
        text += &format!("{}\n", file.path().display());
    }
    text
}

fn as_json(done: &Done, unit: &str, of_voxel: Option<f64>) -> Value {
    let mapping = &done.mapping;
    let thresholds = mapping.composed().thresholds().unwrap_or_default();
    let key = if unit == "mL" { "ml" } else { "mm2" };
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
                key: of_voxel.map(|size| size * *n as f64),
            })
        })
        .collect();
    let mut all = pointwise::as_json(done);
    all.insert("thresholds".into(), json!(thresholds));
    all.insert("classes".into(), json!(classes));
    Value::Object(all)
}
