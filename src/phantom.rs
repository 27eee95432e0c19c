//! A made-up chest CT, and a made-up cohort: the same voxels from the same seed on every machine, and no patient behind them.
//!
//! The anatomy is drawn in a box 400 wide, 400 deep and 320 high whatever the size in voxels, from ellipsoids and tubes whose edges
//! are as soft as a scanner's. Only `+ - * / sqrt` are used, which every machine rounds alike; noise is a hash of the voxel's index,
//! so slices can be made in any order and on any thread.

mod anatomy;
mod cohort;
mod hash;
mod heart;

use std::path::Path;

use rayon::prelude::*;

use crate::io::dicom::write::{CtSlice, CtUids, write_ct_slice};
use crate::io::output::{Target, publish};
use crate::volume::{Dtype, Geometry, Header, Position, Shape, Unit, Volume};
use crate::{Error, Result};
pub use cohort::Cohort;
use hash::hash;
pub use heart::HeartPhantom;

/// A chest phantom.
#[derive(Debug, Clone, PartialEq)]
pub struct Phantom {
    /// Voxels along x, y, z.
    pub size: [u64; 3],
    /// Spacing along x, y, z in mm. The phantom fills the box whatever the spacing.
    pub spacing_mm: [f64; 3],
    /// Decides noise and vessels.
    pub seed: u64,
}

impl Default for Phantom {
    fn default() -> Self {
        Self { size: [512, 512, 64], spacing_mm: [0.78125, 0.78125, 5.0], seed: 1 }
    }
}

/// Standard deviation of the noise in HU.
const NOISE_HU: f64 = 15.0;

impl Phantom {
    /// Hounsfield units of slice `z`, x fastest; slice 0 is nearest the feet.
    pub fn voxels(&self, z: u64) -> Vec<i16> {
        let [nx, ny, nz] = self.size;
        let slice = anatomy::CrossSection::new(self.seed, (z as f64 + 0.5) / nz as f64);
        // Edges blur over about a voxel, and never less than a scanner would.
        let blur = (400.0 / nx.max(ny) as f64).max(0.8);
        let mut out = vec![0; (nx * ny) as usize];
        for y in 0..ny {
            for x in 0..nx {
                let px = (x as f64 + 0.5) / nx as f64 * 400.0 - 200.0;
                let py = (y as f64 + 0.5) / ny as f64 * 400.0 - 200.0;
                let i = y * nx + x;
                let hu = slice.hounsfield(px, py, blur) + NOISE_HU * noise(self.seed, z * nx * ny + i);
                out[i as usize] = hu.round().clamp(-1024.0, 3071.0) as i16;
            }
        }
        out
    }

    /// The voxel at the corner, in mm towards left, posterior and superior: the patient's middle lies at 0, the first slice too.
    fn origin_mm(&self) -> [f64; 3] {
        let corner = |axis: usize| (0.5 - self.size[axis] as f64 / 2.0) * self.spacing_mm[axis];
        [corner(0), corner(1), 0.0]
    }

    /// The whole phantom in memory, lying as the series does.
    ///
    /// # Errors
    /// [`Error::Usage`] for sizes that no volume has.
    pub fn volume(&self) -> Result<Volume> {
        let none = || Error::usage(format!("a phantom of {:?} voxels", self.size), "give one voxel or more along each axis");
        let header = Header::new(Shape::new(&self.size).ok_or_else(none)?, Dtype::I16).with(|header| {
            let direction = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
            let position = Some(Position { origin_mm: self.origin_mm(), direction });
            header.grid.geometry = Some(Geometry { position, ..Geometry::spacing(self.spacing_mm) });
            header.meaning.unit = Unit::Hounsfield;
        });
        let slices: Vec<Vec<i16>> = (0..self.size[2]).into_par_iter().map(|z| self.voxels(z)).collect();
        Volume::new(header, slices.iter().flatten().flat_map(|value| value.to_le_bytes()).collect())
    }

    /// Writes the phantom as a series of DICOM files into `folder`, which is made if it is not there. `progress` is told the slices
    /// done so far and says whether to go on. The files get their names when all are complete; none is replaced.
    ///
    /// # Errors
    /// [`Error::Usage`] for sizes that DICOM cannot hold, [`Error::Exists`], [`Error::Write`], [`Error::Interrupted`].
    pub fn write_series(&self, folder: &Path, progress: &(dyn Fn(u64) -> bool + Sync)) -> Result<()> {
        let [nx, ny, nz] = self.size;
        let (Ok(columns @ 1..), Ok(rows @ 1..), 1..=100_000) = (u16::try_from(nx), u16::try_from(ny), nz) else {
            return Err(Error::usage(
                format!("a phantom of {nx} x {ny} x {nz} voxels does not fit a DICOM series"),
                "give 1 to 65535 columns and rows and at most 100000 slices",
            ));
        };
        if self.spacing_mm.iter().any(|s| !(s.is_finite() && *s > 0.0)) {
            return Err(Error::usage("the spacing is not positive", "give three spacings in mm"));
        }
        std::fs::create_dir_all(folder).map_err(Error::write(folder))?;
        let width = nz.to_string().len().max(4);
        let done = std::sync::atomic::AtomicU64::new(0);
        let staged = (0..nz)
            .into_par_iter()
            .map(|z| {
                let path = folder.join(format!("slice_{:0width$}.dcm", z + 1));
                let target = Target::new(&path, false, &[])?;
                let mut file = target.create()?;
                let hounsfield = self.voxels(z);
                let [x_mm, y_mm, z_mm] = self.origin_mm();
                let slice = CtSlice {
                    size: [columns, rows],
                    spacing_mm: self.spacing_mm,
                    origin_mm: [x_mm, y_mm, z_mm + z as f64 * self.spacing_mm[2]],
                    number: z as u32 + 1,
                    uids: self.uids(z + 1),
                    hounsfield: &hounsfield,
                };
                write_ct_slice(&slice, std::io::BufWriter::with_capacity(1 << 20, &mut file), &path)?;
                let staged = target.stage(file)?;
                match progress(done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1) {
                    true => Ok(staged),
                    false => Err(Error::Interrupted),
                }
            })
            .collect::<Result<Vec<_>>>()?;
        publish(staged)
    }

