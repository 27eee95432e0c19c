//! Models for other programs: ONNX, written here, and safetensors.

mod onnx;
mod protobuf;

pub use onnx::onnx;
