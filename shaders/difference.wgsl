// What one brick has more than another, voxel by voxel, of keys of whole numbers.
//! use shared/brick

struct Params {
    // Of the brick that is taken from.
    upper_shape: vec3<u32>,
    // Bits that a result has.
    mask: u32,
    // Voxel of that brick whose result is the first.
    upper_origin: vec3<u32>,
    // Of the brick that is taken away.
    lower_shape: vec3<u32>,
    lower_origin: vec3<u32>,
    // Of the result.
    size: vec3<u32>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> upper: array<u32>;
@group(0) @binding(2) var<storage, read> lower: array<u32>;
@group(0) @binding(3) var<storage, read_write> results: array<u32>;

const GROUP = vec3(32u, 4u, 2u);

@compute @workgroup_size(GROUP.x, GROUP.y, GROUP.z)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let step = groups * GROUP;
    for (var z = id.z; z < params.size.z; z += step.z) {
        for (var y = id.y; y < params.size.y; y += step.y) {
            for (var x = id.x; x < params.size.x; x += step.x) {
                let at = vec3(x, y, z);
                let more = upper[brick_index(params.upper_origin + at, params.upper_shape)];
                let less = lower[brick_index(params.lower_origin + at, params.lower_shape)];
                results[brick_index(at, params.size)] = (more - less) & params.mask;
            }
        }
    }
}
