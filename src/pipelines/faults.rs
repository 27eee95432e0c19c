//! Tests: every job when the GPU fails at any of its steps, and when its file shrinks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::tests::Memory;
use super::*;
use crate::analysis::steps::Chain;
use crate::engine::{Gpu, GpuError, Options};
use crate::io::output::Target;
use crate::io::{OpenOptions, WriteOptions};
use crate::ops::rank::{Footprint, FootprintShape};
use crate::ops::stages::{Stage, Stages};
use crate::ops::testing::{gpu, noise};
use crate::volume::{Dtype, Header, Rescale, Rescales, Shape, Table, Volume};

/// What a job makes of its volume, as bytes: results that are Exact, or labels of classes that lie far apart.
type Made = Box<dyn Fn(&Device) -> Vec<u8>>;

struct Trial {
    name: &'static str,
    /// How many steps it takes at least.
    steps: u64,
    run: Made,
}

/// Little memory, so that a small volume takes several units.
fn little(device: &Device) -> Run<'_> {
    Run::silent(device).with_memory(1 << 20)
}

fn input(volume: &Volume) -> Input<'static> {
    Input::of(Arc::new(volume.clone()))
}

fn resolved(volume: &Volume, device: &Device) -> Input<'static> {
    Input::resolve(Arc::new(volume.clone()), &little(device)).unwrap()
}

const AXES: [u64; 3] = [96, 80, 25];

fn volume(dtype: Dtype, voxel: impl Fn(u64) -> f64) -> Volume {
    let shape = Shape::new(&AXES).unwrap();
    let values = (0..shape.voxels()).map(voxel);
    let bytes = match dtype {
        Dtype::I16 => values.flat_map(|v| (v as i16).to_le_bytes()).collect(),
        Dtype::U8 => values.map(|v| v as u8).collect(),
        _ => values.flat_map(|v| (v as f32).to_le_bytes()).collect::<Vec<u8>>(),
    };
    let mut header = Header::new(shape, dtype);
    header.meaning.rescale = Rescales::Uniform(Rescale::IDENTITY);
    Volume::new(header, bytes).unwrap()
}

fn ct() -> Volume {
    volume(Dtype::I16, |i| (noise(i) % 3000) as f64 - 1000.0)
}

fn floats() -> Volume {
    volume(Dtype::F32, |i| (noise(i) % 3_000_001) as f64 / 1000.0 - 1000.0)
}

/// Three classes far apart.
fn tissues(dtype: Dtype) -> Volume {
    volume(dtype, |i| [20.0, 120.0, 220.0][noise(i / 3) as usize % 3] + (noise(i) % 21) as f64)
}

fn written(header: &Header, write: impl FnOnce(&Memory)) -> Vec<u8> {
    let sink = Memory::new(header.grid.shape.voxels() as usize, header.meaning.dtype);
    write(&sink);
    sink.take()
}

fn mapped(volume: &Volume, job: &Pointwise, device: &Device) -> Vec<u8> {
    let mapping = Mapping::new(&resolved(volume, device), job, &little(device)).unwrap();
    written(mapping.header(), |sink| mapping.write(sink, &little(device)).unwrap())
}

fn segmented(volume: &Volume, job: &Segment, run: &Run<'_>) -> Vec<u8> {
    let found = Segmentation::new(&[resolved(volume, run.device)], None, job, run).unwrap();
    written(found.header(), |sink| drop(found.write_labels(sink, None, run).unwrap()))
}

fn jobs() -> Vec<Trial> {
    let job = |name, steps, run: Made| Trial { name, steps, run };
    vec![
        job("count", 5, {
            let volume = ct();
            Box::new(move |device| {
                let groups = count(&input(&volume), &little(device)).unwrap();
                groups[0].counts.bins.iter().flat_map(|n| n.to_le_bytes()).collect()
            })
        }),
        job("map", 5, {
            let volume = ct();
            let table = Table::from_fn(Dtype::I16, Dtype::U8, |v| f64::from(v + 1024) / 8.0);
            Box::new(move |device| {
                written(&volume.header().derived(Dtype::U8), |sink| {
                    map(&input(&volume), std::slice::from_ref(&table), sink, &little(device)).unwrap();
                })
            })
        }),
        job("equalise", 10, {
            let volume = ct();
            Box::new(move |device| mapped(&volume, &Pointwise::equalize(None, None, Region::default()), device))
        }),
        job("chain on floats to integers", 10, {
            let volume = floats();
            let steps = "window:40:400,equalize".parse::<Chain>().unwrap();
            let job = Pointwise { to: Some(Dtype::U16), ..Pointwise::new(steps) };
            Box::new(move |device| mapped(&volume, &job, device))
        }),
        job("mask", 5, {
            let (volume, mask_volume) = (ct(), volume(Dtype::U8, |i| (noise(i) % 3) as f64));
            Box::new(move |device| {
                let run = little(device);
                let mask = Mask::new(Arc::new(mask_volume.clone()), None, volume.header(), &run).unwrap();
                let masked = input(&volume).masked(Some(mask));
                written(volume.header(), |sink| super::mask(&masked, 7, sink, &run).unwrap())
            })
        }),
        job("neighbours", 40, {
            let volume = ct();
            let table = |to| Stage::Table(Table::from_fn(Dtype::I16, to, |v| f64::from(v / 3)));
            let flat = Stage::Rank(Footprint::new([1, 1, 0], FootprintShape::Box).unwrap(), 2);
            let stages = Stages(vec![table(Dtype::I16), flat, table(Dtype::U8)]);
            Box::new(move |device| {
                let run = little(device).with_memory(1 << 22);
                written(&volume.header().derived(Dtype::U8), |sink| filter(&input(&volume), &stages, sink, &run).unwrap())
            })
        }),
        job("mixture over the histogram", 10, {
            let volume = tissues(Dtype::U8);
            Box::new(move |device| segmented(&volume, &Segment::classes(3), &little(device)))
        }),
        job("mixture over voxels that stream", 10, {
            let volume = tissues(Dtype::F32);
            let job = Segment { method: Some(Method::Voxel), max_iterations: Some(3), ..Segment::classes(3) };
            // Half a mebibyte is less than the volume.
            Box::new(move |device| segmented(&volume, &job, &little(device).with_memory(1 << 19)))
        }),
        job("mixture over voxels on the device", 10, {
            let volume = tissues(Dtype::F32);
            let job = Segment { method: Some(Method::Voxel), max_iterations: Some(3), ..Segment::classes(3) };
            Box::new(move |device| segmented(&volume, &job, &little(device).with_memory(1 << 24)))
        }),
    ]
}

