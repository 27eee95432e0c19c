//! JPEG.

use image::ImageFormat;

use super::decode;
use crate::io::{Format, InFolder, Limits};

/// One image; only read, for JPEG loses what medicine needs.
pub(in crate::io) const FORMAT: Format = Format {
    name: "JPEG",
    read: &[".jpg", ".jpeg"],
    written: &[],
    in_folder: InFolder::Slices,
    limits: Limits::IMAGE,
    knows_better: false,
    sniff: |_, start| start.starts_with(&[0xff, 0xd8, 0xff]),
    open: |path, options| decode::open(path, ImageFormat::Jpeg, options),
    probe: Some(|path, options| decode::header(path, ImageFormat::Jpeg, options)),
    create: None,
};
