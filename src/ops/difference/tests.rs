//! Worked by hand, and against wide arithmetic.

use super::*;
use crate::engine::{Brick, Chunk, UNIT_VOXELS};
use crate::ops::testing::{assert_same, gpu, noise};

#[test]
fn differences_have_no_sign() {
    let less = |dtype, a: &[u8], b: &[u8]| {
        let mut out = vec![0; a.len()];
        cpu(dtype, a, b, &mut out);
        out
    };
    assert_eq!(less(Dtype::I8, &[127, 3, 0x80], &[0x80, 3, 0x80]), [255, 0, 0]);
    assert_eq!(less(Dtype::I16, &32_767i16.to_le_bytes(), &(-32_768i16).to_le_bytes()), 65_535u16.to_le_bytes());
    assert_eq!(less(Dtype::I64, &5i64.to_le_bytes(), &(-7i64).to_le_bytes()), 12u64.to_le_bytes());
    assert_eq!(less(Dtype::F32, &1.5f32.to_le_bytes(), &0.25f32.to_le_bytes()), 1.25f32.to_le_bytes());
    let infinite = f32::INFINITY.to_le_bytes();
    assert_eq!(less(Dtype::F32, &infinite, &infinite), f32::NAN.to_le_bytes());
    assert_eq!(less(Dtype::F64, &(-f64::NAN).to_le_bytes(), &1f64.to_le_bytes()), f64::NAN.to_le_bytes());
    assert_eq!([Dtype::I8, Dtype::I16, Dtype::U32, Dtype::F32].map(result), [Dtype::U8, Dtype::U16, Dtype::U32, Dtype::F32]);
}

/// Boxes of bricks of other shapes, beyond a workgroup, of any width.
#[test]
fn the_gpu_gives_the_bits_of_the_cpu() {
    let Some(gpu) = gpu() else { return };
    for dtype in [Dtype::U8, Dtype::I8, Dtype::U16, Dtype::I16, Dtype::U32, Dtype::I32] {
        for size in [[1, 1, 1], [67, 5, 3], [33, 1, 9]] {
            let bytes = dtype.bytes();
            let of = |shape: [u32; 3], seed: u64| -> Vec<u8> {
                (0..shape.iter().product::<u32>() as usize * bytes).map(|i| noise(i as u64 + seed) as u8).collect()
            };
            let (origins, shapes) =
                ([[2, 1, 0], [0, 0, 3]], [[2u32, 2, 1], [5, 0, 3]].map(|more| [0, 1, 2].map(|a| size[a] + more[a])));
            let inside = [of(shapes[0], 1), of(shapes[1], 2)];
            let brick = |i: usize, encoder: &mut wgpu::CommandEncoder| {
                let brick = Brick::empty(gpu, shapes[i], 8 * bytes as u32).unwrap();
                let buffer = gpu.storage_with("difference", &inside[i], UNIT_VOXELS as usize * bytes).unwrap();
                brick.encode_from(gpu, encoder, dtype, &Chunk { buffer, voxels: brick.voxels() }).unwrap();
                brick
            };
            let mut encoder = gpu.encoder();
            let (upper, lower) = (brick(0, &mut encoder), brick(1, &mut encoder));
            let results = Brick::empty(gpu, size, 8 * bytes as u32).unwrap();
            encode(gpu, &mut encoder, dtype, [(&upper, origins[0]), (&lower, origins[1])], &results).unwrap();
            let packed =
                gpu.storage("difference", u64::from(results.voxels()).next_multiple_of(UNIT_VOXELS) * bytes as u64).unwrap();
            results.encode_into(gpu, &mut encoder, result(dtype), &packed).unwrap();
            gpu.submit("difference", encoder).unwrap();
            let cut = |i: usize| -> Vec<u8> {
                let [nx, ny, _] = shapes[i].map(|n| n as usize);
                let [x, y, z] = origins[i].map(|n| n as usize);
                let [sx, sy, sz] = size.map(|n| n as usize);
                let row = |j: usize| ((z + j / sy) * ny + y + j % sy) * nx + x;
                (0..sy * sz).flat_map(|j| &inside[i][row(j) * bytes..][..sx * bytes]).copied().collect()
            };
            let mut want = vec![0; size.iter().product::<u32>() as usize * bytes];
            cpu(dtype, &cut(0), &cut(1), &mut want);
            let got = gpu.download("difference", &packed, want.len() as u64).unwrap();
            assert_same(&format!("{dtype} {size:?}"), &got, &want);
            let outside = encode(gpu, &mut gpu.encoder(), dtype, [(&upper, [3, 1, 1]), (&lower, origins[1])], &results);
            assert!(outside.is_err());
        }
    }
}
