//! Chains of steps that look at neighbours, as a user types them.

use serde_json::Value;

use crate::support::{Folder, nifti, nifti_voxels, ok, run, small_nifti};

/// Runs a chain and gives what it wrote.
fn map(folder: &Folder, from: &str, steps: &str, more: &[&str]) -> String {
    let name: String = steps.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
    let out = folder.at(&format!("{name}{}.nii", more.len()));
    ok(&[&["map", from, "--steps", steps, "-o", &out, "--force"], more].concat());
    out
}

#[test]
fn steps_of_one_chain_are_those_of_several_runs() {
    let folder = Folder::new();
    let input = small_nifti(&folder, "i.nii");
    let named = |from: &str, steps: &str, name: &str, more: &[&str]| {
        let out = folder.at(name);
        ok(&[&["map", from, "--steps", steps, "-o", &out], more].concat());
        out
    };
    // The type of the file stays in between, so that single runs lose nothing.
    let clipped = named(&input, "clip:20:180", "a.nii", &["--to", "u8"]);
    let median = named(&clipped, "median:1", "b.nii", &[]);
    let greatest = named(&median, "max:1x1x0", "c.nii", &[]);
    let classes = named(&greatest, "otsu:3", "d.nii", &[]);
    let at_once = named(&input, "clip:20:180,median:1,max:1x1x0,otsu:3", "e.nii", &[]);
    assert_eq!(nifti_voxels(&at_once), nifti_voxels(&classes));
    let said =
        ok(&["map", &input, "--steps", "clip:20:180,median:1,max:1x1x0,otsu:3", "-o", &folder.at("f.nii"), "--json"]).json();
    let steps: Vec<_> = said["steps"].as_array().unwrap().iter().map(|s| s["step"].as_str().unwrap()).collect();
    assert_eq!(steps, ["clip:20:180", "median:1", "max:1x1x0", "otsu:3"]);
    assert!(said["steps"][3]["thresholds"].as_array().is_some_and(|t| t.len() == 2), "{said}");
    // Fractions go on as 16 bits of them.
    let fractions = named(&input, "minmax", "g.nii", &["--to", "u16"]);
    let want = named(&fractions, "median:1", "h.nii", &[]);
    let got = named(&input, "minmax,median:1", "k.nii", &[]);
    assert_eq!(nifti_voxels(&got), nifti_voxels(&want));
    // Outside of a mask is nothing.
    let mask: Vec<u8> = (0..192).map(|i| u8::from(i % 3 == 0)).collect();
    let mask = folder.file("mask.nii", &nifti(&[8, 6, 4], 2, &mask));
    let inside = named(&input, "median:1", "l.nii", &["--mask", &mask]);
    let all = nifti_voxels(&named(&input, "median:1", "m.nii", &[]));
    let want: Vec<u8> = all.iter().enumerate().map(|(i, v)| if i % 3 == 0 { *v } else { 0 }).collect();
    assert_eq!(nifti_voxels(&inside), want);
}

#[test]
fn a_median_keeps_type_and_grid() {
    let folder = Folder::new();
    let input = small_nifti(&folder, "i.nii");
    let (out, figure) = (folder.at("m.nii"), folder.at("m.png"));
    let said = ok(&["map", &input, "--steps", "median:1", "-o", &out, "--figure", &figure, "--json"]).json();
    assert_eq!((&said["dtype"], &said["steps"][0]["step"]), (&Value::from("uint8"), &Value::from("median:1")));
    assert!(std::fs::metadata(&figure).unwrap().len() > 1000);
    let voxels = nifti_voxels(&input);
    let value = |x: i64, y: i64, z: i64| voxels[(x.clamp(0, 7) + 8 * (y.clamp(0, 5) + 6 * z.clamp(0, 3))) as usize];
    let want: Vec<u8> = (0..8 * 6 * 4)
        .map(|i| {
            let (x, y, z) = (i % 8, i / 8 % 6, i / 48);
            let mut window: Vec<u8> = (0..27).map(|j| value(x + j % 3 - 1, y + j / 3 % 3 - 1, z + j / 9 - 1)).collect();
            window.sort_unstable();
            window[13]
        })
        .collect();
    assert_eq!(nifti_voxels(&out), want);
    for words in [
        vec!["--steps", "median:11"],
        vec!["--steps", "median:4"],
        vec!["--steps", "median:0"],
        vec!["--steps", "median:1", "--where", "1:2"],
    ] {
        let ran = run(&[&["map", &input, "-o", &folder.at("x.nii")], words.as_slice()].concat());
        assert_eq!(ran.code, Some(2), "{}: {}", ran.line, ran.stderr);
    }
    assert!(!folder.names().iter().any(|n| n == "x.nii"));
}

