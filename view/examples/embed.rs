//! A plane of a volume as a widget in somebody else's window, on their device: `cargo run --release -p hounsfield-view --example embed`.
//!
//! The volume is already in a buffer of the device; the pane cuts its picture out of it in the encoder of the frame. Nothing is copied, nothing is read back.

use std::sync::Arc;

use eframe::egui;
use hounsfield::engine::{Gpu, GpuVolume};
use hounsfield::phantom::Phantom;
use hounsfield::report::Plane;
use hounsfield_view::{Content, Pane, Scene, Shared, Study, Windowing, device};

struct Host {
    state: eframe::egui_wgpu::RenderState,
    gpu: Arc<Gpu>,
    study: Study,
    scene: Scene,
    shared: Shared,
    pane: Pane,
}

impl Host {
    fn new(state: &eframe::egui_wgpu::RenderState) -> Result<Self, hounsfield::Error> {
        // The caller's own device and queue.
        let gpu = Arc::new(Gpu::from_device(state.device.clone(), state.queue.clone()));
        let phantom = Arc::new(Phantom { size: [256, 256, 64], ..Phantom::default() }.volume()?);
        let volume = GpuVolume::upload(&gpu, phantom.block())?;
        let study = Study::of("phantom", phantom, volume);
        let scene = Scene { window: Windowing::Preset("soft-tissue".into()), ..Scene::of(&study) };
        let shared = Shared::windowed(&gpu, &study, &scene, 1)?;
        Ok(Self { state: state.clone(), pane: Pane::new(gpu.clone()), gpu, study, scene, shared })
    }
}

impl eframe::App for Host {
    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        egui::Panel::top("host").show(ui, |ui| ui.label("Somebody else's program, with a pane of hounsfield's inside."));
        egui::CentralPanel::default().show(ui, |ui| {
            let rect = ui.available_rect_before_wrap();
            let view = self.study.view(Plane::Axial);
            let before = self.scene.window.clone();
            let Self { pane, study, shared, scene, state, .. } = self;
            let done = pane.show(ui, rect, (&view, Content::Slice, 0), study, shared, scene, state);
            if let Some(error) = done.failure {
                eprintln!("the picture failed: {error}");
            }
            // The host decides what a drag of the window means; here, a key changes it.
            if ui.input(|input| input.key_pressed(egui::Key::W)) {
                self.scene.next_preset();
            }
            if self.scene.window != before
                && let Ok(shared) = Shared::windowed(&self.gpu, &self.study, &self.scene, self.shared.version + 1)
            {
                self.shared = shared;
            }
        });
    }
}

fn main() -> eframe::Result {
    let options = eframe::NativeOptions { wgpu_options: device::setup(None), ..eframe::NativeOptions::default() };
    eframe::run_native(
        "embed",
        options,
        Box::new(|context| {
            let state = context.wgpu_render_state.as_ref().ok_or("no device")?;
            Ok(Box::new(Host::new(state)?))
        }),
    )
}
