//! Frames gathered by where they lie along the normal of the image plane.

/// Places closer than this are one, whatever the spacing.
const SAME_MM: f64 = 1e-3;
/// Scanners place the volumes of a series within so small a share of the spacing of each other …
const SAME_SHARE: f64 = 0.01;
/// … and never farther: what lies this far apart is two slices however far others are.
const MOST_MM: f64 = 0.1;

/// Ascending distances as runs that are one place each: the number of distances in each run.
pub(super) fn runs(at: &[f64]) -> Vec<usize> {
    let tolerance = tolerance(at);
    let mut runs: Vec<usize> = Vec::new();
    let mut first = f64::NEG_INFINITY;
    for &d in at {
        match runs.last_mut() {
            Some(run) if d - first <= tolerance => *run += 1,
            _ => {
                first = d;
                runs.push(1);
            }
        }
    }
    runs
}

/// How far apart two slices of one place may be: where the distances of neighbours part into tiny ones and such that are a hundred times
/// larger, the tiny ones are no spacing.
fn tolerance(at: &[f64]) -> f64 {
    let mut gaps: Vec<f64> = at.windows(2).map(|w| w[1] - w[0]).filter(|gap| *gap > SAME_MM).collect();
    gaps.sort_by(f64::total_cmp);
    let parting = gaps.windows(2).filter(|w| w[0] <= MOST_MM && w[0] <= SAME_SHARE * w[1]).map(|w| w[1]).next_back();
    parting.map_or(SAME_MM, |spacing| (SAME_SHARE * spacing).min(MOST_MM))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_is_one_place() {
        assert_eq!(runs(&[0.0, 0.004, 0.008, 3.0, 3.004, 3.008, 6.0, 6.004, 6.008]), [3, 3, 3]);
        assert_eq!(runs(&[0.0, 0.0, 3.0, 3.0]), [2, 2]);
    }

    #[test]
    fn thin_slices_stay_apart() {
        assert_eq!(runs(&[0.0, 0.05, 0.1, 0.15]), [1, 1, 1, 1]);
        assert_eq!(runs(&[0.0, 0.3, 0.6, 0.9, 300.0]), [1, 1, 1, 1, 1]);
        assert_eq!(runs(&[5.0]), [1]);
    }
}
