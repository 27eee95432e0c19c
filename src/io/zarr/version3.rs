//! Arrays of Zarr version 3: `zarr.json`.

use std::path::Path;

use serde_json::Value;

use super::array::{ChunkKeys, ZarrArray};
use super::codec::PackedForm;
use super::json::{integers, text, unknown};
use super::layout::{NumberLayout, fill_value, number_type};
use super::shard::ShardLayout;
use crate::io::stored::broken;
use crate::{Error, Result};

/// Fields of an array that the specification knows. Others must say that they need not be understood.
const FIELDS: [&str; 11] = [
    "zarr_format",
    "node_type",
    "shape",
    "data_type",
    "chunk_grid",
    "chunk_key_encoding",
    "fill_value",
    "codecs",
    "attributes",
    "storage_transformers",
    "dimension_names",
];

/// Reads the metadata; nothing is compared with anything yet.
///
/// # Errors
/// [`crate::Error::Format`] and [`crate::Error::Unsupported`], with the path.
pub(super) fn read(path: &Path, json: &Value) -> Result<ZarrArray> {
    let fields = json.as_object().into_iter().flatten();
    let needed = |(name, value): &(&String, &Value)| {
        !FIELDS.contains(&name.as_str()) && !value.is_null() && value["must_understand"] != Value::Bool(false)
    };
    if let Some((name, _)) = fields.into_iter().find(needed) {
        return Err(unknown(path, "the extension", name));
    }
    if json["storage_transformers"].as_array().is_some_and(|list| !list.is_empty()) {
        return Err(Error::unsupported(path, "an array behind a storage transformer", "save the array again without it"));
    }
    let shape = integers(path, &json["shape"], "shape")?;
    let name = named(path, &json["data_type"], "the type")?.0;
    let (dtype, truth) = number_type(path, name, 3)?;
    let (grid, configuration) = named(path, &json["chunk_grid"], "the grid of chunks")?;
    if grid != "regular" {
        return Err(unknown(path, "the grid of chunks", grid));
    }
    let file = integers(path, &configuration["chunk_shape"], "chunk_shape")?;
    let chain = CodecChain::read(path, &json["codecs"], shape.len())?;
    let (chunk, chain, shards) = match chain.shards {
        None => (file.clone(), chain, None),
        Some(inside) => {
            if chain.layout != NumberLayout::plain(shape.len()) || !chain.packed.is_empty() {
                let what = "shards that are turned or compressed as a whole";
                return Err(Error::unsupported(path, what, "save the array again with codecs within the shards"));
            }
            let (chunk, chain, layout) = sharded(path, inside, shape.len())?;
            (chunk, chain, Some(layout))
        }
    };
    Ok(ZarrArray {
        dtype,
        truth,
        file,
        chunk,
        keys: keys(path, &json["chunk_key_encoding"])?,
        fill: fill_value(path, &json["fill_value"], dtype)?,
        layout: chain.layout,
        packed: chain.packed,
        shards,
        shape,
    })
}

/// A name with what belongs to it: `{"name": …, "configuration": …}`, or the name alone.
fn named<'a>(path: &Path, value: &'a Value, field: &str) -> Result<(&'a str, &'a Value)> {
    match value {
        Value::String(name) => Ok((name, &Value::Null)),
        _ => Ok((text(path, &value["name"], field)?, &value["configuration"])),
    }
}

fn keys(path: &Path, value: &Value) -> Result<ChunkKeys> {
    let (name, configuration) = named(path, value, "the naming of chunks")?;
    let (lettered, usual) = match name {
        "default" => (true, '/'),
        "v2" => (false, '.'),
        other => return Err(unknown(path, "the naming of chunks", other)),
    };
    match &configuration["separator"] {
        Value::Null => Ok(ChunkKeys { lettered, separator: usual }),
        Value::String(s) if s == "." => Ok(ChunkKeys { lettered, separator: '.' }),
        Value::String(s) if s == "/" => Ok(ChunkKeys { lettered, separator: '/' }),
        _ => Err(broken(path, "the separator of axes is neither . nor /")),
    }
}

