//! What a written folder says of its voxels: the JSON of both versions.

use serde_json::{Value, json};

use super::layout::type_names;
use super::ome::ORIENTATIONS;
use crate::io::{Loss, OmeVersion};
use crate::volume::{Header, Position};

/// Bytes of the slices that are written as one, and how many slices these are at most.
const LAYER_BYTES: u64 = 16 << 20;
const MOST_SLICES: u64 = 64;

/// How a written array is cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WritePlan {
    /// Volumes of three axes, where the array has an axis of time.
    pub(super) times: Option<u64>,
    /// Voxels along x, y and z.
    pub(super) size: [u64; 3],
    /// Whether the array has an axis z.
    deep: bool,
    /// Voxels of a chunk along x, y and z; z is also how many slices are written as one.
    pub(super) chunk: [u64; 3],
}

impl WritePlan {
    pub(super) fn of(header: &Header) -> Self {
        let shape = &header.grid.shape;
        let [nx, ny, nz] = shape.xyz();
        let slice = shape.slice_voxels() * header.meaning.dtype.bytes() as u64;
        let slices = (LAYER_BYTES / slice).clamp(1, MOST_SLICES).min(nz);
        // About a mebibyte of voxels, whatever its form.
        let side = match slices {
            16.. => 128,
            4.. => 256,
            _ => 512,
        };
        // A slice that has a place is a volume of one slice.
        let deep = shape.axes().len() > 2 || kept_position(header).is_some();
        let times = (shape.axes().len() > 3).then(|| shape.volumes());
        Self { times, size: [nx, ny, nz], deep, chunk: [side.min(nx), side.min(ny), slices] }
    }

    /// Chunks along an axis of space.
    pub(super) fn chunks(&self, axis: usize) -> u64 {
        self.size[axis].div_ceil(self.chunk[axis])
    }

    /// One number for each axis of the array, the slowest first.
    pub(super) fn each<T>(&self, time: T, [x, y, z]: [T; 3]) -> Vec<T> {
        let mut all = Vec::new();
        all.extend(self.times.is_some().then_some(time));
        all.extend(self.deep.then_some(z));
        all.extend([y, x]);
        all
    }

    /// Files with metadata: keys and JSON.
    pub(super) fn metadata(&self, header: &Header, version: OmeVersion, level: u32) -> Vec<(&'static str, Value)> {
        let shape = self.each(self.times.unwrap_or(1), self.size);
        let chunk = self.each(1, self.chunk);
        let (second, third) = type_names(header.meaning.dtype);
        let image = self.image(header);
        if version == OmeVersion::V0_4 {
            let order = if header.meaning.dtype.bytes() == 1 { '|' } else { '<' };
            let array = json!({
                "zarr_format": 2, "shape": shape, "chunks": chunk, "dtype": format!("{order}{second}"), "order": "C", "fill_value": 0,
                "compressor": {"id": "zlib", "level": level}, "filters": null, "dimension_separator": "/",
            });
            let mut image = image;
            image["version"] = "0.4".into();
            let attributes = json!({"multiscales": [image]});
            return vec![(".zgroup", json!({"zarr_format": 2})), (".zattrs", attributes), ("0/.zarray", array)];
        }
        // A shard is one layer of chunks across the slices.
        let across = |a| self.chunks(a) * self.chunk[a];
        let shard = self.each(1, [across(0), across(1), self.chunk[2]]);
        let bytes = json!({"name": "bytes", "configuration": {"endian": "little"}});
        let array = json!({
            "zarr_format": 3, "node_type": "array", "shape": shape, "data_type": third, "fill_value": 0,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": shard}},
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
            "codecs": [{"name": "sharding_indexed", "configuration": {
                "chunk_shape": chunk,
                "codecs": [bytes, {"name": "zstd", "configuration": {"level": level, "checksum": false}}],
                "index_codecs": [bytes, {"name": "crc32c"}],
                "index_location": "end",
            }}],
            "dimension_names": self.each("t", ["x", "y", "z"]),
            "attributes": {},
        });
        let group = json!({
            "zarr_format": 3, "node_type": "group",
            "attributes": {"ome": {"version": "0.5", "multiscales": [image]}},
        });
        vec![("zarr.json", group), ("0/zarr.json", array)]
    }

    /// One image of one level.
    fn image(&self, header: &Header) -> Value {
        let geometry = header.grid.geometry.as_ref();
        let place = kept_position(header);
        let space = |name: &str, a: usize| {
            let mut axis = json!({"name": name, "type": "space"});
            if geometry.is_some() {
                axis["unit"] = "millimeter".into();
            }
            if let Some(place) = &place {
                axis["orientation"] = json!({"type": "anatomical", "value": place.names[a]});
            }
            axis
        };
        let mut time = json!({"name": "t", "type": "time"});
        if header.grid.time_step_s.is_some() {
            time["unit"] = "second".into();
        }
        let axes = self.each(time, [space("x", 0), space("y", 1), space("z", 2)]);
        let scale = self.each(header.grid.time_step_s.unwrap_or(1.0), geometry.map_or([1.0; 3], |g| g.spacing_mm));
        let mut steps = vec![json!({"type": "scale", "scale": scale})];
        if let Some(place) = place {
            steps.push(json!({"type": "translation", "translation": self.each(0.0, place.translation)}));
        }
        json!({"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": steps}]})
    }
}

/// What the format has no place for.
pub(super) fn losses(header: &Header) -> Vec<Loss> {
    let mut losses = Loss::of_placed_values(header);
    let positioned = header.grid.geometry.as_ref().is_some_and(|g| g.position.is_some());
    losses.extend((positioned && kept_position(header).is_none()).then_some(Loss::Position));
    losses.extend((header.grid.shape.axes().len() > 4).then_some(Loss::Axes));
    losses
}

/// A place in the patient, as axes of OME-Zarr can have it.
struct KeptPosition {
    /// How x, y and z run.
    names: [&'static str; 3],
    /// Of voxel (0, 0, 0) along them, in mm.
    translation: [f64; 3],
}

/// The place of a volume, if its axes run along those of the patient: the format knows no others.
fn kept_position(header: &Header) -> Option<KeptPosition> {
    let Position { origin_mm, direction } = header.grid.geometry.as_ref()?.position.as_ref()?;
    let (mut names, mut translation, mut taken) = ([""; 3], [0.0; 3], [false; 3]);
    for a in 0..3 {
        let patient = (0..3).find(|k| (direction[a][*k].abs() - 1.0).abs() < 1e-6)?;
        let forward = direction[a][patient] > 0.0;
        let (name, ..) = ORIENTATIONS.iter().find(|(_, k, f)| (*k, *f) == (patient, forward))?;
        (names[a], taken[patient]) = (name, true);
        translation[a] = if forward { origin_mm[patient] } else { -origin_mm[patient] };
    }
    (taken == [true; 3]).then_some(KeptPosition { names, translation })
}
