//! How large a piece of surface lies between eight neighbouring voxels, by which of them are inside.
//!
//! A cell is the cube whose corners are the centres of 2 x 2 x 2 voxels (in 2-D the rectangle of 2 x 2). Its code has a bit for each corner that is inside: bit x + 2 y + 4 z. The surface
//! runs through the middles of the cell's edges that have one end inside and one outside, as marching cubes has it (Lorensen and Cline 1987): on each face these middles are joined by
//! lines, the lines of all faces make closed loops, and each loop is cut into triangles. Two choices are open, and they are made so that the areas are those of DeepMind's
//! surface-distance (`lookup_tables.py` of 2018), whose tables of 256 lists of triangles follow from them:
//!
//! - Of the two sides the one of at most four corners is the object. On a face where its corners lie diagonally, each is cut off by itself.
//! - A loop of more than three points that lies in no plane is cut into the triangles that have the largest area together in a cell of spacing 1. Where several ways have it,
//!   they have the same area at any spacing.
//!
//! Both are the same along each axis, in each direction, and for inside and outside, so the order of axes does not matter.

/// Corners of a cell.
const CORNERS: usize = 8;

/// The areas of all pieces of surface at one spacing.
#[derive(Debug, Clone, PartialEq)]
pub struct SurfelAreas {
    kinds: Vec<u8>,
    areas: Vec<f64>,
}

impl SurfelAreas {
    /// Areas in mm² of the pieces in cells of voxels with this spacing.
    pub fn of_cells(spacing_mm: [f64; 3]) -> Self {
        let [x, y, z] = spacing_mm;
        let faces = [y * z, x * z, x * y];
        let area = |code: usize| {
            let scaled = |normal: &[f64; 3]| (0..3).map(|a| (normal[a] * faces[a]).powi(2)).sum::<f64>().sqrt();
            // In one order whichever triangles came first, so that pieces alike have the same bits.
            let mut all: Vec<f64> = normals(code as u8).iter().map(scaled).collect();
            all.sort_by(f64::total_cmp);
            all.iter().sum()
        };
        Self::from_areas((0..1 << CORNERS).map(area).collect())
    }

    /// Lengths in mm of the pieces of contour in cells of 2 x 2 pixels; bit x + 2 y.
    pub fn of_squares([x, y]: [f64; 2]) -> Self {
        let across = (x * x + y * y).sqrt() / 2.0;
        let length = |code: u8| match code {
            0 | 0b1111 => 0.0,
            0b0011 | 0b1100 => x,
            0b0101 | 0b1010 => y,
            0b0110 | 0b1001 => 2.0 * across,
            _ => across,
        };
        Self::from_areas((0..16).map(length).collect())
    }

    /// Voxels on a border that all count the same: code 0 is none.
    pub fn alike() -> Self {
        Self::from_areas(vec![0.0, 1.0])
    }

    /// Codes of the same area are of one kind; 0 is no surface.
    fn from_areas(by_code: Vec<f64>) -> Self {
        let mut areas = vec![0.0];
        let kind = |area: &f64| match areas.iter().position(|known: &f64| known == area) {
            Some(kind) => kind as u8,
            None => {
                areas.push(*area);
                (areas.len() - 1) as u8
            }
        };
        let kinds = by_code.iter().map(kind).collect();
        Self { kinds, areas }
    }

    /// The kind of each code: 0 where there is no surface.
    pub fn kinds(&self) -> &[u8] {
        &self.kinds
    }

    /// The area of a kind.
    pub fn area(&self, kind: u8) -> f64 {
        self.areas[usize::from(kind)]
    }
}

/// The middle of an edge, in half edges from corner 0.
type Middle = [i8; 3];

/// Where a corner lies.
fn corner(number: usize) -> [i8; 3] {
    [0, 1, 2].map(|axis| (number >> axis & 1) as i8)
}

/// The normals of the triangles of a code, as long as these are large, at spacing 1.
fn normals(code: u8) -> Vec<[f64; 3]> {
    let object = if code.count_ones() > 4 { !code } else { code };
    loops(&lines(object)).iter().flat_map(|points| largest(points)).collect()
}

/// The lines on the faces of a cell between the middles of its edges.
fn lines(object: u8) -> Vec<[Middle; 2]> {
    let inside = |c: usize| object >> c & 1 == 1;
    let middle = |a: usize, b: usize| -> Middle { [0, 1, 2].map(|axis| corner(a)[axis] + corner(b)[axis]) };
    let mut lines = Vec::new();
    for axis in 0..3 {
        let (across, up) = (1 << ((axis + 1) % 3), 1 << ((axis + 2) % 3));
        for side in [0, 1 << axis] {
            // The corners around the face.
            let around = [side, side | across, side | across | up, side | up];
            let cut: Vec<usize> = (0..4).filter(|i| inside(around[*i]) != inside(around[(i + 1) % 4])).collect();
            let on_edge = |i: usize| middle(around[i], around[(i + 1) % 4]);
            match cut.as_slice() {
                [a, b] => lines.push([on_edge(*a), on_edge(*b)]),
                [_, _, _, _] => {
                    lines.extend((0..4).filter(|i| inside(around[*i])).map(|i| [on_edge((i + 3) % 4), on_edge(i)]));
                }
                _ => {}
            }
        }
    }
    lines
}

