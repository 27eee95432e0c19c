//! Pictures in colours as masks and label maps: what counts is numbers, and a colour is none.

use std::collections::BTreeSet;
use std::path::Path;

use image::DynamicImage;

use crate::io::{OpenOptions, Role};
use crate::{Error, Result};

/// What becomes of a picture in colours, other than of a palette: the greys `bytes` of a mask are made to be 0 only where all colours are.
///
/// # Errors
/// [`Error::Unsupported`] for labels in more than one colour.
pub(super) fn settle(path: &Path, image: &DynamicImage, options: &OpenOptions, bytes: &mut [u8]) -> Result<Option<String>> {
    match image {
        DynamicImage::ImageRgb8(i) => colours(path, (i, 3), options, bytes.chunks_exact_mut(1)),
        DynamicImage::ImageRgba8(i) => colours(path, (i, 4), options, bytes.chunks_exact_mut(1)),
        DynamicImage::ImageRgb16(i) => colours(path, (i, 3), options, bytes.chunks_exact_mut(2)),
        DynamicImage::ImageRgba16(i) => colours(path, (i, 4), options, bytes.chunks_exact_mut(2)),
        _ => Ok(None),
    }
}

fn colours<'a, T: Copy + Into<u16>>(
    path: &Path,
    (samples, channels): (&[T], usize),
    options: &OpenOptions,
    greys: impl Iterator<Item = &'a mut [u8]>,
) -> Result<Option<String>> {
    let (mut coloured, mut distinct) = (false, BTreeSet::new());
    for (pixel, grey) in samples.chunks_exact(channels).zip(greys) {
        let colour: [u16; 3] = [pixel[0].into(), pixel[1].into(), pixel[2].into()];
        coloured |= colour[0] != colour[1] || colour[1] != colour[2];
        if colour == [0; 3] {
            continue;
        }
        if distinct.len() < 2 {
            distinct.insert(colour);
        }
        if options.role == Role::Mask && grey.iter().all(|byte| *byte == 0) {
            grey[0] = 1;
        }
    }
    match options.role {
        Role::Labels if coloured && distinct.len() > 1 => Err(Error::unsupported(
            path,
            "labels in several colours, which have no numbers",
            "save it as grey numbers, or with a palette, whose indices count",
        )),
        _ if !coloured || options.role == Role::Image => Ok(None),
        Role::Mask => Ok(Some("a mask in colour: all but black is inside".into())),
        // One colour is one number; that it is its grey is said of all colours.
        _ => Ok(None),
    }
}
