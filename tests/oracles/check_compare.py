"""compare against surface-distance, medpy, MONAI's definition, scikit-learn and scikit-image.

    python check_compare.py HOUNSFIELD [FOLDER with the package surface_distance]

Made masks (blobs in 3-D and 2-D, several spacings) go through the program and through the packages; every number must agree within 1e-6.
surface-distance (google-deepmind, 2018) uses names that NumPy and SciPy have dropped since; they are put back here. MONAI's `HausdorffDistanceMetric`
and `SurfaceDistanceMetric` are written out in SciPy: edges are the mask less its erosion by faces, a percentile is numpy's of each direction.
Needs numpy, scipy, nibabel, medpy, scikit-learn and scikit-image. Prints the largest deviation of each measure, and the times on two masks of 256^3.
"""

import json
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import nibabel
import numpy as np
import scipy.ndimage as ndi
from medpy.metric import binary as medpy
from skimage.metrics import peak_signal_noise_ratio
from sklearn.metrics import confusion_matrix, jaccard_score, precision_recall_fscore_support

warnings.filterwarnings("ignore")
PROGRAM = sys.argv[1]
if len(sys.argv) > 2:
    sys.path.insert(0, sys.argv[2])
for name, value in [("bool", bool), ("Inf", np.inf)]:
    if not hasattr(np, name):
        setattr(np, name, value)
for space in ["filters", "morphology"]:
    if not hasattr(ndi, space):
        setattr(ndi, space, ndi)
import surface_distance as deepmind  # noqa: E402

FOLDER = Path(tempfile.mkdtemp())
WORST = {}


def near(what, got, want, tolerance=1e-6):
    off = abs(got - want)
    WORST[what] = max(WORST.get(what, 0.0), off)
    assert off <= tolerance, f"{what}: {got} instead of {want}"


