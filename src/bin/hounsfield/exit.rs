//! What the exit code says.

use std::process::ExitCode;

use hounsfield::Error;

/// What a command that asks a question answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// What was asked for is done, or is so.
    Yes,
    /// It is not: two files differ by more than they may.
    No,
}

impl Answer {
    /// 0 or 1.
    pub fn code(self) -> ExitCode {
        ExitCode::from(u8::from(self == Self::No))
    }
}

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
