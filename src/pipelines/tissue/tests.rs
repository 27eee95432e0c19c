use std::sync::Arc;

use super::*;
use crate::io::Sink;
use crate::ops::hmrf::WHOLE;
use crate::ops::testing::{gpu, noise};
use crate::pipelines::tests::{Events, Memory};
use crate::pipelines::{Device, Truth};
use crate::volume::{Geometry, Padding, Shape, Volume};

const SHAPE: [u64; 3] = [40, 36, 32];

/// Three shells around a ball, with noise and a gain that rises along x, and what is true.
fn head(gain: f64, spacing_mm: [f64; 3]) -> (Volume, Vec<u8>) {
    let [nx, ny, nz] = SHAPE;
    let truth: Vec<u8> = (0..nx * ny * nz)
        .map(|at| {
            let place = [at % nx, at / nx % ny, at / nx / ny];
            let r2: f64 = (0..3).map(|a| (2.0 * (place[a] as f64 + 0.5) / SHAPE[a] as f64 - 1.0).powi(2)).sum();
            match r2 {
                r2 if r2 < 0.3 => 3,
                r2 if r2 < 0.65 => 2,
                r2 if r2 < 0.95 => 1,
                _ => 0,
            }
        })
        .collect();
    let value = |(at, label): (usize, &u8)| {
        let off: f64 = (0..4).map(|i| (noise(4 * at as u64 + i) % 1000) as f64 / 1000.0 - 0.5).sum();
        let real = [0.0, 300.0, 700.0, 1000.0][usize::from(*label)] + 60.0 * off;
        let x = (at as u64 % nx) as f64 / nx as f64 - 0.5;
        if *label == 0 { 0 } else { (real * (1.0 + gain * x)).round() as i16 }
    };
    let bytes = truth.iter().enumerate().flat_map(|voxel| value((voxel.0, voxel.1)).to_le_bytes()).collect();
    let mut header = Header::new(Shape::new(&SHAPE).unwrap(), Dtype::I16);
    header.grid.geometry = Some(Geometry::spacing(spacing_mm));
    (Volume::new(header, bytes).unwrap(), truth)
}

fn learn(volume: Volume, options: TissueOptions) -> Result<Tissue> {
    learn_on(&[volume], options, &Run::silent(&Device::cpu()))
}

fn learn_on(volumes: &[Volume], options: TissueOptions, run: &Run<'_>) -> Result<Tissue> {
    let images: Vec<Input<'_>> = volumes.iter().map(|volume| Input::of(Arc::new(volume.clone()))).collect();
    let scratch = ScratchPlace { folder: std::env::temp_dir(), beside: 0 };
    Tissue::new(&images, None, (options, &scratch), run)
}

fn written(tissue: &Tissue) -> Vec<u8> {
    let sink = Memory::new(tissue.header().grid.shape.voxels() as usize, Dtype::U8);
    tissue.write_labels(&sink, None, &Run::silent(&Device::cpu())).unwrap();
    sink.take()
}

fn dice(found: &[u8], truth: &[u8], label: u8) -> f64 {
    let count = |labels: &[u8]| labels.iter().filter(|l| **l == label).count();
    let both = found.iter().zip(truth).filter(|(a, b)| **a == label && a == b).count();
    2.0 * both as f64 / (count(found) + count(truth)) as f64
}

