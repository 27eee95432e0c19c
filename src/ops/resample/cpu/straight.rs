//! Linear interpolation of 8- and 16-bit integers where axes run along axes: rows along x, planes along y, then slices along z, each computed once for all that need it.

use super::fixed::{between, between_keys, key_of, rounded};
use super::{Sampled, Vectors};
use crate::volume::{Dtype, keys};

/// Bytes of the two planes that a strip of rows keeps.
const PLANES: usize = 1 << 19;

/// Along one axis: which voxels of the target lie inside, and for each the pair of voxels around it.
struct AxisPairs {
    inside: std::ops::Range<usize>,
    /// The first of each pair.
    first: Vec<i32>,
    /// Whether there is a second one.
    next: usize,
    /// Of the second, in 65,536ths.
    weight: Vec<u32>,
}

impl AxisPairs {
    fn new(from: &Sampled<'_>, along: usize, count: usize) -> Self {
        let inside = from.positions.covered_along(along, count, &from.inside[along]);
        let last = from.shape[along] as i64 - 1;
        let (mut first, mut weight) = (Vec::with_capacity(inside.len()), Vec::with_capacity(inside.len()));
        for i in inside.clone() {
            // A position beyond the ends is that of the end: its outermost voxel goes on.
            let at = rounded(from.positions.start[along] + from.positions.step[along][along] * i as i64).clamp(0, last << 16);
            let whole = (at >> 16).min((last - 1).max(0));
            first.push(whole as i32);
            weight.push((at - (whole << 16)) as u32);
        }
        Self { inside, first, next: usize::from(last > 0), weight }
    }
}

pub(super) fn all(from: &Sampled<'_>, fill: u64, size: [usize; 3], out: &mut [u8], vectors: Vectors) {
    let width = from.dtype.bytes();
    let axes = [0, 1, 2].map(|along| AxisPairs::new(from, along, size[along]));
    if axes.iter().any(|axis| axis.inside.is_empty()) || axes.iter().zip(size).any(|(axis, n)| axis.inside != (0..n)) {
        let fill = &fill.to_le_bytes()[..width];
        out.chunks_exact_mut(width).for_each(|one| one.copy_from_slice(fill));
    }
    let [xs, ys, zs] = &axes;
    let columns = xs.inside.len();
    if columns == 0 || ys.inside.is_empty() {
        return;
    }
    let strip = (PLANES / (8 * columns)).max(1);
    let mut lines = Lines { from, xs, vectors, kept: [(usize::MAX, vec![0; columns]), (usize::MAX, vec![0; columns])] };
    let mut begin = 0;
    while begin < ys.inside.len() {
        let rows = begin..(begin + strip).min(ys.inside.len());
        let plane = || (usize::MAX, vec![0u32; rows.len() * columns]);
        let mut planes = [plane(), plane()];
        for (i, z) in zs.inside.clone().enumerate() {
            let first = zs.first[i] as usize;
            let wanted = [first, first + zs.next];
            // The second plane of the slice before is often the first one now.
            if planes[1].0 == wanted[0] || planes[0].0 == wanted[1] {
                planes.swap(0, 1);
            }
            for (kept, z) in planes.iter_mut().zip(wanted) {
                if kept.0 != z {
                    lines.plane(z, ys, rows.clone(), &mut kept.1);
                    kept.0 = z;
                }
            }
            let weight = zs.weight[i];
            for (j, (a, b)) in planes[0].1.chunks_exact(columns).zip(planes[1].1.chunks_exact(columns)).enumerate() {
                let y = ys.inside.start + rows.start + j;
                let at = ((z * size[1] + y) * size[0] + xs.inside.start) * width;
                stored(from.dtype, (a, b), weight, &mut out[at..at + columns * width]);
            }
        }
        begin = rows.end;
    }
}

/// Between two rows of sixteenths, as stored values.
fn stored(dtype: Dtype, (a, b): (&[u32], &[u32]), weight: u32, out: &mut [u8]) {
    let sign = keys::sign_bit(dtype) as u32;
    let keys = a.iter().zip(b).map(|(a, b)| key_of(between(*a, *b, weight)) ^ sign);
    if dtype.bytes() == 1 {
        out.iter_mut().zip(keys).for_each(|(out, key)| *out = key as u8);
    } else {
        out.as_chunks_mut::<2>().0.iter_mut().zip(keys).for_each(|(out, key)| *out = (key as u16).to_le_bytes());
    }
}

/// Rows of the source, weighed along x, the last two of them kept.
struct Lines<'a> {
    from: &'a Sampled<'a>,
    xs: &'a AxisPairs,
    vectors: Vectors,
    /// Each with the number of its row.
    kept: [(usize, Vec<u32>); 2],
}

impl Lines<'_> {
    /// Rows of slice `z` of the source, weighed along x and y.
    fn plane(&mut self, z: usize, ys: &AxisPairs, rows: std::ops::Range<usize>, out: &mut [u32]) {
        for (i, out) in rows.zip(out.chunks_exact_mut(self.xs.first.len())) {
            let first = z * self.from.shape[1] + ys.first[i] as usize;
            let wanted = [first, first + ys.next];
            if self.kept[1].0 == wanted[0] || self.kept[0].0 == wanted[1] {
                self.kept.swap(0, 1);
            }
            for (which, row) in wanted.into_iter().enumerate() {
                if self.kept[which].0 != row {
                    self.line(row, which);
                }
            }
            let weight = ys.weight[i];
            let ([(_, a), (_, b)], out) = (&self.kept, out);
            out.iter_mut().zip(a.iter().zip(b)).for_each(|(out, (a, b))| *out = between(*a, *b, weight));
        }
    }

    fn line(&mut self, row: usize, which: usize) {
        let (from, width, nx) = (self.from, self.from.dtype.bytes(), self.from.shape[0]);
        let line = &from.bytes[row * nx * width..][..nx * width];
        let (number, out) = &mut self.kept[which];
        *number = row;
        let mut done = 0;
        #[cfg(target_arch = "x86_64")]
        if self.vectors == Vectors::Avx2 && width == 2 && nx > 1 {
            // SAFETY: this variant is made only where AVX2 was detected; an axis of more than one voxel has pairs that lie in its rows.
            unsafe { super::avx2::line_of_words(line, from.dtype, &self.xs.first, &self.xs.weight, out) };
            done = out.len() / 8 * 8;
        }
        let sign = keys::sign_bit(from.dtype) as u32;
        let key = |at: usize| {
            let value =
                if width == 1 { u32::from(line[at]) } else { u32::from(u16::from_le_bytes([line[2 * at], line[2 * at + 1]])) };
            value ^ sign
        };
        let pairs = self.xs.first.iter().zip(&self.xs.weight);
        for (out, (first, weight)) in out.iter_mut().zip(pairs).skip(done) {
            let first = *first as usize;
            *out = between_keys(key(first), key(first + self.xs.next), *weight);
        }
    }
}
