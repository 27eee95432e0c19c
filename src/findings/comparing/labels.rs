//! How well two label maps agree, label by label and overall.

use std::collections::BTreeMap;

use super::super::header::shape;
use super::super::rows::{Row, Rows, Value};
use super::super::words::{absence, count, number};
use super::super::{Note, Provenance};
use super::{Limit, Shortfall, measure, share, shortfalls};
use crate::analysis::instances::InstanceMatch;
use crate::analysis::overlap::Overlap;
use crate::analysis::surface_distance::SurfaceDistances;
use crate::pipelines::{InstanceCounts, LabelOverlaps, SurfaceSettings};
use crate::volume::Header;

/// What was found of two label maps.
#[derive(Debug, Clone)]
pub struct AgreementFinding {
    /// Of the reference.
    pub header: Header,
    /// Pairs of labels.
    pub overlaps: LabelOverlaps,
    /// How far surfaces lie apart, if that was asked for.
    pub surfaces: Option<(SurfaceSettings, BTreeMap<u32, SurfaceDistances>)>,
    /// Matched objects, if these were asked for.
    pub instances: Option<InstanceCounts>,
}

/// Labels of a matrix of pairs that people can still read.
const READABLE: usize = 12;

/// The column of reasons, which is only there if there is one.
const WHY: &str = "n/a because it is";

/// Measures whose mean over labels is told.
const MEANS: [&str; 12] = [
    "dice",
    "iou",
    "precision",
    "recall",
    "nsd",
    "instance_precision",
    "instance_recall",
    "instance_f1",
    "panoptic_quality",
    "assd",
    "masd",
    "hd",
];

impl AgreementFinding {
    /// The unit of distances.
    fn unit(&self) -> &'static str {
        if self.header.grid.geometry.is_some() { "mm" } else { "voxels" }
    }

    /// Millilitres of a voxel; none if its size is not known.
    fn voxel_ml(&self) -> Option<f64> {
        self.header.grid.geometry.as_ref().map(|geometry| geometry.voxel_mm3() / 1000.0)
    }

    /// What the reader should know.
    pub fn notes(&self) -> Vec<Note> {
        let unknown = self.surfaces.is_some() && self.header.grid.geometry.is_none();
        unknown.then_some(Note::SpacingUnknown).into_iter().collect()
    }

    /// A row for each label of either map but 0.
    pub fn labels(&self) -> Vec<Rows> {
        self.overlaps.pairs.labels().into_iter().map(|label| self.label(label)).collect()
    }

    fn label(&self, label: u32) -> Rows {
        let overlap = self.overlaps.pairs.of(label);
        let mut rows = Rows::new();
        rows.add("label", "label", Value::digits(label.into()), "");
        rows.extend(overlap_rows(&overlap));
        rows.key("specificity", share(overlap.specificity()));
        rows.key("accuracy", share(overlap.accuracy()));
        rows.extend(self.volumes(&overlap));
        if let Some((settings, all)) = &self.surfaces {
            rows.extend(self.surface_rows(settings, all.get(&label)));
        }
        if let Some(instances) = &self.instances {
            rows.extend(instance_rows(&instances.get(&label).copied().unwrap_or_default()));
        }
        let why = overlap.absence().map(absence);
        rows.add("reason", "", why, "");
        rows.words(WHY, Value::from(why).read_as(why.unwrap_or_default()), "");
        rows
    }

    fn volumes(&self, overlap: &Overlap) -> Rows {
        let ml = |voxels: f64| self.voxel_ml().map(|each| voxels * each);
        let (found, truth) = (overlap.found(), overlap.truth());
        let mut rows = Rows::new();
        rows.key("voxels", found);
        rows.key("reference_voxels", truth);
        rows.key("volume_ml", ml(found as f64));
        rows.key("reference_volume_ml", ml(truth as f64));
        rows.add("volume_difference_ml", "volume mL +-", measure(ml(found as f64 - truth as f64)), "");
        let percent = overlap.excess().map(|excess| 100.0 * excess);
        let text = percent.map_or_else(|| "n/a".into(), |percent| format!("{percent:.2}"));
        rows.add("volume_difference_percent", "volume % +-", Value::from(percent).read_as(text), "");
        rows
    }

    fn surface_rows(&self, settings: &SurfaceSettings, found: Option<&SurfaceDistances>) -> Rows {
        let (unit, percent) = (self.unit(), number(settings.percent));
        let mut rows = Rows::new();
        let mut add = |name: &str, value: fn(&SurfaceDistances) -> f64| {
            rows.add(format!("{}_{unit}", name.to_lowercase()), format!("{name} {unit}"), measure(found.map(value)), "");
        };
        add("HD", |all| all.hausdorff);
        add(&format!("HD{percent}"), |all| all.percentile);
        add("ASSD", |all| all.assd);
        add("MASD", |all| all.masd);
        rows.add("nsd", format!("NSD {} {unit}", number(settings.tolerance)), share(found.map(|all| all.nsd)), "");
        rows
    }

    /// All labels together.
    pub fn overall(&self) -> Rows {
        let (pairs, labels) = (&self.overlaps.pairs, self.labels());
        let all = pairs.labels().into_iter().map(|label| pairs.of(label)).fold(Overlap::default(), |sum, one| sum.with(&one));
        let mut rows = Rows::new();
        rows.add("labels", "labels", labels.len(), "");
        let missing = labels.iter().filter(|row| row.get("reason") != Some(&Value::Missing)).count();
        rows.add("labels_na", "of them n/a", missing, "");
        rows.add("voxels", "voxels", pairs.voxels(), "");
        rows.add("voxel_accuracy", "voxels that agree", share(Some(pairs.agreeing() as f64 / pairs.voxels() as f64)), "");
        rows.extend(overlap_rows(&all).into_iter().map(|row| {
            let words = if row.words.is_empty() { row.words } else { format!("{}, labels pooled", row.words).into() };
            Row { words, ..row }
        }));
        if let Some(instances) = &self.instances {
            rows.extend(instance_rows(&instances.values().fold(InstanceMatch::default(), |sum, one| sum.with(one))));
        }
        rows.add("mean", "", means(&labels), "");
        rows
    }

    /// All for programs: `rows`, a row a label, `overall`, and `confusion`, the pairs of labels that occur.
    pub fn rows(&self, provenance: &Provenance) -> Rows {
        let mut rows = Rows::new();
        rows.key("compared_as", "labels");
        rows.key("shape", shape(&self.header));
        if let Some((settings, _)) = &self.surfaces {
            rows.key("surface", settings.rule.name());
            rows.key("percentile", settings.percent);
            rows.key("tolerance", settings.tolerance);
            rows.key("distance_unit", self.unit());
        }
        rows.key("rows", self.labels());
        rows.key("overall", self.overall());
        let pair = |(judged, reference, voxels): (u32, u32, u64)| {
            let mut pair = Rows::new();
            pair.key("judged", u64::from(judged));
            pair.key("reference", u64::from(reference));
            pair.key("voxels", voxels);
            pair
        };
        rows.key("confusion", self.overlaps.pairs.iter().map(pair).collect::<Vec<_>>());
        rows.key("notes", provenance.notes(&self.notes()));
        rows.key("device", provenance.device.as_str());
        rows.key("events", provenance.events.as_slice());
        rows
    }

    /// A table of the labels, the sums, and a matrix of pairs where it is small.
    pub fn text(&self) -> String {
        let mut labels = self.labels();
        if labels.is_empty() {
            return format!("{} voxels, and no label in either map but 0: n/a\n", count(self.overlaps.pairs.voxels()));
        }
        if labels.iter().all(|row| row.get("reason") == Some(&Value::Missing)) {
            labels =
                labels.into_iter().map(|row| row.into_iter().filter(|one| one.words != WHY).fold(Rows::new(), grown)).collect();
        }
        Rows::columns(&labels).table() + &self.overall().text() + &self.matrix()
    }

    fn matrix(&self) -> String {
        let labels: Vec<u32> = std::iter::once(0).chain(self.overlaps.pairs.labels()).collect();
        if labels.len() > READABLE {
            return String::new();
        }
        let pairs: BTreeMap<(u32, u32), u64> = self.overlaps.pairs.iter().map(|(f, t, voxels)| ((f, t), voxels)).collect();
        let line = |judged: &u32| {
            let mut rows = Rows::new();
            rows.words("judged \\ reference", Value::Text(judged.to_string()), "");
            for reference in &labels {
                rows.words(reference.to_string(), pairs.get(&(*judged, *reference)).copied().unwrap_or(0), "");
            }
            rows
        };
        Rows::columns(&labels.iter().map(line).collect::<Vec<_>>()).table()
    }

    /// What is not good enough, in any label.
    pub fn shortfalls(&self, limits: &[Limit]) -> Vec<Shortfall> {
        let labels = self.overlaps.pairs.labels();
        labels.iter().zip(self.labels()).flat_map(|(label, row)| shortfalls(&format!("label {label}"), &row, limits)).collect()
    }
}

