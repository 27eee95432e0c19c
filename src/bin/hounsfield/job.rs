//! What a command does around the library's jobs: inputs named once, outputs checked first, passes followed, all published together.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use hounsfield::findings::words::number;
use hounsfield::findings::{Note, Provenance, Rows};
use hounsfield::io::dicom::{self, Series};
use hounsfield::io::output::{self, Staged, Target, Targets};
use hounsfield::io::{self, ExtensionPolicy, OpenOptions, Output, Role, STREAM, Sink, Source, WriteOptions};
use hounsfield::pipelines::{Cost, Device, Input, Mask, Region, Run};
use hounsfield::report::{Picker, Report, Svg, html};
use hounsfield::volume::Header;
use hounsfield::{Error, Result};

use crate::args::{FileArgs, RegionArgs, Shared};
use crate::progress::{Progress, headers};
use crate::text::give_way;
use crate::{labels, picture, rates, text, words};

/// One run of a command.
pub struct Job<'a> {
    shared: &'a Shared,
    paths: Vec<PathBuf>,
    options: OpenOptions,
    cost: Cost,
    device: OnceCell<Device>,
    /// How volumes are written.
    writing: WriteOptions,
    targets: Targets,
    staged: Vec<Staged>,
    /// What happened that the summary must say.
    pub events: Vec<String>,
    /// What the files that were written do not say.
    pub written: Vec<Note>,
    /// What the reader should know, each thing once: results repeat it, whether it was printed or not.
    notes: RefCell<Vec<String>>,
}

