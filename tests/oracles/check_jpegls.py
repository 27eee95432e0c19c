"""Compares JPEG-LS inside DICOM, as `hounsfield convert` writes it, with CharLS, sample by sample.

    python check_jpegls.py <hounsfield> <data>

<hounsfield> is the program, <data> the folder of test data. Needs numpy, nibabel, pydicom, imagecodecs, pyjpegls (both of which bring CharLS). Made images of
2 to 16 bits, with and without sign, NEAR 0, 1, 3 and 10, grey and colour in every interleaving, of awkward sizes, flat, smooth and noisy; then the real files.
Colour is compared as the grey that the program makes of the colours that CharLS decodes. Each made file is also cut, which must be an error and no output.
"""

import pathlib
import subprocess
import sys
import tempfile

import imagecodecs
import jpeg_ls
import nibabel
import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import JPEGLSLossless, JPEGLSNearLossless, MRImageStorage, SecondaryCaptureImageStorage, generate_uid

program, data = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
SIZES = [(1, 1), (1, 31), (31, 1), (2, 3), (17, 33), (64, 48), (3, 3000)]
KINDS = ["flat", "smooth", "noise", "sparse", "extremes"]
random = np.random.default_rng(87)
folder = pathlib.Path(tempfile.mkdtemp())
wrong, checked, cut, unmade = [], 0, 0, 0


