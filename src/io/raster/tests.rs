//! JPEG files that others reported, from the folder that HOUNSFIELD_DATA names.

use std::path::{Path, PathBuf};

use crate::io::codecs::jpeg::handmade;
use crate::io::tests::data;
use crate::io::{Grey, OpenOptions, Role, Source, open};
use crate::volume::Dtype;
use crate::{Error, Result};

fn open_file(path: &Path) -> Result<Box<dyn Source>> {
    open(&[path.to_path_buf()], &OpenOptions::default())
}

fn voxels(source: &dyn Source) -> Vec<u8> {
    let mut bytes = vec![0; source.header().bytes() as usize];
    source.read(0, &mut bytes).unwrap();
    bytes
}

fn written(folder: &tempfile::TempDir, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join("a.jpg");
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn a_cut_file_is_an_error_wherever_it_is_cut() {
    let Some(folder) = data("reports") else { return };
    let error = open_file(&folder.join("jpeg_cut.jpg")).map(|_| ()).unwrap_err();
    assert!(matches!(error, Error::Format { .. }) && error.to_string().contains("the scan ends at row 56 of 104"), "{error}");
    let good = folder.join("jpeg_good.jpg");
    let source = open_file(&good).unwrap();
    assert_eq!(source.header().grid.shape.axes(), [152, 104]);
    let whole = voxels(&*source);
    let bytes = std::fs::read(good).unwrap();
    let temporary = tempfile::tempdir().unwrap();
    for percent in 1..100 {
        let error = open_file(&written(&temporary, &bytes[..bytes.len() * percent / 100])).map(|_| ()).unwrap_err();
        assert!(matches!(error, Error::Format { .. }), "{percent} %: {error}");
    }
    // Nothing is missing without the end marker, or before what stands behind it.
    for sound in [&bytes[..bytes.len() - 2], &[&bytes[..], b"more"].concat()] {
        assert_eq!(voxels(&*open_file(&written(&temporary, sound)).unwrap()), whole);
    }
}

#[test]
fn twelve_bits_are_words() {
    let Some(folder) = data("reports") else { return };
    let source = open_file(&folder.join("jpeg_12_bit.jpg")).unwrap();
    assert_eq!((source.header().meaning.dtype, source.header().grid.shape.axes()), (Dtype::U16, &[40, 32][..]));
    let bytes = voxels(&*source);
    let values: Vec<u16> = bytes.as_chunks().0.iter().map(|b| u16::from_le_bytes(*b)).collect();
    // By imagecodecs.
    assert_eq!((values[..3].to_vec(), values.iter().max()), (vec![0, 2, 6], Some(&4000)));
}

#[test]
fn a_turned_photograph_is_turned_back_and_says_so() {
    let Some(folder) = data("reports") else { return };
    let source = open_file(&folder.join("exif_6.jpg")).unwrap();
    assert_eq!(source.header().grid.shape.axes(), [32, 48]);
    assert_eq!(source.header().origin.notes, ["the image was turned as its Exif orientation 6 says"]);
    let values = voxels(&*source);
    for (got, want) in [0, 31, 47 * 32, 47 * 32 + 31].map(|i| values[i]).into_iter().zip([247, 0, 255, 7]) {
        assert!(u8::abs_diff(got, want) <= 1, "{got} for {want}");
    }
}

/// A sound file of a kind that is not read is not called damaged.
#[test]
fn arithmetic_coding_is_named() {
    let Some(folder) = data("reports") else { return };
    let mut bytes = std::fs::read(folder.join("jpeg_good.jpg")).unwrap();
    let frame = bytes.windows(2).position(|w| w == [0xFF, 0xC0]).unwrap();
    bytes[frame + 1] = 0xC9;
    let temporary = tempfile::tempdir().unwrap();
    let error = open_file(&written(&temporary, &bytes)).map(|_| ()).unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }) && error.to_string().starts_with("arithmetic coding"), "{error}");
}

/// Colours go the way of every other image in colours.
#[test]
fn colours_become_grey_and_are_no_labels() {
    let temporary = tempfile::tempdir().unwrap();
    let path = written(&temporary, &handmade::bytes(handmade::COLOUR_420));
    let opened = |role| open(std::slice::from_ref(&path), &OpenOptions { role, ..OpenOptions::default() });
    let image = opened(Role::Image).unwrap();
    assert_eq!(image.header().origin.notes, ["colours were turned into grey (Rec. 601)"]);
    // The first pixel is 202, 97, 182 by OpenCV.
    assert_eq!(voxels(&*image)[0], Grey::Rec601.of_u8(202, 97, 182));
    assert!(opened(Role::Mask).unwrap().header().origin.notes.iter().any(|n| n.starts_with("a mask in colour")));
    assert!(matches!(opened(Role::Labels), Err(Error::Unsupported { .. })));
}
