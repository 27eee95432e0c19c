//! What a network is.

use crate::ops::conv2d::{ActivationShape, ChannelSlot, Convolution};
use crate::ops::pool::PixelStep;
use crate::{Error, Result};

/// What a step does.
#[derive(Debug, Clone, PartialEq)]
pub enum NetworkLayer {
    /// A convolution.
    Convolution(Convolution),
    /// What is done between convolutions.
    Pool(PixelStep),
}

/// A step: reads activations, writes some channels of others.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkStep {
    /// What is done.
    pub layer: NetworkLayer,
    /// Numbers of the activations that are read: two for a sum.
    pub from: Vec<usize>,
    /// Number of those that are written.
    pub to: usize,
    /// From which channel of them on: several steps beside each other are a concatenation.
    pub slot: ChannelSlot,
}

/// Steps in their order, and a last convolution.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// Channels of all activations; number 0 is the input.
    pub(super) channels: Vec<usize>,
    pub(super) steps: Vec<NetworkStep>,
    pub(super) last: Convolution,
    pub(super) last_from: usize,
    pub(super) reach: Option<usize>,
    pub(super) align: usize,
}

/// Where the pixels of some activations lie on the input.
#[derive(Debug, Clone, Copy)]
struct PixelSpan {
    /// 2^`shift` pixels of the input are one along each axis.
    shift: u32,
    /// So many pixels of the input on either side matter to one; none: all of them.
    reach: Option<usize>,
}

impl Network {
    /// Checks that steps fit each other; `channels` of all activations, number 0 being the input.
    ///
    /// # Errors
    /// [`Error::Usage`] naming the first step that does not fit, or channels that no step writes.
    pub fn new(channels: Vec<usize>, steps: Vec<NetworkStep>, (last, last_from): (Convolution, usize)) -> Result<Self> {
        let wrong = |what: String| Error::usage(what, "quantise the network again");
        let mut spans: Vec<Option<PixelSpan>> = vec![None; channels.len()];
        let mut written = vec![0; channels.len()];
        let Some((first, whole)) = spans.first_mut().zip(written.first_mut()) else {
            return Err(wrong("a network of nothing".into()));
        };
        (*first, *whole) = (Some(PixelSpan { shift: 0, reach: Some(0) }), channels[0]);
        let mut most = 0;
        for (number, step) in steps.iter().enumerate() {
            let ready = |at: &usize| spans.get(*at).copied().flatten().filter(|_| written[*at] == channels[*at]);
            let inputs: Option<Vec<PixelSpan>> = step.from.iter().map(ready).collect();
            let wanted = if let NetworkLayer::Pool(between) = &step.layer { between.inputs() } else { 1 };
            let fits = inputs.filter(|inputs| inputs.len() == wanted && step.to < channels.len() && step.to > 0);
            let Some(inputs) = fits else { return Err(wrong(format!("step {number} reads what is not there yet"))) };
            let (own, span) = step
                .becomes(channels[step.from[0]], &inputs)
                .ok_or_else(|| wrong(format!("step {number} does not fit its input")))?;
            let same = spans[step.to].is_none_or(|there| there.shift == span.shift);
            if !(same
                && step.slot.0 == written[step.to]
                && step.slot.0 + own <= channels[step.to]
                && step.slot.0.is_multiple_of(2))
            {
                return Err(wrong(format!("step {number} writes {own} channels to a place that does not fit")));
            }
            written[step.to] += own;
            let there = spans[step.to].map_or(Some(0), |there| there.reach);
            spans[step.to] = Some(PixelSpan { reach: there.zip(span.reach).map(|(a, b)| a.max(b)), ..span });
            most = most.max(span.shift);
        }
        let end = spans
            .get(last_from)
            .copied()
            .flatten()
            .filter(|_| written[last_from] == last.inputs() && channels[last_from] == last.inputs());
        let Some(end) = end else { return Err(wrong("the last convolution does not fit".into())) };
        let reach = end.reach.map(|reach| reach + (last.reach() << end.shift)).filter(|_| end.shift == 0);
        Ok(Self { channels, steps, last, last_from, reach, align: 1 << most })
    }

    /// Channels of an input.
    pub fn inputs(&self) -> usize {
        self.channels[0]
    }

    /// Logits of a pixel.
    pub fn outputs(&self) -> usize {
        self.last.outputs()
    }

    /// How many pixels on either side matter to a logit; none where all do, or where there are fewer logits than pixels.
    pub fn reach(&self) -> Option<usize> {
        self.reach
    }

    /// Rows and columns of an input are a multiple of this.
    pub fn align(&self) -> usize {
        self.align
    }

    /// Shapes of all activations for an input.
    ///
    /// # Errors
    /// [`Error::Usage`] for other channels, or rows and columns that are no multiple of [`align`](Self::align).
    pub fn shapes(&self, input: ActivationShape) -> Result<Vec<ActivationShape>> {
        let aligned = [input.height, input.width].iter().all(|n| *n > 0 && n.is_multiple_of(self.align));
        if input.channels != self.inputs() || !aligned || input.images == 0 {
            let what = format!("{input:?} for a network of {} channels and multiples of {} pixels", self.inputs(), self.align);
            return Err(Error::usage(what, "pad the image"));
        }
        let mut shapes: Vec<ActivationShape> =
            self.channels.iter().map(|channels| ActivationShape { channels: *channels, ..input }).collect();
        for step in &self.steps {
            let from = shapes[step.from[0]];
            let own = match &step.layer {
                NetworkLayer::Convolution(layer) => layer.output(&from),
                NetworkLayer::Pool(between) => between.output(&from),
            };
            shapes[step.to] = own.of(own.height, own.width, self.channels[step.to]);
        }
        Ok(shapes)
    }
}

impl NetworkStep {
    /// How many channels come of so many, and where their pixels lie.
    fn becomes(&self, channels: usize, inputs: &[PixelSpan]) -> Option<(usize, PixelSpan)> {
        let first = *inputs.first()?;
        if inputs.iter().any(|input| input.shift != first.shift) {
            return None;
        }
        let reach = inputs.iter().try_fold(0, |most: usize, input| input.reach.map(|reach| most.max(reach)));
        let pixels = |n: usize| n << first.shift;
        let span = |shift: u32, more: usize| PixelSpan { shift, reach: reach.map(|reach| reach + more) };
        match &self.layer {
            NetworkLayer::Convolution(layer) => {
                let down = layer.stride().checked_ilog2().filter(|_| layer.stride().is_power_of_two())?;
                let (outputs, up) = if layer.shuffle() { (layer.outputs() / 4, 1) } else { (layer.outputs(), 0) };
                let shift = (first.shift + down).checked_sub(up)?;
                (layer.inputs() == channels).then(|| (outputs, span(shift, pixels(layer.reach()))))
            }
            NetworkLayer::Pool(PixelStep::Greatest) => Some((channels, span(first.shift + 1, pixels(1)))),
            NetworkLayer::Pool(PixelStep::Double) => Some((channels, span(first.shift.checked_sub(1)?, 0))),
            NetworkLayer::Pool(PixelStep::Mean(_)) => Some((channels, PixelSpan { reach: None, ..first })),
            NetworkLayer::Pool(PixelStep::Copy(_) | PixelStep::Add { .. }) => Some((channels, span(first.shift, 0))),
        }
    }
}
