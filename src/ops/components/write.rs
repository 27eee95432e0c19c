//! Runs and labels out of the bits of a slab.

use std::ops::Range;

use super::slab::Slab;
#[cfg(target_arch = "x86_64")]
use super::slab::counts_ones;
use crate::ops::bits::{LabelType, Ones, Spans};

impl Slab {
    /// Runs of one row, as `row(y, start, end, component)`, of slice `z` of the volume.
    pub fn runs_of(&self, z: usize, row: impl FnMut(usize, usize, usize, u32)) {
        #[cfg(target_arch = "x86_64")]
        if counts_ones() {
            // SAFETY: the CPU has what is asked for, as was found one line above; the function is safe in every other way.
            return unsafe { self.runs_of_popcnt(z, row) };
        }
        self.runs_of_portable(z, row);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,popcnt,bmi1")]
    fn runs_of_popcnt(&self, z: usize, row: impl FnMut(usize, usize, usize, u32)) {
        self.runs_of_portable(z, row);
    }

    #[inline(always)]
    fn runs_of_portable(&self, z: usize, mut row: impl FnMut(usize, usize, usize, u32)) {
        let z = z - self.z.start;
        let [height, depth] = self.joins().group;
        let mut on = vec![0; self.words + 1];
        for y in 0..self.ny {
            let words = &self.rows[(z * self.stride + y) * self.words..][..self.words];
            let group = self.group([y / height, z / depth]);
            let component = |x: usize| self.component[group.run(x / 64, x % 64, true) as usize];
            if self.rules.apart() {
                for word in 0..self.words {
                    on[word] = words[word] & !group.starts[word];
                }
                for x in Ones::of(group.starts) {
                    row(y, x, first_zero(&on, x + 1), component(x));
                }
            } else {
                for (start, end) in Spans::of(words, self.nx) {
                    row(y, start, end, component(start));
                }
            }
        }
    }

    /// Writes what `labels` has for the components of rows `y` of slice `z` of the volume. Where nothing is, nothing is written if `zeros` are there already.
    pub fn write<T: LabelType>(&self, (y, z): (Range<usize>, usize), labels: &[u32], zeros: bool, out: &mut [T]) {
        #[cfg(target_arch = "x86_64")]
        if counts_ones() {
            // SAFETY: the CPU has what is asked for, as was found one line above; the function is safe in every other way.
            return unsafe { self.write_popcnt((y, z), labels, zeros, out) };
        }
        self.write_portable((y, z), labels, zeros, out);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,popcnt,bmi1")]
    fn write_popcnt<T: LabelType>(&self, rows: (Range<usize>, usize), labels: &[u32], zeros: bool, out: &mut [T]) {
        self.write_portable(rows, labels, zeros, out);
    }

    #[inline(always)]
    fn write_portable<T: LabelType>(&self, (y, z): (Range<usize>, usize), labels: &[u32], zeros: bool, out: &mut [T]) {
        let z = z - self.z.start;
        let [height, depth] = self.joins().group;
        for (y, out) in y.zip(out.chunks_exact_mut(self.nx)) {
            let words = &self.rows[(z * self.stride + y) * self.words..][..self.words];
            let group = self.group([y / height, z / depth]);
            for ((word, bits), out) in words.iter().enumerate().zip(out.chunks_mut(64)) {
                if *bits == 0 {
                    if !zeros {
                        out.fill(T::default());
                    }
                    continue;
                }
                let run = |x: u32| group.run(word, x as usize, true) as usize;
                let all = &self.component[run(bits.trailing_zeros())..=run(63 - bits.leading_zeros())];
                let (component, rest) = (all[0], &all[1..]);
                if rest.iter().all(|other| *other == component) {
                    // Mostly a word has one label only: no branches, however short the runs are.
                    select(*bits, T::narrow(labels[component as usize]), out);
                    continue;
                }
                out.fill(T::default());
                let (mut left, on) = (*bits, bits & !group.starts[word]);
                while left != 0 {
                    let x = left.trailing_zeros();
                    let end = if x == 63 { 64 } else { x + 1 + (!(on >> (x + 1))).trailing_zeros() };
                    out[x as usize..end as usize].fill(T::narrow(labels[self.component[run(x)] as usize]));
                    left &= u64::MAX.checked_shl(end).unwrap_or(0);
                }
            }
        }
    }
}

/// The first place from `from` on that is 0; the last word is.
#[inline(always)]
fn first_zero(words: &[u64], from: usize) -> usize {
    let mut word = from / 64;
    let mut zeros = !words[word] & u64::MAX << (from % 64);
    while zeros == 0 {
        word += 1;
        zeros = !words[word];
    }
    64 * word + zeros.trailing_zeros() as usize
}

/// `label` where there are ones, 0 elsewhere.
#[inline(always)]
fn select<T: LabelType>(bits: u64, label: T, out: &mut [T]) {
    for (byte, out) in out.chunks_mut(8).enumerate() {
        let bits = (bits >> (8 * byte)) as u8;
        for (i, out) in out.iter_mut().enumerate() {
            *out = if bits & (1 << i) != 0 { label } else { T::default() };
        }
    }
}
