"""Compares medians, ranks and morphology of `hounsfield map` with scipy.ndimage, voxel by voxel.

    python check_neighbours.py <hounsfield> <data> [<step>...]

<hounsfield> is the program, <data> the folder of test data. Needs numpy, scipy, nibabel. Real volumes of every stored type that they have, made ones of the
others, each with several budgets and on both devices: stored values must be equal bit for bit, and type, rescale and grid must be those of the input.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import nibabel
import numpy as np
import scipy
import scipy.ndimage

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
    "volumes/mni152_2mm_fast/MNI152_T1_2mm_Brain_FAST_pve_1.nii.gz",
]
TYPES = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"]
GPU = [["--device", "gpu"], ["--device", "gpu", "--memory", "2"]]
wrong = checked = 0


def ball(x, y, z):
    axes = [np.arange(-r, r + 1) / max(r, 1) for r in (x, y, z)]
    return sum(a**2 for a in np.meshgrid(*axes, indexing="ij")) <= 1 + 1e-9


def box(x, y, z):
    return np.ones((2 * x + 1, 2 * y + 1, 2 * z + 1), bool)


def ranked(share):
    def of(volume, footprint):
        count = int(footprint.sum())
        rank = count // 2 if share == 0.5 else min(int(count * (100 * share) / 100.0), count - 1)
        return scipy.ndimage.rank_filter(volume, rank, footprint=footprint, mode="nearest")

    return of


def grey(name):
    return lambda volume, footprint: getattr(scipy.ndimage, name)(volume, footprint=footprint, mode="nearest")


def less(upper, lower):
    """Differences in numbers that hold them."""

    def of(volume, footprint):
        wide = volume if volume.dtype.kind == "f" else volume.astype(np.int64)
        return upper(wide, footprint) - lower(wide, footprint)

    return of


def itself(volume, _):
    return volume


# What is typed, and what SciPy is asked for. An axis of one voxel has no neighbours.
STEPS = {
    "median:1": (box, (1, 1, 1), ranked(0.5)),
    "median:2": (box, (2, 2, 2), ranked(0.5)),
    "median:3x2x1": (box, (3, 2, 1), ranked(0.5)),
    "median:2:ball": (ball, (2, 2, 2), ranked(0.5)),
    "rank:2x1x1:30": (box, (2, 1, 1), ranked(0.3)),
    "min:3": (box, (3, 3, 3), ranked(0.0)),
    "max:2x0x4": (box, (2, 0, 4), ranked(1.0)),
    "max:3:ball": (ball, (3, 3, 3), ranked(1.0)),
    "erode:2": (box, (2, 2, 2), grey("grey_erosion")),
    "open:2x1x1": (box, (2, 1, 1), grey("grey_opening")),
    "close:2:ball": (ball, (2, 2, 2), grey("grey_closing")),
    "tophat:2": (box, (2, 2, 2), less(itself, grey("grey_opening"))),
    "blackhat:1x2x3": (box, (1, 2, 3), less(grey("grey_closing"), itself)),
    "gradient:2:ball": (ball, (2, 2, 2), less(grey("grey_dilation"), grey("grey_erosion"))),
}
DIFFERENCES = ("tophat", "blackhat", "gradient")


def check(path, step, options):
    global wrong, checked
    out = folder / "out.nii"
    line = [program, "map", path, "--steps", step, "-o", out, "--json", "--force", "--quiet", *options]
    done = subprocess.run(list(map(str, line)), capture_output=True)
    if done.returncode:
        sys.exit(f"{path}: {done.stderr.decode()}")
    said = json.loads(done.stdout)
    before, image = stored(path)
    after, result = stored(out)
    volumes = before.reshape(before.shape[:3] + (-1,)) if before.ndim > 3 else before.reshape(before.shape + (1,) * (4 - before.ndim))
    shape, reach, wanted = STEPS[step]
    footprint = shape(*reach)
    want = np.stack([wanted(volumes[..., t], footprint) for t in range(volumes.shape[3])], axis=3)
    kept = before.dtype.newbyteorder("=")
    signless = np.dtype(f"u{kept.itemsize}") if kept.kind == "i" else kept
    want = want.reshape(before.shape).astype(signless if step.split(":")[0] in DIFFERENCES else kept)
    slope = lambda i: (i.dataobj.slope, i.dataobj.inter)
    same = np.array_equal(after.astype(want.dtype), want) and after.dtype.newbyteorder("=") == want.dtype
    means = slope(result)[0] == abs(slope(image)[0]) if step.split(":")[0] in DIFFERENCES else slope(result) == slope(image)
    good = same and means and np.allclose(image.affine, result.affine, atol=1e-4)
    checked, wrong = checked + 1, wrong + (not good)
    print("ok   " if good else "WRONG", path.name, step, before.dtype, before.shape, said["device"], *options)


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
        for step in sys.argv[3:] or STEPS:
            if min(nibabel.load(path).shape[:3]) <= max(STEPS[step][1]):
                continue
            # A device in software takes minutes for large ones.
            small = np.prod(nibabel.load(path).shape) < 50_000
            for options in [["--device", "cpu"], ["--memory", "2", "--threads", "1"]] + GPU * int(small):
                check(path, step, options)
print(f"scipy {scipy.__version__}, numpy {np.__version__}: {checked} results, {wrong} wrong")
sys.exit(wrong > 0)
