//! Small valid files, damaged at random: whatever becomes of them, no panic, and no error of the wrong kind.

use std::path::Path;

use super::codecs::jpeg::handmade;
use super::output::{Target, publish};
use super::tests::open_and_read;
use super::{WriteOptions, create};
use crate::Error;
use crate::volume::{Dtype, Geometry, Header, Shape};

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % n as u64) as usize
    }
}

fn valid(path: &Path, axes: &[u64]) -> Vec<u8> {
    let geometry = Some(Geometry::spacing([0.5, 0.5, 2.0]));
    let header = Header::new(Shape::new(axes).unwrap(), Dtype::U16).with(|h| h.grid.geometry = geometry);
    let bytes: Vec<u8> = (0..header.bytes()).map(|i| (i * i / 7) as u8).collect();
    let sink = create(&Target::new(path, true, &[]).unwrap(), &header, &WriteOptions::default()).unwrap();
    sink.write(0, &bytes).unwrap();
    publish(vec![sink.finish().unwrap()]).unwrap();
    std::fs::read(path).unwrap()
}

/// A copy with up to five faults: cut, a byte lost, bytes and bits changed.
pub(super) fn damaged(original: &[u8], seed: u64) -> Vec<u8> {
    let mut random = Random(seed);
    let mut bytes = original.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len());
        match random.below(8) {
            0 => bytes.truncate(at + 1),
            1 => bytes[at] = 0xff,
            2 => bytes[at] = 0,
            3 => bytes[at] = 0x80,
            4 => drop(bytes.remove(at)),
            _ => bytes[at] ^= 1 << random.below(8),
        }
        if bytes.is_empty() {
            break;
        }
    }
    bytes
}

fn damage(name: &str, axes: &[u64], rounds: u64) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    let original = valid(&path, axes);
    mutate(&path, &original, rounds);
}

fn mutate(path: &Path, original: &[u8], rounds: u64) {
    let name = path.file_name().unwrap().display();
    std::fs::write(path, original).unwrap();
    open_and_read(path).unwrap();
    let (mut opened, mut refused) = (0, 0);
    for seed in 0..rounds {
        let bytes = damaged(original, seed);
        std::fs::write(path, &bytes).unwrap();
        match open_and_read(path) {
            Ok(_) => opened += 1,
            Err(Error::Format { .. } | Error::Unsupported { .. } | Error::Limit { .. }) => refused += 1,
            Err(e) => panic!("{name}, seed {seed}: {e}"),
        }
    }
    assert!(opened > 0 && refused > 0, "{name}: {opened} opened, {refused} refused");
}

#[test]
fn damaged_nifti() {
    // Few voxels, so that most damage hits the header.
    damage("a.nii", &[3, 2, 2], 2000);
    damage("a.nii.gz", &[9, 8, 7], 1000);
}

#[test]
fn damaged_png() {
    damage("a.png", &[9, 7], 2000);
}

#[test]
fn damaged_tiff() {
    damage("a.tif", &[9, 7, 3], 4000);
    damage("b.tif", &[3, 2], 4000);
}

#[test]
fn damaged_jpeg() {
    let folder = tempfile::tempdir().unwrap();
    for (name, stream) in handmade::ALL {
        mutate(&folder.path().join(format!("{name}.jpg")), &handmade::bytes(stream), 1500);
    }
}
