//! The centre of all point-wise methods: a chain of steps over real values, composed on the host in f64 and rounded once.
//!
//! Each step is a function of the value that nowhere rises, or nowhere falls (but for display tables of files, on whole numbers). A step that needs statistics of its input (normalise,
//! equalise, Otsu) takes them from the distribution of the voxels that count, pushed through the steps before it: exact for 8- and
//! 16-bit data, exact to one of up to 65,536 bins for true floats. So a chain of any length is one count, one decision and one map:
//! [`Composed::table`] makes the table of stored integers, [`pieces`](super::pieces) what floats are mapped by.
//!
//! What a result means follows from the last step that says so ([`Scale`]): windows, minmax and equalisation give fractions from 0 to 1,
//! which spread over the whole range of an integer type; thresholds give classes; everything else gives real values.
//! Percentiles interpolate linearly, standard deviations are those of the population, as numpy has them.

mod function;
mod parse;
#[cfg(test)]
mod tests;

use function::Function;

use super::distribution::Distribution;
use super::thresholds;
use super::windows::{fraction, is_monotone, named};
use crate::volume::{Dtype, Header, Padding, Rescale, Table, Window, WindowFunction};
use crate::{Error, Hint, Result};

/// One point-wise method.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// slope · x + intercept.
    Rescale(Rescale),
    /// A display window, to 0..1.
    Window(Voi),
    /// Least to 0, largest to 1.
    MinMax,
    /// Less the mean, by the standard deviation.
    ZScore,
    /// Values outside become the nearer limit.
    Clip {
        /// Lower limit.
        low: f64,
        /// Upper limit.
        high: f64,
    },
    /// As `Clip`, the limits being percentiles (0 to 100).
    Percentile {
        /// Percentile of the lower limit.
        low: f64,
        /// Percentile of the upper limit.
        high: f64,
    },
    /// What nnU-Net does to CT: clip to the 0.5th and 99.5th percentile, then less the mean, by the standard deviation; all four of
    /// the voxels that count (its foreground), before they are clipped.
    NnUnet,
    /// Low becomes high: 1 - x for fractions, least + largest - x for real values.
    Invert,
    /// x to this power, over 0..1 for fractions, from the least to the largest for real values.
    Gamma(f64),
    /// Each value becomes the share of voxels that are not above it, 0 for the lowest: histogram equalisation.
    Equalize,
    /// Class = number of thresholds t with x > t.
    Threshold(Cuts),
}

/// Which display window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Voi {
    /// One of the usual ones of CT, by its name in [`PRESETS`](super::windows::PRESETS), with this function between its ends.
    Preset(&'static str, WindowFunction),
    /// The file's own: its first display table if it has one, else its first window.
    File,
    /// This one.
    Given(Window),
}

/// Where thresholds come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Cuts {
    /// These values.
    At(Vec<f64>),
    /// These percentiles (0 to 100).
    Percentiles(Vec<f64>),
    /// Otsu's, between so many classes.
    Otsu(usize),
}

/// Steps, one after another.
#[derive(Debug, Clone, PartialEq)]
pub struct Chain(Vec<Step>);

/// What a result means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// A real value, rounded and clamped by integer types.
    Real,
    /// 0 to 1, spread over the whole range of integer types.
    Fraction,
    /// A class from 0.
    Classes,
}

/// What a step took from the voxels that count: name and number.
pub type Facts = Vec<(&'static str, f64)>;

/// A chain decided on: one function from real values to results.
#[derive(Debug, Clone)]
pub struct Composed {
    functions: Vec<Function>,
    to: Dtype,
    scale: Scale,
    keeps_unit: bool,
    facts: Vec<(Step, Facts)>,
    blank: Vec<Blank>,
    after: Distribution,
    /// The number of the lowest class.
    first: f64,
    /// Real values beyond which nothing has a class.
    within: Option<(f64, f64)>,
}

/// A window that shows next to nothing: the middle 98 % of the voxels that count differ, and become one of 256 greys.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Blank {
    /// The window.
    pub window: Window,
    /// The 1st and 99th percentile before it.
    pub values: (f64, f64),
}

impl Step {
    /// Whether results are in the unit of what comes in.
    pub fn keeps_unit(&self) -> bool {
        matches!(self, Self::Clip { .. } | Self::Percentile { .. })
    }
}

