//! Tiny trainings of classes: they learn, they repeat, they go on, and what they say agrees with what is exported.

use std::path::Path;

use crate::support::{ok, run, two_classes};

/// Fast, and enough for discs.
const SMALL: [&str; 10] = ["--width", "4", "--batch", "16", "--rate", "0.01", "--epochs", "4", "--val-fraction", "0.25"];

fn train(folder: &Path, model: &str, more: &[&str]) -> crate::support::Ran {
    ok(folder, &[&["classify", "data", "-o", model, "-q"], SMALL.as_slice(), more].concat())
}

fn weights(folder: &Path, model: &str) -> Vec<u8> {
    std::fs::read(folder.join(model).join("model.safetensors")).expect("a model")
}

#[test]
fn a_training_learns_says_so_and_keeps_all_files() {
    let folder = tempfile::tempdir().unwrap();
    two_classes(folder.path(), "data", 40);
    two_classes(folder.path(), "other data", 10);
    let ran = train(folder.path(), "model", &["--json", "--hold-out", "0.2", "--no-augmentation"]);
    let card = ran.json();
    assert_eq!(card["classes"], serde_json::json!(["left", "right"]));
    assert!(card["notice"].as_str().unwrap().starts_with("Not a medical device"));
    // Cards are handed on: nothing says where files lie.
    assert_eq!(card["train"]["from"], serde_json::json!(["data"]));
    let count = |part: &str| card[part]["count"].as_u64().unwrap();
    assert_eq!(count("train") + count("validation") + count("held_out"), 80);
    assert_eq!(card["train"]["sha256"].as_str().unwrap().len(), 64);
    let log = std::fs::read_to_string(folder.path().join("model/log.csv")).unwrap();
    let losses: Vec<f64> = log.lines().skip(1).map(|line| line.split(',').nth(2).unwrap().parse().unwrap()).collect();
    assert!(losses.len() == 4 && losses[3] < 0.8 * losses[0], "{losses:?}");
    for file in ["model.safetensors", "last.safetensors", "card.json", "log.csv", "curves.png"] {
        assert!(folder.path().join("model").join(file).metadata().unwrap().len() > 100, "{file}");
    }
    let judged = ok(folder.path(), &["evaluate", "model", "other data", "--json", "--figure", "roc.svg"]).json();
    assert!(judged["auc"].as_f64().unwrap() > 0.9, "{judged:#}");
    assert_eq!(judged["images"], 20);
    let sum: u64 =
        judged["confusion"].as_array().unwrap().iter().flat_map(|row| row.as_array().unwrap()).map(|n| n.as_u64().unwrap()).sum();
    assert_eq!(sum, 20);
    for key in ["accuracy", "balanced_accuracy", "precision", "recall", "f1", "threshold", "mcc", "ece", "brier"] {
        assert!(judged[key].is_number(), "{key}");
    }
    assert!(std::fs::read_to_string(folder.path().join("roc.svg")).unwrap().contains("ROC"));
    assert!(!std::fs::read_to_string(folder.path().join("model/card.json")).unwrap().contains(&*folder.path().to_string_lossy()));
    let plain = ok(folder.path(), &["predict", "model", "other data/left", "--json"]).json();
    assert_eq!(plain["path"].as_array().unwrap().len(), 10, "a folder of images without classes");
    ok(folder.path(), &["predict", "model", "other data", "-o", "out.csv", "--logits"]);
    let table = std::fs::read_to_string(folder.path().join("out.csv")).unwrap();
    assert_eq!(table.lines().next(), Some("path,predicted,probability_left,logit_left,probability_right,logit_right"));
    let rows: Vec<Vec<&str>> = table.lines().skip(1).map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), 20);
    for row in rows {
        let number = |i: usize| row[i].parse::<f64>().unwrap();
        let right = 1.0 / (1.0 + (number(3) - number(5)).exp());
        assert!((number(4) - right).abs() < 1e-9 && (number(2) + number(4) - 1.0).abs() < 1e-9, "{row:?}");
        assert_eq!(row[1] == "right", number(4) >= judged["threshold"].as_f64().unwrap());
    }
}

