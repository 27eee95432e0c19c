"""Compares `hounsfield label` with scipy.ndimage and cc3d, voxel by voxel, and its table with theirs.

    python check_label.py <hounsfield> <data>

<hounsfield> is the program, <data> the folder of test data. Needs numpy, scipy, nibabel, pandas, connected-components-3d.

Masks by scipy.ndimage.label and cc3d, label maps by cc3d, both numbered by first voxel, x fastest; sizes, boxes and centroids by scipy.ndimage, places in the patient by nibabel's affine; the
choice by size, the order and holes (scipy's, label by label, of which the smallest wins) by NumPy. Made volumes of several densities and shapes, real masks, label maps and CT, in several budgets.
"""

import importlib.metadata
import pathlib
import subprocess
import sys
import tempfile

import cc3d
import nibabel
import numpy as np
import pandas
import scipy
from scipy import ndimage

program, data = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
MAPS = ["volumes/mni152_2mm_fast/MNI152_T1_2mm_Brain_FAST_seg.nii.gz", "volumes/totalsegmentator/example_seg.nii.gz"]
CT = "volumes/totalsegmentator/example_ct.nii.gz"
FACES, CORNERS = (ndimage.generate_binary_structure(3, n) for n in (1, 3))
wrong = checked = 0


def report(good, *what):
    global wrong, checked
    checked, wrong = checked + 1, wrong + (not good)
    if not good:
        print("WRONG", *what, flush=True)


