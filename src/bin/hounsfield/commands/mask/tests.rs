//! The command on files: made here, and the ultrasound pairs in the folder that `HOUNSFIELD_DATA` names.

use std::path::{Path, PathBuf};

use clap::Parser;
use hounsfield::io::output::{Target, publish};
use hounsfield::io::{self, OpenOptions, WriteOptions};
use hounsfield::volume::{Dtype, Geometry, Header, Rescale, Rescales, Shape};
use hounsfield::{Error, Result};
use md5::{Digest, Md5};

use crate::cli::{Cli, Command};

fn hounsfield(arguments: &[&Path]) -> Result<()> {
    let words = ["hounsfield", "-q", "mask"].map(Path::new);
    let cli = Cli::try_parse_from(words.iter().chain(arguments)).unwrap_or_else(|e| panic!("{e}"));
    match &cli.command {
        Command::Mask(command) => super::run(&cli.shared, command),
        other => panic!("{other:?}"),
    }
}

fn write(path: &Path, header: &Header, bytes: &[u8]) {
    let sink = io::create(&Target::new(path, true, &[]).unwrap(), header, &WriteOptions::default()).unwrap();
    sink.write(0, bytes).unwrap();
    publish(vec![sink.finish().unwrap()]).unwrap();
}

fn image(path: &Path, axes: &[u64], bytes: &[u8]) {
    write(path, &Header::new(Shape::new(axes).unwrap(), Dtype::U8), bytes);
}

fn read(path: &Path) -> (Header, Vec<u8>) {
    let source = io::open(&[path.to_path_buf()], &OpenOptions::default()).unwrap();
    let mut bytes = vec![0; source.header().bytes() as usize];
    source.read(0, &mut bytes).unwrap();
    (source.header().clone(), bytes)
}

#[test]
fn a_folder_gives_what_it_can_and_says_what_it_cannot() {
    let folder = tempfile::tempdir().unwrap();
    let (set, out) = (folder.path().join("set"), folder.path().join("out"));
    std::fs::create_dir_all(set.join("benign")).unwrap();
    image(&set.join("benign/a (1).png"), &[3, 2], &[10, 20, 30, 40, 50, 60]);
    image(&set.join("benign/a (1)_mask.png"), &[3, 2], &[255, 0, 0, 0, 0, 0]);
    image(&set.join("benign/a (1)_mask_1.png"), &[3, 2], &[0, 0, 0, 0, 1, 255]);
    image(&set.join("b.png"), &[2, 2], &[1, 2, 3, 4]);
    image(&set.join("b_mask.png"), &[2, 2], &[0; 4]);
    let arguments = |more: &[&str]| -> Vec<PathBuf> {
        let mut all: Vec<PathBuf> = vec!["--folder".into(), set.clone(), "-o".into(), out.clone()];
        all.extend(more.iter().map(PathBuf::from));
        all
    };
    let run = |more: &[&str]| hounsfield(&arguments(more).iter().map(PathBuf::as_path).collect::<Vec<_>>());
    run(&[]).unwrap();
    assert_eq!(read(&out.join("benign/a (1).png")).1, [10, 0, 0, 0, 50, 60]);
    assert_eq!(read(&out.join("b.png")).1, [0; 4]);
    let table = std::fs::read_to_string(out.join("statistics.csv")).unwrap();
    let rows: Vec<&str> = table.lines().collect();
    assert!(rows[0].starts_with("image,width,height,pixels,mask_pixels,percent,mean_inside,std_inside,min_inside"));
    assert_eq!(rows[1], "b.png,2,2,4,0,0,,,,,,2.5,1.118033988749895,1,4,2.5");
    assert!(rows[2].starts_with("benign/a (1).png,3,2,6,3,50,40,21.602468994692867,10,60,50,30,"), "{}", rows[2]);
    assert_eq!(rows.len(), 3);

    // Nothing is replaced unless asked for, and nothing is half replaced.
    assert!(matches!(run(&[]), Err(Error::Exists { .. })));
    // A mask of another size and one without an image: the rest goes on.
    image(&set.join("b_mask.png"), &[2, 3], &[9; 6]);
    image(&set.join("c_mask.png"), &[2, 2], &[9; 4]);
    let error = run(&["--force", "--not", "--background", "7"]).unwrap_err();
    assert!(matches!(error, Error::Format { .. }) && error.to_string().starts_with("2 files were left out"), "{error}");
    assert_eq!(read(&out.join("benign/a (1).png")).1, [7, 20, 30, 40, 7, 7]);
    assert_eq!(std::fs::read_to_string(out.join("statistics.csv")).unwrap().lines().count(), 2);

    let same = hounsfield(&[Path::new("--folder"), &set, Path::new("-o"), &set]);
    assert!(matches!(same, Err(Error::Usage { .. })));
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    assert!(matches!(hounsfield(&[Path::new("--folder"), &empty, Path::new("-o"), &out]), Err(Error::Format { .. })));
}

