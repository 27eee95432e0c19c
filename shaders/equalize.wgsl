// The equalisation table from a cumulative histogram: entry = round((c - c_min) * top / (n - c_min)), exactly, ties to even.
//
// c counts the voxels up to a bin within the range of bins that takes part, c_min those of the lowest occupied bin, n all.
// The quotient is exact: the 48-bit products are pairs of words. The host computes the same in u128; both round the same rational number.
//! use shared/wide

struct Params {
    bins: u32,
    // Largest output value, at most 65,535.
    top: u32,
    // First and last bin of the range to equalise.
    range_first: u32,
    range_last: u32,
    // Bins that hold padding: not counted, and mapped to 0. None if first > last.
    padding_first: u32,
    padding_last: u32,
    // Stored value of bin 0, as i32.
    first_value: i32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> cumulative: array<u32>;
@group(0) @binding(2) var<storage, read_write> entries: array<u32>;

const GROUP: u32 = 256u;

fn before(bin: u32) -> u32 {
    if (bin == 0u) {
        return 0u;
    }
    return cumulative[bin - 1u];
}

// Voxels that take part, up to and including `bin`.
fn counted(bin: u32) -> u32 {
    if (bin < params.range_first) {
        return 0u;
    }
    let end = min(bin, params.range_last);
    var count = cumulative[end] - before(params.range_first);
    let padding_first = max(params.padding_first, params.range_first);
    let padding_last = min(params.padding_last, end);
    if (padding_first <= padding_last) {
        count -= cumulative[padding_last] - before(padding_first);
    }
    return count;
}

// The count of the lowest occupied bin: the first value of `counted` that is not zero.
fn lowest() -> u32 {
    var low = params.range_first;
    var high = params.range_last;
    while (low < high) {
        let middle = low + (high - low) / 2u;
        if (counted(middle) == 0u) {
            low = middle + 1u;
        } else {
            high = middle;
        }
    }
    return counted(low);
}

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let least = lowest();
    let divisor = counted(params.range_last) - least;
    for (var bin = id.x; bin < params.bins; bin += groups.x * GROUP) {
        if (params.padding_first <= bin && bin <= params.padding_last) {
            entries[bin] = 0u;
            continue;
        }
        if (divisor == 0u) {
            // A constant image stays as it is.
            entries[bin] = u32(clamp(params.first_value + i32(bin), 0, i32(params.top)));
            continue;
        }
        let c = counted(bin);
        entries[bin] = rounded(product(max(c, least) - least, params.top), divisor);
    }
}
