//! `hounsfield mask --folder`: every image of a folder with its masks, and one table of all.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use hounsfield::findings::{MaskFinding, Rows, mask_rows, mask_table};
use hounsfield::io::output::{self, Staged, Target, Targets};
use hounsfield::pipelines::{Cost, Run, Watch};
use hounsfield::{Error, Result};

use super::pairs::{self, Named};
use super::{Args, Pair};
use crate::args::Shared;
use crate::job;
use crate::progress::Progress;
use crate::text::tell;

/// The table's name in the folder of the outputs.
const TABLE: &str = "statistics.csv";

/// An image by name, and what its mask holds.
type ImageFinding = (String, MaskFinding);

/// One image of the folder, and where it goes.
struct Work {
    pair: Named,
    target: Target,
}

pub fn run(shared: &Shared, args: &Args, folder: &Path) -> Result<()> {
    let out = &args.output;
    if out.canonicalize().is_ok_and(|o| folder.canonicalize().is_ok_and(|f| o == f)) {
        return Err(Error::usage("the output folder is the input folder", "write to another folder"));
    }
    if out.is_file() {
        return Err(Error::usage(format!("{} is a file", out.display()), "give the folder to write to"));
    }
    let found = pairs::find(folder, out)?;
    if found.pairs.is_empty() {
        return Err(Error::format(folder, "no image with a mask in this folder", "name them NAME.png and NAME_mask.png"));
    }
    let device = job::device(shared, &Cost::STREAMING)?;
    let (work, table) = targets(shared, folder, out, found.pairs)?;

    let progress = Progress::files(shared, "mask", work.len() as u64);
    let left_out = Mutex::new(Vec::new());
    let leave_out = |path: &Path, why: &str| {
        let name = path.display().to_string();
        // Errors of a file end with its name; those of a pair do not.
        progress.say(&if why.ends_with(&name) { why.to_owned() } else { format!("{why}: {name}") });
        left_out.lock().unwrap_or_else(PoisonError::into_inner).push((path.to_path_buf(), why.to_owned()));
    };
    found.unpaired.iter().for_each(|(path, why)| leave_out(&folder.join(path), why));
    let watch = Within(&progress);
    let run = Run::new(&device, Run::MEMORY_BYTES, &watch);
    let masking = Masking { args, folder, run, progress: &progress, notes: Mutex::default() };
    let results = masking.all(&work, &|pair, error| leave_out(&folder.join(&pair.image), error))?;
    let notes = masking.notes();
    progress.finish();
    notes.iter().for_each(|note| job::warn(shared, note));
    // All together, so that nothing is there after an interruption or on a full disk.
    let (images, mut staged): (Vec<ImageFinding>, Vec<Staged>) = results.into_iter().unzip();
    let listing = mask_table(&images);
    staged.push(table.stage_bytes(listing.csv().as_bytes())?);
    output::publish(staged)?;

    let left_out = left_out.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut rows = Rows::new();
    rows.key("output", out.display().to_string());
    rows.key("table", job::name(&table));
    rows.key("images", images.iter().map(|(name, finding)| mask_rows(name, finding)).collect::<Vec<_>>());
    rows.key("left_out", left_out.iter().map(reason).collect::<Vec<_>>());
    rows.key("notes", notes);
    let noun = if images.len() == 1 { "image" } else { "images" };
    let text = format!("{}\n{} {noun}: {}\n", listing.table(), images.len(), out.display());
    tell(shared, &text, &rows)?;
    match left_out.len() {
        0 => Ok(()),
        n => Err(Error::format(
            folder,
            format!("{n} {} left out", if n == 1 { "file was" } else { "files were" }),
            "mend what was said of them above; the others are done",
        )),
    }
}

/// A file that was left out, and why.
fn reason((path, why): &(PathBuf, String)) -> Rows {
    let mut rows = Rows::new();
    rows.key("path", path.display().to_string());
    rows.key("reason", why.as_str());
    rows
}

