//! NearWork that looks at neighbours: where a GPU earns its place.

use std::sync::Arc;

use hounsfield::engine::{Adapter, Gpu, GpuVolume};
use hounsfield::io::Sink;
use hounsfield::ops::resample::Sampling;
use hounsfield::pipelines::{
    self, Adaptive, AdaptiveMapping, Cost, Device, DistanceMap, DistanceOf, DistanceOutput, FilterChain, FilterOptions,
    Filtering, How, Input, Prediction, Projection, Rates, Resampling, Run, ScratchPlace, Thickness,
};
use hounsfield::volume::{Affine, Grid, Header, Placement, Volume};
use hounsfield::{Error, Result};

use super::files::Files;
use super::measure::Samples;
use super::rows::{Measurement, Predicted};

/// What is measured.
enum NearWork {
    /// A chain as it is typed.
    Steps(&'static str),
    /// The same, of the mask.
    MaskSteps(&'static str),
    /// Of the mask: squared distances to the other side.
    Distance,
    /// Onto a grid that is turned against the image.
    Turned,
    /// The greatest along z.
    Greatest,
    /// Adaptive equalisation, 8 x 8 tiles a slice.
    Adaptive,
}

/// Operations and what they are.
const WORKS: [(&str, NearWork); 11] = [
    ("median 3^3", NearWork::Steps("median:1")),
    ("median 7^3", NearWork::Steps("median:3")),
    ("erode 7^3", NearWork::Steps("erode:3")),
    ("tophat r 3", NearWork::Steps("tophat:3:ball")),
    ("gaussian 2", NearWork::Steps("gaussian:2")),
    ("mean 5^3", NearWork::Steps("mean:2")),
    ("ball r 20", NearWork::MaskSteps("erode:20:ball")),
    ("distance", NearWork::Distance),
    ("resample", NearWork::Turned),
    ("max along z", NearWork::Greatest),
    ("clahe", NearWork::Adaptive),
];

/// Slices at the most: enough to be measured, and few enough that one thread is done in a second.
const MOST_SLICES: u64 = 32;

/// A software driver takes minutes for more.
const MOST_IN_SOFTWARE: u64 = 1 << 16;

/// The first slices of a volume, a mask of them, and both as files.
pub struct Neighbours {
    image: Arc<Volume>,
    mask: Arc<Volume>,
    files: Files,
}

impl Neighbours {
    /// Of a volume of 8- or 16-bit integers.
    pub fn new(volume: &Volume) -> Result<Self> {
        let mut header = volume.header().clone();
        let [nx, ny, nz] = header.grid.shape.xyz();
        header.grid.shape = hounsfield::volume::Shape::new(&[nx, ny, nz.min(MOST_SLICES)])
            .ok_or_else(|| Error::usage("a volume without voxels", "give another"))?;
        let bytes = volume.bytes()[..header.bytes() as usize].to_vec();
        let image = Arc::new(Volume::new(header, bytes)?);
        let groups = pipelines::count(&Input::of(image.clone()), &Run::silent(&Device::cpu()))?;
        let mask = Arc::new(super::tissue::mask(&image, &groups)?);
        let files = Files::new(&image)?;
        Ok(Self { image, mask, files })
    }

    /// All rows of the CPU with `threads` threads.
    pub fn on_cpu(&self, threads: usize, repeats: usize, rates: &Rates) -> Result<Vec<Measurement>> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let pool =
            pool.map_err(|e| Error::usage(format!("{threads} threads cannot be started: {e}"), "use fewer with --threads"))?;
        let device = if threads == 1 { "CPU, 1 thread".to_owned() } else { format!("CPU, {threads} threads") };
        pool.install(|| {
            let mut rows = Vec::new();
            for (operation, work) in &WORKS {
                let Some(job) = self.job(work)? else { continue };
                let (compute, hash) = self.in_memory(&job, &Device::cpu(), repeats)?;
                let file = self.file_to_file(&job, &Device::cpu(), repeats)?;
                let predicted = job
                    .cost
                    .map(|cost| Predicted { job_s: Prediction::of(&cost, rates, threads).cpu_s, measured_s: compute.median() });
                rows.push(Measurement {
                    operation,
                    device: device.clone(),
                    compute,
                    by_device: false,
                    transfer: None,
                    file: Some(file),
                    bytes: job.bytes,
                    bandwidth: None,
                    hash,
                    predicted,
                });
            }
            Ok(rows)
        })
    }

    /// All rows of an adapter; none of software, but for small volumes.
    pub fn on_gpu(&self, adapter: &Adapter, repeats: usize, rates: &Rates) -> Result<Vec<Measurement>> {
        if adapter.software && self.image.block().len() as u64 > MOST_IN_SOFTWARE {
            return Ok(Vec::new());
        }
        let gpu = Arc::new(Gpu::open_adapter(adapter.clone())?);
        let device = Device::gpu(gpu.clone());
        let both = Samples::of(repeats, || {
            GpuVolume::upload(&gpu, self.image.block())?.download(&gpu)?;
            Ok(())
        })?;
        let mut rows = Vec::new();
        for (operation, work) in &WORKS {
            let Some(job) = self.job(work)? else { continue };
            let (whole, hash) = self.in_memory(&job, &device, repeats)?;
            let file = self.file_to_file(&job, &device, repeats)?;
            // Chains are recorded on voxels that are there; of other jobs their transfers are part.
            let mut by_device = false;
            let kernels = match work {
                NearWork::Steps(_) | NearWork::MaskSteps(_) => {
                    let run = Run::silent(&device);
                    let chain = job.filtering(&run)?;
                    Some(Samples::take(repeats, || {
                        let timing = chain.time_kernels(&gpu, &run)?;
                        by_device = timing.by_device;
                        Ok(timing.duration)
                    })?)
                }
                _ => None,
            };
            // The device is open already.
            let predicted = job.cost.map(|cost| Predicted {
                job_s: Prediction::of(&cost, rates, 1).gpu_s - rates.start_s,
                measured_s: whole.median(),
            });
            rows.push(Measurement {
                operation,
                device: gpu.name().to_owned(),
                transfer: kernels.as_ref().map(|_| both.clone()),
                compute: kernels.unwrap_or(whole),
                by_device,
                file: Some(file),
                bytes: job.bytes,
                bandwidth: None,
                hash,
                predicted,
            });
        }
        Ok(rows)
    }

    /// None of what this volume is too small for.
    fn job<'a>(&'a self, work: &'a NearWork) -> Result<Option<NearJob<'a>>> {
        let volume = if matches!(work, NearWork::MaskSteps(_) | NearWork::Distance) { &self.mask } else { &self.image };
        let mut job = NearJob { work, volume, cost: None, bytes: 0 };
        let header = match job.header(volume.header()) {
            Err(Error::Usage { .. }) => return Ok(None),
            header => header?,
        };
        job.bytes = volume.header().bytes() + header.bytes();
        job.cost = job.cost()?.filter(|cost| *cost != Cost::STREAMING);
        Ok(Some(job))
    }

    fn in_memory(&self, job: &NearJob<'_>, device: &Device, repeats: usize) -> Result<(Samples, u32)> {
        let (input, run) = (Input::of(job.volume.clone()), Run::silent(device));
        let header = job.header(job.volume.header())?;
        let once = || pipelines::into_memory(&header, |sink| job.write(&input, sink, &run));
        let hash = crc32fast::hash(once()?.bytes());
        Ok((Samples::of(repeats, || once().map(|_| ()))?, hash))
    }

    fn file_to_file(&self, job: &NearJob<'_>, device: &Device, repeats: usize) -> Result<Samples> {
        let of_mask = matches!(job.work, NearWork::MaskSteps(_) | NearWork::Distance);
        let header = job.header(job.volume.header())?;
        Samples::of(repeats, || {
            let input = if of_mask { self.files.open_mask()? } else { self.files.open()? };
            self.files.write(&header, |sink| job.write(&input, sink, &Run::silent(device)))
        })
    }
}

/// One of the works on its volume.
struct NearJob<'a> {
    work: &'a NearWork,
    volume: &'a Arc<Volume>,
    cost: Option<Cost>,
    /// Read and written, at the least.
    bytes: u64,
}

