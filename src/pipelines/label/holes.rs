//! Holes of components that were chosen.

use rayon::prelude::*;

use super::Connected;
use crate::Result;
use crate::ops::bits::LabelType;
use crate::ops::components::{Components, Connectivity, FilledHoles, Numbered, Rules, Runs, Same, hole_values};
use crate::pipelines::Run;
use crate::pipelines::label_slabs::{LabelSlabs, check_room, too_many};
use crate::pipelines::whole::{Holes, holes_of_slice};
use crate::views::Patch;

/// Fills the holes of the components of a volume with their labels, as [`fill`](crate::pipelines::fill) has it, and adds them to what is known of the components.
pub(super) fn fill<T: LabelType + bytemuck::Pod>(
    slabs: &mut LabelSlabs<'_, T>,
    volume: u64,
    own: &mut Connected,
    which: Holes,
) -> Result<FilledHoles> {
    let [_, ny, nz] = slabs.shape;
    let found = match which {
        _ if own.numbered.table().is_empty() => return Ok(FilledHoles::default()),
        Holes::Volume if nz > 1 => of_volume(slabs, volume, own)?,
        _ => of_slices(slabs, volume, own)?,
    };
    for row in 0..(ny * nz) as u64 {
        for [first, behind, label] in own.patch.of(row) {
            let (y, z, n) = (row % ny as u64, row / ny as u64, u64::from(behind - first));
            // The sum of first, first + 1, ... behind - 1.
            let x = (u64::from(*first) + u64::from(*behind) - 1) * n / 2;
            own.numbered.grow(*label, n, [x, y * n, z * n]);
        }
    }
    Ok(found)
}

/// Calls `work` with every slab's first slice and its components' labels.
fn each_labelled<T: LabelType + bytemuck::Pod>(
    slabs: &mut LabelSlabs<'_, T>,
    volume: u64,
    numbered: &mut Numbered,
    mut work: impl FnMut(usize, &[u32], &Run<'_>) -> Result<()>,
) -> Result<()> {
    let ([nx, ny, _], run) = (slabs.shape, slabs.run);
    let mut labels = Vec::new();
    slabs.each_with_runs(volume, numbered, |first, slices, numbered| {
        labels.resize(slices * nx * ny, 0);
        numbered.write_labels(first..first + slices, &mut labels);
        work(first, &labels, &run)
    })
}

fn of_volume<T: LabelType + bytemuck::Pod>(
    slabs: &mut LabelSlabs<'_, T>,
    volume: u64,
    own: &mut Connected,
) -> Result<FilledHoles> {
    let ([_, ny, _], Connected { numbered, patch }) = (slabs.shape, own);
    let (rules, value) = match numbered.table().len() {
        1 => (Rules::background(), 1),
        _ => (Rules { connectivity: Connectivity::Faces, same: Same::Value }, 0),
    };
    let kept = numbered.bytes() as u64;
    let mut components = Components::new(slabs.shape, rules, Runs::Kept);
    each_labelled(slabs, volume, numbered, |_, labels, run| {
        components.add_slab(labels).map_err(too_many)?;
        if kept + components.bytes() as u64 > run.memory_bytes / 4 {
            components.forget_runs();
        }
        check_room(kept + components.bytes() as u64, run)
    })?;
    let mut holes = components.finish();
    let values = hole_values(&holes, value);
    let found = FilledHoles::of(&holes, &values);
    if found.holes == 0 {
        return Ok(found);
    }
    let forgets = holes.forgets();
    let mut add = |first: usize, slices: usize, holes: &Numbered, run: &Run<'_>| {
        let of_slice = |z: usize| {
            let mut runs = Vec::new();
            holes.runs_of(z, |y, start, end, hole| {
                let value = values[hole as usize - 1];
                runs.extend((value != 0).then_some((y, [start as u32, end as u32, value])));
            });
            runs
        };
        let slices: Vec<_> = (first..first + slices).into_par_iter().map(of_slice).collect();
        for (z, runs) in (first..).zip(slices) {
            push(patch, z * ny, runs);
        }
        check_room(kept + patch.bytes(), run)
    };
    if !forgets {
        let (nz, run) = (slabs.shape[2], slabs.run);
        add(0, nz, &holes, &run)?;
        return Ok(found);
    }
    let slice = slabs.shape[0] * ny;
    each_labelled(slabs, volume, numbered, |first, labels, run| {
        holes.restore(first, labels);
        let done = add(first, labels.len() / slice, &holes, run);
        holes.forget();
        done
    })?;
    Ok(found)
}

fn of_slices<T: LabelType + bytemuck::Pod>(
    slabs: &mut LabelSlabs<'_, T>,
    volume: u64,
    own: &mut Connected,
) -> Result<FilledHoles> {
    let ([nx, ny, _], Connected { numbered, patch }) = (slabs.shape, own);
    let (kept, mut found) = (numbered.bytes() as u64, FilledHoles::default());
    each_labelled(slabs, volume, numbered, |first, labels, run| {
        let slices: Vec<_> = labels.par_chunks_exact(nx * ny).map(|slice| holes_of_slice(slice, [nx, ny])).collect();
        for (z, slice) in (first..).zip(slices) {
            let (own, runs) = slice.map_err(too_many)?;
            found = found.and(own);
            push(patch, z * ny, runs);
        }
        check_room(kept + patch.bytes(), run)
    })?;
    Ok(found)
}

/// Adds the runs of a slice whose first row is number `row`.
fn push(patch: &mut Patch, row: usize, runs: Vec<(usize, [u32; 3])>) {
    runs.into_iter().for_each(|(y, run)| patch.push((row + y) as u64, run));
}