def image(kind, rows, columns, top):
    y, x = np.mgrid[:rows, :columns]
    if kind == "flat":
        return np.full((rows, columns), random.integers(0, top + 1))
    if kind == "smooth":
        return np.clip(top * (0.5 + 0.4 * np.sin(x / 9) * np.cos(y / 7)) + random.normal(0, 1 + top / 400, x.shape), 0, top).astype(int)
    if kind == "sparse":
        return np.where(random.random((rows, columns)) < 0.04, random.integers(0, top + 1, (rows, columns)), top // 3)
    if kind == "extremes":
        return (random.random((rows, columns)) < 0.1) * top
    return random.integers(0, top // 4 + 2, (rows, columns))


def encoded(samples, bits, near, interleave):
    """A stream of samples of shape rows, columns(, 3), by CharLS, which takes colours by planes or, for both other interleavings, by pixels."""
    rows, columns = samples.shape[:2]
    colours = samples.shape[2] if samples.ndim == 3 else 1
    if interleave == 0:
        samples = np.moveaxis(samples, 2, 0)
    source = np.ascontiguousarray(samples.astype("u1" if bits <= 8 else "<u2")).tobytes()
    return bytes(jpeg_ls.CharLS.encode_buffer(source, rows, columns, colours, bits, near, interleave))


def dicom(path, stream, shape, depth, near):
    """A file of one frame; `depth` is bits allocated, bits stored, and whether there is a sign."""
    colour = len(shape) == 3
    file = Dataset()
    file.file_meta = FileMetaDataset()
    file.file_meta.TransferSyntaxUID = JPEGLSNearLossless if near else JPEGLSLossless
    file.SOPClassUID = SecondaryCaptureImageStorage if colour else MRImageStorage
    file.SOPInstanceUID, file.SeriesInstanceUID, file.StudyInstanceUID = generate_uid(), generate_uid(), generate_uid()
    file.Modality = "OT" if colour else "MR"
    file.Rows, file.Columns = shape[:2]
    file.SamplesPerPixel = 3 if colour else 1
    file.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        file.PlanarConfiguration = 0
    file.BitsAllocated, file.BitsStored, signed = depth
    file.HighBit, file.PixelRepresentation = file.BitsStored - 1, int(signed)
    file.PixelData = encapsulate([stream])
    file["PixelData"].VR = "OB"
    file.save_as(path, enforce_file_format=True)


def converted(path):
    """Stored values as rows, columns, without rescale; none if the program refuses."""
    out = folder / "out.nii"
    out.unlink(missing_ok=True)
    done = subprocess.run([program, "convert", path, "-o", out, "--quiet"], capture_output=True, text=True)
    if done.returncode:
        assert not out.exists(), f"{path}: an output in spite of an error"
        return None, done.stderr.strip()
    return nibabel.load(out).dataobj.get_unscaled()[:, :, 0].T, ""


def grey(colours):
    """Rec. 601 in exact integers, as cvtColor of OpenCV has it."""
    weights = (9798, 19235, 3735)
    return (sum(w * colours[..., i].astype(np.int64) for i, w in enumerate(weights)) + (1 << 14)) >> 15


def check(name, path, want):
    global checked
    got, why = converted(path)
    checked += 1
    if got is None or got.shape != want.shape or not np.array_equal(got.astype(np.int64), want.astype(np.int64)):
        wrong.append(f"{name}: {why or 'other samples'}")


def made(bits, near, interleave, size, kind):
    global cut, unmade
    colour = interleave is not None
    planes = [image(kind, *size, (1 << bits) - 1) for _ in range(3 if colour else 1)]
    samples = np.stack(planes, axis=2) if colour else planes[0]
    try:
        stream = encoded(samples, bits, near, interleave)
    except RuntimeError:
        # The buffer of that package is as large as the image. The other one's is not, but it knows no other depths and interleavings.
        if colour or bits not in (8, 16):
            unmade += 1
            return
        stream = imagecodecs.jpegls_encode(samples.astype(f"u{bits // 8}"), level=near)
    # By another package than the one that encodes.
    want = imagecodecs.jpegls_decode(stream)
    assert np.abs(want.astype(int) - samples).max() <= near
    name = f"{bits} bits, NEAR {near}, interleaving {interleave}, {size}, {kind}"
    path = folder / "made.dcm"
    allocated = 8 if bits <= 8 else 16
    if colour:
        depth = allocated, allocated, False
        dicom(path, stream, samples.shape, depth, near)
        check(name, path, grey(want))
    else:
        # 8 bits also in words of 16, and the same bits as two's complement.
        for wide in sorted({allocated, 16}):
            depth = wide, bits, False
            dicom(path, stream, samples.shape, depth, near)
            check(f"{name}, {wide} allocated", path, want)
        half = 1 << (bits - 1)
        dicom(path, stream, samples.shape, (allocated, bits, True), near)
        check(f"{name}, signed", path, (want.astype(int) ^ half) - half)
    # At least the last byte of the data is lost.
    dicom(path, stream[: min(len(stream) * 3 // 4, len(stream) - 3)], samples.shape, depth, near)
    got, why = converted(path)
    cut += 1
    if got is not None or "JPEG-LS" not in why:
        wrong.append(f"{name}, cut: {why or 'was read'}")


for bits in range(2, 17):
    for near in [0, 1, 3, 10]:
        if near <= ((1 << bits) - 1) // 2:
            made(bits, near, None, SIZES[random.integers(len(SIZES))], KINDS[random.integers(len(KINDS))])
for size in SIZES:
    for kind in KINDS:
        made(8, 0, None, size, kind)
        made(int(random.integers(9, 17)), int(random.choice([0, 2])), None, size, kind)
for bits in [8, 16]:
    for interleave in [0, 1, 2]:
        for near in [0, 1, 3]:
            for size in SIZES[:6]:
                made(bits, near, interleave, size, KINDS[random.integers(len(KINDS))])

real = 0
for path in sorted((data / "dicom").rglob("*.dcm")):
    file = pydicom.dcmread(path, stop_before_pixels=True, force=True)
    if getattr(file, "file_meta", {}).get("TransferSyntaxUID") not in (JPEGLSLossless, JPEGLSNearLossless):
        continue
    file = pydicom.dcmread(path)
    (stream,) = generate_frames(file.PixelData, number_of_frames=1)
    want = imagecodecs.jpegls_decode(stream)
    if file.SamplesPerPixel == 3:
        want = grey(want)
    elif file.PixelRepresentation:
        want = want.view(f"i{want.itemsize}")
    check(path.name, path, want)
    real += 1

for line in wrong:
    print(line)
print(f"{checked} conversions ({real} real files) and {cut} cut files: {len(wrong)} wrong; {unmade} images were not encoded")
sys.exit(bool(wrong))
