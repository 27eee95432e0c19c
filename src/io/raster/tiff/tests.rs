//! Files made by hand, and those of the reports in the folder that `HOUNSFIELD_DATA` names.

use super::handmade::{Made, file};
use crate::io::tests::{all, data, open_path};
use crate::io::{OpenOptions, Role, Source, open};
use crate::volume::{Dtype, Header, Rescale, Unit};
use crate::{Error, Hint, Result};

fn source(bytes: &[u8], options: &OpenOptions) -> Result<Box<dyn Source>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tif");
    std::fs::write(&path, bytes).unwrap();
    // The file stays open, so it may go.
    open(&[path], options)
}

fn read(pages: &[Made]) -> Result<(Header, Vec<u8>)> {
    read_as(pages, Role::Image)
}

fn read_as(pages: &[Made], role: Role) -> Result<(Header, Vec<u8>)> {
    let source = source(&file(pages, false), &OpenOptions::of(role))?;
    Ok((source.header().clone(), all(&*source)?))
}

/// What is said of a file and what was read.
fn noted(pages: &[Made], word: &str) -> (Header, Vec<u8>) {
    let (header, bytes) = read(pages).unwrap();
    assert!(header.origin.notes.iter().any(|note| note.contains(word)), "no word of {word:?}: {:?}", header.origin.notes);
    (header, bytes)
}

fn refused(pages: &[Made], word: &str) {
    let error = read(pages).map(|(header, _)| header).unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }) && error.to_string().contains(word), "{error}");
}

#[test]
fn pages_are_slices_in_any_order() {
    let page = |i: u8| Made::grey([3, 2], 8, &[i, 1, 2, 3, 4, i.wrapping_add(7)]);
    let pages: Vec<Made> = (0..=255).map(page).collect();
    let source = source(&file(&pages, true), &OpenOptions::default()).unwrap();
    assert_eq!(source.header().grid.shape.axes(), [3, 2, 256]);
    for i in (0..255u8).rev() {
        let mut two = [0; 2];
        source.read(u64::from(i) * 6 + 5, &mut two).unwrap();
        assert_eq!(two, [i.wrapping_add(7), i + 1]);
    }
}

#[test]
fn a_large_page_is_read_in_bands() {
    let pixels: Vec<u8> = (0..3u32 << 20).flat_map(|i| ((i / 7) as u16).to_le_bytes()).collect();
    let source = source(&file(&[Made::grey([1024, 3072], 16, &pixels)], false), &OpenOptions::default()).unwrap();
    assert!(source.unit() < 1 << 20, "{}", source.unit());
    let mut across = vec![0; 4 << 20];
    source.read(123_456, &mut across).unwrap();
    assert_eq!(across, pixels[246_912..][..4 << 20]);
    assert_eq!(all(&*source).unwrap(), pixels);
}

#[test]
fn strips_tiles_and_planes_are_put_together() {
    let strips = Made { strips: vec![vec![1, 2, 3, 4], vec![5, 6]], ..Made::grey([2, 3], 8, &[]).with(278, &[2]) };
    assert_eq!(read(&[strips]).unwrap().1, [1, 2, 3, 4, 5, 6]);
    // Tiles of 2 x 2 for 3 x 3 pixels: what lies beyond is 9.
    let tiles = vec![vec![1, 2, 4, 5], vec![3, 9, 6, 9], vec![7, 8, 9, 9], vec![0, 9, 9, 9]];
    let tiles = Made { strips: tiles, ..Made::grey([3, 3], 8, &[]).with(322, &[2]).with(323, &[2]) };
    assert_eq!(read(&[tiles]).unwrap().1, [1, 2, 3, 4, 5, 6, 7, 8, 0]);
    let colour = Made::grey([2, 1], 8, &[255, 0, 0, 9, 9, 9]).with(262, &[2]).with(277, &[3]).with(258, &[8, 8, 8]);
    assert_eq!(noted(std::slice::from_ref(&colour), "colour was turned to grey").1, [76, 9]);
    let planes = Made { strips: vec![vec![255, 9], vec![0, 9], vec![0, 9]], ..colour.with(284, &[2]) };
    assert_eq!(noted(&[planes], "colour was turned to grey").1, [76, 9]);
}

