//! Errors in the words of the command line: the library says what to do, here the flags have names.

use hounsfield::engine::GpuError;
use hounsfield::findings::Note;
use hounsfield::{Error, Hint};

/// The message that the user gets.
pub fn message(error: &Error) -> String {
    match error {
        Error::Gpu(error) => device(error),
        error => error.message(flags),
    }
}

/// A device's failure: the way around it is another device.
pub fn device(error: &GpuError) -> String {
    match error {
        GpuError::Lost { kernel } => format!("the GPU was lost during {kernel}; run again, or with --device cpu"),
        GpuError::Timeout { kernel, seconds } => {
            format!("the GPU did not finish {kernel} within {seconds} s; run with --device cpu")
        }
        GpuError::NoAdapter { what, hint } => format!("{what}; {}", flags(hint)),
        other => other.to_string(),
    }
}

fn flags(hint: &Hint) -> String {
    let words = match hint {
        Hint::OrCpu(words) => return format!("{words}, or use --device cpu"),
        Hint::ListedAdapter => "choose one that `hounsfield devices` lists",
        Hint::OtherDevice => "choose another with --device, or use --device cpu",
        Hint::WidenSelection => return widen(),
        Hint::OmitStep => "leave the step out, or widen --where or --mask",
        Hint::GiveThresholds => "ask for fewer classes, widen --where or --mask, or give thresholds with --at",
        Hint::StartElsewhere => "ask for fewer classes, or start elsewhere (--init)",
        Hint::FitVoxels => "use --method voxel",
        Hint::FitExactly => "convert the volume first, or use --method exact",
        Hint::OmitMonotone => "leave out --monotone, or use --method exact",
        Hint::WriteIntegers => "ask for --to u16, or clip first",
        Hint::LessMemory => "lower --memory or close other programs",
        Hint::MoreMemory => "raise --memory",
        Hint::Overwrite => "--force replaces it",
        Hint::ChooseSeries => "pick one by its number with --series N",
        Hint::ChooseVolume => "pick one by its number with --volume N",
        Hint::RaiseLimit => "raise it with --max-voxels if the file is genuine",
        Hint::AllowGaps => {
            "get the missing slices, stack those that there are with --allow-gaps, or interpolate them onto a regular grid with --regrid"
        }
        Hint::Regrid => "interpolate the slices onto a regular grid with --regrid, or go on all the same with --trust-geometry",
        Hint::OneLabel => "make a mask with threshold, or take one label of the map for the inside with --label N",
        Hint::ChooseValues => "say from which to which real value voxels count with --where LO:HI",
        Hint::MeasureOutside => "add --outside or --signed",
        Hint::NameGroups => "name the two that are to be compared with --groups A,B",
        Hint::NameSubject => "name the column that says whose row it is with --subject",
        Hint::TestOrCovariates => "leave out --test, or --covariates",
        Hint::FirstDuplicate => "check the series, or keep the first slice of each position with --first-duplicate",
        Hint::Split => "put the images of one kind into a folder of their own, or split the series with --split",
        Hint::TrustGeometry => "check the series, or go on all the same with --trust-geometry",
        Hint::OneSlice => "use .tiff, .nii.gz or `hounsfield slice`",
        other => return other.to_string(),
    };
    words.into()
}

/// Which of the flags that select voxels stand on the command line.
fn widen() -> String {
    let typed: Vec<String> = std::env::args().skip(1).collect();
    let there = |flag: &&str| typed.iter().any(|word| word.split('=').next() == Some(flag));
    match ["--where", "--range", "--mask", "--label"].into_iter().filter(there).collect::<Vec<_>>().as_slice() {
        [] => "NaN and infinities never count, padding does with --padding keep".into(),
        [one] => format!("widen {one}; NaN and infinities never count"),
        [most @ .., last] => format!("widen {} or {last}; NaN and infinities never count", most.join(", ")),
    }
}

/// A fact, and which flag does something about it.
pub fn note(note: &Note) -> String {
    let flag = match note {
        Note::PaddingCounts { .. } => "--padding drop leaves them out",
        Note::Clamped { .. } => "--to f32 keeps them",
        Note::ClipIsLeast { .. } => "--bins 256 counts coarser, and larger tiles or a higher --clip help, too",
        Note::SkullLeft { .. } => "--mask takes the brain alone",
        Note::NotConverged { .. } => "--max-iter allows more",
        Note::ClassInParts { .. } => "--monotone forbids that",
        Note::SubjectsRepeated { .. } => "--where chooses one, --test paired pairs them",
        Note::GroupsDifferElsewhere { .. } => "--covariates adjusts for it, --where compares like with like",
        Note::ClassesOutOfOrder => "--monotone makes them",
        other => return other.to_string(),
    };
    format!("{note}; {flag}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_ends_with_the_flag_that_helps() {
        assert_eq!(
            note(&Note::PaddingCounts { voxels: 1234, percent: 12.345 }),
            "1,234 padding voxels (12.3 %) are counted; --padding drop leaves them out"
        );
        assert_eq!(note(&Note::EmptyMask), "the mask is empty: nothing was kept");
    }

    #[test]
    fn what_has_a_flag_here_names_it() {
        let said = message(&Error::Exists { path: "out.nii".into() });
        assert_eq!(said, "cannot write: the file exists; --force replaces it: out.nii");
        assert_eq!(message(&Error::usage("2 voxels", "give three")), "2 voxels; give three");
        let lost = Error::Gpu(GpuError::Lost { kernel: "lut" });
        assert_eq!(message(&lost), "the GPU was lost during lut; run again, or with --device cpu");
    }

    #[test]
    fn a_device_that_is_not_there_has_flags_around_it() {
        let of = |hint| device(&GpuError::NoAdapter { what: "none".into(), hint });
        assert_eq!(of(Hint::OtherDevice), "none; choose another with --device, or use --device cpu");
        assert_eq!(of(Hint::OrCpu("install it")), "none; install it, or use --device cpu");
    }
}
