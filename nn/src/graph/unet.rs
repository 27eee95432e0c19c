//! A U-Net for slices (Ronneberger et al. 2015), with batch normalisation and padded convolutions, so that the result has the size of the image.

use super::{INPUT, Network, Op};

/// For images with so many channels: `levels` levels of two convolutions of 3 x 3 each, `width` channels in the first and twice as many in each one below.
pub fn unet(channels: usize, classes: usize, [width, levels]: [usize; 2]) -> Network {
    let mut net = Network::new(channels);
    let mut at = INPUT;
    let mut kept = Vec::new();
    for level in 0..levels {
        let outputs = width << level;
        at = net.block(&format!("down{level}.a"), [outputs, 3, 1], at, true);
        at = net.block(&format!("down{level}.b"), [outputs, 3, 1], at, true);
        if level + 1 < levels {
            kept.push(at);
            at = net.add(format!("down{level}.pool"), Op::MaxPool, &[at]);
        }
    }
    for (level, beside) in kept.into_iter().enumerate().rev() {
        let outputs = width << level;
        let up = net.add(format!("up{level}.up"), Op::UpConv { outputs }, &[at]);
        let both = net.add(format!("up{level}.concat"), Op::Concat, &[up, beside]);
        at = net.block(&format!("up{level}.a"), [outputs, 3, 1], both, true);
        at = net.block(&format!("up{level}.b"), [outputs, 3, 1], at, true);
    }
    net.add("classes", Op::Conv { outputs: classes, kernel: 1, stride: 1, bias: true }, &[at]);
    net
}
