// Voxels of a target, each from the voxels of a source around its centre: the nearest one, a linear mixture, or the label with the largest weight.
//
// Positions are whole numbers of 64 bits, of which 32 are below one voxel: two words, of all three axes of the source at once. They are computed
// from the voxel's indices in the tile, which have 16 bits, by products of 16-bit halves; sums and products modulo 2^64 are those of signed numbers.
//! use shared/brick

struct Params {
    // Of the brick that is read.
    shape: vec3<u32>,
    // The key of what lies outside.
    fill: u32,
    // Of the result.
    size: vec3<u32>,
    // The source's first voxel, and the one behind its last, counted from the brick's first.
    first: vec3<i32>,
    end: vec3<i32>,
    start_low: vec3<u32>,
    start_high: vec3<u32>,
    // What the next voxel along x, y and z of the target adds.
    x_low: vec3<u32>,
    x_high: vec3<u32>,
    y_low: vec3<u32>,
    y_high: vec3<u32>,
    z_low: vec3<u32>,
    z_high: vec3<u32>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> keys: array<u32>;
@group(0) @binding(2) var<storage, read_write> sampled: array<u32>;

const NEAREST: u32 = 0u;
const LINEAR: u32 = 1u;
const LABEL: u32 = 2u;
override SAMPLING: u32 = LINEAR;

const GROUP = vec3(32u, 4u, 2u);

struct Place {
    low: vec3<u32>,
    high: vec3<u32>,
}

fn plus(a: Place, b: Place) -> Place {
    let low = a.low + b.low;
    return Place(low, a.high + b.high + select(vec3(0u), vec3(1u), low < a.low));
}

// n has 16 bits.
fn times(a: Place, n: u32) -> Place {
    let bottom = (a.low & vec3(0xffffu)) * n;
    let middle = (a.low >> vec3(16u)) * n;
    let low = bottom + (middle << vec3(16u));
    return Place(low, a.high * n + (middle >> vec3(16u)) + select(vec3(0u), vec3(1u), low < bottom));
}

fn key(x: u32, y: u32, z: u32) -> u32 {
    return keys[brick_index(vec3(x, y, z), params.shape)];
}

// Weights are 65,536ths, of the second. In two halves, so that 32 bits hold their products with differences of 21 bits: rounding down twice is rounding down once.
fn change(a: u32, b: u32, weight: u32) -> i32 {
    let difference = i32(b) - i32(a);
    return difference * i32(weight >> 8u) + ((difference * i32(weight & 255u)) >> 8u);
}

fn between(a: u32, b: u32, weight: u32) -> u32 {
    return u32(i32(a) + ((change(a, b, weight) + 128) >> 8u));
}

// Sixteenths, which are kept between axes.
fn between_keys(a: u32, b: u32, weight: u32) -> u32 {
    return u32(i32(a << 4u) + ((change(a, b, weight) + 8) >> 4u));
}

fn linear(place: Place) -> u32 {
    let at = plus(place, Place(vec3(1u << 15u), vec3(0u)));
    let whole = vec3<i32>(at.high);
    let weight = at.low >> vec3(16u);
    let a = nearest(whole, params.shape);
    let b = nearest(whole + vec3(1), params.shape);
    let low = between(
        between_keys(key(a.x, a.y, a.z), key(b.x, a.y, a.z), weight.x),
        between_keys(key(a.x, b.y, a.z), key(b.x, b.y, a.z), weight.x),
        weight.y
    );
    let high = between(
        between_keys(key(a.x, a.y, b.z), key(b.x, a.y, b.z), weight.x),
        between_keys(key(a.x, b.y, b.z), key(b.x, b.y, b.z), weight.x),
        weight.y
    );
    return (between(low, high, weight.z) + 8u) >> 4u;
}

// Weights are 32,768ths; their products have 45 bits: sixteen in y, the rest in x.
fn vote(place: Place) -> u32 {
    let at = plus(place, Place(vec3(1u << 16u), vec3(0u)));
    let whole = vec3<i32>(at.high);
    let upper = at.low >> vec3(17u);
    let a = nearest(whole, params.shape);
    let b = nearest(whole + vec3(1), params.shape);
    var corners = array<u32, 8>(
        key(a.x, a.y, a.z), key(b.x, a.y, a.z), key(a.x, b.y, a.z), key(b.x, b.y, a.z),
        key(a.x, a.y, b.z), key(b.x, a.y, b.z), key(a.x, b.y, b.z), key(b.x, b.y, b.z)
    );
    let front = min(min(corners[0], corners[1]), min(corners[2], corners[3]));
    let back = min(min(corners[4], corners[5]), min(corners[6], corners[7]));
    let front_most = max(max(corners[0], corners[1]), max(corners[2], corners[3]));
    let back_most = max(max(corners[4], corners[5]), max(corners[6], corners[7]));
    if (min(front, back) == max(front_most, back_most)) {
        return front;
    }
    var best = 0u;
    var most = vec2(0u);
    for (var i = 0u; i < 8u; i++) {
        let own = corners[i];
        var sum = vec2(0u);
        for (var j = 0u; j < 8u; j++) {
            if (corners[j] == own) {
                let weight = select(vec3(32768u) - upper, upper, (vec3(j) & vec3(1u, 2u, 4u)) != vec3(0u));
                let plane = weight.x * weight.y;
                let bottom = (plane & 0xffffu) * weight.z;
                sum += vec2((plane >> 16u) * weight.z + (bottom >> 16u), bottom & 0xffffu);
            }
        }
        sum = vec2(sum.x + (sum.y >> 16u), sum.y & 0xffffu);
        let more = sum.x > most.x || (sum.x == most.x && sum.y > most.y);
        if (more || (all(sum == most) && own < best)) {
            best = own;
            most = sum;
        }
    }
    return best;
}

@compute @workgroup_size(GROUP.x, GROUP.y, GROUP.z)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let step = groups * GROUP;
    for (var z = id.z; z < params.size.z; z += step.z) {
        let slice = plus(Place(params.start_low, params.start_high), times(Place(params.z_low, params.z_high), z));
        for (var y = id.y; y < params.size.y; y += step.y) {
            let row = plus(slice, times(Place(params.y_low, params.y_high), y));
            for (var x = id.x; x < params.size.x; x += step.x) {
                let place = plus(row, times(Place(params.x_low, params.x_high), x));
                // The nearest voxel says whether the centre lies inside.
                let near = vec3<i32>(plus(place, Place(vec3(0x80000000u), vec3(0u))).high);
                var found = params.fill;
                if (all(near >= params.first) && all(near < params.end)) {
                    if (SAMPLING == LINEAR) {
                        found = linear(place);
                    } else if (SAMPLING == LABEL) {
                        found = vote(place);
                    } else {
                        let at = nearest(near, params.shape);
                        found = key(at.x, at.y, at.z);
                    }
                }
                sampled[brick_index(vec3(x, y, z), params.size)] = found;
            }
        }
    }
}
