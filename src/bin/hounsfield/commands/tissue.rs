//! `hounsfield tissue`: CSF, grey and white matter.

use std::path::PathBuf;

use hounsfield::Result;
use hounsfield::io::output::Target;
use hounsfield::pipelines::TissueOptions;

use super::classes::{ClassOutputs, ClassWork, classify};
use super::segment::{check_names, truth};
use crate::args::{FileArgs, RegionArgs, ScratchArgs, Shared, parse};
use crate::job::Job;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub input: FileArgs,
    /// Labels to write, 0 outside, 1 CSF, 2 grey and 3 white matter: .nii, .nii.gz, .nrrd, .mha, .npy, .png, .tif, or - for .nii on standard output
    #[cfg_attr(feature = "zarr", doc = "(also .zarr, a folder)")]
    #[arg(long, short, value_name = "LABELS")]
    pub output: PathBuf,
    /// The brain: only voxels that are not 0 there take part [default: all that are not 0 in the image]
    #[arg(long, value_name = "BRAIN")]
    pub mask: Option<PathBuf>,
    /// A second image of the same voxels (T2 beside T1), whose axes may be flipped or permuted: both tell the classes apart, by 256 levels each
    #[arg(long, value_name = "FILE")]
    pub channel: Option<PathBuf>,
    /// What is bright: white matter in t1, CSF in t2 and pd; the numbers of labels stay [default: as the file name says (T1w, T2w, PDw), else t1]
    #[arg(long, value_name = "CONTRAST", value_parser = contrast())]
    pub contrast: Option<Contrast>,
    #[command(flatten)]
    pub model: ModelArgs,
    /// How much neighbours count: nats for each of six that are alike, 0 to 10
    #[arg(long, value_name = "NATS", default_value_t = TissueOptions::default().beta)]
    pub beta: f64,
    /// Neighbours do not count
    #[arg(long, conflicts_with = "beta")]
    pub no_neighbours: bool,
    /// There is no gain to be taken out
    #[arg(long, conflicts_with = "bias_width")]
    pub no_bias: bool,
    /// Names of the classes, in the order of their labels [default: CSF,GM,WM]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub names: Vec<String>,
    /// Write the gain as float32: image = corrected image x gain, whose geometric mean is 1 in the mask
    #[arg(long, value_name = "FIELD")]
    pub bias_field: Option<PathBuf>,
    /// Write the image without the gain as float32, outside of the mask as well
    #[arg(long, value_name = "OUT")]
    pub corrected: Option<PathBuf>,
    /// Write how much of each voxel is of each class to PREFIX_1.nii.gz, PREFIX_2.nii.gz, ...: uint16, 32768 is all, and they sum to it
    #[arg(long, value_name = "PREFIX")]
    pub partial_volumes: Option<PathBuf>,
    /// Image, image without the gain, gain and classes, the histogram, and how labels settled: .png or .svg
    #[arg(long, value_name = "F.png")]
    pub figure: Option<PathBuf>,
    /// The same with numbers and method as one HTML file
    #[arg(long, value_name = "R.html")]
    pub report: Option<PathBuf>,
    /// Labels 1 to K that are true: prints Dice and IoU
    #[arg(long, value_name = "LABELS")]
    pub truth: Option<PathBuf>,
    #[command(flatten)]
    pub scratch: ScratchArgs,
}

/// What `tissue` and `bias` learn, and for how long.
#[derive(Debug, clap::Args)]
pub struct ModelArgs {
    /// Number of classes, 2 to 6
    #[arg(long, short = 'k', value_name = "K", default_value_t = 3)]
    pub classes: usize,
    /// How smooth the gain is: full width at half maximum, in mm
    #[arg(long, value_name = "MM", default_value_t = 20.0)]
    pub bias_width: f64,
    /// Rounds of learning
    #[arg(long, value_name = "N", default_value_t = TissueOptions::default().rounds)]
    pub iterations: u32,
}

/// What is bright.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contrast {
    T1,
    T2,
    Pd,
}

fn contrast() -> impl clap::builder::TypedValueParser<Value = Contrast> {
    parse::words(&[
        ("t1", "White matter is bright, CSF dark", Contrast::T1),
        ("t2", "CSF is bright, white matter dark", Contrast::T2),
        ("pd", "CSF is bright, white matter dark: proton density", Contrast::Pd),
    ])
}

pub fn run(shared: &Shared, args: &Args) -> Result<()> {
    check_names(&args.names, args.model.classes)?;
    let contrast = args.contrast.or_else(|| contrast_of(&args.input.paths));
    let options = TissueOptions {
        classes: args.model.classes,
        brightest_first: matches!(contrast, Some(Contrast::T2 | Contrast::Pd)),
        beta: if args.no_neighbours { 0.0 } else { args.beta },
        bias_width_mm: (!args.no_bias).then_some(args.model.bias_width),
        rounds: args.model.iterations,
        zeros: false,
    };
    options.check()?;
    let mut job = Job::new(shared, &args.input, args.mask.iter().chain(&args.channel).chain(&args.truth))?;
    let outputs = ClassOutputs {
        labels: job.output(&args.output)?,
        field: job.maybe(args.bias_field.as_deref())?,
        corrected: job.maybe(args.corrected.as_deref())?,
        fractions: fractions(&mut job, args)?,
        figure: job.figure(args.figure.as_deref())?,
        report: job.maybe(args.report.as_deref())?,
    };
    if let (None, Some(guess)) = (args.contrast, contrast) {
        let word = if guess == Contrast::T1 {
            "t1"
        } else if guess == Contrast::T2 {
            "t2"
        } else {
            "pd"
        };
        job.warn(&format!("the file name says that the contrast is {word}; --contrast says otherwise"));
    }

    let mut images = vec![job.resolve()?];
    let header = images[0].header().clone();
    if let Some(path) = &args.channel {
        images.push(job.resolve_other("channel 2", path, &header)?);
    }
    let region = RegionArgs { mask: args.mask.clone(), label: None, r#where: None, with_padding: None };
    let mask = job.mask(&region, &header)?;
    let truth = truth(&mut job, args.truth.as_deref(), &header)?;
    let scratch = args.scratch.place(&args.output, outputs.bytes(&header))?;
    let work = ClassWork { options, masked: args.mask.is_some(), title: "Tissues", names: &names(args), scratch };
    classify(job, &outputs, (&images, mask, truth), &work)
}

fn fractions(job: &mut Job<'_>, args: &Args) -> Result<Vec<Target>> {
    let name = |prefix: &PathBuf, class| PathBuf::from(format!("{}_{class}.nii.gz", prefix.display()));
    let names = args.partial_volumes.iter().flat_map(|prefix| (1..=args.model.classes).map(move |class| name(prefix, class)));
    names.map(|path| job.output(&path)).collect()
}

/// What the name of the first file says, as BIDS has it.
fn contrast_of(paths: &[PathBuf]) -> Option<Contrast> {
    let name = paths.first()?.file_name()?.to_string_lossy().to_lowercase();
    let says = |word: &str| name.contains(word);
    match () {
        () if says("t1w") => Some(Contrast::T1),
        () if says("t2w") => Some(Contrast::T2),
        () if says("pdw") => Some(Contrast::Pd),
        () => None,
    }
}

/// The names of the classes by label.
fn names(args: &Args) -> Vec<String> {
    match (args.names.as_slice(), args.model.classes) {
        ([], 3) => ["CSF", "GM", "WM"].map(str::to_owned).to_vec(),
        (names, _) => names.to_vec(),
    }
}
