"""Compares `hounsfield segment` with scikit-learn's GaussianMixture.

    python check_mixture.py PROGRAM DATA

One channel: scikit-learn starts at the parameters found and may not move: at the maximum of the likelihood an iteration leads nowhere.
Labels and posteriors are compared voxel by voxel. Two channels (T1 and a second made from the phantom's fractions): means, covariances,
weights and labels. Several maxima: EM of numpy over (value, count) from 60 random starts, those without a class on one value, must nowhere come
higher, and scikit-learn must give the parameters found the same likelihood. Versions are printed.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import nibabel
import numpy as np
import sklearn
from sklearn.mixture import GaussianMixture

program, data = sys.argv[1], pathlib.Path(sys.argv[2])
brain = data / "volumes" / "brainweb_mritc"
mni = data / "volumes" / "nilearn_mni152" / "mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"
failures = []


def check(what, good, said=""):
    print("ok  " if good else "FAIL", what, said)
    if not good:
        failures.append(what)


def segment(folder, *arguments):
    labels = folder / "labels.nii.gz"
    line = [program, "--json", "--quiet", "--force", "segment", "-o", labels, "--posteriors", folder / "p", *arguments]
    out = json.loads(subprocess.run(list(map(str, line)), stdout=subprocess.PIPE, check=True).stdout)
    posteriors = [nibabel.load(folder / f"p_{c['label']}.nii.gz").get_fdata() for c in out["classes"]]
    return out, np.asarray(nibabel.load(labels).dataobj), np.stack(posteriors, -1)


def model_of(x, out):
    """scikit-learn's model at the parameters found."""
    d = x.shape[1]
    covariances = np.array([np.reshape(c.get("covariance", [[c["std"]]]), (d, d)) for c in out["classes"]])
    if d == 1:
        covariances = covariances**2
    model = GaussianMixture(
        len(out["classes"]), tol=1e-9, reg_covar=0, max_iter=1000,
        weights_init=[c["weight"] for c in out["classes"]],
        means_init=np.reshape([c["mean"] for c in out["classes"]], (-1, d)),
        precisions_init=np.linalg.inv(covariances),
    )
    return model, covariances


def compare(what, x, inside, out, labels, posteriors, moved, tolerance):
    model, covariances = model_of(x, out)
    # The parameters as they are, without an iteration.
    still, _ = model_of(x, out)
    still.weights_, still.means_, still.covariances_ = np.asarray(still.weights_init), still.means_init, covariances
    still.precisions_cholesky_ = np.array([np.linalg.inv(np.linalg.cholesky(c)).T for c in covariances])
    share = still.predict_proba(x)
    difference = np.abs(share - posteriors[inside]).max()
    check(f"{what}: posteriors", difference <= tolerance, f"differ by up to {difference:.1e}")
    want = share.argmax(1) + 1
    two = np.sort(share, 1)[:, -2:]
    clear = two[:, 1] - two[:, 0] > 2 * tolerance
    check(f"{what}: labels", (labels[inside] == want)[clear].all(), f"{(labels[inside] != want).sum()} differ, {(~clear).sum()} ties")
    check(f"{what}: nothing outside", not labels[~inside].any() and not posteriors[~inside].any())
    score, n = still.score(x), len(x)
    check(f"{what}: log-likelihood", abs(score - out["log_likelihood"]) < 1e-6, f"{out['log_likelihood']} {score}")
    check(f"{what}: BIC and AIC", abs(still.bic(x) / out["bic"] - 1) < 1e-6 and abs(still.aic(x) / out["aic"] - 1) < 1e-6)
    counts = [int((labels == c["label"]).sum()) for c in out["classes"]]
    check(f"{what}: counts", counts == [c["voxels"] for c in out["classes"]], counts)
    model.fit(x)
    shift = np.abs(model.means_ - still.means_).max() / np.sqrt(covariances.reshape(len(covariances), -1)[:, 0]).min()
    check(f"{what}: scikit-learn stays", shift < moved, f"moves by {shift:.1e} std in {model.n_iter_} iterations, {n} voxels")


