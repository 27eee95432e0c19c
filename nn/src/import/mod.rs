//! Networks of other programs: ONNX files of the layers that there are here.

mod onnx;
mod protobuf;

pub use onnx::{Imported, onnx};
