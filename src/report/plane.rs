//! How the voxel axes lie on screen: pure geometry, radiological convention.
//!
//! Axial slices are seen from the feet (patient's left on the right of the picture, anterior on top), coronal ones from the
//! front (left on the right, superior on top), sagittal ones from the patient's left (anterior on the left, superior on top).

use crate::volume::{Geometry, Header};

/// A plane of the patient's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Plane {
    /// Across the body: normal to the axis from feet to head.
    Axial,
    /// Parallel to the forehead: normal to the axis from front to back.
    Coronal,
    /// Dividing left from right: normal to the axis from right to left.
    Sagittal,
}

impl Plane {
    /// All three, in the order in which figures show them.
    pub const ALL: [Self; 3] = [Self::Axial, Self::Coronal, Self::Sagittal];

    /// The name, in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Axial => "axial",
            Self::Coronal => "coronal",
            Self::Sagittal => "sagittal",
        }
    }

    /// The patient axis (0 = L, 1 = P, 2 = S) along the normal.
    const fn normal(self) -> usize {
        match self {
            Self::Axial => 2,
            Self::Coronal => 1,
            Self::Sagittal => 0,
        }
    }

    /// Patient axis that runs right on screen, and the one that runs down; whether towards the positive end (L, P, S).
    const fn screen(self) -> [(usize, bool); 2] {
        match self {
            Self::Axial => [(0, true), (1, true)],
            Self::Coronal => [(0, true), (2, false)],
            Self::Sagittal => [(1, true), (2, false)],
        }
    }

    /// Letters at the left, right, top and bottom edge.
    pub const fn edges(self) -> [char; 4] {
        match self {
            Self::Axial => ['R', 'L', 'A', 'P'],
            Self::Coronal => ['R', 'L', 'S', 'I'],
            Self::Sagittal => ['A', 'P', 'S', 'I'],
        }
    }
}

/// One voxel axis as it runs on screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct AxisRun {
    axis: usize,
    flipped: bool,
}

/// How the slices of one plane are cut from a volume and laid on screen.
///
/// Without a position the voxel axes x, y, z are taken for L, P, S, so that the axial plane shows the image as it is
/// stored; such a view has no letters, since nobody knows where left is.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    plane: Plane,
    shape: [u64; 3],
    normal: usize,
    right: AxisRun,
    down: AxisRun,
    geometry: Option<Geometry>,
}

impl View {
    /// The view of the volumes that `header` describes. Oblique volumes are cut along the voxel axes nearest to the plane.
    pub fn new(header: &Header, plane: Plane) -> Self {
        let axes = patient_axes(header);
        let run = |(wanted, positive): (usize, bool)| {
            let axis = axis_along(&axes, wanted);
            AxisRun { axis, flipped: axes[axis].1 != positive }
        };
        let [right, down] = plane.screen().map(run);
        Self {
            plane,
            shape: header.grid.shape.xyz(),
            normal: axis_along(&axes, plane.normal()),
            right,
            down,
            geometry: header.grid.geometry.clone(),
        }
    }

    /// The planes in which `header` can be looked at: all three for a volume, the one it was taken in for a single slice.
    pub fn planes(header: &Header) -> Vec<Plane> {
        if header.grid.shape.axis(2) > 1 {
            return Plane::ALL.to_vec();
        }
        vec![Self::native(header)]
    }

    /// The plane of the slices as they are stored: normal to voxel axis z.
    pub fn native(header: &Header) -> Plane {
        match patient_axes(header)[2].0 {
            0 => Plane::Sagittal,
            1 => Plane::Coronal,
            _ => Plane::Axial,
        }
    }

    /// The slice through the middle.
    pub fn middle(&self) -> u64 {
        self.slices() / 2
    }

    /// The patient plane.
    pub fn plane(&self) -> Plane {
        self.plane
    }

    /// The voxel axis along the normal.
    pub fn axis(&self) -> usize {
        self.normal
    }

    /// How many slices there are. A slice's index is its voxel index along [`View::axis`].
    pub fn slices(&self) -> u64 {
        self.shape[self.normal]
    }

    /// Pixels right and down.
    pub fn size(&self) -> (u64, u64) {
        (self.shape[self.right.axis], self.shape[self.down.axis])
    }

    /// The voxel shown at pixel (`u`, `v`) of slice `index`, counted from the top left.
    pub fn voxel(&self, index: u64, u: u64, v: u64) -> [u64; 3] {
        let mut voxel = [index; 3];
        for (run, at) in [(self.right, u), (self.down, v)] {
            voxel[run.axis] = if run.flipped { self.shape[run.axis] - 1 - at } else { at };
        }
        voxel
    }

    /// Size of a pixel in mm, right and down, where the spacing is known.
    pub fn pixel_mm(&self) -> Option<[f64; 2]> {
        let spacing = self.geometry.as_ref()?.spacing_mm;
        Some([spacing[self.right.axis], spacing[self.down.axis]])
    }

