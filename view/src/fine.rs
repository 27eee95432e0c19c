//! Slices of a volume that does not fit the device, read from its file while the coarse ones are shown.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, channel};

use eframe::egui::Context;
use eframe::wgpu;
use hounsfield::engine::Gpu;
use hounsfield::report::Plane;

use crate::export::picked;
use crate::study::Study;

/// Which slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Key {
    version: u64,
    plane: Plane,
    index: u64,
    mirrored: bool,
}

/// A slice on the device, one f32 a pixel as it lies on screen.
#[derive(Debug, Clone)]
pub struct FinePlane {
    /// The pixels.
    pub buffer: wgpu::Buffer,
    /// Changes with them.
    pub version: u64,
}

/// A slice that is being read; none of it if that failed.
struct Reading {
    key: Key,
    values: Receiver<Option<Vec<f32>>>,
}

/// The fine slice of one pane.
#[derive(Default)]
pub struct Fine {
    here: Option<(Key, FinePlane)>,
    reading: Option<Reading>,
    count: u64,
}

impl Fine {
    /// The slice, once it is here; until then it is read, and `ctx` woken when it is.
    pub fn plane(
        &mut self,
        (gpu, ctx): (&Arc<Gpu>, &Context),
        (study, version): (&Study, u64),
        (plane, index, mirrored): (Plane, u64, bool),
    ) -> Option<FinePlane> {
        let key = Key { version, plane, index, mirrored };
        if let Some(reading) = &self.reading {
            match reading.values.try_recv() {
                Ok(values) => {
                    let buffer = values.and_then(|values| gpu.storage_with("view", bytemuck::cast_slice(&values), 4).ok());
                    self.count += 1;
                    self.here = buffer.map(|buffer| (reading.key, FinePlane { buffer, version: self.count }));
                    self.reading = None;
                }
                Err(TryRecvError::Empty) => return None,
                Err(TryRecvError::Disconnected) => self.reading = None,
            }
        }
        match &self.here {
            Some((own, fine)) if *own == key => return Some(fine.clone()),
            _ => {}
        }
        let (sender, values) = channel();
        let (source, time, ctx) = (study.source.clone(), study.time, ctx.clone());
        // Per-slice rescale: the device holds real values then.
        let uniform = source.header().meaning.rescale.uniform().is_some();
        std::thread::spawn(move || {
            let header = source.header();
            let slice = picked(source.as_ref(), header, (plane, index), time).ok();
            let values = slice.map(|slice| {
                let value = |u: u64, v: u64| match uniform {
                    true => slice.stored(u, v) as f32,
                    false => slice.real(u, v, &header.meaning.rescale) as f32,
                };
                let width = slice.width();
                let column = |u: u64| if mirrored { width - 1 - u } else { u };
                (0..slice.height()).flat_map(|v| (0..width).map(move |u| (u, v))).map(|(u, v)| value(column(u), v)).collect()
            });
            // Nobody listens if the window is closed.
            let _ = sender.send(values);
            ctx.request_repaint();
        });
        self.reading = Some(Reading { key, values });
        None
    }
}
