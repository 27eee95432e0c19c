//! What several tests need, and figures to look at: `HOUNSFIELD_SHOW=folder cargo test --lib report::` writes them there.

use super::*;
use crate::volume::{Counts, Dtype, Geometry, Header, Position, Rescale, Shape, Unit};

/// A small generator of repeatable numbers.
pub struct Noise(pub u64);

impl Noise {
    pub fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    /// About normal, variance 1.
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.below(1 << 20) as f64 / f64::from(1 << 20)).sum::<f64>() - 6.0
    }
}

/// Headers of `shape` whose voxel axes run in each of the 48 ways along the patient's, with their orientation codes.
pub fn orientations(shape: [u64; 3]) -> Vec<(String, Header)> {
    let mut all = Vec::new();
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        for signs in 0..8 {
            let direction = std::array::from_fn(|a| {
                let mut unit = [0.0; 3];
                unit[order[a]] = if signs >> a & 1 == 0 { 1.0 } else { -1.0 };
                unit
            });
            let position = Position { origin_mm: [-10.0, 20.0, -30.0], direction };
            let mut header = Header::new(Shape::new(&shape).unwrap(), Dtype::U8);
            let code = position.orientation_code();
            header.grid.geometry = Some(Geometry { spacing_mm: [0.5, 2.0, 3.0], position: Some(position) });
            all.push((code, header));
        }
    }
    assert_eq!(all.iter().map(|o| o.0.clone()).collect::<std::collections::HashSet<_>>().len(), 48);
    all
}

/// A chest-like body in Hounsfield units, asymmetric: heart to the left, liver to the right, spine behind, padding around.
fn chest(shape: [u64; 3], spacing_mm: [f64; 3]) -> (Header, Vec<u8>) {
    let mut header = Header::new(Shape::new(&shape).unwrap(), Dtype::I16);
    let direction = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    header.grid.geometry =
        Some(Geometry { spacing_mm, position: Some(Position { origin_mm: [-150.0, -160.0, 80.0], direction }) });
    header.meaning.unit = Unit::Hounsfield;
    let mut noise = Noise(1);
    let mut bytes = Vec::new();
    for z in 0..shape[2] {
        for y in 0..shape[1] {
            for x in 0..shape[0] {
                let p = [x, y, z];
                let [l, back, up]: [f64; 3] = std::array::from_fn(|a| 2.0 * (p[a] as f64 + 0.5) / shape[a] as f64 - 1.0);
                let inside = |at: [f64; 3], r: [f64; 3]| {
                    ((l - at[0]) / r[0]).powi(2) + ((back - at[1]) / r[1]).powi(2) + ((up - at[2]) / r[2]).powi(2) < 1.0
                };
                let hu = match () {
                    () if l * l + back * back > 1.0 => -2000.0,
                    () if inside([0.0, 0.45, 0.0], [0.11, 0.11, 9.0]) => 450.0 + 120.0 * noise.normal(),
                    () if inside([0.2, -0.15, -0.3], [0.28, 0.25, 0.45]) => 45.0 + 18.0 * noise.normal(),
                    () if inside([-0.45, 0.0, -1.0], [0.42, 0.4, 0.7]) => 60.0 + 15.0 * noise.normal(),
                    () if inside([-0.4, 0.0, 0.0], [0.3, 0.42, 1.0]) || inside([0.4, 0.0, 0.0], [0.3, 0.42, 1.0]) => {
                        -820.0 + 45.0 * noise.normal()
                    }
                    () if inside([0.0, 0.0, 0.0], [0.78, 0.58, 9.0]) => 50.0 + 22.0 * noise.normal(),
                    () if inside([0.0, 0.0, 0.0], [0.86, 0.68, 9.0]) => -100.0 + 20.0 * noise.normal(),
                    () => -1000.0 + 12.0 * noise.normal(),
                };
                bytes.extend_from_slice(&(hu as i16).to_le_bytes());
            }
        }
    }
    (header, bytes)
}

fn counts(header: &Header, bytes: &[u8]) -> Counts {
    let mut counts = Counts::exact(header.meaning.dtype);
    for voxel in bytes.chunks_exact(header.meaning.dtype.bytes()) {
        counts.bins[(header.meaning.dtype.decode(voxel) as i32 - header.meaning.dtype.first()) as usize] += 1;
    }
    counts
}

