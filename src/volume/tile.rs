//! A part of a volume in space: the unit of neighbourhood operations, of chunked formats, and of bricks on a device.

use std::ops::Range;

use super::Shape;

/// Rows `y` of slices `z` of one volume of three axes. x is always whole, so that a tile is one run of voxels in each slice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tile {
    /// Which volume of a time series, 0 if there is one.
    pub volume: u64,
    /// Rows.
    pub y: Range<u64>,
    /// Slices.
    pub z: Range<u64>,
}

impl Tile {
    /// All of one volume.
    pub fn whole(shape: &Shape, volume: u64) -> Self {
        let [_, ny, nz] = shape.xyz();
        Self { volume, y: 0..ny, z: 0..nz }
    }

    /// Voxels along x, y, z.
    pub fn size(&self, shape: &Shape) -> [u64; 3] {
        [shape.axis(0), self.y.end - self.y.start, self.z.end - self.z.start]
    }

    /// Voxels in all.
    pub fn voxels(&self, shape: &Shape) -> u64 {
        self.size(shape).iter().product()
    }

    /// With so many rows and slices more on each side as `halo` says of y and z, as far as the volume has them.
    #[must_use]
    pub fn grown(&self, [_, along_y, along_z]: [u64; 3], shape: &Shape) -> Self {
        let grow = |r: &Range<u64>, halo: u64, most: u64| r.start.saturating_sub(halo)..r.end.saturating_add(halo).min(most);
        Self { volume: self.volume, y: grow(&self.y, along_y, shape.axis(1)), z: grow(&self.z, along_z, shape.axis(2)) }
    }

    /// Where this tile begins within another one that holds it: x, y, z.
    pub fn place_in(&self, outer: &Self) -> [u64; 3] {
        [0, self.y.start - outer.y.start, self.z.start - outer.z.start]
    }

    /// The runs of neighbouring voxels of the file that make it up, in order: first voxel and number of voxels. One for whole slices, else one for
    /// each slice.
    pub fn runs(&self, shape: &Shape) -> impl Iterator<Item = (u64, u64)> + use<> {
        let [nx, ny, nz] = shape.xyz();
        let (volume, y, z) = (self.volume, self.y.clone(), self.z.clone());
        let whole = y == (0..ny);
        let (rows, slices) = (y.end - y.start, z.end - z.start);
        let (count, each) = if whole { (1, rows * slices) } else { (slices, rows) };
        (0..count).map(move |i| (((volume * nz + z.start + i) * ny + y.start) * nx, each * nx))
    }

    /// Two halves: of its slices, else of its rows; none of a single row.
    pub fn halves(&self) -> Option<[Self; 2]> {
        let middle = |r: &Range<u64>| (r.end - r.start > 1).then(|| r.start.midpoint(r.end));
        if let Some(at) = middle(&self.z) {
            return Some([Self { z: self.z.start..at, ..self.clone() }, Self { z: at..self.z.end, ..self.clone() }]);
        }
        middle(&self.y).map(|at| [Self { y: self.y.start..at, ..self.clone() }, Self { y: at..self.y.end, ..self.clone() }])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_the_voxels_of_the_tile() {
        let shape = Shape::new(&[5, 4, 3, 2]).unwrap();
        for (volume, y, z) in [(0, 0..4, 0..3), (1, 0..4, 1..3), (1, 1..3, 0..2), (0, 3..4, 2..3)] {
            let tile = Tile { volume, y: y.clone(), z: z.clone() };
            let want: Vec<u64> =
                (0..120).filter(|i| i / 60 == volume && z.contains(&(i / 20 % 3)) && y.contains(&(i / 5 % 4))).collect();
            let runs: Vec<(u64, u64)> = tile.runs(&shape).collect();
            assert_eq!(runs.iter().flat_map(|(at, n)| *at..at + n).collect::<Vec<_>>(), want);
            assert_eq!(tile.voxels(&shape), want.len() as u64);
            assert_eq!(runs.len() == 1, y == (0..4) || z.end - z.start == 1);
        }
    }

    #[test]
    fn a_halo_ends_with_the_volume_and_halves_meet() {
        let shape = Shape::new(&[5, 4, 3]).unwrap();
        let tile = Tile { volume: 0, y: 1..2, z: 2..3 };
        let outer = tile.grown([1; 3], &shape);
        assert_eq!(outer, Tile { volume: 0, y: 0..3, z: 1..3 });
        assert_eq!(tile.place_in(&outer), [0, 1, 1]);
        assert_eq!(tile.grown([0, 100, 100], &shape), Tile::whole(&shape, 0));
        assert_eq!(tile.halves(), None);
        let [a, b] = Tile::whole(&shape, 0).halves().unwrap();
        assert_eq!((a.z, b.z), (0..1, 1..3));
        let [a, b] = Tile { volume: 0, y: 0..4, z: 1..2 }.halves().unwrap();
        assert_eq!((a.y, b.y), (0..2, 2..4));
    }
}
