//! From a folded network and the ranges of its activations to the engine's steps.

use hounsfield::ops::conv2d::{ChannelSlot, Convolution, Requant};
use hounsfield::ops::pool::PixelStep;
use hounsfield::pipelines::{Network as ExactNetwork, NetworkLayer, NetworkStep};
use hounsfield::{Error, Result};

use crate::graph::{INPUT, Network, Node, NodeIndex, Op, Weights};

/// The greatest absolute value of the image and of each layer's result that was seen, layers counted from 1.
pub type Ranges = Vec<f32>;

/// Whole numbers of an activation on either side of 0: 13 bits, so that sums of thousands of products fit 32.
const MOST: f64 = 8191.0;

/// An activation may be so many times as great as any that was seen.
const HEADROOM: f64 = 2.0;

/// Of a weight.
const MOST_WEIGHT: f64 = 127.0;

/// Factors of sums stay below a half, which a [`Requant`] can hold.
const MOST_FACTOR: f64 = 0.49;

/// Where the result of a layer lies in whole numbers.
#[derive(Debug, Clone, Copy)]
struct Held {
    /// Number of the activations.
    number: usize,
    /// Real units of 1.
    unit: f64,
}

/// A network in whole numbers with the meaning of its ends.
#[derive(Debug, Clone)]
pub struct Layers {
    /// The steps.
    pub network: ExactNetwork,
    /// Real units of 1 of the image.
    pub input_unit: f64,
    /// Of the results.
    pub result_unit: f64,
}

/// Builds the steps, one layer after the other.
struct Builder<'a> {
    network: &'a Network,
    weights: &'a Weights,
    counts: Vec<usize>,
    ranges: &'a Ranges,
    channels: Vec<usize>,
    steps: Vec<NetworkStep>,
    held: Vec<Option<Held>>,
}

/// Most activations of the image itself.
pub fn quantised(value: f32, unit: f64) -> i16 {
    (f64::from(value) / unit).round().clamp(-MOST, MOST) as i16
}

/// The steps of a folded network; of whole images of `side` columns and rows where it takes their mean.
///
/// # Errors
/// [`Error::Usage`] for ranges of another network, or layers that have no exact twin.
pub fn layers(network: &Network, weights: &Weights, ranges: &Ranges, side: usize) -> Result<Layers> {
    let counts = network.channel_counts()?;
    if ranges.len() != counts.len() || ranges.iter().any(|range| !(range.is_finite() && *range >= 0.0)) {
        return Err(Error::usage("ranges of activations of another network", "quantise the model again"));
    }
    let input = Held { number: 0, unit: unit(f64::from(ranges[INPUT])) };
    let mut held = vec![None; counts.len()];
    held[INPUT] = Some(input);
    let channels = vec![network.channels];
    let mut builder = Builder { network, weights, counts, ranges, channels, steps: Vec::new(), held };
    let last = network.nodes.len();
    let mut sides = vec![side];
    for at in 1..last {
        sides.push(next_side(&network.nodes[at - 1], &sides));
        builder.add(at, &sides)?;
    }
    let (from, convolution, result_unit) = builder.last()?;
    let made = ExactNetwork::new(builder.channels, builder.steps, (convolution, from.number))?;
    Ok(Layers { network: made, input_unit: input.unit, result_unit })
}

fn unit(range: f64) -> f64 {
    (HEADROOM * range).max(1e-6) / MOST
}

/// Columns of a layer's result.
fn next_side(node: &Node, sides: &[usize]) -> usize {
    let side = sides[node.from[0]];
    match node.op {
        Op::Conv { stride, .. } => side.div_ceil(stride),
        Op::MaxPool => side / 2,
        Op::UpConv { .. } => 2 * side,
        Op::GlobalMean => 1,
        _ => side,
    }
}

