// The magnitude of the gradient, or the Laplacian, from differences of neighbours: levels as keys of float32.
//
// Squares take two words: of 24 bits each, so that sums of three need no carry in between. The root is found from the top bit down.
//! use shared/brick
//! use shared/whole

struct Params {
    // Of what is read.
    shape: vec3<u32>,
    // Bits by which products of differences and factors are shortened.
    shift: u32,
    // Voxel of what is read whose result is the first.
    origin: vec3<u32>,
    // Of the result.
    size: vec3<u32>,
    // Of differences along x, y and z, over 2^15.
    factors: vec3<u32>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> keys: array<u32>;
@group(0) @binding(2) var<storage, read_write> levels: array<u32>;

const GROUP = vec3(32u, 4u, 2u);
// Bits of the lower word of a square, and its mask.
const LOW: u32 = 24u;
const MASK: u32 = 0xffffffu;

fn whole_at(at: vec3<i32>) -> u32 {
    return whole_of(keys[brick_index(nearest(at, params.shape), params.shape)]);
}

// A difference, of at most 26 bits, times its factor, shortened and rounded.
fn shortened(difference: u32, factor: u32) -> u32 {
    if (LEVELS) {
        return product(difference, factor, params.shift);
    }
    return (difference * factor + (1u << (params.shift - 1u))) >> params.shift;
}

// The square of 24 bits in parts that add up: of 2^24, of 2^12 and of 1.
fn square(number: u32) -> vec3<u32> {
    let high = number >> 12u;
    let low = number & 0xfffu;
    return vec3(high * high, 2u * high * low, low * low);
}

// The upper and the lower word of such parts.
fn words(parts: vec3<u32>) -> vec2<u32> {
    let low = parts.z + ((parts.y & 0xfffu) << 12u);
    return vec2(parts.x + (parts.y >> 12u) + (low >> LOW), low & MASK);
}

fn above(a: vec2<u32>, b: vec2<u32>) -> bool {
    return a.x > b.x || (a.x == b.x && a.y > b.y);
}

// The whole number nearest to the root.
fn root(square_of_it: vec2<u32>) -> u32 {
    var root = 0u;
    for (var bit = 1u << 23u; bit > 0u; bit >>= 1u) {
        if (!above(words(square(root | bit)), square_of_it)) {
            root |= bit;
        }
    }
    // (root + 1/2)² is root² + root and a quarter.
    let middle = words(square(root) + vec3(0u, 0u, root));
    return select(root, root + 1u, above(square_of_it, middle));
}

@compute @workgroup_size(GROUP.x, GROUP.y, GROUP.z)
fn gradient_magnitude(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let step = groups * GROUP;
    for (var z = id.z; z < params.size.z; z += step.z) {
        for (var y = id.y; y < params.size.y; y += step.y) {
            for (var x = id.x; x < params.size.x; x += step.x) {
                let at = vec3<i32>(params.origin + vec3(x, y, z));
                var sum = vec3(0u);
                var none = whole_at(at) == NONE;
                for (var axis = 0u; axis < 3u; axis++) {
                    let along = vec3<i32>(vec3(0u, 1u, 2u) == vec3(axis));
                    let before = whole_at(at - along);
                    let after = whole_at(at + along);
                    none = none || before == NONE || after == NONE;
                    sum += square(shortened(max(before, after) - min(before, after), params.factors[axis]));
                }
                levels[brick_index(vec3(x, y, z), params.size)] = select(level_key(i32(root(words(sum)))), NAN_KEY, none);
            }
        }
    }
}

@compute @workgroup_size(GROUP.x, GROUP.y, GROUP.z)
fn laplacian(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let step = groups * GROUP;
    for (var z = id.z; z < params.size.z; z += step.z) {
        for (var y = id.y; y < params.size.y; y += step.y) {
            for (var x = id.x; x < params.size.x; x += step.x) {
                let at = vec3<i32>(params.origin + vec3(x, y, z));
                let own = whole_at(at);
                var sum = 0;
                var none = own == NONE;
                for (var axis = 0u; axis < 3u; axis++) {
                    let along = vec3<i32>(vec3(0u, 1u, 2u) == vec3(axis));
                    let before = whole_at(at - along);
                    let after = whole_at(at + along);
                    none = none || before == NONE || after == NONE;
                    let curve = i32(before + after) - i32(2u * own);
                    let size = i32(shortened(u32(abs(curve)), params.factors[axis]));
                    sum += select(size, -size, curve < 0);
                }
                levels[brick_index(vec3(x, y, z), params.size)] = select(level_key(sum), NAN_KEY, none);
            }
        }
    }
}
