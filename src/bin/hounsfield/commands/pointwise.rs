//! What map, window and threshold share: one count, one decision, one map, and the figure of it.

use std::path::Path;

use hounsfield::Result;
use hounsfield::analysis::distribution::Distribution;
use hounsfield::analysis::steps::{Chain, Composed, Scale};
use hounsfield::io::output::Target;
use hounsfield::pipelines::{Mapping, Pointwise, Region};
use hounsfield::report::colours::{MARKER, label};
use hounsfield::report::{self, Key, Marker, Panel, Picture, Plot, Shade, Slice, Svg, View, display_window, figure};
use hounsfield::volume::{Dtype, Header, Rescale, Rescales};
use serde_json::{Map, Value, json};

use crate::args::{FileArgs, RegionArgs, Shared};
use crate::job::{self, Job};
use crate::text::number;

/// What to do.
pub struct Request<'a> {
    pub input: &'a FileArgs,
    pub output: &'a Path,
    pub figure: Option<&'a Path>,
    pub region: Option<&'a RegionArgs>,
    pub steps: Chain,
    pub to: Option<Dtype>,
    pub title: &'a str,
}

/// What was done.
pub struct Done {
    pub mapping: Mapping,
    pub image: Target,
    pub figure: Option<Target>,
    pub device: String,
    pub events: Vec<String>,
}

