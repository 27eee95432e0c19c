//! A network's layers as burn's operations, and back again, layer by layer.

use burn_tensor::module::{batch_norm_train, max_pool2d};
use burn_tensor::ops::MaxPoolOptions;
use burn_tensor::{Tensor, activation};

use super::convolution::{Convolution, numbers};
use crate::graph::{EPSILON, Network, Node, Op};

/// What each layer remembers until its gradient comes.
enum Memory {
    /// A convolution: its images.
    Convolution(Convolution, Tensor<4>),
    /// ReLU: its result.
    Relu(Tensor<4>),
    /// A sum: nothing.
    Add,
    /// Channels of each input.
    Concat(Vec<usize>),
    /// All else: what burn recorded, from inputs and arrays to the result.
    Recorded { inputs: Vec<Tensor<4>>, arrays: Vec<Tensor<1>>, result: Tensor<4> },
}

/// A pass of training through a network, recorded so that it can be gone back.
pub struct Pass<'a> {
    network: &'a Network,
    arrays: Vec<Tensor<1>>,
    memories: Vec<Memory>,
    /// The result: n x classes x height x width.
    pub result: Tensor<4>,
    /// Means and variances that batch normalisation saw, layer by layer.
    pub seen: Vec<f32>,
}

/// How many arrays a layer has that are trained.
fn array_count(op: Op) -> usize {
    match op {
        Op::Conv { bias, .. } => 1 + usize::from(bias),
        Op::BatchNorm | Op::UpConv { .. } | Op::Linear { .. } => 2,
        Op::Relu | Op::MaxPool | Op::Concat | Op::Add | Op::GlobalMean => 0,
    }
}

/// The result of a layer that is no convolution; of batch normalisation also its mean and variance.
fn layer(op: Op, inputs: &[Tensor<4>], arrays: &[Tensor<1>]) -> (Tensor<4>, Option<[Tensor<1>; 2]>) {
    let first = inputs[0].clone();
    let [n, channels, height, width] = first.dims();
    let result = match op {
        Op::BatchNorm => {
            let out = batch_norm_train(first, arrays[0].clone(), arrays[1].clone(), EPSILON);
            return (out.output, Some([out.mean, out.variance]));
        }
        Op::Relu => activation::relu(first),
        Op::MaxPool => max_pool2d(first, MaxPoolOptions::new([2, 2])),
        Op::UpConv { outputs } => {
            // Each pixel becomes four, each a product with a matrix of its own.
            let weight = arrays[0].clone().reshape([1, channels, outputs * 4]).swap_dims(1, 2).expand([n, outputs * 4, channels]);
            let four = weight.matmul(first.reshape([n, channels, height * width])).reshape([n, outputs, 2, 2, height, width]);
            let spread = four.permute([0, 1, 4, 2, 5, 3]).reshape([n, outputs, 2 * height, 2 * width]);
            spread + arrays[1].clone().reshape([1, outputs, 1, 1])
        }
        Op::Concat => Tensor::cat(inputs.to_vec(), 1),
        Op::Add => first + inputs[1].clone(),
        Op::GlobalMean => first.reshape([n, channels, height * width]).mean_dim(2).reshape([n, channels, 1, 1]),
        Op::Linear { outputs } => {
            let (weight, bias) = (arrays[0].clone().reshape([outputs, channels]), arrays[1].clone().reshape([1, outputs]));
            (first.reshape([n, channels]).matmul(weight.transpose()) + bias).reshape([n, outputs, 1, 1])
        }
        Op::Conv { .. } => unreachable!("convolutions have a way of their own"),
    };
    (result, None)
}

fn convolution(op: Op, inputs: usize) -> Option<Convolution> {
    match op {
        Op::Conv { outputs, kernel, stride, .. } => Some(Convolution { inputs, outputs, kernel, stride }),
        _ => None,
    }
}

/// The result for a batch of images, n x channels x height x width, by a folded network. `arrays` are its parameters in order, each flat.
/// `look` sees the image and each layer's result.
pub fn infer(network: &Network, arrays: &[Tensor<1>], images: Tensor<4>, mut look: impl FnMut(usize, &Tensor<4>)) -> Tensor<4> {
    let last = network.last_uses();
    let mut rest = arrays;
    look(crate::graph::INPUT, &images);
    let mut results: Vec<Option<Tensor<4>>> = vec![Some(images)];
    for (i, node) in network.nodes.iter().enumerate() {
        let (own, later) = rest.split_at(array_count(node.op));
        rest = later;
        let inputs = taken(node, &results);
        let result = match convolution(node.op, inputs[0].dims()[1]) {
            Some(convolution) => convolution.forward(inputs[0].clone(), &own[0], own.get(1).cloned()),
            None => layer(node.op, &inputs, own).0,
        };
        look(i + 1, &result);
        results.push(Some(result));
        // What nobody takes any more goes, so that few images are held.
        for &from in &node.from {
            if last[from] == i + 1 {
                results[from] = None;
            }
        }
    }
    results.pop().flatten().expect("a network has layers")
}

