//! Chains of steps that sum over neighbours, as a user types them.

use crate::support::{Folder, nifti, nifti_voxels, ok, run, small_nifti};

/// Runs a chain and gives what it wrote.
fn map(folder: &Folder, from: &str, steps: &str, more: &[&str]) -> String {
    let name: String = [steps, &more.join("")].concat().chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
    let out = folder.at(&format!("{name}.nii"));
    ok(&[&["map", from, "--steps", steps, "-o", &out, "--force"], more].concat());
    out
}

fn floats(path: &str) -> Vec<f32> {
    nifti_voxels(path).as_chunks().0.iter().map(|v| f32::from_le_bytes(*v)).collect()
}

fn float_nifti(folder: &Folder, name: &str, value: impl Fn(usize) -> f32) -> String {
    let bytes: Vec<u8> = (0..192).flat_map(|i| value(i).to_le_bytes()).collect();
    folder.file(name, &nifti(&[8, 6, 4], 16, &bytes))
}

/// Where a place beyond the ends lies, if anywhere.
type Rule = fn(i64) -> Option<usize>;

#[test]
fn steps_of_one_chain_are_those_of_several_runs() {
    let folder = Folder::new();
    let input = small_nifti(&folder, "i.nii");
    let more: [&[&str]; 4] = [&[], &["--border", "reflect"], &["--border", "mirror"], &["--border", "constant:7"]];
    for border in more {
        let mean = map(&folder, &input, "mean:1", border);
        let smooth = map(&folder, &mean, "gaussian:0.8x0.8x0.4", border);
        let median = map(&folder, &smooth, "median:1", border);
        let sharp = map(&folder, &median, "unsharp:1:0.5", border);
        let at_once = map(&folder, &input, "mean:1,gaussian:0.8x0.8x0.4,median:1,unsharp:1:0.5", border);
        assert_eq!(nifti_voxels(&at_once), nifti_voxels(&sharp), "{border:?}");
        let on_cpu = [border, &["--device", "cpu"]].concat();
        assert_eq!(nifti_voxels(&map(&folder, &input, "mean:1,gaussian:0.8x0.8x0.4", &on_cpu)), nifti_voxels(&smooth));
    }
}

/// Means of windows by hand, under each rule.
#[test]
fn borders_are_those_of_scipy() {
    let folder = Folder::new();
    let voxels: Vec<u8> = (0..8).map(|i| i * i * 3 + 10).collect();
    let input = folder.file("row.nii", &nifti(&[8, 1, 1], 2, &voxels));
    let rules: [(&str, Rule); 4] = [
        ("nearest", |i| Some(i.clamp(0, 7) as usize)),
        ("reflect", |i| {
            Some(if i < 0 {
                -1 - i
            } else if i > 7 {
                15 - i
            } else {
                i
            } as usize)
        }),
        ("mirror", |i| {
            Some(if i < 0 {
                -i
            } else if i > 7 {
                14 - i
            } else {
                i
            } as usize)
        }),
        ("constant:200", |i| usize::try_from(i).ok().filter(|i| *i < 8)),
    ];
    for (rule, place) in rules {
        let want: Vec<u8> = (0..8)
            .map(|i| {
                let sum: u32 = (i - 2..=i + 2).map(|i| place(i).map_or(200, |i| u32::from(voxels[i]))).sum();
                ((2 * sum + 5) / 10) as u8
            })
            .collect();
        assert_eq!(nifti_voxels(&map(&folder, &input, "mean:2x0x0", &["--border", rule])), want, "{rule}");
    }
}

