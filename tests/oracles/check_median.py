"""Compares `hounsfield map --steps median:1` with scipy.ndimage.median_filter(size=3, mode="nearest"), voxel by voxel.

    python check_median.py <hounsfield> <data>

<hounsfield> is the program, <data> the folder of test data. Needs numpy, scipy, nibabel. Real volumes of every stored type that they have, made ones of the
others, each with several budgets and on both devices: stored values must be equal bit for bit, and type, rescale and grid must be those of the input.
"""

import gzip
import json
import pathlib
import subprocess
import sys
import tempfile

import nibabel
import numpy as np
import scipy
import scipy.ndimage

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
    "volumes/mni152_2mm_fast/MNI152_T1_2mm_Brain_FAST_pve_1.nii.gz",
]
TYPES = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"]
wrong = checked = 0


def stored(path):
    """Stored values as they lie in the file, without the rescale, and the header."""
    image = nibabel.load(path)
    opened = gzip.open if str(path).endswith(".gz") else open
    with opened(path, "rb") as file:
        file.seek(image.dataobj.offset)
        raw = file.read()
    dtype = image.header.get_data_dtype()
    count = int(np.prod(image.shape))
    return np.frombuffer(raw[: count * dtype.itemsize], dtype).reshape(image.shape, order="F"), image


def check(path, options):
    global wrong, checked
    out = folder / "out.nii"
    line = [program, "map", path, "--steps", "median:1", "-o", out, "--json", "--force", "--quiet", *options]
    done = subprocess.run(list(map(str, line)), capture_output=True)
    if done.returncode:
        sys.exit(f"{path}: {done.stderr.decode()}")
    said = json.loads(done.stdout)
    before, image = stored(path)
    after, result = stored(out)
    volumes = before.reshape(before.shape[:3] + (-1,)) if before.ndim > 3 else before.reshape(before.shape + (1,) * (4 - before.ndim))
    want = np.stack([scipy.ndimage.median_filter(volumes[..., t], size=3, mode="nearest") for t in range(volumes.shape[3])], axis=3)
    want = want.reshape(before.shape).astype(before.dtype.newbyteorder("<"))
    slope = lambda i: (i.dataobj.slope, i.dataobj.inter)
    same = np.array_equal(after.astype(want.dtype), want) and after.dtype.newbyteorder("=") == before.dtype.newbyteorder("=")
    good = same and slope(image) == slope(result) and np.allclose(image.affine, result.affine, atol=1e-4)
    checked, wrong = checked + 1, wrong + (not good)
    print("ok   " if good else "WRONG", path.name, before.dtype, before.shape, said["device"], *options)


with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    inputs = [data / path for path in REAL]
    random = np.random.default_rng(7)
    for kind in TYPES:
        dtype = np.dtype(kind)
        if dtype.kind == "f":
            values = random.normal(0, 1e3, (23, 17, 11)).astype(dtype)
        else:
            # scipy's ranks are doubles: beyond 2**53 it no longer tells whole numbers apart.
            ends = [max(np.iinfo(dtype).min, -(2**53)), min(np.iinfo(dtype).max, 2**53)]
            values = random.integers(*ends, (23, 17, 11), dtype=dtype, endpoint=True)
        inputs.append(folder / f"noise_{kind}.nii")
        nibabel.save(nibabel.Nifti1Image(values, np.eye(4), dtype=dtype), inputs[-1])
    for path in inputs:
        for options in [["--device", "cpu"], ["--device", "gpu"], ["--device", "gpu", "--memory", "1"], ["--memory", "1", "--threads", "1"]]:
            check(path, options)
print(f"scipy {scipy.__version__}, numpy {np.__version__}: {checked} results, {wrong} wrong")
sys.exit(wrong > 0)
