//! Several images as the slices of one volume.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::Source;
use super::open::{OpenOptions, open_slice, slice_header};
use crate::volume::{Header, Rescale, Rescales, Shape};
use crate::{Error, Result};

/// Open slices that are kept: enough for a few threads that read neighbouring blocks.
const KEPT: usize = 8;

/// Opens images of one shape and type as one volume, slices in the order given. All headers are looked at now, voxels are
/// read when they are asked for.
///
/// # Errors
/// [`Error::Usage`] naming the first image that differs from the first; what opening a file can give.
pub fn open(paths: &[PathBuf], options: &OpenOptions) -> Result<Box<dyn Source>> {
    let Some(first_path) = paths.first() else {
        return Err(Error::usage("a stack of no images", "give at least one"));
    };
    let first = slice_header(first_path, options)?;
    let shape = plane(first_path, &first)?;
    let mut rescales = vec![first.rescale.clone()];
    let mut geometry = first.geometry.clone();
    for path in &paths[1..] {
        let header = slice_header(path, options)?;
        if plane(path, &header)? != shape || header.dtype != first.dtype {
            return Err(Error::usage(
                format!(
                    "{} is {} {}, the first image is {} {}",
                    path.display(),
                    header.shape,
                    header.dtype,
                    first.shape,
                    first.dtype
                ),
                "stack images of one size and type",
            ));
        }
        rescales.push(header.rescale);
        if header.geometry.is_none() {
            geometry = None;
        }
    }
    let axes = [shape.0, shape.1, paths.len() as u64];
    let shape = Shape::new(&axes).ok_or_else(|| Error::usage("more than 2^62 voxels", "stack fewer images"))?;
    let mut header = Header { shape, rescale: joined(rescales), ..first };
    header.origin.files = paths.len() as u64;
    header.origin.format += " stack";
    // Nothing says how far apart the images were taken, nor that they lie behind each other.
    if let Some(geometry) = &mut geometry {
        geometry.position = None;
        geometry.spacing_mm[2] = 1.0;
        header.notes.push("the distance of stacked images is not known; 1 mm is assumed".into());
    }
    header.geometry = geometry;
    Ok(Box::new(Stack { paths: paths.to_vec(), options: options.clone(), header, open: Mutex::default() }))
}

struct Stack {
    paths: Vec<PathBuf>,
    options: OpenOptions,
    header: Header,
    /// Slices opened last, oldest first.
    open: Mutex<Vec<(usize, Arc<dyn Source>)>>,
}

impl Stack {
    fn slice(&self, i: usize) -> Result<Arc<dyn Source>> {
        let lock = || self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, source)) = lock().iter().find(|(j, _)| *j == i) {
            return Ok(source.clone());
        }
        // Decoded without the lock: two threads may both open one slice, which costs time and nothing else.
        let source: Arc<dyn Source> = open_slice(&self.paths[i], &self.options)?.into();
        let same =
            source.header().dtype == self.header.dtype && source.header().shape.voxels() == self.header.shape.slice_voxels();
        if !same {
            return Err(Error::format(&self.paths[i], "the file changed while it was read", "run again"));
        }
        let mut open = lock();
        if open.len() == KEPT {
            open.remove(0);
        }
        open.push((i, source.clone()));
        Ok(source)
    }
}

impl Source for Stack {
    fn header(&self) -> &Header {
        &self.header
    }

    fn read(&self, at: u64, into: &mut [u8]) -> Result<()> {
        let (slice, bytes) = (self.header.shape.slice_voxels(), self.header.dtype.bytes());
        let (mut at, mut rest) = (at, into);
        while !rest.is_empty() {
            let (i, within) = (at / slice, at % slice);
            let step = (slice - within).min((rest.len() / bytes) as u64);
            let (now, later) = rest.split_at_mut(step as usize * bytes);
            self.slice(i as usize)?.read(within, now)?;
            (at, rest) = (at + step, later);
        }
        Ok(())
    }

    fn unit(&self) -> u64 {
        self.header.shape.slice_voxels()
    }
}

fn plane(path: &Path, header: &Header) -> Result<(u64, u64)> {
    if header.shape.slices() != 1 {
        return Err(Error::usage(
            format!("{} is a volume of {}, not a slice", path.display(), header.shape),
            "give one volume, or images of one slice each",
        ));
    }
    Ok((header.shape.axis(0), header.shape.axis(1)))
}

/// One rescale where all agree.
fn joined(slices: Vec<Rescales>) -> Rescales {
    let each: Vec<Rescale> = slices.iter().map(|r| r.distinct().0.first().copied().unwrap_or(Rescale::IDENTITY)).collect();
    match each.as_slice() {
        [first, rest @ ..] if rest.iter().all(|r| r == first) => Rescales::Uniform(*first),
        _ => Rescales::PerSlice(each),
    }
}
