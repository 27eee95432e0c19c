"""Compares JPEG as hounsfield reads it, in files and in DICOM, with libjpeg-turbo (OpenCV, imagecodecs) and GDCM (SimpleITK).

    python check_jpeg.py <hounsfield> <data> [images]

<hounsfield> is the program, <data> the folder of test data, [images] how many random images are made of each kind (100). Needs numpy, opencv, imagecodecs,
pillow, nibabel, pydicom, SimpleITK. Samples must be equal, bit for bit; colours are compared as the grey that OpenCV makes of them. Lossless streams of every
predictor, point transform and restart interval are written here, because no encoder offers all of them. Real files cut at 30 to 99 % must be
errors.
"""

import io
import pathlib
import subprocess
import sys
import tempfile
import warnings

import cv2
import imagecodecs
import nibabel
import numpy as np
import pydicom
import SimpleITK
from PIL import Image

program, data = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
images = int(sys.argv[3]) if len(sys.argv) > 3 else 100
warnings.simplefilter("ignore")
SimpleITK.ProcessObject.SetGlobalWarningDisplay(False)
random = np.random.default_rng(11)
wrong = 0
folder = pathlib.Path(tempfile.mkdtemp())


def ours(stream, name="a.jpg"):
    """Stored values, slices first, or the message."""
    path, out = folder / name, folder / "out.nii"
    path.write_bytes(stream)
    done = subprocess.run([program, "convert", path, "-o", out, "--force", "--quiet"], capture_output=True, text=True)
    if done.returncode:
        return done.stderr.strip()
    return np.squeeze(np.asarray(nibabel.load(out).dataobj.get_unscaled()).T)


def check(what, stream, want, name="a.jpg", ordered=False):
    """`ordered`: slices may have been put in the order of their positions."""
    global wrong
    got = ours(stream, name)
    if isinstance(got, str):
        print("WRONG", what, got)
    elif not np.array_equal(got, np.squeeze(want)) and not (ordered and np.array_equal(got, np.squeeze(want)[::-1])):
        print("WRONG", what, got.shape, want.shape)
    else:
        return
    wrong += 1


def grey(image):
    return cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY) if image.shape[-1] == 3 and image.ndim > 2 else image


def picture(channels, bits):
    """Waves and noise, of any size."""
    rows, columns = random.integers(1, 90, 2)
    y, x = np.mgrid[:rows, :columns]
    waves = [np.sin(x * random.uniform(0.01, 0.4) + y * random.uniform(0.01, 0.4)) for _ in range(channels)]
    values = (np.stack(waves, -1) * 0.5 + 0.5 + random.normal(0, random.choice([0, 0.05, 1]), (rows, columns, channels))).clip(0, 1)
    values = np.rint(values * (2**bits - 1)).astype(np.uint8 if bits <= 8 else np.uint16)
    return values if channels > 1 else values[..., 0]


