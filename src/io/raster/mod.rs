//! PNG, JPEG and TIFF: images, and TIFF files of several pages as volumes.
//!
//! An image, or a page of a TIFF file, is decoded as a whole, and not before it is asked for. Grey of less than 8 bits is spread over 0 … 255, so the two values of a 1-bit mask are 0
//! and 255. Colour becomes grey by a [`Grey`](super::Grey) rule; transparency is left out.

mod decode;
mod exif;
mod indices;
pub(super) mod jpeg;
mod labels;
pub(super) mod png;
#[cfg(test)]
mod tests;
pub(super) mod tiff;
