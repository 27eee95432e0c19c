//! One pane as an egui widget: the picture, and over it letters, crosshair and scale bar; under the mouse it moves what the scene says.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use eframe::egui::{self, Align2, Color32, FontId, Pos2, Rect, Sense, Stroke, Ui, Vec2};
use eframe::egui_wgpu::{Callback as PaintCallback, RenderState, Renderer};
use hounsfield::engine::{Gpu, GpuError};
use hounsfield::ops::cut::{PlaneSection, Ray};
use hounsfield::ops::present::{Framing, PARTS};
use hounsfield::report::View;

use crate::fine::FinePlane;
use crate::scene::{PaneView, RayKind, Scene};
use crate::stage::{Callback, Equaliser, Overlay, Stage, Table, Wish};
use crate::study::Study;

/// What all panes of a study share on the device.
#[derive(Clone)]
pub struct Shared {
    /// Changes with the voxels.
    pub version: u64,
    /// Greys or colours.
    pub table: Table,
    /// Equalise first, with this.
    pub equalise: Option<(Equaliser, hounsfield::ops::equalize::Settings)>,
    /// Labels.
    pub overlay: Option<Overlay>,
}

impl Shared {
    /// For a volume of the caller's, in the window of a scene, without labels. Another `version` says that voxels or window have changed.
    ///
    /// # Errors
    /// As [`Table::of`].
    pub fn windowed(gpu: &Gpu, study: &Study, scene: &Scene, version: u64) -> hounsfield::Result<Self> {
        Ok(Self { version, table: Table::of(gpu, study, scene, version)?, equalise: None, overlay: None })
    }
}

/// Which voxels a pane shows.
#[derive(Debug, Clone)]
pub enum Content {
    /// The slice through the crosshair.
    Slice,
    /// The same, as the file has it, where the device holds fewer voxels.
    Fine(FinePlane),
    /// Rays.
    Rays,
}

impl Content {
    fn is_slice(&self) -> bool {
        !matches!(self, Self::Rays)
    }
}

/// A pane.
pub struct Pane {
    stage: Arc<Mutex<Stage>>,
}

/// What was done with a pane in a frame.
#[derive(Debug, Default)]
pub struct Done {
    /// It was clicked twice.
    pub doubled: bool,
    /// The window was dragged, by so many points to the right and down.
    pub windowed: Option<Vec2>,
    /// Something failed on the device.
    pub failure: Option<GpuError>,
}

/// Where the pixels of a plane lie on screen.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    rect: Rect,
    /// Points for each pixel of the plane.
    scale: Vec2,
    /// Where on screen the plane begins.
    origin: Pos2,
    size: [u64; 2],
}

impl Layout {
    /// A plane in a rectangle.
    pub fn of(rect: Rect, plane: &View, view: &PaneView) -> Self {
        let (size, mm) = (<[u64; 2]>::from(plane.size()), plane.pixel_mm().unwrap_or([1.0; 2]));
        let extent = [0, 1].map(|axis| size[axis] as f64 * mm[axis]);
        let fit = (f64::from(rect.width()) / extent[0]).min(f64::from(rect.height()) / extent[1]) * view.zoom;
        let scale = Vec2::new((mm[0] * fit) as f32, (mm[1] * fit) as f32);
        let middle = [0, 1].map(|axis| (0.5 + view.pan[axis]) * size[axis] as f64);
        let origin = rect.center() - Vec2::new(middle[0] as f32 * scale.x, middle[1] as f32 * scale.y);
        Self { rect, scale, origin, size }
    }

    /// Where the pane lies.
    pub fn rect(&self) -> Rect {
        self.rect
    }

    /// The pixel of the plane at a place on screen, held within the plane.
    pub fn pixel(&self, at: Pos2) -> [u64; 2] {
        let from = at - self.origin;
        let [u, v] = [from.x / self.scale.x, from.y / self.scale.y];
        [(u, 0), (v, 1)].map(|(value, axis)| (value.max(0.0) as u64).min(self.size[axis] - 1))
    }

    /// Where the middle of a pixel lies on screen.
    pub fn place(&self, [u, v]: [u64; 2]) -> Pos2 {
        self.origin + Vec2::new((u as f32 + 0.5) * self.scale.x, (v as f32 + 0.5) * self.scale.y)
    }

