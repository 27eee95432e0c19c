//! What is no image, or a strange one: a message in the window, or the image, never an end of the program.

use std::path::{Path, PathBuf};

use hounsfield::volume::{Dtype, Header, Shape, Volume};
use hounsfield_view::{Opening, Wanted};

use crate::support::{Screen, chest, no_gpu, volume, write};

/// Opens a file in a window that shows something else.
fn then(screen: &mut Screen, path: &Path) -> Result<(), String> {
    let ctx = screen.ctx.clone();
    screen.app.open(&ctx, Wanted::Files { paths: vec![path.to_path_buf()], series: None, time: 0 });
    screen.settle();
    let opened = screen.app.study().is_some_and(|study| study.paths == [path]);
    match screen.app.message() {
        _ if opened || screen.app.series().is_some() => Ok(()),
        Some(text) => Err(text.to_owned()),
        None => panic!("{} was neither opened nor refused", path.display()),
    }
}

#[test]
fn files_that_are_no_images_leave_a_message_and_what_was_open() {
    if no_gpu() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let (good, _) = chest(at);
    let bytes = std::fs::read(&good).unwrap();
    let file = |name: &str, bytes: &[u8]| {
        std::fs::write(at.join(name), bytes).unwrap();
        at.join(name)
    };
    let mut screen = Screen::file(&good);
    let bad = [
        file("cut.nii", &bytes[..bytes.len() / 2]),
        file("header.nii", &bytes[..200]),
        file("empty.nii", &[]),
        file("text.png", b"no picture"),
        file("text.dcm", b"no picture either"),
        at.join("nowhere.nii"),
    ];
    for path in bad {
        let said = then(&mut screen, &path).expect_err("it is no image");
        assert!(!said.is_empty());
        assert_eq!(screen.app.study().unwrap().paths, std::slice::from_ref(&good), "what was open stays");
    }
}

#[test]
fn strange_images_are_shown() {
    if no_gpu() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let one = write(&at.join("one.nii"), &volume(&[1, 1, 1], |_| 7));
    let flat = write(&at.join("flat.nii"), &volume(&[9, 7, 1], |i| i as i16));
    let thin = write(&at.join("thin.nii"), &volume(&[1, 40, 30], |i| i as i16));
    let constant = write(&at.join("constant.nii"), &volume(&[5, 6, 7], |_| -3));
    let header = Header::new(Shape::new(&[8, 7, 6]).unwrap(), Dtype::F32);
    let real = |i: usize| match i % 5 {
        0 => f32::NAN,
        1 => f32::INFINITY,
        _ => i as f32 * 0.25,
    };
    let floats: Vec<u8> = (0..336).flat_map(|i| real(i).to_le_bytes()).collect();
    let floats = write(&at.join("floats.nii"), &Volume::new(header, floats).unwrap());
    let colours: Vec<u8> = (0..20 * 10 * 3).map(|i| (i * 7) as u8).collect();
    image::save_buffer(at.join("colours.png"), &colours, 20, 10, image::ColorType::Rgb8).unwrap();
    let mut screen = Screen::file(&one);
    assert_eq!(screen.app.probe().value, Some(7.0));
    for path in [flat, thin, constant, floats, at.join("colours.png")] {
        then(&mut screen, &path).unwrap_or_else(|text| panic!("{}: {text}", path.display()));
        assert!(screen.app.message().is_none(), "{}: {:?}", path.display(), screen.app.message());
    }
}

#[test]
fn closing_while_something_is_read_ends_at_once() {
    if no_gpu() {
        return;
    }
    // The phantom takes a while.
    let began = std::time::Instant::now();
    let mut screen = Screen::begin(Opening::default());
    screen.frame(Vec::new());
    drop(screen);
    assert!(began.elapsed().as_secs() < 20);
}

/// Real and hostile files, where they are at hand.
fn data() -> Option<PathBuf> {
    let data = std::env::var_os("HOUNSFIELD_DATA").map(PathBuf::from);
    if data.is_none() {
        eprintln!("skipped: HOUNSFIELD_DATA is not set");
    }
    data
}

#[test]
fn hostile_files_never_end_the_program() {
    let Some(data) = data().filter(|_| !no_gpu()) else { return };
    let mut files: Vec<PathBuf> = Vec::new();
    for folder in ["dicom", "nifti", "png"]
        .map(|kind| format!("hostile/generated_seed1/{kind}"))
        .into_iter()
        .chain(["hostile/nifti", "hostile/pydicom_bad", "volumes/formats_rnifti"].map(str::to_owned))
    {
        let Ok(entries) = std::fs::read_dir(data.join(folder)) else { continue };
        files.extend(entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()));
    }
    files.sort();
    assert!(files.len() > 50, "{}", files.len());
    let folder = tempfile::tempdir().unwrap();
    let mut screen = Screen::file(&chest(folder.path()).0);
    let mut refused = 0;
    // Every third: one of each kind, and the test stays short.
    for path in files.iter().step_by(3) {
        refused += u32::from(then(&mut screen, path).is_err());
    }
    assert!(refused > 10, "{refused}");
}

#[test]
fn a_folder_of_several_series_asks_which() {
    let Some(data) = data().filter(|_| !no_gpu()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let dicom = data.join("dicom");
    let mut found = 0;
    for entry in std::fs::read_dir(&dicom).unwrap().flatten().filter(|entry| entry.path().is_dir()) {
        let file =
            std::fs::read_dir(entry.path()).unwrap().flatten().find(|file| file.path().extension().is_some_and(|e| e == "dcm"));
        if let Some(file) = file {
            std::fs::copy(file.path(), folder.path().join(format!("{found}.dcm"))).unwrap();
            found += 1;
        }
        if found == 10 {
            break;
        }
    }
    assert!(found >= 3, "{found}");
    let other = tempfile::tempdir().unwrap();
    let mut screen = Screen::file(&chest(other.path()).0);
    then(&mut screen, folder.path()).unwrap();
    let lines = screen.app.series().expect("a choice").to_vec();
    assert!(lines.len() > 1, "{lines:?}");
    let ctx = screen.ctx.clone();
    let wanted = Wanted::Files { paths: vec![folder.path().to_path_buf()], series: Some(lines[0].number), time: 0 };
    screen.app.open(&ctx, wanted);
    screen.settle();
    let shown = screen.app.study().unwrap().series == Some(lines[0].number);
    assert!(shown || screen.app.message().is_some());
}
