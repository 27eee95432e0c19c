//! `hounsfield info`: what the header says, without patient data.

use hounsfield::Result;
use hounsfield::volume::{Header, Rescales, WindowFunction};
use serde_json::{Value, json};

use crate::args::{FileArgs, Shared};
use crate::job::Job;
use crate::text::{by, columns, number, print, print_json};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub input: FileArgs,
}

pub fn run(shared: &Shared, args: &Args) -> Result<()> {
    let source = Job::new(shared, &args.input, [])?.open()?;
    let header = source.header();
    if shared.json { print_json(&as_json(header)) } else { print(&as_text(header)) }
}

fn as_text(h: &Header) -> String {
    let mut rows: Vec<(&str, String)> = vec![("format", h.origin.format.clone())];
    let mut add = |name, value: Option<String>| rows.extend(value.map(|v| (name, v)));
    add("files", (h.origin.files > 1).then(|| h.origin.files.to_string()));
    add("transfer syntax", h.origin.transfer_syntax.clone());
    add("modality", h.origin.modality.clone());
    add("shape", Some(h.grid.shape.to_string()));
    add("slices", (h.grid.shape.slices() > 1).then(|| h.grid.shape.slices().to_string()));
    let bits = h.origin.bits_stored.map(|b| format!(", {b} bits stored")).unwrap_or_default();
    add("stored type", Some(format!("{}{bits}", h.meaning.dtype)));
    add(
        "rescale",
        Some(match &h.meaning.rescale {
            Rescales::Uniform(r) => {
                let unit = format!(" {}", h.meaning.unit.symbol());
                format!("{} * stored + {}{}", number(r.slope), number(r.intercept), unit.trim_end())
            }
            Rescales::PerSlice(_) => format!("per slice, {} different", h.meaning.rescale.distinct().0.len()),
        }),
    );
    let geometry = h.grid.geometry.as_ref();
    add("spacing", geometry.map(|g| format!("{} mm", by(g.spacing_mm))));
    add("field of view", geometry.map(|g| format!("{} mm", by(g.field_of_view_mm(h.grid.shape.xyz())))));
    let position = geometry.and_then(|g| g.position.as_ref());
    add("orientation", position.map(|p| format!("{} (voxel axes point to)", p.orientation_code())));
    add("origin", position.map(|p| format!("{} mm (LPS+)", p.origin_mm.map(number).join(", "))));
    add("time step", h.grid.time_step_s.map(|t| format!("{} s", number(t))));
    add(
        "padding",
        h.meaning
            .padding
            .map(|p| if p.low == p.high { number(p.low) } else { format!("{} to {}", number(p.low), number(p.high)) }),
    );
    let windows: Vec<String> =
        h.display.windows.iter().map(|w| format!("center {} width {}", number(w.center), number(w.width))).collect();
    add("windows", (!windows.is_empty()).then(|| windows.join("; ")));
    let tables: Vec<String> = h
        .display
        .voi_luts
        .iter()
        .map(|l| format!("{} entries from {}, white {}", l.entries.len(), number(l.first), l.top))
        .collect();
    add("display tables", (!tables.is_empty()).then(|| tables.join("; ")));
    add("grey scale", h.display.inverted.then(|| "low values are bright (MONOCHROME1)".into()));
    add("labels", h.meaning.labels.then(|| "voxels are labels".into()));
    let a = &h.origin.acquisition;
    let unit = |value: Option<f64>, unit: &str| value.map(|v| format!("{} {unit}", number(v)));
    add("tube voltage", unit(a.tube_voltage_kvp, "kV"));
    add("exposure", unit(a.exposure_mas, "mAs"));
    add("kernel", a.convolution_kernel.clone());
    add("TR", unit(a.repetition_time_ms, "ms"));
    add("TE", unit(a.echo_time_ms, "ms"));
    add("TI", unit(a.inversion_time_ms, "ms"));
    add("flip angle", unit(a.flip_angle_deg, "degrees"));
    add("field strength", unit(a.field_strength_t, "T"));
    add("slice thickness", unit(a.slice_thickness_mm, "mm"));
    add("model", a.model.clone());
    add("burned-in text", h.origin.burned_in_text.then(|| "possible: look at the pixels before sharing".into()));
    columns(&rows)
}

fn as_json(h: &Header) -> Value {
    let (distinct, _) = h.meaning.rescale.distinct();
    let rescale: Vec<Value> = distinct.iter().map(|r| json!({"slope": r.slope, "intercept": r.intercept})).collect();
    let function = |f| match f {
        WindowFunction::Linear => "LINEAR",
        WindowFunction::LinearExact => "LINEAR_EXACT",
        WindowFunction::Sigmoid => "SIGMOID",
    };
    let windows: Vec<Value> = h
        .display
        .windows
        .iter()
        .map(|w| json!({"center": w.center, "width": w.width, "function": function(w.function)}))
        .collect();
    let tables: Vec<Value> =
        h.display.voi_luts.iter().map(|l| json!({"first": l.first, "entries": l.entries.len(), "white": l.top})).collect();
    let geometry = h.grid.geometry.as_ref();
    let position = geometry.and_then(|g| g.position.as_ref());
    let a = &h.origin.acquisition;
    json!({
        "format": h.origin.format,
        "files": h.origin.files,
        "transfer_syntax": h.origin.transfer_syntax,
        "modality": h.origin.modality,
        "shape": h.grid.shape.axes(),
        "slices": h.grid.shape.slices(),
        "dtype": h.meaning.dtype.name(),
        "bits_stored": h.origin.bits_stored,
        "rescale": rescale,
        "unit": h.meaning.unit.symbol(),
        "spacing_mm": geometry.map(|g| g.spacing_mm),
        "field_of_view_mm": geometry.map(|g| g.field_of_view_mm(h.grid.shape.xyz())),
        "orientation": position.map(|p| p.orientation_code()),
        "origin_lps_mm": position.map(|p| p.origin_mm),
        "voxel_to_lps_mm": geometry.and_then(|g| g.lps_matrix()),
        "time_step_s": h.grid.time_step_s,
        "padding": h.meaning.padding.map(|p| [p.low, p.high]),
        "windows": windows,
        "voi_luts": tables,
        "inverted": h.display.inverted,
        "labels": h.meaning.labels,
        "acquisition": {
            "tube_voltage_kvp": a.tube_voltage_kvp,
            "exposure_mas": a.exposure_mas,
            "convolution_kernel": a.convolution_kernel,
            "repetition_time_ms": a.repetition_time_ms,
            "echo_time_ms": a.echo_time_ms,
            "inversion_time_ms": a.inversion_time_ms,
            "flip_angle_deg": a.flip_angle_deg,
            "field_strength_t": a.field_strength_t,
            "slice_thickness_mm": a.slice_thickness_mm,
            "model": a.model,
        },
        "burned_in_text": h.origin.burned_in_text,
        "notes": h.origin.notes,
    })
}
