"""Compares `hounsfield distance` with SciPy, edt and SimpleITK, voxel by voxel.

    python check_distance.py <hounsfield> <data>

<hounsfield> is the program, <data> the folder of test data. Needs numpy, scipy, edt, SimpleITK, nibabel. Real masks and label maps, made ones of awkward shapes and spacings;
each in memory, through a scratch file and on the first adapter, which must give the same bytes. Then

- squared distances, as whole numbers over the spacing's own decimals, equal edt.edtsq with the same whole weights in every voxel (rounded to f32 once);
- distances lie within one unit in the last place of f32 of scipy.ndimage.distance_transform_edt;
- outside, signed distances are those of SimpleITK's SignedMaurerDistanceMap within its own f32 rounding; inside, those of the opposite mask, for it measures inside to the nearest
  voxel at the mask's edge: there ours are longer, by at most the diagonal of a voxel;
- the nearest label is that of a voxel as near as any (edt to that label alone), and, against every pair in small volumes, the one of the lowest index.
"""

import fractions
import json
import math
import pathlib
import subprocess
import sys
import tempfile

import edt
import nibabel
import numpy as np
import scipy.ndimage
import SimpleITK as sitk

program, data = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
REAL = [
    "volumes/brainweb_mritc/brainweb_mask.nii.gz",
    "volumes/totalsegmentator/example_seg.nii.gz",
    "volumes/heart_msd_task02/labelsTr/la_005.nii.gz",
    "volumes/mni152_2mm_fast/MNI152_T1_2mm_Brain_FAST_seg.nii.gz",
]
wrong = checked = 0


def run(path, out, *options):
    line = [program, "distance", path, "-o", out, "--json", "--force", "--quiet", *options]
    done = subprocess.run(list(map(str, line)), capture_output=True)
    if done.returncode:
        sys.exit(f"{path} {options}: {done.stderr.decode()}")
    return json.loads(done.stdout)


