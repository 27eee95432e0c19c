//! Every voxel against every background voxel, and cases worked by hand.

use super::*;
use crate::engine::{Gpu, Options};
use crate::ops::bits::LabelType;
use crate::ops::testing::{assert_same, gpu, noise};

/// One voxel, lines along each axis, primes, one slice, wider than a strip, longer than the search.
const SHAPES: [[usize; 3]; 14] = [
    [1, 1, 1],
    [9, 1, 1],
    [1, 9, 1],
    [1, 1, 9],
    [2, 2, 2],
    [17, 13, 1],
    [1, 13, 17],
    [13, 1, 17],
    [7, 11, 5],
    [67, 3, 5],
    [33, 2, 3],
    [3, 37, 5],
    [2, 3, 41],
    [5, 4, 3],
];

/// Foreground of so many voxels in 256.
fn mask(shape: [usize; 3], seed: u64, density: u64) -> Vec<u8> {
    (0..shape.iter().product::<usize>() as u64).map(|i| u8::from(noise(seed << 32 | i) % 256 < density) * 7).collect()
}

fn place(i: usize, shape: [usize; 3]) -> [i64; 3] {
    [i % shape[0], i / shape[0] % shape[1], i / shape[0] / shape[1]].map(|n| n as i64)
}

/// What the definition says and nothing else.
fn brute(mask: &[u8], shape: [usize; 3], weights: [u64; 3]) -> Vec<(u64, u64)> {
    let background: Vec<usize> = (0..mask.len()).filter(|i| mask[*i] == 0).collect();
    let from = |i: usize| {
        let square = |j: usize| {
            let (a, b) = (place(i, shape), place(j, shape));
            (0..3).map(|axis| (weights[axis] as i64 * (a[axis] - b[axis])).pow(2)).sum::<i64>() as u64
        };
        background.iter().map(|j| (square(*j), *j as u64)).min().unwrap_or((u64::MAX, u64::MAX))
    };
    (0..mask.len()).map(from).collect()
}

/// All ways to the same answer.
#[track_caller]
fn check<T: Searched>(mask: &[u8], shape: [usize; 3], weights: [u64; 3]) {
    let what = format!("{} bytes, {shape:?}, {weights:?}", size_of::<T>());
    let want = brute(mask, shape, weights);
    let any = mask.contains(&0);
    let squares: Vec<T> = want.iter().map(|(d, _)| if any { T::from_square(*d) } else { T::NONE }).collect();
    let first: Vec<u64> = want.iter().map(|(_, i)| *i).collect();

    let mut out = vec![T::default(); mask.len()];
    assert_eq!(squared(mask, shape, weights, &mut out), any, "{what}");
    assert_eq!(out, squares, "{what}");
    out.fill(T::default());
    let mut index: Vec<u64> = (0..mask.len() as u64).collect();
    assert_eq!(nearest(mask, shape, weights, &mut out, &mut index), any, "{what}");
    assert!(out == squares && (!any || index == first), "nearest of {what}");
    // Labels that come again and again tell as little of the place as they can.
    let label = |i: u64| (noise(i) % 3) as u8;
    let mut labels: Vec<u8> = (0..mask.len() as u64).map(label).collect();
    nearest(mask, shape, weights, &mut out, &mut labels);
    assert!(!any || first.iter().map(|i| label(*i)).eq(labels), "labels of {what}");

    // By rows, slices and strips of columns, as through a file: by vectors, without them, and with what is carried.
    let [nx, ny, _] = shape;
    let (mut fast, mut portable) = (vec![T::default(); mask.len()], vec![T::default(); mask.len()]);
    let (mut apart, mut index) = (portable.clone(), (0..mask.len() as u64).collect::<Vec<u64>>());
    let (rows, mut words) = (RowPass::new(nx, weights[0]), vec![0; nx.div_ceil(64)]);
    for at in (0..mask.len()).step_by(nx) {
        u8::pack(&mask[at..at + nx], &mut words);
        rows.squares(&words, &mut fast[at..at + nx]);
        rows.nearest(&words, &mut apart[at..at + nx], &mut index[at..at + nx]);
    }
    assert_eq!(fast, apart, "rows of {what}");
    portable.copy_from_slice(&fast);
    let plain = |rows: &mut [&mut [T]], weight| columns::search(rows, weight, columns::outwards::<T, 16, false>);
    for (each, whole, weight) in [(nx, nx * ny, weights[1]), (nx * ny, mask.len(), weights[2])] {
        for at in (0..mask.len()).step_by(whole) {
            let here = at..at + whole;
            strips(&mut fast[here.clone()], each, 5).iter_mut().for_each(|strip| T::search(strip, weight));
            strips(&mut portable[here.clone()], each, 7).iter_mut().for_each(|strip| plain(strip, weight));
            let carried = strips(&mut index[here.clone()], each, 19);
            for (mut strip, mut carried) in strips(&mut apart[here], each, 19).into_iter().zip(carried) {
                nearest::search_apart(&mut strip, &mut carried, weight);
            }
        }
    }
    assert!(!any || fast == squares && portable == squares, "strips of {what}");
    assert!(!any || (&apart, &index) == (&squares, &first), "strips of {what}");
    assert!(any || fast.iter().chain(&apart).all(|d| *d == T::FAR), "strips of {what}");
}

