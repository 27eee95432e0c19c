"""Compares hounsfield's thresholds, windows and normalisations with scikit-image, pydicom and numpy, on real files.

    python check_thresholds.py <hounsfield> <data> [<folder for copies>]

<hounsfield> is the program, <data> the folder of test data. Needs numpy, nibabel, pydicom, scikit-image. Thresholds of two classes must
be scikit-image's; those of three classes must part the variance no worse than its (its first bin is weighted wrongly, pull
requests 6596 and 8252). Classes and windows are compared voxel by voxel, as are the steps of nnU-Net.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import time
import warnings

import nibabel
import numpy as np
import pydicom
import pydicom.pixels
import skimage
import skimage.filters

warnings.filterwarnings("ignore")
program, data = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
copies = pathlib.Path(sys.argv[3]) if len(sys.argv) > 3 else pathlib.Path(tempfile.mkdtemp())
CT = data / "dicom/ct_chest_lungpetctdx_A0002"
MR = data / "dicom/mr_brain_pgbm001"
T1 = data / "volumes/brainweb_mritc/brainweb_t1.nii.gz"
wrong = []


def run(command, path, *options):
    """The written voxels, as numbers, and what the program says."""
    out = copies / "out.nii"
    done = subprocess.run([program, command, path, "-o", out, "--json", "--force", "--quiet", *map(str, options)], capture_output=True)
    if done.returncode:
        sys.exit(done.stderr.decode())
    image = nibabel.load(out)
    return np.asanyarray(image.dataobj).copy(), json.loads(done.stdout)


def check(name, good):
    print("ok   " if good else "WRONG", name)
    if not good:
        wrong.append(name)


def between(image, thresholds):
    """Between-class variance."""
    classes = np.digitize(image.ravel(), thresholds, right=True)
    n = np.bincount(classes).astype(float)
    sums = np.bincount(classes, weights=image.ravel())
    return (sums**2 / n).sum() / n.sum() - (sums.sum() / n.sum()) ** 2


def slices(folder):
    """The data sets of a series by position, and the real values as hounsfield stores them: x first."""
    sets = [pydicom.dcmread(f) for f in folder.iterdir() if f.suffix in (".dcm", "")]
    sets.sort(key=lambda s: float(np.dot(s.ImagePositionPatient, np.cross(s.ImageOrientationPatient[:3], s.ImageOrientationPatient[3:]))))
    return sets


subprocess.run([program, "convert", CT, "-o", copies / "ct.nii", "--force", "--quiet"], check=True)
subprocess.run([program, "convert", MR, "-o", copies / "mr.nii", "--force", "--quiet"], check=True)
volumes = {"CT": (CT, nibabel.load(copies / "ct.nii")), "MR": (MR, nibabel.load(copies / "mr.nii")), "T1": (T1, nibabel.load(T1))}

for name, (path, image) in volumes.items():
    real = np.asanyarray(image.dataobj)
    real = np.round(real).astype(np.int16 if real.min() < 0 or real.max() > 255 else np.uint8)
    labels, said = run("threshold", path)
    check(f"{name}: Otsu {said['thresholds']}", said["thresholds"] == [skimage.filters.threshold_otsu(real)])
    check(f"{name}: its classes", np.array_equal(labels, (real > said["thresholds"][0]).astype(np.uint8)))
    check(f"{name}: its voxels", [c["voxels"] for c in said["classes"]] == np.bincount(labels.ravel()).tolist())
    labels, said = run("threshold", path, "--otsu", 3)
    theirs = skimage.filters.threshold_multiotsu(real, 3)
    ours = between(real, said["thresholds"])
    check(f"{name}: three classes {said['thresholds']}, scikit-image {theirs.tolist()}", ours >= between(real, theirs) * (1 - 1e-12))
    check(f"{name}: three classes, voxel by voxel", np.array_equal(labels, np.digitize(real, said["thresholds"], right=True)))
    share = ours / real.astype(float).var()
    check(f"{name}: separability {share:.6f}", abs(share - said["steps"][0]["separability"]) < 1e-9)
    for classes in (4, 5):
        labels, said = run("threshold", path, "--otsu", classes)
        check(f"{name}: {classes} classes", np.array_equal(labels, np.digitize(real, said["thresholds"], right=True)))
    labels, said = run("threshold", path, "--percentile", "25,75")
    check(f"{name}: percentiles", np.allclose(said["thresholds"], np.percentile(real, [25, 75]), rtol=1e-12))

    # Chains, in float64, rounded once.
    x = real.astype(float)
    clipped = np.clip(x, -1000, 400)
    for steps, want in {
        "zscore": (x - x.mean()) / x.std(),
        "clip:-1000:400,zscore": (clipped - clipped.mean()) / clipped.std(),
        "nnunet": (np.clip(x, *np.percentile(x, [0.5, 99.5])) - x.mean()) / x.std(),
        "minmax,gamma:0.5": ((x - x.min()) / (x.max() - x.min())) ** 0.5,
    }.items():
        got, _ = run("map", path, "--steps", steps, "--to", "f32")
        worst = np.abs(got - want).max()
        check(f"{name}: {steps}, off by {worst:.1e}", got.dtype == np.float32 and worst < 4e-7 * np.abs(want).max())
    # True floats: a volume that is no whole numbers any more.
    part = copies / "float.nii"
    values = (x / 7).astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(values, image.affine), part)
    f = values.astype(float)
    got, said = run("map", part, "--steps", "percentile:0.5:99.5,zscore")
    c = np.clip(f, *np.percentile(f, [0.5, 99.5]))
    want = (c - c.mean()) / c.std()
    bin_width = (f.max() - f.min()) / 65_536 / c.std()
    worst = np.abs(got - want).max()
    check(f"{name}: floats, {worst:.1e} with bins of {bin_width:.1e} wide", worst < 2 * bin_width + said["bound"])
    labels, said = run("threshold", part)
    t = said["thresholds"][0]
    check(f"{name}: Otsu of floats {t:.5g}", np.array_equal(labels, (f > t).astype(np.uint8)))
    best = between(f, [t]), between(f, [skimage.filters.threshold_otsu(values, nbins=65_536)])
    check(f"{name}: parted as well as by scikit-image", best[0] >= best[1] * (1 - 1e-6))

sets = slices(CT)
for function in ("LINEAR", "LINEAR_EXACT", "SIGMOID"):
    for center, width in ((-600, 1500), (40, 80), (50.5, 1)):
        if function == "SIGMOID" and width == 1:
            continue
        want = []
        for s in sets:
            s.WindowCenter, s.WindowWidth, s.VOILUTFunction = center, width, function
            hu = s.pixel_array * float(s.RescaleSlope) + float(s.RescaleIntercept)
            # pydicom gives results over the range that the stored bits make real values of; 0 to 1 here.
            low = float(s.RescaleIntercept) + (-(2 ** (s.BitsStored - 1)) if s.PixelRepresentation else 0) * float(s.RescaleSlope)
            high = low + (2**s.BitsStored - 1) * float(s.RescaleSlope)
            want.append(((pydicom.pixels.apply_windowing(hu, s) - low) / (high - low)).T)
        want = np.stack(want, axis=-1)
        name = function.lower().replace("_", "-")
        got, _ = run("window", CT, "--center", center, "--width", width, "--function", name, "--to", "f32")
        image = nibabel.load(copies / "out.nii")
        ours = nibabel.load(copies / "ct.nii")
        assert np.array_equal(image.affine, ours.affine) and got.shape == want.shape, (got.shape, want.shape)
        worst = np.abs(got - want).max()
        check(f"window {center}/{width} {function}, off by {worst:.1e}", worst < 1e-7)

# In memory as scikit-image likes it best.
real = np.ascontiguousarray(np.round(np.asanyarray(volumes["CT"][1].dataobj)).astype(np.int16))
for what, work in {
    "scikit-image threshold_otsu, two classes": lambda: skimage.filters.threshold_otsu(real),
    "scikit-image threshold_multiotsu, three classes": lambda: skimage.filters.threshold_multiotsu(real, 3),
}.items():
    times = []
    for _ in range(5):
        start = time.perf_counter()
        work()
        times.append(1e3 * (time.perf_counter() - start))
    print(f"{what}: {sorted(times)[2]:.1f} ms, {real.size} voxels of int16 (median of 5)")
print(f"numpy {np.__version__}, scikit-image {skimage.__version__}, pydicom {pydicom.__version__}, nibabel {nibabel.__version__}")
sys.exit(f"{len(wrong)} wrong" if wrong else 0)
