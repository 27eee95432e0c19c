//! Every argument of the program. Help, completions and man pages come from these definitions.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use hounsfield::analysis::mixture::Start;

/// Exact histograms, statistics and equalisation of medical images and volumes, the same bits on CPU and GPU
#[derive(Debug, Parser)]
#[command(name = "hounsfield", version, max_term_width = 100, disable_help_subcommand = true)]
#[command(after_help = "Exit codes: 0 done, 2 usage, 3 input, 4 output, 5 device.\nNot a medical device.")]
pub struct Cli {
    #[command(flatten)]
    pub shared: Shared,
    #[command(subcommand)]
    pub command: Command,
}

/// Options that every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Shared options")]
pub struct Shared {
    /// Where to compute: auto, cpu, gpu, or an adapter's number or name from `hounsfield devices`
    ///
    /// auto takes a hardware GPU where it can win. For one pass over a file it cannot: the voxels would cross the bus only to
    /// be read once, so the CPU, which gives the same bits, is taken.
    #[arg(long, global = true, default_value = "auto", value_name = "DEVICE")]
    pub device: String,
    /// CPU threads [default: all]
    #[arg(long, global = true, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
    /// Memory for voxels in MiB: host, staging and device buffers together; results do not depend on it
    #[arg(long, global = true, value_name = "MIB", default_value = "256")]
    pub memory: NonZeroUsize,
    /// Progress and events as JSON lines on stderr
    #[arg(long, global = true, conflicts_with = "quiet")]
    pub events: bool,
    /// Results as JSON on stdout
    #[arg(long, global = true)]
    pub json: bool,
    /// Replace outputs that exist
    #[arg(long, global = true)]
    pub force: bool,
    /// No progress and no notes
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Say what is done and why
    #[arg(long, short, global = true)]
    pub verbose: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show format, shape, geometry and acquisition; no patient data
    Info(Info),
    /// Print statistics in real units (HU)
    Stats(Stats),
    /// Draw or export the histogram and its cumulative curve
    Histogram(Histogram),
    /// Equalise the histogram, exactly, for 8 or 16 bits
    Equalize(Equalize),
    /// Apply a chain of point-wise steps in one pass: windows, normalisation, clipping, gamma, ...
    Map(Map),
    /// Apply a display window: a CT preset, centre and width, or the file's own
    Window(Window),
    /// Divide into classes: Otsu's thresholds, fixed ones, or percentiles
    Threshold(Threshold),
    /// Keep what lies inside a mask; statistics inside and outside
    Mask(Mask),
    /// Segment into classes by a Gaussian mixture
    Segment(Segment),
    /// Save a slice, or many, as a picture
    Slice(Slice),
    /// Convert between formats
    Convert(Convert),
    /// List GPUs, check that they compute right, and say what auto takes
    Devices,
    /// Compare CPU and GPUs on this machine, and their results
    Bench(Bench),
    /// Make a CT phantom and run the whole way on it
    Demo(Demo),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write man pages
    Man {
        /// Folder to write them to
        folder: PathBuf,
    },
}

