//! `regions`: IBSI's digital phantom from files, tables, names, grids that differ.

use crate::support::{Folder, nifti, ok, run};

/// Rows of x, four a slice; voxels outside of the region have a star (IBSI reference manual, digital phantom).
const PHANTOM: [&str; 4] = [
    "1 4 4 1 1 | 1 4 6 1 1 | 4 1 6 4 1 | 4 4 6 4 1",
    "1 4 4 1 1 | 1 1 6 1 1 | 1* 1 3 1 1 | 4 4 6 1 1",
    "1 4 4 1* 1* | 1 1 1 1 1 | 1 1 9* 1 1 | 1 1 6 1 1",
    "1 4 4 1* 1* | 1 1 1 1 1 | 1 1 1 1 1 | 1 1 6 1 1",
];

/// Image and mask, of voxels of 2 mm.
fn phantom(folder: &Folder) -> [String; 2] {
    let words: Vec<&str> = PHANTOM.iter().flat_map(|slice| slice.split_whitespace()).filter(|word| *word != "|").collect();
    let values: Vec<u8> =
        words.iter().flat_map(|word| word.trim_end_matches('*').parse::<i16>().unwrap().to_le_bytes()).collect();
    let mask: Vec<u8> = words.iter().map(|word| u8::from(!word.ends_with('*'))).collect();
    let with_spacing = |mut file: Vec<u8>| {
        (0..3).for_each(|axis| file[80 + 4 * axis..][..4].copy_from_slice(&2f32.to_le_bytes()));
        file
    };
    [
        folder.file("image.nii", &with_spacing(nifti(&[5, 4, 4], 4, &values))),
        folder.file("mask_dseg.nii", &with_spacing(nifti(&[5, 4, 4], 2, &mask))),
    ]
}

#[test]
fn the_digital_phantom_gives_ibsi_s_values() {
    let folder = Folder::new();
    let [image, mask] = phantom(&folder);
    let said = ok(&["regions", &mask, "--image", &image, "--json"]).json();
    let row = &said["rows"][0];
    assert_eq!((said["rows"].as_array().unwrap().len(), &row["label"], &row["voxels"]), (1, &1.into(), &74.into()));
    // IBSI's benchmark values, each with its tolerance.
    for (key, want, tolerance) in [
        ("volume_mesh_mm3", 556.0, 4.0),
        ("volume_mm3", 592.0, 4.0),
        ("surface_mm2", 388.0, 3.0),
        ("surface_to_volume_per_mm", 0.698, 0.004),
        ("compactness_1", 0.0411, 0.0003),
        ("compactness_2", 0.599, 0.004),
        ("spherical_disproportion", 1.19, 0.01),
        ("sphericity", 0.843, 0.005),
        ("asphericity", 0.186, 0.001),
        ("centre_shift_mm", 0.672, 0.004),
        ("max_diameter_mm", 13.1, 0.1),
        ("major_axis_mm", 11.4, 0.1),
        ("minor_axis_mm", 9.31, 0.06),
        ("least_axis_mm", 8.54, 0.05),
        ("elongation", 0.816, 0.005),
        ("flatness", 0.749, 0.005),
        ("integrated_intensity", 1195.0, 10.0),
        ("mean", 2.15, 0.005),
        ("variance", 3.05, 0.005),
        ("skewness", 1.08, 0.005),
        ("kurtosis", -0.355, 0.0005),
        ("median", 1.0, 0.0),
        ("p10", 1.0, 0.0),
        ("p90", 4.0, 0.0),
        ("max", 6.0, 0.0),
        ("iqr", 3.0, 0.0),
        ("range", 5.0, 0.0),
        ("mad", 1.55, 0.005),
        ("robust_mad", 1.11, 0.005),
        ("median_ad", 1.15, 0.005),
        ("cov", 0.812, 0.0005),
        ("qcod", 0.6, 1e-12),
        ("energy", 567.0, 0.0),
        ("rms", 2.77, 0.005),
        ("entropy", 1.27, 0.005),
        ("uniformity", 0.512, 0.0005),
        ("mode", 1.0, 0.0),
    ] {
        let got = row[key].as_f64().unwrap_or_else(|| panic!("{key}: {row}"));
        assert!((got - want).abs() <= tolerance, "{key}: {got} instead of {want}");
    }
}

#[test]
fn tables_have_names_and_a_line_for_each_label() {
    let folder = Folder::new();
    let [image, mask] = phantom(&folder);
    folder.file("mask_dseg.tsv", b"index\tname\n1\tthe region, whole\n");
    let csv = folder.at("t.csv");
    let text = ok(&["regions", &mask, "--image", &image, "-o", &csv]).text();
    assert!(text.contains("the region, whole") && text.contains("t.csv"), "{text}");
    let table = std::fs::read_to_string(&csv).unwrap();
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines.len() == 2 && lines[0].starts_with("label,name,voxels,volume_ml"), "{table}");
    assert!(lines[1].starts_with("1,\"the region, whole\",74,0.592"), "{table}");
    let tsv = folder.at("t.tsv");
    ok(&["regions", &mask, "-o", &tsv]);
    assert!(std::fs::read_to_string(&tsv).unwrap().starts_with("label\tname\tvoxels"));
    let json = folder.at("t.json");
    ok(&["regions", &mask, "-o", &json, "--quiet"]);
    assert!(std::fs::read_to_string(&json).unwrap().contains("\"sphericity\""));
    let names = folder.file("names.txt", b"1 Left-Part 0 0 0 0\n");
    assert!(ok(&["regions", &mask, "--names", &names]).text().contains("Left-Part"));
    // Nothing there is no error.
    let empty = folder.file("empty.nii", &nifti(&[3, 3, 3], 2, &[0; 27]));
    assert!(ok(&["regions", &empty]).text().contains("no voxel"));
    assert_eq!(ok(&["regions", &empty, "--json"]).json()["regions"], 0);
}

