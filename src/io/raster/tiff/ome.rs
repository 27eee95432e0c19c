//! OME-TIFF: the XML in the description of the first page (OME model, 2016-06), of which a few attributes are read.
//!
//! The text is scanned tag by tag and not taken for well-formed. What else it holds, names of people among it, is passed by.

use std::collections::BTreeMap;
use std::path::Path;

use super::described::{Described, PageAxis};
use super::{damaged, lacking};
use crate::Result;
use crate::io::length::{millimetres, positive, seconds};

/// Whether a description is OME-XML: the tag may come behind a declaration and comments.
pub(super) fn is_ome(text: &str) -> bool {
    text.trim_start().starts_with('<') && tags(text).next().is_some_and(|tag| tag.name == "OME")
}

/// The images of a file of so many pages, in order.
pub(super) fn read(text: &str, path: &Path, pages: u64) -> Result<Vec<Described>> {
    let mut images: Vec<OmeImage> = Vec::new();
    let mut file_name = None;
    for tag in tags(text) {
        match tag.name {
            "BinaryOnly" => return Err(lacking(path, "an OME-TIFF whose description lies in another file")),
            "Pixels" => images.push(OmeImage::new(&tag).ok_or_else(|| damaged(path, "OME-XML without the sizes of its axes"))?),
            "Channel" => {
                if let (Some(image), Some(samples)) = (images.last_mut(), tag.number("SamplesPerPixel")) {
                    image.samples = samples;
                }
            }
            "TiffData" => {
                let Some(image) = images.last_mut() else { continue };
                image.place(&tag, pages).ok_or_else(|| damaged(path, "OME-XML places planes where there are none"))?;
            }
            // A file that was renamed still names one file.
            "UUID" => match tag.attribute("FileName") {
                Some(name) if *file_name.get_or_insert(name) != name => {
                    return Err(lacking(path, "an OME-TIFF whose planes lie in several files"));
                }
                _ => {}
            },
            _ => {}
        }
    }
    if images.is_empty() {
        return Err(damaged(path, "OME-XML without an image"));
    }
    // Without a word on it planes lie in order, and images behind each other.
    let mut next = 0;
    let described = images.iter().map(|image| image.described(&mut next, pages)).collect::<Option<_>>();
    described.ok_or_else(|| damaged(path, "OME-XML tells of planes that are not in the file"))
}

/// One image of the file: the attributes of its `Pixels`, and where its planes are.
struct OmeImage {
    /// Slices, channels and times, and the letters of their axes, the fastest first.
    sizes: [u64; 3],
    order: String,
    /// Numbers of a pixel, which count as channels of their own.
    samples: u64,
    /// Page of each plane, if it is told.
    pages: BTreeMap<u64, u64>,
    spacing_mm: [Option<f64>; 3],
    time_step_s: Option<f64>,
}

impl OmeImage {
    fn new(tag: &Tag<'_>) -> Option<Self> {
        let size = |name| tag.number(name).filter(|n| *n > 0);
        let order = tag.attribute("DimensionOrder").unwrap_or("XYCZT").strip_prefix("XY")?.to_owned();
        (order.len() == 3 && ["Z", "C", "T"].iter().all(|axis| order.contains(axis))).then_some(())?;
        let unit = |name, usual, known: fn(&str) -> Option<f64>| tag.attribute(name).map_or(Some(usual), known);
        let length = |name, unit_name| {
            let size = tag.attribute(name)?.trim().parse().ok()?;
            positive(size, unit(unit_name, 1e-3, millimetres)?)
        };
        let step = tag.attribute("TimeIncrement").and_then(|v| v.trim().parse().ok());
        Some(Self {
            sizes: [size("SizeZ")?, size("SizeC")?, size("SizeT")?],
            order,
            samples: 1,
            pages: BTreeMap::new(),
            spacing_mm: [
                length("PhysicalSizeX", "PhysicalSizeXUnit"),
                length("PhysicalSizeY", "PhysicalSizeYUnit"),
                length("PhysicalSizeZ", "PhysicalSizeZUnit"),
            ],
            time_step_s: step.zip(unit("TimeIncrementUnit", 1.0, seconds)).and_then(|(step, unit)| positive(step, unit)),
        })
    }

    fn axes(&self) -> Vec<(PageAxis, u64)> {
        let [slices, channels, times] = self.sizes;
        // The numbers of a pixel lie in one page.
        let channels = if self.samples > 1 && channels % self.samples == 0 { channels / self.samples } else { channels };
        let axis = |letter| match letter {
            'Z' => (PageAxis::Slice, slices),
            'C' => (PageAxis::Channel, channels),
            _ => (PageAxis::Time, times),
        };
        self.order.chars().map(axis).collect()
    }

    fn shell(&self) -> Described {
        Described { axes: self.axes(), ..Described::default() }
    }

    /// Where a block of planes lies (`TiffData`); none if that cannot be.
    fn place(&mut self, tag: &Tag<'_>, pages: u64) -> Option<()> {
        let shell = self.shell();
        let count = shell.count().filter(|n| *n <= pages)?;
        let at = |name, axis| Some(tag.number(name).unwrap_or(0)).filter(|n| *n < shell.along(axis));
        let first = shell.plane(at("FirstZ", PageAxis::Slice)?, at("FirstT", PageAxis::Time)?, at("FirstC", PageAxis::Channel)?);
        let page = tag.number("IFD");
        let planes = tag.number("PlaneCount").unwrap_or(if page.is_some() { 1 } else { count - first });
        if planes > count - first {
            return None;
        }
        for i in 0..planes {
            let page = page.unwrap_or(0).checked_add(i).filter(|page| *page < pages)?;
            // A plane lies in one page only.
            if self.pages.insert(first + i, page).is_some() {
                return None;
            }
        }
        Some(())
    }

