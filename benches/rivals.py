"""Lets rivals and this crate take turns over one int16 volume in memory. Run it through benches/rivals.

Every turn times the rival once and ours once, one right after the other, so that a busy machine slows both; a ratio is the
median over the turns of (rival's time / our time); beside it stands the ratio of the fastest turns, which neighbours on a shared
machine disturb least. Before anything is timed, results are compared where they must be equal.
"""

import argparse
import datetime
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import zlib

import cv2
import numpy as np
import skimage
from skimage.exposure import equalize_hist
from skimage.filters import threshold_multiotsu, threshold_otsu

# Chest phantom in whole Hounsfield units; noise over all of int16; the phantom in sixteenths of a unit, so that it fills 16 bits.
CT_16 = "chest, 16 bits"
CT, CT_AND_NOISE, THRESHOLDS = ["chest phantom"], ["chest phantom", "noise"], ["chest phantom", CT_16]

PERCENTILES = [1, 5, 25, 75, 95, 99]
RESULTS = pathlib.Path(__file__).with_name("RESULTS.md")
BEGIN, END = "<!-- rivals: begin -->", "<!-- rivals: end -->"


class Ours:
    """The process that runs our operations."""

    def __init__(self, program, slices, file):
        self.process = subprocess.Popen(
            [program, "serve", str(slices), file], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout.readline() == "ready\n"

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        seconds, crc = self.process.stdout.readline().split()
        return float(seconds), int(crc)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()


# What the rivals do. Stored values are looked at as uint16: value v of int16 is bin v mod 65,536, which costs numpy nothing.


def calc_hist(voxels):
    return cv2.calcHist([voxels.view(np.uint16).reshape(-1, 512)], [0], None, [65536], [0, 65536])


def numpy_statistics(voxels):
    return [voxels.min(), voxels.max(), np.median(voxels), *np.percentile(voxels, PERCENTILES), voxels.mean(), voxels.var(), voxels.std()]


def numpy_equalize(voxels, dtype):
    bins = voxels.view(np.uint16)
    counts = np.roll(np.bincount(bins, minlength=65536), 32768)
    cumulative = np.cumsum(counts)
    least = counts[np.flatnonzero(counts)[0]]
    levels = np.rint((np.maximum(cumulative, least) - least) * (np.iinfo(dtype).max / (len(voxels) - least)))
    return np.take(np.roll(levels.astype(dtype), 32768), bins)


def numpy_remap(voxels, dtype):
    return np.take(TABLES[dtype], voxels.view(np.uint16))


def pictures(voxels):
    """The first bytes as a picture of 8 bits, and the bytes after them as its mask."""
    size = 1 << 24
    both = voxels.view(np.uint8)[: 2 * size].reshape(2, 4096, 4096)
    return both[0], both[1]


def tables():
    stored = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.float64)
    eight = np.rint(np.clip((stored + 160) * 0.6375, 0, 255)).astype(np.uint8)
    sixteen = np.clip(stored + 1024, 0, 65535).astype(np.uint16)
    return {np.uint8: eight, np.uint16: sixteen}


TABLES = tables()


def timed(call, *args):
    start = time.perf_counter()
    call(*args)
    return time.perf_counter() - start


