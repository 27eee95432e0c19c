//! Headers made by hand: what each field does, without any file from outside.

use std::path::Path;

use super::fields::{Fields, Version};
use super::header::interpret;
use crate::Result;
use crate::io::{Grey, OpenOptions};
use crate::volume::{Dtype, Header, Rescale};

/// A 2 x 3 x 4 int16 volume of 1 x 2 x 3 mm, without orientation.
pub(super) fn plain(version: Version) -> Fields {
    Fields {
        version,
        big_endian: false,
        magic: if version == Version::One { *b"n+1\0" } else { *b"n+2\0" },
        dim: [3, 2, 3, 4, 1, 1, 1, 1],
        datatype: 4,
        bitpix: 16,
        pixdim: [1.0, 1.0, 2.0, 3.0, 1.0, 1.0, 1.0, 1.0],
        vox_offset: version.first_voxel() as f64,
        slope: 1.0,
        intercept: 0.0,
        units: 2 | 8,
        intent: 0,
        qform_code: 0,
        sform_code: 0,
        quaternion: [0.0; 3],
        offset: [0.0; 3],
        srow: [[0.0; 4]; 3],
    }
}

fn header(change: impl Fn(&mut Fields)) -> Result<Header> {
    let read = |version| {
        let mut fields = plain(version);
        change(&mut fields);
        interpret(Path::new("a.nii"), &fields.write(), Grey::Rec601).map(|(header, _)| header)
    };
    let (one, two) = (read(Version::One), read(Version::Two));
    match (&one, &two) {
        (Ok(one), Ok(two)) => assert_eq!(
            (&one.grid.shape, one.meaning.dtype, &one.grid.geometry),
            (&two.grid.shape, two.meaning.dtype, &two.grid.geometry)
        ),
        (Err(one), Err(two)) => assert_eq!(one.to_string(), two.to_string()),
        (one, two) => panic!("{one:?} {two:?}"),
    }
    one
}

#[test]
fn the_plainest_header() {
    let h = header(|_| {}).unwrap();
    assert_eq!((h.grid.shape.axes(), h.meaning.dtype), ([2, 3, 4].as_slice(), Dtype::I16));
    assert_eq!(h.grid.geometry.as_ref().unwrap().spacing_mm, [1.0, 2.0, 3.0]);
    assert!(h.grid.geometry.unwrap().position.is_none() && !h.meaning.labels && h.grid.time_step_s.is_none());
    assert_eq!(h.origin.notes, ["the header gives no orientation"]);
}

#[test]
fn a_scaling_without_a_slope_is_none() {
    let scaled =
        |slope, intercept| header(|f| (f.slope, f.intercept) = (slope, intercept)).map(|h| h.meaning.rescale.uniform().unwrap());
    assert_eq!(scaled(2.0, -10.0).unwrap(), Rescale { slope: 2.0, intercept: -10.0 });
    assert_eq!(scaled(-1.0, 0.0).unwrap().slope, -1.0);
    for slope in [0.0, f64::NAN, f64::INFINITY] {
        assert_eq!(scaled(slope, 5.0).unwrap(), Rescale::IDENTITY);
        assert_eq!(scaled(slope, f64::NAN).unwrap(), Rescale::IDENTITY);
    }
    assert!(scaled(1.0, f64::NAN).is_err());
}

#[test]
fn units_become_millimetres_and_seconds() {
    let of = |units, step: f64| {
        let h = header(|f| {
            (f.units, f.pixdim[4]) = (units, step);
            (f.dim[0], f.dim[4]) = (4, 5);
        });
        h.map(|h| (h.grid.geometry.unwrap().spacing_mm[0], h.grid.time_step_s)).unwrap()
    };
    assert_eq!(of(2 | 8, 2.0), (1.0, Some(2.0)));
    assert_eq!(of(1 | 16, 250.0), (1000.0, Some(0.25)));
    assert_eq!(of(3 | 24, 500_000.0), (0.001, Some(0.5)));
    assert_eq!(of(0, 2.0), (1.0, Some(2.0)));
    assert_eq!(of(2 | 32, 2.0), (1.0, None));
    assert_eq!(of(2 | 8, 0.0), (1.0, None));
}

#[test]
fn an_sform_counts_to_the_right_and_forward() {
    let ras = [[-1.0, 0.0, 0.0, 90.0], [0.0, 2.0, 0.0, -126.0], [0.0, 0.0, 3.0, -72.0]];
    let h = header(|f| (f.sform_code, f.srow) = (2, ras)).unwrap();
    let position = h.grid.geometry.unwrap().position.unwrap();
    assert_eq!((position.orientation_code().as_str(), position.origin_mm), ("LAS", [-90.0, 126.0, -72.0]));
    assert!(h.origin.notes.is_empty());
}

