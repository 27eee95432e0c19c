// A brick with more voxels before and behind along each axis, by a border rule.
//! use shared/brick

struct Params {
    // Of the brick that is read.
    shape: vec3<u32>,
    // Which rule, as below.
    border: u32,
    // Of the result.
    size: vec3<u32>,
    // The key beyond the ends, where it is one.
    outside: u32,
    // Voxels that are added before.
    before: vec3<u32>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> keys: array<u32>;
@group(0) @binding(2) var<storage, read_write> extended: array<u32>;

const NEAREST: u32 = 0u;
const REFLECT: u32 = 1u;
const MIRROR: u32 = 2u;
const CONSTANT: u32 = 3u;

const GROUP = vec3(32u, 4u, 2u);

// What is left of `at` in steps of `period`, not below 0.
fn modulo(at: i32, period: i32) -> i32 {
    let rest = at % period;
    return select(rest, rest + period, rest < 0);
}

// The place in a row of n voxels that is seen at a place inside or outside of it.
fn place(at: i32, n: i32) -> i32 {
    if (params.border == REFLECT) {
        let there = modulo(at, 2 * n);
        return min(there, 2 * n - 1 - there);
    }
    if (params.border == MIRROR) {
        let there = modulo(at, max(2 * n - 2, 1));
        return min(there, 2 * n - 2 - there);
    }
    return clamp(at, 0, n - 1);
}

@compute @workgroup_size(GROUP.x, GROUP.y, GROUP.z)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let step = groups * GROUP;
    let shape = vec3<i32>(params.shape);
    for (var z = id.z; z < params.size.z; z += step.z) {
        for (var y = id.y; y < params.size.y; y += step.y) {
            for (var x = id.x; x < params.size.x; x += step.x) {
                let at = vec3<i32>(vec3(x, y, z)) - vec3<i32>(params.before);
                let outside = any(at < vec3(0)) || any(at >= shape);
                let seen = vec3<u32>(vec3(place(at.x, shape.x), place(at.y, shape.y), place(at.z, shape.z)));
                let key = keys[brick_index(seen, params.shape)];
                let constant = outside && params.border == CONSTANT;
                extended[brick_index(vec3(x, y, z), params.size)] = select(key, params.outside, constant);
            }
        }
    }
}
