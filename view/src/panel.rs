//! The panel at the side: what is under the crosshair, histogram and window, what is done with greys, labels, the curve of a series.

use eframe::egui::{self, Align2, Color32, FontId, Pos2, Rect, Sense, Stroke, Ui, Vec2};
use hounsfield::analysis::windows;
use hounsfield::report::colours;

use crate::greys;
use crate::scene::{Equalising, Plane3, RayKind, Scene, ValueClasses, Windowing};
use crate::study::{LabelLayer, Study};
use crate::words::{millimetres, real, sides};

/// What the crosshair lies on.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Probe {
    /// The voxel.
    pub voxel: [u64; 3],
    /// The point in time.
    pub time: u64,
    /// Its real value.
    pub value: Option<f64>,
    /// Its label, if it has one.
    pub label: Option<u32>,
}

/// Real values over time at the crosshair.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Curve {
    /// Of which voxel.
    pub voxel: [u64; 3],
    /// One for each point in time.
    pub values: Vec<f64>,
}

/// What the panel shows besides the scene.
pub struct Shown<'a> {
    /// The volume.
    pub study: &'a Study,
    /// Labels.
    pub labels: Option<&'a LabelLayer>,
    /// Under the crosshair.
    pub probe: &'a Probe,
    /// Over time.
    pub curve: Option<&'a Curve>,
    /// What runs the kernels.
    pub device: &'a str,
}

/// Bars of the histogram.
const BARS: usize = 128;

/// Shows it.
pub fn show(ui: &mut Ui, shown: &Shown<'_>, scene: &mut Scene) {
    egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        place(ui, shown, scene);
        ui.separator();
        window(ui, shown.study, scene);
        ui.separator();
        looks(ui, scene);
        if let Some(layer) = shown.labels {
            ui.separator();
            labels(ui, layer, shown.study, scene);
        }
        if let Some(curve) = shown.curve {
            ui.separator();
            plot(ui, curve, scene.time as usize, shown.study.header().meaning.unit.symbol());
        }
        ui.separator();
        ui.small(format!("device: {}", shown.device));
        ui.small("? lists the keys. Not a medical device.");
    });
}

fn place(ui: &mut Ui, shown: &Shown<'_>, scene: &mut Scene) {
    let Shown { study, probe, .. } = shown;
    let header = study.header();
    ui.strong(&study.name);
    let shape = study.shape().map(|n| n.to_string()).join(" x ");
    let spacing = header.grid.geometry.as_ref().map(|g| g.spacing_mm.map(|mm| format!("{mm:.3}")).join(" x ") + " mm");
    ui.small(format!("{shape} voxels, {}", spacing.unwrap_or_else(|| "spacing not known".into())));
    if study.coarse > 1 {
        let text = format!(
            "The volume does not fit the device, which holds every {}th voxel along each axis: the projection and labelled slices are coarse, other slices come from the file.",
            study.coarse
        );
        ui.colored_label(Color32::from_rgb(255, 190, 60), text);
    }
    if study.is_oblique() {
        ui.colored_label(Color32::from_rgb(255, 190, 60), "Oblique: shown in its own grid, not resampled.");
    }
    egui::Grid::new("probe").num_columns(2).show(ui, |ui| {
        let mut row = |name: &str, text: String| {
            ui.label(name);
            ui.monospace(text);
            ui.end_row();
        };
        row("voxel", scene.cross.map(|n| n.to_string()).join(" "));
        if let Some(mm) = study.position_mm(scene.cross) {
            row("LPS+ mm", millimetres(mm));
            row("RAS+ mm", millimetres([-mm[0], -mm[1], mm[2]]));
            row("place", sides(mm));
        }
        let unit = header.meaning.unit.symbol();
        row("value", probe.value.map_or_else(|| "-".into(), |value| real(value, unit)));
        if let Some(layer) = shown.labels {
            let name = probe.label.map_or_else(
                || "-".into(),
                |label| match label {
                    0 => "none".into(),
                    label => format!("{label} {}", layer.label_name(label)),
                },
            );
            row("label", name);
        }
    });
    let volumes = header.grid.shape.volumes();
    if volumes > 1 {
        ui.add(egui::Slider::new(&mut scene.time, 0..=volumes - 1).text("time"));
    }
}

