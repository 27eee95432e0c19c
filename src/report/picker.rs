//! Collects the voxels of a few slices while the blocks of a volume pass by, in any order and from many threads.

use std::sync::{Mutex, PoisonError};

use super::{Plane, View};
use crate::volume::{Block, Dtype, Header, Observe, Rescales};
use crate::{Error, Result};

/// The stored values of one slice, in screen order: row by row from the top left.
#[derive(Debug, Clone, PartialEq)]
pub struct Slice {
    /// How it was cut.
    pub view: View,
    /// Voxel index along the view's normal.
    pub index: u64,
    /// Which volume of a time series, 0 if there is one.
    pub volume: u64,
    /// Type of the stored values.
    pub dtype: Dtype,
    /// Stored values, little-endian.
    pub bytes: Vec<u8>,
}

impl Slice {
    /// Pixels right.
    pub fn width(&self) -> u64 {
        self.view.size().0
    }

    /// Pixels down.
    pub fn height(&self) -> u64 {
        self.view.size().1
    }

    /// The real value at pixel (`u`, `v`); `rescale` is that of the volume the slice was cut from.
    pub fn real(&self, u: u64, v: u64, rescale: &Rescales) -> f64 {
        let stored = self.stored(u, v);
        match rescale {
            Rescales::Uniform(r) => r.real(stored),
            Rescales::PerSlice(all) => {
                let z = self.view.voxel(self.index, u, v)[2];
                all.get((self.volume * self.view.shape()[2] + z) as usize).map_or(stored, |r| r.real(stored))
            }
        }
    }

    /// The least and the largest real value that are finite; none if none is.
    pub fn ends(&self, rescale: &Rescales) -> Option<(f64, f64)> {
        let all = (0..self.height()).flat_map(|v| (0..self.width()).map(move |u| (u, v)));
        let values = all.map(|(u, v)| self.real(u, v, rescale)).filter(|value| value.is_finite());
        values.fold(None, |ends, x| Some(ends.map_or((x, x), |(low, high): (f64, f64)| (low.min(x), high.max(x)))))
    }

    /// The stored value at pixel (`u`, `v`).
    pub fn stored(&self, u: u64, v: u64) -> f64 {
        let size = self.dtype.bytes();
        let at = (v * self.width() + u) as usize * size;
        self.dtype.decode(&self.bytes[at..at + size])
    }
}

/// Voxels of one wanted slice in voxel order: the lower in-plane axis fastest.
#[derive(Debug)]
struct PickedSlice {
    view: View,
    index: u64,
    bytes: Mutex<Vec<u8>>,
}

/// Gathers wanted slices from runs of voxels.
#[derive(Debug)]
pub struct Picker {
    shape: [u64; 3],
    dtype: Dtype,
    volume: u64,
    wanted: Vec<PickedSlice>,
}

impl Picker {
    /// Will collect the slices `wanted` of volume number `volume` (0 unless it is a time series).
    ///
    /// # Errors
    /// [`Error::Usage`] for a slice or volume that does not exist.
    pub fn new(header: &Header, wanted: &[(Plane, u64)], volume: u64) -> Result<Self> {
        if volume >= header.grid.shape.volumes() {
            return Err(Error::usage(
                format!("there is no volume {volume}"),
                format!("give 0 to {}", header.grid.shape.volumes() - 1),
            ));
        }
        let size = header.meaning.dtype.bytes();
        let wanted = wanted
            .iter()
            .map(|&(plane, index)| {
                let view = View::new(header, plane);
                if index >= view.slices() {
                    return Err(Error::usage(
                        format!("there is no {} slice {index}", plane.name()),
                        format!("give 0 to {}", view.slices() - 1),
                    ));
                }
                let (w, h) = view.size();
                Ok(PickedSlice { view, index, bytes: Mutex::new(vec![0; (w * h) as usize * size]) })
            })
            .collect::<Result<_>>()?;
        Ok(Self { shape: header.grid.shape.xyz(), dtype: header.meaning.dtype, volume, wanted })
    }

    /// The middle slice of every plane that `header` can be looked at in, of the first volume.
    ///
    /// # Errors
    /// None in practice: the slices exist.
    pub fn middles(header: &Header) -> Result<Self> {
        let wanted: Vec<_> = View::planes(header).into_iter().map(|p| (p, View::new(header, p).middle())).collect();
        Self::new(header, &wanted, 0)
    }

    /// Takes what is wanted from a run of voxels that begins at voxel `at` of the file, x fastest.
    pub(super) fn take(&self, at: u64, bytes: &[u8]) {
        let [nx, ny, nz] = self.shape;
        let size = self.dtype.bytes();
        let first = self.volume * nx * ny * nz;
        // The run as a half-open range of voxels of the one volume.
        let low = at.max(first);
        let high = (at + (bytes.len() / size) as u64).min(first + nx * ny * nz);
        if low >= high {
            return;
        }
        let bytes = &bytes[(low - at) as usize * size..(high - at) as usize * size];
        let run = Stretch { low: low - first, high: high - first, bytes, size };
        for wanted in &self.wanted {
            let i = wanted.index;
            match wanted.view.axis() {
                2 => run.copy(i * nx * ny, nx * ny, 0, &wanted.bytes),
                1 => {
                    // The slice's row in each z-plane that the run touches.
                    for z in run.low / (nx * ny)..=(run.high - 1) / (nx * ny) {
                        run.copy((z * ny + i) * nx, nx, z * nx, &wanted.bytes);
                    }
                }
                _ => run.stride(i, nx, &wanted.bytes),
            }
        }
    }

