// Remaps voxels through a table: integers of 8 or 16 bits by value, f32 by the bin between given edges.
//! use shared/stored
//! use shared/floats
//! use shared/find

struct Params {
    voxels: u32,
    // XORed into a stored value to get its entry: 0x80 for i8, 0x8000 for i16.
    sign: u32,
    // Entries of the table; f32 input only.
    bins: u32,
    // The result of a NaN voxel; f32 input only.
    nan: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> voxels: array<vec4<u32>>;
// Results as bits of the output type, one a word.
@group(0) @binding(2) var<storage, read> entries: array<u32>;
// Ascending order keys of the bins + 1 edges; f32 input only.
@group(0) @binding(3) var<storage, read> edges: array<u32>;
@group(0) @binding(4) var<storage, read_write> remapped: array<vec4<u32>>;

override BITS: u32 = 16u;
override BITS_OUT: u32 = 16u;

const GROUP: u32 = 256u;

// Values below the first edge take the first entry, above the last edge the last.
fn float_entry(bits: u32) -> u32 {
    if (is_nan(bits)) {
        return params.nan;
    }
    return entries[find(order_key(bits), params.bins)];
}

fn look_up(unit: u32, part: u32) -> vec4<u32> {
    let bits = stored(unit, part);
    if (BITS == 32u) {
        return vec4(float_entry(bits.x), float_entry(bits.y), float_entry(bits.z), float_entry(bits.w));
    }
    let at = bits ^ vec4(params.sign);
    return vec4(entries[at.x], entries[at.y], entries[at.z], entries[at.w]);
}

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let units = (params.voxels + UNIT - 1u) / UNIT;
    for (var unit = id.x; unit < units; unit += groups.x * GROUP) {
        let a = look_up(unit, 0u);
        let b = look_up(unit, 1u);
        let c = look_up(unit, 2u);
        let d = look_up(unit, 3u);
        if (BITS_OUT == 8u) {
            remapped[unit] = vec4(pack8(a), pack8(b), pack8(c), pack8(d));
        } else if (BITS_OUT == 16u) {
            remapped[unit * 2u] = vec4(pack16(a), pack16(b));
            remapped[unit * 2u + 1u] = vec4(pack16(c), pack16(d));
        } else {
            remapped[unit * 4u] = a;
            remapped[unit * 4u + 1u] = b;
            remapped[unit * 4u + 2u] = c;
            remapped[unit * 4u + 3u] = d;
        }
    }
}
