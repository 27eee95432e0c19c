// Four stored values of 8, 16 or 32 bits, right-aligned. WGSL as naga has it passes no pointers to storage, so this reads what the
// shader that uses it binds as `voxels: array<vec4<u32>>` and says with the override BITS.
//! use shared/voxels

fn stored(unit: u32, part: u32) -> vec4<u32> {
    if (BITS == 8u) {
        return unpack8(voxels[unit][part]);
    }
    if (BITS == 16u) {
        let words = voxels[unit * 2u + part / 2u];
        return unpack16(select(words.xy, words.zw, (part & 1u) == 1u));
    }
    return voxels[unit * 4u + part];
}
