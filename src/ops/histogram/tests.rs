use std::sync::Arc;

use super::*;
use crate::engine::{CHUNK_VOXELS, Gpu, GpuVolume, Options, UNIT_VOXELS};
use crate::ops::testing::{CONTENTS, Content, SIZES, assert_same, gpu, noise};
use crate::volume::{Block, Dtype};

const INTEGERS: [Dtype; 4] = [Dtype::U8, Dtype::I8, Dtype::U16, Dtype::I16];

/// The oracle: a loop that cannot be misread.
fn plain(block: Block<'_>, mask: Option<&[u8]>) -> Vec<u64> {
    let mut bins = vec![0; block.dtype.values()];
    for (i, one) in block.bytes.chunks_exact(block.dtype.bytes()).enumerate() {
        if mask.is_none_or(|m| m[i] != 0) {
            bins[(block.dtype.decode(one) as i32 - block.dtype.first()) as usize] += 1;
        }
    }
    bins
}

fn on_gpu(gpu: &Gpu, block: Block<'_>, mask: Option<&[u8]>, window: PrivateWindow) -> Vec<u64> {
    let volume = GpuVolume::upload(gpu, block).unwrap();
    let mask = mask.map(|m| GpuVolume::upload(gpu, Block { dtype: Dtype::U8, bytes: m }).unwrap());
    run(gpu, &volume, mask.as_ref(), &Binning::Exact(window)).unwrap().bins
}

#[test]
fn seven_voxels_by_hand() {
    let block = Block { dtype: Dtype::I8, bytes: &[0, 255, 255, 128, 127, 0, 0] };
    let counts = cpu(block, Some(&[1, 1, 1, 1, 255, 0, 2]));
    assert_eq!(counts.occupied().collect::<Vec<_>>(), [(-128, 1), (-1, 2), (0, 2), (127, 1)]);
}

#[test]
fn the_cpu_counts_as_the_plain_loop() {
    for dtype in INTEGERS {
        for &content in CONTENTS {
            for &voxels in SIZES {
                let bytes = content.bytes(dtype, voxels);
                let block = Block { dtype, bytes: &bytes };
                assert_same(&format!("{dtype} {content:?} {voxels}"), &cpu(block, None).bins, &plain(block, None));
                let mask: Vec<u8> = (0..voxels).map(|i| (noise(i as u64) % 3) as u8).collect();
                assert_same("masked", &cpu(block, Some(&mask)).bins, &plain(block, Some(&mask)));
            }
        }
    }
}

#[test]
fn a_tally_sums_blocks_and_an_empty_one_counts_nothing() {
    let bytes = Content::Noise.bytes(Dtype::U16, 1001);
    let block = |b| Block { dtype: Dtype::U16, bytes: b };
    let mut tally = Tally::exact(Dtype::U16);
    tally.add(block(&bytes[..400]), None);
    tally.add(block(&[]), None);
    tally.add(block(&bytes[400..]), None);
    assert_eq!(tally.finish(), cpu(block(&bytes), None));
    assert_eq!(cpu(block(&[]), None).total(), 0);
}

#[test]
fn gpu_and_cpu_count_alike() {
    let Some(gpu) = gpu() else { return };
    for dtype in INTEGERS {
        for &content in CONTENTS {
            for &voxels in SIZES {
                let bytes = content.bytes(dtype, voxels);
                let block = Block { dtype, bytes: &bytes };
                let window = PrivateWindow::from_sample(block);
                let name = format!("{dtype} {content:?} {voxels}");
                assert_same(&name, &on_gpu(gpu, block, None, window), &cpu(block, None).bins);
                let mask: Vec<u8> = (0..voxels).map(|i| (noise(i as u64) % 3) as u8).collect();
                assert_same(&format!("{name} masked"), &on_gpu(gpu, block, Some(&mask), window), &cpu(block, Some(&mask)).bins);
            }
        }
    }
}

