//! How rays are followed: so many at a time as memory holds, each through as many boxes of the volume as it takes.

use std::ops::Range;

use crate::volume::{Shape, Tile};
use crate::{Error, Hint, Result};

/// Rays that are followed together: the part of the result that they make, and what is read for it, in order along the rays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sheaf {
    /// Of the result.
    pub out: Tile,
    /// Of the volume.
    pub parts: Vec<Tile>,
}

/// Rays of slabs of a volume.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cutter<'a> {
    /// Of the volume.
    pub shape: &'a Shape,
    /// Along which axis.
    pub axis: usize,
    /// Ascending.
    pub slabs: &'a [Range<u64>],
    /// Whether a ray must be read at once.
    pub whole: bool,
    /// What a voxel takes, and a ray.
    pub bytes_of: (u64, u64),
}

impl Cutter<'_> {
    /// The rays of all of one volume.
    pub fn all(&self, volume: u64) -> Tile {
        let [_, ny, nz] = self.shape.xyz();
        let slabs = 0..self.slabs.len() as u64;
        match self.axis {
            0 => Tile { volume, y: 0..ny, z: 0..nz },
            1 => Tile { volume, y: slabs, z: 0..nz },
            _ => Tile { volume, y: 0..ny, z: slabs },
        }
    }

    /// Rays through a row of so many voxels and what is read of them.
    fn row(&self, steps: u64, rays: u64) -> u64 {
        let (voxel, ray) = self.bytes_of;
        self.shape.axis(0).saturating_mul(steps).saturating_mul(voxel).saturating_add(rays.saturating_mul(ray))
    }

    /// A part of the result in sheaves that take at most so many bytes.
    ///
    /// # Errors
    /// [`Error::Usage`] with the bytes, if not even a row of rays fits.
    pub fn cut(&self, out: &Tile, most: u64) -> Result<Vec<Sheaf>> {
        match self.axis {
            0 => self.rows(out, most),
            1 => self.columns(out, most),
            _ => self.planes(out, most),
        }
    }

    /// Along x: any rows.
    fn rows(&self, out: &Tile, most: u64) -> Result<Vec<Sheaf>> {
        let row = self.row(1, self.slabs.len() as u64);
        let rows = out.y.end - out.y.start;
        let fit = most / row;
        if fit == 0 {
            return Err(too_few(row));
        }
        let (rows, slices) = if fit >= rows { (rows, fit / rows) } else { (fit, 1) };
        let sheaf = |y: Range<u64>, z: Range<u64>| {
            let tile = Tile { volume: out.volume, y, z };
            Sheaf { parts: vec![tile.clone()], out: tile }
        };
        Ok(steps(&out.z, slices).flat_map(|z| steps(&out.y, rows).map(move |y| sheaf(y, z.clone()))).collect())
    }

    /// Along y: slices, or slabs of single slices, or parts of these.
    fn columns(&self, out: &Tile, most: u64) -> Result<Vec<Sheaf>> {
        let hull = self.hull(&out.y);
        let slabs = out.y.end - out.y.start;
        let slices = most / self.row(hull.end - hull.start, slabs * self.shape.axis(0));
        if slices > 0 {
            let sheaf = |z: Range<u64>| Sheaf {
                out: Tile { z: z.clone(), ..out.clone() },
                parts: vec![Tile { volume: out.volume, y: hull.clone(), z }],
            };
            return Ok(steps(&out.z, slices).map(sheaf).collect());
        }
        let mut sheaves = Vec::new();
        for (z, slab) in steps(&out.z, 1).flat_map(|z| steps(&out.y, 1).map(move |slab| (z.clone(), slab))) {
            let y = self.hull(&slab);
            let rows = self.steps_that_fit(y.end - y.start, 1, most)?;
            let parts = steps(&y, rows).map(|y| Tile { volume: out.volume, y, z: z.clone() }).collect();
            sheaves.push(Sheaf { out: Tile { volume: out.volume, y: slab, z }, parts });
        }
        Ok(sheaves)
    }

    /// Along z: slabs that follow each other, or parts of one, or of some of its rows.
    fn planes(&self, out: &Tile, most: u64) -> Result<Vec<Sheaf>> {
        let rows = out.y.end - out.y.start;
        let plane = |steps: u64, rays: u64| rows.saturating_mul(self.row(steps, rays * self.shape.axis(0)));
        let mut sheaves = Vec::new();
        let mut first = out.z.start;
        while first < out.z.end {
            let fits = |last: u64| {
                let hull = self.hull(&(first..last));
                let joined = last - first == 1 || self.slabs[last as usize - 1].start <= self.slabs[last as usize - 2].end;
                joined && plane(hull.end - hull.start, last - first) <= most
            };
            let last = (first + 1..=out.z.end).take_while(|last| fits(*last)).last();
            let slabs = first..last.unwrap_or(first + 1);
            let z = self.hull(&slabs);
            let sheaf = |y: Range<u64>, steps_at_once: u64| Sheaf {
                out: Tile { volume: out.volume, y: y.clone(), z: slabs.clone() },
                parts: steps(&z, steps_at_once).map(|z| Tile { volume: out.volume, y: y.clone(), z }).collect(),
            };
            let thick = z.end - z.start;
            if last.is_some() {
                sheaves.push(sheaf(out.y.clone(), thick));
            } else if let (false, Ok(slices)) = (self.whole, self.steps_that_fit(thick, rows, most)) {
                sheaves.push(sheaf(out.y.clone(), slices));
            } else {
                // Rows of all slices of the slab where a ray wants them; else of some, so that there are not many strips.
                let at_once = if self.whole { thick } else { thick.min(16) };
                let strip = match most / self.row(at_once, self.shape.axis(0)) {
                    0 if !self.whole => (most / self.row(1, self.shape.axis(0))).min(1),
                    rows => rows,
                };
                if strip == 0 {
                    return Err(too_few(self.row(if self.whole { thick } else { 1 }, self.shape.axis(0))));
                }
                let slices = self.steps_that_fit(thick, strip, most)?;
                sheaves.extend(steps(&out.y, strip).map(|y| sheaf(y, slices)));
            }
            first = slabs.end;
        }
        Ok(sheaves)
    }

    /// How many steps of so many rows of rays fit, of `all`: all, where the rays are wanted whole.
    fn steps_that_fit(&self, all: u64, rows: u64, most: u64) -> Result<u64> {
        let (voxel, ray) = self.bytes_of;
        let rays = rows * self.shape.axis(0);
        let fit = most.saturating_sub(rays.saturating_mul(ray)) / rays.saturating_mul(voxel).max(1);
        let least = if self.whole { all } else { 1 };
        if fit < least { Err(too_few(rows.saturating_mul(self.row(least, self.shape.axis(0))))) } else { Ok(fit.min(all)) }
    }

    /// From the beginning of the first slab to the end of the last.
    fn hull(&self, slabs: &Range<u64>) -> Range<u64> {
        let own = &self.slabs[slabs.start as usize..slabs.end as usize];
        let end = own.iter().map(|slab| slab.end).max().unwrap_or(0);
        own.first().map_or(0, |slab| slab.start)..end
    }
}

