//! Files made by hand: what each key does, without any file from outside.

use std::io::Write;
use std::path::PathBuf;

use crate::io::Source;
use crate::io::tests::{all, open_path};
use crate::volume::{Dtype, Header};
use crate::{Error, Result};

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

    fn open(&self, keys: &str, data: &[u8]) -> Result<Box<dyn Source>> {
        std::fs::write(self.at("a.mha"), [keys.as_bytes(), data].concat()).unwrap();
        open_path(&self.at("a.mha"))
    }
}

const SHORTS: &str = "NDims = 3\nDimSize = 2 1 2\nElementType = MET_SHORT\nElementByteOrderMSB = False\n";
const LOCAL: &str = "ElementDataFile = LOCAL\n";
const DATA: [u8; 8] = [1, 0, 2, 0, 3, 0, 4, 1];

fn header(keys: &str) -> Result<Header> {
    Made::new().open(&format!("{keys}{LOCAL}"), &[0; 64]).map(|source| source.header().clone())
}

fn voxels(keys: &str, data: &[u8]) -> Vec<u8> {
    all(&*Made::new().open(keys, data).unwrap()).unwrap()
}

fn refused(keys: &str) -> String {
    match header(keys) {
        Err(error @ (Error::Format { .. } | Error::Unsupported { .. })) => error.to_string(),
        other => panic!("{keys}: {other:?}"),
    }
}

fn notes(keys: &str) -> String {
    header(keys).unwrap().origin.notes.join("; ")
}

#[test]
fn the_plainest_header() {
    let h = header(SHORTS).unwrap();
    assert_eq!((h.grid.shape.axes(), h.meaning.dtype), ([2, 1, 2].as_slice(), Dtype::I16));
    assert_eq!(h.origin.notes, ["the header gives no spacing", "56 bytes behind the voxels are not read"]);
    for (dtype, names) in super::source::TYPES {
        for name in names {
            assert_eq!(header(&SHORTS.replace("MET_SHORT", name)).unwrap().meaning.dtype, dtype, "{name}");
        }
    }
    assert!(refused(&SHORTS.replace("MET_SHORT", "MET_STRING")).starts_with("elements of this type"));
    assert!(refused(&SHORTS.replace("MET_SHORT", "short")).starts_with("the ElementType is none"));
    assert!(refused(&format!("ObjectType = Tube\n{SHORTS}")).starts_with("a MetaIO object that is no image"));
    assert!(refused(&SHORTS.replace("2 1 2", "2 1")).starts_with("DimSize has 2 numbers for 3 axes"));
    assert!(refused(&SHORTS.replace("2 1 2", "2 0 2")).starts_with("the size of axis 2"));
    assert!(refused(&SHORTS.replace("= 3", "= 11")).starts_with("11 axes"));
}

