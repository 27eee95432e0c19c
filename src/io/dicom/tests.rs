//! Real and hostile files, from the folder that HOUNSFIELD_DATA names; reference values by pydicom, pylibjpeg and SimpleITK.

use std::path::{Path, PathBuf};

use md5::{Digest, Md5};

use super::*;
use crate::volume::{Dtype, Header, Rescales, Unit};

fn data() -> Option<PathBuf> {
    let folder = std::env::var_os("HOUNSFIELD_DATA").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: HOUNSFIELD_DATA names no folder with test images");
    }
    folder
}

fn voxels(source: &dyn Source) -> Vec<u8> {
    let mut out = vec![0; source.header().bytes() as usize];
    source.read(0, &mut out).unwrap();
    out
}

pub(super) fn refusal(result: Result<Box<dyn Source>>) -> String {
    match result {
        Ok(_) => panic!("this should have been refused"),
        Err(e) => e.to_string(),
    }
}

fn open_default(path: &Path) -> Result<Box<dyn Source>> {
    open(path, &OpenOptions::default())
}

fn trusting() -> OpenOptions {
    OpenOptions { trust_geometry: true, ..OpenOptions::default() }
}

/// Why a file of the oracle need not agree with it.
fn exception(row: &[&str]) -> Option<&'static str> {
    let (syntax, geometry) = (row[1], row[3]);
    Some(match () {
        () if syntax == "JPEGExtended12" => "pylibjpeg rounds differently",
        () if geometry.contains("spp3") => "colour is turned into grey",
        () if geometry.contains("PALETTE") => "colour is turned into grey",
        () if syntax == "JPEGBaseline" => "pylibjpeg rounds differently",
        () => return None,
    })
}

#[test]
fn stored_values_are_those_of_pydicom() {
    let Some(data) = data() else { return };
    let table = std::fs::read_to_string(data.join("dicom/ORACLE_pixels.tsv")).unwrap();
    let (mut agreed, mut wrong) = (0, Vec::new());
    for line in table.lines().skip(1) {
        let row: Vec<&str> = line.split('\t').collect();
        let (file, expected) = (row[0], row[4]);
        let opened = open_default(&data.join("dicom").join(file));
        if expected.starts_with("no pixel data") {
            assert!(opened.is_err(), "{file} holds no pixels");
            continue;
        }
        if expected.starts_with("DECODE-FAIL") {
            continue;
        }
        let why = exception(&row);
        let source = match (opened, why) {
            (Ok(source), _) => source,
            (Err(Error::Unsupported { .. }), Some(_)) => continue,
            (Err(e), _) => {
                wrong.push(format!("{file}: {e}"));
                continue;
            }
        };
        let (shape, rest) = expected.split_once(") ").unwrap();
        let shape: Vec<u64> = shape.trim_start_matches('(').split(", ").map(|n| n.parse().unwrap()).collect();
        let [dtype, range, md5] = rest.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let header = source.header();
        let pixels = if row[3].contains("spp3") { &shape[..shape.len() - 1] } else { &shape[..] };
        let [x, y] = [pixels[pixels.len() - 1], pixels[pixels.len() - 2]];
        if header.grid.shape.axes()[..2] != [x, y] || header.grid.shape.voxels() != pixels.iter().product::<u64>() {
            wrong.push(format!("{file}: shape {} for {shape:?}", header.grid.shape));
            continue;
        }
        let mut bytes = vec![0; header.bytes() as usize];
        if let Err(e) = source.read(0, &mut bytes) {
            if why.is_none() {
                wrong.push(format!("{file}: {e}"));
            }
            continue;
        }
        if why.is_some() {
            continue;
        }
        let big_endian = dtype.starts_with('>');
        let dtype = match dtype {
            ">i2" => "int16",
            ">u2" => "uint16",
            ">u4" => "uint32",
            other => other,
        };
        let width = header.meaning.dtype.bytes();
        let values = || bytes.chunks_exact(width).map(|b| header.meaning.dtype.decode(b));
        let (min, max) = values().fold((f64::MAX, f64::MIN), |(a, b), v| (a.min(v), b.max(v)));
        let same_range = format!("[{min},{max}]") == range;
        if big_endian {
            bytes.chunks_exact_mut(width).for_each(<[u8]>::reverse);
        }
        let digest: String = Md5::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
        if header.meaning.dtype.name() != dtype || !same_range || digest[..8] != *md5 {
            wrong.push(format!("{file}: {} [{min},{max}] {} for {expected}", header.meaning.dtype, &digest[..8]));
            continue;
        }
        agreed += 1;
    }
    println!("{agreed} files agree");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(agreed > 150);
}

