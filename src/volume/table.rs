//! A lookup table from stored values to results: every point-wise method ends as one of these.

use super::Dtype;

/// One result for each value of an 8- or 16-bit integer type (or for each bin of an f32 histogram).
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    from: Dtype,
    to: Dtype,
    /// Result `i`, for input `from.first() + i`, as the bits of type `to`, zero-extended to 32.
    entries: Vec<u32>,
}

impl Table {
    /// The table whose entry for stored value `v` is `f(v)`, rounded to nearest, ties to even, and clamped to the range of `to`
    /// (u8, u16 or i16; f32 is rounded to f32). NaN becomes 0 for integer results.
    pub fn from_fn(from: Dtype, to: Dtype, mut f: impl FnMut(i32) -> f64) -> Self {
        assert!(from.is_small_integer(), "a table needs an 8- or 16-bit integer type, not {from}");
        let first = from.first();
        Self { from, to, entries: (0..from.values()).map(|i| encode(to, f(first + i as i32))).collect() }
    }

    /// A table over the bins of an f32 histogram: entry `i` is `f(i)`, encoded as in [`Table::from_fn`].
    pub fn from_bins(bins: usize, to: Dtype, mut f: impl FnMut(usize) -> f64) -> Self {
        Self { from: Dtype::F32, to, entries: (0..bins).map(|i| encode(to, f(i))).collect() }
    }

    /// Type of the input: an 8- or 16-bit integer, or f32 for a table over bins.
    pub fn from(&self) -> Dtype {
        self.from
    }

    /// Type of the output: u8, u16, i16 or f32.
    pub fn to(&self) -> Dtype {
        self.to
    }

    /// The entries as bits of the output type, zero-extended.
    pub fn entries(&self) -> &[u32] {
        &self.entries
    }

    /// The result for a stored value of an integer type, as a number.
    pub fn get(&self, stored: i32) -> f64 {
        decode(self.to, self.entries[(stored - self.from.first()) as usize])
    }

    /// This table, then `next`: one table that does both. `next` must take what this one gives.
    pub fn then(&self, next: &Table) -> Self {
        assert_eq!(self.to, next.from, "tables do not fit together");
        let offset = next.from.first();
        let entries = self.entries.iter().map(|&e| next.entries[(decode(self.to, e) as i32 - offset) as usize]).collect();
        Self { from: self.from, to: next.to, entries }
    }
}

fn encode(to: Dtype, value: f64) -> u32 {
    // `as` saturates and takes NaN to 0.
    let rounded = value.round_ties_even();
    match to {
        Dtype::U8 => u32::from(rounded as u8),
        Dtype::U16 => u32::from(rounded as u16),
        Dtype::I16 => u32::from(rounded as i16 as u16),
        Dtype::F32 => (value as f32).to_bits(),
        other => panic!("tables give uint8, uint16, int16 or float32, not {other}"),
    }
}

fn decode(to: Dtype, bits: u32) -> f64 {
    match to {
        Dtype::I16 => f64::from(bits as u16 as i16),
        Dtype::F32 => f64::from(f32::from_bits(bits)),
        _ => f64::from(bits),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_round_to_even_and_clamp() {
        let t = Table::from_fn(Dtype::I8, Dtype::U8, |v| f64::from(v) + 0.5);
        assert_eq!((t.get(0), t.get(1), t.get(2), t.get(-5)), (0.0, 2.0, 2.0, 0.0));
        assert_eq!(Table::from_fn(Dtype::I16, Dtype::I16, f64::from).get(-300), -300.0);
        assert_eq!(Table::from_fn(Dtype::U8, Dtype::F32, |v| f64::from(v) / 3.0).get(1), f64::from(1.0_f32 / 3.0));
        assert_eq!(Table::from_fn(Dtype::U8, Dtype::U16, |_| f64::NAN).get(7), 0.0);
    }

    #[test]
    fn two_tables_make_one() {
        let a = Table::from_fn(Dtype::U8, Dtype::I16, |v| f64::from(v) - 100.0);
        let b = Table::from_fn(Dtype::I16, Dtype::U16, |v| f64::from(v * v));
        let both = a.then(&b);
        for v in 0..256 {
            assert_eq!(both.get(v), b.get(a.get(v) as i32));
        }
    }
}