#[test]
fn rows_of_the_matrix_are_directions_of_axes() {
    // x of the voxels points to P, y to S, z to L.
    let keys = format!("{SHORTS}ElementSpacing = 1 2 3\nTransformMatrix = 0 1 0 0 0 1 1 0 0\nPosition = 10 20 30\n");
    let geometry = header(&keys).unwrap().grid.geometry.unwrap();
    let position = geometry.position.unwrap();
    assert_eq!(
        (geometry.spacing_mm, position.orientation_code().as_str(), position.origin_mm),
        ([1.0, 2.0, 3.0], "PSL", [10.0, 20.0, 30.0])
    );
    for (name, same) in [("Rotation", true), ("Orientation", true), ("CenterOfRotation", false), ("AnatomicalOrientation", false)]
    {
        let h = header(&keys.replace("TransformMatrix", name)).unwrap();
        assert_eq!(h.grid.geometry.unwrap().position.unwrap().orientation_code() == "PSL", same, "{name}");
    }
    assert!(refused(&format!("{keys}Offset = 10 20 31\n")).starts_with("Offset, Position, Origin say different things"));
    assert!(header(&format!("{keys}Offset = 10 20 30\n")).is_ok());
    assert!(refused(&format!("{SHORTS}ElementSpacing = 1 2\n")).starts_with("ElementSpacing has 2 numbers, needs 3"));
    let spacing = |more: &str| header(&format!("{SHORTS}{more}")).unwrap().grid.geometry;
    assert_eq!(spacing("ElementSize = 2 3 4\nDistanceUnits = um\n").unwrap().spacing_mm, [0.002, 0.003, 0.004]);
    assert_eq!(spacing("ElementSize = 9 9 9\nElementSpacing = 2 3 -4\n").unwrap().spacing_mm, [2.0, 3.0, 4.0]);
    for bad in ["0 1 1", "nan 1 1", "inf 1 1"] {
        assert!(spacing(&format!("ElementSpacing = {bad}\nOffset = 0 0 0\n")).is_none(), "{bad}");
    }
    let turned = spacing("ElementSpacing = 1 1 -1\nOffset = 0 0 0\n").unwrap();
    assert_eq!(turned.position.unwrap().orientation_code(), "LPI");
    assert!(notes(&format!("{SHORTS}ElementSpacing = 1 1 1\nOffset = 0 0 0\n")).contains("patient's axes is assumed"));
    assert!(notes(&keys.replace("Position", "Place")).contains("no offset; 0, 0, 0 is assumed"));
    assert!(
        notes(&format!("{SHORTS}ElementSpacing = 1 1 1\nOffset = 0 0 0\nTransformMatrix = 1 0 0 1 0 0 0 0 1\n"))
            .contains("degenerate")
    );
}

#[test]
fn a_fourth_axis_is_time_and_apart_from_space() {
    let four = "NDims = 4\nDimSize = 2 1 1 2\nElementType = MET_UCHAR\nOffset = 1 2 3 0\nElementSpacing = 1 2 3 ";
    let h = header(&format!("{four}2.5\n")).unwrap();
    assert_eq!((h.grid.shape.axes(), h.grid.time_step_s), ([2, 1, 1, 2].as_slice(), Some(2.5)));
    assert_eq!(h.grid.geometry.unwrap().position.unwrap().origin_mm, [1.0, 2.0, 3.0]);
    assert_eq!(header(&format!("{four}1\n")).unwrap().grid.time_step_s, None);
    let mixed = format!("{four}1\nTransformMatrix = 1 0 0 0 0 1 0 0 0 0 1 1 0 0 0 1\n");
    assert!(refused(&mixed).starts_with("an axis that runs through space and time"));
    let flat = "NDims = 2\nDimSize = 2 2\nElementType = MET_UCHAR\nElementSpacing = 1 2 9\nOffset = 1 2\n";
    let geometry = header(flat).unwrap().grid.geometry.unwrap();
    assert!(geometry.spacing_mm == [1.0, 2.0, 1.0] && geometry.position.is_none());
}

#[test]
fn channels_become_grey_or_volumes() {
    let of = |kind: &str, channels: usize, data: &[u8]| {
        let keys = format!("NDims = 2\nDimSize = 2 1\nElementType = {kind}\nElementNumberOfChannels = {channels}\n{LOCAL}");
        let source = Made::new().open(&keys, data).unwrap();
        (source.header().grid.shape.axes().to_vec(), all(&*source).unwrap(), source.header().origin.notes[0].clone())
    };
    let (axes, grey, note) = of("MET_UCHAR_ARRAY", 3, &[255, 0, 0, 9, 9, 9]);
    assert!(axes == [2, 1] && grey == [76, 9] && note.contains("taken for red, green and blue"), "{note}");
    let (axes, volumes, note) = of("MET_CHAR", 3, &[1, 2, 3, 4, 5, 6]);
    assert!(axes == [2, 1, 1, 3] && volumes == [1, 4, 2, 5, 3, 6] && note.contains("read as volumes"), "{note}");
    for bad in ["0", "-1", "99999999"] {
        assert!(refused(&format!("{SHORTS}ElementNumberOfChannels = {bad}\n")).starts_with("the number of channels"), "{bad}");
    }
}

