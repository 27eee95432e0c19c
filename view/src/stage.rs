//! What is done on the device for a pane, in the encoder of the frame: a section is cut out of the volume when the slice changes, and made a picture when anything does.

use std::sync::{Arc, Mutex, PoisonError};

use eframe::egui_wgpu::{CallbackResources, CallbackTrait, RenderState, Renderer, ScreenDescriptor};
use eframe::{egui, wgpu};
use hounsfield::engine::{Gpu, GpuError, GpuVolume};
use hounsfield::ops::cut::{self, PlaneSection};
use hounsfield::ops::present::{self, EntryScale, Framing, Layers};
use hounsfield::ops::{equalize, scan};
use hounsfield::volume::{Counts, Dtype};

use crate::fine::FinePlane;
use crate::greys::Greys;
use crate::scene::Scene;
use crate::study::Study;

/// A table on the device that several panes look values up in.
#[derive(Debug, Clone)]
pub struct Table {
    /// Which entry a value has.
    pub entries: EntryScale,
    /// One word an entry.
    pub buffer: wgpu::Buffer,
    /// Whether they are colours.
    pub coloured: bool,
    /// Changes with what is in it.
    pub version: u64,
}

impl Table {
    /// The table of a window, or of classes, for the values of a study.
    ///
    /// # Errors
    /// As [`Greys::of`]; any [`GpuError`] of an upload.
    pub fn of(gpu: &Gpu, study: &Study, scene: &Scene, version: u64) -> hounsfield::Result<Self> {
        let Greys { entries, words, coloured } = Greys::of(study, scene)?;
        let buffer = gpu.storage_with("view", bytemuck::cast_slice(&words), 4)?;
        Ok(Self { entries, buffer, coloured, version })
    }
}

/// Counts of values, and room for the table that equalises them: computed on the device, in the frame.
#[derive(Debug, Clone)]
pub struct Equaliser {
    counts: wgpu::Buffer,
    cumulative: wgpu::Buffer,
    table: wgpu::Buffer,
    dtype: Dtype,
}

impl Equaliser {
    /// For values that were counted.
    ///
    /// # Errors
    /// Any [`GpuError`] of an allocation; [`GpuError::Input`] for 2³² voxels or more.
    pub fn new(gpu: &Gpu, counts: &Counts) -> Result<Self, GpuError> {
        let words: Result<Vec<u32>, _> = counts.bins.iter().map(|count| u32::try_from(*count)).collect();
        let words = words.map_err(|_| GpuError::Input { kernel: "view", what: "2^32 voxels or more".into() })?;
        let bytes = 4 * words.len() as u64;
        Ok(Self {
            counts: gpu.storage_with("view", bytemuck::cast_slice(&words), 4)?,
            cumulative: gpu.storage("view", bytes)?,
            table: gpu.storage("view", bytes)?,
            dtype: counts.dtype,
        })
    }

    /// The table, once [`Equaliser::encode`] has filled it.
    pub fn table(&self, version: u64) -> Table {
        let entries = EntryScale { first: self.dtype.first() as f32, scale: 1.0, count: self.dtype.values() as u32 };
        Table { entries, buffer: self.table.clone(), coloured: false, version }
    }

    /// Records: running sums and the table from them.
    ///
    /// # Errors
    /// As [`equalize::encode`].
    pub fn encode(&self, gpu: &Gpu, encoder: &mut wgpu::CommandEncoder, settings: &equalize::Settings) -> Result<(), GpuError> {
        scan::encode(gpu, encoder, self.dtype.values(), &self.counts, &self.cumulative)?;
        equalize::encode(gpu, encoder, settings, &self.cumulative, &self.table)
    }
}

/// Labels over a pane.
#[derive(Debug, Clone)]
pub struct Overlay {
    /// On the device, as the volume lies there.
    pub volume: GpuVolume,
    /// RGBA of each label.
    pub palette: wgpu::Buffer,
    /// How many.
    pub colours: u32,
    /// Changes with the palette.
    pub version: u64,
}

/// All that a picture follows from.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The volume.
    pub volume: GpuVolume,
    /// Changes with its voxels.
    pub version: u64,
    /// The voxels that are seen.
    pub section: PlaneSection,
    /// How large.
    pub framing: Framing,
    /// Their greys.
    pub table: Table,
    /// Equalise first, with this.
    pub equalise: Option<(Equaliser, equalize::Settings)>,
    /// Labels.
    pub overlay: Option<Overlay>,
    /// Instead of the section a plane that is on the device already.
    pub plane: Option<FinePlane>,
}

/// What a plane was cut from; of one that was given its version.
type CutKey = (u64, PlaneSection, Option<u64>);
/// What a picture was made of.
type PictureKey = (CutKey, Framing, u64, Option<u64>);

/// The buffers of one pane, and its texture.
pub struct Stage {
    gpu: Arc<Gpu>,
    plane: Option<wgpu::Buffer>,
    labels: Option<wgpu::Buffer>,
    picture: Option<wgpu::Buffer>,
    texture: Option<wgpu::Texture>,
    id: Option<egui::TextureId>,
    cut: Option<CutKey>,
    labels_cut: Option<PlaneSection>,
    shown: Option<PictureKey>,
    /// Why the last picture is missing.
    failure: Option<GpuError>,
    /// Sections cut so far: what a test counts.
    cuts: u64,
}

impl Stage {
    /// Without a picture yet.
    pub fn new(gpu: Arc<Gpu>) -> Self {
        Self {
            gpu,
            plane: None,
            labels: None,
            picture: None,
            texture: None,
            id: None,
            cut: None,
            labels_cut: None,
            shown: None,
            failure: None,
            cuts: 0,
        }
    }

