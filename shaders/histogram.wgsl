// Counts voxels by value: one bin for each value of an 8- or 16-bit integer type, or f32 voxels between given edges.
//
// Every workgroup counts in 4,096 private bins (16 KiB, what every device grants) and adds them to the result once. A private
// window [window_first, window_first + 2^window_log2) covers the values that are expected to be frequent; 256-bin histograms get 16 windows,
// so that neighbouring lanes do not queue for one bin. Values outside the window go straight to the result: the window
// is a matter of speed, never of the answer. Medical images are mostly runs of one value (air, padding), so each invocation
// adds a run of equal values at once.
//! use shared/stored
//! use shared/floats
//! use shared/find

struct Params {
    voxels: u32,
    // XORed into a stored value to get its bin: 0x80 for i8, 0x8000 for i16.
    sign: u32,
    bins: u32,
    window_first: u32,
    window_log2: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> voxels: array<vec4<u32>>;
// One byte a voxel; non-zero counts.
@group(0) @binding(2) var<storage, read> voxel_mask: array<vec4<u32>>;
// Ascending order keys of the bins + 1 edges; f32 only.
@group(0) @binding(3) var<storage, read> edges: array<u32>;
// The bins, then NaN, below and above.
@group(0) @binding(4) var<storage, read_write> counts: array<atomic<u32>>;

override BITS: u32 = 16u;
override MASKED: bool = false;

const GROUP: u32 = 256u;
const PRIVATE: u32 = 4096u;

var<workgroup> private_bins: array<atomic<u32>, PRIVATE>;

fn add(copy_base: u32, bin: u32, count: u32) {
    if (count == 0u) {
        return;
    }
    let slot = bin - params.window_first;
    if (slot < (1u << params.window_log2)) {
        atomicAdd(&private_bins[copy_base + slot], count);
    } else {
        atomicAdd(&counts[bin], count);
    }
}

fn float_bin(bits: u32) -> u32 {
    if (is_nan(bits)) {
        return params.bins;
    }
    let key = order_key(bits);
    if (key < edges[0]) {
        return params.bins + 1u;
    }
    if (key > edges[params.bins]) {
        return params.bins + 2u;
    }
    // The last bin holds its upper edge too.
    return find(key, params.bins);
}

fn bins_of(unit: u32, part: u32) -> vec4<u32> {
    let bits = stored(unit, part);
    if (BITS == 32u) {
        return vec4(float_bin(bits.x), float_bin(bits.y), float_bin(bits.z), float_bin(bits.w));
    }
    return bits ^ vec4(params.sign);
}

@compute @workgroup_size(GROUP)
fn main(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
    let copies = PRIVATE >> params.window_log2;
    let copy_base = (lane & (copies - 1u)) << params.window_log2;
    let units = (params.voxels + UNIT - 1u) / UNIT;
    var run_bin = 0u;
    var run = 0u;
    for (var unit = id.x; unit < units; unit += groups.x * GROUP) {
        let left = params.voxels - unit * UNIT;
        for (var part = 0u; part < 4u; part++) {
            let bin = bins_of(unit, part);
            var counted = vec4(part * 4u) + vec4(0u, 1u, 2u, 3u) < vec4(left);
            if (MASKED) {
                counted = counted & (unpack8(voxel_mask[unit][part]) != vec4(0u));
            }
            for (var i = 0u; i < 4u; i++) {
                if (counted[i]) {
                    if (bin[i] == run_bin) {
                        run += 1u;
                    } else {
                        add(copy_base, run_bin, run);
                        run_bin = bin[i];
                        run = 1u;
                    }
                }
            }
        }
    }
    add(copy_base, run_bin, run);

    workgroupBarrier();
    let window = 1u << params.window_log2;
    for (var slot = lane; slot < window; slot += GROUP) {
        var sum = 0u;
        for (var at = slot; at < PRIVATE; at += window) {
            sum += atomicLoad(&private_bins[at]);
        }
        if (sum > 0u) {
            atomicAdd(&counts[params.window_first + slot], sum);
        }
    }
}
