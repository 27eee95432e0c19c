//! `resample`, `crop`, `pad` and `reorient`: small volumes worked by hand, and what each refuses. Other tools are asked in `tests/oracles/check_resample.py`.

use crate::support::{Folder, nifti, nifti_voxels, ok, run};

/// A NIfTI-1 whose first three axes lie in the patient as the rows of `matrix` (RAS+ mm) say.
fn placed(folder: &Folder, name: &str, matrix: [[f32; 4]; 3], mut file: Vec<u8>) -> String {
    let mut put = |at: usize, bytes: &[u8]| file[at..at + bytes.len()].copy_from_slice(bytes);
    put(254, &1i16.to_le_bytes());
    for (row, values) in matrix.iter().enumerate() {
        values.iter().enumerate().for_each(|(i, v)| put(280 + 16 * row + 4 * i, &v.to_le_bytes()));
    }
    for axis in 0..3 {
        let length = matrix.iter().map(|row| row[axis] * row[axis]).sum::<f32>().sqrt();
        put(80 + 4 * axis, &length.to_le_bytes());
    }
    folder.file(name, &file)
}

const RAS: [[f32; 4]; 3] = [[2.0, 0.0, 0.0, -3.0], [0.0, 2.0, 0.0, 5.0], [0.0, 0.0, 4.0, 7.0]];

fn ramp(shape: &[i16]) -> Vec<u8> {
    let count: i32 = shape.iter().map(|n| i32::from(*n)).product();
    nifti(shape, 4, &(0..count).flat_map(|i| (10 * i as i16).to_le_bytes()).collect::<Vec<_>>())
}

fn values(path: &str) -> Vec<i16> {
    nifti_voxels(path).as_chunks::<2>().0.iter().map(|b| i16::from_le_bytes(*b)).collect()
}

#[test]
fn voxels_get_another_size_around_one_centre() {
    let folder = Folder::new();
    let (line, out) = (placed(&folder, "a.nii", RAS, ramp(&[4, 1, 1])), folder.at("out.nii"));
    let said = ok(&["resample", "--json", &line, "-o", &out, "--spacing", "1x2x4"]).json();
    assert_eq!(values(&out), [0, 3, 8, 13, 18, 23, 28, 30]);
    assert_eq!((said["shape"].to_string(), said["method"].as_str()), ("[8,1,1]".into(), Some("linear")));
    assert_eq!((said["spacing_mm"].to_string(), &said["outside"]), ("[1.0,2.0,4.0]".into(), &serde_json::json!(0)));
    // LPS+: RAS -3 - 1/2 is +3.5.
    assert_eq!(said["origin_lps_mm"][0], 3.5);
    let said = ok(&["resample", "--force", "--json", &line, "-o", &out, "--spacing", "1x2x4", "--align", "first"]).json();
    assert_eq!((values(&out), &said["outside"]), (vec![0, 5, 10, 15, 20, 25, 30, 0], &serde_json::json!(1)));
    ok(&["resample", "--force", &line, "-o", &out, "--shape", "2x1x1", "--method", "area"]);
    assert_eq!(values(&out), [5, 25]);
    ok(&["resample", "--force", &line, "-o", &out, "--shape", "8x1x1", "--method", "nearest"]);
    assert_eq!(values(&out), [0, 0, 10, 10, 20, 20, 30, 30]);
    // One number leaves a single slice as it is.
    let image = placed(&folder, "image.nii", RAS, ramp(&[4, 2, 1]));
    let said = ok(&["resample", "--force", "--json", &image, "-o", &out, "--spacing", "4"]).json();
    assert_eq!((said["shape"].to_string(), said["spacing_mm"].to_string()), ("[2,1,1]".into(), "[4.0,4.0,4.0]".into()));
}

