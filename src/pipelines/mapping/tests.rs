use std::path::Path;

use super::*;
use crate::Error;
use crate::io::{OpenOptions, open};
use crate::ops::testing::{Content, noise};
use crate::pipelines::Device;
use crate::pipelines::tests::{Memory, devices};
use crate::volume::{Padding, Shape, Volume};

fn volume(dtype: Dtype, bytes: &[u8], change: impl Fn(&mut Header)) -> Volume {
    let mut header = Header::new(Shape::new(&[(bytes.len() / dtype.bytes()) as u64 / 4, 1, 4]).unwrap(), dtype);
    change(&mut header);
    Volume::new(header, bytes.to_vec()).unwrap()
}

fn decided(volume: &Volume, job: &Pointwise, device: &Device) -> Result<Mapping> {
    let run = Run::silent(device);
    Mapping::new(&Input::resolve(Arc::new(volume.clone()), &run)?, job, &run)
}

fn mapping(volume: &Volume, text: &str, to: Option<Dtype>, region: Region, device: &Device) -> Result<Mapping> {
    decided(volume, &Pointwise { to, region, ..Pointwise::new(text.parse().unwrap()) }, device)
}

fn written(mapping: &Mapping, device: &Device) -> Vec<f64> {
    let header = mapping.header();
    let sink = Memory::new(header.grid.shape.voxels() as usize, header.meaning.dtype);
    mapping.write(&sink, &Run::silent(device)).unwrap();
    sink.take().chunks_exact(header.meaning.dtype.bytes()).map(|b| header.meaning.dtype.decode(b)).collect()
}

#[test]
fn every_slice_has_its_own_rescale() {
    let bytes: Vec<u8> = (0..800i16).flat_map(|v| (v % 37 - 9).to_le_bytes()).collect();
    let gain = |slope| Rescale { slope, intercept: 5.0 };
    let pet =
        volume(Dtype::I16, &bytes, |h| h.meaning.rescale = Rescales::PerSlice(vec![gain(1.0), gain(2.5), gain(-1.0), gain(1.0)]));
    for device in devices() {
        for text in ["otsu:3", "minmax", "clip:-5:60,zscore", "window:10:30:sigmoid,equalize"] {
            let m = mapping(&pet, text, None, Region::default(), &device).unwrap();
            let out = written(&m, &device);
            for (i, y) in out.iter().enumerate() {
                let stored = f64::from(i as i16 % 37 - 9);
                let real = [1.0, 2.5, -1.0, 1.0][i / 200] * stored + 5.0;
                assert_eq!(*y, m.composed().rounded(real), "{text} at {i}");
                assert_eq!(*y, m.result(i as u64 / 200, stored));
            }
            let classes = m.classes().to_vec();
            let count = |class: usize| out.iter().filter(|y| **y == class as f64).count() as u64;
            assert!(classes.iter().enumerate().all(|(class, n)| *n == count(class)), "{text}");
        }
    }
}

#[test]
fn padding_and_range_stay_out_of_decisions() {
    let bytes: Vec<u8> = [-2000i16, 0, 10, 20, 30, 40, 50, 3000].iter().flat_map(|v| v.to_le_bytes()).collect();
    let ct = volume(Dtype::I16, &bytes, |h| h.meaning.padding = Some(Padding { low: -2000.0, high: -2000.0 }));
    let region = Region { range: Some((0.0, 50.0)), with_padding: false };
    let m = mapping(&ct, "minmax", Some(Dtype::U8), region, &Device::cpu()).unwrap();
    assert_eq!(written(&m, &Device::cpu()), [0.0, 0.0, 51.0, 102.0, 153.0, 204.0, 255.0, 255.0]);
    assert_eq!((m.counted(), m.before().padding, m.before().outside), (6, 1, 1));
    let all = mapping(&ct, "minmax", Some(Dtype::U8), Region { range: None, with_padding: true }, &Device::cpu()).unwrap();
    assert_eq!(all.counted(), 8);
    let nothing = Region { range: Some((60.0, 70.0)), with_padding: false };
    assert!(matches!(mapping(&ct, "minmax", None, nothing, &Device::cpu()), Err(Error::Usage { .. })));
}

