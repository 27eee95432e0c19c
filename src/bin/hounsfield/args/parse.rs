//! From words to values of the library.

use std::num::NonZeroUsize;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use hounsfield::analysis::groups::TwoSampleTest;
use hounsfield::analysis::mixture::{STARTS, Start};
use hounsfield::io::Grey;
#[cfg(feature = "zarr")]
use hounsfield::io::OmeVersion;
use hounsfield::ops::mask::Rule;
use hounsfield::pipelines::{How, Method};
use hounsfield::report::Plane;
use hounsfield::volume::{Dtype, WindowFunction};

/// One of a few words, each with its value and, where it does not speak for itself, with what it means.
pub fn words<T: Copy + Send + Sync + 'static>(
    all: &'static [(&'static str, &'static str, T)],
) -> impl TypedValueParser<Value = T> {
    let possible = |(word, help, _): &(&'static str, &'static str, T)| match *help {
        "" => PossibleValue::new(*word),
        help => PossibleValue::new(*word).help(help),
    };
    PossibleValuesParser::new(all.iter().map(possible)).try_map(|text: String| {
        let found = all.iter().find(|(word, ..)| *word == text);
        found.map(|(.., value)| *value).ok_or("it is none of these words")
    })
}

pub fn grey() -> impl TypedValueParser<Value = Grey> {
    words(&[
        ("rec601", "0.299 R + 0.587 G + 0.114 B as OpenCV's cvtColor computes it", Grey::Rec601),
        ("rec709", "0.2125 R + 0.7154 G + 0.0721 B, as scikit-image's rgb2gray", Grey::Rec709),
    ])
}

/// A version of OME-Zarr.
#[cfg(feature = "zarr")]
pub fn ome_version() -> impl TypedValueParser<Value = OmeVersion> {
    words(&[
        ("0.4", "In Zarr version 2, a file for each chunk", OmeVersion::V0_4),
        ("0.5", "In Zarr version 3, a file for each slab of slices", OmeVersion::V0_5),
    ])
}

/// Whether padding counts.
pub fn padding() -> impl TypedValueParser<Value = bool> {
    words(&[("keep", "Padding voxels count like all others", true), ("drop", "Padding voxels are left out", false)])
}

pub fn depth() -> impl TypedValueParser<Value = Dtype> {
    words(&[("8", "", Dtype::U8), ("16", "", Dtype::U16)])
}

pub fn dtype() -> impl TypedValueParser<Value = Dtype> {
    words(&[("u8", "", Dtype::U8), ("u16", "", Dtype::U16), ("i16", "", Dtype::I16), ("f32", "", Dtype::F32)])
}

pub fn function() -> impl TypedValueParser<Value = WindowFunction> {
    words(&[
        ("linear", "", WindowFunction::Linear),
        ("linear-exact", "", WindowFunction::LinearExact),
        ("sigmoid", "", WindowFunction::Sigmoid),
    ])
}

pub fn rule() -> impl TypedValueParser<Value = Rule> {
    words(&[
        ("and", "In every mask", Rule::AND),
        ("or", "In at least one", Rule::OR),
        ("xor", "In an odd number of them: for two masks, in one and not in both", Rule::XOR),
    ])
}

pub fn method() -> impl TypedValueParser<Value = Method> {
    words(&[("exact", "Over the exact histogram", Method::Exact), ("voxel", "Over the voxels one by one, in f32", Method::Voxel)])
}

pub fn how() -> impl TypedValueParser<Value = How> {
    words(&[
        ("max", "The greatest (MIP)", How::Max),
        ("min", "The least (minIP)", How::Min),
        ("mean", "The mean, in the type of the image", How::Mean),
        ("sum", "The sum of the real values", How::Sum),
        ("median", "The one in the middle, of two the lower", How::Median),
    ])
}

pub fn two_sample_test() -> impl TypedValueParser<Value = TwoSampleTest> {
    words(&[
        ("welch", "Welch's t: the variances may differ", TwoSampleTest::Welch),
        ("student", "Student's t: both groups have one variance", TwoSampleTest::Student),
        ("paired", "Student's t of the differences within subjects; needs --subject", TwoSampleTest::Paired),
        ("mann-whitney", "Mann and Whitney's U of ranks, exact in small groups without ties", TwoSampleTest::MannWhitney),
    ])
}

/// A confidence in percent, as a share.
pub fn confidence(text: &str) -> Result<f64, String> {
    let percent = text.trim().trim_end_matches('%').parse::<f64>().ok().filter(|p| *p > 0.0 && *p < 100.0);
    percent.map(|p| p / 100.0).ok_or_else(|| "give a percentage between 0 and 100, such as 95".into())
}

pub fn plane() -> impl TypedValueParser<Value = Plane> {
    words(&[("axial", "", Plane::Axial), ("coronal", "", Plane::Coronal), ("sagittal", "", Plane::Sagittal)])
}

/// How many: one at least.
pub fn count(text: &str) -> Result<NonZeroUsize, String> {
    text.parse().ok().and_then(NonZeroUsize::new).ok_or_else(|| "give a whole number from 1 on".into())
}

/// Where EM starts.
pub fn start(text: &str) -> Result<Start, String> {
    let named = std::iter::once(&Start::Best).chain(&STARTS);
    if let Some(start) = named.clone().find(|start| start.name() == text) {
        return Ok(start.clone());
    }
    let names = || named.map(Start::name).collect::<Vec<_>>().join(", ");
    let list = text.strip_prefix("means=").ok_or_else(|| format!("give {} or means=A,B,C", names()))?;
    let number = |t: &str| t.trim().parse::<f64>().map_err(|_| format!("{t:?} is not a number"));
    Ok(Start::Means(list.split(',').map(number).collect::<Result<_, _>>()?))
}

/// LO:HI, two finite numbers in ascending order.
pub fn range(text: &str) -> Result<(f64, f64), String> {
    let (low, high) = ends(text)?;
    if low < high { Ok((low, high)) } else { Err(format!("{low} is not below {high}")) }
}

/// The same, which may be one number alone.
pub fn range_or_one(text: &str) -> Result<(f64, f64), String> {
    let (low, high) = ends(text)?;
    if low <= high { Ok((low, high)) } else { Err(format!("{low} is above {high}")) }
}

fn ends(text: &str) -> Result<(f64, f64), String> {
    let (low, high) = text.split_once(':').ok_or("give two numbers as LO:HI")?;
    let number = |t: &str| t.trim().parse::<f64>().ok().filter(|v| v.is_finite()).ok_or(format!("{t:?} is not a number"));
    Ok((number(low)?, number(high)?))
}
