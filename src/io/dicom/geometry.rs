//! Whether slices form a regular grid, and which.

use super::frames::{ImageFrame, cross, dot};
use crate::Flaw;
use crate::volume::{Geometry, Position};

/// A grid, or what is wrong with it and the best guess all the same.
pub(super) struct Verdict {
    pub(super) geometry: Geometry,
    /// What is wrong; empty if nothing is.
    pub(super) flaws: Vec<Flaw>,
    pub(super) note: Option<String>,
}

/// How exactly the files give positions, in mm.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PositionRounding {
    /// The step of the last decimal: the finest in the series, for trailing zeros are left out.
    step: f64,
    /// The most that rounding moves a slice along the normal.
    along: f64,
}

impl PositionRounding {
    pub(super) fn of<'a>(frames: impl Iterator<Item = &'a ImageFrame>, normal: [f64; 3]) -> Self {
        let step = frames.map(|frame| frame.position_step).fold(f64::INFINITY, f64::min);
        let step = if step.is_finite() { step } else { 0.0 };
        Self { step, along: normal.iter().map(|n| n.abs()).sum::<f64>() * step / 2.0 }
    }
}

/// Planes at a larger angle are turned against each other: acos near 1 makes hundredths of a degree of the files' decimals.
pub(super) const TURNED_DEG: f64 = 0.25;

/// Whether the pixels of two frames have one size.
pub(super) fn same_spacing(a: Option<[f64; 2]>, b: Option<[f64; 2]>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => (0..2).all(|i| (a[i] - b[i]).abs() <= 1e-3 * a[i]),
        (a, b) => a == b,
    }
}

/// Distance of a frame along the common normal, if it has a place.
pub(super) fn distance(frame: &ImageFrame, normal: [f64; 3]) -> Option<f64> {
    frame.position.map(|p| dot(p, normal))
}

/// The normal of the image plane.
pub(super) fn normal(frame: &ImageFrame) -> Option<[f64; 3]> {
    let [x, y] = frame.orientation?;
    let n = cross(x, y);
    let length = dot(n, n).sqrt();
    (length > 0.5).then(|| n.map(|c| c / length))
}

/// Slices may be this far from where a regular grid has them: a share of the spacing, and what rounding in files makes.
const UNEVEN_SHARE: f64 = 0.01;
const UNEVEN_MM: f64 = 0.01;
/// A stack leans if its origins run this much off the normal, and further than rounding explains.
const TILT_DEG: f64 = 0.2;
const TILT_MM: f64 = 0.05;

/// The grid of frames that ascend along `normal`, one for each place. All must have position and orientation.
pub(super) fn stack(frames: &[&ImageFrame], normal: [f64; 3], rounding: &PositionRounding) -> Verdict {
    let first = frames[0];
    let mut flaws = Vec::new();
    let [x, y] = first.orientation.unwrap_or([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]);
    let origin = first.position.unwrap_or_default();
    let spacing_xy = first.spacing.unwrap_or([1.0, 1.0]);
    let at: Vec<f64> = frames.iter().filter_map(|f| distance(f, normal)).collect();
    let gaps: Vec<f64> = at.windows(2).map(|w| w[1] - w[0]).collect();
    let mut usual = median(&gaps);
    let mut note = None;
    if let Some(step) = usual {
        let flaw = uneven(&gaps, step);
        if flaw.is_some() && is_even_but_for_rounding(&at, rounding) {
            note = Some(format!("positions are rounded to {} mm in the file: slices are taken as evenly spaced", rounding.step));
        } else {
            flaws.extend(flaw);
        }
        if flaws.is_empty() {
            // PositionRounding in single positions averages out over the stack.
            usual = Some((at[at.len() - 1] - at[0]) / gaps.len() as f64);
        }
    }
    let mut z = normal;
    let mut step = usual;
    if let (Some(last), Some(step_mm)) = (frames[frames.len() - 1].position, usual) {
        let along: [f64; 3] = std::array::from_fn(|a| last[a] - origin[a]);
        let height = dot(along, normal);
        let sideways: [f64; 3] = std::array::from_fn(|a| along[a] - normal[a] * height);
        let lean = dot(sideways, sideways).sqrt();
        let angle = lean.atan2(height).to_degrees();
        if angle > TILT_DEG && lean > TILT_MM + 2.0 * rounding.step {
            flaws.push(Flaw::Tilted { degrees: angle, mm: lean });
            let length = dot(along, along).sqrt();
            z = along.map(|c| c / length);
            step = Some(step_mm * length / height);
        }
        // A straight line of origins may lean; a bent one is no grid at all.
        let off = frames.iter().filter_map(|f| f.position).map(|p| off_line(p, origin, along)).fold(0.0, f64::max);
        if off > 2.0 * (UNEVEN_MM + rounding.step) + 0.05 * spacing_xy[0].max(spacing_xy[1]) {
            flaws.push(Flaw::Crooked { mm: off });
        }
    }
    let step = step.or(first.between).or(first.thickness).unwrap_or(1.0);
    let spacing_mm = [spacing_xy[0], spacing_xy[1], step];
    let position = Some(Position { origin_mm: origin, direction: [x, y, z] });
    Verdict { geometry: Geometry { spacing_mm, position }, flaws, note }
}

