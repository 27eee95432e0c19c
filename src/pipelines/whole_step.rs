//! Steps of a chain that need the whole volume: as they are typed, and what they make of the labels before them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::whole::{Holes, fill, reconstruct};
use super::{Mask, Run};
use crate::analysis::steps::Facts;
use crate::io::{self, OpenOptions, Role, Source};
use crate::ops::components::Connectivity;
use crate::{Error, Result};

/// A step whose result at a voxel may depend on any other. It reads all that the steps before it make, once, and what follows reads them again with its changes.
#[derive(Debug, Clone, PartialEq)]
pub struct WholeStep {
    /// As it was typed.
    text: String,
    which: WholeKind,
}

#[derive(Debug, Clone, PartialEq)]
enum WholeKind {
    Fill(Holes),
    Reconstruct(PathBuf, Connectivity),
}

/// How such steps are written.
pub(super) const WHOLE_FORMS: &str = "fill, fill:2d (slice by slice) or reconstruct:MARKER[:6|18|26] (4 or 8 in pictures)";

impl WholeStep {
    /// What a text says; none if it is no such step.
    ///
    /// # Errors
    /// [`Error::Usage`] for one that is incomplete or has too much.
    pub(super) fn parse(text: &str) -> Result<Option<Self>> {
        let wrong = |what: &str| Error::usage(format!("step {text:?}: {what}"), format!("write {WHOLE_FORMS}"));
        let (name, rest) = text.split_once(':').map_or((text, None), |(name, rest)| (name.trim_end(), Some(rest.trim())));
        let which = match (name, rest) {
            ("fill", None | Some("3d")) => WholeKind::Fill(Holes::Volume),
            ("fill", Some("2d")) => WholeKind::Fill(Holes::Slices),
            ("fill", Some(_)) => return Err(wrong("it takes nothing but 2d or 3d")),
            ("reconstruct", None | Some("")) => return Err(wrong("it takes a file")),
            ("reconstruct", Some(rest)) => {
                // A path may hold a colon.
                let (path, connectivity) = match rest.rsplit_once(':') {
                    Some((path, "6" | "4")) => (path, Connectivity::Faces),
                    Some((path, "18")) => (path, Connectivity::Edges),
                    Some((path, "26" | "8")) => (path, Connectivity::Corners),
                    // As SciPy and ITK have it.
                    _ => (rest, Connectivity::Faces),
                };
                WholeKind::Reconstruct(path.trim_end().into(), connectivity)
            }
            _ => return Ok(None),
        };
        Ok(Some(Self { text: text.into(), which }))
    }

    /// As it was typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The file that it reads beside its input.
    pub fn file(&self) -> Option<&Path> {
        match &self.which {
            WholeKind::Fill(_) => None,
            WholeKind::Reconstruct(path, _) => Some(path),
        }
    }

    /// Labels after this step, and what it found.
    ///
    /// # Errors
    /// [`fill`], [`reconstruct`]; for a marker also what opening it gives, and [`Error::Usage`] if it does not lie on the grid of the labels.
    pub(super) fn apply(&self, labels: Arc<dyn Source>, run: &Run<'_>) -> Result<(Arc<dyn Source>, Facts)> {
        match &self.which {
            WholeKind::Fill(holes) => {
                let done = fill(labels, *holes, run)?;
                Ok((done.source, vec![("holes", done.found.holes as f64), ("voxels", done.found.voxels as f64)]))
            }
            WholeKind::Reconstruct(path, connectivity) => {
                let marker: Arc<dyn Source> = io::open(std::slice::from_ref(path), &OpenOptions::of(Role::Mask))?.into();
                marker.header().origin.notes.iter().for_each(|note| run.note(&format!("marker: {note}")));
                let marker = Mask::new(marker, None, labels.header(), run)?;
                let done = reconstruct(labels, &marker, *connectivity, run)?;
                Ok((done.source, vec![("kept", done.found.kept as f64), ("removed", done.found.removed as f64)]))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_read_as_they_are_typed() {
        let one = |text: &str| WholeStep::parse(text).unwrap().map(|step| step.which);
        assert_eq!(one("fill"), Some(WholeKind::Fill(Holes::Volume)));
        assert_eq!(one("fill:3d"), Some(WholeKind::Fill(Holes::Volume)));
        assert_eq!(one("fill: 2d"), Some(WholeKind::Fill(Holes::Slices)));
        let reconstruct = |path: &str, by| Some(WholeKind::Reconstruct(path.into(), by));
        assert_eq!(one("reconstruct:a/b.nii.gz"), reconstruct("a/b.nii.gz", Connectivity::Faces));
        assert_eq!(one("reconstruct:C:\\b.nii"), reconstruct("C:\\b.nii", Connectivity::Faces));
        assert_eq!(one("reconstruct:C:\\b.nii:18"), reconstruct("C:\\b.nii", Connectivity::Edges));
        assert_eq!(one("reconstruct:b.png:8"), reconstruct("b.png", Connectivity::Corners));
        assert_eq!(one("filled"), None);
        assert_eq!(one("median:1"), None);
        for (text, what) in [("fill:1", "2d or 3d"), ("reconstruct", "a file"), ("reconstruct:", "a file")] {
            let said = WholeStep::parse(text).unwrap_err().to_string();
            assert!(said.contains(what) && said.contains("fill:2d"), "{said}");
        }
        assert_eq!(WholeStep::parse("reconstruct:m.nii:26").unwrap().unwrap().file(), Some(Path::new("m.nii")));
    }
}
