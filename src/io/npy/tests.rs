//! Files made by hand, as numpy writes them.

use crate::io::tests::{all, open_path};
use crate::io::{OpenOptions, Source};
use crate::volume::Dtype;
use crate::{Error, Result};

fn open_with(version: u8, dictionary: &str, data: &[u8]) -> Result<Box<dyn Source>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npy");
    let length = dictionary.len() as u32;
    let mut bytes = [super::MAGIC.as_slice(), &[version, 0]].concat();
    bytes.extend(&length.to_le_bytes()[..if version == 1 { 2 } else { 4 }]);
    bytes.extend([dictionary.as_bytes(), data].concat());
    std::fs::write(&path, bytes).unwrap();
    open_path(&path)
}

fn dictionary(descr: &str, fortran: bool, shape: &str) -> String {
    let truth = if fortran { "True" } else { "False" };
    format!("{{'descr': '{descr}', 'fortran_order': {truth}, 'shape': {shape}, }}\n")
}

#[test]
fn x_is_what_lies_closest_in_the_file() {
    let data: Vec<u8> = (0..24).collect();
    for version in 1..=3 {
        for (fortran, axes, names) in [(false, [4, 3, 2], "(z, y, x)"), (true, [2, 3, 4], "(x, y, z)")] {
            let source = open_with(version, &dictionary("|u1", fortran, "(2, 3, 4)"), &data).unwrap();
            assert_eq!((source.header().grid.shape.axes(), all(&*source).unwrap()), (axes.as_slice(), data.clone()));
            assert!(source.header().origin.notes[0].ends_with(names), "{:?}", source.header().origin.notes);
            assert!(source.header().grid.geometry.is_none());
        }
    }
    let axes = |shape| open_with(1, &dictionary("|u1", false, shape), &data).unwrap().header().grid.shape.axes().to_vec();
    assert_eq!((axes("()"), axes("(5,)"), axes("(1, 2, 3, 4)")), (vec![1], vec![5], vec![4, 3, 2]));
    let colour = open_with(1, &dictionary("|u1", false, "(2, 2, 3)"), &data).unwrap();
    assert!(colour.header().origin.notes.iter().any(|n| n.contains("as long as a colour")));
}

#[test]
fn numbers_of_either_order_and_halves() {
    let read = |descr: &str, data: &[u8]| {
        let source = open_with(1, &dictionary(descr, false, "(2,)"), data).unwrap();
        (source.header().meaning.dtype, all(&*source).unwrap())
    };
    assert_eq!(read("<i2", &[1, 2, 3, 4]), (Dtype::I16, vec![1, 2, 3, 4]));
    assert_eq!(read(">i2", &[1, 2, 3, 4]), (Dtype::I16, vec![2, 1, 4, 3]));
    assert_eq!(read("|b1", &[0, 1]), (Dtype::U8, vec![0, 1]));
    assert_eq!(read(">f2", &[0x3c, 0, 0xc0, 0]), (Dtype::F32, [1f32.to_le_bytes(), (-2f32).to_le_bytes()].concat()));
}

#[test]
fn what_is_damaged_or_too_large_is_refused() {
    let error = |version, text: &str, data: &[u8]| open_with(version, text, data).map(|_| ()).unwrap_err();
    let plain = dictionary("<i2", false, "(3,)");
    assert!(error(1, &plain, &[0; 5]).to_string().starts_with("truncated: the file has"));
    assert!(error(4, &plain, &[0; 6]).to_string().starts_with("version 4 of .npy"));
    assert!(error(1, &dictionary("<i2", false, "(0, 3)"), &[]).to_string().starts_with("an empty array: axis 0"));
    assert!(matches!(error(1, &dictionary("<i2", false, "(2, 2, 2, 2, 2, 2, 2, 2)"), &[0; 512]), Error::Unsupported { .. }));
    assert!(matches!(error(1, &dictionary("|O", false, "(3,)"), &[0; 6]), Error::Unsupported { .. }));
    assert!(matches!(error(1, &dictionary("|u1", false, "(1000000, 1000000, 100)"), &[]), Error::Limit { .. }));
    assert!(matches!(error(2, &" ".repeat(70_000), &[]), Error::Format { .. }));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.npy");
    for length in 6..80 {
        let whole = [super::MAGIC.as_slice(), &[1, 0, 70, 0], dictionary("|u1", false, "(3,)").as_bytes(), &[0; 3]].concat();
        std::fs::write(&path, &whole[..length.min(whole.len())]).unwrap();
        assert!(
            matches!(super::open(&path, &OpenOptions::default()), Err(Error::Format { .. } | Error::Unsupported { .. })),
            "{length}"
        );
    }
}
