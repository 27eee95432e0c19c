//! The shape of the repository: what DESIGN promises about rooms, names and dependencies.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use hounsfield::ops::CATALOGUE;

/// Lines of a source file beyond which it is several files.
const LONG: usize = 500;

/// Rooms of `src/ops` that are no kernels.
const NO_KERNELS: [&str; 2] = ["selfcheck", "testing"];

/// What the engine alone may depend on.
const ENGINE: [&str; 6] = ["bytemuck", "libm", "pollster", "rayon", "thiserror", "wgpu"];

/// What must not come with the engine alone, not even through others.
const OUTSIDE: [&str; 16] = [
    "bzip2",
    "clap",
    "csv",
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

/// Every room of the library with the rooms that it may ask, besides itself and what can go wrong. Another arrow is a fault of the design, not of this list.
const ARROWS: [(&str, &[&str]); 12] = [
    ("error", &[]),
    ("volume", &[]),
    ("analysis", &["volume"]),
    ("engine", &["volume", "wgpu"]),
    ("ops", &["analysis", "engine", "volume", "wgpu"]),
    ("io", &["volume"]),
    ("views", &["io", "ops", "volume"]),
    ("phantom", &["io", "volume"]),
    ("report", &["analysis", "volume"]),
    ("pipelines", &["analysis", "engine", "io", "ops", "views", "volume", "wgpu"]),
    ("findings", &["analysis", "io", "ops", "pipelines", "report", "volume"]),
    (
        "lib",
        &["analysis", "engine", "error", "findings", "io", "ops", "phantom", "pipelines", "report", "views", "volume", "wgpu"],
    ),
];

/// What stands at the root for everybody.
const ROOT: [&str; 8] = ["Error", "Hint", "Result", "Flaw", "Catalogue", "SeriesEntry", "error", "testing"];

/// A file without its comments and its tests.
fn code(file: &Path) -> String {
    let text = std::fs::read_to_string(file).unwrap();
    let lines = text.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    lines.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned()
}

/// Files that are tests as a whole.
fn is_test(file: &Path) -> bool {
    let names = ["tests", "testing", "faults", "mutations", "round_trips", "handmade"];
    file.file_stem().is_some_and(|stem| names.iter().any(|name| stem == *name))
}

/// The library's sources, without files that are tests, by room.
fn sources() -> Vec<(String, PathBuf)> {
    let src = root().join("src");
    files_below(&src, "rs")
        .into_iter()
        .filter(|file| !is_test(file))
        .filter_map(|file| {
            let inner = file.strip_prefix(&src).unwrap().to_owned();
            let room = inner.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned();
            (room != "bin").then_some((room, file))
        })
        .collect()
}

/// The first names behind `crate::` in a text, also within braces.
fn asked(text: &str) -> BTreeSet<String> {
    let word = |s: &str| s.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices("crate::") {
        // `$crate::` and names that merely end so.
        let rest = &text[at + 7..];
        let Some(group) = rest.strip_prefix('{') else {
            found.insert(word(rest));
            continue;
        };
        let mut depth = 0;
        let mut start = true;
        for (i, c) in group.char_indices() {
            if start && depth == 0 && !c.is_whitespace() {
                found.insert(word(&group[i..]));
                start = false;
            }
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => start = true,
                _ => {}
            }
        }
    }
    if text.contains("wgpu::") {
        found.insert("wgpu".into());
    }
    found.remove("");
    found
}

#[test]
fn arrows_between_rooms_point_one_way() {
    for (room, file) in sources() {
        let allowed = ARROWS.iter().find(|(name, _)| *name == room).unwrap_or_else(|| panic!("{room} is no room of ARROWS")).1;
        for name in asked(&code(&file)) {
            let good = name == room || ROOT.contains(&name.as_str()) || allowed.contains(&name.as_str());
            assert!(good, "{} asks {name}", file.display());
        }
    }
}

