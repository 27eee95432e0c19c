//! One result, from those voxels of its window that have one of few codes.

use super::super::Footprint;
use super::super::FootprintRow;
#[cfg(target_arch = "x86_64")]
use super::avx2::Avx2;
use super::piece::{LOOK, Piece, STRIDE};

/// Looks at windows one by one.
pub struct Pick {
    rows: Vec<FootprintRow>,
    rank: usize,
    /// Room for the codes of a window, and for a look more.
    found: Vec<u16>,
    /// How far the run of each row of the box around the window goes, counted from 1; 0 where there is none.
    ends: Vec<u32>,
    is_box: bool,
    #[cfg(target_arch = "x86_64")]
    avx2: Option<Avx2>,
}

impl Pick {
    /// `portable` leaves AVX2 out, though there may be some.
    pub fn new(window: &Footprint, rank: u32, portable: bool) -> Self {
        let [_, ry, rz] = window.reach().map(|r| r as i32);
        let mut ends = vec![0; ((2 * ry + 1) * (2 * rz + 1)) as usize];
        window.rows().iter().for_each(|row| ends[((row.dz + rz) * (2 * ry + 1) + row.dy + ry) as usize] = row.half + 1);
        Self {
            ends,
            is_box: window.is_box(),
            rows: window.rows().to_vec(),
            rank: rank as usize,
            found: vec![0; window.count() as usize + LOOK],
            #[cfg(target_arch = "x86_64")]
            avx2: if portable { None } else { Avx2::detect() },
        }
    }

    /// The result at a place of the block, which is one of the codes from `first` to `last`.
    pub fn at(&mut self, block: &Piece, [x, y, z]: [usize; 3], codes: &[[u16; STRIDE]], span: (u16, u16)) -> u16 {
        let ([high, _], [rx, ry, rz]) = (block.rows(), block.reach);
        let centre = ((z + rz) * high + y + ry) * STRIDE + x + rx;
        let slice = (high * STRIDE) as isize;
        let runs = self.rows.iter().map(|row| {
            let half = row.half as usize;
            (centre.wrapping_add_signed(row.dz as isize * slice + row.dy as isize * STRIDE as isize) - half, 2 * half + 1)
        });
        #[cfg(target_arch = "x86_64")]
        if let Some(avx2) = self.avx2 {
            return avx2.pick(codes.as_flattened(), runs, span, self.rank, &mut self.found);
        }
        pick(codes.as_flattened(), runs, span, self.rank, &mut self.found)
    }

    /// Of the first `count` places, which are in the order of their codes, number `rank` of those in the window around a place of the block. Behind them there are
    /// at least 7 more.
    pub fn place(&self, block: &Piece, [x, y, z]: [usize; 3], places: &[u32], count: usize, mut rank: u32) -> usize {
        let pack = |p: [usize; 3]| (p[2] << 16 | p[1] << 8 | p[0]) as u32;
        let (first, reach) = (pack([x, y, z]), pack(block.reach.map(|r| 2 * r)));
        let tall = 2 * block.reach[1] + 1;
        let in_window = |place: u32| {
            let [dx, dy, dz, _] = (place - first).to_le_bytes().map(usize::from);
            dx.abs_diff(block.reach[0]) < self.ends[dz * tall + dy] as usize
        };
        for start in (0..count).step_by(8) {
            let eight: &[u32; 8] = places[start..].first_chunk().expect("7 more places than are asked for");
            let mut near = self.near(eight, first, reach);
            if !self.is_box {
                let mut left = near;
                while left != 0 {
                    let i = left.trailing_zeros();
                    left &= left - 1;
                    near &= !(u32::from(!in_window(eight[i as usize])) << i);
                }
            }
            if rank < near.count_ones() {
                (0..rank).for_each(|_| near &= near - 1);
                return start + near.trailing_zeros() as usize;
            }
            rank -= near.count_ones();
        }
        unreachable!("there are more places in the window")
    }

    /// Which places are in the box that begins at `first` and goes on for `reach`: one bit each.
    fn near(&self, places: &[u32; 8], first: u32, reach: u32) -> u32 {
        #[cfg(target_arch = "x86_64")]
        if let Some(avx2) = self.avx2 {
            return avx2.near(places, first, reach);
        }
        let (first, reach) = (first.to_le_bytes(), reach.to_le_bytes());
        let near = |place: u32| place.to_le_bytes().iter().zip(first).zip(reach).all(|((p, f), r)| p.wrapping_sub(f) <= r);
        places.iter().enumerate().fold(0, |bits, (i, place)| bits | u32::from(near(*place)) << i)
    }
}

/// The code of number `rank` of the runs, given by first place and length.
fn pick(
    codes: &[u16],
    runs: impl Iterator<Item = (usize, usize)>,
    (first, last): (u16, u16),
    rank: usize,
    found: &mut [u16],
) -> u16 {
    let (mut below, mut count) = (0, 0);
    for (start, length) in runs {
        for code in &codes[start..start + length] {
            below += usize::from(*code < first);
            found[count] = *code;
            count += usize::from((first..=last).contains(code));
        }
    }
    *found[..count].select_nth_unstable(rank - below).1
}
