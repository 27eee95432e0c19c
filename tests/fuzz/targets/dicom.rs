//! A DICOM file: the walk over its header, numbers, frames, segments, mosaics, tables, run-length frames.
#![no_main]

use hounsfield_fuzz::{one, preamble};

libfuzzer_sys::fuzz_target!(|data: &[u8]| one(data, |rest, _| vec![("a.dcm", preamble(rest))]));
