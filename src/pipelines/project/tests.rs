//! Against the definition in real values, over axes, slabs, memories and devices.
#![allow(clippy::single_range_in_vec_init, reason = "one slab is one range")]

use std::sync::Arc;

use super::*;
use crate::ops::testing::{Content, assert_same};
use crate::pipelines::tests::{File, Memory, devices};
use crate::volume::{Rescale, Rescales, Shape, Volume};

fn volume(axes: &[u64], dtype: Dtype, slope: f64) -> Volume {
    let mut header = Header::new(Shape::new(axes).unwrap(), dtype);
    header.meaning.rescale = Rescales::Uniform(Rescale { slope, intercept: 3.0 });
    let voxels = header.grid.shape.voxels() as usize;
    let bytes = match dtype {
        // No NaN: a test of the kernel has them.
        Dtype::F32 => (0..voxels).flat_map(|i| (((i * 7919) % 1009) as f32 / 8.0 - 40.0).to_le_bytes()).collect(),
        _ => Content::Noise.bytes(dtype, voxels),
    };
    Volume::new(header, bytes).unwrap()
}

/// The definition: real values of each ray, sorted or summed.
fn expected(volume: &Volume, projection: &Projection) -> Vec<u8> {
    let (image, header) = (volume.header(), projection.header());
    let (dtype, to) = (image.meaning.dtype, header.meaning.dtype);
    let rescale = image.meaning.rescale.of_slice(0);
    let [nx, ny, nz] = image.grid.shape.xyz();
    let [ox, oy, oz] = header.grid.shape.xyz();
    let padding = image.meaning.padding;
    let mut out = Vec::new();
    for (t, z, y, x) in (0..image.grid.shape.volumes())
        .flat_map(|t| (0..oz).flat_map(move |z| (0..oy).flat_map(move |y| (0..ox).map(move |x| (t, z, y, x)))))
    {
        let mut at = [x, y, z];
        let slab = projection.slabs()[at[projection.axis()] as usize].clone();
        let mut ray = Vec::new();
        for step in slab {
            at[projection.axis()] = step;
            let i = (((t * nz + at[2]) * ny + at[1]) * nx + at[0]) as usize * dtype.bytes();
            let stored = dtype.decode(&volume.bytes()[i..i + dtype.bytes()]);
            if padding.is_none_or(|p| !(p.low..=p.high).contains(&stored)) {
                ray.push((rescale.real(stored), stored));
            }
        }
        let sum: f64 = ray.iter().map(|(_, stored)| stored).sum();
        let count = ray.len() as f64;
        ray.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut bytes = [0; 8];
        let value = match (projection.how(), ray.len()) {
            (How::Sum, _) => rescale.slope * sum + rescale.intercept * count,
            (_, 0) => padding.unwrap().low,
            (How::Max, n) => ray[n - 1].1,
            (How::Min, _) => ray[0].1,
            (How::Median, n) => ray[(n - 1) / 2].1,
            (How::Mean, _) if dtype.is_integer() => (sum / count + 0.5).floor(),
            (How::Mean, _) => sum / count,
        };
        to.encode(value, &mut bytes[..to.bytes()]);
        out.extend_from_slice(&bytes[..to.bytes()]);
    }
    out
}

#[track_caller]
fn check(volume: &Volume, projection: &Projection, memory: u64) {
    let want = expected(volume, projection);
    let (out, shape) = (projection.header(), &volume.header().grid.shape);
    for device in devices() {
        for sequential in [false, true] {
            let run = Run::silent(&device).with_memory(memory);
            let file = File { volume: volume.clone(), unit: 1, sequential };
            for source in [Arc::new(file) as Arc<dyn crate::io::Source>, Arc::new(volume.clone())] {
                let sink = Memory::new(out.grid.shape.voxels() as usize, out.meaning.dtype);
                projection.write(&Input::of(source), &sink, &run).unwrap();
                let what = format!("{shape} {} along {} {}", projection.how().name(), projection.axis(), device.name());
                assert_same(&format!("{what} in {memory} bytes"), &sink.take(), &want);
            }
        }
    }
}

