"""Compares the grey values that hounsfield reads from PNG and JPEG files with OpenCV's.

    HOUNSFIELD_DATA=<data> HOUNSFIELD_COPIES=<copies> cargo test --lib io::round_trips
    python check_images.py <data> <copies>

PNG must be equal, except where OpenCV blends or rescales on its own (named below). JPEG decoders may differ by rounding.
"""

import pathlib
import sys

import cv2
import numpy as np

data, copies = map(pathlib.Path, sys.argv[1:3])
same, jpegs, worst, odd = 0, 0, 0, []
for line in (copies / "images" / "list.tsv").read_text().splitlines():
    number, dtype, width, height, name = line.split("\t")
    ours = np.frombuffer((copies / "images" / f"{number}.raw").read_bytes(), dtype).reshape(int(height), int(width))
    image = cv2.imdecode(np.frombuffer((data / name).read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None:
        odd.append((name, "OpenCV does not read it"))
        continue
    if image.ndim == 3:
        image = cv2.cvtColor(np.ascontiguousarray(image[..., :3]), cv2.COLOR_BGR2GRAY)
    if image.shape != ours.shape or image.dtype != ours.dtype:
        odd.append((name, f"{ours.dtype} {ours.shape}, OpenCV {image.dtype} {image.shape}"))
        continue
    difference = int(np.abs(image.astype(int) - ours.astype(int)).max())
    if name.endswith("png"):
        if difference:
            odd.append((name, f"differs by up to {difference}"))
        same += not difference
    else:
        jpegs, worst = jpegs + 1, max(worst, difference)
print(f"{same} PNG files equal; {jpegs} JPEG files differ by {worst} at most")
for name, why in odd:
    print(name, why, sep=": ")
