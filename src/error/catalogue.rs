//! The series that a folder holds: data for a picker, and what an error tells where one has to be chosen.

use std::fmt;
use std::path::PathBuf;

/// The series of a folder of DICOM files. Nothing in it names a patient.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Catalogue {
    /// In the order in which their first files come by name.
    pub series: Vec<SeriesEntry>,
    /// Files of the folder that are no DICOM images.
    pub other_files: u64,
    /// Files that look like DICOM but are damaged before they say what series they are of.
    pub damaged: Vec<PathBuf>,
}

impl Catalogue {
    /// The damaged files by name, if there are any.
    pub(crate) fn damaged_in_words(&self) -> Option<String> {
        const SHOWN: usize = 5;
        let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let names: Vec<String> = self.damaged.iter().take(SHOWN).map(name).collect();
        let count = self.damaged.len();
        let more = if count > SHOWN { format!(" and {} more", count - SHOWN) } else { String::new() };
        match count {
            0 => None,
            1 => Some(format!("1 file is damaged ({})", names[0])),
            _ => Some(format!("{count} files are damaged ({}{more})", names.join(", "))),
        }
    }
}

/// What the headers of one series say of it.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct SeriesEntry {
    /// What the option `series` of opening calls it: from 1.
    pub number: u32,
    /// A code such as CT, of the first image that can be read; none if it gives no proper code.
    pub modality: Option<String>,
    /// SeriesDescription, only where [`OpenOptions::show_text`](crate::io::OpenOptions::show_text) asks for it.
    pub description: Option<String>,
    /// All its files.
    pub files: u64,
    /// Those among them whose images cannot be read.
    pub unreadable: u64,
    /// Images in the files that can be read: more than files where files hold several frames.
    pub images: u64,
    /// Columns and rows of the first image; none if no file can be read.
    pub size: Option<[u64; 2]>,
    /// Millimetres from pixel to pixel along x and y, of the first image.
    pub spacing_mm: Option<[f64; 2]>,
    /// Length of the files that can be read.
    pub bytes: u64,
}

impl fmt::Display for SeriesEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, files, unreadable, .. } = self;
        let noun = if *files == 1 { "file" } else { "files" };
        let Some([columns, rows]) = self.size else { return write!(f, "{number}: {files} unreadable {noun}") };
        let modality = self.modality.as_deref().unwrap_or("unknown modality");
        write!(f, "{number}: {modality}, {files} {noun} of {columns} x {rows}, {:.1} MB", self.bytes as f64 / 1e6)?;
        if *unreadable > 0 {
            write!(f, ", {unreadable} unreadable")?;
        }
        Ok(())
    }
}

/// One line, of the first series only if there are many.
impl fmt::Display for Catalogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 20;
        for (i, entry) in self.series.iter().take(SHOWN).enumerate() {
            write!(f, "{}{entry}", if i > 0 { "; " } else { "" })?;
        }
        if let Some(more @ 1..) = self.series.len().checked_sub(SHOWN) {
            write!(f, "; and {more} more")?;
        }
        match self.damaged_in_words() {
            Some(damaged) => write!(f, "; {damaged}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_is_cut() {
        let entry = |number| SeriesEntry { number, files: 1, unreadable: 1, ..SeriesEntry::default() };
        let of = |n| Catalogue { series: (1..=n).map(entry).collect(), ..Catalogue::default() }.to_string();
        assert_eq!(of(2), "1: 1 unreadable file; 2: 1 unreadable file");
        assert!(of(20).ends_with("20: 1 unreadable file") && of(23).ends_with("20: 1 unreadable file; and 3 more"));
    }
}
