//! An ONNX model as a network of our own layers: Conv, BatchNormalization, Relu, MaxPool, ConvTranspose, Concat, Add, GlobalAveragePool, Gemm; Flatten, Reshape and
//! Squeeze of one pixel, Identity and Dropout change nothing. Anything else is refused by its name.

use std::collections::BTreeMap;

use super::protobuf::Fields;
use crate::graph::{EPSILON, INPUT, Network, NodeIndex, Op, Weights};

/// What a file holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// The layers.
    pub network: Network,
    /// Their numbers.
    pub weights: Weights,
    /// Its metadata.
    pub notes: BTreeMap<String, String>,
}

/// Numbers of a shape.
#[derive(Debug, Clone, PartialEq)]
struct Tensor {
    shape: Vec<usize>,
    values: Vec<f32>,
}

/// ONNX's numbers of types.
const FLOAT: i64 = 1;

type Tensors<'a> = BTreeMap<&'a str, Tensor>;

/// Reads a model. What is wrong with it is said in words.
///
/// # Errors
/// For what is damaged or no such network.
pub fn onnx(bytes: &[u8]) -> Result<Imported, String> {
    let damaged = || "no ONNX model, or a damaged one".to_owned();
    let model = Fields::parse(bytes).ok_or_else(damaged)?;
    let graph = model.message(7).ok_or_else(damaged)?;
    let mut tensors = Tensors::new();
    for tensor in graph.messages(5).ok_or_else(damaged)? {
        let name = tensor.text(8);
        if let Some(values) = read_tensor(&tensor)? {
            tensors.insert(name, values);
        }
    }
    let inputs = graph.messages(11).ok_or_else(damaged)?;
    let images: Vec<&Fields<'_>> = inputs.iter().filter(|input| !tensors.contains_key(input.text(1))).collect();
    let [image] = images.as_slice() else { return Err(format!("{} inputs, where one is wanted", images.len())) };
    let mut builder = Builder {
        network: Network::new(channels(image)?),
        arrays: BTreeMap::new(),
        results: BTreeMap::from([(image.text(1).to_owned(), INPUT)]),
    };
    for node in graph.messages(1).ok_or_else(damaged)? {
        builder.node(&Node::parse(&node).ok_or_else(damaged)?, &tensors)?;
    }
    let outputs = graph.messages(12).ok_or_else(damaged)?;
    let result = outputs.first().and_then(|output| builder.results.get(output.text(1)));
    if outputs.len() != 1 || result != Some(&builder.network.nodes.len()) {
        return Err("another result than that of the last layer, or several".into());
    }
    let arrays = &builder.arrays;
    let find = |name: &str| arrays.get(name).map(|tensor| (tensor.shape.as_slice(), tensor.values.clone()));
    let weights = Weights::gather(&builder.network, find).map_err(|e| e.to_string())?;
    let notes = model.messages(14).ok_or_else(damaged)?;
    let notes = notes.iter().map(|note| (note.text(1).to_owned(), note.text(2).to_owned())).collect();
    Ok(Imported { network: builder.network, weights, notes })
}

/// The numbers of a tensor of floats; none for one of another type, which only shapes are.
fn read_tensor(tensor: &Fields<'_>) -> Result<Option<Tensor>, String> {
    let name = tensor.text(8);
    let bad = |what: &str| format!("the array {name} {what}");
    if tensor.numbers(2).as_deref() != Some(&[FLOAT]) {
        return Ok(None);
    }
    let shape = tensor.numbers(1).ok_or_else(|| bad("is damaged"))?;
    let shape: Vec<usize> =
        shape.into_iter().map(|n| usize::try_from(n).map_err(|_| bad("is damaged"))).collect::<Result<_, _>>()?;
    let count = shape.iter().try_fold(1_usize, |all, n| all.checked_mul(*n)).ok_or_else(|| bad("is too large"))?;
    let values = match tensor.bytes(9).next() {
        Some(raw) => raw.as_chunks().0.iter().map(|four| f32::from_le_bytes(*four)).collect(),
        None => tensor.floats(4),
    };
    if values.len() != count {
        return Err(bad("has another number of values than its shape says, or lies in a file of its own"));
    }
    Ok(Some(Tensor { shape, values }))
}

/// Channels of an image of n x channels x height x width.
fn channels(image: &Fields<'_>) -> Result<usize, String> {
    let shape = image.message(2).and_then(|kind| kind.message(1)).and_then(|tensor| tensor.message(2));
    let axes = shape.and_then(|shape| shape.messages(1)).unwrap_or_default();
    match axes.get(1).and_then(|axis| axis.numbers(1)).as_deref() {
        Some([n]) if axes.len() == 4 && (1..=64).contains(n) => Ok(*n as usize),
        _ => Err("an image that is not n x channels x height x width, with 1 to 64 channels".into()),
    }
}

