//! Maps worked by hand, and against plain loops over every pair of places.

use std::sync::Arc;

use super::*;
use crate::analysis::surface_distance::SurfaceRule;
use crate::analysis::surfels::SurfelAreas;
use crate::ops::components::Connectivity;
use crate::ops::testing::noise;
use crate::pipelines::Device;
use crate::pipelines::tests::File;
use crate::volume::{Geometry, Shape, Volume};

fn map(axes: &[u64], spacing: [f64; 3], labels: &[u16]) -> Volume {
    let wide = labels.iter().any(|label| *label > 255);
    let mut header = Header::new(Shape::new(axes).unwrap(), if wide { Dtype::U16 } else { Dtype::U8 });
    header.grid.geometry = Some(Geometry::spacing(spacing));
    let bytes =
        if wide { labels.iter().flat_map(|l| l.to_le_bytes()).collect() } else { labels.iter().map(|l| *l as u8).collect() };
    Volume::new(header, bytes).unwrap()
}

fn maps(a: Volume, b: Volume) -> LabelMaps {
    LabelMaps::new(Arc::new(a), Arc::new(b), &Run::silent(&Device::cpu())).unwrap()
}

/// Two blobs of noise, the second moved.
fn blobs([nx, ny, nz]: [usize; 3], seed: u64) -> Vec<u16> {
    let centre = [nx, ny, nz].map(|n| n as f64 / 2.0 + (noise(seed) % 3) as f64 - 1.0);
    let place = |i: usize| [i % nx, i / nx % ny, i / (nx * ny)].map(|v| v as f64);
    (0..nx * ny * nz)
        .map(|i| {
            let far: f64 = place(i)
                .iter()
                .zip(centre)
                .zip([nx, ny, nz])
                .map(|((v, c), n)| if n == 1 { 0.0 } else { ((v - c) / n as f64).powi(2) })
                .sum();
            u16::from(far + (noise(seed * 1000 + i as u64) % 100) as f64 / 1500.0 < 0.14) * (1 + u16::from(i % nx > nx / 2))
        })
        .collect()
}

#[test]
fn pairs_and_boxes_are_those_of_a_plain_count() {
    for (axes, wide) in [(vec![61, 17, 5], false), (vec![40, 9, 3, 2], true), (vec![1, 1, 1], false)] {
        let shape = Shape::new(&axes).unwrap();
        let [nx, ny, nz] = shape.xyz();
        let of = |seed: u64| -> Vec<u16> {
            (0..shape.voxels()).map(|i| (noise(seed + i / 7) % 4) as u16 * if wide && seed > 0 { 300 } else { 1 }).collect()
        };
        let (a, b) = (of(0), of(1 << 20));
        let both = maps(map(&axes, [1.0; 3], &a), map(&axes, [1.0; 3], &b));
        for memory in [1 << 14, 256 << 20] {
            let device = Device::cpu();
            let found = overlaps(&both, &Run::silent(&device).with_memory(memory)).unwrap();
            for (f, t, voxels) in found.pairs.iter() {
                let same = a.iter().zip(&b).filter(|(a, b)| (u32::from(**a), u32::from(**b)) == (f, t)).count();
                assert_eq!(voxels, same as u64, "{axes:?} {f} {t}");
            }
            assert_eq!(found.pairs.voxels(), shape.voxels());
            for label in found.pairs.labels() {
                let places = (0..shape.voxels()).filter(|i| [a[*i as usize], b[*i as usize]].map(u32::from).contains(&label));
                let places: Vec<_> = places.map(|i| [i % nx, i / nx % ny, i / (nx * ny) % nz]).collect();
                let end = |most: bool, axis: usize| {
                    let all = places.iter().map(|p| p[axis]);
                    if most { all.max() } else { all.min() }.unwrap()
                };
                let want = VoxelBox { low: [0, 1, 2].map(|a| end(false, a)), high: [0, 1, 2].map(|a| end(true, a)) };
                assert_eq!(found.around(label), Some(want), "{axes:?} {label}");
            }
        }
    }
}

