//! Components that have their numbers.

use std::cmp::Reverse;
use std::ops::Range;

use rayon::prelude::*;

use super::joins::Rules;
use super::slab::Slab;
use super::table::ComponentFacts;
use crate::ops::bits::LabelType;

/// What is done with the runs of slabs that are joined to their neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runs {
    /// Labels are written from them, without the voxels.
    Kept,
    /// Only what is known of components stays; the voxels are [given again](Numbered::restore) before labels are written.
    Forgotten,
}

/// Some slices: number `base` and following are the nodes of its components.
pub(super) struct Section {
    pub z: Range<usize>,
    pub base: u32,
    pub store: Store,
}

/// The runs of a part.
pub(super) enum Store {
    Bits(Slab),
    /// Each row's first run in the list, then start, end and component of each run.
    List {
        rows: Vec<u32>,
        runs: Vec<[u32; 3]>,
    },
    Forgotten,
}

impl Section {
    /// What stays when the neighbours are joined.
    pub fn settle(&mut self, runs: Runs, as_it_is: bool) {
        let Store::Bits(slab) = &self.store else { return };
        self.store = match runs {
            Runs::Forgotten => Store::Forgotten,
            Runs::Kept if as_it_is => return,
            Runs::Kept => match list(slab) {
                Some((rows, runs)) => Store::List { rows, runs },
                None => return,
            },
        };
    }

    /// Bytes held for its runs.
    pub fn bytes(&self) -> usize {
        match &self.store {
            Store::Bits(slab) => slab.bytes(),
            Store::List { rows, runs } => 4 * rows.len() + 12 * runs.len(),
            Store::Forgotten => 0,
        }
    }

    /// Calls `run` with y, start, end and component of the runs of a slice, where they are a list of those of rows `y` alone.
    fn runs_of(&self, z: usize, y: Range<usize>, mut run: impl FnMut(usize, usize, usize, u32)) {
        match &self.store {
            Store::Bits(slab) => slab.runs_of(z, run),
            Store::List { rows, runs } => {
                let ny = (rows.len() - 1) / self.z.len();
                for y in y {
                    let row = (z - self.z.start) * ny + y;
                    for [start, end, component] in &runs[rows[row] as usize..rows[row + 1] as usize] {
                        run(y, *start as usize, *end as usize, *component);
                    }
                }
            }
            Store::Forgotten => panic!("the runs of slice {z} were forgotten"),
        }
    }
}

/// The runs as a list, if that is shorter than the bits.
fn list(slab: &Slab) -> Option<(Vec<u32>, Vec<[u32; 3]>)> {
    let rows = slab.z.len() * slab.ny + 1;
    let most = slab.bytes().checked_sub(4 * rows)? / 12;
    let (mut firsts, mut runs) = (Vec::with_capacity(rows), Vec::new());
    for z in slab.z.clone() {
        slab.runs_of(z, |y, start, end, component| {
            firsts.resize((z - slab.z.start) * slab.ny + y + 1, runs.len() as u32);
            if runs.len() <= most {
                runs.push([start as u32, end as u32, component]);
            }
        });
        if runs.len() > most {
            return None;
        }
    }
    firsts.resize(rows, runs.len() as u32);
    runs.shrink_to_fit();
    Some((firsts, runs))
}

/// Numbered components, and where they are.
pub struct Numbered {
    pub(super) shape: [usize; 3],
    pub(super) rules: Rules,
    pub(super) parts: Vec<Section>,
    /// The label of each node.
    pub(super) labels: Vec<u32>,
    pub(super) table: Vec<ComponentFacts>,
    pub(super) contacts: Vec<[u32; 2]>,
}

impl Numbered {
    /// The components, label 1 first.
    pub fn table(&self) -> &[ComponentFacts] {
        &self.table
    }

    /// Components of different values that have faces in common, as their labels, the lower one first, in order; of [all values](super::Same::Value).
    pub fn contacts(&self) -> &[[u32; 2]] {
        &self.contacts
    }

