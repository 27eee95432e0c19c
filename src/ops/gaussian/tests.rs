//! CPU, with AVX2 and without, and GPU against the definition in whole numbers, and the definition against the filter in f64.

use std::ops::Range;

use super::weights::{Fixed, reach, weights};
use super::*;
use crate::engine::Brick;
use crate::ops::checks::{OnBricks, levels};
use crate::ops::testing::{Content, assert_same, gpu};
use crate::ops::whole::limits;

const TYPES: [Dtype; 5] = [Dtype::U8, Dtype::I8, Dtype::U16, Dtype::I16, Dtype::F32];

const SHAPES: [[usize; 3]; 9] =
    [[1, 1, 1], [9, 1, 1], [1, 9, 1], [1, 1, 9], [37, 13, 1], [7, 11, 5], [33, 3, 5], [67, 2, 3], [5, 3, 12]];

fn voxels(dtype: Dtype, shape: [usize; 3]) -> Vec<u8> {
    let count = shape.iter().product();
    if dtype == Dtype::F32 { levels(count) } else { Content::Noise.bytes(dtype, count) }
}

/// One axis after another, each over all of the box, in i128; none for NaN.
fn definition(dtype: Dtype, tile: &[u8], shape: [usize; 3], gaussian: &Smoothing) -> Vec<f64> {
    let Fixed { weight, value, .. } = Fixed::of(dtype);
    let own: Vec<Option<i128>> = tile
        .chunks_exact(dtype.bytes())
        .map(|bytes| Some(dtype.decode(bytes)).filter(|v| !v.is_nan()).map(|v| v as i128))
        .collect();
    let mut values: Vec<Option<i128>> = own.iter().map(|v| v.map(|v| v << value)).collect();
    for axis in [2, 1, 0] {
        let kernel = weights(gaussian.sigma_voxels[axis], weight);
        let far = kernel.len() as isize - 1;
        let stride: usize = shape[..axis].iter().product();
        values = (0..values.len())
            .map(|i| {
                let at = (i / stride % shape[axis]) as isize;
                let sum: Option<i128> = (-far..=far)
                    .map(|k| {
                        let there = (at + k).clamp(0, shape[axis] as isize - 1);
                        let neighbour = values[(i as isize + (there - at) * stride as isize) as usize];
                        neighbour.map(|v| v * i128::from(kernel[k.unsigned_abs()]))
                    })
                    .sum();
                sum.map(|sum| (sum + (1 << (weight - 1))) >> weight)
            })
            .collect();
    }
    let (least, most) = limits(dtype);
    let half = 1 << (value - 1);
    let result = |value_at: i128, own: i128| match gaussian.amount {
        None => (value_at + half) >> value,
        Some(amount) => {
            let off = (own << value) - value_at;
            let shift = value + 12;
            let size = (off.abs() * i128::from(amount) + (1 << (shift - 1))) >> shift;
            (own + size * off.signum()).clamp(least as i128, most as i128)
        }
    };
    values.into_iter().zip(own).map(|(v, own)| v.zip(own).map_or(f64::NAN, |(v, own)| result(v, own) as f64)).collect()
}

fn stored(dtype: Dtype, values: &[f64]) -> Vec<u8> {
    let mut out = vec![0; values.len() * dtype.bytes()];
    for (to, value) in out.chunks_exact_mut(dtype.bytes()).zip(values) {
        if value.is_nan() { to.copy_from_slice(&f32::NAN.to_le_bytes()) } else { dtype.encode(*value, to) }
    }
    out
}

fn part(bytes: &[u8], size: usize, shape: [usize; 3], inner: &[Range<usize>; 3]) -> Vec<u8> {
    let row = |y: usize, z: usize| &bytes[((z * shape[1] + y) * shape[0] + inner[0].start) * size..][..inner[0].len() * size];
    inner[2].clone().flat_map(|z| inner[1].clone().flat_map(move |y| row(y, z).to_vec())).collect()
}

#[track_caller]
fn check(dtype: Dtype, shape: [usize; 3], inners: &[[Range<usize>; 3]], gaussian: &Smoothing) {
    let tile = voxels(dtype, shape);
    let whole = stored(dtype, &definition(dtype, &tile, shape, gaussian));
    for inner in inners {
        let what = format!("{dtype} {shape:?} {inner:?} {gaussian:?}");
        let want = part(&whole, dtype.bytes(), shape, inner);
        let mut got = vec![0x5a; want.len()];
        cpu(dtype, &tile, shape, inner, gaussian, &mut got);
        assert_same(&what, &got, &want);
        got.fill(0x5a);
        super::cpu::cpu_portable(dtype, &tile, shape, inner, gaussian, &mut got);
        assert_same(&format!("without AVX2 {what}"), &got, &want);
        if let (false, Some(gpu)) = (want.is_empty(), gpu()) {
            let case = OnBricks { kernel: "test", types: (dtype, dtype), tile: tile.clone(), shape, inner: inner.clone() };
            let kernel = GpuSmoothing::upload(gpu, gaussian, dtype).unwrap();
            let got = case.on_device(gpu, |encoder, from, to| {
                let [a, b] = GpuSmoothing::scratch(from.0.shape, to.shape).map(|shape| Brick::empty(gpu, shape, 32).unwrap());
                encode(gpu, encoder, &kernel, from, to, [&a, &b])
            });
            assert_same(&format!("gpu {what}"), &got.unwrap(), &want);
        }
    }
}

