//! Components of fewer samples to the size of the image. Halved ones are interpolated with the weights 3/4 and 1/4, which is a triangle over
//! centred samples, with libjpeg's rounding; others repeat.

use super::frame::{JpegComponent, JpegFrame};
use super::plane::JpegPlane;

/// How a component grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Growth {
    /// By whole factors, 1 among them.
    Repeat {
        across: usize,
        down: usize,
    },
    /// Twice as wide, twice as high, or both.
    Wider,
    Higher,
    Both,
}

/// Gives rows of a component at the size of the image.
#[derive(Debug)]
pub(super) struct Upsampled {
    plane: JpegPlane,
    columns: usize,
    rows: usize,
    growth: Growth,
    /// The row asked for last, and sums of two rows.
    row: Vec<u16>,
    sums: Vec<u32>,
}

impl Upsampled {
    pub(super) fn new(plane: JpegPlane, component: &JpegComponent, frame: &JpegFrame) -> Self {
        let (across, down) = (frame.across / component.across, frame.down / component.down);
        let smooth = frame.unit > 1;
        let growth = match (across, down) {
            // libjpeg's rule: very narrow ones repeat.
            (2, 1) if smooth && component.columns > 2 => Growth::Wider,
            (2, 2) if smooth && component.columns > 2 => Growth::Both,
            (1, 2) if smooth => Growth::Higher,
            _ => Growth::Repeat { across, down },
        };
        Self { plane, columns: component.columns, rows: component.rows, growth, row: Vec::new(), sums: Vec::new() }
    }

    /// Row `y` of the image, at least as wide as that.
    pub(super) fn row(&mut self, y: usize) -> &[u16] {
        let line = |y: usize| &self.plane.row(y)[..self.columns];
        // The row that the pixel lies in, and the one that it is nearer to; at the edges that is the same.
        let near = y / 2;
        let far = if y.is_multiple_of(2) { near.saturating_sub(1) } else { (near + 1).min(self.rows - 1) };
        self.row.clear();
        match self.growth {
            Growth::Repeat { across: 1, down } => return line(y / down),
            Growth::Repeat { across, down } => {
                self.row.extend(line(y / down).iter().flat_map(|&s| std::iter::repeat_n(s, across)));
            }
            Growth::Wider => {
                self.sums.clear();
                self.sums.extend(line(y).iter().map(|&s| u32::from(s)));
                wider(&mut self.sums, &mut self.row, [1, 2], 2);
            }
            Growth::Higher => {
                let half = if y.is_multiple_of(2) { 1 } else { 2 };
                self.row.extend(
                    line(near).iter().zip(line(far)).map(|(&n, &f)| ((3 * u32::from(n) + u32::from(f) + half) >> 2) as u16),
                );
            }
            Growth::Both => {
                self.sums.clear();
                self.sums.extend(line(near).iter().zip(line(far)).map(|(&n, &f)| 3 * u32::from(n) + u32::from(f)));
                wider(&mut self.sums, &mut self.row, [8, 7], 4);
            }
        }
        &self.row
    }
}

/// Two samples for each, at a quarter to its left and to its right; `halves` are added before the division by 2^`bits`.
fn wider(samples: &mut Vec<u32>, out: &mut Vec<u16>, halves: [u32; 2], bits: u32) {
    // The outermost are their own neighbours.
    let (first, last) = (samples[0], samples[samples.len() - 1]);
    samples.insert(0, first);
    samples.push(last);
    out.resize(2 * (samples.len() - 2), 0);
    for (pair, near) in out.as_chunks_mut::<2>().0.iter_mut().zip(samples.windows(3)) {
        let middle = 3 * near[1];
        *pair = [((middle + near[0] + halves[0]) >> bits) as u16, ((middle + near[2] + halves[1]) >> bits) as u16];
    }
}
