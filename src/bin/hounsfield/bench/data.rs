//! The voxels that are measured: the user's, or a chest phantom's.

use hounsfield::phantom::Phantom;
use hounsfield::pipelines;
use hounsfield::volume::{Block, Dtype, Header, Padding, Rescale, Rescales, Shape, Unit, Volume};
use hounsfield::{Error, Result};

use super::Args;
use crate::args::{FileArgs, Shared};
use crate::job::Job;

/// Slices of the phantom, repeated: enough voxels for a GPU to show itself, few enough to make them in a second.
const MADE: u64 = 32;
const SLICES: u64 = 256;

/// A volume of 8- or 16-bit integers in memory.
pub fn volume(shared: &Shared, args: &Args) -> Result<Volume> {
    if args.paths.is_empty() { phantom() } else { read(shared, args) }
}

fn phantom() -> Result<Volume> {
    let made = Phantom { size: [512, 512, MADE], ..Phantom::default() };
    let slices: Vec<u8> = (0..MADE).flat_map(|z| made.voxels(z)).flat_map(i16::to_le_bytes).collect();
    let shape = Shape::new(&[512, 512, SLICES]).unwrap_or_else(|| unreachable!("a shape without zeros"));
    let mut header = Header::new(shape, Dtype::I16);
    header.meaning.unit = Unit::Hounsfield;
    header.meaning.rescale = Rescales::Uniform(Rescale::IDENTITY);
    header.meaning.padding = None::<Padding>;
    Volume::new(header, slices.repeat((SLICES / MADE) as usize))
}

fn read(shared: &Shared, args: &Args) -> Result<Volume> {
    let files = FileArgs { paths: args.paths.clone(), ..FileArgs::one("".into()) };
    let mut job = Job::new(shared, &files, [])?.on_cpu();
    let input = job.resolve()?;
    if !input.is_exact() {
        return Err(Error::usage("true floats have no exact kernels to compare", "give a file of integers"));
    }
    let header = input.header().clone();
    if header.bytes() > args.most_mib << 20 {
        return Err(Error::usage(
            format!("the volume has {} MiB in memory", header.bytes() >> 20),
            "raise --most-mib, or give a smaller file",
        ));
    }
    let bytes = std::sync::Mutex::new(vec![0; header.bytes() as usize]);
    let size = header.meaning.dtype.bytes();
    let take = |at: u64, block: Block<'_>| {
        if let Ok(mut all) = bytes.lock() {
            all[at as usize * size..][..block.bytes.len()].copy_from_slice(block.bytes);
        }
    };
    job.pass("read", header.bytes(), |run| pipelines::gather(&input.observed(Some(&take)), run))?;
    Volume::new(header, bytes.into_inner().unwrap_or_default())
}
