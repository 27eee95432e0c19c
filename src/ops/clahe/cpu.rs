//! Tiles on the CPU, by all threads of the pool.

use rayon::prelude::*;

use super::{Between, Lattice, TileLevels};
use crate::volume::{Block, Dtype, keys};

/// Voxels that a thread looks up at a time.
const VOXELS: usize = 1 << 14;

/// The slot of each voxel by its key, one of `slots`; `none` where the mask is 0.
///
/// # Panics
/// If the type has not 8 or 16 bits, or for another number of slots, voxels, or bytes of the mask.
pub fn find(block: Block<'_>, slots: &[u32], mask: Option<(&[u8], u32)>, out: &mut [u32]) {
    let (dtype, size) = (block.dtype, block.dtype.bytes());
    assert!(dtype.is_small_integer() && slots.len() == dtype.values(), "{} slots of {dtype}", slots.len());
    assert!(out.len() == block.len() && mask.is_none_or(|(m, _)| m.len() == out.len()), "voxels of another number");
    let sign = keys::sign_bit(dtype) as usize;
    out.par_chunks_mut(VOXELS).zip(block.bytes.par_chunks(VOXELS * size)).enumerate().for_each(|(i, (out, bytes))| {
        match size {
            1 => out.iter_mut().zip(bytes).for_each(|(out, v)| *out = slots[usize::from(*v) ^ sign]),
            _ => {
                let voxels = bytes.chunks_exact(2).map(|v| usize::from(u16::from_le_bytes([v[0], v[1]])));
                out.iter_mut().zip(voxels).for_each(|(out, v)| *out = slots[v ^ sign]);
            }
        }
        if let Some((mask, none)) = mask {
            out.iter_mut().zip(&mask[i * VOXELS..]).filter(|(_, keep)| **keep == 0).for_each(|(out, _)| *out = none);
        }
    });
}

/// Adds the voxels of a slice, by their slots, to the histograms of a layer of tiles, `slots` numbers each; what is no slot of a bin is left out.
///
/// # Panics
/// For another number of voxels or counts.
pub fn count(lattice: &Lattice, slice: &[u32], slots: usize, counts: &mut [u32]) {
    let ([nx, ny, _], [w, h, _]) = (lattice.shape().map(|n| n as usize), lattice.size().map(|n| n as usize));
    assert_eq!((slice.len(), counts.len()), (nx * ny, lattice.in_layer() * slots), "a slice or counts of another size");
    let (xs, ys) = (lattice.sources(0), lattice.sources(1));
    counts.par_chunks_mut(lattice.tiles()[0] as usize * slots).zip(ys.par_chunks(h)).for_each(|(row_of_tiles, ys)| {
        for y in ys {
            let row = &slice[*y as usize * nx..][..nx];
            for (tile, (own, xs)) in row_of_tiles.chunks_mut(slots).zip(xs.chunks(w)).enumerate() {
                let mut add = |slot: u32| {
                    if let Some(n) = own.get_mut(slot as usize) {
                        *n += 1;
                    }
                };
                // As far as the image goes places are their own sources.
                let inside = nx.saturating_sub(tile * w).min(w);
                row[(tile * w).min(nx)..][..inside].iter().for_each(|slot| add(*slot));
                xs[inside..].iter().for_each(|x| add(row[*x as usize]));
            }
        }
    });
}

/// Writes the levels of a slice, by its voxels' slots, as `to`, u8 or u16. `layers` are the tables of the layers that it lies between, and `depth` what each weighs.
///
/// # Panics
/// For another number of voxels, tables or bytes.
pub fn blend(lattice: &Lattice, slice: &[u32], (tables, depth): (&TileLevels, Between), to: Dtype, out: &mut [u8]) {
    #[cfg(target_arch = "x86_64")]
    let avx2 = std::arch::is_x86_feature_detected!("avx2");
    let [nx, ny, _] = lattice.shape().map(|n| n as usize);
    assert_eq!((slice.len(), out.len()), (nx * ny, nx * ny * to.bytes()), "a slice or levels of another size");
    assert!(matches!(to, Dtype::U8 | Dtype::U16), "levels as {to}");
    let (across, down) = (lattice.between(0), lattice.between(1));
    let whole = tables.filled.iter().all(|filled| *filled);
    let rows = slice.par_chunks(nx).zip(out.par_chunks_mut(nx * to.bytes())).zip(&down);
    rows.with_min_len((VOXELS / nx).max(1)).for_each(|((slots, out), between)| {
        let row = TileRow { lattice, tables, across: &across, down: *between, depth, whole };
        #[cfg(target_arch = "x86_64")]
        if avx2 {
            // SAFETY: the CPU has AVX2, as was asked above; the function is safe in every other way.
            return unsafe { row.blend_avx2(slots, to, out) };
        }
        row.blend(slots, to, out);
    });
}

/// A row of voxels, and the tiles that it lies between.
struct TileRow<'a> {
    lattice: &'a Lattice,
    tables: &'a TileLevels,
    across: &'a [Between],
    down: Between,
    depth: Between,
    /// Whether all tiles have tables.
    whole: bool,
}

