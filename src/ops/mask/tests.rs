use super::*;
use crate::engine::{CHUNK_VOXELS, Chunk, Gpu, GpuVolume, Options};
use crate::ops::testing::{CONTENTS, Content, SIZES, assert_same, gpu, noise};
use crate::volume::{Block, Dtype};

const DIRECT: [Dtype; 5] = [Dtype::U8, Dtype::I8, Dtype::U16, Dtype::I16, Dtype::F32];
const RULES: [Rule; 8] = [
    Rule::AND,
    Rule::OR,
    Rule::XOR,
    Rule::NOT,
    Rule::AND.inverted(),
    Rule::OR.inverted(),
    Rule::XOR.inverted(),
    Rule::NOT.inverted(),
];

/// Runs of kept and left-out voxels, with every non-zero byte among them, and single ones.
fn mask(voxels: usize) -> Vec<u8> {
    (0..voxels as u64)
        .map(|i| if noise(i / 5).is_multiple_of(3) { (noise(i) % 256) as u8 } else { (i % 7 == 3) as u8 * 0x80 })
        .collect()
}

fn packed(mask: &[u8]) -> Vec<u8> {
    mask.chunks(8).map(|c| c.iter().enumerate().fold(0, |byte, (i, m)| byte | u8::from(*m != 0) << i)).collect()
}

fn plain(block: Block<'_>, mask: &[u8], background: u64) -> Vec<u8> {
    let size = block.dtype.bytes();
    let mut out = Vec::new();
    for (i, m) in mask.iter().enumerate() {
        match m {
            0 => out.extend_from_slice(&background.to_le_bytes()[..size]),
            _ => out.extend_from_slice(&block.bytes[i * size..(i + 1) * size]),
        }
    }
    out
}

fn on_cpu(block: Block<'_>, keep: Keep<'_>, background: u64) -> Vec<u8> {
    let mut out = vec![0x5a; block.bytes.len()];
    cpu(block, keep, background, &mut out);
    out
}

fn on_gpu(gpu: &Gpu, block: Block<'_>, keep: Keep<'_>, background: u64) -> Vec<u8> {
    let volume = GpuVolume::upload(gpu, block).unwrap();
    let mask = GpuMask::upload(gpu, keep, block.len() as u64).unwrap();
    run(gpu, &volume, &mask, background as u32).unwrap().download(gpu).unwrap()
}

/// Different in every byte, negative where the type has a sign.
fn background(dtype: Dtype) -> u64 {
    0xfedc_ba98_7654_3210 >> (64 - 8 * dtype.bytes())
}

#[test]
fn nine_voxels_by_hand() {
    let bytes: Vec<u8> = [-5i16, 300, 7, 0, 1, 2, 3, -32_768, 9].iter().flat_map(|v| v.to_le_bytes()).collect();
    let block = Block { dtype: Dtype::I16, bytes: &bytes };
    let want: Vec<u8> = [-5i16, -1000, 7, -1000, -1000, -1000, 3, -32_768, 9].iter().flat_map(|v| v.to_le_bytes()).collect();
    let background = u64::from(-1000i16 as u16);
    assert_eq!(on_cpu(block, Keep::Bytes(&[1, 0, 255, 0, 0, 0, 128, 2, 9]), background), want);
    // Voxels 0, 2, 6 and 7 in the first byte, 8 in the second, whose other bits mean nothing.
    assert_eq!(on_cpu(block, Keep::Bits(&[0b1100_0101, 0b1111_1111]), background), want);
}

#[test]
fn cpu_gpu_and_the_plain_loop_keep_the_same_voxels() {
    for dtype in [DIRECT.as_slice(), &[Dtype::I32, Dtype::F64]].concat() {
        for &voxels in SIZES {
            let bytes = Content::Noise.bytes(dtype, voxels);
            let bytes = if bytes.len() == voxels * dtype.bytes() { bytes } else { [bytes.clone(), bytes].concat() };
            let block = Block { dtype, bytes: &bytes };
            let (mask, background) = (mask(voxels), background(dtype));
            let bits = packed(&mask);
            let want = plain(block, &mask, background);
            for keep in [Keep::Bytes(&mask), Keep::Bits(&bits)] {
                let kind = if matches!(keep, Keep::Bits(_)) { "bits" } else { "bytes" };
                assert_same(&format!("cpu {dtype} {voxels} {kind}"), &on_cpu(block, keep, background), &want);
                if let (Some(gpu), true) = (gpu(), dtype.is_direct()) {
                    assert_same(&format!("gpu {dtype} {voxels} {kind}"), &on_gpu(gpu, block, keep, background), &want);
                }
            }
        }
    }
}

#[test]
fn all_contents_and_whole_masks_go_through() {
    for dtype in DIRECT {
        for content in CONTENTS {
            let bytes = content.bytes(dtype, 4097);
            let block = Block { dtype, bytes: &bytes };
            for mask in [vec![0; 4097], vec![1; 4097], mask(4097)] {
                let want = plain(block, &mask, 0);
                assert_same(&format!("cpu {dtype} {content:?}"), &on_cpu(block, Keep::Bytes(&mask), 0), &want);
                if let Some(gpu) = gpu() {
                    assert_same(&format!("gpu {dtype} {content:?}"), &on_gpu(gpu, block, Keep::Bytes(&mask), 0), &want);
                }
            }
        }
    }
}

