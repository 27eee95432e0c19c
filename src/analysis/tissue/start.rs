//! Where classes begin.

use super::classes::LevelSums;
use super::{LevelSpace, TissueClass};

/// The classes whose levels differ least within them: k-means in one dimension, the best there is, by dynamic programming over the cuts (Wang and Song 2011). In order of their means; fewer
/// than `classes` where there are fewer levels. Of two channels the first one is cut, and then Lloyd's rounds over both settle the classes.
pub fn start(counts: &[u64], classes: usize, space: LevelSpace) -> Vec<TissueClass> {
    let second = space.levels() / space.of_each();
    // Before each level of the first channel.
    let mut sums = vec![LevelSums::default()];
    let mut occupied = 0;
    for (x, counts) in counts.chunks(second).enumerate() {
        let mut own = sums[x];
        counts.iter().enumerate().filter(|(_, count)| **count > 0).for_each(|(y, count)| {
            own.add(space.of(x * second + y), *count as f64);
        });
        occupied += usize::from(counts.iter().any(|count| *count > 0));
        sums.push(own);
    }
    let classes = classes.min(occupied);
    if classes == 0 {
        return Vec::new();
    }
    let of = |from: usize, to: usize| sums[to].less(sums[from]);
    let cost = |from: usize, to: usize| {
        let LevelSums { n, x, xx, .. } = of(from, to);
        if n > 0.0 { (xx - x * x / n).max(0.0) } else { f64::INFINITY }
    };
    let levels = sums.len() - 1;
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
    let class = |pair: &[usize]| TissueClass::of_sums(of(pair[0], pair[1]), sums[levels].n, space);
    let mut found: Vec<TissueClass> = ends.windows(2).filter_map(class).collect();
    if space == LevelSpace::Two {
        settle(counts, &mut found);
    }
    TissueClass::keep_apart(&mut found);
    found
}

/// Rounds after which means that still move are taken as they are.
const MOST_ROUNDS: usize = 100;

/// Lloyd's rounds over both channels: each level belongs to the class whose mean is nearest, of several the first, until none changes.
fn settle(counts: &[u64], classes: &mut [TissueClass]) {
    let occupied: Vec<([f64; 2], f64)> =
        (0..).zip(counts).filter(|(_, n)| **n > 0).map(|(at, n)| (LevelSpace::Two.of(at), *n as f64)).collect();
    let all: f64 = occupied.iter().map(|(_, n)| n).sum();
    for _ in 0..MOST_ROUNDS {
        let mut sums = vec![LevelSums::default(); classes.len()];
        for (level, n) in &occupied {
            let off = |class: &TissueClass| (0..2).map(|i| (level[i] - class.of_channel(i).0).powi(2)).sum::<f64>();
            let nearest = (0..classes.len()).min_by(|a, b| off(&classes[*a]).total_cmp(&off(&classes[*b])));
            nearest.into_iter().for_each(|class| sums[class].add(*level, *n));
        }
        let before = classes.to_vec();
        for (class, sums) in classes.iter_mut().zip(sums) {
            *class = TissueClass::of_sums(sums, all, LevelSpace::Two).unwrap_or(*class);
        }
        if *classes == before[..] {
            break;
        }
    }
}
