//! A segmentation as one page.

use super::super::header::HeaderFinding;
use super::super::words::{count, decimals, number_among};
use super::super::{PROGRAM, Provenance};
use super::{FurtherChannel, MixtureClass, MixtureFinding};
use crate::Result;
use crate::report::html::MethodRow;
use crate::report::{Report, Slice};

impl MixtureFinding<'_> {
    /// Figure, classes, method and fit.
    ///
    /// # Errors
    /// As [`MixtureFinding::figure`].
    pub fn page(&self, channels: (&[Slice], &[FurtherChannel]), labels: &[Slice], provenance: &Provenance) -> Result<Report> {
        let input = self.segmentation.input();
        let fit = &self.segmentation.mixture().fit;
        let method = match self.method() {
            "exact" => {
                "EM over (value, count) pairs, which is EM over the voxels, in 64-bit numbers. The label of a voxel is the class of most posterior probability."
            }
            _ => {
                "EM over the voxels: responsibilities in 32-bit numbers, sums in 64. The label of a voxel is the class of most posterior probability."
            }
        };
        let fitted = format!(
            "Mean log-likelihood {:.7} over {} voxels after {} iterations ({}); BIC {:.2}, AIC {:.2}.",
            fit.log_likelihood,
            count(fit.count),
            fit.iterations,
            if fit.converged { "converged" } else { "not converged" },
            fit.bic(),
            fit.aic()
        );
        Ok(Report {
            title: "Gaussian mixture".into(),
            summary: HeaderFinding { header: input }.line(),
            figures: vec![(String::new(), self.figure("", channels, labels)?)],
            columns: self.classes.iter().map(|c| c.name.clone()).collect(),
            statistics: self.statistics(),
            method: vec![
                MethodRow::code("Command", provenance.command.as_str()),
                MethodRow::code("Formula", "p(j | x) = w_j N(x; m_j, C_j) / sum over i of w_i N(x; m_i, C_i)"),
                MethodRow::text("Method", method),
                MethodRow::text("Fit", fitted),
                MethodRow::text(
                    "Start",
                    self.start_line().unwrap_or_else(|| self.segmentation.trials().winner().start.to_string()),
                ),
                MethodRow::text("Device", provenance.device.as_str()),
            ],
            warnings: self.notes().iter().map(provenance.words).collect(),
            notes: input.origin.notes.iter().chain(&provenance.events).cloned().collect(),
            program: PROGRAM.into(),
        })
    }

    /// A column for each class.
    fn statistics(&self) -> Vec<(String, Vec<String>)> {
        let row = |name: &str, value: &dyn Fn(&MixtureClass<'_>) -> String| {
            (name.to_owned(), self.classes.iter().map(value).collect::<Vec<_>>())
        };
        let spread = |a: usize| self.classes.iter().map(|c| c.gaussian.std(a)).fold(0.0, f64::max);
        let each = |values: &dyn Fn(usize) -> f64, n: usize| {
            (0..n).map(|a| number_among(values(a), spread(a))).collect::<Vec<_>>().join(", ")
        };
        let mut rows = vec![
            row("mean", &|c| each(&|a| c.gaussian.mean[a], c.gaussian.mean.len())),
            row("standard deviation", &|c| each(&|a| c.gaussian.std(a), c.gaussian.mean.len())),
            row("weight", &|c| decimals(c.gaussian.weight, 5)),
            row("voxels", &|c| count(c.voxels)),
            row(if self.size.key == "ml" { "volume (mL)" } else { "area (mm²)" }, &|c| {
                c.size.map_or("-".into(), |size| decimals(size, 3))
            }),
        ];
        if self.classes.iter().any(|c| c.overlap.is_some()) {
            rows.push(row("Dice", &|c| c.overlap.map_or("-".into(), |o| o.dice().map_or("n/a".into(), |v| format!("{v:.4}")))));
            rows.push(row("IoU", &|c| c.overlap.map_or("-".into(), |o| o.iou().map_or("n/a".into(), |v| format!("{v:.4}")))));
        }
        rows
    }
}
