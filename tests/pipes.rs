//! NIfTI volumes through pipes: `-` is standard input, and as an output standard output.

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use crate::support::{Folder, Ran, nifti, nifti_voxels, program, run, small_nifti};

/// Runs a command with bytes on its standard input.
fn fed(args: &[&str], input: &[u8]) -> Ran {
    let mut command: Command = program();
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let bytes = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&bytes));
    let out = child.wait_with_output().unwrap();
    // Who refuses the command line reads nothing.
    let _ = writer.join().unwrap();
    let stderr = String::from_utf8_lossy(&out.stderr).into_owned();
    Ran { code: out.status.code(), stdout: out.stdout, stderr, line: format!("{args:?}") }
}

#[test]
fn every_command_of_one_volume_reads_and_writes_pipes() {
    let folder = Folder::new();
    let (image, mask, out) = (small_nifti(&folder, "image.nii"), folder.at("mask.nii"), folder.at("out.nii"));
    std::fs::write(&mask, nifti(&[8, 6, 4], 2, &[1; 8 * 6 * 4])).unwrap();
    let bytes = std::fs::read(&image).unwrap();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(&bytes).unwrap();
    let gz = gz.finish().unwrap();
    let commands: [&[&str]; 8] = [
        &["convert", "-"],
        &["map", "-", "--steps", "clip:10:200"],
        &["equalize", "-"],
        &["mask", "-", &mask],
        &["threshold", "-", "--at", "100"],
        &["window", "-", "--center", "100", "--width", "50"],
        &["segment", "-", "-k", "2"],
        &["distance", "-", "--outside"],
    ];
    for command in commands {
        let named: Vec<&str> = command.iter().map(|word| if *word == "-" { image.as_str() } else { word }).collect();
        let want = run(&[&named[..], &["--force", "-o", &out]].concat());
        assert_eq!(want.code, Some(0), "{}", want.stderr);
        for input in [&bytes, &gz] {
            for more in [&["-o", "-"][..], &["-o", "-", "--json"]] {
                let got = fed(&[command, more].concat(), input);
                assert_eq!(got.code, Some(0), "{}: {}", got.line, got.stderr);
                assert!(got.stdout == std::fs::read(&out).unwrap(), "{}: other bytes than in a file", got.line);
            }
        }
    }
    assert_eq!(nifti_voxels(&image).len(), 8 * 6 * 4);
}

#[test]
fn what_is_no_volume_is_refused_and_nothing_is_written() {
    for input in [&b""[..], b"no volume at all", &[0x1f, 0x8b, 8]] {
        let ran = fed(&["convert", "-", "-o", "-"], input);
        assert!(ran.code == Some(3) && ran.stdout.is_empty(), "{}", ran.stderr);
        assert!(ran.stderr.trim_end().ends_with(": -"), "{}", ran.stderr);
    }
    let folder = Folder::new();
    let image = small_nifti(&folder, "image.nii");
    let ran = run(&["slice", &image, "-o", "-"]);
    assert!(ran.code == Some(2) && ran.stdout.is_empty(), "{}", ran.stderr);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let folder = Folder::new();
    let image = folder.file("image.nii", &nifti(&[200, 200, 50], 2, &vec![7; 2_000_000]));
    let mut child = program().args(["convert", &image, "-o", "-"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut start = [0; 10];
    child.stdout.take().unwrap().read_exact(&mut start).unwrap();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(child.wait().unwrap().success() && start[0] == 0x5c, "{said}");
}
