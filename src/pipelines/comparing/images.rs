//! The difference of two images, voxel by voxel, in real values.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use super::{in_memory, on_one_grid};
use crate::Result;
use crate::analysis::exact_sum::ExactSum;
use crate::io::Source;
use crate::pipelines::input::Part;
use crate::pipelines::ways::blocks::Blocks;
use crate::pipelines::{Input, Labels, Run, gather};
use crate::volume::{Block, Header, Rescales};

/// Two images on one grid.
pub struct ImagePair {
    judged: Arc<dyn Source>,
    reference: Arc<dyn Source>,
    turned: bool,
}

impl std::fmt::Debug for ImagePair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ImagePair")
            .field("shape", &self.header().grid.shape)
            .field("turned", &self.turned)
            .finish_non_exhaustive()
    }
}

impl ImagePair {
    /// An image that is judged and its reference, the one turned as the other lies.
    ///
    /// # Errors
    /// [`crate::Error::Usage`] with the numbers if they do not lie on one grid; what reading gives.
    pub fn new(judged: Arc<dyn Source>, reference: Arc<dyn Source>, run: &Run<'_>) -> Result<Self> {
        let reference = in_memory(reference, run)?;
        let (judged, turned) = on_one_grid("judged image", judged, reference.header(), run)?;
        Ok(Self { judged, reference, turned })
    }

    /// Of the reference.
    pub fn header(&self) -> &Header {
        self.reference.header()
    }

    /// Whether the axes of the two differed.
    pub fn turned(&self) -> bool {
        self.turned
    }

    /// Hands real values of both images to `see`, voxel by voxel, on all threads.
    fn each<S: Send>(&self, init: impl Fn() -> S + Sync, see: impl Fn(&mut S, f64, f64) + Sync, run: &Run<'_>) -> Result<Vec<S>> {
        let labels = Labels { source: self.reference.clone(), reoriented: false };
        let input = Input::of(self.judged.clone()).labelled(labels);
        let (judged, reference) = (self.judged.header(), self.reference.header());
        let per_slice = [judged, reference].iter().any(|header| matches!(header.meaning.rescale, Rescales::PerSlice(_)));
        let slice = reference.grid.shape.slice_voxels();
        let work = |state: &mut S, part: Part<'_>| {
            let (dtypes, other) = ([judged.meaning.dtype, reference.meaning.dtype], part.mask.unwrap_or_default());
            let mut done = 0;
            while done < part.voxels() {
                let here = part.at + done;
                let run = if per_slice { slice - here % slice } else { u64::MAX }.min(part.voxels() - done);
                let rescales = [judged, reference].map(|header| header.meaning.rescale.of_slice(here / slice));
                let cut = |bytes: usize| (done as usize * bytes)..((done + run) as usize * bytes);
                let own = part.bytes()[cut(dtypes[0].bytes())].chunks_exact(dtypes[0].bytes());
                for (a, b) in own.zip(other[cut(dtypes[1].bytes())].chunks_exact(dtypes[1].bytes())) {
                    see(state, rescales[0].real(dtypes[0].decode(a)), rescales[1].real(dtypes[1].decode(b)));
                }
                done += run;
            }
            Ok(())
        };
        Blocks::of(&input, run).each(init, work)
    }
}

/// How far a voxel of one image lies from that of the other; none where neither holds a number, or both the same infinity.
fn difference(judged: f64, reference: f64) -> Option<f64> {
    match (judged.is_finite(), reference.is_finite()) {
        (true, true) => Some(judged - reference),
        _ if judged == reference || judged.is_nan() && reference.is_nan() => None,
        _ => Some(f64::NAN),
    }
}

/// By how much two images differ, in real values: judged less reference.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageDifference {
    /// All voxels.
    pub voxels: u64,
    /// Voxels that are finite in both; all that follows is of these.
    pub compared: u64,
    /// Voxels that are finite in one alone, or infinite with other signs: these differ beyond any tolerance.
    pub unlike: u64,
    /// Voxels that differ at all, those above among them.
    pub different: u64,
    /// The least and the largest difference.
    pub ends: Option<(f64, f64)>,
    /// The mean difference.
    pub mean: Option<f64>,
    /// The mean absolute difference.
    pub mean_absolute: Option<f64>,
    /// The root of the mean squared difference.
    pub rmse: Option<f64>,
    /// The least and the largest value of the reference.
    pub reference_ends: Option<(f64, f64)>,
}

impl ImageDifference {
    /// The largest absolute difference.
    pub fn largest(&self) -> Option<f64> {
        self.ends.map(|(low, high)| high.abs().max(low.abs()))
    }

    /// The peak signal-to-noise ratio in dB: 20 · log10 of the reference's range over the RMSE. None where nothing differs, or the reference is constant.
    pub fn psnr(&self) -> Option<f64> {
        let ((low, high), rmse) = (self.reference_ends?, self.rmse?);
        (rmse > 0.0 && high > low).then(|| 20.0 * ((high - low) / rmse).log10())
    }

    /// Whether no voxel differs by more than this.
    pub fn within(&self, tolerance: f64) -> bool {
        self.unlike == 0 && self.largest().is_none_or(|largest| largest <= tolerance)
    }
}

