// What a trained network does between its convolutions. Activations are pairs of channels, 16 bits each, in a word.
//! use shared/activations

struct Params {
    // Images, rows, columns, words of a pixel.
    input_shape: vec4<u32>,
    output_shape: vec4<u32>,
    // Of a pixel of the output, from which results are written.
    first_word: u32,
    // Multiplier and shift of each input.
    scales: vec4<u32>,
    low: i32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<u32>;
@group(0) @binding(2) var<storage, read> second: array<u32>;
@group(0) @binding(3) var<storage, read_write> results: array<u32>;

const GROUP: u32 = 64u;

struct Place {
    image: u32,
    y: u32,
    x: u32,
    word: u32,
}

fn place_of(unit: u32) -> Place {
    let words = params.input_shape.w;
    let pixel = unit / words;
    let width = params.output_shape.z;
    let height = params.output_shape.y;
    return Place(pixel / (width * height), pixel / width % height, pixel % width, unit % words);
}

fn units() -> u32 {
    return params.output_shape.x * params.output_shape.y * params.output_shape.z * params.input_shape.w;
}

fn from_word(at: Place, y: u32, x: u32) -> u32 {
    return ((at.image * params.input_shape.y + y) * params.input_shape.z + x) * params.input_shape.w + at.word;
}

fn put(at: Place, values: vec2<i32>) {
    let pixel = (at.image * params.output_shape.y + at.y) * params.output_shape.z + at.x;
    let kept = clamp(values, vec2(params.low), vec2(32767));
    let word = pixel * params.output_shape.w + params.first_word + at.word;
    // A part of what is there: the other channels stay.
    if (word < arrayLength(&results)) {
        results[word] = joined(kept);
    }
}

fn rescaled(values: vec2<i32>, scale: vec2<u32>) -> vec2<i32> {
    return vec2(requant(values.x << 8u, i32(scale.x), scale.y), requant(values.y << 8u, i32(scale.x), scale.y));
}

@compute @workgroup_size(GROUP)
fn greatest(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    for (var unit = id.x; unit < units(); unit += groups.x * GROUP) {
        let at = place_of(unit);
        let upper = max(both(input[from_word(at, 2u * at.y, 2u * at.x)]), both(input[from_word(at, 2u * at.y, 2u * at.x + 1u)]));
        let lower = max(both(input[from_word(at, 2u * at.y + 1u, 2u * at.x)]), both(input[from_word(at, 2u * at.y + 1u, 2u * at.x + 1u)]));
        put(at, max(upper, lower));
    }
}

@compute @workgroup_size(GROUP)
fn mean(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    for (var unit = id.x; unit < units(); unit += groups.x * GROUP) {
        let at = place_of(unit);
        var sum = vec2(0);
        for (var y = 0u; y < params.input_shape.y; y++) {
            for (var x = 0u; x < params.input_shape.z; x++) {
                sum += both(input[from_word(at, y, x)]);
            }
        }
        let scale = params.scales.xy;
        put(at, vec2(requant(sum.x, i32(scale.x), scale.y), requant(sum.y, i32(scale.x), scale.y)));
    }
}

@compute @workgroup_size(GROUP)
fn copy(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    for (var unit = id.x; unit < units(); unit += groups.x * GROUP) {
        let at = place_of(unit);
        put(at, rescaled(both(input[from_word(at, at.y, at.x)]), params.scales.xy));
    }
}

@compute @workgroup_size(GROUP)
fn add(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    for (var unit = id.x; unit < units(); unit += groups.x * GROUP) {
        let at = place_of(unit);
        let word = from_word(at, at.y, at.x);
        put(at, rescaled(both(input[word]), params.scales.xy) + rescaled(both(second[word]), params.scales.zw));
    }
}

@compute @workgroup_size(GROUP)
fn double(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    for (var unit = id.x; unit < units(); unit += groups.x * GROUP) {
        let at = place_of(unit);
        put(at, both(input[from_word(at, at.y / 2u, at.x / 2u)]));
    }
}
