//! PNG as image, mask and labels: palettes and their indices.
#![no_main]

use hounsfield_fuzz::{one, png_sums};

// Sums are made right, or nearly every input would be refused for them.
libfuzzer_sys::fuzz_target!(|data: &[u8]| one(data, |rest, own| vec![(
    "a.png",
    if own { rest.to_vec() } else { png_sums(rest) }
)]));