/// The closed loops that lines make: each middle is the end of two.
fn loops(lines: &[[Middle; 2]]) -> Vec<Vec<Middle>> {
    let mut left = lines.to_vec();
    let mut all = Vec::new();
    while let Some([first, second]) = left.pop() {
        let mut points = vec![first, second];
        while let Some(i) = left.iter().position(|line| line.contains(&points[points.len() - 1])) {
            let [a, b] = left.swap_remove(i);
            let next = if a == points[points.len() - 1] { b } else { a };
            points.push(next);
        }
        // The last line led back.
        points.pop();
        all.push(points);
    }
    all
}

/// The triangles of a loop that are largest together: for each run of points, where its longest side's triangle has its tip (Klincsek 1980, turned round).
fn largest(points: &[Middle]) -> Vec<[f64; 3]> {
    let n = points.len();
    let mut best = vec![vec![(0.0, 0); n]; n];
    for length in 2..n {
        for from in 0..n - length {
            let to = from + length;
            best[from][to] = (from + 1..to)
                .map(|tip| {
                    let area = length_of(normal(points, [from, tip, to]));
                    (best[from][tip].0 + best[tip][to].0 + area, tip)
                })
                // A little more, so that rounding chooses nothing.
                .fold((-1.0, 0), |best, one| if one.0 > best.0 + 1e-9 { one } else { best });
        }
    }
    let mut all = Vec::new();
    let mut open = vec![(0, n - 1)];
    while let Some((from, to)) = open.pop() {
        if to - from > 1 {
            let tip = best[from][to].1;
            all.push(normal(points, [from, tip, to]));
            open.extend([(from, tip), (tip, to)]);
        }
    }
    all
}

/// Half the cross product of two sides: as long as the triangle is large.
fn normal(points: &[Middle], [a, b, c]: [usize; 3]) -> [f64; 3] {
    let side = |to: usize| [0, 1, 2].map(|axis| f64::from(points[to][axis] - points[a][axis]) / 2.0);
    let (u, v) = (side(b), side(c));
    [0, 1, 2].map(|axis| (u[(axis + 1) % 3] * v[(axis + 2) % 3] - u[(axis + 2) % 3] * v[(axis + 1) % 3]) / 2.0)
}

fn length_of(v: [f64; 3]) -> f64 {
    v.iter().map(|part| part * part).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_worked_by_hand() {
        let all = SurfelAreas::of_cells([1.0; 3]);
        let area = |code: usize| all.area(all.kinds()[code]);
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
        let (two, three) = (2f64.sqrt(), 3f64.sqrt());
        near(area(0), 0.0);
        // A corner; an edge; three in an L, whose loop of five points lies in no plane; a face; a corner with its three neighbours, a flat hexagon.
        near(area(0b1), three / 8.0);
        near(area(0b11), two / 2.0);
        near(area(0b111), 0.5 + three * 0.375);
        near(area(0b1111), 1.0);
        near(area(0b1_0111), three * 0.75);
        // Two corners across a face, across the cell; four of which none are neighbours.
        near(area(0b1001), three / 4.0);
        near(area(0b1000_0001), three / 4.0);
        near(area(0b0110_1001), three / 2.0);
        // A chain of four around three faces, a hexagon in no plane.
        near(area(0b1_1011), two / 2.0 + three / 2.0);
    }

    #[test]
    fn both_sides_have_the_same_surface_and_axes_do_not_matter() {
        let (all, turned) = (SurfelAreas::of_cells([0.7, 1.5, 4.0]), SurfelAreas::of_cells([1.5, 4.0, 0.7]));
        for code in 0..256usize {
            assert_eq!(all.kinds()[code], all.kinds()[255 - code], "{code}");
            assert_eq!(all.kinds()[code] == 0, code == 0 || code == 255);
            // Bit x + 2 y + 4 z of the one is that of (y, z, x) of the other.
            let moved = (0..8).filter(|c| code >> c & 1 == 1).map(|c| 1 << (c >> 1 | (c & 1) << 2)).sum::<usize>();
            let (a, b) = (all.area(all.kinds()[code]), turned.area(turned.kinds()[moved]));
            assert!((a - b).abs() < 1e-12, "{code} {moved}: {a} {b}");
        }
    }

    #[test]
    fn all_codes_together_have_the_area_of_the_published_table() {
        // Sum over DeepMind's table at spacing 1, and at 0.7 x 1.5 x 4.
        for (spacing, want) in [([1.0; 3], SUM_AT_ONE), ([0.7, 1.5, 4.0], SUM_AT_OTHERS)] {
            let all = SurfelAreas::of_cells(spacing);
            let sum: f64 = all.kinds().iter().map(|kind| all.area(*kind)).sum();
            assert!((sum - want).abs() < 1e-6, "{sum}");
        }
    }

    const SUM_AT_ONE: f64 = 241.343_139_705_537;
    const SUM_AT_OTHERS: f64 = 896.527_799_247_72;

    #[test]
    fn contours_have_lengths() {
        let all = SurfelAreas::of_squares([3.0, 4.0]);
        let lengths: Vec<f64> = all.kinds().iter().map(|kind| all.area(*kind)).collect();
        assert_eq!(lengths, [0.0, 2.5, 2.5, 3.0, 2.5, 4.0, 5.0, 2.5, 2.5, 5.0, 4.0, 2.5, 3.0, 2.5, 2.5, 0.0]);
    }
}
