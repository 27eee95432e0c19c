//! Transfer syntaxes: how a data set and its pixels are encoded.

use dicom_encoding::TransferSyntaxIndex;
use dicom_transfer_syntax_registry::TransferSyntaxRegistry;

/// How pixels are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    /// Encapsulated but not compressed.
    Wrapped,
    Rle,
    Jpeg,
    JpegLs,
    Jpeg2000,
    JpegXl,
    Unknown,
}

/// One transfer syntax.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Syntax {
    pub(super) uid: String,
    pub(super) explicit: bool,
    pub(super) big_endian: bool,
    pub(super) deflated: bool,
    pub(super) compression: Compression,
}

impl Syntax {
    /// The syntax with this UID; unknown ones are taken for compressed, explicit VR little endian, as the standard demands of
    /// new syntaxes.
    pub(super) fn from_uid(uid: &str) -> Self {
        let tail = uid.strip_prefix("1.2.840.10008.1.2").unwrap_or("?");
        let compression = match tail {
            "" | ".1" | ".2" | ".1.99" => Compression::None,
            ".1.98" => Compression::Wrapped,
            ".5" => Compression::Rle,
            _ => match tail.strip_prefix(".4.").and_then(|n| n.parse::<u32>().ok()) {
                Some(50..=70) => Compression::Jpeg,
                Some(80 | 81) => Compression::JpegLs,
                Some(90..=93 | 201..=203) => Compression::Jpeg2000,
                Some(110..=112) => Compression::JpegXl,
                _ => Compression::Unknown,
            },
        };
        let safe = uid.len() <= 64 && uid.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        Self {
            uid: if safe { uid.into() } else { String::new() },
            explicit: !tail.is_empty(),
            big_endian: tail == ".2",
            deflated: tail == ".1.99",
            compression,
        }
    }

    /// Implicit VR little endian, which is what files without a meta group are.
    pub(super) fn implicit() -> Self {
        Self::from_uid("1.2.840.10008.1.2")
    }

    /// UID and standard name.
    pub(super) fn label(&self) -> String {
        match TransferSyntaxRegistry.get(&self.uid) {
            Some(known) => format!("{} {}", self.uid, known.name()),
            None => self.uid.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_common_ones() {
        let of = |uid| Syntax::from_uid(uid);
        assert!(!Syntax::implicit().explicit);
        assert!(of("1.2.840.10008.1.2.2").big_endian);
        assert!(of("1.2.840.10008.1.2.1.99").deflated);
        assert_eq!(of("1.2.840.10008.1.2.4.90").compression, Compression::Jpeg2000);
        assert_eq!(of("1.2.840.10008.1.2.4.90").label(), "1.2.840.10008.1.2.4.90 JPEG 2000 Image Compression (Lossless Only)");
        assert_eq!(of("1.2.840.10008.1.2.4.100").compression, Compression::Unknown);
        assert_eq!(of("Doe^John").uid, "");
    }
}
