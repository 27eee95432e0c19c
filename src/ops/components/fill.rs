//! What is done with masks and labels by way of components, in memory.

use rayon::prelude::*;

use super::cpu::{Components, TooMany};
use super::holes::hole_values;
use super::joins::{Connectivity, Rules, Same};
use super::numbered::{Numbered, Runs};
use crate::ops::bits::LabelType;

/// What was filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FilledHoles {
    /// How many there were.
    pub holes: u64,
    /// Their voxels.
    pub voxels: u64,
}

impl FilledHoles {
    /// Those that `values` fills of components, none where it is 0.
    pub fn of(numbered: &Numbered, values: &[u32]) -> Self {
        let filled = numbered.table().iter().zip(values).filter(|(_, value)| **value != 0);
        filled.fold(Self::default(), |all, (facts, _)| all.and(Self { holes: 1, voxels: facts.voxels }))
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { holes: self.holes + other.holes, voxels: self.voxels + other.voxels }
    }
}

/// Which values voxels have beside 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HoleValues {
    /// No other.
    #[default]
    None,
    /// This one.
    One(u32),
    /// Several.
    Several,
}

impl HoleValues {
    /// Of these voxels, on all threads.
    pub fn of<T: LabelType>(voxels: &[T]) -> Self {
        let Some(first) = voxels.par_iter().find_first(|value| **value != T::default()) else { return Self::None };
        // Without an end before its time, so that many are compared at once.
        let others = |part: &[T]| part.iter().fold(false, |any, value| any | (*value != T::default()) & (value != first));
        if voxels.par_chunks(1 << 14).any(others) { Self::Several } else { Self::One((*first).into()) }
    }

    /// Of these and others.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::None, one) | (one, Self::None) => one,
            (Self::One(a), Self::One(b)) if a == b => self,
            _ => Self::Several,
        }
    }

    /// The components that tell the holes of such voxels, and what fills them if they do not tell that, too.
    pub fn for_holes(self) -> (Rules, u32) {
        match self {
            Self::None => (Rules::background(), 0),
            Self::One(value) => (Rules::background(), value),
            Self::Several => (Rules { connectivity: Connectivity::Faces, same: Same::Value }, 0),
        }
    }
}

/// Fills the holes of a mask or of labels: what is 0 and lies in a hole of a label gets this label, and the smallest hole counts. A hole is a component, by faces, of all that
/// is not the label, which does not reach the border of the volume; of a volume of one slice the border is that of the picture.
///
/// # Errors
/// [`TooMany`] components.
///
/// # Panics
/// If `labels` has another length than `shape`.
pub fn fill<T: LabelType + TryFrom<u32>>(labels: &mut [T], shape: [usize; 3]) -> Result<FilledHoles, TooMany> {
    assert_eq!(labels.len(), shape.iter().product::<usize>(), "labels of another length");
    let (rules, value) = HoleValues::of(labels).for_holes();
    let numbered = components(labels, shape, rules)?;
    let values = hole_values(&numbered, value);
    write_runs(&numbered, labels, shape, |label| Some(values[label as usize - 1]).filter(|value| *value != 0));
    Ok(FilledHoles::of(&numbered, &values))
}

/// The same for each slice by itself, the border being the slice's.
///
/// # Errors
/// [`TooMany`] components.
///
/// # Panics
/// If `labels` has another length than `shape`.
pub fn fill_slices<T: LabelType + TryFrom<u32>>(labels: &mut [T], [nx, ny, nz]: [usize; 3]) -> Result<FilledHoles, TooMany> {
    assert_eq!(labels.len(), nx * ny * nz, "labels of another length");
    let filled = labels.par_chunks_exact_mut(nx * ny).map(|slice| fill(slice, [nx, ny, 1]));
    filled.try_reduce(FilledHoles::default, |a, b| Ok(a.and(b)))
}

/// Keeps those components of what is not 0 that hold a voxel where `marker` is not 0; the others become 0. Says how many are kept.
///
/// # Errors
/// [`TooMany`] components.
///
/// # Panics
/// If `mask` or `marker` has another length than `shape`.
pub fn reconstruct<T: LabelType + TryFrom<u32>>(
    mask: &mut [T],
    marker: &[u8],
    shape: [usize; 3],
    connectivity: Connectivity,
) -> Result<usize, TooMany> {
    assert!(mask.len() == shape.iter().product::<usize>() && marker.len() == mask.len(), "a mask of another length");
    let numbered = components(mask, shape, Rules::mask(connectivity))?;
    let mut marked = vec![false; numbered.table().len()];
    numbered.mark(0, marker, &mut marked);
    write_runs(&numbered, mask, shape, |label| (!marked[label as usize - 1]).then_some(0));
    Ok(marked.into_iter().filter(|marked| *marked).count())
}

fn components<T: LabelType>(voxels: &[T], shape: [usize; 3], rules: Rules) -> Result<Numbered, TooMany> {
    let mut components = Components::new(shape, rules, Runs::Kept);
    components.add_slab(voxels)?;
    Ok(components.finish())
}

/// Writes values to the voxels of components that are to have another one.
fn write_runs<T: LabelType + TryFrom<u32>>(
    numbered: &Numbered,
    voxels: &mut [T],
    [nx, ny, _]: [usize; 3],
    value: impl Fn(u32) -> Option<u32> + Sync,
) {
    voxels.par_chunks_exact_mut(nx * ny).enumerate().for_each(|(z, slice)| {
        numbered.runs_of(z, |y, start, end, label| {
            // HoleValues are such as voxels had, or 0.
            if let Some(value) = value(label).and_then(|value| T::try_from(value).ok()) {
                slice[y * nx + start..y * nx + end].fill(value);
            }
        });
    });
}