#[test]
fn orders_of_bytes_text_and_compression() {
    assert_eq!(voxels(&format!("{SHORTS}{LOCAL}"), &DATA), DATA);
    let big: Vec<u8> = DATA.chunks(2).flat_map(|v| [v[1], v[0]]).collect();
    assert_eq!(
        voxels(&format!("{}BinaryDataByteOrderMSB = True\n{LOCAL}", SHORTS.replace("ElementByteOrderMSB = False\n", "")), &big),
        DATA
    );
    assert!(refused(&format!("{SHORTS}BinaryDataByteOrderMSB = True\n")).contains("say different things"));
    assert!(notes(&SHORTS.replace("ElementByteOrderMSB = False\n", "")).contains("lowest first is assumed"));
    assert_eq!(voxels(&format!("{SHORTS}BinaryData = False\n{LOCAL}"), b"1 2 3 260"), DATA);
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    zlib.write_all(&DATA).unwrap();
    let zlib = zlib.finish().unwrap();
    let packed = |more: &str| format!("{SHORTS}CompressedData = True\n{more}{LOCAL}");
    assert_eq!(voxels(&packed(""), &zlib), DATA);
    assert_eq!(voxels(&packed(&format!("CompressedDataSize = {}\n", zlib.len())), &[zlib.as_slice(), b"more"].concat()), DATA);
    let open = |keys: &str, data: &[u8]| Made::new().open(keys, data).and_then(|source| all(&*source)).unwrap_err().to_string();
    assert!(open(&packed("CompressedDataSize = 99\n"), &zlib).starts_with("truncated: the file has"));
    assert!(open(&packed(""), &zlib[..zlib.len() - 6]).starts_with("truncated: the data end early"));
    assert!(open(&packed(""), &DATA).starts_with("damaged zlib data"));
    assert!(open(&packed("HeaderSize = -1\n"), &zlib).starts_with("compressed data that end with their file"));
    assert!(open(&format!("{SHORTS}{LOCAL}"), &DATA[..7]).starts_with("truncated: the file has"));
    let gzip = {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(&DATA).unwrap();
        gzip.finish().unwrap()
    };
    assert_eq!(voxels(&packed(""), &gzip), DATA);
}

#[test]
fn data_files_lie_beside_the_header() {
    let made = Made::new();
    let detached = |keys: &str| {
        std::fs::write(made.at("a.mhd"), format!("{SHORTS}{keys}")).unwrap();
        open_path(&made.at("a.mhd")).and_then(|source| all(&*source))
    };
    std::fs::write(made.at("all.raw"), [b"head".as_slice(), &DATA].concat()).unwrap();
    std::fs::write(made.at("s01.raw"), &DATA[..4]).unwrap();
    std::fs::write(made.at("s03.raw"), &DATA[4..]).unwrap();
    for good in [
        "HeaderSize = -1\nElementDataFile = all.raw\n",
        "HeaderSize = 4\nElementDataFile = all.raw",
        "ElementDataFile = LIST\ns01.raw\n\ns03.raw\n",
        "ElementDataFile = LIST 2\ns01.raw\ns03.raw\n",
        "ElementDataFile = s%02d.raw 1 3 2\n",
    ] {
        assert_eq!(detached(good).unwrap(), DATA, "{good}");
    }
    let error = |keys: &str| detached(keys).unwrap_err().to_string();
    assert!(error("ElementDataFile = /etc/hostname\n").starts_with("the header names a file outside of its folder"));
    assert!(error("ElementDataFile = ../a.raw\n").starts_with("the header names a file outside of its folder"));
    assert!(error("ElementDataFile = Jane Doe.raw\n").starts_with("data file 1 that the header names is not there"));
    assert!(!error("ElementDataFile = Jane Doe.raw\n").contains("Doe"));
    assert!(error("ElementDataFile = s%02d.raw 1 3 x\n").starts_with("data files by another pattern"));
    assert!(error("HeaderSize = -2\nElementDataFile = all.raw\n").starts_with("a header of -2 bytes"));
    assert!(
        error("CompressedData = True\nElementDataFile = LIST\ns01.raw\ns03.raw\n")
            .starts_with("compressed data in several files")
    );
    assert!(
        error("ElementDataFile = LIST\ns01.raw\ns01.raw\ns03.raw\n").starts_with("4 voxels do not divide among 3 data files")
    );
}
