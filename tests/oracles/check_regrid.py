"""Series that make no regular grid, interpolated by hounsfield and by SciPy.

    python check_regrid.py <program> [<folder of DICOM files>...]

Series with a tilted gantry, uneven steps, missing slices, a bent stack, and slices of their own rescale are made with pydicom; more may be named. Each
voxel of the output is taken to the patient by the affine that nibabel reads, from there into the slices around it, and interpolated by
scipy.ndimage.map_coordinates. Voxels that no slice covers must be air. Needs numpy, scipy, nibabel, pydicom. Written with SciPy 1.17.
"""

import pathlib
import subprocess
import sys
import tempfile

import nibabel
import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from scipy.ndimage import map_coordinates


def write(folder, number, position, pixels, slope=1.0, intercept=-1024.0, orientation=(1, 0, 0, 0, 1, 0)):
    one = Dataset()
    one.file_meta = FileMetaDataset()
    one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    one.file_meta.MediaStorageSOPClassUID = one.SOPClassUID = CTImageStorage
    one.file_meta.MediaStorageSOPInstanceUID = one.SOPInstanceUID = f"1.2.3.{number + 1}"
    one.SeriesInstanceUID, one.Modality, one.InstanceNumber = "1.2.4", "CT", number + 1
    one.Rows, one.Columns = pixels.shape
    one.SamplesPerPixel, one.PhotometricInterpretation = 1, "MONOCHROME2"
    one.BitsAllocated = one.BitsStored = 16
    one.HighBit, one.PixelRepresentation = 15, 1
    one.PixelSpacing, one.SliceThickness = [0.75, 0.5], 1
    one.ImagePositionPatient = [round(float(p), 5) for p in position]
    one.ImageOrientationPatient = list(orientation)
    one.RescaleSlope, one.RescaleIntercept = slope, intercept
    one.PixelData = pixels.astype("<i2").tobytes()
    one.save_as(folder / f"{number:03}.dcm", enforce_file_format=True)


def series(folder, places, slopes=None):
    random = np.random.default_rng(2)
    for i, place in enumerate(places):
        write(folder, i, place, random.integers(0, 3000, (14, 17)), slopes[i] if slopes else 1.0)


def expected(folder, image):
    """Values, and whether any slice covers the voxel."""
    slices = [pydicom.dcmread(path) for path in sorted(pathlib.Path(folder).iterdir()) if pydicom.misc.is_dicom(path)]
    x, y = (np.array(slices[0].ImageOrientationPatient[i : i + 3], float) for i in (0, 3))
    normal = np.cross(x, y)
    slices.sort(key=lambda s: np.dot(s.ImagePositionPatient, normal))
    at = np.array([np.dot(s.ImagePositionPatient, normal) for s in slices])
    real = [s.pixel_array.astype(float) * float(s.RescaleSlope) + float(s.RescaleIntercept) for s in slices]
    to_lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ image.affine
    nx, ny, nz = image.shape
    i, j = np.meshgrid(np.arange(nx), np.arange(ny), indexing="ij")
    values, covered = np.zeros(image.shape), np.zeros(image.shape, bool)

    def within(k, points):
        off = points - np.array(slices[k].ImagePositionPatient, float)
        column, row = off @ x / slices[k].PixelSpacing[1], off @ y / slices[k].PixelSpacing[0]
        column, row = (np.where(abs(v - np.round(v)) < 1e-3, np.round(v), v) for v in (column, row))
        inside = (column >= 0) & (row >= 0) & (column <= real[k].shape[1] - 1) & (row <= real[k].shape[0] - 1)
        return map_coordinates(real[k], [row, column], order=1, mode="nearest"), inside

    for k in range(nz):
        points = np.stack([i, j, np.full_like(i, k), np.ones_like(i)], -1) @ to_lps.T[:, :3]
        height = np.mean(points @ normal)
        above = min(max(int(np.searchsorted(at, height)), 1), len(at) - 1)
        weight = np.clip((height - at[above - 1]) / (at[above] - at[above - 1]), 0, 1)
        weight = round(weight) if abs(weight - round(weight)) < 1e-3 else weight
        (a, in_a), (b, in_b) = within(above - 1, points), within(above, points)
        values[:, :, k] = (1 - weight) * a + weight * b
        covered[:, :, k] = (in_a | (weight == 1)) & (in_b | (weight == 0))
    return values, covered


def compare(program, name, folder, out):
    subprocess.run([program, "convert", folder, "-o", out, "--regrid", "--force", "-q"], check=True)
    image = nibabel.load(out)
    got = image.get_fdata()
    values, covered = expected(folder, image)
    off = np.abs(got - values)[covered]
    integer = np.issubdtype(image.get_data_dtype(), np.integer)
    # The affine is of 32-bit floats, so that places are off by a few millionths of a pixel.
    most = 0.5 * abs(image.dataobj.slope or 1.0) + 0.01 if integer else 0.01
    assert off.max() <= most, (name, off.max(), most)
    assert covered.mean() > 0.5, (name, covered.mean())
    assert set(np.unique(got[~covered])) <= {-1000.0}, (name, np.unique(got[~covered]))
    print(f"{name}: {image.shape}, {covered.mean():.1%} covered, off by {off.max():.3g} at most")


def main(program, *folders):
    steps = np.arange(6.0)
    tilt = [[-5, 3 + 2.5 * k * np.tan(np.radians(12)), 2.5 * k] for k in steps]
    made = {
        "tilted": (tilt, None),
        "tilted backwards": ([[0, -p[1], p[2]] for p in tilt], None),
        "uneven": ([[1, 2, z] for z in (0, 2, 4.5, 6, 7.2, 10)], None),
        "missing": ([[1, 2, z] for z in (0, 2, 4, 10, 12)], None),
        "bent": ([[k * k * 0.1, k * 0.1, 3 * k] for k in steps], None),
        "uneven, rescale of each": ([[1, 2, z] for z in (0, 2, 4.5, 6)], [1.0, 2.0, 0.5, 1.25]),
    }
    with tempfile.TemporaryDirectory() as parent:
        parent = pathlib.Path(parent)
        for name, (places, slopes) in made.items():
            folder = parent / name
            folder.mkdir()
            series(folder, places, slopes)
            compare(program, name, folder, parent / "out.nii")
        for folder in folders:
            compare(program, folder, folder, parent / "out.nii")


if __name__ == "__main__":
    main(*sys.argv[1:])
