//! TIFF and BigTIFF: directories, descriptions, and every way in which strips and tiles are packed.
#![no_main]

use hounsfield_fuzz::one;

libfuzzer_sys::fuzz_target!(|data: &[u8]| one(data, |rest, _| vec![("a.tif", rest.to_vec())]));
