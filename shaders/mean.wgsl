// The mean of a box around each voxel: its whole sum along z, y and x in turn, divided and rounded once, halves up.
//
// Sums of levels take more than the 32 bits of a word: those of the lower 12 bits and of the others go apart.
//! use shared/brick
//! use shared/whole

struct Params {
    // Of what is read.
    shape: vec3<u32>,
    // Voxels on each side, along the axis of this call.
    reach: u32,
    // Voxel of what is read whose result is the first.
    origin: vec3<u32>,
    // Voxels of the box.
    count: u32,
    // Of the result.
    size: vec3<u32>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> keys: array<u32>;
// What the axis before left: sums of the lower bits and of the others; of these NONE where a voxel is no number.
@group(0) @binding(2) var<storage, read> partial: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read_write> sums: array<vec2<u32>>;
@group(0) @binding(4) var<storage, read_write> means: array<u32>;

const GROUP = vec3(32u, 4u, 2u);
const BITS: u32 = 12u;

fn place(at: vec3<i32>) -> u32 {
    return brick_index(nearest(at, params.shape), params.shape);
}

fn plus(sum: vec2<u32>, more: vec2<u32>) -> vec2<u32> {
    let none = sum.y == NONE || more.y == NONE;
    return select(sum + more, vec2(0u, NONE), none);
}

fn split(key: u32) -> vec2<u32> {
    let whole = whole_of(key);
    return select(vec2(whole & ((1u << BITS) - 1u), whole >> BITS), vec2(0u, NONE), whole == NONE);
}

fn sum_of_keys(at: vec3<i32>) -> vec2<u32> {
    let reach = i32(params.reach);
    var sum = vec2(0u);
    for (var k = -reach; k <= reach; k++) {
        sum = plus(sum, split(keys[place(at + vec3(0, 0, k))]));
    }
    return sum;
}

fn sum_of_sums(at: vec3<i32>, along: vec3<i32>) -> vec2<u32> {
    let reach = i32(params.reach);
    var sum = vec2(0u);
    for (var k = -reach; k <= reach; k++) {
        sum = plus(sum, partial[place(at + k * along)]);
    }
    return sum;
}

// By long division: the upper part first, what is left of it with the lower one.
fn mean(sum: vec2<u32>) -> u32 {
    if (sum.y == NONE) {
        return NONE;
    }
    let n = params.count;
    let rest = ((sum.y % n) << BITS) + sum.x;
    return ((sum.y / n) << BITS) + (2u * rest + n) / (2u * n);
}

@compute @workgroup_size(GROUP.x, GROUP.y, GROUP.z)
fn along_z(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let step = groups * GROUP;
    for (var z = id.z; z < params.size.z; z += step.z) {
        for (var y = id.y; y < params.size.y; y += step.y) {
            for (var x = id.x; x < params.size.x; x += step.x) {
                let at = vec3(x, y, z);
                sums[brick_index(at, params.size)] = sum_of_keys(vec3<i32>(params.origin + at));
            }
        }
    }
}

@compute @workgroup_size(GROUP.x, GROUP.y, GROUP.z)
fn along_y(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let step = groups * GROUP;
    for (var z = id.z; z < params.size.z; z += step.z) {
        for (var y = id.y; y < params.size.y; y += step.y) {
            for (var x = id.x; x < params.size.x; x += step.x) {
                let at = vec3(x, y, z);
                sums[brick_index(at, params.size)] = sum_of_sums(vec3<i32>(params.origin + at), vec3(0, 1, 0));
            }
        }
    }
}

@compute @workgroup_size(GROUP.x, GROUP.y, GROUP.z)
fn along_x(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let step = groups * GROUP;
    for (var z = id.z; z < params.size.z; z += step.z) {
        for (var y = id.y; y < params.size.y; y += step.y) {
            for (var x = id.x; x < params.size.x; x += step.x) {
                let at = vec3(x, y, z);
                let sum = sum_of_sums(vec3<i32>(params.origin + at), vec3(1, 0, 0));
                means[brick_index(at, params.size)] = key_of(mean(sum));
            }
        }
    }
}