def compare(a, b, spacing, *more):
    paths = []
    for name, array in [("a", a), ("b", b)]:
        image = nibabel.Nifti1Image(array, np.diag([*spacing, 1.0, 1.0][:3] + [1.0]))
        image.header.set_zooms(spacing[: array.ndim])
        paths.append(FOLDER / f"{name}.nii")
        nibabel.save(image, paths[-1])
    ran = subprocess.run([PROGRAM, "compare", *map(str, paths), "--json", "--quiet", "--memory", "2000", *more], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def blobs(shape, seed, labels=1):
    rng = np.random.default_rng(seed)
    field = ndi.gaussian_filter(rng.standard_normal(shape), [min(n / 12, 6) for n in shape])
    out = np.zeros(shape, np.uint8)
    for label in range(1, labels + 1):
        out[field > field.std() * (0.3 + 0.5 * (label - 1))] = label
    return out


def pair(shape, seed, labels=1):
    """A map, and the same moved with some of it changed."""
    a = blobs(shape, seed, labels)
    b = np.roll(a, 1, axis=0)
    change = blobs(shape, seed + 1)
    b[(change == 1) & (np.random.default_rng(seed).random(shape) < 0.3)] = 0
    return a, b


def monai(a, b, spacing, percent, tolerance):
    edges = [m ^ ndi.binary_erosion(m) for m in (a, b)]
    there = ndi.distance_transform_edt(~edges[1], sampling=spacing)[edges[0]]
    back = ndi.distance_transform_edt(~edges[0], sampling=spacing)[edges[1]]
    both = np.concatenate([there, back])
    return {
        "hd": both.max(),
        "percentile": max(np.percentile(there, percent), np.percentile(back, percent)),
        "assd": both.mean(),
        "masd": (there.mean() + back.mean()) / 2,
        "nsd": (both <= tolerance).mean(),
    }


def surfaces():
    for seed, (shape, spacing) in enumerate(
        [((40, 32, 24), (1.0, 1.0, 1.0)), ((40, 32, 24), (0.75, 0.75, 2.5)), ((33, 50, 21), (0.5, 1.25, 4.0)), ((60, 45), (0.5, 1.5))]
    ):
        a, b = pair(shape, 10 * seed)
        sides = [m.astype(bool) for m in (a, b)]
        for percent in (95, 50, 100):
            options = ["--as", "labels", "--percentile", str(percent), "--tolerance-mm", "1.1"]
            got = compare(a, b, spacing, *options)["rows"][0]
            # surface-distance's own second argument is the judged one.
            all_ = deepmind.compute_surface_distances(sides[1], sides[0], spacing)
            near("surface hd", got["hd_mm"], deepmind.compute_robust_hausdorff(all_, 100))
            near("surface percentile", got[f"hd{percent}_mm"], deepmind.compute_robust_hausdorff(all_, percent))
            near("surface masd", got["masd_mm"], np.mean(deepmind.compute_average_surface_distance(all_)))
            near("surface nsd", got["nsd"], deepmind.compute_surface_dice_at_tolerance(all_, 1.1))
            near("dice", got["dice"], deepmind.compute_dice_coefficient(sides[1], sides[0]))
            areas = [all_["surfel_areas_gt"], all_["surfel_areas_pred"]]
            far = [all_["distances_gt_to_pred"], all_["distances_pred_to_gt"]]
            near("surface assd", got["assd_mm"], sum((f * s).sum() for f, s in zip(far, areas)) / sum(s.sum() for s in areas))

            got = compare(a, b, spacing, "--surface", "voxel", *options)["rows"][0]
            want = monai(*sides, spacing, percent, 1.1)
            for key in ("hd", "assd", "masd"):
                near(f"voxel {key}", got[f"{key}_mm"], want[key])
            near("voxel percentile", got[f"hd{percent}_mm"], want["percentile"])
            near("voxel nsd", got["nsd"], want["nsd"])

            got = compare(a, b, spacing, "--surface", "voxel-pooled", *options)["rows"][0]
            near("pooled hd", got["hd_mm"], medpy.hd(*sides, spacing))
            near("pooled assd", got["assd_mm"], medpy.assd(*sides, spacing))
            if percent == 95:
                near("pooled hd95", got["hd95_mm"], medpy.hd95(*sides, spacing))


def overlap():
    a, b = pair((50, 40, 30), 5, labels=4)
    said = compare(a, b, (1.0, 2.0, 0.5), "--as", "labels", "--surface", "none")
    labels = [row["label"] for row in said["rows"]]
    precision, recall, f1, _ = precision_recall_fscore_support(b.ravel(), a.ravel(), labels=labels)
    iou = jaccard_score(b.ravel(), a.ravel(), labels=labels, average=None)
    for i, row in enumerate(said["rows"]):
        for key, want in [("precision", precision[i]), ("recall", recall[i]), ("f1", f1[i]), ("dice", f1[i]), ("iou", iou[i])]:
            near(key, row[key], want, 1e-12)
        volume = (a == row["label"]).sum() - (b == row["label"]).sum()
        near("volume difference", row["volume_difference_ml"], volume / 1000, 1e-9)
    matrix = confusion_matrix(b.ravel(), a.ravel(), labels=[0, *labels])
    got = np.zeros_like(matrix)
    for one in said["confusion"]:
        got[one["reference"], one["judged"]] = one["voxels"]
    assert (got == matrix).all()


def images():
    rng = np.random.default_rng(3)
    a, b = (rng.normal(100, 20, (30, 20, 10)).astype(np.float32) for _ in range(2))
    row = compare(a, b, (1.0, 1.0, 1.0), "--as", "image")["rows"][0]
    far = a.astype(np.float64) - b
    near("largest", row["max_abs"], abs(far).max(), 1e-12)
    near("mean absolute", row["mean_abs"], abs(far).mean(), 1e-10)
    near("rmse", row["rmse"], np.sqrt((far**2).mean()), 1e-10)
    wide = b.astype(np.float64)
    near("psnr", row["psnr_db"], peak_signal_noise_ratio(wide, a.astype(np.float64), data_range=np.ptp(wide)), 1e-9)


def speed():
    grid = np.indices((256, 256, 256), dtype=np.float32)
    ball = [sum((g - c) ** 2 / s**2 for g, c, s in zip(grid, centre, (100, 85, 110))) < 1 for centre in [(128, 128, 128), (131, 126, 130)]]
    a, b = (m.astype(np.uint8) for m in ball)
    begin = time.perf_counter()
    all_ = deepmind.compute_surface_distances(ball[1], ball[0], (0.7, 0.7, 1.25))
    theirs = deepmind.compute_robust_hausdorff(all_, 95)
    took = time.perf_counter() - begin
    compare(a, b, (0.7, 0.7, 1.25), "--as", "labels")
    ours = []
    for _ in range(3):
        begin = time.perf_counter()
        command = [PROGRAM, "compare", str(FOLDER / "a.nii"), str(FOLDER / "b.nii"), "--as", "labels", "--json", "--quiet"]
        ran = subprocess.run(command, capture_output=True, text=True, check=True)
        ours.append(time.perf_counter() - begin)
    near("surface hd95 on 256^3", json.loads(ran.stdout)["rows"][0]["hd95_mm"], theirs)
    print(f"two masks of 256^3: surface-distance {took:.2f} s, this program {sorted(ours)[1]:.3f} s, {took / sorted(ours)[1]:.1f} x")


surfaces()
overlap()
images()
for name, off in WORST.items():
    print(f"{name:32} within {off:.1e}")
speed()
