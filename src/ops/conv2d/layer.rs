//! What a convolution is.

use super::activations::ActivationShape;

/// Sums of 32 bits as numbers of fewer: times multiplier / 2^(16 + shift), halves rounded up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requant {
    /// At most 32,767.
    pub multiplier: u16,
    /// At most 30.
    pub shift: u8,
}

impl Requant {
    /// The nearest to a factor from 0 to below 0.5; what is smaller than 2⁻⁴⁶ is 0.
    ///
    /// # Panics
    /// For another factor.
    pub fn of(factor: f64) -> Self {
        assert!((0.0..0.49999).contains(&factor), "a factor of {factor}");
        let mut shift = 0u8;
        let mut scaled = factor * 65536.0;
        while scaled > 0.0 && scaled < 16384.0 && shift < 30 {
            (scaled, shift) = (2.0 * scaled, shift + 1);
        }
        Self { multiplier: scaled.round().min(32767.0) as u16, shift }
    }

    /// What a sum becomes. In two halves, so that 32 bits suffice on any device: floor(sum · multiplier / 2¹⁶), then the rounded shift.
    #[inline(always)]
    pub fn apply(self, sum: i32) -> i32 {
        requant(sum, i32::from(self.multiplier), i32::from(self.shift))
    }
}

#[inline(always)]
pub(super) fn requant(sum: i32, multiplier: i32, shift: i32) -> i32 {
    let product = (sum >> 16) * multiplier + (((sum & 0xffff) as u32 * multiplier as u32) >> 16) as i32;
    (product + ((1 << shift) >> 1)) >> shift
}

/// Output channels that the CPU sums together.
pub(super) const LANES: usize = 8;

/// Weights of two input channels for eight output channels, pair beside pair.
pub(super) type PackedPair = [i16; 2 * LANES];

/// A convolution in whole numbers, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Convolution {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) side: [usize; 2],
    pub(super) stride: usize,
    pub(super) pad: usize,
    /// By output channel, row, column and input channel.
    pub(super) weights: Vec<i8>,
    /// The same for the CPU: by block of output channels, then by row, column and pair of input channels.
    pub(super) packed: Vec<Vec<PackedPair>>,
    pub(super) bias: Vec<i32>,
    pub(super) requants: Vec<Requant>,
    pub(super) range: (i16, i16),
    pub(super) shuffle: bool,
}

impl Convolution {
    /// From input to output channels, kernels of `side` rows and columns. Weights lie by output channel, row, column and input channel. Activations are within `most` of 0.
    ///
    /// # Errors
    /// What does not fit: a number of weights, or sums that could leave 32 bits.
    pub fn new(
        [inputs, outputs]: [usize; 2],
        (side, stride, pad): ([usize; 2], usize, usize),
        (weights, bias, most): (Vec<i8>, Vec<i32>, i16),
    ) -> Result<Self, String> {
        let taps = side[0] * side[1] * inputs;
        if weights.len() != taps * outputs || bias.len() != outputs || taps == 0 || stride == 0 {
            return Err(format!("{} weights, {} biases for {inputs} to {outputs} channels, {side:?}", weights.len(), bias.len()));
        }
        for (own, bias) in weights.chunks_exact(taps).zip(&bias) {
            let sum = own.iter().map(|w| i64::from(w.unsigned_abs())).sum::<i64>() * i64::from(most) + i64::from(*bias).abs();
            if sum > i64::from(i32::MAX) {
                return Err(format!("sums up to {sum} do not fit 32 bits"));
            }
        }
        let requants = vec![Requant { multiplier: 0, shift: 0 }; outputs];
        let packed = packed(&weights, [inputs, outputs]);
        Ok(Self {
            inputs,
            outputs,
            side,
            stride,
            pad,
            weights,
            packed,
            bias,
            requants,
            range: (i16::MIN, i16::MAX),
            shuffle: false,
        })
    }

    /// The same with sums scaled so, channel by channel, and kept within a range that holds 0.
    ///
    /// # Panics
    /// For another number of channels, or a range without 0.
    #[must_use]
    pub fn scaled(self, requants: Vec<Requant>, range: (i16, i16)) -> Self {
        assert!(requants.len() == self.outputs && range.0 <= 0 && range.1 >= 0, "{} scales, {range:?}", requants.len());
        Self { requants, range, ..self }
    }

    /// The same as a transposed convolution: a quarter of the channels, twice the rows and columns.
    ///
    /// # Panics
    /// Unless an eighth of the outputs is a whole number.
    #[must_use]
    pub fn shuffled(self) -> Self {
        assert!(self.outputs.is_multiple_of(8), "{} channels in four pairs", self.outputs);
        Self { shuffle: true, ..self }
    }

    /// Whether four channels are four pixels.
    pub fn shuffle(&self) -> bool {
        self.shuffle
    }

    /// Input channels.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Output channels, before four of them become pixels.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Input pixels from one output pixel to the next.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// How many pixels of the input on either side matter to an output pixel.
    pub fn reach(&self) -> usize {
        self.side.map(|side| self.pad.max(side.saturating_sub(1 + self.pad)).max(self.stride - 1)).into_iter().fold(0, usize::max)
    }

    /// What comes of activations of this shape, before four channels become pixels.
    pub(super) fn summed(&self, input: &ActivationShape) -> ActivationShape {
        let along = |n: usize, side: usize| ((n + 2 * self.pad + 1).saturating_sub(side)).div_ceil(self.stride);
        input.of(along(input.height, self.side[0]), along(input.width, self.side[1]), self.outputs)
    }

    /// What comes of activations of this shape.
    ///
    /// # Panics
    /// For other input channels.
    pub fn output(&self, input: &ActivationShape) -> ActivationShape {
        assert_eq!(input.channels, self.inputs, "input channels");
        let summed = self.summed(input);
        if self.shuffle { summed.of(2 * summed.height, 2 * summed.width, self.outputs / 4) } else { summed }
    }
}

fn packed(weights: &[i8], [inputs, outputs]: [usize; 2]) -> Vec<Vec<PackedPair>> {
    let (taps, words) = (weights.len() / (inputs * outputs), inputs.div_ceil(2));
    let of = |output: usize, tap: usize, input: usize| {
        if output < outputs && input < inputs { i16::from(weights[(output * taps + tap) * inputs + input]) } else { 0 }
    };
    let block = |first: usize| {
        let pairs = (0..taps).flat_map(|tap| (0..words).map(move |word| (tap, word)));
        pairs.map(|(tap, word)| std::array::from_fn(|i| of(first + i / 2, tap, 2 * word + i % 2))).collect()
    };
    (0..outputs).step_by(LANES).map(block).collect()
}
