//! The metadata of OME (versions 0.4 and 0.5): the levels of an image, what their axes are, and where their numbers lie.

use std::path::Path;

use serde_json::Value;

use super::folder::below;
use super::json::{numbers, text};
use crate::io::length::{millimetres, positive, seconds};
use crate::io::stored::broken;
use crate::volume::{Geometry, Position};
use crate::{Error, Result};

/// Images that one group is believed to describe: as a rule it is one.
const MOST_IMAGES: usize = 1000;

/// What an axis runs along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Along {
    /// x, y or z, counted from 0.
    Space(usize),
    Time,
    /// Channels, or whatever else numbers of one place differ in.
    Channel,
}

/// One axis.
#[derive(Debug, Clone, PartialEq)]
struct OmeAxis {
    along: Along,
    /// Millimetres or seconds of its unit.
    unit: Option<f64>,
    /// The axis of LPS+ it runs along, and whether towards its end.
    patient: Option<(usize, bool)>,
}

/// An image at one resolution.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct OmeLevel {
    /// The key of its array.
    pub(super) key: String,
    /// For each axis; none if the file does not say.
    scale: Option<Vec<f64>>,
    translation: Option<Vec<f64>>,
}

/// An image at several resolutions, the largest first.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Multiscale {
    axes: Vec<OmeAxis>,
    pub(super) levels: Vec<OmeLevel>,
    /// Its values are labels.
    pub(super) labels: bool,
}

/// Ways in which an axis may run along one of the patient (the OME RFC on anatomical orientation): along L, P or S, or against it.
pub(super) const ORIENTATIONS: [(&str, usize, bool); 6] = [
    ("right-to-left", 0, true),
    ("left-to-right", 0, false),
    ("anterior-to-posterior", 1, true),
    ("posterior-to-anterior", 1, false),
    ("inferior-to-superior", 2, true),
    ("superior-to-inferior", 2, false),
];

impl Multiscale {
    /// The images that the metadata of a group tell of; none if they tell of none. `key` is the group's.
    ///
    /// # Errors
    /// [`Error::Format`] and [`Error::Unsupported`], with the path.
    pub(super) fn all(path: &Path, key: &str, ome: &Value) -> Result<Option<Vec<Self>>> {
        let images = match &ome["multiscales"] {
            Value::Null => return Ok(None),
            Value::Array(images) if (1..=MOST_IMAGES).contains(&images.len()) => images,
            _ => return Err(broken(path, "multiscales is no list of 1 to 1000 images")),
        };
        let labels = !ome["image-label"].is_null();
        images.iter().map(|image| Self::read(path, key, image, labels)).collect::<Result<_>>().map(Some)
    }

    fn read(path: &Path, key: &str, image: &Value, labels: bool) -> Result<Self> {
        let axes = match &image["axes"] {
            Value::Array(axes) if axes.iter().all(Value::is_object) => axes,
            _ => {
                let what = "an image whose axes are not described, as OME-Zarr before version 0.4 has it";
                return Err(Error::unsupported(path, what, "convert it to version 0.4 or 0.5"));
            }
        };
        let axes = described(path, axes)?;
        let whole = Transform::read(path, &image["coordinateTransformations"], axes.len())?;
        let levels = image["datasets"].as_array().filter(|list| !list.is_empty());
        let levels = levels.ok_or_else(|| broken(path, "an image without datasets"))?.iter().map(|level| {
            let inside = below(key, text(path, &level["path"], "the path of a dataset")?);
            let key = inside.ok_or_else(|| broken(path, "the path of a dataset leads out of the folder"))?;
            let own = Transform::read(path, &level["coordinateTransformations"], axes.len())?;
            let both = own.then(&whole);
            Ok(OmeLevel { key, scale: both.scale, translation: both.translation })
        });
        let levels = levels.collect::<Result<_>>()?;
        Ok(Self { axes, levels, labels })
    }

    /// How many axes its arrays must have.
    pub(super) fn axes(&self) -> usize {
        self.axes.len()
    }

