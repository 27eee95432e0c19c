//! `hounsfield project` and slabs of `hounsfield slice`, as people run them.

use crate::support::{Folder, nifti, nifti_voxels, ok, run, small_nifti, small_series};

fn voxel(x: usize, y: usize, z: usize) -> u8 {
    let i = (z * 6 + y) * 8 + x;
    (i * i % 251) as u8
}

#[test]
fn the_greatest_along_each_axis_in_slabs_and_whole() {
    let folder = Folder::new();
    let (input, out) = (small_nifti(&folder, "in.nii"), folder.at("out.nii"));
    let said = ok(&["project", &input, "--along", "axial", "-o", &out, "--json"]).json();
    let want: Vec<u8> = (0..48).map(|i| (0..4).map(|z| voxel(i % 8, i / 8, z)).max().unwrap()).collect();
    assert_eq!(nifti_voxels(&out), want);
    assert_eq!((said["shape"].to_string(), &said["how"], &said["axis"]), ("[8,6,1]".into(), &"max".into(), &"z".into()));
    let said =
        ok(&["project", &input, "--along", "coronal", "--how", "min", "--slab", "4", "-o", &out, "--force", "--json"]).json();
    let slab = |y: usize| if y == 0 { 0..4 } else { 4..6 };
    let want: Vec<u8> = (0..64).map(|i| slab(i / 8 % 2).map(|y| voxel(i % 8, y, i / 16)).min().unwrap()).collect();
    assert_eq!(nifti_voxels(&out), want);
    assert_eq!(
        (said["slabs"].as_u64(), said["last_slab_slices"].as_u64(), said["slab_mm"].as_f64()),
        (Some(2), Some(2), Some(4.0))
    );
    assert!(said["notes"].to_string().contains("2 of 4 slices"), "{said}");
    let ran = ok(&["project", &input, "--along", "sagittal", "--how", "sum", "-o", &out, "--force"]);
    assert!(ran.text().contains("sum along voxel axis x (sagittal): 1 slab of 8 slices, 8 mm"), "{}", ran.text());
    let sums: Vec<u32> = (0..24).map(|i| (0..8).map(|x| u32::from(voxel(x, i % 6, i / 6))).sum()).collect();
    assert_eq!(nifti_voxels(&out), sums.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<u8>>());
}

#[test]
fn a_picture_has_the_greys_of_the_image() {
    let folder = Folder::new();
    std::fs::create_dir(folder.at("ct")).unwrap();
    let series = small_series(&folder.path().join("ct"), 9);
    for (along, slab) in [("axial", None), ("coronal", Some("40mm")), ("sagittal", Some("100"))] {
        let (picture, volume, figure) = (folder.at("p.png"), folder.at("v.nii"), folder.at("f.svg"));
        let slab: Vec<&str> = slab.map_or(vec![], |slab| vec!["--slab", slab]);
        ok(&[&["project", &series, "--along", along, "-o", &picture, "--force"], slab.as_slice()].concat());
        assert!(std::fs::read(&picture).unwrap().starts_with(b"\x89PNG"));
        ok(&[&["project", &series, "--along", along, "-o", &volume, "--figure", &figure, "--force"], slab.as_slice()].concat());
        assert!(std::fs::read_to_string(&figure).unwrap().contains("max of"));
    }
}

#[test]
fn a_slice_may_be_a_slab() {
    let folder = Folder::new();
    std::fs::create_dir(folder.at("ct")).unwrap();
    let series = small_series(&folder.path().join("ct"), 9);
    let out = folder.at("s.png");
    let slabs = |more: &[&str]| {
        let said = ok(&[&["slice", &series, "-o", &out, "--force", "--json"], more].concat()).json();
        (said["index"].to_string(), said["slab_slices"].to_string())
    };
    assert_eq!(slabs(&["--slab", "20mm", "--how", "mean"]), ("[4]".into(), "[4]".into()));
    assert_eq!(slabs(&["--slab", "3", "--index", "0"]), ("[0]".into(), "[2]".into()));
    assert_eq!(slabs(&["--slab", "3", "--montage", "3"]), ("[1,4,7]".into(), "[3,3,3]".into()));
    assert_eq!(slabs(&[]).1, "null");
    // A slab of one slice is the slice.
    let one = |more: &[&str]| {
        ok(&[&["slice", &series, "-o", &out, "--force", "--plain", "--index", "3"], more].concat());
        std::fs::read(&out).unwrap()
    };
    assert_eq!(one(&["--slab", "1", "--how", "median"]), one(&[]));
    assert_eq!(run(&["slice", &series, "-o", &out, "--force", "--how", "min"]).code, Some(2));
}

#[test]
fn what_cannot_be_projected_is_refused_with_a_remedy() {
    let folder = Folder::new();
    let (flat, volume) = (folder.file("flat.nii", &nifti(&[4, 3], 2, &[7; 12])), small_nifti(&folder, "in.nii"));
    let out = folder.at("out.nii");
    let refused = |args: &[&str], what: &str| {
        let ran = run(&[args, &["-o", &out]].concat());
        assert!(ran.code == Some(2) && ran.stderr.contains(what), "{args:?}: {}", ran.stderr);
    };
    refused(&["project", &flat, "--along", "axial"], "give a volume");
    refused(&["project", &volume, "--along", "axial", "--slab", "0"], "number of slices from 1 on");
    refused(&["project", &volume, "--along", "axial", "--slab", "-3mm"], "slab");
    refused(&["project", &volume], "--along");
    refused(&["project", &volume, "--along", "axial", "--how", "best"], "best");
    let plain = folder.at("in.npy");
    ok(&["convert", &volume, "-o", &plain]);
    refused(&["project", &plain, "--along", "axial", "--slab", "5mm"], "spacing is not known");
    assert!(!std::path::Path::new(&out).exists());
}
