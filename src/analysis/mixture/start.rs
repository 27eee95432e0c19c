//! Where EM starts.

use std::ops::Range;

use super::{Component, Start};

/// The first components for data given as (value, count), ascending, at least as many values as classes. `inner` takes a mean
/// that the caller gave to the coordinate of the data.
pub(super) fn components(
    data: &[(f64, f64)],
    start: &Start,
    classes: usize,
    inner: impl Fn(f64) -> f64,
    floor: f64,
) -> Vec<Component> {
    let sums = PrefixSums::of(data);
    let even = |class: usize| class as f64 / classes as f64;
    // Half as many in each class as in the one before.
    let halving = |class: usize| (1.0 - 0.5f64.powi(class as i32)) / (1.0 - 0.5f64.powi(classes as i32));
    let runs = match start {
        Start::Quantile => quantiles(&sums, classes),
        Start::KMeans => lloyd(data, &sums, quantiles(&sums, classes)),
        Start::Even => parted(&distances(data), classes, even),
        Start::Roots => parted(&summed(data.iter().map(|d| d.1.sqrt())), classes, even),
        Start::Falling => parted(&sums.counts(), classes, halving),
        Start::Rising => parted(&sums.counts(), classes, |class| 1.0 - halving(classes - class)),
        Start::Means(means) => return around(data, &means.iter().map(|m| inner(*m)).collect::<Vec<_>>(), floor),
        Start::Broad if classes > 1 => return broad(&sums, classes, floor),
        Start::Best | Start::Otsu | Start::Broad | Start::Split => optimum(&sums, classes),
    };
    runs.into_iter().map(|run| sums.component(&run, floor)).collect()
}

/// The optimal runs of one class fewer, half as wide, and a class of all voxels.
fn broad(sums: &PrefixSums, classes: usize, floor: f64) -> Vec<Component> {
    let mut all: Vec<Component> = optimum(sums, classes - 1).iter().map(|run| sums.component(run, floor)).collect();
    all.iter_mut().for_each(|c| c.variance = (c.variance / 4.0).max(floor));
    all.push(sums.component(&(0..sums.values()), floor));
    let share = 1.0 - 1.0 / classes as f64;
    let weight = |(j, c): (usize, &Component)| if j + 1 == classes { 1.0 - share } else { share * c.weight };
    let weights: Vec<f64> = all.iter().enumerate().map(weight).collect();
    all.iter_mut().zip(weights).for_each(|(c, weight)| c.weight = weight);
    all
}

/// PrefixSums over the values before each: counts, values, squares.
struct PrefixSums(Vec<[f64; 3]>);

impl PrefixSums {
    fn of(data: &[(f64, f64)]) -> Self {
        let mut all = vec![[0.0; 3]];
        let mut sum = [0.0; 3];
        for (value, n) in data {
            sum = [sum[0] + n, sum[1] + n * value, sum[2] + n * value * value];
            all.push(sum);
        }
        Self(all)
    }

    fn values(&self) -> usize {
        self.0.len() - 1
    }

    fn counts(&self) -> Vec<f64> {
        self.0.iter().map(|s| s[0]).collect()
    }

    fn over(&self, from: usize, to: usize) -> [f64; 3] {
        std::array::from_fn(|i| self.0[to][i] - self.0[from][i])
    }

    fn mean(&self, run: &Range<usize>) -> f64 {
        let [n, sum, _] = self.over(run.start, run.end);
        sum / n
    }

    /// Sum of squared distances from the mean.
    fn spread(&self, from: usize, to: usize) -> f64 {
        let [n, sum, squares] = self.over(from, to);
        (squares - sum * sum / n).max(0.0)
    }

    fn component(&self, run: &Range<usize>, floor: f64) -> Component {
        let n = self.over(run.start, run.end)[0];
        let total = self.0[self.values()][0];
        // A floor of 0 (true floats) must not let a class of one value start without width.
        let least = floor.max(1e-12);
        Component { weight: n / total, mean: self.mean(run), variance: (self.spread(run.start, run.end) / n).max(least) }
    }
}

