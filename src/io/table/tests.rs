use super::*;

fn parsed(name: &str, text: &str) -> Result<TextTable> {
    TextTable::parse(Path::new(name), text.as_bytes())
}

#[test]
fn quoted_fields_lines_and_missing_values() {
    let table = parsed("t.csv", "\u{feff}id, name ,x\r\n1,\"a, \"\"b\"\"\nc\",2.5\r\n\r\n2,NA, -1e3 \r\n3,,n/a\r\n").unwrap();
    assert_eq!(table.names(), ["id", "name", "x"]);
    assert_eq!((table.rows(), [0, 1, 2].map(|row| table.line(row))), (3, [2, 5, 6]));
    assert_eq!([0, 1, 2].map(|row| table.text(1, row)), [Some("a, \"b\"\nc"), None, None]);
    assert_eq!([0, 1, 2].map(|row| table.finite(2, row).unwrap()), [Some(2.5), Some(-1000.0), None]);
}

#[test]
fn what_lies_between_fields_is_found() {
    for (name, text) in [("t.csv", "a;b\n1;2\n"), ("t.txt", "a\tb\n1\t2\n"), ("t.csv", "a,b\n1,2\n"), ("t.tsv", "a\tb\n1\t2")] {
        let table = parsed(name, text).unwrap();
        assert_eq!((table.names().len(), table.finite(1, 0).unwrap()), (2, Some(2.0)), "{text:?}");
    }
    assert_eq!(parsed("t.csv", "\"a;b;c\",d\n1,2\n").unwrap().names(), ["a;b;c", "d"]);
    assert_eq!(parsed("t.csv", "x\n1\n").unwrap().rows(), 1);
}

#[test]
fn what_is_no_table_says_where() {
    for (text, words) in [
        ("", "the table is empty"),
        ("\n\n", "the table is empty"),
        ("a,b\n", "no rows"),
        ("a,b\n1,2\n\n1,5,7\n", "line 4 has 3 fields, the first line 2; quote fields that hold commas"),
        ("a,b\n1\n", "line 2 has 1 fields"),
        ("a\0b", "no table of text"),
    ] {
        let said = parsed("t.csv", text).unwrap_err().to_string();
        assert!(said.contains(words) && said.ends_with(": t.csv"), "{said}");
    }
    let said = TextTable::parse(Path::new("t.csv"), b"a,b\nx,\xff\n").unwrap_err().to_string();
    assert!(said.contains("line 2 is no UTF-8"), "{said}");
}

#[test]
fn what_is_no_number_says_where() {
    let table = parsed("t.csv", "a;b\n1,5;x y\n1;inf\n").unwrap();
    for (column, row, words) in [
        (0, 0, "line 2, column a: a number with a comma; write decimals with a point"),
        (1, 0, "line 2, column b: this is no finite number"),
        (1, 1, "line 3, column b: this is no finite number"),
    ] {
        let said = table.finite(column, row).unwrap_err().to_string();
        assert!(said.contains(words) && !said.contains("x y"), "{said}");
    }
    let said = table.column("c").unwrap_err().to_string();
    assert_eq!(said, "the table has no column \"c\"; it has a, b");
    let said = parsed("t.csv", "a,a\n1,2\n").unwrap().column("a").unwrap_err().to_string();
    assert!(said.contains("several columns are named a"), "{said}");
}
