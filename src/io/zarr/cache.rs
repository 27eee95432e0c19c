//! Chunks of an array, decoded, the last ones of them kept.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use super::array::ZarrArray;
use super::codec::{most_packed, unpacked};
use super::folder::ZarrFolder;
use super::shard::OpenShard;
use crate::io::positional;
use crate::{Error, Result};

/// Shards that are held open.
const OPEN_SHARDS: usize = 16;

/// The decoded numbers of a chunk; none if it is not there and all of them are the fill value.
pub(super) type Decoded = Option<Arc<Vec<u8>>>;

/// Where a chunk is kept. Whoever decodes it holds the lock, so that nobody does the same.
type Kept = Arc<Mutex<Option<Decoded>>>;

/// A shard by its place among the others; none if it is not there.
type KnownShard = (Vec<u64>, Option<Arc<OpenShard>>);

/// The chunks of an array.
pub(super) struct ChunkReader {
    folder: ZarrFolder,
    /// The key of the array's folder.
    key: String,
    pub(super) array: ZarrArray,
    /// Decoded chunks that are kept, those that came first at the front.
    kept: Mutex<KeptChunks>,
    most: usize,
    shards: Mutex<VecDeque<KnownShard>>,
}

#[derive(Default)]
struct KeptChunks {
    by_index: BTreeMap<Vec<u64>, Kept>,
    order: VecDeque<Vec<u64>>,
}

impl ChunkReader {
    /// Keeps up to `most` chunks, at least one.
    pub(super) fn new(folder: ZarrFolder, key: &str, array: ZarrArray, most: usize) -> Self {
        Self { folder, key: key.into(), array, kept: Mutex::default(), most: most.max(1), shards: Mutex::default() }
    }

    /// A chunk that nobody will ask for again.
    ///
    /// # Errors
    /// [`Error::Format`] naming the file of the chunk, [`Error::Read`].
    pub(super) fn once(&self, index: &[u64]) -> Result<Decoded> {
        let known = locked(&self.kept).by_index.get(index).cloned();
        match known.and_then(|kept| locked(&kept).clone()) {
            Some(decoded) => Ok(decoded),
            None => self.decode(index),
        }
    }

    /// A chunk that is kept for others; none while another thread decodes it, unless one is to `wait` for it.
    ///
    /// # Errors
    /// As [`ChunkReader::once`].
    pub(super) fn shared(&self, index: &[u64], wait: bool) -> Result<Option<Decoded>> {
        let kept = self.place(index);
        let mut slot = match kept.try_lock() {
            Ok(slot) => slot,
            Err(TryLockError::Poisoned(e)) => e.into_inner(),
            Err(TryLockError::WouldBlock) if wait => locked(&kept),
            Err(TryLockError::WouldBlock) => return Ok(None),
        };
        if slot.is_none() {
            *slot = Some(self.decode(index)?);
        }
        Ok(slot.clone())
    }

    fn place(&self, index: &[u64]) -> Kept {
        let mut all = locked(&self.kept);
        if let Some(kept) = all.by_index.get(index) {
            return kept.clone();
        }
        while all.order.len() >= self.most {
            if let Some(oldest) = all.order.pop_front() {
                all.by_index.remove(&oldest);
            }
        }
        let kept = Kept::default();
        all.order.push_back(index.to_vec());
        all.by_index.insert(index.to_vec(), kept.clone());
        kept
    }

    fn decode(&self, index: &[u64]) -> Result<Decoded> {
        let file: Vec<u64> = index.iter().zip(self.array.per_file()).map(|(i, n)| i / n).collect();
        let name = self.array.keys.name(&file);
        let key = if self.key.is_empty() { name } else { format!("{}/{name}", self.key) };
        let (path, length) = (self.folder.at(&key), self.array.chunk_bytes());
        let Some(bytes) = self.packed(index, file, &key)? else { return Ok(None) };
        let mut bytes =
            unpacked(&self.array.packed, bytes, length).map_err(|what| Error::format(&path, what, "get the file again"))?;
        self.array.layout.straighten(&mut bytes, self.array.dtype.bytes());
        Ok(Some(Arc::new(bytes)))
    }

    /// The bytes of a chunk as they lie in the file of this key.
    fn packed(&self, index: &[u64], file: Vec<u64>, key: &str) -> Result<Option<Vec<u8>>> {
        let (path, length) = (self.folder.at(key), self.array.chunk_bytes());
        if self.array.shards.is_some() {
            let Some(shard) = self.shard(file, key)? else { return Ok(None) };
            // As many chunks as the index has: few enough to count.
            let within = index.iter().zip(self.array.per_file()).fold(0, |at, (i, n)| at * n + i % n);
            return shard.chunk(&path, within, length);
        }
        let Some(file) = self.folder.file(key)? else { return Ok(None) };
        let n = file.metadata().map_err(Error::read(&path))?.len();
        if n > most_packed(length) {
            let what = format!("the chunk has {n} bytes, for {length} of voxels");
            return Err(Error::format(&path, what, "get the file again"));
        }
        let mut bytes = vec![0; n as usize];
        positional::read_exact_at(&file, &mut bytes, 0).map_err(Error::read(&path))?;
        Ok(Some(bytes))
    }

    fn shard(&self, index: Vec<u64>, key: &str) -> Result<Option<Arc<OpenShard>>> {
        if let Some((_, shard)) = locked(&self.shards).iter().find(|(known, _)| *known == index) {
            return Ok(shard.clone());
        }
        let chunks = self.array.per_file().fold(1u64, u64::saturating_mul);
        let shard = match (self.folder.file(key)?, self.array.shards) {
            (Some(file), Some(layout)) => Some(Arc::new(OpenShard::read(&self.folder.at(key), file, layout, chunks)?)),
            _ => None,
        };
        let mut open = locked(&self.shards);
        if open.len() >= OPEN_SHARDS {
            open.pop_front();
        }
        open.push_back((index, shard.clone()));
        Ok(shard)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
