//! The whole job of a chain in which steps look at neighbours: count where a step asks for statistics, decide, write.

use std::sync::Arc;

use super::chain::{FilterChain, Link};
use super::two_values::two_values;
use super::whole_step::WholeStep;
use super::{Background, Bins, BorderRule, Cost, Counted, Input, Mapping, Mask, Pointwise, Region, Run, filter};
use crate::analysis::steps::{Chain, Composed, Facts, Scale};
use crate::engine::{Gpu, Timing};
use crate::io::{Sink, Source};
use crate::ops::derivative::DerivativeKind;
use crate::ops::stages::{Stage, Stages};
use crate::views::{Filtered, Leveled, RealFunction, Tap, Unleveled};
use crate::volume::{Dtype, Header, Rescale, Rescales, Table, Unit};
use crate::{Error, Hint, Result};

/// Which voxels count in decisions, and into what type.
#[derive(Debug, Clone, Copy, Default)]
pub struct FilterOptions {
    /// Of point-wise steps. A step that looks at neighbours sees all of them, whether they count or not.
    pub region: Region,
    /// u8, u16, i16 or f32; by default what the last step gives, which for selections is the type of the file.
    pub to: Option<Dtype>,
    /// What steps that look at neighbours see beyond the ends of the volume.
    pub border: BorderRule,
}

/// A chain decided on, ready to be written.
#[derive(Debug)]
pub struct Filtering {
    /// What was read first.
    original: Header,
    /// What the stages start from: the input, or it after the last step that looked at the whole volume.
    input: Input<'static>,
    stages: Stages,
    /// Point-wise steps at the end.
    last: Option<Mapping>,
    /// What is written and, where it selects nothing, what instead; of chains that end with neighbours.
    mask: Option<(Mask, Background)>,
    header: Header,
    /// What steps give is levels: of true floats, and of derivatives. At the end, what gives their real values back.
    levels: bool,
    real: Option<Rescale>,
    /// How many times the range of what is sharpened its results may span.
    spread: f64,
    decided: Vec<Decided>,
    passes: u32,
}

/// A step before the last point-wise ones, with what it took from the voxels.
#[derive(Debug, Clone)]
pub struct Decided {
    /// As it is typed.
    pub step: String,
    /// Names and numbers.
    pub facts: Facts,
}

impl Filtering {
    /// Decides. The voxels that count are those of `input` that its mask and the region select; if the chain ends with neighbours, a mask also says what is
    /// written, with real 0 elsewhere.
    ///
    /// # Errors
    /// [`Error::Usage`] for slices of different rescale, a reach that does not fit the volume, or steps that cannot be decided
    /// ([`Mapping::new`]); what reading gives; [`Error::Interrupted`].
    pub fn new(input: &Input<'_>, chain: &FilterChain, options: &FilterOptions, run: &Run<'_>) -> Result<Self> {
        let (links, last) = match chain.0.split_last() {
            Some((Link::Points(last), links)) => (links, Some(last)),
            _ => (chain.0.as_slice(), None),
        };
        let base = if chain.only_selects() { input.as_stored() } else { input.clone() }.masked(None).observed(None);
        let header = base.header().clone();
        if header.meaning.rescale.uniform().is_none() {
            return Err(Error::usage(
                "neighbours in slices of different rescale",
                "convert the volume first: real values are written",
            ));
        }
        let passes = chain.counting_passes();
        let run = &run.one_of(u64::from(passes.max(1)));
        let mut work = Self {
            original: header.clone(),
            input: base,
            stages: Stages::default(),
            last: None,
            mask: None,
            header,
            levels: false,
            real: None,
            spread: chain.spread(),
            decided: Vec::new(),
            passes,
        };
        let mut scale = Scale::Real;
        for link in links {
            match link {
                Link::Near(near) => {
                    if near.sums() && work.needs_levels() {
                        work.level(None, run)?;
                    }
                    let mut asked = false;
                    let stages = near.stages(&work.header, || {
                        asked = true;
                        two_values(&Input::of(work.voxels(run)), near.text(), run)
                    })?;
                    work.passes += u32::from(asked);
                    let bordered = options.border.over(stages.clone(), &work.header, work.levels)?;
                    work.header = after(&stages, work.header);
                    work.levels |= stages.0.iter().any(|stage| matches!(stage, Stage::Derivative(_)));
                    work.stages.0.extend(bordered.0);
                    work.decided.push(Decided { step: near.text().to_owned(), facts: Vec::new() });
                }
                Link::Points(steps) => scale = work.between(input, steps, options, run)?,
                Link::Whole(step) => scale = work.whole(step, run)?,
            }
        }
        match last {
            Some(steps) => {
                let seen = work.so_far(input, run)?;
                let job = Pointwise { to: options.to, region: options.region, ..Pointwise::new(steps.clone()) };
                let mapping = Mapping::new(&seen, &job, run)?;
                work.header = mapping.header().clone();
                work.last = Some(mapping);
            }
            None => work.end(input, scale, options, run)?,
        }
        Ok(work)
    }

