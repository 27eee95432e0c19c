"""Compares `hounsfield resample`, `crop`, `pad` and `reorient` with SimpleITK, nibabel, scipy and fslpy.

    python check_resample.py <hounsfield> <data>

<hounsfield> is the program, <data> the folder of test data. Needs numpy, scipy, nibabel, SimpleITK and fslpy. Images are written as .nrrd or .mha where their geometry is compared, for
these keep all digits: NIfTI has 32 bits.

Linear interpolation of 8- and 16-bit integers must lie within its stated bound of SimpleITK's in float64, nearest must be SimpleITK's, labels those of a vote in float64 except at ties,
geometry to 1e-6 mm, and what is only moved nibabel's bit for bit.
"""

import itertools
import json
import pathlib
import subprocess
import sys
import tempfile

import nibabel
import nibabel.processing
import numpy as np
import scipy.ndimage
import SimpleITK as sitk
from fsl.data.image import Image as FslImage
from fsl.transform import flirt

program, data = sys.argv[1], pathlib.Path(sys.argv[2])
folder = pathlib.Path(tempfile.mkdtemp())
rng = np.random.default_rng(1)
wrong = checked = 0

CT = data / "volumes/totalsegmentator/example_ct_sm.nii.gz"
T1 = data / "volumes/brainweb_mritc/brainweb_t1.nii.gz"
MNI = data / "volumes/mni152_2mm_fast/MNI152_T1_2mm.nii.gz"
CINE = data / "volumes/cine_sunnybrook/SCD2001_cine4d.nii.gz"
ANATOMICAL = data / "volumes/formats_nibabel/anatomical.nii"


def run(command, *words):
    line = [program, command, *words, "--json", "--force", "--quiet"]
    done = subprocess.run(list(map(str, line)), capture_output=True)
    if done.returncode:
        sys.exit(f"{line}: {done.stderr.decode()}")
    return json.loads(done.stdout)


def check(what, good, said=""):
    global wrong, checked
    checked += 1
    wrong += not good
    if not good:
        print(f"WRONG {what}: {said}")


def same_place(what, got, want):
    own = lambda i: np.array([*i.GetOrigin(), *i.GetSpacing(), *i.GetDirection()])
    off = np.abs(own(got) - own(want)).max() if got.GetSize() == want.GetSize() else np.inf
    check(f"{what}: grid", off <= 1e-6, f"{got.GetSize()} {want.GetSize()} {off}")


def linear_bound(image):
    """Half a level, roundings between axes, and 1/131,072 of the largest difference of neighbours along each axis."""
    a = sitk.GetArrayFromImage(image).astype(float)
    return 0.5 + 3 / 32 + sum(np.abs(np.diff(a, axis=axis)).max(initial=0) for axis in range(3)) / 131072 + 1e-3


def halfway(image, reference, transform):
    """Where a centre of the target lies halfway between voxels of the image, along any axis."""
    to_mm = lambda i: (np.array(i.GetDirection()).reshape(3, 3) * i.GetSpacing(), np.array(i.GetOrigin()))
    (a, b), (c, d) = to_mm(reference), to_mm(image)
    if transform:
        t = np.array([transform.TransformPoint(p) for p in np.vstack([np.zeros(3), np.eye(3)]).tolist()])
        m = (t[1:] - t[0]).T
        a, b = m @ a, m @ b + t[0]
    a, b = np.linalg.solve(c, a), np.linalg.solve(c, b - d)
    at = np.moveaxis(np.indices(reference.GetSize()), 0, -1) @ a.T + b
    return (np.abs(at + 0.5 - np.round(at + 0.5)) < 1e-4).any(-1).transpose(2, 1, 0)


def compare(what, image, out, reference, transform=None, method="linear", fill=0.0):
    """`out` against SimpleITK's resampling of `image` onto the grid of `reference`."""
    got = sitk.ReadImage(str(out))
    same_place(what, got, reference)
    linear = method == "linear"
    want = sitk.Resample(image, reference, transform or sitk.Transform(), sitk.sitkLinear if linear else sitk.sitkNearestNeighbor,
                         fill, sitk.sitkFloat64)
    off = np.abs(sitk.GetArrayFromImage(got).astype(float) - sitk.GetArrayFromImage(want))
    if not linear:
        # Halfway between voxels ITK's noise decides.
        off[halfway(image, reference, transform)] = 0
    bound = linear_bound(image) if linear else 0
    # At the very border each says inside or outside by a rounding of its own.
    beyond = (off > bound).mean()
    check(f"{what}: {method}", beyond <= (2e-5 if linear else 1e-4), f"{beyond:.2e} beyond {bound:.3f}, {off.max()}")
    print(f"{what} {method}: largest {off.max():.3f}, mean {off.mean():.4f}, bound {bound:.3f}, beyond {beyond:.1e}")


