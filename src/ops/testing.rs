//! What the tests of all operations share: the device, awkward sizes and contents, a comparison that cannot be blind.

use std::ops::Range;
use std::sync::OnceLock;

use crate::engine::{AdapterChoice, Gpu};
use crate::volume::Dtype;

/// The device that tests run on: the software driver is as good as any for right or wrong. `HOUNSFIELD_TEST_ADAPTER` names
/// another. No adapter is a failure, unless `HOUNSFIELD_NO_GPU=1` asks to skip, which is said.
pub fn gpu() -> Option<&'static Gpu> {
    static GPU: OnceLock<Option<Gpu>> = OnceLock::new();
    GPU.get_or_init(|| {
        if std::env::var_os("HOUNSFIELD_NO_GPU").is_some_and(|v| v == "1") {
            eprintln!("skipped: HOUNSFIELD_NO_GPU=1");
            return None;
        }
        let choice = std::env::var("HOUNSFIELD_TEST_ADAPTER").map_or(AdapterChoice::Any, AdapterChoice::Name);
        let gpu =
            Gpu::open(&choice).expect("GPU tests need an adapter: run tests/run, which installs one, or set HOUNSFIELD_NO_GPU=1");
        eprintln!("adapter: {}", gpu.name());
        Some(gpu)
    })
    .as_ref()
}

/// Voxel counts around every edge of units, words and groups.
pub const SIZES: &[usize] = &[1, 2, 3, 7, 15, 16, 17, 31, 33, 105, 255, 256, 257, 4095, 4096, 4097, 65_535, 65_537, 100_003];

/// All of them.
pub const TYPES: [Dtype; 10] =
    [Dtype::U8, Dtype::I8, Dtype::U16, Dtype::I16, Dtype::F32, Dtype::U32, Dtype::I32, Dtype::U64, Dtype::I64, Dtype::F64];

/// The box that is a whole tile.
pub fn whole(shape: [usize; 3]) -> [Range<usize>; 3] {
    shape.map(|n| 0..n)
}

/// What voxels may hold.
#[derive(Debug, Clone, Copy)]
pub enum Content {
    Constant,
    Ramp,
    Impulse,
    Noise,
    Ct,
    MostlyAir,
    Extremes,
}

pub const CONTENTS: &[Content] =
    &[Content::Constant, Content::Ramp, Content::Impulse, Content::Noise, Content::Ct, Content::MostlyAir, Content::Extremes];

/// splitmix64 of a position: noise that needs no state.
pub fn noise(at: u64) -> u64 {
    let mut z = at.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Noise that is drawn one after another.
pub struct Draws(u64);

impl Draws {
    /// Those of this number.
    pub fn new(number: u64) -> Self {
        Self(number << 40)
    }

    /// One of 0 to `n` - 1.
    pub fn below(&mut self, n: u64) -> u64 {
        self.0 += 1;
        noise(self.0) % n
    }
}

impl Content {
    pub fn bytes(self, dtype: Dtype, voxels: usize) -> Vec<u8> {
        let value = |i: usize| -> u32 {
            let n = noise(i as u64);
            match self {
                Self::Constant => 0x8642,
                Self::Ramp => i as u32,
                Self::Impulse => u32::from(i == voxels / 2) * 0xffff,
                Self::Noise => n as u32,
                // Air, lung, soft tissue and bone around -1000, -850, 40 and 700, as i16 bits.
                Self::Ct => {
                    let level = [-1000, -1000, -850, 40, 40, 700][(i / 97) % 6];
                    (level + (n % 61) as i32 - 30) as i16 as u16 as u32
                }
                Self::MostlyAir => {
                    if n.is_multiple_of(20) {
                        (n >> 40) as u32
                    } else {
                        0xfc18
                    }
                }
                Self::Extremes => [0, 0xffff_ffff, 0x8000_8080, 0x7fff_7f7f][i % 4],
            }
        };
        (0..voxels).flat_map(|i| value(i).to_le_bytes().into_iter().take(dtype.bytes())).collect()
    }
}

/// Equal in length and everywhere, or a panic that says where first and how often not.
#[track_caller]
pub fn assert_same<T: PartialEq + std::fmt::Debug>(what: &str, got: &[T], want: &[T]) {
    assert_eq!(got.len(), want.len(), "{what}: another length");
    let wrong: Vec<usize> = (0..got.len()).filter(|i| got[*i] != want[*i]).collect();
    if let Some(at) = wrong.first() {
        panic!("{what}: {} of {} differ, first at {at}: {:?} instead of {:?}", wrong.len(), got.len(), got[*at], want[*at]);
    }
}
