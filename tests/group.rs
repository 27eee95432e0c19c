//! Groups of a table: the published numbers of a real cohort, numbers of SciPy, and what is refused.

use serde_json::{Value, json};

use crate::support::{Folder, data, ok, run};

/// Whether two numbers differ by no more than this part of the second.
#[track_caller]
fn near(found: &Value, expected: f64, part: f64) {
    let found = found.as_f64().unwrap_or_else(|| panic!("{found} is no number; expected {expected}"));
    assert!((found - expected).abs() <= part * expected.abs(), "{found}, expected {expected}");
}

/// The first row of an answer.
#[track_caller]
fn answer(args: &[&str]) -> Value {
    ok(&[&["group"], args, &["--json", "--quiet"]].concat()).json()["rows"][0].clone()
}

/// SciPy 1.17.1 and statsmodels 0.15 on 425 scans of OASIS-1.
#[test]
fn the_numbers_of_a_real_cohort_come_out() {
    let Some(table) = data("tables/oasis_all_volumes.csv") else { return };
    let of = |value: &str, more: &[&str]| {
        answer(&[&[&table, "--value", value, "--by", "alzheimers", "--groups", "True,False"], more].concat())
    };
    let old = ["--where", "age>=60"];
    let covariates = ["--covariates", "age,sex,skull_vol"];
    for (value, more, t, df, p) in [
        ("brain_vol", vec!["--test", "student"], -10.270_763_06, 423.0, Some(3.0436e-22)),
        ("brain_vol", vec![], -11.974_930_92, 190.986_09, Some(5.1708e-25)),
        ("brain_vol", old.to_vec(), -2.066_01, 183.613, None),
        ("brain_vol/skull_vol", vec![], -17.667_592, 187.127_015, None),
        ("brain_vol/skull_vol", old.to_vec(), -6.053_018, f64::NAN, None),
        ("brain_vol", covariates.to_vec(), -6.887_423, 420.0, Some(2.083_36e-11)),
        ("brain_vol", [old, covariates].concat(), -5.917_048, 184.0, None),
    ] {
        let row = of(value, &more);
        near(&row["t"], t, 5e-6);
        if df.is_finite() {
            near(&row["df"], df, 5e-6);
        }
        p.into_iter().for_each(|p| near(&row["p"], p, 2e-5));
    }
    let said = ok(&["group", &table, "--value", "brain_vol", "--by", "alzheimers", "--groups", "True,False"]);
    assert!(said.stderr.contains("the groups also differ strongly in") && said.stderr.contains("age ("), "{}", said.stderr);
    assert!(
        said.stderr.contains("18 to ") && said.stderr.contains("62 to ") && said.stderr.contains("--covariates"),
        "{}",
        said.stderr
    );
    assert!(said.text().contains("True - False") && said.text().contains("Welch's t"), "{}", said.text());
}

const TABLE: &str =
    "id;g;x;y;s\n1;a;1;2;m\n2;a;2;4.5;f\n3;a;4;1;m\n4;b;3;8;f\n5;b;6;7;m\n1;b;7;9;f\n2;b;9;6.5;m\n6;;1;1;f\n7;b;NA;3;f\n";