    /// The same for the device, in pixels of the screen; every `coarse`-th pixel of the plane lies there.
    fn framing(&self, points_per_pixel: f32, coarse: u64, scene: &Scene) -> Framing {
        let view = [self.rect.width(), self.rect.height()].map(|n| ((n / points_per_pixel).round() as u32).clamp(1, 8192));
        let size = self.size.map(|n| n.div_ceil(coarse) as u32);
        let parts = f64::from(PARTS) / coarse as f64;
        let step = [0, 1].map(|axis| {
            let own = f64::from(points_per_pixel) / f64::from([self.scale.x, self.scale.y][axis]) * parts;
            // All places of the picture are numbers of 32 bits.
            own.round().clamp(1.0, f64::from(i32::MAX / 2 / view[axis] as i32)) as i32
        });
        let from = [self.rect.left() - self.origin.x, self.rect.top() - self.origin.y];
        let from = [0, 1].map(|axis| {
            let own = f64::from(from[axis]) / f64::from([self.scale.x, self.scale.y][axis]) * parts;
            own.round().clamp(-1e9, 1e9) as i32
        });
        Framing { view, from, step, smooth: scene.smooth, outline: scene.outline, ..Framing::whole(size) }
    }
}

impl Pane {
    /// A pane on this device.
    pub fn new(gpu: Arc<Gpu>) -> Self {
        Self { stage: Arc::new(Mutex::new(Stage::new(gpu))) }
    }

    /// Its buffers and its texture.
    pub fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives egui's name for the texture back.
    pub fn release(&self, renderer: &mut Renderer) {
        self.stage().release(renderer);
    }

    /// Shows a plane in a rectangle, and does with the scene what the mouse asks for.
    #[allow(clippy::too_many_arguments)]
    pub fn show(
        &mut self,
        ui: &mut Ui,
        rect: Rect,
        (view, content, number): (&View, Content, usize),
        study: &Study,
        shared: &Shared,
        scene: &mut Scene,
        state: &RenderState,
    ) -> Done {
        let mut done = self.mouse(ui, (view, &content, number), &Layout::of(rect, view, &scene.panes[number]), scene);
        let layout = Layout::of(rect, view, &scene.panes[number]);
        let fine = if let Content::Fine(plane) = &content { Some(plane.clone()) } else { None };
        let framing = Framing {
            inverted: scene.inverted != (shared.equalise.is_some() && study.header().display.inverted),
            ..layout.framing(1.0 / ui.ctx().pixels_per_point(), if fine.is_some() { 1 } else { study.coarse }, scene)
        };
        let wish = Wish {
            volume: study.volume.clone(),
            version: shared.version,
            section: section(view, &content, study, scene),
            framing,
            table: shared.table.clone(),
            equalise: shared.equalise.clone(),
            // Labels lie on the device as the volume does.
            overlay: shared.overlay.clone().filter(|_| content.is_slice() && fine.is_none()),
            plane: fine,
        };
        let id = self.stage().texture(framing.view, state);
        let painter = ui.painter_at(rect);
        painter.add(PaintCallback::new_paint_callback(rect, Callback { stage: self.stage.clone(), wish }));
        painter.image(id, rect, Rect::from_min_max(Pos2::ZERO, Pos2::new(1.0, 1.0)), Color32::WHITE);
        let edges = view.edges().map(
            |[left, right, top, bottom]| {
                if mirrored(view, scene) { [right, left, top, bottom] } else { [left, right, top, bottom] }
            },
        );
        decorate(&painter, &layout, edges, view.pixel_mm().map(|mm| mm[0]));
        if content.is_slice() {
            crosshair(&painter, &layout, pixel_of(view, scene));
        }
        let caption = match content {
            Content::Slice | Content::Fine(_) => view.caption(scene.index(view)),
            Content::Rays => rays_caption(view, scene),
        };
        haloed(&painter, rect.left_bottom() + Vec2::new(8.0, -8.0), Align2::LEFT_BOTTOM, &caption, 12.0);
        done.failure = self.stage().failure();
        done
    }