/// Rec. 601 of pydicom's RGB arrays, made with numpy; `SC_rgb_jpeg_gdcm` is a lossless copy of `SC_rgb_rle`.
#[test]
fn colours_become_the_right_grey() {
    let Some(data) = data() else { return };
    for (file, md5) in [
        ("SC_rgb_rle.dcm", "b4fb913c"),
        ("SC_rgb_gdcm_KY.dcm", "b4fb913c"),
        ("SC_rgb_jpeg_gdcm.dcm", "b4fb913c"),
        ("SC_rgb_rle_16bit_2frame.dcm", "175fe8cc"),
        ("ExplVR_BigEnd.dcm", "bc736f4b"),
        ("SC_rgb_small_odd_big_endian.dcm", "28013c93"),
    ] {
        let source = open_default(&data.join("dicom/ts_pydicom").join(file)).unwrap();
        let digest: String = Md5::digest(voxels(&*source)).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(digest[..8], *md5, "{file}");
    }
    // JPEG that stores RGB without a transform, and its decompressed twin.
    let twin = |name: &str| voxels(&*open_default(&data.join("dicom/ts_pydicom").join(name)).unwrap());
    let plain = twin("SC_rgb_jpeg_dcmd.dcm");
    for name in ["SC_rgb_jpeg.dcm", "SC_jpeg_no_color_transform.dcm"] {
        let far = twin(name).iter().zip(&plain).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(far <= Some(1), "{name}: {far:?}");
    }
}

/// Stored values as GDCM decodes them with libjpeg (SimpleITK 2.5, its rescale undone), slices ascending, colours as the grey that OpenCV makes of them.
#[test]
fn jpeg_frames_are_those_of_gdcm() {
    let Some(data) = data() else { return };
    for (file, md5) in [
        ("ts_matrix_cornerstone/CTImage.dcm_JPEGProcess1TransferSyntax_1.2.840.10008.1.2.4.50.dcm", "0a036b10"),
        ("ts_matrix_cornerstone/CTImage.dcm_JPEGProcess2_4TransferSyntax_1.2.840.10008.1.2.4.51.dcm", "d6f64cfe"),
        ("ts_matrix_cornerstone/CTImage.dcm_JPEGProcess6_8TransferSyntax_1.2.840.10008.1.2.4.53.dcm", "d6f64cfe"),
        ("ts_matrix_cornerstone/CTImage.dcm_JPEGProcess10_12TransferSyntax_1.2.840.10008.1.2.4.55.dcm", "d6f64cfe"),
        ("ts_matrix_cornerstone/CT0012.fragmented_no_bot_jpeg_baseline.51.dcm", "25df7e5b"),
        ("ts_pydicom/JPEG-lossy.dcm", "812050a7"),
        ("ts_pydicom/JPGExtended.dcm", "812050a7"),
        ("ts_pydicom/SC_jpeg_no_color_transform.dcm", "11b9421b"),
        ("ts_pydicom/SC_jpeg_no_color_transform_2.dcm", "49318d5e"),
        ("ts_pydicom/SC_rgb_dcmtk_+eb+cr.dcm", "5332f0ef"),
        ("ts_pydicom/SC_rgb_dcmtk_+eb+cy+n1.dcm", "93cbf32c"),
        ("ts_pydicom/SC_rgb_dcmtk_+eb+cy+s4.dcm", "3a0faf90"),
        ("ts_pydicom/SC_rgb_jpeg_lossy_gdcm.dcm", "b1c935fb"),
        ("ts_pydicom/SC_rgb_small_odd_jpeg.dcm", "28013c93"),
        ("ts_pydicom/examples_ybr_color.dcm", "aeea213f"),
    ] {
        let source = open_default(&data.join("dicom").join(file)).unwrap();
        let digest: String = Md5::digest(voxels(&*source)).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(digest[..8], *md5, "{file}");
    }
}

/// The image's own marker says YCbCr, the header RGB: grey 86 to 150 with mean 117.87, by pydicom.
#[test]
fn the_marker_of_a_jpeg_frame_comes_before_the_header() {
    let Some(data) = data() else { return };
    let grey = voxels(&*open_default(&data.join("reports/jpeg_ycbcr_called_rgb.dcm")).unwrap());
    let mean = grey.iter().map(|v| f64::from(*v)).sum::<f64>() / grey.len() as f64;
    assert!((mean - 117.87).abs() < 1.0, "{mean}");
    assert!(grey.iter().min().unwrap().abs_diff(86) <= 1 && grey.iter().max().unwrap().abs_diff(150) <= 1);
}

