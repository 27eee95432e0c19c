//! Convolutions on all threads: eight output channels of eight pixels at a time.

use rayon::prelude::*;

use super::activations::{ActivationShape, Activations, ChannelSlot};
use super::layer::{Convolution, LANES, PackedPair, Requant, requant};

/// Pixels whose sums are in registers at the same time.
const PIXELS: usize = 8;

/// Sums of eight channels.
type Lanes = [i32; LANES];

/// The same with zeros around each image; channels in pairs.
struct Padded {
    words: usize,
    width: usize,
    height: usize,
    pairs: Vec<[i16; 2]>,
}

impl Padded {
    fn new(input: &Activations, layer: &Convolution) -> Self {
        let (shape, pad) = (input.shape, layer.pad);
        let words = shape.words();
        // The last block of pixels may look beyond the row.
        let more = PIXELS * layer.stride + layer.side[1];
        let (width, height) = (shape.width + 2 * pad + more, shape.height + 2 * pad);
        let mut pairs = vec![[0; 2]; shape.images * height * width * words];
        let rows = input.values.chunks_exact((2 * shape.width * words).max(1)).enumerate();
        for (row, values) in rows {
            let (image, y) = (row / shape.height, row % shape.height);
            let at = ((image * height + y + pad) * width + pad) * words;
            let own: &[[i16; 2]] = bytemuck::cast_slice(values);
            pairs[at..at + own.len()].copy_from_slice(own);
        }
        Self { words, width, height, pairs }
    }
}

/// The sums of a row of output pixels.
struct RowSums<'a> {
    layer: &'a Convolution,
    input: &'a Padded,
}

impl RowSums<'_> {
    /// Hands on the sums of each block of channels for up to eight pixels of a row, with the number of the first one.
    fn each(&self, (image, y, width): (usize, usize, usize), mut take: impl FnMut(usize, usize, &[Lanes])) {
        let (layer, input) = (self.layer, self.input);
        let first_row = image * input.height + y * layer.stride;
        for (block, weights) in layer.packed.iter().enumerate() {
            let bias: Lanes = std::array::from_fn(|i| layer.bias.get(block * LANES + i).copied().unwrap_or(0));
            for x in (0..width).step_by(PIXELS) {
                let mut sums = [bias; PIXELS];
                let at = (first_row * input.width + x * layer.stride) * input.words;
                let pixels = PixelBlock {
                    pairs: &input.pairs[at..],
                    row: input.width * input.words,
                    step: layer.stride * input.words,
                    run: layer.side[1] * input.words,
                };
                add(weights, layer.side[0], &pixels, &mut sums);
                take(block, x, &sums[..PIXELS.min(width - x)]);
            }
        }
    }
}

/// Where the input of a block of pixels lies, in pairs of channels.
struct PixelBlock<'a> {
    pairs: &'a [[i16; 2]],
    /// From row to row.
    row: usize,
    /// From pixel to pixel.
    step: usize,
    /// Pairs of a row of the kernel, which lie beside each other.
    run: usize,
}

fn add(weights: &[PackedPair], rows: usize, place: &PixelBlock<'_>, sums: &mut [Lanes; PIXELS]) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the CPU has AVX2, as was asked one line above; the function is safe in every other way.
        return unsafe { add_avx2(weights, rows, place, sums) };
    }
    add_portable(weights, rows, place, sums);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn add_avx2(weights: &[PackedPair], rows: usize, place: &PixelBlock<'_>, sums: &mut [Lanes; PIXELS]) {
    use std::arch::x86_64::{__m256i, _mm256_add_epi32, _mm256_madd_epi16, _mm256_set1_epi32};

    let mut all: [__m256i; PIXELS] = sums.map(bytemuck::cast);
    for (row, weights) in weights.chunks_exact(place.run).enumerate().take(rows) {
        let at = row * place.row;
        let pixels: [&[[i16; 2]]; PIXELS] = std::array::from_fn(|i| &place.pairs[at + i * place.step..][..place.run]);
        for (pair, weights) in weights.iter().enumerate() {
            let weights: __m256i = bytemuck::cast(*weights);
            for (sum, pixel) in all.iter_mut().zip(&pixels) {
                let both = _mm256_set1_epi32(bytemuck::cast(pixel[pair]));
                *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(both, weights));
            }
        }
    }
    *sums = all.map(bytemuck::cast);
}

fn add_portable(weights: &[PackedPair], rows: usize, place: &PixelBlock<'_>, sums: &mut [Lanes; PIXELS]) {
    for (row, weights) in weights.chunks_exact(place.run).enumerate().take(rows) {
        for (i, sums) in sums.iter_mut().enumerate() {
            let pairs = &place.pairs[row * place.row + i * place.step..][..place.run];
            for ([a, b], weights) in pairs.iter().zip(weights) {
                for (sum, pair) in sums.iter_mut().zip(weights.chunks_exact(2)) {
                    *sum += i32::from(*a) * i32::from(pair[0]) + i32::from(*b) * i32::from(pair[1]);
                }
            }
        }
    }
}