impl TileRow<'_> {
    /// The same code; with AVX2 a rounding is one instruction.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn blend_avx2(&self, slots: &[u32], to: Dtype, out: &mut [u8]) {
        self.blend(slots, to, out);
    }

    #[inline(always)]
    fn blend(&self, slots: &[u32], to: Dtype, out: &mut [u8]) {
        match to {
            Dtype::U8 => self.each(slots, |at, level| out[at] = level as u8),
            _ => self.each(slots, |at, level| out[2 * at..2 * at + 2].copy_from_slice(&level.to_le_bytes())),
        }
    }

    /// Voxels between the same tiles are done together.
    #[inline(always)]
    fn each(&self, slots: &[u32], mut put: impl FnMut(usize, u16)) {
        let entries = self.tables.entries;
        let mut x = 0;
        while x < slots.len() {
            let Between { low, high, .. } = self.across[x];
            let end =
                (x..slots.len()).find(|i| (self.across[*i].low, self.across[*i].high) != (low, high)).unwrap_or(slots.len());
            let pair = |y: u32, z: u32| [self.table(low, y, z), self.table(high, y, z)];
            let (near, far) = (self.down.near, self.down.far);
            // Pairs of tables beside each other in x, and what each pair weighs.
            let mut pairs = [([[].as_slice(); 2], [0u64; 2]); 4];
            let mut used = 0;
            for (z, depth) in [(self.depth.low, self.depth.near), (self.depth.high, self.depth.far)] {
                for (y, weight) in [(self.down.low, near), (self.down.high, far)] {
                    let weight = u64::from(weight) * u64::from(depth);
                    if weight > 0 {
                        let of = |x: u32| weight * u64::from(self.tables.filled[self.place(x, y, z)]);
                        pairs[used] = (pair(y, z), [of(low), of(high)]);
                        used += 1;
                    }
                }
            }
            let pairs = &pairs[..used];
            // Two pairs in a plane of tiles that all have tables, and sums of 32 bits: nearly all pictures.
            if let (true, [(ab, [above, _]), (cd, [below, _])]) = (self.whole && self.lattice.weight() <= 1 << 16, pairs) {
                self.flat(&slots[x..end], &self.across[x..end], [*ab, *cd], [*above as u32, *below as u32], |at, level| {
                    put(x + at, level)
                });
                x = end;
                continue;
            }
            let all = self.lattice.weight() as f64;
            for (at, slot) in (x..end).zip(&slots[x..end]) {
                let (slot, between) = (*slot as usize, self.across[at]);
                let (near, far) = (u64::from(between.near), u64::from(between.far));
                let mut sum = 0;
                let mut weight = 0;
                for ([a, b], [wa, wb]) in pairs {
                    sum += u64::from(a[slot]) * near * wa + u64::from(b[slot]) * far * wb;
                    weight += near * wa + far * wb;
                }
                // Both are whole numbers below 2⁵³, and a quotient that is no tie is 2⁻³⁷ from one at least, which f64 tells from it.
                put(
                    at,
                    match (self.whole, weight) {
                        (true, _) => (sum as f64 / all).round_ties_even() as u16,
                        // No tile around it knows anything: what lies above all bins is bright all the same.
                        (false, 0) if slot == entries - 1 => self.tables.levels[entries - 1],
                        (false, 0) => 0,
                        (false, weight) => (sum as f64 / weight as f64).round_ties_even() as u16,
                    },
                );
            }
            x = end;
        }
    }

    /// Voxels between the same two pairs of tables, whose sums fit 32 bits: looked up one by one, then mixed as vectors.
    #[inline(always)]
    fn flat(
        &self,
        slots: &[u32],
        across: &[Between],
        [[a, b], [c, d]]: [[&[u16]; 2]; 2],
        [above, below]: [u32; 2],
        mut put: impl FnMut(usize, u16),
    ) {
        const MOST: usize = 64;
        let entries = self.tables.entries;
        // Of one length, so that one check serves all four.
        let (a, b, c, d) = (&a[..entries], &b[..entries], &c[..entries], &d[..entries]);
        let weight = self.lattice.weight() as f64;
        for (i, (slots, across)) in slots.chunks(MOST).zip(across.chunks(MOST)).enumerate() {
            let (mut left, mut right, mut sums) = ([0u32; MOST], [0u32; MOST], [0u32; MOST]);
            for ((slot, left), right) in slots.iter().zip(&mut left).zip(&mut right) {
                let slot = *slot as usize;
                if slot < entries {
                    *left = u32::from(a[slot]) * above + u32::from(c[slot]) * below;
                    *right = u32::from(b[slot]) * above + u32::from(d[slot]) * below;
                }
            }
            for (((left, right), sum), between) in left.iter().zip(&right).zip(&mut sums).zip(across) {
                *sum = left * between.near + right * between.far;
            }
            for (at, sum) in sums[..slots.len()].iter().enumerate() {
                put(i * MOST + at, (f64::from(*sum) / weight).round_ties_even() as i32 as u16);
            }
        }
    }

    fn place(&self, x: u32, y: u32, z: u32) -> usize {
        let [tx, ty, _] = self.lattice.tiles();
        ((z * ty + y) * tx + x) as usize
    }

    fn table(&self, x: u32, y: u32, z: u32) -> &[u16] {
        &self.tables.levels[self.place(x, y, z) * self.tables.entries..][..self.tables.entries]
    }
}
