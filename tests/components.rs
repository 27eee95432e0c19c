//! Holes and markers in chains of steps, as a user types them.

use crate::support::{Folder, nifti, nifti_voxels, ok, run, with_gpu};

const SIZE: [usize; 3] = [12, 11, 10];

/// Shells of several labels around the middle; in the one four voxels from it is a gap, in one slice.
fn shells(value: impl Fn(usize) -> u8) -> Vec<u8> {
    let place = |i: usize| [i % SIZE[0], i / SIZE[0] % SIZE[1], i / SIZE[0] / SIZE[1]];
    let far = |i: usize| (0..3).map(|a| place(i)[a].abs_diff(SIZE[a] / 2)).max().unwrap_or(0);
    (0..SIZE.iter().product()).map(|i| if place(i) == [2, 5, 3] { 0 } else { value(far(i)) }).collect()
}

fn written(folder: &Folder, name: &str, voxels: &[u8]) -> String {
    folder.file(name, &nifti(&SIZE.map(|n| n as i16), 2, voxels))
}

fn map(folder: &Folder, from: &str, steps: &str, name: &str, more: &[&str]) -> String {
    let out = folder.at(name);
    ok(&[&["map", from, "--steps", steps, "-o", &out, "--force"], more].concat());
    out
}

#[test]
fn a_label_is_filled_with_itself_and_a_gap_leaves_a_volume_open() {
    let folder = Folder::new();
    // Label 3 two voxels from the middle encloses what is nearer; 7, four from it, has a gap in one slice.
    let before = shells(|far| [0, 0, 3, 0, 7, 0][far.min(5)]);
    let input = written(&folder, "i.nii", &before);
    let got = nifti_voxels(&map(&folder, &input, "fill", "a.nii", &[]));
    assert_eq!(got, shells(|far| [3, 3, 3, 0, 7, 0][far.min(5)]));
    let said = ok(&["map", &input, "--steps", "fill", "-o", &folder.at("b.nii"), "--json"]).json();
    assert_eq!((&said["steps"][0]["step"], &said["dtype"]), (&"fill".into(), &"uint8".into()));
    let changed = got.iter().zip(&before).filter(|(a, b)| a != b).count();
    assert_eq!(said["steps"][0]["voxels"], changed as f64, "{said}");
    assert!(got.iter().zip(&before).all(|(a, b)| a == b || *b == 0), "nothing is overwritten");
    // Slice by slice only one leaks. Another memory, and another device, give the same.
    let flat = nifti_voxels(&map(&folder, &input, "fill:2d", "c.nii", &[]));
    assert_ne!(flat, got);
    for more in [vec!["--memory", "1"], vec!["--threads", "1"], vec!["--device", "gpu"]] {
        if more[1] == "gpu" && !with_gpu() {
            continue;
        }
        assert_eq!(nifti_voxels(&map(&folder, &input, "fill", "d.nii", &more)), got, "{more:?}");
        assert_eq!(nifti_voxels(&map(&folder, &input, "fill:2d", "d.nii", &more)), flat, "{more:?}");
    }
}

#[test]
fn steps_before_and_behind_are_those_of_several_runs() {
    let folder = Folder::new();
    let noise = |i: usize| (i.wrapping_mul(2_654_435_761) >> 7) as u8;
    let grey: Vec<u8> = shells(|far| [90, 90, 200, 80, 210, 10][far.min(5)]);
    let grey: Vec<u8> = grey.iter().enumerate().map(|(i, v)| v.saturating_add(noise(i) % 30)).collect();
    let input = written(&folder, "i.nii", &grey);
    let marker: Vec<u8> = (0..grey.len()).map(|i| u8::from(i == (5 * SIZE[1] + 5) * SIZE[0] + 8)).collect();
    let marker = written(&folder, "marker.nii", &marker);
    let reconstruct = format!("reconstruct:{marker}:26");
    for steps in [
        vec!["threshold:150", "fill"],
        vec!["median:1x1x0", "threshold:150", "fill:2d", "erode:1x1x0"],
        vec!["threshold:150", "fill", &reconstruct, "dilate:1"],
        vec!["otsu:3", "median:1", "fill", "threshold:1.5"],
        vec!["threshold:150", &reconstruct],
    ] {
        let mut one = input.clone();
        for (i, step) in steps.iter().enumerate() {
            one = map(&folder, &one, step, &format!("{i}.nii"), &[]);
        }
        let want = nifti_voxels(&one);
        let chain = steps.join(",");
        for more in [vec![], vec!["--memory", "1"], vec!["--device", "gpu"]] {
            if more.get(1) == Some(&"gpu") && !with_gpu() {
                continue;
            }
            assert_eq!(nifti_voxels(&map(&folder, &input, &chain, "all.nii", &more)), want, "{chain} {more:?}");
        }
        assert!(want.iter().any(|v| *v != want[0]), "{chain} leaves nothing to see");
    }
}

