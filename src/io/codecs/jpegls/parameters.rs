//! The numbers that a scan is coded with: what its header and a preset give, what follows from them (A.2.1), and the defaults (C.2.4.1.1).

use super::bits::Escape;

/// A preset of the coding parameters (LSE, C.2.4.1); 0 stands for the default.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct JpegLsPreset {
    pub(super) maxval: u16,
    pub(super) thresholds: [u16; 3],
    pub(super) reset: u16,
}

/// What samples, errors and contexts of a scan are measured by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parameters {
    /// MAXVAL: the largest sample.
    pub(super) maxval: i32,
    /// NEAR: how far a sample may be from the truth.
    pub(super) near: i32,
    /// T1, T2, T3: where the regions of gradients end.
    pub(super) thresholds: [i32; 3],
    /// RESET: after how many samples a context forgets half.
    pub(super) reset: i32,
    /// RANGE: how many values an error can take.
    pub(super) range: i32,
    /// LIMIT: the bits of the longest code.
    limit: u32,
    /// qbpp: the bits of a mapped error.
    error_bits: u32,
}

impl Parameters {
    /// None if the preset or NEAR lies outside of what C.2.3 and C.2.4.1.1 allow.
    pub(super) fn new(precision: u8, near: u8, preset: &JpegLsPreset) -> Option<Self> {
        let most = (1i32 << precision) - 1;
        let given = |value: u16| (value != 0).then_some(i32::from(value));
        let maxval = given(preset.maxval).unwrap_or(most);
        let near = i32::from(near);
        if maxval > most || near > 255.min(maxval / 2) {
            return None;
        }
        let defaults = default_thresholds(maxval, near);
        let thresholds: [i32; 3] = std::array::from_fn(|i| given(preset.thresholds[i]).unwrap_or(defaults[i]));
        let [t1, t2, t3] = thresholds;
        let ascend = near < t1 && t1 <= t2 && t2 <= t3 && t3 <= maxval;
        let reset = given(preset.reset).unwrap_or(64);
        if !ascend || !(3..=255.max(maxval)).contains(&reset) {
            return None;
        }
        let range = (maxval + 2 * near) / (2 * near + 1) + 1;
        let sample_bits = bits_for(maxval + 1).max(2);
        let limit = 2 * (sample_bits + sample_bits.max(8));
        Some(Self { maxval, near, thresholds, reset, range, limit, error_bits: bits_for(range) })
    }

    /// Where codes end that would be too long (A.5.3); `shorter` by the bits of the run before them (A.7.2).
    pub(super) fn escape(&self, shorter: u32) -> Escape {
        Escape { zeros: self.limit.saturating_sub(shorter + self.error_bits + 1), bits: self.error_bits }
    }

    /// What the sum of errors of every context begins with (A.2.1).
    pub(super) fn first_sum(&self) -> i32 {
        ((self.range + 32) / 64).max(2)
    }
}

/// ⌈log₂ n⌉.
fn bits_for(n: i32) -> u32 {
    (n - 1).checked_ilog2().map_or(0, |log| log + 1)
}

fn default_thresholds(maxval: i32, near: i32) -> [i32; 3] {
    const BASIC: [i32; 3] = [3, 7, 21];
    let wanted: [i32; 3] = std::array::from_fn(|i| {
        let (basic, smallest, nears) = (BASIC[i], 2 + i as i32, near * (3 + 2 * i as i32));
        if maxval >= 128 {
            let factor = (maxval.min(4095) + 128) / 256;
            factor * (basic - smallest) + smallest + nears
        } else {
            let factor = 256 / (maxval + 1);
            smallest.max(basic / factor + nears)
        }
    });
    let mut least = near + 1;
    wanted.map(|t| {
        if (least..=maxval).contains(&t) {
            least = t;
        }
        least
    })
}
