//! The window: panes, panel, what is open and what is being opened.

mod dialogs;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, channel};

use eframe::egui::{self, Color32, Rect, Ui, Vec2};
use eframe::egui_wgpu::RenderState;
use hounsfield::engine::Gpu;
use hounsfield::report::{Plane, colours};

use crate::browse::Browser;
use crate::device::{self, Lost};
use crate::fine::Fine;
use crate::greys;
use crate::keys::{self, Asked};
use crate::load::{Loader, News, SeriesLine, Wanted};
use crate::pane::{Content, Done, Layout, Pane, Shared, mirrored};
use crate::panel::{self, Curve, Probe, Shown};
use crate::scene::{Equalising, Scene, ValueClasses, Windowing};
use crate::stage::{Equaliser, Overlay, Table};
use crate::study::{LabelLayer, Study};

/// What a window begins with.
#[derive(Debug, Clone, Default)]
pub struct Opening {
    /// Files, or a folder; none for the phantom.
    pub paths: Vec<PathBuf>,
    /// Which of several series.
    pub series: Option<u32>,
    /// Labels.
    pub overlay: Option<PathBuf>,
    /// What to show of it.
    pub scene: Option<Scene>,
    /// Said once: that it came back after a lost device.
    pub note: Option<String>,
    /// Bytes that the voxels may take on the device; without it what the device allows.
    pub most_bytes: Option<u64>,
}

/// What follows from the scene and lies on the device.
struct Made {
    key: (u64, Windowing, ValueClasses, bool),
    table: Table,
}

/// The palette of the labels as it lies on the device.
struct Painted {
    key: (Vec<u32>, u32),
    overlay: Overlay,
}

/// The window.
pub struct App {
    gpu: Arc<Gpu>,
    state: RenderState,
    lost: Lost,
    device: String,
    /// What is shown, and how.
    pub scene: Scene,
    study: Option<Study>,
    labels: Option<LabelLayer>,
    panes: [Pane; 4],
    made: Option<Made>,
    equaliser: Option<(u64, Equaliser)>,
    painted: Option<Painted>,
    versions: u64,
    study_version: u64,
    loader: Option<Loader>,
    label_loader: Option<Loader>,
    wanted_overlay: Option<PathBuf>,
    given: Option<Scene>,
    progress: f32,
    message: Option<String>,
    several: Option<(Vec<PathBuf>, Vec<SeriesLine>)>,
    browser: Option<Browser>,
    listing: bool,
    exporting: Option<String>,
    playing: bool,
    probe: Probe,
    curve: Option<Curve>,
    curve_wanted: Option<CurveWanted>,
    under: usize,
    most_bytes: u64,
    shown: Vec<(usize, Rect)>,
    fine: [Fine; 3],
}

/// A curve that is being read.
struct CurveWanted {
    voxel: [u64; 3],
    version: u64,
    receiver: Receiver<Curve>,
}

/// The plane of a pane.
pub fn plane_of(pane: usize, scene: &Scene) -> Plane {
    match pane {
        0 => Plane::Axial,
        1 => Plane::Coronal,
        2 => Plane::Sagittal,
        _ => scene.projection.plane(),
    }
}

impl App {
    /// A window on this device, which begins to open what is wanted.
    pub fn new(state: &RenderState, ctx: &egui::Context, opening: Opening) -> Self {
        let (gpu, lost) = device::engine(state);
        let panes = [0; 4].map(|_| Pane::new(gpu.clone()));
        let wanted = match opening.paths.as_slice() {
            [] => Wanted::Phantom,
            paths => Wanted::Files {
                paths: paths.to_vec(),
                series: opening.series,
                time: opening.scene.as_ref().map_or(0, |s| s.time),
            },
        };
        let mut app = Self {
            device: device::described(state),
            state: state.clone(),
            gpu,
            lost,
            scene: Scene::default(),
            study: None,
            labels: None,
            panes,
            made: None,
            equaliser: None,
            painted: None,
            versions: 0,
            study_version: 0,
            loader: None,
            label_loader: None,
            wanted_overlay: opening.overlay,
            given: opening.scene,
            progress: 0.0,
            message: opening.note,
            several: None,
            browser: None,
            listing: false,
            exporting: None,
            playing: false,
            probe: Probe::default(),
            curve: None,
            curve_wanted: None,
            under: 0,
            most_bytes: opening.most_bytes.unwrap_or_else(|| device::most_bytes(state)),
            shown: Vec::new(),
            fine: Default::default(),
        };
        app.open(ctx, wanted);
        app
    }

