//! A pane in somebody else's window: the caller's device, the caller's buffers, no copy of the volume.

use std::sync::Arc;

use eframe::egui;
use hounsfield::engine::{Gpu, GpuVolume};
use hounsfield::report::Plane;
use hounsfield_view::{Content, Pane, Scene, Shared, Study, Windowing};

use crate::support::{no_gpu, state, volume};

#[test]
fn the_pane_takes_the_buffers_that_it_is_given() {
    if no_gpu() {
        return;
    }
    let state = state();
    let gpu = Arc::new(Gpu::from_device(state.device.clone(), state.queue.clone()));
    let ramp = Arc::new(volume(&[16, 16, 4], |i| (i % 16) as i16 * 10));
    let buffers = GpuVolume::upload(&gpu, ramp.block()).unwrap();
    let study = Study::of("ramp", ramp, buffers.clone());
    assert!(study.volume.chunks()[0].buffer == buffers.chunks()[0].buffer, "the same buffer, not a copy");
    let mut scene = Scene { window: Windowing::Range(0.0, 150.0), smooth: false, ..Scene::of(&study) };
    let shared = Shared::windowed(&gpu, &study, &scene, 1).unwrap();
    let mut pane = Pane::new(gpu);
    let ctx = egui::Context::default();
    let rect = egui::Rect::from_min_size(egui::Pos2::ZERO, egui::Vec2::splat(160.0));
    let view = study.view(Plane::Axial);
    let input = egui::RawInput { screen_rect: Some(rect), ..egui::RawInput::default() };
    let mut output = ctx.run_ui(input, |ui| {
        let done = pane.show(ui, rect, (&view, Content::Slice, 0), &study, &shared, &mut scene, &state);
        assert!(done.failure.is_none());
    });
    let mut renderer = state.renderer.write();
    let jobs = ctx.tessellate(output.shapes, 1.0);
    let screen = eframe::egui_wgpu::ScreenDescriptor { size_in_pixels: [160; 2], pixels_per_point: 1.0 };
    let mut encoder = state.device.create_command_encoder(&Default::default());
    renderer.update_buffers(&state.device, &state.queue, &mut encoder, &jobs, &screen);
    state.queue.submit([encoder.finish()]);
    assert!(pane.stage().failure().is_none());
    assert_eq!(pane.stage().cuts(), 1);
    pane.release(&mut renderer);
    output.textures_delta.clear();
}
