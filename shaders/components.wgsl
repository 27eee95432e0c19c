// Connected components by trees of voxels: each voxel points to one before it, the first voxel of a tree to itself. Trees that touch are joined, the later
// root to the earlier one, until no two touch; then the roots are the first voxels of the components, and counting them numbers these.
//
// A workgroup joins its own box in its own memory; what touches across boxes is joined in rounds. Only roots are made to point elsewhere, and only by an exchange
// that fails if they are roots no more: no join is ever lost, and a round that could not finish is simply done again.
//! use shared/brick

struct Params {
    shape: vec3<u32>,
    // In how many coordinates neighbours may differ by one: 1, 2 or 3.
    differ: u32,
    // Which voxels there are components of.
    same: u32,
    // Number of this round.
    round: u32,
    // Voxels that a workgroup counts.
    block: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> keys: array<u32>;
@group(0) @binding(2) var<storage, read_write> parents: array<atomic<u32>>;
// For each round, whether it was not enough.
@group(0) @binding(3) var<storage, read_write> unfinished: array<atomic<u32>>;
// Roots in each block, and up to the end of each.
@group(0) @binding(4) var<storage, read_write> counts: array<u32>;
@group(0) @binding(5) var<storage, read> cumulative: array<u32>;
@group(0) @binding(6) var<storage, read_write> labels: array<u32>;

const GROUP = vec3(32u, 4u, 2u);
const LANES: u32 = 256u;

// Values of `same`.
const NOT_ZERO: u32 = 0u;
const LABEL: u32 = 1u;
const ZERO: u32 = 2u;
const VALUE: u32 = 3u;

// The parent of a voxel of no component.
const NOTHING: u32 = 0xffffffffu;

// Steps along trees that an invocation takes in a round.
override MOST_STEPS: u32 = 32768u;

var<private> steps: u32;

var<workgroup> tree: array<atomic<u32>, LANES>;
var<workgroup> kinds: array<vec2<u32>, LANES>;
var<workgroup> sums: array<u32, LANES>;

// Whether there is a component at a voxel, and what its other voxels must have: 0 for those that are alike.
fn kind_at(index: u32) -> vec2<u32> {
    let key = keys[index];
    switch params.same {
        case NOT_ZERO: { return vec2(u32(key != 0u), 0u); }
        case LABEL: { return vec2(u32(key != 0u), key); }
        case ZERO: { return vec2(u32(key == 0u), 0u); }
        default: { return vec2(1u, key); }
    }
}

// The neighbours that come before a voxel: 13 of its 26, numbered from 0.
fn before(number: u32) -> vec3<i32> {
    let n = i32(number);
    return vec3(n % 3, n / 3 % 3, n / 9) - vec3(1);
}

// Whether two voxels with this between them are neighbours at all.
fn is_near(by: vec3<i32>) -> bool {
    let ones = abs(by);
    return u32(ones.x + ones.y + ones.z) <= params.differ;
}

fn local_root(start: u32) -> u32 {
    var node = start;
    loop {
        let parent = atomicLoad(&tree[node]);
        if (parent == node) {
            break;
        }
        node = parent;
    }
    return node;
}

fn local_join(one: u32, other: u32) {
    var a = one;
    var b = other;
    loop {
        a = local_root(a);
        b = local_root(b);
        if (a == b || atomicCompareExchangeWeak(&tree[max(a, b)], max(a, b), min(a, b)).exchanged) {
            return;
        }
    }
}

// The trees of each workgroup's box.
@compute @workgroup_size(GROUP.x, GROUP.y, GROUP.z)
fn begin(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) own: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let boxes = (params.shape + GROUP - 1u) / GROUP;
    for (var z = group.z; z < boxes.z; z += groups.z) {
        for (var y = group.y; y < boxes.y; y += groups.y) {
            for (var x = group.x; x < boxes.x; x += groups.x) {
                let first = vec3(x, y, z) * GROUP;
                let at = first + own;
                let inside = all(at < params.shape);
                let index = brick_index(at, params.shape);
                kinds[lane] = vec2(0u);
                if (inside) {
                    kinds[lane] = kind_at(index);
                }
                atomicStore(&tree[lane], lane);
                workgroupBarrier();
                let kind = kinds[lane];
                if (kind.x != 0u) {
                    for (var i = 0u; i < 13u; i++) {
                        let there = vec3<i32>(own) + before(i);
                        if (is_near(before(i)) && all(there >= vec3(0)) && all(there < vec3<i32>(GROUP))) {
                            let other = brick_index(vec3<u32>(there), GROUP);
                            if (all(kinds[other] == kind)) {
                                local_join(lane, other);
                            }
                        }
                    }
                }
                workgroupBarrier();
                if (inside) {
                    let root = local_root(lane);
                    let place = vec3(root % GROUP.x, root / GROUP.x % GROUP.y, root / (GROUP.x * GROUP.y));
                    atomicStore(&parents[index], select(NOTHING, brick_index(first + place, params.shape), kind.x != 0u));
                }
                // The next box is written where this one is read.
                workgroupBarrier();
            }
        }
    }
}

// The root of a voxel, or where the steps ended. Paths become shorter on the way.
fn root(start: u32) -> u32 {
    var node = start;
    loop {
        let parent = atomicLoad(&parents[node]);
        if (parent == node || steps == 0u) {
            break;
        }
        steps -= 1u;
        let next = atomicLoad(&parents[parent]);
        if (next != parent) {
            // Both are before it on one path: the lower one is farther on.
            atomicMin(&parents[node], next);
        }
        node = next;
    }
    return node;
}

