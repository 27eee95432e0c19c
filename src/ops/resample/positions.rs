//! Where the voxels of a target lie among those of a source, in fixed point.

use std::ops::Range;

/// Positions in voxels of the source, as whole numbers of 2⁻³² voxels: those of neighbouring voxels differ by the same whole number everywhere, so each is known exactly from its
/// indices, wherever a tile begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Positions {
    /// Of the target's first voxel, along x, y and z of the source.
    pub start: [i64; 3],
    /// What the next voxel along x, y and z of the target adds to each.
    pub step: [[i64; 3]; 3],
}

/// One voxel.
pub(crate) const VOXEL: i64 = 1 << 32;

/// Positions farther from the source's first voxel than these voxels are not computed with.
const FARTHEST: f64 = (1u64 << 30) as f64;

impl Positions {
    /// The positions of a target of `size` voxels that `matrix` takes, as indices (i, j, k, 1), to indices of the source; each number of it rounded once, to 2⁻³³ voxels at most. None
    /// where a voxel would lie 2³⁰ voxels away or farther, or the matrix holds what is no number.
    pub fn new(matrix: &[[f64; 4]; 3], size: [u64; 3]) -> Option<Self> {
        let fixed = |value: f64| (value * VOXEL as f64).round() as i64;
        for row in matrix {
            // The farthest corner, whatever the signs; or NaN.
            let reach: f64 = (0..3).map(|axis| row[axis].abs() * size[axis] as f64).sum();
            let farthest = row[3].abs() + reach;
            if farthest.is_nan() || farthest >= FARTHEST {
                return None;
            }
        }
        let step = [0, 1, 2].map(|of| [0, 1, 2].map(|along: usize| fixed(matrix[along][of])));
        Some(Self { start: [0, 1, 2].map(|along: usize| fixed(matrix[along][3])), step })
    }

    /// The position of a voxel.
    pub fn at(&self, voxel: [u64; 3]) -> [i64; 3] {
        std::array::from_fn(|along| self.start[along] + (0..3).map(|of| self.step[of][along] * voxel[of] as i64).sum::<i64>())
    }

    /// The same counted from another voxel of the target and from another one of the source.
    #[must_use]
    pub fn from(&self, target: [u64; 3], source: [u64; 3]) -> Self {
        let start = self.at(target);
        Self { start: std::array::from_fn(|along| start[along] - source[along] as i64 * VOXEL), ..*self }
    }

    /// Whether each axis of the target runs along the same axis of the source.
    pub fn is_straight(&self) -> bool {
        (0..3).all(|of| (0..3).all(|along| of == along || self.step[of][along] == 0))
    }

    /// The voxels of `count` from position `start` on, along x of the target, whose nearest voxel of the source is one of `inside`.
    pub(crate) fn covered(&self, start: [i64; 3], count: usize, inside: &[Range<i64>; 3]) -> Range<usize> {
        let mut all = 0..count as i64;
        for along in 0..3 {
            // floor(p + 1/2) from the first to before the last.
            let (low, high) = (inside[along].start * VOXEL - VOXEL / 2, inside[along].end * VOXEL - VOXEL / 2);
            let own = between(start[along], self.step[0][along], low..high);
            all = all.start.max(own.start)..all.end.min(own.end);
        }
        if all.is_empty() { 0..0 } else { all.start as usize..all.end as usize }
    }

    /// The same for a target whose axes run along axes: of `count` voxels along one of them.
    pub(crate) fn covered_along(&self, along: usize, count: usize, inside: &Range<i64>) -> Range<usize> {
        // The rule for rows, asked for another axis, and where no other one counts.
        let all = -(FARTHEST as i64)..FARTHEST as i64;
        let mut turned = *self;
        turned.step[0] = [0; 3];
        turned.step[0][along] = self.step[along][along];
        let only = std::array::from_fn(|other| if other == along { inside.clone() } else { all.clone() });
        let mut start = [0; 3];
        start[along] = self.start[along];
        turned.covered(start, count, &only)
    }

