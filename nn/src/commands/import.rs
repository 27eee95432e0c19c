//! `import`: a network of another program.

use std::path::{Path, PathBuf};

use hounsfield::{Error, Result};
use serde::de::DeserializeOwned;

use super::folder::ModelFolder;
use crate::args::{Shared, tell};
use crate::graph::{Network, Op, Weights};
use crate::import::{Imported, onnx};
use crate::model::{Arrays, MODEL, Model, Task};
use crate::prepare::{Crop, Frame, Normalise};

/// Take a network of another program: ONNX, or safetensors that export wrote
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Layers: Conv, BatchNormalization, Relu, MaxPool of 2 x 2, ConvTranspose of 2 x 2, Concat, Add, GlobalAveragePool and Gemm. \
    Files that export wrote say what is done to images before; of others, say it here."
)]
pub struct Args {
    /// The file: .onnx or .safetensors
    file: PathBuf,
    /// The folder of the model, which is made
    #[arg(short, long, value_name = "MODEL")]
    output: PathBuf,
    /// Names of the classes, by their number [default: the file's own, else class 0, class 1, ...]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    classes: Vec<String>,
    /// How intensities are measured: zscore, percentiles:LOW:HIGH, range:LOW:HIGH [default: the file's own]
    #[arg(long, value_name = "HOW", allow_hyphen_values = true)]
    normalise: Option<Normalise>,
    /// Columns and rows that images are resized to, of a network for whole images [default: the file's own]
    #[arg(long, value_name = "PIXELS", value_parser = clap::value_parser!(u16).range(8..=1024))]
    size: Option<u16>,
    /// What of an image that is not square is taken [default: the file's own, else centre]
    #[arg(long, value_enum)]
    crop: Option<Crop>,
    /// The probability from which on the second of two classes is chosen [default: the file's own, else 0.5]
    #[arg(long, value_name = "P", value_parser = crate::args::share)]
    threshold: Option<f64>,
}

/// The longest side of a tile of a slice.
const TILE: usize = 256;

/// A network, and what its file says of its use.
struct Found {
    network: Network,
    weights: Weights,
    classes: Option<Vec<String>>,
    task: Option<Task>,
    steps: Option<String>,
}

/// Imports.
pub fn run(shared: &Shared, args: &Args) -> Result<()> {
    let found = match args.file.extension().and_then(|ending| ending.to_str()) {
        Some("onnx") => from_onnx(&args.file)?,
        Some("safetensors") => from_safetensors(&args.file)?,
        _ => {
            let what = format!("nothing is known to read from {}", args.file.display());
            return Err(Error::usage(what, "give a file that ends in .onnx or .safetensors"));
        }
    };
    let counts = found.network.channel_counts()?;
    let count = counts.last().copied().unwrap_or(0);
    let given = (!args.classes.is_empty()).then(|| args.classes.clone());
    let classes = given.or(found.classes).unwrap_or_else(|| (0..count).map(|i| format!("class {i}")).collect());
    if classes.len() != count || count < 2 {
        let what = format!("{} names for {count} results", classes.len());
        return Err(Error::usage(what, "name a class for each result with --classes; there must be two or more"));
    }
    let whole = matches!(found.network.nodes.last().map(|node| node.op), Some(Op::Linear { .. } | Op::GlobalMean));
    let task = task(args, found.task, (whole, &found.network, count))?;
    let folder = ModelFolder::new(&args.output, false, shared.force)?;
    let parameters = found.weights.trained.len() + found.weights.running.len();
    let model = Model::new(task, classes.clone(), found.network, found.weights).with_steps(found.steps);
    folder.write(MODEL, &model.bytes()?)?;
    let layers = model.description.network.nodes.len();
    if shared.json {
        return tell(&format!("{:#}\n", serde_json::json!({ "layers": layers, "parameters": parameters, "classes": classes })));
    }
    tell(&format!("{layers} layers, {parameters} numbers, classes {}\n", classes.join(", ")))
}

/// What the network is for: as the file says, changed as the arguments say.
fn task(args: &Args, own: Option<Task>, (whole, network, count): (bool, &Network, usize)) -> Result<Task> {
    let missing = |what: &str, flag: &str| {
        Error::usage(
            format!("the file does not say {what}"),
            format!("say it with {flag}, as it was when the network was trained"),
        )
    };
    let how =
        |own: Option<Normalise>| args.normalise.or(own).ok_or_else(|| missing("how intensities are measured", "--normalise"));
    if whole {
        let (frame, normalise, threshold) = match own {
            Some(Task::Classify { frame, normalise, threshold }) => (Some(frame), Some(normalise), threshold),
            _ => (None, None, None),
        };
        let side = args.size.map(usize::from).or(frame.map(|frame| frame.side));
        let side = side.ok_or_else(|| missing("the size of its images", "--size"))?;
        let crop = args.crop.or(frame.map(|frame| frame.crop)).unwrap_or(Crop::Centre);
        let threshold = (count == 2).then(|| args.threshold.or(threshold).unwrap_or(0.5));
        return Ok(Task::Classify { frame: Frame { side, crop }, normalise: how(normalise)?, threshold });
    }
    if network.channels % 2 == 0 {
        let what = format!("a network for slices that takes {} channels", network.channels);
        return Err(Error::usage(what, "give one that takes 1, 3 or 5 slices, the one in question in the middle"));
    }
    match own {
        Some(Task::Segment { normalise, slices, tile, planes, spacing_mm, orientation }) => {
            Ok(Task::Segment { normalise: how(Some(normalise))?, slices, tile, planes, spacing_mm, orientation })
        }
        _ => Ok(Task::Segment {
            normalise: how(None)?,
            slices: network.channels,
            tile: TILE,
            planes: vec![2],
            spacing_mm: None,
            orientation: None,
        }),
    }
}

fn noted<T: DeserializeOwned>(text: Option<&str>) -> Option<T> {
    text.and_then(|text| serde_json::from_str(text).ok())
}

fn from_onnx(file: &Path) -> Result<Found> {
    let bytes = std::fs::read(file).map_err(Error::read(file))?;
    let refused = |what| Error::unsupported(file, what, "export it with layers of these kinds, its numbers inside of the file");
    let Imported { network, weights, notes } = onnx(&bytes).map_err(refused)?;
    let note = |key: &str| notes.get(key).map(String::as_str);
    Ok(Found {
        network,
        weights,
        classes: noted(note("classes")),
        task: noted(note("preparation")),
        steps: noted(note("steps")).flatten(),
    })
}

fn from_safetensors(file: &Path) -> Result<Found> {
    let arrays = Arrays::read(file)?;
    let Some(network) = noted::<Network>(arrays.noted("network")) else {
        return Err(Error::format(file, "arrays, and no word of the layers that they belong to", "give an ONNX file"));
    };
    let find = |name: &str| arrays.get(name).map(|array| (array.shape.as_slice(), array.values.clone()));
    let weights = Weights::gather(&network, find).map_err(|e| Error::format(file, e.to_string(), "export it again"))?;
    Ok(Found {
        network,
        weights,
        classes: noted(arrays.noted("classes")),
        task: noted(arrays.noted("preparation")),
        steps: noted(arrays.noted("steps")).flatten(),
    })
}
