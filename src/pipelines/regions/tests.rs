//! IBSI's digital phantom through whole jobs, and the same numbers whatever the tiles, threads and types.

use super::*;
use crate::ops::testing::noise;
use crate::pipelines::Device;
use crate::pipelines::tests::File;
use crate::volume::{Geometry, Rescale, Rescales, Shape, Volume};

fn volume(axes: &[u64], dtype: Dtype, value: impl Fn(u64) -> f64) -> Volume {
    let header =
        Header::new(Shape::new(axes).unwrap(), dtype).with(|h| h.grid.geometry = Some(Geometry::spacing([0.7, 0.8, 2.5])));
    let mut bytes = vec![0; header.bytes() as usize];
    bytes.chunks_exact_mut(dtype.bytes()).zip(0..).for_each(|(to, i)| dtype.encode(value(i), to));
    Volume::new(header, bytes).unwrap()
}

fn all(labels: &Volume, image: Option<&Volume>, (memory, threads, sequential): (u64, usize, bool)) -> Result<Vec<LabelRegion>> {
    let device = Device::cpu();
    let run = Run::silent(&device).with_memory(memory);
    let file = |volume: &Volume| -> Arc<dyn Source> { Arc::new(File { volume: volume.clone(), unit: 1, sequential }) };
    let image = image.map(|image| Input::resolve(file(image), &run)).transpose()?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| regions(file(labels), image.as_ref(), None, &run))
}

#[test]
fn neither_tiles_nor_threads_nor_the_type_of_the_image_change_a_bit() {
    let axes = [23, 17, 9, 2];
    let label = |i: u64| if noise(i / 5).is_multiple_of(3) { 0.0 } else { (1 + noise(i / 40) % 4 * 100) as f64 };
    let value = |i: u64| (noise(i) % 4000) as f64 - 1000.0;
    let labels = volume(&axes, Dtype::U16, label);
    let image = volume(&axes, Dtype::I16, value);
    let want = all(&labels, Some(&image), (1 << 28, 1, false)).unwrap();
    assert_eq!(want.len(), 8);
    for memory in [1 << 28, 60_000, 20_000] {
        for (threads, sequential) in [(1, true), (3, false), (2, true)] {
            let got = all(&labels, Some(&image), (memory, threads, sequential)).unwrap();
            assert_eq!(got, want, "{memory} {threads} {sequential}");
        }
    }
    // The same numbers as float32 with fractions among them elsewhere, so that they are no whole numbers to begin with.
    let floats = volume(&axes, Dtype::F32, |i| if label(i) == 0.0 { 0.5 } else { value(i) });
    for (got, want) in all(&labels, Some(&floats), (1 << 28, 2, false)).unwrap().iter().zip(&want) {
        let (a, b) = (got.intensity.as_ref().unwrap(), want.intensity.as_ref().unwrap());
        assert_eq!((a.features, got.shape), (b.features, want.shape));
        assert!(a.centre.unwrap().iter().zip(b.centre.unwrap()).all(|(a, b)| (a - b).abs() < 1e-9));
    }
    // And as another stored scale.
    let (mut header, bytes) = volume(&axes, Dtype::U16, |i| (value(i) + 1000.0) / 2.0).into_parts();
    header.meaning.rescale = Rescales::Uniform(Rescale { slope: 2.0, intercept: -1000.0 });
    let scaled = Volume::new(header, bytes).unwrap();
    let got = all(&labels, Some(&scaled), (1 << 28, 2, false)).unwrap();
    let near = |a: f64, b: f64| (a - b).abs() <= 2.0;
    for (got, want) in got.iter().zip(&want) {
        let (a, b) = (got.intensity.as_ref().unwrap(), want.intensity.as_ref().unwrap());
        assert!(near(a.features.mean, b.features.mean) && near(a.centre.unwrap()[0], b.centre.unwrap()[0]));
    }
}

/// A box, whose numbers are known.
#[test]
fn a_box_is_where_it_is() {
    let inside = |i: u64| {
        let at = [i % 12, i / 12 % 9, i / 108];
        (2..7).contains(&at[0]) && (3..6).contains(&at[1]) && (1..3).contains(&at[2])
    };
    let labels = volume(&[12, 9, 4], Dtype::U8, |i| if inside(i) { 7.0 } else { 0.0 });
    let found = all(&labels, None, (1 << 20, 2, false)).unwrap();
    let [region] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((region.label, region.voxels, region.low, region.high), (7, 30, [2, 3, 1], [6, 5, 2]));
    assert_eq!(region.centre, [4.0, 4.0, 1.5]);
    let full = 30.0 * 0.7 * 0.8 * 2.5;
    assert!((region.shape.volume_mm3 - full).abs() < 1e-9 && region.shape.volume_mesh_mm3 < full && region.intensity.is_none());
    // From one end of the box to the other through the middles of its outermost faces.
    assert!(
        region.shape.max_diameter_mm > 4.0 * 0.7
            && region.shape.max_diameter_mm < (3.5f64.powi(2) + 2.4f64.powi(2) + 5f64.powi(2)).sqrt()
    );
    assert!(all(&volume(&[3, 3, 3], Dtype::U8, |_| 0.0), None, (1 << 20, 1, false)).unwrap().is_empty());
    let negative = volume(&[3, 3, 3], Dtype::I16, |i| i as f64 - 4.0);
    assert!(all(&negative, None, (1 << 20, 1, false)).is_err_and(|e| e.to_string().contains("below 0")));
    let image = volume(&[12, 9, 5], Dtype::U8, |_| 1.0);
    assert!(all(&labels, Some(&image), (1 << 20, 1, false)).is_err());
}

#[test]
fn one_label_map_serves_all_times_and_nan_is_left_out() {
    let labels = volume(&[4, 3, 2], Dtype::U8, |i| f64::from(u8::from(i % 3 == 0)));
    let image = volume(&[4, 3, 2, 5], Dtype::F32, |i| if i == 3 { f64::NAN } else { i as f64 + 0.25 });
    let found = all(&labels, Some(&image), (1 << 20, 2, false)).unwrap();
    assert_eq!(found.iter().map(|r| (r.volume, r.voxels)).collect::<Vec<_>>(), (0..5).map(|t| (t, 8)).collect::<Vec<_>>());
    let intensity = |t: usize| found[t].intensity.as_ref().unwrap();
    assert_eq!((intensity(0).features.count, intensity(0).not_finite), (7, 1));
    assert_eq!((intensity(1).features.count, intensity(1).features.min), (8, 24.25));
    let little = all(&labels, Some(&image), (100, 2, false));
    assert!(little.is_err());
}
