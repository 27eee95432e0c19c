//! A segmentation into tissues as one page.

use super::super::header::HeaderFinding;
use super::super::words::{count, decimals};
use super::super::{PROGRAM, Provenance};
use super::{TissueFinding, TissueSlices};
use crate::Result;
use crate::report::Report;
use crate::report::html::MethodRow;

impl TissueFinding<'_> {
    /// Figure, classes and method.
    ///
    /// # Errors
    /// As [`TissueFinding::figure`].
    pub fn page(&self, slices: &TissueSlices, provenance: &Provenance) -> Result<Report> {
        let (tissue, written) = (self.tissue, self.written);
        let classes = 0..tissue.classes().len();
        let row = |name: &str, value: &dyn Fn(usize) -> String| (name.to_owned(), classes.clone().map(value).collect::<Vec<_>>());
        let mut statistics = vec![
            row("mean", &|i| decimals(tissue.real(0, tissue.classes()[i].mean), 2)),
            row("standard deviation", &|i| decimals(tissue.real_std(0, tissue.classes()[i].std), 2)),
            row("voxels", &|i| count(written.voxels[i + 1])),
            row(if self.size().key == "ml" { "volume (mL)" } else { "area (mm²)" }, &|i| {
                self.size().of(written.voxels[i + 1]).map_or("-".into(), |size| decimals(size, 3))
            }),
        ];
        if let Some(confusion) = &written.confusion {
            let share = |value: Option<f64>| value.map_or("n/a".into(), |v| format!("{v:.4}"));
            statistics.push(row("Dice", &|i| share(confusion.of(i + 1).dice())));
            statistics.push(row("IoU", &|i| share(confusion.of(i + 1).iou())));
        }
        let rounds = format!(
            "{} sweeps; {} of {} voxels changed in the last. Each of six like neighbours is worth {} nats in the end; {}.",
            tissue.rounds().len(),
            count(self.changed()),
            count(tissue.voxels()),
            tissue.options().beta,
            self.gain_line()
        );
        Ok(Report {
            title: self.title.into(),
            summary: HeaderFinding { header: tissue.input() }.line(),
            figures: vec![(String::new(), self.figure("", slices)?)],
            columns: classes.clone().map(|i| self.name(i)).collect(),
            statistics,
            method: vec![
                MethodRow::code("Command", provenance.command.as_str()),
                MethodRow::code(
                    "Formula",
                    "E(k) = (c - m_k)² / 2 s_k² + ln s_k - beta · sum over neighbours of q_k; image = corrected · gain",
                ),
                MethodRow::text(
                    "Method",
                    "Soft classes q relaxed in whole numbers, all voxels at once; classes learnt from exact histograms, the gain from exact sums over blocks (a hidden Markov random field after Zhang, Brady and Smith 2001).",
                ),
                MethodRow::text("Rounds", rounds),
                MethodRow::text("Device", provenance.device.as_str()),
            ],
            warnings: self.notes().iter().map(provenance.words).collect(),
            notes: tissue.input().origin.notes.iter().chain(&provenance.events).cloned().collect(),
            program: PROGRAM.into(),
        })
    }
}