    /// Where the middle of slice `index` lies along the normal's patient axis (L, P or S), in mm.
    pub fn position_mm(&self, index: u64) -> Option<f64> {
        let geometry = self.geometry.as_ref()?;
        let position = geometry.position.as_ref()?;
        let patient = self.plane.normal();
        let steps = (0..3).map(|axis| {
            let at = if axis == self.normal { index as f64 } else { (self.shape[axis] - 1) as f64 / 2.0 };
            at * geometry.spacing_mm[axis] * position.direction[axis][patient]
        });
        Some(position.origin_mm[patient] + steps.sum::<f64>())
    }

    /// Letters for the left, right, top and bottom edge; none where the position is unknown.
    pub fn edges(&self) -> Option<[char; 4]> {
        self.geometry.as_ref()?.position.as_ref().map(|_| self.plane.edges())
    }

    /// Whether the slices lie more than 15° askew to the patient plane they are named after.
    pub fn oblique(&self) -> bool {
        let Some(position) = self.geometry.as_ref().and_then(|g| g.position.as_ref()) else { return false };
        let axes = position.closest_axes();
        (0..3).any(|a| position.direction[a][axes[a].0].abs() < 0.966)
    }

    /// What to write beneath slice `index`: plane, index as it is counted here, from 0, and where known the position as [`View::position_mm`] has
    /// it, with the side that it lies on: `Axial, index 4 · -128.7 mm (I)`.
    pub fn caption(&self, index: u64) -> String {
        let name = match (self.edges().is_some(), self.slices()) {
            // Without a position the plane's name would be a guess: name the axis that is cut, if there is a choice.
            (false, 1) => String::new(),
            (false, _) => ["x", "y", "z"][self.normal].into(),
            (true, _) => {
                let name = self.plane.name();
                let oblique = if self.oblique() { " (oblique)" } else { "" };
                format!("{}{}{oblique}", name[..1].to_uppercase(), &name[1..])
            }
        };
        let mut parts = vec![if self.slices() > 1 { format!("{name}, index {index}") } else { name }];
        if let Some(mm) = self.position_mm(index) {
            let text = format!("{mm:.*}", self.decimals());
            // Where the digits say 0 there is no side, and no sign.
            parts.push(match text.parse().unwrap_or(mm) {
                0.0 => format!("{} mm", text.trim_start_matches('-')),
                mm => {
                    let letter = [['R', 'L'], ['A', 'P'], ['I', 'S']][self.plane.normal()][usize::from(mm > 0.0)];
                    format!("{text} mm ({letter})")
                }
            });
        }
        parts.retain(|part| !part.is_empty());
        parts.join(" · ")
    }

    /// Decimals of millimetres that tell neighbouring slices apart: one, or more where slices are thin.
    fn decimals(&self) -> usize {
        let step = self.position_mm(1).zip(self.position_mm(0)).map_or(1.0, |(b, a)| (b - a).abs());
        (1..9).find(|decimals| step > 2.0 * 10f64.powi(-decimals)).unwrap_or(9) as usize
    }

    /// `count` slices spread evenly: the middles of that many equal parts, each slice at most once.
    pub fn evenly(&self, count: u64) -> Vec<u64> {
        let count = count.clamp(1, self.slices());
        (0..count).map(|i| ((2 * i + 1) as u128 * self.slices() as u128 / (2 * count) as u128) as u64).collect()
    }

    /// Voxels along x, y, z.
    /// The voxel axis that runs to the right, and whether it does so backwards.
    pub fn columns(&self) -> (usize, bool) {
        (self.right.axis, self.right.flipped)
    }

    /// The same of the one that runs down.
    pub fn rows(&self) -> (usize, bool) {
        (self.down.axis, self.down.flipped)
    }

    pub(super) fn shape(&self) -> [u64; 3] {
        self.shape
    }

    /// Whether the screen's right runs along the lower voxel axis, and which screen directions run against theirs.
    pub(super) fn turn(&self) -> (bool, bool, bool) {
        (self.right.axis < self.down.axis, self.right.flipped, self.down.flipped)
    }
}

/// For each voxel axis the patient axis it runs along, and whether to its positive end.
fn patient_axes(header: &Header) -> [(usize, bool); 3] {
    match header.grid.geometry.as_ref().and_then(|g| g.position.as_ref()) {
        Some(position) => position.closest_axes(),
        None => [(0, true), (1, true), (2, true)],
    }
}

