//! Gaussian mixtures on the CPU. `cargo bench --bench mixture [FILTER]`.
//!
//! `cargo bench --bench mixture -- once FILE` measures on the voxels of a file instead, for `benches/rivals_mixture.py`: one line of JSON with seconds
//! to fit and label voxels from 1 to 255 in memory (all threads), and nanoseconds a voxel of the E-step on one thread.

use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use criterion::{Criterion, Throughput};
use hounsfield::analysis::mixture::{self, Classifier, FitSettings, Gaussian, Mixture};
use hounsfield::io::{OpenOptions, open};
use hounsfield::ops::gmm::{self, Channel, Model};
use hounsfield::pipelines::{Bins, Counted, Device, Input, Region, Run, map_volume};
use hounsfield::volume::{Block, Dtype, Header, Shape, Table, Volume};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    if let [once, file] = arguments.as_slice()
        && once == "once"
    {
        return measure(&PathBuf::from(file));
    }
    let mut criterion = Criterion::default().sample_size(10).configure_from_args();
    let volume = Arc::new(brain());
    let mixture = fit(&volume);
    let mut group = criterion.benchmark_group("mixture");
    group.throughput(Throughput::Elements(volume.block().len() as u64));
    group.bench_function("count, fit and label", |b| b.iter(|| black_box(segment(&volume))));
    let voxels = &volume.bytes()[..1 << 20];
    group.throughput(Throughput::Elements(voxels.len() as u64));
    let block = Block { dtype: Dtype::U8, bytes: voxels };
    let model = model(&mixture, 1);
    group.bench_function("posteriors, one thread", |b| {
        let mut out = vec![0.0; 3 * voxels.len()];
        b.iter(|| gmm::posteriors(black_box(&[block]), None, &model, &mut out));
    });
    group.bench_function("sums, one thread", |b| b.iter(|| black_box(gmm::statistics(&[block], None, &model))));
    group.bench_function("labels, one thread", |b| {
        let mut out = vec![0; voxels.len()];
        b.iter(|| gmm::labels(black_box(&[block]), None, &model, &mut out));
    });
    let two = self::model(&mixture, 2);
    group.bench_function("sums of two channels, one thread", |b| {
        b.iter(|| black_box(gmm::statistics(&[block, block], None, &two)));
    });
    group.finish();
    criterion.final_summary();
}

/// Three tissues of 8-bit noise around their means, air around them.
fn brain() -> Volume {
    let mixed = |at: u64| {
        let mut z = at.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    let axes = [197, 233, 189];
    let voxel = |i: u64| {
        let (n, tissue) = (mixed(i), mixed(i / 5) % 10);
        let bell = n.to_le_bytes().iter().map(|b| f64::from(*b) / 256.0 - 0.5).sum::<f64>();
        match tissue {
            0..=6 => 0,
            7 => (120.0 + 38.0 * bell) as u8,
            8 => (176.0 + 24.0 * bell) as u8,
            _ => (219.0 + 9.0 * bell) as u8,
        }
    };
    let shape = Shape::new(&axes).expect("a shape");
    let bytes = (0..shape.voxels()).map(voxel).collect();
    Volume::new(Header::new(shape, Dtype::U8), bytes).expect("as many bytes")
}

fn values(volume: &Arc<Volume>) -> Vec<(f64, u64)> {
    let region = Region { range: Some((1.0, 255.0)), with_padding: false };
    let input = Input::of(volume.clone());
    let counted = Counted::of(&input, &region, Bins::Following, &Run::silent(&Device::cpu())).expect("counts");
    counted.values.entries().iter().map(|e| (e.value, e.count)).collect()
}

fn fit(volume: &Arc<Volume>) -> Mixture {
    mixture::fit(&values(volume), 1.0, &FitSettings::classes(3)).expect("a fit")
}

fn segment(volume: &Arc<Volume>) -> Volume {
    let mixture = fit(volume);
    let classifier = Classifier::new(&mixture);
    let rescale = volume.header().meaning.rescale.uniform().expect("one rescale");
    let label = |stored: i32| match rescale.real(f64::from(stored)) {
        real if (1.0..=255.0).contains(&real) => f64::from(classifier.label(real)),
        _ => 0.0,
    };
    let table = Table::from_fn(Dtype::U8, Dtype::U8, label);
    map_volume(volume, &[table], volume.header().derived(Dtype::U8)).expect("labels")
}

/// The fitted classes, the channel repeated but for a little noise of its own.
fn model(mixture: &Mixture, channels: usize) -> Model {
    let frame = vec![Channel::new(175.0, 35.0, true); channels];
    let (centre, scale) = (vec![-frame[0].line().0 / frame[0].line().1; channels], vec![1.0 / frame[0].line().1; channels]);
    let classes: Vec<Gaussian> = mixture
        .components
        .iter()
        .map(|c| {
            let covariance = (0..channels).flat_map(|a| (0..=a).map(move |b| c.variance * if a == b { 1.0 } else { 0.5 }));
            let whole = Gaussian { weight: c.weight, mean: vec![c.mean; channels], covariance: covariance.collect() };
            whole.scaled(&centre, &scale)
        })
        .collect();
    Model::new(&frame, &classes).expect("positive definite")
}

fn measure(file: &PathBuf) {
    let source = open(std::slice::from_ref(file), &OpenOptions::default()).expect("a volume");
    assert_eq!(source.header().meaning.dtype, Dtype::U8, "an 8-bit volume");
    let mut bytes = vec![0; source.header().bytes() as usize];
    source.read(0, &mut bytes).expect("voxels");
    let inside: Vec<u8> = bytes.iter().copied().filter(|b| *b > 0).collect();
    let volume = Arc::new(Volume::new(source.header().clone(), bytes).expect("as many bytes"));
    let best = |mut work: Box<dyn FnMut() + '_>| {
        let time = |work: &mut dyn FnMut()| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64()
        };
        (0..7).map(|_| time(&mut *work)).fold(f64::INFINITY, f64::min)
    };
    let whole = best(Box::new(|| drop(black_box(segment(&volume)))));
    let model = model(&fit(&volume), 1);
    let block = Block { dtype: Dtype::U8, bytes: &inside };
    let mut out = vec![0.0; 3 * inside.len()];
    let each = 1e9 / inside.len() as f64;
    let posteriors = each * best(Box::new(|| gmm::posteriors(black_box(&[block]), None, &model, &mut out)));
    let sums = each * best(Box::new(|| drop(black_box(gmm::statistics(&[block], None, &model)))));
    println!(r#"{{"fit_and_label_s": {whole}, "posteriors_ns": {posteriors}, "sums_ns": {sums}, "voxels": {}}}"#, inside.len());
}
