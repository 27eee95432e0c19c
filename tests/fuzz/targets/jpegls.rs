//! JPEG-LS, in the least of DICOM files around it, which agrees with what the image says of itself.
#![no_main]

use hounsfield_fuzz::{encapsulated, one};

const JPEG_LS: &str = "1.2.840.10008.1.2.4.81";
const FRAME: [u8; 2] = [0xFF, 0xF7];

libfuzzer_sys::fuzz_target!(|data: &[u8]| one(data, |rest, signed| {
    let frame = rest.windows(10).find(|w| w.starts_with(&FRAME)).unwrap_or(&[0, 0, 0, 0, 8, 0, 1, 0, 1, 1]);
    let word = |at: usize| u16::from_be_bytes([frame[at], frame[at + 1]]);
    vec![("a.dcm", encapsulated(JPEG_LS, [word(5), word(7)], [frame[9].into(), frame[4].into()], signed, rest))]
}));
