//! What is wrong with an image, and where.

/// Why an image is not decoded, in words that hold numbers and the standard's names only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::io) enum JpegFault {
    /// The data break the standard or end too early.
    Damaged(String),
    /// The data may be sound; this decoder lacks the kind.
    Unsupported(String),
}

impl JpegFault {
    pub(super) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged(what.into())
    }

    pub(super) fn unsupported(what: impl Into<String>) -> Self {
        Self::Unsupported(what.into())
    }
}

/// What ends a scan before its last unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ScanStop {
    /// Data or segment end.
    Ends,
    /// Bits that are no code of the Huffman table.
    Code,
    /// A coefficient behind the last of its band.
    Index,
    /// A coefficient or sample that no image of this precision has.
    Range,
    /// Another restart marker than the one due, or another marker.
    Restart { due: u8, found: u8 },
    /// Bytes of entropy-coded data behind the last unit of a segment.
    Surplus(usize),
}

impl ScanStop {
    /// The fault in an image of so many rows, where `row` is the first one that is not whole.
    pub(super) fn at(self, row: usize, rows: usize) -> JpegFault {
        let place = format!("row {} of {}", row.min(rows), rows);
        JpegFault::Damaged(match self {
            Self::Ends => format!("the scan ends at {place}"),
            Self::Code => format!("undefined Huffman code at {place}"),
            Self::Index => format!("coefficient out of its band at {place}"),
            Self::Range => format!("value out of range at {place}"),
            Self::Restart { due, found: found @ 0xD0..=0xD7 } => {
                format!("restart marker {} where {due} is due at {place}", found - 0xD0)
            }
            Self::Restart { due, found } => format!("marker FF{found:02X} where restart marker {due} is due at {place}"),
            Self::Surplus(bytes) => format!("{bytes} bytes too many in the scan at {place}"),
        })
    }
}
