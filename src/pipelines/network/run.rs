//! A network on images: on a GPU if the run has one, on the CPU if not, tile by tile where memory asks for it.

use std::ops::Range;

use super::plan::{Network, NetworkLayer};
use crate::Result;
use crate::engine::{Gpu, GpuError};
use crate::ops::conv2d::{self, ActivationShape, Activations, GpuConvolution};
use crate::ops::pool;
use crate::pipelines::Run;
use crate::pipelines::device::with_fallback;

/// The logits of images: i32 by image, row, column and class; one place for each image where the network takes a mean. What does not fit the memory of the run is done in tiles that overlap, with the same bits.
///
/// # Errors
/// [`crate::Error::Usage`] for images that do not fit the network, or that fit no memory as a whole where all pixels matter; [`crate::Error::Interrupted`]. A failing GPU is no error: the CPU begins again.
pub fn infer(network: &Network, input: &Activations, run: &Run<'_>) -> Result<Vec<i32>> {
    let bytes: u64 = network.shapes(input.shape)?.iter().map(|shape| 2 * shape.len() as u64).sum();
    let images = input.shape.images as u64;
    match network.reach() {
        Some(reach) if bytes / images > run.memory_bytes => tiled(network, (input, reach), bytes / images, run),
        _ => {
            let each = (run.memory_bytes / (bytes / images).max(1)).clamp(1, images) as usize;
            let mut all = Vec::new();
            for first in (0..input.shape.images).step_by(each) {
                run.stop()?;
                let part = images_of(input, first..(first + each).min(input.shape.images));
                all.extend(whole(network, &part, run)?);
            }
            Ok(all)
        }
    }
}

/// Some images as they are.
fn images_of(input: &Activations, images: Range<usize>) -> Activations {
    let each = input.shape.len() / input.shape.images;
    let shape = ActivationShape { images: images.len(), ..input.shape };
    Activations { shape, values: input.values[images.start * each..images.end * each].to_vec() }
}

/// Rows in portions, each with so many rows around it as matter.
fn tiled(network: &Network, (input, reach): (&Activations, usize), bytes: u64, run: &Run<'_>) -> Result<Vec<i32>> {
    let (shape, align) = (input.shape, network.align());
    let halo = reach.next_multiple_of(align);
    let row_bytes = bytes / shape.height as u64;
    let fit = (run.memory_bytes / row_bytes.max(1)) as usize / align * align;
    let own = fit.saturating_sub(2 * halo).max(align);
    let row = shape.width * 2 * shape.words();
    let mut all = Vec::new();
    for image in 0..shape.images {
        for first in (0..shape.height).step_by(own) {
            run.stop()?;
            let (last, begin) = ((first + own).min(shape.height), first.saturating_sub(halo));
            let end = (last + halo).min(shape.height);
            let at = (image * shape.height + begin) * row;
            let part = ActivationShape { images: 1, height: end - begin, ..shape };
            let tile = Activations { shape: part, values: input.values[at..at + (end - begin) * row].to_vec() };
            let each = shape.width * network.outputs();
            all.extend_from_slice(&whole(network, &tile, run)?[(first - begin) * each..(last - begin) * each]);
        }
    }
    Ok(all)
}

fn whole(network: &Network, input: &Activations, run: &Run<'_>) -> Result<Vec<i32>> {
    let mut found = None;
    with_fallback(
        run,
        1,
        |attempt| {
            let result = GpuNetwork::upload(attempt.gpu, network).and_then(|network| network.run(attempt.gpu, input));
            attempt.gpu.clear_pool();
            found = Some(result?);
            Ok(())
        },
        |_| Ok(()),
    )?;
    match found {
        Some(found) => Ok(found),
        None => on_cpu(network, input),
    }
}

