//! CPU with and without vectors, GPU, and what the definitions say in f64.

use std::ops::Range;

use super::*;
use crate::engine::{Brick, Chunk, Gpu, Options, UNIT_VOXELS};
use crate::ops::testing::{assert_same, gpu, noise};
use crate::volume::keys;

const TYPES: [Dtype; 10] =
    [Dtype::U8, Dtype::I8, Dtype::U16, Dtype::I16, Dtype::F32, Dtype::U32, Dtype::I32, Dtype::U64, Dtype::I64, Dtype::F64];

/// Sources: one voxel, lines along each axis, primes, one slice, wider than a workgroup and than vectors.
const SHAPES: [[usize; 3]; 9] =
    [[1, 1, 1], [9, 1, 1], [1, 9, 1], [1, 1, 9], [2, 2, 2], [17, 13, 1], [7, 11, 5], [67, 9, 5], [1, 37, 11]];

type Map = [[f64; 4]; 3];

/// Turned, coarser, finer, mirrored and permuted, moved by halves and by whole voxels.
const MAPS: [Map; 6] = [
    [[0.91, 0.31, -0.2, -2.3], [-0.27, 0.93, 0.19, 1.6], [0.21, -0.13, 1.07, -0.7]],
    [[1.7, 0.0, 0.0, 0.35], [0.0, 2.2, 0.0, -0.4], [0.0, 0.0, 1.3, 0.15]],
    [[0.5, 0.0, 0.0, -0.25], [0.0, 0.375, 0.0, -0.3], [0.0, 0.0, 0.75, -0.125]],
    [[0.0, 0.0, -1.0, 6.0], [1.0, 0.0, 0.0, -1.0], [0.0, 1.0, 0.0, 0.0]],
    [[1.0, 0.0, 0.0, 0.5], [0.0, 1.0, 0.0, -0.5], [0.0, 0.0, 1.0, 0.5]],
    [[1.0, 0.0, 0.0, 2.0], [0.0, 1.0, 0.0, -1.0], [0.0, 0.0, 1.0, 0.0]],
];

/// Noise of all bits, or of few values; no NaN.
fn voxels(dtype: Dtype, shape: [usize; 3], few: bool) -> Vec<u8> {
    let count = shape.iter().product::<usize>() as u64;
    let value = |i: u64| match (dtype, few) {
        (Dtype::F32, true) => u64::from(((noise(i) % 4) as f32).to_bits()),
        (Dtype::F64, true) => ((noise(i) % 4) as f64).to_bits(),
        (Dtype::F32, false) => u64::from(((noise(i) as i32) as f32 * 1e-4).to_bits()),
        (Dtype::F64, false) => ((noise(i) as i64) as f64 * 1e-9).to_bits(),
        (_, true) => noise(i) % 4,
        (_, false) => noise(i),
    };
    (0..count).flat_map(|i| value(i).to_le_bytes().into_iter().take(dtype.bytes())).collect()
}

fn sampled<'a>(dtype: Dtype, bytes: &'a [u8], shape: [usize; 3], map: &Map, size: [usize; 3]) -> Sampled<'a> {
    let positions = Positions::new(map, size.map(|n| n as u64)).unwrap();
    Sampled { dtype, bytes, shape, inside: shape.map(|n| 0..n as i64), positions }
}

fn on_gpu(gpu: &Gpu, from: &Sampled<'_>, sampling: Sampling, fill: u64, size: [usize; 3]) -> Vec<u8> {
    let (dtype, unit) = (from.dtype, UNIT_VOXELS as usize * from.dtype.bytes());
    let chunk =
        Chunk { buffer: gpu.storage_with("test", from.bytes, unit).unwrap(), voxels: (from.bytes.len() / dtype.bytes()) as u32 };
    let bits = 8 * dtype.bytes() as u32;
    let brick = Brick::empty(gpu, from.shape.map(|n| n as u32), bits).unwrap();
    let out = Brick::empty(gpu, size.map(|n| n as u32), bits).unwrap();
    let bytes = out.voxels() as usize * dtype.bytes();
    let stored = gpu.storage("test", bytes.next_multiple_of(unit) as u64).unwrap();
    let mut encoder = gpu.encoder();
    brick.encode_from(gpu, &mut encoder, dtype, &chunk).unwrap();
    let key = keys::key(dtype, fill) as u32;
    encode(gpu, &mut encoder, (sampling, key), (&brick, &from.inside, &from.positions), &out).unwrap();
    out.encode_into(gpu, &mut encoder, dtype, &stored).unwrap();
    gpu.submit("test", encoder).unwrap();
    gpu.download("test", &stored, bytes as u64).unwrap()
}

