//! Kinds of images in one series, which never make one volume: magnitude and phase, or other sizes and orientations.

use std::path::Path;

use super::OpenOptions;
use super::attributes::Image;
use super::axis::FrameIndex;
use super::frames::{ImageFrame, dot};
use super::geometry;
use super::marks::{MARKS, MarkKind, sort_name};
use super::places;
use crate::{Error, Hint, Result};

/// So many are listed.
pub(super) const SHOWN: usize = 20;

/// What was chosen of several kinds.
#[derive(Default)]
pub(super) struct Chosen {
    pub(super) note: Option<String>,
    /// The caller's number counted kinds, so it does not count volumes of one kind.
    pub(super) by_kind: bool,
}

/// The frames of one kind: all of them where there is only one, else those that the caller asks for.
pub(super) fn choose(
    path: &Path,
    images: &[Image],
    all: Vec<FrameIndex>,
    options: &OpenOptions,
) -> Result<(Vec<FrameIndex>, Chosen)> {
    let mut kinds: Vec<(Vec<FrameIndex>, String)> = Vec::new();
    let grids = if options.split {
        parts(&all, |a, b| same_grid(images, *a, *b))
    } else {
        same_layout(path, images)?;
        vec![all]
    };
    let several = grids.len() > 1;
    for grid in grids {
        for (frames, name) in sorts(images, grid) {
            let [columns, rows] = images[frames[0].0].pixels.layout.slice_size();
            let name = if several { format!("{columns} x {rows}, {}", direction(images, &frames[0], &name)) } else { name };
            kinds.push((frames, name));
        }
    }
    if kinds.len() == 1 {
        return Ok((kinds.swap_remove(0).0, Chosen::default()));
    }
    let count = kinds.len() as u64;
    let names = kinds.iter().take(SHOWN).map(|(frames, name)| format!("{name}, {} images", frames.len())).collect();
    match options.volume {
        Some(n) if n >= 1 && u64::from(n) <= count => {
            let (frames, name) = kinds.swap_remove(n as usize - 1);
            let note = Some(format!("kind {n} of {count} in the series: {name}"));
            Ok((frames, Chosen { note, by_kind: true }))
        }
        asked => Err(Error::SeveralVolumes { path: path.into(), kinds: names, count, asked }),
    }
}

/// Slices of different size or type make no volume, trusted or not.
fn same_layout(path: &Path, images: &[Image]) -> Result<()> {
    let layout = |image: &Image| (image.pixels.layout.slice_size(), image.pixels.layout.dtype());
    let ([columns, rows], dtype) = layout(&images[0]);
    match images.iter().map(layout).find(|other| *other != ([columns, rows], dtype)) {
        None => Ok(()),
        Some(([c, r], d)) => Err(Error::format(
            path,
            format!("mixed images in one series: {columns} x {rows} {dtype} and {c} x {r} {d}"),
            Hint::Split,
        )),
    }
}

/// Things that are alike, in the order in which their first ones come.
fn parts<T: Copy>(all: &[T], alike: impl Fn(&T, &T) -> bool) -> Vec<Vec<T>> {
    let mut parts: Vec<Vec<T>> = Vec::new();
    for one in all {
        match parts.iter_mut().find(|part| alike(&part[0], one)) {
            Some(part) => part.push(*one),
            None => parts.push(vec![*one]),
        }
    }
    parts
}

fn same_grid(images: &[Image], a: FrameIndex, b: FrameIndex) -> bool {
    let layout = |s: FrameIndex| &images[s.0].pixels.layout;
    let frame = |s: FrameIndex| &images[s.0].frames[s.1];
    let (f, g) = (frame(a), frame(b));
    layout(a).slice_size() == layout(b).slice_size()
        && layout(a).dtype() == layout(b).dtype()
        && angle(f, g) <= geometry::TURNED_DEG
        && geometry::same_spacing(f.spacing, g.spacing)
}

/// Degrees between the planes of two frames; none has none to any.
fn angle(a: &ImageFrame, b: &ImageFrame) -> f64 {
    match (a.orientation, b.orientation) {
        (Some([x, y]), Some([u, v])) => dot(x, u).min(dot(y, v)).clamp(-1.0, 1.0).acos().to_degrees(),
        (None, None) => 0.0,
        _ => f64::INFINITY,
    }
}

/// Frames by what their values are, where several sorts lie at one place.
fn sorts(images: &[Image], all: Vec<FrameIndex>) -> Vec<(Vec<FrameIndex>, String)> {
    let sort = |s: &FrameIndex| -> Vec<u64> {
        let marks = &images[s.0].frames[s.1].marks;
        MARKS
            .iter()
            .zip(marks)
            .filter(|(mark, _)| mark.kind == MarkKind::Sort)
            .map(|(_, v)| v.unwrap_or(-1.0).to_bits())
            .collect()
    };
    let first = sort(&all[0]);
    if all.iter().all(|s| sort(s) == first) || !share_places(images, &all, sort) {
        return vec![(all, String::new())];
    }
    let name = |s: &FrameIndex| {
        let marks = &images[s.0].frames[s.1].marks;
        let varied = |m: usize| all.iter().any(|t| images[t.0].frames[t.1].marks[m] != marks[m]);
        let named = MARKS.iter().enumerate().filter(|(m, mark)| mark.kind == MarkKind::Sort && varied(*m));
        named.map(|(m, mark)| marks[m].map_or("other".into(), |v| sort_name(mark, v))).collect::<Vec<_>>().join(", ")
    };
    parts(&all, |a, b| sort(a) == sort(b)).into_iter().map(|frames| (frames.clone(), name(&frames[0]))).collect()
}

/// Whether two images of different sort lie at one place, or nobody knows where they lie.
fn share_places(images: &[Image], all: &[FrameIndex], sort: impl Fn(&FrameIndex) -> Vec<u64>) -> bool {
    let frame = |s: &FrameIndex| &images[s.0].frames[s.1];
    let Some(normal) = geometry::normal(frame(&all[0])) else { return true };
    let mut placed: Vec<(f64, &FrameIndex)> =
        all.iter().filter_map(|s| Some((geometry::distance(frame(s), normal)?, s))).collect();
    if placed.len() < all.len() {
        return true;
    }
    placed.sort_by(|a, b| a.0.total_cmp(&b.0));
    let distances: Vec<f64> = placed.iter().map(|(d, _)| *d).collect();
    let mut rest = placed.as_slice();
    places::runs(&distances).into_iter().any(|run| {
        let (place, later) = rest.split_at(run);
        rest = later;
        place.iter().any(|(_, s)| sort(s) != sort(place[0].1))
    })
}

/// The plane of images, and what else is known of them.
fn direction(images: &[Image], slice: &FrameIndex, name: &str) -> String {
    let normal = geometry::normal(&images[slice.0].frames[slice.1]);
    let plane = normal.map(|n| {
        let [x, y, z] = n.map(f64::abs);
        if z >= x && z >= y {
            "axial"
        } else if y >= x {
            "coronal"
        } else {
            "sagittal"
        }
    });
    [plane.unwrap_or("no orientation"), name].into_iter().filter(|w| !w.is_empty()).collect::<Vec<_>>().join(", ")
}
