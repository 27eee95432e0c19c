"""learn against scikit-learn and onnxruntime.

    python check_learn.py                                  prints the numbers that nn/src/metrics/tests.rs holds
    python check_learn.py HOUNSFIELD_LEARN MODEL DATA.npz  also compares a classifier and its ONNX export

The first part needs numpy, scipy and scikit-learn; DeLong's standard error is written out over all pairs. The second one needs onnxruntime: the archive's images
go through `predict --logits` and, normalised here as the model says, through `export`'s file; logits must agree within 1e-5 of the largest, and `evaluate --json` must give
scikit-learn's measures of the probabilities that `predict` wrote.
"""

import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

TOLERANCE = 1e-5


def calibration_error(probability, truth, bins=15):
    """The mean distance of probability and truth in equal bins, each by its count."""
    own = np.minimum((probability * bins).astype(int), bins - 1)
    return sum((own == b).mean() * abs(probability[own == b].mean() - truth[own == b].mean()) for b in range(bins) if (own == b).any())


def delong(score, truth):
    """The area below the ROC curve and its standard error, from all pairs."""
    ill, well = score[truth == 1], score[truth == 0]
    won = (ill[:, None] > well[None, :]) + 0.5 * (ill[:, None] == well[None, :])
    variance = won.mean(1).var(ddof=1) / len(ill) + won.mean(0).var(ddof=1) / len(well)
    return won.mean(), np.sqrt(variance)


def binary(score, truth, threshold):
    from scipy.stats import norm
    from sklearn import metrics

    found = (score >= threshold).astype(int)
    area, error = delong(score, truth)
    z = norm.ppf(0.975)
    return {
        "accuracy": metrics.accuracy_score(truth, found),
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, found),
        "precision": metrics.precision_score(truth, found),
        "recall": metrics.recall_score(truth, found),
        "f1": metrics.f1_score(truth, found),
        "mcc": metrics.matthews_corrcoef(truth, found),
        "auc": metrics.roc_auc_score(truth, score),
        "average_precision": metrics.average_precision_score(truth, score),
        "brier": metrics.brier_score_loss(truth, score),
        "ece": calibration_error(score, truth),
        "auc_ci95": [area - z * error, min(area + z * error, 1)],
        "confusion": metrics.confusion_matrix(truth, found).tolist(),
    }


def constants():
    """The numbers of nn/src/metrics/tests.rs."""
    from sklearn import metrics

    i = np.arange(120)
    score = (i * 37 % 101) / 100
    truth = (i * 53 % 97 + score * 60 > 70).astype(int)
    for name, value in binary(score, truth, 0.5).items():
        print(f"{name:20} {value}")
    found = (score >= 0.5).astype(int)
    for average in ["macro", "weighted"]:
        print(f"f1 {average:17} {metrics.f1_score(truth, found, average=average)}")
    print(f"precision weighted   {metrics.precision_score(truth, found, average='weighted')}")
    p = np.stack([i * 29 % 89 + 1, i * 41 % 83 + 1, i * 17 % 79 + 1], 1).astype(float)
    p /= p.sum(1, keepdims=True)
    truth = (i * 7 % 10 > 4) * 1 + (i * 11 % 13 > 9) * 1
    found = p.argmax(1)
    print("three classes       ", metrics.confusion_matrix(truth, found).tolist())
    print("  mcc               ", metrics.matthews_corrcoef(truth, found))
    print("  auc, mean         ", np.mean([metrics.roc_auc_score(truth == k, p[:, k]) for k in range(3)]))
    print("  f1, macro         ", metrics.f1_score(truth, found, average="macro"))
    print("  brier             ", ((p - np.eye(3)[truth]) ** 2).sum(1).mean())
    print("  balanced accuracy ", metrics.balanced_accuracy_score(truth, found))


def model(program, folder, data, part="val"):
    import onnxruntime

    with tempfile.TemporaryDirectory() as at:
        at = Path(at)
        subprocess.run([program, "predict", folder, data, "--split", part, "--logits", "-o", at / "out.csv", "-q"], check=True)
        subprocess.run([program, "export", folder, "-o", at / "model.onnx"], check=True)
        rows = list(csv.DictReader(open(at / "out.csv")))
        session = onnxruntime.InferenceSession(at / "model.onnx", providers=["CPUExecutionProvider"])
    classes = json.loads(session.get_modelmeta().custom_metadata_map["classes"])
    held = np.load(data)
    images, truth = held[f"{part}_images"].astype(np.float64), held[f"{part}_labels"].ravel()
    flat = images.reshape(len(images), -1)
    images = ((flat - flat.mean(1, keepdims=True)) / flat.std(1, keepdims=True)).reshape(images.shape).astype(np.float32)
    theirs = session.run(None, {"image": images[:, None]})[0]
    ours = np.array([[float(row[f"logit_{name}"]) for name in classes] for row in rows])
    difference = np.abs(ours - theirs).max()
    print(f"onnxruntime {onnxruntime.__version__}: {len(images)} images, logits up to {np.abs(ours).max():.2f} differ by at most {difference:.2e}")
    assert difference <= TOLERANCE * max(1, np.abs(ours).max())
    said = json.loads(subprocess.run([program, "evaluate", folder, data, "--split", part, "--json", "-q"], check=True, capture_output=True).stdout)
    score = np.array([float(row[f"probability_{classes[1]}"]) for row in rows])
    try:
        wanted = binary(score, truth, said["threshold"])
    except ImportError:
        print("scikit-learn is not here: measures were not compared")
        return
    for name, value in wanted.items():
        assert np.allclose(said[name], value, atol=1e-9), (name, said[name], value)
    print(f"{len(wanted)} measures agree with scikit-learn within 1e-9")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        model(*sys.argv[1:])
    else:
        constants()