/// Every piece of one surface against every piece of the other, in order of distance: distance and area.
fn plainly(from: &[u16], to: &[u16], [nx, ny, nz]: [usize; 3], spacing: [f64; 3], by_cells: bool) -> Vec<(f64, f64)> {
    let areas = if nz == 1 { SurfelAreas::of_squares([spacing[0], spacing[1]]) } else { SurfelAreas::of_cells(spacing) };
    let pieces = |map: &[u16]| -> Vec<([f64; 3], f64)> {
        let at = |x: i64, y: i64, z: i64| {
            let within = [(x, nx), (y, ny), (z, nz)].into_iter().all(|(v, n)| (0..n as i64).contains(&v));
            within && map[(z as usize * ny + y as usize) * nx + x as usize] == 1
        };
        let mut all = Vec::new();
        let deep = if nz == 1 { 0..1 } else { 0..nz as i64 + 1 };
        for z in deep {
            for y in 0..ny as i64 + 1 {
                for x in 0..nx as i64 + 1 {
                    let place = [x, y, z].map(|v| v as f64);
                    let place = [0, 1, 2].map(|a| place[a] * spacing[a]);
                    if by_cells {
                        let code: usize = (0..if nz == 1 { 4 } else { 8 })
                            .map(|c: i64| {
                                usize::from(at(x - 1 + (c & 1), y - 1 + (c >> 1 & 1), if nz == 1 { 0 } else { z - 1 + (c >> 2) }))
                                    << c
                            })
                            .sum();
                        let area = areas.area(areas.kinds()[code]);
                        if area > 0.0 {
                            all.push((place, area));
                        }
                    } else if at(x, y, z) {
                        let mut beside = vec![at(x - 1, y, z), at(x + 1, y, z), at(x, y - 1, z), at(x, y + 1, z)];
                        if nz > 1 {
                            beside.extend([at(x, y, z - 1), at(x, y, z + 1)]);
                        }
                        if beside.contains(&false) {
                            all.push((place, 1.0));
                        }
                    }
                }
            }
        }
        all
    };
    let (from, to) = (pieces(from), pieces(to));
    let square = |a: &[f64; 3], b: &[f64; 3]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
    let mut all: Vec<(f64, f64)> =
        from.iter().map(|(p, area)| (to.iter().map(|(q, _)| square(p, q)).fold(f64::INFINITY, f64::min).sqrt(), *area)).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    all
}

#[test]
fn surface_distances_are_those_of_every_pair_of_pieces() {
    let device = Device::cpu();
    let run = Run::silent(&device);
    for (shape, spacing) in [([13, 11, 9], [0.7, 0.7, 2.5]), ([18, 14, 1], [0.5, 1.5, 1.0]), ([9, 9, 9], [1.0; 3])] {
        let (a, b) = (blobs(shape, 1), blobs(shape, 2));
        let axes = shape.map(|n| n as u64);
        let both = maps(map(&axes, spacing, &a), map(&axes, spacing, &b));
        let found = overlaps(&both, &run).unwrap();
        for rule in [SurfaceRule::Surface, SurfaceRule::Voxel, SurfaceRule::VoxelPooled] {
            let settings = SurfaceSettings { rule, percent: 90.0, tolerance: 0.9 };
            let got = surfaces(&both, &found, &settings, &run).unwrap()[&1];
            let by_cells = rule == SurfaceRule::Surface;
            let (there, back) = (plainly(&a, &b, shape, spacing, by_cells), plainly(&b, &a, shape, spacing, by_cells));
            let area = |all: &[(f64, f64)]| all.iter().map(|(_, area)| area).sum::<f64>();
            let moment = |all: &[(f64, f64)]| all.iter().map(|(far, area)| far * area).sum::<f64>();
            let within = |all: &[(f64, f64)]| all.iter().filter(|(far, _)| *far <= 0.9).map(|(_, area)| area).sum::<f64>();
            let near = |got: f64, want: f64| assert!((got - want).abs() < 1e-9, "{shape:?} {rule:?} {got} {want}");
            near(got.hausdorff, there[there.len() - 1].0.max(back[back.len() - 1].0));
            near(got.assd, (moment(&there) + moment(&back)) / (area(&there) + area(&back)));
            near(got.masd, (moment(&there) / area(&there) + moment(&back) / area(&back)) / 2.0);
            near(got.nsd, (within(&there) + within(&back)) / (area(&there) + area(&back)));
            if by_cells {
                let percentile = |all: &[(f64, f64)]| {
                    let mut sum = 0.0;
                    let whole = area(all);
                    all.iter()
                        .find(|(_, area)| {
                            sum += area;
                            sum >= 0.9 * whole
                        })
                        .unwrap()
                        .0
                };
                near(got.percentile, percentile(&there).max(percentile(&back)));
            }
        }
    }
}

