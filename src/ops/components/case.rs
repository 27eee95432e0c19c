//! What the self-check runs.

use super::{Connectivity, Effort, Rules, Same, label, run};
use crate::engine::{Brick, Gpu};
use crate::ops::checks::{Checks, Difference, compare};

pub(crate) fn cases(checks: &mut Checks<'_>) {
    for connectivity in [Connectivity::Faces, Connectivity::Edges, Connectivity::Corners] {
        for same in [Same::NotZero, Same::Label, Same::Zero] {
            let rules = Rules { connectivity, same };
            checks.note(format!("{connectivity:?} of {same:?}"), case(checks.gpu, rules));
        }
    }
}

/// A dozen boxes of workgroups, of three values in clumps that end anywhere.
fn case(gpu: &Gpu, rules: Rules) -> Difference {
    let shape = [67u32, 11, 7];
    let value = |i: u32| {
        let noise = i.wrapping_mul(2_654_435_761).rotate_left(13).wrapping_mul(2_246_822_519) >> 16;
        if noise % 5 < 2 { noise / 5 % 3 } else { 0 }
    };
    let values: Vec<u32> = (0..shape.iter().product()).map(value).collect();
    let buffer = gpu.storage_with("components", bytemuck::cast_slice(&values), 64)?;
    let (labels, count) = run(gpu, &Brick::in_buffer(shape, buffer, 32)?, rules, Effort::default())?;
    let got: Vec<u32> =
        bytemuck::pod_collect_to_vec(&gpu.download("components", &labels.buffer, 4 * u64::from(labels.voxels()))?);
    let mut want = vec![0; values.len()];
    let found = match label(&values, shape.map(|n| n as usize), rules, &mut want) {
        Ok(found) => found.table().len() as u32,
        Err(e) => return Ok(Err(e.to_string())),
    };
    Ok(if count == found { compare(&got, &want) } else { Err(format!("{count} components instead of {found}")) })
}
