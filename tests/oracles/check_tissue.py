"""Tissues of brains that are known beside scikit-learn's mixture and k-means, dipy's HMRF and ANTs' Atropos, as a table of Dice; fields beside those that were multiplied in; partial volumes beside BrainWeb's.

Usage: check_tissue.py PROGRAM DATA [--only NAME] [--rivals gmm,kmeans,n4gmm,dipy,atropos]. Needs numpy, nibabel; for the rivals scikit-learn, SimpleITK, dipy, antspyx. Fails where a bar is missed.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile
import time

import nibabel as nib
import numpy as np

import tissue_data

BARS = {
    "clean": (0.925, 0.915, 0.922),
    **{f"field20{k}": (0.924, 0.914, 0.922) for k in "ABC"},
    **{f"field40{k}": (0.922, 0.912, 0.918) for k in "ABC"},
    "fast": (0.955, 0.940, 0.955),
    # Each image alone: see the row noise9_20.
    "joint": (0.93, 0.93, 0.94),
}
ERROR_BAR = 0.07


def dice(found, truth):
    return tuple(2 * ((found == k) & (truth == k)).sum() / ((found == k).sum() + (truth == k).sum()) for k in (1, 2, 3))


def by_mean(labels, voxels, brain, brightest_first):
    """Labels 1 to 3 in the order of their means."""
    order = np.argsort([voxels[brain & (labels == k)].mean() for k in (1, 2, 3)])
    new = np.zeros(4, int)
    new[1 + order] = [3, 2, 1] if brightest_first else [1, 2, 3]
    return new[labels]


def gmm(voxels, brain, _, second=None):
    from sklearn.mixture import GaussianMixture

    values = np.stack([image[brain] for image in (voxels, second) if image is not None], 1)
    labels = np.zeros(voxels.shape, int)
    labels[brain] = GaussianMixture(3, random_state=0).fit(values).predict(values) + 1
    return labels, voxels


def kmeans(voxels, brain, _):
    from sklearn.cluster import KMeans

    values = voxels[brain].reshape(-1, 1)
    labels = np.zeros(voxels.shape, int)
    labels[brain] = KMeans(3, n_init=3, random_state=0).fit(values).labels_ + 1
    return labels, voxels


def n4gmm(voxels, brain, spacing):
    """Two fitting levels: four, SimpleITK's default, correct too much at this size."""
    import SimpleITK as sitk

    image, mask = sitk.GetImageFromArray(voxels.astype(np.float32)), sitk.GetImageFromArray(brain.astype(np.uint8))
    for one in (image, mask):
        one.SetSpacing([float(s) for s in spacing[::-1]])
    n4 = sitk.N4BiasFieldCorrectionImageFilter()
    n4.SetMaximumNumberOfIterations([50] * 2)
    n4.Execute(sitk.Shrink(image, [2] * 3), sitk.Shrink(mask, [2] * 3))
    corrected = sitk.GetArrayFromImage(image / sitk.Exp(n4.GetLogBiasFieldAsImage(image))).astype(float)
    return gmm(corrected, brain, spacing)


def dipy(voxels, brain, _):
    from dipy.segment.tissue import TissueClassifierHMRF

    _, labels, _ = TissueClassifierHMRF(verbose=False).classify(voxels * brain, 3, 0.1)
    return np.asarray(labels).astype(int), voxels


def atropos(voxels, brain, spacing):
    import ants

    image = ants.from_numpy(voxels.astype(np.float32), spacing=tuple(map(float, spacing)))
    mask = ants.from_numpy(brain.astype(np.float32), spacing=tuple(map(float, spacing)))
    found = ants.atropos(a=image, m="[0.1,1x1x1]", c="[5,0]", i="kmeans[3]", x=mask)
    return found["segmentation"].numpy().astype(int), voxels


RIVALS = {"gmm": gmm, "kmeans": kmeans, "n4gmm": n4gmm, "dipy": dipy, "atropos": atropos}