fn steps(range: &Range<u64>, step: u64) -> impl Iterator<Item = Range<u64>> + use<> {
    let end = range.end;
    range.clone().step_by(step.max(1) as usize).map(move |at| at..at.saturating_add(step).min(end))
}

fn too_few(bytes: u64) -> Error {
    Error::usage(
        format!("the fewest rays that can be followed at a time take {bytes} bytes, several times over"),
        Hint::MoreMemory,
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::single_range_in_vec_init, reason = "one slab is one range")]

    use super::*;

    /// Every voxel of every slab is read once for it, in order, and every voxel of the result made once.
    #[test]
    fn sheaves_follow_every_ray_once() {
        let shape = Shape::new(&[7, 5, 6]).unwrap();
        for axis in 0..3 {
            let n = shape.axis(axis);
            for slabs in [vec![0..n], vec![0..2, 2..n], (0..n).map(|i| i..i + 1).collect()] {
                for whole in [false, true] {
                    let cutter = Cutter { shape: &shape, axis, slabs: &slabs, whole, bytes_of: (2, 3) };
                    for most in [17, 35, 60, 90, 200, 1000] {
                        let Ok(cut) = cutter.cut(&cutter.all(0), most) else { continue };
                        let finer = cut.iter().flat_map(|s| cutter.cut(&s.out, most / 2).unwrap_or_else(|_| vec![s.clone()]));
                        for sheaves in [cut.clone(), finer.collect()] {
                            follow(&cutter, &sheaves);
                        }
                    }
                    assert!(cutter.cut(&cutter.all(0), 16).is_err());
                }
            }
        }
    }

    fn follow(cutter: &Cutter<'_>, sheaves: &[Sheaf]) {
        let (axis, slabs) = (cutter.axis, cutter.slabs);
        let [nx, ny, nz] = cutter.shape.xyz();
        let mut made = std::collections::BTreeSet::new();
        for sheaf in sheaves {
            assert!(!cutter.whole || sheaf.parts.len() == 1);
            let mut read = Vec::new();
            for part in &sheaf.parts {
                for (z, y) in part.z.clone().flat_map(|z| part.y.clone().map(move |y| (z, y))) {
                    assert!(y < ny && z < nz);
                    read.push((y, z));
                }
            }
            for (oz, oy) in sheaf.out.z.clone().flat_map(|z| sheaf.out.y.clone().map(move |y| (z, y))) {
                assert!(made.insert((oz, oy)));
                let wanted: Vec<(u64, u64)> = match axis {
                    0 => vec![(oy, oz)],
                    1 => slabs[oy as usize].clone().map(|y| (y, oz)).collect(),
                    _ => slabs[oz as usize].clone().map(|z| (oy, z)).collect(),
                };
                let mut rest = read.iter();
                assert!(wanted.iter().all(|w| rest.any(|r| r == w)), "{axis} {slabs:?} {sheaf:?}: {wanted:?} of {nx}");
            }
        }
        let all = cutter.all(0);
        assert_eq!(made.len() as u64, (all.y.end - all.y.start) * (all.z.end - all.z.start));
    }
}
