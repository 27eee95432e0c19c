//! Opening in the background: the window stays alive, and closing it ends the work.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use hounsfield::analysis::statistics::{self, Statistics};
use hounsfield::engine::{Gpu, GpuError, GpuVolume};
use hounsfield::io::{self, OpenOptions, Role, Source, dicom};
use hounsfield::ops::histogram::Tally;
use hounsfield::phantom::Phantom;
use hounsfield::pipelines::{self, Device, Input, Run, Watch};
use hounsfield::volume::{Block, Dtype, Header, Rescale};
use hounsfield::{Error, Result};

use crate::study::{LabelLayer, Study};

/// What to open.
#[derive(Debug, Clone, PartialEq)]
pub enum Wanted {
    /// The made-up chest.
    Phantom,
    /// Files, or a folder.
    Files {
        /// Where.
        paths: Vec<PathBuf>,
        /// Which of several series.
        series: Option<u32>,
        /// The point in time.
        time: u64,
    },
}

/// A series of a folder, without a word about the patient.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesLine {
    /// Its number, from 1.
    pub number: u32,
    /// What it holds.
    pub text: String,
}

/// What became of it.
pub enum News {
    /// How far it is, from 0 to 1.
    Progress(f32),
    /// A folder holds several series.
    Several(Vec<PathBuf>, Vec<SeriesLine>),
    /// It is on the device.
    Opened(Box<Study>),
    /// Labels are on the device.
    Labels(Box<LabelLayer>),
    /// It cannot be shown, and why.
    Failed(String),
}

/// Work in the background. Dropping it ends the work.
pub struct Loader {
    news: Receiver<News>,
    stop: Arc<AtomicBool>,
}

impl Drop for Loader {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl Loader {
    /// Opens a volume. `wake` is called after each piece of news.
    pub fn volume(gpu: Arc<Gpu>, wanted: Wanted, most_bytes: u64, wake: impl Fn() + Send + Sync + 'static) -> Self {
        Self::run(wake, move |work| work.volume(&gpu, &wanted, most_bytes))
    }

    /// Opens labels of a volume.
    pub fn labels(gpu: Arc<Gpu>, path: PathBuf, image: Header, coarse: u64, wake: impl Fn() + Send + Sync + 'static) -> Self {
        Self::run(wake, move |work| work.labels(&gpu, &path, &image, coarse))
    }

    fn run(wake: impl Fn() + Send + Sync + 'static, job: impl FnOnce(&Work) -> Result<News> + Send + 'static) -> Self {
        let (sender, news) = channel();
        let stop = Arc::new(AtomicBool::new(false));
        let work = Work { sender, stop: stop.clone(), wake: Box::new(wake) };
        std::thread::spawn(move || {
            // A fault of a reader must not take the window with it.
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| job(&work)));
            work.tell(match done {
                Ok(Ok(news)) => news,
                Ok(Err(Error::Interrupted)) => return,
                Ok(Err(error)) => News::Failed(error.to_string()),
                Err(_) => News::Failed("reading this file failed; please report it".into()),
            });
        });
        Self { news, stop }
    }

    /// What happened since the last time.
    pub fn news(&self) -> Vec<News> {
        self.news.try_iter().collect()
    }
}

/// The thread's side.
struct Work {
    sender: Sender<News>,
    stop: Arc<AtomicBool>,
    wake: Box<dyn Fn() + Send + Sync>,
}

impl Watch for Work {
    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// Bytes that are read and sent on together.
const PART: u64 = 8 << 20;

impl Work {
    fn tell(&self, news: News) {
        // Nobody listens any more once the window is closed.
        let _ = self.sender.send(news);
        (self.wake)();
    }

    fn volume(&self, gpu: &Gpu, wanted: &Wanted, most_bytes: u64) -> Result<News> {
        let (paths, series, time) = match wanted {
            Wanted::Phantom => (Vec::new(), None, 0),
            Wanted::Files { paths, series, time } => (paths.clone(), *series, *time),
        };
        let source: Arc<dyn Source> = match paths.as_slice() {
            [] => Arc::new(Phantom::default().volume()?),
            [folder] if folder.is_dir() && series.is_none() => {
                let all = several(folder);
                if all.len() > 1 {
                    return Ok(News::Several(paths, all));
                }
                self.open(&paths, None)?
            }
            _ => self.open(&paths, series)?,
        };
        let name = match paths.as_slice() {
            [] => "made-up chest CT".to_owned(),
            [path, ..] => crate::words::short_name(path),
        };
        let device = Device::cpu();
        let run = Run::new(&device, 256 << 20, self);
        let input = Input::resolve(source, &run)?;
        let source = input.source().clone();
        let (volume, coarse, counts, statistics, rescale) = self.upload(gpu, &input, time, most_bytes, &run)?;
        Ok(News::Opened(Box::new(Study { name, paths, series, source, time, volume, coarse, rescale, counts, statistics })))
    }

