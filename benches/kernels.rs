//! Every operation on the CPU, one thread and all, and on a GPU where there is one. `cargo bench --bench kernels [FILTER]`.
//!
//! Throughput counts the bytes of the input. `HOUNSFIELD_BENCH_SLICES` sets the size, 512 x 512 x 64 unless given.
//! A software driver says nothing of a GPU and is skipped unless `HOUNSFIELD_BENCH_SOFTWARE=1`.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput};
use hounsfield::analysis::{equalization, statistics};
use hounsfield::engine::{AdapterChoice, Brick, Gpu, GpuVolume, adapters};
use hounsfield::ops::components::{self, Connectivity, Effort, Rules};
use hounsfield::ops::resample::{self, Positions, Sampled, Sampling};
use hounsfield::ops::{distance, equalize, histogram, lut, scan};
use hounsfield::phantom::Phantom;
use hounsfield::pipelines::{
    self, Adaptive, AdaptiveMapping, Device, FilterChain, FilterOptions, Filtering, How, Input, Mask, Projection, Resampling,
    Run, Thickness, census, count, count_between, float_statistics, map_into, map_volume,
};
use hounsfield::views::Nowhere;
use hounsfield::volume::{Affine, Block, Dtype, Grid, Header, Placement, Rescale, Shape, Table, Volume};
use rayon::prelude::*;

/// As many bytes as one thread works on at a time in a job.
const BLOCK_BYTES: usize = 1 << 20;

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    let slices = std::env::var("HOUNSFIELD_BENCH_SLICES").map_or(64, |n| n.parse().expect("a number of slices"));
    let contents = contents(slices);
    one_thread(&mut criterion, &contents);
    decisions(&mut criterion, &contents[0].1);
    jobs(&mut criterion, &contents, slices);
    grids(&mut criterion, &contents[0].1);
    neighbours(&mut criterion, &contents[0].1);
    on_gpu(&mut criterion, &contents);
    criterion.final_summary();
}

/// i16 voxels: a chest, noise over all values, and air with a twentieth of anything else.
fn contents(slices: u64) -> Vec<(&'static str, Vec<i16>)> {
    let phantom = Phantom { size: [512, 512, slices], ..Phantom::default() };
    let ct: Vec<i16> = (0..slices).into_par_iter().flat_map_iter(|z| phantom.voxels(z)).collect();
    let noise: Vec<i16> = (0..ct.len() as u64).map(|i| mixed(i) as i16).collect();
    let air = (0..ct.len() as u64).map(|i| if mixed(i).is_multiple_of(20) { (mixed(i) >> 40) as i16 } else { -1000 }).collect();
    vec![("ct", ct), ("noise", noise), ("air95", air)]
}

