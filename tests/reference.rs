//! The program against the answers of numpy, OpenCV and scikit-image on real images: `fixtures/reference.json` beside the data.

use serde_json::Value;

use crate::support::{Folder, data, md5, nifti_voxels, ok, with_gpu};

/// How far a value that is not exact may lie from numpy's.
const RELATIVE: f64 = 1e-12;

fn answers() -> Option<Value> {
    let path = data("../fixtures/reference.json")?;
    Some(serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())
}

/// Name, path and answers of every image.
fn images() -> Vec<(String, String, Value)> {
    let Some(answers) = answers() else { return Vec::new() };
    let files = answers["files"].as_object().unwrap();
    let whole = files.iter().filter(|(name, _)| !name.contains("inside mask"));
    let all: Vec<_> = whole.map(|(name, entry)| (name.clone(), data(name).unwrap(), entry.clone())).collect();
    assert!(all.len() >= 16, "{} images", all.len());
    all
}

#[track_caller]
fn close(what: &str, got: &Value, want: &Value) {
    let (got, want) = (got.as_f64().expect(what), want.as_f64().expect(what));
    let difference = (got - want).abs();
    assert!(difference <= RELATIVE * want.abs(), "{what}: {got} instead of {want}");
}

/// Statistics in one set of words against those in the other.
#[track_caller]
fn same_statistics(name: &str, got: &Value, want: &Value, entropy: &Value, exact: bool) {
    for key in ["count", "min", "max", "median"] {
        let (a, b) = (got[key].as_f64(), want[key].as_f64());
        assert!(b.is_some(), "{name}: no {key}");
        if exact {
            assert_eq!(a, b, "{name}: {key}");
        } else {
            close(&format!("{name}: {key}"), &got[key], &want[key]);
        }
    }
    for (ours, theirs) in [("mean", "mean"), ("variance", "variance_population"), ("std", "std_population")] {
        close(&format!("{name}: {ours}"), &got[ours], &want[theirs]);
    }
    for p in ["1", "5", "25", "75", "95", "99"] {
        close(&format!("{name}: percentile {p}"), &got["percentiles"][p], &want["percentiles"][p]);
    }
    close(&format!("{name}: entropy"), &got["entropy"], entropy);
}

#[test]
fn statistics_are_numpys() {
    for (name, path, entry) in images() {
        let got = ok(&["stats", "--json", "--device", "cpu", &path]).json();
        // `stats` speaks of real values. With a rescale that is not a whole number numpy's own last bit is a matter of order.
        let want = entry.get("rescaled").unwrap_or(&entry["stored"]);
        let whole = entry["slope"].as_f64().unwrap().fract() == 0.0;
        same_statistics(&name, &got, want, &entry["entropy_bits"], whole);
        assert_eq!(got["dtype"], entry["stored_dtype"], "{name}");
        // A DICOM file is a volume of one slice, where numpy has an image.
        let shape: Vec<&Value> = got["shape"].as_array().unwrap().iter().collect();
        let wanted: Vec<&Value> = entry["shape_xyz"].as_array().unwrap().iter().collect();
        assert_eq!(shape[..wanted.len()], wanted, "{name}");
    }
}

#[test]
fn statistics_inside_a_mask_are_numpys() {
    let Some(answers) = answers() else { return };
    let busi = "ultrasound/Dataset_BUSI_with_GT/malignant/malignant (1)";
    for (entry, image, mask) in [
        (
            "brainweb_t1 inside mask",
            "volumes/brainweb_mritc/brainweb_t1.nii.gz",
            "volumes/brainweb_mritc/brainweb_mask.nii.gz".to_owned(),
        ),
        ("malignant (1) inside mask", &format!("{busi}.png"), format!("{busi}_mask.png")),
    ] {
        let want = &answers["files"][entry];
        for device in devices() {
            let (image, mask) = (data(image).unwrap(), data(&mask).unwrap());
            let got = ok(&["stats", "--json", "--device", device, &image, "--mask", &mask]).json();
            // The second entry states no entropy.
            let entropy = want.get("entropy_bits").unwrap_or(&got["entropy"]);
            same_statistics(entry, &got, &want["stored"], entropy, true);
        }
    }
}

/// `cpu`, and `gpu` where there is one.
fn devices() -> &'static [&'static str] {
    if with_gpu() { &["cpu", "gpu"] } else { &["cpu"] }
}

