//! One GPU adapter.

use std::sync::Arc;
use std::time::Instant;

use hounsfield::Result;
use hounsfield::analysis::statistics;
use hounsfield::engine::{Adapter, Gpu, GpuVolume};
use hounsfield::ops::{equalize, histogram, lut, scan};
use hounsfield::pipelines::{Device, Group};
use hounsfield::volume::{Dtype, Volume};

use super::cpu::remap_table;
use super::files::Files;
use super::measure::Samples;
use super::rows::Row;

/// All rows of an adapter.
pub fn rows(adapter: &Adapter, volume: &Volume, files: &Files, repeats: usize) -> Result<Vec<Row>> {
    let gpu = Arc::new(Gpu::open_adapter(adapter.clone())?);
    let device = Device::Gpu(gpu.clone());
    let name = gpu.name().to_owned();
    let dtype = volume.header().dtype;
    let bytes = volume.bytes().len() as u64;
    let resident = GpuVolume::upload(&gpu, volume.block())?;

    // Time by the device's clock; whether it has one.
    let mut by_device = true;
    let mut timed =
        |kernel: &'static str,
         record: &dyn Fn(&mut hounsfield::wgpu::CommandEncoder) -> Result<(), hounsfield::engine::GpuError>| {
            Samples::take(repeats, || {
                let timing = gpu.time(kernel, |encoder| record(encoder))?;
                by_device &= timing.by_device;
                Ok(timing.duration)
            })
        };
    let copied = GpuVolume::empty(&gpu, dtype, resident.voxels())?;
    let copy = timed("copy", &|encoder| {
        for (from, to) in resident.chunks().iter().zip(copied.chunks()) {
            encoder.copy_buffer_to_buffer(&from.buffer, 0, &to.buffer, 0, from.buffer.size());
        }
        Ok(())
    })?;
    let bandwidth = 2.0 * bytes as f64 / copy.median();
    drop(copied);

    let counts = histogram::counts_buffer(&gpu, dtype.values())?;
    let bins = histogram::Bins::Exact(histogram::Window::from_sample(volume.block()));
    let count = timed("histogram", &|encoder| histogram::encode(&gpu, encoder, &resident, None, &bins, &counts))?;
    let rescale = volume.header().rescale.distinct().0[0];
    let read = gpu.download("histogram", &counts, counts.size())?;
    let groups = [Group { rescale, counts: histogram::counts_from(dtype, &read) }];

    let table = lut::GpuTable::upload(&gpu, &remap_table(dtype))?;
    let out = GpuVolume::empty(&gpu, Dtype::U8, resident.voxels())?;
    let remap = timed("lut", &|encoder| lut::encode(&gpu, encoder, &resident, &table, &out))?;
    let remap_hash = crc32fast::hash(&out.download(&gpu)?);
    let down = Samples::of(repeats, || Ok(out.download(&gpu).map(|_| ())?))?;
    drop(out);

    // The whole chain without a read-back. Padding is known to the host only by value, so the table is told.
    let settings = equalize::Settings {
        padding: volume.header().padding.map(|p| (p.low as i32, p.high as i32)),
        ..equalize::Settings::of(dtype)
    };
    let words = 4 * dtype.values() as u64;
    let (cumulative, entries) = (gpu.storage("bench", words)?, gpu.storage("bench", words)?);
    let equalized = GpuVolume::empty(&gpu, settings.to, resident.voxels())?;
    let chain_table = lut::GpuTable::from_buffer(dtype, settings.to, entries.clone())?;
    let chain = timed("equalize", &|encoder| {
        histogram::encode(&gpu, encoder, &resident, None, &bins, &counts)?;
        scan::encode(&gpu, encoder, dtype.values(), &counts, &cumulative)?;
        equalize::encode(&gpu, encoder, &settings, &cumulative, &entries)?;
        lut::encode(&gpu, encoder, &resident, &chain_table, &equalized)
    })?;
    let chain_hash = crc32fast::hash(&equalized.download(&gpu)?);

    let upload = Samples::of(repeats, || {
        let volume = GpuVolume::upload(&gpu, volume.block())?;
        // An upload has happened when a later submission is done.
        let submission = gpu.submit("upload", gpu.encoder())?;
        gpu.wait("upload", submission)?;
        drop(volume);
        Ok(())
    })?;
    let both = Samples::take(repeats, || {
        let start = Instant::now();
        let volume = GpuVolume::upload(&gpu, volume.block())?;
        volume.download(&gpu)?;
        Ok(start.elapsed())
    })?;
    drop(down);

    let row = |operation, compute, bytes, hash, transfer, file| Row {
        operation,
        device: name.clone(),
        compute,
        by_device,
        transfer: Some(transfer),
        file: Some(file),
        bytes,
        bandwidth,
        hash,
    };
    let of = |groups: &[Group]| statistics::of(&groups.iter().map(|g| (g.rescale, &g.counts)).collect::<Vec<_>>());
    let counted = Samples::of(repeats, || files.count(&device).map(|_| ()))?;
    let remapped = Samples::of(repeats, || files.remap(&[remap_table(dtype)], &device))?;
    let equalized_file = Samples::of(repeats, || files.equalize(&device))?;
    Ok(vec![
        row("histogram", count.clone(), bytes, super::hash_counts(&groups), upload.clone(), counted.clone()),
        row("statistics", count, bytes, crc32fast::hash(format!("{:?}", of(&groups)).as_bytes()), upload, counted),
        row("remap", remap, bytes + resident.voxels(), remap_hash, both.clone(), remapped),
        row("equalize", chain, 3 * bytes, chain_hash, both, equalized_file),
    ])
}