fn slices(header: &Header, bytes: &[u8], wanted: Option<&[(Plane, u64)]>) -> Vec<Slice> {
    let picker = match wanted {
        Some(wanted) => Picker::new(header, wanted, 0).unwrap(),
        None => Picker::middles(header).unwrap(),
    };
    picker.take(0, bytes);
    picker.finish()
}

fn greys(header: &Header, slices: &[Slice], [low, high]: [f64; 2]) -> Vec<Picture> {
    let shade = Shade::new(header, display_window(header, low, high, low, high));
    slices.iter().map(|s| Picture::grey(s, &header.meaning.rescale, &shade).unwrap()).collect()
}

/// The original and something equalised.
fn panels(header: &Header, bytes: &[u8], range: [f64; 2]) -> [Panel; 2] {
    let counts_before = counts(header, bytes);
    let total = counts_before.total() as f64;
    let mut sum = 0;
    let mut table = vec![0u16; 65_536];
    for (value, n) in counts_before.occupied().filter(|o| o.0 > -2000) {
        sum += n;
        table[(value + 32_768) as usize] = (sum as f64 / total * 65_535.0) as u16;
    }
    let equalised: Vec<u8> = bytes
        .chunks_exact(2)
        .flat_map(|v| table[(i32::from(i16::from_le_bytes([v[0], v[1]])) + 32_768) as usize].to_le_bytes())
        .collect();
    let after = header.derived(Dtype::U16);
    let counts_after = counts(&after, &equalised);
    let panel = |title: &str, header: &Header, bytes: &[u8], counts: &Counts, range| Panel {
        title: title.into(),
        pictures: greys(header, &slices(header, bytes, None), range),
        plot: Some(Histogram::of(&[(Rescale::IDENTITY, counts)], header.meaning.unit).into()),
        ..Panel::default()
    };
    [
        panel("Original", header, bytes, &counts_before, range),
        panel("Equalised", &after, &equalised, &counts_after, [0.0, 65_535.0]),
    ]
}

/// Writes a figure where somebody looks at it, and says whether it is sound.
fn show(name: &str, svg: &Svg) {
    use resvg::usvg::{Options, Tree};
    Tree::from_str(svg.as_str(), &Options::default()).unwrap();
    // Pixels as base64 may spell anything.
    let drawn = |part: &str| part.split_once('"').map_or(String::new(), |rest| rest.1.into());
    assert!(!svg.as_str().split("base64,").map(drawn).any(|part| part.contains("NaN")), "{name}");
    if let Some(folder) = std::env::var_os("HOUNSFIELD_SHOW") {
        let folder = std::path::Path::new(&folder);
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join(format!("{name}.svg")), svg.as_str()).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), svg.to_png(svg.width()).unwrap()).unwrap();
    }
}

#[test]
fn equalise_figure_and_report() {
    let (header, bytes) = chest([96, 96, 40], [3.4, 3.4, 6.0]);
    let panels = panels(&header, &bytes, [-1000.0, 400.0]);
    let svg = figure::side_by_side("chest <phantom> · histogram equalisation", &panels).unwrap();
    assert_eq!(svg, figure::side_by_side("chest <phantom> · histogram equalisation", &panels).unwrap());
    show("equalise", &svg);
    let report = Report {
        title: "Histogram equalisation of chest <phantom>".into(),
        summary: "96 x 96 x 40 int16 voxels, 3.4 x 3.4 x 6.0 mm, equalised to uint16".into(),
        figures: vec![("Middle slices and histograms before and after.".into(), svg)],
        columns: vec!["original (HU)".into(), "equalised".into()],
        statistics: [("Minimum", "−2000", "0"), ("Median", "−99", "32767"), ("Maximum", "812", "65535")]
            .map(|(n, a, b)| (n.into(), vec![a.into(), b.into()]))
            .into(),
        method: vec![
            html::MethodRow::code("Command", "hounsfield equalise chest.nii.gz -o equalised.nii.gz --report report.html"),
            html::MethodRow::text(
                "Method",
                "Global histogram equalisation over an exact histogram of all voxels but the padding.",
            ),
            html::MethodRow::code("Formula", "T(v) = round((cdf(v) − cdf_min) / (N − cdf_min) · 65535)"),
            html::MethodRow::text("Device", "CPU, 2 threads"),
        ],
        warnings: vec!["21.5 % of the voxels are padding (−2000) and were left out.".into()],
        notes: vec!["Pictures are radiological: the patient's left is on the right.".into()],
        program: "hounsfield 0.1.0".into(),
    };
    let page = html::render(&report).unwrap();
    assert!(page.contains("chest &lt;phantom&gt;") && page.contains("<svg"));
    if let Some(folder) = std::env::var_os("HOUNSFIELD_SHOW") {
        std::fs::write(std::path::Path::new(&folder).join("report.html"), page).unwrap();
    }
}

