//! Flood fills, voxel by voxel, and cases worked by hand.

use super::slab::Slab;
use super::*;
use crate::engine::{Brick, Gpu, GpuError, Options};
use crate::ops::bits::LabelType;
use crate::ops::testing::{assert_same, gpu, noise};

/// One voxel, lines along each axis, primes, one slice, around a word of bits, several words.
const SHAPES: [[usize; 3]; 15] = [
    [1, 1, 1],
    [9, 1, 1],
    [1, 9, 1],
    [1, 1, 9],
    [2, 2, 2],
    [17, 13, 1],
    [1, 13, 17],
    [7, 11, 5],
    [63, 3, 3],
    [64, 4, 3],
    [65, 3, 4],
    [130, 5, 6],
    [200, 3, 2],
    [3, 2, 23],
    [5, 5, 16],
];

const ALL: [Connectivity; 3] = [Connectivity::Faces, Connectivity::Edges, Connectivity::Corners];

/// Of 256 voxels so many are not 0, but one of `values` values.
fn voxels(shape: [usize; 3], seed: u64, density: u64, values: u64) -> Vec<u8> {
    let value = |n: u64| if n % 256 < density { (1 + (n >> 8) % values) as u8 } else { 0 };
    (0..shape.iter().product::<usize>() as u64).map(|i| value(noise(seed << 32 | i))).collect()
}

/// What the definition says and nothing else.
fn flood(voxels: &[u8], shape: [usize; 3], rules: Rules) -> (Vec<u32>, Vec<ComponentFacts>) {
    let far = match rules.connectivity {
        Connectivity::Faces => 1,
        Connectivity::Edges => 2,
        Connectivity::Corners => 3,
    };
    // None where there is nothing.
    let value = |i: usize| match rules.same {
        Same::NotZero => (voxels[i] != 0).then_some(1),
        Same::Label => (voxels[i] != 0).then_some(voxels[i]),
        Same::Zero => (voxels[i] == 0).then_some(1),
        Same::Value => Some(voxels[i]),
    };
    let place = |i: usize| [i % shape[0], i / shape[0] % shape[1], i / shape[0] / shape[1]];
    let (mut labels, mut table) = (vec![0; voxels.len()], Vec::new());
    for first in 0..voxels.len() {
        let Some(own) = value(first).filter(|_| labels[first] == 0) else { continue };
        let mut component = ComponentFacts { value: own.into(), ..ComponentFacts::EMPTY };
        component.first = first as u64;
        let label = table.len() as u32 + 1;
        labels[first] = label;
        let mut todo = vec![first];
        while let Some(i) = todo.pop() {
            let at = place(i);
            component.voxels += 1;
            for (axis, n) in at.into_iter().enumerate() {
                component.low[axis] = component.low[axis].min(n as u32);
                component.high[axis] = component.high[axis].max(n as u32);
                component.sums[axis] += n as u64;
            }
            for step in 0..27 {
                let by = [step % 3 - 1, step / 3 % 3 - 1, step / 9 - 1];
                let next: Vec<i64> = (0..3).map(|axis| at[axis] as i64 + by[axis]).collect();
                let inside = (0..3).all(|axis| (0..shape[axis] as i64).contains(&next[axis]));
                if !inside || by.iter().map(|n| n.abs()).sum::<i64>() > far {
                    continue;
                }
                let j = (next[2] as usize * shape[1] + next[1] as usize) * shape[0] + next[0] as usize;
                if labels[j] == 0 && value(j) == Some(own) {
                    labels[j] = label;
                    todo.push(j);
                }
            }
        }
        table.push(component);
    }
    (labels, table)
}

fn in_slabs<T: LabelType>(voxels: &[T], shape: [usize; 3], rules: Rules, runs: Runs, height: usize) -> Numbered {
    let mut components = Components::new(shape, rules, runs);
    voxels.chunks(height * shape[0] * shape[1]).for_each(|slab| components.add_slab(slab).unwrap());
    components.finish()
}