#[test]
fn what_cannot_be_measured_says_why() {
    let folder = Folder::new();
    let [image, mask] = phantom(&folder);
    let other = folder.file("other.nii", &nifti(&[5, 4, 3], 4, &[0; 120]));
    let half = folder.file("half.nii", &nifti(&[2, 1, 1], 16, &[0.5f32.to_le_bytes(), 1f32.to_le_bytes()].concat()));
    let negative = folder.file("negative.nii", &nifti(&[2, 1, 1], 4, &[0xff, 0xff, 1, 0]));
    let table = folder.at("t.xlsx");
    for (line, what) in [
        (vec!["regions", &mask, "--image", &other], "5 x 4 x 3"),
        (vec!["regions", &half], "whole number"),
        (vec!["regions", &negative], "below 0"),
        (vec!["regions", &mask, "-o", &table], "end the name in .csv, .tsv or .json"),
        (vec!["regions", &mask, "--names", &image], "names of labels"),
    ] {
        let ran = run(&line);
        assert!(ran.code == Some(2) && ran.stderr.contains(what), "{}: {}", ran.line, ran.stderr);
    }
}

#[test]
fn a_cohort_is_measured_into_one_table() {
    let folder = Folder::new();
    let [image, mask] = phantom(&folder);
    let cohort = folder.at("cohort");
    std::fs::create_dir(&cohort).unwrap();
    let copy = |from: &str, name: &str| std::fs::copy(from, format!("{cohort}/{name}")).unwrap();
    copy(&mask, "sub-01_dseg.nii");
    copy(&image, "sub-01_T1w.nii");
    copy(&mask, "sub-02_ses-1_dseg.nii");
    copy(&image, "sub-02_ses-1_T1w.nii");
    let table = folder.at("t.csv");
    let said = ok(&["regions", &cohort, "--folder", "--image", &cohort, "-o", &table, "--json"]).json();
    let rows = said["rows"].as_array().unwrap();
    let subjects: Vec<&str> = rows.iter().map(|row| row["subject"].as_str().unwrap()).collect();
    assert_eq!((subjects, &rows[1]["file"]), (vec!["sub-01", "sub-02"], &"sub-02_ses-1_dseg.nii".into()));
    // The same row as by itself.
    let alone = ok(&["regions", &mask, "--image", &image, "--json"]).json();
    for key in ["voxels", "mean", "volume_mesh_mm3", "centre_shift_mm"] {
        assert_eq!(rows[1][key], alone["rows"][0][key], "{key}");
    }
    assert!(std::fs::read_to_string(&table).unwrap().starts_with("subject,file,label,voxels,volume_ml"));

    // What cannot be measured is named, and the rest is there.
    copy(&mask, "sub-03_dseg.nii");
    let ran = run(&["regions", &cohort, "--folder", "--image", &cohort, "-o", &folder.at("u.csv")]);
    assert!(ran.code == Some(3) && ran.stderr.contains("no image for sub-03_dseg.nii"), "{}", ran.stderr);
    assert_eq!(std::fs::read_to_string(folder.at("u.csv")).unwrap().lines().count(), 3);
    let empty = folder.at("empty");
    std::fs::create_dir(&empty).unwrap();
    for wrong in [&empty, &mask] {
        assert_eq!(run(&["regions", wrong, "--folder"]).code, Some(2));
    }
}

#[test]
fn outlines_lie_where_a_label_is_largest() {
    let folder = Folder::new();
    let voxel = |i: usize| match (i / 64, i % 8, i / 8 % 8) {
        (1, 2..6, 2..6) | (2, 3, 3) => 1,
        (3, 1..3, 1..3) => 2,
        _ => 0u8,
    };
    let labels: Vec<u8> = (0..8 * 8 * 4).map(voxel).collect();
    let labels = folder.file("l.nii", &nifti(&[8, 8, 4], 2, &labels));
    let image = folder.file("i.nii", &nifti(&[8, 8, 4], 2, &(0..=255).collect::<Vec<u8>>()));
    let (svg, alone) = (folder.at("f.svg"), folder.at("g.svg"));
    ok(&["regions", &labels, "--image", &image, "--figure", &svg]);
    let drawn = std::fs::read_to_string(&svg).unwrap();
    assert!(drawn.contains("index 1") && drawn.contains("index 3") && !drawn.contains("index 2"), "{drawn}");
    ok(&["regions", &labels, "--figure", &alone]);
    assert!(std::fs::read_to_string(&alone).unwrap().contains("index 3"));
}