#[test]
fn slice_montage_labels_and_outline() {
    let (header, bytes) = chest([96, 96, 40], [3.4, 3.4, 6.0]);
    let view = View::new(&header, Plane::Axial);
    let wanted: Vec<_> = view.evenly(12).into_iter().map(|i| (Plane::Axial, i)).collect();
    let pictures = greys(&header, &slices(&header, &bytes, Some(&wanted)), [-1000.0, 400.0]);
    show("montage", &figure::montage("chest phantom · 12 of 40 slices", &pictures, &[]).unwrap());
    let plain = figure::plain(&greys(&header, &slices(&header, &bytes, None), [-1000.0, 400.0])[1]).unwrap();
    assert_eq!((plain.width(), plain.height()), (384, 284), "four times 96 x 71");
    show("slice", &plain);

    let labels: Vec<u8> = bytes
        .chunks_exact(2)
        .map(|v| match i16::from_le_bytes([v[0], v[1]]) {
            -950..-600 => 1,
            -150..-40 => 2,
            0..150 => 3,
            250.. => 4,
            _ => 0,
        })
        .collect();
    let label_header = header.derived(Dtype::U8);
    let cut = slices(&label_header, &labels, None);
    let keys: Vec<Key> = ["lung", "fat", "soft tissue", "bone"]
        .iter()
        .zip(1..)
        .map(|(name, n)| Key { name: (*name).into(), colour: colours::label(n) })
        .collect();
    let coloured: Vec<Picture> = cut.iter().map(|s| Picture::coloured(s, |v| colours::label(v as u64)).unwrap()).collect();
    let lung: Vec<u8> = labels.iter().map(|&l| u8::from(l == 1)).collect();
    let lungs = slices(&label_header, &lung, None);
    let outlined: Vec<Picture> = greys(&header, &slices(&header, &bytes, None), [-1000.0, 400.0])
        .into_iter()
        .zip(&lungs)
        .map(|(p, s)| p.outlined(s, colours::OUTLINE))
        .collect();
    let mut plot = HistogramPlot::from(Histogram::of(&[(Rescale::IDENTITY, &counts(&header, &bytes))], Unit::Hounsfield));
    let bell = |at: f64, sd: f64, share: f64| {
        let points = (-2000..800)
            .map(|x| (f64::from(x), share * (-((f64::from(x) - at) / sd).powi(2) / 2.0).exp() / (sd * 2.5066)))
            .collect();
        Curve { name: format!("{at} ± {sd} HU").replace('-', "−"), colour: colours::PALETTE[3], points }
    };
    plot.curves = vec![bell(-820.0, 45.0, 0.1), bell(50.0, 22.0, 0.2)];
    plot.markers = [(-500.0, "t₁ = −500"), (-400.0, "t₂ = −400"), (200.0, "t₃ = 200")]
        .map(|(at, name)| Marker { at, name: name.into(), colour: colours::MARKER })
        .into();
    let plot = Plot::from(plot);
    show("histogram", &figure::plot("chest phantom", &plot));
    let panels = [
        Panel { title: "Lung mask".into(), pictures: outlined, plot: Some(plot), ..Panel::default() },
        Panel { title: "Labels".into(), pictures: coloured, keys: keys.clone(), plot: None },
    ];
    show("labels", &figure::side_by_side("", &panels).unwrap());
    show("pictures", &figure::pictures_only("Labels", panels[1].pictures.clone(), keys).unwrap());
}

#[test]
fn image_without_geometry() {
    let mut header = Header::new(Shape::new(&[300, 200]).unwrap(), Dtype::I16);
    header.display.inverted = true;
    let bytes: Vec<u8> = (0..60_000).flat_map(|i: i32| ((i % 300 + i / 300) as i16).to_le_bytes()).collect();
    show("image", &figure::side_by_side("ramp", &panels(&header, &bytes, [0.0, 498.0])).unwrap());
}
