//! A host program with its own wgpu device: count, decide, map and draw in one submit. It is `tests/embed.rs`, looked at closely.

use hounsfield::ops::{equalize, histogram, lut};
use hounsfield::volume::{Block, Dtype};

use crate::support::with_gpu;

#[path = "embed.rs"]
mod embed;

/// The picture that the CPU path gives.
fn on_the_cpu(voxels: &[i16]) -> Vec<u8> {
    let bytes: Vec<u8> = voxels.iter().flat_map(|v| v.to_le_bytes()).collect();
    let block = Block { dtype: Dtype::I16, bytes: &bytes };
    let table = equalize::cpu(&histogram::cpu(block, None), &equalize::Settings::of(Dtype::I16));
    let mut out = vec![0; bytes.len()];
    lut::cpu(block, &table, &mut out);
    out.chunks_exact(2).map(|level| level[1]).collect()
}

#[test]
fn a_host_draws_what_it_equalised_without_reading_back() {
    if !with_gpu() {
        return;
    }
    let (device, queue) =
        embed::host_device().expect("GPU tests need an adapter: run tests/run, which installs one, or set HOUNSFIELD_NO_GPU=1");
    // Odd sizes too: rows that end inside a word, and a copy pitch that is not the row's.
    for size in [[512, 384], [301, 77], [1, 1], [3, 2]] {
        let voxels = embed::made_up_slice(size);
        let drawn = embed::equalized_picture(&device, &queue, size, &voxels).unwrap();
        let want = on_the_cpu(&voxels);
        assert_eq!(drawn.len(), want.len(), "{size:?}");
        let wrong = drawn.iter().zip(&want).filter(|(a, b)| a != b).count();
        assert_eq!(wrong, 0, "{size:?}: {wrong} pixels of {} differ", want.len());
    }
}
