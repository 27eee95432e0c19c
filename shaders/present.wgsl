// What is seen of a plane: greys or colours by a table, colours of labels over them, enlarged or reduced, as packed RGBA.
//
// Places are whole numbers: 65,536 to a pixel of the plane, so that no driver rounds them its own way.
//! use shared/floats

struct Params {
    // Columns and rows of the plane.
    size: vec2<u32>,
    // Of the picture, and words from one row to the next.
    view: vec2<u32>,
    pitch: u32,
    // Where in the plane the picture begins, and from one of its pixels to the next, in 65,536ths.
    from_place: vec2<i32>,
    step: vec2<i32>,
    // The value of the first entry of the table, entries for each unit, and their number.
    first: f32,
    scale: f32,
    entries: u32,
    // Colour where the plane is not.
    beyond: u32,
    // Between pixels, not the nearest ones.
    smooth_values: u32,
    // The table holds colours, not greys.
    coloured: u32,
    // 255: what is low is bright; else 0.
    turned: u32,
    // Labels with a colour; 0 without labels.
    colours: u32,
    // Labels as outlines.
    outline: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// Bits of f32.
@group(0) @binding(1) var<storage, read> plane: array<u32>;
// Labels of the same pixels, as bits of f32.
@group(0) @binding(2) var<storage, read> labels: array<u32>;
// Greys, 0 to 255, or red, green and blue, red lowest.
@group(0) @binding(3) var<storage, read> table: array<u32>;
// RGBA of each label: how much of the pixel it takes is its alpha.
@group(0) @binding(4) var<storage, read> palette: array<u32>;
@group(0) @binding(5) var<storage, read_write> picture: array<u32>;

const GROUP: u32 = 256u;

fn clamped(place: vec2<i32>) -> u32 {
    let at = vec2<u32>(clamp(place, vec2(0), vec2<i32>(params.size) - 1));
    return at.y * params.size.x + at.x;
}

fn value(place: vec2<i32>) -> vec3<u32> {
    let bits = plane[clamped(place)];
    if (is_nan(bits)) {
        return vec3(0u);
    }
    let entry = (bitcast<f32>(bits) - params.first) * params.scale;
    let word = table[u32(clamp(entry, 0.0, f32(params.entries - 1u)))];
    if (params.coloured == 1u) {
        return vec3(word, word >> 8u, word >> 16u) & vec3(0xffu);
    }
    return vec3((word & 0xffu) ^ params.turned);
}

fn label(place: vec2<i32>) -> u32 {
    return u32(max(bitcast<f32>(labels[clamped(place >> vec2(16u))]), 0.0));
}

// Between four pixels whose middles lie around, in 256ths.
fn between(place: vec2<i32>) -> vec3<u32> {
    let moved = place - 32768;
    let at = moved >> vec2(16u);
    let part = vec2<u32>((moved >> vec2(8u)) & vec2(255));
    let top = value(at) * (256u - part.x) + value(at + vec2(1, 0)) * part.x;
    let bottom = value(at + vec2(0, 1)) * (256u - part.x) + value(at + vec2(1, 1)) * part.x;
    return (top * (256u - part.y) + bottom * part.y + 32768u) >> vec3(16u);
}

fn packed(colour: vec3<u32>) -> u32 {
    return colour.x | (colour.y << 8u) | (colour.z << 16u) | 0xff000000u;
}

fn pixel(at: vec2<i32>) -> u32 {
    let place = params.from_place + at * params.step + params.step / 2;
    if (any(place < vec2(0)) || any((place >> vec2(16u)) >= vec2<i32>(params.size))) {
        return params.beyond;
    }
    var shade = vec3(0u);
    if (params.smooth_values == 1u) {
        shade = between(place);
    } else {
        shade = value(place >> vec2(16u));
    }
    if (params.colours > 0u) {
        let own = label(place);
        var colour = 0u;
        if (own < params.colours) {
            colour = palette[own];
        }
        var share = colour >> 24u;
        if (params.outline == 1u && share > 0u) {
            let x = vec2(params.step.x, 0);
            let y = vec2(0, params.step.y);
            let inside = label(place - x) == own && label(place + x) == own && label(place - y) == own && label(place + y) == own;
            share = select(255u, 0u, inside);
        }
        let over = vec3(colour, colour >> 8u, colour >> 16u) & vec3(0xffu);
        shade = (shade * (255u - share) + over * share + 127u) / 255u;
    }
    return packed(shade);
}

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let words = params.pitch * params.view.y;
    for (var i = id.x; i < words; i += groups.x * GROUP) {
        let at = vec2(i % params.pitch, i / params.pitch);
        var seen = 0u;
        if (at.x < params.view.x) {
            seen = pixel(vec2<i32>(at));
        }
        picture[i] = seen;
    }
}