#[test]
fn any_window_gives_the_same_counts() {
    let Some(gpu) = gpu() else { return };
    let bytes = Content::Ct.bytes(Dtype::I16, 5003);
    let block = Block { dtype: Dtype::I16, bytes: &bytes };
    let want = plain(block, None);
    for log2 in [0, 8, 10, 12] {
        for first in [0, 31_700, 65_536 - (1 << log2)] {
            assert_same(&format!("2^{log2} from {first}"), &on_gpu(gpu, block, None, PrivateWindow { first, log2 }), &want);
        }
    }
}

#[test]
fn a_window_finds_the_values_of_a_ct() {
    let bytes = Content::Ct.bytes(Dtype::I16, 50_000);
    let window = PrivateWindow::from_sample(Block { dtype: Dtype::I16, bytes: &bytes });
    let (first, last) = (window.first as i32 - 32_768, window.first as i32 - 32_768 + (1 << window.log2) - 1);
    assert!(first <= -1030 && last >= 730, "{first} to {last}");
}

#[test]
fn few_groups_and_chunk_edges_lose_no_voxel() {
    let Some(shared) = gpu() else { return };
    // One group for everything: the stride of the grid, without a large image.
    let capped = Gpu::from_device(shared.device().clone(), shared.queue().clone())
        .with_options(Options { max_groups: 1, ..Options::default() });
    let bytes = Content::Noise.bytes(Dtype::U16, 300_007);
    let block = Block { dtype: Dtype::U16, bytes: &bytes };
    assert_same("one group", &on_gpu(&capped, block, None, PrivateWindow::of(Dtype::U16)), &plain(block, None));
    // One voxel less and more than a chunk.
    for voxels in [CHUNK_VOXELS - 1, CHUNK_VOXELS + 1] {
        let bytes = vec![7u8; voxels as usize];
        let counts = on_gpu(shared, Block { dtype: Dtype::U8, bytes: &bytes }, None, PrivateWindow::of(Dtype::U8));
        assert_eq!((counts[7], counts.iter().sum::<u64>()), (voxels, voxels));
    }
}

fn float_counts(gpu: Option<&Gpu>, values: &[f32], mask: Option<&[u8]>, edges: &Edges) -> Counts {
    let block = Block { dtype: Dtype::F32, bytes: bytemuck::cast_slice(values) };
    let Some(gpu) = gpu else {
        let mut tally = Tally::binned(Arc::new(edges.clone()));
        tally.add(block, mask);
        return tally.finish();
    };
    let mask = mask.map(|m| GpuVolume::upload(gpu, Block { dtype: Dtype::U8, bytes: m }).unwrap());
    run(gpu, &GpuVolume::upload(gpu, block).unwrap(), mask.as_ref(), &Binning::upload(gpu, edges).unwrap()).unwrap()
}

