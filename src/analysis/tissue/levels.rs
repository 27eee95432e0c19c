//! Levels of voxels, and classes by them.

/// Levels that voxels may have: of one channel 1024, of two 256 each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LevelSpace {
    /// 10 bits.
    One,
    /// 8 bits each: the first channel's level times 256, and the second one's. The highest level of a channel is 254.
    Two,
}

impl LevelSpace {
    /// For so many channels; none but one or two have levels.
    pub const fn of_channels(channels: usize) -> Option<Self> {
        match channels {
            1 => Some(Self::One),
            2 => Some(Self::Two),
            _ => None,
        }
    }

    /// How many channels.
    pub const fn channels(self) -> usize {
        match self {
            Self::One => 1,
            Self::Two => 2,
        }
    }

    /// How many levels a voxel may have, of all channels.
    pub const fn levels(self) -> usize {
        match self {
            Self::One => 1024,
            Self::Two => 65536,
        }
    }

    /// The levels of one channel.
    pub const fn of_each(self) -> usize {
        match self {
            Self::One => 1024,
            Self::Two => 256,
        }
    }

    /// The highest level of a channel.
    pub const fn top(self) -> u32 {
        match self {
            Self::One => 1023,
            Self::Two => 254,
        }
    }

    /// Bits by which a working value of 14 bits is more than a level.
    pub const fn bits(self) -> u32 {
        match self {
            Self::One => 4,
            Self::Two => 6,
        }
    }

    /// Working values in a level, without a gain.
    pub fn per_level(self) -> f64 {
        f64::from(1u32 << self.bits())
    }

    /// The levels of both channels; 0 of one that is not there.
    #[inline]
    pub fn of(self, level: usize) -> [f64; 2] {
        match self {
            Self::One => [level as f64, 0.0],
            Self::Two => [(level >> 8) as f64, (level & 255) as f64],
        }
    }
}

/// A class by the levels of its voxels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LevelGaussian {
    /// Of one channel.
    One {
        /// Mean level.
        mean: f64,
        /// Standard deviation, above 0.
        std: f64,
    },
    /// Of two.
    Two {
        /// Mean levels.
        mean: [f64; 2],
        /// Standard deviations, above 0.
        std: [f64; 2],
        /// Correlation, within -1 and 1.
        correlation: f64,
    },
}

impl LevelGaussian {
    /// The levels that it is about.
    pub fn space(&self) -> LevelSpace {
        match self {
            Self::One { .. } => LevelSpace::One,
            Self::Two { .. } => LevelSpace::Two,
        }
    }

    /// By level, -ln of the density, less what all classes share.
    pub fn energy(self) -> impl Fn(usize) -> f64 {
        let rest = match self {
            Self::One { .. } => 1.0,
            Self::Two { correlation, .. } => 1.0 - correlation * correlation,
        };
        let log = match self {
            Self::One { std, .. } => libm::log(std),
            Self::Two { std, .. } => libm::log(std[0] * std[1]) + 0.5 * libm::log(rest),
        };
        move |level| match self {
            Self::One { mean, std } => {
                let off = (level as f64 - mean) / std;
                0.5 * off * off + log
            }
            Self::Two { mean, std, correlation } => {
                let at = LevelSpace::Two.of(level);
                let [a, b] = [0, 1].map(|i| (at[i] - mean[i]) / std[i]);
                0.5 * (a * a - 2.0 * correlation * a * b + b * b) / rest + log
            }
        }
    }

    /// How wide: the standard deviation, or the geometric mean of those along the axes of the ellipse.
    pub fn width(&self) -> f64 {
        match *self {
            Self::One { std, .. } => std,
            Self::Two { std, correlation, .. } => (std[0] * std[1] * (1.0 - correlation * correlation).sqrt()).sqrt(),
        }
    }

    /// Mean levels of both channels.
    pub fn means(&self) -> [f64; 2] {
        match *self {
            Self::One { mean, .. } => [mean, 0.0],
            Self::Two { mean, .. } => mean,
        }
    }

    /// The same shape around other means.
    #[must_use]
    pub fn moved(self, means: [f64; 2]) -> Self {
        match self {
            Self::One { std, .. } => Self::One { mean: means[0], std },
            Self::Two { std, correlation, .. } => Self::Two { mean: means, std, correlation },
        }
    }
}
