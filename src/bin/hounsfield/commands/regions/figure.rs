//! Outlines of labels on the slices where each is largest.

use std::collections::BTreeSet;

use hounsfield::Result;
use hounsfield::io::output::Target;
use hounsfield::pipelines::{self, Input, LargestSlices};
use hounsfield::report::{Picker, Plane, View, figure};

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
        let under = greys.as_ref().map(|(slices, shade, image)| (&slices[i], &image.meaning.rescale, shade));
        let (one, here) = picture::labelled(labelled, &header.meaning.rescale, under)?;
        pictures.push(one.captioned(view.caption(indices[i])));
        seen.extend(here);
    }
    let keys = picture::label_keys(&seen, &measured.names);
    let staged = picture::stage(target, &figure::montage("", &pictures, &keys)?, None)?;
    job.stage(staged);
    Ok(())
}
