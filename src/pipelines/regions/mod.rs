//! Regions of a label map: where they lie, what shape they have, and what an image says in them.
//!
//! The labels are read once, in tiles with the voxels around them, for places and shape; an image, with the labels beside it, once more for intensities. What is summed are whole
//! numbers, or floats without rounding, so that neither tiles nor threads change a bit.

mod geometry;
mod intensity;
mod largest;
#[cfg(test)]
mod tests;

pub use largest::LargestSlices;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::rounded::as_labels;
use super::{Input, Labels, Run};
use crate::analysis::regions::{BinWidth, IntensityFeatures, ShapeFeatures};
use crate::io::Source;
use crate::volume::{Dtype, Header};
use crate::{Error, Result};

/// A label of a volume, and all that is known of its voxels.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelRegion {
    pub label: u16,
    /// The volume of a time series, from 0: of the labels, or of an image whose every volume has the same labels.
    pub volume: u64,
    pub voxels: u64,
    /// Lowest voxel along x, y and z.
    pub low: [u64; 3],
    /// Highest voxel, which is inside.
    pub high: [u64; 3],
    /// Mean place of the voxels, as indices.
    pub centre: [f64; 3],
    /// In mm where the spacing is known, else in voxels.
    pub shape: ShapeFeatures,
    /// What the image says, if there is one with finite voxels here.
    pub intensity: Option<RegionIntensity>,
}

/// Intensities of a region.
#[derive(Debug, Clone, PartialEq)]
pub struct RegionIntensity {
    /// In real units.
    pub features: IntensityFeatures,
    /// Mean place of the voxels, each weighed by its intensity, as indices of the image; none where the intensities sum to 0 or less.
    pub centre: Option<[f64; 3]>,
    /// Voxels that are NaN or infinite, and left out.
    pub not_finite: u64,
}

/// All labels but 0 of a label map, by volume, then by label. The image, if there is one, lies on the grid of the labels; entropy, uniformity and mode are those of `bins`, without them of the values.
///
/// # Errors
/// [`Error::Usage`] for labels that are no whole numbers from 0 to 65,535, and where intensities of wide types do not fit the memory; what reading gives; [`Error::Interrupted`].
pub fn regions(
    labels: Arc<dyn Source>,
    image: Option<&Input<'_>>,
    bins: Option<BinWidth>,
    run: &Run<'_>,
) -> Result<Vec<LabelRegion>> {
    let run = &run.one_of(1 + u64::from(image.is_some()));
    let labels = as_labels("label map", labels, run)?;
    if !matches!(labels.header().meaning.dtype, Dtype::U8 | Dtype::U16) {
        return Err(Error::usage("labels below 0 or above 65,535", "map them to 0 to 65,535 first"));
    }
    let geometry = geometry::measure(&labels, run)?;
    let intensities = match image {
        None => BTreeMap::new(),
        Some(image) => {
            let labels = Labels::new(labels.clone(), image.header(), run)?;
            intensity::measure(&image.clone().labelled(labels), bins, run)?
        }
    };
    let spacing_mm = spacing_mm(labels.header());
    let surfaces = geometry::Surfaces::new(spacing_mm);
    let region = |volume: u64, label: u16, place: &geometry::LabelPlace, shape: ShapeFeatures| LabelRegion {
        label,
        volume,
        voxels: place.sums.voxels,
        low: place.low,
        high: place.high,
        centre: place.sums.centre(),
        shape,
        intensity: intensities.get(&(volume, label)).cloned(),
    };
    // One label map serves all volumes of an image.
    let times = image.map_or(1, |image| image.header().grid.shape.volumes() / labels.header().grid.shape.volumes()).max(1);
    let mut all = Vec::new();
    for ((volume, label), place) in &geometry {
        let shape = place.shape(&surfaces, spacing_mm);
        let volumes = if times > 1 { 0..times } else { *volume..volume + 1 };
        all.extend(volumes.map(|volume| region(volume, *label, place, shape)));
    }
    all.sort_by_key(|region| (region.volume, region.label));
    Ok(all)
}

/// The spacing; 1 where it is not known.
fn spacing_mm(header: &Header) -> [f64; 3] {
    header.grid.geometry.as_ref().map_or([1.0; 3], |geometry| geometry.spacing_mm)
}
