//! Tables that commands write, and names of the labels in them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hounsfield::findings::Rows;
use hounsfield::findings::words::tabbed;
use hounsfield::io::output::Target;
use hounsfield::io::{label_names, names_beside};
use hounsfield::{Error, Result};

use crate::job::Job;

/// What a table is written as.
#[derive(Debug, Clone, Copy)]
pub enum TableKind {
    Json,
    Csv,
    Tsv,
}

impl TableKind {
    /// By the end of its name; none for no table.
    pub fn of(path: Option<&Path>) -> Result<Option<Self>> {
        path.map(Self::by_name).transpose()
    }

    fn by_name(path: &Path) -> Result<Self> {
        let end = path.extension().and_then(|end| end.to_str()).unwrap_or_default().to_ascii_lowercase();
        match end.as_str() {
            "json" => Ok(Self::Json),
            "csv" => Ok(Self::Csv),
            "tsv" | "txt" => Ok(Self::Tsv),
            _ => Err(Error::usage(format!("{}: no kind of table", path.display()), "end the name in .csv, .tsv or .json")),
        }
    }
}

/// Writes lines that `csv` gives, or all that is known as JSON.
pub fn write_table(
    job: &mut Job<'_>,
    target: &Target,
    kind: TableKind,
    (csv, rows): (impl FnOnce() -> String, &Rows),
) -> Result<()> {
    let text = match kind {
        TableKind::Json => format!("{:#}\n", job.noted(rows.clone()).json()),
        TableKind::Csv => csv(),
        TableKind::Tsv => tabbed(&csv()),
    };
    job.stage(target.stage_bytes(text.as_bytes())?);
    Ok(())
}

/// Names of labels from the file that was given, else from the table beside the label map, which is said.
pub fn names_of(job: &Job<'_>, given: Option<&Path>, labels: &[PathBuf]) -> Result<BTreeMap<u16, String>> {
    if let Some(path) = given {
        return label_names(path);
    }
    let beside = match labels {
        [one] => names_beside(one),
        _ => None,
    };
    let Some(path) = beside else { return Ok(BTreeMap::new()) };
    job.warn(&format!("names of labels from {}", path.display()));
    label_names(&path)
}
