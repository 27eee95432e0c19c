use super::*;
use crate::analysis::equalization;
use crate::ops::testing::noise;
use crate::volume::{Counts, Shape, VoiLut, WindowFunction};

fn chain(text: &str) -> Chain {
    text.parse().unwrap()
}

fn counts(pairs: &[(i32, u64)]) -> Counts {
    let mut c = Counts::exact(Dtype::I16);
    pairs.iter().for_each(|(v, n)| c.bins[(v + 32_768) as usize] = *n);
    c
}

fn header(dtype: Dtype) -> Header {
    Header::new(Shape::new(&[1]).unwrap(), dtype)
}

fn composed(text: &str, pairs: &[(i32, u64)], to: Option<Dtype>) -> Result<Composed> {
    let counts = counts(pairs);
    chain(text).compose(Distribution::exact(&[(Rescale::IDENTITY, &counts)]), &header(Dtype::I16), to)
}

/// Results for these values, as the table gives them.
fn results<const N: usize>(text: &str, pairs: &[(i32, u64)], to: Option<Dtype>, at: [i32; N]) -> [f64; N] {
    let c = composed(text, pairs, to).unwrap();
    let table = c.table(Dtype::I16, Rescale::IDENTITY, None);
    for v in at {
        assert_eq!(table.get(v), c.rounded(f64::from(v)), "{text} at {v}");
    }
    at.map(|v| table.get(v))
}

const FEW: &[(i32, u64)] = &[(-1000, 4), (0, 2), (100, 1), (300, 1)];

#[test]
fn each_step_by_hand() {
    let at = [-2000, -1000, 0, 100, 300, 400];
    let check = |text: &str, to, want: [f64; 6]| assert_eq!(results(text, FEW, to, at), want, "{text}");
    let (u8, u16, i16) = (Some(Dtype::U8), Some(Dtype::U16), Some(Dtype::I16));
    // Exact: 255 · (x + 1000) / 1300: 196.15, 215.77.
    check("minmax", u8, [0.0, 0.0, 196.0, 216.0, 255.0, 255.0]);
    check("minmax,invert", u8, [255.0, 255.0, 59.0, 39.0, 0.0, 0.0]);
    check("clip:-100:200", i16, [-100.0, -100.0, 0.0, 100.0, 200.0, 200.0]);
    check("invert", i16, [1300.0, 300.0, -700.0, -800.0, -1000.0, -1100.0]);
    check("rescale:2:1", i16, [-3999.0, -1999.0, 1.0, 201.0, 601.0, 801.0]);
    check("window:100:400:linear-exact", u8, [0.0, 0.0, 64.0, 128.0, 255.0, 255.0]);
    check("window:100:400:linear-exact", i16, [-32_768.0, -32_768.0, -16_384.0, 0.0, 32_767.0, 32_767.0]);
    check("threshold:0:100", None, [0.0, 0.0, 0.0, 1.0, 2.0, 2.0]);
    // Of 4 voxels above the lowest value: 2, 3, 4.
    check("equalize", u16, [0.0, 0.0, 32_768.0, 49_151.0, 65_535.0, 65_535.0]);
    // ((x + 1000) / 1300)² · 255: 150.89, 182.58.
    check("minmax,gamma:2", u8, [0.0, 0.0, 151.0, 183.0, 255.0, 255.0]);
    // Mean -4000 + 100 + 300 over 8 = -450.
    let z = results("zscore", FEW, None, [-450, 300]);
    let std = ((4.0 * 550.0f64.powi(2) + 2.0 * 450.0f64.powi(2) + 550.0f64.powi(2) + 750.0f64.powi(2)) / 8.0).sqrt();
    assert_eq!(z, [0.0, f64::from((750.0 / std) as f32)]);
}

