//! A gzip or bzip2 file as one stream: all its members, and nothing of what follows them.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};

use bzip2::bufread::BzDecoder;
use flate2::bufread::GzDecoder;

/// How members are made, and the two bytes with which each begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MemberKind {
    Gzip,
    Bzip2,
}

impl MemberKind {
    pub(super) const fn magic(self) -> [u8; 2] {
        match self {
            Self::Gzip => [0x1f, 0x8b],
            Self::Bzip2 => *b"BZ",
        }
    }
}

/// Reads through members. Real files carry padding or other bytes behind the last member; gzip and nibabel ignore them, and
/// so does this, which `flate2::MultiGzDecoder` would report as an error.
pub(super) struct MemberReader {
    kind: MemberKind,
    /// None between a member and the end.
    member: Option<Member>,
}

enum Member {
    Gzip(Box<GzDecoder<BufReader<File>>>),
    Bzip2(BzDecoder<BufReader<File>>),
}

impl Member {
    fn new(kind: MemberKind, file: BufReader<File>) -> Self {
        match kind {
            MemberKind::Gzip => Self::Gzip(Box::new(GzDecoder::new(file))),
            MemberKind::Bzip2 => Self::Bzip2(BzDecoder::new(file)),
        }
    }

    fn into_inner(self) -> BufReader<File> {
        match self {
            Self::Gzip(decoder) => decoder.into_inner(),
            Self::Bzip2(decoder) => decoder.into_inner(),
        }
    }
}

impl MemberReader {
    /// At the first byte of the data.
    pub(super) fn new(kind: MemberKind, file: BufReader<File>) -> Self {
        Self { kind, member: Some(Member::new(kind, file)) }
    }
}

impl Read for MemberReader {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        while let Some(member) = &mut self.member {
            let n = match member {
                Member::Gzip(decoder) => decoder.read(into),
                Member::Bzip2(decoder) => decoder.read(into),
            }?;
            if n > 0 || into.is_empty() {
                return Ok(n);
            }
            // The member is complete and its checksum right.
            let Some(mut file) = self.member.take().map(Member::into_inner) else { break };
            if starts_with(self.kind.magic(), &mut file)? {
                self.member = Some(Member::new(self.kind, file));
            }
        }
        Ok(0)
    }
}

fn starts_with(magic: [u8; 2], file: &mut BufReader<File>) -> std::io::Result<bool> {
    let start = file.fill_buf()?;
    if start.len() >= 2 || start.is_empty() {
        return Ok(start.starts_with(&magic));
    }
    // One byte is left in the buffer: look at what follows it, which is then read again as part of the header.
    let first = start[0];
    let mut second = [0];
    let file_end = file.get_mut().read(&mut second)? == 0;
    if file_end || first != magic[0] || second[0] != magic[1] {
        return Ok(false);
    }
    // The buffer still holds its byte: only the one taken from under it goes back.
    file.get_mut().seek(SeekFrom::Current(-1))?;
    Ok(true)
}