    /// The slices, in the order in which they were asked for.
    pub fn finish(self) -> Vec<Slice> {
        let Self { dtype, volume, wanted, .. } = self;
        wanted
            .into_iter()
            .map(|PickedSlice { view, index, bytes }| {
                let bytes = bytes.into_inner().unwrap_or_else(PoisonError::into_inner);
                let bytes = turned(&view, &bytes, dtype.bytes());
                Slice { view, index, volume, dtype, bytes }
            })
            .collect()
    }
}

impl Observe for Picker {
    /// # Panics
    /// For voxels of another type than the header said: their bytes would make a picture of nothing.
    fn see(&self, at: u64, block: Block<'_>) {
        assert_eq!(block.dtype, self.dtype, "voxels of another type than the pictures'");
        self.take(at, block.bytes);
    }
}

/// Part of a volume: voxels `low..high`.
struct Stretch<'a> {
    low: u64,
    high: u64,
    bytes: &'a [u8],
    size: usize,
}

impl Stretch<'_> {
    /// Copies what there is of voxels `from..from + count` to pixel `to` and on.
    fn copy(&self, from: u64, count: u64, to: u64, into: &Mutex<Vec<u8>>) {
        let (low, high) = (self.low.max(from), self.high.min(from + count));
        if low < high {
            let source = &self.bytes[(low - self.low) as usize * self.size..(high - self.low) as usize * self.size];
            let start = (to + low - from) as usize * self.size;
            lock(into)[start..start + source.len()].copy_from_slice(source);
        }
    }

    /// Copies voxel `x` of each row of `nx`: pixel number = row number.
    fn stride(&self, x: u64, nx: u64, into: &Mutex<Vec<u8>>) {
        let row = (self.low + nx - 1 - x) / nx;
        let mut from = row * nx + x;
        if from >= self.high {
            return;
        }
        let mut to = row as usize * self.size;
        let mut out = lock(into);
        while from < self.high {
            let start = (from - self.low) as usize * self.size;
            out[to..to + self.size].copy_from_slice(&self.bytes[start..start + self.size]);
            from += nx;
            to += self.size;
        }
    }
}

/// A thread that panicked while it copied leaves bytes behind, nothing worse.
fn lock(bytes: &Mutex<Vec<u8>>) -> std::sync::MutexGuard<'_, Vec<u8>> {
    bytes.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From voxel order (lower axis fastest) to screen order.
fn turned(view: &View, bytes: &[u8], size: usize) -> Vec<u8> {
    let (w, h) = (view.size().0 as usize, view.size().1 as usize);
    let (straight, flip_u, flip_v) = view.turn();
    let mut out = Vec::with_capacity(bytes.len());
    for v in 0..h {
        let v = if flip_v { h - 1 - v } else { v };
        for u in 0..w {
            let u = if flip_u { w - 1 - u } else { u };
            let at = if straight { v * w + u } else { u * h + v } * size;
            out.extend_from_slice(&bytes[at..at + size]);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::{Noise, orientations};
    use crate::volume::Shape;

    #[test]
    fn any_split_gives_what_the_view_says() {
        let mut noise = Noise(7);
        for (code, mut header) in orientations([5, 3, 4]) {
            header.grid.shape = Shape::new(&[5, 3, 4, 2]).unwrap();
            header.meaning.dtype = Dtype::U16;
            let stored: Vec<u8> = (0..120u16).flat_map(|i| (i * 7 + 300).to_le_bytes()).collect();
            let all: Vec<(Plane, u64)> =
                Plane::ALL.iter().flat_map(|&p| (0..View::new(&header, p).slices()).map(move |i| (p, i))).collect();
            for volume in 0..2 {
                let picker = Picker::new(&header, &all, volume).unwrap();
                let mut runs = Vec::new();
                let mut at = 0;
                while at < 120 {
                    let end = (at + 1 + noise.below(40)).min(120);
                    runs.push((at, end));
                    at = end;
                }
                runs.reverse();
                std::thread::scope(|scope| {
                    for half in runs.chunks(runs.len().div_ceil(2)) {
                        let (picker, stored) = (&picker, &stored);
                        scope.spawn(move || {
                            for &(a, b) in half {
                                picker.take(a, &stored[a as usize * 2..b as usize * 2]);
                            }
                        });
                    }
                });
                let slices = picker.finish();
                assert_eq!(slices.len(), all.len());
                for slice in slices {
                    for v in 0..slice.height() {
                        for u in 0..slice.width() {
                            let [x, y, z] = slice.view.voxel(slice.index, u, v);
                            let at = ((volume * 4 + z) * 3 + y) * 5 + x;
                            assert_eq!(slice.stored(u, v), (at * 7 + 300) as f64, "{code} {:?}", slice.view.plane());
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn what_does_not_exist_is_refused() {
        let header = Header::new(Shape::new(&[5, 3, 4]).unwrap(), Dtype::U8);
        assert!(Picker::new(&header, &[(Plane::Axial, 3)], 0).is_ok());
        assert!(Picker::new(&header, &[(Plane::Axial, 4)], 0).unwrap_err().to_string().contains("no axial slice 4"));
        assert!(Picker::new(&header, &[], 1).is_err());
    }
}
