//! What tells a Zarr folder from others.

use std::path::Path;

use crate::io::ends;

/// Endings of its name.
pub(super) const ENDINGS: &[&str] = &[".zarr"];

/// The files that make a folder a node of Zarr.
const METADATA: [&str; 3] = ["zarr.json", ".zarray", ".zgroup"];

/// Whether a folder is a node.
pub(super) fn is_node(path: &Path) -> bool {
    METADATA.iter().any(|name| path.join(name).is_file())
}

/// Whether a folder may be replaced by an output of its name: only by its like.
pub(in crate::io) fn is_replaceable(path: &Path) -> bool {
    ends(path, ENDINGS) && is_node(path)
}
