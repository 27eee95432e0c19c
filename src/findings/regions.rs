//! Regions of a label map: a line for each label.

use std::collections::BTreeMap;

use super::rows::Value;
use super::{Provenance, Rows};
use crate::pipelines::LabelRegion;
use crate::volume::{Affine, Header};

/// What was found of all labels.
#[derive(Debug, Clone, Copy)]
pub struct RegionsFinding<'a> {
    /// Of the label map.
    pub labels: &'a Header,
    /// Of the image, if there is one.
    pub image: Option<&'a Header>,
    /// By volume, then by label.
    pub regions: &'a [LabelRegion],
    /// Of labels that have some.
    pub names: &'a BTreeMap<u16, String>,
}

impl RegionsFinding<'_> {
    /// A line for each region, as for JSON and CSV.
    fn line(&self, region: &LabelRegion) -> Rows {
        let several = self.regions.iter().any(|other| other.volume > 0);
        let timed = self.image.unwrap_or(self.labels).grid.time_step_s;
        let mut rows = Rows::new();
        if several {
            rows.add("time", "time", region.volume, "");
            rows.add("time_s", "", timed.map(|step| step * region.volume as f64), "s");
        }
        rows.add("label", "label", u64::from(region.label), "");
        if !self.names.is_empty() {
            rows.add("name", "name", Value::Text(self.names.get(&region.label).cloned().unwrap_or_default()), "");
        }
        rows.add("voxels", "voxels", region.voxels, "");
        let known = self.labels.grid.geometry.is_some();
        let measure = |value: f64| known.then_some(value);
        let shape = &region.shape;
        rows.add("volume_ml", "mL", measure(shape.volume_mm3 / 1000.0), "mL");
        rows.key("volume_mm3", measure(shape.volume_mm3));
        rows.key("low_voxel", region.low.map(Value::from).to_vec());
        rows.key("high_voxel", region.high.map(Value::from).to_vec());
        rows.key("centroid_voxel", region.centre);
        let placed = Affine::of_grid(&self.labels.grid);
        let corner = |at: [u64; 3]| placed.map(|affine| affine.apply(at.map(|n| n as f64)));
        rows.key("low_lps_mm", corner(region.low));
        rows.key("high_lps_mm", corner(region.high));
        rows.add("centroid_lps_mm", "centroid, LPS+ mm", placed.map(|affine| affine.apply(region.centre)), "mm");
        let spacing_mm = self.labels.grid.geometry.as_ref().map(|geometry| geometry.spacing_mm);
        let extent = |mm: [f64; 3]| [0, 1, 2].map(|axis| (region.high[axis] - region.low[axis] + 1) as f64 * mm[axis]);
        rows.key("extent_mm", spacing_mm.map(extent));
        for (key, value) in [
            ("volume_mesh_mm3", shape.volume_mesh_mm3),
            ("surface_mm2", shape.surface_mm2),
            ("surface_to_volume_per_mm", shape.surface_to_volume),
            ("max_diameter_mm", shape.max_diameter_mm),
        ] {
            rows.key(key, measure(value));
        }
        for (key, value) in [
            ("sphericity", shape.sphericity),
            ("asphericity", shape.asphericity),
            ("compactness_1", shape.compactness_1),
            ("compactness_2", shape.compactness_2),
            ("spherical_disproportion", shape.spherical_disproportion),
        ] {
            rows.key(key, measure(value));
        }
        for (key, value) in [
            ("major_axis_mm", shape.major_axis_mm),
            ("minor_axis_mm", shape.minor_axis_mm),
            ("least_axis_mm", shape.least_axis_mm),
        ] {
            rows.key(key, value.filter(|_| known));
        }
        rows.key("elongation", shape.elongation.filter(|_| known));
        rows.key("flatness", shape.flatness.filter(|_| known));
        if self.image.is_some() {
            self.intensities(region, &mut rows);
        }
        rows
    }

    fn intensities(&self, region: &LabelRegion, rows: &mut Rows) {
        let found = region.intensity.as_ref();
        let unit = self.image.map_or("", |image| image.meaning.unit.symbol());
        let f = found.map(|found| &found.features);
        for (key, words, value) in [
            ("mean", "mean", f.map(|f| f.mean)),
            ("std", "std", f.map(|f| f.variance.sqrt())),
            ("median", "median", f.map(|f| f.median)),
            ("min", "min", f.map(|f| f.min)),
            ("max", "max", f.map(|f| f.max)),
            ("variance", "", f.map(|f| f.variance)),
            ("skewness", "", f.map(|f| f.skewness)),
            ("kurtosis", "", f.map(|f| f.kurtosis)),
            ("p10", "", f.map(|f| f.p10)),
            ("p90", "", f.map(|f| f.p90)),
            ("iqr", "", f.map(|f| f.iqr)),
            ("range", "", f.map(|f| f.range)),
            ("mad", "", f.map(|f| f.mad)),
            ("robust_mad", "", f.map(|f| f.robust_mad)),
            ("median_ad", "", f.map(|f| f.median_ad)),
            ("cov", "", f.and_then(|f| f.cov)),
            ("qcod", "", f.and_then(|f| f.qcod)),
            ("energy", "", f.map(|f| f.energy)),
            ("rms", "", f.map(|f| f.rms)),
            ("entropy", "", f.map(|f| f.entropy)),
            ("uniformity", "", f.map(|f| f.uniformity)),
            ("mode", "", f.map(|f| f.mode)),
        ] {
            rows.add(key, words, value, unit);
        }
        rows.key("not_finite", found.map_or(0, |found| found.not_finite));
        let known = self.labels.grid.geometry.is_some();
        rows.key("integrated_intensity", f.filter(|_| known).map(|f| f.mean * region.shape.volume_mesh_mm3));
        let weighed = found.and_then(|found| found.centre);
        rows.key("weighted_centroid_voxel", weighed);
        let grid = self.image.map_or(&self.labels.grid, |image| &image.grid);
        let place = weighed.and_then(|at| Affine::of_grid(grid).map(|affine| affine.apply(at)));
        rows.key("weighted_centroid_lps_mm", place);
        rows.key("centre_shift_mm", weighed.and_then(|weighed| self.shift_mm(region, weighed)));
    }

    /// From the centre of the voxels to that of their intensities: in patient coordinates, or where these are not known on the grid that both share.
    fn shift_mm(&self, region: &LabelRegion, weighed: [f64; 3]) -> Option<f64> {
        let image = &self.image?.grid;
        let apart = |a: [f64; 3], b: [f64; 3]| (0..3).map(|i| (a[i] - b[i]).powi(2)).sum::<f64>().sqrt();
        if let (Some(own), Some(other)) = (Affine::of_grid(&self.labels.grid), Affine::of_grid(image)) {
            return Some(apart(own.apply(region.centre), other.apply(weighed)));
        }
        let spacing_mm = self.labels.grid.geometry.as_ref()?.spacing_mm;
        Some(apart([0, 1, 2].map(|i| region.centre[i] * spacing_mm[i]), [0, 1, 2].map(|i| weighed[i] * spacing_mm[i])))
    }

    /// A row for each region.
    pub fn lines(&self) -> Vec<Rows> {
        self.regions.iter().map(|region| self.line(region)).collect()
    }

    /// One object with a row for each region.
    pub fn rows(&self, provenance: &Provenance) -> Rows {
        let mut rows = Rows::new();
        rows.key("regions", self.regions.len() as u64);
        rows.key("rows", Value::List(self.lines().into_iter().map(Value::Rows).collect()));
        rows.key("unit", self.image.map(|image| image.meaning.unit.symbol().to_owned()));
        rows.key("device", provenance.device.as_str());
        rows.key("events", provenance.events.as_slice());
        rows
    }

    /// What people look at first.
    pub fn text(&self) -> String {
        match self.lines().as_slice() {
            [] => "no voxel has a label other than 0\n".into(),
            lines => Rows::columns(lines).table(),
        }
    }

    /// All of it as CSV.
    pub fn csv(&self) -> String {
        Rows::columns(&self.lines()).csv()
    }
}