#[test]
fn a_reference_and_a_transform_say_where_to_look() {
    let folder = Folder::new();
    let (line, out) = (placed(&folder, "a.nii", RAS, ramp(&[4, 1, 1])), folder.at("out.nii"));
    let mut away = RAS;
    away[0][3] = 1.0;
    let like = placed(&folder, "like.nii", away, ramp(&[4, 1, 1]));
    let ran = ok(&["resample", "--json", &line, "-o", &out, "--like", &like, "--fill", "-7"]);
    assert_eq!(
        (values(&out), &ran.json()["outside"], &ran.json()["fill"]),
        (vec![20, 30, -7, -7], &2.into(), &serde_json::json!(-7.0))
    );
    let rows = folder.file("t.txt", b"1 0 0 -2\n0 1 0 0\n0 0 1 0\n0 0 0 1\n");
    ok(&["resample", "--force", &line, "-o", &out, "--like", &like, "--transform", &rows]);
    assert_eq!(values(&out), [10, 20, 30, 0]);
    // The same in LPS+, on the image's own grid.
    let itk = b"#Insight Transform File V1.0\n#Transform 0\nTransform: TranslationTransform_double_3_3\nParameters: 2 0 0\nFixedParameters: \n";
    let itk = folder.file("t.tfm", itk);
    ok(&["resample", "--force", &line, "-o", &out, "--transform", &itk]);
    assert_eq!(values(&out), [0, 0, 10, 20]);
    // FLIRT's goes from the image to the reference; both have right-handed axes, whose x it counts from the end: +2 is one voxel down.
    let flirt = folder.file("t.mat", b"1 0 0 2\n0 1 0 0\n0 0 1 0\n0 0 0 1\n");
    let here = placed(&folder, "here.nii", RAS, ramp(&[4, 1, 1]));
    ok(&["resample", "--force", &line, "-o", &out, "--like", &here, "--transform", &flirt]);
    assert_eq!(values(&out), [10, 20, 30, 0]);
    let ran = run(&["resample", "--force", &line, "-o", &out, "--shape", "4x1x1", "--transform", &flirt]);
    assert!(ran.code == Some(2) && ran.stderr.contains("--like"), "{}", ran.stderr);
}

#[test]
fn labels_vote_unless_told_otherwise() {
    let folder = Folder::new();
    let mut file = nifti(&[4, 1, 1], 2, &[0, 0, 4, 4]);
    // NIFTI_INTENT_LABEL.
    file[68..70].copy_from_slice(&1002i16.to_le_bytes());
    let (labels, out) = (placed(&folder, "labels.nii", RAS, file), folder.at("out.nii"));
    let said = ok(&["resample", "--json", &labels, "-o", &out, "--shape", "8x1x1"]).json();
    assert_eq!((said["method"].as_str(), nifti_voxels(&out)), (Some("label"), vec![0, 0, 0, 0, 4, 4, 4, 4]));
    let ran = ok(&["resample", "--force", &labels, "-o", &out, "--shape", "8x1x1", "--method", "linear"]);
    assert!(ran.stderr.contains("these are labels") && nifti_voxels(&out) == [0, 0, 0, 1, 3, 4, 4, 4], "{}", ran.stderr);
}

#[test]
fn boxes_in_voxels_in_millimetres_and_around_masks() {
    let folder = Folder::new();
    let (image, out) = (placed(&folder, "a.nii", RAS, ramp(&[4, 3, 2])), folder.at("out.nii"));
    let said = ok(&["crop", "--json", &image, "-o", &out, "--box", "1:3,,1:2"]).json();
    assert_eq!(values(&out), [130, 140, 170, 180, 210, 220]);
    // Voxel (1, 0, 1) at RAS (-1, 5, 11).
    assert_eq!(said["origin_lps_mm"].to_string(), "[1.0,-5.0,11.0]");
    // x of LPS+ runs from 3 down to -3; only the centres at 1 and -1 lie between.
    ok(&["crop", "--force", &image, "-o", &out, "--box", "-1.5:2.9,,9:20mm"]);
    assert_eq!(values(&out), [130, 140, 170, 180, 210, 220]);
    let mut selected = [0u8; 24];
    (selected[5], selected[9]) = (1, 2);
    let mask = placed(&folder, "mask.nii", RAS, nifti(&[4, 3, 2], 2, &selected));
    ok(&["crop", "--force", &image, "-o", &out, "--to-mask", &mask]);
    assert_eq!(values(&out), [50, 90]);
    ok(&["crop", "--force", &image, "-o", &out, "--to-mask", &mask, "--label", "2", "--margin", "1x0x0"]);
    assert_eq!(values(&out), [80, 90, 100]);
    ok(&["crop", "--force", &image, "-o", &out, "--to-mask", &mask, "--label", "2", "--margin", "2.1mm"]);
    assert_eq!(values(&out).len(), 4 * 3 * 2);
    let empty = placed(&folder, "empty.nii", RAS, nifti(&[4, 3, 2], 2, &[0; 24]));
    for (words, text) in [
        (&["--to-mask", &empty][..], "the mask is empty"),
        (&["--box", "1:9,,"], "reaches beyond the image"),
        (&["--box", "9:12,,"], "beyond the image"),
        (&["--box", "3:1,,"], "a larger end"),
        (&["--box", "100:120,,mm"], "no voxel of the image"),
        (&[], "--box"),
    ] {
        let ran = run(&[&["crop", "--force", &image, "-o", &folder.at("none.nii")], words].concat());
        assert!(ran.code == Some(2) && ran.stderr.contains(text), "{words:?}: {}", ran.stderr);
    }
    assert!(!folder.names().iter().any(|name| name == "none.nii"));
}

