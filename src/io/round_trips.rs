//! What is written can be read again: by this crate here, by others with `tests/oracles/check_nifti.py`, for which
//! `HOUNSFIELD_COPIES` names a folder that keeps the files.

use std::path::{Path, PathBuf};

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::output::{Target, publish};
use super::tests::{all, data, open_path};
use super::{Loss, WriteOptions, create};
use crate::volume::{Dtype, Geometry, Header, Padding, Position, Rescale, Rescales, Shape, Unit};
use crate::{Error, Result};

/// A folder for files, kept if someone wants to look at them.
struct Copies {
    path: PathBuf,
    _temporary: tempfile::TempDir,
}

impl Copies {
    fn new(name: &str) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let path = std::env::var_os("HOUNSFIELD_COPIES").map_or(temporary.path().into(), PathBuf::from).join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self { path, _temporary: temporary }
    }
}

/// Writes blocks of `block` voxels from several threads, in whatever order they come to it.
fn write(path: &Path, header: &Header, bytes: &[u8], block: usize) -> Result<()> {
    write_as(&WriteOptions::default(), path, (header, bytes), block)
}

fn write_as(options: &WriteOptions, path: &Path, (header, bytes): (&Header, &[u8]), block: usize) -> Result<()> {
    let target = Target::new(path, true, &[])?;
    let sink = create(&target, header, options)?;
    let step = block * header.meaning.dtype.bytes();
    (0..bytes.len().div_ceil(step))
        .into_par_iter()
        .try_for_each(|i| sink.write((i * block) as u64, &bytes[i * step..bytes.len().min((i + 1) * step)]))?;
    publish(vec![sink.finish()?])
}

fn assert_same(a: &Header, b: &Header) {
    assert_eq!(
        (&a.grid.shape, a.meaning.dtype, &a.meaning.rescale, a.meaning.labels),
        (&b.grid.shape, b.meaning.dtype, &b.meaning.rescale, b.meaning.labels)
    );
    let matrix = |h: &Header| h.grid.geometry.as_ref().and_then(Geometry::lps_matrix);
    assert_eq!(matrix(a).is_some(), matrix(b).is_some());
    if let (Some(a), Some(b)) = (matrix(a), matrix(b)) {
        for (a, b) in a.as_flattened().iter().zip(b.as_flattened()) {
            assert!((a - b).abs() <= 1e-6 * a.abs().max(1.0), "{a} {b}");
        }
    }
    match (a.grid.time_step_s, b.grid.time_step_s) {
        (Some(a), Some(b)) => assert!((a - b).abs() < 1e-6 * a),
        (a, b) => assert_eq!(a, b),
    }
    if let (Some(a), Some(b)) = (&a.grid.geometry, &b.grid.geometry) {
        for (a, b) in a.spacing_mm.iter().zip(b.spacing_mm) {
            assert!((a - b).abs() <= 1e-6 * a, "{a} {b}");
        }
    }
}

/// Bytes that differ from voxel to voxel and from page to page.
fn noise(n: usize) -> Vec<u8> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 26) as u8
    };
    (0..n).map(|_| next()).collect()
}

fn oblique() -> Geometry {
    let (s, c) = 0.3f64.sin_cos();
    let direction = [[c, s, 0.0], [-s * 0.8, c * 0.8, 0.6], [s * 0.6, -c * 0.6, 0.8]];
    Geometry { spacing_mm: [0.75, 1.5, 3.25], position: Some(Position { origin_mm: [-12.5, 40.0, 1000.25], direction }) }
}

