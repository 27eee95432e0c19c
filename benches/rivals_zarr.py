"""Times reading and counting a sharded OME-Zarr volume beside zarr-python, taking turns.

    python benches/rivals_zarr.py target/release/hounsfield [--slices 256] [--turns 5]

The program is built with the feature zarr. Makes 512 x 512 int16 slices (a smooth ramp with noise) as zarr-python writes them: shards of 32 slices, chunks of 32 x 128 x 128, zstd 1. Ours is
the whole process `hounsfield stats`; of the rival's only reading and counting count (`numpy.bincount` slab by slab, a slab being a shard), not the start of
Python and its imports. Both find the volume in the system's cache. Before anything is timed, minimum, maximum and mean are compared. Needs numpy and zarr. A
ratio is the median over the turns of (rival's seconds / ours).
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import zarr

RIVAL = """
import json, sys, time
import numpy as np
import zarr
start = time.perf_counter()
array = zarr.open_array(sys.argv[1], mode="r")
counts = np.zeros(65536, np.int64)
for z in range(0, array.shape[0], 32):
    counts += np.bincount((array[z : z + 32].astype(np.int32) + 32768).ravel(), minlength=65536)
values = np.flatnonzero(counts)
mean = float((counts[values] * (values - 32768.0)).sum() / counts.sum())
print(json.dumps([time.perf_counter() - start, int(values[0]) - 32768, int(values[-1]) - 32768, mean]))
"""


def make(path, slices):
    rng = np.random.default_rng(1)
    array = zarr.create_array(
        path, shape=(slices, 512, 512), shards=(32, 512, 512), chunks=(32, 128, 128), dtype="i2", compressors=zarr.codecs.ZstdCodec(level=1)
    )
    ramp = np.add.outer(np.arange(512), np.arange(512)) * 2 - 1000
    for z in range(0, slices, 32):
        depth = min(32, slices - z)
        array[z : z + depth] = np.clip(ramp + rng.normal(0, 12, (depth, 512, 512)), -1024, 3071).astype("i2")


def seconds(command):
    start = time.perf_counter()
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return time.perf_counter() - start, json.loads(run.stdout)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--slices", type=int, default=256)
    parser.add_argument("--turns", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        path = pathlib.Path(temporary) / "volume.zarr"
        make(path, args.slices)
        packed = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
        ours = [args.program, "stats", str(path), "--json", "-q"]
        theirs = [sys.executable, "-c", RIVAL, str(path)]
        found, want = seconds(ours)[1], seconds(theirs)[1]
        if (found["min"], found["max"]) != (want[1], want[2]) or abs(found["mean"] - want[3]) > 1e-9:
            sys.exit(f"the results differ: {found} {want}")
        ratios, times = [], []
        for _ in range(args.turns):
            mine, _ = seconds(ours)
            ratios.append(seconds(theirs)[1][0] / mine)
            times.append(mine)
        print(
            f"{args.slices} slices of 512 x 512 int16 in {packed / 1e6:.0f} MB, {args.turns} turns, zarr-python {zarr.__version__}, "
            f"load {os.getloadavg()[0]:.1f}, ours {statistics.median(times):.3f} s"
        )
        print(f"| read and count: zarr-python, without its start | {statistics.median(ratios):.2f} | {min(ratios):.2f} to {max(ratios):.2f} |")


if __name__ == "__main__":
    main()
