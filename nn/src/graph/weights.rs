//! The numbers of a network, in two runs: what is trained, and the means and variances that batch normalisation keeps.

use std::ops::Range;

use hounsfield::{Error, Result};

use super::{Network, Op};
use crate::random::Random;

/// What a parameter is for, which says how it begins and whether it decays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterRole {
    /// Of a convolution or of a linear layer.
    Weight,
    /// Multiplies a channel.
    Gain,
    /// Is added to a channel.
    Shift,
    /// The mean of a channel, kept while training.
    Mean,
    /// Its variance.
    Variance,
}

/// In which run a parameter lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// [`Weights::trained`].
    Trained(Range<usize>),
    /// [`Weights::running`].
    Running(Range<usize>),
}

/// One array of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// `layer.weight`, `.bias`, and of batch normalisation `.gamma`, `.beta`, `.mean`, `.variance`.
    pub name: String,
    /// Convolutions: out, in, rows, columns. Transposed ones: in, out, rows, columns. Linear: out, in.
    pub shape: Vec<usize>,
    /// How many numbers are summed up into one result; 1 where none are.
    pub inputs: usize,
    /// What it is for.
    pub role: ParameterRole,
    /// Where it lies.
    pub place: Place,
}

/// All numbers of a network.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Weights {
    /// What the optimiser changes.
    pub trained: Vec<f32>,
    /// What batch normalisation keeps.
    pub running: Vec<f32>,
}

impl Network {
    /// The arrays in the order in which they lie.
    ///
    /// # Errors
    /// As [`Network::channel_counts`].
    pub fn parameters(&self) -> Result<Vec<Parameter>> {
        use ParameterRole::{Gain, Mean, Shift, Variance, Weight};
        let counts = self.channel_counts()?;
        let mut all = Vec::new();
        let (mut trained, mut running) = (0, 0);
        for (node, &outputs) in self.nodes.iter().zip(&counts[1..]) {
            let inputs = counts[node.from[0]];
            let summed = match node.op {
                Op::Conv { kernel, .. } => inputs * kernel * kernel,
                // A transposed convolution of 2 x 2, step 2, adds one number of each channel into each place.
                _ => inputs,
            };
            let arrays: Vec<(&str, Vec<usize>, ParameterRole)> = match node.op {
                Op::Conv { kernel, bias, .. } => {
                    let weight = ("weight", vec![outputs, inputs, kernel, kernel], Weight);
                    if bias { vec![weight, ("bias", vec![outputs], Shift)] } else { vec![weight] }
                }
                Op::UpConv { .. } => vec![("weight", vec![inputs, outputs, 2, 2], Weight), ("bias", vec![outputs], Shift)],
                Op::Linear { .. } => vec![("weight", vec![outputs, inputs], Weight), ("bias", vec![outputs], Shift)],
                Op::BatchNorm => {
                    let of = |name, role| (name, vec![outputs], role);
                    vec![of("gamma", Gain), of("beta", Shift), of("mean", Mean), of("variance", Variance)]
                }
                Op::Relu | Op::MaxPool | Op::Concat | Op::Add | Op::GlobalMean => vec![],
            };
            for (name, shape, role) in arrays {
                let length: usize = shape.iter().product();
                let place = if matches!(role, Mean | Variance) {
                    running += length;
                    Place::Running(running - length..running)
                } else {
                    trained += length;
                    Place::Trained(trained - length..trained)
                };
                let inputs = if role == Weight { summed } else { 1 };
                all.push(Parameter { name: format!("{}.{name}", node.name), shape, inputs, role, place });
            }
        }
        Ok(all)
    }
}

impl Weights {
    /// How a network begins: weights by He et al. (2015), normal with variance 2 / inputs, all else without effect. The same seed gives the same numbers.
    ///
    /// # Errors
    /// As [`Network::channel_counts`].
    pub fn initial(network: &Network, seed: u64) -> Result<Self> {
        let mut all = Self::default();
        let mut random = Random::new(seed, "weights", 0);
        for parameter in network.parameters()? {
            let length: usize = parameter.shape.iter().product();
            match parameter.role {
                ParameterRole::Weight => {
                    let spread = (2.0 / parameter.inputs as f64).sqrt();
                    all.trained.extend((0..length).map(|_| (random.normal() * spread) as f32));
                }
                ParameterRole::Gain => all.trained.extend(std::iter::repeat_n(1.0, length)),
                ParameterRole::Shift => all.trained.extend(std::iter::repeat_n(0.0, length)),
                ParameterRole::Mean => all.running.extend(std::iter::repeat_n(0.0, length)),
                ParameterRole::Variance => all.running.extend(std::iter::repeat_n(1.0, length)),
            }
        }
        Ok(all)
    }

    /// The numbers of a parameter.
    pub fn of(&self, parameter: &Parameter) -> &[f32] {
        match &parameter.place {
            Place::Trained(range) => &self.trained[range.clone()],
            Place::Running(range) => &self.running[range.clone()],
        }
    }

    /// Puts arrays found by name together.
    ///
    /// # Errors
    /// [`Error::Usage`] for one that is missing or has another shape.
    pub fn gather<'a>(network: &Network, find: impl Fn(&str) -> Option<(&'a [usize], Vec<f32>)>) -> Result<Self> {
        let mut all = Self::default();
        for parameter in network.parameters()? {
            let bad = |what: &str| Error::usage(format!("the model {what} {}", parameter.name), "train the model again");
            let (shape, values) = find(&parameter.name).ok_or_else(|| bad("has no array"))?;
            if shape != parameter.shape || values.len() != shape.iter().product::<usize>() {
                return Err(bad("has an array of another shape:"));
            }
            match parameter.place {
                Place::Trained(_) => all.trained.extend(values),
                Place::Running(_) => all.running.extend(values),
            }
        }
        Ok(all)
    }
}