/// Every way to the same answer.
#[track_caller]
fn check(voxels: &[u8], shape: [usize; 3], rules: Rules) {
    let what = format!("{shape:?} {rules:?}");
    let (labels, table) = flood(voxels, shape, rules);
    let mut out = vec![u32::MAX; voxels.len()];
    let labelled = label(voxels, shape, rules, &mut out).unwrap();
    assert_eq!((&out, labelled.table()), (&labels, &table[..]), "{what}");
    assert_eq!(labelled.labels::<u32>(), labels, "a new array of {what}");
    let narrow: Vec<u16> = labels.iter().map(|label| *label as u16).collect();
    assert_eq!(labelled.labels::<u16>(), narrow, "labels of 16 bits of {what}");
    let wide: Vec<u32> = voxels.iter().map(|v| u32::from(*v) << 24).collect();
    let middle: Vec<u16> = voxels.iter().map(|v| u16::from(*v) << 8).collect();
    label(&wide, shape, rules, &mut out).unwrap();
    assert_eq!(out, labels, "u32 {what}");
    label(&middle, shape, rules, &mut out).unwrap();
    assert_eq!(out, labels, "u16 {what}");
    // Slabs of one slice, of an odd number, of all but one; their runs kept, or found again in the same slabs or several at once.
    let slice = shape[0] * shape[1];
    for height in [1, 2, 7, shape[2].saturating_sub(1).max(1)] {
        let kept = in_slabs(voxels, shape, rules, Runs::Kept, height);
        assert_eq!(kept.table(), &table[..], "slabs of {height}, {what}");
        for z in 0..shape[2] {
            let end = (z + 3).min(shape[2]);
            let part = &mut out[z * slice..end * slice];
            part.fill(u32::MAX);
            kept.write_labels(z..end, part);
            assert_eq!(part, &labels[z * slice..end * slice], "slices from {z}, slabs of {height}, {what}");
        }
        let mut forgotten = in_slabs(voxels, shape, rules, Runs::Forgotten, height);
        assert_eq!(forgotten.table(), &table[..], "slabs of {height}, {what}");
        for (i, slab) in voxels.chunks(2 * height * slice).enumerate() {
            let z = 2 * height * i;
            forgotten.restore(z, slab);
            let part = &mut out[z * slice..][..slab.len()];
            part.fill(u32::MAX);
            forgotten.write_labels(z..z + slab.len() / slice, part);
            forgotten.forget();
        }
        assert_eq!(out, labels, "restored, slabs of {height}, {what}");
    }
    // Without the instructions that count ones.
    let (slab, own) = Slab::new_portable(voxels, [shape[0], shape[1]], 0..shape[2], rules);
    let (fast, same) = Slab::new(voxels, [shape[0], shape[1]], 0..shape[2], rules);
    assert_eq!((slab.component, own), (fast.component, same), "portable {what}");
}

#[test]
fn by_hand() {
    // # . #    Upper slice; below it one voxel, under the empty middle of the second row.
    // . . #
    // # . .
    let mask = [1u8, 0, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0];
    let of = |connectivity| {
        let mut out = [0; 18];
        let labelled = label(&mask, [3, 3, 2], Rules::mask(connectivity), &mut out).unwrap();
        (out, labelled.table().to_vec())
    };
    assert_eq!(of(Connectivity::Faces).0, [1, 0, 2, 0, 0, 2, 3, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0]);
    assert_eq!(of(Connectivity::Edges).0, [1, 0, 2, 0, 0, 2, 3, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0]);
    let (labels, table) = of(Connectivity::Corners);
    assert_eq!(labels, mask.map(u32::from));
    let all = ComponentFacts { voxels: 5, first: 0, low: [0; 3], high: [2, 2, 1], sums: [5, 4, 1], value: 1 };
    assert_eq!(table, [all]);
    // A group's first run need not have the first voxel: row 0 begins at x = 4, row 1, of the same group, at x = 0.
    let mut out = [0; 10];
    label(&[0u8, 0, 0, 0, 1, 1, 0, 0, 0, 0], [5, 2, 1], Rules::mask(Connectivity::Corners), &mut out).unwrap();
    assert_eq!(out, [0, 0, 0, 0, 1, 2, 0, 0, 0, 0]);
    // Values apart.
    let mut out = [0; 6];
    let labelled = label(&[7u16, 7, 9, 9, 7, 9], [3, 2, 1], Rules::labels(Connectivity::Corners), &mut out).unwrap();
    assert_eq!(out, [1, 1, 2, 3, 1, 2]);
    assert_eq!(labelled.table().iter().map(|c| (c.value, c.voxels)).collect::<Vec<_>>(), [(7, 3), (9, 2), (9, 1)]);
}

