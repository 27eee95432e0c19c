//! Every memory, device and kind of source gives the bits of one piece.

use std::sync::Arc;

use super::*;
use crate::ops::testing::{Content, assert_same, noise};
use crate::pipelines::Device;
use crate::pipelines::tests::{File, Memory, devices};
use crate::volume::{Affine, Align, Geometry, Grid, Rescale, Rescales, Shape, Volume};

fn volume(axes: &[u64], dtype: Dtype) -> Volume {
    let mut header = Header::new(Shape::new(axes).unwrap(), dtype);
    header.grid.geometry = Geometry::from_lps_matrix([[0.7, 0.1, 0.0, -10.0], [-0.1, 0.7, 0.05, 4.0], [0.0, 0.0, 1.5, 2.0]]);
    let bytes = match dtype {
        Dtype::U8 => (0..header.grid.shape.voxels()).map(|i| (noise(i / 5) % 3) as u8).collect(),
        _ => Content::Ct.bytes(dtype, header.grid.shape.voxels() as usize),
    };
    Volume::new(header, bytes).unwrap()
}

/// Onto a turned grid of a bit more than the volume.
fn turned(grid: &Grid) -> Placement {
    let (s, c) = (0.4f64.sin(), 0.4f64.cos());
    let own = Affine::of_grid(grid).unwrap();
    let centre = own.apply(grid.shape.xyz().map(|n| n as f64 / 2.0));
    let turn = Affine([[c, -s, 0.0, 0.0], [s * c, c * c, -s, 0.0], [s * s, c * s, c, 0.0]]);
    let moved = turn.apply(centre);
    let mut transform = turn;
    (0..3).for_each(|a| transform.0[a][3] = centre[a] - moved[a] + 0.3);
    Placement::sized(grid, [37, 41, 19], Align::Center).unwrap().transformed(grid, &transform).unwrap()
}

/// Time by time, in one piece.
fn whole(volume: &Volume, what: &Resampling) -> Vec<u8> {
    let (header, dtype) = (volume.header(), volume.header().meaning.dtype);
    let (own, target) = (header.grid.shape.xyz(), what.placement.grid.shape.xyz());
    let each = own.iter().product::<u64>() as usize * dtype.bytes();
    let mut out = Vec::new();
    for bytes in volume.bytes().chunks(each) {
        let from = Sampled {
            dtype,
            bytes,
            shape: own.map(|n| n as usize),
            inside: own.map(|n| 0..n as i64),
            positions: Positions::new(&what.placement.to_source.0, target).unwrap(),
        };
        let mut one = vec![0; target.iter().product::<u64>() as usize * dtype.bytes()];
        cpu(&from, what.sampling, what.fill, target.map(|n| n as usize), &mut one);
        out.extend(one);
    }
    out
}

#[track_caller]
fn every_way(volume: &Volume, what: &Resampling) {
    let want = whole(volume, what);
    let (dtype, target) = (volume.header().meaning.dtype, &what.placement.grid.shape);
    let mut outside = None;
    for device in devices() {
        for memory in [256 << 20, 1 << 17, 3 << 13] {
            for (unit, sequential) in [(1, false), (1, true), (volume.header().grid.shape.slice_voxels(), false)] {
                for source in [
                    Arc::new(File { volume: volume.clone(), unit, sequential }) as Arc<dyn crate::io::Source>,
                    Arc::new(volume.clone()),
                ] {
                    let sink = Memory::new(target.voxels() as usize, dtype);
                    let run = Run::silent(&device).with_memory(memory);
                    let own = resample(&Input::of(source), what, &sink, &run).unwrap();
                    let text = format!("{} {dtype} {target} {} {memory} {sequential}", what.sampling.name(), device.name());
                    assert_same(&text, &sink.take(), &want);
                    assert_eq!(*outside.get_or_insert(own), own, "{text}");
                }
            }
        }
    }
    let fill = &what.fill.to_le_bytes()[..dtype.bytes()];
    let filled = want.chunks_exact(dtype.bytes()).filter(|v| *v == fill).count() as u64;
    assert!(outside.unwrap() <= filled && outside.unwrap() < target.voxels());
}

