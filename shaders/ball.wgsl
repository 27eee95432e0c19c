// Masks grown and shrunk by balls: before the distance's kernels bits of what gives way, and behind them what is near enough.
//! use shared/brick

struct Params {
    // Of the brick that is read.
    shape: vec3<u32>,
    // Words of a row of bits.
    words: u32,
    // Where the results begin in it.
    origin: vec3<u32>,
    // The key that grows, and the one that gives way.
    grows: u32,
    // Of the results; of the bits for `pack`.
    size: vec3<u32>,
    yields: u32,
    // The square of the radius, the lower word first.
    limit: vec2<u32>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> keys: array<u32>;
@group(0) @binding(2) var<storage, read_write> foreground: array<u32>;
@group(0) @binding(1) var<storage, read> squares: array<u32>;
@group(0) @binding(1) var<storage, read> squares_wide: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read_write> results: array<u32>;

const GROUP = vec3(32u, 4u, 2u);

// Bits of one word: those behind the row are 0.
fn word_at(at: vec3<u32>) -> u32 {
    var bits = 0u;
    let first = 32u * at.x;
    for (var i = 0u; i < 32u && first + i < params.shape.x; i++) {
        let key = keys[brick_index(vec3(first + i, at.y, at.z), params.shape)];
        bits |= select(0u, 1u << i, key != params.grows);
    }
    return bits;
}

@compute @workgroup_size(GROUP.x, GROUP.y, GROUP.z)
fn pack(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let step = groups * GROUP;
    for (var z = id.z; z < params.size.z; z += step.z) {
        for (var y = id.y; y < params.size.y; y += step.y) {
            for (var x = id.x; x < params.size.x; x += step.x) {
                foreground[brick_index(vec3(x, y, z), params.size)] = word_at(vec3(x, y, z));
            }
        }
    }
}

@compute @workgroup_size(GROUP.x, GROUP.y, GROUP.z)
fn within(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let step = groups * GROUP;
    for (var z = id.z; z < params.size.z; z += step.z) {
        for (var y = id.y; y < params.size.y; y += step.y) {
            for (var x = id.x; x < params.size.x; x += step.x) {
                let square = squares[brick_index(params.origin + vec3(x, y, z), params.shape)];
                results[brick_index(vec3(x, y, z), params.size)] = select(params.yields, params.grows, square <= params.limit.x);
            }
        }
    }
}

@compute @workgroup_size(GROUP.x, GROUP.y, GROUP.z)
fn within_wide(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let step = groups * GROUP;
    for (var z = id.z; z < params.size.z; z += step.z) {
        for (var y = id.y; y < params.size.y; y += step.y) {
            for (var x = id.x; x < params.size.x; x += step.x) {
                let square = squares_wide[brick_index(params.origin + vec3(x, y, z), params.shape)];
                let near = square.y < params.limit.y || (square.y == params.limit.y && square.x <= params.limit.x);
                results[brick_index(vec3(x, y, z), params.size)] = select(params.yields, params.grows, near);
            }
        }
    }
}