    /// Left drag moves the crosshair, right drag the window, middle drag the picture; the wheel goes through slices, with Ctrl it zooms.
    fn mouse(&self, ui: &mut Ui, (view, content, number): (&View, &Content, usize), layout: &Layout, scene: &mut Scene) -> Done {
        let response = ui.interact(layout.rect, ui.scope_id().with(("pane", number)), Sense::click_and_drag());
        let mut done = Done { doubled: response.double_clicked(), ..Done::default() };
        let (pointer, down, delta, notches, zoom) = ui.input(|input| {
            let held = [egui::PointerButton::Primary, egui::PointerButton::Secondary, egui::PointerButton::Middle];
            let down = held.map(|button| input.pointer.button_down(button));
            (input.pointer.interact_pos(), down, input.pointer.delta(), notches(input), input.zoom_delta())
        });
        // A click may begin and end within one frame. Held since it was pressed here: positions, not sums of steps, so that no beginning of a drag is lost.
        let ours = response.is_pointer_button_down_on() || response.dragged();
        if let (Some(at), true, true) = (pointer, (ours && down[0]) || response.clicked(), content.is_slice()) {
            let [u, v] = layout.pixel(at);
            let u = if mirrored(view, scene) { view.size().0 - 1 - u } else { u };
            scene.cross = view.voxel(scene.index(view), u, v);
        }
        if ours && down[1] && delta != Vec2::ZERO {
            done.windowed = Some(delta);
        }
        let pane = &mut scene.panes[number];
        if ours && down[2] {
            let size = layout.size;
            pane.pan[0] -= f64::from(delta.x / layout.scale.x) / size[0] as f64;
            pane.pan[1] -= f64::from(delta.y / layout.scale.y) / size[1] as f64;
        }
        if let Some(at) = pointer.filter(|at| response.hovered() && layout.rect.contains(*at)) {
            if zoom != 1.0 {
                let before = at - layout.origin;
                pane.zoom = (pane.zoom * f64::from(zoom)).clamp(0.25, 64.0);
                // What lies under the mouse stays there.
                let place = [before.x / layout.scale.x, before.y / layout.scale.y];
                let from_middle = at - layout.rect.center();
                for (axis, offset) in [(0, from_middle.x), (1, from_middle.y)] {
                    let scale = f64::from([layout.scale.x, layout.scale.y][axis]) * f64::from(zoom);
                    pane.pan[axis] = (f64::from(place[axis]) - f64::from(offset) / scale) / layout.size[axis] as f64 - 0.5;
                }
            } else if content.is_slice() {
                scene.step(view, notches);
            }
        }
        done
    }
}

/// Notches that the wheel was turned by, up counted; a touchpad's points make one notch each forty.
fn notches(input: &egui::InputState) -> i64 {
    let turned = |event: &egui::Event| match event {
        egui::Event::MouseWheel { unit: egui::MouseWheelUnit::Line, delta, modifiers, .. } if !modifiers.command => delta.y,
        egui::Event::MouseWheel { unit: egui::MouseWheelUnit::Point, delta, modifiers, .. } if !modifiers.command => {
            delta.y / 40.0
        }
        _ => 0.0,
    };
    let sum: f32 = input.events.iter().map(turned).sum();
    if sum == 0.0 { 0 } else { sum.signum() as i64 * sum.abs().clamp(1.0, 20.0) as i64 }
}

/// Whether left and right of a plane are exchanged for the screen: only where left and right of the patient are.
pub fn mirrored(view: &View, scene: &Scene) -> bool {
    !scene.radiological && view.edges().is_some_and(|edges| edges[0] == 'R')
}

/// Which pixel of a plane the crosshair's voxel is, on screen.
fn pixel_of(view: &View, scene: &Scene) -> [u64; 2] {
    let (width, height) = view.size();
    let along =
        |(axis, flipped): (usize, bool), length: u64| if flipped { length - 1 - scene.cross[axis] } else { scene.cross[axis] };
    let u = along(view.columns(), width);
    [if mirrored(view, scene) { width - 1 - u } else { u }, along(view.rows(), height)]
}

/// The voxels that a pane shows, as they lie on the device.
fn section(view: &View, content: &Content, study: &Study, scene: &Scene) -> PlaneSection {
    let shape = study.shape_on_device();
    let axis = view.axis();
    let (columns, flipped) = view.columns();
    let slices = match content {
        Content::Slice | Content::Fine(_) => {
            let at = (scene.index(view) / study.coarse).min(shape[axis] - 1);
            at..at + 1
        }
        Content::Rays => match scene.slab_mm.zip(study.header().grid.geometry.as_ref()) {
            None => 0..shape[axis],
            Some((mm, geometry)) => {
                let thick = (mm / (geometry.spacing_mm[axis] * study.coarse as f64)).round().max(1.0) as u64;
                let at = scene.cross[axis] / study.coarse;
                at.saturating_sub((thick - 1) / 2)..(at + thick / 2 + 1).min(shape[axis])
            }
        },
    };
    let ray = match scene.ray {
        _ if content.is_slice() => Ray::Greatest,
        RayKind::Greatest => Ray::Greatest,
        RayKind::Least => Ray::Least,
        RayKind::Mean => Ray::Mean,
    };
    PlaneSection { shape, right: (columns, flipped != mirrored(view, scene)), down: view.rows(), slices, ray }
}

