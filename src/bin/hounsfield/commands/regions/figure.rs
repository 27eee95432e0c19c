//! Outlines of labels on the slices where each is largest.

use std::collections::BTreeSet;

use hounsfield::Result;
use hounsfield::io::output::Target;
use hounsfield::pipelines::{self, Input, LargestSlices};
use hounsfield::report::{Key, Picker, Picture, Plane, Slice, View, colours, figure};
use hounsfield::volume::Dtype;

use super::MeasuredLabels;
use crate::commands::slice;
use crate::job::Job;
use crate::picture;

/// Slices in one picture.
const MOST: usize = 12;

/// Draws them over the image; without one, labels in their colours. Of many labels the largest.
pub fn draw(job: &mut Job<'_>, target: &Target, measured: &MeasuredLabels) -> Result<()> {
    let header = measured.labels.header();
    let plane = View::native(header);
    let view = View::new(header, plane);
    let bytes = header.bytes();
    let labels = Input::of(measured.labels.clone());
    let largest = LargestSlices::new(header, view.axis());
    job.prepare("look", bytes, |run| pipelines::gather(&labels.clone().observed(Some(&largest)), run))?;
    let largest = largest.finish();

    // The largest labels, in the order of their numbers; one picture for a slice that several share.
    let mut first: Vec<_> = measured.regions.iter().filter(|region| region.volume == 0).collect();
    first.sort_by_key(|region| std::cmp::Reverse(region.voxels));
    let slices =
        |n: usize| -> BTreeSet<u64> { first.iter().take(n).filter_map(|region| largest.get(&region.label)).copied().collect() };
    let kept = (0..=first.len()).rev().find(|n| slices(*n).len() <= MOST).unwrap_or(0);
    if kept < first.len() {
        job.warn(&format!("the figure shows where the {kept} largest of {} labels are largest", first.len()));
    }
    if header.grid.shape.volumes() > 1 {
        job.warn("the figure shows the first volume");
    }
    let indices: Vec<u64> = slices(kept).into_iter().collect();
    let picks: Vec<(Plane, u64)> = indices.iter().map(|index| (plane, *index)).collect();

    let picker = Picker::new(header, &picks, 0)?;
    job.prepare("look", bytes, |run| pipelines::gather(&labels.observed(Some(&picker)), run))?;
    let label_slices = picker.finish();
    let number = |slice: &Slice, u, v| slice.real(u, v, &header.meaning.rescale) as u64;
    let greys = match &measured.image {
        None => None,
        Some(image) => {
            let picker = Picker::new(image.header(), &picks, 0)?;
            let shade = slice::shade(job, None, &image.clone().observed(Some(&picker)))?;
            Some((picker.finish(), shade, image.header()))
        }
    };
    let (mut pictures, mut seen) = (Vec::new(), BTreeSet::new());
    for (i, labelled) in label_slices.iter().enumerate() {
        let here: BTreeSet<u64> = pixels(labelled).map(|(u, v)| number(labelled, u, v)).filter(|label| *label > 0).collect();
        let mut one = match &greys {
            Some((slices, shade, image)) => Picture::grey(&slices[i], &image.meaning.rescale, shade)?,
            None => {
                let colour = |value: f64| {
                    if value == 0.0 { [0; 3] } else { colours::label(header.meaning.rescale.of_slice(0).real(value) as u64) }
                };
                Picture::coloured(labelled, colour)?
            }
        };
        if greys.is_some() {
            for label in &here {
                let bytes = pixels(labelled).map(|(u, v)| u8::from(number(labelled, u, v) == *label)).collect();
                one = one.outlined(&Slice { dtype: Dtype::U8, bytes, ..labelled.clone() }, colours::label(*label));
            }
        }
        pictures.push(one.captioned(view.caption(indices[i])));
        seen.extend(here);
    }
    let name = |label: &u64| match measured.names.get(&(*label as u16)) {
        Some(name) => format!("{label} {name}"),
        None => label.to_string(),
    };
    let keys: Vec<Key> = seen.iter().map(|label| Key { name: name(label), colour: colours::label(*label) }).collect();
    let staged = picture::stage(target, &figure::montage("", &pictures, &keys)?, None)?;
    job.stage(staged);
    Ok(())
}

/// The pixels of a slice, row by row.
fn pixels(slice: &Slice) -> impl Iterator<Item = (u64, u64)> + use<> {
    let (width, height) = (slice.width(), slice.height());
    (0..height).flat_map(move |v| (0..width).map(move |u| (u, v)))
}