/// Where every image goes, with the folders made: checked for all before the first is read.
fn targets(shared: &Shared, folder: &Path, out: &Path, pairs: Vec<Named>) -> Result<(Vec<Work>, Target)> {
    let inputs = pairs.iter().flat_map(|pair| std::iter::once(&pair.image).chain(&pair.masks)).map(|path| folder.join(path));
    let mut targets = Targets::new(shared.force, inputs);
    let mut names = BTreeSet::new();
    let mut all = Vec::new();
    for pair in pairs {
        let jpeg = pair.image.extension().is_some_and(|e| e.eq_ignore_ascii_case("jpg") || e.eq_ignore_ascii_case("jpeg"));
        // JPEG would change the values.
        let name = if jpeg { pair.image.with_extension("png") } else { pair.image.clone() };
        let path = out.join(&name);
        if !names.insert(name) {
            let what = format!("two images would become {}", path.display());
            return Err(Error::usage(what, format!("rename one of them, such as {}", pair.image.display())));
        }
        // Nothing is made if anything is in the way.
        if !shared.force && path.exists() {
            return Err(Error::Exists { path });
        }
        all.push((pair, path));
    }
    let mut work = Vec::new();
    for (pair, path) in all {
        let parent = path.parent().unwrap_or(out);
        std::fs::create_dir_all(parent).map_err(Error::write(parent))?;
        work.push(Work { pair, target: targets.add(&path)? });
    }
    Ok((work, targets.add(&out.join(TABLE))?))
}

/// Masks pair after pair.
struct Masking<'a> {
    args: &'a Args,
    folder: &'a Path,
    run: Run<'a>,
    progress: &'a Progress,
    /// What a reader should know, with the images that it is true of.
    notes: Mutex<BTreeMap<String, BTreeSet<PathBuf>>>,
}

impl Masking<'_> {
    /// Each note once, with one image that it is true of, and of how many it is.
    fn notes(&self) -> Vec<String> {
        let notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        let one = |(note, images): (&String, &BTreeSet<PathBuf>)| {
            let name = images.first().map(|path| path.display().to_string()).unwrap_or_default();
            match images.len() {
                1 => format!("{note}: {name}"),
                n => format!("{note}: {n} images, such as {name}"),
            }
        };
        notes.iter().map(one).collect()
    }

    /// Masks all images, several at a time; rows in the order of `work`. What an input lacks goes to `leave_out`, what an output lacks ends it all.
    fn all(&self, work: &[Work], leave_out: &(dyn Fn(&Named, &str) + Sync)) -> Result<Vec<(ImageFinding, Staged)>> {
        let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
        let results = Mutex::new(Vec::new());
        // Decoding and encoding take most of the time and are done here. The pipelines' own threads stay free for them: were these threads of the
        // same pool, one image would be waiting in the middle of another.
        std::thread::scope(|scope| {
            for _ in 0..rayon::current_num_threads().min(work.len()) {
                scope.spawn(|| {
                    while !failed.load(Ordering::Relaxed) {
                        let i = next.fetch_add(1, Ordering::Relaxed);
                        let Some(one) = work.get(i) else { break };
                        let result = self.single(one);
                        match &result {
                            Err(e) if ends_all(e) => failed.store(true, Ordering::Relaxed),
                            Err(e) => leave_out(&one.pair, &crate::words::message(e)),
                            Ok(_) => {}
                        }
                        self.progress.advance(1);
                        results.lock().unwrap_or_else(PoisonError::into_inner).push((i, result));
                    }
                });
            }
        });
        let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
        results.sort_by_key(|(i, _)| *i);
        let mut rows = Vec::new();
        for (_, result) in results {
            match result {
                Ok(row) => rows.push(row),
                Err(e) if ends_all(&e) => return Err(e),
                Err(_) => {}
            }
        }
        Ok(rows)
    }

    fn single(&self, work: &Work) -> Result<(ImageFinding, Staged)> {
        let Named { image, masks } = &work.pair;
        let masks: Vec<PathBuf> = masks.iter().map(|m| self.folder.join(m)).collect();
        let pair = Pair::open(self.args, &self.folder.join(image), &masks, &self.run)?;
        let note = |said: &[String]| {
            let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
            for note in said {
                notes.entry(note.clone()).or_default().insert(image.clone());
            }
        };
        note(&pair.notes);
        let staged = pair.write(&work.target, &self.run, |said: Vec<String>| note(&said))?;
        let finding = MaskFinding { header: pair.input.header().clone(), sides: pair.sides(&self.run)? };
        Ok(((image.to_string_lossy().into_owned(), finding), staged))
    }
}

/// The next image would fare no better.
fn ends_all(error: &Error) -> bool {
    matches!(error, Error::Write { .. } | Error::Exists { .. } | Error::Interrupted | Error::Gpu(_))
}

/// The blocks of one image do not move the bar over all.
struct Within<'a>(&'a Progress);

impl Watch for Within<'_> {
    fn event(&self, text: &str) {
        self.0.event(text);
    }

    fn stopped(&self) -> bool {
        self.0.stopped()
    }
}