#[test]
fn bright_low_values_stay_low() {
    for (bits, format, pixels) in
        [(8, 1, vec![0, 9]), (16, 2, vec![1, 0, 255, 255]), (32, 3, [1.5f32, -2.0].map(f32::to_le_bytes).concat())]
    {
        let (header, bytes) = noted(&[Made::grey([2, 1], bits, &pixels).with(262, &[0]).with(339, &[format])], "MinIsWhite");
        assert!(header.display.inverted);
        assert_eq!(bytes, pixels);
    }
    assert!(!read(&[Made::grey([2, 1], 8, &[0, 9])]).unwrap().0.display.inverted);
}

#[test]
fn few_bits_palettes_and_transparency_are_told() {
    assert_eq!(read(&[Made::grey([9, 1], 1, &[0b1010_0000, 0x80])]).unwrap().1, [255, 0, 255, 0, 0, 0, 0, 0, 255]);
    assert_eq!(noted(&[Made::grey([2, 1], 4, &[0x3F])], "17 times").1, [51, 255]);
    let (header, bytes) = read(&[Made::grey([2, 1], 12, &[0xAB, 0xCD, 0xEF])]).unwrap();
    assert_eq!((header.meaning.dtype, header.origin.bits_stored, bytes), (Dtype::U16, Some(12), vec![0xBC, 0x0A, 0xEF, 0x0D]));
    let colours: Vec<u32> = [[0, 65535, 0, 0], [0, 0, 65535, 0], [0, 0, 0, 65535]].concat();
    let palette = Made::grey([4, 1], 2, &[0b0001_1011]).with(262, &[3]).with(320, &colours);
    assert_eq!(noted(std::slice::from_ref(&palette), "palette").1, [0, 76, 150, 29]);
    // ImageJ's are for display.
    assert_eq!(noted(&[palette.told("ImageJ=1.53t\n")], "for display").1, [0, 1, 2, 3]);
    // Of labels the numbers count, of a palette and of few bits.
    let labels = |page: Made| read_as(&[page], Role::Labels).unwrap().1;
    let colours: Vec<u32> = [[0, 65535, 0, 0], [0, 0, 65535, 0], [0, 0, 0, 65535]].concat();
    assert_eq!(labels(Made::grey([4, 1], 2, &[0b0001_1011]).with(262, &[3]).with(320, &colours)), [0, 1, 2, 3]);
    assert_eq!(labels(Made::grey([2, 1], 4, &[0x3F])), [3, 15]);
    let alpha = Made::grey([2, 1], 8, &[5, 255, 6, 0]).with(277, &[2]).with(338, &[2]);
    assert_eq!(noted(&[alpha], "transparency").1, [5, 6]);
}

#[test]
fn copies_and_masks_are_no_slices() {
    let (image, copy) = (Made::grey([4, 2], 8, &[1, 2, 3, 4, 5, 6, 7, 8]), Made::grey([2, 1], 8, &[9, 9]));
    let same = image.clone().with(254, &[1]);
    for left_out in [copy.clone().with(254, &[1]), copy.clone().with(255, &[2]), copy.clone(), copy.clone().with(254, &[4]), same]
    {
        for pages in [[image.clone(), left_out.clone()], [left_out.clone(), image.clone()]] {
            let (header, bytes) = noted(&pages, "left out");
            assert_eq!((header.grid.shape.axes(), bytes.len()), ([4, 2].as_slice(), 8));
        }
    }
    noted(&[image.clone().with(330, &[8])], "SubIFDs");
    refused(&[image.clone().with(254, &[1]).with(330, &[8])], "SubIFDs");
    refused(&[Made::grey([2, 1], 8, &[1, 2]), Made::grey([1, 2], 8, &[1, 2])], "page 2 has 1 x 2 pixels, the first 2 x 1");
    refused(&[image.clone(), Made::grey([4, 1], 16, &[0; 8])], "page 2 has");
    refused(&[Made::grey([2, 1], 8, &[1, 2]), Made::grey([2, 1], 16, &[1, 2, 3, 4])], "page 2 is 2 x 1, 16-bit grey pixels");
}