fn cases() -> Vec<(&'static str, Header)> {
    let header = |axes: &[u64], dtype| Header::new(Shape::new(axes).unwrap(), dtype);
    let mut cases = Vec::new();
    for dtype in
        [Dtype::U8, Dtype::I8, Dtype::U16, Dtype::I16, Dtype::F32, Dtype::U32, Dtype::I32, Dtype::U64, Dtype::I64, Dtype::F64]
    {
        cases.push((dtype.name(), header(&[7, 5, 3], dtype)));
    }
    let with = |geometry: Geometry| header(&[9, 8, 7], Dtype::I16).with(|h| h.grid.geometry = Some(geometry));
    cases.push(("oblique", with(oblique())));
    let mut mirrored = oblique();
    mirrored.position.as_mut().unwrap().direction[2] = mirrored.position.as_ref().unwrap().direction[2].map(|c| -c);
    cases.push(("mirrored", with(mirrored)));
    let mut tilted = oblique();
    let tilt = 0.2f64.sin_cos();
    tilted.position =
        Some(Position { origin_mm: [1.0, 2.0, 3.0], direction: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, tilt.0, tilt.1]] });
    cases.push(("tilted", with(tilted)));
    for (name, direction) in [
        ("half_turn_x", [[1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, -1.0]]),
        ("half_turn_z", [[-1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 1.0]]),
        ("sagittal", [[0.0, 1.0, 0.0], [0.0, 0.0, -1.0], [1.0, 0.0, 0.0]]),
    ] {
        cases.push((
            name,
            with(Geometry { spacing_mm: [0.5, 0.7, 2.0], position: Some(Position { origin_mm: [0.0; 3], direction }) }),
        ));
    }
    cases.push(("spacing_alone", with(Geometry::spacing([0.5, 0.25, 1.0]))));
    cases.push(("one_voxel", header(&[1, 1, 1], Dtype::U8)));
    cases.push(("image", header(&[33, 17], Dtype::U16)));
    cases.push(("line", header(&[31], Dtype::U8)));
    cases.push(("seven_axes", header(&[2, 3, 2, 3, 2, 3, 2], Dtype::U8)));
    cases.push(("long_axis", header(&[40_000, 2, 2], Dtype::I16).with(|h| h.grid.geometry = Some(oblique()))));
    let rescale = Rescales::Uniform(Rescale { slope: 0.5, intercept: -1024.0 });
    cases.push(("rescaled", header(&[16, 16, 4], Dtype::U16).with(|h| h.meaning.rescale = rescale)));
    cases.push(("labels", header(&[16, 16, 4], Dtype::U8).with(|h| h.meaning.labels = true)));
    cases.push(("time", header(&[8, 8, 4, 5], Dtype::I16).with(|h| h.grid.time_step_s = Some(0.25))));
    cases.push(("many_blocks", header(&[64, 64, 40], Dtype::I16)));
    cases
}

#[test]
fn nifti_comes_back_as_it_was() {
    let copies = Copies::new("made");
    for (name, mut header) in cases() {
        let bytes = noise(header.bytes() as usize);
        for ending in ["nii", "nii.gz"] {
            let path = copies.path.join(format!("{name}.{ending}"));
            write(&path, &header, &bytes, 1000).unwrap();
            let source = open_path(&path).unwrap();
            if header.grid.geometry.is_none() {
                // A NIfTI header has no way to leave the spacing out.
                header.grid.geometry = Some(Geometry::spacing([1.0; 3]));
            }
            assert_same(&header, source.header());
            assert_eq!(all(&*source).unwrap(), bytes, "{name}.{ending}");
            let version = if name == "long_axis" { "NIfTI-2" } else { "NIfTI-1" };
            assert!(source.header().origin.format.starts_with(version));
            assert!(
                !source.header().origin.notes.iter().any(|n| n.contains("disagree")),
                "{name}: {:?}",
                source.header().origin.notes
            );
        }
        let expected = serde_json::json!({
            "shape": header.grid.shape.axes(),
            "dtype": header.meaning.dtype.name(),
            "lps": header.grid.geometry.as_ref().and_then(Geometry::lps_matrix),
            "labels": header.meaning.labels,
            "time_step_s": header.grid.time_step_s,
            "slope": header.meaning.rescale.uniform().map(|r| r.slope),
            "intercept": header.meaning.rescale.uniform().map(|r| r.intercept),
        });
        std::fs::write(copies.path.join(format!("{name}.json")), expected.to_string()).unwrap();
        std::fs::write(copies.path.join(format!("{name}.raw")), &bytes).unwrap();
    }
}

/// Of a rescale, real values stay; of a NumPy array nothing but they.
#[test]
fn nrrd_metaimage_and_numpy_come_back_as_they_were() {
    let copies = Copies::new("volumes");
    for (name, header) in cases() {
        let stored = noise(header.bytes() as usize);
        for ending in ["nrrd", "mha", "npy"] {
            let (mut want, bytes) = without_rescale(name, &header, &stored);
            if ending == "npy" {
                (want.grid.geometry, want.grid.time_step_s) = (None, None);
            }
            want.meaning.labels = false;
            let path = copies.path.join(format!("{name}.{ending}"));
            write(&path, &header, &stored, 1000).unwrap();
            let source = open_path(&path).unwrap();
            assert_same(&want, source.header());
            assert_eq!(all(&*source).unwrap(), bytes, "{name}.{ending}");
        }
    }
    // A slice that has a place is a volume of one slice, so that no reader loses the place.
    let slice = Header::new(Shape::new(&[4, 3]).unwrap(), Dtype::U8).with(|h| h.grid.geometry = Some(oblique()));
    for ending in ["nrrd", "mha"] {
        let path = copies.path.join(format!("slice.{ending}"));
        write(&path, &slice, &noise(12), 5).unwrap();
        assert_same(&slice.clone().with(|h| h.grid.shape = Shape::new(&[4, 3, 1]).unwrap()), open_path(&path).unwrap().header());
    }
}

