//! PNG files with a palette (colour type 3), and such of less than eight bits, as masks and label maps.
//!
//! The stored numbers count, as Pillow and most programs for labelling hold them; colours, and greys from black to white, are for the eye.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use image::ImageFormat;
use png::{BitDepth, ColorType, DecodingError};

use super::decode::{self, one_line};
use crate::io::{Limits, OpenOptions, Role, Source};
use crate::volume::{Dtype, Header, Shape, Volume};
use crate::{Error, Result};

/// A PNG file: the numbers that it stores where these are asked for, else its greys.
pub(super) fn open_png(path: &Path, options: &OpenOptions) -> Result<Box<dyn Source>> {
    if options.role != Role::Image {
        // The size is checked there, before anything is decoded.
        decode::header(path, ImageFormat::Png, options)?;
        if let Some(indices) = indices(path, options)? {
            return Ok(Box::new(indices));
        }
    }
    decode::open(path, ImageFormat::Png, options)
}

/// The numbers of a picture with a palette or of few bits, one byte a pixel; none of any other picture.
fn indices(path: &Path, options: &OpenOptions) -> Result<Option<Volume>> {
    let file = BufReader::new(File::open(path).map_err(Error::read(path))?);
    let most = usize::try_from(options.limits(Limits::IMAGE).max_bytes.saturating_add(decode::WORKING_SPACE));
    let limits = png::Limits { bytes: most.unwrap_or(usize::MAX) };
    let mut reader = png::Decoder::new_with_limits(file, limits).read_info().map_err(|e| error(path, e))?;
    let info = reader.info();
    let palette = match (info.color_type, info.bit_depth) {
        (ColorType::Indexed, _) => true,
        // As a picture they are spread over 0 to 255.
        (ColorType::Grayscale, BitDepth::One | BitDepth::Two | BitDepth::Four) => false,
        _ => return Ok(None),
    };
    let (width, height, depth) = (info.width as usize, info.height as usize, info.bit_depth);
    let first: Vec<u8> = info.palette.iter().flat_map(|p| p.iter().take(3).copied()).collect();
    let too_large = || Error::limit(path, "the image is larger than the memory", "give a smaller image");
    let mut packed = vec![0; reader.output_buffer_size().ok_or_else(too_large)?];
    let frame = reader.next_frame(&mut packed).map_err(|e| error(path, e))?;
    let mut pixels = Vec::with_capacity(width.saturating_mul(height));
    for line in packed.chunks_exact(frame.line_size.max(1)).take(height) {
        match depth {
            BitDepth::One => pixels.extend((0..width).map(|x| line[x / 8] >> (7 - x % 8) & 1)),
            BitDepth::Two => pixels.extend((0..width).map(|x| line[x / 4] >> (6 - 2 * (x % 4)) & 3)),
            BitDepth::Four => pixels.extend((0..width).map(|x| line[x / 2] >> (4 - 4 * (x % 2)) & 15)),
            _ => pixels.extend(line.iter().take(width)),
        }
    }
    let shape = Shape::new(&[width as u64, height as u64])
        .ok_or_else(|| Error::format(path, format!("an image of {width} x {height} pixels"), "get the file again"))?;
    let mut header = Header::new(shape, Dtype::U8);
    (header.origin.format, header.origin.files) = ("PNG".into(), 1);
    let mut note = "the indices of the palette count, not its colours".to_owned();
    if let [r, g, b] = first.as_slice()
        && [*r, *g, *b] != [0; 3]
    {
        note += &format!(" (index 0, which is outside of all, has the colour {r}, {g}, {b})");
    }
    header.origin.notes.extend(palette.then_some(note));
    Volume::new(header, pixels).map(Some)
}