def told(values, seconds):
    return "/".join(f"{v:.3f}" for v in values) + f" ({seconds:.1f} s)"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--rivals", default="")
    options = parser.parse_args()
    rivals = [name for name in options.rivals.split(",") if name]
    wrong = 0
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        names = tissue_data.make(options.data, folder)
        parts = np.load(folder / "fractions.npy")
        fields = {}
        print("| volume | hounsfield |" + "".join(f" {r} |" for r in rivals), "bars |")
        print("|---" * (3 + len(rivals)) + "|")
        for name in (n for n in names if options.only in n):
            files = {kind: folder / f"{name}_{kind}.nii.gz" for kind in ("image", "mask", "truth")}
            image = nib.load(files["image"])
            voxels, brain = np.asarray(image.dataobj).astype(float), np.asarray(nib.load(files["mask"]).dataobj) > 0
            truth = np.asarray(nib.load(files["truth"]).dataobj)
            out = folder / "out.nii.gz"
            command = [options.program, "tissue", files["image"], "--mask", files["mask"], "-o", out, "--bias-field", folder / "f.nii.gz", "--partial-volumes", folder / "p", "--json", "--force", "--quiet"]
            command += ["--contrast", "t2" if name == "t2" else "t1"]
            channel = folder / f"{name}_channel.nii.gz"
            command += ["--channel", channel] if channel.exists() else []
            start = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            seconds = time.perf_counter() - start
            own = dice(np.asarray(nib.load(out).dataobj), truth)
            fields[name] = np.log(np.asarray(nib.load(folder / "f.nii.gz").dataobj))
            assert abs(fields[name][brain].mean()) < 1e-5, "the gain's geometric mean"
            fractions = np.stack([np.asarray(nib.load(folder / f"p_{k}.nii.gz").dataobj) for k in (1, 2, 3)]).astype(float)
            assert (fractions.sum(0)[brain] == 32768).all() and (fractions.sum(0)[~brain] == 0).all(), "fractions sum to the whole"
            line = f"| {name} | {told(own, seconds)} |"
            for rival in rivals:
                start = time.perf_counter()
                more = [np.asarray(nib.load(channel).dataobj).astype(float)] if channel.exists() and rival == "gmm" else []
                labels, corrected = RIVALS[rival](voxels, brain, image.header.get_zooms(), *more)
                line += f" {told(dice(by_mean(labels, corrected, brain, name == 't2'), truth), time.perf_counter() - start)} |"
            bars = BARS.get(name)
            print(line, "/".join(map(str, bars)) if bars else "", "|", flush=True)
            wrong += bool(bars) and any(d < b for d, b in zip(own, bars))
            if name == "clean":
                error = np.abs(fractions / 32768 - parts)[:, brain].mean()
                print(f"mean absolute error of fractions: {error:.4f} (bar {ERROR_BAR})")
                wrong += error > ERROR_BAR
            if name == "fast":
                theirs = np.load(folder / "fast_fractions.npy")
                error = np.abs(fractions / 32768 - theirs)[:, brain].mean()
                agree = [np.corrcoef(a[brain], b[brain])[0, 1] for a, b in zip(fractions, theirs)]
                print(f"fractions beside FAST's: mean absolute difference {error:.4f}, correlation", *(f"{r:.3f}" for r in agree))
            if (folder / f"{name}_field.npy").exists() and "clean" in fields:
                found = (fields[name] - fields["clean"])[brain]
                agree = np.corrcoef(found, np.log(np.load(folder / f"{name}_field.npy"))[brain])[0, 1]
                bar = 0.95 if "40" in name else 0.90
                print(f"field of {name}: correlation {agree:.4f} (bar {bar})")
                wrong += agree < bar
    print(f"{wrong} bars missed")
    raise SystemExit(wrong > 0)


if __name__ == "__main__":
    main()