/// What a list of codecs does to the numbers of a chunk.
struct CodecChain<'a> {
    layout: NumberLayout,
    packed: Vec<PackedForm>,
    /// The configuration of shards, which hold chunks with codecs of their own.
    shards: Option<&'a Value>,
}

impl<'a> CodecChain<'a> {
    fn read(path: &Path, codecs: &'a Value, axes: usize) -> Result<Self> {
        let list = codecs.as_array().ok_or_else(|| broken(path, "codecs are no list"))?;
        let mut chain = Self { layout: NumberLayout::plain(axes), packed: Vec::new(), shards: None };
        // Numbers become bytes once: turned before, compressed behind.
        let mut bytes = false;
        for codec in list {
            let (name, configuration) = named(path, codec, "the name of a codec")?;
            match (name, bytes) {
                ("transpose", false) => chain.turn(path, &configuration["order"])?,
                ("bytes", false) => {
                    chain.layout.big_endian = big_endian(path, &configuration["endian"])?;
                    bytes = true;
                }
                ("sharding_indexed", false) => {
                    chain.shards = Some(configuration);
                    bytes = true;
                }
                (name, true) if PackedForm::of(name).is_some() => chain.packed.extend(PackedForm::of(name)),
                ("transpose" | "bytes" | "sharding_indexed", true) => {
                    return Err(broken(path, "codecs in an order that cannot be"));
                }
                (name, false) if PackedForm::of(name).is_some() => return Err(broken(path, "codecs in an order that cannot be")),
                (name, _) => return Err(unknown(path, "the codec", name)),
            }
        }
        if !bytes {
            return Err(broken(path, "no codec makes bytes of the numbers"));
        }
        // Undone from behind.
        chain.packed.reverse();
        Ok(chain)
    }

    /// The axes after a transposition, and after those before it.
    fn turn(&mut self, path: &Path, order: &Value) -> Result<()> {
        let order = match order.as_str() {
            Some("C") => return Ok(()),
            Some("F") => (0..self.layout.order.len() as u64).rev().collect(),
            _ => integers(path, order, "the order of a transposition")?,
        };
        let mut sorted = order.clone();
        sorted.sort_unstable();
        if sorted != (0..self.layout.order.len() as u64).collect::<Vec<_>>() {
            return Err(broken(path, "the order of a transposition does not name every axis once"));
        }
        self.layout.order = order.into_iter().map(|axis| self.layout.order[axis as usize]).collect();
        Ok(())
    }
}

fn big_endian(path: &Path, value: &Value) -> Result<bool> {
    match value {
        // Left out where a number is one byte.
        Value::Null => Ok(false),
        Value::String(s) if s == "little" => Ok(false),
        Value::String(s) if s == "big" => Ok(true),
        _ => Err(broken(path, "endian is neither little nor big")),
    }
}

/// The chunks of shards, their codecs, and where the index lies.
fn sharded<'a>(path: &Path, configuration: &'a Value, axes: usize) -> Result<(Vec<u64>, CodecChain<'a>, ShardLayout)> {
    let chunk = integers(path, &configuration["chunk_shape"], "chunk_shape")?;
    let chain = CodecChain::read(path, &configuration["codecs"], axes)?;
    if chain.shards.is_some() {
        return Err(Error::unsupported(path, "shards within shards", "save the array again with one kind of shard"));
    }
    let index = CodecChain::read(path, &configuration["index_codecs"], axes)?;
    let checked = match index.packed.as_slice() {
        [] => false,
        [PackedForm::Checksum] => true,
        _ => return Err(Error::unsupported(path, "shards whose index is compressed", "save the array again")),
    };
    let first = match &configuration["index_location"] {
        Value::Null => false,
        Value::String(s) if s == "end" => false,
        Value::String(s) if s == "start" => true,
        _ => return Err(broken(path, "the index of shards is neither at their start nor at their end")),
    };
    Ok((chunk, chain, ShardLayout { first, big_endian: index.layout.big_endian, checked }))
}