#[test]
fn shells_are_found_under_a_gain() {
    let device = Device::cpu();
    let run = Run::silent(&device);
    for spacing in [[4.0; 3], [2.0, 2.0, 6.0]] {
        let (volume, truth) = head(0.4, spacing);
        let tissue = learn(volume.clone(), TissueOptions::default()).unwrap();
        let labels = written(&tissue);
        for label in 1..=3 {
            assert!(dice(&labels, &truth, label) > 0.98, "{label}: {}", dice(&labels, &truth, label));
        }
        // Without a gain the same noise is told apart less well.
        let plain = written(
            &learn(volume.clone(), TissueOptions { bias_width_mm: None, beta: 0.0, ..TissueOptions::default() }).unwrap(),
        );
        assert!(dice(&plain, &truth, 2) < dice(&labels, &truth, 2), "{spacing:?}");
        let (low, high) = tissue.gains(0);
        assert!(low < 0.9 && high > 1.1, "{low} {high}");
        // Fractions sum to the whole inside and to nothing outside; image = corrected x gain.
        let voxels = truth.len();
        let sinks: Vec<Memory> = (0..3).map(|_| Memory::new(voxels, Dtype::U16)).collect();
        tissue.write_fractions(&sinks.iter().map(|sink| sink as &dyn Sink).collect::<Vec<_>>(), &run).unwrap();
        let parts: Vec<Vec<u8>> = sinks.into_iter().map(Memory::take).collect();
        for at in 0..voxels {
            let sum: u32 = parts.iter().map(|all| u32::from(u16::from_le_bytes([all[2 * at], all[2 * at + 1]]))).sum();
            assert_eq!(sum, if truth[at] == 0 { 0 } else { u32::from(WHOLE) });
        }
        let [field, corrected] = [Memory::new(voxels, Dtype::F32), Memory::new(voxels, Dtype::F32)];
        tissue.write_field(&field, &run).unwrap();
        tissue.write_corrected(&corrected, &run).unwrap();
        let floats =
            |sink: Memory| sink.take().chunks(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect::<Vec<_>>();
        let (field, corrected) = (floats(field), floats(corrected));
        let mut log = 0.0;
        for at in 0..voxels {
            let value = f32::from(i16::from_le_bytes([volume.bytes()[2 * at], volume.bytes()[2 * at + 1]]));
            assert!((corrected[at] * field[at] - value).abs() <= 1e-3 * value.abs(), "{at}");
            log += if truth[at] == 0 { 0.0 } else { f64::from(field[at]).ln() };
        }
        assert!((log / tissue.voxels() as f64).abs() < 1e-6, "{log}");
    }
}

#[test]
fn truth_and_labels_are_counted() {
    let (volume, truth) = head(0.0, [1.0; 3]);
    let tissue = learn(volume.clone(), TissueOptions::default()).unwrap();
    let device = Device::cpu();
    let run = Run::silent(&device);
    let map = Volume::new(volume.header().derived(Dtype::U8), truth.clone()).unwrap();
    let known = Truth::new(Arc::new(map), volume.header(), &run).unwrap();
    let sink = Memory::new(truth.len(), Dtype::U8);
    let counted = tissue.write_labels(&sink, Some(&known), &run).unwrap();
    let labels = sink.take();
    for label in 1..=3u8 {
        assert_eq!(counted.voxels[usize::from(label)], labels.iter().filter(|l| **l == label).count() as u64);
        let found = counted.confusion.as_ref().unwrap().of(usize::from(label)).dice().unwrap();
        assert!((found - dice(&labels, &truth, label)).abs() < 1e-12);
    }
    assert_eq!(tissue.voxels(), truth.iter().filter(|l| **l != 0).count() as u64);
}

#[test]
fn the_brightest_may_be_the_first() {
    let (volume, truth) = head(0.2, [1.0; 3]);
    let first = written(&learn(volume, TissueOptions { brightest_first: true, ..TissueOptions::default() }).unwrap());
    let turned: Vec<u8> = truth.iter().map(|label| if *label == 0 { 0 } else { 4 - label }).collect();
    (1..=3).for_each(|label| assert!(dice(&first, &turned, label) > 0.97, "{label}"));
}

/// All that is decided and written.
#[derive(PartialEq)]
struct Everything {
    labels: Vec<u8>,
    fractions: Vec<Vec<u8>>,
    nodes: Vec<Vec<i32>>,
    classes: Vec<TissueClass>,
    rounds: Vec<TissueRound>,
    histogram: Vec<u64>,
}

fn everything(tissue: &Tissue) -> Everything {
    let (device, voxels) = (Device::cpu(), tissue.header().grid.shape.voxels() as usize);
    let sinks: Vec<Memory> = tissue.classes().iter().map(|_| Memory::new(voxels, Dtype::U16)).collect();
    tissue.write_fractions(&sinks.iter().map(|sink| sink as &dyn Sink).collect::<Vec<_>>(), &Run::silent(&device)).unwrap();
    let fractions = sinks.into_iter().map(Memory::take).collect();
    let Tissue { nodes, classes, rounds, histogram, .. } = tissue;
    let (nodes, classes, rounds, histogram) = (nodes.clone(), classes.clone(), rounds.clone(), histogram.clone());
    Everything { labels: written(tissue), fractions, nodes, classes, rounds, histogram }
}

/// The same head as another contrast shows it, with noise of its own.
fn other_contrast(volume: &Volume, truth: &[u8]) -> Volume {
    let value = |(at, label): (usize, &u8)| {
        let off = (noise(9 * at as u64 + 5) % 1000) as f64 / 1000.0 - 0.5;
        if *label == 0 { 0 } else { ([0.0, 1500.0, 900.0, 700.0][usize::from(*label)] + 150.0 * off) as i16 }
    };
    let bytes = truth.iter().enumerate().flat_map(|voxel| value((voxel.0, voxel.1)).to_le_bytes()).collect();
    Volume::new(volume.header().clone(), bytes).unwrap()
}

#[test]
fn neither_threads_nor_memory_nor_device_matter() {
    let (volume, truth) = head(0.3, [2.0; 3]);
    let second = other_contrast(&volume, &truth);
    for (volumes, classes) in [(vec![volume.clone()], 4), (vec![volume, second], 3), (vec![head(0.3, [2.0; 3]).0], 6)] {
        let options = TissueOptions { classes, rounds: 8, ..TissueOptions::default() };
        let cpu = Device::cpu();
        let want = everything(&learn_on(&volumes, options, &Run::silent(&cpu)).unwrap());
        for threads in [1, 5] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            // All in memory, then slabs of several slices, and of one.
            for memory in [256 << 20, 180_000, 100_000] {
                let run = Run::silent(&cpu).with_memory(memory);
                let found = pool.install(|| learn_on(&volumes, options, &run).unwrap());
                assert_eq!(found.slabs.in_memory(), memory > 180_000);
                assert!(everything(&found) == want, "{threads} threads, {memory} bytes, {classes} classes");
            }
        }
        if let Some(gpu) = gpu() {
            let device = Device::gpu(gpu.reopen().unwrap());
            let events = Events::default();
            let found = learn_on(&volumes, options, &Run::new(&device, 256 << 20, &events)).unwrap();
            assert!(everything(&found) == want, "on {}, {classes} classes", device.name());
            assert_eq!(events.all(), [""; 0], "the device did it all");
            // What does not fit is done by the CPU.
            let found = learn_on(&volumes, options, &Run::new(&device, 180_000, &events)).unwrap();
            assert!(everything(&found) == want && events.all()[0].contains("do not fit"));
        }
    }
    let cpu = Device::cpu();
    let error = learn_on(&[head(0.0, [1.0; 3]).0], TissueOptions::default(), &Run::silent(&cpu).with_memory(20_000));
    assert!(error.unwrap_err().to_string().contains("three slices"));
}

