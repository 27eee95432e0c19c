//! Where the fields of the two NIfTI headers lie, and their values as one set of types.

/// The two versions of the single-file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    One,
    Two,
}

impl Version {
    /// Length of the header itself.
    pub(super) const fn header_len(self) -> usize {
        match self {
            Self::One => 348,
            Self::Two => 540,
        }
    }

    /// Where the voxels begin in a file without extensions: behind the header and four flag bytes.
    pub(super) const fn first_voxel(self) -> u64 {
        self.header_len() as u64 + 4
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::One => "NIfTI-1",
            Self::Two => "NIfTI-2",
        }
    }

    /// Version and byte order (true: big-endian) from the length that the header states first.
    pub(super) fn sniff(bytes: &[u8]) -> Option<(Self, bool)> {
        match bytes.first_chunk::<4>()? {
            [0x5c, 1, 0, 0] => Some((Self::One, false)),
            [0, 0, 1, 0x5c] => Some((Self::One, true)),
            [0x1c, 2, 0, 0] => Some((Self::Two, false)),
            [0, 0, 2, 0x1c] => Some((Self::Two, true)),
            _ => None,
        }
    }
}

/// The fields that are read: never `descrip`, `aux_file`, names or extensions, which may hold a patient's.
#[derive(Debug, Clone)]
pub(super) struct Fields {
    pub(super) version: Version,
    pub(super) big_endian: bool,
    pub(super) magic: [u8; 4],
    pub(super) dim: [i64; 8],
    /// Where FreeSurfer keeps the length of an axis that is too long for NIfTI-1; 0 in NIfTI-2.
    pub(super) glmin: i64,
    pub(super) datatype: i32,
    pub(super) bitpix: i32,
    pub(super) pixdim: [f64; 8],
    /// NIfTI-1 stores it as f32, so it may be anything.
    pub(super) vox_offset: f64,
    pub(super) slope: f64,
    pub(super) intercept: f64,
    pub(super) units: u8,
    pub(super) intent: i32,
    pub(super) qform_code: i32,
    pub(super) sform_code: i32,
    pub(super) quaternion: [f64; 3],
    pub(super) offset: [f64; 3],
    pub(super) srow: [[f64; 4]; 3],
}

