//! Components of a volume, slab by slab.

use std::fmt;
use std::ops::Range;

use rayon::prelude::*;

use super::joins::{Rules, Same, root, unite};
use super::numbered::{Numbered, Runs, Section, Store};
use super::slab::{Slab, sorted};
use super::table::ComponentFacts;
use crate::ops::bits::LabelType;

/// There are more than 2³² - 1 components.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany;

impl fmt::Display for TooMany {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "more than {} components", u32::MAX)
    }
}

impl std::error::Error for TooMany {}

/// Voxels that a thread takes at a time: enough that seams are few, few enough that all threads have work and bits stay in the cache.
const VOXELS: usize = 1 << 20;

/// Collects slabs. Components of a slab are nodes; seams join them.
pub struct Components {
    shape: [usize; 3],
    rules: Rules,
    runs: Runs,
    whole: bool,
    nodes: Vec<ComponentFacts>,
    parents: Vec<u32>,
    parts: Vec<Section>,
    /// Nodes of different values that touch.
    contacts: Vec<[u32; 2]>,
}

impl Components {
    /// # Panics
    /// If an axis has no voxels, or more than 2³²; or sums of coordinates might not fit 64 bits.
    pub fn new(shape: [usize; 3], rules: Rules, runs: Runs) -> Self {
        let voxels = shape.iter().try_fold(1u64, |product, n| product.checked_mul(*n as u64));
        let longest = shape.into_iter().max().unwrap_or(0) as u64;
        assert!(shape.iter().all(|n| (1..=1 << 32).contains(n)), "{shape:?} has an axis without voxels or too long");
        assert!(voxels.and_then(|n| n.checked_mul(longest)).is_some(), "{shape:?} is too large");
        Self { shape, rules, runs, whole: false, nodes: Vec::new(), parents: Vec::new(), parts: Vec::new(), contacts: Vec::new() }
    }

    /// Bytes held for runs and components so far.
    pub fn bytes(&self) -> usize {
        let runs: usize = self.parts.iter().map(Section::bytes).sum();
        // A component is told by its node, its parent, and its label in the end.
        runs + (size_of::<ComponentFacts>() + 8) * self.nodes.len() + 8 * self.contacts.len()
    }

    /// Forgets the runs of slices that are joined to their neighbours, and of those that come: they may take too much.
    pub fn forget_runs(&mut self) {
        self.runs = Runs::Forgotten;
        let done = self.parts.len().saturating_sub(1);
        self.parts[..done].iter_mut().for_each(|part| part.store = Store::Forgotten);
    }

    /// How many slices there are so far.
    pub fn slices(&self) -> usize {
        self.parts.last().map_or(0, |part| part.z.end)
    }

    /// The next slices, whole ones; any number of them, on all threads.
    ///
    /// # Panics
    /// If these are no whole slices or more than there are left.
    pub fn add_slab<T: LabelType>(&mut self, slices: &[T]) -> Result<(), TooMany> {
        let [nx, ny, nz] = self.shape;
        let first = self.slices();
        // What is in memory as a whole needs no shorter runs.
        self.whole |= slices.len() == nx * ny * nz;
        assert!(slices.len().is_multiple_of(nx * ny) && first + slices.len() / (nx * ny) <= nz, "slices of another length");
        let found: Vec<_> = slabs(self.shape, first, slices)
            .into_par_iter()
            .map(|(z, voxels)| Slab::new(voxels, [nx, ny], z, self.rules))
            .collect();
        found.into_iter().try_for_each(|(slab, table)| self.append(slab, table))
    }

    fn append(&mut self, mut slab: Slab, table: Vec<ComponentFacts>) -> Result<(), TooMany> {
        let base = self.nodes.len() as u32;
        // The highest number is no node, so that numbers from 1 on fit as well.
        let end = u32::try_from(self.nodes.len() + table.len()).ok().filter(|end| *end < u32::MAX).ok_or(TooMany)?;
        self.nodes.extend(table);
        self.parents.extend(base..end);
        self.contacts.extend(std::mem::take(&mut slab.contacts).into_iter().map(|pair| pair.map(|own| base + own)));
        if let Some(part) = self.parts.last_mut() {
            let Store::Bits(before) = &part.store else { unreachable!("the last slab is whole") };
            slab.seam(before, |theirs, ours| {
                let (a, b) = (part.base + before.component[theirs as usize], base + slab.component[ours as usize]);
                if self.nodes[a as usize].value == self.nodes[b as usize].value {
                    unite(&mut self.parents, a, b);
                } else if self.rules.same == Same::Value {
                    self.contacts.push([a, b]);
                }
            });
            part.settle(self.runs, self.whole);
        }
        self.parts.push(Section { z: slab.z.clone(), base, store: Store::Bits(slab) });
        Ok(())
    }

    /// Numbers the components and adds up what their slabs know of them.
    ///
    /// # Panics
    /// If slices are missing.
    pub fn finish(mut self) -> Numbered {
        assert_eq!(self.slices(), self.shape[2], "slices are missing");
        if let Some(part) = self.parts.last_mut() {
            part.settle(self.runs, self.whole);
        }
        let mut roots = Vec::new();
        for node in 0..self.nodes.len() as u32 {
            let root = root(&mut self.parents, node);
            if root == node {
                roots.push(node);
            } else {
                let (before, own) = self.nodes.split_at_mut(node as usize);
                before[root as usize].add(&own[0]);
            }
        }
        // Nodes come by slabs, but within one by their first run, which for groups of rows is not their first voxel.
        roots.sort_by_key(|root| self.nodes[*root as usize].first);
        let table = roots.iter().map(|root| self.nodes[*root as usize].clone()).collect();
        let mut labels = vec![0; self.nodes.len()];
        (1..).zip(&roots).for_each(|(label, root)| labels[*root as usize] = label);
        (0..labels.len()).for_each(|node| labels[node] = labels[self.parents[node] as usize]);
        let contacts = sorted(self.contacts.into_iter().map(|pair| pair.map(|node| labels[node as usize])));
        Numbered { shape: self.shape, rules: self.rules, parts: self.parts, labels, table, contacts }
    }
}

/// Slices from `first` on, cut for the threads.
fn slabs<T>([nx, ny, _]: [usize; 3], first: usize, slices: &[T]) -> Vec<(Range<usize>, &[T])> {
    let height = (VOXELS / (nx * ny)).max(2).next_multiple_of(2);
    let slab = |(i, voxels): (usize, _)| (first + i * height..first + i * height + <[T]>::len(voxels) / (nx * ny), voxels);
    slices.chunks(height * nx * ny).enumerate().map(slab).collect()
}

/// Labels a whole volume.
///
/// # Panics
/// If `voxels` or `out` has another length than `shape`.
pub fn label<T: LabelType>(voxels: &[T], shape: [usize; 3], rules: Rules, out: &mut [u32]) -> Result<Numbered, TooMany> {
    let mut components = Components::new(shape, rules, Runs::Kept);
    components.add_slab(voxels)?;
    let labelled = components.finish();
    labelled.write_labels(0..shape[2], out);
    Ok(labelled)
}
