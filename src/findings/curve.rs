//! What changes over time: volumes and intensities of labels, frame by frame.

use std::collections::BTreeMap;

use super::rows::Value;
use super::words::number;
use super::{Provenance, Rows};
use crate::Result;
use crate::pipelines::LabelRegion;
use crate::report::{Key, LinePlot, Panel, Picture, Plot, PlotLine, Svg, figure};
use crate::volume::Header;

/// Labels over time.
#[derive(Debug, Clone, Copy)]
pub struct CurveFinding<'a> {
    /// Of the label map.
    pub labels: &'a Header,
    /// Of the image, if there is one, whose intensities are told.
    pub image: Option<&'a Header>,
    /// By volume, then by label.
    pub regions: &'a [LabelRegion],
    /// Of labels that have some.
    pub names: &'a BTreeMap<u16, String>,
}

/// The frames in which a label is largest and smallest, with its volumes in mL there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Beat {
    pub end_diastole: (u64, f64),
    pub end_systole: (u64, f64),
}

impl Beat {
    /// What is pumped: the difference in mL.
    pub fn stroke_volume_ml(&self) -> f64 {
        self.end_diastole.1 - self.end_systole.1
    }

    /// The share of the largest volume that is pumped.
    pub fn ejection_fraction(&self) -> f64 {
        self.stroke_volume_ml() / self.end_diastole.1
    }
}

