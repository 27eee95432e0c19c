//! A trained model as files: `model.safetensors` with all that is needed to use it, `card.json` for people, `log.csv`, `curves.png`, and `last.safetensors` to
//! go on from.

mod arrays;
mod card;

pub use arrays::{Array, Arrays};
pub use card::{Card, CardData, Held};

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hounsfield::pipelines::{Cost, Device, DeviceChoice, Rates};
use hounsfield::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::graph::{Network, Weights};
use crate::learn::Inference;
use crate::prepare::{Frame, Normalise};
use crate::quantise::{Exact, Ranges};

/// Of the description of models; a program reads those of its own.
const VERSION: u32 = 1;

/// The file that is the model, in the folder.
pub const MODEL: &str = "model.safetensors";
/// Where a training goes on from.
pub const LAST: &str = "last.safetensors";
/// What people should know of a model.
pub const CARD: &str = "card.json";
/// A line for each epoch.
pub const LOG: &str = "log.csv";
/// The same as a figure.
pub const CURVES: &str = "curves.png";

/// The name under which a description stands in a file's metadata.
const KEY: &str = "hounsfield-learn";

/// What a model is for, and what is done to images before it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum Task {
    /// A class for a whole image.
    Classify {
        /// Which pixels.
        frame: Frame,
        /// How their intensities are measured.
        normalise: Normalise,
        /// The probability from which on the positive class is chosen; none for more than two classes.
        threshold: Option<f64>,
    },
    /// A class for each voxel.
    Segment {
        /// How intensities are measured, over the whole volume.
        normalise: Normalise,
        /// Neighbouring slices that are seen together, odd.
        slices: usize,
        /// Columns and rows of a tile.
        tile: usize,
        /// Along which axes slices are cut, each with the same network.
        planes: Vec<usize>,
        /// Size of the voxels that it learnt from, in mm along x, y and z, where the spacing is known.
        spacing_mm: Option<[f64; 3]>,
        /// Where the axes of the volumes that it learnt from point, such as LPS, where that is known: others are turned first.
        #[serde(default)]
        orientation: Option<String>,
    },
}

/// All of a model but its numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Description {
    version: u32,
    /// The program that wrote it.
    pub program: String,
    /// What it is for.
    #[serde(flatten)]
    pub task: Task,
    /// Names of the classes, by their number.
    pub classes: Vec<String>,
    /// The layers.
    pub network: Network,
    /// Steps of `hounsfield map` that images go through before they are measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<String>,
    /// Of a model in whole numbers: the greatest absolute value of the image and of each layer's result that training data have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ranges: Option<Ranges>,
}

/// A trained model.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// What it is.
    pub description: Description,
    /// Its numbers.
    pub weights: Weights,
}

/// This program and its version.
pub fn program() -> String {
    format!("hounsfield-learn {}", env!("CARGO_PKG_VERSION"))
}

impl Model {
    /// A model of this program.
    pub fn new(task: Task, classes: Vec<String>, network: Network, weights: Weights) -> Self {
        Self {
            description: Description { version: VERSION, program: program(), task, classes, network, steps: None, ranges: None },
            weights,
        }
    }

    /// The same for images that go through steps first.
    #[must_use]
    pub fn with_steps(mut self, steps: Option<String>) -> Self {
        self.description.steps = steps;
        self
    }

    /// The network as it answers: in whole numbers if it was quantised, else in floats.
    ///
    /// # Errors
    /// What building it, or opening a device, gives.
    pub fn inference(&self, device: &DeviceChoice) -> Result<Inference> {
        let network = &self.description.network;
        let Some(ranges) = &self.description.ranges else {
            if !matches!(device, DeviceChoice::Auto | DeviceChoice::Cpu) {
                return Err(Error::usage("a network in floats on a GPU", "quantise the model first, or leave the device out"));
            }
            return Inference::new(network, &self.weights);
        };
        let device = match device {
            DeviceChoice::Auto | DeviceChoice::Cpu => Device::cpu(),
            other => Device::open(other, &Cost::STREAMING, &Rates::default())?.0,
        };
        let side = if let Task::Classify { frame, .. } = &self.description.task { frame.side } else { network.divisor() };
        Ok(Inference::Exact(Arc::new(Exact::new(network, &self.weights, (ranges, side), device)?)))
    }

    /// The bytes of its file.
    ///
    /// # Errors
    /// As [`Network::channel_counts`].
    pub fn bytes(&self) -> Result<Vec<u8>> {
        let mut arrays = Arrays::default();
        arrays.note(KEY, &self.description);
        for parameter in self.description.network.parameters()? {
            let values = self.weights.of(&parameter).to_vec();
            arrays.put(&parameter.name, Array { shape: parameter.shape, values });
        }
        Ok(arrays.bytes())
    }

    /// Reads a model: its folder, or the file in it.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Format`] for what is no such file, [`Error::Unsupported`] for one of another version.
    pub fn read(path: &Path) -> Result<Self> {
        let file = if path.is_dir() { path.join(MODEL) } else { PathBuf::from(path) };
        let arrays = Arrays::read(&file)?;
        let bad = |what: &str| Error::format(&file, what.to_owned(), "train it again, with this version");
        let text = arrays.noted(KEY).ok_or_else(|| bad("the file holds no model of hounsfield-learn"))?;
        let raw: serde_json::Value = serde_json::from_str(text).map_err(|_| bad("the description of the model is damaged"))?;
        let version = raw["version"].as_u64();
        if version != Some(u64::from(VERSION)) {
            let said = version.map_or_else(|| "none".into(), |v| v.to_string());
            let by = raw["program"].as_str().unwrap_or("another program");
            let what = format!("a model of version {said}, by {by}, where this program reads version {VERSION}");
            return Err(Error::unsupported(&file, what, "use the program that wrote it, or train it again"));
        }
        let description: Description = serde_json::from_value(raw).map_err(|_| bad("the description of the model is damaged"))?;
        let find = |name: &str| arrays.get(name).map(|array| (array.shape.as_slice(), array.values.clone()));
        let weights = Weights::gather(&description.network, find).map_err(|e| bad(&e.to_string()))?;
        if description.network.channel_counts()?.last() != Some(&description.classes.len()) {
            return Err(bad("the model has another number of classes than results"));
        }
        Ok(Self { description, weights })
    }
}