/// Openings, closings and what they take away, made of erosions and dilations run one by one.
#[test]
fn morphology_is_made_of_erosions_and_dilations() {
    let folder = Folder::new();
    let input = small_nifti(&folder, "i.nii");
    let one = |from: &str, step: &str| map(&folder, from, step, &[]);
    let (least, greatest) = (one(&input, "erode:1"), one(&input, "dilate:1"));
    assert_eq!(nifti_voxels(&least), nifti_voxels(&one(&input, "min:1")));
    let (opened, closed) = (one(&least, "max:1"), one(&greatest, "min:1"));
    assert_eq!(nifti_voxels(&one(&input, "open:1")), nifti_voxels(&opened));
    assert_eq!(nifti_voxels(&one(&input, "close:1")), nifti_voxels(&closed));
    let less = |a: &str, b: &str| -> Vec<u8> {
        nifti_voxels(a).iter().zip(nifti_voxels(b)).map(|(a, b)| a.checked_sub(b).unwrap()).collect()
    };
    for (step, want) in
        [("tophat:1", less(&input, &opened)), ("blackhat:1", less(&closed, &input)), ("gradient:1", less(&greatest, &least))]
    {
        assert_eq!(nifti_voxels(&one(&input, step)), want, "{step}");
        let on_cpu = map(&folder, &input, step, &["--device", "cpu"]);
        assert_eq!(nifti_voxels(&on_cpu), want, "{step}");
    }
}

/// int16 with a slope of -2: what is least is so among real values.
#[test]
fn a_falling_rescale_turns_least_and_greatest_round() {
    let folder = Folder::new();
    let stored: Vec<i16> = (0..192).map(|i| (i * 37 % 191) as i16 - 90).collect();
    let bytes = |values: &[i16]| -> Vec<u8> { values.iter().flat_map(|v| v.to_le_bytes()).collect() };
    let mut falling = nifti(&[8, 6, 4], 4, &bytes(&stored));
    falling[112..116].copy_from_slice(&(-2f32).to_le_bytes());
    falling[116..120].copy_from_slice(&7f32.to_le_bytes());
    let falling = folder.file("falling.nii", &falling);
    let real: Vec<i16> = stored.iter().map(|v| 7 - 2 * v).collect();
    let rising = folder.file("rising.nii", &nifti(&[8, 6, 4], 4, &bytes(&real)));
    let values = |path: &str| -> Vec<f64> {
        let header = std::fs::read(path).unwrap();
        let number = |at: usize| f64::from(f32::from_le_bytes(header[at..at + 4].try_into().unwrap()));
        let (slope, intercept) = (if number(112) == 0.0 { 1.0 } else { number(112) }, number(116));
        // Differences are uint16, small enough to be read as int16.
        nifti_voxels(path).as_chunks().0.iter().map(|v| slope * f64::from(i16::from_le_bytes(*v)) + intercept).collect()
    };
    for step in ["erode:1", "rank:1:20", "open:1x1x0", "tophat:1", "blackhat:1:ball", "gradient:1", "median:1,tophat:1,erode:1"] {
        assert_eq!(values(&map(&folder, &falling, step, &[])), values(&map(&folder, &rising, step, &["-q"])), "{step}");
    }
}

