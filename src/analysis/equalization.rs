//! Histogram equalisation: OpenCV's method for any number of levels, exact.
//!
//! With c(v) the number of voxels whose value is at most v, c_min that of the lowest occupied value and n all voxels,
//! `entry(v) = round((c(v) - c_min) · (L - 1) / (n - c_min))`, the rational number rounded to nearest, ties to even.

use crate::volume::{Counts, Dtype, Padding, Rescale, Table};

/// The voxels that share one rescale.
#[derive(Debug, Clone, Copy)]
pub struct LevelGroup<'a> {
    /// Their rescale.
    pub rescale: Rescale,
    /// Their exact histogram.
    pub counts: &'a Counts,
    /// Stored values that do not take part and become 0.
    pub padding: Option<Padding>,
}

/// The decision: one table for each group.
#[derive(Debug, Clone)]
pub struct LevelTables {
    /// In the order of the groups.
    pub tables: Vec<Table>,
    /// Voxels that took part.
    pub counted: u64,
    /// Fewer than two distinct values took part: there is nothing to equalise, and the tables keep stored values, clamped.
    pub constant: bool,
}

/// Equalises the real values within `range` (inclusive; all of them if none): below becomes 0, above the largest level.
/// Brighter real values become brighter levels, also where a slope is negative.
///
/// `to` is u8 or u16; all its levels are used.
pub fn decide(groups: &[LevelGroup<'_>], to: Dtype, range: Option<(f64, f64)>) -> LevelTables {
    let (low, high) = range.unwrap_or((f64::NEG_INFINITY, f64::INFINITY));
    let top = to.values() as u64 - 1;

    let mut values: Vec<(f64, u64)> = groups
        .iter()
        .flat_map(|g| g.counts.occupied().map(move |(v, n)| (*g, v, n)))
        .filter(|(g, v, _)| !is_padding(g.padding, *v))
        .map(|(g, v, n)| (g.rescale.real(f64::from(v)), n))
        .filter(|(real, _)| (low..=high).contains(real))
        .collect();
    values.sort_by(|a, b| a.0.total_cmp(&b.0));
    values.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 += next.1;
        }
        same
    });
    let counted: u64 = values.iter().map(|(_, n)| n).sum();
    let least = values.first().map_or(0, |(_, n)| *n);
    let divisor = counted - least;

    let tables = groups
        .iter()
        .map(|g| {
            let dtype = g.counts.dtype;
            if divisor == 0 {
                return Table::from_fn(dtype, to, |v| if is_padding(g.padding, v) { 0.0 } else { f64::from(v) });
            }
            // Stored values in ascending order of their real ones, so that one walk over both lists finds all counts.
            let ascending = g.rescale.slope > 0.0;
            let mut levels = vec![0.0; dtype.values()];
            let mut walk = values.iter().peekable();
            let mut count = 0;
            for i in 0..levels.len() {
                let bin = if ascending { i } else { levels.len() - 1 - i };
                let stored = dtype.first() + bin as i32;
                let real = g.rescale.real(f64::from(stored));
                while let Some((_, n)) = walk.next_if(|(value, _)| *value <= real) {
                    count += n;
                }
                if !is_padding(g.padding, stored) {
                    levels[bin] = rounded(count.max(least) - least, top, divisor) as f64;
                }
            }
            Table::from_fn(dtype, to, |v| levels[(v - dtype.first()) as usize])
        })
        .collect();
    LevelTables { tables, counted, constant: divisor == 0 }
}

/// The table over the bins of an f32 histogram, by the same rule with c(v) counted up to whole bins; `ascending` unless the real values
/// fall as the stored ones rise. Fewer than two occupied bins leave nothing to equalise: all entries are 0.
pub fn over_bins(counts: &Counts, to: Dtype, ascending: bool) -> Table {
    let top = to.values() as u64 - 1;
    let bins = counts.bins.len();
    let place = |i: usize| if ascending { i } else { bins - 1 - i };
    let least = (0..bins).map(|i| counts.bins[place(i)]).find(|n| *n > 0).unwrap_or(0);
    let divisor = counts.total() - least;
    let mut levels = vec![0.0; bins];
    let mut count = 0;
    for i in 0..bins {
        count += counts.bins[place(i)];
        if divisor > 0 {
            levels[place(i)] = rounded(count.max(least) - least, top, divisor) as f64;
        }
    }
    Table::from_bins(bins, to, |i| levels[i])
}

