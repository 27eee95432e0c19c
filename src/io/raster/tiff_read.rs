//! TIFF and BigTIFF: each page is a slice.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use tiff::decoder::{Decoder, DecodingResult};
use tiff::tags::Tag;
use tiff::{ColorType, TiffError};

use super::read::one_line;
use crate::io::{Grey, Limits};
use crate::volume::{Dtype, Geometry, Header, Shape};
use crate::{Error, Result};

/// More than LZW or deflate can expand: 4096 bytes from twelve bits are 2730 : 1.
const MOST_EXPANSION: u64 = 4096;

type Tiff = Decoder<BufReader<File>>;

pub(super) fn volume(path: &Path, limits: &Limits, grey: Grey) -> Result<(Header, Vec<u8>)> {
    let file = File::open(path).map_err(Error::read(path))?;
    let length = file.metadata().map_err(Error::read(path))?.len();
    let mut bounds = tiff::decoder::Limits::default();
    let most = usize::try_from(limits.max_bytes).unwrap_or(usize::MAX);
    (bounds.decoding_buffer_size, bounds.intermediate_buffer_size) = (most, most);
    let broken = |e| error(path, e);
    let mut tiff = Decoder::new(BufReader::new(file)).map_err(broken)?.with_limits(bounds);

    let description = tiff.get_tag_ascii_string(Tag::ImageDescription).ok();
    let mut notes = Vec::new();
    let mut bytes = Vec::new();
    let mut first: Option<((u32, u32), Dtype)> = None;
    let (mut pages, mut colour) = (0u64, false);
    loop {
        let size = tiff.dimensions().map_err(broken)?;
        let layout = tiff.image_buffer_layout().map_err(broken)?;
        limits.check(path, (bytes.len() as u64).saturating_add(layout.complete_len as u64))?;
        if layout.complete_len as u64 / MOST_EXPANSION > length {
            let what = format!("truncated: {length} bytes for an image of {} x {} pixels", size.0, size.1);
            return Err(Error::format(path, what, "get the file again"));
        }
        if layout.planes > 1 {
            return Err(Error::unsupported(path, "colour planes stored apart", "convert the image to grey"));
        }
        let kind = tiff.colortype().map_err(broken)?;
        let data = tiff.read_image().map_err(broken)?;
        let (dtype, page) = page(path, kind, data, size, grey)?;
        colour |= !matches!(kind, ColorType::Gray(_));
        match first {
            None => first = Some((size, dtype)),
            Some(one) if one == (size, dtype) => {}
            Some(((w, h), one)) => {
                let what = format!("page {} is {} x {} {dtype}, the first is {w} x {h} {one}", pages + 1, size.0, size.1);
                return Err(Error::unsupported(path, what, "split the file into volumes of one size and type"));
            }
        }
        bytes.extend(page);
        pages += 1;
        if !tiff.more_images() {
            break;
        }
        tiff.next_image().map_err(broken)?;
    }
    if let Some(text) = description {
        // The text may name a patient: only a count is taken from it.
        let images =
            text.strip_prefix("ImageJ=").and_then(|t| t.lines().find_map(|l| l.strip_prefix("images=")?.trim().parse().ok()));
        if images.is_some_and(|n: u64| n > pages) {
            let what = format!("ImageJ keeps more images in this file than its {pages} TIFF page(s) tell of");
            return Err(Error::unsupported(path, what, "save it as an image sequence or as NIfTI"));
        }
        if text.contains("<OME") {
            notes.push("OME-XML is not read: the pages are taken as slices, in order".into());
        }
    }
    let empty = || Error::format(path, "an image without pixels", "get the file again");
    let ((width, height), dtype) = first.ok_or_else(empty)?;
    let mut axes = vec![width.into(), height.into()];
    if pages > 1 {
        axes.push(pages);
    }
    let mut header = Header::new(Shape::new(&axes).ok_or_else(empty)?, dtype);
    header.origin.format = "TIFF".into();
    header.origin.files = 1;
    header.notes = notes;
    if colour {
        header.notes.push("colour was turned to grey, transparency left out".into());
    }
    if pages == 1 {
        header.geometry = pixel_size(&mut tiff).map(|[x, y]| Geometry::spacing([x, y, 1.0]));
    }
    Ok((header, bytes))
}

