//! Small files made for one question each.

mod series;

use std::path::{Path, PathBuf};

use dicom_core::value::DataSetSequence;
use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_object::{FileMetaTableBuilder, InMemDicomObject};

use super::tests::refusal;
use super::*;
use crate::volume::{Dtype, Header, Padding, Rescale, Rescales, Shape, VoiLut};

type Edit = (u32, VR, PrimitiveValue);

fn text(tag: u32, vr: VR, value: &str) -> Edit {
    (tag, vr, PrimitiveValue::from(value))
}

fn word(tag: u32, value: u16) -> Edit {
    (tag, VR::US, PrimitiveValue::from(value))
}

fn position(z: f64) -> Edit {
    text(tags::POSITION, VR::DS, &format!("-3\\4\\{z}"))
}

fn words(values: &[u16]) -> Edit {
    (0x7FE0_0010, VR::OW, PrimitiveValue::U16(values.iter().copied().collect()))
}

fn bytes(values: &[u8]) -> Edit {
    (0x7FE0_0010, VR::OB, PrimitiveValue::U8(values.iter().copied().collect()))
}

/// An MR slice of 3 x 2 unsigned 16-bit pixels that names its patient, with some attributes changed.
fn dataset(edits: &[Edit]) -> InMemDicomObject {
    let base = [
        text(tags::SOP_CLASS, VR::UI, "1.2.840.10008.5.1.4.1.1.4"),
        text(tags::SOP_INSTANCE, VR::UI, "1.2.3"),
        text(tags::MODALITY, VR::CS, "MR"),
        text(0x0008_0080, VR::LO, "SecretHospital"),
        text(0x0010_0010, VR::PN, "Secret^Name"),
        text(tags::SERIES, VR::UI, "1.2.7"),
        text(tags::ORIENTATION, VR::DS, "1\\0\\0\\0\\1\\0"),
        position(0.0),
        word(tags::SAMPLES, 1),
        text(tags::PHOTOMETRIC, VR::CS, "MONOCHROME2"),
        word(tags::ROWS, 2),
        word(tags::COLUMNS, 3),
        text(tags::PIXEL_SPACING, VR::DS, "0.5\\0.25"),
        word(tags::BITS_ALLOCATED, 16),
        word(tags::BITS_STORED, 16),
        word(tags::HIGH_BIT, 15),
        word(tags::SIGNED, 0),
        words(&[0, 1, 2, 3, 4, 5]),
    ];
    let put = |object: &mut InMemDicomObject, (tag, vr, value): &Edit| {
        object.put(DataElement::new(Tag((tag >> 16) as u16, *tag as u16), *vr, value.clone()));
    };
    let mut object = InMemDicomObject::new_empty();
    base.iter().chain(edits).for_each(|edit| put(&mut object, edit));
    object
}

fn save(object: InMemDicomObject, path: &Path) {
    let meta = FileMetaTableBuilder::new().transfer_syntax("1.2.840.10008.1.2.1");
    object.with_meta(meta).unwrap().write_to_file(path).unwrap();
}

/// One slice of a series: its own instance UID, its edits.
fn slice(folder: &Path, name: &str, edits: &[Edit]) {
    let mut all = vec![text(tags::SOP_INSTANCE, VR::UI, &format!("1.2.3.{}", 1 + name.bytes().map(u64::from).sum::<u64>()))];
    all.extend_from_slice(edits);
    save(dataset(&all), &folder.join(name));
}

fn values(source: &dyn Source) -> Vec<f64> {
    let header = source.header();
    let mut out = vec![0; header.bytes() as usize];
    source.read(0, &mut out).unwrap();
    // Voxel by voxel gives the same.
    let width = header.meaning.dtype.bytes();
    for (i, voxel) in out.chunks_exact(width).enumerate() {
        let mut one = vec![0; width];
        source.read(i as u64, &mut one).unwrap();
        assert_eq!(one, voxel);
    }
    out.chunks_exact(width).map(|b| header.meaning.dtype.decode(b)).collect()
}

thread_local! {
    /// Holds single files until the test's thread ends: sources read them later.
    static FOLDER: tempfile::TempDir = tempfile::tempdir().unwrap();
}

