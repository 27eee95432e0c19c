//! Steps as people write them: `window:lung,equalize`.

use std::fmt;
use std::str::FromStr;

use super::{Chain, Cuts, Step, Voi};
use crate::analysis::thresholds::MOST_CLASSES;
use crate::analysis::windows::named;
use crate::volume::{Rescale, Window, WindowFunction};
use crate::{Error, Result};

/// All steps, as an error lists them.
pub(super) const EXAMPLES: &str = "window[:lung | :CENTER:WIDTH][:linear | :linear-exact | :sigmoid], clip:LO:HI, percentile:LO:HI, \
     minmax, zscore, nnunet, invert, gamma:G, equalize, rescale:SLOPE:INTERCEPT, threshold:T[:T...] (T% for percentiles), otsu[:CLASSES]";

/// The functions of windows by name.
const FUNCTIONS: [(&str, WindowFunction); 3] =
    [("linear", WindowFunction::Linear), ("linear-exact", WindowFunction::LinearExact), ("sigmoid", WindowFunction::Sigmoid)];

impl FromStr for Chain {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::new(text.split(',').map(str::trim).map(Step::from_str).collect::<Result<_>>()?)
    }
}

impl FromStr for Step {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, rest) = text.split_once(':').map_or((text, None), |(name, rest)| (name, Some(rest)));
        let words: Vec<&str> = rest.map_or(vec![], |rest| rest.split(':').map(str::trim).collect());
        let wrong = |what: &str| Error::usage(format!("step {text:?}: {what}"), spelling(text, name));
        let number = |word: &str| word.parse::<f64>().map_err(|_| wrong(&format!("{word:?} is not a number")));
        let two = || match words.as_slice() {
            [a, b] => Ok((number(a)?, number(b)?)),
            _ => Err(wrong("it takes two numbers")),
        };
        let bare = |step: Self| if words.is_empty() { Ok(step) } else { Err(wrong("it takes no numbers")) };
        match name {
            "window" => window(&words, &wrong, &number).map(Self::Window),
            "minmax" => bare(Self::MinMax),
            "zscore" => bare(Self::ZScore),
            "nnunet" => bare(Self::NnUnet),
            "invert" => bare(Self::Invert),
            "equalize" => bare(Self::Equalize),
            "clip" => two().map(|(low, high)| Self::Clip { low, high }),
            "percentile" => two().map(|(low, high)| Self::Percentile { low, high }),
            "rescale" => two().map(|(slope, intercept)| Self::Rescale(Rescale { slope, intercept })),
            "gamma" => match words.as_slice() {
                [one] => Ok(Self::Gamma(number(one)?)),
                _ => Err(wrong("it takes one number")),
            },
            "otsu" => match words.as_slice() {
                [] => Ok(Self::Threshold(Cuts::Otsu(2))),
                [one] => Ok(Self::Threshold(Cuts::Otsu(one.parse().map_err(|_| wrong("it takes a number of classes"))?))),
                _ => Err(wrong("it takes a number of classes")),
            },
            "threshold" => {
                let percents: Vec<&str> = words.iter().filter_map(|w| w.strip_suffix('%')).collect();
                match (words.len(), percents.len()) {
                    (0, _) => Err(wrong("it takes one number or more")),
                    (_, 0) => Ok(Self::Threshold(Cuts::At(words.iter().map(|w| number(w)).collect::<Result<_>>()?))),
                    (n, p) if n == p => {
                        Ok(Self::Threshold(Cuts::Percentiles(percents.iter().map(|w| number(w)).collect::<Result<_>>()?)))
                    }
                    _ => Err(wrong("percentiles and values do not go together")),
                }
            }
            _ => Err(wrong("there is no such step")),
        }
        .and_then(|step| check(&step).map(|()| step))
    }
}

/// How to write what was meant: the same with colons where a step was typed with spaces, else the form of the step, else those of all.
fn spelling(text: &str, name: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let joined = words.join(":");
    if words.len() > 1 && joined.parse::<Step>().is_ok() {
        return format!("write {joined}");
    }
    let name = words.first().map_or(name, |first| first.split(':').next().unwrap_or(name));
    let of_this = |form: &&str| form.strip_prefix(name).is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphabetic()));
    match EXAMPLES.split(", ").find(of_this).filter(|_| !name.is_empty()) {
        Some(form) => format!("write {form}"),
        None => format!("give one of {EXAMPLES}"),
    }
}

