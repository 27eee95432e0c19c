// A smooth gain: levels of voxels from nodes in the middles of blocks, and sums over blocks from which nodes are estimated. Whole numbers of 32 bits throughout.

struct Params {
    shape: vec3<u32>,
    // Logarithms of the sides of blocks, to base 2.
    shift: vec3<u32>,
    blocks: vec3<u32>,
}

@group(0) @binding(0) var<uniform> params: Params;
// Two values a word; OUTSIDE where a voxel takes no part.
@group(0) @binding(1) var<storage, read> working: array<u32>;
@group(0) @binding(2) var<storage, read> nodes: array<i32>;
// round(2^14 e^-b) for b from -MOST_NODE on.
@group(0) @binding(3) var<storage, read> gains: array<u32>;
@group(0) @binding(4) var<storage, read_write> levels: array<u32>;
// round(1024 ln w).
@group(0) @binding(5) var<storage, read> logs: array<u32>;
// A byte for each class: four classes a word.
@group(0) @binding(6) var<storage, read> weights: array<u32>;
// For each block and class the sum of weights, then that of weights times logarithms.
@group(0) @binding(7) var<storage, read_write> sums: array<u32>;

override CLASSES: u32 = 3u;
// The highest level, and by how many bits a working value times a gain is more than one: 254 and 20 for each of two channels.
override TOP: u32 = 1023u;
override BITS: u32 = 18u;

const GROUP: u32 = 64u;
const OUTSIDE: u32 = 0xffffu;
const MOST_NODE: i32 = 5120;
const MOST_CLASSES: u32 = 6u;

var<workgroup> block_sums: array<atomic<u32>, 12>;

fn value_at(voxel: u32) -> u32 {
    return (working[voxel / 2u] >> (16u * (voxel % 2u))) & 0xffffu;
}

// The two nodes around a voxel along an axis, and how much the second one counts, of twice the side of a block.
fn between(axis: u32, x: u32) -> vec3<i32> {
    let side = 1i << params.shift[axis];
    let at = 2 * i32(x) + 1 - side;
    let last = i32(params.blocks[axis]) - 1;
    if (at <= 0) {
        return vec3(0, 0, 0);
    }
    let node = at / (2 * side);
    if (node >= last) {
        return vec3(last, last, 0);
    }
    return vec3(node, node + 1, at - 2 * side * node);
}

fn node_at(x: i32, y: i32, z: i32) -> i32 {
    return nodes[(z * i32(params.blocks.y) + y) * i32(params.blocks.x) + x];
}

fn field(voxel: u32) -> i32 {
    let shape = params.shape;
    let x = between(0u, voxel % shape.x);
    let y = between(1u, voxel / shape.x % shape.y);
    let z = between(2u, voxel / (shape.x * shape.y));
    let all = vec3(2i << params.shift.x, 2i << params.shift.y, 2i << params.shift.z);
    var mixed: array<i32, 2>;
    for (var i = 0u; i < 2u; i++) {
        let at = select(x.x, x.y, i == 1u);
        let near = node_at(at, y.x, z.x) * (all.y - y.z) + node_at(at, y.y, z.x) * y.z;
        let far = node_at(at, y.x, z.y) * (all.y - y.z) + node_at(at, y.y, z.y) * y.z;
        mixed[i] = near * (all.z - z.z) + far * z.z;
    }
    let bits = params.shift.x + params.shift.y + params.shift.z + 3u;
    return (mixed[0] * (all.x - x.z) + mixed[1] * x.z + (1i << (bits - 1u))) >> bits;
}

fn level_of(voxel: u32) -> u32 {
    let value = value_at(voxel);
    if (value == OUTSIDE) {
        return OUTSIDE;
    }
    return min((value * gains[field(voxel) + MOST_NODE] + (1u << (BITS - 1u))) >> BITS, TOP);
}

@compute @workgroup_size(GROUP)
fn correct(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let voxels = params.shape.x * params.shape.y * params.shape.z;
    for (var unit = id.x; unit < (voxels + 1u) / 2u; unit += groups.x * GROUP) {
        var packed = 0u;
        for (var i = 0u; i < 2u; i++) {
            let voxel = 2u * unit + i;
            var level = OUTSIDE;
            if (voxel < voxels) {
                level = level_of(voxel);
            }
            packed |= level << (16u * i);
        }
        levels[unit] = packed;
    }
}

// Of a second channel, behind the level of the first one.
@compute @workgroup_size(GROUP)
fn join(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let voxels = params.shape.x * params.shape.y * params.shape.z;
    for (var unit = id.x; unit < (voxels + 1u) / 2u; unit += groups.x * GROUP) {
        let before = levels[unit];
        var packed = 0u;
        for (var i = 0u; i < 2u; i++) {
            let voxel = 2u * unit + i;
            var level = OUTSIDE;
            if (voxel < voxels) {
                level = level_of(voxel);
                if (level != OUTSIDE) {
                    level |= ((before >> (16u * i)) & 0xffu) << 8u;
                }
            }
            packed |= level << (16u * i);
        }
        levels[unit] = packed;
    }
}

// A workgroup for each block in turn.
@compute @workgroup_size(GROUP)
fn add(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let blocks = params.blocks.x * params.blocks.y * params.blocks.z;
    let words = (CLASSES + 3u) / 4u;
    let side = vec3(1u) << params.shift;
    let size = side.x * side.y * side.z;
    for (var block = group.x; block < blocks; block += groups.x) {
        if (lane < 2u * MOST_CLASSES) {
            atomicStore(&block_sums[lane], 0u);
        }
        workgroupBarrier();
        let first = vec3(
            block % params.blocks.x,
            block / params.blocks.x % params.blocks.y,
            block / (params.blocks.x * params.blocks.y),
        ) << params.shift;
        for (var i = lane; i < size; i += GROUP) {
            let place = first + vec3(i % side.x, i / side.x % side.y, i / (side.x * side.y));
            if (all(place < params.shape)) {
                let voxel = (place.z * params.shape.y + place.y) * params.shape.x + place.x;
                let value = value_at(voxel);
                if (value != OUTSIDE) {
                    let log = logs[value];
                    for (var k = 0u; k < CLASSES; k++) {
                        let weight = (weights[voxel * words + k / 4u] >> (8u * (k % 4u))) & 0xffu;
                        if (weight > 0u) {
                            atomicAdd(&block_sums[k], weight);
                            atomicAdd(&block_sums[MOST_CLASSES + k], weight * log);
                        }
                    }
                }
            }
        }
        workgroupBarrier();
        if (lane < CLASSES) {
            sums[2u * (block * CLASSES + lane)] = atomicLoad(&block_sums[lane]);
            sums[2u * (block * CLASSES + lane) + 1u] = atomicLoad(&block_sums[MOST_CLASSES + lane]);
        }
        workgroupBarrier();
    }
}
