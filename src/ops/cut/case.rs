//! What the self-check runs.

use super::{PlaneSection, Ray, cpu, encode};
use crate::engine::{Gpu, GpuVolume};
use crate::ops::checks::{Checks, Difference, Sample, compare};
use crate::volume::{Block, Dtype};

pub(crate) fn cases(checks: &mut Checks<'_>) {
    let shape = [19, 17, 13];
    let section = |right, down, slices, ray| PlaneSection { shape, right, down, slices, ray };
    let axial = section((0, false), (1, false), 5..6, Ray::Greatest);
    checks.note("a plane of int16", case(checks.gpu, Dtype::I16, &axial));
    let sagittal = section((1, true), (2, true), 3..19, Ray::Least);
    checks.note("least of float32 along x", case(checks.gpu, Dtype::F32, &sagittal));
    let coronal = section((0, true), (2, false), 0..17, Ray::Mean);
    checks.note("mean of int8 along y", case(checks.gpu, Dtype::I8, &coronal));
}

fn case(gpu: &Gpu, dtype: Dtype, section: &PlaneSection) -> Difference {
    let bytes = Sample::Noise.bytes(dtype, section.shape.iter().product::<u64>() as usize);
    let block = Block { dtype, bytes: &bytes };
    let volume = GpuVolume::upload(gpu, block)?;
    let plane = gpu.storage("cut", 4 * section.pixels())?;
    let mut encoder = gpu.encoder();
    encode(gpu, &mut encoder, &volume, section, &plane)?;
    gpu.submit("cut", encoder)?;
    let got = gpu.download("cut", &plane, plane.size())?;
    // The bits of a NaN are the device's own.
    let bits = |x: f32| if x.is_nan() { u32::MAX } else { x.to_bits() };
    let got: Vec<u32> = got.as_chunks().0.iter().map(|four| bits(f32::from_le_bytes(*four))).collect();
    let want: Vec<u32> = cpu(block, section).into_iter().map(bits).collect();
    Ok(compare(&got, &want))
}
