//! NIfTI-1 and -2, Analyze, pairs, compressed or not.
#![no_main]

use hounsfield_fuzz::{gzip, one};

libfuzzer_sys::fuzz_target!(|data: &[u8]| one(data, |rest, packed| {
    // A pair is told by its header, which does not hold the voxels.
    let pair = matches!(rest.get(344..348), Some(b"ni1\0" | [0, 0, 0, 0])) || matches!(rest.get(4..8), Some(b"ni2\0"));
    let (name, voxels) = if pair { ("a.hdr", "a.img") } else { ("a.nii", "other") };
    vec![(name, if packed { gzip(rest) } else { rest.to_vec() }), (voxels, (0..=255).cycle().take(1 << 12).collect())]
}));
