//! Whole images: samples as libjpeg-turbo gives them, places of damage, and lossless coding by its definition.

use md5::{Digest, Md5};

use super::handmade::{self, COLOUR_420, GREY, GREY_12, LOSSLESS_16, PROGRESSIVE_422, bytes};
use super::*;

fn damaged(data: &[u8]) -> String {
    match decode(data, None) {
        Err(JpegFault::Damaged(what)) => what,
        other => panic!("{other:?}"),
    }
}

fn unsupported(data: &[u8]) -> String {
    match decode(data, None) {
        Err(JpegFault::Unsupported(what)) => what,
        other => panic!("{other:?}"),
    }
}

/// Where the segment of a marker begins.
fn find(data: &[u8], marker: u8) -> usize {
    data.windows(2).position(|w| w == [0xFF, marker]).unwrap()
}

/// Digests of what OpenCV (8 bits) and imagecodecs (12 and 16) give.
#[test]
fn samples_are_those_of_libjpeg() {
    for (stream, size, precision, digest) in [
        (GREY, (19, 11, 1), 8, "83c0738a"),
        (COLOUR_420, (21, 13, 3), 8, "027afb94"),
        (PROGRESSIVE_422, (11, 9, 3), 8, "7333fa62"),
        (GREY_12, (10, 9, 1), 12, "4302ce26"),
        (LOSSLESS_16, (6, 5, 1), 16, "32e4f971"),
    ] {
        let data = bytes(stream);
        let facts = facts(&data).unwrap();
        assert_eq!(((facts.columns, facts.rows, facts.components), facts.precision), (size, precision));
        let image = decode(&data, None).unwrap();
        assert_eq!(image.samples.len() as u64, size.0 * size.1 * size.2 * image.width as u64);
        assert_eq!(image.width, if precision > 8 { 2 } else { 1 });
        let got: String = Md5::digest(&image.samples).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(got[..8], *digest, "{size:?}");
    }
}

/// Only the end marker may be missing.
#[test]
fn every_cut_is_an_error() {
    for (name, stream) in handmade::ALL {
        let data = bytes(stream);
        let whole = decode(&data, None).unwrap();
        for end in 0..data.len() - 2 {
            assert!(matches!(decode(&data[..end], None), Err(JpegFault::Damaged(_))), "{name} cut at {end} of {}", data.len());
        }
        assert_eq!(decode(&data[..data.len() - 2], None).unwrap(), whole, "{name}");
        let more = [&data[..], b"\0\xFF\xD8 what cameras add"].concat();
        assert_eq!(decode(&more, None).unwrap(), whole, "{name}");
    }
}

#[test]
fn damage_is_told_with_its_row() {
    let data = bytes(GREY);
    // Blocks 0 to 2 make the first row, 3 to 5 the second; a restart marker stands behind each but the last.
    let (second, fourth) = (find(&data, 0xD1), find(&data, 0xD3));
    let with = |at: usize, byte: u8| {
        let mut data = data.clone();
        data[at] = byte;
        damaged(&data)
    };
    assert_eq!(with(second + 1, 0xD2), "restart marker 2 where 1 is due at row 0 of 11");
    assert_eq!(with(fourth + 1, 0xD1), "restart marker 1 where 3 is due at row 8 of 11");
    assert_eq!(with(fourth + 1, 0xC4), "marker FFC4 where restart marker 3 is due at row 8 of 11");
    assert_eq!(with(second + 1, 0xD9), "the scan ends at row 0 of 11");
    assert_eq!(damaged(&data[..second]), "the scan ends at row 0 of 11");
    assert_eq!(damaged(&data[..fourth]), "the scan ends at row 8 of 11");
    let more = [&data[..fourth], &[0x12, 0x34, 0x56], &data[fourth..]].concat();
    assert_eq!(damaged(&more), "3 bytes too many in the scan at row 8 of 11");
    // A careless camera.
    assert_eq!(decode(&[&data[..fourth], &[0x12], &data[fourth..]].concat(), None), decode(&data, None));
    // Fill bytes.
    assert_eq!(decode(&[&data[..fourth], &[0xFF; 3], &data[fourth..]].concat(), None), decode(&data, None));
    // All ones are no code.
    let scan = find(&data, SOS) + 10;
    let ones = [&data[..scan], &[0xFF, 0, 0xFF, 0, 0xFF, 0], &data[scan..]].concat();
    assert_eq!(damaged(&ones), "undefined Huffman code at row 0 of 11");
}

