//! The header of a volume made of ordered slices.

use std::path::Path;

use super::attributes::Image;
use super::frames::ImageFrame;
use super::layout::Colour;
use super::order::SliceOrder;
use super::syntax::Compression;
use super::{FORMAT, OpenOptions};
use crate::volume::{Dtype, Header, Origin, Rescale, Rescales, Shape, Unit};
use crate::{Error, Result};

pub(super) fn build(
    path: &Path,
    images: &[Image],
    ordered: &SliceOrder,
    notes: Vec<String>,
    options: &OpenOptions,
) -> Result<Header> {
    let slices: Vec<(&Image, &ImageFrame)> = ordered.slices.iter().map(|&(i, f)| (&images[i], &images[i].frames[f])).collect();
    // Where slices differ in what is said once, the middle one speaks for all: the ends of a scan are the odd ones.
    let image = slices[slices.len() / 2].0;
    let layout = &image.pixels.layout;
    let [columns, rows] = layout.slice_size();
    let mut axes = vec![columns, rows, ordered.depth];
    if ordered.volumes > 1 {
        axes.push(ordered.volumes);
    }
    let shape = Shape::new(&axes).ok_or_else(|| Error::limit(path, "the volume has too many voxels", "split the series"))?;
    let dtype = ordered.labels.as_ref().map_or(layout.dtype(), |slices| {
        // Label maps take as many bytes as their labels, whatever the frames of their segments take.
        let wide = slices.iter().flatten().any(|(_, label)| *label > 255);
        if wide { Dtype::U16 } else { Dtype::U8 }
    });
    let mut header = Header::new(shape, dtype);
    options.limits(FORMAT.limits).check_volume(path, &header)?;
    let grey = layout.samples == 1 && !matches!(layout.colour, Colour::Palette(_));
    header.meaning.rescale = if grey { rescales(&slices) } else { Rescales::Uniform(Rescale::IDENTITY) };
    if grey && slices.iter().all(|(image, _)| image.hounsfield) {
        header.meaning.unit = Unit::Hounsfield;
    }
    header.grid.geometry.clone_from(&ordered.geometry);
    header.grid.time_step_s = ordered.time_step_s;
    header.grid.volume_marks.clone_from(&ordered.marks);
    header.meaning.padding = if layout.colour == Colour::Grey { image.padding } else { None };
    header.display.windows = if grey { image.windows.clone() } else { Vec::new() };
    header.display.voi_luts = if grey { image.voi_luts.clone() } else { Vec::new() };
    header.display.inverted = layout.inverted;
    header.meaning.labels = image.labels;
    let mut notes = notes;
    notes.extend(ordered.notes.iter().cloned());
    notes.extend(oddities(&slices));
    header.origin = Origin {
        modality: image.modality.clone(),
        acquisition: image.acquisition.clone(),
        notes,
        format: if images.len() == 1 { "DICOM file" } else { "DICOM series" }.into(),
        transfer_syntax: Some(image.pixels.syntax.label()),
        files: images.len() as u64,
        bits_stored: slices.iter().map(|(image, _)| image.pixels.layout.bits_used()).max(),
        file_dtype: None,
        burned_in_text: burned_in_text(&slices),
        ..Origin::default()
    };
    if !grey {
        let kind = match layout.colour {
            super::layout::Colour::Palette(_) => "palette colour",
            super::layout::Colour::Rgb => "RGB",
            _ => "YBR",
        };
        options.grey.noted(kind, &mut header);
    }
    if header.origin.may_show_text() {
        header
            .origin
            .notes
            .push("text, such as a name, may be burnt into the pixels: look at pictures before sharing them".into());
    }
    Ok(header)
}

/// Yes if any slice says so, no if all say that, else unknown.
fn burned_in_text(slices: &[(&Image, &ImageFrame)]) -> Option<bool> {
    let mut said = slices.iter().map(|(image, _)| image.burned_in_text);
    if said.clone().any(|text| text == Some(true)) {
        return Some(true);
    }
    said.all(|text| text == Some(false)).then_some(false)
}

fn rescales(slices: &[(&Image, &ImageFrame)]) -> Rescales {
    let all: Vec<Rescale> = slices.iter().map(|(_, frame)| frame.rescale.rescale).collect();
    if all.iter().all(|r| *r == all[0]) { Rescales::Uniform(all[0]) } else { Rescales::PerSlice(all) }
}

/// What a reader of the voxels should know.
fn oddities(slices: &[(&Image, &ImageFrame)]) -> Vec<String> {
    let image = slices[0].0;
    let any = |test: &dyn Fn(&Image) -> bool| slices.iter().any(|(image, _)| test(image));
    let mut notes = Vec::new();
    if !image.has_magic {
        notes.push("the file has no DICOM preamble; its encoding was guessed".into());
    }
    notes.extend(remarks(slices));
    if slices.iter().any(|(_, frame)| frame.rescale.given) && slices.iter().any(|(_, frame)| !frame.rescale.given) {
        notes.push("some slices have no rescale: their values are the stored ones".into());
    }
    if any(&|image| is_lossy(image)) {
        notes.push("the pixels were compressed with loss".into());
    }
    notes
}

/// What was assumed in reading single files, each once, with how many it was assumed of.
fn remarks(slices: &[(&Image, &ImageFrame)]) -> Vec<String> {
    let mut files: Vec<&Image> = slices.iter().map(|(image, _)| *image).collect();
    files.dedup_by(|a, b| std::ptr::eq(*a, *b));
    let mut counted: Vec<(&String, usize)> = Vec::new();
    for remark in files.iter().flat_map(|image| &image.remarks) {
        match counted.iter_mut().find(|(known, _)| *known == remark) {
            Some((_, count)) => *count += 1,
            None => counted.push((remark, 1)),
        }
    }
    let all = files.len();
    let say = |(remark, count): (&String, usize)| {
        if count < all { format!("{remark} (in {count} of {all} files)") } else { remark.clone() }
    };
    counted.into_iter().map(say).collect()
}

fn is_lossy(image: &Image) -> bool {
    let uid = image.pixels.syntax.uid.as_str();
    match image.pixels.syntax.compression {
        Compression::Jpeg => !(uid.ends_with(".57") || uid.ends_with(".70")),
        Compression::Jpeg2000 | Compression::JpegXl => {
            uid.ends_with(".91")
                || uid.ends_with(".93")
                || uid.ends_with(".203")
                || uid.ends_with(".111")
                || uid.ends_with(".112")
        }
        _ => false,
    }
}
