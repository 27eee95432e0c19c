"""Compares `hounsfield project` with numpy along an axis, voxel by voxel, and the grid of the result with what nibabel makes of the input's.

    python check_project.py <hounsfield> <data>

<hounsfield> is the program, <data> the folder of test data. Needs numpy, nibabel. Real volumes of every stored type that they have, oblique and flipped ones and a time
series among them; every plane, every way, whole and in slabs of mm and of slices, on both devices and in little memory. Stored values must be equal bit for bit (but
for which NaN), sums as float32 to their rounding; the affine to 1e-4 mm.
"""

import itertools
import json
import pathlib
import subprocess
import sys
import tempfile

import nibabel
import numpy as np

from nifti import stored

program, data = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
REAL = [
    "volumes/brainweb_mritc/brainweb_t1.nii.gz",
    "volumes/mni152_2mm_fast/MNI152_T1_2mm.nii.gz",
    "volumes/totalsegmentator/example_ct_sm.nii.gz",
    "volumes/totalsegmentator/example_ct.nii.gz",
    "volumes/formats_oro_nifti/zstat1.nii.gz",
    "volumes/formats_oro_nifti/mniLR.nii.gz",
    "volumes/spm12/grey.nii",
    "volumes/cine_sunnybrook/SCD2001_cine4d.nii.gz",
]
NORMAL = {"axial": 2, "coronal": 1, "sagittal": 0}
wrong = checked = 0


def along(values, axis, how, slope, inter):
    """One slab."""
    values = np.moveaxis(values, axis, 0)
    n = len(values)
    if how in ("max", "min"):
        return (values.max(0) if (how == "max") == (slope > 0) else values.min(0)), None
    if how == "median":
        place = (n - 1) // 2 if slope > 0 else n // 2
        middle = np.sort(values, axis=0)[place]
        return np.where(np.isnan(values).any(0), np.nan, middle).astype(values.dtype) if values.dtype.kind == "f" else middle, None
    if values.dtype.kind == "f":
        total = np.add.reduce(values.astype(np.float64), 0)
    else:
        total = values.astype(object).sum(0) if values.dtype.itemsize > 4 else values.astype(np.int64).sum(0)
    if how == "sum":
        return slope * total.astype(np.float64) + inter * n, "sum"
    if values.dtype.kind == "f":
        return (total / n).astype(values.dtype), "mean"
    return ((2 * total + n) // (2 * n)).astype(values.dtype), None


def same(got, want, kind, dtype):
    if kind == "sum":
        if got.dtype.kind in "iu":
            return np.array_equal(got.astype(np.float64), want)
        return np.allclose(got, want.astype(np.float32), rtol=2e-7, atol=1e-30, equal_nan=True)
    if kind == "mean":
        return np.allclose(got, want, rtol=1e-6, atol=1e-30, equal_nan=True)
    return got.dtype == dtype and np.array_equal(got, want, equal_nan=dtype.kind == "f")


def check(path, plane, how, slab, options):
    global wrong, checked
    out = folder / "out.nii"
    line = [program, "project", path, "--along", plane, "--how", how, "-o", out, "--json", "--force", "--quiet", *options]
    done = subprocess.run(list(map(str, line + (["--slab", slab] if slab else []))), capture_output=True)
    if done.returncode:
        sys.exit(f"{path}: {done.stderr.decode()}")
    said = json.loads(done.stdout)
    before, image = stored(path)
    after, result = stored(out)
    slope, inter = (float(v) if v is not None and np.isfinite(v) else d for v, d in [(image.dataobj.slope, 1), (image.dataobj.inter, 0)])
    axis = int(np.flatnonzero(nibabel.io_orientation(image.affine)[:, 0] == NORMAL[plane])[0])
    spacing = float(np.linalg.norm(image.affine[:3, axis]))
    thick = before.shape[axis] if slab is None else max(1, int(np.floor(float(slab[:-2]) / spacing + 0.5))) if slab.endswith("mm") else int(slab)
    thick = min(thick, before.shape[axis])
    parts, kind = [], None
    for at in range(0, before.shape[axis], thick):
        part, kind = along(np.take(before, range(at, min(at + thick, before.shape[axis])), axis), axis, how, slope, inter)
        parts.append(part)
    want = np.stack(parts, axis)
    affine = image.affine.copy()
    affine[:3, 3] += affine[:3, axis] * (thick - 1) / 2
    affine[:3, axis] *= thick
    shape = after.shape + (1,) * (want.ndim - after.ndim)
    good = shape == want.shape and same(after.reshape(shape), want, kind, before.dtype) and np.allclose(result.affine, affine, atol=1e-4)
    good = good and said["axis"] == "xyz"[axis] and said["slab_slices"] == thick
    checked, wrong = checked + 1, wrong + (not good)
    print("ok   " if good else "WRONG", path.name, before.dtype, before.shape, plane, how, slab, said["dtype"], said["device"], *options, flush=True)


with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    inputs = [data / path for path in REAL]
    random = np.random.default_rng(7)
    for kind in ["u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8", "i8"]:
        dtype = np.dtype(kind)
        if dtype.kind == "f":
            values = random.normal(0, 1e3, (23, 17, 11)).astype(dtype)
            values[random.random(values.shape) < 0.002] = np.nan
        else:
            ends = [max(np.iinfo(dtype).min, -(2**40)), min(np.iinfo(dtype).max, 2**40)]
            values = random.integers(*ends, (23, 17, 11), dtype=dtype, endpoint=True)
        affine = np.array([[0, 0, -2.5, 3], [0.7, 0.1, 0, 5], [-0.1, 0.7, 0, 7], [0, 0, 0, 1]]) if kind in ("i2", "f4") else np.eye(4)
        image = nibabel.Nifti1Image(values, affine, dtype=dtype)
        if kind in ("u1", "i2"):
            image.header.set_slope_inter(-0.5, 12)
        inputs.append(folder / f"noise_{kind}.nii")
        nibabel.save(image, inputs[-1])
    ways = list(itertools.product(["axial", "coronal", "sagittal"], ["max", "min", "mean", "sum", "median"]))
    ends = [["--device", "cpu"], ["--device", "gpu", "--memory", "8"], ["--memory", "1", "--threads", "1"]]
    slabs = [None, "10mm", "3"]
    # Every image in every way; slabs, devices and memories in turn, so that all of them meet.
    for turn, ((plane, how), path) in enumerate(itertools.product(ways, inputs)):
        options, slab = ends[turn % 3], slabs[turn // 3 % 3]
        # The median of a whole axis of a large image wants it in memory, and a software device wants patience.
        if how == "median" and "1" in options or "gpu" in options and "cine" in path.name:
            options = ends[0]
        check(path, plane, how, slab, options)
print(f"numpy {np.__version__}: {checked} results, {wrong} wrong")
sys.exit(wrong > 0)
