//! One plot of any kind.

use super::bars::BarPlot;
use super::boxes::BoxPlot;
use super::histogram::{Histogram, HistogramPlot};
use super::lines::LinePlot;
use super::svg::Canvas;

/// One plot, drawn into a panel of a figure or into a figure of its own.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Plot {
    /// A histogram with its cumulative curve.
    Histogram(HistogramPlot),
    /// Bars with names.
    Bars(BarPlot),
    /// Lines over time.
    Lines(LinePlot),
    /// Groups of numbers as boxes over their points.
    Boxes(BoxPlot),
}

impl Plot {
    /// The height that it takes in a panel, key and axes included.
    pub(super) fn height(&self) -> f64 {
        match self {
            Self::Histogram(_) | Self::Lines(_) => 320.0,
            Self::Bars(bars) => bars.height(),
            Self::Boxes(boxes) => boxes.height(),
        }
    }

    /// Draws into the box [x, y, width, height].
    pub(super) fn draw(&self, canvas: &mut Canvas, [x, y, w, h]: [f64; 4]) {
        match self {
            Self::Histogram(plot) => plot.draw(canvas, [x, y, w, h]),
            Self::Bars(bars) => bars.draw(canvas, [x, y, w]),
            Self::Lines(lines) => lines.draw(canvas, [x, y, w, h]),
            Self::Boxes(boxes) => boxes.draw(canvas, [x, y, w]),
        }
    }
}

impl From<HistogramPlot> for Plot {
    fn from(plot: HistogramPlot) -> Self {
        Self::Histogram(plot)
    }
}

impl From<Histogram> for Plot {
    fn from(histogram: Histogram) -> Self {
        Self::Histogram(histogram.into())
    }
}

impl From<BarPlot> for Plot {
    fn from(bars: BarPlot) -> Self {
        Self::Bars(bars)
    }
}

impl From<LinePlot> for Plot {
    fn from(lines: LinePlot) -> Self {
        Self::Lines(lines)
    }
}

impl From<BoxPlot> for Plot {
    fn from(boxes: BoxPlot) -> Self {
        Self::Boxes(boxes)
    }
}
