//! Whether a group matters: what each group looks like, the difference, and how sure it is.

use super::rows::Value;
use super::words::number;
use super::{Note, Rows};
use crate::analysis::groups::{GroupSummary, TwoSampleTest};
use crate::pipelines::{GroupAnswer, GroupOutcome, GroupStudy, GroupTest};
use crate::report::{BoxPlot, Panel, StripPlot, Svg, figure};
use crate::{Error, Result};

/// What a table says about two groups.
#[derive(Debug, Clone, Copy)]
pub struct GroupFinding<'a> {
    /// The answers.
    pub study: &'a GroupStudy,
}

impl GroupFinding<'_> {
    fn test(&self) -> GroupTest {
        self.study.question.answered_by()
    }

    /// The test in words.
    fn test_in_words(&self) -> String {
        match self.test() {
            GroupTest::TwoSamples(TwoSampleTest::Welch) => "Welch's t".into(),
            GroupTest::TwoSamples(TwoSampleTest::Student) => "Student's t".into(),
            GroupTest::TwoSamples(TwoSampleTest::Paired) => "paired t".into(),
            GroupTest::TwoSamples(TwoSampleTest::MannWhitney) => "Mann-Whitney's U".into(),
            GroupTest::LeastSquares => format!("least squares with {}", self.study.question.covariates.join(", ")),
        }
    }

    fn percent(&self) -> String {
        number((self.study.question.confidence * 1e4).round() / 100.0)
    }

    /// What the reader should know before using the answers.
    pub fn notes(&self) -> Vec<Note> {
        let study = self.study;
        let mut notes = Vec::new();
        if !study.missing.is_empty() {
            notes.push(Note::ValuesMissing { columns: study.missing.clone() });
        }
        let repeated = study.repeated;
        if self.test() == GroupTest::TwoSamples(TwoSampleTest::Paired) {
            if study.single > 0 {
                notes.push(Note::SubjectsWithoutPair { subjects: study.single });
            }
        } else if repeated.repeated > 0 {
            notes.push(Note::SubjectsRepeated {
                subjects: repeated.repeated,
                of: repeated.subjects,
                rows: repeated.rows,
                in_both: repeated.in_both,
            });
        }
        if !study.confounders.is_empty() {
            let told = study.confounders.iter().take(MOST_CONFOUNDERS).map(|column| {
                let one = |i: usize| {
                    let GroupSummary { mean, min, max, .. } = column.groups[i];
                    format!("{} to {}, mean {}, in {}", short(min), short(max), short(mean), study.groups[i])
                };
                format!("{} ({}; {})", column.name, one(0), one(1))
            });
            let more = study.confounders.len().saturating_sub(MOST_CONFOUNDERS);
            notes.push(Note::GroupsDifferElsewhere { columns: told.collect(), more });
        }
        for answer in &study.answers {
            if let Err(why) = &answer.outcome {
                notes.push(Note::NoAnswer { value: answer.value.clone(), why: why.clone() });
            }
        }
        notes
    }

    /// One object: the question, and a row for each value.
    pub fn rows(&self, words: fn(&Note) -> String) -> Rows {
        let (study, question) = (self.study, &self.study.question);
        let mut rows = Rows::new();
        rows.key("by", question.by.as_str());
        rows.key("groups", study.groups.as_slice());
        rows.key("difference", format!("{} - {}", study.groups[0], study.groups[1]));
        rows.key("test", self.test().name());
        rows.key("covariates", study.covariates.iter().map(covariate).collect::<Vec<_>>());
        rows.key("conditions", question.conditions.iter().map(ToString::to_string).collect::<Vec<_>>());
        rows.key("confidence", question.confidence);
        rows.key("table_rows", study.rows);
        rows.key("rows_taken", study.taken);
        let mut missing = Rows::new();
        study.missing.iter().for_each(|(name, n)| missing.key(name.clone(), *n));
        rows.key("missing", missing);
        if question.subject.is_some() {
            let mut subjects = Rows::new();
            subjects.key("subjects", study.repeated.subjects);
            subjects.key("repeated", study.repeated.repeated);
            subjects.key("repeated_rows", study.repeated.rows);
            subjects.key("in_both_groups", study.repeated.in_both);
            subjects.key("without_pair", study.single);
            rows.key("subjects", subjects);
        }
        let confounders = study.confounders.iter().map(|column| {
            let mut rows = Rows::new();
            rows.key("name", column.name.as_str());
            rows.key("deviations", column.deviations);
            rows.key("groups", (0..2).map(|i| summary(&study.groups[i], Some(&column.groups[i]))).collect::<Vec<_>>());
            rows
        });
        rows.key("other_columns_that_differ", confounders.collect::<Vec<_>>());
        rows.key("rows", study.answers.iter().map(|answer| self.answer(answer)).collect::<Vec<_>>());
        rows.key("notes", self.notes().iter().map(words).collect::<Vec<_>>());
        rows
    }

    /// The answer for one value.
    fn answer(&self, answer: &GroupAnswer) -> Rows {
        let mut rows = self.result(answer);
        let groups = (0..2).map(|i| {
            let mut rows = summary(&self.study.groups[i], answer.groups[i].as_ref());
            rows.key("missing", answer.left_out[i]);
            rows
        });
        rows.key("groups", groups.collect::<Vec<_>>());
        rows
    }

    /// The test of one value.
    fn result(&self, answer: &GroupAnswer) -> Rows {
        let (means, ranks) = match &answer.outcome {
            Ok(GroupOutcome::Means { test, interval }) => (Some((test, interval)), None),
            Ok(GroupOutcome::Ranks(test)) => (None, Some(test)),
            Err(_) => (None, None),
        };
        let by_ranks = self.test() == GroupTest::TwoSamples(TwoSampleTest::MannWhitney);
        let word = |told: bool, word: &'static str| if told { word } else { "" };
        let several = self.study.answers.len() > 1;
        let read = |value: Option<f64>, as_text: fn(f64) -> String| -> Value {
            value.map(|value| Value::Number(value).read_as(as_text(value))).into()
        };
        let mut rows = Rows::new();
        rows.add("value", "value", answer.value.as_str(), "");
        rows.add(
            "difference",
            if by_ranks { "difference of medians" } else { "difference" },
            read(answer.difference(), short),
            "",
        );
        rows.key("ci_low", means.map(|(_, interval)| interval[0]));
        rows.key("ci_high", means.map(|(_, interval)| interval[1]));
        let interval = means.map(|(_, [low, high])| format!("{} to {}", short(*low), short(*high)));
        if !by_ranks {
            rows.words(format!("{} % interval", self.percent()), interval, "");
        }
        rows.add("t", word(!by_ranks, "t"), read(means.map(|(test, _)| test.t), number), "");
        rows.add("df", word(!by_ranks, "df"), read(means.map(|(test, _)| test.df), number), "");
        rows.add("u", word(by_ranks, "U"), ranks.map(|test| test.u), "");
        rows.add("p", "p", read(answer.p(), probability), "");
        rows.add("p_holm", word(several, "p (Holm)"), read(answer.p_holm, probability), "");
        rows.add("p_bh", word(several, "p (BH)"), read(answer.p_bh, probability), "");
        rows.add("hedges_g", word(!by_ranks, "Hedges' g"), read(means.and_then(|(test, _)| test.hedges_g), short), "");
        rows.add("superiority", word(by_ranks, "P(first > second)"), read(ranks.map(|test| test.superiority), short), "");
        rows.key("exact", ranks.map(|test| test.exact));
        rows.key("reason", answer.outcome.as_ref().err().cloned());
        rows
    }

    /// A line for each value, with what each group looks like.
    pub fn table(&self) -> Rows {
        let line = |answer: &GroupAnswer| {
            let mut rows = self.result(answer);
            for (i, order) in ["first", "second"].into_iter().enumerate() {
                rows.key(order, self.study.groups[i].as_str());
                for row in summary("", answer.groups[i].as_ref()).into_iter().skip(1) {
                    rows.key(format!("{}_{order}", row.key), row.value);
                }
                rows.key(format!("missing_{order}"), answer.left_out[i]);
            }
            rows
        };
        Rows::columns(&self.study.answers.iter().map(line).collect::<Vec<_>>())
    }

    /// The question in a line, both groups, the answers.
    pub fn text(&self) -> String {
        let (study, question) = (self.study, &self.study.question);
        let mut groups = Vec::new();
        for answer in &study.answers {
            for i in 0..2 {
                let mut rows = Rows::new();
                rows.words("value", answer.value.as_str(), "");
                rows.extend(summary(&study.groups[i], answer.groups[i].as_ref()));
                rows.words("missing", answer.left_out[i], "");
                groups.push(rows);
            }
        }
        let mut head = Rows::new();
        head.words("difference", format!("{} - {} (by {})", study.groups[0], study.groups[1], question.by), "");
        head.words("test", self.test_in_words(), "");
        if !question.conditions.is_empty() {
            let all = question.conditions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            head.words("where", all, "");
        }
        let mut text = format!("{}\n{}\n", head.text(), Rows::columns(&groups).table());
        text += &Rows::columns(&study.answers.iter().map(|answer| self.result(answer)).collect::<Vec<_>>()).table();
        for answer in &study.answers {
            if let Err(why) = &answer.outcome {
                text += &format!("{}: no answer: {why}\n", answer.value);
            }
        }
        text
    }

    /// Boxes and points of both groups, a panel for each value.
    ///
    /// # Errors
    /// More values than a figure has room for.
    pub fn figure(&self) -> Result<Svg> {
        let study = self.study;
        if study.answers.len() > MOST_PANELS {
            let what = format!("a figure of {} values has no room", study.answers.len());
            return Err(Error::usage(what, format!("ask for at most {MOST_PANELS} at once")));
        }
        let panel = |answer: &GroupAnswer| {
            let p = answer.p().map_or_else(|| "no answer".to_owned(), |p| format!("p {}", probability_sign(p)));
            let strip = |i: usize| StripPlot {
                name: study.groups[i].clone(),
                values: answer.values[i].clone(),
                summary: answer.groups[i],
            };
            let plot = BoxPlot { value: answer.value.clone(), groups: (0..2).map(strip).collect() };
            Panel { title: format!("{}: {p}", answer.value), plot: Some(plot.into()), ..Panel::default() }
        };
        let title = format!("{} by {}", self.test_in_words(), study.question.by);
        figure::side_by_side(&title, &study.answers.iter().map(panel).collect::<Vec<_>>())
    }
}