    /// The volume that is open.
    pub fn study(&self) -> Option<&Study> {
        self.study.as_ref()
    }

    /// Its labels.
    pub fn labels(&self) -> Option<&LabelLayer> {
        self.labels.as_ref()
    }

    /// What is under the crosshair.
    pub fn probe(&self) -> &Probe {
        &self.probe
    }

    /// What is said to the user, if anything is.
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// The panes.
    pub fn panes(&self) -> &[Pane; 4] {
        &self.panes
    }

    /// How the plane of a pane lies on the screen, if the pane was seen in the last frame.
    pub fn layout(&self, number: usize) -> Option<Layout> {
        let view = self.study.as_ref()?.view(plane_of(number, &self.scene));
        let (_, rect) = self.shown.iter().find(|(own, _)| *own == number)?;
        Some(Layout::of(*rect, &view, &self.scene.panes[number]))
    }

    /// Values over time at the crosshair, once they are read.
    pub fn curve(&self) -> Option<&Curve> {
        self.curve.as_ref()
    }

    /// Whether something is being opened.
    pub fn is_loading(&self) -> bool {
        self.loader.is_some() || self.label_loader.is_some()
    }

    /// Whether a folder waits for a choice among its series.
    pub fn series(&self) -> Option<&[SeriesLine]> {
        self.several.as_ref().map(|(_, lines)| lines.as_slice())
    }

    /// Whether the device is gone.
    pub fn is_lost(&self) -> bool {
        self.lost.load(Ordering::SeqCst)
    }

    /// What a window needs to begin where this one is.
    pub fn opening(&self) -> Opening {
        let (paths, series) = self.study.as_ref().map_or((Vec::new(), None), |study| (study.paths.clone(), study.series));
        let overlay = self.labels.as_ref().map(|layer| layer.path.clone());
        Opening { paths, series, overlay, scene: Some(self.scene.clone()), note: None, most_bytes: Some(self.most_bytes) }
    }

    /// Opens something else.
    pub fn open(&mut self, ctx: &egui::Context, wanted: Wanted) {
        let ctx = ctx.clone();
        self.progress = 0.0;
        self.several = None;
        self.loader = Some(Loader::volume(self.gpu.clone(), wanted, self.most_bytes, move || ctx.request_repaint()));
    }

    /// Opens labels of what is open.
    pub fn open_labels(&mut self, ctx: &egui::Context, path: PathBuf) {
        let Some(study) = &self.study else { return };
        let ctx = ctx.clone();
        let header = study.header().clone();
        self.label_loader = Some(Loader::labels(self.gpu.clone(), path, header, study.coarse, move || ctx.request_repaint()));
    }

    fn hear(&mut self, ctx: &egui::Context) {
        let news = |loader: &Option<Loader>| loader.as_ref().map(Loader::news).unwrap_or_default();
        for item in news(&self.loader).into_iter().chain(news(&self.label_loader)) {
            match item {
                News::Progress(share) => self.progress = share,
                News::Several(paths, lines) => {
                    self.loader = None;
                    self.several = Some((paths, lines));
                }
                News::Opened(study) => self.opened(ctx, *study),
                News::Labels(layer) => {
                    self.label_loader = None;
                    self.painted = None;
                    self.scene.labels = true;
                    self.labels = Some(*layer);
                    self.probe = Probe::default();
                }
                News::Failed(text) => {
                    if self.loader.take().is_none() {
                        self.label_loader = None;
                    }
                    self.given = None;
                    self.message = Some(text);
                }
            }
        }
    }

