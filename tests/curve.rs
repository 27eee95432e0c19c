//! `curve`: labels over time.

use crate::support::{Folder, nifti, ok, run};

/// Frames of 5 x 5 x 4 voxels of 2 mm, half a second apart.
fn series(folder: &Folder, name: &str, datatype: i16, frames: &[Vec<u8>]) -> String {
    let mut file = nifti(&[5, 5, 4, frames.len() as i16], datatype, &frames.concat());
    for (axis, size) in [2f32, 2.0, 2.0, 0.5].into_iter().enumerate() {
        file[80 + 4 * axis..][..4].copy_from_slice(&size.to_le_bytes());
    }
    // mm and s.
    file[123] = 10;
    folder.file(name, &file)
}

#[test]
fn a_ventricle_is_followed_and_what_it_ejects_is_told() {
    let folder = Folder::new();
    // So many voxels of label 1 in each frame, and of label 3 always five.
    let sizes = [40usize, 30, 16, 22, 40];
    let frame = |n: usize| -> Vec<u8> {
        (0..100)
            .map(|i| {
                if i < n {
                    1
                } else if i >= 95 {
                    3
                } else {
                    0
                }
            })
            .collect()
    };
    let labels = series(&folder, "labels.nii", 2, &sizes.map(frame));
    let figure = folder.at("f.png");
    let table = folder.at("t.tsv");
    let said = ok(&["curve", &labels, "--json", "--figure", &figure, "-o", &table]).json();
    assert_eq!((said["frames"].as_u64(), said["rows"].as_array().unwrap().len()), (Some(5), 10));
    let beats = said["beats"].as_array().unwrap();
    assert_eq!(beats.len(), 1, "{said}");
    let number = |key: &str| beats[0][key].as_f64().unwrap();
    assert!((number("end_diastolic_volume_ml") - 0.32).abs() < 1e-12 && (number("end_systolic_volume_ml") - 0.128).abs() < 1e-12);
    assert!((number("ejection_fraction") - 0.6).abs() < 1e-12 && (number("stroke_volume_ml") - 0.192).abs() < 1e-12);
    assert_eq!((beats[0]["end_diastole_time"].as_u64(), beats[0]["end_systole_time"].as_u64()), (Some(0), Some(2)));
    let lines = std::fs::read_to_string(&table).unwrap();
    assert!(lines.starts_with("time\ttime_s\tlabel\tvoxels\tvolume_ml\n0\t0\t1\t40\t0.32\n0\t0\t3\t5"), "{lines}");
    assert!(lines.contains("\n2\t1\t1\t16\t0.128\n"), "{lines}");
    assert!(std::fs::read(&figure).unwrap().starts_with(b"\x89PNG"));
    assert!(ok(&["curve", &labels]).text().contains("60 %"));
    // A label that is gone in between has no volume there, and keeps its number.
    let gone = series(&folder, "gone.nii", 2, &[frame(10), frame(0), frame(20)]);
    let said = ok(&["curve", &gone, "--json"]).json();
    assert_eq!((&said["rows"][2]["label"], &said["rows"][2]["voxels"]), (&1.into(), &0.into()));
    assert_eq!(said["beats"][0]["ejection_fraction"], 1.0);
}

#[test]
fn intensities_of_labels_are_followed_without_the_background() {
    let folder = Folder::new();
    let frames: Vec<Vec<u8>> = (0..3i16).map(|t| (0..100i16).flat_map(|i| (100 * t + i).to_le_bytes()).collect()).collect();
    let image = series(&folder, "image.nii", 4, &frames);
    let mut mask = nifti(&[5, 5, 4], 2, &(0..100).map(|i| u8::from(i >= 90) * 2).collect::<Vec<_>>());
    (0..3).for_each(|axis| mask[80 + 4 * axis..][..4].copy_from_slice(&2f32.to_le_bytes()));
    let mask = folder.file("mask.nii", &mask);
    let said = ok(&["curve", &image, "--labels", &mask, "--json"]).json();
    let means: Vec<f64> = said["rows"].as_array().unwrap().iter().map(|row| row["mean"].as_f64().unwrap()).collect();
    assert_eq!(means, [94.5, 194.5, 294.5]);
    assert_eq!(
        (&said["rows"][1]["time_s"], &said["rows"][1]["min"], &said["rows"][1]["max"]),
        (&0.5.into(), &190.0.into(), &199.0.into())
    );
    assert_eq!(said["beats"].as_array().unwrap().len(), 0);
    let ran = run(&["curve", &image]);
    // Real values below 0 or fractions are no labels; whole numbers could be meant.
    assert!(ran.code == Some(0) || ran.stderr.contains("label"), "{}", ran.stderr);
}

#[test]
fn time_is_reduced() {
    let folder = Folder::new();
    let frames: Vec<Vec<u8>> = [1i16, 2, 6].map(|t| (0..100i16).flat_map(|i| (t * i).to_le_bytes()).collect()).to_vec();
    let image = series(&folder, "image.nii", 4, &frames);
    let out = folder.at("out.nii");
    let floats = |path: &str| -> Vec<f32> {
        crate::support::nifti_voxels(path).chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
    };
    let said = ok(&["reduce", &image, "--over", "t", "--how", "mean", "-o", &out, "--json"]).json();
    assert_eq!((said["shape"].as_array().unwrap().len(), said["volumes"].as_u64()), (3, Some(3)));
    assert_eq!(floats(&out), (0..100).map(|i| 3.0 * i as f32).collect::<Vec<_>>());
    // No deviation at voxel 0, whose quotient is none: it is said.
    let text = ok(&["reduce", &image, "--how", "tsnr", "-o", &out, "--force"]).text();
    assert!(text.contains("1 voxels are NaN"), "{text}");
    ok(&["reduce", &image, "--how", "difference", "-o", &out, "--force"]);
    assert_eq!(floats(&out)[99..102], [99.0, 0.0, 4.0]);
    for (line, what) in [
        (vec!["reduce", &out, "-o", &image], "force"),
        (vec!["reduce", &image, "-o", &out, "--force", "--reference", "1"], "--how difference"),
        (vec!["reduce", &image, "-o", &out, "--force", "--how", "difference", "--reference", "3"], "volume 3 of 3"),
    ] {
        let ran = run(&line);
        assert!(ran.code != Some(0) && ran.stderr.contains(what), "{}: {}", ran.line, ran.stderr);
    }
}
