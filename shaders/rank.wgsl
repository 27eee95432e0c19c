// The value of a rank among the voxels of a footprint around each: number `rank` of their ascending keys, counted from 0.
//
// Selection from the top bit down, as in median.wgsl: the result has a bit set if and only if at most `rank` keys lie below the prefix with that bit set.
// A footprint is rows along x, and comes as a list of them; keys come from a cache, for neighbouring threads read neighbouring ones. The least and the
// greatest key end the search before it begins where they are wanted, or are one.
//
// `begin` looks for these two; each call of `search` settles a few bits. One call would take too long on slow devices, and llvmpipe ends all loops of an
// invocation after 65,536 rounds without a word.
//! use shared/brick

struct Params {
    // Of the brick that is read.
    shape: vec3<u32>,
    // Keys from this to the next are numbers; others are NaN.
    first_number: u32,
    // Voxel of that brick whose result is the first.
    origin: vec3<u32>,
    last_number: u32,
    // Of the result.
    size: vec3<u32>,
    rank: u32,
    // Of the footprint.
    rows: u32,
    voxels: u32,
    // Bits that are settled in one call.
    bits: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> keys: array<u32>;
// Of each row of the footprint: steps along y and z, and how far it reaches along x on either side.
@group(0) @binding(2) var<storage, read> rows: array<vec4<i32>>;
@group(0) @binding(3) var<storage, read_write> results: array<u32>;
// The bit that comes next, as a mask; 0 where the result is known.
@group(0) @binding(4) var<storage, read_write> open: array<u32>;

const GROUP = vec3(32u, 4u, 2u);

// Where the row of the brick begins that a row of the footprint lies in.
fn start_of(at: vec3<i32>, row: vec4<i32>) -> u32 {
    let place = nearest(vec3(0, at.y + row.x, at.z + row.y), params.shape);
    return brick_index(place, params.shape);
}

fn along(x: i32) -> u32 {
    return u32(clamp(x, 0, i32(params.shape.x) - 1));
}

// The result, or its leading bits, and the mask of the bit that comes next.
fn begun(at: vec3<i32>) -> vec2<u32> {
    var least = 0xffffffffu;
    var most = 0u;
    for (var i = 0u; i < params.rows; i++) {
        let row = rows[i];
        let start = start_of(at, row);
        for (var x = at.x - row.z; x <= at.x + row.z; x++) {
            let key = keys[start + along(x)];
            least = min(least, key);
            most = max(most, key);
        }
    }
    if (most > params.last_number) {
        return vec2(most, 0u);
    }
    if (least < params.first_number || least == most || params.rank == 0u) {
        return vec2(least, 0u);
    }
    if (params.rank + 1u == params.voxels) {
        return vec2(most, 0u);
    }
    let bit = 1u << firstLeadingBit(least ^ most);
    return vec2(least & ~(bit | (bit - 1u)), bit);
}

fn below(at: vec3<i32>, threshold: u32) -> u32 {
    var count = 0u;
    for (var i = 0u; i < params.rows; i++) {
        let row = rows[i];
        let start = start_of(at, row);
        for (var x = at.x - row.z; x <= at.x + row.z; x++) {
            count += select(0u, 1u, keys[start + along(x)] < threshold);
        }
    }
    return count;
}

@compute @workgroup_size(GROUP.x, GROUP.y, GROUP.z)
fn begin(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let step = groups * GROUP;
    for (var z = id.z; z < params.size.z; z += step.z) {
        for (var y = id.y; y < params.size.y; y += step.y) {
            for (var x = id.x; x < params.size.x; x += step.x) {
                let at = vec3(x, y, z);
                let index = brick_index(at, params.size);
                let found = begun(vec3<i32>(params.origin + at));
                results[index] = found.x;
                open[index] = found.y;
            }
        }
    }
}

@compute @workgroup_size(GROUP.x, GROUP.y, GROUP.z)
fn search(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let step = groups * GROUP;
    for (var z = id.z; z < params.size.z; z += step.z) {
        for (var y = id.y; y < params.size.y; y += step.y) {
            for (var x = id.x; x < params.size.x; x += step.x) {
                let at = vec3(x, y, z);
                let index = brick_index(at, params.size);
                var bit = open[index];
                var prefix = results[index];
                for (var i = 0u; i < params.bits && bit > 0u; i++) {
                    if (below(vec3<i32>(params.origin + at), prefix | bit) <= params.rank) {
                        prefix |= bit;
                    }
                    bit >>= 1u;
                }
                results[index] = prefix;
                open[index] = bit;
            }
        }
    }
}
