//! The lower envelope of the parabolas over a column: for each row the site that is nearest.

use std::ops::Range;

use super::word::SquareWord;

/// The sites that are the nearest somewhere, and where: the ranges follow each other from row 0 to the last. Of equally near sites it is the first. A row whose value is
/// [`SquareWord::FAR`] is no site; without any there are no ranges. `parts` is room to be used again.
///
/// Every number here is below 2⁶³ because the square of the diagonal is below 2⁶².
pub(super) fn envelope<T: SquareWord>(
    rows: usize,
    values: impl Fn(usize) -> T,
    weight: u64,
    parts: &mut Vec<(usize, usize)>,
) -> impl Iterator<Item = (usize, Range<usize>)> {
    let value = |y: usize| values(y).square() as i64;
    let at = |site: usize, y: usize| value(site) + ((weight * site.abs_diff(y) as u64) as i64).pow(2);
    let w2 = (weight * weight) as i64;
    parts.clear();
    for y in (0..rows).filter(|y| values(*y) != T::FAR) {
        // A part that is no longer the best where it begins is so nowhere: the later site only gains with y.
        while parts.last().is_some_and(|(site, first)| at(*site, *first) > at(y, *first)) {
            parts.pop();
        }
        // Up to the quotient, it included, the earlier site is as near or nearer.
        let first = parts.last().map_or(0, |(site, _)| {
            let ahead = w2 * (y * y - site * site) as i64 + value(y) - value(*site);
            ahead.div_euclid(2 * w2 * (y - site) as i64) as usize + 1
        });
        if first < rows {
            parts.push((y, first));
        }
    }
    let ends = parts.iter().skip(1).map(|(_, first)| *first).chain([rows]);
    parts.iter().zip(ends).map(|((site, first), end)| (*site, *first..end))
}
