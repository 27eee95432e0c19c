//! A gzip file as one stream: all its members, and nothing of what follows them.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use flate2::bufread::GzDecoder;

/// The two bytes with which each member begins.
pub(super) const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Deflate cannot expand more than this: 258 bytes from two bits.
pub(super) const MOST_EXPANSION: u64 = 1032;

/// Reads through members. Real files carry padding or other bytes behind the last member; gzip and nibabel ignore them, and
/// so does this, which `flate2::MultiGzDecoder` would report as an error.
pub(super) struct GzipReader {
    /// None between a member and the end.
    member: Option<GzDecoder<BufReader<File>>>,
}

impl GzipReader {
    /// At the first byte of the data.
    pub(super) fn open(path: &Path) -> std::io::Result<Self> {
        let file = BufReader::with_capacity(1 << 17, File::open(path)?);
        Ok(Self { member: Some(GzDecoder::new(file)) })
    }
}

impl Read for GzipReader {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        while let Some(member) = &mut self.member {
            let n = member.read(into)?;
            if n > 0 || into.is_empty() {
                return Ok(n);
            }
            // The member is complete and its checksum right.
            let Some(mut file) = self.member.take().map(GzDecoder::into_inner) else { break };
            if starts_with_magic(&mut file)? {
                self.member = Some(GzDecoder::new(file));
            }
        }
        Ok(0)
    }
}

fn starts_with_magic(file: &mut BufReader<File>) -> std::io::Result<bool> {
    let start = file.fill_buf()?;
    if start.len() >= 2 || start.is_empty() {
        return Ok(start.starts_with(&MAGIC));
    }
    // One byte is left in the buffer: look at what follows it, which is then read again as part of the header.
    let first = start[0];
    let mut second = [0];
    let file_end = file.get_mut().read(&mut second)? == 0;
    if file_end || first != MAGIC[0] || second[0] != MAGIC[1] {
        return Ok(false);
    }
    // The buffer still holds its byte: only the one taken from under it goes back.
    file.get_mut().seek(SeekFrom::Current(-1))?;
    Ok(true)
}
