//! No result is ever lost: outputs that are one file, an input, or somebody else's.

use crate::support::{Folder, ok, run, small_nifti};

/// Two outputs of a command that would be one file.
const TWICE: [&[&str]; 7] = [
    &["equalize", "IN", "-o", "o.png", "--figure", "o.png"],
    &["equalize", "IN", "-o", "o.nii", "--report", "./o.nii"],
    &["map", "IN", "--steps", "minmax", "-o", "o.png", "--figure", "sub/../o.png"],
    &["threshold", "IN", "-o", "o.png", "--figure", "link.png"],
    &["mask", "IN", "IN", "-o", "o.png", "--figure", "o.png"],
    &["segment", "IN", "-k", "2", "-o", "p_1.nii.gz", "--posteriors", "p"],
    &["distance", "IN", "--signed", "-o", "o.nii", "--nearest", "./o.nii"],
];

#[test]
fn an_output_named_twice_is_refused_before_any_work() {
    for force in [false, true] {
        for words in TWICE {
            let folder = Folder::new();
            let input = small_nifti(&folder, "in.nii");
            std::fs::create_dir(folder.path().join("sub")).unwrap();
            #[cfg(unix)]
            std::os::unix::fs::symlink("o.png", folder.path().join("link.png")).unwrap();
            let before = folder.names();
            let mut words: Vec<String> = words
                .iter()
                .map(|word| match *word {
                    "IN" => input.clone(),
                    name if name.contains('.') || name == "p" => folder.at(name),
                    other => other.to_owned(),
                })
                .collect();
            words.extend(force.then(|| "--force".to_owned()));
            let ran = run(&words.iter().map(String::as_str).collect::<Vec<_>>());
            assert_eq!(ran.code, Some(2), "{}: {}", ran.line, ran.stderr);
            assert!(ran.stderr.contains("two outputs"), "{}", ran.stderr);
            assert_eq!(folder.names(), before, "{}", ran.line);
        }
    }
}

#[test]
fn an_output_is_no_input_of_its_command() {
    let folder = Folder::new();
    let (input, mask) = (small_nifti(&folder, "in.nii"), small_nifti(&folder, "mask.nii"));
    for words in [
        vec!["equalize", &input, "--mask", &mask, "-o", &mask, "--force"],
        vec!["segment", &input, "--channel", &mask, "-o", &mask, "--force"],
        vec!["segment", &input, "--truth", &mask, "-o", &mask, "--force"],
        vec!["mask", &input, &mask, "-o", &mask, "--force"],
        vec!["convert", &input, "-o", &input, "--force"],
    ] {
        let before = std::fs::read(&mask).unwrap();
        let ran = run(&words);
        assert_eq!(ran.code, Some(2), "{}: {}", ran.line, ran.stderr);
        assert!(ran.stderr.contains("one of the inputs"), "{}", ran.stderr);
        assert_eq!(std::fs::read(&mask).unwrap(), before);
    }
}

#[test]
fn forced_outputs_replace_and_others_do_not() {
    let folder = Folder::new();
    let (input, out) = (small_nifti(&folder, "in.nii"), folder.at("o.nii"));
    ok(&["convert", &input, "-o", &out]);
    let ran = run(&["convert", &input, "-o", &out]);
    assert_eq!(ran.code, Some(4));
    assert!(ran.stderr.contains("--force"), "{}", ran.stderr);
    ok(&["convert", &input, "-o", &out, "--force"]);
}
