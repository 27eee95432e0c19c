//! Against the definition over all bins, and over memories, devices and files.

use std::sync::Arc;

use super::*;
use crate::ops::testing::{Content, assert_same, noise};
use crate::pipelines::tests::{File, Memory, devices};
use crate::pipelines::{Device, Mask};
use crate::volume::{Padding, Rescale, Rescales, Shape, Volume};

fn image(axes: &[u64], dtype: Dtype) -> Volume {
    let header = Header::new(Shape::new(axes).unwrap(), dtype);
    let bytes = Content::Ct.bytes(dtype, header.grid.shape.voxels() as usize);
    Volume::new(header, bytes).unwrap()
}

/// A volume as OpenCV would do it in three dimensions: histograms of all bins, no slots, whole weights.
fn expected(image: &Volume, mask: Option<&[u8]>, work: &Adaptive) -> Vec<u8> {
    let header = image.header();
    let (dtype, rescale) = (header.meaning.dtype, header.meaning.rescale.of_slice(0));
    let to = work.to.unwrap_or(if dtype.bytes() == 1 { Dtype::U8 } else { Dtype::U16 });
    let top = (to.values() - 1) as u16;
    let [nx, ny, nz] = header.grid.shape.xyz().map(|n| n as usize);
    let stored: Vec<f64> = image.bytes().chunks(dtype.bytes()).map(|b| dtype.decode(b)).collect();
    let real = |v: f64| rescale.real(v);
    let pads = |v: f64| header.meaning.padding.is_some_and(|p| (p.low..=p.high).contains(&v));
    let selected = |i: usize| {
        let inside = |r: Option<(f64, f64)>| r.is_none_or(|(low, high)| (low..=high).contains(&real(stored[i])));
        mask.is_none_or(|m| m[i] != 0) && !pads(stored[i]) && inside(work.region.range)
    };
    let ends = || {
        let all = (0..stored.len()).filter(|i| selected(*i)).map(|i| real(stored[i]));
        (all.clone().fold(f64::INFINITY, f64::min), all.fold(f64::NEG_INFINITY, f64::max))
    };
    let (low, high) = work.range.unwrap_or_else(|| match work.bins {
        Some(_) => ends(),
        None => (f64::NEG_INFINITY, f64::INFINITY),
    });
    let mut values: Vec<f64> = (0..dtype.values()).map(|i| f64::from(dtype.first() + i as i32)).collect();
    values.retain(|v| (low..=high).contains(&real(*v)));
    values.sort_by(|a, b| real(*a).total_cmp(&real(*b)));
    let bins = work.bins.map_or(values.len(), |n| n as usize);
    // Below, a bin, above.
    let bin = |v: f64| match real(v) {
        _ if pads(v) => Err(0),
        r if r < low => Err(0),
        r if r > high => Err(top),
        r => Ok(match work.bins {
            Some(n) => ((((r - low) / (high - low)) * f64::from(n)) as usize).min(bins - 1),
            None => values.iter().position(|other| *other == v).unwrap(),
        }),
    };
    let per_slice = matches!(work.tiling, Tiling::Slices(_));
    let (depths, tiles) = match work.tiling {
        Tiling::Slices([x, y]) => (vec![1; nz], [x, y, 1]),
        Tiling::Space(tiles) => (vec![nz], tiles),
        Tiling::Millimetres(_) => unreachable!(),
    };
    let mut out = Vec::new();
    for volume in 0..header.grid.shape.volumes() as usize {
        for (block, depth) in depths.iter().enumerate() {
            let start = (volume * nz + if per_slice { block } else { 0 }) * nx * ny;
            let lattice = Lattice::new([nx as u32, ny as u32, *depth as u32], tiles).unwrap();
            let [w, h, d] = lattice.size().map(|n| n as usize);
            let [tx, ty, tz] = tiles.map(|n| n as usize);
            let mut counts = vec![vec![0u32; bins]; tx * ty * tz];
            let place = |[x, y, z]: [usize; 3]| start + (z * ny + y) * nx + x;
            let sources = [0, 1, 2].map(|axis| lattice.sources(axis));
            for (z, y, x) in (0..d * tz).flat_map(|z| (0..h * ty).flat_map(move |y| (0..w * tx).map(move |x| (z, y, x)))) {
                let at = place([sources[0][x] as usize, sources[1][y] as usize, sources[2][z] as usize]);
                if let (true, Ok(bin)) = (selected(at), bin(stored[at])) {
                    counts[((z / d) * ty + y / h) * tx + x / w][bin] += 1;
                }
            }
            let rule = ClipRule { bins: bins as u32, clip: work.clip, top };
            let every: Vec<u32> = (0..bins as u32).collect();
            let tables: Vec<Option<Vec<u16>>> = counts
                .iter()
                .map(|counts| {
                    let mut levels = vec![0; bins + 2];
                    rule.levels(counts, &every, &mut levels).then_some(levels)
                })
                .collect();
            let between = [0, 1, 2].map(|axis| lattice.between(axis));
            for (z, y, x) in (0..*depth).flat_map(|z| (0..ny).flat_map(move |y| (0..nx).map(move |x| (z, y, x)))) {
                let found = bin(stored[place([x, y, z])]);
                let (mut sum, mut weight) = (0u128, 0u128);
                let sides = |b: &crate::ops::clahe::Between| [(b.low, b.near), (b.high, b.far)];
                for (k, wz) in sides(&between[2][z]) {
                    for (j, wy) in sides(&between[1][y]) {
                        for (i, wx) in sides(&between[0][x]) {
                            let table = &tables[(k as usize * ty + j as usize) * tx + i as usize];
                            if let Some(levels) = table {
                                let own = u128::from(wx) * u128::from(wy) * u128::from(wz);
                                sum += own * u128::from(found.map_or_else(|level| level, |bin| levels[bin]));
                                weight += own;
                            }
                        }
                    }
                }
                let level = match weight {
                    0 => found.err().unwrap_or(0),
                    _ => {
                        let (quotient, twice) = (sum / weight, 2 * (sum % weight));
                        (quotient + u128::from(twice > weight || twice == weight && quotient % 2 == 1)) as u16
                    }
                };
                out.extend_from_slice(&level.to_le_bytes()[..to.bytes()]);
            }
        }
    }
    out
}