/// What is read.
#[derive(Debug, Args)]
pub struct Input {
    /// A DICOM file or folder, NIfTI, PNG, JPEG or TIFF; several files stack into a volume in the order given
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// How colour becomes grey
    #[arg(long, default_value = "rec601", value_name = "RULE")]
    pub grey: Grey,
    /// Which DICOM series of a folder that holds several
    #[arg(long, value_name = "N")]
    pub series: Option<u32>,
    /// Read a series even if slices are missing, doubled, uneven or tilted
    #[arg(long)]
    pub trust_geometry: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Grey {
    /// 0.299 R + 0.587 G + 0.114 B as OpenCV's cvtColor computes it
    Rec601,
    /// 0.2125 R + 0.7154 G + 0.0721 B, as scikit-image's rgb2gray
    Rec709,
}

/// Which voxels count.
#[derive(Debug, Args)]
#[command(next_help_heading = "Which voxels count")]
pub struct Region {
    /// An image of the same grid; voxels that are not zero count
    #[arg(long, value_name = "FILE")]
    pub mask: Option<PathBuf>,
    /// Only this label of the mask
    #[arg(long, value_name = "N", requires = "mask", allow_negative_numbers = true)]
    pub label: Option<f64>,
    /// Only real values from LO to HI, inclusive
    #[arg(long, value_name = "LO:HI", value_parser = range, allow_hyphen_values = true)]
    pub r#where: Option<(f64, f64)>,
    /// Whether padding counts [default: keep; drop for map and threshold; equalize always drops it]
    #[arg(long, value_name = "WHAT")]
    pub padding: Option<Padding>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Padding {
    /// Padding voxels count like all others
    Keep,
    /// Padding voxels are left out
    Drop,
}

#[derive(Debug, Args)]
pub struct Info {
    #[command(flatten)]
    pub input: Input,
}

#[derive(Debug, Args)]
pub struct Stats {
    #[command(flatten)]
    pub input: Input,
    #[command(flatten)]
    pub region: Region,
}

#[derive(Debug, Args)]
pub struct Histogram {
    #[command(flatten)]
    pub input: Input,
    /// File to write: .png or .svg for a figure, .csv or .json for numbers
    #[arg(long, short, value_name = "OUT")]
    pub output: PathBuf,
    /// Bins of equal width [default: one for each stored value; 256 for true floats]
    #[arg(long, value_name = "N")]
    pub bins: Option<NonZeroUsize>,
    #[command(flatten)]
    pub region: Region,
}

#[derive(Debug, Args)]
pub struct Equalize {
    #[command(flatten)]
    pub input: Input,
    /// File to write: .nii, .nii.gz, .png, .tif
    #[arg(long, short, value_name = "OUT")]
    pub output: PathBuf,
    /// Equalise real values from LO to HI; below becomes 0, above the largest level
    #[arg(long, value_name = "LO:HI", value_parser = range, allow_hyphen_values = true)]
    pub range: Option<(f64, f64)>,
    /// Bits of the output [default: 8 for 8-bit input, else 16]
    #[arg(long, value_name = "BITS")]
    pub depth: Option<Depth>,
    /// Original and equalised side by side, with histogram and cumulative curve: .png or .svg
    #[arg(long, value_name = "F.png")]
    pub figure: Option<PathBuf>,
    /// The same with statistics and method as one HTML file
    #[arg(long, value_name = "R.html")]
    pub report: Option<PathBuf>,
    #[command(flatten)]
    pub region: Region,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Depth {
    #[value(name = "8")]
    Eight,
    #[value(name = "16")]
    Sixteen,
}

#[derive(Debug, Args)]
pub struct Map {
    #[command(flatten)]
    pub input: Input,
    /// File to write: .nii, .nii.gz, .png, .tif
    #[arg(long, short, value_name = "OUT")]
    pub output: PathBuf,
    /// Steps, comma-separated, such as window:lung,equalize or clip:-1000:400,zscore
    ///
    /// window[:PRESET | :CENTER:WIDTH[:linear|:linear-exact|:sigmoid]], clip:LO:HI, percentile:LO:HI (clip to percentiles),
    /// minmax, zscore, nnunet (as nnU-Net does CT), invert, gamma:G, equalize, rescale:SLOPE:INTERCEPT,
    /// threshold:T[:T...] (T% for percentiles), otsu[:CLASSES]. Steps work on real values (HU), take their statistics from the
    /// voxels that count after the steps before them, and are rounded once, at the end.
    #[arg(long, value_name = "STEPS", allow_hyphen_values = true)]
    pub steps: String,
    /// Type of the result [default: u8 for classes, f32 for real values; for windows, minmax and equalize u8 from 8-bit files, else u16]
    #[arg(long, value_name = "TYPE")]
    pub to: Option<To>,
    /// Original and result side by side, with their histograms: .png or .svg
    #[arg(long, value_name = "F.png")]
    pub figure: Option<PathBuf>,
    #[command(flatten)]
    pub region: Region,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum To {
    U8,
    U16,
    I16,
    F32,
}

#[derive(Debug, Args)]
pub struct Window {
    #[command(flatten)]
    pub input: Input,
    /// File to write: .nii, .nii.gz, .png, .tif
    #[arg(long, short, value_name = "OUT")]
    pub output: PathBuf,
    /// A usual window of CT: lung, bone, brain, soft-tissue, abdomen, liver, mediastinum, stroke [default: the file's own first one]
    #[arg(long, value_name = "NAME", conflicts_with_all = ["center", "width"])]
    pub preset: Option<String>,
    /// Middle of the window in real values (HU)
    #[arg(long, value_name = "C", requires = "width", allow_hyphen_values = true)]
    pub center: Option<f64>,
    /// Its width
    #[arg(long, value_name = "W", requires = "center", allow_hyphen_values = true)]
    pub width: Option<f64>,
    /// DICOM's function between the ends: linear, linear-exact or sigmoid [default: linear, or what the file says of its own window]
    #[arg(long, value_name = "FUNCTION")]
    pub function: Option<Function>,
    /// Type of the result [default: u8 from 8-bit files, else u16]
    #[arg(long, value_name = "TYPE")]
    pub to: Option<To>,
    /// Original and result side by side, with their histograms: .png or .svg
    #[arg(long, value_name = "F.png")]
    pub figure: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Function {
    Linear,
    LinearExact,
    Sigmoid,
}

#[derive(Debug, Args)]
pub struct Threshold {
    #[command(flatten)]
    pub input: Input,
    /// Label image to write, uint8, class = number of thresholds below the value: .nii, .nii.gz, .png, .tif
    #[arg(long, short, value_name = "LABELS")]
    pub output: PathBuf,
    /// Otsu's thresholds between so many classes, 2 to 5 [default: 2]
    #[arg(long, value_name = "CLASSES", conflicts_with_all = ["at", "percentile"])]
    pub otsu: Option<usize>,
    /// These thresholds, ascending real values (HU)
    #[arg(long, value_name = "V[,V...]", value_delimiter = ',', allow_hyphen_values = true, conflicts_with = "percentile")]
    pub at: Vec<f64>,
    /// These percentiles of the voxels that count
    #[arg(long, value_name = "P[,P...]", value_delimiter = ',')]
    pub percentile: Vec<f64>,
    /// Original and classes side by side, thresholds over the histogram: .png or .svg
    #[arg(long, value_name = "F.png")]
    pub figure: Option<PathBuf>,
    #[command(flatten)]
    pub region: Region,
}

#[derive(Debug, Args)]
#[command(override_usage = "hounsfield mask [OPTIONS] --output <OUT> <IMAGE> <MASK>...
       hounsfield mask [OPTIONS] --output <FOLDER> --folder <DIR>")]
pub struct Mask {
    /// The image or volume
    #[arg(value_name = "IMAGE", required_unless_present = "folder", conflicts_with = "folder")]
    pub image: Option<PathBuf>,
    /// Masks on its grid: voxels that are not zero are kept; several are joined as --combine says
    #[arg(value_name = "MASK", required_unless_present = "folder")]
    pub masks: Vec<PathBuf>,
    /// All pairs NAME.png and NAME_mask.png (with NAME_mask_1.png and so on) in a folder and the folders in it
    #[arg(long, value_name = "DIR")]
    pub folder: Option<PathBuf>,
    /// File to write: .nii, .nii.gz, .png, .tif; with --folder the folder to write to, made if need be
    #[arg(long, short, value_name = "OUT")]
    pub output: PathBuf,
    /// How several masks of one image become one
    #[arg(long, value_name = "RULE", default_value = "or")]
    pub combine: Combine,
    /// Keep what lies outside of the mask instead
    #[arg(long)]
    pub not: bool,
    /// Only this label of the masks
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub label: Option<f64>,
    /// Real value (HU) of all that is not kept [default: the value stored as 0]
    #[arg(long, value_name = "V", allow_negative_numbers = true)]
    pub background: Option<f64>,
    /// Original, outline of the mask and result side by side: .png or .svg
    #[arg(long, value_name = "F.png", conflicts_with = "folder")]
    pub figure: Option<PathBuf>,
    /// How colour becomes grey
    #[arg(long, default_value = "rec601", value_name = "RULE")]
    pub grey: Grey,
    /// Which DICOM series of a folder that holds several
    #[arg(long, value_name = "N", conflicts_with = "folder")]
    pub series: Option<u32>,
    /// Read a series even if slices are missing, doubled, uneven or tilted
    #[arg(long, conflicts_with = "folder")]
    pub trust_geometry: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Combine {
    /// In every mask
    And,
    /// In at least one
    Or,
    /// In an odd number of them: for two masks, in one and not in both
    Xor,
}

#[derive(Debug, Args)]
pub struct Segment {
    #[command(flatten)]
    pub input: Input,
    /// Another image of the same voxels (T2 beside T1); repeat for up to four channels
    #[arg(long, value_name = "FILE")]
    pub channel: Vec<PathBuf>,
    /// Number of classes, 1 to 8
    #[arg(long, short = 'k', value_name = "K", default_value_t = 3)]
    pub classes: usize,
    /// Labels to write, 0 outside and 1 to K by mean: .nii, .nii.gz, .png, .tif
    #[arg(long, short, value_name = "OUT")]
    pub output: PathBuf,
    /// Write the posterior of each class as float32 to PREFIX_1.nii.gz, PREFIX_2.nii.gz, …
    #[arg(long, value_name = "PREFIX")]
    pub posteriors: Option<PathBuf>,
    /// Original and classes side by side, and the histogram with the fitted bells: .png or .svg
    #[arg(long, value_name = "F.png")]
    pub figure: Option<PathBuf>,
    /// The same with numbers and method as one HTML file
    #[arg(long, value_name = "R.html")]
    pub report: Option<PathBuf>,
    /// Where EM starts: quantile, otsu, kmeans, or means=A,B,C
    #[arg(long, value_name = "START", default_value = "otsu", value_parser = start, allow_hyphen_values = true)]
    pub init: Start,
    /// Most iterations [default: 10000; 2000 over voxels]
    #[arg(long, value_name = "N")]
    pub max_iter: Option<u32>,
    /// Change of the mean log-likelihood that ends EM [default: 1e-12; 1e-11 over voxels]
    #[arg(long, value_name = "T")]
    pub tol: Option<f64>,
    /// Labels never fall as the value rises
    #[arg(long)]
    pub monotone: bool,
    /// Over what EM runs [default: exact for one channel of whole numbers, else voxel]
    #[arg(long, value_name = "METHOD")]
    pub method: Option<Method>,
    /// Names of the classes, by mean, such as CSF,GM,WM for T1
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub names: Vec<String>,
    /// Labels 1 to K that are true: prints Dice and IoU
    #[arg(long, value_name = "LABELS")]
    pub truth: Option<PathBuf>,
    #[command(flatten)]
    pub region: Region,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Method {
    /// Over the exact histogram
    Exact,
    /// Over the voxels one by one, in f32
    Voxel,
}

fn start(text: &str) -> Result<Start, String> {
    Ok(match text {
        "quantile" => Start::Quantile,
        "otsu" => Start::Otsu,
        "kmeans" => Start::KMeans,
        _ => {
            let list = text.strip_prefix("means=").ok_or("give quantile, otsu, kmeans or means=A,B,C")?;
            let number = |t: &str| t.trim().parse::<f64>().map_err(|_| format!("{t:?} is not a number"));
            Start::Means(list.split(',').map(number).collect::<Result<_, _>>()?)
        }
    })
}

#[derive(Debug, Args)]
pub struct Slice {
    #[command(flatten)]
    pub input: Input,
    /// File to write: .png or .svg
    #[arg(long, short, value_name = "OUT")]
    pub output: PathBuf,
    /// Plane, seen as radiologists do [default: the one the volume was cut in]
    #[arg(long, value_name = "PLANE")]
    pub plane: Option<Plane>,
    /// Slice number from 0 along the voxel axis [default: the middle]
    #[arg(long, value_name = "N", conflicts_with_all = ["mm", "montage"])]
    pub index: Option<u64>,
    /// The slice nearest to this position along the patient axis, in mm (towards left, posterior, superior)
    #[arg(long, value_name = "MM", allow_hyphen_values = true, conflicts_with = "montage")]
    pub mm: Option<f64>,
    /// So many slices, evenly spaced, in one picture
    #[arg(long, value_name = "N")]
    pub montage: Option<NonZeroUsize>,
    /// Volume of a time series, from 0
    #[arg(long, value_name = "T", default_value_t = 0)]
    pub volume: u64,
    /// Show real values from LO (black) to HI (white) [default: the file's own window, else the 1st to 99th percentile]
    #[arg(long, value_name = "LO:HI", value_parser = range, allow_hyphen_values = true)]
    pub window: Option<(f64, f64)>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Plane {
    Axial,
    Coronal,
    Sagittal,
}

#[derive(Debug, Args)]
pub struct Convert {
    #[command(flatten)]
    pub input: Input,
    /// File to write: .nii, .nii.gz, .png, .tif
    #[arg(long, short, value_name = "OUT")]
    pub output: PathBuf,
}

#[derive(Debug, Args)]
pub struct Bench {
    /// A volume of integers to measure on [default: a chest phantom of 512 x 512 x 256]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Runs of each measurement
    #[arg(long, value_name = "N", default_value = "5")]
    pub repeats: NonZeroUsize,
    /// The largest volume to hold in memory, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    pub most_mib: u64,
    /// Bar charts and figures as one HTML file
    #[arg(long, value_name = "R.html")]
    pub report: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Demo {
    /// Folder for everything the demo makes
    #[arg(default_value = "hounsfield-demo", value_name = "FOLDER")]
    pub folder: PathBuf,
    /// Slices of the phantom
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u64).range(2..=2000))]
    pub slices: u64,
    /// Seed of its noise
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

/// LO:HI, two finite numbers in ascending order.
fn range(text: &str) -> Result<(f64, f64), String> {
    let (low, high) = text.split_once(':').ok_or("give two numbers as LO:HI")?;
    let number = |t: &str| t.trim().parse::<f64>().ok().filter(|v| v.is_finite()).ok_or(format!("{t:?} is not a number"));
    let (low, high) = (number(low)?, number(high)?);
    if low < high { Ok((low, high)) } else { Err(format!("{low} is not below {high}")) }
}
