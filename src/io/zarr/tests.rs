use std::path::Path;

use serde_json::{Value, json};

use crate::io::mutations::damaged;
use crate::io::output::{Target, publish};
use crate::io::tests::{all, open_and_read};
use crate::io::{OmeVersion, OpenOptions, Sink, Source, WriteOptions, create, open};
use crate::volume::{Dtype, Geometry, Header, Shape};
use crate::{Error, Result};

fn put(root: &Path, key: &str, bytes: &[u8]) {
    let path = root.join(key);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

fn put_json(root: &Path, key: &str, json: &Value) {
    put(root, key, json.to_string().as_bytes());
}

/// The metadata of an array of bytes in chunks that are not compressed.
fn array3(shape: &[u64], chunk: &[u64], codecs: &Value) -> Value {
    json!({
        "zarr_format": 3, "node_type": "array", "shape": shape, "data_type": "uint8", "fill_value": 9,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": chunk}},
        "chunk_key_encoding": {"name": "default"}, "codecs": codecs,
    })
}

fn array2(shape: &[u64], chunk: &[u64]) -> Value {
    json!({
        "zarr_format": 2, "shape": shape, "chunks": chunk, "dtype": "|u1", "order": "C", "compressor": null, "fill_value": null, "filters": null,
    })
}

fn opened(path: &Path, series: Option<u32>) -> Result<Box<dyn Source>> {
    open(&[path.to_path_buf()], &OpenOptions { series, ..OpenOptions::default() })
}

fn refused(path: &Path) -> String {
    let error = open_and_read(path).unwrap_err();
    assert!(matches!(error, Error::Format { .. } | Error::Unsupported { .. } | Error::Limit { .. }), "{error}");
    error.to_string()
}

#[test]
fn chunks_meet_and_those_that_are_missing_are_filled() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    put_json(root, "zarr.json", &array3(&[2, 3], &[2, 2], &json!(["bytes"])));
    put(root, "c/0/0", &[1, 2, 3, 4]);
    let source = opened(root, None).unwrap();
    assert_eq!(source.header().grid.shape.axes(), [3, 2]);
    assert_eq!((source.header().grid.geometry.is_none(), source.header().origin.format.as_str()), (true, "Zarr 3"));
    assert_eq!(all(&*source).unwrap(), [1, 2, 9, 3, 4, 9]);
    put(root, "c/0/1", &[5, 0, 6, 0]);
    assert_eq!(all(&*opened(root, None).unwrap()).unwrap(), [1, 2, 5, 3, 4, 6]);
    // Turned within the chunk: its first axis is the fastest.
    put_json(
        root,
        "zarr.json",
        &array3(&[2, 3], &[2, 2], &json!([{"name": "transpose", "configuration": {"order": [1, 0]}}, "bytes"])),
    );
    assert_eq!(all(&*opened(root, None).unwrap()).unwrap(), [1, 3, 5, 2, 4, 0]);
}