#[test]
fn types_and_rescales_of_masks_stay() {
    let folder = Folder::new();
    // 0 and 5 as int16 with slope -0.5 and intercept 5: 10 and 0.
    let stored =
        |voxels: &[u8]| -> Vec<u8> { voxels.iter().flat_map(|v| if *v == 0 { 10i16 } else { 0 }.to_le_bytes()).collect() };
    let before = shells(|far| u8::from(far == 2));
    let mut file = nifti(&SIZE.map(|n| n as i16), 4, &stored(&before));
    file[112..116].copy_from_slice(&(-0.5f32).to_le_bytes());
    file[116..120].copy_from_slice(&5f32.to_le_bytes());
    let input = folder.file("i.nii", &file);
    let out = map(&folder, &input, "fill", "o.nii", &[]);
    assert_eq!(nifti_voxels(&out), stored(&shells(|far| u8::from(far <= 2))));
    let header = std::fs::read(&out).unwrap();
    assert_eq!((&header[70..72], &header[112..120]), (&file[70..72], &file[112..120]));
    // Floats become the least type that holds the labels.
    let floats: Vec<u8> = before.iter().flat_map(|v| (300.0 * f32::from(*v)).to_le_bytes()).collect();
    let input = folder.file("f.nii", &nifti(&SIZE.map(|n| n as i16), 16, &floats));
    let said = ok(&["map", &input, "--steps", "fill", "-o", &folder.at("p.nii"), "--json"]).json();
    assert_eq!(said["dtype"], "uint16", "{said}");
    // A picture is filled within its plane.
    let ring = [0u8, 0, 0, 0, 0, 0, 9, 9, 9, 0, 0, 9, 0, 9, 0, 0, 9, 9, 9, 0];
    let picture = folder.file("r.nii", &nifti(&[5, 4], 2, &ring));
    let filled = nifti_voxels(&map(&folder, &picture, "fill", "r_filled.nii", &[]));
    assert_eq!(filled[12], 9);
    assert_eq!(filled.iter().filter(|v| **v == 9).count(), 9);
}

#[test]
fn what_cannot_be_done_is_said_and_nothing_is_written() {
    let folder = Folder::new();
    let input = written(&folder, "i.nii", &shells(|far| far as u8));
    let floats: Vec<u8> = (0..8).flat_map(|i| (0.3 * i as f32).to_le_bytes()).collect();
    let floats = folder.file("f.nii", &nifti(&[2, 2, 2], 16, &floats));
    let negative: Vec<u8> = (-4i16..4).flat_map(i16::to_le_bytes).collect();
    let negative = folder.file("n.nii", &nifti(&[2, 2, 2], 4, &negative));
    let other = folder.file("other.nii", &nifti(&[2, 2, 2], 2, &[1; 8]));
    let out = folder.at("o.nii");
    let on_other_grid = format!("reconstruct:{other}");
    let missing = format!("reconstruct:{}", folder.at("missing.nii"));
    for (from, steps, what) in [
        (&input, "fill:1", "2d or 3d"),
        (&input, "reconstruct", "it takes a file"),
        (&input, on_other_grid.as_str(), "mask"),
        (&floats, "fill", "no whole numbers"),
        (&negative, "median:1x0x0,fill", "below 0"),
        (&input, missing.as_str(), "missing.nii"),
    ] {
        let ran = run(&["map", from, "--steps", steps, "-o", &out]);
        assert!(ran.code.is_some_and(|code| code > 0), "{}", ran.line);
        assert!(ran.stderr.contains(what), "{steps}: {}", ran.stderr);
        assert!(!std::path::Path::new(&out).exists(), "{steps}");
    }
    // A marker is an input: it is not overwritten.
    let marker = written(&folder, "marker.nii", &shells(|_| 1));
    let ran = run(&["map", &input, "--steps", &format!("reconstruct:{marker}"), "-o", &marker, "--force"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert_eq!(nifti_voxels(&marker), shells(|_| 1));
}

#[test]
fn a_plan_counts_the_pass_of_a_whole_volume() {
    let folder = Folder::new();
    let input = written(&folder, "i.nii", &shells(|far| far as u8));
    let text = ok(&["map", &input, "--steps", "median:1,fill,dilate:1", "--plan"]).text();
    assert!(text.contains("pass 1: connect for median:1, fill;"), "{text}");
    assert!(text.contains("pass 2: write median:1, fill, dilate:1;"), "{text}");
}