/// All ways give the same bits; these.
#[track_caller]
fn every_way(from: &Sampled<'_>, sampling: Sampling, fill: u64, size: [usize; 3]) -> Vec<u8> {
    let what = format!("{} {} {:?} {:?}", sampling.name(), from.dtype, from.shape, from.positions);
    let mut want = vec![0x5a; size.iter().product::<usize>() * from.dtype.bytes()];
    super::cpu::cpu_portable(from, sampling, fill, size, &mut want);
    let mut got = vec![0xa5; want.len()];
    cpu(from, sampling, fill, size, &mut got);
    assert_same(&format!("cpu {what}"), &got, &want);
    // In parts, as threads and tiles do.
    if size[1] > 2 {
        let (width, row) = (from.dtype.bytes(), size[0]);
        for z in 0..size[2] {
            for y in [0..2, 2..size[1]] {
                let mut part = vec![0x77; row * y.len() * width];
                cpu(&from.from([0, y.start as u64, z as u64]), sampling, fill, [row, y.len(), 1], &mut part);
                let at = (z * size[1] + y.start) * row * width;
                assert_same(&format!("part of {what}"), &part, &want[at..at + part.len()]);
            }
        }
    }
    if let (true, Some(gpu)) = (sampling.has_kernel(from.dtype), gpu()) {
        assert_same(&format!("gpu {what}"), &on_gpu(gpu, from, sampling, fill, size), &want);
    }
    want
}

fn position(map: &Map, voxel: [usize; 3]) -> [f64; 3] {
    [0, 1, 2].map(|a: usize| map[a][3] + (0..3).map(|c| map[a][c] * voxel[c] as f64).sum::<f64>())
}

/// Whether f64 and fixed point may disagree whether a voxel lies inside.
fn at_the_border(shape: [usize; 3], map: &Map, voxel: [usize; 3]) -> bool {
    let at = position(map, voxel);
    let near = |value: f64| value.abs() < 1e-6 && value != 0.0;
    (0..3).any(|a| near(at[a] + 0.5) || near(at[a] + 0.5 - shape[a] as f64))
}

/// The eight voxels around a position and their weights, in f64; none outside.
fn around(shape: [usize; 3], map: &Map, voxel: [usize; 3]) -> Option<Vec<(usize, f64)>> {
    let at = position(map, voxel);
    if (0..3).any(|a| (at[a] + 0.5).floor() < 0.0 || (at[a] + 0.5).floor() >= shape[a] as f64) {
        return None;
    }
    let corner = |i: usize| {
        let (mut index, mut weight, mut stride) = (0, 1.0, 1);
        for a in 0..3 {
            let (low, upper) = (at[a].floor(), i >> a & 1 == 1);
            let share = at[a] - low;
            weight *= if upper { share } else { 1.0 - share };
            index += ((low + f64::from(upper)).clamp(0.0, (shape[a] - 1) as f64)) as usize * stride;
            stride *= shape[a];
        }
        (index, weight)
    };
    Some((0..8).map(corner).collect())
}

fn indices(size: [usize; 3]) -> impl Iterator<Item = [usize; 3]> {
    (0..size.iter().product()).map(move |i| [i % size[0], i / size[0] % size[1], i / (size[0] * size[1])])
}

const SIZE: [usize; 3] = [35, 9, 5];

