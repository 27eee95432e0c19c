"""Lets rivals and this crate take turns at work that is more than a pass over single voxels, on int16 volumes and masks in memory.

    python benches/rivals_neighbours.py <side_by_side> [--turns N] [--only TEXT]

<side_by_side> is the built bench (`cargo bench --bench side_by_side --no-run` names it). Needs scipy, SimpleITK, scikit-image, opencv-python-headless, edt, fastmorph, fill_voids, connected-components-3d.
Every turn times the rival once and ours once, one right after the other; a ratio is the median over the turns of (rival's time / our time). User and system CPU seconds of both sides stand
beside, the better guide on a busy machine. Each side allocates its result. Before anything is timed results are compared, bit for bit, where the rival computes the same; of the others the
scripts in tests/oracles say how near they are.
"""

import argparse
import contextlib
import dataclasses
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from typing import Callable

import cc3d
import cv2
import edt
import fastmorph
import fill_voids
import numpy as np
import scipy.ndimage as ndi
import SimpleITK as sitk
import skimage.filters.rank

from rivals import Ours

# Rivals that take longer get few turns, and such that take less many.
SLOW_S, QUICK_S = 3.0, 0.05
# How often ours is run for each turn of a rival, in a tenth of its time.
MOST_ASKED = 10
WEIGHTS = (25, 7, 7)
# As benches/side_by_side.rs has it.
TURN = np.array([[0.93, 0.28, 0.04], [-0.27, 0.92, 0.02], [0.01, -0.05, 0.98]])


@dataclasses.dataclass
class Row:
    work: str
    volume: str
    ours: str
    rival: str
    theirs: Callable
    bar: float | None = None  # the ratio that is asked for
    prepare: Callable = lambda voxels: voxels
    same: Callable | None = None  # makes of the rival's result what ours must be


def image(voxels):
    return sitk.GetImageFromArray(voxels)


def turned(interpolator):
    def run(given):
        centre = (np.array(given.GetSize()) - 1) / 2
        transform = sitk.AffineTransform(TURN.ravel().tolist(), (centre - TURN @ centre).tolist())
        return sitk.Resample(given, given, transform, interpolator, -1000.0, sitk.sitkInt16)

    return run


def clahe(voxels):
    tiles = cv2.createCLAHE(40.0, (8, 8))
    return [tiles.apply(plane) for plane in voxels]


def as_uint16(voxels):
    return voxels.view(np.uint16) ^ 0x8000


def from_zero(voxels):
    """As skimage.rank has it fastest: as few bins as there can be."""
    return (voxels - int(voxels.min())).astype(np.uint16)


def skimage_median(reach):
    return lambda voxels: skimage.filters.rank.median(voxels, np.ones((2 * reach + 1,) * 3, np.uint8))


def scipy_median(reach):
    return lambda voxels: ndi.median_filter(voxels, 2 * reach + 1, mode="nearest")


def sitk_median(reach):
    return lambda given: sitk.Median(given, (reach,) * 3)


def ball(reach):
    axes = np.ogrid[(slice(-reach, reach + 1),) * 3]
    return sum(axis**2 for axis in axes) <= reach**2


def tissue(voxels):
    return (voxels > -300).astype(np.uint8)


def mask(voxels):
    return voxels.astype(np.uint8)


def itself(found):
    return found


def labels(found):
    return found.astype(np.uint32)


def narrowest(found):
    return found.astype(np.min_scalar_type(found.max()))


def medians():
    yield Row("median 3^3", "chest", "steps:median:1", "SciPy", scipy_median(1), 60, same=itself)
    yield Row("median 3^3", "chest", "steps:median:1", "SimpleITK", sitk_median(1), 60, image, sitk.GetArrayViewFromImage)
    for reach in (2, 3):
        size = f"median {2 * reach + 1}^3"
        yield Row(size, "cube 128", f"steps:median:{reach}", "SciPy", scipy_median(reach), 15, same=itself)
        yield Row(size, "cube 128", f"steps:median:{reach}", "SimpleITK", sitk_median(reach), 15, image, sitk.GetArrayViewFromImage)
        yield Row(size, "cube 128", f"steps:median:{reach}", "skimage.rank", skimage_median(reach), 8, from_zero)
    yield Row("median 11^3", "cube 128", "steps:median:5", "skimage.rank", skimage_median(5), 4, from_zero)


