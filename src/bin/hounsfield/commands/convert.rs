//! `hounsfield convert`: any readable to any writable format, voxels unchanged.

use hounsfield::io::{self, WriteOptions, output};
use hounsfield::pipelines::{self, Device};
use hounsfield::volume::{Dtype, Rescale, Rescales, Table};
use hounsfield::{Error, Result};
use serde_json::json;

use crate::args::{Convert, Shared};
use crate::job;
use crate::progress::Progress;
use crate::text::print_json;

pub fn run(shared: &Shared, command: &Convert) -> Result<()> {
    let target = job::targets(shared, &command.input, None, [])?.add(&command.output)?;
    let source = job::open(shared, &command.input)?;
    let mut header = source.header().clone();
    let watch = Progress::new(shared, "convert", header.bytes());
    let (distinct, _) = header.rescale.distinct();
    let one_rescale = distinct.len() == 1;
    if !one_rescale {
        // No format we write has a rescale for each slice, so real values are written.
        if !header.dtype.is_small_integer() {
            return Err(Error::usage(
                format!("{} voxels with a rescale for each slice", header.dtype),
                "convert the slices one by one",
            ));
        }
        job::warn(shared, "the rescale differs between slices: real values are written as float32");
        let from = header.dtype;
        (header.dtype, header.rescale, header.padding) = (Dtype::F32, Rescales::Uniform(Rescale::IDENTITY), None);
        let tables: Vec<Table> = distinct.iter().map(|r| Table::from_fn(from, Dtype::F32, |v| r.real(f64::from(v)))).collect();
        let sink = io::create(&target, &header, &WriteOptions::default())?;
        pipelines::map(source.as_ref(), &tables, sink.as_ref(), &Device::Cpu, &watch)?;
        watch.finish();
        output::publish(vec![sink.finish()?])?;
    } else {
        let sink = io::create(&target, &header, &WriteOptions::default())?;
        pipelines::copy(source.as_ref(), sink.as_ref(), &watch)?;
        watch.finish();
        output::publish(vec![sink.finish()?])?;
    }
    if shared.json {
        return print_json(&json!({"output": target.path(), "shape": header.shape.axes(), "dtype": header.dtype.name()}));
    }
    job::say(shared, &format!("wrote {}", target.path().display()));
    Ok(())
}