#[test]
fn by_hand() {
    // . # # #      weights 2 and 3: along the upper row 4, 16, 36; the lower row has 9 under the corner, but its own end is background.
    // # # # .
    let mut out = [0u32; 8];
    assert!(squared(&[0, 1, 1, 1, 1, 1, 1, 0], [4, 2, 1], [2, 3, 5], &mut out));
    assert_eq!(out, [0, 4, 13, 9, 9, 13, 4, 0]);
    let mut index = [0, 1, 2, 3, 4, 5, 6, 7];
    assert!(nearest(&[0, 1, 1, 1, 1, 1, 1, 0], [4, 2, 1], [2, 3, 5], &mut out, &mut index));
    assert_eq!((out, index), ([0, 4, 13, 9, 9, 13, 4, 0], [0, 0, 7, 7, 0, 0, 7, 7]));
    // Ties go to the lowest index, before along z, then y, then x.
    let mut mask = [1u8; 27];
    [4, 10, 12, 14, 16, 22].iter().for_each(|i| mask[*i] = 0);
    let (mut out, mut index): (_, [usize; 27]) = ([0u32; 27], std::array::from_fn(|i| i));
    nearest(&mask, [3, 3, 3], [1, 1, 1], &mut out, &mut index);
    assert_eq!((out[13], index[13]), (1, 4));
    assert_eq!((out[0], index[0]), (2, 4));
    assert_eq!((out[26], index[26]), (2, 14));
    assert_eq!((out[9], index[9]), (1, 10));
}

#[test]
fn shapes_densities_and_weights_agree_with_every_pair() {
    for (seed, shape) in SHAPES.into_iter().enumerate() {
        for density in [0, 30, 128, 230, 250, 255, 256] {
            let mask = mask(shape, seed as u64, density);
            for weights in [[1, 1, 1], [7, 7, 25], [64, 25, 9]] {
                check::<u32>(&mask, shape, weights);
                check::<u64>(&mask, shape, weights);
            }
            let n = *shape.iter().max().unwrap() as u64;
            // The most that fits: three such diagonals below 2³¹ and 2⁶².
            check::<u32>(&mask, shape, [26_754 / n, 26_000 / n + 1, 26_754 / n]);
            check::<u64>(&mask, shape, [1_239_850_262 / n, 1_239_850_261 / n, 3]);
        }
    }
}

#[test]
fn far_background_goes_by_envelopes() {
    for shape in [[3, 600, 1], [2, 3, 520], [40, 270, 1], [600, 2, 2], [35, 2, 300]] {
        let voxels: usize = shape.iter().product();
        for alone in [vec![0], vec![voxels - 1], vec![voxels / 2, voxels / 2 + 1], vec![1, voxels / 3, voxels - 2]] {
            let mut mask = vec![1; voxels];
            alone.iter().for_each(|i| mask[*i] = 0);
            check::<u32>(&mask, shape, [1, 2, 3]);
            check::<u64>(&mask, shape, [500_000, 700_000, 600_001]);
        }
    }
    // Just as far as the search goes, one less, one more; lanes of which some go by envelopes.
    for reach in [249, 250, 251, 252] {
        let mut mask = vec![1u8; 33 * 600];
        (0..33).for_each(|x| mask[x] = 0);
        (0..33).for_each(|x| mask[(reach + 5 * x) * 33 + x] = 0);
        check::<u32>(&mask, [33, 600, 1], [1_000, 1, 1]);
    }
}