fn error(path: &Path, error: DecodingError) -> Error {
    match error {
        DecodingError::IoError(e) => decode::io_error(path, e),
        DecodingError::LimitsExceeded => {
            Error::limit(path, "the image needs more memory than it may", "raise the limit if the file is genuine")
        }
        e => Error::format(path, format!("damaged image ({})", one_line(&e)), "get the file again"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RED: [u8; 3] = [128, 0, 0];
    const BLUE: [u8; 3] = [0, 0, 1];

    fn written(path: &Path, (colour, depth): (ColorType, BitDepth), palette: &[[u8; 3]], data: &[u8]) {
        let mut encoder = png::Encoder::new(File::create(path).unwrap(), 5, 2);
        encoder.set_color(colour);
        encoder.set_depth(depth);
        if !palette.is_empty() {
            encoder.set_palette(palette.concat());
        }
        encoder.write_header().unwrap().write_image_data(data).unwrap();
    }

    fn read(path: &Path, role: Role) -> Result<(Vec<u8>, Vec<String>)> {
        let source = open_png(path, &OpenOptions::of(role))?;
        let mut bytes = vec![9; source.header().bytes() as usize];
        source.read(0, &mut bytes)?;
        Ok((bytes, source.header().origin.notes.clone()))
    }

    #[test]
    fn indices_of_every_depth() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        let palette = [[0; 3], RED, [0, 128, 0], [128, 128, 0]];
        let wanted = [0, 1, 1, 0, 1, 1, 0, 0, 0, 1];
        let deeper = [0, 1, 2, 3, 0, 3, 2, 1, 0, 3];
        for (depth, data, wanted) in [
            (BitDepth::One, vec![0b0110_1000, 0b1000_1000], wanted),
            (BitDepth::Two, vec![0b0001_1011, 0, 0b1110_0100, 0b1100_0000], deeper),
            (BitDepth::Four, vec![0x01, 0x23, 0x00, 0x32, 0x10, 0x30], deeper),
            (BitDepth::Eight, deeper.to_vec(), deeper),
        ] {
            written(&path, (ColorType::Indexed, depth), &palette[..if depth == BitDepth::One { 2 } else { 4 }], &data);
            for role in [Role::Mask, Role::Labels] {
                let (pixels, notes) = read(&path, role).unwrap();
                assert_eq!(pixels, wanted, "{depth:?}");
                assert_eq!(notes, ["the indices of the palette count, not its colours"]);
            }
            let (pixels, notes) = read(&path, Role::Image).unwrap();
            assert!(pixels.contains(&38) && notes == ["colours were turned into grey (Rec. 601)"], "{notes:?}");
        }
        written(&path, (ColorType::Grayscale, BitDepth::Four), &[], &[0x01, 0x23, 0x00, 0x32, 0x10, 0x30]);
        assert_eq!(read(&path, Role::Labels).unwrap(), (deeper.to_vec(), Vec::new()));
        assert_eq!(read(&path, Role::Image).unwrap().0[..4], [0, 17, 34, 51]);
        written(&path, (ColorType::Indexed, BitDepth::One), &[[255; 3], [0; 3]], &[0, 0]);
        let (pixels, notes) = read(&path, Role::Mask).unwrap();
        assert!(pixels == [0; 10] && notes[0].ends_with("has the colour 255, 255, 255)"), "{notes:?}");
    }

    #[test]
    fn colours_are_no_labels_but_one_of_them_is_a_mask() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        let put = |colours: [[u8; 3]; 2]| {
            let all: Vec<u8> = [[0; 3], colours[0], [0; 3], colours[1], [0; 3]].repeat(2).concat();
            written(&path, (ColorType::Rgb, BitDepth::Eight), &[], &all);
        };
        put([RED, BLUE]);
        let (pixels, notes) = read(&path, Role::Mask).unwrap();
        // The grey of this blue is 0.
        assert!(
            pixels[..5] == [0, 38, 0, 1, 0] && notes.iter().any(|n| n == "a mask in colour: all but black is inside"),
            "{notes:?}"
        );
        assert!(matches!(read(&path, Role::Labels), Err(Error::Unsupported { .. })));
        assert_eq!(read(&path, Role::Image).unwrap().0[..5], [0, 38, 0, 0, 0]);
        put([RED, RED]);
        let (pixels, notes) = read(&path, Role::Labels).unwrap();
        assert!(pixels[..5] == [0, 38, 0, 38, 0] && notes == ["colours were turned into grey (Rec. 601)"], "{notes:?}");
        put([[1; 3], [2; 3]]);
        assert_eq!(read(&path, Role::Labels).unwrap().0, [0, 1, 0, 2, 0].repeat(2));
    }
}
