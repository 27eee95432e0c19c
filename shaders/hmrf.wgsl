// Soft classes of voxels by their level and their six neighbours: one sweep over all voxels at once, and histograms of levels weighted by class.
//
// Whole numbers of 32 bits throughout, so that every device and the CPU have the same bits. A weight is a byte; four classes are a word, five and six two.
//! use shared/voxels

struct Params {
    shape: vec3<u32>,
    // Of neighbours along x, y and z.
    faces: vec3<u32>,
    strength: u32,
    // histogram: the first class that is counted.
    first: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// Two levels a word; OUTSIDE where a voxel takes no part.
@group(0) @binding(1) var<storage, read> levels: array<u32>;
// Energies by class and level, then the exponentials.
@group(0) @binding(2) var<storage, read> tables: array<u32>;
// WORDS for each voxel.
@group(0) @binding(3) var<storage, read> weights: array<u32>;
@group(0) @binding(4) var<storage, read_write> swept: array<u32>;
// Four labels a word, which are those before when the sweep begins.
@group(0) @binding(5) var<storage, read_write> labels: array<u32>;
@group(0) @binding(6) var<storage, read_write> changed: atomic<u32>;
// By class and level, low and high word.
@group(0) @binding(7) var<storage, read_write> histogram: array<atomic<u32>>;

override CLASSES: u32 = 3u;
// 1024, or 65536 of two channels.
override LEVELS: u32 = 1024u;

const GROUP: u32 = 256u;
// Levels of one channel.
const ONE: u32 = 1024u;
const OUTSIDE: u32 = 0xffffu;
const MOST_ENERGY: i32 = 4095;
const MOST_CLASSES: u32 = 6u;
// Classes whose histograms fit the memory of a workgroup.
const COUNTED: u32 = 4u;

var<private> sums: array<u32, MOST_CLASSES>;
var<workgroup> counts: array<atomic<u32>, 4096>;
var<workgroup> group_changed: atomic<u32>;

fn words() -> u32 {
    return (CLASSES + 3u) / 4u;
}

fn level_at(voxel: u32) -> u32 {
    return (levels[voxel / 2u] >> (16u * (voxel % 2u))) & 0xffffu;
}

fn weight_at(voxel: u32, class_index: u32) -> u32 {
    return (weights[voxel * words() + class_index / 4u] >> (8u * (class_index % 4u))) & 0xffu;
}

fn draw(voxel: u32, face: u32) {
    for (var k = 0u; k < CLASSES; k++) {
        sums[k] += face * weight_at(voxel, k);
    }
}

fn put(voxel: u32, packed: vec2<u32>) {
    swept[voxel * words()] = packed.x;
    if (words() > 1u) {
        swept[voxel * words() + 1u] = packed.y;
    }
}

// The label of a voxel from 1; its new weights are written.
fn relax(voxel: u32, level: u32) -> u32 {
    for (var k = 0u; k < CLASSES; k++) {
        sums[k] = 0u;
    }
    let shape = params.shape;
    let x = voxel % shape.x;
    let y = voxel / shape.x % shape.y;
    let z = voxel / (shape.x * shape.y);
    if (x > 0u) { draw(voxel - 1u, params.faces.x); }
    if (x + 1u < shape.x) { draw(voxel + 1u, params.faces.x); }
    if (y > 0u) { draw(voxel - shape.x, params.faces.y); }
    if (y + 1u < shape.y) { draw(voxel + shape.x, params.faces.y); }
    if (z > 0u) { draw(voxel - shape.x * shape.y, params.faces.z); }
    if (z + 1u < shape.z) { draw(voxel + shape.x * shape.y, params.faces.z); }
    var energies: array<i32, MOST_CLASSES>;
    var least = 0x7fffffff;
    var label = 0u;
    for (var k = 0u; k < CLASSES; k++) {
        energies[k] = i32(tables[k * LEVELS + level]) - i32((sums[k] * params.strength) >> 16u);
        if (energies[k] < least) {
            least = energies[k];
            label = k + 1u;
        }
    }
    var p: array<u32, MOST_CLASSES>;
    var sum = 0u;
    for (var k = 0u; k < CLASSES; k++) {
        p[k] = tables[CLASSES * LEVELS + u32(min(energies[k] - least, MOST_ENERGY))];
        sum += p[k];
    }
    var packed = vec2(0u);
    for (var k = 0u; k < CLASSES; k++) {
        packed[k / 4u] |= ((255u * p[k] + sum / 2u) / sum) << (8u * (k % 4u));
    }
    put(voxel, packed);
    return label;
}

@compute @workgroup_size(GROUP)
fn sweep(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    if (lane == 0u) {
        atomicStore(&group_changed, 0u);
    }
    workgroupBarrier();
    let voxels = params.shape.x * params.shape.y * params.shape.z;
    for (var unit = id.x; unit < (voxels + 3u) / 4u; unit += groups.x * GROUP) {
        let before = unpack8(labels[unit]);
        var after = vec4(0u);
        for (var i = 0u; i < 4u; i++) {
            let voxel = 4u * unit + i;
            if (voxel < voxels) {
                let level = level_at(voxel);
                if (level == OUTSIDE) {
                    put(voxel, vec2(0u));
                } else {
                    after[i] = relax(voxel, level);
                }
            }
        }
        labels[unit] = pack8(after);
        let differ = vec4<u32>(before != after);
        atomicAdd(&group_changed, differ.x + differ.y + differ.z + differ.w);
    }
    workgroupBarrier();
    if (lane == 0u) {
        atomicAdd(&changed, atomicLoad(&group_changed));
    }
}

fn enter(bin: u32, own: u32) {
    let before = atomicAdd(&histogram[2u * bin], own);
    // The carry.
    if (before + own < before) {
        atomicAdd(&histogram[2u * bin + 1u], 1u);
    }
}

@compute @workgroup_size(GROUP)
fn count(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    for (var bin = lane; bin < COUNTED * ONE; bin += GROUP) {
        atomicStore(&counts[bin], 0u);
    }
    workgroupBarrier();
    let voxels = params.shape.x * params.shape.y * params.shape.z;
    let last = min(CLASSES - params.first, COUNTED);
    for (var voxel = id.x; voxel < voxels; voxel += groups.x * GROUP) {
        let level = level_at(voxel);
        if (level != OUTSIDE) {
            for (var k = 0u; k < last; k++) {
                let weight = weight_at(voxel, params.first + k);
                if (weight > 0u) {
                    atomicAdd(&counts[k * ONE + level], weight);
                }
            }
        }
    }
    workgroupBarrier();
    for (var bin = lane; bin < last * ONE; bin += GROUP) {
        let own = atomicLoad(&counts[bin]);
        if (own > 0u) {
            enter(params.first * ONE + bin, own);
        }
    }
}

// Of two channels: there are too many levels for the memory of a workgroup, and voxels of one level are rarely near each other.
@compute @workgroup_size(GROUP)
fn count_joint(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let voxels = params.shape.x * params.shape.y * params.shape.z;
    for (var voxel = id.x; voxel < voxels; voxel += groups.x * GROUP) {
        let level = level_at(voxel);
        if (level != OUTSIDE) {
            for (var k = 0u; k < CLASSES; k++) {
                let weight = weight_at(voxel, k);
                if (weight > 0u) {
                    enter(k * LEVELS + level, weight);
                }
            }
        }
    }
}