/// The grey values of one page, little-endian.
fn page(path: &Path, kind: ColorType, data: DecodingResult, size: (u32, u32), grey: Grey) -> Result<(Dtype, Vec<u8>)> {
    let unsupported = |what: String| Error::unsupported(path, what, "convert it to grey of 8 or 16 bits, or float32");
    let channels = match kind {
        ColorType::Gray(1) => match data {
            DecodingResult::U8(packed) => return Ok((Dtype::U8, unpack(&packed, size))),
            _ => return Err(unsupported("1-bit pixels of this type".into())),
        },
        ColorType::Gray(8 | 16 | 32 | 64) => 1,
        ColorType::GrayA(8 | 16) => 2,
        ColorType::RGB(8 | 16) => 3,
        ColorType::RGBA(8 | 16) => 4,
        other => return Err(unsupported(format!("{other:?} pixels"))),
    };
    macro_rules! little {
        ($values:expr) => {
            $values.into_iter().flat_map(|v| v.to_le_bytes()).collect()
        };
    }
    let pixels = size.0 as usize * size.1 as usize;
    let (dtype, bytes): (Dtype, Vec<u8>) = match data {
        DecodingResult::U8(v) if channels > 2 => {
            (Dtype::U8, v.chunks_exact(channels).map(|p| grey.of_u8(p[0], p[1], p[2])).collect())
        }
        DecodingResult::U16(v) if channels > 2 => {
            (Dtype::U16, little!(v.chunks_exact(channels).map(|p| grey.of_u16(p[0], p[1], p[2]))))
        }
        DecodingResult::U8(v) if channels == 2 => (Dtype::U8, v.into_iter().step_by(2).collect()),
        DecodingResult::U16(v) if channels == 2 => (Dtype::U16, little!(v.into_iter().step_by(2))),
        _ if channels > 1 => return Err(unsupported("colour pixels of this type".into())),
        DecodingResult::U8(v) => (Dtype::U8, v),
        DecodingResult::I8(v) => (Dtype::I8, little!(v)),
        DecodingResult::U16(v) => (Dtype::U16, little!(v)),
        DecodingResult::I16(v) => (Dtype::I16, little!(v)),
        DecodingResult::U32(v) => (Dtype::U32, little!(v)),
        DecodingResult::I32(v) => (Dtype::I32, little!(v)),
        DecodingResult::U64(v) => (Dtype::U64, little!(v)),
        DecodingResult::I64(v) => (Dtype::I64, little!(v)),
        DecodingResult::F32(v) => (Dtype::F32, little!(v)),
        DecodingResult::F64(v) => (Dtype::F64, little!(v)),
        DecodingResult::F16(_) => return Err(unsupported("16-bit float pixels".into())),
    };
    if bytes.len() != pixels * dtype.bytes() {
        return Err(Error::format(path, "a page has too few pixels", "get the file again"));
    }
    Ok((dtype, bytes))
}

/// Eight pixels from each byte, rows beginning on a byte.
fn unpack(packed: &[u8], (width, height): (u32, u32)) -> Vec<u8> {
    let width = width as usize;
    let rows = packed.chunks_exact(width.div_ceil(8)).take(height as usize);
    rows.flat_map(|row| (0..width).map(|x| if row[x / 8] >> (7 - x % 8) & 1 == 1 { 255 } else { 0 })).collect()
}

