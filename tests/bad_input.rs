//! Mistakes and misfortunes: one line that says what is wrong, where and what to do; the right exit code; nothing half-written.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::{Folder, Ran, finish, nifti, ok, program, run, small_nifti, small_series};

const USAGE: i32 = 2;
const INPUT: i32 = 3;
const OUTPUT: i32 = 4;
const DEVICE: i32 = 5;

/// The one line of a failed run, after checks that hold for every failure.
#[track_caller]
fn failure(ran: &Ran, code: i32) -> String {
    assert_eq!(ran.code, Some(code), "{}: {}", ran.line, ran.stderr);
    assert!(ran.stdout.is_empty(), "{}: {}", ran.line, ran.text());
    let lines: Vec<&str> = ran.stderr.lines().filter(|l| !l.starts_with("hounsfield: note: ")).collect();
    assert_eq!(lines.len(), 1, "{}: {}", ran.line, ran.stderr);
    let line = lines[0];
    assert!(line.starts_with("hounsfield: "), "{line}");
    for word in ["panicked", "internal error"] {
        assert!(!line.contains(word), "{line}");
    }
    line.to_owned()
}

/// Fails with a line that has all of `words`.
#[track_caller]
fn fails(args: &[&str], code: i32, words: &[&str]) {
    let line = failure(&run(args), code);
    for word in words {
        assert!(line.contains(word), "no {word:?} in: {line}");
    }
}

#[test]
fn a_missing_file_is_an_input_error() {
    let folder = Folder::new();
    let path = folder.at("nothing.nii");
    for command in ["info", "stats"] {
        fails(&[command, &path], INPUT, &["cannot read", &path]);
    }
    for command in ["histogram", "equalize", "window", "threshold", "slice", "convert"] {
        fails(&[command, &path, "-o", &folder.at("out.png")], INPUT, &["cannot read", &path]);
    }
    assert!(folder.names().is_empty());
}

#[test]
fn a_pattern_without_files_is_a_usage_error() {
    let folder = Folder::new();
    fails(&["info", &folder.at("*.dcm")], USAGE, &["no file matches", "*.dcm"]);
}

#[test]
fn a_folder_without_images_says_so() {
    let folder = Folder::new();
    folder.file("notes.txt", b"nothing to see here, although it is long enough to be read as something");
    let path = folder.path().to_str().unwrap();
    fails(&["stats", path], INPUT, &["no ", path]);
    let empty = Folder::new();
    let path = empty.path().to_str().unwrap();
    fails(&["stats", path], INPUT, &["no ", path]);
}

#[test]
fn text_renamed_to_an_image_is_refused() {
    let folder = Folder::new();
    let text = b"Dear colleague, thank you for referring this patient. ".repeat(20);
    for name in ["letter.dcm", "letter.nii", "letter.nii.gz", "letter.png", "letter.tif", "letter.jpg", "letter"] {
        let path = folder.file(name, &text);
        let line = failure(&run(&["info", &path]), INPUT);
        assert!(line.contains(&path) && line.contains(';') && !line.contains("colleague"), "{line}");
    }
    let path = folder.file("empty.nii", b"");
    fails(&["info", &path], INPUT, &["empty", &path]);
}

#[test]
fn a_truncated_volume_is_refused_before_anything_is_written() {
    let folder = Folder::new();
    let whole = nifti(&[20, 20, 20], 4, &[7; 16_000]);
    let path = folder.file("short.nii", &whole[..9000]);
    for args in [vec!["stats", &path], vec!["convert", &path, "-o", &folder.at("out.nii.gz")]] {
        fails(&args, INPUT, &[&path, ";"]);
    }
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, &nifti(&[64, 64, 64], 2, &crate::support::noise(64 * 64 * 64))).unwrap();
    let packed = packed.finish().unwrap();
    let path = folder.file("short.nii.gz", &packed[..packed.len() / 2]);
    for command in ["convert", "equalize"] {
        fails(&[command, &path, "-o", &folder.at("out.nii")], INPUT, &[&path, ";"]);
    }
    assert_eq!(folder.names(), ["short.nii", "short.nii.gz"]);
}

