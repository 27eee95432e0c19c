//! CPU and GPU against sorting each window.

use std::ops::Range;

use super::*;
use crate::engine::{Brick, Chunk, Gpu, Options, UNIT_VOXELS};
use crate::ops::testing::{TYPES, assert_same, gpu, noise, whole};
use crate::volume::{Dtype, keys};

/// One voxel, lines along each axis, primes, one slice, wider than workgroups and than the rows of the CPU.
const SHAPES: [[usize; 3]; 11] = [
    [1, 1, 1],
    [9, 1, 1],
    [1, 9, 1],
    [1, 1, 9],
    [2, 2, 2],
    [17, 13, 1],
    [7, 11, 5],
    [67, 9, 5],
    [127, 2, 3],
    [255, 3, 2],
    [1, 37, 41],
];

/// What a definition says and nothing else: the keys of the window, sorted.
fn sorted_windows(dtype: Dtype, tile: &[u8], shape: [usize; 3], inner: &[Range<usize>; 3]) -> Vec<u8> {
    let size = dtype.bytes();
    let key = |[x, y, z]: [usize; 3]| {
        let bytes = &tile[((z * shape[1] + y) * shape[0] + x) * size..][..size];
        keys::key(dtype, bytes.iter().rev().fold(0, |all, byte| all << 8 | u64::from(*byte)))
    };
    let near = |axis: usize, at: usize, step: usize| (at as i64 + step as i64 - 1).clamp(0, shape[axis] as i64 - 1) as usize;
    let (first, last) = keys::numbers(dtype);
    let mut out = Vec::new();
    for z in inner[2].clone() {
        for y in inner[1].clone() {
            for x in inner[0].clone() {
                let place = |i: usize| [near(0, x, i % 3), near(1, y, i / 3 % 3), near(2, z, i / 9)];
                let mut window: Vec<u64> = (0..27).map(|i| key(place(i))).collect();
                window.sort_unstable();
                let median = match (window[0] < first, window[26] > last) {
                    (_, true) => window[26],
                    (true, false) => window[0],
                    _ => window[13],
                };
                out.extend(&keys::stored(dtype, median).to_le_bytes()[..size]);
            }
        }
    }
    out
}

fn on_gpu(gpu: &Gpu, dtype: Dtype, tile: &[u8], shape: [usize; 3], inner: &[Range<usize>; 3]) -> Vec<u8> {
    let unit = UNIT_VOXELS as usize * dtype.bytes();
    let chunk = Chunk { buffer: gpu.storage_with("test", tile, unit).unwrap(), voxels: (tile.len() / dtype.bytes()) as u32 };
    let bits = 8 * dtype.bytes() as u32;
    let brick = Brick::empty(gpu, shape.map(|n| n as u32), bits).unwrap();
    let medians = Brick::empty(gpu, inner.each_ref().map(|r| r.len() as u32), bits).unwrap();
    let size = medians.voxels() as usize * dtype.bytes();
    let stored = gpu.storage("test", size.next_multiple_of(unit) as u64).unwrap();
    let mut encoder = gpu.encoder();
    brick.encode_from(gpu, &mut encoder, dtype, &chunk).unwrap();
    encode(gpu, &mut encoder, dtype, &brick, inner.each_ref().map(|r| r.start as u32), &medians).unwrap();
    medians.encode_into(gpu, &mut encoder, dtype, &stored).unwrap();
    gpu.submit("test", encoder).unwrap();
    gpu.download("test", &stored, size as u64).unwrap()
}

#[track_caller]
fn check(what: &str, dtype: Dtype, tile: &[u8], shape: [usize; 3], inner: &[Range<usize>; 3]) {
    let what = format!("{what}: {dtype} {shape:?}, {inner:?}");
    let want = sorted_windows(dtype, tile, shape, inner);
    let mut got = vec![0x5a; want.len()];
    cpu(dtype, tile, shape, inner, &mut got);
    assert_same(&format!("cpu {what}"), &got, &want);
    if let (1..=4, Some(gpu)) = (dtype.bytes(), gpu()) {
        assert_same(&format!("gpu {what}"), &on_gpu(gpu, dtype, tile, shape, inner), &want);
    }
}

/// Noise of all bits, or of few values, so that many are equal.
fn voxels(dtype: Dtype, shape: [usize; 3], few: bool) -> Vec<u8> {
    let count = shape.iter().product::<usize>() as u64;
    let value = |i: u64| if few { noise(i) % 5 * 0x2122_2324_2526_2728 } else { noise(i) };
    // No NaN: they have a test of their own, and would be all that one sees of noise.
    let number = |i: u64| match dtype {
        Dtype::F32 => value(i) & 0xbfff_ffff,
        Dtype::F64 => value(i) & 0xbfff_ffff_ffff_ffff,
        _ => value(i),
    };
    (0..count).flat_map(|i| number(i).to_le_bytes().into_iter().take(dtype.bytes())).collect()
}