/// Millimetres per pixel. Only where the file speaks of centimetres: "72 per inch" is what programs write that do not know.
fn pixel_size(tiff: &mut Tiff) -> Option<[f64; 2]> {
    const CENTIMETRE: u16 = 3;
    if tiff.find_tag_unsigned::<u16>(Tag::ResolutionUnit).ok()?? != CENTIMETRE {
        return None;
    }
    let mut size = |tag| match tiff.find_tag(tag).ok()?? {
        tiff::decoder::ifd::Value::Rational(n, d) => {
            let mm = 10.0 * f64::from(d) / f64::from(n);
            (mm.is_finite() && mm > 0.0).then_some(mm)
        }
        _ => None,
    };
    Some([size(Tag::XResolution)?, size(Tag::YResolution)?])
}

fn error(path: &Path, error: TiffError) -> Error {
    use std::io::ErrorKind;
    let broken = |what: String| Error::format(path, what, "get the file again");
    match error {
        TiffError::IoError(e) => match e.kind() {
            ErrorKind::UnexpectedEof => broken("truncated: the image ends early".into()),
            ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::Other => {
                broken(format!("damaged image ({})", one_line(&e)))
            }
            _ => Error::read(path)(e),
        },
        TiffError::UnsupportedError(e) => Error::unsupported(path, one_line(&e), "convert it to plain grey TIFF"),
        TiffError::LimitsExceeded => Error::limit(path, "larger than the limit", "raise the limit if the file is genuine"),
        e => broken(format!("damaged image ({})", one_line(&e))),
    }
}

#[cfg(test)]
mod tests {
    use tiff::encoder::{TiffEncoder, colortype};

    use super::*;

    fn read(write: impl FnOnce(&mut TiffEncoder<std::io::Cursor<&mut Vec<u8>>>)) -> Result<(Header, Vec<u8>)> {
        let mut bytes = Vec::new();
        write(&mut TiffEncoder::new(std::io::Cursor::new(&mut bytes)).unwrap());
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        volume(file.path(), &Limits { max_bytes: 1 << 20 }, Grey::Rec601)
    }

    #[test]
    fn colour_becomes_grey() {
        let (header, bytes) = read(|t| t.write_image::<colortype::RGB8>(2, 1, &[255, 0, 0, 9, 9, 9]).unwrap()).unwrap();
        assert_eq!((header.dtype, bytes), (Dtype::U8, vec![76, 9]));
        let (header, bytes) = read(|t| t.write_image::<colortype::RGB16>(1, 1, &[65535, 0, 0]).unwrap()).unwrap();
        assert_eq!((header.dtype, bytes), (Dtype::U16, 19596u16.to_le_bytes().to_vec()));
    }

    #[test]
    fn pages_must_be_alike() {
        let error = read(|t| {
            t.write_image::<colortype::Gray8>(2, 1, &[1, 2]).unwrap();
            t.write_image::<colortype::Gray8>(1, 2, &[1, 2]).unwrap();
        });
        assert!(error.unwrap_err().to_string().starts_with("page 2 is 1 x 2 uint8, the first is 2 x 1 uint8"));
    }

    #[test]
    fn images_that_imagej_hides_behind_one_page_are_not_lost_quietly() {
        let with = |images: u32| {
            read(|t| {
                let mut image = t.new_image::<colortype::Gray8>(2, 1).unwrap();
                let text = format!("ImageJ=1.53t\nimages={images}\nslices={images}\n");
                image.encoder().write_tag(Tag::ImageDescription, text.as_str()).unwrap();
                image.write_data(&[1, 2]).unwrap();
            })
        };
        assert_eq!(with(1).unwrap().1, [1, 2]);
        assert!(matches!(with(7), Err(Error::Unsupported { .. })));
    }

    #[test]
    fn more_than_the_limit_is_refused() {
        let result = read(|t| t.write_image::<colortype::Gray8>(2048, 1024, &vec![0; 2 << 20]).unwrap());
        assert!(matches!(result, Err(Error::Limit { .. })));
    }

    #[test]
    fn bits_are_spread_row_by_row() {
        assert_eq!(
            unpack(&[0b1010_0000, 0b1000_0000, 0, 0b1000_0000], (9, 2)),
            [255, 0, 255, 0, 0, 0, 0, 0, 255, 0, 0, 0, 0, 0, 0, 0, 0, 255]
        );
    }
}
