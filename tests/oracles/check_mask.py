"""Compares the segmented images and the table of `hounsfield mask --folder` with OpenCV and NumPy, pixel for pixel.

    hounsfield mask --folder <data>/ultrasound/Dataset_BUSI_with_GT -o <out>
    python check_mask.py <data>/ultrasound/Dataset_BUSI_with_GT <out>

The grey image is cvtColor(imread(f), COLOR_BGR2GRAY): imread(f, IMREAD_GRAYSCALE) rounds coloured pixels differently.
"""

import csv
import hashlib
import pathlib
import sys

import cv2
import numpy as np

KNOWN = {"malignant/malignant (1).png": "a90fc97284db3beabbef30888e85d6bf"}


def grey(path):
    # imdecode, since imread does not take every file name on every system.
    pixels = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)


data, out = map(pathlib.Path, sys.argv[1:3])
rows = {row["image"]: row for row in csv.DictReader((out / "statistics.csv").open(newline="", encoding="utf-8"))}
images = sorted(p for p in data.rglob("*.png") if "_mask" not in p.stem)
wrong = []
for path in images:
    name = path.relative_to(data).as_posix()
    image = grey(path)
    mask = np.zeros(image.shape, np.uint8)
    for part in path.parent.glob("*_mask*.png"):
        if part.stem == f"{path.stem}_mask" or part.stem.startswith(f"{path.stem}_mask_"):
            mask[grey(part) > 0] = 255
    want = cv2.bitwise_and(image, image, mask=mask)
    ours = cv2.imread(str(out / name), cv2.IMREAD_UNCHANGED)
    if ours is None or ours.dtype != want.dtype or ours.shape != want.shape or not np.array_equal(ours, want):
        wrong.append(f"{name}: pixels differ")
    if name in KNOWN and hashlib.md5(want.tobytes()).hexdigest() != KNOWN[name]:
        wrong.append(f"{name}: OpenCV's own result is not the known one")
    row = rows.pop(name, None)
    if row is None:
        wrong.append(f"{name}: not in the table")
        continue
    counts = [image.shape[1], image.shape[0], image.size, np.count_nonzero(mask)]
    if [int(row[c]) for c in ("width", "height", "pixels", "mask_pixels")] != counts:
        wrong.append(f"{name}: the table's counts differ")
    for side, values in (("inside", image[mask > 0]), ("outside", image[mask == 0])):
        if not values.size:
            wrong += [f"{name}: a {word} of no pixels" for word in ("mean", "std", "min", "max", "median") if row[f"{word}_{side}"]]
            continue
        expected = dict(mean=values.mean(), std=values.std(), min=values.min(), max=values.max(), median=np.median(values))
        for word, value in expected.items():
            if not abs(float(row[f"{word}_{side}"]) - float(value)) <= 1e-9 * max(1.0, abs(float(value))):
                wrong.append(f"{name}: {word} {side} is {row[f'{word}_{side}']}, NumPy {value}")
wrong += [f"{name}: in the table alone" for name in rows]
print(f"OpenCV {cv2.__version__}, NumPy {np.__version__}: {len(images)} pairs, {len(wrong)} differences")
for line in wrong:
    print(line)
sys.exit(bool(wrong) or not images)
