//! The spread of an area below a ROC curve (DeLong, DeLong and Clarke-Pearson 1988), by ranks (Sun and Xu 2014).

/// A value, and where it lies with 95 % confidence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The value.
    pub value: f64,
    /// Its standard error.
    pub error: f64,
    /// The lower end, not below 0.
    pub low: f64,
    /// The upper end, not above 1.
    pub high: f64,
}

/// Of the normal distribution, beyond which 2.5 % lie.
const Z: f64 = 1.959_963_984_540_054;

/// The area below the ROC curve and its interval; none with fewer than two of either kind.
pub fn auc_interval(scores: &[f64], positive: &[bool]) -> Option<Interval> {
    let of = |wanted: bool| scores.iter().zip(positive).filter(|(_, p)| **p == wanted).map(|(s, _)| *s).collect::<Vec<f64>>();
    let (ill, well) = (of(true), of(false));
    if ill.len() < 2 || well.len() < 2 {
        return None;
    }
    let (m, n) = (ill.len() as f64, well.len() as f64);
    let all: Vec<f64> = ill.iter().chain(&well).copied().collect();
    let (together, own_ill, own_well) = (midranks(&all), midranks(&ill), midranks(&well));
    let placed_ill: Vec<f64> = (0..ill.len()).map(|i| (together[i] - own_ill[i]) / n).collect();
    let placed_well: Vec<f64> = (0..well.len()).map(|i| 1.0 - (together[ill.len() + i] - own_well[i]) / m).collect();
    let value = placed_ill.iter().sum::<f64>() / m;
    let error = (variance(&placed_ill) / m + variance(&placed_well) / n).sqrt();
    Some(Interval { value, error, low: (value - Z * error).max(0.0), high: (value + Z * error).min(1.0) })
}

/// The rank of each value, counted from 1; equal ones share theirs.
fn midranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for run in order.chunk_by(|&a, &b| values[a] == values[b]) {
        run.iter().for_each(|&i| ranks[i] = before as f64 + (run.len() + 1) as f64 / 2.0);
        before += run.len();
    }
    ranks
}

fn variance(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (values.len() - 1) as f64
}
