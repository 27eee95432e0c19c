// The median of the 3 x 3 x 3 voxels around each: number 13 of their ascending keys, counted from 0.
//
// Selection from the top bit down: the median has a bit set if and only if at most 13 keys lie below the prefix with that bit set. The
// bits above the first one in which the window's least and greatest key differ are those of all keys, so a window takes as many
// rounds of 27 comparisons as its values differ in bits: about eight in CT, at most the bits of a key.
//! use shared/brick

struct Params {
    // Of the brick that is read.
    shape: vec3<u32>,
    // Keys from this to the next are numbers; others are NaN.
    first_number: u32,
    // Voxel of that brick whose median is the first of the result.
    origin: vec3<u32>,
    last_number: u32,
    // Of the result.
    size: vec3<u32>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> keys: array<u32>;
@group(0) @binding(2) var<storage, read_write> medians: array<u32>;

const GROUP = vec3(32u, 4u, 2u);
// Keys below the median.
const BELOW: u32 = 13u;

fn row(x: vec3<u32>, y: u32, z: u32) -> vec3<u32> {
    let start = brick_index(vec3(0u, y, z), params.shape);
    return vec3(keys[start + x.x], keys[start + x.y], keys[start + x.z]);
}

fn flags(is: vec3<bool>) -> vec3<u32> {
    return select(vec3(0u), vec3(1u), is);
}

fn median_at(at: vec3<u32>) -> u32 {
    let low = nearest(vec3<i32>(at) - vec3(1), params.shape);
    let high = nearest(vec3<i32>(at) + vec3(1), params.shape);
    let x = vec3(low.x, at.x, high.x);
    // Nine names and no array: an array at a place that is not constant must lie in memory.
    let a = row(x, low.y, low.z);
    let b = row(x, at.y, low.z);
    let c = row(x, high.y, low.z);
    let d = row(x, low.y, at.z);
    let e = row(x, at.y, at.z);
    let f = row(x, high.y, at.z);
    let g = row(x, low.y, high.z);
    let h = row(x, at.y, high.z);
    let i = row(x, high.y, high.z);

    let lows = min(min(min(min(a, b), min(c, d)), min(min(e, f), min(g, h))), i);
    let highs = max(max(max(max(a, b), max(c, d)), max(max(e, f), max(g, h))), i);
    let least = min(min(lows.x, lows.y), lows.z);
    let most = max(max(highs.x, highs.y), highs.z);
    if (most > params.last_number) {
        return most;
    }
    if (least < params.first_number || least == most) {
        return least;
    }
    var bit = 1u << firstLeadingBit(least ^ most);
    var prefix = least & ~(bit | (bit - 1u));
    for (; bit > 0u; bit >>= 1u) {
        let t = vec3(prefix | bit);
        let sums = flags(a < t) + flags(b < t) + flags(c < t) + flags(d < t) + flags(e < t) + flags(f < t) + flags(g < t)
            + flags(h < t) + flags(i < t);
        if (sums.x + sums.y + sums.z <= BELOW) {
            prefix |= bit;
        }
    }
    return prefix;
}

@compute @workgroup_size(GROUP.x, GROUP.y, GROUP.z)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let step = groups * GROUP;
    for (var z = id.z; z < params.size.z; z += step.z) {
        for (var y = id.y; y < params.size.y; y += step.y) {
            for (var x = id.x; x < params.size.x; x += step.x) {
                let at = vec3(x, y, z);
                medians[brick_index(at, params.size)] = median_at(params.origin + at);
            }
        }
    }
}
