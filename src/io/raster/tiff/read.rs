//! Pages out of TIFF files.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use tiff::decoder::{Decoder, DecodingResult};
use tiff::tags::Tag;
use tiff::{ColorType, TiffError};

use crate::io::raster::decode::one_line;
use crate::io::slices::SliceSource;
use crate::io::{Grey, Limits, Source};
use crate::volume::{Dtype, Geometry, Header, Shape, Volume};
use crate::{Error, Result};

/// More than LZW or deflate can expand: 4096 bytes from twelve bits are 2730 : 1.
const MOST_EXPANSION: u64 = 4096;

type Tiff = Decoder<BufReader<File>>;

/// Opens a file, of which a page keeps `limits` and all together `volume_limits`. Every page is looked at, none but the first is decoded
/// before it is asked for.
pub(super) fn open(path: &Path, limits: &Limits, volume_limits: &Limits, grey: Grey) -> Result<Box<dyn Source>> {
    let mut pages = PageReader::open(path, limits)?;
    let first = pages.describe()?;
    let (dtype, bytes) = pages.decode(grey)?;
    let mut header = header(path, &mut pages, &first, dtype)?;
    // ImageJ's own word on the file belongs to its first page.
    let description = pages.tiff.get_tag_ascii_string(Tag::ImageDescription).ok();
    let mut count = 1u64;
    while pages.tiff.more_images() {
        pages.tiff.next_image().map_err(|e| error(path, e))?;
        let page = pages.describe()?;
        count += 1;
        if page != first {
            let what = format!("page {count} is {page}, the first is {first}");
            return Err(Error::unsupported(path, what, "split the file into volumes of one size and type"));
        }
    }
    if let Some(text) = description {
        // The text may name a patient: only a count is taken from it.
        let images =
            text.strip_prefix("ImageJ=").and_then(|t| t.lines().find_map(|l| l.strip_prefix("images=")?.trim().parse().ok()));
        if images.is_some_and(|n: u64| n > count) {
            let what = format!("ImageJ keeps more images in this file than its {count} TIFF page(s) tell of");
            return Err(Error::unsupported(path, what, "save it as an image sequence or as NIfTI"));
        }
        if text.contains("<OME") {
            header.origin.notes.push("OME-XML is not read: the pages are taken as slices, in order".into());
        }
    }
    if !matches!(first.kind, ColorType::Gray(_)) {
        header.origin.notes.push("colour was turned to grey, transparency left out".into());
    }
    if count == 1 {
        return Ok(Box::new(Volume::new(header, bytes)?));
    }
    let plane = header.clone();
    header.grid.geometry = None;
    let (width, height) = first.size;
    let axes = [width.into(), height.into(), count];
    header.grid.shape = Shape::new(&axes).ok_or_else(|| Error::format(path, "too many pixels", "get the file again"))?;
    volume_limits.check_volume(path, &header)?;
    let (path, limits) = (path.to_path_buf(), *limits);
    // A reader jumps to its page by a list that it makes on the way, so readers are used again.
    let idle = Mutex::new(vec![pages]);
    Ok(Box::new(SliceSource::new(
        header,
        Box::new(move |i| {
            let free = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut pages = match free {
                Some(pages) => pages,
                None => PageReader::open(&path, &limits)?,
            };
            pages.tiff.seek_to_image(i).map_err(|e| error(&path, e))?;
            let (found, bytes) = pages.decode(grey)?;
            if found != dtype || bytes.len() as u64 != plane.bytes() {
                let what = format!("page {} is {found} in fact, the first is {dtype}", i + 1);
                return Err(Error::format(&path, what, "split the file into volumes of one size and type"));
            }
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(pages);
            Volume::new(plane.clone(), bytes)
        }),
    )))
}

/// A reader of the file's pages, at one of them.
struct PageReader {
    path: PathBuf,
    tiff: Tiff,
    length: u64,
    limits: Limits,
}

/// What all pages of a volume have in common.
#[derive(Debug, Clone, PartialEq)]
struct PageType {
    size: (u32, u32),
    kind: ColorType,
    /// Unsigned, signed, float: a number for each channel.
    format: Vec<u16>,
}

impl std::fmt::Display for PageType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let format = match self.format.first() {
            Some(2) => " signed",
            Some(3) => " float",
            _ => "",
        };
        write!(f, "{} x {} {:?}{format}", self.size.0, self.size.1, self.kind)
    }
}

