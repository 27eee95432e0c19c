//! Both ways against each other, against what is known of real brains, and against inputs that cannot be segmented.

use std::path::PathBuf;
use std::sync::Arc;

use super::*;
use crate::io::{self, OpenOptions};
use crate::ops::testing::noise;
use crate::pipelines::Device;
use crate::pipelines::hold::read_all;
use crate::pipelines::tests::{Memory, devices};
use crate::volume::{Geometry, Padding, Rescale, Rescales, Shape, Volume};

/// Three tissues in a volume of [n, 7, 5] 8-bit voxels.
fn brain(n: u64, seed: u64, gain: f64) -> Vec<f64> {
    let bell = |i: u64| (0..6).map(|t| (noise(seed + 6 * i + t) % 1000) as f64 / 1000.0).sum::<f64>() - 3.0;
    let tissue = |i: u64| [(60.0, 12.0), (110.0, 10.0), (110.0, 10.0), (160.0, 6.0)][(noise(i + 17) % 4) as usize];
    (0..n * 35).map(|i| gain * (tissue(i).0 + bell(i) * tissue(i).1 * 1.4)).collect()
}

fn volume(dtype: Dtype, values: &[f64], change: impl Fn(&mut Header)) -> Volume {
    let bytes = values
        .iter()
        .flat_map(|v| {
            let bits = match dtype {
                Dtype::F32 => (*v as f32).to_bits(),
                Dtype::I16 => u32::from(*v as i16 as u16),
                _ => *v as u32,
            };
            bits.to_le_bytes().into_iter().take(dtype.bytes())
        })
        .collect();
    let mut header = Header::new(Shape::new(&[values.len() as u64 / 35, 7, 5]).unwrap(), dtype);
    header.grid.geometry = Some(Geometry::spacing([1.0, 1.0, 2.0]));
    change(&mut header);
    Volume::new(header, bytes).unwrap()
}

fn resolved(volume: &Volume) -> Input<'static> {
    Input::resolve(Arc::new(volume.clone()), &Run::silent(&Device::cpu())).unwrap()
}

fn segmented(volumes: &[&Volume], mask: Option<&Volume>, job: &Segment, device: &Device) -> Result<Segmentation> {
    let run = Run::silent(device);
    let mask = mask.map(|m| Mask::new(Arc::new(m.clone()), None, volumes[0].header(), &run).unwrap());
    Segmentation::new(&volumes.iter().map(|v| resolved(v)).collect::<Vec<_>>(), mask, job, &run)
}

fn labels(s: &Segmentation, device: &Device) -> (Vec<u8>, Written) {
    let sink = Memory::new(s.header().grid.shape.voxels() as usize, Dtype::U8);
    let written = s.write_labels(&sink, None, &Run::silent(device)).unwrap();
    (sink.take(), written)
}

fn posteriors(s: &Segmentation, device: &Device) -> Vec<Vec<f32>> {
    let voxels = s.header().grid.shape.voxels() as usize;
    let sinks: Vec<Memory> = s.mixture().components.iter().map(|_| Memory::new(voxels, Dtype::F32)).collect();
    let to: Vec<&dyn Sink> = sinks.iter().map(|s| s as &dyn Sink).collect();
    s.write_posteriors(&to, &Run::silent(device)).unwrap();
    sinks.into_iter().map(|s| bytemuck::pod_collect_to_vec(&s.take())).collect()
}

fn voxelwise(classes: usize) -> Segment {
    Segment { method: Some(Method::Voxel), ..Segment::classes(classes) }
}

/// Of a parameter, relative to the class's standard deviation: f32 sums at the optimum, times what EM's slow convergence makes of them.
const AGREES: f64 = 2e-4;