#[test]
fn a_qform_serves_where_there_is_no_usable_sform() {
    // A half turn about z: x to the left, y to the back, z up; pixdim[0] = -1 turns z down.
    let turned = |f: &mut Fields| (f.qform_code, f.quaternion, f.offset) = (1, [0.0, 0.0, 1.0], [10.0, 20.0, 30.0]);
    let code = |h: Header| h.grid.geometry.unwrap().position.unwrap().orientation_code();
    assert_eq!(code(header(turned).unwrap()), "LPS");
    let down = header(|f| {
        turned(f);
        f.pixdim[0] = -1.0;
    });
    assert_eq!(code(down.unwrap()), "LPI");
    let singular = header(|f| {
        turned(f);
        f.sform_code = 1;
    });
    assert_eq!(singular.as_ref().unwrap().origin.notes, ["the sform is degenerate; the qform is used"]);
    assert_eq!(code(singular.unwrap()), "LPS");
    let both = header(|f| {
        turned(f);
        (f.sform_code, f.srow) = (1, [[1.0, 0.0, 0.0, 0.0], [0.0, 2.0, 0.0, 0.0], [0.0, 0.0, 3.0, 0.0]]);
    });
    assert_eq!(both.as_ref().unwrap().origin.notes, ["sform and qform disagree; the sform is used"]);
    assert_eq!(code(both.unwrap()), "RAS");
}

#[test]
fn spacing_that_is_no_spacing_is_none() {
    for bad in [0.0, f64::NAN, f64::INFINITY] {
        let h = header(|f| f.pixdim[2] = bad).unwrap();
        assert!(h.grid.geometry.is_none() && h.origin.notes.iter().any(|n| n.contains("spacing unknown")));
    }
    assert_eq!(header(|f| f.pixdim[2] = -2.0).unwrap().grid.geometry.unwrap().spacing_mm, [1.0, 2.0, 3.0]);
    // An image has no third axis that could lack a spacing.
    let image = header(|f| (f.dim[0], f.pixdim[3]) = (2, 0.0)).unwrap();
    assert_eq!((image.grid.shape.axes(), image.grid.geometry.unwrap().spacing_mm), ([2, 3].as_slice(), [1.0, 2.0, 1.0]));
}

#[test]
fn axes_of_one_are_dropped_beyond_the_third() {
    let axes = |dim| header(|f| f.dim = dim).map(|h| h.grid.shape.axes().to_vec());
    assert_eq!(axes([4, 64, 64, 1, 1, 9, 9, 9]).unwrap(), [64, 64, 1]);
    assert_eq!(axes([5, 1, 2, 3, 1, 3, 1, 1]).unwrap(), [1, 2, 3, 1, 3]);
    assert_eq!(axes([7, 2, 2, 2, 1, 1, 1, 1]).unwrap(), [2, 2, 2]);
    for bad in [[0, 1, 1, 1, 1, 1, 1, 1], [8, 1, 1, 1, 1, 1, 1, 1], [3, 2, 0, 2, 1, 1, 1, 1], [3, 2, -5, 2, 1, 1, 1, 1]] {
        assert!(axes(bad).is_err());
    }
}

#[test]
fn types_and_labels() {
    let of = |datatype, bitpix| header(|f| (f.datatype, f.bitpix) = (datatype, bitpix)).map(|h| h.meaning.dtype);
    assert_eq!(of(512, 16).unwrap(), Dtype::U16);
    assert_eq!(of(128, 24).unwrap(), Dtype::U8);
    assert_eq!(of(2304, 32).unwrap(), Dtype::U8);
    assert!(of(512, 32).unwrap_err().to_string().starts_with("32 bits per voxel do not fit datatype 512"));
    for (datatype, bitpix) in [(1, 1), (32, 64), (1536, 128), (1792, 128), (2048, 256)] {
        assert!(matches!(of(datatype, bitpix), Err(crate::Error::Unsupported { .. })));
    }
    assert!(matches!(of(9999, 16), Err(crate::Error::Format { .. })));
    assert!(header(|f| f.intent = 1002).unwrap().meaning.labels);
}

#[test]
fn big_endian_voxels_are_turned_and_colour_becomes_grey() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.nii");
    let mut fields = plain(Version::One);
    fields.dim = [3, 2, 1, 1, 1, 1, 1, 1];
    let mut bytes = fields.write();
    // Only what the reader looks at, turned by hand.
    bytes[..4].reverse();
    for (at, size, n) in [(40, 2, 8), (68, 2, 1), (70, 2, 2), (76, 4, 8), (108, 4, 3), (252, 2, 2), (256, 4, 18)] {
        bytes[at..at + size * n].chunks_mut(size).for_each(<[u8]>::reverse);
    }
    bytes.extend([0, 0, 0, 0, 0x01, 0x02, 0xff, 0xfe]);
    std::fs::write(&path, &bytes).unwrap();
    let source = super::open(&path, &OpenOptions::default()).unwrap();
    let mut voxels = [0; 4];
    source.read(0, &mut voxels).unwrap();
    assert_eq!(voxels.map(i16::from), [2, 1, 0xfe, 0xff]);

    (fields.datatype, fields.bitpix) = (128, 24);
    let mut bytes = fields.write();
    bytes.extend([0, 0, 0, 0, 255, 0, 0, 10, 10, 10]);
    std::fs::write(&path, &bytes).unwrap();
    let source = super::open(&path, &OpenOptions::default()).unwrap();
    let mut voxels = [0; 2];
    source.read(0, &mut voxels).unwrap();
    assert_eq!(voxels, [76, 10]);
    assert!(source.header().origin.notes.iter().any(|n| n.contains("grey")));
    bytes.pop();
    std::fs::write(&path, &bytes).unwrap();
    let error = super::open(&path, &OpenOptions::default()).map(|_| ()).unwrap_err().to_string();
    assert!(error.starts_with("truncated: the file has 357 bytes, needs 358"), "{error}");
}
