//! `hounsfield info`: what the header says, without patient data; of what is not read, what is known all the same.

use std::path::{Path, PathBuf};

use hounsfield::findings::{HeaderFinding, Rows, Value};
use hounsfield::io::{OpenOptions, dicom};
use hounsfield::volume::Header;
use hounsfield::{Error, Flaw, Result, SeriesEntry};

use crate::args::{FileArgs, Shared};
use crate::job::Job;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub input: FileArgs,
    /// List the file and the frame behind each slice of a DICOM series
    #[arg(long)]
    pub files: bool,
    /// Show what people wrote of each series of a folder, too: it can name a patient
    #[arg(long)]
    pub show_text: bool,
}

pub fn run(shared: &Shared, args: &Args) -> Result<()> {
    let job = Job::new(shared, &args.input, [])?.show_text(args.show_text);
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
        (Error::SeveralSeries { path, catalogue, asked: None }, _) => {
            let found: Vec<Found> = catalogue.series.iter().map(|entry| (path.clone(), entry.clone())).collect();
            listing(&job, &found, 0)
        }
        (Error::Format { .. }, [folder]) if folder.is_dir() => {
            let mut below = Below::default();
            below.search(job.options(), folder, MAX_DEPTH)?;
            if below.series.is_empty() { Err(error) } else { listing(&job, &below.series, below.without) }
        }
        _ => Err(error),
    }
}

/// A line for each slice as it is stored, counted from 0 through all volumes: its file, and its frame in it.
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
    Ok((0..).map_while(line).collect())
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

/// A series, and the folder that it lies in.
type Found = (PathBuf, SeriesEntry);

/// Folders of a disc lie four deep: patients, studies, series.
const MAX_DEPTH: usize = 8;

/// What lies in the folders of a folder.
#[derive(Default)]
struct Below {
    series: Vec<Found>,
    /// Folders that hold no DICOM image, nor only folders.
    without: usize,
}

impl Below {
    /// Searches the folders of a folder, and theirs; links are not followed, so that none is searched twice.
    fn search(&mut self, options: &OpenOptions, folder: &Path, depth: usize) -> Result<()> {
        let mut folders = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(Error::read(folder))? {
            let entry = entry.map_err(Error::read(folder))?;
            let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            if !hidden && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(entry.path());
            }
        }
        folders.sort_by(|a, b| natord::compare(&a.to_string_lossy(), &b.to_string_lossy()).then_with(|| a.cmp(b)));
        for path in folders {
            match dicom::catalogue(&path, options) {
                Ok(catalogue) => self.series.extend(catalogue.series.into_iter().map(|entry| (path.clone(), entry))),
                Err(Error::Interrupted) => return Err(Error::Interrupted),
                Err(_) => self.without += usize::from(!holds_folders_only(&path)),
            }
            if depth > 1 {
                // What may not be looked into is no reason to hide the rest.
                match self.search(options, &path, depth - 1) {
                    Err(Error::Interrupted) => return Err(Error::Interrupted),
                    Err(_) => self.without += 1,
                    Ok(()) => {}
                }
            }
        }
        Ok(())
    }
}

fn holds_folders_only(folder: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(folder) else { return false };
    let kinds: Vec<bool> = entries.flatten().map(|entry| entry.path().is_dir()).collect();
    !kinds.is_empty() && kinds.into_iter().all(|is_folder| is_folder)
}

/// A line for each series: what to give this program to read it.
fn listing(job: &Job<'_>, found: &[Found], without: usize) -> Result<()> {
    let described = found.iter().any(|(_, entry)| entry.description.is_some());
    let line = |(path, entry): &Found| {
        let size = entry.size.map(|[columns, rows]| Value::from([columns, rows]).read_as(format!("{columns} x {rows}")));
        let spacing = entry.spacing_mm.map(|[x, y]| Value::from([x, y]).read_as(format!("{x:.3} x {y:.3}")));
        let mut rows = Rows::new();
        rows.add("path", "folder", path.display().to_string(), "");
        rows.add("number", "series", Value::digits(u64::from(entry.number)), "");
        rows.add("modality", "modality", entry.modality.clone(), "");
        if described {
            rows.add("description", "description", entry.description.clone(), "");
        }
        rows.add("files", "files", Value::digits(entry.files), "");
        rows.add("unreadable", "unreadable", Value::digits(entry.unreadable), "");
        rows.add("images", "images", Value::digits(entry.images), "");
        rows.add("size", "size", size, "");
        rows.add("spacing_mm", "spacing (mm)", spacing, "");
        rows
    };
    let lines: Vec<Rows> = found.iter().map(line).collect();
    let mut text = Rows::columns(&lines).table();
    if found.iter().any(|(_, entry)| entry.number > 1) {
        text += "--series N takes one of a folder that holds several\n";
    }
    if without > 0 {
        text += &format!("{without} more {} no DICOM image\n", if without == 1 { "folder holds" } else { "folders hold" });
    }
    let mut rows = Rows::new();
    rows.key("series", lines);
    rows.key("folders_without", without);
    job.tell(&text, rows)
}
