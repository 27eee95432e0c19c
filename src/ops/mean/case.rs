//! What the self-check runs.

use super::{MeanBox, cpu, encode, scratch};
use crate::engine::{Brick, GpuError};
use crate::ops::checks::{Checks, OnBricks};
use crate::volume::Dtype;

pub(crate) fn cases(checks: &mut Checks<'_>) {
    for (dtype, reach) in [(Dtype::U8, [1, 1, 1]), (Dtype::I16, [4, 0, 2]), (Dtype::U16, [10, 3, 1]), (Dtype::F32, [2, 2, 1])] {
        let gpu = checks.gpu;
        let case = OnBricks::inside("mean", dtype, dtype);
        let difference =
            MeanBox::new(reach).map_err(|e| GpuError::Input { kernel: "mean", what: e.to_string() }).and_then(|mean| {
                case.compare(
                    gpu,
                    |encoder, from, to| {
                        let [a, b] = scratch(from.0.shape, to.shape).map(|shape| Brick::empty(gpu, shape, 32));
                        encode(gpu, encoder, (dtype, mean), from, to, [&a?, &b?])
                    },
                    |tile, shape, inner, out| cpu(dtype, tile, shape, inner, mean, out),
                )
            });
        checks.note(format!("{dtype} within {reach:?}"), difference);
    }
}
