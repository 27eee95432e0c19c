//! What is seen is what the voxels are, and moves as the hand does.

use eframe::egui::{Key, Modifiers, PointerButton, Pos2, Vec2};
use hounsfield::ops::{equalize, histogram};
use hounsfield::volume::{Block, Dtype, Volume};
use hounsfield_view::{Equalising, Opening, Scene, ValueClasses, Windowing, shade};

use crate::support::{Screen, boxes, chest, no_gpu, volume, write};

fn value(volume: &Volume, [x, y, z]: [u64; 3]) -> i16 {
    let [nx, ny, _] = volume.header().grid.shape.xyz();
    let at = 2 * ((z * ny + y) * nx + x) as usize;
    i16::from_le_bytes([volume.bytes()[at], volume.bytes()[at + 1]])
}

/// The colour in the middle of a pixel of an axial pane, as the pane's own picture has it.
fn colour(screen: &Screen, pixel: [u64; 2]) -> [u8; 3] {
    let layout = screen.layout(0);
    let (pixels, [width, _]) = screen.pane(0);
    let at = layout.place(pixel) - layout.rect().min;
    let [r, g, b, _] = pixels[at.y as usize * width as usize + at.x as usize];
    [r, g, b]
}

#[test]
fn every_grey_of_a_pane_is_that_of_its_voxel() {
    if no_gpu() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (path, chest) = chest(folder.path());
    let mut screen = Screen::file(&path);
    assert_eq!(screen.app.message(), None);
    screen.app.scene.smooth = false;
    screen.frame(Vec::new());
    let study = screen.app.study().unwrap();
    let shade = shade(study, &screen.app.scene);
    let z = screen.app.scene.cross[2];
    let wrong: Vec<[u64; 2]> = (0..50_u64)
        .flat_map(|v| (0..60_u64).map(move |u| [u, v]))
        .filter(|[u, v]| colour(&screen, [*u, *v]) != [shade.grey(f64::from(value(&chest, [*u, *v, z]))); 3])
        .collect();
    assert!(wrong.is_empty(), "{} of 3000 pixels, first {:?}", wrong.len(), wrong[0]);
    // And what is on the screen is the pane's picture: far from letters, lines and captions.
    let layout = screen.layout(0);
    let (pane, [width, height]) = screen.pane(0);
    let pixels = screen.pixels();
    let corner = layout.rect().min;
    let same = (0..height / 4).flat_map(|y| (0..width / 4).map(move |x| (x + width / 8, y + height / 8))).filter(|(x, y)| {
        pixels[((corner.y as u32 + y) * crate::support::SIZE[0] + corner.x as u32 + x) as usize] == pane[(y * width + x) as usize]
    });
    assert_eq!(same.count() as u32, (height / 4) * (width / 4));
}

#[test]
fn planes_larger_than_the_pane_lie_where_the_layout_says() {
    if no_gpu() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let large = volume(&[900, 700, 2], |i| (i % 900 / 4 + i / 900 % 700 / 4) as i16);
    let mut screen = Screen::file(&write(&folder.path().join("large.nii"), &large));
    screen.app.scene.smooth = false;
    screen.app.scene.window = Windowing::Range(0.0, 400.0);
    screen.frame(Vec::new());
    screen.frame(Vec::new());
    for pixel in [[20, 30], [450, 350], [870, 40], [33, 660], [890, 690]] {
        let at = screen.layout(0).place(pixel);
        // The pixel whose middle is nearest to the middle of a pixel of the screen.
        let [u, v] = screen.layout(0).pixel(Pos2::new(at.x.floor() + 0.5, at.y.floor() + 0.5));
        let grey = f64::from(value(&large, [u, v, 1])) / 400.0 * 255.0;
        assert!((f64::from(colour(&screen, pixel)[0]) - grey).abs() < 2.0, "{pixel:?}: {:?} and {grey}", colour(&screen, pixel));
    }
}

#[test]
fn a_click_places_the_crosshair_and_the_value_is_read() {
    if no_gpu() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (path, chest) = chest(folder.path());
    let mut screen = Screen::file(&path);
    for (pane, pixel, axis) in [(0, [13, 31], 2), (1, [44, 5], 1), (2, [20, 11], 0)] {
        let before = screen.app.scene.cross;
        let at = screen.layout(pane).place(pixel);
        screen.click(at);
        let now = screen.app.scene.cross;
        assert_eq!(now[axis], before[axis], "pane {pane} stays in its slice");
        let expected = match pane {
            0 => [pixel[0], pixel[1], now[2]],
            1 => [pixel[0], now[1], 19 - pixel[1]],
            _ => [now[0], pixel[0], 19 - pixel[1]],
        };
        assert_eq!(now, expected, "pane {pane}");
        let probe = screen.app.probe();
        assert_eq!((probe.voxel, probe.value), (now, Some(f64::from(value(&chest, now)))));
    }
    // Pressed and released within one frame, as a fast hand on a slow device does.
    let at = screen.layout(0).place([40, 22]);
    screen.click_at_once(at);
    assert_eq!(screen.app.scene.cross[..2], [40, 22]);
    // Left and right exchanged: the same place on the screen is another voxel.
    let at = screen.layout(0).place([13, 31]);
    screen.key(Key::N);
    screen.click(at);
    assert_eq!(screen.app.scene.cross[0], 59 - 13);
}

