//! Combining masks on one thread of the CPU.

/// How two masks become one, voxel by voxel: a truth table, so every function of two masks can be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Bit 2 a + b is the result for a and b.
    truth: u8,
}

impl Rule {
    /// In both masks.
    pub const AND: Self = Self { truth: 0b1000 };
    /// In one of the masks, or in both.
    pub const OR: Self = Self { truth: 0b1110 };
    /// In one of the masks, not in both.
    pub const XOR: Self = Self { truth: 0b0110 };
    /// Not in the first mask, whatever the second is.
    pub const NOT: Self = Self { truth: 0b0011 };

    /// The opposite: [`Rule::AND`] inverted is "not in both".
    #[must_use]
    pub const fn inverted(self) -> Self {
        Self { truth: !self.truth & 0b1111 }
    }

    /// Bit 2 a + b is the result for a and b.
    pub const fn truth(self) -> u8 {
        self.truth
    }
}

/// Combines the mask in `first` with `second`, each one byte a voxel (non-zero selects), into `first`: 0 or 1.
///
/// # Panics
/// If the masks have different lengths.
pub fn combine(rule: Rule, first: &mut [u8], second: &[u8]) {
    assert_eq!(first.len(), second.len(), "masks of different lengths");
    // The four entries of the truth table as 0 or 1; the formula is the table written out, without a branch or a look-up.
    let [neither, b_only, a_only, both] = [0, 1, 2, 3].map(|i| rule.truth >> i & 1);
    for (a, b) in first.iter_mut().zip(second) {
        let (x, y) = (u8::from(*a != 0), u8::from(*b != 0));
        let (no_x, no_y) = (x ^ 1, y ^ 1);
        *a = neither & no_x & no_y | b_only & no_x & y | a_only & x & no_y | both & x & y;
    }
}
