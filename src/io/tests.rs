//! Real and hostile files, from the folder that `HOUNSFIELD_DATA` names; without it these tests say so and pass.

use std::path::{Path, PathBuf};

use md5::{Digest, Md5};

use super::{Grey, OpenOptions, Source, format, nifti, open};
use crate::Error;
use crate::volume::Header;

/// A folder of the test data.
pub(super) fn data(folder: &str) -> Option<PathBuf> {
    let found = std::env::var_os("HOUNSFIELD_DATA").map(|root| PathBuf::from(root).join(folder));
    if found.is_none() {
        eprintln!("skipped: HOUNSFIELD_DATA does not name the folder of test data");
    }
    found
}

pub(super) fn open_path(path: &Path) -> crate::Result<Box<dyn Source>> {
    open(&[path.to_path_buf()], &OpenOptions::default())
}

pub(super) fn all(source: &dyn Source) -> crate::Result<Vec<u8>> {
    let mut bytes = vec![0; source.header().bytes() as usize];
    source.read(0, &mut bytes)?;
    Ok(bytes)
}

/// Opens and reads in blocks with a ceiling on what the file may claim.
pub(super) fn open_and_read(path: &Path) -> crate::Result<Header> {
    let options = OpenOptions { max_bytes: Some(64 << 20), ..OpenOptions::default() };
    let source = open(&[path.to_path_buf()], &options)?;
    all(&*source)?;
    Ok(source.header().clone())
}

pub(super) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_file()).collect();
    all.sort();
    assert!(!all.is_empty(), "{}", folder.display());
    all
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

/// Scaled values in numpy's C order of an [x, y, z, …] array: the last axis fastest.
fn c_order(header: &Header, bytes: &[u8]) -> Vec<f64> {
    let rescale = header.meaning.rescale.uniform().unwrap();
    let axes = header.grid.shape.axes();
    let size = header.meaning.dtype.bytes();
    let mut out = Vec::with_capacity(bytes.len() / size);
    let mut index = vec![0; axes.len()];
    loop {
        let at = axes.iter().zip(&index).rev().fold(0, |at, (&n, &i)| at * n as usize + i);
        out.push(rescale.real(header.meaning.dtype.decode(&bytes[at * size..(at + 1) * size])));
        let mut axis = axes.len();
        loop {
            if axis == 0 {
                return out;
            }
            axis -= 1;
            index[axis] += 1;
            if index[axis] < axes[axis] as usize {
                break;
            }
            index[axis] = 0;
        }
    }
}

fn numbers(list: &str) -> Vec<f64> {
    list.trim_matches(['(', ')', '[', ']'])
        .split(',')
        .filter(|s| !s.trim().is_empty())
        .map(|s| s.trim().parse().unwrap())
        .collect()
}

#[test]
fn every_nifti_file_reads_as_nibabel_reads_it() {
    let Some(folder) = data("volumes") else { return };
    let oracle = std::fs::read_to_string(folder.join("ORACLE_volumes.tsv")).unwrap();
    let (mut seen, mut md5s) = (0, 0);
    for row in oracle.lines().skip(1) {
        let cells: Vec<&str> = row.split('\t').collect();
        if !matches!(cells[1], "NIfTI1" | "NIfTI2" | "NIfTI1 pair" | "NIfTI2 pair" | "Analyze") {
            continue;
        }
        let path = folder.join(cells[0]);
        let source = open_path(&path).unwrap_or_else(|e| panic!("{e}"));
        let header = source.header();
        let mut axes = numbers(cells[6]);
        while axes.len() > 3 && axes.last() == Some(&1.0) {
            axes.pop();
        }
        assert_eq!(header.grid.shape.axes().iter().map(|&n| n as f64).collect::<Vec<_>>(), axes, "{}", cells[0]);
        let geometry = header.grid.geometry.as_ref().unwrap();
        for (ours, theirs) in geometry.spacing_mm.iter().zip(numbers(cells[7])) {
            assert!((ours - theirs).abs() <= 1e-3 * theirs, "{}: {ours} {theirs}", cells[0]);
        }
        if cells[1] == "Analyze" {
            // nibabel takes LAS; nothing in the file says so.
            assert!(geometry.position.is_none() && header.origin.notes.iter().any(|n| n.contains("LAS")), "{}", cells[0]);
        } else if cells[9] != "0/0" {
            // nibabel's letters, too, say where an axis points to.
            assert_eq!(geometry.position.as_ref().unwrap().orientation_code(), cells[8], "{}", cells[0]);
        }
        seen += 1;
        let bytes = all(&*source).unwrap_or_else(|e| panic!("{e}"));
        if cells[10].is_empty() {
            continue;
        }
        let values = c_order(header, &bytes);
        let min = values.iter().copied().fold(f64::INFINITY, f64::min);
        let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let nonzero = values.iter().filter(|v| **v != 0.0).count();
        for (ours, theirs) in [min, max, mean, nonzero as f64].into_iter().zip(&cells[10..14]) {
            let theirs: f64 = theirs.parse().unwrap();
            assert!((ours - theirs).abs() <= 1e-6 * theirs.abs(), "{}: {ours} {theirs}", cells[0]);
        }
        let mut md5 = Md5::new();
        for v in &values {
            md5.update(v.to_le_bytes());
        }
        let md5: String = md5.finalize().iter().take(4).map(|b| format!("{b:02x}")).collect();
        assert_eq!(md5, cells[14].trim(), "{}", cells[0]);
        md5s += 1;
    }
    assert!(seen >= 54 && md5s >= 53, "{seen} files, {md5s} checksums");
}