#[test]
fn a_header_that_claims_a_petabyte_is_not_believed() {
    let folder = Folder::new();
    let path = folder.file("huge.nii", &nifti(&[32_000, 32_000, 32_000, 32], 4, &[0; 64]));
    let began = Instant::now();
    for command in ["info", "stats"] {
        fails(&[command, &path], INPUT, &[&path, ";"]);
    }
    fails(&["convert", &path, "-o", &folder.at("out.nii")], INPUT, &[&path, ";"]);
    assert!(began.elapsed() < Duration::from_secs(10));
    assert_eq!(folder.names(), ["huge.nii"]);
}

#[test]
fn an_image_of_no_size_is_refused() {
    let folder = Folder::new();
    let path = folder.file("flat.nii", &nifti(&[8, 0, 4], 2, &[]));
    fails(&["info", &path], INPUT, &[&path, ";"]);
}

#[test]
fn a_mask_of_another_shape_is_refused() {
    let folder = Folder::new();
    let image = small_nifti(&folder, "image.nii");
    let mask = folder.file("mask.nii", &nifti(&[8, 6, 5], 2, &[1; 240]));
    let line = failure(&run(&["stats", &image, "--mask", &mask]), USAGE);
    assert!(line.contains("8 x 6 x 5") && line.contains("8 x 6 x 4"), "{line}");
    fails(&["equalize", &image, "--mask", &mask, "-o", &folder.at("out.nii")], USAGE, &["mask"]);
    let masked = run(&["mask", &image, &mask, "-o", &folder.at("out.nii")]);
    let line = failure(&masked, masked.code.filter(|c| [USAGE, INPUT].contains(c)).expect("2 or 3"));
    assert!(line.contains("8 x 6 x 5") && line.contains("8 x 6 x 4"), "{line}");
    fails(&["stats", &image, "--mask", &folder.at("no.nii")], INPUT, &["cannot read", "no.nii"]);
    assert_eq!(folder.names(), ["image.nii", "mask.nii"]);
}

#[test]
fn a_region_without_voxels_is_a_usage_error() {
    let folder = Folder::new();
    let image = small_nifti(&folder, "image.nii");
    fails(&["stats", &image, "--where", "1000:2000"], USAGE, &["no voxel counts", "--where"]);
    fails(&["histogram", &image, "--where", "1000:2000", "-o", &folder.at("out.csv")], USAGE, &["no voxel counts"]);
    assert_eq!(folder.names(), ["image.nii"]);
}

#[test]
fn floats_that_are_all_nan_have_no_statistics() {
    let folder = Folder::new();
    let voxels: Vec<u8> = [f32::NAN; 64].iter().flat_map(|v| v.to_le_bytes()).collect();
    let path = folder.file("nan.nii", &nifti(&[4, 4, 4], 16, &voxels));
    fails(&["stats", &path], USAGE, &["no voxel counts", "NaN"]);
    fails(&["histogram", &path, "-o", &folder.at("out.csv")], USAGE, &["no voxel counts"]);
    let ran = run(&["equalize", &path, "-o", &folder.at("out.nii"), "--figure", &folder.at("out.png")]);
    if ran.code == Some(0) {
        assert!(ran.stderr.contains("unchanged"), "{}", ran.stderr);
    } else {
        failure(&ran, USAGE);
        assert_eq!(folder.names(), ["nan.nii"]);
    }
}

#[test]
fn an_output_that_exists_is_kept_unless_forced() {
    let folder = Folder::new();
    let image = small_nifti(&folder, "image.nii");
    for (command, name) in [
        ("convert", "out.nii"),
        ("equalize", "out.nii.gz"),
        ("slice", "out.png"),
        ("histogram", "out.csv"),
        ("histogram", "out.svg"),
    ] {
        let out = folder.file(name, b"precious");
        fails(&[command, &image, "-o", &out], OUTPUT, &["exists", "--force", &out]);
        assert_eq!(std::fs::read(&out).unwrap(), b"precious");
        ok(&[command, &image, "-o", &out, "--force"]);
        assert_ne!(std::fs::read(&out).unwrap(), b"precious");
        std::fs::remove_file(&out).unwrap();
    }
    // Any of several outputs stops the job before the first is written.
    let report = folder.file("report.html", b"precious");
    fails(&["equalize", &image, "-o", &folder.at("out.nii"), "--report", &report], OUTPUT, &["exists", &report]);
    assert_eq!(folder.names(), ["image.nii", "report.html"]);
    assert_eq!(std::fs::read(&report).unwrap(), b"precious");
}