fn ranges(ends: &[usize]) -> Vec<Range<usize>> {
    let starts = std::iter::once(0).chain(ends.iter().copied());
    starts.zip(ends).map(|(from, to)| from..*to).collect()
}

/// Runs of as nearly equal numbers of voxels as whole values allow.
fn quantiles(sums: &PrefixSums, classes: usize) -> Vec<Range<usize>> {
    parted(&sums.counts(), classes, |class| class as f64 / classes as f64)
}

/// How far each value lies from the first; then the last once more, as the whole.
fn distances(data: &[(f64, f64)]) -> Vec<f64> {
    data.iter().chain(data.last()).map(|d| d.0 - data[0].0).collect()
}

/// The sum before each and of all.
fn summed(parts: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut sum = 0.0;
    let ends = parts.map(|part| {
        sum += part;
        sum
    });
    std::iter::once(0.0).chain(ends).collect()
}

/// Runs of values that end as near to these parts of a measure as those left to them allow; none is empty. `measure` is what lies before each
/// value, and of all.
fn parted(measure: &[f64], classes: usize, part: impl Fn(usize) -> f64) -> Vec<Range<usize>> {
    let (values, total) = (measure.len() - 1, measure[measure.len() - 1]);
    let mut ends: Vec<usize> = Vec::new();
    for class in 1..=classes {
        let wanted = total * part(class);
        let first = ends.last().map_or(1, |e| e + 1);
        let last = values - (classes - class);
        let above = measure.partition_point(|s| *s < wanted);
        let nearer = above > 0 && wanted - measure[above - 1] < measure[above.min(values)] - wanted;
        ends.push((above - usize::from(nearer)).clamp(first, last));
    }
    // The last run takes what is left.
    if let Some(end) = ends.last_mut() {
        *end = values;
    }
    ranges(&ends)
}

/// The runs with the least sum of squares within, by dynamic programming; the best cut moves up with the end of the values
/// looked at, so that each class costs values · log(values).
fn optimum(sums: &PrefixSums, classes: usize) -> Vec<Range<usize>> {
    let values = sums.values();
    let mut cost: Vec<f64> = (0..=values).map(|end| if end == 0 { 0.0 } else { sums.spread(0, end) }).collect();
    let mut cuts: Vec<Vec<usize>> = Vec::new();
    for class in 1..classes {
        let mut layer = Layer { sums, before: &cost, cost: vec![f64::INFINITY; values + 1], cuts: vec![0; values + 1] };
        layer.solve(class + 1, values, class, values - 1);
        cuts.push(layer.cuts);
        cost = layer.cost;
    }
    let mut ends = vec![values];
    for layer in cuts.iter().rev() {
        ends.push(layer[ends[ends.len() - 1]]);
    }
    ends.reverse();
    ranges(&ends)
}

struct Layer<'a> {
    sums: &'a PrefixSums,
    /// Least cost of the values before an end with one class fewer.
    before: &'a [f64],
    cost: Vec<f64>,
    cuts: Vec<usize>,
}

impl Layer<'_> {
    /// The best cuts for the ends `low..=high`, known to lie in `first..=last`.
    fn solve(&mut self, low: usize, high: usize, first: usize, last: usize) {
        if low > high {
            return;
        }
        let end = low + (high - low) / 2;
        for cut in first..=last.min(end - 1) {
            let cost = self.before[cut] + self.sums.spread(cut, end);
            if cost < self.cost[end] {
                (self.cost[end], self.cuts[end]) = (cost, cut);
            }
        }
        let cut = self.cuts[end];
        self.solve(low, end - 1, first, cut);
        self.solve(end + 1, high, cut, last);
    }
}