def check(ours, voxels):
    """Both sides must mean the same."""

    def same(name, want):
        assert ours.ask(name + " check")[1] == zlib.crc32(want.tobytes()), name + " differs from its rival"

    counts = np.roll(np.bincount(voxels.view(np.uint16), minlength=65536), 32768)
    same("histogram", counts.astype(np.uint64))
    # calcHist counts in float32, which stops at 2^24.
    assert np.array_equal(np.roll(calc_hist(voxels).ravel(), 32768), np.minimum(counts, 2**24).astype(np.float32)), "calcHist"
    same("statistics", np.array(numpy_statistics(voxels)[:9], dtype=np.float64))
    same("remap8", numpy_remap(voxels, np.uint8))
    same("remap16", numpy_remap(voxels, np.uint16))
    same("remap8-held", numpy_remap(voxels, np.uint8))
    same("remap16-held", numpy_remap(voxels, np.uint16))
    same("equalize8", numpy_equalize(voxels, np.uint8))
    same("equalize16", numpy_equalize(voxels, np.uint16))
    same("copy", voxels)
    picture, mask = pictures(voxels)
    for name in ["mask8", "mask8-held"]:
        same(name, cv2.bitwise_and(picture, picture, mask=mask))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("--slices", type=int, default=400)
    parser.add_argument("--turns", type=int, default=9)
    parser.add_argument("--only", default="", help="rows whose name contains this")
    parser.add_argument("--unchecked", action="store_true", help="skip the comparison of results")
    parser.add_argument("--write", action="store_true", help="put the table into benches/RESULTS.md")
    args = parser.parse_args()
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        ct = f"{folder}/ct.raw"
        subprocess.run([args.program, "make", str(args.slices), ct], check=True)
        for content in ["chest phantom", CT_16, "noise"]:
            rng = np.random.default_rng(1)
            if content == CT_16:
                chest = np.fromfile(ct, dtype=np.int16).astype(np.int32)
                ((chest + 1024) * 16 - 32768 + rng.integers(0, 16, len(chest))).astype(np.int16).tofile(ct)
            if content == "noise":
                rng.integers(-32768, 32768, 512 * 512 * args.slices, dtype=np.int16).tofile(ct)
            voxels = np.fromfile(ct, dtype=np.int16)
            with Ours(args.program, args.slices, ct) as ours:
                if not args.unchecked:
                    check(ours, voxels)
                lines += compare(ours, voxels, content, args)
    text = report(lines, args)
    print(text)
    if args.write:
        old = RESULTS.read_text() if RESULTS.exists() else f"{BEGIN}\n{END}\n"
        before, rest = old.split(BEGIN)
        RESULTS.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}")


