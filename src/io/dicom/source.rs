//! Slices read on demand, from several threads.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::attributes::Image;
use super::bytes::Bytes;
use super::order::SliceOrder;
use super::regrid::Places;
use super::segments::LabelSlices;
use crate::io::Source;
use crate::volume::{Dtype, Header};
use crate::{Error, Hint, Result};

/// A DICOM file or series as a volume. Nothing is held but headers, a few decoded slices and the last inflated file.
pub struct Series {
    header: Header,
    images: Vec<Image>,
    /// (file, frame) of each slice.
    slices: Vec<(usize, usize)>,
    labels: Option<LabelSlices>,
    /// Where the slices of a volume lie, if they are to be put onto a regular grid.
    places: Option<Places>,
    /// Slices of which only a part was wanted: the rest comes next.
    decoded: Mutex<VecDeque<(usize, Arc<[u8]>)>>,
    /// The last deflated file, by its number.
    inflated: Mutex<Option<(usize, Arc<[u8]>)>>,
}

impl std::fmt::Debug for Series {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Series").field("files", &self.images.len()).field("slices", &self.slices.len()).finish()
    }
}

/// Slices kept decoded.
const KEPT: usize = 4;

impl Series {
    pub(super) fn new(header: Header, images: Vec<Image>, ordered: SliceOrder) -> Self {
        Self {
            header,
            images,
            slices: ordered.slices,
            labels: ordered.labels,
            places: ordered.places,
            decoded: Mutex::default(),
            inflated: Mutex::default(),
        }
    }

    /// Where the slices lie, if they are to be put onto a regular grid; given once.
    pub(super) fn uneven_places(&mut self) -> Option<Places> {
        self.places.take()
    }

    /// One of the files, for messages.
    pub(super) fn path(&self) -> &Path {
        &self.images[0].path
    }

    /// File and frame of slice `z`, slices counted through all times.
    pub fn slice(&self, z: u64) -> Option<(&Path, u64)> {
        let &(file, frame) = self.slices.get(usize::try_from(z).ok()?)?;
        Some((&self.images[file].path, frame as u64))
    }

    fn open(&self, file: usize) -> Result<Bytes> {
        let image = &self.images[file];
        if !image.pixels.syntax.deflated {
            return Bytes::open(&image.path);
        }
        let mut last = self.inflated.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((number, bytes)) = &*last
            && *number == file
        {
            return Ok(Bytes::memory(&image.path, bytes.clone()));
        }
        let bytes = Bytes::open(&image.path)?.inflate(image.dataset_at)?;
        *last = Some((file, bytes.clone()));
        Ok(Bytes::memory(&image.path, bytes))
    }

    /// The labels of a slice, from the frames of its segments.
    fn label_slice(&self, frames: &[((usize, usize), u16)]) -> Result<Vec<u8>> {
        let (voxels, wide) = (self.unit() as usize, self.header.meaning.dtype == Dtype::U16);
        let mut slice = vec![0_u16; voxels];
        for &((file, frame), label) in frames {
            let pixels = &self.images[file].pixels;
            let (bytes, size) = (self.open(file)?, pixels.layout.dtype().bytes());
            let mut marked = vec![0; voxels * size];
            if pixels.is_direct() {
                pixels.read_direct(&bytes, frame as u64, 0, &mut marked)?;
            } else {
                marked = pixels.read_slice(&bytes, frame as u64)?;
            }
            let marked = marked.chunks_exact(size).map(|voxel| voxel.iter().any(|byte| *byte != 0));
            for (voxel, _) in slice.iter_mut().zip(marked).filter(|(_, marked)| *marked) {
                if *voxel != 0 && *voxel != label {
                    let what = format!("segments {voxel} and {label} overlap, so that they make no map of labels");
                    return Err(Error::unsupported(&self.images[file].path, what, Hint::ChooseVolume));
                }
                *voxel = label;
            }
        }
        Ok(if wide {
            slice.into_iter().flat_map(u16::to_le_bytes).collect()
        } else {
            slice.into_iter().map(|l| l as u8).collect()
        })
    }

    /// Fills `into` with the voxels of slice `z` from `first` on.
    fn read_slice(&self, z: usize, first: usize, into: &mut [u8]) -> Result<()> {
        let (file, frame) = self.slices[z];
        let pixels = &self.images[file].pixels;
        if self.labels.is_none() && pixels.is_direct() {
            return pixels.read_direct(&self.open(file)?, frame as u64, first as u64, into);
        }
        let start = first * self.header.meaning.dtype.bytes();
        let whole = into.len() as u64 == self.unit() * self.header.meaning.dtype.bytes() as u64;
        if !whole {
            let kept = self.decoded.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((_, slice)) = kept.iter().find(|(number, _)| *number == z) {
                into.copy_from_slice(&slice[start..start + into.len()]);
                return Ok(());
            }
        }
        let slice = match &self.labels {
            Some(labels) => self.label_slice(&labels[z])?,
            None => pixels.read_slice(&self.open(file)?, frame as u64)?,
        };
        into.copy_from_slice(&slice[start..start + into.len()]);
        if !whole {
            let mut kept = self.decoded.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() == KEPT {
                kept.pop_front();
            }
            kept.push_back((z, slice.into()));
        }
        Ok(())
    }
}

impl Source for Series {
    fn header(&self) -> &Header {
        &self.header
    }

    fn read(&self, at: u64, into: &mut [u8]) -> Result<()> {
        let bytes = self.header.meaning.dtype.bytes();
        let unit = self.unit() as usize;
        let (mut z, mut first) = ((at / self.unit()) as usize, (at % self.unit()) as usize);
        let mut rest = into;
        while !rest.is_empty() {
            let n = rest.len().min((unit - first) * bytes);
            let (now, later) = rest.split_at_mut(n);
            self.read_slice(z, first, now)?;
            (z, first, rest) = (z + 1, 0, later);
        }
        Ok(())
    }

    fn unit(&self) -> u64 {
        self.header.grid.shape.slice_voxels()
    }
}