impl<'a> Job<'a> {
    /// A job that reads these files and `more` of them.
    pub fn new<'b>(shared: &'a Shared, files: &FileArgs, more: impl IntoIterator<Item = &'b PathBuf>) -> Result<Self> {
        let paths = paths(files)?;
        let targets = Targets::new(shared.force, paths.iter().cloned().chain(more.into_iter().cloned()));
        let (device, staged, events, notes) = (OnceCell::new(), Vec::new(), Vec::new(), RefCell::default());
        let (options, cost, written) = (OpenOptions { follow: headers(shared), ..options(files) }, Cost::STREAMING, Vec::new());
        let writing = WriteOptions::default();
        Ok(Self { shared, options, writing, paths, cost, device, targets, staged, events, written, notes })
    }

    /// What the passes from now on cost, which `--device auto` decides by when the first of them begins.
    pub fn costs(&mut self, cost: Cost) {
        self.cost = cost;
    }

    /// The same on the CPU, whatever `--device` says: for what has no kernel.
    pub fn on_cpu(self) -> Self {
        Self { device: OnceCell::from(Device::cpu()), ..self }
    }

    /// The same with header extensions of NIfTI files treated so.
    pub fn extensions(mut self, extensions: ExtensionPolicy) -> Self {
        self.options.extensions = extensions;
        self
    }

    /// The same with its input opened as a mask, or as labels.
    pub fn role(mut self, role: Role) -> Self {
        self.options.role = role;
        self
    }

    /// The same that also gives what people wrote of a series.
    pub fn show_text(mut self, show_text: bool) -> Self {
        self.options.show_text = show_text;
        self
    }

    /// How the input is read.
    pub fn options(&self) -> &OpenOptions {
        &self.options
    }

    /// The same with volumes written so.
    pub fn writing(self, writing: WriteOptions) -> Self {
        Self { writing, ..self }
    }

    /// An output, checked before any work is done.
    pub fn output(&mut self, path: &Path) -> Result<Target> {
        let target = self.targets.add(path)?;
        if path == Path::new(STREAM) {
            give_way();
        }
        Ok(target)
    }

    /// An output that may be.
    pub fn maybe(&mut self, path: Option<&Path>) -> Result<Option<Target>> {
        path.map(|path| self.output(path)).transpose()
    }

    /// A figure that may be.
    pub fn figure(&mut self, path: Option<&Path>) -> Result<Option<Target>> {
        let target = self.maybe(path)?;
        target.as_ref().map(picture::check).transpose()?;
        Ok(target)
    }

    /// Opens the input and says its notes.
    pub fn open(&self) -> Result<Box<dyn Source>> {
        let source = io::open(&self.paths, &self.options)?;
        source.header().origin.notes.iter().for_each(|note| self.warn(note));
        Ok(source)
    }

    /// Opens the input as a DICOM series, which knows the file behind a slice.
    pub fn open_dicom(&self) -> Result<Series> {
        dicom::open_files(&self.paths, &self.options)
    }

    /// Opens the input even if its geometry is refused, only to say what is known of it.
    pub fn open_all_the_same(&self) -> Result<Box<dyn Source>> {
        let source = io::open(&self.paths, &OpenOptions { trust_geometry: true, regrid: false, ..self.options.clone() })?;
        source.header().origin.notes.iter().for_each(|note| self.warn(note));
        Ok(source)
    }

    /// Opens another file that goes with the input, such as a `mask`, and says of its notes what was not said yet.
    pub fn open_other(&self, what: &str, path: &Path, role: Role) -> Result<Box<dyn Source>> {
        let source = io::open(&[path.to_path_buf()], &OpenOptions { grey: self.options.grey, ..OpenOptions::of(role) })?;
        let known = |note: &&String| self.notes.borrow().contains(*note);
        let new: Vec<_> = source.header().origin.notes.iter().filter(|note| !known(note)).collect();
        new.into_iter().for_each(|note| self.warn(&format!("{what}: {note}")));
        Ok(source)
    }

    /// Opens one of several inputs, in a role, and says of its notes what was not said yet.
    pub fn open_as(&self, files: &FileArgs, role: Role) -> Result<Box<dyn Source>> {
        let source = io::open(&paths(files)?, &OpenOptions { role, follow: self.options.follow.clone(), ..options(files) })?;
        source.header().origin.notes.iter().for_each(|note| self.warn(note));
        Ok(source)
    }

    /// Opens the input as it can be counted; wide types take a look at all voxels.
    pub fn resolve(&mut self) -> Result<Input<'static>> {
        let source = self.open()?;
        self.look(source)
    }

    /// Another file as it can be counted, in the order of axes of the image with this header: a channel, or labels.
    pub fn resolve_other(&mut self, what: &str, path: &Path, image: &Header) -> Result<Input<'static>> {
        let source = self.open_other(what, path, Role::Image)?;
        let bytes = source.header().bytes();
        let own = self.look(source)?;
        let (input, turned) = self.prepare("turn", bytes, |run| own.on_grid_of(image, what, run))?;
        if turned {
            self.warn(&reoriented(what));
        }
        Ok(input)
    }

    fn look(&mut self, source: Box<dyn Source>) -> Result<Input<'static>> {
        let (bytes, said) = (source.header().bytes(), source.header().origin.notes.len());
        let input = self.prepare("look", bytes, |run| Input::resolve(source.into(), run))?;
        input.header().origin.notes.iter().skip(said).for_each(|note| self.warn(note));
        Ok(input)
    }

    /// The mask, if one is asked for.
    pub fn mask(&mut self, region: &RegionArgs, image: &Header) -> Result<Option<Mask>> {
        let Some(path) = &region.mask else { return Ok(None) };
        let source: Arc<dyn Source> = self.open_other("mask", path, role(region.label))?.into();
        let bytes = source.header().bytes();
        let mask = self.prepare("mask", bytes, |run| Mask::new(source.clone(), region.label, image, run))?;
        if let Some(label) = region.label {
            let held = self.prepare("labels", bytes, |run| labels::missing(&mask, label, &[source], run))?;
            if let Some(held) = held {
                return Err(Error::usage(format!("the mask has no voxel of label {}", number(label)), held));
            }
        }
        if mask.reoriented() {
            self.warn(&reoriented("mask"));
        }
        Ok(Some(mask))
    }

    /// The device that `--device` means for work of this cost.
    pub fn device(&self) -> Result<&Device> {
        if let Some(device) = self.device.get() {
            return Ok(device);
        }
        let device = device(self.shared, &self.cost)?;
        Ok(self.device.get_or_init(|| device))
    }

    /// A pass over `bytes` of input, followed and with what happens in it kept.
    pub fn pass<T>(&mut self, stage: &'static str, bytes: u64, work: impl FnOnce(&Run<'_>) -> Result<T>) -> Result<T> {
        self.device()?;
        let device = self.device.take().unwrap_or(const { Device::cpu() });
        let result = self.pass_on(&device, stage, bytes, work);
        self.device = OnceCell::from(device);
        result
    }

    /// A pass on the CPU before the device is asked for.
    pub fn prepare<T>(&mut self, stage: &'static str, bytes: u64, work: impl FnOnce(&Run<'_>) -> Result<T>) -> Result<T> {
        self.pass_on(&Device::cpu(), stage, bytes, work)
    }

    fn pass_on<T>(
        &mut self,
        device: &Device,
        stage: &'static str,
        bytes: u64,
        work: impl FnOnce(&Run<'_>) -> Result<T>,
    ) -> Result<T> {
        let watch = Progress::new(self.shared, stage, bytes);
        let result = work(&Run::new(device, memory_bytes(self.shared), &watch));
        self.events.extend(watch.finish());
        result
    }

    /// Writes a volume, in one pass over `bytes` of input.
    pub fn write<T>(
        &mut self,
        (target, header): (&Target, &Header),
        bytes: u64,
        work: impl FnOnce(&dyn Sink, &Run<'_>) -> Result<T>,
    ) -> Result<T> {
        let sink = self.begin(target, header)?;
        let result = self.pass("write", bytes, |run| work(sink.as_ref(), run))?;
        self.staged.push(sink.finish()?);
        Ok(result)
    }

    /// Begins a volume, and says what its format has no place for.
    pub fn begin(&mut self, target: &Target, header: &Header) -> Result<Box<dyn Output>> {
        let sink = io::create(target, header, &self.writing)?;
        for note in not_kept(target, sink.as_ref()) {
            // Several files of a kind lose the same.
            if !self.written.contains(&note) {
                self.note(&note);
                self.written.push(note);
            }
        }
        Ok(sink)
    }

    /// An output that is complete.
    pub fn stage(&mut self, staged: Staged) {
        self.staged.push(staged);
    }

    /// A figure that is complete.
    pub fn draw(&mut self, target: &Target, svg: &Svg) -> Result<()> {
        self.staged.push(picture::stage(target, svg, None)?);
        Ok(())
    }

    /// A page that is complete.
    pub fn page(&mut self, target: &Target, page: &Report) -> Result<()> {
        self.staged.push(target.stage_bytes(html::render(page)?.as_bytes())?);
        Ok(())
    }

    /// Gives all outputs their names.
    pub fn publish(&mut self) -> Result<()> {
        output::publish(std::mem::take(&mut self.staged))
    }

    /// What the reader should know: printed unless --quiet, and kept for the result.
    pub fn warn(&self, text: &str) {
        let mut notes = self.notes.borrow_mut();
        if !notes.iter().any(|known| known == text) {
            notes.push(text.into());
            warn(self.shared, text);
        }
    }

    /// What the reader should know about a result.
    pub fn note(&self, note: &Note) {
        self.warn(&words::note(note));
    }

    /// A result with all notes.
    pub fn noted(&self, mut rows: Rows) -> Rows {
        rows.set("notes", self.notes.borrow().as_slice());
        rows
    }

    /// A result as people read it, or with all notes as JSON for programs.
    pub fn tell(&self, text: &str, rows: Rows) -> Result<()> {
        text::tell(self.shared, text, &self.noted(rows))
    }

    /// How the result came to be.
    pub fn provenance(&self) -> Result<Provenance> {
        let (command, device) = (self.shared.line.clone(), self.device()?.name().to_owned());
        Ok(Provenance { command, device, events: self.events.clone(), written: self.written.clone(), words: words::note })
    }
}

/// What a file that is being written does not say.
pub fn not_kept<'a>(target: &Target, sink: &'a dyn Output) -> impl Iterator<Item = Note> + use<'a> {
    let format = io::FORMATS.iter().find(|format| format.writes(target.path())).map_or("NIfTI", |format| format.name);
    sink.losses().iter().map(move |loss| Note::NotKept { format, loss: *loss })
}

