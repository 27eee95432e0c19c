"""Compares reductions over time with numpy: mean, standard deviation, temporal SNR and differences, rounded to float32.

    python check_reduce.py <hounsfield> <data>

Over all 4-D files of <data> that nibabel reads and made ones with padding-free noise of several types, with much memory and with little. Needs numpy, nibabel.
"""

import pathlib
import subprocess
import sys
import tempfile

import nibabel
import numpy as np

TOOL, DATA = sys.argv[1], pathlib.Path(sys.argv[2], "volumes")
checked = wrong = 0


def tool(path, out, *more):
    run = subprocess.run([TOOL, "reduce", path, "-o", out, "--force", *more], capture_output=True, text=True)
    assert run.returncode == 0, f"{path} {more}: {run.stderr}"
    return np.squeeze(np.asarray(nibabel.load(out).dataobj))


def same(what, found, want):
    global checked, wrong
    checked += 1
    with np.errstate(over="ignore"):
        want = np.squeeze(want).astype(np.float32)
    # The order of sums may differ in the last bit of a float64, which is the last of a float32 now and then.
    good = found.shape == want.shape and np.allclose(found, want, rtol=2e-7, atol=1e-30, equal_nan=True)
    if not good:
        wrong += 1
        print("WRONG", what, found.shape, want.shape)


def check(path, values, folder):
    out = pathlib.Path(folder, "out.nii")
    with np.errstate(all="ignore"):
        mean, std, sample = values.mean(-1), values.std(-1), values.std(-1, ddof=1)
        wants = {
            ("mean",): mean,
            ("std",): std,
            ("std", "--ddof", "1"): sample,
            ("tsnr",): mean / std,
            ("difference",): np.diff(values, axis=-1),
            ("difference", "--reference", "1"): values - values[..., 1:2],
        }
    for how, want in wants.items():
        if how[0] in ("std", "tsnr"):
            # A deviation of nothing but rounding: numpy's own is not 0 either.
            keep = (std > 1e-9 * (np.abs(mean) + 1)) | (std == 0)
        else:
            keep = np.ones(values.shape[:-1], bool)
        for more in ([], ["--memory", "2"]):
            found = tool(path, out, "--how", *how, *more)
            kept = np.squeeze(keep)[(...,) + (None,) * (found.ndim - np.squeeze(keep).ndim)]
            same(f"{path.name} {how} {more}", np.where(kept, found, 0), np.where(kept, np.squeeze(want), 0))


with tempfile.TemporaryDirectory() as folder:
    random = np.random.default_rng(2)
    for dtype in (np.uint8, np.int16, np.uint16, np.int32, np.float32, np.float64):
        made = random.normal(100, 30, (37, 23, 5, 7)).astype(dtype)
        path = pathlib.Path(folder, f"{np.dtype(dtype).name}.nii.gz")
        nibabel.save(nibabel.Nifti1Image(made, np.eye(4)), path)
        check(path, made.astype(np.float64), folder)
    for path in sorted(DATA.rglob("*.nii*")):
        try:
            image = nibabel.load(path)
        except Exception:
            continue
        if image.ndim == 4 and image.shape[3] > 1 and image.get_data_dtype().fields is None:
            values = np.asarray(image.dataobj, dtype=np.float64)
            check(path, values, folder)
print(f"numpy {np.__version__}: {checked} results, {wrong} wrong")
sys.exit(wrong > 0)
