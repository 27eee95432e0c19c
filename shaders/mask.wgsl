// Keeps voxels where a mask is not zero, gives the others a background, and combines masks. Values are moved as bits.
//! use shared/voxels

struct Params {
    voxels: u32,
    // main: the background as often as it fits a word.
    background: u32,
    // combine: bit 2 a + b is the result for a and b.
    truth: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> voxels: array<vec4<u32>>;
// One byte or one bit a voxel.
@group(0) @binding(2) var<storage, read> voxel_mask: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> second_mask: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> kept: array<vec4<u32>>;
// One byte a voxel, 0 or 1.
@group(0) @binding(5) var<storage, read_write> combined: array<vec4<u32>>;

override BITS: u32 = 8u;
override MASK_BITS: u32 = 8u;
override SECOND_BITS: u32 = 8u;

const GROUP: u32 = 256u;

// 1 in every byte that is not zero.
fn flags_of_bytes(words: vec4<u32>) -> vec4<u32> {
    var any = words | ((words >> vec4(4u)) & vec4(0x0f0f0f0fu));
    any |= (any >> vec4(2u)) & vec4(0x3f3f3f3fu);
    any |= (any >> vec4(1u)) & vec4(0x7f7f7f7fu);
    return any & vec4(0x01010101u);
}

// Bits 4 i .. 4 i + 4 of 16 become the bytes of word i: the product holds bit j at 8 j, and what lies between is cut away.
fn flags_of_bits(words: vec4<u32>, unit: u32) -> vec4<u32> {
    let half = words[(unit / 2u) & 3u] >> ((unit & 1u) * 16u);
    let nibbles = (vec4(half) >> vec4(0u, 4u, 8u, 12u)) & vec4(0xfu);
    return (nibbles * vec4(0x00204081u)) & vec4(0x01010101u);
}

fn flags(unit: u32) -> vec4<u32> {
    if (MASK_BITS == 1u) {
        return flags_of_bits(voxel_mask[unit / 8u], unit);
    }
    return flags_of_bytes(voxel_mask[unit]);
}

fn second_flags(unit: u32) -> vec4<u32> {
    if (SECOND_BITS == 1u) {
        return flags_of_bits(second_mask[unit / 8u], unit);
    }
    return flags_of_bytes(second_mask[unit]);
}

fn choose(values: vec4<u32>, keep: vec4<u32>) -> vec4<u32> {
    return (values & keep) | (vec4(params.background) & ~keep);
}

// Two flags of a word as the two halves of a word of ones or zeros.
fn halves(flag: vec2<u32>) -> u32 {
    return (flag.x | (flag.y << 16u)) * 0xffffu;
}

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let units = (params.voxels + UNIT - 1u) / UNIT;
    for (var unit = id.x; unit < units; unit += groups.x * GROUP) {
        let flag = flags(unit);
        if (BITS == 8u) {
            kept[unit] = choose(voxels[unit], flag * vec4(0xffu));
        } else if (BITS == 16u) {
            for (var half = 0u; half < 2u; half++) {
                let a = unpack8(flag[half * 2u]);
                let b = unpack8(flag[half * 2u + 1u]);
                let keep = vec4(halves(a.xy), halves(a.zw), halves(b.xy), halves(b.zw));
                kept[unit * 2u + half] = choose(voxels[unit * 2u + half], keep);
            }
        } else {
            for (var part = 0u; part < 4u; part++) {
                kept[unit * 4u + part] = choose(voxels[unit * 4u + part], unpack8(flag[part]) * vec4(0xffffffffu));
            }
        }
    }
}

@compute @workgroup_size(GROUP)
fn combine(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let units = (params.voxels + UNIT - 1u) / UNIT;
    // The entries of the truth table, each in all bytes of a word.
    let truth = ((vec4(params.truth) >> vec4(0u, 1u, 2u, 3u)) & vec4(1u)) * vec4(0x01010101u);
    for (var unit = id.x; unit < units; unit += groups.x * GROUP) {
        let a = flags(unit);
        let b = second_flags(unit);
        combined[unit] = (~a & ~b & vec4(truth.x)) | (~a & b & vec4(truth.y)) | (a & ~b & vec4(truth.z)) | (a & b & vec4(truth.w));
    }
}
