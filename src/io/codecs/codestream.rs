//! What a compressed image says of itself, read before a decoder is let near it.

/// Size and kind of a JPEG or JPEG 2000 image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::io) struct CodestreamFacts {
    pub(in crate::io) columns: u64,
    pub(in crate::io) rows: u64,
    pub(in crate::io) components: u64,
    pub(in crate::io) precision: u8,
    /// JPEG: predictive, not DCT.
    pub(in crate::io) lossless: bool,
    /// JPEG: a JFIF or Adobe marker says how colours are coded. JPEG 2000: a colour transform is undone by the decoder.
    pub(in crate::io) colour_marked: bool,
    /// JPEG 2000: all components have full size.
    pub(in crate::io) full_size: bool,
}

/// The SIZ and COD markers of a JPEG 2000 code stream, bare or in a JP2 file.
pub(in crate::io) fn jpeg2000(data: &[u8]) -> Option<CodestreamFacts> {
    let start = data.windows(4).take(4096).position(|w| w == [0xFF, 0x4F, 0xFF, 0x51])?;
    let siz = data.get(start + 4..)?;
    let u16_at = |i: usize| Some(u16::from_be_bytes([*siz.get(i)?, *siz.get(i + 1)?]));
    let u32_at = |i: usize| Some(u64::from(u16_at(i)?) << 16 | u64::from(u16_at(i + 2)?));
    // Lsiz, Rsiz, then Xsiz Ysiz XOsiz YOsiz XTsiz YTsiz XTOsiz YTOsiz Csiz.
    let len = usize::from(u16_at(0)?);
    let components = u64::from(u16_at(36)?);
    let (columns, rows) = (u32_at(4)?.checked_sub(u32_at(12)?)?, u32_at(8)?.checked_sub(u32_at(16)?)?);
    let (tile_columns, tile_rows) = (u32_at(20)?, u32_at(24)?);
    // The standard allows 65535 tiles; decoders allocate for each.
    if tile_columns == 0 || tile_rows == 0 || columns.div_ceil(tile_columns) * rows.div_ceil(tile_rows) > 65535 {
        return None;
    }
    let precision = (*siz.get(38)? & 0x7F) + 1;
    let full_size = (0..components as usize).all(|c| siz.get(38 + 3 * c + 1..38 + 3 * c + 3) == Some(&[1, 1]));
    let mut at = len;
    let mut transform = false;
    while let (Some(0xFF), Some(&marker), Some(len)) = (siz.get(at), siz.get(at + 1), u16_at(at + 2)) {
        match marker {
            0x52 => transform = *siz.get(at + 8)? == 1,
            0x90 => break,
            _ => {}
        }
        at += 2 + usize::from(len);
    }
    Some(CodestreamFacts { columns, rows, components, precision, lossless: false, colour_marked: transform, full_size })
}