    fn open(&self, paths: &[PathBuf], series: Option<u32>) -> Result<Arc<dyn Source>> {
        let stop = self.stop.clone();
        let follow = io::Follow::new(move |_| if stop.load(Ordering::Relaxed) { Err(Error::Interrupted) } else { Ok(()) });
        Ok(io::open(paths, &OpenOptions { series, follow, ..OpenOptions::default() })?.into())
    }

    /// Sends the voxels of one point in time to the device, and counts them on the way.
    #[allow(clippy::type_complexity)]
    fn upload(
        &self,
        gpu: &Gpu,
        input: &Input<'_>,
        time: u64,
        most_bytes: u64,
        run: &Run<'_>,
    ) -> Result<(GpuVolume, u64, Option<hounsfield::volume::Counts>, Option<Statistics>, Rescale)> {
        let header = input.header();
        let shape = &header.grid.shape;
        let time = time.min(shape.volumes() - 1);
        let [nx, ny, nz] = shape.xyz();
        let uniform = header.meaning.rescale.uniform();
        let exact = input.is_exact() && uniform.is_some();
        let dtype = if exact { header.meaning.dtype } else { Dtype::F32 };
        let voxels = |coarse: u64| shape.xyz().map(|n| n.div_ceil(coarse)).iter().product::<u64>();
        // Every second voxel, or third, of what does not fit.
        let fits = |coarse: &u64| voxels(*coarse) * dtype.bytes() as u64 <= most_bytes && voxels(*coarse) < 1 << 31;
        let mut coarse = (1..=64).find(fits).unwrap_or(64);
        let volume = loop {
            match GpuVolume::empty(gpu, dtype, voxels(coarse)) {
                Ok(volume) => break volume,
                // Others may hold some of the device's memory.
                Err(GpuError::OutOfMemory { .. }) if coarse < 64 => coarse += 1,
                Err(error) => return Err(error.into()),
            }
        };
        let mut sent = Sent::new(gpu, &volume);
        let mut counter = exact.then(|| Tally::exact(dtype));
        let rows = (PART / (nx * header.meaning.dtype.bytes() as u64).max(1)).max(1);
        let mut bytes = Vec::new();
        for z in 0..nz {
            for from in (0..ny).step_by(rows as usize) {
                run.stop()?;
                let rows = rows.min(ny - from);
                bytes.resize((rows * nx) as usize * header.meaning.dtype.bytes(), 0);
                input.source().read(((time * nz + z) * ny + from) * nx, &mut bytes)?;
                if let Some(counter) = &mut counter {
                    counter.add(Block { dtype, bytes: &bytes }, None);
                }
                let real;
                let block: &[u8] = if exact || (uniform.is_some() && header.meaning.dtype == Dtype::F32) {
                    &bytes
                } else {
                    let rescale = uniform.map_or_else(|| header.meaning.rescale.of_slice(time * nz + z), |_| Rescale::IDENTITY);
                    let value = |stored: &[u8]| (rescale.real(header.meaning.dtype.decode(stored)) as f32).to_le_bytes();
                    real = bytes.chunks_exact(header.meaning.dtype.bytes()).flat_map(value).collect::<Vec<u8>>();
                    &real
                };
                match coarse {
                    1 => sent.push(block),
                    _ if z % coarse == 0 => {
                        let row = nx as usize * dtype.bytes();
                        for (i, row) in
                            block.chunks_exact(row).enumerate().filter(|(i, _)| (from + *i as u64).is_multiple_of(coarse))
                        {
                            let _ = i;
                            let few: Vec<u8> =
                                row.chunks_exact(dtype.bytes()).step_by(coarse as usize).flatten().copied().collect();
                            sent.push(&few);
                        }
                    }
                    _ => {}
                }
            }
            if z % 16 == 0 {
                self.tell(News::Progress((z + 1) as f32 / nz as f32));
            }
        }
        sent.finish();
        let counts = counter.map(Tally::finish);
        let rescale = uniform.unwrap_or(Rescale::IDENTITY);
        let statistics = match &counts {
            Some(counts) => statistics::of(&[(rescale, counts)]),
            None => pipelines::float_statistics(input, None, run)?.statistics,
        };
        Ok((volume, coarse, counts, statistics, rescale))
    }

