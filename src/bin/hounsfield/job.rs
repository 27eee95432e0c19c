//! What a command does around the library's jobs: inputs named once, outputs checked first, passes followed, all published together.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use hounsfield::findings::{Note, Provenance};
use hounsfield::io::output::{self, Staged, Target, Targets};
use hounsfield::io::{self, ExtensionPolicy, OpenOptions, Output, Role, STREAM, Sink, Source, WriteOptions};
use hounsfield::pipelines::{Cost, Device, Input, Mask, Region, Run};
use hounsfield::report::{Picker, Report, Svg, html};
use hounsfield::volume::Header;
use hounsfield::{Error, Result};

use crate::args::{FileArgs, RegionArgs, Shared};
use crate::progress::Progress;
use crate::text::give_way;
use crate::{picture, words};

/// One run of a command.
pub struct Job<'a> {
    shared: &'a Shared,
    paths: Vec<PathBuf>,
    options: OpenOptions,
    cost: Cost,
    device: OnceCell<Device>,
    targets: Targets,
    staged: Vec<Staged>,
    /// What happened that the summary must say.
    pub events: Vec<String>,
    /// What the files that were written do not say.
    pub written: Vec<Note>,
}

impl<'a> Job<'a> {
    /// A job that reads these files and `more` of them.
    pub fn new<'b>(shared: &'a Shared, files: &FileArgs, more: impl IntoIterator<Item = &'b PathBuf>) -> Result<Self> {
        let paths = paths(files)?;
        let targets = Targets::new(shared.force, paths.iter().cloned().chain(more.into_iter().cloned()));
        let (device, staged, events) = (OnceCell::new(), Vec::new(), Vec::new());
        Ok(Self {
            shared,
            options: options(files),
            paths,
            cost: Cost::Streaming,
            device,
            targets,
            staged,
            events,
            written: Vec::new(),
        })
    }

    /// The same with another cost, which `--device auto` decides by.
    pub fn costs(self, cost: Cost) -> Self {
        Self { cost, ..self }
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
        source.header().origin.notes.iter().for_each(|note| warn(self.shared, note));
        Ok(source)
    }

    /// Opens the input as it can be counted; wide types take a look at all voxels.
    pub fn resolve(&mut self) -> Result<Input<'static>> {
        let source = self.open()?;
        self.look(source)
    }

    /// Another file as it can be counted: a channel.
    pub fn resolve_other(&mut self, path: &Path) -> Result<Input<'static>> {
        self.look(io::open(&[path.to_path_buf()], &OpenOptions::default())?)
    }

    /// A file beside the input that is a mask or holds labels; what was odd about it is said with its name.
    pub fn open_as(&self, path: &Path, role: Role) -> Result<Box<dyn Source>> {
        let source = io::open(
            std::slice::from_ref(&path.to_path_buf()),
            &OpenOptions { grey: self.options.grey, ..OpenOptions::of(role) },
        )?;
        source.header().origin.notes.iter().for_each(|note| self.warn(&format!("{note}: {}", path.display())));
        Ok(source)
    }

    fn look(&mut self, source: Box<dyn Source>) -> Result<Input<'static>> {
        let (bytes, said) = (source.header().bytes(), source.header().origin.notes.len());
        let input = self.prepare("look", bytes, |run| Input::resolve(source.into(), run))?;
        input.header().origin.notes.iter().skip(said).for_each(|note| warn(self.shared, note));
        Ok(input)
    }

    /// The mask, if one is asked for.
    pub fn mask(&mut self, region: &RegionArgs, image: &Header) -> Result<Option<Mask>> {
        let Some(path) = &region.mask else { return Ok(None) };
        let source = self.open_as(path, role(region.label))?;
        let bytes = source.header().bytes();
        self.prepare("mask", bytes, |run| Mask::new(source.into(), region.label, image, run)).map(Some)
    }

    /// The device that `--device` means for work of this cost.
    pub fn device(&self) -> Result<&Device> {
        if let Some(device) = self.device.get() {
            return Ok(device);
        }
        let device = device(self.shared, self.cost)?;
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
        let sink = io::create(target, header, &WriteOptions::default())?;
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

    /// What the reader should know; unless --quiet.
    pub fn warn(&self, text: &str) {
        warn(self.shared, text);
    }

    /// What the reader should know about a result; unless --quiet.
    pub fn note(&self, note: &Note) {
        warn(self.shared, &words::note(note));
    }

    /// How the result came to be; `command` is what a report shows of the command line.
    pub fn provenance(&self, command: String) -> Result<Provenance> {
        let device = self.device()?.name().to_owned();
        Ok(Provenance { command, device, events: self.events.clone(), written: self.written.clone(), words: words::note })
    }
}

/// What a file that is being written does not say.
pub fn not_kept<'a>(target: &Target, sink: &'a dyn Output) -> impl Iterator<Item = Note> + use<'a> {
    let format = io::FORMATS.iter().find(|format| format.writes(target.path())).map_or("NIfTI", |format| format.name);
    sink.losses().iter().map(move |loss| Note::NotKept { format, loss: *loss })
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
pub fn device(shared: &Shared, cost: Cost) -> Result<Device> {
    use hounsfield::pipelines::DeviceChoice::{Auto, Gpu};
    let (device, why) = Device::open(&shared.device, cost)?;
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

/// What the reader should know; unless --quiet.
pub fn warn(shared: &Shared, text: &str) {
    if !shared.quiet {
        eprintln!("hounsfield: note: {text}");
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
    let FileArgs { grey, series, volume, allow_gaps, first_duplicate, split, trust_geometry, .. } = *files;
    OpenOptions { grey, series, volume, allow_gaps, first_duplicate, split, trust_geometry, ..OpenOptions::default() }
}

/// Which values count.
pub fn region(region: &RegionArgs) -> Region {
    Region { range: region.r#where, with_padding: region.with_padding != Some(false) }
}
