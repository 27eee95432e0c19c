//! What steps that look at neighbours see beyond the ends of the volume.

use std::str::FromStr;

use crate::ops::extend::Border;
use crate::ops::stages::{Stage, Stages};
use crate::ops::whole::MOST_LEVEL;
use crate::volume::{Dtype, Header};
use crate::{Error, Result};

/// A border rule, by SciPy's name. Each step sees it at the ends of what the step before it gave.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum BorderRule {
    /// The outermost voxel goes on.
    #[default]
    Nearest,
    /// The voxels again, backwards, the outermost twice.
    Reflect,
    /// The voxels again, backwards, the outermost once.
    Mirror,
    /// One real value.
    Constant(f64),
}

impl BorderRule {
    /// Steps under this rule, which take voxels of a volume with this header; `levels` says that float32 are whole numbers of steps.
    ///
    /// # Errors
    /// [`Error::Usage`] for a constant that the voxels cannot have.
    pub fn over(self, stages: Stages, header: &Header, levels: bool) -> Result<Stages> {
        let (dtype, rescale) = (header.meaning.dtype, header.meaning.rescale.of_slice(0));
        let border = match self {
            Self::Nearest => return Ok(stages),
            Self::Reflect => Border::Reflect,
            Self::Mirror => Border::Mirror,
            Self::Constant(real) => {
                let whole = levels || dtype.is_integer();
                let stored = if whole { rescale.stored(real).round_ties_even() } else { rescale.stored(real) };
                let (low, high) = match dtype {
                    Dtype::F32 if levels => (-f64::from(MOST_LEVEL), f64::from(MOST_LEVEL)),
                    Dtype::F32 | Dtype::F64 => (f64::NEG_INFINITY, f64::INFINITY),
                    _ => dtype.limits(),
                };
                if !(low..=high).contains(&stored) {
                    let (a, b) = (rescale.real(low), rescale.real(high));
                    let what = format!("{real} beyond the border, where voxels have values from {} to {}", a.min(b), a.max(b));
                    return Err(Error::usage(what, "give one within, or the rule nearest"));
                }
                let mut bytes = [0; 8];
                dtype.encode(stored, &mut bytes[..dtype.bytes()]);
                Border::Constant(u64::from_le_bytes(bytes))
            }
        };
        Ok(Stages(stages.0.into_iter().map(|stage| under(border, stage)).collect()))
    }
}

/// A stage, and those within it, under a rule.
fn under(border: Border, stage: Stage) -> Stage {
    match stage {
        Stage::Table(_) | Stage::Extended(..) => stage,
        Stage::Difference(upper, lower) => {
            let [upper, lower] = [upper, lower].map(|side| Stages(side.0.into_iter().map(|stage| under(border, stage)).collect()));
            Stage::Difference(upper, lower)
        }
        other => Stage::Extended(border, Box::new(other)),
    }
}

impl FromStr for BorderRule {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            let what = format!("no border rule {text:?}");
            Error::usage(what, "write nearest, reflect, mirror or constant:V, V being a real value")
        };
        match text.split_once(':') {
            None if text == "nearest" => Ok(Self::Nearest),
            None if text == "reflect" => Ok(Self::Reflect),
            None if text == "mirror" => Ok(Self::Mirror),
            Some(("constant", value)) => {
                let value: f64 = value.trim().parse().map_err(|_| wrong())?;
                if value.is_finite() { Ok(Self::Constant(value)) } else { Err(wrong()) }
            }
            _ => Err(wrong()),
        }
    }
}
