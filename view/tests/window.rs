//! The program in a real window of a virtual X display, driven by real X events.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{chest, no_gpu};

/// Whether a program is on PATH; tests/run installs these.
fn there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    if !found {
        eprintln!("skipped: {program} is not installed; tests/run installs it");
    }
    found
}

/// A process that ends with the test.
struct Ends(Child);

impl Drop for Ends {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A display whose picture lies in a file.
struct Display {
    _server: Ends,
    name: String,
    picture: PathBuf,
}

impl Display {
    fn open(folder: &Path) -> Self {
        // One number for each process: several may run at once.
        let number = 100 + std::process::id() % 5000;
        let name = format!(":{number}");
        let server = Command::new("Xvfb")
            .args([&name, "-screen", "0", "1300x900x24", "-nolisten", "tcp", "-fbdir"])
            .arg(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb starts");
        let display = Self { _server: Ends(server), name, picture: folder.join("Xvfb_screen0") };
        wait("the display", || display.xdo(&["getmouselocation"]).is_some());
        display
    }

    fn xdo(&self, args: &[&str]) -> Option<String> {
        let ran = Command::new("xdotool").args(args).env("DISPLAY", &self.name).output().ok()?;
        ran.status.success().then(|| String::from_utf8_lossy(&ran.stdout).trim().to_owned())
    }

    /// The pixels of the screen: behind the header and colours of an XWD file, four bytes each.
    fn pixels(&self) -> Vec<[u8; 4]> {
        let bytes = std::fs::read(&self.picture).expect("the picture of the display");
        let word = |at: usize| u32::from_be_bytes(bytes[4 * at..][..4].try_into().expect("a word")) as usize;
        let from = word(0) + 12 * word(19);
        bytes[from..].as_chunks().0.to_vec()
    }
}

fn wait(what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < Duration::from_secs(90), "no sign of {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Pixels that are not those of before.
fn changed(a: &[[u8; 4]], b: &[[u8; 4]]) -> usize {
    a.iter().zip(b).filter(|(a, b)| a != b).count()
}

#[test]
fn a_window_opens_answers_and_closes() {
    if no_gpu() || !there("Xvfb") || !there("xdotool") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = chest(folder.path());
    let display = Display::open(folder.path());
    let program = Command::new(env!("CARGO_BIN_EXE_hounsfield-view"))
        .arg(&path)
        .env("DISPLAY", &display.name)
        .env_remove("WAYLAND_DISPLAY")
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut program = Ends(program);
    // Soft tissue and bone: the window alone is dark.
    wait("a picture", || display.pixels().iter().filter(|pixel| pixel[0] > 120).count() > 20_000);
    let window = display.xdo(&["search", "--name", "hounsfield view"]).expect("a window of that name");
    let window = window.lines().next().unwrap().to_owned();
    display.xdo(&["windowfocus", &window]).expect("focus");
    std::thread::sleep(Duration::from_millis(700));
    let step = |what: &str, events: &[&[&str]], least: usize| {
        let before = display.pixels();
        for event in events {
            display.xdo(event).unwrap_or_else(|| panic!("{event:?}"));
            std::thread::sleep(Duration::from_millis(250));
        }
        wait(what, || changed(&display.pixels(), &before) > least);
        std::thread::sleep(Duration::from_millis(300));
    };
    step("a moved crosshair", &[&["mousemove", "300", "300"], &["click", "1"]], 300);
    step("another slice", &[&["click", "4"], &["click", "4"], &["click", "4"]], 300);
    step("equalised greys", &[&["key", "e"]], 5000);
    step(
        "another window",
        &[
            &["key", "e"],
            &["key", "e"],
            &["mousedown", "3"],
            &["mousemove", "340", "320"],
            &["mousemove", "420", "340"],
            &["mouseup", "3"],
        ],
        5000,
    );
    step("the list of keys", &[&["key", "question"]], 5000);
    assert!(program.0.try_wait().expect("its state").is_none(), "it is still there");
    // As a window manager closes it.
    display.xdo(&["windowquit", &window]).or_else(|| display.xdo(&["windowclose", &window])).expect("it is asked to close");
    wait("the end", || program.0.try_wait().expect("its state").is_some());
}

#[test]
fn without_a_display_one_line_says_what_to_do() {
    let ran = Command::new(env!("CARGO_BIN_EXE_hounsfield-view"))
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .env_remove("WAYLAND_SOCKET")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(5), "{said}");
    assert!(said.contains("there is no display") && said.contains("hounsfield slice"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}
