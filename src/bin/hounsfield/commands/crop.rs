//! `hounsfield crop`: a box of an image.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use hounsfield::io::Source;
use hounsfield::pipelines::{self, Input, Mask};
use hounsfield::volume::{Block, Grid, Header, Placement};
use hounsfield::{Error, Result};

use super::onto::{self, Onto};
use super::places;
use crate::args::lengths::{Extents, Margin};
use crate::args::{FileArgs, RegionArgs, Shared, lengths};
use crate::job::Job;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub input: FileArgs,
    /// File to write: .nii, .nii.gz, .nrrd, .mha, .npy, .png, .tif, or - for .nii on standard output
    #[cfg_attr(feature = "zarr", doc = "(also .zarr, a folder)")]
    #[arg(long, short, value_name = "OUT")]
    pub output: PathBuf,
    /// From voxel to before voxel along each axis, counted from 0: 10:60,0:128,5:20; or with mm at the end the voxels whose centres lie between these patient coordinates (LPS+); an axis left empty is kept
    #[arg(long, value_name = "X0:X1,Y0:Y1,Z0:Z1", value_parser = lengths::extents, allow_hyphen_values = true)]
    pub r#box: Option<Extents>,
    /// The smallest box around the voxels of a mask that are not zero
    #[arg(long, value_name = "MASK", conflicts_with = "box")]
    pub to_mask: Option<PathBuf>,
    /// Only this label of the mask
    #[arg(long, value_name = "N", requires = "to_mask", allow_negative_numbers = true)]
    pub label: Option<f64>,
    /// More on each side of the mask, as far as the image reaches: 10mm, 5 (voxels), or one for each axis, 10x10x5mm
    #[arg(long, value_name = "M", requires = "to_mask", value_parser = lengths::margin)]
    pub margin: Option<Margin>,
}

pub fn run(shared: &Shared, args: &Args) -> Result<()> {
    let mut job = Job::new(shared, &args.input, &args.to_mask)?.on_cpu();
    let target = job.output(&args.output)?;
    let source: Arc<dyn Source> = job.open()?.into();
    let grid = &source.header().grid;
    let wanted = match (&args.r#box, &args.to_mask) {
        (Some(extents), _) => places::voxels_of(extents, grid)?,
        (None, Some(path)) => {
            let region = RegionArgs { mask: Some(path.clone()), label: args.label, r#where: None, with_padding: None };
            let mask = job.mask(&region, source.header())?;
            let own = mask.map(|mask| around(&mut job, mask, source.header())).transpose()?;
            grown(own.ok_or_else(|| Error::usage("no mask is given", "name one"))?, args.margin.as_ref(), grid)?
        }
        (None, None) => return Err(Error::usage("no box is given", "give --box or --to-mask")),
    };
    let own = grid.shape.xyz();
    if (0..3).any(|a| wanted[a].start < 0 || wanted[a].end > own[a] as i64) {
        let text: Vec<String> = wanted.iter().map(|r| format!("{}:{}", r.start, r.end)).collect();
        let what = format!("the box {} reaches beyond the image of {} voxels", text.join(","), grid.shape);
        return Err(Error::usage(what, "give one inside of it, or add voxels with `hounsfield pad`"));
    }
    let placement = Placement::boxed(grid, &wanted)?;
    onto::write(job, &target, source, Onto { placement, sampling: None, fill: None })
}

/// The smallest box that holds all voxels of a mask, of whichever volume of a time series.
fn around(job: &mut Job<'_>, mask: Mask, image: &Header) -> Result<[Range<i64>; 3]> {
    let [nx, ny, nz] = image.grid.shape.xyz();
    let found = Mutex::new([(u64::MAX, 0); 3]);
    let look = |at: u64, block: Block<'_>| {
        let mut own = [(u64::MAX, 0); 3];
        let mut done = 0;
        while done < block.bytes.len() {
            // The rest of a row.
            let here = at + done as u64;
            let (x, y, z) = (here % nx, here / nx % ny, here / (nx * ny) % nz);
            let row = &block.bytes[done..(done + (nx - x) as usize).min(block.bytes.len())];
            if let Some(first) = row.iter().position(|v| *v != 0) {
                let last = row.iter().rposition(|v| *v != 0).unwrap_or(first);
                for (end, (low, high)) in own.iter_mut().zip([(x + first as u64, x + last as u64), (y, y), (z, z)]) {
                    *end = (end.0.min(low), end.1.max(high));
                }
            }
            done += row.len();
        }
        let mut all = found.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter_mut().zip(own).for_each(|(all, own)| *all = (all.0.min(own.0), all.1.max(own.1)));
    };
    let bytes = image.grid.shape.voxels();
    job.prepare("mask", bytes, |run| pipelines::gather(&Input::of(mask.into_source()).observed(Some(&look)), run))?;
    let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    if found[0].0 == u64::MAX {
        return Err(Error::usage("the mask is empty: there is nothing to crop to", "give one that holds voxels"));
    }
    Ok(found.map(|(low, high)| low as i64..high as i64 + 1))
}

/// With a margin, as far as the image reaches.
fn grown(inner: [Range<i64>; 3], margin: Option<&Margin>, grid: &Grid) -> Result<[Range<i64>; 3]> {
    let Some(margin) = margin else { return Ok(inner) };
    let more = voxels(margin, grid)?;
    let own = grid.shape.xyz();
    Ok([0, 1, 2].map(|a| (inner[a].start - more[a]).max(0)..(inner[a].end + more[a]).min(own[a] as i64)))
}

/// A length in voxels, rounded up; along an axis of one voxel none, unless it is named.
pub fn voxels(margin: &Margin, grid: &Grid) -> Result<[i64; 3]> {
    let each = margin.along.each();
    let spacing = match (&grid.geometry, margin.in_mm) {
        (_, false) => [1.0; 3],
        (Some(geometry), true) => geometry.spacing_mm,
        (None, true) => return Err(Error::usage("mm of an image whose spacing is not known", "give voxels")),
    };
    let own = grid.shape.xyz();
    let named = margin.along.0.len() > 1;
    Ok([0, 1, 2].map(|a| match each[a] {
        Some(length) if named || own[a] > 1 => ((length / spacing[a]) - 1e-3).ceil().max(0.0) as i64,
        _ => 0,
    }))
}
