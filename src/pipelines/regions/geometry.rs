//! LabelPlaces and surfaces: voxels as runs, and the cubes between voxels, of which those alike everywhere say nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::Result;
use crate::analysis::regions::{CubeParts, CubeSurfaces, FarthestPair, RegionSums, RowEnds, ShapeFeatures};
use crate::io::Source;
use crate::pipelines::ways::tiles::Tiles;
use crate::pipelines::{Input, Run};
use crate::volume::{Dtype, Shape, Tile};

/// Where the voxels of a label lie. All of it are whole numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelPlace {
    pub sums: RegionSums,
    pub low: [u64; 3],
    pub high: [u64; 3],
    /// Cubes of each code, and the sum of their places along x. Corner 0 of a cube is the voxel before its place.
    cubes: Box<[[u64; 2]; 256]>,
    /// Vertices of the mesh, in half voxels; voxel 0 is at 2.
    ends: RowEnds,
}

impl Default for LabelPlace {
    fn default() -> Self {
        Self {
            sums: RegionSums::default(),
            low: [u64::MAX; 3],
            high: [0; 3],
            cubes: Box::new([[0; 2]; 256]),
            ends: RowEnds::default(),
        }
    }
}

/// The surfaces in cubes.
pub struct Surfaces {
    parts: Vec<CubeParts>,
}

impl Surfaces {
    pub fn new(spacing_mm: [f64; 3]) -> Self {
        Self { parts: CubeSurfaces::new().parts(spacing_mm) }
    }
}

impl LabelPlace {
    fn merge(&mut self, other: &Self) {
        self.sums.merge(&other.sums);
        for axis in 0..3 {
            self.low[axis] = self.low[axis].min(other.low[axis]);
            self.high[axis] = self.high[axis].max(other.high[axis]);
        }
        for (own, more) in self.cubes.iter_mut().zip(other.cubes.iter()) {
            (own[0], own[1]) = (own[0] + more[0], own[1] + more[1]);
        }
        self.ends.merge(&other.ends);
    }

    fn add_run(&mut self, at: [u64; 3], n: u64) {
        self.sums.add_run(at, n);
        let last = [at[0] + n - 1, at[1], at[2]];
        for axis in 0..3 {
            self.low[axis] = self.low[axis].min(at[axis]);
            self.high[axis] = self.high[axis].max(last[axis]);
        }
    }

    /// Features of the shape.
    pub fn shape(&self, surfaces: &Surfaces, spacing_mm: [f64; 3]) -> ShapeFeatures {
        let (mut area, mut volume) = (0.0, 0.0);
        for (part, [n, x]) in surfaces.parts.iter().zip(self.cubes.iter()) {
            area += *n as f64 * part.area;
            volume += *x as f64 * spacing_mm[0] * part.facing + *n as f64 * part.moment;
        }
        let farthest = self.ends.farthest(spacing_mm).unwrap_or(FarthestPair { mm: 0.0 });
        ShapeFeatures::new(&self.sums, (area, volume), farthest, spacing_mm)
    }
}

/// LabelPlaces of all labels, by volume and label.
type LabelPlaces = BTreeMap<(u64, u16), LabelPlace>;

/// Looks at a label map.
pub fn measure(labels: &Arc<dyn Source>, run: &Run<'_>) -> Result<LabelPlaces> {
    let input = Input::of(labels.clone());
    let (shape, dtype) = (&labels.header().grid.shape, labels.header().meaning.dtype);
    let tiles = Tiles::of(&input, [1; 3], 4, run);
    let surfaces = CubeSurfaces::new();
    let found = std::sync::Mutex::new(LabelPlaces::new());
    tiles.each(tiles.for_threads()?, TileRoom::default, |room, tile, bytes| {
        let part = LabelTile::new(shape, tile, (dtype, bytes), &mut room.values);
        let mut own = BTreeMap::new();
        part.runs(&mut own);
        part.cubes(&surfaces, &mut own);
        let mut found = found.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for (label, place) in own {
            found.entry((tile.volume, label)).or_default().merge(&place);
        }
        Ok(())
    })?;
    Ok(found.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner))
}

#[derive(Default)]
struct TileRoom {
    values: Vec<u16>,
}

/// The labels of a tile with those around it, zeros beyond the volume: one more on each side along all axes.
struct LabelTile<'a> {
    tile: &'a Tile,
    /// Of the volume.
    size: [u64; 3],
    /// Labels in a row, and rows in a slice.
    stride: [usize; 2],
    values: &'a [u16],
}

