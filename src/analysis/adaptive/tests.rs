//! Against OpenCV's own loops, and small cases by hand.

use super::*;
use crate::volume::{Dtype, Padding, Rescale};

/// OpenCV's `CLAHE_CalcLut_Body`, line by line, over all bins.
fn opencv(histogram: &[u32], clip: f64, top: u16) -> Vec<u16> {
    let (bins, total) = (histogram.len() as u32, histogram.iter().sum::<u32>());
    let mut histogram = histogram.to_vec();
    if clip > 0.0 {
        let limit = ((clip * f64::from(total) / f64::from(bins)) as u32).max(1);
        let mut clipped = 0;
        for n in &mut histogram {
            if *n > limit {
                clipped += *n - limit;
                *n = limit;
            }
        }
        let batch = clipped / bins;
        let mut residual = clipped - batch * bins;
        histogram.iter_mut().for_each(|n| *n += batch);
        if let Some(step) = bins.checked_div(residual) {
            let step = step.max(1);
            let mut i = 0;
            while i < bins && residual > 0 {
                histogram[i as usize] += 1;
                i += step;
                residual -= 1;
            }
        }
    }
    let scale = f32::from(top) / total as f32;
    let mut sum = 0u32;
    let level = |n: &u32| {
        sum += n;
        (sum as f32 * scale).round_ties_even() as u16
    };
    histogram.iter().map(level).collect()
}

fn noise(at: u64) -> u64 {
    let z = at.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z ^ (z >> 31)
}

#[test]
fn occupied_bins_alone_give_the_levels_of_all() {
    for (bins, top) in [(256u32, 255u16), (65_536, 65_535), (100, 65_535), (777, 255)] {
        for (seed, occupied) in [(0u64, 3u64), (1, 17), (2, 100), (3, 1)] {
            let mut histogram = vec![0u32; bins as usize];
            for i in 0..occupied {
                histogram[(noise(seed * 1000 + i) % u64::from(bins)) as usize] += (noise(i + 77) % 5000) as u32 + 1;
            }
            let own: Vec<u32> =
                (0..bins).filter(|b| histogram[*b as usize] > 0 || noise(u64::from(*b)).is_multiple_of(31)).collect();
            let counts: Vec<u32> = own.iter().map(|b| histogram[*b as usize]).collect();
            for clip in [0.0, 0.3, 1.0, 2.0, 3.7, 40.0, 1e9] {
                let want = opencv(&histogram, clip, top);
                let rule = ClipRule { bins, clip, top };
                let mut levels = vec![7; counts.len() + 2];
                assert!(rule.levels(&counts, &own, &mut levels));
                let wanted: Vec<u16> = own.iter().map(|b| want[*b as usize]).chain([0, top]).collect();
                assert_eq!(levels, wanted, "{bins} bins, clip {clip}, seed {seed}");
                let mut portable = vec![9; levels.len()];
                rule.levels_portable(&counts, &own, &mut portable);
                assert_eq!(portable, wanted);
            }
        }
    }
}

#[test]
fn a_tile_by_hand() {
    // 8 voxels over 4 bins, limit 1.5 * 8 / 4 = 3: bin 1 keeps 3 of 6. 3 go to bins 0, 1, 2 one each: 1, 5 (3 + 1 and 1), 6 + 1 ...
    let rule = ClipRule { bins: 4, clip: 1.5, top: 255 };
    let mut levels = [0; 6];
    rule.levels(&[1, 6, 0, 1], &[0, 1, 2, 3], &mut levels);
    // After redistribution 2, 4, 1, 1: 2/8, 6/8, 7/8 and 8/8 of 255 are 63.75, 191.25, 223.1, 255.
    assert_eq!(levels, [64, 191, 223, 255, 0, 255]);
    let mut none = [5; 4];
    assert!(!rule.levels(&[0, 0], &[1, 3], &mut none));
    assert_eq!(none, [0, 0, 0, 255]);
}

fn values(dtype: Dtype, slope: f64) -> SlotValues {
    SlotValues { dtype, rescale: Rescale { slope, intercept: 0.0 }, padding: None, range: None, counted: None }
}

#[test]
fn slots_follow_the_real_values() {
    let held = [-100, -5, 0, 7];
    let slots = Slots::exact(&values(Dtype::I8, 1.0), |v| held.contains(&v)).unwrap();
    assert_eq!((slots.all, slots.bins.as_slice()), (256, [28, 123, 128, 135].as_slice()));
    assert_eq!([28, 123, 128, 135].map(|key| slots.looking[key]), [0, 1, 2, 3]);
    let turned = Slots::exact(&values(Dtype::I8, -2.0), |v| held.contains(&v)).unwrap();
    assert_eq!(turned.bins, [120, 127, 132, 227]);
    assert_eq!([28, 123, 128, 135].map(|key| turned.looking[key]), [3, 2, 1, 0]);
}

#[test]
fn what_lies_outside_has_the_ends_and_padding_the_lowest() {
    let padding = Some(Padding { low: 3.0, high: 4.0 });
    let own = SlotValues { padding, range: Some((2.0, 9.5)), counted: Some((0.0, 8.0)), ..values(Dtype::U8, 1.0) };
    let slots = Slots::exact(&own, |_| true).unwrap();
    // Bins are 2 to 9; 3 and 4 are padding and have no slot.
    assert_eq!((slots.all, slots.bins.as_slice()), (8, [0, 3, 4, 5, 6, 7].as_slice()));
    assert_eq!((0..12).map(|v| slots.looking[v]).collect::<Vec<_>>(), [6, 6, 0, 6, 6, 1, 2, 3, 4, 5, 7, 7]);
    assert_eq!(slots.counting[9], 6, "9 does not count, but has a level");
    assert_eq!(slots.counting[8], 4);
    let coarse = Slots::binned(&own, 3).unwrap();
    // 7.5 wide in three: 2 to 4.5, to 7, to 9.5.
    assert_eq!([2, 5, 6, 7, 9, 10].map(|v| coarse.looking[v]), [0, 1, 1, 2, 2, 4]);
    assert!(Slots::binned(&SlotValues { range: Some((1.0, 1.0)), ..own }, 3).is_err());
    assert!(Slots::exact(&SlotValues { range: Some((2.2, 2.8)), ..own }, |_| true).is_err());
}