impl Fields {
    /// The fields of a header; none if it does not begin like one or is cut off.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (version, big_endian) = Version::sniff(bytes)?;
        let at = FieldReader { bytes: bytes.get(..version.header_len())?, big_endian };
        Some(match version {
            Version::One => Self {
                version,
                big_endian,
                magic: at.get(344),
                dim: std::array::from_fn(|i| at.i16(40 + 2 * i).into()),
                glmin: at.i32(144).into(),
                datatype: at.i16(70).into(),
                bitpix: at.i16(72).into(),
                pixdim: at.f32s(76),
                vox_offset: at.f32(108),
                slope: at.f32(112),
                intercept: at.f32(116),
                units: at.bytes[123],
                intent: at.i16(68).into(),
                qform_code: at.i16(252).into(),
                sform_code: at.i16(254).into(),
                quaternion: at.f32s(256),
                offset: at.f32s(268),
                srow: std::array::from_fn(|row| at.f32s(280 + 16 * row)),
            },
            Version::Two => Self {
                version,
                big_endian,
                magic: at.get(4),
                dim: std::array::from_fn(|i| at.i64(16 + 8 * i)),
                glmin: 0,
                datatype: at.i16(12).into(),
                bitpix: at.i16(14).into(),
                pixdim: at.f64s(104),
                vox_offset: at.i64(168) as f64,
                slope: at.f64(176),
                intercept: at.f64(184),
                units: at.i32(500) as u8,
                intent: at.i32(504),
                qform_code: at.i32(344),
                sform_code: at.i32(348),
                quaternion: at.f64s(352),
                offset: at.f64s(376),
                srow: std::array::from_fn(|row| at.f64s(400 + 32 * row)),
            },
        })
    }

    /// A little-endian header with these fields.
    pub(super) fn write(&self) -> Vec<u8> {
        let mut out = vec![0; self.version.header_len()];
        let mut put = |at: usize, bytes: &[u8]| out[at..at + bytes.len()].copy_from_slice(bytes);
        let description = concat!("hounsfield ", env!("CARGO_PKG_VERSION")).as_bytes();
        put(0, &(self.version.header_len() as i32).to_le_bytes());
        match self.version {
            Version::One => {
                put(344, &self.magic);
                for (i, &n) in self.dim.iter().enumerate() {
                    put(40 + 2 * i, &(n as i16).to_le_bytes());
                }
                let floats = |at: usize, values: &[f64], put: &mut dyn FnMut(usize, &[u8])| {
                    for (i, &v) in values.iter().enumerate() {
                        put(at + 4 * i, &(v as f32).to_le_bytes());
                    }
                };
                put(70, &(self.datatype as i16).to_le_bytes());
                put(72, &(self.bitpix as i16).to_le_bytes());
                floats(76, &self.pixdim, &mut put);
                floats(108, &[self.vox_offset, self.slope, self.intercept], &mut put);
                put(123, &[self.units]);
                put(68, &(self.intent as i16).to_le_bytes());
                put(148, description);
                put(252, &(self.qform_code as i16).to_le_bytes());
                put(254, &(self.sform_code as i16).to_le_bytes());
                floats(256, &self.quaternion, &mut put);
                floats(268, &self.offset, &mut put);
                floats(280, self.srow.as_flattened(), &mut put);
            }
            Version::Two => {
                put(4, &self.magic);
                // Bytes that a transfer in text mode would damage.
                put(8, b"\r\n\x1a\n");
                for (i, &n) in self.dim.iter().enumerate() {
                    put(16 + 8 * i, &n.to_le_bytes());
                }
                let floats = |at: usize, values: &[f64], put: &mut dyn FnMut(usize, &[u8])| {
                    for (i, &v) in values.iter().enumerate() {
                        put(at + 8 * i, &v.to_le_bytes());
                    }
                };
                put(12, &(self.datatype as i16).to_le_bytes());
                put(14, &(self.bitpix as i16).to_le_bytes());
                floats(104, &self.pixdim, &mut put);
                put(168, &(self.vox_offset as i64).to_le_bytes());
                floats(176, &[self.slope, self.intercept], &mut put);
                put(240, description);
                put(344, &self.qform_code.to_le_bytes());
                put(348, &self.sform_code.to_le_bytes());
                floats(352, &self.quaternion, &mut put);
                floats(376, &self.offset, &mut put);
                floats(400, self.srow.as_flattened(), &mut put);
                put(500, &i32::from(self.units).to_le_bytes());
                put(504, &self.intent.to_le_bytes());
            }
        }
        out
    }
}

/// Numbers of either byte order at offsets that are known to lie inside.
struct FieldReader<'a> {
    bytes: &'a [u8],
    big_endian: bool,
}

impl FieldReader<'_> {
    fn get<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut out = [0; N];
        out.copy_from_slice(&self.bytes[at..at + N]);
        out
    }

    fn little<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut out = self.get(at);
        if self.big_endian {
            out.reverse();
        }
        out
    }

    fn i16(&self, at: usize) -> i16 {
        i16::from_le_bytes(self.little(at))
    }

    fn i32(&self, at: usize) -> i32 {
        i32::from_le_bytes(self.little(at))
    }

    fn i64(&self, at: usize) -> i64 {
        i64::from_le_bytes(self.little(at))
    }

    fn f32(&self, at: usize) -> f64 {
        f32::from_le_bytes(self.little(at)).into()
    }

    fn f64(&self, at: usize) -> f64 {
        f64::from_le_bytes(self.little(at))
    }

    fn f32s<const N: usize>(&self, at: usize) -> [f64; N] {
        std::array::from_fn(|i| self.f32(at + 4 * i))
    }

    fn f64s<const N: usize>(&self, at: usize) -> [f64; N] {
        std::array::from_fn(|i| self.f64(at + 8 * i))
    }
}
