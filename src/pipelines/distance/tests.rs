//! Every way to a distance map gives the same bits: in memory, through a file, on a device, in pieces of any size.

use std::sync::Arc;

use super::*;
use crate::ops::distance as op;
use crate::ops::testing::{assert_same, noise};
use crate::pipelines::tests::{File, Memory, devices};
use crate::pipelines::{Device, Run};
use crate::volume::{Position, Shape, Volume};

fn labels(axes: &[u64], dtype: Dtype, density: u64) -> Volume {
    let shape = Shape::new(axes).unwrap();
    // Voxel 0 of each volume is outside and the last inside, so that none is empty or full.
    let volume: u64 = shape.xyz().iter().product();
    let label = |i: u64| match i % volume {
        0 => 0,
        n if n == volume - 1 => 1,
        _ => u64::from(noise(i) % 256 < density) * (1 + noise(i ^ 77) % 200),
    };
    let bytes = (0..shape.voxels()).flat_map(|i| label(i).to_le_bytes().into_iter().take(dtype.bytes())).collect();
    let header = Header::new(shape, dtype).with(|h| h.grid.geometry = Some(Geometry::spacing([0.7, 0.7, 2.5])));
    Volume::new(header, bytes).unwrap()
}

/// By the operation alone, over each volume as a whole.
fn want(volume: &Volume, map: &DistanceMap) -> (Vec<u8>, Vec<u8>) {
    let (shape, dtype) = (&volume.header().grid.shape, volume.header().meaning.dtype);
    let xyz = shape.xyz().map(|n| n as usize);
    let (mut distances, mut nearest) = (Vec::new(), Vec::new());
    for part in volume.bytes().chunks(xyz.iter().product::<usize>() * dtype.bytes()) {
        let mut carried: Vec<u16> = part.chunks(dtype.bytes()).map(|v| dtype.decode(v) as u16).collect();
        let inside: Vec<u8> = carried.iter().map(|label| u8::from(*label != 0)).collect();
        let outside: Vec<u8> = inside.iter().map(|v| 1 - v).collect();
        let (mut a, mut b) = (vec![0u64; inside.len()], vec![0u64; inside.len()]);
        op::squared(&inside, xyz, map.units.weights, &mut a);
        op::nearest(&outside, xyz, map.units.weights, &mut b, &mut carried);
        for (a, b) in a.iter().zip(&b) {
            let value = match map.of {
                DistanceOf::Inside => map.real(*a),
                DistanceOf::Outside => map.real(*b),
                DistanceOf::Signed if *a > 0 => -map.real(*a),
                DistanceOf::Signed => map.real(*b),
            };
            distances.extend(value.to_le_bytes());
        }
        carried.iter().for_each(|label| nearest.extend(&label.to_le_bytes()[..dtype.bytes()]));
    }
    (distances, nearest)
}

const ALL: [DistanceOf; 3] = [DistanceOf::Inside, DistanceOf::Outside, DistanceOf::Signed];

#[test]
fn every_memory_device_shape_and_type_gives_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    for (axes, dtype) in [
        (vec![40, 37, 9, 2], Dtype::U8),
        (vec![130, 61], Dtype::U16),
        (vec![1, 1, 700], Dtype::U8),
        (vec![67, 1, 23], Dtype::U16),
        (vec![200, 3, 17], Dtype::U8),
    ] {
        for density in [3, 128, 250] {
            let volume = labels(&axes, dtype, density);
            for (of, squared) in ALL.into_iter().zip([false, true, false]) {
                let mut map = DistanceMap::new(volume.header(), of, squared).unwrap();
                let units = [map.units.clone(), Units::new([0.700_000_1, 0.7, 2.5], [700; 3]).unwrap()];
                for units in units {
                    map.units = units;
                    let (distances, nearest) = want(&volume, &map);
                    for device in devices() {
                        for memory in [256 << 20, 1 << 17, 1 << 11] {
                            let sequential = memory == 1 << 17;
                            // A device in software takes long for what the CPU shows as well.
                            if device.name() != "CPU" && density != 128 && !sequential {
                                continue;
                            }
                            let input = Input::of(Arc::new(File { volume: volume.clone(), unit: 1, sequential }));
                            let sinks = [Memory::new(volume.block().len(), Dtype::F32), Memory::new(volume.block().len(), dtype)];
                            let wants_nearest = of != DistanceOf::Inside && device.name() == "CPU";
                            let to = DistanceOutput {
                                distances: &sinks[0],
                                nearest: wants_nearest.then_some(&sinks[1]),
                                scratch: ScratchPlace { folder: folder.path().into(), beside: 0 },
                            };
                            let run = Run::silent(&device).with_memory(memory);
                            let measured = distance(&input, &map, &to, &run).unwrap();
                            let what = format!("{axes:?} {density} {of:?} {:?} {} {memory}", map.units.weights, device.name());
                            assert!(
                                (measured.scratch_bytes > 0 || memory > 1 << 11)
                                    && (measured.scratch_bytes == 0 || memory < 256 << 20),
                                "{what}"
                            );
                            let inside = volume.bytes().chunks(dtype.bytes()).filter(|v| dtype.decode(v) != 0.0).count() as u64;
                            assert_eq!((measured.inside, measured.outside), (inside, volume.block().len() as u64 - inside));
                            let [written, labels] = sinks;
                            assert_same(&what, &written.take(), &distances);
                            if wants_nearest {
                                assert_same(&what, &labels.take(), &nearest);
                            }
                        }
                    }
                }
            }
        }
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "scratch files are gone");
}

