//! Blosc (version 1 of its format), the usual compressor of Zarr version 2: blocks, of which each byte of a number may be a stream of its own, compressed
//! by one of several others after bytes or bits of equal weight were put together.

use std::io;

/// Version, version of the inner compressor, flags, bytes of a number; then three lengths of 32 bits.
const HEADER: usize = 16;

/// Flags of the header.
const SHUFFLED: u8 = 1;
const PLAIN: u8 = 2;
const BITS_SHUFFLED: u8 = 4;
const NOT_SPLIT: u8 = 16;

/// Numbers of more bytes than this are not split into streams, nor blocks of so few numbers.
const MOST_STREAMS: usize = 16;
const FEWEST_NUMBERS: usize = 128;

/// Inner compressors by their number in the flags.
#[derive(Debug, Clone, Copy)]
enum BloscCodec {
    BloscLz,
    Lz4,
    Zlib,
    Zstd,
}

/// What a buffer holds, if that is no more than `most` bytes.
///
/// # Errors
/// What is wrong with it.
pub(super) fn decoded(bytes: &[u8], most: usize) -> io::Result<Vec<u8>> {
    let head: [u8; HEADER] = *bytes.first_chunk().ok_or(io::ErrorKind::UnexpectedEof)?;
    let word = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]) as usize;
    let (flags, size) = (head[2], usize::from(head[3]).max(1));
    let (length, block, packed) = (word(4), word(8), word(12));
    if head[0] > 2 {
        return Err(wrong("a version after 1"));
    }
    if length > most {
        return Err(wrong("it claims more bytes than the chunk has"));
    }
    // The buffer may be followed by what belongs to no one.
    let bytes = bytes.get(..packed).ok_or(io::ErrorKind::UnexpectedEof)?;
    if flags & PLAIN != 0 {
        return Ok(bytes.get(HEADER..).and_then(|b| b.get(..length)).ok_or(io::ErrorKind::UnexpectedEof)?.to_vec());
    }
    if length == 0 {
        return Ok(Vec::new());
    }
    if block == 0 || block > length.next_multiple_of(size) {
        return Err(wrong("blocks of no or too many bytes"));
    }
    let codec = match flags >> 5 {
        0 => BloscCodec::BloscLz,
        1 => BloscCodec::Lz4,
        2 => return Err(wrong("the inner compressor is Snappy, which is not read")),
        3 => BloscCodec::Zlib,
        4 => BloscCodec::Zstd,
        _ => return Err(wrong("an inner compressor that is not known")),
    };
    let mut out = Vec::with_capacity(length);
    for i in 0..length.div_ceil(block) {
        let plain = block.min(length - i * block);
        let whole = plain == block;
        let streams = whole && flags & NOT_SPLIT == 0 && size <= MOST_STREAMS && block / size >= FEWEST_NUMBERS;
        let start = int(bytes, HEADER + 4 * i)?;
        let shuffled = streams_of(codec, bytes, start, (plain, if streams { size } else { 1 }))?;
        if flags & SHUFFLED != 0 && size > 1 {
            unshuffle(&shuffled, size, &mut out);
        } else if flags & BITS_SHUFFLED != 0 && plain >= size {
            unshuffle_bits(&shuffled, size, &mut out);
        } else {
            out.extend(shuffled);
        }
    }
    Ok(out)
}

fn wrong(what: &str) -> io::Error {
    io::Error::other(what)
}

/// A length or a place of 32 bits.
fn int(bytes: &[u8], at: usize) -> io::Result<usize> {
    let word = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>()).ok_or(io::ErrorKind::UnexpectedEof)?;
    Ok(u32::from_le_bytes(*word) as usize)
}

/// The `plain` bytes of a block that lies from `at` on in so many streams.
fn streams_of(codec: BloscCodec, bytes: &[u8], at: usize, (plain, streams): (usize, usize)) -> io::Result<Vec<u8>> {
    let each = plain / streams;
    let (mut at, mut out) = (at, Vec::with_capacity(plain));
    for _ in 0..streams {
        let packed = int(bytes, at)?;
        let stream = bytes.get(at + 4..).and_then(|rest| rest.get(..packed)).ok_or(io::ErrorKind::UnexpectedEof)?;
        at += 4 + packed;
        if packed == each {
            out.extend(stream);
            continue;
        }
        let before = out.len();
        match codec {
            BloscCodec::BloscLz => blosc_lz(stream, before + each, &mut out)?,
            BloscCodec::Lz4 => out.extend(lz4(stream, each)?),
            BloscCodec::Zlib => {
                let zlib = flate2::bufread::ZlibDecoder::new(stream);
                io::Read::read_to_end(&mut io::Read::take(zlib, each as u64 + 1), &mut out)?;
            }
            BloscCodec::Zstd => out.extend(zstd::bulk::decompress(stream, each)?),
        }
        if out.len() != before + each {
            return Err(wrong("a stream has another length than it should"));
        }
    }
    // What is left of a block that no stream takes a share of is not written.
    if out.len() == plain { Ok(out) } else { Err(wrong("a block has another length than it should")) }
}

/// Puts the bytes of each number together again: all first bytes lie before all second ones. Bytes that make no number follow as they are.
fn unshuffle(bytes: &[u8], size: usize, out: &mut Vec<u8>) {
    let numbers = bytes.len() / size;
    let start = out.len();
    out.resize(start + numbers * size, 0);
    for (k, plane) in bytes.chunks_exact(numbers.max(1)).take(size).enumerate() {
        for (number, byte) in out[start..].chunks_exact_mut(size).zip(plane) {
            number[k] = *byte;
        }
    }
    out.extend(&bytes[numbers * size..]);
}

