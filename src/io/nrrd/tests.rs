//! Files made by hand: what each field does, without any file from outside.

use std::io::Write;
use std::path::PathBuf;

use crate::io::tests::{all, open_path};
use crate::io::{OpenOptions, Source};
use crate::volume::{Dtype, Header, Unit};
use crate::{Error, Result};

/// A folder with one NRRD file, and whatever lies beside it.
struct Made {
    folder: tempfile::TempDir,
}

impl Made {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn open(&self, fields: &str, data: &[u8]) -> Result<Box<dyn Source>> {
        std::fs::write(self.at("a.nrrd"), [b"NRRD0005\n", fields.as_bytes(), b"\n", data].concat()).unwrap();
        open_path(&self.at("a.nrrd"))
    }
}

const BYTES: &str = "type: uchar\ndimension: 3\nsizes: 2 3 2\nencoding: raw\n";

fn header(fields: &str) -> Result<Header> {
    Made::new().open(fields, &[1; 64]).map(|source| source.header().clone())
}

fn refused(fields: &str) -> String {
    match header(fields) {
        Err(error @ (Error::Format { .. } | Error::Unsupported { .. })) => error.to_string(),
        other => panic!("{fields}: {other:?}"),
    }
}

fn voxels(fields: &str, data: &[u8]) -> Vec<u8> {
    all(&*Made::new().open(fields, data).unwrap()).unwrap()
}

fn packed(data: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(data).unwrap();
    gzip.finish().unwrap()
}

#[test]
fn the_plainest_header() {
    let h = header(BYTES).unwrap();
    assert_eq!((h.grid.shape.axes(), h.meaning.dtype, h.origin.files), ([2, 3, 2].as_slice(), Dtype::U8, 1));
    assert_eq!(h.origin.notes, ["the header gives no spacing", "52 bytes behind the voxels are not read"]);
    assert!(h.grid.geometry.is_none() && h.meaning.unit == Unit::Unknown);
    assert_eq!(header(&format!("{BYTES}sample units: HU\n")).unwrap().meaning.unit, Unit::Hounsfield);
}

#[test]
fn every_spelling_of_every_type() {
    for (dtype, names) in super::source::TYPES {
        for name in names {
            let fields = BYTES.replace("uchar", &name.to_uppercase()) + "endian: little\n";
            let h = Made::new().open(&fields, &[0; 96]).unwrap().header().clone();
            assert_eq!(h.meaning.dtype, dtype, "{name}");
        }
    }
    assert!(refused(&BYTES.replace("uchar", "block")).starts_with("voxels that are blocks"));
    assert!(refused(&BYTES.replace("uchar", "half")).starts_with("the type is none"));
    assert!(refused(&BYTES.replace("uchar", "short")).starts_with("the header has no field endian for int16"));
}

#[test]
fn spaces_of_patients_become_lps() {
    let vectors = "space directions: (2,0,0) (0,3,0) (0,0,4)\nspace origin: (10,20,30)\n";
    let of = |space: &str| {
        let position = header(&format!("{BYTES}space: {space}\n{vectors}")).unwrap().grid.geometry.unwrap().position;
        position.map(|p| (p.orientation_code(), p.origin_mm))
    };
    for (names, code, origin) in [
        (["left-posterior-superior", "LPS"], "LPS", [10.0, 20.0, 30.0]),
        (["Right-Anterior-Superior", "ras"], "RAS", [-10.0, -20.0, 30.0]),
        (["left-anterior-superior", "LAS"], "LAS", [10.0, -20.0, 30.0]),
    ] {
        for name in names {
            assert_eq!(of(name), Some((code.to_owned(), origin)), "{name}");
        }
    }
    for name in ["scanner-xyz", "3D-right-handed"] {
        assert_eq!(of(name), None, "{name}");
    }
    assert!(refused(&format!("{BYTES}space: heaven\n{vectors}")).starts_with("the space is none"));
    assert!(refused(&format!("{BYTES}{vectors}")).starts_with("space directions without a space"));
    let short = vectors.replace("(2,0,0)", "(2,0)");
    assert!(refused(&format!("{BYTES}space: LPS\n{short}")).starts_with("axis 1 has 2 coordinates, the space 3"));
}

