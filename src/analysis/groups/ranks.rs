//! Mann and Whitney's test of ranks.

use super::Undefined;

/// What Mann and Whitney's test gives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MannWhitney {
    /// U of the first group: pairs in which its value is the larger one, ties as halves.
    pub u: f64,
    /// The probability of a U at least as far from its mean if there were no difference.
    pub p: f64,
    /// Whether p counts all orders of the values, else it is that of a normal distribution, corrected for ties and continuity.
    pub exact: bool,
    /// The share of pairs in which the first group's value is the larger one, ties as halves.
    pub superiority: f64,
}

/// Of groups larger than this p is approximated, as scipy's `auto` does.
const SMALL: usize = 8;

/// Mann and Whitney's U, two-sided, with the rules of `scipy.stats.mannwhitneyu(method="auto")`: exact if one group has at most 8 values and no two values are equal, else the
/// normal approximation with the corrections for ties and, by 1/2, for continuity.
///
/// # Errors
/// An empty group; all values equal (where scipy gives p = 1).
pub fn mann_whitney(first: &[f64], second: &[f64]) -> Result<MannWhitney, Undefined> {
    let [m, n] = [first.len(), second.len()];
    if m == 0 || n == 0 {
        return Err(Undefined::TooFew { first: m, second: n });
    }
    let mut all: Vec<(f64, bool)> = first.iter().map(|v| (*v, true)).chain(second.iter().map(|v| (*v, false))).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    // Twice the ranks are whole numbers. -0 and 0 are equal although they are sorted.
    let (mut twice_ranks, mut ties, mut below) = (0u128, 0.0, 0u128);
    for run in all.chunk_by(|a, b| a.0 == b.0) {
        let size = run.len() as u128;
        let own = run.iter().filter(|one| one.1).count() as u128;
        twice_ranks += own * (2 * below + size + 1);
        let size_f = size as f64;
        ties += size_f * (size_f * size_f - 1.0);
        below += size;
    }
    let (m_wide, pairs) = (m as u128, m as f64 * n as f64);
    let twice_u = twice_ranks - m_wide * (m_wide + 1);
    let u = twice_u as f64 / 2.0;
    let total = (m + n) as f64;
    let of = |p: f64, exact| Ok(MannWhitney { u, p: p.min(1.0), exact, superiority: u / pairs });
    if m.min(n) <= SMALL && ties == 0.0 {
        let least = (twice_u / 2).min(m_wide * n as u128 - twice_u / 2);
        if let Some(share) = lower_tail(m.min(n), m.max(n), least) {
            return of(2.0 * share, true);
        }
    }
    let variance = pairs / 12.0 * ((total + 1.0) - ties / (total * (total - 1.0)));
    if all.first().map(|v| v.0) == all.last().map(|v| v.0) {
        return Err(Undefined::AllEqual);
    }
    let z = ((u.max(pairs - u) - pairs / 2.0) - 0.5) / variance.sqrt();
    of(libm::erfc(z / std::f64::consts::SQRT_2), false)
}

/// The most entries of a table of counts.
const MOST_COUNTS: u128 = 1 << 22;

/// The share of all orders of m and n values that give a U of at most `u`, from Gauss' binomial: the product of (1 - qⁿ⁺ⁱ)/(1 - qⁱ) for i from 1 to m has the number of orders with
/// U = k as its coefficient of qᵏ. None where whole numbers of 128 bits or the table would not be enough.
fn lower_tail(m: usize, n: usize, u: u128) -> Option<f64> {
    // n + m over m: each product is a whole number again.
    let orders = (1..=m as u128).try_fold(1u128, |all, i| Some(all.checked_mul(n as u128 + i)? / i))?;
    if u >= MOST_COUNTS {
        return None;
    }
    let mut counts = vec![0u128; u as usize + 1];
    counts[0] = 1;
    for i in 1..=m {
        // Sums in between may wrap; what comes out is a count and does not.
        for k in (n + i..counts.len()).rev() {
            counts[k] = counts[k].wrapping_sub(counts[k - n - i]);
        }
        for k in i..counts.len() {
            counts[k] = counts[k].wrapping_add(counts[k - i]);
        }
    }
    let below = counts.iter().fold(0u128, |sum, count| sum.wrapping_add(*count));
    Some(below as f64 / orders as f64)
}