    /// Which axis of its arrays runs along this.
    pub(super) fn axis(&self, along: Along) -> Option<usize> {
        self.axes.iter().position(|axis| axis.along == along)
    }

    /// Where the numbers of a level with so many slices lie, if that is known, and what was left out.
    pub(super) fn geometry(&self, level: &OmeLevel, slices: u64) -> (Option<Geometry>, Vec<String>) {
        let mut notes = Vec::new();
        let Some(scale) = &level.scale else { return (None, vec!["the image has no scale: no spacing is taken".into()]) };
        let space: Vec<(usize, usize, &OmeAxis)> = self
            .axes
            .iter()
            .enumerate()
            .filter_map(|(i, axis)| if let Along::Space(a) = axis.along { Some((i, a, axis)) } else { None })
            .collect();
        // A lone slice needs no distance to the next.
        let mut spacing = [None, None, (slices == 1).then_some(1.0)];
        for (i, a, axis) in &space {
            spacing[*a] = axis.unit.and_then(|mm| positive(scale[*i], mm)).or(spacing[*a]);
        }
        let [Some(x), Some(y), Some(z)] = spacing else {
            let what = if space.iter().any(|(.., axis)| axis.unit.is_none()) {
                "an axis of space has no unit of length: no spacing is taken"
            } else {
                "the scale of an axis is no length: no spacing is taken"
            };
            return (None, vec![what.into()]);
        };
        let mut geometry = Geometry::spacing([x, y, z]);
        let mut places = [false; 3];
        let mut position = Position { origin_mm: [0.0; 3], direction: [[0.0; 3]; 3] };
        for (i, a, axis) in &space {
            let (Some((patient, forward)), Some(mm)) = (axis.patient, axis.unit) else { continue };
            let sign = if forward { 1.0 } else { -1.0 };
            let translation = level.translation.as_ref().map_or(0.0, |all| all[*i]);
            position.origin_mm[patient] = sign * scaled(translation, mm);
            position.direction[*a][patient] = sign;
            places[patient] = true;
        }
        if places == [true; 3] && position.origin_mm.iter().all(|mm| mm.is_finite()) {
            geometry.position = Some(position);
        } else if level.translation.as_ref().is_some_and(|all| space.iter().any(|(i, ..)| all[*i] != 0.0)) {
            notes.push("the translation is not taken: nothing says how the axes lie in a patient".into());
        }
        (Some(geometry), notes)
    }

    /// Seconds from a volume to the next.
    pub(super) fn time_step_s(&self, level: &OmeLevel) -> Option<f64> {
        let i = self.axis(Along::Time)?;
        positive(level.scale.as_ref()?[i], self.axes[i].unit?)
    }
}

/// As [`positive`] rounds, whatever the sign.
fn scaled(number: f64, unit: f64) -> f64 {
    positive(number.abs(), unit).unwrap_or(0.0).copysign(number)
}

/// What the axes are; x and y are among them, and nothing twice.
fn described(path: &Path, axes: &[Value]) -> Result<Vec<OmeAxis>> {
    let names = axes.iter().map(|axis| text(path, &axis["name"], "the name of an axis")).collect::<Result<Vec<_>>>()?;
    let of_space = |i: usize| match axes[i]["type"].as_str() {
        Some(kind) => kind == "space",
        None => matches!(names[i], "x" | "y" | "z"),
    };
    let space: Vec<usize> = (0..axes.len()).filter(|i| of_space(*i)).collect();
    let letters: Option<Vec<usize>> =
        space.iter().map(|i| ["x", "y", "z"].iter().position(|l| names[*i].eq_ignore_ascii_case(l))).collect();
    let mut found = Vec::new();
    for (i, axis) in axes.iter().enumerate() {
        let place = space.iter().position(|at| *at == i);
        let time = match axis["type"].as_str() {
            Some(kind) => kind == "time",
            None => names[i] == "t",
        };
        let unit = axis["unit"].as_str();
        let (along, unit) = match (place, time) {
            // Of axes with other names the last is x.
            (Some(n), _) => {
                let letter = letters.as_ref().map_or(space.len() - 1 - n, |letters| letters[n]);
                (Along::Space(letter), unit.and_then(millimetres))
            }
            (None, true) => (Along::Time, unit.and_then(seconds)),
            (None, false) => (Along::Channel, None),
        };
        let orientation = axis["orientation"]["value"].as_str();
        let patient =
            ORIENTATIONS.iter().find(|(name, ..)| Some(*name) == orientation).map(|(_, axis, forward)| (*axis, *forward));
        found.push(OmeAxis { along, unit, patient });
    }
    let count = |along| found.iter().filter(|axis| axis.along == along).count();
    let known = [0, 1].iter().all(|a| count(Along::Space(*a)) == 1)
        && (2..=3).contains(&space.len())
        && [Along::Space(2), Along::Time, Along::Channel].iter().all(|along| count(*along) <= 1);
    if known {
        return Ok(found);
    }
    let what = "an image whose axes are not x and y, with z, a time and channels or without";
    Err(Error::unsupported(path, what, "save it again with axes t, c, z, y, x"))
}

