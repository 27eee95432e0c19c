//! Connected components: a row for each, with its size and place.

use super::header::shape;
use super::words::{count, number};
use super::{Provenance, Rows, Value};
use crate::Result;
use crate::ops::components::{ComponentFacts, Connectivity};
use crate::pipelines::{ComponentMap, Labelling};
use crate::report::{Panel, Plane, Slice, Svg, View, figure};
use crate::volume::{Affine, Header};

/// A label map of components that was made.
#[derive(Clone, Copy)]
pub struct ComponentsFinding<'a> {
    /// The map.
    pub map: &'a ComponentMap,
    /// What was asked for.
    pub what: &'a Labelling,
}

/// Components that people read of in text; programs read all in a table.
const TOLD: usize = 20;

/// Rows of a JSON object at most: beyond, a table is the better place.
const MOST_ROWS: usize = 100_000;

/// Rows that are made and written at a time.
const CHUNK: usize = 4096;

impl ComponentsFinding<'_> {
    fn header(&self) -> &Header {
        self.map.header()
    }

    /// Components of all volumes.
    pub fn components(&self) -> usize {
        self.map.tables().map(<[_]>::len).sum()
    }

    /// Neighbours of a voxel.
    fn neighbours(&self) -> u64 {
        let flat = self.header().grid.shape.axis(2) == 1;
        match self.what.connectivity {
            Connectivity::Faces if flat => 4,
            Connectivity::Faces => 6,
            _ if flat => 8,
            Connectivity::Edges => 18,
            Connectivity::Corners => 26,
        }
    }

    /// A row for each component, volume by volume.
    fn each_row(&self) -> impl Iterator<Item = Rows> {
        let place = ComponentPlace::of(self.header());
        let times = self.header().grid.shape.volumes() > 1;
        let per_label = self.what.per_label;
        let all = self.map.tables().enumerate().flat_map(|(time, table)| (1u64..).zip(table).map(move |one| (time, one)));
        all.map(move |(time, (label, facts))| {
            let mut rows = Rows::new();
            rows.add("label", "label", label, "");
            if times {
                rows.add("time", "time", time, "");
            }
            if per_label {
                rows.add("value", "of label", u64::from(facts.value), "");
            }
            rows.extend(place.rows(facts));
            rows
        })
    }

    /// One table of all components as CSV.
    pub fn csv(&self) -> String {
        let mut rows = self.each_row().peekable();
        let (mut text, mut begun) = (String::new(), false);
        if rows.peek().is_none() {
            // The names of the columns, for who reads them by name.
            let row = ComponentPlace::of(self.header()).rows(&NOTHING);
            let times = self.header().grid.shape.volumes() > 1;
            let more = times.then_some("time").into_iter().chain(self.what.per_label.then_some("value"));
            let keys = ["label"].into_iter().chain(more).map(str::to_owned);
            let keys: Vec<_> = keys.chain(row.iter().filter(|r| !r.key.is_empty()).map(|r| r.key.to_string())).collect();
            return keys.join(",") + "\n";
        }
        while rows.peek().is_some() {
            let lines: Vec<Rows> = rows.by_ref().take(CHUNK).collect();
            let part = Rows::columns(&lines).csv();
            text += if begun { part.split_once('\n').map_or("", |(_, rest)| rest) } else { &part };
            begun = true;
        }
        text
    }

    /// How many components there are beyond those that [rows](Self::rows) holds.
    pub fn left_out(&self) -> usize {
        self.components().saturating_sub(MOST_ROWS)
    }

    /// What was found as a whole, and a row for each component.
    pub fn rows(&self, provenance: &Provenance) -> Rows {
        let header = self.header();
        let mut rows = Rows::new();
        rows.key("shape", shape(header));
        rows.key("dtype", header.meaning.dtype.name());
        rows.key("connectivity", self.neighbours());
        rows.key("per_label", self.what.per_label);
        rows.key("spacing_mm", header.grid.geometry.as_ref().map(|g| g.spacing_mm));
        rows.key("components", self.components());
        rows.key("components_found", self.map.found);
        rows.key("holes_filled", self.map.filled.holes);
        rows.key("hole_voxels", self.map.filled.voxels);
        rows.key("rows", self.each_row().take(MOST_ROWS).map(Value::from).collect::<Vec<_>>());
        rows.key("rows_left_out", self.left_out());
        rows.key("notes", provenance.notes(&[]));
        rows.key("device", provenance.device.as_str());
        rows.key("events", provenance.events.as_slice());
        rows
    }

    /// Shape, type and device, how many there are, and a table of the first ones.
    pub fn text(&self, provenance: &Provenance) -> String {
        let (header, map, all) = (self.header(), self.map, self.components());
        let mut text = format!("{} {}, on {}\n", header.grid.shape, header.meaning.dtype, provenance.device);
        text += &format!("{} components of {} neighbours", count(all as u64), self.neighbours());
        if map.found != all as u64 {
            text += &format!(", of {} found", count(map.found));
        }
        if map.filled.holes > 0 {
            text += &format!("; {} holes of {} voxels filled", count(map.filled.holes), count(map.filled.voxels));
        }
        text.push('\n');
        let first: Vec<Rows> = self.each_row().take(TOLD).collect();
        if !first.is_empty() {
            text += &Rows::columns(&first).table();
        }
        if all > TOLD {
            text += &format!("and {} more\n", count((all - TOLD) as u64));
        }
        text
    }

    /// The slices through the middle of the largest component of the first volume, one in each plane: where a figure is worth looking at.
    pub fn picks(&self) -> Vec<(Plane, u64)> {
        let header = self.header();
        let largest = self.map.tables().next().and_then(|table| table.iter().rev().max_by_key(|facts| facts.voxels));
        let index = |plane| {
            let view = View::new(header, plane);
            largest.map_or(view.middle(), |facts| {
                let axis = view.axis();
                (facts.sums[axis] as f64 / facts.voxels as f64).round() as u64
            })
        };
        View::planes(header).into_iter().map(|plane| (plane, index(plane))).collect()
    }

    /// These slices of the map in the colours of labels.
    ///
    /// # Errors
    /// What drawing gives.
    pub fn figure(&self, slices: &[Slice]) -> Result<Svg> {
        let panel = Panel { pictures: super::pictures::colours(self.header(), slices)?, ..Panel::default() };
        let title = format!("{} components", count(self.components() as u64));
        figure::side_by_side(&title, &[panel])
    }
}

