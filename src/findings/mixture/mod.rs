//! What a segmentation by a Gaussian mixture found.

mod figure;
mod page;

pub use figure::FurtherChannel;

use super::rows::{Rows, Value};
use super::words::{Digits, absence, count, decimals, number_among};
use super::{Note, Provenance, Size};
use crate::analysis::mixture::{ClassSpan, Gaussian, Start, Trial};
use crate::analysis::overlap::{Absence, Overlap};
use crate::pipelines::{Segmentation, Written};

/// A fitted mixture and the labels that were written.
#[derive(Debug)]
pub struct MixtureFinding<'a> {
    /// The mixture.
    pub segmentation: &'a Segmentation,
    /// The voxels of each label, and how they agree with the truth.
    pub written: &'a Written,
    /// The classes by mean.
    pub classes: Vec<MixtureClass<'a>>,
    /// What a voxel adds to the size of its class.
    pub size: Size,
}

/// One class of a mixture.
#[derive(Debug)]
pub struct MixtureClass<'a> {
    /// Its label, from 1.
    pub label: usize,
    /// Its name.
    pub name: String,
    /// Its bell.
    pub gaussian: &'a Gaussian,
    /// Voxels with its label.
    pub voxels: u64,
    /// In the unit of [`MixtureFinding::size`], where the spacing is known.
    pub size: Option<f64>,
    /// Against the truth, if there is one.
    pub overlap: Option<Overlap>,
}

impl<'a> MixtureFinding<'a> {
    /// Classes without a name are numbered.
    pub fn new(segmentation: &'a Segmentation, written: &'a Written, names: &[String]) -> Self {
        let size = Size::new(segmentation.header());
        let class = |(i, gaussian)| {
            let label = i + 1;
            let voxels = written.voxels[label];
            MixtureClass {
                label,
                name: names.get(i).cloned().unwrap_or_else(|| format!("class {label}")),
                gaussian,
                voxels,
                size: size.of(voxels),
                overlap: written.confusion.as_ref().map(|c| c.of(label)),
            }
        };
        let classes = segmentation.mixture().components.iter().enumerate().map(class).collect();
        Self { segmentation, written, classes, size }
    }