def grid(size, spacing, origin, direction=np.eye(3)):
    image = sitk.Image([int(n) for n in size], sitk.sitkUInt8)
    image.SetSpacing([float(v) for v in spacing])
    image.SetOrigin([float(v) for v in origin])
    image.SetDirection(np.asarray(direction, float).ravel().tolist())
    return image


def turned(x, y, z):
    euler = sitk.Euler3DTransform()
    euler.SetRotation(x, y, z)
    return np.array(euler.GetMatrix()).reshape(3, 3)


def save(image, name):
    path = folder / name
    sitk.WriteImage(image, str(path))
    return path


# --- other spacings, other shapes, references ------------------------------------------------------------------------------------------
for path in (CT, T1, MNI, ANATOMICAL):
    image = sitk.ReadImage(str(path))
    if image.GetPixelID() in (sitk.sitkFloat64, sitk.sitkFloat32):
        image = sitk.Cast(image, sitk.sitkInt16)
    source = save(image, "source.nrrd")
    out = folder / "out.nrrd"
    for spacing in ([1.5, 1.5, 1.5], [1.2, 0.9, 3.1], [4.0, 4.0, 4.0]):
        view = [n * s for n, s in zip(image.GetSize(), image.GetSpacing())]
        size = [int(np.ceil(v / s - 1e-3)) for v, s in zip(view, spacing)]
        first = [((n - 1) * a - (m - 1) * b) / 2 for n, a, m, b in zip(image.GetSize(), image.GetSpacing(), size, spacing)]
        direction = np.array(image.GetDirection()).reshape(3, 3)
        reference = grid(size, spacing, np.array(image.GetOrigin()) + direction @ first, direction)
        for method in ("linear", "nearest"):
            run("resample", source, "-o", out, "--spacing", "x".join(map(str, spacing)), "--method", method, "--fill", 0)
            compare(f"{path.name} {spacing}", image, out, reference, method=method)
    centre = np.array(image.TransformContinuousIndexToPhysicalPoint([(n - 1) / 2 for n in image.GetSize()]))
    direction = turned(0.3, -0.2, 0.5) @ np.array(image.GetDirection()).reshape(3, 3)
    size, spacing = np.array([90, 100, 80]), np.array([1.3, 1.7, 2.1])
    reference = grid(size, spacing, centre - direction @ ((size - 1) / 2 * spacing), direction)
    like = save(reference, "like.nrrd")
    for method in ("linear", "nearest"):
        for more in ([], ["--memory", 4], ["--device", "gpu", "--memory", 16]):
            run("resample", source, "-o", out, "--like", like, "--method", method, "--fill", 0, *more)
            compare(f"{path.name} turned {more}", image, out, reference, method=method)
    # --align first and --shape.
    own = np.array(image.GetSpacing())
    size = [int(np.ceil(n * s / 2 - 1e-3)) for n, s in zip(image.GetSize(), own)]
    run("resample", source, "-o", out, "--spacing", 2, "--align", "first", "--fill", 0)
    compare(f"{path.name} first", image, out, grid(size, [2] * 3, image.GetOrigin(), np.array(image.GetDirection()).reshape(3, 3)))
    size = [40, 50, 60]
    own = np.array(image.GetSpacing()) * image.GetSize() / size
    first = np.array(image.GetDirection()).reshape(3, 3) @ ((own - image.GetSpacing()) / 2)
    run("resample", source, "-o", out, "--shape", "40x50x60", "--fill", 0)
    compare(f"{path.name} shape", image, out, grid(size, own, np.array(image.GetOrigin()) + first, np.array(image.GetDirection()).reshape(3, 3)))

