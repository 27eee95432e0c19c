// Inclusive prefix sum of up to 65,536 counts: the cumulative histogram. One workgroup walks the counts tile by tile; at this
// size (a quarter of a mebibyte) a single pass beats anything that needs several workgroups to agree.

struct Params {
    count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> counts: array<u32>;
@group(0) @binding(2) var<storage, read_write> cumulative: array<u32>;

const GROUP: u32 = 256u;
const EACH: u32 = 4u;

var<workgroup> sums: array<u32, GROUP>;

@compute @workgroup_size(GROUP)
fn main(@builtin(local_invocation_index) lane: u32) {
    var carry = 0u;
    for (var tile = 0u; tile < params.count; tile += GROUP * EACH) {
        let start = tile + lane * EACH;
        var own: array<u32, EACH>;
        var total = 0u;
        for (var i = 0u; i < EACH; i++) {
            if (start + i < params.count) {
                total += counts[start + i];
            }
            own[i] = total;
        }
        // Hillis and Steele (1986) over the sums of all invocations.
        sums[lane] = total;
        workgroupBarrier();
        for (var step = 1u; step < GROUP; step *= 2u) {
            var before = 0u;
            if (lane >= step) {
                before = sums[lane - step];
            }
            workgroupBarrier();
            sums[lane] += before;
            workgroupBarrier();
        }
        let offset = carry + sums[lane] - total;
        for (var i = 0u; i < EACH; i++) {
            if (start + i < params.count) {
                cumulative[start + i] = offset + own[i];
            }
        }
        carry += sums[GROUP - 1u];
        // The next tile writes `sums` again.
        workgroupBarrier();
    }
}
