//! CPU and GPU against sorting and summing each ray.
#![allow(clippy::single_range_in_vec_init, reason = "one slab is one range")]

use super::*;
use crate::engine::{Brick, Chunk, Gpu, Options, UNIT_VOXELS};
use crate::ops::testing::{assert_same, gpu, noise};
use crate::volume::keys;

const TYPES: [Dtype; 10] =
    [Dtype::U8, Dtype::I8, Dtype::U16, Dtype::I16, Dtype::F32, Dtype::U32, Dtype::I32, Dtype::U64, Dtype::I64, Dtype::F64];

const FOLDS: [Fold; 5] = [Fold::Greatest, Fold::Least, Fold::Sum, Fold::Middle { upper: false }, Fold::Middle { upper: true }];

/// One voxel, lines, primes, one slice, more than a strip.
const SHAPES: [[u32; 3]; 9] =
    [[1, 1, 1], [9, 1, 1], [1, 9, 1], [1, 1, 9], [17, 13, 1], [7, 11, 5], [67, 9, 5], [1030, 2, 3], [2, 37, 41]];

/// Whole, halves, and single voxels.
fn slabs(n: u32) -> [Vec<Range<u32>>; 3] {
    let halves = if n > 1 { vec![0..n / 2, n / 2..n] } else { vec![0..1] };
    [vec![0..n], halves, (0..n).map(|i| i..i + 1).collect()]
}

fn voxels(dtype: Dtype, shape: [u32; 3]) -> Vec<u8> {
    let count = u64::from(shape.iter().product::<u32>());
    // No NaN: they have a test of their own. Few values at every seventh voxel, so that many are equal.
    let value = |i: u64| if i.is_multiple_of(7) { noise(i) % 5 * 0x2122_2324_2526_2728 } else { noise(i) };
    let number = |i: u64| match dtype {
        Dtype::F32 => value(i) & 0xbfff_ffff,
        Dtype::F64 => value(i) & 0xbfff_ffff_ffff_ffff,
        _ => value(i),
    };
    (0..count).flat_map(|i| number(i).to_le_bytes().into_iter().take(dtype.bytes())).collect()
}

/// The keys of each ray that count, in its order, and the decoded values.
fn rays_of(beams: &Beams, tile: &[u8], shape: [u32; 3]) -> Vec<Vec<(u64, f64)>> {
    let (size, [nx, ny, nz]) = (beams.dtype.bytes(), shape);
    let mut out = vec![Vec::new(); beams.rays(shape)];
    let [sx, sy, _] = beams.size(shape).map(|n| n as usize);
    for (z, y, x) in (0..nz).flat_map(|z| (0..ny).flat_map(move |y| (0..nx).map(move |x| (z, y, x)))) {
        let bytes = &tile[((z * ny + y) * nx + x) as usize * size..][..size];
        let key = keys::key(beams.dtype, bytes.iter().rev().fold(0, |all, byte| all << 8 | u64::from(*byte)));
        if beams.padding.is_some_and(|(a, b)| (a..=b).contains(&key)) {
            continue;
        }
        for (slab, range) in beams.slabs.iter().enumerate() {
            let mut at = [x, y, z];
            if range.contains(&at[beams.axis]) {
                at[beams.axis] = slab as u32;
                let [x, y, z] = at.map(|n| n as usize);
                out[(z * sy + y) * sx + x].push((key, beams.dtype.decode(bytes)));
            }
        }
    }
    out
}

