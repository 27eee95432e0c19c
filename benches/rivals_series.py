"""Times a DICOM series: its headers beside pydicom, and its way to NIfTI beside dcm2niix and SimpleITK, taking turns.

    python benches/rivals_series.py target/release/hounsfield [--slices 400] [--turns 5]

Makes a series of 512 x 512 int16 slices, explicit little endian, in a temporary folder. Every side is a process of its own; what is left when starting
Python and importing packages are not counted is what the script of the rival measures itself. Before anything is timed, voxels are compared. Needs numpy,
nibabel, pydicom, SimpleITK and dcm2niix. A ratio is the median over the turns of (rival's seconds / ours).
"""

import argparse
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import nibabel
import numpy as np
import pydicom
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

PYDICOM = """
import pathlib, sys, time
import pydicom
start = time.perf_counter()
positions = []
for file in pathlib.Path(sys.argv[1]).iterdir():
    data = pydicom.dcmread(file, stop_before_pixels=True)
    positions.append((float(data.ImagePositionPatient[2]), data.SeriesInstanceUID, data.Rows, data.Columns, float(data.RescaleIntercept)))
positions.sort()
print(time.perf_counter() - start)
"""
SIMPLEITK = """
import sys, time
import SimpleITK
start = time.perf_counter()
reader = SimpleITK.ImageSeriesReader()
reader.SetFileNames(reader.GetGDCMSeriesFileNames(sys.argv[1]))
SimpleITK.WriteImage(reader.Execute(), sys.argv[2])
print(time.perf_counter() - start)
"""


def make(folder, slices):
    rng = np.random.default_rng(1)
    series, study, frame = generate_uid(), generate_uid(), generate_uid()
    noise = rng.integers(0, 1500, (512, 512), dtype=np.int16)
    for z in range(slices):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CTImageStorage, generate_uid()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        data = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
        data.SOPClassUID, data.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
        data.SeriesInstanceUID, data.StudyInstanceUID, data.FrameOfReferenceUID = series, study, frame
        data.Modality, data.Manufacturer, data.SeriesNumber, data.InstanceNumber = "CT", "none", 1, z + 1
        data.ImagePositionPatient, data.ImageOrientationPatient = [-180, -180, 1.5 * z], [1, 0, 0, 0, 1, 0]
        data.PixelSpacing, data.SliceThickness, data.Rows, data.Columns = [0.7, 0.7], 1.5, 512, 512
        data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
        data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 1
        data.RescaleIntercept, data.RescaleSlope = -1024, 1
        data.PixelData = np.roll(noise, z).tobytes()
        data.save_as(folder / f"{(z * 7919) % slices:05}.dcm")


def seconds(command):
    start = time.perf_counter()
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return time.perf_counter() - start, run.stdout


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--slices", type=int, default=400)
    parser.add_argument("--turns", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        place = pathlib.Path(temporary)
        folder = place / "series"
        folder.mkdir()
        make(folder, args.slices)
        out, other = place / "ours.nii", place / "dcm"
        other.mkdir()
        ours = [args.program, "convert", str(folder), "-o", str(out), "--force", "-q"]
        theirs = ["dcm2niix", "-b", "n", "-z", "n", "-w", "1", "-f", "v", "-o", str(other), str(folder)]
        seconds(ours), seconds(theirs)
        a, b = (nibabel.as_closest_canonical(nibabel.load(p)) for p in (out, other / "v.nii"))
        if not (np.array_equal(a.dataobj, b.dataobj) and np.allclose(a.affine, b.affine, atol=1e-3)):
            sys.exit("the outputs differ")
        ratios = {"headers: pydicom": [], "headers: pydicom, without its start": [], "series to .nii: dcm2niix": [], "series to .nii: SimpleITK": []}
        for _ in range(args.turns):
            info, _ = seconds([args.program, "info", str(folder), "-q"])
            whole, inner = seconds([sys.executable, "-c", PYDICOM, str(folder)])
            ratios["headers: pydicom"].append(whole / info)
            ratios["headers: pydicom, without its start"].append(float(inner) / info)
            convert, _ = seconds(ours)
            ratios["series to .nii: dcm2niix"].append(seconds(theirs)[0] / convert)
            _, inner = seconds([sys.executable, "-c", SIMPLEITK, str(folder), str(place / "s.nii")])
            ratios["series to .nii: SimpleITK"].append(float(inner) / convert)
        print(f"{args.slices} slices of 512 x 512 int16, {args.turns} turns, pydicom {pydicom.__version__}")
        for name, all_of in ratios.items():
            print(f"| {name} | {statistics.median(all_of):.2f} | {min(all_of):.2f} to {max(all_of):.2f} |")


if __name__ == "__main__":
    main()
