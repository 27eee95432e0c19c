//! Holes and markers, against flood fills of each label by itself.

use super::*;
use crate::ops::testing::{assert_same, noise};

const SHAPES: [[usize; 3]; 9] =
    [[1, 1, 1], [9, 1, 1], [1, 1, 9], [17, 13, 1], [1, 13, 17], [7, 11, 5], [65, 6, 4], [9, 9, 9], [5, 5, 16]];

/// Of 256 voxels so many are not 0, but one of `values` values.
fn voxels(shape: [usize; 3], seed: u64, density: u64, values: u64) -> Vec<u8> {
    let value = |n: u64| if n % 256 < density { (1 + (n >> 8) % values) as u8 } else { 0 };
    (0..shape.iter().product::<usize>() as u64).map(|i| value(noise(seed << 32 | i))).collect()
}

/// What hangs together with `start` among voxels that are `on`: neighbours differ in so many coordinates at most. And whether it reaches the border.
fn flood(shape: [usize; 3], start: usize, differ: i64, on: impl Fn(usize) -> bool) -> (Vec<usize>, bool) {
    let (mut seen, mut all, mut todo, mut reaches) = (vec![false; shape.iter().product()], vec![], vec![start], false);
    seen[start] = true;
    let axes = if shape[2] == 1 { 2 } else { 3 };
    while let Some(i) = todo.pop() {
        all.push(i);
        let at = [i % shape[0], i / shape[0] % shape[1], i / shape[0] / shape[1]];
        reaches |= (0..axes).any(|a| at[a] == 0 || at[a] + 1 == shape[a]);
        for step in 0..27 {
            let by = [step % 3 - 1, step / 3 % 3 - 1, step / 9 - 1];
            let next: Vec<i64> = (0..3).map(|a| at[a] as i64 + by[a]).collect();
            if by.iter().map(|n| n.abs()).sum::<i64>() <= differ && (0..3).all(|a| (0..shape[a] as i64).contains(&next[a])) {
                let j = (next[2] as usize * shape[1] + next[1] as usize) * shape[0] + next[0] as usize;
                if on(j) && !std::mem::replace(&mut seen[j], true) {
                    todo.push(j);
                }
            }
        }
    }
    (all, reaches)
}

/// For each voxel of the background the label in whose smallest hole it lies.
fn filled(labels: &[u8], shape: [usize; 3]) -> Vec<u8> {
    let mut out = labels.to_vec();
    let mut smallest = vec![usize::MAX; labels.len()];
    for label in 1..=*labels.iter().max().unwrap() {
        let mut seen = vec![false; labels.len()];
        for start in 0..labels.len() {
            if labels[start] == label || seen[start] || !labels.contains(&label) {
                continue;
            }
            let (hole, reaches) = flood(shape, start, 1, |i| labels[i] != label);
            hole.iter().for_each(|i| seen[*i] = true);
            for i in hole.iter().filter(|i| !reaches && labels[**i] == 0) {
                if hole.len() < smallest[*i] {
                    (smallest[*i], out[*i]) = (hole.len(), label);
                }
            }
        }
    }
    out
}

#[track_caller]
fn check(labels: &[u8], shape: [usize; 3]) {
    let want = filled(labels, shape);
    let mut got = labels.to_vec();
    let said = fill(&mut got, shape).unwrap();
    assert_same(&format!("{shape:?}"), &got, &want);
    let changed = got.iter().zip(labels).filter(|(a, b)| a != b).count();
    assert_eq!(said.voxels, changed as u64, "{shape:?}");
    assert!((said.holes == 0) == (changed == 0) && said.holes <= said.voxels);
    // The same in wider types, of one label among others that none has.
    let mut wide: Vec<u32> = labels.iter().map(|v| u32::from(*v) << 24).collect();
    fill(&mut wide, shape).unwrap();
    assert_same(&format!("u32 {shape:?}"), &wide, &want.iter().map(|v| u32::from(*v) << 24).collect::<Vec<_>>());
    // The components of all values, where those of the background are enough, and by slabs.
    for height in [1, 2, 5] {
        let mut components = Components::new(shape, Rules { connectivity: Connectivity::Faces, same: Same::Value }, Runs::Kept);
        labels.chunks(height * shape[0] * shape[1]).for_each(|slab| components.add_slab(slab).unwrap());
        let numbered = components.finish();
        let values = hole_values(&numbered, 0);
        assert_eq!(FilledHoles::of(&numbered, &values), said, "slabs of {height}, {shape:?}");
        let mut got = labels.to_vec();
        for z in 0..shape[2] {
            numbered.runs_of(z, |y, start, end, label| {
                let row = (z * shape[1] + y) * shape[0];
                let value = values[label as usize - 1];
                got[row + start..row + end].iter_mut().filter(|_| value != 0).for_each(|v| *v = value as u8);
            });
        }
        assert_same(&format!("slabs of {height}, {shape:?}"), &got, &want);
    }
}