/// Balls that no footprint holds: every voxel with all others, in whole numbers of 0.1 mm; on either side, of any type, with any memory.
#[test]
fn masks_are_grown_and_shrunk_by_balls_of_any_radius() {
    let folder = Folder::new();
    let (nx, ny, nz) = (60i64, 45i64, 6i64);
    // A ball with some voxels missing, and a rod.
    let inside = |i: i64| {
        let (x, y, z) = (i % nx, i / nx % ny, i / (nx * ny));
        let ball = ((x - 30) * 7).pow(2) + ((y - 20) * 7).pow(2) + ((z - 2) * 25).pow(2) <= 130 * 130;
        (ball && i % 701 > 0) || (x - 8).pow(2) + (y - 38).pow(2) < 16
    };
    let mask: Vec<u8> = (0..nx * ny * nz).map(|i| u8::from(inside(i))).collect();
    let with_spacing = |mut file: Vec<u8>| {
        for (axis, mm) in [0.7f32, 0.7, 2.5].into_iter().enumerate() {
            file[80 + 4 * axis..][..4].copy_from_slice(&mm.to_le_bytes());
        }
        file
    };
    let size = [nx as i16, ny as i16, nz as i16];
    let input = folder.file("mask.nii", &with_spacing(nifti(&size, 2, &mask)));
    // Every voxel within the radius of one that has the value gets it, too.
    let grown = |from: &[u8], value: u8, radius: i64| -> Vec<u8> {
        let place = |i: usize| [i as i64 % nx * 7, i as i64 / nx % ny * 7, i as i64 / (nx * ny) * 25];
        let with: Vec<[i64; 3]> = (0..from.len()).filter(|i| from[*i] == value).map(place).collect();
        let near = |i: usize| {
            let at = place(i);
            with.iter().any(|other| (0..3).map(|a| (at[a] - other[a]).pow(2)).sum::<i64>() <= radius * radius)
        };
        (0..from.len()).map(|i| if near(i) { value } else { 1 - value }).collect()
    };
    let (shrunk, larger) = (grown(&mask, 0, 84), grown(&mask, 1, 84));
    let want = [
        ("erode:8.4mm:ball", shrunk.clone()),
        ("dilate:8.4mm:ball", larger.clone()),
        ("open:8.4mm:ball", grown(&shrunk, 1, 84)),
        ("close:8.4mm:ball", grown(&larger, 0, 84)),
        ("gradient:8.4mm:ball", larger.iter().zip(&shrunk).map(|(a, b)| a - b).collect()),
    ];
    assert!(want.iter().all(|(_, voxels)| voxels.contains(&1) && voxels.contains(&0)));
    for (step, want) in &want {
        // Two balls reach twice as far.
        let little = if step.starts_with("open") || step.starts_with("close") { "3" } else { "2" };
        for more in [&["--device", "cpu"] as &[&str], &["--memory", little], &["--border", "nearest", "-q"]] {
            assert_eq!(&nifti_voxels(&map(&folder, &input, step, more)), want, "{step} {more:?}");
        }
    }
    // In voxels, of other values and types, made by a step before it, and where stored values fall.
    let labels: Vec<u8> = mask.iter().flat_map(|v| (i16::from(*v) * -300 + 100).to_le_bytes()).collect();
    let mut falling = with_spacing(nifti(&size, 4, &labels));
    falling[112..116].copy_from_slice(&(-1f32).to_le_bytes());
    let falling = folder.file("falling.nii", &falling);
    let values = |path: &str| -> Vec<u8> {
        nifti_voxels(path).as_chunks().0.iter().map(|v| u8::from(i16::from_le_bytes(*v) == -200)).collect()
    };
    assert_eq!(values(&map(&folder, &falling, "dilate:8.4mm:ball", &["-q"])), larger);
    let classes = map(&folder, &falling, "threshold:0,dilate:8.4mm:ball", &["-q"]);
    assert_eq!(nifti_voxels(&classes), larger);
    let flat = |steps: &str| nifti_voxels(&map(&folder, &input, steps, &["-q"]));
    let (filled, core) = (flat("fill"), flat("fill,erode:12:ball"));
    assert!(core.contains(&1) && core.iter().zip(&filled).all(|(core, filled)| core <= filled));
    assert!(core.iter().map(|v| u32::from(*v)).sum::<u32>() < filled.iter().map(|v| u32::from(*v)).sum::<u32>() / 2);
    // What it costs is said before, and what it cannot do.
    let said = ok(&["map", &input, "--steps", "open:8.4mm:ball", "--plan", "--json"]).json();
    assert_eq!((said["passes"].as_array().unwrap().len(), &said["halo_voxels"]), (2, &serde_json::json!([24, 24, 6])), "{said}");
    let image = small_nifti(&folder, "i.nii");
    for (path, step, what) in [
        (&image, "erode:11mm:ball", "within the ball around any voxel"),
        (&input, "erode:60mm:ball", "within the ball around any voxel"),
        (&input, "median:8.4mm:ball", "10 are the most"),
        (
            &folder.file("grey.nii", &nifti(&[60, 45, 6], 2, &(0..16_200).map(|i| (i % 3) as u8).collect::<Vec<_>>())),
            "open:12:ball",
            "more than two values",
        ),
    ] {
        let ran = run(&["map", path, "--steps", step, "-o", &folder.at("o.nii")]);
        assert!(ran.code == Some(2) && ran.stderr.contains(what), "{step}: {}", ran.stderr);
    }
}

