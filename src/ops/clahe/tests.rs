//! CPU and GPU against the definition, voxel by voxel.

use super::*;
use crate::engine::{Brick, Chunk, Gpu, Options, UNIT_VOXELS};
use crate::ops::testing::{Content, assert_same, gpu, noise};
use crate::volume::{Block, Dtype, keys};

/// What is to be done, with tables that follow from nothing but their place.
struct Case {
    lattice: Lattice,
    dtype: Dtype,
    bytes: Vec<u8>,
    mask: Option<Vec<u8>>,
    /// Of each key; as many as `bins` lie in bins.
    slots: Vec<u32>,
    bins: usize,
}

impl Case {
    fn new(shape: [u32; 3], tiles: [u32; 3], dtype: Dtype, masked: bool) -> Self {
        let voxels = shape.iter().product::<u32>() as usize;
        let bins = 100;
        let slot = |key: u32| (noise(u64::from(key)) % (bins as u64 + 2)) as u32;
        Self {
            lattice: Lattice::new(shape, tiles).unwrap(),
            dtype,
            bytes: Content::Noise.bytes(dtype, voxels),
            mask: masked.then(|| (0..voxels as u64).map(|i| (noise(i / 5) % 2) as u8 * 255).collect()),
            slots: (0..dtype.values() as u32).map(slot).collect(),
            bins,
        }
    }

    fn key(&self, at: usize) -> usize {
        let size = self.dtype.bytes();
        let stored = self.bytes[at * size..][..size].iter().rev().fold(0, |all, byte| all << 8 | u64::from(*byte));
        keys::key(self.dtype, stored) as usize
    }

    fn layers(&self) -> usize {
        self.lattice.tiles()[2] as usize
    }

    fn visits(&self) -> Vec<[u32; 2]> {
        let deep = self.lattice.size()[2];
        self.lattice.sources(2).into_iter().zip(0..).map(|(z, at)| [z, at / deep]).collect()
    }

    fn tables(&self, filled: impl Fn(usize) -> bool) -> TileLevels {
        let (tiles, entries) = (self.layers() * self.lattice.in_layer(), self.bins + 2);
        let levels = (0..tiles * entries).map(|i| noise(i as u64 + 9) as u16).collect();
        TileLevels { entries, levels, filled: (0..tiles).map(filled).collect() }
    }

    /// Every place of the continued image, one by one.
    fn expected_counts(&self) -> Vec<u32> {
        let ([nx, ny, _], [tx, ty, tz], [w, h, d]) = (self.lattice.shape(), self.lattice.tiles(), self.lattice.size());
        let mut counts = vec![0; (tx * ty * tz) as usize * self.bins];
        let mirrored = |at: u32, n: u32| {
            let mut at = i64::from(at);
            while n > 1 && !(0..i64::from(n)).contains(&at) {
                at = if at < 0 { -at } else { 2 * i64::from(n) - 2 - at };
            }
            if n == 1 { 0 } else { at as u32 }
        };
        for (z, y, x) in (0..d * tz).flat_map(|z| (0..h * ty).flat_map(move |y| (0..w * tx).map(move |x| (z, y, x)))) {
            let [sx, sy, sz] = [(x, 0), (y, 1), (z, 2)].map(|(at, axis)| mirrored(at, self.lattice.shape()[axis]));
            let at = ((sz * ny + sy) * nx + sx) as usize;
            let slot = self.slots[self.key(at)] as usize;
            if slot < self.bins && self.mask.as_ref().is_none_or(|m| m[at] != 0) {
                counts[(((z / d) * ty + y / h) * tx + x / w) as usize * self.bins + slot] += 1;
            }
        }
        counts
    }

    /// The weights by the distance to the middles of all tiles, in u128.
    fn expected_levels(&self, tables: &TileLevels) -> Vec<u16> {
        let ([nx, ny, nz], tiles, size) = (self.lattice.shape(), self.lattice.tiles(), self.lattice.size());
        // How much tile number `tile` says at `at`: its distance in twice voxels, where the outer tiles go on for ever.
        let says = |axis: usize, at: u32, tile: u32| -> u128 {
            if axis == 2 && tiles[2] == 1 {
                return 1;
            }
            let size = i64::from(size[axis]);
            let beyond = 2 * i64::from(at) - (2 * i64::from(tile) + 1) * size;
            let last = tile + 1 == tiles[axis];
            if beyond <= 0 && tile == 0 || beyond >= 0 && last {
                2 * size as u128
            } else {
                (2 * size - beyond.abs()).max(0) as u128
            }
        };
        let mut out = Vec::new();
        for (z, y, x) in (0..nz).flat_map(|z| (0..ny).flat_map(move |y| (0..nx).map(move |x| (z, y, x)))) {
            let slot = self.slots[self.key(((z * ny + y) * nx + x) as usize)] as usize;
            let (mut sum, mut weight) = (0u128, 0);
            for (k, j, i) in (0..tiles[2]).flat_map(|k| (0..tiles[1]).flat_map(move |j| (0..tiles[0]).map(move |i| (k, j, i)))) {
                let tile = ((k * tiles[1] + j) * tiles[0] + i) as usize;
                if tables.filled[tile] {
                    let own = says(0, x, i) * says(1, y, j) * says(2, z, k);
                    sum += own * u128::from(tables.levels[tile * tables.entries + slot]);
                    weight += own;
                }
            }
            out.push(match weight {
                0 if slot == tables.entries - 1 => tables.levels[tables.entries - 1],
                0 => 0,
                weight => {
                    let (quotient, twice) = (sum / weight, 2 * (sum % weight));
                    (quotient + u128::from(twice > weight || twice == weight && quotient % 2 == 1)) as u16
                }
            });
        }
        out
    }