#[test]
fn a_cut_jpeg_frame_is_an_error_with_its_place() {
    let Some(data) = data() else { return };
    let file = "dicom/ts_matrix_cornerstone/CTImage.dcm_JPEGProcess14SV1TransferSyntax_1.2.840.10008.1.2.4.70.dcm";
    let mut bytes = std::fs::read(data.join(file)).unwrap();
    // The compressed pixels end the file: zeros over their second half are as a copy that broke off.
    let (half, end) = (bytes.len() / 2, bytes.len() - 100);
    bytes[half..end].fill(0);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.dcm");
    std::fs::write(&path, bytes).unwrap();
    let source = open_default(&path).unwrap();
    let error = source.read(0, &mut vec![0; source.header().bytes() as usize]).unwrap_err();
    assert!(matches!(error, Error::Format { .. }) && error.to_string().contains(" of 512"), "{error}");
}

#[test]
fn a_whole_chest_is_a_grid() {
    let Some(data) = data() else { return };
    let source = open_default(&data.join("dicom/ct_chest_lungpetctdx_A0002")).unwrap();
    let header = source.header();
    assert_eq!(header.grid.shape.axes(), [512, 512, 30]);
    assert_eq!((header.meaning.dtype, header.meaning.unit), (Dtype::U16, Unit::Hounsfield));
    let geometry = header.grid.geometry.as_ref().unwrap();
    assert_eq!(geometry.spacing_mm[2], 8.0);
    let position = geometry.position.as_ref().unwrap();
    assert_eq!((position.origin_mm[2], position.orientation_code().as_str()), (80.0, "LPS"));
    // Any run of voxels is the same as that part of the whole.
    let whole = voxels(&*source);
    let mut part = vec![0; 2 * 300_001];
    source.read(262_144 * 3 - 7, &mut part).unwrap();
    assert_eq!(part, whole[2 * (262_144 * 3 - 7)..][..part.len()]);
}

/// The folder lacks a file number, but positions and instance numbers run on: there is no gap.
#[test]
fn a_gap_in_file_names_is_no_gap_in_space() {
    let Some(data) = data() else { return };
    let source = open_default(&data.join("dicom/ct_chest_sts007_slice223_missing")).unwrap();
    let header = source.header();
    let geometry = header.grid.geometry.as_ref().unwrap();
    assert!((geometry.spacing_mm[2] - 3.27).abs() < 1e-9 && header.grid.shape.axes() == [512, 512, 5]);
    // Slices ascend from the feet, file names here descend.
    assert_eq!(geometry.position.as_ref().unwrap().origin_mm[2], -193.7);
}

/// Voxel-to-patient matrices as SimpleITK 2.5 gives them.
#[test]
fn affines_are_those_of_simpleitk() {
    let Some(data) = data() else { return };
    for (folder, matrix) in [
        (
            "mr_brain_pgbm001",
            [
                [0.6861803668112303, -1.1566913009006252e-11, -0.4025409883342954, -83.300318105973],
                [0.007040655555011068, 0.6780347975472323, 1.0728094071321788, -115.80639758755],
                [0.04199027711460285, -0.11368844846809936, 6.398205965317547, -61.452879924303],
            ],
        ),
        (
            "ct_totalseg_20_j2k",
            [[0.9765625, 0.0, 0.0, -249.51171875], [0.0, 0.9765625, 0.0, -437.51171875], [0.0, 0.0, 2.0, -804.5]],
        ),
        (
            "dicom2nifti_tests/hyperfine/anatomical/001/001.dcm",
            [[1.59, 0.0, 0.0, 0.0], [0.0, 1.61, 0.0, 0.0], [0.0, 0.0, 5.0, -175.0]],
        ),
    ] {
        let source = open_default(&data.join("dicom").join(folder)).unwrap();
        let own = source.header().grid.geometry.as_ref().unwrap().lps_matrix().unwrap();
        for (a, b) in own.iter().flatten().zip(matrix.iter().flatten()) {
            assert!((a - b).abs() < 1e-9, "{folder}: {own:?}");
        }
    }
}

