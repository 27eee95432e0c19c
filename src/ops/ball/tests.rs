//! By definition: every voxel with all within the radius, in floats of whole numbers; GPU = CPU.

use std::ops::Range;

use super::case::{VALUES, on_device, two_values};
use super::*;
use crate::ops::testing::{TYPES, assert_same, gpu};

/// Spacings whose squares take one word, and two; the weights they stand for.
const SPACINGS: [([f64; 3], [i64; 3]); 2] =
    [([0.7, 0.7, 2.5], [7, 7, 25]), ([0.976_563, 0.900_001, 5.000_003], [976_563, 900_001, 5_000_003])];

fn definition(tile: &[bool], shape: [usize; 3], inner: &[Range<usize>; 3], weights: [i64; 3], square: i64) -> Vec<bool> {
    let places = |of: [Range<usize>; 3]| {
        let [x, y, z] = of;
        z.flat_map(move |z| {
            y.clone().flat_map({
                let x = x.clone();
                move |y| x.clone().map(move |x| [x, y, z])
            })
        })
    };
    let all: Vec<[usize; 3]> = places(shape.map(|n| 0..n)).zip(tile).filter(|(_, grows)| **grows).map(|(at, _)| at).collect();
    let far = |a: [usize; 3], b: [usize; 3]| (0..3).map(|i| ((a[i] as i64 - b[i] as i64) * weights[i]).pow(2)).sum::<i64>();
    places(inner.clone()).map(|at| all.iter().any(|other| far(at, *other) <= square)).collect()
}

#[test]
fn every_type_shape_and_radius_is_what_the_definition_says() {
    for (spacing_mm, weights) in SPACINGS {
        for (shape, inner) in [
            ([1, 1, 9], [0..1, 0..1, 2..9]),
            ([67, 1, 1], [1..66, 0..1, 0..1]),
            ([13, 11, 1], [0..13, 3..4, 0..1]),
            ([17, 7, 5], [2..17, 0..6, 1..5]),
        ] {
            for radius_mm in [0.7, 1.4, 3.0, 6.5] {
                let Some(radius) = Radius::in_mm(radius_mm, spacing_mm, shape) else { continue };
                let unit = spacing_mm[0] / weights[0] as f64;
                let square = (radius_mm / unit + 1e-6).powi(2) as i64;
                for one_of in [0, 1, 2, 60] {
                    for dtype in TYPES {
                        let tile = two_values(dtype, shape.iter().product(), one_of);
                        let grows: Vec<bool> = tile.chunks(dtype.bytes()).map(|v| v[0] == VALUES[0] as u8).collect();
                        let value = |near: bool| VALUES[usize::from(!near)].to_le_bytes().into_iter().take(dtype.bytes());
                        let want = definition(&grows, shape, &inner, weights, square);
                        let want: Vec<u8> = want.into_iter().flat_map(value).collect();
                        let mut got = vec![0x5a; want.len()];
                        cpu(dtype, &tile, shape, &inner, &MaskBall::new(VALUES, radius), &mut got);
                        assert_same(&format!("{dtype} {shape:?} {radius_mm} mm, one of {one_of}"), &got, &want);
                    }
                }
            }
        }
    }
}

#[test]
fn cpu_and_gpu_give_the_same_bits() {
    let Some(gpu) = gpu() else { return };
    for (spacing_mm, _) in SPACINGS {
        for (shape, inner) in [
            ([1, 1, 9], [0..1, 0..1, 2..9]),
            ([131, 1, 1], [1..66, 0..1, 0..1]),
            ([64, 31, 1], [0..64, 3..4, 0..1]),
            ([33, 13, 7], [2..33, 0..12, 1..7]),
            ([40, 5, 31], [0..40, 0..5, 30..31]),
        ] {
            for radius_mm in [0.7, 3.0, 11.0] {
                let Some(radius) = Radius::in_mm(radius_mm, spacing_mm, shape) else { continue };
                for one_of in [0, 1, 2, 200] {
                    for dtype in TYPES.into_iter().filter(|dtype| dtype.bytes() <= 4) {
                        on_device(gpu, dtype, shape, &inner, (one_of, radius))
                            .unwrap()
                            .unwrap_or_else(|e| panic!("{dtype} {shape:?} {radius_mm} mm, one of {one_of}: {e}"));
                    }
                }
            }
        }
    }
}

#[test]
fn radii_are_whole_numbers_and_smaller_than_the_volume() {
    let shape = [100, 100, 20];
    let radius = |mm| Radius::in_mm(mm, [0.7, 0.7, 2.5], shape);
    // 2.1 / 0.7 is a little less than 3 in floats.
    assert_eq!(radius(2.1), Some(Radius { weights: [7, 7, 25], square: 441 }));
    assert_eq!(radius(2.1).unwrap().reach(), [3, 3, 0]);
    assert_eq!(radius(20.0).unwrap().reach(), [28, 28, 8]);
    assert_eq!(Radius::in_mm(20.0, [0.7, 0.7, 2.5], [100, 100, 1]).unwrap().reach(), [28, 28, 0]);
    // The diagonal is 108.9 mm.
    assert!(radius(108.0).is_some() && radius(109.0).is_none());
    assert_eq!(Radius::in_mm(2.0, [1.0, 0.0, 1.0], shape), None);
}
