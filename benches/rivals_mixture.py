"""Times scikit-learn's GaussianMixture beside this crate on one 8-bit volume in memory.

    python rivals_mixture.py VOLUME.nii.gz

Fit and label of all voxels from 1 to 255, three classes, scikit-learn at tol 1e-6 (which stops short of the maximum that ours reaches);
and the E-step for each voxel, `predict_proba` against ours on one thread. Ours is the best of seven, scikit-learn's fit is timed once and its
`predict_proba` is the best of three. OMP_NUM_THREADS says how many threads scikit-learn may take.
"""

import json
import pathlib
import subprocess
import sys
import time

import nibabel
import numpy as np
import sklearn
from sklearn.mixture import GaussianMixture

path = pathlib.Path(sys.argv[1]).resolve()
root = pathlib.Path(__file__).resolve().parent.parent
command = ["cargo", "bench", "--quiet", "--bench", "mixture", "--", "once", str(path)]
ours = json.loads(subprocess.run(command, cwd=root, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()[-1])

voxels = np.asarray(nibabel.load(path).dataobj)
x = voxels[(voxels >= 1) & (voxels <= 255)].astype(np.float64).reshape(-1, 1)
assert len(x) == ours["voxels"], (len(x), ours["voxels"])
begin = time.perf_counter()
model = GaussianMixture(3, tol=1e-6, max_iter=1000, random_state=0).fit(x)
model.predict(x)
fit = time.perf_counter() - begin
e_step = []
for _ in range(3):
    begin = time.perf_counter()
    model.predict_proba(x)
    e_step.append((time.perf_counter() - begin) / len(x) * 1e9)

print(f"scikit-learn {sklearn.__version__}, {len(x)} voxels")
print(f"fit and label: {fit:.2f} s ({model.n_iter_} iterations) against {ours['fit_and_label_s'] * 1e3:.2f} ms: {fit / ours['fit_and_label_s']:.0f} x")
print(f"E-step: {min(e_step):.1f} ns a voxel against {ours['posteriors_ns']:.2f}: {min(e_step) / ours['posteriors_ns']:.0f} x")
print(f"E-step with the sums of the M-step, ours: {ours['sums_ns']:.2f} ns a voxel")