#[test]
fn padding_and_axes_only_move_voxels() {
    let folder = Folder::new();
    let (image, out) = (placed(&folder, "a.nii", RAS, ramp(&[3, 2, 1])), folder.at("out.nii"));
    let said = ok(&["pad", "--json", &image, "-o", &out, "--by", "1x0", "--fill", "5"]).json();
    assert_eq!(values(&out), [5, 0, 10, 20, 5, 5, 30, 40, 50, 5]);
    assert_eq!((said["origin_lps_mm"][0].as_f64(), &said["outside"]), (Some(5.0), &4.into()));
    ok(&["pad", "--force", &image, "-o", &out, "--to", "4x2x1"]);
    assert_eq!(values(&out), [0, 10, 20, 0, 30, 40, 50, 0]);
    let said = ok(&["reorient", "--force", "--json", &image, "-o", &out, "--to", "ALS"]).json();
    assert_eq!((values(&out), said["orientation"].as_str()), (vec![20, 50, 10, 40, 0, 30], Some("ALS")));
    for words in [&["pad", "--to", "2x2x1"][..], &["pad"], &["pad", "--by", "-1"], &["reorient", "--to", "RAR"]] {
        let ran = run(&[&words[..1], &[&image, "-o", &folder.at("none.nii")], &words[1..]].concat());
        assert_eq!(ran.code, Some(2), "{words:?}: {}", ran.stderr);
    }
    assert!(!folder.names().iter().any(|name| name == "none.nii"));
}

#[test]
fn what_no_grid_can_be_made_of_is_refused_and_leaves_nothing() {
    let folder = Folder::new();
    let image = placed(&folder, "a.nii", RAS, ramp(&[4, 3, 2]));
    let bare = folder.file("bare.npy", &npy());
    let film = placed(&folder, "film.nii", RAS, ramp(&[4, 3, 2, 2]));
    let mut far = RAS;
    far[2][3] = 500.0;
    let away = placed(&folder, "away.nii", far, ramp(&[4, 3, 2]));
    let flat = folder.file("flat.txt", b"1 0 0 0\n0 0 0 0\n0 0 1 0\n0 0 0 1\n");
    for (words, text) in [
        (&[&image, "--spacing", "0"][..], "above 0"),
        (&[&image, "--spacing", "-1x1x1"], "above 0"),
        (&[&image, "--spacing", "1x1"], "2 numbers for an image of 4 x 3 x 2"),
        (&[&image, "--spacing", "1e-9"], "no more than any computer holds"),
        (&[&image, "--shape", "100000x100000x100000"], "takes 1862645 GiB"),
        (&[&image, "--shape", "0x3x2"], "at least one voxel"),
        (&[&image, "--like", &film], "which is 2 volumes"),
        (&[&image, "--like", &away], "does not touch the image"),
        (&[&image, "--like", &bare], "the reference does not say where"),
        (&[&bare, "--spacing", "1"], "spacing is not known"),
        (&[&bare, "--like", &image], "the image does not say where"),
        (&[&image, "--like", &image, "--transform", &flat], "singular"),
        (&[&image, "--like", &image, "--transform", &image], "no text of a transform"),
        (&[&image, "--shape", "4x3x2", "--fill", "1e9"], "does not fit int16"),
        (&[&image], "no grid to resample to"),
    ] {
        let ran = run(&[&["resample", "-o", &folder.at("none.nii")], words].concat());
        assert!(matches!(ran.code, Some(2 | 3)) && ran.stderr.contains(text), "{words:?}: {:?} {}", ran.code, ran.stderr);
    }
    assert!(!folder.names().iter().any(|name| name == "none.nii"));
    // A film goes time by time.
    let out = folder.at("film-out.nii");
    let said = ok(&["resample", "--json", &film, "-o", &out, "--like", &image]).json();
    assert_eq!((said["shape"].to_string(), nifti_voxels(&out)), ("[4,3,2,2]".into(), nifti_voxels(&film)));
}

/// Two by two by two bytes, of which nothing is known.
fn npy() -> Vec<u8> {
    let mut header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (2, 2, 2), }".to_vec();
    header.resize(117, b' ');
    header.push(b'\n');
    [b"\x93NUMPY\x01\x00\x76\x00".to_vec(), header, vec![1; 8]].concat()
}