#[test]
fn channels_are_chosen_by_number() {
    let page = |i: u8| Made::grey([1, 1], 8, &[i]);
    let mut pages: Vec<Made> = (0..12).map(page).collect();
    pages[0] = page(0).told("ImageJ=1.53t\nimages=12\nchannels=2\nslices=3\nframes=2\nunit=pixel\n");
    let bytes = file(&pages, false);
    for (number, want) in [(None, [0, 2, 4, 6, 8, 10]), (Some(1), [0, 2, 4, 6, 8, 10]), (Some(2), [1, 3, 5, 7, 9, 11])] {
        let source = source(&bytes, &OpenOptions { series: number, ..OpenOptions::default() }).unwrap();
        assert_eq!(source.header().grid.shape.axes(), [1, 1, 3, 2]);
        assert_eq!(all(&*source).unwrap(), want);
        assert!(source.header().origin.notes[0].starts_with(&format!("channel {} of 2", number.unwrap_or(1))));
    }
    for number in [0, 3] {
        let error = source(&bytes, &OpenOptions { series: Some(number), ..OpenOptions::default() }).map(|_| ()).unwrap_err();
        assert!(matches!(&error, Error::Usage { hint: Hint::ChooseSeries, .. }), "{error}");
    }
    // Numbers of a pixel that are no colours are channels too.
    let pixels = Made::grey([2, 1], 8, &[1, 2, 3, 4, 5, 6]).with(277, &[3]);
    assert_eq!(noted(&[pixels], "channel 1 of 3").1, [1, 4]);
}

#[test]
fn imagejs_units_and_calibrations_are_read() {
    let told = |text: &str| {
        let page = Made::grey([1, 1], 16, &[5, 0]).with(282, &[2000, 5351]).with(283, &[4, 1]).with(296, &[1]);
        let mut pages = vec![page; 2];
        pages[0] = pages[0].clone().told(&format!("ImageJ=1.53t\nimages=2\nslices=2\n{text}"));
        read(&pages).unwrap().0
    };
    let spacing = |text| told(text).grid.geometry.map(|g| g.spacing_mm);
    assert_eq!(spacing("unit=um\nspacing=3.947368\n"), Some([0.0026755, 0.00025, 0.003947368]));
    assert_eq!(spacing("unit=\\u00B5m\nspacing=-2\n"), Some([0.0026755, 0.00025, 0.002]));
    assert_eq!(spacing("unit=mm\nspacing=2\nzunit=um\n"), Some([2.6755, 0.25, 0.002]));
    assert_eq!((spacing("unit=pixel\nspacing=2\n"), spacing("spacing=2\n")), (None, None));
    let assumed = told("unit=mm\n");
    assert_eq!(assumed.grid.geometry.unwrap().spacing_mm[2], 1.0);
    assert!(assumed.origin.notes[0].contains("distance of slices"));
    let signed = told("cf=0\nc0=-32768.0\nc1=1.0\nvunit=Gray Value\n").meaning;
    assert_eq!((signed.rescale.uniform().unwrap(), signed.unit), (Rescale { slope: 1.0, intercept: -32768.0 }, Unit::Unknown));
    assert_eq!(told("vunit=HU\n").meaning.unit, Unit::Hounsfield);
    let bent = told("cf=3\nc0=1\nc1=2\nc2=3\nc3=4\nvunit=OD\n");
    assert_eq!(bent.meaning.rescale.uniform(), Some(Rescale::IDENTITY));
    assert!(bent.origin.notes.iter().any(|note| note.contains("no straight line")));
}

