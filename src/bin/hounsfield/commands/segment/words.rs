//! The numbers of a segmentation, as text and as JSON.

use hounsfield::analysis::mixture::Gaussian;
use hounsfield::analysis::overlap::Overlap;
use hounsfield::pipelines::{Segmentation, Written};
use serde_json::{Value, json};

use super::Args;
use crate::text::{count, number};
use hounsfield::findings::Size;

/// All that is said about a segmentation.
pub struct Words<'a> {
    pub segmentation: &'a Segmentation,
    pub classes: Vec<Class<'a>>,
    pub size: Size,
    pub device: String,
    pub events: Vec<String>,
    written: &'a Written,
}

pub struct Class<'a> {
    pub label: usize,
    pub name: String,
    pub gaussian: &'a Gaussian,
    pub voxels: u64,
    /// In the unit of [`Words::size`], where the spacing is known.
    pub size: Option<f64>,
    pub overlap: Option<Overlap>,
}

impl<'a> Words<'a> {
    pub fn new(args: &Args, segmentation: &'a Segmentation, written: &'a Written, device: String, events: Vec<String>) -> Self {
        let size = Size::new(segmentation.header());
        let class = |(i, gaussian)| {
            let label = i + 1;
            let voxels = written.voxels[label];
            Class {
                label,
                name: args.names.get(i).cloned().unwrap_or_else(|| format!("class {label}")),
                gaussian,
                voxels,
                size: size.of(voxels),
                overlap: written.confusion.as_ref().map(|c| c.of(label)),
            }
        };
        let classes = segmentation.mixture().components.iter().enumerate().map(class).collect();
        Self { segmentation, classes, size, device, events, written }
    }

