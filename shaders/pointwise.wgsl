// Maps f32 voxels through a function given as straight pieces: start + slope * (x - first x of the piece).
//! use shared/voxels
//! use shared/floats
//! use shared/find

struct Params {
    voxels: u32,
    pieces: u32,
    // Bits of the result of a NaN voxel.
    nan: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> voxels: array<vec4<u32>>;
// Order keys of the first value of each piece, ascending; the last piece is one value.
@group(0) @binding(2) var<storage, read> edges: array<u32>;
// First value, result there, slope.
@group(0) @binding(3) var<storage, read> lines: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> results: array<vec4<u32>>;

const GROUP: u32 = 256u;

fn result(bits: u32) -> u32 {
    if (is_nan(bits)) {
        return params.nan;
    }
    let key = order_key(bits);
    let last = params.pieces - 1u;
    // Beyond the ends the results at the ends hold; infinities must not meet a slope.
    if (key <= edges[0] || key >= edges[last]) {
        return bitcast<u32>(select(lines[0].y, lines[last].y, key >= edges[last]));
    }
    let line = lines[find(key, last)];
    return bitcast<u32>(line.y + line.z * (bitcast<f32>(bits) - line.x));
}

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let units = (params.voxels + UNIT - 1u) / UNIT;
    for (var unit = id.x; unit < units; unit += groups.x * GROUP) {
        for (var part = unit * 4u; part < unit * 4u + 4u; part++) {
            let bits = voxels[part];
            results[part] = vec4(result(bits.x), result(bits.y), result(bits.z), result(bits.w));
        }
    }
}
