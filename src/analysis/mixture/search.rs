//! The best of several starts.

use rayon::prelude::*;

use super::em::{Problem, Summit};
use super::{Component, Fit, FitSettings, Mixture, STARTS, Start, split, start};
use crate::{Error, Result};

/// Mean log-likelihoods as near as this to the highest are taken for the same maximum: where EM stops it has this much left at most.
pub const TIE: f64 = 1e-7;

/// A table of more values is searched with neighbours taken together, this many of them at most.
pub const COARSE: usize = 8192;

/// Most iterations of a start; from the best of them EM goes on to its end.
pub const ROUNDS: u32 = 1000;

/// A class is taken for collapsed below so many times the floor: 1 is one value, 3 two neighbours.
const NARROW: f64 = 4.0;

/// What one start led to.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// The start.
    pub start: Start,
    /// How its fit went; none where a class lost its voxels.
    pub fit: Option<Fit>,
    /// A class of few voxels sits on one value.
    pub collapsed: bool,
}

impl Trial {
    fn log_likelihood(&self) -> Option<f64> {
        self.fit.map(|fit| fit.log_likelihood)
    }
}

/// The starts that were tried, and which of them won.
#[derive(Debug, Clone, PartialEq)]
pub struct Trials {
    /// In the order of [`STARTS`], or the one that was asked for.
    pub all: Vec<Trial>,
    winner: usize,
}

impl Trials {
    /// None if no start led anywhere.
    fn new(all: Vec<Trial>) -> Option<Self> {
        let winner = best(&all)?;
        Some(Self { all, winner })
    }

    /// The start that won.
    pub fn winner(&self) -> &Trial {
        &self.all[self.winner]
    }

    /// By how much its mean log-likelihood lies above that of another start; none if that one was not tried or led nowhere.
    pub fn above(&self, start: &Start) -> Option<f64> {
        let other = self.all.iter().find(|trial| trial.start == *start)?;
        Some(self.winner().log_likelihood()? - other.log_likelihood()?)
    }

    /// The start that would have won without the winner; none if there is no other.
    pub fn second(&self) -> Option<&Trial> {
        let others: Vec<Trial> = self.all.iter().enumerate().filter(|(i, _)| *i != self.winner).map(|(_, t)| t.clone()).collect();
        let second = &others[best(&others)?].start;
        self.all.iter().find(|trial| trial.start == *second)
    }

    /// How many starts were left out because a class collapsed: none if the winner's did too.
    pub fn left_out(&self) -> usize {
        if self.winner().collapsed { 0 } else { self.all.iter().filter(|trial| trial.collapsed).count() }
    }
}

/// The first of those that tie with the highest likelihood; collapsed ones only if all are.
fn best(all: &[Trial]) -> Option<usize> {
    let among = |collapsed: bool| all.iter().enumerate().filter(move |(_, t)| t.collapsed == collapsed);
    let first = |collapsed: bool| {
        let scores = || among(collapsed).filter_map(|(i, t)| Some((i, t.log_likelihood()?)));
        let most = scores().map(|s| s.1).fold(f64::NEG_INFINITY, f64::max);
        scores().find(|(_, score)| *score >= most - TIE).map(|(i, _)| i)
    };
    first(false).or_else(|| first(true))
}

/// Fits a mixture to voxels given as (real value, count), ascending, each value once and finite. `step` is the distance of
/// neighbouring stored values in real units.
///
/// # Errors
/// [`Error::Usage`] if there are no voxels, fewer distinct values than classes, a setting out of range, or a class that loses all voxels whatever the
/// start.
pub fn fit(values: &[(f64, u64)], step: f64, settings: &FitSettings) -> Result<Mixture> {
    search(values, step, settings).map(|found| found.0)
}

/// The same, with what each start led to.
///
/// # Errors
/// As [`fit`].
pub fn search(values: &[(f64, u64)], step: f64, settings: &FitSettings) -> Result<(Mixture, Trials)> {
    settings.check()?;
    let problem = Problem::new(values, step)?;
    let k = settings.classes;
    if values.len() < k {
        return Err(Error::usage(
            format!("{} distinct value{} cannot make {k} classes", values.len(), if values.len() == 1 { "" } else { "s" }),
            format!("ask for {} at most", values.len()),
        ));
    }
    let starts = match &settings.start {
        // One class has one maximum.
        Start::Best if k == 1 => &STARTS[..1],
        Start::Best => &STARTS[..],
        one => std::slice::from_ref(one),
    };
    let coarse = (starts.len() > 1 && values.len() > COARSE).then(|| problem.coarse(COARSE));
    let searched = coarse.as_ref().unwrap_or(&problem);
    let rounds = if starts.len() > 1 { settings.max_iterations.min(ROUNDS) } else { settings.max_iterations };
    let first = FitSettings { max_iterations: rounds, ..settings.clone() };
    let all: Vec<Result<Summit>> = starts.par_iter().map(|start| searched.climb(begin(searched, start, k), &first)).collect();
    let trial = |(start, result): (&Start, &Result<Summit>)| Trial {
        start: start.clone(),
        fit: result.as_ref().ok().map(|summit| summit.fit),
        collapsed: result.as_ref().is_ok_and(|summit| collapsed(&summit.components, searched.floor)),
    };
    let trials = Trials::new(starts.iter().zip(&all).map(trial).collect());
    let place = trials.as_ref().map_or(0, |trials| trials.winner);
    let summit = all.into_iter().nth(place).unwrap_or_else(|| Err(Error::no_voxel()))?;
    let trials = trials.ok_or_else(Error::no_voxel)?;
    let cut_short = !summit.fit.converged && rounds < settings.max_iterations;
    let summit = match coarse.is_some() || cut_short {
        true => problem.on(summit, settings)?,
        false => summit,
    };
    Ok((problem.mixture(summit), trials))
}

/// The first components.
fn begin(problem: &Problem, from: &Start, classes: usize) -> Vec<Component> {
    let of = |start, classes| start::components(&problem.data, start, classes, |mean| problem.frame.inner(mean), problem.floor);
    match from {
        Start::Split => split::grown(problem, of(from, 1)[0], classes).unwrap_or_else(|| of(from, classes)),
        _ => of(from, classes),
    }
}

/// Whether a class of few voxels sits on one value or two neighbours.
fn collapsed(components: &[Component], floor: f64) -> bool {
    let few = 0.5 / components.len() as f64;
    components.iter().any(|c| c.variance <= NARROW * floor && c.weight < few)
}