#[test]
fn a_shuffled_series_with_every_fault() {
    let Some(data) = data() else { return };
    let folder = data.join("dicom/derived_unordered_dup_missing");
    let text = refusal(open_default(&folder));
    assert!(text.contains("1 slice is missing") && text.contains("share one position"), "{text}");
    assert!(text.contains("trusting its geometry"), "{text}");
    let source = open(&folder, &trusting()).unwrap();
    assert_eq!(source.header().grid.shape.axes()[2], 12);
    assert!(source.header().origin.notes.iter().any(|n| n.starts_with("geometry trusted although")));
    assert!(
        source.header().origin.notes.iter().any(|n| n.starts_with("1 files hold the same image")),
        "{:?}",
        source.header().origin.notes
    );
}

#[test]
fn a_cine_has_a_time_axis() {
    let Some(data) = data() else { return };
    let source = open_default(&data.join("dicom/cine_mr_sunnybrook/SCD2001_000")).unwrap();
    let header = source.header();
    println!("{:?}", header.origin.notes);
    assert_eq!(header.grid.shape.axes(), [256, 256, 1, 20]);
    let step = header.grid.time_step_s.unwrap();
    assert!((step - 0.051).abs() < 0.001, "{step}");
}

#[test]
fn what_makes_no_grid_is_refused_for_its_reason() {
    let Some(data) = data() else { return };
    let folder = data.join("dicom/dicom2nifti_tests/failing");
    for (name, reason) in
        [("gantrytilting/001", "tilted gantry"), ("sliceincrement/002", "missing"), ("sliceorientation/001", "mixed orientation")]
    {
        let text = refusal(open_default(&folder.join(name)));
        assert!(text.contains(reason), "{name}: {text}");
        assert!(open(&folder.join(name), &trusting()).is_ok(), "{name}");
    }
}

#[test]
fn rescale_of_each_slice() {
    let Some(data) = data() else { return };
    let source = open_default(&data.join("dicom/dicom2nifti_tests/generic/anatomical/002_non_isotropic")).unwrap();
    let Rescales::PerSlice(all) = &source.header().meaning.rescale else { panic!("one rescale") };
    assert_eq!((all.len(), all.iter().any(|r| r.slope == 0.0010346139)), (4, true));
}

/// Allocations are bounded by the files, so what remains to be shown is that nothing panics and nothing broken passes.
#[test]
fn hostile_files_are_refused() {
    let Some(data) = data() else { return };
    let mut files: Vec<PathBuf> = ["generated_seed1/dicom", "pydicom_bad", "cornerstone_bad"]
        .iter()
        .flat_map(|folder| std::fs::read_dir(data.join("hostile").join(folder)).unwrap())
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    for file in &files {
        let name = file.file_name().unwrap().to_str().unwrap();
        let result = open_default(file).and_then(|source| {
            let mut out = vec![0; source.header().bytes() as usize];
            source.read(0, &mut out).map(|()| source.header().clone())
        });
        match &result {
            Ok(header) => println!("{name}: {} {} {:?}", header.grid.shape, header.meaning.dtype, header.origin.notes),
            Err(e) => println!("{name}: {e}"),
        }
        let broken = matches!(result, Err(Error::Format { .. }));
        match name {
            "empty.dcm"
            | "preamble_only.dcm"
            | "not_dicom.dcm"
            | "trunc_header.dcm"
            | "trunc_pixels.dcm"
            | "rows_65535.dcm"
            | "rows_zero.dcm"
            | "bits_alloc_0.dcm"
            | "bits_alloc_17.dcm"
            | "bits_stored_gt_alloc.dcm"
            | "frames_2e9.dcm"
            | "frames_negative.dcm"
            | "spp_3_mono.dcm"
            | "no_rows.dcm"
            | "no_pixels.dcm"
            | "rle_claim.dcm"
            | "pixeldata_len_4g.dcm"
            | "pixeldata_undef_len_native.dcm"
            | "nested_sq_5000.dcm"
            | "MR_truncated.dcm" => {
                assert!(broken, "{name}");
            }
            "deflate_bomb_512MiB.dcm" => assert!(matches!(result, Err(Error::Limit { .. }) | Err(Error::Format { .. }))),
            "spacing_zero.dcm" | "spacing_negative.dcm" | "no-pixel-spacing.dcm" => assert_no_geometry(&result.unwrap()),
            "J2K_pixelrep_mismatch.dcm" | "bad_sequence.dcm" => assert!(result.is_ok(), "{name}"),
            _ => {}
        }
    }
    // The folder as a whole: the first broken file stops it.
    assert!(open_default(&data.join("hostile/generated_seed1/dicom")).is_err());
}

fn assert_no_geometry(header: &Header) {
    assert!(
        header.grid.geometry.is_none() && header.origin.notes.iter().any(|n| n.contains("no usable pixel spacing")),
        "{:?}",
        header.origin.notes
    );
}
