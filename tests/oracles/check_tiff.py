"""Compares TIFF files with tifffile: what hounsfield reads of files that tifffile and Pillow write, and what tifffile reads of hounsfield's.

    python check_tiff.py PROGRAM [folder of reports]

Reading: numbers of every type in both byte orders and BigTIFF; strips and tiles; every compression with every predictor; bits of 1, 2, 4, 10,
12 and 14; planes, palettes, transparency, low values that are bright; channels, slices and times of ImageJ, OME and tifffile itself in every order, with
units; pyramids, masks and thumbnails. Writing: all types, spacing, time step, rescale and the notes of what is lost.

Needs numpy, tifffile, imagecodecs, nibabel, Pillow, pydicom. Written with tifffile 2026.3.3.
"""

import itertools
import json
import pathlib
import subprocess
import sys
import tempfile

import nibabel
import numpy as np
import tifffile
from PIL import Image

program = sys.argv[1]
reports = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None
folder = pathlib.Path(tempfile.mkdtemp())
failed, checked = [], 0
random = np.random.default_rng(1)


def run(*words):
    return subprocess.run([program, *map(str, words)], capture_output=True, text=True)


def info(path, *more):
    ran = run("info", "--json", path, *more)
    return json.loads(ran.stdout) if ran.returncode == 0 else ran.stderr.strip()


def voxels(path, *more):
    """Stored values in numpy's order (t, z, y, x), or the message."""
    out = folder / "read.nii"
    ran = run("convert", path, "-o", out, "--force", *more)
    if ran.returncode != 0:
        return ran.stderr.strip()
    return np.asarray(nibabel.load(out).dataobj.get_unscaled()).T


def complain(what, why):
    failed.append(f"{what}: {why}")


def same(what, path, want, *more):
    global checked
    checked += 1
    got = voxels(path, *more)
    if isinstance(got, str):
        return complain(what, got)
    want = np.asarray(want)
    if got.dtype != want.dtype or np.squeeze(got).shape != np.squeeze(want).shape:
        return complain(what, f"{got.dtype} {got.shape} instead of {want.dtype} {want.shape}")
    if not np.array_equal(np.squeeze(got), np.squeeze(want), equal_nan=want.dtype.kind == "f"):
        return complain(what, f"other voxels: {got.ravel()[:8]} instead of {want.ravel()[:8]}")


def refused(what, path, *words):
    global checked
    checked += 1
    got = info(path)
    if not isinstance(got, str):
        complain(what, f"read as {got['shape']}")
    elif not all(word.lower() in got.lower() for word in words):
        complain(what, got)


def noted(what, path, word, *more):
    global checked
    checked += 1
    got = info(path, *more)
    if isinstance(got, str) or not any(word.lower() in note.lower() for note in got["notes"]):
        complain(what, f"no word of {word!r}: {got if isinstance(got, str) else got['notes']}")


def spaced(what, path, spacing, step=None, *more):
    global checked
    checked += 1
    got = info(path, *more)
    if isinstance(got, str):
        return complain(what, got)
    close = (got["spacing_mm"] is None) if spacing is None else got["spacing_mm"] is not None and np.allclose(got["spacing_mm"], spacing, rtol=1e-9)
    if not close or (step is not None and not np.isclose(got["time_step_s"] or -1, step)):
        complain(what, f"{got['spacing_mm']} mm, {got['time_step_s']} s instead of {spacing}, {step}")


def grey(rgb):
    r, g, b = (rgb[..., i].astype(np.int64) for i in range(3))
    return ((9798 * r + 19235 * g + 3735 * b + 16384) >> 15).astype(rgb.dtype)


def noise(shape, dtype):
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return (random.standard_normal(shape) * 1000).astype(dtype)
    limits = np.iinfo(dtype)
    return random.integers(limits.min, limits.max, shape, dtype, endpoint=True)


def smooth(shape, dtype):
    values = np.cumsum(random.integers(0, 4, shape), axis=-1)
    return values.astype(dtype)


