//! What the screen shows, as plain data: what a restart comes back to, and what the command line repeats.

use std::collections::BTreeSet;

use hounsfield::analysis::windows;
use hounsfield::report::{Plane, View};
use serde::{Deserialize, Serialize};

use crate::study::Study;

/// Which greys real values get.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Windowing {
    /// The file's own window if it shows the data, else the 1st to the 99th percentile.
    Default,
    /// From black to white.
    Range(f64, f64),
    /// A usual window of CT, by name.
    Preset(String),
}

/// Equalisation of what is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Equalising {
    /// None.
    Off,
    /// Over all values.
    Global,
    /// Over the values within the window.
    Range,
}

/// Classes by value, in colours over the greys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ValueClasses {
    /// None.
    Off,
    /// Otsu's thresholds between so many classes.
    Otsu(usize),
    /// A Gaussian mixture of so many classes.
    Mixture(usize),
}

/// What becomes of rays in the fourth pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RayKind {
    /// The greatest.
    Greatest,
    /// The least.
    Least,
    /// The mean.
    Mean,
}

/// One pane: a plane, and how it is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PaneView {
    /// Times the size that fits.
    pub zoom: f64,
    /// What lies in the middle, from the middle of the plane, as shares of its sides.
    pub pan: [f64; 2],
}

impl PaneView {
    /// All of the plane.
    pub const FIT: Self = Self { zoom: 1.0, pan: [0.0; 2] };
}

/// The whole screen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scene {
    /// The voxel under the crosshair.
    pub cross: [u64; 3],
    /// The point in time.
    pub time: u64,
    /// Greys.
    pub window: Windowing,
    /// Low values bright.
    pub inverted: bool,
    /// Equalised.
    pub equalising: Equalising,
    /// Classes by value.
    pub classes: ValueClasses,
    /// Labels shown.
    pub labels: bool,
    /// How much of a pixel a label takes, from 0 to 1.
    pub opacity: f32,
    /// Labels as outlines.
    pub outline: bool,
    /// Labels that are not shown.
    pub hidden: BTreeSet<u32>,
    /// Patients seen from their feet, as radiologists do; else from their head.
    pub radiological: bool,
    /// Between voxels, greys in between.
    pub smooth: bool,
    /// Axial, coronal, sagittal, projection.
    pub panes: [PaneView; 4],
    /// The pane that fills the window.
    pub large: Option<usize>,
    /// Along which plane the fourth pane looks, and how.
    pub projection: Plane3,
    /// What its rays become.
    pub ray: RayKind,
    /// Only so many mm around the crosshair; all of the volume without.
    pub slab_mm: Option<f64>,
}

/// A plane, as data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Plane3 {
    /// Across the body.
    Axial,
    /// From front to back.
    Coronal,
    /// From side to side.
    Sagittal,
}

impl Plane3 {
    /// The library's.
    pub fn plane(self) -> Plane {
        match self {
            Self::Axial => Plane::Axial,
            Self::Coronal => Plane::Coronal,
            Self::Sagittal => Plane::Sagittal,
        }
    }
}

impl Default for Scene {
    fn default() -> Self {
        Self {
            cross: [0; 3],
            time: 0,
            window: Windowing::Default,
            inverted: false,
            equalising: Equalising::Off,
            classes: ValueClasses::Off,
            labels: true,
            opacity: 0.45,
            outline: false,
            hidden: BTreeSet::new(),
            radiological: true,
            smooth: true,
            panes: [PaneView::FIT; 4],
            large: None,
            projection: Plane3::Coronal,
            ray: RayKind::Greatest,
            slab_mm: None,
        }
    }
}

impl Scene {
    /// The middle of a volume, all as usual.
    pub fn of(study: &Study) -> Self {
        let mut scene = Self { cross: study.shape().map(|n| n / 2), time: study.time, ..Self::default() };
        if study.shape()[2] == 1 {
            scene.large = Some(pane_of(View::native(study.header())));
        }
        scene
    }

    /// Holds everything within another volume.
    pub fn fit(&mut self, study: &Study) {
        let shape = study.shape();
        self.cross = [0, 1, 2].map(|axis| self.cross[axis].min(shape[axis] - 1));
        self.time = study.time;
    }

    /// The slice of a plane that goes through the crosshair.
    pub fn index(&self, view: &View) -> u64 {
        self.cross[view.axis()]
    }

    /// Moves the crosshair by slices of a plane.
    pub fn step(&mut self, view: &View, by: i64) {
        let axis = view.axis();
        self.cross[axis] = self.cross[axis].saturating_add_signed(by).min(view.slices() - 1);
    }

    /// The next of the presets: the default, the window names of CT, and back.
    pub fn next_preset(&mut self) {
        let names: Vec<&str> = windows::PRESETS.iter().map(|preset| preset.0).collect();
        let at = match &self.window {
            Windowing::Preset(name) => names.iter().position(|own| own == name),
            _ => None,
        };
        let next = at.map_or(0, |at| at + 1);
        self.window = names.get(next).map_or(Windowing::Default, |name| Windowing::Preset((*name).to_owned()));
    }
}

/// Which pane shows a plane.
pub fn pane_of(plane: Plane) -> usize {
    match plane {
        Plane::Axial => 0,
        Plane::Coronal => 1,
        Plane::Sagittal => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_go_round() {
        let mut scene = Scene::default();
        let mut seen = Vec::new();
        for _ in 0..=windows::PRESETS.len() {
            scene.next_preset();
            seen.push(scene.window.clone());
        }
        assert_eq!(seen[0], Windowing::Preset("lung".into()));
        assert_eq!(seen.last(), Some(&Windowing::Default));
    }

    #[test]
    fn a_scene_survives_json() {
        let scene = Scene { cross: [1, 2, 3], window: Windowing::Range(-100.0, 300.0), ..Scene::default() };
        assert_eq!(serde_json::from_str::<Scene>(&serde_json::to_string(&scene).unwrap()).unwrap(), scene);
    }
}