fn keep(object: InMemDicomObject) -> PathBuf {
    let path = FOLDER.with(|folder| {
        let n = std::fs::read_dir(folder.path()).unwrap().count();
        folder.path().join(n.to_string())
    });
    save(object, &path);
    path
}

fn one(edits: &[Edit]) -> Result<Box<dyn Source>> {
    open(&keep(dataset(edits)), &OpenOptions::default())
}

/// A binary segmentation of slices of 3 x 2 pixels: (z, segment, first pixel) of each frame.
fn segmentation(frames: &[(f64, u16, u8)], overlap: &str) -> PathBuf {
    let mut packed = vec![0_u8; (frames.len() * 6).div_ceil(8).next_multiple_of(2)];
    let mut at = 0;
    for (_, _, first) in frames {
        packed[(at + usize::from(*first)) / 8] |= 1 << ((at + usize::from(*first)) % 8);
        at += 6;
    }
    let mut object = dataset(&[
        text(tags::SOP_CLASS, VR::UI, "1.2.840.10008.5.1.4.1.1.66.4"),
        text(tags::SEGMENTATION_TYPE, VR::CS, "BINARY"),
        text(tags::SEGMENTS_OVERLAP, VR::CS, overlap),
        text(tags::FRAMES, VR::IS, &frames.len().to_string()),
        text(tags::SPACING_BETWEEN, VR::DS, "2.5"),
        text(tags::POSITION, VR::DS, ""),
        word(tags::BITS_ALLOCATED, 1),
        word(tags::BITS_STORED, 1),
        word(tags::HIGH_BIT, 0),
        bytes(&packed),
    ]);
    let tag = |tag: u32| Tag((tag >> 16) as u16, tag as u16);
    let group = |outer: u32, (t, vr, v): Edit| {
        let item = InMemDicomObject::from_element_iter([DataElement::new(tag(t), vr, v)]);
        DataElement::new(tag(outer), VR::SQ, DataSetSequence::from(vec![item]))
    };
    let items: Vec<InMemDicomObject> = frames
        .iter()
        .map(|(z, segment, _)| {
            InMemDicomObject::from_element_iter([
                group(tags::POSITION_GROUP, position(*z)),
                group(tags::SEGMENT_GROUP, word(tags::SEGMENT_NUMBER, *segment)),
            ])
        })
        .collect();
    object.put(DataElement::new(tag(tags::FRAME_GROUPS), VR::SQ, DataSetSequence::from(items)));
    keep(object)
}

#[test]
fn what_lies_above_the_stored_bits_is_masked() {
    let twelve = [word(tags::BITS_STORED, 12), word(tags::HIGH_BIT, 11), words(&[0xF001, 0x0FFF, 0x1800, 7, 0xFFFF, 0x07FF])];
    assert_eq!(values(&*one(&twelve).unwrap()), [1.0, 4095.0, 2048.0, 7.0, 4095.0, 2047.0]);
    let signed = [&twelve[..], &[word(tags::SIGNED, 1)]].concat();
    let source = one(&signed).unwrap();
    assert_eq!((source.header().meaning.dtype, values(&*source)), (Dtype::I16, vec![1.0, -1.0, -2048.0, 7.0, -1.0, 2047.0]));
    let with_high_bit =
        |stored, high, pixels: &[u16]| one(&[word(tags::BITS_STORED, stored), word(tags::HIGH_BIT, high), words(pixels)]);
    let upper = with_high_bit(12, 15, &[0x0010, 0xFFF0, 0, 0x0010, 0x8000, 0]).unwrap();
    assert_eq!(values(&*upper), [1.0, 4095.0, 0.0, 1.0, 2048.0, 0.0]);
    let note = "HighBit is 15, with 12 bits stored: values are taken from the high bits";
    assert!(upper.header().origin.notes.iter().any(|n| n == note));
    assert_eq!(values(&*with_high_bit(12, 15, &[1, 4095, 0, 1, 2048, 0]).unwrap()), [1.0, 4095.0, 0.0, 1.0, 2048.0, 0.0]);
    assert_eq!(values(&*with_high_bit(16, 11, &[1, 65535, 0, 1, 2048, 0]).unwrap()), [1.0, 65535.0, 0.0, 1.0, 2048.0, 0.0]);
    assert!(refusal(with_high_bit(12, 15, &[0x001F, 0xFFFF, 0, 0x0010, 0x8000, 0])).contains("which are values is not known"));
}

