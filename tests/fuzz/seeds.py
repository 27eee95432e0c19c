"""Writes the inputs that fuzzing begins with: tiny files of every kind, all made here.

    python seeds.py [corpus]

Needs numpy, nibabel, tifffile, imagecodecs, Pillow, pydicom; for Zarr zarr 3. Two bytes of choices (see harness.rs) stand before each file.
"""

import gzip
import io
import json
import pathlib
import struct
import sys
import zlib

import imagecodecs
import nibabel
import numpy as np
import pydicom
import tifffile
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence

root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "corpus")
random = np.random.default_rng(3)
# As images, masks and labels; the bits that trust (with doubles and splits), put onto a grid, and split.
ROLES = [0, 1, 2, 0x68, 0x78, 0x40]
counts = {}


def seed(target, content, how=0, which=0, roles=False):
    folder = root / target
    folder.mkdir(parents=True, exist_ok=True)
    for choice in ROLES if roles else [0]:
        counts[target] = counts.get(target, 0) + 1
        (folder / f"{counts[target]:04}").write_bytes(bytes([how | choice, which]) + bytes(content))


def voxels(dtype, shape):
    flat = random.integers(0, 120, shape)
    return flat.astype(dtype)


def nifti():
    for dtype in ["u1", "i1", "i2", "u2", "i4", "u4", "i8", "f4", "f8", ">i2", ">f4"]:
        for make in [nibabel.Nifti1Image, nibabel.Nifti2Image]:
            order = ">" if dtype[0] == ">" else "<"
            header = make.header_class(endianness=order)
            header.set_data_dtype(np.dtype(dtype).newbyteorder(order))
            image = make(voxels(dtype.strip(">"), (5, 4, 3)), np.diag([2, -1, 3, 1.0]), header)
            image.set_sform(np.diag([2, -1, 3, 1.0]), 1)
            whole = image.to_bytes()
            seed("nifti", whole)
            if dtype in ["i2", "f4"]:
                seed("nifti", whole, 0x80)
                seed("nifti", gzip.compress(whole))
                seed("nifti", gzip.compress(whole[:200]) + gzip.compress(whole[200:]))
                seed("nifti", whole, 1), seed("nifti", whole, 2)
    series = nibabel.Nifti1Image(voxels("i2", (3, 3, 2, 4)), np.eye(4))
    series.header.set_xyzt_units("mm", "msec")
    series.header["scl_slope"], series.header["scl_inter"] = 2, -3
    series.header.extensions.append(nibabel.nifti1.Nifti1Extension(6, b"a comment"))
    seed("nifti", series.to_bytes()), seed("nifti", series.to_bytes(), 0, 0x20), seed("nifti", series.to_bytes(), 0, 8)
    rgb = np.zeros((4, 4, 2), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    seed("nifti", nibabel.Nifti1Image(rgb, np.eye(4)).to_bytes(), roles=True)
    for make in [nibabel.Nifti1Pair, nibabel.Nifti2Pair, nibabel.Spm99AnalyzeImage, nibabel.AnalyzeImage]:
        files = make.make_file_map({"header": io.BytesIO(), "image": io.BytesIO()})
        files = {k: nibabel.FileHolder(fileobj=io.BytesIO()) for k in files}
        make(voxels("i2", (5, 4, 3)), np.eye(4)).to_file_map(files)
        header = files["header"].fileobj.getvalue()
        seed("nifti", header), seed("nifti", header, 0x80)


def nrrd():
    for content in headers(150):
        seed("nrrd", content), seed("nrrd", content, 0, 0x40)
    types = {"uchar": "u1", "int8": "i1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4", "longlong": "i8", "float": "f4", "double": "f8"}
    for name, dtype in types.items():
        for order in "<>":
            data = voxels(dtype, (3, 4, 5)).astype(order + dtype).tobytes()
            text = f"NRRD0005\n# made\ntype: {name}\ndimension: 3\nsizes: 5 4 3\nendian: {'little' if order == '<' else 'big'}\n"
            text += "space: left-posterior-superior\nspace directions: (1,0,0) (0,0.5,0) (0,0,-2)\nspace origin: (1,2,3)\nkinds: domain domain domain\n"
            seed("nrrd", (text + "encoding: raw\n\n").encode() + data)
    text = "NRRD0004\ntype: short\ndimension: 3\nsizes: 5 4 3\nendian: little\nspacings: 1 2 3\nthicknesses: nan nan 2\naxis mins: 0 0 0\nkey:=value\n"
    data = voxels("<i2", (3, 4, 5)).tobytes()
    import bz2

    numbers = " ".join(str(n) for n in np.frombuffer(data, "<i2"))
    for encoding, packed in [("gzip", gzip.compress(data)), ("bzip2", bz2.compress(data)), ("ascii", numbers.encode()), ("hex", data.hex().encode())]:
        seed("nrrd", (text + f"encoding: {encoding}\n\n").encode() + packed, roles=True)
        seed("nrrd", (text + f"encoding: {encoding}\nline skip: 1\nbyte skip: 2\n\n").encode() + b"line\nab" + packed)
    seed("nrrd", (text + "encoding: raw\nbyte skip: -1\n\n").encode() + b"junk" + data)
    for files in ["a.raw", "a.gz", "LIST\na.raw\na1\na2", "a%d 1 2 1", "LIST 2\na1\na2"]:
        for encoding in ["raw", "gzip"]:
            seed("nrrd", (text + f"encoding: {encoding}\nline skip: 0\ndata file: {files}\n").encode(), 0x80)
    four = "NRRD0005\ntype: uchar\ndimension: 4\nsizes: 3 3 4 2\nkinds: vector domain domain list\nspace: RAST\n"
    four += "space directions: none (1,0,0,0) (0,1,0,0) (0,0,0,1)\nmeasurement frame: (1,0,0) (0,1,0) (0,0,1)\nencoding: raw\nunits: \"\" \"mm\" \"mm\" \"s\"\n"
    seed("nrrd", (four + "\n").encode() + bytes(72), roles=True)
    rgb = "NRRD0005\ntype: uchar\ndimension: 3\nsizes: 3 4 4\nkinds: RGB-color domain domain\nencoding: raw\nold min: 0\noldmax: 9\n\n"
    seed("nrrd", rgb.encode() + bytes(48), roles=True)


def headers(count):
    """NRRD of every type, encoding, kind and place, drawn by chance."""
    for _ in range(count):
        pick = lambda *choices: choices[random.integers(len(choices))]
        size = [int(n) for n in random.integers(1, 5, pick(1, 2, 3, 3, 4, 5))]
        n, width = len(size), pick(1, 2, 4, 8)
        kind = {1: pick("uchar", "int8"), 2: pick("short", "ushort"), 4: pick("int", "uint32", "float"), 8: pick("int64", "unsigned long long", "double")}[width]
        lines = [f"type: {kind}", f"dimension: {n}", f"sizes: {' '.join(map(str, size))}", f"endian: {pick('little', 'big')}"]
        kinds = [pick("domain", "space", "time", "list", "vector", "RGB-color", "RGBA-color", "none", "???", "3-color", "complex", "scalar") for _ in size]
        if pick(0, 1):
            lines.append("kinds: " + " ".join(kinds))
        if pick(0, 1):
            vectors = ["none" if pick(0, 0, 0, 1) else f"({pick(1, 0, -2.5, 'nan')},{pick(0, 1)},{pick(0, 1, '1e300')})" for _ in size]
            lines += [f"space: {pick('RAS', 'LPS', 'scanner-xyz', 'left-anterior-superior', '3D-right-handed')}", "space directions: " + " ".join(vectors), "space origin: (0,1,2)"]
        else:
            lines += [pick("spacings: ", "axis mins: ", "centers: ", "units: ", "labels: ") + " ".join(str(pick(1, 0.5, "nan", '"mm"', -1)) for _ in size)]
        data = bytes(random.integers(0, 256, int(np.prod(size)) * width, "u1"))
        encoding = pick("raw", "gzip", "ascii")
        lines += [f"encoding: {encoding}", pick("byte skip: 0", "byte skip: 3", "byte skip: -1", "line skip: 1", "block size: 2", "content: x")]
        body = {"raw": data, "gzip": gzip.compress(data), "ascii": b" ".join(b"%d" % b for b in data)}[encoding]
        yield ("NRRD0005\n" + "\n".join(lines) + "\n\n").encode() + body


def metaimage():
    for content in keys(200):
        seed("metaimage", content), seed("metaimage", content, 1, 0x40)
    types = {"UCHAR": "u1", "CHAR": "i1", "SHORT": "i2", "USHORT": "u2", "INT": "i4", "UINT": "u4", "LONG_LONG": "i8", "FLOAT": "f4", "DOUBLE": "f8"}
    for name, dtype in types.items():
        for big in [False, True]:
            data = voxels(dtype, (3, 4, 5)).astype((">" if big else "<") + dtype).tobytes()
            text = f"ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = {big}\nTransformMatrix = 1 0 0 0 -1 0 0 0 1\n"
            text += f"Offset = 1 2 3\nCenterOfRotation = 0 0 0\nAnatomicalOrientation = RAI\nElementSpacing = 1 2 3\nDimSize = 5 4 3\nElementType = MET_{name}\n"
            for packed in [False, True]:
                body = zlib.compress(data) if packed else data
                size = f"CompressedData = True\nCompressedDataSize = {len(body)}\n" if packed else ""
                seed("metaimage", (text + size + "ElementDataFile = LOCAL\n").encode() + body)
    text = "ObjectType = Image\nNDims = 3\nDimSize = 5 4 3\nElementType = MET_SHORT\nHeaderSize = {}\n"
    numbers = " ".join(str(n) for n in range(60))
    seed("metaimage", (text.format(0) + "BinaryData = False\nElementDataFile = LOCAL\n").encode() + numbers.encode(), roles=True)
    for files in ["a.raw", "LIST\na.raw\na1\na2", "LIST 2\na1\na2\n", "a%d 1 2 1", "a.gz"]:
        for size in [0, 4, -1]:
            seed("metaimage", (text.format(size) + f"ElementDataFile = {files}\n").encode(), 0x80)
    for channels, dims in [(3, "4 4 2"), (2, "3 3 3"), (1, "2 2 2 3")]:
        count = channels * int(np.prod([int(n) for n in dims.split()]))
        text = f"ObjectType = Image\nNDims = {len(dims.split())}\nDimSize = {dims}\nElementNumberOfChannels = {channels}\nElementType = MET_UCHAR\nElementDataFile = LOCAL\n"
        seed("metaimage", text.encode() + bytes(count), roles=True)


def keys(count):
    """MetaImage of every type, packing, order and count of channels, drawn by chance."""
    for _ in range(count):
        pick = lambda *choices: choices[random.integers(len(choices))]
        size, channels = [int(n) for n in random.integers(1, 5, pick(1, 2, 3, 3, 4, 5))], pick(1, 1, 2, 3, 4)
        name, width = pick(("UCHAR", 1), ("CHAR", 1), ("SHORT", 2), ("USHORT", 2), ("INT", 4), ("ULONG", 4), ("FLOAT", 4), ("DOUBLE", 8), ("ULONG_LONG", 8), ("FLOAT_ARRAY", 4))
        n, packing = len(size), pick("plain", "plain", "zlib", "text")
        row = lambda values: " ".join(str(v) for v in values)
        lines = [f"NDims = {n}", f"DimSize = {row(size)}", f"ElementNumberOfChannels = {channels}", f"ElementType = MET_{name}", f"BinaryDataByteOrderMSB = {pick('True', 'False')}"]
        some = [
            "ElementSpacing = " + row(pick(1, 0.5, -2, "nan", "1e308") for _ in size), "ElementSize = " + row(pick(1, 3) for _ in size),
            "TransformMatrix = " + row(pick(0, 1, 1, -1, 0.3) for _ in range(n * n)), "Offset = " + row(pick(0, 5, "1e300") for _ in size),
            "AnatomicalOrientation = " + pick("RAI", "LPS", "RRR", "???"), "ElementToIntensityFunctionSlope = 2", "HeaderSize = " + pick("0", "-1", "4"), "Modality = MET_MOD_CT",
        ]
        lines += [line for line in some if pick(0, 1)]
        count_of = int(np.prod(size)) * channels
        data = bytes(random.integers(0, 256, count_of * width, "u1"))
        if packing == "zlib":
            data = zlib.compress(data)
            lines += ["CompressedData = True", f"CompressedDataSize = {len(data)}"]
        if packing == "text":
            data = row(random.integers(0, 9, count_of)).encode()
            lines.append("BinaryData = False")
        yield ("ObjectType = Image\n" + "\n".join(lines) + "\nElementDataFile = LOCAL\n").encode() + data


def npy():
    for dtype in ["?", "u1", "i1", "<i2", ">u2", "<i4", ">u4", "<i8", "<u8", "<f2", "<f4", ">f8"]:
        for order in "CF":
            for shape in [(3, 4, 5), (4, 5), (2, 3, 2, 2), (6,), (4, 4, 3)]:
                out = io.BytesIO()
                np.save(out, np.asarray(voxels(dtype, shape), order=order))
                seed("npy", out.getvalue())
    for version in [(1, 0), (2, 0), (3, 0)]:
        out = io.BytesIO()
        np.lib.format.write_array(out, voxels("f4", (3, 4)), version)
        seed("npy", out.getvalue(), roles=True)


def png():
    def save(image, **more):
        out = io.BytesIO()
        image.save(out, "PNG", **more)
        for how in [0, 0x80]:
            seed("png", out.getvalue(), how, roles=True)

    save(Image.fromarray(voxels("u1", (7, 9)))), save(Image.fromarray(voxels("u2", (7, 9))))
    for mode in ["1", "LA", "RGB", "RGBA", "P"]:
        save(Image.fromarray(voxels("u1", (7, 9, 3))).convert(mode))
    index = Image.fromarray(voxels("u1", (7, 9)) % 4, "P")
    index.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 9, 9, 9])
    for bits in [1, 2, 4, 8]:
        save(index, bits=bits)
    save(index, transparency=0)

    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    for bits, colour, row in [(1, 0, 2), (2, 0, 3), (4, 0, 5), (8, 0, 9), (16, 0, 18), (16, 2, 54), (8, 4, 18), (16, 6, 72), (2, 3, 3), (8, 3, 9)]:
        for interlaced in [0, 1]:
            body = zlib.compress(bytes(7 * (row + 1) * 2))
            out = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 9, 7, bits, colour, 0, 0, interlaced))
            palette = chunk(b"PLTE", bytes(range(12))) + chunk(b"tRNS", b"\0\xff") if colour == 3 else b""
            seed("png", out + palette + chunk(b"pHYs", bytes([0, 0, 9, 9, 0, 0, 9, 9, 1])) + chunk(b"IDAT", body) + chunk(b"IEND", b""), roles=True)