#[test]
fn linear_is_what_f64_says_within_its_bound() {
    for dtype in TYPES {
        for shape in SHAPES {
            let bytes = voxels(dtype, shape, false);
            for map in &MAPS {
                let from = sampled(dtype, &bytes, shape, map, SIZE);
                let got = every_way(&from, Sampling::Linear, 7, SIZE);
                let value = |i: usize| dtype.decode(&bytes[i * dtype.bytes()..][..dtype.bytes()]);
                for (i, voxel) in indices(SIZE).enumerate().filter(|(_, voxel)| !at_the_border(shape, map, *voxel)) {
                    let own = &got[i * dtype.bytes()..][..dtype.bytes()];
                    let Some(corners) = around(shape, map, voxel) else {
                        assert_eq!(own, &7u64.to_le_bytes()[..dtype.bytes()], "{dtype} {shape:?} {voxel:?}");
                        continue;
                    };
                    let want: f64 = corners.iter().map(|(i, w)| value(*i) * w).sum();
                    let scale = corners.iter().map(|(i, _)| value(*i).abs()).fold(0.0, f64::max);
                    let spread = corners.iter().map(|(i, _)| value(*i)).fold(f64::NEG_INFINITY, f64::max)
                        - corners.iter().map(|(i, _)| value(*i)).fold(f64::INFINITY, f64::min);
                    let bound = match dtype {
                        Dtype::F32 => 1e-7 * scale,
                        Dtype::F64 => 1e-8 * scale,
                        _ if dtype.is_small_integer() => 0.5 + 3.0 / 32.0 + 3.0 * spread / 131_072.0,
                        _ => 0.5 + 1e-8 * scale,
                    };
                    let off = (dtype.decode(own) - want).abs();
                    assert!(off <= bound + 1e-6, "{dtype} {shape:?} {map:?} {voxel:?}: {off} > {bound}");
                }
            }
        }
    }
}

#[test]
fn nearest_moves_voxels() {
    for dtype in TYPES {
        for shape in SHAPES {
            let bytes = voxels(dtype, shape, false);
            for map in &MAPS {
                let from = sampled(dtype, &bytes, shape, map, SIZE);
                let got = every_way(&from, Sampling::Nearest, 0x1122_3344_5566_7788, SIZE);
                for (i, voxel) in indices(SIZE).enumerate() {
                    let at = from.positions.at(voxel.map(|n| n as u64)).map(|p| (p + (1 << 31)) >> 32);
                    let inside = (0..3).all(|a| (0..shape[a] as i64).contains(&at[a]));
                    let want = if inside {
                        let index = (at[2] as usize * shape[1] + at[1] as usize) * shape[0] + at[0] as usize;
                        bytes[index * dtype.bytes()..][..dtype.bytes()].to_vec()
                    } else {
                        0x1122_3344_5566_7788u64.to_le_bytes()[..dtype.bytes()].to_vec()
                    };
                    assert_eq!(got[i * dtype.bytes()..][..dtype.bytes()], want, "{dtype} {shape:?} {map:?} {voxel:?}");
                }
            }
        }
    }
}