/// A node of the graph.
struct Node<'a> {
    operator: &'a str,
    name: &'a str,
    inputs: Vec<&'a str>,
    output: &'a str,
    attributes: BTreeMap<&'a str, Fields<'a>>,
}

impl<'a> Node<'a> {
    fn parse(node: &Fields<'a>) -> Option<Self> {
        let attributes = node.messages(5)?.into_iter().map(|attribute| (attribute.text(1), attribute)).collect();
        Some(Self {
            operator: node.text(4),
            name: node.text(3),
            inputs: node.texts(1),
            output: node.bytes(2).next().and_then(|name| std::str::from_utf8(name).ok())?,
            attributes,
        })
    }

    /// Whether an attribute of whole numbers, where there is one, is this.
    fn is(&self, name: &str, wanted: &[i64]) -> bool {
        let Some(attribute) = self.attributes.get(name) else { return true };
        let many = attribute.numbers(8).unwrap_or_default();
        let own = if many.is_empty() { attribute.numbers(3).unwrap_or_default() } else { many };
        own == wanted
    }

    fn whole(&self, name: &str, otherwise: i64) -> i64 {
        self.attributes.get(name).and_then(|attribute| attribute.numbers(3)?.first().copied()).unwrap_or(otherwise)
    }

    fn number(&self, name: &str, otherwise: f32) -> f32 {
        self.attributes.get(name).and_then(|attribute| attribute.floats(2).first().copied()).unwrap_or(otherwise)
    }
}

/// The network so far.
struct Builder {
    network: Network,
    arrays: BTreeMap<String, Tensor>,
    /// Of each result its layer.
    results: BTreeMap<String, NodeIndex>,
}

impl Builder {
    fn node(&mut self, node: &Node<'_>, tensors: &Tensors<'_>) -> Result<(), String> {
        let bad = |what: &str| format!("the layer {} ({}) {what}", node.name, node.operator);
        let from = |i: usize| {
            let name = node.inputs.get(i).copied().unwrap_or_default();
            self.results.get(name).copied().ok_or_else(|| bad("takes what no layer before it gives"))
        };
        let array = |i: usize| {
            let name = node.inputs.get(i).copied().unwrap_or_default();
            tensors.get(name).cloned().ok_or_else(|| bad("has an array that is no constant of 32-bit floats"))
        };
        let plain = || {
            node.is("group", &[1])
                && node.is("dilations", &[1, 1])
                && node.attributes.get("auto_pad").is_none_or(|pad| pad.text(4) == "NOTSET")
        };
        let unpadded = || node.is("pads", &[0; 4]) && node.is("ceil_mode", &[0]) && node.is("output_padding", &[0; 2]);
        let halves =
            || node.is("kernel_shape", &[2, 2]) && node.attributes.contains_key("strides") && node.is("strides", &[2, 2]);
        let (op, inputs, arrays) = match node.operator {
            "Conv" => {
                let weight = array(1)?;
                let &[outputs, _, kernel, columns] = weight.shape.as_slice() else {
                    return Err(bad("has no windows in two axes"));
                };
                let stride = if node.is("strides", &[1, 1]) { 1 } else { 2 };
                let pads =
                    if node.attributes.contains_key("pads") { node.is("pads", &[(kernel / 2) as i64; 4]) } else { kernel == 1 };
                if !plain() || kernel != columns || kernel % 2 == 0 || !pads || (stride == 2 && !node.is("strides", &[2, 2])) {
                    return Err(bad("is no convolution of square, odd windows, padded with half of them, of step 1 or 2"));
                }
                let bias = node.inputs.get(2).is_some_and(|name| !name.is_empty());
                let mut arrays = vec![("weight", weight)];
                if bias {
                    arrays.push(("bias", array(2)?));
                }
                (Op::Conv { outputs, kernel, stride, bias }, vec![from(0)?], arrays)
            }
            "ConvTranspose" => {
                let weight = array(1)?;
                let &[_, outputs, 2, 2] = weight.shape.as_slice() else {
                    return Err(bad("is no transposed convolution of 2 x 2"));
                };
                if !plain() || !unpadded() || !halves() {
                    return Err(bad("is no transposed convolution of 2 x 2, step 2"));
                }
                let none = Tensor { shape: vec![outputs], values: vec![0.0; outputs] };
                let bias = if node.inputs.len() > 2 { array(2)? } else { none };
                (Op::UpConv { outputs }, vec![from(0)?], vec![("weight", weight), ("bias", bias)])
            }
            "BatchNormalization" => {
                let more = f64::from(node.number("epsilon", 1e-5)) - EPSILON;
                let mut variance = array(4)?;
                variance.values.iter_mut().for_each(|v| *v = (f64::from(*v) + more) as f32);
                let arrays = vec![("gamma", array(1)?), ("beta", array(2)?), ("mean", array(3)?), ("variance", variance)];
                (Op::BatchNorm, vec![from(0)?], arrays)
            }
            "Gemm" => {
                let mut weight = array(1)?;
                let &[rows, columns] = weight.shape.as_slice() else { return Err(bad("has no matrix")) };
                if node.number("alpha", 1.0) != 1.0 || node.number("beta", 1.0) != 1.0 || node.whole("transA", 0) != 0 {
                    return Err(bad("multiplies by a number"));
                }
                if node.whole("transB", 0) == 0 {
                    let values = (0..rows * columns).map(|i| weight.values[i % rows * columns + i / rows]).collect();
                    weight = Tensor { shape: vec![columns, rows], values };
                }
                let outputs = weight.shape[0];
                let none = Tensor { shape: vec![outputs], values: vec![0.0; outputs] };
                let bias = if node.inputs.len() > 2 { array(2)? } else { none };
                (Op::Linear { outputs }, vec![from(0)?], vec![("weight", weight), ("bias", bias)])
            }
            "MaxPool" if halves() && unpadded() && node.is("dilations", &[1, 1]) => (Op::MaxPool, vec![from(0)?], vec![]),
            "MaxPool" => return Err(bad("is not the greatest of 2 x 2, step 2")),
            "Relu" => (Op::Relu, vec![from(0)?], vec![]),
            "GlobalAveragePool" => (Op::GlobalMean, vec![from(0)?], vec![]),
            "Add" => (Op::Add, vec![from(0)?, from(1)?], vec![]),
            "Concat" if matches!(node.whole("axis", 1), 1 | -3) => {
                (Op::Concat, (0..node.inputs.len()).map(from).collect::<Result<_, _>>()?, vec![])
            }
            "Flatten" | "Reshape" | "Squeeze" if self.is_one_pixel(from(0)?) => return self.alias(node, from(0)?),
            "Identity" | "Dropout" => return self.alias(node, from(0)?),
            _ => return Err(bad("is none that this program has")),
        };
        let name = self.unused(node.name);
        for (which, tensor) in arrays {
            self.arrays.insert(format!("{name}.{which}"), tensor);
        }
        let layer = self.network.add(name, op, &inputs);
        self.results.insert(node.output.to_owned(), layer);
        Ok(())
    }

