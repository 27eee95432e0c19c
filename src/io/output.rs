//! Outputs that appear whole or not at all: written to a temporary sibling, flushed, then renamed.

use std::collections::{HashMap, HashSet};
use std::io::{ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};

use super::STREAM;
use super::place::{Place, folder_of};
#[cfg(feature = "zarr")]
use super::zarr::is_replaceable;
use crate::{Error, Result};

/// All outputs of a job: the one place that says where they may go. Each is checked before any work is done.
#[derive(Debug)]
pub struct Targets {
    force: bool,
    inputs: HashSet<PathBuf>,
    outputs: HashMap<Place, PathBuf>,
    /// Those that replace folders, without links.
    folders: Vec<PathBuf>,
}

/// A place where an output will appear.
#[derive(Debug, Clone)]
pub struct Target {
    path: PathBuf,
    force: bool,
}

/// A complete output under a temporary name; dropped without [`publish`], it disappears.
#[derive(Debug)]
pub struct Staged {
    temporary: Temporary,
    target: Target,
}

/// What an output is until it has its name. Dropped, it disappears.
#[derive(Debug)]
enum Temporary {
    File(tempfile::TempPath),
    /// A format whose files are folders.
    #[cfg(feature = "zarr")]
    Folder(tempfile::TempDir),
}

impl Targets {
    /// No outputs yet of a job that reads `inputs`. With `force` outputs replace what is there.
    pub fn new<P: AsRef<Path>>(force: bool, inputs: impl IntoIterator<Item = P>) -> Self {
        // An input that does not exist is the reader's to complain of.
        let inputs = inputs.into_iter().filter_map(|path| path.as_ref().canonicalize().ok()).collect();
        Self { force, inputs, outputs: HashMap::new(), folders: Vec::new() }
    }

    /// One more output: its folder exists, nothing is there unless forced, and it is neither an input nor another output of this job, by whatever
    /// name.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::Write`] with the path, [`Error::Usage`] for an output that is also an input or another output.
    pub fn add(&mut self, path: &Path) -> Result<Target> {
        if path == Path::new(STREAM) {
            return self.stream();
        }
        let refuse = |kind, text: &str| Err(Error::Write { path: path.into(), source: std::io::Error::new(kind, text) });
        if path.file_name().is_none() || path.is_dir() && !is_replaceable(path) {
            return refuse(ErrorKind::IsADirectory, "this is a folder; give a file name");
        }
        if !folder_of(path).is_dir() {
            return refuse(ErrorKind::NotFound, "the folder does not exist; create it first");
        }
        let place = Place::of(path).map_err(Error::write(path))?;
        if self.lies_in_another(path) {
            let what = format!("an input or output lies in a folder that another output replaces ({})", path.display());
            return Err(Error::usage(what, "give each output a place of its own"));
        }
        if let Some(other) = self.outputs.get(&place) {
            let what = match other == path {
                true => format!("two outputs have one name ({})", path.display()),
                false => format!("two outputs are one file ({} and {})", other.display(), path.display()),
            };
            return Err(Error::usage(what, "give each output a name of its own"));
        }
        if let Ok(own) = path.canonicalize() {
            if self.inputs.contains(&own) {
                return Err(Error::usage(
                    format!("the output is one of the inputs ({})", path.display()),
                    "write to another file",
                ));
            }
            // A series is given as its folder: which of its files are slices is not known yet.
            if own.parent().is_some_and(|folder| self.inputs.contains(folder)) {
                let what = format!("the output would replace a file in the input folder ({})", path.display());
                return Err(Error::usage(what, "write to another folder"));
            }
        }
        // A link that leads nowhere is in the way too.
        if !self.force && path.symlink_metadata().is_ok() {
            return Err(Error::Exists { path: path.into() });
        }
        self.folders.extend(path.canonicalize().ok().filter(|real| real.is_dir()));
        self.outputs.insert(place, path.into());
        Ok(Target { path: path.into(), force: self.force })
    }

    /// Whether an output lies in a folder that another one replaces, or replaces a folder with an input or another output in it.
    fn lies_in_another(&self, path: &Path) -> bool {
        let real = |path: &Path| Some(folder_of(path).canonicalize().ok()?.join(path.file_name()?));
        let (own, replaced) = (real(path), path.is_dir());
        let holds = |folder: &Path, inner: &Path| inner != folder && inner.starts_with(folder);
        own.is_some_and(|own| {
            self.folders.iter().any(|other| holds(other, &own))
                || replaced && self.inputs.iter().any(|input| holds(&own, input))
                || replaced && self.outputs.values().filter_map(|other| real(other)).any(|other| holds(&own, &other))
        })
    }

    /// Standard output, once.
    fn stream(&mut self) -> Result<Target> {
        if std::io::stdout().is_terminal() {
            return Err(Error::usage("standard output is a terminal", "send it into a program or a file, or name a file"));
        }
        if self.outputs.insert(Place::stream(), STREAM.into()).is_some() {
            return Err(Error::usage("two outputs go to standard output", "name a file for one of them"));
        }
        Ok(Target { path: STREAM.into(), force: self.force })
    }
}

