//! DICOM files re-made after public bug reports, each with its right value (the table beside the files says why it is right).

use serde_json::Value;

use crate::support::{Folder, data, ok, run};

/// What `command` finds, as JSON.
fn json(command: &str, args: &[&str]) -> Value {
    ok(&[&[command], args, &["--json"]].concat()).json()
}

fn notes(found: &Value) -> String {
    found["notes"].as_array().map(|all| all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("; ")).unwrap_or_default()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap_or_else(|| panic!("no list: {value}")).iter().filter_map(Value::as_f64).collect()
}

/// The real values at column 5, row 5 through all slices.
fn column(args: &[&str]) -> Vec<f64> {
    let folder = Folder::new();
    let out = folder.at("v.nii");
    ok(&[&["convert"], args, &["-o", &out, "-q"]].concat());
    let bytes = std::fs::read(&out).unwrap();
    let i16_at = |at: usize| i16::from_le_bytes([bytes[at], bytes[at + 1]]);
    let f32_at = |at: usize| f32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    let axes: Vec<usize> = (0..5).map(|i| i16_at(40 + 2 * i).max(1) as usize).collect();
    let (nx, ny, slices) = (axes[1], axes[2], axes[3..].iter().product::<usize>());
    let (slope, intercept, start) = (f64::from(f32_at(112)), f64::from(f32_at(116)), f32_at(108) as usize);
    let size = (i16_at(72) / 8) as usize;
    let real = |z: usize| {
        let at = start + ((z * ny + 5) * nx + 5) * size;
        let stored = match i16_at(70) {
            2 => f64::from(bytes[at]),
            4 => f64::from(i16_at(at)),
            512 => f64::from(i16_at(at) as u16),
            16 => f64::from(f32_at(at)),
            other => panic!("type {other}"),
        };
        if slope == 0.0 { stored } else { slope * stored + intercept }
    };
    (0..slices).map(real).collect()
}

#[track_caller]
fn near(found: &[f64], right: &[f64], tolerance: f64) {
    assert_eq!(found.len(), right.len(), "{found:?}");
    assert!(found.iter().zip(right).all(|(f, r)| (f - r).abs() <= tolerance), "{found:?} instead of {right:?}");
}

/// Minimum, maximum and mean of a file.
#[track_caller]
fn statistics(file: &str, [min, max, mean]: [f64; 3]) -> Option<Value> {
    let found = json("stats", &[&data(&format!("reports/{file}"))?]);
    let of = |key: &str| found[key].as_f64().unwrap_or_else(|| panic!("{file}: no {key} in {found}"));
    near(&[of("min"), of("max"), of("mean")], &[min, max, mean], 5e-3);
    Some(found)
}

#[test]
fn stored_values_mean_what_the_standard_says() {
    statistics("comma_intercept.dcm", [-1024.0, 976.0, -24.49687]);
    statistics("modality_lut.dcm", [0.0, 65025.0, 21591.0]);
    statistics("overlay_bit_and_padding.dcm", [-1024.0, 2976.0, 975.5008]);
    statistics("high_bit_15_stored_12.dcm", [0.0, 4000.0, 1999.503]);
    statistics("high_bit_11_stored_16.dcm", [0.0, 4000.0, 1999.503]);
    statistics("number_of_frames_0.dcm", [-1024.0, 976.0, -24.49687]);
    statistics("rgb_12_of_16.dcm", [1375.0, 2395.0, 1886.331]);
    if let Some(found) = statistics("three_frames_not_announced.dcm", [-1024.0, 976.0, -24.49687]) {
        assert!(notes(&found).contains("holds 3 frames and the header counts 1"), "{found}");
    }
    if let Some(found) = statistics("slope_zero.dcm", [-1024.0, 976.0, -24.49687]) {
        assert!(notes(&found).contains("the intercept -1024 is kept"), "{found}");
    }
}

#[test]
fn a_window_is_for_what_the_modality_lut_gives() {
    let Some(file) = data("reports/modality_lut.dcm") else { return };
    let folder = Folder::new();
    let out = folder.at("w.png");
    ok(&["window", &file, "-o", &out, "-q", "--to", "u16"]);
    let found = json("stats", &[&out]);
    let of = |key: &str| found[key].as_f64().unwrap();
    near(&[of("min"), of("max"), of("mean")], &[0.0, 65025.0, 21591.0], 5e-3);
}

