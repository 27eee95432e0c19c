//! Original, outline of the mask, and result, side by side.

use std::sync::{Mutex, PoisonError};

use super::super::pictures::shade;
use super::super::words::count;
use super::MaskFinding;
use crate::Result;
use crate::analysis::statistics::Statistics;
use crate::ops::mask::{self as op, Keep};
use crate::pipelines::{self, Input, Mask, Run, Sides};
use crate::report::{Key, Panel, Picker, Picture, Shade, Slice, Svg, View, colours, figure};
use crate::volume::{Block, Dtype, Header, Observe};

/// The slices that a figure shows: in every plane the one with most of the mask. Those of the image are picked while it passes by.
#[derive(Debug)]
pub struct MaskSlices {
    image: Picker,
    mask: Vec<Slice>,
}

impl MaskSlices {
    /// Reads the mask twice: for where it is, and for the slices there.
    ///
    /// # Errors
    /// What reading gives; [`crate::Error::Interrupted`].
    pub fn new(header: &Header, mask: &Mask, run: &Run<'_>) -> Result<Self> {
        let run = &run.one_of(2);
        let fullest = fullest(header, mask, run)?;
        let picks: Vec<_> =
            View::planes(header).into_iter().map(|plane| (plane, fullest[View::new(header, plane).axis()])).collect();
        // On the image's grid, whatever the mask's own file says of it.
        let own = header.clone().with(|h| h.meaning.dtype = Dtype::U8);
        let picker = Picker::new(&own, &picks, 0)?;
        gather(mask, &picker, run)?;
        Ok(Self { image: Picker::new(header, &picks, 0)?, mask: picker.finish() })
    }
}

impl Observe for MaskSlices {
    fn see(&self, at: u64, block: Block<'_>) {
        self.image.see(at, block);
    }
}

impl MaskFinding {
    /// Original, outline of the mask, and what is kept; all else has the bits of `background`.
    ///
    /// # Errors
    /// [`crate::Error::Usage`] if a slice is too large to be drawn.
    pub fn figure(&self, slices: MaskSlices, background: u64) -> Result<Svg> {
        let header = &self.header;
        let shade = contrast(header, &self.sides);
        let grey = |slice: &Slice| Picture::grey(slice, &header.meaning.rescale, &shade);
        let mut panels = ["Original", "Mask", "Segmented"].map(|t| Panel { title: t.into(), ..Panel::default() });
        for (slice, mask) in slices.image.finish().iter().zip(&slices.mask) {
            let mut bytes = vec![0; slice.bytes.len()];
            op::cpu(Block { dtype: slice.dtype, bytes: &slice.bytes }, Keep::Bytes(&mask.bytes), background, &mut bytes);
            let kept = Slice { bytes, ..slice.clone() };
            panels[0].pictures.push(grey(slice)?);
            panels[1].pictures.push(grey(slice)?.outlined(mask, colours::OUTLINE));
            panels[2].pictures.push(grey(&kept)?);
        }
        let voxels = count(self.sides.inside.voxels);
        let name = format!("mask: {voxels} of {} ({:.2} %)", count(header.grid.shape.voxels()), self.percent());
        panels[1].keys.push(Key { name, colour: colours::OUTLINE });
        figure::side_by_side("", &panels)
    }
}

/// Greys for the whole image; for what is inside of the mask where those would show it as one black or one white.
fn contrast(header: &Header, sides: &Sides) -> Shade {
    let shade = shade(header, sides.all.as_ref());
    let ends = |s: &Statistics| (s.percentiles[0], s.percentiles[5]);
    match sides.inside.statistics.as_ref().map(ends) {
        Some((low, high)) if low < high && shade.grey(low) == shade.grey(high) => Shade::over(header, low, high),
        _ => shade,
    }
}

/// The index along each axis where the mask has most voxels, in the first volume; the middle where it is empty.
fn fullest(header: &Header, mask: &Mask, run: &Run<'_>) -> Result<[u64; 3]> {
    let [nx, ny, nz] = header.grid.shape.xyz();
    let voxels = Mutex::new([nx, ny, nz].map(|n| vec![0u64; n as usize]));
    let add = |at: u64, block: Block<'_>| {
        let mut own = [nx, ny, nz].map(|n| vec![0u64; n as usize]);
        for i in (at..).zip(block.bytes).filter(|(i, b)| **b != 0 && *i < nx * ny * nz).map(|(i, _)| i) {
            for (axis, place) in [i % nx, i / nx % ny, i / (nx * ny)].into_iter().enumerate() {
                own[axis][place as usize] += 1;
            }
        }
        let mut all = voxels.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter_mut().flatten().zip(own.iter().flatten()).for_each(|(sum, n)| *sum += n);
    };
    gather(mask, &add, run)?;
    let voxels = voxels.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(voxels.map(|along| {
        let middle = along.len() / 2;
        // Of equally full slices the one nearest to the middle.
        (0..along.len()).max_by_key(|i| (along[*i], std::cmp::Reverse(i.abs_diff(middle)))).unwrap_or(middle) as u64
    }))
}

fn gather(mask: &Mask, observer: &dyn Observe, run: &Run<'_>) -> Result<()> {
    pipelines::gather(&Input::of(mask.clone().into_source()).observed(Some(observer)), run)
}