fn window(ui: &mut Ui, study: &Study, scene: &mut Scene) {
    let shade = greys::shade(study, scene);
    let (low, high) = greys::ends(&shade.window);
    histogram(ui, study, (low, high), scene);
    let unit = study.header().meaning.unit.symbol();
    ui.horizontal(|ui| {
        let speed = ((high - low).abs() / 200.0).max(1e-6);
        let (mut level, mut width) = (shade.window.center, shade.window.width);
        ui.label("centre");
        let a = ui.add(egui::DragValue::new(&mut level).speed(speed).suffix(format!(" {unit}")));
        ui.label("width");
        let b = ui.add(egui::DragValue::new(&mut width).speed(speed).range(1e-9..=f64::MAX));
        if a.changed() || b.changed() {
            scene.window = Windowing::Range(level - width / 2.0, level + width / 2.0);
        }
    });
    ui.horizontal(|ui| {
        let name = match &scene.window {
            Windowing::Default => "default".to_owned(),
            Windowing::Range(..) => "own".to_owned(),
            Windowing::Preset(name) => name.clone(),
        };
        egui::ComboBox::from_label("window").selected_text(name).show_ui(ui, |ui| {
            ui.selectable_value(&mut scene.window, Windowing::Default, "default: the file's own, or 1st to 99th percentile");
            for (name, center, width) in windows::PRESETS {
                let text = format!("{name}: {} to {} HU", center - width / 2.0, center + width / 2.0);
                ui.selectable_value(&mut scene.window, Windowing::Preset(name.into()), text);
            }
        });
        ui.checkbox(&mut scene.inverted, "invert");
    });
}

/// Bars of the counted values, the window over them; dragging in it moves the nearer end of the window.
fn histogram(ui: &mut Ui, study: &Study, (low, high): (f64, f64), scene: &mut Scene) {
    let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), 110.0), Sense::click_and_drag());
    let painter = ui.painter_at(rect);
    painter.rect_filled(rect, 2.0, Color32::from_gray(24));
    let Some(statistics) = &study.statistics else { return };
    let (from, to) = (statistics.min, statistics.max.max(statistics.min + f64::MIN_POSITIVE));
    let at = |value: f64| rect.left() + ((value - from) / (to - from)).clamp(0.0, 1.0) as f32 * rect.width();
    if let Some(counts) = &study.counts {
        let mut bars = [0_u64; BARS];
        for (stored, count) in counts.occupied() {
            let share = (study.rescale.real(f64::from(stored)) - from) / (to - from);
            bars[((share * BARS as f64) as usize).min(BARS - 1)] += count;
        }
        // Air would hide everything else: heights are roots.
        let most = bars.iter().copied().max().unwrap_or(1).max(1) as f32;
        for (i, count) in bars.iter().enumerate() {
            let height = (*count as f32 / most).sqrt() * (rect.height() - 6.0);
            let left = rect.left() + i as f32 / BARS as f32 * rect.width();
            let bar = Rect::from_min_max(
                Pos2::new(left, rect.bottom() - height),
                Pos2::new(left + rect.width() / BARS as f32, rect.bottom()),
            );
            let [r, g, b] = colours::BARS;
            painter.rect_filled(bar, 0.0, Color32::from_rgb(r, g, b));
        }
    }
    for (value, name, side) in [(low, "black", Align2::LEFT_TOP), (high, "white", Align2::RIGHT_TOP)] {
        let x = at(value);
        painter.line_segment(
            [Pos2::new(x, rect.top()), Pos2::new(x, rect.bottom())],
            Stroke::new(1.5, Color32::from_rgb(255, 190, 60)),
        );
        painter.text(Pos2::new(x, rect.top() + 2.0), side, name, FontId::proportional(10.0), Color32::from_rgb(255, 210, 120));
    }
    if let ValueClasses::Otsu(count) = scene.classes {
        for cut in greys::cuts(study, count).unwrap_or_default() {
            let x = at(cut);
            painter.line_segment(
                [Pos2::new(x, rect.top()), Pos2::new(x, rect.bottom())],
                Stroke::new(1.0, Color32::from_rgb(0, 200, 140)),
            );
        }
    }
    if let Some(pointer) = response.interact_pointer_pos().filter(|_| response.dragged() || response.clicked()) {
        let value = from + f64::from((pointer.x - rect.left()) / rect.width()) * (to - from);
        scene.window = if (value - low).abs() < (value - high).abs() {
            Windowing::Range(value.min(high - 1e-9), high)
        } else {
            Windowing::Range(low, value.max(low + 1e-9))
        };
    }
}

