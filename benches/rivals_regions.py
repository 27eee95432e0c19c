"""Times `hounsfield regions` and `compare` beside scipy.ndimage and DeepMind's surface-distance, taking turns.

    python benches/rivals_regions.py <hounsfield> [--turns N] [--size N]

Ours is a whole command, from an uncompressed file to its JSON, process start and reading included; the rivals have their arrays in memory. Needs numpy, scipy, and for compare
surface-distance (github.com/google-deepmind/surface-distance; PYTHONPATH).

regions: 100 labels (a grid of blobs) on N^3 int16, all features of intensity and shape; scipy: mean + standard_deviation + minimum + maximum.
"""

import argparse
import pathlib
import resource
import statistics
import struct
import subprocess
import sys
import tempfile
import time

import numpy as np
from scipy import ndimage as ndi


def write(path, voxels, code):
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, *voxels.shape[::-1], 1, 1, 1, 1)
    struct.pack_into("<hh", header, 70, code, voxels.itemsize * 8)
    struct.pack_into("<8f", header, 76, 1, 0.9, 0.8, 1.5, 1, 1, 1, 1)
    struct.pack_into("<f", header, 108, 352.0)
    header[123] = 2
    header[344:348] = b"n+1\0"
    path.write_bytes(bytes(header) + voxels.tobytes())


def timed(work):
    start, cpu = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    work()
    wall, end = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
    return wall, end.ru_utime + end.ru_stime - cpu.ru_utime - cpu.ru_stime


def command(line):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    subprocess.run(line, check=True, capture_output=True)
    wall, end = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, end.ru_utime + end.ru_stime - before.ru_utime - before.ru_stime


def row(what, rival, theirs, line, turns):
    command(line)
    rows = [timed(theirs) + command(line) for _ in range(turns)]
    ratio = statistics.median(r[0] / r[2] for r in rows)
    wall, cpu, own, own_cpu = (1e3 * statistics.median(c) for c in zip(*rows))
    print(f"| {what} | {rival} | **{ratio:.2f}** | {cpu / own_cpu:.2f} | {wall:.0f}, {cpu:.0f} | {own:.0f}, {own_cpu:.0f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--size", type=int, default=512)
    options = parser.parse_args()
    print("| work | rival | rival / ours, walls | CPU | rival: wall, CPU ms | ours: wall, CPU ms |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        n, random = options.size, np.random.default_rng(3)
        image = (random.normal(50, 200, (n, n, n)).astype(np.float32)).astype(np.int16)
        # A grid of 5 x 5 x 4 balls.
        z, y, x = np.ogrid[:n, :n, :n]
        cell = [n // 4, n // 5, n // 5]
        place = [np.minimum(at // size, most - 1) for at, size, most in zip((z, y, x), cell, (4, 5, 5))]
        off = sum(((at - (p + 0.5) * size) / (0.45 * size)) ** 2 for at, p, size in zip((z, y, x), place, cell))
        labels = np.where(off < 1, 1 + (place[0] * 5 + place[1]) * 5 + place[2], 0).astype(np.uint8)
        index = np.arange(1, 101)
        assert len(np.unique(labels)) == 101
        files = [pathlib.Path(folder, name) for name in ("labels.nii", "image.nii", "a.nii", "b.nii")]
        write(files[0], labels, 2)
        write(files[1], image, 4)

        def scipy_stats():
            for function in (ndi.mean, ndi.standard_deviation, ndi.minimum, ndi.maximum):
                function(image, labels, index)

        row(f"regions, 100 labels, {n}^3", "scipy.ndimage mean + std + min + max", scipy_stats, [options.program, "regions", files[0], "--image", files[1], "--json"], options.turns)
        del image, labels, off
        try:
            from surface_distance import metrics
        except ImportError:
            print("surface-distance is not there: compare is left out", file=sys.stderr)
            return
        m = 256
        smooth = ndi.gaussian_filter(random.normal(size=(m, m, m)).astype(np.float32), 6)
        a = smooth > np.quantile(smooth[::8], 0.75)
        b = np.roll(a, (2, 1, 3), (0, 1, 2))
        write(files[2], a.astype(np.uint8), 2)
        write(files[3], b.astype(np.uint8), 2)

        def deepmind():
            found = metrics.compute_surface_distances(b, a, (1.5, 0.8, 0.9))
            metrics.compute_robust_hausdorff(found, 95)
            metrics.compute_average_surface_distance(found)
            metrics.compute_surface_dice_at_tolerance(found, 1)
            metrics.compute_dice_coefficient(b, a)

        row(f"compare, two masks, {m}^3", "surface-distance", deepmind, [options.program, "compare", files[2], files[3], "--json"], options.turns)


if __name__ == "__main__":
    main()
