//! Where classes begin.

use super::TissueClass;

/// The classes whose levels differ least within them: k-means in one dimension, the best there is, by dynamic programming over the cuts (Wang and Song 2011). In order of their means; fewer
/// than `classes` where there are fewer levels.
pub fn start(counts: &[u64], classes: usize) -> Vec<TissueClass> {
    let occupied = counts.iter().filter(|count| **count > 0).count();
    let classes = classes.min(occupied);
    if classes == 0 {
        return Vec::new();
    }
    // Sums of counts, levels and their squares before each level.
    let mut sums = vec![[0.0; 3]];
    for (level, count) in counts.iter().enumerate() {
        let (n, x) = (*count as f64, level as f64);
        let [a, b, c] = sums[level];
        sums.push([a + n, b + n * x, c + n * x * x]);
    }
    let of = |from: usize, to: usize| std::array::from_fn::<f64, 3, _>(|i| sums[to][i] - sums[from][i]);
    let cost = |from: usize, to: usize| {
        let [n, x, xx] = of(from, to);
        if n > 0.0 { (xx - x * x / n).max(0.0) } else { f64::INFINITY }
    };
    let levels = counts.len();
    let mut costs: Vec<f64> = (0..=levels).map(|to| cost(0, to)).collect();
    let mut cuts = Vec::new();
    for _ in 1..classes {
        let mut next = vec![(f64::INFINITY, 0); levels + 1];
        for (to, best) in next.iter_mut().enumerate() {
            for (from, before) in costs[..to].iter().enumerate() {
                let own = before + cost(from, to);
                if own < best.0 {
                    *best = (own, from);
                }
            }
        }
        costs = next.iter().map(|(cost, _)| *cost).collect();
        cuts.push(next);
    }
    let mut ends = vec![levels];
    for cuts in cuts.iter().rev() {
        ends.push(cuts[ends[ends.len() - 1]].1);
    }
    ends.push(0);
    ends.reverse();
    let class = |pair: &[usize]| TissueClass::of_sums(of(pair[0], pair[1]), sums[levels][0]);
    let mut found: Vec<TissueClass> = ends.windows(2).filter_map(class).collect();
    TissueClass::keep_apart(&mut found);
    found
}