/// Every step of a job on the GPU fails, once or from there on, in each way a GPU can: the bits stay the same.
#[test]
fn a_failure_at_any_step_of_any_job_changes_no_bit() {
    let Some(shared) = gpu() else { return };
    let failures: [fn(&'static str) -> GpuError; 3] = [
        |kernel| GpuError::OutOfMemory { kernel },
        |kernel| GpuError::Lost { kernel },
        |kernel| GpuError::Validation { kernel, message: "a test".into() },
    ];
    for job in jobs() {
        let want = (job.run)(&Device::cpu());
        for failure in failures {
            for lasting in [false, true] {
                let mut failing = 0;
                loop {
                    let steps = Arc::new(AtomicU64::new(0));
                    let counter = steps.clone();
                    let fault = move |kernel| {
                        let step = counter.fetch_add(1, Ordering::SeqCst);
                        (step == failing || (lasting && step > failing)).then(|| failure(kernel))
                    };
                    let options = Options { fault: Some(Arc::new(fault)), ..Options::default() };
                    let own = Gpu::from_device(shared.device().clone(), shared.queue().clone()).with_options(options);
                    let got = (job.run)(&Device::gpu(own));
                    assert!(got == want, "{}: other bits after a failure at step {failing}, lasting: {lasting}", job.name);
                    if steps.load(Ordering::SeqCst) <= failing {
                        break;
                    }
                    // All of the first steps, then some.
                    failing += if failing < 30 { 1 } else { 23 };
                }
                assert!(failing > job.steps, "{}: {failing} steps are too few to prove anything", job.name);
            }
        }
    }
}

/// `device.destroy()`, called after a few steps of each job: the device is rebuilt, and the bits are those of the CPU.
#[test]
fn every_job_outlives_its_device() {
    if gpu().is_none() {
        return;
    }
    for job in jobs() {
        let want = (job.run)(&Device::cpu());
        for at in [0, 3, 9] {
            let steps = AtomicU64::new(0);
            let device: Arc<Mutex<Option<wgpu::Device>>> = Arc::default();
            let doomed = device.clone();
            let fault = move |_| {
                if steps.fetch_add(1, Ordering::SeqCst) == at
                    && let Some(device) = doomed.lock().unwrap().take()
                {
                    device.destroy();
                }
                None
            };
            let options = Options { fault: Some(Arc::new(fault)), ..Options::default() };
            let own = Gpu::open(&crate::engine::AdapterChoice::Any).unwrap().with_options(options);
            *device.lock().unwrap() = Some(own.device().clone());
            let got = (job.run)(&Device::gpu(own));
            assert!(got == want, "{}: other bits after step {at} lost the device", job.name);
            assert!(device.lock().unwrap().is_none(), "{}: it never came to step {at}", job.name);
        }
    }
}

#[test]
fn a_file_that_shrinks_between_its_passes_gives_an_error_and_no_output() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ct.nii");
    let volume = ct();
    let save = || {
        let sink = crate::io::create(&Target::new(&path, true, &[]).unwrap(), volume.header(), &WriteOptions::default()).unwrap();
        sink.write(0, volume.bytes()).unwrap();
        crate::io::output::publish(vec![sink.finish().unwrap()]).unwrap();
    };
    let whole = || Input::of(crate::io::open(std::slice::from_ref(&path), &OpenOptions::default()).unwrap().into());
    let shrink = || {
        let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    };
    for device in [Some(Device::cpu()), gpu().map(|g| Device::gpu(Gpu::from_device(g.device().clone(), g.queue().clone())))] {
        let Some(device) = device else { continue };
        save();
        let run = &Run::silent(&device);
        let input = whole();
        shrink();
        let error = count(&input, run).unwrap_err().to_string();
        assert!(error.contains("ct.nii"), "{error}");

        save();
        let plan = Mapping::new(&whole(), &Pointwise::equalize(None, None, Region::default()), run).unwrap();
        shrink();
        let target = Target::new(&folder.path().join("out.nii"), false, &[]).unwrap();
        let sink = crate::io::create(&target, plan.header(), &WriteOptions::default()).unwrap();
        let error = plan.write(sink.as_ref(), run).unwrap_err().to_string();
        assert!(error.contains("ct.nii"), "{error}");
        drop(sink);
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["ct.nii"]);
    }
}
