//! Which images a step sees, and in what order.

use std::ops::Range;

use crate::random::Random;

/// The images of an epoch in a random order.
pub fn order(seed: u64, epoch: usize, images: usize) -> Vec<usize> {
    let mut all: Vec<usize> = (0..images).collect();
    Random::new(seed, "order", epoch as u64).shuffle(&mut all);
    all
}

/// Batches of `size`, or a little more or less, so that none is much smaller than the others.
pub fn ranges(images: usize, size: usize) -> Vec<Range<usize>> {
    let count = ((images as f64 / size as f64).round() as usize).max(1);
    (0..count).map(|i| i * images / count..(i + 1) * images / count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_image_is_seen_once() {
        for (images, size) in [(100, 64), (64, 64), (1, 64), (4708, 64), (95, 64)] {
            let all = ranges(images, size);
            assert_eq!(all.iter().map(Range::len).sum::<usize>(), images);
            assert!(all.iter().all(|r| r.len() <= size * 3 / 2 && !r.is_empty()), "{images} {all:?}");
        }
        let mut seen = order(1, 2, 50);
        assert_ne!(seen, order(1, 3, 50));
        seen.sort_unstable();
        assert_eq!(seen, (0..50).collect::<Vec<_>>());
    }
}
