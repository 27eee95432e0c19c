//! TIFF and BigTIFF: each page is a slice.

mod read;
mod write;

use crate::io::{Format, InFolder, Limits};

/// Volumes, a page for each slice. A page is decoded as a whole, so it keeps the limits of an image.
pub(in crate::io) const FORMAT: Format = Format {
    name: "TIFF",
    read: &[".tif", ".tiff"],
    written: &[".tif", ".tiff"],
    in_folder: InFolder::Slices,
    limits: Limits::VOLUME,
    knows_better: false,
    sniff: |_, start| [b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"].iter().any(|magic| start.starts_with(*magic)),
    open: |path, options| read::open(path, &options.limits(Limits::IMAGE), &options.limits(Limits::VOLUME), options.grey),
    // The type is only fixed with the pixels. What is to be a slice is one page.
    probe: Some(|path, options| {
        let limits = options.limits(Limits::IMAGE);
        Ok(read::open(path, &limits, &limits, options.grey)?.header().clone())
    }),
    create: Some(|target, header, _| write::create(target, header)),
};
