//! The greatest distance between two vertices of a mesh.

use std::collections::BTreeMap;

/// Vertices that may be ends of the longest line: of each row along x the first and the last, in half voxels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowEnds(BTreeMap<[u32; 2], [u32; 2]>);

/// The greatest distance in mm, and how it looks at pairs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FarthestPair {
    pub mm: f64,
}

impl RowEnds {
    /// Adds a vertex, x, y and z in half voxels.
    pub fn add(&mut self, [x, y, z]: [u32; 3]) {
        self.0.entry([z, y]).and_modify(|[low, high]| (*low, *high) = ((*low).min(x), (*high).max(x))).or_insert([x, x]);
    }

    /// Adds all of another one.
    pub fn merge(&mut self, other: &Self) {
        for ([z, y], [low, high]) in &other.0 {
            self.add([*low, *y, *z]);
            self.add([*high, *y, *z]);
        }
    }

    /// The greatest distance where voxels lie `spacing_mm` apart; none without vertices.
    pub fn farthest(&self, spacing_mm: [f64; 3]) -> Option<FarthestPair> {
        let ends = self.0.iter().flat_map(|([z, y], [low, high])| [low, high].map(|x| [*x, *y, *z]));
        let mut corners: Vec<[u32; 3]> = ends.collect();
        // Ends of the longest line are corners of the convex hull, and so of that of each plane they lie in.
        for axis in [2, 1, 0] {
            corners = corners_of_planes(corners, axis);
        }
        let points: Vec<[f64; 3]> =
            corners.iter().map(|at| [0, 1, 2].map(|axis| f64::from(at[axis]) / 2.0 * spacing_mm[axis])).collect();
        let square = |a: &[f64; 3], b: &[f64; 3]| (0..3).map(|i| (a[i] - b[i]).powi(2)).sum::<f64>();
        // From the middle of their box outwards: a pair is no longer than both ways to the middle.
        let middle = [0, 1, 2].map(|axis| {
            let along = |fold: fn(f64, f64) -> f64, from| points.iter().map(|p| p[axis]).fold(from, fold);
            f64::midpoint(along(f64::min, f64::INFINITY), along(f64::max, f64::NEG_INFINITY))
        });
        let mut far: Vec<(f64, [f64; 3])> = points.into_iter().map(|p| (square(&p, &middle).sqrt(), p)).collect();
        far.sort_by(|a, b| b.0.total_cmp(&a.0));
        let longest = far.first()?.0;
        let mut best = 0.0f64;
        for (i, (reach, from)) in far.iter().enumerate() {
            if reach + longest < best.sqrt() {
                break;
            }
            for (other, to) in &far[i..] {
                if reach + other < best.sqrt() {
                    break;
                }
                best = best.max(square(from, to));
            }
        }
        Some(FarthestPair { mm: best.sqrt() })
    }
}

/// Of points in planes across an axis those that are corners of their plane's convex hull.
fn corners_of_planes(mut points: Vec<[u32; 3]>, axis: usize) -> Vec<[u32; 3]> {
    let (u, v) = ((axis + 1) % 3, (axis + 2) % 3);
    points.sort_unstable_by_key(|at| (at[axis], at[u], at[v]));
    points.dedup();
    let turns = |a: &[u32; 3], b: &[u32; 3], c: &[u32; 3]| {
        let along = |from: &[u32; 3], to: &[u32; 3], axis: usize| i64::from(to[axis]) - i64::from(from[axis]);
        along(a, b, u) * along(a, c, v) - along(a, b, v) * along(a, c, u)
    };
    let mut kept = Vec::new();
    for plane in points.chunk_by(|a, b| a[axis] == b[axis]) {
        // Andrew's monotone chain (1979): below, then above.
        for reversed in [false, true] {
            let start = kept.len();
            for i in 0..plane.len() {
                let point = plane[if reversed { plane.len() - 1 - i } else { i }];
                while kept.len() >= start + 2 && turns(&kept[kept.len() - 2], &kept[kept.len() - 1], &point) <= 0 {
                    kept.pop();
                }
                kept.push(point);
            }
        }
    }
    kept.sort_unstable();
    kept.dedup();
    kept
}
