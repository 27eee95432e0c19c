//! A pane as PNG is what `hounsfield slice` writes, byte for byte.

use std::path::{Path, PathBuf};
use std::process::Command;

use eframe::egui::Key;
use hounsfield::report::Plane;
use hounsfield_view::{Opening, Windowing, commands, png};

use crate::support::{Screen, boxes, chest, no_gpu};

/// The main program beside this one: `tests/run` builds it first.
fn program() -> Option<PathBuf> {
    let own = Path::new(env!("CARGO_BIN_EXE_hounsfield-view"));
    let path = own.with_file_name(format!("hounsfield{}", std::env::consts::EXE_SUFFIX));
    if !path.is_file() {
        eprintln!("skipped: {} is not built; cargo build builds it", path.display());
    }
    Some(path).filter(|path| path.is_file())
}

#[test]
fn a_pane_is_what_slice_writes() {
    let Some(program) = program().filter(|_| !no_gpu()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let (path, chest) = chest(folder.path());
    let overlay = Some(boxes(folder.path(), &chest));
    let mut screen = Screen::open(Opening { paths: vec![path], overlay, ..Opening::default() });
    let mut number = 0;
    for (window, inverted) in [
        (Windowing::Default, false),
        (Windowing::Range(-800.0, 350.5), false),
        (Windowing::Preset("bone".into()), false),
        (Windowing::Default, true),
    ] {
        screen.app.scene.window = window;
        screen.app.scene.inverted = inverted;
        for (plane, labels) in [(Plane::Axial, true), (Plane::Coronal, false), (Plane::Sagittal, true)] {
            screen.app.scene.labels = labels;
            screen.app.scene.cross = [25, 20, 9];
            screen.frame(Vec::new());
            let (study, layer) = (screen.app.study().unwrap(), screen.app.labels());
            let ours = png(study, layer, &screen.app.scene, plane).unwrap();
            if inverted {
                // slice has no flag for it: the contrary of what it writes.
                continue;
            }
            number += 1;
            let [line, _] = commands(study, layer, &screen.app.scene, plane);
            let line =
                line.replacen("hounsfield", &program.display().to_string(), 1).replace("slice.png", &format!("{number}.png"));
            let ran = Command::new("sh").args(["-c", &line]).current_dir(folder.path()).output().unwrap();
            assert!(ran.status.success(), "{line}: {}", String::from_utf8_lossy(&ran.stderr));
            let theirs = std::fs::read(folder.path().join(format!("{number}.png"))).unwrap();
            assert!(ours == theirs, "{line}");
        }
    }
    assert_eq!(number, 9);
    // What slice cannot show is refused, not shown otherwise.
    screen.key(Key::E);
    assert!(png(screen.app.study().unwrap(), None, &screen.app.scene, Plane::Axial).is_err());
}

#[test]
fn the_second_command_opens_the_same_screen() {
    if no_gpu() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = chest(folder.path());
    let mut screen = Screen::file(&path);
    screen.app.scene.cross = [3, 4, 5];
    screen.key(Key::W);
    let [_, line] = commands(screen.app.study().unwrap(), None, &screen.app.scene, Plane::Axial);
    let json = line.split_once("--scene ").unwrap().1.trim_matches('\'');
    let scene = serde_json::from_str(json).unwrap();
    assert_eq!(scene, screen.app.scene);
    let again = Screen::open(Opening { paths: vec![path], scene: Some(scene), ..Opening::default() });
    assert_eq!(again.app.scene, screen.app.scene);
    assert!(again.pane(0).0 == screen.pane(0).0);
}
