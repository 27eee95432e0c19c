//! Decoders of pixel streams: the bytes of one image in, its samples out, little-endian and side by side. What a file's header says of
//! the image is the caller's affair: nothing here knows an attribute of DICOM or the path of a file.

pub(super) mod codestream;
pub(super) mod jpeg;
pub(super) mod jpegls;
pub(super) mod registry;
pub(super) mod rle;

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs other people's decoder; none if it refuses or panics, which both mean that the image is damaged.
pub(in crate::io) fn guarded<T>(decode: impl FnOnce() -> Option<T>) -> Option<T> {
    // Nothing that the decoder touched is used after a panic.
    catch_unwind(AssertUnwindSafe(decode)).ok().flatten()
}
