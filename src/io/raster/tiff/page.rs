//! One page: where its strips or tiles lie, and the voxels of its rows.

use super::bits::{Predictor, RowLayout};
use super::codec::{Codec, Compressor, MOST_EXPANSION, UnpackedSize};
use super::directory::{Directory, TiffFile};
use super::pixel::{Hue, NumberFormat, PixelKind, palette};
use super::{damaged, lacking, tags};
use crate::Result;
use crate::io::{Grey, Limits};

/// Rows of about so many bytes are decoded together.
const BAND: u64 = 1 << 20;

/// No page has so many bytes: sums of them are safe.
const ABSURD: u64 = 1 << 56;

/// A page whose pixels can be read.
pub(super) struct TiffPage {
    pub(super) width: u64,
    pub(super) height: u64,
    pub(super) kind: PixelKind,
    codec: Codec,
    /// Columns and rows of a strip or tile.
    chunk: [u64; 2],
    tiled: bool,
    /// Offset and length of strips or tiles: from the left, then from the top, then by plane.
    places: Vec<[u64; 2]>,
    little: bool,
    /// The grey of each number.
    palette: Vec<u8>,
    grey: Grey,
}

/// What is taken of each pixel.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taken {
    /// Which of several channels, from 0.
    pub(super) channel: usize,
    /// The numbers of colours, not the colours.
    pub(super) indexed: bool,
}

/// Width and height that a directory gives.
pub(super) fn size(directory: &Directory<'_>) -> Result<[u64; 2]> {
    let [width, height] = [tags::WIDTH, tags::HEIGHT].map(|tag| directory.number(tag).map(Option::unwrap_or_default));
    let size = [width?, height?];
    if size.iter().any(|n| *n == 0 || *n > 1 << 32) {
        return Err(damaged(&directory.file.path, format!("an image of {} x {} pixels", size[0], size[1])));
    }
    Ok(size)
}

impl TiffPage {
    /// Reads what a directory says; refuses pixels that cannot be read and pages that are not whole.
    pub(super) fn read(directory: &Directory<'_>, limits: &Limits, grey: Grey) -> Result<Self> {
        let path = directory.file.path.as_path();
        let [width, height] = size(directory)?;
        let kind = PixelKind::read(directory)?;
        if directory.count(tags::UIC2) > 1 {
            return Err(lacking(path, "a MetaMorph stack, whose planes hide behind one page"));
        }
        let tiled = directory.has(tags::TILE_WIDTH);
        let chunk = if tiled {
            [directory.number(tags::TILE_WIDTH)?.unwrap_or(0), directory.number(tags::TILE_HEIGHT)?.unwrap_or(0)]
        } else {
            [width, directory.number(tags::ROWS_PER_STRIP)?.unwrap_or(height).min(height)]
        };
        if chunk.contains(&0) {
            return Err(damaged(path, "strips or tiles without pixels"));
        }
        let pixel = (kind.samples * kind.width()) as u64;
        let bytes = |size: [u64; 2]| pixel.checked_mul(size[0]).and_then(|n| n.checked_mul(size[1])).unwrap_or(u64::MAX);
        Limits { max_bytes: ABSURD }.check(path, bytes([width, height]).max(bytes(chunk)))?;
        let palette = if kind.hue == Hue::Palette { palette(directory, &kind, grey)? } else { Vec::new() };
        let (codec, little) = (codec(directory, &kind)?, directory.file.little);
        if bytes([width, height]) / MOST_EXPANSION > directory.file.length {
            let what = format!("truncated: {} bytes for an image of {width} x {height} pixels", directory.file.length);
            return Err(damaged(path, what));
        }
        let mut page = Self { width, height, kind, codec, chunk, tiled, places: Vec::new(), little, palette, grey };
        page.find(directory)?;
        // A strip or tile is decoded as a whole, and a row of them together.
        limits.check(path, bytes(page.chunk).max(bytes([width, page.chunk[1].min(height)])))?;
        Ok(page)
    }

    /// Reads where strips or tiles lie.
    fn find(&mut self, directory: &Directory<'_>) -> Result<()> {
        let path = directory.file.path.as_path();
        let (offsets, lengths) =
            if self.tiled { (tags::TILE_OFFSETS, tags::TILE_BYTES) } else { (tags::STRIP_OFFSETS, tags::STRIP_BYTES) };
        let planes = if self.kind.planar { self.kind.samples as u64 } else { 1 };
        let chunks = self.of_plane().saturating_mul(planes);
        let most = directory.file.length;
        let offsets = directory.numbers(offsets, most)?.unwrap_or_default();
        if (offsets.len() as u64) < chunks {
            return Err(damaged(path, format!("a page of {} strips or tiles where {chunks} are needed", offsets.len())));
        }
        let plain = self.codec.compressor == Compressor::None;
        let lengths = match directory.numbers(lengths, most)? {
            Some(lengths) if lengths.len() as u64 >= chunks => lengths,
            // Old writers leave them out.
            _ if plain => (0..chunks).map(|i| self.wanted(i).bytes as u64).collect(),
            _ => return Err(damaged(path, "packed strips or tiles without their lengths")),
        };
        self.places = offsets.into_iter().zip(lengths).take(chunks as usize).map(|(at, length)| [at, length]).collect();
        if self.places.contains(&[0, 0]) {
            return Err(lacking(path, "a page with tiles that were never written"));
        }
        let short = |(i, [_, length]): (usize, &[u64; 2])| plain && *length < self.wanted(i as u64).bytes as u64;
        if !self.is_within(directory.file, 0) || self.places.iter().enumerate().any(short) {
            return Err(damaged(path, "truncated: the pixels of a page end early"));
        }
        self.cut();
        Ok(())
    }

