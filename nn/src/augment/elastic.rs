//! Elastic deformation (Simard et al. 2003): random displacements on a coarse grid, smooth in between.

use crate::random::Random;

/// Squares of the grid along each axis.
const SQUARES: usize = 4;

/// The displacement of each pixel, in pixels, of this standard deviation at the nodes of the grid.
pub fn field(random: &mut Random, [width, height]: [usize; 2], spread: f64) -> Vec<[f32; 2]> {
    const NODES: usize = SQUARES + 3;
    let nodes: Vec<[f64; 2]> = (0..NODES * NODES).map(|_| [random.normal() * spread, random.normal() * spread]).collect();
    // Cubic B-splines: smooth, and never beyond the nodes.
    let splines = |t: f64| {
        let s = 1.0 - t;
        [s * s * s, 3.0 * t * t * t - 6.0 * t * t + 4.0, 3.0 * s * s * s - 6.0 * s * s + 4.0, t * t * t].map(|w| w / 6.0)
    };
    let along = |i: usize, n: usize| {
        let at = (i as f64 + 0.5) / n as f64 * SQUARES as f64;
        (at as usize, splines(at.fract()))
    };
    let place = |i: usize| {
        let ((column, across), (row, down)) = (along(i % width, width), along(i / width, height));
        let mut sum = [0.0; 2];
        for (j, wy) in down.iter().enumerate() {
            for (k, wx) in across.iter().enumerate() {
                let node = nodes[(row + j) * NODES + column + k];
                sum = [sum[0] + wx * wy * node[0], sum[1] + wx * wy * node[1]];
            }
        }
        sum.map(|d| d as f32)
    };
    (0..width * height).map(place).collect()
}