    fn opened(&mut self, ctx: &egui::Context, study: Study) {
        self.loader = None;
        let same = self.study.as_ref().is_some_and(|old| old.paths == study.paths && old.series == study.series);
        match self.given.take() {
            Some(scene) => {
                self.scene = scene;
                self.scene.fit(&study);
            }
            None if same => self.scene.fit(&study),
            None => {
                self.scene = Scene::of(&study);
                self.labels = None;
                self.curve = None;
            }
        }
        self.versions += 1;
        self.study_version = self.versions;
        self.equaliser = None;
        self.probe = Probe::default();
        self.study = Some(study);
        if let Some(path) = self.wanted_overlay.take() {
            self.open_labels(ctx, path);
        }
    }

    /// Draws a frame, and does what was asked for in it.
    pub fn show(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        self.hear(&ctx);
        self.dropped(&ctx);
        if let Some(study) = &self.study {
            for asked in keys::handle(&ctx, study, &mut self.scene, self.under) {
                match asked {
                    Asked::Play => self.playing = !self.playing,
                    Asked::List => self.listing = !self.listing,
                    Asked::Open => self.browser = Some(Browser::new(study.paths.first(), false)),
                }
            }
        }
        self.bar(ui, &ctx);
        self.dialogs(&ctx);
        if self.study.is_none() {
            self.waiting(ui);
            return;
        }
        self.look();
        self.panel(ui);
        let shared = match self.shared() {
            Ok(shared) => shared,
            Err(text) => {
                // What cannot be shown is switched off, and why is said.
                self.message = Some(text);
                self.scene.classes = ValueClasses::Off;
                self.scene.equalising = Equalising::Off;
                ctx.request_repaint();
                return;
            }
        };
        self.draw(ui, &shared);
        self.play(&ctx);
    }

    /// What is under the crosshair, where that has changed.
    fn look(&mut self) {
        let Some(study) = &self.study else { return };
        let voxel = self.scene.cross;
        if (self.probe.voxel, self.probe.time) == (voxel, study.time) && self.probe.value.is_some() {
            return;
        }
        let on_device = voxel.map(|n| n / study.coarse);
        let [nx, ny, _] = study.shape_on_device();
        let at = (on_device[2] * ny + on_device[1]) * nx + on_device[0];
        let value = match study.coarse {
            1 => device::voxel(&self.gpu, &study.volume, at).map(|stored| study.rescale.real(stored)),
            _ => study.real(voxel, study.time),
        };
        let label = self.labels.as_ref().and_then(|layer| device::voxel(&self.gpu, &layer.volume, at)).map(|label| label as u32);
        self.probe = Probe { voxel, time: study.time, value, label };
        self.follow_curve();
    }

    /// Reads the curve at the crosshair, in the background.
    fn follow_curve(&mut self) {
        let Some(study) = &self.study else { return };
        let volumes = study.header().grid.shape.volumes();
        if volumes < 2 || self.curve.as_ref().is_some_and(|curve| curve.voxel == self.scene.cross) {
            return;
        }
        let (voxel, version) = (self.scene.cross, self.study_version);
        if self.curve_wanted.as_ref().is_some_and(|wanted| (wanted.voxel, wanted.version) == (voxel, version)) {
            return;
        }
        let (sender, receiver) = channel();
        let source = study.source.clone();
        std::thread::spawn(move || {
            let header = source.header();
            let (dtype, [nx, ny, nz]) = (header.meaning.dtype, header.grid.shape.xyz());
            let mut bytes = vec![0; dtype.bytes()];
            let values = (0..volumes).map(|time| {
                let slice = time * nz + voxel[2];
                match source.read((slice * ny + voxel[1]) * nx + voxel[0], &mut bytes) {
                    Ok(()) => header.meaning.rescale.of_slice(slice).real(dtype.decode(&bytes)),
                    Err(_) => f64::NAN,
                }
            });
            // Nobody listens if the crosshair has moved on.
            let _ = sender.send(Curve { voxel, values: values.collect() });
        });
        self.curve_wanted = Some(CurveWanted { voxel, version, receiver });
    }

