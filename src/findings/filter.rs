//! What a chain did in which steps look at neighbours.

use super::header::shape;
use super::mapping::MappingFinding;
use super::pictures::{greys, own_greys};
use super::words::number;
use super::{Note, Provenance, Rows};
use crate::Result;
use crate::pipelines::{Decided, Filtering};
use crate::report::{Panel, Shade, Slice, Svg, figure};
use crate::volume::Header;

/// A chain, decided on.
#[derive(Debug, Clone, Copy)]
pub struct FilterFinding<'a> {
    /// What was done.
    pub filtering: &'a Filtering,
}

impl FilterFinding<'_> {
    fn last(&self) -> Option<MappingFinding<'_>> {
        self.filtering.last().map(|mapping| MappingFinding { mapping })
    }

    /// What the reader should know before using the result.
    pub fn notes(&self) -> Vec<Note> {
        self.last().map(|last| last.notes()).unwrap_or_default()
    }

    /// Type and shape of the result, and each step with what it took from the voxels.
    pub fn rows(&self, provenance: &Provenance) -> Rows {
        let out = self.filtering.header();
        let mut rows = Rows::new();
        rows.key("shape", shape(out));
        rows.key("dtype", out.meaning.dtype.name());
        rows.key("unit", out.meaning.unit.symbol());
        rows.key("input_unit", self.filtering.input().meaning.unit.symbol());
        let mut steps: Vec<Rows> = self.filtering.decided().iter().map(step_rows).collect();
        if let Some(last) = self.last() {
            steps.extend(last.step_rows());
        }
        rows.key("steps", steps);
        if let Some(last) = self.last() {
            rows.extend(last.count_rows());
        }
        rows.key("counting_passes", u64::from(self.filtering.counting_passes()));
        rows.key("notes", provenance.notes(&self.notes()));
        rows.key("device", provenance.device.as_str());
        rows.key("events", provenance.events.as_slice());
        rows
    }

    /// Shape, type and device, then a line for each step.
    pub fn text(&self, provenance: &Provenance) -> String {
        let Header { grid, meaning, .. } = self.filtering.header();
        let mut text = format!("{} {}, on {}\n", grid.shape, meaning.dtype, provenance.device);
        for Decided { step, facts } in self.filtering.decided() {
            let facts: Vec<String> = facts.iter().map(|(name, value)| format!("{name} {}", number(*value))).collect();
            text += &if facts.is_empty() { format!("  {step}\n") } else { format!("  {step}  ({})\n", facts.join(", ")) };
        }
        text + &self.last().map(|last| last.text()).unwrap_or_default()
    }

    /// Slices before, in `shade`, and after: in the same greys where the numbers mean the same. `before` is the header that the first slices were taken with:
    /// of wide types it is a narrowed one.
    ///
    /// # Errors
    /// What drawing gives.
    pub fn figure(&self, (before, shade): (&Header, &Shade), [slices, results]: [&[Slice]; 2]) -> Result<Svg> {
        let out = self.filtering.header();
        let pictures = greys(before, slices, &before.meaning.rescale, shade)?;
        let original = Panel { title: "Original".into(), pictures, ..Panel::default() };
        let mut result = match self.last() {
            Some(last) => last.result(results)?,
            None => {
                let shade = if out.meaning == self.filtering.input().meaning { *shade } else { own_greys(out, results) };
                Panel { pictures: greys(out, results, &out.meaning.rescale, &shade)?, ..Panel::default() }
            }
        };
        let mut steps: Vec<String> = self.filtering.decided().iter().map(|d| d.step.clone()).collect();
        steps.extend((!result.title.is_empty()).then_some(result.title));
        result.title = steps.join(", ");
        figure::side_by_side("Filter", &[original, result])
    }
}

fn step_rows(Decided { step, facts }: &Decided) -> Rows {
    let mut rows = Rows::new();
    rows.key("step", step.as_str());
    facts.iter().for_each(|(name, value)| rows.key(*name, *value));
    rows
}
