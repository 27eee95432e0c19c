//! Our half of `benches/rivals`: holds a volume of int16 voxels in memory and runs one operation for each line of standard input,
//! so that the script can let a rival and this crate take turns.
//!
//!     side_by_side make SLICES FILE     writes the chest phantom, 512 x 512 x SLICES, as raw int16
//!     side_by_side serve SLICES FILE    reads such a file, then one line `OPERATION [check]` after another; of another size where it says so, 256x256x256
//!
//! The answer to an operation is the seconds it took and, if asked for, the CRC-32 of its result (else 0).

use std::io::{BufRead, Write};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use hounsfield::analysis::distribution::Distribution;
use hounsfield::analysis::{equalization, statistics, thresholds};
use hounsfield::ops::components::{Components, Connectivity, Rules, Runs, fill, fill_slices};
use hounsfield::ops::distance;
use hounsfield::ops::mask::{self, Keep};
use hounsfield::ops::resample::{self, Positions, Sampled, Sampling};
use hounsfield::phantom::Phantom;
use hounsfield::pipelines::{
    Adaptive, AdaptiveMapping, Device, FilterChain, FilterOptions, Filtering, Group, How, Input, Projection, Run, Thickness,
    count, into_memory, map_into, map_volume,
};
use hounsfield::volume::{Block, Dtype, Header, Shape, Table, Volume};
use rayon::prelude::*;

/// Bytes of a picture of 4096 x 4096.
const PICTURE: usize = 1 << 24;

/// Bytes that one thread copies at a time: as many as the remap gives to one.
const BLOCK_BYTES: usize = 1 << 20;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let [mode, slices, file] = args.as_slice() else {
        // `cargo bench` and `cargo test --benches` run every bench; this one is for the script.
        println!("side_by_side: run benches/rivals");
        return;
    };
    let number = |text: &str| text.parse::<u64>().expect("a number of slices, or of voxels along x, y and z");
    match mode.as_str() {
        "make" => make(number(slices), file),
        "serve" if slices.contains('x') => serve(&slices.split('x').map(number).collect::<Vec<_>>(), file),
        "serve" => serve(&[512, 512, number(slices)], file),
        _ => panic!("make or serve, not {mode}"),
    }
}

fn make(slices: u64, file: &str) {
    let phantom = Phantom { size: [512, 512, slices], ..Phantom::default() };
    let bytes: Vec<u8> =
        (0..slices).into_par_iter().flat_map_iter(|z| phantom.voxels(z).into_iter().flat_map(i16::to_le_bytes)).collect();
    std::fs::write(file, bytes).expect("the file can be written");
}

fn serve(axes: &[u64], file: &str) {
    let bytes = std::fs::read(file).expect("the file can be read");
    let header = Header::new(Shape::new(axes).expect("a shape"), Dtype::I16);
    // In large pages, as numpy has its arrays.
    let volume = Arc::new(into_memory(&header, |sink| sink.write(0, &bytes)).expect("a whole volume"));
    drop(bytes);
    // Memory that has been written before: what is timed below is the work, not the first touch of pages.
    let mut held = vec![1u8; volume.bytes().len()];
    println!("ready");
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("a line");
        let (name, check) = line.split_once(' ').map_or((line.as_str(), false), |(name, rest)| (name, rest == "check"));
        let (seconds, sum) = run(name, &volume, &mut held, check);
        println!("{seconds} {sum}");
        std::io::stdout().flush().expect("someone reads");
    }
}

