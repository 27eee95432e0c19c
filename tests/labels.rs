//! Masks, labels and truth by their real values, on files that users of other tools reported (`reports/` of the data) and twins of them.

use serde_json::Value;

use crate::support::{Folder, data, nifti, nifti_voxels, ok, run};

/// A NIfTI-1 with slope and intercept.
fn scaled(folder: &Folder, name: &str, (slope, intercept): (f32, f32), mut file: Vec<u8>) -> String {
    file[112..116].copy_from_slice(&slope.to_le_bytes());
    file[116..120].copy_from_slice(&intercept.to_le_bytes());
    folder.file(name, &file)
}

#[track_caller]
fn same(got: &Value, count: u64, mean: f64) {
    assert_eq!(got["count"], count);
    let own = got["mean"].as_f64().unwrap();
    assert!((own - mean).abs() <= 1e-4, "{own} instead of {mean}");
}

#[test]
fn labels_that_were_saved_as_scaled_integers() {
    for labels in ["reports/scaled_labels_int16.nii", "reports/scaled_labels_uint8.nii"] {
        let (Some(image), Some(labels)) = (data("reports/scaled_mask_image.nii"), data(labels)) else { return };
        let stats = |more: &[&str]| ok(&[&["stats", "--json", &image, "--mask", &labels], more].concat()).json();
        same(&stats(&[]), 224, 167.5);
        for (label, count, mean) in [("1", 56, 83.5), ("2", 56, 139.5), ("4", 112, 223.5)] {
            same(&stats(&["--label", label]), count, mean);
        }
        let none = run(&["stats", &image, "--mask", &labels, "--label", "3"]);
        assert_eq!(none.code, Some(2), "{}", none.stderr);
        let folder = Folder::new();
        let out = folder.at("x.nii");
        let got = ok(&["mask", "--json", &image, &labels, "--label", "2", "-o", &out]).json();
        assert_eq!(got["voxels"], 56, "{labels}");
    }
}

#[test]
fn truth_that_was_saved_as_scaled_integers() {
    let (Some(image), Some(truth)) = (data("reports/scaled_truth_image.nii"), data("reports/scaled_truth_uint8.nii")) else {
        return;
    };
    let folder = Folder::new();
    let got = ok(&["segment", "--json", &image, "-k", "3", "--truth", &truth, "-o", &folder.at("x.nii")]).json();
    for class in got["classes"].as_array().unwrap() {
        assert_eq!(class["truth"]["dice"], 1.0, "{class}");
    }
}

#[test]
fn fractions_are_no_truth() {
    let folder = Folder::new();
    let values: Vec<u8> = (0..64u8).map(|i| if i < 32 { 10 + i % 3 } else { 200 + i % 5 }).collect();
    let image = folder.file("image.nii", &nifti(&[4, 4, 4], 2, &values));
    let shares: Vec<u8> = (0..64).map(|i| f32::from(i as u8) / 63.0).flat_map(f32::to_le_bytes).collect();
    let floats = folder.file("floats.nii", &nifti(&[4, 4, 4], 16, &shares));
    let eighths: Vec<u8> = (0..64).map(|i| i * 4).collect();
    let bytes = scaled(&folder, "bytes.nii", (1.0 / 255.0, 0.0), nifti(&[4, 4, 4], 2, &eighths));
    for truth in [&floats, &bytes] {
        let ran = run(&["segment", &image, "-k", "2", "--truth", truth, "-o", &folder.at("x.nii")]);
        assert_eq!(ran.code, Some(2), "{}", ran.stderr);
        assert!(ran.stderr.contains("the truth holds no labels") && ran.stderr.contains("by a threshold"), "{}", ran.stderr);
        let ran = run(&["stats", &image, "--mask", truth, "--label", "1"]);
        assert!(ran.code == Some(2) && ran.stderr.contains("the mask holds no labels"), "{}", ran.stderr);
        // As a mask alone they keep what is not 0.
        assert_eq!(ok(&["stats", "--json", &image, "--mask", truth]).json()["count"], 63);
    }
}

#[test]
fn twins_of_one_label_map_select_the_same_voxels() {
    let folder = Folder::new();
    let image = folder.file("image.nii", &nifti(&[4], 2, &[10, 20, 30, 40]));
    let i16s = |values: [i16; 4]| values.map(i16::to_le_bytes).concat();
    let f64s = |values: [f64; 4]| values.map(f64::to_le_bytes).concat();
    let file = |name: &str, scale, code, voxels: &[u8]| scaled(&folder, name, scale, nifti(&[4], code, voxels));
    let mut big = nifti(&[4], 4, &[0x80, 0, 0xc0, 0, 0, 0, 0x7f, 0xff]);
    big[112..116].copy_from_slice(&6.103_609e-5_f32.to_le_bytes());
    big[116..120].copy_from_slice(&2.000_030_5f32.to_le_bytes());
    big[..4].reverse();
    for (at, size, n) in [(40, 2, 8), (68, 2, 1), (70, 2, 2), (76, 4, 8), (108, 4, 3), (252, 2, 2), (256, 4, 18)] {
        big[at..at + size * n].chunks_mut(size).for_each(<[u8]>::reverse);
    }
    let big_path = folder.file("big.nii", &big);
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gz, &big).unwrap();
    let all = [
        file("plain.nii", (1.0, 0.0), 2, &[0, 1, 2, 4]),
        file("negative.nii", (-0.015_686_275, 4.0), 2, &[255, 191, 128, 0]),
        file("whole.nii", (2.0, -4.0), 4, &i16s([2, 2, 3, 4])),
        file("double.nii", (0.0, 0.0), 64, &f64s([f64::NAN, 1.003_921_6, 1.992_157, 4.0])),
        big_path,
        folder.file("big.nii.gz", &gz.finish().unwrap()),
    ];
    for path in &all {
        assert_eq!(ok(&["stats", "--json", &image, "--mask", path, "--label", "2"]).json()["mean"], 30.0, "{path}");
        let mean = if path.ends_with("whole.nii") { 35.0 } else { 30.0 };
        assert_eq!(ok(&["stats", "--json", &image, "--mask", path]).json()["mean"], mean, "{path}");
    }
    // Labels of 0 and 255 are what they are, and the stored value of a scaled map is none.
    let mask = folder.file("mask.nii", &nifti(&[4], 2, &[0, 255, 255, 0]));
    assert_eq!(ok(&["stats", "--json", &image, "--mask", &mask, "--label", "255"]).json()["mean"], 25.0);
    assert_eq!(run(&["stats", &image, "--mask", &all[1], "--label", "255"]).code, Some(2));
}