#[test]
fn later_steps_see_what_earlier_ones_made() {
    // Clipped to 0..100: 0 six times, 100 twice: mean 25, variance (6 · 625 + 2 · 5625) / 8 = 1875.
    let c = composed("clip:0:100,zscore", FEW, None).unwrap();
    assert_eq!(c.facts()[1].1, [("mean", 25.0), ("std", 1875.0f64.sqrt())]);
    assert!((c.value(9999.0) - 75.0 / 1875.0f64.sqrt()).abs() < 1e-15);
    // nnU-Net takes the mean of what is not clipped yet.
    let n = composed("nnunet", FEW, None).unwrap();
    assert_eq!(n.facts()[0].1[2], ("mean", -450.0));
    assert_eq!(n.facts()[0].1[0], ("low", -1000.0));
    // The 99.5th percentile of 8: rank 6.965, between 100 and 300.
    assert!((n.facts()[0].1[1].1 - 293.0).abs() < 1e-9);
    // A window before the equalisation makes one grey of all that lies below it.
    let c = composed("window:50:100:linear-exact,equalize", FEW, Some(Dtype::U8)).unwrap();
    assert_eq!([-1000.0, 0.0, 100.0, 300.0].map(|x| c.rounded(x)), [0.0, 0.0, 255.0, 255.0]);
}

#[test]
fn equalisation_alone_has_the_bits_of_the_command() {
    for seed in 0..20u64 {
        let pairs: Vec<(i32, u64)> =
            (0..300).map(|i| ((noise(seed * 999 + i) % 4000) as i32 - 1000, noise(i + seed) % 50 + 1)).collect();
        let counts = counts(&pairs);
        let rescale = Rescale { slope: if seed % 2 == 0 { 1.0 } else { -0.25 }, intercept: 3.0 };
        for to in [Dtype::U8, Dtype::U16] {
            let group = equalization::LevelGroup { rescale, counts: &counts, padding: None };
            let want = equalization::decide(&[group], to, None);
            let all = Distribution::exact(&[(rescale, &counts)]);
            let got = chain("equalize").compose(all, &header(Dtype::I16), Some(to)).unwrap();
            assert_eq!(got.table(Dtype::I16, rescale, None), want.tables[0]);
        }
    }
}

#[test]
fn results_have_the_type_that_the_last_step_suggests() {
    let to = |text: &str, from: Dtype| {
        let counts = counts(FEW);
        chain(text).compose(Distribution::exact(&[(Rescale::IDENTITY, &counts)]), &header(from), None).unwrap().to()
    };
    assert_eq!(to("window:lung", Dtype::I16), Dtype::U16);
    assert_eq!(to("window:lung,gamma:0.5", Dtype::U8), Dtype::U8);
    assert_eq!(to("window:lung,zscore", Dtype::U8), Dtype::F32);
    assert_eq!(to("clip:0:1", Dtype::U8), Dtype::F32);
    assert_eq!(to("minmax,otsu:2", Dtype::I16), Dtype::U8);
    assert!(composed("minmax", FEW, Some(Dtype::I32)).is_err());
}

#[test]
fn the_file_s_own_window() {
    let counts = counts(FEW);
    let input = Distribution::exact(&[(Rescale::IDENTITY, &counts)]);
    let own = Window { center: 100.0, width: 400.0, function: WindowFunction::Sigmoid };
    let file = header(Dtype::I16).with(|h| h.display.windows = vec![own]);
    let c = chain("window").compose(input.clone(), &file, Some(Dtype::U8)).unwrap();
    assert_eq!(c.rounded(200.0), 186.0);
    let missing = chain("window").compose(input, &header(Dtype::I16), None).unwrap_err();
    assert!(missing.to_string().contains("no window of its own"), "{missing}");
}

#[test]
fn the_file_s_own_table_comes_before_its_window_and_may_rise_and_fall() {
    let counts = counts(&[(-1, 5), (0, 7), (1, 1), (2, 2)]);
    let input = Distribution::exact(&[(Rescale::IDENTITY, &counts)]);
    let own = Window { center: 100.0, width: 400.0, function: WindowFunction::Linear };
    let lut = VoiLut { first: 0.0, entries: vec![0, 4095, 1365], top: 4095 };
    let file = header(Dtype::I16).with(|h| (h.display.windows, h.display.voi_luts) = (vec![own], vec![lut]));
    let c = chain("window").compose(input.clone(), &file, Some(Dtype::U8)).unwrap();
    assert_eq!([-5.0, 0.0, 1.0, 2.0, 3.0].map(|x| c.rounded(x)), [0.0, 0.0, 255.0, 85.0, 85.0]);
    // What follows sees the results in order: the median of 12 zeros, 2 thirds and 1 one is 0.
    let after: Vec<(f64, u64)> = c.after().entries().iter().map(|e| (e.value, e.count)).collect();
    assert_eq!(after, [(0.0, 12), (1365.0 / 4095.0, 2), (1.0, 1)]);
    let binned =
        Distribution::binned(&[0.0, 1.5, 3.0], &Counts { bins: vec![1, 1], ..Counts::binned(Dtype::F32, 2) }, Rescale::IDENTITY);
    assert!(chain("window").compose(binned, &file, None).unwrap_err().to_string().contains("rises and falls"));
}