def climbed(x, n, k, rng, floor):
    """The end of EM over values and counts from random means: log-likelihood, and whether no class of few voxels sits on one value."""
    m = rng.choice(x, k, replace=False, p=n / n.sum())
    v, w, last = np.full(k, x.var() * rng.uniform(0.01, 1)), np.full(k, 1 / k), -np.inf
    for _ in range(3000):
        d = np.log(w) - 0.5 * np.log(2 * np.pi * v) - 0.5 * (x[:, None] - m) ** 2 / v
        top = d.max(1, keepdims=True)
        e = np.exp(d - top)
        total = e.sum(1, keepdims=True)
        score = (n * (top + np.log(total))[:, 0]).sum() / n.sum()
        r = e / total * n[:, None]
        c = r.sum(0) + 1e-300
        m = (r * x[:, None]).sum(0) / c
        v, w = np.maximum((r * (x[:, None] - m) ** 2).sum(0) / c, floor), c / n.sum()
        if abs(score - last) < 1e-10:
            break
        last = score
    return score, not ((v <= 4 * floor) & (w < 0.5 / k)).any()


def highest(what, voxels, out, step):
    """No random start comes higher than the best of the stated ones."""
    x, n = np.unique(voxels.astype(float), return_counts=True)
    k = len(out["classes"])
    ends = [climbed(x, n, k, np.random.default_rng(seed), step**2 / 12) for seed in range(60)]
    sound = [score for score, good in ends if good]
    found = out["log_likelihood"]
    said = f"{found:.7f} by {out['start']}; random {max(sound):.7f}, {np.mean(np.array(sound) < found - 1e-5):.0%} of them lower"
    check(f"{what}: no random start is higher", max(sound) <= found + 1e-5, said)
    model, covariances = model_of(voxels.astype(float)[:, None], out)
    model.weights_, model.means_, model.covariances_ = np.asarray(model.weights_init), model.means_init, covariances
    model.precisions_cholesky_ = np.array([np.linalg.inv(np.linalg.cholesky(c)).T for c in covariances])
    score = model.score(voxels.astype(float)[:, None])
    check(f"{what}: scikit-learn's likelihood", abs(score - found) < 1e-6, f"{score:.7f}")


print("scikit-learn", sklearn.__version__, "numpy", np.__version__, "nibabel", nibabel.__version__)
with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    mask = np.asarray(nibabel.load(brain / "brainweb_mask.nii.gz").dataobj) > 0
    t1 = np.asarray(nibabel.load(brain / "brainweb_t1.nii.gz").dataobj)
    arguments = [brain / "brainweb_t1.nii.gz", "-k", 3, "--mask", brain / "brainweb_mask.nii.gz"]
    for method in ["exact", "voxel"]:
        found = segment(folder, *arguments, "--method", method)
        compare(f"BrainWeb, {method}", t1[mask].astype(float)[:, None], mask, *found, 2e-3, 2e-6)

    t1 = np.asarray(nibabel.load(mni).dataobj)
    found = segment(folder, mni, "-k", 3, "--where", "1:255")
    compare("MNI152", t1[t1 > 0].astype(float)[:, None], t1 > 0, *found, 2e-3, 2e-6)

    image = nibabel.load(brain / "brainweb_t1.nii.gz")
    fractions = [np.asarray(nibabel.load(brain / f"brainweb_{t}.nii.gz").dataobj).astype(float) for t in ["csf", "gm", "wm"]]
    noise = np.random.default_rng(1).normal(0, 12, mask.shape)
    second = ((200 * fractions[0] + 130 * fractions[1] + 90 * fractions[2]) / 255 + noise).astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(second, image.affine), folder / "t2.nii.gz")
    x = np.stack([np.asarray(image.dataobj)[mask].astype(float), second[mask].astype(float)], 1)
    found = segment(folder, *arguments, "--channel", folder / "t2.nii.gz")
    print("    two channels:", found[0]["iterations"], "iterations, converged", found[0]["converged"])
    compare("two channels", x, mask, *found, 5e-2, 2e-6)
    two = data / "reports" / "mixture_two_maxima_int16.nii.gz"
    voxels = np.asarray(nibabel.load(two).dataobj).ravel()
    for k in [2, 3, 4]:
        out = segment(folder, two, "-k", k)[0]
        highest(f"two maxima, k = {k}", voxels, out, 1)
        if k == 3:
            otsu = segment(folder, two, "-k", 3, "--init", "otsu")[0]["log_likelihood"]
            lead = out["log_likelihood"] - otsu
            check("two maxima: by how much", abs(lead - out["above_otsu"]) < 1e-6 and abs(lead - 0.0442637) < 1e-5, lead)
    inside = np.asarray(image.dataobj)[mask]
    for k in [2, 3, 4]:
        highest(f"BrainWeb, k = {k}", inside, segment(folder, *arguments[:1], "-k", k, *arguments[3:])[0], 1)
print("all agree" if not failures else f"{len(failures)} failures")
sys.exit(bool(failures))
