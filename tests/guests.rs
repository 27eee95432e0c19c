//! `hounsfield view` and `hounsfield learn` hand over to programs of their own.
#![cfg(unix)]

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use crate::support::{Folder, finish, ok, program};

/// A guest that answers `--version` and else prints its arguments and ends with 7.
fn guest(folder: &Folder, name: &str, version: &str) {
    let script = format!(
        "#!/bin/sh\nif [ \"$1\" = --version ]; then echo '{name} {version}'; exit 0; fi\nfor word; do printf '<%s>' \"$word\"; done\nexit 7\n"
    );
    let path = folder.file(name, script.as_bytes());
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// The program in a folder of its own: beside the one that is tested, guests may have been built.
fn alone(folder: &Folder) -> Command {
    let (built, own) = (program(), folder.at("hounsfield"));
    let _ = std::fs::remove_file(&own);
    std::fs::hard_link(built.get_program(), &own).or_else(|_| std::fs::copy(built.get_program(), &own).map(|_| ())).unwrap();
    let mut command = Command::new(own);
    command.envs(built.get_envs().filter_map(|(key, value)| Some((key, value?)))).stdin(Stdio::null());
    command
}

#[test]
fn a_guest_on_the_path_gets_all_words_and_its_exit_code_is_the_answer() {
    let (folder, beside) = (Folder::new(), Folder::new());
    for (command, name) in [("view", "hounsfield-view"), ("learn", "hounsfield-learn")] {
        guest(&folder, name, env!("CARGO_PKG_VERSION"));
        let words = [command, "--json", "-q", "a b", "--help", "--", "--device"];
        let ran = finish(alone(&beside).args(words).env("PATH", format!("{}:/bin:/usr/bin", folder.path().display())));
        assert_eq!((ran.code, ran.text().as_str()), (Some(7), "<--json><-q><a b><--help><--><--device>"), "{}", ran.stderr);
    }
}

#[test]
fn a_guest_of_another_version_is_refused() {
    let (folder, beside) = (Folder::new(), Folder::new());
    guest(&folder, "hounsfield-view", "0.0.7");
    let ran = finish(alone(&beside).args(["view", "x.nii"]).env("PATH", format!("{}:/bin:/usr/bin", folder.path().display())));
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("0.0.7") && ran.stderr.contains(env!("CARGO_PKG_VERSION")), "{}", ran.stderr);
    assert!(ran.stdout.is_empty());
}

#[test]
fn a_missing_guest_is_one_line_that_says_how_to_install_it() {
    let beside = Folder::new();
    for (command, package) in [("view", "--path view"), ("learn", "--path nn")] {
        let ran = finish(alone(&beside).args([command, "x.nii"]).env("PATH", "/nowhere"));
        assert_eq!(ran.code, Some(2));
        assert!(ran.stderr.contains(package) && ran.stderr.lines().count() == 1, "{}", ran.stderr);
    }
    let help = ok(&["--help"]).text();
    assert!(help.contains("  view ") && help.contains("  learn "), "{help}");
    let ran = finish(program().args(["--quiet", "view", "x.nii"]));
    assert_eq!(ran.code, Some(2), "options before the name cannot be handed over: {}", ran.stderr);
}