#[test]
fn a_failed_replacement_keeps_the_old_file() {
    let folder = Folder::new();
    let whole = nifti(&[64, 64, 64], 2, &crate::support::noise(64 * 64 * 64));
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, &whole).unwrap();
    let packed = packed.finish().unwrap();
    let path = folder.file("short.nii.gz", &packed[..packed.len() / 2]);
    let out = folder.file("out.nii", b"precious");
    fails(&["convert", &path, "-o", &out, "--force"], INPUT, &[&path]);
    assert_eq!(std::fs::read(&out).unwrap(), b"precious");
    assert_eq!(folder.names(), ["out.nii", "short.nii.gz"]);
}

#[test]
fn an_output_that_cannot_be_written_is_an_output_error() {
    let folder = Folder::new();
    let image = small_nifti(&folder, "image.nii");
    // A folder that does not exist, one that is a file, and a folder as the file.
    let nowhere = folder.at("no/out.nii");
    fails(&["convert", &image, "-o", &nowhere], OUTPUT, &["does not exist", &nowhere]);
    let below = folder.at("image.nii/out.nii");
    fails(&["convert", &image, "-o", &below], OUTPUT, &["cannot write", &below]);
    let itself = folder.path().to_str().unwrap();
    fails(&["convert", &image, "-o", itself], OUTPUT, &["folder", itself]);
    fails(&["man", &image], OUTPUT, &["cannot write", &image]);
    fails(&["demo", &image], OUTPUT, &["cannot write", &image]);
    assert_eq!(folder.names(), ["image.nii"]);
}

#[test]
fn a_name_that_says_no_format_is_refused() {
    let folder = Folder::new();
    let image = small_nifti(&folder, "image.nii");
    for (command, name) in [("convert", "out.doc"), ("equalize", "out"), ("slice", "out.nii"), ("histogram", "out.xls")] {
        let out = folder.at(name);
        let line = failure(&run(&[command, &image, "-o", &out]), USAGE);
        assert!(line.contains(&out) && line.contains(".png"), "{line}");
    }
    assert_eq!(folder.names(), ["image.nii"]);
}

#[test]
fn an_output_that_is_an_input_is_refused_even_with_force() {
    let folder = Folder::new();
    let image = small_nifti(&folder, "image.nii");
    let before = std::fs::read(&image).unwrap();
    for command in ["convert", "equalize"] {
        fails(&[command, &image, "-o", &image, "--force"], USAGE, &["one of the inputs", &image]);
        // The same file by another way.
        let again = folder.at("../").to_string() + folder.path().file_name().unwrap().to_str().unwrap() + "/image.nii";
        fails(&[command, &image, "-o", &again, "--force"], USAGE, &["one of the inputs"]);
    }
    let mask = folder.file("mask.nii", &nifti(&[8, 6, 4], 2, &[1; 192]));
    fails(&["equalize", &image, "--mask", &mask, "-o", &mask, "--force"], USAGE, &["one of the inputs"]);
    assert_eq!(std::fs::read(&image).unwrap(), before);

    let series = small_series(&folder.path().join("series"), 3);
    let slice = format!("{series}/slice_0001.dcm");
    fails(&["convert", &series, "-o", &slice, "--force"], USAGE, &["replace a file in the input folder"]);
}

