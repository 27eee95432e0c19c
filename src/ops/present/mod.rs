//! What is seen of a plane: windowed greys, the colours of labels over them, enlarged or reduced, as packed RGBA in a buffer or a texture of the caller's.
//!
//! A pixel is the entry of its value in a table of greys or colours; a window, classes by value, an equalisation or any other point-wise change is such a table, so what is shown changes without
//! another look at the volume. Between pixels greys are interpolated, or the nearest one is taken; labels are always those of the nearest pixel, filled or as outlines.
//!
//! - **Input**: a plane as [`cut`](crate::ops::cut) gives it, labels of the same pixels, a table of greys or colours, a palette.
//! - **Output**: RGBA of 8 bits each, red lowest, rows of [`Framing::pitch`] words, which textures can be copied from.
//! - **Border**: beyond the plane a colour of the caller's; between its outermost pixels and its edge, the outermost pixel.
//! - **NaN**: black.
//! - **Exactness**: Exact for whole numbers: places are whole 65,536ths, mixing is done in whole numbers. A float may fall into the entry beside its own where it lies on
//!   the edge between two, by the rounding of one product.
//! - **Cost**: at most four values and five labels read, one word written, for each pixel of the picture.
//! - **Errors**: sides of 0 or beyond 16,384 pixels, buffers that are too small.
//! - **Agrees with**: the pictures of `hounsfield slice`, grey by grey, at one pixel a voxel.

mod case;
mod cpu;
mod gpu;
#[cfg(test)]
mod tests;

pub(crate) use case::cases;
pub use cpu::cpu;
pub use gpu::{Layers, SHADER, encode, to_texture};

/// Places in a plane are counted in parts of a pixel, so many to one.
pub const PARTS: i32 = 65_536;

/// The longest side of a plane.
pub const LONGEST: u32 = 16_384;

/// What part of a plane is seen, and how large.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Framing {
    /// Columns and rows of the plane.
    pub size: [u32; 2],
    /// Columns and rows of the picture.
    pub view: [u32; 2],
    /// Where the picture begins, in [parts](PARTS) of a pixel of the plane.
    pub from: [i32; 2],
    /// From one pixel of the picture to the next.
    pub step: [i32; 2],
    /// RGBA where the plane is not, red lowest.
    pub beyond: u32,
    /// Between pixels instead of the nearest ones.
    pub smooth: bool,
    /// Labels as outlines.
    pub outline: bool,
    /// Greys the other way round: what is low is bright. Colours stay.
    pub inverted: bool,
}

impl Framing {
    /// All of a plane, one pixel each.
    pub fn whole(size: [u32; 2]) -> Self {
        Self {
            size,
            view: size,
            from: [0; 2],
            step: [PARTS; 2],
            beyond: 0xff00_0000,
            smooth: false,
            outline: false,
            inverted: false,
        }
    }

    /// Words from one row of the picture to the next: what rows of a texture are copied from begins at multiples of 256 bytes.
    pub fn pitch(&self) -> u32 {
        self.view[0].next_multiple_of(64)
    }

    /// Bytes of the picture.
    pub fn bytes(&self) -> u64 {
        4 * u64::from(self.pitch()) * u64::from(self.view[1])
    }

    /// What is wrong with it, if anything is.
    fn flaw(&self) -> Option<String> {
        let sides = [self.size, self.view].concat();
        let bad = sides.iter().any(|side| !(1..=LONGEST).contains(side));
        bad.then(|| format!("a picture of {:?} pixels of a plane of {:?}; sides have 1 to {LONGEST}", self.view, self.size))
    }
}

/// Which entry of a table a value has: the whole part of (value - first) times scale, held within the table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EntryScale {
    /// The value of the first one.
    pub first: f32,
    /// EntryScale for each unit.
    pub scale: f32,
    /// How many.
    pub count: u32,
}