#[test]
fn a_size_that_the_data_cannot_hold_is_refused() {
    let mut data = bytes(GREY);
    let frame = find(&data, 0xC0);
    data[frame + 5..frame + 9].copy_from_slice(&[0xFF; 4]);
    assert_eq!(facts(&data).unwrap().columns, 65535);
    assert!(damaged(&data).starts_with("65535 x 65535 pixels cannot lie in "));
}

#[test]
fn kinds_that_are_not_decoded_are_named() {
    let data = bytes(GREY);
    let frame = find(&data, 0xC0);
    for (marker, what) in [
        (0xC9, "arithmetic coding is not supported"),
        (0xCA, "arithmetic coding is not supported"),
        (0xCB, "arithmetic coding is not supported"),
        (0xC5, "hierarchical JPEG is not supported"),
        (0xDE, "hierarchical JPEG is not supported"),
    ] {
        let mut data = data.clone();
        data[frame + 1] = marker;
        assert_eq!(unsupported(&data), what);
        assert_eq!(facts(&data), Err(JpegFault::Unsupported(what.into())));
    }
    let mut data = data.clone();
    data[frame + 4] = 10;
    assert_eq!(unsupported(&data), "JPEG of 10 bits is not supported");
}

/// The height may stand behind the first scan.
#[test]
fn the_number_of_lines_may_come_late() {
    let mut data = bytes(GREY);
    let frame = find(&data, 0xC0);
    data[frame + 5..frame + 7].fill(0);
    assert_eq!(damaged(&data), "the number of rows is missing");
    data.truncate(data.len() - 2);
    data.extend([0xFF, 0xDC, 0, 4, 0, 11, 0xFF, 0xD9]);
    assert_eq!(facts(&data).unwrap().rows, 11);
    assert_eq!(decode(&data, None), decode(&bytes(GREY), None));
}

/// Markers first, then the caller, then what is usual.
#[test]
fn who_says_how_colours_are_stored() {
    let jfif = bytes(COLOUR_420);
    let app = find(&jfif, 0xE0);
    let end = app + 2 + usize::from(jfif[app + 3]);
    let adobe = |transform| {
        let segment = [&[0xFF, 0xEE, 0, 14][..], b"Adobe", &[0, 100, 0, 0, 0, 0, transform]].concat();
        [&jfif[..app], &segment, &jfif[end..]].concat()
    };
    let bare = [&jfif[..app], &jfif[end..]].concat();
    let mut named = bare.clone();
    let (frame, scan) = (find(&bare, 0xC0), find(&bare, SOS));
    (0..3).for_each(|i| (named[frame + 10 + 3 * i], named[scan + 5 + 2 * i]) = (b"RGB"[i], b"RGB"[i]));
    let samples = |data: &[u8], rgb| decode(data, rgb).unwrap().samples;
    let (converted, plain) = (samples(&jfif, None), samples(&adobe(0), None));
    assert_ne!(converted, plain);
    for rgb in [None, Some(true), Some(false)] {
        assert_eq!(samples(&jfif, rgb), converted);
        assert_eq!(samples(&adobe(0), rgb), plain);
        assert_eq!(samples(&adobe(1), rgb), converted);
        assert_eq!(samples(&adobe(2), rgb), converted);
        assert_eq!(samples(&named, rgb), plain);
    }
    assert_eq!(samples(&bare, None), converted);
    assert_eq!(samples(&bare, Some(false)), converted);
    assert_eq!(samples(&bare, Some(true)), plain);
}