    /// Cuts planes of one large strip of plain pixels, of which any row can be found.
    fn cut(&mut self) {
        let row = self.layout().bytes() as u64;
        let rows = (BAND / row.max(1)).max(1);
        let plain = self.codec.compressor == Compressor::None && !self.codec.bits_reversed;
        if self.tiled || !plain || self.down() > 1 || self.height <= 2 * rows {
            return;
        }
        self.chunk[1] = rows;
        let parts = self.down();
        let cut = |&[at, _]: &[u64; 2]| (0..parts).map(move |part| [at + part * rows * row, rows * row]).collect::<Vec<_>>();
        self.places = self.places.iter().flat_map(cut).collect();
    }

    /// Whether all strips or tiles lie in the file, if they lay `shift` bytes further on.
    pub(super) fn is_within(&self, file: &TiffFile, shift: u64) -> bool {
        let plain = self.codec.compressor == Compressor::None;
        self.places.iter().enumerate().all(|(i, &[at, length])| {
            // The last one is often given the length of a whole one.
            let length = if plain { self.wanted(i as u64).bytes as u64 } else { length };
            at.checked_add(length).and_then(|end| end.checked_add(shift)).is_some_and(|end| end <= file.length)
        })
    }

    /// Where the pixels begin and how many bytes they are, if they lie plain and in one piece.
    pub(super) fn piece(&self) -> Option<[u64; 2]> {
        let plain = self.codec.compressor == Compressor::None && !self.tiled;
        let begin = self.places.first()?[0];
        let mut end = begin;
        for (i, [at, _]) in self.places.iter().enumerate() {
            if *at != end || !plain {
                return None;
            }
            end += self.wanted(i as u64).bytes as u64;
        }
        Some([begin, end - begin])
    }

    /// Strips or tiles side by side.
    fn across(&self) -> u64 {
        self.width.div_ceil(self.chunk[0])
    }

    /// Strips or tiles below each other.
    fn down(&self) -> u64 {
        self.height.div_ceil(self.chunk[1])
    }

    fn of_plane(&self) -> u64 {
        self.across() * self.down()
    }

    fn layout(&self) -> RowLayout {
        let step = if self.kind.planar { 1 } else { self.kind.samples };
        // What comes out of a JPEG is in our order.
        let little = self.little || self.codec.compressor == Compressor::Jpeg;
        RowLayout { samples: self.chunk[0] as usize * step, step, bits: self.kind.bits, little, predictor: self.codec.predictor }
    }

    /// What must come out of strip or tile `i`: strips end with the page, tiles are always whole.
    fn wanted(&self, i: u64) -> UnpackedSize {
        let first = i % self.of_plane() / self.across() * self.chunk[1];
        let rows = if self.tiled { self.chunk[1] } else { self.chunk[1].min(self.height - first) } as usize;
        let layout = self.layout();
        UnpackedSize { columns: self.chunk[0] as usize, rows, samples: layout.step, bytes: layout.bytes() * rows }
    }

    /// The samples of strip or tile `i`, little-endian, those of a pixel side by side.
    fn samples(&self, file: &TiffFile, shift: u64, i: u64) -> Result<Vec<u8>> {
        let wanted = self.wanted(i);
        let [at, length] = self.places[i as usize];
        let length = if self.codec.compressor == Compressor::None { wanted.bytes as u64 } else { length };
        let packed = file.bytes(at + shift, length)?;
        let rows = self.codec.unpack(packed, wanted);
        let rows = rows.ok_or_else(|| damaged(&file.path, "a strip or tile is damaged, or too short for its size"))?;
        Ok(self.layout().samples(rows))
    }

    /// Rows that are decoded together: whole strips or rows of tiles.
    pub(super) fn band_rows(&self) -> u64 {
        let chunk = self.width * self.chunk[1] * self.kind.width() as u64;
        (self.chunk[1] * (BAND / chunk.max(1)).max(1)).min(self.height)
    }