/// splitmix64.
fn mixed(at: u64) -> u64 {
    let mut z = at.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The same picture in another type.
fn as_type(dtype: Dtype, voxels: &[i16]) -> Vec<u8> {
    match dtype {
        Dtype::U8 => voxels.iter().map(|v| ((i32::from(*v) + 1024) >> 4) as u8).collect(),
        Dtype::F32 => {
            voxels.iter().enumerate().flat_map(|(i, v)| (f32::from(*v) + (i % 64) as f32 / 64.0).to_le_bytes()).collect()
        }
        Dtype::U16 => voxels.iter().flat_map(|v| (*v as u16 ^ 0x8000).to_le_bytes()).collect(),
        _ => bytemuck::cast_slice(voxels).to_vec(),
    }
}

fn volume(dtype: Dtype, bytes: Vec<u8>) -> Volume {
    let slices = (bytes.len() / dtype.bytes() / (512 * 512)) as u64;
    Volume::new(Header::new(Shape::new(&[512, 512, slices]).expect("a shape"), dtype), bytes).expect("whole slices")
}

/// Regions as a segmentation has them: solid, 30 % of the voxels.
fn mask(voxels: usize) -> Vec<u8> {
    (0..voxels).map(|i| u8::from(mixed(i as u64 / 100) % 10 < 3)).collect()
}

/// -1,100 to 3,100 HU, in as many bins as a float histogram of ours has.
fn edges() -> histogram::Edges {
    histogram::Edges::uniform(-1100.0, 3100.0, 65_536).expect("ascending edges")
}

fn table(from: Dtype, to: Dtype) -> Table {
    Table::from_fn(from, to, |v| if to == Dtype::U8 { f64::from(v + 160) * 0.6375 } else { f64::from(v) + 1024.0 })
}

/// Runs over blocks that stay in a cache no worse than in a job.
fn one_thread(criterion: &mut Criterion, contents: &[(&str, Vec<i16>)]) {
    let mut group = criterion.benchmark_group("one thread");
    for (name, voxels) in contents {
        let voxels = &voxels[..voxels.len().min(1 << 24)];
        let region = mask(voxels.len());
        for dtype in [Dtype::U8, Dtype::U16, Dtype::I16, Dtype::F32] {
            let bytes = as_type(dtype, voxels);
            group.throughput(Throughput::Bytes(bytes.len() as u64));
            let edges = Arc::new(edges());
            for (what, region) in [("histogram", None), ("masked histogram", Some(region.as_slice()))] {
                group.bench_function(BenchmarkId::new(format!("{what} {dtype}"), name), |b| {
                    b.iter(|| {
                        let mut tally = if dtype == Dtype::F32 {
                            histogram::Tally::binned(edges.clone())
                        } else {
                            histogram::Tally::exact(dtype)
                        };
                        tally.add(Block { dtype, bytes: &bytes }, region);
                        tally.finish()
                    });
                });
            }
        }
        for (from, to) in [(Dtype::U8, Dtype::U8), (Dtype::I16, Dtype::U8), (Dtype::I16, Dtype::U16), (Dtype::I16, Dtype::F32)] {
            let bytes = as_type(from, voxels);
            let table = table(from, to);
            let mut out = vec![1; voxels.len() * to.bytes()];
            group.throughput(Throughput::Bytes(bytes.len() as u64));
            group.bench_function(BenchmarkId::new(format!("lut {from} to {to}"), name), |b| {
                let prepared = lut::Prepared::new(&table);
                b.iter(|| {
                    let parts = bytes.chunks(BLOCK_BYTES).zip(out.chunks_mut(BLOCK_BYTES / from.bytes() * to.bytes()));
                    parts.for_each(|(bytes, out)| prepared.map(Block { dtype: from, bytes }, out));
                });
            });
        }
        let bytes = as_type(Dtype::F32, voxels);
        let (edges, table) = (edges(), Table::from_bins(65_536, Dtype::U16, |i| i as f64));
        let mut out = vec![1; voxels.len() * 2];
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(BenchmarkId::new("lut float32 to uint16", name), |b| {
            b.iter(|| lut::cpu_floats(Block { dtype: Dtype::F32, bytes: &bytes }, &edges, &table, 0, &mut out));
        });
    }
    group.finish();
}

/// Onto another grid, one thread: turned against the volume, and finer along its axes.
fn grids(criterion: &mut Criterion, ct: &[i16]) {
    let mut group = criterion.benchmark_group("resample, one thread");
    let bytes = as_type(Dtype::I16, &ct[..ct.len().min(512 * 512 * 16)]);
    let shape = [512, 512, bytes.len() / (2 * 512 * 512)];
    let mut out = vec![1; bytes.len()];
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    let turned = [[0.93, 0.28, 0.04, 1.0], [-0.27, 0.92, 0.02, 90.0], [0.01, -0.02, 0.98, 4.0]];
    let straight = [[0.7, 0.0, 0.0, 0.2], [0.0, 0.7, 0.0, 0.2], [0.0, 0.0, 0.6, 0.2]];
    for (name, matrix) in [("turned", turned), ("straight", straight)] {
        let positions = Positions::new(&matrix, shape.map(|n| n as u64)).expect("a small volume");
        let from = Sampled { dtype: Dtype::I16, bytes: &bytes, shape, inside: shape.map(|n| 0..n as i64), positions };
        for sampling in [Sampling::Linear, Sampling::Nearest, Sampling::Label] {
            group.bench_function(BenchmarkId::new(sampling.name(), name), |b| {
                b.iter(|| resample::cpu(&from, sampling, 0, shape, &mut out));
            });
        }
    }
    group.finish();
}

/// Steps that look at neighbours, each after a table where it takes a mask.
const NEAR: [&str; 14] = [
    "median:1",
    "median:3",
    "median:10",
    "rank:3:20:ball",
    "erode:3",
    "erode:3:ball",
    "tophat:3",
    "gaussian:2",
    "mean:2",
    "unsharp:2",
    "gradmag",
    "laplace",
    "threshold:-300,erode:20:ball",
    "threshold:-300,fill",
];

/// The first slices: a device has them and all that is made of them at once.
fn near_volume(ct: &[i16]) -> Input<'static> {
    Input::of(Arc::new(volume(Dtype::I16, as_type(Dtype::I16, &ct[..ct.len().min(512 * 512 * 32)]))))
}