fn looks(ui: &mut Ui, scene: &mut Scene) {
    ui.horizontal_wrapped(|ui| {
        ui.label("equalise");
        for (value, name) in [(Equalising::Off, "off"), (Equalising::Global, "all"), (Equalising::Range, "window")] {
            ui.selectable_value(&mut scene.equalising, value, name);
        }
    });
    ui.horizontal_wrapped(|ui| {
        ui.label("classes");
        for (value, name) in [
            (ValueClasses::Off, "off"),
            (ValueClasses::Otsu(2), "Otsu 2"),
            (ValueClasses::Otsu(3), "Otsu 3"),
            (ValueClasses::Mixture(3), "mixture 3"),
            (ValueClasses::Mixture(4), "mixture 4"),
        ] {
            ui.selectable_value(&mut scene.classes, value, name);
        }
    });
    ui.horizontal_wrapped(|ui| {
        ui.label("projection");
        for (value, name) in [(Plane3::Axial, "axial"), (Plane3::Coronal, "coronal"), (Plane3::Sagittal, "sagittal")] {
            ui.selectable_value(&mut scene.projection, value, name);
        }
        for (value, name) in [(RayKind::Greatest, "max"), (RayKind::Mean, "mean"), (RayKind::Least, "min")] {
            ui.selectable_value(&mut scene.ray, value, name);
        }
    });
    ui.horizontal(|ui| {
        let mut slab = scene.slab_mm.is_some();
        ui.checkbox(&mut slab, "slab around the crosshair");
        scene.slab_mm = slab.then(|| scene.slab_mm.unwrap_or(20.0));
        if let Some(mm) = &mut scene.slab_mm {
            ui.add(egui::DragValue::new(mm).range(0.1..=1000.0).suffix(" mm"));
        }
    });
    ui.horizontal_wrapped(|ui| {
        ui.checkbox(&mut scene.smooth, "smooth");
        ui.checkbox(&mut scene.radiological, "radiological (left of the patient on the right)");
    });
}

fn labels(ui: &mut Ui, layer: &LabelLayer, study: &Study, scene: &mut Scene) {
    ui.horizontal(|ui| {
        ui.checkbox(&mut scene.labels, "labels");
        ui.checkbox(&mut scene.outline, "outlines");
        ui.add(egui::Slider::new(&mut scene.opacity, 0.0..=1.0).text("opacity"));
    });
    let millilitres = study.header().grid.geometry.as_ref().map(|geometry| geometry.voxel_mm3() / 1000.0);
    egui::Grid::new("labels").num_columns(3).striped(true).show(ui, |ui| {
        for (&label, &voxels) in &layer.voxels {
            let mut seen = !scene.hidden.contains(&label);
            let [r, g, b] = colours::label(u64::from(label));
            ui.horizontal(|ui| {
                if ui.checkbox(&mut seen, "").changed() {
                    if seen {
                        scene.hidden.remove(&label)
                    } else {
                        scene.hidden.insert(label)
                    };
                }
                let (rect, _) = ui.allocate_exact_size(Vec2::splat(12.0), Sense::hover());
                ui.painter().rect_filled(rect, 2.0, Color32::from_rgb(r, g, b));
            });
            ui.label(format!("{label} {}", layer.label_name(label)));
            ui.monospace(millilitres.map_or_else(|| format!("{voxels} voxels"), |ml| format!("{:.2} mL", voxels as f64 * ml)));
            ui.end_row();
        }
    });
}

/// A line over time, and where it is now.
fn plot(ui: &mut Ui, curve: &Curve, now: usize, unit: &str) {
    ui.label("at the crosshair, over time");
    let (rect, _) = ui.allocate_exact_size(Vec2::new(ui.available_width(), 90.0), Sense::hover());
    let painter = ui.painter_at(rect);
    painter.rect_filled(rect, 2.0, Color32::from_gray(24));
    let known: Vec<f64> = curve.values.iter().copied().filter(|value| value.is_finite()).collect();
    let (low, high) = known.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(*v), b.max(*v)));
    if known.len() < 2 {
        return;
    }
    let height = if high > low { high - low } else { 1.0 };
    let place = |i: usize, value: f64| {
        let x = rect.left() + 6.0 + i as f32 / (curve.values.len() - 1) as f32 * (rect.width() - 12.0);
        Pos2::new(x, rect.bottom() - 8.0 - ((value - low) / height) as f32 * (rect.height() - 24.0))
    };
    let line: Vec<Pos2> = curve.values.iter().enumerate().filter(|(_, v)| v.is_finite()).map(|(i, v)| place(i, *v)).collect();
    painter.add(egui::Shape::line(line, Stroke::new(1.5, Color32::from_rgb(86, 180, 233))));
    if let Some(value) = curve.values.get(now).filter(|value| value.is_finite()) {
        painter.circle_filled(place(now, *value), 4.0, Color32::from_rgb(255, 190, 60));
    }
    let text = format!("{} to {}", real(low, ""), real(high, unit));
    painter.text(
        rect.left_top() + Vec2::new(6.0, 2.0),
        Align2::LEFT_TOP,
        text,
        FontId::proportional(11.0),
        Color32::from_gray(200),
    );
}
