//! Values of given ranks among floats, exactly, in two passes: first the upper half of their keys is counted, then the lower one beside those that are wanted.

use crate::volume::Dtype;
use crate::volume::keys::{key, stored};

/// Halves of a key.
const HALF: usize = 1 << 16;

/// How many values have each upper half.
#[derive(Debug, Clone)]
pub(super) struct RankCounts(Vec<u64>);

/// How many values with the upper halves that are wanted have each lower half.
#[derive(Debug, Clone)]
pub(super) struct RankHalves(Vec<RankHalf>);

#[derive(Debug, Clone)]
struct RankHalf {
    upper: u32,
    /// Among the values with this upper half.
    rank: u64,
    counts: Vec<u64>,
}

fn key_of(value: f32) -> u32 {
    key(Dtype::F32, u64::from(value.to_bits())) as u32
}

impl RankCounts {
    pub fn new() -> Self {
        Self(vec![0; HALF])
    }

    pub fn count_values(&mut self, values: &[f32], inside: &[u8]) {
        values
            .iter()
            .zip(inside)
            .filter(|(_, own)| **own != 0)
            .for_each(|(value, _)| self.0[(key_of(*value) >> 16) as usize] += 1);
    }

    pub fn add(&mut self, more: &Self) {
        self.0.iter_mut().zip(&more.0).for_each(|(all, more)| *all += more);
    }

    pub fn count(&self) -> u64 {
        self.0.iter().sum()
    }

    /// What the second pass has to count for these ranks, from 0.
    pub fn halves(&self, ranks: &[u64]) -> RankHalves {
        let half = |rank: &u64| {
            let (upper, rank) = place(&self.0, *rank);
            RankHalf { upper, rank, counts: vec![0; HALF] }
        };
        RankHalves(ranks.iter().map(half).collect())
    }
}

impl RankHalves {
    pub fn count(&mut self, values: &[f32], inside: &[u8]) {
        for value in values.iter().zip(inside).filter(|(_, own)| **own != 0).map(|(value, _)| key_of(*value)) {
            for half in self.0.iter_mut().filter(|half| half.upper == value >> 16) {
                half.counts[value as usize % HALF] += 1;
            }
        }
    }

    pub fn add(&mut self, more: &Self) {
        for (all, more) in self.0.iter_mut().zip(&more.0) {
            all.counts.iter_mut().zip(&more.counts).for_each(|(all, more)| *all += more);
        }
    }

    /// In the order of the ranks.
    pub fn values(&self) -> Vec<f32> {
        let value = |half: &RankHalf| {
            let key = half.upper << 16 | place(&half.counts, half.rank).0;
            f32::from_bits(stored(Dtype::F32, u64::from(key)) as u32)
        };
        self.0.iter().map(value).collect()
    }
}

/// Where a rank lies among counts, and its rank there.
fn place(counts: &[u64], mut rank: u64) -> (u32, u64) {
    for (at, count) in counts.iter().enumerate() {
        if rank < *count {
            return (at as u32, rank);
        }
        rank -= count;
    }
    (counts.len() as u32 - 1, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_those_of_sorted_values() {
        let values: Vec<f32> = (0..5000u32)
            .map(|i| i.wrapping_mul(2_654_435_761))
            .map(|i| (i as f32 / 4e9 - 0.5) * (1.0 + (i % 7) as f32 * 1e3))
            .collect();
        let inside: Vec<u8> = (0..5000).map(|i| u8::from(i % 3 != 0)).collect();
        let mut sorted: Vec<f32> = values.iter().zip(&inside).filter(|(_, own)| **own != 0).map(|(value, _)| *value).collect();
        sorted.sort_by(f32::total_cmp);
        let mut ranks = RankCounts::new();
        let mut more = RankCounts::new();
        ranks.count_values(&values[..2000], &inside[..2000]);
        more.count_values(&values[2000..], &inside[2000..]);
        ranks.add(&more);
        assert_eq!(ranks.count(), sorted.len() as u64);
        let wanted = [0, 1, 3, 1700, sorted.len() as u64 - 1];
        let mut halves = ranks.halves(&wanted);
        let mut more = halves.clone();
        halves.count(&values[..700], &inside[..700]);
        more.count(&values[700..], &inside[700..]);
        halves.add(&more);
        assert_eq!(halves.values(), wanted.map(|rank| sorted[rank as usize]));
    }
}
