// A Gaussian along z, y and x in turn, and sharpening by it, in whole numbers.
//
// Between the axes values have some bits behind the point. A value times a weight takes more than the 32 bits of a word, so values are taken in parts, each
// with a sum of its own, and what a part's sum has above its bits is carried on to the next: the sum of all, exactly. Loads of neighbouring threads lie side
// by side on every axis, and most come from a cache.
//! use shared/brick
//! use shared/whole

struct Params {
    // Of what is read.
    shape: vec3<u32>,
    // Voxels on each side, along the axis of this call.
    reach: u32,
    // Voxel of what is read whose result is the first.
    origin: vec3<u32>,
    // Where weights of this axis begin.
    weights: u32,
    // Of the result.
    size: vec3<u32>,
    // Of sharpening, in steps of 1/4096; 0 for none.
    amount: u32,
    // Of the keys that came first, and the voxel of theirs that is the first result; and the greatest key of 8 or 16 bits.
    own_shape: vec3<u32>,
    most: u32,
    own_origin: vec3<u32>,
}

@group(0) @binding(0) var<uniform> params: Params;
// Keys along z, what the axis before left along y and x.
@group(0) @binding(1) var<storage, read> voxels: array<u32>;
// Those that came first.
@group(0) @binding(2) var<storage, read> keys: array<u32>;
// Of each axis: that of the centre, then of both voxels one away, two ...
@group(0) @binding(3) var<storage, read> weights: array<u32>;
@group(0) @binding(4) var<storage, read_write> sums: array<u32>;
@group(0) @binding(5) var<storage, read_write> results: array<u32>;

// Bits of weights, bits behind the point, bits of a part, and what the last part has above a whole.
override WEIGHT: u32 = 20u;
override VALUE: u32 = 8u;
override BITS: u32 = 12u;
override LAST: u32 = 8u;

const GROUP = vec3(32u, 4u, 2u);

fn parts(value: u32) -> vec4<u32> {
    let mask = (1u << BITS) - 1u;
    if (LEVELS) {
        return vec4(value & mask, (value >> BITS) & mask, (value >> ((2u * BITS) & 31u)) & mask, value >> ((3u * BITS) & 31u));
    }
    return vec4(value & mask, value >> BITS, 0u, 0u);
}

// floor(sum / 2^WEIGHT + 1/2) of the sum that these are the parts of.
fn rounded(sum: vec4<u32>) -> u32 {
    let first = sum.x + (1u << (WEIGHT - 1u));
    let second = sum.y + (first >> BITS);
    if (LEVELS) {
        let third = sum.z + (second >> BITS);
        return (sum.w + (third >> BITS)) >> LAST;
    }
    return second >> LAST;
}

fn begun(key: u32) -> u32 {
    let whole = whole_of(key);
    return select(whole << VALUE, NONE, whole == NONE);
}

fn load(at: vec3<i32>, first: bool) -> u32 {
    let voxel = voxels[brick_index(nearest(at, params.shape), params.shape)];
    if (first) {
        return begun(voxel);
    }
    return voxel;
}

fn sum(at: vec3<i32>, along: vec3<i32>, first: bool) -> u32 {
    let centre = load(at, first);
    var sum = parts(centre) * weights[params.weights];
    var none = centre == NONE;
    for (var k = 1u; k <= params.reach; k++) {
        let a = load(at - i32(k) * along, first);
        let b = load(at + i32(k) * along, first);
        none = none || a == NONE || b == NONE;
        sum += (parts(a) + parts(b)) * weights[params.weights + k];
    }
    return select(rounded(sum), NONE, none);
}

// From values to keys, sharpened or not.
fn finished(value: u32, at: vec3<u32>) -> u32 {
    if (value == NONE) {
        return key_of(NONE);
    }
    if (params.amount == 0u) {
        return key_of((value + (1u << (VALUE - 1u))) >> VALUE);
    }
    let own = whole_of(keys[brick_index(params.own_origin + at, params.own_shape)]);
    let shift = VALUE + 12u;
    // Whole numbers end where their type does.
    let least = select(0u, 1u, LEVELS);
    let most = select(params.most, 2u * ZERO - 1u, LEVELS);
    if ((own << VALUE) < value) {
        return key_of(own - min(product(value - (own << VALUE), params.amount, shift), own - least));
    }
    return key_of(own + min(product((own << VALUE) - value, params.amount, shift), most - own));
}

@compute @workgroup_size(GROUP.x, GROUP.y, GROUP.z)
fn along_z(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let step = groups * GROUP;
    for (var z = id.z; z < params.size.z; z += step.z) {
        for (var y = id.y; y < params.size.y; y += step.y) {
            for (var x = id.x; x < params.size.x; x += step.x) {
                let at = vec3(x, y, z);
                sums[brick_index(at, params.size)] = sum(vec3<i32>(params.origin + at), vec3(0, 0, 1), true);
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
                sums[brick_index(at, params.size)] = sum(vec3<i32>(params.origin + at), vec3(0, 1, 0), false);
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
                let value = sum(vec3<i32>(params.origin + at), vec3(1, 0, 0), false);
                results[brick_index(at, params.size)] = finished(value, at);
            }
        }
    }
}