    /// The results of the steps so far, for a pass that counts them.
    fn so_far(&self, input: &Input<'_>, run: &Run<'_>) -> Result<Input<'static>> {
        match self.stages.0.as_slice() {
            [] => Ok(self.input.clone().selecting_as(input)),
            _ => Ok(Input::resolve(self.voxels(run), run)?.selecting_as(input)),
        }
    }

    /// The results of the steps so far, computed when they are read.
    fn voxels(&self, run: &Run<'_>) -> Arc<dyn Source> {
        let source = self.input.source().clone();
        match self.stages.0.as_slice() {
            [] => source,
            _ => Arc::new(Filtered::new(source, Arc::new(self.stages.clone()), self.header.clone(), run.memory_bytes)),
        }
    }

    /// A step that looks at the whole volume: it takes what the steps so far make, and what it makes is where the next ones start. Types of 8 and 16 bits stay as they
    /// are; of others the least without sign is left.
    fn whole(&mut self, step: &WholeStep, run: &Run<'_>) -> Result<Scale> {
        // Both at once: what is computed as it is read, and what is known of it.
        let voxels = self.voxels(&run.with_memory(run.memory_bytes / 2));
        let (source, facts) = step.apply(voxels, run)?;
        self.decided.push(Decided { step: step.text().to_owned(), facts });
        let (before, own) = (self.header.meaning.dtype, source.header().meaning.dtype);
        let meaning = source.header().meaning.rescale.clone();
        (self.input, self.stages) = (Input::of(source), Stages::default());
        self.levels = false;
        if before.is_small_integer() && before != Dtype::I8 {
            if (own, &meaning) != (before, &self.header.meaning.rescale) {
                let rescale = self.header.meaning.rescale.of_slice(0);
                let table = Table::from_fn(own, before, |label| rescale.stored(f64::from(label)));
                self.stages.0.push(Stage::Table(table));
            }
        } else {
            (self.header.meaning.dtype, self.header.meaning.rescale, self.header.meaning.padding) = (own, meaning, None);
        }
        Ok(Scale::Classes)
    }

    /// Point-wise steps before others that look at neighbours: their results as whole numbers.
    fn between(&mut self, input: &Input<'_>, steps: &Chain, options: &FilterOptions, run: &Run<'_>) -> Result<Scale> {
        let seen = self.so_far(input, run)?;
        let counted = Counted::of(&seen, &options.region, Bins::Following, run)?;
        let composed = steps.compose(counted.values, &self.header, Some(Dtype::F32))?;
        if !seen.is_exact() || !self.header.meaning.dtype.is_small_integer() {
            let all = composed.facts().iter();
            self.decided.extend(all.map(|(step, facts)| Decided { step: step.to_string(), facts: facts.clone() }));
            let scale = composed.scale();
            self.level(Some(composed), run)?;
            return Ok(scale);
        }
        let level = Level::of(&composed, &self.header);
        let (dtype, rescale) = (self.header.meaning.dtype, self.header.meaning.rescale.of_slice(0));
        let table =
            Table::from_fn(dtype, level.dtype, |stored| level.rescale.stored(composed.value(rescale.real(f64::from(stored)))));
        self.stages.0.push(Stage::Table(table));
        let all = composed.facts().iter();
        self.decided.extend(all.map(|(step, facts)| Decided { step: step.to_string(), facts: facts.clone() }));
        if let Some(last) = self.decided.last_mut().filter(|_| !level.keeps) {
            last.facts.push(("level_step", level.rescale.slope));
        }
        let mut header = self.header.clone();
        (header.meaning.dtype, header.meaning.rescale) = (level.dtype, Rescales::Uniform(level.rescale));
        if !level.keeps {
            (header.meaning.unit, header.meaning.padding) = (Unit::Unknown, None);
            header.display = Default::default();
        }
        header.meaning.labels = composed.scale() == Scale::Classes;
        self.header = header;
        Ok(composed.scale())
    }

    /// Whether sums cannot be made of what the steps so far give as it is: true floats, wide types, and also floats that are whole numbers so far.
    fn needs_levels(&self) -> bool {
        let from_floats = matches!(self.input.as_stored().header().meaning.dtype, Dtype::F32 | Dtype::F64);
        let changed = self.stages.0.iter().any(|stage| matches!(stage, Stage::Table(_)));
        !self.levels && (!self.header.meaning.dtype.is_small_integer() || (from_floats && !changed))
    }

    /// Goes on with levels of what the steps so far give, or of what point-wise ones make of it. From here on it is read anew, so that all of it is computed as it is read.
    fn level(&mut self, points: Option<Composed>, run: &Run<'_>) -> Result<()> {
        let all = self.so_far(&self.input.clone(), run)?;
        let unseen = all.census().is_none() && !all.header().meaning.dtype.is_small_integer();
        let all = if unseen { Input::resolve(all.source().clone(), run)? } else { all };
        let stored = all.as_stored();
        let own = stored.header().meaning.rescale.of_slice(0);
        let whole_type = self.input.as_stored().header().meaning.dtype.is_integer();
        // Of real values, the least and the greatest.
        let (least, greatest, whole) = match all.census() {
            Some(census) => (own.real(census.min), own.real(census.max), census.whole && whole_type),
            None => {
                // Neighbours see padding, too.
                let region = Region { with_padding: true, ..Region::default() };
                let (least, greatest) = Counted::of(&all, &region, Bins::Following, run)?.values.ends().unwrap_or_default();
                (least, greatest, whole_type)
            }
        };
        let (levels, range, function): (Rescale, (f64, f64), Option<Arc<RealFunction>>) = match points {
            None => {
                // Stored whole numbers are levels themselves.
                let [a, b] = [own.stored(least), own.stored(greatest)];
                let steps = Leveled::spanning((a.min(b), a.max(b)), whole, self.spread);
                let levels = Rescale { slope: own.slope * steps.slope, intercept: own.real(steps.intercept) };
                (levels, (least.min(greatest), least.max(greatest)), None)
            }
            Some(composed) => {
                // Every step rises or falls everywhere, so their ends are those of the results.
                let [a, b] = [least, greatest].map(|real| composed.value(real));
                let (low, high) = composed.after().ends().unwrap_or((a, b));
                let range = (a.min(b).min(low), a.max(b).max(high));
                let levels = Leveled::spanning(range, composed.scale() == Scale::Classes, self.spread);
                if !composed.keeps_unit() {
                    self.header.meaning.unit = Unit::Unknown;
                    self.header.display = Default::default();
                }
                self.header.meaning.labels = composed.scale() == Scale::Classes;
                (levels, range, Some(Arc::new(move |real| composed.value(real))))
            }
        };
        let source = Arc::new(Leveled::new(stored.source().clone(), function, levels));
        let (meaning, from) = (&mut self.header.meaning, source.header());
        (meaning.dtype, meaning.rescale, meaning.padding) = (from.meaning.dtype, from.meaning.rescale.clone(), None);
        self.decided.push(Decided {
            step: "24-bit levels".into(),
            facts: vec![("least", range.0), ("greatest", range.1), ("level_step", levels.slope.abs())],
        });
        (self.input, self.stages, self.levels) = (Input::of(source), Stages::default(), true);
        Ok(())
    }

    /// What is written of a chain that ends with neighbours.
    fn end(&mut self, input: &Input<'_>, scale: Scale, options: &FilterOptions, run: &Run<'_>) -> Result<()> {
        if options.region.range.is_some() {
            let what = "a range of values, and neighbours as the last step: no value is left out there";
            return Err(Error::usage(what, "leave the range out, or give a mask"));
        }
        let (dtype, rescale) = (self.header.meaning.dtype, self.header.meaning.rescale.of_slice(0));
        if self.levels && options.to.is_none_or(|to| to == Dtype::F32) {
            self.real = Some(rescale);
            self.header.meaning.rescale = Rescales::Uniform(Rescale::IDENTITY);
            return self.masked(input, run);
        }
        let changed = self.stages.0.iter().any(|stage| matches!(stage, Stage::Table(_)));
        // Levels between steps are no type to keep.
        let to = options.to.or((changed && scale == Scale::Real && dtype != self.original.meaning.dtype).then_some(Dtype::F32));
        if let Some(to) = to {
            if !dtype.is_small_integer() {
                return Err(Error::usage(format!("results of {dtype} as {to}"), Hint::from("leave the type out")));
            }
            let to_own = |stored| if scale == Scale::Fraction { spread(rescale.real(stored), to) } else { rescale.real(stored) };
            self.stages.0.push(Stage::Table(Table::from_fn(dtype, to, |stored| to_own(f64::from(stored)))));
            (self.header.meaning.dtype, self.header.meaning.rescale) = (to, Rescales::Uniform(Rescale::IDENTITY));
        } else if scale == Scale::Fraction {
            // Whole numbers over their range, as point-wise steps write fractions.
            self.header.meaning.rescale = Rescales::Uniform(Rescale::IDENTITY);
        }
        self.masked(input, run)
    }

    /// Only where the mask selects something.
    fn masked(&mut self, input: &Input<'_>, run: &Run<'_>) -> Result<()> {
        if let Some(labels) = input.labels() {
            // Results ask for it in any order.
            let mask = Mask { labels: labels.clone() }.held(run)?;
            self.mask = Some((mask, Background::zero(&self.header)?));
        }
        Ok(())
    }

    /// What is written.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What is read.
    pub fn input(&self) -> &Header {
        &self.original
    }

    /// The steps before the last point-wise ones.
    pub fn decided(&self) -> &[Decided] {
        &self.decided
    }

    /// The point-wise steps at the end.
    pub fn last(&self) -> Option<&Mapping> {
        self.last.as_ref()
    }

    /// Passes that counted results of steps, or looked for what hangs together in them, each of which computed them.
    pub fn counting_passes(&self) -> u32 {
        self.passes
    }

    /// What writing costs: nothing that a device could save where results are computed as they are read.
    pub fn cost(&self) -> Cost {
        let (header, dtype) = (self.input.header(), self.input.header().meaning.dtype);
        let result = self.stages.result(dtype);
        let streams = self.last.as_ref().is_some_and(|mapping| mapping.table_of(result).is_none());
        if streams {
            return Cost::STREAMING;
        }
        Cost::of(&self.stages, dtype, header.grid.shape.voxels(), header.bytes() + self.header.bytes())
    }

    /// How long a device takes for the kernels alone, of a volume that fits it and lies there already; point-wise steps at the end have no part in it.
    ///
    /// # Errors
    /// What reading gives; any [`GpuError`](crate::engine::GpuError), also for a volume that the device takes in parts.
    pub fn time_kernels(&self, gpu: &Gpu, run: &Run<'_>) -> Result<Timing> {
        filter::time_kernels(gpu, &self.input, &self.stages, run)
    }

    /// Writes the result.
    ///
    /// # Errors
    /// What reading and writing give; [`Error::Interrupted`].
    pub fn write(&self, sink: &dyn Sink, run: &Run<'_>) -> Result<()> {
        let voxel_bytes = self.header.meaning.dtype.bytes();
        match &self.last {
            None => {
                let (mask, background) = self.mask.as_ref().map(|(mask, outside)| (mask.source(), outside.bits)).unzip();
                let background = background.unwrap_or_default();
                let tap = Tap { inner: sink, voxel_bytes, mask, background, look: None };
                match self.real {
                    Some(levels) => filter(&self.input, &self.stages, &Unleveled { inner: &tap, levels }, run),
                    None => filter(&self.input, &self.stages, &tap, run),
                }
            }
            Some(mapping) => match mapping.table_of(self.stages.result(self.input.header().meaning.dtype)) {
                Some(table) => {
                    let mut stages = self.stages.clone();
                    stages.0.push(Stage::Table(table.clone()));
                    filter(&self.input, &stages, &mapping.before_sink(sink), run)
                }
                // Results are computed as they are read, which no device does.
                None => mapping.write(sink, &run.on_cpu()),
            },
        }
    }
}