    /// The method in a word: `exact` or `voxel`.
    pub fn method(&self) -> &'static str {
        if self.segmentation.spans().is_some() { "exact" } else { "voxel" }
    }

    /// What the reader should know before using the labels.
    pub fn notes(&self) -> Vec<Note> {
        let fit = &self.segmentation.mixture().fit;
        let mut notes = Vec::new();
        if !fit.converged {
            notes.push(Note::NotConverged { iterations: fit.iterations });
        }
        let nowhere = self.classes.iter().filter(|c| c.voxels == 0);
        notes.extend(nowhere.map(|c| Note::ClassNowhere { name: c.name.clone() }));
        notes.extend(self.order_notes());
        let not_finite = self.segmentation.not_finite();
        if not_finite > 0 {
            notes.push(Note::NotFinite { voxels: not_finite });
        }
        let unknown = self.classes.iter().filter(|c| c.overlap.is_some_and(|o| o.both + o.true_only == 0));
        notes.extend(unknown.map(|c| Note::NoTruth { label: c.label, name: c.name.clone() }));
        if let Some(c) = self.written.confusion.as_ref().filter(|c| c.strange > 0) {
            notes.push(Note::StrangeTruth { voxels: c.strange, classes: self.classes.len() });
        }
        notes
    }

    /// From the least value that takes part to the largest.
    fn spread(&self) -> f64 {
        let (values, _) = self.segmentation.values();
        values.first().zip(values.last()).map_or(0.0, |(first, last)| last.0 - first.0)
    }

    /// How means and standard deviations of each channel are written.
    fn digits(&self) -> Vec<Digits> {
        let most = |of: &dyn Fn(&Gaussian) -> f64| self.classes.iter().map(|c| of(c.gaussian)).fold(0.0, f64::max);
        let channel = |a| Digits::new(4, most(&|g| g.std(a)), most(&|g| g.mean[a].abs()));
        (0..self.classes.first().map_or(0, |c| c.gaussian.mean.len())).map(channel).collect()
    }

    /// Where labels do not simply rise with the value.
    fn order_notes(&self) -> Vec<Note> {
        let spans = self.segmentation.spans().unwrap_or_default();
        let spread = self.spread();
        let mut notes = Vec::new();
        for class in &self.classes {
            let own = spans.iter().filter(|s| usize::from(s.label) == class.label);
            let parts: Vec<String> =
                own.map(|s| format!("{} to {}", number_among(s.from, spread), number_among(s.to, spread))).collect();
            if parts.len() > 1 {
                notes.push(Note::ClassInParts { name: class.name.clone(), parts });
            }
        }
        if notes.is_empty() && spans.windows(2).any(|pair| pair[0].label > pair[1].label) {
            notes.push(Note::ClassesOutOfOrder);
        }
        notes
    }

    /// Classes, fit, method, and what to know.
    pub fn rows(&self, provenance: &Provenance) -> Rows {
        let fit = &self.segmentation.mixture().fit;
        let span = |s: &ClassSpan| {
            let mut rows = Rows::new();
            rows.key("label", u64::from(s.label));
            rows.key("from", s.from);
            rows.key("to", s.to);
            rows
        };
        let mut rows = Rows::new();
        let trials = self.segmentation.trials();
        let digits = self.digits();
        rows.key("classes", self.classes.iter().map(|c| self.class_rows(c, &digits)).collect::<Vec<_>>());
        rows.key("log_likelihood", fit.log_likelihood);
        rows.key("iterations", u64::from(fit.iterations));
        rows.key("converged", fit.converged);
        rows.key("bic", fit.bic());
        rows.key("aic", fit.aic());
        rows.key("count", fit.count);
        rows.key("not_finite", self.segmentation.not_finite());
        rows.key("method", self.method());
        rows.key("start", trials.winner().start.name());
        rows.key("starts", trials.all.iter().map(trial_rows).collect::<Vec<_>>());
        rows.key("starts_tried", trials.all.len());
        rows.key("starts_over", if self.method() == "exact" { "histogram" } else { "histogram of the first channel" });
        rows.key("above_otsu", trials.above(&Start::Otsu).filter(|_| trials.all.len() > 1));
        rows.key("second", trials.second().map(|second| second.start.name()));
        rows.key("above_second", trials.second().and_then(|second| trials.above(&second.start)));
        rows.key("device", provenance.device.as_str());
        rows.key("runs", self.segmentation.spans().map(|all| all.iter().map(span).collect::<Vec<_>>()));
        rows.key("notes", provenance.notes(&self.notes()));
        rows.key("events", provenance.events.as_slice());
        rows
    }

    /// One class. People read fewer digits, and the overlap in a table of its own.
    fn class_rows(&self, c: &MixtureClass<'_>, digits: &[Digits]) -> Rows {
        let g = c.gaussian;
        let mut rows = Rows::new();
        rows.add("label", "label", c.label, "");
        rows.add("name", "name", c.name.as_str(), "");
        rows.add("mean", "mean", channels(g, digits, |a| g.mean[a]), "");
        rows.add("std", "std", channels(g, digits, |a| g.std(a)), "");
        rows.add("weight", "weight", Value::from(g.weight).read_as(decimals(g.weight, 5)), "");
        rows.add("voxels", "voxels", c.voxels, "");
        let size = c.size.map(|size| Value::from(size).read_as(decimals(size, 3)));
        rows.add(self.size.key, self.size.unit, size, self.size.unit);
        if g.mean.len() > 1 {
            let line = |a| (0..g.mean.len()).map(|b| g.covariance(a, b)).collect::<Vec<_>>();
            rows.key("covariance", (0..g.mean.len()).map(line).collect::<Vec<_>>());
        }
        if let Some(o) = c.overlap {
            let mut truth = Rows::new();
            truth.key("dice", o.dice());
            truth.key("iou", o.iou());
            truth.key("both", o.both);
            truth.key("found_only", o.found_only);
            truth.key("true_only", o.true_only);
            truth.key("empty", o.absence() == Some(Absence::FromBoth));
            truth.key("reason", o.absence().map(absence));
            rows.key("truth", truth);
        }
        rows
    }

    /// A table of the classes, the fit in a line, and a table of how labels agree with the truth.
    pub fn text(&self, provenance: &Provenance) -> String {
        let fit = &self.segmentation.mixture().fit;
        let digits = self.digits();
        let classes: Vec<Rows> = self.classes.iter().map(|c| self.class_rows(c, &digits)).collect();
        let overlaps: Vec<Rows> = self.classes.iter().filter_map(|c| Some(overlap_rows(c.label, &c.name, &c.overlap?))).collect();
        let fitted = format!(
            "log-likelihood {:.7} a voxel after {} iterations{}; {} voxels; BIC {:.2}, AIC {:.2}; {} method on {}\n",
            fit.log_likelihood,
            fit.iterations,
            if fit.converged { "" } else { ", not converged" },
            count(fit.count),
            fit.bic(),
            fit.aic(),
            self.method(),
            provenance.device
        );
        let agreement = if overlaps.is_empty() { String::new() } else { Rows::columns(&overlaps).table() };
        let started = self.start_line().map_or_else(String::new, |line| line + "\n");
        Rows::columns(&classes).table() + &fitted + &started + &agreement
    }

    /// How many starts were tried and which won; none if only one was asked for.
    fn start_line(&self) -> Option<String> {
        let trials = self.segmentation.trials();
        let name = trials.winner().start.name();
        let second = trials.second().map(|second| &second.start);
        let mut leads = Vec::new();
        let known = [(Some(&Start::Otsu), ""), (second, ", the second")];
        for (start, role) in known.into_iter().filter_map(|(start, role)| Some((start?, role))) {
            if let Some(above) = trials.above(start).filter(|_| *start != trials.winner().start) {
                leads.push(format!("{above:.7} above {}{role}", start.name()));
            }
        }
        if leads.len() == 2 && second == Some(&Start::Otsu) {
            leads.remove(0);
        }
        let tried = (trials.all.len() > 1).then(|| format!("best of {} starts: {name}", trials.all.len()))?;
        let over =
            if self.method() == "exact" { "" } else { " (over the histogram of the first channel; the voxels start from it)" };
        let left = match trials.left_out() {
            0 => String::new(),
            1 => "; 1 start left out, in which a class collapsed onto one value".into(),
            n => format!("; {n} starts left out, in which a class collapsed onto one value"),
        };
        Some(std::iter::once(tried).chain(leads).collect::<Vec<_>>().join(", ") + &left + over)
    }
}