#[test]
fn distances_of_a_larger_mask_are_at_most_larger() {
    // Taking background away never makes anything nearer; a shift of the volume's content shifts the answer.
    let shape = [31, 17, 9];
    let mut less = mask(shape, 5, 200);
    let mut before = vec![0u32; less.len()];
    squared(&less, shape, [3, 4, 5], &mut before);
    less.iter_mut().enumerate().filter(|(i, _)| noise(*i as u64).is_multiple_of(3)).for_each(|(_, v)| *v = 1);
    let mut after = before.clone();
    squared(&less, shape, [3, 4, 5], &mut after);
    assert!(before.iter().zip(&after).all(|(a, b)| a <= b));
    // Twice the weights, four times the squares.
    let mut double = vec![0u64; less.len()];
    squared(&less, shape, [6, 8, 10], &mut double);
    assert!(after.iter().zip(&double).all(|(a, b)| 4 * u64::from(*a) == *b));
}

#[test]
fn threads_do_not_matter() {
    let shape = [70, 41, 23];
    let mask = mask(shape, 3, 252);
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let (mut out, mut d2, mut index) = (vec![0u32; mask.len()], vec![0u32; mask.len()], (0..mask.len()).collect::<Vec<_>>());
        pool.install(|| squared(&mask, shape, [7, 7, 25], &mut out));
        pool.install(|| nearest(&mask, shape, [7, 7, 25], &mut d2, &mut index));
        assert_eq!(out, d2);
        (out, index)
    };
    assert_eq!(run(1), run(5));
}

#[test]
#[should_panic(expected = "are too large")]
fn weights_that_do_not_fit_are_refused() {
    squared(&[1; 4], [2, 2, 1], [32_768, 32_768, 1], &mut [0u32; 4]);
}

#[test]
fn spacings_become_the_shortest_decimals() {
    let of = |spacing: [f64; 3]| Units::new(spacing, [256; 3]).unwrap();
    let single = |spacing: [f64; 3]| of(spacing.map(|mm| f64::from(mm as f32)));
    let weights = |units: Units| (units.weights, units.unit_mm, units.error, units.fits_u32());
    assert_eq!(weights(of([1.0; 3])), ([1; 3], 1.0, 0.0, true));
    assert_eq!(weights(single([0.7, 0.7, 2.5])), ([7, 7, 25], 0.1, 0.0, true));
    assert_eq!(weights(of([0.976_562_5, 0.976_562_5, 2.5])), ([25, 25, 64], 0.039_062_5, 0.0, true));
    assert_eq!(weights(of([2.0, 2.0, 2.0])), ([1; 3], 2.0, 0.0, true));
    assert_eq!(weights(single([0.1, 0.2, 0.3])), ([1, 2, 3], 0.1, 0.0, true));
    assert_eq!(weights(of([1e-3, 1000.0, 0.5])), ([1, 1_000_000, 500], 1e-3, 0.0, false));
    assert_eq!(weights(of([123.0, 1.0, 0.5])), ([246, 2, 1], 0.5, 0.0, false));
    // 0.00048828125: digits at the ninth place after the first.
    assert_eq!(of([0.000_488_281_25, 1.0, 1.0]).weights, [1, 2048, 2048]);
    // An axis of one voxel has no say and may have no spacing.
    let flat = Units::new([0.7, 0.7, 0.0], [512, 512, 1]).unwrap();
    assert_eq!((flat.weights, flat.unit_mm), ([1, 1, 0], 0.7f64));
    for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-60, 1e60] {
        assert_eq!(Units::new([1.0, wrong, 1.0], [2; 3]), None, "{wrong}");
    }
}