#[test]
fn all_types_and_shapes_agree_with_the_definition() {
    for dtype in TYPES {
        for shape in SHAPES {
            let whole = [shape.map(|n| 0..n)];
            check(dtype, shape, &whole, &Smoothing::new([1.0, 0.6, 1.4]).unwrap());
            check(dtype, shape, &whole, &Smoothing::new([0.0, 2.1, 0.0]).unwrap());
            check(dtype, shape, &whole, &Smoothing::new([0.7; 3]).unwrap().sharpening(1.3).unwrap());
        }
        let smooth = Smoothing::new([8.0, 3.0, 5.0]).unwrap();
        check(dtype, [70, 37, 21], &[[0..70, 0..37, 0..21], [3..66, 7..9, 10..21]], &smooth);
    }
}

#[test]
fn a_box_inside_sees_its_halo() {
    let inners = [[2..48, 2..7, 1..7], [0..50, 3..4, 0..8], [0..1, 0..9, 7..8], [40..50, 0..2, 2..5], [3..3, 0..9, 0..8]];
    for dtype in TYPES {
        check(dtype, [50, 9, 8], &inners, &Smoothing::new([0.5, 0.4, 0.6]).unwrap());
        check(dtype, [50, 9, 8], &inners, &Smoothing::new([2.0; 3]).unwrap().sharpening(8.0).unwrap());
    }
}

#[test]
fn the_ends_of_each_type_stay() {
    for dtype in TYPES {
        let (least, most) = limits(dtype);
        for (a, b) in [(least, least), (most, most), (least, most)] {
            let shape = [40, 5, 4];
            let tile = stored(dtype, &(0..800).map(|i| if i % 7 < 3 { a } else { b }).collect::<Vec<f64>>());
            for gaussian in [Smoothing::new([1.0; 3]).unwrap(), Smoothing::new([1.0; 3]).unwrap().sharpening(8.0).unwrap()] {
                let want = stored(dtype, &definition(dtype, &tile, shape, &gaussian));
                let mut got = vec![0; want.len()];
                cpu(dtype, &tile, shape, &shape.map(|n| 0..n), &gaussian, &mut got);
                assert_same(&format!("{dtype} {a} {b}"), &got, &want);
                if a == b {
                    assert_eq!(got, tile);
                }
                if let Some(gpu) = gpu() {
                    let inner = shape.map(|n| 0..n);
                    let case = OnBricks { kernel: "test", types: (dtype, dtype), tile: tile.clone(), shape, inner };
                    let kernel = GpuSmoothing::upload(gpu, &gaussian, dtype).unwrap();
                    let got = case.on_device(gpu, |encoder, from, to| {
                        let [a, b] =
                            GpuSmoothing::scratch(from.0.shape, to.shape).map(|shape| Brick::empty(gpu, shape, 32).unwrap());
                        encode(gpu, encoder, &kernel, from, to, [&a, &b])
                    });
                    assert_same(&format!("gpu {dtype} {a} {b}"), &got.unwrap(), &want);
                }
            }
        }
    }
}

/// The worst of a line: noise, an edge and one voxel, over the whole range.
#[test]
fn results_stay_near_the_filter_in_floats() {
    for (dtype, bound) in [(Dtype::U16, 0.65), (Dtype::F32, 3.5)] {
        let most = if dtype == Dtype::F32 { f64::from((1 << 24) - 1) } else { 65_535.0 };
        let n = 400;
        let noise = |i: usize| (crate::ops::testing::noise(i as u64) % (most as u64 + 1)) as f64;
        let contents: [Vec<f64>; 3] = [
            (0..n).map(noise).collect(),
            (0..n).map(|i| if i < n / 2 { 0.0 } else { most }).collect(),
            (0..n).map(|i| if i == n / 2 { most } else { 0.0 }).collect(),
        ];
        let mut worst = 0f64;
        for sigma in [0.5, 0.8, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 16.0, 32.0] {
            for line in &contents {
                let far = reach(sigma) as isize;
                let density = |k: isize| libm::exp(-0.5 * (k as f64 / sigma).powi(2));
                let all: f64 = (-far..=far).map(density).sum();
                let at = |i: isize| line[i.clamp(0, n as isize - 1) as usize];
                let want = |i: isize| (-far..=far).map(|k| density(k) * at(i + k)).sum::<f64>() / all;
                let mut got = vec![0; n * dtype.bytes()];
                let gaussian = Smoothing::new([sigma, 0.0, 0.0]).unwrap();
                cpu(dtype, &stored(dtype, line), [n, 1, 1], &[0..n, 0..1, 0..1], &gaussian, &mut got);
                for (i, bytes) in got.chunks_exact(dtype.bytes()).enumerate() {
                    worst = worst.max((dtype.decode(bytes) - want(i as isize)).abs());
                }
            }
        }
        assert!(worst < bound, "{dtype}: {worst} levels");
        assert!(worst > 0.4, "{dtype}: nothing was rounded");
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    for sigma in [[0.0; 3], [-1.0, 1.0, 1.0], [f64::NAN; 3], [f64::INFINITY, 0.0, 0.0], [32.1, 1.0, 1.0]] {
        assert!(Smoothing::new(sigma).is_err(), "{sigma:?}");
    }
    let gaussian = Smoothing::new([32.0, 0.0, 0.1]).unwrap();
    assert_eq!(gaussian.reach(), [128, 0, 1]);
    for amount in [0.0, -1.0, 8.1, f64::NAN, 1e-5] {
        assert!(gaussian.clone().sharpening(amount).is_err(), "{amount}");
    }
}