fn filtering(input: &Input<'_>, steps: &str, run: &Run<'_>) -> Filtering {
    let chain = FilterChain::parse(steps).expect("steps").expect("such that look at neighbours");
    Filtering::new(input, &chain, &FilterOptions::default(), run).expect("they fit")
}

/// On all threads, over a volume in memory.
fn neighbours(criterion: &mut Criterion, ct: &[i16]) {
    let mut group = criterion.benchmark_group("neighbours");
    let (input, cpu) = (near_volume(ct), Device::cpu());
    let run = Run::silent(&cpu);
    group.throughput(Throughput::Elements(input.header().grid.shape.voxels()));
    for steps in NEAR {
        let work = filtering(&input, steps, &run);
        group.bench_function(steps, |b| b.iter(|| work.write(&Nowhere, &run)));
    }
    group.finish();
}

/// The same on a device: kernels alone, then with all transfers. Other jobs with their transfers.
fn neighbours_on_gpu(criterion: &mut Criterion, ct: &[i16], gpu: &Arc<Gpu>) {
    let mut group = criterion.benchmark_group(format!("neighbours, GPU {}", gpu.name()));
    let input = near_volume(ct);
    let device = Device::gpu(gpu.clone());
    let run = Run::silent(&device);
    group.throughput(Throughput::Elements(input.header().grid.shape.voxels()));
    for steps in NEAR {
        let work = filtering(&input, steps, &run);
        // What looks at the whole volume is computed as it is read, by the CPU.
        if work.time_kernels(gpu, &run).is_ok() {
            group.bench_function(BenchmarkId::new(steps, "kernels"), |b| {
                b.iter_custom(|n| (0..n).map(|_| work.time_kernels(gpu, &run).expect("as before").duration).sum());
            });
        }
        group.bench_function(BenchmarkId::new(steps, "with transfers"), |b| b.iter(|| work.write(&Nowhere, &run)));
    }
    for axis in 0..3 {
        let projection = Projection::new(input.header(), axis, How::Max, Thickness::Whole).expect("a volume");
        let name = format!("greatest along {}", ["x", "y", "z"][axis]);
        group.bench_function(BenchmarkId::new(name, "with transfers"), |b| b.iter(|| projection.write(&input, &Nowhere, &run)));
    }
    let mapping = AdaptiveMapping::new(&input, &Adaptive::USUAL, &run).expect("there are voxels");
    group.bench_function(BenchmarkId::new("equalise by 8 x 8 tiles", "with transfers"), |b| {
        b.iter(|| mapping.write(&Nowhere, &run))
    });
    let grid = Grid { geometry: None, ..input.header().grid.clone() };
    let to_source = Affine([[0.93, 0.28, 0.04, 1.0], [-0.27, 0.92, 0.02, 90.0], [0.01, -0.02, 0.98, 4.0]]);
    let turned = Resampling { placement: Placement { grid, to_source }, sampling: Sampling::Linear, fill: 0 };
    group.bench_function(BenchmarkId::new("resample, turned, linear", "with transfers"), |b| {
        b.iter(|| pipelines::resample(&input, &turned, &Nowhere, &run))
    });
    let shape = input.header().grid.shape.xyz().map(|n| n as u32);
    let keys: Vec<u32> = ct.iter().take(shape.iter().product::<u32>() as usize).map(|v| u32::from(*v > -300)).collect();
    let mask =
        Brick { shape, buffer: gpu.storage_with("bench", bytemuck::cast_slice(&keys), 64).expect("room for the mask"), bits: 8 };
    for connectivity in [Connectivity::Faces, Connectivity::Corners] {
        group.bench_function(BenchmarkId::new("components", format!("{connectivity:?}")), |b| {
            b.iter(|| components::run(gpu, &mask, Rules::mask(connectivity), Effort::default()).expect("it ends"));
        });
    }
    group.finish();
}

/// What is done once for a volume, however large.
fn decisions(criterion: &mut Criterion, ct: &[i16]) {
    let mut group = criterion.benchmark_group("decision");
    let noise: Vec<i16> = (0..1 << 20).map(|i| mixed(i) as i16).collect();
    for (name, voxels) in [("ct", ct), ("65,536 values", &noise)] {
        let counts = histogram::cpu(Block { dtype: Dtype::I16, bytes: bytemuck::cast_slice(voxels) }, None);
        group.bench_function(BenchmarkId::new("statistics", name), |b| {
            b.iter(|| statistics::of(black_box(&[(Rescale::IDENTITY, &counts)])));
        });
        group.bench_function(BenchmarkId::new("equalisation table", name), |b| {
            let groups = [equalization::LevelGroup { rescale: Rescale::IDENTITY, counts: &counts, padding: None }];
            b.iter(|| equalization::decide(black_box(&groups), Dtype::U16, None));
        });
        group.bench_function(BenchmarkId::new("scan", name), |b| b.iter(|| scan::cpu(black_box(&counts.bins))));
        group.bench_function(BenchmarkId::new("table for the CPU", name), |b| {
            let table = table(Dtype::I16, Dtype::U16);
            b.iter(|| lut::Prepared::new(black_box(&table)));
        });
    }
    group.finish();
}

