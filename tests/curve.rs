//! `curve`: labels over time.

use hounsfield::phantom::HeartPhantom;

use crate::support::{Folder, data, nifti, ok, run};

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
fn a_blood_pool_is_found_at_a_seed_in_each_frame() {
    let folder = Folder::new();
    let heart = HeartPhantom::default();
    let frames: Vec<Vec<u8>> =
        (0..heart.frames).map(|t| heart.voxels(t).iter().flat_map(|v| v.to_le_bytes()).collect()).collect();
    let [nx, ny, nz, nt] = [0, 1, 2, 3].map(|axis| heart.header(false).grid.shape.axis(axis) as i16);
    let mut file = nifti(&[nx, ny, nz, nt], 4, &frames.concat());
    for (axis, size) in heart.spacing_mm.into_iter().chain([0.04]).enumerate() {
        file[80 + 4 * axis..][..4].copy_from_slice(&(size as f32).to_le_bytes());
    }
    file[123] = 10;
    let (image, labels, figure) = (folder.file("heart.nii", &file), folder.at("pool.nii"), folder.at("f.svg"));
    let middle = format!("{},{},{}", nx / 2, ny / 2, nz / 2);
    // Blood is 400, muscle 150, both with noise; other bright voxels are no part of what hangs together with the seed.
    ok(&["label", &image, "--where", "275:9999", "--seed", &middle, "-o", &labels]);
    let said = ok(&["curve", &image, "--labels", &labels, "--json", "--figure", &figure]).json();
    let ejected = said["beats"][0]["ejection_fraction"].as_f64().unwrap();
    assert!((ejected - heart.ejection_fraction()).abs() < 0.01, "{ejected}");
    let drawn = std::fs::read_to_string(&figure).unwrap();
    assert!(drawn.contains("end diastole, frame") && drawn.contains("end systole, frame") && drawn.contains("volume (mL)"));
    // In a box that leaves no blood in some frames they are named.
    let ran = ok(&["label", &image, "--where", "9000:9999", "--seed", &middle, "-o", &folder.at("none.nii")]);
    assert!(ran.stderr.contains("no component is at the seed in 20 of 20 volumes: 0, 1"), "{}", ran.stderr);
    let boxed =
        ok(&["label", &image, "--where", "275:9999", "--box", "0:4,0:4,0:2", "-o", &folder.at("box.nii"), "--json"]).json();
    assert_eq!(boxed["components"], 0, "{boxed}");
}

#[test]
fn the_left_ventricle_of_a_cine_is_followed() {
    let Some(cine) = data("volumes/cine_sunnybrook/SCD2001_cine4d.nii.gz") else { return };
    let folder = Folder::new();
    let pool = folder.at("pool.nii.gz");
    let place = ["--ball", "47.7,-26.7,-4.4:36", "--seed", "47.7,-26.7,-4.4mm"];
    let args = ["label", &cine, "--where", "80:9999", "--connectivity", "6", "-o", &pool];
    let ran = ok(&[&args[..], &place].concat());
    assert!(!ran.stderr.contains("seed"), "{}", ran.stderr);
    let said = ok(&["curve", &pool, "--json"]).json();
    let volumes: Vec<f64> = said["rows"].as_array().unwrap().iter().map(|row| row["volume_ml"].as_f64().unwrap()).collect();
    assert_eq!((volumes.len(), &said["beats"][0]["end_systole_time"]), (20, &7.into()));
    // A leak into the right ventricle would be a leap: it fills and empties steadily.
    assert!(volumes.windows(2).all(|pair| (pair[1] - pair[0]).abs() < 15.0), "{volumes:?}");
    let ejected = said["beats"][0]["ejection_fraction"].as_f64().unwrap();
    assert!((0.5..0.65).contains(&ejected), "{ejected}");
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
