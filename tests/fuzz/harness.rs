//! What every target does: bytes become files in a folder of their own, which are opened and read, and answers are held against each other.

use std::alloc::{GlobalAlloc, Layout, System};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex, OnceLock, PoisonError};

use hounsfield::io::output::{Target, publish};
use hounsfield::io::{ExtensionPolicy, Grey, OpenOptions, Role, Source, WriteOptions, create, open};
use hounsfield::volume::Rescale;
use hounsfield::{Error, Result};

/// Few bytes of voxels are believed, so that large and legal images are no finding.
const MOST_BYTES: u64 = 1 << 20;

/// No input of a few kilobytes and no volume of a mebibyte needs as much memory at once.
const MOST_MEMORY: usize = 160 << 20;

/// How many bytes at the beginning of an input say how it is opened.
pub const CHOICES: usize = 2;

/// Counts memory, and ends the process where a file's word was believed.
struct Ceiling;

static HELD: AtomicUsize = AtomicUsize::new(0);
static ENDING: AtomicBool = AtomicBool::new(false);

impl Ceiling {
    fn take(size: usize) {
        let held = HELD.fetch_add(size, Ordering::Relaxed).saturating_add(size);
        if held > MOST_MEMORY && !ENDING.swap(true, Ordering::Relaxed) {
            eprintln!("{held} bytes of memory, {size} of them asked for now\n{}", std::backtrace::Backtrace::force_capture());
            std::process::abort();
        }
    }
}

// Safety: all is left to the system's allocator; what is added counts.
unsafe impl GlobalAlloc for Ceiling {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Self::take(layout.size());
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        Self::take(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(at, layout) }
    }
    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        Self::take(size);
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static CEILING: Ceiling = Ceiling;

/// With this variable set each answer is told: do the seeds open?
static SAYS: LazyLock<bool> = LazyLock::new(|| std::env::var_os("HOUNSFIELD_FUZZ_SAYS").is_some());

/// What other people's decoders said before the library caught them.
static CAUGHT: Mutex<String> = Mutex::new(String::new());

/// The folder of this process. A panic in other people's code is left to whoever catches it: that the library does is part of what is tested.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let ends = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if panic.location().is_some_and(|place| place.file().contains("registry")) {
                *CAUGHT.lock().unwrap_or_else(PoisonError::into_inner) = panic.to_string();
            } else {
                ends(panic);
            }
        }));
        tempfile::Builder::new().prefix("hounsfield-fuzz-").tempdir().expect("a folder").keep()
    })
}

/// What the first bytes of an input ask for, and the rest of it.
fn choices(data: &[u8]) -> Option<(Choices, &[u8])> {
    let ([how, which], rest) = data.split_first_chunk::<CHOICES>()?;
    let bit = |n: u8| how >> n & 1 == 1;
    let number = |n: u8| (n > 0).then_some(u32::from(n));
    let options = OpenOptions {
        role: [Role::Image, Role::Mask, Role::Labels, Role::Image][usize::from(how & 3)],
        grey: if bit(2) { Grey::Rec709 } else { Grey::Rec601 },
        trust_geometry: how >> 3 & 3 == 1,
        allow_gaps: how >> 3 & 3 == 2,
        regrid: how >> 3 & 3 == 3,
        first_duplicate: bit(5),
        split: bit(6),
        series: number(which & 3),
        volume: number(which >> 2 & 7),
        extensions: if which >> 5 & 1 == 1 { ExtensionPolicy::Keep } else { ExtensionPolicy::Drop },
        max_bytes: Some(MOST_BYTES),
        ..OpenOptions::default()
    };
    Some((Choices { options, own: bit(7), copy: COPIES[usize::from(which >> 6)] }, rest))
}

struct Choices {
    options: OpenOptions,
    /// A bit that means something to the target alone.
    own: bool,
    /// As what the volume is written, and read again.
    copy: Option<&'static str>,
}

const COPIES: [Option<&str>; 4] = [None, Some("copy.nii"), Some("copy.nrrd"), Some("copy.tif")];

/// Opens the first of `files`, all of which are written side by side; `made` makes names and contents of what is behind the choices, one of which is
/// its own.
pub fn one(data: &[u8], made: impl FnOnce(&[u8], bool) -> Vec<(&'static str, Vec<u8>)>) {
    let Some((choices, rest)) = choices(data) else { return };
    let files = made(rest, choices.own);
    let Some((first, _)) = files.first() else { return };
    hold(&[folder().join(first)], &files, &choices);
}

/// Opens `opened`, a folder that the files lie in.
pub fn in_folder(data: &[u8], made: impl FnOnce(&[u8], bool) -> (&'static str, Vec<(&'static str, Vec<u8>)>)) {
    let Some((choices, rest)) = choices(data) else { return };
    let (opened, files) = made(rest, choices.own);
    if !files.is_empty() {
        hold(&[folder().join(opened)], &files, &choices);
    }
}

