//! The measures of a classifier as rows: text, JSON.

use hounsfield::findings::{Rows, Value};
use serde_json::Value as Json;

use crate::metrics::{ClassAgreement, Report};

/// Rows of a report, for these classes.
pub fn rows(report: &Report, classes: &[String]) -> Rows {
    let mut rows = Rows::new();
    let binary = classes.len() == 2;
    let (confusion, positive) = (&report.confusion, report.classes.get(1).filter(|_| binary));
    let one = |of: &dyn Fn(&ClassAgreement) -> Option<f64>| match positive {
        Some(positive) => of(positive),
        None => Some(confusion.means(of)[0]),
    };
    rows.add("images", "images", confusion.counts.iter().flatten().sum::<u64>(), "");
    if binary {
        rows.add("positive", "positive class", classes[1].as_str(), "");
    }
    rows.add("accuracy", "accuracy", confusion.accuracy(), "");
    rows.add("balanced_accuracy", "balanced accuracy", confusion.balanced_accuracy(), "");
    rows.add("precision", if binary { "precision" } else { "precision, mean of classes" }, one(&|c| c.precision), "");
    rows.add("recall", if binary { "recall (sensitivity)" } else { "recall, mean of classes" }, one(&|c| c.recall), "");
    rows.add("specificity", if binary { "specificity" } else { "specificity, mean of classes" }, one(&|c| c.specificity), "");
    rows.add("f1", if binary { "F1" } else { "F1, mean of classes" }, one(&|c| c.f1), "");
    rows.add("mcc", "Matthews correlation", confusion.correlation(), "");
    rows.add("auc", "AUC", report.auc, "");
    if let Some(interval) = report.auc_interval {
        let text = format!("{:.4} to {:.4}", interval.low, interval.high);
        rows.add("auc_ci95", "AUC, 95 % (DeLong)", Value::from([interval.low, interval.high]).read_as(text), "");
    }
    rows.add("average_precision", "average precision", report.average_precision, "");
    rows.add("ece", "calibration error (ECE, 15 bins)", report.calibration.expected_error, "");
    rows.add("brier", "Brier score", report.brier, "");
    rows.add("threshold", "threshold, from validation", report.threshold, "");
    let counts: Vec<Value> = confusion.counts.iter().map(|row| Value::from(row.as_slice())).collect();
    rows.key("confusion", Value::List(counts));
    rows.key("classes", Value::from(classes));
    for (i, which) in ["macro", "weighted"].into_iter().enumerate() {
        let mut means = Rows::new();
        for (key, of) in MEASURES {
            means.key(key, confusion.means(of)[i]);
        }
        rows.key(which, means);
    }
    rows.key("per_class", Value::List(per_class(report, classes).into_iter().map(Value::from).collect()));
    rows
}

/// A measure of a class.
type Measure = fn(&ClassAgreement) -> Option<f64>;

const MEASURES: [(&str, Measure); 4] =
    [("precision", |c| c.precision), ("recall", |c| c.recall), ("specificity", |c| c.specificity), ("f1", |c| c.f1)];

fn per_class(report: &Report, classes: &[String]) -> Vec<Rows> {
    let one = |(class, name): (usize, &String)| {
        let mut rows = Rows::new();
        let own = &report.classes[class];
        rows.add("class", "class", name.as_str(), "");
        rows.add("support", "images", own.support, "");
        for (key, of) in MEASURES {
            rows.add(key, key, of(own), "");
        }
        rows.add("auc", "AUC", report.class_aucs[class].map(|interval| interval.value), "");
        rows
    };
    classes.iter().enumerate().map(one).collect()
}

/// As people read it: measures, then classes, then what was taken for what.
pub fn text(report: &Report, classes: &[String]) -> String {
    let mut confusion = Rows::new();
    confusion.add("truth", "truth \\ predicted", Value::from(classes), "");
    for (column, name) in classes.iter().enumerate() {
        let counts: Vec<u64> = report.confusion.counts.iter().map(|row| row[column]).collect();
        confusion.add(name.clone(), name.clone(), counts, "");
    }
    let each = Rows::columns(&per_class(report, classes));
    format!("{}\n{}\n{}", rows(report, classes).text(), each.table(), confusion.table())
}

/// As a model card keeps it.
pub fn json(report: &Report, classes: &[String]) -> Json {
    rows(report, classes).json()
}
