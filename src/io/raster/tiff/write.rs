//! Pages into TIFF files, BigTIFF where 4 GiB would not do: one strip a page, all behind each other, with ImageJ's description of them.
//!
//! The description is what Fiji and tifffile read: axes, spacing, time step, and a rescale as a calibration of values.

use std::fmt::Write as _;
use std::io::{BufWriter, Write};
use std::sync::atomic::{AtomicU64, Ordering};

use super::tags;
use crate::io::loss::Loss;
use crate::io::output::{Staged, Target};
use crate::io::{Output, Sink, free_space, positional, write_behind};
use crate::volume::{Dtype, Header, Rescale, Unit};
use crate::{Error, Result};

/// Offsets in a classic TIFF have 32 bits; this much is left for everything that is not pixels.
const CLASSIC: u64 = (4 << 30) - (64 << 20);

/// What each page costs besides its pixels, generously.
const PAGE: u64 = 1 << 10;

/// Begins a file.
pub(super) fn create(target: &Target, header: &Header) -> Result<Box<dyn Output>> {
    Ok(Box::new(create_as(target, header, header.bytes() + header.grid.shape.slices() * PAGE > CLASSIC)?))
}

fn create_as(target: &Target, header: &Header, big: bool) -> Result<TiffOutput> {
    let path = target.path();
    let shape = &header.grid.shape;
    let [Ok(width), Ok(height)] = [0, 1].map(|a| u32::try_from(shape.axis(a))) else {
        return Err(Error::unsupported(path, "slices longer than 2^32 pixels do not fit TIFF", "write .nii or .nii.gz"));
    };
    let Some(rescale) = header.meaning.rescale.uniform() else {
        return Err(Error::unsupported(
            path,
            "a rescale for each slice does not fit TIFF",
            "convert it first, which writes real values",
        ));
    };
    let file = target.create()?;
    free_space::check(file.as_file(), path, header.bytes() + shape.slices() * PAGE)?;
    let layout = FileLayout::new(header, rescale, [width, height], big);
    let mut writer = BufWriter::new(file.as_file());
    layout.write(&mut writer).and_then(|()| writer.flush()).map_err(Error::write(path))?;
    drop(writer);
    let losses = losses(header, rescale, layout.fractions.is_some());
    let (start, voxel) = (layout.start, header.meaning.dtype.bytes() as u64);
    Ok(TiffOutput { target: target.clone(), file, start, voxel, bytes: header.bytes(), written: AtomicU64::new(0), losses })
}

/// What a TIFF of this volume does not say.
fn losses(header: &Header, rescale: Rescale, spaced: bool) -> Vec<Loss> {
    let mut all = Loss::of_pictures(header);
    all.extend(header.grid.geometry.as_ref().filter(|_| !spaced).map(|g| Loss::Spacing(g.spacing_mm)));
    if rescale != Rescale::IDENTITY {
        all.push(if is_calibrated(header.meaning.dtype) { Loss::RescaleApart(rescale) } else { Loss::Rescale(rescale) });
    }
    all.extend((header.display.inverted && !is_unsigned(header.meaning.dtype)).then_some(Loss::Inverted));
    all.extend((header.grid.shape.axes().len() > 4).then_some(Loss::Axes));
    all
}

/// Types of which ImageJ calibrates values.
fn is_calibrated(dtype: Dtype) -> bool {
    dtype.is_small_integer()
}

/// Types whose low values can be bright: of others some readers know nothing then.
fn is_unsigned(dtype: Dtype) -> bool {
    matches!(dtype, Dtype::U8 | Dtype::U16)
}

/// A file being written: any thread writes any part.
struct TiffOutput {
    target: Target,
    file: tempfile::NamedTempFile,
    /// Where the pixels begin.
    start: u64,
    voxel: u64,
    bytes: u64,
    written: AtomicU64,
    losses: Vec<Loss>,
}