#[test]
fn both_ways_agree_on_whole_numbers() {
    let image = volume(Dtype::U8, &brain(600, 1, 1.0), |_| ());
    let mask: Vec<f64> = (0..600 * 35).map(|i| f64::from(u8::from(i % 11 != 0))).collect();
    let mask = volume(Dtype::U8, &mask, |_| ());
    let job = |method| Segment {
        method: Some(method),
        region: Region { range: Some((20.0, 190.0)), with_padding: false },
        ..Segment::classes(3)
    };
    for device in devices() {
        let exact = segmented(&[&image], Some(&mask), &job(Method::Exact), &device).unwrap();
        let voxel = segmented(&[&image], Some(&mask), &job(Method::Voxel), &device).unwrap();
        assert_eq!(exact.mixture().fit.count, voxel.mixture().fit.count);
        assert!((exact.mixture().fit.log_likelihood - voxel.mixture().fit.log_likelihood).abs() < 1e-6);
        for (a, b) in exact.mixture().components.iter().zip(&voxel.mixture().components) {
            assert!((a.mean[0] - b.mean[0]).abs() <= AGREES * a.std(0), "{a:?} {b:?}");
            assert!((a.std(0) - b.std(0)).abs() <= AGREES * a.std(0) && (a.weight - b.weight).abs() <= AGREES, "{a:?} {b:?}");
        }
        let (la, lb) = (labels(&exact, &device).0, labels(&voxel, &device).0);
        let (pa, pb) = (posteriors(&exact, &device), posteriors(&voxel, &device));
        let mut different = 0;
        for i in 0..la.len() {
            if la[i] != lb[i] {
                let share = |l: u8| pa[usize::from(l) - 1][i];
                assert!((share(la[i]) - share(lb[i])).abs() <= 4.0 * AGREES as f32, "voxel {i}: {} {}", la[i], lb[i]);
                different += 1;
            }
            for (a, b) in pa.iter().zip(&pb) {
                assert!((a[i] - b[i]).abs() <= 2.0 * AGREES as f32, "voxel {i}: {} {}", a[i], b[i]);
            }
        }
        assert!(different * 1000 < la.len(), "{different}");
        let left_out = |i: usize| i.is_multiple_of(11) || !(20..=190).contains(&image.bytes()[i]);
        assert!((0..la.len()).all(|i| (la[i] == 0) == left_out(i) && (lb[i] == 0) == left_out(i)));
        assert!((0..la.len()).filter(|i| left_out(*i)).all(|i| pa.iter().chain(&pb).all(|p| p[i] == 0.0)));
    }
}

#[test]
fn labels_come_from_real_values_whatever_the_rescale() {
    let plain =
        segmented(&[&volume(Dtype::I16, &brain(200, 2, 1.0), |_| ())], None, &Segment::classes(3), &Device::cpu()).unwrap();
    let negative = |h: &mut Header| {
        h.meaning.rescale = Rescales::Uniform(Rescale { slope: -1.0, intercept: 0.0 });
        h.meaning.padding = Some(Padding { low: -20_000.0, high: -20_000.0 });
    };
    let mut values: Vec<f64> = brain(200, 2, 1.0).iter().map(|v| -v.trunc()).collect();
    values.extend([-20_000.0; 35]);
    let turned = volume(Dtype::I16, &values, negative);
    for job in [Segment::classes(3), voxelwise(3)] {
        let turned = segmented(&[&turned], None, &job, &Device::cpu()).unwrap();
        let (a, (b, written)) = (labels(&plain, &Device::cpu()).0, labels(&turned, &Device::cpu()));
        let same = a.iter().zip(&b).filter(|(a, b)| a == b).count();
        assert!(same >= a.len() - 3, "{same} of {}", a.len());
        assert_eq!((written.voxels[0], written.voxels.iter().sum::<u64>()), (35, values.len() as u64));
        assert!(turned.mixture().components.windows(2).all(|p| p[0].mean[0] < p[1].mean[0]));
    }
}

#[test]
fn floats_with_gaps_are_fitted_as_whole_numbers_are() {
    let exact =
        segmented(&[&volume(Dtype::U8, &brain(400, 3, 1.0), |_| ())], None, &Segment::classes(3), &Device::cpu()).unwrap();
    let mut values: Vec<f64> = brain(400, 3, 1.0).iter().map(|v| v.trunc() * 1e-3 + 7.0).collect();
    values.extend([f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, f64::NAN]);
    values.extend([7.1; 30]);
    let floats = volume(Dtype::F32, &values, |_| ());
    for device in devices() {
        let s = segmented(&[&floats], None, &Segment { region: Region::default(), ..Segment::classes(3) }, &device).unwrap();
        assert_eq!((s.not_finite(), s.spans()), (5, None));
        for (a, b) in exact.mixture().components.iter().zip(&s.mixture().components) {
            assert!((a.mean[0] * 1e-3 + 7.0 - b.mean[0]).abs() < 0.01 * b.std(0), "{a:?} {b:?}");
        }
        let (found, written) = labels(&s, &device);
        assert!(found[14_000..14_005].iter().all(|l| *l == 0) && written.voxels[0] == 5);
    }
}