#[test]
fn labels_are_elected_by_weight() {
    for dtype in TYPES {
        for shape in SHAPES {
            let bytes = voxels(dtype, shape, true);
            for map in &MAPS {
                let from = sampled(dtype, &bytes, shape, map, SIZE);
                let got = every_way(&from, Sampling::Label, 9, SIZE);
                for (i, voxel) in indices(SIZE).enumerate().filter(|(_, voxel)| !at_the_border(shape, map, *voxel)) {
                    let Some(corners) = around(shape, map, voxel) else { continue };
                    let value = |bytes: &[u8]| dtype.decode(bytes);
                    let mut sums: Vec<(f64, f64)> = Vec::new();
                    for (index, weight) in corners {
                        let own = value(&bytes[index * dtype.bytes()..][..dtype.bytes()]);
                        match sums.iter_mut().find(|(v, _)| *v == own) {
                            Some((_, sum)) => *sum += weight,
                            None => sums.push((own, weight)),
                        }
                    }
                    // What is nearer than positions are rounded may go either way, but to the lowest where it is a tie.
                    let most = sums.iter().map(|(_, sum)| *sum).fold(0.0, f64::max);
                    let elected = value(&got[i * dtype.bytes()..][..dtype.bytes()]);
                    let own = sums.iter().find(|(v, _)| *v == elected).unwrap_or_else(|| panic!("{elected} is not there"));
                    assert!(most - own.1 < 3e-4, "{dtype} {shape:?} {map:?} {voxel:?}: {sums:?}, not {elected}");
                    if map == &MAPS[4] {
                        let lowest = sums.iter().filter(|(_, s)| *s > most - 1e-9).map(|(v, _)| *v).fold(f64::INFINITY, f64::min);
                        assert_eq!(elected, lowest, "{sums:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn areas_are_means_of_what_is_covered() {
    let shape = [8, 6, 4];
    for dtype in TYPES {
        let bytes = voxels(dtype, shape, true);
        let value = |x: usize, y: usize, z: usize| {
            let at = ((z * shape[1] + y) * shape[0] + x) * dtype.bytes();
            dtype.decode(&bytes[at..at + dtype.bytes()])
        };
        // Two by three by two whole voxels each.
        let map = [[2.0, 0.0, 0.0, 0.5], [0.0, 3.0, 0.0, 1.0], [0.0, 0.0, 2.0, 0.5]];
        let from = sampled(dtype, &bytes, shape, &map, [4, 2, 2]);
        let got = every_way(&from, Sampling::Area, 0, [4, 2, 2]);
        for (i, [x, y, z]) in indices([4, 2, 2]).enumerate() {
            let all = indices([2, 3, 2]).map(|[a, b, c]| value(2 * x + a, 3 * y + b, 2 * z + c)).sum::<f64>() / 12.0;
            let want = if dtype.is_integer() { (all + 0.5).floor() } else { all };
            let got = dtype.decode(&got[i * dtype.bytes()..][..dtype.bytes()]);
            assert!((got - want).abs() <= 1e-6 * want.abs(), "{dtype} {x} {y} {z}: {got} {want}");
        }
    }
    // Half a voxel on each side, and at the end only what is there.
    let line = [0u8, 60, 120, 30];
    let map = [[2.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]];
    let from = sampled(Dtype::U8, &line, [4, 1, 1], &map, [3, 1, 1]);
    assert_eq!(every_way(&from, Sampling::Area, 9, [3, 1, 1]), [20, 83, 9]);
    // Where nothing becomes coarser it is linear.
    let map = MAPS[2];
    let bytes = voxels(Dtype::F64, [7, 11, 5], false);
    let from = sampled(Dtype::F64, &bytes, [7, 11, 5], &map, SIZE);
    let [area, linear] = [Sampling::Area, Sampling::Linear].map(|s| every_way(&from, s, 7, SIZE));
    for (a, b) in area.chunks_exact(8).zip(linear.chunks_exact(8)) {
        let (a, b) = (Dtype::F64.decode(a), Dtype::F64.decode(b));
        assert!((a - b).abs() <= 2e-5 * a.abs().max(1e9), "{a} {b}");
    }
}

#[test]
fn rounding_and_borders_by_hand() {
    // Positions -1/4, 1/4, 3/4, 5/4: the edge goes on for half a voxel.
    let map = [[0.5, 0.0, 0.0, -0.75], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]];
    let from = sampled(Dtype::U8, &[10, 13], [2, 1, 1], &map, [7, 1, 1]);
    // -3/4 is outside; 10, 10.75, 12.25, 13; 7/4 and beyond are outside.
    assert_eq!(every_way(&from, Sampling::Linear, 99, [7, 1, 1]), [99, 10, 11, 12, 13, 99, 99]);
    assert_eq!(every_way(&from, Sampling::Nearest, 99, [7, 1, 1]), [99, 10, 10, 13, 13, 99, 99]);
    // Halves are rounded up, also below 0, and halfway is the upper neighbour.
    let map = [[1.0, 0.0, 0.0, 0.5], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]];
    let bytes = [-3i16, -2, 4].map(i16::to_le_bytes).concat();
    let from = sampled(Dtype::I16, &bytes, [3, 1, 1], &map, [3, 1, 1]);
    let out = every_way(&from, Sampling::Linear, 0, [3, 1, 1]);
    assert_eq!(out, [-2i16, 1, 0].map(i16::to_le_bytes).concat());
    assert_eq!(every_way(&from, Sampling::Nearest, 0, [3, 1, 1]), [-2i16, 4, 0].map(i16::to_le_bytes).concat());
    assert_eq!(every_way(&from, Sampling::Label, 0, [3, 1, 1]), [-3i16, -2, 0].map(i16::to_le_bytes).concat());
    let floats = [f32::NAN, 1.0, 3.0, f32::INFINITY].map(f32::to_le_bytes).concat();
    let whole = [[1.0, 0.0, 0.0, 0.0], map[1], map[2]];
    let from = sampled(Dtype::F32, &floats, [4, 1, 1], &whole, [4, 1, 1]);
    let out = every_way(&from, Sampling::Linear, 0, [4, 1, 1]);
    assert!(out == floats, "a weight of 0 is not looked at");
    let from = sampled(Dtype::F32, &floats, [4, 1, 1], &map, [3, 1, 1]);
    let out: Vec<f32> =
        every_way(&from, Sampling::Linear, 0, [3, 1, 1]).as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
    assert!(out[0].is_nan() && out[1] == 2.0 && out[2] == f32::INFINITY, "{out:?}");
}

/// A box of the source is as good as all of it, wherever it begins, with positions below 0 of it.
#[test]
fn a_box_knows_where_its_source_ends() {
    let (shape, size) = ([23, 19, 11], [13, 6, 4]);
    for (sampling, dtype) in [
        (Sampling::Linear, Dtype::I16),
        (Sampling::Linear, Dtype::U8),
        (Sampling::Label, Dtype::U8),
        (Sampling::Nearest, Dtype::F32),
    ] {
        let bytes = voxels(dtype, shape, sampling == Sampling::Label);
        for map in &MAPS {
            let from = sampled(dtype, &bytes, shape, map, [40, 20, 12]);
            for at in [[0, 0, 0], [10, 5, 3], [27, 14, 8]] {
                let part = from.from(at);
                let want = every_way(&part, sampling, 3, size);
                let reach = sampling.reach(&from.positions);
                let Some(place) = part.positions.looks_at(size.map(|n| n as u64), shape.map(|n| n as u64), reach) else {
                    assert!(want.chunks_exact(dtype.bytes()).all(|v| v == &3u64.to_le_bytes()[..dtype.bytes()]));
                    continue;
                };
                let own = cut(&bytes, dtype.bytes(), shape, &place);
                let boxed = Sampled {
                    dtype,
                    bytes: &own,
                    shape: place.each_ref().map(|r| (r.end - r.start) as usize),
                    inside: [0, 1, 2].map(|a| -(place[a].start as i64)..shape[a] as i64 - place[a].start as i64),
                    positions: part.positions.from([0; 3], place.each_ref().map(|r| r.start)),
                };
                assert_same("boxed", &every_way(&boxed, sampling, 3, size), &want);
            }
        }
    }
}

fn cut(bytes: &[u8], width: usize, shape: [usize; 3], place: &[Range<u64>; 3]) -> Vec<u8> {
    let mut out = Vec::new();
    for z in place[2].clone() {
        for y in place[1].clone() {
            let row = (z as usize * shape[1] + y as usize) * shape[0];
            out.extend(&bytes[(row + place[0].start as usize) * width..(row + place[0].end as usize) * width]);
        }
    }
    out
}

#[test]
fn few_groups_leave_no_voxel_unwritten() {
    let Some(shared) = gpu() else { return };
    let capped = Gpu::from_device(shared.device().clone(), shared.queue().clone())
        .with_options(Options { max_groups: 1, ..Options::default() });
    let (shape, size) = ([67, 9, 5], [70, 9, 8]);
    let bytes = voxels(Dtype::I16, shape, false);
    let from = sampled(Dtype::I16, &bytes, shape, &MAPS[0], size);
    let want = every_way(&from, Sampling::Linear, 7, size);
    assert_same("one group", &on_gpu(&capped, &from, Sampling::Linear, 7, size), &want);
}

#[test]
fn what_does_not_fit_is_refused() {
    let Some(gpu) = gpu() else { return };
    let brick = |shape, bits| Brick::empty(gpu, shape, bits).unwrap();
    let positions = Positions::new(&MAPS[0], [4, 4, 4]).unwrap();
    let mut encoder = gpu.encoder();
    let mut refused = |sampling, from: &Brick, end: i64, out: &Brick| {
        encode(gpu, &mut encoder, (sampling, 0), (from, &[0..end, 0..4, 0..4], &positions), out).is_err()
    };
    let small = brick([4, 4, 4], 16);
    assert!(refused(Sampling::Linear, &brick([4, 4, 4], 32), 4, &brick([4, 4, 4], 32)), "wide keys");
    assert!(refused(Sampling::Area, &small, 4, &brick([4, 4, 4], 16)), "no kernel");
    assert!(refused(Sampling::Nearest, &small, 4, &brick([4, 4, 4], 8)), "another type");
    assert!(refused(Sampling::Nearest, &small, 1 << 40, &brick([4, 4, 4], 16)), "too far");
    assert!(refused(Sampling::Nearest, &small, 4, &brick([1 << 16, 1, 1], 16)), "too long");
}