const NOTHING: ComponentFacts = ComponentFacts { voxels: 0, first: 0, low: [0; 3], high: [0; 3], sums: [0; 3], value: 1 };

/// What voxels are in millimetres, where that is known.
struct ComponentPlace {
    /// Voxel indices to patient coordinates (LPS+), or where a file has none to distances from the first voxel.
    to_mm: Option<Affine>,
    in_patient: bool,
    /// mm³ of a voxel, or mm² in a single slice.
    size: Option<f64>,
    flat: bool,
}

impl ComponentPlace {
    fn of(header: &Header) -> Self {
        let (grid, geometry) = (&header.grid, header.grid.geometry.as_ref());
        let flat = grid.shape.axis(2) == 1;
        let in_patient = Affine::of_grid(grid);
        Self {
            in_patient: in_patient.is_some(),
            to_mm: in_patient.or_else(|| geometry.map(|g| Affine::scaled(g.spacing_mm, [0.0; 3]))),
            size: geometry.map(|g| if flat { g.spacing_mm[0] * g.spacing_mm[1] } else { g.voxel_mm3() }),
            flat,
        }
    }

    /// Size, box and centre of a component. A box in voxels has its first and its last voxel in it; in millimetres it reaches to the outer faces of these.
    fn rows(&self, facts: &ComponentFacts) -> Rows {
        const AXES: [char; 3] = ['x', 'y', 'z'];
        let mut rows = Rows::new();
        let size = self.size.map(|size| size * facts.voxels as f64);
        rows.add("voxels", "voxels", facts.voxels, "");
        if self.flat {
            rows.add("area_mm2", "mm2", size, "");
        } else {
            rows.key("volume_mm3", size);
            rows.add("volume_ml", "mL", size.map(|mm3| mm3 / 1000.0), "");
        }
        for (axis, name) in AXES.iter().enumerate() {
            rows.key(format!("{name}_min"), u64::from(facts.low[axis]));
            rows.key(format!("{name}_max"), u64::from(facts.high[axis]));
        }
        let text = [0, 1, 2].map(|axis| format!("{}:{}", facts.low[axis], u64::from(facts.high[axis]) + 1)).join(",");
        rows.words("box", Value::Text(text), "");
        let bounds = self.to_mm.map(|to_mm| bounds(&to_mm, facts));
        for (axis, name) in AXES.iter().enumerate() {
            rows.key(format!("{name}_min_mm"), bounds.map(|(low, _)| low[axis]));
            rows.key(format!("{name}_max_mm"), bounds.map(|(_, high)| high[axis]));
        }
        let centre = facts.sums.map(|sum| sum as f64 / facts.voxels as f64);
        let centre_mm = self.to_mm.map(|to_mm| to_mm.apply(centre));
        for (axis, name) in AXES.iter().enumerate() {
            rows.key(format!("centroid_{name}"), centre[axis]);
        }
        for (axis, name) in AXES.iter().enumerate() {
            rows.key(format!("centroid_{name}_mm"), centre_mm.map(|centre| centre[axis]));
        }
        let told = |all: [f64; 3]| all.map(|v| number((v * 1e3).round() / 1e3)).join(", ");
        let (words, centre) = match centre_mm {
            Some(mm) if self.in_patient => ("centroid, mm (LPS+)", mm),
            Some(mm) => ("centroid, mm", mm),
            None => ("centroid, voxels", centre),
        };
        rows.words(words, Value::Text(told(centre)), "");
        rows
    }
}

