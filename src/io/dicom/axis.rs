//! What tells apart the images at one position, and the order of volumes that follows.

use super::attributes::Image;
use super::marks::{ACQUISITION_TIME, MARKS, MarkKind, Marks};
use crate::volume::VolumeMark;

/// A frame of a file.
pub(super) type FrameIndex = (usize, usize);

/// The volumes of a series.
pub(super) struct VolumeAxis {
    pub(super) time_step_s: Option<f64>,
    pub(super) marks: Vec<VolumeMark>,
    pub(super) note: String,
}

/// Sorts the images of each place, so that the first of all places make the first volume and so on. All places hold equally many. None if
/// nothing in the files does that in one way only.
pub(super) fn distinguish(images: &[Image], places: &mut [Vec<FrameIndex>]) -> Option<VolumeAxis> {
    let marks = |s: &FrameIndex| &images[s.0].frames[s.1].marks;
    let mut chosen: Vec<usize> = Vec::new();
    for (m, mark) in MARKS.iter().enumerate() {
        let refines = |place: &Vec<FrameIndex>| {
            let mut keys: Vec<(Vec<u64>, u64)> =
                place.iter().map(|s| (key(marks(s), &chosen), marks(s)[m].unwrap_or(f64::NAN).to_bits())).collect();
            keys.sort();
            keys.windows(2).any(|w| w[0].0 == w[1].0 && w[0].1 != w[1].1)
        };
        let known = places.iter().flatten().all(|s| marks(s)[m].is_some());
        let even = matches!(mark.kind, MarkKind::Time(_)) || same_everywhere(images, places, m);
        if known && even && places.iter().any(refines) {
            chosen.push(m);
            if places.iter().all(|place| are_distinct(place.iter().map(|s| key(marks(s), &chosen)).collect())) {
                sort(images, places, &chosen);
                return in_one_order(images, places, &chosen).then(|| named(images, places, &chosen));
            }
        }
    }
    by_number(images, places)
}

/// The bits of some marks: equal ones are equal numbers.
fn key(marks: &Marks, chosen: &[usize]) -> Vec<u64> {
    chosen.iter().map(|m| marks[*m].unwrap_or(f64::NAN).to_bits()).collect()
}

fn are_distinct(mut keys: Vec<Vec<u64>>) -> bool {
    keys.sort();
    keys.windows(2).all(|w| w[0] != w[1])
}

/// A setting is the same at each place, or it does not tell volumes apart.
fn same_everywhere(images: &[Image], places: &[Vec<FrameIndex>], m: usize) -> bool {
    let values = |place: &Vec<FrameIndex>| {
        let mut values: Vec<f64> = place.iter().filter_map(|&(i, f)| images[i].frames[f].marks[m]).collect();
        values.sort_by(f64::total_cmp);
        values
    };
    let first = values(&places[0]);
    let alike = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-6 * a.abs().max(b.abs());
    places.iter().all(|place| {
        let own = values(place);
        own.len() == first.len() && own.iter().zip(&first).all(alike)
    })
}

fn sort(images: &[Image], places: &mut [Vec<FrameIndex>], chosen: &[usize]) {
    for place in places {
        place.sort_by(|&(i, f), &(j, g)| {
            let (a, b) = (&images[i].frames[f].marks, &images[j].frames[g].marks);
            let orders = chosen.iter().map(|m| a[*m].unwrap_or(f64::NAN).total_cmp(&b[*m].unwrap_or(f64::NAN)));
            orders.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
        });
    }
}

/// Whether times of day, where they decide, run as the numbers of the images do, or against them in the same way at each place. Where they
/// do not, something else tells the volumes apart and would be mixed.
fn in_one_order(images: &[Image], places: &[Vec<FrameIndex>], chosen: &[usize]) -> bool {
    if !chosen.contains(&ACQUISITION_TIME) {
        return true;
    }
    let orders = |place: &Vec<FrameIndex>| -> Option<Vec<usize>> {
        let numbers: Vec<f64> = place.iter().map(|&(i, f)| images[i].frames[f].instance).collect::<Option<_>>()?;
        let mut order: Vec<usize> = (0..numbers.len()).collect();
        order.sort_by(|a, b| numbers[*a].total_cmp(&numbers[*b]));
        Some(order)
    };
    let first = orders(&places[0]);
    places.iter().all(|place| orders(place) == first)
}

