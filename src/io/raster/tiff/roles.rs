//! Which pages are images: not their reduced copies, not their masks.

use super::directory::Directory;
use super::{lacking, page, tags};
use crate::{Error, Result};

/// What a page is to the others (NewSubfileType, and SubfileType before it).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PageRole {
    Image,
    Reduced,
    Mask,
}

fn role(directory: &Directory<'_>) -> Result<PageRole> {
    const MASK: u64 = 4;
    let flags = directory.number(tags::NEW_SUBFILE_TYPE)?.unwrap_or(0);
    let older = directory.number(tags::SUBFILE_TYPE)?.unwrap_or(0);
    Ok(if flags & 4 != 0 || directory.number(tags::PHOTOMETRIC)? == Some(MASK) {
        PageRole::Mask
    } else if flags & 1 != 0 || older == 2 {
        PageRole::Reduced
    } else {
        PageRole::Image
    })
}

/// The pages that are slices, and what is said of the others.
pub(super) fn images(directories: &[Directory<'_>]) -> Result<(Vec<usize>, Vec<String>)> {
    let roles = directories.iter().map(role).collect::<Result<Vec<_>>>()?;
    let of = |role| (0..roles.len()).filter(|i| roles[*i] == role).collect::<Vec<_>>();
    let (images, reduced, masks) = (of(PageRole::Image), of(PageRole::Reduced), of(PageRole::Mask));
    let mut notes = Vec::new();
    if images.is_empty() {
        if directories.iter().any(|d| d.has(tags::SUB_DIRECTORIES)) {
            return Err(lacking(&directories[0].file.path, "a file whose image lies below that of its thumbnail (SubIFDs)"));
        }
        let (some, what) = if reduced.is_empty() { (masks, "masks") } else { (reduced, "reduced copies") };
        notes.push(format!("the file calls its pages {what}"));
        return largest(directories, some, notes);
    }
    if !reduced.is_empty() {
        notes.push(format!("{} left out: reduced copies of the image", pages(reduced.len())));
    }
    if !masks.is_empty() {
        notes.push(format!("{} left out: masks", pages(masks.len())));
    }
    let below: u64 = images.iter().map(|i| directories[*i].count(tags::SUB_DIRECTORIES)).sum();
    if below > 0 {
        notes.push(format!("{} below the pages left out (SubIFDs: smaller copies, as a rule)", pages(below as usize)));
    }
    largest(directories, images, notes)
}

/// Of pages of several sizes the one that is larger than all others, which are taken for copies.
fn largest(directories: &[Directory<'_>], images: Vec<usize>, mut notes: Vec<String>) -> Result<(Vec<usize>, Vec<String>)> {
    let sizes = images.iter().map(|i| page::size(&directories[*i])).collect::<Result<Vec<_>>>()?;
    let first = sizes[0];
    let Some(other) = sizes.iter().position(|size| *size != first) else { return Ok((images, notes)) };
    let most = sizes.iter().copied().max_by_key(|[w, h]| w * h).unwrap_or(first);
    let others = sizes.iter().filter(|[w, h]| *w < most[0] && *h < most[1]).count();
    if let (true, Some(i)) = (others + 1 == sizes.len(), sizes.iter().position(|size| *size == most)) {
        notes.push(format!("{} left out: smaller than the largest, {} x {}", pages(others), most[0], most[1]));
        return Ok((vec![images[i]], notes));
    }
    let [[w, h], [first_w, first_h]] = [sizes[other], first];
    let what = format!("page {} has {w} x {h} pixels, the first {first_w} x {first_h}", images[other] + 1);
    Err(Error::unsupported(&directories[0].file.path, what, "split the file into volumes of one size and type"))
}

fn pages(n: usize) -> String {
    if n == 1 { "1 page is".into() } else { format!("{n} pages are") }
}
