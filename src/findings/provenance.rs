//! How a result came to be.

use super::Note;

/// How a result came to be, as only the caller knows it.
#[derive(Debug, Clone)]
pub struct Provenance {
    /// What a reader can repeat: a command line, a call. Without paths, since file names can hold names of people. May be empty.
    pub command: String,
    /// The device's name.
    pub device: String,
    /// What happened on the way, such as a fall-back to the CPU.
    pub events: Vec<String>,
    /// What the files that were written do not say.
    pub written: Vec<Note>,
    /// The caller's words for a note: the fact, and how to do something about it there.
    pub words: fn(&Note) -> String,
}

impl Provenance {
    /// On this device, with notes in neutral words.
    pub fn new(device: impl Into<String>) -> Self {
        Self { command: String::new(), device: device.into(), events: Vec::new(), written: Vec::new(), words: Note::to_string }
    }

    /// What a reader should know, of the result and of the files of it, in the caller's words.
    pub(super) fn notes(&self, of_result: &[Note]) -> Vec<String> {
        of_result.iter().chain(&self.written).map(self.words).collect()
    }
}
