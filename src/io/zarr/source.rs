//! Voxels out of chunks.

use rayon::prelude::*;

use super::array::ZarrArray;
use super::cache::{ChunkReader, Decoded};
use super::folder::ZarrFolder;
use super::ome::Along;
use crate::Result;
use crate::io::{Limits, OpenOptions, Source};
use crate::volume::Header;

/// Decoded chunks that are kept at most, unless one alone is larger.
const MOST_KEPT: u64 = 1 << 30;

/// Rows of chunks of up to so many bytes are read as a whole: then every chunk is decoded once, whatever the threads.
const UNIT_BYTES: u64 = 16 << 20;

/// Bytes and number of chunks that one read decodes at a time, unless there are more threads.
const BATCH_BYTES: usize = 32 << 20;
const BATCH: usize = 1 << 12;

/// Which axes of an array are those of a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AxisMap {
    /// The array's axis of x, y, z, t and so on; none where the array has no such axis.
    volume: Vec<Option<usize>>,
    /// Axes that are no part of the volume, and which place on them is read.
    fixed: Vec<(usize, u64)>,
}

impl AxisMap {
    /// Of an array without names: the last is x.
    pub(super) fn unnamed(axes: usize) -> Self {
        Self { volume: (0..axes).rev().map(Some).collect(), fixed: Vec::new() }
    }

    /// Of an image, one of whose channels is read.
    pub(super) fn of(axis: impl Fn(Along) -> Option<usize>, channel: u64) -> Self {
        let mut volume: Vec<Option<usize>> = (0..3).map(|a| axis(Along::Space(a))).collect();
        match axis(Along::Time) {
            Some(time) => volume.push(Some(time)),
            None if volume[2].is_none() => drop(volume.pop()),
            None => {}
        }
        Self { volume, fixed: axis(Along::Channel).map(|axis| (axis, channel)).into_iter().collect() }
    }

    /// Sizes of the volume's axes, without a fourth and later ones of size 1 at the end.
    pub(super) fn sizes(&self, shape: &[u64]) -> Vec<u64> {
        let mut sizes: Vec<u64> = self.volume.iter().map(|axis| axis.map_or(1, |axis| shape[axis])).collect();
        while sizes.len() > 3 && sizes.last() == Some(&1) {
            sizes.pop();
        }
        sizes
    }
}

/// One axis of the volume, as the chunks have it.
#[derive(Debug, Clone, Copy)]
struct ChunkAxis {
    /// The array's axis.
    axis: Option<usize>,
    /// Voxels of a chunk along it, and of the volume.
    chunk: u64,
    size: u64,
    /// From a voxel to the next in a decoded chunk, in voxels.
    stride: u64,
}

/// A volume in chunks.
pub(super) struct ZarrSource {
    header: Header,
    chunks: ChunkReader,
    /// x, y and z.
    space: [ChunkAxis; 3],
    /// Time, and axes behind it.
    beyond: Vec<ChunkAxis>,
    fixed: Vec<(ChunkAxis, u64)>,
    unit: u64,
}

/// What one chunk holds of a volume of three axes.
struct ChunkPart {
    index: Vec<u64>,
    /// The place in the decoded chunk of its first voxel.
    base: u64,
    /// Which volume of three axes.
    volume: u64,
    /// Its voxels begin and end here along x, y and z.
    from: [u64; 3],
    to: [u64; 3],
    /// Another block may ask for it too.
    shared: bool,
}

impl ZarrSource {
    /// The volume that `header` describes in the array whose key is given.
    ///
    /// # Errors
    /// [`crate::Error::Limit`].
    pub(super) fn open(
        (folder, key): (ZarrFolder, &str),
        array: ZarrArray,
        axes: AxisMap,
        (mut header, options): (Header, &OpenOptions),
    ) -> Result<Box<dyn Source>> {
        options.limits(Limits::VOLUME).check_volume(&folder.at(key), &header)?;
        let strides = array.layout.strides(&array.chunk);
        let chunk_axis = |axis: Option<usize>| ChunkAxis {
            axis,
            chunk: axis.map_or(1, |axis| array.chunk[axis]),
            size: axis.map_or(1, |axis| array.shape[axis]),
            stride: axis.map_or(0, |axis| strides[axis]),
        };
        let space: [ChunkAxis; 3] = std::array::from_fn(|a| chunk_axis(axes.volume.get(a).copied().flatten()));
        let beyond: Vec<ChunkAxis> = axes.volume.iter().skip(3).map(|axis| chunk_axis(*axis)).collect();
        let fixed: Vec<(ChunkAxis, u64)> = axes.fixed.iter().map(|(axis, at)| (chunk_axis(Some(*axis)), *at)).collect();

        let [x, y, z] = space;
        let chunk = array.chunk_bytes() as u64;
        let row = (x.size.div_ceil(x.chunk)).saturating_mul(y.size.div_ceil(y.chunk));
        // A block may lie in two rows of chunks.
        let kept = row.saturating_mul(2).min(MOST_KEPT / chunk.max(1));
        if kept < row {
            header
                .origin
                .notes
                .push(format!("chunks across a slice have more than {} MiB: they are decoded more than once", MOST_KEPT >> 20));
        }
        let slice = header.grid.shape.slice_voxels();
        let whole = slice.saturating_mul(z.chunk.min(z.size));
        let fits = whole.saturating_mul(header.meaning.dtype.bytes() as u64) <= UNIT_BYTES;
        // Blocks follow each other through all volumes: rows of chunks must end where volumes do.
        let unit = if fits && (z.size % z.chunk == 0 || beyond.is_empty()) { whole } else { slice };
        let chunks = ChunkReader::new(folder, key, array, usize::try_from(kept).unwrap_or(usize::MAX));
        Ok(Box::new(Self { header, chunks, space, beyond, fixed, unit }))
    }