fn header(spacing_mm: [f64; 3], direction: Option<[[f64; 3]; 3]>) -> Header {
    let position = direction.map(|direction| Position { origin_mm: [0.0; 3], direction });
    let geometry = Some(Geometry { spacing_mm, position });
    Header::new(Shape::new(&[4, 4, 4]).unwrap(), Dtype::U8).with(|h| h.grid.geometry = geometry)
}

#[test]
fn oblique_matrices_keep_the_spacing_that_was_meant() {
    let (s, c) = (0.1f64.sin(), 0.1f64.cos());
    let oblique = [[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]];
    let weights = |mm, direction| DistanceMap::new(&header(mm, direction), DistanceOf::Inside, false).unwrap().units.weights;
    assert_eq!(weights([0.700_000_04, 0.699_999_93, 2.5], Some(oblique)), [7, 7, 25]);
    assert_eq!(weights([0.488_281_27, 0.488_281_25, 2.5], Some(oblique)), [25, 25, 128]);
    assert_eq!(weights([0.123_456_78, 1.0, 1.0], Some(oblique)), [154_321, 1_250_000, 1_250_000]);
    // Straight axes say what they mean.
    let straight = [[-1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    assert_ne!(weights([0.700_000_1, 0.7, 2.5], Some(straight)), [7, 7, 25]);
    assert_eq!(weights([0.7, 0.7, 2.5], None), [7, 7, 25]);
    let leaning = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.1f64.sin(), 0.1f64.cos()]];
    let error = DistanceMap::new(&header([1.0; 3], Some(leaning)), DistanceOf::Inside, false).unwrap_err().to_string();
    assert!(error.contains("84.3°"), "{error}");
}

#[test]
fn what_has_no_distances_says_why() {
    let device = Device::cpu();
    let refused = |volume: Volume, of: DistanceOf, nearest: bool| {
        let map = DistanceMap::new(volume.header(), of, false).unwrap();
        let sink = Memory::new(volume.block().len(), Dtype::F32);
        let scratch = ScratchPlace { folder: std::env::temp_dir(), beside: 0 };
        let to = DistanceOutput { distances: &sink, nearest: nearest.then_some(&sink), scratch };
        distance(&Input::of(Arc::new(volume)), &map, &to, &Run::silent(&device)).unwrap_err().to_string()
    };
    let of = |axes: &[u64], bytes: Vec<u8>| Volume::new(Header::new(Shape::new(axes).unwrap(), Dtype::U8), bytes).unwrap();
    for side in ALL {
        assert!(refused(of(&[2, 2, 2], vec![0; 8]), side, false).starts_with("the mask is empty: "));
        assert!(refused(of(&[2, 2, 2], vec![3; 8]), side, false).starts_with("the mask is full: "));
        assert!(refused(of(&[2, 2, 1, 2], vec![1, 0, 1, 1, 0, 0, 0, 0]), side, false).contains("empty at time 1"));
    }
    assert!(refused(of(&[2], vec![0, 1]), DistanceOf::Inside, true).contains("nearest labels"));
    let signed = Volume::new(Header::new(Shape::new(&[2]).unwrap(), Dtype::I16), vec![0, 0, 1, 0]).unwrap();
    assert!(refused(signed, DistanceOf::Inside, false).contains("a mask of int16"));
}
