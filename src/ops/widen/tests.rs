use super::*;
use crate::engine::{Brick, Chunk, Gpu, UNIT_VOXELS};
use crate::ops::testing::{Content, assert_same, gpu, noise};

const TYPES: [Dtype; 7] = [Dtype::U8, Dtype::I8, Dtype::U16, Dtype::I16, Dtype::U32, Dtype::I32, Dtype::F32];
/// Odd lengths around words and units, primes, more than one workgroup.
const SHAPES: [[u32; 3]; 9] =
    [[1, 1, 1], [3, 1, 1], [1, 5, 1], [3, 5, 1], [1, 1, 16], [17, 1, 1], [7, 11, 13], [31, 1, 1], [67, 71, 3]];

/// Noise, in f32 with every kind of value among it.
fn voxels(dtype: Dtype, count: usize) -> Vec<u8> {
    if dtype != Dtype::F32 {
        return Content::Noise.bytes(dtype, count);
    }
    let odd = [0, 1 << 31, 1, 0x8000_0001, 0x7f80_0000, 0xff80_0000, 0x7fc0_0000, 0x7f80_0001, 0xffff_ffff, 0x807f_ffff];
    let value = |i: usize| if i % 3 == 1 { odd[i / 3 % odd.len()] } else { noise(i as u64) as u32 };
    (0..count).flat_map(|i| value(i).to_le_bytes()).collect()
}

fn chunk(gpu: &Gpu, dtype: Dtype, bytes: &[u8]) -> Chunk {
    let buffer = gpu.storage_with("test", bytes, UNIT_VOXELS as usize * dtype.bytes()).unwrap();
    Chunk { buffer, voxels: (bytes.len() / dtype.bytes()) as u32 }
}

#[test]
fn a_few_values_by_hand() {
    let mut keys = [0; 4];
    cpu(Block { dtype: Dtype::I8, bytes: &[0x80, 0xff, 0, 5] }, &mut keys);
    assert_eq!(keys, [0, 0x7f, 0x80, 0x85]);
    let floats = [-0.0f32, 0.0, -1.0, f32::INFINITY];
    cpu(Block { dtype: Dtype::F32, bytes: bytemuck::cast_slice(&floats) }, &mut keys);
    assert_eq!(keys, [0x7fff_ffff, 0x8000_0000, 0x407f_ffff, 0xff80_0000]);
}

#[test]
fn keys_are_the_hosts_and_lead_back_to_the_same_bytes() {
    for dtype in TYPES {
        for shape in SHAPES {
            let what = format!("{dtype} {shape:?}");
            let count = shape.iter().product::<u32>() as usize;
            let bytes = voxels(dtype, count);
            let mut want = vec![0; count];
            cpu(Block { dtype, bytes: &bytes }, &mut want);
            let mut back = vec![0; bytes.len()];
            cpu_narrow(dtype, &want, &mut back);
            assert_same(&format!("cpu {what}"), &back, &bytes);

            let Some(gpu) = gpu() else { continue };
            let brick = Brick::empty(gpu, shape, 8 * dtype.bytes() as u32).unwrap();
            let chunk = chunk(gpu, dtype, &bytes);
            let narrowed = gpu.storage("test", chunk.buffer.size()).unwrap();
            let mut encoder = gpu.encoder();
            brick.encode_from(gpu, &mut encoder, dtype, &chunk).unwrap();
            brick.encode_into(gpu, &mut encoder, dtype, &narrowed).unwrap();
            gpu.submit("test", encoder).unwrap();
            let keys: Vec<u32> = bytemuck::pod_collect_to_vec(&gpu.download("test", &brick.buffer, 4 * count as u64).unwrap());
            assert_same(&format!("keys {what}"), &keys, &want);
            let back = gpu.download("test", &narrowed, narrowed.size()).unwrap();
            assert_same(&format!("back {what}"), &back[..bytes.len()], &bytes);
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let Some(gpu) = gpu() else { return };
    let brick = Brick::empty(gpu, [4, 4, 4], 16).unwrap();
    let mut encoder = gpu.encoder();
    let eight = chunk(gpu, Dtype::U8, &[7; 64]);
    assert!(brick.encode_from(gpu, &mut encoder, Dtype::U8, &eight).is_err(), "8 bits into 16");
    assert!(brick.encode_from(gpu, &mut encoder, Dtype::I16, &eight).is_err(), "a short buffer");
    let few = chunk(gpu, Dtype::I16, &[7; 64]);
    assert!(brick.encode_from(gpu, &mut encoder, Dtype::I16, &few).is_err(), "too few voxels");
    assert!(brick.encode_into(gpu, &mut encoder, Dtype::I16, &few.buffer).is_err(), "a short output");
    assert!(brick.encode_into(gpu, &mut encoder, Dtype::I16, &brick.buffer).is_err(), "in place");
    let wide = Brick::empty(gpu, [4, 4, 4], 64);
    assert!(wide.is_err(), "no keys of 64 bits");
}
