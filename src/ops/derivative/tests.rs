//! CPU, with AVX2 and without, and GPU against the definition in whole numbers.

use std::ops::Range;

use super::*;
use crate::ops::checks::{OnBricks, levels};
use crate::ops::testing::{Content, assert_same, gpu};
use crate::ops::whole::limits;

const TYPES: [Dtype; 5] = [Dtype::U8, Dtype::I8, Dtype::U16, Dtype::I16, Dtype::F32];
const KINDS: [DerivativeKind; 2] = [DerivativeKind::GradientMagnitude, DerivativeKind::Laplacian];

const SHAPES: [[usize; 3]; 9] =
    [[1, 1, 1], [9, 1, 1], [1, 9, 1], [1, 1, 9], [37, 13, 1], [7, 11, 5], [33, 3, 5], [67, 2, 3], [5, 3, 12]];

fn voxels(dtype: Dtype, shape: [usize; 3]) -> Vec<u8> {
    let count = shape.iter().product();
    if dtype == Dtype::F32 { levels(count) } else { Content::Noise.bytes(dtype, count) }
}

fn root(of: i128) -> i128 {
    let mut root = (of as f64).sqrt() as i128;
    while root * root > of {
        root -= 1;
    }
    while (root + 1) * (root + 1) <= of {
        root += 1;
    }
    // (root + 1/2)² is root² + root + 1/4.
    root + i128::from(of > root * root + root)
}

fn definition(dtype: Dtype, tile: &[u8], shape: [usize; 3], inner: &[Range<usize>; 3], derivative: &Derivative) -> Vec<u8> {
    let size = dtype.bytes();
    let at = |[x, y, z]: [usize; 3]| dtype.decode(&tile[((z * shape[1] + y) * shape[0] + x) * size..][..size]);
    let shift = derivative.shift(dtype);
    let mut out = Vec::new();
    for z in inner[2].clone() {
        for y in inner[1].clone() {
            for x in inner[0].clone() {
                let (mut sum, mut none) = (0i128, false);
                for axis in 0..3 {
                    let near = |step: i64| {
                        let mut place = [x, y, z];
                        place[axis] = (place[axis] as i64 + step).clamp(0, shape[axis] as i64 - 1) as usize;
                        at(place)
                    };
                    let [before, own, after] = [near(-1), near(0), near(1)];
                    none |= before.is_nan() || own.is_nan() || after.is_nan();
                    let whole = |d: f64| {
                        let product = (d as i128).abs() * i128::from(derivative.factors[axis]);
                        ((product + (1 << (shift - 1))) >> shift) * (d as i128).signum()
                    };
                    sum += match derivative.kind {
                        DerivativeKind::GradientMagnitude => whole(after - before).pow(2),
                        DerivativeKind::Laplacian => whole(before + after - 2.0 * own),
                    };
                }
                let level = if derivative.kind == DerivativeKind::GradientMagnitude { root(sum) } else { sum };
                assert!(none || level.abs() < 1 << 24, "{level}");
                out.extend(if none { f32::NAN } else { level as f32 }.to_le_bytes());
            }
        }
    }
    out
}

#[track_caller]
fn check(dtype: Dtype, tile: &[u8], shape: [usize; 3], inner: &[Range<usize>; 3], derivative: &Derivative) {
    let what = format!("{dtype} {shape:?} {inner:?} {derivative:?}");
    let want = definition(dtype, tile, shape, inner, derivative);
    let mut got = vec![0x5a; want.len()];
    cpu(dtype, tile, shape, inner, derivative, &mut got);
    assert_same(&what, &got, &want);
    got.fill(0x5a);
    super::cpu::cpu_portable(dtype, tile, shape, inner, derivative, &mut got);
    assert_same(&format!("without AVX2 {what}"), &got, &want);
    if let (false, Some(gpu)) = (want.is_empty(), gpu()) {
        let case = OnBricks { kernel: "test", types: (dtype, Dtype::F32), tile: tile.to_vec(), shape, inner: inner.clone() };
        let got = case.on_device(gpu, |encoder, from, to| encode(gpu, encoder, (dtype, derivative), from, to));
        assert_same(&format!("gpu {what}"), &got.unwrap(), &want);
    }
}

#[test]
fn a_row_by_hand() {
    // Differences 2, 5, 3 over the ends and the middle; in mm each is over two voxels of half a mm. Second ones 2, 1, -3.
    let mut out = [0; 12];
    let mut of = |kind| {
        let derivative = Derivative::new(kind, [0.5, 1.0, 1.0]).unwrap();
        cpu(Dtype::U8, &[1, 3, 6], [3, 1, 1], &[0..3, 0..1, 0..1], &derivative, &mut out);
        let step = derivative.step(Dtype::U8);
        out.as_chunks().0.iter().map(|bytes| f64::from(f32::from_le_bytes(*bytes)) * step).collect::<Vec<f64>>()
    };
    assert_eq!(of(DerivativeKind::GradientMagnitude), [2.0, 5.0, 3.0]);
    assert_eq!(of(DerivativeKind::Laplacian), [8.0, 4.0, -12.0]);
}

#[test]
fn all_types_and_shapes_agree_with_the_definition() {
    for kind in KINDS {
        for spacing_mm in [[1.0; 3], [0.7, 0.7, 2.5], [3.0, 1.0, 1.0e3]] {
            let derivative = Derivative::new(kind, spacing_mm).unwrap();
            for dtype in TYPES {
                for shape in SHAPES {
                    check(dtype, &voxels(dtype, shape), shape, &shape.map(|n| 0..n), &derivative);
                }
                let tile = voxels(dtype, [50, 9, 8]);
                for inner in [[2..48, 2..7, 1..7], [0..50, 3..4, 0..8], [0..1, 0..9, 7..8], [3..3, 0..9, 0..8]] {
                    check(dtype, &tile, [50, 9, 8], &inner, &derivative);
                }
            }
        }
    }
}

#[test]
fn the_largest_differences_fit() {
    for kind in KINDS {
        let derivative = Derivative::new(kind, [2.0; 3]).unwrap();
        for dtype in TYPES {
            let (least, most) = limits(dtype);
            let shape = [12, 6, 5];
            let mut tile = vec![0; 360 * dtype.bytes()];
            for step in 1..3 {
                for (i, to) in tile.chunks_exact_mut(dtype.bytes()).enumerate() {
                    let sum = (i % 12 / step) + (i / 12 % 6 / step) + (i / 72 / step);
                    dtype.encode(if sum.is_multiple_of(2) { least } else { most }, to);
                }
                check(dtype, &tile, shape, &shape.map(|n| 0..n), &derivative);
            }
        }
    }
}

#[test]
fn spacings_that_make_no_sense_are_refused() {
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(Derivative::new(DerivativeKind::Laplacian, [1.0, bad, 1.0]).is_err(), "{bad}");
    }
}