#[test]
fn every_voxel_of_every_block_is_the_right_one() {
    let folder = tempfile::tempdir().unwrap();
    for (i, chunk) in [[1, 2, 3, 4], [2, 5, 2, 3], [4, 3, 1, 9]].iter().enumerate() {
        let root = folder.path().join(format!("{i}.zarr"));
        let shape = [3u64, 5, 4, 7];
        let mut json = array2(&shape, chunk);
        json["order"] = if i == 1 { "F" } else { "C" }.into();
        put_json(&root, ".zarray", &json);
        let counts: Vec<u64> = shape.iter().zip(chunk).map(|(n, c)| n.div_ceil(*c)).collect();
        let strides = if i == 1 {
            [1, chunk[0], chunk[0] * chunk[1], chunk[..3].iter().product()]
        } else {
            [chunk[1..].iter().product(), chunk[2] * chunk[3], chunk[3], 1]
        };
        for n in 0..counts.iter().product() {
            let index: Vec<u64> = (0..4).map(|a| n / counts[a + 1..].iter().product::<u64>() % counts[a]).collect();
            let mut bytes = vec![0u8; chunk.iter().product::<u64>() as usize];
            for at in 0..bytes.len() as u64 {
                let within: Vec<u64> = (0..4).map(|a| at / strides[a] % chunk[a]).collect();
                let place: Vec<u64> = (0..4).map(|a| index[a] * chunk[a] + within[a]).collect();
                bytes[at as usize] = place.iter().zip(shape).fold(0, |n, (p, s)| n * s + p) as u8;
            }
            let name: Vec<String> = index.iter().map(u64::to_string).collect();
            put(&root, &name.join("."), &bytes);
        }
        let source = opened(&root, None).unwrap();
        assert_eq!(source.header().grid.shape.axes(), [7, 4, 5, 3]);
        let want: Vec<u8> = (0..420u64).map(|v| v as u8).collect();
        assert_eq!(all(&*source).unwrap(), want);
        for at in (0..420usize).step_by(7) {
            for n in [1, 6, 28, 29, 141] {
                let mut bytes = vec![0; n.min(420 - at)];
                source.read(at as u64, &mut bytes).unwrap();
                assert_eq!(bytes, want[at..at + bytes.len()], "{chunk:?} {at} {n}");
            }
        }
    }
}

/// Two levels of two channels, with units and a label image beside.
fn ome(root: &Path, of: impl FnOnce(&mut Value)) {
    let scale = |z: f64| json!([{"type": "scale", "scale": [1, z, 0.5, 0.25]}]);
    let space = |name: &str| json!({"name": name, "type": "space", "unit": "micrometer"});
    let mut image = json!({
        "name": "Erika Mustermann", "axes": [{"name": "c", "type": "channel"}, space("z"), space("y"), space("x")],
        "datasets": [{"path": "0", "coordinateTransformations": scale(2.0)}, {"path": "1", "coordinateTransformations": scale(4.0)}],
    });
    of(&mut image);
    let group =
        json!({"zarr_format": 3, "node_type": "group", "attributes": {"ome": {"version": "0.5", "multiscales": [image]}}});
    put_json(root, "zarr.json", &group);
    for level in ["0", "1"] {
        put_json(root, &format!("{level}/zarr.json"), &array3(&[2, 1, 1, 2], &[1, 1, 1, 2], &json!([{"name": "bytes"}])));
    }
    put(root, "0/c/0/0/0/0", &[1, 2]);
    put(root, "0/c/1/0/0/0", &[3, 4]);
    put(root, "1/c/0/0/0/0", &[5, 6]);
    let labels = json!({"zarr_format": 3, "node_type": "group", "attributes": {"ome": {"labels": ["Mustermann"]}}});
    put_json(root, "labels/zarr.json", &labels);
}

#[test]
fn channels_and_levels_are_chosen_and_no_name_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("a.zarr");
    ome(&root, |_| {});
    for (series, want) in [(None, [1, 2]), (Some(1), [1, 2]), (Some(2), [3, 4])] {
        let source = opened(&root, series).unwrap();
        assert_eq!(all(&*source).unwrap(), want);
        assert_eq!(source.header().grid.shape.axes(), [2, 1, 1]);
        assert_eq!(source.header().grid.geometry, Some(Geometry::spacing([0.00025, 0.0005, 0.002])));
        let notes = source.header().origin.notes.join("; ");
        assert!(notes.contains("channel") && notes.contains("of 2") && notes.contains("1 smaller level"), "{notes}");
        assert!(notes.contains("1 label image") && !format!("{:?}", source.header()).contains("Muster"), "{notes}");
    }
    let error = opened(&root, Some(3)).map(|_| ()).unwrap_err();
    assert!(matches!(&error, Error::Usage { .. }) && error.to_string().contains("no channel 3"), "{error}");
    let level = opened(&root.join("1"), None).unwrap();
    assert_eq!(level.header().grid.geometry, Some(Geometry::spacing([0.00025, 0.0005, 0.004])));
    assert_eq!(all(&*level).unwrap(), [5, 6]);
}