#[test]
fn a_label_in_one_slice_of_a_volume_has_a_surface_on_either_side() {
    let (device, mut labels) = (Device::cpu(), vec![0u16; 4 * 4 * 4]);
    [21, 22, 25, 26].into_iter().for_each(|i| labels[i] = 7);
    let both = maps(map(&[4, 4, 4], [1.0; 3], &labels), map(&[4, 4, 4], [1.0; 3], &labels));
    let run = Run::silent(&device);
    let found = overlaps(&both, &run).unwrap();
    for rule in [SurfaceRule::Surface, SurfaceRule::Voxel] {
        let got = surfaces(&both, &found, &SurfaceSettings { rule, percent: 95.0, tolerance: 0.0 }, &run).unwrap()[&7];
        assert_eq!((got.hausdorff, got.assd, got.nsd), (0.0, 0.0, 1.0));
    }
}

#[test]
fn memory_and_several_volumes_are_refused_with_a_way_out() {
    let (device, ones) = (Device::cpu(), vec![1u16; 64 * 64 * 8]);
    let both = maps(map(&[64, 64, 8], [1.0; 3], &ones), map(&[64, 64, 8], [1.0; 3], &ones));
    let run = Run::silent(&device);
    let found = overlaps(&both, &run).unwrap();
    let settings = SurfaceSettings { rule: SurfaceRule::Surface, percent: 95.0, tolerance: 1.0 };
    let small = run.with_memory(1 << 17);
    let said = surfaces(&both, &found, &settings, &small).unwrap_err().to_string();
    assert!(said.contains("MiB; allow more memory"), "{said}");
    let times = maps(map(&[64, 64, 4, 2], [1.0; 3], &ones), map(&[64, 64, 4, 2], [1.0; 3], &ones));
    let found = overlaps(&times, &run).unwrap();
    let said = surfaces(&times, &found, &settings, &run).unwrap_err().to_string();
    assert!(said.contains("2 volumes"), "{said}");
    let said = instances(&times, &found, (Connectivity::Corners, 0.5), &run).unwrap_err().to_string();
    assert!(said.contains("2 volumes"), "{said}");
}

#[test]
fn maps_from_files_without_room_in_memory_are_the_same() {
    let (shape, device) = ([31, 22, 13], Device::cpu());
    let (a, b) = (blobs(shape, 3), blobs(shape, 4));
    let axes = shape.map(|n| n as u64);
    let of = |memory: u64, unit: u64| {
        let run = Run::silent(&device).with_memory(memory);
        let file = |labels: &[u16]| Arc::new(File { volume: map(&axes, [0.7, 1.0, 3.0], labels), unit, sequential: unit > 1 });
        let both = LabelMaps::new(file(&a), file(&b), &run).unwrap();
        let found = overlaps(&both, &run).unwrap();
        let settings = SurfaceSettings { rule: SurfaceRule::Surface, percent: 95.0, tolerance: 1.0 };
        let far = surfaces(&both, &found, &settings, &run.with_memory(64 << 20)).unwrap();
        let objects = instances(&both, &found, (Connectivity::Corners, 0.5), &run.with_memory(64 << 20)).unwrap();
        (found, far, objects)
    };
    let want = of(64 << 20, 1);
    assert_eq!(want.1.len(), 2);
    assert!(of(1 << 14, 1) == want && of(1 << 14, 31 * 22) == want);
}