impl Sink for TiffOutput {
    fn write(&self, at: u64, bytes: &[u8]) -> Result<()> {
        let begin = at.saturating_mul(self.voxel);
        if begin.saturating_add(bytes.len() as u64) > self.bytes {
            let what = format!("a block of {} bytes at voxel {at} does not fit {} bytes of voxels", bytes.len(), self.bytes);
            return Err(Error::usage(what, "write blocks that lie in the volume"));
        }
        let (file, at) = (self.file.as_file(), self.start + begin);
        positional::write_all_at(file, bytes, at)
            .and_then(|()| write_behind::wrote(file, at, bytes.len() as u64, self.start + self.bytes))
            .map_err(Error::write(self.target.path()))?;
        self.written.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(())
    }
}

impl Output for TiffOutput {
    fn finish(self: Box<Self>) -> Result<Staged> {
        let written = self.written.into_inner();
        if written != self.bytes {
            let text = format!("{written} of {} bytes of voxels were given", self.bytes);
            return Err(Error::Write { path: self.target.path().into(), source: std::io::Error::other(text) });
        }
        self.target.stage(self.file)
    }

    fn losses(&self) -> &[Loss] {
        &self.losses
    }
}

/// Everything before the pixels: header, what all pages share, directories.
struct FileLayout {
    big: bool,
    size: [u32; 2],
    dtype: Dtype,
    inverted: bool,
    pages: u64,
    /// Pixels to a millimetre along x and y.
    fractions: Option<[[u32; 2]; 2]>,
    description: Vec<u8>,
    /// Where the pixels begin: on a whole number of any type.
    start: u64,
}

/// Types of fields (TIFF 6.0, page 15; BigTIFF).
const ASCII: u16 = 2;
const SHORT: u16 = 3;
const LONG: u16 = 4;
const RATIONAL: u16 = 5;
const LONG8: u16 = 16;

impl FileLayout {
    fn new(header: &Header, rescale: Rescale, size: [u32; 2], big: bool) -> Self {
        let spacing = header.grid.geometry.as_ref().map(|g| g.spacing_mm);
        let fractions = spacing.and_then(|[x, y, _]| Some([per_mm(x)?, per_mm(y)?]));
        let mut description = describe(header, rescale, spacing.filter(|_| fractions.is_some())).into_bytes();
        description.push(0);
        // Directories begin on a word.
        if description.len() % 2 == 1 {
            description.push(0);
        }
        let dtype = header.meaning.dtype;
        let inverted = header.display.inverted && is_unsigned(dtype);
        let mut this = Self { big, size, dtype, inverted, pages: header.grid.shape.slices(), fractions, description, start: 0 };
        this.start = this.directory(this.pages).next_multiple_of(16);
        this
    }

    /// Bytes of header, entry and offset.
    fn sizes(&self) -> [u64; 3] {
        if self.big { [16, 20, 8] } else { [8, 12, 4] }
    }

    /// Where the fractions lie, then the description.
    fn shared(&self) -> [u64; 2] {
        let begin = self.sizes()[0];
        [begin, begin + 16]
    }

    fn directory_bytes(&self, page: u64) -> u64 {
        let [_, entry, offset] = self.sizes();
        let count = if self.big { 8 } else { 2 };
        count + entry * self.entries(page).len() as u64 + offset
    }

    /// Where the directory of a page begins.
    fn directory(&self, page: u64) -> u64 {
        let begin = self.shared()[1] + self.description.len() as u64;
        if page == 0 { begin } else { begin + self.directory_bytes(0) + (page - 1) * self.directory_bytes(1) }
    }

