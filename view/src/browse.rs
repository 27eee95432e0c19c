//! The open dialog: folders and files, without a library of the desktop's.

use std::path::PathBuf;

use eframe::egui;

use crate::words::short_name;

/// A dialog that is open.
#[derive(Debug, Clone)]
pub struct Browser {
    folder: PathBuf,
    typed: String,
    /// Whether labels are wanted, not an image.
    pub for_labels: bool,
}

/// What was chosen.
#[derive(Debug, Clone, PartialEq)]
pub enum Choice {
    /// Nothing yet.
    Open,
    /// It was closed.
    Cancelled,
    /// A file or a folder.
    Chosen(PathBuf),
}

/// EntryScale of a folder that are listed.
const MOST: usize = 2000;

impl Browser {
    /// In the folder where the program was started, or of a file.
    pub fn new(near: Option<&PathBuf>, for_labels: bool) -> Self {
        let folder = near.and_then(|path| path.parent()).map(PathBuf::from).filter(|folder| folder.is_dir());
        let folder = folder.or_else(|| std::env::current_dir().ok()).unwrap_or_else(|| PathBuf::from("/"));
        Self { typed: String::new(), folder, for_labels }
    }

    /// Shows it.
    pub fn show(&mut self, ctx: &egui::Context) -> Choice {
        let mut choice = Choice::Open;
        let mut stays = true;
        let title = if self.for_labels { "Open labels" } else { "Open an image or a folder" };
        egui::Window::new(title).open(&mut stays).collapsible(false).default_size([480.0, 420.0]).show(ctx, |ui| {
            ui.horizontal(|ui| {
                if ui.button("Up").clicked()
                    && let Some(above) = self.folder.parent()
                {
                    self.folder = above.to_path_buf();
                }
                ui.label(self.folder.display().to_string());
            });
            ui.horizontal(|ui| {
                let line = ui.add(egui::TextEdit::singleline(&mut self.typed).hint_text("or type a path"));
                if (line.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter)) || ui.button("Open").clicked())
                    && !self.typed.trim().is_empty()
                {
                    choice = Choice::Chosen(self.folder.join(self.typed.trim()));
                }
            });
            if !self.for_labels && ui.button("Open this folder as a series").clicked() {
                choice = Choice::Chosen(self.folder.clone());
            }
            ui.separator();
            egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| match self.entries() {
                Ok(entries) => {
                    for (path, is_folder) in entries {
                        let name = short_name(&path);
                        let text = if is_folder { format!("{name}/") } else { name };
                        if ui.selectable_label(false, text).clicked() {
                            if is_folder {
                                self.folder = path;
                            } else {
                                choice = Choice::Chosen(path);
                            }
                        }
                    }
                }
                Err(error) => {
                    ui.label(format!("this folder cannot be read: {error}"));
                }
            });
        });
        if !stays && choice == Choice::Open { Choice::Cancelled } else { choice }
    }

    /// Folders first, then files, by name; hidden ones are left out.
    fn entries(&self) -> std::io::Result<Vec<(PathBuf, bool)>> {
        let mut all = Vec::new();
        for entry in std::fs::read_dir(&self.folder)?.take(MOST) {
            let path = entry?.path();
            if !short_name(&path).starts_with('.') {
                let is_folder = path.is_dir() && path.extension().is_none_or(|ending| ending != "zarr");
                all.push((path, is_folder));
            }
        }
        all.sort_by_key(|(path, is_folder)| (!is_folder, short_name(path).to_lowercase()));
        Ok(all)
    }
}
