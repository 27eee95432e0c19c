//! A window without a display: the app, egui's renderer, a texture instead of a surface; and volumes to show.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use eframe::egui::{self, Event, Key, Modifiers, MouseWheelUnit, PointerButton, Pos2, Rect, Vec2};
use eframe::egui_wgpu::{RenderState, RendererOptions, ScreenDescriptor, WgpuConfiguration};
use eframe::wgpu;
use hounsfield::io::output::{Target, publish};
use hounsfield::io::{self, WriteOptions};
use hounsfield::phantom::Phantom;
use hounsfield::volume::{Dtype, Geometry, Header, Position, Shape, Unit, Volume};
use hounsfield_view::{App, Layout, Opening, device};

/// Whether there is an adapter; tests insist on one unless this says that there is none.
pub fn no_gpu() -> bool {
    let none = std::env::var_os("HOUNSFIELD_NO_GPU").is_some_and(|v| v == "1");
    if none {
        eprintln!("skipped: HOUNSFIELD_NO_GPU=1");
    }
    none
}

/// A device without a window.
pub fn state() -> RenderState {
    let config: WgpuConfiguration = device::setup(None);
    let instance = pollster::block_on(config.wgpu_setup.new_instance());
    let created = RenderState::create(&config, &instance, None, RendererOptions::PREDICTABLE);
    pollster::block_on(created).expect("tests need an adapter: run tests/run, which installs one, or set HOUNSFIELD_NO_GPU=1")
}

/// The app on a screen of its own.
pub struct Screen {
    pub state: RenderState,
    pub ctx: egui::Context,
    pub app: App,
    target: wgpu::Texture,
    size: [u32; 2],
    time: f64,
    modifiers: Modifiers,
}

/// Columns and rows of the screen.
pub const SIZE: [u32; 2] = [1000, 700];

impl Screen {
    /// Opens something, and draws until it is there.
    pub fn open(opening: Opening) -> Self {
        let mut screen = Self::begin(opening);
        screen.settle();
        screen
    }

    /// Opens something, and draws nothing yet.
    pub fn begin(opening: Opening) -> Self {
        let (state, ctx) = (state(), egui::Context::default());
        let app = App::new(&state, &ctx, opening);
        let target = state.device.create_texture(&wgpu::TextureDescriptor {
            label: Some("screen"),
            size: wgpu::Extent3d { width: SIZE[0], height: SIZE[1], depth_or_array_layers: 1 },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: state.target_format,
            usage: wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::COPY_SRC,
            view_formats: &[],
        });
        Self { state, ctx, app, target, size: SIZE, time: 0.0, modifiers: Modifiers::NONE }
    }

    /// A file.
    pub fn file(path: &Path) -> Self {
        Self::open(Opening { paths: vec![path.to_path_buf()], ..Opening::default() })
    }

    /// Draws until nothing is being opened any more.
    pub fn settle(&mut self) {
        let began = Instant::now();
        loop {
            self.frame(Vec::new());
            if !self.app.is_loading() {
                break;
            }
            assert!(began.elapsed() < Duration::from_secs(120), "it is still loading");
            std::thread::sleep(Duration::from_millis(5));
        }
        // One more, so that all that was asked for in the last one is seen.
        self.frame(Vec::new());
        self.frame(Vec::new());
    }

