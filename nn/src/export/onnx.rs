//! A folded network as an ONNX model: Conv, ConvTranspose, Relu, MaxPool, GlobalAveragePool, Concat, Add, Flatten and Gemm, operator set 13.

use std::collections::BTreeMap;

use hounsfield::{Error, Result};

use super::protobuf::Message;
use crate::graph::{Network, Op, Place, Weights};
use crate::model::program;

/// IR version 8 is what operator set 13 and newer runtimes of all kinds read.
const IR: i64 = 8;
const OPERATORS: i64 = 13;
/// ONNX's number of 32-bit floats.
const FLOAT: i64 = 1;
/// The image, n x channels x height x width, normalised.
const IMAGE: &str = "image";
/// The results before softmax.
const LOGITS: &str = "logits";

/// The bytes of a model. `side` fixes rows and columns; without it they are free. `notes` become its metadata.
///
/// # Errors
/// [`Error::Usage`] for a network that is not folded.
pub fn onnx(network: &Network, weights: &Weights, side: Option<usize>, notes: &BTreeMap<&str, String>) -> Result<Vec<u8>> {
    let counts = network.channel_counts()?;
    let tensors = network.parameters()?.into_iter().map(|parameter| match &parameter.place {
        Place::Trained(place) => tensor(&parameter.name, &parameter.shape, &weights.trained[place.clone()]),
        Place::Running(place) => tensor(&parameter.name, &parameter.shape, &weights.running[place.clone()]),
    });
    let last = network.nodes.len();
    let name = |index: usize| match index {
        0 => IMAGE.to_owned(),
        i if i == last => LOGITS.to_owned(),
        i => network.nodes[i - 1].name.clone(),
    };
    let mut nodes = Vec::new();
    for (i, layer) in network.nodes.iter().enumerate() {
        let mut inputs: Vec<String> = layer.from.iter().map(|&from| name(from)).collect();
        let own = |which: &str| format!("{}.{which}", layer.name);
        let (operator, attributes) = match layer.op {
            Op::Conv { kernel, stride, bias, .. } => {
                inputs.push(own("weight"));
                inputs.extend(bias.then(|| own("bias")));
                let pad = (kernel / 2) as i64;
                let shape = integers("kernel_shape", &[kernel as i64; 2]);
                ("Conv", vec![shape, integers("pads", &[pad; 4]), integers("strides", &[stride as i64; 2])])
            }
            Op::UpConv { .. } => {
                inputs.extend([own("weight"), own("bias")]);
                ("ConvTranspose", vec![integers("kernel_shape", &[2, 2]), integers("strides", &[2, 2])])
            }
            Op::Relu => ("Relu", vec![]),
            Op::MaxPool => ("MaxPool", vec![integers("kernel_shape", &[2, 2]), integers("strides", &[2, 2])]),
            Op::GlobalMean => ("GlobalAveragePool", vec![]),
            Op::Concat => ("Concat", vec![integer("axis", 1)]),
            Op::Add => ("Add", vec![]),
            Op::Linear { .. } => {
                let flat = own("flat");
                nodes.push(node("Flatten", &inputs, &flat, vec![integer("axis", 1)]));
                inputs = vec![flat, own("weight"), own("bias")];
                ("Gemm", vec![integer("transB", 1)])
            }
            Op::BatchNorm => return Err(Error::usage("a network with batch normalisation", "fold it first")),
        };
        nodes.push(node(operator, &inputs, &name(i + 1), attributes));
    }
    let linear = matches!(network.nodes.last().map(|node| node.op), Some(Op::Linear { .. }));
    let [rows, columns] = ["height", "width"].map(|name| side.map_or(Axis::Free(name), Axis::Of));
    let batch = Axis::Free("n");
    let mut result = vec![batch, Axis::Of(counts[last])];
    if !linear {
        result.extend([rows, columns]);
    }
    let graph = Message::default()
        .messages(1, nodes)
        .text(2, "network")
        .messages(5, tensors)
        .message(11, &value(IMAGE, &[batch, Axis::Of(network.channels), rows, columns]))
        .message(12, &value(LOGITS, &result));
    let notes = notes.iter().map(|(key, text)| Message::default().text(1, key).text(2, text));
    let model = Message::default()
        .number(1, IR)
        .text(2, "hounsfield-learn")
        .text(3, program().rsplit(' ').next().unwrap_or_default())
        .message(7, &graph)
        .message(8, &Message::default().text(1, "").number(2, OPERATORS))
        .messages(14, notes);
    Ok(model.into_bytes())
}

#[derive(Debug, Clone, Copy)]
enum Axis {
    Of(usize),
    Free(&'static str),
}

fn value(name: &str, axes: &[Axis]) -> Message {
    let axis = |axis: &Axis| match *axis {
        Axis::Of(n) => Message::default().number(1, n as i64),
        Axis::Free(name) => Message::default().text(2, name),
    };
    let shape = Message::default().messages(1, axes.iter().map(axis));
    let tensor = Message::default().number(1, FLOAT).message(2, &shape);
    Message::default().text(1, name).message(2, &Message::default().message(1, &tensor))
}

fn tensor(name: &str, shape: &[usize], values: &[f32]) -> Message {
    let axes = shape.iter().fold(Message::default(), |message, n| message.number(1, *n as i64));
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    axes.number(2, FLOAT).text(8, name).bytes(9, &bytes)
}

fn node(operator: &str, inputs: &[String], output: &str, attributes: Vec<Message>) -> Message {
    let inputs = inputs.iter().fold(Message::default(), |message, input| message.text(1, input));
    inputs.text(2, output).text(3, output).text(4, operator).messages(5, attributes)
}

/// An attribute of one whole number (type 2).
fn integer(name: &str, value: i64) -> Message {
    Message::default().text(1, name).number(3, value).number(20, 2)
}

/// An attribute of several (type 7).
fn integers(name: &str, values: &[i64]) -> Message {
    let named = Message::default().text(1, name);
    values.iter().fold(named, |message, value| message.number(8, *value)).number(20, 7)
}