#[track_caller]
fn check(image: &Volume, mask: Option<&[u8]>, work: &Adaptive) {
    let want = expected(image, mask, work);
    for device in devices() {
        for memory in [1 << 28, 1 << 21] {
            for sequential in [false, true] {
                let run = Run::silent(&device).with_memory(memory);
                let file = File { volume: image.clone(), unit: 1, sequential };
                for source in [Arc::new(file) as Arc<dyn crate::io::Source>, Arc::new(image.clone())] {
                    let mask = mask.map(|bytes| {
                        let header = Header::new(image.header().grid.shape.clone(), Dtype::U8);
                        let volume = Volume::new(header, bytes.to_vec()).unwrap();
                        Mask::new(Arc::new(volume), None, image.header(), &Run::silent(&Device::cpu())).unwrap()
                    });
                    let mapping = AdaptiveMapping::new(&Input::of(source).masked(mask), work, &run).unwrap();
                    let out = mapping.header();
                    let sink = Memory::new(out.grid.shape.voxels() as usize, out.meaning.dtype);
                    mapping.write(&sink, &run).unwrap();
                    let what = format!("{} {work:?} {} in {memory} bytes", image.header().grid.shape, device.name());
                    assert_same(&what, &sink.take(), &want);
                }
            }
        }
    }
}

const TILINGS: [Tiling; 5] = [
    Tiling::Slices([8, 8]),
    Tiling::Slices([3, 2]),
    Tiling::Space([4, 3, 2]),
    Tiling::Space([2, 5, 3]),
    Tiling::Space([1, 1, 1]),
];