#[test]
fn floats_take_the_same_steps() {
    let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0, 1e-45, f32::NAN];
    let values: Vec<f32> = (0..40_000u64)
        .map(|i| if i % 997 == 0 { odd[(i / 997) as usize % 6] } else { (noise(i) % 100_000) as f32 * 0.0137 - 300.0 })
        .collect();
    let float = volume(Dtype::F32, bytemuck::cast_slice(&values), |h| {
        h.meaning.rescale = Rescales::Uniform(Rescale { slope: -2.0, intercept: 7.0 });
    });
    let finite = || values.iter().copied().filter(|x| x.is_finite());
    let (least, most) = (finite().fold(f32::MAX, f32::min), finite().fold(f32::MIN, f32::max));
    let real = |x: f32| -2.0 * f64::from(x.clamp(least, most)) + 7.0;
    for device in devices() {
        for text in ["otsu:4", "threshold:-100.3:0", "threshold:25%:75%", "minmax", "window:40:400:sigmoid", "equalize,invert"] {
            let m = mapping(&float, text, Some(Dtype::U8), Region::default(), &device).unwrap();
            let out = written(&m, &device);
            for (x, y) in values.iter().zip(&out) {
                let want = if x.is_nan() { 0.0 } else { m.composed().rounded(real(*x)) };
                assert_eq!(*y, want, "{text} at {x}");
                assert_eq!(*y, m.result(0, f64::from(*x)), "{text} at {x}");
            }
            // Counted like all others, but for what is not finite.
            for (class, n) in m.classes().iter().enumerate() {
                let same = values.iter().zip(&out).filter(|(x, y)| x.is_finite() && **y == class as f64).count();
                assert_eq!(*n, same as u64, "{text} class {class}");
            }
        }
        for text in ["zscore", "percentile:1:99,zscore", "window:40:400,gamma:0.5", "equalize"] {
            let m = mapping(&float, text, Some(Dtype::F32), Region::default(), &device).unwrap();
            let bound = m.bound().unwrap();
            for (x, y) in values.iter().zip(written(&m, &device)) {
                let off = (y - m.composed().value(real(*x))).abs();
                assert!(if x.is_nan() { y.is_nan() } else { off <= bound }, "{text} at {x}: {y}, {off} > {bound}");
            }
        }
    }
    let none = volume(Dtype::F32, bytemuck::cast_slice(&[f32::NAN; 8]), |_| ());
    assert!(matches!(mapping(&none, "zscore", None, Region::default(), &Device::cpu()), Err(Error::Usage { .. })));
    let flat = volume(Dtype::F32, bytemuck::cast_slice(&[2.5f32; 8]), |_| ());
    let e = mapping(&flat, "otsu", None, Region::default(), &Device::cpu()).err().unwrap();
    assert!(e.to_string().contains("one value, 2.5"), "{e}");
    let m = mapping(&flat, "threshold:2", None, Region::default(), &Device::cpu()).unwrap();
    assert_eq!((written(&m, &Device::cpu()), m.classes()), (vec![1.0; 8], &[0, 8][..]));
}

#[test]
fn one_extreme_value_does_not_decide_for_all_others() {
    let mut values: Vec<f32> = (0..40_000u64).map(|i| 100.0 + (noise(i) % 20_001) as f32 / 1000.0).collect();
    values[5] = 1e7;
    let float = volume(Dtype::F32, bytemuck::cast_slice(&values), |_| ());
    let mut sorted = values.clone();
    sorted.sort_by(f32::total_cmp);
    for device in devices() {
        let m = mapping(&float, "percentile:5:95", Some(Dtype::F32), Region::default(), &device).unwrap();
        let out = written(&m, &device);
        let ends = out.iter().fold((f64::MAX, f64::MIN), |(a, b), v| (a.min(*v), b.max(*v)));
        for (got, want) in [(ends.0, sorted[2000]), (ends.1, sorted[38_000])] {
            assert!((got - f64::from(want)).abs() < 0.02, "{got} instead of {want}");
        }
    }
}

