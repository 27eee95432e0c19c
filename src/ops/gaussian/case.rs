//! What the self-check runs.

use super::{GpuSmoothing, Smoothing, cpu, encode};
use crate::engine::{Brick, GpuError};
use crate::ops::checks::{Checks, OnBricks};
use crate::volume::Dtype;

pub(crate) fn cases(checks: &mut Checks<'_>) {
    for (dtype, sigma, amount) in [
        (Dtype::U8, [1.5, 0.0, 1.0], None),
        (Dtype::I16, [2.0, 1.3, 0.7], None),
        (Dtype::U16, [1.0; 3], Some(1.5)),
        (Dtype::F32, [1.0, 2.0, 0.5], None),
        (Dtype::F32, [0.8; 3], Some(0.7)),
    ] {
        let gpu = checks.gpu;
        let case = OnBricks::inside("gaussian", dtype, dtype);
        let difference = Smoothing::new(sigma)
            .and_then(|g| if let Some(amount) = amount { g.sharpening(amount) } else { Ok(g) })
            .map_err(|e| GpuError::Input { kernel: "gaussian", what: e.to_string() })
            .and_then(|gaussian| {
                case.compare(
                    gpu,
                    |encoder, from, to| {
                        let [a, b] = GpuSmoothing::scratch(from.0.shape, to.shape).map(|shape| Brick::empty(gpu, shape, 32));
                        encode(gpu, encoder, &GpuSmoothing::upload(gpu, &gaussian, dtype)?, from, to, [&a?, &b?])
                    },
                    |tile, shape, inner, out| cpu(dtype, tile, shape, inner, &gaussian, out),
                )
            });
        checks.note(format!("{dtype}, sigma {sigma:?}, amount {amount:?}"), difference);
    }
}