    fn slice(&self) -> usize {
        (self.lattice.shape()[0] * self.lattice.shape()[1]) as usize
    }

    fn counts_on_cpu(&self) -> Vec<u32> {
        let mut found = vec![0; self.bytes.len() / self.dtype.bytes()];
        let mask = self.mask.as_ref().map(|m| (m.as_slice(), self.bins as u32));
        find(Block { dtype: self.dtype, bytes: &self.bytes }, &self.slots, mask, &mut found);
        let each = self.lattice.in_layer() * self.bins;
        let mut counts = vec![0; self.layers() * each];
        for [z, layer] in self.visits() {
            let slice = &found[z as usize * self.slice()..][..self.slice()];
            count(&self.lattice, slice, self.bins, &mut counts[layer as usize * each..][..each]);
        }
        counts
    }

    fn levels_on_cpu(&self, tables: &TileLevels, to: Dtype) -> Vec<u8> {
        let mut found = vec![0; self.bytes.len() / self.dtype.bytes()];
        find(Block { dtype: self.dtype, bytes: &self.bytes }, &self.slots, None, &mut found);
        let mut out = vec![0; found.len() * to.bytes()];
        let slices = found.chunks(self.slice()).zip(out.chunks_mut(self.slice() * to.bytes())).zip(self.lattice.between(2));
        slices.for_each(|((slots, out), depth)| blend(&self.lattice, slots, (tables, depth), to, out));
        out
    }

    fn brick(&self, gpu: &Gpu, dtype: Dtype, bytes: &[u8]) -> Brick {
        let chunk = gpu.storage_with("test", bytes, UNIT_VOXELS as usize * dtype.bytes()).unwrap();
        let brick = Brick::empty(gpu, self.lattice.shape(), 8 * dtype.bytes() as u32).unwrap();
        let mut encoder = gpu.encoder();
        brick.encode_from(gpu, &mut encoder, dtype, &Chunk { buffer: chunk, voxels: brick.voxels() }).unwrap();
        gpu.submit("test", encoder).unwrap();
        brick
    }

    fn check(&self, gpu: Option<&Gpu>) {
        let what = format!("{:?} {} masked {}", self.lattice, self.dtype, self.mask.is_some());
        let want = self.expected_counts();
        assert_same(&format!("counts {what}"), &self.counts_on_cpu(), &want);
        let some = self.tables(|tile| !noise(tile as u64).is_multiple_of(3));
        for tables in [self.tables(|_| true), some, self.tables(|_| false)] {
            let levels = self.expected_levels(&tables);
            let got: Vec<u16> = bytemuck::pod_collect_to_vec(&self.levels_on_cpu(&tables, Dtype::U16));
            assert_same(&format!("levels {what}"), &got, &levels);
            let Some(gpu) = gpu else { continue };
            let (brick, slots) =
                (self.brick(gpu, self.dtype, &self.bytes), GpuSlots::upload(gpu, &self.slots, self.bins).unwrap());
            let blended = Brick::empty(gpu, brick.shape, 16).unwrap();
            let mut encoder = gpu.encoder();
            let depth = self.lattice.between(2);
            encode_blend(gpu, &mut encoder, &self.lattice, (&brick, &slots), (&tables, &depth), &blended).unwrap();
            gpu.submit("test", encoder).unwrap();
            let words: Vec<u32> =
                bytemuck::pod_collect_to_vec(&gpu.download("test", &blended.buffer, 4 * levels.len() as u64).unwrap());
            let got: Vec<u16> = words.iter().map(|w| u16::try_from(*w).unwrap()).collect();
            assert_same(&format!("gpu levels {what}"), &got, &levels);
        }
        let Some(gpu) = gpu else { return };
        let (brick, slots) = (self.brick(gpu, self.dtype, &self.bytes), GpuSlots::upload(gpu, &self.slots, self.bins).unwrap());
        let mask = self.mask.as_ref().map(|m| self.brick(gpu, Dtype::U8, m));
        let counts = gpu.storage_with("test", &vec![0; 4 * want.len()], 4).unwrap();
        let mut encoder = gpu.encoder();
        encode_count(gpu, &mut encoder, &self.lattice, (&brick, mask.as_ref(), &slots), (&self.visits(), &counts)).unwrap();
        gpu.submit("test", encoder).unwrap();
        let got: Vec<u32> = bytemuck::pod_collect_to_vec(&gpu.download("test", &counts, 4 * want.len() as u64).unwrap());
        assert_same(&format!("gpu counts {what}"), &got, &want);
    }
}

