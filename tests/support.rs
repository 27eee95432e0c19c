//! What all tests share: running the program, folders that vanish, small files, and when a test may be skipped.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use md5::{Digest, Md5};

/// What a run of the program left behind.
#[derive(Debug)]
pub struct Ran {
    /// `None` if a signal ended it.
    pub code: Option<i32>,
    pub stdout: Vec<u8>,
    pub stderr: String,
    /// The command line, for messages.
    pub line: String,
}

impl Ran {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.stdout).unwrap_or_else(|e| panic!("{}: {e}: {}", self.line, self.text()))
    }
}

/// The program.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hounsfield"));
    // Drivers complain on stderr without it.
    if std::env::var_os("XDG_RUNTIME_DIR").is_none() {
        command.env("XDG_RUNTIME_DIR", std::env::temp_dir());
    }
    command.env_remove("RUST_LOG").env_remove("RUST_BACKTRACE").stdin(Stdio::null());
    command
}

/// Runs a prepared command to its end.
#[track_caller]
pub fn finish(command: &mut Command) -> Ran {
    let line = format!("{command:?}");
    let out = command.output().unwrap_or_else(|e| panic!("{line}: {e}"));
    Ran { code: out.status.code(), stdout: out.stdout, stderr: String::from_utf8_lossy(&out.stderr).into_owned(), line }
}

/// Runs the program with these arguments.
#[track_caller]
pub fn run(args: &[&str]) -> Ran {
    finish(program().args(args))
}

/// Runs the program, which must succeed.
#[track_caller]
pub fn ok(args: &[&str]) -> Ran {
    let ran = run(args);
    assert_eq!(ran.code, Some(0), "{}: {}", ran.line, ran.stderr);
    ran
}

/// A folder that vanishes with the test.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The path of a file in it, as an argument.
    pub fn at(&self, name: &str) -> String {
        self.path().join(name).to_str().expect("a path in UTF-8").to_owned()
    }

    /// A file with these bytes.
    pub fn file(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.at(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Names of all that lies in it, sorted.
    pub fn names(&self) -> Vec<OsString> {
        let mut names: Vec<OsString> = std::fs::read_dir(self.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        names
    }
}

/// A file of real images, or `None`, and a line that says so, if there are none on this machine.
pub fn data(name: &str) -> Option<String> {
    let Some(folder) = std::env::var_os("HOUNSFIELD_DATA") else {
        static SAID: AtomicU32 = AtomicU32::new(0);
        if SAID.fetch_add(1, Ordering::Relaxed) == 0 {
            // Straight to the file, past the capture of the test harness.
            let _ = writeln!(std::io::stderr(), "skipped: tests with real images; set HOUNSFIELD_DATA to a folder of them");
        }
        return None;
    };
    let path = PathBuf::from(folder).join(name);
    assert!(path.exists(), "HOUNSFIELD_DATA is set, but {} is not there", path.display());
    Some(path.to_str().expect("a path in UTF-8").to_owned())
}

/// Whether tests on a GPU run. Without an adapter they fail, unless `HOUNSFIELD_NO_GPU=1` asks to skip them.
pub fn with_gpu() -> bool {
    let skip = std::env::var_os("HOUNSFIELD_NO_GPU").is_some_and(|v| v == "1");
    if skip {
        let _ = writeln!(std::io::stderr(), "skipped: tests on a GPU (HOUNSFIELD_NO_GPU=1)");
    }
    !skip
}

/// MD5 in hexadecimal digits.
pub fn md5(bytes: &[u8]) -> String {
    Md5::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// A single-file NIfTI-1: shape, NIfTI's code of the type, the voxels' bytes.
pub fn nifti(shape: &[i16], datatype: i16, voxels: &[u8]) -> Vec<u8> {
    let bits = match datatype {
        2 | 256 => 8,
        4 | 512 => 16,
        8 | 16 | 768 => 32,
        64 => 64,
        other => panic!("no such type here: {other}"),
    };
    let mut header = vec![0u8; 352];
    let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, &348i32.to_le_bytes());
    put(40, &(shape.len() as i16).to_le_bytes());
    for i in 0..7 {
        put(42 + 2 * i, &shape.get(i).copied().unwrap_or(1).to_le_bytes());
        put(80 + 4 * i, &1f32.to_le_bytes());
    }
    put(70, &datatype.to_le_bytes());
    put(72, &i16::to_le_bytes(bits));
    put(76, &1f32.to_le_bytes());
    put(108, &352f32.to_le_bytes());
    put(123, &[2]);
    put(344, b"n+1\0");
    header.extend_from_slice(voxels);
    header
}

/// A small u8 NIfTI volume of a few greys.
pub fn small_nifti(folder: &Folder, name: &str) -> String {
    let voxels: Vec<u8> = (0..8 * 6 * 4).map(|i| (i * i % 251) as u8).collect();
    folder.file(name, &nifti(&[8, 6, 4], 2, &voxels))
}

/// The voxels of a NIfTI file, read by hand and not by the library under test.
pub fn nifti_voxels(path: &str) -> Vec<u8> {
    let bytes = std::fs::read(path).unwrap();
    let at = f32::from_le_bytes(bytes[108..112].try_into().unwrap()) as usize;
    bytes[at..].to_vec()
}

/// A small made-up chest CT as a series of DICOM files.
pub fn small_series(folder: &Path, slices: u64) -> String {
    use hounsfield::phantom::Phantom;
    let phantom = Phantom { size: [48, 40, slices], spacing_mm: [8.0, 8.0, 5.0], seed: 7 };
    phantom.write_series(folder, &|_| true).unwrap();
    folder.to_str().unwrap().to_owned()
}

/// Bytes without order: no compressor makes them smaller.
pub fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..bytes).map(|_| next()).collect()
}