#[test]
fn masks_of_all_shapes_and_densities_agree_with_flood_fills() {
    for (seed, shape) in SHAPES.into_iter().enumerate() {
        for density in [0, 8, 40, 80, 128, 200, 250, 256] {
            let mask = voxels(shape, seed as u64, density, 3);
            for connectivity in ALL {
                check(&mask, shape, Rules::mask(connectivity));
                check(&mask, shape, Rules { connectivity, same: Same::Zero });
            }
        }
    }
}

#[test]
fn labels_of_all_shapes_and_densities_agree_with_flood_fills() {
    for (seed, shape) in SHAPES.into_iter().enumerate() {
        for (density, values) in [(0, 1), (80, 2), (200, 2), (256, 1), (256, 2), (256, 5)] {
            let voxels = voxels(shape, seed as u64, density, values);
            for connectivity in ALL {
                check(&voxels, shape, Rules::labels(connectivity));
                check(&voxels, shape, Rules { connectivity, same: Same::Value });
            }
        }
    }
}

fn on_gpu(gpu: &Gpu, voxels: &[u8], shape: [usize; 3], rules: Rules, effort: Effort) -> Result<(Vec<u32>, u32), GpuError> {
    let keys: Vec<u32> = voxels.iter().map(|v| u32::from(*v)).collect();
    let buffer = gpu.storage_with("test", bytemuck::cast_slice(&keys), 64)?;
    let (labels, count) = run(gpu, &Brick::in_buffer(shape.map(|n| n as u32), buffer, 32)?, rules, effort)?;
    Ok((bytemuck::pod_collect_to_vec(&gpu.download("test", &labels.buffer, 4 * keys.len() as u64)?), count))
}

#[track_caller]
fn check_on_gpu(gpu: &Gpu, voxels: &[u8], shape: [usize; 3], rules: Rules, effort: Effort) {
    let (got, count) = on_gpu(gpu, voxels, shape, rules, effort).unwrap();
    let mut want = vec![0; voxels.len()];
    let found = label(voxels, shape, rules, &mut want).unwrap();
    assert_same(&format!("{shape:?} {rules:?} {effort:?}"), &got, &want);
    assert_eq!(count as usize, found.table().len(), "{shape:?} {rules:?}");
}

#[test]
fn gpu_and_cpu_label_alike() {
    let Some(gpu) = gpu() else { return };
    for (seed, shape) in SHAPES.into_iter().chain([[67, 11, 7], [33, 5, 3], [64, 8, 4]]).enumerate() {
        for (density, values) in [(0, 1), (90, 2), (240, 2)] {
            let voxels = voxels(shape, seed as u64, density, values);
            for (i, connectivity) in ALL.into_iter().enumerate() {
                for (j, same) in [Same::NotZero, Same::Label, Same::Zero, Same::Value].into_iter().enumerate() {
                    // Every pair of them over every few shapes.
                    if (seed + i + j) % 2 == 0 {
                        continue;
                    }
                    check_on_gpu(gpu, &voxels, shape, Rules { connectivity, same }, Effort::default());
                }
            }
        }
    }
}

