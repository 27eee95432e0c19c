//! What a job found: rows (key, words, value, unit), of which text, JSON and CSV are made, and figure and page where there is one. For a program,
//! a viewer or another language alike: nothing here prints, writes a file or knows a command line.
//!
//! A finding is a plain struct around what a pipeline gave: [`HeaderFinding`], [`StatisticsFinding`], [`HistogramFinding`], [`MappingFinding`],
//! [`EqualizationFinding`], [`AdaptiveFinding`], [`FilterFinding`], [`DistanceFinding`], [`ComponentsFinding`], [`RegionsFinding`], [`CurveFinding`], [`AgreementFinding`], [`DifferenceFinding`],
//! [`GroupFinding`], [`ProjectionFinding`], [`PlacementFinding`], [`MaskFinding`], [`MixtureFinding`]. What only the caller knows is a [`Provenance`]; what the reader should
//! know first are [`Note`]s.
//!
//! ```
//! use hounsfield::findings::{HeaderFinding, Value};
//! use hounsfield::volume::{Dtype, Header, Shape};
//!
//! let header = Header::new(Shape::new(&[4, 3]).unwrap(), Dtype::U8);
//! let rows = HeaderFinding { header: &header }.rows();
//! assert_eq!(rows.get("dtype"), Some(&Value::from("uint8").read_as("uint8")));
//! assert_eq!(rows.json()["shape"].to_string(), "[4,3]");
//! assert!(rows.text().lines().any(|line| line.starts_with("shape") && line.ends_with("4 x 3")));
//! ```

mod adaptive;
mod cohort;
mod comparing;
mod components;
mod curve;
mod distance;
mod export;
mod filter;
mod header;
mod histogram;
mod mapping;
mod masking;
mod mixture;
mod note;
mod over_time;
mod pictures;
mod placement;
mod plan;
mod projection;
mod provenance;
mod regions;
mod rows;
mod size;
mod statistics;
#[cfg(test)]
mod tests;
mod tissue;
pub mod words;

pub use adaptive::AdaptiveFinding;
pub use cohort::GroupFinding;
pub use comparing::{AgreementFinding, Bound, DifferenceFinding, Limit, Shortfall};
pub use components::ComponentsFinding;
pub use curve::{Beat, CurveFinding};
pub use distance::DistanceFinding;
pub use filter::FilterFinding;
pub use header::HeaderFinding;
pub use histogram::{Bin, HistogramFinding};
pub use mapping::{EqualizationFinding, MappingFinding, after};
pub use masking::{MaskFinding, MaskSlices, mask_rows, mask_table};
pub use mixture::{FurtherChannel, MixtureClass, MixtureFinding};
pub use note::Note;
pub use over_time::ReductionFinding;
pub use pictures::shade;
pub use placement::PlacementFinding;
pub use plan::PlanFinding;
pub use projection::ProjectionFinding;
pub use provenance::Provenance;
pub use regions::RegionsFinding;
pub use rows::{Row, Rows, Value};
pub use size::Size;
pub use statistics::StatisticsFinding;
pub use tissue::{TissueFinding, TissueSlices};

/// What pages say they come from.
const PROGRAM: &str = concat!("hounsfield ", env!("CARGO_PKG_VERSION"));