impl Chain {
    /// These steps.
    ///
    /// # Errors
    /// [`Error::Usage`] for none, or for a step whose numbers make no sense.
    pub fn new(steps: Vec<Step>) -> Result<Self> {
        if steps.is_empty() {
            return Err(Error::usage("a chain of no steps", format!("give one or more of {}", parse::EXAMPLES)));
        }
        steps.iter().try_for_each(parse::check)?;
        Ok(Self(steps))
    }

    /// One step whose numbers are known to make sense.
    #[cfg(feature = "files")]
    pub(crate) fn of(step: Step) -> Self {
        Self(vec![step])
    }

    /// No step: every value stays what it is.
    #[cfg(feature = "files")]
    pub(crate) fn identity() -> Self {
        Self(Vec::new())
    }

    /// The steps.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Decides: `input` are the voxels that count of a volume with this header. The result has type `to`, or by default u8 for
    /// classes, float32 for real values, and for fractions 8 bits if the volume has 8 bits, else 16.
    ///
    /// # Errors
    /// [`Error::Usage`] if no voxel counts, a step finds nothing to do (a constant image has no z-score), the file has no window, or
    /// the type cannot be written.
    pub fn compose(&self, input: Distribution, header: &Header, to: Option<Dtype>) -> Result<Composed> {
        if input.total() == 0 {
            return Err(Error::no_voxel());
        }
        let mut all = Composed {
            functions: Vec::new(),
            to: Dtype::F32,
            scale: Scale::Real,
            keeps_unit: true,
            facts: Vec::new(),
            blank: Vec::new(),
            after: input,
            first: 0.0,
            within: None,
        };
        for step in &self.0 {
            let (functions, facts) = decide(step, &all.after, all.scale, header)?;
            if let [Function::Window(window)] = functions[..] {
                all.blank.extend(Blank::of(window, &all.after));
            }
            for f in &functions {
                all.after = all.after.through(|x| f.apply(x));
            }
            all.functions.extend(functions);
            all.facts.push((step.clone(), facts));
            all.scale = match step {
                Step::Window(_) | Step::MinMax | Step::Equalize => Scale::Fraction,
                Step::Threshold(_) => Scale::Classes,
                Step::Rescale(_) | Step::ZScore | Step::NnUnet => Scale::Real,
                Step::Clip { .. } | Step::Percentile { .. } | Step::Invert | Step::Gamma(_) => all.scale,
            };
            all.keeps_unit &= step.keeps_unit();
        }
        all.to = to.unwrap_or(match all.scale {
            Scale::Classes => Dtype::U8,
            Scale::Real => Dtype::F32,
            Scale::Fraction if header.meaning.dtype.bytes() == 1 => Dtype::U8,
            Scale::Fraction => Dtype::U16,
        });
        if !matches!(all.to, Dtype::U8 | Dtype::U16 | Dtype::I16 | Dtype::F32) {
            return Err(Error::usage(format!("results of type {}", all.to), "ask for u8, u16, i16 or f32"));
        }
        Ok(all)
    }
}