#[test]
fn what_a_step_cannot_do_is_said_and_nothing_is_written() {
    let folder = Folder::new();
    let input = small_nifti(&folder, "i.nii");
    for (step, what) in [
        ("open:0", "changes nothing"),
        ("tophat:-1", "no number of voxels"),
        ("gradient:4", "along z, where there are 4"),
        ("erode:0mm", "above 0 mm"),
        ("close:11", "10"),
        ("dilate", "one reach"),
    ] {
        let out = folder.at("o.nii");
        let ran = run(&["map", &input, "--steps", step, "-o", &out]);
        assert_eq!(ran.code, Some(2), "{}: {}", ran.line, ran.stderr);
        assert!(ran.stderr.contains(what), "{step}: {}", ran.stderr);
        assert!(!std::path::Path::new(&out).exists(), "{step}");
    }
}

#[test]
fn a_plan_says_what_would_be_done_and_writes_nothing() {
    let folder = Folder::new();
    let input = small_nifti(&folder, "i.nii");
    let steps = "clip:20:180,median:1,open:1x1x0,otsu";
    let said = ok(&["map", &input, "--steps", steps, "--plan", "--json"]).json();
    let computes = |pass: usize| said["passes"][pass]["computes"].as_array().unwrap().len();
    assert_eq!((computes(0), computes(1), computes(2)), (0, 3, 4), "{said}");
    assert_eq!(said["halo_voxels"], serde_json::json!([3, 3, 1]));
    assert_eq!((&said["passes"][2]["writes"], &said["passes"][2]["written_bytes"]), (&Value::from(true), &Value::from(192)));
    assert!(said["device"].as_str().is_some_and(|device| device.starts_with("CPU (predicted")), "{said}");
    let text = ok(&["map", &input, "--steps", steps, "--plan", "-o", &folder.at("o.nii")]).text();
    assert!(text.contains("pass 3: write clip:20:180, median:1, open:1x1x0, otsu"), "{text}");
    // Point-wise steps alone.
    let text = ok(&["map", &input, "--steps", "zscore", "--plan"]).text();
    assert!(text.contains("pass 1: count the voxels as they are") && text.contains("one pass over a file"), "{text}");
    assert!(!folder.names().iter().any(|name| name == "o.nii"));
    assert_eq!(run(&["map", &input, "--steps", "zscore"]).code, Some(2));
}