#[test]
fn several_series_in_a_folder_ask_for_one() {
    use hounsfield::phantom::Phantom;
    let folder = Folder::new();
    small_series(folder.path(), 3);
    let other = Phantom { size: [32, 32, 2], spacing_mm: [1.0; 3], seed: 8 };
    let apart = Folder::new();
    other.write_series(apart.path(), &|_| true).unwrap();
    for name in apart.names() {
        let to = folder.path().join(format!("b_{}", name.to_str().unwrap()));
        std::fs::copy(apart.path().join(&name), to).unwrap();
    }
    let path = folder.path().to_str().unwrap();
    let ran = run(&["stats", path]);
    let line = failure(&ran, ran.code.filter(|c| [USAGE, INPUT].contains(c)).expect("2 or 3"));
    assert!(line.contains("--series"), "{line}");
    // What they are is no error to ask for.
    let listed = ok(&["info", path, "--json"]).json();
    assert_eq!(listed["series"].as_array().map(Vec::len), Some(2), "{listed}");
    assert!(ok(&["info", path]).text().contains("--series N takes one"));
    let shapes: Vec<_> = ["1", "2"].map(|n| ok(&["info", "--json", path, "--series", n]).json()["shape"].clone()).into();
    assert!(shapes.contains(&serde_json::json!([48, 40, 3])) && shapes.contains(&serde_json::json!([32, 32, 2])), "{shapes:?}");
    let ran = run(&["info", path, "--series", "3"]);
    failure(&ran, ran.code.filter(|c| [USAGE, INPUT].contains(c)).expect("2 or 3"));
}

#[test]
fn a_missing_slice_is_refused_with_the_way_out() {
    let folder = Folder::new();
    let series = small_series(folder.path(), 6);
    std::fs::remove_file(folder.path().join("slice_0003.dcm")).unwrap();
    fails(&["stats", &series], INPUT, &["--allow-gaps", &series]);
    ok(&["stats", &series, "--allow-gaps"]);
    ok(&["stats", &series, "--trust-geometry"]);
}

