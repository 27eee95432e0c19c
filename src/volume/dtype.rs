//! The types in which voxels are stored.

/// How one stored value lies in memory: always little-endian, tightly packed.
///
/// The first five are what the kernels take as they are ([`Dtype::is_direct`]); the others occur in files and are narrowed,
/// or handled as real numbers, on the way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each name says its type")]
pub enum Dtype {
    U8,
    I8,
    U16,
    I16,
    F32,
    U32,
    I32,
    U64,
    I64,
    F64,
}

impl Dtype {
    /// Bytes per voxel.
    pub const fn bytes(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 => 2,
            Self::F32 | Self::U32 | Self::I32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }

    /// Whether the kernels take this type as it is.
    pub const fn is_direct(self) -> bool {
        matches!(self, Self::U8 | Self::I8 | Self::U16 | Self::I16 | Self::F32)
    }

    /// Whether every value has a bin of its own: 8- and 16-bit integers.
    pub const fn is_small_integer(self) -> bool {
        matches!(self, Self::U8 | Self::I8 | Self::U16 | Self::I16)
    }

    /// Whether the type holds whole numbers only.
    pub const fn is_integer(self) -> bool {
        !matches!(self, Self::F32 | Self::F64)
    }

    /// For 8- and 16-bit integers: the smallest value, which is bin 0 of an exact histogram.
    pub const fn first(self) -> i32 {
        match self {
            Self::I8 => i8::MIN as i32,
            Self::I16 => i16::MIN as i32,
            _ => 0,
        }
    }

    /// For 8- and 16-bit integers: how many values there are, which is the length of an exact histogram.
    pub const fn values(self) -> usize {
        1 << (8 * self.bytes())
    }

    /// The least and the greatest finite value (of 64-bit integers, as f64 rounds them).
    pub const fn limits(self) -> (f64, f64) {
        match self {
            Self::U8 => (0.0, u8::MAX as f64),
            Self::I8 => (i8::MIN as f64, i8::MAX as f64),
            Self::U16 => (0.0, u16::MAX as f64),
            Self::I16 => (i16::MIN as f64, i16::MAX as f64),
            Self::U32 => (0.0, u32::MAX as f64),
            Self::I32 => (i32::MIN as f64, i32::MAX as f64),
            Self::U64 => (0.0, u64::MAX as f64),
            Self::I64 => (i64::MIN as f64, i64::MAX as f64),
            Self::F32 => (f32::MIN as f64, f32::MAX as f64),
            Self::F64 => (f64::MIN, f64::MAX),
        }
    }

    /// numpy's name of the type.
    pub const fn name(self) -> &'static str {
        match self {
            Self::U8 => "uint8",
            Self::I8 => "int8",
            Self::U16 => "uint16",
            Self::I16 => "int16",
            Self::F32 => "float32",
            Self::U32 => "uint32",
            Self::I32 => "int32",
            Self::U64 => "uint64",
            Self::I64 => "int64",
            Self::F64 => "float64",
        }
    }

    /// One stored value as f64 (64-bit integers beyond 2⁵³ are rounded). `bytes` holds exactly one value.
    pub fn decode(self, bytes: &[u8]) -> f64 {
        match self {
            Self::U8 => f64::from(bytes[0]),
            Self::I8 => f64::from(bytes[0] as i8),
            Self::U16 => f64::from(u16::from_le_bytes([bytes[0], bytes[1]])),
            Self::I16 => f64::from(i16::from_le_bytes([bytes[0], bytes[1]])),
            Self::F32 => f64::from(f32::from_le_bytes(array(bytes))),
            Self::U32 => f64::from(u32::from_le_bytes(array(bytes))),
            Self::I32 => f64::from(i32::from_le_bytes(array(bytes))),
            Self::U64 => u64::from_le_bytes(array(bytes)) as f64,
            Self::I64 => i64::from_le_bytes(array(bytes)) as f64,
            Self::F64 => f64::from_le_bytes(array(bytes)),
        }
    }

    /// Stores a value: rounded to the nearest where the type holds whole numbers only, within its limits; NaN is 0 there. `out` takes exactly one value.
    pub fn encode(self, value: f64, out: &mut [u8]) {
        // Casts of floats stop at the limits of the type.
        match self {
            Self::U8 => out[0] = value.round() as u8,
            Self::I8 => out[0] = value.round() as i8 as u8,
            Self::U16 => out.copy_from_slice(&(value.round() as u16).to_le_bytes()),
            Self::I16 => out.copy_from_slice(&(value.round() as i16).to_le_bytes()),
            Self::F32 => out.copy_from_slice(&(value as f32).to_le_bytes()),
            Self::U32 => out.copy_from_slice(&(value.round() as u32).to_le_bytes()),
            Self::I32 => out.copy_from_slice(&(value.round() as i32).to_le_bytes()),
            Self::U64 => out.copy_from_slice(&(value.round() as u64).to_le_bytes()),
            Self::I64 => out.copy_from_slice(&(value.round() as i64).to_le_bytes()),
            Self::F64 => out.copy_from_slice(&value.to_le_bytes()),
        }
    }
}

impl std::fmt::Display for Dtype {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[..N]);
    out
}
