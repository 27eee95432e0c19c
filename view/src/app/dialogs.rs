//! What stands around the panes: the line at the top, the dialogs, and files that are dropped.

use std::path::PathBuf;

use eframe::egui::{self, Color32, Ui};

use super::{App, plane_of};
use crate::browse::{Browser, Choice};
use crate::export;
use crate::keys;
use crate::load::Wanted;

impl App {
    /// Files that were dropped on the window: the first is opened, as labels while Shift is held.
    pub(super) fn dropped(&mut self, ctx: &egui::Context) {
        let (paths, shift) = ctx.input(|input| {
            let paths: Vec<PathBuf> = input.raw.dropped_files.iter().map(|file| file.path().to_path_buf()).collect();
            (paths, input.modifiers.shift)
        });
        if paths.is_empty() {
            return;
        }
        match paths.as_slice() {
            [labels] if shift => self.open_labels(ctx, labels.clone()),
            _ => self.open(ctx, Wanted::Files { paths, series: None, time: 0 }),
        }
    }

    /// The line at the top.
    pub(super) fn bar(&mut self, ui: &mut Ui, ctx: &egui::Context) {
        let near = self.study.as_ref().and_then(|study| study.paths.first().cloned());
        egui::Panel::top("bar").show(ui, |ui| {
            ui.horizontal(|ui| {
                if ui.button("Open…").clicked() {
                    self.browser = Some(Browser::new(near.as_ref(), false));
                }
                if ui.button("Labels…").clicked() && self.study.is_some() {
                    self.browser = Some(Browser::new(near.as_ref(), true));
                }
                if ui.button("Export…").clicked() && self.study.is_some() {
                    self.exporting = Some("slice.png".into());
                }
                if ui.button("Keys ?").clicked() {
                    self.listing = !self.listing;
                }
                if self.is_loading() {
                    ui.add(egui::ProgressBar::new(self.progress).desired_width(160.0).text("reading"));
                    ctx.request_repaint_after(std::time::Duration::from_millis(50));
                }
                if let Some(text) = self.message.clone() {
                    ui.colored_label(Color32::from_rgb(255, 120, 90), text);
                    if ui.small_button("✕").clicked() {
                        self.message = None;
                    }
                }
            });
        });
    }

    pub(super) fn dialogs(&mut self, ctx: &egui::Context) {
        if let Some(browser) = &mut self.browser {
            let for_labels = browser.for_labels;
            match browser.show(ctx) {
                Choice::Open => {}
                Choice::Cancelled => self.browser = None,
                Choice::Chosen(path) => {
                    self.browser = None;
                    match for_labels {
                        true => self.open_labels(ctx, path),
                        false => self.open(ctx, Wanted::Files { paths: vec![path], series: None, time: 0 }),
                    }
                }
            }
        }
        if let Some((paths, lines)) = self.several.clone() {
            let mut stays = true;
            egui::Window::new(format!("{} series in this folder", lines.len())).open(&mut stays).show(ctx, |ui| {
                for line in &lines {
                    if ui.selectable_label(false, &line.text).clicked() {
                        self.open(ctx, Wanted::Files { paths: paths.clone(), series: Some(line.number), time: 0 });
                    }
                }
            });
            if !stays {
                self.several = None;
            }
        }
        let mut listing = self.listing;
        egui::Window::new("Keys and mouse").open(&mut listing).resizable(false).show(ctx, |ui| {
            egui::Grid::new("keys").num_columns(2).striped(true).show(ui, |ui| {
                let mouse = [
                    ("left drag", "crosshair"),
                    ("right drag", "window: across the width, up and down the centre"),
                    ("middle drag", "move the picture"),
                    ("wheel, Ctrl+wheel", "slice, zoom"),
                    ("double-click", "one pane large, and back"),
                    ("drop a file", "open it; with Shift as labels"),
                ];
                for (key, text) in mouse.iter().chain(&keys::LIST) {
                    ui.monospace(*key);
                    ui.label(*text);
                    ui.end_row();
                }
            });
        });
        self.listing = listing;
        self.export(ctx);
    }

    /// The dialog that writes a pane.
    fn export(&mut self, ctx: &egui::Context) {
        let (Some(mut name), Some(study)) = (self.exporting.take(), &self.study) else { return };
        let plane = plane_of(self.under.min(2), &self.scene);
        let (mut stays, mut done) = (true, None);
        egui::Window::new(format!("Export the {} slice", plane.name())).open(&mut stays).show(ctx, |ui| {
            ui.horizontal(|ui| {
                ui.text_edit_singleline(&mut name);
                if ui.button("Write PNG").clicked() {
                    let written = export::png(study, self.labels.as_ref(), &self.scene, plane)
                        .and_then(|bytes| export::write(&PathBuf::from(&name), &bytes, false));
                    done = Some(written.map_or_else(|error| error.to_string(), |()| format!("{name} is written")));
                }
            });
            ui.small("The same pixels, byte for byte, as this command's:");
            for text in export::commands(study, self.labels.as_ref(), &self.scene, plane) {
                ui.horizontal_wrapped(|ui| {
                    if ui.small_button("copy").clicked() {
                        ui.ctx().copy_text(text.clone());
                    }
                    ui.monospace(&text);
                });
            }
        });
        match done {
            Some(text) => self.message = Some(text),
            None if stays => self.exporting = Some(name),
            None => {}
        }
    }

    pub(super) fn waiting(&mut self, ui: &mut Ui) {
        egui::CentralPanel::default().show(ui, |ui| {
            ui.centered_and_justified(|ui| {
                if self.is_loading() {
                    ui.label(format!("reading, {:.0} %", 100.0 * self.progress));
                } else if self.several.is_none() {
                    ui.label("Nothing is open: drop a file here, or open one.");
                }
            });
        });
    }
}