#[test]
fn objects_of_each_label_are_matched() {
    // Row by row: judged and reference.
    let a = [1, 1, 0, 1, 0, 2, 2, 0, 3];
    let b = [1, 1, 0, 0, 0, 2, 2, 2, 0];
    let both = maps(map(&[9, 1], [1.0; 3], &a), map(&[9, 1], [1.0; 3], &b));
    let device = Device::cpu();
    let run = Run::silent(&device);
    let found = instances(&both, &overlaps(&both, &run).unwrap(), (Connectivity::Corners, 0.5), &run).unwrap();
    let counts: Vec<_> = found.iter().map(|(label, m)| (*label, m.found, m.truth, m.matched)).collect();
    assert_eq!(counts, [(1, 2, 1, 1), (2, 1, 1, 1), (3, 1, 0, 0)]);
    assert_eq!((found[&1].iou_sum, found[&2].iou_sum), (1.0, 2.0 / 3.0));
}

#[test]
fn images_differ_by_real_values() {
    use crate::volume::{Rescale, Rescales};
    let device = Device::cpu();
    let run = Run::silent(&device);
    let floats = |values: &[f32]| {
        let header = Header::new(Shape::new(&[values.len() as u64]).unwrap(), Dtype::F32);
        Arc::new(Volume::new(header, bytemuck::cast_slice(values).to_vec()).unwrap())
    };
    let mut scaled = Header::new(Shape::new(&[6]).unwrap(), Dtype::U8);
    scaled.meaning.rescale = Rescales::Uniform(Rescale { slope: 0.5, intercept: -1.0 });
    let own = Arc::new(Volume::new(scaled, vec![2, 4, 6, 8, 2, 2]).unwrap());
    // 0, 1, 2, 3, 0, 0 against 0, 0, 4, 3, NaN and infinity.
    let pair = ImagePair::new(own, floats(&[0.0, 0.0, 4.0, 3.0, f32::NAN, f32::INFINITY]), &run).unwrap();
    let found = differences(&pair, &run).unwrap();
    assert_eq!((found.voxels, found.compared, found.unlike, found.different), (6, 4, 2, 4));
    assert_eq!((found.largest(), found.mean, found.mean_absolute), (Some(2.0), Some(-0.25), Some(0.75)));
    assert_eq!((found.rmse, found.reference_ends), (Some(1.25f64.sqrt()), Some((0.0, 4.0))));
    assert!((found.psnr().unwrap() - 10.0 * (16.0f64 / 1.25).log10()).abs() < 1e-12 && !found.within(5.0));
    assert_eq!(difference_counts(&pair, (-2.0, 1.0), 3, &run).unwrap(), [1, 0, 3]);
    // The same file is like itself, NaN and all.
    let odd = || floats(&[f32::NAN, f32::INFINITY, 2.5]);
    let same = differences(&ImagePair::new(odd(), odd(), &run).unwrap(), &run).unwrap();
    assert_eq!((same.compared, same.unlike, same.psnr(), same.within(0.0)), (1, 0, None, true));
}

#[test]
fn labels_are_told_from_images() {
    let device = Device::cpu();
    let run = Run::silent(&device);
    let looks = |values: &[f32]| {
        let header = Header::new(Shape::new(&[values.len() as u64]).unwrap(), Dtype::F32);
        let source: Arc<dyn Source> = Arc::new(Volume::new(header, bytemuck::cast_slice(values).to_vec()).unwrap());
        looks_like_labels(&source, &run).unwrap()
    };
    assert!(looks(&[0.0, 1.0, 0.0, 1.0]) && looks(&[0.0, 5.0, 5.0, 5.0, 7.0, 7.0, 7.0, 9.0, 9.0]));
    assert!(!looks(&[0.0, 5.0, 6.0, 8.0, 7.0, 9.0]) && !looks(&[0.5, 0.5]) && !looks(&[-1.0, -1.0]) && !looks(&[f32::NAN, 1.0]));
}