#[test]
fn one_extreme_value_widens_no_class() {
    let mut values = brain(400, 3, 0.01);
    let without = segmented(&[&volume(Dtype::F32, &values, |_| ())], None, &Segment::classes(3), &Device::cpu()).unwrap();
    values[17] = 1e6;
    let region = Region { range: Some((-100.0, 100.0)), ..Region::default() };
    let s = segmented(&[&volume(Dtype::F32, &values, |_| ())], None, &Segment { region, ..Segment::classes(3) }, &Device::cpu())
        .unwrap();
    for (a, b) in without.mixture().components.iter().zip(&s.mixture().components) {
        assert!((a.mean[0] - b.mean[0]).abs() < 0.02 * a.std(0) && (a.std(0) - b.std(0)).abs() < 0.02 * a.std(0), "{a:?} {b:?}");
    }
}

#[test]
fn two_channels_part_what_one_cannot() {
    // In each channel alone the two halves overlap; together they lie on either side of a line.
    let n = 400u64;
    let bell = |i: u64, s: u64| (0..6).map(|t| (noise(s + 6 * i + t) % 1000) as f64 / 1000.0).sum::<f64>() - 3.0;
    let truth: Vec<f64> = (0..n * 35).map(|i| f64::from(u8::from(noise(i).is_multiple_of(2)))).collect();
    let along: Vec<f64> = (0..n * 35).map(|i| bell(i, 1000) * 300.0).collect();
    let first: Vec<f64> = truth.iter().zip(&along).map(|(t, a)| 2000.0 + a + 150.0 * t).collect();
    let second: Vec<f64> =
        truth.iter().zip(&along).enumerate().map(|(i, (t, a))| a - 150.0 * t + bell(i as u64, 77) * 20.0).collect();
    let (a, b) = (volume(Dtype::I16, &first, |_| ()), volume(Dtype::F32, &second, |_| ()));
    for device in devices() {
        let s = segmented(&[&a, &b], None, &Segment::classes(2), &device).unwrap();
        assert!(s.mixture().fit.converged, "{:?}", s.mixture().fit);
        let found = labels(&s, &device).0;
        let right = found.iter().zip(&truth).filter(|(l, t)| f64::from(**l) == **t + 1.0).count();
        assert!(right as f64 > 0.999 * found.len() as f64, "{right} of {}", found.len());
        let sums: Vec<f32> =
            posteriors(&s, &device).iter().fold(vec![0.0; found.len()], |s, p| s.iter().zip(p).map(|(a, b)| a + b).collect());
        assert!(sums.iter().all(|s| (s - 1.0).abs() < 1e-6));
    }
    // One class: mean and covariance of both channels.
    let s = segmented(&[&a, &b], None, &Segment::classes(1), &Device::cpu()).unwrap();
    let g = &s.mixture().components[0];
    let x: Vec<f64> = first.iter().map(|v| f64::from(*v as i16)).collect();
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    let (mx, my) = (mean(&x), mean(&second));
    let cross = mean(&x.iter().zip(&second).map(|(a, b)| (a - mx) * (b - my)).collect::<Vec<_>>());
    assert!((g.mean[0] - mx).abs() < 1e-3 && (g.mean[1] - my).abs() < 1e-3);
    assert!((g.covariance(1, 0) / cross - 1.0).abs() < 1e-6, "{} {cross}", g.covariance(1, 0));
}