#[test]
fn too_long_decimals_get_a_coarser_unit_that_says_so() {
    let spacing = [0.937_499_9, 0.937_499_9, 1.200_000_2].map(|mm| f64::from(mm as f32));
    for shape in [[256; 3], [2048, 2048, 700], [3, 3, 3], [100_000, 100_000, 100_000]] {
        let units = Units::new(spacing, shape).unwrap();
        let off = |axis: usize| (units.weights[axis] as f64 * units.unit_mm / spacing[axis] - 1.0).abs();
        assert!((0..3).all(|axis| off(axis) <= units.error + 1e-7), "{units:?}");
        assert!(units.diagonal < 1 << 62);
        assert!(units.error < 1e-8 || shape[0] == 100_000 && units.error < 1e-6, "{units:?}");
        assert_eq!(units.error == 0.0, shape == [3; 3], "{units:?}");
    }
    let extreme = Units::new([1e-30, 1e30, 1.0], [3, 4, 5]).unwrap();
    assert!(extreme.weights.iter().all(|w| *w > 0) && extreme.error > 1.0, "{extreme:?}");
}

#[test]
fn millimetres_are_rounded_once() {
    let units = |mm: f64| Units::new([mm; 3], [2; 3]).unwrap();
    assert_eq!(units(1.0).millimetres(2), std::f32::consts::SQRT_2);
    assert_eq!(units(0.7).millimetres(0), 0.0);
    assert_eq!(units(0.7).millimetres(u64::MAX), f32::INFINITY);
    // 2²⁴ + 1 lies between two f32: to even, downwards; 2²⁴ + 3 upwards; a little above or below decides.
    let square = |n: u64| n * n;
    assert_eq!(units(1.0).millimetres(square(16_777_217)), 16_777_216.0);
    assert_eq!(units(1.0).millimetres(square(16_777_217) + 1), 16_777_218.0);
    assert_eq!(units(1.0).millimetres(square(16_777_219)), 16_777_220.0);
    assert_eq!(units(1.0).millimetres(square(16_777_219) - 1), 16_777_218.0);
    // The same through a unit that no binary number holds: 0.1 · 10 · (2²⁴ + 1).
    assert_eq!(units(0.1).millimetres(square(167_772_170)), 16_777_216.0);
    assert_eq!(units(0.1).millimetres(square(167_772_170) + 1), 16_777_218.0);
    assert_eq!(units(0.1).millimetres(square(167_772_190)), 16_777_220.0);
    // Squares: 3² · 0.7² lies between two f32, 4.41 nearest to it; a square that stands exactly between two goes to the even one.
    assert_eq!(units(0.7).square_millimetres(9), 4.41);
    assert_eq!(units(1.0).square_millimetres(16_777_217), 16_777_216.0);
    assert_eq!(units(1.0).square_millimetres(16_777_219), 16_777_220.0);
    assert_eq!(units(0.1).square_millimetres(1_677_721_700), 16_777_216.0);
    assert_eq!(units(0.1).square_millimetres(1_677_721_701), 16_777_218.0);
    assert_eq!((units(0.1).square_millimetres(0), units(0.1).square_millimetres(u64::MAX)), (0.0, f32::INFINITY));
    // Denormals and the largest.
    assert_eq!(units(1e-42).millimetres(1), 1e-42);
    assert_eq!(units(3e38).millimetres(1), 3e38);
    assert_eq!(units(3e38).millimetres(4), f32::INFINITY);
    // Against sixteen digits more than f64, by whole numbers: (2 n + 1)² d² and (2 r)² below 2⁶⁴ around the rounded value.
    for d2 in (0..200_000u64).step_by(37) {
        let mm = f64::from(units(0.7).millimetres(d2));
        let (below, above) = (f64::from((mm as f32).next_down()), f64::from((mm as f32).next_up()));
        let want = (d2 as f64).sqrt() * 0.7;
        assert!((want - mm).abs() <= (want - below).abs() && (want - mm).abs() <= (want - above).abs(), "{d2}");
    }
}