    /// Draws a frame in which these events arrive.
    pub fn frame(&mut self, events: Vec<Event>) {
        self.time += 1.0 / 30.0;
        let [width, height] = self.size;
        let input = egui::RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, Vec2::new(width as f32, height as f32))),
            time: Some(self.time),
            events,
            ..egui::RawInput::default()
        };
        let app = &mut self.app;
        let mut output = self.ctx.run_ui(input, |ui| app.show(ui));
        let (device, queue) = (&self.state.device, &self.state.queue);
        let mut renderer = self.state.renderer.write();
        for (id, deltas) in &output.textures_delta.set {
            deltas.iter().for_each(|delta| renderer.update_texture(device, queue, *id, delta));
        }
        let jobs = self.ctx.tessellate(output.shapes, output.pixels_per_point);
        let screen = ScreenDescriptor { size_in_pixels: self.size, pixels_per_point: output.pixels_per_point };
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let mut buffers = renderer.update_buffers(device, queue, &mut encoder, &jobs, &screen);
        let view = self.target.create_view(&wgpu::TextureViewDescriptor::default());
        {
            let pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
                color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                    view: &view,
                    depth_slice: None,
                    resolve_target: None,
                    ops: wgpu::Operations { load: wgpu::LoadOp::Clear(wgpu::Color::BLACK), store: wgpu::StoreOp::Store },
                })],
                ..wgpu::RenderPassDescriptor::default()
            });
            renderer.render(&mut pass.forget_lifetime(), &jobs, &screen);
        }
        buffers.push(encoder.finish());
        queue.submit(buffers);
        for id in &output.textures_delta.free {
            renderer.free_texture(id);
        }
        output.textures_delta.clear();
    }

    /// What is on the screen: RGBA of each pixel.
    pub fn pixels(&self) -> Vec<[u8; 4]> {
        let swapped = matches!(self.state.target_format, wgpu::TextureFormat::Bgra8Unorm | wgpu::TextureFormat::Bgra8UnormSrgb);
        let pixels = read(&self.state, &self.target);
        pixels.into_iter().map(|[a, b, c, d]| if swapped { [c, b, a, d] } else { [a, b, c, d] }).collect()
    }

    /// What a pane shows.
    pub fn pane(&self, number: usize) -> (Vec<[u8; 4]>, [u32; 2]) {
        let stage = self.app.panes()[number].stage();
        let texture = stage.wgpu_texture().expect("the pane has a picture");
        (read(&self.state, texture), [texture.width(), texture.height()])
    }

    /// Writes what is on the screen to a PNG file, for people to look at, into the folder that HOUNSFIELD_VIEW_PICTURES names.
    pub fn keep(&self, name: &str) {
        let Some(folder) = std::env::var_os("HOUNSFIELD_VIEW_PICTURES").map(PathBuf::from) else { return };
        let path = folder.join(format!("{name}.png"));
        let bytes: Vec<u8> = self.pixels().into_iter().flatten().collect();
        image::save_buffer(path, &bytes, self.size[0], self.size[1], image::ColorType::Rgba8).expect("a picture");
    }

    pub fn point_at(&mut self, at: Pos2) {
        self.frame(vec![Event::PointerMoved(at)]);
    }

    fn button(&mut self, at: Pos2, button: PointerButton, pressed: bool) {
        let modifiers = self.modifiers;
        self.frame(vec![Event::PointerButton { pos: at, button, pressed, modifiers }]);
    }

    pub fn click(&mut self, at: Pos2) {
        self.point_at(at);
        self.button(at, PointerButton::Primary, true);
        self.button(at, PointerButton::Primary, false);
        self.frame(Vec::new());
    }

    /// All of a click in one frame.
    pub fn click_at_once(&mut self, pos: Pos2) {
        let event = |pressed| Event::PointerButton { pos, button: PointerButton::Primary, pressed, modifiers: Modifiers::NONE };
        self.frame(vec![Event::PointerMoved(pos), event(true), event(false)]);
        self.frame(Vec::new());
    }

    /// Drags by steps, as a hand does.
    pub fn drag(&mut self, from: Pos2, to: Pos2, button: PointerButton) {
        self.point_at(from);
        self.button(from, button, true);
        for i in 1..=10 {
            self.point_at(from + (to - from) * (i as f32 / 10.0));
        }
        self.button(to, button, false);
        self.frame(Vec::new());
    }

    pub fn wheel(&mut self, at: Pos2, lines: f32, modifiers: Modifiers) {
        self.point_at(at);
        self.modifiers = modifiers;
        self.frame(vec![Event::ModifiersChanged(modifiers)]);
        self.frame(vec![Event::MouseWheel {
            unit: MouseWheelUnit::Line,
            delta: Vec2::new(0.0, lines),
            phase: egui::TouchPhase::Move,
            source: egui::MouseWheelSource::Wheel,
            modifiers,
        }]);
        // A zoom is spread over some frames.
        (0..20).for_each(|_| self.frame(Vec::new()));
        self.modifiers = Modifiers::NONE;
        self.frame(vec![Event::ModifiersChanged(Modifiers::NONE)]);
    }

    pub fn key(&mut self, key: Key) {
        let event = |pressed| Event::Key { key, physical_key: None, pressed, repeat: false, modifiers: Modifiers::NONE };
        self.frame(vec![event(true)]);
        self.frame(vec![event(false)]);
        self.frame(Vec::new());
    }

    /// Where a pane lies, and how its plane lies in it. The panel takes the right, the bar the top.
    pub fn layout(&self, number: usize) -> Layout {
        self.app.layout(number).expect("the pane is on the screen")
    }
}