fn run(name: &str, volume: &Arc<Volume>, held: &mut [u8], check: bool) -> (f64, u32) {
    if let Some(text) = name.strip_prefix("steps:") {
        return steps(volume, text, check);
    }
    if let Some(text) = name.strip_prefix("mask-steps:") {
        static MASK: OnceLock<Arc<Volume>> = OnceLock::new();
        let mask = || {
            let header = Header::new(volume.header().grid.shape.clone(), Dtype::U8);
            Arc::new(Volume::new(header, labels_of(volume).to_vec()).expect("a whole volume"))
        };
        return steps(MASK.get_or_init(mask), text, check);
    }
    let start = Instant::now();
    match name {
        "histogram" => {
            let groups = counted(volume);
            let seconds = start.elapsed().as_secs_f64();
            let bins: Vec<u8> = groups[0].counts.bins.iter().flat_map(|n| n.to_le_bytes()).collect();
            (seconds, crc(check, &bins))
        }
        "statistics" => {
            let groups = counted(volume);
            let s = statistics::of(&[(groups[0].rescale, &groups[0].counts)]).expect("there are voxels");
            let seconds = start.elapsed().as_secs_f64();
            let figures = [s.min, s.max, s.median].into_iter().chain(s.percentiles);
            (seconds, crc(check, &figures.flat_map(f64::to_le_bytes).collect::<Vec<_>>()))
        }
        "equalize8" | "equalize16" => {
            let to = if name == "equalize8" { Dtype::U8 } else { Dtype::U16 };
            let groups = counted(volume);
            let group = equalization::LevelGroup { rescale: groups[0].rescale, counts: &groups[0].counts, padding: None };
            let decision = equalization::decide(&[group], to, None);
            let out = map_volume(volume, &decision.tables, volume.header().derived(to)).expect("tables that fit");
            (start.elapsed().as_secs_f64(), crc(check, out.bytes()))
        }
        "otsu2" | "otsu3" | "otsu4" | "otsu5" => {
            let classes = name[4..].parse().expect("a digit");
            let groups = counted(volume);
            let found = thresholds::otsu(&Distribution::exact(&[(groups[0].rescale, &groups[0].counts)]), classes);
            let seconds = start.elapsed().as_secs_f64();
            let at = found.expect("there are enough values").thresholds;
            (seconds, crc(check, &at.into_iter().flat_map(f64::to_le_bytes).collect::<Vec<_>>()))
        }
        "mask8" => {
            let mut out = vec![0; PICTURE];
            masked(volume, &mut out);
            (start.elapsed().as_secs_f64(), crc(check, &out))
        }
        "mask8-held" => {
            masked(volume, &mut held[..PICTURE]);
            (start.elapsed().as_secs_f64(), crc(check, &held[..PICTURE]))
        }
        "remap8" | "remap16" => {
            let table = table(if name == "remap8" { Dtype::U8 } else { Dtype::U16 });
            let header = volume.header().derived(table.to());
            let start = Instant::now();
            let out = map_volume(volume, std::slice::from_ref(&table), header).expect("tables that fit");
            (start.elapsed().as_secs_f64(), crc(check, out.bytes()))
        }
        "remap8-held" | "remap16-held" => {
            let table = table(if name == "remap8-held" { Dtype::U8 } else { Dtype::U16 });
            let out = &mut held[..volume.block().len() * table.to().bytes()];
            let start = Instant::now();
            map_into(volume, std::slice::from_ref(&table), out).expect("tables that fit");
            (start.elapsed().as_secs_f64(), crc(check, out))
        }
        "distance" => {
            let mask = tissue(volume);
            let shape = volume.header().grid.shape.xyz().map(|n| n as usize);
            let start = Instant::now();
            let mut out = vec![0u32; mask.len()];
            distance::squared(&mask, shape, [7, 7, 25], &mut out);
            (start.elapsed().as_secs_f64(), crc(check, bytemuck::cast_slice(&out)))
        }
        "turned-linear" | "turned-nearest" => {
            let sampling = if name == "turned-linear" { Sampling::Linear } else { Sampling::Nearest };
            turned(volume, sampling, held);
            (start.elapsed().as_secs_f64(), crc(check, held))
        }
        "max0" | "max1" | "max2" => {
            let axis = usize::from(name.as_bytes()[3] - b'0');
            let projection = Projection::new(volume.header(), axis, How::Max, Thickness::Whole).expect("a volume");
            let start = Instant::now();
            let (input, device) = (Input::of(volume.clone()), Device::cpu());
            let out = into_memory(projection.header(), |sink| projection.write(&input, sink, &Run::silent(&device)));
            (start.elapsed().as_secs_f64(), crc(check, out.expect("memory does not fail").bytes()))
        }
        "clahe16" => {
            let input = Input::of(volume.clone());
            let device = Device::cpu();
            let run = Run::silent(&device);
            let start = Instant::now();
            let mapping = AdaptiveMapping::new(&input, &Adaptive::USUAL, &run).expect("there are voxels");
            let out = into_memory(mapping.header(), |sink| mapping.write(sink, &run)).expect("memory does not fail");
            (start.elapsed().as_secs_f64(), crc(check, out.bytes()))
        }
        "copy" => {
            let mut out = vec![0; volume.bytes().len()];
            copy(volume.bytes(), &mut out);
            (start.elapsed().as_secs_f64(), crc(check, &out))
        }
        "copy-held" => {
            copy(volume.bytes(), held);
            (start.elapsed().as_secs_f64(), crc(check, held))
        }
        "components6" | "components18" | "components26" | "labels6" | "labels18" | "labels26" => {
            let labels = labels_of(volume);
            let connectivity = match name.trim_start_matches(char::is_alphabetic) {
                "6" => Connectivity::Faces,
                "18" => Connectivity::Edges,
                _ => Connectivity::Corners,
            };
            let rules = if name.starts_with('c') { Rules::mask(connectivity) } else { Rules::labels(connectivity) };
            let start = Instant::now();
            let mut components = Components::new(size(volume), rules, Runs::Kept);
            components.add_slab(labels).expect("few components");
            let found = components.finish();
            // As `label` writes them: in the type that the number of components asks for.
            match found.table().len() {
                0..=0xff => timed(start, check, found.labels::<u8>()),
                0x100..=0xffff => timed(start, check, found.labels::<u16>()),
                _ => timed(start, check, found.labels::<u32>()),
            }
        }
        "fill" | "fill2d" => {
            let labels = labels_of(volume);
            let start = Instant::now();
            let mut out = labels.to_vec();
            let filled = if name == "fill" { fill(&mut out, size(volume)) } else { fill_slices(&mut out, size(volume)) };
            let seconds = start.elapsed().as_secs_f64();
            filled.expect("few components");
            (seconds, crc(check, &out))
        }
        other => panic!("no operation is called {other}"),
    }
}

