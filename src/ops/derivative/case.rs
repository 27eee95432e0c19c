//! What the self-check runs.

use super::{Derivative, DerivativeKind, cpu, encode};
use crate::engine::GpuError;
use crate::ops::checks::{Checks, OnBricks};
use crate::volume::Dtype;

pub(crate) fn cases(checks: &mut Checks<'_>) {
    for kind in [DerivativeKind::GradientMagnitude, DerivativeKind::Laplacian] {
        for dtype in [Dtype::U8, Dtype::I16, Dtype::U16, Dtype::F32] {
            let gpu = checks.gpu;
            let case = OnBricks::inside("derivative", dtype, Dtype::F32);
            let difference = Derivative::new(kind, [0.7, 0.7, 2.5])
                .map_err(|e| GpuError::Input { kernel: "derivative", what: e.to_string() })
                .and_then(|derivative| {
                    case.compare(
                        gpu,
                        |encoder, from, to| encode(gpu, encoder, (dtype, &derivative), from, to),
                        |tile, shape, inner, out| cpu(dtype, tile, shape, inner, &derivative, out),
                    )
                });
            checks.note(format!("{kind:?} of {dtype}"), difference);
        }
    }
}
