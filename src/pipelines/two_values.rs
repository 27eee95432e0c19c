//! What a mask is made of: two stored values, looked for in one pass.

use std::sync::Mutex;

use super::ways::blocks::Blocks;
use super::{Input, Run};
use crate::volume::keys;
use crate::{Error, Result};

/// The two stored values of a volume as bits, the less one first; of a constant the same one twice. `step` names what asks for them.
///
/// # Errors
/// [`Error::Usage`] if there are more, or one is NaN; what reading gives; [`Error::Interrupted`].
pub(super) fn two_values(input: &Input<'_>, step: &str, run: &Run<'_>) -> Result<[u64; 2]> {
    let dtype = input.header().meaning.dtype;
    let wrong = |what: &str| {
        let what = format!("step {step:?}: {what}: a ball that goes further than 10 voxels takes a mask, which has two values");
        Error::usage(what, "make a mask before it, such as by otsu or threshold:V, or give a reach of at most 10 voxels")
    };
    let found = Mutex::new([None; 2]);
    Blocks::of(input, run).each(
        || [None; 2],
        |own: &mut [Option<u64>; 2], part| {
            let bytes = part.blocks[0].bytes;
            let all = match dtype.bytes() {
                1 => see::<1>(bytes, own),
                2 => see::<2>(bytes, own),
                4 => see::<4>(bytes, own),
                _ => see::<8>(bytes, own),
            };
            let mut found = found.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if !all || !own.iter().flatten().all(|value| add(*value, &mut found)) {
                return Err(wrong("the voxels have more than two values"));
            }
            Ok(())
        },
    )?;
    let found = found.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let keys = found.map(|bits: Option<u64>| bits.map(|bits| keys::key(dtype, bits)));
    let (first, last) = keys::numbers(dtype);
    if keys.iter().flatten().any(|key| !(first..=last).contains(key)) {
        return Err(wrong("some voxels are NaN"));
    }
    let one = keys[0].unwrap_or_default();
    let other = keys[1].unwrap_or(one);
    Ok([one.min(other), one.max(other)].map(|key| keys::stored(dtype, key)))
}

/// Adds what occurs to the values that are known; false if there are more than two.
fn see<const BYTES: usize>(bytes: &[u8], known: &mut [Option<u64>; 2]) -> bool {
    let values: &[[u8; BYTES]] = bytes.as_chunks().0;
    let wide = |value: [u8; BYTES]| {
        let mut bits = [0; 8];
        bits[..BYTES].copy_from_slice(&value);
        u64::from_le_bytes(bits)
    };
    // Runs of the two that are known are most of a mask.
    let mut rest = values;
    while let Some(first) = rest.first() {
        if !add(wide(*first), known) {
            return false;
        }
        let pair = known.map(|value| value.unwrap_or(wide(*first)).to_le_bytes());
        let [a, b]: [[u8; BYTES]; 2] = pair.map(|bytes| std::array::from_fn(|i| bytes[i]));
        let new = rest.iter().position(|value| *value != a && *value != b);
        rest = &rest[new.unwrap_or(rest.len())..];
    }
    true
}

fn add(value: u64, known: &mut [Option<u64>; 2]) -> bool {
    match known {
        [Some(a), _] if *a == value => true,
        [_, Some(b)] if *b == value => true,
        [Some(_), Some(_)] => false,
        [Some(_), free] | [free, _] => {
            *free = Some(value);
            true
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::pipelines::Device;
    use crate::volume::{Dtype, Header, Shape, Volume};

    fn of(dtype: Dtype, values: &[f64]) -> std::result::Result<[f64; 2], String> {
        let mut bytes = vec![0; values.len() * dtype.bytes()];
        bytes.chunks_exact_mut(dtype.bytes()).zip(values).for_each(|(to, value)| dtype.encode(*value, to));
        let header = Header::new(Shape::new(&[values.len() as u64]).unwrap(), dtype);
        let input = Input::of(Arc::new(Volume::new(header, bytes).unwrap()));
        let device = Device::cpu();
        let found = two_values(&input, "erode:20mm:ball", &Run::silent(&device)).map_err(|e| e.to_string())?;
        Ok(found.map(|bits| dtype.decode(&bits.to_le_bytes()[..dtype.bytes()])))
    }

    #[test]
    fn masks_have_two_values_of_any_type() {
        for dtype in
            [Dtype::U8, Dtype::I8, Dtype::U16, Dtype::I16, Dtype::U32, Dtype::I32, Dtype::U64, Dtype::I64, Dtype::F32, Dtype::F64]
        {
            assert_eq!(of(dtype, &[0.0, 0.0, 1.0, 0.0]), Ok([0.0, 1.0]), "{dtype}");
            assert_eq!(of(dtype, &[100.0, 3.0, 3.0]), Ok([3.0, 100.0]), "{dtype}");
            assert_eq!(of(dtype, &[7.0; 5]), Ok([7.0; 2]), "{dtype}");
            assert!(of(dtype, &[0.0, 1.0, 1.0, 2.0, 0.0]).is_err_and(|e| e.contains("more than two values")), "{dtype}");
        }
        assert_eq!(of(Dtype::I16, &[2.0, -5.0]), Ok([-5.0, 2.0]));
        assert_eq!(of(Dtype::F32, &[2.5, -0.25]), Ok([-0.25, 2.5]));
        assert!(of(Dtype::F32, &[2.5, f64::NAN]).is_err_and(|e| e.contains("NaN")));
    }
}
