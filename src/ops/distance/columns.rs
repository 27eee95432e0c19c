//! The least of `d²(y') + (w (y - y'))²` over each column, for many columns side by side.
//!
//! From each voxel the search goes outwards, for all lanes of a strip at once, until the next step alone is no nearer than the best of every lane. There is no division and
//! nothing to keep in order, and in masks of organs it ends after a few steps. Where it has not ended after [`REACH`] steps the strip's columns go by their lower envelopes instead,
//! whose cost does not grow with the distance.

use super::envelope::envelope;
use super::word::{SquareWord, squares};

/// Steps after which the lower envelope takes over: about there a row of it costs as much as a row of the search.
pub(super) const REACH: usize = 250;

/// A row of the columns searched at a time: two lines of the cache, four vectors of AVX2.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct Strip<T, const LANES: usize>(pub [T; LANES]);

/// The columns of `rows`, all of the same length, by [`outwards`] or its like.
pub(super) fn search<T: SquareWord, const LANES: usize>(
    rows: &mut [&mut [T]],
    weight: u64,
    outwards: impl Fn(&[Strip<T, LANES>], usize, &[T]) -> Option<Strip<T, LANES>>,
) {
    let squares = squares::<T>(rows.len(), weight);
    let lanes = rows.first().map_or(0, |row| row.len());
    // Values of the strip being searched, 32 KiB for 256 rows. The results go where the values came from.
    let mut strip = Vec::with_capacity(rows.len());
    for lane in (0..lanes).step_by(LANES) {
        strip.clear();
        // Lanes beyond the last are background: they stop at once.
        strip.extend(rows.iter().map(|row| match row[lane..].first_chunk() {
            Some(values) => Strip(*values),
            None => Strip(std::array::from_fn(|i| row.get(lane + i).copied().unwrap_or_default())),
        }));
        for y in 0..rows.len() {
            let Some(best) = outwards(&strip, y, &squares) else {
                envelopes(&strip, rows, lane, weight);
                break;
            };
            match rows[y][lane..].first_chunk_mut() {
                Some(out) => *out = best.0,
                None => rows[y][lane..].iter_mut().zip(best.0).for_each(|(out, best)| *out = best),
            }
        }
    }
}

/// The least values of row `y`, unless the search went too far. With `TIES` it goes on while a step is as near as the best.
pub(super) fn outwards<T: SquareWord, const LANES: usize, const TIES: bool>(
    rows: &[Strip<T, LANES>],
    y: usize,
    squares: &[T],
) -> Option<Strip<T, LANES>> {
    let mut best = rows[y];
    let (before, after) = (&rows[..y], &rows[y + 1..]);
    let longest = before.len().max(after.len());
    for (k, square) in squares.iter().enumerate().take(longest + 1).skip(1) {
        if best.0.iter().all(|value| if TIES { *value < *square } else { *value <= *square }) {
            break;
        }
        if k > REACH {
            return None;
        }
        for side in [before.len().checked_sub(k).map(|i| &before[i]), after.get(k - 1)].into_iter().flatten() {
            best.0.iter_mut().zip(&side.0).for_each(|(best, value)| *best = (*best).min(*value + *square));
        }
    }
    Some(best)
}

/// The same by lower envelopes.
fn envelopes<T: SquareWord, const LANES: usize>(strip: &[Strip<T, LANES>], rows: &mut [&mut [T]], first: usize, weight: u64) {
    let mut parts = Vec::new();
    for lane in first..rows[0].len().min(first + LANES) {
        let value = |y: usize| strip[y].0[lane - first];
        for (site, part) in envelope(strip.len(), value, weight, &mut parts) {
            for (y, row) in rows[part.clone()].iter_mut().enumerate() {
                let along = weight * site.abs_diff(part.start + y) as u64;
                row[lane] = value(site) + T::from_square(along * along);
            }
        }
    }
}