fn window(words: &[&str], wrong: &dyn Fn(&str) -> Error, number: &dyn Fn(&str) -> Result<f64>) -> Result<Voi> {
    let preset = |name: &str, function| Ok(Voi::Preset(named(name)?.0, function));
    let function = |called: &str| {
        let known = FUNCTIONS.iter().find(|(name, _)| *name == called);
        known.map(|(_, function)| *function).ok_or_else(|| wrong("the function is linear, linear-exact or sigmoid"))
    };
    match *words {
        [] | ["file"] => Ok(Voi::File),
        [name] => preset(name, WindowFunction::Linear),
        [name, called] if name.parse::<f64>().is_err() => named(name).and_then(|_| preset(name, function(called)?)),
        [center, width] => {
            let (center, width) = (number(center)?, number(width)?);
            Ok(Voi::Given(Window { center, width, function: WindowFunction::Linear }))
        }
        [center, width, called] => {
            Ok(Voi::Given(Window { center: number(center)?, width: number(width)?, function: function(called)? }))
        }
        _ => Err(wrong("it takes a preset, or centre, width and function")),
    }
}

/// Whether a step's numbers make sense, whoever gave them.
pub(super) fn check(step: &Step) -> Result<()> {
    let all = |numbers: &[f64]| numbers.iter().all(|n| n.is_finite());
    let rising = |numbers: &[f64]| all(numbers) && numbers.windows(2).all(|pair| pair[0] < pair[1]);
    let percents = |numbers: &[f64]| rising(numbers) && numbers.iter().all(|n| (0.0..=100.0).contains(n));
    let (good, needs) = match step {
        Step::Rescale(r) => (all(&[r.slope, r.intercept]) && r.slope != 0.0, "finite numbers and a slope that is not 0"),
        Step::Window(Voi::Given(w)) => (all(&[w.center, w.width]) && w.width > 0.0, "a finite centre and a width above 0"),
        Step::Clip { low, high } => (rising(&[*low, *high]), "two finite numbers, the lower first"),
        Step::Percentile { low, high } => (percents(&[*low, *high]), "two percentiles from 0 to 100, the lower first"),
        Step::Gamma(g) => (g.is_finite() && *g > 0.0, "a number above 0"),
        Step::Threshold(Cuts::At(at)) => {
            (rising(at) && (1..256).contains(&at.len()), "1 to 255 finite numbers in ascending order")
        }
        Step::Threshold(Cuts::Percentiles(at)) => {
            (percents(at) && (1..256).contains(&at.len()), "percentiles from 0 to 100 in ascending order")
        }
        Step::Threshold(Cuts::Otsu(n)) => ((2..=MOST_CLASSES).contains(n), "2 to 5 classes"),
        _ => (true, ""),
    };
    if good { Ok(()) } else { Err(Error::usage(format!("step \"{step}\""), format!("give it {needs}"))) }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let listed = |f: &mut fmt::Formatter<'_>, all: &[f64], mark: &str| {
            write!(f, "threshold")?;
            all.iter().try_for_each(|v| write!(f, ":{v}{mark}"))
        };
        let behind = |f: &mut fmt::Formatter<'_>, function: WindowFunction| {
            let name = FUNCTIONS.iter().find(|(_, known)| *known == function).map_or("", |(name, _)| name);
            if function == WindowFunction::Linear { Ok(()) } else { write!(f, ":{name}") }
        };
        match self {
            Self::Rescale(r) => write!(f, "rescale:{}:{}", r.slope, r.intercept),
            Self::Window(Voi::File) => write!(f, "window"),
            Self::Window(Voi::Preset(name, function)) => write!(f, "window:{name}").and_then(|()| behind(f, *function)),
            Self::Window(Voi::Given(w)) => {
                write!(f, "window:{}:{}", w.center, w.width)?;
                behind(f, w.function)
            }
            Self::MinMax => write!(f, "minmax"),
            Self::ZScore => write!(f, "zscore"),
            Self::Clip { low, high } => write!(f, "clip:{low}:{high}"),
            Self::Percentile { low, high } => write!(f, "percentile:{low}:{high}"),
            Self::NnUnet => write!(f, "nnunet"),
            Self::Invert => write!(f, "invert"),
            Self::Gamma(g) => write!(f, "gamma:{g}"),
            Self::Equalize => write!(f, "equalize"),
            Self::Threshold(Cuts::At(at)) => listed(f, at, ""),
            Self::Threshold(Cuts::Percentiles(at)) => listed(f, at, "%"),
            Self::Threshold(Cuts::Otsu(n)) => write!(f, "otsu:{n}"),
        }
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&steps.join(","))
    }
}