#[test]
fn outside_of_a_mask_lies_real_zero() {
    let (Some(image), Some(mask)) = (data("reports/scaled_image_int16.nii"), data("reports/plain_mask.nii")) else { return };
    let folder = Folder::new();
    let out = folder.at("x.nii");
    let ran = ok(&["mask", "--json", &image, &mask, "-o", &out]);
    assert!(ran.json()["background"].as_f64().unwrap().abs() < 1e-4 && ran.stderr.is_empty(), "{}", ran.stderr);
    let kept = nifti_voxels(&mask);
    let stored = nifti_voxels(&out);
    for (two, keep) in stored.as_chunks::<2>().0.iter().zip(&kept) {
        assert!(*keep != 0 || i16::from_le_bytes(*two) == i16::MIN);
    }
    // A range without 0, and a value given in real units.
    let small = scaled(&folder, "small.nii", (0.5, 3.0), nifti(&[2], 2, &[7, 8]));
    let select = folder.file("select.nii", &nifti(&[2], 2, &[1, 0]));
    let ran = ok(&["mask", "--force", &small, &select, "-o", &out]);
    assert!(ran.stderr.contains("0 cannot be stored in this image: outside of the mask 3 is written"), "{}", ran.stderr);
    assert_eq!(nifti_voxels(&out), [7, 0]);
    ok(&["mask", "--force", &small, &select, "--background", "5", "-o", &out]);
    assert_eq!(nifti_voxels(&out), [7, 4]);
}

#[test]
fn the_indices_of_a_palette_are_labels() {
    let (Some(image), Some(labels)) = (data("reports/palette_image.png"), data("reports/palette_labels.png")) else { return };
    for (label, mean) in [("1", 149.4067), ("2", 118.5), ("3", 118.3133)] {
        let ran = ok(&["stats", "--json", &image, "--mask", &labels, "--label", label]);
        same(&ran.json(), 150, mean);
        assert!(ran.stderr.contains("the indices of the palette count"), "{}", ran.stderr);
    }
    // As a picture the colours count.
    assert_eq!(ok(&["stats", "--json", &labels]).json()["max"], 113.0);
}

#[test]
fn header_extensions_are_kept_only_if_asked_for() {
    let folder = Folder::new();
    let mut bytes = nifti(&[2, 2, 2], 2, &[]);
    bytes[348] = 1;
    bytes[108..112].copy_from_slice(&384f32.to_le_bytes());
    let extension = [&[32, 0, 0, 0, 6, 0, 0, 0][..], b"what an extension says.."].concat();
    let volume = folder.file("a.nii", &[&bytes[..], &extension, &[7; 8]].concat());
    let out = folder.at("out.nii");
    let holds = |path: &str| std::fs::read(path).unwrap().windows(32).any(|w| w == extension);
    let ran = ok(&["convert", &volume, "-o", &out]);
    assert!(ran.stderr.contains("32 bytes of header extensions are left out") && !holds(&out), "{}", ran.stderr);
    let ran = ok(&["convert", "--force", "--keep-extensions", &volume, "-o", &out]);
    assert!(ran.stderr.contains("are kept: they may hold names") && holds(&out), "{}", ran.stderr);
    assert_eq!(nifti_voxels(&out), [7; 8]);
    let ran = ok(&["convert", "--keep-extensions", &volume, "-o", &folder.at("out.tif")]);
    assert!(ran.stderr.contains("only NIfTI holds header extensions"), "{}", ran.stderr);
}

#[test]
fn nifti_files_as_others_reported_them() {
    let min_max = |name: &str| data(name).map(|path| ok(&["stats", "--json", &path]).json());
    for name in ["reports/dim4_zero.nii", "reports/bitpix_zero.nii"] {
        let Some(got) = min_max(name) else { return };
        assert_eq!(
            (&got["min"], &got["max"], &got["count"]),
            (&Value::from(-20.0), &Value::from(99.0), &Value::from(120)),
            "{name}"
        );
    }
    let Some(long) = min_max("reports/freesurfer_long_axis.nii.gz") else { return };
    same(&long, 40_000, 124.818);
}