impl NearJob<'_> {
    fn header(&self, from: &Header) -> Result<Header> {
        Ok(match self.work {
            NearWork::Steps(_) | NearWork::MaskSteps(_) => self.filtering(&Run::silent(&Device::cpu()))?.header().clone(),
            NearWork::Distance => DistanceMap::new(from, DistanceOf::Inside, true)?.header(from),
            NearWork::Turned => turned(from)?.header(from)?,
            NearWork::Greatest => greatest(from)?.header().clone(),
            NearWork::Adaptive => {
                let device = Device::cpu();
                AdaptiveMapping::new(&Input::of(self.volume.clone()), &Adaptive::USUAL, &Run::silent(&device))?.header().clone()
            }
        })
    }

    fn cost(&self) -> Result<Option<Cost>> {
        let header = self.volume.header();
        Ok(match self.work {
            NearWork::Steps(_) | NearWork::MaskSteps(_) => Some(self.filtering(&Run::silent(&Device::cpu()))?.cost()),
            NearWork::Distance => Some(DistanceMap::cost(header)),
            NearWork::Turned => Some(turned(header)?.cost(header)),
            NearWork::Greatest | NearWork::Adaptive => None,
        })
    }

    fn filtering(&self, run: &Run<'_>) -> Result<Filtering> {
        self.chain(&Input::of(self.volume.clone()), run)
    }

    fn chain(&self, input: &Input<'_>, run: &Run<'_>) -> Result<Filtering> {
        let (NearWork::Steps(text) | NearWork::MaskSteps(text)) = self.work else { unreachable!("no chain") };
        let chain = FilterChain::parse(text)?.unwrap_or_else(|| unreachable!("{text} looks at neighbours"));
        Filtering::new(input, &chain, &FilterOptions::default(), run)
    }

    fn write(&self, input: &Input<'_>, sink: &dyn Sink, run: &Run<'_>) -> Result<()> {
        let header = input.header();
        match self.work {
            NearWork::Steps(_) | NearWork::MaskSteps(_) => self.chain(input, run)?.write(sink, run),
            NearWork::Distance => {
                let scratch = ScratchPlace { folder: std::env::temp_dir(), beside: 0 };
                let to = DistanceOutput { distances: sink, nearest: None, scratch };
                pipelines::distance(input, &DistanceMap::new(header, DistanceOf::Inside, true)?, &to, run).map(|_| ())
            }
            NearWork::Turned => pipelines::resample(input, &turned(header)?, sink, run).map(|_| ()),
            NearWork::Greatest => greatest(header)?.write(input, sink, run),
            NearWork::Adaptive => AdaptiveMapping::new(input, &Adaptive::USUAL, run)?.write(sink, run),
        }
    }
}

fn greatest(header: &Header) -> Result<Projection> {
    Projection::new(header, 2, How::Max, Thickness::Whole)
}

/// Turned about its centre in all axes, onto a grid like its own.
fn turned(header: &Header) -> Result<Resampling> {
    let turn = [[0.93, 0.28, 0.04], [-0.27, 0.92, 0.02], [0.01, -0.05, 0.98]];
    let centre = header.grid.shape.xyz().map(|n| (n as f64 - 1.0) / 2.0);
    let to_source = [0, 1, 2].map(|row: usize| {
        let [x, y, z] = turn[row];
        [x, y, z, centre[row] - (x * centre[0] + y * centre[1] + z * centre[2])]
    });
    let placement = Placement { grid: Grid { geometry: None, ..header.grid.clone() }, to_source: Affine(to_source) };
    Ok(Resampling { placement, sampling: Sampling::Linear, fill: 0 })
}