/// Rows joined at alternating ends, slices at alternating corners: the farthest way from voxel to voxel.
fn snake(shape: [usize; 3]) -> Vec<u8> {
    let is_on = |x: usize, y: usize, z: usize| match (y % 2, z % 2) {
        (0, 0) => true,
        (1, 0) => x == if y % 4 == 1 { shape[0] - 1 } else { 0 },
        _ => [x, y] == if z % 4 == 1 { [0, shape[1] - 1] } else { [0, 0] },
    };
    let place = |i: usize| (i % shape[0], i / shape[0] % shape[1], i / shape[0] / shape[1]);
    (0..shape.iter().product()).map(place).map(|(x, y, z)| u8::from(is_on(x, y, z))).collect()
}

#[test]
fn long_ways_take_more_rounds_of_few_steps_and_end_the_same() {
    let Some(gpu) = gpu() else { return };
    for shape in [[70, 9, 8], [333, 33, 1]] {
        for (mask, connectivity) in
            [snake(shape), voxels(shape, 3, 90, 1)].iter().zip([Connectivity::Faces, Connectivity::Corners])
        {
            for effort in [Effort::default(), Effort { rounds: 64, steps: 100 }, Effort { rounds: 64, steps: 60 }] {
                check_on_gpu(gpu, mask, shape, Rules::mask(connectivity), effort);
            }
        }
    }
}

#[test]
fn a_device_that_cannot_finish_says_so() {
    let Some(gpu) = gpu() else { return };
    let shape = [70, 9, 8];
    let gave_up = on_gpu(gpu, &snake(shape), shape, Rules::mask(Connectivity::Faces), Effort { rounds: 6, steps: 1 });
    assert!(matches!(gave_up, Err(GpuError::Unfinished { rounds: 6, .. })), "{gave_up:?}");
}

#[test]
fn few_groups_leave_no_voxel_unlabelled() {
    let Some(shared) = gpu() else { return };
    let capped = Gpu::from_device(shared.device().clone(), shared.queue().clone())
        .with_options(Options { max_groups: 1, ..Options::default() });
    let shape = [70, 9, 8];
    check_on_gpu(&capped, &voxels(shape, 5, 100, 2), shape, Rules::labels(Connectivity::Edges), Effort::default());
}

#[test]
fn more_voxels_than_blocks_of_one_workgroup() {
    // 70 blocks of the least size, and so many voxels that blocks are two tiles of a workgroup each.
    let Some(gpu) = gpu() else { return };
    for shape in [[131, 137, 1], [131, 137, 61]] {
        check_on_gpu(gpu, &voxels(shape, 6, 40, 1), shape, Rules::mask(Connectivity::Faces), Effort::default());
    }
}

#[test]
fn labels_of_another_size_are_refused() {
    let Some(gpu) = gpu() else { return };
    let brick = |shape, bits| Brick::empty(gpu, shape, bits).unwrap();
    let (from, mut encoder) = (brick([4, 4, 4], 8), gpu.encoder());
    let trees = GpuTrees::new(gpu, &from, Rules::mask(Connectivity::Faces), Effort { rounds: 2, steps: 100 }).unwrap();
    assert!(trees.encode_rounds(gpu, &mut encoder, &from, 1..3).is_err(), "too many rounds");
    assert!(trees.encode_rounds(gpu, &mut encoder, &brick([4, 4, 3], 8), 0..1).is_err(), "another brick");
    assert!(trees.encode_numbers(gpu, &mut encoder, &from, &brick([4, 4, 3], 32)).is_err(), "other labels");
    assert!(trees.encode_numbers(gpu, &mut encoder, &from, &brick([4, 4, 4], 16)).is_err(), "narrow labels");
}

#[test]
fn a_snake_through_all_rows_is_one() {
    let shape = [70, 9, 8];
    let mask = snake(shape);
    ALL.iter().for_each(|connectivity| check(&mask, shape, Rules::mask(*connectivity)));
    let (_, table) = flood(&mask, shape, Rules::mask(Connectivity::Faces));
    assert_eq!(table.len(), 1);
}