#[test]
fn nan_payloads_infinities_and_denormals_are_kept_as_bits() {
    let bits: Vec<u32> = vec![0x7fc1_2345, 0xffa0_0001, 0x7f80_0000, 0xff80_0000, 1, 0x8000_0001, 0x8000_0000, 0x3f80_0000];
    let block = Block { dtype: Dtype::F32, bytes: bytemuck::cast_slice(&bits) };
    let mask = [1, 1, 1, 1, 1, 1, 1, 0];
    let background = 0x7fdd_dddd;
    let want: Vec<u32> = bits[..7].iter().copied().chain([0x7fdd_dddd]).collect();
    assert_eq!(on_cpu(block, Keep::Bytes(&mask), background), bytemuck::cast_slice::<_, u8>(&want));
    let Some(gpu) = gpu() else { return };
    assert_eq!(on_gpu(gpu, block, Keep::Bytes(&mask), background), bytemuck::cast_slice::<_, u8>(&want));
}

#[test]
fn few_groups_and_chunk_edges_leave_no_voxel_unwritten() {
    let Some(shared) = gpu() else { return };
    let capped = Gpu::from_device(shared.device().clone(), shared.queue().clone())
        .with_options(Options { max_groups: 1, ..Options::default() });
    let bytes = Content::Noise.bytes(Dtype::U16, 100_003);
    let block = Block { dtype: Dtype::U16, bytes: &bytes };
    let m = mask(100_003);
    assert_same("one group", &on_gpu(&capped, block, Keep::Bits(&packed(&m)), 77), &plain(block, &m, 77));
    for voxels in [CHUNK_VOXELS as usize, CHUNK_VOXELS as usize + 1] {
        let bytes: Vec<u8> = (0..voxels).map(|i| (i % 251) as u8).collect();
        let block = Block { dtype: Dtype::U8, bytes: &bytes };
        let m: Vec<u8> = (0..voxels).map(|i| u8::from(i % 13 < 5)).collect();
        let want = plain(block, &m, 200);
        assert_same("chunk", &on_gpu(shared, block, Keep::Bytes(&m), 200), &want);
        assert_same("packed chunk", &on_gpu(shared, block, Keep::Bits(&packed(&m)), 200), &want);
    }
}

#[test]
fn masks_combine_as_their_truth_tables_say() {
    // By hand: a = 0 0 1 1, b = 0 1 0 1 in any non-zero values.
    let table = |rule| {
        let mut a = [0, 0, 7, 255];
        combine(rule, &mut a, &[0, 2, 0, 128]);
        a
    };
    assert_eq!(
        RULES.map(table),
        [[0, 0, 0, 1], [0, 1, 1, 1], [0, 1, 1, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 0, 0, 0], [1, 0, 0, 1], [0, 0, 1, 1]]
    );
    let Some(gpu) = gpu() else { return };
    for voxels in [1, 17, 127, 129, 4097] {
        let (a, b) = (mask(voxels), mask(2 * voxels)[voxels..].to_vec());
        let device = |bytes: &[u8], bits: bool| {
            let packed = packed(bytes);
            GpuMask::upload(gpu, if bits { Keep::Bits(&packed) } else { Keep::Bytes(bytes) }, voxels as u64).unwrap()
        };
        for rule in RULES {
            let mut want = a.clone();
            combine(rule, &mut want, &b);
            for (first, second) in [(false, false), (true, false), (false, true), (true, true)] {
                let got = run_combine(gpu, rule, &device(&a, first), &device(&b, second)).unwrap().download(gpu).unwrap();
                assert_same(&format!("{rule:?} {voxels} {first} {second}"), &got, &want);
            }
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let Some(gpu) = gpu() else { return };
    let volume = GpuVolume::upload(gpu, Block { dtype: Dtype::U8, bytes: &[1, 2, 3] }).unwrap();
    let mask = GpuMask::from_volume(volume.clone()).unwrap();
    assert!(run(gpu, &volume, &mask, 256).is_err(), "a background of nine bits");
    assert!(encode(gpu, &mut gpu.encoder(), &volume, &mask, 0, &volume).is_err(), "in place");
    assert!(GpuMask::upload(gpu, Keep::Bits(&[0, 0]), 3).is_err(), "a mask of another length");
    let longer = GpuMask::upload(gpu, Keep::Bytes(&[1; 4]), 4).unwrap();
    assert!(run(gpu, &volume, &longer, 0).is_err(), "a longer mask");
    assert!(run_combine(gpu, Rule::AND, &mask, &longer).is_err(), "masks of different lengths");
    let floats = GpuVolume::upload(gpu, Block { dtype: Dtype::F32, bytes: &[0; 12] }).unwrap();
    assert!(GpuMask::from_volume(floats.clone()).is_err(), "a mask of floats");
    assert!(encode(gpu, &mut gpu.encoder(), &volume, &mask, 0, &floats).is_err(), "another type");
    let short = Chunk { buffer: gpu.storage("test", 8).unwrap(), voxels: 64 };
    assert!(GpuMask::from_bits(vec![short.clone()]).is_err(), "half a vector");
    let chunk = &volume.chunks()[0];
    let tail = encode_chunk(gpu, &mut gpu.encoder(), Dtype::U8, chunk, (chunk, Packing::Bytes), 0, &short.buffer);
    assert!(tail.is_err(), "a short output");
}

#[test]
#[should_panic(expected = "a mask of another length")]
fn a_packed_mask_of_another_length_is_a_mistake() {
    cpu(Block { dtype: Dtype::U8, bytes: &[1; 9] }, Keep::Bits(&[1]), 0, &mut [0; 9]);
}
