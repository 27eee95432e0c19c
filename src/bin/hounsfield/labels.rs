//! A label that was asked for and is not there: which ones are.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use hounsfield::Result;
use hounsfield::findings::words::number;
use hounsfield::io::Source;
use hounsfield::pipelines::{Input, Mask, Run, gather};
use hounsfield::volume::Block;

/// More labels than these are not listed.
const SHOWN: usize = 12;

/// What the files behind a mask hold instead, if it selects no voxel by this label.
pub fn missing(mask: &Mask, label: f64, files: &[Arc<dyn Source>], run: &Run<'_>) -> Result<Option<String>> {
    let any = AtomicBool::new(false);
    let look = |_: u64, block: Block<'_>| {
        if block.bytes.iter().any(|selected| *selected != 0) {
            any.store(true, Ordering::Relaxed);
        }
    };
    gather(&Input::of(mask.clone().into_source()).observed(Some(&look)), run)?;
    if any.into_inner() {
        return Ok(None);
    }
    let mut all = BTreeSet::new();
    for file in files {
        all.extend(labels(file, run)?);
    }
    let mut values: Vec<f64> = all.into_iter().map(f64::from_bits).filter(|value| *value != label).collect();
    values.sort_by(f64::total_cmp);
    let mut listed: Vec<String> = values.iter().take(SHOWN).map(|value| number(*value)).collect();
    if values.len() > SHOWN {
        listed.push(format!("... and {} more", values.len() - SHOWN));
    }
    Ok(Some(format!("there are {}", listed.join(", "))))
}

/// The values of a file as bits: at most some hundreds, for what holds more is no label map.
fn labels(file: &Arc<dyn Source>, run: &Run<'_>) -> Result<BTreeSet<u64>> {
    const MOST: usize = 300;
    let header = file.header();
    let (dtype, rescale) = (header.meaning.dtype, header.meaning.rescale.uniform());
    let all = Mutex::new(BTreeSet::new());
    let look = |_: u64, block: Block<'_>| {
        let mut own = BTreeSet::new();
        for voxel in block.bytes.chunks_exact(dtype.bytes()) {
            let stored = dtype.decode(voxel);
            let real = rescale.map_or(stored, |r| r.real(stored));
            if own.len() < MOST && !real.is_nan() {
                own.insert((real + 0.0).to_bits());
            }
        }
        let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < MOST {
            all.extend(own);
        }
    };
    gather(&Input::of(file.clone()).observed(Some(&look)), &run.quiet())?;
    Ok(all.into_inner().unwrap_or_else(PoisonError::into_inner))
}
