//! A chain of steps as true floats take it: the runs of f32 values that give one integer, or straight pieces close to the function.

use super::steps::Composed;
use crate::volume::Rescale;
use crate::volume::keys::order_key;
use crate::{Error, Hint, Result};

/// The runs of neighbouring f32 values that share a result: exact for integer results, since every chain nowhere rises or nowhere falls.
#[derive(Debug, Clone, PartialEq)]
pub struct Levels {
    /// The first value of each run, ascending, then the end of the last run, which belongs to it.
    pub edges: Vec<f32>,
    /// The result of each run.
    pub results: Vec<f64>,
}

/// A function as straight pieces between f32 values.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pieces {
    /// The first value of each piece, ascending; the last piece is the one value that ends them all.
    pub from: Vec<f32>,
    /// The result at the first value of each piece.
    pub start: Vec<f32>,
    /// What each step of 1 adds within a piece.
    pub slope: Vec<f32>,
    /// No result is further than this from that of the chain in f64, wherever it is computed in f32.
    pub bound: f64,
}

/// The most pieces.
pub const MOST_PIECES: usize = 1 << 17;

/// Distance to the function that pieces may have, relative to its largest magnitude, before their own results are rounded.
const CLOSE: f64 = 1.0 / (1u32 << 21) as f64;

/// The runs of stored values from `low` to `high` that share a result of an integer type.
pub fn levels(chain: &Composed, rescale: Rescale, low: f32, high: f32) -> Levels {
    let result = |key: u32| chain.rounded(rescale.real(f64::from(value(key))));
    let (first, last) = (key(low), key(high));
    let mut starts = Vec::new();
    runs(&result, (first, result(first)), (last, result(last)), &mut starts);
    let mut results: Vec<f64> = [result(first)].into_iter().chain(starts.iter().map(|k| result(*k))).collect();
    let mut edges: Vec<f32> = [first].into_iter().chain(starts).map(value).collect();
    // The last run has its upper end too.
    let start = edges[edges.len() - 1];
    match start < high {
        true => edges.push(high),
        false if start < f32::MAX => edges.push(start.next_up()),
        // The largest f32 of all, alone in its run, ends the run before it.
        false => {
            results.pop();
        }
    }
    Levels { edges, results }
}

/// Puts the first keys of all runs after the one that `a` is in, up to `b`, into `starts`, ascending.
fn runs(result: &impl Fn(u32) -> f64, a: (u32, f64), b: (u32, f64), starts: &mut Vec<u32>) {
    if a.1 == b.1 {
        return;
    }
    if b.0 - a.0 == 1 {
        starts.push(b.0);
        return;
    }
    let key = u32::midpoint(a.0, b.0);
    let middle = (key, result(key));
    runs(result, a, middle, starts);
    runs(result, middle, b, starts);
}

/// Straight pieces over the stored values from `low` to `high`.
///
/// # Errors
/// [`Error::Usage`] if f32 cannot follow the function: values too near each other, or results too large.
pub fn pieces(chain: &Composed, rescale: Rescale, low: f32, high: f32) -> Result<Pieces> {
    let f = |key: u32| chain.value(rescale.real(f64::from(value(key))));
    let (first, last) = (key(low), key(high));
    let mut knots = vec![first, last];
    if low < 0.0 && high > 0.0 {
        // So that the width of no piece overflows.
        knots.push(key(0.0));
    }
    let rising =
        |count: usize| chain.partial(count, rescale.real(f64::from(low))) <= chain.partial(count, rescale.real(f64::from(high)));
    for (count, at) in chain.breaks() {
        let (up, g) = (rising(count), |k: u32| chain.partial(count, rescale.real(f64::from(value(k)))));
        // The first value at the break or beyond it, and the first one behind it.
        for inclusive in [true, false] {
            let behind = |k: u32| match (up, inclusive) {
                (true, true) => g(k) >= at,
                (true, false) => g(k) > at,
                (false, true) => g(k) <= at,
                (false, false) => g(k) < at,
            };
            let (mut a, mut b) = (first, last);
            while a < b {
                let middle = a + (b - a) / 2;
                if behind(middle) { b = middle } else { a = middle + 1 }
            }
            knots.push(a);
        }
    }
    knots.sort_unstable();
    knots.dedup();
    let largest = f(first).abs().max(f(last).abs());
    let mut all = Pieces { bound: 2.0 * CLOSE * largest, ..Pieces::default() };
    for pair in knots.windows(2) {
        all.follow(&f, pair[0], pair[1], CLOSE * largest)?;
    }
    all.push(value(last), f(last), 0.0)?;
    Ok(all)
}

