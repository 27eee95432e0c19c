//! One GPU adapter.

use std::sync::Arc;
use std::time::Instant;

use hounsfield::Result;
use hounsfield::analysis::statistics;
use hounsfield::engine::{Adapter, Gpu, GpuVolume};
use hounsfield::ops::{equalize, gmm, histogram, lut, mask, scan};
use hounsfield::pipelines::{self, Device, Group, Method};
use hounsfield::volume::{Dtype, Volume};

use super::cpu::remap_table;
use super::files::Files;
use super::measure::Samples;
use super::rows::Measurement;
use super::tissue;

/// All rows of an adapter.
pub fn rows(adapter: &Adapter, volume: &Volume, files: &Files, repeats: usize) -> Result<Vec<Measurement>> {
    let gpu = Arc::new(Gpu::open_adapter(adapter.clone())?);
    let device = Device::gpu(gpu.clone());
    let name = gpu.name().to_owned();
    let dtype = volume.header().meaning.dtype;
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
    let bins = histogram::Binning::Exact(histogram::PrivateWindow::from_sample(volume.block()));
    let count = timed("histogram", &|encoder| histogram::encode(&gpu, encoder, &resident, None, &bins, &counts))?;
    let rescale = volume.header().meaning.rescale.distinct().0[0];
    let read = gpu.download("histogram", &counts, counts.size())?;
    let groups = [Group { label: 0, rescale, counts: histogram::counts_from(dtype, &read) }];

    let table = lut::GpuTable::upload(&gpu, &remap_table(dtype))?;
    let out = GpuVolume::empty(&gpu, Dtype::U8, resident.voxels())?;
    let remap = timed("lut", &|encoder| lut::encode(&gpu, encoder, &resident, &table, &out))?;
    let remap_hash = crc32fast::hash(&out.download(&gpu)?);
    let down = Samples::of(repeats, || Ok(out.download(&gpu).map(|_| ())?))?;
    drop(out);

    // The whole chain without a read-back. Padding is known to the host only by value, so the table is told.
    let settings = equalize::Settings {
        padding: volume.header().meaning.padding.map(|p| (p.low as i32, p.high as i32)),
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

    drop(equalized);

    let keep = tissue::mask(volume, &groups)?;
    let region = mask::GpuMask::upload(&gpu, mask::Keep::Bytes(keep.bytes()), resident.voxels())?;
    let kept = GpuVolume::empty(&gpu, dtype, resident.voxels())?;
    let masked = timed("mask", &|encoder| mask::encode(&gpu, encoder, &resident, &region, 0, &kept))?;
    let mask_hash = crc32fast::hash(&kept.download(&gpu)?);
    drop(kept);

    let mixture = tissue::mixture(&groups).ok();
    let tissues = mixture.map(|mixture| -> Result<_> {
        // The fit is the host's; what the device does is counting and labelling.
        let table = lut::GpuTable::upload(&gpu, &tissue::labels(dtype, &mixture))?;
        let out = GpuVolume::empty(&gpu, Dtype::U8, resident.voxels())?;
        let exact = Samples::take(repeats, || {
            let count = gpu.time("histogram", |e| histogram::encode(&gpu, e, &resident, None, &bins, &counts))?;
            let start = Instant::now();
            std::hint::black_box(tissue::labels(dtype, &tissue::mixture(&groups)?));
            let fit = start.elapsed();
            let label = gpu.time("lut", |e| lut::encode(&gpu, e, &resident, &table, &out))?;
            Ok(count.duration + fit + label.duration)
        })?;
        let exact_hash = crc32fast::hash(&out.download(&gpu)?);
        drop(out);
        let host_model = tissue::model(&mixture)?;
        let model = gmm::GpuModel::upload(&gpu, &host_model)?;
        let partials = resident
            .chunks()
            .iter()
            .map(|chunk| gmm::partials_buffer(&gpu, &model, chunk.voxels))
            .collect::<Result<Vec<_>, _>>()?;
        let voxel = timed("gmm", &|encoder| {
            let mut chunks = resident.chunks().iter().zip(&partials);
            chunks.try_for_each(|(chunk, sums)| gmm::encode(&gpu, encoder, &[(dtype, chunk)], None, &model, sums))
        })?;
        let labels = gmm::run_labels(&gpu, std::slice::from_ref(&resident), None, &host_model)?.download(&gpu)?;
        let doubts = pipelines::map_volume(volume, &[tissue::doubts(dtype, &mixture)], volume.header().derived(Dtype::U8))?;
        Ok([(exact, exact_hash), (voxel, tissue::hash_sure(&labels, &doubts))])
    });

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

    let row = |operation, compute, bytes, hash, transfer, file| Measurement {
        operation,
        device: name.clone(),
        compute,
        by_device,
        transfer: Some(transfer),
        file: Some(file),
        bytes,
        bandwidth: Some(bandwidth),
        hash,
        predicted: None,
    };
    let of = |groups: &[Group]| statistics::of(&groups.iter().map(|g| (g.rescale, &g.counts)).collect::<Vec<_>>());
    let counted = Samples::of(repeats, || files.count(&device).map(|_| ()))?;
    let remapped = Samples::of(repeats, || files.remap(&[remap_table(dtype)], &device))?;
    let equalized_file = Samples::of(repeats, || files.equalize(&device))?;
    let masked_file = Samples::of(repeats, || files.mask(&device))?;
    let mut rows = vec![
        row("histogram", count.clone(), bytes, super::hash_counts(&groups), upload.clone(), counted.clone()),
        row("statistics", count, bytes, crc32fast::hash(format!("{:?}", of(&groups)).as_bytes()), upload.clone(), counted),
        row("remap", remap, bytes + resident.voxels(), remap_hash, both.clone(), remapped),
        row("equalize", chain, 3 * bytes, chain_hash, both.clone(), equalized_file),
        row("mask", masked, 2 * bytes + keep.bytes().len() as u64, mask_hash, both.clone(), masked_file),
    ];
    if let Some(tissues) = tissues {
        let [(exact, exact_hash), (voxel, voxel_hash)] = tissues?;
        let exact_file = Samples::of(repeats, || files.segment(Method::Exact, &device))?;
        let voxel_file = Samples::of(repeats, || files.segment(Method::Voxel, &device))?;
        rows.push(row("gmm exact", exact, 2 * bytes + resident.voxels(), exact_hash, both, exact_file));
        rows.push(row("gmm voxel", voxel, bytes, voxel_hash, upload, voxel_file));
    }
    Ok(rows)
}