fn taken(node: &Node, results: &[Option<Tensor<4>>]) -> Vec<Tensor<4>> {
    node.from.iter().map(|&from| results[from].clone().expect("a layer comes after what it takes")).collect()
}

impl<'a> Pass<'a> {
    /// Computes the result for a batch with its own means and variances. `arrays` are the trained parameters in order, each flat.
    pub fn new(network: &'a Network, arrays: Vec<Tensor<1>>, images: Tensor<4>) -> Self {
        let mut rest = arrays.as_slice();
        let (mut results, mut memories, mut seen) = (vec![Some(images)], Vec::new(), Vec::new());
        for node in &network.nodes {
            let (own, later) = rest.split_at(array_count(node.op));
            rest = later;
            let inputs = taken(node, &results);
            let (result, memory) = match node.op {
                Op::Conv { .. } => {
                    let convolution = convolution(node.op, inputs[0].dims()[1]).expect("the layer is a convolution");
                    let result = convolution.forward(inputs[0].clone(), &own[0], own.get(1).cloned());
                    (result, Memory::Convolution(convolution, inputs[0].clone()))
                }
                Op::Relu => {
                    let result = layer(node.op, &inputs, own).0;
                    (result.clone(), Memory::Relu(result))
                }
                Op::Add => (layer(node.op, &inputs, own).0, Memory::Add),
                Op::Concat => (layer(node.op, &inputs, own).0, Memory::Concat(inputs.iter().map(|x| x.dims()[1]).collect())),
                _ => {
                    let inputs: Vec<Tensor<4>> = inputs.into_iter().map(|x| x.autodiff().require_grad()).collect();
                    let arrays: Vec<Tensor<1>> = own.iter().map(|x| x.clone().autodiff().require_grad()).collect();
                    let (result, moments) = layer(node.op, &inputs, &arrays);
                    for moment in moments.into_iter().flatten() {
                        seen.extend(numbers(moment));
                    }
                    (result.clone().inner(), Memory::Recorded { inputs, arrays, result })
                }
            };
            results.push(Some(result));
            memories.push(memory);
        }
        let result = results.pop().flatten().expect("a network has layers");
        Self { network, arrays, memories, result, seen }
    }

    /// Goes back from the gradient of the result: the gradients of all arrays, one behind the other.
    pub fn back(self, gradient: Tensor<4>) -> Vec<f32> {
        let mut gradients: Vec<Option<Tensor<4>>> = vec![None; self.network.nodes.len() + 1];
        gradients[self.network.nodes.len()] = Some(gradient);
        let mut own_gradients: Vec<Vec<f32>> = Vec::new();
        let mut rest = self.arrays.as_slice();
        for (i, (node, memory)) in self.network.nodes.iter().zip(self.memories).enumerate().rev() {
            let (earlier, own) = rest.split_at(rest.len() - array_count(node.op));
            rest = earlier;
            let Some(gradient) = gradients[i + 1].take() else {
                // Nobody takes what this layer gives.
                own_gradients.push(own.iter().flat_map(|array| vec![0.0; array.dims()[0]]).collect());
                continue;
            };
            let (inputs, arrays) = back_through(memory, node, own, gradient);
            own_gradients.push(arrays);
            for (&from, gradient) in node.from.iter().zip(inputs) {
                gradients[from] = match (gradients[from].take(), gradient) {
                    (Some(sum), Some(more)) => Some(sum + more),
                    (sum, more) => sum.or(more),
                };
            }
        }
        own_gradients.into_iter().rev().flatten().collect()
    }
}

/// The gradients of a layer's inputs, and of its arrays.
fn back_through(memory: Memory, node: &Node, own: &[Tensor<1>], gradient: Tensor<4>) -> (Vec<Option<Tensor<4>>>, Vec<f32>) {
    match memory {
        Memory::Convolution(convolution, images) => {
            let mut of_bias = Vec::new();
            if own.len() > 1 {
                of_bias = numbers(gradient.clone().sum_dims(&[0, 2, 3]));
            }
            // Nobody asks for the gradient of the image itself.
            let wanted = node.from != [crate::graph::INPUT];
            let (of_weight, of_images) = convolution.backward(images, &own[0], gradient, wanted);
            let mut arrays = numbers(of_weight);
            arrays.extend(of_bias);
            (vec![of_images], arrays)
        }
        // The result is 0 where nothing goes back, else above.
        Memory::Relu(result) => (vec![Some(gradient * result.sign())], Vec::new()),
        Memory::Add => (vec![Some(gradient.clone()), Some(gradient)], Vec::new()),
        Memory::Concat(channels) => {
            let parts = gradient.split_with_sizes(channels, 1);
            (parts.into_iter().map(Some).collect(), Vec::new())
        }
        Memory::Recorded { inputs, arrays, result } => {
            let mut gradients = (result * gradient.autodiff()).sum().backward();
            let of_arrays = arrays.iter().flat_map(|array| match array.grad_remove(&mut gradients) {
                Some(gradient) => numbers(gradient),
                None => vec![0.0; array.dims()[0]],
            });
            let of_arrays = of_arrays.collect();
            (inputs.iter().map(|input| input.grad_remove(&mut gradients)).collect(), of_arrays)
        }
    }
}