/// What results mean: differences and derivatives have no intercept, and nothing in them is padding.
fn after(stages: &Stages, mut header: Header) -> Header {
    if stages.0.iter().any(|stage| matches!(stage, Stage::Difference(..))) {
        let meaning = &mut header.meaning;
        let slope = meaning.rescale.of_slice(0).slope.abs();
        (meaning.rescale, meaning.padding) = (Rescales::Uniform(Rescale { slope, intercept: 0.0 }), None);
        header.display = Default::default();
    }
    if let [Stage::Derivative(derivative)] = stages.0.as_slice() {
        let meaning = &mut header.meaning;
        let slope = meaning.rescale.of_slice(0).slope * derivative.step(meaning.dtype);
        // A length is not negative.
        let slope = if derivative.kind() == DerivativeKind::GradientMagnitude { slope.abs() } else { slope };
        (meaning.rescale, meaning.padding) = (Rescales::Uniform(Rescale { slope, intercept: 0.0 }), None);
        meaning.unit = Unit::Unknown;
        header.display = Default::default();
    }
    header.meaning.dtype = stages.result(header.meaning.dtype);
    header
}

/// Fractions over the whole range of a type.
fn spread(fraction: f64, to: Dtype) -> f64 {
    if to == Dtype::F32 {
        return fraction;
    }
    let (low, high) = to.limits();
    low + fraction * (high - low)
}

/// As what whole numbers the results of steps go on.
struct Level {
    dtype: Dtype,
    rescale: Rescale,
    /// They mean what they meant before.
    keeps: bool,
}

impl Level {
    fn of(composed: &Composed, header: &Header) -> Self {
        let (low, high) = composed.after().ends().unwrap_or_default();
        let (dtype, rescale) = match composed.scale() {
            Scale::Real if composed.keeps_unit() => {
                // Tables give no int8.
                let dtype = if header.meaning.dtype == Dtype::I8 { Dtype::I16 } else { header.meaning.dtype };
                return Self { dtype, rescale: header.meaning.rescale.of_slice(0), keeps: true };
            }
            Scale::Classes => (Dtype::U8, Rescale::IDENTITY),
            Scale::Fraction => (Dtype::U16, Rescale { slope: 1.0 / 65_535.0, intercept: 0.0 }),
            Scale::Real if low < high => (Dtype::U16, Rescale { slope: (high - low) / 65_535.0, intercept: low }),
            Scale::Real => (Dtype::U16, Rescale { slope: 1.0, intercept: low }),
        };
        Self { dtype, rescale, keeps: false }
    }
}