#[test]
fn the_same_seed_gives_the_same_bits_with_any_number_of_threads_and_another_does_not() {
    let folder = tempfile::tempdir().unwrap();
    two_classes(folder.path(), "data", 16);
    for (model, more) in [
        ("one", ["--threads", "1", "--seed", "3"]),
        ("two", ["--threads", "2", "--seed", "3"]),
        ("again", ["--threads", "2", "--seed", "3"]),
        ("other", ["--threads", "2", "--seed", "4"]),
    ] {
        train(folder.path(), model, &more);
    }
    assert!(weights(folder.path(), "one") == weights(folder.path(), "two"), "1 and 2 threads");
    assert!(weights(folder.path(), "two") == weights(folder.path(), "again"), "twice");
    assert!(weights(folder.path(), "two") != weights(folder.path(), "other"), "another seed");
}

#[test]
fn what_goes_on_gives_the_bits_of_what_was_never_stopped() {
    let folder = tempfile::tempdir().unwrap();
    two_classes(folder.path(), "data", 16);
    train(folder.path(), "whole", &[]);
    train(folder.path(), "parts", &["--stop-after", "2"]);
    // The state holds the weights now, their average, and what the optimiser remembers; only the times differ.
    let numbers = |model: &str| {
        let all = std::fs::read(folder.path().join(model).join("last.safetensors")).unwrap();
        let header = u64::from_le_bytes(all[..8].try_into().unwrap()) as usize;
        all[8 + header..].to_vec()
    };
    assert!(numbers("whole") != numbers("parts"));
    train(folder.path(), "parts", &["--resume"]);
    assert!(numbers("whole") == numbers("parts"), "the state");
    assert!(weights(folder.path(), "whole") == weights(folder.path(), "parts"), "the best weights");
    let other = run(folder.path(), &[&["classify", "data", "-o", "parts", "--resume", "--seed", "9"], SMALL.as_slice()].concat());
    assert_eq!(other.code, Some(2));
    assert!(other.stderr.contains("other settings or data (plan"), "{}", other.stderr);
}

#[test]
fn exports_are_files_of_their_kind() {
    let folder = tempfile::tempdir().unwrap();
    two_classes(folder.path(), "data", 8);
    train(folder.path(), "model", &["--stop-after", "1"]);
    ok(folder.path(), &["export", "model", "-o", "m.onnx"]);
    ok(folder.path(), &["export", "model", "-o", "m.safetensors"]);
    let onnx = std::fs::read(folder.path().join("m.onnx")).unwrap();
    let holds = |text: &str| onnx.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(["Conv", "Relu", "GlobalAveragePool", "Gemm", "logits", "Not a medical device"].into_iter().all(holds));
    assert!(!holds("BatchNormalization"), "folded");
    let tensors = std::fs::read(folder.path().join("m.safetensors")).unwrap();
    let header = u64::from_le_bytes(tensors[..8].try_into().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&tensors[8..8 + header]).unwrap();
    assert_eq!(header["stem.weight"]["shape"], serde_json::json!([4, 1, 3, 3]));
    assert_eq!(header["stem.bias"]["shape"], serde_json::json!([4]));
}

#[test]
fn a_sheet_of_augmented_images_is_drawn_and_nothing_trained() {
    let folder = tempfile::tempdir().unwrap();
    two_classes(folder.path(), "data", 4);
    train(folder.path(), "model", &["--show-augmentation", "sheet.png"]);
    assert!(folder.path().join("sheet.png").is_file() && !folder.path().join("model").exists());
}

#[test]
fn steps_of_map_go_before_and_are_kept_in_the_model() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    two_classes(at, "data", 12);
    let small = ["--width", "2", "--batch", "8", "--epochs", "1", "--val-fraction", "0.3", "-q"];
    let train = |model: &str, more: &[&str]| ok(at, &[&["classify", "data", "-o", model], small.as_slice(), more].concat());
    train("plain", &[]);
    train("smooth", &["--prepare", "median:1,clip:0:200"]);
    let card: serde_json::Value = serde_json::from_slice(&std::fs::read(at.join("smooth/card.json")).unwrap()).unwrap();
    assert_eq!(card["settings"]["steps"], "median:1,clip:0:200");
    // The same as images that went through map's steps before: by way of the model, on images as they are.
    let answers = |model: &str| ok(at, &["predict", model, "data", "--logits", "--json"]).stdout;
    assert_ne!(answers("plain"), answers("smooth"));
    ok(at, &["export", "smooth", "-o", "smooth.onnx"]);
    ok(at, &["import", "smooth.onnx", "-o", "back"]);
    assert_eq!(answers("back"), answers("smooth"));
    let ran = run(at, &[&["classify", "data", "-o", "other"], small.as_slice(), &["--prepare", "nonsense:1"]].concat());
    assert!(ran.code == Some(2) && ran.stderr.contains("there is no such step"), "{}", ran.stderr);
}