impl Builder<'_> {
    /// Layers that take a result.
    fn users(&self, at: NodeIndex) -> Vec<NodeIndex> {
        let nodes = self.network.nodes.iter().enumerate();
        nodes.filter(|(_, node)| node.from.contains(&at)).map(|(i, _)| i + 1).collect()
    }

    fn op(&self, at: NodeIndex) -> Op {
        self.network.nodes[at - 1].op
    }

    fn held(&self, at: NodeIndex) -> Result<Held> {
        self.held[at].ok_or_else(|| self.unknown(at))
    }

    fn unknown(&self, at: NodeIndex) -> Error {
        let name = self.network.nodes.get(at.wrapping_sub(1)).map_or("image", |node| node.name.as_str());
        Error::usage(format!("layer {name:?} has no exact twin where it stands"), "use the network in floats")
    }

    /// The layer whose result is what comes of this one in the end: a ReLU behind it that alone takes it.
    fn end(&self, at: NodeIndex) -> (NodeIndex, bool) {
        match self.users(at).as_slice() {
            [user] if self.op(*user) == Op::Relu => (*user, true),
            _ => (at, false),
        }
    }

    /// New activations of so many channels.
    fn activations(&mut self, channels: usize) -> usize {
        self.channels.push(channels);
        self.channels.len() - 1
    }

    /// Where the result of `end` goes: to a place of its own, or beside others if a concatenation alone takes it. The unit is at least `least`.
    fn place(&mut self, end: NodeIndex, least: f64) -> Result<(Held, ChannelSlot)> {
        if let [user] = self.users(end).as_slice()
            && self.op(*user) == Op::Concat
        {
            return self.beside(end, *user, least);
        }
        let held = Held { number: self.activations(self.counts[end]), unit: unit(f64::from(self.ranges[end])).max(least) };
        Ok((held, ChannelSlot(0)))
    }

    /// The place of `from` in a concatenation. Its parts are written in their order, of which the first says the unit.
    fn beside(&mut self, from: NodeIndex, concat: NodeIndex, least: f64) -> Result<(Held, ChannelSlot)> {
        let parts = self.network.nodes[concat - 1].from.clone();
        let slot = parts.iter().take_while(|part| **part != from).map(|part| self.counts[*part]).sum();
        if slot % 2 != 0 || parts.iter().filter(|part| **part == from).count() != 1 {
            return Err(self.unknown(concat));
        }
        let held = match self.held[concat] {
            Some(held) if held.unit >= least => held,
            Some(_) => return Err(self.unknown(concat)),
            None => {
                let most = parts.iter().map(|part| f64::from(self.ranges[*part])).fold(0.0, f64::max);
                Held { number: self.activations(self.counts[concat]), unit: unit(most).max(least) }
            }
        };
        self.held[concat] = Some(held);
        Ok((held, ChannelSlot(slot)))
    }

    fn step(&mut self, layer: NetworkLayer, from: Vec<usize>, (to, slot): (Held, ChannelSlot)) {
        self.steps.push(NetworkStep { layer, from, to: to.number, slot });
    }

    fn add(&mut self, at: NodeIndex, sides: &[usize]) -> Result<()> {
        let node = self.network.nodes[at - 1].clone();
        let end = self.end(at);
        match node.op {
            // Part of the layer before it.
            Op::Relu if self.held[at].is_some() => {}
            Op::Conv { .. } | Op::UpConv { .. } => self.convolution(at, end, self.held(node.from[0])?)?,
            Op::MaxPool => {
                let input = self.held(node.from[0])?;
                let held = Held { number: self.activations(self.counts[at]), ..input };
                self.step(NetworkLayer::Pool(PixelStep::Greatest), vec![input.number], (held, ChannelSlot(0)));
                self.held[at] = Some(held);
            }
            Op::GlobalMean => {
                let input = self.held(node.from[0])?;
                let pixels = (sides[node.from[0]] * sides[node.from[0]]) as f64;
                let (held, slot) = self.place(at, input.unit / pixels / MOST_FACTOR)?;
                let scale = Requant::of(input.unit / pixels / held.unit);
                self.step(NetworkLayer::Pool(PixelStep::Mean(scale)), vec![input.number], (held, slot));
                self.held[at] = Some(held);
            }
            Op::Add => {
                let inputs = [self.held(node.from[0])?, self.held(node.from[1])?];
                let (end, relu) = end;
                let most = inputs[0].unit.max(inputs[1].unit);
                let (held, slot) = self.place(end, most / 256.0 / MOST_FACTOR)?;
                let scales = inputs.map(|input| Requant::of(input.unit / held.unit / 256.0));
                self.step(
                    NetworkLayer::Pool(PixelStep::Add { scales, relu }),
                    inputs.map(|input| input.number).to_vec(),
                    (held, slot),
                );
                self.held[end] = Some(held);
            }
            Op::Concat => {
                // What others take, too, is copied beside the rest, which is there by now.
                for part in node.from.clone() {
                    if self.users(part) != [at] {
                        let input = self.held(part)?;
                        let (held, slot) = self.beside(part, at, input.unit / 256.0 / MOST_FACTOR)?;
                        let copy = PixelStep::Copy(Requant::of(input.unit / held.unit / 256.0));
                        self.step(NetworkLayer::Pool(copy), vec![input.number], (held, slot));
                    }
                }
            }
            Op::Relu | Op::BatchNorm | Op::Linear { .. } => return Err(self.unknown(at)),
        }
        Ok(())
    }

    /// Weights by output channel, row, column and input channel, and biases.
    fn arrays(&self, at: NodeIndex) -> Result<(Vec<f64>, Vec<f64>)> {
        let node = &self.network.nodes[at - 1];
        let parameters = self.network.parameters()?;
        let array = |which: &str| {
            let name = format!("{}.{which}", node.name);
            parameters
                .iter()
                .find(|parameter| parameter.name == name)
                .map(|parameter| self.weights.of(parameter))
                .unwrap_or_default()
        };
        let (inputs, outputs) = (self.counts[node.from[0]], self.counts[at]);
        let (weights, bias) = (array("weight"), array("bias"));
        let mut turned = Vec::with_capacity(weights.len());
        match node.op {
            // A transposed convolution has one kernel of 1 x 1 for each of four pixels.
            Op::UpConv { .. } => {
                for quarter in 0..4 {
                    for output in 0..outputs {
                        turned.extend((0..inputs).map(|input| f64::from(weights[(input * outputs + output) * 4 + quarter])));
                    }
                }
                Ok((turned, (0..4 * outputs).map(|i| f64::from(bias[i % outputs])).collect()))
            }
            _ => {
                let taps = weights.len() / (inputs * outputs).max(1);
                for output in 0..outputs {
                    for tap in 0..taps {
                        turned.extend((0..inputs).map(|input| f64::from(weights[(output * inputs + input) * taps + tap])));
                    }
                }
                Ok((turned, (0..outputs).map(|i| bias.get(i).copied().map_or(0.0, f64::from)).collect()))
            }
        }
    }

    fn convolution(&mut self, at: NodeIndex, (end, relu): (NodeIndex, bool), input: Held) -> Result<()> {
        let node = self.network.nodes[at - 1].clone();
        let (weights, bias) = self.arrays(at)?;
        let (side, stride) = if let Op::Conv { kernel, stride, .. } = node.op { (kernel, stride) } else { (1, 1) };
        let inputs = self.counts[node.from[0]];
        let whole = WholeWeights::of(&weights, &bias, input.unit, side * side * inputs);
        let most = whole.units.iter().copied().fold(0.0, f64::max);
        let (held, slot) = self.place(end, most * input.unit / MOST_FACTOR)?;
        let requants = whole.units.iter().map(|unit| Requant::of(unit * input.unit / held.unit)).collect();
        let made =
            Convolution::new([inputs, bias.len()], ([side; 2], stride, side / 2), (whole.weights, whole.bias, MOST as i16));
        let made = made.map_err(|what| Error::usage(format!("layer {:?}: {what}", node.name), "use the network in floats"))?;
        let made = made.scaled(requants, (if relu { 0 } else { -(MOST as i16) }, MOST as i16));
        let transposed = matches!(node.op, Op::UpConv { .. });
        if transposed && !bias.len().is_multiple_of(8) {
            return Err(self.unknown(at));
        }
        self.step(NetworkLayer::Convolution(if transposed { made.shuffled() } else { made }), vec![input.number], (held, slot));
        self.held[end] = Some(held);
        Ok(())
    }

    /// The last layer, whose sums are the results: one unit for all of its channels.
    fn last(&self) -> Result<(Held, Convolution, f64)> {
        let at = self.network.nodes.len();
        let Some(node) = self.network.nodes.last() else { return Err(self.unknown(at)) };
        let (side, linear) = match node.op {
            Op::Conv { kernel, stride: 1, .. } => (kernel, false),
            Op::Linear { .. } => (1, true),
            _ => return Err(self.unknown(at)),
        };
        let input = self.held(node.from[0])?;
        let inputs = self.counts[node.from[0]];
        let (weights, bias) = self.arrays(at)?;
        debug_assert!(!linear || side == 1);
        // As one channel of many kernels, so that they share a unit.
        let whole = WholeWeights::of(&weights, &bias, input.unit, weights.len());
        let made = Convolution::new([inputs, bias.len()], ([side; 2], 1, side / 2), (whole.weights, whole.bias, MOST as i16));
        let made = made.map_err(|what| Error::usage(format!("layer {:?}: {what}", node.name), "use the network in floats"))?;
        Ok((input, made, whole.units[0] * input.unit))
    }
}