    fn panel(&mut self, ui: &mut Ui) {
        if let Some(wanted) = &self.curve_wanted {
            match wanted.receiver.try_recv() {
                Ok(curve) => {
                    self.curve = Some(curve);
                    self.curve_wanted = None;
                    self.follow_curve();
                }
                Err(_) => ui.ctx().request_repaint_after(std::time::Duration::from_millis(50)),
            }
        }
        let Some(study) = &self.study else { return };
        let shown =
            Shown { study, labels: self.labels.as_ref(), probe: &self.probe, curve: self.curve.as_ref(), device: &self.device };
        egui::Panel::right("panel").default_size(310.0).show(ui, |ui| panel::show(ui, &shown, &mut self.scene));
    }

    /// What panes share on the device, made anew where the scene has changed.
    fn shared(&mut self) -> Result<Shared, String> {
        let Some(study) = &self.study else { return Err("nothing is open".into()) };
        let words = |error: &dyn std::fmt::Display| error.to_string();
        let key = (self.study_version, self.scene.window.clone(), self.scene.classes, self.scene.inverted);
        if self.made.as_ref().is_none_or(|made| made.key != key) {
            self.versions += 1;
            let table = Table::of(&self.gpu, study, &self.scene, self.versions).map_err(|e| words(&e))?;
            self.made = Some(Made { key, table });
        }
        let Some(made) = &self.made else { return Err("no table".into()) };
        let (mut table, mut equalise) = (made.table.clone(), None);
        if self.scene.equalising != Equalising::Off && !table.coloured {
            let Some(counts) = &study.counts else {
                return Err("real numbers are equalised by hounsfield equalize, which counts them in bins".into());
            };
            let fresh = self.equaliser.as_ref().is_none_or(|(version, _)| *version != self.study_version);
            if fresh {
                self.equaliser = Some((self.study_version, Equaliser::new(&self.gpu, counts).map_err(|e| words(&e))?));
            }
            let Some((_, equaliser)) = &self.equaliser else { return Err("no counts".into()) };
            let shade = greys::shade(study, &self.scene);
            let window = (self.scene.equalising == Equalising::Range).then_some(&shade.window);
            equalise = Some((equaliser.clone(), greys::equalisation(study, window)));
            // Another range is another table.
            table = equaliser.table(made.table.version << 2 | self.scene.equalising as u64);
        }
        let overlay = match &self.labels {
            Some(layer) if self.scene.labels => {
                Some(paint(&self.gpu, layer, &self.scene, &mut self.painted, &mut self.versions)?)
            }
            _ => None,
        };
        Ok(Shared { version: self.study_version, table, equalise, overlay })
    }

    fn draw(&mut self, ui: &mut Ui, shared: &Shared) {
        let Some(study) = &self.study else { return };
        let scene = &mut self.scene;
        let (panes, state) = (&mut self.panes, &self.state);
        let mut results: Vec<(usize, Done)> = Vec::new();
        let mut under = self.under;
        egui::CentralPanel::default().frame(egui::Frame::NONE.fill(Color32::BLACK)).show(ui, |ui| {
            let all = ui.available_rect_before_wrap();
            self.shown = rects(all, scene.large);
            for &(number, rect) in &self.shown {
                let view = study.view(plane_of(number, scene));
                let content = match (number, &shared.overlay) {
                    (3, _) => Content::Rays,
                    // Of a volume that does not fit, slices come from the file as soon as they are read.
                    (_, None) if study.coarse > 1 => {
                        let pick = (view.plane(), scene.index(&view), mirrored(&view, scene));
                        let plane = self.fine[number].plane((&self.gpu, ui.ctx()), (study, shared.version), pick);
                        plane.map_or(Content::Slice, Content::Fine)
                    }
                    _ => Content::Slice,
                };
                let hovered = ui.rect_contains_pointer(rect);
                if hovered {
                    under = number;
                }
                let done = panes[number].show(ui, rect, (&view, content, number), study, shared, scene, state);
                results.push((number, done));
            }
        });
        self.under = under;
        for (number, done) in results {
            if done.doubled {
                scene.large = if scene.large.is_some() { None } else { Some(number) };
            }
            if let Some(delta) = done.windowed {
                drag_window(study, scene, delta);
            }
            if let Some(error) = done.failure {
                self.message = Some(error.to_string());
            }
        }
    }

