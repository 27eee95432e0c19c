//! Pages into TIFF files, BigTIFF where 4 GiB would not do. Stored values only; a rescale has no place in TIFF.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use tiff::TiffError;
use tiff::encoder::{Rational, TiffEncoder, TiffKind, TiffKindBig, TiffKindStandard, TiffValue, colortype};
use tiff::tags::ResolutionUnit;

use crate::io::output::{Staged, Target};
use crate::io::{Output, Sink, free_space};
use crate::volume::{Dtype, Header};
use crate::{Error, Result};

/// Offsets in a classic TIFF have 32 bits; this much is left for everything that is not pixels.
const CLASSIC: u64 = (4 << 30) - (64 << 20);

/// What each page costs besides its pixels, generously.
const PAGE: u64 = 1 << 10;

pub(super) fn create(target: &Target, header: &Header) -> Result<Box<dyn Output>> {
    create_as(target, header, header.bytes() + header.grid.shape.slices() * PAGE > CLASSIC)
}

fn create_as(target: &Target, header: &Header, big: bool) -> Result<Box<dyn Output>> {
    let path = target.path();
    let [Ok(width), Ok(height)] = [0, 1].map(|a| u32::try_from(header.grid.shape.axis(a))) else {
        return Err(Error::unsupported(path, "slices longer than 2^32 pixels do not fit TIFF", "write .nii or .nii.gz"));
    };
    let file = target.create()?;
    free_space::check(file.as_file(), path, header.bytes() + header.grid.shape.slices() * PAGE)?;
    // Not buffered: strips are large, and the encoder could not report what goes wrong in a last flush.
    let writer = file.as_file().try_clone().map_err(Error::write(path))?;
    let encoder = if big {
        Encoder::Big(TiffEncoder::new_big(writer).map_err(|e| error(path, e))?)
    } else {
        Encoder::Classic(TiffEncoder::new(writer).map_err(|e| error(path, e))?)
    };
    let page =
        PageEncoder { width, height, dtype: header.meaning.dtype, spacing: header.grid.geometry.as_ref().map(|g| g.spacing_mm) };
    let voxel = header.meaning.dtype.bytes() as u64;
    let queue = PageQueue { encoder, page, next: 0, waiting: BTreeMap::new(), current: Vec::new() };
    Ok(Box::new(TiffOutput { target: target.clone(), file, voxel, bytes: header.bytes(), queue: Mutex::new(queue) }))
}

/// Pages are written in order; blocks that come early wait.
struct TiffOutput {
    target: Target,
    file: tempfile::NamedTempFile,
    voxel: u64,
    bytes: u64,
    queue: Mutex<PageQueue>,
}

struct PageQueue {
    encoder: Encoder,
    page: PageEncoder,
    /// The byte with which the next block must begin.
    next: u64,
    waiting: BTreeMap<u64, Vec<u8>>,
    /// The beginning of a page.
    current: Vec<u8>,
}

enum Encoder {
    Classic(TiffEncoder<File, TiffKindStandard>),
    Big(TiffEncoder<File, TiffKindBig>),
}

impl Sink for TiffOutput {
    fn write(&self, at: u64, bytes: &[u8]) -> Result<()> {
        let begin = at * self.voxel;
        if begin + bytes.len() as u64 > self.bytes {
            let what = format!("a block of {} bytes at voxel {at} does not fit {} bytes of voxels", bytes.len(), self.bytes);
            return Err(Error::usage(what, "write blocks that lie in the volume"));
        }
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if begin != queue.next {
            queue.waiting.insert(begin, bytes.to_vec());
            return Ok(());
        }
        let failed = |e| error(self.target.path(), e);
        queue.append(bytes).map_err(failed)?;
        loop {
            let next = queue.next;
            let Some(block) = queue.waiting.remove(&next) else { return Ok(()) };
            queue.append(&block).map_err(failed)?;
        }
    }
}

