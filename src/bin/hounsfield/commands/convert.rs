//! `hounsfield convert`: any readable to any writable format, voxels unchanged.

use std::path::{Path, PathBuf};

use hounsfield::findings::{Note, Rows};
#[cfg(feature = "zarr")]
use hounsfield::io::OmeVersion;
use hounsfield::io::{self, ExtensionPolicy, FORMATS, Loss, STREAM, WriteOptions};
use hounsfield::pipelines::{self, Input};
use hounsfield::volume::{Dtype, Rescale, Rescales, Table};
use hounsfield::{Error, Result};

#[cfg(feature = "zarr")]
use crate::args::parse;
use crate::args::{FileArgs, Shared};
use crate::job::{self, Job};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub input: FileArgs,
    /// File to write: .nii, .nii.gz, .nrrd, .mha, .npy, .png, .tif, or - for .nii on standard output
    #[cfg_attr(feature = "zarr", doc = "(also .zarr, a folder)")]
    #[arg(long, short, value_name = "OUT")]
    pub output: PathBuf,
    /// From NIfTI to NIfTI, keep the header extensions, which may hold names of patients [default: they are left out]
    #[arg(long)]
    pub keep_extensions: bool,
    /// Version of an OME-Zarr folder that is written
    #[cfg(feature = "zarr")]
    #[arg(long, default_value = "0.5", value_name = "VERSION", value_parser = parse::ome_version())]
    pub zarr_version: OmeVersion,
}

impl Args {
    fn writing(&self) -> WriteOptions {
        WriteOptions {
            #[cfg(feature = "zarr")]
            zarr: self.zarr_version,
            ..WriteOptions::default()
        }
    }
}

pub fn run(shared: &Shared, args: &Args) -> Result<()> {
    let extensions = if args.keep_extensions { ExtensionPolicy::Keep } else { ExtensionPolicy::Drop };
    let mut job = Job::new(shared, &args.input, [])?.on_cpu().extensions(extensions).writing(args.writing());
    let target = job.output(&args.output)?;
    let input = Input::of(job.open()?.into());
    let mut header = input.header().clone();
    let bytes = header.bytes();
    let to_nifti = args.output == Path::new(STREAM) || FORMATS.iter().any(|f| f.name == "NIfTI" && f.writes(&args.output));
    if !header.origin.extensions.0.is_empty() && !to_nifti {
        job.warn("only NIfTI holds header extensions: they are left out");
    }
    let (distinct, _) = header.meaning.rescale.distinct();
    if let [_] = distinct.as_slice() {
        job.write((&target, &header), bytes, |sink, run| pipelines::copy(&input, sink, run))?;
    } else {
        // No format we write has a rescale for each slice, so real values are written.
        if !header.meaning.dtype.is_small_integer() {
            return Err(Error::usage(
                format!("{} voxels with a rescale for each slice", header.meaning.dtype),
                "convert the slices one by one",
            ));
        }
        // Whole numbers stay whole where 16 bits hold all of them.
        let from = header.meaning.dtype;
        let to = Some(io::real_type(&header)).filter(|dtype| dtype.is_small_integer()).unwrap_or(Dtype::F32);
        job.warn(&format!("the rescale differs between slices: real values are written as {to}"));
        (header.meaning.dtype, header.meaning.rescale, header.meaning.padding) = (to, Rescales::Uniform(Rescale::IDENTITY), None);
        let tables: Vec<Table> = distinct.iter().map(|r| Table::from_fn(from, to, |v| r.real(f64::from(v)))).collect();
        job.write((&target, &header), bytes, |sink, run| pipelines::map(&input, &tables, sink, run))?;
    }
    job.publish()?;
    let stored = |note: &Note| if let Note::NotKept { loss: Loss::Stored(dtype), .. } = note { Some(*dtype) } else { None };
    let dtype = job.written.iter().find_map(stored).unwrap_or(header.meaning.dtype);
    job::say(shared, &format!("wrote {}", target.path().display()));
    let mut rows = Rows::new();
    rows.key("output", job::name(&target));
    rows.key("shape", header.grid.shape.axes());
    rows.key("dtype", dtype.name());
    job.tell("", rows)
}
