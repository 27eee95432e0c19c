//! `export`: a model for other programs.

use std::collections::BTreeMap;
use std::path::PathBuf;

use hounsfield::io::output::{Target, publish};
use hounsfield::{Error, Result};

use crate::args::Shared;
use crate::export::onnx;
use crate::graph::fold;
use crate::model::{Array, Arrays, Model, Task};

/// Write a model for other programs: ONNX or safetensors
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Batch normalisation is folded into the convolutions. The image that goes in is already resized and normalised as the \
    model's metadata say; what comes out is before softmax."
)]
pub struct Args {
    /// The folder of a model, or its model.safetensors
    model: PathBuf,
    /// The file: .onnx or .safetensors
    #[arg(short, long, value_name = "F")]
    output: PathBuf,
}

/// Exports.
pub fn run(shared: &Shared, args: &Args) -> Result<()> {
    let target = Target::new(&args.output, shared.force, &[&args.model])?;
    let Model { description, weights } = Model::read(&args.model)?;
    let (network, weights) = fold(&description.network, &weights)?;
    let bytes = match args.output.extension().and_then(|ending| ending.to_str()) {
        Some("onnx") => {
            let side = match &description.task {
                Task::Classify { frame, .. } => Some(frame.side),
                Task::Segment { .. } => None,
            };
            let json = |value: serde_json::Result<String>| value.unwrap_or_default();
            let notes = BTreeMap::from([
                ("classes", json(serde_json::to_string(&description.classes))),
                ("preparation", json(serde_json::to_string(&description.task))),
                ("steps", json(serde_json::to_string(&description.steps))),
                ("notice", crate::model::Card::NOTICE.to_owned()),
            ]);
            onnx(&network, &weights, side, &notes)?
        }
        Some("safetensors") => {
            let mut arrays = Arrays::default();
            arrays.note("network", &network);
            arrays.note("classes", &description.classes);
            arrays.note("preparation", &description.task);
            arrays.note("steps", &description.steps);
            for parameter in network.parameters()? {
                let values = weights.of(&parameter).to_vec();
                arrays.put(&parameter.name, Array { shape: parameter.shape, values });
            }
            arrays.bytes()
        }
        _ => {
            let what = format!("nothing is known to write as {}", args.output.display());
            return Err(Error::usage(what, "give a name that ends in .onnx or .safetensors"));
        }
    };
    publish(vec![target.stage_bytes(&bytes)?])
}