/// One step on voxels distributed like this.
fn decide(step: &Step, input: &Distribution, scale: Scale, header: &Header) -> Result<(Vec<Function>, Facts)> {
    let (min, max) = input.ends().unwrap_or_default();
    let (low, high) = if scale == Scale::Fraction { (0.0, 1.0) } else { (min, max) };
    let (mean, std) = input.mean_std().unwrap_or_default();
    let varied = |what: &str| match min < max {
        true => Ok(()),
        false => Err(Error::usage(format!("all voxels that count hold one value here, {min}: {what}"), Hint::OmitStep)),
    };
    let percentiles = |percents: &[f64]| input.percentiles(percents).unwrap_or_default();
    Ok(match step {
        Step::Rescale(r) => (vec![Function::Affine(*r)], vec![]),
        Step::Window(voi) => display(*voi, header, input.is_exact())?,
        Step::MinMax => {
            varied("it cannot be spread from 0 to 1")?;
            (vec![Function::Spread { low: min, high: max }], vec![("min", min), ("max", max)])
        }
        Step::ZScore => {
            varied("it has no z-score")?;
            (vec![Function::Standard { mean, std }], vec![("mean", mean), ("std", std)])
        }
        Step::Clip { low, high } => (vec![Function::Clip { low: *low, high: *high }], vec![]),
        Step::Percentile { low, high } => {
            let limits = percentiles(&[*low, *high]);
            (vec![Function::Clip { low: limits[0], high: limits[1] }], vec![("low", limits[0]), ("high", limits[1])])
        }
        Step::NnUnet => {
            varied("it has no z-score")?;
            let limits = percentiles(&[0.5, 99.5]);
            let facts = vec![("low", limits[0]), ("high", limits[1]), ("mean", mean), ("std", std)];
            (vec![Function::Clip { low: limits[0], high: limits[1] }, Function::Standard { mean, std }], facts)
        }
        Step::Invert => (vec![Function::Affine(Rescale { slope: -1.0, intercept: low + high })], vec![]),
        Step::Gamma(exponent) => {
            if low >= high {
                varied("gamma changes nothing")?;
            }
            (vec![Function::Gamma { low, high, exponent: *exponent }], vec![])
        }
        Step::Equalize => {
            varied("there is nothing to equalise")?;
            (vec![Function::ranks(input)], vec![])
        }
        Step::Threshold(cuts) => {
            let (thresholds, mut facts) = match cuts {
                Cuts::At(at) => (at.clone(), vec![]),
                Cuts::Percentiles(percents) => (percentiles(percents), vec![]),
                Cuts::Otsu(classes) => {
                    let found = thresholds::otsu(input, *classes)?;
                    (found.thresholds, vec![("separability", found.separability)])
                }
            };
            facts.extend(thresholds.iter().map(|t| ("threshold", *t)));
            (vec![Function::Classes(thresholds)], facts)
        }
    })
}

fn display(voi: Voi, header: &Header, exact: bool) -> Result<(Vec<Function>, Facts)> {
    let window = match voi {
        Voi::Given(window) => window,
        Voi::Preset(name, function) => {
            let (_, window) = named(name)?;
            Window { function, ..window }
        }
        Voi::File => match (header.display.voi_luts.first(), header.display.windows.first()) {
            (Some(lut), _) if exact || is_monotone(lut) => {
                let facts = vec![("first", lut.first), ("entries", lut.entries.len() as f64), ("white", f64::from(lut.top))];
                return Ok((vec![Function::Lut(lut.clone())], facts));
            }
            (Some(_), _) => {
                return Err(Error::usage(
                    "the file's display table rises and falls, and the voxels are no whole numbers",
                    "give a preset or centre and width",
                ));
            }
            (None, Some(window)) => *window,
            (None, None) => {
                return Err(Error::usage(
                    "the file brings no window of its own",
                    "give a preset (lung, bone, brain, ...) or centre and width",
                ));
            }
        },
    };
    Ok((vec![Function::Window(window)], vec![("center", window.center), ("width", window.width)]))
}

impl Blank {
    fn of(window: Window, input: &Distribution) -> Option<Self> {
        let [low, high] = input.percentiles(&[1.0, 99.0])?[..] else { return None };
        let grey = |real| (255.0 * fraction(&window, real)).round();
        (low < high && grey(low) == grey(high)).then_some(Self { window, values: (low, high) })
    }
}

impl Composed {
    /// The same with classes from 1 on, and 0 for voxels without one: real values outside of `within`, padding. Only for classes.
    ///
    /// # Errors
    /// [`Error::Usage`] if the type cannot hold so many.
    #[cfg(feature = "files")]
    pub(crate) fn numbered_from_one(self, within: Option<(f64, f64)>) -> Result<Self> {
        let classes = self.thresholds().map_or(0, <[f64]>::len) + 1;
        if self.to == Dtype::U8 && classes > 255 {
            return Err(Error::usage(
                format!("{classes} classes, and 0 for voxels that do not count, do not fit uint8"),
                "give fewer thresholds",
            ));
        }
        Ok(Self { first: 1.0, within, ..self })
    }

    /// The number of the lowest class: 0, or 1 where 0 is what does not count.
    pub fn first_class(&self) -> usize {
        self.first as usize
    }

    /// Windows that show next to nothing of the voxels that count.
    pub fn blank(&self) -> &[Blank] {
        &self.blank
    }

    /// Type of the results.
    pub fn to(&self) -> Dtype {
        self.to
    }

    /// What the results mean.
    pub fn scale(&self) -> Scale {
        self.scale
    }

    /// Whether results are still in the unit of the input.
    pub fn keeps_unit(&self) -> bool {
        self.keeps_unit
    }