    fn labels(&self, gpu: &Gpu, path: &Path, image: &Header, coarse: u64) -> Result<News> {
        let source: Arc<dyn Source> = io::open(&[path.to_path_buf()], &OpenOptions::of(Role::Labels))?.into();
        let device = Device::cpu();
        let run = Run::new(&device, 256 << 20, self);
        let (input, _) = Input::resolve(source, &run)?.on_grid_of(image, "label map", &run)?;
        if !input.is_exact() {
            return Err(Error::usage("labels that are no whole numbers", "give labels from 0 to 65,535"));
        }
        let header = input.header();
        let [nx, ny, nz] = header.grid.shape.xyz();
        let rescale = header.meaning.rescale.clone();
        let size = header.meaning.dtype.bytes();
        let voxels = [nx, ny, nz].map(|n| n.div_ceil(coarse)).iter().product();
        let volume = GpuVolume::empty(gpu, Dtype::U16, voxels).map_err(Error::from)?;
        let mut sent = Sent::new(gpu, &volume);
        let mut counts = vec![0_u64; 1 << 16];
        let mut bytes = vec![0; (nx * ny) as usize * size];
        for z in 0..nz {
            run.stop()?;
            input.source().read(z * nx * ny, &mut bytes)?;
            let rescale = rescale.of_slice(z);
            let labels: Vec<u16> =
                bytes.chunks_exact(size).map(|b| rescale.real(header.meaning.dtype.decode(b)).round() as u16).collect();
            labels.iter().for_each(|label| counts[usize::from(*label)] += 1);
            if z % coarse == 0 {
                let rows = labels.chunks_exact(nx as usize).step_by(coarse as usize);
                let few: Vec<u8> =
                    rows.flat_map(|row| row.iter().step_by(coarse as usize)).flat_map(|label| label.to_le_bytes()).collect();
                sent.push(&few);
            }
            if z % 16 == 0 {
                self.tell(News::Progress((z + 1) as f32 / nz as f32));
            }
        }
        sent.finish();
        let counted = counts.into_iter().enumerate().skip(1).filter(|(_, count)| *count > 0);
        let voxels = counted.map(|(label, count)| (label as u32, count)).collect();
        let names = match io::names_beside(path) {
            Some(names) => io::label_names(&names).unwrap_or_default(),
            None => BTreeMap::new(),
        };
        let source = input.source().clone();
        let name = crate::words::short_name(path);
        Ok(News::Labels(Box::new(LabelLayer { name, path: path.to_path_buf(), volume, source, names, voxels })))
    }
}

/// The series of a folder of DICOM files; none of anything else.
fn several(folder: &Path) -> Vec<SeriesLine> {
    let Ok(catalogue) = dicom::catalogue(folder, &OpenOptions::default()) else { return Vec::new() };
    let line = |entry: &hounsfield::SeriesEntry| SeriesLine { number: entry.number, text: entry.to_string() };
    catalogue.series.iter().map(line).collect()
}

/// Voxels on their way to a volume on the device, one run after another.
struct Sent<'a> {
    gpu: &'a Gpu,
    volume: &'a GpuVolume,
    /// Less than a word, or what is too little to be worth a transfer.
    held: Vec<u8>,
    chunk: usize,
    at: u64,
}

impl<'a> Sent<'a> {
    fn new(gpu: &'a Gpu, volume: &'a GpuVolume) -> Self {
        Self { gpu, volume, held: Vec::new(), chunk: 0, at: 0 }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
        if self.held.len() as u64 >= PART {
            self.flush();
        }
    }

    /// Writes what is held, in whole words but at the end of a chunk.
    fn flush(&mut self) {
        while let Some(chunk) = self.volume.chunks().get(self.chunk).filter(|_| !self.held.is_empty()) {
            let size = u64::from(chunk.voxels) * self.volume.dtype().bytes() as u64;
            let room = (size - self.at) as usize;
            let mut count = self.held.len().min(room);
            if count < room {
                count -= count % 4;
                if count == 0 {
                    return;
                }
            }
            let mut own: Vec<u8> = self.held.drain(..count).collect();
            own.resize(count.next_multiple_of(4), 0);
            self.gpu.queue().write_buffer(&chunk.buffer, self.at, &own);
            // Sends it off now, so that staging memory does not pile up.
            self.gpu.queue().submit([]);
            self.at += count as u64;
            if count == room {
                (self.chunk, self.at) = (self.chunk + 1, 0);
            }
        }
    }

    fn finish(mut self) {
        self.flush();
    }
}
