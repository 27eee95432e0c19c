//! `hounsfield equalize --adaptive`, as people run it.

use crate::support::{Folder, nifti, nifti_voxels, ok, run, small_nifti};

#[test]
fn tiles_are_said_and_all_devices_agree() {
    let folder = Folder::new();
    let (input, out) = (small_nifti(&folder, "in.nii"), folder.at("out.nii"));
    let said = ok(&["equalize", &input, "--adaptive", "-o", &out, "--json"]).json();
    // 8 x 6 voxels: along y two are over, so both axes go on, by 8 and by 2.
    assert_eq!(said["tiles"].to_string(), "[8,8]");
    assert_eq!(said["tile_voxels"].to_string(), "[2,1]");
    assert_eq!((said["clip"].as_f64(), said["bins"].as_u64(), said["dtype"].as_str()), (Some(40.0), Some(256), Some("uint8")));
    assert!(said["notes"].to_string().contains("--bins 256"), "{said}");
    let options = ["--tiles", "2x3x2", "--clip", "3", "--bins", "20", "--depth", "16"];
    let mut results = Vec::new();
    for more in [["--device", "cpu"], ["--device", "gpu"], ["--threads", "1"], ["--memory", "1"]] {
        if more[1] == "gpu" && !crate::support::with_gpu() {
            continue;
        }
        let ran = ok(&[&["equalize", &input, "--adaptive", "-o", &out, "--force"], options.as_slice(), &more].concat());
        assert!(
            ran.text().contains("2 x 3 x 2 tiles of 4 x 2 x 2 voxels over the volume, 20 bins, clip limit 3 (2 voxels a bin)")
        );
        results.push(nifti_voxels(&out));
    }
    assert!(results.iter().all(|result| *result == results[0] && result.len() == 2 * 192));
    let figure = folder.at("f.svg");
    ok(&["equalize", &input, "--adaptive", "--tile", "3mm", "-o", &out, "--force", "--figure", &figure]);
    assert!(std::fs::read_to_string(&figure).unwrap().contains("Equalised by tiles"));
}

#[test]
fn what_makes_no_sense_is_refused_with_a_remedy() {
    let folder = Folder::new();
    let (input, out) = (small_nifti(&folder, "in.nii"), folder.at("out.nii"));
    let floats: Vec<u8> = (0..24).flat_map(|i| (i as f32 * 1e7 + 0.3).to_le_bytes()).collect();
    let floats = folder.file("floats.nii", &nifti(&[4, 3, 2], 16, &floats));
    let refused = |args: &[&str], what: &str| {
        let ran = run(&[&["equalize"], args, &["-o", &out]].concat());
        assert!(ran.code == Some(2) && ran.stderr.contains(what), "{args:?}: {}", ran.stderr);
    };
    refused(&[&floats, "--adaptive"], "whole ones of 16 bits first");
    refused(&[&input, "--tiles", "4x4"], "--adaptive");
    refused(&[&input, "--clip", "4"], "--adaptive");
    refused(&[&input, "--adaptive", "--tiles", "0x4"], "8x8");
    refused(&[&input, "--adaptive", "--tiles", "4x4", "--tile", "3mm"], "--tile");
    refused(&[&input, "--adaptive", "--tile", "3"], "40mm");
    refused(&[&input, "--adaptive", "--clip", "-1"], "0 for none");
    refused(&[&input, "--adaptive", "--bins", "1"], "--bins");
    refused(&[&input, "--adaptive", "--report", "r.html"], "--report");
    assert!(!std::path::Path::new(&out).exists());
}