/// Opens all of the files together.
pub fn together(data: &[u8], made: impl FnOnce(&[u8], bool) -> Vec<(&'static str, Vec<u8>)>) {
    let Some((choices, rest)) = choices(data) else { return };
    let files = made(rest, choices.own);
    if files.is_empty() {
        return;
    }
    let paths: Vec<PathBuf> = files.iter().map(|(name, _)| folder().join(name)).collect();
    hold(&paths, &files, &choices);
}

fn hold(paths: &[PathBuf], files: &[(&'static str, Vec<u8>)], choices: &Choices) {
    let options = &choices.options;
    for (name, bytes) in files {
        let path = folder().join(name);
        if std::fs::write(&path, bytes).is_err() {
            // In a folder that is not there yet.
            let made = path.parent().is_some_and(|parent| std::fs::create_dir_all(parent).is_ok());
            assert!(made && std::fs::write(&path, bytes).is_ok(), "a file of ours");
        }
    }
    let answer = catch_unwind(AssertUnwindSafe(|| {
        open(paths, options).and_then(|source| {
            let voxels = read(&*source)?;
            if let Some(name) = choices.copy {
                copied(&*source, &voxels, name);
            }
            Ok(())
        })
    }));
    let Ok(answer) = answer else {
        let said = CAUGHT.lock().unwrap_or_else(PoisonError::into_inner);
        panic!("nobody caught a panic in other people's code: {said}");
    };
    if *SAYS {
        eprintln!("answer: {}", answer.as_ref().map_or_else(ToString::to_string, |()| "read".into()));
    }
    if let Err(error) = answer {
        refused(&error, options, paths.len());
    }
}

/// An error is one of a file, names it, and is one line.
fn refused(error: &Error, options: &OpenOptions, files: usize) {
    let path = match error {
        Error::Format { path, .. } | Error::Unsupported { path, .. } | Error::Limit { path, .. } => path,
        Error::Geometry { path, .. } | Error::SeveralSeries { path, .. } | Error::SeveralVolumes { path, .. } => path,
        // What was asked for does not go with the file, or the files not with each other.
        Error::Usage { .. } if options.series.or(options.volume).is_some() || files > 1 => return,
        other => panic!("an error of the wrong kind: {other:?}"),
    };
    let text = error.to_string();
    assert!(path.starts_with(folder()) && text.contains(&*path.to_string_lossy()), "an error without the path: {text}");
    assert!(!text.contains(['\n', '\r', '\0', '\x1b']), "an error of more than a line: {text:?}");
}

/// All voxels at once, and in blocks from the last to the first: the same bytes, or no bytes either way.
fn read(source: &dyn Source) -> Result<Vec<u8>> {
    let header = source.header();
    let (voxels, size) = (header.grid.shape.voxels(), header.meaning.dtype.bytes());
    assert!(header.bytes() <= MOST_BYTES, "{} bytes of voxels", header.bytes());
    if let Some(geometry) = &header.grid.geometry {
        let numbers = geometry.spacing_mm.iter().chain(geometry.position.iter().flat_map(|p| &p.origin_mm));
        assert!(numbers.copied().all(f64::is_finite), "no place: {geometry:?}");
    }
    let mut whole = vec![0; header.bytes() as usize];
    let answer = source.read(0, &mut whole);
    let step = (voxels / 11).max(1);
    let mut pieces = vec![0; whole.len()];
    let mut at = voxels.div_ceil(step) * step;
    let mut wrong = None;
    while at > 0 {
        at -= step;
        let end = (at + step).min(voxels);
        wrong = source.read(at, &mut pieces[at as usize * size..end as usize * size]).err().or(wrong);
    }
    match (answer, wrong) {
        (Ok(()), None) => assert!(whole == pieces, "voxels that hang on how they are read"),
        (Ok(()), Some(error)) => panic!("all voxels at once are fine, blocks are not: {error}"),
        (Err(error), None) => panic!("blocks are fine, all voxels at once are not: {error}"),
        (Err(error), Some(_)) => return Err(error),
    }
    Ok(whole)
}

/// What can be read can be written and comes back the same, unless the format cannot hold it.
fn copied(source: &dyn Source, voxels: &[u8], name: &str) {
    let (path, header) = (folder().join(name), source.header());
    let write = || {
        let sink = create(&Target::new(&path, true, &[])?, header, &WriteOptions::default())?;
        sink.write(0, voxels)?;
        publish(vec![sink.finish()?])
    };
    match write() {
        Ok(()) => {}
        Err(Error::Usage { .. }) => return,
        Err(other) => panic!("a copy that cannot be written: {other:?}"),
    }
    let options = OpenOptions { max_bytes: Some(MOST_BYTES), ..OpenOptions::default() };
    let copy =
        open(std::slice::from_ref(&path), &options).unwrap_or_else(|e| panic!("a copy that cannot be opened: {e}, {header:?}"));
    let again = read(&*copy).unwrap_or_else(|e| panic!("a copy that cannot be read: {e}, {header:?}"));
    // Formats without a rescale hold real values.
    let plain = header.meaning.rescale.uniform() == Some(Rescale::IDENTITY) || name.ends_with(".nii");
    assert!(
        !plain || again == voxels && copy.header().meaning.dtype == header.meaning.dtype,
        "a copy of other voxels: {header:?}"
    );
}

/// With the 128 bytes that stand before the magic word, unless there is none.
pub fn preamble(rest: &[u8]) -> Vec<u8> {
    if rest.starts_with(b"DICM") { [&[0; 128], rest].concat() } else { rest.to_vec() }
}

/// A DICOM file with this one frame: rows and columns, samples and bits.
pub fn encapsulated(syntax: &str, size: [u16; 2], [samples, bits]: [u16; 2], signed: bool, frame: &[u8]) -> Vec<u8> {
    let mut out = preamble(b"DICM");
    let mut put = |group: u16, element: u16, vr: &[u8; 2], value: &[u8]| {
        out.extend(
            [group.to_le_bytes(), element.to_le_bytes(), *vr, (value.len() as u16).next_multiple_of(2).to_le_bytes()]
                .as_flattened(),
        );
        out.extend(value);
        out.resize(out.len().next_multiple_of(2), 0);
    };
    put(2, 0x10, b"UI", syntax.as_bytes());
    put(8, 0x16, b"UI", b"1.2.840.10008.5.1.4.1.1.4");
    let colour: &[u8] = if samples == 3 { b"RGB" } else { b"MONOCHROME2" };
    put(0x28, 2, b"US", &samples.to_le_bytes());
    put(0x28, 4, b"CS", colour);
    put(0x28, 6, b"US", &[0, 0]);
    let allocated = if bits > 8 { 16u16 } else { 8 };
    let words = [size[0], size[1], allocated, bits, bits.saturating_sub(1), signed.into()];
    for (element, word) in [0x10, 0x11, 0x100, 0x101, 0x102, 0x103].into_iter().zip(words) {
        put(0x28, element, b"US", &word.to_le_bytes());
    }
    // An empty table of offsets, then the frame.
    out.extend(b"\xE0\x7F\x10\x00OB\0\0\xFF\xFF\xFF\xFF\xFE\xFF\x00\xE0\0\0\0\0\xFE\xFF\x00\xE0");
    out.extend((frame.len() as u32).next_multiple_of(2).to_le_bytes());
    out.extend(frame);
    out.resize(out.len().next_multiple_of(2), 0);
    out.extend(b"\xFE\xFF\xDD\xE0\0\0\0\0");
    out
}

/// A header and the files that it may name, which are always the same.
pub fn beside(header: &'static str, rest: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    static OTHERS: LazyLock<()> = LazyLock::new(|| {
        let raw: Vec<u8> = (0..=255).cycle().take(1 << 12).collect();
        for (name, bytes) in [("a.gz", gzip(&raw).as_slice()), ("a.raw", &raw), ("a1", &raw[..24]), ("a2", &raw[..24])] {
            std::fs::write(folder().join(name), bytes).expect("a file of ours");
        }
    });
    *OTHERS;
    vec![(header, rest.to_vec())]
}

/// Compressed, so that damage reaches what is inside.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut out, bytes).and_then(|()| out.finish()).expect("bytes in memory")
}

/// A PNG whose chunks have the right check sums.
pub fn png_sums(file: &[u8]) -> Vec<u8> {
    let mut out = file.to_vec();
    let mut at = 8;
    while let Some(length) = out.get(at..at + 4).map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]) as usize)
        && let Some(body) = out.get(at + 4..at + 8 + length)
    {
        let mut sum = flate2::Crc::new();
        sum.update(body);
        let end = at + 8 + length;
        let Some(place) = out.get_mut(end..end + 4) else { break };
        place.copy_from_slice(&sum.sum().to_be_bytes());
        at = end + 4;
    }
    out
}