/// On all threads, over a volume in memory, as users call it.
fn jobs(criterion: &mut Criterion, contents: &[(&str, Vec<i16>)], slices: u64) {
    let mut group = criterion.benchmark_group(format!("job 512x512x{slices}"));
    for (name, voxels) in contents {
        let (ct, cpu) = (Arc::new(volume(Dtype::I16, as_type(Dtype::I16, voxels))), Device::cpu());
        let run = Run::silent(&cpu);
        let region = Arc::new(volume(Dtype::U8, mask(voxels.len())));
        let region = Mask::new(region, None, ct.header(), &run).expect("the same grid");
        let input = Input::of(ct.clone());
        let masked = input.clone().masked(Some(region));
        let mut held = vec![1; ct.bytes().len()];
        for axis in 0..3 {
            let projection = Projection::new(ct.header(), axis, How::Max, Thickness::Whole).expect("a volume");
            group.throughput(Throughput::Bytes(ct.bytes().len() as u64));
            group.bench_function(BenchmarkId::new(format!("greatest along {}", ["x", "y", "z"][axis]), name), |b| {
                b.iter(|| projection.write(&input, &Nowhere, &run));
            });
        }
        group.bench_function(BenchmarkId::new("equalise by 8 x 8 tiles", name), |b| {
            let mapping = AdaptiveMapping::new(&input, &Adaptive::USUAL, &run).expect("there are voxels");
            b.iter(|| mapping.write(&Nowhere, &run));
        });
        group.throughput(Throughput::Bytes(ct.bytes().len() as u64));
        group.bench_function(BenchmarkId::new("count int16", name), |b| {
            b.iter(|| count(&input, &run));
        });
        group.bench_function(BenchmarkId::new("count int16, masked", name), |b| {
            b.iter(|| count(&masked, &run));
        });
        group.bench_function(BenchmarkId::new("plain copy", name), |b| {
            b.iter(|| copy(ct.bytes(), &mut held));
        });
        for to in [Dtype::U8, Dtype::U16] {
            let tables = [table(Dtype::I16, to)];
            group.bench_function(BenchmarkId::new(format!("map int16 to {to}, memory in use"), name), |b| {
                b.iter(|| map_into(&ct, &tables, &mut held[..voxels.len() * to.bytes()]));
            });
            group.bench_function(BenchmarkId::new(format!("map int16 to {to}, new memory"), name), |b| {
                b.iter(|| map_volume(&ct, &tables, ct.header().derived(to)));
            });
        }
        let tissue: Vec<u8> = voxels.iter().map(|v| u8::from(*v > -300)).collect();
        let mut squares = vec![0u32; tissue.len()];
        group.throughput(Throughput::Bytes(tissue.len() as u64));
        group.bench_function(BenchmarkId::new("squared distance 7:7:25", name), |b| {
            b.iter(|| distance::squared(&tissue, [512, 512, slices as usize], [7, 7, 25], &mut squares));
        });
        let floats = Input::of(Arc::new(volume(Dtype::F32, as_type(Dtype::F32, voxels))));
        let edges = Arc::new(edges());
        group.throughput(Throughput::Bytes(floats.header().bytes()));
        group.bench_function(BenchmarkId::new("census float32", name), |b| b.iter(|| census(&floats, &run)));
        group.bench_function(BenchmarkId::new("count float32", name), |b| {
            b.iter(|| count_between(&floats, &edges, &run));
        });
        group.bench_function(BenchmarkId::new("statistics float32", name), |b| {
            b.iter(|| float_statistics(&floats, None, &run));
        });
    }
    group.finish();
}

fn copy(from: &[u8], to: &mut [u8]) {
    to.par_chunks_mut(BLOCK_BYTES).zip(from.par_chunks(BLOCK_BYTES)).for_each(|(to, from)| to.copy_from_slice(from));
}