#[test]
fn padding_is_read_as_the_pixels_are() {
    // -2000 written as an unsigned word, and too large for 12 bits: then all 16 count.
    let edits = [
        word(tags::SIGNED, 1),
        word(tags::BITS_STORED, 12),
        word(tags::HIGH_BIT, 11),
        word(tags::PADDING, 63536),
        words(&[63536, 0, 1, 2, 3, 0xFFFF]),
    ];
    let source = one(&edits).unwrap();
    assert_eq!(source.header().meaning.padding, Some(Padding { low: -2000.0, high: -2000.0 }));
    assert_eq!(values(&*source), [-2000.0, 0.0, 1.0, 2.0, 3.0, -1.0]);
    let range = one(&[word(tags::PADDING, 9), word(tags::PADDING_LIMIT, 4)]).unwrap();
    assert_eq!(range.header().meaning.padding, Some(Padding { low: 4.0, high: 9.0 }));
}

#[test]
fn wide_integers_floats_and_bits() {
    let wide = [
        word(tags::BITS_ALLOCATED, 32),
        word(tags::BITS_STORED, 32),
        word(tags::HIGH_BIT, 31),
        bytes(&[1u32, 2, 3, 4, 5, 4_000_000_000].map(u32::to_le_bytes).concat()),
    ];
    let source = one(&wide).unwrap();
    assert_eq!((source.header().meaning.dtype, values(&*source)[5]), (Dtype::U32, 4e9));
    let floats: Vec<f32> = vec![0.5, -1.5, 2.25, 1e9, 0.0, -0.125];
    let float = (tags::FLOAT_PIXELS, VR::OF, PrimitiveValue::F32(floats.iter().copied().collect()));
    let source = one(&[float]).unwrap();
    assert_eq!(
        (source.header().meaning.dtype, values(&*source)),
        (Dtype::F32, floats.into_iter().map(f64::from).collect::<Vec<_>>())
    );
    // Two frames of six bits: the second begins inside a byte.
    let bits = [
        text(tags::FRAMES, VR::IS, "2"),
        word(tags::BITS_ALLOCATED, 1),
        word(tags::BITS_STORED, 1),
        word(tags::HIGH_BIT, 0),
        bytes(&[0b0100_0011, 0b0000_1011]),
    ];
    let source = open(&keep(dataset(&bits)), &trusting()).unwrap();
    assert_eq!(values(&*source), [1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0]);
}

fn trusting() -> OpenOptions {
    OpenOptions { trust_geometry: true, ..OpenOptions::default() }
}

#[test]
fn one_place_many_times_is_a_time_axis() {
    let folder = tempfile::tempdir().unwrap();
    for (name, z, t) in [("a", 0.0, 80), ("b", 2.0, 40), ("c", 0.0, 0), ("d", 2.0, 80), ("e", 2.0, 0), ("f", 0.0, 40)] {
        slice(
            folder.path(),
            name,
            &[position(z), text(tags::TRIGGER_TIME, VR::DS, &t.to_string()), words(&[z as u16 * 1000 + t; 6])],
        );
    }
    let source = open(folder.path(), &OpenOptions::default()).unwrap();
    assert_eq!((source.header().grid.shape.axes(), source.header().grid.time_step_s), (&[3, 2, 2, 3][..], Some(0.04)));
    assert_eq!(values(&*source).chunks(6).map(|s| s[0]).collect::<Vec<_>>(), [0.0, 2000.0, 40.0, 2040.0, 80.0, 2080.0]);
}

#[test]
fn of_labels_in_a_palette_the_numbers_count() {
    let table = |tag, values: [u16; 3]| (tag, VR::OW, PrimitiveValue::U16(values.into_iter().collect()));
    let descriptor = |tag| (tag, VR::US, PrimitiveValue::U16([3, 0, 16].into_iter().collect()));
    let green = |tag: u32| (tag + 1, tag + 2);
    let ((green_at, blue_at), (green, blue)) = (green(tags::PALETTE_RED), (tags::PALETTE_GREEN_DATA, tags::PALETTE_BLUE_DATA));
    let path = keep(dataset(&[
        text(tags::PHOTOMETRIC, VR::CS, "PALETTE COLOR"),
        descriptor(tags::PALETTE_RED),
        descriptor(green_at),
        descriptor(blue_at),
        table(tags::PALETTE_RED_DATA, [0, 65535, 0]),
        table(green, [0, 0, 65535]),
        table(blue, [0, 0, 0]),
        words(&[0, 1, 2, 2, 1, 0]),
    ]));
    let read = |role| values(&*open(&path, &OpenOptions::of(role)).unwrap());
    assert_eq!(read(crate::io::Role::Labels), [0.0, 1.0, 2.0, 2.0, 1.0, 0.0]);
    assert_eq!(read(crate::io::Role::Image), [0.0, 76.0, 150.0, 150.0, 76.0, 0.0]);
}

