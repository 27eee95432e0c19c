//! Models that go to other programs and come back.

use std::path::Path;
use std::process::Command;

use crate::support::{ok, refused, two_classes, volumes};

/// Images of 16 x 16 as they are, so that another program sees the same pixels.
const PLAIN: [&str; 14] = [
    "--size",
    "16",
    "--normalise",
    "range:0:255",
    "--width",
    "4",
    "--batch",
    "16",
    "--epochs",
    "2",
    "--val-fraction",
    "0.25",
    "-q",
    "--json",
];

fn classifier(folder: &Path) {
    two_classes(folder, "data", 20);
    ok(folder, &[&["classify", "data", "-o", "model"], PLAIN.as_slice()].concat());
}

#[test]
fn what_is_exported_answers_the_same_once_it_is_imported() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    classifier(at);
    let answers = |model: &str, out: &str| {
        ok(at, &["predict", model, "data", "-o", out, "--logits", "-q"]);
        std::fs::read_to_string(at.join(out)).unwrap()
    };
    let own = answers("model", "own.csv");
    for ending in ["onnx", "safetensors"] {
        let (file, back) = (format!("out.{ending}"), format!("back-{ending}"));
        ok(at, &["export", "model", "-o", &file]);
        let said = ok(at, &["import", &file, "-o", &back, "--json"]).json();
        assert_eq!(said["classes"], serde_json::json!(["left", "right"]), "{said}");
        assert!(answers(&back, &format!("{ending}.csv")) == own, "{ending}: other answers");
    }
    volumes(at, "voxels", 2);
    let small =
        ["--width", "2", "--levels", "2", "--patch", "16", "--batch", "2", "--steps", "2", "--epochs", "1", "--val", "case0"];
    ok(at, &[&["segment", "voxels", "-o", "voxel-model", "-q"], small.as_slice()].concat());
    ok(at, &["export", "voxel-model", "-o", "voxels.onnx"]);
    ok(at, &["import", "voxels.onnx", "-o", "voxel-back"]);
    for (model, out) in [("voxel-model", "a.npy"), ("voxel-back", "b.npy")] {
        ok(at, &["predict", model, "voxels/images/case1.npy", "-o", out]);
    }
    assert!(std::fs::read(at.join("a.npy")).unwrap() == std::fs::read(at.join("b.npy")).unwrap());

    std::fs::write(at.join("broken.onnx"), b"no model").unwrap();
    refused(at, 3, &["ONNX", "broken.onnx"], &["import", "broken.onnx", "-o", "none"]);
}

#[test]
fn onnxruntime_gives_the_same_logits() {
    let Some(python) = std::env::var_os("HOUNSFIELD_ORACLE_PYTHON") else {
        eprintln!("skipped: HOUNSFIELD_ORACLE_PYTHON names no Python with onnxruntime; tests/run makes one");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    classifier(at);
    ok(at, &["export", "model", "-o", "model.onnx"]);
    ok(at, &["predict", "model", "data", "-o", "own.csv", "--logits", "-q"]);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/oracles/check_onnx.py");
    let ran = Command::new(python).args([script, "model.onnx", "own.csv", "data"]).current_dir(at).output().unwrap();
    assert!(ran.status.success(), "{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
}
