//! Names of labels from side files: tables of BIDS (`_dseg.tsv`), label descriptions of ITK-SNAP, colour tables of FreeSurfer.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// Longest file that is read.
const MOST_BYTES: u64 = 16 << 20;

/// Names of labels from a file: with a header line and the columns `index` and `name` between tabs (BIDS, derivatives of segmentations); with a quoted name at the end of each line
/// (ITK-SNAP); or with number, name and four numbers (FreeSurfer).
///
/// # Errors
/// [`Error::Read`] for a file that cannot be read, [`Error::Usage`] for one in which no name is found.
pub fn label_names(path: &Path) -> Result<BTreeMap<u16, String>> {
    let size = std::fs::metadata(path).map_err(Error::read(path))?.len();
    if size > MOST_BYTES {
        return Err(Error::usage(
            format!("{}: {size} bytes, too many for names of labels", path.display()),
            "give a table of labels",
        ));
    }
    let text = String::from_utf8_lossy(&std::fs::read(path).map_err(Error::read(path))?).into_owned();
    let names = parse(&text);
    if names.is_empty() {
        let what = format!("{}: no names of labels", path.display());
        return Err(Error::usage(
            what,
            "give a table with the columns index and name, ITK-SNAP's label descriptions or a colour table of FreeSurfer",
        ));
    }
    Ok(names)
}

/// The table that BIDS puts beside a label map: the same name with `.tsv`; none if there is no such file.
pub fn names_beside(labels: &Path) -> Option<PathBuf> {
    let name = labels.file_name()?.to_str()?;
    let stem = name.strip_suffix(".nii.gz").or_else(|| name.strip_suffix(".nii"))?;
    let beside = labels.with_file_name(format!("{stem}.tsv"));
    (stem.ends_with("dseg") && beside.is_file()).then_some(beside)
}

fn parse(text: &str) -> BTreeMap<u16, String> {
    let mut lines = text.trim_start_matches('\u{feff}').lines().map(str::trim_end);
    let first = lines.clone().next().unwrap_or_default();
    let columns: Vec<String> = first.split('\t').map(|word| word.trim().to_ascii_lowercase()).collect();
    let column = |name: &str| columns.iter().position(|own| own == name);
    if let (Some(index), Some(name)) = (column("index"), column("name")) {
        let one = |line: &str| {
            let words: Vec<&str> = line.split('\t').map(str::trim).collect();
            Some((words.get(index)?.parse().ok()?, (*words.get(name)?).to_owned()))
        };
        return lines.skip(1).filter_map(one).collect();
    }
    let one = |line: &str| {
        let line = line.trim_start();
        if line.starts_with('#') {
            return None;
        }
        let (number, rest) = line.split_once(char::is_whitespace)?;
        let label = number.parse().ok()?;
        if let Some((_, quoted)) = rest.split_once('"') {
            return Some((label, quoted.strip_suffix('"')?.to_owned()));
        }
        let words: Vec<&str> = rest.split_whitespace().collect();
        let colour = words.get(1..5).is_some_and(|four| four.iter().all(|word| word.parse::<u16>().is_ok()));
        colour.then(|| (label, words[0].to_owned()))
    };
    lines.by_ref().filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_kinds_of_tables_are_read() {
        let bids = "name\tindex\tabbreviation\nCaudate nucleus\t11\tCau\nThalamus\t10\tTha\n";
        let snap = "# ITK-SnAP Label Description File\n    0     0    0    0        0  0  0    \"Clear Label\"\n    3   0 0 255 1 1 1 \"Left Atrium\"\n";
        let free = "#$Id\n#No. Label Name: R G B A\n\n0   Unknown   0 0 0 0\n17  Left-Hippocampus  220 216 20 0\n70000 Too-Large 1 2 3 4\n";
        let of = |text: &str, label: u16| parse(text).get(&label).cloned();
        assert_eq!((of(bids, 10), of(bids, 11)), (Some("Thalamus".into()), Some("Caudate nucleus".into())));
        assert_eq!((of(snap, 0), of(snap, 3)), (Some("Clear Label".into()), Some("Left Atrium".into())));
        assert_eq!((of(free, 17), parse(free).len()), (Some("Left-Hippocampus".into()), 2));
        assert!(parse("a poem\n1 of words\n").is_empty() && parse("").is_empty());
    }

    #[test]
    fn bids_tables_are_found_beside_their_label_map() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("sub-01_dseg.tsv"), "index\tname\n1\tGM\n").unwrap();
        std::fs::write(at("other.tsv"), "index\tname\n1\tGM\n").unwrap();
        assert_eq!(names_beside(&at("sub-01_dseg.nii.gz")), Some(at("sub-01_dseg.tsv")));
        assert_eq!((names_beside(&at("other.nii")), names_beside(&at("sub-02_dseg.nii"))), (None, None));
        assert_eq!(label_names(&at("sub-01_dseg.tsv")).unwrap()[&1], "GM");
        std::fs::write(at("poem.txt"), "no names\n").unwrap();
        assert!(label_names(&at("poem.txt")).is_err_and(|e| matches!(e, Error::Usage { .. })));
        assert!(label_names(&at("none.txt")).is_err());
    }
}