/// How the sums of eight channels become activations.
struct LaneScales {
    multipliers: Lanes,
    shifts: Lanes,
    range: (i32, i32),
}

impl LaneScales {
    /// By block of channels.
    fn of(layer: &Convolution) -> Vec<Self> {
        let one = |requants: &[Requant]| {
            let lane = |i: usize, of: &dyn Fn(&Requant) -> i32| requants.get(i).map_or(0, of);
            Self {
                multipliers: std::array::from_fn(|i| lane(i, &|requant| i32::from(requant.multiplier))),
                shifts: std::array::from_fn(|i| lane(i, &|requant| i32::from(requant.shift))),
                range: (i32::from(layer.range.0), i32::from(layer.range.1)),
            }
        };
        layer.requants.chunks(LANES).map(one).collect()
    }

    fn apply(&self, sums: &[Lanes], out: &mut [[i16; LANES]; PIXELS]) {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the CPU has AVX2, as was asked one line above; the function is safe in every other way.
            return unsafe { self.apply_avx2(sums, out) };
        }
        self.apply_portable(sums, out);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn apply_avx2(&self, sums: &[Lanes], out: &mut [[i16; LANES]; PIXELS]) {
        self.apply_portable(sums, out);
    }

    #[inline(always)]
    fn apply_portable(&self, sums: &[Lanes], out: &mut [[i16; LANES]; PIXELS]) {
        for (out, sums) in out.iter_mut().zip(sums) {
            for i in 0..LANES {
                let value = requant(sums[i], self.multipliers[i], self.shifts[i]);
                out[i] = value.clamp(self.range.0, self.range.1) as i16;
            }
        }
    }
}

/// Each row of the output on some thread.
fn rows<T: Send>(
    input: &Activations,
    layer: &Convolution,
    out: &mut [T],
    work: impl Fn(&RowSums<'_>, (usize, usize, usize), &mut [T]) + Sync,
) {
    let summed = layer.summed(&input.shape);
    if summed.is_empty() {
        return;
    }
    let padded = Padded::new(input, layer);
    let sums = RowSums { layer, input: &padded };
    let each = out.len() / (summed.images * summed.height);
    out.par_chunks_exact_mut(each)
        .enumerate()
        .for_each(|(row, out)| work(&sums, (row / summed.height, row % summed.height, summed.width), out));
}

/// Writes the scaled sums into some channels of `out`.
///
/// # Panics
/// For input of other channels, or where the result does not fit.
pub fn convolve(input: &Activations, layer: &Convolution, out: &mut Activations, slot: ChannelSlot) {
    let own = layer.output(&input.shape);
    slot.check(&own, &out.shape);
    let (stride, width) = (2 * out.shape.words(), out.shape.width);
    let scales = LaneScales::of(layer);
    // From the first pixel of a row to where a channel is written.
    let place = |channel: usize| {
        let (quarter, channel) = (channel / own.channels, channel % own.channels);
        ((quarter / 2) * width + quarter % 2) * stride + slot.0 + channel
    };
    let places: Vec<usize> = (0..layer.outputs).map(place).collect();
    let step = if layer.shuffle { 2 * stride } else { stride };
    rows(input, layer, &mut out.values, |sums, row, out| {
        let mut values = [[0; LANES]; PIXELS];
        sums.each(row, |block, x, sums| {
            scales[block].apply(sums, &mut values);
            let places = &places[block * LANES..layer.outputs.min((block + 1) * LANES)];
            let together = places.len() == LANES && places[LANES - 1] - places[0] == LANES - 1;
            for (i, values) in values[..sums.len()].iter().enumerate() {
                let at = (x + i) * step;
                if together {
                    out[at + places[0]..][..LANES].copy_from_slice(values);
                } else {
                    places.iter().zip(values).for_each(|(place, value)| out[at + place] = *value);
                }
            }
        });
    });
}

/// The sums as they are, by pixel and channel.
///
/// # Panics
/// For input of other channels.
pub fn sums(input: &Activations, layer: &Convolution) -> Vec<i32> {
    let shape: ActivationShape = layer.summed(&input.shape);
    let mut out = vec![0; shape.pixels() * layer.outputs];
    rows(input, layer, &mut out, |sums, row, out| {
        sums.each(row, |block, x, sums| {
            let own = block * LANES..layer.outputs.min((block + 1) * LANES);
            for (i, sums) in sums.iter().enumerate() {
                let at = (x + i) * layer.outputs;
                out[at + own.start..at + own.end].copy_from_slice(&sums[..own.len()]);
            }
        });
    });
    out
}
