//! How a training went.

use hounsfield::report::{LinePlot, Panel, Plot, PlotLine, Svg, figure};

use crate::train::{Epoch, History};

/// Losses on the left, the measure of the validation part on the right.
pub fn curves(history: &History, metric: &str) -> hounsfield::Result<Svg> {
    let line = |name: &str, of: fn(&Epoch) -> f64| PlotLine {
        name: name.into(),
        points: history.epochs.iter().map(|epoch| (epoch.epoch as f64, of(epoch))).collect(),
    };
    let plot = |up: &str, lines| Plot::from(LinePlot { across: "epoch".into(), up: up.into(), lines });
    let panel = |title: &str, plot| Panel { title: title.into(), plot: Some(plot), ..Panel::default() };
    let losses = vec![line("training", |e| e.train_loss), line("validation", |e| e.val_loss)];
    figure::side_by_side(
        "Training",
        &[panel("Loss", plot("loss", losses)), panel("Validation", plot(metric, vec![line(metric, |e| e.val_metric)]))],
    )
}
