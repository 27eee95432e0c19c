"""Brains whose tissues are known, as NIfTI: BrainWeb's T1 under fields, volumes made of its fractions with Rician noise, thick slices, half a brain, T2-like contrast; MNI152 with FAST's labels.

Each volume NAME has NAME_image.nii.gz, NAME_mask.nii.gz, NAME_truth.nii.gz and, where there is a second image, NAME_channel.nii.gz, where a field was multiplied in, NAME_field.npy; fractions.npy has BrainWeb's, fast_fractions.npy FAST's. Fields run from 1 - a/2 to 1 + a/2 over the brain.
"""

import pathlib
import sys

import nibabel as nib
import numpy as np

CLASS_MEANS = np.array([42, 95, 131.0]) * 8


def fields(shape, brain):
    x, y, z = np.meshgrid(*[np.linspace(-1, 1, n) for n in shape], indexing="ij")
    shapes = {
        "A": 0.6 * x + 0.5 * y - 0.4 * z + 0.5 * x * y - 0.4 * z * z,
        "B": np.sin(1.7 * x + 0.6) * np.cos(1.9 * y) + 0.6 * np.cos(2.1 * z + 0.4),
        "C": np.exp(-((x - 0.5) ** 2 + (y + 0.4) ** 2 + (z - 0.3) ** 2) / 0.5),
    }

    def field(kind, percent):
        g = shapes[kind]
        g = (g - g[brain].min()) / (g[brain].max() - g[brain].min())
        return 1 - percent / 200 + percent / 100 * g

    return field


def make(data, folder):
    folder.mkdir(parents=True, exist_ok=True)
    brainweb = data / "volumes/brainweb_mritc"
    t1 = nib.load(brainweb / "brainweb_t1.nii.gz")
    image = np.asarray(t1.dataobj).astype(float)
    brain = np.asarray(nib.load(brainweb / "brainweb_mask.nii.gz").dataobj) > 0
    parts = np.stack([np.asarray(nib.load(brainweb / f"brainweb_{k}.nii.gz").dataobj).astype(float) for k in ("csf", "gm", "wm")])
    parts /= np.maximum(parts.sum(0), 1e-9)
    np.save(folder / "fractions.npy", parts)
    truth = np.argmax(parts, 0) + 1
    field = fields(brain.shape, brain)
    names = []

    def put(name, voxels, mask, labels, affine=t1.affine, gain=None):
        for kind, array, dtype in (("image", np.clip(np.rint(voxels), 0, 65535), np.uint16), ("mask", mask, np.uint8), ("truth", labels * mask, np.uint8)):
            nib.save(nib.Nifti1Image(array.astype(dtype), affine), folder / f"{name}_{kind}.nii.gz")
        if gain is not None:
            np.save(folder / f"{name}_field.npy", gain)
        names.append(name)

    put("clean", image, brain, truth)
    for kind in "ABC":
        for percent in (20, 40):
            gain = field(kind, percent)
            put(f"field{percent}{kind}", image * 8 * gain, brain, truth, gain=gain)
    random = np.random.default_rng(11)

    def rician(voxels, sigma):
        return np.hypot(voxels + random.normal(0, sigma, voxels.shape), random.normal(0, sigma, voxels.shape))

    pure = np.tensordot(CLASS_MEANS, parts, 1) * brain
    for noise in (1, 3, 5, 7, 9):
        for kind, percent in (("A", 0), ("A", 20), ("B", 40)):
            put(f"noise{noise}_{percent}", rician(pure * field(kind, percent), noise / 100 * CLASS_MEANS[2]), brain, truth)
    slices = brain.shape[2] // 3 * 3

    def thick(voxels):
        return voxels[..., :slices].reshape(*voxels.shape[:-1], -1, 3).mean(-1)

    affine = t1.affine @ np.diag([1, 1, 3, 1])
    put("thick", rician(thick(pure * field("B", 40)), 0.03 * CLASS_MEANS[2]), thick(brain.astype(float)) > 0.5, np.argmax(thick(parts), 0) + 1, affine)
    half = brain.copy()
    half[: brain.shape[0] // 2] = False
    put("half", rician(pure * field("A", 40), 0.03 * CLASS_MEANS[2]), half, truth)
    put("t2", rician(np.tensordot(CLASS_MEANS[::-1], parts, 1) * brain * field("B", 40), 0.03 * CLASS_MEANS[2]), brain, truth)
    # Two images of the same voxels, each with so much noise that neither is enough alone.
    second = rician(np.tensordot(np.array([131, 95, 60.0]) * 8, parts, 1) * brain * field("C", 20), 0.09 * CLASS_MEANS[2])
    put("joint", rician(pure * field("A", 20), 0.09 * CLASS_MEANS[2]), brain, truth)
    nib.save(nib.Nifti1Image(np.clip(np.rint(second), 0, 65535).astype(np.uint16), t1.affine), folder / "joint_channel.nii.gz")
    mni = data / "volumes/mni152_2mm_fast"
    voxels = nib.load(mni / "MNI152_T1_2mm_Brain.nii.gz")
    array = np.asarray(voxels.dataobj)
    put("fast", array, array > 0, np.asarray(nib.load(mni / "MNI152_T1_2mm_Brain_FAST_seg.nii.gz").dataobj), voxels.affine)
    volumes = [np.asarray(nib.load(mni / f"MNI152_T1_2mm_Brain_FAST_pve_{k}.nii.gz").dataobj) for k in range(3)]
    np.save(folder / "fast_fractions.npy", np.stack(volumes).astype(float))
    return names


if __name__ == "__main__":
    print(*make(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])))