#[test]
fn units_are_converted_and_what_is_assumed_is_said() {
    let of = |units: &str| {
        let vectors = "space: LPS\nspace directions: (2,0,0) (0,3,0) (0,0,4)\nspace origin: (1,0,0)\n";
        let h = header(&format!("{BYTES}{vectors}space units: {units}\n")).unwrap();
        let geometry = h.grid.geometry.unwrap();
        (geometry.spacing_mm, geometry.position.unwrap().origin_mm[0], h.origin.notes[0].clone())
    };
    assert_eq!((of(r#""cm" "m" "mm""#).0, of(r#""cm" "m" "mm""#).1), ([20.0, 3000.0, 4.0], 10.0));
    assert!(of(r#""furlong" "mm" "mm""#).2.starts_with("the unit of length is none of"));
    assert!(!of(r#""furlong" "mm" "mm""#).2.contains("furlong"));
    let h = header(&format!("{BYTES}spacings: 2 nan -3\nunits: \"um\" \"\" \"mm\"\n")).unwrap();
    assert!(h.grid.geometry.is_none() && h.origin.notes.iter().any(|n| n.contains("spacing unknown")), "{:?}", h.origin.notes);
    let h = header(&format!("{BYTES}spacings: 2 1 -3\nunits: \"um\" \"m\" \"\"\n")).unwrap();
    assert_eq!(h.grid.geometry.unwrap().spacing_mm, [0.002, 1000.0, 3.0]);
    for bad in ["0 1 1", "inf 1 1"] {
        assert!(header(&format!("{BYTES}spacings: {bad}\n")).unwrap().grid.geometry.is_none(), "{bad}");
    }
    assert!(refused(&format!("{BYTES}spacings: 1 1\n")).starts_with("the field spacings has 2 values for 3 axes"));
}

#[test]
fn directions_that_span_nothing_are_no_orientation() {
    let of = |vectors: &str| header(&format!("{BYTES}space: LPS\nspace directions: {vectors}\n")).unwrap();
    let flat = of("(1,0,0) (1,0,0) (0,0,1)");
    assert_eq!(flat.grid.geometry.unwrap().position, None);
    assert!(of("(0,0,0) (0,1,0) (0,0,1)").grid.geometry.is_none());
    assert!(of("(1,0,0) (0,1,0) (0,0,1)").origin.notes.iter().any(|n| n.contains("no space origin")));
    // A flat image in space has its normal for a third axis, also where the space is turned into LPS+.
    let fields = "type: uchar\ndimension: 2\nsizes: 2 3\nencoding: raw\nspace: LAS\nspace directions: (0,2,0) (0,0,3)\nspace origin: (0,0,0)\n";
    let position = header(fields).unwrap().grid.geometry.unwrap();
    assert_eq!((position.spacing_mm, position.position.unwrap().orientation_code().as_str()), ([2.0, 3.0, 1.0], "ASR"));
}

#[test]
fn a_list_is_never_taken_for_x() {
    let four = "type: uchar\ndimension: 4\nencoding: raw\n";
    let vectors = |first: &str, last: &str| {
        format!("space: LPS\nspace origin: (0,0,0)\nspace directions: {first}(1,0,0) (0,1,0) (0,0,1){last}\n")
    };
    let data: Vec<u8> = (0..24).collect();
    let last = format!("{four}sizes: 2 3 2 2\nkinds: domain domain domain list\n{}", vectors("", " none"));
    assert_eq!(voxels(&last, &data), data);
    let first = format!("{four}sizes: 2 2 3 2\nkinds: vector domain domain domain\n{}", vectors("none ", ""));
    let source = Made::new().open(&first, &data).unwrap();
    assert_eq!(source.header().grid.shape.axes(), [2, 3, 2, 2]);
    assert_eq!(all(&*source).unwrap(), [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23]);
    // The same by kinds alone, and compressed.
    let kinds = format!("{four}sizes: 2 2 3 2\nkinds: vector domain domain domain\n");
    assert_eq!(voxels(&kinds, &data), all(&*source).unwrap());
    assert_eq!(voxels(&first.replace("raw", "gzip"), &packed(&data)), all(&*source).unwrap());
    let fourth = format!("{four}sizes: 2 3 2 2\nkinds: domain domain domain domain\n");
    assert!(header(&fourth).unwrap().origin.notes[0].contains("axis 4 of the file, 2 samples, is not said to be time"));
    for (fields, why) in [
        (format!("{four}sizes: 2 3 2 2\nkinds: domain list domain domain\n"), "axis 2 lies between axes of space"),
        (format!("{four}sizes: 2 2 3 2\nkinds: list list domain domain\n"), "axis 2 is the second before those of space"),
        (format!("{four}sizes: 2 2 3 2\nkinds: list list list list\n"), "axis 2 is the second"),
        (
            format!("{four}sizes: 2 2 3 2\nkinds: list domain domain domain\n{}", vectors("(1,0,0) ", "")),
            "axis 1 is a list of numbers and has",
        ),
        (
            format!("{four}sizes: 2 2 3 2\nkinds: domain domain domain domain\n{}", vectors("(1,0,0) ", "")),
            "axis 4 is a fourth axis of space",
        ),
        (format!("{four}sizes: 2 2 3 2\nkinds: complex domain domain domain\n"), "complex voxels (axis 1)"),
        (format!("{four}sizes: 2 2 3 2\nkinds: thing domain domain domain\n"), "the kind of axis 1 is none"),
        (format!("{four}sizes: 3 2 2 2\nkinds: hsv-color domain domain domain\n"), "colours that are not said"),
        (format!("{four}sizes: 4 2 2 1\nkinds: rgb-color domain domain domain\n"), "axis 1 has size 4, rgb-color has 3"),
        (format!("{four}sizes: 2 2 2 3\nkinds: domain domain domain rgb-color\n"), "colours in separate planes"),
    ] {
        assert!(refused(&fields).starts_with(why), "{fields}: {}", refused(&fields));
    }
}

#[test]
fn colours_become_grey_and_axes_of_one_go() {
    let fields = "type: uchar\ndimension: 4\nsizes: 3 2 1 1\nkinds: RGB-color domain domain list\nencoding: raw\n";
    let source = Made::new().open(fields, &[255, 0, 0, 10, 10, 10]).unwrap();
    assert_eq!((source.header().grid.shape.axes(), all(&*source).unwrap()), ([2, 1].as_slice(), vec![76, 10]));
    assert!(source.header().origin.notes.iter().any(|n| n.contains("grey")));
    let float = fields.replace("uchar", "float") + "endian: little\n";
    assert!(refused(&float).starts_with("colours of float32"));
    let stub = "type: uchar\ndimension: 4\nsizes: 1 2 1 1\nkinds: stub domain domain domain\nencoding: raw\n";
    assert_eq!(header(stub).unwrap().grid.shape.axes(), [2, 1, 1]);
}

#[test]
fn time_has_its_unit() {
    let of = |more: &str| {
        let fields = "type: uchar\ndimension: 4\nsizes: 2 1 1 3\nkinds: domain domain domain time\nencoding: raw\n";
        let h = header(&format!("{fields}{more}")).unwrap();
        (h.grid.time_step_s, h.origin.notes.join("; "))
    };
    assert_eq!(of("spacings: 1 1 1 250\nunits: \"mm\" \"mm\" \"mm\" \"ms\"\n").0, Some(0.25));
    let (step, notes) = of("spacings: 1 1 1 2\n");
    assert!(step == Some(2.0) && notes.contains("seconds are assumed"), "{notes}");
    assert_eq!(
        (of("spacings: 1 1 1 2\nunits: \"mm\" \"mm\" \"mm\" \"Hz\"\n").0, of("spacings: 1 1 1 nan\n").0, of("").0),
        (None, None, None)
    );
    let space = "space: left-posterior-superior-time\nspace directions: (1,0,0,0) (0,1,0,0) (0,0,1,0) (0,0,0,4)\nspace origin: (1,2,3,0)\n";
    assert_eq!(of(&format!("{space}space units: \"mm\" \"mm\" \"mm\" \"s\"\n")).0, Some(4.0));
    let fields = "type: uchar\ndimension: 4\nsizes: 2 1 1 3\nencoding: raw\n";
    let leaning = space.replace("(0,0,1,0)", "(0,0,1,1)");
    assert!(refused(&format!("{fields}{leaning}")).starts_with("axis 3 runs through space and time at once"));
}

#[test]
fn encodings_skips_and_orders_of_bytes() {
    let short = "type: short\ndimension: 1\nsizes: 3\nkinds: domain\n";
    let (little, want) = ([1, 0, 2, 0, 3, 1], [1, 0, 2, 0, 3, 1]);
    let big = [0, 1, 0, 2, 1, 3];
    assert_eq!(voxels(&format!("{short}encoding: raw\nendian: little\n"), &little), want);
    assert_eq!(voxels(&format!("{short}encoding: RAW\nendian: big\n"), &big), want);
    assert_eq!(voxels(&format!("{short}encoding: gz\nendian: big\n"), &packed(&big)), want);
    let skipped = [b"line\nother\n".as_slice(), &packed(&[&[9, 9], big.as_slice()].concat())].concat();
    assert_eq!(voxels(&format!("{short}encoding: gzip\nendian: big\nline skip: 2\nbyte skip: 2\n"), &skipped), want);
    assert_eq!(voxels(&format!("{short}encoding: gzip\nendian: big\nlineskip: 2\nbyteskip: -1\n"), &skipped), want);
    assert_eq!(
        voxels(&format!("{short}encoding: raw\nendian: little\nbyte skip: -1\n"), &[b"junk", little.as_slice()].concat()),
        want
    );
    for name in ["ascii", "text", "txt", "ASCII"] {
        assert_eq!(voxels(&format!("{short}encoding: {name}\nendian: big\n"), b"1 2,\n259"), want, "{name}");
    }
    let of = |fields: &str, data: &[u8]| {
        Made::new().open(&format!("{short}endian: little\n{fields}"), data).map(|_| ()).unwrap_err().to_string()
    };
    assert!(of("encoding: raw\n", &little[..5]).starts_with("truncated: the file has"));
    assert!(of("encoding: raw\nbyte skip: 1\n", &little).starts_with("truncated: the file has"));
    assert!(of("encoding: raw\nbyte skip: -1\n", &little[..5]).starts_with("truncated: the file has"));
    assert!(of("encoding: raw\nbyte skip: 9223372036854775807\n", &little).starts_with("truncated: the file has"));
    assert!(of("encoding: raw\nline skip: 3\n", b"a\nb\n").starts_with("truncated: 3 lines are to be skipped, the data have 2"));
    assert!(
        of("encoding: gzip\nbyte skip: -1\n", &packed(&little[..5])).starts_with("truncated: the gzip data have 5 bytes, need 6")
    );
    assert!(of("encoding: raw\nbyte skip: -5\n", &little).starts_with("a byte skip of -5"));
    assert!(of("encoding: hex\n", b"0102").starts_with("voxels written in hexadecimal"));
    assert!(of("encoding: zip\n", &little).starts_with("the encoding is none"));
    assert!(of("encoding: ascii\n", b"1 2").starts_with("truncated: 2 numbers, the header needs 3"));
    let broken = packed(&little);
    let source = Made::new();
    let source = source.open(&format!("{short}encoding: gzip\nendian: little\n"), &broken[..broken.len() - 9]).unwrap();
    assert!(all(&*source).is_err());
}

#[test]
fn bzip2_in_several_streams() {
    let stream = |data: &[u8]| {
        let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        bzip2.write_all(data).unwrap();
        bzip2.finish().unwrap()
    };
    let data = [stream(&[1, 2, 3]), stream(&[4, 5, 6]), b"trailing".to_vec()].concat();
    let fields = "type: uchar\ndimension: 1\nsizes: 6\nencoding: bzip2\n";
    assert_eq!(voxels(fields, &data), [1, 2, 3, 4, 5, 6]);
    let short = Made::new();
    let error = all(&*short.open(fields, &stream(&[1, 2, 3])).unwrap()).unwrap_err().to_string();
    assert!(error.starts_with("truncated: the data end early"), "{error}");
    let mut damaged = stream(&[7; 600]);
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0x55;
    let fields = fields.replace("sizes: 6", "sizes: 600");
    assert!(all(&*Made::new().open(&fields, &damaged).unwrap()).is_err());
}

#[test]
fn data_files_lie_beside_the_header() {
    let made = Made::new();
    let detached = |fields: &str| {
        std::fs::write(made.at("a.nhdr"), format!("NRRD0004\ntype: uchar\ndimension: 3\nsizes: 2 1 4\nencoding: raw\n{fields}"))
            .unwrap();
        open_path(&made.at("a.nhdr")).and_then(|source| Ok((all(&*source)?, source.header().origin.files)))
    };
    std::fs::write(made.at("all.raw"), [1, 2, 3, 4, 5, 6, 7, 8]).unwrap();
    for i in 0..4u8 {
        std::fs::write(made.at(&format!("s{i}.raw")), [9, 2 * i + 1, 2 * i + 2]).unwrap();
    }
    let want = [1, 2, 3, 4, 5, 6, 7, 8];
    assert_eq!(detached("data file: all.raw\n").unwrap(), (want.into(), 1));
    assert_eq!(detached("byte skip: 1\ndatafile: s%d.raw 0 3 1\n").unwrap(), (want.into(), 4));
    assert_eq!(detached("byte skip: -1\ndata file: LIST\ns0.raw\ns1.raw\r\ns2.raw\ns3.raw").unwrap(), (want.into(), 4));
    let error = |fields: &str| detached(fields).unwrap_err().to_string();
    assert!(error("").starts_with("truncated: the header does not end, and names no data file"));
    assert!(error("data file: ../all.raw\n").starts_with("the header names a file outside of its folder"));
    assert!(error("data file: Jane.raw\n").starts_with("data file 1 that the header names is not there"));
    assert!(error("byte skip: 2\ndata file: s%d.raw 0 3 1\n").starts_with("truncated: data file 1 has 3 bytes, needs 4"));
    assert!(error("data file: s%d.raw 0 2 1\n").starts_with("8 voxels do not divide among 3 data files"));
    assert!(error("data file: s%s.raw 0 3 1\n").starts_with("data files by another pattern"));
    assert!(error("data file: LIST\n").starts_with("0 data files in the header"));
    assert!(!error("data file: Jane.raw\n").contains("Jane"));
}

#[test]
fn sizes_are_not_believed() {
    for sizes in ["0 3 2", "-1 3 2", "x 3 2", "99999999999999999999 3 2", "4294967296 4294967296 4294967296"] {
        refused(&BYTES.replace("2 3 2", sizes));
    }
    assert!(refused(&BYTES.replace("2 3 2", "1000000 1000 100")).starts_with("truncated: the file has"));
    assert!(matches!(header(&BYTES.replace("2 3 2", "1000000 1000000 100")), Err(Error::Limit { .. })));
    assert!(refused(&BYTES.replace("dimension: 3", "dimension: 17")).starts_with("17 axes"));
    let gzip = BYTES.replace("raw", "gzip").replace("2 3 2", "1000 1000 100");
    assert!(refused(&gzip).starts_with("truncated: 64 bytes of gzip hold at most 66048"));
    let few = OpenOptions { max_bytes: Some(11), ..OpenOptions::default() };
    let made = Made::new();
    drop(made.open(BYTES, &[0; 12]).unwrap());
    assert!(matches!(crate::io::open(&[made.at("a.nrrd")], &few), Err(Error::Limit { .. })));
}
