//! Every command on real images and on made-up ones, as a user types it.

use std::io::Read;
use std::process::Stdio;

use serde_json::Value;

use crate::support::{Folder, data, finish, nifti, nifti_voxels, ok, program, run, small_nifti, small_series, with_gpu};

/// Images of every kind that the commands must take.
const REAL: [&str; 6] = [
    "dicom/ct_chest_lungpetctdx_A0002",
    "dicom/mr_brain_pgbm001",
    "dicom/monochrome1_gdcm",
    "radiograph/nih_cxr14_00000011_000.png",
    "radiograph/ct_lung_slice15_hu_plus1024_u16.png",
    "volumes/brainweb_mritc/brainweb_t1.nii.gz",
];

/// Width and height of a PNG file.
fn png_size(path: &str) -> [u32; 2] {
    let bytes = std::fs::read(path).unwrap();
    assert_eq!(&bytes[..8], b"\x89PNG\r\n\x1a\n", "{path}");
    [16, 20].map(|at| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()))
}

fn text(path: &str) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn info_names_what_a_file_says() {
    let Some(chest) = data("dicom/ct_chest_lungpetctdx_A0002") else { return };
    let info = ok(&["info", "--json", &chest]).json();
    assert_eq!(info["format"], "DICOM series");
    assert_eq!(info["files"], 30);
    assert_eq!(info["modality"], "CT");
    assert_eq!(info["shape"], serde_json::json!([512, 512, 30]));
    assert_eq!(info["rescale"], serde_json::json!([{"slope": 1.0, "intercept": -1024.0}]));
    assert_eq!(info["unit"], "HU");
    assert_eq!(info["spacing_mm"][2].as_f64().unwrap().round(), 8.0);
    assert!(info["transfer_syntax"].as_str().unwrap().starts_with("1.2.840.10008.1.2"));
    assert_eq!(info["orientation"], "LPS");
    let text = ok(&["info", &chest]).text();
    for word in ["format", "shape", "512 x 512 x 30", "spacing", "field of view", "orientation", "origin", "modality", "windows"]
    {
        assert!(text.contains(word), "no {word:?} in {text}");
    }
}

#[test]
fn info_has_the_same_keys_for_every_format() {
    let mut keys: Option<Vec<String>> = None;
    for name in REAL {
        let Some(path) = data(name) else { return };
        let info = ok(&["info", "--json", &path]).json();
        let own: Vec<String> = info.as_object().unwrap().keys().cloned().collect();
        assert_eq!(&own, keys.get_or_insert(own.clone()), "{name}");
        assert!(info["shape"].is_array() && info["dtype"].is_string(), "{name}");
    }
}

