//! Where voxels lie, in space and time.

use super::{Geometry, Shape};

/// The grid of a volume.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid {
    /// Sizes of the axes, x fastest.
    pub shape: Shape,
    /// Spacing, and position where known.
    pub geometry: Option<Geometry>,
    /// Seconds from one volume of a time series to the next.
    pub time_step_s: Option<f64>,
    /// What tells the volumes of a 4-D image apart, the slowest first; empty if it is not known, or nothing but a regular time.
    pub volume_marks: Vec<VolumeMark>,
}

/// A quantity that differs between the volumes of a 4-D image: b-value, echo time, segment, trigger time.
#[derive(Debug, Clone, PartialEq)]
pub struct VolumeMark {
    /// The field's or the standard's name.
    pub name: String,
    /// Unit of the values; empty if they have none.
    pub unit: String,
    /// Of each volume.
    pub values: Vec<f64>,
}

impl Grid {
    /// A grid of which nothing is known but how many voxels it has.
    pub fn new(shape: Shape) -> Self {
        Self { shape, geometry: None, time_step_s: None, volume_marks: Vec::new() }
    }
}

impl std::fmt::Display for Grid {
    /// Shape and place, as an error gives them.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.shape)?;
        let Some(geometry) = &self.geometry else { return Ok(()) };
        let [x, y, z] = geometry.spacing_mm;
        write!(f, " at {x:.3} x {y:.3} x {z:.3} mm")?;
        let Some(position) = &geometry.position else { return Ok(()) };
        let [x, y, z] = position.origin_mm;
        write!(f, ", {} from ({x:.2}, {y:.2}, {z:.2}) mm (LPS+)", position.orientation_code())
    }
}