impl Pieces {
    /// Covers the keys from `a` up to before `b`.
    fn follow(&mut self, f: &impl Fn(u32) -> f64, a: u32, b: u32, close: f64) -> Result<()> {
        let end = b - 1;
        let (x, y) = (f64::from(value(a)), f(a));
        let width = f64::from(value(end)) - x;
        let slope = if end == a { 0.0 } else { f64::from(((f(end) - y) / width) as f32) };
        let start = f64::from(y as f32);
        // Ends, and places between them both by value and by key.
        let by_value = (1..8).map(|i| key((x + width * f64::from(i) / 8.0) as f32).clamp(a, end));
        let by_key = [a + (end - a) / 2, end];
        // NaN, from a slope that overflows, is far too.
        let near = |k: u32| (start + slope * (f64::from(value(k)) - x) - f(k)).abs() <= close;
        if end == a || by_value.chain(by_key).all(near) {
            return self.push(value(a), y, slope);
        }
        // By value, unless that leaves one side empty.
        let middle = key((x + width / 2.0) as f32);
        let middle = if middle > a && middle < end { middle } else { a + (b - a) / 2 };
        self.follow(f, a, middle, close)?;
        self.follow(f, middle, b, close)
    }

    fn push(&mut self, from: f32, start: f64, slope: f64) -> Result<()> {
        if self.from.len() == MOST_PIECES || !(start as f32).is_finite() {
            return Err(Error::usage("float32 cannot follow these steps on these voxels", Hint::WriteIntegers));
        }
        self.from.push(from);
        self.start.push(start as f32);
        self.slope.push(slope as f32);
        Ok(())
    }
}

/// f32 values as integers that sort alike, -0 as +0.
fn key(x: f32) -> u32 {
    order_key(x.to_bits())
}

fn value(key: u32) -> f32 {
    f32::from_bits(if key >> 31 == 1 { key & 0x7fff_ffff } else { !key })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::distribution::Distribution;
    use crate::analysis::steps::Chain;
    use crate::volume::{Counts, Dtype, Header, Shape};

    const RESCALE: Rescale = Rescale { slope: -0.5, intercept: 3.0 };

    fn composed(text: &str, to: Option<Dtype>) -> Composed {
        let edges: Vec<f32> = (0..=100).map(|i| i as f32 * 41.7 - 1000.3).collect();
        let mut counts = Counts::binned(Dtype::F32, 100);
        counts.bins.iter_mut().enumerate().for_each(|(i, n)| *n = (i as u64 * 7919) % 31);
        let input = Distribution::binned(&edges, &counts, RESCALE);
        let header = Header::new(Shape::new(&[1]).unwrap(), Dtype::F32);
        text.parse::<Chain>().unwrap().compose(input, &header, to).unwrap()
    }

    const CHAINS: [&str; 9] = [
        "zscore",
        "clip:-100:200,zscore",
        "nnunet,invert",
        "window:40:400",
        "window:40:1",
        "window:40:400:sigmoid,invert",
        "minmax,gamma:0.3",
        "window:-600:1500,equalize",
        "equalize,threshold:0.2:0.7",
    ];

    fn samples() -> impl Iterator<Item = f32> {
        (0..200_000).map(|i| -1000.3 + i as f32 * 0.0208).chain([0.0, 1e-30, -1e-30, -74.0, 126.0, -1000.3, 3169.7])
    }

    #[test]
    fn levels_are_exact() {
        for text in CHAINS {
            for to in [Dtype::U8, Dtype::I16, Dtype::U16] {
                let c = composed(text, Some(to));
                let l = levels(&c, RESCALE, -1000.3, 3169.7);
                assert_eq!(l.edges.len(), l.results.len() + 1);
                assert!(l.edges.windows(2).all(|pair| pair[0] < pair[1]));
                for x in samples() {
                    let run = (l.edges.partition_point(|e| *e <= x) - 1).min(l.results.len() - 1);
                    assert_eq!(l.results[run], c.rounded(RESCALE.real(f64::from(x))), "{text} {to} {x}");
                }
            }
        }
    }

    #[test]
    fn pieces_stay_within_their_bound() {
        for text in CHAINS {
            let c = composed(text, Some(Dtype::F32));
            let p = pieces(&c, RESCALE, -1000.3, 3169.7).unwrap();
            eprintln!("{text}: {} pieces, bound {:.1e}", p.from.len(), p.bound);
            let mut worst: f64 = 0.0;
            for x in samples() {
                let i = p.from.partition_point(|f| *f <= x).max(1) - 1;
                let y = p.start[i] + p.slope[i] * (x - p.from[i]);
                let off = (f64::from(y) - c.value(RESCALE.real(f64::from(x)))).abs();
                assert!(off <= p.bound, "{text} at {x}: {off} > {}", p.bound);
                worst = worst.max(off);
            }
            assert!(p.from.len() < 6000, "{text}: {}", p.from.len());
            eprintln!("    worst {worst:.1e}");
        }
    }

    #[test]
    fn the_ends_of_f32_are_no_trouble() {
        for (low, high) in [(-f32::MAX, f32::MAX), (0.0, f32::MAX), (5.0, 5.0), (-0.0, 1e-45)] {
            let l = levels(&composed("clip:-5:5,threshold:0", None), RESCALE, low, high);
            assert!(l.edges.iter().all(|e| e.is_finite()) && l.edges.windows(2).all(|pair| pair[0] < pair[1]), "{low} {high}");
            assert_eq!(l.edges.len(), l.results.len() + 1);
            let p = pieces(&composed("clip:-5:5", None), RESCALE, low, high).unwrap();
            assert!(p.slope.iter().all(|s| s.is_finite()));
        }
        assert!(pieces(&composed("rescale:1e300:0", None), RESCALE, 0.0, f32::MAX).is_err());
    }
}
