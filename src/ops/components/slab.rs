//! Components of some slices by themselves.
//!
//! A run is what hangs together along a [group](super::joins) of rows; its number is how many runs begin before it. That, for any voxel, is a count of ones in the words that mark
//! where runs begin, so that rows are joined by bits alone, without lists of runs and their unforeseeable branches.

use std::ops::Range;

use super::joins::{Joins, Rules, Same};
use super::table::ComponentFacts;
use crate::ops::bits::{LabelType, Ones, SetBits};

/// Slices with their runs.
pub(super) struct Slab {
    pub nx: usize,
    pub ny: usize,
    /// Slices of the volume.
    pub z: Range<usize>,
    pub rules: Rules,
    /// Words of a row.
    pub(super) words: usize,
    /// Rows of a slice, those that fill up the last groups included.
    pub(super) stride: usize,
    /// Rows as bits; rows that only fill up a group are 0.
    pub(super) rows: Vec<u64>,
    /// Where runs of a group begin.
    pub(super) starts: Vec<u64>,
    /// How many runs begin before each word of `starts`; one more for all of them.
    pub(super) before: Vec<u32>,
    /// For each run the number of its component here.
    pub component: Vec<u32>,
    /// Components of different values that touch, where [all voxels](Same::Value) belong to one: the lower number first, in order.
    pub contacts: Vec<[u32; 2]>,
}

impl Slab {
    /// The slab of these voxels and its components, in order of their first runs.
    pub fn new<T: LabelType>(voxels: &[T], [nx, ny]: [usize; 2], z: Range<usize>, rules: Rules) -> (Self, Vec<ComponentFacts>) {
        #[cfg(target_arch = "x86_64")]
        if counts_ones() {
            // SAFETY: the CPU has what is asked for, as was found one line above; the function is safe in every other way.
            return unsafe { Self::new_popcnt(voxels, [nx, ny], z, rules) };
        }
        Self::new_portable(voxels, [nx, ny], z, rules)
    }

    /// The same code with instructions that count ones and zeros.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,popcnt,bmi1")]
    fn new_popcnt<T: LabelType>(voxels: &[T], shape: [usize; 2], z: Range<usize>, rules: Rules) -> (Self, Vec<ComponentFacts>) {
        Self::new_portable(voxels, shape, z, rules)
    }

    #[inline(always)]
    pub fn new_portable<T: LabelType>(
        voxels: &[T],
        [nx, ny]: [usize; 2],
        z: Range<usize>,
        rules: Rules,
    ) -> (Self, Vec<ComponentFacts>) {
        let words = nx.div_ceil(64);
        let mut slab = Self {
            nx,
            ny,
            z,
            rules,
            words,
            stride: 0,
            rows: Vec::new(),
            starts: Vec::new(),
            before: Vec::new(),
            component: Vec::new(),
            contacts: Vec::new(),
        };
        slab.pack(voxels);
        let count = slab.find_starts(voxels);
        let values = slab.values(voxels, count);
        slab.component = (0..count as u32).collect();
        slab.join_groups(&values);
        let components = slab.number();
        let contacts = std::mem::take(&mut slab.contacts);
        slab.contacts = sorted(contacts.into_iter().map(|pair| pair.map(|run| slab.component[run as usize])));
        let table = slab.table(&values, components);
        (slab, table)
    }

    #[inline(always)]
    fn pack<T: LabelType>(&mut self, voxels: &[T]) {
        let ([ny, nz], [height, depth]) = (self.groups(), self.joins().group);
        self.stride = ny * height;
        self.rows = vec![0; nz * depth * self.stride * self.words];
        let last = u64::MAX >> (63 - (self.nx - 1) % 64);
        let slices = voxels.chunks_exact(self.nx * self.ny).zip(self.rows.chunks_exact_mut(self.stride * self.words));
        for (row, words) in slices.flat_map(|(slice, rows)| slice.chunks_exact(self.nx).zip(rows.chunks_exact_mut(self.words))) {
            T::pack(row, words);
            match self.rules.same {
                Same::NotZero | Same::Label => continue,
                Same::Zero => words.iter_mut().for_each(|word| *word = !*word),
                Same::Value => words.fill(u64::MAX),
            }
            words[self.words - 1] &= last;
        }
    }