#[test]
fn two_images_tell_more_than_one() {
    let (volume, truth) = head(0.2, [1.0; 3]);
    // Noise under which neighbours alone cannot part grey and white matter.
    let noisy: Vec<u8> = volume
        .bytes()
        .chunks(2)
        .enumerate()
        .flat_map(|(at, b)| {
            let value = i16::from_le_bytes([b[0], b[1]]);
            let off = (0..3).map(|i| (noise(31 * at as u64 + i) % 600) as i16 - 300).sum::<i16>();
            (if value == 0 { 0 } else { (value + off).max(1) }).to_le_bytes()
        })
        .collect();
    let noisy = Volume::new(volume.header().clone(), noisy).unwrap();
    let second = other_contrast(&noisy, &truth);
    let cpu = Device::cpu();
    let of = |volumes: &[Volume]| {
        let labels = written(&learn_on(volumes, TissueOptions::default(), &Run::silent(&cpu)).unwrap());
        (1..=3).map(|label| dice(&labels, &truth, label)).fold(f64::INFINITY, f64::min)
    };
    let (one, both) = (of(std::slice::from_ref(&noisy)), of(&[noisy.clone(), second.clone()]));
    assert!(both > 0.95 && both > one + 0.02, "{one} {both}");
    let three = [noisy.clone(), second.clone(), noisy];
    assert!(learn_on(&three, TissueOptions::default(), &Run::silent(&cpu)).unwrap_err().to_string().contains("one or two"));
}

fn odd(axes: &[u64], values: &[f32], change: impl FnOnce(&mut Header)) -> Volume {
    let header = Header::new(Shape::new(axes).unwrap(), Dtype::F32).with(change);
    Volume::new(header, values.iter().flat_map(|v| v.to_le_bytes()).collect()).unwrap()
}

#[test]
fn odd_volumes_give_classes_or_a_reason() {
    let options = TissueOptions { classes: 2, ..TissueOptions::default() };
    let said = |volume| learn(volume, options).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(said(odd(&[3, 1, 1], &[5.0; 3], |_| ())).contains("1 different levels"));
    assert!(said(odd(&[3, 1, 1], &[0.0; 3], |_| ())).contains("no voxel"));
    assert!(said(odd(&[1, 1, 1], &[4.0], |_| ())).contains("1 different"));
    assert!(said(odd(&[2, 1, 1, 2], &[4.0; 4], |_| ())).contains("time series"));
    assert!(learn(odd(&[3, 1, 1], &[5.0; 3], |_| ()), TissueOptions { classes: 7, ..options }).is_err());
    // One slice, values below 0, NaN, infinities and padding.
    let values: Vec<f32> = (0..64).map(|i| if i < 30 { -50.0 + (i % 5) as f32 } else { 80.0 + (i % 7) as f32 }).collect();
    let mut strange = values.clone();
    (strange[3], strange[40], strange[50], strange[51]) = (f32::NAN, f32::INFINITY, -999.0, -999.0);
    let padded = odd(&[8, 8, 1], &strange, |h| h.meaning.padding = Some(Padding { low: -999.0, high: -999.0 }));
    let tissue = learn(padded, TissueOptions { bias_width_mm: None, ..options }).unwrap();
    assert_eq!((tissue.not_finite(), tissue.voxels(), tissue.shifted().is_some()), (2, 60, true));
    let labels = written(&tissue);
    assert_eq!((labels[3], labels[40], labels[50], labels[0], labels[63]), (0, 0, 0, 1, 2));
    assert!(tissue.classes().iter().all(|class| class.mean.is_finite() && class.std > 0.0));
}