# --- transforms of ITK ------------------------------------------------------------------------------------------------------------------
image = sitk.Cast(sitk.ReadImage(str(MNI)), sitk.sitkInt16)
source, out = save(image, "source.nrrd"), folder / "out.nrrd"
centre = [3.0, -20.0, 11.0]
euler = sitk.Euler3DTransform(centre, 0.2, -0.35, 0.1, (4.0, -3.0, 2.0))
zyx = sitk.Euler3DTransform(centre, 0.2, -0.35, 0.1, (4.0, -3.0, 2.0))
zyx.SetComputeZYX(True)
affine = sitk.AffineTransform((turned(0.1, 0.2, -0.3) * [1.1, 0.9, 1.2]).ravel().tolist(), [1.0, 2.0, -5.0], centre)
versor_of = lambda x, y, z: (x, y, z, float(np.sqrt(1 - x * x - y * y - z * z)))
versor = sitk.VersorRigid3DTransform(versor_of(0.1, 0.2, 0.3), (5.0, 4.0, 3.0), centre)
similarity = sitk.Similarity3DTransform(1.15, versor_of(0.1, -0.2, 0.15), (5.0, 4.0, 3.0), centre)
translation = sitk.TranslationTransform(3, (5.5, -4.25, 3.0))
composite = sitk.CompositeTransform([euler, affine, translation])
for name, transform in dict(euler=euler, zyx=zyx, affine=affine, versor=versor, similarity=similarity, translation=translation,
                            composite=composite).items():
    for ending in ("tfm", "txt"):
        sitk.WriteTransform(transform, str(folder / f"t.{ending}"))
        run("resample", source, "-o", out, "--transform", folder / f"t.{ending}", "--fill", 0)
        compare(f"{name}.{ending}", image, out, image, transform)
ras = np.diag([-1, -1, 1, 1.0])
matrix = np.eye(4)
matrix[:3, :3] = np.array(affine.GetMatrix()).reshape(3, 3)
matrix[:3, 3] = affine.TransformPoint([0, 0, 0])
np.savetxt(folder / "t4.txt", ras @ matrix @ ras)
run("resample", source, "-o", out, "--transform", folder / "t4.txt", "--fill", 0)
compare("4 x 4", image, out, image, affine)

# --- FLIRT's matrices, by fslpy: source to reference in their scaled voxels -------------------------------------------------------------
flipped = np.diag([-1, 1, 1, 1.0])
for a, b in itertools.product((False, True), repeat=2):
    # Both handednesses of both: the same voxels, mirrored along x with their affine.
    def hand(path, other, name):
        own = nibabel.load(path)
        voxels, to_mm = np.asarray(own.dataobj), own.affine
        if other:
            move = np.diag([-1, 1, 1, 1.0])
            move[0, 3] = voxels.shape[0] - 1
            voxels, to_mm = voxels[::-1], to_mm @ move
        nibabel.save(nibabel.Nifti1Image(voxels.astype(np.int16), to_mm), folder / name)
        return folder / name

    moving, fixed = hand(MNI, a, "moving.nii"), hand(T1, b, "fixed.nii")
    m = np.eye(4)
    m[:3, :3] = turned(0.1, -0.15, 0.2) * [1.05, 0.95, 1.0]
    m[:3, 3] = [4, -6, 9]
    np.savetxt(folder / "flirt.mat", m)
    world = flirt.fromFlirt(m, FslImage(str(moving)), FslImage(str(fixed)), from_="world", to="world")
    pull = ras @ np.linalg.inv(world) @ ras
    transform = sitk.AffineTransform(pull[:3, :3].ravel().tolist(), pull[:3, 3].tolist())
    run("resample", moving, "-o", folder / "out.nii", "--like", fixed, "--transform", folder / "flirt.mat", "--fill", 0)
    compare(f"FLIRT {a} {b}", sitk.ReadImage(str(moving)), folder / "out.nii", sitk.ReadImage(str(fixed)), transform)

