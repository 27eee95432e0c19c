//! CPU, with AVX2 and without, and GPU against sorting each window.

use std::ops::Range;

use super::*;
use crate::engine::{Brick, Chunk, Gpu, UNIT_VOXELS};
use crate::ops::testing::{TYPES, assert_same, gpu, noise, whole};
use crate::volume::{Dtype, keys};

fn ball_of(reach_mm: f64, spacing_mm: [f64; 3]) -> crate::Result<Footprint> {
    Footprint::in_mm(reach_mm, spacing_mm, [true; 3], FootprintShape::Ball)
}

/// One voxel, lines along each axis, primes, one slice, wider than a block along each axis.
const SHAPES: [[usize; 3]; 11] = [
    [1, 1, 1],
    [9, 1, 1],
    [1, 9, 1],
    [1, 1, 9],
    [2, 2, 2],
    [37, 13, 1],
    [7, 11, 5],
    [33, 3, 5],
    [67, 2, 3],
    [3, 19, 4],
    [2, 3, 18],
];

/// What a definition says and nothing else: the keys of the window, sorted.
fn sorted_windows(
    dtype: Dtype,
    tile: &[u8],
    shape: [usize; 3],
    inner: &[Range<usize>; 3],
    inside: impl Fn([i64; 3]) -> bool,
    rank: usize,
) -> Vec<u8> {
    let size = dtype.bytes();
    let key = |[x, y, z]: [usize; 3]| {
        let bytes = &tile[((z * shape[1] + y) * shape[0] + x) * size..][..size];
        keys::key(dtype, bytes.iter().rev().fold(0, |all, byte| all << 8 | u64::from(*byte)))
    };
    let around = || (-10..=10).flat_map(|z| (-10..=10).flat_map(move |y| (-10..=10).map(move |x| [x, y, z])));
    let steps: Vec<[i64; 3]> = around().filter(|d| inside(*d)).collect();
    let (first, last) = keys::numbers(dtype);
    let mut out = Vec::new();
    for z in inner[2].clone() {
        for y in inner[1].clone() {
            for x in inner[0].clone() {
                let near = |a: usize, d: i64| ([x, y, z][a] as i64 + d).clamp(0, shape[a] as i64 - 1) as usize;
                let place = |d: &[i64; 3]| [near(0, d[0]), near(1, d[1]), near(2, d[2])];
                let mut window: Vec<u64> = steps.iter().map(|d| key(place(d))).collect();
                window.sort_unstable();
                let (least, most) = (window[0], window[window.len() - 1]);
                let result = match (least < first, most > last) {
                    (_, true) => most,
                    (true, false) => least,
                    _ => window[rank],
                };
                out.extend(&keys::stored(dtype, result).to_le_bytes()[..size]);
            }
        }
    }
    out
}

/// The definition of both forms, in floats: of reaches up to 10 no voxel is so near to the border of a ball that they could be wrong.
fn inside(reach: [u32; 3], form: FootprintShape) -> impl Fn([i64; 3]) -> bool {
    let within = move |d: [i64; 3]| (0..3).all(|a| d[a].unsigned_abs() <= u64::from(reach[a]));
    let part = move |a: usize, d: i64| if reach[a] == 0 { 0.0 } else { (d as f64 / f64::from(reach[a])).powi(2) };
    move |d| within(d) && (form == FootprintShape::Box || (0..3).map(|a| part(a, d[a])).sum::<f64>() <= 1.0 + 1e-12)
}

fn ranks(count: u32, seed: u64) -> [u32; 5] {
    [0, 1.min(count - 1), count / 2, count - 1, (noise(seed) % u64::from(count)) as u32]
}

#[track_caller]
fn check(
    what: &str,
    dtype: Dtype,
    tile: &[u8],
    shape: [usize; 3],
    inner: &[Range<usize>; 3],
    reach: [u32; 3],
    form: FootprintShape,
) {
    let window = Footprint::new(reach, form).unwrap();
    for rank in ranks(window.count(), shape.iter().product::<usize>() as u64) {
        let what = format!("{what}: {dtype} {shape:?}, {inner:?}, {form:?} {reach:?}, rank {rank}");
        let want = sorted_windows(dtype, tile, shape, inner, inside(reach, form), rank as usize);
        let mut got = vec![0x5a; want.len()];
        cpu(dtype, tile, shape, inner, &window, rank, &mut got);
        assert_same(&what, &got, &want);
        got.fill(0x5a);
        super::cpu::cpu_portable(dtype, tile, shape, inner, &window, rank, &mut got);
        assert_same(&format!("without AVX2 {what}"), &got, &want);
        if let (1..=4, false, Some(gpu)) = (dtype.bytes(), want.is_empty(), gpu()) {
            assert_same(&format!("gpu {what}"), &on_gpu(gpu, dtype, tile, shape, inner, (&window, rank)), &want);
        }
    }
}

