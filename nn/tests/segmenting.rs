//! Tiny trainings of voxels: they learn, they repeat, they go on, and label maps lie on the grid of their image.

use std::path::Path;

use crate::support::{ok, volumes};

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
