"""Lets rivals and this crate take turns at work that is more than a pass over single voxels, on one int16 volume in memory.

    python benches/rivals_neighbours.py <side_by_side> [--turns N]

<side_by_side> is the built bench (`cargo bench --bench side_by_side --no-run` names it). Every turn times the rival once and ours once, one right after the other; a ratio is the median over the turns of
(rival's time / our time). User and system CPU seconds of both sides stand beside, the better guide on a busy machine. Results are compared before: squared
distances must be equal in every voxel, projections numpy's bit for bit; of resampling tests/oracles/check_resample.py says how near it is, of CLAHE check_clahe.py.
"""

import argparse
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import zlib

import cv2
import edt
import numpy as np
import scipy.ndimage
import SimpleITK as sitk

from rivals import Ours

SLICES = 64  # 512 x 512 x 64: as many voxels as 256 x 256 x 256

WEIGHTS = (25, 7, 7)


def tissue(voxels):
    """All that is no air, as a mask."""
    return (voxels > -300).astype(np.uint8)


def by_edt(mask):
    return edt.edtsq(mask, anisotropy=WEIGHTS, black_border=False, parallel=2)


def by_scipy(mask):
    return scipy.ndimage.distance_transform_edt(mask, sampling=WEIGHTS)


# As benches/side_by_side.rs has it.
TURN = np.array([[0.93, 0.28, 0.04], [-0.27, 0.92, 0.02], [0.01, -0.05, 0.98]])


def turned(interpolator):
    def run(image):
        centre = (np.array(image.GetSize()) - 1) / 2
        transform = sitk.AffineTransform(TURN.ravel().tolist(), (centre - TURN @ centre).tolist())
        return sitk.Resample(image, image, transform, interpolator, -1000.0, sitk.sitkInt16)

    return run


def as_uint16(voxels):
    """Unsigned numbers in the same order."""
    return voxels.view(np.uint16) ^ 0x8000


def by_opencv(voxels):
    tiles = cv2.createCLAHE(40.0, (8, 8))
    return [tiles.apply(plane) for plane in voxels]


# Work, our name of it, rival, what is made before any time is taken, what the rival does with it.
ROWS = [
    ("squared distance 7:7:25", "distance", "edt, 2 threads", tissue, by_edt),
    ("squared distance 7:7:25", "distance", "SciPy", tissue, by_scipy),
    ("resample, turned, linear", "turned-linear", "SimpleITK", sitk.GetImageFromArray, turned(sitk.sitkLinear)),
    ("resample, turned, nearest", "turned-nearest", "SimpleITK", sitk.GetImageFromArray, turned(sitk.sitkNearestNeighbor)),
    ("MIP along z", "max2", "numpy max", lambda v: v, lambda v: v.max(0)),
    ("MIP along y", "max1", "numpy max", lambda v: v, lambda v: v.max(1)),
    ("MIP along x", "max0", "numpy max", lambda v: v, lambda v: v.max(2)),
    ("CLAHE 16 bit, slices, 8 x 8 tiles", "clahe16", "OpenCV", as_uint16, by_opencv),
]


def cpu_of(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def own_cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--raw", help="raw int16, 512 x 512 x 64; by default the chest phantom")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = options.raw or str(pathlib.Path(folder, "ct.raw"))
        if not options.raw:
            subprocess.run([options.program, "make", str(SLICES), file], check=True)
        voxels = np.fromfile(file, np.int16).reshape(SLICES, 512, 512)
        with Ours(options.program, SLICES, file) as ours:
            print("| work (512 x 512 x 64 int16, in memory) | rival | ratio of walls | rival wall, CPU ms | ours wall, CPU ms |\n|---|---|---|---|---|")
            for title, name, rival, prepare, theirs in ROWS:
                given = prepare(voxels)
                found = theirs(given)
                if name == "distance":
                    found = np.rint(found**2 if rival == "SciPy" else found).astype(np.uint32)
                if name == "distance" or name.startswith("max"):
                    want = zlib.crc32(np.ascontiguousarray(found).tobytes())
                    assert ours.ask(name + " check")[1] == want, f"{name} differs from {rival}"
                walls, rival_cpu, our_cpu = [], [], []
                for _ in range(options.turns):
                    start, cpu = time.perf_counter(), own_cpu()
                    theirs(given)
                    wall, rival_cpu = time.perf_counter() - start, rival_cpu + [own_cpu() - cpu]
                    before = cpu_of(ours.process.pid)
                    seconds, _ = ours.ask(name)
                    our_cpu.append(cpu_of(ours.process.pid) - before)
                    walls.append((wall, seconds))
                ratio = statistics.median(a / b for a, b in walls)
                ms = lambda values: f"{1e3 * statistics.median(values):.1f}"
                a, b = zip(*walls)
                print(f"| {title} | {rival} | {ratio:.2f} x | {ms(a)}, {1e3 * statistics.mean(rival_cpu):.1f} | {ms(b)}, {1e3 * statistics.mean(our_cpu):.1f} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