#[test]
fn wheel_keys_and_drags_do_what_they_say() {
    if no_gpu() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = chest(folder.path());
    let mut screen = Screen::file(&path);
    let middle = screen.layout(0).rect().center();
    let z = screen.app.scene.cross[2];
    screen.wheel(middle, 3.0, Modifiers::NONE);
    assert_eq!(screen.app.scene.cross[2], z + 3);
    screen.key(Key::ArrowDown);
    assert_eq!(screen.app.scene.cross[2], z + 2);
    screen.key(Key::PageDown);
    assert_eq!(screen.app.scene.cross[2], z - 8);
    screen.wheel(middle, 2.0, Modifiers::COMMAND | Modifiers::CTRL);
    assert!(screen.app.scene.panes[0].zoom > 1.05, "{:?}", screen.app.scene.panes[0]);
    assert_eq!(screen.app.scene.cross[2], z - 8, "a zoom is no step");

    let ends = |screen: &Screen| {
        let window = shade(screen.app.study().unwrap(), &screen.app.scene).window;
        [window.center, window.width]
    };
    let [center, width] = ends(&screen);
    screen.drag(middle, middle + Vec2::new(50.0, 20.0), PointerButton::Secondary);
    let [new_center, new_width] = ends(&screen);
    assert!(new_width > 1.2 * width && new_center > center + 0.05 * width, "{center} {width} to {new_center} {new_width}");
    let pan = screen.app.scene.panes[0].pan;
    screen.drag(middle, middle + Vec2::new(30.0, 0.0), PointerButton::Middle);
    assert!(screen.app.scene.panes[0].pan[0] < pan[0] - 0.01);
    screen.key(Key::W);
    assert_eq!(screen.app.scene.window, Windowing::Preset("lung".into()));
    screen.key(Key::R);
    assert_eq!(screen.app.scene, Scene::of(screen.app.study().unwrap()));
    screen.key(Key::Num2);
    assert_eq!(screen.app.scene.large, Some(1));
    screen.key(Key::Num2);
    assert_eq!(screen.app.scene.large, None);
    let cuts = |screen: &Screen| screen.app.panes().iter().map(|pane| pane.stage().cuts()).sum::<u64>();
    let before = cuts(&screen);
    screen.key(Key::W);
    assert_eq!(cuts(&screen), before, "a window is another table, not another look at the volume");
}

#[test]
fn equalised_greys_are_those_of_the_library() {
    if no_gpu() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (path, chest) = chest(folder.path());
    let mut screen = Screen::file(&path);
    screen.app.scene.smooth = false;
    let counts = histogram::cpu(Block { dtype: Dtype::I16, bytes: chest.bytes() }, None);
    let settings = equalize::Settings { to: Dtype::U8, ..equalize::Settings::of(Dtype::I16) };
    let table = equalize::cpu(&counts, &settings);
    screen.key(Key::E);
    assert_eq!(screen.app.scene.equalising, Equalising::Global);
    let z = screen.app.scene.cross[2];
    for pixel in [[3, 4], [30, 25], [13, 31], [50, 40], [22, 18]] {
        let stored = i32::from(value(&chest, [pixel[0], pixel[1], z]));
        let grey = table.entries()[(stored + 32_768) as usize] as u8;
        assert_eq!(colour(&screen, pixel), [grey; 3], "{pixel:?}");
    }
    let global = screen.pane(0).0;
    screen.key(Key::I);
    let inverted = screen.pane(0).0;
    assert!(global.iter().zip(&inverted).filter(|(a, _)| a[3] == 255).all(|(a, b)| a == b || a[0] == 255 - b[0]));
    screen.key(Key::I);
    screen.key(Key::E);
    assert_eq!(screen.app.scene.equalising, Equalising::Range);
    assert!(screen.pane(0).0 != global);
    screen.key(Key::E);
    screen.app.scene.classes = ValueClasses::Otsu(3);
    (0..2).for_each(|_| screen.frame(Vec::new()));
    let [r, g, b] = colour(&screen, [3, 4]);
    assert!(r != g || g != b, "classes have colours");
}

