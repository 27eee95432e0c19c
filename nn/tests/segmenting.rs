//! Tiny trainings of voxels: they learn, they repeat, they go on, and label maps lie on the grid of their image.

use std::path::Path;

use hounsfield::io::output::{Target, publish};
use hounsfield::io::{self, OpenOptions, WriteOptions};
use hounsfield::volume::{Dtype, Geometry, Header, Shape};

use crate::support::{ok, volumes, write_array};

const SMALL: [&str; 18] = [
    "--width", "4", "--levels", "2", "--patch", "24", "--batch", "4", "--steps", "12", "--epochs", "3", "--rate", "0.01",
    "--val", "case0", "--slices", "1",
];

fn train(folder: &Path, model: &str, more: &[&str]) {
    ok(folder, &[&["segment", "data", "-o", model, "-q"], SMALL.as_slice(), more].concat());
}

#[test]
fn a_training_learns_and_its_maps_lie_on_the_grid_of_the_image() {
    let folder = tempfile::tempdir().unwrap();
    volumes(folder.path(), "data", 5);
    train(folder.path(), "model", &["--hold-out", "case4"]);
    let log = std::fs::read_to_string(folder.path().join("model/log.csv")).unwrap();
    let losses: Vec<f64> = log.lines().skip(1).map(|line| line.split(',').nth(2).unwrap().parse().unwrap()).collect();
    assert!(losses[2] < 0.7 * losses[0], "{losses:?}");
    let judged = ok(folder.path(), &["evaluate", "model", "data", "--cases", "case4", "--json"]).json();
    let row = &judged["rows"][0];
    assert_eq!((row["case"].as_str(), row["class"].as_str()), (Some("case4"), Some("label 1")));
    assert!(row["dice"].as_f64().unwrap() > 0.7, "{judged:#}");
    let (dice, iou) = (row["dice"].as_f64().unwrap(), row["iou"].as_f64().unwrap());
    assert!((dice - 2.0 * iou / (1.0 + iou)).abs() < 1e-12);
    let card: serde_json::Value = serde_json::from_slice(&std::fs::read(folder.path().join("model/card.json")).unwrap()).unwrap();
    assert_eq!(card["held_out"]["metrics"]["rows"][0]["dice"], row["dice"]);
    ok(folder.path(), &["predict", "model", "data/images/case4.npy", "-o", "found.npy"]);
    let found = std::fs::read(folder.path().join("found.npy")).unwrap();
    let truth = std::fs::read(folder.path().join("data/labels/case4.npy")).unwrap();
    let voxels = 32 * 32 * 6;
    let (found, truth) = (&found[found.len() - voxels..], &truth[truth.len() - voxels..]);
    let both = found.iter().zip(truth).filter(|(a, b)| **a == 1 && **b == 1).count() as f64;
    let either = found.iter().chain(truth).filter(|label| **label == 1).count() as f64;
    assert!((2.0 * both / either - dice).abs() < 1e-12, "the map that is written is the map that is judged");
}

#[test]
fn seeds_repeat_threads_do_not_matter_and_a_training_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    volumes(folder.path(), "data", 3);
    train(folder.path(), "one", &["--threads", "1"]);
    train(folder.path(), "two", &["--threads", "2", "--stop-after", "1"]);
    train(folder.path(), "two", &["--threads", "2", "--resume"]);
    let model = |name: &str| std::fs::read(folder.path().join(name).join("model.safetensors")).unwrap();
    assert!(model("one") == model("two"));
}

#[test]
fn all_three_axes_can_be_looked_along() {
    let folder = tempfile::tempdir().unwrap();
    volumes(folder.path(), "data", 2);
    train(folder.path(), "model", &["--axes", "xyz", "--stop-after", "1"]);
    ok(folder.path(), &["predict", "model", "data/images/case1.npy", "-o", "found.npy"]);
}

/// Writes a volume of bytes with spacing and position; `turned` stores it with every axis running the other way.
fn write_nifti(path: &Path, voxels: &[u8], labels: bool, turned: bool) {
    let size = [32.0, 32.0, 6.0];
    let mut header = Header::new(Shape::new(&[32, 32, 6]).unwrap(), Dtype::U8);
    let sign = if turned { -1.0 } else { 1.0 };
    let row = |axis: usize| {
        let mut row = [0.0; 4];
        row[axis] = sign * 2.0;
        row[3] = if turned { 2.0 * (size[axis] - 1.0) } else { 0.0 };
        row
    };
    header.grid.geometry = Geometry::from_lps_matrix([row(0), row(1), row(2)]);
    header.meaning.labels = labels;
    let bytes: Vec<u8> = if turned { voxels.iter().rev().copied().collect() } else { voxels.to_vec() };
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let target = Target::new(path, false, &[]).unwrap();
    let output = io::create(&target, &header, &WriteOptions::default()).unwrap();
    output.write(0, &bytes).unwrap();
    publish(vec![output.finish().unwrap()]).unwrap();
}

fn voxels_of(path: &Path) -> Vec<u8> {
    let source = io::open(&[path.to_path_buf()], &OpenOptions::default()).unwrap();
    let mut bytes = vec![0; source.header().bytes() as usize];
    source.read(0, &mut bytes).unwrap();
    bytes
}

#[test]
fn a_volume_that_lies_otherwise_gets_the_same_labels_where_it_lies() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    volumes(at, "arrays", 4);
    for (i, kind) in (0..4).flat_map(|i| [(i, "images"), (i, "labels")]) {
        let voxels = voxels_of(&at.join(format!("arrays/{kind}/case{i}.npy")));
        // One of those that are learnt from lies otherwise, too.
        write_nifti(&at.join(format!("data/{kind}/case{i}.nii")), &voxels, kind == "labels", i == 2);
        write_nifti(&at.join(format!("other/{kind}/case{i}.nii")), &voxels, kind == "labels", true);
    }
    train(at, "model", &[]);
    ok(at, &["predict", "model", "data/images/case3.nii", "-o", "straight.nii"]);
    let ran = ok(at, &["predict", "model", "other/images/case3.nii", "-o", "turned.nii"]);
    assert!(ran.stderr.contains("turned to LPS"), "{}", ran.stderr);
    let (straight, turned) = (voxels_of(&at.join("straight.nii")), voxels_of(&at.join("turned.nii")));
    assert!(straight.contains(&1), "something is found");
    assert!(straight == turned.iter().rev().copied().collect::<Vec<_>>());
    let judged = |data: &str| ok(at, &["evaluate", "model", data, "--cases", "case3", "--json"]).json();
    assert_eq!(judged("data")["rows"][0], judged("other")["rows"][0]);
}

#[test]
fn a_structure_that_is_missed_counts_as_nothing_found() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    volumes(at, "data", 3);
    train(at, "model", &["--stop-after", "1"]);
    // Nothing but the darkest background in the image, a ball in its labels.
    write_array(&at.join("blind/images/case.npy"), &[6, 32, 32], &[1; 32 * 32 * 6]);
    std::fs::create_dir_all(at.join("blind/labels")).unwrap();
    std::fs::copy(at.join("data/labels/case0.npy"), at.join("blind/labels/case.npy")).unwrap();
    let judged = ok(at, &["evaluate", "model", "blind", "--json"]).json();
    let row = &judged["rows"][0];
    if row["volume_ml"].is_null() {
        // No spacing, no volumes: what was found is in the overlap alone.
        assert!(row["dice"].as_f64().is_some_and(|dice| dice < 0.5), "{judged:#}");
    }
    assert_eq!(judged["mean"]["dice"], row["dice"], "a mean may not leave it out");
}
