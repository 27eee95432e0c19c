//! Our own random numbers: a place in a stream is a seed, a purpose and a number, so that nothing depends on the order in which threads ask, nor on what was
//! drawn before a training was resumed.

use sha2::{Digest, Sha256};

/// A stream of random numbers (SplitMix64, Steele et al. 2014).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The stream of one thing: of a seed, for a purpose, with a number.
    pub fn new(seed: u64, purpose: &str, number: u64) -> Self {
        let hash =
            Sha256::new().chain_update(seed.to_le_bytes()).chain_update(number.to_le_bytes()).chain_update(purpose).finalize();
        Self(hash.iter().take(8).fold(0, |all, byte| all << 8 | u64::from(*byte)))
    }

    /// 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From 0 to below 1.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// From `low` to below `high`.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Whether something of this probability happens.
    pub fn happens(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// A whole number below `n`, which is not 0.
    pub fn below(&mut self, n: usize) -> usize {
        // The high half of a product: off by at most n / 2^64.
        ((u128::from(self.bits()) * n as u128) >> 64) as usize
    }

    /// Normal, mean 0, variance 1 (Box and Muller 1958).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// Puts a list into a random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for i in (1..list.len()).rev() {
            list.swap(i, self.below(i + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_by_seed_purpose_and_number_and_repeat() {
        let first = |seed, purpose, number| Random::new(seed, purpose, number).bits();
        assert_eq!(first(1, "a", 2), first(1, "a", 2));
        let all = [first(1, "a", 2), first(2, "a", 2), first(1, "b", 2), first(1, "a", 3)];
        assert!((0..4).all(|i| (0..i).all(|j| all[i] != all[j])));
    }

    #[test]
    fn moments_are_those_of_the_distributions() {
        let mut random = Random::new(7, "moments", 0);
        let normal: Vec<f64> = (0..20_000).map(|_| random.normal()).collect();
        let mean = normal.iter().sum::<f64>() / 2e4;
        let variance = normal.iter().map(|x| x * x).sum::<f64>() / 2e4 - mean * mean;
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.04, "{mean} {variance}");
        let mut counts = [0; 5];
        (0..20_000).for_each(|_| counts[random.below(5)] += 1);
        assert!(counts.iter().all(|n| (3800..4200).contains(n)), "{counts:?}");
        let mut list: Vec<usize> = (0..50).collect();
        random.shuffle(&mut list);
        assert_ne!(list, (0..50).collect::<Vec<_>>());
        list.sort_unstable();
        assert_eq!(list, (0..50).collect::<Vec<_>>());
    }
}