#[test]
fn true_floats_become_levels_and_come_back() {
    let folder = Folder::new();
    let value = |i: usize| (i as f32 * 0.37).sin() * 5.0 + i as f32 / 64.0;
    let input = float_nifti(&folder, "f.nii", value);
    let at = |x: i64, y: i64, z: i64| f64::from(value((x.clamp(0, 7) + 8 * (y.clamp(0, 5) + 6 * z.clamp(0, 3))) as usize));
    let said = ok(&["map", &input, "--steps", "mean:1", "-o", &folder.at("m.nii"), "--json"]).json();
    let step = said["steps"][0]["step"].as_str().unwrap();
    assert_eq!((step, &said["dtype"]), ("24-bit levels", &"float32".into()), "{said}");
    for (i, got) in floats(&folder.at("m.nii")).iter().enumerate() {
        let [x, y, z] = [i % 8, i / 8 % 6, i / 48].map(|n| n as i64);
        let sum: f64 = (0..27).map(|j| at(x + j % 3 - 1, y + j / 3 % 3 - 1, z + j / 9 - 1)).sum();
        assert!((f64::from(*got) - sum / 27.0).abs() < 2e-6, "{i}: {got} {}", sum / 27.0);
    }
    // Point-wise steps before, between and after; the mean of z-scores is the z-score of the mean.
    let scores = floats(&map(&folder, &input, "rescale:0.5:3,gaussian:1", &[]));
    let smooth = floats(&map(&folder, &input, "gaussian:1", &[]));
    for (a, b) in scores.iter().zip(&smooth) {
        assert!((a - (0.5 * b + 3.0)).abs() < 2e-6, "{a} {b}");
    }
    let classes = map(&folder, &input, "gaussian:1,zscore,gaussian:1,otsu", &[]);
    assert!(nifti_voxels(&classes).iter().all(|v| *v <= 1));
}

#[test]
fn windows_that_hold_nan_give_it() {
    let folder = Folder::new();
    let holes = |i: usize| {
        if i == 100 {
            f32::NAN
        } else if i == 0 {
            f32::INFINITY
        } else {
            i as f32 * 0.25
        }
    };
    let input = float_nifti(&folder, "n.nii", holes);
    for (step, reach) in [("mean:1", 1), ("gaussian:0.5", 2)] {
        let got = floats(&map(&folder, &input, step, &[]));
        let place = |i: usize| [i % 8, i / 8 % 6, i / 48];
        let within = |i: usize, j: usize| (0..3).all(|a| place(i)[a].abs_diff(place(j)[a]) <= reach);
        for (i, v) in got.iter().enumerate() {
            assert_eq!(v.is_nan(), within(i, 100) || within(i, 0), "{step} {i}: {v}");
        }
    }
}

#[test]
fn derivatives_are_in_mm() {
    let folder = Folder::new();
    // A ramp along x of 6 a voxel; voxels of the file are 1 mm apart unless it says otherwise.
    let voxels: Vec<u8> = (0..192).map(|i| (i % 8 * 6) as u8).collect();
    let mut bytes = nifti(&[8, 6, 4], 2, &voxels);
    bytes[80..84].copy_from_slice(&0.5f32.to_le_bytes());
    let input = folder.file("r.nii", &bytes);
    let got = floats(&map(&folder, &input, "gradmag", &[]));
    for (i, v) in got.iter().enumerate() {
        let want = if matches!(i % 8, 0 | 7) { 6.0 } else { 12.0 };
        assert!((v - want).abs() < 1e-4, "{i}: {v}");
    }
    assert!(floats(&map(&folder, &input, "laplace", &[])).iter().enumerate().all(|(i, v)| matches!(i % 8, 0 | 7) || *v == 0.0));
}

#[test]
fn what_a_step_cannot_do_is_said_and_nothing_is_written() {
    let folder = Folder::new();
    let input = small_nifti(&folder, "i.nii");
    for (words, what) in [
        (vec!["--steps", "gaussian:0"], "above 0"),
        (vec!["--steps", "gaussian:-1"], "above 0"),
        (vec!["--steps", "gaussian:40"], "32"),
        (vec!["--steps", "gaussian"], "one standard deviation"),
        (vec!["--steps", "mean:0"], "changes nothing"),
        (vec!["--steps", "mean:1:ball"], "box"),
        (vec!["--steps", "mean:4"], "along z, where there are 4"),
        (vec!["--steps", "unsharp:1:-1"], "amount"),
        (vec!["--steps", "gradmag:1"], "no number"),
        (vec!["--steps", "mean:1", "--border", "wrap"], "no border rule"),
        (vec!["--steps", "mean:1", "--border", "constant:300"], "from 0 to 255"),
    ] {
        let ran = run(&[&["map", &input, "-o", &folder.at("x.nii")], words.as_slice()].concat());
        assert_eq!(ran.code, Some(2), "{}: {}", ran.line, ran.stderr);
        assert!(ran.stderr.contains(what), "{words:?}: {}", ran.stderr);
    }
    assert!(!folder.names().iter().any(|n| n == "x.nii"));
}
