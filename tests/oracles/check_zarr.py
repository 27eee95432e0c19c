"""Compares OME-Zarr folders and Zarr arrays, read and written by hounsfield, with zarr-python and ome-zarr-py: voxels, scale, translation.

    python check_zarr.py <program> <made>

The program is built with the feature zarr; <made> is the folder `zarr` that `HOUNSFIELD_COPIES=<folder> cargo test --features zarr zarr_comes_back` keeps.
Needs numpy, zarr, ome-zarr, ome-zarr-models. Written with zarr-python 3.1.6, numcodecs 0.16, ome-zarr-py 0.18, ome-zarr-models 1.7.
"""

import itertools
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import numcodecs
import numpy as np
import ome_zarr.io
import ome_zarr.reader
import ome_zarr.writer
import zarr
from zarr.codecs import BloscCodec, Crc32cCodec, GzipCodec, TransposeCodec, ZstdCodec

PROGRAM, MADE = map(pathlib.Path, sys.argv[1:3])
TYPES = ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"]
RNG = np.random.default_rng(1)
counts = dict.fromkeys(["arrays of version 2", "arrays of version 3", "OME images", "written folders", "refused"], 0)


def run(*args):
    return subprocess.run([PROGRAM, *map(str, args)], capture_output=True, text=True)


def read(path, *options):
    """The array in the order of the file, and the header, as the program has them."""
    out = WORK / "out.npy"
    ran = run("convert", "--force", path, "-o", out, *options)
    assert ran.returncode == 0, (path, ran.stderr)
    return np.load(out), json.loads(run("info", "--json", path, *options).stdout)


def random(shape, dtype):
    if np.dtype(dtype).kind == "f":
        return RNG.normal(size=shape).astype(dtype)
    limits = np.iinfo(dtype)
    return RNG.integers(limits.min, limits.max, size=shape, dtype=dtype, endpoint=True)