# --- nibabel: resample_from_to and as_closest_canonical ---------------------------------------------------------------------------------
for path in (MNI, T1, CT):
    own, other = nibabel.load(path), nibabel.load(MNI if path != MNI else T1)
    nibabel.save(nibabel.Nifti1Image(np.asarray(own.dataobj, np.float32), own.affine), folder / "float.nii")
    nibabel.save(nibabel.Nifti1Image(np.zeros(other.shape, np.uint8), other.affine), folder / "like.nii")
    try:
        run("resample", folder / "float.nii", "-o", folder / "out.nii", "--like", folder / "like.nii", "--fill", 0)
    except SystemExit as refused:
        print(f"{path.name} onto another patient's grid: {str(refused)[-160:].strip()}")
        continue
    want = nibabel.processing.resample_from_to(nibabel.load(folder / "float.nii"), other, order=1, mode="constant", cval=0)
    got = nibabel.load(folder / "out.nii")
    # SciPy's constant goes to 0 between the outermost centres and the border: compare where all eight voxels exist.
    at = nibabel.affines.apply_affine(np.linalg.inv(own.affine) @ other.affine, np.moveaxis(np.indices(other.shape), 0, -1))
    inner = ((at >= 0) & (at <= np.array(own.shape) - 1)).all(-1)
    off = np.abs(got.get_fdata() - want.get_fdata())[inner].max(initial=0)
    scale = np.abs(want.get_fdata()).max()
    check(f"nibabel {path.name}", off <= 2e-5 * scale and np.abs(got.affine - other.affine).max() < 1e-5, f"{off} of {scale}")
    print(f"nibabel resample_from_to {path.name}: largest {off:.2e} of {scale:.0f}, {inner.mean():.1%} of the voxels")

for path in (MNI, T1, CT, CINE, ANATOMICAL):
    own = nibabel.load(path)
    stored = np.asarray(own.dataobj.get_unscaled())
    for code in ("RAS", "LPS", "SPL", "AIR"):
        out = folder / "out.nii"
        run("reorient", path, "-o", out, "--to", code)
        got = nibabel.load(out)
        turn = nibabel.orientations.ornt_transform(nibabel.io_orientation(own.affine), nibabel.orientations.axcodes2ornt(code))
        want = nibabel.orientations.apply_orientation(stored, turn)
        affine = own.affine @ nibabel.orientations.inv_ornt_aff(turn, own.shape[:3])
        exact = np.array_equal(np.asarray(got.dataobj.get_unscaled()), want)
        check(f"{path.name} {code}", exact and np.abs(got.affine - affine).max() < 1e-4, f"{exact} {np.abs(got.affine - affine).max()}")
        if code == "RAS":
            canonical = nibabel.as_closest_canonical(own)
            check(f"{path.name} canonical", np.array_equal(canonical.get_fdata(), got.get_fdata()))

# --- crop and pad ------------------------------------------------------------------------------------------------------------------------
for path in (CT, T1, ANATOMICAL):
    image = sitk.ReadImage(str(path))
    nx, ny, nz = image.GetSize()
    source, out = save(image, "source.nrrd"), folder / "out.nrrd"
    image = sitk.ReadImage(str(source))
    run("crop", source, "-o", out, "--box", f"3:{nx - 2},5:17,1:{nz}")
    got, want = sitk.ReadImage(str(out)), image[3 : nx - 2, 5:17, 1:nz]
    same_place(f"crop {path.name}", got, want)
    check(f"crop {path.name}", np.array_equal(sitk.GetArrayFromImage(got), sitk.GetArrayFromImage(want)))
    run("pad", source, "-o", out, "--by", "3x0x2", "--fill", 7)
    got, want = sitk.ReadImage(str(out)), sitk.ConstantPad(image, [3, 0, 2], [3, 0, 2], 7)
    # ITK leaves the origin and moves the index; the file says where the first voxel lies.
    moved = want[:, :, :]
    same_place(f"pad {path.name}", got, grid(moved.GetSize(), moved.GetSpacing(), moved.TransformIndexToPhysicalPoint([0, 0, 0]),
                                             np.array(moved.GetDirection()).reshape(3, 3)))
    check(f"pad {path.name}", np.array_equal(sitk.GetArrayFromImage(got), sitk.GetArrayFromImage(want)))
    mask = image > float(np.percentile(sitk.GetArrayViewFromImage(image), 99.9))
    shape = sitk.LabelShapeStatisticsImageFilter()
    shape.Execute(sitk.Cast(mask, sitk.sitkUInt8))
    x, y, z, a, b, c = shape.GetBoundingBox(1)
    run("crop", source, "-o", out, "--to-mask", save(sitk.Cast(mask, sitk.sitkUInt8), "mask.nrrd"), "--margin", "4mm")
    grow = [int(np.ceil(4 / s - 1e-3)) for s in image.GetSpacing()]
    low = [max(v - g, 0) for v, g in zip((x, y, z), grow)]
    high = [min(v + n + g, m) for v, n, g, m in zip((x, y, z), (a, b, c), grow, image.GetSize())]
    want, got = image[low[0] : high[0], low[1] : high[1], low[2] : high[2]], sitk.ReadImage(str(out))
    same_place(f"to mask {path.name}", got, want)
    check(f"to mask {path.name}", np.array_equal(sitk.GetArrayFromImage(got), sitk.GetArrayFromImage(want)))

