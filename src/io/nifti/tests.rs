//! Headers made by hand: what each field does, without any file from outside.

use std::path::Path;

use super::fields::{Fields, Version};
use super::header::{Container, interpret};
use crate::Result;
use crate::io::{ExtensionPolicy, OpenOptions, Role};
use crate::volume::{Dtype, Header, Rescale};

/// A 2 x 3 x 4 int16 volume of 1 x 2 x 3 mm, without orientation.
pub(super) fn plain(version: Version) -> Fields {
    Fields {
        version,
        big_endian: false,
        magic: if version == Version::One { *b"n+1\0" } else { *b"n+2\0" },
        dim: [3, 2, 3, 4, 1, 1, 1, 1],
        glmin: 0,
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
        interpret(Path::new("a.nii"), &fields.write(), Container::Single, &OpenOptions::default()).map(|(header, _)| header)
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

/// Of NIfTI-1 alone: what NIfTI-2 has no need of.
fn header_one(change: impl Fn(&mut Fields)) -> Result<Header> {
    let mut fields = plain(Version::One);
    change(&mut fields);
    let mut bytes = fields.write();
    bytes[144..148].copy_from_slice(&(fields.glmin as i32).to_le_bytes());
    interpret(Path::new("a.nii"), &bytes, Container::Single, &OpenOptions::default()).map(|(header, _)| header)
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
    let note = "sform and qform disagree (they point to RAS and LPS, up to 37.4 mm apart); the sform is used";
    assert_eq!(both.as_ref().unwrap().origin.notes, [note]);
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
    for bad in [[0, 1, 1, 1, 1, 1, 1, 1], [8, 1, 1, 1, 1, 1, 1, 1], [3, 0, 2, 2, 1, 1, 1, 1], [3, 2, -5, 2, 1, 1, 1, 1]] {
        assert!(axes(bad).is_err());
    }
}

#[test]
fn types_and_labels() {
    let of = |datatype, bitpix| header(|f| (f.datatype, f.bitpix) = (datatype, bitpix)).map(|h| h.meaning.dtype);
    assert_eq!(of(512, 16).unwrap(), Dtype::U16);
    assert_eq!(of(128, 24).unwrap(), Dtype::U8);
    assert_eq!(of(2304, 32).unwrap(), Dtype::U8);
    // The type decides, and the contradiction is said.
    for bits in [0, 32] {
        let h = header(|f| (f.datatype, f.bitpix) = (512, bits)).unwrap();
        let note = format!("the header states {bits} bits a voxel, datatype 512 has 16: the datatype is taken");
        assert!(h.meaning.dtype == Dtype::U16 && h.origin.notes.contains(&note), "{:?}", h.origin.notes);
    }
    for (datatype, bitpix) in [(1, 1), (32, 64), (1536, 128), (1792, 128), (2048, 256)] {
        assert!(matches!(of(datatype, bitpix), Err(crate::Error::Unsupported { .. })));
    }
    assert!(matches!(of(9999, 16), Err(crate::Error::Format { .. })));
    assert!(header(|f| f.intent = 1002).unwrap().meaning.labels);
}

#[test]
fn sizes_that_a_header_has_no_room_for() {
    let of = |dim, glmin| header_one(|f| (f.dim, f.glmin) = (dim, glmin));
    let long = of([3, -1, 1, 1, 1, 1, 1, 1], 40_000).unwrap();
    assert_eq!(long.grid.shape.axes(), [40_000, 1, 1]);
    assert!(long.origin.notes.iter().any(|n| n.contains("FreeSurfer")));
    assert_eq!(of([4, 27_307, 1, 6, 2, 1, 1, 1], 0).unwrap().grid.shape.axes(), [163_842, 1, 1, 2]);
    for (dim, glmin) in [([3, -1, 1, 1, 1, 1, 1, 1], 0), ([3, -1, 1, 1, 1, 1, 1, 1], -5), ([3, -1, 2, 1, 1, 1, 1, 1], 9)] {
        assert!(of(dim, glmin).unwrap_err().to_string().starts_with("axis 1 has size -1"));
    }
    let zero = of([4, 4, 5, 6, 0, 1, 1, 1], 0).unwrap();
    assert_eq!(zero.grid.shape.axes(), [4, 5, 6]);
    assert!(zero.origin.notes.contains(&"axis 4 has size 0: taken as 1".to_owned()));
}

#[test]
fn axes_beyond_time_are_volumes_and_it_is_said() {
    let vectors = header(|f| (f.dim, f.intent) = ([5, 4, 3, 2, 1, 3, 1, 1], 1007)).unwrap();
    let note = "the axes beyond the fourth (3) (intent 1007) are read as further volumes: 3 in all";
    assert!(vectors.origin.notes.contains(&note.to_owned()) && vectors.grid.shape.volumes() == 3, "{:?}", vectors.origin.notes);
    let seven = header(|f| f.dim = [7, 2, 2, 2, 2, 3, 1, 2]).unwrap();
    assert!(seven.origin.notes.iter().any(|n| n.contains("(3 x 1 x 2)") && n.ends_with("12 in all")));
    let hertz = header(|f| (f.dim[0], f.dim[4], f.units) = (4, 5, 2 | 32)).unwrap();
    assert!(hertz.grid.time_step_s.is_none() && hertz.origin.notes.iter().any(|n| n.contains("hertz")));
}

#[test]
fn what_is_no_image_is_named() {
    let refused = |change: &dyn Fn(&mut Fields)| header(change).unwrap_err().to_string();
    let cifti = refused(&|f| (f.dim, f.intent) = ([6, 1, 1, 1, 1, 20, 91_282 % 30_000, 1], 3002));
    assert!(cifti.starts_with("a CIFTI file (intent 3002)"), "{cifti}");
    for (code, name) in [(32, "complex64"), (1792, "complex128"), (2048, "complex256")] {
        assert!(refused(&move |f| f.datatype = code).starts_with(&format!("complex voxels ({name})")));
    }
    let labels = OpenOptions::of(Role::Labels);
    let mut fields = plain(Version::One);
    (fields.datatype, fields.bitpix) = (128, 24);
    let error = interpret(Path::new("a.nii"), &fields.write(), Container::Single, &labels).unwrap_err();
    assert!(error.to_string().starts_with("labels in colours"), "{error}");
}

#[test]
fn geometries_may_differ_by_what_float32_leaves() {
    let moved = |mm: f64| {
        let h = header(|f| {
            let ras = [[1.0, 0.0, 0.0, -90.0], [0.0, 2.0, 0.0, -126.0], [0.0, 0.0, 3.0, -72.0]];
            (f.sform_code, f.srow, f.qform_code) = (1, ras, 1);
            f.offset = [-90.0 + mm, -126.0, -72.0];
        });
        h.unwrap().origin.notes
    };
    assert!(moved(0.09).is_empty(), "{:?}", moved(0.09));
    assert_eq!(moved(0.25), ["sform and qform disagree (up to 0.25 mm apart); the sform is used"]);
}

/// The header of a pair in the byte order asked for, with voxels 1, 2, 0xfeff … beside it.
fn pair(folder: &Path, name: &str, magic: [u8; 4], change: impl Fn(&mut Vec<u8>)) {
    let mut fields = plain(if magic[2] == b'2' { Version::Two } else { Version::One });
    (fields.magic, fields.vox_offset) = (magic, 0.0);
    let mut bytes = fields.write();
    change(&mut bytes);
    std::fs::write(folder.join(format!("{name}.hdr")), &bytes).unwrap();
    std::fs::write(folder.join(format!("{name}.img")), (0..48u8).collect::<Vec<u8>>()).unwrap();
}

#[test]
fn pairs_are_read_by_either_name() {
    let folder = tempfile::tempdir().unwrap();
    pair(folder.path(), "one", *b"ni1\0", |_| {});
    pair(folder.path(), "two", *b"ni2\0", |_| {});
    for (name, format) in [("one", "NIfTI-1 pair"), ("two", "NIfTI-2 pair")] {
        for ending in ["hdr", "img"] {
            let source = crate::io::open(&[folder.path().join(format!("{name}.{ending}"))], &OpenOptions::default()).unwrap();
            assert_eq!((source.header().origin.format.as_str(), source.header().origin.files), (format, 2));
            let mut voxels = [0; 4];
            source.read(1, &mut voxels).unwrap();
            assert_eq!(voxels, [2, 3, 4, 5]);
        }
    }
    std::fs::write(folder.path().join("one.img"), [0; 47]).unwrap();
    let error = super::open(&folder.path().join("one.hdr"), &OpenOptions::default()).map(|_| ()).unwrap_err().to_string();
    assert!(error.starts_with("truncated: the file has 47 bytes, needs 48") && error.ends_with("one.img"), "{error}");
}

#[test]
fn analyze_is_read_without_an_orientation() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.img");
    let scaled = |slope: f32| {
        move |bytes: &mut Vec<u8>| {
            bytes[112..116].copy_from_slice(&slope.to_le_bytes());
            // What would be an sform in NIfTI, and is a patient's number and dates in Analyze.
            bytes[254] = 1;
            [280, 300, 320].into_iter().for_each(|at| bytes[at..at + 4].copy_from_slice(&1f32.to_le_bytes()));
        }
    };
    pair(folder.path(), "old", [0; 4], scaled(0.0));
    let open = || super::open(&path, &OpenOptions::default()).map(|s| s.header().clone());
    let h = open().unwrap();
    assert_eq!((h.origin.format.as_str(), h.meaning.rescale.uniform()), ("Analyze 7.5", Some(Rescale::IDENTITY)));
    assert!(h.grid.geometry.as_ref().unwrap().position.is_none() && h.origin.notes[0].contains("orientation unknown"));
    pair(folder.path(), "old", [0; 4], scaled(0.5));
    assert_eq!(open().unwrap().meaning.rescale.uniform().unwrap().slope, 0.5);
    assert!(open().unwrap().origin.notes[0].starts_with("a scale factor of 0.5"));
    // SPM99's code for uint16.
    pair(folder.path(), "old", [0; 4], |bytes| bytes[70..72].copy_from_slice(&132i16.to_le_bytes()));
    assert_eq!(open().unwrap().meaning.dtype, Dtype::U16);
    pair(folder.path(), "old", [0; 4], |bytes| bytes[108..112].copy_from_slice(&(-8f32).to_le_bytes()));
    assert!(open().unwrap_err().to_string().starts_with("the voxels begin at byte -8"));
}

#[test]
fn damaged_headers_of_pairs_are_refused_or_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.hdr");
    let options = OpenOptions { max_bytes: Some(1 << 20), extensions: ExtensionPolicy::Keep, ..OpenOptions::default() };
    let mut opened = 0;
    for magic in [*b"ni1\0", [0; 4], *b"ni2\0"] {
        pair(folder.path(), "a", magic, |bytes| bytes.extend([&[1, 0, 0, 0, 16, 0, 0, 0, 6, 0, 0, 0][..], &[0; 8]].concat()));
        let whole = std::fs::read(&path).unwrap();
        for (at, value) in (0..whole.len()).flat_map(|at| [0, 1, 0x7f, 0x80, 0xff].map(|value| (at, value))) {
            let mut bytes = whole.clone();
            bytes[at] = value;
            std::fs::write(&path, &bytes).unwrap();
            match super::open(&path, &options) {
                Ok(source) => {
                    let mut all = vec![0; source.header().bytes() as usize];
                    source.read(0, &mut all).unwrap();
                    opened += 1;
                }
                Err(crate::Error::Format { .. } | crate::Error::Unsupported { .. } | crate::Error::Limit { .. }) => {}
                Err(e) => panic!("byte {at} is {value}: {e}"),
            }
        }
    }
    assert!(opened > 100, "{opened}");
}