fn on_cpu(network: &Network, input: &Activations) -> Result<Vec<i32>> {
    let shapes = network.shapes(input.shape)?;
    // What no later step reads is dropped.
    let last_use = |number: usize| network.steps.iter().rposition(|step| step.from.contains(&number));
    let mut all: Vec<Option<Activations>> = vec![None; shapes.len()];
    all[0] = Some(input.clone());
    for (at, step) in network.steps.iter().enumerate() {
        let mut out = all[step.to].take().unwrap_or_else(|| Activations::zero(shapes[step.to]));
        let from: Vec<&Activations> = step.from.iter().filter_map(|number| all[*number].as_ref()).collect();
        match &step.layer {
            NetworkLayer::Convolution(layer) => conv2d::convolve(from[0], layer, &mut out, step.slot),
            NetworkLayer::Pool(between) => pool::apply(between, &from, &mut out, step.slot),
        }
        all[step.to] = Some(out);
        for number in step.from.iter().filter(|number| last_use(**number) == Some(at) && **number != network.last_from) {
            all[*number] = None;
        }
    }
    Ok(all[network.last_from].as_ref().map(|last| conv2d::sums(last, &network.last)).unwrap_or_default())
}

/// A network in device memory.
#[derive(Debug)]
pub struct GpuNetwork<'a> {
    network: &'a Network,
    /// By step; none for what has no weights.
    layers: Vec<Option<GpuConvolution>>,
    last: GpuConvolution,
}

impl<'a> GpuNetwork<'a> {
    /// Uploads all weights.
    ///
    /// # Errors
    /// What an allocation gives.
    pub fn upload(gpu: &Gpu, network: &'a Network) -> Result<Self> {
        let upload = |layer: &NetworkLayer| match layer {
            NetworkLayer::Convolution(layer) => GpuConvolution::upload(gpu, layer).map(Some),
            NetworkLayer::Pool(_) => Ok(None),
        };
        let layers = network.steps.iter().map(|step| upload(&step.layer)).collect::<Result<_, _>>()?;
        Ok(Self { network, layers, last: GpuConvolution::upload(gpu, &network.last)? })
    }

    /// Records all steps into the caller's encoder, from activations in a buffer as [`conv2d::upload`] makes it; the buffer of the logits, i32 by image, row, column and class.
    ///
    /// # Errors
    /// [`crate::Error::Usage`] for images that do not fit the network; [`crate::Error::Gpu`].
    pub fn encode(
        &self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        (input, shape): (&wgpu::Buffer, ActivationShape),
    ) -> Result<wgpu::Buffer> {
        let shapes = self.network.shapes(shape)?;
        let made: Vec<wgpu::Buffer> =
            shapes[1..].iter().map(|shape| gpu.storage(conv2d::SHADER.name, 2 * shape.len() as u64)).collect::<Result<_, _>>()?;
        let buffer = |number: usize| if number == 0 { input } else { &made[number - 1] };
        for (step, layer) in self.network.steps.iter().zip(&self.layers) {
            let (from, to) = (shapes[step.from[0]], (buffer(step.to), shapes[step.to], step.slot));
            match (&step.layer, layer) {
                (NetworkLayer::Pool(between), _) => {
                    let inputs: Vec<&wgpu::Buffer> = step.from.iter().map(|number| buffer(*number)).collect();
                    pool::encode(gpu, encoder, between, (&inputs, from), to)?;
                }
                (NetworkLayer::Convolution(_), Some(layer)) => layer.encode(gpu, encoder, (buffer(step.from[0]), from), to)?,
                (NetworkLayer::Convolution(_), None) => {}
            }
        }
        let end = shapes[self.network.last_from];
        let results = gpu.storage(conv2d::SHADER.name, 4 * (end.pixels() * self.network.outputs()) as u64)?;
        self.last.encode_sums(gpu, encoder, (buffer(self.network.last_from), end), &results)?;
        Ok(results)
    }

    fn run(&self, gpu: &Gpu, input: &Activations) -> Result<Vec<i32>> {
        let buffer = conv2d::upload(gpu, input)?;
        let mut encoder = gpu.encoder();
        let results = self.encode(gpu, &mut encoder, (&buffer, input.shape))?;
        gpu.submit(conv2d::SHADER.name, encoder)?;
        let bytes: Result<Vec<u8>, GpuError> = gpu.download(conv2d::SHADER.name, &results, results.size());
        Ok(bytemuck::pod_collect_to_vec(&bytes?))
    }
}