/// Whether all slices lie so near to an even line that rounding explains the rest; never where rounding could hide a missing slice.
fn is_even_but_for_rounding(at: &[f64], rounding: &PositionRounding) -> bool {
    let step = (at[at.len() - 1] - at[0]) / (at.len() - 1) as f64;
    // The ends of the line are rounded too.
    let most = 2.0 * rounding.along + 1e-6;
    most <= 0.25 * step && at.iter().enumerate().all(|(i, d)| (d - at[0] - step * i as f64).abs() <= most)
}

/// What is wrong with the distances of slices, if anything is.
fn uneven(gaps: &[f64], usual: f64) -> Option<Flaw> {
    let tolerance = UNEVEN_SHARE * usual + UNEVEN_MM;
    let odd: Vec<(usize, f64)> = gaps.iter().copied().enumerate().filter(|(_, gap)| (gap - usual).abs() > tolerance).collect();
    let &(at, gap_mm) = odd.first()?;
    let missing = |gap: f64| {
        let steps = (gap / usual).round();
        (steps >= 2.0 && (gap - steps * usual).abs() <= steps * tolerance).then(|| steps as u64 - 1)
    };
    Some(match odd.iter().map(|(_, gap)| missing(*gap)).sum::<Option<u64>>() {
        Some(slices) => Flaw::Missing { slices, gap_mm, after: at as u64 + 1, usual_mm: usual },
        None => {
            let (low_mm, high_mm) = gaps.iter().fold((f64::MAX, 0.0_f64), |(low, high), g| (low.min(*g), high.max(*g)));
            Flaw::Uneven { low_mm, high_mm, odd: odd.len() as u64, gaps: gaps.len() as u64, usual_mm: usual }
        }
    })
}