#[test]
fn nothing_leads_out_of_the_folder() {
    let outside = tempfile::tempdir().unwrap();
    put_json(outside.path(), "b/zarr.json", &array3(&[2, 1, 1, 2], &[1, 1, 1, 2], &json!(["bytes"])));
    for path in ["../b", "/etc", "0/../../b"] {
        let root = outside.path().join("a.zarr");
        ome(&root, |image| image["datasets"][0]["path"] = path.into());
        assert!(refused(&root).contains("leads out of the folder"), "{path}");
    }
    #[cfg(unix)]
    {
        let root = outside.path().join("c.zarr");
        ome(&root, |image| image["datasets"][0]["path"] = "b".into());
        std::os::unix::fs::symlink(outside.path().join("b"), root.join("b")).unwrap();
        assert!(refused(&root).contains("a link that leads out"));
    }
}

#[test]
fn what_is_wrong_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("a.zarr");
    let says = |json: &Value| {
        put_json(&root, "zarr.json", json);
        refused(&root)
    };
    let good = || array3(&[4, 4], &[2, 2], &json!(["bytes"]));
    let with = |field: &str, value: Value| {
        let mut json = good();
        json[field] = value;
        json
    };
    for (json, text) in [
        (with("codecs", json!(["bytes", {"name": "pcodec"}])), "the codec pcodec is not read"),
        (with("codecs", json!(["bytes", {"name": "Erika Mustermann"}])), "the codec of another name is not read"),
        (with("codecs", json!([{"name": "gzip"}, "bytes"])), "an order that cannot be"),
        (with("codecs", json!([])), "no codec makes bytes"),
        (with("data_type", json!("complex64")), "the type complex64 is not read"),
        (with("fill_value", json!(256)), "the fill value is no uint8"),
        (with("shape", json!([4])), "another number of axes"),
        (with("shape", json!([4, -1])), "shape is no list"),
        (with("shape", json!([4, 0])), "an empty array"),
        (with("shape", json!([1u64 << 40, 1u64 << 40])), "2^62"),
        (with("shape", json!([1u64 << 21, 1u64 << 21])), "the limit is"),
        (
            with("chunk_grid", json!({"name": "regular", "configuration": {"chunk_shape": [1u64 << 25, 1u64 << 25]}})),
            "1073741824 MiB of voxels, the limit is",
        ),
        (with("chunk_grid", json!({"name": "rectilinear"})), "the grid of chunks rectilinear"),
        (with("storage_transformers", json!([{"name": "x"}])), "storage transformer"),
        (with("zarr_format", json!(4)), "not of version 3"),
        (with("surprise", json!({"must_understand": true})), "the extension surprise"),
        (json!({"zarr_format": 3, "node_type": "group"}), "describes no image"),
        (json!({"zarr_format": 3, "node_type": "group", "attributes": {"ome": {"plate": {}}}}), "a plate"),
    ] {
        let error = says(&json);
        assert!(error.contains(text) && error.contains("a.zarr"), "{error}");
    }
    put_json(&root, "zarr.json", &good());
    put(&root, "c/0/0", &[1, 2, 3]);
    let error = refused(&root);
    assert!(error.starts_with("truncated: the chunk has 3 bytes, needs 4") && error.ends_with("0"), "{error}");
    put(&root, "c/0/0", &[0; 1 << 17]);
    assert!(refused(&root).contains("the chunk has 131072 bytes, for 4 of voxels"));
    put(&root, "zarr.json", b"{");
    assert!(refused(&root).contains("no JSON object"));
    std::fs::remove_file(root.join("zarr.json")).unwrap();
    assert!(refused(folder.path()).contains("no images in this folder"));
    let limited = OpenOptions { max_bytes: Some(15), ..OpenOptions::default() };
    put_json(&root, "zarr.json", &good());
    assert!(matches!(open(&[root], &limited), Err(Error::Limit { .. })));
}

