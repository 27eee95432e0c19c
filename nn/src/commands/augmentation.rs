//! How far images are changed, as it is typed, and a sheet of examples.

use hounsfield::Result;
use hounsfield::io::output::{Target, publish};
use hounsfield::report::figure;

use crate::args::amount;
use crate::augment::Augmentation;
use crate::data::ImageSet;
use crate::figures;
use crate::prepare::Normalise;
use crate::train::augmented;

/// What is typed replaces what is usual for the task; 0 leaves a change out.
#[derive(Debug, Clone, clap::Args)]
pub struct AugmentationArgs {
    /// Leave images as they are
    #[arg(long, help_heading = "Augmentation")]
    no_augmentation: bool,
    /// Turn by up to so many degrees
    #[arg(long, value_name = "DEGREES", value_parser = amount, help_heading = "Augmentation")]
    rotation: Option<f64>,
    /// Move by up to this share of the side
    #[arg(long, value_name = "SHARE", value_parser = amount, help_heading = "Augmentation")]
    shift: Option<f64>,
    /// Enlarge or shrink by up to this: 0.1 is from 1/1.1 to 1.1
    #[arg(long, value_name = "AMOUNT", value_parser = amount, help_heading = "Augmentation")]
    zoom: Option<f64>,
    /// Exponents of intensities: 0.3 is from 1/1.3 to 1.3
    #[arg(long, value_name = "AMOUNT", value_parser = amount, help_heading = "Augmentation")]
    gamma: Option<f64>,
    /// Contrast and brightness, as a share of the standard deviation
    #[arg(long, value_name = "SHARE", value_parser = amount, help_heading = "Augmentation")]
    contrast: Option<f64>,
    /// Noise, up to this share of the standard deviation
    #[arg(long, value_name = "SHARE", value_parser = amount, help_heading = "Augmentation")]
    noise: Option<f64>,
    /// Blur, with a standard deviation of up to so many pixels
    #[arg(long, value_name = "PIXELS", value_parser = amount, help_heading = "Augmentation")]
    blur: Option<f64>,
    /// Blank a patch of up to this share of the side
    #[arg(long, value_name = "SHARE", value_parser = amount, help_heading = "Augmentation")]
    cut_out: Option<f64>,
    /// Exchange left and right in half of the images
    #[arg(long, help_heading = "Augmentation")]
    flip: bool,
    /// Elastic deformation: standard deviation as a share of the side
    #[arg(long, value_name = "SHARE", value_parser = amount, help_heading = "Augmentation")]
    elastic: Option<f64>,
    /// A gain that changes smoothly over the image, as coils of MR have it: standard deviation of its logarithm
    #[arg(long, value_name = "AMOUNT", value_parser = amount, help_heading = "Augmentation")]
    bias: Option<f64>,
}

impl AugmentationArgs {
    /// What is typed, and else what is usual.
    pub fn over(&self, usual: Augmentation) -> Augmentation {
        let usual = if self.no_augmentation { Augmentation::NONE } else { usual };
        Augmentation {
            rotation: self.rotation.unwrap_or(usual.rotation),
            shift: self.shift.unwrap_or(usual.shift),
            zoom: self.zoom.unwrap_or(usual.zoom),
            gamma: self.gamma.unwrap_or(usual.gamma),
            contrast: self.contrast.unwrap_or(usual.contrast),
            noise: self.noise.unwrap_or(usual.noise),
            blur: self.blur.unwrap_or(usual.blur),
            cut_out: self.cut_out.unwrap_or(usual.cut_out),
            flip: self.flip || usual.flip,
            elastic: self.elastic.unwrap_or(usual.elastic),
            bias: self.bias.unwrap_or(usual.bias),
        }
    }
}

/// Rows of the sheet: so many images, each as it is and in so many of its forms.
const SHEET: [usize; 2] = [6, 5];

/// Draws images as the first epochs see them: in each row one as it is, then changed.
pub fn sheet(target: &Target, how: &Augmentation, normalise: &Normalise, side: usize, set: &ImageSet, seed: u64) -> Result<()> {
    let [rows, forms] = SHEET;
    let mut pictures = Vec::new();
    for row in 0..rows.min(set.samples.len()) {
        let i = row * set.samples.len() / rows.min(set.samples.len());
        let class = set.samples[i].class.map_or("", |class| set.classes[class].as_str());
        let mut plain = set.samples[i].values.clone();
        normalise.apply(&mut plain);
        pictures.push(figures::grey(&plain, side, format!("{class}, as it is"))?);
        for epoch in 0..forms as u64 {
            let values = augmented(how, normalise, side, set, i, [seed, epoch]);
            pictures.push(figures::grey(&values, side, format!("in epoch {}", epoch + 1))?);
        }
    }
    let svg = figure::montage("Images as they are, and as training sees them", &pictures, &[])?;
    publish(vec![figures::stage(target, &svg)?])
}
