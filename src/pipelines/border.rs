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
            let [upper, lower] =
                [upper, lower].map(|side| Stages(side.0.into_iter().map(|stage| under(border, stage)).collect()));
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::ops::derivative::{Derivative, DerivativeKind};
    use crate::ops::gaussian::Smoothing;
    use crate::ops::mean::MeanBox;
    use crate::ops::rank::{Footprint, FootprintShape};
    use crate::ops::stages::Scratch;
    use crate::ops::testing::{Content, assert_same, noise};
    use crate::pipelines::tests::{File, Memory, devices};
    use crate::pipelines::{Input, Run, filter};
    use crate::volume::{Rescale, Rescales, Shape, Tile, Volume};

    fn volume(axes: &[u64], dtype: Dtype) -> Volume {
        let header = Header::new(Shape::new(axes).unwrap(), dtype);
        let voxels = header.grid.shape.voxels();
        let level = |i: u64| if noise(i).is_multiple_of(300) { f32::NAN } else { (noise(i) >> 40) as f32 };
        let bytes = match dtype {
            Dtype::F32 => (0..voxels).flat_map(|i| level(i).to_le_bytes()).collect(),
            _ => Content::Noise.bytes(dtype, voxels as usize),
        };
        Volume::new(header, bytes).unwrap()
    }

    fn chains() -> Vec<Stages> {
        let gaussian = |sigma| Stage::Gaussian(Smoothing::new(sigma).unwrap());
        let mean = Stage::Mean(MeanBox::new([2, 1, 1]).unwrap());
        let gradient = Stage::Derivative(Derivative::new(DerivativeKind::GradientMagnitude, [0.7, 0.7, 2.5]).unwrap());
        let ball = Stage::Rank(Footprint::new([2; 3], FootprintShape::Ball).unwrap(), 7);
        let flat = |rank| Stage::Rank(Footprint::new([2, 1, 0], FootprintShape::Box).unwrap(), rank);
        let opened = Stage::Difference(Stages::default(), Stages(vec![flat(0), flat(14)]));
        let all = [
            vec![gaussian([1.0, 0.6, 0.5]), mean.clone()],
            vec![gaussian([0.4; 3]), gradient, ball.clone(), gaussian([0.5; 3])],
            vec![ball, mean],
            vec![opened, gaussian([3.0, 0.0, 2.0])],
        ];
        all.map(Stages).into()
    }

    /// Step after step over the whole of each volume.
    fn whole(volume: &Volume, stages: &Stages) -> Vec<u8> {
        let shape = &volume.header().grid.shape;
        let (mut dtype, mut bytes) = (volume.header().meaning.dtype, volume.bytes().to_vec());
        for stage in &stages.0 {
            let result = stage.result(dtype);
            let times = shape.volumes() as usize;
            let mut out = vec![0; shape.voxels() as usize * result.bytes()];
            let each = (bytes.len() / times, out.len() / times);
            for (t, (read, out)) in bytes.chunks(each.0).zip(out.chunks_mut(each.1)).enumerate() {
                let tile = Tile::whole(shape, t as u64);
                Stages(vec![stage.clone()]).cpu(dtype, shape, (&tile, read), &tile, &mut Scratch::default(), out);
            }
            (dtype, bytes) = (result, out);
        }
        bytes
    }

    #[test]
    fn every_rule_tiling_device_and_type_gives_the_same_bits() {
        for dtype in [Dtype::I16, Dtype::U8, Dtype::F32] {
            let large =
                if dtype == Dtype::I16 { [vec![40, 37, 9, 2], vec![130, 61]] } else { [vec![19, 13, 7, 2], vec![67, 31]] };
            for axes in large.into_iter().chain([vec![1, 1, 5]]) {
                let volume = volume(&axes, dtype);
                for rule in [BorderRule::Nearest, BorderRule::Reflect, BorderRule::Mirror, BorderRule::Constant(3.0)] {
                    for stages in chains() {
                        let stages = rule.over(stages, volume.header(), dtype == Dtype::F32).unwrap();
                        let want = whole(&volume, &stages);
                        for device in devices() {
                            // In one tile, in slabs, in parts of slices.
                            for (voxels, sequential) in [(1 << 20, false), (16_000, true), (12_000, false)] {
                                // A device in software takes long for what the CPU shows as well: one tiling, and of two types one rule.
                                let told = voxels == 12_000 && (dtype == Dtype::I16 || matches!(rule, BorderRule::Constant(_)));
                                if !told && device.name() != "CPU" {
                                    continue;
                                }
                                let memory = voxels * stages.widest(dtype) as u64 * 4 * rayon::current_num_threads() as u64;
                                let input = Input::of(Arc::new(File { volume: volume.clone(), unit: 1, sequential }));
                                let sink = Memory::new(volume.block().len(), stages.result(dtype));
                                let run = Run::silent(&device).with_memory(memory);
                                filter(&input, &stages, &sink, &run).unwrap();
                                let what = format!("{dtype} {axes:?} {} {memory} {rule:?} {stages:?}", device.name());
                                assert_same(&what, &sink.take(), &want);
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn rules_are_read_and_constants_are_real_values() {
        assert_eq!("mirror".parse::<BorderRule>().unwrap(), BorderRule::Mirror);
        assert_eq!("constant:-1024".parse::<BorderRule>().unwrap(), BorderRule::Constant(-1024.0));
        for wrong in ["", "wrap", "constant", "constant:", "constant:x", "constant:inf", "nearest:1"] {
            assert!(wrong.parse::<BorderRule>().is_err(), "{wrong}");
        }
        let mut header = volume(&[3], Dtype::I16).header().clone();
        header.meaning.rescale = Rescales::Uniform(Rescale { slope: 2.0, intercept: -1000.0 });
        let one = || Stages(vec![chains()[0].0[1].clone()]);
        let over = |value| BorderRule::Constant(value).over(one(), &header, false);
        let Stages(stages) = over(-1024.0).unwrap();
        assert!(matches!(stages[0], Stage::Extended(Border::Constant(bits), _) if bits as i16 == -12), "{stages:?}");
        assert!(over(65_000.0).is_err_and(|e| e.to_string().contains("from -66536 to 64534")));
    }
}