/// What takes places of numbers to coordinates: first scaled, then moved. None of either is as good as 1 or 0.
#[derive(Debug, Clone, PartialEq, Default)]
struct Transform {
    scale: Option<Vec<f64>>,
    translation: Option<Vec<f64>>,
}

impl Transform {
    /// Reads a list of transformations, which follow each other.
    fn read(path: &Path, list: &Value, axes: usize) -> Result<Self> {
        let list = match list {
            Value::Null => return Ok(Self::default()),
            Value::Array(list) => list,
            _ => return Err(broken(path, "coordinateTransformations is no list")),
        };
        list.iter().try_fold(Self::default(), |before, step| {
            let next = match step["type"].as_str() {
                Some("identity") => Self::default(),
                Some("scale") if !step["scale"].is_null() => {
                    Self { scale: Some(numbers(path, &step["scale"], "a scale", axes)?), translation: None }
                }
                Some("translation") if !step["translation"].is_null() => {
                    Self { scale: None, translation: Some(numbers(path, &step["translation"], "a translation", axes)?) }
                }
                _ => {
                    let what = "a coordinate transformation that is neither a scale nor a translation";
                    return Err(Error::unsupported(path, what, "save the image again with scale and translation"));
                }
            };
            Ok(before.then(&next))
        })
    }

