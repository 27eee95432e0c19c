"""Compares display windows and display tables (VOI LUT) with pydicom's apply_windowing and apply_voi_lut.

    python check_windows.py PROGRAM [DICOM with a VOI LUT ...]

Makes DICOM files of every 12-bit value, signed and unsigned, with windows of each function, each CT preset of the program's, and tables
of 8, 12 and 16 bits; runs `PROGRAM window`, and compares with what pydicom says, spread over 16 bits and rounded once.
"""

import pathlib
import subprocess
import sys
import tempfile
import warnings

import nibabel
import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels import apply_modality_lut, apply_voi_lut, apply_windowing
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid

# It warns of floats, which whole numbers with a rescale become, and of its own overflow far from a sigmoid's centre.
warnings.simplefilter("ignore")
program = sys.argv[1]
folder = pathlib.Path(tempfile.mkdtemp())
checked = 0


def ct(signed, intercept, **more):
    stored = np.arange(4096, dtype=np.uint16).reshape(64, 64)
    if signed:
        stored = (stored.astype(np.int32) - 2048).astype(np.int16)
    d = Dataset()
    d.file_meta = FileMetaDataset()
    d.file_meta.TransferSyntaxUID = more.pop("syntax", ExplicitVRLittleEndian)
    d.file_meta.MediaStorageSOPClassUID = d.SOPClassUID = CTImageStorage
    d.file_meta.MediaStorageSOPInstanceUID = d.SOPInstanceUID = generate_uid()
    d.SeriesInstanceUID, d.Modality = generate_uid(), "CT"
    d.Rows = d.Columns = 64
    d.SamplesPerPixel, d.PhotometricInterpretation = 1, "MONOCHROME2"
    d.BitsAllocated, d.BitsStored, d.HighBit = 16, 16 if signed else 12, 15 if signed else 11
    d.PixelRepresentation = int(signed)
    d.RescaleSlope, d.RescaleIntercept = 1, intercept
    d.PixelSpacing, d.ImagePositionPatient, d.ImageOrientationPatient = [1, 1], [0, 0, 0], [1, 0, 0, 0, 1, 0]
    d.PixelData = stored.tobytes()
    for name, value in more.items():
        setattr(d, name, value)
    path = folder / "image.dcm"
    d.save_as(path, enforce_file_format=True)
    return path


def table(first, entries, bits, signed):
    item = Dataset()
    vr = "SS" if signed else "US"
    item.add_new((0x0028, 0x3002), vr, [len(entries) % 65536, first, bits])
    item.add_new((0x0028, 0x3006), "OW", np.asarray(entries, np.uint16).tobytes())
    return [item]


def ours(path, *how):
    out = folder / "out.nii"
    subprocess.run([program, "window", path, "-o", out, "--to", "u16", "--quiet", "--force", *how], check=True, stdout=subprocess.DEVNULL)
    return np.asarray(nibabel.load(out).dataobj).reshape(np.asarray(nibabel.load(out).dataobj).shape[:2]).T.ravel()


def equal(what, got, fraction):
    global checked
    want = np.rint(np.clip(fraction, 0, 1) * 65535).astype(np.int64).ravel()
    difference = np.abs(got.astype(np.int64) - want)
    # A window's f64 arithmetic may fall on either side of a half.
    assert difference.max() <= 1 and (difference > 0).mean() < 0.002, (what, difference.max(), (difference > 0).mean())
    checked += 1


for function in ["LINEAR", "LINEAR_EXACT", "SIGMOID"]:
    for signed, intercept, syntax in [(False, -1024, ExplicitVRLittleEndian), (True, 0, ImplicitVRLittleEndian), (False, 0, ExplicitVRLittleEndian)]:
        for center, width in [(40, 400), (-600, 1500), (1000.5, 1), (300, 2), (40, 80)]:
            path = ct(signed, intercept, syntax=syntax, WindowCenter=center, WindowWidth=width, VOILUTFunction=function)
            d = pydicom.dcmread(path)
            real = apply_modality_lut(d.pixel_array, d)
            low, high = (-(2**15), 2**15 - 1) if signed else (intercept, intercept + 4095)
            shown = apply_windowing(real, d)
            equal((function, signed, intercept, center, width), ours(path), (shown - low) / (high - low))

presets = {"lung": (-600, 1500), "bone": (400, 1800), "brain": (40, 80), "soft-tissue": (40, 400), "abdomen": (50, 400), "liver": (30, 150), "mediastinum": (50, 350), "stroke": (32, 8)}
for name, (center, width) in presets.items():
    path = ct(False, -1024, WindowCenter=center, WindowWidth=width)
    d = pydicom.dcmread(path)
    shown = apply_windowing(apply_modality_lut(d.pixel_array, d), d)
    equal(name, ours(path, "--preset", name), (shown + 1024) / 4095)

rng = np.random.default_rng(3)
for bits in [8, 12, 16]:
    for signed, intercept, first, count in [(False, 0, 0, 4096), (False, 0, 500, 1000), (False, -1024, -1024, 4096), (False, -1024, -200, 700), (True, 0, -2048, 4096), (True, 0, -5, 11)]:
        for shape in ["rising", "falling", "noise"]:
            entries = rng.integers(0, 2**bits, count)
            entries = {"rising": np.sort(entries), "falling": np.sort(entries)[::-1], "noise": entries}[shape]
            path = ct(signed, intercept, VOILUTSequence=table(first, entries, bits, first < 0), WindowCenter=40, WindowWidth=400)
            d = pydicom.dcmread(path)
            real = apply_modality_lut(d.pixel_array, d)
            shown = apply_voi_lut(real, d)
            if bits == 8:
                # pydicom 3.0.2 keeps places in a table of 8-bit entries in 8 bits: they wrap, and words packed two by two are refused.
                shown = entries[np.clip(real.astype(int) - first, 0, count - 1)]
            equal(("table", bits, signed, first, shape), ours(path), shown / (2**bits - 1))

for path in sys.argv[2:]:
    d = pydicom.dcmread(path)
    bits = d.VOILUTSequence[0].LUTDescriptor[2]
    shown = apply_voi_lut(apply_modality_lut(d.pixel_array, d), d)
    equal(path, ours(path), shown / (2**bits - 1))
print(f"{checked} images agree with pydicom {pydicom.__version__}")
