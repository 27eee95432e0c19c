//! Components as files: maps worked by hand, in every mode, and what is refused.

use serde_json::json;

use crate::support::{Folder, nifti, nifti_voxels, noise, ok, program, run};

/// A volume of bytes with this spacing.
fn volume(folder: &Folder, name: &str, shape: &[i16], spacing: [f32; 3], voxels: &[u8]) -> String {
    let mut file = nifti(shape, 2, voxels);
    spacing.iter().enumerate().for_each(|(i, mm)| file[80 + 4 * i..84 + 4 * i].copy_from_slice(&mm.to_le_bytes()));
    folder.file(name, &file)
}

/// Runs `label` with these arguments: what it says, and the voxels.
fn label(folder: &Folder, path: &str, more: &[&str]) -> (serde_json::Value, Vec<u8>) {
    let out = folder.at("out.nii");
    let said = ok(&[&["label", path, "-o", &out, "--force", "--json"], more].concat()).json();
    (said, nifti_voxels(&out))
}

fn column(said: &serde_json::Value, key: &str) -> Vec<f64> {
    said["rows"].as_array().unwrap().iter().map(|row| row[key].as_f64().unwrap_or(f64::NAN)).collect()
}

/// Two rows of values, 0 between some of them; in the second 3 and 5 touch.
const PICTURE: [u8; 12] = [
    7, 7, 0, 0, 3, 0, //
    0, 0, 3, 0, 5, 5,
];

#[test]
fn components_by_hand_in_every_mode() {
    let folder = Folder::new();
    let path = volume(&folder, "m.nii", &[6, 2], [0.5, 2.0, 1.0], &PICTURE);
    let (said, voxels) = label(&folder, &path, &[]);
    assert_eq!(voxels, [1, 1, 0, 0, 2, 0, 0, 0, 1, 0, 2, 2]);
    assert_eq!((&said["dtype"], &said["components"], &said["connectivity"]), (&json!("uint8"), &json!(2), &json!(8)));
    assert_eq!((column(&said, "voxels"), column(&said, "area_mm2")), (vec![3.0, 3.0], vec![3.0, 3.0]));
    assert_eq!((column(&said, "x_min"), column(&said, "x_max")), (vec![0.0, 4.0], vec![2.0, 5.0]));
    let (said, voxels) = label(&folder, &path, &["--connectivity", "4"]);
    assert_eq!(voxels, [1, 1, 0, 0, 2, 0, 0, 0, 3, 0, 2, 2]);
    assert_eq!(said["components"], 3);
    let (said, voxels) = label(&folder, &path, &["--per-label"]);
    assert_eq!(voxels, [1, 1, 0, 0, 2, 0, 0, 0, 3, 0, 4, 4]);
    assert_eq!(column(&said, "value"), [7.0, 3.0, 3.0, 5.0]);
    let (_, voxels) = label(&folder, &path, &["--per-label", "--order", "size"]);
    assert_eq!(voxels, [1, 1, 0, 0, 3, 0, 0, 0, 4, 0, 2, 2]);
    // The largest of each label.
    let (said, voxels) = label(&folder, &path, &["--per-label", "--keep-largest", "1"]);
    assert_eq!(voxels, [1, 1, 0, 0, 2, 0, 0, 0, 0, 0, 3, 3]);
    assert_eq!((&said["components"], &said["components_found"]), (&json!(3), &json!(4)));
    let (_, voxels) = label(&folder, &path, &["--keep-largest", "1"]);
    assert_eq!(voxels, [1, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0], "of equals the first");
    for size in ["2vox", "2mm2", "1.01mm2"] {
        let (_, voxels) = label(&folder, &path, &["--connectivity", "4", "--min-size", size]);
        assert_eq!(voxels, [1, 1, 0, 0, 2, 0, 0, 0, 0, 0, 2, 2], "{size}");
    }
    let (_, voxels) = label(&folder, &path, &["--where", "3:5"]);
    assert_eq!(voxels, [0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 1, 1]);
    let (_, voxels) = label(&folder, &path, &["--where", "0:0", "--connectivity", "4"]);
    assert_eq!(voxels, [0, 0, 1, 1, 0, 2, 3, 3, 0, 1, 0, 0]);
    let (said, _) = label(&folder, &path, &["--per-label", "--where", "5:7"]);
    assert_eq!(column(&said, "value"), [7.0, 5.0]);
}

