//! What a segmentation into tissues found.

mod figure;
mod page;

pub use figure::TissueSlices;

use super::mixture::overlap_rows;
use super::rows::{Rows, Value};
use super::words::{Digits, absence, count, decimals, number};
use super::{Note, Provenance, Size};
use crate::analysis::overlap::Absence;
use crate::pipelines::{Tissue, Written};

/// Tissues that were told apart, and the labels that were written.
#[derive(Debug)]
pub struct TissueFinding<'a> {
    /// The tissues.
    pub tissue: &'a Tissue,
    /// The voxels of each label, and how they agree with the truth.
    pub written: &'a Written,
    /// Of the classes by label.
    pub names: &'a [String],
    /// Whether a mask said which voxels take part.
    pub masked: bool,
    /// Of figure and page.
    pub title: &'a str,
}

/// More than any brain: mL.
const BRAIN_ML: f64 = 2200.0;

impl TissueFinding<'_> {
    fn name(&self, class: usize) -> String {
        self.names.get(class).cloned().unwrap_or_else(|| format!("class {}", class + 1))
    }

    fn size(&self) -> Size {
        Size::new(self.tissue.input())
    }

    /// What the reader should know before using the labels.
    pub fn notes(&self) -> Vec<Note> {
        let mut notes = Vec::new();
        if !self.masked
            && !self.tissue.options().zeros
            && self.size().of(self.tissue.voxels()).is_some_and(|ml| self.size().key == "ml" && ml > BRAIN_ML)
        {
            notes.push(Note::SkullLeft { ml: self.size().of(self.tissue.voxels()).unwrap_or_default() });
        }
        for (i, class) in self.tissue.classes().iter().enumerate() {
            if class.empty || self.written.voxels[i + 1] == 0 {
                notes.push(Note::ClassNowhere { name: self.name(i) });
            }
        }
        if let Some(value) = self.tissue.shifted() {
            notes.push(Note::BelowZero { value });
        }
        if self.tissue.not_finite() > 0 {
            notes.push(Note::NotFinite { voxels: self.tissue.not_finite() });
        }
        if let Some(confusion) = &self.written.confusion {
            for (i, _) in self.tissue.classes().iter().enumerate() {
                let overlap = confusion.of(i + 1);
                if overlap.both + overlap.true_only == 0 {
                    notes.push(Note::NoTruth { label: i + 1, name: self.name(i) });
                }
            }
            if confusion.strange > 0 {
                notes.push(Note::StrangeTruth { voxels: confusion.strange, classes: self.tissue.classes().len() });
            }
        }
        notes
    }

    /// Voxels whose label changed in the last sweep.
    fn changed(&self) -> u64 {
        self.tissue.rounds().last().map_or(0, |round| round.changed)
    }

    /// Classes, gain, rounds, and what to know.
    pub fn rows(&self, provenance: &Provenance) -> Rows {
        let (options, (low, high)) = (self.tissue.options(), self.tissue.gains(0));
        let mut rows = Rows::new();
        rows.key("classes", self.class_rows());
        rows.key("voxels", self.tissue.voxels());
        rows.key("beta", options.beta);
        rows.key("bias_width_mm", options.bias_width_mm);
        rows.key("gain_min", low);
        rows.key("gain_max", high);
        rows.key("rounds", self.tissue.rounds().len() as u64);
        rows.key("changed", self.tissue.rounds().iter().map(|round| round.changed).collect::<Vec<_>>());
        rows.key("not_finite", self.tissue.not_finite());
        rows.key("device", provenance.device.as_str());
        rows.key("notes", provenance.notes(&self.notes()));
        rows.key("events", provenance.events.as_slice());
        rows
    }

    fn class_rows(&self) -> Vec<Rows> {
        let classes = self.tissue.classes();
        let real = |class: usize| (self.tissue.real(0, classes[class].mean), self.tissue.real_std(0, classes[class].std));
        let most = |of: &dyn Fn(usize) -> f64| (0..classes.len()).map(of).fold(0.0, f64::max);
        let digits = Digits::new(4, most(&|i| real(i).1), most(&|i| real(i).0.abs()));
        let one = |i: usize| {
            let ((mean, std), voxels) = (real(i), self.written.voxels[i + 1]);
            let mut rows = Rows::new();
            rows.add("label", "label", i as u64 + 1, "");
            rows.add("name", "name", self.name(i), "");
            rows.add("mean", "mean", Value::from(mean).read_as(digits.write(mean)), "");
            rows.add("std", "std", Value::from(std).read_as(digits.write(std)), "");
            if let Some(second) = classes[i].second {
                let (mean, std) = (self.tissue.real(1, second.mean), self.tissue.real_std(1, second.std));
                let digits = Digits::new(4, std, mean.abs());
                rows.add("mean_2", "mean 2", Value::from(mean).read_as(digits.write(mean)), "");
                rows.add("std_2", "std 2", Value::from(std).read_as(digits.write(std)), "");
                rows.add("correlation", "r", Value::from(second.correlation).read_as(decimals(second.correlation, 2)), "");
            }
            rows.add("voxels", "voxels", voxels, "");
            let (size, share) = (self.size(), voxels as f64 / self.tissue.voxels() as f64);
            let measured = size.of(voxels).map(|size| Value::from(size).read_as(decimals(size, 3)));
            rows.add(size.key, size.unit, measured, size.unit);
            rows.add("percent", "%", Value::from(100.0 * share).read_as(decimals(100.0 * share, 2)), "");
            if let Some(overlap) = self.written.confusion.as_ref().map(|confusion| confusion.of(i + 1)) {
                let mut truth = Rows::new();
                truth.key("dice", overlap.dice());
                truth.key("iou", overlap.iou());
                truth.key("both", overlap.both);
                truth.key("found_only", overlap.found_only);
                truth.key("true_only", overlap.true_only);
                truth.key("empty", overlap.absence() == Some(Absence::FromBoth));
                truth.key("reason", overlap.absence().map(absence));
                rows.key("truth", truth);
            }
            rows
        };
        (0..classes.len()).map(one).collect()
    }

    /// What the gain is, in a line.
    pub fn gain_line(&self) -> String {
        let (low, high) = self.tissue.gains(0);
        match self.tissue.options().bias_width_mm {
            Some(width) => format!("gain {} to {}, smooth over {} mm", decimals(low, 3), decimals(high, 3), number(width)),
            None => "no gain".into(),
        }
    }

    /// A table of the classes, gain and rounds in a line, and a table of how labels agree with the truth.
    pub fn text(&self, provenance: &Provenance) -> String {
        let rounds = format!(
            "{}; {} sweeps, {} of {} voxels changed in the last; on {}\n",
            self.gain_line(),
            self.tissue.rounds().len(),
            count(self.changed()),
            count(self.tissue.voxels()),
            provenance.device
        );
        let overlaps: Vec<Rows> = match &self.written.confusion {
            Some(confusion) => {
                (1..=self.tissue.classes().len()).map(|i| overlap_rows(i, &self.name(i - 1), &confusion.of(i))).collect()
            }
            None => Vec::new(),
        };
        let agreement = if overlaps.is_empty() { String::new() } else { Rows::columns(&overlaps).table() };
        Rows::columns(&self.class_rows()).table() + &rounds + &agreement
    }
}
