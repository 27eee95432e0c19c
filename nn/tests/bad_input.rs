//! What is refused: with one line that says what is wrong and what to do, and nothing left behind.

use crate::support::{image, ok, refused, run, two_classes, volumes, write_array};

const QUICK: [&str; 8] = ["--width", "2", "--batch", "8", "--epochs", "1", "--val-fraction", "0.3"];

#[test]
fn data_that_teach_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let classify = |data: &'static str| [&["classify", data, "-o", "model", "-q"], QUICK.as_slice()].concat();
    std::fs::create_dir(at.join("empty")).unwrap();
    refused(at, 3, &["no images", "empty"], &classify("empty"));
    write_array(&at.join("alone/only/a.npy"), &[16, 16], &image(0, 1, 16));
    refused(at, 2, &["1 class"], &classify("alone"));
    refused(at, 3, &["cannot read", "nowhere"], &classify("nowhere"));
    two_classes(at, "data", 6);
    std::fs::write(at.join("data/left/broken.png"), "no image").unwrap();
    refused(at, 3, &["broken.png"], &classify("data"));
    let ran = ok(at, &[classify("data"), vec!["--skip-broken", "--json"]].concat());
    let skipped = ran.json()["broken_skipped"].as_array().unwrap().clone();
    assert!(skipped.len() == 1 && skipped[0].as_str().unwrap().contains("broken.png"), "{skipped:?}");
    refused(at, 4, &["exists", "--force"], &[classify("data"), vec!["--skip-broken"]].concat());
    refused(at, 2, &["--val"], &["classify", "data", "-o", "other", "-q", "--skip-broken"]);
    assert!(!at.join("other").exists());
}

#[test]
fn the_same_pixels_in_two_parts() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    two_classes(at, "data", 6);
    two_classes(at, "validation", 4);
    std::fs::copy(at.join("data/left/p0_0.npy"), at.join("validation/left/copy.npy")).unwrap();
    let line = [
        "classify",
        "data",
        "--val",
        "validation",
        "-o",
        "model",
        "-q",
        "--width",
        "2",
        "--batch",
        "8",
        "--epochs",
        "1",
        "--json",
    ];
    refused(at, 2, &["1 images", "p0_0.npy", "--drop-duplicates"], &line);
    let card = ok(at, &[line.as_slice(), &["--drop-duplicates"]].concat()).json();
    assert_eq!((card["duplicates_dropped"].as_u64(), card["train"]["count"].as_u64()), (Some(1), Some(11)));
}

#[test]
fn label_maps_that_do_not_fit() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let segment = |more: &[&'static str]| {
        let line = [
            "segment", "data", "-o", "model", "-q", "--width", "2", "--levels", "2", "--patch", "16", "--steps", "1", "--epochs",
            "1",
        ];
        [line.as_slice(), &["--val", "case0"], more].concat()
    };
    volumes(at, "data", 3);
    refused(at, 2, &["no volume \"case7\"", "case1"], &segment(&["--hold-out", "case7"]));
    refused(at, 2, &["label 1", "1 classes"], &segment(&["--classes", "background"]));
    write_array(&at.join("data/labels/case2.npy"), &[6, 32, 16], &vec![0; 6 * 32 * 16]);
    refused(at, 2, &["label map has 16 x 32 x 6", "case2"], &segment(&[]));
    std::fs::remove_file(at.join("data/labels/case2.npy")).unwrap();
    refused(at, 2, &["no label map for", "case2"], &segment(&[]));
    assert!(!at.join("model").exists());
}

#[test]
fn models_of_another_kind_or_version() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    two_classes(at, "data", 4);
    ok(at, &[&["classify", "data", "-o", "model", "-q"], QUICK.as_slice()].concat());
    let file = at.join("model/model.safetensors");
    let bytes = std::fs::read(&file).unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    assert!(text.contains("\\\"version\\\":1"));
    let place = bytes.windows(13).position(|part| part == b"\\\"version\\\":1").unwrap();
    let mut other = bytes.clone();
    other[place + 12] = b'9';
    std::fs::write(at.join("other.safetensors"), other).unwrap();
    refused(at, 3, &["version 9", "reads version 1"], &["evaluate", "other.safetensors", "data"]);
    std::fs::write(at.join("cut.safetensors"), &bytes[..bytes.len() / 2]).unwrap();
    refused(at, 3, &["damaged", "cut.safetensors"], &["evaluate", "cut.safetensors", "data"]);
    refused(at, 2, &["three", "left, right"], &{
        write_array(&at.join("strange/three/a.npy"), &[16, 16], &image(0, 1, 16));
        ["evaluate", "model", "strange"]
    });
}

#[test]
fn a_loss_that_is_no_number_stops_and_keeps_the_last_good_state() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    two_classes(at, "data", 16);
    let line =
        ["classify", "data", "-o", "model", "-q", "--width", "2", "--batch", "8", "--epochs", "400", "--val-fraction", "0.3"];
    // Steps of this size leave the range of 32-bit floats sooner or later.
    let ran = run(at, &[line.as_slice(), &["--rate", "1e30", "--patience", "400"]].concat());
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert!(ran.stderr.contains("no number any more at step") && ran.stderr.contains("learning rate"), "{}", ran.stderr);
    // What was kept, if an epoch was done, is whole: there is nothing that is half written, and no number in it that is none.
    for file in std::fs::read_dir(at.join("model")).unwrap() {
        let path = file.unwrap().path();
        assert!(!path.to_string_lossy().contains(".part"), "{}", path.display());
    }
}