# --- labels: a vote in float64, from one resampling for each label ----------------------------------------------------------------------
labels = sitk.ReadImage(str(CT))
a = sitk.GetArrayFromImage(labels).astype(float)
a = np.digitize(scipy.ndimage.gaussian_filter(a, 2), np.percentile(a, [20, 40, 60, 80])).astype(np.uint8)
labels = sitk.GetImageFromArray(a)
labels.CopyInformation(sitk.ReadImage(str(CT)))
source, out = save(labels, "labels.nrrd"), folder / "out.nrrd"
centre = np.array(labels.TransformContinuousIndexToPhysicalPoint([(n - 1) / 2 for n in labels.GetSize()]))
for name, direction, size, spacing in (("turned", turned(0.3, -0.2, 0.5), [90, 100, 80], [1.3, 1.7, 2.1]),
                                       ("half", np.eye(3), [2 * n for n in labels.GetSize()], np.array(labels.GetSpacing()) / 2)):
    direction = direction @ np.array(labels.GetDirection()).reshape(3, 3)
    reference = grid(size, spacing, centre - direction @ ((np.array(size) - 1) / 2 * spacing), direction)
    run("resample", source, "-o", out, "--like", save(reference, "like.nrrd"), "--method", "label", "--fill", 0)
    shares = np.stack([sitk.GetArrayFromImage(sitk.Resample(sitk.Cast(labels == k, sitk.sitkFloat64), reference, sitk.Transform(),
                                                            sitk.sitkLinear, 0.0, sitk.sitkFloat64)) for k in range(5)])
    # Outside all shares are 0, and the first wins: the fill value.
    shares = np.round(shares, 9)
    want, got = shares.argmax(0), sitk.GetArrayFromImage(sitk.ReadImage(str(out)))
    ties = np.sort(shares, 0)[-1] - np.sort(shares, 0)[-2] < 2e-4
    clear = (got != want) & ~ties
    check(f"labels {name}", clear.sum() == 0, f"{clear.sum()}")
    print(f"labels {name}: {int((got != want).sum())} of {got.size} differ, {int(clear.sum())} of them no tie")

# --- areas -------------------------------------------------------------------------------------------------------------------------------
image = sitk.ReadImage(str(CT))
nx, ny, nz = [n // 2 * 2 for n in image.GetSize()]
image = image[:nx, :ny, :nz]
source, out = save(image, "source.nrrd"), folder / "out.nrrd"
run("resample", source, "-o", out, "--shape", f"{nx // 2}x{ny // 2}x{nz // 2}", "--method", "area")
a = sitk.GetArrayFromImage(image).astype(float)
want = np.floor(a.reshape(nz // 2, 2, ny // 2, 2, nx // 2, 2).mean((1, 3, 5)) + 0.5)
check("areas", np.array_equal(sitk.GetArrayFromImage(sitk.ReadImage(str(out))), want))

# --- time by time ------------------------------------------------------------------------------------------------------------------------
own = nibabel.load(CINE)
run("resample", CINE, "-o", folder / "out.nii.gz", "--spacing", "2x2x5", "--fill", 0)
got = nibabel.load(folder / "out.nii.gz")
one = nibabel.Nifti1Image(np.asarray(own.dataobj)[..., 7], own.affine)
nibabel.save(one, folder / "one.nii")
run("resample", folder / "one.nii", "-o", folder / "out1.nii", "--spacing", "2x2x5", "--fill", 0)
check("cine", np.array_equal(np.asarray(got.dataobj)[..., 7], np.asarray(nibabel.load(folder / "out1.nii").dataobj)) and got.shape[3] == own.shape[3],
      f"{got.shape}")

print(f"{checked} comparisons, {wrong} wrong")
sys.exit(1 if wrong else 0)
