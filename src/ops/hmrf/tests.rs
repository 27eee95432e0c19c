use super::*;
use crate::analysis::tissue::{LevelGaussian, LevelSpace};
use crate::ops::testing::{Draws, assert_same};

const SHAPES: [[usize; 3]; 6] = [[1, 1, 1], [7, 1, 1], [1, 6, 5], [5, 4, 1], [9, 7, 6], [33, 5, 4]];

/// Levels around the classes, a part of the voxels outside.
fn levels(noise: &mut Draws, voxels: usize) -> Vec<u16> {
    (0..voxels).map(|_| if noise.below(4) == 0 { OUTSIDE } else { noise.below(1024) as u16 }).collect()
}

/// Means and standard deviations.
fn moments(classes: usize) -> Vec<(f64, f64)> {
    (0..classes).map(|i| (100.0 + 150.0 * i as f64, 20.0 + 7.0 * i as f64)).collect()
}

fn gaussians(classes: usize) -> Vec<LevelGaussian> {
    moments(classes).into_iter().map(|(mean, std)| LevelGaussian::One { mean, std }).collect()
}

/// Six neighbours of a voxel, with the axis in which they lie.
fn neighbours(at: usize, [nx, ny, nz]: [usize; 3]) -> Vec<(usize, usize)> {
    let place = [at % nx, at / nx % ny, at / nx / ny];
    let mut all = Vec::new();
    for (axis, (n, step)) in [(nx, 1), (ny, nx), (nz, nx * ny)].into_iter().enumerate() {
        if place[axis] > 0 {
            all.push((at - step, axis));
        }
        if place[axis] + 1 < n {
            all.push((at + step, axis));
        }
    }
    all
}

/// The formula of the module, voxel by voxel, in 64 bits.
fn expected(
    levels: &[u16],
    shape: [usize; 3],
    classes: &[(f64, f64)],
    beta: f64,
    faces: FaceWeights,
    old: &[Vec<u8>],
) -> (Vec<Vec<u8>>, Vec<u8>) {
    let mut weights = vec![vec![0; levels.len()]; classes.len()];
    let mut labels = vec![0; levels.len()];
    let strength = (1028.0160 * beta).round() as u64;
    for (at, level) in levels.iter().enumerate().filter(|(_, level)| **level != OUTSIDE) {
        let data: Vec<f64> =
            classes.iter().map(|(mean, std)| 0.5 * ((f64::from(*level) - mean) / std).powi(2) + libm::log(*std)).collect();
        let best = data.iter().copied().fold(f64::INFINITY, f64::min);
        let energies: Vec<i64> = (0..classes.len())
            .map(|k| {
                let sum: u64 =
                    neighbours(at, shape).iter().map(|(n, axis)| u64::from(faces.0[*axis]) * u64::from(old[k][*n])).sum();
                (256.0 * (data[k] - best)).round().min(4095.0) as i64 - ((sum * strength) >> 16) as i64
            })
            .collect();
        let least = *energies.iter().min().unwrap();
        labels[at] = energies.iter().position(|e| *e == least).unwrap() as u8 + 1;
        let p: Vec<u64> =
            energies.iter().map(|e| (65536.0 * libm::exp(-((e - least).min(4095) as f64) / 256.0)).round() as u64).collect();
        let sum: u64 = p.iter().sum();
        p.iter().enumerate().for_each(|(k, p)| weights[k][at] = ((255 * p + sum / 2) / sum) as u8);
    }
    (weights, labels)
}

#[test]
fn sweeps_are_the_formula() {
    let mut noise = Draws::new(3);
    for shape in SHAPES {
        for classes in 1..=MOST_CLASSES {
            for (beta, spacing) in [(0.0, [1.0; 3]), (0.7, [1.0, 1.0, 5.0]), (40.0, [0.9, 2.0, 0.0])] {
                let (voxels, faces, gaussians) = (shape.iter().product(), FaceWeights::of_spacing(spacing), gaussians(classes));
                let levels = levels(&mut noise, voxels);
                let (mut old, mut labels) = (SoftWeights::new(classes, voxels), vec![0; voxels]);
                let mut want = vec![vec![0; voxels]; classes];
                for _ in 0..3 {
                    let mut new = SoftWeights::new(classes, voxels);
                    let before = labels.clone();
                    let energies = Energies::new(&gaussians, beta);
                    let changed = sweep((&levels, shape), (&energies, faces), (&old, &mut new), &mut labels);
                    let (weights, want_labels) = expected(&levels, shape, &moments(classes), beta, faces, &want);
                    assert_same(&format!("labels {shape:?} {classes} {beta}"), &labels, &want_labels);
                    for (class, own) in weights.iter().enumerate() {
                        assert_same(&format!("weights {shape:?} {class} of {classes} {beta}"), new.of_class(class), own);
                    }
                    assert_eq!(changed, before.iter().zip(&labels).filter(|(a, b)| a != b).count() as u64);
                    (old, want) = (new, weights);
                }
                let mut counts = vec![vec![0u64; 1024]; classes];
                for (at, level) in levels.iter().enumerate().filter(|(_, level)| **level != OUTSIDE) {
                    (0..classes).for_each(|k| counts[k][usize::from(*level)] += u64::from(want[k][at]));
                }
                assert_eq!(class_histograms(&levels, &old, LevelSpace::One), counts);
            }
        }
    }
}

