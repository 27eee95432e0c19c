use super::*;
use crate::engine::{Chunk, Gpu, GpuVolume, UNIT_VOXELS};
use crate::ops::testing::{Content, assert_same, gpu};
use crate::volume::{Block, Dtype};

const SHAPE: [u64; 3] = [5, 4, 3];

fn section(right: (usize, bool), down: (usize, bool), slices: Range<u64>, ray: Ray) -> PlaneSection {
    PlaneSection { shape: SHAPE, right, down, slices, ray }
}

/// The plane of a volume that lies in chunks of so many voxels.
fn on_gpu(gpu: &Gpu, block: Block<'_>, section: &PlaneSection, chunk: usize) -> Vec<f32> {
    let size = block.dtype.bytes();
    let part = |bytes: &[u8]| Chunk {
        buffer: gpu.storage_with("test", bytes, UNIT_VOXELS as usize * size).unwrap(),
        voxels: (bytes.len() / size) as u32,
    };
    let volume = GpuVolume::from_chunks(block.dtype, block.bytes.chunks(chunk * size).map(part).collect()).unwrap();
    let plane = gpu.storage("test", 4 * section.pixels()).unwrap();
    let mut encoder = gpu.encoder();
    encode(gpu, &mut encoder, &volume, section, &plane).unwrap();
    gpu.submit("test", encoder).unwrap();
    let bytes = gpu.download("test", &plane, plane.size()).unwrap();
    bytes.as_chunks().0.iter().map(|four| f32::from_le_bytes(*four)).collect()
}

/// NaN is NaN, whatever its bits.
fn bits(values: Vec<f32>) -> Vec<u32> {
    values.into_iter().map(|x| if x.is_nan() { u32::MAX } else { x.to_bits() }).collect()
}

#[test]
fn planes_by_hand() {
    // Voxel (x, y, z) is 100 x + 10 y + z.
    let values: Vec<u8> = (0..60i16).flat_map(|i| (100 * (i % 5) + 10 * (i / 5 % 4) + i / 20).to_le_bytes()).collect();
    let block = Block { dtype: Dtype::I16, bytes: &values };
    let of = |right, down, slices, ray| cpu(block, &section(right, down, slices, ray));
    let axial = of((0, true), (1, false), 1..2, Ray::Greatest);
    assert_eq!(axial[..6], [401.0, 301.0, 201.0, 101.0, 1.0, 411.0]);
    let sagittal = of((1, false), (2, true), 3..4, Ray::Greatest);
    assert_eq!(sagittal[..5], [302.0, 312.0, 322.0, 332.0, 301.0]);
    assert_eq!(of((0, false), (1, false), 0..3, Ray::Greatest)[..2], [2.0, 102.0]);
    assert_eq!(of((0, false), (1, false), 0..3, Ray::Least)[..2], [0.0, 100.0]);
    // Of 0 and 1 the half is rounded up.
    assert_eq!(of((0, false), (1, false), 0..2, Ray::Mean)[..2], [1.0, 101.0]);
    assert_eq!(of((1, false), (2, false), 0..5, Ray::Mean)[..2], [200.0, 210.0]);
}

#[test]
fn every_section_is_the_cpus_whatever_the_chunks() {
    let Some(gpu) = gpu() else { return };
    for dtype in [Dtype::U8, Dtype::I8, Dtype::U16, Dtype::I16, Dtype::F32] {
        let bytes = Content::Noise.bytes(dtype, 60);
        let block = Block { dtype, bytes: &bytes };
        for (right, down) in [(0, 1), (0, 2), (1, 2), (2, 0)] {
            let normal = 3 - right - down;
            for slices in [0..1, SHAPE[normal] - 1..SHAPE[normal], 0..SHAPE[normal], 1..3] {
                for (ray, flips) in [(Ray::Greatest, (false, true)), (Ray::Least, (true, false)), (Ray::Mean, (true, true))] {
                    if ray == Ray::Mean && dtype == Dtype::F32 {
                        continue;
                    }
                    let section = section((right, flips.0), (down, flips.1), slices.clone(), ray);
                    let want = bits(cpu(block, &section));
                    for chunk in [60, 16, 32] {
                        let got = bits(on_gpu(gpu, block, &section, chunk));
                        assert_same(&format!("{dtype} {section:?} {chunk}"), &got, &want);
                    }
                }
            }
        }
    }
}

#[test]
fn means_of_floats_are_near_and_nan_is_kept() {
    let Some(gpu) = gpu() else { return };
    let mut values: Vec<f32> = (0..60).map(|i| (i * 37 % 61) as f32 * 0.37 - 5.0).collect();
    values[7] = f32::NAN;
    let block = Block { dtype: Dtype::F32, bytes: bytemuck::cast_slice(&values) };
    let section = section((0, false), (1, false), 0..3, Ray::Mean);
    let (got, want) = (on_gpu(gpu, block, &section, 16), cpu(block, &section));
    assert!(got[7].is_nan() && want[7].is_nan());
    let far = got.iter().zip(&want).filter(|(a, _)| !a.is_nan()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(far < 1e-5 * 20.0, "{far}");
}

#[test]
fn what_is_no_section_is_refused() {
    let Some(gpu) = gpu() else { return };
    let volume = GpuVolume::upload(gpu, Block { dtype: Dtype::U8, bytes: &[0; 60] }).unwrap();
    let plane = gpu.storage("test", 4 * 20).unwrap();
    let refused = |section: &PlaneSection| encode(gpu, &mut gpu.encoder(), &volume, section, &plane).is_err();
    let good = section((0, false), (1, false), 0..1, Ray::Mean);
    assert!(!refused(&good));
    assert!(refused(&PlaneSection { slices: 0..4, ..good.clone() }));
    assert!(refused(&PlaneSection { slices: 2..2, ..good.clone() }));
    assert!(refused(&PlaneSection { down: (0, false), ..good.clone() }));
    assert!(refused(&PlaneSection { down: (3, false), ..good.clone() }));
    assert!(refused(&PlaneSection { shape: [5, 4, 4], ..good.clone() }), "another volume");
    assert!(refused(&PlaneSection { right: (1, false), down: (2, false), slices: 0..1, ..good }) == (4 * 12 > 80));
    let short = gpu.storage("test", 4 * 19).unwrap();
    let good = section((0, false), (1, false), 0..1, Ray::Mean);
    assert!(encode(gpu, &mut gpu.encoder(), &volume, &good, &short).is_err());
}
