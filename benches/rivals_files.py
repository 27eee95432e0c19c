"""Lets the program, others' scripts and a plain copy take turns from file to file. Run it through benches/rivals_files.

Every side is a process of its own, from start to flushed output; in a turn all sides of a job run one after the other, so that a busy
machine slows all. A ratio is the median over the turns of (rival's time / our time). Inputs are in the page cache: each is read,
uncounted, right before its turn. Outputs are deleted and the disk is idle (`sync`) before each. For Python the table also says what
is left when starting Python and importing packages are not counted. Before anything is timed, outputs are compared.
"""

import argparse
import datetime
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import time

import nibabel
import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
RESULTS = HERE / "RESULTS.md"
BEGIN, END = "<!-- rivals_files: begin -->", "<!-- rivals_files: end -->"
OURS = str(ROOT / "target/release/hounsfield")
SCRIPTS = str(HERE / "rival_scripts.py")


def run(command):
    """Seconds and peak resident MiB of one process."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    peak = 0
    # The peak that wait4 tells includes this process's own before exec, so it is read from /proc while the other runs.
    while process.poll() is None:
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        peak = max([peak, *(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))])
        time.sleep(0.003)
    seconds = time.perf_counter() - start
    if process.returncode != 0:
        sys.exit(f"{command} failed")
    return seconds, peak / 1024


def read(path):
    """Brings a file or folder into the page cache."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    for file in files:
        with open(file, "rb", buffering=0) as stream:
            while stream.read(1 << 24):
                pass


def script(name, source, out):
    return [sys.executable, SCRIPTS, name, str(source), str(out)]


def cp_sync(source, out):
    return ["sh", "-c", 'cp "$0" "$1" && sync "$1"', str(source), str(out)]


def equalize(source, out):
    return [OURS, "equalize", str(source), "-o", str(out), "--quiet"]


def convert(source, out):
    return [OURS, "convert", str(source), "-o", str(out), "--quiet"]


def voxels(path):
    return np.asarray(nibabel.load(path).dataobj)


def same_voxels(ours, theirs):
    assert np.array_equal(voxels(ours), voxels(theirs)), "the outputs differ"


def close_voxels(ours, theirs):
    """scikit-image interpolates its cumulative curve, so it differs by what one bin holds."""
    a, b = voxels(ours).astype(np.float64), voxels(theirs).astype(np.float64)
    assert np.corrcoef(a[::64].ravel(), b[::64].ravel())[0, 1] > 0.999, "the outputs differ"


def nothing(*_):
    pass


# Name of the job, input, extension of outputs, our command, the rivals: (name, command or script, target ratio, comparison of outputs).
def jobs(files):
    return {
        "copy": ("equalise .nii to .nii", files / "ct.nii", ".nii", equalize, [("cp and sync", cp_sync, 1 / 1.5, nothing)]),
        "opencv": (
            "equalise .nii to .nii",
            files / "ct.nii",
            ".nii",
            equalize,
            [
                ("OpenCV + numpy + nibabel", "opencv_equalize", 8, same_voxels),
                ("the same, tuned by hand", "opencv_equalize_tuned", None, same_voxels),
                ("scikit-image + nibabel", "skimage_equalize", 60, close_voxels),
            ],
        ),
        "gzip": (
            "equalise .nii.gz to .nii.gz",
            files / "ct.nii.gz",
            ".nii.gz",
            equalize,
            [("numpy + nibabel", "numpy_equalize", 3, same_voxels)],
        ),
        "dicom": (
            "300 DICOM slices to .nii",
            files / "series",
            ".nii",
            convert,
            [("SimpleITK", "simpleitk_series", 2, same_voxels), ("pydicom + nibabel", "pydicom_series", 10, same_voxels)],
        ),
    }


def make_inputs(files, slices):
    """A chest phantom as DICOM and NIfTI. Above 400 slices the same 400 follow each other again."""
    made = min(slices, 400)
    subprocess.run([OURS, "demo", str(files / "demo"), "--slices", str(made), "--quiet"], check=True, stdout=subprocess.DEVNULL)
    series = max((f for f in (files / "demo").iterdir() if f.is_dir()), key=lambda f: len(list(f.iterdir())))
    subprocess.run(convert(series, files / "stored.nii"), check=True)
    # Plain int16 without a rescale, as converters write CT.
    stored = nibabel.load(files / "stored.nii")
    hounsfield = nibabel.Nifti1Image(np.asarray(stored.dataobj).astype(np.int16), stored.affine)
    for name in ["ct.nii", "ct.nii.gz"]:
        nibabel.save(hounsfield, files / name)
    (files / "stored.nii").unlink()
    for index, file in enumerate(sorted(series.iterdir())):
        if index >= 300:
            file.unlink()
    series.rename(files / "series")
    shutil.rmtree(files / "demo")
    if slices > made:
        once = nibabel.load(files / "ct.nii")
        header = once.header.copy()
        header.set_data_shape((512, 512, slices))
        plane = np.asarray(once.dataobj).ravel(order="F")
        with open(files / "long.nii", "wb") as out:
            header.write_to(out)
            out.write(b"\0" * (int(header["vox_offset"]) - out.tell()))
            for first in range(0, slices, made):
                out.write(plane[: 512 * 512 * min(made, slices - first)].tobytes())
        (files / "long.nii").rename(files / "ct.nii")


