//! A made-up cohort: a table with a row for each subject, whose answer is known.

use super::hash::hash;

/// A made-up cohort of healthy people and patients, in which age confounds: the patients are old, and brains shrink with age alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cohort {
    /// How many subjects; two of five are patients.
    pub subjects: u64,
    /// Decides all that looks like chance.
    pub seed: u64,
}

impl Default for Cohort {
    fn default() -> Self {
        Self { subjects: 200, seed: 1 }
    }
}

impl Cohort {
    /// By so much the brains of patients are smaller than those of healthy people of the same age, sex and skull, in cm³.
    pub const EFFECT_CM3: f64 = -40.0;
    /// By so much brains of one age, sex and skull differ: standard deviation in cm³.
    const SPREAD_CM3: f64 = 45.0;

    /// The table as CSV: `subject`, `age` (years), `sex` (F, M), `group` (control, patient), `brain_vol` and `skull_vol` (cm³).
    pub fn csv(&self) -> String {
        let mut text = String::from("subject,age,sex,group,brain_vol,skull_vol\n");
        for subject in 0..self.subjects {
            let share = |what: u64| (hash(self.seed, subject, what) >> 11) as f64 / (1u64 << 53) as f64;
            // A sum of twelve is about normal and the same on every machine.
            let normal = |what: u64| (0..12).map(|i| share(100 * what + i)).sum::<f64>() - 6.0;
            let patient = subject % 5 < 2;
            let age = if patient { 62.0 + 30.0 * share(1) } else { 20.0 + 68.0 * share(1) }.floor();
            let male = share(2) < 0.45;
            let skull = if male { 1580.0 } else { 1400.0 } + 110.0 * normal(3);
            let healthy = 0.78 * skull - 3.2 * (age - 50.0) + if male { 8.0 } else { 0.0 } - 100.0;
            let brain = healthy + if patient { Self::EFFECT_CM3 } else { 0.0 } + Self::SPREAD_CM3 * normal(4);
            let (sex, group) = (if male { "M" } else { "F" }, if patient { "patient" } else { "control" });
            text += &format!("sub-{:03},{age},{sex},{group},{brain:.1},{skull:.1}\n", subject + 1);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_is_one_table() {
        let text = Cohort::default().csv();
        assert_eq!(text, Cohort::default().csv());
        assert_ne!(text, Cohort { seed: 2, ..Cohort::default() }.csv());
        assert_eq!(text.lines().count(), 201);
        assert_eq!(text.matches(",patient,").count(), 80);
        assert!(text.lines().skip(1).all(|line| line.split(',').count() == 6), "{text}");
    }
}
