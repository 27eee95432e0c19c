//! Writing CT slices: for phantoms only, never for patients.

use std::io::Write;
use std::path::Path;

use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_object::{FileMetaTableBuilder, InMemDicomObject};

use super::tags;
use crate::{Error, Result};

/// One axial slice of a made-up CT.
#[derive(Debug, Clone)]
pub struct CtSlice<'a> {
    /// Columns and rows.
    pub size: [u16; 2],
    /// Voxel spacing along x, y, z in mm; slices are as thick as they are far apart.
    pub spacing_mm: [f64; 3],
    /// Centre of the first voxel, LPS+.
    pub origin_mm: [f64; 3],
    /// Instance number, from 1.
    pub number: u32,
    /// Its identifiers.
    pub uids: CtUids,
    /// Hounsfield units, x fastest; stored with 12 bits, so that -1024 to 3071 survive.
    pub hounsfield: &'a [i16],
}

/// The numbers of a slice's identifiers, under the root for numbers (2.25). Slices that share the first two form one series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the standard's names")]
pub struct CtUids {
    pub study: u128,
    pub series: u128,
    pub instance: u128,
    pub frame_of_reference: u128,
}

const CT_IMAGE_STORAGE: &str = "1.2.840.10008.5.1.4.1.1.2";
const EXPLICIT_LITTLE_ENDIAN: &str = "1.2.840.10008.1.2.1";

/// Writes a slice as an uncompressed CT Image Storage file. `path` is for errors.
///
/// # Errors
/// [`Error::Usage`] if the voxels do not fill the slice, [`Error::Write`].
pub fn write_ct_slice(slice: &CtSlice, to: impl Write, path: &Path) -> Result<()> {
    let [columns, rows] = slice.size;
    if slice.hounsfield.len() != usize::from(columns) * usize::from(rows) {
        return Err(Error::usage(
            format!("{} voxels for a slice of {columns} x {rows}", slice.hounsfield.len()),
            "give as many voxels as the slice has",
        ));
    }
    let text = |tag: u32, vr, value: String| DataElement::new(split(tag), vr, value);
    let word = |tag: u32, value: u16| DataElement::new(split(tag), VR::US, PrimitiveValue::from(value));
    let [dx, dy, dz] = slice.spacing_mm;
    let uid = |n: u128| format!("2.25.{n}");
    let stored = slice.hounsfield.iter().map(|v| (i32::from(*v) + 1024).clamp(0, 4095) as u16);
    let dataset = InMemDicomObject::from_element_iter([
        text(0x0008_0008, VR::CS, r"ORIGINAL\PRIMARY\AXIAL".into()),
        text(tags::SOP_CLASS, VR::UI, CT_IMAGE_STORAGE.into()),
        text(tags::SOP_INSTANCE, VR::UI, uid(slice.uids.instance)),
        text(0x0008_0020, VR::DA, String::new()),
        text(0x0008_0030, VR::TM, String::new()),
        text(0x0008_0050, VR::SH, String::new()),
        text(tags::MODALITY, VR::CS, "CT".into()),
        text(0x0008_0070, VR::LO, String::new()),
        text(0x0008_0090, VR::PN, String::new()),
        text(0x0010_0010, VR::PN, "PHANTOM".into()),
        text(0x0010_0020, VR::LO, "PHANTOM".into()),
        text(0x0010_0030, VR::DA, String::new()),
        text(0x0010_0040, VR::CS, "O".into()),
        text(tags::SLICE_THICKNESS, VR::DS, decimal(dz)),
        text(tags::KVP, VR::DS, "120".into()),
        text(0x0020_000D, VR::UI, uid(slice.uids.study)),
        text(tags::SERIES, VR::UI, uid(slice.uids.series)),
        text(0x0020_0010, VR::SH, "PHANTOM".into()),
        text(0x0020_0011, VR::IS, "1".into()),
        text(0x0020_0012, VR::IS, "1".into()),
        text(tags::INSTANCE_NUMBER, VR::IS, slice.number.to_string()),
        text(tags::POSITION, VR::DS, slice.origin_mm.map(decimal).join("\\")),
        text(tags::ORIENTATION, VR::DS, r"1\0\0\0\1\0".into()),
        text(0x0020_0052, VR::UI, uid(slice.uids.frame_of_reference)),
        text(0x0020_1040, VR::LO, String::new()),
        word(tags::SAMPLES, 1),
        text(tags::PHOTOMETRIC, VR::CS, "MONOCHROME2".into()),
        word(tags::ROWS, rows),
        word(tags::COLUMNS, columns),
        text(tags::PIXEL_SPACING, VR::DS, [dy, dx].map(decimal).join("\\")),
        word(tags::BITS_ALLOCATED, 16),
        word(tags::BITS_STORED, 12),
        word(tags::HIGH_BIT, 11),
        word(tags::SIGNED, 0),
        text(0x0028_0301, VR::CS, "NO".into()),
        text(tags::WINDOW_CENTER, VR::DS, r"40\-500".into()),
        text(tags::WINDOW_WIDTH, VR::DS, r"400\1500".into()),
        text(tags::INTERCEPT, VR::DS, "-1024".into()),
        text(tags::SLOPE, VR::DS, "1".into()),
        text(tags::RESCALE_TYPE, VR::LO, "HU".into()),
        DataElement::new(Tag(0x7FE0, 0x0010), VR::OW, PrimitiveValue::U16(stored.collect())),
    ]);
    let failed = |_| Error::Write { path: path.into(), source: std::io::Error::other("the DICOM encoder failed") };
    let meta = FileMetaTableBuilder::new().transfer_syntax(EXPLICIT_LITTLE_ENDIAN);
    let file = dataset.with_meta(meta).map_err(|_| failed(()))?;
    let mut to = Remember { to, error: None };
    file.write_all(&mut to).map_err(|_| match to.error.take() {
        Some(source) => Error::Write { path: path.into(), source },
        None => failed(()),
    })
}

