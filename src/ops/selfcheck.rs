//! Does this adapter compute what the CPU computes? Small known cases of every kernel, in well under a second.

use super::CATALOGUE;
use super::checks::Checks;
pub use super::checks::Outcome;
use crate::engine::Gpu;

/// Runs all cases. A failing GPU is an outcome, not an error.
pub fn run(gpu: &Gpu) -> Vec<Outcome> {
    let of_one = |operation: &super::Operation| {
        let mut checks = Checks::new(gpu, operation.shader.name);
        (operation.cases)(&mut checks);
        checks.outcomes()
    };
    CATALOGUE.iter().flat_map(of_one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_has_cases_and_passes_them() {
        let Some(gpu) = crate::ops::testing::gpu() else { return };
        let outcomes = run(gpu);
        for operation in CATALOGUE {
            let name = operation.shader.name;
            assert!(outcomes.iter().any(|o| o.kernel == name), "{name} has no case");
        }
        let wrong: Vec<&Outcome> = outcomes.iter().filter(|o| o.failure.is_some()).collect();
        assert!(wrong.is_empty(), "{wrong:?}");
    }
}