    /// The parts of chunks that hold voxels `at` to `end`, in the order of the volume.
    fn parts(&self, at: u64, end: u64) -> impl Iterator<Item = ChunkPart> + '_ {
        let [x, y, z] = self.space;
        let slice = x.size * y.size;
        let (first, last) = (at / slice, (end - 1) / slice);
        let rows = if first == last { (at % slice / x.size, (end - 1) % slice / x.size) } else { (0, y.size - 1) };
        let along = |(first, last): (u64, u64), axis: ChunkAxis| first / axis.chunk..=last / axis.chunk;
        (first / z.size..=last / z.size).flat_map(move |volume| {
            let base = volume * z.size;
            let slices = (first.saturating_sub(base), (last - base).min(z.size - 1));
            along(slices, z).flat_map(move |k| {
                along(rows, y)
                    .flat_map(move |j| (0..x.size.div_ceil(x.chunk)).map(move |i| self.part([i, j, k], volume, (at, end))))
            })
        })
    }

    fn part(&self, place: [u64; 3], volume: u64, (at, end): (u64, u64)) -> ChunkPart {
        let axes = self.chunks.array.shape.len();
        let (mut index, mut base, mut shared) = (vec![0; axes], 0, false);
        let mut set = |axis: &ChunkAxis, at: u64| {
            if let Some(i) = axis.axis {
                index[i] = at / axis.chunk;
                base += at % axis.chunk * axis.stride;
            }
        };
        let mut rest = volume;
        for axis in &self.beyond {
            set(axis, rest % axis.size);
            rest /= axis.size;
            shared |= axis.chunk.min(axis.size) > 1;
        }
        self.fixed.iter().for_each(|(axis, at)| set(axis, *at));
        for (axis, i) in self.space.iter().zip(place) {
            if let Some(axis) = axis.axis {
                index[axis] = i;
            }
        }
        let from: [u64; 3] = std::array::from_fn(|a| place[a] * self.space[a].chunk);
        let to: [u64; 3] = std::array::from_fn(|a| (from[a] + self.space[a].chunk).min(self.space[a].size));
        let first = self.row(volume, from[1], from[2]) + from[0];
        let last = self.row(volume, to[1] - 1, to[2] - 1) + to[0];
        shared |= first < at || last > end;
        ChunkPart { index, base, volume, from, to, shared }
    }

    /// The first voxel of a row.
    fn row(&self, volume: u64, y: u64, z: u64) -> u64 {
        ((volume * self.space[2].size + z) * self.space[1].size + y) * self.space[0].size
    }

    /// Copies what a chunk holds of the voxels from `at` on.
    fn copy(&self, part: &ChunkPart, chunk: &Decoded, (at, into): (u64, &mut [u8])) {
        let size = self.header.meaning.dtype.bytes();
        let end = at + (into.len() / size) as u64;
        let [x, y, z] = self.space.map(|axis| axis.stride);
        for k in part.from[2]..part.to[2] {
            for j in part.from[1]..part.to[1] {
                let row = self.row(part.volume, j, k);
                let (first, last) = ((row + part.from[0]).max(at), (row + part.to[0]).min(end));
                if first >= last {
                    continue;
                }
                let out = &mut into[(first - at) as usize * size..(last - at) as usize * size];
                let start = part.base + (k - part.from[2]) * z + (j - part.from[1]) * y + (first - row - part.from[0]) * x;
                match chunk {
                    None => out.chunks_exact_mut(size).for_each(|voxel| voxel.copy_from_slice(&self.chunks.array.fill)),
                    Some(bytes) if x == 1 => out.copy_from_slice(&bytes[start as usize * size..][..out.len()]),
                    Some(bytes) => {
                        let voxels = bytes[start as usize * size..].chunks(size).step_by((x as usize).max(1));
                        out.chunks_exact_mut(size).zip(voxels).for_each(|(out, voxel)| out.copy_from_slice(voxel));
                    }
                }
            }
        }
    }

    /// Decodes chunks on all threads that have nothing else to do. Those that another block decodes at the moment come last.
    fn copy_all(&self, parts: &[ChunkPart], (at, into): (u64, &mut [u8])) -> Result<()> {
        let decode = |part: &ChunkPart| match part.shared {
            true => self.chunks.shared(&part.index, false),
            false => self.chunks.once(&part.index).map(Some),
        };
        let decoded: Vec<Option<Decoded>> = parts.par_iter().map(decode).collect::<Result<_>>()?;
        for (part, chunk) in parts.iter().zip(decoded) {
            let chunk = match chunk {
                Some(chunk) => chunk,
                None => self.chunks.shared(&part.index, true)?.flatten(),
            };
            self.copy(part, &chunk, (at, into));
        }
        Ok(())
    }
}

impl Source for ZarrSource {
    fn header(&self) -> &Header {
        &self.header
    }

    fn read(&self, at: u64, into: &mut [u8]) -> Result<()> {
        let voxels = (into.len() / self.header.meaning.dtype.bytes()) as u64;
        if voxels == 0 {
            return Ok(());
        }
        let most = (BATCH_BYTES / self.chunks.array.chunk_bytes()).max(rayon::current_num_threads()).min(BATCH);
        let mut parts = self.parts(at, at + voxels).peekable();
        while parts.peek().is_some() {
            let batch: Vec<ChunkPart> = parts.by_ref().take(most).collect();
            self.copy_all(&batch, (at, into))?;
        }
        Ok(())
    }

    fn unit(&self) -> u64 {
        self.unit
    }
}