    fn alias(&mut self, node: &Node<'_>, layer: NodeIndex) -> Result<(), String> {
        self.results.insert(node.output.to_owned(), layer);
        Ok(())
    }

    fn is_one_pixel(&self, layer: NodeIndex) -> bool {
        layer > 0 && matches!(self.network.nodes[layer - 1].op, Op::GlobalMean | Op::Linear { .. })
    }

    /// A name that no layer has yet.
    fn unused(&self, name: &str) -> String {
        let taken = |name: &str| name.is_empty() || self.network.nodes.iter().any(|node| node.name == name);
        if taken(name) { format!("layer{}", self.network.nodes.len()) } else { name.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::onnx as written;
    use crate::graph::{fold, resnet, unet};

    #[test]
    fn what_is_exported_comes_back_bit_for_bit() {
        for network in [resnet(1, 64, 2, 8), unet(3, 2, [4, 3])] {
            let weights = Weights::initial(&network, 3).unwrap();
            let (network, weights) = fold(&network, &weights).unwrap();
            let notes = BTreeMap::from([("classes", "[\"a\",\"b\"]".to_owned())]);
            let bytes = written(&network, &weights, Some(64), &notes).unwrap();
            let Imported { network: own, weights: numbers, notes } = onnx(&bytes).unwrap();
            let layers = |network: &Network| network.nodes.iter().map(|node| (node.op, node.from.clone())).collect::<Vec<_>>();
            assert_eq!((layers(&own), own.channels), (layers(&network), network.channels));
            assert_eq!(numbers, weights);
            assert_eq!(notes["classes"], "[\"a\",\"b\"]");
            // Cut anywhere, it is refused and nothing else happens.
            for cut in (0..bytes.len()).step_by(bytes.len() / 50) {
                assert!(onnx(&bytes[..cut]).is_err(), "{cut}");
            }
        }
    }

    #[test]
    fn damage_of_single_bytes_never_panics() {
        let network = resnet(1, 16, 2, 2);
        let (network, weights) = fold(&network, &Weights::initial(&network, 3).unwrap()).unwrap();
        let bytes = written(&network, &weights, None, &BTreeMap::new()).unwrap();
        for at in 0..bytes.len() {
            for change in [0x01, 0x80, 0xff] {
                let mut damaged = bytes.clone();
                damaged[at] ^= change;
                let _ = onnx(&damaged);
            }
        }
    }
}