#[test]
fn what_is_no_number_is_refused_with_its_text() {
    let Some(file) = data("reports/intercept_with_unit.dcm") else { return };
    let ran = run(&["stats", &file]);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    assert!(ran.stderr.contains("RescaleIntercept (0028,1052)") && ran.stderr.contains("\"-1024 HU\""), "{}", ran.stderr);
}

#[test]
fn commas_are_points_in_every_slice() {
    let Some(file) = data("reports/comma_in_one_slice") else { return };
    near(&column(&[&file]), &[-24.0, -23.0, -22.0, -21.0], 0.0);
    let found = json("info", &[&file]);
    assert!(notes(&found).contains("(in 1 of 4 files)"), "{found}");
    let file = data("reports/comma_positions").unwrap();
    near(&column(&[&file]), &[-366.0, -365.0, -364.0, -363.0], 0.0);
    let found = json("info", &[&file]);
    near(&numbers(&found["spacing_mm"]), &[0.7, 0.5, 3.0], 1e-9);
    near(&numbers(&found["origin_lps_mm"]), &[-10.5, -20.5, 0.5], 1e-9);
}

#[test]
fn a_series_is_one_however_its_files_are_named() {
    let Some(folder) = data("reports/series_by_file_names") else { return };
    let mut files: Vec<String> =
        std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path().to_str().unwrap().to_owned()).collect();
    files.sort();
    let backwards: Vec<&str> = files.iter().rev().map(String::as_str).collect();
    let pattern = format!("{folder}/*.dcm");
    let right: Vec<f64> = (0..12).map(|z| f64::from(z) * 100.0 - 924.0).collect();
    for args in [vec![folder.as_str()], files.iter().map(String::as_str).collect(), backwards, vec![pattern.as_str()]] {
        near(&column(&args), &right, 0.0);
        let found = json("info", &args);
        near(&numbers(&found["spacing_mm"]), &[0.7, 0.5, 3.0], 1e-9);
        near(&numbers(&found["origin_lps_mm"]), &[0.0, 0.0, 3.0], 1e-9);
    }
}

/// Checks the values at one voxel through all volumes, and what tells these apart.
fn volumes(file: &str, right: &[f64], mark: &str, time_step_s: Option<f64>) {
    let Some(path) = data(&format!("reports/{file}")) else { return };
    near(&column(&[&path]), right, 0.0);
    let found = json("info", &[&path]);
    assert_eq!(found["volume_marks"][0]["name"], mark, "{found}");
    match time_step_s {
        Some(step) => near(&[found["time_step_s"].as_f64().unwrap()], &[step], 1e-6),
        None => assert!(found["time_step_s"].is_null() && !notes(&found).contains("time"), "{found}"),
    }
}

#[test]
fn what_differs_at_one_position_is_named_and_never_mixed() {
    volumes("classic_b_values", &[2000.0, 2100.0, 2200.0, 1000.0, 1100.0, 1200.0], "b-value", None);
    volumes("enhanced_b_values.dcm", &[5000.0, 5100.0, 5200.0, 2000.0, 2100.0, 2200.0], "b-value", None);
    volumes("seg_two_segments.dcm", &[1.0; 6], "segment", None);
    let cine: Vec<f64> = (1..=3).flat_map(|t| (0..3).map(move |z| f64::from(1000 * t + 100 * z))).collect();
    volumes("enhanced_cardiac_delay.dcm", &cine, "NominalCardiacTriggerDelayTime", Some(0.05));
    let night: Vec<f64> = (1..=4).flat_map(|t| (0..3).map(move |z| f64::from(1000 * t + 100 * z))).collect();
    volumes("over_midnight", &night, "AcquisitionTime", Some(20.0));
}

#[test]
fn magnitude_and_phase_are_chosen_by_number() {
    let Some(path) = data("reports/magnitude_and_phase") else { return };
    let ran = run(&["info", &path]);
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.stderr.contains("1: magnitude, 3 images; 2: phase, 3 images") && ran.stderr.contains("--volume N"),
        "{}",
        ran.stderr
    );
    near(&column(&[&path, "--volume", "1"]), &[500.0, 600.0, 700.0], 0.0);
    near(&column(&[&path, "--volume", "2"]), &[-3000.0, -2900.0, -2800.0], 0.0);
    assert_eq!(run(&["info", &path, "--volume", "3"]).code, Some(2));
    let path = data("reports/classic_b_values").unwrap();
    near(&column(&[&path, "--volume", "2"]), &[1000.0, 1100.0, 1200.0], 0.0);
}

