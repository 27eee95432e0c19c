"""Compares DICOM series as hounsfield converts them with SimpleITK and dcm2niix, in the patient's space, and says each difference and why.

    python check_series.py <hounsfield> <data>

Needs numpy, nibabel, SimpleITK, dcm2niix (all from PyPI). Written with nibabel 5.4, SimpleITK 2.5, dcm2niix 1.0.20250506.
Every folder below <data>/dicom and <data>/reports with at least two DICOM images of one series is one row.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

import nibabel
import numpy as np
import SimpleITK

SimpleITK.ProcessObject.SetGlobalWarningDisplay(False)
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def canonical(array, affine):
    """An image in RAS+ order, so that turned axes compare."""
    image = nibabel.as_closest_canonical(nibabel.Nifti1Image(array, affine))
    return np.asarray(image.dataobj, dtype=np.float64), image.affine


def ours(program, folder, out):
    run = subprocess.run([program, "convert", folder, "-o", out, "-q"], capture_output=True, text=True)
    if run.returncode:
        return None, run.stderr.strip().splitlines()[-1].replace(str(folder), "…")
    image = nibabel.load(out)
    return canonical(np.asarray(image.dataobj, dtype=np.float64), image.affine), ""


def simpleitk(folder):
    reader = SimpleITK.ImageSeriesReader()
    try:
        series = reader.GetGDCMSeriesIDs(str(folder))
    except RuntimeError:
        return None, "refused"
    if len(series) != 1:
        return None, f"{len(series)} series"
    try:
        reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder), series[0]))
        image = reader.Execute()
    except RuntimeError:
        return None, "refused"
    if image.GetNumberOfComponentsPerPixel() != 1 or image.GetDimension() != 3:
        return None, "colour or 4-D"
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    matrix[:3, 3] = image.GetOrigin()
    array = SimpleITK.GetArrayFromImage(image).astype(np.float64).transpose(2, 1, 0)
    return canonical(array, LPS_TO_RAS @ matrix), ""


def dcm2niix(folder, out):
    run = subprocess.run(["dcm2niix", "-b", "n", "-z", "n", "-f", "v", "-o", out, folder], capture_output=True, text=True)
    files = sorted(pathlib.Path(out).glob("*.nii"))
    if not files:
        return None, "nothing written"
    if len(files) > 1:
        return None, f"{len(files)} volumes"
    image = nibabel.load(files[0])
    if image.get_data_dtype().fields:
        return None, "colour"
    return canonical(np.asarray(image.dataobj, dtype=np.float64), image.affine), ""


def compare(a, b):
    (x, m), (y, n) = a, b
    x, y = np.squeeze(x), np.squeeze(y)
    if x.shape != y.shape:
        return f"shape {y.shape} instead of {x.shape}"
    corners = np.array([[i, j, k, 1] for i in (0, 1) for j in (0, 1) for k in (0, 1)], float)
    extent = np.array([*(list(x.shape) + [1, 1])[:3], 1.0]) - [1, 1, 1, 0]
    apart = np.abs((m - n) @ (corners * [*extent[:3], 1]).T)[:3].max()
    if apart > 0.01:
        return f"up to {apart:.3f} mm apart"
    scale = max(np.abs(x).max(), 1.0)
    off = np.abs(x - y).max()
    return "same" if off <= 1e-4 * scale else f"values differ by up to {off:g}"


def main(program, data):
    folders = []
    for top in ("dicom", "reports"):
        for folder in sorted(p for p in (pathlib.Path(data) / top).rglob("*") if p.is_dir()):
            files = [f for f in folder.iterdir() if f.is_file()]
            if len(files) > 1 and any(f.read_bytes()[128:132] == b"DICM" for f in files[:3]):
                folders.append(folder)
    counts = {}
    for folder in folders:
        with tempfile.TemporaryDirectory() as out:
            mine, why = ours(program, folder, f"{out}/ours.nii")
            name = folder.relative_to(data)
            if mine is None:
                others = (("SimpleITK", simpleitk(folder)), ("dcm2niix", dcm2niix(folder, out)))
                theirs = ", ".join(f"{tool} {'reads' if found else word}" for tool, (found, word) in others)
                print(f"{name}: refused: {re.sub(r'^hounsfield: ', '', why)[:150]} [{theirs}]")
                counts["refused"] = counts.get("refused", 0) + 1
                continue
            (pathlib.Path(out) / "x").mkdir()
            row = []
            for tool, (other, word) in (("SimpleITK", simpleitk(folder)), ("dcm2niix", dcm2niix(folder, f"{out}/x"))):
                verdict = word if other is None else compare(mine, other)
                row.append(f"{tool}: {verdict}")
                key = f"{tool} {'same' if verdict == 'same' else 'other'}"
                counts[key] = counts.get(key, 0) + 1
            print(f"{name}: {np.squeeze(mine[0]).shape}; " + "; ".join(row))
    print(f"{len(folders)} folders:", ", ".join(f"{n} {word}" for word, n in sorted(counts.items())))


if __name__ == "__main__":
    main(*sys.argv[1:3])
