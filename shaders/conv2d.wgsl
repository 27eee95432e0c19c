// Convolutions of a trained network in whole numbers of 32 bits. Activations are pairs of channels, 16 bits each, in a word.
//! use shared/activations

struct Params {
    // Images, rows, columns, words of a pixel.
    input_shape: vec4<u32>,
    output_shape: vec4<u32>,
    // Rows and columns of the output before four channels become pixels, and its words of a pixel.
    summed: vec3<u32>,
    side: vec2<u32>,
    stride: u32,
    pad: u32,
    // Of a pixel of the output, from which results are written.
    first_word: u32,
    outputs: u32,
    low: i32,
    high: i32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<u32>;
// By pair of output channels, row, column and pair of input channels: the even output channel's two weights, then the odd one's.
@group(0) @binding(2) var<storage, read> weights: array<u32>;
// By output channel: bias, multiplier, shift.
@group(0) @binding(3) var<storage, read> scales: array<i32>;
@group(0) @binding(4) var<storage, read_write> results: array<u32>;

// 1: four channels are four pixels.
override SHUFFLE: u32 = 0u;

const GROUP: u32 = 64u;

// The sums of a pair of output channels at a pixel of an image.
fn pair_sums(image: u32, y: u32, x: u32, pair: u32) -> vec2<i32> {
    let words = params.input_shape.w;
    var sums = vec2(scales[6u * pair], scales[6u * pair + 3u]);
    for (var ky = 0u; ky < params.side.x; ky++) {
        // Below 0 is beyond the last row, too.
        let row = y * params.stride + ky - params.pad;
        if (row >= params.input_shape.y) { continue; }
        for (var kx = 0u; kx < params.side.y; kx++) {
            let column = x * params.stride + kx - params.pad;
            if (column >= params.input_shape.z) { continue; }
            let at = ((image * params.input_shape.y + row) * params.input_shape.z + column) * words;
            let tap = ((pair * params.side.x + ky) * params.side.y + kx) * words;
            for (var k = 0u; k < words; k++) {
                let a = both(input[at + k]);
                let w = weights[tap + k];
                sums.x += a.x * (i32(w << 24u) >> 24u) + a.y * (i32(w << 16u) >> 24u);
                sums.y += a.x * (i32(w << 8u) >> 24u) + a.y * (i32(w) >> 24u);
            }
        }
    }
    return sums;
}

fn scaled(sum: i32, channel: u32) -> i32 {
    return clamp(requant(sum, scales[3u * channel + 1u], u32(scales[3u * channel + 2u])), params.low, params.high);
}

@compute @workgroup_size(GROUP)
fn convolve(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let pairs = params.summed.z;
    let all = params.input_shape.x * params.summed.x * params.summed.y * pairs;
    for (var unit = id.x; unit < all; unit += groups.x * GROUP) {
        let pair = unit % pairs;
        let pixel = unit / pairs;
        var x = pixel % params.summed.y;
        var y = pixel / params.summed.y % params.summed.x;
        let image = pixel / (params.summed.y * params.summed.x);
        let sums = pair_sums(image, y, x, pair);
        let value = joined(vec2(scaled(sums.x, 2u * pair), scaled(sums.y, 2u * pair + 1u)));
        var word = pair;
        if (SHUFFLE == 1u) {
            let quarter = pair / (pairs / 4u);
            word = pair % (pairs / 4u);
            y = 2u * y + quarter / 2u;
            x = 2u * x + quarter % 2u;
        }
        let place = (image * params.output_shape.y + y) * params.output_shape.z + x;
        let at = place * params.output_shape.w + params.first_word + word;
        // A part of what is there: the other channels stay.
        if (at < arrayLength(&results)) {
            results[at] = value;
        }
    }
}

// Sums as they are, by pixel and channel.
@compute @workgroup_size(GROUP)
fn sum(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let pairs = params.summed.z;
    let all = params.input_shape.x * params.summed.x * params.summed.y * pairs;
    for (var unit = id.x; unit < all; unit += groups.x * GROUP) {
        let pair = unit % pairs;
        let pixel = unit / pairs;
        let image = pixel / (params.summed.y * params.summed.x);
        let sums = pair_sums(image, pixel / params.summed.y % params.summed.x, pixel % params.summed.y, pair);
        results[pixel * params.outputs + 2u * pair] = u32(sums.x);
        if (2u * pair + 1u < params.outputs) {
            results[pixel * params.outputs + 2u * pair + 1u] = u32(sums.y);
        }
    }
}