#[test]
fn what_cannot_be_segmented_says_why() {
    let image = volume(Dtype::U8, &brain(10, 1, 1.0), |_| ());
    let error = |volumes: &[&Volume], mask: Option<&Volume>, job: &Segment| {
        let e = segmented(volumes, mask, job, &Device::cpu()).map(|_| ()).unwrap_err();
        assert!(matches!(e, Error::Usage { .. }), "{e}");
        e.to_string()
    };
    let three = Segment::classes(3);
    let empty = volume(Dtype::U8, &[0.0; 350], |_| ());
    assert!(error(&[&image], Some(&empty), &three).contains("no voxel counts"));
    assert!(error(&[&image], Some(&empty), &voxelwise(3)).contains("no voxel counts"));
    assert!(error(&[&empty], None, &three).contains("1 distinct value cannot make 3 classes"));
    let nan = volume(Dtype::F32, &[f64::NAN; 350], |_| ());
    assert!(error(&[&nan], None, &three).contains("no voxel counts"));
    let halves = volume(Dtype::F32, &[0.5; 350], |_| ());
    assert!(error(&[&halves], None, &three).contains("1 distinct value "));
    assert!(error(&[&halves], None, &Segment { method: Some(Method::Exact), ..three.clone() }).contains("over voxels"));
    assert!(error(&[&image], None, &Segment { monotone: true, ..voxelwise(3) }).contains("overlap in value"));
    let other = volume(Dtype::U8, &brain(11, 1, 1.0), |_| ());
    assert!(error(&[&image, &other], None, &three).contains("channel 2 has 11 x 7 x 5 voxels, the image 10 x 7 x 5"));
    assert!(error(&[&image; 5], None, &three).contains("5 channels"));
    assert!(error(&[&image], None, &Segment::classes(200)).contains("200 classes"));
    // A channel twice: no covariance is singular, thanks to the floor.
    let twice = segmented(&[&image, &image], None, &Segment::classes(2), &Device::cpu()).unwrap();
    assert!(twice.mixture().components.iter().all(|g| g.mean.iter().chain(&g.covariance).all(|v| v.is_finite())));
    let constant = segmented(&[&halves], None, &Segment::classes(1), &Device::cpu()).unwrap();
    assert!((constant.mixture().components[0].mean[0] - 0.5).abs() < 1e-6 && constant.mixture().fit.log_likelihood.is_finite());
}

fn data(path: &str) -> Option<PathBuf> {
    let found = std::env::var_os("HOUNSFIELD_DATA").map(|root| PathBuf::from(root).join(path));
    if found.is_none() {
        eprintln!("skipped: HOUNSFIELD_DATA does not name the folder of test data");
    }
    found
}

fn read(path: PathBuf) -> Volume {
    read_all(io::open(&[path], &OpenOptions::default()).unwrap().into(), &Run::silent(&Device::cpu())).unwrap()
}

/// Means, standard deviations, weights; within 0.02 %.
fn check_fit(s: &Segmentation, want: [[f64; 3]; 3], log_likelihood: f64) {
    for (g, [mean, std, weight]) in s.mixture().components.iter().zip(want) {
        for (got, want) in [(g.mean[0], mean), (g.std(0), std), (g.weight, weight)] {
            assert!((got / want - 1.0).abs() <= 2e-4, "{got} instead of {want}");
        }
    }
    assert!((s.mixture().fit.log_likelihood - log_likelihood).abs() < 1e-6 && s.mixture().fit.converged);
}

/// The maximum of the likelihood, found by EM over (value, count) until the change was below 1e-15; truth by the phantom's fractions.
#[test]
fn brainweb_reaches_the_maximum() {
    let Some(folder) = data("volumes/brainweb_mritc") else { return };
    let read = |name: &str| read(folder.join(name));
    let fractions = ["brainweb_csf.nii.gz", "brainweb_gm.nii.gz", "brainweb_wm.nii.gz"].map(read);
    let (image, mask) = (read("brainweb_t1.nii.gz"), read("brainweb_mask.nii.gz"));
    let argmax = |i: usize| {
        let best = (0..3).rev().max_by_key(|c| fractions[*c].bytes()[i]).unwrap();
        if mask.bytes()[i] == 0 { 0 } else { best as u8 + 1 }
    };
    let header = mask.header().clone().with(|h| h.meaning.dtype = Dtype::U8);
    let truth = Volume::new(header, (0..mask.bytes().len()).map(argmax).collect()).unwrap();
    let device = Device::cpu();
    let run = &Run::silent(&device);
    let truth = Truth::new(Arc::new(truth), image.header(), run).unwrap();
    let want = [[45.0333, 11.4478, 0.15421], [96.9287, 15.0553, 0.56772], [131.0054, 9.8988, 0.27806]];
    for method in [Method::Exact, Method::Voxel] {
        let job = Segment { method: Some(method), ..Segment::classes(3) };
        let s = segmented(&[&image], Some(&mask), &job, &Device::cpu()).unwrap();
        check_fit(&s, want, -4.723_212_6);
        let sink = Memory::new(s.header().grid.shape.voxels() as usize, Dtype::U8);
        let written = s.write_labels(&sink, Some(&truth), run).unwrap();
        assert_eq!(written.voxels[1..4], [35_212, 127_257, 67_317]);
        let confusion = written.confusion.unwrap();
        for (class, dice) in [0.922, 0.891, 0.863].into_iter().enumerate() {
            assert!((confusion.of(class + 1).dice().unwrap() - dice).abs() < 6e-4, "{class}: {:?}", confusion.of(class + 1));
        }
    }
}