#[test]
fn images_that_hide_behind_one_page_are_found_or_missed_aloud() {
    let text = |images: u32| format!("ImageJ=1.53t\nimages={images}\nslices={images}\n");
    let told = |images: u32, behind: &[u8]| {
        // As ImageJ does: the directory first, pixels to the end of the file.
        let mut bytes = file(&[Made { strips: vec![vec![]], ..Made::grey([2, 1], 8, &[]) }.told(&text(images))], false);
        let at = bytes.len() as u32;
        let (offset, length) = (8u32.to_le_bytes(), 0u32.to_le_bytes());
        let patch = |bytes: &mut Vec<u8>, tag: u16, from: [u8; 4], to: u32| {
            let field = [&tag.to_le_bytes()[..], &4u16.to_le_bytes(), &1u32.to_le_bytes(), &from].concat();
            let i = bytes.windows(field.len()).position(|w| w == field).unwrap() + 8;
            bytes[i..i + 4].copy_from_slice(&to.to_le_bytes());
        };
        patch(&mut bytes, 273, offset, at);
        patch(&mut bytes, 279, length, 2);
        bytes.extend(behind);
        source(&bytes, &OpenOptions::default()).and_then(|s| Ok((s.header().grid.shape.axes().to_vec(), all(&*s)?)))
    };
    assert_eq!(told(3, &[1, 2, 3, 4, 5, 6]).unwrap(), (vec![2, 1, 3], vec![1, 2, 3, 4, 5, 6]));
    assert!(matches!(told(4, &[1, 2, 3, 4, 5, 6]), Err(Error::Unsupported { .. })));
    // A directory among the pixels is none of them.
    refused(&[Made::grey([2, 1], 8, &[1, 2]).told(&text(7))], "7 images, the file holds 1");
    let pages = |told: u32| {
        [Made::grey([2, 1], 8, &[1, 2]).told(&text(told)), Made::grey([2, 1], 8, &[3, 4]), Made::grey([2, 1], 8, &[5, 6])]
    };
    assert_eq!(read(&pages(3)).unwrap().1, [1, 2, 3, 4, 5, 6]);
    assert_eq!(noted(&pages(2), "1 pages more are left out").1, [1, 2, 3, 4]);
}

#[test]
fn a_print_is_no_patient() {
    let page = |unit: u32, n: u32, d: u32| Made::grey([1, 1], 8, &[1]).with(282, &[n, d]).with(283, &[n, d]).with(296, &[unit]);
    let spacing = |page: Made| read(&[page]).unwrap().0.grid.geometry.map(|g| g.spacing_mm);
    assert_eq!(spacing(page(3, 20, 1)), Some([0.5, 0.5, 1.0]));
    for (unit, n, d) in [(2, 72, 1), (2, 300, 1), (3, 11811, 100), (3, 28346, 1000)] {
        let (header, _) = noted(&[page(unit, n, d)], "print");
        assert_eq!(header.grid.geometry, None);
    }
    assert_eq!((spacing(page(1, 5, 1)), spacing(page(2, 1, 1)), spacing(page(3, 0, 0))), (None, None, None));
}

#[test]
fn what_is_not_read_is_named() {
    let grey = || Made::grey([2, 1], 8, &[1, 2]);
    for (tag, value, word) in [
        (259, 6, "old-style JPEG"),
        (259, 50000, "Zstandard"),
        (259, 34712, "JPEG 2000"),
        (259, 999, "number 999"),
        (262, 5, "CMYK"),
        (262, 8, "L*a*b*"),
        (262, 32803, "camera"),
        (339, 5, "complex"),
        (258, 24, "24-bit"),
    ] {
        let page = grey().with(tag, &[value]);
        refused(&[if value == 5 || value == 8 { page.with(277, &[4]) } else { page }], word);
    }
    // A table of planes, of fractions that nobody looks at.
    refused(&[grey().with(33629, &[0; 4])], "MetaMorph");
}

