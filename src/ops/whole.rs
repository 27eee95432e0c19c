//! Stored voxels as the whole numbers that sums of neighbours are made of.
//!
//! The CPU computes such sums in f64, but only in whole numbers of at most 2⁵³, which it holds exactly: neither their order nor the fusing of multiplications
//! with additions can change a bit. Floats that come here are **levels**: whole numbers below 2²⁴ in size, as float32, and NaN where there is no number. True
//! floats become levels before , so that sums of any type are exact.

use std::ops::{Add, Range, Sub};

use crate::volume::Dtype;

/// The greatest level; the least is its negative.
pub const MOST_LEVEL: u32 = (1 << 24) - 1;

/// The canonical NaN: what a window gives that holds a NaN.
pub const NO_NUMBER: f32 = f32::NAN;

/// A stored type of so many bytes.
pub trait Whole<const BYTES: usize> {
    /// What holds its numbers, and sums of them in any window.
    type Summand: Summand;

    /// The whole number that is stored.
    fn load(bytes: [u8; BYTES]) -> Self::Summand;
    /// Of a whole number that the type has, or of NaN if it is of floats.
    fn store(whole: f64) -> [u8; BYTES];
}

/// Whole numbers, and NaN where a type has it.
pub trait Summand: Copy + Default + Add<Output = Self> + Sub<Output = Self> {
    /// Exactly the same number.
    fn wide(self) -> f64;
    /// The same, 0 for NaN.
    fn or_zero(self) -> Self;
}

impl Summand for i32 {
    #[inline(always)]
    fn wide(self) -> f64 {
        f64::from(self)
    }

    #[inline(always)]
    fn or_zero(self) -> Self {
        self
    }
}

impl Summand for f64 {
    #[inline(always)]
    fn wide(self) -> f64 {
        self
    }

    #[inline(always)]
    fn or_zero(self) -> Self {
        if self.is_nan() { 0.0 } else { self }
    }
}

/// 2⁵² + 2⁵¹: f64 around it are whole numbers.
const WHOLE: f64 = 6_755_399_441_055_744.0;

macro_rules! integer {
    ($type:ty, $bytes:literal) => {
        impl Whole<$bytes> for $type {
            type Summand = i32;

            #[inline(always)]
            fn load(bytes: [u8; $bytes]) -> i32 {
                i32::from(<$type>::from_le_bytes(bytes))
            }

            #[inline(always)]
            fn store(whole: f64) -> [u8; $bytes] {
                // The low bits of this sum are those of the whole number. `as` would also look whether it fits, at twice the cost.
                ((whole + WHOLE).to_bits() as $type).to_le_bytes()
            }
        }
    };
}

integer!(u8, 1);
integer!(i8, 1);
integer!(u16, 2);
integer!(i16, 2);

impl Whole<4> for f32 {
    type Summand = f64;

    #[inline(always)]
    fn load(bytes: [u8; 4]) -> f64 {
        f64::from(f32::from_le_bytes(bytes))
    }

    #[inline(always)]
    fn store(whole: f64) -> [u8; 4] {
        // Adding +0 leaves no -0.
        if whole.is_nan() { NO_NUMBER } else { (whole + 0.0) as f32 }.to_le_bytes()
    }
}

/// The least and the greatest whole number that results of a type may be.
///
/// # Panics
/// If sums are not made of the type: it is neither of 8 or 16 bits nor of levels.
pub fn limits(dtype: Dtype) -> (f64, f64) {
    if dtype == Dtype::F32 { (-f64::from(MOST_LEVEL), f64::from(MOST_LEVEL)) } else { dtype.limits() }
}

/// Whether sums are made of a type: of 8 or 16 bits, or levels.
pub const fn has_sums(dtype: Dtype) -> bool {
    dtype.is_small_integer() || matches!(dtype, Dtype::F32)
}

/// The places from `reach` before a range to `reach` behind it, as far as there are any.
pub fn around(range: &Range<usize>, reach: usize, count: usize) -> Range<usize> {
    range.start.saturating_sub(reach)..range.end.saturating_add(reach).min(count)
}

/// A row of so many vectors' length with its halo on both sides: from `row`, which begins `missing` places too late and ends too early, its ends going on.
pub fn extended<T: Copy>(row: &[T], missing: usize, to: &mut [T]) {
    to[..missing].fill(row[0]);
    to[missing..][..row.len()].copy_from_slice(row);
    to[missing + row.len()..].fill(row[row.len() - 1]);
}

/// Checks what every kernel here is given.
pub fn check(dtype: Dtype, tile: &[u8], shape: [usize; 3], inner: &[Range<usize>; 3], (out, result): (&[u8], Dtype)) {
    let size: usize = inner.iter().map(ExactSizeIterator::len).product();
    assert!(has_sums(dtype), "sums of {dtype}");
    assert!((0..3).all(|a| inner[a].end <= shape[a]), "{inner:?} of {shape:?}");
    assert_eq!(tile.len(), shape.iter().product::<usize>() * dtype.bytes(), "a tile of another length");
    assert_eq!(out.len(), size * result.bytes(), "an output of another length");
}
