"""Compares `hounsfield regions` with pyradiomics, first order and shape, on its own example brain1.

    python check_pyradiomics.py <hounsfield> <data>

Where pyradiomics departs from IBSI, its figure is turned into IBSI's: kurtosis has 3 added, axes come from the covariance over n (IBSI: n - 1), bins begin at multiples of
their width. Its mesh is another table of marching cubes: surfaces and what follows from them are compared to 1 %. Needs pyradiomics, SimpleITK, numpy < 2.
"""

import json
import logging
import math
import pathlib
import subprocess
import sys

import radiomics
from radiomics.featureextractor import RadiomicsFeatureExtractor

TOOL, DATA = sys.argv[1], pathlib.Path(sys.argv[2], "volumes/nrrd_mha")
IMAGE, LABEL = DATA / "brain1_image.nrrd", DATA / "brain1_label.nrrd"
logging.getLogger("radiomics").setLevel(logging.ERROR)

FIRST_ORDER = {
    "mean": "Mean", "median": "Median", "min": "Minimum", "max": "Maximum", "variance": "Variance", "skewness": "Skewness", "kurtosis": "Kurtosis",
    "p10": "10Percentile", "p90": "90Percentile", "iqr": "InterquartileRange", "range": "Range", "mad": "MeanAbsoluteDeviation",
    "robust_mad": "RobustMeanAbsoluteDeviation", "energy": "Energy", "rms": "RootMeanSquared", "entropy": "Entropy", "uniformity": "Uniformity",
}
EXACT_SHAPE = {"volume_mm3": "VoxelVolume", "major_axis_mm": "MajorAxisLength", "minor_axis_mm": "MinorAxisLength", "least_axis_mm": "LeastAxisLength",
               "elongation": "Elongation", "flatness": "Flatness"}
MESH = {"volume_mesh_mm3": "MeshVolume", "surface_mm2": "SurfaceArea", "surface_to_volume_per_mm": "SurfaceVolumeRatio", "sphericity": "Sphericity",
        "max_diameter_mm": "Maximum3DDiameter"}

checked = wrong = 0
for width in (25, 5):
    extractor = RadiomicsFeatureExtractor(binWidth=width)
    extractor.disableAllFeatures()
    extractor.enableFeatureClassByName("firstorder")
    extractor.enableFeatureClassByName("shape")
    theirs = extractor.execute(str(IMAGE), str(LABEL))
    run = subprocess.run([TOOL, "regions", LABEL, "--image", IMAGE, "--bin-width", f"{width}:0", "--json"], capture_output=True, text=True, check=True)
    [ours] = json.loads(run.stdout)["rows"]
    n = ours["voxels"]
    groups = (("firstorder", FIRST_ORDER, 1e-9), ("shape", EXACT_SHAPE, 1e-6), ("shape", MESH, 1e-2))
    for kind, names, tolerance in groups:
        for own, other in names.items():
            want = float(theirs[f"original_{kind}_{other}"])
            want -= 3 if own == "kurtosis" else 0
            want *= math.sqrt(n / (n - 1)) if own.endswith("axis_mm") else 1
            checked += 1
            off = abs(ours[own] - want) / max(abs(want), 1e-12)
            if not off <= tolerance:
                wrong += 1
                print(f"WRONG width {width}: {own} {ours[own]}, pyradiomics {want}, off by {off:.2e}")
print(f"pyradiomics {radiomics.__version__}: {checked} values, {wrong} wrong")
sys.exit(wrong > 0)
