//! Inclusive prefix sum of counts: the cumulative histogram (CDF before normalisation).
//!
//! `cumulative[i] = counts[0] + … + counts[i]`.
//!
//! - **Input**: up to 65,536 counts (device: u32, whose sum stays below 2³²; host: u64).
//! - **Exactness**: Exact.
//! - **Cost**: one workgroup; a quarter of a mebibyte read and written at 65,536 bins.
//! - **Errors**: more than 65,536 counts, or buffers too small.
//! - **Agrees with**: `numpy.cumsum`.

mod case;
mod gpu;
#[cfg(test)]
mod tests;

pub(crate) use case::cases;
pub use gpu::{SHADER, encode, run};

/// The running sum.
pub fn cpu(counts: &[u64]) -> Vec<u64> {
    counts
        .iter()
        .scan(0, |sum, n| {
            *sum += n;
            Some(*sum)
        })
        .collect()
}
