// The E-step of a Gaussian mixture for each voxel: responsibilities by log-sum-exp, and from them the sums of the M-step, the
// most likely class, or one class's posterior. One to four channels, full covariance.
//
// Each workgroup adds up its voxels and writes one row of partial sums; the host adds the rows in f64. An invocation takes few
// voxels (the host chooses the grid so) and the sum over a workgroup is a tree of fixed shape: rounding stays near that of a single
// number. Distances are from each class's mean, so that nothing cancels.
//! use shared/voxels

struct Params {
    voxels: u32,
    // statistics: rows of partial sums; more than one for each workgroup where the device runs fewer than there is room for.
    rows: u32,
    // posterior: the class that is wanted. Not a constant, or each class would be a pipeline of its own.
    posterior_of: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> voxels_0: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> voxels_1: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> voxels_2: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read> voxels_3: array<vec4<u32>>;
// One byte a voxel; non-zero counts.
@group(0) @binding(5) var<storage, read> voxel_mask: array<vec4<u32>>;
// Of each channel: centre and scale. Of each class: ln weight - ln det / 2 - d ln 2 pi / 2, its mean, and the lower triangle of
// its inverse Cholesky factor, row by row.
@group(0) @binding(6) var<storage, read> model: array<f32>;
// Of each workgroup: for each class the sums of r, r x and r x x', then the log-likelihood as f32; voxels counted and voxels not
// finite as u32.
@group(0) @binding(7) var<storage, read_write> partials: array<u32>;
@group(0) @binding(7) var<storage, read_write> labels: array<vec4<u32>>;
@group(0) @binding(7) var<storage, read_write> posteriors: array<vec4<f32>>;

override CHANNELS: u32 = 1u;
override CLASSES: u32 = 3u;
override MASKED: bool = false;
// Bits of a stored value, and whether it is signed; 32 bits are f32.
override BITS_0: u32 = 8u;
override BITS_1: u32 = 8u;
override BITS_2: u32 = 8u;
override BITS_3: u32 = 8u;
override SIGNED_0: bool = false;
override SIGNED_1: bool = false;
override SIGNED_2: bool = false;
override SIGNED_3: bool = false;

const GROUP: u32 = 64u;
const MOST_CHANNELS: u32 = 4u;
const MOST_CLASSES: u32 = 8u;
// 8 classes of 1 + 4 + 10 sums.
const MOST_SUMS: u32 = 120u;
// e^-87 is the smallest that f32 holds with all its digits.
const LEAST: f32 = -87.0;

var<private> value: array<vec4<f32>, MOST_CHANNELS>;
var<private> density: array<vec4<f32>, MOST_CLASSES>;
var<private> inside: vec4<bool>;
var<private> finite: vec4<bool>;

var<workgroup> lane_sums: array<f32, GROUP>;
var<workgroup> lane_counts: array<vec2<u32>, GROUP>;

fn word(channel: u32, at: u32) -> vec4<u32> {
    switch channel {
        case 0u: { return voxels_0[at]; }
        case 1u: { return voxels_1[at]; }
        case 2u: { return voxels_2[at]; }
        default: { return voxels_3[at]; }
    }
}

fn bits_of(channel: u32) -> u32 {
    switch channel {
        case 0u: { return BITS_0; }
        case 1u: { return BITS_1; }
        case 2u: { return BITS_2; }
        default: { return BITS_3; }
    }
}

fn signed_of(channel: u32) -> bool {
    switch channel {
        case 0u: { return SIGNED_0; }
        case 1u: { return SIGNED_1; }
        case 2u: { return SIGNED_2; }
        default: { return SIGNED_3; }
    }
}

// Loads four voxels of all channels, centred and scaled. What is not finite (by its bits: WGSL lets drivers drop NaN) becomes 0.
fn load(unit: u32, part: u32) {
    let left = params.voxels - unit * UNIT;
    inside = vec4(part * 4u) + vec4(0u, 1u, 2u, 3u) < vec4(left);
    if (MASKED) {
        inside = inside & (unpack8(voxel_mask[unit][part]) != vec4(0u));
    }
    finite = vec4(true);
    for (var c = 0u; c < CHANNELS; c++) {
        let bits = bits_of(c);
        var stored: vec4<f32>;
        if (bits == 32u) {
            let raw = word(c, unit * 4u + part);
            let good = (raw & vec4(0x7f800000u)) != vec4(0x7f800000u);
            finite = finite & good;
            stored = bitcast<vec4<f32>>(select(vec4(0u), raw, good));
        } else {
            var raw: vec4<u32>;
            if (bits == 8u) {
                raw = unpack8(word(c, unit)[part]);
            } else {
                let words = word(c, unit * 2u + part / 2u);
                raw = unpack16(select(words.xy, words.zw, (part & 1u) == 1u));
            }
            let sign = select(0u, 1u << (bits - 1u), signed_of(c));
            stored = vec4<f32>(vec4<i32>(raw ^ vec4(sign)) - vec4(i32(sign)));
        }
        value[c] = (stored - vec4(model[2u * c])) * model[2u * c + 1u];
    }
}

fn class_at(class_index: u32) -> u32 {
    return 2u * CHANNELS + class_index * (1u + CHANNELS + CHANNELS * (CHANNELS + 1u) / 2u);
}

// ln of each class's weighted density for the voxels loaded; returns the largest.
fn densities() -> vec4<f32> {
    var most = vec4(-3.0e38);
    for (var j = 0u; j < CLASSES; j++) {
        let at = class_at(j);
        var row = at + 1u + CHANNELS;
        var squares = vec4(0.0);
        for (var a = 0u; a < CHANNELS; a++) {
            var distance = vec4(0.0);
            for (var b = 0u; b <= a; b++) {
                distance += model[row + b] * (value[b] - vec4(model[at + 1u + b]));
            }
            row += a + 1u;
            squares += distance * distance;
        }
        density[j] = vec4(model[at]) - 0.5 * squares;
        most = max(most, density[j]);
    }
    return most;
}

// Turns ln densities into responsibilities; returns ln of the mixture's density.
fn respond() -> vec4<f32> {
    let most = densities();
    var total = vec4(0.0);
    for (var j = 0u; j < CLASSES; j++) {
        density[j] = exp(max(density[j] - most, vec4(LEAST)));
        total += density[j];
    }
    for (var j = 0u; j < CLASSES; j++) {
        density[j] /= total;
    }
    return most + log(total);
}

fn group_sum(lane: u32, own: f32) -> f32 {
    lane_sums[lane] = own;
    workgroupBarrier();
    for (var step = GROUP / 2u; step > 0u; step /= 2u) {
        if (lane < step) {
            lane_sums[lane] += lane_sums[lane + step];
        }
        workgroupBarrier();
    }
    let sum = lane_sums[0];
    // The next sum overwrites it.
    workgroupBarrier();
    return sum;
}

@compute @workgroup_size(GROUP)
fn statistics(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
    let units = (params.voxels + UNIT - 1u) / UNIT;
    let each = 1u + CHANNELS + CHANNELS * (CHANNELS + 1u) / 2u;
    var sums: array<f32, MOST_SUMS>;
    var likelihood = 0.0;
    var counts = vec2(0u);
    for (var unit = id.x; unit < units; unit += groups.x * GROUP) {
        for (var part = 0u; part < 4u; part++) {
            load(unit, part);
            let counted = select(vec4(0.0), vec4(1.0), inside & finite);
            let both = select(vec4(0u), vec4(1u), inside & finite);
            let strange = select(vec4(0u), vec4(1u), inside & !finite);
            counts += vec2(both.x + both.y + both.z + both.w, strange.x + strange.y + strange.z + strange.w);
            likelihood += dot(respond(), counted);
            for (var j = 0u; j < CLASSES; j++) {
                let at = class_at(j);
                let share = density[j] * counted;
                var s = j * each;
                sums[s] += dot(share, vec4(1.0));
                s += 1u;
                for (var a = 0u; a < CHANNELS; a++) {
                    sums[s + a] += dot(share, value[a] - vec4(model[at + 1u + a]));
                }
                s += CHANNELS;
                for (var a = 0u; a < CHANNELS; a++) {
                    let weighted = share * (value[a] - vec4(model[at + 1u + a]));
                    for (var b = 0u; b <= a; b++) {
                        sums[s] += dot(weighted, value[b] - vec4(model[at + 1u + b]));
                        s += 1u;
                    }
                }
            }
        }
    }
    let width = CLASSES * each + 3u;
    // Rows that no workgroup has add nothing.
    for (var at = group.x + groups.x; at < params.rows; at += groups.x) {
        for (var s = lane; s < width; s += GROUP) {
            partials[at * width + s] = 0u;
        }
    }
    let row = group.x * width;
    for (var s = 0u; s < CLASSES * each; s++) {
        let sum = group_sum(lane, sums[s]);
        if (lane == 0u) {
            partials[row + s] = bitcast<u32>(sum);
        }
    }
    let sum = group_sum(lane, likelihood);
    lane_counts[lane] = counts;
    workgroupBarrier();
    if (lane == 0u) {
        var total = vec2(0u);
        for (var i = 0u; i < GROUP; i++) {
            total += lane_counts[i];
        }
        partials[row + CLASSES * each] = bitcast<u32>(sum);
        partials[row + CLASSES * each + 1u] = total.x;
        partials[row + CLASSES * each + 2u] = total.y;
    }
}

@compute @workgroup_size(GROUP)
fn label(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let units = (params.voxels + UNIT - 1u) / UNIT;
    for (var unit = id.x; unit < units; unit += groups.x * GROUP) {
        var packed: vec4<u32>;
        for (var part = 0u; part < 4u; part++) {
            load(unit, part);
            densities();
            var best = density[0];
            var found = vec4(1u);
            for (var j = 1u; j < CLASSES; j++) {
                let better = density[j] > best;
                best = select(best, density[j], better);
                found = select(found, vec4(j + 1u), better);
            }
            packed[part] = pack8(select(vec4(0u), found, inside & finite));
        }
        labels[unit] = packed;
    }
}

@compute @workgroup_size(GROUP)
fn posterior(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let units = (params.voxels + UNIT - 1u) / UNIT;
    for (var unit = id.x; unit < units; unit += groups.x * GROUP) {
        for (var part = 0u; part < 4u; part++) {
            load(unit, part);
            respond();
            // Not `density[posterior_of]`: an array at a place that is not constant must lie in memory.
            var share = vec4(0.0);
            for (var j = 0u; j < CLASSES; j++) {
                share = select(share, density[j], j == params.posterior_of);
            }
            posteriors[unit * 4u + part] = select(vec4(0.0), share, inside & finite);
        }
    }
}
