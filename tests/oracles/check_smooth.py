"""Compares means, Gaussians, sharpening and derivatives of `hounsfield map` with scipy.ndimage in float64, and gradients with SimpleITK.

    python check_smooth.py <hounsfield> <data> [<step>...]

<hounsfield> is the program, <data> the folder of test data. Needs numpy, scipy, nibabel, SimpleITK. Real volumes and made ones over the whole range of their type, under every border
rule, on both devices and with little memory: means must be equal, Gaussians within one level (the largest deviation is printed), derivatives within their stated bounds, and the devices
and budgets equal bit for bit.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import nibabel
import numpy as np
import scipy.ndimage as nd
import SimpleITK as sitk

program, data = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
REAL = [
    "volumes/brainweb_mritc/brainweb_t1.nii.gz",
    "volumes/totalsegmentator/example_ct_sm.nii.gz",
    "volumes/formats_oro_nifti/zstat1.nii.gz",
    "volumes/spm12/grey.nii",
    "volumes/cine_sunnybrook/SCD2001_cine4d.nii.gz",
    "volumes/mni152_2mm_fast/MNI152_T1_2mm_Brain_FAST_pve_1.nii.gz",
]
wrong = checked = 0
worst = {}


def run(path, steps, *more):
    with tempfile.TemporaryDirectory() as folder:
        out = f"{folder}/o.nii"
        ran = subprocess.run([program, "map", path, "--steps", steps, "-o", out, "--json", *more], capture_output=True, text=True)
        if ran.returncode:
            return None, ran.stderr.strip()
        image = nibabel.load(out)
        stored = np.asanyarray(image.dataobj.get_unscaled()).copy()
        return (stored, image.dataobj.slope, image.dataobj.inter), json.loads(ran.stdout)


def each(volume, function):
    return np.stack([function(volume[..., t]) for t in range(volume.shape[3])], axis=3) if volume.ndim == 4 else function(volume)


def modes(rule):
    name, _, value = rule.partition(":")
    return dict(mode=name, cval=float(value)) if value else dict(mode=name)


def sigmas(text, spacing, shape):
    fwhm = text.endswith("-fwhm")
    text = text.removesuffix("-fwhm")
    if text.endswith("mm"):
        all_axes = [float(text[:-2]) / s for s in spacing]
    else:
        words = [float(w) for w in text.split("x")]
        all_axes = words * 3 if len(words) == 1 else words + [0.0] * (3 - len(words))
    return [s / (2 * np.sqrt(2 * np.log(2)) if fwhm else 1) * (n > 1) for s, n in zip(all_axes, shape)]


def gaussian(volume, sigma, how):
    for axis, s in enumerate(sigma):
        if s > 0:
            volume = nd.gaussian_filter1d(volume, s, axis=axis, radius=int(np.ceil(4 * s)), **how)
    return volume


def reference(step, volume, spacing, how):
    name, *words = step.split(":")
    if name == "mean":
        reach = [int(w) for w in words[0].split("x")]
        reach = reach * 3 if len(reach) == 1 else reach
        size = [2 * r + 1 if n > 1 else 1 for r, n in zip(reach, volume.shape)]
        return nd.uniform_filter(volume, size, **how)
    if name == "gaussian":
        return gaussian(volume, sigmas(words[0], spacing, volume.shape), how)
    if name == "unsharp":
        # In steps of 1/4096, as is stated.
        amount = round(float(words[1]) * 4096) / 4096 if len(words) > 1 else 1.0
        return volume + amount * (volume - gaussian(volume, sigmas(words[0], spacing, volume.shape), how))
    if name == "laplace":
        return sum(nd.correlate1d(volume, [1, -2, 1], axis=a, **how) / spacing[a] ** 2 for a in range(3))
    return np.sqrt(sum((nd.correlate1d(volume, [-0.5, 0, 0.5], axis=a, **how) / spacing[a]) ** 2 for a in range(3)))


def note(ok, what):
    global wrong, checked
    checked += 1
    if not ok:
        wrong += 1
        print("WRONG", what, flush=True)


def compare(name, path, step, rule, devices):
    image = nibabel.load(path)
    stored = np.asanyarray(image.dataobj.get_unscaled())
    slope, inter = image.dataobj.slope, image.dataobj.inter
    real = stored.astype(float) * slope + inter
    real = real.reshape(real.shape + (1,) * (3 - real.ndim))
    spacing = [float(v) for v in image.header.get_zooms()[:3]]
    spacing += [1.0] * (3 - len(spacing))
    got, said = run(path, step, "--border", rule, "--device", "cpu")
    if got is None:
        return note(False, f"{name} {step} {rule}: {said}")
    (result, out_slope, out_inter), levels = got, [s for s in said["steps"] if s["step"] == "24-bit levels"]
    want = each(real, lambda v: reference(step, v, spacing, modes(rule)))
    value = result.astype(float).reshape(want.shape) * out_slope + out_inter
    derivative = step.split(":")[0] in ("gradmag", "laplace")
    # One level of what is written; of derivatives, of what they are computed in.
    if levels:
        level = levels[0]["level_step"]
    else:
        level = abs(slope)
    if derivative:
        finest = min(spacing)
        unit = {"gradmag": 1 / (2 * finest), "laplace": 1 / finest**2}[step]
        scale = {"gradmag": (4.0, 1 / 128), "laplace": (16.0, 1 / 32)}[step][0 if levels else 1]
        # The rest is for spacings whose ratios are rounded to 16 bits.
        bound = 2 * level * unit * scale + np.nanmax(np.abs(want)) * 2e-5 + 1e-6 * np.nanmax(np.abs(want))
    else:
        bound = (1.6 if levels else 0.65 if step.startswith("gaussian") else 0.5 + 1e-6 if step.startswith("mean") else 1.5) * level
        bound += 1.2e-7 * np.nanmax(np.abs(want)) if levels else 1e-9 * np.nanmax(np.abs(want))
    if not derivative and not levels:
        low, high = (np.iinfo(stored.dtype).min, np.iinfo(stored.dtype).max)
        want = np.clip(want, *sorted([low * slope + inter, high * slope + inter]))
    off = np.abs(value - want)
    note(np.array_equal(np.isnan(value), np.isnan(want)), f"{name} {step} {rule}: NaN elsewhere")
    most = np.nanmax(off)
    note(most <= bound, f"{name} {step} {rule}: off by {most}, {most / level} levels, bound {bound / level}")
    key = (step.split(":")[0], "levels" if levels else str(stored.dtype))
    worst[key] = max(worst.get(key, 0), most / level)
    for more in devices:
        again, said = run(path, step, "--border", rule, *more)
        note(again is not None and again[0].tobytes() == result.tobytes(), f"{name} {step} {rule} {more}: other bits, {said if again is None else ''}")


steps = sys.argv[3:] or [
    "mean:1", "mean:3x2x1", "gaussian:0.5", "gaussian:2", "gaussian:6mm-fwhm", "gaussian:1.5x0x1", "gaussian:8", "unsharp:1:0.7", "gradmag", "laplace",
]
with tempfile.TemporaryDirectory() as folder:
    rng = np.random.default_rng(5)
    shape = (61, 47, 23)
    edge = (np.arange(61)[:, None, None] > 30) * np.ones(shape)
    made = {}
    for dtype in ("u1", "i1", "u2", "i2"):
        low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
        made[f"noise {dtype}"] = rng.integers(low, high, shape, endpoint=True).astype(dtype)
        made[f"edge {dtype}"] = np.where(edge > 0, high, low).astype(dtype)
    made["noise f4"] = rng.normal(0, 3, shape).astype("f4")
    made["edge f4"] = (edge * 0.7 - 0.2).astype("f4")
    made["wide i4"] = rng.integers(-(2**22), 2**22, shape).astype("i4")
    made["slice i2"] = rng.integers(-1000, 3000, (83, 57, 1)).astype("i2")
    paths = {name: data / name for name in REAL}
    for name, voxels in made.items():
        paths[name] = f"{folder}/{name.replace(' ', '_')}.nii"
        image = nibabel.Nifti1Image(voxels, np.diag([0.8, 0.8, 2.0, 1.0]))
        nibabel.save(image, paths[name])
    for name, path in paths.items():
        small = name in made
        for step in steps:
            rules = ["nearest", "reflect", "mirror", "constant:0"] if small else ["nearest"]
            if name == "slice i2" and step == "mean:3x2x1":
                continue
            for rule in rules:
                gpu = [["--device", "gpu"]] if small and rule in ("nearest", "mirror") and step != "gaussian:8" else []
                # A row needs its neighbours.
                memory = ("8" if step == "gaussian:8" else "2") if small else "24"
                budgets = [["--device", "cpu", "--memory", memory]]
                compare(name, path, step, rule, gpu + budgets)
        print(name, "done", checked, "checked,", wrong, "wrong", flush=True)
    # Another tool, in float32.
    for name in REAL[:2]:
        image = sitk.ReadImage(str(data / name), sitk.sitkFloat32)
        want = sitk.GetArrayFromImage(sitk.GradientMagnitude(image)).transpose(2, 1, 0)
        (got, *_), _ = run(data / name, "gradmag")
        off = np.abs(got - want).max()
        print("SimpleITK gradient", name, "off by", off, "of", want.max())
        note(off <= 1e-4 * want.max() + 0.01, f"gradient of {name} beside SimpleITK: {off}")

for key, levels in sorted(worst.items()):
    print("largest deviation in levels:", *key, f"{levels:.4f}")
print(f"{checked} checked, {wrong} wrong")
sys.exit(wrong > 0)
