//! The shape of the repository: what DESIGN promises about rooms, names and dependencies.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use hounsfield::ops::CATALOGUE;

/// Lines of a source file beyond which it is several files.
const LONG: usize = 600;

/// Rooms of `src/ops` that are no kernels.
const NO_KERNELS: [&str; 2] = ["selfcheck", "testing"];

/// What the engine alone may depend on.
const ENGINE: [&str; 6] = ["bytemuck", "libm", "pollster", "rayon", "thiserror", "wgpu"];

/// What must not come with the engine alone, not even through others.
const OUTSIDE: [&str; 14] = [
    "clap",
    "ctrlc",
    "flate2",
    "glob",
    "image",
    "indicatif",
    "jpeg-decoder",
    "minijinja",
    "png",
    "resvg",
    "rustix",
    "serde_json",
    "tempfile",
    "tiff",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files_below(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path, extension));
        } else if path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
    found
}

fn stems(folder: &str, wanted: impl Fn(&Path) -> bool) -> BTreeSet<String> {
    let entries = std::fs::read_dir(root().join(folder)).unwrap().map(|e| e.unwrap().path());
    entries.filter(|p| wanted(p)).map(|p| p.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

#[test]
fn shaders_rooms_and_catalogue_mirror_each_other() {
    let shaders = stems("shaders", |p| p.extension().is_some_and(|e| e == "wgsl"));
    let rooms = stems("src/ops", |p| p.is_dir() && !NO_KERNELS.iter().any(|n| p.ends_with(n)));
    let catalogue: BTreeSet<String> = CATALOGUE.iter().map(|o| o.shader.name.to_owned()).collect();
    assert_eq!(shaders, rooms, "shaders/*.wgsl and src/ops/*/");
    assert_eq!(shaders, catalogue, "shaders/*.wgsl and ops::CATALOGUE");
    for room in &rooms {
        for file in ["mod.rs", "gpu.rs", "case.rs", "tests.rs"] {
            assert!(root().join("src/ops").join(room).join(file).is_file(), "src/ops/{room}/{file} is missing");
        }
    }
}

#[test]
fn every_shader_reflects() {
    for shader in CATALOGUE.iter().map(|o| o.shader) {
        let interface = shader.reflect().unwrap_or_else(|e| panic!("{}: {e}", shader.name));
        assert!(interface.entry_points().count() > 0, "{} has no entry point", shader.name);
        let file = std::fs::read_to_string(root().join(format!("shaders/{}.wgsl", shader.name))).unwrap();
        assert_eq!(shader.wgsl, file, "{} is another file's text", shader.name);
    }
}

#[test]
fn every_shared_fragment_is_used_and_binds_nothing() {
    for fragment in files_below(&root().join("shaders/shared"), "wgsl") {
        let stem = fragment.file_stem().unwrap().to_str().unwrap();
        let line = format!("//! use shared/{stem}");
        assert!(CATALOGUE.iter().any(|o| o.shader.wgsl.lines().any(|l| l.trim_end() == line)), "{stem} is used by no shader");
        assert!(!std::fs::read_to_string(&fragment).unwrap().contains("@binding"), "{stem} has bindings");
    }
}

#[test]
fn nothing_has_to_be_kept_alike_by_hand() {
    // In two halves, so that this file does not find itself.
    let phrase = ["keep in", "sync"].join(" ");
    for (folder, extension) in [("src", "rs"), ("shaders", "wgsl"), ("tests", "rs"), ("benches", "rs")] {
        for file in files_below(&root().join(folder), extension) {
            let text = std::fs::read_to_string(&file).unwrap().to_lowercase();
            assert!(!text.contains(&phrase), "{} says {phrase:?}", file.display());
        }
    }
}

#[test]
fn no_source_file_is_long() {
    for file in files_below(&root().join("src"), "rs") {
        let lines = std::fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines <= LONG, "{} has {lines} lines", file.display());
    }
}

#[test]
fn arrows_between_rooms_point_one_way() {
    let rules: [(&str, &[&str]); 6] = [
        ("src/volume", &["crate::engine", "crate::io", "crate::pipelines", "crate::report", "wgpu"]),
        ("src/analysis", &["crate::engine", "crate::io", "crate::pipelines", "crate::report", "wgpu"]),
        ("src/engine", &["crate::io", "crate::pipelines", "crate::report", "crate::analysis"]),
        ("src/io", &["crate::engine", "crate::ops", "crate::pipelines", "crate::report", "wgpu"]),
        ("src/ops", &["crate::io", "crate::pipelines", "crate::report"]),
        ("src/report", &["crate::engine", "crate::pipelines", "wgpu"]),
    ];
    for (folder, forbidden) in rules {
        for file in files_below(&root().join(folder), "rs") {
            let text = std::fs::read_to_string(&file).unwrap();
            for line in text.lines().filter(|l| !l.trim_start().starts_with("//")) {
                for name in forbidden {
                    let used = line.contains(&format!("{name}::")) || line.contains(&format!("use {name};"));
                    assert!(!used, "{} uses {name}: {line}", file.display());
                }
            }
        }
    }
}

/// A viewer and Python have no flags: the library says what to do, the program which flag does it (`Hint`).
#[test]
fn the_library_names_no_flag_of_the_program() {
    let src = root().join("src");
    let library = files_below(&src, "rs").into_iter().filter(|f| !f.starts_with(src.join("bin")) && !f.ends_with("tests.rs"));
    for file in library {
        for line in std::fs::read_to_string(&file).unwrap().lines() {
            let flag = line.split("--").skip(1).find(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()));
            assert!(flag.is_none(), "{} names a flag: {line}", file.display());
        }
    }
}

/// The names of the packages that `cargo tree` lists for the engine alone.
fn tree(more: &[&str]) -> BTreeSet<String> {
    let out = Command::new(env!("CARGO"))
        .args(["tree", "--no-default-features", "-e", "normal", "--prefix", "none", "--offline", "--locked"])
        .args(more)
        .current_dir(root())
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let text = String::from_utf8(out.stdout).unwrap();
    text.lines().filter_map(|l| l.split(' ').next()).filter(|n| *n != "hounsfield" && !n.is_empty()).map(Into::into).collect()
}

#[test]
fn the_engine_alone_brings_no_formats_no_plots_and_no_command_line() {
    assert_eq!(tree(&["--depth", "1"]), ENGINE.map(str::to_owned).into());
    let all = tree(&[]);
    assert!(all.contains("naga"), "the tree looks wrong: {all:?}");
    let unwanted: Vec<&String> = all.iter().filter(|n| OUTSIDE.contains(&n.as_str()) || n.starts_with("dicom")).collect();
    assert!(unwanted.is_empty(), "{unwanted:?}");
}

#[test]
fn the_readme_names_every_command() {
    let Ok(readme) = std::fs::read_to_string(root().join("README.md")) else { return };
    let help = crate::support::ok(&["--help"]).text();
    let commands = help.lines().skip_while(|l| *l != "Commands:").skip(1).take_while(|l| !l.is_empty());
    let commands: Vec<&str> =
        commands.filter_map(|l| l.strip_prefix("  ")?.split(' ').next().filter(|n| !n.is_empty())).collect();
    assert!(commands.len() >= 10, "{help}");
    let missing: Vec<&str> = commands
        .into_iter()
        .filter(|command| ["`", " "].iter().all(|end| !readme.contains(&format!("`{command}{end}"))))
        .collect();
    assert!(missing.is_empty(), "README.md does not name {missing:?}");
}
