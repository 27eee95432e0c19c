//! Pages out of TIFF files: which of them are slices, in which order, and what their numbers mean.

use std::path::Path;
use std::sync::{Arc, Mutex};

use super::described::{Described, PageAxis};
use super::directory::{Directory, TiffFile, chain};
use super::page::{Taken, TiffPage};
use super::pixel::{Hue, PixelKind};
use super::source::PageSource;
use super::{damaged, description, place, roles, tags};
use crate::io::{Limits, OpenOptions, Role, Source};
use crate::volume::{Header, Rescales, Shape};
use crate::{Error, Hint, Result};

/// What to do with a file whose pages are no volume.
const SPLIT: &str = "split the file into volumes of one size and type";

/// A page for each slice, and how many bytes behind where the page says its pixels lie.
type Pages = Vec<(Arc<TiffPage>, u64)>;

/// Opens a file. Every page is looked at, none is decoded before it is asked for.
pub(super) fn open(path: &Path, options: &OpenOptions) -> Result<Box<dyn Source>> {
    let (file, first) = TiffFile::open(path)?;
    let (header, pages, taken) = volume(&chain(&file, first)?, options)?;
    options.limits(Limits::VOLUME).check_volume(path, &header)?;
    Ok(Box::new(PageSource { header, file, pages, taken, kept: Mutex::default() }))
}

