//! JPEG-LS, lossless and near-lossless (ITU-T T.87 | ISO/IEC 14495-1): 2 to 16 bits, one to four components in any interleaving, presets,
//! restart intervals.
//!
//! Not decoded, and said so: mapping tables, point transforms, subsampled components, sizes beyond the frame header, the extensions of
//! T.870, and the colour transforms of HP, which are in no standard.

mod bits;
mod contexts;
mod markers;
mod parameters;
mod scan;
#[cfg(test)]
mod tests;

use super::codestream::CodestreamFacts;
use bits::Bits;
use markers::{Interleave, JpegLsFrame, JpegLsScan, Markers};
use parameters::Parameters;
use scan::{Coder, JpegLsPlane};

/// Why an image is not decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::io) enum JpegLsFault {
    /// Cut or damaged in its markers, before or between scans.
    Markers,
    /// Cut or damaged in the data of a scan, at this line of the image, from 1.
    Line(usize),
    /// Sound as far as one can see, but with what is not decoded here.
    Unsupported(&'static str),
}

/// What the frame header says of an image, whose samples nothing was allocated for yet.
pub(in crate::io) fn facts(data: &[u8]) -> Result<CodestreamFacts, JpegLsFault> {
    let JpegLsFrame { precision, rows, columns, components } = Markers::new(data)?.frame()?;
    Ok(CodestreamFacts {
        columns: columns.into(),
        rows: rows.into(),
        components: components.len() as u64,
        precision,
        lossless: true,
        colour_marked: false,
        full_size: true,
    })
}

/// The samples of an image, those of a pixel side by side: bytes up to a precision of 8 bits, else little-endian words. Memory goes by the
/// frame header: ask [`facts`] first.
///
/// # Errors
/// Nothing is returned of an image that is not whole; see [`JpegLsFault`].
pub(in crate::io) fn decode(data: &[u8]) -> Result<Vec<u8>, JpegLsFault> {
    let mut markers = Markers::new(data)?;
    let frame = markers.frame()?;
    let mut image = JpegLsImage::new(&frame)?;
    let mut missing = vec![true; frame.components.len()];
    while missing.contains(&true) {
        let header = markers.scan(&frame)?;
        for &component in &header.components {
            // Each component is in one scan.
            if !std::mem::replace(&mut missing[component], false) {
                return Err(JpegLsFault::Markers);
            }
        }
        scan(&mut markers, &frame, &header, &mut image)?;
    }
    Ok(image.samples)
}

/// Decodes the lines of one scan and goes behind its data.
fn scan(markers: &mut Markers, frame: &JpegLsFrame, header: &JpegLsScan, image: &mut JpegLsImage) -> Result<(), JpegLsFault> {
    let parameters = Parameters::new(frame.precision, header.near, &markers.preset).ok_or(JpegLsFault::Markers)?;
    let mut planes = vec![JpegLsPlane::new(frame.columns.into()); header.components.len()];
    let mut coder = Coder::new(Bits::new(markers.data, markers.at), parameters);
    let mut restarts = 0;
    for y in 0..usize::from(frame.rows) {
        let damaged = JpegLsFault::Line(y + 1);
        if y > 0 && markers.restart_lines > 0 && (y as u64).is_multiple_of(markers.restart_lines.into()) {
            markers.at = coder.end().ok_or(damaged)?;
            markers.restart(restarts).ok_or(damaged)?;
            restarts += 1;
            coder.restart(Bits::new(markers.data, markers.at), &mut planes);
        }
        match header.interleave {
            Interleave::Lines => planes.iter_mut().try_for_each(|plane| coder.line(plane)),
            Interleave::Samples => coder.line_by_samples(&mut planes),
        }
        .ok_or(damaged)?;
        for (plane, &component) in planes.iter().zip(&header.components) {
            image.store(y, component, plane.samples());
        }
    }
    markers.at = coder.end().ok_or(JpegLsFault::Line(frame.rows.into()))?;
    Ok(())
}

/// The samples decoded so far.
struct JpegLsImage {
    samples: Vec<u8>,
    columns: usize,
    components: usize,
    wide: bool,
}

impl JpegLsImage {
    fn new(frame: &JpegLsFrame) -> Result<Self, JpegLsFault> {
        let (columns, components, wide) = (usize::from(frame.columns), frame.components.len(), frame.precision > 8);
        let bytes = (columns * components * (1 + usize::from(wide))).checked_mul(frame.rows.into());
        let bytes = bytes.ok_or(JpegLsFault::Unsupported("more samples than memory can hold"))?;
        Ok(Self { samples: vec![0; bytes], columns, components, wide })
    }

    fn store(&mut self, y: usize, component: usize, line: &[u16]) {
        let first = y * self.columns * self.components + component;
        if self.wide {
            let words = &mut self.samples.as_chunks_mut::<2>().0[first..];
            words.iter_mut().step_by(self.components).zip(line).for_each(|(to, from)| *to = from.to_le_bytes());
        } else {
            let bytes = &mut self.samples[first..];
            bytes.iter_mut().step_by(self.components).zip(line).for_each(|(to, from)| *to = *from as u8);
        }
    }
}