path = folder / "a.tif"
types = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"]

# Types, byte orders, BigTIFF, strips, tiles.
for dtype, order, big in itertools.product(types, "<>", (False, True)):
    image = noise((5, 37, 53), dtype)
    for name, layout in {"page": {}, "strips": {"rowsperstrip": 7}, "tiles": {"tile": (16, 32)}}.items():
        tifffile.imwrite(path, image, byteorder=order, bigtiff=big, photometric="minisblack", **layout)
        same(f"{dtype} {order} {'big' if big else 'classic'} {name}", path, image)
half = noise((3, 20, 30), "f2")
half.flat[:6] = [np.inf, -np.inf, np.nan, 6e-8, -0.0, 65504]
for order in "<>":
    tifffile.imwrite(path, half, byteorder=order, photometric="minisblack")
    same(f"f2 {order}", path, half.astype("f4"))

# Compressions and predictors.
packed = {"zlib": (1, 2, 3), "lzw": (1, 2, 3), "packbits": (1,)}
for compression, dtype, order in itertools.product(packed, types + ["f2"], "<>"):
    for predictor, layout in itertools.product(packed[compression], [{"rowsperstrip": 11}, {"tile": (16, 16)}]):
        if (predictor == 3) != (np.dtype(dtype).kind == "f") and predictor != 1:
            continue
        image = smooth((2, 37, 53), dtype)
        tifffile.imwrite(path, image, byteorder=order, compression=compression, predictor=predictor, photometric="minisblack", **layout)
        same(f"{compression} predictor {predictor} {dtype} {order} {layout}", path, image.astype("f4") if dtype == "f2" else image)
for dtype, compression, planar, predictor in itertools.product(["u1", "u2"], [None, "zlib", "lzw"], ["contig", "separate"], [1, 2]):
    if compression is None and predictor == 2:
        continue
    image = smooth((2, 37, 53, 3), dtype)
    data = image if planar == "contig" else np.moveaxis(image, -1, 1)
    for layout in [{"rowsperstrip": 11}, {"tile": (16, 32)}]:
        tifffile.imwrite(path, data, photometric="rgb", planarconfig=planar, compression=compression, predictor=predictor if compression else None, **layout)
        same(f"rgb {dtype} {compression} {planar} {predictor} {layout}", path, grey(image))
for compression, word in {"zstd": "Zstandard", "lzma": "LZMA", "jpeg2000": "JPEG 2000", "webp": "WebP", "jpegxl": "JPEG XL", "lerc": "LERC"}.items():
    rgb = noise((32, 32, 3), "u1")
    tifffile.imwrite(path, rgb, photometric="rgb", compression=compression)
    refused(compression, path, word)
for shape, photometric in [((48, 64), "minisblack"), ((48, 64, 3), "rgb"), ((48, 64, 3), "ycbcr")]:
    image = smooth(shape, "u1")
    for layout in [{}, {"tile": (16, 32)}]:
        tifffile.imwrite(path, image, compression="jpeg", photometric=photometric, **layout)
        want = tifffile.imread(path)
        want = grey(want) if want.ndim == 3 else want
        got = voxels(path)
        checked += 1
        if isinstance(got, str) or np.abs(np.squeeze(got).astype(int) - want.astype(int)).max() > 3:
            complain(f"jpeg {photometric} {layout}", got if isinstance(got, str) else "differs")

# Bits.
for bits, most in [(2, 3), (4, 15), (10, 1023), (12, 4095), (14, 16383)]:
    image = random.integers(0, most, (13, 21), endpoint=True).astype("u1" if bits < 9 else "u2")
    tifffile.imwrite(path, image, bitspersample=bits, photometric="minisblack")
    same(f"{bits} bits", path, image * {2: 85, 4: 17}.get(bits, 1))
    if bits < 9:
        noted(f"{bits} bits", path, "times those stored")
