//! A box of voxels in device memory.

use super::{Gpu, GpuError, UNIT_VOXELS};

/// A box of voxels in device memory, x fastest, one u32 each: [keys](crate::volume::keys) that sort as the stored values do, whatever their type.
/// Kernels that look at neighbours know this type and one index function (`shaders/shared/brick.wgsl`) instead of every stored type.
/// [`widen`](crate::ops::widen) fills and empties it.
#[derive(Debug, Clone)]
pub struct Brick {
    /// Voxels along x, y and z.
    pub shape: [u32; 3],
    /// The keys, rounded up to whole units of [`UNIT_VOXELS`]; what lies behind the voxels means nothing.
    pub buffer: wgpu::Buffer,
    /// Bits of a key: 8, 16 or 32; those above are 0.
    pub bits: u32,
}

impl Brick {
    /// Room for keys of `bits` bits, not yet written.
    ///
    /// # Errors
    /// [`GpuError::Input`] if the box is empty or larger than what the device binds; [`GpuError::OutOfMemory`].
    pub fn empty(gpu: &Gpu, shape: [u32; 3], bits: u32) -> Result<Self, GpuError> {
        Self::in_buffer(shape, gpu.storage("brick", Self::bytes(shape)?)?, bits)
    }

    /// A brick in a buffer that the caller has, such as one from a [pool](Gpu::pooled).
    ///
    /// # Errors
    /// [`GpuError::Input`] if the box is empty, has 2³⁰ voxels or more, or does not fit the buffer; if keys have no such number of bits.
    pub fn in_buffer(shape: [u32; 3], buffer: wgpu::Buffer, bits: u32) -> Result<Self, GpuError> {
        let needs = Self::bytes(shape)?;
        if !matches!(bits, 8 | 16 | 32) || buffer.size() < needs {
            let what =
                format!("{shape:?} keys of {bits} bits in {} bytes; they take {needs}, and 8, 16 or 32 bits", buffer.size());
            return Err(GpuError::Input { kernel: "brick", what });
        }
        Ok(Self { shape, buffer, bits })
    }

    /// Bytes of the buffer of a brick of this shape.
    ///
    /// # Errors
    /// [`GpuError::Input`] if it is empty or has 2³⁰ voxels or more, so that 32 bits do not hold its size.
    pub fn bytes(shape: [u32; 3]) -> Result<u64, GpuError> {
        let voxels = shape.iter().try_fold(1u64, |product, n| product.checked_mul(u64::from(*n)));
        match voxels {
            Some(voxels @ 1..0x4000_0000) => Ok(4 * voxels.next_multiple_of(UNIT_VOXELS)),
            _ => Err(GpuError::Input { kernel: "brick", what: format!("a brick of {shape:?} voxels") }),
        }
    }

    /// Checks that this one can take results of `kernel` for as many voxels of `read`, of keys of `bits` bits, from `origin` on.
    ///
    /// # Errors
    /// [`GpuError::Input`] if the box does not lie inside of `read`, or one of the two is too small or holds other keys.
    pub fn check_inside(&self, kernel: &'static str, read: &Self, origin: [u32; 3], bits: u32) -> Result<(), GpuError> {
        let input = |what: String| GpuError::Input { kernel, what };
        let inside = |axis: usize| u64::from(origin[axis]) + u64::from(self.shape[axis]) <= u64::from(read.shape[axis]);
        if !(0..3).all(inside) {
            return Err(input(format!("{:?} voxels from {origin:?} on, of {:?}", self.shape, read.shape)));
        }
        if read.bits != bits || self.bits != bits {
            return Err(input(format!("bricks of keys of {} and {} bits for {bits}", read.bits, self.bits)));
        }
        for brick in [read, self] {
            let needs = Self::bytes(brick.shape)?;
            if brick.buffer.size() < needs {
                return Err(input(format!("{} bytes for a brick of {:?}", brick.buffer.size(), brick.shape)));
            }
        }
        Ok(())
    }

    /// Number of voxels.
    pub fn voxels(&self) -> u32 {
        self.shape.iter().product()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bricks_hold_whole_units_and_are_not_empty() {
        assert_eq!(Brick::bytes([3, 5, 1]).unwrap(), 64);
        assert_eq!(Brick::bytes([17, 1, 1]).unwrap(), 128);
        for shape in [[0, 4, 4], [u32::MAX; 3], [1 << 10, 1 << 10, 1 << 10]] {
            assert!(Brick::bytes(shape).is_err(), "{shape:?}");
        }
    }
}
