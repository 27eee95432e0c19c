// Squared distances to the nearest background voxel, one axis after the other. Rows come first, from bits; columns then take, for each of their voxels, the least of
// what each voxel of the column has and the square of the way to it.
//
// An invocation goes outwards from its voxel until the next step alone is no nearer than the best it has found: as many steps as the distance along that axis. Squares of
// 31 bits are one word, of 62 bits two, the lower one first; nothing is divided and nothing rounded.

struct Params {
    // Voxels along x, y and z.
    shape: vec3<u32>,
    // Voxels from a row of the columns to the next, and rows; of rows themselves 1 and the words of one.
    stride: u32,
    along: u32,
    // Steps of this axis in units.
    weight: u32,
    // Which axis the columns lie along.
    axis: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// One bit a voxel, whole words a row; ones are measured.
@group(0) @binding(1) var<storage, read> foreground: array<u32>;
@group(0) @binding(2) var<storage, read> before: array<u32>;
@group(0) @binding(3) var<storage, read_write> after: array<u32>;
@group(0) @binding(2) var<storage, read> before_wide: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read_write> after_wide: array<vec2<u32>>;

const GROUP = vec3(32u, 4u, 2u);
// No background yet.
const FAR: u32 = 0x80000000u;
const FAR_WIDE = vec2(0u, 0x40000000u);
// Steps to a background that is not there.
const NOWHERE: u32 = 0xffffffffu;

fn place(at: vec3<u32>) -> u32 {
    return (at.z * params.shape.y + at.y) * params.shape.x + at.x;
}

// Steps along its row from a voxel to the nearest background.
fn steps(at: vec3<u32>) -> u32 {
    let row = (at.z * params.shape.y + at.y) * params.along;
    let own = at.x / 32u;
    let bit = at.x % 32u;
    var nearest = NOWHERE;
    // Background is what is 0; what lies behind the row is not.
    for (var back = 0u; back <= own; back++) {
        let word = own - back;
        var zeros = ~foreground[row + word];
        if (back == 0u) {
            zeros &= 0xffffffffu >> (31u - bit);
        }
        if (zeros != 0u) {
            nearest = at.x - (32u * word + firstLeadingBit(zeros));
            break;
        }
    }
    for (var word = own; 32u * word < params.shape.x; word++) {
        let first = 32u * word;
        if (first > at.x && first - at.x >= nearest) {
            break;
        }
        var zeros = ~foreground[row + word];
        if (word == own) {
            zeros &= 0xffffffffu << bit;
        }
        let left = params.shape.x - first;
        if (left < 32u) {
            zeros &= (1u << left) - 1u;
        }
        if (zeros != 0u) {
            nearest = min(nearest, first + firstTrailingBit(zeros) - at.x);
            break;
        }
    }
    return nearest;
}

// The square of a number below 2^31.
fn square_wide(n: u32) -> vec2<u32> {
    let high = n >> 16u;
    let low = n & 0xffffu;
    let mixed = high * low;
    let start = low * low;
    let sum = start + (mixed << 17u);
    return vec2(sum, high * high + (mixed >> 15u) + select(0u, 1u, sum < start));
}

fn plus(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    let sum = a.x + b.x;
    return vec2(sum, a.y + b.y + select(0u, 1u, sum < a.x));
}

fn below(a: vec2<u32>, b: vec2<u32>) -> bool {
    return a.y < b.y || (a.y == b.y && a.x < b.x);
}

fn least(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    return select(b, a, below(a, b));
}

fn column(at: vec3<u32>) -> u32 {
    let own = place(at);
    let y = at[params.axis];
    var best = before[own];
    for (var k = 1u; k <= max(y, params.along - 1u - y); k++) {
        let along = params.weight * k;
        let square = along * along;
        if (square >= best) {
            break;
        }
        if (k <= y) {
            best = min(best, before[own - k * params.stride] + square);
        }
        if (k < params.along - y) {
            best = min(best, before[own + k * params.stride] + square);
        }
    }
    return best;
}

fn column_wide(at: vec3<u32>) -> vec2<u32> {
    let own = place(at);
    let y = at[params.axis];
    var best = before_wide[own];
    for (var k = 1u; k <= max(y, params.along - 1u - y); k++) {
        let square = square_wide(params.weight * k);
        if (!below(square, best)) {
            break;
        }
        if (k <= y) {
            best = least(best, plus(before_wide[own - k * params.stride], square));
        }
        if (k < params.along - y) {
            best = least(best, plus(before_wide[own + k * params.stride], square));
        }
    }
    return best;
}

@compute @workgroup_size(GROUP.x, GROUP.y, GROUP.z)
fn rows(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let step = groups * GROUP;
    for (var z = id.z; z < params.shape.z; z += step.z) {
        for (var y = id.y; y < params.shape.y; y += step.y) {
            for (var x = id.x; x < params.shape.x; x += step.x) {
                let n = steps(vec3(x, y, z));
                let along = params.weight * n;
                after[place(vec3(x, y, z))] = select(along * along, FAR, n == NOWHERE);
            }
        }
    }
}

@compute @workgroup_size(GROUP.x, GROUP.y, GROUP.z)
fn rows_wide(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let step = groups * GROUP;
    for (var z = id.z; z < params.shape.z; z += step.z) {
        for (var y = id.y; y < params.shape.y; y += step.y) {
            for (var x = id.x; x < params.shape.x; x += step.x) {
                let n = steps(vec3(x, y, z));
                after_wide[place(vec3(x, y, z))] = select(square_wide(params.weight * n), FAR_WIDE, n == NOWHERE);
            }
        }
    }
}

@compute @workgroup_size(GROUP.x, GROUP.y, GROUP.z)
fn columns(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let step = groups * GROUP;
    for (var z = id.z; z < params.shape.z; z += step.z) {
        for (var y = id.y; y < params.shape.y; y += step.y) {
            for (var x = id.x; x < params.shape.x; x += step.x) {
                after[place(vec3(x, y, z))] = column(vec3(x, y, z));
            }
        }
    }
}

@compute @workgroup_size(GROUP.x, GROUP.y, GROUP.z)
fn columns_wide(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let step = groups * GROUP;
    for (var z = id.z; z < params.shape.z; z += step.z) {
        for (var y = id.y; y < params.shape.y; y += step.y) {
            for (var x = id.x; x < params.shape.x; x += step.x) {
                after_wide[place(vec3(x, y, z))] = column_wide(vec3(x, y, z));
            }
        }
    }
}
