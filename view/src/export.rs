//! A pane as PNG, with the same pixels as `hounsfield slice` has, and the command lines that repeat what is seen.

use std::path::Path;

use hounsfield::io::Source;
use hounsfield::io::output::{Target, publish};
use hounsfield::report::{Picker, Picture, Plane, Slice, View, colours};
use hounsfield::volume::{Block, Header};
use hounsfield::{Error, Result};

use crate::greys;
use crate::scene::{Equalising, Scene, ValueClasses, Windowing};
use crate::study::{LabelLayer, Study};
use crate::words::quoted;

/// How much of a labelled pixel its colour takes in pictures of `hounsfield slice`.
const TINT: f64 = 0.45;

/// The pixels of the slice through the crosshair, as PNG.
///
/// # Errors
/// [`Error::Usage`] for what `hounsfield slice` does not show; what reading gives.
pub fn png(study: &Study, labels: Option<&LabelLayer>, scene: &Scene, plane: Plane) -> Result<Vec<u8>> {
    let header = study.header();
    let view = study.view(plane);
    let slice = picked(study.source.as_ref(), header, (plane, scene.index(&view)), scene.time)?;
    let mut shade = greys::shade(study, scene);
    shade.inverted ^= scene.inverted;
    if scene.equalising != Equalising::Off || scene.classes != ValueClasses::Off {
        return Err(Error::usage(
            "a picture of equalised values or of classes",
            "switch them off, or use hounsfield equalize or segment",
        ));
    }
    let mut picture = Picture::grey(&slice, &header.meaning.rescale, &shade)?;
    if let Some(layer) = labels.filter(|_| scene.labels) {
        let own = layer.source.header();
        let over = picked(layer.source.as_ref(), own, (plane, scene.index(&view)), 0)?;
        let number = |u, v| over.real(u, v, &own.meaning.rescale).round() as u64;
        picture = picture.tinted(&over, TINT, |u, v| Some(number(u, v)).filter(|label| *label > 0).map(colours::label));
    }
    picture.to_png()
}

/// Writes it, whole or not at all.
///
/// # Errors
/// As [`png`]; what writing gives.
pub fn write(path: &Path, bytes: &[u8], replace: bool) -> Result<()> {
    publish(vec![Target::new(path, replace, &[])?.stage_bytes(bytes)?])
}

/// One slice, of which nothing but its own rows is read where the file allows it.
///
/// # Errors
/// What reading gives.
pub fn picked(source: &dyn Source, header: &Header, pick: (Plane, u64), time: u64) -> Result<Slice> {
    let picker = Picker::new(header, &[pick], time)?;
    let [nx, ny, nz] = header.grid.shape.xyz();
    let view = View::new(header, pick.0);
    let dtype = header.meaning.dtype;
    let mut bytes = Vec::new();
    let slices = if view.axis() == 2 { pick.1..pick.1 + 1 } else { 0..nz };
    for z in slices {
        // Of a coronal slice one row of each.
        let (first, rows) = if view.axis() == 1 { (pick.1, 1) } else { (0, ny) };
        let at = ((time * nz + z) * ny + first) * nx;
        bytes.resize((rows * nx) as usize * dtype.bytes(), 0);
        source.read(at, &mut bytes)?;
        hounsfield::volume::Observe::see(&picker, at, Block { dtype, bytes: &bytes });
    }
    picker.finish().pop().ok_or_else(|| Error::usage("no slice", "give another"))
}

/// The command that writes the same picture, and the one that opens the same screen.
pub fn commands(study: &Study, labels: Option<&LabelLayer>, scene: &Scene, plane: Plane) -> [String; 2] {
    let view = study.view(plane);
    let mut files: Vec<String> = study.paths.iter().map(|path| quoted(&path.display().to_string())).collect();
    if files.is_empty() {
        files.push("hounsfield-demo/dicom".into());
    }
    let mut words = files.clone();
    let mut flag = |name: &str, value: String| words.push(format!("{name} {}", quoted(&value)));
    if let Some(series) = study.series {
        flag("--series", series.to_string());
    }
    flag("--plane", plane.name().into());
    flag("--index", scene.index(&view).to_string());
    if scene.time > 0 {
        flag("--time", scene.time.to_string());
    }
    match &scene.window {
        Windowing::Default => {}
        Windowing::Range(low, high) => flag("--window", format!("{low}:{high}")),
        Windowing::Preset(name) => flag("--preset", name.clone()),
    }
    if let Some(layer) = labels.filter(|_| scene.labels) {
        flag("--labels", layer.path.display().to_string());
    }
    let slice = format!("hounsfield slice {} --plain -o slice.png", words.join(" "));
    let overlay = labels.map(|layer| format!(" --overlay {}", quoted(&layer.path.display().to_string()))).unwrap_or_default();
    let scene = serde_json::to_string(scene).unwrap_or_default();
    let opened = if study.paths.is_empty() { String::new() } else { format!(" {}", files.join(" ")) };
    let series = study.series.map(|series| format!(" --series {series}")).unwrap_or_default();
    [slice, format!("hounsfield view{opened}{series}{overlay} --scene {}", quoted(&scene))]
}