    /// Bytes held for runs and components.
    pub fn bytes(&self) -> usize {
        self.parts.iter().map(Section::bytes).sum::<usize>()
            + 4 * self.labels.len()
            + size_of::<ComponentFacts>() * self.table.len()
    }

    /// Writes the labels of slices, for which the type has room.
    ///
    /// # Panics
    /// If `out` has another length, or a slice was [forgotten](Runs::Forgotten) and not [restored](Self::restore).
    pub fn write_labels<T: LabelType>(&self, z: Range<usize>, out: &mut [T]) {
        let [nx, ny, _] = self.shape;
        assert_eq!(out.len(), nx * ny * z.len(), "an output of another length");
        self.write(z, false, out);
    }

    /// The labels of the whole volume, for which the type has room. The least work where most is background: what is not written is not even fetched.
    ///
    /// # Panics
    /// If a slice was forgotten.
    pub fn labels<T: LabelType>(&self) -> Vec<T> {
        let mut out = vec![T::default(); self.shape.iter().product()];
        self.write(0..self.shape[2], true, &mut out);
        out
    }

    fn write<T: LabelType>(&self, z: Range<usize>, zeros: bool, out: &mut [T]) {
        let [nx, ny, _] = self.shape;
        out.par_chunks_exact_mut(nx * ny).zip(z).for_each(|(out, z)| self.write_slice((0..ny, z), zeros, out));
    }

    /// Writes the labels, for which the type has room, of rows `y` of slice `z`, by the thread that asks.
    ///
    /// # Panics
    /// If `out` has another length, or the slice was [forgotten](Runs::Forgotten).
    pub fn write_rows<T: LabelType>(&self, y: Range<usize>, z: usize, out: &mut [T]) {
        assert_eq!(out.len(), self.shape[0] * y.len(), "an output of another length");
        self.write_slice((y, z), false, out);
    }

    fn write_slice<T: LabelType>(&self, (y, z): (Range<usize>, usize), zeros: bool, out: &mut [T]) {
        let (part, nx) = (self.part(z), self.shape[0]);
        let labels = &self.labels[part.base as usize..];
        if let Store::Bits(slab) = &part.store {
            return slab.write((y, z), labels, zeros, out);
        }
        if !zeros {
            out.fill(T::default());
        }
        let first = y.start;
        part.runs_of(z, y, |y, start, end, component| {
            let row = (y - first) * nx;
            out[row + start..row + end].fill(T::narrow(labels[component as usize]));
        });
    }

    fn part(&self, z: usize) -> &Section {
        &self.parts[self.parts.partition_point(|part| part.z.end <= z)]
    }

    /// Calls `run` with y, start, end and label of each run of slice `z`; what was removed has label 0.
    ///
    /// # Panics
    /// If the slice was forgotten.
    pub fn runs_of(&self, z: usize, mut run: impl FnMut(usize, usize, usize, u32)) {
        let part = self.part(z);
        let labels = &self.labels[part.base as usize..];
        part.runs_of(z, 0..self.shape[1], |y, start, end, component| run(y, start, end, labels[component as usize]));
    }

    /// Finds forgotten runs again in the same voxels as before. `slices` begin at slice `first` and are as many as one or more calls of
    /// [`add_slab`](super::Components::add_slab) brought.
    ///
    /// # Panics
    /// If they are not.
    pub fn restore<T: LabelType>(&mut self, first: usize, slices: &[T]) {
        let [nx, ny, _] = self.shape;
        let begin = self.parts.partition_point(|part| part.z.start < first);
        let end = self.parts.partition_point(|part| part.z.end <= first + slices.len() / (nx * ny));
        let parts = &mut self.parts[begin..end];
        let whole = parts.first().is_some_and(|part| part.z.start == first) && slices.len().is_multiple_of(nx * ny);
        let voxels = parts.iter().map(|part| part.z.len() * nx * ny).sum::<usize>();
        assert!(whole && voxels == slices.len(), "other slices than before");
        parts.par_iter_mut().for_each(|part| {
            let from = (part.z.start - first) * nx * ny;
            let slab = Slab::new(&slices[from..from + part.z.len() * nx * ny], [nx, ny], part.z.clone(), self.rules).0;
            part.store = Store::Bits(slab);
        });
    }

