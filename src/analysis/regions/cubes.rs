//! The surface within a cube between eight voxels: marching cubes (Lorensen and Cline 1987), worked out instead of looked up.
//!
//! A cube has a code: bit `x + 2y + 4z` says whether its corner there is inside. Halfway along each edge between inside and outside lies a vertex; on each face two of them
//! are joined, and where four are, each inner corner is cut off by itself, so that cubes beside each other agree and the surface is closed. What is joined are polygons; of all ways to
//! make triangles of one, that with the greatest volume inside is taken: as the usual table has it, whose results these are.

/// Corners that an edge lies between, the lower one first.
type CubeEdge = [usize; 2];

/// The surfaces in a cube of each code.
#[derive(Debug, Clone)]
pub struct CubeSurfaces {
    /// Of a cube that is 1 long: corners of triangles, seen from outside in the order of the clock or against it, as `sign` says.
    triangles: Vec<Vec<CubeTriangle>>,
    /// The edges that each code cuts, as half steps from the corner 0: vertices of the mesh.
    vertices: Vec<Vec<[u8; 3]>>,
}

#[derive(Debug, Clone, Copy)]
struct CubeTriangle {
    at: [[f64; 3]; 3],
    /// Half the cross product of two sides, which points outwards.
    area: [f64; 3],
}

/// What the surface in a cube of a code adds, for a spacing in mm.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct CubeParts {
    /// Area in mm².
    pub area: f64,
    /// The part of the area that faces x, in mm²: positive to the right.
    pub facing: f64,
    /// The same by the place along x in the cube, mm³: with the cube's own place times [`CubeParts::facing`] it sums up to the volume (divergence theorem).
    pub moment: f64,
}

fn corner(i: usize) -> [usize; 3] {
    [i & 1, i >> 1 & 1, i >> 2]
}

fn edges() -> Vec<CubeEdge> {
    (0..8).flat_map(|a| (a + 1..8).filter(move |b| usize::is_power_of_two(a ^ b)).map(move |b| [a, b])).collect()
}

/// The corners of each face, in turn.
fn faces() -> Vec<[usize; 4]> {
    let face = |axis: usize, side: usize| {
        let [u, v] = [1 << ((axis + 1) % 3), 1 << ((axis + 2) % 3)];
        let base = side << axis;
        [base, base | u, base | u | v, base | v]
    };
    (0..3).flat_map(|axis| [face(axis, 0), face(axis, 1)]).collect()
}

/// Half steps from corner 0 to the middle of an edge.
fn middle([a, b]: CubeEdge) -> [u8; 3] {
    let (a, b) = (corner(a), corner(b));
    [0, 1, 2].map(|axis| (a[axis] + b[axis]) as u8)
}

/// The polygons of a code, as edges in turn.
fn polygons(code: usize) -> Vec<Vec<CubeEdge>> {
    let inside = |corner: usize| code >> corner & 1 == 1;
    let edge = |a: usize, b: usize| [a.min(b), a.max(b)];
    let mut joins: Vec<[CubeEdge; 2]> = Vec::new();
    for face in faces() {
        let side = |i: usize| edge(face[i % 4], face[(i + 1) % 4]);
        let cut: Vec<CubeEdge> = (0..4).map(side).filter(|[a, b]| inside(*a) != inside(*b)).collect();
        match *cut.as_slice() {
            [a, b] => joins.push([a, b]),
            [_, _, _, _] => joins.extend((0..4).filter(|i| inside(face[*i])).map(|i| [side(i + 3), side(i)])),
            _ => {}
        }
    }
    let mut polygons = Vec::new();
    while let Some([first, mut last]) = joins.pop() {
        let mut polygon = vec![first];
        while last != first {
            polygon.push(last);
            let Some(next) = joins.iter().position(|join| join.contains(&last)) else { break };
            let [a, b] = joins.swap_remove(next);
            last = if a == last { b } else { a };
        }
        polygons.push(polygon);
    }
    polygons
}

