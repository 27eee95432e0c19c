//! What a chain of point-wise steps did.

mod equalization;
mod figure;

pub use equalization::EqualizationFinding;
pub use figure::after;
pub(super) use figure::histogram;

use super::header::shape;
use super::rows::Rows;
use super::words::{count, number, number_among, with_unit};
use super::{Note, Provenance, Size};
use crate::analysis::steps::{Scale, Step, Voi};
use crate::pipelines::Mapping;
use crate::volume::Unit;

/// What a chain of steps did: what it took from the voxels, what it wrote, and the classes if it ends in a threshold.
#[derive(Debug, Clone, Copy)]
pub struct MappingFinding<'a> {
    /// The steps, decided on.
    pub mapping: &'a Mapping,
}

impl MappingFinding<'_> {
    /// What the reader should know before using the result.
    pub fn notes(&self) -> Vec<Note> {
        let composed = self.mapping.composed();
        let mut notes = Vec::new();
        if composed.clamped() > 0 {
            notes.push(Note::Clamped { voxels: composed.clamped(), to: composed.to() });
        }
        if self.mapping.input().display.inverted && composed.scale() == Scale::Fraction {
            notes.push(Note::LowIsBright);
        }
        let mut hounsfield = self.mapping.input().meaning.unit == Unit::Hounsfield;
        for (step, _) in composed.facts() {
            if let (Step::Window(Voi::Preset(name, _)), false) = (step, hounsfield) {
                notes.push(Note::PresetWithoutUnit { name });
            }
            hounsfield &= step.keeps_unit();
        }
        notes.extend(composed.blank().iter().map(|b| Note::WindowShowsNothing {
            window: b.window,
            values: b.values,
            percent: 98.0,
        }));
        if composed.scale() == Scale::Classes {
            let padding = self.mapping.before().padding;
            match composed.first_class() {
                0 if padding > 0 && !self.mapping.counts_padding() => notes.push(Note::PaddingIsLowest { voxels: padding }),
                0 => {}
                _ => notes.push(Note::ClassesFromOne),
            }
        }
        notes
    }

    /// Type and shape of the result, each step with what it took from the voxels, and what did not count.
    pub fn rows(&self, provenance: &Provenance) -> Rows {
        let (mapping, out) = (self.mapping, self.mapping.header());
        let mut rows = Rows::new();
        rows.key("shape", shape(out));
        rows.key("dtype", out.meaning.dtype.name());
        rows.key("unit", out.meaning.unit.symbol());
        rows.key("input_unit", mapping.input().meaning.unit.symbol());
        rows.key("steps", self.step_rows());
        rows.extend(self.count_rows());
        rows.key("notes", provenance.notes(&self.notes()));
        rows.key("device", provenance.device.as_str());
        rows.key("events", provenance.events.as_slice());
        rows
    }

    /// Each step with what it took from the voxels.
    pub(super) fn step_rows(&self) -> Vec<Rows> {
        self.mapping.composed().facts().iter().map(|(step, facts)| step_rows(step, facts)).collect()
    }

    /// What counted, and what did not.
    pub(super) fn count_rows(&self) -> Rows {
        let mapping = self.mapping;
        let mut rows = Rows::new();
        rows.key("count", mapping.counted());
        rows.key("padding", mapping.before().padding);
        rows.key("outside", mapping.outside());
        rows.key("clamped", mapping.composed().clamped());
        rows.key("bins", mapping.bins());
        rows.key("bound", mapping.bound());
        rows
    }

    /// One line: shape, type, voxels that counted, device.
    pub fn line(&self, provenance: &Provenance) -> String {
        let (out, outside) = (self.mapping.header(), self.mapping.outside());
        format!(
            "{} {}, {} voxels counted{}, on {}",
            out.grid.shape,
            out.meaning.dtype,
            count(self.mapping.counted()),
            if outside > 0 { format!(", {} outside of the range", count(outside)) } else { String::new() },
            provenance.device
        )
    }

    /// One line for each step: what it took from the voxels; and how near results of floats are.
    pub fn text(&self) -> String {
        let spread = self.spread();
        let line = |step: &Step, facts: &[(&'static str, f64)]| {
            let facts: Vec<String> =
                facts.iter().map(|(name, value)| format!("{name} {}", number_among(*value, spread))).collect();
            if facts.is_empty() { format!("  {step}\n") } else { format!("  {step}  ({})\n", facts.join(", ")) }
        };
        let mut text: String = self.mapping.composed().facts().iter().map(|(step, facts)| line(step, facts)).collect();
        if let Some(bins) = self.mapping.bins() {
            text += &format!("  statistics of true floats: over {} bins that follow the voxels\n", count(bins as u64));
        }
        if let Some(bound) = self.mapping.bound() {
            text += &format!("  results within {} of the same steps in float64\n", number(bound));
        }
        text
    }

    /// From the least value that counts to the largest.
    fn spread(&self) -> f64 {
        self.mapping.values().ends().map_or(0.0, |(low, high)| high - low)
    }

    fn thresholds(&self) -> &[f64] {
        self.mapping.composed().thresholds().unwrap_or_default()
    }

    /// The thresholds, and each class with its voxels and its size.
    pub fn class_rows(&self) -> Rows {
        let thresholds = self.thresholds();
        let (size, first) = (Size::new(self.mapping.input()), self.mapping.composed().first_class());
        let class = |(class, n): (usize, &u64)| {
            let mut rows = Rows::new();
            rows.key("label", first + class);
            rows.key("above", class.checked_sub(1).map(|i| thresholds[i]));
            rows.key("up_to", thresholds.get(class).copied());
            rows.key("voxels", *n);
            rows.key(size.key, size.of(*n));
            rows
        };
        let mut rows = Rows::new();
        rows.key("thresholds", thresholds);
        rows.key("classes", self.mapping.classes().iter().enumerate().map(class).collect::<Vec<_>>());
        rows
    }

    /// The same in lines.
    pub fn class_text(&self) -> String {
        let (mapping, thresholds) = (self.mapping, self.thresholds());
        let unit = mapping.input().meaning.unit.symbol();
        let spread = self.spread();
        let listed: Vec<String> = thresholds.iter().map(|t| number_among(*t, spread)).collect();
        let mut text = format!("thresholds  {}\n", with_unit(&listed.join(", "), unit));
        let facts = mapping.composed().facts().iter().flat_map(|(_, facts)| facts);
        for (_, share) in facts.filter(|(name, _)| *name == "separability") {
            text += &format!("separability  {} of the variance lies between the classes\n", number(*share));
        }
        if let Some(bins) = mapping.bins() {
            text += &format!("true floats: decided over {} bins that follow the voxels\n", count(bins as u64));
        }
        let size = Size::new(mapping.input());
        let total = mapping.classes().iter().sum::<u64>().max(1) as f64;
        let (names, first) = (class_names(thresholds, unit, spread), mapping.composed().first_class());
        let longest = names.iter().map(String::len).max().unwrap_or(0);
        for (class, (name, n)) in (first..).zip(names.iter().zip(mapping.classes())) {
            let size = size.of(*n).map_or(String::new(), |of_class| format!("  {:>12} {}", number(of_class), size.unit));
            let percent = 100.0 * *n as f64 / total;
            text += &format!("class {class}  {name:<longest$}  {:>14} voxels  {percent:>7.3} %{size}\n", count(*n));
        }
        text
    }
}

/// A step with its facts; several thresholds are one list.
fn step_rows(step: &Step, facts: &[(&'static str, f64)]) -> Rows {
    let (thresholds, single): (Vec<_>, Vec<_>) = facts.iter().copied().partition(|(name, _)| *name == "threshold");
    let mut rows = Rows::new();
    rows.key("step", step.to_string());
    if !thresholds.is_empty() {
        rows.key("thresholds", thresholds.into_iter().map(|(_, value)| value).collect::<Vec<_>>());
    }
    single.into_iter().for_each(|(name, value)| rows.key(name, value));
    rows
}

/// The names of the classes between these thresholds.
fn class_names(thresholds: &[f64], unit: &str, spread: f64) -> Vec<String> {
    let number = |value: f64| number_among(value, spread);
    let real = |value: f64| with_unit(&number(value), unit);
    (0..=thresholds.len())
        .map(|class| match (class.checked_sub(1).map(|i| thresholds[i]), thresholds.get(class)) {
            (None, Some(high)) => format!("up to {}", real(*high)),
            (Some(low), Some(high)) => format!("above {} up to {}", number(low), real(*high)),
            (Some(low), None) => format!("above {}", real(low)),
            (None, None) => "all".into(),
        })
        .collect()
}