/// How a class agrees with the truth, as people read it.
pub(super) fn overlap_rows(label: usize, name: &str, o: &Overlap) -> Rows {
    let share = |v: Option<f64>| {
        let why = || format!("n/a ({})", o.absence().map_or("", absence));
        Value::from(v).read_as(v.map_or_else(why, |v| format!("{v:.4}")))
    };
    let mut rows = Rows::new();
    rows.words("label", label, "");
    rows.words("name", name, "");
    rows.words("Dice", share(o.dice()), "");
    rows.words("IoU", share(o.iou()), "");
    rows.words("true +", o.both, "");
    rows.words("false +", o.found_only, "");
    rows.words("false -", o.true_only, "");
    rows
}

/// What one start led to.
fn trial_rows(trial: &Trial) -> Rows {
    let mut rows = Rows::new();
    rows.key("start", trial.start.name());
    rows.key("log_likelihood", trial.fit.map(|fit| fit.log_likelihood));
    rows.key("iterations", trial.fit.map(|fit| u64::from(fit.iterations)));
    rows.key("converged", trial.fit.is_some_and(|fit| fit.converged));
    rows.key("collapsed", trial.collapsed);
    rows
}

/// One number for each channel; of one channel the number itself.
fn channels(gaussian: &Gaussian, digits: &[Digits], value: impl Fn(usize) -> f64) -> Value {
    let all: Vec<f64> = (0..gaussian.mean.len()).map(value).collect();
    let read = all.iter().zip(digits).map(|(v, digits)| digits.write(*v)).collect::<Vec<_>>().join(", ");
    match all.as_slice() {
        [one] => Value::from(*one),
        several => Value::from(several),
    }
    .read_as(read)
}
