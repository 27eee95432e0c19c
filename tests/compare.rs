//! `compare`: label maps and images against each other, numbers worked by hand, what is n/a, and exit codes.

use serde_json::json;

use crate::support::{Folder, nifti, ok, run};

/// A map of bytes with this spacing.
fn map(folder: &Folder, name: &str, shape: &[i16], spacing: [f32; 3], voxels: &[u8]) -> String {
    let mut file = nifti(shape, 2, voxels);
    spacing.iter().enumerate().for_each(|(i, mm)| file[80 + 4 * i..84 + 4 * i].copy_from_slice(&mm.to_le_bytes()));
    folder.file(name, &file)
}

/// A box of ones from `from` along x in 12 x 6 x 6 voxels.
fn boxed(from: usize) -> Vec<u8> {
    let inside = |i: usize| (from..from + 4).contains(&(i % 12)) && (1..5).contains(&(i / 12 % 6)) && (1..5).contains(&(i / 72));
    (0..12 * 6 * 6).map(|i| u8::from(inside(i))).collect()
}

#[test]
fn two_boxes_by_hand() {
    let folder = Folder::new();
    let a = map(&folder, "a.nii", &[12, 6, 6], [2.0, 1.0, 1.0], &boxed(1));
    let b = map(&folder, "b.nii", &[12, 6, 6], [2.0, 1.0, 1.0], &boxed(3));
    for surface in ["surface", "voxel", "voxel-pooled"] {
        let said = ok(&["compare", &a, &b, "--surface", surface, "--percentile", "100", "--json"]).json();
        let row = &said["rows"][0];
        assert_eq!((&row["label"], &row["dice"], &row["f1"]), (&json!(1), &json!(0.5), &json!(0.5)), "{said}");
        assert_eq!((&row["precision"], &row["recall"], &row["iou"]), (&json!(0.5), &json!(0.5), &json!(1.0 / 3.0)));
        assert_eq!((&row["volume_difference_ml"], &row["volume_difference_percent"]), (&json!(0.0), &json!(0.0)));
        // Moved by two voxels of 2 mm.
        assert_eq!((&row["hd_mm"], &row["hd100_mm"]), (&json!(4.0), &json!(4.0)), "{surface}");
        assert!(row["reason"].is_null() && row["assd_mm"].as_f64().unwrap() > 0.0 && row["nsd"].as_f64().unwrap() < 1.0);
    }
    let same = ok(&["compare", &a, &a, "--json"]).json();
    assert_eq!(
        (&same["rows"][0]["hd95_mm"], &same["rows"][0]["nsd"], &same["rows"][0]["dice"]),
        (&json!(0.0), &json!(1.0), &json!(1.0))
    );
    assert_eq!(same["overall"]["voxel_accuracy"], 1.0);
}