def compare(name, source, extension, ours, rivals, files, args):
    out = files / f"out{extension}"

    def turn(command):
        out.unlink(missing_ok=True)
        os.sync()
        read(source)
        return run(command)

    sides = [(rival, script(how, source, out) if isinstance(how, str) else how(source, out), target, check) for rival, how, target, check in rivals]
    if not args.unchecked:
        run(ours(source, files / f"ours{extension}"))
        for _, command, _, check in sides:
            turn(command)
            check(files / f"ours{extension}", out)
        (files / f"ours{extension}").unlink()
    started = [run([sys.executable, "-c", "import nibabel, numpy, cv2"])[0] for _ in range(3)]
    mine, theirs = [], [[] for _ in sides]
    # The first turn warms caches.
    for index in range(args.turns + 1):
        row = [turn(ours(source, out))] + [turn(command) for _, command, _, _ in sides]
        if index > 0:
            mine.append(row[0])
            for column, figure in zip(theirs, row[1:]):
                column.append(figure)
    lines = []
    for (rival, command, target, _), column in zip(sides, theirs):
        ratios = sorted(t[0] / m[0] for t, m in zip(column, mine))
        ratio = statistics.median(ratios)
        median = statistics.median(t[0] for t in column)
        without = ""
        if SCRIPTS in command:
            without = f"{statistics.median(t[0] - min(started) for t in column) / statistics.median(m[0] for m in mine):.1f}"
        verdict = "" if target is None else f"{target:.2f} {'held' if ratio >= target else 'MISSED'}"
        lines.append(
            f"| {name} | {rival} | {median:.2f} | {statistics.median(m[0] for m in mine):.2f} | {ratio:.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}) | "
            f"{without} | {max(t[1] for t in column):.0f} | {max(m[1] for m in mine):.1f} | {verdict} |"
        )
        print(lines[-1], file=sys.stderr)
    out.unlink()
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slices", type=int, default=400)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--only", default="copy,opencv,gzip,dicom", help="jobs, with commas")
    parser.add_argument("--unchecked", action="store_true", help="skip the comparison of outputs")
    parser.add_argument("--write", action="store_true", help="put the table into benches/RESULTS.md")
    args = parser.parse_args()
    files = ROOT / "target/rivals_files"
    shutil.rmtree(files, ignore_errors=True)
    files.mkdir(parents=True)
    try:
        make_inputs(files, args.slices)
        lines = []
        for key, (name, source, extension, ours, rivals) in jobs(files).items():
            if key in args.only.split(","):
                lines += compare(name, source, extension, ours, rivals, files, args)
    finally:
        shutil.rmtree(files)
    text = report(lines, args)
    print(text)
    if args.write:
        old = RESULTS.read_text()
        before, rest = old.split(BEGIN)
        RESULTS.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}")


def report(lines, args):
    cpu = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), platform.processor())
    import cv2, pydicom, skimage, SimpleITK

    return "\n".join(
        [
            f"{datetime.date.today()}, {cpu}, {os.cpu_count()} cores, {platform.system()} {platform.release()}; Python {platform.python_version()}, "
            f"numpy {np.__version__}, nibabel {nibabel.__version__}, OpenCV {cv2.__version__}, scikit-image {skimage.__version__}, "
            f"SimpleITK {SimpleITK.Version_VersionString()}, pydicom {pydicom.__version__}.",
            "",
            f"512 x 512 x {args.slices} int16, {args.turns} turns, whole processes from start to flushed output, medians in seconds; the ratio is the median "
            "(least to most) of rival / ours, turn by turn.",
            "",
            "| job | rival | rival s | ours s | ratio | without starting Python | rival's peak MiB | our peak MiB | target |",
            "|---|---|---:|---:|---:|---:|---:|---:|---|",
            *lines,
        ]
    )


if __name__ == "__main__":
    main()
