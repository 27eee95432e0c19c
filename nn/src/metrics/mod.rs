//! How well predictions agree with truth: plain numbers in and out, of no library. A binary question has a positive class, the last one.

mod calibration;
mod confusion;
mod delong;
mod ranking;
mod report;
#[cfg(test)]
mod tests;

pub use calibration::Calibration;
pub use confusion::{ClassAgreement, Confusion};
pub use delong::{Interval, auc_interval};
pub use ranking::{Ranking, youden_threshold};
pub use report::{Judged, Report};