#[test]
fn every_test_of_a_small_table_is_scipys() {
    let folder = Folder::new();
    let table = folder.file("t.csv", TABLE.as_bytes());
    let of = |test: &str| answer(&[&table, "--value", "x", "--by", "g", "--test", test, "--subject", "id"]);
    let welch = of("welch");
    near(&welch["t"], -2.560_253_140_303_363_5, 1e-12);
    near(&welch["df"], 4.906_424_158_638_268, 1e-12);
    near(&welch["difference"], 7.0 / 3.0 - 6.25, 1e-14);
    let student = of("student");
    near(&student["t"], -2.369_630_767_562_866_5, 1e-12);
    assert_eq!(student["df"], 5.0);
    let ranks = of("mann-whitney");
    assert_eq!(
        (&ranks["u"], &ranks["exact"], &ranks["t"], &ranks["hedges_g"]),
        (&json!(1.0), &json!(true), &json!(null), &json!(null))
    );
    near(&ranks["p"], 4.0 / 35.0, 1e-14);
    // Subjects 1 and 2 are in both groups: 1 - 7 and 2 - 9.
    let paired = of("paired");
    near(&paired["t"], -13.0, 1e-14);
    assert_eq!((&paired["df"], &paired["difference"]), (&json!(1.0), &json!(-6.5)));
    let said = ok(&["group", &table, "--value", "x", "--by", "g", "--test", "paired", "--subject", "id", "--json"]);
    assert!(said.stderr.contains("3 subjects have a row in one group only"), "{}", said.stderr);
    let said = ok(&["group", &table, "--value", "x,y,x/y", "--by", "g", "--subject", "id", "--json"]);
    assert!(said.stderr.contains("2 of 6 subjects have several rows, 4 in all, and 2 are in both groups"), "{}", said.stderr);
    let json = said.json();
    assert_eq!(json["missing"], json!({"g": 1, "x": 1}));
    let p = |key: &str| json["rows"].as_array().unwrap().iter().map(|row| row[key].as_f64().unwrap()).collect::<Vec<_>>();
    let (raw, holm, bh) = (p("p"), p("p_holm"), p("p_bh"));
    let largest = raw.iter().fold(0.0, |most: f64, p| most.max(*p));
    for i in 0..3 {
        assert!(holm[i] >= bh[i] && bh[i] >= raw[i], "{raw:?} {holm:?} {bh:?}");
        assert!(raw[i] < largest || bh[i] == raw[i], "{raw:?} {bh:?}");
    }
    // An adjusted answer has the covariate's levels, and its residual degrees of freedom.
    let adjusted = ok(&["group", &table, "--value", "x", "--by", "g", "--covariates", "s", "--json"]).json();
    assert_eq!(
        (&adjusted["covariates"], &adjusted["test"]),
        (&json!([{"name": "s", "levels": ["f", "m"]}]), &json!("least-squares"))
    );
    assert_eq!(adjusted["rows"][0]["df"], 4.0);
}

#[test]
fn answers_are_written_as_csv_json_and_figure() {
    let folder = Folder::new();
    let table = folder.file("t.csv", TABLE.as_bytes());
    let (csv, json, figure) = (folder.at("o.csv"), folder.at("o.json"), folder.at("f.svg"));
    let line = ["group", &table, "--value", "x,y", "--by", "g", "--groups", "b,a"];
    ok(&[&line[..], &["-o", &csv, "--figure", &figure]].concat());
    let text = std::fs::read_to_string(&csv).unwrap();
    let (head, rows) = text.split_once('\n').unwrap();
    assert!(head.starts_with("value,difference,ci_low,ci_high,t,df,u,p,p_holm,p_bh,hedges_g,"), "{head}");
    assert!(head.contains(",first,n_first,mean_first,std_first,median_first,") && head.ends_with(",missing_second"), "{head}");
    assert_eq!((rows.lines().count(), rows.starts_with("x,3.91666")), (2, true), "{rows}");
    let drawn = std::fs::read_to_string(&figure).unwrap();
    assert_eq!(drawn.matches("class=\"points\"").count(), 4);
    ok(&[&line[..], &["-o", &json]].concat());
    let written: Value = serde_json::from_str(&std::fs::read_to_string(&json).unwrap()).unwrap();
    assert_eq!((&written["groups"], &written["rows"][1]["value"]), (&json!(["b", "a"]), &json!("y")));
    let refused = run(&[&line[..], &["-o", &folder.at("o.xlsx")]].concat());
    assert!(refused.code == Some(2) && refused.stderr.contains(".csv, .tsv or .json"), "{}", refused.stderr);
    // A table through a pipe.
    let mut command = crate::support::program();
    let file = std::fs::File::open(&table).unwrap();
    command.args(["group", "-", "--value", "x", "--by", "g", "--json"]).stdin(file);
    assert_eq!(crate::support::finish(&mut command).json()["rows"][0]["value"], "x");
}

#[test]
fn what_has_no_answer_says_why() {
    let folder = Folder::new();
    let table = folder.file("t.csv", b"g,c,d,one,x,z\na,5,1,1,1,2\na,5,1,,2,4\nb,5,2,1,3,6\nb,5,2,2,5,10\n");
    for (more, reason) in [
        (&["--value", "c"][..], "the values of both groups are constant"),
        (&["--value", "d"], "the values of both groups are constant"),
        (&["--value", "one"], "each group needs two values, there are 1 and 2"),
        (&["--value", "c", "--test", "mann-whitney"], "all values are equal"),
        (&["--value", "x", "--covariates", "z"], "the model meets every value exactly"),
        (&["--value", "x", "--covariates", "d"], "d is constant, or follows from the group"),
        (&["--value", "x", "--covariates", "c"], "c is constant"),
        (&["--value", "one", "--covariates", "x"], "3 rows are too few for 3 coefficients"),
    ] {
        let line = [&["group", &table, "--by", "g", "--json"], more].concat();
        let ran = ok(&line);
        let row = &ran.json()["rows"][0];
        assert!(row["reason"].as_str().unwrap().contains(reason), "{}: {row}", ran.line);
        assert!(row["p"].is_null() && row["t"].is_null() && ran.stderr.contains("has no answer"), "{}: {row}", ran.line);
        assert!(
            ok(&line[..line.len()].iter().copied().filter(|word| *word != "--json").collect::<Vec<_>>()).text().contains(reason)
        );
    }
}

