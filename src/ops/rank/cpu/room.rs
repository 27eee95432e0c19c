//! What counting takes besides the codes: room, the runs of a window, the code that is asked about.

use super::piece::{STRIDE, WIDTH};

/// What lies between voxels and counts.
#[derive(Default)]
pub struct CountRoom {
    pub masks: Vec<[u8; STRIDE]>,
    pub runs: Vec<[u8; WIDTH]>,
    pub bytes: Vec<[u8; WIDTH]>,
    pub words: Vec<[u16; WIDTH]>,
    /// Where they are asked for: how many voxels of each window reach the code that its result was raised to.
    pub reached: Vec<[u16; WIDTH]>,
}

/// The runs of a window that is no box, slice by slice: it has the same ones on both sides.
pub struct Discs {
    /// For each distance from the middle slice, how many rows from the middle one and how far along x each run goes.
    pub slices: Vec<Vec<(i32, usize)>>,
    /// How many voxels the largest has.
    pub most: usize,
}

/// The code that is asked about.
#[derive(Clone, Copy)]
pub struct Asked {
    /// How many voxels of a window must reach it.
    pub need: u16,
    pub code: u16,
}
