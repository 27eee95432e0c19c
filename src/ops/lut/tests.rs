use super::*;
use crate::engine::{CHUNK_VOXELS, Gpu, GpuVolume, Options};
use crate::ops::histogram::Edges;
use crate::ops::testing::{Content, SIZES, assert_same, gpu, noise};
use crate::volume::{Block, Dtype, Table};

const INTEGERS: [Dtype; 4] = [Dtype::U8, Dtype::I8, Dtype::U16, Dtype::I16];
const RESULTS: [Dtype; 4] = [Dtype::U8, Dtype::U16, Dtype::I16, Dtype::F32];

/// Entries without a pattern.
fn table(from: Dtype, to: Dtype) -> Table {
    Table::from_fn(from, to, |v| {
        let n = noise((v + 40_000) as u64);
        match to {
            Dtype::I16 => f64::from(n as i16),
            Dtype::F32 => f64::from(f32::from_bits((n as u32) & 0x7f7f_ffff)),
            _ => (n % to.values() as u64) as f64,
        }
    })
}

fn plain(block: Block<'_>, table: &Table) -> Vec<u8> {
    let size = table.to().bytes();
    let values = block.bytes.chunks_exact(block.dtype.bytes()).map(|b| block.dtype.decode(b) as i32);
    values.flat_map(|v| table.entries()[(v - block.dtype.first()) as usize].to_le_bytes().into_iter().take(size)).collect()
}

fn on_gpu(gpu: &Gpu, block: Block<'_>, table: &Table) -> Vec<u8> {
    let volume = GpuVolume::upload(gpu, block).unwrap();
    run(gpu, &volume, &GpuTable::upload(gpu, table).unwrap()).unwrap().download(gpu).unwrap()
}

#[test]
fn three_voxels_by_hand() {
    let t = Table::from_fn(Dtype::I8, Dtype::I16, |v| f64::from(v) * 3.0);
    let mut out = [0; 6];
    cpu(Block { dtype: Dtype::I8, bytes: &[0xff, 0x80, 5] }, &t, &mut out);
    assert_eq!(out.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect::<Vec<_>>(), [-3, -384, 15]);
}

#[test]
fn cpu_gpu_and_the_plain_loop_remap_alike() {
    for from in INTEGERS {
        for to in RESULTS {
            let t = table(from, to);
            for &voxels in SIZES {
                let bytes = Content::Noise.bytes(from, voxels);
                let block = Block { dtype: from, bytes: &bytes };
                let want = plain(block, &t);
                let mut got = vec![0xff; want.len()];
                cpu(block, &t, &mut got);
                assert_same(&format!("cpu {from} to {to} {voxels}"), &got, &want);
                got.fill(0xff);
                Prepared::new(&t).map_portable(&bytes, &mut got);
                assert_same(&format!("cpu without AVX2 {from} to {to} {voxels}"), &got, &want);
                if let Some(gpu) = gpu() {
                    assert_same(&format!("gpu {from} to {to} {voxels}"), &on_gpu(gpu, block, &t), &want);
                }
            }
        }
    }
}

#[test]
fn few_groups_and_chunk_edges_leave_no_voxel_unwritten() {
    let Some(shared) = gpu() else { return };
    let capped = Gpu::from_device(shared.device().clone(), shared.queue().clone())
        .with_options(Options { max_groups: 1, ..Options::default() });
    let bytes = Content::Noise.bytes(Dtype::U16, 100_003);
    let block = Block { dtype: Dtype::U16, bytes: &bytes };
    let t = table(Dtype::U16, Dtype::U8);
    assert_same("one group", &on_gpu(&capped, block, &t), &plain(block, &t));
    for voxels in [CHUNK_VOXELS as usize, CHUNK_VOXELS as usize + 1] {
        let bytes: Vec<u8> = (0..voxels).map(|i| (i % 251) as u8).collect();
        let block = Block { dtype: Dtype::U8, bytes: &bytes };
        let t = table(Dtype::U8, Dtype::U8);
        assert_same("chunk", &on_gpu(shared, block, &t), &plain(block, &t));
    }
}

#[test]
fn floats_take_the_entry_of_their_bin() {
    let edges = Edges::new(vec![-1.0, 0.0, 0.5, 2.0]).unwrap();
    let t = Table::from_bins(3, Dtype::U8, |i| 10.0 * (i as f64 + 1.0));
    let values = [-5.0, -1.0, -0.0, 0.49, 0.5, 2.0, 9.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
    let want = [10, 10, 20, 20, 30, 30, 30, 77, 30, 10];
    let block = Block { dtype: Dtype::F32, bytes: bytemuck::cast_slice(&values) };
    let mut got = [0; 10];
    cpu_floats(block, &edges, &t, 77, &mut got);
    assert_eq!(got, want);
    let Some(gpu) = gpu() else { return };
    let device_table = GpuTable::upload_floats(gpu, &edges, &t, 77).unwrap();
    assert_eq!(run(gpu, &GpuVolume::upload(gpu, block).unwrap(), &device_table).unwrap().download(gpu).unwrap(), want);

    let values: Vec<f32> = (0..20_011).map(|i| f32::from_bits(noise(i) as u32)).collect();
    let block = Block { dtype: Dtype::F32, bytes: bytemuck::cast_slice(&values) };
    let edges = Edges::uniform(-3.0, 1e20, 65_536).unwrap();
    let t = Table::from_bins(65_536, Dtype::U16, |i| (65_535 - i) as f64);
    let mut want = vec![0; 2 * values.len()];
    cpu_floats(block, &edges, &t, 5, &mut want);
    let device_table = GpuTable::upload_floats(gpu, &edges, &t, 5).unwrap();
    assert_same("bits", &run(gpu, &GpuVolume::upload(gpu, block).unwrap(), &device_table).unwrap().download(gpu).unwrap(), &want);
}

#[test]
fn what_does_not_fit_is_refused() {
    let Some(gpu) = gpu() else { return };
    let volume = GpuVolume::upload(gpu, Block { dtype: Dtype::U8, bytes: &[1, 2, 3] }).unwrap();
    let t = GpuTable::upload(gpu, &table(Dtype::U16, Dtype::U8)).unwrap();
    assert!(run(gpu, &volume, &t).is_err(), "a table for another type");
    let t = GpuTable::upload(gpu, &table(Dtype::U8, Dtype::U8)).unwrap();
    assert!(encode(gpu, &mut gpu.encoder(), &volume, &t, &volume).is_err(), "in place");
    let short = gpu.storage("test", 4).unwrap();
    assert!(encode_chunk(gpu, &mut gpu.encoder(), &volume.chunks()[0], &t, &short).is_err(), "a short output");
}