/// The volume that is asked for: its header, its pages, and what of their pixels it takes.
fn volume(directories: &[Directory<'_>], options: &OpenOptions) -> Result<(Header, Pages, Taken)> {
    let all = description::read(&directories[0], directories.len() as u64)?;
    let placed = all.iter().any(|described| described.planes.is_some());
    let (images, mut notes) = if placed { ((0..directories.len()).collect(), Vec::new()) } else { roles::images(directories)? };
    // A description is that of the page that it is in.
    let all = if all.is_empty() || images[0] != 0 { vec![Described::default()] } else { all };
    let choice = Choice::new(&all, directories, images[0], options.series)?;
    notes.extend(choice.note());
    let mut described = all.into_iter().nth(choice.image).unwrap_or_default();
    let pages = pages(directories, &images, &mut described, options)?;
    notes.append(&mut described.notes);
    let (slices, times) = (described.along(PageAxis::Slice), described.along(PageAxis::Time));
    let mut ordered = Vec::new();
    for time in 0..times {
        for slice in 0..slices {
            let plane = described.plane(slice, time, choice.channel);
            let page = usize::try_from(plane).ok().and_then(|plane| pages.get(plane));
            ordered.push(page.cloned().ok_or_else(|| damaged(&directories[0].file.path, "a volume without all its pages"))?);
        }
    }
    let Some((lead, _)) = ordered.first().cloned() else {
        return Err(damaged(&directories[0].file.path, "a volume without a page"));
    };
    // Of labels the numbers count, whatever their colours.
    described.indexed |= options.role != Role::Image;
    let taken = Taken { channel: choice.sample, indexed: described.indexed };
    let first = described.planes.as_ref().map_or(images[0], |planes| planes[0] as usize);
    let mut header = header(&directories[first], &lead, &described, [slices, times])?;
    header.origin.colour = match lead.kind.hue {
        Hue::Rgb => Some(options.grey.of("RGB")),
        Hue::Ycbcr => Some(options.grey.of("YCbCr")),
        Hue::Palette if !described.indexed => Some(options.grey.of("palette colour")),
        _ => None,
    };
    header.origin.notes.splice(0..0, notes);
    Ok((header, ordered, taken))
}

/// Which of several volumes of a file is meant: images of OME-TIFF, channels of pages, channels of pixels.
struct Choice {
    /// What is chosen, from 1, and of how many.
    number: u64,
    of: u64,
    image: usize,
    channel: u64,
    sample: usize,
    images: usize,
}

impl Choice {
    fn new(all: &[Described], directories: &[Directory<'_>], first: usize, asked: Option<u32>) -> Result<Self> {
        let number = u64::from(asked.unwrap_or(1));
        let (mut of, mut chosen) = (0u64, None);
        for (image, described) in all.iter().enumerate() {
            let page = described.planes.as_ref().map_or(first, |planes| planes[0] as usize);
            // What cannot be read is told when it is asked for.
            let samples = PixelKind::read(&directories[page]).map_or(1, |kind| kind.channels()) as u64;
            let channels = described.along(PageAxis::Channel);
            let before = of;
            of = channels.checked_mul(samples).and_then(|n| n.checked_add(of)).unwrap_or(u64::MAX);
            if (before + 1..=of).contains(&number) {
                let within = number - before - 1;
                chosen = Some((image, within / samples, (within % samples) as usize));
            }
        }
        let Some((image, channel, sample)) = chosen else {
            let what = format!("there is no channel {number}: {} holds {of}", directories[0].file.path.display());
            return Err(Error::usage(what, Hint::ChooseSeries));
        };
        Ok(Self { number, of, image, channel, sample, images: all.len() })
    }

    fn note(&self) -> Option<String> {
        let what = if self.images > 1 { "volume" } else { "channel" };
        (self.of > 1)
            .then(|| format!("{what} {} of {}: another one is chosen by its number, as a series is", self.number, self.of))
    }
}

/// The pages of a volume, one for each plane; where the description does not fit them it is changed.
fn pages(directories: &[Directory<'_>], images: &[usize], described: &mut Described, options: &OpenOptions) -> Result<Pages> {
    let path = directories[0].file.path.as_path();
    let there = images.len() as u64;
    let told = described.count().unwrap_or(u64::MAX);
    let limits = options.limits(Limits::IMAGE);
    let read = |i: usize| TiffPage::read(&directories[i], &limits, options.grey);
    let places: Vec<usize> = match &described.planes {
        Some(planes) => planes.iter().map(|page| *page as usize).collect(),
        None if told <= 1 => {
            described.axes = vec![(PageAxis::Slice, there)];
            images.to_vec()
        }
        None if told > there => {
            let lead = read(images[0])?;
            return match behind_each_other(directories, &lead, told) {
                Some(bytes) if described.in_one_piece && there == 1 => {
                    let lead = Arc::new(lead);
                    Ok((0..told).map(|i| (lead.clone(), i * bytes)).collect())
                }
                _ => {
                    let what = format!("the description tells of {told} images, the file holds {there}");
                    Err(Error::unsupported(path, what, "save it again as an image sequence or as NIfTI"))
                }
            };
        }
        None => {
            if told < there {
                described.notes.push(format!("the description tells of {told} images: {} pages more are left out", there - told));
            }
            images.iter().copied().take(told as usize).collect()
        }
    };
    let lead = read(places[0])?;
    let (size, kind) = ([lead.width, lead.height], lead.kind);
    let mut pages = vec![(Arc::new(lead), 0)];
    for i in &places[1..] {
        let page = read(*i)?;
        if [page.width, page.height] != size || page.kind != kind {
            let what = format!(
                "page {} is {} x {}, {}; the first is {} x {}, {kind}",
                i + 1,
                page.width,
                page.height,
                page.kind,
                size[0],
                size[1]
            );
            return Err(Error::unsupported(path, what, SPLIT));
        }
        pages.push((Arc::new(page), 0));
    }
    Ok(pages)
}

/// Bytes from image to image where `told` of them lie behind each other in a file of one page, as ImageJ writes what is too large for offsets of
/// 32 bits: none if there is no room for them, or anything else among them.
fn behind_each_other(directories: &[Directory<'_>], lead: &TiffPage, told: u64) -> Option<u64> {
    let [begin, bytes] = lead.piece()?;
    let end = bytes.checked_mul(told)?.checked_add(begin)?;
    let free = end <= directories[0].file.length && !directories[0].lies_in(begin..end);
    free.then_some(bytes)
}

/// The header of a volume of so many slices and times, of which this is the first page.
fn header(directory: &Directory<'_>, lead: &TiffPage, described: &Described, [slices, times]: [u64; 2]) -> Result<Header> {
    let path = directory.file.path.as_path();
    let axes = [lead.width, lead.height, slices, times];
    let used = if times > 1 {
        4
    } else if slices > 1 {
        3
    } else {
        2
    };
    let shape = Shape::new(&axes[..used]).ok_or_else(|| damaged(path, "more pixels than can be counted"))?;
    let kind = lead.kind;
    let mut header = Header::new(shape, kind.dtype(described.indexed));
    let (geometry, said) = place::geometry(directory, described, slices);
    header.grid.geometry = geometry;
    header.grid.time_step_s = described.time_step_s.filter(|_| times > 1);
    header.meaning.rescale = Rescales::Uniform(described.rescale);
    header.meaning.unit = described.unit;
    header.display.inverted = kind.inverted;
    header.origin.format = "TIFF".into();
    header.origin.files = 1;
    header.origin.bits_stored = (kind.bits > 8 && kind.bits < 16).then_some(kind.bits as u16);
    let notes = &mut header.origin.notes;
    notes.extend(said);
    notes.extend(of_pixels(&kind, described.indexed));
    if kind.inverted {
        notes.push("low values are bright in this file (MinIsWhite): values are as stored".into());
    }
    if let Some(turned @ 2..=8) = directory.number(tags::ORIENTATION)? {
        notes.push(format!("the file asks to be shown turned (orientation {turned}): pixels are as stored"));
    }
    Ok(header)
}

/// What became of pixels that are no plain grey.
fn of_pixels(kind: &PixelKind, indexed: bool) -> Option<String> {
    let left_out = match kind.hue {
        _ if kind.alpha => ", transparency left out".to_owned(),
        Hue::Rgb | Hue::Ycbcr if kind.samples > 3 => format!(", {} more numbers of each pixel left out", kind.samples - 3),
        _ => String::new(),
    };
    match kind.hue {
        Hue::Rgb | Hue::Ycbcr => Some(format!("colour was turned to grey{left_out}")),
        Hue::Palette if indexed => Some("the colour table is for display: values are the numbers of its colours".into()),
        Hue::Palette => {
            Some("the colours of the palette were turned to grey: numbers of colours, such as labels, are lost".into())
        }
        Hue::Grey if kind.alpha => Some("transparency was left out".into()),
        Hue::Grey if kind.spread() > 1 && kind.bits > 1 && !indexed => {
            Some(format!("grey of {} bits is spread over 0 to 255: values are {} times those stored", kind.bits, kind.spread()))
        }
        Hue::Grey | Hue::Mask => None,
    }
}