#[test]
fn labels_are_seen_named_and_measured() {
    if no_gpu() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (path, chest) = chest(folder.path());
    let overlay = Some(boxes(folder.path(), &chest));
    std::fs::write(folder.path().join("boxes.tsv"), "index\tname\n1\tleft box\n2\tright box\n").unwrap();
    let mut screen = Screen::open(Opening { paths: vec![path], overlay, ..Opening::default() });
    assert_eq!(screen.app.message(), None);
    let layer = screen.app.labels().unwrap();
    // 18 x 15 x 6 voxels of 12 cubic mm.
    assert_eq!(layer.voxels.iter().map(|(label, n)| (*label, *n)).collect::<Vec<_>>(), [(1, 1620), (2, 1620)]);
    let at = screen.layout(0).place([20, 22]);
    screen.click(at);
    assert_eq!(screen.app.probe().label, Some(1));
    screen.keep("labels");
    let coloured = |screen: &Screen| screen.pane(0).0.iter().filter(|p| p[0] != p[1] || p[1] != p[2]).count();
    let filled = coloured(&screen);
    screen.key(Key::O);
    let outlines = coloured(&screen);
    assert!(outlines > 0 && outlines < filled / 2, "{outlines} of {filled}");
    screen.key(Key::O);
    screen.app.scene.hidden.insert(2);
    screen.frame(Vec::new());
    assert!(coloured(&screen) < filled * 2 / 3);
    screen.key(Key::L);
    assert_eq!(coloured(&screen), 0);
}

#[test]
fn the_projection_shows_what_lies_anywhere_along_it() {
    if no_gpu() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // One bright voxel at (7, 3, 9) in darkness.
    let dot = volume(&[12, 8, 11], |i| if i == (9 * 8 + 3) * 12 + 7 { 1000 } else { (i % 7) as i16 });
    let mut screen = Screen::file(&write(&folder.path().join("dot.nii"), &dot));
    screen.app.scene.smooth = false;
    screen.app.scene.window = Windowing::Range(0.0, 1000.0);
    screen.frame(Vec::new());
    screen.frame(Vec::new());
    let layout = screen.layout(3);
    let (pixels, [width, _]) = screen.pane(3);
    let at = |pixel| {
        let at: Vec2 = layout.place(pixel) - layout.rect().min;
        pixels[at.y as usize * width as usize + at.x as usize][0]
    };
    // Coronal: columns x, rows from above.
    assert_eq!((at([7, 11 - 1 - 9]), at([6, 1])), (255, 2));
    screen.app.scene.slab_mm = Some(1.0);
    screen.frame(Vec::new());
    screen.frame(Vec::new());
    let (pixels, _) = screen.pane(3);
    assert!(pixels.iter().all(|pixel| pixel[0] < 100), "the slab does not hold it");
}

#[test]
fn a_series_plays_and_its_curve_is_drawn() {
    if no_gpu() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let series = volume(&[6, 5, 4, 3], |i| (i / 120) as i16 * 100 + (i % 6) as i16);
    let mut screen = Screen::file(&write(&folder.path().join("series.nii"), &series));
    screen.key(Key::ArrowRight);
    screen.settle();
    assert_eq!((screen.app.scene.time, screen.app.study().unwrap().time), (1, 1));
    assert_eq!(screen.app.probe().value, Some(103.0));
    let began = std::time::Instant::now();
    while screen.app.curve().is_none_or(|curve| curve.voxel != screen.app.scene.cross) {
        assert!(began.elapsed().as_secs() < 20);
        screen.frame(Vec::new());
    }
    assert_eq!(screen.app.curve().unwrap().values, [3.0, 103.0, 203.0]);
    screen.keep("series");
}

#[test]
fn a_volume_beyond_the_device_is_coarse_at_first_and_fine_when_it_is_read() {
    if no_gpu() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (path, chest) = chest(folder.path());
    // A third of what it takes.
    let opening = Opening { paths: vec![path], most_bytes: Some(40_000), ..Opening::default() };
    let mut screen = Screen::open(opening);
    assert_eq!(screen.app.study().unwrap().coarse, 2);
    screen.app.scene.smooth = false;
    let shade = shade(screen.app.study().unwrap(), &screen.app.scene);
    let z = screen.app.scene.cross[2];
    let grey = |[u, v]: [u64; 2]| [shade.grey(f64::from(value(&chest, [u, v, z]))); 3];
    let began = std::time::Instant::now();
    let pixels = [[31, 25], [30, 24], [7, 9], [45, 41]];
    while pixels.iter().any(|pixel| colour(&screen, *pixel) != grey(*pixel)) {
        assert!(began.elapsed().as_secs() < 20, "the slice did not come");
        screen.frame(Vec::new());
    }
    let probe = screen.app.probe();
    assert_eq!(probe.value, Some(f64::from(value(&chest, probe.voxel))));
}