/// Writes a volume of 9 x 7 x 5 in two times as one folder.
fn written(path: &Path, version: OmeVersion) -> Vec<u8> {
    let geometry = Some(Geometry::spacing([0.5, 0.5, 2.0]));
    let header = Header::new(Shape::new(&[9, 7, 5, 2]).unwrap(), Dtype::U16).with(|h| h.grid.geometry = geometry);
    let bytes: Vec<u8> = (0..header.bytes()).map(|i| (i * i / 7) as u8).collect();
    let options = WriteOptions { zarr: version, ..WriteOptions::default() };
    let sink = create(&Target::new(path, true, &[]).unwrap(), &header, &options).unwrap();
    // Parts of layers, the last first.
    for (at, part) in [(400usize, 400..630), (0, 0..400)] {
        Sink::write(&*sink, at as u64, &bytes[part.start * 2..part.end * 2]).unwrap();
    }
    publish(vec![sink.finish().unwrap()]).unwrap();
    bytes
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for path in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

#[test]
fn damaged_folders_are_read_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (version, rounds) in [(OmeVersion::V0_4, 400), (OmeVersion::V0_5, 400)] {
        let root = folder.path().join(format!("{version:?}.zarr"));
        let bytes = written(&root, version);
        assert_eq!(all(&*opened(&root, None).unwrap()).unwrap(), bytes);
        let (mut read, mut refused) = (0, 0);
        for file in files(&root) {
            let original = std::fs::read(&file).unwrap();
            for seed in 0..rounds {
                std::fs::write(&file, damaged(&original, seed)).unwrap();
                match open_and_read(&root) {
                    Ok(_) => read += 1,
                    Err(Error::Format { .. } | Error::Unsupported { .. } | Error::Limit { .. }) => refused += 1,
                    Err(e) => panic!("{}, seed {seed}: {e}", file.display()),
                }
            }
            std::fs::write(&file, original).unwrap();
        }
        assert!(read > 0 && refused > 0, "{read} {refused}");
    }
}

#[test]
fn a_folder_appears_whole_and_replaces_nothing_but_its_like() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let header = Header::new(Shape::new(&[4, 4, 2]).unwrap(), Dtype::U8);
    let begun = |target: &Target| create(target, &header, &WriteOptions::default()).unwrap();
    let count = || std::fs::read_dir(folder.path()).unwrap().count();
    // A hole leaves nothing.
    let sink = begun(&Target::new(&at("a.zarr"), false, &[]).unwrap());
    sink.write(0, &[1; 16]).unwrap();
    assert!(matches!(sink.finish(), Err(Error::Write { .. })) && count() == 0);
    written(&at("a.zarr"), OmeVersion::V0_5);
    assert!(matches!(Target::new(&at("a.zarr"), false, &[]), Err(Error::Exists { .. })));
    // What has appeared since stays.
    let target = Target::new(&at("b.zarr"), false, &[]).unwrap();
    let sink = begun(&target);
    sink.write(0, &[1; 32]).unwrap();
    put(&at("b.zarr"), "mine", b"x");
    assert!(matches!(publish(vec![sink.finish().unwrap()]), Err(Error::Exists { .. })));
    assert!(at("b.zarr/mine").is_file() && count() == 2);
    // A folder of another kind is not replaced, by force neither.
    assert!(matches!(Target::new(&at("b.zarr"), true, &[]), Err(Error::Write { .. })));
    let sink = begun(&Target::new(&at("a.zarr"), true, &[]).unwrap());
    sink.write(0, &[1; 32]).unwrap();
    publish(vec![sink.finish().unwrap()]).unwrap();
    assert_eq!(all(&*opened(&at("a.zarr"), None).unwrap()).unwrap(), [1; 32]);
    assert_eq!(count(), 2);
    // Nor with an input in it, nor with another output.
    assert!(matches!(Target::new(&at("a.zarr"), true, &[&at("a.zarr/0")]), Err(Error::Usage { .. })));
    let mut targets = crate::io::output::Targets::new(true, [] as [&Path; 0]);
    targets.add(&at("a.zarr")).unwrap();
    assert!(matches!(targets.add(&at("a.zarr/p.png")), Err(Error::Usage { .. })));
}
