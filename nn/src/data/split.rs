//! A part of the data set aside, each class by the same share, no patient on both sides.

use std::collections::BTreeMap;

use hounsfield::{Error, Result};
use regex::Regex;

use super::ImageSet;
use crate::random::Random;

/// What belongs together and is never parted.
#[derive(Debug, Clone)]
pub enum Groups {
    /// Nothing but what a table says.
    AsListed,
    /// What a pattern finds in the name of the file: its first group in brackets, or all that it matches.
    InName(Regex),
}

impl Groups {
    /// Names the group of each image.
    ///
    /// # Errors
    /// [`Error::Usage`] with the first name that the pattern does not match.
    pub fn name(&self, set: &mut ImageSet) -> Result<()> {
        let Self::InName(pattern) = self else { return Ok(()) };
        for sample in &mut set.samples {
            let file = sample.name.rsplit(['/', '\\']).next().unwrap_or(&sample.name);
            let found = pattern.captures(file).and_then(|found| found.get(1).or(found.get(0)));
            let Some(found) = found else {
                return Err(Error::usage(
                    format!("--group-by finds nothing in {file:?}"),
                    "give a pattern that matches every name",
                ));
            };
            sample.group = Some(found.as_str().to_owned());
        }
        Ok(())
    }
}

/// Sets about `share` of the images aside, at random by `seed`. Whole groups go; an image without a group is one of its own. Identical images stay together, too.
///
/// # Errors
/// [`Error::Usage`] if a class would be missing from either side.
pub fn split(set: ImageSet, share: f64, seed: u64) -> Result<(ImageSet, ImageSet)> {
    let ImageSet { classes, samples } = set;
    let mut all: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (i, sample) in samples.iter().enumerate() {
        let own = || format!("hash {}", super::hex(&sample.hash));
        all.entry(sample.group.clone().map_or_else(own, |group| format!("group {group}"))).or_default().push(i);
    }
    let mut groups: Vec<Vec<usize>> = all.into_values().collect();
    Random::new(seed, "split", 0).shuffle(&mut groups);
    let mut wanted = vec![0.0; classes.len()];
    samples.iter().filter_map(|sample| sample.class).for_each(|class| wanted[class] += share);
    let mut held = vec![0.0; classes.len()];
    let mut aside = vec![false; samples.len()];
    for group in groups {
        // By the class that most of its images have; ties go to the lower one.
        let mut counts = vec![0_usize; classes.len()];
        group.iter().filter_map(|&i| samples[i].class).for_each(|class| counts[class] += 1);
        let class = (0..counts.len()).max_by_key(|&class| (counts[class], usize::MAX - class)).unwrap_or(0);
        // A group goes where it takes its class nearer to what is wanted.
        if held[class] + counts[class] as f64 / 2.0 <= wanted[class] {
            held.iter_mut().zip(&counts).for_each(|(held, count)| *held += *count as f64);
            group.into_iter().for_each(|i| aside[i] = true);
        }
    }
    let side = |wanted: bool| ImageSet {
        classes: classes.clone(),
        samples: samples.iter().zip(&aside).filter(|(_, aside)| **aside == wanted).map(|(s, _)| s.clone()).collect(),
    };
    let (train, val) = (side(false), side(true));
    for (name, part) in [("learn from", &train), ("validate by", &val)] {
        if let Some(class) = part.counts().iter().position(|n| *n == 0) {
            let what = format!("no image of class {:?} is left to {name}", classes[class]);
            return Err(Error::usage(what, "change --val-fraction, or give a validation part with --val"));
        }
    }
    Ok((train, val))
}

#[cfg(test)]
mod tests {
    use super::super::Sample;
    use super::*;

    fn set(images: &[(&str, usize)]) -> ImageSet {
        let sample = |(i, (name, class)): (usize, &(&str, usize))| Sample {
            name: format!("folder/{name}"),
            values: vec![],
            class: Some(*class),
            group: None,
            hash: [i as u8; 32],
        };
        ImageSet { classes: vec!["a".into(), "b".into()], samples: images.iter().enumerate().map(sample).collect() }
    }

    #[test]
    fn groups_are_never_parted_and_classes_keep_their_share() {
        let names: Vec<String> = (0..120).map(|i| format!("person{}_{i}.png", i / 3)).collect();
        let images: Vec<(&str, usize)> =
            names.iter().enumerate().map(|(i, name)| (name.as_str(), usize::from(i >= 90))).collect();
        let mut all = set(&images);
        Groups::InName(Regex::new(r"^(person\d+)_").unwrap()).name(&mut all).unwrap();
        let (train, val) = split(all.clone(), 0.2, 5).unwrap();
        assert_eq!((train.samples.len() + val.samples.len(), val.counts()), (120, vec![18, 6]));
        for sample in &val.samples {
            assert!(train.samples.iter().all(|other| other.group != sample.group));
        }
        assert_eq!(split(all.clone(), 0.2, 5).unwrap(), (train, val.clone()));
        assert_ne!(split(all.clone(), 0.2, 6).unwrap().1, val);
        assert!(split(all.clone(), 0.0, 5).unwrap_err().to_string().contains("to validate by"));
        let error = Groups::InName(Regex::new("^x").unwrap()).name(&mut all).unwrap_err();
        assert!(error.to_string().contains("person0_0.png"));
    }
}