#[test]
fn slices_in_three_planes_have_the_aspect_of_the_spacing() {
    for name in ["dicom/ct_chest_lungpetctdx_A0002", "dicom/mr_brain_pgbm001", "volumes/brainweb_mritc/brainweb_t1.nii.gz"] {
        let Some(path) = data(name) else { return };
        let folder = Folder::new();
        let info = ok(&["info", "--json", &path]).json();
        let mm: Vec<f64> = info["field_of_view_mm"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
        for (plane, [across, down]) in [("axial", [0, 1]), ("coronal", [0, 2]), ("sagittal", [1, 2])] {
            let out = folder.at(&format!("{plane}.png"));
            let said = ok(&["slice", &path, "-o", &out, "--plane", plane, "--json"]).json();
            assert_eq!(said["plane"], plane);
            let [width, height] = png_size(&out).map(f64::from);
            let (got, want) = (width / height, mm[across] / mm[down]);
            // A caption may stand below the picture.
            assert!(got <= want * 1.05 && got >= want * 0.8, "{name} {plane}: {width} x {height}, in mm {want}");
        }
    }
}

#[test]
fn a_slice_is_found_by_number_and_by_position() {
    let folder = Folder::new();
    let series = small_series(&folder.path().join("series"), 9);
    let at = |args: &[&str]| {
        let out = folder.at("out.png");
        let mut all = vec!["slice", series.as_str(), "-o", &out, "--force", "--json"];
        all.extend(args);
        ok(&all).json()
    };
    // The phantom's slices lie 5 mm apart from 0 on.
    assert_eq!(at(&["--index", "2"])["position_mm"], serde_json::json!([10.0]));
    assert_eq!(at(&["--mm", "31"])["index"], serde_json::json!([6]));
    assert_eq!(at(&[])["index"], serde_json::json!([4]));
    assert_eq!(at(&["--montage", "4"])["index"].as_array().unwrap().len(), 4);
    let ran = run(&["slice", &series, "-o", &folder.at("out.svg"), "--mm", "500"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("outside") && ran.stderr.contains("0 to 40 mm"), "{}", ran.stderr);
}

#[test]
fn every_real_image_goes_through_every_command() {
    for name in REAL {
        let Some(path) = data(name) else { return };
        let folder = Folder::new();
        let at = |n: &str| folder.at(n);
        ok(&["info", &path]);
        assert!(ok(&["stats", &path]).text().contains("median"), "{name}");
        for file in ["h.png", "h.svg", "h.csv", "h.json"] {
            ok(&["histogram", &path, "-o", &at(file)]);
        }
        let [width, height] = png_size(&at("h.png"));
        assert!(width >= 800 && height >= 400, "{name}: {width} x {height}");
        assert!(text(&at("h.svg")).contains("<svg"), "{name}");
        let json: Value = serde_json::from_str(&text(&at("h.json"))).unwrap();
        let cdf = json["cdf"].as_array().unwrap();
        assert_eq!(cdf.last().unwrap().as_f64(), Some(1.0), "{name}");
        assert_eq!(text(&at("h.csv")).lines().count(), cdf.len() + 1, "{name}");
        ok(&["histogram", &path, "-o", &at("bins.csv"), "--bins", "10"]);
        assert_eq!(text(&at("bins.csv")).lines().count(), 11, "{name}");

        ok(&["equalize", &path, "-o", &at("e.nii.gz"), "--figure", &at("e.png"), "--report", &at("e.html")]);
        png_size(&at("e.png"));
        let report = text(&at("e.html"));
        for word in ["<html", "Histogram equalisation", "cdf_min", "<svg"] {
            assert!(report.contains(word), "{name}: no {word:?} in the report");
        }
        for address in ["src=\"http", "href=\"http", "url(http", "@import"] {
            assert!(!report.contains(address), "{name}: the report is not self-contained: {address}");
        }
        ok(&["map", &path, "--steps", "percentile:1:99,minmax", "-o", &at("p.nii"), "--figure", &at("p.svg")]);
        ok(&["window", &path, "--center", "40", "--width", "400", "-o", &at("w.nii.gz"), "--figure", &at("w.png")]);
        let classes = ok(&["threshold", "--json", &path, "--otsu", "3", "-o", &at("t.nii"), "--figure", &at("t.svg")]).json();
        assert_eq!(classes["classes"].as_array().unwrap().len(), 3, "{name}");
        // The classes, as a mask of the image they came from.
        ok(&["mask", &path, &at("t.nii"), "-o", &at("k.nii"), "--label", "2"]);
        let kept = ok(&["stats", "--json", &path, "--mask", &at("t.nii"), "--label", "2"]).json();
        assert_eq!(kept["count"], classes["classes"][2]["voxels"], "{name}");
        ok(&["slice", &path, "-o", &at("s.png")]);
        ok(&["slice", &path, "-o", &at("m.png"), "--montage", "6"]);
        ok(&["convert", &path, "-o", &at("c.nii")]);
    }
}

#[test]
fn an_equalised_volume_keeps_its_grid_and_loses_its_unit() {
    let Some(chest) = data("dicom/ct_chest_lungpetctdx_A0002") else { return };
    let folder = Folder::new();
    let out = folder.at("e.nii.gz");
    let said = ok(&["equalize", &chest, "-o", &out, "--range", "-100:300", "--json"]).json();
    assert_eq!(said["dtype"], "uint16");
    let (before, after) = (ok(&["info", "--json", &chest]).json(), ok(&["info", "--json", &out]).json());
    assert_eq!(before["shape"], after["shape"]);
    assert_eq!((&after["unit"], &after["rescale"]), (&"".into(), &serde_json::json!([{"slope": 1.0, "intercept": 0.0}])));
    for axis in 0..3 {
        for row in 0..3 {
            let [a, b] = [&before, &after].map(|i| i["voxel_to_lps_mm"][row][axis].as_f64().unwrap());
            assert!((a - b).abs() < 1e-4, "{a} {b}");
        }
    }
    let stats = ok(&["stats", "--json", &out]).json();
    assert_eq!((stats["min"].as_f64(), stats["max"].as_f64()), (Some(0.0), Some(65_535.0)));
}

#[test]
fn conversions_lose_no_voxel() {
    for name in ["dicom/ct_chest_lungpetctdx_A0002", "dicom/ct_totalseg_20_j2k", "dicom/mr_brain_pgbm001"] {
        let Some(path) = data(name) else { return };
        let folder = Folder::new();
        let at = |n: &str| folder.at(n);
        ok(&["convert", &path, "-o", &at("a.nii.gz")]);
        ok(&["convert", &at("a.nii.gz"), "-o", &at("b.tif")]);
        ok(&["convert", &at("b.tif"), "-o", &at("c.nii")]);
        ok(&["convert", &path, "-o", &at("d.nii")]);
        assert!(nifti_voxels(&at("c.nii")) == nifti_voxels(&at("d.nii")), "{name}: voxels changed on the way");
        let [first, last] = [&path, &at("a.nii.gz")].map(|p| ok(&["stats", "--json", p]).json());
        for key in ["count", "min", "max", "mean", "median", "std", "entropy"] {
            assert_eq!(first[key], last[key], "{name}: {key}");
        }
    }
}

#[test]
fn several_files_stack_in_the_order_given() {
    let folder = Folder::new();
    for n in [1, 2, 10] {
        let voxels = [n as u8; 12];
        folder.file(&format!("slice{n}.nii"), &crate::support::nifti(&[4, 3], 2, &voxels));
    }
    let (one, two, ten) = (folder.at("slice1.nii"), folder.at("slice2.nii"), folder.at("slice10.nii"));
    let stacked = |inputs: &[&str]| {
        let out = folder.at("out.nii");
        let mut args = vec!["convert", "--force", "-o", &out];
        args.extend(inputs);
        ok(&args);
        nifti_voxels(&out).chunks(12).map(|slice| slice[0]).collect::<Vec<u8>>()
    };
    assert_eq!(stacked(&[&ten, &one, &two]), [10, 1, 2]);
    // A pattern that no shell has seen: natural order.
    assert_eq!(stacked(&[&folder.at("slice*.nii")]), [1, 2, 10]);
}

#[test]
fn real_radiographs_stack() {
    let Some(pattern) = data("radiograph").map(|f| f + "/nih_cxr14_*.png") else { return };
    let info = ok(&["info", "--json", &pattern]).json();
    assert_eq!((&info["shape"], &info["files"]), (&serde_json::json!([1024, 1024, 4]), &4.into()));
}

#[test]
fn colour_becomes_grey_by_either_rule() {
    let Some(path) = data("ultrasound/normal_256px") else { return };
    let first = std::fs::read_dir(path).unwrap().next().unwrap().unwrap().path();
    let first = first.to_str().unwrap();
    let mean = |rule: &str| ok(&["stats", "--json", "--grey", rule, first]).json()["mean"].as_f64().unwrap();
    let (a, b) = (mean("rec601"), mean("rec709"));
    assert!((a - b).abs() < 5.0 && a > 0.0, "{a} {b}");
}

#[test]
fn quiet_is_silent_and_verbose_explains() {
    let folder = Folder::new();
    let image = small_nifti(&folder, "image.nii");
    let series = small_series(&folder.path().join("series"), 4);
    std::fs::remove_file(folder.path().join("series/slice_0002.dcm")).unwrap();
    assert!(ok(&["stats", &image]).stderr.contains("note: "));
    for args in [
        vec!["stats", "--quiet", &image],
        vec!["equalize", "-q", &image, "-o", &folder.at("a.nii")],
        vec!["convert", "--quiet", "-v", &image, "-o", &folder.at("b.nii")],
        vec!["stats", "-q", "--trust-geometry", &series],
    ] {
        let ran = ok(&args);
        assert_eq!(ran.stderr, "", "{}", ran.line);
    }
    let ran = ok(&["stats", "-v", &image]);
    assert!(ran.stderr.contains("device: CPU (auto"), "{}", ran.stderr);
    let ran = ok(&["convert", &image, "-o", &folder.at("c.nii")]);
    assert!(ran.stdout.is_empty(), "{}", ran.text());
}

#[test]
fn one_thread_gives_the_same_files() {
    let Some(path) = data("dicom/ct_chest_lungpetctdx_A0002") else { return };
    let folder = Folder::new();
    let files = |threads: &str| {
        let at = |n: &str| folder.at(&format!("{threads}{n}"));
        let stats = ok(&["stats", "--json", "--threads", threads, &path]).stdout;
        ok(&[
            "equalize",
            "--threads",
            threads,
            &path,
            "-o",
            &at("e.nii.gz"),
            "--figure",
            &at("e.svg"),
            "--report",
            &at("e.html"),
        ]);
        ok(&["convert", "--threads", threads, &path, "-o", &at("c.nii.gz")]);
        ok(&["histogram", "--threads", threads, &path, "-o", &at("h.csv")]);
        let files = ["e.nii.gz", "e.svg", "e.html", "c.nii.gz", "h.csv"].map(|n| std::fs::read(at(n)).unwrap());
        (stats, files)
    };
    let (one, many) = (files("1"), files("5"));
    assert!(one.0 == many.0, "statistics differ");
    for (i, (a, b)) in one.1.iter().zip(&many.1).enumerate() {
        assert!(a == b, "file {i} differs");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let folder = Folder::new();
    let image = small_nifti(&folder, "image.nii");
    for args in [vec!["info", &image], vec!["stats", "--json", &image], vec!["devices"], vec!["completions", "bash"]] {
        let mut child = program().args(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{args:?}: {stderr}");
        assert!(!stderr.contains("hounsfield: cannot") && !stderr.contains("internal"), "{args:?}: {stderr}");
    }
}

#[test]
fn completions_and_man_pages_come_for_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = ok(&["completions", shell]).text();
        for command in ["equalize", "histogram", "devices", "--trust-geometry"] {
            assert!(script.contains(command.trim_start_matches("--")), "{shell}: no {command}");
        }
    }
    // What bash itself makes of the script.
    let folder = Folder::new();
    let script = folder.file("complete.bash", &ok(&["completions", "bash"]).stdout);
    let bash = "source \"$0\" && COMP_WORDS=(hounsfield eq) COMP_CWORD=1 && _hounsfield hounsfield eq hounsfield && echo \"${COMPREPLY[@]}\"";
    let ran = finish(std::process::Command::new("bash").args(["-c", bash, &script]));
    assert_eq!(ran.text().trim(), "equalize", "{}", ran.stderr);

    let man = folder.at("man");
    ok(&["man", &man]);
    let pages = std::fs::read_dir(&man).unwrap().count();
    assert!(pages >= 11, "{pages} pages");
    assert!(text(&format!("{man}/hounsfield-equalize.1")).contains(".TH"));
}

#[test]
fn help_says_the_exit_codes_and_that_it_is_no_medical_device() {
    let help = ok(&["--help"]).text();
    assert!(help.contains("Exit codes") && help.contains("Not a medical device"), "{help}");
    assert!(ok(&["--version"]).text().starts_with("hounsfield "));
}

#[test]
fn the_demo_goes_the_whole_way() {
    let folder = Folder::new();
    let place = folder.at("demo folder");
    let said = ok(&["demo", &place, "--slices", "4"]).text();
    for step in [
        "hounsfield info",
        "hounsfield stats",
        "hounsfield slice",
        "hounsfield histogram",
        "hounsfield equalize",
        "hounsfield group",
        "report.html",
    ] {
        assert!(said.contains(step), "no {step:?} in {said}");
    }
    for file in [
        "slices.png",
        "histogram.png",
        "equalized.nii.gz",
        "equalized.png",
        "report.html",
        "cohort.csv",
        "groups.png",
        "dicom/slice_0004.dcm",
    ] {
        assert!(folder.path().join("demo folder").join(file).is_file(), "no {file}");
    }
    // A second time nothing is replaced unasked.
    let again = run(&["demo", &place, "--slices", "4"]);
    assert_eq!(again.code, Some(4), "{}", again.stderr);
    ok(&["demo", &place, "--slices", "3", "--force", "--seed", "2"]);
    assert!(!folder.path().join("demo folder/dicom/slice_0004.dcm").exists(), "slices of the first demo remain");
}

#[test]
fn devices_lists_adapters_that_passed_their_self_check() {
    if !crate::support::with_gpu() {
        return;
    }
    let said = ok(&["devices", "--json"]).json();
    let adapters = said["adapters"].as_array().unwrap();
    assert!(!adapters.is_empty(), "{said}");
    let text = ok(&["devices"]).text();
    assert!(text.contains("self-check passed") && !text.contains("FAILED"), "{text}");
}

/// Every operation on every device, with one result each; work that looks at neighbours with what `--device auto` expects of it.
#[test]
fn a_bench_measures_every_operation_and_finds_one_result() {
    let folder = Folder::new();
    let voxels: Vec<u8> = (0..50 * 44 * 12).flat_map(|i| ((i * i % 4001) as i16 - 1000).to_le_bytes()).collect();
    let input = folder.file("i.nii", &nifti(&[50, 44, 12], 4, &voxels));
    let said = ok(&["bench", &input, "--repeats", "1", "--json", "--threads", "2"]).json();
    let rows = said["rows"].as_array().unwrap();
    let devices = 2 + usize::from(with_gpu());
    for operation in [
        "histogram",
        "remap",
        "median 3^3",
        "median 7^3",
        "erode 7^3",
        "tophat r 3",
        "gaussian 2",
        "mean 5^3",
        "ball r 20",
        "distance",
        "resample",
        "max along z",
        "clahe",
    ] {
        let own: Vec<_> = rows.iter().filter(|row| row["operation"] == operation).collect();
        assert!(own.len() >= devices, "{operation}: {own:?}");
        assert!(own.iter().all(|row| row["agrees"] == true && row["crc32"] == own[0]["crc32"]), "{operation}: {own:?}");
        let costs = ["median 3^3", "erode 7^3", "gaussian 2", "ball r 20", "distance", "resample"].contains(&operation);
        assert!(
            own.iter().all(|row| row["predicted_s"].is_number() == costs && row["measured_s"].is_number() == costs) || !costs
        );
    }
    let text = ok(&["bench", &input, "--repeats", "1", "--device", "cpu"]).text();
    assert!(text.contains("predicted ms") && text.contains("median 7^3"), "{text}");
}

#[test]
fn compressed_output_is_the_same_bytes_on_every_device() {
    let folder = Folder::new();
    // Several segments of a mebibyte, cut otherwise than slices, blocks and units.
    let series = folder.at("series");
    let phantom = hounsfield::phantom::Phantom { size: [250, 230, 40], ..Default::default() };
    phantom.write_series(series.as_ref(), &|_| true).expect("a series");
    let equalized = |name: &str, options: &[&str]| {
        let out = folder.at(name);
        let mut args = vec!["equalize", &series, "-o", &out];
        args.extend(options);
        ok(&args);
        std::fs::read(&out).expect("an output")
    };
    let one = equalized("one.nii.gz", &["--threads", "1"]);
    assert!(one == equalized("all.nii.gz", &[]), "threads");
    assert!(one == equalized("little.nii.gz", &["--memory", "1"]), "memory");
    if with_gpu() {
        assert!(one == equalized("gpu.nii.gz", &["--device", "gpu"]), "device");
    }
}

/// A volume of true floats as NIfTI.
fn float_nifti(folder: &Folder, name: &str) -> String {
    let voxels: Vec<u8> = (0..64 * 48 * 20).flat_map(|i| ((i * 7919 % 10_007) as f32 * 0.013 - 20.0).to_le_bytes()).collect();
    folder.file(name, &crate::support::nifti(&[64, 48, 20], 16, &voxels))
}

#[test]
fn progress_reaches_all_of_its_bytes_and_no_more() {
    let folder = Folder::new();
    let (floats, mask) = (float_nifti(&folder, "f.nii"), folder.at("m.nii"));
    ok(&["threshold", &floats, "--at", "10", "-o", &mask]);
    for (i, words) in [
        vec!["stats"],
        vec!["equalize", "-o", "OUT"],
        vec!["equalize", "-o", "OUT", "--report", "HTML", "--figure", "PNG"],
        vec!["threshold", "-o", "OUT", "--otsu", "3", "--figure", "PNG"],
        vec!["map", "--steps", "zscore", "-o", "OUT"],
        vec!["map", "--steps", "median:1", "-o", "OUT", "--figure", "PNG"],
        vec!["mask", "MASK", "-o", "OUT", "--figure", "PNG"],
        vec!["segment", "-k", "2", "-o", "OUT", "--posteriors", "P", "--figure", "PNG"],
        vec!["distance", "--signed", "-o", "OUT", "--figure", "PNG"],
        vec!["distance", "--memory", "1", "-o", "OUT"],
        vec!["slice", "-o", "PNG"],
        vec!["histogram", "-o", "PNG"],
        vec!["convert", "-o", "OUT"],
    ]
    .into_iter()
    .enumerate()
    {
        let at = |name: &str| folder.at(&format!("{i}{name}"));
        let mut line: Vec<String> = words
            .iter()
            .map(|word| match *word {
                "OUT" => at("o.nii"),
                "PNG" => at("f.png"),
                "HTML" => at("r.html"),
                "P" => at("p"),
                "MASK" => mask.clone(),
                other => other.to_owned(),
            })
            .collect();
        line.insert(1, if words[0] == "distance" { mask.clone() } else { floats.clone() });
        line.push("--events".into());
        let ran = ok(&line.iter().map(String::as_str).collect::<Vec<_>>());
        let mut ended = 0;
        for event in ran.stderr.lines().filter_map(|l| serde_json::from_str::<Value>(l).ok()) {
            let (done, total) = (event["done"].as_u64().unwrap_or(0), event["total"].as_u64().unwrap_or(0));
            assert!(done <= total, "{}: {event}", ran.line);
            if event["event"] == "end" && total > 0 {
                // Parts of passes are rounded down.
                assert!(total - done <= total / 100, "{}: {event}", ran.line);
                ended += 1;
            }
        }
        assert!(ended > 0, "{}: {}", ran.line, ran.stderr);
    }
}

#[test]
fn equalise_is_one_method_under_two_names() {
    let folder = Folder::new();
    let floats = float_nifti(&folder, "f.nii");
    let ints = small_nifti(&folder, "i.nii");
    for (input, to) in [(&floats, "u16"), (&floats, "u8"), (&ints, "u8")] {
        let depth = if to == "u8" { "8" } else { "16" };
        let [a, b] = ["a.nii", "b.nii"].map(|name| folder.at(name));
        ok(&["equalize", input, "-o", &a, "--depth", depth, "--force"]);
        ok(&["map", input, "--steps", "equalize", "--to", to, "-o", &b, "--force"]);
        assert!(nifti_voxels(&a) == nifti_voxels(&b), "{input} to {to}");
    }
}