#[test]
fn histograms_are_numpys_bin_for_bin() {
    let folder = Folder::new();
    for (name, path, entry) in images() {
        let (slope, intercept) = (entry["slope"].as_f64().unwrap(), entry["intercept"].as_f64().unwrap());
        let csv = folder.at("histogram.csv");
        ok(&["histogram", "--force", "--device", "cpu", &path, "-o", &csv]);
        let text = std::fs::read_to_string(&csv).unwrap();
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("value,count,share,cdf"), "{name}");
        let pairs: Vec<(i64, i64)> = lines
            .map(|line| {
                let mut cells = line.split(',');
                let value: f64 = cells.next().unwrap().parse().unwrap();
                let stored = ((value - intercept) / slope).round();
                assert!((slope * stored + intercept - value).abs() <= 1e-9 * value.abs(), "{name}: {value} is no stored value");
                (stored as i64, cells.next().unwrap().parse().unwrap())
            })
            .collect();
        let want = &entry["histogram"];
        let first = want["offset"].as_i64().unwrap();
        let mut bins = vec![0i64; want["bins"].as_u64().unwrap() as usize];
        for (stored, count) in &pairs {
            bins[usize::try_from(stored - first).unwrap()] = *count;
        }
        assert_eq!(pairs.len() as u64, want["occupied"].as_u64().unwrap(), "{name}");
        let bytes: Vec<u8> = bins.iter().flat_map(|n| n.to_le_bytes()).collect();
        assert_eq!(md5(&bytes), want["md5"], "{name}");
    }
}

/// Sum of the voxels that the answers hold for an equalised image: every one that is there must fit.
#[track_caller]
fn same_equalized(name: &str, voxels: &[u8], want: &Value) {
    let mut compared = 0;
    for key in ["exact8_md5", "cv2_md5", "exact16_u2le_md5"] {
        if let Some(sum) = want.get(key) {
            assert_eq!(&md5(voxels), sum, "{name}: {key}");
            compared += 1;
        }
    }
    assert!(compared > 0, "{name}: nothing to compare with");
}

#[test]
fn equalised_images_are_opencvs_and_the_exact_rule() {
    let folder = Folder::new();
    let mut compared = 0;
    for (name, path, entry) in images() {
        let Some(want) = entry.get("equalize") else { continue };
        for device in devices() {
            let out = folder.at("equalized.nii");
            ok(&["equalize", "--force", "--device", device, &path, "-o", &out]);
            same_equalized(&format!("{name} on {device}"), &nifti_voxels(&out), want);
        }
        compared += 1;
    }
    assert!(compared == 0 || compared >= 15, "{compared} images");
}

#[test]
fn equalised_pictures_hold_the_same_voxels() {
    let folder = Folder::new();
    for (name, path, entry) in images().iter().filter(|(name, ..)| name.starts_with("radiograph")) {
        for file in ["out.png", "out.tif"] {
            let (picture, volume) = (folder.at(file), folder.at("out.nii"));
            ok(&["equalize", "--force", path, "-o", &picture]);
            ok(&["convert", "--force", &picture, "-o", &volume]);
            same_equalized(&format!("{name} as {file}"), &nifti_voxels(&volume), &entry["equalize"]);
        }
    }
}

#[test]
fn stored_values_are_numpys() {
    let folder = Folder::new();
    for (name, path, entry) in images() {
        let out = folder.at("copy.nii");
        ok(&["convert", "--force", &path, "-o", &out]);
        assert_eq!(md5(&nifti_voxels(&out)), entry["stored_md5"], "{name}");
    }
}

#[test]
fn the_gpu_writes_the_same_files_as_the_cpu() {
    if !with_gpu() {
        return;
    }
    let folder = Folder::new();
    for name in [
        "dicom/ct_chest_lungpetctdx_A0002",
        "volumes/brainweb_mritc/brainweb_t1.nii.gz",
        "volumes/formats_nibabel/functional.nii",
        "radiograph/ct_lung_slice15_hu_plus1024_u16.png",
    ] {
        let Some(path) = data(name) else { return };
        let files = |device: &str| {
            let (image, csv) = (folder.at(&format!("{device}.nii")), folder.at(&format!("{device}.csv")));
            let stats = ok(&["stats", "--json", "--device", device, &path]).stdout;
            ok(&["equalize", "--force", "--device", device, &path, "-o", &image, "--depth", "8"]);
            ok(&["histogram", "--force", "--device", device, &path, "-o", &csv, "--bins", "100"]);
            (stats, std::fs::read(image).unwrap(), std::fs::read(csv).unwrap())
        };
        assert!(files("cpu") == files("gpu"), "{name}: CPU and GPU differ");
    }
}

#[test]
fn a_masked_image_is_opencvs_bitwise_and() {
    let Some(answers) = answers() else { return };
    let folder = Folder::new();
    let image = data("ultrasound/Dataset_BUSI_with_GT/malignant/malignant (1).png").unwrap();
    let mask = image.replace(".png", "_mask.png");
    for device in devices() {
        let out = folder.at("masked.nii");
        ok(&["mask", "--force", "--device", device, &image, &mask, "-o", &out]);
        assert_eq!(md5(&nifti_voxels(&out)), answers["files"]["malignant (1) inside mask"]["and_md5"], "{device}");
    }
}
