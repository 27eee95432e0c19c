//! A host program with its own wgpu device: count, decide, map and draw in one submit. It is `tests/embed.rs`, looked at closely.

use hounsfield::ops::{equalize, histogram, lut};
use hounsfield::volume::{Block, Dtype};

use crate::support::with_gpu;

#[path = "embed.rs"]
mod embed;
#[path = "readme.rs"]
mod readme;

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

#[test]
fn the_lines_of_the_readme_equalise() {
    let (text, file) = (include_str!("../README.md"), include_str!("readme.rs"));
    assert!(text.contains(&format!("```rust\n{file}```")), "README.md shows other lines than tests/readme.rs");
    if !with_gpu() {
        return;
    }
    let (device, queue) =
        embed::host_device().expect("GPU tests need an adapter: run tests/run, which installs one, or set HOUNSFIELD_NO_GPU=1");
    let voxels = embed::made_up_slice([301, 77]);
    let bytes: Vec<u8> = voxels.iter().flat_map(|v| v.to_le_bytes()).collect();
    let equalized = readme::equalized(device.clone(), queue.clone(), &bytes).unwrap();
    let gpu = hounsfield::engine::Gpu::from_device(device, queue);
    let buffer = &equalized.chunks()[0].buffer;
    let got = gpu.download("equalized", buffer, buffer.size()).unwrap();
    let levels: Vec<u8> = got[..bytes.len()].chunks_exact(2).map(|level| level[1]).collect();
    assert_eq!(levels, on_the_cpu(&voxels));
}