/// The texels of a texture of four bytes each.
fn read(state: &RenderState, texture: &wgpu::Texture) -> Vec<[u8; 4]> {
    let [width, height] = [texture.width(), texture.height()];
    let pitch = (4 * width).next_multiple_of(256);
    let buffer = state.device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: u64::from(pitch) * u64::from(height),
        usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
        mapped_at_creation: false,
    });
    let mut encoder = state.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    let layout = wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(pitch), rows_per_image: None };
    encoder.copy_texture_to_buffer(
        texture.as_image_copy(),
        wgpu::TexelCopyBufferInfo { buffer: &buffer, layout },
        texture.size(),
    );
    state.queue.submit([encoder.finish()]);
    buffer.slice(..).map_async(wgpu::MapMode::Read, |mapped| mapped.expect("it can be read"));
    state.device.poll(wgpu::PollType::wait_indefinitely()).expect("the device answers");
    let bytes = buffer.slice(..).get_mapped_range().expect("it is mapped").to_vec();
    let rows = bytes.chunks_exact(pitch as usize);
    rows.flat_map(|row| row.as_chunks::<4>().0[..width as usize].to_vec()).collect()
}

/// Writes a volume as a file.
pub fn write(path: &Path, volume: &Volume) -> PathBuf {
    let target = Target::new(path, false, &[]).expect("a place");
    let output = io::create(&target, volume.header(), &WriteOptions::default()).expect("a file");
    output.write(0, volume.bytes()).expect("voxels");
    publish(vec![output.finish().expect("a whole file")]).expect("a name");
    path.to_path_buf()
}

/// A small chest, as a file.
pub fn chest(folder: &Path) -> (PathBuf, Volume) {
    let phantom = Phantom { size: [60, 50, 20], spacing_mm: [2.0, 2.0, 3.0], ..Phantom::default() };
    let volume = phantom.volume().expect("a phantom");
    (write(&folder.join("chest.nii"), &volume), volume)
}

/// A volume of whole numbers: 16 bits, 1 mm, in LPS.
pub fn volume(axes: &[u64], values: impl Fn(usize) -> i16) -> Volume {
    let header = Header::new(Shape::new(axes).expect("voxels"), Dtype::I16).with(|header| {
        let direction = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        let position = Some(Position { origin_mm: [0.0; 3], direction });
        header.grid.geometry = Some(Geometry { position, ..Geometry::spacing([1.0; 3]) });
        header.meaning.unit = Unit::Hounsfield;
    });
    let voxels = axes.iter().product::<u64>() as usize;
    Volume::new(header, (0..voxels).flat_map(|i| values(i).to_le_bytes()).collect()).expect("a volume")
}

/// Labels on the grid of a volume: boxes of 1 and 2.
pub fn boxes(folder: &Path, image: &Volume) -> PathBuf {
    let [nx, ny, nz] = image.header().grid.shape.xyz();
    let header = image.header().derived(Dtype::U8).with(|header| header.meaning.labels = true);
    let label = |i: u64| {
        let [x, y, z] = [i % nx, i / nx % ny, i / (nx * ny)];
        let inside = |n: u64, all: u64, from: u64| (all * from / 10..all * (from + 3) / 10).contains(&n);
        match (inside(x, nx, 2) && inside(y, ny, 3) && inside(z, nz, 4), inside(x, nx, 6) && inside(y, ny, 5) && inside(z, nz, 4))
        {
            (true, _) => 1,
            (_, true) => 2,
            _ => 0,
        }
    };
    let volume = Volume::new(header, (0..nx * ny * nz).map(label).collect()).expect("labels");
    write(&folder.join("boxes.nii"), &volume)
}