/// Keeps the reason why a write failed: the encoder's own error is not shown to anyone.
struct Remember<W> {
    to: W,
    error: Option<std::io::Error>,
}

impl<W: Write> Write for Remember<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.to.write(bytes).inspect_err(|e| self.error = Some(std::io::Error::new(e.kind(), e.to_string())))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.to.flush()
    }
}

fn split(tag: u32) -> Tag {
    Tag((tag >> 16) as u16, tag as u16)
}

/// A decimal string of at most 16 characters.
fn decimal(value: f64) -> String {
    (0..=14).rev().map(|digits| format!("{value:.digits$}")).chain([format!("{value:e}")]).fold(
        value.to_string(),
        |best, next| {
            if best.len() > 16 { next } else { best }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::dicom::{OpenOptions, open};
    use crate::volume::{Rescale, Rescales, Unit};

    #[test]
    fn decimals_fit() {
        assert_eq!(decimal(0.7), "0.7");
        assert_eq!(decimal(-180.62), "-180.62");
        assert_eq!(decimal(1.0 / 3.0), "0.33333333333333");
        assert_eq!(decimal(-1234567.0 / 3.0), "-411522.33333333");
    }

    #[test]
    fn a_written_slice_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("slice.dcm");
        let hounsfield: Vec<i16> = (0..12).map(|i| i * 300 - 1024).collect();
        let slice = CtSlice {
            size: [4, 3],
            spacing_mm: [0.5, 0.75, 2.0],
            origin_mm: [-10.0, 20.0, 30.5],
            number: 7,
            uids: CtUids { study: 1, series: 2, instance: 3, frame_of_reference: 4 },
            hounsfield: &hounsfield,
        };
        write_ct_slice(&slice, std::fs::File::create(&path).unwrap(), &path).unwrap();
        let source = open(&path, &OpenOptions::default()).unwrap();
        let header = source.header();
        assert_eq!(header.grid.shape.axes(), [4, 3, 1]);
        assert_eq!(
            (header.meaning.unit, &header.meaning.rescale),
            (Unit::Hounsfield, &Rescales::Uniform(Rescale { slope: 1.0, intercept: -1024.0 }))
        );
        let geometry = header.grid.geometry.as_ref().unwrap();
        assert_eq!((geometry.spacing_mm, geometry.position.as_ref().unwrap().origin_mm), ([0.5, 0.75, 2.0], [-10.0, 20.0, 30.5]));
        assert_eq!(
            (header.origin.bits_stored, header.display.windows.len(), header.origin.burned_in_text),
            (Some(12), 2, Some(false))
        );
        let mut bytes = [0; 24];
        source.read(0, &mut bytes).unwrap();
        let read: Vec<i16> = bytes.as_chunks::<2>().0.iter().map(|b| i16::from_le_bytes(*b) - 1024).collect();
        assert_eq!(read, hounsfield);
    }
}
