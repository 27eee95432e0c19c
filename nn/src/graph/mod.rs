//! A network as plain data: a list of layers, each with its name and where its input comes from. No arithmetic: training reads it, and so do folding, export
//! and whatever runs it in whole numbers later. The layers are few on purpose: each has an exact integer twin.

mod fold;
mod resnet;
mod unet;
mod weights;

pub use fold::fold;
pub use resnet::resnet;
pub use unet::unet;
pub use weights::{Parameter, ParameterRole, Place, Weights};

use hounsfield::{Error, Result};
use serde::{Deserialize, Serialize};

/// A layer's place in the list; [`INPUT`] is the image itself.
pub type NodeIndex = usize;

/// The image, before the first layer. Layer `i` of the list is `i + 1` where an input is named.
pub const INPUT: NodeIndex = 0;

/// Added to variances before their root is taken.
pub const EPSILON: f64 = 1e-5;

/// What a layer does. All images are channels x height x width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Op {
    /// A convolution, padded with `kernel / 2` zeros, so that stride 1 keeps the size.
    Conv {
        /// Channels out.
        outputs: usize,
        /// Side of the window, odd.
        kernel: usize,
        /// Step.
        stride: usize,
        /// Whether a number is added to each channel.
        bias: bool,
    },
    /// Each channel less its mean, over its spread; gone in a folded network.
    BatchNorm,
    /// What is below 0 becomes 0.
    Relu,
    /// The greatest of 2 x 2, step 2.
    MaxPool,
    /// A transposed convolution of 2 x 2, step 2: twice the size.
    UpConv {
        /// Channels out.
        outputs: usize,
    },
    /// The channels of all inputs behind one another.
    Concat,
    /// The sum of two inputs.
    Add,
    /// The mean of each channel: 1 x 1.
    GlobalMean,
    /// All channels with all, of an image of 1 x 1; with a number added to each.
    Linear {
        /// Channels out.
        outputs: usize,
    },
}

/// A layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its name, which its weights bear too.
    pub name: String,
    /// What it does.
    #[serde(flatten)]
    pub op: Op,
    /// What it takes: [`INPUT`], or layers before it, counted from 1.
    pub from: Vec<NodeIndex>,
}

/// Layers in an order in which each comes after what it takes. The last one is the result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// Channels of the image.
    pub channels: usize,
    /// The layers.
    pub nodes: Vec<Node>,
}

impl Network {
    /// A network without layers.
    pub fn new(channels: usize) -> Self {
        Self { channels, nodes: Vec::new() }
    }

    /// Adds a layer and gives its place.
    pub fn add(&mut self, name: impl Into<String>, op: Op, from: &[NodeIndex]) -> NodeIndex {
        self.nodes.push(Node { name: name.into(), op, from: from.to_vec() });
        self.nodes.len()
    }

    /// Adds a convolution without bias, batch normalisation and, if asked for, ReLU: `name`, `name.bn`, `name.relu`.
    pub fn block(&mut self, name: &str, [outputs, kernel, stride]: [usize; 3], from: NodeIndex, relu: bool) -> NodeIndex {
        let conv = self.add(name, Op::Conv { outputs, kernel, stride, bias: false }, &[from]);
        let norm = self.add(format!("{name}.bn"), Op::BatchNorm, &[conv]);
        if relu { self.add(format!("{name}.relu"), Op::Relu, &[norm]) } else { norm }
    }

    /// Channels of the image and of each layer's result.
    ///
    /// # Errors
    /// [`Error::Usage`] for a list that is no network: a file that was not written by this program.
    pub fn channel_counts(&self) -> Result<Vec<usize>> {
        let mut counts = vec![self.channels];
        for (i, node) in self.nodes.iter().enumerate() {
            let bad = |what: &str| Error::usage(format!("layer {:?} of the network {what}", node.name), "train the model again");
            if node.from.iter().any(|&from| from > i) {
                return Err(bad("takes what comes after it"));
            }
            let wanted = if node.op == Op::Add { 2 } else { 1 };
            if node.from.len() != wanted && !(node.op == Op::Concat && node.from.len() > 1) {
                return Err(bad("takes another number of inputs"));
            }
            let into = counts[node.from[0]];
            counts.push(match node.op {
                Op::Conv { outputs, kernel, stride, .. } if outputs > 0 && kernel % 2 == 1 && (1..=2).contains(&stride) => {
                    outputs
                }
                Op::UpConv { outputs } | Op::Linear { outputs } if outputs > 0 => outputs,
                Op::Conv { .. } | Op::UpConv { .. } | Op::Linear { .. } => return Err(bad("has sizes that it cannot have")),
                Op::Concat => node.from.iter().map(|&from| counts[from]).sum(),
                Op::Add if counts[node.from[1]] != into => return Err(bad("adds images of different channels")),
                Op::Add | Op::BatchNorm | Op::Relu | Op::MaxPool | Op::GlobalMean => into,
            });
        }
        Ok(counts)
    }

    /// By how much the sides of the image must be divisible, so that halves fit together again.
    pub fn divisor(&self) -> usize {
        1 << self.nodes.iter().filter(|node| node.op == Op::MaxPool).count()
    }

    /// For each layer's result and the image, after which layer nobody takes it any more.
    pub fn last_uses(&self) -> Vec<NodeIndex> {
        let mut last: Vec<NodeIndex> = (0..=self.nodes.len()).collect();
        for (i, node) in self.nodes.iter().enumerate() {
            node.from.iter().for_each(|&from| last[from] = last[from].max(i + 1));
        }
        last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_know_their_channels_and_survive_json() {
        for network in [resnet(1, 28, 2, 16), unet(3, 2, [8, 4])] {
            let counts = network.channel_counts().unwrap();
            assert_eq!(counts.last(), Some(&2));
            let text = serde_json::to_string(&network).unwrap();
            assert_eq!(serde_json::from_str::<Network>(&text).unwrap(), network);
        }
        assert_eq!(unet(3, 2, [8, 4]).divisor(), 8);
    }

    #[test]
    fn what_is_no_network_is_refused() {
        let mut late = Network::new(1);
        late.add("a", Op::Relu, &[2]);
        let mut sum = Network::new(1);
        let conv = sum.add("c", Op::Conv { outputs: 3, kernel: 3, stride: 1, bias: true }, &[INPUT]);
        sum.add("s", Op::Add, &[INPUT, conv]);
        let mut even = Network::new(1);
        even.add("c", Op::Conv { outputs: 3, kernel: 2, stride: 1, bias: true }, &[INPUT]);
        for bad in [late, sum, even] {
            assert!(bad.channel_counts().is_err());
        }
    }
}