def weights(spacing, shape):
    """Whole numbers in the proportions of the shortest decimals that give the f32 back, and what one of them is worth. An axis of one voxel has no say."""
    exact = [fractions.Fraction(np.format_float_positional(np.float32(s), unique=True, trim="-")) for s, n in zip(spacing, shape) if n > 1]
    common = math.lcm(*(f.denominator for f in exact))
    whole = [int(f * common) for f in exact]
    divisor = math.gcd(*whole)
    used = iter(whole)
    return [next(used) // divisor if n > 1 else 1 for n in shape], fractions.Fraction(divisor, common)


def note(name, what, bad, count):
    global wrong, checked
    checked += 1
    if bad:
        wrong += 1
        print(f"{name}: {what}: {bad} of {count} voxels differ")


def ulps(a, b):
    """How many f32 lie between two arrays of positive numbers."""
    return np.abs(a.astype(np.float32).view(np.int32).astype(np.int64) - b.astype(np.float32).view(np.int32))


def check(path):
    image = nibabel.load(path)
    labels = np.asarray(image.dataobj)
    labels = labels.reshape(labels.shape[:3])
    inside, spacing = labels != 0, image.header.get_zooms()[:3]
    whole, unit = weights(spacing, labels.shape)
    name = f"{path.name} {labels.shape} {tuple(map(float, spacing))} {whole}"
    if max(whole) * max(labels.shape) >= 2**24:
        sys.exit(f"{name}: edt computes in f32, these weights are too large for it")

    maps = {}
    for side in ((), ("--outside",), ("--signed",), ("--squared",), ("--outside", "--squared")):
        files = []
        for way in ((), ("--memory", "1"), ("--device", "0")):
            said = run(path, folder / "o.nii", *side, *way)
            files.append((folder / "o.nii").read_bytes())
        note(name, f"{side} on every way", sum(f != files[0] for f in files), len(files))
        maps[side] = np.asarray(nibabel.load(folder / "o.nii").dataobj).reshape(labels.shape)
        note(name, f"weights {said['weights']}", said["weights"] != [w if n > 1 else 0 for w, n in zip(whole, labels.shape)], 1)
    # edt runs in f32: below 2^24 squares are exact.
    for side, mask in ((("--squared",), inside), (("--outside", "--squared"), ~inside)):
        square = edt.edtsq(np.asfortranarray(mask), anisotropy=[float(w) for w in whole], black_border=False)
        exact = square < 2**24
        mine = maps[side]
        # One rounding of a fraction of whole numbers, by way of f64, which is right unless that lies between two f32.
        want = (square.astype(np.float64) * float(unit) ** 2).astype(np.float32)
        note(name, f"edt {side}", np.count_nonzero((ulps(want, mine) > 0) & exact), exact.sum())
        far = maps[tuple(s for s in side if s != "--squared")]
        want = scipy.ndimage.distance_transform_edt(mask, sampling=[float(unit * w) for w in whole])
        note(name, f"SciPy {side}", np.count_nonzero(ulps(want, far) > 1), mask.size)
    signed = maps[("--signed",)]
    note(name, "signs", np.count_nonzero(signed != maps[("--outside",)] - maps[()]), signed.size)

    def maurer(mask):
        picture = sitk.GetImageFromArray(mask.transpose(2, 1, 0).astype(np.uint8))
        # In whole numbers: with 0.7 x 0.7 x 2.5 it is off by up to 8e-6 mm by itself.
        picture.SetSpacing([float(w) for w in whole])
        made = sitk.SignedMaurerDistanceMap(picture, insideIsPositive=False, squaredDistance=False, useImageSpacing=True)
        return sitk.GetArrayFromImage(made).transpose(2, 1, 0) * float(unit)

    itk, opposite = maurer(inside), maurer(~inside)
    near = lambda a, b: np.abs(a - b) > 2e-6 * np.abs(b) + 1e-6
    note(name, "SimpleITK outside", np.count_nonzero(near(signed[~inside], itk[~inside])), (~inside).sum())
    note(name, "SimpleITK inside, of the opposite mask", np.count_nonzero(near(-signed[inside], opposite[inside])), inside.sum())
    more = itk[inside] - signed[inside]
    diagonal = float(unit) * math.hypot(*(w for w, n in zip(whole, labels.shape) if n > 1))
    note(name, "SimpleITK inside, longer by a voxel", np.count_nonzero((more < -1e-4) | (more > diagonal + 1e-4)), inside.sum())

    files = []
    for way in ((), ("--memory", "1"), ("--threads", "1")):
        run(path, folder / "o.nii", "--outside", "--nearest", folder / "n.nii", *way)
        files.append((folder / "n.nii").read_bytes())
    note(name, "nearest on every way", sum(f != files[0] for f in files), len(files))
    nearest = np.asarray(nibabel.load(folder / "n.nii").dataobj).reshape(labels.shape)
    note(name, "nearest inside", np.count_nonzero(nearest[inside] != labels[inside]), inside.sum())
    all_squares = edt.edtsq(np.asfortranarray(~inside), anisotropy=[float(w) for w in whole], black_border=False)
    for label in np.unique(nearest):
        own = edt.edtsq(np.asfortranarray(labels != label), anisotropy=[float(w) for w in whole], black_border=False)
        here = nearest == label
        note(name, f"nearest {label}", np.count_nonzero(own[here] != all_squares[here]), here.sum())
    indices = scipy.ndimage.distance_transform_edt(~inside, sampling=[float(w) for w in whole], return_distances=False, return_indices=True)
    ties = np.count_nonzero(labels[tuple(indices)] != nearest)
    print(f"{name}: of {labels.size} voxels SciPy takes another of equally near labels in {ties}")
    if labels.size <= 20_000:
        places = np.argwhere(inside.transpose(2, 1, 0))[:, ::-1]
        grid = np.argwhere(np.ones(labels.shape[::-1], bool))[:, ::-1]
        first = np.empty(len(grid), np.int64)
        for i in range(0, len(grid), 256):
            squares = sum((whole[a] * (grid[i : i + 256, None, a] - places[None, :, a])) ** 2 for a in range(3))
            first[i : i + 256] = squares.argmin(1)
        want = labels[tuple(places[first].T)].reshape(labels.shape[::-1]).transpose(2, 1, 0)
        note(name, "nearest of every pair", np.count_nonzero(want != nearest), labels.size)


with tempfile.TemporaryDirectory() as at:
    folder = pathlib.Path(at)
    noise = np.random.default_rng(5)
    for shape, spacing in [
        ((1, 1, 9), (1, 1, 2.5)),
        ((17, 13, 1), (0.7, 0.9, 4)),
        ((67, 3, 5), (0.7, 0.7, 2.5)),
        ((23, 29, 19), (0.9765625, 0.9765625, 2.5)),
        ((31, 24, 20), (0.48828125, 0.5, 3)),
        ((3, 700, 2), (1, 1, 1)),
        ((129, 65, 33), (0.4, 0.3, 0.5)),
    ]:
        for density in (0.02, 0.5, 0.98):
            made = (noise.random(shape) < density) * noise.integers(1, 300, shape)
            made.flat[0], made.flat[-1] = 0, 7
            image = nibabel.Nifti1Image(made.astype(np.uint16), np.diag([*spacing, 1]))
            nibabel.save(image, folder / "made.nii")
            check(folder / "made.nii")
    for path in REAL:
        check(data / path)
print(f"{checked} checks, {wrong} wrong")
sys.exit(wrong > 0)
