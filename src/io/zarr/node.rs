//! A node of a Zarr hierarchy: a group or an array, in either version of the format.

use serde_json::Value;

use super::array::ZarrArray;
use super::folder::ZarrFolder;
use super::{version2, version3};
use crate::Result;
use crate::io::OpenOptions;
use crate::io::stored::broken;

/// What a node is, with its JSON.
pub(super) enum NodeKind {
    Group,
    /// An array of version 2: `.zarray`.
    Array2(Value),
    /// An array of version 3: `zarr.json`.
    Array3(Value),
}

/// A node.
pub(super) struct ZarrNode {
    /// The key of its folder.
    pub(super) key: String,
    pub(super) kind: NodeKind,
    /// What a user of Zarr keeps with it; null if nothing.
    pub(super) attributes: Value,
}

impl ZarrNode {
    /// Reads a node; none if the folder of the key is none.
    ///
    /// # Errors
    /// [`crate::Error::Format`] for damaged metadata, what [`ZarrFolder::json`] gives.
    pub(super) fn read(folder: &ZarrFolder, key: &str) -> Result<Option<Self>> {
        let of = |name: &str| if key.is_empty() { name.to_owned() } else { format!("{key}/{name}") };
        if let Some(mut json) = folder.json(&of("zarr.json"))? {
            let path = folder.at(&of("zarr.json"));
            if json["zarr_format"].as_u64() != Some(3) {
                return Err(broken(&path, "the metadata are not of version 3 of Zarr"));
            }
            let attributes = json["attributes"].take();
            let kind = match json["node_type"].as_str() {
                Some("group") => NodeKind::Group,
                Some("array") => NodeKind::Array3(json),
                _ => return Err(broken(&path, "the metadata are of neither a group nor an array")),
            };
            return Ok(Some(Self { key: key.into(), kind, attributes }));
        }
        let kind = match (folder.json(&of(".zarray"))?, folder.json(&of(".zgroup"))?) {
            (Some(array), _) => NodeKind::Array2(array),
            (None, Some(_)) => NodeKind::Group,
            (None, None) => return Ok(None),
        };
        let attributes = folder.json(&of(".zattrs"))?.unwrap_or_default();
        Ok(Some(Self { key: key.into(), kind, attributes }))
    }

    /// What the metadata say of an array.
    ///
    /// # Errors
    /// [`crate::Error::Format`], [`crate::Error::Unsupported`], and [`crate::Error::Limit`] for a chunk that is too large to be decoded.
    pub(super) fn array(&self, folder: &ZarrFolder, options: &OpenOptions) -> Result<ZarrArray> {
        let at = |name| folder.at(&self.key).join(name);
        let (array, path) = match &self.kind {
            NodeKind::Array2(json) => (version2::read(&at(".zarray"), json)?, at(".zarray")),
            NodeKind::Array3(json) => (version3::read(&at("zarr.json"), json)?, at("zarr.json")),
            NodeKind::Group => return Err(broken(&folder.at(&self.key), "this is a group of arrays, not an array")),
        };
        array.check(&path, options)?;
        Ok(array)
    }

    /// The metadata of OME: in version 0.5 under `ome`, before that beside all else.
    pub(super) fn ome(&self) -> &Value {
        match &self.attributes["ome"] {
            Value::Null => &self.attributes,
            ome => ome,
        }
    }
}