#[test]
fn what_cannot_be_asked_is_refused_with_the_way_out() {
    let folder = Folder::new();
    let table = folder.file("t.csv", b"id,g,h,k,x,y\n1,a,u,1,1,\"1,5\"\n1,a,u,2,2,2\n2,b,u,3,oops,3\n3,b,u,1,4,0\n");
    let empty = folder.file("empty.csv", b"");
    let bare = folder.file("bare.csv", b"g,x\n");
    let ragged = folder.file("ragged.csv", b"g,x\na,1,5\n");
    for (line, code, words) in [
        (vec![&table[..], "--value", "nothing", "--by", "g"], 2, "no column \"nothing\"; it has id, g, h, k, x, y"),
        (vec![&table, "--value", "k", "--by", "nothing"], 2, "no column \"nothing\""),
        (vec![&table, "--value", "k/nothing", "--by", "g"], 2, "no column \"nothing\""),
        (vec![&table, "--value", "k", "--by", "h"], 2, "has one group only: u (4 rows that count)"),
        (
            vec![&table, "--value", "x", "--by", "k"],
            2,
            "has 3 groups: 1 (2 rows), 2 (1 rows), 3 (1 rows); name the two that are to be compared with --groups A,B",
        ),
        (
            vec![&table, "--value", "k", "--by", "g", "--groups", "a,c"],
            2,
            "no row of group \"c\" that counts; it has a (2 rows), b (2 rows)",
        ),
        (vec![&table, "--value", "k", "--by", "g", "--groups", "a"], 2, "name two"),
        (vec![&table, "--value", "k", "--by", "g", "--where", "k>9"], 2, "no row counts"),
        (vec![&table, "--value", "x", "--by", "g"], 3, "line 4, column x: this is no finite number"),
        (vec![&table, "--value", "y", "--by", "g"], 3, "line 2, column y: a number with a comma; write decimals with a point"),
        (vec![&table, "--value", "k/y", "--by", "g", "--where", "id=3"], 2, "one group only"),
        (vec![&table, "--value", "k/y", "--by", "g", "--where", "k!=1", "--where", "id>0"], 0, ""),
        (
            vec![&table, "--value", "k", "--by", "g", "--test", "paired"],
            2,
            "name the column that says whose row it is with --subject",
        ),
        (
            vec![&table, "--value", "k", "--by", "g", "--test", "paired", "--subject", "id"],
            3,
            "lines 2 and 3 are the same subject in the same group",
        ),
        (
            vec![&table, "--value", "k", "--by", "g", "--test", "welch", "--covariates", "id"],
            2,
            "leave out --test, or --covariates",
        ),
        (vec![&table, "--value", "k", "--by", "g", "--covariates", "g"], 2, "it tells the groups apart"),
        (vec![&table, "--value", "k,k", "--by", "g"], 2, "asked for twice"),
        (vec![&table, "--value", "k", "--by", "g", "--where", "k"], 2, "age>=60"),
        (vec![&table, "--value", "k", "--by", "g", "--confidence", "100"], 2, "between 0 and 100"),
        (vec![&empty, "--value", "x", "--by", "g"], 3, "the table is empty"),
        (vec![&bare, "--value", "x", "--by", "g"], 3, "no rows"),
        (vec![&ragged, "--value", "x", "--by", "g"], 3, "line 2 has 3 fields, the first line 2"),
        (vec!["no-such-file.csv", "--value", "x", "--by", "g"], 3, "cannot read"),
    ] {
        let ran = run(&[&["group"], &line[..]].concat());
        assert!(ran.code == Some(code) && ran.stderr.contains(words), "{}: {:?} {}", ran.line, ran.code, ran.stderr);
    }
    let zero = run(&["group", &table, "--value", "k/y", "--by", "id", "--groups", "3,1", "--where", "k=1"]);
    assert!(zero.stderr.contains("with a comma") || zero.stderr.contains("which is no number"), "{}", zero.stderr);
}