#[test]
fn extensions_are_left_out_or_passed_on() {
    let folder = tempfile::tempdir().unwrap();
    let (path, out) = (folder.path().join("a.nii"), folder.path().join("b.nii.gz"));
    let mut fields = plain(Version::One);
    fields.vox_offset = 384.0;
    let extension = [&[32, 0, 0, 0, 2, 0, 0, 0][..], b"Zqvx^Maria^^Dr__________"].concat();
    let bytes = [&fields.write()[..], &[1, 0, 0, 0], &extension, &[7; 48]].concat();
    std::fs::write(&path, bytes).unwrap();
    let header = |options: &OpenOptions| super::open(&path, options).unwrap().header().clone();
    let plain = header(&OpenOptions::default());
    assert!(plain.origin.extensions.0.is_empty());
    assert!(plain.origin.notes.contains(&"32 bytes of header extensions are left out".to_owned()), "{:?}", plain.origin.notes);
    let kept = header(&OpenOptions { extensions: ExtensionPolicy::Keep, ..OpenOptions::default() });
    assert_eq!(kept.origin.extensions.0, extension);
    assert!(!format!("{kept:?}").contains("Zqvx"));
    let target = crate::io::output::Target::new(&out, true, &[]).unwrap();
    let sink = crate::io::create(&target, &kept, &crate::io::WriteOptions::default()).unwrap();
    sink.write(0, &[7; 48]).unwrap();
    crate::io::output::publish(vec![sink.finish().unwrap()]).unwrap();
    let again = super::open(&out, &OpenOptions { extensions: ExtensionPolicy::Keep, ..OpenOptions::default() }).unwrap();
    assert_eq!(again.header().origin.extensions.0, extension);
    let mut voxels = [0; 48];
    again.read(0, &mut voxels).unwrap();
    assert_eq!(voxels, [7; 48]);
}