/// What a definition says and nothing else.
fn expected(beams: &Beams, tile: &[u8], shape: [u32; 3]) -> Rays {
    let all = u64::MAX >> (64 - 8 * beams.dtype.bytes());
    let (first, last) = keys::numbers(beams.dtype);
    let value = |ray: &Vec<(u64, f64)>| {
        let mut sorted: Vec<u64> = ray.iter().map(|(key, _)| *key).collect();
        sorted.sort_unstable();
        let (Some(least), Some(greatest)) = (sorted.first(), sorted.last()) else { return 0 };
        let nan = *least < first || *greatest > last;
        match beams.fold {
            Fold::Sum if beams.sums_floats() => ray.iter().fold(0.0, |sum, (_, v)| sum + v).to_bits(),
            Fold::Sum => sorted.iter().sum(),
            _ if nan => all,
            Fold::Greatest => *greatest,
            Fold::Least => all ^ least,
            Fold::Middle { upper } => sorted[(sorted.len() - 1 + usize::from(upper)) / 2],
        }
    };
    let rays = rays_of(beams, tile, shape);
    Rays { values: rays.iter().map(value).collect(), counts: rays.iter().map(|ray| ray.len() as u32).collect() }
}

fn on_gpu(gpu: &Gpu, beams: &Beams, tile: &[u8], shape: [u32; 3]) -> Rays {
    let (dtype, unit) = (beams.dtype, UNIT_VOXELS as usize * beams.dtype.bytes());
    let brick = Brick::empty(gpu, shape, 8 * dtype.bytes() as u32).unwrap();
    let chunk = Chunk { buffer: gpu.storage_with("test", tile, unit).unwrap(), voxels: brick.voxels() };
    let known = GpuRays::empty(gpu, beams.rays(shape) as u64).unwrap();
    let mut encoder = gpu.encoder();
    brick.encode_from(gpu, &mut encoder, dtype, &chunk).unwrap();
    encode(gpu, &mut encoder, beams, &brick, (&known, true)).unwrap();
    gpu.submit("test", encoder).unwrap();
    GpuRays::known(beams, &gpu.download("test", &known.buffer, known.buffer.size()).unwrap())
}

#[track_caller]
fn check(beams: &Beams, tile: &[u8], shape: [u32; 3], gpu: Option<&Gpu>) {
    let what = format!("{beams:?} {shape:?}");
    let want = expected(beams, tile, shape);
    let mut got = Rays::none(beams.rays(shape));
    cpu(beams, tile, shape, &mut got);
    assert_same(&format!("cpu {what}"), &got.counts, &want.counts);
    assert_same(&format!("cpu {what}"), &got.values, &want.values);
    if let (true, Some(gpu)) = (beams.dtype.bytes() <= 4 && !beams.sums_floats(), gpu) {
        let got = on_gpu(gpu, beams, tile, shape);
        assert_same(&format!("gpu {what}"), &got.counts, &want.counts);
        assert_same(&format!("gpu {what}"), &got.values, &want.values);
    }
}

#[test]
fn all_types_folds_axes_and_shapes_agree_with_sorted_rays() {
    for dtype in TYPES {
        for shape in SHAPES {
            let tile = voxels(dtype, shape);
            for (fold, axis) in FOLDS.into_iter().flat_map(|fold| (0..3).map(move |axis| (fold, axis))) {
                for slabs in slabs(shape[axis]) {
                    // A device takes its time to say the same of every shape.
                    let few = shape.iter().product::<u32>() < 2000 && matches!(dtype, Dtype::U8 | Dtype::I16 | Dtype::F32);
                    let gpu = if few || slabs.len() == 1 { gpu() } else { None };
                    check(&Beams { dtype, axis, fold, slabs, padding: None }, &tile, shape, gpu);
                }
            }
        }
    }
}

#[test]
fn padding_has_no_part() {
    for dtype in [Dtype::U8, Dtype::I16, Dtype::F32, Dtype::I64] {
        let shape = [40, 7, 9];
        let tile = voxels(dtype, shape);
        let all = u64::MAX >> (64 - 8 * dtype.bytes());
        for (fold, axis) in FOLDS.into_iter().flat_map(|fold| (0..3).map(move |axis| (fold, axis))) {
            for padding in [(all / 4, all / 2), (0, all / 3), (0, all), (all, all)] {
                let beams = Beams { dtype, axis, fold, slabs: vec![0..4, 4..7], padding: Some(padding) };
                check(&beams, &tile, shape, gpu());
            }
        }
    }
}

