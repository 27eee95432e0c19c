//! Tiles that lie over an image, and how much each has to say about a voxel.

use crate::{Error, Result};

/// Tiles over an image, all of one size.
///
/// Where they do not go into the image along every axis, it is continued at its far ends, by reflection about the last voxel, until they do: along each axis by the
/// tiles less what is over, as OpenCV has it, hence by one voxel for each tile along axes where nothing is over. One tile in depth is as deep as the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lattice {
    shape: [u32; 3],
    tiles: [u32; 3],
    size: [u32; 3],
}

/// The tiles on both sides of a voxel along one axis, and what each weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Between {
    /// The last tile whose middle the voxel does not lie before, or the first.
    pub low: u32,
    /// The next, or the last.
    pub high: u32,
    /// What the low one weighs.
    pub near: u32,
    /// What the high one weighs; both together weigh twice the size of a tile.
    pub far: u32,
}

impl Lattice {
    /// So many tiles along x, y and z.
    ///
    /// # Errors
    /// [`Error::Usage`] for no tiles, and for so many that the continued image has no place in 32 bits, or so large ones that their voxels have not.
    pub fn new(shape: [u32; 3], tiles: [u32; 3]) -> Result<Self> {
        let what =
            || format!("{} x {} x {} tiles over {} x {} x {} voxels", tiles[0], tiles[1], tiles[2], shape[0], shape[1], shape[2]);
        if tiles.contains(&0) || (0..3).any(|a| u64::from(shape[a]) + u64::from(tiles[a]) > 1 << 31) {
            return Err(Error::usage(what(), "give one tile or more along each axis"));
        }
        let divides = (0..3).all(|a| shape[a].is_multiple_of(tiles[a]));
        let size: [u32; 3] = std::array::from_fn(|a| shape[a] / tiles[a] + u32::from(!divides && (a < 2 || tiles[2] > 1)));
        if size.iter().try_fold(8u64, |all, n| all.checked_mul(u64::from(*n))).is_none_or(|weight| weight > 1 << 36) {
            return Err(Error::usage(format!("{}: tiles of more than 2³³ voxels", what()), "give more tiles"));
        }
        Ok(Self { shape, tiles, size })
    }

    /// Voxels of the image along x, y and z.
    pub fn shape(&self) -> [u32; 3] {
        self.shape
    }

    /// Tiles along x, y and z.
    pub fn tiles(&self) -> [u32; 3] {
        self.tiles
    }

    /// Tiles beside each other in one layer.
    pub fn in_layer(&self) -> usize {
        self.tiles[0] as usize * self.tiles[1] as usize
    }

    /// Voxels of a tile along x, y and z.
    pub fn size(&self) -> [u32; 3] {
        self.size
    }

    /// What the tiles around a voxel weigh in all.
    pub fn weight(&self) -> u64 {
        self.size
            .iter()
            .zip(self.tiles)
            .enumerate()
            .map(|(a, (n, tiles))| if a == 2 && tiles == 1 { 1 } else { 2 * u64::from(*n) })
            .product()
    }

    /// For each place of the continued axis the voxel that stands there.
    pub fn sources(&self, axis: usize) -> Vec<u32> {
        (0..self.size[axis] * self.tiles[axis]).map(|at| reflected(at, self.shape[axis])).collect()
    }

    /// For each voxel along an axis the tiles it lies between. One layer of tiles in depth weighs 1.
    pub fn between(&self, axis: usize) -> Vec<Between> {
        let (size, last) = (i64::from(self.size[axis]), i64::from(self.tiles[axis]) - 1);
        if axis == 2 && last == 0 {
            return vec![Between { low: 0, high: 0, near: 1, far: 0 }; self.shape[2] as usize];
        }
        let of = |at: i64| {
            // Middles of tiles lie at odd multiples of half their size.
            let twice = 2 * at - size;
            let (low, far) = (twice.div_euclid(2 * size), twice.rem_euclid(2 * size));
            Between { low: low.max(0) as u32, high: (low + 1).min(last) as u32, near: (2 * size - far) as u32, far: far as u32 }
        };
        (0..i64::from(self.shape[axis])).map(of).collect()
    }
}

/// A place of an axis that goes on beyond its ends as a reflection about the last voxel and the first, which are not repeated.
fn reflected(at: u32, voxels: u32) -> u32 {
    let period = 2 * (voxels - 1);
    match at.checked_rem(period) {
        Some(at) => at.min(period - at),
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_by_hand() {
        let even = Lattice::new([8, 6, 1], [2, 3, 1]).unwrap();
        assert_eq!((even.size(), even.weight()), ([4, 2, 1], 8 * 4));
        assert_eq!(even.sources(0), (0..8).collect::<Vec<_>>());
        // Middles at 2 and 6.
        let own: Vec<[u32; 4]> = even.between(0).iter().map(|b| [b.low, b.high, b.near, b.far]).collect();
        assert_eq!(own[0], [0, 0, 4, 4]);
        assert_eq!(own[2], [0, 1, 8, 0]);
        assert_eq!(own[3], [0, 1, 6, 2]);
        assert_eq!(own[7], [1, 1, 6, 2]);
        assert_eq!(even.between(2), [Between { low: 0, high: 0, near: 1, far: 0 }]);
        // Along x nothing is over, but along y: both go on.
        let odd = Lattice::new([8, 5, 3], [2, 3, 1]).unwrap();
        assert_eq!(odd.size(), [5, 2, 3]);
        assert_eq!(odd.sources(0), [0, 1, 2, 3, 4, 5, 6, 7, 6, 5]);
        assert_eq!(odd.sources(1), [0, 1, 2, 3, 4, 3]);
        assert_eq!(Lattice::new([3, 1, 1], [8, 8, 1]).unwrap().sources(0), [0, 1, 2, 1, 0, 1, 2, 1]);
        assert_eq!(Lattice::new([3, 1, 1], [8, 8, 1]).unwrap().sources(1), [0; 8]);
        assert!(Lattice::new([3, 1, 1], [8, 0, 1]).is_err());
        assert!(Lattice::new([1 << 20, 1 << 20, 1], [1, 1, 1]).is_err());
    }
}