    /// Why the last picture is missing, once.
    pub fn failure(&mut self) -> Option<GpuError> {
        self.failure.take()
    }

    /// Sections cut so far.
    pub fn cuts(&self) -> u64 {
        self.cuts
    }

    /// The texture of a picture of this size, as egui knows it.
    pub fn texture(&mut self, [width, height]: [u32; 2], state: &RenderState) -> egui::TextureId {
        let fits = self.texture.as_ref().is_some_and(|texture| (texture.width(), texture.height()) == (width, height));
        if let (true, Some(id)) = (fits, self.id) {
            return id;
        }
        let texture = state.device.create_texture(&wgpu::TextureDescriptor {
            label: Some("pane"),
            size: wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: wgpu::TextureFormat::Rgba8Unorm,
            usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST | wgpu::TextureUsages::COPY_SRC,
            view_formats: &[],
        });
        let view = texture.create_view(&wgpu::TextureViewDescriptor::default());
        let mut renderer = state.renderer.write();
        let id = match self.id {
            Some(id) => {
                renderer.update_egui_texture_from_wgpu_texture(&state.device, &view, wgpu::FilterMode::Nearest, id);
                id
            }
            None => renderer.register_native_texture(&state.device, &view, wgpu::FilterMode::Nearest),
        };
        (self.texture, self.id, self.shown) = (Some(texture), Some(id), None);
        id
    }

    /// The texture, for who wants to read it.
    pub fn wgpu_texture(&self) -> Option<&wgpu::Texture> {
        self.texture.as_ref()
    }

    /// Gives egui's name for the texture back.
    pub fn release(&mut self, renderer: &mut Renderer) {
        if let Some(id) = self.id.take() {
            renderer.free_texture(&id);
        }
        self.texture = None;
    }

    /// Records all that has changed since the last frame.
    fn encode(&mut self, encoder: &mut wgpu::CommandEncoder, wish: &Wish) -> Result<(), GpuError> {
        let Some(texture) = &self.texture else { return Ok(()) };
        if [texture.width(), texture.height()] != wish.framing.view {
            return Ok(());
        }
        let gpu = &*self.gpu;
        let cut_key = (wish.version, wish.section.clone(), wish.plane.as_ref().map(|plane| plane.version));
        let key = (cut_key.clone(), wish.framing, wish.table.version, wish.overlay.as_ref().map(|overlay| overlay.version));
        if self.shown.as_ref() == Some(&key) {
            return Ok(());
        }
        let plane = match &wish.plane {
            Some(plane) => plane.buffer.clone(),
            None => {
                let plane = grown(gpu, &mut self.plane, 4 * wish.section.pixels())?;
                if self.cut.as_ref() != Some(&cut_key) {
                    cut::encode(gpu, encoder, &wish.volume, &wish.section, &plane)?;
                    self.cut = Some(cut_key);
                    self.labels_cut = None;
                    self.cuts += 1;
                }
                plane
            }
        };
        let labels = match &wish.overlay {
            Some(overlay) => {
                let labels = grown(gpu, &mut self.labels, 4 * wish.section.pixels())?;
                if self.labels_cut.as_ref() != Some(&wish.section) {
                    cut::encode(gpu, encoder, &overlay.volume, &wish.section, &labels)?;
                    self.labels_cut = Some(wish.section.clone());
                }
                Some((labels, overlay))
            }
            None => None,
        };
        if let Some((equaliser, settings)) = &wish.equalise {
            equaliser.encode(gpu, encoder, settings)?;
        }
        let picture = grown(gpu, &mut self.picture, wish.framing.bytes())?;
        let layers = Layers {
            plane: &plane,
            entries: wish.table.entries,
            table: &wish.table.buffer,
            coloured: wish.table.coloured,
            labels: labels.as_ref().map(|(labels, overlay)| (labels, &overlay.palette, overlay.colours)),
        };
        present::encode(gpu, encoder, &wish.framing, &layers, &picture)?;
        present::to_texture(encoder, &wish.framing, &picture, texture);
        self.shown = Some(key);
        Ok(())
    }
}

/// A buffer of at least so many bytes.
fn grown(gpu: &Gpu, slot: &mut Option<wgpu::Buffer>, bytes: u64) -> Result<wgpu::Buffer, GpuError> {
    match slot {
        Some(buffer) if buffer.size() >= bytes => Ok(buffer.clone()),
        _ => Ok(slot.insert(gpu.storage("view", bytes.next_power_of_two().min(bytes.next_multiple_of(1 << 20)))?).clone()),
    }
}

/// What egui calls while it prepares the frame.
pub struct Callback {
    /// The pane's buffers.
    pub stage: Arc<Mutex<Stage>>,
    /// What it wants to show.
    pub wish: Wish,
}

impl CallbackTrait for Callback {
    fn prepare(
        &self,
        _device: &wgpu::Device,
        _queue: &wgpu::Queue,
        _screen: &ScreenDescriptor,
        encoder: &mut wgpu::CommandEncoder,
        _resources: &mut CallbackResources,
    ) -> Vec<wgpu::CommandBuffer> {
        let mut stage = self.stage.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = stage.encode(encoder, &self.wish) {
            (stage.cut, stage.labels_cut, stage.shown) = (None, None, None);
            stage.failure = Some(error);
        }
        Vec::new()
    }

    fn paint(&self, _info: egui::PaintCallbackInfo, _pass: &mut wgpu::RenderPass<'static>, _resources: &CallbackResources) {
        // The picture is drawn as an image of egui's, from the texture that is filled by now.
    }
}