#[test]
fn blocks_in_any_order_are_the_same_voxels() {
    let Some(folder) = data("volumes") else { return };
    for file in ["formats_rnifti/example.nii.gz", "formats_nibabel/anatomical.nii", "formats_rnifti/example_rgb.nii.gz"] {
        let source = open_path(&folder.join(file)).unwrap();
        let whole = all(&*source).unwrap();
        let size = source.header().meaning.dtype.bytes();
        let voxels = source.header().grid.shape.voxels();
        for at in [voxels - 7, 0, 1234, voxels / 2, 1235] {
            let mut block = vec![0; 7 * size];
            source.read(at, &mut block).unwrap();
            assert_eq!(block, whole[at as usize * size..][..7 * size], "{file} from {at}");
        }
    }
}

#[test]
fn hostile_nifti_files_give_the_right_family_of_error() {
    let Some(folder) = data("hostile/generated_seed1/nifti") else { return };
    for path in files(&folder) {
        let name = name(&path);
        let result = open_and_read(&path);
        // What nibabel calls valid, and what only lacks geometry or scaling.
        let opens = [
            "bitpix_mismatch.nii",
            "gz_named_nii.nii",
            "gz_trailing_garbage.nii.gz",
            "gz_two_members.nii.gz",
            "magic_ni1_single.nii",
            "not_gz.nii.gz",
            "pixdim_nan.nii",
            "pixdim_neg.nii",
            "pixdim_zero.nii",
            "scl_2_m10.nii",
            "scl_nan.nii",
            "scl_slope_0.nii",
            "sform_singular.nii",
            "trailing_garbage.nii",
            "valid_base.nii",
            "vox_offset_0.nii",
        ];
        let expected = match name.as_str() {
            n if opens.contains(&n) => "ok",
            "gz_bomb_1GiB.nii.gz" => "limit",
            _ => "format",
        };
        let got = match &result {
            Ok(_) => "ok",
            Err(Error::Format { .. }) => "format",
            Err(Error::Limit { .. }) => "limit",
            Err(Error::Unsupported { .. }) => "unsupported",
            Err(e) => panic!("{name}: {e}"),
        };
        assert_eq!(got, expected, "{name}: {:?}", result.map(|h| h.origin.notes));
    }
    let rescale = |file: &str| open_path(&folder.join(file)).unwrap().header().meaning.rescale.uniform().unwrap();
    assert_eq!(rescale("scl_2_m10.nii").real(7.0), 4.0);
    assert_eq!(rescale("scl_slope_0.nii").real(7.0), 7.0);
    assert_eq!(rescale("scl_nan.nii").real(7.0), 7.0);
    let base = all(&*open_path(&folder.join("valid_base.nii")).unwrap()).unwrap();
    for twin in ["gz_two_members.nii.gz", "gz_trailing_garbage.nii.gz", "not_gz.nii.gz", "gz_named_nii.nii"] {
        assert_eq!(all(&*open_path(&folder.join(twin)).unwrap()).unwrap(), base, "{twin}");
    }
}

#[test]
fn files_that_are_no_nifti() {
    let Some(folder) = data("hostile/nifti") else { return };
    assert!(!nifti::is_nifti(&folder.join("not-nifti.nii")));
    assert!(matches!(open_and_read(&folder.join("not-nifti.nii")), Err(Error::Format { .. })));
    assert!(matches!(open_and_read(&folder.join("gzip_with_trailing_garbage_mask.rawb.gz")), Err(Error::Unsupported { .. })));
}

