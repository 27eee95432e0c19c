//! A network's layers as burn's operations.

use burn_tensor::module::{batch_norm_train, conv_transpose2d, conv2d, max_pool2d};
use burn_tensor::ops::{ConvOptions, ConvTransposeOptions, MaxPoolOptions};
use burn_tensor::{Tensor, activation};

use crate::graph::{EPSILON, Network, Op};

/// What batch normalisation saw in one layer: means and variances of its channels.
pub type Seen = [Tensor<1>; 2];

/// The result for a batch of images, n x channels x height x width, and what batch normalisation saw, layer by layer. `arrays` are the trained parameters in
/// order, each flat. With batch normalisation, this is what training computes: the batch's own means and variances.
pub fn forward(network: &Network, arrays: &[Tensor<1>], images: Tensor<4>) -> (Tensor<4>, Vec<Seen>) {
    let last = network.last_uses();
    let mut arrays = arrays.iter().cloned();
    let mut array = || arrays.next().expect("as many arrays as the network has parameters");
    let mut results: Vec<Option<Tensor<4>>> = vec![Some(images)];
    let mut seen = Vec::new();
    for (i, node) in network.nodes.iter().enumerate() {
        let take = |k: usize| results[node.from[k]].clone().expect("a layer comes after what it takes");
        let first = take(0);
        let [n, inputs, height, width] = first.dims();
        let result = match node.op {
            Op::Conv { outputs, kernel, stride, bias } => {
                let weight = array().reshape([outputs, inputs, kernel, kernel]);
                let bias = bias.then(&mut array);
                conv2d(first, weight, bias, ConvOptions::new([stride; 2], [kernel / 2; 2], [1; 2], 1))
            }
            Op::BatchNorm => {
                let (gamma, beta) = (array(), array());
                let out = batch_norm_train(first, gamma, beta, EPSILON);
                seen.push([out.mean, out.variance]);
                out.output
            }
            Op::Relu => activation::relu(first),
            Op::MaxPool => max_pool2d(first, MaxPoolOptions::new([2, 2])),
            Op::UpConv { outputs } => {
                let (weight, bias) = (array().reshape([inputs, outputs, 2, 2]), array());
                conv_transpose2d(first, weight, Some(bias), ConvTransposeOptions::new([2; 2], [0; 2], [0; 2], [1; 2], 1))
            }
            Op::Concat => Tensor::cat((0..node.from.len()).map(take).collect(), 1),
            Op::Add => first + take(1),
            Op::GlobalMean => first.reshape([n, inputs, height * width]).mean_dim(2).reshape([n, inputs, 1, 1]),
            Op::Linear { outputs } => {
                let (weight, bias) = (array().reshape([outputs, inputs]), array().reshape([1, outputs]));
                (first.reshape([n, inputs]).matmul(weight.transpose()) + bias).reshape([n, outputs, 1, 1])
            }
        };
        results.push(Some(result));
        // What nobody takes any more goes, so that inference holds few images.
        for &from in &node.from {
            if last[from] == i + 1 {
                results[from] = None;
            }
        }
    }
    (results.pop().flatten().expect("a network has layers"), seen)
}
