//! Contrast limited adaptive equalisation, the decision: the levels of a tile from its histogram, as OpenCV decides them.
//!
//! Each tile's histogram is cut at a limit; what was above it is spread evenly over all bins, and what is left over goes to single bins at even steps from the first
//! on. With S(b) the voxels up to bin b after that, n all of them and `top` the largest level, `level(b) = round(S(b) · (top / n))`, one f32 quotient and one f32
//! product, ties to even: that is where OpenCV rounds, and both are the same on every machine.
//!
//! Only bins that occur are visited, whatever their number: how much was spread over those between them is known without counting.

mod slots;

pub use slots::{SlotValues, Slots};

/// Slots whose sums are made before their levels.
const TOGETHER: usize = 256;

/// How the levels of a tile are decided.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClipRule {
    /// Bins of the histogram, those in which nothing lies among them.
    pub bins: u32,
    /// A bin keeps at most so many times its even share of the tile's voxels, and one at least; 0 for no limit.
    pub clip: f64,
    /// The largest level: 255 or 65,535.
    pub top: u16,
}

impl ClipRule {
    /// Most voxels that a bin keeps, in a tile of `voxels` that count.
    pub fn limit(&self, voxels: u64) -> u32 {
        if self.clip <= 0.0 {
            return u32::MAX;
        }
        // Casts of floats stop at the limits of the type.
        ((self.clip * voxels as f64 / f64::from(self.bins)) as u32).max(1)
    }

    /// The levels of a tile's slots, whose bins ascend, from how many of its voxels lie in each; whether any does. The two entries behind those of the slots are for
    /// what lies below and above all bins.
    ///
    /// # Panics
    /// If `bins` or `levels` do not have the slots' number.
    pub fn levels(&self, counts: &[u32], bins: &[u32], levels: &mut [u16]) -> bool {
        assert_eq!((bins.len(), levels.len()), (counts.len(), counts.len() + 2), "levels of other slots");
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the CPU has AVX2, as was asked one line above; the function is safe in every other way.
            return unsafe { self.levels_avx2(counts, bins, levels) };
        }
        self.levels_portable(counts, bins, levels)
    }

    /// The same code; with AVX2 a rounding is one instruction.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn levels_avx2(&self, counts: &[u32], bins: &[u32], levels: &mut [u16]) -> bool {
        self.levels_portable(counts, bins, levels)
    }

    #[inline(always)]
    fn levels_portable(&self, counts: &[u32], bins: &[u32], levels: &mut [u16]) -> bool {
        let voxels: u64 = counts.iter().map(|n| u64::from(*n)).sum();
        let (levels, ends) = levels.split_at_mut(counts.len());
        ends.copy_from_slice(&[0, self.top]);
        if voxels == 0 {
            levels.fill(0);
            return false;
        }
        let (limit, all) = (self.limit(voxels), u64::from(self.bins));
        let clipped: u64 = counts.iter().map(|n| u64::from(n.saturating_sub(limit))).sum();
        let (each, rest) = (clipped / all, clipped % all);
        let step = all.checked_div(rest).unwrap_or(all).max(1);
        // Bins and steps are at most 2¹⁶, so that this quotient is the whole one.
        let inverse = (1u64 << 32).div_ceil(step);
        let (scale, few) = (f32::from(self.top) / voxels as f32, voxels < 1 << 31);
        // Sums first, which wait for each other, then levels, which do not: the compiler makes vectors of them.
        let mut sum = 0;
        let mut sums = [0u64; TOGETHER];
        for ((counts, bins), levels) in counts.chunks(TOGETHER).zip(bins.chunks(TOGETHER)).zip(levels.chunks_mut(TOGETHER)) {
            for (count, upto) in counts.iter().zip(&mut sums) {
                sum += u64::from((*count).min(limit));
                *upto = sum;
            }
            for ((bin, upto), level) in bins.iter().zip(&sums).zip(levels) {
                let bin = u64::from(*bin);
                let spread = each * (bin + 1) + rest.min(((bin * inverse) >> 32) + 1);
                // A sum of less than 2³¹ is as exact from 32 bits, in fewer instructions.
                let voxels = upto + spread;
                let voxels = if few { voxels as i32 as f32 } else { voxels as f32 };
                *level = (voxels * scale).round_ties_even() as i32 as u16;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests;
