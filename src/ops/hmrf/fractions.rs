//! How much of a voxel is of each class: partial volumes.
//!
//! A voxel is taken to be pure, or a mixture of two classes whose levels are next to each other, in eighths. Each state has the energy of a Gaussian around the mixed level with the noise of a pure class; a
//! mixture costs [`MIXED`] nats more, and neighbours draw towards what they are themselves. What is told is the mean over all states, as they are likely (Shattuck and others
//! 2001 and Tohka, Zijdenbos and Evans 2004 have mixtures of two; the mean instead of the best state keeps the noise out).

use rayon::prelude::*;

use super::cpu::{FaceNeighbours, SoftWeights, part_of};
use super::model::{FaceWeights, MOST_CLASSES, MOST_ENERGY, OUTSIDE, PER_NAT, exponentials, strength};
use crate::analysis::tissue::LevelGaussian;

/// The fraction of a voxel that is all of one class.
pub const WHOLE: u16 = 1 << 15;

/// Parts that a mixture is told in.
const EIGHTHS: u32 = 8;

/// Nats that a mixture costs beside a pure class.
const MIXED: f64 = 3.0;

/// Nats of each neighbour that agrees.
const BETA: f64 = 1.0;

/// A mixture of two classes.
#[derive(Debug, Clone)]
struct MixedState {
    /// The classes; the same one twice if it is pure.
    of: [usize; 2],
    /// Eighths of the second one.
    eighths: u32,
    /// By level.
    energies: Vec<u16>,
}

/// All states of a voxel.
#[derive(Debug, Clone)]
pub struct FractionTables {
    classes: usize,
    states: Vec<MixedState>,
}

impl FractionTables {
    /// Of classes in the order of their numbers, in whatever order their levels are.
    ///
    /// # Panics
    /// For no class or more than [`MOST_CLASSES`], or a standard deviation that is not above 0.
    pub fn new(classes: &[LevelGaussian]) -> Self {
        assert!((1..=MOST_CLASSES).contains(&classes.len()), "{} classes", classes.len());
        assert!(classes.iter().all(|class| class.width() > 0.0), "{classes:?}");
        // What a class has beyond the noise of the narrowest one are mixtures.
        let narrowest = classes.iter().min_by(|a, b| a.width().total_cmp(&b.width()));
        let (Some(noise), levels) = (narrowest.copied(), classes[0].space().levels()) else { unreachable!("there are classes") };
        let mut order: Vec<usize> = (0..classes.len()).collect();
        order.sort_by(|a, b| classes[*a].means()[0].total_cmp(&classes[*b].means()[0]));
        let pure = |class: usize| ([class; 2], 0);
        let mut places: Vec<_> = (0..classes.len()).map(pure).collect();
        for pair in order.windows(2) {
            places.extend((1..EIGHTHS).map(|eighths| ([pair[0], pair[1]], eighths)));
        }
        let all: Vec<Vec<f64>> = places
            .iter()
            .map(|([a, b], eighths)| {
                let part = f64::from(*eighths) / f64::from(EIGHTHS);
                let (pure, other) = (classes[*a].means(), classes[*b].means());
                let energy = noise.moved([0, 1].map(|i| (1.0 - part) * pure[i] + part * other[i])).energy();
                let more = if a == b { 0.0 } else { MIXED };
                (0..levels).map(|level| energy(level) + more).collect()
            })
            .collect();
        let best = |level: usize| all.iter().map(|energies| energies[level]).fold(f64::INFINITY, f64::min);
        let best: Vec<f64> = (0..levels).map(best).collect();
        let round = |(energy, best): (&f64, &f64)| (PER_NAT * (energy - best)).round().min(f64::from(MOST_ENERGY)) as u16;
        let states = places.into_iter().zip(&all).map(|((of, eighths), energies)| {
            let energies = energies.iter().zip(&best).map(round).collect();
            MixedState { of, eighths, energies }
        });
        Self { classes: classes.len(), states: states.collect() }
    }
}

/// Writes the fractions of each class of slice `z`, [`WHOLE`] being all of a voxel, in which they sum to it; 0 outside.
///
/// # Panics
/// If lengths do not fit.
pub fn fractions(
    (levels, shape, z): (&[u16], [usize; 3], usize),
    (tables, faces): (&FractionTables, FaceWeights),
    weights: &SoftWeights,
    out: &mut [Vec<u16>],
) {
    let ([nx, ny, _], classes) = (shape, tables.classes);
    assert!(out.len() == classes && weights.classes() == classes, "other classes");
    out.iter_mut().for_each(|plane| {
        plane.clear();
        plane.resize(nx * ny, 0);
    });
    let nothing = vec![0; nx];
    let neighbours = FaceNeighbours::new(shape, faces, &nothing);
    let rows: Vec<Vec<[u16; MOST_CLASSES]>> = (0..ny)
        .into_par_iter()
        .map(|y| {
            let levels = &levels[(z * ny + y) * nx..][..nx];
            let part = part_of(levels);
            let mut row = vec![[0; MOST_CLASSES]; nx];
            if part.is_empty() {
                return row;
            }
            let mut sums = vec![0; nx * classes];
            for (class, sums) in sums.chunks_exact_mut(nx).enumerate() {
                neighbours.sums(weights.of_class(class), [y, z], sums);
            }
            for x in part.filter(|x| levels[*x] != OUTSIDE) {
                row[x] = tables.of_voxel(levels[x], &std::array::from_fn(|c| if c < classes { sums[c * nx + x] } else { 0 }));
            }
            row
        })
        .collect();
    for (y, row) in rows.iter().enumerate() {
        for (class, plane) in out.iter_mut().enumerate() {
            plane[y * nx..][..nx].iter_mut().zip(row).for_each(|(out, all)| *out = all[class]);
        }
    }
}

impl FractionTables {
    fn of_voxel(&self, level: u16, sums: &[u32; MOST_CLASSES]) -> [u16; MOST_CLASSES] {
        let (exponentials, strength) = (exponentials(), strength(BETA));
        let energy = |state: &MixedState| {
            let [a, b] = state.of;
            let drawn = ((EIGHTHS - state.eighths) * sums[a] + state.eighths * sums[b]) / EIGHTHS;
            i32::from(state.energies[usize::from(level)]) - ((u64::from(drawn) * u64::from(strength)) >> 16) as i32
        };
        let energies: Vec<i32> = self.states.iter().map(energy).collect();
        let least = energies.iter().copied().min().unwrap_or(0);
        let mut all = [0u64; MOST_CLASSES];
        for (state, energy) in self.states.iter().zip(energies) {
            let p = u64::from(exponentials[(energy - least).min(MOST_ENERGY) as usize]);
            all[state.of[0]] += p * u64::from(EIGHTHS - state.eighths);
            all[state.of[1]] += p * u64::from(state.eighths);
        }
        let sum: u64 = all.iter().sum();
        let whole = u64::from(WHOLE);
        let mut parts = all.map(|own| (own * whole / sum) as u16);
        // What rounding down left goes to the largest, of several to the first.
        let rest = WHOLE - parts.iter().sum::<u16>();
        let largest = (0..MOST_CLASSES).rev().max_by_key(|class| all[*class]).unwrap_or(0);
        parts[largest] += rest;
        parts
    }
}