#[test]
fn wrong_arguments_are_usage_errors() {
    let folder = Folder::new();
    let image = small_nifti(&folder, "image.nii");
    for args in [
        vec!["frobnicate"],
        vec!["stats"],
        vec!["stats", &image, "--where", "5"],
        vec!["stats", &image, "--where", "9:5"],
        vec!["stats", &image, "--threads", "0"],
        vec!["equalize", &image],
        vec!["stats", &image, "--label", "3"],
        vec!["threshold", &image, "-o", "t.nii", "--otsu", "3", "--at", "5"],
    ] {
        let ran = run(&args);
        assert_eq!(ran.code, Some(USAGE), "{}: {}", ran.line, ran.stderr);
        assert!(ran.stderr.contains("--help") && !ran.stderr.contains("panicked"), "{}", ran.stderr);
    }
    let last = folder.at("out.png");
    fails(&["slice", &image, "-o", &last, "--index", "4"], USAGE, &["slice", ";"]);
    fails(&["slice", &image, "-o", &last, "--mm", "5"], USAGE, &["position", "--index"]);
    fails(&["slice", &image, "-o", &last, "--time", "2"], USAGE, &["volume", ";"]);
    for steps in ["", "frobnicate", "clip:9:5", "window:nowhere", "gamma:-1", "zscore,,invert"] {
        let ran = run(&["map", &image, "--steps", steps, "-o", &folder.at("out.nii")]);
        assert_eq!(ran.code, Some(USAGE), "{}: {}", ran.line, ran.stderr);
    }
    fails(&["window", &image, "--preset", "nowhere", "-o", &folder.at("out.nii")], USAGE, &["nowhere", ";"]);
    fails(&["threshold", &image, "--otsu", "9", "-o", &folder.at("out.nii")], USAGE, &[";"]);
    assert_eq!(folder.names(), ["image.nii"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_gpu_that_is_not_there_is_a_device_error() {
    let folder = Folder::new();
    let image = small_nifti(&folder, "image.nii");
    let none = |args: &[&str]| {
        finish(program().args(args).env("VK_DRIVER_FILES", "/nonexistent").env("VK_ICD_FILENAMES", "/nonexistent"))
    };
    let out = folder.at("out.nii");
    for args in [vec!["stats", &image, "--device", "gpu"], vec!["equalize", &image, "-o", &out, "--device", "gpu"]] {
        let line = failure(&none(&args), DEVICE);
        assert!(line.contains("no GPU adapter") && line.contains("install") && line.contains("--device cpu"), "{line}");
    }
    let line = failure(&none(&["stats", &image, "--device", "GeForce"]), DEVICE);
    assert!(line.contains("GeForce") && line.contains("hounsfield devices"), "{line}");
    let line = failure(&none(&["stats", &image, "--device", "7"]), DEVICE);
    assert!(line.contains("adapter 7"), "{line}");
    assert_eq!(folder.names(), ["image.nii"]);

    // Without a GPU everything else works, and `devices` says what to install.
    let ran = none(&["devices"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.text().contains("install") && ran.text().contains("Everything works without one"), "{}", ran.text());
    assert_eq!(none(&["stats", &image]).code, Some(0));
}

/// Runs the program in a shell that first limits the size of files it may write, as a full disk does.
#[cfg(target_os = "linux")]
fn on_a_small_disk(args: &[&str]) -> Ran {
    let mut command = std::process::Command::new("sh");
    // 64 blocks of 512 bytes; the signal is ignored, so that a write fails as on a full disk.
    command.args(["-c", "trap '' XFSZ; ulimit -f 64; exec \"$0\" \"$@\""]).arg(program().get_program()).args(args);
    finish(&mut command)
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_fills_up_leaves_nothing_behind() {
    let folder = Folder::new();
    let big = folder.file("big.nii", &nifti(&[64, 64, 64], 2, &crate::support::noise(64 * 64 * 64)));
    for (command, name) in [
        ("convert", "out.nii"),
        ("convert", "out.nii.gz"),
        ("convert", "out.tif"),
        ("equalize", "out.nii"),
        ("equalize", "out.nii.gz"),
        ("distance", "out.nii"),
        ("distance", "out.nii.gz"),
    ] {
        let out = folder.at(name);
        let line = failure(&on_a_small_disk(&[command, &big, "-o", &out]), OUTPUT);
        assert!(line.contains("cannot write") && line.contains(&out), "{line}");
        assert_eq!(folder.names(), ["big.nii"], "{command} {name}");
    }
    let line = failure(&on_a_small_disk(&["slice", &big, "-o", &folder.at("out.png"), "--montage", "64"]), OUTPUT);
    assert!(line.contains("cannot write"), "{line}");
    assert_eq!(folder.names(), ["big.nii"]);
}

#[cfg(target_os = "linux")]
#[test]
fn standard_output_that_is_full_is_an_output_error() {
    let folder = Folder::new();
    let image = small_nifti(&folder, "image.nii");
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    for args in [vec!["info", &image], vec!["stats", "--json", &image], vec!["devices"], vec!["completions", "bash"]] {
        let out = program().args(&args).stdout(full()).output().unwrap();
        let stderr = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(OUTPUT), "{args:?}: {stderr}");
        assert!(stderr.contains("standard output") && !stderr.contains("internal error"), "{args:?}: {stderr}");
    }
}

/// Interrupts a job that is under way and has begun its output.
#[cfg(unix)]
#[test]
fn an_interrupt_leaves_no_output() {
    let folder = Folder::new();
    let before = {
        let side = 400u64;
        let plane = crate::support::noise((side * side) as usize);
        let mut bytes = nifti(&[400, 400, 400], 2, &[]);
        for _ in 0..side {
            bytes.extend_from_slice(&plane);
        }
        folder.file("big.nii", &bytes);
        folder.names()
    };
    let (convert, distance) = (&["convert"][..], &["distance", "--memory", "32"][..]);
    for (signal, command) in [("INT", convert), ("TERM", convert), ("INT", distance), ("TERM", distance)] {
        let mut child = program()
            .args(command)
            .args(["--threads", "1", &folder.at("big.nii"), "-o", &folder.at("out.nii.gz")])
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let began = Instant::now();
        // What else flashes up, such as a look whether the folder takes files, is no output yet.
        while !names_hold_a_part(folder.path()) {
            assert!(
                child.try_wait().unwrap().is_none() && began.elapsed() < Duration::from_secs(30),
                "no output grows under another name"
            );
            std::thread::sleep(Duration::from_millis(2));
        }
        let kill = std::process::Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().unwrap();
        assert!(kill.success());
        let out = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(130), "{signal}: {stderr}");
        assert!(stderr.ends_with("hounsfield: interrupted; nothing was written\n"), "{stderr}");
        assert_eq!(folder.names(), before, "{signal} {command:?}");
    }
}

fn names_hold_a_part(folder: &Path) -> bool {
    let names = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name());
    names.into_iter().any(|n| n.to_string_lossy().ends_with(".part"))
}