    pub(super) fn joins(&self) -> &'static Joins {
        self.rules.joins()
    }

    /// Groups along y and z.
    pub(super) fn groups(&self) -> [usize; 2] {
        let [y, z] = self.joins().group;
        [self.ny.div_ceil(y), self.z.len().div_ceil(z)]
    }

    /// Where in `rows` the rows of a group begin; where there are less than four, the first one stands for the others, too.
    #[inline(always)]
    pub(super) fn rows_of(&self, [gy, gz]: [usize; 2]) -> [usize; 4] {
        let [y, z] = self.joins().group;
        let row = |dy: usize, dz: usize| ((gz * z + dz) * self.stride + gy * y + dy) * self.words;
        match (y, z) {
            (2, 2) => [row(0, 0), row(1, 0), row(0, 1), row(1, 1)],
            (2, _) => [row(0, 0), row(1, 0), row(0, 0), row(0, 0)],
            _ => [row(0, 0); 4],
        }
    }

    /// A word of four rows together.
    #[inline(always)]
    fn any(&self, rows: &[usize; 4], word: usize) -> u64 {
        self.rows[rows[0] + word] | self.rows[rows[1] + word] | self.rows[rows[2] + word] | self.rows[rows[3] + word]
    }

    /// The numbers of a group's runs.
    #[inline(always)]
    pub(super) fn runs_in(&self, [y, z]: [usize; 2]) -> Range<u32> {
        let group = (z * self.groups()[0] + y) * self.words;
        self.before[group]..self.before[group + self.words]
    }

    /// Whether a group has no runs: nothing is to be done for it.
    #[inline(always)]
    pub(super) fn is_empty(&self, group: [usize; 2]) -> bool {
        self.runs_in(group).is_empty()
    }

    /// Marks where runs begin and counts them.
    #[inline(always)]
    fn find_starts<T: LabelType>(&mut self, voxels: &[T]) -> usize {
        let [ny, nz] = self.groups();
        let mut count = 0;
        let (mut changed, mut changes) = (vec![1u8; self.nx], vec![0; self.words]);
        self.starts.reserve(ny * nz * self.words);
        self.before.reserve(ny * nz * self.words + 1);
        for group in (0..nz).flat_map(|z| (0..ny).map(move |y| [y, z])) {
            let rows = self.rows_of(group);
            if self.rules.apart() {
                // Groups are single rows: a run begins where the value is another than before.
                let row = &voxels[(group[1] * self.ny + group[0]) * self.nx..][..self.nx];
                for ((changed, before), here) in changed[1..].iter_mut().zip(row).zip(&row[1..]) {
                    *changed = u8::from(before != here);
                }
                u8::pack(&changed, &mut changes);
            }
            let mut last = 0;
            for (word, changes) in changes.iter().enumerate() {
                let ones = self.any(&rows, word);
                let mut starts = ones & !((ones << 1) | (last >> 63));
                if self.rules.apart() {
                    starts = ones & changes;
                }
                last = ones;
                self.starts.push(starts);
                self.before.push(count as u32);
                count += starts.count_ones() as usize;
            }
        }
        self.before.push(count as u32);
        // 2³² runs need a slice of more than 2³² voxels.
        assert!(count <= u32::MAX as usize, "a slab of too many runs");
        count
    }

    /// The value of each run, where values count.
    #[inline(always)]
    fn values<T: LabelType>(&self, voxels: &[T], count: usize) -> Vec<u32> {
        if !self.rules.apart() {
            return Vec::new();
        }
        let mut values = Vec::with_capacity(count);
        for (row, starts) in voxels.chunks_exact(self.nx).zip(self.starts.chunks_exact(self.words)) {
            for x in Ones::of(starts) {
                values.push(row[x].into());
            }
        }
        values
    }

    #[inline(always)]
    pub(super) fn group(&self, [y, z]: [usize; 2]) -> RowGroup<'_> {
        let words = (z * self.groups()[0] + y) * self.words;
        RowGroup { starts: &self.starts[words..words + self.words], before: &self.before[words..words + self.words] }
    }

    /// Numbers the components; how many there are.
    #[inline(always)]
    fn number(&mut self) -> usize {
        let mut count = 0;
        for run in 0..self.component.len() {
            let parent = self.component[run] as usize;
            // A parent comes before, and has its number.
            self.component[run] = if parent == run { count } else { self.component[parent] };
            count += u32::from(parent == run);
        }
        count as usize
    }

    #[inline(always)]
    fn table(&self, values: &[u32], components: usize) -> Vec<ComponentFacts> {
        let mut table = vec![ComponentFacts::EMPTY; components];
        for (value, component) in values.iter().zip(&self.component) {
            table[*component as usize].value = *value;
        }
        let [ny, nz] = self.groups();
        let mut run = 0;
        for group in (0..nz).flat_map(|z| (0..ny).map(move |y| [y, z])).filter(|group| !self.is_empty(*group)) {
            let rows = self.rows_of(group);
            let starts = self.group(group).starts;
            let mut component = 0;
            for (word, starts) in starts.iter().enumerate() {
                // All ones up to the next run of another component belong to this one; in noise as well as in organs that is mostly the whole word.
                let mut rest = u64::MAX;
                for x in SetBits(*starts) {
                    let next = self.component[run];
                    run += 1;
                    if next != component {
                        self.add(&mut table[component as usize], group, &rows, word, rest & ((1 << x) - 1));
                        rest = u64::MAX << x;
                        component = next;
                    }
                }
                self.add(&mut table[component as usize], group, &rows, word, rest);
            }
        }
        table
    }

    /// Adds those ones of a word of a group's rows that are `chosen`.
    #[inline(always)]
    fn add(&self, component: &mut ComponentFacts, group: [usize; 2], rows: &[usize; 4], word: usize, chosen: u64) {
        let [height, depth] = self.joins().group;
        for (number, row) in rows.iter().enumerate().take(height * depth) {
            let bits = self.rows[row + word] & chosen;
            if bits != 0 {
                // Two rows at most, along each axis.
                let (y, z) = if height == 2 { (number & 1, number >> 1) } else { (0, 0) };
                let place = [group[0] * height + y, group[1] * depth + z + self.z.start];
                let start = (place[1] * self.ny + place[0]) * self.nx;
                component.add_word(bits, 64 * word, place, start);
            }
        }
    }

    /// Bytes that this takes.
    pub fn bytes(&self) -> usize {
        8 * (self.rows.len() + self.starts.len()) + 4 * (self.before.len() + self.component.len())
    }
}

/// Pairs in order, each once, the lower number first.
pub(super) fn sorted(pairs: impl Iterator<Item = [u32; 2]>) -> Vec<[u32; 2]> {
    let mut pairs: Vec<[u32; 2]> = pairs.map(|[a, b]| [a.min(b), a.max(b)]).collect();
    pairs.sort_unstable();
    pairs.dedup();
    pairs
}

/// Whether the CPU has the instructions that the fast copies of the code are made of.
#[cfg(target_arch = "x86_64")]
pub(super) fn counts_ones() -> bool {
    use std::arch::is_x86_feature_detected as has;
    has!("avx2") && has!("popcnt") && has!("bmi1")
}

/// Where the runs of a group begin.
pub(super) struct RowGroup<'a> {
    pub(super) starts: &'a [u64],
    before: &'a [u32],
}

impl RowGroup<'_> {
    /// The run at voxel `x` of a word, or at the voxel before it.
    #[inline(always)]
    pub(super) fn run(&self, word: usize, x: usize, here: bool) -> u32 {
        let bits = if here { u64::MAX >> (63 - x) } else { (1 << x) - 1 };
        self.before[word] + (self.starts[word] & bits).count_ones() - 1
    }
}