    /// Identifiers made from the seed and the size alone: another size is another series.
    fn uids(&self, number: u64) -> CtUids {
        let [nx, ny, nz] = self.size;
        let seed = hash(self.seed, nx << 32 | ny, nz);
        let uid = |kind: u64, n: u64| {
            let [high, low] = [1, 2].map(|half| hash(seed, kind << 32 | half, n));
            u128::from(high) << 64 | u128::from(low)
        };
        CtUids { study: uid(1, 0), series: uid(2, 0), instance: uid(3, number), frame_of_reference: uid(4, 0) }
    }
}

/// Nearly normal noise of standard deviation 1: the sum of eight 16-bit numbers of a hash.
fn noise(seed: u64, voxel: u64) -> f64 {
    let halves = |h: u64| (0..4).map(|i| h >> (16 * i) & 0xFFFF).sum::<u64>();
    let sum = halves(hash(seed, 11, voxel)) + halves(hash(seed, 12, voxel));
    // Mean 8 · 65535 / 2; variance 8 · (65536² - 1) / 12.
    (sum as f64 - 262_140.0) / 53_509.9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_white_and_of_unit_size() {
        let all: Vec<f64> = (0..100_000).map(|i| noise(3, i)).collect();
        let mean = all.iter().sum::<f64>() / 1e5;
        let variance = all.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / 1e5;
        let next = all.windows(2).map(|w| w[0] * w[1]).sum::<f64>() / 1e5;
        assert!(mean.abs() < 0.01 && (variance - 1.0).abs() < 0.02 && next.abs() < 0.01, "{mean} {variance} {next}");
    }

    #[test]
    fn tissues_are_where_they_belong() {
        let p = Phantom { size: [100, 100, 32], ..Phantom::default() };
        let near = |z: u64, x: f64, y: f64| {
            let v = p.voxels(z);
            let (cx, cy) = ((x + 200.0) / 4.0, (y + 200.0) / 4.0);
            let (cx, cy) = (cx as usize, cy as usize);
            let sum: i32 = (cy - 1..=cy + 1)
                .flat_map(|y| (cx - 1..=cx + 1).map(move |x| (x, y)))
                .map(|(x, y)| i32::from(v[y * 100 + x]))
                .sum();
            sum / 9
        };
        assert!(near(16, -190.0, -190.0) < -950, "air around");
        assert!((-900..-500).contains(&near(18, 80.0, 20.0)), "lung {}", near(18, 80.0, 20.0));
        assert!(near(16, 0.0, 66.0) > 100, "spine");
        assert!((20..200).contains(&near(3, -70.0, -10.0)), "liver");
    }

    #[test]
    fn the_same_seed_gives_the_same_voxels() {
        let p = Phantom { size: [64, 48, 8], ..Phantom::default() };
        assert_eq!(p.voxels(5), p.voxels(5));
        assert_ne!(p.voxels(5), Phantom { seed: 2, ..p.clone() }.voxels(5));
    }

    #[test]
    fn a_series_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let p = Phantom { size: [40, 30, 12], spacing_mm: [1.0, 1.25, 3.0], seed: 9 };
        let count = std::sync::atomic::AtomicU64::new(0);
        p.write_series(folder.path(), &|_| {
            count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            true
        })
        .unwrap();
        assert_eq!(count.into_inner(), 12);
        let source = crate::io::dicom::open(folder.path(), &Default::default()).unwrap();
        assert_eq!(source.header().grid.shape.axes(), [40, 30, 12]);
        assert_eq!(source.header().grid.geometry.as_ref().unwrap().spacing_mm, [1.0, 1.25, 3.0]);
        let mut bytes = vec![0; 40 * 30 * 2];
        source.read(40 * 30 * 7, &mut bytes).unwrap();
        let read: Vec<i16> = bytes.as_chunks::<2>().0.iter().map(|b| i16::from_le_bytes(*b) - 1024).collect();
        assert_eq!(read, p.voxels(7));
        // A second run finds the files in its way.
        assert!(matches!(p.write_series(folder.path(), &|_| true), Err(Error::Exists { .. })));
    }
}
