//! Arrays of Zarr version 2: `.zarray`.

use std::path::Path;

use serde_json::Value;

use super::array::{ChunkKeys, ZarrArray};
use super::codec::PackedForm;
use super::json::{integers, text, unknown};
use super::layout::{NumberLayout, fill_value, number_type};
use crate::Result;
use crate::io::stored::broken;

/// Reads the metadata; nothing is compared with anything yet.
///
/// # Errors
/// [`crate::Error::Format`] and [`crate::Error::Unsupported`], with the path.
pub(super) fn read(path: &Path, json: &Value) -> Result<ZarrArray> {
    if json["zarr_format"].as_u64() != Some(2) {
        return Err(broken(path, "the metadata are not of version 2 of Zarr"));
    }
    let shape = integers(path, &json["shape"], "shape")?;
    let chunk = integers(path, &json["chunks"], "chunks")?;
    let code = text(path, &json["dtype"], "dtype")?;
    let (order, name) = code.split_at_checked(1).ok_or_else(|| unknown(path, "the type", code))?;
    if !matches!(order, "<" | ">" | "|") {
        return Err(unknown(path, "the type", code));
    }
    let (dtype, truth) = number_type(path, name, 2).map_err(|_| unknown(path, "the type", code))?;
    let mut layout = NumberLayout::plain(shape.len());
    layout.big_endian = order == ">";
    match json["order"].as_str() {
        Some("C") => {}
        Some("F") => layout.order.reverse(),
        _ => return Err(broken(path, "the order is neither C nor F")),
    }
    let mut packed = Vec::new();
    match &json["compressor"] {
        Value::Null => {}
        compressor => packed.push(form(path, compressor)?),
    }
    if let Some(filters) = json["filters"].as_array() {
        // Checksums and compressors among them are steps like any other.
        let forms = filters.iter().map(|filter| form(path, filter)).collect::<Result<Vec<_>>>()?;
        packed.extend(forms.into_iter().rev());
    }
    let separator = match &json["dimension_separator"] {
        Value::Null => '.',
        Value::String(s) if s == "." => '.',
        Value::String(s) if s == "/" => '/',
        _ => return Err(broken(path, "the separator of axes is neither . nor /")),
    };
    Ok(ZarrArray {
        shape,
        dtype,
        truth,
        file: chunk.clone(),
        chunk,
        keys: ChunkKeys { lettered: false, separator },
        fill: fill_value(path, &json["fill_value"], dtype)?,
        layout,
        packed,
        shards: None,
    })
}

/// A compressor, or a filter that is one.
fn form(path: &Path, codec: &Value) -> Result<PackedForm> {
    let name = text(path, &codec["id"], "the name of a codec")?;
    PackedForm::of(name).ok_or_else(|| unknown(path, "the codec", name))
}