fn join(one: u32, other: u32) {
    var a = one;
    var b = other;
    loop {
        a = root(a);
        b = root(b);
        if (a == b || steps == 0u) {
            return;
        }
        steps -= 1u;
        if (atomicCompareExchangeWeak(&parents[max(a, b)], max(a, b), min(a, b)).exchanged) {
            return;
        }
    }
}

// Whether there is nothing left for this round.
fn is_done() -> bool {
    return params.round > 0u && atomicLoad(&unfinished[params.round - 1u]) == 0u;
}

// Joins what touches across boxes.
@compute @workgroup_size(GROUP.x, GROUP.y, GROUP.z)
fn join_boxes(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    if (is_done()) {
        return;
    }
    steps = MOST_STEPS;
    let step = groups * GROUP;
    for (var z = id.z; z < params.shape.z; z += step.z) {
        for (var y = id.y; y < params.shape.y; y += step.y) {
            for (var x = id.x; x < params.shape.x; x += step.x) {
                let at = vec3(x, y, z);
                let within = at % GROUP;
                // Only at the faces of a box there is another one.
                if (all(within > vec3(0u)) && within.x < GROUP.x - 1u && within.y < GROUP.y - 1u) {
                    continue;
                }
                let index = brick_index(at, params.shape);
                let kind = kind_at(index);
                if (kind.x == 0u) {
                    continue;
                }
                for (var i = 0u; i < 13u; i++) {
                    let there = vec3<i32>(at) + before(i);
                    if (!is_near(before(i)) || any(there < vec3(0)) || any(there >= vec3<i32>(params.shape))) {
                        continue;
                    }
                    let place = vec3<u32>(there);
                    if (all(place / GROUP == at / GROUP)) {
                        continue;
                    }
                    let other = brick_index(place, params.shape);
                    if (all(kind_at(other) == kind)) {
                        join(index, other);
                    }
                }
            }
        }
    }
    if (steps == 0u) {
        atomicStore(&unfinished[params.round], 1u);
    }
}

// Makes every voxel point to its root.
@compute @workgroup_size(GROUP.x, GROUP.y, GROUP.z)
fn flatten(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    if (is_done()) {
        return;
    }
    steps = MOST_STEPS;
    let step = groups * GROUP;
    for (var z = id.z; z < params.shape.z; z += step.z) {
        for (var y = id.y; y < params.shape.y; y += step.y) {
            for (var x = id.x; x < params.shape.x; x += step.x) {
                let index = brick_index(vec3(x, y, z), params.shape);
                let parent = atomicLoad(&parents[index]);
                if (parent != NOTHING) {
                    atomicMin(&parents[index], root(parent));
                }
            }
        }
    }
    if (steps == 0u) {
        atomicStore(&unfinished[params.round], 1u);
    }
}

fn voxels() -> u32 {
    return params.shape.x * params.shape.y * params.shape.z;
}

fn blocks() -> u32 {
    return (voxels() + params.block - 1u) / params.block;
}

// 1 for the first voxel of a component.
fn is_first(index: u32) -> u32 {
    return select(0u, 1u, index < voxels() && atomicLoad(&parents[index]) == index);
}

// The sum of all lanes' numbers up to each: Hillis and Steele (1986).
fn sum_lanes(lane: u32, number: u32) {
    sums[lane] = number;
    workgroupBarrier();
    for (var step = 1u; step < LANES; step *= 2u) {
        var earlier = 0u;
        if (lane >= step) {
            earlier = sums[lane - step];
        }
        workgroupBarrier();
        sums[lane] += earlier;
        workgroupBarrier();
    }
}

@compute @workgroup_size(LANES)
fn count(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    for (var block = group.x; block < blocks(); block += groups.x) {
        var own = 0u;
        for (var i = lane; i < params.block; i += LANES) {
            own += is_first(block * params.block + i);
        }
        sum_lanes(lane, own);
        if (lane == LANES - 1u) {
            counts[block] = sums[lane];
        }
        workgroupBarrier();
    }
}

// Numbers the first voxels, from 1.
@compute @workgroup_size(LANES)
fn number(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    for (var block = group.x; block < blocks(); block += groups.x) {
        var earlier = 0u;
        if (block > 0u) {
            earlier = cumulative[block - 1u];
        }
        for (var tile = 0u; tile < params.block; tile += LANES) {
            let index = block * params.block + tile + lane;
            let first = is_first(index);
            sum_lanes(lane, first);
            if (first == 1u) {
                labels[index] = earlier + sums[lane];
            }
            earlier += sums[LANES - 1u];
            workgroupBarrier();
        }
    }
}

// Gives all other voxels the number of their first one.
@compute @workgroup_size(GROUP.x, GROUP.y, GROUP.z)
fn spread(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let step = groups * GROUP;
    for (var z = id.z; z < params.shape.z; z += step.z) {
        for (var y = id.y; y < params.shape.y; y += step.y) {
            for (var x = id.x; x < params.shape.x; x += step.x) {
                let index = brick_index(vec3(x, y, z), params.shape);
                let parent = atomicLoad(&parents[index]);
                if (parent == NOTHING) {
                    labels[index] = 0u;
                } else if (parent != index) {
                    labels[index] = labels[parent];
                }
            }
        }
    }
}