fn rays_caption(view: &View, scene: &Scene) -> String {
    let how = match scene.ray {
        RayKind::Greatest => "maximum",
        RayKind::Least => "minimum",
        RayKind::Mean => "mean",
    };
    let thick = scene.slab_mm.map_or_else(String::new, |mm| format!(" of {mm:.0} mm around the crosshair"));
    format!("{} {how}{thick}", view.plane().name())
}

/// Text that is read on any grey.
pub fn haloed(painter: &egui::Painter, at: Pos2, align: Align2, text: &str, size: f32) {
    let font = FontId::proportional(size);
    for (x, y) in [(-1.0, 0.0), (1.0, 0.0), (0.0, -1.0), (0.0, 1.0)] {
        painter.text(at + Vec2::new(x, y), align, text, font.clone(), Color32::from_black_alpha(200));
    }
    painter.text(at, align, text, font, Color32::from_gray(235));
}

/// Letters of the sides and a scale bar.
fn decorate(painter: &egui::Painter, layout: &Layout, edges: Option<[char; 4]>, mm: Option<f64>) {
    let rect = layout.rect;
    if let Some([left, right, top, bottom]) = edges {
        let put = |at: Pos2, align: Align2, letter: char| haloed(painter, at, align, &letter.to_string(), 16.0);
        put(rect.left_center() + Vec2::new(8.0, 0.0), Align2::LEFT_CENTER, left);
        put(rect.right_center() + Vec2::new(-8.0, 0.0), Align2::RIGHT_CENTER, right);
        put(rect.center_top() + Vec2::new(0.0, 6.0), Align2::CENTER_TOP, top);
        put(rect.center_bottom() + Vec2::new(0.0, -24.0), Align2::CENTER_BOTTOM, bottom);
    }
    let Some(mm) = mm else { return };
    let points_per_mm = layout.scale.x / mm as f32;
    // A round length of about a fifth of the pane.
    let wanted = f64::from(rect.width() / points_per_mm) / 5.0;
    let power = 10_f64.powf(wanted.log10().floor());
    let bar = [5.0, 2.0, 1.0].into_iter().map(|n| n * power).find(|bar| *bar <= wanted).unwrap_or(power);
    let text = if bar >= 10.0 { format!("{:.0} cm", bar / 10.0) } else { format!("{bar} mm") };
    let end = rect.right_bottom() + Vec2::new(-12.0, -12.0);
    let start = end - Vec2::new(bar as f32 * points_per_mm, 0.0);
    painter.line_segment([start, end], Stroke::new(5.0, Color32::from_black_alpha(200)));
    painter.line_segment([start, end], Stroke::new(3.0, Color32::from_gray(235)));
    haloed(painter, start + (end - start) / 2.0 - Vec2::new(0.0, 6.0), Align2::CENTER_BOTTOM, &text, 12.0);
}

fn crosshair(painter: &egui::Painter, layout: &Layout, pixel: [u64; 2]) {
    let at = layout.place(pixel);
    let rect = layout.rect;
    let stroke = Stroke::new(1.0, Color32::from_rgba_unmultiplied(90, 200, 120, 190));
    // A gap, so that the voxel itself is seen.
    let gap = (0.5 * layout.scale.x.max(layout.scale.y)).clamp(4.0, 40.0);
    painter.line_segment([Pos2::new(rect.left(), at.y), Pos2::new(at.x - gap, at.y)], stroke);
    painter.line_segment([Pos2::new(at.x + gap, at.y), Pos2::new(rect.right(), at.y)], stroke);
    painter.line_segment([Pos2::new(at.x, rect.top()), Pos2::new(at.x, at.y - gap)], stroke);
    painter.line_segment([Pos2::new(at.x, at.y + gap), Pos2::new(at.x, rect.bottom())], stroke);
}
