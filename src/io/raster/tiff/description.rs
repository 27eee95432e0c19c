//! The description in a page, which says what pages are to each other: whose words they are.

use super::described::{Described, PageAxis};
use super::directory::Directory;
use super::{imagej, ome, page, shaped, tags};
use crate::Result;

/// The longest description that is looked at: OME-XML has some hundred bytes for each plane.
const LONGEST: u64 = 64 << 20;

/// What the description of a page says: of one volume, of several in OME-TIFF, of none if it is no description that is known. The file has so many
/// pages.
pub(super) fn read(directory: &Directory<'_>, pages: u64) -> Result<Vec<Described>> {
    let Some(bytes) = directory.text(tags::DESCRIPTION, LONGEST) else { return Ok(Vec::new()) };
    let text = String::from_utf8_lossy(&bytes);
    let text = text.trim_end_matches('\0');
    let [width, height] = page::size(directory)?;
    let samples = directory.number(tags::SAMPLES)?.unwrap_or(1);
    let mut all = if text.starts_with("ImageJ") {
        vec![imagej::read(text, directory)]
    } else if ome::is_ome(text) {
        ome::read(text, &directory.file.path, pages)?
    } else {
        shaped::read(text, [height, width, samples]).into_iter().collect()
    };
    // Channels that lie side by side in a pixel are no pages.
    if samples > 1 {
        for described in &mut all {
            let of_pixels = described.along(PageAxis::Channel) == samples && described.planes.is_none();
            described.axes.retain(|(axis, _)| *axis != PageAxis::Channel || !of_pixels);
        }
    }
    Ok(all)
}
