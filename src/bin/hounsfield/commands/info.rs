//! `hounsfield info`: what the header says, without patient data; of what is not read, what is known all the same.

use std::path::{Path, PathBuf};

use hounsfield::findings::{HeaderFinding, Rows, Value};
use hounsfield::io::dicom;
use hounsfield::volume::Header;
use hounsfield::{Error, Flaw, Result, SeriesEntry};

use crate::args::{FileArgs, Shared};
use crate::job::{self, Job};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub input: FileArgs,
    /// List the file and the frame behind each slice of a DICOM series
    #[arg(long)]
    pub files: bool,
}

pub fn run(shared: &Shared, args: &Args) -> Result<()> {
    let job = Job::new(shared, &args.input, [])?;
    let error = match job.open() {
        Ok(source) => {
            let mut rows = HeaderFinding { header: source.header() }.rows();
            let mut text = rows.text();
            if args.files {
                let files = slice_files(&job, source.header())?;
                text += &format!("\n{}", Rows::columns(&files).table());
                rows.key("slice_files", files);
            }
            return job.tell(&text, rows);
        }
        Err(error) => error,
    };
    match (&error, args.input.paths.as_slice()) {
        (Error::Geometry { flaws, .. }, _) => {
            refused(&job, flaws)?;
            Err(error)
        }
        (Error::Format { .. }, [folder]) if folder.is_dir() => {
            let (below, without) = below(args, folder)?;
            if below.is_empty() { Err(error) } else { listing(&job, &below, without) }
        }
        _ => Err(error),
    }
}

/// A line for each slice, slices counted from 0 through all volumes: its file, and its frame in it.
fn slice_files(job: &Job<'_>, header: &Header) -> Result<Vec<Rows>> {
    if !header.origin.format.starts_with("DICOM") {
        let what = format!("--files lists the slices of a DICOM series, this is {}", header.origin.format);
        return Err(Error::usage(what, "leave it out"));
    }
    let series = job.open_dicom()?;
    let line = |z: u64| {
        let (path, frame) = series.slice(z)?;
        let mut rows = Rows::new();
        rows.add("slice", "slice", Value::digits(z), "");
        rows.add("file", "file", path.display().to_string(), "");
        rows.add("frame", "frame", Value::digits(frame), "");
        Some(rows)
    };
    Ok((0..header.grid.shape.slices()).filter_map(line).collect())
}

/// What the header of a series says whose geometry is refused, after all that is wrong with it.
fn refused(job: &Job<'_>, flaws: &[Flaw]) -> Result<()> {
    let Ok(source) = job.open_all_the_same() else { return Ok(()) };
    let all: Vec<String> = flaws.iter().map(Flaw::to_string).collect();
    let read = all.join("; ");
    let mut rows = Rows::new();
    rows.add("refused", "refused", Value::from(all).read_as(read), "");
    rows.extend(HeaderFinding { header: source.header() }.rows());
    job.tell(&rows.text(), rows)
}

/// A series in a folder of the folder.
type Found = (PathBuf, SeriesEntry);

/// The series one level down by folder, and how many folders hold none.
fn below(args: &Args, folder: &Path) -> Result<(Vec<Found>, usize)> {
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(Error::read(folder))? {
        let path = entry.map_err(Error::read(folder))?.path();
        let hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
        if path.is_dir() && !hidden {
            folders.push(path);
        }
    }
    folders.sort_by(|a, b| natord::compare(&a.to_string_lossy(), &b.to_string_lossy()).then_with(|| a.cmp(b)));
    let (mut found, mut without) = (Vec::new(), 0);
    for path in folders {
        match dicom::catalogue(&path, &job::options(&args.input)) {
            Ok(catalogue) => found.extend(catalogue.series.into_iter().map(|entry| (path.clone(), entry))),
            Err(_) => without += 1,
        }
    }
    Ok((found, without))
}

/// A line for each series: what to give this program to read it.
fn listing(job: &Job<'_>, found: &[Found], without: usize) -> Result<()> {
    let line = |(path, entry): &Found| {
        let size = entry.size.map(|[columns, rows]| Value::from([columns, rows]).read_as(format!("{columns} x {rows}")));
        let spacing = entry.spacing_mm.map(|[x, y]| Value::from([x, y]).read_as(format!("{x:.3} x {y:.3}")));
        let mut rows = Rows::new();
        rows.add("path", "folder", path.display().to_string(), "");
        rows.add("number", "series", Value::digits(u64::from(entry.number)), "");
        rows.add("modality", "modality", entry.modality.clone(), "");
        rows.add("files", "files", Value::digits(entry.files), "");
        rows.add("unreadable", "unreadable", Value::digits(entry.unreadable), "");
        rows.add("images", "images", Value::digits(entry.images), "");
        rows.add("size", "size", size, "");
        rows.add("spacing_mm", "spacing (mm)", spacing, "");
        rows
    };
    let lines: Vec<Rows> = found.iter().map(line).collect();
    let mut text = Rows::columns(&lines).table();
    if without > 0 {
        text += &format!("{without} more {} no DICOM image\n", if without == 1 { "folder holds" } else { "folders hold" });
    }
    let mut rows = Rows::new();
    rows.key("series", lines);
    rows.key("folders_without", without);
    job.tell(&text, rows)
}
