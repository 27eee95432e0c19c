//! Up to three DICOM files of a series; each begins with the magic word.
#![no_main]

use hounsfield_fuzz::{preamble, together};

const MAGIC: &[u8] = b"DICM";

libfuzzer_sys::fuzz_target!(|data: &[u8]| together(data, |rest, _| {
    let mut begins: Vec<usize> = rest.windows(MAGIC.len()).enumerate().filter(|(_, w)| *w == MAGIC).map(|(at, _)| at).collect();
    begins.truncate(3);
    let ends = begins.iter().skip(1).copied().chain([rest.len()]);
    let parts = begins.iter().zip(ends).map(|(begin, end)| preamble(&rest[*begin..end]));
    ["a", "b", "c"].into_iter().zip(parts).collect()
}));