def lossless(planes, predictor, shift, bits, restart_rows):
    """A stream by T.81 annex H; all Huffman codes have 5 bits."""
    rows, columns = planes[0].shape
    count, mask = len(planes), (1 << 16) - 1
    out = bytearray(b"\xff\xd8\xff\xc4" + (36).to_bytes(2, "big") + bytes([0, 0, 0, 0, 0, 17] + [0] * 11) + bytes(range(17)))
    out += b"\xff\xc3" + (8 + 3 * count).to_bytes(2, "big") + bytes([bits]) + rows.to_bytes(2, "big") + columns.to_bytes(2, "big")
    out += bytes([count]) + b"".join(bytes([i + 1, 0x11, 0]) for i in range(count))
    out += b"\xff\xdd\0\4" + (restart_rows * columns).to_bytes(2, "big")
    out += b"\xff\xda" + (6 + 2 * count).to_bytes(2, "big") + bytes([count]) + b"".join(bytes([i + 1, 0]) for i in range(count))
    out += bytes([predictor, 0, shift])
    small = [p.astype(int) >> shift for p in planes]
    text = ""

    def flush():
        nonlocal text
        text += "1" * (-len(text) % 8)
        for byte in bytes(int(text[i : i + 8], 2) for i in range(0, len(text), 8)):
            out.extend([byte, 0] if byte == 255 else [byte])
        text = ""

    for y in range(rows):
        first = y == 0 or (restart_rows and y % restart_rows == 0)
        if first and y:
            flush()
            out.extend([255, 0xD0 + (y // restart_rows - 1) % 8])
        for x in range(columns):
            for p in small:
                if first:
                    guess = p[y, x - 1] if x else 1 << (bits - shift - 1)
                elif x == 0:
                    guess = p[y - 1, x]
                else:
                    a, b, c = p[y, x - 1], p[y - 1, x], p[y - 1, x - 1]
                    guess = [a, b, c, a + b - c, a + ((b - c) >> 1), b + ((a - c) >> 1), (a + b) >> 1][predictor - 1]
                difference = int(p[y, x] - guess) & mask
                signed = difference - (1 << 16) if difference > 1 << 15 else difference
                size = abs(signed).bit_length()
                text += format(size, "05b")
                if 0 < size < 16:
                    text += format(signed if signed > 0 else signed + (1 << size) - 1, f"0{size}b")
    flush()
    return bytes(out) + b"\xff\xd9"


# Files of 8 bits.
SAMPLING = {"4:4:4": 0x111111, "4:2:2": 0x211111, "4:2:0": 0x221111, "4:1:1": 0x411111, "4:4:0": 0x121111}
for kind in ["grey", *SAMPLING]:
    for _ in range(images):
        options = [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(1, 101)), cv2.IMWRITE_JPEG_PROGRESSIVE, int(random.integers(2))]
        options += [cv2.IMWRITE_JPEG_OPTIMIZE, int(random.integers(2)), cv2.IMWRITE_JPEG_RST_INTERVAL, int(random.choice([0, 1, 2, 5]))]
        if kind != "grey":
            options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, SAMPLING[kind]]
        stream = cv2.imencode(".jpg", picture(1 if kind == "grey" else 3, 8), options)[1].tobytes()
        want = cv2.imdecode(np.frombuffer(stream, np.uint8), cv2.IMREAD_UNCHANGED)
        check((kind, options), stream, grey(want[..., ::-1]) if want.ndim == 3 else want)
    print(f"{images} images, {kind}: {wrong} wrong")

# 12 bits.
for _ in range(images):
    channels = int(random.choice([1, 3]))
    options = {"subsampling": str(random.choice(["444", "422", "420"]))} if channels > 1 else {}
    stream = imagecodecs.jpeg8_encode(picture(channels, 12), level=int(random.integers(10, 100)), bitspersample=12, **options)
    check(("12 bits", channels, options), stream, grey(imagecodecs.jpeg8_decode(stream)))
print(f"{images} images of 12 bits: {wrong} wrong")

# Lossless.
for i in range(images):
    bits, predictor, channels = int(random.integers(2, 17)), 1 + i % 7, int(random.choice([1, 1, 3]))
    values = picture(channels, bits)
    values = values[:30, :30]
    planes = [values] if channels == 1 else [values[..., c] for c in range(3)]
    shift = int(random.integers(bits)) if i % 2 else 0
    planes = [p >> shift << shift for p in planes]
    stream = lossless(planes, predictor, shift, bits, int(random.choice([0, 1, 3])))
    check(("lossless", bits, predictor, shift, channels), stream, grey(np.squeeze(np.stack(planes, -1))) if channels == 3 else planes[0])
    theirs = imagecodecs.jpeg8_decode(stream)
    assert np.array_equal(np.squeeze(theirs), np.squeeze(np.stack(planes, -1))), "libjpeg-turbo does not agree with the encoder of this script"
    whole = imagecodecs.jpeg8_encode(planes[0], lossless=True, predictor=predictor, bitspersample=bits)
    check(("libjpeg-turbo lossless", bits, predictor), whole, planes[0])
print(f"{images} lossless images, twice: {wrong} wrong")

# Exif orientations.
for orientation in range(1, 9):
    exif, file = Image.Exif(), io.BytesIO()
    exif[274] = orientation
    Image.fromarray(picture(1, 8)).save(file, "JPEG", exif=exif)
    check(("Exif", orientation), file.getvalue(), cv2.imdecode(np.frombuffer(file.getvalue(), np.uint8), cv2.IMREAD_GRAYSCALE))

# Real files, whole and cut.
real = sorted((data / "pneumonia/chest_xray_224").rglob("*.jp*g"))[: max(images, 20)]
for path in real:
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    check(path.name, path.read_bytes(), grey(image[..., ::-1]) if image.ndim == 3 else image)
cuts = 0
for path in [*real[:12], data / "reports/jpeg_good.jpg", data / "reports/exif_6.jpg", data / "reports/jpeg_12_bit.jpg"]:
    stream = path.read_bytes()
    for percent in range(30, 100, 3):
        end, cuts = min(len(stream) * percent // 100, len(stream) - 3), cuts + 1
        if not isinstance(ours(stream[:end]), str):
            wrong += 1
            print("WRONG", path.name, f"cut at {percent} % is read")
print(f"{len(real)} real files, {cuts} cuts: {wrong} wrong")

# DICOM, where GDCM decodes with libjpeg too.
frames = 0
for line in (data / "dicom/ORACLE_pixels.tsv").read_text().splitlines()[1:]:
    name, syntax, *rest = line.split("\t")
    if "JPEG-LS" in syntax or "2000" in syntax or not ("JPEG" in syntax or ".1.2.4.5" in syntax) or "no pixel" in rest[2]:
        continue
    path = data / "dicom" / name
    want = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(path)).astype(float)
    header = pydicom.dcmread(path, force=True, stop_before_pixels=True)
    rescale = header
    if "SharedFunctionalGroupsSequence" in header:
        rescale = header.SharedFunctionalGroupsSequence[0].get("PixelValueTransformationSequence", [header])[0]
    if "RescaleSlope" in rescale:
        want = np.rint((want - float(rescale.RescaleIntercept)) / float(rescale.RescaleSlope))
    if header.get("SamplesPerPixel") == 3:
        want = np.stack([grey(frame) for frame in want.astype(np.uint8).reshape(-1, *want.shape[-3:])])
    check(name, path.read_bytes(), want, "a.dcm", ordered=len(want) > 1)
    frames += 1
print(f"{frames} DICOM files: {wrong} wrong")
print(f"OpenCV {cv2.__version__}, imagecodecs {imagecodecs.__version__}, SimpleITK {SimpleITK.Version_VersionString()}: {wrong} wrong")
sys.exit(wrong > 0)
