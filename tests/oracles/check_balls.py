"""Compares erosion, dilation, opening and closing of masks by large balls (`hounsfield map`) with scipy.ndimage, voxel by voxel.

    python check_balls.py <hounsfield> <data>

<hounsfield> is the program, <data> the folder of test data. Needs numpy, scipy, nibabel. Real masks, also such that a threshold makes of images, and a made one; balls in mm and in voxels; each
with several budgets, small ones on both devices. SciPy's own distance in f64, and for voxels a footprint, which is another algorithm.
"""

import pathlib
import subprocess
import sys
import tempfile

import nibabel
import numpy as np
import scipy
from scipy import ndimage

program, data = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
# File, and the steps that make a mask of it.
REAL = [
    ("volumes/brainweb_mritc/brainweb_mask.nii.gz", ""),
    ("volumes/heart_msd_task02/labelsTr/la_005.nii.gz", ""),
    ("volumes/totalsegmentator/example_ct_sm.nii.gz", "threshold:-300,"),
    ("volumes/mni152_2mm_fast/MNI152_T1_2mm.nii.gz", "otsu,"),
]
wrong = checked = 0


def map_(path, steps, *options):
    out = folder / "out.nii"
    line = [program, "map", path, "--steps", steps, "-o", out, "--force", "--quiet", *options]
    done = subprocess.run(list(map(str, line)), capture_output=True)
    if done.returncode:
        sys.exit(f"{path} {steps}: {done.stderr.decode()}")
    return np.asarray(nibabel.load(out).dataobj) > 0


def by_distance(mask, radius, spacing):
    """Whether the nearest voxel of the mask lies within the radius; decimals, so a little more."""
    if not mask.any():
        return mask
    return ndimage.distance_transform_edt(~mask, sampling=spacing) <= radius * (1 + 1e-7)


def by_footprint(mask, radius, _):
    axes = np.ogrid[tuple(slice(-radius, radius + 1) if n > 1 else slice(0, 1) for n in mask.shape)]
    return ndimage.grey_dilation(mask.astype(np.uint8), footprint=sum(a**2 for a in axes) <= radius**2, mode="nearest") > 0


def expected(name, mask, *how):
    grow, shrink = (lambda m: large(m, *how)), (lambda m: ~large(~m, *how))
    large = by_distance if how[1] is not None else by_footprint
    return {"dilate": lambda: grow(mask), "erode": lambda: shrink(mask), "open": lambda: grow(shrink(mask)), "close": lambda: shrink(grow(mask))}[name]()


def check(path, before, radius, unit):
    global wrong, checked
    image = nibabel.load(path)
    mask = map_(path, before.rstrip(",")) if before else np.asarray(image.dataobj) > 0
    spacing = None if unit == "" else [float(np.format_float_positional(np.float32(s))) for s in image.header.get_zooms()[:3]]
    small = mask.size < 300_000
    for name in ("erode", "dilate", "open", "close"):
        want = expected(name, mask, radius, spacing)
        for options in [["--device", "cpu"], ["--memory", "128", "--threads", "1"]] + [["--device", "gpu"]] * small:
            bad = int((map_(path, f"{before}{name}:{radius}{unit}:ball", *options) != want).sum())
            checked, wrong = checked + 1, wrong + (bad > 0)
            print("WRONG" if bad else "ok   ", pathlib.Path(path).name, f"{before}{name}:{radius}{unit}:ball", mask.shape, *options, f"{bad} differ" if bad else "", flush=True)


with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    for path, before in REAL:
        spacing = nibabel.load(data / path).header.get_zooms()[:3]
        for radius in (11.5 * min(spacing), 20.0):
            check(data / path, before, round(float(radius), 3), "mm")
    noise = ndimage.gaussian_filter(np.random.default_rng(3).normal(size=(67, 50, 33)), 3) > 0.01
    made = folder / "made.nii"
    nibabel.save(nibabel.Nifti1Image(noise.astype(np.float32), np.diag([0.9766, 0.9766, 2.5, 1])), made)
    check(made, "", 13.3, "mm")
    check(made, "", 12, "")
print(f"scipy {scipy.__version__}, numpy {np.__version__}: {checked} results, {wrong} wrong")
sys.exit(wrong > 0)
