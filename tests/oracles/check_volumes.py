"""Compares NRRD, MetaImage and NumPy files, read and written by hounsfield, with SimpleITK, pynrrd and NumPy: arrays and LPS+ matrices.

    python check_volumes.py <program> <data>

Needs numpy, nibabel, SimpleITK, pynrrd. Reads every such file of the data folder, makes others (types, orders of bytes, encodings, skips, data
files apart, spaces, lists, colours) and reads those, then writes all formats and opens them with the others. Written with SimpleITK 2.5, pynrrd 1.1.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import zlib

import nibabel
import nrrd
import numpy as np
import SimpleITK as sitk

PROGRAM, DATA = map(pathlib.Path, sys.argv[1:3])
INTEGERS = [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64]
TYPES = INTEGERS + [np.float32, np.float64]
FLIP = np.diag([-1.0, -1.0, 1.0, 1.0])
RNG = np.random.default_rng(1)
OBLIQUE = np.linalg.qr(RNG.normal(size=(3, 3)))[0]
counts = dict.fromkeys(["data folder", "NRRD", "MetaImage", "NumPy", "refused", "written"], 0)


def run(*args):
    return subprocess.run([PROGRAM, *map(str, args)], capture_output=True, text=True)


def read(path):
    """Array in the order x, y, z, t, and the header, as the program has them."""
    out = path.parent / "out.nii"
    ran = run("convert", "--force", path, "-o", out)
    assert ran.returncode == 0, (path, ran.stderr)
    info = json.loads(run("info", "--json", path).stdout)
    return np.asanyarray(nibabel.load(out).dataobj), info


def random(shape, dtype):
    if np.dtype(dtype).kind == "f":
        return RNG.normal(size=shape).astype(dtype)
    limits = np.iinfo(dtype)
    return RNG.integers(limits.min, limits.max, size=shape, dtype=dtype, endpoint=True)


def same(path, array, lps=None, step=None, count="NRRD"):
    ours, info = read(path)
    want = array
    while want.ndim > 3 and want.shape[-1] == 1:
        want = want[..., 0]
    assert ours.shape == want.shape, (path, ours.shape, want.shape)
    assert ours.dtype.newbyteorder("=") == want.dtype.newbyteorder("="), (path, ours.dtype, want.dtype)
    assert ours.tobytes() == want.astype(ours.dtype).tobytes(), path
    matrix = info.get("voxel_to_lps_mm")
    assert (matrix is None) == (lps is None), (path, matrix, lps, info["notes"])
    if lps is not None:
        assert np.allclose(matrix, np.asarray(lps)[:3], rtol=1e-9, atol=1e-9), (path, matrix, lps)
    assert info.get("time_step_s") == step, (path, info.get("time_step_s"), step)
    counts[count] += 1
    return info


def refused(path, words):
    ran = run("convert", "--force", path, "-o", path.parent / "out.nii")
    assert ran.returncode != 0 and words in ran.stderr and "panick" not in ran.stderr, (path, ran.stderr)
    counts["refused"] += 1


def itk_array(image):
    """x, y, z, t of an image of one component."""
    return sitk.GetArrayFromImage(image).transpose()


def itk_lps(image):
    n = min(image.GetDimension(), 3)
    full = image.GetDimension()
    direction = np.array(image.GetDirection()).reshape(full, full)[:n, :n]
    lps = np.eye(4)
    lps[:n, :n] = direction * np.array(image.GetSpacing())[:n]
    lps[:n, 3] = image.GetOrigin()[:n]
    return lps


def check_data():
    folder = DATA / "volumes" / "nrrd_mha"
    with tempfile.TemporaryDirectory() as temporary:
        out = pathlib.Path(temporary) / "out.nii"
        for path in sorted(p for p in folder.rglob("*") if p.suffix in (".nrrd", ".nhdr", ".mha", ".mhd")):
            ran = run("convert", "--force", path, "-o", out)
            if "minus_five" in path.name:
                assert ran.returncode == 3 or "byte skip of -5" in ran.stderr, ran.stderr
                counts["refused"] += 1
                continue
            assert ran.returncode == 0, (path, ran.stderr)
            ours = np.asanyarray(nibabel.load(out).dataobj)
            info = json.loads(run("info", "--json", path).stdout)
            try:
                image = sitk.ReadImage(str(path))
                want, lps = itk_array(image), itk_lps(image)
            except RuntimeError:
                want, header = nrrd.read(str(path))
                lps = None
                if "space directions" in header:
                    lps = np.eye(4)
                    lps[:3, :3] = np.array(header["space directions"])[:3, :3].T
                    lps[:3, 3] = header.get("space origin", np.zeros(3))
                    if header["space"].startswith("right"):
                        lps = FLIP @ lps
            want = want.reshape(want.shape + (1,) * max(0, 3 - want.ndim)) if ours.ndim > want.ndim else want
            while want.ndim > 3 and want.shape[-1] == 1:
                want = want[..., 0]
            assert np.array_equal(ours, want) and ours.dtype == want.dtype, path
            if "voxel_to_lps_mm" in info and info["voxel_to_lps_mm"]:
                assert np.allclose(info["voxel_to_lps_mm"], lps[:3], atol=1e-9), (path, info["voxel_to_lps_mm"], lps)
            elif lps is not None:
                n = min(ours.ndim, 3)
                assert np.allclose(np.abs(np.diag(lps))[:n], info["spacing_mm"][:n]), (path, lps, info["spacing_mm"])
            counts["data folder"] += 1


def space_header(space, directions, origin):
    return {"space": space, "space directions": directions, "space origin": origin, "kinds": ["domain"] * 3}


def check_nrrd(folder):
    directions = (OBLIQUE * [0.5, 0.7, 3.0]).T  # a row for each axis
    origin = np.array([-12.5, 40.25, 1000.0])
    lps = np.eye(4)
    lps[:3, :3], lps[:3, 3] = directions.T, origin
    flips = {
        "left-posterior-superior": np.diag([1, 1, 1, 1]),
        "right-anterior-superior": FLIP,
        "left-anterior-superior": np.diag([1.0, -1.0, 1.0, 1.0]),
    }
    for dtype in TYPES:
        array = random((7, 5, 4), dtype)
        for endian, encoding in [("little", "raw"), ("big", "raw"), ("big", "gzip"), ("little", "bzip2"), ("little", "ascii")]:
            # pynrrd writes 17 digits, as of a float: too few for 64 bits, and for floats it is its own rounding.
            if encoding == "ascii" and (np.dtype(dtype).kind == "f" or np.dtype(dtype).itemsize == 8):
                continue
            for name in [f"a.nrrd", f"a.nhdr"]:
                order = array.astype(np.dtype(dtype).newbyteorder("<" if endian == "little" else ">"))
                header = space_header("left-posterior-superior", directions, origin) | {"encoding": encoding, "endian": endian}
                nrrd.write(str(folder / name), order, header)
                same(folder / name, array, lps)
    array = random((7, 5, 4), np.int16)
    for space, flip in flips.items():
        short = "".join(word[0] for word in space.split("-")).upper()
        for name in [space, short]:
            nrrd.write(str(folder / "s.nrrd"), array, space_header(space, directions, origin))
            raw = (folder / "s.nrrd").read_bytes().replace(f"space: {space}".encode(), f"space: {name}".encode())
            (folder / "s.nrrd").write_bytes(raw)
            same(folder / "s.nrrd", array, flip @ lps)
        image = sitk.ReadImage(str(folder / "s.nrrd"))
        assert np.allclose(itk_lps(image), flip @ lps), space
    # What pynrrd does not write: by hand.
    text = "NRRD0004\ntype: short\ndimension: 3\nsizes: 7 5 4\nendian: little\nencoding: raw\nspacings: 1 2 3\n"
    raw = array.tobytes(order="F")
    (folder / "v.raw").write_bytes(b"junk" + raw)
    (folder / "v.nhdr").write_text(text + "byte skip: -1\ndata file: v.raw\n")
    same(folder / "v.nhdr", array)
    (folder / "v.nhdr").write_text(text + "byteskip: 4\ndatafile: v.raw\n")
    same(folder / "v.nhdr", array)
    (folder / "v.raw").write_bytes(b"one\ntwo\n" + raw)
    (folder / "v.nhdr").write_text(text + "line skip: 2\ndata file: v.raw\n")
    same(folder / "v.nhdr", array)
    for i in range(4):
        (folder / f"v{i:02}.raw").write_bytes(array[..., i].tobytes(order="F"))
    for files in ["LIST\nv00.raw\nv01.raw\nv02.raw\nv03.raw\n", "LIST 2\nv00.raw\nv01.raw\nv02.raw\nv03.raw\n", "v%02d.raw 0 3 1\n", "v%02d.raw 0 3 1 2\n"]:
        (folder / "v.nhdr").write_text(text + "data file: " + files)
        assert np.array_equal(itk_array(sitk.ReadImage(str(folder / "v.nhdr"))), array), files
        same(folder / "v.nhdr", array)
    (folder / "v.nhdr").write_text(text.replace("encoding: raw", "encoding: hex") + "\n00")
    refused(folder / "v.nhdr", "hexadecimal")
    for name in ["/etc/hostname", "../v.raw"]:
        (folder / "v.nhdr").write_text(text + f"data file: {name}\n")
        refused(folder / "v.nhdr", "outside of its folder")
    # Lists and colours.
    lists = random((6, 5, 4, 3), np.uint16)
    base = {"space": "left-posterior-superior", "space origin": origin, "encoding": "gzip"}
    rows = np.vstack([directions, [np.nan] * 3])
    nrrd.write(str(folder / "l.nrrd"), lists, base | {"space directions": rows, "kinds": ["domain"] * 3 + ["list"]})
    same(folder / "l.nrrd", lists, lps)
    for encoding in ["raw", "gzip"]:
        first = np.moveaxis(lists, 3, 0)
        header = base | {"space directions": np.roll(rows, 1, axis=0), "kinds": ["vector"] + ["domain"] * 3, "encoding": encoding}
        nrrd.write(str(folder / "l.nrrd"), first, header)
        same(folder / "l.nrrd", lists, lps)
        assert np.array_equal(sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "l.nrrd"))).transpose(2, 1, 0, 3), lists)
    nrrd.write(str(folder / "l.nrrd"), lists, {"kinds": ["domain", "domain", "list", "domain"], "spacings": [1, 1, 1, 1]})
    refused(folder / "l.nrrd", "between axes of space")
    nrrd.write(str(folder / "l.nrrd"), lists, {"kinds": ["domain"] * 3 + ["time"], "spacings": [1, 2, 3, 250], "units": ["mm", "mm", "mm", "ms"]})
    assert same(folder / "l.nrrd", lists, step=0.25)["spacing_mm"] == [1, 2, 3]
    colours = random((3, 9, 8), np.uint8)
    image = sitk.GetImageFromArray(colours.transpose(2, 1, 0), isVector=True)
    sitk.WriteImage(image, str(folder / "c.nrrd"))
    # ITK calls three numbers a vector, unless its own type of pixels is RGB.
    ours, _ = read(folder / "c.nrrd")
    assert np.array_equal(ours[:, :, 0, :], np.moveaxis(colours, 0, -1))
    nrrd.write(str(folder / "c.nrrd"), colours, {"kinds": ["RGB-color", "domain", "domain"], "spacings": [np.nan, 1, 1]})
    weighed = (np.tensordot([9798, 19235, 3735], colours.astype(np.int64), 1) + 16384 >> 15).astype(np.uint8)
    same(folder / "c.nrrd", weighed)
    nrrd.write(str(folder / "c.nrrd"), colours, {"kinds": ["HSV-color", "domain", "domain"]})
    refused(folder / "c.nrrd", "red, green and blue")


def check_metaimage(folder):
    direction = OBLIQUE.copy()
    for dtype in TYPES:
        array = random((7, 5, 4), dtype)
        image = sitk.GetImageFromArray(array.transpose())
        image.SetSpacing((0.5, 0.7, 3.0))
        image.SetOrigin((-12.5, 40.25, 1000.0))
        image.SetDirection(direction.flatten())
        for name, compress in [("a.mha", False), ("a.mha", True), ("a.mhd", False), ("a.mhd", True)]:
            sitk.WriteImage(image, str(folder / name), useCompression=compress)
            same(folder / name, array, itk_lps(image), count="MetaImage")
    four = random((4, 3, 2, 5), np.int16)
    image = sitk.GetImageFromArray(four.transpose(), isVector=False)
    image.SetSpacing((1, 2, 3, 2.5))
    block = np.eye(4)
    block[:3, :3] = direction
    image.SetDirection(block.flatten())
    sitk.WriteImage(image, str(folder / "four.mha"))
    same(folder / "four.mha", four, itk_lps(image), step=2.5, count="MetaImage")
    flat = random((9, 8), np.uint8)
    sitk.WriteImage(sitk.GetImageFromArray(flat.transpose()), str(folder / "flat.mha"))
    same(folder / "flat.mha", flat, count="MetaImage")
    colours = random((3, 9, 8), np.uint8)
    sitk.WriteImage(sitk.GetImageFromArray(colours.transpose(2, 1, 0), isVector=True), str(folder / "c.mha"))
    weighed = (np.tensordot([9798, 19235, 3735], colours.astype(np.int64), 1) + 16384 >> 15).astype(np.uint8)
    same(folder / "c.mha", weighed, count="MetaImage")
    vectors = random((3, 6, 5, 4), np.float32)
    sitk.WriteImage(sitk.GetImageFromArray(vectors.transpose(3, 2, 1, 0), isVector=True), str(folder / "v.mha"))
    same(folder / "v.mha", np.moveaxis(vectors, 0, -1), np.eye(4), count="MetaImage")
    # What ITK does not write: by hand, and ITK reads it as we do.
    array = random((7, 5, 4), np.int16)
    raw = array.tobytes(order="F")
    text = "ObjectType = Image\nNDims = 3\nDimSize = 7 5 4\nElementType = MET_SHORT\nElementSpacing = 1 2 3\n"
    little = text + "ElementByteOrderMSB = False\n"
    (folder / "h.raw").write_bytes(b"junk" + raw)
    for i in range(4):
        (folder / f"h{i:02}.raw").write_bytes(array[..., i].tobytes(order="F"))
    big = text + "BinaryDataByteOrderMSB = True\nElementDataFile = LOCAL\n"
    variants = {
        "end": little.encode() + b"HeaderSize = -1\nElementDataFile = h.raw\n",
        "front": little.encode() + b"HeaderSize = 4\nElementDataFile = h.raw\n",
        "list": little.encode() + b"ElementDataFile = LIST\nh00.raw\nh01.raw\nh02.raw\nh03.raw\n",
        "pattern": little.encode() + b"ElementDataFile = h%02d.raw 0 3 1\n",
        "big": big.encode() + array.byteswap().tobytes(order="F"),
        "zlib": little.encode() + b"CompressedData = True\nElementDataFile = LOCAL\n" + zlib.compress(raw) + b"trailing",
        "text": text.encode() + b"BinaryData = False\nElementDataFile = LOCAL\n" + " ".join(map(str, array.ravel("F"))).encode() + b"\n",
    }
    for name, content in variants.items():
        path = folder / f"{name}.mhd"
        path.write_bytes(content)
        same(path, array, count="MetaImage")
        # ITK wants to be told how long compressed data are.
        assert name == "zlib" or np.array_equal(itk_array(sitk.ReadImage(str(path))), array), name


def check_npy(folder):
    path = folder / "a.npy"
    for shape in [(9,), (5, 9), (4, 5, 9), (3, 4, 5, 9)]:
        for dtype in TYPES + [np.bool_, np.float16]:
            array = random(shape, np.float64).astype(dtype) if dtype in (np.bool_, np.float16) else random(shape, dtype)
            for order in "<>":
                for version in [(1, 0), (2, 0), (3, 0)]:
                    for fortran in [False, True]:
                        stored = np.asarray(array, order="F" if fortran else "C").astype(np.dtype(dtype).newbyteorder(order), order="K")
                        with path.open("wb") as file:
                            np.lib.format.write_array(file, stored, version=version)
                        is_fortran = fortran and len(shape) > 1
                        want = array if is_fortran else array.transpose()
                        want = want.astype({np.bool_: np.uint8, np.float16: np.float32}.get(dtype, dtype))
                        same(path, want, count="NumPy")
    np.save(path, np.array([{}], object), allow_pickle=True)
    refused(path, "can run code")
    np.save(path, np.zeros(3, [("a", "<i2")]))
    refused(path, "structured")
    np.save(path, np.zeros(3, np.complex64))
    refused(path, "complex")


def check_written(folder):
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = OBLIQUE * [0.5, 0.7, 3.0], [-12.5, 40.25, 1000.0]
    cases = [(random((7, 5, 4), dtype), 1.0, 0.0) for dtype in TYPES]
    cases += [(random((6, 5, 4, 3), np.int16), 1.0, 0.0), (random((6, 5, 1), np.uint8), 1.0, 0.0)]
    cases += [(random((6, 5, 4), np.uint8), 1.0, -1024.0), (random((6, 5, 4), np.int16), 1.0, -1024.0), (random((6, 5, 4), np.uint16), 0.5, 3.0)]
    for array, slope, inter in cases:
        image = nibabel.Nifti1Image(array, affine, dtype=array.dtype)
        image.header.set_slope_inter(slope, inter)
        image.header["pixdim"][4] = 2.0
        image.header.set_xyzt_units("mm", "sec")
        nibabel.save(image, folder / "in.nii")
        # Loaded again: float32 in the file.
        loaded = nibabel.load(folder / "in.nii")
        stored = loaded.dataobj.get_unscaled()
        real = slope * stored.astype(np.float64) + inter if (slope, inter) != (1, 0) else stored
        lps = FLIP @ loaded.affine
        for name in ["o.nrrd", "o.mha", "o.npy"]:
            ran = run("convert", "--force", folder / "in.nii", "-o", folder / name, "--json")
            assert ran.returncode == 0, ran.stderr
            said = json.loads(ran.stdout)["dtype"]
            if name == "o.npy":
                got = np.load(folder / name).transpose()
            else:
                if name == "o.nrrd":
                    got, header = nrrd.read(str(folder / name))
                    matrix = np.array(header["space directions"])[:3, :3].T
                    assert np.allclose(matrix, lps[:3, :3], atol=1e-6) and np.allclose(header["space origin"][:3], lps[:3, 3], atol=1e-6)
                    assert array.ndim < 4 or header["space units"][3] == "s", header
                itk = sitk.ReadImage(str(folder / name))
                got = got if name == "o.nrrd" else itk_array(itk)
                assert array.ndim < 4 or itk.GetSpacing()[3] == 2.0
                assert np.allclose(itk_lps(itk)[:3], lps[:3], atol=1e-6), (name, itk_lps(itk), lps)
                assert np.array_equal(itk_array(itk), got), (name, itk.GetSize(), got.shape)
            assert got.shape == array.shape and got.dtype.name == said, (name, got.shape, got.dtype, said)
            assert (slope, inter) != (1, 0) or got.dtype == array.dtype, name
            assert np.array_equal(got, real), (name, got.dtype)
            assert inter != -1024.0 or got.dtype == (np.int16 if array.dtype == np.uint8 else np.int32), (name, got.dtype)
            # And back.
            ours, info = read(folder / name)
            assert np.array_equal(ours, real), name
            if name != "o.npy":
                assert np.allclose(info["voxel_to_lps_mm"], lps[:3], atol=1e-6), name
                assert array.ndim < 4 or info["time_step_s"] == 2.0, (name, info)
            counts["written"] += 1


for check in [None, check_nrrd, check_metaimage, check_npy, check_written]:
    if check is None:
        check_data()
        continue
    with tempfile.TemporaryDirectory() as temporary:
        check(pathlib.Path(temporary))
print(", ".join(f"{n} {name}" for name, n in counts.items()), "are right", sep=" ")
