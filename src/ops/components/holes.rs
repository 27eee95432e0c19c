//! Which parts of the background are holes, and of which label.
//!
//! A hole of a label is a component, by faces, of all that is not this label, which does not reach the border; the parts of the background in it may belong to holes of
//! several labels, which then lie in each other, and go to the smallest. To know the holes of every label, the components that are left without it must be found for each: they are joined
//! for half of the labels together as far as all of these leave them alone, then for quarters, and joins are undone on the way back. So each contact is looked at
//! twice for each time that the number of labels can be halved, not once for each label.

use std::cmp::Ordering;

use super::forest::Forest;
use super::joins::{Connectivity, Same};
use super::numbered::Numbered;
use super::table::ComponentFacts;

/// The values that fill the holes in a volume whose components are those of its [background](super::Rules::background), all else having the value `fill`, or those of
/// [all values](Same::Value) by faces: for each component the value that it becomes, 0 if it stays as it is.
///
/// # Panics
/// If these are other components.
pub fn hole_values(numbered: &Numbered, fill: u32) -> Vec<u32> {
    // Of a picture the ends of z are no border.
    let axes = if numbered.shape[2] == 1 { 2 } else { 3 };
    let inside = |facts: &ComponentFacts| {
        (0..axes).all(|axis| facts.low[axis] > 0 && (facts.high[axis] as usize) < numbered.shape[axis] - 1)
    };
    let table = numbered.table();
    match (numbered.rules.connectivity, numbered.rules.same) {
        (Connectivity::Faces, Same::Zero) => table.iter().map(|facts| if inside(facts) { fill } else { 0 }).collect(),
        (Connectivity::Faces, Same::Value) => values_apart(table, numbered.contacts(), inside),
        (by, of) => panic!("no holes in components of {of:?} by {by:?}"),
    }
}

fn values_apart(table: &[ComponentFacts], contacts: &[[u32; 2]], inside: impl Fn(&ComponentFacts) -> bool) -> Vec<u32> {
    // From here on components are numbered from 0, and what lies outside is the last one.
    let outside = table.len() as u32;
    let mut around = vec![None; table.len()];
    let mut edges: Vec<[u32; 2]> = contacts.iter().map(|pair| pair.map(|label| label - 1)).collect();
    for [a, b] in &edges {
        for (own, other) in [(*a, *b), (*b, *a)] {
            let value = table[other as usize].value;
            let seen = &mut around[own as usize];
            *seen = Some(if seen.is_none_or(|seen| seen == value) { value } else { 0 });
        }
    }
    let candidate = |facts: &ComponentFacts| facts.value == 0 && inside(facts);
    // What touches one label alone lies in a hole of it that cannot be smaller.
    let mut values: Vec<u32> =
        table.iter().zip(around).map(|(facts, around)| around.filter(|_| candidate(facts)).unwrap_or(0)).collect();
    if table.iter().zip(&values).all(|(facts, value)| *value != 0 || !candidate(facts)) {
        return values;
    }
    edges.extend(table.iter().zip(0..).filter(|(facts, _)| !inside(facts)).map(|(_, own)| [own, outside]));
    let mut labels: Vec<u32> = table.iter().map(|facts| facts.value).filter(|value| *value != 0).collect();
    labels.sort_unstable();
    labels.dedup();
    // The place of its label among all, where it has one.
    let place = |facts: &ComponentFacts| labels.binary_search(&facts.value).ok().map(|place| place as u32);
    let mut search = HoleSearch {
        forest: Forest::new(table.iter().map(|facts| facts.voxels).chain([0]).collect()),
        places: table.iter().map(place).chain([None]).collect(),
        smallest: vec![u64::MAX; table.len()],
        values: vec![0; table.len()],
        labels: &labels,
    };
    search.halve(0..labels.len() as u32, edges);
    for ((value, found), facts) in values.iter_mut().zip(search.values).zip(table) {
        if *value == 0 && candidate(facts) {
            *value = found;
        }
    }
    values
}

/// The search for the smallest hole around each component.
struct HoleSearch<'a> {
    forest: Forest,
    places: Vec<Option<u32>>,
    smallest: Vec<u64>,
    values: Vec<u32>,
    labels: &'a [u32],
}

impl HoleSearch<'_> {
    /// Finds the holes of labels. What all of them leave alone is joined already, but for `edges`.
    fn halve(&mut self, labels: std::ops::Range<u32>, edges: Vec<[u32; 2]>) {
        let joins = self.forest.joins();
        let mut rest = Vec::new();
        for [a, b] in edges {
            let meets = |node: u32| self.places[node as usize].is_some_and(|place| labels.contains(&place));
            if meets(a) || meets(b) {
                rest.push([a, b]);
            } else {
                self.forest.join(a, b);
            }
        }
        match labels.len().cmp(&1) {
            Ordering::Less => {}
            Ordering::Equal => self.look(labels.start),
            Ordering::Greater => {
                let middle = labels.start.midpoint(labels.end);
                self.halve(labels.start..middle, rest.clone());
                self.halve(middle..labels.end, rest);
            }
        }
        self.forest.undo(joins);
    }

    /// The holes of one label: the trees without it that do not reach what lies outside.
    fn look(&mut self, label: u32) {
        let Self { forest, places, smallest, values, labels } = self;
        let outside = forest.root(smallest.len() as u32);
        let is_hole = |root: &u32| *root != outside && places[*root as usize] != Some(label);
        for root in forest.roots().filter(is_hole) {
            let size = forest.voxels(root);
            for node in forest.nodes(root).map(|node| node as usize) {
                // Of two that are equally large, which cannot be, the lower label stays.
                if size < smallest[node] {
                    (smallest[node], values[node]) = (size, labels[label as usize]);
                }
            }
        }
    }
}