/// All ways to make triangles of a polygon's corners from `low` to `high`.
fn triangulations(low: usize, high: usize) -> Vec<Vec<[usize; 3]>> {
    if high < low + 2 {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for apex in low + 1..high {
        for left in triangulations(low, apex) {
            for right in triangulations(apex, high) {
                all.push([left.clone(), right, vec![[low, apex, high]]].concat());
            }
        }
    }
    all
}

fn less(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [0, 1, 2].map(|i| a[i] - b[i])
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    (0..3).map(|i| a[i] * b[i]).sum()
}

fn half_cross(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [0, 1, 2].map(|i: usize| {
        let (j, k) = ((i + 1) % 3, (i + 2) % 3);
        (a[j] * b[k] - a[k] * b[j]) / 2.0
    })
}

/// Triangles of a polygon in a cube of a code that is 1 long.
fn triangles(code: usize, polygon: &[CubeEdge]) -> Vec<CubeTriangle> {
    let place = |i: usize| middle(polygon[i]).map(|half| f64::from(half) / 2.0);
    let made = |triangulation: Vec<[usize; 3]>| -> Vec<CubeTriangle> {
        let one = |corners: [usize; 3]| {
            let at = corners.map(place);
            CubeTriangle { at, area: half_cross(less(at[1], at[0]), less(at[2], at[0])) }
        };
        triangulation.into_iter().map(one).collect()
    };
    // From inside to outside, along all edges that are cut.
    let outwards = polygon.iter().fold([0.0; 3], |sum, [a, b]| {
        let (from, to) = if code >> a & 1 == 1 { (*a, *b) } else { (*b, *a) };
        [0, 1, 2].map(|axis| sum[axis] + corner(to)[axis] as f64 - corner(from)[axis] as f64)
    });
    let mut best: Option<(f64, Vec<CubeTriangle>)> = None;
    for triangulation in triangulations(0, polygon.len() - 1) {
        let mut found = made(triangulation);
        let along = found.iter().map(|t| dot(t.area, outwards)).sum::<f64>();
        if along < 0.0 {
            found.iter_mut().for_each(|t| t.area = t.area.map(|part| -part));
        }
        // Three times the volume as seen from corner 0: the cones of the same polygon differ by what lies between.
        let volume = found.iter().map(|t| dot(t.area, t.at[0])).sum::<f64>();
        if best.as_ref().is_none_or(|(most, _)| volume > most + 1e-12) {
            best = Some((volume, found));
        }
    }
    best.map_or_else(Vec::new, |(_, triangles)| triangles)
}

impl CubeSurfaces {
    /// Of all 256 codes.
    pub fn new() -> Self {
        let of = |code: usize| -> Vec<CubeTriangle> { polygons(code).iter().flat_map(|p| triangles(code, p)).collect() };
        let cut = |code: usize| edges().into_iter().filter(move |[a, b]| (code >> a ^ code >> b) & 1 == 1).map(middle).collect();
        Self { triangles: (0..256).map(of).collect(), vertices: (0..256).map(cut).collect() }
    }

    /// What a cube of each code adds where voxels lie `spacing_mm` apart.
    pub fn parts(&self, spacing_mm: [f64; 3]) -> Vec<CubeParts> {
        let [x, y, z] = spacing_mm;
        // Of an area that faces an axis, the sides along the two others.
        let scale = [y * z, z * x, x * y];
        let part = |triangles: &Vec<CubeTriangle>| {
            triangles.iter().fold(CubeParts::default(), |sum, t| {
                let area = [0, 1, 2].map(|axis| t.area[axis] * scale[axis]);
                let middle = (t.at[0][0] + t.at[1][0] + t.at[2][0]) / 3.0 * x;
                CubeParts {
                    area: sum.area + dot(area, area).sqrt(),
                    facing: sum.facing + area[0],
                    moment: sum.moment + area[0] * middle,
                }
            })
        };
        self.triangles.iter().map(part).collect()
    }

    /// The vertices in a cube of a code, as half steps from its corner 0.
    pub fn vertices(&self, code: u8) -> &[[u8; 3]] {
        &self.vertices[usize::from(code)]
    }
}

impl Default for CubeSurfaces {
    fn default() -> Self {
        Self::new()
    }
}
