//! The decoding of one scan's lines (Annex A): regular samples (A.4 to A.6), runs (A.7), and components side by side (Annex B).

use super::bits::Bits;
use super::contexts::{Around, REGULAR, Regions, RegularContext, RunContext};
use super::parameters::Parameters;

/// J: runs of 2^J samples are one bit (A.7.1.1).
const RUN_BITS: [u32; 32] =
    [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// One component's last two lines, each with a sample before it and one behind (A.2.1), and its place in the table of runs.
#[derive(Debug, Clone)]
pub(super) struct JpegLsPlane {
    above: Vec<u16>,
    line: Vec<u16>,
    run_index: usize,
}

impl JpegLsPlane {
    pub(super) fn new(columns: usize) -> Self {
        Self { above: vec![0; columns + 2], line: vec![0; columns + 2], run_index: 0 }
    }

    /// The samples of the line decoded last.
    pub(super) fn samples(&self) -> &[u16] {
        &self.line[1..self.line.len() - 1]
    }

    /// As before the first line of an image.
    fn restart(&mut self) {
        self.above.fill(0);
        self.line.fill(0);
        self.run_index = 0;
    }

    /// The last line becomes the one above; what lies beyond the edges is made of its samples.
    fn begin_line(&mut self) {
        std::mem::swap(&mut self.above, &mut self.line);
        let columns = self.above.len() - 2;
        self.above[columns + 1] = self.above[columns];
        self.line[0] = self.above[1];
    }

    #[inline(always)]
    fn around(&self, x: usize) -> Around {
        let above = &self.above[x - 1..x + 2];
        let [c, b, d] = [above[0], above[1], above[2]].map(i32::from);
        Around { a: self.line[x - 1].into(), b, c, d }
    }
}

/// A scan, or what lies between two restart markers of it.
pub(super) struct Coder<'a> {
    bits: Bits<'a>,
    parameters: Parameters,
    regions: Regions,
    regular: [RegularContext; REGULAR],
    /// By RItype.
    runs: [RunContext; 2],
}

impl<'a> Coder<'a> {
    pub(super) fn new(bits: Bits<'a>, parameters: Parameters) -> Self {
        Self {
            bits,
            parameters,
            regions: Regions::new(&parameters),
            regular: [RegularContext::new(&parameters); REGULAR],
            runs: [0, 1].map(|kind| RunContext::new(&parameters, kind)),
        }
    }

    /// Where the data ends, if all of it was used.
    pub(super) fn end(&mut self) -> Option<usize> {
        self.bits.end()
    }

    /// Begins anew behind a restart marker: nothing before it counts (A.2.1).
    pub(super) fn restart(&mut self, bits: Bits<'a>, planes: &mut [JpegLsPlane]) {
        self.bits = bits;
        self.regular = [RegularContext::new(&self.parameters); REGULAR];
        self.runs = [0, 1].map(|kind| RunContext::new(&self.parameters, kind));
        planes.iter_mut().for_each(JpegLsPlane::restart);
    }

    /// The next line of one component; none if the data is damaged or ends.
    pub(super) fn line(&mut self, plane: &mut JpegLsPlane) -> Option<()> {
        plane.begin_line();
        let columns = plane.samples().len();
        let mut x = 1;
        while x <= columns {
            let around = plane.around(x);
            let context = self.regions.context(around);
            if context != 0 {
                plane.line[x] = self.regular(context, around)?;
                x += 1;
                continue;
            }
            let run = self.run(plane.run_index, columns + 1 - x)?;
            plane.line[x..x + run.length].fill(around.a as u16);
            plane.run_index = run.index;
            x += run.length;
            if x <= columns {
                let Around { a, b, .. } = plane.around(x);
                let alike = (a - b).abs() <= self.parameters.near;
                plane.line[x] = self.interruption(usize::from(alike), plane.run_index, a, b)?;
                plane.run_index = plane.run_index.saturating_sub(1);
                x += 1;
            }
        }
        Some(())
    }