    /// The voxels of band `band`, its page lying `shift` bytes behind where the directory says.
    pub(super) fn band(&self, file: &TiffFile, shift: u64, band: u64, taken: Taken) -> Result<Vec<u8>> {
        let first = band * self.band_rows();
        let rows = self.band_rows().min(self.height - first);
        let size = self.kind.dtype(taken.indexed).bytes();
        let [columns, height] = self.chunk;
        let row_bytes = self.width as usize * size;
        let mut out = vec![0; row_bytes * rows as usize];
        for down in first / height..(first + rows).div_ceil(height) {
            for across in 0..self.across() {
                let voxels = self.voxels(file, shift, down * self.across() + across, taken)?;
                let (left, top) = ((across * columns) as usize * size, (down * height - first) as usize);
                let bytes = (columns.min(self.width - across * columns)) as usize * size;
                let lines = out.chunks_exact_mut(row_bytes).skip(top);
                for (to, from) in lines.zip(voxels.chunks_exact(columns as usize * size)) {
                    to[left..left + bytes].copy_from_slice(&from[..bytes]);
                }
            }
        }
        Ok(out)
    }

    /// The voxels of strip or tile `i` of a plane.
    fn voxels(&self, file: &TiffFile, shift: u64, i: u64, taken: Taken) -> Result<Vec<u8>> {
        let width = self.kind.width();
        // Each of these samples of the pixels.
        let picked = |samples: &[usize]| -> Result<Vec<Vec<u8>>> {
            if self.kind.planar {
                return samples.iter().map(|s| self.samples(file, shift, *s as u64 * self.of_plane() + i)).collect();
            }
            let all = self.samples(file, shift, i)?;
            if self.kind.samples == 1 {
                return Ok(vec![all]);
            }
            let pixel = width * self.kind.samples;
            let pick = |s: &usize| all.chunks_exact(pixel).flat_map(|p| p[s * width..][..width].iter().copied()).collect();
            Ok(samples.iter().map(pick).collect())
        };
        if matches!(self.kind.hue, Hue::Rgb | Hue::Ycbcr) {
            let [r, g, b] = <[Vec<u8>; 3]>::try_from(picked(&[0, 1, 2])?).unwrap_or_default();
            if width == 1 {
                return Ok(r.iter().zip(&g).zip(&b).map(|((r, g), b)| self.grey.of_u8(*r, *g, *b)).collect());
            }
            let [r, g, b] = [&r, &g, &b].map(|plane| plane.as_chunks().0.iter().map(|v| u16::from_le_bytes(*v)));
            return Ok(r.zip(g).zip(b).flat_map(|((r, g), b)| self.grey.of_u16(r, g, b).to_le_bytes()).collect());
        }
        let numbers = picked(&[taken.channel])?.pop().unwrap_or_default();
        if self.kind.hue == Hue::Palette && !taken.indexed {
            let index = |number: &[u8]| number.iter().rev().fold(0, |i, byte| i << 8 | usize::from(*byte));
            return Ok(numbers.chunks_exact(width).map(|number| self.palette[index(number)]).collect());
        }
        Ok(self.kind.voxels(numbers, taken.indexed))
    }
}

/// How the page is packed; refused if that is not read here, or does not go with its pixels.
fn codec(directory: &Directory<'_>, kind: &PixelKind) -> Result<Codec> {
    let path = directory.file.path.as_path();
    let compressor = Compressor::of(directory.number(tags::COMPRESSION)?.unwrap_or(1))
        .map_err(|name| lacking(path, format!("compression {name}")))?;
    let fits = match compressor {
        Compressor::Fax4 => kind.bits == 1 && kind.samples == 1,
        Compressor::Jpeg => matches!(kind.bits, 8 | 16),
        _ => kind.hue != Hue::Ycbcr,
    };
    if !fits {
        return Err(lacking(path, format!("{kind} of compression {compressor:?}")));
    }
    let predictor = match (compressor, directory.number(tags::PREDICTOR)?.unwrap_or(1)) {
        (Compressor::Lzw | Compressor::Deflate, 2) => Predictor::Horizontal,
        (Compressor::Lzw | Compressor::Deflate, 3) => Predictor::Float,
        (Compressor::Lzw | Compressor::Deflate, 0 | 1) => Predictor::None,
        (Compressor::Lzw | Compressor::Deflate, other) => return Err(lacking(path, format!("predictor {other}"))),
        // Only these two have a place for one.
        _ => Predictor::None,
    };
    let floats = predictor == Predictor::Float && kind.number != NumberFormat::Float;
    if floats || predictor != Predictor::None && !kind.bits.is_multiple_of(8) {
        return Err(lacking(path, format!("{kind} with a predictor")));
    }
    let bits_reversed = directory.number(tags::FILL_ORDER)? == Some(2) && compressor != Compressor::Jpeg;
    let tables = directory.text(tags::JPEG_TABLES, 1 << 20).unwrap_or_default();
    Ok(Codec { compressor, predictor, bits_reversed, tables, ycbcr: kind.hue == Hue::Ycbcr })
}