#[test]
fn a_ray_that_holds_nan_gives_nan() {
    let shape = [33, 9, 5];
    let odd = [0x7f80_0001u32, 0xff80_0001, 0x7fff_ffff, 0xffff_ffff, 0x7fc0_0000, 0xffc1_2345];
    let common = [0, 1 << 31, 1, 0x8000_0001, 0x7f80_0000, 0xff80_0000, 0x3f80_0000, 0xbf80_0000, 0x007f_ffff];
    let pick = |i: u64| match noise(i) {
        n if n.is_multiple_of(41) => odd[n as usize / 41 % odd.len()],
        n => common[(n >> 32) as usize % common.len()],
    };
    let tile: Vec<u8> = (0..33 * 9 * 5).flat_map(|i| pick(i).to_le_bytes()).collect();
    for (fold, axis) in FOLDS.into_iter().flat_map(|fold| (0..3).map(move |axis| (fold, axis))) {
        let beams = Beams { dtype: Dtype::F32, axis, fold, slabs: vec![0..2, 2..5], padding: None };
        let mut got = Rays::none(beams.rays(shape));
        cpu(&beams, &tile, shape, &mut got);
        for (ray, of) in rays_of(&beams, &tile, shape).iter().enumerate() {
            let nan = of.iter().any(|(_, v)| v.is_nan());
            if fold == Fold::Sum {
                // Infinities of both signs make NaN, too.
                assert!(!nan || got.sum(&beams, ray).0.is_nan());
            } else {
                let selected = got.selected(&beams, ray).unwrap();
                assert_eq!(f32::from_bits(selected as u32).is_nan(), nan, "{fold:?} along {axis}, ray {ray}");
                assert!(!nan || selected == 0x7fc0_0000);
            }
        }
        if fold != Fold::Sum {
            check(&beams, &tile, shape, gpu());
        }
    }
}

#[test]
fn means_round_halves_up_and_sums_know_their_sign() {
    let beams = |dtype, fold| Beams { dtype, axis: 0, fold, slabs: vec![0..4, 4..7], padding: None };
    let tile: Vec<u8> = [-3i16, -2, 0, 0, 7, -8, 2].iter().flat_map(|v| v.to_le_bytes()).collect();
    let mut rays = Rays::none(2);
    let own = beams(Dtype::I16, Fold::Sum);
    cpu(&own, &tile, [7, 1, 1], &mut rays);
    // -5 of 4 is -1.25; 1 of 3 is 0.33.
    assert_eq!([0, 1].map(|i| rays.mean(&own, i).unwrap() as i16), [-1, 0]);
    assert_eq!([0, 1].map(|i| rays.sum(&own, i)), [(-5.0, 4), (1.0, 3)]);
    let halves: Vec<u8> = [-1i16, 0, 0, 0, 1, 2, 0].iter().flat_map(|v| v.to_le_bytes()).collect();
    let two = Beams { slabs: vec![0..2, 4..6], ..own };
    let mut rays = Rays::none(2);
    cpu(&two, &halves, [7, 1, 1], &mut rays);
    // -0.5 and 1.5 go up.
    assert_eq!([0, 1].map(|i| rays.mean(&two, i).unwrap() as i16), [0, 2]);
    let floats: Vec<u8> = [1.0f32, 2.0, 4.0, 8.0, 0.5, 0.25, f32::INFINITY].iter().flat_map(|v| v.to_le_bytes()).collect();
    let own = beams(Dtype::F32, Fold::Sum);
    let mut rays = Rays::none(2);
    cpu(&own, &floats, [7, 1, 1], &mut rays);
    assert_eq!([0, 1].map(|i| f32::from_bits(rays.mean(&own, i).unwrap() as u32)), [3.75, f32::INFINITY]);
}

