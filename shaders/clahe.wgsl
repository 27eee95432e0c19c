// Contrast limited adaptive equalisation: histograms of tiles, and voxels through the tables of the tiles around them.
//! use shared/brick
//! use shared/wide

struct Params {
    // Of the brick.
    shape: vec3<u32>,
    // Slots of the bins; entries of tables have two more, padded to whole words.
    slots: u32,
    // Voxels to do: places of the continued image and visits of slices to be counted, or voxels of the brick.
    size: vec3<u32>,
    words: u32,
    tiles: vec2<u32>,
    tile_size: vec2<u32>,
    // The level of what lies above all bins.
    top: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> keys: array<u32>;
// Where there is a mask, 0 for voxels that do not count.
@group(0) @binding(2) var<storage, read> mask: array<u32>;
// The slot of each key.
@group(0) @binding(3) var<storage, read> slot_of: array<u32>;
// The voxel at each place of the continued image, along x and behind it along y.
@group(0) @binding(4) var<storage, read> sources: array<u32>;
// Slices of the brick, and the layers that count them.
@group(0) @binding(5) var<storage, read> visits: array<vec2<u32>>;
@group(0) @binding(6) var<storage, read_write> counts: array<atomic<u32>>;
// For each voxel along x, then y, then z the tiles on both sides of it, and what they weigh.
@group(0) @binding(7) var<storage, read> between: array<vec4<u32>>;
// Two levels a word.
@group(0) @binding(8) var<storage, read> levels: array<u32>;
// Whether a tile has a table.
@group(0) @binding(9) var<storage, read> filled: array<u32>;
@group(0) @binding(10) var<storage, read_write> blended: array<u32>;

override MASKED: bool = false;

const GROUP = vec3(32u, 4u, 2u);

@compute @workgroup_size(GROUP.x, GROUP.y, GROUP.z)
fn count(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    for (var z = id.z; z < params.size.z; z += groups.z * GROUP.z) {
        let visit = visits[z];
        for (var y = id.y; y < params.size.y; y += groups.y * GROUP.y) {
            for (var x = id.x; x < params.size.x; x += groups.x * GROUP.x) {
                let at = brick_index(vec3(sources[x], sources[params.size.x + y], visit.x), params.shape);
                if (MASKED) {
                    if (mask[at] == 0u) {
                        continue;
                    }
                }
                let slot = slot_of[keys[at]];
                if (slot < params.slots) {
                    let tile = (visit.y * params.tiles.y + y / params.tile_size.y) * params.tiles.x + x / params.tile_size.x;
                    atomicAdd(&counts[tile * params.slots + slot], 1u);
                }
            }
        }
    }
}

fn level(tile: u32, slot: u32) -> u32 {
    return (levels[tile * params.words + slot / 2u] >> (16u * (slot & 1u))) & 0xffffu;
}

@compute @workgroup_size(GROUP.x, GROUP.y, GROUP.z)
fn blend(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    for (var z = id.z; z < params.size.z; z += groups.z * GROUP.z) {
        for (var y = id.y; y < params.size.y; y += groups.y * GROUP.y) {
            for (var x = id.x; x < params.size.x; x += groups.x * GROUP.x) {
                let at = brick_index(vec3(x, y, z), params.shape);
                let slot = slot_of[keys[at]];
                let across = between[x];
                let down = between[params.shape.x + y];
                let depth = between[params.shape.x + params.shape.y + z];
                var sum = vec2(0u);
                var weight = 0u;
                for (var corner = 0u; corner < 8u; corner++) {
                    let high = vec3(corner & 1u, (corner >> 1u) & 1u, corner >> 2u);
                    let tile = (depth[high.z] * params.tiles.y + down[high.y]) * params.tiles.x + across[high.x];
                    let own = across[2u + high.x] * down[2u + high.y] * depth[2u + high.z] * filled[tile];
                    if (own > 0u) {
                        let part = product(own, level(tile, slot));
                        sum.y += part.y;
                        sum.x += part.x + select(0u, 1u, sum.y < part.y);
                        weight += own;
                    }
                }
                if (weight > 0u) {
                    blended[at] = rounded(sum, weight);
                } else {
                    blended[at] = select(0u, params.top, slot == params.slots + 1u);
                }
            }
        }
    }
}