#[test]
fn headers_say_what_the_results_are() {
    let bytes = Content::Ct.bytes(Dtype::I16, 400);
    let ct = volume(Dtype::I16, &bytes, |h| h.meaning.unit = crate::volume::Unit::Hounsfield);
    let header = |text: &str| mapping(&ct, text, None, Region::default(), &Device::cpu()).unwrap().header().clone();
    assert_eq!(header("clip:-100:200").meaning.unit.symbol(), "HU");
    assert_eq!(header("zscore").meaning.unit.symbol(), "");
    assert!(header("otsu:3").meaning.labels && !header("minmax").meaning.labels);
}

/// Thresholds of other people's programs for real files: `fixtures/reference.json` beside the folder that HOUNSFIELD_DATA names.
#[test]
fn thresholds_are_those_of_the_reference() {
    let Some(data) = std::env::var_os("HOUNSFIELD_DATA").map(std::path::PathBuf::from) else {
        eprintln!("skipped: HOUNSFIELD_DATA names no folder with test images");
        return;
    };
    let text = std::fs::read_to_string(data.join("../fixtures/reference.json")).unwrap();
    let reference: serde_json::Value = serde_json::from_str(&text).unwrap();
    let four = [
        ("nih_000", "radiograph/nih_cxr14_00000011_000.png"),
        ("mri_s1045_u16", "radiograph/mri_s1045_u16.png"),
        ("brainweb_t1", "volumes/brainweb_mritc/brainweb_t1.nii.gz"),
        ("malignant (1)", "ultrasound/Dataset_BUSI_with_GT/malignant/malignant (1).png"),
        ("mni152_t1", "volumes/nilearn_mni152/mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"),
    ];
    let mut checked = [0; 3];
    for (name, facts) in reference["files"].as_object().unwrap() {
        if facts["otsu"].is_null() {
            continue;
        }
        let in_four = four.iter().find(|(_, path)| path == name).map(|(key, _)| *key);
        let wanted = [
            ("otsu:2", Some(vec![facts["otsu"].as_f64().unwrap()])),
            ("otsu:3", numbers(&facts["multiotsu3"]["exact"])),
            ("otsu:4", in_four.and_then(|key| numbers(&reference["multiotsu4"][key]["exact"]))),
        ];
        for (i, (text, want)) in wanted.into_iter().enumerate() {
            let Some(want) = want else { continue };
            let source = open(&[data.join(Path::new(name))], &OpenOptions::default()).unwrap();
            let rescale = source.header().meaning.rescale.uniform().unwrap();
            let region = Region { range: None, with_padding: true };
            let job = Pointwise { region, ..Pointwise::new(text.parse().unwrap()) };
            let device = Device::cpu();
            let run = Run::silent(&device);
            let m = Mapping::new(&Input::resolve(source.into(), &run).unwrap(), &job, &run).unwrap();
            let got: Vec<f64> = m.composed().thresholds().unwrap().iter().map(|t| rescale.stored(*t).round()).collect();
            assert_eq!(got, want, "{name} {text}");
            checked[i] += 1;
        }
    }
    eprintln!("thresholds of {checked:?} files, 2, 3 and 4 classes");
    assert_eq!(checked, [15, 13, 5]);
}

fn numbers(list: &serde_json::Value) -> Option<Vec<f64>> {
    list.as_array().map(|all| all.iter().filter_map(serde_json::Value::as_f64).collect())
}

fn equalized(dtype: Dtype, bytes: &[u8], change: impl Fn(&mut Header), range: Option<(f64, f64)>) -> Result<Mapping> {
    let mut header = Header::new(Shape::new(&[(bytes.len() / dtype.bytes()) as u64]).unwrap(), dtype);
    change(&mut header);
    let job = Pointwise::equalize(None, range, Region::default());
    decided(&Volume::new(header, bytes.to_vec()).unwrap(), &job, &Device::cpu())
}

