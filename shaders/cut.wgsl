// One plane of a volume, or rays across it, out of one chunk after another: each dispatch adds what its chunk has.
//! use shared/floats

struct Params {
    // Columns and rows.
    size: vec2<u32>,
    // The first voxel of this chunk, and how many it has.
    first: u32,
    voxels: u32,
    // The voxel of the first pixel, and from one pixel to the next, to the right and down.
    origin: u32,
    right: i32,
    down: i32,
    // From one voxel of a ray to the next, and how many it has.
    along: u32,
    steps: u32,
    // The sign bit of stored values: 0 for unsigned ones and floats.
    sign: u32,
    // Whether this is the first chunk, and the last one.
    fresh: u32,
    last: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> voxels: array<u32>;
// Bits of f32: the stored value of each pixel; while chunks are added, of means the sum.
@group(0) @binding(2) var<storage, read_write> plane: array<u32>;

override BITS: u32 = 16u;
// 0: the greatest, 1: the least, 2: the mean.
override HOW: u32 = 0u;

const GROUP: u32 = 256u;
// No voxel yet: a NaN that no kernel makes.
const NONE: u32 = 0xffffffffu;
const NAN: u32 = 0x7fc00000u;

// A stored value of this chunk, with its sign.
fn value(at: u32) -> i32 {
    var bits = 0u;
    if (BITS == 8u) {
        bits = (voxels[at / 4u] >> (8u * (at % 4u))) & 0xffu;
    } else {
        bits = (voxels[at / 2u] >> (16u * (at % 2u))) & 0xffffu;
    }
    return i32(bits ^ params.sign) - i32(params.sign);
}

fn to_sum(bits: u32) -> u32 {
    return select(bits, 0u, params.fresh == 1u);
}

// Whole numbers: the greatest, the least, or the mean, of which halves are rounded up.
fn whole(before: u32, begin: u32, count: u32) -> u32 {
    if (HOW == 2u) {
        // From the least value of the type on, so that sums do not wrap: 65,535 times 65,536.
        var sum = to_sum(before);
        for (var k = 0u; k < count; k++) {
            sum += u32(value(begin + k * params.along) + i32(params.sign));
        }
        if (params.last == 0u) {
            return sum;
        }
        return bitcast<u32>(f32(i32((sum + params.steps / 2u) / params.steps) - i32(params.sign)));
    }
    if (count == 0u) {
        return before;
    }
    var best = value(begin);
    for (var k = 1u; k < count; k++) {
        let next = value(begin + k * params.along);
        best = select(min(best, next), max(best, next), HOW == 0u);
    }
    if (before != NONE) {
        let old = i32(bitcast<f32>(before));
        best = select(min(best, old), max(best, old), HOW == 0u);
    }
    return bitcast<u32>(f32(best));
}

// Floats: a ray with a NaN is NaN. Values are compared as keys, never as floats.
fn real(before: u32, begin: u32, count: u32) -> u32 {
    var best = before;
    if (HOW == 2u) {
        best = to_sum(before);
    }
    for (var k = 0u; k < count; k++) {
        let bits = voxels[begin + k * params.along];
        if (is_nan(bits) || best == NAN) {
            best = NAN;
        } else if (HOW == 2u) {
            best = bitcast<u32>(bitcast<f32>(best) + bitcast<f32>(bits));
        } else if (best == NONE || (order_key(bits) > order_key(best)) == (HOW == 0u)) {
            best = bits;
        }
    }
    if (HOW == 2u && params.last == 1u && best != NAN) {
        best = bitcast<u32>(bitcast<f32>(best) / f32(params.steps));
    }
    return best;
}

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let pixels = params.size.x * params.size.y;
    for (var at = id.x; at < pixels; at += groups.x * GROUP) {
        let u = i32(at % params.size.x);
        let v = i32(at / params.size.x);
        // Wraps where it has to: the sum lies in the volume.
        let start = params.origin + u32(u * params.right + v * params.down);
        let end = params.first + params.voxels;
        // The voxels of the ray that lie in this chunk.
        var skipped = 0u;
        if (start < params.first) {
            skipped = min((params.first - start - 1u) / params.along + 1u, params.steps);
        }
        var behind = 0u;
        if (start < end) {
            behind = min((end - start - 1u) / params.along + 1u, params.steps);
        }
        let count = max(behind, skipped) - skipped;
        let begin = start + skipped * params.along - params.first;
        let before = select(plane[at], NONE, params.fresh == 1u);
        if (BITS == 32u) {
            plane[at] = real(before, begin, count);
        } else {
            plane[at] = whole(before, begin, count);
        }
    }
}