#[test]
fn faces_count_by_their_distance() {
    assert_eq!(FaceWeights::of_spacing([1.0; 3]), FaceWeights([64; 3]));
    assert_eq!(FaceWeights::of_spacing([1.0, 1.0, 6.0]), FaceWeights([64, 64, 11]));
    assert_eq!(FaceWeights::of_spacing([2.0, 1.0, 0.0]), FaceWeights([32, 64, 64]));
}

#[test]
fn threads_and_slabs_do_not_matter() {
    let (shape, mut noise) = ([40, 30, 20], Draws::new(9));
    let voxels = shape.iter().product();
    let (levels, energies) = (levels(&mut noise, voxels), Energies::new(&gaussians(3), 0.7));
    let run = || {
        let (mut old, mut labels) = (SoftWeights::new(3, voxels), vec![0; voxels]);
        for _ in 0..5 {
            let mut new = SoftWeights::new(3, voxels);
            sweep((&levels, shape), (&energies, FaceWeights([64; 3])), (&old, &mut new), &mut labels);
            old = new;
        }
        (old, labels)
    };
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap().install(run);
    let many = rayon::ThreadPoolBuilder::new().num_threads(7).build().unwrap().install(run);
    assert!(one == many);
}

#[test]
fn fractions_sum_to_the_whole_and_follow_the_level() {
    let mut noise = Draws::new(5);
    for classes in 1..=MOST_CLASSES {
        let shape = [9, 7, 5];
        let voxels = shape.iter().product();
        let levels = levels(&mut noise, voxels);
        let mut weights = SoftWeights::new(classes, voxels);
        let energies = Energies::new(&gaussians(classes), 0.7);
        sweep(
            (&levels, shape),
            (&energies, FaceWeights([64; 3])),
            (&SoftWeights::new(classes, voxels), &mut weights),
            &mut vec![0; voxels],
        );
        let tables = FractionTables::new(&gaussians(classes));
        let mut planes = vec![Vec::new(); classes];
        for z in 0..shape[2] {
            fractions((&levels, shape, z), (&tables, FaceWeights([64; 3])), &weights, &mut planes);
            for at in 0..shape[0] * shape[1] {
                let sum: u32 = planes.iter().map(|plane| u32::from(plane[at])).sum();
                let inside = levels[z * shape[0] * shape[1] + at] != OUTSIDE;
                assert_eq!(sum, if inside { u32::from(WHOLE) } else { 0 });
            }
        }
    }
    // Half way between two pure classes, without neighbours: half of each; at the mean of one nearly all of it.
    let two = [LevelGaussian::One { mean: 200.0, std: 10.0 }, LevelGaussian::One { mean: 400.0, std: 10.0 }];
    let tables = FractionTables::new(&two);
    let of = |level: u16| {
        let mut planes = vec![Vec::new(); 2];
        fractions((&[level], [1; 3], 0), (&tables, FaceWeights([64; 3])), &SoftWeights::new(2, 1), &mut planes);
        f64::from(planes[1][0]) / f64::from(WHOLE)
    };
    assert!((of(300) - 0.5).abs() < 0.01 && (of(250) - 0.25).abs() < 0.02 && of(200) < 0.02 && of(400) > 0.98, "{}", of(250));
    // Whichever order the classes are numbered in.
    let turned = FractionTables::new(&[two[1], two[0]]);
    let mut planes = vec![Vec::new(); 2];
    fractions((&[250], [1; 3], 0), (&turned, FaceWeights([64; 3])), &SoftWeights::new(2, 1), &mut planes);
    assert!((f64::from(planes[0][0]) / f64::from(WHOLE) - of(250)).abs() < 1e-4);
}
