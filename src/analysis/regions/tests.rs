//! IBSI's digital phantom (arXiv 1612.07003, appendix; benchmark values and tolerances of the reference manual), and shapes that are known.

use super::*;

/// Rows of x, four a slice; voxels outside of the region have a star.
const PHANTOM: [&str; 4] = [
    "1 4 4 1 1 | 1 4 6 1 1 | 4 1 6 4 1 | 4 4 6 4 1",
    "1 4 4 1 1 | 1 1 6 1 1 | 1* 1 3 1 1 | 4 4 6 1 1",
    "1 4 4 1* 1* | 1 1 1 1 1 | 1 1 9* 1 1 | 1 1 6 1 1",
    "1 4 4 1* 1* | 1 1 1 1 1 | 1 1 1 1 1 | 1 1 6 1 1",
];

fn phantom() -> (Vec<f64>, Vec<bool>) {
    let words = PHANTOM.iter().flat_map(|slice| slice.split_whitespace()).filter(|word| *word != "|");
    words.map(|word| (word.trim_end_matches('*').parse::<f64>().unwrap(), !word.ends_with('*'))).unzip()
}

/// Surface, volume, ends of rows and sums of a mask, cube by cube and voxel by voxel.
fn measured(inside: &[bool], [nx, ny, nz]: [usize; 3], spacing_mm: [f64; 3]) -> ShapeFeatures {
    let (surfaces, mut mesh, mut ends, mut sums) = (CubeSurfaces::new(), (0.0, 0.0), RowEnds::default(), RegionSums::default());
    let parts = surfaces.parts(spacing_mm);
    // Places are counted from 1, so that cubes begin at 0.
    let at = |x: usize, y: usize, z: usize| {
        (1..=nx).contains(&x) && (1..=ny).contains(&y) && (1..=nz).contains(&z) && inside[((z - 1) * ny + y - 1) * nx + x - 1]
    };
    for z in 0..=nz {
        for y in 0..=ny {
            for x in 0..=nx {
                let code = (0..8).fold(0u8, |code, i| code | u8::from(at(x + (i & 1), y + (i >> 1 & 1), z + (i >> 2))) << i);
                parts[usize::from(code)].add_to(&mut mesh, x as f64 * spacing_mm[0]);
                for half in surfaces.vertices(code) {
                    ends.add([0, 1, 2].map(|a| 2 * [x, y, z][a] as u32 + u32::from(half[a])));
                }
                if at(x, y, z) {
                    sums.add_run([x, y, z].map(|n| n as u64), 1);
                }
            }
        }
    }
    ShapeFeatures::new(&sums, mesh, ends.farthest(spacing_mm).unwrap(), spacing_mm)
}

#[track_caller]
fn within(name: &str, got: f64, want: f64, tolerance: f64) {
    // What is printed was rounded, too.
    assert!((got - want).abs() <= tolerance, "{name}: {got} instead of {want} within {tolerance}");
}

#[test]
fn the_digital_phantom_has_ibsi_s_shape() {
    let (values, inside) = phantom();
    let shape = measured(&inside, [5, 4, 4], [2.0; 3]);
    for (name, got, want, tolerance) in [
        ("volume, mesh", shape.volume_mesh_mm3, 556.0, 4.0),
        ("volume, voxels", shape.volume_mm3, 592.0, 4.0),
        ("surface", shape.surface_mm2, 388.0, 3.0),
        ("surface to volume", shape.surface_to_volume, 0.698, 0.004),
        ("compactness 1", shape.compactness_1, 0.0411, 0.0003),
        ("compactness 2", shape.compactness_2, 0.599, 0.004),
        ("spherical disproportion", shape.spherical_disproportion, 1.19, 0.01),
        ("sphericity", shape.sphericity, 0.843, 0.005),
        ("asphericity", shape.asphericity, 0.186, 0.001),
        ("diameter", shape.max_diameter_mm, 13.1, 0.1),
        ("major axis", shape.major_axis_mm.unwrap(), 11.4, 0.1),
        ("minor axis", shape.minor_axis_mm.unwrap(), 9.31, 0.06),
        ("least axis", shape.least_axis_mm.unwrap(), 8.54, 0.05),
        ("elongation", shape.elongation.unwrap(), 0.816, 0.005),
        ("flatness", shape.flatness.unwrap(), 0.749, 0.005),
    ] {
        within(name, got, want, tolerance);
    }
    let kept: Vec<f64> = values.iter().zip(&inside).filter(|(_, inside)| **inside).map(|(v, _)| *v).collect();
    let mean = kept.iter().sum::<f64>() / kept.len() as f64;
    within("integrated intensity", mean * shape.volume_mesh_mm3, 1195.0, 10.0);
}

