//! `hounsfield info`: what the header says, without patient data.

use hounsfield::Result;
use hounsfield::findings::HeaderFinding;

use crate::args::{FileArgs, Shared};
use crate::job::Job;
use crate::text::tell;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub input: FileArgs,
}

pub fn run(shared: &Shared, args: &Args) -> Result<()> {
    let source = Job::new(shared, &args.input, [])?.open()?;
    let rows = HeaderFinding { header: source.header() }.rows();
    tell(shared, &rows.text(), &rows)
}
