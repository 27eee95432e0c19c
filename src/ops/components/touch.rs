//! Which runs touch each other.
//!
//! Two groups of rows have ones near each other where the words of one, as they are or moved by a place, meet those of the other. Most of these ones tell what the one before
//! them told; those that do not are joined.

use super::joins::{Join, Same, unite};
use super::slab::Slab;
use crate::ops::bits::SetBits;

/// Room for the words of a row, for what two groups have near each other: at the same x, theirs one before, ours one before.
type Near = [Vec<u64>; 3];

impl Slab {
    #[inline(always)]
    pub(super) fn join_groups(&mut self, values: &[u32]) {
        let [ny, nz] = self.groups();
        let mut parents = std::mem::take(&mut self.component);
        let mut contacts = Vec::new();
        let all = self.rules.same == Same::Value;
        let mut near: Near = std::array::from_fn(|_| vec![0; self.words]);
        for group in (0..nz).flat_map(|z| (0..ny).map(move |y| [y, z])).filter(|group| !self.is_empty(*group)) {
            for join in self.joins().joins {
                let Some(theirs) = self.beside(group, join) else { continue };
                self.join((self, theirs), group, join, 0, &mut near, |a, b| {
                    if values.is_empty() || values[a as usize] == values[b as usize] {
                        unite(&mut parents, a, b);
                    } else if all {
                        contacts.push([a, b]);
                    }
                });
            }
            if all {
                let row = self.runs_in(group);
                contacts.extend((row.start + 1..row.end).map(|run| [run - 1, run]));
            }
        }
        (self.component, self.contacts) = (parents, contacts);
    }

    /// The group that a join speaks of, if it is one of this slab.
    #[inline(always)]
    fn beside(&self, [y, z]: [usize; 2], join: &Join) -> Option<[usize; 2]> {
        let y = y.checked_add_signed(join.y).filter(|y| *y < self.groups()[0])?;
        Some([y, z.checked_sub(usize::from(join.below))?])
    }

    /// Runs of this slab's first slice that touch runs of the last slice of the slab before: their numbers there and here.
    pub fn seam(&self, before: &Self, mut found: impl FnMut(u32, u32)) {
        let top = before.groups()[1] - 1;
        // A last group that is not full has its last slice where others have their first.
        let [height, depth] = self.joins().group;
        let missing = (top + 1) * depth - before.z.len();
        let mut near: Near = std::array::from_fn(|_| vec![0; self.words]);
        for y in (0..self.groups()[0]).filter(|y| !self.is_empty([*y, 0])) {
            for join in self.joins().joins.iter().filter(|join| join.below) {
                let Some(theirs) = y.checked_add_signed(join.y).filter(|y| *y < self.groups()[0]) else { continue };
                self.join((before, [theirs, top]), [y, 0], join, missing * height, &mut near, &mut found);
            }
        }
    }

    /// Calls `found` for pairs of runs that touch, of another group and of this slab's `group`; each pair at least once, seldom more. Their rows are numbered `lower` less.
    #[inline(always)]
    fn join(
        &self,
        (other, theirs): (&Self, [usize; 2]),
        group: [usize; 2],
        join: &Join,
        lower: usize,
        [same, them, us]: &mut Near,
        mut found: impl FnMut(u32, u32),
    ) {
        if other.is_empty(theirs) {
            return;
        }
        let (their_rows, our_rows) = (other.rows_of(theirs), self.rows_of(group));
        for words in [&mut *same, &mut *them, &mut *us] {
            words.fill(0);
        }
        for pair in join.pairs {
            let [a0, a1] = pair.theirs.map(|number| &other.rows[their_rows[number - lower]..][..self.words]);
            let [b0, b1] = pair.ours.map(|number| &self.rows[our_rows[number]..][..self.words]);
            let (mut a_last, mut b_last) = (0, 0);
            for word in 0..self.words {
                let (a, b) = (a0[word] | a1[word], b0[word] | b1[word]);
                same[word] |= a & b;
                if pair.aslant {
                    them[word] |= (a << 1 | a_last >> 63) & b;
                    us[word] |= a & (b << 1 | b_last >> 63);
                }
                (a_last, b_last) = (a, b);
            }
        }
        let (a, b) = (other.group(theirs), self.group(group));
        let mut last = [0; 5];
        for word in 0..self.words {
            let (starts_a, starts_b, same, them, us) = (a.starts[word], b.starts[word], same[word], them[word], us[word]);
            // One to the left, with what comes over from the word before.
            let left = |bits: u64, from: usize| bits << 1 | last[from] >> 63;
            let again = left(same, 0) & !(starts_a | starts_b);
            for x in SetBits(same & !again) {
                found(a.run(word, x, true), b.run(word, x, true));
            }
            // A pair aslant is nothing new where one of its runs goes on to meet the other straight, or both go on aslant.
            let again = same & !starts_a | left(same, 0) & !starts_b | left(them, 1) & !left(starts_a, 3) & !starts_b;
            for x in SetBits(them & !again) {
                found(a.run(word, x, false), b.run(word, x, true));
            }
            let again = same & !starts_b | left(same, 0) & !starts_a | left(us, 2) & !left(starts_b, 4) & !starts_a;
            for x in SetBits(us & !again) {
                found(a.run(word, x, true), b.run(word, x, false));
            }
            last = [same, them, us, starts_a, starts_b];
        }
    }
}
