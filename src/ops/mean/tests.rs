//! CPU, with AVX2 and without, and GPU against whole sums of each window.

use std::ops::Range;

use super::*;
use crate::engine::Brick;
use crate::ops::checks::{OnBricks, levels};
use crate::ops::testing::{Content, assert_same, gpu};
use crate::ops::whole::limits;
use crate::volume::Dtype;

const TYPES: [Dtype; 5] = [Dtype::U8, Dtype::I8, Dtype::U16, Dtype::I16, Dtype::F32];

const SHAPES: [[usize; 3]; 9] =
    [[1, 1, 1], [9, 1, 1], [1, 9, 1], [1, 1, 9], [37, 13, 1], [7, 11, 5], [33, 3, 5], [67, 2, 3], [5, 3, 12]];

fn definition(dtype: Dtype, tile: &[u8], shape: [usize; 3], inner: &[Range<usize>; 3], mean: MeanBox) -> Vec<u8> {
    let size = dtype.bytes();
    let at = |[x, y, z]: [usize; 3]| dtype.decode(&tile[((z * shape[1] + y) * shape[0] + x) * size..][..size]);
    let n = i64::from(mean.count());
    let mut out = Vec::new();
    for z in inner[2].clone() {
        for y in inner[1].clone() {
            for x in inner[0].clone() {
                let near = |a: usize, d: i64| ([x, y, z][a] as i64 + d).clamp(0, shape[a] as i64 - 1) as usize;
                let reach = mean.reach.map(i64::from);
                let (mut sum, mut none) = (0, false);
                for dz in -reach[2]..=reach[2] {
                    for dy in -reach[1]..=reach[1] {
                        for dx in -reach[0]..=reach[0] {
                            let value = at([near(0, dx), near(1, dy), near(2, dz)]);
                            none |= value.is_nan();
                            sum += value as i64;
                        }
                    }
                }
                let mut to = vec![0; size];
                dtype.encode((2 * sum + n).div_euclid(2 * n) as f64, &mut to);
                out.extend(if none { f32::NAN.to_le_bytes().to_vec() } else { to });
            }
        }
    }
    out
}

#[track_caller]
fn check(dtype: Dtype, tile: &[u8], shape: [usize; 3], inner: &[Range<usize>; 3], reach: [u32; 3]) {
    let mean = MeanBox::new(reach).unwrap();
    let what = format!("{dtype} {shape:?} {inner:?} {reach:?}");
    let want = definition(dtype, tile, shape, inner, mean);
    let mut got = vec![0x5a; want.len()];
    cpu(dtype, tile, shape, inner, mean, &mut got);
    assert_same(&what, &got, &want);
    got.fill(0x5a);
    super::cpu::cpu_portable(dtype, tile, shape, inner, mean, &mut got);
    assert_same(&format!("without AVX2 {what}"), &got, &want);
    if let (false, Some(gpu)) = (want.is_empty(), gpu()) {
        let case = OnBricks { kernel: "test", types: (dtype, dtype), tile: tile.to_vec(), shape, inner: inner.clone() };
        let got = case.on_device(gpu, |encoder, from, to| {
            let [a, b] = scratch(from.0.shape, to.shape).map(|shape| Brick::empty(gpu, shape, 32).unwrap());
            encode(gpu, encoder, (dtype, mean), from, to, [&a, &b])
        });
        assert_same(&format!("gpu {what}"), &got.unwrap(), &want);
    }
}

fn voxels(dtype: Dtype, shape: [usize; 3]) -> Vec<u8> {
    let count = shape.iter().product();
    if dtype == Dtype::F32 { levels(count) } else { Content::Noise.bytes(dtype, count) }
}

#[test]
fn a_row_by_hand() {
    // Windows 1 1 2, 1 2 6, 2 6 6: 4/3, 9/3, 14/3. Of -1 and 0: -2/3 and -1/3; halves go up: -1/2 is 0.
    let of = |voxels: &[i8], reach| {
        let bytes: Vec<u8> = voxels.iter().map(|v| *v as u8).collect();
        let mut out = vec![0; bytes.len()];
        let (shape, mean) = ([bytes.len(), 1, 1], MeanBox::new(reach).unwrap());
        cpu(Dtype::I8, &bytes, shape, &shape.map(|n| 0..n), mean, &mut out);
        out.into_iter().map(|v| v as i8).collect::<Vec<i8>>()
    };
    assert_eq!(of(&[1, 2, 6], [1, 0, 0]), [1, 3, 5]);
    assert_eq!(of(&[-1, 0], [1, 0, 0]), [-1, 0]);
    assert_eq!(of(&[-128, 127, -128], [1, 3, 2]), [-43, -43, -43]);
}

#[test]
fn all_types_and_shapes_agree_with_whole_sums() {
    for dtype in TYPES {
        for shape in SHAPES {
            let tile = voxels(dtype, shape);
            for reach in [[1, 1, 1], [2, 0, 3], [0, 4, 0], [7, 1, 1]] {
                check(dtype, &tile, shape, &shape.map(|n| 0..n), reach);
            }
        }
        let shape = [50, 9, 8];
        let tile = voxels(dtype, shape);
        for inner in [[2..48, 2..7, 1..7], [0..50, 3..4, 0..8], [0..1, 0..9, 7..8], [40..50, 0..2, 2..5], [3..3, 0..9, 0..8]] {
            check(dtype, &tile, shape, &inner, [2, 1, 1]);
            check(dtype, &tile, shape, &inner, [6, 2, 3]);
        }
        check(dtype, &voxels(dtype, [25, 4, 3]), [25, 4, 3], &[0..25, 0..4, 0..3], [10; 3]);
    }
}

#[test]
fn the_ends_of_each_type_stay() {
    for dtype in TYPES {
        let (least, most) = limits(dtype);
        for (a, b) in [(least, least), (most, most), (least, most), (most - 1.0, most)] {
            let shape = [35, 4, 3];
            let mut tile = vec![0; 420 * dtype.bytes()];
            for (i, to) in tile.chunks_exact_mut(dtype.bytes()).enumerate() {
                dtype.encode(if i % 2 == 0 { a } else { b }, to);
            }
            check(dtype, &tile, shape, &shape.map(|n| 0..n), [1, 2, 1]);
            check(dtype, &tile, shape, &[0..3, 0..2, 0..1], [10; 3]);
        }
    }
}

#[test]
fn reaches_that_make_no_sense_are_refused() {
    assert!(MeanBox::new([0; 3]).is_err() && MeanBox::new([11, 0, 0]).is_err());
    assert_eq!(MeanBox::new([10; 3]).unwrap().count(), 9261);
}
