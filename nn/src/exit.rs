//! What the exit code says, and errors in the words of this command line.

use std::process::ExitCode;

use hounsfield::{Error, Hint};

/// 2 usage, 3 input, 4 output; 130 as shells have it for Ctrl-C. As of the main program.
pub fn code(error: &Error) -> ExitCode {
    ExitCode::from(match error {
        Error::Usage { .. } | Error::SeveralSeries { .. } | Error::SeveralVolumes { .. } => 2,
        Error::Write { .. } | Error::Exists { .. } => 4,
        Error::Gpu(_) => 5,
        Error::Interrupted => 130,
        _ => 3,
    })
}

/// The message that the user gets.
pub fn message(error: &Error) -> String {
    if matches!(error, Error::Interrupted) {
        return "interrupted; the last whole epoch of a training stays, and --resume goes on from it".into();
    }
    error.message(|hint| match hint {
        Hint::Overwrite => "--force replaces it".into(),
        other => other.to_string(),
    })
}