ROWS = [
    *medians(),
    Row("squared distance 7:7:25", "chest", "distance", "edt, 2 threads", lambda m: edt.edtsq(m, anisotropy=WEIGHTS, black_border=False, parallel=2), 3.5, tissue, labels),
    Row("squared distance 7:7:25", "chest", "distance", "SciPy", lambda m: ndi.distance_transform_edt(m, sampling=WEIGHTS), 30, tissue, lambda d: np.rint(d**2).astype(np.uint32)),
    Row("Gaussian sigma 2", "chest", "steps:gaussian:2", "SciPy", lambda v: ndi.gaussian_filter(v, 2, mode="nearest"), 5),
    Row("mean 5^3", "chest", "steps:mean:2", "SciPy", lambda v: ndi.uniform_filter(v, 5, mode="nearest"), 5),
    Row("gradient magnitude", "chest", "steps:gradmag", "SimpleITK", sitk.GradientMagnitude, None, image),
    Row("erode box r 3, grey", "chest", "steps:erode:3", "SciPy grey", lambda v: ndi.grey_erosion(v, 7, mode="nearest"), 20, same=itself),
    Row("erode ball r 3, grey", "cube 128", "steps:erode:3:ball", "SciPy grey", lambda v: ndi.grey_erosion(v, footprint=ball(3), mode="nearest"), 20, same=itself),
    Row("erode box r 3, mask", "tissue", "mask-steps:erode:3", "SciPy grey", lambda m: ndi.grey_erosion(m, 7, mode="nearest"), 20, mask, itself),
    Row("erode ball r 3, mask", "tissue", "mask-steps:erode:3:ball", "fastmorph, 2 threads", lambda m: fastmorph.spherical_erode(m, 3, parallel=2), 8, lambda m: m.astype(bool)),
    Row("erode ball r 20, mask", "tissue", "mask-steps:erode:20:ball", "fastmorph, 2 threads", lambda m: fastmorph.spherical_erode(m, 20, parallel=2), None, lambda m: m.astype(bool)),
    Row("fill holes", "tissue", "fill", "fill_voids", fill_voids.fill, 4, mask, lambda f: f.astype(np.uint8)),
    # fill_voids 2.1.2 fills a few voxels of noise that SciPy leaves.
    Row("fill holes", "noise", "fill", "fill_voids", fill_voids.fill, 4, mask),
    Row("fill holes", "noise", "fill", "SciPy", ndi.binary_fill_holes, None, mask, lambda f: f.astype(np.uint8)),
    *(
        Row("components 26", name, "components26", "cc3d", lambda m: cc3d.connected_components(m, connectivity=26, binary_image=True), asked, mask, narrowest)
        for name, asked in (("tissue", 2.5), ("bone", 2.5), ("blobs", 1.2), ("noise", 1.0))
    ),
    *(
        Row("components 6", name, "components6", "cc3d", lambda m: cc3d.connected_components(m, connectivity=6, binary_image=True), None, mask, narrowest)
        for name in ("tissue", "bone", "blobs", "noise")
    ),
    Row("CLAHE 16 bit, slices, 8 x 8 tiles", "chest", "clahe16", "OpenCV", clahe, 10, as_uint16),
    Row("resample, turned, linear", "chest", "turned-linear", "SimpleITK", turned(sitk.sitkLinear), 4, image),
    Row("resample, turned, nearest", "chest", "turned-nearest", "SimpleITK", turned(sitk.sitkNearestNeighbor), None, image),
    Row("MIP along z", "chest", "max2", "numpy max", lambda v: v.max(0), 0.8, same=itself),
    Row("MIP along y", "chest", "max1", "numpy max", lambda v: v.max(1), 0.8, same=itself),
    Row("MIP along x", "chest", "max0", "numpy max", lambda v: v.max(2), 0.8, same=itself),
]


