// Stored values of every type of up to 32 bits to keys that sort alike, one u32 each, and back.
//! use shared/stored

struct Params {
    voxels: u32,
    // The bit that tells negative values from others, 0 for unsigned types.
    sign: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> voxels: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> widened: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> keys: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> narrowed: array<vec4<u32>>;

override BITS: u32 = 16u;
// Floats, whose bits all turn over where they are negative; of integers only the sign does.
override FLOATS: bool = false;

const GROUP: u32 = 256u;

fn key(bits: vec4<u32>) -> vec4<u32> {
    let sign = vec4(params.sign);
    if (FLOATS) {
        return select(~bits, bits | sign, (bits & sign) == vec4(0u));
    }
    return bits ^ sign;
}

fn value(unit: u32, part: u32) -> vec4<u32> {
    let key = keys[unit * 4u + part];
    let sign = vec4(params.sign);
    if (FLOATS) {
        return select(key ^ sign, ~key, (key & sign) == vec4(0u));
    }
    return key ^ sign;
}

@compute @workgroup_size(GROUP)
fn widen(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let units = (params.voxels + UNIT - 1u) / UNIT;
    for (var unit = id.x; unit < units; unit += groups.x * GROUP) {
        for (var part = 0u; part < 4u; part++) {
            widened[unit * 4u + part] = key(stored(unit, part));
        }
    }
}

@compute @workgroup_size(GROUP)
fn narrow(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let units = (params.voxels + UNIT - 1u) / UNIT;
    for (var unit = id.x; unit < units; unit += groups.x * GROUP) {
        let a = value(unit, 0u);
        let b = value(unit, 1u);
        let c = value(unit, 2u);
        let d = value(unit, 3u);
        if (BITS == 8u) {
            // The last unit may hold more than keys; pack what belongs to each.
            let low = vec4(0xffu);
            narrowed[unit] = vec4(pack8(a & low), pack8(b & low), pack8(c & low), pack8(d & low));
        } else if (BITS == 16u) {
            let low = vec4(0xffffu);
            narrowed[unit * 2u] = vec4(pack16(a & low), pack16(b & low));
            narrowed[unit * 2u + 1u] = vec4(pack16(c & low), pack16(d & low));
        } else {
            narrowed[unit * 4u] = a;
            narrowed[unit * 4u + 1u] = b;
            narrowed[unit * 4u + 2u] = c;
            narrowed[unit * 4u + 3u] = d;
        }
    }
}