/// Weights of 8 bits and biases of 32.
struct WholeWeights {
    weights: Vec<i8>,
    bias: Vec<i32>,
    /// Real units of a weight of 1, by group.
    units: Vec<f64>,
}

impl WholeWeights {
    /// Groups of `each` weights have a unit of their own.
    fn of(weights: &[f64], bias: &[f64], input_unit: f64, each: usize) -> Self {
        let groups = weights.len() / each.max(1);
        let biases = bias.len() / groups.max(1);
        let mut made = Self { weights: Vec::new(), bias: Vec::new(), units: Vec::new() };
        for (own, bias) in weights.chunks_exact(each.max(1)).zip(bias.chunks_exact(biases.max(1))) {
            let most = |values: &[f64]| values.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
            // A bias has 28 bits, so that it and the products fit 32 together.
            let unit = (most(own) / MOST_WEIGHT).max(most(bias) / input_unit / f64::from(1 << 28)).max(1e-12);
            made.weights.extend(own.iter().map(|weight| (weight / unit).round().clamp(-MOST_WEIGHT, MOST_WEIGHT) as i8));
            made.bias.extend(bias.iter().map(|bias| (bias / (unit * input_unit)).round() as i32));
            made.units.push(unit);
        }
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{fold, resnet, unet};

    #[test]
    fn networks_have_exact_twins() {
        for (network, side) in [(resnet(1, 28, 2, 16), 28), (resnet(1, 100, 3, 8), 100), (unet(3, 2, [8, 4]), 64)] {
            let weights = Weights::initial(&network, 3).unwrap();
            let (folded, weights) = fold(&network, &weights).unwrap();
            let ranges = vec![3.0; folded.nodes.len() + 1];
            let made = layers(&folded, &weights, &ranges, side).unwrap();
            assert_eq!(
                (made.network.inputs(), made.network.outputs()),
                (network.channels, *network.channel_counts().unwrap().last().unwrap())
            );
            assert_eq!(made.network.reach().is_some(), network.divisor() > 1);
            assert!(layers(&folded, &weights, &vec![3.0; 4], side).is_err());
            assert!(layers(&folded, &weights, &vec![f32::NAN; ranges.len()], side).is_err());
        }
    }

    #[test]
    fn weights_and_biases_keep_their_value() {
        let (weights, bias) = (vec![0.5, -1.27, 0.003, 10.0, -20.0, 1.0], vec![0.7, -3.0]);
        let whole = WholeWeights::of(&weights, &bias, 0.001, 3);
        for (i, weight) in whole.weights.iter().enumerate() {
            let unit = whole.units[i / 3];
            assert!((f64::from(*weight) * unit - weights[i]).abs() <= unit / 2.0 + 1e-12);
        }
        for (i, own) in whole.bias.iter().enumerate() {
            assert!((f64::from(*own) * whole.units[i] * 0.001 - bias[i]).abs() < whole.units[i] * 0.001);
        }
    }
}