    /// The steps, with what each took from the voxels that count.
    pub fn facts(&self) -> &[(Step, Facts)] {
        &self.facts
    }

    /// The thresholds of the last step, ascending; none if it is not a threshold.
    pub fn thresholds(&self) -> Option<&[f64]> {
        match self.functions.last() {
            Some(Function::Classes(thresholds)) => Some(thresholds),
            _ => None,
        }
    }

    /// The voxels that count after all steps, before results are spread over an integer type and rounded.
    pub fn after(&self) -> &Distribution {
        &self.after
    }

    /// The result for a real value, not yet rounded: what [`Composed::rounded`] rounds once.
    pub fn value(&self, real: f64) -> f64 {
        let (first, top) = self.range();
        if let (Some((Function::Ranks(ranks), before)), true) = (self.functions.split_last(), self.to != Dtype::F32) {
            // A fraction of integers, rounded once as a fraction.
            return first + ranks.level(before.iter().fold(real, |x, f| f.apply(x)), top as u64) as f64;
        }
        let x = self.functions.iter().fold(real, |x, f| f.apply(x));
        match (self.scale, self.to) {
            (Scale::Fraction, Dtype::U8 | Dtype::U16 | Dtype::I16) => first + x * top,
            (Scale::Classes, _) => self.first + x,
            _ => x,
        }
    }

    /// The result for a real value as the type holds it: to nearest, ties to even, and clamped.
    pub fn rounded(&self, real: f64) -> f64 {
        let (first, top) = self.range();
        match self.to {
            Dtype::F32 => f64::from(self.value(real) as f32),
            // `clamp` keeps NaN, which has no integer.
            _ if real.is_nan() => 0.0,
            _ => self.value(real).round_ties_even().clamp(first, first + top),
        }
    }

    /// A value of [`Composed::after`] as the type holds it.
    pub fn stored(&self, after: f64) -> f64 {
        let (first, top) = self.range();
        match (self.to, self.scale) {
            (Dtype::F32, _) => f64::from(after as f32),
            (_, Scale::Fraction) => (first + after * top).round_ties_even().clamp(first, first + top),
            _ => after.round_ties_even().clamp(first, first + top),
        }
    }

    /// The least value and the number of steps of the result's type, if it is an integer.
    fn range(&self) -> (f64, f64) {
        match self.to {
            Dtype::I16 => (-32_768.0, 65_535.0),
            Dtype::U8 => (0.0, 255.0),
            _ => (0.0, 65_535.0),
        }
    }

    /// Voxels that count and whose result the type cannot hold.
    pub fn clamped(&self) -> u64 {
        if self.scale == Scale::Fraction || self.to == Dtype::F32 {
            return 0;
        }
        let (first, top) = self.range();
        let beyond = |x: f64| !(first..=first + top).contains(&x.round_ties_even());
        self.after.entries().iter().filter(|e| beyond(e.value)).map(|e| e.count).sum()
    }

    /// What voxels without data become: 0 where results are fractions or classes, else the lowest result of the voxels that count,
    /// so that they cannot pass for tissue.
    pub fn padded(&self) -> f64 {
        match (self.scale, self.after.ends()) {
            (Scale::Real, Some((low, _))) => low,
            _ => 0.0,
        }
    }

    /// The table for stored values of type `from` with this rescale; padding, and what has no class, become [`Composed::padded`].
    pub fn table(&self, from: Dtype, rescale: Rescale, padding: Option<Padding>) -> Table {
        let padded = self.padded();
        Table::from_fn(from, self.to, |stored| {
            let (stored, real) = (f64::from(stored), rescale.real(f64::from(stored)));
            let left_out = padding.is_some_and(|p| (p.low..=p.high).contains(&stored))
                || self.within.is_some_and(|(low, high)| !(low..=high).contains(&real));
            if left_out { padded } else { self.value(real) }
        })
    }

    /// Real values where the function may bend or jump: each begins a new piece, or is the last value of one.
    pub(super) fn breaks(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        self.functions.iter().enumerate().flat_map(|(i, f)| f.breaks().into_iter().map(move |b| (i, b)))
    }

    /// What the first `count` functions make of a real value.
    pub(super) fn partial(&self, count: usize, real: f64) -> f64 {
        self.functions[..count].iter().fold(real, |x, f| f.apply(x))
    }
}
