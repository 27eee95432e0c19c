"""Compares `hounsfield equalize --adaptive` with OpenCV's createCLAHE in 2-D, pixel by pixel, and in 3-D with a definition in numpy and, for its shape, scikit-image.

    python check_clahe.py <hounsfield> <data>

<hounsfield> is the program, <data> the folder of test data. Needs numpy, nibabel, opencv-python-headless, scikit-image. OpenCV's tables are ours bit for bit; it mixes them in
f32 where we have whole numbers and one division, so that a rounding may fall the other way: no pixel may differ by more than one level, and few by that.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import cv2
import nibabel
import numpy as np
import skimage
from skimage.exposure import equalize_adapthist

program, data = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
wrong = checked = pixels = off = 0


def run(path, out, *options):
    line = [program, "equalize", path, "--adaptive", "-o", out, "--json", "--force", "--quiet", *options]
    done = subprocess.run(list(map(str, line)), capture_output=True)
    if done.returncode:
        sys.exit(f"{path}: {done.stderr.decode()}")
    return json.loads(done.stdout)


def array(path):
    return np.asarray(nibabel.load(path).dataobj) if str(path).endswith((".nii", ".nii.gz")) else cv2.imread(str(path), cv2.IMREAD_UNCHANGED).T


def save(name, values):
    path = folder / name
    nibabel.save(nibabel.Nifti1Image(values, np.diag([0.7, 0.7, 2.5, 1])), path)
    return path


def opencv(values, tiles, clip):
    """Slice by slice; nibabel's first axis is x. Signed values keep their order."""
    if values.dtype == np.int16:
        values = (values.astype(np.int32) + 32768).astype(np.uint16)
    clahe = cv2.createCLAHE(clip, tiles)
    flat = values.reshape(values.shape[:2] + (-1,))
    slices = [clahe.apply(np.ascontiguousarray(flat[..., z].T)).T for z in range(flat.shape[2])]
    return np.stack(slices, 2).reshape(values.shape)


def against_opencv(path, tiles, clip, options=()):
    global wrong, checked, pixels, off
    before = array(path)
    out = folder / "out.nii"
    said = run(path, out, "--tiles", f"{tiles[0]}x{tiles[1]}", "--clip", clip, *options)
    got = array(out)
    want = opencv(before, tiles, clip)
    got = got.reshape(want.shape)
    difference = np.abs(got.astype(np.int64) - want.astype(np.int64))
    share = (difference > 0).mean()
    good = got.dtype == want.dtype and difference.max() <= 1 and share < 0.02
    checked, wrong, pixels, off = checked + 1, wrong + (not good), pixels + difference.size, off + int((difference > 0).sum())
    print("ok   " if good else "WRONG", path.name, before.dtype, before.shape, tiles, clip, *options, said["device"], f"{100 * share:.4f} % one level off, at most {difference.max()}", flush=True)