#[test]
fn the_digital_phantom_has_ibsi_s_intensities() {
    let (values, inside) = phantom();
    let mut counts: Vec<(f64, u64)> = Vec::new();
    for value in [1.0, 3.0, 4.0, 6.0] {
        counts.push((value, values.iter().zip(&inside).filter(|(v, inside)| **inside && **v == value).count() as u64));
    }
    let f = IntensityFeatures::of(&counts).unwrap();
    // Printed with three digits, so half of the last one is the tolerance.
    for (name, got, want, tolerance) in [
        ("mean", f.mean, 2.15, 0.005),
        ("variance", f.variance, 3.05, 0.005),
        ("skewness", f.skewness, 1.08, 0.005),
        ("kurtosis", f.kurtosis, -0.355, 0.0005),
        ("median", f.median, 1.0, 0.0),
        ("min", f.min, 1.0, 0.0),
        ("p10", f.p10, 1.0, 0.0),
        ("p90", f.p90, 4.0, 0.0),
        ("max", f.max, 6.0, 0.0),
        ("iqr", f.iqr, 3.0, 0.0),
        ("range", f.range, 5.0, 0.0),
        ("mad", f.mad, 1.55, 0.005),
        ("robust mad", f.robust_mad, 1.11, 0.005),
        ("median ad", f.median_ad, 1.15, 0.005),
        ("cov", f.cov.unwrap(), 0.812, 0.0005),
        ("qcod", f.qcod.unwrap(), 0.6, 0.0),
        ("energy", f.energy, 567.0, 0.0),
        ("rms", f.rms, 2.77, 0.005),
        ("entropy", f.entropy, 1.27, 0.005),
        ("uniformity", f.uniformity, 0.512, 0.0005),
        ("mode", f.mode, 1.0, 0.0),
    ] {
        within(name, got, want, tolerance);
    }
    assert_eq!(f.count, 74);
}

#[test]
fn surfaces_are_closed_and_volumes_known() {
    let surfaces = CubeSurfaces::new();
    let parts = surfaces.parts([1.0; 3]);
    assert_eq!((parts[0], parts[255]), (CubeParts::default(), CubeParts::default()));
    // One corner inside: an eighth of an octahedron.
    within("corner", parts[1].area, 3f64.sqrt() / 8.0, 1e-12);
    assert_eq!(surfaces.vertices(1).len(), 3);
    // A single voxel is an octahedron, whose volume is a sixth of its cube's.
    let one = measured(&[true], [1; 3], [2.0, 3.0, 5.0]);
    within("octahedron", one.volume_mesh_mm3, 5.0, 1e-12);
    within("its diameter", one.max_diameter_mm, 5.0, 1e-12);
    assert_eq!((one.major_axis_mm, one.elongation), (None, None));
    // Whatever is inside, as much faces left as right: the volume does not depend on where it lies.
    let mut state = 1u64;
    for shape in [[7, 5, 6], [3, 9, 2]] {
        let inside: Vec<bool> = (0..shape.iter().product())
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                state >> 62 == 1
            })
            .collect();
        let spacing_mm = [0.7, 1.1, 2.5];
        let here = measured(&inside, shape, spacing_mm);
        let wide: Vec<bool> = inside.chunks(shape[0]).flat_map(|row| [vec![false; 9], row.to_vec()].concat()).collect();
        let there = measured(&wide, [shape[0] + 9, shape[1], shape[2]], spacing_mm);
        within("volume", there.volume_mesh_mm3, here.volume_mesh_mm3, 1e-9);
        within("surface", there.surface_mm2, here.surface_mm2, 1e-9);
        within("diameter", there.max_diameter_mm, here.max_diameter_mm, 1e-9);
    }
}

#[test]
fn sums_of_runs_are_those_of_their_voxels_and_the_farthest_pair_is_found() {
    let (mut runs, mut voxels) = (RegionSums::default(), RegionSums::default());
    for (x, y, z, n) in [(3, 0, 2, 9), (0, 5, 5, 1), (100, 7, 3, 33)] {
        runs.add_run([x, y, z], n);
        (0..n).for_each(|i| voxels.add_run([x + i, y, z], 1));
    }
    assert_eq!(runs, voxels);
    let mut ends = RowEnds::default();
    let mut points = Vec::new();
    let mut state = 7u64;
    for _ in 0..300 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let point = [state >> 58, state >> 52 & 63, state >> 46 & 63].map(|n| n as u32);
        ends.add(point);
        points.push(point);
    }
    let spacing_mm = [0.7, 1.1, 2.5];
    let square = |a: &[u32; 3], b: &[u32; 3]| -> f64 {
        (0..3).map(|i| ((f64::from(a[i]) - f64::from(b[i])) / 2.0 * spacing_mm[i]).powi(2)).sum()
    };
    let want = points.iter().flat_map(|a| points.iter().map(move |b| square(a, b))).fold(0.0, f64::max).sqrt();
    within("farthest", ends.farthest(spacing_mm).unwrap().mm, want, 1e-12);
}