#[test]
fn mni152_reaches_the_maximum() {
    let Some(folder) = data("volumes/nilearn_mni152") else { return };
    let image = read(folder.join("mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"));
    let want = [[123.762, 31.718, 0.17164], [176.496, 19.832, 0.60833], [218.841, 7.398, 0.22003]];
    let region = Region { range: Some((1.0, 255.0)), with_padding: false };
    let s = segmented(&[&image], None, &Segment { region, ..Segment::classes(3) }, &Device::cpu()).unwrap();
    check_fit(&s, want, -4.886_312_7);
    assert_eq!(labels(&s, &Device::cpu()).1.voxels[1..4], [254_646, 1_180_468, 451_425]);
    let runs: Vec<(u8, f64)> = s.spans().unwrap().iter().map(|r| (r.label, r.from)).collect();
    assert_eq!(runs[1..], [(2, 139.0), (3, 208.0), (2, 244.0)]);
    let monotone = Segment { region, monotone: true, ..Segment::classes(3) };
    let s = segmented(&[&image], None, &monotone, &Device::cpu()).unwrap();
    assert_eq!(s.spans().unwrap().iter().map(|r| r.label).collect::<Vec<_>>(), [1, 2, 3]);
    // The way over voxels, from the first channel's optimum.
    let s = segmented(&[&image], None, &Segment { region, ..voxelwise(3) }, &Device::cpu()).unwrap();
    check_fit(&s, want, -4.886_312_7);
    assert_eq!(labels(&s, &Device::cpu()).1.voxels[1..4], [254_646, 1_180_468, 451_425]);
}

/// Counts what is done and stops the job once so much is.
struct StopAfter {
    bytes: u64,
    done: std::sync::atomic::AtomicU64,
}

impl crate::pipelines::Watch for StopAfter {
    fn advance(&self, bytes: u64) {
        self.done.fetch_add(bytes, std::sync::atomic::Ordering::Relaxed);
    }

    fn stopped(&self) -> bool {
        self.done.load(std::sync::atomic::Ordering::Relaxed) >= self.bytes
    }
}

#[test]
fn writing_labels_and_posteriors_moves_the_progress_and_can_be_stopped() {
    let floats = volume(Dtype::F32, &brain(4000, 5, 0.37), |_| ());
    let bytes = floats.header().bytes();
    for device in devices() {
        for memory in [1 << 18, 1 << 19] {
            let job = Segment { max_iterations: Some(2), ..Segment::classes(2) };
            let s = Segmentation::new(&[resolved(&floats)], None, &job, &Run::silent(&device).with_memory(memory)).unwrap();
            let voxels = floats.block().len();
            for (stop, posteriors) in [(u64::MAX, false), (u64::MAX, true), (bytes / 4, false), (bytes / 4, true)] {
                let watch = StopAfter { bytes: stop, done: std::sync::atomic::AtomicU64::new(0) };
                let run = Run::new(&device, memory, &watch);
                let sinks = [Memory::new(voxels, Dtype::F32), Memory::new(voxels, Dtype::F32)];
                let result = match posteriors {
                    true => s.write_posteriors(&[&sinks[0], &sinks[1]], &run),
                    false => s.write_labels(&Memory::new(voxels, Dtype::U8), None, &run).map(|_| ()),
                };
                let done = watch.done.into_inner();
                let name = format!("{} {memory} {stop} {posteriors}", device.name());
                match stop {
                    u64::MAX => assert!(result.is_ok() && done <= bytes && bytes - done < 64, "{name}: {done} of {bytes}"),
                    _ => assert!(matches!(result, Err(Error::Interrupted)) && done < bytes, "{name}: {done} of {bytes}"),
                }
            }
        }
    }
}