    /// Tag, type, count and value, or where it lies, of each field of a page.
    fn entries(&self, page: u64) -> Vec<(u16, u16, u64, u64)> {
        let [width, height] = self.size.map(u64::from);
        let bytes = width * height * self.dtype.bytes() as u64;
        let offset = if self.big { LONG8 } else { LONG };
        let format = match self.dtype {
            Dtype::U8 | Dtype::U16 | Dtype::U32 | Dtype::U64 => 1,
            Dtype::I8 | Dtype::I16 | Dtype::I32 | Dtype::I64 => 2,
            Dtype::F32 | Dtype::F64 => 3,
        };
        let [fractions, description] = self.shared();
        let mut all = vec![
            (tags::WIDTH, LONG, 1, width),
            (tags::HEIGHT, LONG, 1, height),
            (tags::BITS, SHORT, 1, 8 * self.dtype.bytes() as u64),
            (tags::COMPRESSION, SHORT, 1, 1),
            (tags::PHOTOMETRIC, SHORT, 1, u64::from(!self.inverted)),
        ];
        if page == 0 && self.description.len() > 2 {
            all.push((tags::DESCRIPTION, ASCII, self.description.len() as u64, description));
        }
        all.extend([
            (tags::STRIP_OFFSETS, offset, 1, self.start + page * bytes),
            (tags::SAMPLES, SHORT, 1, 1),
            (tags::ROWS_PER_STRIP, LONG, 1, height),
            (tags::STRIP_BYTES, offset, 1, bytes),
        ]);
        if let Some([x, y]) = self.fractions {
            // In a BigTIFF a fraction fits its field.
            let value = |[n, d]: [u32; 2], at| if self.big { u64::from(d) << 32 | u64::from(n) } else { at };
            all.push((tags::X_RESOLUTION, RATIONAL, 1, value(x, fractions)));
            all.push((tags::Y_RESOLUTION, RATIONAL, 1, value(y, fractions + 8)));
            // Of no unit that TIFF knows: the description says millimetres.
            all.push((tags::RESOLUTION_UNIT, SHORT, 1, 1));
        }
        all.push((tags::SAMPLE_FORMAT, SHORT, 1, format));
        all
    }
}

impl FileLayout {
    /// Writes all of it, up to the first pixel.
    fn write(&self, to: &mut impl Write) -> std::io::Result<()> {
        to.write_all(if self.big { b"II+\0\x08\0\0\0" } else { b"II*\0" })?;
        self.offset(to, self.directory(0))?;
        let fractions = self.fractions.unwrap_or_default();
        fractions.as_flattened().iter().try_for_each(|n| to.write_all(&n.to_le_bytes()))?;
        to.write_all(&self.description)?;
        for page in 0..self.pages {
            let entries = self.entries(page);
            match self.big {
                true => to.write_all(&(entries.len() as u64).to_le_bytes())?,
                false => to.write_all(&(entries.len() as u16).to_le_bytes())?,
            }
            for (tag, kind, count, value) in entries {
                to.write_all(&tag.to_le_bytes())?;
                to.write_all(&kind.to_le_bytes())?;
                self.offset(to, count)?;
                self.offset(to, value)?;
            }
            self.offset(to, if page + 1 < self.pages { self.directory(page + 1) } else { 0 })?;
        }
        let end = self.directory(self.pages);
        to.write_all(&vec![0; (self.start - end) as usize])
    }

    /// A number as wide as offsets are.
    fn offset(&self, to: &mut impl Write, number: u64) -> std::io::Result<()> {
        if self.big { to.write_all(&number.to_le_bytes()) } else { to.write_all(&(number as u32).to_le_bytes()) }
    }
}

