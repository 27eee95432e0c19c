//! NumPy arrays.
#![no_main]

use hounsfield_fuzz::one;

libfuzzer_sys::fuzz_target!(|data: &[u8]| one(data, |rest, _| vec![("a.npy", rest.to_vec())]));
