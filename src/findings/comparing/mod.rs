//! How alike two label maps are, or two images.

mod difference;
mod labels;
mod limits;

pub use difference::DifferenceFinding;
pub use labels::AgreementFinding;
pub use limits::{Bound, Limit, Shortfall};

use limits::shortfalls;

use super::Value;

/// A share in four decimals, or that there is none.
fn share(value: Option<f64>) -> Value {
    Value::from(value).read_as(value.map_or_else(|| "n/a".into(), |v| format!("{v:.4}")))
}

/// A measure in three decimals, or that there is none.
fn measure(value: Option<f64>) -> Value {
    Value::from(value).read_as(value.map_or_else(|| "n/a".into(), |v| super::words::decimals(v, 3)))
}
