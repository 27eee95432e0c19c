"""High-throughput JPEG 2000 in DICOM files, read by hounsfield and by OpenJPH.

    python check_htj2k.py <program>

Smooth pictures with noise of 8, 12 and 16 bits, signed too, are encoded by OpenJPH (imagecodecs) in the three transfer syntaxes of the standard (PS3.5
A.4.11 to A.4.13). What is lossless must come back bit for bit, the lossy one to within two levels of what OpenJPH itself decodes. Needs numpy, pydicom,
imagecodecs. Written with imagecodecs 2026.3.
"""

import pathlib
import subprocess
import sys
import tempfile

import imagecodecs
import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate

SYNTAXES = {"1.2.840.10008.1.2.4.201": 0, "1.2.840.10008.1.2.4.202": 0, "1.2.840.10008.1.2.4.203": 2}


def picture(dtype, bits):
    random, (y, x) = np.random.default_rng(0), np.mgrid[0:65, 0:97]
    values = (np.sin(x / 9) * np.cos(y / 7) * 0.45 + 0.5) * (2**bits - 1) + random.normal(0, 2**bits / 200, x.shape)
    return (np.clip(values, 0, 2**bits - 1) + min(np.iinfo(dtype).min, 0)).astype(dtype)


def save(path, syntax, pixels, bits, stream):
    one = Dataset()
    one.file_meta = FileMetaDataset()
    one.file_meta.TransferSyntaxUID = syntax
    one.file_meta.MediaStorageSOPClassUID = one.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    one.file_meta.MediaStorageSOPInstanceUID = one.SOPInstanceUID = "1.2.3"
    one.SeriesInstanceUID, one.Modality = "1.2.4", "CT"
    one.Rows, one.Columns = pixels.shape
    one.SamplesPerPixel, one.PhotometricInterpretation = 1, "MONOCHROME2"
    one.BitsAllocated, one.BitsStored, one.HighBit = 8 * pixels.itemsize, bits, bits - 1
    one.PixelRepresentation, one.PixelSpacing = int(np.issubdtype(pixels.dtype, np.signedinteger)), [1, 1]
    one.PixelData = encapsulate([stream])
    one["PixelData"].VR, one["PixelData"].is_undefined_length = "OB", True
    one.save_as(path, enforce_file_format=True)


def main(program):
    checked = 0
    with tempfile.TemporaryDirectory() as folder:
        path, out = pathlib.Path(folder) / "a.dcm", pathlib.Path(folder) / "a.npy"
        for syntax, most in SYNTAXES.items():
            for dtype, bits in [(np.uint8, 8), (np.uint16, 12), (np.uint16, 16), (np.int16, 16)]:
                pixels = picture(dtype, bits)
                how = {"reversible": False, "level": 0.0005} if most else {"reversible": True}
                file = imagecodecs.htj2k_encode(pixels, **how)
                # The codestream without the boxes of a file.
                save(path, syntax, pixels, bits, file[file.index(b"\xff\x4f\xff\x51") :])
                subprocess.run([program, "convert", path, "-o", out, "--force", "-q"], check=True)
                want = imagecodecs.htj2k_decode(file) if most else pixels
                off = np.abs(np.load(out).reshape(pixels.shape).astype(int) - want).max()
                assert off <= most, (syntax, dtype, off)
                checked += 1
    print(f"{checked} files, 0 wrong")


if __name__ == "__main__":
    main(*sys.argv[1:])