impl PageReader {
    fn open(path: &Path, limits: &Limits) -> Result<Self> {
        let file = File::open(path).map_err(Error::read(path))?;
        let length = file.metadata().map_err(Error::read(path))?.len();
        let mut bounds = tiff::decoder::Limits::default();
        let most = usize::try_from(limits.max_bytes).unwrap_or(usize::MAX);
        (bounds.decoding_buffer_size, bounds.intermediate_buffer_size) = (most, most);
        let tiff = Decoder::new(BufReader::new(file)).map_err(|e| error(path, e))?.with_limits(bounds);
        Ok(Self { path: path.into(), tiff, length, limits: *limits })
    }

    /// What this page is, refused if it cannot be taken.
    fn describe(&mut self) -> Result<PageType> {
        let path = self.path.clone();
        let broken = |e| error(&path, e);
        let size = self.tiff.dimensions().map_err(broken)?;
        let layout = self.tiff.image_buffer_layout().map_err(broken)?;
        self.limits.check(&path, layout.complete_len as u64)?;
        if layout.complete_len as u64 / MOST_EXPANSION > self.length {
            let what = format!("truncated: {} bytes for an image of {} x {} pixels", self.length, size.0, size.1);
            return Err(Error::format(&path, what, "get the file again"));
        }
        if layout.planes > 1 {
            return Err(Error::unsupported(&path, "colour planes stored apart", "convert the image to grey"));
        }
        let kind = self.tiff.colortype().map_err(broken)?;
        let format = self.tiff.find_tag_unsigned_vec(Tag::SampleFormat).map_err(broken)?.unwrap_or_default();
        Ok(PageType { size, kind, format })
    }

    /// The grey values of this page.
    fn decode(&mut self, grey: Grey) -> Result<(Dtype, Vec<u8>)> {
        let path = &self.path;
        let broken = |e| error(path, e);
        let (kind, size) = (self.tiff.colortype().map_err(broken)?, self.tiff.dimensions().map_err(broken)?);
        let data = self.tiff.read_image().map_err(broken)?;
        page(path, kind, data, size, grey)
    }
}

/// The header of a file of one page.
fn header(path: &Path, pages: &mut PageReader, page: &PageType, dtype: Dtype) -> Result<Header> {
    let (width, height) = page.size;
    let shape = Shape::new(&[width.into(), height.into()]);
    let mut header =
        Header::new(shape.ok_or_else(|| Error::format(path, "an image without pixels", "get the file again"))?, dtype);
    header.origin.format = "TIFF".into();
    header.origin.files = 1;
    header.grid.geometry = pixel_size(&mut pages.tiff).map(|[x, y]| Geometry::spacing([x, y, 1.0]));
    Ok(header)
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
        let source = open(file.path(), &Limits { max_bytes: 1 << 20 }, &Limits::VOLUME, Grey::Rec601)?;
        let mut bytes = vec![0; source.header().bytes() as usize];
        source.read(0, &mut bytes)?;
        Ok((source.header().clone(), bytes))
    }

    #[test]
    fn pages_are_slices_in_any_order() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut tiff = TiffEncoder::new(std::io::BufWriter::new(File::create(file.path()).unwrap())).unwrap();
        for page in 0..300u16 {
            tiff.write_image::<colortype::Gray16>(3, 2, &[page, 1, 2, 3, 4, page + 7]).unwrap();
        }
        drop(tiff);
        let source = open(file.path(), &Limits::IMAGE, &Limits::VOLUME, Grey::Rec601).unwrap();
        assert_eq!(source.header().grid.shape.axes(), [3, 2, 300]);
        // Backwards, each read crossing into the next page.
        for page in (0..299u16).rev() {
            let mut two = [0; 4];
            source.read(u64::from(page) * 6 + 5, &mut two).unwrap();
            assert_eq!(two, [(page + 7).to_le_bytes(), (page + 1).to_le_bytes()].concat()[..]);
        }
    }

    #[test]
    fn colour_becomes_grey() {
        let (header, bytes) = read(|t| t.write_image::<colortype::RGB8>(2, 1, &[255, 0, 0, 9, 9, 9]).unwrap()).unwrap();
        assert_eq!((header.meaning.dtype, bytes), (Dtype::U8, vec![76, 9]));
        let (header, bytes) = read(|t| t.write_image::<colortype::RGB16>(1, 1, &[65535, 0, 0]).unwrap()).unwrap();
        assert_eq!((header.meaning.dtype, bytes), (Dtype::U16, 19596u16.to_le_bytes().to_vec()));
    }

    #[test]
    fn pages_must_be_alike() {
        let error = read(|t| {
            t.write_image::<colortype::Gray8>(2, 1, &[1, 2]).unwrap();
            t.write_image::<colortype::Gray8>(1, 2, &[1, 2]).unwrap();
        });
        assert!(error.unwrap_err().to_string().starts_with("page 2 is 1 x 2 Gray(8), the first is 2 x 1 Gray(8)"));
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
