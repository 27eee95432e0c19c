"""Runs what looks at neighbours over volumes larger than memory, and sees that it keeps to its budget and that the bits do not depend on it.

    python benches/larger_than_memory.py <hounsfield> <folder> [--slices 16384] [--memory 256] [--only NAME]

<hounsfield> is the release program, <folder> has room for five times the volume: 512 x 512 slices of int16, 16,384 of them are 8 GiB. Each job runs with the budget and again with
sixteen times as much; printed are seconds, the largest resident memory of the process, and whether both results have the same bytes. Needs nothing but Python.
"""

import argparse
import array
import hashlib
import os
import pathlib
import struct
import sys
import time

STEPS = {
    "median 3^3": ["map", "--steps", "median:1"],
    "erosion 7^3": ["map", "--steps", "erode:3"],
    "Gaussian sigma 2": ["map", "--steps", "gaussian:2"],
    "resample, turned": ["resample", "--shape", "512x512x{slices}", "--transform", "{transform}"],
    "distance": ["distance", "{mask}"],
}
# Turned by some degrees about all axes, around the middle of the slices.
TRANSFORM = "0.998 0.05 0.004 -12\n-0.05 0.998 0.002 13\n-0.004 -0.002 0.99999 1.5\n0 0 0 1\n"


def header(slices, datatype):
    """NIfTI-1 of int16 (4) or uint16 (512), 0.7 mm: so that the squares of a long body fit 32 bits, as those of real ones do."""
    raw = bytearray(352)
    struct.pack_into("<i", raw, 0, 348)
    struct.pack_into("<8h", raw, 40, 3, 512, 512, slices, 1, 1, 1, 1)
    struct.pack_into("<2h", raw, 70, datatype, 16)
    struct.pack_into("<8f", raw, 76, 1, 0.7, 0.7, 0.7, 1, 1, 1, 1)
    struct.pack_into("<f", raw, 108, 352)
    raw[123] = 2
    # A diagonal matrix, so that positions are known.
    struct.pack_into("<2h", raw, 252, 0, 1)
    for row, mm in enumerate((0.7, 0.7, 0.7)):
        values = [0.0] * 4
        values[row] = mm
        struct.pack_into("<4f", raw, 280 + 16 * row, *values)
    raw[344:348] = b"n+1\0"
    return bytes(raw)


def make(program, folder, slices, mask):
    """The demo's phantom, again and again; of the mask all that is no air."""
    part = folder / "part.nii"
    run([program, "convert", folder / "demo" / "dicom", "-o", part, "--force", "--quiet"])
    path, size = folder / ("mask.nii" if mask else "image.nii"), 512 * 512 * 2
    # Little at a time: what this process holds counts for its children until they begin.
    with open(part, "rb") as read, open(folder / "few.raw", "w+b") as few, open(path, "wb") as file:
        read.seek(352)
        while plane := read.read(size):
            few.write(array.array("H", (v > 0 for v in memoryview(plane).cast("h"))).tobytes() if mask else plane)
        each = few.tell() // size
        file.write(header(slices, 512 if mask else 4))
        for z in range(slices):
            few.seek(z % each * size)
            file.write(few.read(size))
    return path


def run(line):
    """Seconds and the largest resident MiB of a process."""
    start = time.perf_counter()
    pid = os.posix_spawn(str(line[0]), list(map(str, line)), os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)])
    _, status, usage = os.wait4(pid, 0)
    assert status == 0, line
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--slices", type=int, default=16384)
    parser.add_argument("--memory", type=int, default=256)
    parser.add_argument("--only", default="")
    parser.add_argument("--once", action="store_true", help="with the budget alone")
    options = parser.parse_args()
    folder, slices = options.folder, options.slices
    folder.mkdir(exist_ok=True)
    run([options.program, "demo", folder / "demo", "--slices", 32, "--force", "--quiet"])
    (folder / "turn.txt").write_text(TRANSFORM)
    print(f"| {slices} slices of 512 x 512, --memory | " + "seconds | resident MiB | same bytes |\n|---|---|---|---|")
    made = None
    for name, line in STEPS.items():
        if options.only not in name:
            continue
        mask = name == "distance"
        path = folder / ("mask.nii" if mask else "image.nii")
        if made != path:
            if made:
                made.unlink()
            made = make(options.program, folder, slices, mask)
        out, digests = folder / "out.nii", []
        for memory in (options.memory, 16 * options.memory)[: 1 if options.once else 2]:
            given = [word.format(slices=slices, transform=folder / "turn.txt", mask=path) for word in line]
            if not mask:
                given.insert(1, path)
            seconds, resident = run([options.program, *given, "-o", out, "--memory", memory, "--device", "cpu", "--force", "--quiet"])
            digests.append(digest(out))
            out.unlink()
            same = "" if len(digests) == 1 else "yes" if digests[0] == digests[1] else "NO"
            print(f"| {name}, {memory} MiB | {seconds:.1f} | {resident:.0f} | {same} |", flush=True)
    made.unlink()


if __name__ == "__main__":
    sys.exit(main())
