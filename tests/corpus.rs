//! Inputs that found a fault, most of them by fuzzing (`tests/fuzz`), kept by kind of fault: every one is opened and read in every role.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hounsfield::io::output::{Target, publish};
use hounsfield::io::{OpenOptions, Role, Source, WriteOptions, create, open};
use hounsfield::volume::{Dtype, Header};
use hounsfield::{Error, Result};

use crate::support::Folder;

/// Few bytes of voxels are believed: no input is larger than some kilobytes.
const MOST_BYTES: u64 = 1 << 20;

const PATIENCE: Duration = Duration::from_secs(10);

/// The inputs, by the names of their kind and their own.
fn inputs() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let below = |folder: &Path| std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    let mut all: Vec<PathBuf> = below(&folder).iter().flat_map(|kind| below(kind)).collect();
    all.sort();
    all
}

/// All voxels, at once and block by block.
fn voxels(path: &Path, options: &OpenOptions) -> Result<(Header, Vec<u8>)> {
    let source = open(&[path.to_path_buf()], options)?;
    let header = source.header();
    assert!(header.bytes() <= MOST_BYTES, "{} bytes of voxels", header.bytes());
    let mut whole = vec![0; header.bytes() as usize];
    let answer = source.read(0, &mut whole);
    let blocks = blocks(&*source);
    assert_eq!(answer.is_ok(), blocks.is_ok(), "whether voxels are read hangs on how");
    answer?;
    assert_eq!(blocks?, whole, "voxels hang on how they are read");
    Ok((header.clone(), whole))
}

/// From the last block to the first.
fn blocks(source: &dyn Source) -> Result<Vec<u8>> {
    let (voxels, size) = (source.header().grid.shape.voxels(), source.header().meaning.dtype.bytes());
    let step = (voxels / 7).max(1);
    let mut bytes = vec![0; source.header().bytes() as usize];
    for block in (0..voxels.div_ceil(step)).rev() {
        let (at, end) = (block * step, ((block + 1) * step).min(voxels));
        source.read(at, &mut bytes[at as usize * size..end as usize * size])?;
    }
    Ok(bytes)
}

/// What is wrong with the answer to an input, if anything.
fn complaint(path: &Path, options: &OpenOptions) -> Option<String> {
    let began = Instant::now();
    let Ok(answer) = catch_unwind(AssertUnwindSafe(|| voxels(path, options))) else { return Some("a panic".into()) };
    if began.elapsed() > PATIENCE {
        return Some(format!("an answer after {} s", began.elapsed().as_secs()));
    }
    match answer {
        Ok(_) => None,
        Err(Error::Read { .. } | Error::Write { .. } | Error::Usage { .. } | Error::Gpu(_)) => {
            Some("an error of the wrong kind".into())
        }
        Err(error) => {
            let text = error.to_string();
            let named = text.contains(&*path.to_string_lossy()) && !text.contains(['\n', '\r']);
            (!named).then(|| format!("an error without the path, or of more than a line: {text}"))
        }
    }
}

#[test]
fn inputs_that_found_a_fault_get_an_answer() {
    let inputs = inputs();
    assert!(!inputs.is_empty());
    let mut complaints = Vec::new();
    for path in &inputs {
        for role in [Role::Image, Role::Mask, Role::Labels] {
            for lenient in [false, true] {
                let options = OpenOptions {
                    role,
                    trust_geometry: lenient,
                    allow_gaps: lenient,
                    first_duplicate: lenient,
                    split: lenient,
                    max_bytes: Some(MOST_BYTES),
                    ..OpenOptions::default()
                };
                complaints.extend(complaint(path, &options).map(|what| format!("{} as {role:?}: {what}", path.display())));
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn what_can_be_read_is_written_and_read_again() {
    let (folder, mut copies) = (Folder::new(), 0);
    let options = OpenOptions { trust_geometry: true, max_bytes: Some(MOST_BYTES), ..OpenOptions::default() };
    for input in inputs() {
        let Ok((header, bytes)) = voxels(&input, &options) else { continue };
        let path = PathBuf::from(folder.at("copy.nii"));
        let sink = create(&Target::new(&path, true, &[]).unwrap(), &header, &WriteOptions::default()).unwrap();
        sink.write(0, &bytes).unwrap();
        publish(vec![sink.finish().unwrap()]).unwrap();
        let (copy, again) = voxels(&path, &options).unwrap();
        assert_eq!((copy.meaning.dtype, again), (header.meaning.dtype, bytes), "{}", input.display());
        // Rounded to float32 where that can be: never infinite, nor lost.
        let [before, after] = [&header, &copy].map(|h| h.meaning.rescale.uniform().unwrap());
        for (before, after) in [(before.slope, after.slope), (before.intercept, after.intercept)] {
            assert!((before - after).abs() <= 1e-6 * before.abs(), "{}: {before} {after}", input.display());
        }
        copies += 1;
    }
    assert!(copies > 2, "{copies} copies");
}

/// What an input is: the type of its voxels and where they are not 0, or a part of the refusal.
enum Truth {
    Marked(Dtype, &'static [(usize, u8)]),
    Refused(&'static str),
}

#[test]
fn inputs_that_were_read_wrongly_have_their_true_values() {
    let truths = [
        // Slices of 3 x 3 bits out of frames of 36, the second of which begins inside of a byte; in the order of their places.
        ("dicom_mosaic_of_bits.dcm", Truth::Marked(Dtype::U8, &[(2 * 9, 1), (11 * 9 + 8, 1)])),
        // Three frames of 4 x 3 words, of segments 1, 2 and 2.
        ("dicom_segments_of_16_bits.dcm", Truth::Marked(Dtype::U8, &[(0, 1), (13, 2), (35, 2)])),
        ("dicom_bits_allocated_beyond_16.dcm", Truth::Refused("BitsAllocated is 65552")),
        ("dicom_palette_for_one_bit.dcm", Truth::Refused("1-bit pixels with a palette are not supported")),
    ];
    let of_kind: Vec<PathBuf> = inputs().into_iter().filter(|path| path.parent().unwrap().ends_with("wrong")).collect();
    assert_eq!(of_kind.len(), truths.len(), "{of_kind:?}");
    let options = OpenOptions { trust_geometry: true, ..OpenOptions::default() };
    for (name, truth) in truths {
        let path = of_kind.iter().find(|path| path.ends_with(name)).unwrap_or_else(|| panic!("no {name}"));
        match (truth, voxels(path, &options)) {
            (Truth::Marked(dtype, marked), Ok((found, bytes))) => {
                let values: Vec<(usize, u8)> = bytes.iter().copied().enumerate().filter(|(_, value)| *value != 0).collect();
                assert_eq!((found.meaning.dtype, values.as_slice()), (dtype, marked), "{name}");
            }
            (Truth::Refused(why), Err(error)) => assert!(error.to_string().contains(why), "{name}: {error}"),
            (_, answer) => panic!("{name}: {answer:?}"),
        }
    }
}
