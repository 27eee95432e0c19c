"""Compares `hounsfield regions` with scipy.ndimage, scikit-image and numpy, label by label.

    python check_regions.py <hounsfield> <data>

<hounsfield> is the program, <data> the folder of test data. Needs numpy, scipy, scikit-image, nibabel. Counts, boxes, extremes and medians must be equal, sums and what follows from them
to 1e-9. Surface and volume lie within 2 and 6 % of those of scikit-image's marching cubes (method lorensen) of each label alone, which joins corners across a face where ours cut them off, and
the diameter is that of its vertices.
"""

import json
import pathlib
import subprocess
import sys

import nibabel
import numpy as np
from scipy import ndimage, spatial, stats
from skimage.measure import marching_cubes, mesh_surface_area

program, data = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
CASES = [
    ("volumes/totalsegmentator/example_seg.nii.gz", "volumes/totalsegmentator/example_ct_sm.nii.gz"),
    ("volumes/mni152_2mm_fast/MNI152_T1_2mm_Brain_FAST_seg.nii.gz", "volumes/mni152_2mm_fast/MNI152_T1_2mm.nii.gz"),
    ("volumes/heart_msd_task02/labelsTr/la_005.nii.gz", None),
    ("volumes/brainweb_mritc/brainweb_mask.nii.gz", "volumes/brainweb_mritc/brainweb_t1.nii.gz"),
]
wrong = checked = 0


def note(what, got, want, tolerance=1e-9):
    global wrong, checked
    checked += 1
    if not np.allclose(np.asarray(got, float), np.asarray(want, float), rtol=tolerance, atol=tolerance):
        wrong += 1
        print("WRONG", what, got, want)


def mesh(mask, spacing):
    vertices, faces, _, _ = marching_cubes(np.pad(mask, 1).astype(np.float32), 0.5, spacing=spacing, method="lorensen")
    corners = vertices[faces].astype(np.float64)
    volume = abs(np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6)
    hull = vertices[spatial.ConvexHull(vertices).vertices]
    return mesh_surface_area(vertices, faces), volume, spatial.distance.pdist(hull).max()


for labels, image in CASES:
    if not (data / labels).exists():
        print("missing", labels)
        continue
    line = [program, "regions", data / labels, "--json", "--quiet"] + (["--image", data / image] if image else [])
    done = subprocess.run(list(map(str, line)), capture_output=True)
    if done.returncode:
        sys.exit(f"{labels}: {done.stderr.decode()}")
    rows = json.loads(done.stdout)["rows"]
    file = nibabel.load(data / labels)
    array = np.asarray(file.dataobj)
    found = {row["label"]: row for row in rows}
    want = [int(v) for v in np.unique(array) if v != 0]
    note(f"{labels}: labels", sorted(found), want)
    spacing = [float(s) for s in file.header.get_zooms()[:3]]
    values = np.asarray(nibabel.load(data / image).dataobj, np.float64) if image else None
    lps = np.diag([-1, -1, 1, 1]) @ file.affine
    for label in want:
        row, mask = found[label], array == label
        name = f"{pathlib.Path(labels).name} {label}"
        places = np.argwhere(mask)
        note(f"{name} voxels", row["voxels"], len(places))
        note(f"{name} box", [row["low_voxel"], row["high_voxel"]], [places.min(0), places.max(0)])
        note(f"{name} centroid", row["centroid_voxel"], places.mean(0))
        note(f"{name} centroid mm", row["centroid_lps_mm"], (lps @ [*places.mean(0), 1])[:3], 1e-5)
        note(f"{name} volume", row["volume_mm3"], len(places) * np.prod(spacing), 1e-6)
        if len(places) > 1:
            axes = 4 * np.sqrt(np.maximum(np.sort(np.linalg.eigvalsh(np.cov((places * spacing).T)))[::-1], 0))
            note(f"{name} axes", [row["major_axis_mm"], row["minor_axis_mm"], row["least_axis_mm"]], axes, 1e-6)
        area, volume, diameter = mesh(mask, spacing)
        note(f"{name} surface", row["surface_mm2"], area, 2e-2)
        note(f"{name} mesh volume", row["volume_mesh_mm3"], volume, 6e-2)
        note(f"{name} diameter", row["max_diameter_mm"], diameter, 1e-4)
        if values is None:
            continue
        v = values[mask]
        v = v[np.isfinite(v)]
        p10, p25, p75, p90 = np.percentile(v, [10, 25, 75, 90])
        kept = v[(v >= p10) & (v <= p90)]
        flat = v.min() == v.max()
        for key, value in {
            "mean": v.mean(), "variance": v.var(), "skewness": 0 if flat else stats.skew(v), "kurtosis": 0 if flat else stats.kurtosis(v),
            "median": np.median(v), "min": v.min(), "max": v.max(), "p10": p10, "p90": p90, "iqr": p75 - p25, "range": np.ptp(v),
            "mad": np.abs(v - v.mean()).mean(), "robust_mad": np.abs(kept - kept.mean()).mean(), "median_ad": np.abs(v - np.median(v)).mean(),
            "energy": (v**2).sum(), "rms": np.sqrt((v**2).mean()), "entropy": stats.entropy(np.unique(v, return_counts=True)[1], base=2),
        }.items():
            note(f"{name} {key}", row[key], value, 1e-7)
        if v.sum() > 0:
            note(f"{name} weighted centroid", row["weighted_centroid_voxel"], [(places[:, a] * values[mask]).sum() / v.sum() for a in range(3)], 1e-7)
    print(f"{labels}: {len(rows)} labels", flush=True)
print(f"{checked} values, {wrong} wrong")
sys.exit(wrong > 0)
