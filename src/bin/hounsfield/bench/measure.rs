//! Repeated timing, and when not to believe it.

use std::time::{Duration, Instant};

use hounsfield::Result;

/// The times of several runs, after one that does not count.
#[derive(Debug, Clone)]
pub struct Samples {
    seconds: Vec<f64>,
}

/// A spread of more than this share of the median makes a figure noise.
const NOISE: f64 = 0.25;

impl Samples {
    /// Runs once to warm up, then `repeats` times.
    pub fn take(repeats: usize, mut run: impl FnMut() -> Result<Duration>) -> Result<Self> {
        run()?;
        let mut seconds = (0..repeats).map(|_| run().map(|d| d.as_secs_f64())).collect::<Result<Vec<_>>>()?;
        seconds.sort_by(f64::total_cmp);
        Ok(Self { seconds })
    }

    /// The same of a function's wall time.
    pub fn of(repeats: usize, mut run: impl FnMut() -> Result<()>) -> Result<Self> {
        Self::take(repeats, || {
            let start = Instant::now();
            run()?;
            Ok(start.elapsed())
        })
    }

    /// Middle of the times in seconds.
    pub fn median(&self) -> f64 {
        self.seconds[self.seconds.len() / 2]
    }

    /// Half of the times lie within this share of the median around it; the extremes of a shared machine say little.
    pub fn spread(&self) -> f64 {
        let at = |part: f64| self.seconds[((self.seconds.len() - 1) as f64 * part).round() as usize];
        (at(0.75) - at(0.25)) / self.median()
    }

    /// Whether the figure says more of the machine's mood than of the code.
    pub fn is_noise(&self) -> bool {
        self.spread() > NOISE
    }
}