/// Where a path of names leads from a file: the file that defines what is named, as far as the names of modules tell.
fn leads_to(file: &Path, names: &[&str]) -> Option<PathBuf> {
    let src = root().join("src");
    let is_folder = file.file_stem().is_some_and(|s| s == "mod");
    let mut at = match *names.first()? {
        "crate" => src.clone(),
        "super" if is_folder => file.parent()?.parent()?.to_owned(),
        "super" => file.parent()?.to_owned(),
        "self" if is_folder => file.parent()?.to_owned(),
        _ => return None,
    };
    for name in &names[1..] {
        if *name == "super" {
            at = at.parent()?.to_owned();
        } else if at.join(name).is_dir() {
            at = at.join(name);
        } else {
            let leaf = at.join(format!("{name}.rs"));
            return leaf.is_file().then_some(leaf);
        }
    }
    None
}

#[test]
fn no_circle_of_files() {
    let src = root().join("src");
    let mut arrows: BTreeMap<PathBuf, BTreeSet<PathBuf>> = BTreeMap::new();
    for file in files_below(&src, "rs") {
        let text = code(&file);
        for start in ["crate::", "super::", "self::"] {
            for (at, _) in text.match_indices(start) {
                let path: String = text[at..].chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | ':')).collect();
                let names: Vec<&str> = path.split("::").filter(|n| !n.is_empty()).collect();
                if let Some(other) = leads_to(&file, &names).filter(|other| *other != file) {
                    arrows.entry(file.clone()).or_default().insert(other);
                }
            }
        }
    }
    assert!(arrows.len() > 50, "the arrows were not read");
    // What asks nothing that is left goes, until only circles are left.
    while let Some(end) = arrows.iter().find(|(_, to)| to.iter().all(|other| !arrows.contains_key(other))).map(|(f, _)| f.clone())
    {
        arrows.remove(&end);
    }
    assert!(arrows.is_empty(), "a circle among {:?}", arrows.keys().map(|f| f.strip_prefix(&src).unwrap()).collect::<Vec<_>>());
}

/// Names that stand for a role within one room and are meant to recur.
const ROLES: [&str; 1] = ["Args"];

#[test]
fn one_name_means_one_thing() {
    let mut places: BTreeMap<String, BTreeSet<PathBuf>> = BTreeMap::new();
    for file in files_below(&root().join("src"), "rs").into_iter().filter(|file| !is_test(file)) {
        for line in code(&file).lines().map(str::trim_start) {
            let rest = ["pub(super) ", "pub(crate) ", "pub "].iter().find_map(|p| line.strip_prefix(p)).unwrap_or(line);
            let named = ["struct ", "enum ", "trait ", "union "].iter().find_map(|k| rest.strip_prefix(k));
            let name: String = named.unwrap_or_default().chars().take_while(|c| c.is_alphanumeric()).collect();
            if !name.is_empty() && !ROLES.contains(&name.as_str()) {
                places.entry(name).or_default().insert(file.clone());
            }
        }
    }
    let twice: Vec<_> = places.iter().filter(|(_, files)| files.len() > 1).collect();
    assert!(twice.is_empty(), "one name in two places: {twice:#?}");
}

/// What, how, where to, on what: a function of the pipelines takes no more.
const MOST_ARGUMENTS: usize = 4;

#[test]
fn no_function_of_the_pipelines_takes_a_handful() {
    for file in files_below(&root().join("src/pipelines"), "rs").into_iter().filter(|file| !is_test(file)) {
        let text = code(&file);
        for (at, _) in text.match_indices("fn ") {
            let Some(open) = text[at..].find('(').filter(|open| text[at..at + open].lines().count() == 1) else { continue };
            let name = &text[at + 3..at + open];
            let (mut depth, mut commas, mut words) = (0i32, 0, 0);
            for c in text[at + open..].chars() {
                match c {
                    '(' | '[' | '{' | '<' => depth += 1,
                    ')' | ']' | '}' | '>' => depth -= 1,
                    ',' if depth == 1 => (commas, words) = (commas + 1, 0),
                    c if !c.is_whitespace() => words += 1,
                    _ => {}
                }
                if depth == 0 {
                    break;
                }
            }
            // A comma at the end begins no argument.
            let arguments = commas + usize::from(words > 0);
            let own = usize::from(
                text[at + open..].trim_start_matches(['(', '&', ' ', '\n']).trim_start_matches("mut ").starts_with("self"),
            );
            assert!(arguments - own.min(arguments) <= MOST_ARGUMENTS, "{}: {name} takes {arguments}", file.display());
        }
    }
}

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
