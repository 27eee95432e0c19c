//! `hounsfield stats`: statistics in real units.

use hounsfield::findings::StatisticsFinding;
use hounsfield::pipelines::{self, Bins, Counted};
use hounsfield::{Error, Result};

use crate::args::{FileArgs, RegionArgs, Shared};
use crate::job::{self, Job};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub input: FileArgs,
    #[command(flatten)]
    pub region: RegionArgs,
}

pub fn run(shared: &Shared, args: &Args) -> Result<()> {
    let mut job = Job::new(shared, &args.input, &args.region.mask)?;
    let input = job.resolve()?;
    let mask = job.mask(&args.region, input.header())?;
    let input = input.masked(mask);
    let (region, bytes) = (job::region(&args.region), input.header().bytes());
    let finding = if input.is_exact() {
        let counted = job.pass("count", bytes, |run| Counted::of(&input, &region, Bins::Following, run))?;
        StatisticsFinding::counted(input.header(), &counted)
    } else {
        job::say(shared, "device: CPU (statistics of true floats have no kernel)");
        let stored = input.as_stored();
        job = job.on_cpu();
        let floats = job.pass("count", stored.header().bytes(), |run| pipelines::float_statistics(&stored, region.range, run))?;
        StatisticsFinding::floats(input.header(), floats)
    };
    let finding = finding.ok_or_else(Error::no_voxel)?;
    if let Some(note) = finding.padding_note().filter(|_| args.region.with_padding.is_none()) {
        job.note(&note);
    }
    let rows = finding.rows();
    job.tell(&rows.text(), rows)
}