def lossless(bits, predictor, shift, restart, count=1, size=(5, 4)):
    """T.81 annex H: all Huffman codes have 5 bits, and all differences are 0 or small."""
    out = b"\xff\xd8\xff\xc4" + (36).to_bytes(2, "big") + bytes([0, 0, 0, 0, 0, 17] + [0] * 11) + bytes(range(17))
    out += b"\xff\xc3" + (8 + 3 * count).to_bytes(2, "big") + bytes([bits, 0, size[1], 0, size[0], count])
    out += b"".join(bytes([i + 1, 0x11, 0]) for i in range(count)) + b"\xff\xdd\0\4" + (restart * size[0]).to_bytes(2, "big")
    out += b"\xff\xda" + (6 + 2 * count).to_bytes(2, "big") + bytes([count]) + b"".join(bytes([i + 1, 0]) for i in range(count))
    out += bytes([predictor, 0, shift])
    text = ""

    def flush(text):
        text += "1" * (-len(text) % 8)
        return b"".join(bytes([b, 0]) if b == 255 else bytes([b]) for b in (int(text[i : i + 8], 2) for i in range(0, len(text), 8)))

    for y in range(size[1]):
        if restart and y and y % restart == 0:
            out += flush(text) + bytes([255, 0xD0 + (y // restart - 1) % 8])
            text = ""
        for x in range(size[0] * count):
            category = (x * y) % 3
            text += f"{category:05b}" + ("" if category == 0 else f"{1 << (category - 1):0{category}b}")
    return out + flush(text) + b"\xff\xd9"


def jpegs():
    """Streams with bits, samples and whether they are lossless."""
    for colour in [False, True]:
        picture = np.clip(np.add.outer(np.arange(11) * 9, np.arange(13) * 7)[..., None] + np.array([0, 40, 80] if colour else [0]), 0, 255).astype("u1")
        picture = picture if colour else picture[..., 0]
        for more in [{}, {"progressive": True}, {"quality": 95, "subsampling": 0}, {"subsampling": 2, "progressive": True}, {"restart_marker_blocks": 1}, {"optimize": True}]:
            if not colour:
                more.pop("subsampling", None)
            out = io.BytesIO()
            Image.fromarray(picture).save(out, "JPEG", **more)
            yield out.getvalue(), 8, 3 if colour else 1
        yield imagecodecs.jpeg8_encode(picture.astype("u2") * 16, bitspersample=12), 12, 3 if colour else 1
        try:
            yield imagecodecs.jpeg8_encode(picture, lossless=True, predictor=1), 8, 3 if colour else 1
        except Exception as e:
            print("no lossless:", e)
    for bits, predictor, shift, restart, count in [(8, 1, 0, 0, 1), (16, 4, 0, 1, 1), (12, 7, 1, 2, 1), (8, 6, 0, 0, 3), (2, 2, 0, 0, 1), (10, 3, 2, 0, 2), (16, 5, 0, 0, 3)]:
        yield lossless(bits, predictor, shift, restart, count), bits, count


def jpeg():
    for stream, _, _ in jpegs():
        seed("jpeg", stream), seed("jpeg", stream, 1), seed("jpeg", stream, 6)
    out, exif = io.BytesIO(), Image.Exif()
    for turned in [3, 6, 7]:
        exif[0x0112] = turned
        out = io.BytesIO()
        Image.fromarray(voxels("u1", (5, 9))).save(out, "JPEG", exif=exif)
        seed("jpeg", out.getvalue())


def streams_ls():
    """JPEG-LS, by two packages that bring CharLS: one knows interleaving and every depth, the other has room for noise."""
    for dtype, shape in [("u1", (5, 7)), ("u2", (5, 7)), ("u1", (5, 7, 3)), ("u1", (1, 40)), ("u2", (30, 2))]:
        for level in [0, 1, 3, 10]:
            images = [voxels(dtype, shape), np.full(shape, 9, dtype), voxels(dtype, shape) % 2 * np.iinfo(dtype).max]
            # Of 16 bits one each: the table of their regions makes them slow.
            for image in images if dtype == "u1" else images[: level == 0]:
                yield imagecodecs.jpegls_encode(image, level=level)
    try:
        import jpeg_ls
    except ImportError:
        return
    for bits, near, interleave in [(12, 0, None), (12, 2, None), (5, 0, None), (2, 0, None), (8, 0, 0), (8, 0, 1), (8, 2, 2), (12, 1, 1), (16, 0, 2)]:
        samples = random.integers(0, min(1 << bits, 60), (6, 5, 3) if interleave is not None else (16, 15))
        source = np.moveaxis(samples, 2, 0) if interleave == 0 else samples
        source = np.ascontiguousarray(source.astype("u1" if bits <= 8 else "<u2")).tobytes()
        try:
            yield bytes(jpeg_ls.CharLS.encode_buffer(source, *samples.shape[:2], 1 if interleave is None else 3, bits, near, interleave or 0))
        except RuntimeError:
            # Its buffer is as large as the image.
            continue


def jpegls():
    for stream in streams_ls():
        seed("jpegls", stream)
        at, bits = stream.index(b"\xff\xda"), stream[stream.index(b"\xff\xf7") + 4]
        # A preset of thresholds, and a restart interval that is never reached.
        preset = b"\xff\xf8\0\x0d\1" + struct.pack(">5H", (1 << bits) - 1, 12, 13, 21, 64)
        seed("jpegls", stream[:at] + preset + stream[at:]), seed("jpegls", stream, 0x80)
        seed("jpegls", stream[:at] + b"\xff\xdd\0\4\x7f\0" + stream[at:])


def zarr():
    import zarr as library

    mark = b"\0==\0"

    def read(store, name):
        return bytes(store._store_dict[name].to_bytes()) if name in store._store_dict else b""

    def write(shape, chunks, group=None, version=3, **more):
        store = library.storage.MemoryStore()
        array = library.create_array(store, shape=shape, chunks=chunks, zarr_format=version, **more)
        array[...] = random.integers(0, 90, shape).astype(array.dtype)
        names = sorted(store._store_dict)
        meta = ".zarray" if version == 2 else "zarr.json"
        chunk = next(read(store, n) for n in names if not n.split("/")[-1].startswith(".z") and not n.endswith("zarr.json"))
        parts = [read(store, meta), chunk] if group is None else [json.dumps(group).encode(), read(store, meta), chunk]
        seed("zarr", mark.join(parts), 0x80 if version == 2 else 0)

    def image(axes, version):
        kinds = {"t": "time", "c": "channel"}
        names = [{"name": a, "type": kinds.get(a, "space"), **({"unit": "micrometer"} if a in "xyz" else {})} for a in axes]
        moves = [{"type": "scale", "scale": [0.5] * len(axes)}, {"type": "translation", "translation": [3.0] * len(axes)}]
        scales = [{"axes": names, "datasets": [{"path": "0", "coordinateTransformations": moves}]}]
        if version == 2:
            return {"multiscales": [{"version": "0.4", **scales[0]}]}
        return {"zarr_format": 3, "node_type": "group", "attributes": {"ome": {"version": "0.5", "multiscales": scales}}}

    codecs = library.codecs
    for dtype in ["u1", "i2", ">i2", "f4", "f8", "u4", "bool"]:
        for packed in [None, codecs.GzipCodec(level=1), codecs.ZstdCodec(level=1, checksum=True), codecs.BloscCodec(cname="lz4", shuffle="shuffle", typesize=2)]:
            write((3, 4, 5), (2, 4, 3), dtype=dtype, compressors=packed)
    for names in ["zyx", "czyx", "tczyx", "yx"]:
        shape = tuple({"t": 2, "c": 2, "z": 3, "y": 4, "x": 5}[a] for a in names)
        for version in [2, 3]:
            write(shape, shape, image(names, version), version, dtype="u2", compressors=None)
    write((4, 4, 6), (2, 2, 3), dtype="i2", shards=(4, 4, 6), compressors=codecs.ZstdCodec(level=1))
    write((4, 4, 6), (2, 2, 3), image("zyx", 3), dtype="i2", shards=(4, 4, 6), compressors=codecs.GzipCodec(level=1))
    write((4, 5), (4, 5), dtype="i2", filters=[codecs.TransposeCodec(order=(1, 0))], compressors=None)
    import numcodecs

    for packed in [numcodecs.Zlib(1), numcodecs.GZip(1), numcodecs.Zstd(1), numcodecs.BZ2(1), numcodecs.LZ4(), numcodecs.Blosc("zstd", shuffle=2), numcodecs.Blosc("lz4", shuffle=1), numcodecs.Blosc("zlib", shuffle=0), numcodecs.Blosc("blosclz")]:
        for dtype in ["<u2", ">i2", "u1", "<f8"]:
            write((3, 4, 5), (3, 4, 5), None, 2, dtype=dtype, compressors=packed)
    write((3, 4, 5), (3, 4, 5), None, 2, dtype="<u2", compressors=None, order="F")


def page(fields, strips, big):
    """A TIFF file of one page by its fields, whatever they are; pixels first."""
    order = ">" if big else "<"
    out = (b"MM" if big else b"II") + struct.pack(order + "HI", 42, 0)
    places = []
    for strip in strips:
        places.append(len(out))
        out += strip
    at, count = (324, 325) if 322 in fields else (273, 279)
    fields = fields | {at: places, count: [len(strip) for strip in strips]}
    entries = b""
    for tag, values in sorted(fields.items()):
        value = struct.pack(f"{order}{len(values)}I", *values)
        if len(value) > 4:
            value, out = struct.pack(order + "I", len(out)), out + value
        entries += struct.pack(order + "HHI", tag, 4, len(values)) + value
    out = out[:4] + struct.pack(order + "I", len(out)) + out[8:]
    return out + struct.pack(order + "H", len(fields)) + entries + bytes(4)


def pages(count):
    """Every depth with every kind of number, colour, order and packing, drawn by chance: also what no program writes."""
    packers = {1: bytes, 5: imagecodecs.lzw_encode, 8: zlib.compress, 32773: imagecodecs.packbits_encode, 4: lambda b: b"\0\x10\1" * 4, 7: lambda b: b}
    for _ in range(count):
        pick = lambda *choices: choices[random.integers(len(choices))]
        bits, samples, hue, packing = pick(1, 2, 4, 8, 8, 10, 12, 16, 16, 32, 64), pick(1, 1, 2, 3, 4), pick(0, 1, 1, 2, 3, 4, 6), pick(1, 1, 4, 5, 7, 8, 32773)
        if hue in [2, 6]:
            samples = max(samples, 3)
        planar, tiled, number = pick(1, 1, 2), pick(False, False, True), pick(1, 1, 2, 3)
        width, height, rows = 9, 7, pick(3, 7, 8)
        columns, lines = (16, 16) if tiled else (width, rows)
        across, down = (1, 1) if tiled else (1, -(-height // rows))
        row = -(-columns * (1 if planar == 2 else samples) * bits // 8)
        fields = {256: [width], 257: [height], 258: [bits] * samples, 259: [packing], 262: [hue], 277: [samples], 284: [planar], 339: [number] * samples}
        fields |= {322: [16], 323: [16]} if tiled else {278: [rows]}
        fields |= pick({}, {317: [2]}, {317: [3]}, {266: [2]}, {338: [pick(0, 1, 2)]}, {274: [pick(1, 3, 6)]}, {330: [8]}, {254: [pick(1, 2, 4)]})
        if hue == 3:
            fields[320] = [int(n) for n in random.integers(0, 65536, 3 << min(bits, 8))]
        strips = []
        for i in range(across * down * (samples if planar == 2 else 1)):
            stream = bytes(random.integers(0, 256, row * lines, "u1"))
            if packing == 7 and bits == 8:
                shape = (lines, columns) if planar == 2 or samples == 1 else (lines, columns, 3)
                stream = imagecodecs.jpeg8_encode(random.integers(0, 256, shape).astype("u1"))
            strips.append(packers[packing](stream))
        yield page(fields, strips, pick(False, True))


def tiff():
    for content in pages(400):
        if len(content) < 6000:
            seed("tiff", content, roles=b"\x03\0\0\0\x01\0\0\0\x03" in content)
    def save(data, **more):
        out = io.BytesIO()
        with tifffile.TiffWriter(out, **{k: more.pop(k) for k in ["bigtiff", "byteorder", "imagej", "ome"] if k in more}) as writer:
            writer.write(data, **more)
        seed("tiff", out.getvalue())
        return out.getvalue()

    for dtype in ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "f2", "f4", "f8"]:
        for more in [{"byteorder": ">"}, {"bigtiff": True}]:
            save(voxels(dtype, (2, 6, 7)), photometric="minisblack", **more)
    for compression in ["zlib", "lzw", "packbits"]:
        for dtype, predictors in [("u1", [1, 2]), ("u2", [2]), ("f4", [1, 3]), ("f8", [3])]:
            for predictor in predictors:
                if compression == "packbits" and predictor > 1:
                    continue
                more = {"compression": compression, "predictor": predictor, "photometric": "minisblack"}
                save(voxels(dtype, (20, 18)), rowsperstrip=4, **more), save(voxels(dtype, (20, 18)), tile=(16, 16), byteorder=">", **more)
    for bits in [1, 2, 4, 10, 12, 14]:
        packed = voxels("u2" if bits > 8 else "u1", (5, 7)) % (1 << bits)
        try:
            save(packed, bitspersample=bits, photometric="miniswhite")
        except Exception as e:
            print("tiff of", bits, e)
    for colour in [voxels("u1", (8, 9, 3)), voxels("u2", (8, 9, 3))]:
        whole = save(colour, photometric="rgb"), save(np.moveaxis(colour, 2, 0), photometric="rgb", planarconfig="separate")
        for content in whole:
            seed("tiff", content, 1), seed("tiff", content, 2)
    save(voxels("u1", (8, 9, 4)), photometric="rgb", extrasamples=["unassalpha"])
    indices = save(voxels("u1", (6, 5)), photometric="palette", colormap=random.integers(0, 65535, (3, 256)).astype("u2"))
    seed("tiff", indices, roles=True)
    save(voxels("u1", (16, 16, 3)), compression="jpeg", photometric="ycbcr", tile=(16, 16)), save(voxels("u1", (16, 16)), compression="jpeg", photometric="minisblack")
    for mode, kind in [("1", "group4"), ("1", "packbits"), ("L", "tiff_lzw"), ("P", "tiff_deflate"), ("LA", None)]:
        out = io.BytesIO()
        Image.fromarray(voxels("u1", (9, 17)) * 2).convert(mode).save(out, "TIFF", compression=kind)
        seed("tiff", out.getvalue(), roles=True)
    save(voxels("u2", (2, 3, 2, 5, 6)), imagej=True, metadata={"axes": "TZCYX", "spacing": 2.5, "unit": "um", "finterval": 0.5}, resolution=(2, 2))
    ome = save(voxels("u1", (2, 3, 5, 6)), ome=True, photometric="minisblack", metadata={"axes": "CZYX", "PhysicalSizeX": 0.5, "PhysicalSizeZ": 2})
    seed("tiff", ome, 0, 2)
    save(voxels("u1", (2, 3, 5, 6)), photometric="minisblack", metadata={"axes": "TZYX"})
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as writer:
        writer.write(voxels("u1", (16, 16)), subifds=1), writer.write(voxels("u1", (8, 8)), subfiletype=1)
        writer.write(voxels("u1", (16, 16)), description="second")
    seed("tiff", out.getvalue(), 0, 1)


EXPLICIT, IMPLICIT, BIG, DEFLATED = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"


def base(rows=4, columns=5, dtype="u2", frames=1, z=0.0, instance=1, **more):
    file = Dataset()
    file.SOPClassUID, file.SOPInstanceUID, file.SeriesInstanceUID = "1.2.840.10008.5.1.4.1.1.4", f"1.2.3.{instance}", "1.2.7"
    file.Modality, file.InstanceNumber = "MR", instance
    file.ImageOrientationPatient, file.ImagePositionPatient, file.PixelSpacing = [1, 0, 0, 0, 1, 0], [1, 2, z], [0.5, 0.75]
    file.SliceThickness = 2
    file.Rows, file.Columns, file.SamplesPerPixel, file.PhotometricInterpretation = rows, columns, 1, "MONOCHROME2"
    width = np.dtype(dtype).itemsize
    file.BitsAllocated = file.BitsStored = 8 * width
    file.HighBit, file.PixelRepresentation = 8 * width - 1, int(dtype[0] == "i")
    if frames > 1:
        file.NumberOfFrames = frames
    file.PixelData = voxels(dtype, (frames, rows, columns)).tobytes()
    for key, value in more.items():
        setattr(file, key, value)
    return file


def item(**values):
    out = Dataset()
    for key, value in values.items():
        setattr(out, key, value)
    return out


def saved(file, syntax=EXPLICIT):
    file.file_meta = FileMetaDataset()
    file.file_meta.TransferSyntaxUID = syntax
    file.file_meta.MediaStorageSOPClassUID, file.file_meta.MediaStorageSOPInstanceUID = file.SOPClassUID, file.SOPInstanceUID
    if syntax == BIG and file.BitsAllocated == 16:
        file.PixelData = np.frombuffer(file.PixelData, "u2").byteswap().tobytes()
    out = io.BytesIO()
    file["PixelData"].VR = "OW" if syntax in [BIG, IMPLICIT] or file.BitsAllocated > 8 else "OB"
    pydicom.dcmwrite(out, file, implicit_vr=syntax == IMPLICIT, little_endian=syntax != BIG, enforce_file_format=True)
    return out.getvalue()[128:]


def framed(stream, syntax, rows, columns, bits, samples, frames=1, **more):
    file = base(rows, columns, "u2" if bits > 8 else "u1", frames, BitsStored=bits, HighBit=bits - 1, **more)
    if samples == 3:
        file.SamplesPerPixel, file.PhotometricInterpretation, file.PlanarConfiguration = 3, "RGB", 0
    streams = stream if isinstance(stream, list) else [stream]
    file.PixelData = encapsulate(streams)
    file["PixelData"].is_undefined_length = True
    return saved(file, syntax)


def rle(data, planes):
    segments = []
    for plane in planes(data):
        packed = b"".join(bytes([len(plane[i : i + 128]) - 1]) + plane[i : i + 128] for i in range(0, len(plane), 128))
        segments.append(packed + b"\0" * (len(packed) % 2))
    starts = np.cumsum([64] + [len(s) for s in segments[:-1]])
    return struct.pack("<16I", len(segments), *starts, *[0] * (15 - len(segments))) + b"".join(segments)


def groups(n, z=1.0, **more):
    out = []
    for i in range(n):
        group = item(PlanePositionSequence=[item(ImagePositionPatient=[0, 0, z * i])])
        group.FrameContentSequence = [item(DimensionIndexValues=[1, i + 1])]
        for key, value in more.items():
            setattr(group, key, [value(i)])
        out.append(group)
    return out


def enhanced(n, dtype="u2", more=None, **attributes):
    file = base(3, 4, dtype, n, **attributes)
    for key in ["ImageOrientationPatient", "ImagePositionPatient", "PixelSpacing", "SliceThickness"]:
        delattr(file, key)
    file.SharedFunctionalGroupsSequence = [
        item(
            PixelMeasuresSequence=[item(PixelSpacing=[0.5, 0.5], SliceThickness=1, SpacingBetweenSlices=1)],
            PlaneOrientationSequence=[item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])],
            PixelValueTransformationSequence=[item(RescaleSlope=2, RescaleIntercept=-1, RescaleType="US")],
            FrameVOILUTSequence=[item(WindowCenter=40, WindowWidth=80)],
        )
    ]
    file.PerFrameFunctionalGroupsSequence = groups(n, **(more or {}))
    file.DimensionIndexSequence = [item(DimensionIndexPointer=0x00209057), item(DimensionIndexPointer=0x00200032)]
    return file


def singles():
    yield from (saved(base(dtype=d)) for d in ["u1", "i1", "u2", "i2", "u4", "i4"])
    yield from (saved(base(), syntax) for syntax in [IMPLICIT, BIG, DEFLATED])
    yield saved(base(BitsStored=12, HighBit=11, RescaleSlope="2.5", RescaleIntercept="-1024", PixelPaddingValue=63, WindowCenter=[40, 50], WindowWidth=[80, 90]))
    yield saved(base(BitsStored=12, HighBit=15, PixelRepresentation=1))
    table = item(LUTDescriptor=[8, 0, 16], LUTData=struct.pack("<8H", *range(0, 800, 100)), ModalityLUTType="HU")
    yield saved(base(dtype="u1", ModalityLUTSequence=[table]))
    table = item(LUTDescriptor=[8, 0, 8], LUTData=struct.pack("<8H", *range(0, 80, 10)))
    yield saved(base(VOILUTSequence=[table])), IMPLICIT
    bits = base(3, 3, "u1", 3, BitsAllocated=1, BitsStored=1, HighBit=0, PixelData=bytes([0x55, 0xAA, 0x55, 1]))
    yield saved(bits)
    for planar in [0, 1]:
        colour = base(3, 4, "u1", SamplesPerPixel=3, PhotometricInterpretation="RGB", PlanarConfiguration=planar, PixelData=bytes(range(36)))
        yield saved(colour)
    yield saved(base(4, 4, "u1", SamplesPerPixel=3, PhotometricInterpretation="YBR_FULL_422", PlanarConfiguration=0, PixelData=bytes(range(32))))
    palette = base(3, 4, "u1", PhotometricInterpretation="PALETTE COLOR", PixelData=bytes(range(12)))
    for name in ["Red", "Green", "Blue"]:
        setattr(palette, f"{name}PaletteColorLookupTableDescriptor", [12, 0, 16])
        setattr(palette, f"{name}PaletteColorLookupTableData", struct.pack("<12H", *range(0, 1200, 100)))
    yield saved(palette)
    yield saved(base(frames=3, FrameTime="40")), IMPLICIT
    yield saved(base(frames=3, GridFrameOffsetVector=[0, 2, 4], DoseGridScaling="0.01", dtype="u4"))
    mosaic = base(8, 8, "u2", ImageType=["ORIGINAL", "PRIMARY", "M", "MOSAIC"])
    mosaic.private_block(0x19, "SIEMENS MR HEADER", create=True).add_new(0x0A, "US", 3)
    yield saved(mosaic)
    yield saved(enhanced(3)), IMPLICIT
    yield saved(enhanced(3), IMPLICIT)
    diffusion = {"MRDiffusionSequence": lambda i: item(DiffusionBValue=1000.0 * (i % 2), DiffusionGradientDirectionSequence=[item(DiffusionGradientOrientation=[1.0, 0, 0])])}
    yield saved(enhanced(4, more=diffusion))
    yield saved(enhanced(4, more={"MREchoSequence": lambda i: item(EffectiveEchoTime=5.0 * i)}))
    yield saved(enhanced(4, more={"TemporalPositionSequence": lambda i: item(TemporalPositionTimeOffset=0.5 * i)}))
    yield saved(enhanced(4, more={"CardiacSynchronizationSequence": lambda i: item(NominalCardiacTriggerDelayTime=10.0 * i)}))
    segments = {"SegmentIdentificationSequence": lambda i: item(ReferencedSegmentNumber=1 + i % 2)}
    for overlap in ["NO", "YES"]:
        label = enhanced(4, "u1", segments, SegmentationType="BINARY", SegmentsOverlap=overlap, BitsAllocated=1, BitsStored=1, HighBit=0, PixelData=bytes([0x35, 0x53, 0x35, 0x53, 0x11, 0]))
        label.SOPClassUID = "1.2.840.10008.5.1.4.1.1.66.4"
        yield saved(label)
    nuclear = base(3, 4, "u2", 4, EnergyWindowVector=[1, 1, 2, 2], DetectorVector=[1, 2, 1, 2], SliceVector=[1, 2, 3, 4], SpacingBetweenSlices="2")
    nuclear.DetectorInformationSequence = [item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0], ImagePositionPatient=[0, 0, 0])]
    yield saved(nuclear)
    float_image = base(3, 4, "u4")
    yield saved(float_image)[: -4] + bytes(4)
    for stream, depth, samples in jpegs():
        at = next(i for i in range(len(stream)) if stream[i] == 255 and stream[i + 1] in [0xC0, 0xC1, 0xC2, 0xC3])
        rows, columns = struct.unpack(">HH", stream[at + 5 : at + 9])
        syntax = {0xC0: ".50", 0xC1: ".51", 0xC2: ".55", 0xC3: ".70"}[stream[at + 1]]
        if samples != 2:
            yield framed(stream, "1.2.840.10008.1.2.4" + syntax, rows, columns, depth, samples)
    for stream in list(streams_ls())[::7]:
        at = stream.index(b"\xff\xf7")
        rows, columns = struct.unpack(">HH", stream[at + 5 : at + 9])
        yield framed(stream, "1.2.840.10008.1.2.4.80", rows, columns, stream[at + 4], stream[at + 9])
    for dtype, samples in [("u1", 1), ("u2", 1), ("u1", 3)]:
        width = np.dtype(dtype).itemsize
        frames = [rle(voxels(dtype, (4 * 5, samples)), lambda d: [d[:, s].view("u1").reshape(-1, width)[:, width - 1 - b].tobytes() for s in range(samples) for b in range(width)]) for _ in range(3)]
        for n in [1, 3]:
            yield framed(frames[:n], "1.2.840.10008.1.2.5", 4, 5, 8 * width, samples, n)


def crosses():
    """Every depth with every meaning of its numbers, in one and in several frames, in every encoding that needs no codec: also what no scanner writes."""
    for bits in [1, 8, 16, 32]:
        for meaning in ["grey", "table", "palette", "mosaic", "colour", "ybr", "half", "segments"]:
            for frames in [1, 3]:
                for syntax in [EXPLICIT, BIG, DEFLATED, IMPLICIT]:
                    more = {"BitsAllocated": bits, "BitsStored": bits, "HighBit": bits - 1}
                    size = (6, 6) if meaning == "mosaic" else (3, 3)
                    samples = 3 if meaning in ["colour", "ybr", "half"] else 1
                    pixels = bytes(random.integers(0, 256, -(-size[0] * size[1] * frames * samples * bits // 8), "u1") & 0x3F)
                    file = (enhanced if meaning == "segments" else base)(*([frames] if meaning == "segments" else [*size, "u1", frames]))
                    for key, value in (more | {"PixelData": pixels + b"\0" * (len(pixels) % 2)}).items():
                        setattr(file, key, value)
                    if meaning == "segments":
                        file.SOPClassUID, file.SegmentationType, file.Rows, file.Columns = "1.2.840.10008.5.1.4.1.1.66.4", "BINARY", 3, 3
                        for group in file.PerFrameFunctionalGroupsSequence:
                            group.SegmentIdentificationSequence = [item(ReferencedSegmentNumber=2)]
                    if meaning == "table":
                        file.ModalityLUTSequence = [item(LUTDescriptor=[4, 0, 16], LUTData=struct.pack("<4H", 5, 6, 7, 900), ModalityLUTType="HU")]
                    if meaning == "palette":
                        file.PhotometricInterpretation = "PALETTE COLOR"
                        for name in ["Red", "Green", "Blue"]:
                            setattr(file, f"{name}PaletteColorLookupTableDescriptor", [4, 0, 8])
                            setattr(file, f"{name}PaletteColorLookupTableData", bytes([1, 50, 100, 200]))
                    if meaning == "mosaic":
                        file.ImageType = ["ORIGINAL", "PRIMARY", "M", "MOSAIC"]
                        file.private_block(0x19, "SIEMENS MR HEADER", create=True).add_new(0x0A, "US", 4)
                    if samples == 3:
                        kind = {"colour": "RGB", "ybr": "YBR_FULL", "half": "YBR_FULL_422"}[meaning]
                        file.SamplesPerPixel, file.PhotometricInterpretation, file.PlanarConfiguration = 3, kind, frames % 2
                    yield saved(file, syntax)


def dicom():
    for content in crosses():
        seed("dicom", content), seed("dicom", content, 0x78, 0x40)
    for content in singles():
        content = content[0] if isinstance(content, tuple) else content
        seed("dicom", content), seed("dicom", content, 0x78)
    for content in singles():
        content = content[0] if isinstance(content, tuple) else content
        if b"66.4" in content or b"PALETTE" in content:
            seed("dicom", content, roles=True), seed("dicom", content, 0, 4), seed("dicom", content, 0, 8)
    seed("dicom", saved(base())[4:])


def series():
    def write(files, **choices):
        content = b"".join(saved(file) for file in files)
        seed("series", content, **choices), seed("series", content, 0x78)

    def three(**each):
        return [base(3, 4, "u2", z=2.0 * i, instance=i + 1, **{k: v(i) for k, v in each.items()}) for i in range(3)]

    write(three(), roles=True)
    write(three()[::-1])
    write(three(RescaleSlope=lambda i: str(1 + i), RescaleIntercept=lambda i: "-5"))
    write(three(ImagePositionPatient=lambda i: [0, 0, [0, 1, 5][i]]))
    for key, values in [
        ("EchoTime", ["1", "2", "3"]), ("EchoNumbers", [1, 2, 3]), ("TriggerTime", ["0", "40", "80"]), ("TemporalPositionIdentifier", [1, 2, 3]),
        ("AcquisitionTime", ["101010", "101011.5", "101013"]), ("AcquisitionDate", ["20200101"] * 3), ("ImageType", [["ORIGINAL", "PRIMARY", "M"], ["ORIGINAL", "PRIMARY", "P"], ["DERIVED"]]),
        ("AcquisitionNumber", [1, 2, 3]), ("SeriesInstanceUID", ["1.2.7", "1.2.8", "1.2.9"]), ("Rows", [3, 3, 2]), ("PixelSpacing", [[1, 1], [1, 2], [1, 1]]),
        ("ImageOrientationPatient", [[1, 0, 0, 0, 1, 0], [0, 1, 0, 0, 0, 1], [1, 0, 0, 0, 1, 0]]), ("FrameReferenceTime", ["0", "10", "20"]),
    ]:
        same = three(**{key: lambda i: values[i]}, ImagePositionPatient=lambda i: [1, 2, 3])
        write(same), write(three(**{key: lambda i: values[i]})), write(same, which=4), write(same, which=1)
    write([enhanced(2, instance=i) for i in range(2)])
    write([base(3, 4, "u2", 2, instance=i) for i in range(2)])
    write(three(BitsStored=lambda i: 12, HighBit=lambda i: 11, PixelRepresentation=lambda i: i % 2))
    mixed = three()
    write([mixed[0], base(3, 4, "u1", z=2, instance=2), mixed[2]])
    segments = {"SegmentIdentificationSequence": lambda i: item(ReferencedSegmentNumber=1 + i % 2)}
    label = [enhanced(2, "u1", segments, instance=i, SegmentationType="BINARY", SegmentsOverlap="NO", BitsAllocated=1, BitsStored=1, HighBit=0, PixelData=bytes([0x35, 0x53, 0x35, 0])) for i in range(2)]
    write(label, roles=True)


for make in [nifti, nrrd, metaimage, npy, png, jpeg, jpegls, tiff, dicom, series, zarr]:
    make()
print(*(f"{name}: {count}" for name, count in counts.items()), sep=", ")
