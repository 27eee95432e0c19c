//! Running the program, and tiny data that differ by class.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a run of the program left behind.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {}", self.stdout))
    }
}

/// Runs the program in a folder.
#[track_caller]
pub fn run(folder: &Path, args: &[&str]) -> Ran {
    let program = env!("CARGO_BIN_EXE_hounsfield-learn");
    let out = Command::new(program).args(args).current_dir(folder).stdin(Stdio::null()).output().expect("the program runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ran { code: out.status.code(), stdout: text(&out.stdout), stderr: text(&out.stderr) }
}

/// Runs the program, which must succeed.
#[track_caller]
pub fn ok(folder: &Path, args: &[&str]) -> Ran {
    let ran = run(folder, args);
    assert_eq!(ran.code, Some(0), "{args:?}: {}", ran.stderr);
    ran
}

/// Runs the program, which must end with this code, on one line that holds all of these words.
#[track_caller]
pub fn refused(folder: &Path, code: i32, words: &[&str], args: &[&str]) {
    let ran = run(folder, args);
    assert_eq!(ran.code, Some(code), "{args:?}: {}", ran.stderr);
    assert!(words.iter().all(|word| ran.stderr.contains(word)), "{words:?} in {}", ran.stderr);
    assert_eq!(ran.stderr.trim_end().lines().count(), 1, "{}", ran.stderr);
    assert!(!ran.stderr.contains("internal error"));
}

/// Pseudo-random bytes of a seed.
fn bytes(seed: u64) -> impl Iterator<Item = u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    })
}

/// A grey image as a plain PGM of bytes wrapped into what the library reads: a NumPy array.
pub fn write_array(path: &Path, shape: &[usize], values: &[u8]) {
    let axes: Vec<String> = shape.iter().map(usize::to_string).collect();
    let mut header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({},), }}", axes.join(", "));
    header.push_str(&" ".repeat((64 - (header.len() + 11) % 64) % 64));
    header.push('\n');
    let mut out = b"\x93NUMPY\x01\x00".to_vec();
    out.extend((header.len() as u16).to_le_bytes());
    out.extend(header.as_bytes());
    out.extend(values);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(path, out).expect("a file");
}

/// An image of a class: a bright disc in noise, on the left or on the right.
pub fn image(class: usize, seed: u64, side: usize) -> Vec<u8> {
    let mut noise = bytes(seed + 1);
    let centre = if class == 0 { 0.3 } else { 0.7 } * side as f64;
    let pixel = |i: usize| {
        let (x, y) = ((i % side) as f64 - centre, (i / side) as f64 - side as f64 / 2.0);
        let bright = if x.hypot(y) < side as f64 / 5.0 { 90 } else { 0 };
        noise.next().expect("bytes without end") / 2 + bright
    };
    (0..side * side).map(pixel).collect()
}

/// A folder with sub-folders `left` and `right` of so many images each.
pub fn two_classes(folder: &Path, name: &str, count: u64) -> PathBuf {
    let root = folder.join(name);
    for (class, label) in ["left", "right"].into_iter().enumerate() {
        for i in 0..count {
            let seed = 1000 * class as u64 + i + name.len() as u64 * 77;
            write_array(&root.join(label).join(format!("p{}_{i}.npy", i / 2)), &[16, 16], &image(class, seed, 16));
        }
    }
    root
}

/// Volumes with a bright ball in noise, and their labels, in sub-folders `images` and `labels`.
pub fn volumes(folder: &Path, name: &str, count: u64) -> PathBuf {
    let root = folder.join(name);
    let [w, h, d] = [32, 32, 6];
    for i in 0..count {
        let mut noise = bytes(i + 5);
        let centre = [10.0 + 2.0 * i as f64, 14.0 + i as f64, 3.0];
        let inside = |at: usize| {
            let place = [at % w, at / w % h, at / (w * h)].map(|n| n as f64);
            let far = (place[0] - centre[0]).powi(2) + (place[1] - centre[1]).powi(2) + 4.0 * (place[2] - centre[2]).powi(2);
            far < 49.0
        };
        let all = 0..w * h * d;
        let image: Vec<u8> = all.clone().map(|at| noise.next().expect("bytes") / 3 + if inside(at) { 110 } else { 0 }).collect();
        let labels: Vec<u8> = all.map(|at| u8::from(inside(at))).collect();
        write_array(&root.join(format!("images/case{i}.npy")), &[d, h, w], &image);
        write_array(&root.join(format!("labels/case{i}.npy")), &[d, h, w], &labels);
    }
    root
}
