//! By how much two images differ.

use super::super::header::shape;
use super::super::rows::{Rows, Value};
use super::super::{Note, Provenance};
use super::{Bound, Limit, Shortfall, shortfalls};
use crate::pipelines::ImageDifference;
use crate::report::{Histogram, Plot, Svg, figure};
use crate::volume::Header;

/// What was found of two images.
#[derive(Debug, Clone)]
pub struct DifferenceFinding {
    /// Of the reference.
    pub header: Header,
    /// What one pass says.
    pub difference: ImageDifference,
    /// Voxels by their difference, in bins of equal width from the least to the largest; empty if they were not counted.
    pub counts: Vec<u64>,
}

impl DifferenceFinding {
    fn unit(&self) -> &'static str {
        self.header.meaning.unit.symbol()
    }

    /// What the reader should know.
    pub fn notes(&self) -> Vec<Note> {
        let voxels = self.difference.unlike;
        (voxels > 0).then_some(Note::FiniteInOne { voxels }).into_iter().collect()
    }

    /// The measures, for people and programs.
    pub fn measures(&self) -> Rows {
        let (d, unit) = (&self.difference, self.unit());
        let mut rows = Rows::new();
        rows.add("voxels", "voxels", d.voxels, "");
        rows.add_if(d.compared < d.voxels, "compared", "finite in both", d.compared, "");
        rows.add_if(d.unlike > 0, "finite_in_one", "finite in one", d.unlike, "");
        rows.add("different", "different", d.different, "");
        rows.add("max_abs", "largest difference", d.largest(), unit);
        rows.add("mean_abs", "mean absolute difference", d.mean_absolute, unit);
        rows.add("mean", "mean difference", d.mean, unit);
        rows.add("rmse", "RMSE", d.rmse, unit);
        let same = d.rmse == Some(0.0);
        let constant = d.reference_ends.is_some_and(|(low, high)| low == high);
        let reason = match d.compared {
            0 => Some("no voxel is finite in both"),
            _ if same => Some("nothing differs"),
            _ if constant => Some("the reference is constant"),
            _ => None,
        };
        let why = reason.map(|why| format!("n/a ({why})"));
        let psnr = Value::from(d.psnr());
        rows.add("psnr_db", "PSNR", why.map_or(psnr.clone(), |why| psnr.read_as(why)), "dB");
        rows.key("min_difference", d.ends.map(|(low, _)| low));
        rows.key("max_difference", d.ends.map(|(_, high)| high));
        rows.key("reference_min", d.reference_ends.map(|(low, _)| low));
        rows.key("reference_max", d.reference_ends.map(|(_, high)| high));
        rows.key("reason", reason);
        rows
    }

    /// All for programs: `rows`, which is one, and the histogram where it was counted.
    pub fn rows(&self, provenance: &Provenance) -> Rows {
        let mut rows = Rows::new();
        rows.key("compared_as", "image");
        rows.key("shape", shape(&self.header));
        rows.key("unit", self.unit());
        rows.key("rows", vec![self.measures()]);
        if !self.counts.is_empty() {
            let mut histogram = Rows::new();
            histogram.key("low", self.bins().map(|(low, _)| low).collect::<Vec<_>>());
            histogram.key("high", self.bins().map(|(_, high)| high).collect::<Vec<_>>());
            histogram.key("count", self.counts.as_slice());
            rows.key("histogram", histogram);
        }
        rows.key("notes", provenance.notes(&self.notes()));
        rows.key("device", provenance.device.as_str());
        rows.key("events", provenance.events.as_slice());
        rows
    }

    /// The ends of the bins.
    fn bins(&self) -> impl Iterator<Item = (f64, f64)> {
        let (low, high) = self.difference.ends.unwrap_or((0.0, 0.0));
        let n = self.counts.len();
        let edge = move |i: usize| if i == n { high } else { low + (high - low) * i as f64 / n as f64 };
        (0..n).map(move |i| (edge(i), edge(i + 1)))
    }

    /// Bars of the differences.
    pub fn figure(&self) -> Svg {
        let all = self.bins().map(|(low, high)| f64::midpoint(low, high)).zip(self.counts.iter().copied());
        let values: Vec<(f64, u64)> = if self.difference.ends.is_some_and(|(low, high)| low == high) {
            all.filter(|(_, n)| *n > 0).take(1).collect()
        } else {
            all.filter(|(_, n)| *n > 0).collect()
        };
        let step = self.bins().next().map_or(1.0, |(low, high)| high - low);
        let unit = if self.unit().is_empty() { "difference" } else { self.unit() };
        let bars = Histogram { values, step: if step > 0.0 { step } else { 1.0 }, unit: unit.into() };
        figure::plot("Judged less reference", &Plot::from(bars))
    }

    /// That a voxel differs by more than this.
    pub fn beyond(&self, tolerance: f64) -> Shortfall {
        let value = self.difference.largest().filter(|_| self.difference.unlike == 0);
        Shortfall { row: "image".into(), key: "max_abs".into(), value, bound: Bound::AtMost(tolerance) }
    }

    /// What is not good enough.
    pub fn shortfalls(&self, limits: &[Limit]) -> Vec<Shortfall> {
        shortfalls("image", &self.measures(), limits)
    }
}
