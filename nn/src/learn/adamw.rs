//! AdamW (Loshchilov and Hutter 2019) over one run of numbers, as PyTorch computes it.

use crate::graph::{Network, ParameterRole, Place};

/// The optimiser and what it remembers.
#[derive(Debug, Clone, PartialEq)]
pub struct AdamW {
    /// Steps done.
    pub steps: u64,
    /// Running means of the gradients.
    pub first: Vec<f32>,
    /// Running means of their squares.
    pub second: Vec<f32>,
    decay: Vec<f32>,
}

const BETAS: [f64; 2] = [0.9, 0.999];
const EPSILON: f64 = 1e-8;

impl AdamW {
    /// Nothing remembered. Only weights of convolutions and linear layers decay.
    ///
    /// # Errors
    /// As [`Network::channel_counts`].
    pub fn new(network: &Network, decay: f64) -> hounsfield::Result<Self> {
        let mut all = Vec::new();
        for parameter in network.parameters()? {
            if let Place::Trained(range) = parameter.place {
                let own = if parameter.role == ParameterRole::Weight { decay as f32 } else { 0.0 };
                all.resize(range.end, own);
            }
        }
        Ok(Self { steps: 0, first: vec![0.0; all.len()], second: vec![0.0; all.len()], decay: all })
    }

    /// One step against the gradient.
    pub fn step(&mut self, values: &mut [f32], gradient: &[f32], rate: f64) {
        self.steps += 1;
        let [b1, b2] = BETAS.map(|b| b as f32);
        let [c1, c2] = BETAS.map(|b| 1.0 - b.powf(self.steps as f64));
        let (step, root) = ((rate / c1) as f32, c2.sqrt() as f32);
        for (i, (value, g)) in values.iter_mut().zip(gradient).enumerate() {
            *value -= rate as f32 * self.decay[i] * *value;
            self.first[i] = b1 * self.first[i] + (1.0 - b1) * g;
            self.second[i] = b2 * self.second[i] + (1.0 - b2) * g * g;
            *value -= step * self.first[i] / (self.second[i].sqrt() / root + EPSILON as f32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{INPUT, Op};

    #[test]
    fn the_first_step_is_the_rate_and_only_weights_decay() {
        let mut net = Network::new(1);
        net.add("l", Op::Linear { outputs: 1 }, &[INPUT]);
        let mut adam = AdamW::new(&net, 0.1).unwrap();
        let mut values = [2.0, 2.0];
        adam.step(&mut values, &[5.0, -0.5], 0.01);
        // Weight: 2 (1 - 0.001) - 0.01; bias: 2 + 0.01.
        assert!((values[0] - 1.988).abs() < 1e-6 && (values[1] - 2.01).abs() < 1e-6, "{values:?}");
        adam.step(&mut values, &[0.0, 0.0], 0.01);
        // Means 0.45 and 0.02475 over their corrections 0.19 and 0.001999.
        let second = 1.988 * 0.999 - 0.01 * (0.45 / 0.19) / (0.024975_f64 / 0.001999).sqrt();
        assert!((f64::from(values[0]) - second).abs() < 1e-5, "{values:?} {second}");
    }
}