impl CurveFinding<'_> {
    fn frames(&self) -> u64 {
        self.image.unwrap_or(self.labels).grid.shape.volumes()
    }

    /// Seconds from the first frame of each: from the spacing in time, else from the trigger times of a series.
    pub fn times_s(&self) -> Option<Vec<f64>> {
        let grid = &self.image.unwrap_or(self.labels).grid;
        if let Some(step) = grid.time_step_s.filter(|step| *step > 0.0) {
            return Some((0..self.frames()).map(|t| t as f64 * step).collect());
        }
        let mark = grid.volume_marks.iter().find(|mark| mark.name.to_ascii_lowercase().contains("time"))?;
        let unit = match mark.unit.as_str() {
            "ms" => 1e-3,
            "s" => 1.0,
            _ => return None,
        };
        Some(mark.values.iter().map(|value| value * unit).collect())
    }

    fn labels(&self) -> Vec<u16> {
        let mut all: Vec<u16> = self.regions.iter().map(|region| region.label).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    fn name(&self, label: u16) -> String {
        self.names.get(&label).cloned().unwrap_or_else(|| format!("label {label}"))
    }

    fn at(&self, volume: u64, label: u16) -> Option<&LabelRegion> {
        let place = self.regions.binary_search_by_key(&(volume, label), |region| (region.volume, region.label)).ok()?;
        self.regions.get(place)
    }

    /// In mL where the spacing is known; 0 where the label does not occur.
    fn volume_ml(&self, volume: u64, label: u16) -> Option<f64> {
        let known = self.labels.grid.geometry.is_some();
        known.then(|| self.at(volume, label).map_or(0.0, |region| region.shape.volume_mm3 / 1000.0))
    }

    /// Where a label is largest and smallest; none without a spacing, or where it does not change. Of equal frames the first.
    pub fn beat(&self, label: u16) -> Option<Beat> {
        let volumes: Vec<(u64, f64)> = (0..self.frames()).filter_map(|t| Some((t, self.volume_ml(t, label)?))).collect();
        let first = *volumes.first()?;
        let end =
            |more: fn(f64, f64) -> bool| volumes.iter().fold(first, |best, own| if more(own.1, best.1) { *own } else { best });
        let (end_diastole, end_systole) = (end(|a, b| a > b), end(|a, b| a < b));
        (end_diastole.1 > end_systole.1).then_some(Beat { end_diastole, end_systole })
    }

    /// A line for each frame and label.
    fn lines(&self) -> Vec<Rows> {
        let times = self.times_s();
        let labels = self.labels();
        let mut lines = Vec::new();
        for t in 0..self.frames() {
            for label in &labels {
                let region = self.at(t, *label);
                let mut rows = Rows::new();
                rows.add("time", "time", t, "");
                rows.add("time_s", "s", times.as_ref().map(|times| times[t as usize]), "");
                rows.add("label", "label", u64::from(*label), "");
                if !self.names.is_empty() {
                    rows.add("name", "name", Value::Text(self.name(*label)), "");
                }
                rows.add("voxels", "voxels", region.map_or(0, |region| region.voxels), "");
                rows.add("volume_ml", "mL", self.volume_ml(t, *label), "");
                if self.image.is_some() {
                    let f = region.and_then(|region| region.intensity.as_ref()).map(|found| found.features);
                    rows.add("mean", "mean", f.map(|f| f.mean), "");
                    rows.add("median", "median", f.map(|f| f.median), "");
                    rows.add("std", "std", f.map(|f| f.variance.sqrt()), "");
                    rows.add("min", "min", f.map(|f| f.min), "");
                    rows.add("max", "max", f.map(|f| f.max), "");
                }
                lines.push(rows);
            }
        }
        lines
    }

    /// Beats of labels whose volumes change: what a ventricle is asked for.
    fn beats(&self) -> Vec<Rows> {
        let of = |label: u16| -> Option<Rows> {
            let beat = self.beat(label)?;
            let mut rows = Rows::new();
            rows.add("label", "label", u64::from(label), "");
            rows.add("name", "name", Value::Text(self.name(label)), "");
            rows.add("end_diastolic_volume_ml", "largest (mL)", beat.end_diastole.1, "");
            rows.add("end_diastole_time", "at", beat.end_diastole.0, "");
            rows.add("end_systolic_volume_ml", "smallest (mL)", beat.end_systole.1, "");
            rows.add("end_systole_time", "at", beat.end_systole.0, "");
            rows.add("stroke_volume_ml", "stroke (mL)", beat.stroke_volume_ml(), "");
            let fraction = beat.ejection_fraction();
            rows.add(
                "ejection_fraction",
                "ejected",
                Value::from(fraction).read_as(format!("{} %", number(100.0 * fraction))),
                "",
            );
            Some(rows)
        };
        if self.moves() { self.labels().into_iter().filter_map(of).collect() } else { Vec::new() }
    }

    /// Whether labels have a volume of their own in each frame.
    fn moves(&self) -> bool {
        self.labels.grid.shape.volumes() > 1
    }

    /// Where a picture shows most: the label that pumps most with its [beat](Self::beat), and its middle, as a voxel, where it is largest.
    pub fn shown(&self) -> Option<(Beat, [u64; 3])> {
        let beats = self.labels().into_iter().filter(|_| self.moves()).filter_map(|label| Some((label, self.beat(label)?)));
        let (label, beat) = beats.max_by(|a, b| a.1.stroke_volume_ml().total_cmp(&b.1.stroke_volume_ml()))?;
        Some((beat, self.at(beat.end_diastole.0, label)?.centre.map(|at| at.round() as u64)))
    }

    /// What to write above frame `t`: `end diastole, frame 0 (0 s)`.
    pub fn frame_title(&self, what: &str, t: u64) -> String {
        let time =
            self.times_s().map_or(String::new(), |times| format!(" ({} s)", number((1e3 * times[t as usize]).round() / 1e3)));
        format!("{what}, frame {t}{time}")
    }

    /// One object with a row for each frame and label.
    pub fn rows(&self, provenance: &Provenance) -> Rows {
        let mut rows = Rows::new();
        rows.key("frames", self.frames());
        rows.key("rows", Value::List(self.lines().into_iter().map(Value::Rows).collect()));
        rows.key("beats", Value::List(self.beats().into_iter().map(Value::Rows).collect()));
        rows.key("unit", self.image.map(|image| image.meaning.unit.symbol().to_owned()));
        rows.key("device", provenance.device.as_str());
        rows.key("events", provenance.events.as_slice());
        rows
    }

    /// Frames and labels, then beats.
    pub fn text(&self) -> String {
        let (lines, beats) = (self.lines(), self.beats());
        if lines.is_empty() {
            return "no voxel has a label other than 0\n".into();
        }
        let table = Rows::columns(&lines).table();
        if beats.is_empty() { table } else { format!("{table}\n{}", Rows::columns(&beats).table()) }
    }

    /// All frames as CSV.
    pub fn csv(&self) -> String {
        Rows::columns(&self.lines()).csv()
    }

    /// Volumes over time where labels move, and means where there is an image; above them the `ends` of a beat, if there are any: titles and pictures.
    ///
    /// # Errors
    /// What drawing gives.
    pub fn figure(&self, ends: Vec<(String, Picture)>, keys: &[Key]) -> Result<Svg> {
        let mut plots = Vec::new();
        plots.extend((self.moves() || self.image.is_none()).then(|| self.plot(false)));
        plots.extend(self.image.is_some().then(|| self.plot(true)));
        if ends.is_empty() && plots.len() == 1 {
            return Ok(figure::plot("Over time", &Plot::from(plots.remove(0))));
        }
        let (mut ends, mut plots) = (ends.into_iter(), plots.into_iter());
        let mut panels = Vec::new();
        loop {
            let (end, plot) = (ends.next(), plots.next());
            if end.is_none() && plot.is_none() {
                return figure::side_by_side("Over time", &panels);
            }
            let (title, pictures) = end.map_or_else(Default::default, |(title, picture)| (title, vec![picture]));
            let keys = if pictures.is_empty() { Vec::new() } else { keys.to_vec() };
            panels.push(Panel { title, pictures, keys, plot: plot.map(Plot::from) });
        }
    }

    /// Lines of volumes or of means.
    fn plot(&self, means: bool) -> LinePlot {
        let times = self.times_s();
        let across = if times.is_some() { "time (s)" } else { "frame" };
        let place = |t: u64| times.as_ref().map_or(t as f64, |times| times[t as usize]);
        let value = |t: u64, label: u16| match means {
            false => self.volume_ml(t, label).or_else(|| Some(self.at(t, label).map_or(0.0, |region| region.voxels as f64))),
            true => self.at(t, label).and_then(|region| region.intensity.as_ref()).map(|found| found.features.mean),
        };
        let line = |label: u16| PlotLine {
            name: self.name(label),
            points: (0..self.frames()).filter_map(|t| Some((place(t), value(t, label)?))).collect(),
        };
        let unit = self.image.map_or("", |image| image.meaning.unit.symbol());
        let up = match (means, self.labels.grid.geometry.is_some()) {
            (true, _) if unit.is_empty() => "mean".into(),
            (true, _) => format!("mean ({unit})"),
            (false, true) => "volume (mL)".into(),
            (false, false) => "voxels".into(),
        };
        LinePlot { across: across.into(), up, lines: self.labels().into_iter().map(line).collect() }
    }
}