/// Puts the bits of each number together again: the lowest bits of all first bytes come first, eight numbers in a byte. Where numbers do not come in
/// eights nothing was shuffled.
fn unshuffle_bits(bytes: &[u8], size: usize, out: &mut Vec<u8>) {
    let numbers = bytes.len() / size;
    if !numbers.is_multiple_of(8) {
        out.extend(bytes);
        return;
    }
    let start = out.len();
    out.resize(start + numbers * size, 0);
    let row = numbers / 8;
    for k in 0..size {
        for group in 0..row {
            // Eight bytes, each with one bit of eight numbers, as a square of bits that is turned.
            let square: [u8; 8] = std::array::from_fn(|bit| bytes[(k * 8 + bit) * row + group]);
            for (i, byte) in turned(square).into_iter().enumerate() {
                out[start + (group * 8 + i) * size + k] = byte;
            }
        }
    }
    out.extend(&bytes[numbers * size..]);
}

/// Rows of bits become columns: bit `i` of byte `j` becomes bit `j` of byte `i`.
fn turned(square: [u8; 8]) -> [u8; 8] {
    let mut x = u64::from_le_bytes(square);
    // Squares of four, two and one bits change places across the diagonal.
    for (shift, mask) in [(28, 0x0000_0000_f0f0_f0f0), (14, 0x0000_cccc_0000_cccc), (7, 0x00aa_00aa_00aa_00aa)] {
        let swap = (x ^ (x >> shift)) & mask;
        x ^= swap ^ (swap << shift);
    }
    x.to_le_bytes()
}

/// A block of LZ4 that holds `length` bytes.
pub(super) fn lz4(block: &[u8], length: usize) -> io::Result<Vec<u8>> {
    let mut out = vec![0; length];
    let n = lz4_flex::block::decompress_into(block, &mut out).map_err(|_| io::Error::other("no block of LZ4"))?;
    out.truncate(n);
    Ok(out)
}

/// BloscLZ: runs of literal bytes, and copies of what came up to 73,726 bytes before. Appends until `end` bytes are there, or fails.
fn blosc_lz(bytes: &[u8], end: usize, out: &mut Vec<u8>) -> io::Result<()> {
    /// Distances from here on have 16 bits of their own.
    const FAR: usize = 8191;
    let begin = out.len();
    let mut rest = bytes.iter().copied();
    let mut next = || rest.next().map(usize::from).ok_or(io::ErrorKind::UnexpectedEof);
    // The first control byte is of literals; its upper bits say the version.
    let mut control = next()? & 31;
    loop {
        if control < 32 {
            for _ in 0..=control {
                let byte = next()?;
                out.push(byte as u8);
            }
        } else {
            let mut length = (control >> 5) - 1;
            if length == 6 {
                loop {
                    let more = next()?;
                    length += more;
                    if more != 255 {
                        break;
                    }
                }
            }
            let high = (control & 31) << 8;
            let low = next()?;
            let distance = if low == 255 && high == 31 << 8 { (next()? << 8) + next()? + FAR } else { high + low } + 1;
            let length = length + 3;
            if distance > out.len() - begin || length > end - out.len().min(end) {
                return Err(wrong("a copy from before the beginning or beyond the end"));
            }
            let from = out.len() - distance;
            // What is copied may be copied again within one copy.
            for i in from..from + length {
                out.push(out[i]);
            }
        }
        if out.len() > end {
            return Err(wrong("more bytes than there should be"));
        }
        match next() {
            Ok(byte) => control = byte,
            Err(_) => return Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_turned() {
        let square: [u8; 8] = [0b1, 0b11, 0, 0x80, 0xff, 0, 0x55, 7];
        let want: [u8; 8] = std::array::from_fn(|i| (0..8).map(|j| (square[j] >> i & 1) << j).sum());
        assert_eq!(turned(square), want);
        assert_eq!(turned(turned(square)), square);
    }

    #[test]
    fn bytes_come_together_again() {
        let mut out = Vec::new();
        unshuffle(&[1, 2, 3, 11, 12, 13, 99], 2, &mut out);
        assert_eq!(out, [1, 11, 2, 12, 3, 13, 99]);
    }

    /// Header, one block, one stream.
    fn buffer(codec: u8, plain: u32, stream: &[u8]) -> Vec<u8> {
        let packed = (HEADER + 4 + 4 + stream.len()) as u32;
        let words = [plain, plain, packed, 20, stream.len() as u32];
        [&[2, 1, NOT_SPLIT | codec << 5, 1][..], &words.map(u32::to_le_bytes).concat(), stream].concat()
    }

    #[test]
    fn blosc_lz_repeats_what_it_wrote() {
        // Two literals, then a copy of 5 bytes from 2 before, then one literal.
        let stream = [1, 7, 8, 3 << 5, 1, 0, 9];
        assert_eq!(decoded(&buffer(0, 8, &stream), 8).unwrap(), [7, 8, 7, 8, 7, 8, 7, 9]);
        for wrong in [&[1, 7, 8, 3 << 5, 2, 0, 9][..], &[1, 7, 8, 7 << 5, 200, 1], &[1, 7], &[31, 7, 8]] {
            assert!(decoded(&buffer(0, 8, wrong), 8).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn no_damage_makes_it_panic_or_grow() {
        let good = buffer(4, 300, &zstd::bulk::compress(&[5; 300], 1).unwrap());
        assert_eq!(decoded(&good, 300).unwrap(), [5; 300]);
        assert!(decoded(&good, 299).is_err());
        for at in 0..good.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut bytes = good.clone();
                bytes[at] = value;
                if let Ok(out) = decoded(&bytes, 300) {
                    assert!(out.len() <= 300);
                }
                assert!(decoded(&good[..at], 300).is_err());
            }
        }
    }
}