/// The voxel axis that runs along patient axis `wanted`. `closest_axes` uses each patient axis once, so there is one.
fn axis_along(axes: &[(usize, bool); 3], wanted: usize) -> usize {
    axes.iter().position(|&(patient, _)| patient == wanted).unwrap_or(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::orientations;
    use crate::volume::{Dtype, Shape};

    /// A point at the left, anterior, superior end of the body, whichever way the voxel axes run.
    #[test]
    fn left_anterior_superior_lands_where_radiologists_look_for_it() {
        for (code, header) in orientations([4, 5, 6]) {
            let axes = patient_axes(&header);
            let shape = header.grid.shape.xyz();
            let ball: [u64; 3] = std::array::from_fn(|a| {
                let wanted_end = [true, false, true][axes[a].0];
                if axes[a].1 == wanted_end { shape[a] - 1 } else { 0 }
            });
            for plane in Plane::ALL {
                let view = View::new(&header, plane);
                let index = ball[view.axis()];
                let (w, h) = view.size();
                let (u, v) = match plane {
                    Plane::Axial | Plane::Coronal => (w - 1, 0),
                    Plane::Sagittal => (0, 0),
                };
                assert_eq!(view.voxel(index, u, v), ball, "{code} {plane:?}");
                assert_eq!(view.slices() * w * h, 120, "{code} {plane:?}");
                let mm = view.pixel_mm().unwrap();
                let spacing = header.grid.geometry.as_ref().unwrap().spacing_mm;
                assert_eq!(mm[0] * mm[1] * spacing[view.axis()], spacing.iter().product::<f64>());
            }
        }
    }

    #[test]
    fn positions_are_those_of_the_voxels() {
        for (code, header) in orientations([4, 5, 6]) {
            let matrix = header.grid.geometry.as_ref().unwrap().lps_matrix().unwrap();
            for plane in Plane::ALL {
                let view = View::new(&header, plane);
                let voxel = view.voxel(1, 0, 0);
                let row = matrix[plane.normal()];
                let mm = row[3] + (0..3).map(|a| row[a] * voxel[a] as f64).sum::<f64>();
                assert!((view.position_mm(1).unwrap() - mm).abs() < 1e-9, "{code} {plane:?}");
            }
        }
    }

    #[test]
    fn an_image_without_position_is_shown_as_it_is() {
        let header = Header::new(Shape::new(&[7, 3]).unwrap(), Dtype::U8);
        assert_eq!(View::planes(&header), [Plane::Axial]);
        let view = View::new(&header, Plane::Axial);
        assert_eq!((view.size(), view.slices(), view.edges()), ((7, 3), 1, None));
        assert_eq!(view.voxel(0, 2, 1), [2, 1, 0]);
        assert_eq!(view.caption(0), "");
    }

    #[test]
    fn slices_spread_evenly() {
        let view = View::new(&Header::new(Shape::new(&[2, 2, 10]).unwrap(), Dtype::U8), Plane::Axial);
        assert_eq!(view.evenly(5), [1, 3, 5, 7, 9]);
        assert_eq!(view.evenly(1), [5]);
        assert_eq!(view.evenly(99), (0..10).collect::<Vec<_>>());
        assert_eq!(view.caption(4), "z, index 4");
    }

    #[test]
    fn captions_name_plane_and_side() {
        let (_, header) = orientations([4, 5, 6]).into_iter().find(|(code, _)| code == "LPS").unwrap();
        let mm = View::new(&header, Plane::Axial).position_mm(0).unwrap();
        assert_eq!(View::new(&header, Plane::Axial).caption(0), format!("Axial, index 0 · {mm:.1} mm (I)"));
        let mut tilted = header.clone();
        let (s, c) = (20f64.to_radians().sin(), 20f64.to_radians().cos());
        let position = tilted.grid.geometry.as_mut().unwrap().position.as_mut().unwrap();
        position.direction = [[1.0, 0.0, 0.0], [0.0, c, s], [0.0, -s, c]];
        assert!(View::new(&tilted, Plane::Axial).caption(0).starts_with("Axial (oblique), index 0 · "));
        tilted.grid.shape = Shape::new(&[4, 5]).unwrap();
        assert!(View::new(&tilted, Plane::Axial).caption(0).starts_with("Axial (oblique) · "));
    }

    #[test]
    fn what_a_caption_says_finds_the_slice_again() {
        for (code, mut header) in orientations([4, 5, 600]) {
            for spacing in [3.0, 0.05, 0.0007] {
                header.grid.geometry.as_mut().unwrap().spacing_mm = [spacing; 3];
                for view in Plane::ALL.map(|plane| View::new(&header, plane)) {
                    for index in 0..view.slices() {
                        let caption = view.caption(index);
                        let (name, mm) = caption.split_once(" · ").unwrap();
                        assert!(name.ends_with(&format!("index {index}")), "{caption}");
                        let mm: f64 = mm.split(' ').next().unwrap().parse().unwrap();
                        let distance = |i: u64| (view.position_mm(i).unwrap() - mm).abs();
                        let nearest = (0..view.slices()).min_by(|a, b| distance(*a).total_cmp(&distance(*b)));
                        assert_eq!(nearest, Some(index), "{code} {caption}");
                    }
                }
            }
        }
    }
}
