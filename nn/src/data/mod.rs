//! Images with classes, from a folder with a sub-folder for each class, a table of paths and labels, or a MedMNIST archive; and how they are parted.

mod archive;
mod collect;
mod duplicates;
mod files;
mod image;
mod split;

pub use archive::ArchivePart;
pub use collect::{Collected, Follow, Origin, collect, first_side};
pub use duplicates::{Duplicates, drop_from};
pub use files::Columns;
pub use image::{Plane, read_plane, real_slices, real_values};
pub use split::{Groups, split};

/// One image, ready for a network but for its normalisation.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The file, or the archive and the number in it.
    pub name: String,
    /// Real values, row by row, of as many pixels as the network takes.
    pub values: Vec<f32>,
    /// Its class, where it is known.
    pub class: Option<usize>,
    /// Whose it is: a patient, or what a pattern finds in its name.
    pub group: Option<String>,
    /// SHA-256 of its size and its pixels as the file has them.
    pub hash: [u8; 32],
}

/// Images of the same classes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ImageSet {
    /// Names of the classes, by their number.
    pub classes: Vec<String>,
    /// The images.
    pub samples: Vec<Sample>,
}

impl ImageSet {
    /// How many images each class has.
    pub fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes.len()];
        self.samples.iter().filter_map(|sample| sample.class).for_each(|class| counts[class] += 1);
        counts
    }

    /// SHA-256 of all images and their classes, whatever their order and names.
    pub fn hash(&self) -> String {
        use sha2::{Digest, Sha256};
        let mut all: Vec<([u8; 32], u64)> =
            self.samples.iter().map(|sample| (sample.hash, sample.class.map_or(u64::MAX, |class| class as u64))).collect();
        all.sort_unstable();
        let mut hash = Sha256::new();
        for (pixels, class) in all {
            hash.update(pixels);
            hash.update(class.to_le_bytes());
        }
        hex(&hash.finalize())
    }
}

/// Bytes as people write hashes.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