/// One voxel, more tiles than voxels, tiles that go into the image and not, one slice, wider than a workgroup.
const CASES: [([u32; 3], [u32; 3]); 10] = [
    ([1, 1, 1], [1, 1, 1]),
    ([1, 1, 1], [8, 8, 1]),
    ([5, 3, 2], [8, 8, 4]),
    ([16, 12, 1], [4, 3, 1]),
    ([17, 12, 1], [4, 3, 1]),
    ([16, 12, 6], [4, 3, 2]),
    ([19, 13, 7], [3, 5, 2]),
    ([67, 9, 3], [2, 1, 1]),
    ([37, 41, 2], [8, 8, 2]),
    ([130, 31, 1], [8, 8, 1]),
];

#[test]
fn counts_and_levels_are_those_of_the_definition() {
    for (shape, tiles) in CASES {
        for dtype in [Dtype::U8, Dtype::I8, Dtype::U16, Dtype::I16] {
            for masked in [false, true] {
                Case::new(shape, tiles, dtype, masked).check(gpu());
            }
        }
    }
}

#[test]
fn levels_of_8_bits_are_the_same_in_a_byte() {
    let case = Case::new([19, 13, 7], [3, 5, 2], Dtype::I16, false);
    let mut tables = case.tables(|_| true);
    tables.levels.iter_mut().for_each(|level| *level &= 0xff);
    let want: Vec<u8> = case.expected_levels(&tables).iter().map(|level| *level as u8).collect();
    assert_same("bytes", &case.levels_on_cpu(&tables, Dtype::U8), &want);
}

#[test]
fn few_groups_leave_no_voxel_out() {
    let Some(shared) = gpu() else { return };
    let capped = Gpu::from_device(shared.device().clone(), shared.queue().clone())
        .with_options(Options { max_groups: 1, ..Options::default() });
    Case::new([70, 11, 5], [3, 4, 2], Dtype::U16, true).check(Some(&capped));
}

#[test]
fn what_does_not_fit_is_refused() {
    let Some(gpu) = gpu() else { return };
    let case = Case::new([16, 12, 6], [4, 3, 2], Dtype::I16, false);
    let (brick, slots) = (case.brick(gpu, Dtype::I16, &case.bytes), GpuSlots::upload(gpu, &case.slots, 100).unwrap());
    let counts = gpu.storage("test", 4 * 2 * 12 * 100).unwrap();
    let counted = |lattice: &Lattice, slots: &GpuSlots, visits: &[[u32; 2]]| {
        encode_count(gpu, &mut gpu.encoder(), lattice, (&brick, None, slots), (visits, &counts)).is_ok()
    };
    assert!(counted(&case.lattice, &slots, &[[5, 1]]));
    assert!(!counted(&case.lattice, &slots, &[[6, 1]]), "no such slice");
    assert!(!counted(&case.lattice, &slots, &[[5, 2]]), "no room for another layer");
    assert!(!counted(&Lattice::new([16, 11, 6], [4, 3, 2]).unwrap(), &slots, &[[0, 0]]), "another image");
    assert!(!counted(&case.lattice, &GpuSlots::upload(gpu, &[0; 256], 100).unwrap(), &[[0, 0]]), "another type");
    assert!(GpuSlots::upload(gpu, &[0; 257], 100).is_err());
    let (tables, depth) = (case.tables(|_| true), case.lattice.between(2));
    let blended = |tables: &TileLevels, depth: &[Between], out: [u32; 3]| {
        let out = Brick::empty(gpu, out, 16).unwrap();
        encode_blend(gpu, &mut gpu.encoder(), &case.lattice, (&brick, &slots), (tables, depth), &out).is_ok()
    };
    assert!(blended(&tables, &depth, [16, 12, 6]));
    assert!(!blended(&tables, &depth[1..], [16, 12, 6]), "a slice without a depth");
    assert!(!blended(&tables, &depth, [16, 12, 5]), "another result");
    assert!(!blended(&TileLevels { entries: 101, ..tables.clone() }, &depth, [16, 12, 6]), "other tables");
}