def compare(ours, voxels, content, args):
    held = np.ones_like(voxels)
    picture, mask = pictures(voxels)
    shown = np.zeros_like(picture)
    taken = {np.uint8: np.ones(voxels.shape, np.uint8), np.uint16: np.ones(voxels.shape, np.uint16)}

    def take_held(dtype):
        np.take(TABLES[dtype], voxels.view(np.uint16), out=taken[dtype], mode="wrap")

    # Name, rival's name, ours, rival's call or our operation that stands for it, target by content, contents of interest.
    rows = [
        ("Otsu, image to threshold", "skimage threshold_otsu", "otsu2", lambda: threshold_otsu(voxels), {}, THRESHOLDS),
        ("multi-Otsu, 3 classes", "skimage threshold_multiotsu", "otsu3", lambda: threshold_multiotsu(voxels, 3), {CT_16: 100}, THRESHOLDS),
        ("multi-Otsu, 4 classes", "skimage threshold_multiotsu", "otsu4", lambda: threshold_multiotsu(voxels, 4), {CT[0]: 100}, CT),
        ("mask u8, 4096 x 4096", "cv2.bitwise_and", "mask8", lambda: cv2.bitwise_and(picture, picture, mask=mask), {CT[0]: 0.9}, CT),
        ("mask u8, 4096 x 4096, memory in use", "cv2.bitwise_and", "mask8-held", lambda: cv2.bitwise_and(picture, picture, dst=shown, mask=mask), {}, CT),
        ("histogram", "OpenCV calcHist", "histogram", lambda: calc_hist(voxels), {"chest phantom": 1.0, "noise": 0.9}, CT_AND_NOISE),
        ("statistics with median", "numpy", "statistics", lambda: numpy_statistics(voxels), {"chest phantom": 100}, CT),
        ("histogram + table + remap to uint16", "numpy", "equalize16", lambda: numpy_equalize(voxels, np.uint16), {"chest phantom": 8}, CT_AND_NOISE),
        ("histogram + table + remap to uint8", "numpy", "equalize8", lambda: numpy_equalize(voxels, np.uint8), {"chest phantom": 8}, CT),
        ("equalise (other method: interpolated CDF, floats)", "skimage equalize_hist", "equalize16", lambda: equalize_hist(voxels, 65536), {}, CT),
        ("remap to uint16, new memory", "numpy take", "remap16", lambda: numpy_remap(voxels, np.uint16), {}, CT_AND_NOISE),
        ("remap to uint8, new memory", "numpy take", "remap8", lambda: numpy_remap(voxels, np.uint8), {}, CT),
        ("remap to uint16, new memory", "parallel copy (Rust), new memory", "remap16", "copy", {"chest phantom": 0.75}, CT_AND_NOISE),
        ("remap to uint16, new memory", "numpy copy, new memory", "remap16", lambda: voxels.copy(), {}, CT),
        ("remap to uint16, memory in use", "parallel copy (Rust), memory in use", "remap16-held", "copy-held", {"chest phantom": 0.75}, CT_AND_NOISE),
        ("remap to uint16, memory in use", "numpy copyto, memory in use", "remap16-held", lambda: np.copyto(held, voxels), {"chest phantom": 0.75}, CT),
        ("remap to uint16, memory in use", "numpy take, memory in use", "remap16-held", lambda: take_held(np.uint16), {}, CT),
        ("remap to uint8, memory in use", "numpy take, memory in use", "remap8-held", lambda: take_held(np.uint8), {}, CT),
    ]
    lines = []
    for name, rival, operation, call, targets, contents in rows:
        if args.only not in name or content not in contents:
            continue
        pairs = []
        # A hundred seconds tell enough in one turn.
        turns = 1 if "4 classes" in name else args.turns
        for turn in range(turns + 1 if turns > 1 else 1):
            # The host of a virtual machine takes back memory that lies idle for seconds while the other side works; so each side
            # reads its voxels once, uncounted, right before its turn.
            if isinstance(call, str):
                ours.ask("histogram")
                theirs = ours.ask(call)[0]
            else:
                voxels.max()
                theirs = timed(call)
            ours.ask("histogram")
            mine = ours.ask(operation)[0]
            # The first turn warms caches and page tables.
            if turn > 0 or turns == 1:
                pairs.append((theirs, mine))
        ratio = statistics.median(theirs / mine for theirs, mine in pairs)
        best = min(theirs for theirs, _ in pairs) / min(mine for _, mine in pairs)
        theirs, mine = (1000 * statistics.median(column) for column in zip(*pairs))
        target = targets.get(content)
        verdict = "" if target is None else f"{target} {'held' if ratio >= target else 'MISSED'}"
        lines.append(f"| {content} | {name} | {rival} | {theirs:.1f} | {mine:.1f} | {ratio:.2f} | {best:.2f} | {verdict} |")
        print(lines[-1], file=sys.stderr)
    return lines


def report(lines, args):
    cpu = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), platform.processor())
    rustc = subprocess.run(["rustc", "--version"], capture_output=True, text=True).stdout.strip()
    return "\n".join(
        [
            f"{datetime.date.today()}, {cpu}, {cv2.getNumberOfCPUs()} cores, {platform.system()} {platform.release()}; {rustc}; "
            f"Python {platform.python_version()}, numpy {np.__version__}, OpenCV {cv2.__version__} ({cv2.getNumThreads()} threads), "
            f"scikit-image {skimage.__version__}.",
            "",
            f"512 x 512 x {args.slices} int16, {args.turns} turns, medians in ms; the ratio is the median of rival / ours, turn by turn; "
            "best is the rival's fastest turn / our fastest: what an undisturbed machine would show.",
            "",
            "| voxels | operation | rival | rival ms | ours ms | ratio | best | target |",
            "|---|---|---|---:|---:|---:|---:|---|",
            *lines,
        ]
    )


if __name__ == "__main__":
    main()