def volumes(program, folder):
    """The chest phantom, every other voxel of its rows and columns; masks of it and made ones."""
    file = pathlib.Path(folder, "made.raw")
    subprocess.run([program, "make", "256", file], check=True)
    chest = np.ascontiguousarray(np.fromfile(file, np.int16).reshape(256, 512, 512)[:, ::2, ::2])
    file.unlink()
    random = np.random.default_rng(5)
    blobs = ndi.gaussian_filter(random.normal(size=chest.shape).astype(np.float32), 3)
    return {
        "chest": chest,
        "cube 128": np.ascontiguousarray(chest[64:192, 64:192, 64:192]),
        "tissue": tissue(chest).astype(np.int16),
        "bone": (chest > 200).astype(np.int16),
        "blobs": (blobs > np.quantile(blobs[::8], 0.63)).astype(np.int16),
        "noise": (random.random(chest.shape) < 0.31).astype(np.int16),
    }


def cpu_of(pid):
    """Seconds of all threads, living ones; the pool's do not end."""
    tasks = pathlib.Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def own_cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def measure(row, voxels, ours, turns):
    given = row.prepare(voxels)
    start = time.perf_counter()
    found = row.theirs(given)
    took = time.perf_counter() - start
    if row.same:
        want = zlib.crc32(np.ascontiguousarray(row.same(found)).tobytes())
        assert ours.ask(row.ours + " check")[1] == want, f"{row.work} differs from {row.rival}"
    else:
        ours.ask(row.ours)
    del found
    rows = []
    for _ in range(min(turns, 3) if took > SLOW_S else 5 * turns if took < QUICK_S else turns):
        start, cpu = time.perf_counter(), own_cpu()
        row.theirs(given)
        wall, theirs = time.perf_counter() - start, own_cpu() - cpu
        before = cpu_of(ours.process.pid)
        asked = [ours.ask(row.ours)[0]]
        # What takes seconds is a mean over all that a shared machine does in them; what takes milliseconds becomes one.
        while sum(asked) < wall / 10 and len(asked) < MOST_ASKED:
            asked.append(ours.ask(row.ours)[0])
        rows.append((wall, theirs, statistics.mean(asked), (cpu_of(ours.process.pid) - before) / len(asked)))
    ratio = statistics.median(wall / seconds for wall, _, seconds, _ in rows)
    wall, theirs, seconds, cpu = (1e3 * statistics.median(column) for column in zip(*rows))
    bar = "" if row.bar is None else f"{row.bar:g}"
    equal = "equal" if row.same else ""
    print(f"| {row.work} | {row.volume} | {row.rival} | **{ratio:.2f}** | {bar} | {theirs / cpu:.2f} | {wall:.1f}, {theirs:.1f} | {seconds:.1f}, {cpu:.1f} | {equal} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--only", default="", help="rows whose work or rival holds this text")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        made, served = volumes(options.program, folder), {}
        print("| work | volume | rival | rival / ours, walls | asked | CPU | rival: wall, CPU ms | ours: wall, CPU ms | results |\n|---|---|---|---|---|---|---|---|---|")
        for row in ROWS:
            if options.only not in f"{row.work} {row.rival}":
                continue
            if row.volume not in served:
                voxels = made[row.volume]
                file = pathlib.Path(folder, f"{row.volume.replace(' ', '')}.raw")
                voxels.tofile(file)
                served[row.volume] = stack.enter_context(Ours(options.program, "x".join(map(str, voxels.shape[::-1])), file))
            measure(row, made[row.volume], served[row.volume], options.turns)


if __name__ == "__main__":
    sys.exit(main())