impl Output for TiffOutput {
    fn finish(self: Box<Self>) -> Result<Staged> {
        let path = self.target.path();
        let queue = self.queue.into_inner().unwrap_or_else(PoisonError::into_inner);
        if queue.next != self.bytes {
            let text = format!("{} of {} bytes of voxels were given", queue.next, self.bytes);
            return Err(Error::Write { path: path.into(), source: std::io::Error::other(text) });
        }
        drop(queue.encoder);
        self.target.stage(self.file)
    }
}

impl PageQueue {
    fn append(&mut self, mut bytes: &[u8]) -> Result<(), TiffError> {
        self.next += bytes.len() as u64;
        let size = self.page.width as usize * self.page.height as usize * self.page.dtype.bytes();
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(size - self.current.len()));
            self.current.extend_from_slice(now);
            bytes = later;
            if self.current.len() == size {
                match &mut self.encoder {
                    Encoder::Classic(e) => self.page.write(e, &self.current)?,
                    Encoder::Big(e) => self.page.write(e, &self.current)?,
                }
                self.current.clear();
            }
        }
        Ok(())
    }
}

struct PageEncoder {
    width: u32,
    height: u32,
    dtype: Dtype,
    spacing: Option<[f64; 3]>,
}

impl PageEncoder {
    fn write<K: TiffKind>(&self, to: &mut TiffEncoder<File, K>, bytes: &[u8]) -> Result<(), TiffError> {
        macro_rules! page {
            ($colour:ident, $type:ty) => {{
                let values: Vec<$type> = bytes.as_chunks().0.iter().map(|&v| <$type>::from_le_bytes(v)).collect();
                self.image::<colortype::$colour, K>(to, &values)
            }};
        }
        match self.dtype {
            Dtype::U8 => self.image::<colortype::Gray8, K>(to, bytes),
            Dtype::I8 => page!(GrayI8, i8),
            Dtype::U16 => page!(Gray16, u16),
            Dtype::I16 => page!(GrayI16, i16),
            Dtype::F32 => page!(Gray32Float, f32),
            Dtype::U32 => page!(Gray32, u32),
            Dtype::I32 => page!(GrayI32, i32),
            Dtype::U64 => page!(Gray64, u64),
            Dtype::I64 => page!(GrayI64, i64),
            Dtype::F64 => page!(Gray64Float, f64),
        }
    }

    fn image<C, K>(&self, to: &mut TiffEncoder<File, K>, values: &[C::Inner]) -> Result<(), TiffError>
    where
        C: colortype::ColorType,
        [C::Inner]: TiffValue,
        K: TiffKind,
    {
        let mut image = to.new_image::<C>(self.width, self.height)?;
        // Pixels per centimetre as a fraction from which millimetres come back exactly, to six decimals.
        let per_cm = |mm: f64| Rational { n: 10_000_000, d: (mm * 1e6).round() as u32 };
        if let Some([x, y, _]) = self.spacing.filter(|s| s.iter().all(|mm| (1e-3..4e3).contains(mm))) {
            image.resolution_unit(ResolutionUnit::Centimeter);
            image.x_resolution(per_cm(x));
            image.y_resolution(per_cm(y));
        }
        image.write_data(values)
    }
}

fn error(path: &Path, error: TiffError) -> Error {
    match error {
        TiffError::IoError(e) => Error::write(path)(e),
        e => Error::write(path)(std::io::Error::other(e.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::output::publish;
    use crate::io::tests::{all, open_path};
    use crate::volume::Shape;

    #[test]
    fn a_big_tiff_reads_like_a_small_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("big.tif");
        let header = Header::new(Shape::new(&[5, 3, 4]).unwrap(), Dtype::I16);
        let bytes: Vec<u8> = (0..120).collect();
        let sink = create_as(&Target::new(&path, false, &[]).unwrap(), &header, true).unwrap();
        for at in [40, 0, 20] {
            sink.write(at, &bytes[2 * at as usize..][..40]).unwrap();
        }
        publish(vec![sink.finish().unwrap()]).unwrap();
        assert_eq!(std::fs::read(&path).unwrap()[..4], *b"II+\0");
        let source = open_path(&path).unwrap();
        assert_eq!(source.header().grid.shape, header.grid.shape);
        assert_eq!(all(&*source).unwrap(), bytes);
    }
}