    /// Goes on in a series: what is on the device is shown until the next is.
    fn play(&mut self, ctx: &egui::Context) {
        let Some(study) = &self.study else { return };
        let volumes = study.header().grid.shape.volumes();
        if self.playing && self.loader.is_none() && self.scene.time == study.time && volumes > 1 {
            self.scene.time = (study.time + 1) % volumes;
        }
        if self.scene.time != study.time && self.loader.is_none() {
            let wanted = Wanted::Files { paths: study.paths.clone(), series: study.series, time: self.scene.time };
            self.open(ctx, wanted);
        }
    }
}

/// Moves the window: across its width, up and down its centre.
fn drag_window(study: &Study, scene: &mut Scene, delta: Vec2) {
    let window = greys::shade(study, scene).window;
    let unit = window.width.max(1e-9) / 200.0;
    let width = (window.width + f64::from(delta.x) * unit).max(1e-6);
    let center = window.center + f64::from(delta.y) * unit;
    scene.window = Windowing::Range(center - width / 2.0, center + width / 2.0);
}

/// Where panes lie: four, or one.
fn rects(all: Rect, large: Option<usize>) -> Vec<(usize, Rect)> {
    if let Some(number) = large {
        return vec![(number, all)];
    }
    const GAP: f32 = 2.0;
    let size = Vec2::new((all.width() - GAP) / 2.0, (all.height() - GAP) / 2.0);
    let at = |column: f32, row: f32| {
        // Whole points, so that pixels of the pane are pixels of the screen.
        let corner = all.min + Vec2::new(column * (size.x + GAP), row * (size.y + GAP));
        Rect::from_min_size(corner.round(), size.floor())
    };
    vec![(0, at(0.0, 0.0)), (1, at(1.0, 0.0)), (2, at(0.0, 1.0)), (3, at(1.0, 1.0))]
}

/// The palette on the device, made anew where the scene has changed.
fn paint(
    gpu: &Gpu,
    layer: &LabelLayer,
    scene: &Scene,
    painted: &mut Option<Painted>,
    versions: &mut u64,
) -> Result<Overlay, String> {
    let key = (scene.hidden.iter().copied().collect::<Vec<_>>(), scene.opacity.to_bits());
    if let Some(own) = painted.as_ref().filter(|own| own.key == key) {
        return Ok(own.overlay.clone());
    }
    let most = layer.voxels.keys().max().copied().unwrap_or(0);
    let share = (scene.opacity.clamp(0.0, 1.0) * 255.0).round() as u32;
    let colour = |label: u32| {
        let [r, g, b] = colours::label(u64::from(label)).map(u32::from);
        if label == 0 || scene.hidden.contains(&label) { 0 } else { r | g << 8 | b << 16 | share << 24 }
    };
    let words: Vec<u32> = (0..=most).map(colour).collect();
    let palette = gpu.storage_with("view", bytemuck::cast_slice(&words), 4).map_err(|e| e.to_string())?;
    *versions += 1;
    let overlay = Overlay { volume: layer.volume.clone(), palette, colours: most + 1, version: *versions };
    *painted = Some(Painted { key, overlay: overlay.clone() });
    Ok(overlay)
}
