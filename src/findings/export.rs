//! Text, JSON and CSV of rows.

use serde_json::{Map, Value as Json};

use super::rows::{Row, Rows, Value};
use super::words::{count, number, with_unit};

impl Value {
    /// As people read it, without a unit; none where nothing is known.
    pub fn text(&self) -> Option<String> {
        Some(match self {
            Self::Missing => return None,
            Self::Flag(flag) => if *flag { "yes" } else { "no" }.to_owned(),
            Self::Count(n) => count(*n),
            Self::Number(value) => number(*value),
            Self::Text(text) | Self::Phrase(_, text) => text.clone(),
            Self::List(all) => all.iter().filter_map(Self::text).collect::<Vec<_>>().join(" x "),
            Self::Rows(rows) => rows.iter().filter_map(|row| row.value.text()).collect::<Vec<_>>().join(", "),
        })
    }

    /// As JSON: numbers that are not finite and what is missing are null.
    pub fn json(&self) -> Json {
        match self {
            Self::Missing => Json::Null,
            Self::Flag(flag) => Json::from(*flag),
            Self::Count(n) => Json::from(*n),
            Self::Number(value) => Json::from(*value),
            Self::Text(text) => Json::from(text.as_str()),
            Self::List(all) => all.iter().map(Self::json).collect(),
            Self::Rows(rows) => rows.json(),
            Self::Phrase(value, _) => value.json(),
        }
    }

    /// As a field of CSV: nothing where it is missing, quoted where RFC 4180 asks for it.
    fn field(&self) -> String {
        let plain = |value: &Self| match value {
            Self::Number(value) => value.to_string(),
            Self::Count(n) => n.to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::Missing => String::new(),
            other => quoted(&other.text().unwrap_or_default()),
        };
        match self {
            Self::Phrase(value, _) => value.field(),
            Self::List(all) => quoted(&all.iter().map(plain).collect::<Vec<_>>().join(" ")),
            other => plain(other),
        }
    }

    /// The values of a column; what is no list is a column of one.
    fn column(&self) -> &[Self] {
        match self {
            Self::List(all) => all,
            one => std::slice::from_ref(one),
        }
    }
}

impl Rows {
    /// Names and values in two columns.
    pub fn text(&self) -> String {
        let told = self.told();
        let width = told.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        told.iter().map(|(name, value)| format!("{name:<width$}  {value}\n")).collect()
    }

    /// What people read: names, and values with their units.
    fn told(&self) -> Vec<(&str, String)> {
        let mut all = Vec::new();
        for Row { words, value, unit, .. } in self {
            match value {
                Value::Rows(rows) => all.extend(rows.told()),
                _ if words.is_empty() => {}
                Value::Phrase(_, text) => all.push((words.as_ref(), text.clone())),
                other => all.extend(other.text().map(|text| (words.as_ref(), with_unit(&text, unit)))),
            }
        }
        all
    }

    /// Words above, values below: a line for each value of the lists. Names and words stand to the left, numbers to the right.
    pub fn table(&self) -> String {
        let column = |row: &Row| {
            let values = row.value.column();
            let cells = values.iter().map(|value| value.text().unwrap_or_else(|| "-".into()));
            let left = matches!(values.first(), Some(Value::Text(_)));
            (std::iter::once(row.words.clone().into_owned()).chain(cells).collect(), left)
        };
        grid(&self.iter().filter(|row| !row.words.is_empty()).map(column).collect::<Vec<_>>())
    }

    /// One object; the order is that of the rows.
    pub fn json(&self) -> Json {
        let told = self.iter().filter(|row| !row.key.is_empty());
        Json::Object(told.map(|row| (row.key.clone().into_owned(), row.value.json())).collect::<Map<_, _>>())
    }