/// What formats hold that have no rescale: of the case that has one, real values.
fn without_rescale(name: &str, header: &Header, stored: &[u8]) -> (Header, Vec<u8>) {
    let (mut want, mut bytes) = (header.clone(), stored.to_vec());
    if name == "rescaled" {
        let rescale = header.meaning.rescale.uniform().unwrap();
        let real = |v: &[u8]| (rescale.real(header.meaning.dtype.decode(v)) as f32).to_le_bytes();
        bytes = stored.chunks_exact(2).flat_map(real).collect();
        (want.meaning.dtype, want.meaning.rescale) = (Dtype::F32, Rescales::Uniform(Rescale::IDENTITY));
    }
    (want, bytes)
}

/// A place in the patient comes back where the axes run along the patient's, and no other.
#[cfg(feature = "zarr")]
#[test]
fn zarr_comes_back_as_it_was() {
    use super::OmeVersion;
    let copies = Copies::new("zarr");
    for (name, header) in cases() {
        let stored = noise(header.bytes() as usize);
        for (version, ending) in [(OmeVersion::V0_4, "4.ome.zarr"), (OmeVersion::V0_5, "5.zarr")] {
            let (mut want, bytes) = without_rescale(name, &header, &stored);
            let shape = header.grid.shape.clone();
            let mut axes = vec![shape.axis(0), shape.axis(1), shape.axis(2), shape.volumes()];
            axes.truncate(shape.axes().len().max(2));
            want.grid.shape = Shape::new(&axes).unwrap();
            want.meaning.labels = false;
            let aligned = name.starts_with("half_turn") || name == "sagittal";
            if let (Some(geometry), false) = (&mut want.grid.geometry, aligned) {
                geometry.position = None;
            }
            let path = copies.path.join(format!("{name}.{ending}"));
            write_as(&WriteOptions { zarr: version, ..WriteOptions::default() }, &path, (&header, &stored), 1000).unwrap();
            let source = open_path(&path).unwrap();
            assert_same(&want, source.header());
            assert_eq!(want.grid.geometry, source.header().grid.geometry, "{name}.{ending}");
            assert_eq!(all(&*source).unwrap(), bytes, "{name}.{ending}");
            let (geometry, step) = (&want.grid.geometry, want.grid.time_step_s);
            let expected = serde_json::json!({
                "shape": want.grid.shape.axes(), "dtype": want.meaning.dtype.name(), "time_step_s": step,
                "spacing_mm": geometry.as_ref().map(|g| g.spacing_mm),
                "origin_mm": geometry.as_ref().and_then(|g| g.position.as_ref()).map(|p| p.origin_mm),
                "code": geometry.as_ref().and_then(|g| g.position.as_ref()).map(Position::orientation_code),
            });
            std::fs::write(copies.path.join(format!("{name}.{ending}.json")), expected.to_string()).unwrap();
            std::fs::write(copies.path.join(format!("{name}.{ending}.raw")), &bytes).unwrap();
        }
    }
}

#[test]
fn real_nifti_files_come_back_as_they_were() {
    let Some(folder) = data("volumes") else { return };
    let copies = Copies::new("real");
    for file in [
        "cine_sunnybrook/SCD2001_cine4d.nii.gz",
        "formats_nibabel/example4d.nii.gz",
        "formats_nibabel/functional.nii",
        "formats_nifti_reader_js/5D_small.nii",
        "formats_nifti_reader_js/air.hdr.gz",
        "formats_nifti_reader_js/air2.hdr.gz",
        "formats_nifti_reader_js/with_extension.nii.gz",
        "formats_oro_nifti/avg152T1.hdr",
        "formats_oro_nifti/zstat1.nii.gz",
        "formats_rnifti/control.nii.gz",
        "mni152_2mm_fast/MNI152_T1_2mm.nii.gz",
        "spm12/grey.nii",
        "totalsegmentator/example_ct_sm.nii.gz",
    ] {
        let source = open_path(&folder.join(file)).unwrap();
        let bytes = all(&*source).unwrap();
        let ending = if file.contains(".nii") { "" } else { ".nii" };
        let path = copies.path.join(file.replace('/', "__") + ending);
        write(&path, source.header(), &bytes, 300_000).unwrap();
        let copy = open_path(&path).unwrap();
        assert_same(source.header(), copy.header());
        assert_eq!(all(&*copy).unwrap(), bytes, "{file}");
    }
}

