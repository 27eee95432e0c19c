//! JPEG (ITU-T T.81 | ISO/IEC 10918-1) with Huffman codes: baseline, extended (8 and 12 bits), progressive (8 and 12 bits) and lossless (2 to 16 bits).
//!
//! Samples are those of libjpeg with its accurate integer transform and its interpolation of halved components. What is cut or damaged is an error
//! with the place, never part of a picture; only what stands behind the last coded unit may be missing. Arithmetic coding and hierarchical images are
//! refused by name.
//!
//! The way of an image: [`markers`] splits the data into segments, [`scan`] walks over the data units of each scan and gives them to
//! [`sequential`], [`progressive`] or [`lossless`], which fill planes of samples, by [`idct`] or prediction; [`upsample`] and [`colour`] make pixels of these.

mod bits;
mod colour;
mod fault;
mod frame;
#[cfg(test)]
pub(in crate::io) mod handmade;
mod huffman;
mod idct;
mod lossless;
mod markers;
mod plane;
mod progressive;
mod scan;
mod sequential;
#[cfg(test)]
mod tests;
mod upsample;
mod zigzag;

pub(in crate::io) use fault::JpegFault;

use super::codestream::CodestreamFacts;
use colour::Stored;
use frame::{JpegFrame, Process};
use lossless::Lossless;
use markers::{JpegTables, SOS, Segments};
use plane::JpegPlane;
use progressive::JpegProgress;
use scan::JpegScan;
use sequential::Sequential;
use upsample::Upsampled;

/// The samples of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::io) struct JpegImage {
    /// Row by row, the components of a pixel side by side; three are red, green and blue.
    pub(in crate::io) samples: Vec<u8>,
    /// Bytes of a sample, little-endian: 1, or 2 for more than 8 bits.
    pub(in crate::io) width: usize,
}

/// What the image says of itself before its pixels.
pub(in crate::io) fn facts(data: &[u8]) -> Result<CodestreamFacts, JpegFault> {
    let mut segments = Segments::new(data)?;
    let mut tables = JpegTables::default();
    while let Some((marker, body)) = segments.next()? {
        if markers::is_frame(marker) {
            let frame = markers::frame(marker, body, &segments)?;
            return Ok(CodestreamFacts {
                columns: frame.columns as u64,
                rows: frame.rows as u64,
                components: frame.components.len() as u64,
                precision: frame.precision as u8,
                lossless: frame.process == Process::Lossless,
                colour_marked: tables.jfif || tables.adobe.is_some(),
                full_size: true,
            });
        }
        tables.read(marker, body)?;
    }
    Err(JpegFault::damaged("the image has no frame header"))
}

/// What an application segment before the first scan holds, of those that begin with `name`.
pub(in crate::io) fn application<'a>(data: &'a [u8], marker: u8, name: &[u8]) -> Option<&'a [u8]> {
    let mut segments = Segments::new(data).ok()?;
    while let Ok(Some((found, body))) = segments.next() {
        if found == SOS {
            break;
        }
        if let (true, Some(rest)) = (found == marker, body.strip_prefix(name)) {
            return Some(rest);
        }
    }
    None
}

/// The samples of an image. `rgb` says, if anything does, whether three components are stored as red, green and blue: the image's own markers come first.
///
/// Memory is at most some hundred times the length of the data; [`facts`] tells the size before.
pub(in crate::io) fn decode(data: &[u8], rgb: Option<bool>) -> Result<JpegImage, JpegFault> {
    let mut decoder = JpegDecoder { segments: Segments::new(data)?, tables: JpegTables::default() };
    let (frame, planes) = decoder.run()?;
    let stored = decoder.stored(&frame, rgb);
    let mut components: Vec<Upsampled> =
        planes.into_iter().zip(&frame.components).map(|(plane, component)| Upsampled::new(plane, component, &frame)).collect();
    let width = if frame.precision > 8 { 2 } else { 1 };
    let mut samples = Vec::with_capacity(frame.columns * frame.rows * components.len() * width);
    let mut push = |row: &[u16]| {
        if width == 1 {
            // Of lossless samples with their sign extended only the low byte counts.
            samples.extend(row.iter().map(|s| *s as u8));
        } else {
            samples.extend(row.iter().flat_map(|s| s.to_le_bytes()));
        }
    };
    let mut pixels = vec![0; frame.columns * components.len()];
    let mut colours = [const { Vec::new() }; 3];
    for y in 0..frame.rows {
        let mut rows: Vec<&[u16]> = components.iter_mut().map(|c| &c.row(y)[..frame.columns]).collect();
        if stored == Stored::YCbCr {
            for (colour, row) in colours.iter_mut().zip(&rows) {
                colour.clear();
                colour.extend_from_slice(row);
            }
            colour::convert(&mut colours, frame.precision);
            rows = colours.iter().map(Vec::as_slice).collect();
        }
        match rows[..] {
            [row] => push(row),
            [r, g, b] => {
                let side_by_side = pixels.as_chunks_mut::<3>().0.iter_mut();
                side_by_side.zip(r).zip(g).zip(b).for_each(|(((pixel, r), g), b)| *pixel = [*r, *g, *b]);
                push(&pixels);
            }
            _ => {
                for (first, row) in rows.iter().enumerate() {
                    pixels.iter_mut().skip(first).step_by(rows.len()).zip(*row).for_each(|(pixel, sample)| *pixel = *sample);
                }
                push(&pixels);
            }
        }
    }
    Ok(JpegImage { samples, width })
}