#[test]
fn floats_fall_where_their_value_says() {
    let edges = Edges::new(vec![-1.0, 0.0, 0.5, 2.0]).unwrap();
    let tiny = f32::from_bits(1);
    let values =
        [-1.0, -tiny, -0.0, 0.0, tiny, 0.5, 2.0, 2.0000002, -1.0000001, f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
    for gpu in [None, gpu()] {
        let c = float_counts(gpu, &values, None, &edges);
        assert_eq!((c.bins.as_slice(), c.nan, c.below, c.above), ([2, 3, 2].as_slice(), 2, 2, 2));
    }
}

#[test]
fn random_bits_as_floats_count_alike() {
    let values: Vec<f32> = (0..30_011).map(|i| f32::from_bits(noise(i) as u32)).collect();
    let mask: Vec<u8> = (0..30_011).map(|i| (noise(i + 9) % 2) as u8).collect();
    let uniform = [(-1e-3f32, 1e3f32, 777), (f32::MIN, f32::MAX, 65_536), (0.0, 1e-42, 3)];
    let mut all: Vec<Edges> = uniform.into_iter().map(|(low, high, bins)| Edges::uniform(low, high, bins).unwrap()).collect();
    for (low, high) in [(f32::MIN, f32::MAX), (-3.5, 70_000.25), (2.0, 2.5)] {
        let rough = Edges::by_magnitude(low, high).unwrap();
        let counts = float_counts(None, &values, None, &rough).bins;
        all.extend([Edges::following(&rough, &counts).unwrap(), rough]);
    }
    for edges in all {
        let high = edges.values()[edges.bins()];
        for mask in [None, Some(mask.as_slice())] {
            let host = float_counts(None, &values, mask, &edges);
            // The oracle: comparisons of f64, which holds every f32.
            let mut bins = vec![0u64; edges.bins()];
            for (i, v) in values.iter().enumerate().filter(|(i, v)| !v.is_nan() && mask.is_none_or(|m| m[*i] != 0)) {
                let v = f64::from(*v);
                let at = edges.values().partition_point(|e| f64::from(*e) <= v);
                if at > 0 && (at < edges.values().len() || v == f64::from(high)) {
                    bins[(at - 1).min(edges.bins() - 1)] += 1;
                }
                let _ = i;
            }
            assert_same("bins", &host.bins, &bins);
            if let Some(gpu) = gpu() {
                assert_eq!(float_counts(Some(gpu), &values, mask, &edges), host);
            }
        }
    }
}

#[test]
fn edges_that_do_not_ascend_are_refused() {
    assert!(Edges::uniform(1.0, 1.0, 4).is_err());
    assert!(Edges::uniform(1.0, 1.0000001, 4).is_err());
    assert!(Edges::new(vec![0.0, f32::NAN]).is_err());
    assert!(Edges::new(vec![-0.0, 0.0]).is_err());
    assert_eq!(Edges::at_most(1.0, 1.000_000_1, 4).unwrap().bins(), 1);
}

#[test]
fn buffers_that_do_not_fit_are_refused_before_anything_is_recorded() {
    let Some(gpu) = gpu() else { return };
    let volume = GpuVolume::upload(gpu, Block { dtype: Dtype::U8, bytes: &[1, 2, 3] }).unwrap();
    let short = GpuVolume::upload(gpu, Block { dtype: Dtype::U8, bytes: &[1, 2] }).unwrap();
    let bins = Binning::Exact(PrivateWindow::of(Dtype::U8));
    assert!(run(gpu, &volume, Some(&short), &bins).is_err());
    let counts = counts_buffer(gpu, 100).unwrap();
    assert!(encode(gpu, &mut gpu.encoder(), &volume, None, &bins, &counts).is_err());
}

#[test]
fn host_constants_are_the_shaders() {
    let interface = SHADER.reflect().unwrap();
    assert_eq!(interface.constant("PRIVATE"), Some(1 << super::window::MOST_LOG2));
    assert_eq!(interface.constant("UNIT"), Some(UNIT_VOXELS as u32));
}

#[test]
fn bins_follow_the_voxels_whatever_lies_far_away() {
    let values: Vec<f32> = (0..20_000).map(|i| if i == 7 { 1e7 } else { 60.0 + (noise(i) % 80_000) as f32 / 1000.0 }).collect();
    let rough = Edges::by_magnitude(60.0, 1e7).unwrap();
    let edges = Edges::following(&rough, &float_counts(None, &values, None, &rough).bins).unwrap();
    let most = float_counts(None, &values, None, &edges).bins.into_iter().max().unwrap();
    assert!(most < 40 && edges.bins() <= 65_536, "{most} of 20,000 voxels in one bin of {}", edges.bins());
    // No bin is wider than two of 32,767 even ones.
    assert!(edges.values().windows(2).all(|e| f64::from(e[1]) - f64::from(e[0]) <= 1e7 / 32_767.0 + 1.0));
}