#[test]
fn a_small_box_by_hand() {
    // 3 x 2 x 1. At x = 0, y = 0: column 0 counts twice and row 0 twice, all three times: 1 x 12, 2 x 6, 4 x 6, 5 x 3.
    let tile = [1, 2, 3, 4, 5, 6];
    let mut out = [0; 6];
    cpu(Dtype::U8, &tile, [3, 2, 1], &whole([3, 2, 1]), &mut out);
    // In order: 12 x 1, then 2: number 13 is 2. Middle column: 1 2 3 six times each, 4 5 6 three times each: 3. Then 3 x 12 behind 2 x 6: 3.
    // Second row: 4 x 12 behind 1 x 6 and 2 x 3: 4; 1 2 3 three times each, 4 5 6 six times each: 4; 2 x 3, 3 x 6, 5 x 6: 5.
    assert_eq!(out, [2, 3, 3, 4, 4, 5]);
    check("by hand", Dtype::U8, &tile, [3, 2, 1], &whole([3, 2, 1]));
    // 27 different values: the median of the one whole window is the 14th.
    let tile: Vec<u8> = (0..27u32).map(|i| (i * 10 % 27 * 9) as u8).collect();
    cpu(Dtype::U8, &tile, [3, 3, 3], &[1..2, 1..2, 1..2], &mut out[..1]);
    assert_eq!(out[0], 13 * 9);
}

#[test]
fn all_types_and_shapes_agree_with_sorted_windows() {
    for dtype in TYPES {
        for shape in SHAPES {
            for few in [false, true] {
                check("noise", dtype, &voxels(dtype, shape, few), shape, &whole(shape));
            }
        }
    }
}

#[test]
fn a_box_inside_sees_its_halo() {
    for dtype in TYPES {
        let shape = [70, 9, 8];
        let tile = voxels(dtype, shape, false);
        for inner in [[1..69, 1..8, 1..7], [0..70, 3..4, 0..8], [0..1, 0..9, 7..8], [65..70, 0..2, 2..5]] {
            check("inside", dtype, &tile, shape, &inner);
        }
    }
}

#[test]
fn windows_with_nan_give_one_of_them() {
    let shape = [33, 9, 5];
    let count = shape.iter().product::<usize>();
    // NaN with and without sign and with payloads, alone and together; infinities, zeros of both signs and denormals around.
    let odd = [0x7f80_0001u32, 0xff80_0001, 0x7fff_ffff, 0xffff_ffff, 0x7fc0_0000, 0xffc1_2345];
    let common = [0, 1 << 31, 1, 0x8000_0001, 0x7f80_0000, 0xff80_0000, 0x3f80_0000, 0xbf80_0000, 0x007f_ffff];
    let pick = |i: usize| match noise(i as u64) {
        n if n % 41 == 0 => odd[n as usize / 41 % odd.len()],
        n => common[(n >> 32) as usize % common.len()],
    };
    let tile: Vec<u8> = (0..count).flat_map(|i| pick(i).to_le_bytes()).collect();
    check("NaN", Dtype::F32, &tile, shape, &whole(shape));
    let wide = |bits: u32| f64::from(f32::from_bits(bits)).to_bits() | u64::from(bits & 0xff);
    let tile: Vec<u8> = (0..count).flat_map(|i| wide(pick(i)).to_le_bytes()).collect();
    check("NaN", Dtype::F64, &tile, shape, &whole(shape));
    let tile: Vec<u8> = (0..count).flat_map(|i| common[noise(i as u64) as usize % common.len()].to_le_bytes()).collect();
    check("no NaN", Dtype::F32, &tile, shape, &whole(shape));
}

#[test]
fn few_groups_leave_no_voxel_unwritten() {
    let Some(shared) = gpu() else { return };
    let capped = Gpu::from_device(shared.device().clone(), shared.queue().clone())
        .with_options(Options { max_groups: 1, ..Options::default() });
    let shape = [70, 9, 8];
    let tile = voxels(Dtype::I16, shape, false);
    let want = sorted_windows(Dtype::I16, &tile, shape, &whole(shape));
    assert_same("one group", &on_gpu(&capped, Dtype::I16, &tile, shape, &whole(shape)), &want);
}

#[test]
fn what_does_not_fit_is_refused() {
    let Some(gpu) = gpu() else { return };
    let brick = |shape, bits| Brick::empty(gpu, shape, bits).unwrap();
    let (from, mut encoder) = (brick([4, 4, 4], 16), gpu.encoder());
    let mut refused = |dtype, origin, out: &Brick| encode(gpu, &mut encoder, dtype, &from, origin, out).is_err();
    assert!(refused(Dtype::I16, [1, 0, 0], &brick([4, 4, 4], 16)), "beyond the end");
    assert!(refused(Dtype::I16, [u32::MAX, 0, 0], &brick([2, 4, 4], 16)), "far beyond the end");
    assert!(refused(Dtype::U8, [0; 3], &brick([4, 4, 4], 8)), "another type");
    assert!(refused(Dtype::I16, [0; 3], &from.clone()), "in place");
}