impl<'a> LabelTile<'a> {
    fn new(shape: &Shape, tile: &'a Tile, (dtype, bytes): (Dtype, &[u8]), values: &'a mut Vec<u16>) -> Self {
        let outer = tile.grown([1; 3], shape);
        let size = shape.xyz();
        let [nx, rows, _] = outer.size(shape).map(|n| n as usize);
        let [high, deep] = [&tile.y, &tile.z].map(|range| (range.end - range.start) as usize + 2);
        let stride = [nx + 2, high];
        values.clear();
        values.resize(stride[0] * high * deep, 0);
        let [skip_y, skip_z] = [(&outer.y, &tile.y), (&outer.z, &tile.z)].map(|(a, b)| 1 - (b.start - a.start) as usize);
        for (i, row) in bytes.chunks_exact(nx * dtype.bytes()).enumerate() {
            let at = ((i / rows + skip_z) * high + i % rows + skip_y) * stride[0] + 1;
            let to = &mut values[at..at + nx];
            match dtype {
                Dtype::U8 => to.iter_mut().zip(row).for_each(|(to, value)| *to = u16::from(*value)),
                _ => to.iter_mut().zip(row.as_chunks().0).for_each(|(to, value)| *to = u16::from_le_bytes(*value)),
            }
        }
        Self { tile, size, stride, values }
    }

    /// Labels of a row, from the one before the first voxel on; y and z counted in the tile, 0 being the row before its first.
    fn row(&self, y: usize, z: usize) -> &[u16] {
        &self.values[(z * self.stride[1] + y) * self.stride[0]..][..self.stride[0]]
    }

    /// Adds the runs of the tile's voxels.
    fn runs(&self, found: &mut BTreeMap<u16, LabelPlace>) {
        for z in self.tile.z.clone() {
            for y in self.tile.y.clone() {
                let row = &self.row((y - self.tile.y.start) as usize + 1, (z - self.tile.z.start) as usize + 1)[1..];
                let mut x = 0;
                for run in row[..self.size[0] as usize].chunk_by(|a, b| a == b) {
                    if run[0] != 0 {
                        found.entry(run[0]).or_default().add_run([x, y, z], run.len() as u64);
                    }
                    x += run.len() as u64;
                }
            }
        }
    }

    /// Adds the cubes whose corner 7 is a voxel of the tile, and those beyond the ends of the volume.
    fn cubes(&self, surfaces: &CubeSurfaces, found: &mut BTreeMap<u16, LabelPlace>) {
        let last = |range: &std::ops::Range<u64>, all: u64| if range.end == all { all + 1 } else { range.end };
        for z in self.tile.z.start..last(&self.tile.z, self.size[2]) {
            for y in self.tile.y.start..last(&self.tile.y, self.size[1]) {
                self.cube_row(surfaces, [y, z], found);
            }
        }
    }

    fn cube_row(&self, surfaces: &CubeSurfaces, [y, z]: [u64; 2], found: &mut BTreeMap<u16, LabelPlace>) {
        let (j, k) = ((y - self.tile.y.start) as usize, (z - self.tile.z.start) as usize);
        // Corners with bits 2 and 4 of their number: y and z.
        let rows = [self.row(j, k), self.row(j + 1, k), self.row(j, k + 1), self.row(j + 1, k + 1)];
        let alike = rows[1..].iter().all(|row| *row == rows[0]);
        let mut ends: BTreeMap<u16, [Option<[u32; 2]>; 9]> = BTreeMap::new();
        let mut x = 0;
        while x <= self.size[0] as usize {
            if alike && rows[0][x] == rows[0][x + 1] {
                x += 1;
                continue;
            }
            let corners: [u16; 8] = std::array::from_fn(|i| rows[i >> 1][x + (i & 1)]);
            if corners.iter().all(|label| *label == corners[0]) {
                x += 1;
                continue;
            }
            for (i, label) in corners.iter().enumerate() {
                if *label == 0 || corners[..i].contains(label) {
                    continue;
                }
                let code = corners.iter().enumerate().fold(0u8, |code, (bit, own)| code | u8::from(own == label) << bit);
                let place = found.entry(*label).or_default();
                let [n, sum] = &mut place.cubes[usize::from(code)];
                (*n, *sum) = (*n + 1, *sum + x as u64);
                let rows = ends.entry(*label).or_default();
                for [hx, hy, hz] in surfaces.vertices(code) {
                    let at = 2 * x as u32 + u32::from(*hx);
                    let row = &mut rows[usize::from(3 * hz + hy)];
                    *row = Some(row.map_or([at, at], |[low, high]| [low.min(at), high.max(at)]));
                }
            }
            x += 1;
        }
        for (label, rows) in ends {
            let place = found.entry(label).or_default();
            for (i, [low, high]) in rows.iter().enumerate().filter_map(|(i, row)| Some((i, (*row)?))) {
                let (hy, hz) = (i as u32 % 3, i as u32 / 3);
                for x in [low, high] {
                    place.ends.add([x, 2 * y as u32 + hy, 2 * z as u32 + hz]);
                }
            }
        }
    }
}
