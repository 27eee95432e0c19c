//! Sizes of effects.

use super::student::gamma_ratio;

/// Hedges' factor J(ν) = Γ(ν/2) / (√(ν/2) Γ((ν-1)/2)), by which Cohen's d becomes unbiased (Hedges 1981, doi 10.3102/10769986006002107); above 1 degree of freedom.
pub fn hedges_correction(df: f64) -> Option<f64> {
    (df > 1.0).then(|| gamma_ratio((df - 1.0) / 2.0) / (df / 2.0).sqrt())
}