#[test]
fn holes_are_filled_when_the_rest_is_gone() {
    let folder = Folder::new();
    // A box with a grain in its hollow, and a ring of one slice beside it.
    let size = [9, 5, 5];
    let place = |i: usize| [i % size[0], i / size[0] % size[1], i / size[0] / size[1]];
    let value = |i: usize| {
        let [x, y, z] = place(i);
        let boxed = x < 5 && ![(1..4).contains(&x), (1..4).contains(&y), (1..4).contains(&z)].iter().all(|inside| *inside);
        let ring = z == 2 && (6..9).contains(&x) && (1..4).contains(&y) && (x, y) != (7, 2);
        u8::from(boxed || ring || [x, y, z] == [2, 2, 2])
    };
    let voxels: Vec<u8> = (0..size.iter().product()).map(value).collect();
    let path = volume(&folder, "m.nii", &size.map(|n| n as i16), [1.0, 1.0, 3.0], &voxels);
    let (said, plain) = label(&folder, &path, &[]);
    assert_eq!(column(&said, "voxels"), [98.0, 8.0, 1.0]);
    let (said, filled) = label(&folder, &path, &["--min-size", "2vox", "--fill-holes"]);
    assert_eq!((column(&said, "voxels"), column(&said, "volume_ml")), (vec![125.0, 8.0], vec![0.375, 0.024]));
    assert_eq!((&said["holes_filled"], &said["hole_voxels"]), (&json!(1), &json!(27)));
    assert_eq!((column(&said, "centroid_x"), column(&said, "centroid_z_mm")), (vec![2.0, 7.0], vec![6.0, 6.0]));
    let want = (0..plain.len()).map(|i| if place(i)[0] < 5 { 1 } else { 2 * u8::from(plain[i] == 2) });
    assert_eq!(filled, want.collect::<Vec<_>>());
    // With the grain there it stays.
    let (said, grain) = label(&folder, &path, &["--fill-holes=3d"]);
    assert_eq!((grain[(2 * 5 + 2) * 9 + 2], column(&said, "voxels")), (3, vec![124.0, 8.0, 1.0]));
    let (said, flat) = label(&folder, &path, &["--fill-holes=2d", "--keep-largest", "2"]);
    assert_eq!((flat[(2 * 5 + 2) * 9 + 7], column(&said, "voxels")), (2, vec![125.0, 9.0]));
}

#[test]
fn an_empty_map_has_no_components() {
    let folder = Folder::new();
    let path = volume(&folder, "m.nii", &[3, 3, 3], [1.0; 3], &[0; 27]);
    let (table, figure) = (folder.at("t.csv"), folder.at("f.png"));
    for more in [&[][..], &["--per-label", "--fill-holes", "--order", "size"], &["--where", "1:2", "--min-size", "1mL"]] {
        let (said, voxels) = label(&folder, &path, &[more, &["--table", &table, "--figure", &figure]].concat());
        assert_eq!((voxels, &said["components"], &said["rows"]), (vec![0; 27], &json!(0), &json!([])));
        assert!(std::fs::read_to_string(&table).unwrap().starts_with("label,"));
    }
    let text = ok(&["label", &path, "-o", &folder.at("o.nii")]).text();
    assert!(text.contains("uint8") && text.contains("0 components"), "{text}");
}

#[test]
fn tables_are_the_same_in_every_form() {
    let folder = Folder::new();
    let path = volume(&folder, "m.nii", &[6, 1, 2], [0.5, 2.0, 3.0], &PICTURE);
    let at = |name: &str| folder.at(name);
    let (said, _) = label(&folder, &path, &["--table", &at("t.csv")]);
    label(&folder, &path, &["--table", &at("t.tsv")]);
    label(&folder, &path, &["--table", &at("t.json")]);
    let text = |name: &str| std::fs::read_to_string(at(name)).unwrap();
    assert_eq!(text("t.csv"), text("t.tsv").replace('\t', ","));
    let json: serde_json::Value = serde_json::from_str(&text("t.json")).unwrap();
    assert_eq!(json["rows"], said["rows"]);
    let csv = text("t.csv");
    let mut lines = csv.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let keys = lines.next().unwrap();
    for (line, row) in lines.zip(said["rows"].as_array().unwrap()) {
        assert_eq!(keys.len(), row.as_object().unwrap().len());
        for (key, field) in keys.iter().zip(line) {
            assert_eq!(field.parse::<f64>().unwrap(), row[key].as_f64().unwrap(), "{key}");
        }
    }
}

#[test]
fn each_volume_is_numbered_by_itself() {
    let folder = Folder::new();
    let path = volume(&folder, "m.nii", &[3, 1, 2, 2], [1.0; 3], &[1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 1]);
    let (said, voxels) = label(&folder, &path, &[]);
    assert_eq!(voxels, [1, 0, 2, 0, 0, 0, 0, 0, 1, 0, 0, 1]);
    assert_eq!((column(&said, "time"), column(&said, "label")), (vec![0.0, 0.0, 1.0], vec![1.0, 2.0, 1.0]));
}