/// Lloyd's iterations until no value changes its run.
fn lloyd(data: &[(f64, f64)], sums: &PrefixSums, mut runs: Vec<Range<usize>>) -> Vec<Range<usize>> {
    // Each round lowers the sum of squares, so it ends; the bound is against rounding.
    for _ in 0..10_000 {
        let means: Vec<f64> = runs.iter().map(|r| sums.mean(r)).collect();
        let cut = |pair: &[f64]| data.partition_point(|(v, _)| *v <= f64::midpoint(pair[0], pair[1]));
        let mut ends: Vec<usize> = means.windows(2).map(cut).collect();
        ends.push(data.len());
        let next = ranges(&ends);
        if next == runs || next.iter().any(Range::is_empty) {
            break;
        }
        runs = next;
    }
    runs
}

/// Equal weights, the given means, and the mean squared distance from the nearest of them.
fn around(data: &[(f64, f64)], means: &[f64], floor: f64) -> Vec<Component> {
    let total: f64 = data.iter().map(|d| d.1).sum();
    let nearest = |v: f64| means.iter().map(|m| (v - m) * (v - m)).fold(f64::INFINITY, f64::min);
    let variance = (data.iter().map(|(v, n)| n * nearest(*v)).sum::<f64>() / total).max(floor).max(1e-12);
    means.iter().map(|mean| Component { weight: 1.0 / means.len() as f64, mean: *mean, variance }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::noise;

    fn data(n: u64, seed: u64) -> Vec<(f64, f64)> {
        (0..n).map(|i| ((i * i % 97) as f64 / 7.0 + i as f64, 1.0 + (noise(seed + i) % 50) as f64)).collect()
    }

    /// Every way to cut the values.
    fn exhaustive(sums: &PrefixSums, from: usize, classes: usize) -> f64 {
        let values = sums.values();
        if classes == 1 {
            return sums.spread(from, values);
        }
        let cost = |cut: usize| sums.spread(from, cut) + exhaustive(sums, cut, classes - 1);
        (from + 1..=values - (classes - 1)).map(cost).fold(f64::INFINITY, f64::min)
    }

    #[test]
    fn the_optimum_is_that_of_an_exhaustive_search_and_lloyd_is_no_better() {
        for seed in 0..6 {
            let mut d = data(14, seed * 1000);
            d.sort_by(|a, b| a.0.total_cmp(&b.0));
            let sums = PrefixSums::of(&d);
            let cost = |runs: &[Range<usize>]| runs.iter().map(|r| sums.spread(r.start, r.end)).sum::<f64>();
            for classes in 1..=5 {
                let best = exhaustive(&sums, 0, classes);
                let found = cost(&optimum(&sums, classes));
                assert!((found - best).abs() <= 1e-9 * best.max(1.0), "{seed} {classes}: {found} {best}");
                let quantile = quantiles(&sums, classes);
                assert_eq!((quantile.len(), quantile[classes - 1].end), (classes, 14));
                let lloyd = cost(&lloyd(&d, &sums, quantile.clone()));
                assert!(lloyd >= best - 1e-9 && lloyd <= cost(&quantile) + 1e-9);
            }
        }
    }

    #[test]
    fn quantiles_keep_values_whole_and_no_run_empty() {
        // Nine of ten voxels hold the first value: the other runs take one value at least.
        let d = [(0.0, 90.0), (1.0, 3.0), (2.0, 3.0), (3.0, 4.0)];
        assert_eq!(quantiles(&PrefixSums::of(&d), 3), [0..1, 1..2, 2..4]);
        let d = [(0.0, 1.0), (1.0, 1.0), (2.0, 90.0)];
        assert_eq!(quantiles(&PrefixSums::of(&d), 3), [0..1, 1..2, 2..3]);
        let even: Vec<(f64, f64)> = (0..9).map(|i| (f64::from(i), 5.0)).collect();
        assert_eq!(quantiles(&PrefixSums::of(&even), 3), [0..3, 3..6, 6..9]);
    }
}
