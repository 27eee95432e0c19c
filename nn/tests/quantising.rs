//! Models in whole numbers: they answer as those in floats do, with the same bits on any number of threads and on a device.

use std::path::Path;

use crate::support::{ok, refused, run, two_classes, volumes};

/// Whether there is an adapter; tests of the engine insist on one unless this says that there is none.
fn device() -> Option<&'static str> {
    std::env::var_os("HOUNSFIELD_NO_GPU").is_none_or(|v| v != "1").then_some("gpu")
}

fn read(folder: &Path, name: &str) -> Vec<u8> {
    std::fs::read(folder.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// Predicts again and again: by threads, and on a device. The first answer.
fn same_everywhere(folder: &Path, model: &str, data: &str, ending: &str, more: &[&str]) -> Vec<u8> {
    let answer = |name: &str, own: &[&str]| {
        let out = format!("{name}.{ending}");
        ok(folder, &[&["predict", model, data, "-o", &out, "-q", "--force"], more, own].concat());
        read(folder, &out)
    };
    let first = answer("one", &["--threads", "1"]);
    assert!(answer("three", &["--threads", "3"]) == first, "threads");
    if let Some(device) = device() {
        assert!(answer("device", &["--device", device]) == first, "on a device");
    }
    first
}

#[test]
fn whole_images_get_the_same_class() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    two_classes(folder, "data", 40);
    two_classes(folder, "other data", 20);
    let small = ["--width", "4", "--batch", "16", "--rate", "0.01", "--epochs", "4", "--val-fraction", "0.25", "-q"];
    ok(folder, &[&["classify", "data", "-o", "model"], small.as_slice()].concat());
    let said = ok(folder, &["quantise", "model", "data", "-o", "exact", "--json", "-q"]).json();
    assert!(said["same_class"].as_f64().unwrap() > 0.97 && said["greatest_difference"].as_f64().unwrap() < 0.1, "{said}");
    assert_eq!(said["looked_at"], 80);
    let exact = same_everywhere(folder, "exact", "other data", "csv", &["--logits"]);
    ok(folder, &["predict", "model", "other data", "-o", "floats.csv", "--logits"]);
    let numbers = |table: &[u8]| -> Vec<f64> {
        let text = String::from_utf8_lossy(table).into_owned();
        text.lines().skip(1).flat_map(|line| [3, 5].map(|i| line.split(',').nth(i).unwrap().parse().unwrap())).collect()
    };
    let (exact, floats) = (numbers(&exact), numbers(&read(folder, "floats.csv")));
    assert!(exact != floats, "whole numbers are rounded");
    let spread = floats.iter().fold(0.0, |most: f64, logit| most.max(logit.abs()));
    let worst = exact.iter().zip(&floats).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(worst < 0.05 * spread, "{worst} of {spread}");
    let auc = |model: &str| ok(folder, &["evaluate", model, "other data", "--json"]).json()["auc"].as_f64().unwrap();
    assert!((auc("exact") - auc("model")).abs() < 0.01);

    refused(folder, 2, &["quantised already"], &["quantise", "exact", "data", "-o", "again"]);
    refused(folder, 2, &["quantise the model first"], &["predict", "model", "other data", "--device", "gpu"]);
    assert_eq!(run(folder, &["quantise", "model", "data", "-o", "exact"]).code, Some(4), "an output that exists");
    // Ranges that are no numbers, or of another network.
    for (broken, text) in [("short", "[1.0,2.0]"), ("wrong", "\"?\"")] {
        std::fs::create_dir(folder.join(broken)).unwrap();
        let bytes = read(folder, "exact/model.safetensors");
        let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        let header = String::from_utf8_lossy(&bytes[8..8 + length]).into_owned();
        let begin = header.find("\\\"ranges\\\":[").unwrap() + 11;
        let end = begin + header[begin..].find(']').unwrap() + 1;
        let header = [&header[..begin], &text.replace('"', "\\\""), &header[end..]].concat();
        let all = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &bytes[8 + length..]].concat();
        std::fs::write(folder.join(broken).join("model.safetensors"), all).unwrap();
        let ran = run(folder, &["predict", broken, "other data"]);
        assert!(matches!(ran.code, Some(2 | 3)) && !ran.stderr.contains("internal error"), "{broken}: {}", ran.stderr);
    }
}

#[test]
fn voxels_get_the_same_label() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    volumes(folder, "data", 4);
    let small =
        ["--width", "4", "--levels", "3", "--patch", "24", "--batch", "4", "--steps", "12", "--epochs", "3", "--rate", "0.01"];
    ok(folder, &[&["segment", "data", "-o", "model", "-q", "--val", "case0", "--slices", "3"], small.as_slice()].concat());
    let said = ok(folder, &["quantise", "model", "data", "-o", "exact", "--cases", "case1,case2", "--json", "-q"]).json();
    assert!(said["same_class"].as_f64().unwrap() > 0.98, "{said}");
    refused(folder, 2, &["no volume \"case9\"", "case3"], &["quantise", "model", "data", "-o", "none", "--cases", "case1,case9"]);
    assert!(!folder.join("none/model.safetensors").exists());
    let exact = same_everywhere(folder, "exact", "data/images/case3.npy", "npy", &[]);
    ok(folder, &["predict", "model", "data/images/case3.npy", "-o", "floats.npy"]);
    let floats = read(folder, "floats.npy");
    assert_eq!(exact.len(), floats.len());
    let differ = exact.iter().zip(&floats).filter(|(a, b)| a != b).count();
    assert!(differ * 50 < exact.len(), "{differ} of {} labels differ", exact.len());
}