#[test]
fn padding_becomes_zero_and_a_constant_stays() {
    let bytes: Vec<u8> = [-2000i16, -10, 0, 10, 10].iter().flat_map(|v| v.to_le_bytes()).collect();
    let pad = |h: &mut Header| h.meaning.padding = Some(Padding { low: -2000.0, high: -2000.0 });
    let e = equalized(Dtype::I16, &bytes, pad, None).unwrap();
    assert_eq!((e.header().meaning.dtype, e.before().padding), (Dtype::U16, 1));
    assert_eq!([-2000.0, -10.0, 0.0, 10.0].map(|v| e.result(0, v)), [0.0, 0.0, 21_845.0, 65_535.0]);
    assert_eq!(e.after().unwrap().occupied().collect::<Vec<_>>(), [(0, 1), (21_845, 1), (65_535, 2)]);

    let e = equalized(Dtype::I16, &(-7i16).to_le_bytes().repeat(3), |_| (), None).unwrap();
    assert!(e.unchanged() && e.after().is_none());
    assert_eq!((e.header().meaning.dtype, e.result(0, -7.0), e.counted()), (Dtype::I16, -7.0, 3));
    let e = equalized(Dtype::F32, &2.5f32.to_le_bytes().repeat(3), |_| (), None).unwrap();
    assert!(e.unchanged());
    assert_eq!((e.header().meaning.dtype, written(&e, &Device::cpu())), (Dtype::F32, vec![2.5; 3]));
}

#[test]
fn floats_are_spread_by_rank() {
    let values = [0.25f32, 0.5, 0.75, 0.75, f32::NAN, f32::INFINITY];
    let e = equalized(Dtype::F32, bytemuck::cast_slice(&values), |_| (), None).unwrap();
    assert_eq!(values.map(|v| e.result(0, f64::from(v))), [0.0, 21_845.0, 65_535.0, 65_535.0, 0.0, 65_535.0]);
    let negative = |h: &mut Header| h.meaning.rescale = Rescales::Uniform(Rescale { slope: -1.0, intercept: 0.0 });
    let e = equalized(Dtype::F32, bytemuck::cast_slice(&values[..4]), negative, None).unwrap();
    assert_eq!([0.25, 0.5, 0.75].map(|v| e.result(0, v)), [65_535.0, 32_768.0, 0.0]);
    assert!(equalized(Dtype::F32, bytemuck::cast_slice(&values), |_| (), Some((5.0, 6.0))).is_err());
    let nan = equalized(Dtype::F32, bytemuck::cast_slice(&[f32::NAN; 3]), |_| (), None);
    assert!(matches!(nan, Err(Error::Usage { .. })));
}

/// The kernel's twin decides over whole histograms; the chain must come to the same tables, whatever rescale, padding, range and depth.
#[test]
fn equalisation_as_a_step_is_equalisation_as_the_kernel_has_it() {
    use crate::analysis::equalization;
    let gain = |slope, intercept| Rescale { slope, intercept };
    let uneven = vec![gain(1.0, -5.0), gain(2.5, 3.0), gain(-1.0, 0.0), gain(1.0, -5.0)];
    for (rescales, padded) in [
        (Rescales::Uniform(gain(1.0, 0.0)), false),
        (Rescales::Uniform(gain(-0.5, 7.0)), true),
        (Rescales::PerSlice(uneven.clone()), false),
        (Rescales::PerSlice(uneven), true),
    ] {
        for dtype in [Dtype::I16, Dtype::U8] {
            let bytes = Content::Noise.bytes(dtype, 4000);
            let image = volume(dtype, &bytes, |h| {
                h.meaning.rescale = rescales.clone();
                h.meaning.padding = padded.then_some(Padding { low: 10.0, high: 40.0 });
            });
            for (to, range) in
                [(Dtype::U8, None), (Dtype::U16, None), (Dtype::U8, Some((-50.0, 90.5))), (Dtype::U16, Some((0.0, 60.0)))]
            {
                let m = decided(&image, &Pointwise::equalize(Some(to), range, Region::default()), &Device::cpu()).unwrap();
                let groups: Vec<equalization::LevelGroup<'_>> = m
                    .before()
                    .groups
                    .iter()
                    .map(|g| equalization::LevelGroup {
                        rescale: g.rescale,
                        counts: &g.counts,
                        padding: image.header().meaning.padding,
                    })
                    .collect();
                let want = equalization::decide(&groups, to, range);
                assert_eq!(m.counted(), want.counted);
                let Plan::Tables(tables) = &m.plan else { panic!("no tables") };
                assert_eq!(*tables, want.tables, "{rescales:?} {padded} {dtype} {to} {range:?}");
            }
        }
    }
}
