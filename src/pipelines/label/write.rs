//! The second pass: numbers into the file.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::Connected;
use crate::Result;
use crate::io::Sink;
use crate::ops::bits::LabelType;
use crate::ops::components::Numbered;
use crate::pipelines::label_slabs::LabelSlabs;
use crate::pipelines::ways::blocks::take_turns;
use crate::views::Patch;
use crate::volume::Dtype;

/// Voxels that a thread takes at a time.
const PIECE: usize = 1 << 18;

/// Writes all volumes as numbers of this type.
pub(super) fn volumes<T: LabelType + bytemuck::Pod>(
    slabs: LabelSlabs<'_, T>,
    volumes: &mut [Connected],
    (dtype, sink): (Dtype, &dyn Sink),
) -> Result<()> {
    match dtype {
        Dtype::U8 => numbers::<T, u8>(slabs, volumes, sink),
        Dtype::U16 => numbers::<T, u16>(slabs, volumes, sink),
        _ => numbers::<T, u32>(slabs, volumes, sink),
    }
}

fn numbers<T: LabelType + bytemuck::Pod, N: LabelType + bytemuck::Pod>(
    mut slabs: LabelSlabs<'_, T>,
    volumes: &mut [Connected],
    sink: &dyn Sink,
) -> Result<()> {
    let ([nx, ny, nz], run) = (slabs.shape, slabs.run);
    for (volume, Connected { numbered, patch }) in (0..).zip(volumes) {
        slabs.each_with_runs(volume, numbered, |first, slices, numbered| {
            let (rows, step) = (slices * ny, (PIECE / nx).max(1));
            let next = AtomicUsize::new(0);
            take_turns(Vec::new, |labels: &mut Vec<N>, (): &mut ()| {
                // Pieces are taken in order: compressed output waits for none for long.
                let from = next.fetch_add(step, Ordering::Relaxed);
                if from >= rows {
                    return Ok(false);
                }
                run.stop()?;
                let row = first * ny + from;
                labels.resize(step.min(rows - from) * nx, N::default());
                label_rows(numbered, patch, (row, [nx, ny]), labels);
                let bytes = bytemuck::cast_slice(labels);
                sink.write((volume * (nz * ny) as u64 + row as u64) * nx as u64, bytes)?;
                run.advance(bytes.len() as u64);
                Ok(true)
            })?;
            Ok(())
        })?;
    }
    Ok(())
}

/// The labels of rows from number `row` of the volume on, holes filled.
fn label_rows<N: LabelType>(numbered: &Numbered, patch: &Patch, (row, [nx, ny]): (usize, [usize; 2]), out: &mut [N]) {
    let end = row + out.len() / nx;
    let (mut at, mut rest) = (row, &mut *out);
    while at < end {
        let (y, z) = (at % ny, at / ny);
        let rows = (ny - y).min(end - at);
        let (slice, later) = rest.split_at_mut(rows * nx);
        numbered.write_rows(y..y + rows, z, slice);
        (at, rest) = (at + rows, later);
    }
    for (row, out) in (row as u64..).zip(out.chunks_exact_mut(nx)) {
        for [first, behind, label] in patch.of(row) {
            out[*first as usize..*behind as usize].fill(N::narrow(*label));
        }
    }
}
