//! What is decided from voxels, where it is easy to be wrong: several maxima, values too close for float32, constants, small numbers, odd inputs.

use serde_json::Value;

use crate::support::{Folder, data, nifti, nifti_voxels, ok, run};

/// NIfTI's codes of types.
const I16: i16 = 4;
const F32: i16 = 16;
const F64: i16 = 64;
const U32: i16 = 768;
const U64: i16 = 1280;

fn f64s(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn f32s(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// A line of voxels as a file.
fn line(folder: &Folder, name: &str, datatype: i16, bytes: &[u8], voxels: usize) -> String {
    folder.file(name, &nifti(&[voxels as i16, 1, 1], datatype, bytes))
}

/// The one line of a refusal.
#[track_caller]
fn refusal(args: &[&str]) -> String {
    let ran = run(args);
    assert_eq!(ran.code, Some(2), "{}: {} {}", ran.line, ran.text(), ran.stderr);
    let line = ran.stderr.lines().find(|l| !l.starts_with("hounsfield: note: ")).unwrap_or_default().to_owned();
    assert!(!line.contains("panicked"), "{line}");
    line
}

fn thresholds(said: &Value) -> Vec<f64> {
    said["thresholds"].as_array().unwrap().iter().map(|t| t.as_f64().unwrap()).collect()
}

fn voxels(said: &Value) -> Vec<u64> {
    said["classes"].as_array().unwrap().iter().map(|c| c["voxels"].as_u64().unwrap()).collect()
}

#[test]
fn the_higher_of_two_maxima_is_found_and_told() {
    let Some(path) = data("reports/mixture_two_maxima_int16.nii.gz") else { return };
    let folder = Folder::new();
    let out = folder.at("o.nii");
    let segment = |more: &[&str]| ok(&[&["segment", "-k", "3", &path, "-o", &out, "--force", "--device", "cpu"], more].concat());
    let said = segment(&["--json"]).json();
    let high = said["log_likelihood"].as_f64().unwrap();
    assert!((high + 6.568_632).abs() < 1e-5, "{high}");
    assert_eq!((&said["start"], &said["starts_tried"]), (&Value::from("quantile"), &Value::from(9)));
    assert!((said["above_otsu"].as_f64().unwrap() - 0.044_263_7).abs() < 1e-5, "{said}");
    assert!(said["above_second"].as_f64().unwrap() < 1e-6 && said["second"] == "kmeans", "{said}");
    // One start runs as high as -6.4668, by a class on one value.
    let rising = &said["starts"].as_array().unwrap().iter().find(|s| s["start"] == "rising").unwrap();
    assert!(rising["log_likelihood"].as_f64().unwrap() > high && rising["collapsed"] == true, "{rising}");
    let text = segment(&[]).text();
    assert!(
        text.contains("best of 9 starts: quantile, 0.0442637 above otsu, 0.0000000 above kmeans, the second; 2 starts left out"),
        "{text}"
    );
    let otsu = segment(&["--json", "--init", "otsu"]).json();
    assert!((otsu["log_likelihood"].as_f64().unwrap() + 6.612_896).abs() < 1e-5);
    assert_eq!(
        (&otsu["start"], &otsu["starts_tried"], &otsu["above_second"]),
        (&Value::from("otsu"), &Value::from(1), &Value::Null)
    );
    // Over voxels EM goes on from the same maximum.
    let said = segment(&["--json", "--method", "voxel"]).json();
    assert!((said["log_likelihood"].as_f64().unwrap() - high).abs() < 1e-5, "{said}");
    assert_eq!(
        (&said["start"], &said["starts_over"]),
        (&Value::from("quantile"), &Value::from("histogram of the first channel"))
    );
    let wrong = refusal(&["segment", "-k", "3", &path, "-o", &out, "--force", "--init", "nowhere"]);
    assert!(wrong.contains("nowhere"), "{wrong}");
}

#[test]
fn float64_values_closer_than_float32_can_tell_are_told_apart() {
    let folder = Folder::new();
    let out = folder.at("o.nii");
    // 300 and 212 voxels around 999999.992 and 1000000.008.
    let values: Vec<f64> =
        (0..512).map(|i| if i < 300 { 999_999.992 } else { 1_000_000.008 } + f64::from(i % 7) * 2e-4).collect();
    let path = line(&folder, "narrow.nii", F64, &f64s(&values), 512);
    let said = ok(&["threshold", &path, "-o", &out, "--json"]).json();
    let cut = thresholds(&said)[0];
    assert!((999_999.993..1_000_000.008).contains(&cut) && voxels(&said) == [300, 212], "{said}");
    assert_eq!(nifti_voxels(&out), values.iter().map(|v| u8::from(*v > 1e6)).collect::<Vec<_>>());
    let text = ok(&["threshold", &path, "-o", &out, "--force"]).text();
    assert!(text.contains("thresholds  999999.993"), "{text}");
    let said = ok(&["segment", "-k", "2", &path, "-o", &out, "--json", "--force"]).json();
    for (class, mean) in said["classes"].as_array().unwrap().iter().zip([999_999.992_6, 1_000_000.008_6]) {
        assert!((class["mean"].as_f64().unwrap() - mean).abs() < 2e-4, "{said}");
    }
    assert_eq!((voxels(&said), &said["converged"]), (vec![300, 212], &Value::from(true)));
    let text = ok(&["stats", &path]).text();
    assert!(text.contains("min            999999.992\n") && text.contains("max            1000000.0092\n"), "{text}");
    let said = ok(&["equalize", &path, "-o", &out, "--json", "--force"]).json();
    assert_eq!((&said["unchanged"], &said["count"]), (&Value::from(false), &Value::from(512)));
}

#[test]
fn sizes_that_float32_does_not_know_are_counted_in_another_unit() {
    let folder = Folder::new();
    let out = folder.at("o.nii");
    for (name, unit) in [("tiny", 1e-300), ("huge", 1e300)] {
        let values: Vec<f64> = (0..40).map(|i| unit * if i < 25 { 1.1 } else { 7.3 }).collect();
        let path = line(&folder, &format!("{name}.nii"), F64, &f64s(&values), 40);
        let said = ok(&["threshold", &path, "-o", &out, "--json", "--force"]).json();
        assert!((thresholds(&said)[0] / unit - 1.1).abs() < 1e-5 && voxels(&said) == [25, 15], "{name}: {said}");
    }
}

#[test]
fn whole_numbers_beyond_those_of_float32_are_told_apart() {
    let folder = Folder::new();
    let out = folder.at("o.nii");
    let cut = |name: &str, datatype, bytes: Vec<u8>, voxels_of: [u64; 2]| {
        let n = voxels_of.iter().sum::<u64>() as usize;
        let path = line(&folder, name, datatype, &bytes, n);
        let said = ok(&["threshold", &path, "-o", &out, "--json", "--force"]).json();
        assert_eq!(voxels(&said), voxels_of, "{name}: {said}");
        thresholds(&said)[0]
    };
    let u32s = |values: &[u32]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    assert_eq!(cut("five.nii", U32, u32s(&[16_777_216, 16_777_217, 16_777_217, 16_777_220]), [3, 1]), 16_777_217.0);
    // They span more than 16 bits, but float32 counts from the least of them.
    let far = [4_000_000_001, 4_000_000_001, 4_000_000_003, 4_000_100_000, 4_000_100_001];
    let at = cut("far.nii", U32, u32s(&far), [3, 2]);
    assert!((4_000_000_003.0..4_000_100_000.0).contains(&at), "{at}");
    // Neighbours that float32 cannot tell beside others far away: the loss is told.
    let wide: Vec<u32> = (0..400).map(|i| if i < 2 { 0 } else { 4_000_000_000 + i % 3 }).collect();
    let path = line(&folder, "wide.nii", U32, &u32s(&wide), 400);
    let ran = ok(&["threshold", &path, "-o", &out, "--force"]);
    assert!(ran.stderr.contains("float32 rounds uint32 values here: 100.0 % of the neighbouring voxels"), "{}", ran.stderr);
}

#[test]
fn nothing_is_called_constant_that_is_not() {
    let folder = Folder::new();
    let out = folder.at("o.nii");
    // Beside a background of 0 float32 has steps of 0.0625 at a million.
    let values: Vec<f64> = (0..60).map(|i| if i < 20 { 0.0 } else { 1e6 + f64::from(i % 2) * 0.01 }).collect();
    let path = line(&folder, "background.nii", F64, &f64s(&values), 60);
    for command in [
        vec!["threshold"],
        vec!["segment", "-k", "2"],
        vec!["equalize"],
        vec!["map", "--steps", "zscore"],
        vec!["map", "--steps", "equalize"],
    ] {
        let args = [&command[..], &[&path, "-o", &out, "--where", "999999:1000001", "--force"]].concat();
        let said = refusal(&args);
        assert!(
            said.contains("differ in the file (float64, from 1000000 to 1000000.01)") && said.contains("subtract"),
            "{command:?}: {said}"
        );
    }
    // Integers that not even float64 tells apart.
    let large: Vec<u8> = (0..10u64).flat_map(|i| ((1 << 60) + i % 2).to_le_bytes()).collect();
    let mut file = nifti(&[10, 1, 1], F64, &large);
    file[70..72].copy_from_slice(&U64.to_le_bytes());
    let path = folder.file("large.nii", &file);
    assert!(refusal(&["threshold", &path, "-o", &out, "--force"]).contains("no float64 holds exactly"));
    // What is constant in the file is called so, although no float32.
    let tenths: Vec<f64> = (0..60).map(|i| if i < 20 { 5.0 } else { 0.1 }).collect();
    let path = line(&folder, "tenths.nii", F64, &f64s(&tenths), 60);
    let said = ok(&["equalize", &path, "-o", &out, "--where", "0:1", "--json", "--force"]).json();
    assert_eq!((&said["unchanged"], &said["count"]), (&Value::from(true), &Value::from(40)));
    // Two float32 neighbours are two values.
    let path = line(&folder, "two.nii", F32, &f32s(&[1.0, 1.0, 1.0f32.next_up()]), 3);
    let said = ok(&["threshold", &path, "-o", &out, "--json", "--force"]).json();
    assert_eq!((thresholds(&said), voxels(&said)), (vec![1.0], vec![2, 1]));
}

#[test]
fn a_constant_image_says_how_many_voxels_counted() {
    let folder = Folder::new();
    let out = folder.at("o.nii");
    let floats = line(&folder, "f.nii", F32, &f32s(&[7.5; 60]), 60);
    let whole = line(&folder, "i.nii", I16, &7i16.to_le_bytes().repeat(60), 60);
    let mask = line(&folder, "m.nii", 2, &(0..60).map(|i| u8::from(i < 23)).collect::<Vec<_>>(), 60);
    for path in [&floats, &whole] {
        for (more, n) in [(vec![], 60), (vec!["--mask", &mask], 23)] {
            let json = |args: &[&str]| ok(&[args, &[path, "-o", &out, "--force", "--json"], &more].concat()).json();
            let said = json(&["equalize"]);
            assert_eq!((said["count"].as_u64(), &said["unchanged"]), (Some(n), &Value::from(true)), "{path}");
            assert_eq!(json(&["map", "--steps", "clip:0:100"])["count"].as_u64(), Some(n), "{path}");
            assert_eq!(voxels(&json(&["threshold", "--at", "3"])), [0, n], "{path}");
            let said = json(&["segment", "-k", "1"]);
            assert_eq!((said["count"].as_u64(), voxels(&said)), (Some(n), vec![n]), "{path}");
            let csv = folder.at("o.csv");
            ok(&[&["histogram", path, "-o", &csv, "--force"], &more[..]].concat());
            let text = std::fs::read_to_string(&csv).unwrap();
            let column = text.lines().next().unwrap().split(',').position(|name| name == "count").unwrap();
            let sum: u64 = text.lines().skip(1).map(|l| l.split(',').nth(column).unwrap().parse::<u64>().unwrap()).sum();
            assert_eq!(sum, n, "{path}: {text}");
            assert_eq!(ok(&[&["stats", path, "--json"], &more[..]].concat()).json()["count"].as_u64(), Some(n), "{path}");
            for step in ["equalize", "otsu"] {
                assert!(
                    refusal(&[&["map", "--steps", step, path, "-o", &out, "--force"], &more[..]].concat())
                        .contains("hold one value")
                );
            }
        }
    }
}

#[test]
fn small_numbers_keep_their_digits_in_tables() {
    let Some(path) = data("reports/pet_small_slopes") else { return };
    let folder = Folder::new();
    let out = folder.at("o.nii");
    let text = ok(&["segment", "-k", "2", &path, "-o", &out]).text();
    assert!(text.contains("0.00016353  0.00006304  0.48888") && text.contains("0.00044593  0.00008886"), "{text}");
    let text = ok(&["threshold", &path, "-o", &out, "--force"]).text();
    let digits = text.split("up to 0.000").nth(1).unwrap().chars().take_while(char::is_ascii_digit).count();
    assert!(digits >= 4, "{text}");
}

#[test]
fn odd_inputs_get_an_answer_or_a_reason() {
    let folder = Folder::new();
    let out = folder.at("o.nii");
    let nan = f32::NAN;
    let inputs = [
        ("one", vec![3.5f32]),
        ("two", vec![3.5, 4.5]),
        ("nan", vec![nan; 9]),
        ("infinite", vec![f32::INFINITY, f32::NEG_INFINITY, f32::INFINITY]),
        ("mixed", vec![nan, f32::INFINITY, 1.5, 2.5]),
        ("ends", vec![f32::MAX, f32::MIN, 0.5]),
        ("largest", vec![f32::MAX; 4]),
        ("denormal", vec![1e-45, 0.0, -0.0, 2e-45]),
    ];
    let commands: [&[&str]; 7] = [
        &["segment", "-k", "1"],
        &["segment", "-k", "3"],
        &["threshold"],
        &["equalize"],
        &["map", "--steps", "minmax"],
        &["map", "--steps", "zscore"],
        &["map", "--steps", "nnunet"],
    ];
    for (name, values) in &inputs {
        let path = line(&folder, &format!("{name}.nii"), F32, &f32s(values), values.len());
        let finite = values.iter().filter(|v| v.is_finite()).count() as u64;
        for command in commands {
            let ran = run(&[command, &[&path, "-o", &out, "--force", "--json", "--quiet"]].concat());
            let refused = ran.code == Some(2) && ran.stderr.contains(';') && !ran.stderr.contains("internal");
            assert!(ran.code == Some(0) || refused, "{name} {command:?}: {:?} {}", ran.code, ran.stderr);
            if finite == 0 {
                assert!(ran.stderr.contains("no voxel counts"), "{name} {command:?}: {}", ran.stderr);
            } else if ran.code == Some(0) {
                assert_eq!(ran.json()["count"].as_u64(), Some(finite), "{name} {command:?}: {}", ran.text());
            }
        }
    }
}
