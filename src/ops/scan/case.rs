//! What the self-check runs.

use super::{cpu, run};
use crate::engine::Gpu;
use crate::ops::checks::{Checks, Difference, compare};

pub(crate) fn cases(checks: &mut Checks<'_>) {
    for count in [1, 1000, 65_536] {
        checks.note(format!("{count} counts"), case(checks.gpu, count));
    }
}

fn case(gpu: &Gpu, count: u32) -> Difference {
    let counts: Vec<u32> = (0..count).map(|i| i.wrapping_mul(2_654_435_761) >> 16).collect();
    let want: Vec<u32> = cpu(&counts.iter().map(|c| u64::from(*c)).collect::<Vec<_>>()).iter().map(|c| *c as u32).collect();
    Ok(compare(&run(gpu, &counts)?, &want))
}
