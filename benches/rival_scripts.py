"""What people run today: one small script a job, as they stand in notebooks, each timed as a process of its own by rivals_files.py.

    python rival_scripts.py JOB IN OUT
"""

import os
import sys


def opencv_equalize(source, out):
    """Equalisation by hand: OpenCV counts, numpy makes the table and applies it, nibabel reads and writes."""
    import cv2
    import nibabel
    import numpy as np

    image = nibabel.load(source)
    voxels = np.asarray(image.dataobj)
    low, high = int(voxels.min()), int(voxels.max())
    bins = (voxels.astype(np.int32) - low).astype(np.uint16)
    counts = cv2.calcHist([bins.reshape(bins.shape[0], -1)], [0], None, [high - low + 1], [0, high - low + 1]).ravel()
    cumulative = counts.astype(np.float64).cumsum()
    least = cumulative[0]
    table = np.rint((cumulative - least) * 65535 / (cumulative[-1] - least)).astype(np.uint16)
    nibabel.save(nibabel.Nifti1Image(table[bins], image.affine), out)


def opencv_equalize_tuned(source, out):
    """The same by someone who counts copies: voxels are looked at as unsigned, the table is turned instead, axes stay in file order."""
    import cv2
    import nibabel
    import numpy as np

    image = nibabel.load(source)
    voxels = np.asarray(image.dataobj)
    bins = voxels.T.view(np.uint16)
    counts = cv2.calcHist([bins.reshape(-1, bins.shape[-1])], [0], None, [65536], [0, 65536]).ravel()
    cumulative = np.roll(counts, 32768).astype(np.float64).cumsum()
    least = cumulative[cumulative > 0][0]
    table = np.rint((cumulative - least) * 65535 / (cumulative[-1] - least)).clip(0, 65535).astype(np.uint16)
    nibabel.save(nibabel.Nifti1Image(np.take(np.roll(table, 32768), bins).T, image.affine), out)


def numpy_equalize(source, out):
    """The same with numpy's bincount instead of OpenCV; for compressed files, too."""
    import nibabel
    import numpy as np

    image = nibabel.load(source)
    voxels = np.asarray(image.dataobj)
    low = int(voxels.min())
    bins = voxels.astype(np.int32) - low
    cumulative = np.bincount(bins.ravel()).cumsum()
    least = cumulative[cumulative > 0][0]
    table = np.rint((cumulative - least) * 65535 / (cumulative[-1] - least)).clip(0, 65535).astype(np.uint16)
    nibabel.save(nibabel.Nifti1Image(table[bins], image.affine), out)


def skimage_equalize(source, out):
    import nibabel
    import numpy as np
    from skimage import exposure, util

    image = nibabel.load(source)
    equalized = exposure.equalize_hist(np.asarray(image.dataobj), nbins=65536)
    nibabel.save(nibabel.Nifti1Image(util.img_as_uint(equalized), image.affine), out)


def simpleitk_series(source, out):
    import SimpleITK as sitk

    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(source))
    sitk.WriteImage(reader.Execute(), out)


def pydicom_series(source, out):
    import pathlib

    import nibabel
    import numpy as np
    import pydicom

    slices = [pydicom.dcmread(path) for path in pathlib.Path(source).glob("*.dcm")]
    slices.sort(key=lambda s: float(s.ImagePositionPatient[2]))
    voxels = np.stack([s.pixel_array * float(s.RescaleSlope) + float(s.RescaleIntercept) for s in slices], axis=-1).astype(np.int16)
    dy, dx = (float(d) for d in slices[0].PixelSpacing)
    dz = float(slices[1].ImagePositionPatient[2]) - float(slices[0].ImagePositionPatient[2])
    x, y, z = (float(p) for p in slices[0].ImagePositionPatient)
    affine = np.array([[-dx, 0, 0, -x], [0, -dy, 0, -y], [0, 0, dz, z], [0, 0, 0, 1]])
    nibabel.save(nibabel.Nifti1Image(voxels.swapaxes(0, 1), affine), out)


def copy(source, out):
    import shutil

    shutil.copyfile(source, out)


if __name__ == "__main__":
    job, source, out = sys.argv[1:]
    globals()[job](source, out)
    # Flushed, as ours is.
    with open(out, "rb+") as file:
        os.fsync(file.fileno())
