//! `hounsfield view` and `hounsfield learn`: programs of their own, so that this one needs neither a window nor a network library. They are found beside
//! this program or on PATH, get all that was typed behind their name, and their exit code is the answer.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus};

use hounsfield::{Error, Result};

/// What is typed behind the name.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What the program takes: see its own --help
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
    pub rest: Vec<OsString>,
}

/// A program that answers for a command.
pub struct Guest {
    program: String,
    /// The folder of its package in the repository.
    package: &'static str,
    rest: Vec<OsString>,
}

/// The commands that guests answer for, and the folders of their packages.
const GUESTS: [(&str, &str); 2] = [("view", "view"), ("learn", "nn")];

/// The guest whose command was typed, if one was.
pub fn asked_for() -> Option<Guest> {
    let mut typed = std::env::args_os().skip(1);
    let first = typed.next()?;
    let (name, package) = GUESTS.into_iter().find(|(name, _)| first == *name)?;
    Some(Guest { program: format!("hounsfield-{name}{}", std::env::consts::EXE_SUFFIX), package, rest: typed.collect() })
}

/// A guest's name behind options of this program, which it could not be given.
pub fn typed_behind_options() -> Result<()> {
    Err(Error::usage("options stand before the command", "give them behind it: hounsfield view --help"))
}

impl Guest {
    /// Runs it in place of this program.
    pub fn hand_over(self) -> ExitCode {
        match self.run() {
            Ok(code) => code,
            Err(e) => {
                eprintln!("hounsfield: {}", crate::words::message(&e));
                crate::exit::code(&e)
            }
        }
    }

    fn run(self) -> Result<ExitCode> {
        let missing = || {
            let install =
                format!("cargo install --path {} --locked, in the folder of hounsfield's sources, installs it", self.package);
            Error::usage(format!("{} is neither beside this program nor on PATH", self.program), install)
        };
        let path = self.find().ok_or_else(missing)?;
        self.same_version(&path)?;
        let status = Command::new(&path).args(&self.rest).status().map_err(Error::read(&path))?;
        Ok(code(status))
    }

    fn find(&self) -> Option<PathBuf> {
        let beside = std::env::current_exe().ok().and_then(|own| Some(own.parent()?.to_path_buf()));
        let on_path = std::env::var_os("PATH").unwrap_or_default();
        let folders = beside.into_iter().chain(std::env::split_paths(&on_path));
        folders.map(|folder| folder.join(&self.program)).find(|path| path.is_file())
    }

    /// Another version would take other arguments, or answer otherwise.
    fn same_version(&self, path: &Path) -> Result<()> {
        let said = Command::new(path).arg("--version").output().map_err(Error::read(path))?;
        let said = String::from_utf8_lossy(&said.stdout);
        let version = said.split_whitespace().nth(1).unwrap_or("unknown");
        let own = env!("CARGO_PKG_VERSION");
        if version == own {
            return Ok(());
        }
        let what = format!("{} has version {version}, this program {own}", path.display());
        Err(Error::usage(what, "install both from the same sources"))
    }
}

/// Its exit code; of a signal what shells make of it.
fn code(status: ExitStatus) -> ExitCode {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return ExitCode::from(128 + signal as u8);
    }
    ExitCode::from(status.code().map_or(1, |code| code as u8))
}
