//! Both sides of a mask in words and numbers.

use hounsfield::pipelines::{Side, Sides};
use hounsfield::volume::Header;
use serde_json::{Map, Value, json};

use crate::text::{columns, count, number};
use hounsfield::findings::{Size, StatisticsFinding};

/// The share of a side in percent.
pub fn percent(header: &Header, side: &Side) -> f64 {
    100.0 * side.voxels as f64 / header.shape.voxels() as f64
}

/// `inside` and `outside` hold what `hounsfield stats --json` gives, or null for a side without a finite voxel.
pub fn as_json(header: &Header, sides: &Sides) -> Map<String, Value> {
    let side = |side: &Side| StatisticsFinding::side(header, side).map(|finding| finding.rows().json());
    let mut words = Map::new();
    words.insert("voxels".into(), sides.inside.voxels.into());
    words.insert("percent".into(), percent(header, &sides.inside).into());
    let size = Size::new(header);
    if let Some(of_mask) = size.of(sides.inside.voxels) {
        words.insert(if size.key == "ml" { "volume_ml" } else { "area_mm2" }.into(), of_mask.into());
    }
    words.insert("inside".into(), json!(side(&sides.inside)));
    words.insert("outside".into(), json!(side(&sides.outside)));
    words
}

/// The mask's size, then both sides in two columns.
pub fn as_text(header: &Header, sides: &Sides) -> String {
    let noun = if header.shape.slices() == 1 { "pixels" } else { "voxels" };
    let mut mask = format!(
        "{} of {} {noun} ({:.2} %)",
        count(sides.inside.voxels),
        count(header.shape.voxels()),
        percent(header, &sides.inside)
    );
    let size = Size::new(header);
    if let Some(of_mask) = size.of(sides.inside.voxels) {
        mask += &format!(", {} {}", number(of_mask), size.unit);
    }
    if header.shape.volumes() > 1 {
        mask += " on average over time";
    }
    let both = [&sides.inside, &sides.outside];
    let unit = header.unit.symbol();
    let mut rows = vec![["".to_owned(), "inside".into(), "outside".into()]];
    rows.push(row(noun, both.map(|s| count(s.voxels))));
    let real = |name: &str| format!("{name} {unit}").trim_end().to_owned();
    let mut add = |name: String, f: &dyn Fn(&hounsfield::analysis::statistics::Statistics) -> f64| {
        rows.push(row(&name, both.map(|s| s.statistics.as_ref().map_or("-".into(), |s| number(f(s))))));
    };
    add(real("min"), &|s| s.min);
    add(real("max"), &|s| s.max);
    add(real("mean"), &|s| s.mean);
    add(real("std"), &|s| s.std);
    add(real("percentile 5"), &|s| s.percentiles[1]);
    add(real("median"), &|s| s.median);
    add(real("percentile 95"), &|s| s.percentiles[4]);
    for (name, n) in [("padding", both.map(|s| s.padding)), ("NaN", both.map(|s| s.nan)), ("infinite", both.map(|s| s.infinite))]
    {
        if n != [0, 0] {
            rows.push(row(name, n.map(count)));
        }
    }
    columns(&[("mask", mask)]) + &table(&rows)
}

fn row(name: &str, [a, b]: [String; 2]) -> [String; 3] {
    [name.to_owned(), a, b]
}

/// Rows in columns: the first flush left, the others flush right.
pub fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let width: [usize; N] = std::array::from_fn(|c| rows.iter().map(|r| r[c].chars().count()).max().unwrap_or(0));
    let mut text = String::new();
    for row in rows {
        for (c, cell) in row.iter().enumerate() {
            let gap = " ".repeat(width[c] - cell.chars().count());
            text += &if c == 0 { format!("{cell}{gap}") } else { format!("  {gap}{cell}") };
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}