fn off_line(p: [f64; 3], origin: [f64; 3], along: [f64; 3]) -> f64 {
    let v: [f64; 3] = std::array::from_fn(|a| p[a] - origin[a]);
    let length = dot(along, along);
    let t = if length > 0.0 { dot(v, along) / length } else { 0.0 };
    let off: [f64; 3] = std::array::from_fn(|a| v[a] - along[a] * t);
    dot(off, off).sqrt()
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(places: &[[f64; 3]]) -> Vec<ImageFrame> {
        let orientation = Some([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]);
        places
            .iter()
            .map(|&p| ImageFrame { position: Some(p), orientation, spacing: Some([0.5, 0.7]), ..ImageFrame::default() })
            .collect()
    }

    fn judge(places: &[[f64; 3]]) -> Verdict {
        let frames = frames(places);
        stack(&frames.iter().collect::<Vec<_>>(), [0.0, 0.0, 1.0], &PositionRounding::default())
    }

    fn said(verdict: &Verdict) -> Vec<String> {
        verdict.flaws.iter().map(Flaw::to_string).collect()
    }

    #[test]
    fn a_regular_stack_is_a_grid() {
        let v = judge(&[[1.0, 2.0, 3.0], [1.0, 2.0, 5.5], [1.0, 2.0, 8.0]]);
        assert!(v.flaws.is_empty(), "{:?}", v.flaws);
        assert_eq!(v.geometry.spacing_mm, [0.5, 0.7, 2.5]);
        assert_eq!(v.geometry.lps_matrix().unwrap()[2], [0.0, 0.0, 2.5, 3.0]);
    }

    #[test]
    fn gaps_name_their_numbers() {
        let v = judge(&[[0.0; 3], [0.0, 0.0, 2.0], [0.0, 0.0, 4.0], [0.0, 0.0, 8.0]]);
        assert_eq!(v.flaws, [Flaw::Missing { slices: 1, gap_mm: 4.0, after: 3, usual_mm: 2.0 }]);
        assert_eq!(said(&v), ["1 slice is missing: 4.000 mm between slices 3 and 4, where 2.000 mm is usual"]);
        let v = judge(&[[0.0; 3], [0.0, 0.0, 2.0], [0.0, 0.0, 4.0], [0.0, 0.0, 6.5]]);
        assert_eq!(said(&v), ["slices are unevenly spaced: from 2.000 to 2.500 mm, 1 of 3 gaps differ from the usual 2.000 mm"]);
    }

    #[test]
    fn rounding_is_no_gap() {
        let places: Vec<[f64; 3]> = (0..200).map(|i| [0.0, 0.0, (f64::from(i) * 0.625 * 100.0).round() / 100.0]).collect();
        let v = judge(&places);
        assert!(v.flaws.is_empty(), "{:?}", v.flaws);
        assert!((v.geometry.spacing_mm[2] - 0.625).abs() < 1e-4);
    }

    #[test]
    fn a_line_rounded_to_its_last_decimal_is_even() {
        let places: Vec<[f64; 3]> = (0..20).map(|i| [0.0, 0.0, (f64::from(i) * 0.87 * 10.0).round() / 10.0]).collect();
        let frames: Vec<ImageFrame> = frames(&places).into_iter().map(|f| ImageFrame { position_step: 0.1, ..f }).collect();
        let of = |frames: &[&ImageFrame]| {
            let normal = [0.0, 0.0, 1.0];
            stack(frames, normal, &PositionRounding::of(frames.iter().copied(), normal))
        };
        let all: Vec<&ImageFrame> = frames.iter().collect();
        let v = of(&all);
        assert!(v.flaws.is_empty() && (v.geometry.spacing_mm[2] - 0.87).abs() < 0.01, "{:?}", v.flaws);
        assert_eq!(v.note.as_deref(), Some("positions are rounded to 0.1 mm in the file: slices are taken as evenly spaced"));
        let without: Vec<&ImageFrame> = all.iter().enumerate().filter(|(i, _)| *i != 9).map(|(_, f)| *f).collect();
        assert_eq!(of(&without).flaws.len(), 1, "a missing slice is none of rounding");
    }

    #[test]
    fn a_tilted_gantry_leans() {
        let tilt = 10.0_f64.to_radians().tan();
        let v = judge(&[[0.0; 3], [0.0, 5.0 * tilt, 5.0], [0.0, 10.0 * tilt, 10.0]]);
        assert_eq!(said(&v), ["the slices lean by 10.00° against their normal, by 1.76 mm in all (tilted gantry)"]);
        assert!((v.geometry.voxel_mm3() - 0.5 * 0.7 * 5.0).abs() < 1e-9);
    }

    #[test]
    fn a_bent_stack_is_no_grid() {
        let v = judge(&[[0.0; 3], [3.0, 0.0, 2.0], [0.0, 0.0, 4.0]]);
        assert_eq!(said(&v), ["the slices do not lie behind each other but up to 3.00 mm beside their common line"]);
    }
}
