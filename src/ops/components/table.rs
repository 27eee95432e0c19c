//! What is known of a component.

/// A component: its size and place in voxels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComponentFacts {
    pub voxels: u64,
    /// Linear index of its first voxel, x fastest.
    pub first: u64,
    /// Lowest x, y and z.
    pub low: [u32; 3],
    /// Highest x, y and z, which are inside.
    pub high: [u32; 3],
    /// Sums of x, y and z over its voxels: divided by `voxels` they are its centre.
    pub sums: [u64; 3],
    /// The value of its voxels if they are labels; else 1.
    pub value: u32,
}

impl ComponentFacts {
    pub(super) const EMPTY: Self = Self { voxels: 0, first: u64::MAX, low: [u32::MAX; 3], high: [0; 3], sums: [0; 3], value: 1 };

    /// Both together.
    pub(super) fn add(&mut self, other: &Self) {
        self.voxels += other.voxels;
        self.first = self.first.min(other.first);
        for axis in 0..3 {
            self.low[axis] = self.low[axis].min(other.low[axis]);
            self.high[axis] = self.high[axis].max(other.high[axis]);
            self.sums[axis] += other.sums[axis];
        }
    }

    /// With the ones of a word, at least one, whose lowest bit has this `x`; place of the row and linear index of its start.
    #[inline(always)]
    pub(super) fn add_word(&mut self, bits: u64, x: usize, [y, z]: [usize; 2], start: usize) {
        let count = u64::from(bits.count_ones());
        let first = x + bits.trailing_zeros() as usize;
        self.voxels += count;
        self.first = self.first.min((start + first) as u64);
        let (low, high) = ([first, y, z], [x + 63 - bits.leading_zeros() as usize, y, z]);
        for axis in 0..3 {
            self.low[axis] = self.low[axis].min(low[axis] as u32);
            self.high[axis] = self.high[axis].max(high[axis] as u32);
        }
        self.sums[0] += x as u64 * count + places(bits);
        self.sums[1] += count * y as u64;
        self.sums[2] += count * z as u64;
    }
}

/// The sum of the places of ones: each bit of the place counts how many have it.
#[inline(always)]
fn places(bits: u64) -> u64 {
    const WITH: [u64; 6] = [
        0xaaaa_aaaa_aaaa_aaaa,
        0xcccc_cccc_cccc_cccc,
        0xf0f0_f0f0_f0f0_f0f0,
        0xff00_ff00_ff00_ff00,
        0xffff_0000_ffff_0000,
        0xffff_ffff_0000_0000,
    ];
    // From the highest bit on, doubled each time: a chain, which the compiler leaves to the instruction that counts instead of making worse vectors of it.
    WITH.iter().rev().fold(0, |sum, with| 2 * sum + u64::from((bits & with).count_ones()))
}
