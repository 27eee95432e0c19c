//! The values that occur, in the order of their real values: what tiles count, and have levels for.

use crate::volume::{Dtype, Padding, Rescale, keys};
use crate::{Error, Result};

/// Where each stored value of an 8- or 16-bit integer type lies among the values that occur.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slots {
    /// For each key of the type the slot in which it looks up its level: those of the bins, then one below and one above all of them.
    pub looking: Vec<u32>,
    /// The slot in which it is counted; what is not a slot of a bin is not counted.
    pub counting: Vec<u32>,
    /// The bin of each slot, ascending.
    pub bins: Vec<u32>,
    /// Bins in all.
    pub all: u32,
}

/// What values mean, and which of them count.
#[derive(Debug, Clone, Copy)]
pub struct SlotValues {
    /// Type of the stored values.
    pub dtype: Dtype,
    /// To real ones.
    pub rescale: Rescale,
    /// Never counts, and has the lowest level.
    pub padding: Option<Padding>,
    /// Real values that have bins, inclusive: what lies below has the lowest level, what lies above the largest.
    pub range: Option<(f64, f64)>,
    /// Real values that count.
    pub counted: Option<(f64, f64)>,
}

impl SlotValues {
    /// Whether a stored value has no part.
    fn pads(&self, stored: i32) -> bool {
        self.padding.is_some_and(|p| (p.low..=p.high).contains(&f64::from(stored)))
    }

    /// Where a real value lies to the range: before, within, behind.
    fn place(&self, real: f64) -> std::cmp::Ordering {
        match self.range {
            Some((low, _)) if real < low => std::cmp::Ordering::Less,
            Some((_, high)) if real > high => std::cmp::Ordering::Greater,
            _ => std::cmp::Ordering::Equal,
        }
    }
}

impl Slots {
    /// One bin for every stored value within the range, occupied or not; slots for those that `occurs`.
    ///
    /// # Errors
    /// [`Error::Usage`] if no stored value lies in the range.
    pub fn exact(values: &SlotValues, occurs: impl Fn(i32) -> bool) -> Result<Self> {
        // In the order of the real values, so that brighter ones have higher bins.
        let bins: Vec<i32> = ordered(values).filter(|v| values.place(real(values, *v)).is_eq()).collect();
        let slots: Vec<(u32, i32)> =
            (0..).zip(&bins).filter(|(_, v)| occurs(**v) && !values.pads(**v)).map(|(bin, v)| (bin, *v)).collect();
        let mut place = vec![None; values.dtype.values()];
        slots.iter().zip(0..).for_each(|((_, v), slot)| place[key(values.dtype, *v)] = Some(slot));
        Self::new(values, slots.iter().map(|(bin, _)| *bin).collect(), bins.len() as u32, |stored| {
            place[key(values.dtype, stored)]
        })
    }

    /// So many bins of even width over the range: each is a slot.
    ///
    /// # Errors
    /// [`Error::Usage`] for a range of one value, or more bins than 65,536.
    pub fn binned(values: &SlotValues, bins: u32) -> Result<Self> {
        let (low, high) = values.range.unwrap_or((0.0, 0.0));
        if !(low < high && (2..=1 << 16).contains(&bins)) {
            return Err(Error::usage(
                format!("{bins} bins from {low} to {high}"),
                "give 2 to 65,536 bins over a range of several values",
            ));
        }
        let bin = |stored: i32| {
            let share = (real(values, stored) - low) / (high - low);
            Some(((share * f64::from(bins)) as u32).min(bins - 1))
        };
        Self::new(values, (0..bins).collect(), bins, bin)
    }

    fn new(values: &SlotValues, bins: Vec<u32>, all: u32, slot: impl Fn(i32) -> Option<u32>) -> Result<Self> {
        if bins.is_empty() {
            return Err(Error::no_voxel());
        }
        let (below, above) = (bins.len() as u32, bins.len() as u32 + 1);
        let mut own =
            Self { looking: vec![below; values.dtype.values()], counting: vec![below; values.dtype.values()], bins, all };
        for stored in ordered(values).filter(|v| !values.pads(*v)) {
            let (at, real) = (key(values.dtype, stored), real(values, stored));
            match (values.place(real), slot(stored)) {
                (std::cmp::Ordering::Greater, _) => own.looking[at] = above,
                (std::cmp::Ordering::Equal, Some(slot)) => {
                    own.looking[at] = slot;
                    if values.counted.is_none_or(|(low, high)| (low..=high).contains(&real)) {
                        own.counting[at] = slot;
                    }
                }
                _ => {}
            }
        }
        Ok(own)
    }

    /// How many slots lie in bins.
    pub fn len(&self) -> usize {
        self.bins.len()
    }

    /// Never: there is at least one.
    pub fn is_empty(&self) -> bool {
        self.bins.is_empty()
    }
}

/// All stored values in ascending order of their real ones.
fn ordered(values: &SlotValues) -> impl Iterator<Item = i32> + use<> {
    let (first, n, rising) = (values.dtype.first(), values.dtype.values() as i32, values.rescale.slope > 0.0);
    (0..n).map(move |i| first + if rising { i } else { n - 1 - i })
}

fn real(values: &SlotValues, stored: i32) -> f64 {
    values.rescale.real(f64::from(stored))
}

/// The key of a stored value, as a place.
fn key(dtype: Dtype, stored: i32) -> usize {
    let bits = stored as u32 as u64 & (dtype.values() as u64 - 1);
    keys::key(dtype, bits) as usize
}
