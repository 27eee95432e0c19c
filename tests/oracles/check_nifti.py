"""Compares NIfTI (and TIFF) files written by hounsfield with what nibabel, Python's gzip and tifffile say of them.

    HOUNSFIELD_DATA=<data> HOUNSFIELD_COPIES=<copies> cargo test --lib io::round_trips
    python check_nifti.py <data> <copies>

Needs numpy, nibabel, SimpleITK; tifffile where it is there. Written with nibabel 5.3.
"""

import gzip
import json
import pathlib
import subprocess
import sys
import zlib

import nibabel
import numpy as np
import SimpleITK


def squeezed(shape):
    shape = list(shape)
    while len(shape) > 3 and shape[-1] == 1:
        shape.pop()
    return tuple(shape)


def gzip_is_sound(path):
    subprocess.run(["gzip", "-t", path], check=True)
    data = path.read_bytes()
    # One member: a decoder that stops after the first sees everything.
    decoder = zlib.decompressobj(wbits=31)
    assert decoder.decompress(data) == gzip.decompress(data) and decoder.eof and not decoder.unused_data, path


def check_made(folder):
    files = sorted(folder.glob("*.nii*"))
    for path in files:
        name = path.name.split(".")[0]
        want = json.loads((folder / f"{name}.json").read_text())
        if path.suffix == ".gz":
            gzip_is_sound(path)
        image = nibabel.load(path)
        header = image.header
        dtype = np.dtype(want["dtype"])
        assert header.get_data_dtype() == dtype, path
        assert list(image.shape) == want["shape"], (path, image.shape)
        raw = np.frombuffer((folder / f"{name}.raw").read_bytes(), dtype.newbyteorder("<")).reshape(want["shape"], order="F")
        stored = image.dataobj.get_unscaled()
        assert stored.tobytes() == raw.astype(dtype).tobytes(), path
        # Loading clears the header's own scaling.
        scaling = image.dataobj.slope, image.dataobj.inter
        assert scaling == (want["slope"], want["intercept"]), (path, scaling)
        assert int(header["intent_code"]) == (1002 if want["labels"] else 0), path
        assert header.get_xyzt_units()[0] == "mm"
        if want["time_step_s"]:
            assert np.isclose(header.get_zooms()[3], want["time_step_s"]) and header.get_xyzt_units()[1] == "sec"
        codes = int(header["sform_code"]), int(header["qform_code"])
        if want["lps"] is None:
            assert codes == (0, 0), path
            continue
        ras = np.array(want["lps"]) * [[-1], [-1], [1]]
        assert codes[0] == 1 and np.allclose(image.affine[:3], ras, rtol=1e-6, atol=1e-5), path
        if name == "tilted":
            assert codes[1] == 0, path
            continue
        assert codes[1] == 1, path
        assert np.allclose(header.get_qform()[:3], ras, rtol=1e-3, atol=1e-3), (path, header.get_qform(), ras)
        # SimpleITK 2.5 does not know NIfTI-2.
        if len(image.shape) == 3 and isinstance(header, nibabel.Nifti1Header) and not isinstance(header, nibabel.Nifti2Header):
            itk = SimpleITK.ReadImage(str(path))
            step = np.array(itk.GetDirection()).reshape(3, 3) * itk.GetSpacing()
            assert np.allclose(step, np.array(want["lps"])[:, :3], rtol=1e-3, atol=1e-3), path
            assert np.allclose(itk.GetOrigin(), np.array(want["lps"])[:, 3], rtol=1e-5, atol=1e-3), path
    return len(files)


def check_real(data, folder):
    files = sorted(folder.glob("*.nii*"))
    for path in files:
        name = path.name.replace("__", "/")
        # Pairs become single files, whose names only gain an ending.
        original = nibabel.load(data / "volumes" / (name.removesuffix(".nii") if ".hdr" in name else name))
        copy = nibabel.load(path)
        if path.suffix == ".gz":
            gzip_is_sound(path)
        assert copy.shape == squeezed(original.shape), path
        assert np.array_equal(copy.get_fdata().ravel("F"), original.get_fdata().ravel("F")), path
        assert copy.header.get_data_dtype() == original.header.get_data_dtype().newbyteorder("="), path
        if isinstance(original, nibabel.Nifti1Pair):
            assert np.allclose(copy.affine, original.affine, rtol=1e-6, atol=1e-4), path
        else:
            # Analyze knows no left and right, and none may be made up.
            assert (int(copy.header["sform_code"]), int(copy.header["qform_code"])) == (0, 0), path
        assert np.allclose(copy.header.get_zooms()[:3], original.header.get_zooms()[:3], rtol=1e-4), path
    return len(files)


def check_tiff(folder):
    try:
        import tifffile
    except ImportError:
        print("tifffile is missing: TIFF not checked")
        return 0
    files = sorted(folder.glob("*.tiff"))
    for path in files:
        made = folder.parent / "made" / f"{path.stem}.raw"
        assert tifffile.imread(path).tobytes() == made.read_bytes(), path
    return len(files)


if __name__ == "__main__":
    data, copies = map(pathlib.Path, sys.argv[1:3])
    counts = check_made(copies / "made"), check_real(data, copies / "real"), check_tiff(copies / "tiff")
    print("%d made, %d real, %d TIFF files are right" % counts)