#[test]
fn what_one_map_lacks_is_not_defined() {
    let folder = Folder::new();
    let a = map(&folder, "a.nii", &[6, 1, 1], [1.0; 3], &[1, 1, 2, 0, 0, 0]);
    let b = map(&folder, "b.nii", &[6, 1, 1], [1.0; 3], &[1, 1, 0, 3, 3, 0]);
    let said = ok(&["compare", &a, &b, "--json"]).json();
    let rows = said["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 3);
    assert_eq!((&rows[0]["dice"], &rows[1]["dice"], &rows[2]["dice"]), (&json!(1.0), &json!(null), &json!(null)));
    assert_eq!((&rows[1]["reason"], &rows[2]["reason"]), (&json!("not in the reference"), &json!("only in the reference")));
    assert_eq!((&rows[2]["hd_mm"], &rows[2]["volume_difference_percent"]), (&json!(null), &json!(-100.0)));
    assert_eq!(
        (&said["overall"]["labels_na"], &said["overall"]["mean"]["dice"]),
        (&json!(2), &json!({"mean": 1.0, "labels": 1}))
    );
    let text = ok(&["compare", &a, &b]).text();
    assert!(text.contains("n/a") && text.contains("only in the reference"), "{text}");
    // n/a is not good enough.
    let failed = run(&["compare", &a, &b, "--fail-below", "dice=0.5"]);
    assert!(failed.code == Some(1) && failed.stderr.contains("label 2: dice is n/a, not 0.5 or more"), "{}", failed.stderr);
    // Nothing in either.
    let none = map(&folder, "none.nii", &[6, 1, 1], [1.0; 3], &[0; 6]);
    assert!(ok(&["compare", &none, &none]).text().contains("n/a"));
}

#[test]
fn limits_set_the_exit_code() {
    let folder = Folder::new();
    let a = map(&folder, "a.nii", &[12, 6, 6], [1.0; 3], &boxed(1));
    let b = map(&folder, "b.nii", &[12, 6, 6], [1.0; 3], &boxed(2));
    ok(&["compare", &a, &b, "--fail-below", "dice=0.75", "--fail-below", "nsd=0.9"]);
    assert_eq!(run(&["compare", &a, &b, "--fail-below", "dice=0.76"]).code, Some(1));
    let said = ok(&["compare", &a, &b, "--as", "image", "--json", "--tolerance", "1"]).json();
    assert_eq!((&said["rows"][0]["max_abs"], &said["rows"][0]["different"]), (&json!(1.0), &json!(32)));
    assert_eq!(run(&["compare", &a, &b, "--as", "image", "--tolerance", "0.5"]).code, Some(1));
    for (wrong, hint) in [
        (["--fail-below", "beauty=1"], "the measures are"),
        (["--tolerance", "1"], "--as image"),
        (["--fail-below", "psnr_db=1"], "they have dice"),
        (["--fail-below", "panoptic_quality=1"], "--instances"),
    ] {
        let refused = run(&["compare", &a, &b, "--as", "labels", wrong[0], wrong[1]]);
        assert!(refused.code == Some(2) && refused.stderr.contains(hint), "{}", refused.stderr);
    }
}

#[test]
fn other_grids_and_no_labels_are_refused() {
    let folder = Folder::new();
    let a = map(&folder, "a.nii", &[12, 6, 6], [1.0; 3], &boxed(1));
    let small = map(&folder, "b.nii", &[6, 6, 12], [1.0; 3], &boxed(1));
    let refused = run(&["compare", &a, &small, "--as", "labels"]);
    assert!(
        refused.code == Some(2) && refused.stderr.contains("12 x 6 x 6") && refused.stderr.contains("6 x 6 x 12"),
        "{}",
        refused.stderr
    );
    let values: Vec<u8> = (0..12 * 6 * 6).flat_map(|i| (i as f32 / 7.0).to_le_bytes()).collect();
    let floats = folder.file("f.nii", &nifti(&[12, 6, 6], 16, &values));
    let refused = run(&["compare", &floats, &a, "--as", "labels"]);
    assert!(refused.code == Some(2) && refused.stderr.contains("no whole numbers"), "{}", refused.stderr);
    // Without being told, it is taken for an image, aloud.
    let image = ok(&["compare", &floats, &a, "--json"]);
    assert!(image.json()["compared_as"] == "image" && image.stderr.contains("--as labels"), "{}", image.stderr);
    let negative: Vec<u8> = boxed(1).iter().flat_map(|v| (-i16::from(*v)).to_le_bytes()).collect();
    let negative = folder.file("n.nii", &nifti(&[12, 6, 6], 4, &negative));
    let refused = run(&["compare", &negative, &a, "--as", "labels"]);
    assert!(refused.code == Some(2) && refused.stderr.contains("below 0"), "{}", refused.stderr);
}

#[test]
fn objects_are_counted() {
    let folder = Folder::new();
    let a = map(&folder, "a.nii", &[9, 1], [1.0; 3], &[1, 1, 0, 1, 0, 1, 1, 0, 0]);
    let b = map(&folder, "b.nii", &[9, 1], [1.0; 3], &[1, 1, 0, 0, 0, 1, 1, 1, 0]);
    let row = ok(&["compare", &a, &b, "--instances", "--json"]).json()["rows"][0].clone();
    assert_eq!((&row["instances"], &row["reference_instances"], &row["matched_instances"]), (&json!(3), &json!(2), &json!(2)));
    assert_eq!((&row["instance_f1"], &row["panoptic_quality"]), (&json!(0.8), &json!((1.0 + 2.0 / 3.0) * 2.0 / 5.0)));
}

#[test]
fn a_folder_against_a_folder_is_one_table() {
    let folder = Folder::new();
    for name in ["a", "b"] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
    }
    for (name, from) in [("a/1.nii", 1), ("a/2.nii", 2), ("b/1.nii", 1), ("b/2.nii", 3), ("b/3.nii", 1)] {
        map(&folder, name, &[12, 6, 6], [1.0; 3], &boxed(from));
    }
    let (a, b, csv) = (folder.at("a"), folder.at("b"), folder.at("t.csv"));
    let ran = run(&["compare", &a, &b, "--folder", "-o", &csv, "--json"]);
    // A file without a partner is no agreement.
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    let said = ran.json();
    assert_eq!((&said["files"], &said["files_not_compared"]), (&json!(3), &json!(1)));
    assert_eq!(said["summary"][0]["dice"], json!({"n": 2, "mean": 0.875, "min": 0.75, "max": 1.0}));
    let table = std::fs::read_to_string(&csv).unwrap();
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].starts_with("file,label,dice,") && lines.len() == 4, "{table}");
    assert!(lines[1].starts_with("1.nii,1,1,") && lines[2].starts_with("2.nii,1,0.75,"), "{table}");
    assert!(lines[3].starts_with("3.nii,,") && lines[3].contains("not in folder A"), "{table}");
}
