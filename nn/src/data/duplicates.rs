//! The same pixels in two parts of the data: what was learnt by heart would be taken for understood.

use std::collections::HashSet;

use hounsfield::{Error, Result};

use super::ImageSet;

/// What becomes of images to learn from whose pixels are also in the validation part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duplicates {
    /// They are refused.
    Refuse,
    /// They go, from the part to learn from.
    Drop,
}

/// Finds images of `train` that are also in `val`, pixel by pixel, and drops them where that is allowed. How many there were.
///
/// # Errors
/// [`Error::Usage`] with their number and the first of them, where it is not.
pub fn drop_from(train: &mut ImageSet, val: &ImageSet, duplicates: Duplicates) -> Result<usize> {
    let held: HashSet<[u8; 32]> = val.samples.iter().map(|sample| sample.hash).collect();
    let twice: Vec<&str> = train.samples.iter().filter(|s| held.contains(&s.hash)).map(|s| s.name.as_str()).collect();
    let count = twice.len();
    if let (Some(first), Duplicates::Refuse) = (twice.first(), duplicates) {
        let what = format!("{count} images to learn from are also in the validation part, the first is {first}");
        return Err(Error::usage(what, "drop them from the part to learn from with --drop-duplicates"));
    }
    train.samples.retain(|sample| !held.contains(&sample.hash));
    Ok(count)
}
