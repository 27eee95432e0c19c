//! JPEG of every process, as a file of its own: there is no container around it.
#![no_main]

use hounsfield_fuzz::one;

libfuzzer_sys::fuzz_target!(|data: &[u8]| one(data, |rest, _| vec![("a.jpg", rest.to_vec())]));