fn on_gpu(
    gpu: &Gpu,
    dtype: Dtype,
    tile: &[u8],
    shape: [usize; 3],
    inner: &[Range<usize>; 3],
    (footprint, rank): (&Footprint, u32),
) -> Vec<u8> {
    let unit = UNIT_VOXELS as usize * dtype.bytes();
    let chunk = Chunk { buffer: gpu.storage_with("test", tile, unit).unwrap(), voxels: (tile.len() / dtype.bytes()) as u32 };
    let bits = 8 * dtype.bytes() as u32;
    let brick = Brick::empty(gpu, shape.map(|n| n as u32), bits).unwrap();
    let results = Brick::empty(gpu, inner.each_ref().map(|r| r.len() as u32), bits).unwrap();
    let scratch = Brick::empty(gpu, results.shape, bits).unwrap();
    let size = results.voxels() as usize * dtype.bytes();
    let stored = gpu.storage("test", size.next_multiple_of(unit) as u64).unwrap();
    let rows = GpuFootprint::upload(gpu, footprint).unwrap();
    let mut encoder = gpu.encoder();
    brick.encode_from(gpu, &mut encoder, dtype, &chunk).unwrap();
    let origin = inner.each_ref().map(|r| r.start as u32);
    encode(gpu, &mut encoder, dtype, (&brick, origin), (&rows, rank), [&results, &scratch]).unwrap();
    results.encode_into(gpu, &mut encoder, dtype, &stored).unwrap();
    gpu.submit("test", encoder).unwrap();
    gpu.download("test", &stored, size as u64).unwrap()
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

/// A bright half and a dark one with a little noise, as organs have it: results that are much alike, and few that are not.
fn organs(dtype: Dtype, shape: [usize; 3]) -> Vec<u8> {
    let count = shape.iter().product::<usize>();
    let value = |i: usize| {
        let (x, y) = (i % shape[0], i / shape[0] % shape[1]);
        let level = if x + y > shape[0] * 2 / 3 { 90.0 } else { 20.0 };
        level + (noise(i as u64) % 16) as f64 + if dtype.is_integer() { 0.0 } else { (noise(i as u64) >> 40) as f64 / 1e9 }
    };
    let mut out = vec![0; count * dtype.bytes()];
    out.chunks_exact_mut(dtype.bytes()).enumerate().for_each(|(i, to)| dtype.encode(value(i), to));
    out
}

#[test]
fn a_small_box_by_hand() {
    // 3 x 2 x 1, reach 1 along x alone.
    let tile = [3, 1, 2, 4, 9, 6];
    let mut out = [0; 6];
    let mut of = |reach, form, rank| {
        cpu(Dtype::U8, &tile, [3, 2, 1], &whole([3, 2, 1]), &Footprint::new(reach, form).unwrap(), rank, &mut out);
        out
    };
    // Windows 3 3 1, 3 1 2, 1 2 2 and 4 4 9, 4 9 6, 9 6 6.
    assert_eq!(of([1, 0, 0], FootprintShape::Box, 0), [1, 1, 1, 4, 4, 6]);
    assert_eq!(of([1, 0, 0], FootprintShape::Box, 1), [3, 2, 2, 4, 6, 6]);
    assert_eq!(of([1, 0, 0], FootprintShape::Box, 2), [3, 3, 2, 9, 9, 9]);
    // A cross of five. At x = 0, y = 0: itself, itself on the left and above, 1 on the right, 4 below: 1 3 3 3 4.
    // x = 1: 1 1 2 3 9. x = 2: 1 2 2 2 6. Second row: 3 4 4 4 9; 1 4 6 9 9; 2 6 6 6 9.
    assert_eq!(of([1, 1, 0], FootprintShape::Ball, 1), [3, 1, 2, 4, 4, 6]);
    assert_eq!(of([1, 1, 0], FootprintShape::Ball, 3), [3, 3, 2, 4, 9, 6]);
    assert_eq!(of([0, 0, 0], FootprintShape::Box, 0), tile);
    // 27 different values: of the one whole window each rank is a value of its own.
    let tile: Vec<u8> = (0..27u32).map(|i| (i * 10 % 27 * 9) as u8).collect();
    for rank in 0..27 {
        let window = Footprint::new([1; 3], FootprintShape::Box).unwrap();
        cpu(Dtype::U8, &tile, [3, 3, 3], &[1..2, 1..2, 1..2], &window, rank, &mut out[..1]);
        assert_eq!(u32::from(out[0]), rank * 9);
    }
}

#[test]
fn all_types_and_shapes_agree_with_sorted_windows() {
    for dtype in TYPES {
        for shape in SHAPES {
            // Few values, which tie, in every second type.
            for few in [false, true].into_iter().take(1 + dtype.bytes() % 3 % 2) {
                let tile = voxels(dtype, shape, few);
                for (reach, form) in
                    [([1, 1, 1], FootprintShape::Box), ([2, 2, 1], FootprintShape::Box), ([2, 2, 2], FootprintShape::Ball)]
                {
                    check("noise", dtype, &tile, shape, &whole(shape), reach, form);
                }
            }
        }
    }
}

#[test]
fn windows_of_all_sizes_agree_with_sorted_ones() {
    // Counts of windows, of their slices and of rows cross 255 in turn; flat and long ones; further than the tile goes.
    let boxes = [
        [0, 3, 0],
        [0, 0, 4],
        [5, 0, 0],
        [10, 1, 0],
        [3, 3, 1],
        [3, 3, 3],
        [7, 7, 1],
        [8, 8, 0],
        [10, 6, 1],
        [1, 10, 10],
        [10, 10, 10],
    ];
    let balls = [[1, 1, 1], [3, 3, 3], [4, 2, 1], [0, 5, 5], [6, 0, 6], [9, 9, 1], [10, 10, 2], [8, 8, 8], [10, 3, 10]];
    let all = boxes.map(|reach| (reach, FootprintShape::Box)).into_iter().chain(balls.map(|reach| (reach, FootprintShape::Ball)));
    for (reach, form) in all {
        let count = Footprint::new(reach, form).unwrap().count();
        let shape = if count > 500 { [9, 5, 4] } else { [35, 9, 4] };
        for dtype in [Dtype::I16, Dtype::U8, Dtype::F32] {
            check("noise", dtype, &voxels(dtype, shape, false), shape, &whole(shape), reach, form);
        }
        check("organs", Dtype::I16, &organs(Dtype::I16, shape), shape, &whole(shape), reach, form);
    }
}

#[test]
fn the_smallest_boxes_agree_at_every_rank() {
    // Wider and higher than what is sorted at a time, odd and even numbers of slices, a box inside, 2-D.
    let shapes = [([261, 10, 4], [0..261, 0..10, 0..4]), ([40, 11, 7], [3..39, 1..11, 2..7]), ([9, 20, 1], [0..9, 0..20, 0..1])];
    for (shape, inner) in shapes {
        for reach in [[1, 1, 1], [1, 1, 0]] {
            let window = Footprint::new(reach, FootprintShape::Box).unwrap();
            for dtype in [Dtype::U8, Dtype::I16, Dtype::F32, Dtype::I64] {
                let tile = voxels(dtype, shape, false);
                for rank in 0..window.count() {
                    let want = sorted_windows(dtype, &tile, shape, &inner, inside(reach, FootprintShape::Box), rank as usize);
                    let mut got = vec![0x5a; want.len()];
                    cpu(dtype, &tile, shape, &inner, &window, rank, &mut got);
                    assert_same(&format!("{dtype} {shape:?}, {inner:?}, {reach:?}, rank {rank}"), &got, &want);
                }
            }
        }
    }
}

#[test]
fn large_tiles_agree_where_results_are_alike_and_where_not() {
    for dtype in [Dtype::I16, Dtype::U64] {
        for shape in [[70, 37, 21], [40, 300, 1]] {
            for form in [FootprintShape::Box, FootprintShape::Ball] {
                check("organs", dtype, &organs(dtype, shape), shape, &whole(shape), [2, 2, 2], form);
                check("noise", dtype, &voxels(dtype, shape, false), shape, &whole(shape), [2, 1, 1], form);
            }
        }
    }
}

#[test]
fn the_ends_of_each_type_agree() {
    let shape = [40, 17, 6];
    let count = shape.iter().product::<usize>() as u64;
    for dtype in TYPES {
        let (first, last) = keys::numbers(dtype);
        let of = |key: &dyn Fn(u64) -> u64| -> Vec<u8> {
            (0..count).flat_map(|i| keys::stored(dtype, key(noise(i))).to_le_bytes().into_iter().take(dtype.bytes())).collect()
        };
        let near_both = |n: u64| if n.is_multiple_of(2) { first + n / 2 % 3 } else { last - n / 2 % 3 };
        for tile in [of(&|_| first), of(&|_| last), of(&|n| if n.is_multiple_of(2) { first } else { last }), of(&near_both)] {
            check("ends", dtype, &tile, shape, &whole(shape), [1, 1, 1], FootprintShape::Box);
        }
    }
}

#[test]
fn a_box_inside_sees_its_halo() {
    for dtype in TYPES {
        let shape = [50, 9, 8];
        let tile = voxels(dtype, shape, false);
        for inner in [[2..48, 2..7, 1..7], [0..50, 3..4, 0..8], [0..1, 0..9, 7..8], [40..50, 0..2, 2..5], [3..3, 0..9, 0..8]] {
            check("inside", dtype, &tile, shape, &inner, [2, 2, 1], FootprintShape::Box);
            check("inside", dtype, &tile, shape, &inner, [2, 1, 3], FootprintShape::Ball);
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
        n if n % 141 == 0 => odd[n as usize / 141 % odd.len()],
        n => common[(n >> 32) as usize % common.len()],
    };
    let wide = |bits: u32| f64::from(f32::from_bits(bits)).to_bits() | u64::from(bits & 0xff);
    for form in [FootprintShape::Box, FootprintShape::Ball] {
        let tile: Vec<u8> = (0..count).flat_map(|i| pick(i).to_le_bytes()).collect();
        check("NaN", Dtype::F32, &tile, shape, &whole(shape), [1, 2, 1], form);
        check("NaN", Dtype::F32, &tile, shape, &whole(shape), [1, 1, 1], form);
        let tile: Vec<u8> = (0..count).flat_map(|i| wide(pick(i)).to_le_bytes()).collect();
        check("NaN", Dtype::F64, &tile, shape, &whole(shape), [1, 2, 1], form);
        let tile: Vec<u8> = (0..count).flat_map(|i| common[noise(i as u64) as usize % common.len()].to_le_bytes()).collect();
        check("no NaN", Dtype::F32, &tile, shape, &whole(shape), [1, 2, 1], form);
    }
}

#[test]
fn windows_have_the_voxels_of_their_definition() {
    for (r, count) in [(1, 7), (2, 33), (3, 123), (5, 515)] {
        assert_eq!(Footprint::new([r; 3], FootprintShape::Ball).unwrap().count(), count);
        // In mm the same.
        assert_eq!(ball_of(f64::from(r) * 0.7, [0.7; 3]).unwrap(), Footprint::new([r; 3], FootprintShape::Ball).unwrap());
    }
    for reach in [[0, 0, 0], [1, 1, 1], [10, 1, 0], [0, 3, 0], [4, 7, 9]] {
        for form in [FootprintShape::Box, FootprintShape::Ball] {
            let window = Footprint::new(reach, form).unwrap();
            let inside = inside(reach, form);
            let run = |dz: i64, dy: i64| (-10..=10).filter(|dx| inside([*dx, dy, dz])).count() as u32;
            let want: Vec<FootprintRow> = (-10..=10i64)
                .flat_map(|dz| (-10..=10i64).map(move |dy| (dz, dy)))
                .filter(|(dz, dy)| run(*dz, *dy) > 0)
                .map(|(dz, dy)| FootprintRow { dz: dz as i32, dy: dy as i32, half: run(dz, dy) / 2 })
                .collect();
            assert_eq!(window.rows(), want, "{form:?} {reach:?}");
            assert_eq!(
                window.is_box(),
                form == FootprintShape::Box || reach.iter().filter(|r| **r > 0).count() < 2,
                "{form:?} {reach:?}"
            );
        }
    }
    // 5 mm among slices of 2.5 mm: three tenths of a mm within the slice are left to the second slice away.
    let window = ball_of(5.0, [0.7, 0.7, 2.5]).unwrap();
    assert_eq!(window.reach(), [7, 7, 2]);
    assert_eq!(window.rows().iter().find(|row| row.dz == 2), Some(&FootprintRow { dz: 2, dy: 0, half: 0 }));
    // A slice away is sqrt(25 - 6.25) = 4.33 mm, 6 voxels; 4.33² - (3 * .7)² leaves 3.78 mm, 5 voxels.
    assert_eq!(window.rows().iter().find(|row| (row.dz, row.dy) == (1, 3)), Some(&FootprintRow { dz: 1, dy: 3, half: 5 }));
}

#[test]
fn windows_that_do_not_fit_are_refused() {
    assert!(Footprint::new([11, 0, 0], FootprintShape::Box).is_err());
    assert!(Footprint::new([10, 10, 10], FootprintShape::Ball).is_ok());
    assert!(ball_of(0.9, [1.0; 3]).is_err(), "one voxel alone");
    assert!(ball_of(0.9, [1.0, 0.9, 1.0]).is_ok());
    assert!(ball_of(11.0, [1.0, 20.0, 20.0]).is_err(), "too far");
    assert!(ball_of(10.99, [1.0, 20.0, 20.0]).is_ok());
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(ball_of(bad, [1.0; 3]).is_err() && ball_of(2.0, [1.0, 1.0, bad]).is_err(), "{bad}");
    }
}
