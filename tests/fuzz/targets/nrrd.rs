//! NRRD with its voxels behind the header or in files beside it.
#![no_main]

use hounsfield_fuzz::{beside, one};

libfuzzer_sys::fuzz_target!(|data: &[u8]| one(data, |rest, detached| beside(if detached { "a.nhdr" } else { "a.nrrd" }, rest)));