#[test]
fn tiff_comes_back_as_it_was() {
    let copies = Copies::new("tiff");
    for (name, mut header) in cases() {
        let bytes = noise(header.bytes() as usize);
        let path = copies.path.join(format!("{name}.tiff"));
        write(&path, &header, &bytes, 500).unwrap();
        let source = open_path(&path).unwrap();
        // A line is an image of one row; axes beyond the fourth are times; TIFF knows neither places nor labels.
        let shape = header.grid.shape.clone();
        let mut axes = vec![shape.axis(0), shape.axis(1), shape.axis(2), shape.volumes()];
        while axes.len() > 2 && axes.last() == Some(&1) {
            axes.pop();
        }
        header.grid.shape = Shape::new(&axes).unwrap();
        header.meaning.labels = false;
        if let Some(geometry) = &mut header.grid.geometry {
            geometry.position = None;
        }
        assert_same(source.header(), &header);
        assert_eq!(source.header().grid.geometry, header.grid.geometry, "{name}");
        assert_eq!(source.header().origin.notes, [""; 0], "{name}");
        assert_eq!(all(&*source).unwrap(), bytes, "{name}");
    }
}

#[test]
fn what_pictures_do_not_hold_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let losses = |name: &str, header: &Header| {
        let target = Target::new(&folder.path().join(name), true, &[]).unwrap();
        create(&target, header, &WriteOptions::default()).unwrap().losses().to_vec()
    };
    let rescale = Rescale { slope: 1.0, intercept: -1024.0 };
    let padding = Padding { low: -2000.0, high: -2000.0 };
    let ct = Header::new(Shape::new(&[8, 8]).unwrap(), Dtype::I16).with(|h| {
        h.grid.geometry = Some(oblique());
        h.meaning.rescale = Rescales::Uniform(rescale);
        (h.meaning.unit, h.meaning.padding, h.meaning.labels) = (Unit::Hounsfield, Some(padding), true);
    });
    let bare = [Loss::Position, Loss::Padding(padding), Loss::Labels];
    assert_eq!(losses("a.tif", &ct), [&bare[..], &[Loss::RescaleApart(rescale)]].concat());
    let wide = ct.clone().with(|h| h.meaning.dtype = Dtype::F32);
    assert_eq!(losses("a.tif", &wide), [&bare[..], &[Loss::Rescale(rescale)]].concat());
    let grey = ct.with(|h| (h.meaning.dtype, h.display.inverted) = (Dtype::U16, true));
    assert_eq!(losses("a.tif", &grey), [&bare[..], &[Loss::RescaleApart(rescale)]].concat());
    let spacing = oblique().spacing_mm;
    let own = [Loss::Spacing(spacing), Loss::Rescale(rescale), Loss::Unit, Loss::Inverted];
    assert_eq!(losses("a.png", &grey), [&own[..], &bare[..]].concat());
    assert!(Loss::Rescale(rescale).to_string().ends_with("1 * stored + -1024"));
    let plain = Header::new(Shape::new(&[8, 8]).unwrap(), Dtype::U16);
    assert_eq!((losses("a.tif", &plain), losses("a.png", &plain), losses("a.nii", &plain)), (vec![], vec![], vec![]));
    // A rescale for each slice is no loss to be told but one to be refused.
    let slices = Rescales::PerSlice(vec![Rescale::IDENTITY, rescale]);
    let varying = Header::new(Shape::new(&[8, 8, 2]).unwrap(), Dtype::U16).with(|h| h.meaning.rescale = slices);
    assert!(matches!(write(&folder.path().join("b.tif"), &varying, &noise(256), 16), Err(Error::Usage { .. })));
}

