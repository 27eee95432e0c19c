//! `hounsfield mask --folder`: every image of a folder with its masks, and one table of all.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use hounsfield::analysis::statistics::Statistics;
use hounsfield::io::output::{self, Staged, Target, Targets};
use hounsfield::pipelines::{Cost, Run, Side, Sides, Watch};
use hounsfield::volume::Header;
use hounsfield::{Error, Result};
use serde_json::json;

use super::pairs::{self, Named};
use super::{Args, Pair, words};
use crate::args::Shared;
use crate::job;
use crate::progress::Progress;
use crate::text::{number, print, print_json};

/// The table's name in the folder of the outputs.
const TABLE: &str = "statistics.csv";

/// One image done.
struct Row {
    image: PathBuf,
    header: Header,
    sides: Sides,
}

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
    let device = job::device(shared, Cost::Streaming)?;
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
    let masking = Masking { args, folder, run: Run::new(&device, Run::MEMORY_BYTES, &watch), progress: &progress };
    let done = masking.all(&work, &|pair, error| leave_out(&folder.join(&pair.image), error))?;
    progress.finish();
    // All together, so that nothing is there after an interruption or on a full disk.
    let (rows, mut staged): (Vec<Row>, Vec<Staged>) = done.into_iter().unzip();
    staged.push(table.stage_bytes(csv(&rows).as_bytes())?);
    output::publish(staged)?;

    let left_out = left_out.into_inner().unwrap_or_else(PoisonError::into_inner);
    if shared.json {
        let rows: Vec<_> = rows
            .iter()
            .map(|row| {
                let mut value = json!({"image": row.image, "shape": row.header.grid.shape.axes()});
                value.as_object_mut().into_iter().for_each(|v| v.extend(words::as_json(&row.header, &row.sides)));
                value
            })
            .collect();
        let left: Vec<_> = left_out.iter().map(|(path, why)| json!({"path": path, "reason": why})).collect();
        print_json(&json!({"output": out, "table": table.path(), "images": rows, "left_out": left}))?;
    } else {
        print(&format!("{}\n{} images: {}\n", as_text(&rows), rows.len(), out.display()))?;
    }
    match left_out.len() {
        0 => Ok(()),
        n => Err(Error::format(
            folder,
            format!("{n} files were left out"),
            "mend what was said of them above; the others are done",
        )),
    }
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
}

impl Masking<'_> {
    /// Masks all images, several at a time; rows in the order of `work`. What an input lacks goes to `leave_out`, what an output lacks ends it all.
    fn all(&self, work: &[Work], leave_out: &(dyn Fn(&Named, &str) + Sync)) -> Result<Vec<(Row, Staged)>> {
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

    fn single(&self, work: &Work) -> Result<(Row, Staged)> {
        let Named { image, masks } = &work.pair;
        let masks: Vec<PathBuf> = masks.iter().map(|m| self.folder.join(m)).collect();
        let pair = Pair::open(self.args, &self.folder.join(image), &masks, &self.run)?;
        for note in &pair.notes {
            self.progress.event(&format!("note: {note}: {}", image.display()));
        }
        let staged = pair.write(&work.target, &self.run)?;
        let sides = pair.sides(&self.run)?;
        Ok((Row { image: image.clone(), header: pair.input.header().clone(), sides }, staged))
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

type Number = fn(&Statistics) -> f64;

/// What the table has of each side.
const COLUMNS: [(&str, Number); 5] =
    [("mean", |s| s.mean), ("std", |s| s.std), ("min", |s| s.min), ("max", |s| s.max), ("median", |s| s.median)];

fn csv(rows: &[Row]) -> String {
    let mut text = String::from("image,width,height,pixels,mask_pixels,percent");
    for side in ["inside", "outside"] {
        COLUMNS.iter().for_each(|(name, _)| text += &format!(",{name}_{side}"));
    }
    text.push('\n');
    for Row { image, header, sides } in rows {
        let [width, height, _] = header.grid.shape.xyz();
        let percent = words::percent(header, &sides.inside);
        text += &quoted(&image.to_string_lossy());
        text += &format!(",{width},{height},{},{},{percent}", header.grid.shape.voxels(), sides.inside.voxels);
        for side in [&sides.inside, &sides.outside] {
            for (_, value) in COLUMNS {
                text += &side.statistics.as_ref().map_or(",".into(), |s| format!(",{}", value(s)));
            }
        }
        text.push('\n');
    }
    text
}

/// A field as RFC 4180 has it.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

fn as_text(rows: &[Row]) -> String {
    let mut table = vec![["image", "size", "mask pixels", "%", "mean inside", "std", "mean outside", "std"].map(str::to_owned)];
    for Row { image, header, sides } in rows {
        let [width, height, _] = header.grid.shape.xyz();
        let of =
            |side: &Side, value: Number| side.statistics.as_ref().map_or("-".into(), |s| number((value(s) * 1e4).round() / 1e4));
        table.push([
            image.display().to_string(),
            format!("{width} x {height}"),
            sides.inside.voxels.to_string(),
            format!("{:.2}", words::percent(header, &sides.inside)),
            of(&sides.inside, |s| s.mean),
            of(&sides.inside, |s| s.std),
            of(&sides.outside, |s| s.mean),
            of(&sides.outside, |s| s.std),
        ]);
    }
    words::table(&table)
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_with_commas_and_quotes_stay_one_field() {
        assert_eq!(
            [r"benign (1).png", "a,b.png", "a\"b.png"].map(super::quoted),
            ["benign (1).png", "\"a,b.png\"", "\"a\"\"b.png\""]
        );
    }
}