/// Does it, and publishes the outputs.
pub fn carry_out(shared: &Shared, request: Request<'_>) -> Result<Done> {
    // Every output is checked before the first voxel is read.
    let mut job = Job::new(shared, request.input, request.region.iter().filter_map(|r| r.mask.as_ref()))?;
    let image = job.output(request.output)?;
    let figure_file = job.figure(request.figure)?;

    let input = job.resolve()?;
    let header = input.header().clone();
    let mask = request.region.map(|region| job.mask(region, &header)).transpose()?.flatten();
    let input = input.masked(mask);
    let picker = job::middles(figure_file.is_some(), &header)?;
    let region = Region {
        range: request.region.and_then(|r| r.r#where),
        with_padding: request.region.is_some_and(|r| r.with_padding == Some(true)),
    };
    let work = Pointwise { to: request.to, region, ..Pointwise::new(request.steps) };
    let observed = input.observed(picker.as_ref().map(|p| p as _));
    let mapping = job.pass("count", header.bytes(), |run| Mapping::new(&observed, &work, run))?;
    drop(observed);
    let composed = mapping.composed();
    if composed.clamped() > 0 {
        let voxels = crate::text::count(composed.clamped());
        job.warn(&format!("{voxels} results do not fit {} and are clamped; --to f32 keeps them", composed.to()));
    }
    if header.display.inverted && composed.scale() == Scale::Fraction {
        job.warn("low values are bright in this file (MONOCHROME1), also in the result; the step invert turns that round");
    }
    job.write((&image, mapping.header()), header.bytes(), |sink, run| mapping.write(sink, run))?;
    if let (Some(file), Some(picker)) = (&figure_file, picker) {
        job.draw(file, &draw(&mapping, &picker.finish(), request.title)?)?;
    }
    job.publish()?;
    if header.origin.burned_in_text && figure_file.is_some() {
        job.warn("text may be burnt into the pixels: look at the picture before sharing it");
    }
    let device = job.device()?.name().to_owned();
    Ok(Done { mapping, image, figure: figure_file, device, events: job.events })
}

/// What every result says of itself in JSON.
pub fn as_json(done: &Done) -> Map<String, Value> {
    let (mapping, out) = (&done.mapping, done.mapping.header());
    let steps: Vec<Value> = mapping
        .composed()
        .facts()
        .iter()
        .map(|(step, facts)| {
            let mut all = Map::from_iter([("step".to_owned(), json!(step.to_string()))]);
            let thresholds: Vec<f64> = facts.iter().filter(|(name, _)| *name == "threshold").map(|(_, v)| *v).collect();
            if !thresholds.is_empty() {
                all.insert("thresholds".into(), json!(thresholds));
            }
            let single = facts.iter().filter(|(name, _)| *name != "threshold");
            all.extend(single.map(|(name, value)| ((*name).to_owned(), json!(value))));
            Value::Object(all)
        })
        .collect();
    let value = json!({
        "output": done.image.path(),
        "figure": done.figure.as_ref().map(Target::path),
        "shape": out.grid.shape.axes(),
        "dtype": out.meaning.dtype.name(),
        "unit": mapping.input().meaning.unit.symbol(),
        "steps": steps,
        "count": mapping.counted(),
        "padding": mapping.before().padding,
        "outside": mapping.before().outside,
        "clamped": mapping.composed().clamped(),
        "bins": mapping.bins(),
        "bound": mapping.bound(),
        "device": done.device,
        "events": done.events,
    });
    match value {
        Value::Object(all) => all,
        _ => Map::new(),
    }
}

/// One line for each step: what it took from the voxels.
pub fn as_text(composed: &Composed) -> String {
    let line = |step: &dyn std::fmt::Display, facts: &[(&'static str, f64)]| {
        let facts: Vec<String> = facts.iter().map(|(name, value)| format!("{name} {}", number(*value))).collect();
        if facts.is_empty() { format!("  {step}\n") } else { format!("  {step}  ({})\n", facts.join(", ")) }
    };
    composed.facts().iter().map(|(step, facts)| line(step, facts)).collect()
}

/// The names of the classes between these thresholds.
pub fn class_names(thresholds: &[f64], unit: &str) -> Vec<String> {
    let real = |v: f64| format!("{} {unit}", number(v)).trim_end().to_owned();
    (0..=thresholds.len())
        .map(|class| match (class.checked_sub(1).map(|i| thresholds[i]), thresholds.get(class)) {
            (None, Some(high)) => format!("up to {}", real(*high)),
            (Some(low), Some(high)) => format!("above {} up to {}", number(low), real(*high)),
            (Some(low), None) => format!("above {}", real(low)),
            (None, None) => "all".into(),
        })
        .collect()
}

/// Original and result side by side.
fn draw(mapping: &Mapping, slices: &[Slice], title: &str) -> Result<Svg> {
    let (header, composed) = (mapping.input(), mapping.composed());
    let captioned =
        |slice: &Slice, picture: Picture| picture.captioned(View::new(header, slice.view.plane()).caption(slice.index));
    let greys = |slices: &[Slice], rescale: &Rescales, shade: &Shade| -> Result<Vec<Picture>> {
        slices.iter().map(|s| Ok(captioned(s, Picture::grey(s, rescale, shade)?))).collect()
    };
    let unit = header.meaning.unit.symbol();
    let before = mapping.values();
    let shade = Shade::new(header, shown(header, before));
    let mut original = Plot::from(histogram(before, |v| v, if unit.is_empty() { "value" } else { unit }));
    let results: Vec<Slice> = slices.iter().map(|s| mapped(mapping, s)).collect();
    let mut panels =
        vec![Panel { title: "Original".into(), pictures: greys(slices, &header.meaning.rescale, &shade)?, ..Panel::default() }];
    let out = mapping.header();
    let identity = Rescales::Uniform(Rescale::IDENTITY);
    let steps: Vec<String> = composed.facts().iter().map(|(step, _)| step.to_string()).collect();
    let as_type = if out.meaning.labels { String::new() } else { format!(" as {}", out.meaning.dtype) };
    let mut panel = Panel { title: steps.join(", ") + &as_type, ..Panel::default() };
    if let Some(thresholds) = composed.thresholds() {
        let pictures = results.iter().map(|s| Ok(captioned(s, Picture::coloured(s, |v| label(v as u64))?)));
        panel.pictures = pictures.collect::<Result<_>>()?;
        let names = class_names(thresholds, if steps.len() == 1 { unit } else { "" });
        panel.keys =
            names.iter().enumerate().map(|(i, name)| Key { name: format!("{i}: {name}"), colour: label(i as u64) }).collect();
        if steps.len() == 1 {
            let marker = |t: &f64| Marker { at: *t, name: number(*t), colour: MARKER };
            original.markers = thresholds.iter().map(marker).collect();
        }
    } else {
        let shade = match (composed.scale(), out.meaning.dtype) {
            (Scale::Fraction, Dtype::F32) => Shade::over(out, 0.0, 1.0),
            (Scale::Fraction, Dtype::I16) => Shade::over(out, -32_768.0, 32_767.0),
            (Scale::Fraction, _) => Shade::over(out, 0.0, (out.meaning.dtype.values() - 1) as f64),
            _ => Shade::new(out, shown(out, composed.after())),
        };
        panel.pictures = greys(&results, &identity, &shade)?;
        panel.plot = Some(Plot::from(histogram(composed.after(), |v| composed.stored(v), "result")));
    }
    panels[0].plot = Some(original);
    panels.push(panel);
    figure::side_by_side(title, &panels)
}

/// The window for these values.
fn shown(header: &Header, values: &Distribution) -> hounsfield::volume::Window {
    let (min, max) = values.ends().unwrap_or((0.0, 1.0));
    let limits = values.percentiles(&[1.0, 99.0]).unwrap_or_else(|| vec![min, max]);
    display_window(header, limits[0], limits[1], min, max)
}

/// Bins from which bars of true floats are made.
const BARS: usize = 4096;

/// The histogram of the voxels that count, each value as `of` makes it.
pub fn histogram(values: &Distribution, of: impl Fn(f64) -> f64, unit: &str) -> report::Histogram {
    // Bins of true floats are narrow where voxels are many: bars are not.
    let even = if values.is_exact() { None } else { values.even(BARS) };
    let pairs = even.map_or_else(|| values.entries().iter().map(|e| (e.value, e.count)).collect(), |(pairs, _)| pairs);
    let mut all: Vec<(f64, u64)> = pairs.into_iter().map(|(value, n)| (of(value), n)).collect();
    all.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 += next.1;
        }
        same
    });
    // Where values can lie anywhere, as far apart as the nearest two, but no nearer than any eye can see.
    let gap = all.windows(2).map(|pair| pair[1].0 - pair[0].0).fold(f64::INFINITY, f64::min);
    let span = all.last().zip(all.first()).map_or(0.0, |(b, a)| b.0 - a.0);
    let step = values.step().unwrap_or(gap.max(span / 65_536.0));
    report::Histogram { values: all, step: if step.is_finite() && step > 0.0 { step } else { 1.0 }, unit: unit.into() }
}

/// A picked slice after the steps: the same tables, so the same voxels as in the output.
pub fn mapped(mapping: &Mapping, slice: &Slice) -> Slice {
    let dtype = mapping.header().meaning.dtype;
    let slices = mapping.input().grid.shape.axis(2);
    let mut bytes = Vec::with_capacity((slice.width() * slice.height()) as usize * dtype.bytes());
    for v in 0..slice.height() {
        for u in 0..slice.width() {
            let z = slice.view.voxel(slice.index, u, v)[2];
            let result = mapping.result(slice.volume * slices + z, slice.stored(u, v));
            match dtype {
                Dtype::F32 => bytes.extend_from_slice(&(result as f32).to_le_bytes()),
                _ => bytes.extend_from_slice(&(result as i32).to_le_bytes()[..dtype.bytes()]),
            }
        }
    }
    Slice { dtype, bytes, ..slice.clone() }
}
