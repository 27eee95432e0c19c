//! One use of a kernel, as the caller says it: everything by name.

use super::kernel::{ParamKind, ParamLayout, Shader};

/// One use of a kernel. Everything is named; the order of parameters and buffers does not matter.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The kernel's shader.
    pub shader: &'a Shader,
    /// The entry point.
    pub entry: &'a str,
    /// Values of `override` constants.
    pub constants: &'a [(&'a str, u32)],
    /// Values of the fields of `Params`, each of the type that the shader gives it.
    pub params: &'a [(&'a str, Param)],
    /// Storage buffers.
    pub buffers: &'a [(&'a str, &'a wgpu::Buffer)],
    /// Invocations that would each have one element to do; kernels stride over the grid, so fewer may run.
    pub elements: Elements,
    /// Most workgroups that serve the kernel's speed, where elements lie in one line; a box of elements is not capped by it.
    pub groups_wanted: u32,
}

/// How many elements a call has along x, y and z: a number is a line of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elements([u64; 3]);

impl From<u64> for Elements {
    fn from(along_x: u64) -> Self {
        Self([along_x, 1, 1])
    }
}

impl From<[u64; 3]> for Elements {
    fn from(box_size: [u64; 3]) -> Self {
        Self(box_size)
    }
}

impl Elements {
    /// Workgroups of this size in each dimension: enough for all elements, or `most` and strides, or no group at all if there is nothing to do.
    pub(super) fn groups(self, size: [u32; 3], most: u32, wanted: u32) -> [u32; 3] {
        let line = self.0[1] == 1 && self.0[2] == 1;
        let most = u64::from(if line { most.min(wanted) } else { most });
        // Not above `most`, so it fits 32 bits.
        let groups = [0, 1, 2].map(|axis| self.0[axis].div_ceil(u64::from(size[axis])).min(most) as u32);
        if groups.contains(&0) { [0; 3] } else { groups }
    }
}

/// A value of a field of `Params`: a number or two, three or four of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Param {
    words: [u32; 4],
    kind: ParamKind,
}

macro_rules! params_from {
    ($($scalar:ident: $bits:expr),*) => {$(
        impl From<$scalar> for Param {
            fn from(value: $scalar) -> Self {
                Self::of(stringify!($scalar), &[value].map($bits))
            }
        }
        params_from!(vectors $scalar: $bits, 2 3 4);
    )*};
    (vectors $scalar:ident: $bits:expr, $($count:literal)*) => {$(
        impl From<[$scalar; $count]> for Param {
            fn from(values: [$scalar; $count]) -> Self {
                Self::of(stringify!($scalar), &values.map($bits))
            }
        }
    )*};
}

params_from!(u32: |v| v, i32: |v| v as u32, f32: f32::to_bits);

impl Param {
    fn of(scalar: &'static str, given: &[u32]) -> Self {
        let mut words = [0; 4];
        words[..given.len()].copy_from_slice(given);
        Self { words, kind: ParamKind { scalar, count: given.len() } }
    }
}

/// The parameters where the shader wants them. A uniform block is bound in whole vectors.
///
/// # Errors
/// In words: a name that is missing or unknown, a value of another type.
pub(super) fn pack(layout: &ParamLayout, given: &[(&str, Param)]) -> Result<Vec<u8>, String> {
    if let Some((name, _)) = given.iter().find(|(name, _)| layout.fields.iter().all(|field| field.name != *name)) {
        return Err(format!("there is no parameter {name}"));
    }
    let mut bytes = vec![0u8; (layout.size as usize).next_multiple_of(16)];
    for field in &layout.fields {
        let value = given.iter().find(|(name, _)| *name == field.name);
        let (_, value) = value.ok_or_else(|| format!("parameter {} is missing", field.name))?;
        if value.kind != field.kind {
            return Err(format!("parameter {} is {}, not {}", field.name, field.kind, value.kind));
        }
        for (i, word) in value.words[..field.kind.count].iter().enumerate() {
            bytes[field.offset as usize + 4 * i..][..4].copy_from_slice(&word.to_le_bytes());
        }
    }
    Ok(bytes)
}
