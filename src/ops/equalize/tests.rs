use super::*;
use crate::engine::{Gpu, GpuVolume};
use crate::ops::testing::{CONTENTS, Content, assert_same, gpu, noise};
use crate::ops::{histogram, lut, scan};
use crate::volume::Block;

fn on_gpu(gpu: &Gpu, counts: &Counts, settings: &Settings) -> Vec<u32> {
    let cumulative: Vec<u32> = scan::cpu(&counts.bins).iter().map(|c| u32::try_from(*c).unwrap()).collect();
    let cumulative = gpu.storage_with("test", bytemuck::cast_slice(&cumulative), 4).unwrap();
    let entries = gpu.storage("test", cumulative.size()).unwrap();
    let mut encoder = gpu.encoder();
    encode(gpu, &mut encoder, settings, &cumulative, &entries).unwrap();
    gpu.submit("test", encoder).unwrap();
    bytemuck::pod_collect_to_vec(&gpu.download("test", &entries, entries.size()).unwrap())
}

#[test]
fn the_device_rounds_as_the_host_does() {
    let Some(gpu) = gpu() else { return };
    for from in [Dtype::U8, Dtype::I8, Dtype::U16, Dtype::I16] {
        for &content in CONTENTS {
            let bytes = content.bytes(from, 5003);
            let counts = histogram::cpu(Block { dtype: from, bytes: &bytes }, None);
            let all = Settings::of(from);
            let (first, last) = all.range;
            let middle = i32::midpoint(first, last);
            let cases = [
                all,
                Settings { to: Dtype::U8, ..all },
                Settings { to: Dtype::U16, ..all },
                Settings { range: (middle - 60, middle + 61), ..all },
                Settings { range: (middle, middle), ..all },
                Settings { padding: Some((first, first)), ..all },
                Settings { padding: Some((middle - 3, middle + 30)), range: (middle - 20, last), ..all },
                Settings { padding: Some((first, last)), ..all },
            ];
            for settings in cases {
                let name = format!("{from} {content:?} {settings:?}");
                assert_same(&name, &on_gpu(gpu, &counts, &settings), cpu(&counts, &settings).entries());
            }
        }
    }
}

#[test]
fn totals_up_to_two_to_the_32_round_exactly() {
    let Some(gpu) = gpu() else { return };
    for seed in 0..40u64 {
        let mut counts = Counts::exact(Dtype::U8);
        // Sums near 2³², and divisors that make ties: multiples of 510.
        for (i, n) in counts.bins.iter_mut().enumerate() {
            *n = noise(seed * 1000 + i as u64) % 16_700_000;
            if seed % 2 == 0 {
                *n -= *n % 510;
            }
        }
        assert!(counts.total() < 1 << 32);
        for to in [Dtype::U8, Dtype::U16] {
            let settings = Settings { to, ..Settings::of(Dtype::U8) };
            assert_same(&format!("seed {seed} to {to}"), &on_gpu(gpu, &counts, &settings), cpu(&counts, &settings).entries());
        }
    }
}

#[test]
fn the_whole_chain_in_one_submission_gives_the_hosts_bits() {
    let Some(gpu) = gpu() else { return };
    for dtype in [Dtype::U8, Dtype::I16] {
        let bytes = Content::Ct.bytes(dtype, 70_001);
        let block = Block { dtype, bytes: &bytes };
        let settings = Settings::of(dtype);
        let volume = GpuVolume::upload(gpu, block).unwrap();
        let counts = histogram::counts_buffer(gpu, dtype.values()).unwrap();
        let cumulative = gpu.storage("test", 4 * dtype.values() as u64).unwrap();
        let entries = gpu.storage("test", 4 * dtype.values() as u64).unwrap();
        let table = lut::GpuTable::from_buffer(dtype, settings.to, entries.clone()).unwrap();
        let out = GpuVolume::empty(gpu, settings.to, volume.voxels()).unwrap();

        let mut encoder = gpu.encoder();
        let bins = histogram::Binning::Exact(histogram::PrivateWindow::of(dtype));
        histogram::encode(gpu, &mut encoder, &volume, None, &bins, &counts).unwrap();
        scan::encode(gpu, &mut encoder, dtype.values(), &counts, &cumulative).unwrap();
        encode(gpu, &mut encoder, &settings, &cumulative, &entries).unwrap();
        lut::encode(gpu, &mut encoder, &volume, &table, &out).unwrap();
        gpu.submit("test", encoder).unwrap();

        let host = cpu(&histogram::cpu(block, None), &settings);
        let mut want = vec![0; block.len() * settings.to.bytes()];
        lut::cpu(block, &host, &mut want);
        assert_same(&format!("{dtype}"), &out.download(gpu).unwrap(), &want);
    }
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let Some(gpu) = gpu() else { return };
    let buffer = gpu.storage("test", 4 * 65_536).unwrap();
    let other = gpu.storage("test", 4 * 65_536).unwrap();
    let all = Settings::of(Dtype::U16);
    let refused = |s: Settings| encode(gpu, &mut gpu.encoder(), &s, &buffer, &other).is_err();
    assert!(refused(Settings { range: (5, 4), ..all }));
    assert!(refused(Settings { range: (-1, 4), ..all }));
    assert!(refused(Settings { to: Dtype::F32, ..all }));
    assert!(refused(Settings { from: Dtype::F32, ..all }));
    assert!(!refused(all));
}