#[test]
fn ties_are_found_without_avx2_as_well() {
    // Keys of distance and index in one number: the least key, to the last bit.
    let keys: Vec<u64> =
        (0..300 * 20).map(|i| if noise(i).is_multiple_of(50) { ((noise(i) % 9) << 32) | i } else { u64::FAR }).collect();
    let (mut fast, mut portable) = (keys.clone(), keys.clone());
    search::Ties::search_ties(&mut fast.chunks_mut(20).collect::<Vec<&mut [u64]>>(), 1 << 16);
    columns::search(&mut portable.chunks_mut(20).collect::<Vec<_>>(), 1 << 16, columns::outwards::<u64, 16, true>);
    let least = |lane: usize, y: u64| (0..300).map(|at| keys[at as usize * 20 + lane] + (y.abs_diff(at).pow(2) << 32)).min();
    for (i, key) in fast.iter().enumerate() {
        assert_eq!(Some(*key), least(i % 20, i as u64 / 20), "{i}");
    }
    assert_eq!(fast, portable);
}

/// Rows of whole words, as the GPU takes them.
fn packed(mask: &[u8], nx: usize) -> Vec<u64> {
    let mut words = vec![0; nx.div_ceil(64) * (mask.len() / nx)];
    mask.chunks_exact(nx).zip(words.chunks_exact_mut(nx.div_ceil(64))).for_each(|(row, words)| u8::pack(row, words));
    words
}

#[track_caller]
fn check_on_gpu<T: Searched>(gpu: &Gpu, mask: &[u8], shape: [usize; 3], weights: [u64; 3]) {
    let (mut want, mut got) = (vec![T::default(); mask.len()], vec![T::default(); mask.len()]);
    if !squared(mask, shape, weights, &mut want) {
        want.fill(T::FAR);
    }
    run(gpu, &packed(mask, shape[0]), shape.map(|n| n as u32), weights, &mut got).unwrap();
    assert_same(&format!("{} bytes, {shape:?}, {weights:?}", size_of::<T>()), &got, &want);
}

#[test]
fn gpu_and_cpu_agree_over_awkward_shapes() {
    let Some(gpu) = gpu() else { return };
    let long = [[64, 5, 3], [65, 4, 3], [129, 3, 2], [3, 300, 1], [2, 2, 400], [1500, 2, 1]];
    for (seed, shape) in SHAPES.into_iter().chain(long).enumerate() {
        for density in [0, 128, 250, 255, 256] {
            let mask = mask(shape, 40 + seed as u64, density);
            let n = *shape.iter().max().unwrap() as u64;
            check_on_gpu::<u32>(gpu, &mask, shape, [7, 7, 25]);
            check_on_gpu::<u64>(gpu, &mask, shape, [7, 7, 25]);
            // The most that fits, and what carries from the lower word into the upper one.
            check_on_gpu::<u32>(gpu, &mask, shape, [26_754 / n, 26_000 / n + 1, 26_754 / n]);
            check_on_gpu::<u64>(gpu, &mask, shape, [1_239_850_262 / n, 1_239_850_261 / n, 65_537]);
        }
    }
    // A single background voxel far away: words of foreground in between, both ways.
    for at in [0, 31, 32, 63, 64, 199] {
        let mut mask = vec![1u8; 200 * 3 * 2];
        mask[at] = 0;
        check_on_gpu::<u32>(gpu, &mask, [200, 3, 2], [1, 2, 3]);
    }
}

#[test]
fn few_groups_leave_no_voxel_unwritten() {
    let Some(shared) = gpu() else { return };
    let capped = Gpu::from_device(shared.device().clone(), shared.queue().clone())
        .with_options(Options { max_groups: 1, ..Options::default() });
    let shape = [70, 9, 8];
    check_on_gpu::<u32>(&capped, &mask(shape, 1, 240), shape, [7, 7, 25]);
    check_on_gpu::<u64>(&capped, &mask(shape, 1, 240), shape, [7, 7, 25]);
}

#[test]
fn what_does_not_fit_is_refused() {
    let Some(gpu) = gpu() else { return };
    let refused =
        |shape, weights, bits: usize, out: usize| run(gpu, &vec![0; bits], shape, weights, &mut vec![0u32; out]).is_err();
    assert!(!refused([4, 4, 4], [1; 3], 16, 64));
    assert!(refused([4, 4, 4], [1; 3], 15, 64), "too few bits");
    assert!(refused([4, 4, 4], [1; 3], 16, 63), "too few results");
    assert!(refused([4, 4, 4], [1 << 14; 3], 16, 64), "too large squares");
    assert!(refused([(1 << 14) + 1, 1, 1], [1; 3], 257, (1 << 14) + 1), "too long an axis");
}
