//! What the exit code says.

use std::process::ExitCode;

use hounsfield::Error;

/// 2 usage, 3 input, 4 output, 5 device; 130 as shells have it for Ctrl-C.
pub fn code(error: &Error) -> ExitCode {
    ExitCode::from(match error {
        Error::Usage { .. } | Error::SeveralSeries { .. } | Error::SeveralVolumes { .. } => 2,
        Error::Write { .. } | Error::Exists { .. } => 4,
        Error::Gpu(_) => 5,
        Error::Interrupted => 130,
        _ => 3,
    })
}