/// Columns that a note names.
const MOST_CONFOUNDERS: usize = 4;
/// Panels of a figure.
const MOST_PANELS: usize = 12;

/// What is told of a group.
type Measure = fn(&GroupSummary) -> f64;

/// What a group looks like; nothing of one without values.
fn summary(name: &str, of: Option<&GroupSummary>) -> Rows {
    let mut rows = Rows::new();
    rows.add("group", "group", name, "");
    rows.add("n", "n", of.map_or(0, |of| of.n), "");
    let measures: [(&'static str, &'static str, Measure); 8] = [
        ("mean", "mean", |of| of.mean),
        ("std", "SD", GroupSummary::std),
        ("median", "median", |of| of.median),
        ("iqr", "IQR", GroupSummary::iqr),
        ("q1", "", |of| of.q1),
        ("q3", "", |of| of.q3),
        ("min", "", |of| of.min),
        ("max", "", |of| of.max),
    ];
    for (key, words, measure) in measures {
        // One value has no deviation.
        let known = of.filter(|of| key != "std" || of.n > 1).map(measure);
        rows.add(key, words, known.map(|value| Value::Number(value).read_as(short(value))), "");
    }
    rows
}

fn covariate(own: &crate::pipelines::Covariate) -> Rows {
    let mut rows = Rows::new();
    rows.key("name", own.name.as_str());
    rows.key("levels", own.levels.as_slice());
    rows
}

/// A measure with five digits.
fn short(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let place = value.abs().log10().floor();
    if !(-4.0..7.0).contains(&place) {
        return format!("{value:.4e}");
    }
    let text = format!("{value:.*}", (4.0 - place).max(0.0) as usize);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A probability with four digits.
fn probability(p: f64) -> String {
    match p {
        0.0 => "below 1e-307".into(),
        p if p < 1e-4 => format!("{p:.3e}"),
        p => short((p * 1e5).round() / 1e5),
    }
}

fn probability_sign(p: f64) -> String {
    if p == 0.0 { probability(p) } else { format!("= {}", probability(p)) }
}
