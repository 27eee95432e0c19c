//! The viewer as a person uses it: offscreen through egui's own renderer, and in a window of a virtual display.

mod embedding;
mod exporting;
mod hostile;
mod showing;
mod support;
mod window;