/// Kernels over voxels that are on the device: record, submit, wait.
fn on_gpu(criterion: &mut Criterion, contents: &[(&str, Vec<i16>)]) {
    let software = std::env::var_os("HOUNSFIELD_BENCH_SOFTWARE").is_some_and(|v| v == "1");
    let usable: Vec<_> = adapters().into_iter().filter(|a| a.usable).collect();
    if !usable.iter().any(|a| software || !a.software) {
        println!(
            "GPU: skipped, {} (HOUNSFIELD_BENCH_SOFTWARE=1 takes a software driver)",
            match usable.len() {
                0 => "no adapter",
                _ => "only software drivers",
            }
        );
        return;
    }
    let gpu = Gpu::open(if software { &AdapterChoice::Any } else { &AdapterChoice::Hardware }).expect("the adapter opens");
    let gpu = Arc::new(gpu);
    neighbours_on_gpu(criterion, &contents[0].1, &gpu);
    let mut group = criterion.benchmark_group(format!("GPU {}", gpu.name()));
    let run = |record: &dyn Fn(&mut wgpu::CommandEncoder)| {
        let mut encoder = gpu.encoder();
        record(&mut encoder);
        let submission = gpu.submit("bench", encoder).expect("a submission");
        gpu.wait("bench", submission).expect("the end of it");
    };
    for (name, voxels) in contents {
        for dtype in [Dtype::U8, Dtype::I16, Dtype::F32] {
            let bytes = as_type(dtype, voxels);
            let block = Block { dtype, bytes: &bytes };
            let on_device = GpuVolume::upload(&gpu, block).expect("room for the voxels");
            let bins = match dtype {
                Dtype::F32 => histogram::Binning::upload(&gpu, &edges()).expect("room for the edges"),
                _ => histogram::Binning::Exact(histogram::PrivateWindow::from_sample(block)),
            };
            let values = if dtype == Dtype::U8 { 256 } else { 65_536 };
            let counts = histogram::counts_buffer(&gpu, values).expect("room for the counts");
            group.throughput(Throughput::Bytes(bytes.len() as u64));
            group.bench_function(BenchmarkId::new(format!("histogram {dtype}"), name), |b| {
                b.iter(|| {
                    run(&|encoder| histogram::encode(&gpu, encoder, &on_device, None, &bins, &counts).expect("it fits"));
                });
            });
            if dtype == Dtype::F32 {
                continue;
            }
            for to in [Dtype::U8, Dtype::U16, Dtype::F32] {
                let table = lut::GpuTable::upload(&gpu, &table(dtype, to)).expect("room for the table");
                let out = GpuVolume::empty(&gpu, to, on_device.voxels()).expect("room for the result");
                group.bench_function(BenchmarkId::new(format!("lut {dtype} to {to}"), name), |b| {
                    b.iter(|| run(&|encoder| lut::encode(&gpu, encoder, &on_device, &table, &out).expect("it fits")));
                });
            }
        }
    }
    let slices = contents[0].1.len() / (512 * 512);
    let shape = [512, 512, slices as u32];
    for (name, voxels) in contents {
        let mut bits = vec![0u64; voxels.len() / 64];
        voxels.iter().enumerate().for_each(|(i, v)| bits[i / 64] |= u64::from(*v > -300) << (i % 64));
        let bits = gpu.storage_with("bench", bytemuck::cast_slice(&bits), 4).expect("room for the mask");
        let [a, b] = [0, 1].map(|_| gpu.storage("bench", 4 * voxels.len() as u64).expect("room for distances"));
        let grid = (shape, [7, 7, 25]);
        group.throughput(Throughput::Bytes(voxels.len() as u64));
        group.bench_function(BenchmarkId::new("squared distance 7:7:25", name), |bench| {
            bench.iter(|| {
                run(&|encoder| {
                    distance::encode_rows::<u32>(&gpu, encoder, &bits, grid, &a).expect("it fits");
                    distance::encode_columns::<u32>(&gpu, encoder, grid, 1, [&a, &b]).expect("it fits");
                    distance::encode_columns::<u32>(&gpu, encoder, grid, 2, [&b, &a]).expect("it fits");
                });
            });
        });
    }
    let buffer = || gpu.storage("bench", 4 * 65_536).expect("a small buffer");
    let (counts, cumulative, entries) = (buffer(), buffer(), buffer());
    group.throughput(Throughput::Bytes(4 * 65_536));
    group.bench_function("scan 65,536", |b| {
        b.iter(|| run(&|encoder| scan::encode(&gpu, encoder, 65_536, &counts, &cumulative).expect("it fits")));
    });
    group.bench_function("equalisation table 65,536", |b| {
        let settings = equalize::Settings::of(Dtype::I16);
        b.iter(|| run(&|encoder| equalize::encode(&gpu, encoder, &settings, &cumulative, &entries).expect("it fits")));
    });
    group.finish();
}
