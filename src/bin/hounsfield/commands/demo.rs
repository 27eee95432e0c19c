//! `hounsfield demo`: a CT phantom and a cohort, and the whole way on them, by the same commands that a user types.

use std::path::{Path, PathBuf};

use hounsfield::io::output::{Target, publish};
use hounsfield::io::{self, WriteOptions};
use hounsfield::phantom::{Cohort, HeartPhantom, Phantom};
use hounsfield::pipelines::Watch;
use hounsfield::{Error, Result};

use crate::args::Shared;
use crate::progress::Progress;
use crate::text::print;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder for everything the demo makes
    #[arg(default_value = "hounsfield-demo", value_name = "FOLDER")]
    pub folder: PathBuf,
    /// Slices of the phantom
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u64).range(2..=2000))]
    pub slices: u64,
    /// Seed of its noise
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

/// Runs a command line as if it had been typed.
pub type Typed<'a> = &'a dyn Fn(&[&str], Shared) -> Result<()>;

pub fn run(shared: &Shared, args: &Args, typed: Typed<'_>) -> Result<()> {
    let folder = &args.folder;
    std::fs::create_dir_all(folder).map_err(Error::write(folder))?;
    let series = folder.join("dicom");
    if shared.force {
        clear(&series)?;
    }
    let phantom = Phantom { size: [512, 512, args.slices], seed: args.seed, ..Phantom::default() };
    print(&format!("A made-up chest CT of {} slices, written as DICOM:\n", args.slices))?;
    let bar = Progress::files(shared, "phantom", args.slices);
    phantom.write_series(&series, &|_| {
        bar.advance(1);
        !bar.stopped()
    })?;
    bar.finish();

    let at = |name: &str| folder.join(name).to_string_lossy().into_owned();
    let series = series.to_string_lossy().into_owned();
    let step = |what: &str, words: &[&str]| {
        let shown: Vec<String> = words.iter().map(|w| if w.contains(' ') { format!("'{w}'") } else { (*w).to_owned() }).collect();
        print(&format!("\n{what}:\n    hounsfield {}\n\n", shown.join(" ")))?;
        typed(words, Shared { json: false, ..shared.clone() })
    };
    step("What the files say", &["info", &series])?;
    step("Statistics in Hounsfield units", &["stats", &series])?;
    step("Twelve slices in one picture", &["slice", &series, "-o", &at("slices.png"), "--montage", "12"])?;
    step("Histogram and cumulative curve", &["histogram", &series, "-o", &at("histogram.png")])?;
    step(
        "Soft tissue equalised, as NIfTI, with a report",
        &[
            "equalize",
            &series,
            "-o",
            &at("equalized.nii.gz"),
            "--range",
            "-100:300",
            "--figure",
            &at("equalized.png"),
            "--report",
            &at("report.html"),
        ],
    )?;
    let heart = HeartPhantom::default();
    let [image, labels] = ["heart.nii.gz", "heart_labels.nii.gz"].map(|name| folder.join(name));
    write_heart(&heart, [&image, &labels], shared.force)?;
    print(&format!(
        "\nA made-up ventricle that beats, and its labels: it ejects {:.0} % of its blood\n",
        100.0 * heart.ejection_fraction()
    ))?;
    step("What it ejects, from its labels", &["curve", &at("heart_labels.nii.gz"), "--figure", &at("heart.png")])?;
    let table = folder.join("cohort.csv");
    let cohort = Cohort { seed: args.seed, ..Cohort::default() };
    publish(vec![Target::new(&table, shared.force, &[])?.stage_bytes(cohort.csv().as_bytes())?])?;
    let effect = Cohort::EFFECT_CM3;
    print(&format!(
        "\nA made-up cohort, {}: patients' brains differ by {effect} cm3, and patients are older.\n",
        table.display()
    ))?;
    step(
        "Whether the group matters, adjusted for what else differs",
        &[
            "group",
            &table.to_string_lossy(),
            "--value",
            "brain_vol",
            "--by",
            "group",
            "--groups",
            "patient,control",
            "--covariates",
            "age,sex,skull_vol",
            "--subject",
            "subject",
            "--figure",
            &at("groups.png"),
        ],
    )?;
    let report = folder.join("report.html");
    let report = report.canonicalize().unwrap_or(report);
    print(&format!(
        "\nEverything lies in {}. Open {} in a browser, then try the same on your own scan:\n    hounsfield equalize SCAN -o equalized.nii.gz --report report.html\n",
        folder.display(),
        report.display()
    ))
}

/// Writes a ventricle's frames, and its labels.
fn write_heart(heart: &HeartPhantom, [image, labels]: [&Path; 2], force: bool) -> Result<()> {
    let mut staged = Vec::new();
    for (path, of_labels) in [(image, false), (labels, true)] {
        let header = heart.header(of_labels);
        let sink = io::create(&Target::new(path, force, &[])?, &header, &WriteOptions::default())?;
        let each = header.grid.shape.voxels() / heart.frames;
        for frame in 0..heart.frames {
            let bytes = match of_labels {
                true => heart.labels(frame),
                false => heart.voxels(frame).into_iter().flat_map(i16::to_le_bytes).collect(),
            };
            sink.write(frame * each, &bytes)?;
        }
        staged.push(sink.finish()?);
    }
    publish(staged)
}

/// Removes the slices of an earlier demo, and nothing else.
fn clear(series: &Path) -> Result<()> {
    let Ok(entries) = std::fs::read_dir(series) else { return Ok(()) };
    for entry in entries.filter_map(std::result::Result::ok) {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("slice_") && name.ends_with(".dcm") {
            std::fs::remove_file(entry.path()).map_err(Error::write(&entry.path()))?;
        }
    }
    Ok(())
}