#[test]
fn a_volume_keeps_type_rescale_and_geometry() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let mut header = Header::new(Shape::new(&[2, 2, 2]).unwrap(), Dtype::I16);
    header.meaning.rescale = Rescales::Uniform(Rescale { slope: 2.0, intercept: -1000.0 });
    header.grid.geometry = Geometry::from_lps_matrix([[0.5, 0.0, 0.0, 1.0], [0.0, 0.5, 0.0, 2.0], [0.0, 0.0, 3.0, 3.0]]);
    let stored: Vec<u8> = [500i16, 501, 502, 503, -5, -6, -7, -8].iter().flat_map(|v| v.to_le_bytes()).collect();
    write(&at("ct.nii.gz"), &header, &stored);
    let mut mask = Header::new(header.grid.shape.clone(), Dtype::U8);
    // The same grid, x running the other way.
    mask.grid.geometry = Geometry::from_lps_matrix([[-0.5, 0.0, 0.0, 1.5], [0.0, 0.5, 0.0, 2.0], [0.0, 0.0, 3.0, 3.0]]);
    write(&at("mask.nii.gz"), &mask, &[0, 1, 0, 0, 0, 0, 2, 2]);
    let [image, masks, out, figure] = ["ct.nii.gz", "mask.nii.gz", "out.nii", "f.svg"].map(at);
    let words = ["-o", "--background", "-1002", "--figure"].map(Path::new);
    hounsfield(&[&image, &masks, words[0], &out, words[1], words[2], words[3], &figure]).unwrap();
    let (own, bytes) = read(&out);
    let want: Vec<u8> = [500i16, -1, -1, -1, -1, -1, -7, -8].iter().flat_map(|v| v.to_le_bytes()).collect();
    assert_eq!(
        (own.meaning.dtype, own.meaning.rescale, own.grid.geometry),
        (Dtype::I16, header.meaning.rescale, header.grid.geometry)
    );
    assert_eq!(bytes, want);
    assert!(std::fs::read_to_string(figure).unwrap().contains("Segmented"));
    // Neither of two outputs appears if one cannot.
    let unfit = hounsfield(&[&image, &masks, words[0], &at("no.png"), words[3], &at("no.svg")]);
    assert!(matches!(unfit, Err(Error::Usage { .. })));
    assert!(!at("no.svg").exists() && !at("no.png").exists());
}

/// Masked pixels as `cv2.bitwise_and(img, img, mask=m)` gives them, by their sum; all pixels by the plain rule. tests/oracles/check_mask.py compares all
/// of them, and the table, with OpenCV and NumPy.
#[test]
fn the_ultrasound_pairs_are_segmented_as_opencv_does() {
    let set = std::env::var_os("HOUNSFIELD_DATA").map(|root| PathBuf::from(root).join("ultrasound/Dataset_BUSI_with_GT"));
    let Some(set) = set.filter(|s| s.is_dir()) else {
        eprintln!("skipped: HOUNSFIELD_DATA does not name the folder of test data");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("SegmentedImages");
    hounsfield(&[Path::new("--folder"), &set, Path::new("-o"), &out]).unwrap();
    let found = super::pairs::find(&set, &out).unwrap();
    assert_eq!((found.pairs.len(), found.unpaired.len()), (24, 0));
    for pair in &found.pairs {
        let (header, pixels) = read(&set.join(&pair.image));
        let mut mask = vec![0; pixels.len()];
        for file in &pair.masks {
            mask.iter_mut().zip(read(&set.join(file)).1).for_each(|(sum, m)| *sum |= m);
        }
        let want: Vec<u8> = pixels.iter().zip(&mask).map(|(v, m)| if *m == 0 { 0 } else { *v }).collect();
        let (own, got) = read(&out.join(&pair.image));
        assert_eq!(own.grid.shape, header.grid.shape);
        assert!(got == want, "{}", pair.image.display());
        if pair.image.ends_with("malignant (1).png") {
            let sum: String = Md5::digest(&got).iter().map(|b| format!("{b:02x}")).collect();
            assert_eq!(sum, "a90fc97284db3beabbef30888e85d6bf");
        }
    }
    let table = std::fs::read_to_string(out.join("statistics.csv")).unwrap();
    let row = table.lines().find(|l| l.starts_with("malignant/malignant (1).png")).unwrap();
    let fields: Vec<f64> = row.split(',').skip(1).map(|f| f.parse().unwrap()).collect();
    assert_eq!(fields[..4], [449.0, 598.0, 268_502.0, 90_995.0]);
    // NumPy's numbers of the pixels inside.
    let want = [71.13075443705698, 36.2741868331332, 0.0, 214.0, 64.0];
    assert!(fields[5..10].iter().zip(want).all(|(a, b)| (a - b).abs() <= 1e-9), "{row}");
}