/// The least and the greatest coordinates of a component's box, faces included.
fn bounds(to_mm: &Affine, facts: &ComponentFacts) -> ([f64; 3], [f64; 3]) {
    let (mut low, mut high) = ([f64::INFINITY; 3], [f64::NEG_INFINITY; 3]);
    for corner in 0..8 {
        let end = |axis: usize| {
            if corner >> axis & 1 == 1 { f64::from(facts.high[axis]) + 0.5 } else { f64::from(facts.low[axis]) - 0.5 }
        };
        for (axis, mm) in to_mm.apply([end(0), end(1), end(2)]).into_iter().enumerate() {
            (low[axis], high[axis]) = (low[axis].min(mm), high[axis].max(mm));
        }
    }
    (low, high)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::pipelines::{Device, Run};
    use crate::volume::{Dtype, Geometry, Position, Shape, Volume};

    #[test]
    fn a_row_has_the_place_in_the_patient() {
        // Of 4 x 3 x 2 voxels two pairs, on a grid whose y runs the other way.
        let mut header = Header::new(Shape::new(&[4, 3, 2]).unwrap(), Dtype::U8);
        let direction = [[1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 1.0]];
        header.grid.geometry = Some(Geometry {
            spacing_mm: [0.5, 2.0, 10.0],
            position: Some(Position { origin_mm: [100.0, 50.0, -7.0], direction }),
        });
        let mut voxels = vec![0; 24];
        (voxels[0], voxels[1], voxels[11], voxels[23]) = (1, 1, 1, 1);
        let volume = Arc::new(Volume::new(header, voxels).unwrap());
        let what = Labelling::default();
        let map = ComponentMap::new(what.chosen(volume), &what, &Run::silent(&Device::cpu())).unwrap();
        let finding = ComponentsFinding { map: &map, what: &what };
        let json = finding.rows(&Provenance::new("CPU")).json();
        assert_eq!((&json["components"], &json["rows_left_out"]), (&2.into(), &0.into()));
        let second = &json["rows"][1];
        for (key, value) in [
            ("label", 2.0),
            ("voxels", 2.0),
            ("volume_mm3", 20.0),
            ("volume_ml", 0.02),
            ("x_min", 3.0),
            ("z_max", 1.0),
            ("x_min_mm", 101.25),
            ("x_max_mm", 101.75),
            ("y_min_mm", 45.0),
            ("y_max_mm", 47.0),
            ("z_min_mm", -12.0),
            ("z_max_mm", 8.0),
            ("centroid_z", 0.5),
            ("centroid_x_mm", 101.5),
            ("centroid_y_mm", 46.0),
            ("centroid_z_mm", -2.0),
        ] {
            assert_eq!(second[key].as_f64(), Some(value), "{key}: {second}");
        }
        let table = finding.csv();
        assert!(table.starts_with("label,voxels,volume_mm3,volume_ml,x_min,x_max,"), "{table}");
        assert_eq!(table.lines().count(), 3);
        let text = finding.text(&Provenance::new("CPU"));
        assert!(text.contains("2 components of 26 neighbours") && text.contains("101.5, 46, -2"), "{text}");
    }
}
