//! What a header says, without patient data.

use super::rows::{Rows, Value};
use super::words::{by, number};
use crate::volume::{Acquisition, Header, Rescales, WindowFunction};

/// What a header says.
#[derive(Debug, Clone, Copy)]
pub struct HeaderFinding<'a> {
    /// The header.
    pub header: &'a Header,
}

impl HeaderFinding<'_> {
    /// Format, shape, meaning of the values, geometry, display, acquisition.
    pub fn rows(&self) -> Rows {
        let h = self.header;
        let mut rows = Rows::new();
        rows.add("format", "format", h.origin.format.as_str(), "");
        rows.add_if(h.origin.files > 1, "files", "files", Value::digits(h.origin.files), "");
        rows.add("transfer_syntax", "transfer syntax", h.origin.transfer_syntax.clone(), "");
        rows.add("modality", "modality", h.origin.modality.clone(), "");
        rows.add("shape", "shape", shape(h), "");
        rows.add_if(h.grid.shape.slices() > 1, "slices", "slices", Value::digits(h.grid.shape.slices()), "");
        let bits = h.origin.bits_stored.map(|b| format!(", {b} bits stored")).unwrap_or_default();
        rows.add("dtype", "stored type", Value::from(h.meaning.dtype.name()).read_as(format!("{}{bits}", h.meaning.dtype)), "");
        rows.key("bits_stored", h.origin.bits_stored.map(u64::from));
        rows.add("rescale", "rescale", rescale(h), "");
        rows.key("unit", h.meaning.unit.symbol());
        self.place(&mut rows);
        rows.add("padding", "padding", padding(h), "");
        self.display(&mut rows);
        rows.key("acquisition", acquisition(&h.origin.acquisition));
        rows.add("colour", "colour", h.origin.colour.clone(), "");
        let burnt = match (h.origin.burned_in_text, h.origin.may_show_text()) {
            (Some(true), _) => "yes, as the file says: look at the pixels before sharing",
            (None, true) => "likely in such images: look at the pixels before sharing",
            (None, false) => "not known: the file says nothing of it",
            (Some(false), _) => "no, as the file says",
        };
        rows.add("burned_in_text", "burned-in text", Value::from(h.origin.burned_in_text).read_as(burnt), "");
        rows.key("notes", h.origin.notes.as_slice());
        rows
    }

    /// Where the voxels lie.
    fn place(&self, rows: &mut Rows) {
        let h = self.header;
        let geometry = h.grid.geometry.as_ref();
        let position = geometry.and_then(|g| g.position.as_ref());
        rows.add("spacing_mm", "spacing", geometry.map(|g| g.spacing_mm), "mm");
        rows.add("field_of_view_mm", "field of view", geometry.map(|g| g.field_of_view_mm(h.grid.shape.xyz())), "mm");
        let code = position.map(|p| {
            let code = p.orientation_code();
            Value::from(code.as_str()).read_as(format!("{code} (voxel axes point to)"))
        });
        rows.add("orientation", "orientation", code, "");
        let origin =
            position.map(|p| Value::from(p.origin_mm).read_as(format!("{} mm (LPS+)", p.origin_mm.map(number).join(", "))));
        rows.add("origin_lps_mm", "origin", origin, "mm");
        rows.key("voxel_to_lps_mm", geometry.and_then(|g| g.lps_matrix()));
        rows.add("time_step_s", "time step", h.grid.time_step_s, "s");
        self.volumes(rows);
    }

    /// What tells the volumes of a 4-D image apart.
    fn volumes(&self, rows: &mut Rows) {
        let marks = &self.header.grid.volume_marks;
        let (mut all, mut read) = (Vec::new(), Vec::new());
        for mark in marks {
            let mut one = Rows::new();
            one.key("name", mark.name.as_str());
            one.key("unit", mark.unit.as_str());
            one.key("values", mark.values.as_slice());
            all.push(one);
            const SHOWN: usize = 8;
            let mut values: Vec<String> = mark.values.iter().take(SHOWN).map(|v| number(*v)).collect();
            if mark.values.len() > SHOWN {
                values.push("…".into());
            }
            read.push(format!("{} {} {}", mark.name, values.join(", "), mark.unit).trim_end().to_owned());
        }
        rows.add_if(!all.is_empty(), "volume_marks", "volumes", Value::from(all).read_as(read.join("; ")), "");
    }

    /// How the file wants to be shown.
    fn display(&self, rows: &mut Rows) {
        let h = self.header;
        let (mut windows, mut read) = (Vec::new(), Vec::new());
        for w in &h.display.windows {
            let mut window = Rows::new();
            window.key("center", w.center);
            window.key("width", w.width);
            window.key("function", function(w.function));
            windows.push(window);
            read.push(format!("center {} width {}", number(w.center), number(w.width)));
        }
        rows.add_if(!read.is_empty(), "windows", "windows", Value::from(windows).read_as(read.join("; ")), "");
        let (mut tables, mut read) = (Vec::new(), Vec::new());
        for lut in &h.display.voi_luts {
            let mut table = Rows::new();
            table.key("first", lut.first);
            table.key("entries", lut.entries.len());
            table.key("white", u64::from(lut.top));
            tables.push(table);
            read.push(format!("{} entries from {}, white {}", lut.entries.len(), number(lut.first), lut.top));
        }
        rows.add_if(!read.is_empty(), "voi_luts", "display tables", Value::from(tables).read_as(read.join("; ")), "");
        let inverted = Value::from(h.display.inverted).read_as("low values are bright (MONOCHROME1)");
        rows.add_if(h.display.inverted, "inverted", "grey scale", inverted, "");
        rows.add_if(h.meaning.labels, "labels", "labels", Value::from(h.meaning.labels).read_as("voxels are labels"), "");
    }

    /// The facts of an input in a line, for the head of a report.
    pub fn line(&self) -> String {
        let h = self.header;
        let mut facts =
            vec![h.origin.format.clone(), h.grid.shape.to_string(), h.origin.file_dtype.unwrap_or(h.meaning.dtype).to_string()];
        facts.extend(h.origin.modality.clone());
        facts.extend(h.grid.geometry.as_ref().map(|g| format!("{} mm", by(g.spacing_mm))));
        facts.join(", ")
    }
}

