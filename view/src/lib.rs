//! A viewer of medical volumes on the engine's own device: nothing that is shown is read back.
//!
//! [`App`] is the program's window; [`Pane`] one plane as an egui widget for other people's windows, on their device: see `examples/embed.rs`.

mod app;
mod browse;
pub mod device;
mod export;
mod fine;
mod greys;
mod keys;
mod load;
mod pane;
mod panel;
mod scene;
mod stage;
mod study;
mod words;

pub use app::{App, Opening};
pub use export::{commands, png};
pub use fine::FinePlane;
pub use greys::{Greys, shade};
pub use load::{Loader, News, SeriesLine, Wanted};
pub use pane::{Content, Done, Layout, Pane, Shared};
pub use panel::{Curve, Probe};
pub use scene::{Equalising, PaneView, RayKind, Scene, ValueClasses, Windowing};
pub use stage::{Equaliser, Overlay, Stage, Table};
pub use study::{LabelLayer, Study};