#[test]
fn descriptions_never_reach_a_message() {
    for text in [
        "ImageJ=Mueller\nimages=9\nunit=Mueller\nvunit=Mueller\ncf=Mueller\nfinterval=1\ntunit=Mueller\n",
        "<OME><Image Name='Mueller'><Pixels SizeZ='Mueller'/></Image></OME>",
        "{\"shape\": [9, 1, 2], \"axes\": \"Mueller\"}",
        "Mueller",
    ] {
        let said = match read(&[Made::grey([2, 1], 8, &[1, 2]).told(text)]) {
            Ok((header, _)) => format!("{header:?}"),
            Err(e) => e.to_string(),
        };
        assert!(!said.contains("Mueller"), "{said}");
    }
}

#[test]
fn more_than_the_limit_is_refused() {
    let options = OpenOptions { max_bytes: Some(1 << 20), ..OpenOptions::default() };
    let large = Made::grey([2048, 1024], 8, &vec![0; 2 << 20]);
    assert!(matches!(source(&file(&[large], false), &options).map(|_| ()), Err(Error::Limit { .. })));
    for [width, height] in [[u32::MAX, u32::MAX], [1 << 16, 1 << 16]] {
        let lie = Made::grey([width, height], 8, &[0; 64]);
        let error = source(&file(&[lie], false), &OpenOptions::default()).map(|_| ()).unwrap_err();
        assert!(matches!(error, Error::Limit { .. } | Error::Format { .. }), "{error}");
    }
}

#[test]
fn pages_in_a_circle_end() {
    let mut bytes = file(&[Made::grey([2, 1], 8, &[1, 2])], false);
    let first: [u8; 4] = bytes[4..8].try_into().unwrap();
    let end = bytes.len();
    bytes[end - 4..].copy_from_slice(&first);
    assert!(matches!(source(&bytes, &OpenOptions::default()).map(|_| ()), Err(Error::Format { .. })));
}

#[test]
fn the_files_of_the_reports_are_right() {
    let Some(folder) = data("reports") else { return };
    let values = |name: &str, series: Option<u32>| -> (Header, Vec<f64>) {
        let source = open(&[folder.join(name)], &OpenOptions { series, ..OpenOptions::default() }).unwrap();
        let (header, bytes) = (source.header().clone(), all(&*source).unwrap());
        let dtype = header.meaning.dtype;
        (header, bytes.chunks_exact(dtype.bytes()).map(|v| dtype.decode(v)).collect())
    };
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    let (header, floats) = values("min_is_white_float.tif", None);
    assert!(header.display.inverted && (mean(&floats) - 9.55).abs() < 1e-5, "{}", mean(&floats));
    assert!((mean(&values("planar_rgb.tif", None).1) - 112.421875).abs() < 1e-12);
    let (header, pyramid) = values("pyramid.tif", None);
    assert_eq!((header.grid.shape.axes(), mean(&pyramid)), ([64, 48].as_slice(), 95.5));
    for (series, add) in [(None, 0.0), (Some(2), 10_000.0)] {
        let (header, voxels) = values("imagej_channels.tif", series);
        assert_eq!(header.grid.shape.axes(), [16, 12, 5]);
        let names: Vec<f64> = (0..5).map(|z| voxels[(z * 12 + 5) * 16 + 5] - add).collect();
        assert_eq!(names, [85.0, 277.0, 469.0, 661.0, 853.0]);
        assert_eq!(header.grid.geometry.unwrap().spacing_mm, [1e-3, 1e-3, 2e-3]);
    }
    let (header, _) = values("imagej_spacing_um.tif", None);
    assert_eq!(header.grid.geometry.unwrap().spacing_mm, [0.0026755, 0.0026755, 0.003947368]);
    assert!(open_path(&folder.join("pyramid.tif")).unwrap().header().origin.notes[0].contains("left out"));
}
