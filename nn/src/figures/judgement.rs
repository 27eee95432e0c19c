//! A classifier's judgement in four plots: ROC, precision against recall, calibration, and what was taken for what.

use hounsfield::Result;
use hounsfield::report::{Bar, BarPlot, LinePlot, Panel, Plot, PlotLine, Svg, figure};

use crate::metrics::{Judged, Ranking, Report};

/// The most points of a curve that are drawn; each has a dot.
const POINTS: usize = 60;

/// Draws a report. Of a binary question the curves of the positive class, else one for each class.
pub fn judgement(title: &str, judged: &Judged, report: &Report, classes: &[String]) -> Result<Svg> {
    let drawn = if classes.len() == 2 { 1..2 } else { 0..classes.len() };
    let rankings: Vec<(String, Ranking)> = drawn
        .filter_map(|class| {
            let (scores, positive) = judged.one_against_others(class);
            Some((classes[class].clone(), Ranking::new(&scores, &positive)?))
        })
        .collect();
    let curve = |of: &dyn Fn(&Ranking) -> Vec<(f64, f64)>| {
        rankings.iter().map(|(name, ranking)| PlotLine { name: name.clone(), points: thinned(&of(ranking)) }).collect::<Vec<_>>()
    };
    let panel = |title: String, plot: Plot| Panel { title, plot: Some(plot), ..Panel::default() };
    let lines = |across: &str, up: &str, lines| Plot::from(LinePlot { across: across.into(), up: up.into(), lines });
    let area = |name: &str, value: Option<f64>| value.map_or_else(|| name.to_owned(), |value| format!("{name} {value:.3}"));
    let mut roc = curve(&Ranking::roc);
    roc.push(PlotLine { name: "chance".into(), points: vec![(0.0, 0.0), (1.0, 1.0)] });
    let filled = report.calibration.bins.iter().filter(|bin| bin.count > 0);
    let calibration = vec![
        PlotLine { name: "model".into(), points: filled.map(|bin| (bin.said, bin.came_true)).collect() },
        PlotLine { name: "perfect".into(), points: vec![(0.0, 0.0), (1.0, 1.0)] },
    ];
    let group = |(truth, counts): (usize, &Vec<u64>)| {
        let bar = |(name, count): (&String, &u64)| Bar { name: format!("taken for {name}"), value: *count as f64 };
        (format!("truly {}", classes[truth]), classes.iter().zip(counts).map(bar).collect())
    };
    let confusion =
        BarPlot { unit: "images".into(), counts: true, groups: report.confusion.counts.iter().enumerate().map(group).collect() };
    figure::side_by_side(
        title,
        &[
            panel(area("ROC, area", report.auc), lines("1 - specificity", "sensitivity", roc)),
            panel(
                area("Precision and recall, area", report.average_precision),
                lines("recall", "precision", curve(&Ranking::precision_recall)),
            ),
            panel(
                format!("Calibration, expected error {:.3}", report.calibration.expected_error),
                lines("probability that was said", "share that came true", calibration),
            ),
            panel("Confusion".into(), confusion.into()),
        ],
    )
}

/// Few enough points, the ends among them.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let last = points.len().saturating_sub(1);
    let shown = POINTS.min(points.len());
    (0..shown).map(|i| points[if shown > 1 { i * last / (shown - 1) } else { 0 }]).collect()
}