#[derive(Default)]
struct DifferenceSums {
    compared: u64,
    unlike: u64,
    different: u64,
    signed: ExactSum,
    absolute: ExactSum,
    squared: ExactSum,
    ends: Option<(f64, f64)>,
    reference: Option<(f64, f64)>,
}

fn widened(ends: Option<(f64, f64)>, (low, high): (f64, f64)) -> (f64, f64) {
    ends.map_or((low, high), |(least, most)| (least.min(low), most.max(high)))
}

impl DifferenceSums {
    fn see(&mut self, judged: f64, reference: f64) {
        let Some(difference) = difference(judged, reference) else { return };
        if difference.is_nan() {
            self.unlike += 1;
            self.different += 1;
            return;
        }
        self.compared += 1;
        if difference != 0.0 {
            self.different += 1;
            self.signed.add(difference);
            self.absolute.add(difference.abs());
            self.squared.add(difference * difference);
        }
        self.ends = Some(widened(self.ends, (difference, difference)));
        self.reference = Some(widened(self.reference, (reference, reference)));
    }

    fn merge(&mut self, other: &Self) {
        self.compared += other.compared;
        self.unlike += other.unlike;
        self.different += other.different;
        self.signed.merge(&other.signed);
        self.absolute.merge(&other.absolute);
        self.squared.merge(&other.squared);
        self.ends = other.ends.map(|ends| widened(self.ends, ends)).or(self.ends);
        self.reference = other.reference.map(|ends| widened(self.reference, ends)).or(self.reference);
    }
}

/// Compares two images in one pass; sums are exact, so that they are the same for any number of threads.
///
/// # Errors
/// What reading gives, or [`crate::Error::Interrupted`].
pub fn differences(pair: &ImagePair, run: &Run<'_>) -> Result<ImageDifference> {
    let all = pair.each(DifferenceSums::default, DifferenceSums::see, run)?;
    let mut sums = DifferenceSums::default();
    all.iter().for_each(|own| sums.merge(own));
    let mean = |sum: &ExactSum| (sums.compared > 0).then(|| sum.value() / sums.compared as f64);
    Ok(ImageDifference {
        voxels: pair.header().grid.shape.voxels(),
        compared: sums.compared,
        unlike: sums.unlike,
        different: sums.different,
        ends: sums.ends,
        mean: mean(&sums.signed),
        mean_absolute: mean(&sums.absolute),
        rmse: mean(&sums.squared).map(f64::sqrt),
        reference_ends: sums.reference,
    })
}

/// How many voxels differ by how much: bins of equal width between two ends, the last with its upper end.
///
/// # Errors
/// As [`differences`].
pub fn difference_counts(pair: &ImagePair, (low, high): (f64, f64), bins: usize, run: &Run<'_>) -> Result<Vec<u64>> {
    let scale = if high > low { bins as f64 / (high - low) } else { 0.0 };
    let see = |counts: &mut Vec<u64>, judged: f64, reference: f64| {
        if let Some(difference) = difference(judged, reference).filter(|d| (low..=high).contains(d)) {
            counts[(((difference - low) * scale) as usize).min(bins - 1)] += 1;
        }
    };
    let all = pair.each(|| vec![0; bins], see, run)?;
    Ok(all.iter().fold(vec![0; bins], |sum, own| sum.iter().zip(own).map(|(a, b)| a + b).collect()))
}

/// Values of a map that are told apart before it is taken for an image.
const FEW: usize = 3;

/// Whether voxels look like labels: whole numbers from 0 on, of which there are at most three, or neighbours along x, where one at least is not 0, are alike more often than not.
///
/// # Errors
/// As [`differences`].
pub fn looks_like_labels(source: &Arc<dyn Source>, run: &Run<'_>) -> Result<bool> {
    let header = source.header();
    let Some(rescale) = header.meaning.rescale.uniform() else { return Ok(false) };
    let dtype = header.meaning.dtype;
    let total: Mutex<(bool, BTreeSet<u64>, [u64; 2])> = Mutex::new((true, BTreeSet::new(), [0; 2]));
    let see = |_: u64, block: Block<'_>| {
        let (mut whole, mut values, mut pairs, mut last) = (true, BTreeSet::new(), [0u64; 2], 0.0);
        for one in block.bytes.chunks_exact(dtype.bytes()) {
            let value = rescale.real(dtype.decode(one));
            if value != last || values.is_empty() {
                whole &= value >= 0.0 && value.fract() == 0.0;
                if values.len() <= FEW {
                    values.insert(value.to_bits());
                }
            }
            if value != 0.0 || last != 0.0 {
                pairs[usize::from(value == last)] += 1;
            }
            last = value;
        }
        let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
        total.0 &= whole;
        total.1.extend(values);
        (total.2[0], total.2[1]) = (total.2[0] + pairs[0], total.2[1] + pairs[1]);
    };
    gather(&Input::of(source.clone()).observed(Some(&see)), &run.quiet())?;
    let (whole, values, [unlike, alike]) = total.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(whole && (values.len() <= FEW || alike > unlike))
}
