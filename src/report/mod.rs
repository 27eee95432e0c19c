//! Figures and the HTML report: pictures of slices as radiologists expect them, histograms, labels, outlines.
//!
//! One figure is one [`Svg`]. A PNG file is that SVG rendered here, with a font that the program carries; the HTML report
//! embeds the same SVG. The same input gives the same bytes.
//!
//! From voxels to a figure:
//! 1. [`View`] says how the voxel axes lie on screen, [`Picker`] collects the voxels of a few slices while blocks pass by;
//! 2. [`Shade`] turns real values into greys, [`Picture`] holds the pixels with their letters, caption and outlines;
//! 3. [`Plot`] is what stands on axes: an exact [`Histogram`] with its cumulative curve, bars with names, boxes and strips of points;
//! 4. [`figure`] lays pictures and plots out, [`html`] writes the page around them.

mod axes;
mod bars;
mod bins;
mod boxes;
pub mod colours;
pub mod figure;
mod histogram;
pub mod html;
mod layout;
mod lines;
mod picker;
mod picture;
mod plane;
mod plot;
mod svg;
mod ticks;
mod window;

#[cfg(test)]
mod tests;

pub use bars::{Bar, BarPlot};
pub use boxes::{BoxPlot, StripPlot};
pub use figure::{Key, Panel};
pub use histogram::{Curve, Histogram, HistogramPlot, Marker};
pub use html::Report;
pub use lines::{LinePlot, PlotLine};
pub use picker::{Picker, Slice};
pub use picture::Picture;
pub use plane::{Plane, View};
pub use plot::Plot;
pub use svg::Svg;
pub use window::{Shade, display_window};