#[test]
fn a_folder_of_folders_says_so() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("inner")).unwrap();
    let Err(refused) = open(folder.path(), &OpenOptions::default()) else { panic!("nothing here") };
    assert!(refused.to_string().contains("give one of its 1 sub-folders"), "{refused}");
}

#[test]
fn segments_that_lie_here_and_there_are_one_map_of_labels() {
    // Segment 2 on the first and fourth slice, segment 5 on the second: the third has no frame at all.
    let sparse = segmentation(&[(7.5, 2, 0), (0.0, 2, 1), (2.5, 5, 2)], "UNDEFINED");
    let source = open(&sparse, &OpenOptions::default()).unwrap();
    let header = source.header();
    assert_eq!((header.grid.shape.axes(), header.meaning.labels), ([3, 2, 4].as_slice(), true));
    assert_eq!(header.grid.geometry.as_ref().unwrap().spacing_mm, [0.25, 0.5, 2.5]);
    let right = [[0, 2, 0, 0, 0, 0], [0, 0, 5, 0, 0, 0], [0; 6], [2, 0, 0, 0, 0, 0]].concat();
    assert_eq!(values(&*source), right.iter().map(|v| f64::from(*v)).collect::<Vec<_>>());
    assert!(
        header.origin.notes.contains(&"1 of 4 slices have no frame: nothing is marked there".into()),
        "{:?}",
        header.origin.notes
    );
    let second = open(&sparse, &OpenOptions { volume: Some(2), ..OpenOptions::default() }).unwrap();
    assert_eq!(values(&*second).iter().sum::<f64>(), 1.0);
}

#[test]
fn segments_that_overlap_are_told_apart() {
    let both = [(0.0, 1, 0), (2.5, 1, 3), (0.0, 2, 0), (2.5, 2, 4)];
    // Whole volumes, which may overlap: one for each segment.
    let source = open(&segmentation(&both, "YES"), &OpenOptions::default()).unwrap();
    assert_eq!(source.header().grid.shape.axes(), [3, 2, 2, 2]);
    assert_eq!(source.header().grid.volume_marks[0].values, [1.0, 2.0]);
    // The file says that they do not, and is wrong.
    let source = open(&segmentation(&both, "NO"), &OpenOptions::default()).unwrap();
    assert_eq!(source.header().grid.shape.axes(), [3, 2, 2]);
    let error = source.read(0, &mut [0; 12]).unwrap_err().to_string();
    assert!(error.contains("segments 1 and 2 overlap"), "{error}");
}

#[test]
fn frames_bring_their_own_place_and_rescale() {
    let mut object =
        dataset(&[text(tags::FRAMES, VR::IS, "3"), words(&(0..18).collect::<Vec<_>>()), text(tags::POSITION, VR::DS, "")]);
    let tag = |tag: u32| Tag((tag >> 16) as u16, tag as u16);
    let group = |outer: u32, edits: &[Edit]| {
        let item = InMemDicomObject::from_element_iter(edits.iter().map(|(t, vr, v)| DataElement::new(tag(*t), *vr, v.clone())));
        DataElement::new(tag(outer), VR::SQ, DataSetSequence::from(vec![item]))
    };
    let frames: Vec<InMemDicomObject> = [(10.0, "2"), (5.0, "3"), (0.0, "4")]
        .into_iter()
        .map(|(z, slope)| {
            let rescale = [text(tags::INTERCEPT, VR::DS, "-5"), text(tags::SLOPE, VR::DS, slope)];
            InMemDicomObject::from_element_iter([
                group(tags::POSITION_GROUP, &[position(z)]),
                group(tags::TRANSFORMATION_GROUP, &rescale),
            ])
        })
        .collect();
    object.put(DataElement::new(tag(tags::FRAME_GROUPS), VR::SQ, DataSetSequence::from(frames)));
    let source = open(&keep(object), &OpenOptions::default()).unwrap();
    let slope = |slope| Rescale { slope, intercept: -5.0 };
    assert_eq!(source.header().meaning.rescale, Rescales::PerSlice(vec![slope(4.0), slope(3.0), slope(2.0)]));
    assert_eq!(source.header().grid.geometry.as_ref().unwrap().spacing_mm[2], 5.0);
    assert_eq!(values(&*source).chunks(6).map(|s| s[0]).collect::<Vec<_>>(), [12.0, 6.0, 0.0]);
}

