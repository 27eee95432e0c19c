"""Label maps as nibabel saves them, selected by hounsfield and by NumPy.

    python check_labels.py <program>

Labels are kept as floats and saved as every integer type, so that nibabel stores slope and intercept; each label of each map must select what rounding
the real values selects. Needs numpy, nibabel. Written with nibabel 5.4.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import nibabel
import numpy as np


def run(program, *words):
    done = subprocess.run([program, *map(str, words)], capture_output=True, text=True)
    return done.returncode, json.loads(done.stdout) if done.returncode == 0 else done.stderr


def main(program):
    random, checked, refused = np.random.default_rng(1), 0, 0
    with tempfile.TemporaryDirectory() as folder:
        image_path = pathlib.Path(folder) / "image.nii"
        image = random.integers(-500, 500, (9, 8, 7)).astype(np.int16)
        nibabel.save(nibabel.Nifti1Image(image, np.eye(4)), image_path)
        for kind, ending in [(nibabel.Nifti1Image, ".nii"), (nibabel.Nifti2Image, ".nii.gz"), (nibabel.Nifti1Pair, ".img")]:
            for dtype in [np.uint8, np.int16, np.uint16, np.int32, np.float32, np.float64]:
                for labels in [(0, 1), (0, 1, 2, 4), (1, 2, 3), (-1, 0, 5), (0, 3, 200), (0, 7, 1000)]:
                    values = random.choice(np.array(labels, float), image.shape)
                    values.flat[: len(labels)] = labels
                    path = pathlib.Path(folder) / f"labels{ending}"
                    saved = kind(values, np.eye(4))
                    saved.set_data_dtype(dtype)
                    nibabel.save(saved, path)
                    real = nibabel.load(path).get_fdata()
                    rounded = np.round(real)
                    # A step of one and more has lost labels: 1000 labels in 8 bits.
                    lost = np.abs(real - rounded).max() > 0.5 - 1e-3 or not np.array_equal(rounded, values)
                    case = kind.__name__, np.dtype(dtype).name, labels
                    code, got = run(program, "stats", "--json", image_path, "--mask", path)
                    assert code == 0 and got["count"] == np.count_nonzero(values), (case, got)
                    for label in labels:
                        code, got = run(program, "stats", "--json", image_path, "--mask", path, "--label", label)
                        if lost:
                            assert code == 2 and "holds no labels" in got, (case, label, got)
                            refused += 1
                            continue
                        chosen = image[values == label]
                        assert code == 0 and got["count"] == chosen.size, (case, label, got)
                        assert np.isclose(got["mean"], chosen.mean()), (case, label, got)
                        checked += 1
    print(f"{checked} labels are right, {refused} that their file had lost are refused")


if __name__ == "__main__":
    main(sys.argv[1])