impl Target {
    /// The only output of a job that reads `inputs`.
    ///
    /// # Errors
    /// As [`Targets::add`].
    pub fn new(path: &Path, force: bool, inputs: &[&Path]) -> Result<Self> {
        Targets::new(force, inputs).add(path)
    }

    /// Where the output will appear.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn is_stream(&self) -> bool {
        self.path == Path::new(STREAM)
    }

    /// Opens the temporary sibling; of standard output a temporary file.
    ///
    /// # Errors
    /// [`Error::Write`] with the path.
    pub fn create(&self) -> Result<tempfile::NamedTempFile> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".hounsfield-").suffix(".part");
        #[cfg(unix)]
        {
            // tempfile's own default is 0600; outputs get what the umask leaves of 0666.
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let folder = if self.is_stream() { std::env::temp_dir() } else { folder_of(&self.path) };
        builder.tempfile_in(folder).map_err(Error::write(&self.path))
    }

    /// Makes the temporary sibling of an output that is a folder.
    ///
    /// # Errors
    /// [`Error::Write`] with the path.
    #[cfg(feature = "zarr")]
    pub fn create_folder(&self) -> Result<tempfile::TempDir> {
        sibling(&self.path).map_err(Error::write(&self.path))
    }

    /// A completed folder, whose files are on disk.
    #[cfg(feature = "zarr")]
    pub fn stage_folder(&self, folder: tempfile::TempDir) -> Staged {
        Staged { temporary: Temporary::Folder(folder), target: self.clone() }
    }

    /// Flushes a completed temporary file to disk.
    ///
    /// # Errors
    /// [`Error::Write`] with the path.
    pub fn stage(&self, file: tempfile::NamedTempFile) -> Result<Staged> {
        if !self.is_stream() {
            file.as_file().sync_all().map_err(Error::write(&self.path))?;
        }
        Ok(Staged { temporary: Temporary::File(file.into_temp_path()), target: self.clone() })
    }

    /// Writes a small output at once.
    ///
    /// # Errors
    /// [`Error::Write`] with the path.
    pub fn stage_bytes(&self, bytes: &[u8]) -> Result<Staged> {
        let mut file = self.create()?;
        file.write_all(bytes).map_err(Error::write(&self.path))?;
        self.stage(file)
    }
}

/// Gives all outputs their names; what goes to standard output goes there last. Called once, when every output of a job is complete.
///
/// What has appeared under one of the names since it was checked stays, unless the target was forced; then none of the new outputs stays.
///
/// # Errors
/// [`Error::Write`] with the path of the first that could not be renamed.
pub fn publish(outputs: Vec<Staged>) -> Result<()> {
    let mut fresh = Vec::new();
    let (streams, files): (Vec<Staged>, Vec<Staged>) = outputs.into_iter().partition(|staged| staged.target.is_stream());
    for Staged { temporary, target } in files.into_iter().chain(streams) {
        if let Err(e) = temporary.put(&target) {
            for path in &fresh {
                // Nothing more can be done about an output that does not go.
                let _ = std::fs::remove_file(path);
                #[cfg(feature = "zarr")]
                let _ = std::fs::remove_dir_all(path);
            }
            return Err(match e.kind() {
                ErrorKind::AlreadyExists => Error::Exists { path: target.path },
                _ => Error::Write { path: target.path, source: e },
            });
        }
        if !target.force && !target.is_stream() {
            fresh.push(target.path);
        }
    }
    Ok(())
}

impl Temporary {
    /// Gives an output its name, or sends it.
    fn put(self, target: &Target) -> std::io::Result<()> {
        match self {
            Self::File(file) if target.is_stream() => send(&file),
            Self::File(file) if target.force => file.persist(&target.path).map_err(|e| e.error),
            Self::File(file) => persist_new(file, &target.path).map_err(|e| e.error),
            #[cfg(feature = "zarr")]
            Self::Folder(folder) => put_folder(folder, target),
        }
    }
}

/// An empty folder beside a path.
#[cfg(feature = "zarr")]
fn sibling(path: &Path) -> std::io::Result<tempfile::TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".hounsfield-").suffix(".part");
    #[cfg(unix)]
    {
        // As for files: what the umask leaves of 0777.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o777));
    }
    builder.tempdir_in(folder_of(path))
}

/// Renames a folder. One that is there goes only if it is forced to and is of the kind, and comes back where the new one cannot take its place.
#[cfg(feature = "zarr")]
fn put_folder(folder: tempfile::TempDir, target: &Target) -> std::io::Result<()> {
    let path = &target.path;
    let mut aside = None;
    if path.symlink_metadata().is_ok() {
        if !(target.force && is_replaceable(path)) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let old = sibling(path)?;
        let place = old.path().join("old");
        std::fs::rename(path, &place)?;
        aside = Some((old, place));
    }
    if let Err(e) = std::fs::rename(folder.path(), path) {
        if let Some((_, place)) = &aside {
            std::fs::rename(place, path)?;
        }
        return Err(e);
    }
    // It has another name now; the old one goes with its folder.
    let _ = folder.keep();
    Ok(())
}