#[test]
fn display_tables_are_read_and_broken_ones_left_out() {
    let tag = |tag: u32| Tag((tag >> 16) as u16, tag as u16);
    let item = |descriptor: [u16; 3], data: PrimitiveValue| {
        InMemDicomObject::from_element_iter([
            DataElement::new(tag(tags::LUT_DESCRIPTOR), VR::US, PrimitiveValue::U16(descriptor.into_iter().collect())),
            DataElement::new(tag(tags::LUT_DATA), VR::OW, data),
        ])
    };
    let words = |entries: &[u16]| PrimitiveValue::U16(entries.iter().copied().collect());
    let items = || {
        vec![
            item([4, 65_533, 12], words(&[0, 1, 4095, 9999])),
            item([3, 2, 8], PrimitiveValue::U8([7, 8, 9, 0].into_iter().collect())),
            item([0, 0, 16], words(&vec![65_535; 65_536])),
            item([5, 0, 12], words(&[1, 2, 3, 4])),
            item([2, 0, 17], words(&[1, 2])),
        ]
    };
    let of = |edits: &[Edit]| {
        let mut object = dataset(edits);
        object.put(DataElement::new(tag(tags::VOI_LUT), VR::SQ, DataSetSequence::from(items())));
        open(&keep(object), &OpenOptions::default()).unwrap().header().display.voi_luts.clone()
    };
    let lut = |first: f64, entries: Vec<u16>, top| VoiLut { first, entries, top };
    let whole = lut(0.0, vec![65_535; 65_536], 65_535);
    assert_eq!(of(&[]), [lut(65_533.0, vec![0, 1, 4095, 4095], 4095), lut(2.0, vec![7, 8, 9], 255), whole.clone()]);
    // Below zero where real values may be.
    for signed in [vec![word(tags::SIGNED, 1)], vec![text(tags::INTERCEPT, VR::DS, "-10"), text(tags::SLOPE, VR::DS, "1")]] {
        assert_eq!(of(&signed)[0].first, -3.0);
    }
}

#[test]
fn a_file_without_preamble_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bare");
    let mut file = std::fs::File::create(&path).unwrap();
    let implicit = dicom_encoding::transfer_syntax::TransferSyntaxIndex::get(
        &dicom_transfer_syntax_registry::TransferSyntaxRegistry,
        "1.2.840.10008.1.2",
    );
    dataset(&[]).write_dataset_with_ts(&mut file, implicit.unwrap()).unwrap();
    assert!(is_dicom(&path));
    let source = open(&path, &OpenOptions::default()).unwrap();
    assert_eq!(values(&*source), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    assert!(source.header().origin.notes.iter().any(|n| n.contains("no DICOM preamble")));
}

#[test]
fn limits_hold_before_anything_is_read() {
    let path = keep(dataset(&[]));
    let options = OpenOptions { max_bytes: Some(11), ..OpenOptions::default() };
    assert!(matches!(open(&path, &options), Err(Error::Limit { .. })));
    assert!(open(&path, &OpenOptions { max_bytes: Some(12), ..OpenOptions::default() }).is_ok());
    // As every volume: 1 TiB, not one byte more. Other formats have no limit of their own either.
    let with = |voxels: u64| Header::new(Shape::new(&[voxels]).unwrap(), Dtype::U8);
    assert!(FORMAT.limits.check_volume(&path, &with(1 << 40)).is_ok());
    assert!(matches!(FORMAT.limits.check_volume(&path, &with((1 << 40) + 1)), Err(Error::Limit { .. })));
}