#[test]
fn every_axis_slab_memory_and_device_gives_what_the_definition_says() {
    for (dtype, slope) in [(Dtype::I16, 1.0), (Dtype::U8, -0.5), (Dtype::F32, 2.0), (Dtype::I32, -1.0)] {
        let all = [vec![13, 11, 9, 2], vec![70, 3, 5]];
        // Every type in the one, the longest rows in the other.
        for axes in if dtype == Dtype::I16 { &all[..] } else { &all[..1] } {
            let volume = volume(axes, dtype, slope);
            for (how, axis) in How::ALL.into_iter().flat_map(|how| (0..3).map(move |axis| (how, axis))) {
                for thickness in [Thickness::Whole, Thickness::Voxels(4), Thickness::Voxels(1)] {
                    let projection = Projection::new(volume.header(), axis, how, thickness).unwrap();
                    // The rays of a row want more than the least where they must be whole.
                    let least = if how == How::Median { 60_000 } else { 14_000 };
                    for memory in [1 << 28, least] {
                        check(&volume, &projection, memory);
                    }
                }
            }
        }
    }
}

#[test]
fn padding_has_no_part_and_is_what_it_leaves() {
    let (header, bytes) = volume(&[9, 8, 7], Dtype::I16, -2.0).into_parts();
    for padding in [Padding { low: -40_000.0, high: -10_000.5 }, Padding { low: -32_768.0, high: 32_767.0 }] {
        let header = header.clone().with(|h| h.meaning.padding = Some(padding));
        let volume = Volume::new(header, bytes.clone()).unwrap();
        for (how, axis) in How::ALL.into_iter().flat_map(|how| (0..3).map(move |axis| (how, axis))) {
            if padding.low < -32_768.0 || how != How::Sum {
                check(&volume, &Projection::new(volume.header(), axis, how, Thickness::Voxels(3)).unwrap(), 1 << 20);
            }
        }
    }
    assert_eq!(padding_keys(Dtype::U8, Padding { low: -5.0, high: -1.0 }), None);
    assert_eq!(padding_keys(Dtype::I8, Padding { low: -500.0, high: -127.5 }), Some((0, 0)));
}

#[test]
fn slabs_may_overlap_and_leave_voxels_out() {
    let volume = volume(&[12, 10, 11], Dtype::U16, 1.0);
    for (how, axis) in How::ALL.into_iter().flat_map(|how| (0..3).map(move |axis| (how, axis))) {
        let projection = Projection::of(volume.header(), axis, how, vec![1..4, 2..7, 6..9]).unwrap();
        assert_eq!(projection.bytes(), volume.header().bytes() / volume.header().grid.shape.axis(axis) * 11);
        for memory in [1 << 20, 50_000] {
            check(&volume, &projection, memory);
        }
    }
}

#[test]
fn what_cannot_be_projected_says_why() {
    let image = volume(&[30, 20, 10], Dtype::I16, 1.0);
    let flat = Header::new(Shape::new(&[30, 20]).unwrap(), Dtype::I16);
    let refused = |r: Result<Projection>| r.unwrap_err().to_string();
    assert!(refused(Projection::new(&flat, 2, How::Max, Thickness::Whole)).contains("a single slice of 30 x 20 voxels"));
    let own = image.header();
    assert!(refused(Projection::new(own, 2, How::Max, Thickness::Millimetres(5.0))).contains("spacing is not known"));
    for slabs in [vec![], vec![0..0], vec![5..11], vec![3..5, 1..2]] {
        assert!(refused(Projection::of(own, 2, How::Max, slabs)).contains("inside the image"));
    }
    let other = Rescale { slope: 2.0, intercept: 0.0 };
    let mut rescales = vec![other; 10];
    rescales[3] = Rescale::IDENTITY;
    let several = own.clone().with(|h| h.meaning.rescale = Rescales::PerSlice(rescales));
    assert!(refused(Projection::new(&several, 2, How::Max, Thickness::Whole)).contains("different rescale"));
    let projection = Projection::new(own, 2, How::Median, Thickness::Whole).unwrap();
    let device = crate::pipelines::Device::cpu();
    let sink = Memory::new(600, Dtype::I16);
    let too_few = projection.write(&Input::of(Arc::new(image)), &sink, &Run::silent(&device).with_memory(1000));
    assert!(too_few.unwrap_err().to_string().contains("1800 bytes"));
}
