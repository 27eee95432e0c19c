use super::*;
use crate::analysis::distribution::Distribution;
use crate::analysis::pieces::{Pieces, pieces};
use crate::analysis::steps::{Chain, Composed};
use crate::engine::{CHUNK_VOXELS, Gpu, GpuVolume, Options};
use crate::ops::testing::{SIZES, gpu, noise};
use crate::volume::{Block, Counts, Dtype, Header, Rescale, Shape};

const CHAINS: [&str; 6] = [
    "zscore",
    "nnunet",
    "window:40:400:sigmoid",
    "window:40:400,gamma:0.4,invert",
    "minmax,equalize",
    "clip:-100:200,rescale:3:-7",
];

/// A chain over noise from -1000 to 3000, and its pieces.
fn chain(text: &str) -> (Composed, Pieces) {
    let edges: Vec<f32> = (0..=1000).map(|i| i as f32 * 4.0 - 1000.0).collect();
    let mut counts = Counts::binned(Dtype::F32, 1000);
    counts.bins.iter_mut().enumerate().for_each(|(i, n)| *n = noise(i as u64) % 100);
    let input = Distribution::binned(&edges, &counts, Rescale::IDENTITY);
    let header = Header::new(Shape::new(&[1]).unwrap(), Dtype::F32);
    let composed = text.parse::<Chain>().unwrap().compose(input, &header, Some(Dtype::F32)).unwrap();
    let pieces = pieces(&composed, Rescale::IDENTITY, -1000.0, 3000.0).unwrap();
    (composed, pieces)
}

fn voxels(count: usize) -> Vec<f32> {
    let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0, 1e-45, -1e-40, f32::MAX, -5000.0, -f32::NAN];
    let value = |i: usize| (noise(i as u64) % 4_000_000) as f32 / 1000.0 - 1000.0;
    (0..count).map(|i| if i % 37 == 5 { odd[i / 37 % odd.len()] } else { value(i) }).collect()
}

fn on_gpu(gpu: &Gpu, values: &[f32], curve: &Polyline) -> Vec<f32> {
    let volume = GpuVolume::upload(gpu, Block { dtype: Dtype::F32, bytes: bytemuck::cast_slice(values) }).unwrap();
    let out = run(gpu, &volume, &GpuPolyline::upload(gpu, curve).unwrap()).unwrap().download(gpu).unwrap();
    bytemuck::pod_collect_to_vec(&out)
}

fn on_cpu(values: &[f32], curve: &Polyline) -> Vec<f32> {
    let mut out = vec![0xff; 4 * values.len()];
    cpu(Block { dtype: Dtype::F32, bytes: bytemuck::cast_slice(values) }, curve, &mut out);
    bytemuck::pod_collect_to_vec(&out)
}

#[track_caller]
fn assert_close(what: &str, values: &[f32], got: &[f32], want: impl Fn(f32) -> f64, bound: f64) {
    assert_eq!(got.len(), values.len(), "{what}: another length");
    for (x, y) in values.iter().zip(got) {
        if x.is_nan() {
            assert_eq!(y.to_bits(), f32::NAN.to_bits(), "{what}: NaN");
            continue;
        }
        let off = (f64::from(*y) - want(x.clamp(-1000.0, 3000.0))).abs();
        assert!(off <= bound, "{what}: {y} at {x}, off by {off}, more than {bound}");
    }
}

#[test]
fn a_ramp_with_a_step_by_hand() {
    let pieces = Pieces { from: vec![0.0, 1.0, 4.0], start: vec![10.0, 20.0, 26.0], slope: vec![2.0, 2.0, 0.0], bound: 0.0 };
    let values = [-1.0, 0.0, 0.5, 1.0, 3.0, 4.0, 9.0, f32::INFINITY, f32::NEG_INFINITY];
    let want = [10.0, 10.0, 11.0, 20.0, 24.0, 26.0, 26.0, 26.0, 10.0];
    let curve = Polyline::new(&pieces);
    assert_eq!(on_cpu(&values, &curve), want);
    if let Some(gpu) = gpu() {
        assert_eq!(on_gpu(gpu, &values, &curve), want);
    }
}

#[test]
fn cpu_and_gpu_stay_within_the_bound() {
    for text in CHAINS {
        let (composed, pieces) = chain(text);
        let curve = Polyline::new(&pieces);
        for &count in SIZES {
            let values = voxels(count);
            let want = |x: f32| composed.value(f64::from(x));
            assert_close(&format!("cpu {text} {count}"), &values, &on_cpu(&values, &curve), want, pieces.bound);
            if let Some(gpu) = gpu() {
                assert_close(&format!("gpu {text} {count}"), &values, &on_gpu(gpu, &values, &curve), want, pieces.bound);
            }
        }
    }
}

#[test]
fn few_groups_and_chunk_edges_leave_no_voxel_unwritten() {
    let Some(shared) = gpu() else { return };
    let capped = Gpu::from_device(shared.device().clone(), shared.queue().clone())
        .with_options(Options { max_groups: 1, ..Options::default() });
    let (composed, pieces) = chain("zscore");
    let curve = Polyline::new(&pieces);
    let want = |x: f32| composed.value(f64::from(x));
    let values = voxels(100_003);
    assert_close("one group", &values, &on_gpu(&capped, &values, &curve), want, pieces.bound);
    let values: Vec<f32> = (0..CHUNK_VOXELS + 1).map(|i| (i % 3001) as f32).collect();
    assert_close("chunks", &values, &on_gpu(shared, &values, &curve), want, pieces.bound);
}

#[test]
fn what_does_not_fit_is_refused() {
    let Some(gpu) = gpu() else { return };
    let curve = GpuPolyline::upload(gpu, &Polyline::new(&chain("zscore").1)).unwrap();
    let bytes = GpuVolume::upload(gpu, Block { dtype: Dtype::U8, bytes: &[1, 2, 3] }).unwrap();
    assert!(run(gpu, &bytes, &curve).is_err(), "another type");
    let volume = GpuVolume::empty(gpu, Dtype::F32, 7).unwrap();
    assert!(encode(gpu, &mut gpu.encoder(), &volume, &curve, &volume).is_err(), "in place");
    let short = gpu.storage("test", 4).unwrap();
    assert!(encode_chunk(gpu, &mut gpu.encoder(), &volume.chunks()[0], &curve, &short).is_err(), "a short output");
}