    /// The next line of several components, sample by sample (B.3): they share runs.
    pub(super) fn line_by_samples(&mut self, planes: &mut [JpegLsPlane]) -> Option<()> {
        planes.iter_mut().for_each(JpegLsPlane::begin_line);
        let columns = planes[0].samples().len();
        let mut x = 1;
        while x <= columns {
            if planes.iter().any(|plane| self.regions.context(plane.around(x)) != 0) {
                for plane in planes.iter_mut() {
                    let around = plane.around(x);
                    plane.line[x] = self.regular(self.regions.context(around), around)?;
                }
                x += 1;
                continue;
            }
            let run = self.run(planes[0].run_index, columns + 1 - x)?;
            for plane in planes.iter_mut() {
                let a = plane.line[x - 1];
                plane.line[x..x + run.length].fill(a);
            }
            planes[0].run_index = run.index;
            x += run.length;
            if x <= columns {
                for plane in planes.iter_mut() {
                    let Around { a, b, .. } = plane.around(x);
                    plane.line[x] = self.interruption(0, run.index, a, b)?;
                }
                planes[0].run_index = run.index.saturating_sub(1);
                x += 1;
            }
        }
        Some(())
    }

    /// A sample of the regular mode: prediction, its correction, the error, and what is learned of it.
    #[inline(always)]
    fn regular(&mut self, context: i32, around: Around) -> Option<u16> {
        let parameters = &self.parameters;
        // All ones where signs are turned round (A.3.4): x ^ sign - sign is then -x.
        let sign = context >> 31;
        let state = &mut self.regular[context.unsigned_abs() as usize];
        let k = state.k();
        let mapped = self.bits.golomb(k, parameters.escape(0))?;
        if mapped > parameters.range as u32 {
            return None;
        }
        let predicted = (around.predicted() + ((state.correction ^ sign) - sign)).clamp(0, parameters.maxval);
        let error = state.unmapped(mapped, k, parameters.near);
        state.learn(error, parameters);
        Some(reconstructed(parameters, predicted, (error ^ sign) - sign))
    }

    /// The length of a run (A.7.1) of at most `most` samples; one that is shorter is ended by a sample of its own kind.
    fn run(&mut self, mut index: usize, most: usize) -> Option<RunLength> {
        let mut length = 0;
        while self.bits.take(1)? == 1 {
            let step = 1 << RUN_BITS[index];
            if step > most - length {
                return Some(RunLength { length: most, index });
            }
            length += step;
            index = (index + 1).min(RUN_BITS.len() - 1);
            if length == most {
                return Some(RunLength { length, index });
            }
        }
        length += self.bits.take(RUN_BITS[index])? as usize;
        (length < most).then_some(RunLength { length, index })
    }

    /// The sample that ends a run (A.7.2).
    fn interruption(&mut self, kind: usize, run_index: usize, a: i32, b: i32) -> Option<u16> {
        let parameters = &self.parameters;
        let state = &mut self.runs[kind];
        let k = state.k();
        let mapped = self.bits.golomb(k, parameters.escape(RUN_BITS[run_index] + 1))?;
        if mapped > parameters.range as u32 {
            return None;
        }
        let error = state.unmapped(mapped, k);
        state.learn(error, mapped, parameters);
        let (predicted, turned) = if kind == 1 { (a, false) } else { (b, a > b) };
        Some(reconstructed(parameters, predicted, if turned { -error } else { error }))
    }
}

/// A run of equal samples, and the place in the table of runs behind it.
struct RunLength {
    length: usize,
    index: usize,
}

/// The sample that a prediction and an error make: modulo RANGE, within the values that samples have (A.4.4, A.4.5).
#[inline(always)]
fn reconstructed(parameters: &Parameters, predicted: i32, error: i32) -> u16 {
    let Parameters { maxval, near, range, .. } = *parameters;
    let step = 2 * near + 1;
    let mut sample = predicted + error * step;
    if sample < -near {
        sample += range * step;
    } else if sample > maxval + near {
        sample -= range * step;
    }
    sample.clamp(0, maxval) as u16
}