/// ImageJ's description: lines of `key=value`. Empty for a single image of which nothing is known.
fn describe(header: &Header, rescale: Rescale, spacing_mm: Option<[f64; 3]>) -> String {
    let (meaning, shape) = (&header.meaning, &header.grid.shape);
    let (slices, frames) = (shape.axis(2), shape.volumes());
    let hu = meaning.unit == Unit::Hounsfield;
    let mut lines = String::new();
    // Nothing can fail that writes into a string.
    let mut line = |key: &str, value: &dyn std::fmt::Display| {
        let _ = writeln!(lines, "{key}={value}");
    };
    if shape.slices() > 1 {
        line("images", &shape.slices());
        line("slices", &slices);
        if frames > 1 {
            line("frames", &frames);
            line("hyperstack", &true);
        }
    }
    if let Some([_, _, z]) = spacing_mm {
        line("unit", &"mm");
        line("spacing", &z);
    }
    if let (Some(step), true) = (header.grid.time_step_s, frames > 1) {
        line("finterval", &step);
    }
    if is_calibrated(meaning.dtype) && (hu || rescale != Rescale::IDENTITY) {
        // ImageJ keeps signed words as unsigned ones, and counts from there.
        let shift = if meaning.dtype == Dtype::I16 { 32768.0 * rescale.slope } else { 0.0 };
        line("cf", &0);
        line("c0", &(rescale.intercept - shift));
        line("c1", &rescale.slope);
    }
    if hu {
        line("vunit", &"HU");
    }
    // Without a name of the unit ImageJ does not look at a calibration.
    if !hu && is_calibrated(meaning.dtype) && rescale != Rescale::IDENTITY {
        line("vunit", &"gray value");
    }
    if lines.is_empty() { lines } else { format!("ImageJ=1.54f\n{lines}") }
}

/// Pixels to a millimetre as a fraction, from which the millimetres come back; none of what is none, or is too large or small for 32 bits.
fn per_mm(mm: f64) -> Option<[u32; 2]> {
    if !(mm > 0.0 && mm.is_finite()) {
        return None;
    }
    // Continued fractions: no other one with numbers of this size is nearer.
    let (mut before, mut now) = ([0u64, 1], [1u64, 0]);
    let mut rest = mm;
    let mut best = None;
    for _ in 0..40 {
        let whole = rest.floor();
        if whole >= 4294967296.0 {
            break;
        }
        let next = [0, 1].map(|i| (whole as u64) * now[i] + before[i]);
        let [Ok(n), Ok(d)] = next.map(u32::try_from) else { break };
        (before, now) = (now, next);
        best = Some([d, n]).filter(|fraction| fraction[1] > 0).or(best);
        if f64::from(n) / f64::from(d) == mm || rest == whole {
            break;
        }
        rest = 1.0 / (rest - whole);
    }
    best.filter(|[d, n]| (f64::from(*n) / f64::from(*d) / mm - 1.0).abs() < 1e-9)
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
        let geometry = Some(crate::volume::Geometry::spacing([0.7, 0.625, 2.5]));
        let header = Header::new(Shape::new(&[5, 3, 4]).unwrap(), Dtype::I16).with(|h| h.grid.geometry = geometry);
        let bytes: Vec<u8> = (0..120).collect();
        let sink = Box::new(create_as(&Target::new(&path, false, &[]).unwrap(), &header, true).unwrap());
        for at in [40, 0, 20] {
            sink.write(at, &bytes[2 * at as usize..][..40]).unwrap();
        }
        publish(vec![sink.finish().unwrap()]).unwrap();
        assert_eq!(std::fs::read(&path).unwrap()[..4], *b"II+\0");
        let source = open_path(&path).unwrap();
        assert_eq!(source.header().grid, header.grid);
        assert_eq!(all(&*source).unwrap(), bytes);
    }

    #[test]
    fn millimetres_come_back_from_fractions() {
        for mm in [0.7, 1.0, 0.646, 0.68359375, 0.9765625, 2.5, 0.00065, 3.25e-7, 4000.0, std::f64::consts::PI, 0.48828125] {
            let [d, n] = per_mm(mm).unwrap();
            assert_eq!(f64::from(n) / f64::from(d), mm);
        }
        assert_eq!(per_mm(0.5), Some([2, 1]));
        for mm in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-12, 1e12] {
            assert_eq!(per_mm(mm), None, "{mm}");
        }
    }
}
