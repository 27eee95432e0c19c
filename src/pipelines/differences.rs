//! Whether voxels that are one value as kernels take them are one value in the file, too: nothing is called constant that is not.

use super::ways::blocks::Blocks;
use super::{Input, Run};
use crate::{Error, Result};

/// Voxels that count, as the file has them.
#[derive(Clone, Copy)]
struct Seen {
    /// The bytes of one of them; a zero is +0.
    one: [u8; 8],
    differ: bool,
    min: f64,
    max: f64,
}

impl Seen {
    fn and(self, other: Self) -> Self {
        Self {
            one: self.one,
            differ: self.differ || other.differ || self.one != other.one,
            min: self.min.min(other.min),
            max: self.max.max(other.max),
        }
    }
}

/// The refusal where the voxels in `range` are one value as float32 but not in the file; none where they are one value there, too.
///
/// # Errors
/// What reading gives, or [`Error::Interrupted`].
pub(super) fn hidden(input: &Input<'_>, range: Option<(f64, f64)>, run: &Run<'_>) -> Result<Option<Error>> {
    let Some(census) = input.census().filter(|census| census.rounding.lossy) else { return Ok(None) };
    let stored = input.as_stored().observed(None);
    let header = stored.header();
    let dtype = header.meaning.dtype;
    let Some(rescale) = header.meaning.rescale.uniform() else { return Ok(None) };
    let see = |seen: &mut Option<Seen>, part: super::input::Part<'_>| {
        for (i, bytes) in part.bytes().chunks_exact(dtype.bytes()).enumerate() {
            let value = dtype.decode(bytes);
            let real = rescale.real(value);
            let outside = range.is_some_and(|(low, high)| !(low..=high).contains(&real));
            if !value.is_finite() || outside || part.mask.is_some_and(|mask| mask[i] == 0) {
                continue;
            }
            let mut one = [0; 8];
            if value != 0.0 {
                one[..bytes.len()].copy_from_slice(bytes);
            }
            let own = Seen { one, differ: false, min: real, max: real };
            *seen = Some(seen.map_or(own, |seen| seen.and(own)));
        }
        Ok(())
    };
    let all = Blocks::of(&stored, &run.quiet()).each(|| None, see)?;
    let Some(Seen { differ: true, min, max, .. }) = all.into_iter().flatten().reduce(Seen::and) else { return Ok(None) };
    let beside = if census.max > census.min { " beside the other voxels" } else { "" };
    Ok(Some(Error::usage(
        format!(
            "the voxels that count differ in the file ({dtype}, from {min} to {max}), but by less than float32 can tell{beside}"
        ),
        "subtract a number near them from all voxels first, or write these voxels to a file of their own",
    )))
}
