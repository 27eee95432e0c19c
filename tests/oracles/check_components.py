"""Compares connected components, holes and reconstruction with scipy.ndimage, cc3d, fill_voids and SimpleITK, voxel by voxel.

    python check_components.py <hounsfield> <data> [<side_by_side>]

<hounsfield> is the program, <data> the folder of test data; <side_by_side> is the built bench of this name (`cargo bench --bench side_by_side --no-run` names it), which labels voxels
in memory: without it labels are not compared. Needs numpy, scipy, nibabel, SimpleITK, connected-components-3d, fill-voids.

Holes of masks must be scipy's, fill_voids' and SimpleITK's; those of label maps such as fill_voids finds label by label, of which the smallest wins; slices those of scipy. Made masks of all
densities and shapes, real label maps, several budgets.
"""

import importlib.metadata
import itertools
import pathlib
import subprocess
import sys
import tempfile
import zlib

import cc3d
import fill_voids
import nibabel
import numpy as np
import scipy
import SimpleITK as sitk
from scipy import ndimage

program, data = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
bench = sys.argv[3] if len(sys.argv) > 3 else None
REAL = ["volumes/mni152_2mm_fast/MNI152_T1_2mm_Brain_FAST_seg.nii.gz", "volumes/totalsegmentator/example_seg.nii.gz"]
OPTIONS = [[], ["--memory", "16", "--threads", "1"], ["--device", "gpu"]]
FACES = ndimage.generate_binary_structure(3, 1)
wrong = checked = 0


def report(good, *what):
    global wrong, checked
    checked, wrong = checked + 1, wrong + (not good)
    print("ok   " if good else "WRONG", *what, flush=True)


def save(name, values, affine=np.eye(4)):
    path = folder / name
    nibabel.save(nibabel.Nifti1Image(values, affine, dtype=values.dtype), path)
    return path


def mapped(path, steps, options):
    out = folder / "out.nii"
    line = [program, "map", path, "--steps", steps, "-o", out, "--force", "--quiet", *options]
    done = subprocess.run(list(map(str, line)), capture_output=True)
    if done.returncode:
        sys.exit(f"{path} {steps}: {done.stderr.decode()}")
    return np.asarray(nibabel.load(out).dataobj)


def filled_by_label(labels, fill, structure):
    """What `fill` makes of each label by itself, where there is background; of several the one whose hole is the smallest."""
    out, smallest = labels.copy(), np.full(labels.shape, np.iinfo(np.int64).max)
    for label in np.unique(labels[labels != 0]):
        own = labels == label
        holes, _ = ndimage.label(fill(own) & ~own, structure)
        size = np.bincount(holes.ravel())[holes]
        better = (holes > 0) & (labels == 0) & (size < smallest)
        out[better], smallest[better] = label, size[better]
    return out


def by_slices(labels):
    planes = [filled_by_label(labels[:, :, z], ndimage.binary_fill_holes, None) for z in range(labels.shape[2])]
    return np.stack(planes, axis=2)


def check_holes(path, labels, what):
    flat = by_slices(labels)
    # Of one slice the border is that of the picture.
    want = flat if labels.shape[2] == 1 else filled_by_label(labels, fill_voids.fill, FACES)
    values = np.unique(labels[labels != 0])
    if len(values) == 1 and labels.shape[2] > 1:
        own = labels != 0
        image = sitk.GetImageFromArray(own.astype(np.uint8))
        same = np.array_equal(ndimage.binary_fill_holes(own), want != 0) and np.array_equal(fill_voids.fill(own), want != 0)
        report(same and np.array_equal(sitk.GetArrayFromImage(sitk.BinaryFillhole(image, fullyConnected=False, foregroundValue=1)) != 0, want != 0), "scipy = fill_voids = SimpleITK", what)
    for options in OPTIONS:
        report(np.array_equal(mapped(path, "fill", options), want), "fill", what, *options)
        report(np.array_equal(mapped(path, "fill:2d", options), flat), "fill:2d", what, *options)


def check_reconstruction(path, labels, marker, what):
    marker_path = save("marker.nii", marker, nibabel.load(path).affine)
    own = (labels != 0).astype(np.uint8)
    mask, seeds = sitk.GetImageFromArray(own), sitk.GetImageFromArray(marker * own)
    for connectivity, full in [("6", False), ("26", True)]:
        want = sitk.GetArrayFromImage(sitk.BinaryReconstructionByDilation(seeds, mask, fullyConnected=full, foregroundValue=1))
        structure = ndimage.generate_binary_structure(3, 3 if full else 1)
        same = np.array_equal(ndimage.binary_propagation(marker * own, structure, own), want)
        for options in OPTIONS:
            got = mapped(path, f"reconstruct:{marker_path}:{connectivity}", options)
            report(same and np.array_equal(got, np.where(want != 0, labels, 0)), "reconstruct", connectivity, what, *options)


def check_labels(labels, what):
    """The bench answers with the CRC-32 of its labels as uint32, x fastest."""
    if not bench or labels.max() > 255:
        return
    raw = folder / "labels.raw"
    labels.astype(np.int16).ravel(order="F").tofile(raw)
    lines = [f"{kind}{n} check" for kind in ("components", "labels") for n in (6, 18, 26)]
    shape = "x".join(map(str, labels.shape))
    done = subprocess.run([bench, "serve", shape, raw], input="\n".join(lines) + "\n", capture_output=True, text=True, check=True)
    answers = [int(line.split()[1]) for line in done.stdout.splitlines()[1:]]
    for (kind, n), answer in zip(itertools.product(("components", "labels"), (6, 18, 26)), answers):
        # Both number in the order in which memory has the first voxels.
        turned = np.ascontiguousarray(labels.T)
        if kind == "components":
            want = ndimage.label(turned, ndimage.generate_binary_structure(3, {6: 1, 18: 2, 26: 3}[n]))[0]
            same = np.array_equal(cc3d.connected_components(turned != 0, connectivity=n), want)
        else:
            want, same = cc3d.connected_components(turned, connectivity=n), True
        report(same and zlib.crc32(want.astype(np.uint32).tobytes()) == answer, kind, n, what)


with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    random = np.random.default_rng(7)
    for shape in [(1, 1, 1), (67, 1, 1), (1, 1, 9), (23, 17, 1), (19, 23, 13), (130, 40, 30)]:
        for share, values in [(0.3, 1), (0.75, 1), (0.9, 1), (0.85, 2), (0.97, 4)]:
            labels = (random.random(shape) < share) * random.integers(1, values + 1, shape, dtype=np.uint8)
            what = f"{shape} {share:.0%} of {values}"
            path = save("made.nii", labels)
            if labels.any():
                check_holes(path, labels, what)
                check_reconstruction(path, labels, (random.random(shape) < 0.02).astype(np.uint8), what)
            check_labels(labels, what)
    for name in REAL:
        path = data / name
        if not path.is_file():
            print("missing:", name)
            continue
        labels = np.rint(np.asarray(nibabel.load(path).dataobj)).astype(np.uint16)
        check_holes(path, labels, name)
        check_reconstruction(path, labels, (random.random(labels.shape) < 1e-4).astype(np.uint8), name)
        check_labels(labels, name)
print(f"scipy {scipy.__version__}, cc3d {importlib.metadata.version('connected-components-3d')}, SimpleITK {sitk.Version.VersionString()}: {checked} results, {wrong} wrong")
sys.exit(wrong > 0)
