//! A small residual network for whole images (He et al. 2016): a few hundred thousand weights at most.

use super::{INPUT, Network, NodeIndex, Op};

/// The longest side that the residual blocks look at in full.
const WIDEST: usize = 32;

/// For images of `side` x `side` with so many channels: three stages of `width`, twice and four times as many channels, one basic block each. Larger images
/// are halved first, by convolutions of step 2.
pub fn resnet(channels: usize, side: usize, classes: usize, width: usize) -> Network {
    let mut net = Network::new(channels);
    let mut at = INPUT;
    let mut side = side;
    let mut halvings = 0;
    while side > WIDEST {
        let outputs = (width / 2).max(8).min(width << halvings);
        at = net.block(&format!("halve{halvings}"), [outputs, 3, 2], at, true);
        side = side.div_ceil(2);
        halvings += 1;
    }
    at = net.block("stem", [width, 3, 1], at, true);
    for stage in 0..3 {
        at = basic_block(&mut net, &format!("stage{stage}"), width << stage, if stage == 0 { 1 } else { 2 }, at);
    }
    let mean = net.add("mean", Op::GlobalMean, &[at]);
    net.add("classes", Op::Linear { outputs: classes }, &[mean]);
    net
}

/// Two convolutions, and the input beside them; where its size changes, through a convolution of 1 x 1.
fn basic_block(net: &mut Network, name: &str, outputs: usize, stride: usize, from: NodeIndex) -> NodeIndex {
    let first = net.block(&format!("{name}.a"), [outputs, 3, stride], from, true);
    let second = net.block(&format!("{name}.b"), [outputs, 3, 1], first, false);
    let beside = if stride == 1 { from } else { net.block(&format!("{name}.beside"), [outputs, 1, stride], from, false) };
    let sum = net.add(format!("{name}.add"), Op::Add, &[second, beside]);
    net.add(format!("{name}.relu"), Op::Relu, &[sum])
}