#[test]
fn padding_cannot_pass_for_tissue() {
    let padding = Some(Padding { low: -2000.0, high: -2000.0 });
    let at = |text: &str| {
        let c = composed(text, FEW, None).unwrap();
        let t = c.table(Dtype::I16, Rescale::IDENTITY, padding);
        (t.get(-2000), t.get(-1000))
    };
    assert_eq!(at("minmax,invert"), (0.0, 65_535.0));
    assert_eq!(at("otsu"), (0.0, 0.0));
    let (padded, lowest) = at("zscore");
    assert_eq!(padded, lowest);
}

#[test]
fn what_the_type_cannot_hold_is_counted() {
    assert_eq!(composed("rescale:1:0", FEW, Some(Dtype::U8)).unwrap().clamped(), 5);
    assert_eq!(composed("window:lung", FEW, Some(Dtype::U8)).unwrap().clamped(), 0);
    assert_eq!(composed("zscore", FEW, None).unwrap().clamped(), 0);
}

#[test]
fn a_constant_image_has_no_statistics_to_divide_by() {
    for text in ["minmax", "zscore", "nnunet", "equalize", "gamma:2", "otsu:2", "window:500:1,zscore"] {
        let e = composed(text, &[(7, 10)], None).unwrap_err();
        assert!(matches!(e, Error::Usage { .. }) && e.to_string().contains("one value"), "{text}: {e}");
    }
    for text in ["window:lung", "clip:0:1", "invert", "threshold:3", "percentile:1:99"] {
        assert!(composed(text, &[(7, 10)], None).is_ok(), "{text}");
    }
    assert!(composed("invert", &[], None).is_err());
}

#[test]
fn texts_and_steps_are_one() {
    for text in [
        "window:lung,equalize",
        "window",
        "window:40:400:sigmoid",
        "window:soft-tissue:linear-exact",
        "clip:-1000:400,zscore",
        "percentile:0.5:99.5,zscore",
        "gamma:0.5,invert,minmax,nnunet",
        "rescale:2:-1024,otsu:3",
        "threshold:-500.5:40",
        "threshold:25%:75%",
    ] {
        assert_eq!(chain(text).to_string(), text);
    }
    assert_eq!(chain("window:file , otsu"), chain("window,otsu:2"));
    assert_eq!(chain("window:Lung").to_string(), "window:lung");
    for (typed, meant) in
        [("clip -1000 400", "; write clip:-1000:400"), ("gamma", "; write gamma:G"), ("clip:1", "; write clip:LO:HI")]
    {
        let error = Chain::from_str(typed).unwrap_err().to_string();
        assert!(error.ends_with(meant), "{error}");
    }
    for wrong in [
        "",
        ",",
        "blur",
        "window:knee",
        "window:1:0",
        "window:1:2:cubic",
        "window:a:2",
        "clip:5:1",
        "clip:1",
        "gamma",
        "gamma:-1",
        "gamma:NaN",
        "percentile:-1:50",
        "percentile:50:101",
        "zscore:3",
        "otsu:1",
        "otsu:6",
        "otsu:x",
        "threshold",
        "threshold:2:1",
        "threshold:5%:7",
        "rescale:0:1",
        "clip:-inf:3",
        "minmax,,zscore",
    ] {
        let error = Chain::from_str(wrong).expect_err(wrong).to_string();
        assert!(error.contains("; give") || error.contains("; write"), "{wrong}: {error}");
    }
    assert!(Chain::from_str("blur").unwrap_err().to_string().contains("percentile:LO:HI"));
}

use std::str::FromStr;