/// Copies a file to standard output. A reader that has gone away wants no more: success.
fn send(path: &Path) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    match std::io::copy(&mut std::fs::File::open(path)?, &mut out).and_then(|_| out.flush()) {
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Renames, but never over another file.
fn persist_new(temporary: tempfile::TempPath, path: &Path) -> Result<(), tempfile::PathPersistError> {
    match temporary.persist_noclobber(path) {
        // Some file systems (FAT, some of the network) know no such renaming.
        Err(e) if e.error.kind() != ErrorKind::AlreadyExists && path.symlink_metadata().is_err() => e.path.persist(path),
        result => result,
    }
}

/// Whether an output may take the place of a folder.
#[cfg(not(feature = "zarr"))]
fn is_replaceable(_: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(result: Result<Target>) -> String {
        let error = result.unwrap_err();
        assert!(matches!(error, Error::Usage { .. }), "{error}");
        error.to_string()
    }

    #[test]
    fn no_output_is_named_twice_by_whatever_name() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("sub")).unwrap();
        for (first, second) in [("o.png", "o.png"), ("o.png", "./o.png"), ("o.png", "sub/../o.png")] {
            let mut outputs = Targets::new(true, [] as [&Path; 0]);
            outputs.add(&at(first)).unwrap();
            assert!(taken(outputs.add(&at(second))).contains("o.png"), "{second}");
        }
        let mut outputs = Targets::new(false, [] as [&Path; 0]);
        outputs.add(&at("o.png")).unwrap();
        assert!(outputs.add(&at("sub/o.png")).is_ok() && outputs.add(&at("p.png")).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn links_hide_no_output() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("sub")).unwrap();
        symlink(at("sub"), at("other")).unwrap();
        symlink("o.png", at("dangling.png")).unwrap();
        symlink("dangling.png", at("far.png")).unwrap();
        symlink("round.png", at("round.png")).unwrap();
        std::fs::write(at("a.png"), "a").unwrap();
        std::fs::hard_link(at("a.png"), at("b.png")).unwrap();
        for (first, second) in
            [("sub/o.png", "other/o.png"), ("o.png", "dangling.png"), ("dangling.png", "far.png"), ("a.png", "b.png")]
        {
            let mut outputs = Targets::new(true, [] as [&Path; 0]);
            outputs.add(&at(first)).unwrap();
            taken(outputs.add(&at(second)));
        }
        assert!(matches!(Target::new(&at("round.png"), true, &[]), Err(Error::Write { .. })));
        assert!(matches!(Target::new(&at("dangling.png"), false, &[]), Err(Error::Exists { .. })));
    }

    #[test]
    fn a_disk_that_is_blind_to_case_has_one_file_of_two_cases() {
        let folder = tempfile::tempdir().unwrap();
        let (small, large) = (folder.path().join("o.png"), folder.path().join("O.PNG"));
        let blind = Place::with_case(&small, true).unwrap() == Place::with_case(&large, true).unwrap();
        let sharp = Place::with_case(&small, false).unwrap() == Place::with_case(&large, false).unwrap();
        assert!(blind && !sharp);
        // And what this disk does.
        std::fs::write(&small, "x").unwrap();
        assert_eq!(Place::of(&small).unwrap() == Place::of(&large).unwrap(), large.exists());
    }

    #[test]
    fn inputs_are_no_outputs() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("i.nii");
        std::fs::write(&input, "x").unwrap();
        for force in [false, true] {
            let mut outputs = Targets::new(force, [&input]);
            assert!(taken(outputs.add(&folder.path().join("./i.nii"))).contains("one of the inputs"));
            assert!(outputs.add(&folder.path().join("o.nii")).is_ok());
            assert!(taken(Target::new(&input, force, &[folder.path()])).contains("input folder"));
        }
    }

    #[test]
    fn what_appears_meanwhile_stays_and_nothing_else_comes() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let read = |name: &str| std::fs::read_to_string(at(name)).unwrap();
        let stage = |force| {
            let mut outputs = Targets::new(force, [] as [&Path; 0]);
            ["a", "b", "c"].map(|name| outputs.add(&at(name)).unwrap().stage_bytes(b"ours").unwrap())
        };
        let staged = stage(false);
        std::fs::write(at("b"), "theirs").unwrap();
        let error = publish(staged.into()).unwrap_err();
        assert!(matches!(&error, Error::Exists { path } if path == &at("b")), "{error}");
        assert_eq!(read("b"), "theirs");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "neither a, c nor a temporary file");
        publish(stage(true).into()).unwrap();
        assert_eq!(["a", "b", "c"].map(read), ["ours"; 3]);
    }
}