#[test]
fn hostile_png_files_give_errors() {
    let Some(folder) = data("hostile") else { return };
    for path in files(&folder.join("generated_seed1/png")) {
        let (name, result) = (name(&path), open_and_read(&path));
        match name.as_str() {
            "valid_base.png" => drop(result.unwrap()),
            // A flipped bit may hit a chunk that nobody reads; a missing IEND loses nothing.
            n if n.starts_with("bitflip") || n == "no_iend.png" => {}
            "dim_60000.png" | "idat_bomb_400MiB.png" => assert!(matches!(result, Err(Error::Limit { .. })), "{name}"),
            _ => {
                let text = result.as_ref().map_or_else(ToString::to_string, |h| format!("{h:?}"));
                let right = matches!(result, Err(Error::Format { .. } | Error::Limit { .. } | Error::Unsupported { .. }));
                assert!(right, "{name}: {text}");
            }
        }
    }
    let mut opened = 0;
    for path in files(&folder.join("pngsuite")).iter().filter(|p| p.extension().is_some_and(|e| e == "png")) {
        let (name, result) = (name(path), open_and_read(path));
        assert_eq!(result.is_err(), name.starts_with('x'), "{name}: {:?}", result.map(|h| h.origin.notes));
        opened += usize::from(!name.starts_with('x'));
    }
    assert_eq!(opened, 161);
    for path in files(&folder.join("image_png_fuzz_corpus")) {
        if let Err(e @ (Error::Read { .. } | Error::Write { .. })) = open_and_read(&path) {
            panic!("{e}");
        }
    }
}

#[test]
fn colour_images_become_the_grey_of_opencv() {
    let Some(folder) = data("ultrasound/Dataset_BUSI_with_GT/benign") else { return };
    // md5 of cv2.cvtColor(cv2.imread(file), cv2.COLOR_BGR2GRAY), and of rint(255 * skimage.color.rgb2gray(image)).
    let expected = [("benign (6).png", "17219c4acb6719724f2cc356f6cf4071", "81f9081ed04e7268dcfeac6743cebb7a")];
    for (file, rec601, rec709) in expected {
        for (grey, md5) in [(Grey::Rec601, rec601), (Grey::Rec709, rec709)] {
            let options = OpenOptions { grey, ..OpenOptions::default() };
            let source = open(&[folder.join(file)], &options).unwrap();
            let got: String = Md5::digest(all(&*source).unwrap()).iter().map(|b| format!("{b:02x}")).collect();
            assert_eq!(got, md5, "{file} {grey:?}");
        }
    }
}

#[test]
fn masks_of_one_bit_are_0_and_255() {
    let Some(folder) = data("ultrasound/Dataset_BUSI_with_GT/benign") else { return };
    for path in files(&folder).iter().filter(|p| name(p).contains("_mask")) {
        let source = open_path(path).unwrap();
        assert!(all(&*source).unwrap().iter().all(|v| *v == 0 || *v == 255), "{}", path.display());
    }
}

#[test]
fn a_folder_of_slices_is_a_volume() {
    let Some(folder) = data("radiograph") else { return };
    let xrays: Vec<_> = (0..3).map(|i| folder.join(format!("nih_cxr14_00000011_00{i}.png"))).collect();
    let stack = open(&xrays, &OpenOptions::default()).unwrap();
    assert_eq!(stack.header().grid.shape.axes(), [1024, 1024, 3]);
    let mut across = vec![0; 1 << 20];
    stack.read((1 << 20) + 512, &mut across).unwrap();
    let (one, two) = (all(&*open_path(&xrays[1]).unwrap()).unwrap(), all(&*open_path(&xrays[2]).unwrap()).unwrap());
    assert_eq!(across, [&one[512..], &two[..512]].concat());
    let mixed = [xrays[0].clone(), folder.join("mri_s1045_u16.png")];
    let Err(error @ Error::Usage { .. }) = open(&mixed, &OpenOptions::default()).map(|_| ()) else { panic!() };
    let text = error.to_string();
    assert!(text.contains("256 x 256 uint16") && text.contains("1024 x 1024 uint8") && text.contains("s1045"), "{text}");
}

#[test]
fn jpeg_images_open_and_a_probe_tells_the_same() {
    let Some(folder) = data("pneumonia/chest_xray_224") else { return };
    let mut folders = vec![folder];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
                continue;
            }
            if entry.extension().is_some_and(|e| e == "jpeg" || e == "jpg") && seen < 60 {
                let header = open_path(&entry).unwrap().header().clone();
                assert_eq!(header.grid.shape.axes(), [224, 224], "{}", entry.display());
                assert_eq!(format::of(&entry).unwrap().header(&entry, &OpenOptions::default()).unwrap(), header);
                seen += 1;
            }
        }
    }
    assert!(seen >= 50, "{seen}");
}