    /// This one, and the `next` behind it.
    fn then(self, next: &Self) -> Self {
        let product = |a: Vec<f64>, b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).collect::<Vec<f64>>();
        let times = |mine: Option<Vec<f64>>| match (mine, &next.scale) {
            (Some(mine), Some(scale)) => Some(product(mine, scale)),
            (mine, _) => mine,
        };
        let moved = times(self.translation);
        Self {
            scale: times(self.scale).or_else(|| next.scale.clone()),
            translation: match (moved, &next.translation) {
                (Some(a), Some(b)) => Some(a.iter().zip(b).map(|(a, b)| a + b).collect()),
                (a, b) => a.or_else(|| b.clone()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn image(axes: &Value, own: &Value, whole: &Value) -> Result<Multiscale> {
        let json = json!({"axes": axes, "coordinateTransformations": whole, "datasets": [{"path": "0", "coordinateTransformations": own}]});
        Multiscale::read(Path::new("a.zarr"), "", &json, false)
    }

    fn axes(unit: &str) -> Value {
        let space = |name| json!({"name": name, "type": "space", "unit": unit});
        json!([{"name": "t", "type": "time", "unit": "millisecond"}, {"name": "c", "type": "channel"}, space("z"), space("y"), space("x")])
    }

    #[test]
    fn transformations_follow_each_other() {
        let own =
            json!([{"type": "scale", "scale": [1, 1, 2, 0.5, 0.25]}, {"type": "translation", "translation": [0, 0, 1, 2, 3]}]);
        let whole =
            json!([{"type": "scale", "scale": [100, 1, 10, 10, 10]}, {"type": "translation", "translation": [0, 0, 5, 5, 5]}]);
        let found = image(&axes("micrometer"), &own, &whole).unwrap();
        let level = &found.levels[0];
        assert_eq!(level.scale.as_deref().unwrap(), [100.0, 1.0, 20.0, 5.0, 2.5]);
        assert_eq!(level.translation.as_deref().unwrap(), [0.0, 0.0, 15.0, 25.0, 35.0]);
        let (geometry, notes) = found.geometry(level, 4);
        assert_eq!(geometry, Some(Geometry::spacing([0.0025, 0.005, 0.02])));
        assert!(notes[0].contains("translation is not taken"), "{notes:?}");
        assert_eq!(found.time_step_s(level), Some(0.1));
        assert_eq!(
            (found.axis(Along::Channel), found.axis(Along::Space(2)), found.axis(Along::Time)),
            (Some(1), Some(2), Some(0))
        );
    }

    #[test]
    fn a_spacing_needs_units_and_lengths() {
        let scale = |scale: Value| json!([{"type": "scale", "scale": scale}]);
        for (axes, scale, says) in [
            (axes("parrot"), scale(json!([1, 1, 1, 1, 1])), "no unit"),
            (axes("millimeter"), scale(json!([1, 1, 1, 0, 1])), "no length"),
            (axes("millimeter"), json!([]), "no scale"),
        ] {
            let found = image(&axes, &scale, &Value::Null).unwrap();
            let (geometry, notes) = found.geometry(&found.levels[0], 4);
            assert!(geometry.is_none() && notes[0].contains(says), "{notes:?}");
        }
    }

    #[test]
    fn axes_that_lie_in_a_patient_have_a_place_there() {
        let axis = |name, way| json!({"name": name, "type": "space", "unit": "millimeter", "orientation": {"type": "anatomical", "value": way}});
        let ras = json!([axis("z", "inferior-to-superior"), axis("y", "posterior-to-anterior"), axis("x", "left-to-right")]);
        let own = json!([{"type": "scale", "scale": [3, 2, 1]}, {"type": "translation", "translation": [30, 20, -10]}]);
        let found = image(&ras, &own, &Value::Null).unwrap();
        let position = found.geometry(&found.levels[0], 4).0.unwrap().position.unwrap();
        assert_eq!((position.orientation_code().as_str(), position.origin_mm), ("RAS", [10.0, -20.0, 30.0]));
        // Two axes along one of the patient lie nowhere.
        let wrong = json!([axis("z", "inferior-to-superior"), axis("y", "left-to-right"), axis("x", "left-to-right")]);
        let found = image(&wrong, &own, &Value::Null).unwrap();
        assert_eq!(found.geometry(&found.levels[0], 4).0.unwrap().position, None);
    }

    #[test]
    fn what_is_no_image_of_this_version_is_refused() {
        let scale = json!([{"type": "scale", "scale": [1, 1]}]);
        let yx = json!([{"name": "y", "type": "space"}, {"name": "x", "type": "space"}]);
        assert!(image(&yx, &scale, &Value::Null).is_ok());
        for (axes, own) in [
            (json!(["y", "x"]), &scale),
            (Value::Null, &scale),
            (json!([{"name": "x", "type": "space"}, {"name": "x", "type": "space"}]), &scale),
            (json!([{"name": "t", "type": "time"}, {"name": "x", "type": "space"}]), &scale),
            (yx.clone(), &json!([{"type": "scale", "scale": [1]}])),
            (yx.clone(), &json!([{"type": "scale", "scale": [1, "1"]}])),
            (yx.clone(), &json!([{"type": "rotation", "rotation": [1, 1]}])),
            (yx.clone(), &json!({})),
        ] {
            assert!(image(&axes, own, &Value::Null).is_err(), "{axes} {own}");
        }
        let all = |json: Value| Multiscale::all(Path::new("a"), "", &json);
        assert!(all(json!({})).unwrap().is_none() && all(json!({"multiscales": 1})).is_err());
        let away = json!({"multiscales": [{"axes": yx, "datasets": [{"path": "../b"}]}]});
        assert!(all(away).unwrap_err().to_string().contains("leads out"));
    }
}