fn grown(mut rows: Rows, row: Row) -> Rows {
    rows.extend([row]);
    rows
}

fn overlap_rows(overlap: &Overlap) -> Rows {
    let mut rows = Rows::new();
    rows.add("dice", "Dice", share(overlap.dice()), "");
    rows.add("iou", "IoU", share(overlap.iou()), "");
    rows.add("precision", "precision", share(overlap.precision()), "");
    rows.add("recall", "recall", share(overlap.recall()), "");
    // The same number as Dice under its other name, for programs.
    rows.key("f1", share(overlap.dice()));
    rows
}

fn instance_rows(found: &InstanceMatch) -> Rows {
    let mut rows = Rows::new();
    rows.add("instances", "objects", found.found, "");
    rows.add("reference_instances", "in reference", found.truth, "");
    rows.add("matched_instances", "matched", found.matched, "");
    rows.add("instance_precision", "object precision", share(found.precision()), "");
    rows.add("instance_recall", "object recall", share(found.recall()), "");
    rows.add("instance_f1", "object F1", share(found.f1()), "");
    rows.add("instance_iou", "mean IoU", share(found.mean_iou()), "");
    rows.add("panoptic_quality", "PQ", share(found.panoptic_quality()), "");
    rows
}

/// The mean of each measure over the labels for which it is defined, and over how many.
fn means(labels: &[Rows]) -> Rows {
    let mut all = Rows::new();
    for row in labels.first().into_iter().flat_map(Rows::iter) {
        if !MEANS.iter().any(|name| row.key.split('_').next() == Some(name) || row.key == *name) && !row.key.starts_with("hd") {
            continue;
        }
        let known: Vec<f64> = labels.iter().filter_map(|label| label.get(&row.key)?.number()).collect();
        let mut mean = Rows::new();
        mean.key("mean", (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64));
        mean.key("labels", known.len());
        all.key(row.key.clone(), mean);
    }
    all
}