#[test]
fn every_tiling_memory_device_and_sampling_gives_the_same_bits() {
    for (axes, dtype, sampling) in [
        (&[40, 37, 23][..], Dtype::I16, Sampling::Linear),
        (&[40, 37, 23, 2], Dtype::U8, Sampling::Label),
        (&[40, 37, 23], Dtype::F32, Sampling::Nearest),
        (&[40, 37, 23], Dtype::F32, Sampling::Linear),
    ] {
        let volume = volume(axes, dtype);
        let placement = turned(&volume.header().grid);
        every_way(&volume, &Resampling { placement, sampling, fill: 0x1234_5678_9abc_def0 });
    }
}

#[test]
fn straight_grids_and_images_too() {
    let one = volume(&[61, 43], Dtype::I16);
    let grid = &one.header().grid;
    let finer = Placement::sized(grid, [90, 80, 1], Align::Center).unwrap();
    every_way(&one, &Resampling { placement: finer, sampling: Sampling::Linear, fill: 0 });
    let many = volume(&[24, 31, 17, 2], Dtype::I16);
    let grid = &many.header().grid;
    for sampling in [Sampling::Linear, Sampling::Area] {
        let placement = Placement::spaced(grid, [1.6, 1.1, 2.0], Align::Center).unwrap();
        every_way(&many, &Resampling { placement, sampling, fill: 5 });
    }
    for placement in [Placement::boxed(grid, &[-3..20, 5..40, 2..9]).unwrap(), Placement::reoriented(grid, "SRA").unwrap()] {
        every_way(&many, &Resampling { placement, sampling: Sampling::Nearest, fill: 0xfc18 });
    }
}

#[test]
fn what_cannot_be_done_says_why_before_anything_is_written() {
    let device = Device::cpu();
    let volume = volume(&[40, 37, 23], Dtype::I16);
    let grid = volume.header().grid.clone();
    let sink = Memory::new(0, Dtype::I16);
    let refused = |volume: &Volume, placement: Placement, sampling, memory: u64, text: &str| {
        let run = Run::silent(&device).with_memory(memory);
        let what = Resampling { placement, sampling, fill: 0 };
        let file = File { volume: volume.clone(), unit: 1, sequential: false };
        let error = resample(&Input::of(Arc::new(file)), &what, &sink, &run).unwrap_err().to_string();
        assert!(error.contains(text), "{error}");
    };
    let large = Placement::sized(&grid, [1 << 17, 1 << 17, 1 << 16], Align::Center).unwrap();
    refused(&volume, large, Sampling::Linear, 1 << 20, "takes 2097152 GiB");
    refused(&volume, turned(&grid), Sampling::Area, 1 << 20, "turned against the image");
    refused(&volume, turned(&grid), Sampling::Linear, 64, "allow more memory");
    let mut away = turned(&grid);
    away.to_source.0[0][3] += 1e12;
    refused(&volume, away.clone(), Sampling::Linear, 1 << 20, "2^30 voxels apart");
    let (mut header, bytes) = volume.into_parts();
    let other = Rescale { slope: 2.0, intercept: 0.0 };
    header.meaning.rescale = Rescales::PerSlice((0..23).map(|i| if i == 3 { other } else { Rescale::IDENTITY }).collect());
    refused(&Volume::new(header, bytes).unwrap(), turned(&grid), Sampling::Linear, 1 << 20, "different rescale");
}

#[test]
fn a_target_that_only_seems_to_touch_is_an_error_at_the_end() {
    let volume = volume(&[4, 4, 4], Dtype::I16);
    let device = Device::cpu();
    let mut placement = Placement::sized(&volume.header().grid, [4, 4, 4], Align::Center).unwrap();
    placement.to_source.0[1][3] = 4.0;
    let sink = Memory::new(64, Dtype::I16);
    let what = Resampling { placement, sampling: Sampling::Linear, fill: 3 };
    let error = resample(&Input::of(Arc::new(volume)), &what, &sink, &Run::silent(&device)).unwrap_err().to_string();
    assert!(error.contains("no voxel of the target lies in the image"), "{error}");
}