def smooth(shape, dtype):
    """Numbers that compress, so that compressors do not give up."""
    return (np.indices(shape).sum(axis=0) // 3).astype(dtype)


def same(path, want, count, *options):
    ours, info = read(path, *options)
    while want.ndim > 3 and want.shape[0] == 1:
        want = want[0]
    want = want.astype(want.dtype.newbyteorder("="))
    assert ours.shape == want.shape and ours.dtype == want.dtype, (path, ours.shape, want.shape, ours.dtype, want.dtype)
    assert ours.tobytes() == want.tobytes(), path
    counts[count] += 1
    return info


def refused(path, words):
    ran = run("convert", "--force", path, "-o", WORK / "out.npy")
    assert ran.returncode not in (0, 101) and words in ran.stderr and "panick" not in ran.stderr, (path, ran.stderr)
    counts["refused"] += 1


def version2():
    compressors = [None, numcodecs.GZip(1), numcodecs.Zlib(1), numcodecs.BZ2(1), numcodecs.Zstd(3), numcodecs.LZ4()]
    compressors += [
        numcodecs.Blosc(cname=name, clevel=level, shuffle=shuffle)
        for name, shuffle, level in itertools.product(["blosclz", "lz4", "lz4hc", "zlib", "zstd"], [0, 1, 2, -1], [1, 9])
    ]
    for compressor, make, (shape, chunks) in itertools.product(
        compressors, [random, smooth], [((40, 33, 70), (16, 33, 21)), ((13, 9, 11), (4, 4, 4)), ((5, 6), (5, 6))]
    ):
        for dtype in [">i2", "<f8", "u1"]:
            array = make(shape, np.dtype(dtype).newbyteorder("=")).astype(dtype)
            write2("a.zarr", array, chunks, compressor)
    for dtype, order, separator, dims in itertools.product(TYPES, "CF", "./", range(1, 8)):
        for byte_order in "<>" if dtype[1] != "1" else "<":
            shape = [9, 7, 5, 3, 2, 2, 2][:dims]
            chunks = [4, 7, 2, 2, 1, 2, 1][:dims]
            write2("b.zarr", random(shape, dtype).astype(byte_order + dtype), chunks, numcodecs.Blosc(), order, separator)
    # Chunks that were never written.
    for fill in [7, -3, None]:
        array = zarr.create_array(WORK / "c.zarr", shape=(9, 9), chunks=(4, 4), dtype="<i2", fill_value=fill, zarr_format=2, overwrite=True)
        array[5:, 5:] = 100
        same(WORK / "c.zarr", array[:], "arrays of version 2")
    array = zarr.create_array(WORK / "c.zarr", shape=(9, 9), chunks=(4, 4), dtype="bool", zarr_format=2, overwrite=True)
    array[2:5] = True
    same(WORK / "c.zarr", array[:].astype("u1"), "arrays of version 2")
    write2("d.zarr", random((4, 4), "i2"), (4, 4), numcodecs.LZMA(), read_too=False)
    refused(WORK / "d.zarr", "the codec lzma is not read")
    write2("d.zarr", np.zeros((4, 4), "c8"), (4, 4), None, read_too=False)
    refused(WORK / "d.zarr", "the type <c8 is not read")


def write2(name, array, chunks, compressor, order="C", separator=".", read_too=True):
    path = WORK / name
    made = zarr.create_array(
        path, shape=array.shape, chunks=tuple(chunks), dtype=array.dtype, compressors=compressor, order=order, zarr_format=2, overwrite=True,
        chunk_key_encoding={"name": "v2", "separator": separator}, filters=None,
    )
    made[...] = array
    assert json.loads((path / ".zarray").read_text())["order"] == order
    if read_too:
        same(path, array, "arrays of version 2")


def version3():
    compressors = [None, [GzipCodec(level=1)], [ZstdCodec(level=3)], [ZstdCodec(level=3, checksum=True)], [ZstdCodec(), Crc32cCodec()], [Crc32cCodec()]]
    compressors += [
        [BloscCodec(cname=name, shuffle=shuffle)]
        for name, shuffle in itertools.product(["blosclz", "lz4", "zlib", "zstd"], ["noshuffle", "shuffle", "bitshuffle"])
    ]
    for compressor, make, sharded, endian in itertools.product(compressors, [random, smooth], [False, True], ["little", "big"]):
        for shape, chunk, shard in [((40, 33, 70), (8, 11, 35), (16, 33, 70)), ((5, 6), (2, 3), (4, 6))]:
            array = make(shape, "i2")
            write3(array, chunk, shard if sharded else None, compressors=compressor, serializer=zarr.codecs.BytesCodec(endian=endian))
    for dtype, dims in itertools.product(TYPES, range(1, 8)):
        shape, chunk, shard = [9, 7, 5, 3, 2, 2, 2][:dims], [4, 7, 2, 2, 1, 2, 1][:dims], [8, 7, 6, 2, 2, 2, 1][:dims]
        for separator in "./":
            write3(random(shape, dtype), chunk, None, chunk_key_encoding={"name": "default", "separator": separator})
        write3(random(shape, dtype), chunk, shard, chunk_key_encoding={"name": "v2", "separator": "."})
    for order in itertools.permutations(range(3)):
        for shard in [None, (4, 6, 4)]:
            write3(random((9, 7, 5), "u2"), (4, 3, 2), shard, filters=[TransposeCodec(order=order)])
    for location in ["start", "end"]:
        array = random((9, 7, 5), "u2")
        write3(array, (4, 3, 2), {"shape": (8, 6, 4), "index_location": location})
    for fill in [7, -3]:
        for shards in [None, (8, 8)]:
            array = zarr.create_array(WORK / "c.zarr", shape=(9, 9), chunks=(4, 4), shards=shards, dtype="i2", fill_value=fill, overwrite=True)
            array[5:, 5:] = 100
            same(WORK / "c.zarr", array[:], "arrays of version 3")
    for fill in [np.nan, -np.inf, 0.1]:
        array = zarr.create_array(WORK / "c.zarr", shape=(9, 9), chunks=(4, 4), dtype="f4", fill_value=fill, overwrite=True)
        array[5:, 5:] = 100
        same(WORK / "c.zarr", array[:], "arrays of version 3")


def write3(array, chunk, shard, **more):
    path = WORK / "b.zarr"
    shutil.rmtree(path, ignore_errors=True)
    if isinstance(shard, dict):
        codec = zarr.codecs.ShardingCodec(chunk_shape=chunk, index_location=shard["index_location"])
        made = zarr.create_array(path, shape=array.shape, chunks=shard["shape"], dtype=array.dtype, serializer=codec, compressors=None)
    else:
        made = zarr.create_array(path, shape=array.shape, chunks=tuple(chunk), shards=shard, dtype=array.dtype, **more)
    made[...] = array
    same(path, array, "arrays of version 3")


def ome_images():
    """Images as ome-zarr-py writes them, in every form of axes."""
    units = {"z": ("micrometer", 1e-3), "y": ("micrometer", 1e-3), "x": ("millimeter", 1.0), "t": ("millisecond", 1e-3)}
    forms = ["yx", "zyx", "cyx", "tyx", "czyx", "tzyx", "tcyx", "tczyx"]
    sizes = {"t": 3, "c": 2, "z": 6, "y": 40, "x": 50}
    steps = {"t": 250.0, "c": 1.0, "z": 2.0, "y": 0.65, "x": 0.000325}
    for format, axes in itertools.product([ome_zarr.format.FormatV04(), ome_zarr.format.FormatV05()], forms):
        path = WORK / "image.ome.zarr"
        shutil.rmtree(path, ignore_errors=True)
        array = random([sizes[a] for a in axes], "u2")
        kinds = {"t": "time", "c": "channel"}
        described = [{"name": a, "type": kinds.get(a, "space")} | ({"unit": units[a][0]} if a in units else {}) for a in axes]
        scale = [steps[a] for a in axes]
        transformations = [
            [{"type": "scale", "scale": [s * (2**level if a in "yx" else 1) for s, a in zip(scale, axes)]}] for level in range(2)
        ]
        levels = [array, array[..., ::2, ::2]]
        group = zarr.open_group(path, mode="w", zarr_format=format.zarr_format)
        ome_zarr.writer.write_multiscale(levels, group, fmt=format, axes=described, coordinate_transformations=transformations, name="Erika Mustermann")
        for level, of_level in enumerate(levels):
            where = path if level == 0 else path / json_levels(path)[level]
            for channel in range(sizes["c"] if "c" in axes else 1):
                want = np.take(of_level, channel, axes.index("c")) if "c" in axes else of_level
                if "t" in axes and "z" not in axes:
                    want = want[:, None]
                info = same(where, want, "OME images", "--series", channel + 1)
                spacing = [transformations[level][0]["scale"][axes.index(a)] * units[a][1] if a in axes else 1.0 for a in "xyz"]
                assert np.allclose(info["spacing_mm"], spacing, rtol=1e-12), (info["spacing_mm"], spacing)
                assert info.get("time_step_s") == (0.25 if "t" in axes else None), info
                assert "Muster" not in json.dumps(info), info


def attributes(path):
    if (path / "zarr.json").exists():
        return json.loads((path / "zarr.json").read_text())["attributes"]["ome"]
    return json.loads((path / ".zattrs").read_text())


def json_levels(path):
    return [level["path"] for level in attributes(path)["multiscales"][0]["datasets"]]


AXES = {"R": ("left-to-right", 0), "L": ("right-to-left", 0), "A": ("posterior-to-anterior", 1), "P": ("anterior-to-posterior", 1)}
AXES |= {"S": ("inferior-to-superior", 2), "I": ("superior-to-inferior", 2)}


def written():
    """What the tests of the crate wrote, as the others open it."""
    import ome_zarr_models.v04.image
    import ome_zarr_models.v05.image

    for about in sorted(MADE.glob("*.json")):
        path, want = about.with_suffix(""), json.loads(about.read_text())
        array = np.fromfile(path.with_suffix(path.suffix + ".raw"), want["dtype"]).reshape(want["shape"][::-1])
        version = 4 if path.name.endswith("4.ome.zarr") else 5
        model = ome_zarr_models.v04.image.Image if version == 4 else ome_zarr_models.v05.image.Image
        model.from_zarr(zarr.open_group(path, mode="r"))
        level = zarr.open_array(path / "0", mode="r")
        assert level.metadata.zarr_format == (2 if version == 4 else 3) and level.dtype == array.dtype, path
        assert level.shape == array.shape and level[...].tobytes() == array.tobytes(), path
        (node,) = ome_zarr.reader.Reader(ome_zarr.io.parse_url(path))()
        assert np.asarray(node.data[0]).tobytes() == array.tobytes(), path
        steps = node.metadata["coordinateTransformations"][0]
        n = array.ndim
        spacing = (want["spacing_mm"] or [1.0] * 3)[::-1][-min(n, 3) :]
        scale = ([want["time_step_s"] or 1.0] if n == 4 else []) + spacing
        assert steps[0] == {"type": "scale", "scale": scale}, (path, steps, scale)
        names = [axis["name"] for axis in node.metadata["axes"]]
        assert names == list("tzyx")[-n:], (path, names)
        translation = [0.0] * n
        if want["code"]:
            for axis, letter, i in zip("xyz", want["code"], range(3)):
                word, k = AXES[letter]
                assert attributes(path)["multiscales"][0]["axes"][n - 1 - i]["orientation"] == {"type": "anatomical", "value": word}, path
                translation[n - 1 - i] = want["origin_mm"][k] * (1 if letter in "LPS" else -1)
            assert steps[1] == {"type": "translation", "translation": translation}, (path, steps, translation)
        assert len(steps) == (2 if want["code"] else 1), (path, steps)
        counts["written folders"] += 1
        # And the command line writes the same.
        copy = WORK / "copy.zarr"
        ran = run("convert", "--force", path, "-o", copy, "--zarr-version", "0.4" if version == 4 else "0.5")
        assert ran.returncode == 0, ran.stderr
        assert zarr.open_array(copy / "0", mode="r")[...].tobytes() == array.tobytes(), path
        assert attributes(copy) == attributes(path), path
    assert counts["written folders"] > 40, f"nothing in {MADE}"


with tempfile.TemporaryDirectory() as folder:
    WORK = pathlib.Path(folder)
    for part in [written, ome_images, version3, version2]:
        part()
print(", ".join(f"{n} {what}" for what, n in counts.items()) + ": all as zarr-python and ome-zarr-py have them")