image = random.integers(0, 1, (13, 21), endpoint=True).astype(bool)
for compression in ["raw", "group4", "packbits", "tiff_lzw", "tiff_deflate"]:
    Image.fromarray(image).save(path, compression=compression)
    same(f"1 bit {compression}", path, image * np.uint8(255))
tifffile.imwrite(path, image, photometric="miniswhite")
same("1 bit MinIsWhite", path, image * np.uint8(255))

# Low values that are bright: kept, and said.
for dtype in types:
    image = noise((12, 16), dtype)
    tifffile.imwrite(path, image, photometric="miniswhite", compression="zlib")
    same(f"MinIsWhite {dtype}", path, image)
    noted(f"MinIsWhite {dtype}", path, "MinIsWhite")
    if info(path)["inverted"] is not True:
        complain(f"MinIsWhite {dtype}", "not inverted")

# Palettes, transparency, further samples.
index = random.integers(0, 3, (12, 16), endpoint=True).astype("u1")
colours = np.zeros((3, 256), "u2")
colours[:, :4] = np.array([[0, 128, 0, 128], [0, 0, 128, 128], [0, 0, 0, 0]]) * 257
tifffile.imwrite(path, index, photometric="palette", colormap=colours)
same("palette", path, grey(np.moveaxis(colours // 257, 0, -1).astype("u1"))[index])
noted("palette", path, "palette")
rgba = noise((12, 16, 4), "u1")
for kind in ["unassalpha", "assocalpha"]:
    tifffile.imwrite(path, rgba, photometric="rgb", extrasamples=[kind])
    same(f"rgb {kind}", path, grey(rgba[..., :3]))
    noted(f"rgb {kind}", path, "transparency")
tifffile.imwrite(path, rgba[..., :2], photometric="minisblack", extrasamples=["unassalpha"], planarconfig="contig")
same("grey and alpha", path, rgba[..., 0])
noted("grey and alpha", path, "transparency")
for planar in ["contig", "separate"]:
    five = noise((12, 16, 5), "u2")
    tifffile.imwrite(path, five if planar == "contig" else np.moveaxis(five, -1, 0), photometric="minisblack", planarconfig=planar)
    for channel in range(5):
        same(f"five numbers {planar} {channel}", path, five[..., channel], "--series", channel + 1)
    noted(f"five numbers {planar}", path, "channel 1 of 5")
tifffile.imwrite(path, noise((12, 16, 4), "u1"), photometric="separated")
refused("CMYK", path, "CMYK")

# Pyramids, thumbnails, masks, sizes.
large, small = noise((64, 96), "u2"), noise((32, 48), "u2")
with tifffile.TiffWriter(path) as tiff:
    tiff.write(large, subifds=2, tile=(16, 16))
    tiff.write(small, subfiletype=1)
    tiff.write(small[::2, ::2], subfiletype=1)
same("pyramid below", path, large)
noted("pyramid below", path, "SubIFDs")
for tags in [{"subfiletype": 1}, {}, {"extratags": [(255, "H", 1, 2)]}, {"subfiletype": 4, "photometric": 4}]:
    for first in (False, True):
        with tifffile.TiffWriter(path) as tiff:
            pages = [(large, {}), (small > 9 if "photometric" in tags else small, tags)]
            for page, more in reversed(pages) if first else pages:
                tiff.write(page, contiguous=False, metadata=None, **more)
        same(f"smaller page {tags} {'first' if first else 'last'}", path, large)
        noted(f"smaller page {tags}", path, "left out")
with tifffile.TiffWriter(path) as tiff:
    tiff.write(large, contiguous=False, metadata=None)
    tiff.write(large.T.copy(), contiguous=False, metadata=None)
refused("sizes", path, "page 2")
with tifffile.TiffWriter(path) as tiff:
    tiff.write(large, contiguous=False, metadata=None)
    tiff.write(large.astype("f4"), contiguous=False, metadata=None)
refused("types", path, "page 2")

# ImageJ: axes, units, order.
t, z, c = 3, 5, 2
hyper = noise((t, z, c, 12, 16), "u2")
for axes in ["TZCYX", "ZCYX", "TCYX", "TZYX", "ZYX", "CYX", "TYX"]:
    take = tuple(slice(None) if axis in axes else 0 for axis in "TZC")
    image = hyper[take]
    tifffile.imwrite(path, image, imagej=True, metadata={"axes": axes})
    for channel in range(c if "C" in axes else 1):
        want = image[..., channel, :, :] if "C" in axes else image
        same(f"ImageJ {axes} {channel}", path, want, "--series", channel + 1)
    if "C" in axes:
        noted(f"ImageJ {axes}", path, "channel 1 of 2")
        ran = run("convert", path, "-o", folder / "no.nii", "--series", 3)
        if ran.returncode == 0 or "--series" not in ran.stderr:
            complain("ImageJ channel 3", ran.stderr)
    shape = info(path)["shape"]
    want = [16, 12, z if "Z" in axes else 1, t if "T" in axes else 1]
    while len(want) > 2 and want[-1] == 1:
        want.pop()
    if shape != want:
        complain(f"ImageJ {axes}", f"{shape} instead of {want}")
stack = noise((z, 12, 16), "u2")
units = {"um": 1e-3, "µm": 1e-3, "\\u00B5m": 1e-3, "micron": 1e-3, "mm": 1, "cm": 10, "inch": 25.4, "nm": 1e-6, "pixel": None}
for unit, mm in units.items():
    for encoding in ["latin-1", "utf-8"]:
        text = f"ImageJ=1.53t\nimages={z}\nslices={z}\nunit={unit}\nspacing=3.947368\n".encode(encoding)
        tifffile.imwrite(path, stack, description=text, metadata=None, resolution=(1 / 2.6755, 1 / 1.25), resolutionunit=1, photometric="minisblack")
        spaced(f"ImageJ {unit} {encoding}", path, None if mm is None else [2.6755 * mm, 1.25 * mm, 3.947368 * mm])
tifffile.imwrite(path, stack, imagej=True, resolution=(2, 2), metadata={"axes": "TYX", "finterval": 0.25, "unit": "mm", "spacing": 1})
spaced("ImageJ time", path, [0.5, 0.5, 1], 0.25)
tifffile.imwrite(path, stack, imagej=True, resolution=(2, 2), metadata={"axes": "ZYX", "unit": "mm"})
noted("ImageJ without distance", path, "distance of slices")
tifffile.imwrite(path, stack.astype("u1"), imagej=True, metadata={"axes": "ZYX"}, colormap=None)
same("ImageJ u1", path, stack.astype("u1"))
rgb = noise((4, 12, 16, 3), "u1")
tifffile.imwrite(path, rgb, imagej=True, metadata={"axes": "ZYXS"})
same("ImageJ RGB", path, grey(rgb))
# All images in one page, as ImageJ writes more than 4 GiB.
flat = hyper.astype(">u2").tobytes()
text = f"ImageJ=1.53t\nimages={t * z * c}\nchannels={c}\nslices={z}\nframes={t}\nhyperstack=true\n"
with tifffile.TiffWriter(path, byteorder=">") as tiff:
    tiff.write(hyper[0, 0, 0], metadata=None, description=text, photometric="minisblack")
raw = bytearray(path.read_bytes())
with tifffile.TiffFile(path) as tiff:
    offset = tiff.pages[0].dataoffsets[0]
path.write_bytes(bytes(raw[:offset]) + flat)
same("ImageJ in one page", path, hyper[:, :, 1], "--series", 2)
path.write_bytes(bytes(raw[:offset]) + flat[:-1])
refused("ImageJ in one page, cut", path, "images")
# Calibrations of values, as ImageJ keeps signed words and Hounsfield units.
text = "ImageJ=1.53t\nimages=5\nslices=5\nunit=mm\nspacing=2\ncf=0\nc0=-32768.0\nc1=1.0\nvunit=Gray Value\n"
tifffile.imwrite(path, stack, description=text, metadata=None, photometric="minisblack")
if info(path)["rescale"] != [{"slope": 1.0, "intercept": -32768.0}]:
    complain("ImageJ calibration", info(path)["rescale"])

# OME.
for axes in ["TZCYX", "TCZYX", "CZYX", "ZCYX", "CYX", "ZYX", "TYX", "CTZYX", "ZTCYX"]:
    source = {"T": t, "Z": z, "C": c}
    image = noise([source[a] for a in axes[:-2]] + [12, 16], "u2")
    metadata = {"axes": axes, "PhysicalSizeX": 0.65, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": 650, "PhysicalSizeYUnit": "nm", "PhysicalSizeZ": 2, "TimeIncrement": 500, "TimeIncrementUnit": "ms"}
    ome = folder / "a.ome.tif"
    tifffile.imwrite(ome, image, ome=True, metadata=metadata, photometric="minisblack")
    for channel in range(c if "C" in axes else 1):
        want = np.take(image, channel, axes.index("C")) if "C" in axes else image
        left = axes.replace("C", "")
        if left.startswith("ZT"):
            want = np.swapaxes(want, 0, 1)
        same(f"OME {axes} {channel}", ome, want, "--series", channel + 1)
    spaced(f"OME {axes}", ome, [0.00065, 0.00065, 0.002], 0.5 if "T" in axes else None)
rgb = noise((4, 12, 16, 3), "u1")
tifffile.imwrite(ome, rgb, ome=True, metadata={"axes": "ZYXS"}, photometric="rgb")
same("OME RGB", ome, grey(rgb))
with tifffile.TiffWriter(ome, ome=True) as tiff:
    tiff.write(stack, metadata={"axes": "ZYX"}, photometric="minisblack")
    tiff.write(stack[:2, :6, :8], metadata={"axes": "CYX"}, photometric="minisblack")
same("OME two images 1", ome, stack)
same("OME two images 2", ome, stack[0, :6, :8], "--series", 2)
same("OME two images 3", ome, stack[1, :6, :8], "--series", 3)
noted("OME two images", ome, "volume 1 of 3")
with tifffile.TiffWriter(ome, ome=True) as tiff:
    big = noise((3, 64, 96), "u2")
    tiff.write(big, subifds=1, metadata={"axes": "ZYX"}, photometric="minisblack")
    tiff.write(big[:, ::2, ::2], subfiletype=1)
same("OME pyramid", ome, big)

# tifffile's own.
for axes in ["ZYX", "TZYX", "ZCYX", "CZYX", "TZCYX"]:
    source = {"T": t, "Z": z, "C": c}
    image = noise([source[a] for a in axes[:-2]] + [12, 16], "u2")
    tifffile.imwrite(path, image, metadata={"axes": axes}, photometric="minisblack")
    for channel in range(c if "C" in axes else 1):
        want = np.take(image, channel, axes.index("C")) if "C" in axes else image
        same(f"tifffile {axes} {channel}", path, want, "--series", channel + 1)
tifffile.imwrite(path, hyper[:, :, 0], photometric="minisblack")
same("tifffile without names", path, hyper[:, :, 0].reshape(-1, 12, 16))
noted("tifffile without names", path, "without names")
tifffile.imwrite(path, stack, truncate=True, photometric="minisblack")
same("tifffile in one page", path, stack)

# Resolutions.
for unit, per, want in [("CENTIMETER", 20, [0.5, 0.5, 1]), ("INCH", 72, None), ("INCH", 300, None), ("CENTIMETER", 300 / 2.54, None), ("NONE", 1, None)]:
    tifffile.imwrite(path, stack[0], resolution=(per, per), resolutionunit=unit, metadata=None)
    spaced(f"{per} per {unit}", path, want)
tifffile.imwrite(path, stack[0], resolution=(72, 72), resolutionunit="INCH", metadata=None)
noted("72 per inch", path, "print")

# Writing: all types, and what tifffile makes of it.
for dtype in types:
    if dtype in ("u8", "i8"):
        continue
    image = noise((4, 6, 12, 16), dtype)
    affine = np.diag([0.7, 0.625, 2.5, 1])
    nifti = nibabel.Nifti1Image(image.T, affine)
    nifti.header.set_xyzt_units("mm", "sec")
    nifti.header.set_zooms((0.7, 0.625, 2.5, 0.25))
    nibabel.save(nifti, folder / "in.nii")
    ran = run("convert", folder / "in.nii", "-o", path, "--force")
    checked += 1
    with tifffile.TiffFile(path) as tiff:
        meta, page = tiff.imagej_metadata, tiff.pages[0]
        array = tiff.asarray()
        x, y = page.tags["XResolution"].value, page.tags["YResolution"].value
        right = array.shape == image.shape and array.dtype == image.dtype and np.array_equal(array, image)
        size = [x[1] / x[0], y[1] / y[0], meta["spacing"]]
        if not right or not np.allclose(size, [0.7, 0.625, 2.5], rtol=1e-7) or meta["unit"] != "mm" or meta["finterval"] != 0.25:
            complain(f"written {dtype}", f"{array.dtype} {array.shape} {size} {meta}")
        if tiff.series[0].axes != "TZYX":
            complain(f"written {dtype}", tiff.series[0].axes)
    same(f"written {dtype} read again", path, image)
    spaced(f"written {dtype}", path, info(folder / "in.nii")["spacing_mm"], 0.25)
    if "position" not in ran.stderr:
        complain(f"written {dtype}", f"position is lost in silence: {ran.stderr}")
    if dtype in ("u1", "u2"):
        with Image.open(path) as picture:
            if not np.array_equal(np.asarray(picture), image[0, 0]):
                complain(f"written {dtype}", "Pillow reads something else")
for dtype, kept in [("u1", True), ("i2", True), ("u2", True), ("i4", False), ("f4", False)]:
    image = smooth((6, 12, 16), dtype)
    nifti = nibabel.Nifti1Image(image.T, np.eye(4))
    nifti.header.set_data_dtype(dtype)
    nifti.to_filename(folder / "in.nii")
    data = bytearray((folder / "in.nii").read_bytes())
    data[112:120] = np.array([2, -1024], "<f4").tobytes()
    (folder / "in.nii").write_bytes(bytes(data))
    ran = run("convert", "--json", folder / "in.nii", "-o", path, "--force")
    checked += 1
    notes = json.loads(ran.stdout)["notes"]
    if not any("-1024" in note for note in notes):
        complain(f"rescaled {dtype}", notes)
    want = {"slope": 2.0, "intercept": -1024.0} if kept else {"slope": 1.0, "intercept": 0.0}
    if info(path)["rescale"] != [want]:
        complain(f"rescaled {dtype}", info(path)["rescale"])
    same(f"rescaled {dtype}", path, image)

# The files of the reports.
if reports:
    ramp = {"min_is_white_float.tif": (0, 19.1, 9.55), "pyramid.tif": (0, 191, 95.5), "planar_rgb.tif": (41, 189, 112.421875)}
    for name, want in ramp.items():
        got = json.loads(run("stats", "--json", reports / name).stdout or "{}")
        checked += 1
        if not np.allclose([got.get(k, np.nan) for k in ("min", "max", "mean")], want, rtol=1e-6):
            complain(name, got)
    hyper = tifffile.imread(reports / "imagej_channels.tif")
    for channel in (0, 1):
        same(f"imagej_channels.tif {channel}", reports / "imagej_channels.tif", hyper[:, channel], "--series", channel + 1)
    noted("imagej_channels.tif", reports / "imagej_channels.tif", "channel 1 of 2")
    spaced("imagej_spacing_um.tif", reports / "imagej_spacing_um.tif", [0.0026755, 0.0026755, 0.003947368])

for line in failed:
    print(line)
print(f"{checked} checks, {len(failed)} failed")
sys.exit(bool(failed))
