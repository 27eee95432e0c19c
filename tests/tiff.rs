//! Pictures from the command line: what a format does not hold is said, in text and in JSON.

use crate::support::{Folder, data, nifti, ok, run};

/// A volume of 16-bit words with slope 2, intercept -1024 and a place.
fn scanned(folder: &Folder) -> String {
    let voxels: Vec<u8> = (0..4 * 3 * 2i16).flat_map(|v| (100 * v).to_le_bytes()).collect();
    let mut bytes = nifti(&[4, 3, 2], 4, &voxels);
    let mut put = |at: usize, value: &[f32]| {
        bytes[at..at + 4 * value.len()].copy_from_slice(&value.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>());
    };
    put(76, &[1.0, 0.5, 0.75, 2.5]);
    put(112, &[2.0, -1024.0]);
    put(280, &[0.5, 0.0, 0.0, -10.0, 0.0, 0.75, 0.0, -20.0, 0.0, 0.0, 2.5, 30.0]);
    bytes[254] = 1;
    bytes[123] = 2;
    folder.file("scan.nii", &bytes)
}

#[test]
fn a_picture_says_what_it_does_not_hold() {
    let folder = Folder::new();
    let (scan, tiff) = (scanned(&folder), folder.at("scan.tif"));
    let ran = ok(&["convert", "--json", &scan, "-o", &tiff]);
    let notes: Vec<String> = serde_json::from_value(ran.json()["notes"].clone()).unwrap();
    assert_eq!(
        notes,
        [
            "in the TIFF file position and orientation in the patient are not kept",
            "in the TIFF file the rescale 2 * stored + -1024 is kept as ImageJ's calibration: other programs see stored values"
        ]
    );
    assert!(notes.iter().all(|note| ran.stderr.contains(note)), "{}", ran.stderr);
    // What can be kept comes back.
    let (before, after) = (ok(&["stats", "--json", &scan]).json(), ok(&["stats", "--json", &tiff]).json());
    for key in ["min", "max", "mean"] {
        assert_eq!(before[key], after[key], "{key}");
    }
    assert_eq!(ok(&["info", "--json", &tiff]).json()["spacing_mm"], serde_json::json!([0.5, 0.75, 2.5]));
    assert_eq!(ok(&["convert", "--json", &scan, "-o", &folder.at("copy.nii")]).json()["notes"], serde_json::json!([]));
}

#[test]
fn every_command_that_writes_a_picture_says_so() {
    let folder = Folder::new();
    let scan = scanned(&folder);
    let position = "position and orientation";
    for words in [
        vec!["map", &scan, "--steps", "minmax"],
        vec!["map", &scan, "--steps", "median:1"],
        vec!["equalize", &scan],
        vec!["threshold", &scan],
        vec!["segment", &scan, "-k", "2"],
        vec!["mask", &scan, &scan],
    ] {
        let out = folder.at("out.tif");
        let ran = ok(&[&words[..], &["--json", "--force", "-o", &out]].concat());
        let notes = ran.json()["notes"].to_string();
        assert!(notes.contains(position) && ran.stderr.contains(position), "{}: {notes}", ran.line);
    }
}

#[test]
fn a_channel_is_chosen_as_a_series_is() {
    let Some(path) = data("reports/imagej_channels.tif") else { return };
    for (words, mean) in [(vec![], 479.5), (vec!["--series", "2"], 10_479.5)] {
        let ran = ok(&[&["stats", "--json", &path][..], &words].concat());
        assert_eq!(ran.json()["mean"], mean, "{}", ran.line);
        assert!(ran.stderr.contains("of 2: another one is chosen by its number"), "{}", ran.stderr);
    }
    let ran = run(&["info", &path, "--series", "3"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("there is no channel 3") && ran.stderr.contains("--series N"), "{}", ran.stderr);
}