#[test]
fn every_tiling_type_memory_and_device_gives_what_the_definition_says() {
    for (axes, dtype) in [(vec![37, 29, 7], Dtype::I16), (vec![16, 12, 4, 2], Dtype::U8), (vec![33, 21], Dtype::U16)] {
        let image = image(&axes, dtype);
        // With a limit of counts and without in turn.
        for (tiling, clip) in TILINGS.into_iter().zip([0.0, 3.0].into_iter().cycle()) {
            check(&image, None, &Adaptive { tiling, clip, ..Adaptive::USUAL });
        }
    }
}

#[test]
fn masks_ranges_bins_padding_and_slopes_are_as_everywhere() {
    let (header, bytes) = image(&[40, 31, 5], Dtype::I16).into_parts();
    let mask: Vec<u8> =
        (0..header.grid.shape.voxels()).map(|i| u8::from(i % 40 > 18 && !noise(i / 9).is_multiple_of(3))).collect();
    let header = header.with(|h| {
        h.meaning.rescale = Rescales::Uniform(Rescale { slope: -2.0, intercept: 10.0 });
        h.meaning.padding = Some(Padding { low: -860.0, high: -850.0 });
    });
    let image = Volume::new(header, bytes).unwrap();
    let region = Region { range: Some((-1000.0, 1900.0)), with_padding: true };
    for tiling in [Tiling::Slices([4, 4]), Tiling::Space([3, 3, 2])] {
        let plain = Adaptive { tiling, clip: 2.0, ..Adaptive::USUAL };
        for work in [
            plain,
            Adaptive { range: Some((-120.5, 1000.0)), ..plain },
            Adaptive { bins: Some(60), ..plain },
            Adaptive { bins: Some(1000), range: Some((-1500.0, 2000.0)), to: Some(Dtype::U8), ..plain },
            Adaptive { region, ..plain },
        ] {
            check(&image, Some(&mask), &work);
        }
        check(&image, None, &plain);
    }
}

#[test]
fn what_cannot_be_equalised_by_tiles_says_why() {
    let device = Device::cpu();
    let run = Run::silent(&device);
    let own = image(&[30, 20, 10], Dtype::I16);
    let refused = |image: &Volume, work: &Adaptive, run: &Run<'_>| {
        let mapping = AdaptiveMapping::new(&Input::of(Arc::new(image.clone())), work, run);
        let written = |m: AdaptiveMapping| m.write(&Memory::new(6000, Dtype::U16), run);
        mapping.and_then(written).unwrap_err().to_string()
    };
    let usual = Adaptive::USUAL;
    assert!(refused(&own, &Adaptive { tiling: Tiling::Millimetres(5.0), ..usual }, &run).contains("spacing is not known"));
    assert!(refused(&own, &Adaptive { clip: -1.0, ..usual }, &run).contains("a limit of -1"));
    assert!(refused(&own, &Adaptive { range: Some((4000.0, 5000.0)), ..usual }, &run).contains("no voxel counts"));
    assert!(refused(&own, &usual, &run.with_memory(20_000)).contains("may take half of the memory"));
    let (header, bytes) = own.into_parts();
    let other = Rescale { slope: 2.0, intercept: 0.0 };
    let mut rescales = vec![Rescale::IDENTITY; 10];
    rescales[4] = other;
    let several = Volume::new(header.clone().with(|h| h.meaning.rescale = Rescales::PerSlice(rescales)), bytes).unwrap();
    assert!(refused(&several, &usual, &run).contains("different rescale"));
    let floats = Volume::new(
        Header::new(Shape::new(&[3, 1, 1]).unwrap(), Dtype::F32),
        [0.5f32, 1.25, 3e9].iter().flat_map(|v| v.to_le_bytes()).collect(),
    );
    let input = Input::resolve(Arc::new(floats.unwrap()), &run).unwrap();
    assert!(AdaptiveMapping::new(&input, &usual, &run).unwrap_err().to_string().contains("real numbers"));
}
