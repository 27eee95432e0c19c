//! The keyboard.

use eframe::egui::{Context, Key};

use crate::scene::{Equalising, PaneView, Scene};
use crate::study::Study;

/// What each key does, as `?` lists it.
pub const LIST: [(&str, &str); 14] = [
    ("Up, Down, PgUp, PgDn", "next or previous slice of the pane under the mouse; with PgUp and PgDn ten"),
    ("Left, Right", "previous or next point in time"),
    ("R", "everything as it was when the volume was opened"),
    ("1 2 3 4", "axial, coronal, sagittal or projection alone; again: all four"),
    ("W", "next window: lung, bone, brain, ..., and back to the default"),
    ("I", "invert"),
    ("E", "equalise: all values, those within the window, off"),
    ("L", "labels on or off"),
    ("O", "labels as outlines or filled"),
    ("N", "radiological or neurological: which side left is on"),
    ("S", "smooth or single voxels"),
    ("Space", "play a time series, or stop"),
    ("Ctrl+O", "open"),
    ("?", "this list"),
];

/// What a key asked for beyond the scene.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Play or stop.
    Play,
    /// The list of keys.
    List,
    /// The open dialog.
    Open,
}

/// Does with the scene what keys ask for. `under` is the pane that the mouse is over.
pub fn handle(ctx: &Context, study: &Study, scene: &mut Scene, under: usize) -> Vec<Asked> {
    // Keys that are typed into a field are no commands.
    if ctx.text_edit_focused() {
        return Vec::new();
    }
    let mut asked = Vec::new();
    let pressed = |key: Key| ctx.input(|input| input.key_pressed(key) && !input.modifiers.command);
    let view = study.view(crate::app::plane_of(under, scene));
    for (key, by) in [(Key::ArrowUp, 1), (Key::ArrowDown, -1), (Key::PageUp, 10), (Key::PageDown, -10)] {
        if pressed(key) {
            scene.step(&view, by);
        }
    }
    let volumes = study.header().grid.shape.volumes();
    if pressed(Key::ArrowRight) {
        scene.time = (scene.time + 1) % volumes;
    }
    if pressed(Key::ArrowLeft) {
        scene.time = (scene.time + volumes - 1) % volumes;
    }
    for (number, key) in [Key::Num1, Key::Num2, Key::Num3, Key::Num4].into_iter().enumerate() {
        if pressed(key) {
            scene.large = if scene.large == Some(number) { None } else { Some(number) };
        }
    }
    if pressed(Key::R) {
        let labels = scene.labels;
        *scene = Scene { labels, ..Scene::of(study) };
        scene.panes = [PaneView::FIT; 4];
    }
    if pressed(Key::W) {
        scene.next_preset();
    }
    if pressed(Key::I) {
        scene.inverted = !scene.inverted;
    }
    if pressed(Key::E) {
        scene.equalising = match scene.equalising {
            Equalising::Off => Equalising::Global,
            Equalising::Global => Equalising::Range,
            Equalising::Range => Equalising::Off,
        };
    }
    for (key, flag) in [
        (Key::L, &mut scene.labels),
        (Key::O, &mut scene.outline),
        (Key::N, &mut scene.radiological),
        (Key::S, &mut scene.smooth),
    ] {
        if pressed(key) {
            *flag = !*flag;
        }
    }
    if pressed(Key::Space) && volumes > 1 {
        asked.push(Asked::Play);
    }
    if pressed(Key::Questionmark) || pressed(Key::F1) {
        asked.push(Asked::List);
    }
    if ctx.input(|input| input.key_pressed(Key::O) && input.modifiers.command) {
        asked.push(Asked::Open);
    }
    asked
}