#[test]
fn runs_of_long_rows_become_lists_and_are_smaller() {
    let shape = [1000, 20, 30];
    let mask: Vec<u8> = (0..600_000).map(|i| u8::from((300..700).contains(&(i % 1000)))).collect();
    let kept = in_slabs(&mask, shape, Rules::mask(Connectivity::Corners), Runs::Kept, 4);
    assert!(kept.bytes() < 600 * 16 + 4096, "{}", kept.bytes());
    let mut out = vec![7; mask.len()];
    kept.write_labels(0..30, &mut out);
    assert!(out.iter().zip(&mask).all(|(label, voxel)| *label == u32::from(*voxel)));
    let forgotten = in_slabs(&mask, shape, Rules::mask(Connectivity::Corners), Runs::Forgotten, 4);
    assert!(forgotten.bytes() < 1000);
}

#[test]
fn threads_do_not_matter() {
    let shape = [257, 129, 90];
    let mask = voxels(shape, 9, 60, 1);
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut out = vec![0; mask.len()];
        let table = pool.install(|| label(&mask, shape, Rules::mask(Connectivity::Faces), &mut out)).unwrap().table().to_vec();
        (out, table)
    };
    assert_eq!(run(1), run(5));
}

#[test]
fn the_largest_stay_and_small_ones_go() {
    // Sizes 1 3 2 3 1 along a line.
    let mask = [1u8, 0, 1, 1, 1, 0, 1, 1, 0, 1, 1, 1, 0, 1];
    let of = |change: &dyn Fn(&mut Numbered)| {
        let mut out = [0; 14];
        let mut labelled = label(&mask, [14, 1, 1], Rules::mask(Connectivity::Faces), &mut out).unwrap();
        change(&mut labelled);
        labelled.write_labels(0..1, &mut out);
        (out, labelled.table().iter().map(|c| c.voxels).collect::<Vec<_>>())
    };
    assert_eq!(of(&|all| all.keep_largest(1)), ([0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0], vec![3]));
    assert_eq!(of(&|all| all.keep_largest(3)), ([0, 0, 1, 1, 1, 0, 2, 2, 0, 3, 3, 3, 0, 0], vec![3, 2, 3]));
    assert_eq!(of(&|all| all.keep_largest(4)), ([1, 0, 2, 2, 2, 0, 3, 3, 0, 4, 4, 4, 0, 0], vec![1, 3, 2, 3]));
    assert_eq!(of(&|all| all.keep_largest(0)), ([0; 14], vec![]));
    assert_eq!(of(&|all| all.keep_largest(99)).1, [1, 3, 2, 3, 1]);
    assert_eq!(of(&|all| all.remove_small(3)), ([0, 0, 1, 1, 1, 0, 0, 0, 0, 2, 2, 2, 0, 0], vec![3, 3]));
    assert_eq!(of(&|all| all.remove_small(0)).1, [1, 3, 2, 3, 1]);
    assert_eq!(of(&|all| drop(all.order_by_size())), ([4, 0, 1, 1, 1, 0, 3, 3, 0, 2, 2, 2, 0, 5], vec![3, 3, 2, 1, 1]));
    // One after the other.
    assert_eq!(of(&|all| (all.order_by_size(), all.keep_largest(2)).1), ([0, 0, 1, 1, 1, 0, 0, 0, 0, 2, 2, 2, 0, 0], vec![3, 3]));
}

#[test]
#[should_panic(expected = "were forgotten")]
fn forgotten_runs_are_not_written() {
    in_slabs(&[1u8; 8], [2, 2, 2], Rules::mask(Connectivity::Faces), Runs::Forgotten, 1).write_labels(0..2, &mut [0u32; 8]);
}

#[test]
#[should_panic(expected = "slices are missing")]
fn all_slices_are_asked_for() {
    let mut components = Components::new([2, 2, 2], Rules::mask(Connectivity::Faces), Runs::Kept);
    components.add_slab(&[1u8; 4]).unwrap();
    components.finish();
}
