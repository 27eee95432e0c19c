//! Zarr arrays and OME-Zarr images of versions 2 and 3: metadata and one file of chunks, parted by a mark. All chunks are alike.
#![no_main]

use hounsfield_fuzz::in_folder;

const MARK: &[u8] = b"\0==\0";
/// What a chunk may be called: with one to three axes, after either version.
const CHUNKS_3: [&str; 4] = ["c/0/0/0", "c/0/0/1", "c/0/1", "c/1"];
const CHUNKS_2: [&str; 4] = ["0.0.0", "0.0.1", "0.0", "0"];

macro_rules! below {
    ($folder:literal, $names:expr) => {{
        static NAMES: std::sync::LazyLock<Vec<&'static str>> =
            std::sync::LazyLock::new(|| $names.iter().map(|name| &*format!("{}/{name}", $folder).leak()).collect());
        NAMES.iter().copied()
    }};
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| in_folder(data, |rest, old| {
    let mut parts: Vec<Vec<u8>> = Vec::new();
    let mut from = 0;
    while let Some(at) = rest[from..].windows(MARK.len()).position(|w| w == MARK).filter(|_| parts.len() < 2) {
        parts.push(rest[from..from + at].to_vec());
        from += at + MARK.len();
    }
    let chunk = rest[from..].to_vec();
    let with = |mut files: Vec<(&'static str, Vec<u8>)>, names: &mut dyn Iterator<Item = &'static str>| {
        files.extend(names.map(|name| (name, chunk.clone())));
        files
    };
    match (parts.as_slice(), old) {
        ([array], false) => ("a3.zarr", with(vec![("a3.zarr/zarr.json", array.clone())], &mut below!("a3.zarr", CHUNKS_3))),
        ([array], true) => ("a2.zarr", with(vec![("a2.zarr/.zarray", array.clone())], &mut below!("a2.zarr", CHUNKS_2))),
        ([group, array], false) => {
            let files = vec![("g3.zarr/zarr.json", group.clone()), ("g3.zarr/0/zarr.json", array.clone())];
            ("g3.zarr", with(files, &mut below!("g3.zarr/0", CHUNKS_3)))
        }
        ([group, array], true) => {
            let files = vec![
                ("g2.zarr/.zgroup", br#"{"zarr_format":2}"#.to_vec()),
                ("g2.zarr/.zattrs", group.clone()),
                ("g2.zarr/0/.zarray", array.clone()),
            ];
            ("g2.zarr", with(files, &mut below!("g2.zarr/0", CHUNKS_2)))
        }
        _ => ("a3.zarr", Vec::new()),
    }
}));