    /// The voxels of a source of `source` voxels that a target of `size` looks at: those around its centres, so many more on each side. None if the target lies beside it.
    pub fn looks_at(&self, size: [u64; 3], source: [u64; 3], reach: [u64; 3]) -> Option<[Range<u64>; 3]> {
        let mut found = [0..0, 0..0, 0..0];
        for along in 0..3 {
            let (mut low, mut high) = (self.start[along], self.start[along]);
            for (step, voxels) in self.step.iter().zip(size) {
                let far = step[along] * (voxels as i64 - 1);
                (low, high) = (low + far.min(0), high + far.max(0));
            }
            let more = reach[along] as i64;
            let (first, last) = ((low >> 32) - more, (high >> 32) + 1 + more);
            let whole = source[along] as i64;
            if first >= whole || last < 0 {
                return None;
            }
            found[along] = first.max(0) as u64..(last + 1).min(whole) as u64;
        }
        Some(found)
    }
}

/// Which whole numbers i from 0 on have start + step · i in a range: empty or all (up to i64::MAX) where the step is 0.
fn between(start: i64, step: i64, range: Range<i64>) -> Range<i64> {
    let (start, low, high) = (i128::from(start), i128::from(range.start), i128::from(range.end));
    let step = i128::from(step);
    let up = |a: i128, b: i128| a.div_euclid(b) + i128::from(a.rem_euclid(b) != 0);
    let (first, end) = match step {
        0 if start >= low && start < high => (0, i128::from(i64::MAX)),
        0 => (0, 0),
        // The first one not below `low`, and the first not below `high`.
        1.. => (up(low - start, step), up(high - start, step)),
        // The first one below `high`, and the first below `low`.
        _ => (up(start - high + 1, -step), up(start - low + 1, -step)),
    };
    let most = i128::from(i64::MAX);
    first.clamp(0, most) as i64..end.clamp(0, most) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_those_that_counting_finds() {
        for start in [-7i64, -3, 0, 2, 9] {
            for step in [-4i64, -3, -1, 0, 1, 2, 5] {
                for range in [-3..4, 0..1, 5..9, 3..3, -9..-8] {
                    let own = between(start, step, range.clone());
                    for i in 0..40 {
                        assert_eq!(own.contains(&i), range.contains(&(start + step * i)), "{start} + {step} {i} in {range:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn positions_do_not_depend_on_where_a_tile_begins() {
        let matrix = [[0.9, 0.1, -0.3, 2.0], [-0.2, 1.1, 0.05, -7.25], [0.0, 0.3, 0.7, 11.0]];
        let all = Positions::new(&matrix, [1000, 900, 800]).unwrap();
        let tile = all.from([400, 300, 200], [17, 0, 5]);
        let (a, b) = (all.at([411, 322, 233]), tile.at([11, 22, 33]));
        assert_eq!([a[0] - 17 * VOXEL, a[1], a[2] - 5 * VOXEL], b);
        assert!(Positions::new(&[[1e7, 0.0, 0.0, 0.0], [0.0; 4], [0.0; 4]], [1000, 1, 1]).is_none());
        assert!(Positions::new(&[[f64::NAN, 0.0, 0.0, 0.0], [0.0; 4], [0.0; 4]], [1, 1, 1]).is_none());
    }

    #[test]
    fn a_target_beside_the_source_looks_at_nothing() {
        let shifted = |by: f64| {
            let matrix = [[1.0, 0.0, 0.0, by], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]];
            Positions::new(&matrix, [4, 4, 4]).unwrap().looks_at([4, 4, 4], [10, 10, 10], [1; 3])
        };
        assert_eq!(shifted(0.5).unwrap(), [0..6, 0..6, 0..6]);
        assert_eq!(shifted(8.0).unwrap()[0], 7..10);
        assert!(shifted(12.0).is_none() && shifted(-6.0).is_none());
    }
}
