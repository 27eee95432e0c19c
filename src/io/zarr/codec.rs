//! How the bytes of a chunk are compressed. Nothing is decoded beyond the length that it must have.

use std::io::{self, Read};

use super::blosc;

/// One step of compression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PackedForm {
    Gzip,
    Zlib,
    Bzip2,
    Zstd,
    Blosc,
    /// A block of LZ4 behind the number of bytes it holds, as numcodecs writes it.
    Lz4,
    /// A checksum behind the bytes (CRC-32C).
    Checksum,
}

/// Names under which versions 2 and 3 know them. Version 3 has some by the name of the library that defines them.
const NAMES: [(&str, PackedForm); 11] = [
    ("gzip", PackedForm::Gzip),
    ("zlib", PackedForm::Zlib),
    ("bz2", PackedForm::Bzip2),
    ("zstd", PackedForm::Zstd),
    ("blosc", PackedForm::Blosc),
    ("lz4", PackedForm::Lz4),
    ("crc32c", PackedForm::Checksum),
    ("numcodecs.zlib", PackedForm::Zlib),
    ("numcodecs.bz2", PackedForm::Bzip2),
    ("numcodecs.zstd", PackedForm::Zstd),
    ("numcodecs.lz4", PackedForm::Lz4),
];

/// Bytes of a checksum.
const CHECKSUM: usize = 4;

impl PackedForm {
    pub(super) fn of(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, form)| *form)
    }

    /// As people call it.
    const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zlib => "zlib",
            Self::Bzip2 => "bzip2",
            Self::Zstd => "zstd",
            Self::Blosc => "Blosc",
            Self::Lz4 => "LZ4",
            Self::Checksum => "CRC-32C",
        }
    }

    /// What the bytes stand for, if that is no more than `most` bytes.
    fn undone(self, bytes: &[u8], most: usize) -> io::Result<Vec<u8>> {
        match self {
            Self::Gzip => taken(flate2::bufread::MultiGzDecoder::new(bytes), most),
            Self::Zlib => taken(flate2::bufread::ZlibDecoder::new(bytes), most),
            Self::Bzip2 => taken(bzip2::bufread::MultiBzDecoder::new(bytes), most),
            Self::Zstd => {
                let mut out = Vec::with_capacity(most);
                zstd::bulk::Decompressor::new()?.decompress_to_buffer(bytes, &mut out)?;
                Ok(out)
            }
            Self::Blosc => blosc::decoded(bytes, most),
            Self::Lz4 => {
                let (length, block) = bytes.split_first_chunk().ok_or(io::ErrorKind::UnexpectedEof)?;
                blosc::lz4(block, (u32::from_le_bytes(*length) as usize).min(most + 1))
            }
            Self::Checksum => {
                let (inner, sum) = bytes.split_last_chunk::<CHECKSUM>().ok_or(io::ErrorKind::UnexpectedEof)?;
                if crc32c(inner) != u32::from_le_bytes(*sum) {
                    return Err(io::Error::other("the checksum is another"));
                }
                Ok(inner.to_vec())
            }
        }
    }
}

/// The bytes that a chunk of `length` bytes may be compressed to: compression never adds half as much.
pub(super) fn most_packed(length: usize) -> u64 {
    length as u64 + length as u64 / 2 + (1 << 16)
}

/// Undoes all steps.
///
/// # Errors
/// What is wrong with the chunk, in words.
pub(super) fn unpacked(forms: &[PackedForm], bytes: Vec<u8>, length: usize) -> Result<Vec<u8>, String> {
    let mut bytes = bytes;
    for (i, form) in forms.iter().enumerate() {
        let last = i + 1 == forms.len();
        let most = if last { length } else { most_packed(length) as usize };
        bytes = form.undone(&bytes, most).map_err(|e| match e.kind() {
            io::ErrorKind::UnexpectedEof => "truncated: the data of the chunk end early".to_owned(),
            _ => format!("damaged {} data in the chunk ({e})", form.name()),
        })?;
    }
    match bytes.len() {
        n if n == length => Ok(bytes),
        n if n < length => Err(format!("truncated: the chunk has {n} bytes, needs {length}")),
        _ => Err(format!("the chunk has more than the {length} bytes it should")),
    }
}

/// All that a reader gives, and one byte too many if it is more than `most`.
fn taken(reader: impl Read, most: usize) -> io::Result<Vec<u8>> {
    let mut out = Vec::with_capacity(most.min(1 << 20));
    reader.take(most as u64 + 1).read_to_end(&mut out)?;
    Ok(out)
}

/// CRC-32C (Castagnoli, reflected polynomial 0x82F63B78), byte by byte.
pub(super) fn crc32c(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut i = 0;
        while i < 256 {
            let (mut value, mut bit) = (i as u32, 0);
            while bit < 8 {
                value = if value & 1 == 1 { value >> 1 ^ 0x82f6_3b78 } else { value >> 1 };
                bit += 1;
            }
            table[i] = value;
            i += 1;
        }
        table
    };
    !bytes.iter().fold(!0, |sum, byte| TABLE[((sum ^ u32::from(*byte)) & 0xff) as usize] ^ sum >> 8)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn the_checksum_is_the_published_one() {
        // The check value of the algorithm, and RFC 3720 B.4.
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn steps_are_undone_in_their_order() {
        let plain: Vec<u8> = (0..200).map(|i| i as u8 / 3).collect();
        let zipped = gzip(&plain);
        let summed = [&zipped[..], &crc32c(&zipped).to_le_bytes()].concat();
        assert_eq!(unpacked(&[PackedForm::Checksum, PackedForm::Gzip], summed.clone(), 200).unwrap(), plain);
        let mut wrong = summed;
        wrong[20] ^= 1;
        let error = unpacked(&[PackedForm::Checksum, PackedForm::Gzip], wrong, 200).unwrap_err();
        assert!(error.contains("checksum"), "{error}");
        assert_eq!(unpacked(&[], plain.clone(), 200).unwrap(), plain);
    }

    /// Chunks that claim or hold far more than they should are not decoded to their end.
    #[test]
    fn no_chunk_grows_beyond_its_length() {
        let bomb = vec![0u8; 64 << 20];
        let zstd = zstd::bulk::compress(&bomb, 1).unwrap();
        for (form, bytes) in [(PackedForm::Gzip, gzip(&bomb)), (PackedForm::Zstd, zstd.clone())] {
            assert!(unpacked(&[form], bytes, 1000).is_err(), "{form:?}");
        }
        // A frame header that claims 2^64 - 1 bytes.
        let frame = [&[0x28, 0xb5, 0x2f, 0xfd, 0xe0][..], &[0xff; 8], &zstd[6..]].concat();
        assert!(unpacked(&[PackedForm::Zstd], frame, 1000).is_err());
        assert!(unpacked(&[PackedForm::Lz4], [&[0xff; 4][..], &[0; 30]].concat(), 1000).is_err());
        assert!(unpacked(&[], vec![0; 3], 4).unwrap_err().starts_with("truncated"));
        assert!(unpacked(&[], vec![0; 5], 4).unwrap_err().contains("more than"));
    }
}