/// What was made since, with its checksum.
fn timed<T: bytemuck::Pod>(start: Instant, check: bool, made: Vec<T>) -> (f64, u32) {
    (start.elapsed().as_secs_f64(), crc(check, bytemuck::cast_slice(&made)))
}

fn size(volume: &Volume) -> [usize; 3] {
    volume.header().grid.shape.xyz().map(|n| n as usize)
}

/// The low bytes: a volume of labels, or a mask; made once, so that what is timed is the work.
fn labels_of(volume: &Volume) -> &'static [u8] {
    static LABELS: OnceLock<Vec<u8>> = OnceLock::new();
    LABELS.get_or_init(|| volume.bytes().iter().step_by(2).copied().collect())
}

/// A chain of steps, from memory into memory.
fn steps(volume: &Arc<Volume>, text: &str, check: bool) -> (f64, u32) {
    let chain = FilterChain::parse(text).expect("steps").expect("such that look at neighbours");
    let device = Device::cpu();
    let run = Run::silent(&device);
    let start = Instant::now();
    let filtering = Filtering::new(&Input::of(volume.clone()), &chain, &FilterOptions::default(), &run).expect("they fit");
    let out = into_memory(filtering.header(), |sink| filtering.write(sink, &run)).expect("memory does not fail");
    (start.elapsed().as_secs_f64(), crc(check, out.bytes()))
}

/// The first bytes of the volume as a picture of 8 bits, kept where the bytes after them are not 0; one thread, as OpenCV does it.
fn masked(volume: &Volume, out: &mut [u8]) {
    let (picture, mask) = volume.bytes()[..2 * PICTURE].split_at(PICTURE);
    mask::cpu(Block { dtype: Dtype::U8, bytes: picture }, Keep::Bytes(mask), 0, out);
}

/// All that is no air, as a mask.
fn tissue(volume: &Volume) -> Vec<u8> {
    volume.bytes().par_chunks(2).map(|v| u8::from(i16::from_le_bytes([v[0], v[1]]) > -300)).collect()
}

fn counted(volume: &Arc<Volume>) -> Vec<Group> {
    count(&Input::of(volume.clone()), &Run::silent(&Device::cpu())).expect("memory does not fail")
}

/// A window of 400 HU around 40 for 8 bits, stored values + 1024 for 16.
fn table(to: Dtype) -> Table {
    Table::from_fn(Dtype::I16, to, |v| if to == Dtype::U8 { f64::from(v + 160) * 0.6375 } else { f64::from(v) + 1024.0 })
}

/// The volume turned about its centre, in all axes; `rivals_neighbours.py` has the same matrix.
fn turned(volume: &Volume, sampling: Sampling, out: &mut [u8]) {
    let size = volume.header().grid.shape.xyz();
    let centre = size.map(|n| (n as f64 - 1.0) / 2.0);
    let turn = [[0.93, 0.28, 0.04], [-0.27, 0.92, 0.02], [0.01, -0.05, 0.98]];
    let matrix = [0, 1, 2].map(|row: usize| {
        let [x, y, z] = turn[row];
        [x, y, z, centre[row] - (x * centre[0] + y * centre[1] + z * centre[2])]
    });
    let positions = Positions::new(&matrix, size).expect("a small volume");
    let shape = size.map(|n| n as usize);
    let from = Sampled { dtype: Dtype::I16, bytes: volume.bytes(), shape, inside: size.map(|n| 0..n as i64), positions };
    let slice = shape[0] * shape[1] * 2;
    out.par_chunks_mut(4 * slice).enumerate().for_each(|(i, slices)| {
        let size = [shape[0], shape[1], slices.len() / slice];
        resample::cpu(&from.from([0, 0, 4 * i as u64]), sampling, -1000i16 as u16 as u64, size, slices);
    });
}

/// A plain copy on all threads.
fn copy(from: &[u8], to: &mut [u8]) {
    to.par_chunks_mut(BLOCK_BYTES).zip(from.par_chunks(BLOCK_BYTES)).for_each(|(to, from)| to.copy_from_slice(from));
}

fn crc(check: bool, bytes: &[u8]) -> u32 {
    if check { crc32fast::hash(bytes) } else { 0 }
}
