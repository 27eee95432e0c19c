"""An exported classifier in onnxruntime against the logits that predict wrote.

    python check_onnx.py MODEL.onnx LOGITS.csv FOLDER

For a model whose images are as large as those of the folder (.npy, 8 bits) and normalised as range:0:255. Needs numpy and onnxruntime; nn/tests/exchanging.rs runs it.
"""

import csv
import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime

TOLERANCE = 1e-4


def main(model, table, folder):
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    classes = json.loads(session.get_modelmeta().custom_metadata_map["classes"])
    with open(table, newline="") as file:
        rows = list(csv.DictReader(file))
    files = sorted(Path(folder).rglob("*.npy"))
    assert len(rows) == len(files) > 0, (len(rows), len(files))

    def image(name):
        (own,) = [path for path in files if path.as_posix().endswith(name)]
        return np.load(own)

    images = np.stack([image(row["path"]) for row in rows]).astype(np.float32)
    (theirs,) = session.run(None, {"image": (images / np.float32(127.5) - 1)[:, None]})
    ours = np.array([[float(row[f"logit_{name}"]) for name in classes] for row in rows])
    worst = np.abs(theirs - ours).max()
    print(f"{len(rows)} images, largest difference {worst:.2e} of logits up to {np.abs(ours).max():.2f}")
    assert worst < TOLERANCE
    assert np.ptp(ours) > 0.01, "logits that say nothing"


main(*sys.argv[1:])
