"""Reads every image file of the data folder with hounsfield and with another tool, and prints a table: how many are read, equal, refused, and why.

    python check_sets.py <hounsfield> <data> [--list]

DICOM is compared with pydicom (pylibjpeg), NIfTI and Analyze with nibabel, NRRD and MetaImage with SimpleITK, PNG, JPEG and TIFF with Pillow and
tifffile: real values, voxel for voxel, in the order of the file. Colour is compared as the grey that hounsfield states. --list names every file that
is not equal. Needs numpy, nibabel, SimpleITK, pydicom, pylibjpeg with its plugins, Pillow and tifffile.
"""

import collections
import pathlib
import re
import subprocess
import sys
import tempfile
import warnings

import nibabel
import numpy as np
import PIL.Image
import pydicom
import SimpleITK
import tifffile

warnings.filterwarnings("ignore")
SimpleITK.ProcessObject.SetGlobalWarningDisplay(False)
SETS = ["dicom/*", "volumes/*", "radiograph", "ultrasound", "pneumonia/chest_xray_224", "reports"]
SKIPPED = {".md", ".txt", ".tsv", ".csv", ".json", ".npz", ".raw", ".zraw", ".xml", ".zattrs", ".zgroup", ".py"}


def grey(rgb):
    r, g, b = (rgb[..., i].astype(np.int64) for i in range(3))
    return (9798 * r + 19235 * g + 3735 * b + 16384) >> 15


def dicom(path):
    data = pydicom.dcmread(path, force=True)
    values = data.pixel_array
    if data.get("SamplesPerPixel", 1) == 3:
        return grey(values)
    if data.PhotometricInterpretation == "PALETTE COLOR":
        return None
    if "DoseGridScaling" in data:
        return values * float(data.DoseGridScaling)
    if "SharedFunctionalGroupsSequence" in data and "PixelValueTransformationSequence" in data.SharedFunctionalGroupsSequence[0]:
        item = data.SharedFunctionalGroupsSequence[0].PixelValueTransformationSequence[0]
        return values * float(item.RescaleSlope) + float(item.RescaleIntercept)
    return pydicom.pixels.apply_modality_lut(values, data)


def other(path):
    """Real values with the slowest axis first, or None where no tool reads the file."""
    name = path.name.lower()
    head = path.open("rb").read(132)
    if head[128:132] == b"DICM" or name.endswith((".dcm", ".dicom")):
        return dicom(path)
    if name.endswith((".nii", ".nii.gz", ".img", ".hdr", ".img.gz", ".hdr.gz")):
        image = nibabel.load(path)
        values = np.asanyarray(image.dataobj)
        if values.dtype.fields:
            values = grey(np.stack([values[c] for c in "RGB"], -1))
        return values.T
    if name.endswith((".nrrd", ".nhdr", ".mha", ".mhd")):
        image = SimpleITK.ReadImage(str(path))
        values = SimpleITK.GetArrayFromImage(image)
        return grey(values) if image.GetNumberOfComponentsPerPixel() == 3 else values
    if name.endswith((".tif", ".tiff")):
        return tifffile.imread(path)
    if name.endswith((".png", ".jpg", ".jpeg")):
        image = PIL.Image.open(path)
        if image.mode in ("P", "RGBA", "LA", "CMYK"):
            image = image.convert("RGB")
        values = np.asarray(image)
        return grey(values) if values.ndim == 3 else values * (255 if image.mode == "1" else 1)
    raise ValueError("no image")


def main(program, data, *options):
    data, table, listed = pathlib.Path(data), [], []
    for pattern in SETS:
        for folder in sorted(data.glob(pattern)):
            files = sorted(p for p in (folder.rglob("*") if folder.is_dir() else [folder]) if p.is_file())
            files = [p for p in files if p.suffix.lower() not in SKIPPED and "omezarr" not in p.parts]
            counts, reasons = collections.Counter(), collections.Counter()
            for path in files:
                with tempfile.TemporaryDirectory() as out:
                    command = [program, "convert", str(path), "-o", f"{out}/v.nii", "-q", "--trust-geometry"]
                    run = subprocess.run(command, capture_output=True, text=True)
                    if run.returncode:
                        why = re.sub(r"; .*", "", run.stderr.strip().splitlines()[-1].removeprefix("hounsfield: "))
                        why = re.sub(r"\d+", "n", why.replace(str(path), "").strip(" :"))
                        counts["refused"] += 1
                        reasons[why[:80]] += 1
                        listed.append(f"{path.relative_to(data)}: refused: {why}")
                        continue
                    counts["read"] += 1
                    mine = np.asanyarray(nibabel.load(f"{out}/v.nii").dataobj).T
                try:
                    theirs = other(path)
                except Exception as error:  # noqa: BLE001: whatever the other tool throws is that it does not read the file
                    counts["alone"] += 1
                    listed.append(f"{path.relative_to(data)}: read here only ({type(error).__name__})")
                    continue
                if theirs is None:
                    counts["alone"] += 1
                    continue
                mine, theirs = np.squeeze(mine).astype(float), np.squeeze(np.asarray(theirs)).astype(float)
                scale = max(np.nanmax(np.abs(theirs), initial=0), 1e-30)
                if mine.shape == theirs.shape and np.allclose(mine, theirs, rtol=2e-6, atol=2e-6 * scale, equal_nan=True):
                    counts["equal"] += 1
                else:
                    counts["other"] += 1
                    off = f"{np.nanmax(np.abs(mine - theirs)):g}" if mine.shape == theirs.shape else f"{mine.shape} and {theirs.shape}"
                    listed.append(f"{path.relative_to(data)}: differs ({off})")
            if files:
                words = "; ".join(f"{why} ({n})" for why, n in reasons.most_common(4))
                row = [str(folder.relative_to(data)), len(files), counts["read"], counts["equal"], counts["other"], counts["alone"], counts["refused"], words]
                table.append(row)
    print("| set | files | read | equal | differ | no other tool | refused | why |\n|---|---|---|---|---|---|---|---|")
    for row in table:
        print("| " + " | ".join(map(str, row)) + " |")
    print("| all | " + " | ".join(str(sum(row[i] for row in table)) for i in range(1, 7)) + " | |")
    if "--list" in options:
        print("\n".join(listed))


if __name__ == "__main__":
    main(*sys.argv[1:])
