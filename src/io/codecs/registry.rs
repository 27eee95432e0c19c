//! JPEG 2000 and JPEG XL, by the decoders that dicom-rs knows under the identifiers of transfer syntaxes.

use std::borrow::Cow;

use dicom_encoding::TransferSyntaxIndex;
use dicom_encoding::adapters::{PixelDataObject, RawPixelData};
use dicom_transfer_syntax_registry::TransferSyntaxRegistry;

use super::guarded;

/// One compressed image and what is known of it.
pub(in crate::io) struct CompressedImage<'a> {
    /// The transfer syntax.
    pub(in crate::io) uid: &'a str,
    pub(in crate::io) rows: u64,
    pub(in crate::io) columns: u64,
    pub(in crate::io) samples: u64,
    pub(in crate::io) bits_allocated: u16,
    pub(in crate::io) bits_stored: u16,
    pub(in crate::io) data: &'a [u8],
}

/// Whether there is a decoder for a transfer syntax.
pub(in crate::io) fn knows(uid: &str) -> bool {
    TransferSyntaxRegistry.get(uid).is_some_and(|syntax| syntax.pixel_data_reader().is_some())
}

/// The samples of an image.
pub(in crate::io) fn decode(image: &CompressedImage) -> Option<Vec<u8>> {
    let reader = TransferSyntaxRegistry.get(image.uid)?.pixel_data_reader()?;
    guarded(|| {
        let mut out = Vec::new();
        reader.decode_frame(image, 0, &mut out).ok().map(|()| out)
    })
}

/// As the decoders want to see it: a file of one frame.
impl PixelDataObject for CompressedImage<'_> {
    fn transfer_syntax_uid(&self) -> &str {
        self.uid
    }
    fn rows(&self) -> Option<u16> {
        self.rows.try_into().ok()
    }
    fn cols(&self) -> Option<u16> {
        self.columns.try_into().ok()
    }
    fn samples_per_pixel(&self) -> Option<u16> {
        self.samples.try_into().ok()
    }
    fn bits_allocated(&self) -> Option<u16> {
        Some(self.bits_allocated)
    }
    fn bits_stored(&self) -> Option<u16> {
        Some(self.bits_stored)
    }
    fn photometric_interpretation(&self) -> Option<&str> {
        Some(if self.samples == 1 { "MONOCHROME2" } else { "RGB" })
    }
    fn number_of_frames(&self) -> Option<u32> {
        Some(1)
    }
    fn number_of_fragments(&self) -> Option<u32> {
        Some(1)
    }
    fn fragment(&self, fragment: usize) -> Option<Cow<'_, [u8]>> {
        (fragment == 0).then_some(Cow::Borrowed(self.data))
    }
    fn offset_table(&self) -> Option<Cow<'_, [u32]>> {
        None
    }
    fn raw_pixel_data(&self) -> Option<RawPixelData> {
        Some(RawPixelData { fragments: vec![self.data.to_vec()].into(), offset_table: Vec::new().into() })
    }
}
