//! The HTML report: one file that needs nothing else, no network, no scripts.

use minijinja::{AutoEscape, Environment, context};

use super::Svg;
use crate::{Error, Result};

/// What the report says.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Heading.
    pub title: String,
    /// One line beneath it.
    pub summary: String,
    /// Figures, each with a caption that may be empty.
    pub figures: Vec<(String, Svg)>,
    /// Names of the statistics' columns, such as `original`, `equalised`.
    pub columns: Vec<String>,
    /// Statistics: a name and a value for each column.
    pub statistics: Vec<(String, Vec<String>)>,
    /// How it was computed, in order.
    pub method: Vec<MethodRow>,
    /// What the reader must know before trusting the numbers.
    pub warnings: Vec<String>,
    /// What the reader may want to know.
    pub notes: Vec<String>,
    /// Name and version of the program.
    pub program: String,
}

/// One paragraph on how something was computed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MethodRow {
    /// `Command`, `Method`, `Device`, …
    pub name: String,
    /// The text.
    pub text: String,
    /// A command line or formula: set in a fixed-width font.
    pub code: bool,
}

impl MethodRow {
    /// A paragraph.
    pub fn text(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into(), code: false }
    }

    /// A command line or formula.
    pub fn code(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { code: true, ..Self::text(name, text) }
    }
}

/// The report as an HTML page. The same report gives the same bytes.
///
/// # Errors
/// None in practice: the template is part of the program.
pub fn render(report: &Report) -> Result<String> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    let strings = |all: &[String]| minijinja::Value::from(all.to_vec());
    let figures: Vec<_> = report
        .figures
        .iter()
        // A wide figure may scroll on a small screen; a narrow one shrinks.
        .map(|(caption, svg)| context! { caption, svg => svg.as_str(), wide => svg.width() > 1000 })
        .collect();
    let statistics: Vec<_> =
        report.statistics.iter().map(|(name, values)| context! { name, values => strings(values) }).collect();
    let method: Vec<_> = report.method.iter().map(|s| context! { name => &s.name, text => &s.text, code => s.code }).collect();
    environment
        .render_named_str(
            "report.html",
            include_str!("report.html"),
            context! {
                title => &report.title,
                summary => &report.summary,
                program => &report.program,
                columns => strings(&report.columns),
                warnings => strings(&report.warnings),
                notes => strings(&report.notes),
                figures,
                statistics,
                method,
            },
        )
        .map_err(|e| Error::usage(format!("the report cannot be written: {e}"), "report this as a bug"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_nothing_is_fetched() {
        let evil = "<script>alert(\"x\")</script>".to_string();
        let report = Report {
            title: evil.clone(),
            summary: evil.clone(),
            columns: vec![evil.clone()],
            statistics: vec![(evil.clone(), vec![evil.clone()])],
            method: vec![MethodRow::code(&*evil, &*evil)],
            warnings: vec![evil.clone()],
            notes: vec![evil.clone()],
            program: evil.clone(),
            figures: Vec::new(),
        };
        let page = render(&report).unwrap();
        assert!(!page.contains("<script"), "{page}");
        assert!(!page.contains("src=") && !page.contains("url(") && !page.contains("@import"));
        assert_eq!(page.matches("&lt;script&gt;").count(), 11);
        assert!(page.contains("Not a medical device"));
        assert_eq!(page, render(&report).unwrap());
    }

    #[test]
    fn what_there_is_not_has_no_heading() {
        let page = render(&Report::default()).unwrap();
        for heading in ["Statistics", "How it was computed", "Notes", "Warnings"] {
            assert!(!page.contains(&format!(">{heading}<")), "{heading}");
        }
    }
}
