//! Objects of two label maps, matched.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::{LabelMaps, LabelOverlaps};
use crate::analysis::instances::InstanceMatch;
use crate::io::Source;
use crate::ops::components::{self, ComponentFacts, Connectivity, Rules};
use crate::pipelines::Run;
use crate::pipelines::hold::read_all;
use crate::volume::Dtype;
use crate::{Error, Hint, Result};

/// Objects by label, matched.
pub type InstanceCounts = BTreeMap<u32, InstanceMatch>;

/// The connected parts of each label of both maps, matched by intersection over union above a threshold.
///
/// # Errors
/// [`Error::Usage`] for several volumes, maps that do not fit the memory of the run, and too many parts; what reading gives.
pub fn instances(
    maps: &LabelMaps,
    overlaps: &LabelOverlaps,
    (connectivity, threshold): (Connectivity, f64),
    run: &Run<'_>,
) -> Result<InstanceCounts> {
    let shape = &maps.header().grid.shape;
    if shape.volumes() > 1 {
        return Err(Error::usage(format!("objects of {} volumes at once", shape.volumes()), Hint::ChooseVolume));
    }
    // Numbers of both, and the maps themselves.
    let bytes = shape.voxels() * 12;
    if bytes > run.memory_bytes {
        return Err(Error::usage(
            format!("objects of two maps of {shape} voxels take {} MiB", bytes.div_ceil(1 << 20)),
            Hint::MoreMemory,
        ));
    }
    let parts = |map: &Arc<dyn Source>| objects(map, connectivity, run);
    let [judged, reference] = maps.both();
    let ((found, found_facts), (truth, truth_facts)) = (parts(judged)?, parts(reference)?);
    run.stop()?;

    let mut pairs: HashMap<(u32, u32), u64> = HashMap::new();
    let mut at = 0;
    while at < found.len() {
        let pair = (found[at], truth[at]);
        let next = (at + 1..found.len()).find(|i| (found[*i], truth[*i]) != pair).unwrap_or(found.len());
        if pair.0 != 0 && pair.1 != 0 {
            *pairs.entry(pair).or_default() += (next - at) as u64;
        }
        at = next;
    }
    Ok(overlaps
        .pairs
        .labels()
        .into_iter()
        .map(|label| (label, matched(label, [&found_facts, &truth_facts], &pairs, threshold)))
        .collect())
}

/// The number of the object of each voxel, from 1, and what is known of each.
fn objects(map: &Arc<dyn Source>, connectivity: Connectivity, run: &Run<'_>) -> Result<(Vec<u32>, Vec<ComponentFacts>)> {
    let shape = map.header().grid.shape.xyz().map(|n| n as usize);
    let read;
    let bytes = match map.in_memory() {
        Some(bytes) => bytes,
        None => {
            read = read_all(map.clone(), &run.quiet())?;
            read.bytes()
        }
    };
    let mut out = vec![0; shape.iter().product()];
    let rules = Rules::labels(connectivity);
    let numbered = match map.header().meaning.dtype {
        Dtype::U8 => components::label(bytes, shape, rules, &mut out),
        _ => {
            let wide: Vec<u16> = bytes.as_chunks().0.iter().map(|v| u16::from_le_bytes(*v)).collect();
            components::label(&wide, shape, rules, &mut out)
        }
    };
    let numbered = numbered.map_err(|e| Error::usage(e.to_string(), "smooth the map first"))?;
    Ok((out, numbered.table().to_vec()))
}

fn matched(label: u32, facts: [&[ComponentFacts]; 2], pairs: &HashMap<(u32, u32), u64>, threshold: f64) -> InstanceMatch {
    // The numbers of this label's objects, and their places among them.
    let own = facts.map(|facts| (1u32..).zip(facts).filter(|(_, fact)| fact.value == label).collect::<Vec<_>>());
    let places =
        own.each_ref().map(|own| own.iter().zip(0usize..).map(|((number, _), i)| (*number, i)).collect::<HashMap<_, _>>());
    let overlaps = pairs.iter().filter_map(|((f, t), both)| Some(((*places[0].get(f)?, *places[1].get(t)?), *both))).collect();
    let [found, truth] = own.map(|own| own.into_iter().map(|(_, fact)| fact.voxels).collect::<Vec<_>>());
    InstanceMatch::new(&found, &truth, &overlaps, threshold)
}