#[test]
fn by_hand() {
    // A ring of 7 around a ring of 9 around nothing; a gap between them; beside it 7 and 9 together around nothing.
    let before = [
        "..............",
        ".7777777..777.",
        ".7.....7..7.9.",
        ".7.999.7..999.",
        ".7.9.9.7......",
        ".7.999.7.5555.",
        ".7..8..7.5..5.",
        ".7777777.5.6..",
        ".........5555.",
        "..............",
    ];
    let behind = [
        "..............",
        ".7777777..777.",
        ".7777777..7.9.",
        ".7799977..999.",
        ".7799977......",
        ".7799977.5555.",
        ".7778777.5..5.",
        ".7777777.5.6..",
        ".........5555.",
        "..............",
    ];
    let read = |rows: &[&str]| -> Vec<u8> { rows.concat().bytes().map(|b| if b == b'.' { 0 } else { b - b'0' }).collect() };
    let mut labels = read(&before);
    let said = fill(&mut labels, [14, 10, 1]).unwrap();
    assert_eq!(labels, read(&behind));
    assert_eq!(said, FilledHoles { holes: 2, voxels: 16 });
    check(&read(&before), [14, 10, 1]);
    // In a volume a ring has no hole, not even in its middle slice; slice by slice it has.
    let three = read(&before).repeat(3);
    let mut volume = three.clone();
    assert_eq!(fill(&mut volume, [14, 10, 3]).unwrap(), FilledHoles::default());
    assert_eq!(volume, three);
    assert_eq!(fill_slices(&mut volume, [14, 10, 3]).unwrap(), FilledHoles { holes: 6, voxels: 48 });
    assert_eq!(volume, read(&behind).repeat(3));
    // A mask is filled with its own value, whatever it is.
    let mut mask = [255u8, 255, 255, 255, 0, 255, 255, 255, 255];
    fill(&mut mask, [3, 3, 1]).unwrap();
    assert_eq!(mask, [255; 9]);
}

#[test]
fn masks_and_labels_of_all_shapes_and_densities() {
    for (seed, shape) in SHAPES.into_iter().enumerate() {
        for (density, values) in
            [(0, 1), (128, 1), (190, 1), (230, 1), (256, 1), (200, 2), (230, 3), (245, 2), (250, 5), (256, 4)]
        {
            check(&voxels(shape, seed as u64, density, values), shape);
        }
    }
}

#[test]
fn shells_in_shells_of_many_labels() {
    // Distance from the middle, cut in shells of any label, some of them 0, with a few gaps.
    for seed in 0..20 {
        let shape = [21, 19, 17];
        let labels: Vec<u8> = (0..shape.iter().product::<usize>())
            .map(|i| {
                let at = [i % shape[0], i / shape[0] % shape[1], i / shape[0] / shape[1]];
                let far = (0..3).map(|a| (at[a] as i64 - shape[a] as i64 / 2).unsigned_abs()).max().unwrap();
                let own = noise(seed << 32 | far) % 5;
                let gap = noise(seed << 32 | 1000 | (i as u64) << 12);
                if gap.is_multiple_of(400) { (gap >> 20) as u8 % 5 } else { own as u8 }
            })
            .collect();
        check(&labels, shape);
    }
}

#[test]
fn slices_are_pictures() {
    let shape = [17, 13, 6];
    for values in [1, 3] {
        let labels = voxels(shape, 5, 215, values);
        let mut got = labels.clone();
        let said = fill_slices(&mut got, shape).unwrap();
        let mut want = FilledHoles::default();
        for (got, slice) in got.chunks(17 * 13).zip(labels.chunks(17 * 13)) {
            let mut one = slice.to_vec();
            want = want.and(fill(&mut one, [17, 13, 1]).unwrap());
            assert_eq!(got, one);
            assert_eq!(one, filled(slice, [17, 13, 1]));
        }
        assert_eq!(said, want);
    }
}

#[test]
fn reconstruction_keeps_components_with_a_marker() {
    for (seed, shape) in SHAPES.into_iter().enumerate() {
        for (differ, connectivity) in (1..).zip([Connectivity::Faces, Connectivity::Edges, Connectivity::Corners]) {
            let (mask, marker) = (voxels(shape, seed as u64, 100, 4), voxels(shape, 77, 10, 2));
            let mut want = vec![0; mask.len()];
            for start in (0..mask.len()).filter(|i| mask[*i] != 0 && marker[*i] != 0) {
                flood(shape, start, differ, |i| mask[i] != 0).0.into_iter().for_each(|i| want[i] = mask[i]);
            }
            let mut got = mask.clone();
            let kept = reconstruct(&mut got, &marker, shape, connectivity).unwrap();
            assert_same(&format!("{shape:?} {connectivity:?}"), &got, &want);
            // By slabs, markers as well.
            let mut components = Components::new(shape, Rules::mask(connectivity), Runs::Kept);
            mask.chunks(2 * shape[0] * shape[1]).for_each(|slab| components.add_slab(slab).unwrap());
            let numbered = components.finish();
            let mut marked = vec![false; numbered.table().len()];
            let slab = 3 * shape[0] * shape[1];
            marker.chunks(slab).enumerate().for_each(|(i, marker)| numbered.mark(3 * i, marker, &mut marked));
            assert_eq!(marked.iter().filter(|m| **m).count(), kept);
            let first = |facts: &ComponentFacts| want[facts.first as usize] != 0;
            assert_eq!(marked, numbered.table().iter().map(first).collect::<Vec<_>>());
        }
    }
}
