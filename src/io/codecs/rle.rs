//! RLE Lossless (PS3.5 annex G): PackBits, one segment for each byte of each sample.

/// One frame's samples: little-endian, samples of a pixel side by side. None if the data is damaged.
pub(in crate::io) fn decode(data: &[u8], pixels: usize, samples: usize, bytes: usize) -> Option<Vec<u8>> {
    let header: Vec<usize> =
        data.get(..64)?.chunks_exact(4).map(|w| u32::from_le_bytes([w[0], w[1], w[2], w[3]]) as usize).collect();
    let segments = header[0];
    if segments != samples * bytes || segments > 15 {
        return None;
    }
    // Two bytes make 128 at the most: a frame that claims more is a lie, and nothing is allocated for it.
    if pixels.checked_mul(segments)? > data.len().checked_mul(64)? {
        return None;
    }
    let mut out = vec![0; pixels * segments];
    for s in 0..segments {
        let end = if s + 1 < segments { header[s + 2] } else { data.len() };
        let segment = data.get(header[s + 1]..end)?;
        // Segments hold the most significant bytes first.
        let first = s / bytes * bytes + (bytes - 1 - s % bytes);
        unpack(segment, out[first..].iter_mut().step_by(segments).take(pixels))?;
    }
    Some(out)
}

/// Fills `out` from PackBits, which TIFF has too; none if it ends early.
pub(in crate::io) fn unpack<'a>(mut packed: &[u8], mut out: impl ExactSizeIterator<Item = &'a mut u8>) -> Option<()> {
    while out.len() > 0 {
        let (&control, rest) = packed.split_first()?;
        packed = match control {
            0..=127 => {
                let n = usize::from(control) + 1;
                let run = rest.get(..n)?;
                // The run first: zip asks its first side once more than it uses.
                for (from, to) in run.iter().zip(out.by_ref()) {
                    *to = *from;
                }
                &rest[n..]
            }
            128 => rest,
            129..=255 => {
                let (&value, rest) = rest.split_first()?;
                for to in out.by_ref().take(257 - usize::from(control)) {
                    *to = value;
                }
                rest
            }
        };
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_literals_and_both_bytes() {
        let mut data = vec![0; 64];
        data[0] = 2;
        data[4] = 64;
        data[8] = 64 + 4;
        data.extend([0xFE, 0x01, 0x00, 0x02]); // high bytes: three times 1, then 2
        data.extend([0x03, 10, 20, 30, 40]); // low bytes
        let out = decode(&data, 4, 1, 2).unwrap();
        assert_eq!(out, [10, 1, 20, 1, 30, 1, 40, 2]);
        assert!(decode(&data, 5, 1, 2).is_none());
        assert!(decode(&data, usize::MAX / 2, 1, 2).is_none());
        assert!(decode(&data[..66], 4, 1, 2).is_none());
    }
}