/// The sizes of the axes.
pub(super) fn shape(header: &Header) -> Value {
    Value::from(header.grid.shape.axes()).read_as(header.grid.shape.to_string())
}

fn rescale(h: &Header) -> Value {
    let (distinct, _) = h.meaning.rescale.distinct();
    let each = |r: &crate::volume::Rescale| {
        let mut rows = Rows::new();
        rows.key("slope", r.slope);
        rows.key("intercept", r.intercept);
        rows
    };
    let all = Value::from(distinct.iter().map(each).collect::<Vec<_>>());
    all.read_as(match &h.meaning.rescale {
        Rescales::Uniform(r) => {
            let unit = format!(" {}", h.meaning.unit.symbol());
            format!("{} * stored + {}{}", number(r.slope), number(r.intercept), unit.trim_end())
        }
        Rescales::PerSlice(_) => format!("per slice, {} different", distinct.len()),
    })
}

fn padding(h: &Header) -> Option<Value> {
    let p = h.meaning.padding?;
    let read = if p.low == p.high { number(p.low) } else { format!("{} to {}", number(p.low), number(p.high)) };
    Some(Value::from([p.low, p.high]).read_as(read))
}

/// As DICOM writes it.
fn function(function: WindowFunction) -> &'static str {
    match function {
        WindowFunction::Linear => "LINEAR",
        WindowFunction::LinearExact => "LINEAR_EXACT",
        WindowFunction::Sigmoid => "SIGMOID",
    }
}

fn acquisition(a: &Acquisition) -> Rows {
    let mut rows = Rows::new();
    rows.add("tube_voltage_kvp", "tube voltage", a.tube_voltage_kvp, "kV");
    rows.add("exposure_mas", "exposure", a.exposure_mas, "mAs");
    rows.add("convolution_kernel", "kernel", a.convolution_kernel.clone(), "");
    rows.add("repetition_time_ms", "TR", a.repetition_time_ms, "ms");
    rows.add("echo_time_ms", "TE", a.echo_time_ms, "ms");
    rows.add("inversion_time_ms", "TI", a.inversion_time_ms, "ms");
    rows.add("flip_angle_deg", "flip angle", a.flip_angle_deg, "degrees");
    rows.add("field_strength_t", "field strength", a.field_strength_t, "T");
    rows.add("slice_thickness_mm", "slice thickness", a.slice_thickness_mm, "mm");
    rows
}
