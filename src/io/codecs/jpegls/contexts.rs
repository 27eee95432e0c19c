//! What the decoder learns of the image while it goes: contexts and their statistics (A.3, A.6, A.7.2).

use super::parameters::Parameters;

/// Contexts of the regular mode: of 9 x 9 x 9 regions, those of opposite sign together (A.3.4).
pub(super) const REGULAR: usize = 365;

/// Gradients by region (A.3.3): -4 to 4.
pub(super) struct Regions {
    /// From -MAXVAL to MAXVAL.
    table: Vec<i8>,
    zero: i32,
}

impl Regions {
    pub(super) fn new(parameters: &Parameters) -> Self {
        let Parameters { maxval, near, thresholds: [t1, t2, t3], .. } = *parameters;
        let region = |gradient: i32| {
            let size = gradient.abs();
            let steps = [size > near, size >= t1, size >= t2, size >= t3];
            (gradient.signum() * steps.into_iter().map(i32::from).sum::<i32>()) as i8
        };
        Self { table: (-maxval..=maxval).map(region).collect(), zero: maxval }
    }

    /// The context of three gradients, negative where the signs are turned round (A.3.4); 0 begins a run.
    #[inline(always)]
    pub(super) fn context(&self, around: Around) -> i32 {
        let Around { a, b, c, d } = around;
        81 * self.of(d - b) + 9 * self.of(b - c) + self.of(c - a)
    }

    #[inline(always)]
    fn of(&self, gradient: i32) -> i32 {
        i32::from(self.table[(gradient + self.zero) as usize])
    }
}

/// The samples that are known around the next one (figure 3): left, above, above to the left, above to the right.
#[derive(Debug, Clone, Copy)]
pub(super) struct Around {
    pub(super) a: i32,
    pub(super) b: i32,
    pub(super) c: i32,
    pub(super) d: i32,
}

impl Around {
    /// The edge-detecting prediction (A.4.1).
    #[inline(always)]
    pub(super) fn predicted(self) -> i32 {
        let (low, high) = (self.a.min(self.b), self.a.max(self.b));
        (self.a + self.b - self.c).clamp(low, high)
    }
}

/// One context of the regular mode.
#[derive(Debug, Clone, Copy)]
pub(super) struct RegularContext {
    /// A: the sum of the sizes of errors.
    sum: i32,
    /// B: the sum of errors that the correction leaves.
    bias: i32,
    /// C: what corrects the prediction.
    pub(super) correction: i32,
    /// N: how often the context was met.
    count: i32,
}

impl RegularContext {
    pub(super) fn new(parameters: &Parameters) -> Self {
        Self { sum: parameters.first_sum(), bias: 0, correction: 0, count: 1 }
    }

    /// k: how many bits of an error are not worth a prefix code (A.5.1).
    #[inline(always)]
    pub(super) fn k(&self) -> u32 {
        golomb_k(self.count, self.sum)
    }

    /// The error that was mapped to a number without sign (A.5.2).
    #[inline(always)]
    pub(super) fn unmapped(&self, mapped: u32, k: u32, near: i32) -> i32 {
        let error = (mapped >> 1) as i32 ^ -((mapped & 1) as i32);
        let turned = near == 0 && k == 0 && 2 * self.bias <= -self.count;
        error ^ -i32::from(turned)
    }

    /// Learns an error (A.6.1) and corrects the bias (A.6.2).
    #[inline(always)]
    pub(super) fn learn(&mut self, error: i32, parameters: &Parameters) {
        self.bias += error * (2 * parameters.near + 1);
        self.sum += error.abs();
        if self.count == parameters.reset {
            self.sum >>= 1;
            self.bias >>= 1;
            self.count >>= 1;
        }
        self.count += 1;
        if self.bias <= -self.count {
            self.bias = (self.bias + self.count).max(1 - self.count);
            self.correction = (self.correction - 1).max(-128);
        } else if self.bias > 0 {
            self.bias = (self.bias - self.count).min(0);
            self.correction = (self.correction + 1).min(127);
        }
    }
}

/// One context of samples that end a run.
#[derive(Debug, Clone, Copy)]
pub(super) struct RunContext {
    sum: i32,
    count: i32,
    /// Nn: how many errors were negative.
    negative: i32,
    /// RItype: 1 where left and above are alike.
    kind: i32,
}

impl RunContext {
    pub(super) fn new(parameters: &Parameters, kind: i32) -> Self {
        Self { sum: parameters.first_sum(), count: 1, negative: 0, kind }
    }

    /// k of A.7.2.1.
    pub(super) fn k(&self) -> u32 {
        golomb_k(self.count, self.sum + self.kind * (self.count >> 1))
    }

    /// The error behind a mapped one: the mapping of A.7.2.2 backwards.
    pub(super) fn unmapped(&self, mapped: u32, k: u32) -> i32 {
        let doubled = mapped as i32 + self.kind;
        let size = (doubled + 1) / 2;
        // An odd number is the likelier sign: negative, but for the first errors of a context that saw few negative ones.
        let likely_positive = k == 0 && 2 * self.negative < self.count;
        if (doubled & 1 == 1) == likely_positive { size } else { -size }
    }

    /// Learns an error and its mapping (A.7.2.3).
    pub(super) fn learn(&mut self, error: i32, mapped: u32, parameters: &Parameters) {
        self.negative += i32::from(error < 0);
        self.sum += (mapped as i32 + 1 - self.kind) >> 1;
        if self.count == parameters.reset {
            self.sum >>= 1;
            self.count >>= 1;
            self.negative >>= 1;
        }
        self.count += 1;
    }
}

/// The least k with count · 2ᵏ ≥ sum.
#[inline(always)]
fn golomb_k(count: i32, sum: i32) -> u32 {
    let k = count.leading_zeros().saturating_sub(sum.leading_zeros());
    k + u32::from(count << k < sum)
}
