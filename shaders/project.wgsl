// Rays through a brick along one axis, one invocation each; of every slab of the axis a ray is left.
//
// What is known of a ray is four words, carried from one dispatch, and from one brick, to the next, so that no dispatch has to take many steps.
//! use shared/brick

struct Params {
    // Of the brick.
    shape: vec3<u32>,
    // 0, 1, 2: along x, y, z.
    axis: u32,
    // Rays along x, y and z.
    size: vec3<u32>,
    // Turns all bits of keys where the least is wanted.
    turn: u32,
    // Keys from this to the next are numbers; others are NaN.
    first_number: u32,
    last_number: u32,
    // Keys from this to the next have no part; none if the first is greater.
    first_padding: u32,
    last_padding: u32,
    // Of each slab this dispatch takes the voxels from this on, so many.
    begin: u32,
    steps: u32,
    // Nothing is known yet.
    fresh: u32,
    // The bit of the key in the middle that is sought.
    bit: u32,
    // Whether all voxels of the ray have been seen for this bit.
    decides: u32,
    // Of an even number the upper of the two in the middle.
    upper: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> keys: array<u32>;
// First voxel of each slab, and the first behind it.
@group(0) @binding(2) var<storage, read> slabs: array<vec2<u32>>;
// The greatest key or the lower word of the sum, the upper word or the key in the middle as far as it is known, voxels that count, keys below.
@group(0) @binding(3) var<storage, read_write> rays: array<vec4<u32>>;

const GROUP: u32 = 256u;
const SUMS: u32 = 2u;

// 0: the greatest, 2: the sum.
override HOW: u32 = 0u;

// First voxel of the brick, from there to the next, and how many.
fn steps_of(ray: u32) -> vec3<u32> {
    var at = vec3(ray % params.size.x, ray / params.size.x % params.size.y, ray / (params.size.x * params.size.y));
    let slab = slabs[at[params.axis]];
    let first = min(slab.x + params.begin, slab.y);
    at[params.axis] = first;
    let strides = vec3(1u, params.shape.x, params.shape.x * params.shape.y);
    return vec3(brick_index(at, params.shape), strides[params.axis], min(params.steps, slab.y - first));
}

fn counts(key: u32) -> bool {
    return key < params.first_padding || key > params.last_padding;
}

@compute @workgroup_size(GROUP)
fn fold(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let all = params.size.x * params.size.y * params.size.z;
    for (var ray = id.x; ray < all; ray += groups.x * GROUP) {
        var known = rays[ray];
        if (params.fresh == 1u) {
            known = vec4(0u);
        }
        let steps = steps_of(ray);
        var at = steps.x;
        for (var step = 0u; step < steps.z; step++) {
            let key = keys[at];
            at += steps.y;
            if (!counts(key)) {
                continue;
            }
            known.z += 1u;
            if (HOW == SUMS) {
                known.x += key;
                known.y += select(0u, 1u, known.x < key);
            } else if (key < params.first_number || key > params.last_number) {
                known.x = 0xffffffffu;
            } else {
                known.x = max(known.x, key ^ params.turn);
            }
        }
        rays[ray] = known;
    }
}

// The key in the middle from the top bit down: it has a bit if and only if no more keys than those before it lie below its bits so far with that one.
@compute @workgroup_size(GROUP)
fn middle(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let all = params.size.x * params.size.y * params.size.z;
    for (var ray = id.x; ray < all; ray += groups.x * GROUP) {
        var known = rays[ray];
        let prefix = known.y | params.bit;
        let steps = steps_of(ray);
        var at = steps.x;
        for (var step = 0u; step < steps.z; step++) {
            let key = keys[at];
            at += steps.y;
            known.w += select(0u, 1u, counts(key) && key < prefix);
        }
        if (params.decides == 1u) {
            if (known.z > 0u && known.w <= (known.z - 1u + params.upper) / 2u) {
                known.y = prefix;
            }
            known.w = 0u;
        }
        rays[ray] = known;
    }
}