    /// What is known; none if planes are missing. Planes that are not placed begin at page `next`.
    fn described(&self, next: &mut u64, pages: u64) -> Option<Described> {
        let shell = self.shell();
        let count = shell.count()?;
        let planes: Vec<u64> = if self.pages.is_empty() {
            let begin = *next;
            *next = begin.checked_add(count).filter(|end| *end <= pages)?;
            (begin..*next).collect()
        } else {
            self.pages.values().copied().collect()
        };
        (planes.len() as u64 == count).then_some(Described {
            planes: Some(planes),
            spacing_mm: self.spacing_mm,
            time_step_s: self.time_step_s,
            ..shell
        })
    }
}

/// A tag that opens: its name without a prefix, and its attributes.
struct Tag<'a> {
    name: &'a str,
    rest: &'a str,
}

impl<'a> Tag<'a> {
    fn attribute(&self, name: &str) -> Option<&'a str> {
        let mut rest = self.rest;
        loop {
            let (key, behind) = rest.split_once('=')?;
            let behind = behind.trim_start();
            let quote = behind.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            let (value, behind) = behind[1..].split_once(quote)?;
            if key.trim() == name {
                return Some(value);
            }
            rest = behind;
        }
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.attribute(name)?.trim().parse().ok()
    }
}

/// All tags that open, in order; a text that ends within one ends before it.
fn tags(text: &str) -> impl Iterator<Item = Tag<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let (_, behind) = rest.split_once('<')?;
            let end = if behind.starts_with("!--") {
                behind.find("-->")?
            } else if behind.starts_with("![CDATA[") {
                behind.find("]]>")?
            } else {
                end(behind)?
            };
            let inside = &behind[..end];
            rest = &behind[end..];
            if inside.starts_with(['!', '?', '/']) {
                continue;
            }
            let inside = inside.trim_end_matches('/');
            let (name, rest) = inside.split_once(char::is_whitespace).unwrap_or((inside, ""));
            return Some(Tag { name: name.rsplit(':').next().unwrap_or(name), rest });
        }
    })
}

/// Where a tag ends: at the first `>` that is not within a value.
fn end(tag: &str) -> Option<usize> {
    let mut quote = None;
    tag.char_indices().find_map(|(i, c)| {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(q), c) if q == c => quote = None,
            (None, '>') => return Some(i),
            _ => {}
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str, pages: u64) -> Result<Vec<Described>> {
        assert!(is_ome(text));
        read(text, Path::new("a.tif"), pages)
    }

    #[test]
    fn a_few_attributes_are_read_whatever_stands_between() {
        let text = r#"<?xml version="1.0"?><!-- <Pixels SizeZ="9"/> --><ome:OME xmlns="x"><Experimenter LastName="A > B"/><Image><Pixels
            DimensionOrder="XYZCT" SizeX="4" SizeY="3" SizeZ="2" SizeC='3' SizeT="1" PhysicalSizeX="650" PhysicalSizeXUnit="nm"
            PhysicalSizeY="0.65" PhysicalSizeZ="2" PhysicalSizeZUnit="&#181;m" TimeIncrement="500" TimeIncrementUnit="ms"/></Image></ome:OME>"#;
        let images = one(text, 6).unwrap();
        assert_eq!(images.len(), 1);
        assert_eq!(images[0].axes, [(PageAxis::Slice, 2), (PageAxis::Channel, 3), (PageAxis::Time, 1)]);
        assert_eq!(images[0].spacing_mm, [Some(0.00065), Some(0.00065), Some(0.002)]);
        assert_eq!(images[0].time_step_s, Some(0.5));
        assert_eq!(images[0].plane(1, 0, 2), 5);
        assert!(one(text, 5).is_err(), "more planes than pages");
    }

    #[test]
    fn planes_lie_where_they_are_said_to() {
        let pixels = r#"<Pixels DimensionOrder="XYCZT" SizeZ="2" SizeC="2" SizeT="1">"#;
        let planes = |data: &str| one(&format!("<OME><Image>{pixels}{data}</Pixels></Image></OME>"), 4);
        let told = r#"<TiffData IFD="3" FirstC="0"/><TiffData IFD="2" FirstC="1"/><TiffData IFD="0" FirstZ="1"/>
            <TiffData IFD="1" FirstZ="1" FirstC="1" PlaneCount="1"/>"#;
        assert_eq!(planes(told).unwrap()[0].planes, Some(vec![3, 2, 0, 1]));
        assert_eq!(planes("<TiffData/>").unwrap()[0].planes, Some(vec![0, 1, 2, 3]));
        assert_eq!(planes("").unwrap()[0].planes, Some(vec![0, 1, 2, 3]));
        for wrong in [r#"<TiffData IFD="0"/>"#, r#"<TiffData IFD="4"/>"#, r#"<TiffData FirstZ="2"/>"#, "<TiffData/><TiffData/>"] {
            assert!(planes(wrong).is_err(), "{wrong}");
        }
        let elsewhere =
            r#"<TiffData><UUID FileName="a">1</UUID></TiffData><TiffData IFD="1"><UUID FileName="b">2</UUID></TiffData>"#;
        assert!(planes(elsewhere).is_err());
    }

    #[test]
    fn no_text_makes_it_panic() {
        for text in [
            "<OME",
            "<OME><Pixels",
            "<OME><Pixels SizeZ=\"",
            "<OME><Pixels a=b>",
            "<OME><Pixels SizeZ='99999999999999999999'/>",
            "<OME><µ µ='>'",
        ] {
            assert!(!is_ome(text) || read(text, Path::new("a.tif"), 3).is_err(), "{text}");
        }
    }
}