#[test]
fn rays_are_carried_from_box_to_box_in_any_cut() {
    let shape = [11, 6, 50];
    for (dtype, fold) in
        [(Dtype::I16, Fold::Greatest), (Dtype::U32, Fold::Sum), (Dtype::F32, Fold::Sum), (Dtype::F32, Fold::Least)]
    {
        let tile = voxels(dtype, shape);
        let whole = Beams { dtype, axis: 2, fold, slabs: vec![0..50], padding: None };
        let want = expected(&whole, &tile, shape);
        for step in [1, 7, 49] {
            let mut got = Rays::none(66);
            let device = gpu().filter(|_| !whole.sums_floats()).map(|gpu| (gpu, GpuRays::empty(gpu, 66).unwrap()));
            for from in (0..50u32).step_by(step) {
                let to = (from + step as u32).min(50);
                let part = &tile[from as usize * 66 * dtype.bytes()..to as usize * 66 * dtype.bytes()];
                let (beams, shape) = (Beams { slabs: vec![0..to - from], ..whole.clone() }, [11, 6, to - from]);
                cpu(&beams, part, shape, &mut got);
                if let Some((gpu, known)) = &device {
                    let brick = Brick::empty(gpu, shape, 8 * dtype.bytes() as u32).unwrap();
                    let unit = UNIT_VOXELS as usize * dtype.bytes();
                    let chunk = Chunk { buffer: gpu.storage_with("test", part, unit).unwrap(), voxels: brick.voxels() };
                    let mut encoder = gpu.encoder();
                    brick.encode_from(gpu, &mut encoder, dtype, &chunk).unwrap();
                    encode(gpu, &mut encoder, &beams, &brick, (known, from == 0)).unwrap();
                    gpu.submit("test", encoder).unwrap();
                }
            }
            assert_same(&format!("{dtype} {fold:?} by {step}"), &got.values, &want.values);
            if let Some((gpu, known)) = device {
                let got = GpuRays::known(&whole, &gpu.download("test", &known.buffer, known.buffer.size()).unwrap());
                assert_same(&format!("gpu {dtype} {fold:?} by {step}"), &got.values, &want.values);
            }
        }
    }
}

#[test]
fn long_rays_take_several_dispatches_and_few_groups_leave_none_out() {
    let Some(shared) = gpu() else { return };
    let capped = Gpu::from_device(shared.device().clone(), shared.queue().clone())
        .with_options(Options { max_groups: 1, ..Options::default() });
    let long = [9001, 3, 1];
    let tile = voxels(Dtype::U16, long);
    for fold in FOLDS {
        let beams = Beams { dtype: Dtype::U16, axis: 0, fold, slabs: vec![0..9001], padding: None };
        check(&beams, &tile, long, Some(shared));
        let shape = [3, 9001, 1];
        let beams = Beams { slabs: vec![0..2, 2..3], ..beams };
        check(&beams, &tile, shape, Some(&capped));
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let Some(gpu) = gpu() else { return };
    let brick = Brick::empty(gpu, [4, 5, 6], 16).unwrap();
    let refused = |beams: &Beams, rays| {
        let rays = GpuRays::empty(gpu, rays).unwrap();
        encode(gpu, &mut gpu.encoder(), beams, &brick, (&rays, true)).is_err()
    };
    let good = Beams { dtype: Dtype::I16, axis: 2, fold: Fold::Sum, slabs: vec![0..3, 3..6], padding: None };
    assert!(!refused(&good, 40));
    assert!(refused(&good, 20), "another number of rays");
    assert!(refused(&Beams { slabs: vec![0..3, 3..7], ..good.clone() }, 40), "beyond the end");
    assert!(refused(&Beams { slabs: vec![0..3, 3..3], ..good.clone() }, 40), "an empty slab");
    assert!(refused(&Beams { dtype: Dtype::U8, ..good.clone() }, 40), "another type");
    let floats = Brick::empty(gpu, [4, 5, 6], 32).unwrap();
    let rays = GpuRays::empty(gpu, 40).unwrap();
    let sums = Beams { dtype: Dtype::F32, ..good };
    assert!(encode(gpu, &mut gpu.encoder(), &sums, &floats, (&rays, true)).is_err(), "floats are not summed on devices");
}