#[test]
fn tiff_and_png_keep_what_they_can() {
    let copies = Copies::new("kept");
    for dtype in [Dtype::U8, Dtype::U16, Dtype::I16] {
        let header = Header::new(Shape::new(&[9, 7, 3]).unwrap(), dtype).with(|h| {
            h.meaning.rescale = Rescales::Uniform(Rescale { slope: 0.5, intercept: -1024.0 });
            (h.meaning.unit, h.display.inverted) = (Unit::Hounsfield, dtype != Dtype::I16);
        });
        let path = copies.path.join(format!("{dtype}.tif"));
        write(&path, &header, &noise(header.bytes() as usize), 100).unwrap();
        let read = open_path(&path).unwrap().header().clone();
        assert_eq!((&read.meaning, read.display.inverted), (&header.meaning, header.display.inverted));
    }
    let geometry = Some(Geometry::spacing([0.5, 0.25, 1.0]));
    let header = Header::new(Shape::new(&[5, 4]).unwrap(), Dtype::U8).with(|h| h.grid.geometry = geometry);
    let path = copies.path.join("size.png");
    write(&path, &header, &noise(20), 20).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let size = [&b"pHYs"[..], &2000u32.to_be_bytes(), &4000u32.to_be_bytes(), &[1]].concat();
    assert_eq!(bytes.windows(13).position(|w| w == size), Some(37));
    assert_eq!(all(&*open_path(&path).unwrap()).unwrap(), noise(20));
}

#[test]
fn png_comes_back_as_it_was_and_refuses_the_rest() {
    let copies = Copies::new("png");
    for dtype in [Dtype::U8, Dtype::U16] {
        let header = Header::new(Shape::new(&[37, 21]).unwrap(), dtype);
        let bytes = noise(header.bytes() as usize);
        let path = copies.path.join(format!("{dtype}.png"));
        write(&path, &header, &bytes, 100).unwrap();
        let source = open_path(&path).unwrap();
        assert_eq!((&source.header().grid.shape, source.header().meaning.dtype), (&header.grid.shape, dtype));
        assert_eq!(all(&*source).unwrap(), bytes);
    }
    for (axes, dtype) in [(vec![4, 4], Dtype::I16), (vec![4, 4, 2], Dtype::U8), (vec![4, 4], Dtype::F32)] {
        let header = Header::new(Shape::new(&axes).unwrap(), dtype);
        let refused = write(&copies.path.join("refused.png"), &header, &noise(header.bytes() as usize), 100);
        assert!(matches!(refused, Err(Error::Usage { .. })));
    }
    assert!(!copies.path.join("refused.png").exists());
}

#[test]
fn what_cannot_be_written_is_refused_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let header = Header::new(Shape::new(&[4, 4, 2]).unwrap(), Dtype::U8);
    let refuse = |name: &str, header: &Header, voxels: usize| {
        let path = folder.path().join(name);
        let result = write(&path, header, &vec![1; voxels], 16);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{name}");
        result.unwrap_err()
    };
    for name in ["a.nii", "a.nii.gz", "a.tiff", "a.nrrd", "a.mha", "a.npy"] {
        assert!(matches!(refuse(name, &header, 16), Error::Write { .. }), "a hole in {name}");
        assert!(matches!(refuse(name, &header, 48), Error::Usage { .. }), "too much for {name}");
    }
    let slices = vec![Rescale::IDENTITY, Rescale { slope: 2.0, intercept: 0.0 }];
    let varying = header.clone().with(|h| h.meaning.rescale = Rescales::PerSlice(slices));
    assert!(matches!(refuse("a.nii", &varying, 32), Error::Usage { .. }));
    assert!(matches!(refuse("a.xyz", &header, 32), Error::Usage { .. }));
    let huge = Header::new(Shape::new(&[30_000, 30_000, 30_000, 30_000]).unwrap(), Dtype::F64);
    let target = Target::new(&folder.path().join("a.nii"), false, &[]).unwrap();
    let error = create(&target, &huge, &WriteOptions::default()).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("MiB free"), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// The pixels of all images that open, as `tests/oracles/check_images.py` compares them with OpenCV's. The order of the lines
/// of the list is that of the raw files beside it.
#[test]
fn images_for_the_oracle() {
    let (Some(root), Some(_)) = (data(""), std::env::var_os("HOUNSFIELD_COPIES")) else { return };
    let copies = Copies::new("images");
    let (mut folders, mut list) = (vec![root.clone()], String::new());
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
            let image = path.extension().is_some_and(|e| e == "png" || e == "jpeg" || e == "jpg");
            if path.is_dir() {
                folders.push(path);
            } else if let (true, Ok(source)) = (image, open_path(&path)) {
                let number = list.lines().count();
                std::fs::write(copies.path.join(format!("{number}.raw")), all(&*source).unwrap()).unwrap();
                let header = source.header();
                let name = path.strip_prefix(&root).unwrap().display();
                list += &format!(
                    "{number}\t{}\t{}\t{}\t{name}\n",
                    header.meaning.dtype,
                    header.grid.shape.axis(0),
                    header.grid.shape.axis(1)
                );
            }
        }
    }
    std::fs::write(copies.path.join("list.tsv"), list).unwrap();
}
