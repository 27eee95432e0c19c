//! From a scene to a table: which grey, or which colour, each value on the device has.

use hounsfield::analysis::distribution::Distribution;
use hounsfield::analysis::mixture::{Classifier, FitSettings};
use hounsfield::analysis::{mixture, thresholds, windows};
use hounsfield::findings;
use hounsfield::ops::equalize;
use hounsfield::ops::present::EntryScale;
use hounsfield::report::{Shade, colours};
use hounsfield::volume::{Dtype, Rescale, Window};
use hounsfield::{Error, Result};

use crate::scene::{Scene, ValueClasses, Windowing};
use crate::study::Study;

/// EntryScale for floats, spread over the window.
const FLOAT_ENTRIES: u32 = 1 << 16;

/// How much of a pixel the colour of a class takes.
const TINT: f64 = 0.45;

/// A table of greys or colours.
#[derive(Debug, Clone, PartialEq)]
pub struct Greys {
    /// Which entry a value has.
    pub entries: EntryScale,
    /// One word each.
    pub words: Vec<u32>,
    /// Whether they are colours.
    pub coloured: bool,
}

/// The window, as pictures of the library have it.
pub fn shade(study: &Study, scene: &Scene) -> Shade {
    let header = study.header();
    match &scene.window {
        Windowing::Default => findings::shade(header, study.statistics.as_ref()),
        Windowing::Range(low, high) => Shade::over(header, *low, *high),
        Windowing::Preset(name) => match windows::named(name) {
            Ok((_, window)) => Shade::new(header, window),
            Err(_) => findings::shade(header, study.statistics.as_ref()),
        },
    }
}

/// Black and white, as real values.
pub fn ends(window: &Window) -> (f64, f64) {
    (window.center - window.width / 2.0, window.center + window.width / 2.0)
}

/// Which entry a value has, of an exact type; of floats, whose window matters.
pub fn entries(study: &Study, shade: &Shade) -> EntryScale {
    let dtype = study.volume.dtype();
    if dtype != Dtype::F32 {
        return EntryScale { first: dtype.first() as f32, scale: 1.0, count: dtype.values() as u32 };
    }
    // A sigmoid has no ends: six widths hold all of its greys.
    let (low, high) = windows::ends(&shade.window).unwrap_or_else(|| {
        let Window { center, width, .. } = shade.window;
        (center - 3.0 * width, center + 3.0 * width)
    });
    let [a, b] = [low, high].map(|real| study.rescale.stored(real));
    let (first, last) = (a.min(b), a.max(b));
    let width = if last > first { last - first } else { 1.0 };
    EntryScale { first: first as f32, scale: (f64::from(FLOAT_ENTRIES) / width) as f32, count: FLOAT_ENTRIES }
}

/// The real value that an entry stands for.
fn real_of(entries: &EntryScale, rescale: Rescale, entry: usize) -> f64 {
    // Floats: the middle of the entry; whole numbers are what they are.
    let inside = if entries.scale == 1.0 { 0.0 } else { 0.5 };
    rescale.real(f64::from(entries.first) + (entry as f64 + inside) / f64::from(entries.scale))
}

impl Greys {
    /// The table of a window, with the colours of classes if the scene has some.
    ///
    /// # Errors
    /// [`Error::Usage`] where classes cannot be made.
    pub fn of(study: &Study, scene: &Scene) -> Result<Self> {
        let shade = shade(study, scene);
        let entries = entries(study, &shade);
        let real = |entry: usize| real_of(&entries, study.rescale, entry);
        let turned = if scene.inverted { 0xff } else { 0 };
        let grey = |entry: usize| u32::from(shade.grey(real(entry)));
        let Some(class) = classes(study, scene.classes)? else {
            let words = (0..entries.count as usize).map(grey).collect();
            return Ok(Self { entries, words, coloured: false });
        };
        let word = |entry: usize| {
            let own = f64::from(grey(entry) ^ turned);
            let colour = colours::label(u64::from(class(real(entry))) + 1);
            let mix = |c: usize| (own * (1.0 - TINT) + f64::from(colour[c]) * TINT).round() as u32;
            mix(0) | mix(1) << 8 | mix(2) << 16
        };
        Ok(Self { entries, words: (0..entries.count as usize).map(word).collect(), coloured: true })
    }
}

/// Values as they are counted.
pub fn distribution(study: &Study) -> Result<Distribution> {
    let counts = study.counts.as_ref();
    let counts = counts.ok_or_else(|| {
        Error::usage("classes of real numbers", "use hounsfield threshold or segment, which count them in bins")
    })?;
    Ok(Distribution::exact(&[(study.rescale, counts)]))
}

type Class = Box<dyn Fn(f64) -> u8>;

/// Thresholds of a scene, where it has some.
///
/// # Errors
/// As [`thresholds::otsu`].
pub fn cuts(study: &Study, classes: usize) -> Result<Vec<f64>> {
    Ok(thresholds::otsu(&distribution(study)?, classes)?.thresholds)
}

/// The class of a real value, from 0 on.
fn classes(study: &Study, which: ValueClasses) -> Result<Option<Class>> {
    match which {
        ValueClasses::Off => Ok(None),
        ValueClasses::Otsu(count) => {
            let cuts = cuts(study, count)?;
            Ok(Some(Box::new(move |real| cuts.iter().filter(|cut| real > **cut).count() as u8)))
        }
        ValueClasses::Mixture(count) => {
            let values: Vec<(f64, u64)> = distribution(study)?.entries().iter().map(|entry| (entry.value, entry.count)).collect();
            let fitted = mixture::fit(&values, study.rescale.slope.abs(), &FitSettings::classes(count))?;
            let classifier = Classifier::monotone(&fitted);
            Ok(Some(Box::new(move |real| classifier.label(real).saturating_sub(1))))
        }
    }
}

/// What the equalising kernel is told: the stored values between black and white, or all.
pub fn equalisation(study: &Study, window: Option<&Window>) -> equalize::Settings {
    let from = study.volume.dtype();
    let (first, last) = (from.first(), from.first() + from.values() as i32 - 1);
    let inside = |real: f64| (study.rescale.stored(real).round().clamp(f64::from(first), f64::from(last))) as i32;
    let range = window.map_or((first, last), |window| {
        let (low, high) = ends(window);
        let [a, b] = [inside(low), inside(high)];
        (a.min(b), a.max(b))
    });
    let padding = study.header().meaning.padding.map(|padding| {
        let [low, high] = [padding.low, padding.high].map(|value| value.clamp(f64::from(first), f64::from(last)) as i32);
        (low, high)
    });
    equalize::Settings { from, to: Dtype::U8, range, padding }
}
