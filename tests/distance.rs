//! Distance maps as files: numbers worked by hand, in every mode, and what is refused.

use serde_json::json;

use crate::support::{Folder, nifti, nifti_voxels, ok, program, run};

/// A mask of bytes with this spacing.
fn mask(folder: &Folder, name: &str, shape: &[i16], spacing: [f32; 3], voxels: &[u8]) -> String {
    let mut file = nifti(shape, 2, voxels);
    spacing.iter().enumerate().for_each(|(i, mm)| file[80 + 4 * i..84 + 4 * i].copy_from_slice(&mm.to_le_bytes()));
    folder.file(name, &file)
}

fn floats(path: &str) -> Vec<f32> {
    nifti_voxels(path).as_chunks().0.iter().map(|v| f32::from_le_bytes(*v)).collect()
}

#[test]
fn distances_by_hand_in_every_mode() {
    let folder = Folder::new();
    // 0 3 3 3 5
    // 3 3 3 5 5
    let path = mask(&folder, "m.nii", &[5, 2], [0.7, 2.5, 1.0], &[0, 3, 3, 3, 5, 3, 3, 3, 5, 5]);
    let out = folder.at("o.nii");
    let made = |more: &[&str]| {
        let said = ok(&[&["distance", &path, "-o", &out, "--force", "--json"], more].concat()).json();
        (said, floats(&out))
    };
    let far = |squares: [f64; 10]| squares.map(|square| (square.sqrt() / 10.0) as f32);
    let (said, inside) = made(&[]);
    assert_eq!(inside, far([0., 49., 196., 441., 784., 625., 674., 821., 1066., 1409.]));
    assert_eq!((&said["weights"], &said["unit"], &said["relative_error"]), (&json!([7, 25, 0]), &json!("mm"), &json!(0.0)));
    assert_eq!((&said["inside_voxels"], &said["outside_voxels"]), (&json!(9), &json!(1)));
    assert!((said["largest_inside"].as_f64().unwrap() - 14.09f64.sqrt()).abs() < 1e-6 && said["largest_outside"].is_null());
    let (said, squared) = made(&["--squared"]);
    assert_eq!(squared, [0., 0.49, 1.96, 4.41, 7.84, 6.25, 6.74, 8.21, 10.66, 14.09]);
    assert_eq!(said["unit"], "mm2");
    let (_, outside) = made(&["--outside"]);
    assert_eq!(outside, [0.7, 0., 0., 0., 0., 0., 0., 0., 0., 0.]);
    let (_, signed) = made(&["--signed"]);
    assert!(signed.iter().zip(&inside).skip(1).all(|(s, i)| *s == -i) && signed[0] == 0.7);
    // Of one label: the others are outside.
    let (_, label) = made(&["--label", "5"]);
    assert_eq!(label, [0., 0., 0., 0., 0.7, 0., 0., 0., 0.7, 1.4]);
}

#[test]
fn the_nearest_label_is_that_of_the_lowest_index_among_ties() {
    let folder = Folder::new();
    let path = mask(&folder, "m.nii", &[5, 3], [1.0; 3], &[9, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 2, 0, 0]);
    let (out, nearest) = (folder.at("o.nii"), folder.at("n.nii"));
    for mode in ["--outside", "--signed"] {
        ok(&["distance", &path, "-o", &out, mode, "--nearest", &nearest, "--force"]);
        assert_eq!(nifti_voxels(&nearest), [9, 9, 9, 4, 4, 9, 9, 2, 4, 4, 9, 2, 2, 2, 4], "{mode}");
    }
    let refused = run(&["distance", &path, "-o", &folder.at("x.nii"), "--nearest", &folder.at("y.nii")]);
    assert!(refused.code == Some(2) && refused.stderr.contains("add --outside or --signed"), "{}", refused.stderr);
    assert_eq!(folder.names(), ["m.nii", "n.nii", "o.nii"]);
}