#[test]
fn a_volume_is_received_that_can_be_read_but_once() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = [&plain(Version::One).write()[..], &[0; 4], &(0..48u8).collect::<Vec<_>>()].concat();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gz, &bytes).unwrap();
    let receive = |bytes: &[u8], most| {
        let options = OpenOptions { max_bytes: most, ..OpenOptions::default() };
        super::receive(&folder.path().join("-"), &mut { bytes }, &options)
    };
    for bytes in [bytes.clone(), gz.finish().unwrap()] {
        let source = receive(&bytes, None).unwrap();
        for at in [20, 3] {
            let mut voxels = [0; 2];
            source.read(at, &mut voxels).unwrap();
            assert_eq!(voxels, [2 * at as u8, 2 * at as u8 + 1]);
        }
    }
    assert!(matches!(receive(b"", None), Err(crate::Error::Format { .. })));
    assert!(matches!(receive(b"no volume", None), Err(crate::Error::Format { .. })));
    assert!(matches!(receive(&bytes, Some(40)), Err(crate::Error::Limit { .. })));
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
    // Of a mask all but black is inside, also what has no grey.
    bytes[352..358].copy_from_slice(&[0, 0, 1, 0, 0, 0]);
    std::fs::write(&path, &bytes).unwrap();
    for (role, wanted) in [(Role::Image, [0, 0]), (Role::Mask, [1, 0])] {
        super::open(&path, &OpenOptions::of(role)).unwrap().read(0, &mut voxels).unwrap();
        assert_eq!(voxels, wanted);
    }
    bytes.pop();
    std::fs::write(&path, &bytes).unwrap();
    let error = super::open(&path, &OpenOptions::default()).map(|_| ()).unwrap_err().to_string();
    assert!(error.starts_with("truncated: the file has 357 bytes, needs 358"), "{error}");
}