/// Said of a file that goes with an image but has its axes in another order.
pub fn reoriented(what: &str) -> String {
    format!("the axes of the {what} are not the image's: it was reoriented")
}

/// An output's name, for results.
pub fn name(target: &Target) -> String {
    target.path().display().to_string()
}

/// The middle slices of a volume, for pictures, if any are asked for.
pub fn middles(wanted: bool, header: &Header) -> Result<Option<Picker>> {
    if wanted { Picker::middles(header).map(Some) } else { Ok(None) }
}

/// Most bytes for buffers.
pub fn memory_bytes(shared: &Shared) -> u64 {
    (shared.memory.get() as u64) << 20
}

/// The device that `--device` means for work of this cost.
pub fn device(shared: &Shared, cost: &Cost) -> Result<Device> {
    use hounsfield::pipelines::DeviceChoice::{Auto, Gpu};
    let (device, why) = Device::open(&shared.device, cost, &rates::stored())?;
    match shared.device {
        Auto => say(shared, &format!("device: {} (auto: {why}; --device gpu insists)", device.name())),
        Gpu(_) => say(shared, &format!("device: {}", device.name())),
        _ => {}
    }
    Ok(device)
}

/// With -v.
pub fn say(shared: &Shared, text: &str) {
    if shared.verbose && !shared.quiet {
        eprintln!("hounsfield: {text}");
    }
}

