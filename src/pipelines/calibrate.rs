//! How fast a machine is, measured by work like that which it shall predict.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::cost::{KnownGpu, Rates};
use super::{Device, Input, Run, filter};
use crate::engine::{AdapterChoice, Gpu};
use crate::ops::rank::{Footprint, FootprintShape};
use crate::ops::stages::{Stage, Stages};
use crate::views::Nowhere;
use crate::volume::{Dtype, Header, Shape, Volume};
use crate::{Error, Result};

/// Measures the CPU, and the hardware GPU that `auto` would take if there is one. Takes a few seconds.
///
/// # Errors
/// What the GPU gives.
pub fn calibrate() -> Result<Rates> {
    let mut rates = Rates { cpu_speed: cpu_speed()?, gpu: KnownGpu::Absent, ..Rates::default() };
    let begun = Instant::now();
    let Ok(gpu) = Gpu::open(&AdapterChoice::Hardware) else { return Ok(rates) };
    let device = Device::gpu(gpu);
    let (near, far) = (reaching([1, 0, 0], 0)?, reaching([3; 3], 171)?);
    // With the kernels, which are built when they are needed first.
    let small = volume(8)?;
    [&near, &far].into_iter().try_for_each(|stages| time(&small, stages, &device).map(drop))?;
    rates.start_s = begun.elapsed().as_secs_f64();
    rates.gpu = KnownGpu::Named(device.name().to_owned());
    let mut slices = 32;
    loop {
        let volume = volume(slices)?;
        let [moved, computed] = [best(&volume, &near, &device)?, best(&volume, &far, &device)?];
        if computed >= Duration::from_millis(200) || slices >= MOST_SLICES {
            let header = volume.header();
            let looks = |stages: &Stages| header.grid.shape.voxels() as f64 * stages.looks(Dtype::I16) as f64;
            rates.transfer_bytes_per_s = 2.0 * header.bytes() as f64 / moved.as_secs_f64();
            let beyond = computed.saturating_sub(moved).max(Duration::from_millis(1));
            rates.gpu_looks_per_s = (looks(&far) - looks(&near)) / beyond.as_secs_f64();
            return Ok(rates);
        }
        slices *= 2;
    }
}

/// 256 MiB of voxels.
const MOST_SLICES: u64 = 2048;

/// Slices are of so many voxels along x and y.
const SIDE: u64 = 256;

fn reaching(reach: [u32; 3], rank: u32) -> Result<Stages> {
    Ok(Stages(vec![Stage::Rank(Footprint::new(reach, FootprintShape::Box)?, rank)]))
}

/// Smooth with some noise, as images are.
fn volume(slices: u64) -> Result<Volume> {
    let shape = Shape::new(&[SIDE, SIDE, slices]).ok_or_else(|| Error::usage("a volume of no slices", "measure one"))?;
    let value = |i: u64| {
        let noise = i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58;
        (3 * (i % SIDE) + 2 * (i / SIDE % SIDE) + i / (SIDE * SIDE) + noise) as i16
    };
    let bytes = (0..shape.voxels()).flat_map(|i| value(i).to_le_bytes()).collect();
    Volume::new(Header::new(shape, Dtype::I16), bytes)
}

/// One thread beside the one on which the costs of steps were taken.
fn cpu_speed() -> Result<f64> {
    let stages = reaching([2; 3], 62)?;
    let volume = volume(16)?;
    let cpu = Device::cpu();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let took = match pool {
        Ok(pool) => pool.install(|| best(&volume, &stages, &cpu))?,
        Err(_) => best(&volume, &stages, &cpu)?,
    };
    let stated = 1e-9 * volume.header().grid.shape.voxels() as f64 * stages.nanoseconds(Dtype::I16);
    Ok(stated / took.as_secs_f64().max(1e-6))
}

fn time(volume: &Volume, stages: &Stages, device: &Device) -> Result<Duration> {
    let input = Input::of(Arc::new(volume.clone()));
    let begun = Instant::now();
    filter(&input, stages, &Nowhere, &Run::silent(device))?;
    Ok(begun.elapsed())
}

/// Of three.
fn best(volume: &Volume, stages: &Stages, device: &Device) -> Result<Duration> {
    (0..3).try_fold(Duration::MAX, |best, _| Ok(best.min(time(volume, stages, device)?)))
}
