//! Subjects with several rows.

use std::collections::HashMap;

use super::levels::TwoGroups;
use crate::io::TextTable;

/// Subjects with several rows, which tests take for several subjects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Repeated {
    /// How many subjects there are.
    pub subjects: usize,
    /// How many of them have more than one row.
    pub repeated: usize,
    /// Rows of those.
    pub rows: usize,
    /// Subjects with rows in both groups.
    pub in_both: usize,
}

impl Repeated {
    pub(super) fn of(table: &TextTable, column: usize, rows: &TwoGroups) -> Self {
        let mut counts: HashMap<&str, [usize; 2]> = HashMap::new();
        for (group, rows) in rows.iter().enumerate() {
            for text in rows.iter().filter_map(|row| table.text(column, *row)) {
                counts.entry(text).or_default()[group] += 1;
            }
        }
        let more = || counts.values().filter(|[a, b]| a + b > 1);
        Self {
            subjects: counts.len(),
            repeated: more().count(),
            rows: more().map(|[a, b]| a + b).sum(),
            in_both: counts.values().filter(|[a, b]| a.min(b) > &0).count(),
        }
    }
}
