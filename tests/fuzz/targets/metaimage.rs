//! MetaImage with its voxels behind the header or in files beside it.
#![no_main]

use hounsfield_fuzz::{beside, one};

libfuzzer_sys::fuzz_target!(|data: &[u8]| one(data, |rest, detached| beside(if detached { "a.mhd" } else { "a.mha" }, rest)));