    /// A line of keys, and a line for each value of the lists (RFC 4180, but with single line feeds).
    pub fn csv(&self) -> String {
        let columns: Vec<&Row> = self.iter().filter(|row| !row.key.is_empty()).collect();
        let lines = columns.iter().map(|row| row.value.column().len()).max().unwrap_or(0);
        let mut out = columns.iter().map(|row| quoted(&row.key)).collect::<Vec<_>>().join(",") + "\n";
        for line in 0..lines {
            for (i, row) in columns.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                out += &row.value.column().get(line).map(Value::field).unwrap_or_default();
            }
            out.push('\n');
        }
        out
    }
}

/// Columns of cells beside each other, each flush left or flush right.
pub(super) fn grid(columns: &[(Vec<String>, bool)]) -> String {
    let widths: Vec<usize> = columns.iter().map(|(c, _)| c.iter().map(|cell| cell.chars().count()).max().unwrap_or(0)).collect();
    let lines = columns.iter().map(|(cells, _)| cells.len()).max().unwrap_or(0);
    let mut text = String::new();
    for line in 0..lines {
        for (i, ((cells, left), width)) in columns.iter().zip(&widths).enumerate() {
            let cell = cells.get(line).map_or("", String::as_str);
            let gap = if i == 0 { "" } else { "  " };
            text += &if *left { format!("{gap}{cell:<width$}") } else { format!("{gap}{cell:>width$}") };
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn organ(name: &str, voxels: u64, size: Option<f64>) -> Rows {
        let mut rows = Rows::new();
        rows.add("name", "name", name, "");
        rows.add("voxels", "voxels", voxels, "");
        rows.add("volume_ml", "volume", size, "mL");
        rows.key("box", [1u64, 2, 3]);
        rows.words("note", "seen", "");
        rows
    }

    #[test]
    fn one_result_is_told_in_text_and_json() {
        let rows = organ("liver", 1_234_567, Some(1500.5));
        assert_eq!(rows.text(), "name    liver\nvoxels  1,234,567\nvolume  1500.5 mL\nnote    seen\n");
        assert_eq!(rows.json().to_string(), r#"{"name":"liver","voxels":1234567,"volume_ml":1500.5,"box":[1,2,3]}"#);
        let unknown = organ("liver", 1, None);
        assert_eq!(unknown.text(), "name    liver\nvoxels  1\nnote    seen\n");
        assert_eq!((unknown.get("volume_ml"), unknown.get("none")), (Some(&Value::Missing), None));
        assert_eq!(unknown.json()["volume_ml"], Json::Null);
    }

    #[test]
    fn several_results_are_a_table() {
        let all = Rows::columns(&[organ("liver", 1200, Some(0.5)), organ("a,\"b", 7, None)]);
        assert_eq!(all.table(), "name   voxels  volume  note\nliver   1,200     0.5  seen\na,\"b        7       -  seen\n");
        assert_eq!(all.csv(), "name,voxels,volume_ml,box\nliver,1200,0.5,1 2 3\n\"a,\"\"b\",7,,1 2 3\n");
        let mut none = Rows::new();
        none.add("name", "name", Value::List(Vec::new()), "");
        assert_eq!((none.csv(), none.table()), ("name\n".into(), "name\n".into()));
        assert_eq!((Rows::columns(&[]).csv(), Rows::new().text()), ("\n".into(), String::new()));
    }

    #[test]
    fn nested_rows_stand_in_their_place_in_text() {
        let mut inner = Rows::new();
        inner.add("5", "percentile 5", -2.5, "HU");
        let mut rows = Rows::new();
        rows.add("flag", "flag", true, "");
        rows.key("percentiles", inner);
        rows.add("shape", "shape", Value::from([2000u64, 3]).read_as("2000 x 3"), "");
        rows.add("spacing_mm", "spacing", [0.5, 3.0], "mm");
        assert_eq!(rows.text(), "flag          yes\npercentile 5  -2.5 HU\nshape         2000 x 3\nspacing       0.5 x 3 mm\n");
        assert_eq!(rows.json().to_string(), r#"{"flag":true,"percentiles":{"5":-2.5},"shape":[2000,3],"spacing_mm":[0.5,3.0]}"#);
    }
}