/// What the reader should know; unless --quiet, and once in a run of the program, which may run several commands.
pub fn warn(shared: &Shared, text: &str) {
    static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let new = SAID.lock().unwrap_or_else(PoisonError::into_inner).insert(text.into());
    match shared.quiet || !new {
        true => {}
        false if shared.events => eprintln!("{}", serde_json::json!({"event": "note", "text": text})),
        false => eprintln!("hounsfield: note: {text}"),
    }
}

/// The paths meant: a pattern that a shell left alone is a list of files in natural order.
fn paths(files: &FileArgs) -> Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for path in &files.paths {
        let text = path.to_string_lossy();
        if path.exists() || !text.contains(['*', '?', '[']) {
            all.push(path.clone());
            continue;
        }
        let bad = |_| Error::usage(format!("{text:?} is neither a file nor a pattern"), "check the name");
        let mut found: Vec<PathBuf> = glob::glob(&text).map_err(bad)?.filter_map(std::result::Result::ok).collect();
        if found.is_empty() {
            return Err(Error::usage(format!("no file matches {text:?}"), "check the pattern"));
        }
        found.sort_by(|a, b| natord::compare(&a.to_string_lossy(), &b.to_string_lossy()));
        all.append(&mut found);
    }
    Ok(all)
}

/// As what a mask is opened of which one label is meant, or all that is not 0.
pub fn role(label: Option<f64>) -> Role {
    if label.is_some() { Role::Labels } else { Role::Mask }
}

/// How the input is read.
pub fn options(files: &FileArgs) -> OpenOptions {
    // The limits count bytes: those of the widest type.
    let max_bytes = files.max_voxels.map(|n| n.saturating_mul(8));
    OpenOptions {
        grey: files.grey,
        series: files.series,
        volume: files.volume,
        allow_gaps: files.allow_gaps,
        regrid: files.regrid,
        first_duplicate: files.first_duplicate,
        split: files.split,
        trust_geometry: files.trust_geometry,
        max_bytes,
        ..OpenOptions::default()
    }
}

/// Which values count.
pub fn region(region: &RegionArgs) -> Region {
    Region { range: region.r#where, with_padding: region.with_padding != Some(false) }
}
