"""Lets cc3d, fill_voids, scipy and this crate take turns at connected components and holes of masks in memory.

    python benches/rivals_components.py <side_by_side> <masks> [--turns N]

<side_by_side> is the built bench (`cargo bench --bench side_by_side --no-run` names it), <masks> a folder of masks as numpy arrays of uint8, z y x: tissue.npy, bone.npy, blobs.npy, noise.npy.
Every turn times the rival once and ours once, one right after the other; a ratio is the median over the turns of (rival's / ours), of wall time and of user and system CPU seconds, the better
guide on a busy machine. Ours has the table of components in its time, cc3d only labels. Results must be equal, which is seen before anything is timed.
"""

import argparse
import pathlib
import resource
import statistics
import tempfile
import time
import zlib

import cc3d
import fill_voids
import numpy as np
from scipy import ndimage

from rivals import Ours

ROWS = [
    ("components26", "cc3d", lambda m: cc3d.connected_components(m, connectivity=26, binary_image=True), np.uint32),
    ("components18", "cc3d", lambda m: cc3d.connected_components(m, connectivity=18, binary_image=True), np.uint32),
    ("components6", "cc3d", lambda m: cc3d.connected_components(m, connectivity=6, binary_image=True), np.uint32),
    ("components26", "scipy", lambda m: ndimage.label(m, np.ones((3, 3, 3)))[0], np.uint32),
    ("fill", "fill_voids", fill_voids.fill, np.uint8),
]


def cpu_of(pid):
    with open(f"/proc/{pid}/schedstat") as file:
        main = int(file.read().split()[0])
    tasks = pathlib.Path(f"/proc/{pid}/task").iterdir()
    return max(main, sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)) / 1e9


def own_cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("masks", type=pathlib.Path)
    parser.add_argument("--turns", type=int, default=7)
    options = parser.parse_args()
    print(f"cc3d {cc3d.__version__}, fill_voids {fill_voids.__version__}; medians of {options.turns} turns; ms CPU (wall)")
    with tempfile.NamedTemporaryFile() as raw:
        for mask in ("tissue", "bone", "blobs", "noise"):
            m = np.load(options.masks / f"{mask}.npy")
            m.astype(np.int16).tofile(raw.name)
            with Ours(options.program, "x".join(map(str, m.shape[::-1])), raw.name) as ours:
                pid = ours.process.pid
                for operation, name, work, dtype in ROWS:
                    same = ours.ask(f"{operation} check")[1] == zlib.crc32(work(m).astype(dtype).tobytes())
                    turns = []
                    for _ in range(options.turns if name != "scipy" else 1):
                        cpu, start = own_cpu(), time.perf_counter()
                        work(m)
                        theirs = own_cpu() - cpu, time.perf_counter() - start
                        cpu = cpu_of(pid)
                        wall = ours.ask(operation)[0]
                        turns.append((*theirs, cpu_of(pid) - cpu, wall))
                    middle = [1e3 * statistics.median(turn[i] for turn in turns) for i in range(4)]
                    ratios = [statistics.median(turn[i] / turn[i + 2] for turn in turns) for i in range(2)]
                    print(
                        f"{mask} {operation}: {name} {middle[0]:.0f} ({middle[1]:.0f}), ours {middle[2]:.0f} ({middle[3]:.0f}): "
                        f"{ratios[0]:.1f} x CPU, {ratios[1]:.1f} x wall; equal: {same}",
                        flush=True,
                    )


main()