/// A mask of several MiB through a few MiB of memory.
#[test]
fn what_does_not_fit_the_memory_gives_the_same_bytes() {
    let folder = Folder::new();
    let noise = noise(3 << 20);
    // Shells around many middles, of two labels, with gaps.
    let value = |i: usize| {
        let place = [i % 64, i / 64 % 64, i / 4096];
        let far = place.iter().map(|n| (n % 13).abs_diff(6)).max().unwrap_or(0);
        let cell = place.iter().fold(far, |all, n| all * 61 + n / 13);
        if noise[i] < 2 { 0 } else { noise[cell % (1 << 20)] % 3 }
    };
    let voxels: Vec<u8> = (0..noise.len()).map(value).collect();
    let path = volume(&folder, "m.nii", &[64, 64, 768], [1.0; 3], &voxels);
    let at = |name: &str| folder.at(name);
    for more in [
        &[][..],
        &["--per-label", "--connectivity", "6", "--keep-largest", "900", "--fill-holes"],
        &["--connectivity", "18", "--fill-holes", "--min-size", "3vox"],
        &["--fill-holes=2d", "--order", "size", "--min-size", "2vox"],
    ] {
        for ending in ["nii", "nii.gz"] {
            let (whole, part, table, other) = (at(&format!("w.{ending}")), at(&format!("p.{ending}")), at("w.csv"), at("p.csv"));
            let line = ["label", &path, "--force", "-o"];
            ok(&[&line[..], &[&whole, "--table", &table], more].concat());
            for memory in [&["--memory", "9"][..], &["--memory", "9", "--threads", "1"]] {
                ok(&[&line[..], &[&part, "--table", &other], more, memory].concat());
                assert!(std::fs::read(&whole).unwrap() == std::fs::read(&part).unwrap(), "{more:?} {ending} {memory:?}");
                assert!(std::fs::read(&table).unwrap() == std::fs::read(&other).unwrap(), "{more:?} {memory:?}");
            }
        }
    }
    let ran = run(&["label", &path, "-o", &at("none.nii"), "--memory", "1"]);
    assert!(ran.code == Some(2) && ran.stderr.contains("--memory"), "{}", ran.stderr);
    assert!(!std::path::Path::new(&at("none.nii")).exists());
}

#[test]
fn what_is_no_label_is_refused_with_its_place() {
    let folder = Folder::new();
    let floats = |name: &str, values: &[f32]| {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        folder.file(name, &nifti(&[values.len() as i16], 16, &bytes))
    };
    let shares = floats("shares.nii", &[0.0, 1.0, 0.25]);
    let nan = floats("nan.nii", &[1.0, f32::NAN, 1.0]);
    let below = folder.file("below.nii", &nifti(&[2], 4, &[1, 0, 0xfe, 0xff]));
    let volume = volume(&folder, "v.nii", &[2, 2, 2], [1.0; 3], &[1; 8]);
    let out = folder.at("o.nii");
    let before = folder.names();
    for (line, words) in [
        (vec![&*shares, "--per-label"], "voxel (2, 0, 0) holds 0.25, which is no label"),
        (vec![&nan, "--per-label"], "voxel (1, 0, 0) holds NaN, which is no label"),
        (vec![&below, "--per-label"], "voxel (1, 0, 0) holds -2, which is no label"),
        (vec![&nan], "say from which to which real value voxels count with --where LO:HI"),
        (vec![&volume, "--connectivity", "8"], "8 neighbours in a volume; give 6, 18 or 26"),
        (vec![&volume, "--min-size", "5mm2"], "an area as the least size in a volume"),
        (vec![&shares, "--min-size", "5mL"], "give mm2 or voxels"),
        (vec![&volume, "--min-size", "5"], "a size with its unit"),
        (vec![&volume, "--where", "3:1"], "3 is above 1"),
        (vec![&volume, "--keep-largest", "0"], "a whole number from 1 on"),
        (vec![&volume, "--table", "t.xlsx"], "end the name in .csv, .tsv or .json"),
    ] {
        let ran = run(&[&["label", "-o", &out][..], &line].concat());
        assert!(ran.code == Some(2) && ran.stderr.contains(words), "{}: {}", ran.line, ran.stderr);
        assert_eq!(folder.names(), before, "{}", ran.line);
    }
    // Not 0 is not 0, and a range has no NaN.
    assert_eq!(label(&folder, &shares, &[]).1, [0, 1, 1]);
    assert_eq!(label(&folder, &below, &[]).1, [1, 1]);
    assert_eq!(label(&folder, &nan, &["--where", "1:1"]).1, [1, 0, 2]);
    // Under one name there is one file.
    let ran = run(&["label", &volume, "-o", &out, "--table", &out]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert_eq!(program().args(["label", "--help"]).status().unwrap().code(), Some(0));
}
