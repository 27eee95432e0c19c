//! How far voxels lie from the edge of a mask.

use super::header::shape;
use super::pictures::greys;
use super::rows::Value;
use super::words::{count, number};
use super::{Note, Provenance, Rows};
use crate::Result;
use crate::pipelines::{DistanceMap, DistanceOf, Measured};
use crate::report::{Key, Panel, Shade, Slice, Svg, colours, figure};
use crate::volume::{Dtype, Header};

/// A distance map that was made of a mask.
#[derive(Debug, Clone, Copy)]
pub struct DistanceFinding<'a> {
    /// Of the map.
    pub header: &'a Header,
    /// What was asked for.
    pub map: &'a DistanceMap,
    /// What was found.
    pub measured: Measured,
}

impl DistanceFinding<'_> {
    /// The unit of the map's values.
    pub fn unit(&self) -> &'static str {
        match (self.map.spacing_mm, self.map.squared) {
            (Some(_), false) => "mm",
            (Some(_), true) => "mm2",
            (None, false) => "voxels",
            (None, true) => "voxels2",
        }
    }

    /// What the reader should know before using the result.
    pub fn notes(&self) -> Vec<Note> {
        let unknown = self.map.spacing_mm.is_none().then_some(Note::SpacingUnknown);
        let error = self.map.units.error;
        unknown.into_iter().chain((error > 0.0).then_some(Note::CoarseUnit { error })).collect()
    }

    /// The largest distance of a measured side.
    fn largest(&self, side: DistanceOf) -> Option<f64> {
        let square = if side == DistanceOf::Inside { self.measured.deepest } else { self.measured.farthest };
        (self.map.of == side || self.map.of == DistanceOf::Signed).then(|| f64::from(self.map.real(square)))
    }

    /// Shape, units, and both sides of the mask.
    pub fn rows(&self, provenance: &Provenance) -> Rows {
        let of = match self.map.of {
            DistanceOf::Inside => "inside",
            DistanceOf::Outside => "outside",
            DistanceOf::Signed => "signed",
        };
        let units = &self.map.units;
        let mut rows = Rows::new();
        rows.key("shape", shape(self.header));
        rows.key("dtype", Dtype::F32.name());
        rows.key("of", of);
        rows.key("squared", self.map.squared);
        rows.key("unit", self.unit());
        rows.key("spacing_mm", self.map.spacing_mm);
        rows.key("weights", units.weights.map(Value::from).to_vec());
        rows.key("weight_unit", units.unit_mm);
        rows.key("relative_error", units.error);
        rows.key("inside_voxels", self.measured.inside);
        rows.key("outside_voxels", self.measured.outside);
        rows.key("largest_inside", self.largest(DistanceOf::Inside));
        rows.key("largest_outside", self.largest(DistanceOf::Outside));
        rows.key("scratch_bytes", self.measured.scratch_bytes);
        rows.key("notes", provenance.notes(&self.notes()));
        rows.key("device", provenance.device.as_str());
        rows.key("events", provenance.events.as_slice());
        rows
    }

    /// Shape and device, then both sides.
    pub fn text(&self, provenance: &Provenance) -> String {
        let mut rows = Rows::new();
        for (name, side, voxels) in
            [("inside", DistanceOf::Inside, self.measured.inside), ("outside", DistanceOf::Outside, self.measured.outside)]
        {
            let far = self.largest(side).map(|far| format!(", up to {} {}", number(far), self.unit())).unwrap_or_default();
            rows.words(name, format!("{} voxels{far}", count(voxels)), "");
        }
        format!("{} float32, on {}\n{}", self.header.grid.shape, provenance.device, rows.text())
    }

    /// Slices of the map in greys, from its least value to its largest, with the outline of the mask.
    ///
    /// # Errors
    /// What drawing gives.
    pub fn figure(&self, slices: &[Slice]) -> Result<Svg> {
        let low = if self.map.of == DistanceOf::Signed { self.largest(DistanceOf::Inside).map_or(0.0, |far| -far) } else { 0.0 };
        let high = self.largest(DistanceOf::Outside).or(self.largest(DistanceOf::Inside)).unwrap_or(1.0);
        let shade = Shade::over(self.header, low, high);
        let rescale = &self.header.meaning.rescale;
        let mut panel = Panel { pictures: greys(self.header, slices, rescale, &shade)?, ..Panel::default() };
        for (picture, slice) in panel.pictures.iter_mut().zip(slices) {
            *picture = picture.clone().outlined(&self.inside(slice), colours::OUTLINE);
        }
        let name = format!("mask; black {}, white {} {}", number(low), number(high), self.unit());
        panel.keys.push(Key { name, colour: colours::OUTLINE });
        figure::side_by_side("Distance", &[panel])
    }

    /// A slice of the map as the mask that it was made of.
    fn inside(&self, slice: &Slice) -> Slice {
        let of = self.map.of;
        let is_inside = |far: f64| match of {
            DistanceOf::Inside => far > 0.0,
            DistanceOf::Outside => far == 0.0,
            DistanceOf::Signed => far < 0.0,
        };
        let bytes =
            slice.bytes.chunks_exact(slice.dtype.bytes()).map(|far| u8::from(is_inside(slice.dtype.decode(far)))).collect();
        Slice { dtype: Dtype::U8, bytes, ..slice.clone() }
    }
}