#[test]
fn a_picture_without_spacing_counts_pixels_and_says_so() {
    let folder = Folder::new();
    let picture = folder.at("m.png");
    let path = mask(&folder, "m.nii", &[4, 3], [1.0; 3], &[0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 1, 1]);
    ok(&["convert", &path, "-o", &picture]);
    let out = folder.at("o.nii");
    let ran = ok(&["distance", &picture, "-o", &out, "--figure", &folder.at("f.png"), "--json"]);
    assert!(ran.stderr.contains("spacing of the mask is not known"), "{}", ran.stderr);
    assert_eq!((&ran.json()["unit"], &ran.json()["spacing_mm"]), (&json!("voxels"), &json!(null)));
    assert_eq!(floats(&out), [0., 1., 2., 8f32.sqrt(), 0., 1., 2f32.sqrt(), 5f32.sqrt(), 0., 0., 1., 2.]);
}

#[test]
fn an_empty_mask_and_a_full_one_leave_nothing() {
    let folder = Folder::new();
    let (empty, full) =
        (mask(&folder, "empty.nii", &[3, 3, 3], [1.0; 3], &[0; 27]), mask(&folder, "full.nii", &[3, 3, 3], [1.0; 3], &[7; 27]));
    for mode in ["--outside", "--signed", "--squared"] {
        for (path, words) in [(&empty, "the mask is empty"), (&full, "the mask is full")] {
            let ran = run(&["distance", path, "-o", &folder.at("o.nii.gz"), mode]);
            assert!(ran.code == Some(2) && ran.stderr.contains(words), "{}: {}", ran.line, ran.stderr);
        }
    }
    let ran = run(&["distance", &full, "--label", "3", "-o", &folder.at("o.nii")]);
    assert!(ran.code == Some(2) && ran.stderr.contains("no voxel of label 3; there are 7"), "{}", ran.stderr);
    let ran = run(&["distance", &empty, "-o", &folder.at("o.nii"), "--scratch", &folder.at("none")]);
    assert!(ran.code == Some(2) && ran.stderr.contains("is no folder"), "{}", ran.stderr);
    assert_eq!(folder.names(), ["empty.nii", "full.nii"]);
}

/// A mask of several MiB through a MiB of memory.
#[test]
fn what_does_not_fit_the_memory_gives_the_same_bytes() {
    let folder = Folder::new();
    let voxels: Vec<u8> = crate::support::noise(1 << 20).iter().map(|v| v % 5).collect();
    let path = mask(&folder, "m.nii", &[64, 128, 128], [0.5, 0.5, 1.25], &voxels);
    let at = |name: &str| folder.at(name);
    std::fs::create_dir(at("elsewhere")).unwrap();
    let elsewhere = at("elsewhere");
    for (i, more) in
        [vec!["--memory", "1"], vec!["--memory", "1", "--threads", "1"], vec!["--memory", "2", "--scratch", &elsewhere]]
            .into_iter()
            .enumerate()
    {
        for ending in ["nii", "nii.gz"] {
            let (name, labels) = (at(&format!("{i}.{ending}")), at(&format!("{i}n.{ending}")));
            let line = ["distance", &path, "--signed", "--nearest", &labels, "-o", &name, "--json"];
            let said = ok(&[&line[..], &more].concat()).json();
            assert!(said["scratch_bytes"].as_u64().unwrap() > 1 << 20, "{said}");
            let (whole, nearest) = (at(&format!("w.{ending}")), at(&format!("wn.{ending}")));
            let said = ok(&["distance", &path, "--signed", "--nearest", &nearest, "-o", &whole, "--json", "--force"]).json();
            assert_eq!(said["scratch_bytes"], 0);
            for (a, b) in [(&name, &whole), (&labels, &nearest)] {
                assert!(std::fs::read(a).unwrap() == std::fs::read(b).unwrap(), "{a} and {b}");
            }
        }
    }
    assert_eq!(std::fs::read_dir(&elsewhere).unwrap().count(), 0);
    // A disk whose files end at 32 KiB has no room for the scratch file.
    #[cfg(target_os = "linux")]
    {
        let before = folder.names();
        let mut command = std::process::Command::new("sh");
        command.args(["-c", "trap '' XFSZ; ulimit -f 64; exec \"$0\" \"$@\""]).arg(program().get_program());
        command.args(["distance", &path, "-o", &at("full.nii.gz"), "--memory", "1", "--scratch", &elsewhere]);
        let ran = crate::support::finish(&mut command);
        assert!(ran.code == Some(4) && ran.stderr.contains(&elsewhere), "{}", ran.stderr);
        assert_eq!((folder.names(), std::fs::read_dir(&elsewhere).unwrap().count()), (before, 0));
    }
}
