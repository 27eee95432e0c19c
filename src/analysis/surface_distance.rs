//! How far two surfaces lie apart, from how far each piece of the one lies from the nearest of the other.
//!
//! Three definitions have names, for tools differ (arXiv 2410.02630, 2509.05670):
//!
//! | | pieces | a percentile |
//! |---|---|---|
//! | `surface` | [surfels](super::surfels) at the corners of voxels, each counts by its area | of each direction the least distance within which that share of the area lies; the larger of both (DeepMind's surface-distance) |
//! | `voxel` | voxels inside that have a neighbour outside across a face | of each direction by linear interpolation between ranks; the larger of both (MONAI) |
//! | `voxel-pooled` | the same | of the distances of both directions together (medpy) |
//!
//! In all three the Hausdorff distance is the largest distance of all, `assd` the mean over both directions together, `masd` the mean of the two directed means (medpy 0.5 calls the
//! first assd), and NSD the share of both surfaces within a tolerance of the other one (Nikolov et al., arXiv 1809.04430).

use super::statistics::interpolated;

/// A definition of surface distances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SurfaceRule {
    /// Pieces of surface by their area, the larger of the directed percentiles.
    Surface,
    /// Border voxels, the larger of the directed percentiles.
    Voxel,
    /// Border voxels, percentiles of both directions together.
    VoxelPooled,
}

impl SurfaceRule {
    /// As it is asked for.
    pub fn name(self) -> &'static str {
        match self {
            Self::Surface => "surface",
            Self::Voxel => "voxel",
            Self::VoxelPooled => "voxel-pooled",
        }
    }
}

/// Pieces of a surface at one distance from the other surface.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PiecesAt {
    /// The distance.
    pub distance: f64,
    /// How many there are.
    pub count: u64,
    /// Their area together; their number where all count alike.
    pub area: f64,
}

/// From all pieces of one surface to the other, by ascending distance.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DirectedDistances(Vec<PiecesAt>);

/// By how much a distance may lie beyond a tolerance that it is meant to equal: square roots and products of decimals are not exact.
const SLACK: f64 = 1e-9;

impl DirectedDistances {
    /// Of pieces by ascending distance.
    pub fn new(pieces: Vec<PiecesAt>) -> Self {
        debug_assert!(pieces.is_sorted_by(|a, b| a.distance <= b.distance));
        Self(pieces)
    }

    /// The largest distance; 0 without pieces.
    pub fn largest(&self) -> f64 {
        self.0.last().map_or(0.0, |piece| piece.distance)
    }

    fn area(&self) -> f64 {
        self.0.iter().map(|piece| piece.area).sum()
    }

    /// Distances times areas.
    fn moment(&self) -> f64 {
        self.0.iter().map(|piece| piece.distance * piece.area).sum()
    }

    fn within(&self, tolerance: f64) -> f64 {
        let most = tolerance * (1.0 + SLACK);
        self.0.iter().filter(|piece| piece.distance <= most).map(|piece| piece.area).sum()
    }

    fn mean(&self) -> f64 {
        self.moment() / self.area()
    }

    /// The least distance within which `percent` of the area lies.
    fn by_area(&self, percent: f64) -> f64 {
        let wanted = percent / 100.0 * self.area();
        let mut sum = 0.0;
        let found = self.0.iter().find(|piece| {
            sum += piece.area;
            sum >= wanted
        });
        found.map_or(self.largest(), |piece| piece.distance)
    }

    /// numpy's percentile, each piece counting alike.
    fn by_rank(&self, percent: f64) -> f64 {
        let mut ends = Vec::with_capacity(self.0.len());
        let mut sum = 0;
        for piece in &self.0 {
            sum += piece.count;
            ends.push(sum);
        }
        interpolated(sum, percent, |rank| self.0[ends.partition_point(|end| *end <= rank)].distance)
    }

    /// Both directions as one.
    fn pooled(&self, other: &Self) -> Self {
        let mut all = [self.0.as_slice(), other.0.as_slice()].concat();
        all.sort_by(|a, b| a.distance.total_cmp(&b.distance));
        Self(all)
    }
}

/// How far two surfaces lie apart, in the unit of the distances.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SurfaceDistances {
    /// Hausdorff: the farthest that a piece of either lies from the other.
    pub hausdorff: f64,
    /// The percentile of the same.
    pub percentile: f64,
    /// The mean over all pieces of both.
    pub assd: f64,
    /// The mean of the two directed means.
    pub masd: f64,
    /// The share of both surfaces that lies within the tolerance of the other.
    pub nsd: f64,
}

impl SurfaceDistances {
    /// From `there`, of the judged surface to the reference, and `back`, both with at least one piece; `percent` from 0 to 100.
    pub fn new(rule: SurfaceRule, [there, back]: [&DirectedDistances; 2], percent: f64, tolerance: f64) -> Self {
        let percentile = match rule {
            SurfaceRule::Surface => there.by_area(percent).max(back.by_area(percent)),
            SurfaceRule::Voxel => there.by_rank(percent).max(back.by_rank(percent)),
            SurfaceRule::VoxelPooled => there.pooled(back).by_rank(percent),
        };
        let area = there.area() + back.area();
        Self {
            hausdorff: there.largest().max(back.largest()),
            percentile,
            assd: (there.moment() + back.moment()) / area,
            masd: f64::midpoint(there.mean(), back.mean()),
            nsd: (there.within(tolerance) + back.within(tolerance)) / area,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directed(pieces: &[(f64, u64, f64)]) -> DirectedDistances {
        DirectedDistances::new(pieces.iter().map(|&(distance, count, area)| PiecesAt { distance, count, area }).collect())
    }

    #[test]
    fn three_definitions_by_hand() {
        // Distances 0 0 1 3, and 0 2.
        let (there, back) = (directed(&[(0.0, 2, 1.0), (1.0, 1, 2.0), (3.0, 1, 1.0)]), directed(&[(0.0, 1, 3.0), (2.0, 1, 1.0)]));
        let of = |rule, percent| SurfaceDistances::new(rule, [&there, &back], percent, 1.0);
        let all = of(SurfaceRule::Surface, 75.0);
        assert_eq!((all.hausdorff, all.percentile), (3.0, 1.0));
        assert_eq!((all.assd, all.masd, all.nsd), (7.0 / 8.0, (5.0 / 4.0 + 0.5) / 2.0, 6.0 / 8.0));
        assert_eq!(of(SurfaceRule::Surface, 76.0).percentile, 3.0);
        assert_eq!([0.0, 100.0].map(|p| of(SurfaceRule::Surface, p).percentile), [0.0, 3.0]);
        // numpy.percentile([0, 0, 1, 3], 75) = 1.5, ([0, 2], 75) = 1.5; of all six 1.75.
        assert_eq!(of(SurfaceRule::Voxel, 75.0).percentile, 1.5);
        assert_eq!(of(SurfaceRule::VoxelPooled, 75.0).percentile, 1.75);
    }

    #[test]
    fn a_distance_that_equals_the_tolerance_is_within() {
        let one = directed(&[(3.0 * 0.7, 1, 1.0)]);
        assert_eq!(SurfaceDistances::new(SurfaceRule::Voxel, [&one, &one], 95.0, 2.1).nsd, 1.0);
    }
}