    /// Whether any runs were [forgotten](Runs::Forgotten).
    pub fn forgets(&self) -> bool {
        self.parts.iter().any(|part| matches!(part.store, Store::Forgotten))
    }

    /// Forgets the runs of all slices, [restored](Self::restore) or kept.
    pub fn forget(&mut self) {
        self.parts.iter_mut().for_each(|part| part.store = Store::Forgotten);
    }

    /// Which labels have a voxel where `marker`, slices from `first` on, is not 0; says so in `marked`, label 1 first.
    ///
    /// # Panics
    /// If a length does not fit, or a slice was forgotten.
    pub fn mark(&self, first: usize, marker: &[u8], marked: &mut [bool]) {
        let [nx, ny, _] = self.shape;
        assert!(marker.len().is_multiple_of(nx * ny) && marked.len() == self.table.len(), "a marker of another length");
        let found = marker.par_chunks_exact(nx * ny).enumerate().map(|(z, marker)| {
            let mut found = Vec::new();
            self.runs_of(first + z, |y, start, end, label| {
                if label > 0
                    && found.last() != Some(&label)
                    && marker[y * nx + start..y * nx + end].iter().any(|value| *value != 0)
                {
                    found.push(label);
                }
            });
            found
        });
        found.collect::<Vec<_>>().into_iter().flatten().for_each(|label| marked[label as usize - 1] = true);
    }

    /// Only components for which `keep` is true stay, numbered anew in the same order.
    ///
    /// # Panics
    /// If `keep` has not one value for each component.
    pub fn retain(&mut self, keep: &[bool]) {
        assert_eq!(keep.len(), self.table.len(), "a choice of another length");
        self.renumber(&(1..).zip(keep).filter_map(|(label, keep)| keep.then_some(label)).collect::<Vec<_>>());
    }

    /// Keeps the `count` largest components; of equally large ones those of lower labels.
    pub fn keep_largest(&mut self, count: usize) {
        let mut largest = self.by_size();
        largest.truncate(count);
        largest.sort_unstable();
        self.renumber(&largest);
    }

    /// Removes components of less than `voxels` voxels.
    pub fn remove_small(&mut self, voxels: u64) {
        self.retain(&self.table.iter().map(|component| component.voxels >= voxels).collect::<Vec<_>>());
    }

    /// Numbers the components by size, the largest first; equally large ones keep their order. Gives the new label of each old one, that of 0 being 0.
    pub fn order_by_size(&mut self) -> Vec<u32> {
        self.renumber(&self.by_size())
    }

    /// Adds voxels that lie within the box of a component to what is known of it, such as those of its holes: how many, and the sums of their x, y and z.
    ///
    /// # Panics
    /// If there is no such label.
    pub fn grow(&mut self, label: u32, voxels: u64, sums: [u64; 3]) {
        let facts = &mut self.table[label as usize - 1];
        facts.voxels += voxels;
        facts.sums.iter_mut().zip(sums).for_each(|(sum, more)| *sum += more);
    }

    fn by_size(&self) -> Vec<u32> {
        let mut labels: Vec<u32> = (1..=self.table.len() as u32).collect();
        labels.sort_by_key(|label| Reverse(self.table[*label as usize - 1].voxels));
        labels
    }

    /// The labels `order` become 1, 2, ...; others 0. Gives the new label of each old one.
    fn renumber(&mut self, order: &[u32]) -> Vec<u32> {
        let mut new = vec![0; self.table.len() + 1];
        (1..).zip(order).for_each(|(label, old)| new[*old as usize] = label);
        self.labels.iter_mut().for_each(|label| *label = new[*label as usize]);
        self.table = order.iter().map(|old| self.table[*old as usize - 1].clone()).collect();
        new
    }
}