    /// The method in a word.
    pub fn method(&self) -> &'static str {
        if self.segmentation.spans().is_some() { "exact" } else { "voxel" }
    }

    /// What the reader should know before using the labels.
    pub fn notes(&self) -> Vec<String> {
        let fit = &self.segmentation.mixture().fit;
        let mut notes = Vec::new();
        if !fit.converged {
            notes.push(format!("EM did not converge in {} iterations; --max-iter allows more", fit.iterations));
        }
        notes.extend(
            self.classes.iter().filter(|c| c.voxels == 0).map(|c| format!("{} is nowhere the most likely class", c.name)),
        );
        if let Some(runs) = self.segmentation.spans() {
            for class in &self.classes {
                let ranges: Vec<String> = runs
                    .iter()
                    .filter(|r| usize::from(r.label) == class.label)
                    .map(|r| format!("{} to {}", number(r.from), number(r.to)))
                    .collect();
                if ranges.len() > 1 {
                    notes.push(format!(
                        "{} is not contiguous: it holds the values {}; --monotone forbids that",
                        class.name,
                        ranges.join(" and ")
                    ));
                }
            }
            let order: Vec<u8> = runs.iter().map(|r| r.label).collect();
            if order.windows(2).any(|pair| pair[0] > pair[1]) && notes.iter().all(|n| !n.contains("contiguous")) {
                notes.push("classes do not follow each other by value; --monotone makes them".into());
            }
        }
        let not_finite = self.segmentation.not_finite();
        if not_finite > 0 {
            notes.push(format!("{} voxels are NaN or infinite: label 0", count(not_finite)));
        }
        let unknown = |c: &&Class| c.overlap.is_some_and(|o| o.both + o.true_only == 0);
        notes.extend(
            self.classes.iter().filter(unknown).map(|c| format!("the truth has no voxel of label {}, {}", c.label, c.name)),
        );
        if let Some(c) = self.written.confusion.as_ref().filter(|c| c.strange > 0) {
            notes.push(format!(
                "{} voxels of the truth hold no label from 0 to {}: taken as 0",
                count(c.strange),
                self.classes.len()
            ));
        }
        notes
    }

    pub fn text(&self) -> String {
        let fit = &self.segmentation.mixture().fit;
        let mut rows = vec![["label", "name", "mean", "std", "weight", "voxels", self.size.unit].map(str::to_owned).to_vec()];
        for c in &self.classes {
            rows.push(vec![
                c.label.to_string(),
                c.name.clone(),
                channels(c.gaussian, |a| c.gaussian.mean[a]),
                channels(c.gaussian, |a| c.gaussian.std(a)),
                format!("{:.5}", c.gaussian.weight),
                count(c.voxels),
                c.size.map_or("-".into(), |size| format!("{size:.3}")),
            ]);
        }
        let mut text = table(&rows);
        text += &format!(
            "log-likelihood {:.7} a voxel after {} iterations{}; {} voxels; BIC {:.2}, AIC {:.2}; {} method on {}\n",
            fit.log_likelihood,
            fit.iterations,
            if fit.converged { "" } else { ", not converged" },
            count(fit.count),
            fit.bic(),
            fit.aic(),
            self.method(),
            self.device
        );
        let mut rows = vec![["label", "name", "Dice", "IoU", "true +", "false +", "false -"].map(str::to_owned).to_vec()];
        for c in &self.classes {
            let Some(o) = c.overlap else { continue };
            let said = |v: f64| if o.empty() { format!("{v:.4} (empty in both)") } else { format!("{v:.4}") };
            rows.push(vec![
                c.label.to_string(),
                c.name.clone(),
                said(o.dice()),
                said(o.iou()),
                count(o.both),
                count(o.found_only),
                count(o.true_only),
            ]);
        }
        if rows.len() > 1 {
            text += &table(&rows);
        }
        text
    }

    pub fn json(&self) -> Value {
        let joint = self.segmentation.mixture();
        let one = joint.components.iter().all(|g| g.mean.len() == 1);
        let each = |g: &Gaussian, f: &dyn Fn(usize) -> f64| {
            if one { json!(f(0)) } else { json!((0..g.mean.len()).map(f).collect::<Vec<_>>()) }
        };
        let class = |c: &Class| {
            let g = c.gaussian;
            let mut value = json!({
                "label": c.label,
                "name": c.name,
                "mean": each(g, &|a| g.mean[a]),
                "std": each(g, &|a| g.std(a)),
                "weight": g.weight,
                "voxels": c.voxels,
                self.size.key: c.size,
            });
            if !one {
                let row = |a| (0..g.mean.len()).map(|b| g.covariance(a, b)).collect::<Vec<_>>();
                value["covariance"] = json!((0..g.mean.len()).map(row).collect::<Vec<_>>());
            }
            if let Some(o) = c.overlap {
                value["truth"] = json!({
                    "dice": o.dice(), "iou": o.iou(), "both": o.both, "found_only": o.found_only, "true_only": o.true_only,
                    "empty": o.empty(),
                });
            }
            value
        };
        let run = |r: &hounsfield::analysis::mixture::ClassSpan| json!({"label": r.label, "from": r.from, "to": r.to});
        let fit = &joint.fit;
        json!({
            "classes": self.classes.iter().map(class).collect::<Vec<_>>(),
            "log_likelihood": fit.log_likelihood,
            "iterations": fit.iterations,
            "converged": fit.converged,
            "bic": fit.bic(),
            "aic": fit.aic(),
            "count": fit.count,
            "not_finite": self.segmentation.not_finite(),
            "method": self.method(),
            "device": self.device,
            "runs": self.segmentation.spans().map(|all| all.iter().map(run).collect::<Vec<_>>()),
            "notes": self.notes(),
            "events": self.events,
        })
    }
}

/// One number for each channel.
fn channels(gaussian: &Gaussian, value: impl Fn(usize) -> f64) -> String {
    let short = |v: f64| format!("{v:.4}");
    (0..gaussian.mean.len()).map(|a| short(value(a))).collect::<Vec<_>>().join(", ")
}

/// Columns: the second to the left, the others to the right.
fn table(rows: &[Vec<String>]) -> String {
    let width = |column: usize| rows.iter().map(|r| r[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..rows[0].len()).map(width).collect();
    let cell = |(column, text): (usize, &String)| match column {
        1 => format!("{text:<w$}", w = widths[column]),
        _ => format!("{text:>w$}", w = widths[column]),
    };
    rows.iter().map(|row| row.iter().enumerate().map(cell).collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n").collect()
}
