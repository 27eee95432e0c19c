//! The mask and the mixture that are measured, made from the voxels' own counts so that every device has the same.

use hounsfield::Result;
use hounsfield::analysis::mixture::{Classifier, FitSettings, Gaussian, Mixture, fit};
use hounsfield::ops::gmm::{Channel, Model};
use hounsfield::pipelines::{self, Group};
use hounsfield::volume::{Dtype, Table, Volume};

/// Classes of the mixture: three is what brain MR takes.
pub const CLASSES: usize = 3;

/// Iterations of the way over voxels in the job from file to file, so that its time does not depend on how fast EM settles.
pub const ITERATIONS: u32 = 2;

/// Labels of voxels whose two best posteriors are nearer than this may differ between devices, which are far more exact than this.
const DOUBT: f64 = 1e-3;

/// A mask of one byte a voxel: 1 where the voxel is above the middle of its type's occupied values.
pub fn mask(volume: &Volume, groups: &[Group]) -> Result<Volume> {
    let dtype = volume.header().meaning.dtype;
    let occupied: Vec<i32> = groups[0].counts.occupied().map(|(v, _)| v).collect();
    let middle = occupied.get(occupied.len() / 2).copied().unwrap_or_default();
    let table = Table::from_fn(dtype, Dtype::U8, |v| f64::from(u8::from(v > middle)));
    pipelines::map_volume(volume, &[table], volume.header().derived(Dtype::U8))
}

/// The mixture of the stored values.
pub fn mixture(groups: &[Group]) -> Result<Mixture> {
    let values: Vec<(f64, u64)> = groups[0].counts.occupied().map(|(v, n)| (f64::from(v), n)).collect();
    fit(&values, 1.0, &FitSettings::classes(CLASSES))
}

/// Stored values to classes from 1.
pub fn labels(from: Dtype, mixture: &Mixture) -> Table {
    let classifier = Classifier::new(mixture);
    Table::from_fn(from, Dtype::U8, |v| f64::from(classifier.label(f64::from(v))))
}

/// Stored values to 0 where devices must agree on the class, else 1.
pub fn doubts(from: Dtype, mixture: &Mixture) -> Table {
    let classifier = Classifier::new(mixture);
    Table::from_fn(from, Dtype::U8, |v| {
        let mut shares = classifier.posteriors(f64::from(v));
        shares.sort_by(|a, b| b.total_cmp(a));
        // Where f32 cannot tell the distances apart, far from all classes, nothing is promised either.
        let sure = shares[0] - shares[1] > DOUBT;
        f64::from(u8::from(!sure))
    })
}

/// The mixture as the kernel over voxels takes it.
pub fn model(mixture: &Mixture) -> Result<Model> {
    let (mean, spread) = mixture
        .components
        .iter()
        .fold((0.0, 0.0), |(m, s), c| (m + c.weight * c.mean, s + c.weight * (c.variance + c.mean * c.mean)));
    let channel = Channel::new(mean, (spread - mean * mean).max(1.0).sqrt(), true);
    let (at, each) = channel.line();
    let classes: Vec<Gaussian> =
        mixture.components.iter().map(|c| Gaussian::from(c).scaled(&[-at / each], &[1.0 / each])).collect();
    Model::new(&[channel], &classes)
}

/// The CRC-32 of labels, without those that are in doubt.
pub fn hash_sure(labels: &[u8], doubts: &Volume) -> u32 {
    let sure: Vec<u8> = labels.iter().zip(doubts.bytes()).map(|(label, doubt)| if *doubt == 0 { *label } else { 0 }).collect();
    crc32fast::hash(&sure)
}
