//! Findings as a viewer or another language gets them: from a volume in memory, without the program. What the program prints of real files is
//! held by tests/same_outputs.

use std::sync::Arc;

use super::*;
use crate::analysis::steps::{Chain, Cuts, Step};
use crate::io::Sink;
use crate::pipelines::{Bins, Counted, Device, Input, Mapping, Mask, Pointwise, Region, Run, Segment, Segmentation, sides};
use crate::report::{Picker, html};
use crate::volume::{Dtype, Geometry, Header, Observe, Padding, Rescale, Rescales, Shape, Unit, Volume};

/// 8 x 8 voxels of 2 mm in HU: 32 of air, 16 of water, 16 of something between.
fn volume() -> Volume {
    let mut header = Header::new(Shape::new(&[8, 8]).unwrap(), Dtype::U16);
    header.meaning.rescale = Rescales::Uniform(Rescale { slope: 1.0, intercept: -1024.0 });
    header.meaning.unit = Unit::Hounsfield;
    header.grid.geometry = Some(Geometry::spacing([2.0, 2.0, 5.0]));
    header.meaning.padding = Some(Padding { low: 24.0, high: 24.0 });
    let stored = |i: u16| match i {
        0..32 => 24 + i % 3,
        32..48 => 1000 + i % 5,
        _ => 600 + i % 7,
    };
    Volume::new(header, (0..64).flat_map(|i| stored(i).to_le_bytes()).collect()).unwrap()
}

fn input() -> Input<'static> {
    Input::resolve(Arc::new(volume()), &Run::silent(&Device::cpu())).unwrap()
}

struct Nowhere;

impl Sink for Nowhere {
    fn write(&self, _: u64, _: &[u8]) -> crate::Result<()> {
        Ok(())
    }
}

#[test]
fn statistics_and_histograms() {
    let (input, device) = (input(), Device::cpu());
    let region = Region { range: None, with_padding: true };
    let counted = Counted::of(&input, &region, Bins::Following, &Run::silent(&device)).unwrap();
    let finding = StatisticsFinding::counted(input.header(), &counted).unwrap();
    assert_eq!(finding.rows().json()["percentiles"]["99"], -20.0);
    assert!(finding.rows().text().contains("min            -1000 HU\n"), "{}", finding.rows().text());
    let note = finding.padding_note().unwrap().to_string();
    assert_eq!(note, "11 padding voxels (17.2 %) are counted");

    let histogram = HistogramFinding::new(&counted, input.header(), Some(2)).unwrap();
    assert_eq!(histogram.table().csv(), "low,high,count,share,cdf\n-1000,-510,32,0.5,0.5\n-510,-20,32,0.5,1\n");
    let exact = HistogramFinding::new(&counted, input.header(), None).unwrap();
    assert!(exact.table().csv().starts_with("value,count,share,cdf\n-1000,11,0.171875,0.171875\n"));
    assert_eq!(exact.rows().json()["low"], exact.rows().json()["high"]);
}

#[test]
fn classes_have_names_voxels_and_sizes() {
    let (input, device) = (input(), Device::cpu());
    let picker = Picker::middles(input.header()).unwrap();
    picker.see(0, volume().block());
    let steps = Chain::of(Step::Threshold(Cuts::At(vec![-500.0, -100.0])));
    let work = Pointwise { region: Region { range: None, with_padding: true }, ..Pointwise::new(steps) };
    let mapping = Mapping::new(&input, &work, &Run::silent(&device)).unwrap();
    let finding = MappingFinding { mapping: &mapping };
    let rows = finding.class_rows().json();
    assert_eq!(rows["classes"][1].to_string(), r#"{"label":1,"above":-500.0,"up_to":-100.0,"voxels":16,"mm2":64.0}"#);
    assert!(finding.class_text().starts_with("thresholds  -500, -100 HU\nclass 0  up to -500 HU"), "{}", finding.class_text());
    assert_eq!(finding.rows(&Provenance::new("a CPU")).json()["device"], "a CPU");
    let slices = picker.finish();
    let figure = finding.figure("Classes", [&slices, &slices.iter().map(|s| after(&mapping, s)).collect::<Vec<_>>()]).unwrap();
    assert!(figure.as_str().contains("2: above -100 HU"));
}

#[test]
fn both_sides_of_a_mask() {
    let (input, device) = (input(), Device::cpu());
    let run = Run::silent(&device);
    let half = Header::new(Shape::new(&[8, 8]).unwrap(), Dtype::U8);
    let bytes = (0..64).map(|i| u8::from(i >= 32)).collect();
    let mask = Mask::new(Arc::new(Volume::new(half, bytes).unwrap()), None, input.header(), &run).unwrap();
    let finding = MaskFinding { header: input.header().clone(), sides: sides(&input, &mask, &run).unwrap() };
    let rows = finding.rows().json();
    assert_eq!((rows["area_mm2"].as_f64(), rows["outside"]["max"].as_f64()), (Some(128.0), Some(-998.0)));
    let text = finding.text();
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    assert!(text.starts_with("mask  32 of 64 pixels (50.00 %), 128 mm2\n"), "{text}");
    assert_eq!((&lines[1], &lines[2]), (&vec!["inside", "outside"], &vec!["pixels", "32", "32"]));
    assert_eq!(lines[4], ["max", "HU", "-20", "-998"]);
    let table = mask_table(&[("a,b.png".into(), finding)]);
    assert!(table.csv().contains("\n\"a,b.png\",8,8,64,32,50,"), "{}", table.csv());
    assert!(mask_table(&[]).csv().ends_with("median_outside\n"));
}

#[test]
fn mixtures_speak_with_the_words_of_the_caller() {
    let (input, device) = (input(), Device::cpu());
    let (run, region) = (Run::silent(&device), Region { range: None, with_padding: true });
    let work = Segment { max_iterations: Some(1), region, ..Segment::classes(2) };
    let segmentation = Segmentation::new(std::slice::from_ref(&input), None, &work, &run).unwrap();
    let written = segmentation.write_labels(&Nowhere, None, &run).unwrap();
    let finding = MixtureFinding::new(&segmentation, &written, &["air".into(), "rest".into()]);
    assert!(finding.notes().contains(&Note::NotConverged { iterations: 1 }));
    let provenance = Provenance { words: |note| format!("{note} (more with the slider)"), ..Provenance::new("a CPU") };
    let text = finding.text(&provenance);
    assert!(text.contains("label  name"), "{text}");
    let page = html::render(&finding.page((&[], &[]), &[], &provenance).unwrap()).unwrap();
    let note = "EM did not converge in 1 iterations (more with the slider)";
    assert!(page.contains(note));
    assert_eq!(finding.rows(&provenance).json()["notes"][0], note);
}