/// What the sorted volumes are called.
fn named(images: &[Image], places: &[Vec<FrameIndex>], chosen: &[usize]) -> VolumeAxis {
    let of = |m: usize| -> Vec<f64> { places[0].iter().filter_map(|&(i, f)| images[i].frames[f].marks[m]).collect() };
    let count = places[0].len();
    let times = |m: &usize| matches!(MARKS[*m].kind, MarkKind::Time(_) | MarkKind::Count);
    let mut time_step_s = None;
    let marks: Vec<VolumeMark> = chosen
        .iter()
        .map(|&m| {
            let mut values = of(m);
            if MARKS[m].coded {
                values = ranked(&values);
            } else if m == ACQUISITION_TIME {
                // Clocks stay here: only what passed between the volumes goes out.
                let first = values.iter().copied().fold(f64::INFINITY, f64::min);
                values.iter_mut().for_each(|t| *t -= first);
            }
            VolumeMark { name: MARKS[m].name.into(), unit: MARKS[m].unit.into(), values }
        })
        .collect();
    let names = chosen.iter().map(|m| MARKS[*m].name).collect::<Vec<_>>().join(", then ");
    let note = if let [only] = chosen
        && times(only)
    {
        if let MarkKind::Time(unit) = MARKS[*only].kind {
            time_step_s = uniform_step(&of(*only), unit);
        }
        let frame_time = places[0].first().and_then(|s| images[s.0].frame_time).map(|ms| ms / 1000.0);
        time_step_s = time_step_s.or(frame_time);
        match time_step_s {
            Some(_) => format!("{count} times ordered by {names}"),
            None => format!("{count} times ordered by {names}; the time step is not known"),
        }
    } else {
        format!("{count} volumes told apart by {names}")
    };
    VolumeAxis { time_step_s, marks, note }
}

/// Numbers from 1 in the place of codes.
fn ranked(values: &[f64]) -> Vec<f64> {
    let mut distinct = values.to_vec();
    distinct.sort_by(f64::total_cmp);
    distinct.dedup();
    values.iter().map(|v| distinct.iter().position(|d| d == v).unwrap_or(0) as f64 + 1.0).collect()
}

/// Nothing but the numbers of images, or of frames in a file, tells them apart: volumes, but nobody knows of what.
fn by_number(images: &[Image], places: &mut [Vec<FrameIndex>]) -> Option<VolumeAxis> {
    let number = |s: &FrameIndex| images[s.0].frames[s.1].instance.map(|n| (n, s.1));
    for place in &mut *places {
        if place.iter().any(|s| number(s).is_none()) {
            return None;
        }
        place.sort_by(|a, b| number(a).partial_cmp(&number(b)).unwrap_or(std::cmp::Ordering::Equal));
        if place.windows(2).any(|w| number(&w[0]) == number(&w[1])) {
            return None;
        }
    }
    let count = places[0].len();
    let values = (1..=count).map(|n| n as f64).collect();
    let mark = VolumeMark { name: "InstanceNumber".into(), unit: String::new(), values };
    let note = format!(
        "{count} volumes in the order of InstanceNumber: the files do not say what tells them apart, nor that it is time"
    );
    Some(VolumeAxis { time_step_s: None, marks: vec![mark], note })
}

/// The step of ascending times, if all are alike to 2 % and a rounding of one unit in the file.
fn uniform_step(values: &[f64], unit: f64) -> Option<f64> {
    let steps: Vec<f64> = values.windows(2).map(|w| w[1] - w[0]).collect();
    let mean = (values[values.len() - 1] - values[0]) / steps.len() as f64;
    let rounding = if unit < 1.0 { 1.0 } else { 0.001 };
    steps.iter().all(|s| (s - mean).abs() <= 0.02 * mean + rounding).then_some(mean * unit)
}