/// An image on its way.
struct JpegDecoder<'a> {
    segments: Segments<'a>,
    tables: JpegTables,
}

impl JpegDecoder<'_> {
    /// The frame and a plane for each component.
    fn run(&mut self) -> Result<(JpegFrame, Vec<JpegPlane>), JpegFault> {
        let early = |what: &str| JpegFault::damaged(format!("the image ends before {what}"));
        let frame = loop {
            let (marker, body) = self.segments.next()?.ok_or_else(|| early("its frame header"))?;
            match marker {
                SOS => return Err(JpegFault::damaged("a scan stands before the frame header")),
                _ if markers::is_frame(marker) => break markers::frame(marker, body, &self.segments)?,
                _ => self.tables.read(marker, body)?,
            }
        };
        frame.check_size(self.segments.data.len())?;
        let planes = match frame.process {
            Process::Progressive => self.progressive(&frame)?.planes(&frame)?,
            _ => self.planes(&frame)?,
        };
        Ok((frame, planes))
    }

    /// Goes on to the next scan; none at the end of the image.
    fn next_scan(&mut self, frame: &JpegFrame) -> Result<Option<JpegScan>, JpegFault> {
        while let Some((marker, body)) = self.segments.next()? {
            match marker {
                SOS => return JpegScan::read(body, frame).map(Some),
                _ if markers::is_frame(marker) => return Err(JpegFault::damaged("the image has a second frame header")),
                _ => self.tables.read(marker, body)?,
            }
        }
        Ok(None)
    }

    /// All samples of an image whose scans hold one or more components each.
    fn planes(&mut self, frame: &JpegFrame) -> Result<Vec<JpegPlane>, JpegFault> {
        let mut planes: Vec<Option<JpegPlane>> = frame.components.iter().map(|_| None).collect();
        while planes.iter().any(Option::is_none) {
            let left = planes.iter().filter(|p| p.is_none()).count();
            let missing =
                || JpegFault::damaged(format!("the image ends before the last {left} of its {} components", planes.len()));
            let scan = self.next_scan(frame)?.ok_or_else(missing)?;
            if scan.parts.iter().any(|p| planes[p.component].is_some()) {
                return Err(JpegFault::damaged("a component is in two scans"));
            }
            let from = (self.segments.data, self.segments.at);
            let made: Vec<JpegPlane> = if frame.process == Process::Lossless {
                let mut units = Lossless::new(frame, &scan, &self.tables)?;
                self.segments.at = scan::walk(frame, &scan, &self.tables, from, &mut units)?;
                units.planes().collect()
            } else {
                let mut units = Sequential::new(frame, &scan, &self.tables)?;
                self.segments.at = scan::walk(frame, &scan, &self.tables, from, &mut units)?;
                units.planes().collect()
            };
            scan.parts.iter().zip(made).for_each(|(part, plane)| planes[part.component] = Some(plane));
        }
        Ok(planes.into_iter().flatten().collect())
    }

    /// All coefficients of a progressive image. Without an end marker none may be missing: who can tell whether a scan was cut off?
    fn progressive(&mut self, frame: &JpegFrame) -> Result<JpegProgress, JpegFault> {
        let mut progress = JpegProgress::new(frame);
        while !progress.is_complete() {
            let Some(scan) = self.next_scan(frame)? else {
                let ended = self.segments.data.get(self.segments.at + 1) == Some(&markers::EOI);
                if ended && progress.has_all() {
                    break;
                }
                return Err(JpegFault::damaged("the image ends before its last scan"));
            };
            let from = (self.segments.data, self.segments.at);
            let mut band = progress.scan(&scan, &self.tables, frame)?;
            self.segments.at = scan::walk(frame, &scan, &self.tables, from, &mut band)?;
        }
        Ok(progress)
    }

    /// What the components mean: by JFIF (T.871), Adobe's segment (T.872), names of components as libjpeg knows them, or the caller.
    fn stored(&self, frame: &JpegFrame, rgb: Option<bool>) -> Stored {
        let lossless = frame.process == Process::Lossless;
        let ids: Vec<u8> = frame.components.iter().map(|c| c.id).collect();
        let rgb = match (self.tables.jfif, self.tables.adobe, rgb) {
            _ if ids.len() != 3 => true,
            // JFIF knows no lossless images: what the file around it says comes first.
            (true, None, Some(rgb)) if lossless => rgb,
            (true, ..) => false,
            (_, Some(transform), _) => transform == 0,
            _ if ids == *b"RGB" => true,
            (.., Some(rgb)) => rgb,
            (.., None) => lossless,
        };
        if rgb { Stored::Plain } else { Stored::YCbCr }
    }
}