/// Checks values, spacing and origin of a volume.
fn placed(file: &str, right: &[f64], spacing: [f64; 3], origin: [f64; 3]) {
    let Some(path) = data(&format!("reports/{file}")) else { return };
    near(&column(&[&path]), right, 0.0);
    let found = json("info", &[&path]);
    near(&numbers(&found["spacing_mm"]), &spacing, 1e-6);
    near(&numbers(&found["origin_lps_mm"]), &origin, 1e-6);
}

#[test]
fn frames_lie_where_the_file_says() {
    placed("multiframe_one_position.dcm", &[-1024.0, -924.0, -824.0, -724.0, -624.0, -524.0], [0.3; 3], [-10.0, -20.0, 30.0]);
    placed("nm_negative_spacing.dcm", &[400.0, 300.0, 200.0, 100.0, 0.0], [4.4; 3], [-30.0, -20.0, 82.4]);
    let mosaic: Vec<f64> = (1..=3).flat_map(|t| (0..4).map(move |z| f64::from(1000 * t + 100 * z))).collect();
    placed("mosaic", &mosaic, [2.0, 2.0, 3.3], [-14.0, -28.0, 20.0]);
    let jitter: Vec<f64> = (0..3).flat_map(|t| (0..4).map(move |z| f64::from(1000 * t + 100 * z))).collect();
    placed("positions_jitter_4d", &jitter, [0.8, 0.8, 3.0], [-10.0, -20.0, 0.0]);
}

#[test]
fn positions_rounded_in_the_file_are_even() {
    let Some(path) = data("reports/positions_rounded_to_0.1_mm") else { return };
    let found = json("info", &[&path]);
    near(&numbers(&found["spacing_mm"])[2..], &[6.99], 0.005);
    assert!(notes(&found).contains("rounded to 0.1 mm"), "{found}");
}

#[test]
fn a_damaged_file_hides_nothing_and_is_named() {
    let Some(path) = data("reports/good_series_and_one_damaged_file") else { return };
    let first = ok(&["info", &path, "--json"]).text();
    assert!(first.contains("1 file is damaged (report_of_another_series.dcm)"), "{first}");
    assert!((0..5).all(|_| ok(&["info", &path, "--json"]).text() == first), "the answer varies");
    near(&column(&[&path, "--series", "1"]), &[10.0, 110.0, 210.0, 310.0], 0.0);
}

#[test]
fn slices_are_traced_to_their_files() {
    let Some(folder) = data("reports/series_by_file_names") else { return };
    let found = json("info", &[&folder, "--files"]);
    let files = found["slice_files"].as_array().unwrap();
    assert_eq!((files.len(), files[11]["slice"].as_u64(), files[0]["frame"].as_u64()), (12, Some(11), Some(0)));
    // The value of the lowest slice, read from its file alone.
    near(&column(&[files[0]["file"].as_str().unwrap()]), &[-924.0], 0.0);
    let ran = run(&["info", &data("reports/dim4_zero.nii").unwrap(), "--files"]);
    assert!(ran.code == Some(2) && ran.stderr.contains("--files lists"), "{}", ran.stderr);
}

#[test]
fn a_limit_can_be_raised_by_its_flag() {
    let Some(file) = data("reports/dim4_zero.nii") else { return };
    let ran = run(&["stats", &file, "--max-voxels", "10"]);
    assert!(ran.code == Some(3) && ran.stderr.contains("--max-voxels"), "{}", ran.stderr);
    ok(&["stats", &file, "--max-voxels", "120"]);
}

/// Slices of different rescale come out as whole Hounsfield units where these are whole, not as floats.
#[test]
fn whole_values_stay_whole_whatever_each_slice_says() {
    use dicom_core::{DataElement, Tag, VR};
    let folder = Folder::new();
    let series = crate::support::small_series(folder.path(), 3);
    let path = folder.path().join("slice_0002.dcm");
    let mut object = dicom_object::open_file(&path).unwrap();
    object.put(DataElement::new(Tag(0x0028, 0x1053), VR::DS, "2"));
    object.write_to_file(&path).unwrap();
    let out = Folder::new();
    let nifti = out.at("v.nii");
    let found = ok(&["convert", &series, "-o", &nifti, "--json"]).json();
    assert_eq!(found["dtype"], "int16", "{found}");
    let of = |path: &str| json("stats", &[path]);
    let (before, after) = (of(&series), of(&nifti));
    for key in ["min", "max", "mean", "count"] {
        assert_eq!(before[key], after[key], "{key}");
    }
    assert!(after["max"].as_f64().unwrap() > 976.0, "the slope of 2 counts: {after}");
}
