//! Small valid files, damaged at random: whatever becomes of them, no panic, and no error of the wrong kind.

use std::io::Write;
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
pub(in crate::io) fn damaged(original: &[u8], seed: u64) -> Vec<u8> {
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
    let original = valid(&folder.path().join(name), axes);
    damage_file(name, &original, rounds);
}

fn damage_file(name: &str, original: &[u8], rounds: u64) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(folder.path().join("a.raw"), [7; 24]).unwrap();
    mutate(&path, original, rounds);
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
    damage("a.nii", &[3, 2, 2], 1500);
    damage("a.nii.gz", &[9, 8, 7], 1000);
}

#[test]
fn damaged_nrrd() {
    damage("a.nrrd", &[3, 2, 2], 1500);
    let fields = "NRRD0005\ntype: short\ndimension: 4\nsizes: 2 3 2 1\nkinds: vector domain domain time\nendian: big\n";
    let detached = "encoding: raw\nspacings: nan 1 2 nan\ndata file: a.raw\n";
    damage_file("a.nhdr", [fields, detached].concat().as_bytes(), 1500);
    for encoding in ["gzip", "bzip2", "ascii"] {
        let space = "space: RAS\nspace directions: none (1,0,0) (0,1,0) none\nspace origin: (1,2,3)\nbyte skip: 0\n";
        let mut bytes = format!("{fields}encoding: {encoding}\n{space}\n").into_bytes();
        match encoding {
            "gzip" => bytes.extend(compressed(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()))),
            "bzip2" => {
                let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
                bzip2.write_all(&[7; 24]).unwrap();
                bytes.extend(bzip2.finish().unwrap());
            }
            _ => bytes.extend(b"1 2 3 4 5 6 7 8 9 10 11 12"),
        }
        damage_file("b.nrrd", &bytes, 1000);
    }
}

fn compressed(mut gzip: flate2::write::GzEncoder<Vec<u8>>) -> Vec<u8> {
    gzip.write_all(&[7; 24]).unwrap();
    gzip.finish().unwrap()
}

#[test]
fn damaged_metaimage() {
    damage("a.mha", &[3, 2, 2], 1500);
    let keys = "ObjectType = Image\nNDims = 3\nDimSize = 3 2 2\nElementType = MET_SHORT\nElementSpacing = 1 2 3\n\
                TransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = 1 2 3\nBinaryDataByteOrderMSB = True\n";
    damage_file("b.mhd", format!("{keys}ElementDataFile = a.raw\n").as_bytes(), 1500);
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    zlib.write_all(&[7; 24]).unwrap();
    let local = format!("{keys}CompressedData = True\nElementDataFile = LOCAL\n");
    damage_file("b.mha", &[local.as_bytes(), &zlib.finish().unwrap()].concat(), 1000);
}

#[test]
fn damaged_npy() {
    damage("a.npy", &[3, 2, 2], 1500);
}

#[test]
fn damaged_png() {
    damage("a.png", &[9, 7], 2000);
}

#[test]
fn damaged_tiff() {
    damage("a.tif", &[9, 7, 3], 1500);
    damage("b.tif", &[3, 2], 1500);
}

#[test]
fn damaged_jpeg() {
    let folder = tempfile::tempdir().unwrap();
    for (name, stream) in handmade::ALL {
        mutate(&folder.path().join(format!("{name}.jpg")), &handmade::bytes(stream), 700);
    }
}
