//! How well a segmentation agrees with its truth, by the library's own comparison: Dice, IoU, surface distances, volumes.

use std::sync::Arc;

use hounsfield::Result;
use hounsfield::analysis::surface_distance::SurfaceRule;
use hounsfield::findings::{Rows, Value};
use hounsfield::io::Source;
use hounsfield::pipelines::{Device, LabelMaps, Run, SurfaceSettings, overlaps, surfaces};
use hounsfield::volume::{Dtype, Header, Volume};
use serde_json::{Value as Json, json};

use crate::volumes::Labelled;

/// One structure of one volume.
#[derive(Debug, Clone, PartialEq)]
pub struct CaseRow {
    /// The volume.
    pub case: String,
    /// The structure.
    pub class: String,
    /// Of both maps: 0 where the structure is in one alone, none where it is in neither.
    pub dice: Option<f64>,
    /// Intersection over union.
    pub iou: Option<f64>,
    /// The distance within which 95 % of both surfaces lie, by area; none without spacing.
    pub hd95_mm: Option<f64>,
    /// The mean distance of the surfaces.
    pub assd_mm: Option<f64>,
    /// What was found, in mL.
    pub volume_ml: Option<f64>,
    /// What is true, in mL.
    pub truth_ml: Option<f64>,
    /// Found less true, as a share of what is true.
    pub volume_difference: Option<f64>,
}

/// Of surface distances.
const SETTINGS: SurfaceSettings = SurfaceSettings { rule: SurfaceRule::Surface, percent: 95.0, tolerance: 2.0 };

/// Bytes for the comparison, which holds both maps and the box around a structure.
const MEMORY_BYTES: u64 = 2 << 30;

/// One row for each class but the background.
///
/// # Errors
/// What comparing gives.
pub fn case(truth: &Labelled, found: Vec<u8>, classes: &[String]) -> Result<Vec<CaseRow>> {
    let header: Header = label_header(&truth.header);
    let map = |labels: Vec<u8>| Ok::<_, hounsfield::Error>(Arc::new(Volume::new(header.clone(), labels)?) as Arc<dyn Source>);
    let device = Device::cpu();
    let run = Run::silent(&device).with_memory(MEMORY_BYTES);
    let maps = LabelMaps::new(map(found)?, map(truth.labels.clone())?, &run)?;
    let overlaps = overlaps(&maps, &run)?;
    let geometry = header.grid.geometry.as_ref();
    let distances = if geometry.is_some() { surfaces(&maps, &overlaps, &SETTINGS, &run)? } else { Default::default() };
    let ml = |voxels: u64| geometry.map(|geometry| voxels as f64 * geometry.voxel_mm3() / 1000.0);
    let row = |label: u32| {
        let overlap = overlaps.pairs.of(label);
        let distance = distances.get(&label);
        // A structure that was missed, or made up, is the worst result, not one that a mean may leave out.
        let alone = (overlap.found() + overlap.truth() > 0).then_some(0.0);
        CaseRow {
            case: truth.name.clone(),
            class: classes[label as usize].clone(),
            dice: overlap.dice().or(alone),
            iou: overlap.iou().or(alone),
            hd95_mm: distance.map(|distance| distance.percentile),
            assd_mm: distance.map(|distance| distance.assd),
            volume_ml: ml(overlap.found()),
            truth_ml: ml(overlap.truth()),
            volume_difference: overlap.excess(),
        }
    };
    Ok((1..classes.len() as u32).map(row).collect())
}

/// The header of labels on the grid of an image.
pub fn label_header(image: &Header) -> Header {
    image.derived(Dtype::U8).with(|header| header.meaning.labels = true)
}

/// A column of the rows.
type Measure = fn(&CaseRow) -> Option<f64>;

const MEASURES: [(&str, &str, Measure); 7] = [
    ("dice", "Dice", |row| row.dice),
    ("iou", "IoU", |row| row.iou),
    ("hd95_mm", "HD95 mm", |row| row.hd95_mm),
    ("assd_mm", "ASSD mm", |row| row.assd_mm),
    ("volume_ml", "volume mL", |row| row.volume_ml),
    ("truth_ml", "truth mL", |row| row.truth_ml),
    ("volume_difference", "volume difference", |row| row.volume_difference),
];

fn rows_of(row: &CaseRow) -> Rows {
    let mut rows = Rows::new();
    rows.add("case", "case", row.case.as_str(), "");
    rows.add("class", "class", row.class.as_str(), "");
    for (key, words, of) in MEASURES {
        rows.add(key, words, of(row), "");
    }
    rows
}

/// The mean of each measure over the rows that have it; none where none has.
fn means(rows: &[CaseRow]) -> CaseRow {
    let mean = |of: Measure| {
        let all: Vec<f64> = rows.iter().filter_map(of).collect();
        (!all.is_empty()).then(|| all.iter().sum::<f64>() / all.len() as f64)
    };
    let [dice, iou, hd95_mm, assd_mm, volume_ml, truth_ml, volume_difference] = MEASURES.map(|(.., of)| mean(of));
    CaseRow { case: "mean".into(), class: String::new(), dice, iou, hd95_mm, assd_mm, volume_ml, truth_ml, volume_difference }
}

/// A table with the mean below.
pub fn text(rows: &[CaseRow]) -> String {
    let all: Vec<Rows> = rows.iter().chain(std::iter::once(&means(rows))).map(rows_of).collect();
    Rows::columns(&all).table()
}

/// Rows and their mean. A structure that is in one map alone has no distances; it is counted, for a mean alone would hide it.
pub fn json(rows: &[CaseRow]) -> Json {
    let missed = rows.iter().filter(|row| row.dice == Some(0.0)).count();
    let all: Vec<Json> = rows.iter().map(|row| rows_of(row).json()).collect();
    let mean: Value = rows_of(&means(rows)).into();
    json!({ "rows": all, "mean": mean.json(), "missed": missed })
}
