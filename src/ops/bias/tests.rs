use super::*;
use crate::analysis::tissue::{BlockGrid, BlockSums, LevelGaussian, LevelSpace, MOST_NODE, NODES_PER_NAT};
use crate::ops::hmrf::{Energies, FaceWeights, OUTSIDE, SoftWeights, sweep};
use crate::ops::testing::{Draws, assert_same};

const CASES: [([usize; 3], [f64; 3]); 5] = [
    ([1, 1, 1], [1.0; 3]),
    ([40, 3, 1], [1.0, 1.0, 1.0]),
    ([17, 20, 9], [2.0, 2.0, 2.0]),
    ([20, 18, 7], [1.0, 1.0, 6.0]),
    ([9, 33, 12], [0.5, 3.0, 9.0]),
];

/// The field at a voxel from the formula: nodes in the middles of blocks, mixed by distance.
fn expected(nodes: &[i32], grid: &BlockGrid, place: [usize; 3]) -> f64 {
    let mut sum = 0.0;
    let axis = |a: usize| {
        let side = f64::from(1u32 << grid.shift[a]);
        let at = ((place[a] as f64 + 0.5) / side - 0.5).clamp(0.0, (grid.blocks[a] - 1) as f64);
        (at.floor() as usize, at - at.floor())
    };
    let all = [axis(0), axis(1), axis(2)];
    for corner in 0..8usize {
        let mut weight = 1.0;
        let mut node = [0; 3];
        for a in 0..3 {
            let second = corner >> a & 1;
            weight *= if second == 1 { all[a].1 } else { 1.0 - all[a].1 };
            node[a] = (all[a].0 + second).min(grid.blocks[a] - 1);
        }
        sum += weight * f64::from(nodes[(node[2] * grid.blocks[1] + node[1]) * grid.blocks[0] + node[0]]);
    }
    sum
}

#[test]
fn blocks_are_as_long_as_they_are_told() {
    assert_eq!(BlockGrid::new([91, 109, 91], [2.0; 3], 8.0).shift, [2; 3]);
    assert_eq!(BlockGrid::new([9, 9, 9], [1.0, 0.4, 6.0], 8.0).shift, [3, 3, 0]);
    assert_eq!(BlockGrid::new([9, 9, 9], [0.1, 4.0, 4.1], 8.0).shift, [3, 1, 0]);
    assert_eq!(BlockGrid::new([9, 17, 5], [1.0, 1.0, 9.0], 8.0).blocks, [2, 3, 5]);
}

#[test]
fn fields_lie_between_their_nodes() {
    let mut noise = Draws::new(1);
    for (shape, spacing) in CASES {
        let grid = BlockGrid::new(shape, spacing, 8.0);
        let nodes: Vec<i32> = (0..grid.len()).map(|_| noise.below(2 * MOST_NODE as u64 + 1) as i32 - MOST_NODE).collect();
        let working: Vec<u16> = (0..shape.iter().product())
            .map(|_| if noise.below(5) == 0 { OUTSIDE } else { noise.below(1 << 14) as u16 })
            .collect();
        let mut levels = vec![7; working.len()];
        correct((&working, 0), (&nodes, &grid), (LevelSpace::One, 0), &mut levels);
        // Slices by themselves, and two channels of 8 bits.
        let (slice, mut apart, mut both) = (shape[0] * shape[1], vec![7; working.len()], vec![7; working.len()]);
        for z in 0..shape[2] {
            let own = z * slice..(z + 1) * slice;
            correct((&working[own.clone()], z), (&nodes, &grid), (LevelSpace::One, 0), &mut apart[own.clone()]);
            (0..2).for_each(|channel| {
                correct((&working[own.clone()], z), (&nodes, &grid), (LevelSpace::Two, channel), &mut both[own.clone()]);
            });
        }
        assert_same(&format!("slices of {shape:?}"), &apart, &levels);
        let mut field = vec![0; shape[0] * shape[1]];
        for z in 0..shape[2] {
            log_field((&nodes, &grid), z, &mut field);
            for y in 0..shape[1] {
                for x in 0..shape[0] {
                    let (b, at) = (field[y * shape[0] + x], (z * shape[1] + y) * shape[0] + x);
                    let want = expected(&nodes, &grid, [x, y, z]);
                    // Ties may be rounded either way by floats.
                    assert!((f64::from(b) - want).abs() <= 0.5 + 1e-6, "{b} for {want} at {x} {y} {z} of {shape:?}");
                    let gain = (16384.0 * libm::exp(-f64::from(b) / NODES_PER_NAT)).round() as u64;
                    let level = ((u64::from(working[at]) * gain + (1 << 17)) >> 18).min(1023) as u16;
                    assert_eq!(levels[at], if working[at] == OUTSIDE { OUTSIDE } else { level });
                    let level = ((u64::from(working[at]) * gain + (1 << 19)) >> 20).min(254) as u16;
                    assert_eq!(both[at], if working[at] == OUTSIDE { OUTSIDE } else { 257 * level });
                }
            }
        }
    }
}

#[test]
fn sums_are_over_all_voxels_of_a_block() {
    let mut noise = Draws::new(2);
    for (shape, spacing) in CASES {
        let (grid, voxels) = (BlockGrid::new(shape, spacing, 8.0), shape.iter().product::<usize>());
        let working: Vec<u16> =
            (0..voxels).map(|_| if noise.below(5) == 0 { OUTSIDE } else { noise.below(1 << 14) as u16 }).collect();
        let levels: Vec<u16> = working.iter().map(|w| if *w == OUTSIDE { OUTSIDE } else { w >> 4 }).collect();
        let classes = [LevelGaussian::One { mean: 300.0, std: 90.0 }, LevelGaussian::One { mean: 700.0, std: 90.0 }];
        let mut weights = SoftWeights::new(2, voxels);
        let energies = Energies::new(&classes, 0.0);
        sweep(
            (&levels, shape),
            (&energies, FaceWeights([64; 3])),
            (&SoftWeights::new(2, voxels), &mut weights),
            &mut vec![0; voxels],
        );
        let (mut sums, mut logs) = (vec![0; 2 * grid.len()], vec![0; 2 * grid.len()]);
        for (at, w) in working.iter().enumerate().filter(|(_, w)| **w != OUTSIDE) {
            let place = [at % shape[0], at / shape[0] % shape[1], at / shape[0] / shape[1]];
            let block = [0, 1, 2].map(|a| place[a] >> grid.shift[a]);
            let block = (block[2] * grid.blocks[1] + block[1]) * grid.blocks[0] + block[0];
            for class in 0..2 {
                let weight = u32::from(weights.of_class(class)[at]);
                sums[2 * block + class] += weight;
                logs[2 * block + class] += weight * (1024.0 * libm::log(f64::from((*w).max(1)))).round() as u32;
            }
        }
        // In slabs of two slices.
        let (slice, mut found) = (shape[0] * shape[1], BlockSums::none(&grid, 2));
        for (first, slab) in (0..).step_by(2).zip(working.chunks(2 * slice)) {
            add_block_sums((slab, first), (&weights, first), &grid, &mut found);
        }
        assert_same(&format!("weights {shape:?}"), &found.weights, &sums);
        assert_same(&format!("logs {shape:?}"), &found.logs, &logs);
    }
}
