//! What classes are, as tables of whole numbers.

use std::sync::OnceLock;

use crate::analysis::tissue::{LevelGaussian, LevelSpace};

/// The level of a voxel that takes no part.
pub const OUTSIDE: u16 = u16::MAX;

/// Most classes.
pub const MOST_CLASSES: usize = 6;

/// Energies beyond this are all alike: e⁻¹⁶.
pub(super) const MOST_ENERGY: i32 = 4095;

/// Energies in a nat.
pub(super) const PER_NAT: f64 = 256.0;

/// The weight of a face between voxels whose centres are the least distance apart.
const FACE: f64 = 64.0;

/// All that a voxel's neighbours can weigh.
const FACES: f64 = 6.0 * FACE * 255.0;

/// How much neighbours along x, y and z count: 64 where they are nearest, less in proportion where they are farther.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaceWeights(pub [u32; 3]);

impl FaceWeights {
    /// For voxels so far apart; axes whose spacing is not known count as the others.
    pub fn of_spacing(spacing_mm: [f64; 3]) -> Self {
        let known = spacing_mm.map(|s| if s > 0.0 && s.is_finite() { s } else { f64::INFINITY });
        let least = known.into_iter().fold(f64::INFINITY, f64::min);
        Self(known.map(|s| if s.is_finite() { (FACE * least / s).round() as u32 } else { FACE as u32 }))
    }
}

/// Energies of all classes at all levels, and how much neighbours count.
#[derive(Debug, Clone, PartialEq)]
pub struct Energies {
    space: LevelSpace,
    classes: usize,
    /// By class, then by level.
    tables: Vec<u16>,
    /// B of the formula.
    strength: u32,
}

impl Energies {
    /// Of Gaussian classes; `beta` nats for each neighbour that agrees, 0 to 40.
    ///
    /// # Panics
    /// For no class or more than [`MOST_CLASSES`], other channels of one than of another, a standard deviation that is not above 0, or another `beta`.
    pub fn new(classes: &[LevelGaussian], beta: f64) -> Self {
        assert!((1..=MOST_CLASSES).contains(&classes.len()), "{} classes", classes.len());
        let space = classes[0].space();
        assert!(classes.iter().all(|class| class.space() == space && class.width() > 0.0), "{classes:?}");
        assert!((0.0..=40.0).contains(&beta), "a beta of {beta}");
        let levels = space.levels();
        let mut tables = vec![0; classes.len() * levels];
        let by_level: Vec<_> = classes.iter().map(|class| class.energy()).collect();
        let mut all = vec![0.0; classes.len()];
        for level in 0..levels {
            all.iter_mut().zip(&by_level).for_each(|(energy, of)| *energy = of(level));
            let best = all.iter().copied().fold(f64::INFINITY, f64::min);
            for (class, energy) in all.iter().enumerate() {
                tables[class * levels + level] = (PER_NAT * (energy - best)).round().min(f64::from(MOST_ENERGY)) as u16;
            }
        }
        Self { space, classes: classes.len(), tables, strength: strength(beta) }
    }

    /// The levels that have energies.
    pub fn space(&self) -> LevelSpace {
        self.space
    }

    /// How many.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The energies of a class by level.
    pub fn of_class(&self, class: usize) -> &[u16] {
        &self.tables[class * self.space.levels()..][..self.space.levels()]
    }

    pub(super) fn strength(&self) -> u32 {
        self.strength
    }
}

/// B for neighbours that together weigh as six of the nearest: `6 beta` nats where all agree.
pub(super) fn strength(beta: f64) -> u32 {
    (beta * 6.0 * PER_NAT * 65536.0 / FACES).round() as u32
}

/// round(65536 · exp(-e / 256)) for energies e above the best.
pub(super) fn exponentials() -> &'static [u32; MOST_ENERGY as usize + 1] {
    static TABLE: OnceLock<[u32; MOST_ENERGY as usize + 1]> = OnceLock::new();
    TABLE.get_or_init(|| std::array::from_fn(|e| (65536.0 * libm::exp(-(e as f64) / PER_NAT)).round() as u32))
}
