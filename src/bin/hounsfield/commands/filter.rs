//! `hounsfield map --steps median:1`: steps that look at neighbours.

use std::path::Path;

use hounsfield::io::output::Target;
use hounsfield::pipelines::{self, Bins, Cost, Counted, Filter, Input, Region};
use hounsfield::report::{Panel, Picker, Picture, Shade, Slice, Svg, View, display_window, figure};
use hounsfield::views::Tap;
use hounsfield::volume::{Block, Header, Observe};
use hounsfield::{Error, Result};
use serde_json::json;

use crate::args::{FileArgs, Shared};
use crate::job::Job;
use crate::text::{print, print_json};

/// Minima and maxima for each voxel.
const MEDIAN: Cost = Cost::Neighbourhood(110);

/// From where, and where to.
pub struct Way<'a> {
    pub input: &'a FileArgs,
    pub output: &'a Path,
    pub figure: Option<&'a Path>,
}

pub fn run(shared: &Shared, filter: Filter, way: &Way<'_>) -> Result<()> {
    let mut job = Job::new(shared, way.input, [])?.costs(MEDIAN);
    let image = job.output(way.output)?;
    let figure_file = job.figure(way.figure)?;

    let input = Input::of(job.open()?.into());
    let header = input.header().clone();
    let pictures = match figure_file {
        Some(_) => Some(Pictures::new(&mut job, &input)?),
        None => None,
    };
    let look = |at: u64, bytes: &[u8]| {
        pictures.iter().for_each(|p| p.result.see(at, Block { dtype: header.meaning.dtype, bytes }));
        Ok(())
    };
    job.write((&image, &header), header.bytes(), |sink, run| {
        let tap = Tap { inner: sink, voxel_bytes: header.meaning.dtype.bytes(), mask: None, look: Some(&look) };
        pipelines::filter(&input, filter, &tap, run)
    })?;
    if let (Some(file), Some(pictures)) = (&figure_file, pictures) {
        job.draw(file, &pictures.draw(&header, filter)?)?;
    }
    job.publish()?;
    let device = job.device()?.name();
    if shared.json {
        return print_json(&json!({
            "output": image.path(),
            "figure": figure_file.as_ref().map(Target::path),
            "shape": header.grid.shape.axes(),
            "dtype": header.meaning.dtype.name(),
            "unit": header.meaning.unit.symbol(),
            "steps": [{"step": filter.name()}],
            "device": device,
            "events": job.events,
        }));
    }
    let mut text =
        format!("{}: {} {}, on {device}\n  {}\n", image.path().display(), header.grid.shape, header.meaning.dtype, filter.name());
    text += &figure_file.iter().map(|f| format!("{}\n", f.path().display())).collect::<String>();
    print(&text)
}

/// The middle slices before and after, in greys for the image before.
struct Pictures {
    original: Vec<Slice>,
    counted: Header,
    shade: Shade,
    result: Picker,
}

impl Pictures {
    /// Counts the image, for its greys, and takes its slices on the way.
    fn new(job: &mut Job<'_>, input: &Input<'_>) -> Result<Self> {
        let source = input.source().clone();
        let bytes = input.header().bytes();
        let counted = job.prepare("look", bytes, |run| Input::resolve(source, run))?;
        let header = counted.header().clone();
        let picker = Picker::middles(&header)?;
        let observed = counted.observed(Some(&picker));
        let values =
            job.pass("count", header.bytes(), |run| Counted::of(&observed, &Region::default(), Bins::Following, run))?.values;
        drop(observed);
        let (min, max) = values.ends().unwrap_or((0.0, 1.0));
        let limits = values.percentiles(&[1.0, 99.0]).unwrap_or_else(|| vec![min, max]);
        let shade = Shade::new(&header, display_window(&header, limits[0], limits[1], min, max));
        Ok(Self { original: picker.finish(), counted: header, shade, result: Picker::middles(input.header())? })
    }

    fn draw(self, header: &Header, filter: Filter) -> Result<Svg> {
        let panel = |title: &str, header: &Header, slices: &[Slice]| {
            let picture = |slice: &Slice| {
                let caption = View::new(header, slice.view.plane()).caption(slice.index);
                Ok(Picture::grey(slice, &header.meaning.rescale, &self.shade)?.captioned(caption))
            };
            let pictures = slices.iter().map(picture).collect::<Result<_>>()?;
            Ok::<_, Error>(Panel { title: title.into(), pictures, ..Panel::default() })
        };
        let original = panel("Original", &self.counted, &self.original)?;
        let result = panel(filter.name(), header, &self.result.finish())?;
        figure::side_by_side("Filter", &[original, result])
    }
}