/// A lossless image of samples, component by component, each with the prediction of table H.1 written out. All codes have 5 bits.
fn lossless(planes: &[Vec<u16>], columns: usize, [predictor, shift, precision]: [u8; 3], restart_rows: usize) -> Vec<u8> {
    let (rows, count) = (planes[0].len() / columns, planes.len() as u8);
    let mut data = vec![0xFF, 0xD8, 0xFF, 0xC4, 0, 19 + 17, 0];
    data.extend([0, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    data.extend(0..17);
    data.extend([0xFF, 0xC3, 0, 8 + 3 * count, precision, 0, rows as u8, 0, columns as u8, count]);
    (0..count).for_each(|i| data.extend([i, 0x11, 0]));
    let restart = (restart_rows * columns) as u16;
    data.extend([0xFF, 0xDD, 0, 4]);
    data.extend(restart.to_be_bytes());
    data.extend([0xFF, 0xDA, 0, 6 + 2 * count, count]);
    (0..count).for_each(|i| data.extend([i, 0]));
    data.extend([predictor, 0, shift]);
    let mut bits: Vec<u8> = Vec::new();
    let flush = |bits: &mut Vec<u8>, data: &mut Vec<u8>| {
        bits.resize(bits.len().next_multiple_of(8), 1);
        for byte in bits.chunks(8).map(|b| b.iter().fold(0, |all, bit| all << 1 | bit)) {
            data.push(byte);
            if byte == 0xFF {
                data.push(0);
            }
        }
        bits.clear();
    };
    for y in 0..rows {
        let first = y == 0 || restart_rows > 0 && y % restart_rows == 0;
        if first && y > 0 {
            flush(&mut bits, &mut data);
            data.extend([0xFF, 0xD0 + ((y / restart_rows - 1) % 8) as u8]);
        }
        for x in 0..columns {
            for plane in planes {
                let at = |x: usize, y: usize| i32::from(plane[y * columns + x] >> shift);
                let prediction = match (x, first) {
                    (0, true) => 1 << (precision - shift - 1),
                    (_, true) => at(x - 1, y),
                    (0, false) => at(x, y - 1),
                    _ => {
                        let (a, b, c) = (at(x - 1, y), at(x, y - 1), at(x - 1, y - 1));
                        [a, b, c, a + b - c, a + ((b - c) >> 1), b + ((a - c) >> 1), (a + b) >> 1][predictor as usize - 1]
                    }
                };
                let difference = (at(x, y) - prediction) as i16;
                let size = (16 - difference.unsigned_abs().leading_zeros()) as u8;
                bits.extend((0..5).rev().map(|i| size >> i & 1));
                if size < 16 {
                    let value = if difference < 0 { difference - 1 } else { difference };
                    bits.extend((0..size).rev().map(|i| (value >> i & 1) as u8));
                }
            }
        }
    }
    flush(&mut bits, &mut data);
    data.extend([0xFF, 0xD9]);
    data
}

#[test]
fn lossless_of_every_predictor_shift_depth_and_restart() {
    let mut state = 7u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 16
    };
    for predictor in 1..=7 {
        for precision in 2..=16u8 {
            let shift = (random() % u32::from(precision)) as u8 * (predictor % 2);
            let (columns, rows) = (1 + random() as usize % 9, 1 + random() as usize % 9);
            let count = 1 + random() as usize % 4;
            let mut plane =
                || -> Vec<u16> { (0..columns * rows).map(|_| (random() as u16 >> (16 - precision)) >> shift << shift).collect() };
            let planes: Vec<Vec<u16>> = (0..count).map(|_| plane()).collect();
            let data = lossless(&planes, columns, [predictor, shift, precision], random() as usize % 4);
            let image = decode(&data, Some(true)).unwrap_or_else(|e| panic!("{predictor} {precision} {shift}: {e:?}"));
            let samples: Vec<u16> = if image.width == 1 {
                image.samples.iter().map(|s| u16::from(*s)).collect()
            } else {
                image.samples.as_chunks().0.iter().map(|s| u16::from_le_bytes(*s)).collect()
            };
            let want: Vec<u16> = (0..columns * rows).flat_map(|i| planes.iter().map(move |p| p[i])).collect();
            assert_eq!(samples, want, "predictor {predictor}, {precision} bits, shift {shift}");
            assert!(facts(&data).unwrap().lossless);
        }
    }
    // A difference of 32,768, and negative values whose sign reaches beyond the depth.
    let sharp = lossless(&[vec![0x8000, 0, 0x8000]], 3, [1, 0, 16], 0);
    assert_eq!(decode(&sharp, None).unwrap().samples, [0, 0x80, 0, 0, 0, 0x80]);
    let negative = lossless(&[vec![0xFFFF, 2, 0xF800]], 3, [1, 0, 12], 0);
    assert_eq!(decode(&negative, None).unwrap().samples, [0xFF, 0xFF, 2, 0, 0, 0xF8]);
    assert_eq!(damaged(&lossless(&[vec![5, 4096]], 2, [1, 0, 12], 0)), "value out of range at row 0 of 1");
}

#[test]
fn lossless_restarts_are_whole_rows() {
    let mut data = lossless(&[vec![1; 6]], 3, [1, 0, 8], 1);
    let interval = find(&data, 0xDD);
    data[interval + 5] = 2;
    assert_eq!(unsupported(&data), "lossless JPEG that restarts within a row is not supported");
}
