//! Files made to hurt: every one gets an answer, in time and in little memory, and never a crash.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rayon::prelude::*;

use crate::support::{Folder, data, program};

const PATIENCE: Duration = Duration::from_secs(20);

fn files_below(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files_below(&path, into) } else { into.push(path) }
    }
}

/// Runs the program in 1 GiB of address space and says what was wrong with how it ended.
fn complaint(command: &[&str], file: &Path) -> Option<String> {
    let mut limited = std::process::Command::new("sh");
    limited.args(["-c", "ulimit -v 1048576 && exec \"$0\" \"$@\""]).arg(program().get_program());
    limited
        .args(command)
        .args(["--threads", "2", "--device", "cpu"])
        .arg(file)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = limited.spawn().unwrap();
    let mut stderr = child.stderr.take().unwrap();
    let text = std::thread::spawn(move || {
        let mut text = Vec::new();
        let _ = std::io::Read::read_to_end(&mut stderr, &mut text);
        String::from_utf8_lossy(&text).into_owned()
    });
    let began = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if began.elapsed() > PATIENCE {
            let _ = child.kill();
            let _ = child.wait();
            return Some(format!("no answer within {} s", PATIENCE.as_secs()));
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let text = text.join().unwrap();
    let answered = matches!(status.code(), Some(0 | 2 | 3));
    let one_line = status.success() || text.lines().filter(|l| !l.starts_with("hounsfield: note: ")).count() == 1;
    if !answered || !one_line || text.contains("internal error") || text.contains("panicked") {
        return Some(format!("{status}: {text}"));
    }
    None
}

#[test]
fn hostile_files_get_an_answer() {
    let Some(folder) = data("hostile") else { return };
    let mut files = Vec::new();
    files_below(Path::new(&folder), &mut files);
    assert!(files.len() > 500, "{} files", files.len());
    let complaints = Mutex::new(Vec::new());
    let outputs = Folder::new();
    files.par_iter().enumerate().for_each(|(n, file)| {
        let out = outputs.at(&format!("{n}.nii"));
        for command in [&["info"][..], &["stats"], &["convert", "-o", &out]] {
            if let Some(text) = complaint(command, file) {
                complaints.lock().unwrap().push(format!("{} {}: {text}", command[0], file.display()));
            }
        }
        let _ = std::fs::remove_file(out);
    });
    let complaints = complaints.into_inner().unwrap();
    assert!(complaints.is_empty(), "{} of {}:\n{}", complaints.len(), files.len(), complaints.join("\n"));
}