def levels(counts, clip, top):
    """OpenCV's loops."""
    counts, bins, total = counts.astype(np.int64).copy(), len(counts), int(counts.sum())
    if clip > 0:
        limit = max(int(clip * total / bins), 1)
        excess = int(np.maximum(counts - limit, 0).sum())
        counts = np.minimum(counts, limit) + excess // bins
        rest = excess % bins
        if rest:
            counts[np.arange(rest) * max(bins // rest, 1)] += 1
    scale = np.float32(top) / np.float32(total)
    return np.rint(np.cumsum(counts).astype(np.float32) * scale).astype(np.int64)


def in_space(values, tiles, clip):
    """The definition in three dimensions, with the histograms of all bins and weights in whole numbers."""
    top, first = (255, 0) if values.dtype == np.uint8 else (65535, -32768 if values.dtype == np.int16 else 0)
    bins = (values.astype(np.int64) - first).astype(np.int64)
    even = all(n % t == 0 for n, t in zip(bins.shape, tiles))
    more = [0 if even or (axis == 2 and tiles[2] == 1) else t - n % t for axis, (n, t) in enumerate(zip(bins.shape, tiles))]
    wide = np.pad(bins, [(0, m) for m in more], mode="reflect")
    size = [n // t for n, t in zip(wide.shape, tiles)]
    tables = np.zeros(tuple(tiles) + (top + 1,), np.int64)
    for at in np.ndindex(*tiles):
        own = wide[tuple(slice(i * s, (i + 1) * s) for i, s in zip(at, size))]
        tables[at] = levels(np.bincount(own.ravel(), minlength=top + 1), clip, top)
    sides = []
    for axis in range(3):
        twice = 2 * np.arange(bins.shape[axis]) - size[axis]
        low, far = np.divmod(twice, 2 * size[axis])
        one = tiles[axis] == 1
        sides.append([(np.maximum(low, 0), 2 * size[axis] - far), (np.minimum(low + 1, tiles[axis] - 1), far)] if not one else [(0 * low, 0 * low + 1), (0 * low, 0 * low)])
    total, weight = np.zeros(bins.shape, np.int64), np.zeros(bins.shape, np.int64)
    for x, wx in sides[0]:
        for y, wy in sides[1]:
            for z, wz in sides[2]:
                own = wx[:, None, None] * wy[None, :, None] * wz[None, None, :]
                total += own * tables[x[:, None, None], y[None, :, None], z[None, None, :], bins]
                weight += own
    quotient, rest = np.divmod(total, weight)
    return quotient + ((2 * rest > weight) | ((2 * rest == weight) & (quotient % 2 == 1)))


def against_definition(path, tiles, clip, options):
    global wrong, checked
    before, out = array(path), folder / "out.nii"
    said = run(path, out, "--tiles", "x".join(map(str, tiles)), "--clip", clip, *options)
    good = np.array_equal(array(out).astype(np.int64), in_space(before, tiles, clip))
    checked, wrong = checked + 1, wrong + (not good)
    print("ok   " if good else "WRONG", path.name, before.dtype, before.shape, tiles, clip, *options, said["device"], flush=True)


with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    random = np.random.default_rng(7)
    pictures = [data / "radiograph/nih_cxr14_00000011_000.png", data / "radiograph/mri_s1045_u16.png", data / "radiograph/ct_lung_slice15_hu_plus1024_u16.png"]
    pictures = [p if p.exists() else next((data / "radiograph").glob("nih*.png")) for p in pictures]
    volumes = [data / "volumes/brainweb_mritc/brainweb_t1.nii.gz", data / "volumes/mni152_2mm_fast/MNI152_T1_2mm.nii.gz", data / "volumes/totalsegmentator/example_ct_sm.nii.gz"]
    ct = np.asarray(nibabel.load(volumes[2]).dataobj)
    ct = save("ct_i16.nii", np.clip(np.rint(ct), -1024, 3071).astype(np.int16))
    noise = [save(f"noise_{t}.nii", random.integers(0, 2**b, shape).astype(t)) for t, b, shape in [("u1", 8, (100, 117, 2)), ("u2", 16, (64, 130, 2)), ("u2", 12, (255, 256, 1))]]
    for path in [*pictures, *noise, volumes[0], ct]:
        for tiles, clip in [((8, 8), 40.0), ((8, 8), 2.0), ((3, 5), 3.7), ((1, 4), 0.0), ((16, 16), 100.0)]:
            against_opencv(path, tiles, clip)
        against_opencv(path, (8, 8), 2.0, ["--device", "gpu"])
        against_opencv(path, (8, 8), 2.0, ["--memory", "32"])
    for path in [save("small_u8.nii", random.integers(0, 256, (40, 31, 17)).astype("u1")), save("small_i16.nii", random.normal(0, 500, (32, 24, 12)).astype("i2")), save("flat.nii", random.integers(0, 4096, (33, 21)).astype("u2"))]:
        for tiles in [(8, 8, 4), (3, 2, 2), (4, 4, 1)]:
            for options in [["--device", "cpu"], ["--device", "gpu"], ["--memory", "80"]]:
                if array(path).ndim == 3:
                    against_definition(path, tiles, 2.5, options)
    # scikit-image counts in 256 bins of the range, clips otherwise, and mixes floats: the same picture, not the same numbers.
    volume = array(volumes[0])
    run(volumes[0], folder / "out.nii", "--tiles", "8x8x8", "--clip", "4")
    theirs = equalize_adapthist(volume, kernel_size=[n // 8 for n in volume.shape], clip_limit=0.02, nbins=256)
    inside = volume > 20
    alike = np.corrcoef(array(folder / "out.nii")[inside].ravel(), theirs[inside].ravel())[0, 1]
    print(f"3-D beside scikit-image {skimage.__version__}: correlation {alike:.3f}")
    wrong += int(alike < 0.9)
print(f"OpenCV {cv2.__version__}, numpy {np.__version__}: {checked} results, {wrong} wrong; of {pixels} pixels beside OpenCV {off} one level off")
sys.exit(wrong > 0)