/// `a * b / divisor` to nearest, ties to even.
pub(super) fn rounded(a: u64, b: u64, divisor: u64) -> u64 {
    let numerator = u128::from(a) * u128::from(b);
    let divisor = u128::from(divisor);
    let (quotient, remainder) = (numerator / divisor, numerator % divisor);
    let up = match (2 * remainder).cmp(&divisor) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => quotient % 2 == 1,
        std::cmp::Ordering::Greater => true,
    };
    (quotient + u128::from(up)) as u64
}

fn is_padding(padding: Option<Padding>, stored: i32) -> bool {
    padding.is_some_and(|p| (p.low..=p.high).contains(&f64::from(stored)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(dtype: Dtype, pairs: &[(i32, u64)]) -> Counts {
        let mut c = Counts::exact(dtype);
        for (v, n) in pairs {
            c.bins[(v - dtype.first()) as usize] = *n;
        }
        c
    }

    fn one(c: &Counts, to: Dtype) -> LevelTables {
        decide(&[LevelGroup { rescale: Rescale::IDENTITY, counts: c, padding: None }], to, None)
    }

    #[test]
    fn a_case_worked_by_hand() {
        // Values 10, 20, 30 with counts 1, 1, 2: n - c_min = 3, levels 0, 85, 255.
        let c = counts(Dtype::U8, &[(10, 1), (20, 1), (30, 2)]);
        let t = &one(&c, Dtype::U8).tables[0];
        assert_eq!([5, 10, 15, 20, 29, 30, 255].map(|v| t.get(v)), [0.0, 0.0, 0.0, 85.0, 85.0, 255.0, 255.0]);
    }

    #[test]
    fn ties_go_to_the_even_level() {
        // 2 of 4 parts of 255 levels is 127.5 -> 128; 1 of 2 parts of 65535 is 32767.5 -> 32768; 1 of 6 of 255 is 42.5 -> 42.
        assert_eq!(rounded(2, 255, 4), 128);
        assert_eq!(rounded(1, 65_535, 2), 32_768);
        assert_eq!(rounded(1, 255, 6), 42);
        assert_eq!(rounded(u64::MAX / 2, 65_535, u64::MAX / 2), 65_535);
    }

    #[test]
    fn a_constant_image_is_unchanged() {
        let d = one(&counts(Dtype::U16, &[(1234, 99)]), Dtype::U16);
        assert!(d.constant);
        assert_eq!(d.tables[0].get(1234), 1234.0);
    }

    #[test]
    fn range_and_padding_stay_out() {
        let c = counts(Dtype::I16, &[(-2000, 50), (-1000, 40), (0, 1), (10, 1), (20, 2), (3000, 7)]);
        let padding = Some(Padding { low: -2000.0, high: -2000.0 });
        let d = decide(&[LevelGroup { rescale: Rescale::IDENTITY, counts: &c, padding }], Dtype::U8, Some((0.0, 20.0)));
        assert_eq!(d.counted, 4);
        assert_eq!([-2000, -1000, 0, 10, 20, 3000].map(|v| d.tables[0].get(v)), [0.0, 0.0, 0.0, 85.0, 255.0, 255.0]);
    }

    #[test]
    fn a_negative_slope_and_two_rescales_meet_in_real_values() {
        // LevelGroup a: real = -stored; group b: real = 2 * stored. Real values -20, -10 (a) and -10, 4 (b).
        let a = counts(Dtype::I16, &[(20, 1), (10, 1)]);
        let b = counts(Dtype::I16, &[(-5, 1), (2, 1)]);
        let groups = [
            LevelGroup { rescale: Rescale { slope: -1.0, intercept: 0.0 }, counts: &a, padding: None },
            LevelGroup { rescale: Rescale { slope: 2.0, intercept: 0.0 }, counts: &b, padding: None },
        ];
        let d = decide(&groups, Dtype::U8, None);
        assert_eq!([20, 10].map(|v| d.tables[0].get(v)), [0.0, 170.0]);
        assert_eq!([-5, 2].map(|v| d.tables[1].get(v)), [170.0, 255.0]);
    }
}