def run(path, *options):
    out, table = folder / "out.nii", folder / "out.csv"
    line = [program, "label", path, "-o", out, "--table", table, "--force", "--quiet", *options]
    done = subprocess.run(list(map(str, line)), capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{path} {options}: {done.stderr}")
    return np.asarray(nibabel.load(out).dataobj), pandas.read_csv(table)


def turned(voxels):
    """So that both number in the order in which a file has the first voxels."""
    return np.ascontiguousarray(voxels.T)


def renumbered(labels, order):
    new = np.zeros(labels.max() + 1, np.uint32)
    new[np.asarray(order, int)] = np.arange(1, len(order) + 1)
    return new[labels]


def filled(labels, slices):
    """What scipy fills of each label by itself where there is background; of several the one whose hole is the smallest."""
    out, smallest = labels.copy(), np.full(labels.shape, np.iinfo(np.int64).max)
    structure = FACES.copy()
    if slices:
        structure[..., 0] = structure[..., 2] = False
    for label, box in enumerate(ndimage.find_objects(labels), 1):
        if box is None:
            continue
        own = labels[box] == label
        holes = ndimage.binary_fill_holes(own, structure) & ~own
        holes, _ = ndimage.label(holes, structure)
        size = np.bincount(holes.ravel())[holes]
        better = (holes > 0) & (labels[box] == 0) & (size < smallest[box])
        out[box][better], smallest[box][better] = label, size[better]
    return out


def check_table(labels, table, path, what):
    """Against the labels that were written."""
    image = nibabel.load(path)
    count = int(labels.max())
    good = list(table["label"]) == list(range(1, count + 1))
    if count and good:
        index = np.arange(1, count + 1)
        voxels = np.bincount(labels.ravel(), minlength=count + 1)[1:]
        boxes = np.array([[[s.start, s.stop - 1] for s in box] for box in ndimage.find_objects(labels)])
        centres = np.array(ndimage.center_of_mass(np.ones(labels.shape, np.uint8), labels, index))
        places = nibabel.affines.apply_affine(image.affine, centres) * [-1, -1, 1]
        good &= np.array_equal(table["voxels"], voxels)
        for axis, name in enumerate("xyz"):
            good &= np.array_equal(table[f"{name}_min"], boxes[:, axis, 0]) and np.array_equal(table[f"{name}_max"], boxes[:, axis, 1])
            good &= np.allclose(table[f"centroid_{name}"], centres[:, axis], atol=1e-9)
            good &= np.allclose(table[f"centroid_{name}_mm"], places[:, axis], atol=1e-3)
        if labels.shape[2] > 1:
            good &= np.allclose(table["volume_mm3"], voxels * abs(np.linalg.det(image.affine)), rtol=1e-5)
    report(bool(good), "table", what)


def check(path, voxels, what, by_label):
    """All modes; `voxels` are what the program is to see as labels."""
    for connectivity in (6, 18, 26):
        if by_label:
            want, options = cc3d.connected_components(turned(voxels), connectivity=connectivity).T, ["--per-label"]
        else:
            structure = ndimage.generate_binary_structure(3, {6: 1, 18: 2, 26: 3}[connectivity])
            want, options = ndimage.label(turned(voxels != 0), structure)[0].T, []
            report(np.array_equal(cc3d.connected_components(turned(voxels != 0), connectivity=connectivity).T, want), "scipy = cc3d", what)
        options += ["--connectivity", connectivity]
        name = f"{what} {' '.join(map(str, options))}"
        for budget in ([], ["--memory", 48, "--threads", 1], ["--memory", 24]):
            labels, table = run(path, *options, *budget)
            report(np.array_equal(labels, want), name, budget)
        check_table(labels, table, path, name)
        size = np.bincount(want.ravel())
        size[0] = 0
        order = np.argsort(-size[1:], kind="stable") + 1
        labels, table = run(path, *options, "--order", "size")
        report(np.array_equal(labels, renumbered(want, order)), name, "by size")
        large = np.flatnonzero(size >= 5)
        values = np.zeros(len(size), int)
        values[want.ravel()] = voxels.ravel() if by_label else 1
        ranked = sorted(range(1, len(size)), key=lambda label: (values[label], -size[label], label))
        largest = [label for i, label in enumerate(ranked) if i < 3 or values[ranked[i - 3]] != values[label]]
        for chosen, more in ((large, ["--min-size", "5vox"]), (sorted(largest), ["--keep-largest", 3])):
            kept = renumbered(want, chosen)
            labels, table = run(path, *options, *more)
            report(np.array_equal(labels, kept), name, *more)
            for how in ("2d", "3d"):
                labels, table = run(path, *options, *more, f"--fill-holes={how}", "--memory", 64)
                good = filled(kept.astype(np.int32), how == "2d" or kept.shape[2] == 1)
                report(np.array_equal(labels, good), name, *more, how)
            check_table(labels, table, path, f"{name} {more} filled")
    print("done:", what, flush=True)


def save(name, values):
    path = folder / name
    affine = np.array([[-0.7, 0, 0, 10], [0, 0.6, 0.5, -20], [0, -0.8, 1.5, 30], [0, 0, 0, 1]])
    nibabel.save(nibabel.Nifti1Image(values, affine, dtype=values.dtype), path)
    return path


with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    random = np.random.default_rng(11)
    for shape in [(1, 1, 1), (67, 1, 1), (23, 17, 1), (19, 23, 13), (130, 40, 30)]:
        for share, values in [(0.15, 1), (0.6, 3), (0.92, 2)]:
            voxels = (random.random(shape) < share) * random.integers(1, values + 1, shape, dtype=np.uint8)
            path = save("made.nii", voxels)
            check(path, voxels, f"{shape} {share:.0%} of {values}", values > 1)
    for name in MAPS:
        voxels = np.rint(np.asarray(nibabel.load(data / name).dataobj)).astype(np.uint16)
        check(data / name, voxels, name, True)
        check(data / name, voxels, name, False)
    image = nibabel.load(data / CT)
    for low, high in [(150, 3000), (-1024, -400)]:
        inside = (image.get_fdata() >= low) & (image.get_fdata() <= high)
        labels, table = run(data / CT, "--where", f"{low}:{high}")
        want = ndimage.label(turned(inside), CORNERS)[0].T
        report(np.array_equal(labels, want), CT, low, high)
        check_table(labels, table, data / CT, CT)
print(f"scipy {scipy.__version__}, cc3d {importlib.metadata.version('connected-components-3d')}: {checked} results, {wrong} wrong")
sys.exit(wrong > 0)
